//! `upstreams`: the services behind the gateway, and the legacy gateway as `node`.

use std::collections::BTreeMap;
use std::time::Duration;

use cutover_compiler::document::{Node, Value};
use cutover_domain::Weight;
use cutover_xds::model::{ANSWER, Breaker, Endpoint, NODE, Outlier, Retry, RetryOn, Upstream};

use super::reader::{self, Fields, Mistakes};
use crate::units;

const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Envoy's own default for a route (config.route.v3.RouteAction.timeout).
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(15);
/// Envoy's own defaults (config.cluster.v3.CircuitBreakers.Thresholds).
const DEFAULT_CONNECTIONS: u32 = 1024;
const DEFAULT_BREAKER: Breaker = Breaker { requests: 1024, pending: 1024, retries: 3 };
/// A day is more than anybody waits; a mistyped unit is caught.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

const FIELDS: &[&str] = &[
    "endpoints",
    "connect_timeout",
    "timeout",
    "idle_timeout",
    "connections",
    "breaker",
    "outlier",
    "retry",
];

/// The upstreams by name; one with a mistake is known by name only.
#[derive(Debug)]
pub(super) struct Upstreams(BTreeMap<String, Option<Upstream>>);

impl Upstreams {
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// All of them, when none has a mistake.
    pub(super) fn all(self) -> Option<BTreeMap<String, Upstream>> {
        self.0.into_iter().map(|(name, upstream)| Some((name, upstream?))).collect()
    }
}

pub(super) fn read(fields: &Fields<'_>, mistakes: &mut Mistakes) -> Option<Upstreams> {
    let section = fields.required("upstreams", "{ node: { endpoints: [127.0.0.1:3000] } }", mistakes)?;
    if !matches!(section.value, Value::Map(_)) {
        let message = format!("`upstreams` must be a map of names, but is {}", section.kind());
        mistakes.add(section.at, message, "write for example `node: { endpoints: [127.0.0.1:3000] }` in it");
        return None;
    }
    let mut upstreams = BTreeMap::new();
    for (key, node) in section.entries() {
        if key.text == ANSWER {
            let message = format!("`{ANSWER}` cannot name an upstream");
            mistakes.add(key.at, message, "the gateway's own answers have that name; choose another");
        } else if !reader::is_name(&key.text) {
            mistakes.add(key.at, format!("`{}` cannot name an upstream", key.text), reader::NAME_RULE);
        }
        upstreams.insert(key.text.clone(), upstream(node, mistakes));
    }
    if !upstreams.contains_key(NODE) {
        let hint = "it is the legacy gateway, which every operation starts on; write for example \
                    `node: { endpoints: [127.0.0.1:3000] }`";
        mistakes.add(section.at, "the upstream `node` is missing", hint);
    }
    Some(Upstreams(upstreams))
}

fn upstream(node: &Node, mistakes: &mut Mistakes) -> Option<Upstream> {
    let fields = Fields::of("upstream", node, FIELDS, mistakes)?;
    let endpoints = endpoints(&fields, mistakes);
    let connect_timeout = time("connect_timeout", &fields, DEFAULT_CONNECT_TIMEOUT, mistakes);
    let timeout = time("timeout", &fields, DEFAULT_TIMEOUT, mistakes);
    let idle_timeout = time("idle_timeout", &fields, Upstream::DEFAULT_IDLE_TIMEOUT, mistakes);
    let connections = count("connections", &fields, DEFAULT_CONNECTIONS, mistakes);
    let breaker = match fields.optional("breaker") {
        None => Some(DEFAULT_BREAKER),
        Some(node) => breaker(node, mistakes),
    };
    // A section that is left out is absent; one with a mistake spoils the upstream.
    let outlier = fields.optional("outlier").map(|node| outlier(node, mistakes));
    let retry = fields.optional("retry").map(|node| retry(node, mistakes));
    Some(Upstream {
        endpoints: endpoints?,
        connect_timeout: connect_timeout?,
        timeout: timeout?,
        idle_timeout: idle_timeout?,
        connections: connections?,
        breaker: breaker?,
        outlier: outlier.map_or(Some(None), |section| section.map(Some))?,
        retry: retry.map_or(Some(None), |section| section.map(Some))?,
    })
}

fn endpoints(fields: &Fields<'_>, mistakes: &mut Mistakes) -> Option<Vec<Endpoint>> {
    let node = fields.required("endpoints", "[127.0.0.1:4001]", mistakes)?;
    let items = reader::list("endpoints", node, "[127.0.0.1:4001]", mistakes)?;
    let mut seen = BTreeMap::new();
    let mut endpoints = Vec::new();
    for item in items {
        let Some(endpoint) = reader::parsed::<Endpoint>("endpoints", item, mistakes) else { continue };
        if let Some(first) = seen.insert(endpoint.clone(), item.at.line) {
            let message = format!("the endpoint {endpoint} is listed twice");
            mistakes.add(item.at, message, format!("it stands in line {first} already"));
        }
        endpoints.push(endpoint);
    }
    (endpoints.len() == items.len()).then_some(endpoints)
}

fn breaker(node: &Node, mistakes: &mut Mistakes) -> Option<Breaker> {
    let fields = Fields::of("breaker", node, &["requests", "pending", "retries"], mistakes)?;
    let requests = count("requests", &fields, DEFAULT_BREAKER.requests, mistakes);
    let pending = count("pending", &fields, DEFAULT_BREAKER.pending, mistakes);
    let retries = count("retries", &fields, DEFAULT_BREAKER.retries, mistakes);
    Some(Breaker { requests: requests?, pending: pending?, retries: retries? })
}

fn outlier(node: &Node, mistakes: &mut Mistakes) -> Option<Outlier> {
    let fields = Fields::of("outlier", node, &["consecutive_5xx", "base_ejection"], mistakes)?;
    let consecutive_5xx = count("consecutive_5xx", &fields, 5, mistakes);
    let base_ejection = time("base_ejection", &fields, Duration::from_secs(30), mistakes);
    Some(Outlier { consecutive_5xx: consecutive_5xx?, base_ejection: base_ejection? })
}

fn retry(node: &Node, mistakes: &mut Mistakes) -> Option<Retry> {
    let fields = Fields::of("retry", node, &["on", "attempts", "backoff", "budget"], mistakes)?;
    let on = conditions(&fields, mistakes);
    let attempts = match fields.optional("attempts") {
        None => Some(1),
        Some(node) => reader::whole("attempts", node, 1..=10, mistakes),
    };
    let backoff = time("backoff", &fields, Retry::DEFAULT_BACKOFF, mistakes);
    let budget = fields.optional("budget").map(|node| percent("budget", node, mistakes));
    Some(Retry {
        on: on?,
        attempts: attempts?,
        backoff: backoff?,
        budget_percent: budget.map_or(Some(None), |budget| budget.map(Some))?,
    })
}

fn conditions(fields: &Fields<'_>, mistakes: &mut Mistakes) -> Option<Vec<RetryOn>> {
    let example = "[connect-failure, reset, \"503\"]";
    let items = reader::list("on", fields.required("on", example, mistakes)?, example, mistakes)?;
    let mut conditions = Vec::new();
    for item in items {
        // A status is understood with and without quotes.
        let condition = match item.as_u64() {
            Some(status) => reader::with(status.to_string().parse::<RetryOn>(), item, mistakes),
            None => reader::parsed("on", item, mistakes),
        };
        conditions.extend(condition);
    }
    (conditions.len() == items.len()).then_some(conditions)
}

fn time(field: &str, fields: &Fields<'_>, otherwise: Duration, mistakes: &mut Mistakes) -> Option<Duration> {
    let Some(node) = fields.optional(field) else { return Some(otherwise) };
    if let Some(number) = node.as_f64() {
        let hint = format!("write {number}s or {number}ms");
        mistakes.add(node.at, format!("`{field}: {number}` has no unit"), hint);
        return None;
    }
    let text = reader::text(field, node, mistakes)?;
    let duration = reader::with(units::duration(text), node, mistakes)?;
    if duration.is_zero() || duration > LONGEST {
        let message = format!("`{field}: {text}` is out of range");
        mistakes.add(node.at, message, "write a duration from 1ms to 24h");
        return None;
    }
    Some(duration)
}

fn count(field: &str, fields: &Fields<'_>, otherwise: u32, mistakes: &mut Mistakes) -> Option<u32> {
    match fields.optional(field) {
        None => Some(otherwise),
        Some(node) => reader::whole(field, node, 1..=1_000_000, mistakes),
    }
}

fn percent(field: &str, node: &Node, mistakes: &mut Mistakes) -> Option<f64> {
    let text = node.as_str().filter(|text| text.ends_with('%'));
    let share = text.and_then(|text| text.parse::<Weight>().ok());
    if share.is_none() {
        let given = match &node.value {
            Value::Number(number) => number.to_string(),
            Value::String(text) => text.clone(),
            _ => node.kind().to_owned(),
        };
        mistakes.add(node.at, format!("`{field}: {given}` is not a share"), "write 0% to 100%, such as 20%");
    }
    share.map(Weight::percent)
}

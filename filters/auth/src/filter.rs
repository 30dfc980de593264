//! The plugin: reads a request's head, lets [`Gate::decide`] decide, applies it.

use std::rc::Rc;

use cutover_filter_host::sdk::{Action, Context, ContextType, HttpContext, RootContext};
use cutover_filter_host::{
    Counter, Gauge, HeaderMap, Headers, HostError, Reply, now_unix_nanoseconds, plugin_configuration,
    property, send_reply, set_property,
};
use cutover_plan::legacy::{CONTENT_TYPE, Refusal};

use crate::algorithm::Algorithm;
use crate::cache::Counts;
use crate::config::Config;
use crate::decision::{Decision, Gate, Ground, Reason, Refused, RequestHead};
use crate::verify::{SignatureError, SignatureVerifier as _, Verifiers};

/// The name by which the bundle chooses this filter.
pub const ROOT_ID: &str = "auth";

/// The plugin.
#[derive(Debug, Default)]
pub struct AuthRoot {
    plugin: Option<Rc<Plugin>>,
}

#[derive(Debug)]
struct Plugin {
    gate: Gate,
    verifiers: Verifiers,
    metrics: Metrics,
}

#[derive(Debug)]
struct AuthFilter {
    plugin: Option<Rc<Plugin>>,
}

impl Context for AuthRoot {}

impl RootContext for AuthRoot {
    fn on_configure(&mut self, _size: usize) -> bool {
        let config = plugin_configuration().map_err(|error| error.to_string());
        match config.and_then(|text| Config::parse(&text).map_err(|error| error.to_string())) {
            Ok((config, warnings)) => {
                for warning in warnings {
                    log::warn!("auth: key left out: {warning}");
                }
                let verifiers = Verifiers::probe();
                log::info!("auth: {verifiers}");
                show(&verifiers);
                for (issuer, algorithm) in config.algorithms() {
                    if !verifiers.supports(algorithm) {
                        log::warn!(
                            "auth: tokens of {issuer} with {algorithm} are refused: the host does not verify it"
                        );
                    }
                }
                self.plugin =
                    Some(Rc::new(Plugin { gate: Gate::new(config), verifiers, metrics: Metrics::define() }));
                true
            }
            Err(error) => {
                log::error!("auth: configuration refused: {error}");
                false
            }
        }
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, _context_id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(AuthFilter { plugin: self.plugin.clone() }))
    }
}

impl Context for AuthFilter {}

impl HttpContext for AuthFilter {
    fn on_http_request_headers(&mut self, _count: usize, _end_of_stream: bool) -> Action {
        // Whatever fails here, the request does not go on (fail closed): a paused request ends by the reply or, if even
        // that fails, by its timeout.
        let Some(plugin) = &self.plugin else { return fail("the filter is not configured") };
        match plugin.judge() {
            Ok(action) => action,
            Err(error) => fail(&error.to_string()),
        }
    }
}

impl Plugin {
    fn judge(&self) -> Result<Action, HostError> {
        let headers = Headers::Request.read()?;
        let now = now_unix_nanoseconds()?.seconds();
        let route_name = property(&["xds", "route_name"])?;
        let target = headers.first(":path").unwrap_or_default();
        let path = String::from_utf8_lossy(target);
        let head = RequestHead {
            method: &String::from_utf8_lossy(headers.first(":method").unwrap_or_default()),
            path: path.split('?').next().unwrap_or_default(),
            target,
            route_name: route_name.as_deref().and_then(|name| std::str::from_utf8(name).ok()),
            headers: &headers,
        };
        let decision = self.gate.decide(&head, now, &self.verifiers);
        self.metrics.looked_up(self.gate.take_cache_counts());
        match decision {
            Decision::Forward { ground, set, remove, state } => {
                for (name, value) in state {
                    // For access logs only, so the request goes on without it.
                    if let Err(error) = set_property(&[name], value.as_bytes()) {
                        log::debug!("auth: filter state {name} not set: {error}");
                    }
                }
                for name in remove {
                    Headers::Request.remove(name)?;
                }
                for (name, value) in set {
                    Headers::Request.set(name, &value)?;
                }
                self.metrics.forwarded(ground);
                Ok(Action::Continue)
            }
            Decision::Refuse(refused) | Decision::Await { issuer: _, otherwise: refused } => {
                let reason = refused.reason;
                if reason == Reason::Signature(SignatureError::Unavailable) {
                    log::warn!("auth: {reason}; does the host still have `verify_signature`?");
                }
                log::debug!("auth: refused: {reason}");
                reply(&refused, &headers)?;
                self.metrics.refused(reason);
                Ok(Action::Pause)
            }
        }
    }
}

fn fail(problem: &str) -> Action {
    log::error!("auth: request refused, the filter cannot work: {problem}");
    let refusal =
        Refusal { status: 503, message: "not ready".to_owned(), errors: Vec::new(), headers: Vec::new() };
    let headers = Headers::Request.read().unwrap_or_default();
    let request_id = String::from_utf8_lossy(headers.first("x-request-id").unwrap_or_default());
    let sent = send_reply(&Reply {
        status: refusal.status,
        details: "cutover_auth_failed",
        headers: &[("content-type".to_owned(), CONTENT_TYPE.to_owned())],
        body: &refusal.body(&request_id),
        grpc_message: headers.is_grpc().then_some(&refusal.message),
    });
    if let Err(error) = sent {
        log::error!("auth: reply refused by the host: {error}");
    }
    Action::Pause
}

fn reply(refused: &Refused, headers: &HeaderMap) -> Result<(), HostError> {
    send_reply(&Reply {
        status: refused.status,
        details: &["cutover_auth_", refused.reason.code()].concat(),
        headers: &refused.headers,
        body: &refused.body,
        grpc_message: headers.is_grpc().then_some(&refused.message),
    })
}

/// Decisions by result and reason, `cutover_auth.passed.<ground>` and `cutover_auth.refused.<reason>`, and the cache's
/// look-ups, `cutover_auth.cache.hits` and `cutover_auth.cache.misses`.
#[derive(Debug)]
struct Metrics {
    passed: [Option<Counter>; 3],
    refused: [Option<Counter>; Reason::CODES.len()],
    hits: Option<Counter>,
    misses: Option<Counter>,
}

impl Metrics {
    fn define() -> Self {
        Self {
            passed: ["public", "anonymous", "token"].map(|ground| define("passed", ground)),
            refused: Reason::CODES.map(|code| define("refused", code)),
            hits: define("cache", "hits"),
            misses: define("cache", "misses"),
        }
    }

    fn looked_up(&self, Counts { hits, misses }: Counts) {
        add(self.hits, hits);
        add(self.misses, misses);
    }

    fn forwarded(&self, ground: Ground) {
        let [public, anonymous, token] = self.passed;
        count(match ground {
            Ground::Public => public,
            Ground::Anonymous => anonymous,
            Ground::Token => token,
        });
    }

    fn refused(&self, reason: Reason) {
        let counters = Reason::CODES.iter().zip(self.refused);
        count(
            counters.into_iter().find(|(code, _)| **code == reason.code()).and_then(|(_, counter)| counter),
        );
    }
}

/// Where each algorithm is verified, as the gauge `cutover_auth.verifier.<algorithm>`: see [`Place`] for the numbers.
///
/// [`Place`]: crate::verify::Place
fn show(verifiers: &Verifiers) {
    for algorithm in Algorithm::ALL {
        let name = format!("cutover_auth.verifier.{algorithm}");
        let shown = Gauge::define(&name).and_then(|gauge| gauge.set(verifiers.place(algorithm) as u64));
        if let Err(error) = shown {
            log::warn!("auth: metric {name} is missing: {error}");
        }
    }
}

fn define(result: &str, detail: &str) -> Option<Counter> {
    Counter::define(&format!("cutover_auth.{result}.{detail}"))
        .inspect_err(|error| log::warn!("auth: metric {result}.{detail} is missing: {error}"))
        .ok()
}

fn count(counter: Option<Counter>) {
    add(counter, 1);
}

/// A decision stands even if it cannot be counted.
fn add(counter: Option<Counter>, number: u32) {
    if let Some(counter) = counter.filter(|_| number > 0)
        && let Err(error) = counter.increment(number)
    {
        log::debug!("auth: not counted: {error}");
    }
}

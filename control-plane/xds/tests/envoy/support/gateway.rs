//! The gateway that the tests render.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use cutover_domain::{OperationId, Weights};
use cutover_xds::model::{
    AccessLog, Breaker, Gateway, NODE, OperationRoute, Outlier, Retry, RetryOn, Target, Upstream,
};

pub(crate) const NAME: &str = "edge";

/// How long the service may take; the node side may take longer.
pub(crate) const TIMEOUT: Duration = Duration::from_millis(700);

/// Failures in a row that eject the frail service.
pub(crate) const FAILURES: u32 = 3;

pub(crate) fn upstream(address: SocketAddr) -> Upstream {
    Upstream {
        endpoints: vec![address.into()],
        connect_timeout: Duration::from_secs(1),
        timeout: TIMEOUT,
        idle_timeout: Upstream::DEFAULT_IDLE_TIMEOUT,
        connections: 64,
        breaker: Breaker { requests: 128, pending: 64, retries: 3 },
        outlier: None,
        retry: Some(Retry {
            on: vec![RetryOn::ConnectFailure, RetryOn::RefusedStream, RetryOn::Reset, RetryOn::Status(503)],
            attempts: 2,
            backoff: Retry::DEFAULT_BACKOFF,
            budget_percent: Some(20.0),
        }),
    }
}

/// Nobody listens here: the port was free a moment ago and belongs to nobody, because it is not in the ephemeral range.
fn nobody() -> SocketAddr {
    "127.0.0.1:1".parse().unwrap()
}

pub(crate) fn gateway(node: SocketAddr, service: SocketAddr, frail: SocketAddr) -> Gateway {
    let outlier = Outlier { consecutive_5xx: FAILURES, base_ejection: Duration::from_secs(60) };
    let narrow = Breaker { requests: 8, pending: 1, retries: 1 };
    let upstreams = [
        (NODE, Upstream { timeout: PATIENT, ..upstream(node) }),
        ("service", upstream(service)),
        ("frail", Upstream { outlier: Some(outlier), retry: None, ..upstream(frail) }),
        ("narrow", Upstream { breaker: narrow, connections: 1, ..upstream(service) }),
        ("gone", upstream(nobody())),
    ];
    let answer = Target::Answer { status: 200, body_json: r#"{"status":"ok"}"#.to_owned() };
    let ready = Target::Ready { upstreams: vec!["service".to_owned(), "frail".to_owned()] };
    Gateway {
        name: NAME.to_owned(),
        listen: "127.0.0.1:0".parse().unwrap(),
        operations: vec![
            operation("getThing", "GET", "/v1/thing/{id}", to("service")),
            operation("postThing", "POST", "/v1/thing/{id}", to("service")),
            operation("getMine", "GET", "/v1/thing/mine", to("service")),
            operation("getFrail", "GET", "/v1/frail/{id}", to("frail")),
            operation("getNarrow", "GET", "/v1/narrow/{id}", to("narrow")),
            operation("getGone", "GET", "/v1/gone", to("gone")),
            operation("postGone", "POST", "/v1/gone", to("gone")),
            operation("health", "GET", "/healthz", answer),
            operation("ready", "GET", "/readyz", ready),
        ],
        upstreams: upstreams
            .into_iter()
            .map(|(name, upstream)| (name.to_owned(), upstream))
            .collect::<BTreeMap<_, _>>(),
        side_header: true,
        filters: None,
        key_hosts: Vec::new(),
        max_body_bytes: 1 << 20,
        claim_headers: vec!["x-tenant".to_owned(), "x-user-id".to_owned()],
        access_log: AccessLog::Stdout,
        log_query: true,
    }
}

const PATIENT: Duration = Duration::from_secs(10);

fn to(upstream: &str) -> Target {
    Target::Upstream(upstream.to_owned())
}

pub(crate) fn operation(id: &str, method: &str, path: &str, target: Target) -> OperationRoute {
    OperationRoute {
        id: id.parse().unwrap(),
        method: method.to_owned(),
        path_template: path.to_owned(),
        target,
        idempotent: method == "GET",
    }
}

/// One weight for every operation, and for what none matches.
pub(crate) fn all(gateway: &Gateway, weight: &str) -> Weights {
    let weight = weight.parse().unwrap();
    let operations = gateway.operations.iter().map(|operation| operation.id.clone());
    operations.chain([OperationId::unmatched()]).map(|operation| (operation, weight)).collect()
}

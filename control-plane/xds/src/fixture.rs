//! A small gateway for the tests of this crate.

use std::net::SocketAddr;
use std::time::Duration;

use crate::model::{AccessLog, Breaker, Gateway, NODE, OperationRoute, Target, Upstream};

/// An upstream on a local port.
pub(crate) fn upstream(port: u16, connections: u32) -> Upstream {
    Upstream {
        endpoints: vec![SocketAddr::from(([127, 0, 0, 1], port)).into()],
        connect_timeout: Duration::from_secs(1),
        timeout: Duration::from_secs(2),
        idle_timeout: Upstream::DEFAULT_IDLE_TIMEOUT,
        connections,
        breaker: Breaker { requests: 1, pending: 1, retries: 1 },
        outlier: None,
        retry: None,
    }
}

/// A gateway whose only operation goes to an upstream of this name.
pub(crate) fn gateway(service: &str) -> Gateway {
    let upstreams = [(NODE, upstream(3000, 10)), (service, upstream(4000, 10))];
    Gateway {
        name: "edge".to_owned(),
        listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
        operations: vec![OperationRoute {
            id: "op".parse().unwrap(),
            method: "GET".to_owned(),
            path_template: "/op".to_owned(),
            target: Target::Upstream(service.to_owned()),
            idempotent: true,
        }],
        upstreams: upstreams.into_iter().map(|(name, upstream)| (name.to_owned(), upstream)).collect(),
        side_header: true,
        filters: None,
        key_hosts: Vec::new(),
        claim_headers: Vec::new(),
        max_body_bytes: 1024,
        access_log: AccessLog::Off,
        log_query: true,
    }
}

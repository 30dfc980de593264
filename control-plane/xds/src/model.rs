//! What a gateway consists of: the input of [`crate::render()`].
//!
//! Plain data, parsed and checked by whoever reads the operator's file; rendering checks only what would make Envoy's
//! configuration inconsistent.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use cutover_domain::OperationId;
use serde_json::Value;

/// The upstream that is the legacy gateway.
pub const NODE: &str = "node";

/// The cluster by which Envoy reaches its own answers; no upstream may have the name.
pub const ANSWER: &str = "answer";

/// One gateway: a listener, the operations behind it and where they go.
#[derive(Clone, Debug, PartialEq)]
pub struct Gateway {
    /// The gateway's name, and `node.cluster` of its Envoys.
    pub name: String,
    /// Where Envoy listens.
    pub listen: SocketAddr,
    /// The operations of the contract, without the pseudo-operation `unmatched`, which every gateway has.
    pub operations: Vec<OperationRoute>,
    /// The upstreams by name; [`NODE`] must be among them.
    pub upstreams: BTreeMap<String, Upstream>,
    /// Whether answers say `x-cutover-side`.
    pub side_header: bool,
    /// The Wasm filters; without them Envoy only routes.
    pub filters: Option<Filters>,
    /// The hosts that publish issuers' keys: each is a cluster, which the auth filter's configuration names.
    pub key_hosts: Vec<KeyHost>,
    /// Headers that carry verified claims, in lower case: on neither side may a client send them itself.
    pub claim_headers: Vec<String>,
    /// The longest request body that Envoy may have to hold, in bytes.
    pub max_body_bytes: u32,
    /// Where the access log goes.
    pub access_log: AccessLog,
    /// Whether the access log may show a request's query: not where tokens are taken from it.
    pub log_query: bool,
}

/// One operation of the contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationRoute {
    /// The operation, and the name of its Envoy route.
    pub id: OperationId,
    /// The HTTP method in upper case.
    pub method: String,
    /// The path as the contract writes it: `/v1/trade/{tradeId}`.
    pub path_template: String,
    /// What answers on the rust side.
    pub target: Target,
    /// Whether a request may be sent again when it is unknown if the first one had an effect.
    pub idempotent: bool,
}

/// What answers an operation on the rust side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A service, by its name in [`Gateway::upstreams`].
    Upstream(String),
    /// A fixed answer.
    Answer {
        /// HTTP status, 200 to 599.
        status: u16,
        /// The body, byte for byte; sent as `application/json; charset=utf-8`.
        body_json: String,
    },
    /// 200 `{"status":"ready"}` while each of these upstreams has a healthy endpoint, else 503 `not ready`.
    Ready {
        /// Names in [`Gateway::upstreams`].
        upstreams: Vec<String>,
    },
}

/// A service behind the gateway, or the legacy gateway itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Upstream {
    /// Where it listens; all IP addresses, or all names (which Envoy resolves).
    pub endpoints: Vec<Endpoint>,
    /// How long a connection may take to be established.
    pub connect_timeout: Duration,
    /// How long an exchange may take from the end of the request to the end of the answer, retries included.
    pub timeout: Duration,
    /// How long an unused connection is kept; shorter than the upstream's own keep-alive, so that it is Envoy who closes.
    pub idle_timeout: Duration,
    /// At most so many connections per Envoy.
    pub connections: u32,
    /// What is refused rather than queued.
    pub breaker: Breaker,
    /// When an endpoint is taken out.
    pub outlier: Option<Outlier>,
    /// What is tried again, for idempotent operations.
    pub retry: Option<Retry>,
}

impl Upstream {
    /// Shorter than the 5 s after which a Node.js server closes an unused connection.
    pub const DEFAULT_IDLE_TIMEOUT: Duration = Duration::from_secs(4);
}

/// A host that publishes the keys of an issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyHost {
    /// Where it listens.
    pub endpoint: Endpoint,
    /// How the host proves that it is the one; `None` is plain HTTP.
    pub tls: Option<Tls>,
}

impl KeyHost {
    /// The name of its cluster. No upstream's name has a colon in it.
    #[must_use]
    pub fn cluster(&self) -> String {
        format!("jwks:{}", self.endpoint)
    }
}

/// How a host proves that it is the one that was meant: a certificate for its name, signed by someone who is trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The certificates of those who are trusted, as a PEM file on the Envoy's machine.
    pub ca: PathBuf,
}

/// Limits per Envoy; a request above them is answered 503 `upstream circuit open`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Breaker {
    /// Requests under way.
    pub requests: u32,
    /// Requests that wait for a connection.
    pub pending: u32,
    /// Retries under way; with a [`Retry::budget_percent`] the number that is always allowed.
    pub retries: u32,
}

/// Passive health: an endpoint that fails repeatedly gets no requests for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outlier {
    /// Failures in a row (5xx, or no answer) that take an endpoint out.
    pub consecutive_5xx: u32,
    /// For how long.
    pub base_ejection: Duration,
}

/// What is tried again.
#[derive(Clone, Debug, PartialEq)]
pub struct Retry {
    /// The failures that are worth another try.
    pub on: Vec<RetryOn>,
    /// Further tries after the first.
    pub attempts: u32,
    /// The first back-off; doubles, with full jitter, up to ten times this.
    pub backoff: Duration,
    /// At most this share of the requests under way may be retries.
    pub budget_percent: Option<f64>,
}

impl Retry {
    /// Envoy's own default, and the legacy gateway's.
    pub const DEFAULT_BACKOFF: Duration = Duration::from_millis(25);
}

/// A failure that is worth another try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RetryOn {
    /// No connection.
    ConnectFailure,
    /// HTTP/2: the upstream says it has not looked at the request.
    RefusedStream,
    /// The connection broke before the answer's head.
    Reset,
    /// The upstream answered with this status.
    Status(u16),
}

/// Why a text is not a [`RetryOn`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "retry condition `{0}` is unknown; use connect-failure, refused-stream, reset or a status from 400 to 599"
)]
pub struct RetryOnError(String);

impl FromStr for RetryOn {
    type Err = RetryOnError;

    fn from_str(text: &str) -> Result<Self, RetryOnError> {
        match text {
            "connect-failure" => Ok(Self::ConnectFailure),
            "refused-stream" => Ok(Self::RefusedStream),
            "reset" => Ok(Self::Reset),
            status => match status.parse() {
                Ok(status @ 400..=599) => Ok(Self::Status(status)),
                _ => Err(RetryOnError(text.escape_debug().to_string())),
            },
        }
    }
}

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Endpoint {
    /// An IP address or a name.
    pub host: Host,
    /// TCP port, 1 to 65535.
    pub port: u16,
}

/// Where an endpoint is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Host {
    /// Known now.
    Ip(IpAddr),
    /// Resolved by Envoy.
    Name(String),
}

/// Why a text is not an [`Endpoint`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "endpoint `{0}` is not host:port; write for example 127.0.0.1:4001, [::1]:4001 or trade.internal:4001"
)]
pub struct EndpointError(String);

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let error = || EndpointError(text.escape_debug().to_string());
        if let Ok(address) = text.parse::<SocketAddr>() {
            return if address.port() == 0 { Err(error()) } else { Ok(address.into()) };
        }
        let (host, port) = text.rsplit_once(':').ok_or_else(error)?;
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        };
        // A name whose last label is a number is a mistyped IP address (URL Standard, "ends in a number").
        let numeric = host.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()));
        if host.len() > 253 || numeric || !host.split('.').all(label) {
            return Err(error());
        }
        match port.parse() {
            Ok(port) if port != 0 => Ok(Self { host: Host::Name(host.to_owned()), port }),
            _ => Err(error()),
        }
    }
}

impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Self {
        Self { host: Host::Ip(address.ip()), port: address.port() }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Ip(ip) => SocketAddr::new(*ip, self.port).fmt(out),
            Host::Name(name) => write!(out, "{name}:{}", self.port),
        }
    }
}

/// The Wasm filters: one module, one VM per worker, three plugins.
#[derive(Clone, Debug, PartialEq)]
pub struct Filters {
    /// The module that holds all of them, as a path on the Envoy's machine.
    pub module: PathBuf,
    /// Configuration of the request-id filter, which runs on both sides.
    pub request_id: Value,
    /// Configuration of the auth filter, which runs on the rust side.
    pub auth: Value,
    /// Configuration of the validation filter, which runs on the rust side.
    pub validation: Value,
}

/// Where the access log goes: one line of JSON per request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessLog {
    /// Nowhere.
    Off,
    /// To Envoy's standard output.
    Stdout,
    /// To a file on the Envoy's machine.
    File(PathBuf),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_addresses_or_names_with_a_port() {
        for good in ["127.0.0.1:4001", "[::1]:80", "trade.internal:4001", "trade_1:65535", "1.example:1"] {
            assert_eq!(good.parse::<Endpoint>().unwrap().to_string(), good);
        }
        assert_eq!("127.0.0.1:1".parse::<Endpoint>().unwrap().host, Host::Ip([127, 0, 0, 1].into()));
        for bad in [
            "",
            "trade",
            "trade:",
            ":80",
            "trade:0",
            "127.0.0.1:0",
            "trade:65536",
            "a b:1",
            "a..b:1",
            "1.2.3:4",
            "::1:80",
        ] {
            let error = bad.parse::<Endpoint>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("endpoint `{bad}` is not host:port")), "{error}");
        }
    }

    #[test]
    fn retry_conditions_are_words_or_failing_statuses() {
        assert_eq!("503".parse(), Ok(RetryOn::Status(503)));
        assert_eq!("reset".parse(), Ok(RetryOn::Reset));
        for bad in ["", "5xx", "200", "600", "Reset"] {
            assert!(bad.parse::<RetryOn>().is_err(), "{bad}");
        }
    }
}

//! An Envoy with one worker, one route and at most one filter before the router: all that differs is the filter.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};
use cutover_e2e::process::Process;
use cutover_e2e::{eventually, paths};
use serde_json::{Value, json};

use crate::load::ask_once;
use crate::tokens::{AUDIENCE, ISSUER};

/// Operation and route name; both filters under comparison find their rule for it.
const OPERATION: &str = "listTasks";
const PATH: &str = "/v1/task";

/// The one route of measurements that need no more.
pub const ONE_ROUTE: &[Route<'static>] = &[Route { name: OPERATION, path: PATH }];

/// Bodies are held up to this length, in bytes.
const BUFFER_LIMIT: u32 = 8 << 20;

/// Seconds since 1970, thread, level, text: what [`crate::startup`] reads.
const LOG_FORMAT: &str = "%E.%F %t %l %v";

/// How an Envoy is run, whatever filter it has.
#[derive(Debug, Clone, Copy)]
pub struct Setup<'a> {
    /// Where configuration and output are written.
    pub folder: &'a Path,
    /// The service behind it.
    pub upstream: SocketAddr,
    /// Where requests may go.
    pub routes: &'a [Route<'a>],
    /// A request that it answers with 200 once it is ready.
    pub probe: &'a [u8],
    /// Whether it writes every call between host and module, with the time of each.
    pub trace: bool,
}

/// A path that goes to the service.
#[derive(Debug, Clone, Copy)]
pub struct Route<'a> {
    /// The route's name: the operation.
    pub name: &'a str,
    /// The path, without a query.
    pub path: &'a str,
}

/// A running Envoy.
#[derive(Debug)]
pub struct Gateway {
    /// The process.
    pub process: Process,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Gateway {
    /// Starts Envoy with `filter` before the router, and waits until it answers the probe with 200.
    ///
    /// # Errors
    /// When it does not; the error shows what Envoy wrote.
    pub async fn start(name: &str, setup: &Setup<'_>, filter: Option<Value>) -> Result<Self> {
        let Setup { folder, upstream, routes, probe, trace } = *setup;
        // A port that was free a moment ago; what takes it in between shows as a failed start.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let config = folder.join(format!("{name}.json"));
        fs::write(&config, bootstrap(address, filter, routes, upstream).to_string())?;
        let process = Process::start(name, folder, &paths::envoy()?, |command| {
            command.arg("-c").arg(&config).args(["--concurrency", "1", "--disable-hot-restart"]);
            command.args(["--log-level", "warning", "--log-format", LOG_FORMAT]);
            if trace {
                command.args(["--component-log-level", "wasm:trace"]);
            }
        })?;
        let mut gateway = Self { process, address };
        gateway
            .first_answer(probe)
            .await
            .map_err(|error| anyhow!("{error:#}\n{}", gateway.process.output()))?;
        Ok(gateway)
    }

    async fn first_answer(&mut self, probe: &[u8]) -> Result<()> {
        let address = self.address;
        let process = std::cell::RefCell::new(&mut self.process);
        let found = eventually("the first 200", || async {
            if let Some(status) = process.borrow_mut().ended()? {
                return Ok(Err(anyhow!("Envoy ended ({status})")));
            }
            let answer = ask_once(address, probe).await?;
            ensure!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
            Ok(Ok(()))
        });
        found.await.and_then(|found| found)
    }
}

/// A GET of the operation with a token. `suffix` goes behind the path.
#[must_use]
pub fn request(suffix: &str, token: &str) -> Vec<u8> {
    format!(
        "GET {PATH}{suffix} HTTP/1.1\r\nhost: gateway.example\r\naccept: application/json\r\n\
         user-agent: cutover-bench\r\nauthorization: Bearer {token}\r\n\r\n"
    )
    .into_bytes()
}

/// Envoy's own filter, set to do what ours does: the same checks of the same claims, the token removed, the same two
/// claims forwarded, the payload published for access logs. It knows no scopes, so it has less to do.
#[must_use]
pub fn jwt_authn(keys: &Value, cache: bool) -> Value {
    let mut provider = json!({
        "issuer": ISSUER,
        "audiences": [AUDIENCE],
        "require_expiration": true,
        "clock_skew_seconds": 5,
        "forward": false,
        "payload_in_metadata": "payload",
        "from_headers": [{"name": "authorization", "value_prefix": "Bearer "}],
        "local_jwks": {"inline_string": keys.to_string()},
        "claim_to_headers": [
            {"header_name": "x-user-id", "claim_name": "sub"},
            {"header_name": "x-user-scopes", "claim_name": "scope"},
        ],
    });
    if cache && let Some(fields) = provider.as_object_mut() {
        // 100 tokens of at most 4 KiB, Envoy's defaults.
        fields.insert("jwt_cache_config".to_owned(), json!({}));
    }
    json!({
        "name": "envoy.filters.http.jwt_authn",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
            "providers": {"bench": provider},
            "rules": [{"match": {"prefix": "/"}, "requires": {"provider_name": "bench"}}],
        },
    })
}

/// Our filter's configuration for these issuers, each with its key set.
#[must_use]
pub fn auth_configuration(issuers: &[(&str, &Value)]) -> Value {
    let issuers: Vec<Value> = issuers
        .iter()
        .map(|(issuer, keys)| {
            json!({"issuer": issuer, "audiences": [AUDIENCE], "leeway_seconds": 5, "jwks": keys})
        })
        .collect();
    json!({
        "realm": "gateway",
        "routes": [{
            "id": OPERATION, "method": "GET", "path": PATH, "tags": ["task"],
            "security": [[{"scheme": "bearerAuth", "scopes": ["task:read"]}]],
        }],
        "issuers": issuers,
        "forward": {"x-user-id": "sub", "x-user-scopes": "scope"},
    })
}

/// Our filter out of the bundle.
///
/// # Errors
/// When the module has not been built.
pub fn auth(configuration: &Value) -> Result<Value> {
    wasm(&paths::module()?, "auth", configuration)
}

/// A filter out of a module.
///
/// # Errors
/// When the module's path is not UTF-8.
pub fn wasm(module: &Path, root_id: &str, configuration: &Value) -> Result<Value> {
    Ok(json!({
        "name": format!("cutover.{root_id}"),
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
            "config": {
                "name": root_id,
                "root_id": root_id,
                "configuration": {
                    "@type": "type.googleapis.com/google.protobuf.StringValue",
                    "value": configuration.to_string(),
                },
                "failure_policy": "FAIL_RELOAD",
                // Else Envoy delivers no body to a filter that holds the head.
                "allow_on_headers_stop_iteration": true,
                "vm_config": {
                    "vm_id": "cutover",
                    "runtime": "envoy.wasm.runtime.v8",
                    "code": {"local": {"filename": module.to_str().context("the module's path is not UTF-8")?}},
                },
            },
        },
    }))
}

/// Our filter with its cache of verified tokens switched on or off.
///
/// # Errors
/// When the module has not been built.
pub fn auth_with_cache(configuration: &Value, cache: bool) -> Result<Value> {
    let mut configuration = configuration.clone();
    if let Some(fields) = configuration.as_object_mut() {
        // Switched on it has the bounds that it has by itself.
        fields.insert("cache".to_owned(), if cache { json!({}) } else { json!("off") });
    }
    auth(&configuration)
}

fn bootstrap(
    address: SocketAddr,
    filter: Option<Value>,
    routes: &[Route<'_>],
    upstream: SocketAddr,
) -> Value {
    let route = |route: &Route<'_>| {
        let Route { name, path } = route;
        json!({"name": name, "match": {"path": path}, "route": {"cluster": "upstream"}})
    };
    let routes: Vec<Value> = routes.iter().map(route).collect();
    let router = json!({
        "name": "router",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
            "suppress_envoy_headers": true,
        },
    });
    let chain: Vec<Value> = filter.into_iter().chain([router]).collect();
    let manager = json!({
        "name": "http",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "bench",
            "generate_request_id": false,
            "http_filters": chain,
            "route_config": {"virtual_hosts": [{
                "name": "all",
                "domains": ["*"],
                "routes": routes,
            }]},
        },
    });
    json!({"static_resources": {
        "listeners": [{
            "name": "gateway",
            "address": socket(address),
            "per_connection_buffer_limit_bytes": BUFFER_LIMIT,
            "filter_chains": [{"filters": [manager]}],
        }],
        "clusters": [{
            "name": "upstream",
            "connect_timeout": "1s",
            "per_connection_buffer_limit_bytes": BUFFER_LIMIT,
            "load_assignment": {
                "cluster_name": "upstream",
                "endpoints": [{"lb_endpoints": [{"endpoint": {"address": socket(upstream)}}]}],
            },
        }],
    }})
}

fn socket(address: SocketAddr) -> Value {
    json!({"socket_address": {"address": address.ip().to_string(), "port_value": address.port()}})
}

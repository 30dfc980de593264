//! An issuer: a server that publishes a key set, or fails to.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use cutover_e2e::process::Process;
use cutover_e2e::{eventually, paths};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Answers every request with what it publishes now; nothing yet is 500. Stops when dropped.
pub(crate) struct Issuer {
    pub(crate) address: String,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    published: Mutex<Option<String>>,
    fetches: AtomicUsize,
}

impl Issuer {
    pub(crate) async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let shared = Arc::<Shared>::default();
        let state = shared.clone();
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // A client that leaves in the middle is none of the issuer's business.
                let _ = answer(stream, &state).await;
            }
        });
        Ok(Self { address, shared, serving })
    }

    /// Publishes a set in the place of the one before.
    pub(crate) fn publish(&self, set: &str) {
        *self.shared.published.lock().unwrap_or_else(PoisonError::into_inner) = Some(set.to_owned());
    }

    /// How often it was asked.
    pub(crate) fn fetches(&self) -> usize {
        self.shared.fetches.load(Ordering::Relaxed)
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn answer(mut stream: TcpStream, shared: &Shared) -> Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    shared.fetches.fetch_add(1, Ordering::Relaxed);
    let published = shared.published.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let (status, body) = match published {
        Some(set) if head.starts_with(b"GET /jwks.json HTTP/1.1\r\n") => ("200 OK", set),
        _ => ("500 Internal Server Error", String::new()),
    };
    let length = body.len();
    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
    stream.write_all(answer.as_bytes()).await?;
    Ok(())
}

/// An issuer with TLS: a second Envoy whose certificate is for `localhost` and nothing else. Gives its port.
pub(crate) async fn with_tls(folder: &Path, set: &str) -> Result<(Process, u16)> {
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let file = folder.join("issuer.json");
    std::fs::write(&file, tls_issuer(port, set).to_string())?;
    let process = Process::start("issuer", folder, &paths::envoy()?, |command| {
        command.arg("-c").arg(&file).args(["--concurrency", "1", "--disable-hot-restart"]);
    })?;
    eventually("the issuer listens", || async {
        TcpStream::connect(("127.0.0.1", port)).await.with_context(|| process.output())
    })
    .await?;
    Ok((process, port))
}

fn tls_issuer(port: u16, set: &str) -> Value {
    let any = |name: &str, mut config: Value| {
        config["@type"] = format!("type.googleapis.com/envoy.extensions.{name}").into();
        config
    };
    let router = any("filters.http.router.v3.Router", json!({}));
    let publishes = json!({"match": {"prefix": "/jwks.json"},
                           "direct_response": {"status": 200, "body": {"inline_string": set}}});
    let manager = any(
        "filters.network.http_connection_manager.v3.HttpConnectionManager",
        json!({
            "stat_prefix": "issuer",
            "http_filters": [{"name": "router", "typed_config": router}],
            "route_config": {"virtual_hosts": [{"name": "issuer", "domains": ["*"], "routes": [publishes]}]},
        }),
    );
    let certificate = json!({
        "certificate_chain": {"inline_string": include_str!("tls/issuer.pem")},
        "private_key": {"inline_string": include_str!("tls/issuer.key")},
    });
    let tls = any(
        "transport_sockets.tls.v3.DownstreamTlsContext",
        json!({"common_tls_context": {"tls_certificates": [certificate]}}),
    );
    json!({"static_resources": {"listeners": [{
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [{
            "filters": [{"name": "manager", "typed_config": manager}],
            "transport_socket": {"name": "tls", "typed_config": tls},
        }],
    }]}})
}

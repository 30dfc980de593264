//! The parts of the product, each as its own process.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::command::cutover;
use crate::paths;
use crate::process::Process;
use crate::wait::eventually;

/// Trade and task services.
#[derive(Debug)]
pub struct Upstreams {
    /// The process.
    pub process: Process,
    /// `host:port` of the trade service.
    pub trade: String,
    /// `host:port` of the task service.
    pub task: String,
}

impl Upstreams {
    /// Starts both on the given addresses; port 0 takes any.
    ///
    /// # Errors
    /// When they do not become ready.
    pub fn start(logs: &Path, trade: &str, task: &str) -> Result<Self> {
        let binary = paths::binary("cutover-upstreams")?;
        let mut process = Process::start("upstreams", logs, &binary, |command| {
            command.args(["--trade", trade, "--task", task]);
        })?;
        let ready = process.ready_line()?;
        let (trade, task) = (process.address(&ready, "trade")?, process.address(&ready, "task")?);
        Ok(Self { process, trade, task })
    }
}

/// What the Node gateway needs to know.
#[derive(Debug, Clone)]
pub struct NodeOptions<'a> {
    /// `host:port` to listen on; port 0 takes any.
    pub listen: &'a str,
    /// The JWKS file.
    pub jwks: &'a Path,
    /// `host:port` of the trade service.
    pub trade: &'a str,
    /// `host:port` of the task service.
    pub task: &'a str,
}

/// The legacy gateway.
#[derive(Debug)]
pub struct NodeGateway {
    /// The process.
    pub process: Process,
    /// `host:port` it listens on.
    pub address: String,
    /// `host:port` of its Prometheus metrics.
    pub metrics: String,
}

impl NodeGateway {
    /// Starts it.
    ///
    /// # Errors
    /// When it does not become ready.
    pub fn start(logs: &Path, options: &NodeOptions<'_>) -> Result<Self> {
        Self::start_with(logs, options, &[])
    }

    /// Starts it with more of its settings (environment variables).
    ///
    /// # Errors
    /// When it does not become ready.
    pub fn start_with(logs: &Path, options: &NodeOptions<'_>, settings: &[(&str, &str)]) -> Result<Self> {
        let (host, port) =
            options.listen.rsplit_once(':').context("the Node gateway's address has no port")?;
        let root = paths::root();
        let mut process = Process::start("node", logs, Path::new("/usr/bin/env"), |command| {
            command
                .args(["node", "src/main.js"])
                .current_dir(root.join("tests/node-gateway"))
                .env("HOST", host)
                .env("PORT", port)
                .env("CONTRACT", root.join("openapi/trade-task.yaml"))
                .env("JWKS_FILE", options.jwks)
                .env("ISSUER", "https://issuer.cutover.example")
                .env("AUDIENCE", "gateway")
                .env("UPSTREAM_TRADE", format!("http://{}", options.trade))
                .env("UPSTREAM_TASK", format!("http://{}", options.task))
                .env("LOG_FILE", logs.join("node.log"))
                .envs(settings.iter().copied());
        })?;
        let ready = process.ready_line()?;
        let (address, metrics) = (process.address(&ready, "address")?, process.address(&ready, "metrics")?);
        Ok(Self { process, address, metrics })
    }
}

/// The control plane.
#[derive(Debug)]
pub struct ControlPlane {
    /// The process.
    pub process: Process,
    /// `host:port` of the admin API.
    pub admin: String,
    /// `host:port` of xDS.
    pub xds: String,
}

impl ControlPlane {
    /// Starts it in `folder` with a configuration file.
    ///
    /// # Errors
    /// When it does not become ready.
    pub fn start(logs: &Path, folder: &Path, config: &Path, admin: &str, xds: &str) -> Result<Self> {
        let binary = paths::binary("cutover")?;
        let mut process = Process::start("control-plane", logs, &binary, |command| {
            command
                .current_dir(folder)
                .arg("serve")
                .arg("--config")
                .arg(config)
                .args(["--admin", admin, "--xds", xds]);
        })?;
        let ready = process.ready_line()?;
        let (admin, xds) = (process.address(&ready, "admin")?, process.address(&ready, "xds")?);
        Ok(Self { process, admin, xds })
    }
}

/// What an Envoy needs to know.
#[derive(Debug, Clone)]
pub struct EnvoyOptions<'a> {
    /// The control plane's configuration file, from which the bootstrap is rendered.
    pub config: &'a Path,
    /// `host:port` of xDS.
    pub xds: &'a str,
    /// `host:port` of Envoy's own admin interface; port 0 takes any.
    pub admin: &'a str,
    /// The node id.
    pub id: &'a str,
    /// Worker threads.
    pub workers: u16,
}

/// Envoy.
#[derive(Debug)]
pub struct Envoy {
    /// The process.
    pub process: Process,
    /// `host:port` of its admin interface.
    pub admin: String,
}

impl Envoy {
    /// Renders a bootstrap, starts Envoy on it, and waits until its admin interface has an address.
    ///
    /// # Errors
    /// When Envoy does not start.
    pub async fn start(logs: &Path, folder: &Path, options: &EnvoyOptions<'_>) -> Result<Self> {
        let bootstrap = render_bootstrap(folder, options)?;
        let address_file = folder.join(format!("{}.admin", options.id));
        if address_file.exists() {
            fs::remove_file(&address_file)?;
        }
        let mut process = launch(logs, folder, &bootstrap, &address_file, options)?;
        let admin = admin_address(&address_file, &mut process).await?;
        Ok(Self { process, admin })
    }

    /// `host:port` of the listener that takes clients' requests, once Envoy has it.
    ///
    /// # Errors
    /// When no listener arrives in time; the error carries what Envoy said.
    pub async fn gateway(&self, client: &reqwest::Client) -> Result<String> {
        let url = format!("http://{}/listeners?format=json", self.admin);
        let found = eventually("Envoy's listener", || async {
            let listeners: Value = client.get(&url).send().await?.json().await?;
            listener_address(&listeners).context("no listener yet")
        });
        found.await.with_context(|| self.process.output())
    }
}

/// Writes what `cutover render bootstrap` prints for this Envoy into `folder`, and gives the file's path.
///
/// # Errors
/// When it cannot be rendered.
pub fn render_bootstrap(folder: &Path, options: &EnvoyOptions<'_>) -> Result<PathBuf> {
    let config = options.config.to_string_lossy();
    let fixed = ["render", "bootstrap", "--config", &config, "--xds", options.xds];
    let own = ["--envoy-admin", options.admin, "--node-id", options.id];
    let rendered = cutover(folder, &[&fixed[..], &own[..]].concat())?.success()?;
    let bootstrap = folder.join(format!("{}.bootstrap.json", options.id));
    fs::write(&bootstrap, rendered.stdout)?;
    Ok(bootstrap)
}

/// Starts an Envoy process on a bootstrap file; it writes its admin address into `address_file`.
///
/// # Errors
/// When the process cannot be started.
pub fn launch(
    logs: &Path,
    folder: &Path,
    bootstrap: &Path,
    address_file: &Path,
    options: &EnvoyOptions<'_>,
) -> Result<Process> {
    Process::start(options.id, logs, &paths::envoy()?, |command| {
        command
            .current_dir(folder)
            .arg("-c")
            .arg(bootstrap)
            .arg("--admin-address-path")
            .arg(address_file)
            .args(["--concurrency", &options.workers.to_string()])
            .args(["--disable-hot-restart", "--log-level", "warning"]);
    })
}

/// Envoy writes the file when it has bound the port; an Envoy that ended never will.
async fn admin_address(file: &PathBuf, process: &mut Process) -> Result<String> {
    let process = std::cell::RefCell::new(process);
    let found = eventually("Envoy's admin address", || async {
        if let Some(status) = process.borrow_mut().ended()? {
            return Ok(Err(anyhow::anyhow!("Envoy ended ({status})")));
        }
        let text = fs::read_to_string(file).unwrap_or_default();
        if text.contains(':') {
            Ok(Ok(text.trim().to_owned()))
        } else {
            Err(anyhow::anyhow!("not written yet"))
        }
    });
    let found = found.await.and_then(|found| found);
    found.with_context(|| process.borrow().output())
}

fn listener_address(listeners: &Value) -> Option<String> {
    let all = listeners.get("listener_statuses")?.as_array()?;
    let socket = all.iter().find_map(|one| one.get("local_address")?.get("socket_address"))?;
    let (host, port) = (socket.get("address")?.as_str()?, socket.get("port_value")?.as_u64()?);
    Some(format!("{host}:{port}"))
}

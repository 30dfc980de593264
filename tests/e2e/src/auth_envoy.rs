//! An Envoy of its own with nothing but the auth filter in front of an [`Echo`]: no control plane, static configuration,
//! free ports, an access log that can be read.
//!
//! ```no_run
//! # async fn example(configuration: serde_json::Value) -> anyhow::Result<()> {
//! use cutover_e2e::AuthEnvoy;
//!
//! let envoy = AuthEnvoy::builder().configuration(&configuration).start().await?;
//! let answer = envoy.get("/v1/task", &[("authorization", b"Bearer \xff")]).await?;
//! assert_eq!(answer.status, 401, "{}", envoy.log());
//! assert_eq!(envoy.upstream().requests(), 0);
//! # Ok(())
//! # }
//! ```

use std::cell::RefCell;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak, mpsc};
use std::thread;

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::echo::Echo;
use crate::paths;
use crate::process::Process;
use crate::raw::{self, Connection, RawAnswer};
use crate::wait::eventually;

const ACCESS_LOG: &str = "access.log";
const LISTENERS: &str = "listeners.json";

/// How an [`AuthEnvoy`] is to be.
#[derive(Debug, Clone)]
pub struct AuthEnvoyBuilder {
    configuration: String,
    workers: u16,
    version: Option<String>,
    clusters: Vec<(String, Option<SocketAddr>)>,
    access_log: String,
    log_level: String,
    stop_iteration: bool,
    from_file: bool,
}

impl AuthEnvoyBuilder {
    /// The filter's configuration.
    #[must_use]
    pub fn configuration(self, document: &Value) -> Self {
        self.configuration_text(&document.to_string())
    }

    /// The filter's configuration as text, which need not be JSON.
    #[must_use]
    pub fn configuration_text(mut self, text: &str) -> Self {
        text.clone_into(&mut self.configuration);
        self
    }

    /// Worker threads; 1 unless said.
    #[must_use]
    pub fn workers(mut self, workers: u16) -> Self {
        self.workers = workers;
        self
    }

    /// An Envoy that `ENVOY_VERSION=version envoy/fetch` has installed; else `ENVOY` of the environment or the pinned one.
    #[must_use]
    pub fn envoy_version(mut self, version: &str) -> Self {
        self.version = Some(version.to_owned());
        self
    }

    /// One more cluster, e.g. an issuer's key server.
    #[must_use]
    pub fn cluster(mut self, name: &str, address: SocketAddr) -> Self {
        self.clusters.push((name.to_owned(), Some(address)));
        self
    }

    /// One more cluster, in which there is nobody.
    #[must_use]
    pub fn empty_cluster(mut self, name: &str) -> Self {
        self.clusters.push((name.to_owned(), None));
        self
    }

    /// Envoy hands the filter a request's body although the filter has paused its head.
    #[must_use]
    pub fn body_while_paused(mut self) -> Self {
        self.stop_iteration = true;
        self
    }

    /// The configuration can be changed while it runs: [`AuthEnvoy::reconfigure`]. One that the filter refuses does then
    /// not end Envoy.
    #[must_use]
    pub fn reconfigurable(mut self) -> Self {
        self.from_file = true;
        self
    }

    /// The format of the access log's lines, Envoy's command operators in it, without the line's end.
    #[must_use]
    pub fn access_log_format(mut self, format: &str) -> Self {
        format.clone_into(&mut self.access_log);
        self
    }

    /// Envoy's log level for the filters; `warning` unless said.
    #[must_use]
    pub fn wasm_log_level(mut self, level: &str) -> Self {
        level.clone_into(&mut self.log_level);
        self
    }

    /// Starts Envoy and waits until it listens.
    ///
    /// # Errors
    /// When it does not; the error carries what Envoy said, e.g. why the filter refused its configuration.
    pub async fn start(self) -> Result<AuthEnvoy> {
        let folder = tempfile::Builder::new().prefix("cutover-auth-").tempdir()?;
        let upstream = Echo::start()?;
        let file = folder.path().join("envoy.json");
        fs::write(&file, self.bootstrap(folder.path(), upstream.address)?.to_string())?;
        let admin_file = folder.path().join("admin");
        let process = self.launch(folder.path(), &file, &admin_file)?;
        let process = RefCell::new(process);
        let builder = self.clone();
        let found = eventually("Envoy's listener", || async {
            if let Some(status) = process.borrow_mut().ended()? {
                return Ok(Err(anyhow!("Envoy ended ({status})")));
            }
            let admin = fs::read_to_string(&admin_file)?.trim().to_owned();
            let address = listener(&admin).await?;
            Ok(Ok((admin, address)))
        });
        let found = found.await.and_then(|found| found);
        let (admin, address) = found.with_context(|| process.borrow().output())?;
        Ok(AuthEnvoy { process: process.into_inner(), address, admin, upstream, folder, builder })
    }

    /// One Envoy for all tests of a program that run at the same time: the first starts it, the last one's end stops it.
    ///
    /// It is started by a thread that stays, because a child process ends with the thread that started it, and a
    /// test's thread ends with the test.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_shared(self, slot: &Mutex<Weak<AuthEnvoy>>) -> Result<Arc<AuthEnvoy>> {
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(envoy) = slot.upgrade() {
            return Ok(envoy);
        }
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            if sender.send(start_blocking(self)).is_ok() {
                loop {
                    thread::park();
                }
            }
        });
        let envoy = Arc::new(receiver.recv()??);
        *slot = Arc::downgrade(&envoy);
        Ok(envoy)
    }

    fn launch(&self, folder: &Path, file: &Path, admin_file: &Path) -> Result<Process> {
        let program = match &self.version {
            Some(version) => paths::envoy_of(version)?,
            None => paths::envoy()?,
        };
        Process::start("envoy", folder, &program, |command| {
            command.current_dir(folder).arg("-c").arg(file).arg("--admin-address-path").arg(admin_file);
            command.args(["--service-node", "auth", "--service-cluster", "auth"]);
            command.args(["--concurrency", &self.workers.to_string(), "--disable-hot-restart"]);
            command.args(["--log-level", "warning", "--file-flush-interval-msec", "20"]);
            command.args(["--component-log-level", &format!("wasm:{}", self.log_level)]);
        })
    }

    fn bootstrap(&self, folder: &Path, upstream: SocketAddr) -> Result<Value> {
        let clusters = [("upstream".to_owned(), Some(upstream))];
        let clusters: Vec<Value> =
            clusters.iter().chain(&self.clusters).map(|(name, address)| cluster(name, *address)).collect();
        let admin = json!({"address": socket("127.0.0.1:0".parse()?)});
        if self.from_file {
            self.write_listeners(folder)?;
            let watched = json!({"path": folder.join(LISTENERS), "watched_directory": {"path": folder}});
            return Ok(json!({
                "admin": admin,
                "static_resources": {"clusters": clusters},
                "dynamic_resources": {"lds_config": {"path_config_source": watched}},
            }));
        }
        let listeners = [self.listener(folder)?];
        Ok(json!({"admin": admin, "static_resources": {"listeners": listeners, "clusters": clusters}}))
    }

    fn listener(&self, folder: &Path) -> Result<Value> {
        Ok(json!({
            "name": "gateway",
            "address": socket("127.0.0.1:0".parse()?),
            "filter_chains": [{"filters": [self.manager(folder)?]}],
        }))
    }

    /// Envoy notices that a file has been moved into the folder.
    fn write_listeners(&self, folder: &Path) -> Result<()> {
        let mut listener = self.listener(folder)?;
        if let Some(members) = listener.as_object_mut() {
            let kind = "type.googleapis.com/envoy.config.listener.v3.Listener";
            members.insert("@type".to_owned(), kind.into());
        }
        let part = folder.join("listeners.part");
        fs::write(&part, json!({"resources": [listener]}).to_string())?;
        Ok(fs::rename(part, folder.join(LISTENERS))?)
    }

    fn manager(&self, folder: &Path) -> Result<Value> {
        let log = json!({
            "name": "file",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
                "path": folder.join(ACCESS_LOG),
                "log_format": {"text_format_source": {"inline_string": format!("{}\n", self.access_log)}},
            },
        });
        let router = json!({
            "name": "router",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
                "suppress_envoy_headers": true,
            },
        });
        Ok(json!({
            "name": "http",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
                "stat_prefix": "gateway",
                "normalize_path": true,
                "stream_error_on_invalid_http_message": true,
                "access_log": [log],
                "http_filters": [self.filter()?, router],
                "route_config": {"virtual_hosts": [{
                    "name": "all",
                    "domains": ["*"],
                    "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "upstream"}}],
                }]},
            },
        }))
    }

    fn filter(&self) -> Result<Value> {
        Ok(json!({
            "name": "cutover.auth",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
                "config": {
                    "name": "auth",
                    "root_id": "auth",
                    "failure_policy": "FAIL_RELOAD",
                    "allow_on_headers_stop_iteration": self.stop_iteration,
                    "vm_config": {
                        "vm_id": "cutover",
                        "runtime": "envoy.wasm.runtime.v8",
                        "code": {"local": {"filename": paths::module()?}},
                    },
                    "configuration": {
                        "@type": "type.googleapis.com/google.protobuf.StringValue",
                        "value": self.configuration,
                    },
                },
            },
        }))
    }
}

/// The running Envoy. Dropping it stops everything.
#[derive(Debug)]
pub struct AuthEnvoy {
    /// The process.
    pub process: Process,
    /// Where it takes requests.
    pub address: SocketAddr,
    /// `host:port` of its admin interface.
    pub admin: String,
    upstream: Echo,
    folder: TempDir,
    builder: AuthEnvoyBuilder,
}

impl AuthEnvoy {
    /// One that is still to be described; at least a configuration is needed.
    #[must_use]
    pub fn builder() -> AuthEnvoyBuilder {
        AuthEnvoyBuilder {
            configuration: String::new(),
            workers: 1,
            version: None,
            clusters: Vec::new(),
            access_log: "%REQ(:METHOD)% %REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_CODE_DETAILS% \
                         sub=%FILTER_STATE(wasm.cutover.auth.sub:PLAIN)%"
                .to_owned(),
            log_level: "warning".to_owned(),
            stop_iteration: false,
            from_file: false,
        }
    }

    /// Gives the filter another configuration, which Envoy takes a moment later.
    ///
    /// # Errors
    /// When it was not built to be [`reconfigurable`](AuthEnvoyBuilder::reconfigurable).
    pub fn reconfigure(&mut self, document: &Value) -> Result<()> {
        ensure!(self.builder.from_file, "build it to be reconfigurable");
        self.builder = self.builder.clone().configuration(document);
        self.builder.write_listeners(self.folder.path())
    }

    /// The service behind it.
    #[must_use]
    pub fn upstream(&self) -> &Echo {
        &self.upstream
    }

    /// A connection of one's own.
    #[must_use]
    pub fn connect(&self) -> Connection {
        Connection::to(self.address)
    }

    /// Sends bytes as they are on a new connection.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn send(&self, bytes: &[u8]) -> Result<RawAnswer> {
        self.connect().send(bytes).await
    }

    /// A GET with these headers and `host`, on a new connection.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn get(&self, target: &str, headers: &[(&str, &[u8])]) -> Result<RawAnswer> {
        self.send(&raw::request("GET", target.as_bytes(), headers)).await
    }

    /// The same with a bearer token.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn get_with(&self, target: &str, token: &str) -> Result<RawAnswer> {
        self.get(target, &[("authorization", format!("Bearer {token}").as_bytes())]).await
    }

    /// Counters and gauges whose names contain `part`.
    ///
    /// # Errors
    /// When the admin interface does not answer.
    pub async fn stats(&self, part: &str) -> Result<Vec<(String, u64)>> {
        let stats: Value =
            reqwest::get(format!("http://{}/stats?format=json", self.admin)).await?.json().await?;
        let all = stats.get("stats").and_then(Value::as_array).context("no stats")?;
        let one = |stat: &Value| Some((stat.get("name")?.as_str()?.to_owned(), stat.get("value")?.as_u64()?));
        Ok(all.iter().filter_map(one).filter(|(name, _)| name.contains(part)).collect())
    }

    /// One counter or gauge by its whole name; 0 when Envoy does not have it (yet).
    ///
    /// # Errors
    /// When the admin interface does not answer.
    pub async fn stat(&self, name: &str) -> Result<u64> {
        let stats = self.stats(name).await?;
        Ok(stats.iter().find(|(known, _)| known == name).map_or(0, |(_, value)| *value))
    }

    /// What Envoy and the filter have logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.output()
    }

    /// The access log so far. Envoy writes it some milliseconds later; see [`eventually`].
    ///
    /// # Errors
    /// When there is no such file.
    pub fn access_log(&self) -> Result<String> {
        let bytes = fs::read(self.folder.path().join(ACCESS_LOG))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The process's resident memory in KiB.
    ///
    /// # Errors
    /// When the operating system does not say.
    pub fn resident_kib(&self) -> Result<u64> {
        let status = fs::read_to_string(PathBuf::from(format!("/proc/{}/status", self.process.id())))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }
}

fn start_blocking(builder: AuthEnvoyBuilder) -> Result<AuthEnvoy> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(builder.start())
}

/// Where Envoy takes requests, as it says itself.
async fn listener(admin: &str) -> Result<SocketAddr> {
    let listeners: Value =
        reqwest::get(format!("http://{admin}/listeners?format=json")).await?.json().await?;
    let found = listeners.pointer("/listener_statuses/0/local_address/socket_address");
    let found = found.context("no listener yet")?;
    let (host, port) = (found.get("address").and_then(Value::as_str), found.get("port_value"));
    let (host, port) = (host.context("no host")?, port.context("no port")?);
    Ok(format!("{host}:{port}").parse()?)
}

fn cluster(name: &str, address: Option<SocketAddr>) -> Value {
    let endpoints: Vec<Value> =
        address.into_iter().map(|address| json!({"endpoint": {"address": socket(address)}})).collect();
    json!({
        "name": name,
        "connect_timeout": "1s",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": endpoints}]},
    })
}

fn socket(address: SocketAddr) -> Value {
    json!({"socket_address": {"address": address.ip().to_string(), "port_value": address.port()}})
}

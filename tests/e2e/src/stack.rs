//! The whole product at once: [`Stack::start`] for tests (free ports, a folder of its own), [`Stack::demo`] for people
//! (the fixed ports of the design, state under `.run/`).

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::{Client, Method};
use serde_json::Value;
use tempfile::TempDir;

use crate::addresses::{Addresses, refuse_taken_ports};
use crate::client::{Answer, Call, Token};
use crate::command::{self, CommandOutput};
use crate::config::derive_config;
use crate::parts::{ControlPlane, Envoy, EnvoyOptions, NodeGateway, NodeOptions, Upstreams};
use crate::paths;
use crate::process::Process;
use crate::wait::eventually;

/// How a stack is to be.
#[derive(Debug, Clone)]
pub struct StackBuilder {
    edits: Vec<(String, String)>,
    workers: u16,
    listen: String,
}

impl StackBuilder {
    /// The gateway's `host:port`; any free port unless said.
    #[must_use]
    pub fn listen(mut self, address: &str) -> Self {
        address.clone_into(&mut self.listen);
        self
    }

    /// Replaces a text of the shipped `envoy/gateway.yaml`, which must be there.
    #[must_use]
    pub fn edit(mut self, from: &str, to: &str) -> Self {
        self.edits.push((from.to_owned(), to.to_owned()));
        self
    }

    /// Envoy's worker threads; 2 unless said.
    #[must_use]
    pub fn workers(mut self, workers: u16) -> Self {
        self.workers = workers;
        self
    }

    /// Starts everything and waits until the gateway answers.
    ///
    /// # Errors
    /// When a part does not start; the error carries its output.
    pub async fn start(self) -> Result<Stack> {
        let folder = tempfile::Builder::new().prefix("cutover-").tempdir()?;
        let home = folder.path().to_path_buf();
        let addresses = Addresses { gateway: self.listen.clone(), ..Addresses::any() };
        Stack::assemble(home, Some(folder), addresses, &self).await
    }
}

/// The running product. Dropping it stops every process.
#[derive(Debug)]
pub struct Stack {
    // Dropped in this order: who calls goes before who is called.
    envoy: Option<Envoy>,
    control: Option<ControlPlane>,
    node: Option<NodeGateway>,
    upstreams: Option<Upstreams>,
    addresses: Addresses,
    home: PathBuf,
    config: PathBuf,
    workers: u16,
    client: Client,
    tokens: Vec<(Token, String)>,
    _folder: Option<TempDir>,
}

impl Stack {
    /// A stack as shipped, on free ports.
    ///
    /// # Errors
    /// When a part does not start.
    pub async fn start() -> Result<Self> {
        Self::builder().start().await
    }

    /// A stack that differs from what is shipped.
    #[must_use]
    pub fn builder() -> StackBuilder {
        StackBuilder { edits: Vec::new(), workers: 2, listen: "127.0.0.1:0".to_owned() }
    }

    /// The demo: the shipped configuration on the fixed ports, with its state in `.run/` of the repository.
    ///
    /// # Errors
    /// When a port is taken (nothing is started then) or a part does not start.
    pub async fn demo() -> Result<Self> {
        let addresses = Addresses::demo();
        refuse_taken_ports(&addresses)?;
        Self::assemble(paths::root(), None, addresses, &Self::builder()).await
    }

    async fn assemble(
        home: PathBuf,
        folder: Option<TempDir>,
        mut addresses: Addresses,
        how: &StackBuilder,
    ) -> Result<Self> {
        paths::module()?;
        let run = home.join(".run");
        let logs = run.join("logs");
        fs::create_dir_all(&logs)?;
        let tokens = make_tokens(&home)?;

        let upstreams = Upstreams::start(&logs, &addresses.trade, &addresses.task)?;
        (addresses.trade, addresses.task) = (upstreams.trade.clone(), upstreams.task.clone());
        let options = NodeOptions {
            listen: &addresses.node,
            jwks: &run.join("keys/jwks.json"),
            trade: &addresses.trade,
            task: &addresses.task,
        };
        let node = NodeGateway::start(&logs, &options)?;
        addresses.node.clone_from(&node.address);
        addresses.node_metrics.clone_from(&node.metrics);

        let config = match folder {
            Some(_) => derive_config(&home, &addresses, &how.edits)?,
            None => home.join("envoy/gateway.yaml"),
        };
        let control = ControlPlane::start(&logs, &home, &config, &addresses.admin, &addresses.xds)?;
        (addresses.admin, addresses.xds) = (control.admin.clone(), control.xds.clone());

        let mut stack = Self {
            envoy: None,
            control: Some(control),
            node: Some(node),
            upstreams: Some(upstreams),
            addresses,
            home,
            config,
            workers: how.workers,
            client: Client::builder().timeout(Duration::from_secs(20)).build()?,
            tokens,
            _folder: folder,
        };
        stack.start_envoy().await?;
        Ok(stack)
    }

    async fn start_envoy(&mut self) -> Result<()> {
        let options = EnvoyOptions {
            config: &self.config,
            xds: &self.addresses.xds,
            admin: &self.addresses.envoy_admin,
            id: "envoy-1",
            workers: self.workers,
        };
        let envoy = Envoy::start(&self.logs(), &self.home.join(".run"), &options).await?;
        self.addresses.envoy_admin.clone_from(&envoy.admin);
        self.addresses.gateway = envoy.gateway(&self.client).await?;
        self.envoy = Some(envoy);
        eventually("the gateway's first answer", || async {
            let answer = self.get("/healthz").send().await?;
            ensure!(answer.status == 200, "status {}", answer.status);
            Ok(())
        })
        .await
        .with_context(|| self.output())
    }

    /// Every address of this stack.
    #[must_use]
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// The folder in which `.run/` lies and in which commands run.
    #[must_use]
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// The configuration file that the control plane runs on.
    #[must_use]
    pub fn config(&self) -> &Path {
        &self.config
    }

    /// Where the processes' output lies.
    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.home.join(".run/logs")
    }

    /// The text of one of the demo's tokens.
    #[must_use]
    pub fn token(&self, token: Token) -> &str {
        self.tokens.iter().find(|(known, _)| *known == token).map_or("", |(_, text)| text)
    }

    /// A call to the gateway.
    #[must_use]
    pub fn call(&self, method: Method, path: &str) -> Call {
        let url = format!("http://{}{path}", self.addresses.gateway);
        Call::new(self.client.clone(), method, url, self.tokens.clone())
    }

    /// A GET to the gateway.
    #[must_use]
    pub fn get(&self, path: &str) -> Call {
        self.call(Method::GET, path)
    }

    /// A POST to the gateway.
    #[must_use]
    pub fn post(&self, path: &str) -> Call {
        self.call(Method::POST, path)
    }

    /// Runs `cutover` against this stack's control plane.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn cutover(&self, arguments: &[&str]) -> Result<CommandOutput> {
        let server = format!("http://{}", self.addresses.admin);
        let arguments: Vec<String> = arguments
            .iter()
            .map(|&argument| argument.to_owned())
            .chain(["--server".to_owned(), server])
            .collect();
        let home = self.home.clone();
        let run = move || {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            command::cutover(&home, &arguments)
        };
        tokio::task::spawn_blocking(run).await.context("the command was cut off")?
    }

    /// Sets weights and waits until Envoy confirms: `["listTasks=100"]`.
    ///
    /// # Errors
    /// When the change is refused or not confirmed.
    pub async fn set_weights(&self, weights: &[&str]) -> Result<()> {
        let mut arguments = vec!["weights", "set"];
        arguments.extend(weights);
        arguments.extend(["--wait", "10s"]);
        self.cutover(&arguments).await?.success()?;
        Ok(())
    }

    /// Puts every operation, and what no operation matches, on one side.
    ///
    /// # Errors
    /// When the change is refused or not confirmed.
    pub async fn everything_on(&self, side: &str) -> Result<()> {
        let percent = if side == "rust" { "100" } else { "0" };
        let listed = self.cutover(&["weights", "--json"]).await?.success()?.json()?;
        let operations =
            listed.get("weights").and_then(Value::as_array).context("no 'weights' in the listing")?;
        let all: Vec<String> = operations
            .iter()
            .filter_map(|one| one.get("operation").and_then(Value::as_str))
            .map(|operation| format!("{operation}={percent}"))
            .collect();
        ensure!(all.len() == 12, "11 operations and `unmatched` expected, got {all:?}");
        self.set_weights(&all.iter().map(String::as_str).collect::<Vec<_>>()).await
    }

    /// Sets a fault on an upstream (`trade` or `task`), see `cutover-upstreams --help`.
    ///
    /// # Errors
    /// When the upstream refuses it.
    pub async fn fault(&self, upstream: &str, fault: &Value) -> Result<()> {
        let url = format!("http://{}/__faults", self.upstream(upstream));
        let answer = self.client.put(url).json(fault).send().await?;
        ensure!(answer.status().is_success(), "the upstream refused the fault: {}", answer.text().await?);
        Ok(())
    }

    /// Puts the services' data back to the seed and takes all faults away.
    ///
    /// # Errors
    /// When an upstream does not answer.
    pub async fn reset_upstreams(&self) -> Result<()> {
        for upstream in ["trade", "task"] {
            let url = format!("http://{}/__reset", self.upstream(upstream));
            self.client.post(url).send().await?.error_for_status()?;
        }
        Ok(())
    }

    /// The request with this id as it reached an upstream.
    ///
    /// # Errors
    /// When it has not arrived there.
    pub async fn seen(&self, upstream: &str, request_id: &str) -> Result<Value> {
        let url = format!("http://{}/__seen?request_id={request_id}", self.upstream(upstream));
        let answer = self.client.get(url).send().await?;
        ensure!(answer.status().is_success(), "no request {request_id} at {upstream}: {}", answer.status());
        Ok(answer.json().await?)
    }

    fn upstream(&self, name: &str) -> &str {
        if name == "trade" { &self.addresses.trade } else { &self.addresses.task }
    }

    /// Asks a part's plain HTTP interface, such as Envoy's admin.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn fetch(&self, address: &str, path: &str) -> Result<Answer> {
        Call::new(self.client.clone(), Method::GET, format!("http://{address}{path}"), Vec::new())
            .send()
            .await
    }

    /// The control plane's process.
    ///
    /// # Errors
    /// When it is stopped.
    pub fn control_plane(&mut self) -> Result<&mut Process> {
        self.control.as_mut().map(|part| &mut part.process).context("the control plane is stopped")
    }

    /// Starts the control plane again, on the same ports and the same state.
    ///
    /// # Errors
    /// When it does not become ready.
    pub fn start_control_plane(&mut self) -> Result<()> {
        self.control = None;
        let Addresses { admin, xds, .. } = &self.addresses;
        self.control = Some(ControlPlane::start(&self.logs(), &self.home, &self.config, admin, xds)?);
        Ok(())
    }

    /// Stops the Node gateway for good.
    pub fn stop_node(&mut self) {
        self.node = None;
    }

    /// Envoy's process.
    ///
    /// # Errors
    /// When it is stopped.
    pub fn envoy(&mut self) -> Result<&mut Process> {
        self.envoy.as_mut().map(|part| &mut part.process).context("Envoy is stopped")
    }

    /// Stops Envoy; the rest goes on.
    pub fn stop_envoy(&mut self) {
        self.envoy = None;
    }

    /// The name of a part that has ended by itself, if one has.
    ///
    /// # Errors
    /// When the operating system cannot say.
    pub fn fallen(&mut self) -> Result<Option<&'static str>> {
        let parts = [
            ("Envoy", self.envoy.as_mut().map(|part| &mut part.process)),
            ("the control plane", self.control.as_mut().map(|part| &mut part.process)),
            ("the Node gateway", self.node.as_mut().map(|part| &mut part.process)),
            ("the upstreams", self.upstreams.as_mut().map(|part| &mut part.process)),
        ];
        for (name, process) in parts {
            if let Some(process) = process
                && process.ended()?.is_some()
            {
                return Ok(Some(name));
            }
        }
        Ok(None)
    }

    /// What every process has written, for a failure's message.
    #[must_use]
    pub fn output(&self) -> String {
        let processes = [
            self.envoy.as_ref().map(|part| &part.process),
            self.control.as_ref().map(|part| &part.process),
            self.node.as_ref().map(|part| &part.process),
            self.upstreams.as_ref().map(|part| &part.process),
        ];
        processes.into_iter().flatten().map(Process::output).collect()
    }
}

fn make_tokens(home: &Path) -> Result<Vec<(Token, String)>> {
    command::cutover(home, &["token", "keys", "--dir", ".run/keys"])?.success()?;
    command::cutover(home, &["token", "demo", "--keys", ".run/keys", "--dir", ".run/tokens"])?.success()?;
    let read = |token: Token| -> Result<(Token, String)> {
        let path = home.join(".run/tokens").join(format!("{}.jwt", token.name()));
        let text = fs::read_to_string(&path).with_context(|| format!("{} is missing", path.display()))?;
        Ok((token, text.trim().to_owned()))
    };
    Token::ALL.into_iter().map(read).collect()
}

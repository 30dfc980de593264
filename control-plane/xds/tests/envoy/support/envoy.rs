//! A real Envoy, stopped when dropped.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use super::PATIENCE;

pub(crate) struct Envoy {
    process: Child,
    directory: TempDir,
    admin: String,
}

/// `CUTOVER_ENVOY` or `ENVOY`, else what the set-up has put into the workspace.
fn binary() -> PathBuf {
    let own = ["CUTOVER_ENVOY", "ENVOY"]
        .into_iter()
        .find_map(|name| std::env::var_os(name).filter(|v| !v.is_empty()));
    let path = own.map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../.tools/envoy/envoy"),
        PathBuf::from,
    );
    assert!(path.exists(), "no Envoy at {}; run `make setup` or set ENVOY", path.display());
    path
}

impl Envoy {
    /// Starts Envoy and waits for its admin interface.
    pub(crate) async fn start(bootstrap: &serde_json::Value) -> Self {
        let directory = TempDir::new().unwrap();
        let path = |name: &str| directory.path().join(name);
        std::fs::write(path("bootstrap.json"), bootstrap.to_string()).unwrap();
        let process = Command::new(binary())
            .arg("--config-path")
            .arg(path("bootstrap.json"))
            .arg("--admin-address-path")
            .arg(path("admin"))
            .args(["--concurrency", "1", "--disable-hot-restart", "--log-level", "info"])
            .stdin(Stdio::null())
            .stdout(File::create(path("access.log")).unwrap())
            .stderr(File::create(path("envoy.log")).unwrap())
            .spawn()
            .unwrap();
        let mut envoy = Self { process, directory, admin: String::new() };
        let deadline = Instant::now() + PATIENCE;
        while envoy.admin.is_empty() {
            assert!(Instant::now() < deadline, "Envoy does not start:\n{}", envoy.log());
            sleep(Duration::from_millis(10)).await;
            envoy.admin = std::fs::read_to_string(envoy.directory.path().join("admin")).unwrap_or_default();
        }
        envoy
    }

    pub(crate) async fn admin(&self, path: &str) -> String {
        let url = format!("http://{}{path}", self.admin);
        reqwest::get(&url).await.unwrap().text().await.unwrap()
    }

    /// The address of a listener, once it listens.
    pub(crate) async fn listener(&self, name: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let listeners = self.admin("/listeners").await;
            let address = listeners.lines().find_map(|line| line.strip_prefix(&format!("{name}::")));
            if let Some(address) = address.filter(|address| !address.ends_with(":0")) {
                return address.to_owned();
            }
            assert!(Instant::now() < deadline, "no listener {name} in:\n{listeners}\n{}", self.log());
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until a statistic has a value.
    pub(crate) async fn stat(&self, name: &str, value: u64) {
        let (deadline, line) = (Instant::now() + PATIENCE, format!("{name}: {value}"));
        while self.admin(&format!("/stats?filter=^{name}$")).await.trim() != line {
            assert!(Instant::now() < deadline, "{name} is never {value}:\n{}", self.log());
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// What Envoy has said so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("envoy.log")).unwrap()
    }

    /// Waits until the access log says this; Envoy writes it out once a second.
    pub(crate) async fn logs_access(&self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let log = std::fs::read_to_string(self.directory.path().join("access.log")).unwrap();
            if log.contains(text) {
                return;
            }
            assert!(Instant::now() < deadline, "no {text} in:\n{log}");
            sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Envoy {
    fn drop(&mut self) {
        // By its own handle; nothing is left to do when it has died before.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

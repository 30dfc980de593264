//! The admin API from the command line's side.

use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use reqwest::{Method, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::api::wire;

/// How long an answer may take beyond what the caller waits for.
const PATIENCE: Duration = Duration::from_secs(10);
const CONNECT_PATIENCE: Duration = Duration::from_secs(3);

/// Speaks to one control plane.
pub(crate) struct Client {
    http: reqwest::Client,
    server: String,
}

impl Client {
    /// # Errors
    /// When the server's URL is none.
    pub(crate) fn new(server: &str) -> Result<Self> {
        let server = server.trim_end_matches('/').to_owned();
        let url = reqwest::Url::parse(&server).ok().filter(|url| url.scheme() == "http" && url.has_host());
        url.ok_or_else(|| {
            anyhow!("`{server}` is not the URL of a control plane; write for example http://127.0.0.1:9000")
        })?;
        // A control plane is a neighbour: a proxy in the environment is meant for the world outside.
        let http = reqwest::Client::builder().no_proxy().connect_timeout(CONNECT_PATIENCE).build()?;
        Ok(Self { http, server })
    }

    pub(crate) async fn status(&self) -> Result<wire::Status> {
        self.get("/api/v1/status").await
    }

    pub(crate) async fn weights(&self) -> Result<wire::WeightList> {
        self.get("/api/v1/weights").await
    }

    pub(crate) async fn envoys(&self) -> Result<wire::Envoys> {
        self.get("/api/v1/envoys").await
    }

    pub(crate) async fn history(&self, operation: Option<&str>, limit: u32) -> Result<wire::History> {
        // An operation id needs no escaping, by its own rule.
        let filter = operation.map(|id| format!("&operation={id}")).unwrap_or_default();
        self.get(&format!("/api/v1/history?limit={limit}{filter}")).await
    }

    pub(crate) async fn set_weights(&self, body: &wire::SetWeights) -> Result<wire::Changed> {
        self.send(Method::PATCH, "/api/v1/weights", body, body.wait_ms).await
    }

    pub(crate) async fn rollback(&self, body: &wire::Rollback) -> Result<wire::Changed> {
        self.send(Method::POST, "/api/v1/rollback", body, body.wait_ms).await
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let request = self.http.get(format!("{}{path}", self.server)).timeout(PATIENCE);
        self.answer(request.send().await).await
    }

    async fn send<B: Serialize, T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &B,
        wait_ms: Option<u64>,
    ) -> Result<T> {
        let patience = PATIENCE.saturating_add(Duration::from_millis(wait_ms.unwrap_or_default()));
        let request = self.http.request(method, format!("{}{path}", self.server)).timeout(patience);
        self.answer(request.json(body).send().await).await
    }

    async fn answer<T: DeserializeOwned>(&self, sent: reqwest::Result<Response>) -> Result<T> {
        let response = sent.map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        let body = response.bytes().await.map_err(|error| self.unreachable(&error))?;
        if status.is_success() {
            return serde_json::from_slice(&body).with_context(|| self.stranger(status.as_u16()));
        }
        match serde_json::from_slice::<wire::Problem>(&body) {
            Ok(problem) => Err(anyhow!(problem.detail)),
            Err(_) => Err(anyhow!(self.stranger(status.as_u16()))),
        }
    }

    fn unreachable(&self, error: &reqwest::Error) -> anyhow::Error {
        let server = &self.server;
        if error.is_timeout() && !error.is_connect() {
            return anyhow!("the control plane at {server} did not answer in time; see its log");
        }
        anyhow!(
            "cannot reach the control plane at {server}; is `cutover serve` running? (--server or CUTOVER_SERVER names another)"
        )
    }

    fn stranger(&self, status: u16) -> String {
        let server = &self.server;
        format!(
            "{server} answered {status} with something a control plane of this version does not say; check --server"
        )
    }
}

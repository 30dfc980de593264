//! A world for the tests: a hub, a real Envoy, and servers that behave as a path tells them.

pub(crate) mod envoy;
pub(crate) mod gateway;
pub(crate) mod upstream;

use std::net::SocketAddr;
use std::time::Duration;

use cutover_domain::{Revision, Weights};
use cutover_xds::model::Gateway;
use cutover_xds::{BarrierReport, Bootstrap, Hub, HubOptions, Snapshot, bootstrap, render};
use reqwest::{Method, Response};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use envoy::Envoy;
use upstream::Server;

/// Longer than anything here takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The id every request carries.
pub(crate) const REQUEST_ID: &str = "test-1";

/// A hub that serves on a port.
pub(crate) struct ControlPlane {
    pub(crate) hub: Hub,
    address: SocketAddr,
    serving: JoinHandle<()>,
    shutdown: oneshot::Sender<()>,
}

impl ControlPlane {
    pub(crate) async fn start(address: SocketAddr) -> Self {
        let hub = Hub::new(HubOptions { gateway: gateway::NAME.to_owned() });
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (shutdown, signal) = oneshot::channel::<()>();
        let service = hub.clone();
        let serving = tokio::spawn(async move {
            service.serve(listener, async { signal.await.unwrap_or_default() }).await.unwrap();
        });
        Self { hub, address, serving, shutdown }
    }

    /// Ends every stream and gives the port back.
    async fn stop(self) -> SocketAddr {
        self.shutdown.send(()).unwrap();
        timeout(PATIENCE, self.serving).await.unwrap().unwrap();
        self.address
    }
}

pub(crate) struct World {
    pub(crate) control: ControlPlane,
    pub(crate) envoy: Envoy,
    pub(crate) node: Server,
    pub(crate) service: Server,
    pub(crate) frail: Server,
    pub(crate) gateway: Gateway,
    pub(crate) revision: Revision,
    address: String,
    client: reqwest::Client,
}

impl World {
    /// Everything runs, and every operation is on the node side.
    pub(crate) async fn start() -> Self {
        let (node, service, frail) = (Server::start().await, Server::start().await, Server::start().await);
        let gateway = gateway::gateway(node.address(), service.address(), frail.address());
        let control = ControlPlane::start("127.0.0.1:0".parse().unwrap()).await;
        let revision = Revision(1);
        control.hub.publish(revision, render(&gateway, &Weights::new()).unwrap());
        let options = Bootstrap {
            node_id: "envoy-1".to_owned(),
            cluster: gateway::NAME.to_owned(),
            xds: control.address.into(),
            admin: "127.0.0.1:0".parse().unwrap(),
        };
        let envoy = Envoy::start(&bootstrap(&options)).await;
        let address = envoy.listener(gateway::NAME).await;
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let world = Self { control, envoy, node, service, frail, gateway, revision, address, client };
        world.confirmed().await;
        world
    }

    /// Waits until the Envoy is there and runs the current revision.
    pub(crate) async fn confirmed(&self) {
        let deadline = Instant::now() + PATIENCE;
        let hub = &self.control.hub;
        while !hub.envoys().iter().any(|envoy| envoy.confirmed == self.revision) {
            assert!(Instant::now() < deadline, "not confirmed: {:#?}\n{}", hub.envoys(), self.envoy.log());
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Puts a new control plane in the place of the old one, which knows what the old one has published last.
    pub(crate) async fn restart_control_plane(mut self, snapshot: Snapshot) -> Self {
        let address = self.control.stop().await;
        self.control = ControlPlane::start(address).await;
        self.control.hub.publish(self.revision, snapshot);
        self.confirmed().await;
        self
    }

    /// Publishes a snapshot under the next revision and waits for the Envoy's word.
    pub(crate) async fn push(&mut self, snapshot: Snapshot) -> BarrierReport {
        self.revision = self.revision.next();
        self.control.hub.publish(self.revision, snapshot);
        self.control.hub.barrier(self.revision, PATIENCE).await
    }

    /// As [`Self::push`], for a snapshot that Envoy takes.
    pub(crate) async fn publish(&mut self, snapshot: Snapshot) {
        let report = self.push(snapshot).await;
        assert!(report.is_complete(), "{report:#?}\n{}", self.envoy.log());
        assert_eq!(report.confirmed.len(), 1, "{report:#?}");
    }

    /// Gives every operation a weight.
    pub(crate) async fn all(&mut self, weight: &str) {
        let weights = gateway::all(&self.gateway, weight);
        self.publish(render(&self.gateway, &weights).unwrap()).await;
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[]).await
    }

    pub(crate) async fn post(&self, path: &str) -> Answer {
        self.send(Method::POST, path, &[]).await
    }

    pub(crate) async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
        let request = self.client.request(method, format!("http://{}{path}", self.address));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let request = request.header("x-request-id", REQUEST_ID).timeout(PATIENCE);
        Answer::read(request.send().await.unwrap_or_else(|error| panic!("{error:?}\n{}", self.envoy.log())))
            .await
    }
}

/// An answer as the client got it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    async fn read(response: Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, body: response.bytes().await.unwrap().to_vec() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let first = values.next();
        assert!(values.next().is_none(), "{name} is there twice: {self:#?}");
        first.map(|value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// Asserts an error in the legacy gateway's words.
    #[track_caller]
    pub(crate) fn refuses(&self, status: u16, message: &str, side: &str) {
        assert_eq!(self.status, status, "{self:#?} {}", self.text());
        let body = format!(r#"{{"message":"{message}","errors":[],"requestId":"{REQUEST_ID}"}}"#);
        assert_eq!(self.text(), body);
        assert_eq!(self.header("content-type"), Some("application/json; charset=utf-8"));
        assert_eq!(self.header("x-request-id"), Some(REQUEST_ID), "{self:#?}");
        assert_eq!(self.header("x-cutover-side"), Some(side), "{self:#?}");
        assert_eq!(self.header("server"), None, "{self:#?}");
        self.is_clean();
    }

    /// Asserts that Envoy does not talk about itself.
    #[track_caller]
    pub(crate) fn is_clean(&self) {
        let envoys = self.headers.keys().filter(|name| name.as_str().starts_with("x-envoy"));
        assert_eq!(envoys.count(), 0, "{self:#?}");
    }
}

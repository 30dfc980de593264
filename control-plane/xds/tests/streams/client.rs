//! A client that speaks as a test tells it.

use std::time::Duration;

use cutover_xds::{Hub, ResourceType};
use envoy_types::pb::envoy::config::core::v3::Node;
use envoy_types::pb::envoy::service::discovery::v3::aggregated_discovery_service_client::AggregatedDiscoveryServiceClient;
use envoy_types::pb::envoy::service::discovery::v3::{DeltaDiscoveryRequest, DeltaDiscoveryResponse};
use envoy_types::pb::google::rpc::Status as Refusal;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::transport::Channel;
use tonic::{Status, Streaming};

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Serves a hub on a free port until it is shut down.
pub(crate) async fn serve(hub: &Hub) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (hub, ended) = (hub.clone(), hub.clone());
    let serving =
        tokio::spawn(async move { hub.serve(listener, async move { ended.ended().await }).await.unwrap() });
    (url, serving)
}

pub(crate) struct Client {
    requests: mpsc::UnboundedSender<DeltaDiscoveryRequest>,
    responses: Streaming<DeltaDiscoveryResponse>,
    node: Option<Node>,
}

impl Client {
    pub(crate) async fn connect(url: &str, node: &str) -> Self {
        Self::connect_as(url, Node { id: node.to_owned(), cluster: "edge".to_owned(), ..Node::default() })
            .await
    }

    pub(crate) async fn connect_as(url: &str, node: Node) -> Self {
        let (requests, outgoing) = mpsc::unbounded_channel();
        let mut service = service(url).await;
        let responses = service.delta_aggregated_resources(UnboundedReceiverStream::new(outgoing));
        Self { requests, responses: responses.await.unwrap().into_inner(), node: Some(node) }
    }

    /// Sends a request, the first one with the node.
    pub(crate) fn sends(&mut self, request: DeltaDiscoveryRequest) {
        self.requests.send(DeltaDiscoveryRequest { node: self.node.take(), ..request }).unwrap();
    }

    pub(crate) fn subscribes(&mut self, kind: ResourceType, names: &[&str]) {
        self.sends(DeltaDiscoveryRequest {
            type_url: kind.type_url().to_owned(),
            resource_names_subscribe: names.iter().map(|name| (*name).to_owned()).collect(),
            ..DeltaDiscoveryRequest::default()
        });
    }

    pub(crate) async fn receives(&mut self) -> Result<Option<DeltaDiscoveryResponse>, Status> {
        timeout(PATIENCE, self.responses.message()).await.unwrap()
    }

    /// The next response, which must be of this type.
    pub(crate) async fn gets(&mut self, kind: ResourceType) -> DeltaDiscoveryResponse {
        let response = self.receives().await.unwrap().unwrap();
        assert_eq!(response.type_url, kind.type_url(), "{response:?}");
        response
    }

    /// Accepts a response, or refuses it in these words.
    pub(crate) fn answers(&mut self, response: &DeltaDiscoveryResponse, refusal: Option<&str>) {
        self.sends(DeltaDiscoveryRequest {
            type_url: response.type_url.clone(),
            response_nonce: response.nonce.clone(),
            error_detail: refusal.map(|message| Refusal {
                code: 3,
                message: message.to_owned(),
                details: Vec::new(),
            }),
            ..DeltaDiscoveryRequest::default()
        });
    }
}

pub(crate) async fn service(url: &str) -> AggregatedDiscoveryServiceClient<Channel> {
    AggregatedDiscoveryServiceClient::connect(url.to_owned()).await.unwrap()
}

//! The gRPC service: `envoy.service.discovery.v3.AggregatedDiscoveryService`, incremental variant.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};

use envoy_types::pb::envoy::service::discovery::v3::DeltaDiscoveryRequest;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::body::Body;
use tonic::codegen::{Body as HttpBody, BoxFuture, Service, StdError, http};
use tonic::server::{Grpc, NamedService, StreamingService};
use tonic::{Request, Response, Status, Streaming};

use super::codec::{DeltaCodec, Encoded};
use super::{Shared, stream};
use crate::ResourceType;

const DELTA: &str = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources";
const STATE_OF_THE_WORLD: &str =
    "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources";

/// Room for one response of each type, and the status that ends the stream: a session never has more under way.
const OUTGOING: usize = ResourceType::ALL.len() + 1;

/// The aggregated discovery service of a [`crate::Hub`], for a [`tonic::transport::Server`].
#[derive(Clone, Debug)]
pub struct DiscoveryService {
    pub(super) shared: Arc<Shared>,
}

impl NamedService for DiscoveryService {
    const NAME: &'static str = "envoy.service.discovery.v3.AggregatedDiscoveryService";
}

impl<B> Service<http::Request<B>> for DiscoveryService
where
    B: HttpBody + Send + 'static,
    B::Error: Into<StdError> + Send + 'static,
{
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let refusal = match request.uri().path() {
            DELTA => {
                let delta = Delta { shared: Arc::clone(&self.shared) };
                return Box::pin(async move { Ok(Grpc::new(DeltaCodec).streaming(delta, request).await) });
            }
            STATE_OF_THE_WORLD => {
                "this control plane speaks the incremental protocol only; set api_type: DELTA_GRPC in ads_config"
            }
            _ => "unknown method; this is an aggregated discovery service",
        };
        Box::pin(async move { Ok(Status::unimplemented(refusal).into_http()) })
    }
}

struct Delta {
    shared: Arc<Shared>,
}

impl StreamingService<DeltaDiscoveryRequest> for Delta {
    type Response = Encoded;
    type ResponseStream = ReceiverStream<Result<Encoded, Status>>;
    type Future = Ready<Result<Response<Self::ResponseStream>, Status>>;

    fn call(&mut self, request: Request<Streaming<DeltaDiscoveryRequest>>) -> Self::Future {
        let address = request.remote_addr();
        let (outgoing, responses) = mpsc::channel(OUTGOING);
        tokio::spawn(stream::run(Arc::clone(&self.shared), request.into_inner(), outgoing, address));
        ready(Ok(Response::new(ReceiverStream::new(responses))))
    }
}

//! Requests and responses on the wire: resources are written as the bytes they were encoded to once.

use envoy_types::pb::envoy::config::core::v3::ControlPlane;
use envoy_types::pb::envoy::service::discovery::v3::{DeltaDiscoveryRequest, DeltaDiscoveryResponse};
use prost::Message;
use prost::bytes::{BufMut, Bytes};
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

use crate::subscription::Response;

/// A response, encoded but for the resources, which all streams share.
#[derive(Clone, Debug)]
pub(super) struct Encoded {
    head: Vec<u8>,
    resources: Vec<Bytes>,
}

impl Encoded {
    /// Length on the wire, in bytes.
    pub(super) fn len(&self) -> usize {
        self.resources.iter().fold(self.head.len(), |sum, resource| sum + resource.len())
    }
}

impl From<Response> for Encoded {
    fn from(response: Response) -> Self {
        let Response { kind, nonce, revision, resources, removed } = response;
        let head = DeltaDiscoveryResponse {
            system_version_info: revision.to_string(),
            type_url: kind.type_url().to_owned(),
            nonce,
            removed_resources: removed.iter().map(ToString::to_string).collect(),
            control_plane: Some(ControlPlane { identifier: "cutover".to_owned() }),
            ..DeltaDiscoveryResponse::default()
        };
        Self {
            head: head.encode_to_vec(),
            resources: resources.iter().map(|resource| resource.entry().clone()).collect(),
        }
    }
}

/// Delta requests in, encoded responses out.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct DeltaCodec;

impl Codec for DeltaCodec {
    type Encode = Encoded;
    type Decode = DeltaDiscoveryRequest;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for DeltaCodec {
    type Item = Encoded;
    type Error = Status;

    fn encode(&mut self, response: Encoded, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.reserve(response.len());
        to.put_slice(&response.head);
        for resource in &response.resources {
            to.put_slice(resource);
        }
        Ok(())
    }
}

impl Decoder for DeltaCodec {
    type Item = DeltaDiscoveryRequest;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<DeltaDiscoveryRequest>, Status> {
        let request = DeltaDiscoveryRequest::decode(from);
        request
            .map(Some)
            .map_err(|error| Status::invalid_argument(format!("not a delta discovery request: {error}")))
    }
}

//! What an Envoy gets, as JSON for people: protobuf's canonical mapping with Envoy's own field names, filter
//! configurations unpacked, secrets blacked out.

use cutover_xds::{ResourceType, Snapshot};
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, SerializeOptions};
use serde_json::{Map, Value, json};

/// Envoy's API of the version that `envoy-types` has, without its comments. A test keeps it so.
const DESCRIPTORS: &[u8] = include_bytes!("envoy_json/descriptors.bin");

/// Stands where a secret was.
const BLACKED_OUT: &str = "(secret)";

/// Why a snapshot cannot be shown.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ShowError {
    /// The descriptors that are part of this program cannot be read.
    #[error("envoy's api descriptors are damaged: {0}")]
    Descriptors(#[from] prost_reflect::DescriptorError),
    /// A type the descriptors do not have.
    #[error("envoy's api descriptors lack {0}")]
    Unknown(String),
    /// A resource that is not of its type.
    #[error("the resource {name} cannot be read: {cause}")]
    Resource {
        /// The resource's name.
        name: String,
        /// What is wrong with it.
        cause: String,
    },
}

/// All resources by type: name, version, and content.
pub(crate) fn show(snapshot: &Snapshot) -> Result<Value, ShowError> {
    let pool = DescriptorPool::decode(DESCRIPTORS)?;
    let mut types = Map::new();
    for kind in ResourceType::ALL {
        let name = kind.type_url().rsplit('/').next().unwrap_or_default();
        let descriptor = pool.get_message_by_name(name).ok_or_else(|| ShowError::Unknown(name.to_owned()))?;
        let mut resources = Vec::new();
        for resource in snapshot.resources(kind) {
            let content = content(&descriptor, resource)?;
            resources
                .push(json!({"name": resource.name(), "version": resource.version(), "resource": content}));
        }
        types.insert(kind.to_string(), resources.into());
    }
    Ok(Value::Object(types))
}

fn content(descriptor: &MessageDescriptor, resource: &cutover_xds::Resource) -> Result<Value, ShowError> {
    let damaged = |cause: String| ShowError::Resource { name: resource.name().to_owned(), cause };
    let message = DynamicMessage::decode(descriptor.clone(), resource.body());
    let message = message.map_err(|error| damaged(error.to_string()))?;
    let options = SerializeOptions::new().use_proto_field_name(true).stringify_64_bit_integers(false);
    let json = message.serialize_with_options(serde_json::value::Serializer, &options);
    Ok(readable(json.map_err(|error| damaged(error.to_string()))?))
}

/// Unpacks JSON that is carried as text (a filter's configuration), and blacks out the secrets in it.
fn readable(value: Value) -> Value {
    match value {
        Value::String(text) if text.starts_with('{') => match serde_json::from_str(&text) {
            Ok(inner @ Value::Object(_)) => readable(inner),
            _ => Value::String(text),
        },
        Value::Array(items) => items.into_iter().map(readable).collect(),
        Value::Object(members) => Value::Object(without_secrets(members)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}

/// The one secret in a gateway today is the `k` of a symmetric key (RFC 7518 section 6.4.1); `d` would be a private key.
fn without_secrets(members: Map<String, Value>) -> Map<String, Value> {
    let is_key = members.contains_key("kty");
    let shown = members.into_iter().map(|(name, value)| match name.as_str() {
        "k" | "d" if is_key => (name, BLACKED_OUT.into()),
        _ => (name, readable(value)),
    });
    shown.collect()
}

#[cfg(test)]
mod tests;

//! The HTTP filter chain, and which filters the node side leaves out.

use std::collections::HashMap;
use std::path::Path;

use envoy_types::pb::envoy::config::common::mutation_rules::v3::{
    HeaderMutation as Mutation, header_mutation,
};
use envoy_types::pb::envoy::config::core::v3::{AsyncDataSource, DataSource, async_data_source, data_source};
use envoy_types::pb::envoy::config::route::v3::FilterConfig;
use envoy_types::pb::envoy::extensions::compression::gzip::compressor::v3::Gzip;
use envoy_types::pb::envoy::extensions::filters::http::compressor::v3::{
    Compressor,
    compressor::{CommonDirectionConfig, ResponseDirectionConfig},
};
use envoy_types::pb::envoy::extensions::filters::http::header_mutation::v3::{
    HeaderMutation, HeaderMutationPerRoute, Mutations,
};
use envoy_types::pb::envoy::extensions::filters::http::router::v3::Router;
use envoy_types::pb::envoy::extensions::filters::http::wasm::v3::Wasm;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::{
    HttpFilter, http_filter::ConfigType,
};
use envoy_types::pb::envoy::extensions::wasm::v3::{
    FailurePolicy, PluginConfig, VmConfig, plugin_config::Vm,
};
use envoy_types::pb::google::protobuf::{Any, StringValue};
use prost::{Message, Name};
use serde_json::Value;

use super::errors;
use super::proto::{any, boolean, extension, header, matching, uint32};
use crate::model::{Filters, Gateway, Upstream};

const REQUEST_ID: &str = "cutover.request-id";
const AUTH: &str = "cutover.auth";
const VALIDATION: &str = "cutover.validation";
const HIDDEN_FAILURES: &str = "cutover.custom-response";
const COMPRESSOR: &str = "cutover.compressor";
const SIDE: &str = "cutover.side";
const ROUTER: &str = "cutover.router";

/// The virtual machine that all plugins share: Envoy makes one per worker and `vm_id`, code and configuration.
const VM_ID: &str = "cutover";

/// Answers from this size on are compressed.
const COMPRESS_FROM_BYTES: u32 = 1024;

/// What the legacy gateway's `compression` package finds compressible, as far as an API sends it.
const COMPRESSIBLE: &str =
    r"(?i)(text/[^;]+|application/(json|javascript|xml|[^;]+\+(json|xml)|x-ndjson)|image/svg\+xml)(;.*)?";

/// The chain, in the order of requests; answers pass it backwards.
pub(super) fn chain(gateway: &Gateway) -> Vec<HttpFilter> {
    let mut chain = Vec::new();
    if let Some(Filters { module, request_id, auth, validation }) = &gateway.filters {
        chain.push(wasm(REQUEST_ID, "request-id", module, request_id, false));
        chain.push(wasm(AUTH, "auth", module, auth, false));
        chain.push(wasm(VALIDATION, "validation", module, validation, true));
    }
    chain.push(filter(HIDDEN_FAILURES, &errors::hidden_failures()));
    chain.push(filter(COMPRESSOR, &compressor()));
    chain.push(filter(SIDE, &HeaderMutation::default()));
    chain.push(router());
    chain
}

/// The router, without Envoy's own headers in either direction.
pub(super) fn router() -> HttpFilter {
    filter(ROUTER, &Router { suppress_envoy_headers: true, ..Router::default() })
}

pub(super) fn filter<M: Message + Name>(name: &str, config: &M) -> HttpFilter {
    HttpFilter {
        name: name.to_owned(),
        config_type: Some(ConfigType::TypedConfig(any(config))),
        ..HttpFilter::default()
    }
}

/// A plugin of the bundle. `holds_headers`: it waits for the body before the headers go on.
fn wasm(name: &str, plugin: &str, module: &Path, configuration: &Value, holds_headers: bool) -> HttpFilter {
    let file = data_source::Specifier::Filename(module.to_string_lossy().into_owned());
    let code = DataSource { specifier: Some(file), ..DataSource::default() };
    let vm = VmConfig {
        vm_id: VM_ID.to_owned(),
        runtime: "envoy.wasm.runtime.v8".to_owned(),
        code: Some(AsyncDataSource { specifier: Some(async_data_source::Specifier::Local(code)) }),
        ..VmConfig::default()
    };
    let config = PluginConfig {
        name: plugin.to_owned(),
        root_id: plugin.to_owned(),
        configuration: Some(any(&StringValue { value: configuration.to_string() })),
        // Denies while the module recovers from a trap, then serves again; FAIL_CLOSED would deny for ever.
        failure_policy: FailurePolicy::FailReload.into(),
        allow_on_headers_stop_iteration: if holds_headers { boolean(true) } else { None },
        vm: Some(Vm::VmConfig(vm)),
        ..PluginConfig::default()
    };
    filter(name, &Wasm { config: Some(config) })
}

fn compressor() -> Compressor {
    let common = CommonDirectionConfig {
        min_content_length: uint32(COMPRESS_FROM_BYTES),
        content_type_matcher: vec![matching(COMPRESSIBLE)],
        ..CommonDirectionConfig::default()
    };
    Compressor {
        compressor_library: Some(extension("gzip", &Gzip::default())),
        response_direction_config: Some(ResponseDirectionConfig {
            common_config: Some(common),
            ..ResponseDirectionConfig::default()
        }),
        ..Compressor::default()
    }
}

/// What the node side changes of the chain: the legacy gateway does all of it itself, and in its own time.
///
/// A route's timeout holds for both of its clusters and is the rust side's; the router takes this header in its place and
/// does not send it on (router filter, "HTTP headers").
pub(super) fn node_side(gateway: &Gateway, node: &Upstream) -> HashMap<String, Any> {
    let off = any(&FilterConfig { disabled: true, ..FilterConfig::default() });
    let wasm: &[&str] = if gateway.filters.is_some() { &[AUTH, VALIDATION] } else { &[] };
    let off = wasm.iter().chain(&[HIDDEN_FAILURES, COMPRESSOR]).map(|name| ((*name).to_owned(), off.clone()));
    let set =
        |name, value: String| Mutation { action: Some(header_mutation::Action::Append(header(name, value))) };
    let side = HeaderMutationPerRoute {
        mutations: Some(Mutations {
            request_mutations: vec![set(
                "x-envoy-upstream-rq-timeout-ms",
                node.timeout.as_millis().to_string(),
            )],
            ..Mutations::default()
        }),
    };
    off.chain([(SIDE.to_owned(), any(&side))]).collect()
}

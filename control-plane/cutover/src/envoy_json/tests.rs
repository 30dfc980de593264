//! Secrets stay out, and the descriptors are those of the `envoy-types` in use.

use std::path::{Path, PathBuf};
use std::process::Command;

use prost::Message;

use super::*;

/// Every type that a rendered gateway may hold, by the file that defines it.
const FILES: &[&str] = &[
    "envoy/config/cluster/v3/cluster.proto",
    "envoy/config/endpoint/v3/endpoint.proto",
    "envoy/config/listener/v3/listener.proto",
    "envoy/config/route/v3/route.proto",
    "envoy/extensions/access_loggers/file/v3/file.proto",
    "envoy/extensions/access_loggers/stream/v3/stream.proto",
    "envoy/extensions/compression/gzip/compressor/v3/gzip.proto",
    "envoy/extensions/filters/http/compressor/v3/compressor.proto",
    "envoy/extensions/filters/http/custom_response/v3/custom_response.proto",
    "envoy/extensions/filters/http/header_mutation/v3/header_mutation.proto",
    "envoy/extensions/filters/http/health_check/v3/health_check.proto",
    "envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit.proto",
    "envoy/extensions/filters/http/lua/v3/lua.proto",
    "envoy/extensions/filters/http/router/v3/router.proto",
    "envoy/extensions/filters/http/wasm/v3/wasm.proto",
    "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.proto",
    "envoy/extensions/http/custom_response/local_response_policy/v3/local_response_policy.proto",
    "envoy/extensions/http/early_header_mutation/header_mutation/v3/header_mutation.proto",
    "envoy/extensions/http/header_formatters/preserve_case/v3/preserve_case.proto",
    "envoy/extensions/retry/host/previous_hosts/v3/previous_hosts.proto",
    "envoy/extensions/transport_sockets/internal_upstream/v3/internal_upstream.proto",
    "envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer.proto",
    "envoy/extensions/transport_sockets/tls/v3/tls.proto",
    "envoy/extensions/upstreams/http/v3/http_protocol_options.proto",
    "envoy/extensions/wasm/v3/wasm.proto",
    "envoy/type/matcher/v3/http_inputs.proto",
    "envoy/type/matcher/v3/status_code_input.proto",
    "google/protobuf/struct.proto",
    "google/protobuf/wrappers.proto",
];

/// The folder of `envoy-types`, whose sources carry Envoy's protobuf files.
fn envoy_types() -> PathBuf {
    // Only this platform's packages: those of others need not have been downloaded.
    let rustc = output("rustc", &["-vV"]);
    let host = rustc.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let metadata =
        output(env!("CARGO"), &["metadata", "--format-version=1", "--locked", "--filter-platform", host]);
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let package = packages.iter().find(|package| package["name"] == "envoy-types").unwrap();
    Path::new(package["manifest_path"].as_str().unwrap()).parent().unwrap().to_owned()
}

fn output(program: &str, arguments: &[&str]) -> String {
    let done =
        Command::new(program).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(done.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

fn descriptors() -> Vec<u8> {
    let root = envoy_types().join("proto");
    let parts =
        ["data-plane-api", "googleapis", "protoc-gen-validate", "xds", "client_model", "cel-spec/proto"];
    let mut compiler = protox::Compiler::new(parts.iter().map(|part| root.join(part))).unwrap();
    compiler.include_imports(true).include_source_info(false).open_files(FILES).unwrap();
    compiler.file_descriptor_set().encode_to_vec()
}

#[test]
fn the_descriptors_are_those_of_the_envoy_types_in_use() {
    let made = descriptors();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/envoy_json/descriptors.bin");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    assert!(std::fs::read(&path).unwrap() == made, "envoy-types has changed; refresh with `make golden`");
}

#[test]
fn everything_a_gateway_can_have_is_shown_except_its_secrets() {
    let full = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/config/full.yaml");
    let gateway = crate::config::load(&full).unwrap().gateway;
    let weights = [("listTasks".parse().unwrap(), "12.5%".parse().unwrap())].into_iter().collect();
    let shown = show(&cutover_xds::render(&gateway, &weights).unwrap()).unwrap();
    let text = shown.to_string();
    assert!(
        !text.contains("dG9wLXNlY3JldC10b3Atc2VjcmV0LXRvcC1zZWNyZXQ") && text.contains(BLACKED_OUT),
        "{text}"
    );
    assert!(!text.contains("type_url"), "something is still packed: {text}");
    for expected in
        ["\"weight\":1250", "\"weight\":8750", "task-1.internal", "/var/log/access.json", "cutover-plan/2"]
    {
        assert!(text.contains(expected), "{expected} is missing: {text}");
    }
}

#[test]
fn a_filters_configuration_is_unpacked_and_its_secrets_are_blacked_out() {
    let configuration = json!({"issuers": [{"jwks": {"keys": [
        {"kty": "oct", "kid": "h", "k": "c2VjcmV0"}, {"kty": "RSA", "kid": "r", "n": "AQAB", "e": "AQAB"}]}}]});
    let shown =
        readable(json!({"configuration": {"value": configuration.to_string()}, "k": "not a key", "x": "{"}));
    assert_eq!(
        shown,
        json!({"configuration": {"value": {"issuers": [{"jwks": {"keys": [
                   {"kty": "oct", "kid": "h", "k": "(secret)"}, {"kty": "RSA", "kid": "r", "n": "AQAB", "e": "AQAB"}]}}]}},
               "k": "not a key", "x": "{"})
    );
}

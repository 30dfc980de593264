use std::collections::HashMap;
use std::path::PathBuf;

use cutover_domain::{OperationId, Weight};
use envoy_types::pb::envoy::config::accesslog::v3::access_log as log;
use envoy_types::pb::envoy::config::cluster::v3::{
    Cluster,
    cluster::{ClusterDiscoveryType, DiscoveryType},
};
use envoy_types::pb::envoy::config::core::v3::{
    data_source::Specifier, substitution_format_string::Format, transport_socket as socket,
};
use envoy_types::pb::envoy::config::listener::v3::{Listener, filter};
use envoy_types::pb::envoy::config::route::v3::{
    FilterConfig, Route, RouteConfiguration, WeightedCluster, route::Action, route_action::ClusterSpecifier,
};
use envoy_types::pb::envoy::extensions::access_loggers::stream::v3::{StdoutAccessLog, stdout_access_log};
use envoy_types::pb::envoy::extensions::filters::http::wasm::v3::Wasm;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::{
    HttpConnectionManager, HttpFilter, http_filter,
};
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::{
    SubjectAltNameMatcher, UpstreamTlsContext, common_tls_context::ValidationContextType,
    subject_alt_name_matcher::SanType,
};
use envoy_types::pb::envoy::extensions::wasm::v3::{FailurePolicy, plugin_config::Vm};
use envoy_types::pb::envoy::r#type::matcher::v3::string_matcher::MatchPattern;
use envoy_types::pb::google::protobuf::{StringValue, value::Kind};
use prost::{Message, Name};
use serde_json::json;

use super::*;
use crate::ResourceType;
use crate::fixture::{gateway, upstream};
use crate::model::{AccessLog, Filters, KeyHost, Tls};

/// A gateway with everything in it.
fn full() -> Gateway {
    let mut gateway = gateway("service");
    let add = |id: &str, path: &str, target| OperationRoute {
        id: id.parse().unwrap(),
        method: "GET".to_owned(),
        path_template: path.to_owned(),
        target,
        idempotent: true,
    };
    let ready = Target::Ready { upstreams: vec!["service".to_owned(), NODE.to_owned()] };
    gateway.operations = vec![
        add("get", "/op/{id}", Target::Upstream("service".to_owned())),
        add("mine", "/op/mine", Target::Upstream("service".to_owned())),
        add("health", "/healthz", Target::Answer { status: 200, body_json: "{}".to_owned() }),
        add("ready", "/readyz", ready),
    ];
    gateway.access_log = AccessLog::Stdout;
    gateway.filters = Some(Filters {
        module: PathBuf::from("/opt/filters.wasm"),
        request_id: json!({}),
        auth: json!({"realm": "gateway"}),
        validation: json!({"requests": "enforce"}),
    });
    gateway
}

fn weights(weights: &[(&str, &str)]) -> Weights {
    weights.iter().map(|(operation, weight)| (operation.parse().unwrap(), weight.parse().unwrap())).collect()
}

fn versions(snapshot: &Snapshot) -> Vec<(ResourceType, String, String)> {
    let all = |kind| {
        snapshot.resources(kind).map(move |one| (kind, one.name().to_owned(), one.version().to_owned()))
    };
    ResourceType::ALL.into_iter().flat_map(all).collect()
}

fn routes(snapshot: &Snapshot) -> Vec<Route> {
    let body = snapshot.resources(ResourceType::Routes).next().unwrap().body();
    RouteConfiguration::decode(body).unwrap().virtual_hosts.remove(0).routes
}

fn split(route: &Route) -> &WeightedCluster {
    match &route.action {
        Some(Action::Route(action)) => match &action.cluster_specifier {
            Some(ClusterSpecifier::WeightedClusters(split)) => split,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

fn http_filters(snapshot: &Snapshot) -> Vec<HttpFilter> {
    connection_manager(snapshot).http_filters
}

fn connection_manager(snapshot: &Snapshot) -> HttpConnectionManager {
    let listener =
        snapshot.resources(ResourceType::Listener).find(|listener| listener.name() == "edge").unwrap();
    let listener = Listener::decode(listener.body()).unwrap();
    match &listener.filter_chains[0].filters[0].config_type {
        Some(filter::ConfigType::TypedConfig(config)) => {
            HttpConnectionManager::decode(config.value.as_slice()).unwrap()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_same_input_is_the_same_bytes() {
    let (gateway, weights) = (full(), weights(&[("get", "12.5")]));
    let first = render(&gateway, &weights).unwrap();
    // Each map that prost makes has an order of its own; among so many the orders differ.
    for _ in 0..50 {
        let again = render(&gateway, &weights).unwrap();
        assert_eq!(versions(&again), versions(&first));
    }
}

#[test]
fn a_weight_changes_the_routes_and_nothing_else() {
    let before = versions(&render(&full(), &Weights::new()).unwrap());
    let after = versions(&render(&full(), &weights(&[("get", "0.01")])).unwrap());
    let changed: Vec<_> = before.iter().zip(&after).filter(|(before, after)| before != after).collect();
    assert_eq!(changed.len(), 1);
    assert_eq!((changed[0].0.0, changed[0].0.1.as_str()), (ResourceType::Routes, "edge"));
    // Back again is the content Envoy had, and so is its version.
    assert_eq!(versions(&render(&full(), &weights(&[("get", "0")])).unwrap()), before);
}

#[test]
fn both_clusters_of_every_operation_stay_whatever_its_weight() {
    for weight in ["0", "50", "100"] {
        let all = ["get", "mine", "health", "ready", "unmatched"].map(|operation| (operation, weight));
        let snapshot = render(&full(), &weights(&all)).unwrap();
        let clusters: Vec<&str> =
            snapshot.resources(ResourceType::Cluster).map(crate::Resource::name).collect();
        assert_eq!(clusters, ["answer", "node", "service"]);
        for route in routes(&snapshot) {
            let weight: Weight = weight.parse().unwrap();
            let weights: Vec<u32> = split(&route)
                .clusters
                .iter()
                .filter_map(|cluster| cluster.weight)
                .map(|weight| weight.value)
                .collect();
            let expected = [weight.node_basis_points(), weight.basis_points()].map(u32::from);
            assert_eq!(weights, expected, "{}", route.name);
        }
    }
}

#[test]
fn routes_are_named_by_operation_the_concrete_first_and_the_rest_last() {
    let names: Vec<String> =
        routes(&render(&full(), &Weights::new()).unwrap()).into_iter().map(|route| route.name).collect();
    assert_eq!(names, ["health", "mine", "get", "ready", "unmatched"]);
}

#[test]
fn the_chain_is_in_order_and_the_node_side_leaves_out_all_that_the_legacy_gateway_does() {
    let snapshot = render(&full(), &Weights::new()).unwrap();
    let names: Vec<String> = http_filters(&snapshot).into_iter().map(|filter| filter.name).collect();
    let expected = ["request-id", "auth", "validation", "custom-response", "compressor", "side", "router"];
    assert_eq!(names, expected.map(|name| format!("cutover.{name}")));
    for route in routes(&snapshot) {
        let split = split(&route);
        let (node, rust) = (&split.clusters[0], &split.clusters[1]);
        assert!(rust.typed_per_filter_config.is_empty(), "{}", route.name);
        let mut off: Vec<&str> = node
            .typed_per_filter_config
            .iter()
            .filter(|(_, config)| config.type_url == FilterConfig::type_url())
            .filter(|(_, config)| FilterConfig::decode(config.value.as_slice()).unwrap().disabled)
            .map(|(name, _)| name.as_str())
            .collect();
        off.sort_unstable();
        let expected = ["auth", "compressor", "custom-response", "validation"];
        assert_eq!(off, expected.map(|name| format!("cutover.{name}")), "{}", route.name);
    }
}

#[test]
fn the_plugins_share_a_module_and_fail_closed() {
    let filters = http_filters(&render(&full(), &Weights::new()).unwrap());
    let plugins = filters.iter().filter_map(|filter| match &filter.config_type {
        Some(http_filter::ConfigType::TypedConfig(config)) if config.type_url == Wasm::type_url() => {
            Wasm::decode(config.value.as_slice()).unwrap().config
        }
        _ => None,
    });
    let plugins: Vec<_> = plugins.collect();
    let expected = [
        ("request-id", r#"{}"#, false),
        ("auth", r#"{"realm":"gateway"}"#, false),
        ("validation", r#"{"requests":"enforce"}"#, true),
    ];
    assert_eq!(plugins.len(), expected.len());
    for (plugin, (name, configuration, holds_headers)) in plugins.into_iter().zip(expected) {
        assert_eq!((plugin.name.as_str(), plugin.root_id.as_str()), (name, name));
        let value = plugin.configuration.unwrap();
        assert_eq!(StringValue::decode(value.value.as_slice()).unwrap().value, configuration);
        assert_eq!(plugin.failure_policy, i32::from(FailurePolicy::FailReload));
        assert_eq!(plugin.allow_on_headers_stop_iteration.is_some_and(|allow| allow.value), holds_headers);
        let Some(Vm::VmConfig(vm)) = plugin.vm else { panic!("no vm") };
        assert_eq!((vm.vm_id.as_str(), vm.runtime.as_str()), ("cutover", "envoy.wasm.runtime.v8"));
        assert!(vm.configuration.is_none());
        assert!(format!("{:?}", vm.code).contains("/opt/filters.wasm"));
    }
}

#[test]
fn names_instead_of_addresses_are_resolved_by_envoy() {
    let mut gateway = full();
    let by_name = Upstream { endpoints: vec!["service.internal:80".parse().unwrap()], ..upstream(1, 1) };
    gateway.upstreams.insert("service".to_owned(), by_name);
    let snapshot = render(&gateway, &Weights::new()).unwrap();
    let endpoints: Vec<&str> =
        snapshot.resources(ResourceType::Endpoints).map(crate::Resource::name).collect();
    assert_eq!(endpoints, [NODE]);
}

fn clusters(snapshot: &Snapshot) -> Vec<Cluster> {
    snapshot.resources(ResourceType::Cluster).map(|one| Cluster::decode(one.body()).unwrap()).collect()
}

/// The TLS settings of a cluster.
#[derive(Debug, PartialEq)]
struct Believed {
    asks_for: String,
    ca: String,
    accepts: Vec<(SanType, String)>,
}

fn tls_of(cluster: &Cluster) -> Option<Believed> {
    let Some(socket::ConfigType::TypedConfig(config)) =
        cluster.transport_socket.as_ref()?.config_type.as_ref()
    else {
        panic!("{cluster:?}")
    };
    let tls = UpstreamTlsContext::decode(config.value.as_slice()).unwrap();
    let Some(ValidationContextType::ValidationContext(validation)) =
        tls.common_tls_context.unwrap().validation_context_type
    else {
        panic!("anybody is believed")
    };
    let accepted = |san: &SubjectAltNameMatcher| match san.matcher.as_ref()?.match_pattern.as_ref()? {
        MatchPattern::Exact(name) => Some((san.san_type(), name.clone())),
        _ => None,
    };
    let accepts = validation.match_typed_subject_alt_names.iter().map(|san| accepted(san).unwrap()).collect();
    match validation.trusted_ca.unwrap().specifier {
        Some(Specifier::Filename(ca)) => Some(Believed { asks_for: tls.sni, ca, accepts }),
        other => panic!("{other:?}"),
    }
}

#[test]
fn keys_come_from_clusters_of_their_own_which_believe_only_that_host() {
    let mut gateway = full();
    let host = |endpoint: &str, ca: Option<&str>| KeyHost {
        endpoint: endpoint.parse().unwrap(),
        tls: ca.map(|ca| Tls { ca: ca.into() }),
    };
    gateway.key_hosts = vec![
        host("issuer.example:443", Some("/ca.pem")),
        host("[2001:db8::1]:8443", Some("/own.pem")),
        host("127.0.0.1:9999", None),
    ];
    let all = clusters(&render(&gateway, &Weights::new()).unwrap());
    let discovery = |cluster: &Cluster| match cluster.cluster_discovery_type {
        Some(ClusterDiscoveryType::Type(number)) => DiscoveryType::try_from(number).unwrap(),
        ref other => panic!("{other:?}"),
    };
    let find = |name: &str| all.iter().find(|cluster| cluster.name == name).unwrap();
    let types = ["jwks:issuer.example:443", "jwks:[2001:db8::1]:8443", "jwks:127.0.0.1:9999"]
        .map(|name| (discovery(find(name)), tls_of(find(name))));
    let by = |asks_for: &str, ca: &str, kind, name: &str| Believed {
        asks_for: asks_for.to_owned(),
        ca: ca.to_owned(),
        accepts: vec![(kind, name.to_owned())],
    };
    let by_name = by("issuer.example", "/ca.pem", SanType::Dns, "issuer.example");
    assert_eq!(types[0], (DiscoveryType::LogicalDns, Some(by_name)));
    let by_address = by("", "/own.pem", SanType::IpAddress, "2001:db8::1");
    assert_eq!(types[1], (DiscoveryType::Static, Some(by_address)));
    assert_eq!(types[2], (DiscoveryType::Static, None));
    let waited_for = |cluster: &&Cluster| cluster.wait_for_warm_on_init.is_none_or(|wait| wait.value);
    let waited: Vec<_> = all.iter().filter(waited_for).map(|cluster| cluster.name.as_str()).collect();
    assert_eq!(waited, ["answer", "node", "service"], "an issuer that is away holds nothing up");
}

/// The access log's fields.
fn access_log(gateway: &Gateway) -> HashMap<String, String> {
    let manager = connection_manager(&render(gateway, &Weights::new()).unwrap());
    let Some(log::ConfigType::TypedConfig(config)) = &manager.access_log[0].config_type else {
        panic!("{manager:?}")
    };
    let log = StdoutAccessLog::decode(config.value.as_slice()).unwrap().access_log_format;
    let Some(stdout_access_log::AccessLogFormat::LogFormat(format)) = log else { panic!("{log:?}") };
    let Some(Format::JsonFormat(format)) = format.format else { panic!("{format:?}") };
    let text = |kind| match kind {
        Some(Kind::StringValue(text)) => text,
        other => panic!("{other:?}"),
    };
    format.fields.into_iter().map(|(name, value)| (name, text(value.kind))).collect()
}

#[test]
fn the_access_log_says_who_called_and_never_shows_a_query_with_a_token() {
    let shown = access_log(&full());
    assert_eq!(shown["sub"], "%FILTER_STATE(wasm.cutover.auth.sub:PLAIN)%");
    assert_eq!(shown["path"], "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%");
    let hidden = access_log(&Gateway { log_query: false, ..full() });
    assert_eq!(hidden["path"], "%PATH(NQ:ORIG_OR_PATH)%");
    for (field, operator) in shown.iter().chain(&hidden) {
        let operator = operator.to_lowercase();
        assert!(!operator.contains("authorization") && !operator.contains("cookie"), "{field}: {operator}");
    }
}

#[test]
fn what_contradicts_itself_is_refused_by_name() {
    let change = |change: &dyn Fn(&mut Gateway)| {
        let mut gateway = full();
        change(&mut gateway);
        render(&gateway, &Weights::new()).map(|_| ()).unwrap_err()
    };
    let set = |index: usize, change: &dyn Fn(&mut OperationRoute)| {
        let mut gateway = full();
        change(&mut gateway.operations[index]);
        render(&gateway, &Weights::new()).map(|_| ()).unwrap_err().to_string()
    };
    assert_eq!(
        change(&|gateway| drop(gateway.upstreams.remove(NODE))),
        RenderError::UnknownUpstream {
            operation: "ready".parse().unwrap(),
            upstream: NODE.to_owned(),
            known: "service".to_owned(),
        }
    );
    let no_node = change(&|gateway| {
        gateway.upstreams.remove(NODE);
        gateway.operations.truncate(1);
    });
    assert_eq!(no_node, RenderError::NoNode);
    let reserved = change(&|gateway| drop(gateway.upstreams.insert(ANSWER.to_owned(), upstream(1, 1))));
    assert_eq!(reserved, RenderError::ReservedName(ANSWER.to_owned()));
    let empty = Upstream { endpoints: Vec::new(), ..upstream(1, 1) };
    let no_endpoints = change(&|gateway| drop(gateway.upstreams.insert("service".to_owned(), empty.clone())));
    assert_eq!(no_endpoints, RenderError::NoEndpoints("service".to_owned()));
    assert_eq!(
        set(0, &|operation| operation.target = Target::Upstream("servcie".to_owned())),
        "operation `get` goes to upstream `servcie`, which does not exist; known are node, service"
    );
    assert_eq!(
        set(0, &|operation| operation.path_template = "op/{id".to_owned()),
        "operation `get` has path `op/{id`, which is no template; write for example /v1/task/{id}"
    );
    assert!(
        set(0, &|operation| operation.id = "mine".parse().unwrap())
            .starts_with("operation `mine` is there twice")
    );
    assert!(set(0, &|operation| operation.id = OperationId::unmatched()).contains("reserved id"));
}

//! The listener that clients reach, and its connection manager.

use std::collections::HashMap;
use std::time::Duration;

use envoy_types::pb::envoy::config::accesslog::v3::{AccessLog as EnvoyAccessLog, access_log::ConfigType};
use envoy_types::pb::envoy::config::common::mutation_rules::v3::{
    HeaderMutation as Mutation,
    header_mutation::{Action, RemoveOnMatch},
};
use envoy_types::pb::envoy::config::core::v3::{
    SubstitutionFormatString, substitution_format_string::Format,
};
use envoy_types::pb::envoy::config::listener::v3::{Filter, FilterChain, Listener, filter};
use envoy_types::pb::envoy::extensions::access_loggers::file::v3::{FileAccessLog, file_access_log};
use envoy_types::pb::envoy::extensions::access_loggers::stream::v3::{StdoutAccessLog, stdout_access_log};
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::{
    HttpConnectionManager, Rds,
    http_connection_manager::{
        CodecType, PathWithEscapedSlashesAction, RouteSpecifier, ServerHeaderTransformation,
    },
};
use envoy_types::pb::envoy::extensions::http::early_header_mutation::header_mutation::v3::HeaderMutation;
use envoy_types::pb::google::protobuf::{Any, Struct, Value, value::Kind};

use super::proto::{ads, any, any_with_map, beginning, boolean, duration, extension, uint32};
use super::{clusters, errors, filters, routes};
use crate::model::{AccessLog, Gateway};

/// What no client may say, whatever is configured: who it is, what it may do, on which side it is, and how Envoy is to treat it.
const NOT_FROM_CLIENTS: [&str; 4] =
    ["x-user-id", "x-user-scopes", routes::SIDE_HEADER, routes::OPERATION_HEADER];

/// Envoy holds this much more than the largest body, so that it is the validation filter that refuses a larger one.
const BODY_SLACK_BYTES: u32 = 256 * 1024;

/// How long a client may take to send its request's head.
const REQUEST_HEADERS_TIMEOUT: Duration = Duration::from_secs(10);

/// The fields of a line of the access log.
const ACCESS_LOG: [(&str, &str); 15] = [
    ("time", "%START_TIME%"),
    ("method", "%REQ(:METHOD)%"),
    ("protocol", "%PROTOCOL%"),
    ("operation", "%ROUTE_NAME%"),
    ("cluster", "%UPSTREAM_CLUSTER%"),
    ("status", "%RESPONSE_CODE%"),
    ("details", "%RESPONSE_CODE_DETAILS%"),
    ("flags", "%RESPONSE_FLAGS%"),
    ("duration_ms", "%DURATION%"),
    ("bytes_received", "%BYTES_RECEIVED%"),
    ("bytes_sent", "%BYTES_SENT%"),
    ("attempts", "%UPSTREAM_REQUEST_ATTEMPT_COUNT%"),
    ("upstream", "%UPSTREAM_HOST%"),
    ("request_id", "%REQ(X-REQUEST-ID)%"),
    // Whose token it was, as the auth filter verified it; null where it did not run or let nobody in.
    ("sub", "%FILTER_STATE(wasm.cutover.auth.sub:PLAIN)%"),
];

/// The path with its query, as the client sent it.
const PATH: &str = "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%";

/// The path without its query: on the node side and in a refused request a token is still in there.
const PATH_WITHOUT_QUERY: &str = "%PATH(NQ:ORIG_OR_PATH)%";

/// The gateway's listener.
pub(super) fn listener(gateway: &Gateway) -> Listener {
    let address = clusters::address_of(gateway.listen.ip().to_string(), gateway.listen.port());
    Listener {
        name: gateway.name.clone(),
        address: Some(address),
        filter_chains: vec![filter_chain(&connection_manager(gateway))],
        per_connection_buffer_limit_bytes: uint32(gateway.max_body_bytes.saturating_add(BODY_SLACK_BYTES)),
        ..Listener::default()
    }
}

pub(super) fn filter_chain(manager: &HttpConnectionManager) -> FilterChain {
    FilterChain {
        filters: vec![Filter {
            name: "envoy.filters.network.http_connection_manager".to_owned(),
            config_type: Some(filter::ConfigType::TypedConfig(any(manager))),
        }],
        ..FilterChain::default()
    }
}

fn connection_manager(gateway: &Gateway) -> HttpConnectionManager {
    let routes = Rds { config_source: Some(ads()), route_config_name: gateway.name.clone() };
    HttpConnectionManager {
        codec_type: CodecType::Auto.into(),
        stat_prefix: gateway.name.clone(),
        route_specifier: Some(RouteSpecifier::Rds(routes)),
        http_filters: filters::chain(gateway),
        access_log: access_log(gateway).into_iter().collect(),
        local_reply_config: Some(errors::local_replies()),
        early_header_mutation_extensions: vec![extension("cutover.strip", &strip(&gateway.claim_headers))],
        // The peer is the client; what it says about itself in x-forwarded-for is not believed.
        use_remote_address: boolean(true),
        server_header_transformation: ServerHeaderTransformation::PassThrough.into(),
        // The request-id filter decides, on both sides; every answer names it, also Envoy's own.
        generate_request_id: boolean(false),
        preserve_external_request_id: true,
        always_set_request_id_in_response: true,
        // Else every 400, also a filter's, would cost a client of HTTP/1.1 its connection; the legacy gateway keeps it.
        stream_error_on_invalid_http_message: boolean(true),
        request_headers_timeout: duration(REQUEST_HEADERS_TIMEOUT),
        // Dot segments are resolved before a route is chosen. Repeated and escaped slashes stay: such a path is another
        // path for the legacy gateway, and no operation's route matches it by accident, for a parameter is one segment.
        normalize_path: boolean(true),
        merge_slashes: false,
        path_with_escaped_slashes_action: PathWithEscapedSlashesAction::KeepUnchanged.into(),
        ..HttpConnectionManager::default()
    }
}

fn strip(claim_headers: &[String]) -> HeaderMutation {
    let envoys = RemoveOnMatch { key_matcher: Some(beginning("x-envoy-")) };
    let further = claim_headers.iter().map(String::as_str).filter(|name| !NOT_FROM_CLIENTS.contains(name));
    let named = NOT_FROM_CLIENTS.into_iter().chain(further).map(|name| Action::Remove(name.to_owned()));
    let mutations = named.chain([Action::RemoveOnMatch(envoys)]);
    HeaderMutation { mutations: mutations.map(|action| Mutation { action: Some(action) }).collect() }
}

fn access_log(gateway: &Gateway) -> Option<EnvoyAccessLog> {
    let path = ("path", if gateway.log_query { PATH } else { PATH_WITHOUT_QUERY });
    let field = |operator: &str| Value { kind: Some(Kind::StringValue(operator.to_owned())) };
    let fields: HashMap<String, Value> = ACCESS_LOG
        .iter()
        .chain([&path])
        .map(|(name, operator)| ((*name).to_owned(), field(operator)))
        .collect();
    let format = SubstitutionFormatString {
        format: Some(Format::JsonFormat(Struct { fields })),
        ..SubstitutionFormatString::default()
    };
    let (name, config): (&str, Any) = match &gateway.access_log {
        AccessLog::Off => return None,
        AccessLog::Stdout => {
            let log = StdoutAccessLog {
                access_log_format: Some(stdout_access_log::AccessLogFormat::LogFormat(format)),
            };
            ("envoy.access_loggers.stdout", any_with_map(&log, &[1, 2, 1]))
        }
        AccessLog::File(path) => {
            let log = FileAccessLog {
                path: path.to_string_lossy().into_owned(),
                access_log_format: Some(file_access_log::AccessLogFormat::LogFormat(format)),
            };
            ("envoy.access_loggers.file", any_with_map(&log, &[5, 2, 1]))
        }
    };
    Some(EnvoyAccessLog {
        name: name.to_owned(),
        config_type: Some(ConfigType::TypedConfig(config)),
        ..EnvoyAccessLog::default()
    })
}

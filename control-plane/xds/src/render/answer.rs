//! The listener inside Envoy that gives the gateway's own answers.
//!
//! A weighted route can split between clusters only, so what Envoy answers itself stands behind a cluster, too. The route
//! names the operation in a header; the path has done its work by then.

use std::collections::HashMap;

use cutover_domain::UNMATCHED;
use envoy_types::pb::envoy::config::accesslog::v3::{
    AccessLogFilter, AndFilter, ComparisonFilter, HeaderFilter, StatusCodeFilter,
    access_log_filter::FilterSpecifier, comparison_filter::Op,
};
use envoy_types::pb::envoy::config::core::v3::RuntimeUInt32;
use envoy_types::pb::envoy::config::listener::v3::{
    Listener,
    listener::{InternalListenerConfig, ListenerSpecifier},
};
use envoy_types::pb::envoy::config::route::v3::{
    DirectResponseAction, HeaderMatcher, Route, RouteConfiguration, RouteMatch, VirtualHost,
    header_matcher::HeaderMatchSpecifier, route::Action, route_match::PathSpecifier,
};
use envoy_types::pb::envoy::extensions::filters::http::health_check::v3::HealthCheck;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::{
    HttpConnectionManager, HttpFilter, LocalReplyConfig, ResponseMapper,
    http_connection_manager::RouteSpecifier, http_connection_manager::ServerHeaderTransformation,
    http_filter::ConfigType,
};
use envoy_types::pb::envoy::r#type::v3::Percent;

use super::errors::{RETRY_AFTER, legacy_body, mapper};
use super::proto::{JSON, any_with_map, boolean, exactly, header, text};
use super::routes::OPERATION_HEADER;
use super::{filters, listener};
use crate::model::{ANSWER, Gateway, Target};

/// One healthy endpoint in a hundred makes an upstream ready: it is not ready when its breaker is open for all of them.
const ANY_HEALTHY: f64 = 1.0;

/// The internal listener with the answers of all operations that Envoy answers.
pub(super) fn listener(gateway: &Gateway) -> Listener {
    let mut answers = Answers::default();
    for operation in &gateway.operations {
        match &operation.target {
            Target::Upstream(_) => {}
            Target::Answer { status, body_json } => answers.fixed(operation.id.as_str(), *status, body_json),
            Target::Ready { upstreams } => answers.ready(operation.id.as_str(), upstreams),
        }
    }
    answers.not_found();
    Listener {
        name: ANSWER.to_owned(),
        filter_chains: vec![listener::filter_chain(&answers.connection_manager())],
        listener_specifier: Some(ListenerSpecifier::InternalListener(InternalListenerConfig {})),
        ..Listener::default()
    }
}

#[derive(Default)]
struct Answers {
    checks: Vec<HttpFilter>,
    routes: Vec<Route>,
    mappers: Vec<ResponseMapper>,
}

impl Answers {
    fn fixed(&mut self, operation: &str, status: u16, body: &str) {
        self.routes.push(direct(operation, status.into(), body));
    }

    /// The health check filter decides the status and says nothing; the mappers give it words.
    fn ready(&mut self, operation: &str, upstreams: &[String]) {
        let healthy = |upstream: &String| (upstream.clone(), Percent { value: ANY_HEALTHY });
        let check = HealthCheck {
            pass_through_mode: boolean(false),
            cluster_min_healthy_percentages: upstreams.iter().map(healthy).collect::<HashMap<_, _>>(),
            headers: vec![is_for(operation)],
            ..HealthCheck::default()
        };
        self.checks.push(HttpFilter {
            name: format!("cutover.ready.{operation}"),
            config_type: Some(ConfigType::TypedConfig(any_with_map(&check, &[4]))),
            ..HttpFilter::default()
        });
        let retry_after = vec![header("retry-after", RETRY_AFTER)];
        let ready = r#"{"status":"ready"}"#.to_owned();
        self.mappers.push(mapper(answer_of(operation, 200), 200, ready, Vec::new()));
        self.mappers.push(mapper(answer_of(operation, 503), 503, legacy_body("not ready"), retry_after));
    }

    /// What is left over: the auth filter answers what no operation matches, but a gateway may have no filters.
    fn not_found(&mut self) {
        self.routes.push(direct(UNMATCHED, 404, ""));
        self.mappers.push(mapper(answer_of(UNMATCHED, 404), 404, legacy_body("not found"), Vec::new()));
    }

    fn connection_manager(self) -> HttpConnectionManager {
        let Self { checks, routes, mappers } = self;
        let routes = RouteConfiguration {
            name: ANSWER.to_owned(),
            virtual_hosts: vec![VirtualHost {
                name: ANSWER.to_owned(),
                domains: vec!["*".to_owned()],
                routes,
                ..VirtualHost::default()
            }],
            ..RouteConfiguration::default()
        };
        HttpConnectionManager {
            stat_prefix: ANSWER.to_owned(),
            route_specifier: Some(RouteSpecifier::RouteConfig(routes)),
            http_filters: checks.into_iter().chain([filters::router()]).collect(),
            local_reply_config: Some(LocalReplyConfig { mappers, body_format: None }),
            generate_request_id: boolean(false),
            server_header_transformation: ServerHeaderTransformation::PassThrough.into(),
            ..HttpConnectionManager::default()
        }
    }
}

fn direct(operation: &str, status: u32, body: &str) -> Route {
    Route {
        name: operation.to_owned(),
        r#match: Some(RouteMatch {
            path_specifier: Some(PathSpecifier::Prefix("/".to_owned())),
            headers: vec![is_for(operation)],
            ..RouteMatch::default()
        }),
        response_headers_to_add: vec![header("content-type", JSON)],
        action: Some(Action::DirectResponse(DirectResponseAction {
            status,
            body: text(body),
            ..Default::default()
        })),
        ..Route::default()
    }
}

fn is_for(operation: &str) -> HeaderMatcher {
    HeaderMatcher {
        name: OPERATION_HEADER.to_owned(),
        header_match_specifier: Some(HeaderMatchSpecifier::StringMatch(exactly(operation))),
        ..HeaderMatcher::default()
    }
}

/// Selects the answers of one operation with one status.
fn answer_of(operation: &str, status: u32) -> FilterSpecifier {
    let filter = |specifier| AccessLogFilter { filter_specifier: Some(specifier) };
    let comparison = ComparisonFilter {
        op: Op::Eq.into(),
        // The protobuf demands a runtime key; nothing sets it, for the bootstrap has no layer that could.
        value: Some(RuntimeUInt32 { default_value: status, runtime_key: "cutover.unused".to_owned() }),
    };
    FilterSpecifier::AndFilter(AndFilter {
        filters: vec![
            filter(FilterSpecifier::HeaderFilter(HeaderFilter { header: Some(is_for(operation)) })),
            filter(FilterSpecifier::StatusCodeFilter(StatusCodeFilter { comparison: Some(comparison) })),
        ],
    })
}

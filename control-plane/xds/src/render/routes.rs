//! Routes: one per operation, named by it, and one for everything else.

use std::collections::HashMap;
use std::time::Duration;

use cutover_domain::{OperationId, Side, Weight, Weights};
use envoy_types::pb::envoy::config::core::v3::header_value_option::HeaderAppendAction;
use envoy_types::pb::envoy::config::route::v3::{
    HeaderMatcher, RetryPolicy, Route, RouteAction, RouteConfiguration, RouteMatch, VirtualHost,
    WeightedCluster, header_matcher::HeaderMatchSpecifier, retry_policy::RetryBackOff, route::Action,
    route_action::ClusterSpecifier, route_match::PathSpecifier, weighted_cluster::ClusterWeight,
};
use envoy_types::pb::google::protobuf::Any;

use super::proto::{duration, exactly, header, header_with, uint32};
use super::{filters, template};
use crate::model::{ANSWER, Gateway, NODE, OperationRoute, Retry, RetryOn, Target, Upstream};

/// The header that tells clients which side answered, and the upstream which side asked.
pub(super) const SIDE_HEADER: &str = "x-cutover-side";

/// The header that tells the internal listener which operation it answers.
pub(super) const OPERATION_HEADER: &str = "x-cutover-operation";

/// How long Envoy's own answers may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// Headers about one connection, which a proxy does not pass on (RFC 9110, 7.6.1); Envoy drops the others itself.
const HOP_BY_HOP: [&str; 4] = ["keep-alive", "proxy-connection", "te", "trailer"];

/// For the proxy only, or Envoy's own words to others.
const NOT_TO_UPSTREAMS: [&str; 3] = ["proxy-authorization", "x-envoy-external-address", "x-envoy-internal"];

/// For the proxy only, what software answered, or Envoy's own words to others.
const NOT_TO_CLIENTS: [&str; 5] = [
    "proxy-authenticate",
    "server",
    "x-powered-by",
    "x-envoy-upstream-healthchecked-cluster",
    "x-envoy-upstream-service-time",
];

/// Everything a weight change changes.
pub(super) fn route_configuration(
    gateway: &Gateway,
    node: &Upstream,
    weights: &Weights,
) -> RouteConfiguration {
    let sides = Sides { gateway, node_filters: filters::node_side(gateway, node) };
    let mut operations: Vec<&OperationRoute> = gateway.operations.iter().collect();
    operations.sort_by_key(|operation| template::concreteness(&operation.path_template));
    let mut routes: Vec<Route> =
        operations.into_iter().map(|operation| sides.route(operation, weights.get(&operation.id))).collect();
    routes.push(sides.unmatched(weights.get(&OperationId::unmatched())));

    let names =
        |names: &'static [&'static str]| HOP_BY_HOP.iter().chain(names).map(|name| (*name).to_owned());
    // No upstream can speak for Envoy: the header is set, or there is none.
    let unsaid = (!gateway.side_header).then(|| SIDE_HEADER.to_owned());
    RouteConfiguration {
        name: gateway.name.clone(),
        virtual_hosts: vec![VirtualHost {
            name: gateway.name.clone(),
            domains: vec!["*".to_owned()],
            routes,
            ..VirtualHost::default()
        }],
        request_headers_to_remove: names(&NOT_TO_UPSTREAMS).collect(),
        response_headers_to_remove: names(&NOT_TO_CLIENTS).chain(unsaid).collect(),
        ..RouteConfiguration::default()
    }
}

/// What all routes of a gateway have in common.
struct Sides<'a> {
    gateway: &'a Gateway,
    node_filters: HashMap<String, Any>,
}

impl Sides<'_> {
    fn route(&self, operation: &OperationRoute, weight: Weight) -> Route {
        let OperationRoute { id, method, path_template, target, idempotent } = operation;
        let method = HeaderMatcher {
            name: ":method".to_owned(),
            header_match_specifier: Some(HeaderMatchSpecifier::StringMatch(exactly(method.as_str()))),
            ..HeaderMatcher::default()
        };
        let matches = RouteMatch {
            path_specifier: Some(template::path_specifier(path_template)),
            headers: vec![method],
            ..RouteMatch::default()
        };
        let (cluster, upstream) = match target {
            Target::Upstream(name) => (name.as_str(), self.gateway.upstreams.get(name)),
            Target::Answer { .. } | Target::Ready { .. } => (ANSWER, None),
        };
        let action = RouteAction {
            timeout: duration(upstream.map_or(ANSWER_TIMEOUT, |upstream| upstream.timeout)),
            retry_policy: upstream
                .filter(|_| *idempotent)
                .and_then(|upstream| upstream.retry.as_ref())
                .map(retry_policy),
            ..self.split(id, cluster, weight)
        };
        named(id, matches, action)
    }

    /// The last route. On the rust side the auth filter has answered before; the internal listener is what is left.
    fn unmatched(&self, weight: Weight) -> Route {
        let matches = RouteMatch {
            path_specifier: Some(PathSpecifier::Prefix("/".to_owned())),
            ..RouteMatch::default()
        };
        let id = OperationId::unmatched();
        let action = RouteAction { timeout: duration(ANSWER_TIMEOUT), ..self.split(&id, ANSWER, weight) };
        named(&id, matches, action)
    }

    fn split(&self, id: &OperationId, rust: &str, weight: Weight) -> RouteAction {
        let mut to_rust = vec![header(SIDE_HEADER, Side::Rust.as_str())];
        if rust == ANSWER {
            to_rust.push(header(OPERATION_HEADER, id.as_str()));
        }
        let mut rust_answer = self.side_header(Side::Rust);
        // The legacy gateway says so on every answer, compressed or not, because a cache must know.
        rust_answer.push(header_with("vary", "Accept-Encoding", HeaderAppendAction::AddIfAbsent));
        let clusters = vec![
            ClusterWeight {
                name: NODE.to_owned(),
                weight: uint32(weight.node_basis_points().into()),
                response_headers_to_add: self.side_header(Side::Node),
                typed_per_filter_config: self.node_filters.clone(),
                ..ClusterWeight::default()
            },
            ClusterWeight {
                name: rust.to_owned(),
                weight: uint32(weight.basis_points().into()),
                request_headers_to_add: to_rust,
                response_headers_to_add: rust_answer,
                ..ClusterWeight::default()
            },
        ];
        let split = WeightedCluster { clusters, ..WeightedCluster::default() };
        RouteAction {
            cluster_specifier: Some(ClusterSpecifier::WeightedClusters(split)),
            ..RouteAction::default()
        }
    }

    fn side_header(&self, side: Side) -> Vec<envoy_types::pb::envoy::config::core::v3::HeaderValueOption> {
        if self.gateway.side_header { vec![header(SIDE_HEADER, side.as_str())] } else { Vec::new() }
    }
}

fn named(id: &OperationId, matches: RouteMatch, action: RouteAction) -> Route {
    Route {
        name: id.to_string(),
        r#match: Some(matches),
        action: Some(Action::Route(action)),
        ..Route::default()
    }
}

/// The whole exchange has one timeout and no try has its own: Envoy would retry a try that timed out, and a slow
/// upstream would get three times the load that slowed it. A route's policy holds for both of its clusters; the side
/// header, which only Envoy sets, keeps it off the node side, where the legacy gateway retries itself.
fn retry_policy(retry: &Retry) -> RetryPolicy {
    let Retry { on, attempts, backoff, budget_percent: _ } = retry; // the budget is the cluster's
    let mut conditions = Vec::new();
    let mut statuses = Vec::new();
    for condition in on {
        conditions.push(match condition {
            RetryOn::ConnectFailure => "connect-failure",
            RetryOn::RefusedStream => "refused-stream",
            RetryOn::Reset => "reset",
            RetryOn::Status(status) => {
                statuses.push(u32::from(*status));
                "retriable-status-codes"
            }
        });
    }
    conditions.sort_unstable();
    conditions.dedup();
    RetryPolicy {
        retry_on: conditions.join(","),
        num_retries: uint32(*attempts),
        retriable_status_codes: statuses,
        retriable_request_headers: vec![HeaderMatcher {
            name: SIDE_HEADER.to_owned(),
            header_match_specifier: Some(HeaderMatchSpecifier::StringMatch(exactly(Side::Rust.as_str()))),
            ..HeaderMatcher::default()
        }],
        retry_back_off: Some(RetryBackOff {
            base_interval: duration(*backoff),
            max_interval: duration(backoff.saturating_mul(10)),
        }),
        ..RetryPolicy::default()
    }
}

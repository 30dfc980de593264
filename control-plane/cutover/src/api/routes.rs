//! The routes of the admin API.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch, post};
use axum::{Json as Answer, Router};
use cutover_domain::{Actor, OperationId, Reason, Revision, Selection};
use cutover_store::HistoryQuery;
use serde::Deserialize;
use serde_json::{Value, json};

use super::extract::{Asked, Json};
use super::problem::Problem;
use super::{console, view, wire};
use crate::controller::{Author, Controller, Wish};
use crate::metrics;

/// A change of 500 operations is 20 KiB.
pub(super) const MAX_BODY_BYTES: usize = 256 << 10;
/// Longer than any Envoy that will still answer.
const MAX_WAIT: Duration = Duration::from_secs(300);
const MAX_HISTORY: u32 = 1000;

/// Everything that is served on the admin address.
pub(crate) fn router(controller: Controller, address: SocketAddr) -> Router {
    Router::new()
        .route("/api/v1/status", get(status))
        .route("/api/v1/weights", get(weights))
        .route("/api/v1/weights", patch(set_weights))
        .route("/api/v1/rollback", post(rollback))
        .route("/api/v1/history", get(history))
        .route("/api/v1/envoys", get(envoys))
        .route("/healthz", get(healthz))
        .route("/metrics", get(figures))
        .merge(console::router())
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(from_fn(harden))
        .layer(from_fn_with_state(address, refuse_foreign_hosts))
        .with_state(controller)
}

async fn status(State(controller): State<Controller>) -> Result<Answer<wire::Status>, Problem> {
    Ok(Answer(view::status(&controller).await?))
}

async fn weights(State(controller): State<Controller>) -> Answer<wire::WeightList> {
    Answer(view::weights(&controller))
}

async fn envoys(State(controller): State<Controller>) -> Answer<wire::Envoys> {
    Answer(view::envoys(&controller))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HistoryParameters {
    operation: Option<OperationId>,
    before: Option<Revision>,
    limit: Option<u32>,
}

async fn history(
    State(controller): State<Controller>,
    Asked(parameters): Asked<HistoryParameters>,
) -> Result<Answer<wire::History>, Problem> {
    let HistoryParameters { operation, before, limit } = parameters;
    let limit = limit.unwrap_or(100);
    if !(1..=MAX_HISTORY).contains(&limit) {
        return Err(Problem::invalid(format!("`limit` must be from 1 to {MAX_HISTORY}, but is {limit}")));
    }
    let entries = controller.history(&HistoryQuery { operation, before, limit }).await?;
    Ok(Answer(wire::History { entries }))
}

async fn set_weights(
    State(controller): State<Controller>,
    Json(body): Json<wire::SetWeights>,
) -> Result<Answer<wire::Changed>, Problem> {
    let wire::SetWeights { weights, reason, actor, wait_ms } = body;
    let named = weights.iter().map(|(operation, _)| operation.clone()).collect();
    change(&controller, Wish::Set(weights), named, author(actor, reason)?, wait_ms).await
}

async fn rollback(
    State(controller): State<Controller>,
    Json(body): Json<wire::Rollback>,
) -> Result<Answer<wire::Changed>, Problem> {
    let wire::Rollback { operations, reason, actor, wait_ms } = body;
    let (selection, named) = match operations {
        wire::Operations::All(wire::All::All) => (Selection::All, BTreeSet::new()),
        wire::Operations::Some(list) => {
            let named: BTreeSet<_> = list.into_iter().collect();
            (Selection::Some(named.clone()), named)
        }
    };
    change(&controller, Wish::Rollback(selection), named, author(actor, reason)?, wait_ms).await
}

fn author(actor: Option<Actor>, reason: Option<Reason>) -> Result<Author, Problem> {
    // Who calls the API without a name is named after the way they came.
    let actor = actor.map_or_else(|| "api".parse(), Ok);
    let actor = actor.map_err(|error: cutover_domain::TextError| Problem::invalid(error.to_string()))?;
    Ok(Author { actor, reason })
}

async fn change(
    controller: &Controller,
    wish: Wish,
    named: BTreeSet<OperationId>,
    author: Author,
    wait_ms: Option<u64>,
) -> Result<Answer<wire::Changed>, Problem> {
    let wait = wait_ms.map(Duration::from_millis);
    if wait.is_some_and(|wait| wait > MAX_WAIT) {
        return Err(refused(
            controller,
            Problem::invalid(format!("a wait of {} s (`wait_ms`) is the longest", MAX_WAIT.as_secs())),
        ));
    }
    let outcome = controller.change(wish, author).await;
    let outcome = outcome.map_err(|error| refused(controller, error.into()))?;
    let report = match wait {
        Some(patience) => Some(controller.confirm(&outcome, patience).await),
        None => None,
    };
    Ok(Answer(view::changed(outcome, named, report)))
}

fn refused(controller: &Controller, problem: Problem) -> Problem {
    controller.metrics().refused(problem.code);
    problem
}

async fn healthz() -> Answer<Value> {
    Answer(json!({"status": "ok"}))
}

async fn figures(State(controller): State<Controller>) -> Result<Response, Problem> {
    let text = metrics::scrape(&controller, view::count(&controller)).map_err(|error| {
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            format!("the figures cannot be written: {error}"),
        )
    })?;
    Ok(([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response())
}

async fn not_found(request: Request) -> Problem {
    let detail = format!("there is nothing at {}; the API starts at /api/v1/status", request.uri().path());
    Problem::new(StatusCode::NOT_FOUND, "not_found", detail)
}

async fn method_not_allowed(request: Request) -> Problem {
    let detail = format!("{} does not take {}", request.uri().path(), request.method());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
}

/// Headers for every answer: nothing here is for caches, frames or guesses at types.
async fn harden(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// On a loopback address only callers who name that address are served: a page whose name was made to resolve to this
/// machine (DNS rebinding) would otherwise be taken for the console.
async fn refuse_foreign_hosts(State(address): State<SocketAddr>, request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.or_else(|| request.uri().host()).unwrap_or_default();
    if address.ip().is_loopback() && !is_local(host) {
        let detail = format!("this address serves its own machine only, not `{}`", host.escape_debug());
        return Problem::new(StatusCode::FORBIDDEN, "foreign_host", detail).into_response();
    }
    next.run(request).await
}

fn is_local(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || address.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_local() {
        for host in ["127.0.0.1:9000", "127.0.0.1", "localhost:9000", "LocalHost", "[::1]:9000", "[::1]"] {
            assert!(is_local(host), "{host}");
        }
        for host in ["", "evil.example:9000", "127.0.0.1.evil.example", "10.0.0.1:9000", "localhost.evil"] {
            assert!(!is_local(host), "{host}");
        }
    }
}

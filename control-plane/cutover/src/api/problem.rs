//! Refusals as `application/problem+json` (RFC 9457): a stable code and a sentence for the caller, the cause for the log.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use cutover_domain::{ChangeError, OperationId};
use cutover_store::StoreError;

use super::wire;
use crate::controller::Refused;
use crate::nearest::nearest;

/// An error as the caller sees it.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) detail: String,
}

impl Problem {
    pub(super) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into() }
    }

    /// The request is not what the API takes.
    pub(super) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", detail)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let (status, code) = match &error {
            StoreError::Conflict { .. } => (StatusCode::CONFLICT, "conflict"),
            StoreError::Full { .. } => (StatusCode::INSUFFICIENT_STORAGE, "store_full"),
            StoreError::Stopped => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
            StoreError::InUse { .. }
            | StoreError::Locked { .. }
            | StoreError::Unwritable { .. }
            | StoreError::Corrupt { .. }
            | StoreError::Foreign { .. }
            | StoreError::Newer { .. }
            | StoreError::OutOfRange { .. }
            | StoreError::Database { .. } => (StatusCode::SERVICE_UNAVAILABLE, "store_unavailable"),
        };
        tracing::error!(code, "{error}");
        Self::new(status, code, error.to_string())
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Store(error) => error.into(),
            Refused::Change(ChangeError::Nothing) => Self::invalid(ChangeError::Nothing.to_string()),
            Refused::Change(ChangeError::UnknownOperations { unknown, known }) => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "unknown_operation",
                unknown_text(&unknown, &known),
            ),
            Refused::Render(error) => {
                tracing::error!("{error}");
                Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "not_renderable",
                    Refused::Render(error).to_string(),
                )
            }
            Refused::Stopping => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "stopping", Refused::Stopping.to_string())
            }
        }
    }
}

/// Each unknown name with its nearest known one: a contract may have hundreds.
fn unknown_text(unknown: &[OperationId], known: &[OperationId]) -> String {
    let known = || known.iter().map(OperationId::as_str);
    let each =
        unknown.iter().map(|id| format!("there is no operation `{id}`; {}", nearest(id.as_str(), known())));
    each.collect::<Vec<_>>().join("\n")
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Self { status, code, detail } = self;
        let title = status.canonical_reason().unwrap_or("Error").to_owned();
        let problem = wire::Problem { title, status: status.as_u16(), code: code.to_owned(), detail };
        let mut response = Response::new(Body::from(serde_json::to_vec(&problem).unwrap_or_default()));
        *response.status_mut() = status;
        let media = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, media);
        response
    }
}

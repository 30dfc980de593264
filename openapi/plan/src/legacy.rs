//! Refusals in the form and the words of the legacy gateway.

use serde::Serialize;

use crate::routes::RouteMatch;

/// The `content-type` of every refusal's body.
pub const CONTENT_TYPE: &str = "application/json; charset=utf-8";

/// One answer that ends a request at the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The body's `message`.
    pub message: String,
    /// The body's `errors`.
    pub errors: Vec<ErrorItem>,
    /// Headers beside `content-type`, e.g. `allow` or `www-authenticate`; names in lower case.
    pub headers: Vec<(String, String)>,
}

/// One entry of a refusal's `errors`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ErrorItem {
    /// Where: the request's path, or a place in the request such as `/query/limit`.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// `<keyword>.openapi.validation` for what a schema says, else absent.
    #[serde(rename = "errorCode", skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
}

#[derive(Serialize)]
struct Body<'a> {
    message: &'a str,
    errors: &'a [ErrorItem],
    #[serde(rename = "requestId")]
    request_id: &'a str,
}

impl Refusal {
    /// A refusal of the gateway's own: one entry that repeats the message, at `path`.
    #[must_use]
    pub fn at(status: u16, message: impl Into<String>, path: impl Into<String>) -> Refusal {
        let message = message.into();
        let errors = vec![ErrorItem { path: path.into(), message: message.clone(), error_code: None }];
        Refusal { status, message, errors, headers: Vec::new() }
    }

    /// The same refusal with one more header.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Refusal {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The 404, 405 or 400 for a request that is no operation; `None` when it is one.
    #[must_use]
    pub fn unmatched(found: &RouteMatch<'_>, method: &str, path: &str) -> Option<Refusal> {
        match found {
            RouteMatch::Operation { .. } => None,
            RouteMatch::NotFound => Some(Refusal::at(404, "not found", path)),
            RouteMatch::MalformedUri => Some(Refusal::at(400, "malformed uri", path)),
            RouteMatch::MethodNotAllowed { allow } => Some(
                Refusal::at(405, format!("{method} method not allowed"), path)
                    .with_header("allow", allow.join(", ")),
            ),
        }
    }

    /// The body: `{"message","errors","requestId"}`.
    #[must_use]
    pub fn body(&self, request_id: &str) -> Vec<u8> {
        let body = Body { message: &self.message, errors: &self.errors, request_id };
        serde_json::to_vec(&body).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_has_the_legacy_members_in_their_order() {
        let mut refusal = Refusal::at(400, "bad \"x\"", "/v1/task");
        assert_eq!(
            String::from_utf8(refusal.body("r-1")).unwrap(),
            r#"{"message":"bad \"x\"","errors":[{"path":"/v1/task","message":"bad \"x\""}],"requestId":"r-1"}"#
        );
        refusal.errors = vec![ErrorItem {
            path: "/query/limit".to_owned(),
            message: "must be <= 100".to_owned(),
            error_code: Some("maximum.openapi.validation".to_owned()),
        }];
        assert!(
            String::from_utf8(refusal.body(""))
                .unwrap()
                .contains(r#""errorCode":"maximum.openapi.validation"}"#)
        );
    }

    #[test]
    fn a_method_that_is_not_there_names_those_that_are() {
        let found = RouteMatch::MethodNotAllowed { allow: vec!["GET", "POST"] };
        let refusal = Refusal::unmatched(&found, "PUT", "/v1/task").unwrap();
        assert_eq!((refusal.status, refusal.message.as_str()), (405, "PUT method not allowed"));
        assert_eq!(refusal.headers, [("allow".to_owned(), "GET, POST".to_owned())]);
    }
}

//! Why a request is refused, and the answer in the configured form.

use cutover_plan::legacy::{CONTENT_TYPE, Refusal};
use serde_json::{Map, Value};

use crate::claims::ClaimError;
use crate::config::ErrorForm;
use crate::jwks::NoKey;
use crate::token::TokenError;
use crate::verify::SignatureError;

/// The answer to a request that ends here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Why, for logs and metrics.
    pub reason: Reason,
    /// The HTTP status.
    pub status: u16,
    /// In a few words; what a gRPC client gets instead of the body.
    pub message: String,
    /// All headers of the answer, `content-type` among them; names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Refused {
    /// The answer in this form; `path` is the request's, without the query, and `request_id` its id.
    pub(super) fn new(
        reason: Reason,
        refusal: Refusal,
        form: ErrorForm,
        path: &str,
        request_id: &str,
    ) -> Self {
        let (content_type, body) = match form {
            ErrorForm::Legacy => (CONTENT_TYPE, refusal.body(request_id)),
            ErrorForm::Problem => ("application/problem+json", problem(&refusal, path, request_id)),
        };
        let Refusal { status, message, errors: _, headers: others } = refusal;
        let mut headers = vec![("content-type".to_owned(), content_type.to_owned())];
        headers.extend(others);
        Self { reason, status, message, headers, body }
    }
}

/// Problem details (RFC 9457, section 3). `about:blank` says that the status tells the kind of problem.
fn problem(refusal: &Refusal, path: &str, request_id: &str) -> Vec<u8> {
    let mut members = Map::new();
    for (name, value) in [
        ("type", "about:blank"),
        ("title", phrase(refusal.status)),
        ("detail", &refusal.message),
        ("instance", path),
        ("requestId", request_id),
    ] {
        members.insert(name.to_owned(), Value::String(value.to_owned()));
    }
    members.insert("status".to_owned(), Value::from(refusal.status));
    serde_json::to_vec(&members).unwrap_or_default()
}

/// The reason phrase of a status that this filter answers with (RFC 9110, section 15).
fn phrase(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        _ => "Service Unavailable",
    }
}

/// Why a request is refused. The texts are for logs: a client is told no more than RFC 6750 allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// It is no operation of the contract.
    #[error("no operation of the contract")]
    Unmatched,
    /// There is no token.
    #[error("no token")]
    NoToken,
    /// There is more than one token.
    #[error("more than one token")]
    SeveralTokens,
    /// What should be a token is none.
    #[error("{0}")]
    Malformed(#[from] TokenError),
    /// No such issuer is configured.
    #[error("the token's issuer is not known")]
    UnknownIssuer,
    /// No alternative of the operation takes tokens of the issuer.
    #[error("the operation does not take tokens of this issuer")]
    OtherIssuer,
    /// The issuer's tokens must not have this algorithm.
    #[error("the token's algorithm is not among its issuer's")]
    Algorithm,
    /// The issuer's keys have never come yet.
    #[error("the keys of the token's issuer are not there yet")]
    NoKeys,
    /// The issuer has no key for it.
    #[error("{0}")]
    NoKey(#[from] NoKey),
    /// The signature is wrong or could not be verified.
    #[error("{0}")]
    Signature(#[from] SignatureError),
    /// A claim is wrong.
    #[error("{0}")]
    Claim(#[from] ClaimError),
    /// A claim that goes upstream is not what a header can carry.
    #[error("a forwarded claim is not printable ascii, or no list to be joined")]
    Unforwardable,
    /// The token is good but its scopes do not suffice.
    #[error("the token's scopes do not suffice")]
    Scope,
}

impl Reason {
    /// A short name, for metrics and response code details.
    pub fn code(self) -> &'static str {
        match self {
            Self::Unmatched => "unmatched",
            Self::NoToken => "no_token",
            Self::SeveralTokens => "several_tokens",
            Self::Malformed(_) => "malformed_token",
            Self::UnknownIssuer => "unknown_issuer",
            Self::OtherIssuer => "other_issuer",
            Self::Algorithm => "wrong_algorithm",
            Self::NoKeys => "no_keys",
            Self::NoKey(_) => "unknown_key",
            Self::Signature(SignatureError::Wrong) => "bad_signature",
            Self::Signature(SignatureError::Unavailable) => "unverifiable",
            Self::Claim(ClaimError::Expired) => "expired",
            Self::Claim(_) | Self::Unforwardable => "bad_claim",
            Self::Scope => "insufficient_scope",
        }
    }

    /// Every short name.
    pub const CODES: [&'static str; 14] = [
        "unmatched",
        "no_token",
        "several_tokens",
        "malformed_token",
        "unknown_issuer",
        "other_issuer",
        "wrong_algorithm",
        "no_keys",
        "unknown_key",
        "bad_signature",
        "unverifiable",
        "expired",
        "bad_claim",
        "insufficient_scope",
    ];
}

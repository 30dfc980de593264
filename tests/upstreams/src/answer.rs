//! What a service says, before it becomes HTTP, and the small things both services share.

use serde::Serialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// How many created resources a service keeps; the oldest go first, so that a long load test has bounded memory.
pub(crate) const KEPT: usize = 1_000;

/// An answer without its transport.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The `location` header of a creation.
    pub(crate) location: Option<String>,
    /// The JSON body.
    pub(crate) body: Value,
}

impl Answer {
    /// 200 with a body.
    pub(crate) fn ok(body: &impl Serialize) -> Self {
        Self { status: 200, location: None, body: to_value(body) }
    }

    /// 201 with a body and where to read it.
    pub(crate) fn created(location: String, body: &impl Serialize) -> Self {
        Self { status: 201, location: Some(location), body: to_value(body) }
    }

    /// The contract's `Error`; `requestId` is filled in when it is sent.
    pub(crate) fn refused(status: u16, message: &str) -> Self {
        Self {
            status,
            location: None,
            body: json!({ "message": message, "errors": [], "requestId": Value::Null }),
        }
    }

    /// The same status with a body that breaks the contract: required members are gone, a strange one is there.
    pub(crate) fn with_wrong_body(mut self) -> Self {
        if let Value::Object(members) = &mut self.body {
            for member in ["status", "state", "total", "message"] {
                members.remove(member);
            }
            members.insert("wrongBody".to_owned(), Value::Bool(true));
        }
        self
    }
}

/// Serialising a plain struct to a tree cannot fail; a failure would show as `null` and fail every test.
fn to_value(body: &impl Serialize) -> Value {
    serde_json::to_value(body).unwrap_or_default()
}

/// The query parameters of a request, percent-decoded, in order.
#[derive(Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Splits a raw query string.
    pub(crate) fn parse(raw: &str) -> Self {
        Self(form_urlencoded::parse(raw.as_bytes()).into_owned().collect())
    }

    /// The first value of a parameter.
    pub(crate) fn first(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// Every value of a repeated parameter.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A number, or `default` where it is absent or no number: the gateway has checked it.
    pub(crate) fn number(&self, name: &str, default: usize) -> usize {
        self.first(name).and_then(|text| text.parse().ok()).unwrap_or(default)
    }
}

/// One page of a listing in the contract's form.
pub(crate) fn page(all: Vec<Value>, query: &Query) -> Answer {
    let (limit, offset) = (query.number("limit", 20), query.number("offset", 0));
    let total = all.len();
    let items: Vec<_> = all.into_iter().skip(offset).take(limit).collect();
    Answer::ok(&json!({ "items": items, "total": total, "limit": limit, "offset": offset }))
}

/// The members of a JSON object body, or the refusal of one that is none.
pub(crate) fn object(body: &[u8]) -> Result<Map<String, Value>, Answer> {
    serde_json::from_slice(body).map_err(|_| Answer::refused(400, "body is not a JSON object"))
}

/// A number that is the same for the same bytes, on any machine and side.
pub(crate) fn fingerprint(bytes: &[u8]) -> u64 {
    Sha256::digest(bytes).iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

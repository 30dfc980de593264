//! Operations and the two sides a request can take.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The pseudo-operation that stands for every request no operation of the contract matches.
///
/// It is listed, weighted and rolled back like an operation; a contract may not use the name.
pub const UNMATCHED: &str = "unmatched";

/// An OpenAPI `operationId`: the name of the Envoy route, and the unit of weight, evidence and rollback.
///
/// `[A-Za-z0-9._-]{1,128}`, so that it can stand in a path, a metric label and a shell word unquoted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OperationId(String);

/// Why a text is not an [`OperationId`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("operation id `{0}` is not usable; use 1 to 128 of the characters A-Z a-z 0-9 . _ -")]
pub struct OperationIdError(String);

impl OperationId {
    /// The longest id, in bytes.
    pub const MAX_LENGTH: usize = 128;

    /// The catch-all pseudo-operation, see [`UNMATCHED`].
    #[must_use]
    pub fn unmatched() -> Self {
        Self(UNMATCHED.to_owned())
    }

    /// Whether this is the catch-all pseudo-operation.
    #[must_use]
    pub fn is_unmatched(&self) -> bool {
        self.0 == UNMATCHED
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for OperationId {
    type Err = OperationIdError;

    fn from_str(text: &str) -> Result<Self, OperationIdError> {
        Self::try_from(text.to_owned())
    }
}

impl TryFrom<String> for OperationId {
    type Error = OperationIdError;

    fn try_from(text: String) -> Result<Self, OperationIdError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if (1..=Self::MAX_LENGTH).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text))
        } else {
            Err(OperationIdError(text.escape_debug().to_string()))
        }
    }
}

impl From<OperationId> for String {
    fn from(id: OperationId) -> Self {
        id.0
    }
}

impl AsRef<str> for OperationId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OperationId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&self.0)
    }
}

/// Where a request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Untouched to the legacy gateway.
    Node,
    /// Through auth and validation in Envoy, then straight to the upstream.
    Rust,
}

impl Side {
    /// The name used in headers, metrics and listings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Rust => "rust",
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_plain_words() {
        for good in ["listTasks", "a", "v1.task_list-all", &"x".repeat(128)] {
            assert_eq!(good.parse::<OperationId>().unwrap().as_str(), good);
        }
        for bad in ["", "a b", "a/b", "a=b", "ünicode", "a\n", &"x".repeat(129)] {
            assert!(bad.parse::<OperationId>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_bad_id_in_json_is_refused_with_the_rule() {
        let error = serde_json::from_str::<OperationId>("\"a b\"").unwrap_err().to_string();
        assert!(error.contains("operation id `a b` is not usable"), "{error}");
    }
}

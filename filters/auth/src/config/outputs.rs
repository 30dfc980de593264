//! What of a token goes on: to the service in headers, to access logs in filter state.

use super::view::{ConfigError, View};
use super::{Forward, StateItem, claim_path, quotable};
use crate::rules::ClaimPath;

/// Headers that have a meaning of their own to HTTP (RFC 9110, RFC 9112) or to this filter.
pub(super) const TAKEN: [&str; 16] = [
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-request-id",
];

pub(super) fn forward(view: View<'_>) -> Result<Vec<Forward>, ConfigError> {
    let mut all = Vec::new();
    for (header, claim) in view.members()? {
        // RFC 9110, section 5.6.2, less the upper case: Envoy has all names in lower case.
        let fits = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(&byte)
        };
        if header.is_empty() || !header.bytes().all(fits) {
            return Err(claim.error("must be a header name in lower case"));
        }
        if TAKEN.contains(&header) {
            return Err(claim.error("must not be a header that has a meaning of its own"));
        }
        all.push(if claim.value().is_string() {
            Forward { header: header.to_owned(), claim: claim_path(claim)?, join: None }
        } else {
            claim.only(&["claim", "join"])?;
            let join = claim.get("join").map(quotable).transpose()?;
            Forward { header: header.to_owned(), claim: claim_path(claim.need("claim")?)?, join }
        });
    }
    Ok(all)
}

/// Without the field: the subject and the whole payload.
pub(super) fn filter_state(view: Option<View<'_>>) -> Result<Vec<StateItem>, ConfigError> {
    let item = |name: &str, claim| StateItem { name: name.to_owned(), claim };
    let Some(view) = view else {
        return Ok(vec![item("cutover.auth.sub", ClaimPath::new("sub")), item("cutover.auth.payload", None)]);
    };
    let mut all = Vec::new();
    for (name, claim) in view.members()? {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        if name.is_empty() || !name.bytes().all(fits) {
            return Err(claim.error("must have a name of letters, digits and _.-"));
        }
        let whole = claim.value() == "";
        all.push(item(name, if whole { None } else { Some(claim_path(claim)?) }));
    }
    Ok(all)
}

//! What goes on of a token's claims: to the service and to access logs.

use std::rc::Rc;

use cutover_filter_host::HeaderMap;
use serde_json::{Map, Value};

use super::Reason;
use crate::config::{Forward, StateItem};
use crate::rules;

/// The forwarded claims, each by the place of its header in the configuration. What is missing or empty is not sent;
/// what a header cannot carry spoils the token, because it would become another claim or another header upstream.
pub(super) fn headers(
    forward: &[Forward],
    payload: &Map<String, Value>,
) -> Result<Vec<(usize, String)>, Reason> {
    let mut headers = Vec::new();
    for (index, Forward { header: _, claim, join }) in forward.iter().enumerate() {
        let value = rules::forwardable(claim.of(payload), join.as_deref());
        let value = value.map_err(|rules::Unforwardable| Reason::Unforwardable)?;
        headers.extend(value.map(|value| (index, value)));
    }
    Ok(headers)
}

/// The client's headers that a service may take for one that carries a claim: CGI and what came of it (WSGI, Rack, PHP)
/// know `x_user_id` and `x-user-id` by one name.
pub(super) fn lookalikes<'a>(
    forward: &'a [Forward],
    headers: &'a HeaderMap,
) -> impl Iterator<Item = &'a str> {
    let plain = |byte: &u8| if *byte == b'_' { b'-' } else { byte.to_ascii_lowercase() };
    let looks_like = move |name: &[u8], ours: &str| {
        name.len() == ours.len()
            && !name.eq_ignore_ascii_case(ours.as_bytes())
            && name.iter().map(plain).eq(ours.as_bytes().iter().map(plain))
    };
    let names = headers.iter().map(|(name, _)| name);
    names
        .filter(move |name| forward.iter().any(|forward| looks_like(name, &forward.header)))
        .filter_map(|name| std::str::from_utf8(name).ok())
}

/// The claims for access logs, each by the place of its name in the configuration; what is missing is left out. A text
/// is written as it is, anything else as JSON, and so is a text that could end a line of a log and forge another.
pub(super) fn state(items: &[StateItem], payload: &Map<String, Value>) -> Vec<(usize, Rc<str>)> {
    let mut values = Vec::new();
    for (index, StateItem { name: _, claim }) in items.iter().enumerate() {
        let value = match claim.as_ref().map(|claim| claim.of(payload)) {
            None => serde_json::to_string(payload).ok(),
            Some(None) => None,
            Some(Some(Value::String(text))) if !text.chars().any(char::is_control) => Some(text.clone()),
            Some(Some(other)) => serde_json::to_string(other).ok(),
        };
        values.extend(value.map(|value| (index, Rc::from(value))));
    }
    values
}

//! `auth`: who may issue tokens, where they are looked for, and which claims go upstream.

use std::ops::RangeInclusive;
use std::path::Path;

use cutover_compiler::document::{Node, Value as Tree};
use cutover_xds::model::KeyHost;
use serde_json::{Map, Value, json};

use super::issuers::{self, Issuers};
use super::reader::{self, Fields, Mistakes};
use super::{Contract, IssuerSummary, claims, schemes};
use crate::units;

/// What the auth filter is configured with, where it fetches keys, and what `check` says about it.
pub(super) struct Auth {
    pub(super) filter: Value,
    pub(super) key_hosts: Vec<KeyHost>,
    pub(super) issuers: Vec<IssuerSummary>,
}

const FIELDS: &[&str] =
    &["realm", "issuers", "schemes", "forward", "token", "cache", "errors", "filter_state"];
const DEFAULT_REALM: &str = "gateway";

/// The section must be there: a gateway that checks nobody's tokens should not come from leaving something out.
///
/// What is left out here is left out there: the filter has its own defaults.
pub(super) fn read(
    fields: &Fields<'_>,
    contract: Option<&Contract>,
    folder: &Path,
    mistakes: &mut Mistakes,
) -> Option<Auth> {
    let example = "{ issuers: [{ issuer: …, audiences: […], jwks: { file: … } }] }";
    let section = fields.required("auth", example, mistakes)?;
    let section = Fields::of("auth", section, FIELDS, mistakes)?;
    let realm = realm(&section, mistakes);
    let issuers = issuers::read(&section, folder, mistakes);
    let schemes = schemes::read(&section, contract, mistakes);
    let forward = forward(&section, mistakes);
    let token = token(&section, mistakes);
    if let (Some(contract), Some(token)) = (contract, &token) {
        schemes::check_places(&section, contract, token.as_ref(), mistakes);
    }
    let cache = cache(&section, mistakes);
    let errors = section
        .optional("errors")
        .map(|node| reader::choice("errors", Some(node), &["legacy", "problem"], mistakes).map(Value::from));
    let filter_state = section.optional("filter_state").map(|node| claims::filter_state(node, mistakes));
    let Issuers { filters, key_hosts, summaries } = issuers?;
    let routes = serde_json::to_value(contract?.plan.as_ref()?.routes()).unwrap_or_default();
    let mut filter = json!({"realm": realm?, "routes": routes, "issuers": filters, "forward": forward?});
    let further = [
        ("schemes", schemes?),
        ("token", token?),
        ("cache", cache?),
        ("errors", errors.map_or(Some(None), |errors| errors.map(Some))?),
        ("filter_state", filter_state.map_or(Some(None), |state| state.map(Some))?),
    ];
    for (name, value) in further {
        if let (Some(value), Some(members)) = (value, filter.as_object_mut()) {
            members.insert(name.to_owned(), value);
        }
    }
    Some(Auth { filter, key_hosts, issuers: summaries })
}

/// Where a request's token may be; the `authorization` header unless something else is said.
#[allow(clippy::option_option, reason = "nothing to say, and nothing because of a mistake, are two things")]
fn token(section: &Fields<'_>, mistakes: &mut Mistakes) -> Option<Option<Value>> {
    let Some(node) = section.optional("token") else { return Some(None) };
    let fields = Fields::of("token", node, &["authorization", "cookie", "query"], mistakes)?;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let mut places = Map::new();
    if let Some(node) = fields.optional("authorization") {
        places.insert("authorization".to_owned(), reader::boolean("authorization", node, mistakes)?.into());
    }
    for field in ["cookie", "query"] {
        let Some(node) = fields.optional(field) else { continue };
        let name = reader::text(field, node, mistakes)?;
        if !name.bytes().all(fits) {
            let message = format!("`{name}` is not usable as the name of a {field}");
            mistakes.add(node.at, message, "use letters, digits and -._~");
            return None;
        }
        places.insert(field.to_owned(), name.into());
    }
    if places.get("authorization") == Some(&Value::Bool(false)) && places.len() == 1 {
        mistakes.add(node.at, "`token` leaves no place for a token", "add `cookie: NAME` or `query: NAME`");
        return None;
    }
    Some(Some(Value::Object(places)))
}

/// `off`, or the bounds of the cache of verified tokens that each worker has; what is left out is the filter's choice.
#[allow(clippy::option_option, reason = "nothing to say, and nothing because of a mistake, are two things")]
fn cache(section: &Fields<'_>, mistakes: &mut Mistakes) -> Option<Option<Value>> {
    let Some(node) = section.optional("cache") else { return Some(None) };
    if node.as_str() == Some("off") {
        return Some(Some("off".into()));
    }
    if !matches!(node.value, Tree::Map(_)) {
        let message = format!("`cache` must be `off` or a map, but is {}", node.kind());
        mistakes.add(node.at, message, "write for example `cache: { entries: 1024, bytes: 1MiB }`");
        return None;
    }
    let fields = Fields::of("cache", node, &["entries", "bytes"], mistakes)?;
    let entries = fields.optional("entries");
    let entries = entries.map(|node| reader::whole("entries", node, 1..=65_536, mistakes).map(Value::from));
    let bytes = fields.optional("bytes").map(|node| cache_bytes(node, mistakes).map(Value::from));
    let mut bounds = Map::new();
    for (name, bound) in [("entries", entries), ("bytes", bytes)] {
        if let Some(bound) = bound {
            bounds.insert(name.to_owned(), bound?);
        }
    }
    Some(Some(Value::Object(bounds)))
}

fn cache_bytes(node: &Node, mistakes: &mut Mistakes) -> Option<u64> {
    const FITTING: RangeInclusive<u64> = 16 << 10..=64 << 20;
    let text = reader::text("bytes", node, mistakes)?;
    let bytes = reader::with(units::size(text), node, mistakes)?;
    if !FITTING.contains(&bytes) {
        let message = format!("`bytes: {text}` is out of range");
        mistakes.add(node.at, message, "write a size from 16KiB to 64MiB");
        return None;
    }
    Some(bytes)
}

/// The realm stands between quotes in `www-authenticate` (RFC 9110 section 11.5).
fn realm(section: &Fields<'_>, mistakes: &mut Mistakes) -> Option<String> {
    let Some(node) = section.optional("realm") else { return Some(DEFAULT_REALM.to_owned()) };
    let text = reader::text("realm", node, mistakes)?;
    let allowed = |byte: u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
    if text.bytes().all(allowed) {
        return Some(text.to_owned());
    }
    mistakes.add(
        node.at,
        "`realm` has characters that cannot stand in a header",
        "use plain ASCII without quotes",
    );
    None
}

/// Header names in lower case, as HTTP/2 sends them; those that frame or route a message are not for claims.
fn forward(section: &Fields<'_>, mistakes: &mut Mistakes) -> Option<Map<String, Value>> {
    let Some(node) = section.optional("forward") else { return Some(Map::new()) };
    let Tree::Map(entries) = &node.value else {
        let message = format!("`forward` must be a map of header to claim, but is {}", node.kind());
        mistakes.add(node.at, message, "write for example `forward: { x-user-id: sub }`");
        return None;
    };
    let mut forwarded = Map::new();
    for (header, claim) in entries {
        let name = header.text.as_str();
        let token =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
        if name.is_empty() || !name.bytes().all(token) {
            let hint = "use lower-case letters, digits and hyphens, such as x-user-id";
            mistakes.add(header.at, format!("`{name}` is not usable as a header's name"), hint);
        } else if !free_for_claims(name) {
            let hint = "use a name of your own that starts with `x-`, such as x-user-id";
            mistakes.add(header.at, format!("the header `{name}` is not free for claims"), hint);
        }
        if let Some(claim) = claims::forwarded(claim, mistakes) {
            forwarded.insert(name.to_owned(), claim);
        }
    }
    (forwarded.len() == entries.len()).then_some(forwarded)
}

/// Whether a header may carry a claim: Envoy's own, this product's own and the request's identity have a meaning already,
/// and what carries a claim is taken from every client.
fn free_for_claims(header: &str) -> bool {
    let taken = ["x-envoy-", "x-cutover-"].iter().any(|prefix| header.starts_with(prefix));
    header.starts_with("x-") && !taken && !header.starts_with("x-forwarded-") && header != "x-request-id"
}

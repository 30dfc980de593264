//! `auth`: who may issue tokens, and which claims go upstream.

use std::ops::RangeInclusive;
use std::path::Path;

use cutover_compiler::document::{Node, Value as Tree};
use cutover_plan::Plan;
use serde_json::{Map, Value, json};

use super::reader::{self, Fields, Mistakes};
use super::{IssuerSummary, claims, jwks, locate, plain};
use crate::units;

/// What the auth filter is configured with, and what `check` says about it.
pub(super) struct Auth {
    pub(super) filter: Value,
    pub(super) issuers: Vec<IssuerSummary>,
}

/// One issuer, read.
struct Issuer {
    filter: Value,
    summary: IssuerSummary,
}

const DEFAULT_REALM: &str = "gateway";
const DEFAULT_LEEWAY_SECONDS: u64 = 5;
const MOST_LEEWAY_SECONDS: u64 = 300;

/// The section must be there: a gateway that checks nobody's tokens should not come from leaving something out.
pub(super) fn read(
    fields: &Fields<'_>,
    plan: Option<&Plan>,
    folder: &Path,
    mistakes: &mut Mistakes,
) -> Option<Auth> {
    let example = "{ issuers: [{ issuer: …, audiences: […], jwks: { file: … } }] }";
    let section = fields.required("auth", example, mistakes)?;
    let section = Fields::of("auth", section, &["realm", "issuers", "forward", "token", "cache"], mistakes)?;
    let realm = realm(&section, mistakes);
    let issuers = issuers(&section, folder, mistakes);
    let forward = forward(&section, mistakes);
    let token = token(&section, mistakes);
    let cache = cache(&section, mistakes);
    let (issuers, summaries): (Vec<_>, _) =
        issuers?.into_iter().map(|issuer| (issuer.filter, issuer.summary)).unzip();
    let routes = serde_json::to_value(plan?.routes()).unwrap_or_default();
    let mut filter = json!({"realm": realm?, "routes": routes, "issuers": issuers, "forward": forward?});
    for (name, value) in [("token", token?), ("cache", cache?)] {
        if let (Some(value), Some(members)) = (value, filter.as_object_mut()) {
            members.insert(name.to_owned(), value);
        }
    }
    Some(Auth { filter, issuers: summaries })
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

fn issuers(section: &Fields<'_>, folder: &Path, mistakes: &mut Mistakes) -> Option<Vec<Issuer>> {
    let example = "[{ issuer: \"https://issuer.example\", audiences: [gateway], jwks: { file: jwks.json } }]";
    let items = reader::list("issuers", section.required("issuers", example, mistakes)?, example, mistakes)?;
    let mut seen: Vec<(&str, usize)> = Vec::new();
    for item in items {
        let Some(name) = item.get("issuer") else { continue };
        let Some(text) = name.as_str() else { continue };
        if let Some((_, line)) = seen.iter().find(|(known, _)| *known == text) {
            let hint = format!("it stands in line {line} already; join their audiences and keys");
            mistakes.add(name.at, format!("the issuer `{text}` is listed twice"), hint);
        }
        seen.push((text, name.at.line));
    }
    let read: Vec<_> = items.iter().map(|item| issuer(item, folder, mistakes)).collect();
    read.into_iter().collect()
}

fn issuer(node: &Node, folder: &Path, mistakes: &mut Mistakes) -> Option<Issuer> {
    let fields = Fields::of(
        "issuer",
        node,
        &["issuer", "audiences", "jwks", "leeway", "scope_claims", "require"],
        mistakes,
    )?;
    let issuer = fields
        .required("issuer", "\"https://issuer.example\"", mistakes)
        .and_then(|node| reader::text("issuer", node, mistakes));
    let audiences = audiences(&fields, mistakes);
    let leeway = leeway(&fields, mistakes);
    let rules = claims::rules(&fields, mistakes);
    let keys = keys(&fields, folder, mistakes);
    let (issuer, keys) = (issuer?, keys?);
    let mut filter = json!({
        "issuer": issuer,
        "audiences": audiences?,
        "leeway_seconds": leeway?,
        "jwks": {"keys": keys.keys},
    });
    if let Some(members) = filter.as_object_mut() {
        members.extend(rules?);
    }
    let summary = IssuerSummary { issuer: issuer.to_owned(), keys: keys.algorithms, ignored: keys.ignored };
    Some(Issuer { filter, summary })
}

fn audiences<'n>(fields: &Fields<'n>, mistakes: &mut Mistakes) -> Option<Vec<&'n str>> {
    let node = fields.required("audiences", "[gateway]", mistakes)?;
    let items = reader::list("audiences", node, "[gateway]", mistakes)?;
    let read: Vec<_> = items.iter().map(|item| reader::text("audiences", item, mistakes)).collect();
    read.into_iter().collect()
}

/// The claims are in whole seconds, so the leeway is.
fn leeway(fields: &Fields<'_>, mistakes: &mut Mistakes) -> Option<u64> {
    let Some(node) = fields.optional("leeway") else { return Some(DEFAULT_LEEWAY_SECONDS) };
    if let Some(number) = node.as_f64() {
        let hint = format!("write {number}s");
        mistakes.add(node.at, format!("`leeway: {number}` has no unit"), hint);
        return None;
    }
    let text = reader::text("leeway", node, mistakes)?;
    let duration = reader::with(units::duration(text), node, mistakes)?;
    if duration.subsec_nanos() != 0 || duration.as_secs() > MOST_LEEWAY_SECONDS {
        let message = format!("`leeway: {text}` is out of range");
        mistakes.add(node.at, message, "write whole seconds from 0s to 5m");
        return None;
    }
    Some(duration.as_secs())
}

fn keys(fields: &Fields<'_>, folder: &Path, mistakes: &mut Mistakes) -> Option<jwks::Keys> {
    let section = fields.required("jwks", "{ file: keys/jwks.json }", mistakes)?;
    let section = Fields::of("jwks", section, &["file"], mistakes)?;
    let node = section.required("file", "keys/jwks.json", mistakes)?;
    let path = locate(folder, reader::text("file", node, mistakes)?);
    let shown = path.display();
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) => {
            let folder = path.parent().unwrap_or(Path::new(".")).display();
            let message = format!("the JWKS file `{shown}` cannot be read: {}", plain(&error));
            mistakes.add(
                node.at,
                message,
                format!("make keys for a demo with `cutover token keys --dir {folder}`"),
            );
            return None;
        }
    };
    match jwks::usable(&bytes) {
        Ok(keys) => Some(keys),
        Err(error) => {
            mistakes.refuse(node.at, &format_args!("the JWKS file `{shown}` {error}"));
            None
        }
    }
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

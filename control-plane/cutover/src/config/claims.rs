//! The parts of `auth` that are about claims: where scopes are, what a token must have, what goes upstream how.

use cutover_compiler::document::{Node, Value as Tree};
use serde_json::{Map, Value, json};

use super::reader::{self, Fields, Mistakes};

/// `scope_claims` and `require` of an issuer, as far as they are there.
pub(super) fn rules(issuer: &Fields<'_>, mistakes: &mut Mistakes) -> Option<Map<String, Value>> {
    let mut rules = Map::new();
    if let Some(node) = issuer.optional("scope_claims") {
        let items = reader::list("scope_claims", node, "[scope, scp]", mistakes)?;
        let read: Vec<_> = items.iter().map(|item| claim("scope_claims", item, mistakes)).collect();
        rules.insert("scope_claims".to_owned(), read.into_iter().collect::<Option<Vec<_>>>()?.into());
    }
    if let Some(node) = issuer.optional("require") {
        let items = reader::list("require", node, "[{ claim: tenant, equals: acme }]", mistakes)?;
        let read: Vec<_> = items.iter().map(|item| required(item, mistakes)).collect();
        rules.insert("require".to_owned(), read.into_iter().collect::<Option<Vec<_>>>()?.into());
    }
    Some(rules)
}

/// A claim that a header carries: its name, or a map that says how a list is joined.
pub(super) fn forwarded(node: &Node, mistakes: &mut Mistakes) -> Option<Value> {
    if !matches!(node.value, Tree::Map(_)) {
        return claim("forward", node, mistakes).map(Value::from);
    }
    let fields = Fields::of("forward", node, &["claim", "join"], mistakes)?;
    let name = fields.required("claim", "/realm_access/roles", mistakes)?;
    let name = claim("claim", name, mistakes)?;
    let Some(node) = fields.optional("join") else { return Some(json!({"claim": name})) };
    let join = reader::text("join", node, mistakes)?;
    if !join.bytes().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\')) {
        mistakes.add(
            node.at,
            "`join` has characters that cannot stand in a header",
            "write for example `join: \",\"`",
        );
        return None;
    }
    Some(json!({"claim": name, "join": join}))
}

/// `filter_state`: what of a verified token Envoy may show, by name; the empty pointer is the whole payload.
pub(super) fn filter_state(node: &Node, mistakes: &mut Mistakes) -> Option<Value> {
    let Tree::Map(entries) = &node.value else {
        let message = format!("`filter_state` must be a map of name to claim, but is {}", node.kind());
        mistakes.add(node.at, message, "write for example `filter_state: { cutover.auth.sub: sub }`");
        return None;
    };
    let mut states = Map::new();
    for (name, node) in entries {
        let text = name.text.as_str();
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
        {
            let hint = "use letters, digits and _.-, such as cutover.auth.sub";
            mistakes.add(name.at, format!("`{text}` is not usable as the name of a filter state"), hint);
        }
        let whole = node.as_str().filter(|pointer| pointer.is_empty());
        if let Some(claim) = whole.or_else(|| claim("filter_state", node, mistakes)) {
            states.insert(text.to_owned(), claim.into());
        }
    }
    (states.len() == entries.len()).then_some(Value::Object(states))
}

/// One claim that every token of the issuer must have.
fn required(node: &Node, mistakes: &mut Mistakes) -> Option<Value> {
    const TESTS: [&str; 3] = ["equals", "contains", "one_of"];
    let fields = Fields::of("require", node, &["claim", "equals", "contains", "one_of"], mistakes)?;
    let name = fields.required("claim", "tenant", mistakes)?;
    let name = claim("claim", name, mistakes)?;
    let mut tests = TESTS.iter().filter_map(|test| Some((*test, fields.optional(test)?)));
    let (Some((test, value)), None) = (tests.next(), tests.next()) else {
        mistakes.add(
            node.at,
            format!("the claim `{name}` needs one of equals, contains and one_of"),
            "write for example `{ claim: tenant, equals: acme }`",
        );
        return None;
    };
    if matches!(value.value, Tree::Null) {
        mistakes.add(value.at, format!("`{test}` has no value"), "write what the claim must be");
        return None;
    }
    if test == "one_of" {
        reader::list("one_of", value, "[gold, silver]", mistakes)?;
    }
    Some(json!({"claim": name, test: value.to_json()}))
}

/// A claim's name, or the way to it as a JSON Pointer (RFC 6901).
fn claim<'n>(field: &str, node: &'n Node, mistakes: &mut Mistakes) -> Option<&'n str> {
    let text = reader::text(field, node, mistakes)?;
    let escaped = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    if text.starts_with('/') && !escaped {
        let hint = "write ~ as ~0 and / as ~1 inside a name";
        mistakes.add(node.at, format!("`{text}` is not a JSON Pointer"), hint);
        return None;
    }
    Some(text)
}

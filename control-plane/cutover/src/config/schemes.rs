//! `auth.schemes`: whose tokens meet which security scheme of the contract; and whether the tokens are looked for where the
//! contract says that they are.

use std::collections::BTreeMap;

use cutover_compiler::document::{Node, Value as Tree};
use cutover_compiler::{SecurityScheme, TokenPlace};
use serde_json::{Map, Value, json};

use super::Contract;
use super::reader::{self, Fields, Mistakes};
use crate::nearest::nearest;

/// The issuers of each scheme. When the section is left out, a token of any issuer meets every scheme.
#[allow(clippy::option_option, reason = "nothing to say, and nothing because of a mistake, are two things")]
pub(super) fn read(
    section: &Fields<'_>,
    contract: Option<&Contract>,
    mistakes: &mut Mistakes,
) -> Option<Option<Value>> {
    let Some(node) = section.optional("schemes") else { return Some(None) };
    let Tree::Map(entries) = &node.value else {
        let message = format!("`schemes` must be a map of security schemes, but is {}", node.kind());
        mistakes.add(
            node.at,
            message,
            "write for example `bearerAuth: { issuers: [https://issuer.example] }` in it",
        );
        return None;
    };
    let configured = configured(section);
    let mut schemes = Map::new();
    for (name, node) in entries {
        if let Some(contract) = contract {
            check_name(&name.text, name.at, contract, mistakes);
        }
        if let Some(issuers) = issuers(node, &configured, mistakes) {
            schemes.insert(name.text.clone(), json!({"issuers": issuers}));
        }
    }
    for (scheme, operation) in contract.map(used).unwrap_or_default() {
        if !entries.iter().any(|(name, _)| name.text == scheme) {
            let message = format!("`schemes` lacks `{scheme}`, which the operation `{operation}` asks for");
            mistakes.add(node.at, message, format!("add `{scheme}: {{ issuers: […] }}`"));
        }
    }
    (schemes.len() == entries.len()).then_some(Some(Value::Object(schemes)))
}

fn check_name(
    name: &str,
    at: cutover_compiler::document::Position,
    contract: &Contract,
    mistakes: &mut Mistakes,
) {
    let known = || contract.schemes.iter().map(|scheme| scheme.name.as_str());
    // A contract with mistakes may have lost its schemes with them.
    if contract.plan.is_some() && !known().any(|known| known == name) {
        let message = format!("the contract has no security scheme `{name}`");
        mistakes.add(at, message, nearest(name, known()));
    }
}

fn issuers<'n>(node: &'n Node, configured: &[&str], mistakes: &mut Mistakes) -> Option<Vec<&'n str>> {
    let fields = Fields::of("scheme", node, &["issuers"], mistakes)?;
    let example = "[\"https://issuer.example\"]";
    let items = reader::list("issuers", fields.required("issuers", example, mistakes)?, example, mistakes)?;
    let mut issuers = Vec::new();
    for item in items {
        let Some(issuer) = reader::text("issuers", item, mistakes) else { continue };
        if !configured.contains(&issuer) {
            let message = format!("the issuer `{issuer}` is not configured");
            mistakes.add(item.at, message, nearest(issuer, configured.iter().copied()));
        } else if issuers.contains(&issuer) {
            mistakes.add(item.at, format!("the issuer `{issuer}` is listed twice"), "remove one");
        }
        issuers.push(issuer);
    }
    (issuers.len() == items.len()).then_some(issuers)
}

/// The names of the issuers, also of those with a mistake.
fn configured<'n>(section: &Fields<'n>) -> Vec<&'n str> {
    let items = section.optional("issuers").map(Node::items).unwrap_or_default();
    items.iter().filter_map(|item| item.get("issuer").and_then(Node::as_str)).collect()
}

/// The schemes that operations ask for, each with the first that does.
fn used(contract: &Contract) -> BTreeMap<&str, &str> {
    let mut used = BTreeMap::new();
    for route in contract.plan.iter().flat_map(|plan| plan.routes().iter()) {
        for scheme in route.security.iter().flatten() {
            used.entry(scheme.scheme.as_str()).or_insert(route.id.as_str());
        }
    }
    used
}

/// An `apiKey` says where its token is, and the gateway must look right there.
pub(super) fn check_places(
    section: &Fields<'_>,
    contract: &Contract,
    token: Option<&Value>,
    mistakes: &mut Mistakes,
) {
    let at = section.optional("token").map_or(section.at(), |node| node.at);
    let used = used(contract);
    let setting = |field: &str| token.and_then(|token| token.get(field));
    let read_from = |field: &str, name: &str| setting(field).and_then(Value::as_str) == Some(name);
    for SecurityScheme { name, place } in &contract.schemes {
        let (found, place, hint) = match place {
            TokenPlace::Bearer => continue,
            TokenPlace::Authorization => {
                let found = setting("authorization") != Some(&Value::Bool(false));
                (found, "the header `authorization`".to_owned(), "authorization: true".to_owned())
            }
            TokenPlace::Cookie(cookie) => {
                (read_from("cookie", cookie), format!("the cookie `{cookie}`"), format!("cookie: {cookie}"))
            }
            TokenPlace::Query(query) => (
                read_from("query", query),
                format!("the query parameter `{query}`"),
                format!("query: {query}"),
            ),
        };
        if !found && let Some(operation) = used.get(name.as_str()) {
            let message = format!(
                "`token` leaves out {place}, where the scheme `{name}` of `{operation}` has its tokens"
            );
            mistakes.add(at, message, format!("write `token: {{ {hint} }}`"));
        }
    }
}

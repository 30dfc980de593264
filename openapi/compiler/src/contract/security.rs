//! Who may call an operation, as the contract says it.

use cutover_plan::SchemeScopes;

use crate::document::{Node, Value};
use crate::reference::Source;
use crate::report::Report;
use crate::resources::Resources;

/// A security scheme of a contract that the gateway can check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecurityScheme {
    /// Its name under `components.securitySchemes`.
    pub name: String,
    /// Where its token is.
    pub place: TokenPlace,
}

/// Where a scheme's token is, as far as the contract says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenPlace {
    /// A bearer token, wherever the gateway takes those from (RFC 6750, section 2).
    Bearer,
    /// An `apiKey` in the header `authorization`.
    Authorization,
    /// An `apiKey` in the cookie of this name.
    Cookie(String),
    /// An `apiKey` in the query parameter of this name.
    Query(String),
}

/// The alternatives an operation names (its own, else the document's), and the query parameters that carry credentials.
pub(super) fn requirements(
    source: Source<'_>,
    operation: &Node,
    report: &mut Report<'_>,
) -> (Vec<Vec<SchemeScopes>>, Vec<String>) {
    let Some(list) = operation.get("security").or_else(|| source.root.get("security")) else {
        return (Vec::new(), Vec::new());
    };
    if !report.is_list(list, "`security`") {
        return (Vec::new(), Vec::new());
    }
    let mut alternatives = Vec::new();
    for requirement in list.items() {
        if report.is_map(requirement, "an entry of `security`") {
            alternatives.push(alternative(source, requirement, report));
        }
    }
    let mut credentials = Vec::new();
    for SchemeScopes { scheme, scopes: _ } in alternatives.iter().flatten() {
        if let Some(Ok(TokenPlace::Query(name))) = declared(source, scheme).map(place)
            && !credentials.contains(&name)
        {
            credentials.push(name);
        }
    }
    (alternatives, credentials)
}

fn alternative(source: Source<'_>, requirement: &Node, report: &mut Report<'_>) -> Vec<SchemeScopes> {
    let known: Vec<&str> = schemes(source).iter().map(|(key, _)| key.text.as_str()).collect();
    let mut all = Vec::new();
    for (key, scopes) in requirement.entries() {
        if !known.contains(&key.text.as_str()) {
            let hint = match known.as_slice() {
                [] => "declare it under `components.securitySchemes`".to_owned(),
                known => format!("there are: {}", known.join(", ")),
            };
            report.hint(key.at, format!("there is no security scheme `{}`", key.text), hint);
        }
        if !report.is_list(scopes, "the scopes of a scheme") {
            continue;
        }
        if !scopes.items().is_empty()
            && is_3_0(source)
            && declared(source, &key.text).is_some_and(has_roles_only)
        {
            let message = format!("in OpenAPI 3.0 the scheme `{}` has no scopes", key.text);
            let hint = "only `oauth2` and `openIdConnect` have; change its type, or write `openapi: 3.1.0`";
            report.hint(scopes.at, message, hint);
        }
        let scopes = scopes
            .items()
            .iter()
            .filter_map(|scope| report.text(scope, "a scope"))
            .map(str::to_owned)
            .collect();
        all.push(SchemeScopes { scheme: key.text.clone(), scopes });
    }
    all
}

/// Notes schemes that the gateway cannot check: it knows tokens that are JWTs, however a contract calls them.
pub(super) fn check_schemes(source: Source<'_>, report: &mut Report<'_>) {
    let Some(schemes) = source.root.get("components").and_then(|all| all.get("securitySchemes")) else {
        return;
    };
    if !report.is_map(schemes, "`securitySchemes`") {
        return;
    }
    for (key, scheme) in schemes.entries() {
        let Some(scheme) = source.resolve(scheme, report) else { continue };
        if let Err(hint) = place(scheme)
            && !matches!(scheme.value, Value::Null)
        {
            let message = format!("the security scheme `{}` is none that the gateway can check", key.text);
            report.hint(key.at, message, hint);
        }
    }
}

/// The schemes that the gateway can check, in the contract's order.
pub(crate) fn checkable(root: &Node) -> Vec<SecurityScheme> {
    let resources = Resources::of_contract(root);
    let source = Source { root, resources: &resources };
    let one = |name: &str| Some((name.to_owned(), place(declared(source, name)?).ok()?));
    let all = schemes(source).iter().filter_map(|(key, _)| one(&key.text));
    all.map(|(name, place)| SecurityScheme { name, place }).collect()
}

fn schemes<'d>(source: Source<'d>) -> &'d [(crate::document::Key, Node)] {
    let schemes = source.root.get("components").and_then(|all| all.get("securitySchemes"));
    schemes.map(Node::entries).unwrap_or_default()
}

/// The scheme of this name; its references are told of where all schemes are checked.
fn declared<'d>(source: Source<'d>, name: &str) -> Option<&'d Node> {
    let (_, scheme) = schemes(source).iter().find(|(key, _)| key.text == name)?;
    source.resolve(scheme, &mut Report::new(""))
}

/// Where the scheme's token is; else what would be a scheme that can be checked.
fn place(scheme: &Node) -> Result<TokenPlace, &'static str> {
    const KNOWN: &str =
        "`type: http` with `scheme: bearer`, `oauth2`, `openIdConnect`, or `apiKey` with a token";
    let exact = |field: &str| scheme.get(field).and_then(Node::as_str).unwrap_or_default();
    let text = |field: &str| exact(field).to_lowercase();
    match text("type").as_str() {
        "http" if text("scheme") == "bearer" => Ok(TokenPlace::Bearer),
        "oauth2" | "openidconnect" => Ok(TokenPlace::Bearer),
        "apikey" if exact("name").is_empty() => Err("an `apiKey` needs the `name` of what holds it"),
        "apikey" => match text("in").as_str() {
            "cookie" => Ok(TokenPlace::Cookie(exact("name").to_owned())),
            "query" => Ok(TokenPlace::Query(exact("name").to_owned())),
            "header" if text("name") == "authorization" => Ok(TokenPlace::Authorization),
            _ => Err("an `apiKey` must be a token in the header `authorization`, a cookie or the query"),
        },
        _ => Err(KNOWN),
    }
}

/// Whether what such a scheme lists are roles, which OpenAPI has only since 3.1 (section 4.8.30) and which are scopes here.
fn has_roles_only(scheme: &Node) -> bool {
    let kind = scheme.get("type").and_then(Node::as_str).unwrap_or_default().to_lowercase();
    matches!(kind.as_str(), "http" | "apikey" | "mutualtls")
}

fn is_3_0(source: Source<'_>) -> bool {
    let version = source.root.get("openapi").and_then(Node::as_str);
    version.is_some_and(|version| version.starts_with("3.0"))
}

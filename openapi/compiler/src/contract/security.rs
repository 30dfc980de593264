//! Who may call an operation, as the contract says it.

use cutover_plan::SchemeScopes;

use crate::document::{Node, Value};
use crate::reference::Source;
use crate::report::Report;

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
    (alternatives, Vec::new())
}

fn alternative(source: Source<'_>, requirement: &Node, report: &mut Report<'_>) -> Vec<SchemeScopes> {
    let schemes = source.root.get("components").and_then(|all| all.get("securitySchemes"));
    let known: Vec<&str> =
        schemes.map(Node::entries).unwrap_or_default().iter().map(|(key, _)| key.text.as_str()).collect();
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

/// Notes schemes that the gateway cannot check: it knows bearer tokens, however a contract calls them.
pub(super) fn check_schemes(source: Source<'_>, report: &mut Report<'_>) {
    let Some(schemes) = source.root.get("components").and_then(|all| all.get("securitySchemes")) else {
        return;
    };
    if !report.is_map(schemes, "`securitySchemes`") {
        return;
    }
    for (key, scheme) in schemes.entries() {
        let Some(scheme) = source.resolve(scheme, report) else { continue };
        let text = |field: &str| scheme.get(field).and_then(Node::as_str).unwrap_or_default().to_lowercase();
        let bearer = match text("type").as_str() {
            "http" => text("scheme") == "bearer",
            "oauth2" | "openidconnect" => true,
            _ => false,
        };
        if !bearer && !matches!(scheme.value, Value::Null) {
            let message = format!("the security scheme `{}` is none that the gateway can check", key.text);
            report.hint(key.at, message, "`type: http` with `scheme: bearer`, `oauth2` or `openIdConnect`");
        }
    }
}

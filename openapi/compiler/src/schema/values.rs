//! Keywords whose value is a value, a list of values or of names.

use cutover_plan::schema::{Choice, Unique};
use cutover_plan::{Json, number_text};

use super::{Dialect, json};
use crate::document::Node;
use crate::report::Report;

pub(super) fn choice(value: &Node, dialect: Dialect, report: &mut Report<'_>) -> Option<Choice> {
    if !report.is_list(value, "`enum`") {
        return None;
    }
    if value.items().is_empty() && dialect != Dialect::Plain {
        report.add(value.at, "`enum` must have at least one value");
    }
    let values: Vec<Json<'static>> = value.items().iter().map(json).collect();
    let text = joined(&values);
    Some(Choice { values, text })
}

/// JavaScript's `values.join(', ')`, by which messages name the values.
fn joined(values: &[Json<'_>]) -> String {
    let text = |value: &Json<'_>| match value {
        Json::Null => String::new(),
        Json::Bool(truth) => truth.to_string(),
        Json::Number(number) => number_text(*number),
        Json::Exact(text) => text.clone().into_owned(),
        Json::String(text) => text.clone().into_owned(),
        Json::Array(items) => joined(items).replace(", ", ","),
        Json::Object(_) => "[object Object]".to_owned(),
    };
    values.iter().map(text).collect::<Vec<_>>().join(", ")
}

pub(super) fn unique(value: &Node, node: &Node, report: &mut Report<'_>) -> Option<Unique> {
    if report.truth(value, "`uniqueItems`") != Some(true) {
        return None;
    }
    let types = node.get("items").and_then(|items| items.get("type"));
    let names: Vec<&str> = types
        .map(|types| types.items().iter().chain([types]).filter_map(Node::as_str).collect())
        .unwrap_or_default();
    let scalars = !names.is_empty() && !names.iter().any(|name| matches!(*name, "array" | "object"));
    Some(if scalars { Unique::Scalars } else { Unique::Any })
}

pub(super) fn names(value: &Node, what: &str, report: &mut Report<'_>) -> Vec<String> {
    if value.as_bool().is_some() {
        report.hint(
            value.at,
            format!("{what} of a schema is a list of property names"),
            "it stands in the object's schema, not in the property's",
        );
        return Vec::new();
    }
    if !report.is_list(value, what) {
        return Vec::new();
    }
    let mut names: Vec<String> = Vec::new();
    for item in value.items() {
        let Some(name) = report.text(item, &format!("an entry of {what}")) else { continue };
        if names.iter().any(|known| known == name) {
            report.add(item.at, format!("{what} names `{name}` twice"));
        }
        names.push(name.to_owned());
    }
    names
}

//! Parameters: the path's and the operation's together.

use cutover_plan::operation::{Operation, Parameter, Style};
use cutover_plan::{Json, number_text};

use super::overlap;
use crate::document::{Key, Node};
use crate::report::Report;
use crate::schema::{Schemas, json};

const KNOWN: &[&str] = &[
    "name",
    "in",
    "description",
    "required",
    "deprecated",
    "allowEmptyValue",
    "style",
    "explode",
    "allowReserved",
    "schema",
    "content",
    "example",
    "examples",
];

/// One parameter as it is written.
struct Written<'d> {
    node: &'d Node,
    name: &'d str,
    place: &'d str,
}

/// Compiles the parameters of one operation: its own first, then those of its path that it does not replace.
pub(super) fn compile<'d>(
    schemas: &mut Schemas<'d>,
    path: &Key,
    template: &str,
    item: &'d Node,
    node: &'d Node,
    operation: &mut Operation,
    report: &mut Report<'_>,
) {
    let own = written(schemas, node, report);
    let shared = written(schemas, item, report);
    let replaced =
        |shared: &Written<'_>| own.iter().any(|own| own.name == shared.name && own.place == shared.place);
    let all: Vec<&Written<'d>> = own.iter().chain(shared.iter().filter(|shared| !replaced(shared))).collect();
    in_template(path, template, &all, report);
    for written in all {
        let parameter = parameter(schemas, written, report);
        match written.place {
            "query" => operation.query.push(parameter),
            "header" => operation.headers.push(parameter),
            "path" => operation.path.push(parameter),
            _ => {}
        }
    }
}

fn written<'d>(schemas: &Schemas<'d>, node: &'d Node, report: &mut Report<'_>) -> Vec<Written<'d>> {
    let mut all: Vec<Written<'d>> = Vec::new();
    let Some(list) = node.get("parameters").filter(|list| report.is_list(list, "`parameters`")) else {
        return all;
    };
    for item in list.items() {
        let Some(node) = schemas.source.resolve(item, report) else { continue };
        if !report.is_map(node, "a parameter") {
            continue;
        }
        let (Some(name), Some(place)) = (field(node, "name", report), field(node, "in", report)) else {
            continue;
        };
        if !matches!(place, "query" | "header" | "path" | "cookie") {
            let at = node.get("in").map_or(node.at, |place| place.at);
            report.hint(at, format!("a parameter cannot be in `{place}`"), "query, header, path or cookie");
            continue;
        }
        if all.iter().any(|other| other.name == name && other.place == place) {
            report.add(item.at, format!("the {place} parameter `{name}` is here for the second time"));
            continue;
        }
        all.push(Written { node, name, place });
    }
    all
}

fn field<'d>(node: &'d Node, key: &str, report: &mut Report<'_>) -> Option<&'d str> {
    match node.get(key) {
        Some(value) => report.text(value, &format!("`{key}`")),
        None => {
            report.add(node.at, format!("a parameter needs `{key}`"));
            None
        }
    }
}

/// Every name in the template has its parameter, every path parameter its name in the template.
fn in_template(path: &Key, template: &str, all: &[&Written<'_>], report: &mut Report<'_>) {
    let names = overlap::names(template).unwrap_or_default();
    for name in &names {
        if !all.iter().any(|written| written.place == "path" && written.name == *name) {
            let hint = format!("add `{{ name: {name}, in: path, required: true, schema: … }}`");
            report.hint(path.at, format!("the path `{}` has no parameter for `{{{name}}}`", path.text), hint);
        }
    }
    for written in all.iter().filter(|written| written.place == "path" && !names.contains(&written.name)) {
        let message = format!("the path `{}` has no `{{{}}}`", path.text, written.name);
        report.add(written.node.at, message);
    }
}

fn parameter<'d>(schemas: &mut Schemas<'d>, written: &Written<'d>, report: &mut Report<'_>) -> Parameter {
    let Written { node, name, place } = *written;
    report.only_keys(node, "a parameter", KNOWN);
    refuse_unsupported(written, report);
    let mut flag =
        |key: &str| node.get(key).is_some_and(|value| report.truth(value, &format!("`{key}`")) == Some(true));
    let (required, allow_reserved, allow_empty) =
        (flag("required"), flag("allowReserved"), flag("allowEmptyValue"));
    if place == "path" && !required {
        report.hint(node.at, format!("the path parameter `{name}` is not required"), "add `required: true`");
    }
    let mut parameter = Parameter {
        name: if place == "header" { name.to_lowercase() } else { name.to_owned() },
        required,
        allow_reserved,
        allow_empty,
        ..Parameter::default()
    };
    let Some(schema_node) = node.get("schema") else {
        if node.get("content").is_none() {
            report.add(node.at, format!("the parameter `{name}` has no `schema`"));
        }
        return parameter;
    };
    parameter.schema = schemas.add(schema_node, false, report);
    let Some(schema) = schemas.source.schema(schema_node) else { return parameter };
    if place != "cookie" {
        parameter.style = style(schemas, written, schema, report);
    }
    if let Some(default) = schema.get("default") {
        parameter.has_default = true;
        parameter.default =
            scalar(&json(default)).map(|text| format!("{}={}", encoded(name), encoded(&text)));
    }
    parameter
}

fn refuse_unsupported(written: &Written<'_>, report: &mut Report<'_>) {
    let Written { node, name, place } = *written;
    if place == "cookie" {
        report.hint(
            node.at,
            format!("the cookie parameter `{name}` cannot be checked"),
            "use a header or the query",
        );
    }
    if let Some(content) = node.get("content") {
        report.hint(
            content.at,
            "parameters with `content` are not supported",
            "describe the parameter by `schema`",
        );
    }
    if place == "header"
        && ["accept", "content-type", "authorization"].contains(&name.to_lowercase().as_str())
    {
        let hint = "media types stand under `content`, tokens under `security`";
        report.hint(node.at, format!("OpenAPI ignores a header parameter named `{name}`"), hint);
    }
}

fn style<'d>(
    schemas: &Schemas<'d>,
    written: &Written<'d>,
    schema: &'d Node,
    report: &mut Report<'_>,
) -> Style {
    let Written { node, place, name } = *written;
    let named = node.get("style").and_then(|style| report.text(style, "`style`"));
    let explode = node.get("explode").and_then(|explode| report.truth(explode, "`explode`"));
    let type_of = |schema: &Node| schema.get("type").and_then(Node::as_str).map(str::to_owned);
    if has_object(schemas, schema, 0) {
        report.hint(
            node.at,
            format!("the parameter `{name}` is an object, which is not supported"),
            "use one parameter for each property",
        );
        return Style::Text;
    }
    let array = type_of(schema).as_deref() == Some("array");
    let supported = match (place, named) {
        ("query", None | Some("form")) if array && explode != Some(false) => Some(Style::Repeated),
        ("query", None | Some("form")) | ("path" | "header", None | Some("simple")) if array => {
            Some(Style::Commas)
        }
        ("query", Some("spaceDelimited")) if array && explode == Some(false) => Some(Style::Spaces),
        ("query", Some("pipeDelimited")) if array && explode == Some(false) => Some(Style::Bars),
        ("query", None | Some("form")) if is_choice(schema) => Some(Style::Json),
        ("query", None | Some("form")) | ("path" | "header", None | Some("simple")) => Some(Style::Text),
        _ => None,
    };
    supported.unwrap_or_else(|| {
        let at = node.get("style").map_or(node.at, |style| style.at);
        let message = format!("the style `{}` is not supported for this parameter", named.unwrap_or("form"));
        report.hint(
            at,
            message,
            "query: form, or spaceDelimited and pipeDelimited with `explode: false`; path and header: simple",
        );
        Style::Text
    })
}

/// A choice with references: the legacy validator takes it for an object and reads the text as JSON where it can.
fn is_choice(schema: &Node) -> bool {
    let branches =
        ["allOf", "oneOf", "anyOf"].into_iter().filter_map(|key| schema.get(key)).flat_map(Node::items);
    branches.into_iter().any(|branch| branch.get("$ref").is_some() || is_choice(branch))
}

fn has_object<'d>(schemas: &Schemas<'d>, schema: &'d Node, depth: usize) -> bool {
    let Some(schema) = schemas.source.schema(schema).filter(|_| depth < 16) else { return false };
    let is_object = |node: &Node| node.as_str() == Some("object");
    let object =
        schema.get("type").is_some_and(|types| is_object(types) || types.items().iter().any(is_object));
    let branches =
        ["allOf", "oneOf", "anyOf"].into_iter().filter_map(|key| schema.get(key)).flat_map(Node::items);
    object
        || schema.get("properties").is_some()
        || branches.into_iter().any(|branch| has_object(schemas, branch, depth + 1))
}

fn scalar(value: &Json<'_>) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone().into_owned()),
        Json::Number(number) => Some(number_text(*number)),
        Json::Exact(text) => Some(text.clone().into_owned()),
        Json::Bool(truth) => Some(truth.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

/// `encodeURIComponent`.
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

//! Parameters: the path's and the operation's together.

use cutover_plan::operation::{Operation, Parameter, Shape, Style};
use cutover_plan::{ContentType, Json, number_text};

use super::form::{self, Place, Said};
use super::overlap;
use crate::document::{Key, Node};
use crate::report::Report;
use crate::schema::{Schemas, json as json_of};

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
    place: Place,
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
            Place::Query => operation.query.push(parameter),
            Place::Header => operation.headers.push(parameter),
            Place::Path => operation.path.push(parameter),
            Place::Cookie => operation.cookies.push(parameter),
        }
    }
    refuse_shared_names(operation, node, report);
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
        let Some(place) = Place::named(place) else {
            let at = node.get("in").map_or(node.at, |place| place.at);
            report.hint(at, format!("a parameter cannot be in `{place}`"), "query, header, path or cookie");
            continue;
        };
        if all.iter().any(|other| other.name == name && other.place == place) {
            report
                .add(item.at, format!("the {} parameter `{name}` is here for the second time", place.name()));
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
        if !all.iter().any(|written| written.place == Place::Path && written.name == *name) {
            let hint = format!("add `{{ name: {name}, in: path, required: true, schema: … }}`");
            report.hint(path.at, format!("the path `{}` has no parameter for `{{{name}}}`", path.text), hint);
        }
    }
    for written in all.iter().filter(|written| written.place == Place::Path && !names.contains(&written.name))
    {
        let message = format!("the path `{}` has no `{{{}}}`", path.text, written.name);
        report.add(written.node.at, message);
    }
}

/// A query parameter and a member of an object that stands in the query by itself cannot be told apart.
fn refuse_shared_names(operation: &Operation, node: &Node, report: &mut Report<'_>) {
    for parameter in &operation.query {
        let form = &parameter.form;
        if form.style != Style::Form || form.shape != Shape::Object {
            continue;
        }
        for member in &form.members {
            let other = |other: &&Parameter| {
                let own = other.name == member.name && other.name != parameter.name;
                let exploded = other.form.style == Style::Form && other.form.shape == Shape::Object;
                let shared = exploded && other.form.members.iter().any(|theirs| theirs.name == member.name);
                own || (shared && other.name != parameter.name)
            };
            if let Some(other) = operation.query.iter().find(other) {
                let message = format!(
                    "`{}` in the query is a member of the parameter `{}` and belongs to `{}`, too",
                    member.name, parameter.name, other.name
                );
                report.hint(node.at, message, "use `style: deepObject` for one of them");
            }
        }
    }
}

fn parameter<'d>(schemas: &mut Schemas<'d>, written: &Written<'d>, report: &mut Report<'_>) -> Parameter {
    let Written { node, name, place } = *written;
    report.only_keys(node, "a parameter", KNOWN);
    refuse_misplaced(written, report);
    let mut flag =
        |key: &str| node.get(key).is_some_and(|value| report.truth(value, &format!("`{key}`")) == Some(true));
    let (required, allow_reserved, allow_empty) =
        (flag("required"), flag("allowReserved"), flag("allowEmptyValue"));
    if place == Place::Path && !required {
        report.hint(node.at, format!("the path parameter `{name}` is not required"), "add `required: true`");
    }
    let mut parameter = Parameter {
        name: if place == Place::Header { name.to_lowercase() } else { name.to_owned() },
        required,
        allow_reserved,
        allow_empty,
        ..Parameter::default()
    };
    let Some((schema_node, json)) = schema_of(written, report) else { return parameter };
    parameter.schema = schemas.add(schema_node, false, report);
    schemas.examples(parameter.schema, node, report);
    let Some(schema) = schemas.source.schema(schema_node) else { return parameter };
    parameter.form = match json {
        Some(json) => form::of_content(place, json),
        None => {
            let said = Said { node, name, place, in_body: false };
            form::compile(schemas.source, &said, schema, report)
        }
    };
    if let Some(default) = schema.get("default") {
        parameter.has_default = true;
        parameter.default =
            scalar(&json_of(default)).and_then(|text| default_text(written, &text, default, report));
    }
    parameter
}

/// The parameter's schema, and for one with `content` whether it is JSON.
fn schema_of<'d>(written: &Written<'d>, report: &mut Report<'_>) -> Option<(&'d Node, Option<bool>)> {
    let Written { node, name, .. } = *written;
    let Some(content) = node.get("content") else {
        let schema = node.get("schema");
        if schema.is_none() {
            report.add(node.at, format!("the parameter `{name}` has no `schema`"));
        }
        return schema.map(|schema| (schema, None));
    };
    if !report.is_map(content, "`content`") {
        return None;
    }
    for key in ["schema", "style", "explode", "allowReserved"] {
        if let Some(beside) = node.get(key) {
            let message = format!("the parameter `{name}` has `content`, beside which `{key}` means nothing");
            report.hint(beside.at, message, "keep one of them");
        }
    }
    let [(key, entry)] = content.entries() else {
        let message = format!("the `content` of the parameter `{name}` must have exactly one media type");
        report.add(content.at, message);
        return None;
    };
    let sent = ContentType::parse(&key.text);
    if !sent.is_json() && !sent.covered_by("text/plain") {
        let message = format!("a parameter of the media type `{}` cannot be read", key.text);
        report.hint(key.at, message, "application/json, or text/plain");
        return None;
    }
    if !report.is_map(entry, "a media type") {
        return None;
    }
    report.only_keys(entry, "a media type", &["schema", "example", "examples"]);
    let schema = entry.get("schema");
    if schema.is_none() {
        report.add(entry.at, format!("the `content` of the parameter `{name}` has no `schema`"));
    }
    schema.map(|schema| (schema, Some(sent.is_json())))
}

fn refuse_misplaced(written: &Written<'_>, report: &mut Report<'_>) {
    let Written { node, name, place } = *written;
    for key in ["allowReserved", "allowEmptyValue"] {
        if let Some(value) =
            node.get(key).filter(|value| place != Place::Query && value.as_bool() == Some(true))
        {
            report.hint(value.at, format!("`{key}` means nothing outside the query"), "leave it out");
        }
    }
    if place == Place::Header
        && ["accept", "content-type", "authorization"].contains(&name.to_lowercase().as_str())
    {
        let hint = "media types stand under `content`, tokens under `security`";
        report.hint(node.at, format!("OpenAPI ignores a header parameter named `{name}`"), hint);
    }
}

/// The default as it is put into the forwarded request.
fn default_text(written: &Written<'_>, text: &str, at: &Node, report: &mut Report<'_>) -> Option<String> {
    match written.place {
        Place::Query | Place::Cookie => Some(format!("{}={}", encoded(written.name), encoded(text))),
        Place::Header => {
            let sendable = text.chars().all(|c| (' '..='~').contains(&c));
            if !sendable {
                report.hint(at.at, "this default cannot be sent in a header", "ASCII characters only");
            }
            sendable.then(|| text.to_owned())
        }
        // A path without its parameter is another path.
        Place::Path => None,
    }
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

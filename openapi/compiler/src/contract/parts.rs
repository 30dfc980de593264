//! The parts of a form: what their schema and their `encoding` say about how they are read.

use cutover_plan::ContentType;
use cutover_plan::operation::{BodyKind, Form, Part, Shape, Style};

use super::form::{self, Place, Said};
use crate::document::Node;
use crate::report::Report;
use crate::schema::Schemas;

const ENCODING: &[&str] = &["contentType", "headers", "style", "explode", "allowReserved"];

/// The parts of a form that are more than plain text. `entry` is the media type, `schema` its schema.
pub(super) fn compile<'d>(
    schemas: &Schemas<'d>,
    kind: BodyKind,
    entry: &'d Node,
    schema: &'d Node,
    report: &mut Report<'_>,
) -> Vec<Part> {
    let properties = form::properties(schemas.source, schema, 0);
    let encodings = entry.get("encoding").filter(|encoding| report.is_map(encoding, "`encoding`"));
    for (key, _) in encodings.map(Node::entries).unwrap_or_default() {
        if !properties.iter().any(|(name, _)| *name == key.text) {
            let names: Vec<&str> = properties.iter().map(|(name, _)| *name).collect();
            let hint = format!("properties: {}", names.join(", "));
            report.hint(
                key.at,
                format!("`encoding` names `{}`, which is no property of the form", key.text),
                hint,
            );
        }
    }
    let mut parts = Vec::new();
    for (name, property) in properties {
        let encoding = encodings.and_then(|encodings| encodings.get(name));
        let Some(property) = schemas.source.schema(property) else { continue };
        let encoding = encoding.filter(|encoding| report.is_map(encoding, "an encoding"));
        let part = one(schemas, kind, name, property, encoding, report);
        if part != (Part { name: name.to_owned(), ..Part::default() }) {
            parts.push(part);
        }
    }
    parts
}

fn one<'d>(
    schemas: &Schemas<'d>,
    kind: BodyKind,
    name: &'d str,
    property: &'d Node,
    encoding: Option<&'d Node>,
    report: &mut Report<'_>,
) -> Part {
    let source = schemas.source;
    let mut part = Part { name: name.to_owned(), ..Part::default() };
    let shape = form::shape(source, property, 0);
    let item = match shape {
        Shape::List => property.get("items").and_then(|items| source.schema(items)),
        Shape::Text | Shape::Object => Some(property),
    };
    let nested = shape == Shape::Object
        || (shape == Shape::List && item.is_some_and(|item| form::shape(source, item, 0) != Shape::Text));
    part.form = match (shape, nested) {
        (Shape::List, false) => Form { style: Style::Form, explode: true, shape, ..Form::default() },
        (_, true) => Form {
            style: Style::Json,
            shape: if shape == Shape::List { shape } else { Shape::Text },
            ..Form::default()
        },
        _ => Form::default(),
    };
    if kind == BodyKind::Multipart && item.is_some_and(is_file) {
        part.file = true;
        part.sized =
            item.is_some_and(|item| item.get("minLength").is_some() || item.get("maxLength").is_some());
    }
    if let Some(encoding) = encoding {
        encoded(schemas, kind, encoding, name, property, &mut part, report);
    }
    part
}

/// A text that is not text: OpenAPI 3.0 says so by its format, 3.1 by its media type.
fn is_file(schema: &Node) -> bool {
    let text = |key: &str| schema.get(key).and_then(Node::as_str);
    let media_type = text("contentMediaType").map(ContentType::parse);
    let opaque = media_type.is_some_and(|media| !media.is_json() && !media.covered_by("text/*"));
    text("format") == Some("binary") || (opaque && schema.get("contentEncoding").is_none())
}

fn encoded<'d>(
    schemas: &Schemas<'d>,
    kind: BodyKind,
    encoding: &'d Node,
    name: &'d str,
    property: &'d Node,
    part: &mut Part,
    report: &mut Report<'_>,
) {
    report.only_keys(encoding, "an encoding", ENCODING);
    if let Some(headers) = encoding.get("headers") {
        let hint = "the headers of a part are forwarded as they come; leave them out";
        report.unsupported(headers.at, "`headers` of an encoding cannot be checked", hint);
    }
    let styled = encoding.get("style").or_else(|| encoding.get("explode"));
    let content_type = encoding.get("contentType");
    if let Some(styled) = styled {
        let said = Said { node: encoding, name, place: Place::Query, in_body: true };
        part.form = form::compile(schemas.source, &said, property, report);
        if let Some(content_type) = content_type {
            let message = "`contentType` means nothing beside `style` and `explode`";
            report.hint(content_type.at, message, format!("the other stands in line {}", styled.at.line));
        }
        return;
    }
    let Some(types) = content_type.and_then(|node| report.text(node, "`contentType`")) else { return };
    part.types = types.split(',').map(|one| one.trim().to_owned()).collect();
    let at = content_type.map_or(encoding.at, |node| node.at);
    if part.types.iter().any(|one| !one.contains('/')) {
        report.hint(
            at,
            format!("`{types}` is no list of media types"),
            "for example `image/png, image/jpeg`",
        );
    }
    let parsed: Vec<ContentType> = part.types.iter().map(|one| ContentType::parse(one)).collect();
    let all = |test: &dyn Fn(&ContentType) -> bool| parsed.iter().all(test);
    let text = all(&|one| one.is_json() || one.covered_by("text/*"));
    if all(&ContentType::is_json) {
        part.form.style = Style::Json;
        part.form.explode = false;
        part.file = false;
    } else if kind == BodyKind::Multipart && !text {
        part.file = true;
        part.sized |= property.get("minLength").is_some() || property.get("maxLength").is_some();
        if form::shape(schemas.source, property, 0) == Shape::Object {
            report.hint(at, format!("`{name}` is an object, which `{types}` is not"), "application/json");
        }
    } else if kind == BodyKind::Form && !text {
        report.hint(at, format!("a part of `{types}` cannot be read"), "application/json or text/plain");
    }
}

//! Request bodies: their media types, and the discriminator at a body's top.

use cutover_plan::ContentType;
use cutover_plan::operation::{Body, BodyKind, Discriminator, Media, Shape, Way};
use cutover_plan::schema::{Reference, Schema, SchemaId};

use super::{form, parts};
use crate::document::{Key, Node};
use crate::report::Report;
use crate::schema::Schemas;

/// Compiles a request body; `None` when it is a mistake.
pub(super) fn compile<'d>(
    schemas: &mut Schemas<'d>,
    node: &'d Node,
    report: &mut Report<'_>,
) -> Option<Body> {
    let node = schemas.source.resolve(node, report)?;
    if !report.is_map(node, "`requestBody`") {
        return None;
    }
    report.only_keys(node, "a request body", &["description", "content", "required"]);
    let required =
        node.get("required").and_then(|required| report.truth(required, "`required`")) == Some(true);
    let Some(content) = node.get("content").filter(|content| !content.entries().is_empty()) else {
        report.add(node.at, "a request body needs `content` with at least one media type");
        return None;
    };
    let mut media = Vec::new();
    for (key, entry) in content.entries() {
        if !report.is_map(entry, "a media type") {
            continue;
        }
        report.only_keys(entry, "a media type", &["schema", "example", "examples", "encoding"]);
        media.extend(one(schemas, key, entry, report));
    }
    refuse_equal(content, report);
    Some(Body { required, media })
}

/// Two keys that are one media type: nobody could say which holds.
fn refuse_equal(content: &Node, report: &mut Report<'_>) {
    let normal = |key: &Key| ContentType::parse(&key.text).normal();
    for (index, (key, _)) in content.entries().iter().enumerate() {
        if content.entries().iter().take(index).any(|(earlier, _)| normal(earlier) == normal(key)) {
            report.add(key.at, format!("the media type `{}` is here for the second time", key.text));
        }
    }
}

fn one<'d>(
    schemas: &mut Schemas<'d>,
    key: &'d Key,
    entry: &'d Node,
    report: &mut Report<'_>,
) -> Option<Media> {
    let mut media = Media { name: key.text.clone(), kind: kind_of(key, report)?, ..Media::default() };
    let written = entry.get("schema");
    media.schema = written.and_then(|schema| schemas.add(schema, false, report));
    schemas.examples(media.schema, entry, report);
    let resolved = written.and_then(|schema| schemas.source.schema(schema));
    let shape = resolved.map_or(Shape::Text, |schema| form::shape(schemas.source, schema, 0));
    if let Some(encoding) =
        entry.get("encoding").filter(|_| !matches!(media.kind, BodyKind::Form | BodyKind::Multipart))
    {
        let message = format!("`encoding` means nothing for `{}`", key.text);
        report.hint(encoding.at, message, "it is for forms");
    }
    match media.kind {
        BodyKind::Json => {
            media.discriminator = resolved.and_then(|schema| discriminator(schemas, schema, report));
            // The legacy validator looks only at the schema that the discriminator chose.
            if media.discriminator.is_some() {
                media.schema = None;
            }
        }
        BodyKind::Form | BodyKind::Multipart => {
            let Some(schema) = resolved else { return Some(media) };
            if shape != Shape::Object {
                report.hint(schema.at, "a form is an object", "add `type: object` and its `properties`");
            }
            media.parts = parts::compile(schemas, media.kind, entry, schema, report);
        }
        BodyKind::Sent if shape != Shape::Text => media.structured = true,
        BodyKind::Text if shape == Shape::Text => {}
        BodyKind::Text | BodyKind::Binary | BodyKind::Sent => {
            if media.kind == BodyKind::Sent {
                media.kind = BodyKind::Binary;
            }
            let Some(schema) = resolved else { return Some(media) };
            if shape == Shape::Text {
                media.sized = binary(schema, report);
            } else {
                let message = format!("bodies of the media type `{}` cannot be looked into", key.text);
                report.hint(
                    key.at,
                    message,
                    "describe it as `type: string, format: binary`, or leave `schema` out",
                );
            }
        }
    }
    Some(media)
}

/// How bodies of this media type or range are read.
fn kind_of(key: &Key, report: &mut Report<'_>) -> Option<BodyKind> {
    let named = ContentType::parse(&key.text);
    let proper = key.text.split(';').next().unwrap_or_default().trim().split_once('/');
    let Some((kind, subtype)) = proper.filter(|(kind, subtype)| !kind.is_empty() && !subtype.is_empty())
    else {
        report.hint(key.at, format!("`{}` is no media type", key.text), "for example `application/json`");
        return None;
    };
    if named.charset() != "utf-8" {
        let message = format!("bodies in the charset `{}` cannot be read", named.charset());
        report.hint(key.at, message, "utf-8 only");
        return None;
    }
    if kind == "*" && subtype != "*" {
        report.hint(key.at, format!("`{}` is no media type", key.text), "the widest range is `*/*`");
        return None;
    }
    Some(match () {
        () if named.is_json() => BodyKind::Json,
        () if named.covered_by("application/x-www-form-urlencoded") => BodyKind::Form,
        () if named.covered_by("multipart/form-data") => BodyKind::Multipart,
        () if kind.eq_ignore_ascii_case("text") => BodyKind::Text,
        () if subtype == "*" => BodyKind::Sent,
        () => BodyKind::Binary,
    })
}

/// Whether the schema of a binary body says how long it is; more it cannot say.
fn binary(schema: &Node, report: &mut Report<'_>) -> bool {
    for (key, value) in schema.entries() {
        let name = key.text.as_str();
        let known = match name {
            "type" => value.as_str() == Some("string"),
            "format" => value.as_str() == Some("binary"),
            "minLength" | "maxLength" | "title" | "description" | "example" | "examples" | "deprecated"
            | "externalDocs" | "contentMediaType" | "contentEncoding" | "$comment" => true,
            _ => name.starts_with("x-"),
        };
        if !known {
            let message = format!("`{name}` cannot be honoured in a body that is not looked into");
            report.hint(key.at, message, "a binary body is `type: string, format: binary`, with its length");
        }
    }
    schema.get("minLength").is_some() || schema.get("maxLength").is_some()
}

/// The body schema's own discriminator, by the values it has in the legacy validator: the mapping's, else the schema's name.
fn discriminator<'d>(
    schemas: &mut Schemas<'d>,
    schema: &'d Node,
    report: &mut Report<'_>,
) -> Option<Discriminator> {
    let written = schema.get("discriminator")?;
    let property = written.get("propertyName").and_then(Node::as_str)?.to_owned();
    let choice = schema.get("oneOf").or_else(|| schema.get("anyOf"))?;
    let mapping = written.get("mapping").map(Node::entries).unwrap_or_default();
    let mut options = Vec::new();
    for branch in choice.items() {
        let Some(reference) = branch.get("$ref").and_then(Node::as_str) else {
            report.hint(
                branch.at,
                "a choice with a discriminator has only references",
                "move this schema to `components.schemas` and refer to it",
            );
            continue;
        };
        let Some(id) = option(schemas, schema, branch, report) else { continue };
        let mapped = mapping.iter().filter(|(_, target)| target.as_str() == Some(reference));
        let names: Vec<String> = mapped.map(|(key, _)| key.text.clone()).collect();
        let own_name = || reference.rsplit('/').next().unwrap_or(reference).to_owned();
        let names = if names.is_empty() { vec![own_name()] } else { names };
        options.extend(names.into_iter().map(|value| Way { value, schema: id }));
    }
    Some(Discriminator { property, options })
}

/// One schema of the choice, with the properties that are required beside the choice.
fn option<'d>(
    schemas: &mut Schemas<'d>,
    schema: &'d Node,
    branch: &'d Node,
    report: &mut Report<'_>,
) -> Option<SchemaId> {
    let target = schemas.add(branch, false, report)?;
    if schema.get("properties").is_none() && schema.get("required").is_none() {
        return Some(target);
    }
    let mut joined = Schema::default();
    joined.any.reference = Some(Reference { schema: target, inline: true, remember: false });
    joined.object = schemas.object_rules(schema, report);
    Some(schemas.push(joined, branch.at))
}

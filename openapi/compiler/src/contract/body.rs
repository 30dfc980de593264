//! Request bodies: their media types, and the discriminator at a body's top.

use cutover_plan::operation::{Body, Discriminator, Media, Way};
use cutover_plan::schema::{Reference, Schema, SchemaId};

use crate::document::Node;
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
        if !is_json(&key.text) {
            let message = format!("bodies of the media type `{}` cannot be checked", key.text);
            report.hint(key.at, message, "application/json or a type that ends in +json");
            continue;
        }
        if report.is_map(entry, "a media type") {
            report.only_keys(entry, "a media type", &["schema", "example", "examples"]);
            media.push(one(schemas, &key.text, entry, report));
        }
    }
    Some(Body { required, media })
}

fn one<'d>(schemas: &mut Schemas<'d>, name: &str, entry: &'d Node, report: &mut Report<'_>) -> Media {
    let written = entry.get("schema");
    let schema = written.and_then(|schema| schemas.add(schema, false, report));
    let resolved = written.and_then(|schema| schemas.source.schema(schema));
    let discriminator = resolved.and_then(|schema| discriminator(schemas, schema, report));
    // The legacy validator looks only at the schema that the discriminator chose.
    let schema = if discriminator.is_some() { None } else { schema };
    Media { name: name.to_owned(), schema, discriminator }
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

fn is_json(name: &str) -> bool {
    let media_type = name.split(';').next().unwrap_or_default().trim().to_lowercase();
    match media_type.split_once('/') {
        Some((_, subtype)) => subtype == "json" || subtype.ends_with("+json"),
        None => false,
    }
}

//! One keyword after the other. Nothing is skipped: what is no annotation and cannot be honoured is a mistake.

use cutover_plan::number_text;
use cutover_plan::schema::{
    Additional, Choice, Constant, IntegerFormat, Kind, ObjectRules, Property, Schema, SchemaId, StringFormat,
    Unique,
};
use cutover_plan::{Json, Object};

use super::{Dialect, Schemas, json};
use crate::document::{Node, Position};
use crate::formats::{self, Format};
use crate::report::{Report, closest};

/// Keywords that say something about a value but assert nothing.
const ANNOTATIONS: &[&str] = &[
    "title",
    "description",
    "default",
    "example",
    "examples",
    "deprecated",
    "externalDocs",
    "xml",
    "writeOnly",
    "$comment",
    "contentMediaType",
    "contentEncoding",
    "contentSchema",
];
/// Keywords of JSON Schema 2020-12 that are not compiled yet.
const LATER: &[&str] = &[
    "if",
    "then",
    "else",
    "dependentRequired",
    "dependentSchemas",
    "prefixItems",
    "contains",
    "minContains",
    "maxContains",
    "unevaluatedItems",
    "unevaluatedProperties",
    "propertyNames",
    "patternProperties",
    "$dynamicRef",
    "$dynamicAnchor",
    "$anchor",
    "$id",
    "$schema",
    "$vocabulary",
];
/// Keywords that are compiled.
const HONOURED: &[&str] = &[
    "$ref",
    "$defs",
    "type",
    "enum",
    "const",
    "nullable",
    "maximum",
    "minimum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "multipleOf",
    "maxLength",
    "minLength",
    "pattern",
    "format",
    "items",
    "maxItems",
    "minItems",
    "uniqueItems",
    "properties",
    "required",
    "additionalProperties",
    "maxProperties",
    "minProperties",
    "oneOf",
    "anyOf",
    "allOf",
    "not",
    "readOnly",
    "discriminator",
];

/// Whether the keyword asserts nothing.
pub(super) fn is_annotation(keyword: &str) -> bool {
    ANNOTATIONS.contains(&keyword) || keyword.starts_with("x-")
}

/// Whether the legacy validator looks at the type only where the rules for values of that type stand: it does when there
/// is one type, and at least one such rule.
pub(super) fn type_is_late(node: &Node, schema: &Schema) -> bool {
    let [kind] = schema.types.as_slice() else { return false };
    let rules: &[&str] = match kind {
        Kind::Number => {
            &["maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum", "multipleOf", "format"]
        }
        Kind::String => &["maxLength", "minLength", "pattern", "format"],
        Kind::Array => &["maxItems", "minItems", "uniqueItems", "items"],
        Kind::Object => &["maxProperties", "minProperties", "required", "additionalProperties", "properties"],
        Kind::Integer | Kind::Boolean | Kind::Null => &[],
    };
    !schema.nullable && !schema.type_renamed && rules.iter().any(|rule| node.get(rule).is_some())
}

impl<'d> Schemas<'d> {
    #[expect(clippy::too_many_arguments, reason = "one keyword with all that surrounds it")]
    pub(super) fn keyword(
        &mut self,
        keyword: &str,
        at: Position,
        value: &'d Node,
        node: &'d Node,
        in_choice: bool,
        schema: &mut Schema,
        report: &mut Report<'_>,
    ) {
        let what = format!("`{keyword}`");
        match keyword {
            "$ref" => {}
            "type" => schema.types = self.types(value, report),
            "nullable" => schema.nullable = self.nullable(at, value, node, report),
            "const" => schema.any.constant = Some(Box::new(Constant(json(value)))),
            "enum" => schema.any.choice = choice(value, report).map(Box::new),
            "readOnly" => schema.any.read_only = report.truth(value, &what) == Some(true),
            "not" => schema.any.not = Some(self.always(value, true, report)),
            "anyOf" => schema.any.any_of = self.branches(value, &what, true, report),
            "oneOf" => schema.any.one_of = self.branches(value, &what, true, report),
            "allOf" => schema.any.all_of = self.branches(value, &what, in_choice, report),
            "discriminator" => self.discriminator(value, node, report),
            "maximum" | "minimum" | "exclusiveMaximum" | "exclusiveMinimum" | "multipleOf" => {
                self.number_keyword(keyword, value, node, schema, report);
            }
            "maxLength" => schema.string.max_length = report.count(value, &what),
            "minLength" => schema.string.min_length = report.count(value, &what),
            "pattern" => schema.string.pattern = self.pattern(value, report),
            "format" => self.format(value, schema, report),
            "maxItems" => schema.array.max_items = report.count(value, &what),
            "minItems" => schema.array.min_items = report.count(value, &what),
            "uniqueItems" => schema.array.unique = unique(value, node, report),
            "items" => schema.array.items = self.add(value, in_choice, report),
            "maxProperties" => schema.object.max_properties = report.count(value, &what),
            "minProperties" => schema.object.min_properties = report.count(value, &what),
            "required" => schema.object.required = names(value, &what, report),
            "properties" => self.properties(value, in_choice, schema, report),
            "additionalProperties" => schema.object.additional = self.additional(value, in_choice, report),
            "$defs" => self.definitions(value, report),
            _ if is_annotation(keyword) => {}
            _ => unknown(keyword, at, report),
        }
    }

    fn types(&self, value: &Node, report: &mut Report<'_>) -> Vec<Kind> {
        let list = value.items();
        if self.dialect == Dialect::V30 && !list.is_empty() {
            report.hint(
                value.at,
                "OpenAPI 3.0 knows no lists of types",
                "use `nullable: true`, or OpenAPI 3.1",
            );
        }
        let nodes = if list.is_empty() { std::slice::from_ref(value) } else { list };
        nodes.iter().filter_map(|node| self.one_type(node, report)).collect()
    }

    fn one_type(&self, node: &Node, report: &mut Report<'_>) -> Option<Kind> {
        let name = node.as_str().unwrap_or(if node.kind() == "null" { "null" } else { "" });
        let kind = match name {
            "string" => Some(Kind::String),
            "number" => Some(Kind::Number),
            "integer" => Some(Kind::Integer),
            "boolean" => Some(Kind::Boolean),
            "array" => Some(Kind::Array),
            "object" => Some(Kind::Object),
            "null" if self.dialect == Dialect::V31 && node.as_str().is_some() => Some(Kind::Null),
            _ => None,
        };
        if kind.is_none() {
            let hint = if name == "null" && node.as_str().is_none() {
                "the type null is written `'null'` in YAML, with quotes"
            } else {
                "types: string, number, integer, boolean, array, object, and 'null' in OpenAPI 3.1"
            };
            report.hint(node.at, "this is no type of JSON Schema", hint);
        }
        kind
    }

    fn nullable(&self, at: Position, value: &Node, node: &Node, report: &mut Report<'_>) -> bool {
        if self.dialect == Dialect::V31 {
            report.hint(at, "OpenAPI 3.1 has no `nullable`", "write `type: [string, 'null']`");
            return false;
        }
        if node.get("type").is_none() {
            report.hint(at, "`nullable` means nothing without `type`", "add the `type`");
        }
        report.truth(value, "`nullable`") == Some(true)
    }

    fn number_keyword(
        &self,
        keyword: &str,
        value: &Node,
        node: &Node,
        schema: &mut Schema,
        report: &mut Report<'_>,
    ) {
        let rules = &mut schema.number;
        let exclusive = keyword.starts_with("exclusive");
        if exclusive && self.dialect == Dialect::V30 {
            // A flag in this dialect, which turns `maximum` or `minimum` into its exclusive form.
            let Some(true) = report.truth(value, &format!("`{keyword}` (in OpenAPI 3.0)")) else { return };
            rules.exclusive_flags = true;
            let limit = |keyword: &str| node.get(keyword).and_then(Node::as_f64);
            match keyword {
                "exclusiveMaximum" => rules.exclusive_maximum = limit("maximum"),
                _ => rules.exclusive_minimum = limit("minimum"),
            }
            return;
        }
        let number = report.number(value, &format!("`{keyword}`"));
        let flag = |keyword: &str| {
            self.dialect == Dialect::V30 && node.get(keyword).and_then(Node::as_bool) == Some(true)
        };
        match keyword {
            "maximum" if !flag("exclusiveMaximum") => rules.maximum = number,
            "minimum" if !flag("exclusiveMinimum") => rules.minimum = number,
            "exclusiveMaximum" => rules.exclusive_maximum = number,
            "exclusiveMinimum" => rules.exclusive_minimum = number,
            "multipleOf" if number.is_some_and(|number| number <= 0.0) => {
                report.add(value.at, "`multipleOf` must be greater than 0");
            }
            "multipleOf" => rules.multiple_of = number,
            _ => {}
        }
    }

    fn pattern(&mut self, value: &Node, report: &mut Report<'_>) -> Option<u32> {
        let pattern = report.text(value, "`pattern`")?;
        match self.patterns.add(pattern) {
            Ok(id) => Some(id),
            Err(reason) => {
                report.hint(
                    value.at,
                    format!("the pattern `{pattern}` cannot be compiled: {reason}"),
                    "patterns are ECMA-262 regular expressions without look-around and back-references",
                );
                None
            }
        }
    }

    fn format(&mut self, value: &Node, schema: &mut Schema, report: &mut Report<'_>) {
        let Some(name) = report.text(value, "`format`") else { return };
        let mut add = |pattern: &str, most: Option<u32>| {
            let added = match most {
                Some(most) => self.patterns.add_limited(pattern, most),
                None => self.patterns.add(pattern),
            };
            added
                .map_err(|reason| {
                    report.add(value.at, format!("the format `{name}` cannot be compiled: {reason}"));
                })
                .ok()
        };
        match formats::find(name) {
            Some(Format::Nothing) => {}
            Some(Format::Int32) => schema.number.format = Some(IntegerFormat::Int32),
            Some(Format::Int64) => schema.number.format = Some(IntegerFormat::Int64),
            Some(Format::Text(pattern)) => {
                let pattern = add(&pattern, None);
                schema.string.format =
                    pattern.map(|pattern| StringFormat { name: name.to_owned(), pattern, or: None });
            }
            Some(Format::HostName(plain, dotted)) => {
                let (pattern, or) = (add(&plain, Some(253)), add(&dotted, Some(254)));
                schema.string.format =
                    pattern.map(|pattern| StringFormat { name: name.to_owned(), pattern, or });
            }
            None => report.hint(
                value.at,
                format!("the format `{name}` is not known"),
                format!("formats: {}; or say it with `pattern`", formats::NAMES),
            ),
        }
    }

    fn branches(
        &mut self,
        value: &'d Node,
        what: &str,
        in_choice: bool,
        report: &mut Report<'_>,
    ) -> Vec<SchemaId> {
        if !report.is_list(value, what) {
            return Vec::new();
        }
        if value.items().is_empty() {
            report.add(value.at, format!("{what} must have at least one schema"));
        }
        value.items().iter().map(|item| self.always(item, in_choice, report)).collect()
    }

    /// A number even for a schema by which everything is valid.
    fn always(&mut self, node: &'d Node, in_choice: bool, report: &mut Report<'_>) -> SchemaId {
        self.add(node, in_choice, report).unwrap_or_else(|| self.push(Schema::default(), node.at))
    }

    fn properties(&mut self, value: &'d Node, in_choice: bool, schema: &mut Schema, report: &mut Report<'_>) {
        if !report.is_map(value, "`properties`") {
            return;
        }
        let mut properties = Vec::new();
        for (key, node) in value.entries() {
            properties.push((key.text.clone().into(), Json::Number(properties.len() as f64)));
            let schema_of = self.add(node, in_choice, report);
            schema.object.properties.push(Property { name: key.text.clone(), schema: schema_of });
            if !in_choice && node.get("default").is_some() {
                schema.object.defaulted.push(key.text.clone());
            }
        }
        // JavaScript's order of members: the legacy validator goes through them by it.
        let order = Object::new(properties);
        let place = |name: &str| order.iter().position(|(known, _)| known == name);
        schema.object.properties.sort_by_key(|property| place(&property.name));
    }

    fn additional(&mut self, value: &'d Node, in_choice: bool, report: &mut Report<'_>) -> Additional {
        match value.as_bool() {
            Some(true) => Additional::Allowed,
            Some(false) => Additional::Refused,
            None => self.add(value, in_choice, report).map_or(Additional::Allowed, Additional::Schema),
        }
    }

    fn definitions(&mut self, value: &'d Node, report: &mut Report<'_>) {
        if report.is_map(value, "`$defs`") {
            for (_, node) in value.entries() {
                self.add(node, false, report);
            }
        }
    }

    /// Checks a discriminator's form; it decides only at the top of a body, as in the legacy validator, where
    /// [`crate::body`] compiles it. Deeper, the choice itself says the same, less quickly.
    fn discriminator(&self, value: &'d Node, node: &'d Node, report: &mut Report<'_>) {
        if !report.is_map(value, "`discriminator`") {
            return;
        }
        report.only_keys(value, "a discriminator", &["propertyName", "mapping"]);
        match value.get("propertyName") {
            Some(name) => {
                report.text(name, "`propertyName`");
            }
            None => report.add(value.at, "a discriminator needs `propertyName`"),
        }
        let Some(choice) = node.get("oneOf").or_else(|| node.get("anyOf")) else {
            report.hint(
                value.at,
                "this discriminator has no choice to decide",
                "it stands beside `oneOf` or `anyOf`",
            );
            return;
        };
        let references: Vec<&str> =
            choice.items().iter().filter_map(|item| item.get("$ref")).filter_map(Node::as_str).collect();
        for (key, target) in value.get("mapping").map(Node::entries).unwrap_or_default() {
            if !target.as_str().is_some_and(|target| references.contains(&target)) {
                report.hint(
                    target.at,
                    format!("the mapping of `{}` names none of the choice's schemas", key.text),
                    format!("one of: {}", references.join(", ")),
                );
            }
        }
    }
}

fn unknown(keyword: &str, at: Position, report: &mut Report<'_>) {
    if LATER.contains(&keyword) {
        let hint = "say it with other keywords, or leave it to the service";
        return report.hint(at, format!("the keyword `{keyword}` is not supported"), hint);
    }
    let message = format!("`{keyword}` is no keyword of a schema");
    match closest(keyword, HONOURED) {
        Some(meant) => report.hint(at, message, format!("did you mean `{meant}`?")),
        None => report.hint(at, message, "extensions start with `x-`"),
    }
}

fn choice(value: &Node, report: &mut Report<'_>) -> Option<Choice> {
    if !report.is_list(value, "`enum`") {
        return None;
    }
    if value.items().is_empty() {
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
        Json::String(text) => text.clone().into_owned(),
        Json::Array(items) => joined(items).replace(", ", ","),
        Json::Object(_) => "[object Object]".to_owned(),
    };
    values.iter().map(text).collect::<Vec<_>>().join(", ")
}

fn unique(value: &Node, node: &Node, report: &mut Report<'_>) -> Option<Unique> {
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

fn names(value: &Node, what: &str, report: &mut Report<'_>) -> Vec<String> {
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

impl<'d> Schemas<'d> {
    /// `properties` and `required` of a schema, without the rest of it.
    pub(crate) fn object_rules(&mut self, node: &'d Node, report: &mut Report<'_>) -> ObjectRules {
        let mut schema = Schema::default();
        if let Some(properties) = node.get("properties") {
            self.properties(properties, false, &mut schema, report);
        }
        if let Some(required) = node.get("required") {
            schema.object.required = names(required, "`required`", report);
        }
        schema.object
    }
}

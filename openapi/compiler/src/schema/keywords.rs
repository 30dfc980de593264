//! One keyword after the other. Nothing is skipped: what is no annotation and cannot be honoured is a mistake.

use cutover_plan::Number;
use cutover_plan::schema::{Condition, Constant, Kind, Schema, SchemaId};

use super::values::choice;
use super::{Dialect, Schemas, json};
use crate::document::{Node, Position};
use crate::report::{Report, closest};
use crate::resources;

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
    "$comment",
    "contentMediaType",
    "contentEncoding",
    "contentSchema",
];
/// Keywords that OpenAPI 3.0 does not have.
const NEWER: &[&str] = &[
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
/// Keywords that assert by themselves: a dialect without the vocabulary "validation" does not have them.
const ASSERTIONS: &[&str] = &[
    "type",
    "enum",
    "const",
    "maximum",
    "minimum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "multipleOf",
    "maxLength",
    "minLength",
    "pattern",
    "maxItems",
    "minItems",
    "uniqueItems",
    "minContains",
    "maxContains",
    "maxProperties",
    "minProperties",
    "required",
    "dependentRequired",
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
    "writeOnly",
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
        Kind::Array => {
            &["maxItems", "minItems", "uniqueItems", "prefixItems", "items", "contains", "unevaluatedItems"]
        }
        Kind::Object => &[
            "maxProperties",
            "minProperties",
            "required",
            "propertyNames",
            "additionalProperties",
            "properties",
            "patternProperties",
            "dependentRequired",
            "dependentSchemas",
            "unevaluatedProperties",
        ],
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
        let resource = self.source.resources.get(self.at.resource);
        if ASSERTIONS.contains(&keyword) && resource.is_some_and(|resource| !resource.asserts) {
            return;
        }
        if self.dialect == Dialect::V30 && NEWER.contains(&keyword) {
            return report.unsupported(
                at,
                format!("OpenAPI 3.0 has no keyword {what}"),
                "OpenAPI 3.1 has it",
            );
        }
        match keyword {
            "$ref" => {}
            "type" => schema.types = self.types(value, report),
            "const" => schema.any.constant = Some(Box::new(Constant(json(value)))),
            "enum" => schema.any.choice = choice(value, self.dialect, report).map(Box::new),
            "not" => schema.any.not = Some(self.always(value, true, report)),
            "anyOf" => schema.any.any_of = self.branches(value, &what, true, report),
            "oneOf" => schema.any.one_of = self.branches(value, &what, true, report),
            "allOf" => schema.any.all_of.extend(self.branches(value, &what, in_choice, report)),
            "if" => schema.any.condition = self.condition(value, node, report),
            "then" | "else" => self.needs_beside(keyword, "if", at, node, report),
            "$dynamicRef" => self.dynamic(value, in_choice, schema, report),
            "maximum" | "minimum" | "exclusiveMaximum" | "exclusiveMinimum" | "multipleOf" => {
                self.number_keyword(keyword, value, node, schema, report);
            }
            "maxLength" => schema.string.max_length = report.count(value, &what),
            "minLength" => schema.string.min_length = report.count(value, &what),
            "pattern" => schema.string.pattern = self.pattern(value, report),
            "format" => self.format(value, schema, report),
            "$defs" => self.definitions(value, report),
            "$id" | "$anchor" | "$dynamicAnchor" => {
                report.text(value, &what);
            }
            "$schema" => self.dialect(value, report),
            _ if self.array_keyword(keyword, value, node, in_choice, schema, report) => {}
            _ if self.object_keyword(keyword, value, in_choice, schema, report) => {}
            _ if self.dialect == Dialect::Plain || is_annotation(keyword) => {}
            "nullable" => schema.nullable = self.nullable(at, value, node, report),
            "readOnly" => schema.any.read_only = report.truth(value, &what) == Some(true),
            "writeOnly" => schema.any.write_only = report.truth(value, &what) == Some(true),
            // Compiled when its choice is.
            "discriminator" => {}
            _ => unknown(keyword, at, report),
        }
    }

    /// A keyword that means nothing without another.
    pub(super) fn needs_beside(
        &self,
        keyword: &str,
        other: &str,
        at: Position,
        node: &Node,
        report: &mut Report<'_>,
    ) {
        if self.dialect != Dialect::Plain && node.get(other).is_none() {
            let message = format!("`{keyword}` means nothing without `{other}`");
            report.hint(at, message, format!("add the `{other}`"));
        }
    }

    fn condition(&mut self, value: &'d Node, node: &'d Node, report: &mut Report<'_>) -> Option<Condition> {
        let test = self.always(value, true, report);
        let then = node.get("then").map(|then| self.always(then, true, report));
        let otherwise = node.get("else").map(|otherwise| self.always(otherwise, true, report));
        Some(Condition { test, then, otherwise })
    }

    fn dynamic(&mut self, value: &'d Node, in_choice: bool, schema: &mut Schema, report: &mut Report<'_>) {
        let Some(reference) = self.dynamic_reference(value, in_choice, report) else { return };
        if schema.any.reference.is_none() {
            schema.any.reference = Some(reference);
            return;
        }
        let mut beside = Schema::default();
        beside.any.reference = Some(reference);
        let id = self.push(beside, value.at);
        schema.any.all_of.push(id);
    }

    /// `$schema`: the dialect that is compiled, or one made of it whose metaschema is known.
    fn dialect(&self, value: &Node, report: &mut Report<'_>) {
        let Some(name) = report.text(value, "`$schema`") else { return };
        let known = self.dialect == Dialect::Plain || resources::DIALECTS.contains(&name);
        if !known {
            let hint = format!("one of: {}", resources::DIALECTS.join(", "));
            report.unsupported(value.at, "this dialect of JSON Schema is not supported".to_owned(), hint);
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
            "null" if self.dialect != Dialect::V30 && node.as_str().is_some() => Some(Kind::Null),
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
            let limit = |keyword: &str| {
                node.get(keyword).and_then(|limit| json(limit).number().map(Number::into_owned))
            };
            match keyword {
                "exclusiveMaximum" => rules.exclusive_maximum = limit("maximum"),
                _ => rules.exclusive_minimum = limit("minimum"),
            }
            return;
        }
        let number = report.number(value, &format!("`{keyword}`"));
        let number = number.and_then(|_| json(value).number().map(Number::into_owned));
        let flag = |keyword: &str| {
            self.dialect == Dialect::V30 && node.get(keyword).and_then(Node::as_bool) == Some(true)
        };
        match keyword {
            "maximum" if !flag("exclusiveMaximum") => rules.maximum = number,
            "minimum" if !flag("exclusiveMinimum") => rules.minimum = number,
            "exclusiveMaximum" => rules.exclusive_maximum = number,
            "exclusiveMinimum" => rules.exclusive_minimum = number,
            "multipleOf" => match number {
                Some(number) if number.compare(&Number::Double(0.0)).is_le() => {
                    report.add(value.at, "`multipleOf` must be greater than 0");
                }
                Some(number) if !number.is_multiple_of(&number) => {
                    report.add(value.at, "`multipleOf` must have at most 18 digits");
                }
                number => rules.multiple_of = number,
            },
            _ => {}
        }
    }

    pub(super) fn branches(
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
    pub(super) fn always(&mut self, node: &'d Node, in_choice: bool, report: &mut Report<'_>) -> SchemaId {
        self.add(node, in_choice, report).unwrap_or_else(|| self.push(Schema::default(), node.at))
    }

    fn definitions(&mut self, value: &'d Node, report: &mut Report<'_>) {
        if report.is_map(value, "`$defs`") {
            for (_, node) in value.entries() {
                self.add(node, false, report);
            }
        }
    }
}

fn unknown(keyword: &str, at: Position, report: &mut Report<'_>) {
    let message = format!("`{keyword}` is no keyword of a schema");
    match closest(keyword, &[HONOURED, NEWER].concat()) {
        Some(meant) => report.unsupported(at, message, format!("did you mean `{meant}`?")),
        None => report.unsupported(at, message, "extensions start with `x-`"),
    }
}

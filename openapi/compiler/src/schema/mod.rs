//! Compiles schemas: each node of the document once, recursion by number.
//!
//! What depends on how the legacy validator (ajv, inside express-openapi-validator) generates its code is decided here,
//! so that the plan only has to be executed: where a type is looked at, which reference counts as if
//! written in place, whether defaults are put in, which date texts have their `type` renamed.

mod graph;
mod keywords;
mod renamed;

use std::collections::{HashMap, HashSet};

use cutover_plan::schema::{Reference, Schema, SchemaId, Tables};
use cutover_plan::{Json, Object};

use crate::document::{Node, Position, Value};
use crate::pattern::Patterns;
use crate::reference::Source;
use crate::report::Report;

pub(crate) use renamed::Renamed;

/// Which OpenAPI the contract is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// 3.0: its own dialect of JSON Schema, with `nullable` and boolean `exclusiveMinimum`.
    V30,
    /// 3.1: JSON Schema 2020-12.
    V31,
}

/// Compiles the schemas of one document.
pub(crate) struct Schemas<'d> {
    pub(crate) source: Source<'d>,
    pub(crate) dialect: Dialect,
    pub(crate) patterns: Patterns,
    renamed: HashSet<*const Node>,
    list: Vec<Schema>,
    places: Vec<Position>,
    /// By node and by whether it stands inside a choice, where defaults are not put in.
    known: HashMap<(*const Node, bool), SchemaId>,
    defaults: Vec<(SchemaId, &'d Node)>,
    examples: Vec<(SchemaId, &'d Node)>,
}

/// How much had been compiled at some moment.
pub(crate) struct Mark {
    schemas: usize,
    patterns: usize,
}

impl<'d> Schemas<'d> {
    pub(crate) fn new(source: Source<'d>, dialect: Dialect, renamed: Renamed) -> Schemas<'d> {
        Schemas {
            source,
            dialect,
            patterns: Patterns::default(),
            renamed: renamed.nodes,
            list: Vec::new(),
            places: Vec::new(),
            known: HashMap::new(),
            defaults: Vec::new(),
            examples: Vec::new(),
        }
    }

    /// The number of this schema; `None` when every value is valid by it, or when it is a mistake.
    pub(crate) fn add(
        &mut self,
        node: &'d Node,
        in_choice: bool,
        report: &mut Report<'_>,
    ) -> Option<SchemaId> {
        match &node.value {
            Value::Bool(true) => return None,
            Value::Bool(false) => {
                return Some(self.push(Schema { never: true, ..Schema::default() }, node.at));
            }
            Value::Map(_) => {}
            _ => {
                report.add(node.at, format!("a schema must be a map, true or false, not {}", node.kind()));
                return None;
            }
        }
        let key = (std::ptr::from_ref(node), in_choice);
        if let Some(known) = self.known.get(&key) {
            return Some(*known);
        }
        // Taken before it is compiled: a schema that refers to itself finds its own number.
        let id = self.push(Schema::default(), node.at);
        self.known.insert(key, id);
        let schema = self.compile(node, in_choice, report);
        if let Some(default) = node.get("default") {
            self.defaults.push((id, default));
        }
        if let Some(place) = self.list.get_mut(id as usize) {
            *place = schema;
        }
        Some(id)
    }

    /// Notes the examples of a parameter or a media type, to be checked when all is compiled.
    pub(crate) fn examples(&mut self, schema: Option<SchemaId>, node: &'d Node, report: &mut Report<'_>) {
        let Some(schema) = schema else { return };
        if let Some(example) = node.get("example") {
            self.examples.push((schema, example));
        }
        for (_, example) in node.get("examples").map(Node::entries).unwrap_or_default() {
            let example = self.source.resolve(example, report);
            self.examples.extend(example.and_then(|example| example.get("value")).map(|value| (schema, value)));
        }
    }

    /// A schema made here and not written in the document.
    pub(crate) fn push(&mut self, schema: Schema, at: Position) -> SchemaId {
        let id = SchemaId::try_from(self.list.len()).unwrap_or(SchemaId::MAX);
        self.list.push(schema);
        self.places.push(at);
        id
    }

    /// The compiled schema, as far as it is compiled.
    pub(crate) fn mark(&self) -> Mark {
        Mark { schemas: self.list.len(), patterns: self.patterns.list.len() }
    }

    /// Checks what can only be seen when all is compiled, and hands out what was compiled before the mark.
    pub(crate) fn finish(mut self, mark: &Mark, report: &mut Report<'_>) -> Tables {
        graph::refuse_endless(&self.list, &self.places, report);
        graph::remember_recursion(&mut self.list);
        let mut tables = Tables { schemas: self.list, patterns: self.patterns.list };
        if report.mistakes.is_empty() {
            check_defaults(&tables, &self.defaults, report);
        }
        tables.schemas.truncate(mark.schemas);
        tables.patterns.truncate(mark.patterns);
        tables
    }

    fn compile(&mut self, node: &'d Node, in_choice: bool, report: &mut Report<'_>) -> Schema {
        let mut schema = Schema::default();
        if let Some(reference) = node.get("$ref") {
            self.reference(reference, in_choice, &mut schema, report);
            if self.dialect == Dialect::V30 {
                refuse_siblings(node, report);
                return schema;
            }
        }
        for (key, value) in node.entries() {
            self.keyword(&key.text, key.at, value, node, in_choice, &mut schema, report);
        }
        schema.type_renamed = self.renamed.contains(&std::ptr::from_ref(node));
        schema.type_late = keywords::type_is_late(node, &schema);
        schema
    }

    fn reference(
        &mut self,
        reference: &'d Node,
        in_choice: bool,
        schema: &mut Schema,
        report: &mut Report<'_>,
    ) {
        let Some(target) = self.source.target(reference, report) else { return };
        let inline = !has_reference(target);
        let target = self.add(target, in_choice && inline, report);
        schema.any.reference = target.map(|schema| Reference { schema, inline, remember: false });
    }
}

/// Whether a schema refers to another anywhere inside; ajv writes those without in place of the reference.
fn has_reference(node: &Node) -> bool {
    node.get("$ref").is_some()
        || node.entries().iter().any(|(_, value)| has_reference(value))
        || node.items().iter().any(has_reference)
}

fn refuse_siblings(node: &Node, report: &mut Report<'_>) {
    for (key, _) in node.entries() {
        let harmless = keywords::is_annotation(&key.text) || key.text == "$ref";
        if !harmless {
            let message = format!("OpenAPI 3.0 ignores `{}` beside `$ref`", key.text);
            report.hint(key.at, message, "put both into an `allOf`");
        }
    }
}

fn check_defaults(tables: &Tables, defaults: &[(SchemaId, &Node)], report: &mut Report<'_>) {
    for (schema, node) in defaults {
        if let Some(violation) = tables.first_violation(*schema, &json(node)) {
            report.add(node.at, format!("the default is not valid by its own schema: {violation}"));
        }
    }
}

/// A node's value as the plan has it.
pub(crate) fn json(node: &Node) -> Json<'static> {
    match &node.value {
        Value::Null => Json::Null,
        Value::Bool(truth) => Json::Bool(*truth),
        Value::Number(number) => Json::Number(number.as_f64().unwrap_or(f64::NAN)),
        Value::String(text) => Json::String(text.clone().into()),
        Value::List(items) => Json::Array(items.iter().map(json).collect()),
        Value::Map(entries) => {
            let member = |(key, value): &(crate::document::Key, Node)| (key.text.clone().into(), json(value));
            Json::Object(Object::new(entries.iter().map(member).collect()))
        }
    }
}

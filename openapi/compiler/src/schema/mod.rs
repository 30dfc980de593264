//! Compiles schemas: each node of the document once, recursion by number.
//!
//! What depends on how the legacy validator (ajv, inside express-openapi-validator) generates its code is decided here,
//! so that the plan only has to be executed: where a type is looked at, which reference counts as if
//! written in place, whether defaults are put in, which date texts have their `type` renamed.

mod arrays;
mod discriminator;
mod graph;
mod keywords;
mod objects;
mod renamed;
mod texts;
mod values;

use std::collections::{HashMap, HashSet};

use cutover_plan::schema::{Reference, Schema, SchemaId, Tables};
use cutover_plan::{Json, Object};

use crate::CompiledSchema;
use crate::document::{Node, Position, Value};
use crate::formats::Formats;
use crate::pattern::Patterns;
use crate::reference::Source;
use crate::report::Report;
use crate::resources::{ResourceId, Resources, Target};

pub(crate) use renamed::Renamed;

/// How many schemas a plan may have.
const MAX_SCHEMAS: usize = 200_000;

/// Which dialect of JSON Schema the schemas are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// OpenAPI 3.0: its own dialect of JSON Schema, with `nullable` and boolean `exclusiveMinimum`.
    V30,
    /// OpenAPI 3.1: JSON Schema 2020-12.
    V31,
    /// JSON Schema 2020-12 without OpenAPI: keywords that nobody knows mean nothing.
    Plain,
}

/// Compiles the schemas of one document.
pub(crate) struct Schemas<'d> {
    pub(crate) source: Source<'d>,
    pub(crate) dialect: Dialect,
    pub(crate) patterns: Patterns,
    formats: Formats,
    renamed: HashSet<*const Node>,
    list: Vec<Schema>,
    places: Vec<Position>,
    /// By node, by whether it stands inside a choice, where defaults are not put in, and by its scope.
    known: HashMap<(*const Node, bool, ScopeId), SchemaId>,
    /// Values that the contract gives for a schema: its defaults and examples.
    given: Vec<(SchemaId, &'static str, &'d Node)>,
    /// Where the schema in hand stands.
    at: At,
    scopes: Vec<Scope<'d>>,
}

/// The resource of a schema, and the scope it is compiled for.
#[derive(Clone, Copy, Default)]
struct At {
    resource: ResourceId,
    scope: ScopeId,
}

/// What `$dynamicAnchor`s mean: the outermost schema on the way here that has the name.
///
/// A schema is compiled once for each scope in which it can be reached. So `$dynamicRef` is a plain reference in the plan,
/// and no request has to carry a scope along.
type Scope<'d> = Vec<(&'d str, Target<'d>)>;
type ScopeId = usize;

/// Compiles a schema that is no part of a contract.
pub(crate) fn alone<'d>(
    root: &'d Node,
    resources: &'d Resources<'d>,
    formats: Formats,
    report: &mut Report<'_>,
) -> CompiledSchema {
    let source = Source { root, resources };
    let mut schemas = Schemas::new(source, Dialect::Plain, formats, Renamed::default());
    let id = schemas.always(root, false, report);
    let mark = schemas.mark();
    CompiledSchema { tables: schemas.finish(&mark, report), root: id }
}

/// How much had been compiled at some moment.
pub(crate) struct Mark {
    schemas: usize,
    patterns: usize,
}

impl<'d> Schemas<'d> {
    pub(crate) fn new(
        source: Source<'d>,
        dialect: Dialect,
        formats: Formats,
        renamed: Renamed,
    ) -> Schemas<'d> {
        Schemas {
            source,
            dialect,
            patterns: Patterns::default(),
            formats,
            renamed: renamed.nodes,
            list: Vec::new(),
            places: Vec::new(),
            known: HashMap::new(),
            given: Vec::new(),
            at: At::default(),
            scopes: vec![Vec::new()],
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
        let at = self.entered(node);
        let key = (std::ptr::from_ref(node), in_choice, at.scope);
        if let Some(known) = self.known.get(&key) {
            return Some(*known);
        }
        if self.list.len() >= MAX_SCHEMAS {
            report.add(node.at, format!("this is schema number {MAX_SCHEMAS}; a plan holds no more"));
            return None;
        }
        // Taken before it is compiled: a schema that refers to itself finds its own number.
        let id = self.push(Schema::default(), node.at);
        self.known.insert(key, id);
        let outer = std::mem::replace(&mut self.at, at);
        let schema = self.compile(node, in_choice, report);
        self.at = outer;
        self.take_values(id, node);
        if let Some(place) = self.list.get_mut(id as usize) {
            *place = schema;
        }
        Some(id)
    }

    /// A schema that stands elsewhere.
    fn add_target(
        &mut self,
        target: Target<'d>,
        in_choice: bool,
        report: &mut Report<'_>,
    ) -> Option<SchemaId> {
        let outer = self.at;
        self.at.resource = target.resource;
        let id = self.add(target.node, in_choice, report);
        self.at = outer;
        id
    }

    /// Where one stands in this schema: each resource adds its dynamic anchors to the scope, but for names it has already.
    fn entered(&mut self, node: &'d Node) -> At {
        let resource = self.source.resources.rooted(node).unwrap_or(self.at.resource);
        let dynamic = self.source.resources.get(resource).map(|resource| &resource.dynamic);
        let scope = self.scopes.get(self.at.scope).cloned().unwrap_or_default();
        let new: Scope<'d> = dynamic
            .into_iter()
            .flatten()
            .filter(|(name, _)| !scope.iter().any(|(known, _)| known == name))
            .map(|(name, node)| (*name, Target { node, resource }))
            .collect();
        if new.is_empty() {
            return At { resource, scope: self.at.scope };
        }
        let scope = [scope, new].concat();
        let same = |other: &Scope<'d>| {
            other.len() == scope.len()
                && other.iter().zip(&scope).all(|(a, b)| a.0 == b.0 && std::ptr::eq(a.1.node, b.1.node))
        };
        let known = self.scopes.iter().position(same);
        let id = known.unwrap_or_else(|| {
            self.scopes.push(scope.clone());
            self.scopes.len() - 1
        });
        At { resource, scope: id }
    }

    /// Defaults and examples are to be valid themselves.
    fn take_values(&mut self, id: SchemaId, node: &'d Node) {
        if self.dialect == Dialect::Plain {
            return;
        }
        let one = |keyword: &'static str| node.get(keyword).map(|value| (id, keyword, value));
        self.given.extend(one("default").into_iter().chain(one("example")));
        let examples = node.get("examples").map(Node::items).unwrap_or_default();
        self.given.extend(examples.iter().map(|value| (id, "example", value)));
    }

    /// Notes the examples of a parameter or a media type, which are to be valid by its schema.
    pub(crate) fn examples(&mut self, schema: Option<SchemaId>, node: &'d Node, report: &mut Report<'_>) {
        let Some(schema) = schema else { return };
        let named = node.get("examples").map(Node::entries).unwrap_or_default();
        let mut values: Vec<&'d Node> = node.get("example").into_iter().collect();
        for (_, example) in named {
            let example = self.source.resolve(example, report);
            values.extend(example.and_then(|example| example.get("value")));
        }
        self.given.extend(values.into_iter().map(|value| (schema, "example", value)));
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
        graph::collect_evaluations(&mut self.list);
        let mut tables = Tables { schemas: self.list, patterns: self.patterns.list };
        if report.mistakes.is_empty() {
            check_values(&tables, &self.given, report);
        }
        tables.schemas.truncate(mark.schemas);
        tables.patterns.truncate(mark.patterns);
        tables
    }

    fn compile(&mut self, node: &'d Node, in_choice: bool, report: &mut Report<'_>) -> Schema {
        let mut schema = Schema::default();
        if let Some(reference) = node.get("$ref") {
            let target = self.source.target_from(reference, "`$ref`", self.at.resource, report);
            schema.any.reference = target.and_then(|target| self.reference(target, in_choice, report));
            if self.dialect == Dialect::V30 {
                refuse_siblings(node, report);
                return schema;
            }
        }
        for (key, value) in node.entries() {
            self.keyword(&key.text, key.at, value, node, in_choice, &mut schema, report);
        }
        if let Some(discriminator) = node.get("discriminator").filter(|_| self.dialect != Dialect::Plain) {
            self.discriminator(discriminator, node, &mut schema, report);
        }
        schema.type_renamed = self.renamed.contains(&std::ptr::from_ref(node));
        schema.type_late = keywords::type_is_late(node, &schema);
        schema
    }

    fn reference(
        &mut self,
        target: Target<'d>,
        in_choice: bool,
        report: &mut Report<'_>,
    ) -> Option<Reference> {
        let inline = !has_reference(target.node);
        let schema = self.add_target(target, in_choice && inline, report)?;
        Some(Reference { schema, inline, remember: false })
    }

    /// `$dynamicRef`: what it names, unless that is a dynamic anchor, of which the outermost in scope counts.
    fn dynamic_reference(
        &mut self,
        reference: &'d Node,
        in_choice: bool,
        report: &mut Report<'_>,
    ) -> Option<Reference> {
        let target = self.source.target_from(reference, "`$dynamicRef`", self.at.resource, report)?;
        let (_, name) = crate::uri::split(reference.as_str().unwrap_or_default());
        let dynamic = target.node.get("$dynamicAnchor").and_then(Node::as_str) == Some(name);
        let scope = self.scopes.get(self.at.scope).filter(|_| dynamic);
        let outermost = scope.and_then(|scope| scope.iter().find(|(known, _)| *known == name));
        let target = outermost.map_or(target, |(_, target)| *target);
        self.reference(target, in_choice, report)
    }
}

/// Whether a schema refers to another anywhere inside; ajv writes those without in place of the reference.
fn has_reference(node: &Node) -> bool {
    node.get("$ref").is_some()
        || node.get("$dynamicRef").is_some()
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

fn check_values(tables: &Tables, given: &[(SchemaId, &str, &Node)], report: &mut Report<'_>) {
    for (schema, keyword, node) in given {
        if let Some(violation) = tables.first_violation(*schema, &json(node)) {
            report.add(node.at, format!("the {keyword} is not valid by its own schema: {violation}"));
        }
    }
}

/// A node's value as the plan has it.
pub(crate) fn json(node: &Node) -> Json<'static> {
    match &node.value {
        Value::Null => Json::Null,
        Value::Bool(truth) => Json::Bool(*truth),
        Value::Number(number) => number_of(&number.to_string()),
        Value::Exact(text) => number_of(text),
        Value::String(text) => Json::String(text.clone().into()),
        Value::List(items) => Json::Array(items.iter().map(json).collect()),
        Value::Map(entries) => {
            let member = |(key, value): &(crate::document::Key, Node)| (key.text.clone().into(), json(value));
            Json::Object(Object::new(entries.iter().map(member).collect()))
        }
    }
}

fn number_of(text: &str) -> Json<'static> {
    Json::parse(text).map_or(Json::Null, Json::into_owned)
}

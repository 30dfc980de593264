//! The schema resources of a document: what `$id`, `$anchor` and `$dynamicAnchor` give names to.

use std::collections::HashMap;

use crate::document::{Node, percent_decoded};
use crate::uri;

/// A resource's number.
pub(crate) type ResourceId = usize;

/// Where the texts of schemas stand that are part of no document: a base that no `$id` can be taken for.
const NOWHERE: &str = "contract:/";
/// The dialect that is compiled.
const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";
/// The dialect of schemas in OpenAPI 3.1, and the one it extends.
pub(crate) const DIALECTS: &[&str] = &["https://spec.openapis.org/oas/3.1/dialect/base", DRAFT];

/// Documents by their URIs, to which schemas may refer.
pub(crate) type Known<'d> = [(String, Node)];

/// A schema resource: the document itself, or a schema with `$id`.
pub(crate) struct Resource<'d> {
    uri: String,
    pub(crate) root: &'d Node,
    anchors: Vec<(&'d str, &'d Node)>,
    /// `$dynamicAnchor`s, which are anchors as well.
    pub(crate) dynamic: Vec<(&'d str, &'d Node)>,
    /// Whether the dialect has keywords that assert (`$vocabulary` of its metaschema).
    pub(crate) asserts: bool,
    /// Whether the dialect asserts `format`.
    pub(crate) formats: bool,
}

/// All resources that can be referred to.
pub(crate) struct Resources<'d> {
    list: Vec<Resource<'d>>,
    by_uri: HashMap<String, ResourceId>,
    roots: HashMap<*const Node, ResourceId>,
    /// The URIs named by schemas, whose documents may have to be read as well.
    wanted: Vec<String>,
}

/// What a reference names.
#[derive(Clone, Copy)]
pub(crate) struct Target<'d> {
    pub(crate) node: &'d Node,
    pub(crate) resource: ResourceId,
}

/// Keywords whose value is a schema.
const ONE: &[&str] = &[
    "not",
    "if",
    "then",
    "else",
    "items",
    "contains",
    "additionalProperties",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
    "contentSchema",
];
/// Keywords whose value is a list of schemas.
const LIST: &[&str] = &["allOf", "anyOf", "oneOf", "prefixItems"];
/// Keywords whose value is a map of schemas.
const MAP: &[&str] = &["$defs", "properties", "patternProperties", "dependentSchemas"];

impl<'d> Resources<'d> {
    /// The resources of a contract, whose schemas stand here and there.
    pub(crate) fn of_contract(root: &'d Node) -> Resources<'d> {
        let mut resources = Resources::document(NOWHERE.to_owned(), root);
        resources.contract(root, 0);
        resources
    }

    /// The resources of a schema, and those of the known documents that it leads to.
    pub(crate) fn of_schema(root: &'d Node, known: &'d Known<'d>) -> Resources<'d> {
        let mut resources = Resources::document(NOWHERE.to_owned(), root);
        resources.schema(root, 0);
        while let Some(uri) = resources.wanted.pop() {
            if resources.by_uri.contains_key(&uri) {
                continue;
            }
            if let Some((_, node)) = known.iter().find(|(name, _)| *name == uri) {
                let id = resources.add(uri, node);
                resources.schema(node, id);
            }
        }
        resources.dialects(known);
        resources
    }

    fn document(uri: String, root: &'d Node) -> Resources<'d> {
        let mut resources =
            Resources { list: Vec::new(), by_uri: HashMap::new(), roots: HashMap::new(), wanted: Vec::new() };
        resources.add(uri, root);
        resources
    }

    /// The resource of that number.
    pub(crate) fn get(&self, id: ResourceId) -> Option<&Resource<'d>> {
        self.list.get(id)
    }

    /// The resource that this node is the root of.
    pub(crate) fn rooted(&self, node: &Node) -> Option<ResourceId> {
        self.roots.get(&std::ptr::from_ref(node)).copied()
    }

    /// What a reference in this resource names.
    pub(crate) fn target(&self, reference: &str, from: ResourceId) -> Option<Target<'d>> {
        let (name, fragment) = uri::split(reference);
        let base = self.list.get(from)?;
        let id = if name.is_empty() { from } else { *self.by_uri.get(&uri::resolve(&base.uri, name))? };
        let resource = self.list.get(id)?;
        if fragment.is_empty() || fragment.starts_with('/') {
            return self.walk(fragment, resource.root, id);
        }
        let fragment = percent_decoded(fragment);
        let anchor = resource.anchors.iter().find(|(name, _)| *name == fragment);
        anchor.map(|(_, node)| Target { node, resource: id })
    }

    /// RFC 6901, in the form it has in a URI's fragment.
    fn walk(&self, pointer: &str, root: &'d Node, resource: ResourceId) -> Option<Target<'d>> {
        let mut target = Target { node: root, resource };
        for step in pointer.split('/').skip(1) {
            let node = target.node.step(step)?;
            target = Target { node, resource: self.rooted(node).unwrap_or(target.resource) };
        }
        Some(target)
    }

    fn add(&mut self, uri: String, root: &'d Node) -> ResourceId {
        let id = self.list.len();
        self.by_uri.entry(uri.clone()).or_insert(id);
        self.roots.insert(std::ptr::from_ref(root), id);
        self.list.push(Resource {
            uri,
            root,
            anchors: Vec::new(),
            dynamic: Vec::new(),
            asserts: true,
            formats: false,
        });
        id
    }

    /// Everything under `schema` and `schemas` of a contract is a schema; examples are not, whatever they hold.
    fn contract(&mut self, node: &'d Node, resource: ResourceId) {
        for (key, value) in node.entries() {
            match key.text.as_str() {
                "schema" => self.schema(value, resource),
                "schemas" => value.entries().iter().for_each(|(_, schema)| self.schema(schema, resource)),
                "example" | "examples" | "default" => {}
                _ => self.contract(value, resource),
            }
        }
        node.items().iter().for_each(|item| self.contract(item, resource));
    }

    fn schema(&mut self, node: &'d Node, outer: ResourceId) {
        let text = |key: &str| node.get(key).and_then(Node::as_str);
        let mut resource = outer;
        if let Some(id) = text("$id") {
            let base = self.list.get(outer).map(|resource| resource.uri.clone()).unwrap_or_default();
            let uri = uri::resolve(&base, uri::split(id).0);
            match self.rooted(node) {
                // A document is known by its own name as well.
                Some(known) => {
                    self.by_uri.entry(uri.clone()).or_insert(known);
                    if let Some(resource) = self.list.get_mut(known) {
                        resource.uri = uri;
                    }
                    resource = known;
                }
                None => resource = self.add(uri, node),
            }
        }
        for (key, dynamic) in [("$anchor", false), ("$dynamicAnchor", true)] {
            let (Some(name), Some(resource)) = (text(key), self.list.get_mut(resource)) else { continue };
            resource.anchors.push((name, node));
            if dynamic {
                resource.dynamic.push((name, node));
            }
        }
        for key in ["$ref", "$dynamicRef", "$schema"] {
            let base = self.list.get(resource).map(|resource| resource.uri.as_str()).unwrap_or_default();
            if let Some(reference) = text(key) {
                let uri = uri::resolve(base, uri::split(reference).0);
                self.wanted.push(uri);
            }
        }
        for (key, value) in node.entries() {
            let key = key.text.as_str();
            if ONE.contains(&key) {
                self.schema(value, resource);
            } else if LIST.contains(&key) {
                value.items().iter().for_each(|item| self.schema(item, resource));
            } else if MAP.contains(&key) {
                value.entries().iter().for_each(|(_, entry)| self.schema(entry, resource));
            }
        }
    }

    /// What each resource's `$schema` says of its keywords; without one they mean what they mean around it.
    fn dialects(&mut self, known: &Known<'_>) {
        for resource in &mut self.list {
            let named = resource.root.get("$schema").and_then(Node::as_str).filter(|uri| *uri != DRAFT);
            let metaschema = named.and_then(|uri| known.iter().find(|(name, _)| name == uri));
            let Some(vocabulary) = metaschema.and_then(|(_, node)| node.get("$vocabulary")) else { continue };
            let has = |part: &str| {
                vocabulary.entries().iter().any(|(key, _)| key.text.ends_with(&format!("/vocab/{part}")))
            };
            resource.asserts = has("validation");
            resource.formats = has("format-assertion");
        }
    }
}

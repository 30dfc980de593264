//! Which schemas the legacy validator renames the `type` of.
//!
//! express-openapi-validator replaces `type: string` with a keyword of its own (`x-eov-type`) where the format is one it can
//! convert (`date`, `date-time`), in every schema its preprocessor visits. It does not visit all of them.
//! Callers see the difference in the `errorCode`, so the same schemas are marked here.

use std::collections::HashSet;

use crate::document::Node;
use crate::reference::Source;

const METHODS: &[&str] = &["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// The schemas of which type errors are renamed.
#[derive(Default)]
pub(crate) struct Renamed {
    pub(super) nodes: HashSet<*const Node>,
    seen: HashSet<*const Node>,
}

impl Renamed {
    /// Visits the document as the legacy preprocessor does.
    pub(crate) fn find(source: Source<'_>) -> Renamed {
        let mut found = Renamed::default();
        let root = source.root;
        let components = root.get("components").and_then(|components| components.get("schemas"));
        for (_, schema) in components.map(Node::entries).unwrap_or_default() {
            found.visit(schema, source);
        }
        for (_, item) in root.get("paths").map(Node::entries).unwrap_or_default() {
            let item = resolved(item, source);
            let operations = item.entries().iter().filter(|(key, _)| METHODS.contains(&key.text.as_str()));
            for (_, operation) in operations {
                found.operation(item, operation, source);
            }
        }
        found
    }

    fn operation<'d>(&mut self, item: &'d Node, operation: &'d Node, source: Source<'d>) {
        if let Some(body) = operation.get("requestBody") {
            self.content(resolved(body, source), source);
        }
        for (_, response) in operation.get("responses").map(Node::entries).unwrap_or_default() {
            self.content(resolved(response, source), source);
        }
        let parameters = [operation.get("parameters"), item.get("parameters")];
        for parameter in parameters.into_iter().flatten().flat_map(Node::items) {
            let schema = parameter.get("schema").filter(|_| parameter.get("$ref").is_none());
            if let Some(schema) =
                schema.filter(|schema| schema.get("items").is_none() && schema.get("$ref").is_none())
            {
                self.visit(schema, source);
            }
        }
    }

    fn content<'d>(&mut self, node: &'d Node, source: Source<'d>) {
        for (_, media) in node.get("content").map(Node::entries).unwrap_or_default() {
            if let Some(schema) = media.get("schema") {
                self.visit(resolved(schema, source), source);
            }
        }
    }

    fn visit<'d>(&mut self, node: &'d Node, source: Source<'d>) {
        if !self.seen.insert(std::ptr::from_ref(node)) {
            return;
        }
        if node.get("$ref").is_some() {
            return self.visit(resolved(node, source), source);
        }
        let text = |key: &str| node.get(key).and_then(Node::as_str);
        if text("type") == Some("string") && matches!(text("format"), Some("date" | "date-time")) {
            self.nodes.insert(std::ptr::from_ref(node));
        }
        let choice = ["allOf", "oneOf", "anyOf"].into_iter().find_map(|key| node.get(key));
        if let Some(choice) = choice {
            choice.items().iter().for_each(|branch| self.visit(branch, source));
        } else if let Some(items) = node.get("items").filter(|_| text("type") == Some("array")) {
            self.visit(items, source);
        } else if let Some(properties) = node.get("properties") {
            properties.entries().iter().for_each(|(_, property)| self.visit(property, source));
        } else if let Some(additional) = node.get("additionalProperties") {
            self.visit(additional, source);
        }
    }
}

/// What a reference names; mistakes in references are told when the schemas are compiled.
fn resolved<'d>(node: &'d Node, source: Source<'d>) -> &'d Node {
    source.schema(node).unwrap_or(node)
}

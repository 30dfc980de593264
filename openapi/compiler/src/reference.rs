//! Follows `$ref`s inside the document.

use crate::document::Node;
use crate::report::Report;
use crate::resources::{ResourceId, Resources, Target};

/// The contract's document.
#[derive(Clone, Copy)]
pub(crate) struct Source<'d> {
    pub(crate) root: &'d Node,
    pub(crate) resources: &'d Resources<'d>,
}

impl<'d> Source<'d> {
    /// What a `$ref` names; `None` after noting why it names nothing.
    pub(crate) fn target(&self, reference: &'d Node, report: &mut Report<'_>) -> Option<&'d Node> {
        self.target_from(reference, "`$ref`", 0, report).map(|target| target.node)
    }

    /// What a reference in this resource names; `None` after noting why it names nothing.
    pub(crate) fn target_from(
        &self,
        reference: &'d Node,
        what: &str,
        from: ResourceId,
        report: &mut Report<'_>,
    ) -> Option<Target<'d>> {
        let text = report.text(reference, what)?;
        let found = self.resources.target(text, from);
        if found.is_none() {
            if text.starts_with('#') {
                report.add(reference.at, format!("`{text}` names nothing in this document"));
            } else {
                report.hint(
                    reference.at,
                    format!("`{text}` is in another place than this document"),
                    "only references inside the document (`#/…`, or to an `$id` in it) can be followed",
                );
            }
        }
        found
    }

    /// The node itself, or what its chain of `$ref`s ends in.
    pub(crate) fn resolve(&self, node: &'d Node, report: &mut Report<'_>) -> Option<&'d Node> {
        let mut at = node;
        for _ in 0..64 {
            match at.get("$ref") {
                None => return Some(at),
                Some(reference) => at = self.target(reference, report)?,
            }
        }
        report.add(node.at, "this `$ref` refers to itself");
        None
    }

    /// The same for schemas, whose references are told of when they are compiled.
    pub(crate) fn schema(&self, node: &'d Node) -> Option<&'d Node> {
        self.resolve(node, &mut Report::new(""))
    }
}

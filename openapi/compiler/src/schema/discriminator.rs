//! `discriminator`: which schema of a choice holds, by the value of one member.
//!
//! The legacy validator knows it only at the top of a body, where `contract/body.rs` compiles it. Deeper it decides here
//! as well: the chosen schema says what is wrong, and not all of them.

use cutover_plan::operation::{Discriminator, Way};
use cutover_plan::schema::Schema;

use super::Schemas;
use crate::document::Node;
use crate::report::Report;

impl<'d> Schemas<'d> {
    pub(super) fn discriminator(
        &mut self,
        value: &'d Node,
        node: &'d Node,
        schema: &mut Schema,
        report: &mut Report<'_>,
    ) {
        if !report.is_map(value, "`discriminator`") {
            return;
        }
        report.only_keys(value, "a discriminator", &["propertyName", "mapping"]);
        let property = match value.get("propertyName") {
            Some(name) => report.text(name, "`propertyName`"),
            None => {
                report.add(value.at, "a discriminator needs `propertyName`");
                None
            }
        };
        let Some(choice) = node.get("oneOf").or_else(|| node.get("anyOf")) else {
            report.hint(
                value.at,
                "this discriminator has no choice to decide",
                "it stands beside `oneOf` or `anyOf`",
            );
            return;
        };
        let mapping = value.get("mapping").map(Node::entries).unwrap_or_default();
        let reference = |item: &'d Node| item.get("$ref").and_then(Node::as_str);
        let references: Vec<&str> = choice.items().iter().filter_map(reference).collect();
        for (key, target) in mapping {
            if !target.as_str().is_some_and(|target| references.contains(&target)) {
                let message = format!("the mapping of `{}` names none of the choice's schemas", key.text);
                report.hint(target.at, message, format!("one of: {}", references.join(", ")));
            }
        }
        let mut options = Vec::new();
        for branch in choice.items() {
            let Some(reference) = reference(branch) else {
                refuse_nameless(branch, report);
                continue;
            };
            let mapped = mapping.iter().filter(|(_, target)| target.as_str() == Some(reference));
            let mut names: Vec<String> = mapped.map(|(key, _)| key.text.clone()).collect();
            if names.is_empty() {
                names.push(reference.rsplit('/').next().unwrap_or(reference).to_owned());
            }
            let id = self.always(branch, true, report);
            options.extend(names.into_iter().map(|value| Way { value, schema: id }));
        }
        let property = property.map(str::to_owned);
        schema.any.discriminator = property.map(|property| Box::new(Discriminator { property, options }));
    }
}

/// A branch without a name is never chosen: that is right only for values that are no objects.
fn refuse_nameless(branch: &Node, report: &mut Report<'_>) {
    let types = branch.get("type").map(|types| types.items().iter().chain([types]).filter_map(Node::as_str));
    let no_object =
        types.is_some_and(|types| types.clone().count() > 0 && types.clone().all(|name| name != "object"));
    if !no_object {
        report.hint(
            branch.at,
            "a choice with a discriminator has only references",
            "move this schema to `components.schemas` and refer to it",
        );
    }
}

//! Keywords for lists.

use cutover_plan::schema::{Contains, Schema};

use super::Schemas;
use super::values::unique;
use crate::document::Node;
use crate::report::Report;

impl<'d> Schemas<'d> {
    /// Whether it is one of them.
    pub(super) fn array_keyword(
        &mut self,
        keyword: &str,
        value: &'d Node,
        node: &'d Node,
        in_choice: bool,
        schema: &mut Schema,
        report: &mut Report<'_>,
    ) -> bool {
        let (rules, what) = (&mut schema.array, format!("`{keyword}`"));
        match keyword {
            "maxItems" => rules.max_items = report.count(value, &what),
            "minItems" => rules.min_items = report.count(value, &what),
            "uniqueItems" => rules.unique = unique(value, node, report),
            "prefixItems" => rules.prefix = self.branches(value, &what, in_choice, report),
            "items" => rules.items = Some(self.always(value, in_choice, report)),
            "contains" => rules.contains = Some(self.contains(value, node, report)),
            "minContains" | "maxContains" => {
                report.count(value, &what);
                if let Some((key, _)) = node.entries().iter().find(|(key, _)| key.text == keyword) {
                    self.needs_beside(keyword, "contains", key.at, node, report);
                }
            }
            "unevaluatedItems" => rules.unevaluated = Some(self.always(value, in_choice, report)),
            _ => return false,
        }
        true
    }

    fn contains(&mut self, value: &'d Node, node: &'d Node, report: &mut Report<'_>) -> Contains {
        let asserts = self.source.resources.get(self.at.resource).is_none_or(|resource| resource.asserts);
        let count = |keyword: &str| node.get(keyword).filter(|_| asserts).and_then(Node::as_u64);
        let (least, most) = (count("minContains").unwrap_or(1), count("maxContains"));
        Contains { schema: self.always(value, true, report), least, most }
    }
}

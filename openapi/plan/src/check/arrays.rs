//! Rules for lists.

use super::evaluated::{Mark, seen};
use super::{Checker, Slot};
use crate::json::Json;
use crate::schema::{Contains, Schema, SchemaId, Unique};
use crate::unique::duplicates;
use crate::violation::Place;

impl Checker<'_> {
    /// `marked`: where the marks of this value begin.
    pub(super) fn array(
        &mut self,
        schema: &Schema,
        items: &[Json<'_>],
        marked: usize,
        place: &Place<'_>,
    ) -> bool {
        let (rules, count) = (&schema.array, items.len() as u64);
        if let Some(most) = rules.max_items.filter(|most| count > *most) {
            return self.fail(place, "maxItems", format!("must NOT have more than {most} items"));
        }
        if let Some(least) = rules.min_items.filter(|least| count < *least) {
            return self.fail(place, "minItems", format!("must NOT have fewer than {least} items"));
        }
        let mut coerced = Vec::new();
        if !self.items(schema, items, &mut coerced, place) {
            return false;
        }
        if let Some(contains) = rules.contains
            && !self.contains(contains, schema.collects, items, place)
        {
            return false;
        }
        let compared = if coerced.len() == items.len() { &coerced } else { items };
        if let Some((first, second)) = rules.unique.and_then(|unique| duplicates(compared, unique)) {
            let (one, other) =
                if rules.unique == Some(Unique::Scalars) { (second, first) } else { (first, second) };
            let message = format!("must NOT have duplicate items (items ## {one} and {other} are identical)");
            return self.fail(place, "uniqueItems", message);
        }
        rules.unevaluated.is_none_or(|rest| self.unevaluated_items(rest, items, marked, place))
    }

    /// `prefixItems` and `items`
    fn items(
        &mut self,
        schema: &Schema,
        items: &[Json<'_>],
        coerced: &mut Vec<Json<'static>>,
        place: &Place<'_>,
    ) -> bool {
        let rules = &schema.array;
        let first = rules.prefix.len();
        if let Some(rest) = rules.items.filter(|_| first > 0 && items.len() > first)
            && self.is_never(rest)
        {
            return self.fail(place, "items", format!("must NOT have more than {first} items"));
        }
        let mut evaluated = 0;
        for (index, item) in items.iter().enumerate() {
            let Some(id) = rules.prefix.get(index).copied().or(rules.items) else { break };
            let mut slot = Slot { given: item, coerced: None };
            if !self.child(id, &mut slot, &place.item(index)) {
                return false;
            }
            evaluated = index + 1;
            if self.coerce && rules.unique.is_some() {
                coerced.push(slot.coerced.unwrap_or_else(|| item.clone().into_owned()));
            }
        }
        if schema.collects && evaluated > 0 {
            self.marks.push(Mark::Before(evaluated));
        }
        true
    }

    fn contains(&mut self, rules: Contains, collects: bool, items: &[Json<'_>], place: &Place<'_>) -> bool {
        let Contains { schema, least, most } = rules;
        let before = self.violations.len();
        let mut found = 0;
        for (index, item) in items.iter().enumerate() {
            if self.try_child(schema, &mut Slot { given: item, coerced: None }, &place.item(index)) {
                found += 1;
                if collects {
                    self.marks.push(Mark::One(index));
                }
            }
            let enough = if most.is_some() { most.is_some_and(|most| found > most) } else { found >= least };
            if enough && !collects {
                break;
            }
        }
        if found >= least && most.is_none_or(|most| found <= most) {
            self.violations.truncate(before);
            return true;
        }
        if !self.composite {
            self.violations.truncate(before);
        }
        let message = match most {
            Some(most) => format!("must contain at least {least} and no more than {most} valid item(s)"),
            None => format!("must contain at least {least} valid item(s)"),
        };
        self.fail(place, "contains", message)
    }

    fn unevaluated_items(
        &mut self,
        rest: SchemaId,
        items: &[Json<'_>],
        marked: usize,
        place: &Place<'_>,
    ) -> bool {
        let seen = seen(self.marks.get(marked..).unwrap_or_default(), items.len());
        let unseen = || seen.iter().zip(items).enumerate().filter(|(_, (seen, _))| !**seen);
        if self.is_never(rest) {
            let Some((first, _)) = unseen().next() else { return true };
            return self.fail(place, "unevaluatedItems", format!("must NOT have more than {first} items"));
        }
        for (index, (_, item)) in unseen() {
            if !self.child(rest, &mut Slot { given: item, coerced: None }, &place.item(index)) {
                return false;
            }
        }
        self.marks.push(Mark::Before(items.len()));
        true
    }

    pub(super) fn is_never(&self, id: SchemaId) -> bool {
        self.tables.schemas.get(id as usize).is_some_and(|schema| schema.never)
    }
}

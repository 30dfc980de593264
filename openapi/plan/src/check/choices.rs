//! Rules that hold the same value against other schemas.

use super::{Checker, Slot, Verdict};
use super::{MAX_REMEMBERED_TEXT, text_of};
use crate::json::Json;
use crate::operation::Discriminator;
use crate::schema::{AnyRules, Condition, Reference, SchemaId};
use crate::violation::Place;

impl Checker<'_> {
    pub(super) fn choices(
        &mut self,
        rules: &AnyRules,
        collects: bool,
        slot: &mut Slot<'_>,
        place: &Place<'_>,
    ) -> bool {
        if let Some(not) = rules.not {
            let (before, marked) = (self.violations.len(), self.marks.len());
            let valid = self.try_slot(not, slot, place);
            self.violations.truncate(before);
            self.marks.truncate(marked);
            if valid {
                return self.fail(place, "not", "must NOT be valid");
            }
        }
        // A discriminator decides objects, and `oneOf` where there are both.
        let discriminator = rules.discriminator.as_ref().filter(|_| matches!(slot.value(), Json::Object(_)));
        let (any_of, one_of) = match discriminator {
            Some(discriminator) => {
                if !self.discriminated(discriminator, slot, place) {
                    return false;
                }
                (if rules.one_of.is_empty() { &[] } else { rules.any_of.as_slice() }, [].as_slice())
            }
            None => (rules.any_of.as_slice(), rules.one_of.as_slice()),
        };
        (any_of.is_empty() || self.any_of(any_of, collects, slot, place))
            && (one_of.is_empty() || self.one_of(one_of, slot, place))
            && rules.all_of.iter().all(|id| self.check_slot(*id, slot, place))
            && rules.condition.is_none_or(|condition| self.condition(condition, slot, place))
    }

    pub(super) fn reference(
        &mut self,
        reference: &Reference,
        slot: &mut Slot<'_>,
        place: &Place<'_>,
    ) -> bool {
        if reference.inline {
            return self.check_slot(reference.schema, slot, place);
        }
        let outer = std::mem::replace(&mut self.composite, false);
        let valid = self.reference_apart(reference, slot, place);
        self.composite = outer;
        valid
    }

    fn reference_apart(&mut self, reference: &Reference, slot: &mut Slot<'_>, place: &Place<'_>) -> bool {
        if !reference.remember {
            let Some(value) = &slot.coerced else { return self.check(reference.schema, slot.given, place) };
            // This value lives no longer than its slot, whose place on the stack is the next one's too.
            let known = std::mem::take(&mut self.known);
            let valid = self.check(reference.schema, value, place);
            self.known = known;
            return valid;
        }
        let key = (reference.schema, std::ptr::from_ref(slot.given).addr());
        if let Some(Verdict { valid, violations, marks }) = self.known.get(&key) {
            let valid = *valid;
            self.marks.extend_from_slice(marks);
            if !valid && violations.is_empty() {
                return self.fail(place, "depth", "must be valid");
            }
            for violation in violations.clone() {
                self.keep(violation);
            }
            return valid;
        }
        let (before, marked) = (self.violations.len(), self.marks.len());
        let valid = self.check(reference.schema, slot.given, place);
        let new = self.violations.get(before..).unwrap_or_default();
        let text = self.known_text + text_of(new);
        let violations = if text <= MAX_REMEMBERED_TEXT { new.to_vec() } else { Vec::new() };
        self.known_text += text_of(&violations);
        let marks = self.marks.get(marked..).unwrap_or_default().to_vec();
        self.known.insert(key, Verdict { valid, violations, marks });
        valid
    }

    /// Where evaluations are collected every branch has its say, otherwise the first that is valid ends it.
    fn any_of(
        &mut self,
        branches: &[SchemaId],
        collects: bool,
        slot: &mut Slot<'_>,
        place: &Place<'_>,
    ) -> bool {
        let before = self.violations.len();
        let mut valid = false;
        for branch in branches {
            valid |= self.try_slot(*branch, slot, place);
            if valid && !collects {
                break;
            }
        }
        if valid {
            self.violations.truncate(before);
            return true;
        }
        self.fail(place, "anyOf", "must match a schema in anyOf")
    }

    fn one_of(&mut self, branches: &[SchemaId], slot: &mut Slot<'_>, place: &Place<'_>) -> bool {
        let before = self.violations.len();
        let mut passed = 0;
        for branch in branches {
            passed += usize::from(self.try_slot(*branch, slot, place));
            if passed > 1 {
                break;
            }
        }
        if passed == 1 {
            self.violations.truncate(before);
            return true;
        }
        self.fail(place, "oneOf", "must match exactly one schema in oneOf")
    }

    fn condition(&mut self, condition: Condition, slot: &mut Slot<'_>, place: &Place<'_>) -> bool {
        let before = self.violations.len();
        let holds = self.try_slot(condition.test, slot, place);
        self.violations.truncate(before);
        let (branch, message) = if holds {
            (condition.then, "must match \"then\" schema")
        } else {
            (condition.otherwise, "must match \"else\" schema")
        };
        if branch.is_none_or(|branch| self.check_slot(branch, slot, place)) {
            return true;
        }
        self.composite && self.fail(place, "if", message)
    }

    fn discriminated(
        &mut self,
        discriminator: &Discriminator,
        slot: &mut Slot<'_>,
        place: &Place<'_>,
    ) -> bool {
        let Discriminator { property, options } = discriminator;
        let found = match slot.value() {
            Json::Object(object) => object.get(property),
            _ => None,
        };
        let chosen =
            options.iter().find(|way| matches!(found, Some(Json::String(text)) if *text == way.value));
        if let Some(way) = chosen {
            return self.check_slot(way.schema, slot, place);
        }
        let names: Vec<&str> = options.iter().map(|way| way.value.as_str()).collect();
        let allowed = names.join(", ");
        if found.is_some() {
            let message = format!("must be equal to one of the allowed values: {allowed}");
            return self.fail(&place.member(property), "discriminator", message);
        }
        let message = format!("must have required property '{property}', one of: {allowed}");
        self.fail(&place.absent(property), "discriminator", message)
    }
}

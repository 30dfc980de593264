//! Rules for objects.

use super::evaluated::{Mark, seen};
use super::{Checker, Slot};
use crate::json::{Json, Object};
use crate::schema::{Additional, Direction, ObjectRules, PatternId, Schema, SchemaId};
use crate::violation::Place;

impl Checker<'_> {
    /// `value` is the object as a value; `marked`: where its marks begin.
    pub(super) fn object(
        &mut self,
        schema: &Schema,
        object: &Object<'_>,
        value: &Json<'_>,
        marked: usize,
        place: &Place<'_>,
    ) -> bool {
        let rules = &schema.object;
        self.object_size(rules, object, place)
            && self.required(rules, object, place)
            && rules.names.is_none_or(|names| self.names(names, object, place))
            && self.additional(schema, object, place)
            && self.properties(schema, object, place)
            && self.patterns(schema, object, place)
            && self.dependent_required(rules, object, place)
            && self.dependent_schemas(rules, object, value, place)
            && rules.unevaluated.is_none_or(|rest| self.unevaluated_properties(rest, object, marked, place))
    }

    fn object_size(&mut self, rules: &ObjectRules, object: &Object<'_>, place: &Place<'_>) -> bool {
        if rules.max_properties.is_none() && rules.min_properties.is_none() {
            return true;
        }
        let defaults = rules.defaulted.iter().filter(|name| object.get(name).is_none()).count();
        let count = (object.len() + defaults) as u64;
        if let Some(most) = rules.max_properties.filter(|most| count > *most) {
            return self.fail(place, "maxProperties", format!("must NOT have more than {most} properties"));
        }
        if let Some(least) = rules.min_properties.filter(|least| count < *least) {
            return self.fail(place, "minProperties", format!("must NOT have fewer than {least} properties"));
        }
        true
    }

    fn required(&mut self, rules: &ObjectRules, object: &Object<'_>, place: &Place<'_>) -> bool {
        let missing = rules.required.iter().find(|name| {
            object.get(name).is_none()
                && !rules.defaulted.iter().any(|known| known == *name)
                && !self.goes_the_other_way(rules, name)
        });
        match missing {
            Some(missing) => {
                let message = format!("must have required property '{missing}'");
                self.fail(&place.absent(missing), "required", message)
            }
            None => true,
        }
    }

    /// Whether a property may not be there in this direction, so that nobody can ask for it either (OpenAPI, `readOnly`).
    fn goes_the_other_way(&self, rules: &ObjectRules, name: &str) -> bool {
        let property = rules.properties.iter().find(|property| property.name == *name);
        let schema = property.and_then(|property| self.tables.schemas.get(property.schema? as usize));
        schema.is_some_and(|schema| match self.direction {
            Direction::Request => schema.any.read_only,
            Direction::Response => schema.any.write_only,
            Direction::Neither => false,
        })
    }

    fn names(&mut self, names: SchemaId, object: &Object<'_>, place: &Place<'_>) -> bool {
        object.iter().all(|(name, _)| {
            // This text goes before the run ends, and the next may come to lie at its address.
            let known = std::mem::take(&mut self.known);
            let name = Json::String(name.into());
            let valid = self.try_child(names, &mut Slot { given: &name, coerced: None }, place);
            self.known = known;
            valid || self.fail(place, "propertyNames", "property name must be valid")
        })
    }

    fn additional(&mut self, schema: &Schema, object: &Object<'_>, place: &Place<'_>) -> bool {
        let rules = &schema.object;
        if rules.additional == Additional::Allowed {
            return true;
        }
        for (at, (name, value)) in object.iter().enumerate() {
            let known = rules.knows(name)
                || rules.patterns.iter().any(|entry| self.name_matches(entry.pattern, name));
            if known {
                continue;
            }
            match rules.additional {
                Additional::Allowed | Additional::Evaluated => {}
                Additional::Refused => {
                    let place = place.absent(name);
                    return self.fail(&place, "additionalProperties", "must NOT have additional properties");
                }
                Additional::Schema(id) => {
                    let mut slot = Slot { given: value, coerced: None };
                    if !self.child(id, &mut slot, &place.member(name)) {
                        return false;
                    }
                }
            }
            self.mark(schema, at);
        }
        true
    }

    fn properties(&mut self, schema: &Schema, object: &Object<'_>, place: &Place<'_>) -> bool {
        schema.object.properties.iter().all(|property| {
            let Some((at, value)) = object.find(&property.name) else { return true };
            let mut slot = Slot { given: value, coerced: None };
            let valid =
                property.schema.is_none_or(|id| self.child(id, &mut slot, &place.member(&property.name)));
            self.mark(schema, at);
            valid
        })
    }

    fn patterns(&mut self, schema: &Schema, object: &Object<'_>, place: &Place<'_>) -> bool {
        for entry in &schema.object.patterns {
            for (at, (name, value)) in object.iter().enumerate() {
                if !self.name_matches(entry.pattern, name) {
                    continue;
                }
                let mut slot = Slot { given: value, coerced: None };
                if !entry.schema.is_none_or(|id| self.child(id, &mut slot, &place.member(name))) {
                    return false;
                }
                self.mark(schema, at);
            }
        }
        true
    }

    fn dependent_required(&mut self, rules: &ObjectRules, object: &Object<'_>, place: &Place<'_>) -> bool {
        for dependent in rules.dependent_required.iter().filter(|entry| object.get(&entry.name).is_some()) {
            if let Some(missing) = dependent.needs.iter().find(|name| object.get(name).is_none()) {
                let what = if dependent.needs.len() == 1 { "property" } else { "properties" };
                let (needs, name) = (dependent.needs.join(", "), &dependent.name);
                let message = format!("must have {what} {needs} when property {name} is present");
                return self.fail(&place.absent(missing), "dependentRequired", message);
            }
        }
        true
    }

    fn dependent_schemas(
        &mut self,
        rules: &ObjectRules,
        object: &Object<'_>,
        value: &Json<'_>,
        place: &Place<'_>,
    ) -> bool {
        rules
            .dependent_schemas
            .iter()
            .filter(|entry| object.get(&entry.name).is_some())
            .all(|entry| self.check_slot(entry.schema, &mut Slot { given: value, coerced: None }, place))
    }

    fn unevaluated_properties(
        &mut self,
        rest: SchemaId,
        object: &Object<'_>,
        marked: usize,
        place: &Place<'_>,
    ) -> bool {
        let seen = seen(self.marks.get(marked..).unwrap_or_default(), object.len());
        let refused = self.is_never(rest);
        for ((name, value), _) in object.iter().zip(&seen).filter(|(_, seen)| !**seen) {
            if refused {
                let message = "must NOT have unevaluated properties";
                return self.fail(&place.absent(name), "unevaluatedProperties", message);
            }
            if !self.child(rest, &mut Slot { given: value, coerced: None }, &place.member(name)) {
                return false;
            }
        }
        self.marks.push(Mark::Before(object.len()));
        true
    }

    fn name_matches(&self, pattern: PatternId, name: &str) -> bool {
        self.tables.patterns.get(pattern as usize).is_some_and(|pattern| pattern.is_match(name))
    }

    fn mark(&mut self, schema: &Schema, at: usize) {
        if schema.collects {
            self.marks.push(Mark::One(at));
        }
    }
}

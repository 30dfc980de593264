//! Checks a value against a compiled schema, as the legacy validator (ajv without `allErrors`) does: rules in its order,
//! the first violation ends a schema, and only choices (`anyOf`, `oneOf`) report more than one.
//!
//! Recursion is bounded by the reader's [`crate::json::MAX_DEPTH`] times the contract's own nesting, and by [`MAX_CHECKS`].

mod arrays;
mod choices;
mod evaluated;
mod objects;
mod scalars;

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::coerce::coerced;
use crate::json::Json;
use crate::schema::{AnyRules, Direction, Kind, Schema, SchemaId, Tables};
use crate::violation::{Place, Violation};
use evaluated::Mark;

/// How deeply checks may be nested: reached only by contracts whose schemas nest far deeper than their values.
pub(crate) const MAX_CHECKS: usize = 1500;
/// How many violations are kept. Choices inside choices repeat them; nobody reads so many.
const MAX_VIOLATIONS: usize = 200;
/// How many bytes of text they may have together, but for the first.
const MAX_VIOLATION_TEXT: usize = 64 << 10;
/// How many bytes of violations' text are remembered. What has no room is remembered as a verdict alone.
const MAX_REMEMBERED_TEXT: usize = 1 << 20;

/// One run of checks over one value.
pub(crate) struct Checker<'p> {
    tables: &'p Tables,
    /// Whether texts become numbers, booleans or null where a schema asks for those (parameters: yes, bodies: no).
    coerce: bool,
    direction: Direction,
    /// What is wrong.
    pub(crate) violations: Vec<Violation>,
    /// How many times a value was held against a schema.
    pub(crate) steps: u64,
    depth: usize,
    /// Whether a schema around this one may still be valid if this one is not, and no `$ref` lies between: then the legacy
    /// validator goes on to the end of `if` and `contains`, and tells of more.
    composite: bool,
    /// What has been evaluated of the value under check, for the schemas that ask; cut back where one of them fails.
    marks: Vec<Mark>,
    /// Verdicts of schemas that refer to themselves, by schema and the value's address: to be forgotten before a value
    /// goes and another can come to lie there.
    known: BTreeMap<(SchemaId, usize), Verdict>,
    /// The length of the texts in `known`, in bytes.
    known_text: usize,
}

/// What is remembered of a value. One that is not valid has no violations here if there was no room for them.
struct Verdict {
    valid: bool,
    violations: Vec<Violation>,
    marks: Vec<Mark>,
}

/// A value under check, and what coercion made of it.
struct Slot<'v> {
    given: &'v Json<'v>,
    coerced: Option<Json<'static>>,
}

impl Slot<'_> {
    fn value(&self) -> &Json<'_> {
        self.coerced.as_ref().unwrap_or(self.given)
    }
}

impl<'p> Checker<'p> {
    pub(crate) fn new(tables: &'p Tables, coerce: bool) -> Checker<'p> {
        Checker {
            tables,
            coerce,
            direction: Direction::Request,
            violations: Vec::new(),
            steps: 0,
            depth: 0,
            composite: false,
            marks: Vec::new(),
            known: BTreeMap::new(),
            known_text: 0,
        }
    }

    /// The same for values that go another way than to the service.
    pub(crate) fn in_direction(mut self, direction: Direction) -> Checker<'p> {
        self.direction = direction;
        self
    }

    /// The same for a value that lies below so many checks.
    pub(crate) fn below(mut self, checks: usize) -> Checker<'p> {
        self.depth = checks;
        self
    }

    /// Whether the value is valid; if not, `violations` has grown.
    pub(crate) fn check(&mut self, id: SchemaId, value: &Json<'_>, place: &Place<'_>) -> bool {
        self.check_slot(id, &mut Slot { given: value, coerced: None }, place)
    }

    /// Forgets what is known of the values so far. To be called before they are dropped if the run goes on.
    pub(crate) fn forget(&mut self) {
        self.known.clear();
        self.known_text = 0;
    }

    /// Checks a value inside the one under check. What is evaluated of it says nothing about the value around it.
    fn child(&mut self, id: SchemaId, slot: &mut Slot<'_>, place: &Place<'_>) -> bool {
        let before = self.marks.len();
        let valid = self.check_slot(id, slot, place);
        self.marks.truncate(before);
        valid
    }

    /// The same for a schema that need not be valid for the one around it to be.
    fn try_child(&mut self, id: SchemaId, slot: &mut Slot<'_>, place: &Place<'_>) -> bool {
        let outer = std::mem::replace(&mut self.composite, true);
        let valid = self.child(id, slot, place);
        self.composite = outer;
        valid
    }

    /// Checks the value under check against a schema that need not be valid for the one around it to be.
    fn try_slot(&mut self, id: SchemaId, slot: &mut Slot<'_>, place: &Place<'_>) -> bool {
        let outer = std::mem::replace(&mut self.composite, true);
        let valid = self.check_slot(id, slot, place);
        self.composite = outer;
        valid
    }

    fn check_slot(&mut self, id: SchemaId, slot: &mut Slot<'_>, place: &Place<'_>) -> bool {
        // The loader has checked all numbers; a plan made by hand can still not make this panic.
        let Some(schema) = self.tables.schemas.get(id as usize) else { return true };
        if self.depth >= MAX_CHECKS {
            return self.fail(place, "depth", "must NOT be nested so deeply");
        }
        let before = self.marks.len();
        self.steps += 1;
        self.depth += 1;
        let valid = self.apply(schema, slot, place);
        self.depth -= 1;
        if !valid {
            self.marks.truncate(before);
        }
        valid
    }

    fn apply(&mut self, schema: &Schema, slot: &mut Slot<'_>, place: &Place<'_>) -> bool {
        if schema.never {
            return self.fail(place, "false schema", "boolean schema is false");
        }
        let before = self.marks.len();
        let may_coerce =
            self.coerce && schema.types.iter().any(|kind| !matches!(kind, Kind::Array | Kind::Object));
        let late = schema.type_late && !may_coerce;
        if !late && !schema.types.is_empty() && !self.right_type(schema, slot, place) {
            return false;
        }
        if !self.any(schema, slot, place) {
            return false;
        }
        // The rules for a type are looked at if the value is of it; a late type is refused where they would stand.
        if late && schema.types.first().is_some_and(|kind| !is_kind(slot.value(), *kind)) {
            return self.wrong_type(schema, place);
        }
        match slot.value() {
            value @ (Json::Number(_) | Json::Exact(_)) => match value.number() {
                Some(number) if is_kind(value, Kind::Number) => self.number(&schema.number, &number, place),
                _ => true,
            },
            Json::String(text) => self.string(&schema.string, text, place),
            Json::Array(items) => self.array(schema, items, before, place),
            Json::Object(object) => self.object(schema, object, slot.given, before, place),
            Json::Null | Json::Bool(_) => true,
        }
    }

    fn right_type(&mut self, schema: &Schema, slot: &mut Slot<'_>, place: &Place<'_>) -> bool {
        let null = schema.nullable && *slot.value() == Json::Null;
        if null || schema.types.iter().any(|kind| is_kind(slot.value(), *kind)) {
            return true;
        }
        // Renamed types are checked by a keyword of the legacy validator's own, which does not coerce.
        if self.coerce
            && !schema.type_renamed
            && let Some(value) = coerced(slot.value(), &schema.types)
        {
            slot.coerced = Some(value);
            return true;
        }
        self.wrong_type(schema, place)
    }

    fn wrong_type(&mut self, schema: &Schema, place: &Place<'_>) -> bool {
        let names: Vec<&str> = schema.types.iter().map(|kind| kind.name()).collect();
        let keyword = if schema.type_renamed { "x-eov-type" } else { "type" };
        self.fail(place, keyword, format!("must be {}", names.join(",")))
    }

    fn any(&mut self, schema: &Schema, slot: &mut Slot<'_>, place: &Place<'_>) -> bool {
        let rules = &schema.any;
        if let Some(reference) = &rules.reference
            && !self.reference(reference, slot, place)
        {
            return false;
        }
        if let Some(constant) = &rules.constant
            && constant.0 != *slot.value()
        {
            return self.fail(place, "const", "must be equal to constant");
        }
        if let Some(choice) = &rules.choice
            && !choice.values.contains(slot.value())
        {
            let message = format!("must be equal to one of the allowed values: {}", choice.text);
            return self.fail(place, "enum", message);
        }
        if !self.choices(rules, schema.collects, slot, place) {
            return false;
        }
        self.may_be_there(rules, slot, place)
    }

    /// `readOnly` and `writeOnly`
    fn may_be_there(&mut self, rules: &AnyRules, slot: &Slot<'_>, place: &Place<'_>) -> bool {
        if matches!(slot.value(), Json::Null) {
            return true;
        }
        match self.direction {
            Direction::Request if rules.read_only => self.fail(place, "readOnly", "is read-only"),
            Direction::Response if rules.write_only => self.fail(place, "writeOnly", "is write-only"),
            _ => true,
        }
    }

    fn fail(
        &mut self,
        place: &Place<'_>,
        keyword: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) -> bool {
        if self.violations.len() < MAX_VIOLATIONS {
            self.keep(Violation::new(place, keyword, message.into()));
        }
        false
    }

    fn keep(&mut self, violation: Violation) {
        let room = self.violations.len() < MAX_VIOLATIONS
            && text_of(&self.violations) + violation.size() <= MAX_VIOLATION_TEXT;
        if room || self.violations.is_empty() {
            self.violations.push(violation);
        }
    }
}

fn text_of(violations: &[Violation]) -> usize {
    violations.iter().map(Violation::size).sum()
}

impl Kind {
    /// The type's name in a schema.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::String => "string",
            Kind::Number => "number",
            Kind::Integer => "integer",
            Kind::Boolean => "boolean",
            Kind::Null => "null",
            Kind::Array => "array",
            Kind::Object => "object",
        }
    }
}

fn is_kind(value: &Json<'_>, kind: Kind) -> bool {
    match (value, kind) {
        (Json::Number(number), Kind::Number) => number.is_finite(),
        (Json::Number(_) | Json::Exact(_), Kind::Integer) => {
            value.number().is_some_and(|number| number.is_whole())
        }
        (Json::Exact(_), Kind::Number) => true,
        (Json::String(_), Kind::String)
        | (Json::Bool(_), Kind::Boolean)
        | (Json::Null, Kind::Null)
        | (Json::Array(_), Kind::Array)
        | (Json::Object(_), Kind::Object) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{ObjectRules, Property};

    #[test]
    fn what_goes_one_way_only_is_refused_and_not_asked_for_the_other_way() {
        let mut secret = Schema::default();
        secret.any.write_only = true;
        let mut id = Schema::default();
        id.any.read_only = true;
        let property = |name: &str, schema| Property { name: name.to_owned(), schema: Some(schema) };
        let object = ObjectRules {
            required: vec!["secret".to_owned(), "id".to_owned()],
            properties: vec![property("secret", 1), property("id", 2)],
            ..ObjectRules::default()
        };
        let schemas = vec![Schema { object, ..Schema::default() }, secret, id];
        let tables = Tables { schemas, patterns: Vec::new() };
        for (text, request, response) in [
            (r#"{"secret":1}"#, true, false),
            (r#"{"id":1}"#, false, true),
            (r#"{"secret":1,"id":1}"#, false, false),
            ("{}", false, false),
        ] {
            let value = Json::parse(text).unwrap();
            let valid = |direction| tables.verdict(0, &value, direction).0;
            assert_eq!(
                (valid(Direction::Request), valid(Direction::Response)),
                (request, response),
                "{text}"
            );
        }
        let both = Json::parse(r#"{"secret":1,"id":1}"#).unwrap();
        assert!(tables.verdict(0, &both, Direction::Neither).0);
    }
}

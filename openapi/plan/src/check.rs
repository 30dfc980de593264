//! Checks a value against a compiled schema, as the legacy validator (ajv without `allErrors`) does: rules in its order,
//! the first violation ends a schema, and only choices (`anyOf`, `oneOf`) report more than one.
//!
//! Recursion is bounded by the reader's [`crate::json::MAX_DEPTH`] times the contract's own nesting, and by [`MAX_CHECKS`].

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::coerce::coerced;
use crate::json::{Json, Object};
use crate::number;
use crate::schema::{
    Additional, AnyRules, ArrayRules, IntegerFormat, Kind, NumberRules, ObjectRules, PatternId, Reference,
    Schema, SchemaId, StringRules, Tables, Unique,
};
use crate::unique::duplicates;
use crate::violation::{Place, Violation};

/// How deeply checks may be nested: reached only by contracts whose schemas nest far deeper than their values.
const MAX_CHECKS: usize = 1500;
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
    /// What is wrong.
    pub(crate) violations: Vec<Violation>,
    depth: usize,
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
        Checker { tables, coerce, violations: Vec::new(), depth: 0, known: BTreeMap::new(), known_text: 0 }
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

    fn check_slot(&mut self, id: SchemaId, slot: &mut Slot<'_>, place: &Place<'_>) -> bool {
        // The loader has checked all numbers; a plan made by hand can still not make this panic.
        let Some(schema) = self.tables.schemas.get(id as usize) else { return true };
        if self.depth >= MAX_CHECKS {
            return self.fail(place, "depth", "must NOT be nested so deeply");
        }
        self.depth += 1;
        let valid = self.apply(schema, slot, place);
        self.depth -= 1;
        valid
    }

    fn apply(&mut self, schema: &Schema, slot: &mut Slot<'_>, place: &Place<'_>) -> bool {
        if schema.never {
            return self.fail(place, "false schema", "boolean schema is false");
        }
        let may_coerce =
            self.coerce && schema.types.iter().any(|kind| !matches!(kind, Kind::Array | Kind::Object));
        let late = schema.type_late && !may_coerce;
        if !late && !schema.types.is_empty() && !self.right_type(schema, slot, place) {
            return false;
        }
        if !self.any(&schema.any, slot, place) {
            return false;
        }
        let kind = late.then(|| schema.types.first().copied()).flatten();
        let right = match slot.value() {
            Json::Number(number) if number.is_finite() => kind
                .is_none_or(|kind| kind == Kind::Number)
                .then(|| self.number(&schema.number, *number, place)),
            Json::String(text) => {
                kind.is_none_or(|kind| kind == Kind::String).then(|| self.string(&schema.string, text, place))
            }
            Json::Array(items) => {
                kind.is_none_or(|kind| kind == Kind::Array).then(|| self.array(&schema.array, items, place))
            }
            Json::Object(object) => kind
                .is_none_or(|kind| kind == Kind::Object)
                .then(|| self.object(&schema.object, object, place)),
            Json::Null | Json::Bool(_) | Json::Number(_) => kind.is_none().then_some(true),
        };
        right.unwrap_or_else(|| self.wrong_type(schema, place))
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

    fn any(&mut self, rules: &AnyRules, slot: &mut Slot<'_>, place: &Place<'_>) -> bool {
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
        if let Some(not) = rules.not {
            let before = self.violations.len();
            let valid = self.check_slot(not, slot, place);
            self.violations.truncate(before);
            if valid {
                return self.fail(place, "not", "must NOT be valid");
            }
        }
        if !rules.any_of.is_empty() && !self.any_of(&rules.any_of, slot, place) {
            return false;
        }
        if !rules.one_of.is_empty() && !self.one_of(&rules.one_of, slot, place) {
            return false;
        }
        if !rules.all_of.iter().all(|id| self.check_slot(*id, slot, place)) {
            return false;
        }
        if rules.read_only && !matches!(slot.value(), Json::Null) {
            return self.fail(place, "readOnly", "is read-only");
        }
        true
    }

    fn reference(&mut self, reference: &Reference, slot: &mut Slot<'_>, place: &Place<'_>) -> bool {
        if reference.inline {
            return self.check_slot(reference.schema, slot, place);
        }
        if !reference.remember {
            let Some(value) = &slot.coerced else { return self.check(reference.schema, slot.given, place) };
            // This value lives no longer than its slot, whose place on the stack is the next one's too.
            let known = std::mem::take(&mut self.known);
            let valid = self.check(reference.schema, value, place);
            self.known = known;
            return valid;
        }
        let key = (reference.schema, std::ptr::from_ref(slot.given).addr());
        if let Some(Verdict { valid, violations }) = self.known.get(&key) {
            let valid = *valid;
            if !valid && violations.is_empty() {
                return self.fail(place, "depth", "must be valid");
            }
            for violation in violations.clone() {
                self.keep(violation);
            }
            return valid;
        }
        let before = self.violations.len();
        let valid = self.check(reference.schema, slot.given, place);
        let new = self.violations.get(before..).unwrap_or_default();
        let text = self.known_text + text_of(new);
        let violations = if text <= MAX_REMEMBERED_TEXT { new.to_vec() } else { Vec::new() };
        self.known_text += text_of(&violations);
        self.known.insert(key, Verdict { valid, violations });
        valid
    }

    fn any_of(&mut self, branches: &[SchemaId], slot: &mut Slot<'_>, place: &Place<'_>) -> bool {
        let before = self.violations.len();
        for branch in branches {
            if self.check_slot(*branch, slot, place) {
                self.violations.truncate(before);
                return true;
            }
        }
        self.fail(place, "anyOf", "must match a schema in anyOf")
    }

    fn one_of(&mut self, branches: &[SchemaId], slot: &mut Slot<'_>, place: &Place<'_>) -> bool {
        let before = self.violations.len();
        let mut passed = 0;
        for branch in branches {
            passed += usize::from(self.check_slot(*branch, slot, place));
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

    fn number(&mut self, rules: &NumberRules, value: f64, place: &Place<'_>) -> bool {
        let NumberRules {
            maximum,
            minimum,
            exclusive_maximum,
            exclusive_minimum,
            exclusive_flags,
            multiple_of,
            format,
        } = rules;
        let (below, above) =
            if *exclusive_flags { ("maximum", "minimum") } else { ("exclusiveMaximum", "exclusiveMinimum") };
        let limits = [
            ("maximum", "<=", maximum, maximum.is_none_or(|limit| value <= limit)),
            ("minimum", ">=", minimum, minimum.is_none_or(|limit| value >= limit)),
            (below, "<", exclusive_maximum, exclusive_maximum.is_none_or(|limit| value < limit)),
            (above, ">", exclusive_minimum, exclusive_minimum.is_none_or(|limit| value > limit)),
        ];
        for (keyword, sign, limit, holds) in limits {
            if !holds {
                let limit = number::to_text(limit.unwrap_or_default());
                return self.fail(place, keyword, format!("must be {sign} {limit}"));
            }
        }
        if let Some(unit) = multiple_of
            && !is_multiple(value, *unit)
        {
            return self.fail(place, "multipleOf", format!("must be multiple of {}", number::to_text(*unit)));
        }
        let (name, holds) = match format {
            None => return true,
            Some(IntegerFormat::Int32) => (
                "int32",
                value.fract() == 0.0 && (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&value),
            ),
            Some(IntegerFormat::Int64) => ("int64", value.fract() == 0.0),
        };
        holds || self.fail(place, "format", format!("must match format \"{name}\""))
    }

    fn string(&mut self, rules: &StringRules, text: &str, place: &Place<'_>) -> bool {
        if let Some(most) = rules.max_length
            && text.len() as u64 > most
            && text.chars().count() as u64 > most
        {
            return self.fail(place, "maxLength", format!("must NOT have more than {most} characters"));
        }
        if let Some(least) = rules.min_length
            && (text.chars().count() as u64) < least
        {
            return self.fail(place, "minLength", format!("must NOT have fewer than {least} characters"));
        }
        if let Some(pattern) = rules.pattern.and_then(|id| self.tables.patterns.get(id as usize))
            && !pattern.is_match(text)
        {
            return self.fail(place, "pattern", format!("must match pattern \"{}\"", pattern.source()));
        }
        let matches = |id: PatternId| {
            self.tables.patterns.get(id as usize).is_none_or(|pattern| pattern.is_match(text))
        };
        if let Some(format) = &rules.format
            && !matches(format.pattern)
            && !format.or.is_some_and(matches)
        {
            return self.fail(place, "format", format!("must match format \"{}\"", format.name));
        }
        true
    }

    fn array(&mut self, rules: &ArrayRules, items: &[Json<'_>], place: &Place<'_>) -> bool {
        let count = items.len() as u64;
        if let Some(most) = rules.max_items.filter(|most| count > *most) {
            return self.fail(place, "maxItems", format!("must NOT have more than {most} items"));
        }
        if let Some(least) = rules.min_items.filter(|least| count < *least) {
            return self.fail(place, "minItems", format!("must NOT have fewer than {least} items"));
        }
        let mut coerced = Vec::new();
        if let Some(schema) = rules.items {
            for (index, item) in items.iter().enumerate() {
                let mut slot = Slot { given: item, coerced: None };
                if !self.check_slot(schema, &mut slot, &place.item(index)) {
                    return false;
                }
                if self.coerce && rules.unique.is_some() {
                    coerced.push(slot.coerced.unwrap_or_else(|| item.clone().into_owned()));
                }
            }
        }
        let compared = if coerced.is_empty() { items } else { &coerced };
        if let Some((first, second)) = rules.unique.and_then(|unique| duplicates(compared, unique)) {
            let (one, other) =
                if rules.unique == Some(Unique::Scalars) { (second, first) } else { (first, second) };
            let message = format!("must NOT have duplicate items (items ## {one} and {other} are identical)");
            return self.fail(place, "uniqueItems", message);
        }
        true
    }

    fn object(&mut self, rules: &ObjectRules, object: &Object<'_>, place: &Place<'_>) -> bool {
        if !self.object_size(rules, object, place) {
            return false;
        }
        let given =
            |name: &str| object.get(name).is_some() || rules.defaulted.iter().any(|known| known == name);
        if let Some(missing) = rules.required.iter().find(|name| !given(name)) {
            let message = format!("must have required property '{missing}'");
            return self.fail(&place.absent(missing), "required", message);
        }
        if rules.additional != Additional::Allowed {
            for (name, value) in object.iter().filter(|(name, _)| !rules.knows(name)) {
                match rules.additional {
                    Additional::Allowed => {}
                    Additional::Refused => {
                        let place = place.absent(name);
                        return self.fail(
                            &place,
                            "additionalProperties",
                            "must NOT have additional properties",
                        );
                    }
                    Additional::Schema(schema) => {
                        if !self.check(schema, value, &place.member(name)) {
                            return false;
                        }
                    }
                }
            }
        }
        rules.properties.iter().all(|property| match (property.schema, object.get(&property.name)) {
            (Some(schema), Some(value)) => self.check(schema, value, &place.member(&property.name)),
            _ => true,
        })
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
        (Json::Number(number), Kind::Integer) => number.is_finite() && number.fract() == 0.0,
        (Json::String(_), Kind::String)
        | (Json::Bool(_), Kind::Boolean)
        | (Json::Null, Kind::Null)
        | (Json::Array(_), Kind::Array)
        | (Json::Object(_), Kind::Object) => true,
        _ => false,
    }
}

/// The legacy validator divides and compares with `parseInt` of the quotient, which reads `1e+21` as 1.
fn is_multiple(value: f64, unit: f64) -> bool {
    let quotient = value / unit;
    quotient.fract() == 0.0 && quotient.abs() < 1e21
}

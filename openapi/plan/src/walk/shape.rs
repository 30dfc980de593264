//! What the walker knows of a schema: the rules that it can hold against bytes, and which values need more than that.

use crate::json::Json;
use crate::number::Number;
use crate::schema::{
    Additional, AnyRules, ArrayRules, Kind, NumberFormat, NumberRules, ObjectRules, Reference, Schema,
    SchemaId, StringRules, Tables,
};

/// A schema as the walker has it.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    /// The types that a value may have, as bits.
    pub(super) kinds: u8,
    pub(super) text: Rule<TextShape>,
    pub(super) number: Rule<NumberShape>,
    /// `true`, `false` and `null`
    pub(super) word: Rule<()>,
    pub(super) array: Rule<ArrayShape>,
    pub(super) object: Rule<Box<ObjectShape>>,
}

/// What is known of the values of one type.
#[derive(Debug, Clone)]
pub(super) enum Rule<T> {
    /// All are valid.
    Free,
    /// Those are valid that are so.
    Is(T),
    /// The tree's checker has to say.
    Ask,
}

#[derive(Debug, Clone)]
pub(super) enum TextShape {
    /// Of so many characters.
    Length(u64, u64),
    /// One of these.
    OneOf(Vec<Box<[u8]>>),
}

/// Limits of numbers that a double holds.
#[derive(Debug, Clone)]
pub(super) struct NumberShape {
    pub(super) least: f64,
    pub(super) most: f64,
    pub(super) above: Option<f64>,
    pub(super) below: Option<f64>,
    pub(super) whole: bool,
    /// A whole number of which it must be a multiple.
    pub(super) unit: Option<f64>,
}

#[derive(Debug, Clone)]
pub(super) struct ArrayShape {
    pub(super) least: u64,
    pub(super) most: u64,
    pub(super) items: Option<SchemaId>,
}

#[derive(Debug, Clone)]
pub(super) struct ObjectShape {
    /// Length and first byte of each name: what tells most names apart.
    pub(super) keys: Vec<u32>,
    pub(super) members: Vec<Member>,
    /// The members that must be there, as bits.
    pub(super) required: u128,
    pub(super) additional: Additional,
    pub(super) least: u64,
    pub(super) most: u64,
}

#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) name: Box<[u8]>,
    /// `None`: it is not among the properties, only required.
    pub(super) schema: Option<Option<SchemaId>>,
}

/// More members than these bits leave the object to the tree.
const MAX_MEMBERS: usize = u128::BITS as usize;

pub(super) const NUMBER: u8 = 1 << Kind::Number as u8;
pub(super) const INTEGER: u8 = 1 << Kind::Integer as u8;

pub(super) fn bit(kind: Kind) -> u8 {
    1 << kind as u8
}

/// The schema that another one is nothing but a name for, in one step.
pub(super) fn alias(schema: &Schema) -> Option<SchemaId> {
    let any = &schema.any;
    let target = match (&any.reference, any.all_of.as_slice()) {
        (Some(Reference { schema, inline: _, remember: _ }), []) => *schema,
        (None, [one]) => *one,
        _ => return None,
    };
    let mut rest = schema.clone();
    rest.collects = false;
    rest.any.reference = None;
    rest.any.all_of.clear();
    (rest == Schema::default()).then_some(target)
}

impl Shape {
    /// `resolve` gives the schema that another one is a name for.
    pub(super) fn of(schema: &Schema, resolve: &dyn Fn(SchemaId) -> SchemaId) -> Shape {
        let Schema {
            never,
            types,
            nullable,
            type_late,
            // Only the words of a refusal.
            type_renamed: _,
            // Who asks for what is evaluated leaves it all to the tree.
            collects: _,
            any,
            number,
            string,
            array,
            object,
        } = schema;
        let kinds = match types.as_slice() {
            [] => u8::MAX,
            [first, ..] if *type_late => bit(*first),
            all => {
                all.iter().fold(if *nullable { bit(Kind::Null) } else { 0 }, |bits, kind| bits | bit(*kind))
            }
        };
        let words = match values(any) {
            _ if *never => None,
            Values::Any => Some(None),
            Values::These(values) => Some(Some(values)),
            Values::Unknown => None,
        };
        match words {
            None => Shape { kinds, ..Shape::unknown() },
            Some(Some(values)) => Shape { kinds, text: one_of(string, &values), ..Shape::unknown() },
            Some(None) => Shape {
                kinds,
                text: text(string),
                number: numbers(number),
                word: Rule::Free,
                array: list(array, resolve),
                object: members(object, resolve),
            },
        }
    }

    /// All is left to the tree.
    pub(super) fn unknown() -> Shape {
        let kinds = u8::MAX;
        let (text, number, word) = (Rule::Ask, Rule::Ask, Rule::Ask);
        Shape { kinds, text, number, word, array: Rule::Ask, object: Rule::Ask }
    }
}

/// Which values the rules for any type allow.
enum Values<'s> {
    Any,
    These(Vec<&'s Json<'static>>),
    Unknown,
}

fn values(rules: &AnyRules) -> Values<'_> {
    let AnyRules {
        reference: None,
        constant,
        choice,
        not: None,
        any_of,
        one_of,
        all_of,
        condition: None,
        discriminator: None,
        read_only: false,
        write_only: false,
    } = rules
    else {
        return Values::Unknown;
    };
    if !any_of.is_empty() || !one_of.is_empty() || !all_of.is_empty() {
        return Values::Unknown;
    }
    match (constant, choice) {
        (None, None) => Values::Any,
        (Some(constant), None) => Values::These(vec![&constant.0]),
        (None, Some(choice)) => Values::These(choice.values.iter().collect()),
        (Some(_), Some(_)) => Values::Unknown,
    }
}

fn text(rules: &StringRules) -> Rule<TextShape> {
    let StringRules { max_length, min_length, pattern, format } = rules;
    if pattern.is_some() || format.is_some() {
        return Rule::Ask;
    }
    match (min_length, max_length) {
        (None, None) => Rule::Free,
        (least, most) => Rule::Is(TextShape::Length(least.unwrap_or(0), most.unwrap_or(u64::MAX))),
    }
}

fn one_of(rules: &StringRules, values: &[&Json<'static>]) -> Rule<TextShape> {
    if *rules != StringRules::default() {
        return Rule::Ask;
    }
    let texts = values.iter().filter_map(|value| match value {
        Json::String(text) => Some(text.as_bytes().into()),
        _ => None,
    });
    Rule::Is(TextShape::OneOf(texts.collect()))
}

fn numbers(rules: &NumberRules) -> Rule<NumberShape> {
    if *rules == NumberRules::default() { Rule::Free } else { limits(rules).map_or(Rule::Ask, Rule::Is) }
}

/// `None` where a limit is no double.
fn limits(rules: &NumberRules) -> Option<NumberShape> {
    let NumberRules {
        maximum,
        minimum,
        exclusive_maximum,
        exclusive_minimum,
        // Only the words of a refusal.
        exclusive_flags: _,
        multiple_of,
        format,
    } = rules;
    let double = |limit: &Option<Number<'static>>| match limit {
        None => Some(None),
        Some(Number::Double(double)) => Some(Some(*double)),
        Some(Number::Exact(_)) => None,
    };
    let unit = double(multiple_of)?;
    if unit.is_some_and(|unit| unit.fract() != 0.0 || unit == 0.0 || unit.abs() > 1e15) {
        return None;
    }
    let (mut least, mut most) =
        (double(minimum)?.unwrap_or(f64::NEG_INFINITY), double(maximum)?.unwrap_or(f64::INFINITY));
    let whole = match format {
        None => false,
        // All numbers of 15 digits without an exponent are within the limits of the others.
        Some(NumberFormat::Float | NumberFormat::Double) => false,
        Some(NumberFormat::Int64 | NumberFormat::Whole) => true,
        Some(NumberFormat::Int32) => {
            least = least.max(f64::from(i32::MIN));
            most = most.min(f64::from(i32::MAX));
            true
        }
    };
    let (above, below) = (double(exclusive_minimum)?, double(exclusive_maximum)?);
    Some(NumberShape { least, most, above, below, whole, unit })
}

fn list(rules: &ArrayRules, resolve: &dyn Fn(SchemaId) -> SchemaId) -> Rule<ArrayShape> {
    if *rules == ArrayRules::default() {
        return Rule::Free;
    }
    let ArrayRules { max_items, min_items, prefix, items, contains: None, unique: None, unevaluated: None } =
        rules
    else {
        return Rule::Ask;
    };
    if !prefix.is_empty() {
        return Rule::Ask;
    }
    let (least, most) = (min_items.unwrap_or(0), max_items.unwrap_or(u64::MAX));
    Rule::Is(ArrayShape { least, most, items: items.map(resolve) })
}

fn members(rules: &ObjectRules, resolve: &dyn Fn(SchemaId) -> SchemaId) -> Rule<Box<ObjectShape>> {
    if *rules == ObjectRules::default() {
        return Rule::Free;
    }
    let ObjectRules {
        max_properties,
        min_properties,
        required,
        defaulted,
        names: None,
        additional,
        properties,
        patterns,
        dependent_required,
        dependent_schemas,
        unevaluated: None,
    } = rules
    else {
        return Rule::Ask;
    };
    let sized = max_properties.is_some() || min_properties.is_some();
    let plain = patterns.is_empty() && dependent_required.is_empty() && dependent_schemas.is_empty();
    if !plain || (sized && !defaulted.is_empty()) {
        return Rule::Ask;
    }
    let property = |property: &crate::schema::Property| Member {
        name: property.name.as_bytes().into(),
        schema: Some(property.schema.map(resolve)),
    };
    let mut members: Vec<Member> = properties.iter().map(property).collect();
    let mut bits: u128 = 0;
    for name in required.iter().filter(|name| !defaulted.contains(name)) {
        let known = members.iter().position(|member| *member.name == *name.as_bytes());
        let at = known.unwrap_or(members.len());
        if known.is_none() {
            members.push(Member { name: name.as_bytes().into(), schema: None });
        }
        bits |= 1_u128.checked_shl(u32::try_from(at).unwrap_or(u32::MAX)).unwrap_or_default();
    }
    if members.len() > MAX_MEMBERS {
        return Rule::Ask;
    }
    Rule::Is(Box::new(ObjectShape {
        keys: members.iter().map(|member| key(&member.name)).collect(),
        members,
        required: bits,
        additional: match additional {
            Additional::Schema(id) => Additional::Schema(resolve(*id)),
            other => *other,
        },
        least: min_properties.unwrap_or(0),
        most: max_properties.unwrap_or(u64::MAX),
    }))
}

/// Length and first byte of a name.
#[inline]
pub(super) fn key(name: &[u8]) -> u32 {
    let length = u32::try_from(name.len()).unwrap_or(u32::MAX);
    length << 8 | u32::from(name.first().copied().unwrap_or_default())
}

impl ObjectShape {
    /// The place of the member of that name; most probably it is `expected`.
    #[inline]
    pub(super) fn find(&self, name: &[u8], expected: usize) -> Option<usize> {
        if self.members.get(expected).is_some_and(|member| *member.name == *name) {
            return Some(expected);
        }
        let wanted = key(name);
        let mut candidates = self.keys.iter().enumerate().filter(|(_, key)| **key == wanted);
        candidates
            .find(|(at, _)| self.members.get(*at).is_some_and(|member| *member.name == *name))
            .map(|(at, _)| at)
    }
}

/// For each schema the one that it is a name for, or itself; and the longest way there.
pub(super) fn resolved(tables: &Tables) -> (Vec<SchemaId>, usize) {
    let next: Vec<Option<SchemaId>> = tables.schemas.iter().map(alias).collect();
    let mut longest = 0;
    let target = |start: usize| {
        let mut at = SchemaId::try_from(start).unwrap_or(SchemaId::MAX);
        let mut steps = 0;
        // One that is a name for itself stays what it is: the tree's matter.
        while let Some(Some(further)) = next.get(at as usize) {
            if steps > next.len() {
                break;
            }
            at = *further;
            steps += 1;
        }
        longest = longest.max(steps);
        at
    };
    let targets = (0..next.len()).map(target).collect();
    (targets, longest)
}

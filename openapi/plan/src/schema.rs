//! Compiled schemas: for each kind of value the rules in the order in which the legacy validator tries them.
//!
//! Schemas refer to each other by number, so recursion is a number and not a text to resolve. What
//! needs thought (which keyword applies, which pattern, which message) was thought by the compiler.

use serde::Serialize;

use crate::json::Json;
pub use crate::pattern::{Chars, Pattern, PatternError};

/// A schema's number in [`Tables::schemas`].
pub type SchemaId = u32;
/// A pattern's number in [`Tables::patterns`].
pub type PatternId = u32;

/// All schemas and patterns of a plan.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Tables {
    /// The schemas.
    pub schemas: Vec<Schema>,
    /// The patterns of `pattern` and `format`.
    pub patterns: Vec<Pattern>,
}

impl Tables {
    /// What is wrong with a value, first of all; `None` when it is valid.
    #[must_use]
    pub fn first_violation(&self, schema: SchemaId, value: &Json<'_>) -> Option<String> {
        let mut checker = crate::check::Checker::new(self, false);
        checker.check(schema, value, &crate::violation::Place::root(""));
        checker.violations.first().map(|violation| {
            let place = if violation.place.is_empty() { "it" } else { &violation.place };
            format!("{place} {}", violation.message)
        })
    }

    /// Every reference from one schema to another.
    pub(crate) fn references(&self) -> Vec<SchemaId> {
        self.schemas.iter().flat_map(Schema::references).collect()
    }

    /// Every reference from a schema to a pattern.
    pub(crate) fn used_patterns(&self) -> impl Iterator<Item = PatternId> {
        self.schemas.iter().flat_map(|schema| {
            let format = schema.string.format.as_ref();
            [schema.string.pattern, format.map(|format| format.pattern), format.and_then(|format| format.or)]
                .into_iter()
                .flatten()
        })
    }
}

/// One schema. The groups are tried in the order of the fields.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Schema {
    /// The schema `false`: nothing is valid.
    #[serde(skip_serializing_if = "is_default")]
    pub never: bool,
    /// The types a value may have; empty: any.
    #[serde(rename = "type", skip_serializing_if = "is_default")]
    pub types: Vec<Kind>,
    /// `null` is valid as well, without being named among the types (OpenAPI 3.0).
    #[serde(skip_serializing_if = "is_default")]
    pub nullable: bool,
    /// The type is looked at where the type's own rules stand, after the rules for any type.
    #[serde(skip_serializing_if = "is_default")]
    pub type_late: bool,
    /// A type error is named `x-eov-type`: the legacy validator replaces `type` for texts that are dates.
    #[serde(skip_serializing_if = "is_default")]
    pub type_renamed: bool,
    /// Rules for values of any type.
    #[serde(skip_serializing_if = "is_default")]
    pub any: AnyRules,
    /// Rules for numbers.
    #[serde(skip_serializing_if = "is_default")]
    pub number: NumberRules,
    /// Rules for text.
    #[serde(skip_serializing_if = "is_default")]
    pub string: StringRules,
    /// Rules for lists.
    #[serde(skip_serializing_if = "is_default")]
    pub array: ArrayRules,
    /// Rules for objects.
    #[serde(skip_serializing_if = "is_default")]
    pub object: ObjectRules,
}

impl Schema {
    /// The schemas this one refers to.
    #[must_use]
    pub fn references(&self) -> Vec<SchemaId> {
        let any = &self.any;
        let mut ids: Vec<SchemaId> =
            any.reference.iter().map(|reference| reference.schema).chain(any.not).collect();
        ids.extend(any.any_of.iter().chain(&any.one_of).chain(&any.all_of));
        ids.extend(self.array.items);
        ids.extend(self.object.properties.iter().filter_map(|property| property.schema));
        if let Additional::Schema(schema) = self.object.additional {
            ids.push(schema);
        }
        ids
    }
}

/// JSON Schema's types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// `string`
    String,
    /// `number`
    Number,
    /// `integer`
    Integer,
    /// `boolean`
    Boolean,
    /// `null`
    Null,
    /// `array`
    Array,
    /// `object`
    Object,
}

/// Rules for values of any type.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct AnyRules {
    /// `$ref`
    #[serde(rename = "ref", skip_serializing_if = "is_default")]
    pub reference: Option<Reference>,
    /// `const`
    #[serde(rename = "const", skip_serializing_if = "is_default")]
    pub constant: Option<Box<Constant>>,
    /// `enum`
    #[serde(rename = "enum", skip_serializing_if = "is_default")]
    pub choice: Option<Box<Choice>>,
    /// `not`
    #[serde(skip_serializing_if = "is_default")]
    pub not: Option<SchemaId>,
    /// `anyOf`
    #[serde(skip_serializing_if = "is_default")]
    pub any_of: Vec<SchemaId>,
    /// `oneOf`
    #[serde(skip_serializing_if = "is_default")]
    pub one_of: Vec<SchemaId>,
    /// `allOf`
    #[serde(skip_serializing_if = "is_default")]
    pub all_of: Vec<SchemaId>,
    /// `readOnly`: a request may hold nothing but null here.
    #[serde(skip_serializing_if = "is_default")]
    pub read_only: bool,
}

/// `$ref`
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Reference {
    /// The schema referred to.
    pub schema: SchemaId,
    /// The legacy validator sees the schema as if it stood here: a coerced value stays coerced for what follows.
    #[serde(skip_serializing_if = "is_default")]
    pub inline: bool,
    /// The schema refers to itself by way of a choice: verdicts are remembered, or time would be exponential in depth.
    #[serde(skip_serializing_if = "is_default")]
    pub remember: bool,
}

/// `const`
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Constant(pub Json<'static>);

/// `enum`
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Choice {
    /// The values.
    pub values: Vec<Json<'static>>,
    /// The values as messages name them.
    pub text: String,
}

/// Rules for numbers.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct NumberRules {
    /// `maximum`
    #[serde(skip_serializing_if = "is_default")]
    pub maximum: Option<f64>,
    /// `minimum`
    #[serde(skip_serializing_if = "is_default")]
    pub minimum: Option<f64>,
    /// `exclusiveMaximum`
    #[serde(skip_serializing_if = "is_default")]
    pub exclusive_maximum: Option<f64>,
    /// `exclusiveMinimum`
    #[serde(skip_serializing_if = "is_default")]
    pub exclusive_minimum: Option<f64>,
    /// The exclusive limits are `maximum` and `minimum` with a flag, and named so (OpenAPI 3.0).
    #[serde(skip_serializing_if = "is_default")]
    pub exclusive_flags: bool,
    /// `multipleOf`
    #[serde(skip_serializing_if = "is_default")]
    pub multiple_of: Option<f64>,
    /// `format`
    #[serde(skip_serializing_if = "is_default")]
    pub format: Option<IntegerFormat>,
}

/// The formats of whole numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum IntegerFormat {
    /// 32 bits, signed.
    Int32,
    /// 64 bits, signed; as in the legacy validator any whole number a double holds.
    Int64,
}

/// Rules for text.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct StringRules {
    /// `maxLength`, in code points.
    #[serde(skip_serializing_if = "is_default")]
    pub max_length: Option<u64>,
    /// `minLength`, in code points.
    #[serde(skip_serializing_if = "is_default")]
    pub min_length: Option<u64>,
    /// `pattern`
    #[serde(skip_serializing_if = "is_default")]
    pub pattern: Option<PatternId>,
    /// `format`
    #[serde(skip_serializing_if = "is_default")]
    pub format: Option<StringFormat>,
}

/// A format of texts.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct StringFormat {
    /// The format's name.
    pub name: String,
    /// What the text must match.
    pub pattern: PatternId,
    /// What will do as well.
    #[serde(skip_serializing_if = "is_default")]
    pub or: Option<PatternId>,
}

/// Rules for lists.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ArrayRules {
    /// `maxItems`
    #[serde(skip_serializing_if = "is_default")]
    pub max_items: Option<u64>,
    /// `minItems`
    #[serde(skip_serializing_if = "is_default")]
    pub min_items: Option<u64>,
    /// `items`
    #[serde(skip_serializing_if = "is_default")]
    pub items: Option<SchemaId>,
    /// `uniqueItems`
    #[serde(skip_serializing_if = "is_default")]
    pub unique: Option<Unique>,
}

/// Which of two equal items the legacy validator names, and first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unique {
    /// The items' schema says they are scalars: the pair that ends first, seen from the end.
    Scalars,
    /// Any items: the pair whose second is the last.
    Any,
}

/// Rules for objects.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ObjectRules {
    /// `maxProperties`
    #[serde(skip_serializing_if = "is_default")]
    pub max_properties: Option<u64>,
    /// `minProperties`
    #[serde(skip_serializing_if = "is_default")]
    pub min_properties: Option<u64>,
    /// `required`
    #[serde(skip_serializing_if = "is_default")]
    pub required: Vec<String>,
    /// Properties with a default: the legacy validator puts it in before it looks, so they are never missing.
    #[serde(skip_serializing_if = "is_default")]
    pub defaulted: Vec<String>,
    /// `additionalProperties`
    #[serde(skip_serializing_if = "is_default")]
    pub additional: Additional,
    /// `properties`, in JavaScript's order.
    #[serde(skip_serializing_if = "is_default")]
    pub properties: Vec<Property>,
}

/// `additionalProperties`
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Additional {
    /// Anything goes.
    #[default]
    Allowed,
    /// There may be none.
    Refused,
    /// Each must be valid by this schema.
    Schema(SchemaId),
}

/// One entry of `properties`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Property {
    /// The property's name.
    pub name: String,
    /// Its schema; `None` when every value is valid.
    #[serde(skip_serializing_if = "is_default")]
    pub schema: Option<SchemaId>,
}

impl ObjectRules {
    /// Whether `properties` names this member.
    #[must_use]
    pub fn knows(&self, name: &str) -> bool {
        self.properties.iter().any(|property| property.name == name)
    }
}

pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

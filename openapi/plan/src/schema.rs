//! Compiled schemas: for each kind of value the rules in the order in which the legacy validator tries them.
//!
//! Schemas refer to each other by number, so recursion is a number and not a text to resolve. What
//! needs thought (which keyword applies, which pattern, which message) was thought by the compiler.

use serde::Serialize;

use crate::json::Json;
use crate::number::Number;
use crate::operation::Discriminator;
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

/// Which way a value goes: some properties may go only one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// To the service: what is `readOnly` is refused, and not required.
    Request,
    /// From the service: what is `writeOnly` is refused, and not required.
    Response,
    /// Neither: both are let through.
    Neither,
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
    /// What is evaluated here matters to `unevaluatedItems` or `unevaluatedProperties`, here or above.
    #[serde(skip_serializing_if = "is_default")]
    pub collects: bool,
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
    /// `if`, `then`, `else`
    #[serde(rename = "if", skip_serializing_if = "is_default")]
    pub condition: Option<Condition>,
    /// `discriminator`: one member says which schema holds, in place of trying all.
    #[serde(skip_serializing_if = "is_default")]
    pub discriminator: Option<Box<Discriminator>>,
    /// `readOnly`: a request may hold nothing but null here.
    #[serde(skip_serializing_if = "is_default")]
    pub read_only: bool,
    /// `writeOnly`: a response may hold nothing but null here.
    #[serde(skip_serializing_if = "is_default")]
    pub write_only: bool,
}

/// `if`, `then`, `else`
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Condition {
    /// `if`
    #[serde(rename = "if")]
    pub test: SchemaId,
    /// `then`
    #[serde(skip_serializing_if = "is_default")]
    pub then: Option<SchemaId>,
    /// `else`
    #[serde(rename = "else", skip_serializing_if = "is_default")]
    pub otherwise: Option<SchemaId>,
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
    pub maximum: Option<Number<'static>>,
    /// `minimum`
    #[serde(skip_serializing_if = "is_default")]
    pub minimum: Option<Number<'static>>,
    /// `exclusiveMaximum`
    #[serde(skip_serializing_if = "is_default")]
    pub exclusive_maximum: Option<Number<'static>>,
    /// `exclusiveMinimum`
    #[serde(skip_serializing_if = "is_default")]
    pub exclusive_minimum: Option<Number<'static>>,
    /// The exclusive limits are `maximum` and `minimum` with a flag, and named so (OpenAPI 3.0).
    #[serde(skip_serializing_if = "is_default")]
    pub exclusive_flags: bool,
    /// `multipleOf`
    #[serde(skip_serializing_if = "is_default")]
    pub multiple_of: Option<Number<'static>>,
    /// `format`
    #[serde(skip_serializing_if = "is_default")]
    pub format: Option<NumberFormat>,
}

/// The formats of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum NumberFormat {
    /// `int32`: 32 bits, signed.
    Int32,
    /// `int64`: 64 bits, signed.
    Int64,
    /// `int64` as in the legacy validator: any whole number.
    Whole,
    /// `float`: no larger than a number of 32 bits can be.
    Float,
    /// `double`: no larger than a number of 64 bits can be.
    Double,
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
    #[serde(skip_serializing_if = "is_default")]
    pub pattern: Option<PatternId>,
    /// What will do as well.
    #[serde(skip_serializing_if = "is_default")]
    pub or: Option<PatternId>,
    /// What no small pattern says.
    #[serde(skip_serializing_if = "is_default")]
    pub rule: Option<TextRule>,
}

/// The formats that are read by a grammar of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TextRule {
    /// A day that exists.
    Date,
    /// A time of day with its offset; leap seconds only where UTC may have them.
    Time,
    /// Both.
    DateTime,
    /// An address of 128 bits.
    Ipv6,
    /// A host name, in which what stands for other scripts is well-formed.
    Hostname,
    /// A pattern of ECMA-262.
    Regex,
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
    /// `prefixItems`
    #[serde(skip_serializing_if = "is_default")]
    pub prefix: Vec<SchemaId>,
    /// `items`: all after those.
    #[serde(skip_serializing_if = "is_default")]
    pub items: Option<SchemaId>,
    /// `contains`
    #[serde(skip_serializing_if = "is_default")]
    pub contains: Option<Contains>,
    /// `uniqueItems`
    #[serde(skip_serializing_if = "is_default")]
    pub unique: Option<Unique>,
    /// `unevaluatedItems`
    #[serde(skip_serializing_if = "is_default")]
    pub unevaluated: Option<SchemaId>,
}

/// `contains`, `minContains`, `maxContains`
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Contains {
    /// What some items must be valid by.
    pub schema: SchemaId,
    /// How many at least.
    pub least: u64,
    /// How many at most.
    #[serde(skip_serializing_if = "is_default")]
    pub most: Option<u64>,
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
    /// `propertyNames`
    #[serde(skip_serializing_if = "is_default")]
    pub names: Option<SchemaId>,
    /// `additionalProperties`
    #[serde(skip_serializing_if = "is_default")]
    pub additional: Additional,
    /// `properties`, in JavaScript's order.
    #[serde(skip_serializing_if = "is_default")]
    pub properties: Vec<Property>,
    /// `patternProperties`
    #[serde(skip_serializing_if = "is_default")]
    pub patterns: Vec<PatternProperty>,
    /// `dependentRequired`
    #[serde(skip_serializing_if = "is_default")]
    pub dependent_required: Vec<DependentRequired>,
    /// `dependentSchemas`
    #[serde(skip_serializing_if = "is_default")]
    pub dependent_schemas: Vec<DependentSchema>,
    /// `unevaluatedProperties`
    #[serde(skip_serializing_if = "is_default")]
    pub unevaluated: Option<SchemaId>,
}

/// One entry of `patternProperties`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct PatternProperty {
    /// What the member's name must match.
    pub pattern: PatternId,
    /// The members' schema; `None` when every value is valid.
    #[serde(skip_serializing_if = "is_default")]
    pub schema: Option<SchemaId>,
}

/// One entry of `dependentRequired`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct DependentRequired {
    /// If there is this member,
    pub name: String,
    /// there must be these.
    pub needs: Vec<String>,
}

/// One entry of `dependentSchemas`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct DependentSchema {
    /// If there is this member,
    pub name: String,
    /// the object must be valid by this schema.
    pub schema: SchemaId,
}

/// `additionalProperties`
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Additional {
    /// Anything goes.
    #[default]
    Allowed,
    /// Anything goes, and counts as evaluated.
    Evaluated,
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

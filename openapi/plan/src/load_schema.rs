//! Reads the schemas of a plan from JSON. What [`serde::Serialize`] writes for these types, this reads.

use crate::load::{Loaded, discriminator};
use crate::pattern::{Chars, Pattern};
use crate::schema::{
    Additional, AnyRules, ArrayRules, Choice, Condition, Constant, Contains, DependentRequired,
    DependentSchema, Kind, NumberFormat, NumberRules, ObjectRules, PatternProperty, Property, Reference,
    Schema, StringFormat, StringRules, Tables, TextRule, Unique,
};
use crate::view::View;

pub(crate) fn tables(view: View<'_>) -> Loaded<Tables> {
    view.only(&["schemas", "patterns"])?;
    Ok(Tables { schemas: view.list("schemas", &schema)?, patterns: view.list("patterns", &pattern)? })
}

fn pattern(view: View<'_>) -> Loaded<Pattern> {
    view.only(&["source", "anchored", "chars", "dfa"])?;
    let source = view.need("source", &|v| v.string())?;
    let anchored = view.field("anchored", &|v| v.truth())?;
    let chars = view.maybe("chars", &|v| {
        v.only(&["least", "most"])?;
        Ok(Chars { least: v.field("least", &|v| v.count32())?, most: v.maybe("most", &|v| v.count32())? })
    })?;
    let dfa =
        view.need("dfa", &|v| crate::base64::decode(v.text()?).ok_or_else(|| v.error("is not base64")))?;
    Pattern::new(source, anchored, chars, &dfa).map_err(|error| view.error(error.to_string()))
}

fn schema(view: View<'_>) -> Loaded<Schema> {
    let known = [
        "never",
        "type",
        "nullable",
        "type_late",
        "type_renamed",
        "collects",
        "any",
        "number",
        "string",
        "array",
        "object",
    ];
    view.only(&known)?;
    Ok(Schema {
        never: view.field("never", &|v| v.truth())?,
        types: view.list("type", &kind)?,
        nullable: view.field("nullable", &|v| v.truth())?,
        type_late: view.field("type_late", &|v| v.truth())?,
        type_renamed: view.field("type_renamed", &|v| v.truth())?,
        collects: view.field("collects", &|v| v.truth())?,
        any: view.field("any", &any)?,
        number: view.field("number", &number)?,
        string: view.field("string", &string)?,
        array: view.field("array", &array)?,
        object: view.field("object", &object)?,
    })
}

fn kind(view: View<'_>) -> Loaded<Kind> {
    view.one_of(&[
        ("string", Kind::String),
        ("number", Kind::Number),
        ("integer", Kind::Integer),
        ("boolean", Kind::Boolean),
        ("null", Kind::Null),
        ("array", Kind::Array),
        ("object", Kind::Object),
    ])
}

fn any(view: View<'_>) -> Loaded<AnyRules> {
    let known = [
        "ref",
        "const",
        "enum",
        "not",
        "any_of",
        "one_of",
        "all_of",
        "if",
        "discriminator",
        "read_only",
        "write_only",
    ];
    view.only(&known)?;
    Ok(AnyRules {
        reference: view.maybe("ref", &reference)?,
        constant: view.maybe("const", &|v| Ok(Box::new(Constant(v.json().clone().into_owned()))))?,
        choice: view.maybe("enum", &choice)?,
        not: view.maybe("not", &|v| v.count32())?,
        any_of: view.list("any_of", &|v| v.count32())?,
        one_of: view.list("one_of", &|v| v.count32())?,
        all_of: view.list("all_of", &|v| v.count32())?,
        condition: view.maybe("if", &condition)?,
        discriminator: view.maybe("discriminator", &|v| discriminator(v).map(Box::new))?,
        read_only: view.field("read_only", &|v| v.truth())?,
        write_only: view.field("write_only", &|v| v.truth())?,
    })
}

fn condition(view: View<'_>) -> Loaded<Condition> {
    view.only(&["if", "then", "else"])?;
    Ok(Condition {
        test: view.need("if", &|v| v.count32())?,
        then: view.maybe("then", &|v| v.count32())?,
        otherwise: view.maybe("else", &|v| v.count32())?,
    })
}

fn reference(view: View<'_>) -> Loaded<Reference> {
    view.only(&["schema", "inline", "remember"])?;
    Ok(Reference {
        schema: view.need("schema", &|v| v.count32())?,
        inline: view.field("inline", &|v| v.truth())?,
        remember: view.field("remember", &|v| v.truth())?,
    })
}

fn choice(view: View<'_>) -> Loaded<Box<Choice>> {
    view.only(&["values", "text"])?;
    Ok(Box::new(Choice {
        values: view.list("values", &|v| Ok(v.json().clone().into_owned()))?,
        text: view.need("text", &|v| v.string())?,
    }))
}

fn number(view: View<'_>) -> Loaded<NumberRules> {
    let known = [
        "maximum",
        "minimum",
        "exclusive_maximum",
        "exclusive_minimum",
        "exclusive_flags",
        "multiple_of",
        "format",
    ];
    view.only(&known)?;
    Ok(NumberRules {
        maximum: view.maybe("maximum", &|v| v.exact())?,
        minimum: view.maybe("minimum", &|v| v.exact())?,
        exclusive_maximum: view.maybe("exclusive_maximum", &|v| v.exact())?,
        exclusive_minimum: view.maybe("exclusive_minimum", &|v| v.exact())?,
        exclusive_flags: view.field("exclusive_flags", &|v| v.truth())?,
        multiple_of: view.maybe("multiple_of", &|v| v.exact())?,
        format: view.maybe("format", &|v| {
            v.one_of(&[
                ("int32", NumberFormat::Int32),
                ("int64", NumberFormat::Int64),
                ("whole", NumberFormat::Whole),
                ("float", NumberFormat::Float),
                ("double", NumberFormat::Double),
            ])
        })?,
    })
}

fn string(view: View<'_>) -> Loaded<StringRules> {
    view.only(&["max_length", "min_length", "pattern", "format"])?;
    Ok(StringRules {
        max_length: view.maybe("max_length", &|v| v.count())?,
        min_length: view.maybe("min_length", &|v| v.count())?,
        pattern: view.maybe("pattern", &|v| v.count32())?,
        format: view.maybe("format", &|v| {
            v.only(&["name", "pattern", "or", "rule"])?;
            Ok(StringFormat {
                name: v.need("name", &|v| v.string())?,
                pattern: v.maybe("pattern", &|v| v.count32())?,
                or: v.maybe("or", &|v| v.count32())?,
                rule: v.maybe("rule", &text_rule)?,
            })
        })?,
    })
}

fn text_rule(view: View<'_>) -> Loaded<TextRule> {
    view.one_of(&[
        ("date", TextRule::Date),
        ("time", TextRule::Time),
        ("date-time", TextRule::DateTime),
        ("ipv6", TextRule::Ipv6),
        ("hostname", TextRule::Hostname),
        ("regex", TextRule::Regex),
    ])
}

fn array(view: View<'_>) -> Loaded<ArrayRules> {
    view.only(&["max_items", "min_items", "prefix", "items", "contains", "unique", "unevaluated"])?;
    Ok(ArrayRules {
        max_items: view.maybe("max_items", &|v| v.count())?,
        min_items: view.maybe("min_items", &|v| v.count())?,
        prefix: view.list("prefix", &|v| v.count32())?,
        items: view.maybe("items", &|v| v.count32())?,
        contains: view.maybe("contains", &contains)?,
        unique: view.maybe("unique", &|v| v.one_of(&[("scalars", Unique::Scalars), ("any", Unique::Any)]))?,
        unevaluated: view.maybe("unevaluated", &|v| v.count32())?,
    })
}

fn contains(view: View<'_>) -> Loaded<Contains> {
    view.only(&["schema", "least", "most"])?;
    Ok(Contains {
        schema: view.need("schema", &|v| v.count32())?,
        least: view.need("least", &|v| v.count())?,
        most: view.maybe("most", &|v| v.count())?,
    })
}

fn object(view: View<'_>) -> Loaded<ObjectRules> {
    let known = [
        "max_properties",
        "min_properties",
        "required",
        "defaulted",
        "names",
        "additional",
        "properties",
        "patterns",
        "dependent_required",
        "dependent_schemas",
        "unevaluated",
    ];
    view.only(&known)?;
    Ok(ObjectRules {
        max_properties: view.maybe("max_properties", &|v| v.count())?,
        min_properties: view.maybe("min_properties", &|v| v.count())?,
        required: view.list("required", &|v| v.string())?,
        defaulted: view.list("defaulted", &|v| v.string())?,
        names: view.maybe("names", &|v| v.count32())?,
        additional: view.field("additional", &additional)?,
        properties: view.list("properties", &property)?,
        patterns: view.list("patterns", &pattern_property)?,
        dependent_required: view.list("dependent_required", &dependent_required)?,
        dependent_schemas: view.list("dependent_schemas", &dependent_schema)?,
        unevaluated: view.maybe("unevaluated", &|v| v.count32())?,
    })
}

fn property(view: View<'_>) -> Loaded<Property> {
    view.only(&["name", "schema"])?;
    let name = view.need("name", &|v| v.string())?;
    Ok(Property { name, schema: view.maybe("schema", &|v| v.count32())? })
}

fn pattern_property(view: View<'_>) -> Loaded<PatternProperty> {
    view.only(&["pattern", "schema"])?;
    let pattern = view.need("pattern", &|v| v.count32())?;
    Ok(PatternProperty { pattern, schema: view.maybe("schema", &|v| v.count32())? })
}

fn dependent_required(view: View<'_>) -> Loaded<DependentRequired> {
    view.only(&["name", "needs"])?;
    let name = view.need("name", &|v| v.string())?;
    Ok(DependentRequired { name, needs: view.list("needs", &|v| v.string())? })
}

fn dependent_schema(view: View<'_>) -> Loaded<DependentSchema> {
    view.only(&["name", "schema"])?;
    let name = view.need("name", &|v| v.string())?;
    Ok(DependentSchema { name, schema: view.need("schema", &|v| v.count32())? })
}

fn additional(view: View<'_>) -> Loaded<Additional> {
    if view.text().is_ok() {
        return view.one_of(&[
            ("allowed", Additional::Allowed),
            ("evaluated", Additional::Evaluated),
            ("refused", Additional::Refused),
        ]);
    }
    view.only(&["schema"])?;
    Ok(Additional::Schema(view.need("schema", &|v| v.count32())?))
}

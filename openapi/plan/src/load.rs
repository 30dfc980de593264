//! Reads a plan from JSON. What [`serde::Serialize`] writes for these types, this reads.

use crate::pattern::{Chars, Pattern};
use crate::plan::{FORMAT, Plan, PlanError, Switches};
use crate::routes::{Route, Routes, SchemeScopes};
use crate::schema::{
    Additional, AnyRules, ArrayRules, Choice, Constant, IntegerFormat, Kind, NumberRules, ObjectRules,
    Property, Reference, Schema, StringFormat, StringRules, Tables, Unique,
};
use crate::view::{LoadError, View};

type Loaded<T> = Result<T, LoadError>;

pub(crate) fn plan(view: View<'_>) -> Result<Plan, PlanError> {
    view.only(&["format", "routes", "operations", "switches", "tables"])?;
    let format = view.need("format", &|v| v.string())?;
    if format != FORMAT {
        return Err(PlanError::Format { found: format });
    }
    let routes = view.need("routes", &|v| {
        let routes = v.items(&route)?;
        Routes::new(routes).map_err(|error| v.error(error.to_string()))
    })?;
    let operations = view.need("operations", &|v| v.members(&crate::load_operation::operation))?;
    let tables = view.field("tables", &tables)?;
    let switches = view.field("switches", &switches)?;
    Ok(Plan::new(routes, operations.into_iter().collect(), tables)?.with_switches(switches))
}

fn switches(view: View<'_>) -> Loaded<Switches> {
    view.only(&["open_query", "repeated_members"])?;
    Ok(Switches {
        open_query: view.field("open_query", &|v| v.truth())?,
        repeated_members: view.field("repeated_members", &|v| v.truth())?,
    })
}

fn route(view: View<'_>) -> Loaded<Route> {
    view.only(&["id", "method", "path", "tags", "security", "has_body"])?;
    Ok(Route {
        id: view.need("id", &|v| v.string())?,
        method: view.need("method", &|v| v.string())?,
        path: view.need("path", &|v| v.string())?,
        tags: view.list("tags", &|v| v.string())?,
        security: view.list("security", &|v| v.items(&scheme))?,
        has_body: view.field("has_body", &|v| v.truth())?,
    })
}

fn scheme(view: View<'_>) -> Loaded<SchemeScopes> {
    view.only(&["scheme", "scopes"])?;
    Ok(SchemeScopes {
        scheme: view.need("scheme", &|v| v.string())?,
        scopes: view.list("scopes", &|v| v.string())?,
    })
}

fn tables(view: View<'_>) -> Loaded<Tables> {
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
    view.only(&["ref", "const", "enum", "not", "any_of", "one_of", "all_of", "read_only"])?;
    Ok(AnyRules {
        reference: view.maybe("ref", &reference)?,
        constant: view.maybe("const", &|v| Ok(Box::new(Constant(v.json().clone().into_owned()))))?,
        choice: view.maybe("enum", &choice)?,
        not: view.maybe("not", &|v| v.count32())?,
        any_of: view.list("any_of", &|v| v.count32())?,
        one_of: view.list("one_of", &|v| v.count32())?,
        all_of: view.list("all_of", &|v| v.count32())?,
        read_only: view.field("read_only", &|v| v.truth())?,
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
        maximum: view.maybe("maximum", &|v| v.number())?,
        minimum: view.maybe("minimum", &|v| v.number())?,
        exclusive_maximum: view.maybe("exclusive_maximum", &|v| v.number())?,
        exclusive_minimum: view.maybe("exclusive_minimum", &|v| v.number())?,
        exclusive_flags: view.field("exclusive_flags", &|v| v.truth())?,
        multiple_of: view.maybe("multiple_of", &|v| v.number())?,
        format: view.maybe("format", &|v| {
            v.one_of(&[("int32", IntegerFormat::Int32), ("int64", IntegerFormat::Int64)])
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
            v.only(&["name", "pattern", "or"])?;
            Ok(StringFormat {
                name: v.need("name", &|v| v.string())?,
                pattern: v.need("pattern", &|v| v.count32())?,
                or: v.maybe("or", &|v| v.count32())?,
            })
        })?,
    })
}

fn array(view: View<'_>) -> Loaded<ArrayRules> {
    view.only(&["max_items", "min_items", "items", "unique"])?;
    Ok(ArrayRules {
        max_items: view.maybe("max_items", &|v| v.count())?,
        min_items: view.maybe("min_items", &|v| v.count())?,
        items: view.maybe("items", &|v| v.count32())?,
        unique: view.maybe("unique", &|v| v.one_of(&[("scalars", Unique::Scalars), ("any", Unique::Any)]))?,
    })
}

fn object(view: View<'_>) -> Loaded<ObjectRules> {
    let known = ["max_properties", "min_properties", "required", "defaulted", "additional", "properties"];
    view.only(&known)?;
    Ok(ObjectRules {
        max_properties: view.maybe("max_properties", &|v| v.count())?,
        min_properties: view.maybe("min_properties", &|v| v.count())?,
        required: view.list("required", &|v| v.string())?,
        defaulted: view.list("defaulted", &|v| v.string())?,
        additional: view.field("additional", &additional)?,
        properties: view.list("properties", &|v| {
            v.only(&["name", "schema"])?;
            Ok(Property {
                name: v.need("name", &|v| v.string())?,
                schema: v.maybe("schema", &|v| v.count32())?,
            })
        })?,
    })
}

fn additional(view: View<'_>) -> Loaded<Additional> {
    if view.text().is_ok() {
        return view.one_of(&[("allowed", Additional::Allowed), ("refused", Additional::Refused)]);
    }
    view.only(&["schema"])?;
    Ok(Additional::Schema(view.need("schema", &|v| v.count32())?))
}

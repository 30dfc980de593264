//! Reads a plan from JSON. What [`serde::Serialize`] writes for these types, this reads.

use crate::operation::{Body, Discriminator, Media, Operation, Parameter, Style, Way};
use crate::plan::{FORMAT, Plan, PlanError};
use crate::routes::{Route, Routes, SchemeScopes};
use crate::view::{LoadError, View};

pub(crate) type Loaded<T> = Result<T, LoadError>;

pub(crate) fn plan(view: View<'_>) -> Result<Plan, PlanError> {
    view.only(&["format", "routes", "operations", "tables"])?;
    let format = view.need("format", &|v| v.string())?;
    if format != FORMAT {
        return Err(PlanError::Format { found: format });
    }
    let routes = view.need("routes", &|v| {
        let routes = v.items(&route)?;
        Routes::new(routes).map_err(|error| v.error(error.to_string()))
    })?;
    let operations = view.need("operations", &|v| v.members(&operation))?;
    let tables = view.field("tables", &crate::load_schema::tables)?;
    Plan::new(routes, operations.into_iter().collect(), tables)
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

fn operation(view: View<'_>) -> Loaded<Operation> {
    view.only(&["query", "headers", "path", "open_query", "credentials", "body"])?;
    Ok(Operation {
        query: view.list("query", &parameter)?,
        headers: view.list("headers", &parameter)?,
        path: view.list("path", &parameter)?,
        open_query: view.field("open_query", &|v| v.truth())?,
        credentials: view.list("credentials", &|v| v.string())?,
        body: view.maybe("body", &body)?,
    })
}

fn parameter(view: View<'_>) -> Loaded<Parameter> {
    let known =
        ["name", "required", "schema", "style", "allow_reserved", "allow_empty", "has_default", "default"];
    view.only(&known)?;
    Ok(Parameter {
        name: view.need("name", &|v| v.string())?,
        required: view.field("required", &|v| v.truth())?,
        schema: view.maybe("schema", &|v| v.count32())?,
        style: view.field("style", &style)?,
        allow_reserved: view.field("allow_reserved", &|v| v.truth())?,
        allow_empty: view.field("allow_empty", &|v| v.truth())?,
        has_default: view.field("has_default", &|v| v.truth())?,
        default: view.maybe("default", &|v| v.string())?,
    })
}

fn style(view: View<'_>) -> Loaded<Style> {
    view.one_of(&[
        ("text", Style::Text),
        ("repeated", Style::Repeated),
        ("commas", Style::Commas),
        ("spaces", Style::Spaces),
        ("bars", Style::Bars),
        ("json", Style::Json),
    ])
}

fn body(view: View<'_>) -> Loaded<Body> {
    view.only(&["required", "media"])?;
    Ok(Body { required: view.field("required", &|v| v.truth())?, media: view.list("media", &media)? })
}

fn media(view: View<'_>) -> Loaded<Media> {
    view.only(&["name", "schema", "discriminator"])?;
    Ok(Media {
        name: view.need("name", &|v| v.string())?,
        schema: view.maybe("schema", &|v| v.count32())?,
        discriminator: view.maybe("discriminator", &discriminator)?,
    })
}

pub(crate) fn discriminator(view: View<'_>) -> Loaded<Discriminator> {
    view.only(&["property", "options"])?;
    Ok(Discriminator {
        property: view.need("property", &|v| v.string())?,
        options: view.list("options", &|v| {
            v.only(&["value", "schema"])?;
            Ok(Way { value: v.need("value", &|v| v.string())?, schema: v.need("schema", &|v| v.count32())? })
        })?,
    })
}

//! Reads a plan from JSON. What [`serde::Serialize`] writes for these types, this reads.

pub(crate) use crate::load_operation::discriminator;
use crate::plan::{FORMAT, Plan, PlanError, Switches};
use crate::routes::{Route, Routes, SchemeScopes};
use crate::view::{LoadError, View};

pub(crate) type Loaded<T> = Result<T, LoadError>;

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
    let tables = view.field("tables", &crate::load_schema::tables)?;
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

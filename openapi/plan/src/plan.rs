//! The plan document: what the compiler writes and every filter loads.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::operation::Operation;
use crate::routes::Routes;
use crate::schema::{Tables, is_default};
use crate::view::{LoadError, View};
use crate::walk::Walks;

/// The version of the plan's form. A plan of another form is refused, never guessed at.
pub const FORMAT: &str = "cutover-plan/2";

/// A contract, compiled: its routes and what each operation requires of a request.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    format: String,
    routes: Routes,
    operations: BTreeMap<String, Operation>,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) switches: Switches,
    pub(crate) tables: Tables,
    /// Made of `tables`, for the bodies that are valid.
    #[serde(skip)]
    pub(crate) walks: Walks,
}

/// What holds for every operation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Switches {
    /// Query parameters that nobody declared are let through.
    #[serde(skip_serializing_if = "is_default")]
    pub open_query: bool,
    /// Of a member that is repeated in a JSON body the last value counts, as in `JSON.parse`; else the body is refused.
    #[serde(skip_serializing_if = "is_default")]
    pub repeated_members: bool,
}

/// Why a plan cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// Not JSON, or JSON of another shape.
    #[error("{0}")]
    Malformed(#[from] LoadError),
    /// Made by a compiler of another version.
    #[error("the plan has the format `{found}`, this build reads `{FORMAT}`: compile the contract again")]
    Format {
        /// The format the plan names.
        found: String,
    },
    /// Something refers to a schema or pattern that is not there.
    #[error("the plan refers to {0}, which it does not have")]
    Dangling(String),
    /// Routes and operations do not name the same operations.
    #[error("the plan has a route for `{0}` but says nothing about that operation")]
    MissingOperation(String),
}

impl Plan {
    /// Joins routes, operations and the schemas they refer to.
    ///
    /// # Errors
    /// When a route's operation is missing from `operations`, or a schema or pattern from `tables`.
    pub fn new(
        routes: Routes,
        operations: BTreeMap<String, Operation>,
        tables: Tables,
    ) -> Result<Plan, PlanError> {
        let (format, switches) = (FORMAT.to_owned(), Switches::default());
        Plan { format, routes, operations, switches, tables, walks: Walks::default() }.checked()
    }

    /// The same plan with these switches.
    #[must_use]
    pub fn with_switches(self, switches: Switches) -> Plan {
        Plan { switches, ..self }
    }

    /// The plan's switches.
    #[must_use]
    pub fn switches(&self) -> Switches {
        self.switches
    }

    /// Loads a plan.
    ///
    /// # Errors
    /// When the bytes are not a plan of this [`FORMAT`].
    pub fn from_json(bytes: &[u8]) -> Result<Plan, PlanError> {
        Plan::load(View::root(&crate::view::parse(bytes)?))
    }

    /// Reads a plan that is part of another document.
    ///
    /// # Errors
    /// When it is not a plan of this [`FORMAT`].
    pub fn load(view: View<'_>) -> Result<Plan, PlanError> {
        crate::load::plan(view)
    }

    /// The plan as one line of JSON; the same plan always gives the same bytes.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// The contract's routes.
    #[must_use]
    pub fn routes(&self) -> &Routes {
        &self.routes
    }

    /// What the operation of that `operationId` requires.
    #[must_use]
    pub fn operation(&self, id: &str) -> Option<&Operation> {
        self.operations.get(id)
    }

    fn checked(mut self) -> Result<Plan, PlanError> {
        let missing = self.routes.iter().find(|route| !self.operations.contains_key(&route.id));
        if let Some(id) = missing.map(|route| route.id.clone()) {
            return Err(PlanError::MissingOperation(id));
        }
        self.tables.check_references(self.operations.values().flat_map(Operation::schemas))?;
        self.walks = Walks::new(&self.tables);
        Ok(self)
    }
}

//! The plan document: what the compiler writes and every filter loads.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::routes::Routes;

/// The version of the plan's form. A plan of another form is refused, never guessed at.
pub const FORMAT: &str = "cutover-plan/1";

/// A contract, compiled: its routes and what each operation requires of a request.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    format: String,
    routes: Routes,
    operations: BTreeMap<String, Operation>,
}

/// What one operation requires of a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operation {}

/// Why a plan cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// Not JSON, or JSON of another shape.
    #[error("the plan cannot be read: {0}")]
    Malformed(#[from] serde_json::Error),
    /// Made by a compiler of another version.
    #[error("the plan has the format `{found}`, this build reads `{FORMAT}`: compile the contract again")]
    Format {
        /// The format the plan names.
        found: String,
    },
    /// Routes and operations do not name the same operations.
    #[error("the plan has a route for `{0}` but says nothing about that operation")]
    MissingOperation(String),
}

impl Plan {
    /// Joins routes and operations.
    ///
    /// # Errors
    /// When a route's operation is missing from `operations`.
    pub fn new(routes: Routes, operations: BTreeMap<String, Operation>) -> Result<Plan, PlanError> {
        Plan { format: FORMAT.to_owned(), routes, operations }.checked()
    }

    /// Loads a plan.
    ///
    /// # Errors
    /// When the bytes are not a plan of this [`FORMAT`].
    pub fn from_json(bytes: &[u8]) -> Result<Plan, PlanError> {
        serde_json::from_slice::<Plan>(bytes)?.checked()
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

    fn checked(self) -> Result<Plan, PlanError> {
        if self.format != FORMAT {
            return Err(PlanError::Format { found: self.format });
        }
        let missing = self.routes.iter().find(|route| !self.operations.contains_key(&route.id));
        match missing.map(|route| route.id.clone()) {
            Some(id) => Err(PlanError::MissingOperation(id)),
            None => Ok(self),
        }
    }
}

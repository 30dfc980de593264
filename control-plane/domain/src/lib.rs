//! Weights, operations, changes: the words of a cutover, without I/O.
//!
//! Everything here is a value or a pure function. Types are parsed once, at the edge, and cannot be wrong afterwards: a
//! [`Weight`] is never 101 %, an [`OperationId`] never contains a slash.

mod audit;
mod change;
mod operation;
mod weight;
mod weights;

pub use audit::{Action, Actor, AuditEntry, Reason, TextError};
pub use change::{Change, ChangeError, Selection, plan_rollback, plan_set, reported_missing};
pub use operation::{OperationId, OperationIdError, Side, UNMATCHED};
pub use weight::{Weight, WeightError};
pub use weights::{Revision, State, WeightChange, Weights};

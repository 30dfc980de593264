//! What the command line shows: pure functions from the API's answers to text.

mod bar;
mod changes;
mod explain;
mod listings;
mod table;
mod time;

pub(crate) use changes::{Verdict, changed, verdict};
pub(crate) use explain::{Explanation, Side, explanation, explanation_json, summary};
pub(crate) use listings::{envoys, history, status, weights};

//! Differences between two answers to the same request, and which of them are allowed.
//!
//! Everything here is pure: answers, header checks and rules are values. [`compare`] finds every [`Difference`] of an
//! actual answer from an expected one; [`Rules`] says which of them are known, with a reason for each.
//!
//! ```
//! use cutover_comparison::{Answer, compare};
//!
//! let json = |body: &str| Answer::new(200, [("content-type", "application/json")], body.as_bytes());
//! let found = compare(&json(r#"{"items":[{"id":1}]}"#), &json(r#"{"items":[{"id":2}]}"#), &[]);
//! assert_eq!(found[0].to_string(), "body /items/0/id: expected 1, got 2");
//! ```

mod answer;
mod difference;
mod headers;
mod path;
mod rules;

pub use answer::{Answer, Body};
pub use difference::{Difference, Kind, MAX_DIFFERENCES, Place, compare};
pub use headers::{HeaderCheck, HeaderRule};
pub use path::{Path, Pattern, PatternError, Segment};
pub use rules::{Judgement, Ledger, Rule, Rules, RulesError};

//! Compiles an OpenAPI contract into a plan.
//!
//! Everything that needs thought happens here, once and on the host: references are followed, patterns become automata,
//! and what the contract says that cannot be honoured is told with its place, all of it at once.

mod contract;
pub mod document;
mod formats;
mod mistake;
mod pattern;
mod reference;
mod report;
mod schema;

use cutover_plan::Plan;

pub use contract::security::{SecurityScheme, TokenPlace};
pub use mistake::Mistake;

/// Compiles a contract (OpenAPI 3.0 or 3.1, YAML or JSON); `file_name` is for the mistakes.
///
/// The same text always gives the same plan.
///
/// # Errors
/// Every mistake of the contract, in the order of its lines.
pub fn compile(file_name: &str, text: &str) -> Result<Plan, Vec<Mistake>> {
    let root = document::parse(text).map_err(|error| vec![Mistake::unreadable(file_name, error)])?;
    let mut report = report::Report::new(file_name);
    let plan = contract::compile(&root, &mut report);
    let mut mistakes = report.mistakes;
    match plan {
        Some(plan) if mistakes.is_empty() => Ok(plan),
        _ => {
            mistakes.sort_by_key(|mistake| (mistake.line, mistake.column));
            Err(mistakes)
        }
    }
}

/// The security schemes of a contract, in its order. Those that the gateway cannot check are left out: [`compile`] tells of
/// them, as of everything else that is wrong.
#[must_use]
pub fn security_schemes(text: &str) -> Vec<SecurityScheme> {
    document::parse(text).map(|root| contract::security::checkable(&root)).unwrap_or_default()
}

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
mod resources;
mod schema;
mod uri;

use cutover_plan::Plan;
use cutover_plan::schema::{SchemaId, Tables};

use crate::document::Node;
pub use crate::formats::Formats;
pub use crate::mistake::Mistake;

/// How a contract is compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// How formats are asserted.
    pub formats: Formats,
    /// What cannot be honoured is a warning instead of a mistake.
    pub allow: bool,
}

/// A schema, compiled by itself.
#[derive(Debug, Clone)]
pub struct CompiledSchema {
    /// The tables.
    pub tables: Tables,
    /// The schema among them.
    pub root: SchemaId,
}

/// Compiles a contract (OpenAPI 3.0 or 3.1, YAML or JSON); `file_name` is for the mistakes.
///
/// The same text always gives the same plan.
///
/// # Errors
/// Every mistake of the contract, in the order of its lines.
pub fn compile(file_name: &str, text: &str) -> Result<Plan, Vec<Mistake>> {
    compile_with(file_name, text, Options::default()).map(|(plan, _)| plan)
}

/// The same with options; gives warnings, too.
///
/// # Errors
/// Every mistake of the contract, in the order of its lines.
pub fn compile_with(
    file_name: &str,
    text: &str,
    options: Options,
) -> Result<(Plan, Vec<Mistake>), Vec<Mistake>> {
    let Options { formats, allow } = options;
    let root = document::parse(text).map_err(|error| vec![Mistake::unreadable(file_name, error)])?;
    let mut report = report::Report::new(file_name).allowing(allow);
    let plan = contract::compile(&root, formats, &mut report);
    let warnings = sorted(report.warnings);
    match plan {
        Some(plan) if report.mistakes.is_empty() => Ok((plan, warnings)),
        _ => Err(sorted(report.mistakes)),
    }
}

/// Compiles one schema of JSON Schema 2020-12; `known` are documents by their URIs to which it may refer.
///
/// # Errors
/// Every mistake of the schema, in the order of its lines.
pub fn compile_schema(
    file_name: &str,
    text: &str,
    formats: Formats,
    known: &[(String, Node)],
) -> Result<CompiledSchema, Vec<Mistake>> {
    let root = document::parse(text).map_err(|error| vec![Mistake::unreadable(file_name, error)])?;
    let mut report = report::Report::new(file_name);
    let resources = resources::Resources::of_schema(&root, known);
    match schema::alone(&root, &resources, formats, &mut report) {
        compiled if report.mistakes.is_empty() => Ok(compiled),
        _ => Err(sorted(report.mistakes)),
    }
}

fn sorted(mut mistakes: Vec<Mistake>) -> Vec<Mistake> {
    mistakes.sort_by_key(|mistake| (mistake.line, mistake.column));
    mistakes
}

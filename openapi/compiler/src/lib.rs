//! Compiles an OpenAPI contract into a plan.
//!
//! Everything that needs thought happens here, once and on the host: references are followed, patterns become automata,
//! and what the contract says that cannot be honoured is told with its place, all of it at once.

mod contract;
pub mod document;
mod files;
mod formats;
mod mistake;
mod pattern;
mod reference;
mod report;
mod resources;
mod schema;
mod uri;

use cutover_plan::schema::{SchemaId, Tables};
use cutover_plan::{Plan, Switches};

pub use crate::contract::security::{SecurityScheme, TokenPlace};
use crate::document::Node;
use crate::files::Gathered;
pub use crate::files::Loader;
pub use crate::formats::Formats;
pub use crate::mistake::Mistake;

/// How a contract is compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// How formats are asserted.
    pub formats: Formats,
    /// What cannot be honoured is a warning instead of a mistake.
    pub allow: bool,
    /// What holds for every operation.
    pub switches: Switches,
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
    let root = document::parse(text).map_err(|error| vec![Mistake::unreadable(file_name, error)])?;
    let alone = Gathered { root, names: Vec::new(), mistakes: Vec::new() };
    compile_gathered(file_name, alone, options)
}

/// The same for a contract that may refer to other files, which `load` reads.
///
/// # Errors
/// Every mistake of the contract: its own in the order of its lines, then those of the other files.
pub fn compile_files(
    file_name: &str,
    text: &str,
    options: Options,
    load: Loader<'_>,
) -> Result<(Plan, Vec<Mistake>), Vec<Mistake>> {
    let root = document::parse(text).map_err(|error| vec![Mistake::unreadable(file_name, error)])?;
    compile_gathered(file_name, files::gather(file_name, root, load), options)
}

fn compile_gathered(
    file_name: &str,
    gathered: Gathered,
    options: Options,
) -> Result<(Plan, Vec<Mistake>), Vec<Mistake>> {
    let Options { formats, allow, switches } = options;
    let Gathered { root, names, mistakes } = gathered;
    let mut report = report::Report::new(file_name).allowing(allow).of_files(&names);
    let plan = contract::compile(&root, formats, &mut report);
    let warnings = sorted(file_name, report.warnings);
    match plan {
        Some(plan) if report.mistakes.is_empty() && mistakes.is_empty() => {
            Ok((plan.with_switches(switches), warnings))
        }
        _ => Err(sorted(file_name, joined(mistakes, report.mistakes))),
    }
}

/// What is wrong with the files, then what else is wrong: of a reference that cannot be followed once is enough.
fn joined(mut of_files: Vec<Mistake>, others: Vec<Mistake>) -> Vec<Mistake> {
    let place = |mistake: &Mistake| (mistake.file.clone(), mistake.line, mistake.column);
    let known: Vec<_> = of_files.iter().map(place).collect();
    of_files.extend(others.into_iter().filter(|mistake| !known.contains(&place(mistake))));
    of_files
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
        _ => Err(sorted(file_name, report.mistakes)),
    }
}

fn sorted(first: &str, mut mistakes: Vec<Mistake>) -> Vec<Mistake> {
    mistakes
        .sort_by_key(|mistake| (mistake.file != first, mistake.file.clone(), mistake.line, mistake.column));
    mistakes
}

/// The security schemes of a contract, in its order. Those that the gateway cannot check are left out: [`compile_files`]
/// tells of them, as of everything else that is wrong.
#[must_use]
pub fn security_schemes(file_name: &str, text: &str, load: Loader<'_>) -> Vec<SecurityScheme> {
    let Ok(root) = document::parse(text) else { return Vec::new() };
    contract::security::checkable(&files::gather(file_name, root, load).root)
}

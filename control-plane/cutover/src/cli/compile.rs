//! `compile`: a contract's plan, for other meshes and for committing beside the contract.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use clap::Args;
use cutover_compiler::Options;
use cutover_plan::{FORMAT, Plan, Size, Switches};
use serde_json::Value;

use super::{End, Mistakes, complain, say};
use crate::config;

/// Compile an OpenAPI contract into the plan that the filters execute, for use in other meshes.
#[derive(Debug, Args)]
#[command(after_help = "\
The same contract always gives the same bytes, so a plan can be committed beside its contract and --check in CI tells when
it is stale. What the plan is made of goes to stderr.

Examples:
  cutover compile openapi/trade-task.yaml -o plan.json
  cutover compile openapi/trade-task.yaml --check plan.json
  cutover compile openapi/trade-task.yaml | jq '.routes[].id'")]
pub(crate) struct Compile {
    /// The OpenAPI document.
    #[arg(value_name = "CONTRACT")]
    contract: PathBuf,
    /// Write the plan to this file instead of standard output.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write nothing; exit with 1 when this file is not the plan of the contract.
    #[arg(long, value_name = "FILE", conflicts_with = "output")]
    check: Option<PathBuf>,
    #[command(flatten)]
    dialect: Dialect,
}

// How a contract is read.
#[derive(Debug, Clone, Copy, Default, Args)]
pub(super) struct Dialect {
    /// Only warn of keywords that cannot be honoured.
    #[arg(long)]
    allow: bool,
    /// Let query parameters through that the contract does not have.
    #[arg(long)]
    allow_unknown_query: bool,
    /// Let JSON bodies through in which a member is repeated; its last value counts.
    #[arg(long)]
    allow_repeated_members: bool,
}

pub(super) fn compile(options: &Compile) -> Result<End> {
    let Compile { contract, output, check, dialect } = options;
    let (shown, plan) = (contract.display(), compiled(contract, *dialect)?);
    let json = plan.to_json();
    complain(&size_text(&plan.size(), json.len()));
    match (check, output) {
        (Some(committed), _) => return compare(contract, committed, &json),
        (None, None) => say(&(String::from_utf8(json)? + "\n"))?,
        (None, Some(path)) => {
            fs::write(path, &json).with_context(|| format!("cannot write {}", path.display()))?;
            let count = plan.size().operations;
            say(&format!("compiled {count} operations of {shown} to {}\n", path.display()))?;
        }
    }
    Ok(End::Done)
}

/// The plan of a file: a contract, which is compiled, or what became of one.
pub(super) fn plan_of(path: &Path, dialect: Dialect) -> Result<Plan> {
    let text = read(path)?;
    let is_plan = text.trim_start().starts_with("{\"format\":\"cutover-plan/");
    if !is_plan {
        return compiled(path, dialect);
    }
    Plan::from_json(text.as_bytes()).with_context(|| format!("the plan {} cannot be used", path.display()))
}

fn compiled(contract: &Path, dialect: Dialect) -> Result<Plan> {
    let Dialect { allow, allow_unknown_query, allow_repeated_members } = dialect;
    let switches = Switches { open_query: allow_unknown_query, repeated_members: allow_repeated_members };
    let options = Options { allow, switches, ..Options::default() };
    let (shown, text) = (contract.display().to_string(), read(contract)?);
    let compiled = cutover_compiler::compile_files(&shown, &text, options, &config::read_part);
    let (plan, warnings) = compiled.map_err(Mistakes)?;
    warnings.iter().for_each(|warning| complain(&format!("warning: {warning}")));
    Ok(plan)
}

fn read(path: &Path) -> Result<String> {
    let shown = path.display();
    fs::read_to_string(path)
        .map_err(|error| anyhow!("the contract {shown} cannot be read: {}", config::plain(&error)))
}

fn size_text(size: &Size, bytes: usize) -> String {
    let Size { operations, schemas, patterns, automata } = size;
    format!(
        "plan: {bytes} bytes; operations: {operations}, schemas: {schemas}, patterns: {patterns} with {automata} bytes of automata"
    )
}

/// Whether a plan that somebody keeps is the one the contract has now; a newline at its end is nobody's mistake.
fn compare(contract: &Path, committed: &Path, plan: &[u8]) -> Result<End> {
    let (contract, shown) = (contract.display(), committed.display());
    let kept = fs::read(committed)
        .map_err(|error| anyhow!("the plan {shown} cannot be read: {}", config::plain(&error)))?;
    if kept.strip_suffix(b"\n").unwrap_or(&kept) == plan {
        say(&format!("{shown} is the plan of {contract}\n"))?;
        return Ok(End::Done);
    }
    let reason = why_stale(&kept, plan);
    complain(&format!(
        "{shown} is not the plan of {contract}: {reason}; write it anew with `cutover compile {contract} -o {shown}`"
    ));
    Ok(End::Refused)
}

fn why_stale(kept: &[u8], plan: &[u8]) -> String {
    let (Ok(kept), Ok(plan)) = (serde_json::from_slice::<Value>(kept), serde_json::from_slice::<Value>(plan))
    else {
        return "it is no JSON".to_owned();
    };
    match kept.get("format").and_then(Value::as_str) {
        Some(FORMAT) => {}
        Some(other) => return format!("it has the format `{other}`, this compiler writes `{FORMAT}`"),
        None => return "it is no plan".to_owned(),
    }
    match difference(&kept, &plan) {
        Some(place) => format!("it differs first at {place}"),
        None => "it is written differently".to_owned(),
    }
}

/// The first place where two documents differ, such as `operations.listTasks.query[0].name`.
fn difference(one: &Value, other: &Value) -> Option<String> {
    let mut place = String::new();
    differs(one, other, &mut place).then(|| place.trim_start_matches('.').to_owned())
}

fn differs(one: &Value, other: &Value, place: &mut String) -> bool {
    let known = place.len();
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let names = one.keys().chain(other.keys().filter(|name| !one.contains_key(*name)));
            for name in names {
                place.push('.');
                place.push_str(name);
                match (one.get(name), other.get(name)) {
                    (Some(one), Some(other)) if !differs(one, other, place) => place.truncate(known),
                    _ => return true,
                }
            }
            false
        }
        (Value::Array(one), Value::Array(other)) => {
            for index in 0..one.len().max(other.len()) {
                place.push_str(&format!("[{index}]"));
                match (one.get(index), other.get(index)) {
                    (Some(one), Some(other)) if !differs(one, other, place) => place.truncate(known),
                    _ => return true,
                }
            }
            false
        }
        (one, other) => one != other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_difference_has_a_place() {
        let plan = json!({"a": [1, {"b": 2}], "c": {}});
        let place = |other: Value| difference(&plan, &other);
        assert_eq!(place(plan.clone()), None);
        assert_eq!(place(json!({"a": [1, {"b": 3}], "c": {}})).as_deref(), Some("a[1].b"));
        assert_eq!(place(json!({"a": [1], "c": {}})).as_deref(), Some("a[1]"));
        assert_eq!(place(json!({"a": [1, {"b": 2}], "c": {"d": null}})).as_deref(), Some("c.d"));
        assert_eq!(place(json!([])).as_deref(), Some(""));
    }

    #[test]
    fn a_stale_plan_is_told_from_what_is_none() {
        let plan = format!(r#"{{"format":"{FORMAT}","routes":[]}}"#);
        let said = |kept: &str| why_stale(kept.as_bytes(), plan.as_bytes());
        assert_eq!(said("x"), "it is no JSON");
        assert_eq!(said("[]"), "it is no plan");
        assert_eq!(
            said(r#"{"format":"cutover-plan/1"}"#),
            format!("it has the format `cutover-plan/1`, this compiler writes `{FORMAT}`")
        );
        assert_eq!(said(&plan.replace("[]", "[1]")), "it differs first at routes[0]");
        assert_eq!(said(&plan.replace(',', ", ")), "it is written differently");
    }
}

//! The plugin's configuration, checked before anything depends on it.

use cutover_plan::{LoadError, Plan, PlanError, View, parse_json};

/// The longest body there can be a reason for: it is held in memory while it is awaited.
const MAX_BODY_BYTES: usize = 256 << 20;

/// What to validate and what becomes of invalid requests.
#[derive(Debug)]
pub struct Config {
    /// The compiled contract.
    pub plan: Plan,
    /// What becomes of invalid requests.
    pub requests: Mode,
    /// The longest body in bytes.
    pub max_body_bytes: usize,
}

/// What becomes of invalid requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// They are refused.
    Enforce,
    /// They are noted and go on.
    Report,
    /// Nobody looks.
    Off,
}

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Not JSON, or not of this shape.
    #[error("{0}")]
    Malformed(#[from] LoadError),
    /// Not the plan of this version.
    #[error(transparent)]
    Plan(#[from] PlanError),
}

impl Config {
    /// Reads a configuration: `{"plan":…, "requests":"enforce", "max_body_bytes":1048576, "errors":"legacy"}`, of which only
    /// the plan must be there.
    ///
    /// # Errors
    /// Names the field and what is wrong with it.
    pub fn parse(text: &[u8]) -> Result<Config, ConfigError> {
        let document = parse_json(text)?;
        let view = View::root(&document);
        view.only(&["plan", "requests", "max_body_bytes", "errors"])?;
        let modes = [("enforce", Mode::Enforce), ("report", Mode::Report), ("off", Mode::Off)];
        let requests = view.maybe("requests", &|v| v.one_of(&modes))?.unwrap_or(Mode::Enforce);
        let max_body_bytes = view.maybe("max_body_bytes", &limit)?.unwrap_or(1 << 20);
        // In whose words requests are refused; the only ones so far.
        view.maybe("errors", &|v| v.one_of(&[("legacy", ())]))?;
        let plan = view.need("plan", &|v| Ok(Plan::load(v)))??;
        Ok(Config { plan, requests, max_body_bytes })
    }
}

fn limit(view: View<'_>) -> Result<usize, LoadError> {
    let bytes = view.count32()? as usize;
    if (1..=MAX_BODY_BYTES).contains(&bytes) {
        return Ok(bytes);
    }
    Err(view.error(format!("must be from 1 to {MAX_BODY_BYTES}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: &str = r#"{"format":"cutover-plan/2","routes":[],"operations":{}}"#;

    fn refused(text: &str) -> String {
        Config::parse(text.as_bytes()).map(|_| ()).expect_err(text).to_string()
    }

    #[test]
    fn a_plan_is_enough() {
        let config = Config::parse(format!(r#"{{"plan":{PLAN}}}"#).as_bytes()).unwrap();
        assert_eq!((config.requests, config.max_body_bytes), (Mode::Enforce, 1_048_576));
    }

    #[test]
    fn every_mistake_names_its_field() {
        for (text, named) in [
            (r#"{"plan":{}}"#.to_owned(), "plan: the field `format` is missing"),
            (format!(r#"{{"plan":{PLAN},"mode":1}}"#), "unknown field `mode`, known are plan, requests"),
            (format!(r#"{{"plan":{PLAN},"requests":"audit"}}"#), "requests: is `audit`, must be one of enforce"),
            (format!(r#"{{"plan":{PLAN},"max_body_bytes":0}}"#), "max_body_bytes: must be from 1 to"),
            (format!(r#"{{"plan":{PLAN},"max_body_bytes":"1MiB"}}"#), "max_body_bytes: must be a number"),
            (format!(r#"{{"plan":{PLAN},"errors":"problem"}}"#), "errors: is `problem`, must be one of legacy"),
            (r#"{"plan":{"format":"x/2","routes":[],"operations":{}}}"#.to_owned(), "the plan has the format `x/2`"),
            (r#"{"requests":"off"}"#.to_owned(), "the field `plan` is missing"),
            ("{".to_owned(), "not well-formed JSON"),
            (
                r#"{"plan":{"format":"cutover-plan/2","routes":[],"operations":{"a":{"query":[{"name":"x","schema":7}]}}}}"#
                    .to_owned(),
                "the plan refers to schema 7",
            ),
            (
                r#"{"plan":{"format":"cutover-plan/2","routes":[],"operations":{"a":{"query":[{"name":1}]}}}}"#.to_owned(),
                "plan.operations.a.query[0].name: must be text",
            ),
        ] {
            assert!(refused(&text).contains(named), "{text}: {}", refused(&text));
        }
    }
}

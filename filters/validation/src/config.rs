//! The plugin's configuration, checked before anything depends on it.

use cutover_plan::Plan;
use serde::Deserialize;

/// The longest body there can be a reason for: it is held in memory while it is awaited.
const MAX_BODY_BYTES: u64 = 256 << 20;

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// They are refused.
    Enforce,
    /// They are noted and go on.
    Report,
    /// Nobody looks.
    Off,
}

/// In whose words requests are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Words {
    /// Those of the legacy gateway.
    Legacy,
}

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Not JSON, or not of this shape.
    #[error(
        "{0}; it has the form {{\"plan\":…, \"requests\":\"enforce\", \"max_body_bytes\":1048576, \"errors\":\"legacy\"}}"
    )]
    Malformed(#[from] serde_json::Error),
    /// A limit outside its range.
    #[error("max_body_bytes is {0}, it must be from 1 to {MAX_BODY_BYTES}")]
    MaxBody(u64),
    /// Not the plan of this version.
    #[error("plan: {0}")]
    Plan(#[from] cutover_plan::PlanError),
}

/// The configuration as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(deserialize_with = "named_plan")]
    plan: Plan,
    #[serde(default = "enforce", deserialize_with = "named_mode")]
    requests: Mode,
    #[serde(default = "one_mebibyte", deserialize_with = "named_limit")]
    max_body_bytes: u64,
    #[serde(default = "legacy", deserialize_with = "named_words")]
    errors: Words,
}

impl Config {
    /// Reads a configuration.
    ///
    /// # Errors
    /// Names the field and what is wrong with it.
    pub fn parse(text: &[u8]) -> Result<Config, ConfigError> {
        let Written { plan, requests, max_body_bytes, errors } = serde_json::from_slice(text)?;
        let Words::Legacy = errors;
        let limit = usize::try_from(max_body_bytes)
            .ok()
            .filter(|limit| (1..=MAX_BODY_BYTES).contains(&(*limit as u64)));
        let max_body_bytes = limit.ok_or(ConfigError::MaxBody(max_body_bytes))?;
        Ok(Config { plan: plan.checked()?, requests, max_body_bytes })
    }
}

fn enforce() -> Mode {
    Mode::Enforce
}

fn one_mebibyte() -> u64 {
    1 << 20
}

fn legacy() -> Words {
    Words::Legacy
}

fn named_plan<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Plan, D::Error> {
    named("plan", deserializer)
}

fn named_mode<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Mode, D::Error> {
    named("requests", deserializer)
}

fn named_limit<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    named("max_body_bytes", deserializer)
}

fn named_words<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Words, D::Error> {
    named("errors", deserializer)
}

/// Puts the field's name before what is wrong with its value.
fn named<'de, T: Deserialize<'de>, D: serde::Deserializer<'de>>(
    field: &str,
    deserializer: D,
) -> Result<T, D::Error> {
    T::deserialize(deserializer).map_err(|error| serde::de::Error::custom(format!("{field}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: &str = r#"{"format":"cutover-plan/1","routes":[],"operations":{}}"#;

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
            (r#"{"plan":{}}"#.to_owned(), "plan: missing field `format`"),
            (format!(r#"{{"plan":{PLAN},"mode":1}}"#), "unknown field `mode`"),
            (format!(r#"{{"plan":{PLAN},"requests":"audit"}}"#), "requests: unknown variant `audit`"),
            (format!(r#"{{"plan":{PLAN},"max_body_bytes":0}}"#), "max_body_bytes is 0"),
            (format!(r#"{{"plan":{PLAN},"max_body_bytes":"1MiB"}}"#), "max_body_bytes: invalid type: string"),
            (format!(r#"{{"plan":{PLAN},"errors":"problem"}}"#), "errors: unknown variant `problem`"),
            (r#"{"plan":{"format":"x/2","routes":[],"operations":{}}}"#.to_owned(), "the plan has the format `x/2`"),
            (r#"{"requests":"off"}"#.to_owned(), "missing field `plan`"),
            (
                r#"{"plan":{"format":"cutover-plan/1","routes":[],"operations":{"a":{"query":[{"name":"x","schema":7}]}}}}"#
                    .to_owned(),
                "the plan refers to schema 7",
            ),
        ] {
            assert!(refused(&text).contains(named), "{text}: {}", refused(&text));
        }
    }
}

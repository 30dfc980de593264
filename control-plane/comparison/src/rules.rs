//! Differences that are known and allowed, each with its reason, as operators write them in a file.

use std::fmt;
use std::str::FromStr;

use cutover_domain::OperationId;
use serde::{Deserialize, Serialize};

use crate::difference::{Difference, Kind, Place};
use crate::path::{Pattern, PatternError};

/// A rules file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// It is no JSON of the right form.
    #[error("{0}")]
    Form(#[from] serde_json::Error),
    /// A rule has a reason without words.
    #[error("rule {number}: reason is empty; say why the difference is allowed")]
    NoReason {
        /// The rule's number, from 1.
        number: usize,
    },
}

/// One allowed difference.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The operation, or `*` for all.
    pub operation: Scope,
    /// The place, in the words of a report: `status`, `header vary`, `body /items/*/updatedAt`.
    pub at: Where,
    /// How they may differ: `missing`, `extra`, `type`, `value` or `*`.
    pub kind: AnyKind,
    /// Only where exactly this was expected, as a report shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// Only where exactly this came, as a report shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actual: Option<String>,
    /// Why it is allowed.
    pub reason: String,
}

/// The operations of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub enum Scope {
    /// Every operation.
    All,
    /// One operation.
    One(OperationId),
}

impl TryFrom<String> for Scope {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::All);
        }
        text.parse().map(Self::One).map_err(|error| format!("operation: {error}, or `*` for all"))
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::All => "*".to_owned(),
            Scope::One(operation) => operation.to_string(),
        }
    }
}

/// The places of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Where {
    text: String,
    place: PlacePattern,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum PlacePattern {
    Status,
    Header(String),
    Body(Pattern),
}

/// A text that names no place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WhereError {
    /// It starts with none of the known words.
    #[error("at: `{0}` is no place; write `status`, `header NAME`, `body` or `body /PATH`")]
    Unknown(String),
    /// Its body path is no pattern.
    #[error("at: {0}")]
    Pattern(#[from] PatternError),
}

impl FromStr for Where {
    type Err = WhereError;

    fn from_str(text: &str) -> Result<Self, WhereError> {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        let rest = rest.trim();
        let place = match word {
            "status" if rest.is_empty() => PlacePattern::Status,
            "header" if !rest.is_empty() => PlacePattern::Header(rest.to_ascii_lowercase()),
            "body" => PlacePattern::Body(rest.parse()?),
            _ => return Err(WhereError::Unknown(text.to_owned())),
        };
        Ok(Self { text: text.to_owned(), place })
    }
}

impl TryFrom<String> for Where {
    type Error = WhereError;

    fn try_from(text: String) -> Result<Self, WhereError> {
        text.parse()
    }
}

impl From<Where> for String {
    fn from(place: Where) -> Self {
        place.text
    }
}

impl Where {
    fn matches(&self, place: &Place) -> bool {
        match (&self.place, place) {
            (PlacePattern::Status, Place::Status) => true,
            (PlacePattern::Header(name), Place::Header(own)) => name == own,
            (PlacePattern::Body(pattern), Place::Body(path)) => pattern.matches(path),
            _ => false,
        }
    }
}

/// The kinds of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
pub enum AnyKind {
    /// Whatever the kind.
    #[serde(rename = "*")]
    Any,
    /// [`Kind::Missing`]
    #[serde(rename = "missing")]
    Missing,
    /// [`Kind::Extra`]
    #[serde(rename = "extra")]
    Extra,
    /// [`Kind::Type`]
    #[serde(rename = "type")]
    Type,
    /// [`Kind::Value`]
    #[serde(rename = "value")]
    Value,
}

impl AnyKind {
    fn matches(self, kind: Kind) -> bool {
        match self {
            Self::Any => true,
            Self::Missing => kind == Kind::Missing,
            Self::Extra => kind == Kind::Extra,
            Self::Type => kind == Kind::Type,
            Self::Value => kind == Kind::Value,
        }
    }
}

impl Rule {
    /// Whether it allows a difference in an operation's answers.
    pub fn allows(&self, operation: &OperationId, difference: &Difference) -> bool {
        let Difference { at, kind, expected, actual } = difference;
        let operation_fits = match &self.operation {
            Scope::All => true,
            Scope::One(own) => own == operation,
        };
        let fits = |wanted: &Option<String>, shown: &Option<String>| wanted.is_none() || wanted == shown;
        operation_fits
            && self.at.matches(at)
            && self.kind.matches(*kind)
            && fits(&self.expected, expected)
            && fits(&self.actual, actual)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} ({})", self.at.text, String::from(self.operation.clone()), self.reason)
    }
}

/// The allowed differences of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules(Vec<Rule>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RulesFile {
    rules: Vec<Rule>,
}

/// The differences of one pair of answers, told apart.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Judgement {
    /// Differences that no rule allows.
    pub unexplained: Vec<Difference>,
    /// Differences that a rule allows, with its reason.
    pub allowed: Vec<(Difference, String)>,
}

/// How often each rule was needed; made by [`Rules::ledger`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger(Vec<u64>);

impl Rules {
    /// Reads `{"rules": [{"operation", "at", "kind", "expected"?, "actual"?, "reason"}, …]}`.
    ///
    /// # Errors
    /// On anything but that; unknown fields are refused, so that a misspelt one cannot make a rule wider.
    pub fn from_json(text: &str) -> Result<Self, RulesError> {
        let RulesFile { rules } = serde_json::from_str(text)?;
        Self::new(rules)
    }

    /// Takes rules that were read as part of another file.
    ///
    /// # Errors
    /// When one has no reason.
    pub fn new(rules: Vec<Rule>) -> Result<Self, RulesError> {
        match rules.iter().position(|rule| rule.reason.trim().is_empty()) {
            Some(index) => Err(RulesError::NoReason { number: index + 1 }),
            None => Ok(Self(rules)),
        }
    }

    /// A fresh count of how often each rule is needed.
    pub fn ledger(&self) -> Ledger {
        Ledger(vec![0; self.0.len()])
    }

    /// Tells the allowed differences from the others, and notes in the ledger which rules that took. The first rule
    /// that fits counts.
    pub fn judge(&self, operation: &OperationId, found: Vec<Difference>, ledger: &mut Ledger) -> Judgement {
        let mut judgement = Judgement::default();
        for difference in found {
            match self.0.iter().position(|rule| rule.allows(operation, &difference)) {
                Some(index) => {
                    if let Some(count) = ledger.0.get_mut(index) {
                        *count += 1;
                    }
                    judgement.allowed.push((difference, self.0[index].reason.clone()));
                }
                None => judgement.unexplained.push(difference),
            }
        }
        judgement
    }

    /// The rules that allowed nothing. They hide a future difference, so they should go.
    pub fn unused<'a>(&'a self, ledger: &'a Ledger) -> impl Iterator<Item = &'a Rule> {
        self.0.iter().zip(&ledger.0).filter(|(_, count)| **count == 0).map(|(rule, _)| rule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::Answer;
    use crate::difference::compare;

    fn rules(json: &str) -> Rules {
        Rules::from_json(&format!(r#"{{"rules":[{json}]}}"#)).unwrap()
    }

    fn refusal(json: &str) -> String {
        Rules::from_json(&format!(r#"{{"rules":[{json}]}}"#)).unwrap_err().to_string()
    }

    fn judge(
        rules: &Rules,
        operation: &str,
        expected: (u16, &str),
        actual: (u16, &str),
    ) -> (Judgement, Ledger) {
        let answer = |(status, body): (u16, &str)| {
            Answer::new(status, [("content-type", "application/json")], body.as_bytes())
        };
        let mut ledger = rules.ledger();
        let found = compare(&answer(expected), &answer(actual), &[]);
        (rules.judge(&operation.parse().unwrap(), found, &mut ledger), ledger)
    }

    const UPDATED: &str = r#"{"operation":"listTasks","at":"body /items/*/updatedAt","kind":"value","reason":"each side has its clock"}"#;

    #[test]
    fn an_allowed_difference_is_told_with_its_reason() {
        let rules = rules(UPDATED);
        let (one, other) =
            (r#"{"items":[{"id":1,"updatedAt":"a"}]}"#, r#"{"items":[{"id":2,"updatedAt":"b"}]}"#);
        let (judgement, ledger) = judge(&rules, "listTasks", (200, one), (200, other));
        assert_eq!(judgement.unexplained.len(), 1);
        assert_eq!(judgement.unexplained[0].at.to_string(), "body /items/0/id");
        assert_eq!(judgement.allowed[0].1, "each side has its clock");
        assert_eq!(rules.unused(&ledger).count(), 0);
    }

    #[test]
    fn what_lies_behind_too_many_allowed_differences_is_not_allowed_unseen() {
        let body = |clock: &str, total: u32| {
            let items = vec![format!(r#"{{"updatedAt":"{clock}"}}"#); 200].join(",");
            format!(r#"{{"items":[{items}],"total":{total}}}"#)
        };
        let (one, other) = (body("a", 1), body("b", 2));
        let unexplained =
            |rules: &Rules| judge(rules, "listTasks", (200, &one), (200, &other)).0.unexplained.len();
        assert_eq!(unexplained(&rules(UPDATED)), 1);
        assert_eq!(unexplained(&rules(&UPDATED.replace("/items/*/updatedAt", "/**"))), 0);
    }

    #[test]
    fn a_rule_of_another_operation_or_kind_allows_nothing_and_is_reported() {
        let rules = rules(UPDATED);
        let (judgement, ledger) =
            judge(&rules, "getTask", (200, r#"{"updatedAt":"a"}"#), (200, r#"{"updatedAt":"b"}"#));
        assert_eq!(judgement.unexplained.len(), 1);
        assert_eq!(
            rules.unused(&ledger).map(ToString::to_string).collect::<Vec<_>>(),
            ["body /items/*/updatedAt of listTasks (each side has its clock)"]
        );
        let one = (200, r#"{"items":[{"updatedAt":"a"}]}"#);
        let (judgement, _) = judge(&rules, "listTasks", one, (200, r#"{"items":[{}]}"#));
        assert_eq!(judgement.unexplained[0].kind, Kind::Missing);
    }

    #[test]
    fn a_rule_can_be_held_to_exact_values() {
        let rules = rules(
            r#"{"operation":"*","at":"status","kind":"value","expected":"413","actual":"400","reason":"limit"}"#,
        );
        assert_eq!(judge(&rules, "createTask", (413, ""), (400, "")).0.unexplained, []);
        assert_eq!(judge(&rules, "createTask", (413, ""), (500, "")).0.unexplained.len(), 1);
    }

    #[test]
    fn a_file_that_cannot_be_meant_is_refused() {
        for (json, word) in [
            (r#"{"operation":"*","at":"status","kind":"value"}"#, "missing field `reason`"),
            (r#"{"operation":"*","at":"status","kind":"value","reason":" "}"#, "rule 1: reason is empty"),
            (
                r#"{"operation":"*","at":"status","kind":"value","reason":"a","side":"rust"}"#,
                "unknown field `side`",
            ),
            (r#"{"operation":"a b","at":"status","kind":"value","reason":"a"}"#, "operation: "),
            (r#"{"operation":"*","at":"vary","kind":"value","reason":"a"}"#, "`vary` is no place"),
            (r#"{"operation":"*","at":"body items","kind":"value","reason":"a"}"#, "must start with `/`"),
            (r#"{"operation":"*","at":"status","kind":"other","reason":"a"}"#, "unknown variant `other`"),
        ] {
            let message = refusal(json);
            assert!(message.contains(word), "{json}: {message}");
        }
    }
}

//! Asks both sides and tells where they answer differently.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use anyhow::{Context, Result};
use cutover_comparison::{Answer, Body, Difference, HeaderCheck, HeaderRule, Rule, Rules, compare};
use reqwest::Client;
use serde::Deserialize;

use super::requests::Generated;
use crate::client::send;
use crate::exchange::{Target, reset};

/// What a client can tell a refusal's kind by.
const HEADERS: &[(&str, HeaderCheck)] = &[
    ("content-type", HeaderCheck::Exact),
    ("allow", HeaderCheck::Exact),
    ("www-authenticate", HeaderCheck::Exact),
];

/// How many differences a report shows.
const SHOWN: usize = 60;

/// What one side answered.
#[derive(Debug)]
pub struct Seen {
    /// The side, as it says itself.
    pub side: Option<String>,
    answer: Answer,
}

/// The differences that are allowed; each entry is of the requests in which one thing is so.
#[derive(Debug, Clone, Default)]
pub struct Exceptions(Vec<(String, Rules)>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    what: String,
    rules: Vec<Rule>,
}

impl Exceptions {
    /// Reads `[{"what": "the bytes: a member twice", "rules": [rule, …]}, …]`; `what` is the whole of the word a report has
    /// for it, a rule is as [`Rules`] has it.
    ///
    /// # Errors
    /// When it is not that.
    pub fn parse(text: &str) -> Result<Self> {
        let entries: Vec<Entry> = serde_json::from_str(text)?;
        let rules = |Entry { what, rules }| {
            let rules = Rules::new(rules).with_context(|| format!("`{what}`"))?;
            Ok((what, rules))
        };
        entries.into_iter().map(rules).collect::<Result<_>>().map(Self)
    }
}

/// What came of a comparison.
#[derive(Debug, Default)]
pub struct Parity {
    /// How often each status was answered, by the side that was asked first.
    pub statuses: BTreeMap<u16, usize>,
    /// Requests that were answered alike, or with a difference that is allowed.
    pub alike: usize,
    /// Of these, with a difference that is allowed.
    pub excepted: usize,
    /// What was answered differently, and how.
    pub differing: Vec<(String, Vec<Difference>)>,
    /// Exceptions that nothing needed.
    pub unused: BTreeSet<String>,
}

/// Asks a gateway everything, in order; data that a request has changed is put back before the next.
///
/// # Errors
/// When the gateway does not answer, or an upstream's control does not.
pub async fn ask(target: &Target, requests: &[Generated]) -> Result<Vec<Seen>> {
    let control = Client::new();
    let mut seen = Vec::with_capacity(requests.len());
    let mut changed = true;
    for generated in requests {
        if changed {
            reset(&control, &target.upstreams).await?;
        }
        let mut request = generated.request.clone();
        for (_, value) in &mut request.headers {
            *value = target.tokens.fill(value)?;
        }
        let incoming =
            send(&target.gateway, request).await.with_context(|| format!("{generated}: no answer"))?;
        changed = generated.request.method != "GET" && incoming.status < 400;
        let headers = incoming.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let mut answer = Answer::new(incoming.status, headers, &incoming.body);
        answer.body = match answer.body {
            Body::Json(mut body) if incoming.status >= 400 => {
                body.as_object_mut().map(|members| members.remove("requestId"));
                Body::Json(body)
            }
            // What a service has answered is the replay's business.
            _ if incoming.status < 400 => Body::Empty,
            other => other,
        };
        let side = answer.header("x-cutover-side").next().map(ToOwned::to_owned);
        seen.push(Seen { side, answer });
    }
    reset(&control, &target.upstreams).await?;
    Ok(seen)
}

/// Compares what two sides answered to the same requests.
///
/// # Errors
/// When an operation's name is none.
pub fn judge(
    requests: &[Generated],
    expected: &[Seen],
    actual: &[Seen],
    exceptions: &Exceptions,
) -> Result<Parity> {
    let mut ledgers: Vec<_> = exceptions.0.iter().map(|(_, rules)| rules.ledger()).collect();
    let headers: Vec<_> = HEADERS.iter().map(|(name, check)| HeaderRule::new(name, *check)).collect();
    let mut parity = Parity::default();
    for ((generated, expected), actual) in requests.iter().zip(expected).zip(actual) {
        *parity.statuses.entry(expected.answer.status).or_default() += 1;
        let operation = generated.operation.parse().context("an operation's name")?;
        let mut left = compare(&expected.answer, &actual.answer, &headers);
        let differs = !left.is_empty();
        for ((what, rules), ledger) in exceptions.0.iter().zip(&mut ledgers) {
            if generated.is_about(what) {
                left = rules.judge(&operation, left, ledger).unexplained;
            }
        }
        if left.is_empty() {
            parity.alike += 1;
            parity.excepted += usize::from(differs);
        } else {
            parity.differing.push((generated.to_string(), left));
        }
    }
    for ((what, rules), ledger) in exceptions.0.iter().zip(&ledgers) {
        parity.unused.extend(rules.unused(ledger).map(|rule| format!("{what}: {rule}")));
    }
    Ok(parity)
}

impl Generated {
    /// Whether a thing is so in it, alone or among others.
    fn is_about(&self, what: &str) -> bool {
        self.what == what || self.what.split(" + ").any(|one| one.ends_with(&format!(": {what}")))
    }
}

impl fmt::Display for Generated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}: {}", self.operation, self.place, self.what)
    }
}

impl fmt::Display for Parity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (request, differences) in self.differing.iter().take(SHOWN) {
            writeln!(f, "{request}")?;
            for difference in differences.iter().take(4) {
                writeln!(f, "    {difference}")?;
            }
        }
        let all = self.alike + self.differing.len();
        write!(f, "{} of {all} answered alike, {} of them with an exception", self.alike, self.excepted)?;
        write!(f, "; statuses {:?}", self.statuses)
    }
}

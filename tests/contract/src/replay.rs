//! Replays a recording against a gateway and tells where it drifts.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cutover_comparison::{
    Answer, Body, Difference, HeaderCheck, HeaderRule, Judgement, Ledger, Rule, Rules, compare,
};
use serde::Deserialize;
use serde_json::Value;

use crate::exchange::{Observed, Target, run, tidy};
use crate::har::{Entry, Har, Response};

/// The headers a client can rely on, and those that must not be there.
const HEADERS: &[(&str, HeaderCheck)] = &[
    ("content-type", HeaderCheck::Exact),
    ("content-encoding", HeaderCheck::Exact),
    ("location", HeaderCheck::Exact),
    ("allow", HeaderCheck::Exact),
    ("www-authenticate", HeaderCheck::Exact),
    ("retry-after", HeaderCheck::Exact),
    ("vary", HeaderCheck::Words),
    ("cache-control", HeaderCheck::Exact),
    ("etag", HeaderCheck::Exact),
    ("x-request-id", HeaderCheck::Exact),
    ("traceparent", HeaderCheck::Present),
    ("x-powered-by", HeaderCheck::Present),
    ("server", HeaderCheck::Present),
    ("x-envoy-upstream-service-time", HeaderCheck::Present),
];

/// A report shows so many differences of one exchange; an answer of another status differs in everything.
const SHOWN: usize = 6;

/// The differences that are allowed, of answers and of requests as they arrive at an upstream.
#[derive(Debug, Clone, Default)]
pub struct Allowed {
    answers: Rules,
    upstream: Rules,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AllowedFile {
    answers: Vec<Rule>,
    upstream: Vec<Rule>,
}

impl Allowed {
    /// Reads `{"answers": [rule, …], "upstream": [rule, …]}`; a rule is as [`Rules`] has it, and an upstream's place is
    /// `body /path`, `body /headers/NAME` and so on.
    ///
    /// # Errors
    /// When the file cannot be read or is not that.
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).with_context(|| path.display().to_string())
    }

    /// The same from a text.
    ///
    /// # Errors
    /// When it is not that.
    pub fn parse(text: &str) -> Result<Self> {
        let AllowedFile { answers, upstream } = serde_json::from_str(text)?;
        Ok(Self {
            answers: Rules::new(answers).context("answers")?,
            upstream: Rules::new(upstream).context("upstream")?,
        })
    }
}

/// How one exchange went.
#[derive(Debug)]
pub struct Outcome {
    /// The exchange's name.
    pub name: String,
    /// Its operation.
    pub operation: String,
    /// The recorded status.
    pub expected: u16,
    /// The status now; none when there was no answer.
    pub actual: Option<u16>,
    /// The side that answered, as `x-cutover-side` says.
    pub side: Option<String>,
    /// Differences of the answer.
    pub answer: Judgement,
    /// Differences of the request as it arrived at the upstream.
    pub upstream: Judgement,
    /// Why there is nothing to compare.
    pub failure: Option<String>,
}

impl Outcome {
    /// Whether the exchange went otherwise than recorded, in a way that no rule allows.
    #[must_use]
    pub fn drifted(&self) -> bool {
        self.failure.is_some() || !self.answer.unexplained.is_empty() || !self.upstream.unexplained.is_empty()
    }
}

/// How a replay went; shown as a table.
#[derive(Debug)]
pub struct Report {
    /// Every exchange in the recording's order.
    pub outcomes: Vec<Outcome>,
    /// The rules that allowed nothing in this run. A rule that no side needs should go.
    pub unused: BTreeSet<String>,
}

impl Report {
    /// How many exchanges drifted.
    #[must_use]
    pub fn drifted(&self) -> usize {
        self.outcomes.iter().filter(|outcome| outcome.drifted()).count()
    }

    /// The sides that answered, each once; empty where no answer named one.
    #[must_use]
    pub fn sides(&self) -> BTreeSet<&str> {
        self.outcomes.iter().filter_map(|outcome| outcome.side.as_deref()).collect()
    }
}

/// Replays every exchange of a recording, one after the other.
///
/// # Errors
/// When an upstream's control does not answer, or a token or an operation's name is unusable. A gateway that does not
/// answer is an outcome, not an error.
pub async fn replay(har: &Har, target: &Target, allowed: &Allowed) -> Result<Report> {
    let mut ledgers = (allowed.answers.ledger(), allowed.upstream.ledger());
    let mut outcomes = Vec::new();
    // Faults must not outlive the exchange they are for: the upstreams are tidy before the first and after the last.
    tidy(target).await?;
    for entry in &har.log.entries {
        let observed = run(target, &entry.faults, &entry.request).await;
        outcomes.push(judge(entry, observed, allowed, &mut ledgers)?);
    }
    tidy(target).await?;
    let unused =
        |rules: &Rules, ledger: &Ledger| rules.unused(ledger).map(ToString::to_string).collect::<Vec<_>>();
    let unused = [unused(&allowed.answers, &ledgers.0), unused(&allowed.upstream, &ledgers.1)].concat();
    Ok(Report { outcomes, unused: unused.into_iter().collect() })
}

fn judge(
    entry: &Entry,
    observed: Result<Observed>,
    allowed: &Allowed,
    ledgers: &mut (Ledger, Ledger),
) -> Result<Outcome> {
    let operation = entry.operation.parse().with_context(|| entry.title())?;
    let mut outcome = Outcome {
        name: entry.title(),
        operation: entry.operation.clone(),
        expected: entry.response.status,
        actual: None,
        side: None,
        answer: Judgement::default(),
        upstream: Judgement::default(),
        failure: None,
    };
    let Observed { response, upstream, side } = match observed {
        Ok(observed) => observed,
        Err(error) => {
            outcome.failure = Some(format!("{error:#}"));
            return Ok(outcome);
        }
    };
    let headers: Vec<_> = HEADERS.iter().map(|(name, check)| HeaderRule::new(name, *check)).collect();
    let found = compare(&answer(&entry.response), &answer(&response), &headers);
    outcome.answer = allowed.answers.judge(&operation, found, &mut ledgers.0);
    let found = compare(&arrival(entry.upstream.as_ref()), &arrival(upstream.as_ref()), &[]);
    outcome.upstream = allowed.upstream.judge(&operation, found, &mut ledgers.1);
    outcome.actual = Some(response.status);
    outcome.side = side;
    Ok(outcome)
}

fn answer(response: &Response) -> Answer {
    let headers = response.headers.iter().map(|pair| (pair.name.as_str(), pair.value.as_str()));
    let text = response.content.text.as_bytes();
    let body = match response.content.encoding.as_deref() {
        Some("base64") => STANDARD.decode(text).unwrap_or_default(),
        _ => text.to_vec(),
    };
    Answer::new(response.status, headers, &body)
}

/// A request at an upstream in the form that the comparison knows; no request is no body.
fn arrival(upstream: Option<&Value>) -> Answer {
    let body = upstream.map_or(Body::Empty, |request| Body::Json(request.clone()));
    Answer { status: 0, headers: Vec::new(), body }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width =
            |text: fn(&Outcome) -> &str| self.outcomes.iter().map(|one| text(one).chars().count()).max();
        let operation = width(|one| &one.operation).unwrap_or(0);
        let name = width(|one| &one.name).unwrap_or(0);
        for outcome in &self.outcomes {
            let verdict = if outcome.drifted() {
                "DRIFT"
            } else if outcome.answer.allowed.is_empty() && outcome.upstream.allowed.is_empty() {
                "equal"
            } else {
                "allowed"
            };
            let status = outcome.actual.map_or_else(|| "-".to_owned(), |status| status.to_string());
            let side = outcome.side.as_deref().unwrap_or("-");
            writeln!(
                f,
                "{verdict:7}  {expected} {status:3}  {side:4}  {op:operation$}  {title:name$}",
                expected = outcome.expected,
                op = outcome.operation,
                title = outcome.name,
            )?;
            outcome.write_details(f)?;
        }
        for rule in &self.unused {
            writeln!(f, "unused rule: {rule}")?;
        }
        write!(f, "{} exchanges, {} drifted", self.outcomes.len(), self.drifted())
    }
}

impl Outcome {
    fn write_details(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(failure) = &self.failure {
            writeln!(f, "         {failure}")?;
        }
        for (place, judgement) in [("", &self.answer), ("upstream: ", &self.upstream)] {
            for difference in judgement.unexplained.iter().take(SHOWN) {
                writeln!(f, "         {place}{difference}")?;
            }
            if let Some(more) = judgement.unexplained.len().checked_sub(SHOWN).filter(|more| *more > 0) {
                writeln!(f, "         {place}{more} more")?;
            }
            for (Difference { at, .. }, reason) in &judgement.allowed {
                writeln!(f, "         {place}{at} may differ: {reason}")?;
            }
        }
        Ok(())
    }
}

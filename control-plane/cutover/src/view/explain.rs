//! What would become of a request, on one screen.

use std::collections::BTreeMap;

use cutover_plan::legacy::{CONTENT_TYPE, Refusal};
use cutover_plan::{Pass, Route, SchemeScopes};
use serde_json::{Value, json};

use super::table::table;
use crate::explain::{ErrorLine, Judgement, Request, Summary, Tally};

/// Where a request would go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Side {
    /// Nobody was asked.
    Unasked,
    /// Nobody could say, and why.
    Unknown(String),
    /// By weight.
    Weight {
        weight: cutover_domain::Weight,
        /// What answers on the rust side.
        rust: String,
    },
}

/// Everything there is to tell about one request.
#[derive(Debug)]
pub(crate) struct Explanation<'a> {
    pub(crate) request: &'a Request,
    pub(crate) judgement: Judgement<'a>,
    pub(crate) side: Side,
    /// What the gateway does with invalid requests, where it does not refuse them: `report` or `off`.
    pub(crate) lenient: Option<String>,
}

/// Places and parameters that are shown; a screen has room for no more.
const MOST_LINES: usize = 12;
/// Characters of an answer's body that are shown.
const MOST_BODY: usize = 600;
/// Stands for what only the running gateway knows.
const SOME_ID: &str = "(the request's id)";

/// What becomes of a request, as text for people.
pub(crate) fn explanation(explained: &Explanation<'_>) -> String {
    let Explanation { request, judgement, side, lenient } = explained;
    let mut sheet = Sheet::default();
    match judgement.route {
        Some(route) => sheet.row("operation", [format!("{}  {} {}", route.id, route.method, route.path)]),
        None => sheet.row("operation", ["none: it has the name `unmatched`".to_owned()]),
    }
    let params = judgement.params.iter().map(|(name, value)| format!("{name} = {value}"));
    sheet.row("", shorten(params.collect()));
    sheet.row("side", side_text(side));
    sheet.row("auth", judgement.route.map(auth_text));
    sheet.row("validation", validation_text(judgement, lenient.as_deref()));
    match &judgement.outcome {
        Ok(pass) => sheet.row("added", added(pass)),
        Err(refusal) => {
            sheet.row("answer", answer_text(refusal, request));
            let untyped = refusal.status == 415 && request.header("content-type").is_none();
            sheet.row(
                "hint",
                untyped
                    .then(|| "say what the body is, such as -H 'content-type: application/json'".to_owned()),
            );
        }
    }
    format!("{} {}\n\n{}", plain(&request.method), plain(&request.target), sheet.0)
}

/// Lines with a name in front.
#[derive(Default)]
struct Sheet(String);

impl Sheet {
    fn row(&mut self, name: &str, lines: impl IntoIterator<Item = String>) {
        for (index, line) in lines.into_iter().enumerate() {
            let name = if index == 0 { name } else { "" };
            self.0.push_str(format!("  {name:<12}{}", plain(&line)).trim_end());
            self.0.push('\n');
        }
    }
}

fn side_text(side: &Side) -> Option<String> {
    match side {
        Side::Unasked => None,
        Side::Unknown(why) => Some(format!("unknown: {why}")),
        Side::Weight { weight, rust } => Some(match weight.basis_points() {
            0 => format!("node (rust side: {rust}, 0%); what follows holds for the rust side"),
            points if points == cutover_domain::Weight::FULL.basis_points() => format!("rust ({rust})"),
            _ => format!("rust ({rust}) for {weight} of the requests, node for the rest"),
        }),
    }
}

fn auth_text(route: &Route) -> String {
    let required = route.security.iter().filter(|all| !all.is_empty());
    let ways = required.map(|all| all.iter().map(scheme_text).collect::<Vec<_>>().join(" and "));
    let ways = ways.collect::<Vec<_>>().join(", or ");
    match access(route) {
        "public" => "public: no token is looked at".to_owned(),
        "optional" if ways.is_empty() => "optional: a token must be good if there is one".to_owned(),
        "optional" => format!("optional: a token must be good if there is one ({ways})"),
        _ => format!("{ways}; 401 without a token, 403 without its scopes"),
    }
}

/// What the contract's `security` comes to, in the words of the auth filter.
fn access(route: &Route) -> &'static str {
    match route.security.as_slice() {
        [] => "public",
        ways if ways.iter().any(Vec::is_empty) => "optional",
        _ => "token",
    }
}

fn scheme_text(scheme: &SchemeScopes) -> String {
    let SchemeScopes { scheme, scopes } = scheme;
    if scopes.is_empty() { scheme.clone() } else { format!("{scheme} with {}", scopes.join(" ")) }
}

fn validation_text(judgement: &Judgement<'_>, lenient: Option<&str>) -> Vec<String> {
    let Err(refusal) = &judgement.outcome else { return vec!["valid".to_owned()] };
    let errors = judgement.errors();
    let noun = if errors.len() == 1 { "error" } else { "errors" };
    let head = format!("invalid: {} with {} {noun}", refusal.status, errors.len());
    let mode =
        lenient.map(|mode| format!("validation.requests is `{mode}`: the request goes on all the same"));
    // One far longer than the others does not push them all aside.
    let width = |of: fn(&ErrorLine) -> usize| errors.iter().map(of).max().unwrap_or_default().min(40);
    let (places, keywords) = (width(|line| line.path.chars().count()), width(|line| line.keyword().len()));
    let lines = errors.iter().map(|line| match keywords {
        0 => format!("{:<places$}  {}", line.path, line.message),
        _ => format!("{:<places$}  {:<keywords$}  {}", line.path, line.keyword(), line.message),
    });
    [head].into_iter().chain(mode).chain(shorten(lines.collect())).collect()
}

fn answer_text(refusal: &Refusal, request: &Request) -> Vec<String> {
    let headers = refusal.headers.iter().map(|(name, value)| format!("{name}: {value}"));
    let body = String::from_utf8_lossy(&refusal.body(id(request))).into_owned();
    let cut = body.char_indices().nth(MOST_BODY).map(|(at, _)| at);
    let body = match cut.and_then(|at| body.get(..at)) {
        Some(start) => format!("{start}… (--json has all of it)"),
        None => body,
    };
    let head = format!("{} {CONTENT_TYPE}", refusal.status);
    [head].into_iter().chain(headers).chain([body]).collect()
}

fn id(request: &Request) -> &str {
    request.header("x-request-id").unwrap_or(SOME_ID)
}

fn added(pass: &Pass) -> Vec<String> {
    let Pass { defaults, headers } = pass;
    let query = defaults.iter().map(|text| format!("to the query: {text}"));
    query.chain(headers.iter().map(|(name, value)| format!("the header {name}: {value}"))).collect()
}

fn shorten(mut lines: Vec<String>) -> Vec<String> {
    let more = lines.len().saturating_sub(MOST_LINES);
    if more > 1 {
        lines.truncate(MOST_LINES);
        lines.push(format!("and {more} more (--json has all of it)"));
    }
    lines
}

/// What a request or a contract says, without anything that steers a terminal.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// What becomes of a request, for programs.
pub(crate) fn explanation_json(explained: &Explanation<'_>) -> Value {
    let Explanation { request, judgement, side, lenient } = explained;
    let route = judgement.route;
    let (added, answer) = match &judgement.outcome {
        Ok(Pass { defaults, headers }) => {
            let headers: BTreeMap<_, _> = headers.iter().cloned().collect();
            (json!({"query": defaults, "headers": headers}), Value::Null)
        }
        Err(refusal) => (Value::Null, answer_json(refusal, request)),
    };
    let mut all = json!({
        "method": request.method,
        "path": request.target,
        "operation": route.map(|route| &route.id),
        "route": route.map(|route| &route.path),
        "parameters": judgement.params.iter().cloned().collect::<BTreeMap<_, _>>(),
        "auth": route.map(|route| json!({"access": access(route), "alternatives": route.security})),
        "valid": judgement.outcome.is_ok(),
        "requests": lenient.as_deref().unwrap_or("enforce"),
        "errors": judgement.errors(),
        "added": added,
        "answer": answer,
    });
    let side = match side {
        Side::Unasked => return all,
        Side::Unknown(why) => json!({"weight": null, "rust": null, "unknown": why}),
        Side::Weight { weight, rust } => json!({"weight": weight, "rust": rust}),
    };
    if let Some(all) = all.as_object_mut() {
        all.insert("side".to_owned(), side);
    }
    all
}

fn answer_json(refusal: &Refusal, request: &Request) -> Value {
    let own = refusal.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let headers: BTreeMap<&str, &str> = own.chain([("content-type", CONTENT_TYPE)]).collect();
    let body: Value = serde_json::from_slice(&refusal.body(id(request))).unwrap_or_default();
    json!({"status": refusal.status, "headers": headers, "body": body})
}

/// What a file of requests came to: the sum, and the operations with invalid ones.
pub(crate) fn summary(summary: &Summary) -> String {
    let Summary { all: Tally { valid, invalid }, unreadable, operations } = summary;
    let count =
        |number: u64, one: &str, more: &str| format!("{number} {}", if number == 1 { one } else { more });
    let requests = count(valid.saturating_add(*invalid), "request", "requests");
    let mut text = format!("{requests}: {valid} valid, {invalid} invalid");
    if *unreadable > 0 {
        text.push_str("; ");
        text.push_str(&count(*unreadable, "line is no request", "lines are no requests"));
    }
    text.push('\n');
    // What is no operation comes last, as in the status.
    let named = operations.iter().filter(|(operation, _)| operation.is_some());
    let all = named.chain(operations.get_key_value(&None));
    let faulty = all.filter(|(_, tally)| tally.invalid > 0);
    let rows: Vec<_> = faulty
        .map(|(operation, Tally { valid, invalid })| {
            let name = operation.as_deref().unwrap_or(cutover_domain::UNMATCHED);
            [name.to_owned(), valid.to_string(), invalid.to_string()]
        })
        .collect();
    if rows.is_empty() { text } else { text + "\n" + &table(["OPERATION", "VALID", "INVALID"], &rows) }
}

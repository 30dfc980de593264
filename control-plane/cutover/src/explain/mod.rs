//! What the gateway's rust side makes of a request, told without sending it.
//!
//! [`judge`] asks the plan exactly what the validation filter asks it, [`lines`] does so for a file of requests.

mod lines;
mod request;

use cutover_plan::legacy::{ErrorItem, Refusal};
use cutover_plan::{Head, Headers, Next, Pass, Plan, Route, RouteMatch, too_large};
use serde::Serialize;

pub(crate) use lines::{Summary, Tally, judge_lines};
pub(crate) use request::{Request, header};

/// What requests are judged by.
#[derive(Debug)]
pub(crate) struct Judge {
    /// The compiled contract.
    pub(crate) plan: Plan,
    /// The longest body in bytes.
    pub(crate) max_body_bytes: usize,
}

/// What a request is, and what becomes of it.
#[derive(Debug)]
pub(crate) struct Judgement<'p> {
    /// The operation, when it is one.
    pub(crate) route: Option<&'p Route>,
    /// The path parameters, decoded.
    pub(crate) params: Vec<(&'p str, String)>,
    /// What is added to a valid request, or what the client of an invalid one gets.
    pub(crate) outcome: Result<Pass, Refusal>,
}

/// One thing that is wrong with a request, as programs read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ErrorLine {
    /// The place in the request, or the request's path.
    pub(crate) path: String,
    pub(crate) message: String,
    #[serde(rename = "errorCode", skip_serializing_if = "Option::is_none")]
    pub(crate) error_code: Option<String>,
    /// The status of the refusal; absent for a line that is no request, which nobody would answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
}

impl Judge {
    /// Judges a request as the validation filter does: by its head, then by its body.
    pub(crate) fn judge(&self, request: &Request) -> Judgement<'_> {
        // One character for each byte, as filter and legacy gateway read a request's line.
        let target: String = request.target.bytes().map(char::from).collect();
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target.as_str(), None),
        };
        let found = self.plan.routes().find(&request.method, path);
        let refusal = Refusal::unmatched(&found, &request.method, path);
        let (route, params) = match (refusal, found) {
            (None, RouteMatch::Operation { route, params }) => (route, params),
            (refusal, _) => {
                let refusal = refusal.unwrap_or_else(|| Refusal::at(404, "not found", path));
                return Judgement { route: None, params: Vec::new(), outcome: Err(refusal) };
            }
        };
        let length = request.undeclared_length();
        let length = length.iter().map(|length| (b"content-length".as_slice(), length.as_bytes()));
        let headers = request.headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        let headers = Headers::new(headers.chain(length));
        let head = Head { path, query, params: &params, headers: &headers };
        let outcome = match self.plan.check_head(&route.id, head, self.max_body_bytes) {
            Next::Done(outcome) => outcome,
            Next::Body(_) if request.body.len() > self.max_body_bytes => Err(too_large(path)),
            Next::Body(pending) => self.plan.check_body(pending, &request.body),
        };
        Judgement { route: Some(route), params, outcome }
    }
}

impl Judgement<'_> {
    /// Everything that is wrong with the request.
    pub(crate) fn errors(&self) -> Vec<ErrorLine> {
        let Err(refusal) = &self.outcome else { return Vec::new() };
        let line = |item: &ErrorItem| {
            let ErrorItem { path, message, error_code } = item.clone();
            ErrorLine { path, message, error_code, status: Some(refusal.status) }
        };
        refusal.errors.iter().map(line).collect()
    }
}

impl ErrorLine {
    /// The keyword of the contract that is violated; nothing for what is not a schema's matter.
    pub(crate) fn keyword(&self) -> &str {
        self.error_code.as_deref().and_then(|code| code.split('.').next()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;

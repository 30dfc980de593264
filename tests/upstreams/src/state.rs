//! Everything the two services hold, and the control requests that look at it or change it.

use serde_json::{Value, json};

use crate::answer::{Answer, Query};
use crate::fault::{Fault, Faults};
use crate::operation::{Call, Operation};
use crate::seen::Seen;
use crate::tasks::Tasks;
use crate::trades::Trades;

/// The state of both services; a control request on either port is about all of it.
#[derive(Debug, Default)]
pub(crate) struct State {
    trades: Trades,
    tasks: Tasks,
    /// The faults in force.
    pub(crate) faults: Faults,
    /// What arrived.
    pub(crate) seen: Seen,
}

/// What an operation reads of a request.
#[derive(Debug)]
pub(crate) struct Input<'a> {
    /// The query string, without `?`.
    pub(crate) query: &'a str,
    /// `idempotency-key`, empty without one.
    pub(crate) idempotency_key: &'a str,
    /// The body.
    pub(crate) body: &'a [u8],
}

impl State {
    /// Carries out an operation.
    pub(crate) fn perform(&mut self, call: &Call, input: &Input<'_>) -> Answer {
        let Input { query, idempotency_key, body } = *input;
        let id = &call.resource;
        match call.operation {
            Operation::ListTrades => self.trades.list(&Query::parse(query)),
            Operation::CreateTrade => self.trades.create(idempotency_key, body),
            Operation::GetTrade => self.trades.get(id),
            Operation::CancelTrade => self.trades.cancel(id),
            Operation::ListTasks => self.tasks.list(&Query::parse(query)),
            Operation::CreateTask => self.tasks.create(body),
            Operation::GetTask => self.tasks.get(id),
            Operation::UpdateTask => self.tasks.update(id, body),
            Operation::CompleteTask => self.tasks.complete(id),
        }
    }

    /// Answers a control request (a path that starts with `/__`): status and JSON body.
    pub(crate) fn control(&mut self, method: &str, path: &str, query: &str, body: &[u8]) -> (u16, Value) {
        match (method, path) {
            ("POST", "/__reset") => {
                *self = Self::default();
                (200, json!({ "reset": true }))
            }
            ("PUT", "/__faults") => match self.put_fault(body) {
                Ok(()) => (200, self.shown_faults()),
                Err(problem) => (400, json!({ "message": problem })),
            },
            ("GET", "/__faults") => (200, self.shown_faults()),
            ("DELETE", "/__faults") => {
                self.faults.clear();
                (200, self.shown_faults())
            }
            ("GET", "/__seen") => {
                let query = Query::parse(query);
                let id = query.first("request_id").unwrap_or_default();
                let missing =
                    || (404, json!({ "message": format!("no request with the id `{id}` arrived") }));
                self.seen.find(id).map_or_else(missing, |arrival| (200, arrival))
            }
            _ => {
                let known = "PUT|GET|DELETE /__faults, GET /__seen?request_id=ID, POST /__reset";
                (404, json!({ "message": format!("no control {method} {path}; there are {known}") }))
            }
        }
    }

    fn put_fault(&mut self, body: &[u8]) -> Result<(), String> {
        let fault: Fault = serde_json::from_slice(body).map_err(|error| format!("fault: {error}"))?;
        self.faults.put(fault).map_err(|error| format!("fault: {error}"))
    }

    fn shown_faults(&self) -> Value {
        json!({ "faults": self.faults.iter().collect::<Vec<_>>() })
    }
}

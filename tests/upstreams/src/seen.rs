//! What arrived at the services, so that a test can ask how its request looked on the other side of the gateway.

use std::collections::VecDeque;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::fault::Side;
use crate::operation::Operation;

/// At most so many requests are remembered, …
const REQUESTS: usize = 4_096;
/// … and at most so many bytes of bodies; the oldest are forgotten first.
const BODY_BYTES: usize = 32 << 20;

/// One request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    /// `x-request-id`, empty without one.
    pub(crate) request_id: String,
    /// Upper-case method.
    pub(crate) method: String,
    /// Path and query, byte for byte.
    pub(crate) target: String,
    /// Every header in the order of arrival; names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: Vec<u8>,
    /// Who called.
    pub(crate) side: Side,
    /// What was asked for, if it is an operation of the service.
    pub(crate) operation: Option<Operation>,
}

/// The newest arrivals.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    arrivals: VecDeque<Arrival>,
    body_bytes: usize,
}

impl Seen {
    /// Remembers a request.
    pub(crate) fn push(&mut self, arrival: Arrival) {
        self.body_bytes += arrival.body.len();
        self.arrivals.push_back(arrival);
        while self.arrivals.len() > REQUESTS || self.body_bytes > BODY_BYTES {
            match self.arrivals.pop_front() {
                Some(oldest) => self.body_bytes -= oldest.body.len(),
                None => return,
            }
        }
    }

    /// The newest request of that id as JSON, with the number of `arrivals` (retries make it more than one).
    pub(crate) fn find(&self, request_id: &str) -> Option<Value> {
        let mut matching = self.arrivals.iter().rev().filter(|arrival| arrival.request_id == request_id);
        let newest = matching.next()?;
        let Arrival { request_id, method, target, headers, body, side, operation } = newest;
        Some(json!({
            "request_id": request_id,
            "method": method,
            "path": target,
            "headers": headers,
            "body": STANDARD.encode(body),
            "side": side,
            "operation": operation.map(Operation::id),
            "arrivals": 1 + matching.count(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrival(id: &str, body: Vec<u8>) -> Arrival {
        Arrival {
            request_id: id.to_owned(),
            method: "GET".to_owned(),
            target: "/v1/task?limit=1".to_owned(),
            headers: vec![("x-user-id".to_owned(), "trader".to_owned())],
            body,
            side: Side::Rust,
            operation: Some(Operation::ListTasks),
        }
    }

    #[test]
    fn the_newest_arrival_of_an_id_is_shown_with_their_number() {
        let mut seen = Seen::default();
        seen.push(arrival("a", b"first".to_vec()));
        seen.push(arrival("a", b"second".to_vec()));
        seen.push(arrival("b", Vec::new()));
        let shown = seen.find("a").unwrap();
        assert_eq!(shown["body"], STANDARD.encode("second"));
        assert_eq!((&shown["arrivals"], &shown["side"]), (&json!(2), &json!("rust")));
        assert_eq!(shown["headers"], json!([["x-user-id", "trader"]]));
        assert_eq!(seen.find("c"), None);
    }

    #[test]
    fn memory_is_bounded_in_requests_and_bytes() {
        let mut seen = Seen::default();
        for number in 0..REQUESTS + 10 {
            seen.push(arrival(&number.to_string(), Vec::new()));
        }
        assert_eq!(seen.arrivals.len(), REQUESTS);
        for _ in 0..40 {
            seen.push(arrival("big", vec![0; 1 << 20]));
        }
        assert!(seen.body_bytes <= BODY_BYTES);
    }
}

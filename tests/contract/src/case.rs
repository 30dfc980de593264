//! One thing to ask of a gateway, written so that a list of them reads as a table.

use serde_json::Value;

use crate::har::{Pair, PostData, Repeat, Request};

/// A request, the faults it meets, and the status it must have.
#[derive(Debug, Clone)]
pub struct Case {
    /// What it shows; unique.
    pub name: String,
    /// The operation; `unmatched` for none.
    pub operation: &'static str,
    /// The status of the answer.
    pub status: u16,
    /// The faults of the upstreams.
    pub faults: Vec<Value>,
    method: &'static str,
    target: &'static str,
    headers: Vec<Pair>,
    body: Option<PostData>,
    chunked: bool,
    withhold: bool,
}

/// A case; a method and a target are still to come.
pub(crate) fn case(operation: &'static str, status: u16, name: &str) -> Case {
    Case {
        name: name.to_owned(),
        operation,
        status,
        faults: Vec::new(),
        method: "GET",
        target: "/",
        headers: Vec::new(),
        body: None,
        chunked: false,
        withhold: false,
    }
}

impl Case {
    pub(crate) fn get(self, target: &'static str) -> Self {
        self.method("GET", target)
    }

    pub(crate) fn post(self, target: &'static str) -> Self {
        self.method("POST", target)
    }

    pub(crate) fn method(mut self, method: &'static str, target: &'static str) -> Self {
        (self.method, self.target) = (method, target);
        self
    }

    /// With the token of that name; a recording holds its name only.
    pub(crate) fn token(self, name: &str) -> Self {
        self.header("authorization", &format!("Bearer {{{{{name}}}}}"))
    }

    pub(crate) fn trader(self) -> Self {
        self.token("trader")
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push(Pair { name: name.to_owned(), value: value.to_owned() });
        self
    }

    /// With a body of a media type.
    pub(crate) fn body(self, media_type: &str, text: &str) -> Self {
        let mut case = self.header("content-type", media_type);
        case.body =
            Some(PostData { mime_type: media_type.to_owned(), text: text.to_owned(), ..PostData::default() });
        case
    }

    pub(crate) fn json(self, text: &str) -> Self {
        self.body("application/json", text)
    }

    /// With a body that no header tells the type of.
    pub(crate) fn untyped_body(mut self, text: &str) -> Self {
        self.body = Some(PostData { text: text.to_owned(), ..PostData::default() });
        self
    }

    /// The body goes on with so many copies of a text.
    pub(crate) fn repeat(mut self, text: &str, times: usize) -> Self {
        if let Some(body) = &mut self.body {
            body.repeat = Some(Repeat { text: text.to_owned(), times });
        }
        self
    }

    /// The body goes without its length.
    pub(crate) fn chunked(mut self) -> Self {
        self.chunked = true;
        self
    }

    /// The end of the body waits for the answer: a refusal must not need it.
    pub(crate) fn withhold(mut self) -> Self {
        self.withhold = true;
        self
    }

    pub(crate) fn fault(mut self, fault: Value) -> Self {
        self.faults.push(fault);
        self
    }

    /// The request in the form of a recording.
    #[must_use]
    pub fn request(&self) -> Request {
        let mut request = Request::new(self.method, self.target, self.headers.clone(), self.body.clone());
        (request.chunked, request.withhold) = (self.chunked, self.withhold);
        request
    }
}

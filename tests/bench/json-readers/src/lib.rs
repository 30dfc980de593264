//! A filter that reads JSON bodies in one of several ways and refuses those that are not what it wants: an object whose
//! `trades` are a list of trades. Every way checks the same ([`trade`] says what), so that only the reading differs.

use cutover_filter_host::sdk::{Action, Context, ContextType, HttpContext, RootContext, set_root_context};
use cutover_filter_host::{Body, Reply, body, send_reply};

#[cfg(any(
    feature = "sonic-tree",
    feature = "simd-json-tree",
    feature = "serde-tree",
    feature = "plan-tree"
))]
mod tree;
#[cfg(feature = "serde-visitor")]
mod visitor;
#[cfg(feature = "walker")]
mod walker;

cutover_filter_host::sdk::main! {{
    set_root_context(|_| Box::new(Root));
}}

struct Root;

struct Filter;

impl Context for Root {}

impl RootContext for Root {
    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, _context_id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Filter))
    }
}

impl Context for Filter {}

impl HttpContext for Filter {
    fn on_http_request_headers(&mut self, _count: usize, end_of_stream: bool) -> Action {
        if end_of_stream || cfg!(feature = "noop") { Action::Continue } else { Action::Pause }
    }

    fn on_http_request_body(&mut self, _size: usize, end_of_stream: bool) -> Action {
        if cfg!(feature = "noop") {
            return Action::Continue;
        }
        if !end_of_stream {
            return Action::Pause;
        }
        if cfg!(feature = "hold") {
            return Action::Continue;
        }
        let valid = body(Body::Request, 0, usize::MAX >> 1).is_ok_and(|mut bytes| is_valid(&mut bytes));
        if valid {
            return Action::Continue;
        }
        let refusal = Reply {
            status: 400,
            details: "json_readers",
            headers: &[],
            body: b"invalid",
            grpc_message: None,
        };
        let _ = send_reply(&refusal);
        Action::Pause
    }
}

#[cfg(any(feature = "noop", feature = "hold", feature = "copy"))]
fn is_valid(_bytes: &mut [u8]) -> bool {
    true
}

#[cfg(feature = "serde-tree")]
fn is_valid(bytes: &mut [u8]) -> bool {
    serde_json::from_slice::<serde_json::Value>(bytes).is_ok_and(|root| tree::is_valid(&root))
}

#[cfg(feature = "serde-visitor")]
fn is_valid(bytes: &mut [u8]) -> bool {
    visitor::is_valid(bytes)
}

#[cfg(feature = "sonic-tree")]
fn is_valid(bytes: &mut [u8]) -> bool {
    sonic_rs::from_slice::<sonic_rs::Value>(bytes).is_ok_and(|root| tree::is_valid(&root))
}

#[cfg(feature = "simd-json-tree")]
fn is_valid(bytes: &mut [u8]) -> bool {
    simd_json::to_borrowed_value(bytes).is_ok_and(|root| tree::is_valid(&root))
}

#[cfg(feature = "plan-tree")]
fn is_valid(bytes: &mut [u8]) -> bool {
    let text = std::str::from_utf8(bytes).ok();
    text.and_then(|text| cutover_plan::Json::parse(text).ok()).is_some_and(|root| tree::is_valid(&root))
}

#[cfg(feature = "walker")]
fn is_valid(bytes: &mut [u8]) -> bool {
    walker::is_valid(bytes)
}

/// What a trade is. Unknown members are refused; all known ones but `note` and `tags` are required.
#[cfg(not(any(feature = "noop", feature = "hold", feature = "copy")))]
mod trade {
    pub(crate) const REQUIRED: u8 = 0b00_1111;

    /// The number of a member, or `None` if there may be no such one.
    pub(crate) fn member(name: &str) -> Option<u8> {
        Some(match name {
            "id" => 0,
            "side" => 1,
            "quantity" => 2,
            "price" => 3,
            "note" => 4,
            "tags" => 5,
            _ => return None,
        })
    }

    /// Texts, by the number of their member; `chars` is their length in characters.
    pub(crate) fn text(member: u8, text: &str, chars: impl FnOnce() -> usize) -> bool {
        match member {
            0 => !text.is_empty() && chars() <= 32,
            1 => matches!(text, "buy" | "sell"),
            4 => chars() <= 200,
            5 => chars() <= 20,
            _ => false,
        }
    }

    pub(crate) fn number(member: u8, number: f64) -> bool {
        match member {
            2 => number.fract() == 0.0 && (1.0..=1e6).contains(&number),
            3 => (0.0..=1e9).contains(&number),
            _ => false,
        }
    }

    /// Only `tags` is a list, of at most eight.
    pub(crate) fn list(member: u8) -> Option<usize> {
        (member == 5).then_some(8)
    }
}

//! The plugin: reads the request's headers, lets [`decide`] decide, applies it.

use cutover_filter_host::sdk::{Action, Context, ContextType, HttpContext, RootContext};
use cutover_filter_host::{Headers, HostError, plugin_configuration, random_bytes};

use crate::decision::{Identity, Randomness, decide};

/// The name by which the bundle chooses this filter.
pub const ROOT_ID: &str = "request-id";

const REQUEST_ID: &str = "x-request-id";

/// The plugin's configuration has no settings yet; unknown ones are refused.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {}

/// The plugin.
#[derive(Debug, Default)]
pub struct RequestIdRoot;

#[derive(Debug, Default)]
struct RequestIdFilter {
    request_id: Option<String>,
}

impl Context for RequestIdRoot {}

impl RootContext for RequestIdRoot {
    fn on_configure(&mut self, _size: usize) -> bool {
        let text = match plugin_configuration() {
            Ok(text) if text.is_empty() => return true,
            Ok(text) => text,
            Err(error) => {
                log::error!("request-id: configuration cannot be read: {error}");
                return false;
            }
        };
        match serde_json::from_slice::<Config>(&text) {
            Ok(Config {}) => true,
            Err(error) => {
                log::error!("request-id: configuration refused: {error}");
                false
            }
        }
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, _context_id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(RequestIdFilter::default()))
    }
}

impl Context for RequestIdFilter {}

impl HttpContext for RequestIdFilter {
    fn on_http_request_headers(&mut self, _count: usize, _end_of_stream: bool) -> Action {
        match identify() {
            Ok(request_id) => self.request_id = Some(request_id),
            // A request without an id is better than no answer: nothing of the decision to let it pass depends on it.
            Err(error) => log::warn!("request-id: request goes on without an id: {error}"),
        }
        Action::Continue
    }

    fn on_http_response_headers(&mut self, _count: usize, _end_of_stream: bool) -> Action {
        // Envoy does not call this for a request whose headers did not get here; as the first filter of its chain this one
        // sees every request that has a chain.
        let Some(request_id) = &self.request_id else { return Action::Continue };
        if let Err(error) = Headers::Response.set(REQUEST_ID, request_id.as_bytes()) {
            log::warn!("request-id: response goes out without an id: {error}");
        }
        Action::Continue
    }
}

fn identify() -> Result<String, HostError> {
    let headers = Headers::Request.read()?;
    let Identity { request_id, traceparent, continued } = decide(&headers, &randomness()?);
    Headers::Request.set(REQUEST_ID, request_id.as_bytes())?;
    Headers::Request.set("traceparent", traceparent.to_string().as_bytes())?;
    if !continued {
        Headers::Request.remove("tracestate")?;
    }
    Ok(request_id)
}

fn randomness() -> Result<Randomness, HostError> {
    Ok(Randomness { request_id: random_bytes()?, trace_id: random_bytes()?, parent_id: random_bytes()? })
}

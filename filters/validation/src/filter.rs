//! The plugin: reads a request's head and body, lets [`Gate`] decide, applies it.
//!
//! The head is held until the body is complete, which needs `allow_on_headers_stop_iteration: true` in the plugin's Envoy
//! configuration: else Envoy delivers no body to a filter that has paused in the headers.

use std::rc::Rc;

use cutover_filter_host::sdk::{Action, Context, ContextType, HttpContext, RootContext};
use cutover_filter_host::{
    Body, Counter, HeaderMap, Headers, HostError, Reply, body, plugin_configuration, property, send_reply,
};
use cutover_plan::legacy::{CONTENT_TYPE, Refusal};

use crate::config::Config;
use crate::decision::{Exchange, Finding, Gate, RequestHead, Step};

/// The name by which the bundle chooses this filter.
pub const ROOT_ID: &str = "validation";

/// The plugin.
#[derive(Debug, Default)]
pub struct ValidationRoot {
    plugin: Option<Rc<Plugin>>,
}

#[derive(Debug)]
struct Plugin {
    gate: Gate,
    metrics: Metrics,
}

#[derive(Debug)]
struct ValidationFilter {
    plugin: Option<Rc<Plugin>>,
    state: State,
}

/// Where a request is.
#[derive(Debug)]
enum State {
    /// Decided to go on, or not yet seen.
    Open,
    /// Its body is awaited.
    Reading(Box<Exchange>),
    /// Answered by this filter; nothing of it may go on.
    Answered,
}

impl Context for ValidationRoot {}

impl RootContext for ValidationRoot {
    fn on_configure(&mut self, _size: usize) -> bool {
        let config = plugin_configuration().map_err(|error| error.to_string());
        match config.and_then(|text| Config::parse(&text).map_err(|error| error.to_string())) {
            Ok(config) => {
                self.plugin = Some(Rc::new(Plugin { gate: Gate::new(config), metrics: Metrics::define() }));
                true
            }
            Err(error) => {
                log::error!("validation: configuration refused: {error}");
                false
            }
        }
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, _context_id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(ValidationFilter { plugin: self.plugin.clone(), state: State::Open }))
    }
}

impl Context for ValidationFilter {}

impl HttpContext for ValidationFilter {
    fn on_http_request_headers(&mut self, _count: usize, end_of_stream: bool) -> Action {
        let Some(plugin) = self.plugin.clone() else { return self.fail("the filter is not configured") };
        let step = match plugin.head() {
            Ok(step) => step,
            Err(error) => return self.fail(&error.to_string()),
        };
        match self.apply(&plugin, step) {
            Action::Pause if end_of_stream => self.complete(&plugin),
            action => action,
        }
    }

    fn on_http_request_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        match (&self.state, self.plugin.clone()) {
            (State::Open, _) => Action::Continue,
            (State::Reading(exchange), Some(plugin)) if size > plugin.gate.max_body_bytes() => {
                let step = plugin.gate.too_large(exchange);
                self.apply(&plugin, step)
            }
            (State::Reading(_), Some(plugin)) if end_of_stream => self.complete(&plugin),
            (State::Reading(_) | State::Answered, _) => Action::Pause,
        }
    }

    fn on_http_request_trailers(&mut self, _count: usize) -> Action {
        match (&self.state, self.plugin.clone()) {
            (State::Open, _) => Action::Continue,
            // A body that trailers end has no end-of-stream of its own.
            (State::Reading(_), Some(plugin)) => self.complete(&plugin),
            (State::Reading(_) | State::Answered, _) => Action::Pause,
        }
    }
}

impl ValidationFilter {
    /// Judges the body that the host holds, if one is awaited.
    fn complete(&mut self, plugin: &Plugin) -> Action {
        let exchange = match std::mem::replace(&mut self.state, State::Answered) {
            State::Reading(exchange) => exchange,
            other => {
                self.state = other;
                return Action::Pause;
            }
        };
        // One byte more than is allowed, so that too much is seen as such.
        match body(Body::Request, 0, plugin.gate.max_body_bytes().saturating_add(1)) {
            Ok(bytes) => {
                let step = plugin.gate.body(*exchange, &bytes);
                self.apply(plugin, step)
            }
            Err(error) => self.fail(&error.to_string()),
        }
    }

    fn apply(&mut self, plugin: &Plugin, step: Step) -> Action {
        match self.try_apply(plugin, step) {
            Ok(action) => action,
            Err(error) => self.fail(&error.to_string()),
        }
    }

    fn try_apply(&mut self, plugin: &Plugin, step: Step) -> Result<Action, HostError> {
        match step {
            Step::Forward { target, headers, finding } => {
                set_head(target, &headers)?;
                plugin.metrics.forwarded(finding.as_ref());
                if let Some(finding) = finding {
                    report(&finding);
                }
                self.state = State::Open;
                Ok(Action::Continue)
            }
            Step::AwaitBody { exchange, target, headers } => {
                set_head(target, &headers)?;
                self.state = State::Reading(exchange);
                Ok(Action::Pause)
            }
            Step::Refuse(refusal) => {
                self.state = State::Answered;
                let headers = Headers::Request.read()?;
                reply(&refusal, &format!("cutover_validation_{}", refusal.status), &headers)?;
                count(plugin.metrics.refused);
                Ok(Action::Pause)
            }
        }
    }

    /// Whatever fails here, the request does not go on: it was not validated.
    fn fail(&mut self, problem: &str) -> Action {
        log::error!("validation: request refused, the filter cannot work: {problem}");
        self.state = State::Answered;
        let refusal =
            Refusal { status: 503, message: "not ready".to_owned(), errors: Vec::new(), headers: Vec::new() };
        let headers = Headers::Request.read().unwrap_or_default();
        if let Err(error) = reply(&refusal, "cutover_validation_failed", &headers) {
            log::error!("validation: reply refused by the host: {error}");
        }
        Action::Pause
    }
}

impl Plugin {
    fn head(&self) -> Result<Step, HostError> {
        let headers = Headers::Request.read()?;
        let route_name = property(&["xds", "route_name"])?;
        // One character for each byte, as the legacy gateway reads a request's line.
        let latin1 = |name| {
            headers.first(name).unwrap_or_default().iter().map(|byte| char::from(*byte)).collect::<String>()
        };
        Ok(self.gate.head(&RequestHead {
            method: &latin1(":method"),
            target: &latin1(":path"),
            route_name: route_name.as_deref().and_then(|name| std::str::from_utf8(name).ok()),
            headers: &cutover_plan::Headers::new(headers.iter()),
        }))
    }
}

fn set_head(target: Option<String>, headers: &[(String, String)]) -> Result<(), HostError> {
    // Back to the bytes that came.
    let bytes = |text: &str| text.chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect::<Vec<u8>>();
    for (name, value) in headers {
        Headers::Request.set(name, &bytes(value))?;
    }
    match target {
        Some(target) => Headers::Request.set(":path", &bytes(&target)),
        None => Ok(()),
    }
}

fn report(finding: &Finding) {
    let Finding { operation, status, keywords } = finding;
    let operation = operation.as_deref().unwrap_or("unmatched");
    log::warn!("validation: finding operation={operation} status={status} keywords={}", keywords.join(","));
}

fn reply(refusal: &Refusal, details: &str, headers: &HeaderMap) -> Result<(), HostError> {
    let request_id = String::from_utf8_lossy(headers.first("x-request-id").unwrap_or_default());
    let mut all = vec![("content-type".to_owned(), CONTENT_TYPE.to_owned())];
    all.extend_from_slice(&refusal.headers);
    send_reply(&Reply {
        status: refusal.status,
        details,
        headers: &all,
        body: &refusal.body(&request_id),
        grpc_message: headers.is_grpc().then_some(&refusal.message),
    })
}

/// Decisions: `cutover_validation.passed`, `cutover_validation.reported`, `cutover_validation.refused`.
#[derive(Debug)]
struct Metrics {
    passed: Option<Counter>,
    reported: Option<Counter>,
    refused: Option<Counter>,
}

impl Metrics {
    fn define() -> Metrics {
        Metrics { passed: define("passed"), reported: define("reported"), refused: define("refused") }
    }

    fn forwarded(&self, finding: Option<&Finding>) {
        count(if finding.is_some() { self.reported } else { self.passed });
    }
}

fn define(result: &str) -> Option<Counter> {
    Counter::define(&format!("cutover_validation.{result}"))
        .inspect_err(|error| log::warn!("validation: metric {result} is missing: {error}"))
        .ok()
}

/// A decision stands even if it cannot be counted.
fn count(counter: Option<Counter>) {
    if let Some(Err(error)) = counter.map(|counter| counter.increment(1)) {
        log::debug!("validation: not counted: {error}");
    }
}

//! The plugin: reads a request's head, lets [`Gate::decide`](crate::Gate::decide) decide, applies it; and looks after the
//! issuers whose keys are fetched.

use std::rc::Rc;

use cutover_filter_host::plugin_configuration;
use cutover_filter_host::sdk::{Action, Context, ContextType, HttpContext, RootContext};

use crate::config::Config;
use plugin::{Outcome, Patience, Plugin};

mod fetch;
mod issuer_keys;
mod metrics;
mod plugin;

/// The name by which the bundle chooses this filter.
pub const ROOT_ID: &str = "auth";

/// The plugin.
#[derive(Debug)]
pub struct AuthRoot {
    context: u32,
    plugin: Option<Rc<Plugin>>,
}

impl AuthRoot {
    /// A plugin that is still to be configured; `context` is the number of its context.
    pub fn new(context: u32) -> Self {
        Self { context, plugin: None }
    }

    fn configure(&mut self) -> Result<(), String> {
        let text = plugin_configuration().map_err(|error| error.to_string())?;
        let (config, warnings) = Config::parse(&text).map_err(|error| error.to_string())?;
        for warning in warnings {
            log::warn!("auth: key left out: {warning}");
        }
        let plugin = Plugin::new(self.context, config).map_err(|error| error.to_string())?;
        self.plugin = Some(Rc::new(plugin));
        Ok(())
    }
}

impl Context for AuthRoot {
    fn on_http_call_response(&mut self, call: u32, headers: usize, body: usize, _trailers: usize) {
        if let Some(plugin) = &self.plugin {
            plugin.on_answer(call, headers, body);
        }
    }

    fn on_done(&mut self) -> bool {
        if let Some(plugin) = &self.plugin {
            plugin.on_end();
        }
        true
    }
}

impl RootContext for AuthRoot {
    fn on_configure(&mut self, _size: usize) -> bool {
        let done = self.configure();
        if let Err(problem) = &done {
            log::error!("auth: configuration refused: {problem}");
        }
        done.is_ok()
    }

    fn on_tick(&mut self) {
        if let Some(plugin) = &self.plugin {
            plugin.on_tick();
        }
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, context: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(AuthFilter { context, plugin: self.plugin.clone(), state: State::Stopped }))
    }
}

/// One request.
#[derive(Debug)]
struct AuthFilter {
    context: u32,
    plugin: Option<Rc<Plugin>>,
    state: State,
}

/// How far a request has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It has not been decided, or it has been refused.
    Stopped,
    /// It waits, or has waited, for keys; the plugin knows.
    Waiting,
    /// It goes on.
    Passed,
}

impl AuthFilter {
    /// What its body and its trailers do. Where the host hands them over although the head is paused (Envoy with
    /// `allow_on_headers_stop_iteration`), to let a piece of the body pass would let the head pass.
    fn rest(&self) -> Action {
        let passed = match self.state {
            State::Stopped => false,
            State::Passed => true,
            State::Waiting => self.plugin.as_ref().is_some_and(|plugin| plugin.has_let_go(self.context)),
        };
        if passed { Action::Continue } else { Action::Pause }
    }
}

impl Context for AuthFilter {}

impl HttpContext for AuthFilter {
    fn on_http_request_headers(&mut self, _count: usize, _end_of_stream: bool) -> Action {
        // Whatever fails here, the request does not go on (fail closed): a paused request ends by the reply or, if even
        // that fails, by its timeout.
        let outcome = match &self.plugin {
            Some(plugin) => plugin.judge(self.context, Patience::Patient),
            None => plugin::fail("the filter is not configured"),
        };
        self.state = match outcome {
            Outcome::Goes => State::Passed,
            Outcome::Waits => State::Waiting,
            Outcome::Ended => State::Stopped,
        };
        if self.state == State::Passed { Action::Continue } else { Action::Pause }
    }

    fn on_http_request_body(&mut self, _size: usize, _end_of_stream: bool) -> Action {
        self.rest()
    }

    fn on_http_request_trailers(&mut self, _count: usize) -> Action {
        self.rest()
    }
}

impl Drop for AuthFilter {
    fn drop(&mut self) {
        if let Some(plugin) = self.plugin.as_ref().filter(|_| self.state == State::Waiting) {
            plugin.forget(self.context);
        }
    }
}

//! One configuration at work: requests are judged, some of them later, when keys have come.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use cutover_filter_host::{
    HeaderMap, Headers, HostError, Reply, Timestamp, act_for, continue_request, now_unix_nanoseconds,
    property, send_reply, set_property, set_tick_period,
};
use cutover_plan::legacy::{CONTENT_TYPE, Refusal};

use super::fetch;
use super::issuer_keys::IssuerKeys;
use super::metrics::{self, Held, Metrics};
use crate::config::{Config, Keys};
use crate::decision::{Decision, Gate, Reason, Refused, RequestHead};
use crate::remote::{self, Call, Called, WaitingRoom};
use crate::verify::{SignatureError, SignatureVerifier as _, Verifiers};

#[derive(Debug)]
pub(super) struct Plugin {
    /// The number of the root context.
    root: u32,
    gate: Gate,
    verifiers: Verifiers,
    metrics: Metrics,
    issuers: RefCell<Vec<IssuerKeys>>,
    room: RefCell<WaitingRoom>,
    /// Requests that have waited and go on.
    let_go: RefCell<BTreeSet<u32>>,
    /// The present time between two ticks.
    pace: Cell<u32>,
}

/// What has become of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It goes on, with the headers that it should have.
    Goes,
    /// It waits for keys.
    Waits,
    /// It has its answer.
    Ended,
}

/// Whether a request may wait for keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// It has just come, and may begin to.
    Patient,
    /// It does already, and may go on to.
    Waiting,
    /// It may not, or not any more.
    Over,
}

/// Between two looks at the shared record, in milliseconds: usually, and while requests wait or keys are missing.
const PACE: u32 = 1_000;
const HURRY: u32 = 20;

/// How long a worker is kept from its other requests by those that have waited, in milliseconds; then it has the rest of
/// [`HURRY`] for them.
const LONGEST_STALL: u64 = 10;

impl Plugin {
    /// # Errors
    /// The host lacks what remote keys need.
    pub(super) fn new(root: u32, config: Config) -> Result<Self, HostError> {
        let verifiers = Verifiers::probe();
        log::info!("auth: {verifiers}");
        metrics::show(&verifiers);
        for (issuer, algorithm) in config.algorithms() {
            if !verifiers.supports(algorithm) {
                log::warn!(
                    "auth: tokens of {issuer} with {algorithm} are refused: the host does not verify it"
                );
            }
        }
        let now = now_unix_nanoseconds()?.milliseconds();
        let mut issuers = Vec::new();
        for (place, issuer) in config.issuers.iter().enumerate() {
            if let Keys::Remote(source) = &issuer.keys {
                issuers.push(IssuerKeys::new(place, issuer, source, now)?);
            }
        }
        let pace = if issuers.is_empty() { 0 } else { HURRY };
        if pace > 0 {
            set_tick_period(pace)?;
        }
        Ok(Self {
            root,
            gate: Gate::new(config),
            verifiers,
            metrics: Metrics::define(),
            issuers: RefCell::new(issuers),
            room: RefCell::default(),
            let_go: RefCell::default(),
            pace: Cell::new(pace),
        })
    }

    /// Decides about the request of the present context, and does what is decided, unless it has to wait. It does not let
    /// a paused request continue.
    pub(super) fn judge(&self, request: u32, patience: Patience) -> Outcome {
        self.try_judge(request, patience).unwrap_or_else(|error| fail(&error.to_string()))
    }

    fn try_judge(&self, request: u32, patience: Patience) -> Result<Outcome, HostError> {
        let headers = Headers::Request.read()?;
        let now = now_unix_nanoseconds()?;
        let route_name = property(&["xds", "route_name"])?;
        let target = headers.first(":path").unwrap_or_default();
        let path = String::from_utf8_lossy(target);
        let head = RequestHead {
            method: &String::from_utf8_lossy(headers.first(":method").unwrap_or_default()),
            path: path.split('?').next().unwrap_or_default(),
            target,
            route_name: route_name.as_deref().and_then(|name| std::str::from_utf8(name).ok()),
            headers: &headers,
        };
        let decide = || self.gate.decide(&head, now.seconds(), &self.verifiers);
        let mut decision = decide();
        if let Decision::Await { issuer, .. } = decision {
            match patience {
                Patience::Patient => {
                    if self.look(issuer, now) {
                        decision = decide();
                    }
                    if matches!(decision, Decision::Await { .. }) && self.admit(issuer, request, now)? {
                        return Ok(Outcome::Waits);
                    }
                }
                Patience::Waiting => return Ok(Outcome::Waits),
                Patience::Over => {}
            }
        }
        self.metrics.looked_up(self.gate.take_cache_counts());
        self.apply(decision, &headers)
    }

    fn apply(&self, decision: Decision<'_>, headers: &HeaderMap) -> Result<Outcome, HostError> {
        match decision {
            Decision::Forward { ground, set, remove, state } => {
                for (name, value) in state {
                    // For access logs only, so the request goes on without it.
                    if let Err(error) = set_property(&[name], value.as_bytes()) {
                        log::debug!("auth: filter state {name} not set: {error}");
                    }
                }
                for name in remove {
                    Headers::Request.remove(name)?;
                }
                for (name, value) in set {
                    Headers::Request.set(name, &value)?;
                }
                self.metrics.forwarded(ground);
                Ok(Outcome::Goes)
            }
            Decision::Refuse(refused) | Decision::Await { issuer: _, otherwise: refused } => {
                let reason = refused.reason;
                if reason == Reason::Signature(SignatureError::Unavailable) {
                    log::warn!("auth: {reason}; does the host still have `verify_signature`?");
                }
                log::debug!("auth: refused: {reason}");
                reply(&refused, headers)?;
                self.metrics.refused(reason);
                Ok(Outcome::Ended)
            }
        }
    }

    /// Whether the issuer has keys that this VM did not know of yet.
    fn look(&self, issuer: usize, now: Timestamp) -> bool {
        let mut issuers = self.issuers.borrow_mut();
        let found = issuers.iter_mut().find(|keys| keys.issuer == issuer);
        found.is_some_and(|keys| keys.look(&self.gate, now.milliseconds()))
    }

    /// Whether the request may wait, which it then does.
    fn admit(&self, issuer: usize, request: u32, now: Timestamp) -> Result<bool, HostError> {
        let mut issuers = self.issuers.borrow_mut();
        let Some(keys) = issuers.iter_mut().find(|keys| keys.issuer == issuer) else { return Ok(false) };
        let mut room = self.room.borrow_mut();
        let has_keys = self.gate.keys(issuer).is_some();
        match keys.keeper.admit(has_keys, room.count(issuer), now.milliseconds()) {
            Ok(waiting) => {
                self.set_pace(HURRY)?;
                room.enter(request, issuer, waiting, &keys.keeper);
                Ok(true)
            }
            Err(remote::Refused::TooMany) => {
                self.metrics.held(Held::Rejected);
                Ok(false)
            }
            Err(remote::Refused::TooLate) => Ok(false),
        }
    }

    /// Whether a request that had to wait goes on.
    pub(super) fn has_let_go(&self, request: u32) -> bool {
        self.let_go.borrow().contains(&request)
    }

    /// A request that had to wait is over.
    pub(super) fn forget(&self, request: u32) {
        self.room.borrow_mut().leave(request);
        self.let_go.borrow_mut().remove(&request);
    }

    /// The time has come to look after the issuers' keys.
    pub(super) fn on_tick(&self) {
        if let Err(error) = self.try_tick() {
            log::error!("auth: keys cannot be looked after: {error}");
        }
    }

    fn try_tick(&self) -> Result<(), HostError> {
        let now = now_unix_nanoseconds()?.milliseconds();
        let mut called = Vec::new();
        for keys in self.issuers.borrow_mut().iter_mut() {
            keys.tick(&self.gate, &self.verifiers, &self.metrics, now);
            called.extend(self.room.borrow().called(keys.issuer, &keys.keeper, now));
        }
        self.resume(called)
    }

    /// An issuer's answer to this VM's fetch.
    pub(super) fn on_answer(&self, call: u32, headers: usize, body: usize) {
        if let Err(error) = self.try_answer(call, headers, body) {
            log::error!("auth: keys cannot be looked after: {error}");
        }
    }

    fn try_answer(&self, call: u32, headers: usize, body: usize) -> Result<(), HostError> {
        let now = now_unix_nanoseconds()?.milliseconds();
        let mut called = Vec::new();
        for keys in self.issuers.borrow_mut().iter_mut() {
            if keys.take_call(call) {
                let answer = fetch::receive(headers, body);
                keys.fetched(&self.gate, &self.verifiers, &self.metrics, now, answer);
                called = self.room.borrow().called(keys.issuer, &keys.keeper, now);
            }
        }
        self.resume(called)
    }

    /// The plugin goes: another configuration has come, or Envoy ends.
    pub(super) fn on_end(&self) {
        if let Ok(now) = now_unix_nanoseconds() {
            self.issuers.borrow_mut().iter_mut().for_each(|keys| keys.leave(now.milliseconds()));
        }
    }

    /// Decides about requests that wait, as many as the time allows: the others are called again at the next tick. No
    /// borrow is held meanwhile, to be safe from whatever a host does inside a call.
    fn resume(&self, called: Vec<Called>) -> Result<(), HostError> {
        let acted = !called.is_empty();
        let start = now_unix_nanoseconds()?.milliseconds();
        for Called { request, why, generation } in called {
            if now_unix_nanoseconds()?.milliseconds().abs_diff(start) > LONGEST_STALL {
                break;
            }
            // Without its context the calls would be the root context's.
            if act_for(request).is_err() {
                self.forget(request);
                continue;
            }
            let patience = if why == Call::Try { Patience::Waiting } else { Patience::Over };
            let outcome = self.judge(request, patience);
            if outcome == Outcome::Waits {
                self.room.borrow_mut().wait_on(request, generation);
                continue;
            }
            self.room.borrow_mut().leave(request);
            self.metrics.held(if why == Call::Late { Held::TimedOut } else { Held::Resumed });
            if outcome == Outcome::Goes {
                self.let_go.borrow_mut().insert(request);
                if let Err(error) = continue_request() {
                    log::error!("auth: a request that has waited does not go on: {error}");
                }
            }
        }
        if acted {
            act_for(self.root)?;
        }
        let all_have_keys = self.issuers.borrow().iter().all(|keys| self.gate.keys(keys.issuer).is_some());
        self.set_pace(if all_have_keys && self.room.borrow().is_empty() { PACE } else { HURRY })
    }

    fn set_pace(&self, pace: u32) -> Result<(), HostError> {
        if self.pace.replace(pace) != pace {
            set_tick_period(pace)?;
        }
        Ok(())
    }
}

/// Ends the request of the present context, because the filter cannot do its work.
pub(super) fn fail(problem: &str) -> Outcome {
    log::error!("auth: request refused, the filter cannot work: {problem}");
    let refusal =
        Refusal { status: 503, message: "not ready".to_owned(), errors: Vec::new(), headers: Vec::new() };
    let headers = Headers::Request.read().unwrap_or_default();
    let request_id = String::from_utf8_lossy(headers.first("x-request-id").unwrap_or_default());
    let sent = send_reply(&Reply {
        status: refusal.status,
        details: "cutover_auth_failed",
        headers: &[("content-type".to_owned(), CONTENT_TYPE.to_owned())],
        body: &refusal.body(&request_id),
        grpc_message: headers.is_grpc().then_some(&refusal.message),
    });
    if let Err(error) = sent {
        log::error!("auth: reply refused by the host: {error}");
    }
    Outcome::Ended
}

fn reply(refused: &Refused, headers: &HeaderMap) -> Result<(), HostError> {
    send_reply(&Reply {
        status: refused.status,
        details: &["cutover_auth_", refused.reason.code()].concat(),
        headers: &refused.headers,
        body: &refused.body,
        grpc_message: headers.is_grpc().then_some(&refused.message),
    })
}

//! What one client holds of one type of resource, as plain state: requests go in, responses come out.
//!
//! The rules are those of the incremental protocol ("The xDS REST and gRPC protocol"); comments cite its sections. One
//! response is under way at a time, so that a client that does not answer costs one response and never a queue, and so
//! that a refusal names the response it is about.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cutover_domain::Revision;

use crate::snapshot::{ByName, Resource, ResourceType};

/// The name that stands for every resource of a type.
const WILDCARD: &str = "*";

/// A client may name so many resources of one type; far above any gateway, and a bound on what a stream costs.
pub(crate) const MAX_NAMES: usize = 10_000;

/// A client asked for more than is kept for one stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many {0} names on one stream; at most {MAX_NAMES} are kept")]
pub(crate) struct TooManyNames(pub(crate) ResourceType);

/// What one request says about one type.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub(crate) nonce: String,
    /// Envoy's words; a request is a refusal exactly when it has them ("ACK/NACK and resource type instance version").
    pub(crate) refusal: Option<String>,
    pub(crate) subscribe: Vec<String>,
    pub(crate) unsubscribe: Vec<String>,
    /// Resources the client holds from an earlier stream, with their versions.
    pub(crate) initial_versions: Vec<(String, String)>,
}

/// What a request meant for the response under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It was accepted.
    Ack,
    /// It was refused.
    Nack,
    /// The request is not an answer.
    None,
}

/// What to send.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) kind: ResourceType,
    pub(crate) nonce: String,
    pub(crate) revision: Revision,
    pub(crate) resources: Vec<Resource>,
    pub(crate) removed: Vec<Arc<str>>,
}

/// Which changes are allowed out: removals wait until nothing needs what is removed ("Eventual consistency").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Updates,
    Removals,
}

/// How a client stands to what it is meant to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing<'a> {
    /// It holds all of it.
    Confirmed,
    /// A response is under way or due.
    Waiting,
    /// It holds more: only removals are due.
    Surplus,
    /// It has refused what is due.
    Refused(&'a Refused),
}

/// A refused response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) content: Content,
    pub(crate) revision: Revision,
    pub(crate) message: String,
}

/// Names and the versions they are to have; nothing for a removal.
pub(crate) type Content = BTreeMap<Arc<str>, Option<Arc<str>>>;

#[derive(Debug)]
struct InFlight {
    nonce: String,
    content: Content,
    revision: Revision,
}

/// What the client is known to hold under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Held {
    /// This version, acknowledged.
    Version(Arc<str>),
    /// It was in a refused response: the old version or, for a valid sibling of a bad resource, the new one (#32880).
    Unclear,
}

/// The state of one type on one stream.
#[derive(Debug)]
pub(crate) struct Subscription {
    kind: ResourceType,
    wildcard: bool,
    named: BTreeSet<Arc<str>>,
    held: BTreeMap<Arc<str>, Held>,
    /// Names to be answered even when nothing changed.
    due: BTreeSet<Arc<str>>,
    in_flight: Option<InFlight>,
    refused: Option<Refused>,
}

impl Subscription {
    /// Takes the first request of a type.
    pub(crate) fn open(kind: ResourceType, first: Request) -> Result<Self, TooManyNames> {
        let mut subscription = Self {
            kind,
            // "How the client specifies what resources to return": a first request without names asks for everything,
            // where that makes sense.
            wildcard: first.subscribe.is_empty()
                && matches!(kind, ResourceType::Cluster | ResourceType::Listener),
            named: BTreeSet::new(),
            held: BTreeMap::new(),
            due: BTreeSet::new(),
            in_flight: None,
            refused: None,
        };
        subscription.request(first)?;
        Ok(subscription)
    }

    /// Takes a request. Its changes of the subscription count even when it answers an old response, or none.
    pub(crate) fn request(&mut self, request: Request) -> Result<Verdict, TooManyNames> {
        let Request { nonce, refusal, subscribe, unsubscribe, initial_versions } = request;
        let verdict = self.settle(&nonce, refusal);
        if subscribe.len().max(initial_versions.len()) + self.named.len().max(self.held.len()) > MAX_NAMES {
            return Err(TooManyNames(self.kind));
        }
        let told: BTreeSet<Arc<str>> =
            initial_versions.iter().map(|(name, _)| name.as_str().into()).collect();
        for name in subscribe {
            self.subscribe(name, &told);
        }
        for name in unsubscribe {
            self.unsubscribe(&name);
        }
        for (name, version) in initial_versions {
            if self.wants(&name) {
                self.held.insert(name.into(), Held::Version(version.into()));
            }
        }
        Ok(verdict)
    }

    fn settle(&mut self, nonce: &str, refusal: Option<String>) -> Verdict {
        let Some(InFlight { content, revision, .. }) =
            self.in_flight.take_if(|response| response.nonce == nonce)
        else {
            return Verdict::None;
        };
        let Some(message) = refusal else {
            self.refused = None;
            for (name, version) in content {
                match version {
                    Some(version) if self.wants(&name) => self.held.insert(name, Held::Version(version)),
                    _ => self.held.remove(&name),
                };
            }
            return Verdict::Ack;
        };
        for name in content.iter().filter(|(_, version)| version.is_some()).map(|(name, _)| name) {
            self.held.insert(name.clone(), Held::Unclear);
        }
        self.refused = Some(Refused { content, revision, message });
        Verdict::Nack
    }

    fn subscribe(&mut self, name: String, told: &BTreeSet<Arc<str>>) {
        if name == WILDCARD {
            self.wildcard = true;
            return;
        }
        let name: Arc<str> = name.into();
        // "Subscribing": a named resource is sent even when the client has it, except what this very message says it has.
        if !told.contains(&name) {
            self.due.insert(name.clone());
        }
        // Who asks again wants an answer, also to what it has refused.
        self.refused.take_if(|refused| refused.content.contains_key(&name));
        self.named.insert(name);
    }

    fn unsubscribe(&mut self, name: &str) {
        if name == WILDCARD {
            self.wildcard = false;
            self.held.retain(|held, _| self.named.contains(held));
        } else if let Some(name) = self.named.take(name) {
            if self.wildcard {
                // "Unsubscribing": the wildcard may still give it to the client, who wants to know.
                self.due.insert(name);
            } else {
                self.held.remove(&name);
                self.due.remove(&name);
            }
        }
    }

    /// Whether the client has asked for this name.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.wildcard || self.named.contains(name)
    }

    /// Makes a name due, changed or not: a cluster that changes waits for its endpoints again.
    pub(crate) fn make_due(&mut self, name: &Arc<str>) {
        if self.wants(name) {
            self.due.insert(name.clone());
        }
    }

    /// Whether a response is under way.
    pub(crate) fn is_waiting(&self) -> bool {
        self.in_flight.is_some()
    }

    /// The next response, if one is due: never while one is under way, and never again what was refused.
    pub(crate) fn next(
        &mut self,
        desired: &ByName,
        phase: Phase,
        revision: Revision,
        nonce: impl FnOnce() -> String,
    ) -> Option<Response> {
        if self.in_flight.is_some() {
            return None;
        }
        let content = self.content(desired, phase);
        if content.is_empty() || self.refused.as_ref().is_some_and(|refused| refused.content == content) {
            return None;
        }
        let nonce = nonce();
        let resources = content.keys().filter_map(|name| desired.get(name)).cloned().collect();
        let removed =
            content.iter().filter(|(_, version)| version.is_none()).map(|(name, _)| name.clone()).collect();
        self.due.retain(|name| !content.contains_key(name));
        self.in_flight = Some(InFlight { nonce: nonce.clone(), content, revision });
        Some(Response { kind: self.kind, nonce, revision, resources, removed })
    }

    /// What the client lacks. A due name that does not exist is answered as removed, with the updates: the client waits for
    /// it ("Knowing when a requested resource does not exist").
    fn content(&self, desired: &ByName, phase: Phase) -> Content {
        if phase == Phase::Removals {
            let gone = self.held.keys().filter(|name| !desired.contains_key(*name));
            return gone.map(|name| (name.clone(), None)).collect();
        }
        let mut content = Content::new();
        let mut offer = |resource: &Resource| {
            let name = resource.shared_name();
            let same = self.held.get(name).is_some_and(|held| match held {
                Held::Version(version) => version == resource.shared_version(),
                Held::Unclear => false,
            });
            if !same || self.due.contains(name) {
                content.insert(name.clone(), Some(resource.shared_version().clone()));
            }
        };
        if self.wildcard {
            desired.values().for_each(&mut offer);
        } else {
            self.named.iter().filter_map(|name| desired.get(name)).for_each(&mut offer);
        }
        for name in &self.due {
            if let (false, Entry::Vacant(unanswered)) =
                (desired.contains_key(name), content.entry(name.clone()))
            {
                unanswered.insert(None);
            }
        }
        content
    }

    /// How the client stands to what it is meant to hold.
    pub(crate) fn standing(&self, desired: &ByName) -> Standing<'_> {
        if self.in_flight.is_some() {
            return Standing::Waiting;
        }
        let updates = self.content(desired, Phase::Updates);
        match &self.refused {
            Some(refused) if refused.content == updates => return Standing::Refused(refused),
            _ if !updates.is_empty() => return Standing::Waiting,
            _ => {}
        }
        let removals = self.content(desired, Phase::Removals);
        match &self.refused {
            _ if removals.is_empty() => Standing::Confirmed,
            Some(refused) if refused.content == removals => Standing::Refused(refused),
            _ => Standing::Surplus,
        }
    }

    /// How many resources the client is meant to hold, and how many of them it holds.
    pub(crate) fn progress(&self, desired: &ByName) -> (usize, usize) {
        let wanted = desired.values().filter(|resource| self.wants(resource.name()));
        wanted.fold((0, 0), |(all, held), resource| {
            let same = Held::Version(resource.shared_version().clone());
            (all + 1, held + usize::from(self.held.get(resource.name()) == Some(&same)))
        })
    }
}

#[cfg(test)]
mod tests;

//! One client: its subscriptions, and the order in which it learns of changes. Plain state, no socket.
//!
//! Clusters, then their endpoints, then listeners, then routes, then removals ("Eventual consistency considerations"):
//! nothing is named before it is there, and nothing goes before nobody names it. Listeners and routes wait until the
//! clusters and endpoints are acknowledged; Envoy does that once they are warm, and it holds the acknowledgement of
//! clusters back until it has their endpoints, so these never wait. A refusal holds back removals only: a weight must be
//! able to move while a listener is refused.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::snapshot::{ResourceType, Snapshot};
use crate::subscription::{Phase, Refused, Request, Response, Standing, Subscription, TooManyNames, Verdict};
use cutover_domain::Revision;

/// The state of one stream.
#[derive(Debug, Default)]
pub(crate) struct Session {
    types: BTreeMap<ResourceType, Subscription>,
    /// Endpoints of the clusters that were sent before the client had asked for any endpoints.
    warming: BTreeSet<Arc<str>>,
    responses: u64,
}

/// Whether a client runs a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Every type it has asked for is acknowledged.
    Confirmed,
    /// Not yet.
    Waiting,
    /// What is left it has refused.
    Refused(Vec<(ResourceType, Refused)>),
}

impl Session {
    /// Takes a request for one type.
    pub(crate) fn request(&mut self, kind: ResourceType, request: Request) -> Result<Verdict, TooManyNames> {
        if let Some(subscription) = self.types.get_mut(&kind) {
            return subscription.request(request);
        }
        let mut subscription = Subscription::open(kind, request)?;
        if kind == ResourceType::Endpoints {
            // A client that comes back says which endpoints it has before it has read which clusters changed.
            std::mem::take(&mut self.warming).iter().for_each(|name| subscription.make_due(name));
        }
        self.types.insert(kind, subscription);
        Ok(Verdict::None)
    }

    /// The next response, if one may go out now. Call until there is none.
    pub(crate) fn next(&mut self, snapshot: &Snapshot, revision: Revision) -> Option<Response> {
        for kind in ResourceType::ALL {
            let needs: &[ResourceType] = match kind {
                ResourceType::Cluster | ResourceType::Endpoints => &[],
                ResourceType::Listener | ResourceType::Routes => {
                    &[ResourceType::Cluster, ResourceType::Endpoints]
                }
            };
            if self.is_waiting(needs) {
                return None;
            }
            if let Some(response) = self.next_of(kind, snapshot, revision, Phase::Updates) {
                return Some(response);
            }
        }
        if self.is_waiting(&ResourceType::ALL) || matches!(self.outcome(snapshot), Outcome::Refused(_)) {
            return None;
        }
        ResourceType::ALL
            .into_iter()
            .rev()
            .find_map(|kind| self.next_of(kind, snapshot, revision, Phase::Removals))
    }

    /// Whether one of these types has a response under way.
    fn is_waiting(&self, kinds: &[ResourceType]) -> bool {
        kinds.iter().filter_map(|kind| self.types.get(kind)).any(Subscription::is_waiting)
    }

    fn next_of(
        &mut self,
        kind: ResourceType,
        snapshot: &Snapshot,
        revision: Revision,
        phase: Phase,
    ) -> Option<Response> {
        let subscription = self.types.get_mut(&kind)?;
        let responses = &mut self.responses;
        let response = subscription.next(snapshot.of(kind)?, phase, revision, || {
            *responses += 1;
            format!("{kind}-{responses}")
        })?;
        // A changed cluster warms until its endpoints come once more, changed or not.
        for name in response.resources.iter().filter_map(|resource| resource.endpoints()) {
            match self.types.get_mut(&ResourceType::Endpoints) {
                Some(endpoints) => endpoints.make_due(name),
                None => {
                    self.warming.insert(Arc::clone(name));
                }
            }
        }
        Some(response)
    }

    /// Whether the client runs the snapshot.
    ///
    /// One that has asked for clusters or listeners is not done before it has asked for the endpoints and routes that these
    /// lead to: an Envoy that comes back asks for routes last, and runs the old ones until then.
    pub(crate) fn outcome(&self, snapshot: &Snapshot) -> Outcome {
        let (mut refused, mut surplus) = (Vec::new(), false);
        for (kind, subscription) in &self.types {
            let Some(desired) = snapshot.of(*kind) else { continue };
            match subscription.standing(desired) {
                Standing::Confirmed => {}
                Standing::Waiting => return Outcome::Waiting,
                Standing::Surplus => surplus = true,
                Standing::Refused(refusal) => refused.push((*kind, refusal.clone())),
            }
        }
        if !refused.is_empty() {
            return Outcome::Refused(refused);
        }
        let leads_to = [
            (ResourceType::Cluster, ResourceType::Endpoints),
            (ResourceType::Cluster, ResourceType::Routes),
            (ResourceType::Listener, ResourceType::Routes),
        ];
        let incomplete = leads_to.into_iter().any(|(kind, next)| {
            let exists = snapshot.of(next).is_some_and(|resources| !resources.is_empty());
            self.types.contains_key(&kind) && exists && !self.types.contains_key(&next)
        });
        if surplus || incomplete || self.types.is_empty() { Outcome::Waiting } else { Outcome::Confirmed }
    }

    /// What the client has asked for, by type.
    pub(crate) fn subscriptions(&self) -> impl Iterator<Item = (ResourceType, &Subscription)> {
        self.types.iter().map(|(kind, subscription)| (*kind, subscription))
    }
}

#[cfg(test)]
mod tests;

//! The open streams, and how many of them have come to terms with which publication.
//!
//! A barrier must not look at every stream each time one of them answers: the publications that streams have settled on
//! are counted, and waiters wake when the oldest one is left behind.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cutover_domain::Revision;
use tokio::time::Instant;

use super::report::{BarrierReport, Confirmation, EnvoyInfo, Refusal, TypeInfo};
use crate::Snapshot;
use crate::session::{Outcome, Session};

/// A snapshot as it was published. Epochs count publications: a revision may be published again with another contract.
#[derive(Debug)]
pub(super) struct Publication {
    pub(super) epoch: u64,
    pub(super) revision: Revision,
    pub(super) snapshot: Snapshot,
}

/// Who is at the other end of a stream.
#[derive(Clone, Debug, Default)]
pub(super) struct Peer {
    pub(super) node: String,
    pub(super) cluster: String,
    pub(super) version: Option<String>,
    pub(super) address: Option<SocketAddr>,
}

#[derive(Debug)]
struct Stream {
    peer: Peer,
    since: Instant,
    session: Arc<Mutex<Session>>,
    /// The last publication it confirmed or refused; zero before any.
    settled: u64,
    confirmed: Revision,
    refused: Vec<Refusal>,
}

/// The open streams.
#[derive(Debug, Default)]
pub(super) struct Registry {
    last: u64,
    streams: HashMap<u64, Stream>,
    /// How many streams have settled on which publication.
    settled: BTreeMap<u64, usize>,
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that holds a lock here can panic half-way through a change.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Registry {
    /// A new stream, which has settled on nothing.
    pub(super) fn open(&mut self, peer: Peer, since: Instant, session: Arc<Mutex<Session>>) -> u64 {
        self.last += 1;
        let stream =
            Stream { peer, since, session, settled: 0, confirmed: Revision::ZERO, refused: Vec::new() };
        self.streams.insert(self.last, stream);
        *self.settled.entry(0).or_default() += 1;
        self.last
    }

    /// Forgets a stream; says whether a barrier may be over by that.
    pub(super) fn close(&mut self, id: u64) -> bool {
        let Some(stream) = self.streams.remove(&id) else { return false };
        self.leave(stream.settled)
    }

    /// Takes note of a session's outcome; says whether a barrier may be over by that.
    pub(super) fn settle(&mut self, id: u64, publication: &Publication, outcome: Outcome) -> bool {
        let Some(stream) = self.streams.get_mut(&id) else { return false };
        match outcome {
            Outcome::Waiting => return false,
            Outcome::Confirmed => {
                stream.confirmed = publication.revision;
                stream.refused.clear();
            }
            Outcome::Refused(refused) => {
                let name = |name: &Arc<str>| name.to_string();
                stream.refused = refused
                    .into_iter()
                    .map(|(resource_type, refused)| Refusal {
                        node: stream.peer.node.clone(),
                        revision: refused.revision,
                        resource_type,
                        resources: refused.content.keys().map(name).collect(),
                        message: refused.message,
                    })
                    .collect();
            }
        }
        let before = std::mem::replace(&mut stream.settled, publication.epoch);
        if before == publication.epoch {
            return false;
        }
        *self.settled.entry(publication.epoch).or_default() += 1;
        self.leave(before)
    }

    /// One stream fewer on a publication; whether that was the oldest one.
    fn leave(&mut self, epoch: u64) -> bool {
        let Some(count) = self.settled.get_mut(&epoch) else { return false };
        *count = count.saturating_sub(1);
        if *count > 0 {
            return false;
        }
        self.settled.remove(&epoch);
        self.settled.first_key_value().is_none_or(|(oldest, _)| *oldest > epoch)
    }

    /// Whether every stream has settled on this publication or a later one.
    pub(super) fn all_settled(&self, epoch: u64) -> bool {
        self.settled.first_key_value().is_none_or(|(oldest, _)| *oldest >= epoch)
    }

    /// How the streams stand to a publication, by node.
    pub(super) fn report(&self, revision: Revision, epoch: u64, since: Instant) -> BarrierReport {
        let mut report = BarrierReport { revision, ..BarrierReport::default() };
        for stream in self.streams.values() {
            if stream.settled < epoch {
                report.lagging.push(stream.peer.node.clone());
            } else if stream.refused.is_empty() {
                let node = stream.peer.node.clone();
                report.confirmed.push(Confirmation { node, revision: stream.confirmed });
            } else {
                report.refused.extend(stream.refused.iter().cloned());
            }
        }
        report.lagging.sort_unstable();
        report.confirmed.sort_unstable_by(|one, other| one.node.cmp(&other.node));
        report.refused.sort_unstable_by(|one, other| one.node.cmp(&other.node));
        report.elapsed = since.elapsed();
        report
    }

    /// The streams as people see them, by node.
    pub(super) fn envoys(&self, current: Option<&Publication>) -> Vec<EnvoyInfo> {
        let mut envoys: Vec<EnvoyInfo> = self.streams.values().map(|stream| stream.info(current)).collect();
        envoys.sort_by(|one, other| one.node.cmp(&other.node));
        envoys
    }

    pub(super) fn len(&self) -> usize {
        self.streams.len()
    }
}

impl Stream {
    fn info(&self, current: Option<&Publication>) -> EnvoyInfo {
        let Peer { node, cluster, version, address } = self.peer.clone();
        let types = lock(&self.session)
            .subscriptions()
            .map(|(kind, subscription)| {
                let desired = current.and_then(|current| current.snapshot.of(kind));
                let (desired, acknowledged) =
                    desired.map_or((0, 0), |desired| subscription.progress(desired));
                (kind, TypeInfo { desired, acknowledged, waiting: subscription.is_waiting() })
            })
            .collect();
        EnvoyInfo {
            node,
            cluster,
            version,
            peer: address,
            connected_for: self.since.elapsed(),
            confirmed: self.confirmed,
            in_sync: self.refused.is_empty() && current.is_some_and(|current| self.settled == current.epoch),
            refusal: self.refused.first().cloned(),
            types,
        }
    }
}

#[cfg(test)]
mod tests;

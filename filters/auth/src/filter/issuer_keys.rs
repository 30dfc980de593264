//! The keys of one issuer that is asked for them: the glue between [`Keeper`], the host and the [`Gate`].

use cutover_filter_host::{HostError, NEW, Shared, random_bytes, set_shared, shared};

use super::fetch::{self, Failure};
use super::metrics::{KeyGauges, Metrics};
use crate::Gate;
use crate::algorithm::Algorithm;
use crate::config::{Issuer, RemoteKeys};
use crate::jwks::{KeyProblem, KeySet, SetError};
use crate::remote::{Keeper, Poll, Store, Timing};
use crate::verify::{SignatureVerifier as _, Verifiers};

#[derive(Debug)]
pub(super) struct IssuerKeys {
    /// Its place in the configuration.
    pub(super) issuer: usize,
    pub(super) keeper: Keeper,
    source: RemoteKeys,
    store: HostStore,
    /// The call under way.
    call: Option<u32>,
    gauges: KeyGauges,
}

impl IssuerKeys {
    /// # Errors
    /// The host has no shared data, so every worker would fetch for itself.
    pub(super) fn new(
        place: usize,
        issuer: &Issuer,
        source: &RemoteKeys,
        now: u64,
    ) -> Result<Self, HostError> {
        let store = HostStore::of(source, &issuer.algorithms);
        shared(&store.record)?;
        let timing = Timing {
            timeout: 1_000 * u64::from(source.timeout_seconds),
            refresh: 1_000 * u64::from(source.refresh_seconds),
            unknown_key: 1_000 * u64::from(source.unknown_kid_seconds),
            hold: 1_000 * u64::from(source.hold_seconds),
            hold_requests: source.hold_requests as usize,
        };
        Ok(Self {
            issuer: place,
            keeper: Keeper::new(timing, random(now)),
            source: source.clone(),
            store,
            call: None,
            gauges: KeyGauges::define(&issuer.expected.issuer),
        })
    }

    /// Whether another VM has brought other keys, which are then in use.
    pub(super) fn look(&mut self, gate: &Gate, now: u64) -> bool {
        let set = self.keeper.look(&self.store, now);
        self.load(gate, set)
    }

    /// What is to be done from time to time.
    pub(super) fn tick(&mut self, gate: &Gate, verifiers: &Verifiers, metrics: &Metrics, now: u64) {
        let Poll { load, fetch } = self.keeper.poll(&self.store, now, random(now));
        self.load(gate, load);
        if fetch {
            match fetch::send(&self.source) {
                Ok(call) => self.call = Some(call),
                Err(failure) => self.fetched(gate, verifiers, metrics, now, Err(failure)),
            }
        }
        let fetched_at = self.keeper.record().fetched_at;
        if let Some(keys) = gate.keys(self.issuer) {
            self.gauges.show(now.saturating_sub(fetched_at) / 1_000, keys.iter().count());
        }
    }

    /// Whether this is the call that is under way; from now on it is not.
    pub(super) fn take_call(&mut self, call: u32) -> bool {
        self.call.take_if(|ours| *ours == call).is_some()
    }

    /// What the call has brought.
    pub(super) fn fetched(
        &mut self,
        gate: &Gate,
        verifiers: &Verifiers,
        metrics: &Metrics,
        now: u64,
        answer: Result<Vec<u8>, Failure>,
    ) {
        let read = answer.and_then(|bytes| match self.parse(gate, &bytes) {
            Ok((keys, problems)) => Ok((bytes, keys, problems)),
            Err(error) => Err(Failure::Unusable(error)),
        });
        metrics.fetched(read.as_ref().err());
        let name = name(gate, self.issuer);
        match read {
            Ok((bytes, keys, problems)) => {
                if self.keeper.fetched(&self.store, now, random(now), Some(&bytes)) {
                    report(name, &keys, &problems, verifiers);
                    gate.set_keys(self.issuer, keys);
                }
            }
            Err(failure) => {
                self.keeper.fetched(&self.store, now, random(now), None);
                let pause = self.keeper.record().next_due.saturating_sub(now);
                let left = if gate.keys(self.issuer).is_some() {
                    "the last good ones stay in use"
                } else {
                    "its tokens are answered with 503"
                };
                log::warn!("auth: keys of {name} not fetched: {failure}; {left}, next try in {pause} ms");
            }
        }
    }

    /// This VM goes.
    pub(super) fn leave(&mut self, now: u64) {
        self.keeper.leave(&self.store, now);
    }

    fn load(&mut self, gate: &Gate, set: Option<Vec<u8>>) -> bool {
        let Some(set) = set else { return false };
        match self.parse(gate, &set) {
            Ok((keys, _reported_by_who_fetched_it)) => {
                gate.set_keys(self.issuer, keys);
                true
            }
            // Whoever shares it would not have: somebody else writes to the shared data of this VM's id.
            Err(error) => {
                log::warn!("auth: keys of {} not read: {error}", name(gate, self.issuer));
                self.keeper.refuse_load();
                false
            }
        }
    }

    fn parse(&self, gate: &Gate, set: &[u8]) -> Result<(KeySet, Vec<KeyProblem>), SetError> {
        let issuer = gate.config().issuers.get(self.issuer);
        KeySet::parse(set, issuer.map_or(&[], |issuer| &issuer.algorithms))
    }
}

fn name(gate: &Gate, issuer: usize) -> &str {
    gate.config().issuers.get(issuer).map_or("", |issuer| &issuer.expected.issuer)
}

/// Once for each set, by the VM that has fetched it.
fn report(name: &str, keys: &KeySet, problems: &[KeyProblem], verifiers: &Verifiers) {
    log::info!("auth: {name} has {} keys of use", keys.iter().count());
    for problem in problems {
        log::warn!("auth: key of {name} left out: {problem}");
    }
    for key in keys.iter().filter(|key| !verifiers.supports(key.algorithm)) {
        let algorithm = key.algorithm;
        log::warn!("auth: tokens of {name} with {algorithm} are refused: the host does not verify it");
    }
}

/// The values of one url, under names in the shared data of the VM's id. Issuers of other algorithms have others, because
/// a set of no use to one of them may be of use to the other.
#[derive(Debug)]
struct HostStore {
    record: String,
    body: String,
}

impl HostStore {
    fn of(source: &RemoteKeys, algorithms: &[Algorithm]) -> Self {
        let RemoteKeys { cluster, authority, path, scheme, .. } = source;
        let known = Algorithm::ALL.iter().filter(|known| algorithms.contains(known));
        let names = known.map(|known| known.name()).collect::<Vec<_>>().join(",");
        let key = |kind| {
            ["cutover.auth.jwks ", kind, " ", cluster, " ", scheme, "://", authority, path, " ", &names]
                .concat()
        };
        Self { record: key("record"), body: key("body") }
    }
}

impl Store for HostStore {
    fn record(&self) -> Option<(Vec<u8>, u32)> {
        let found = shared(&self.record).inspect_err(complain).ok().flatten();
        found.map(|Shared { value, version }| (value, version))
    }

    fn put_record(&self, bytes: &[u8], version: Option<u32>) -> bool {
        let done = set_shared(&self.record, bytes, Some(version.unwrap_or(NEW)));
        done.inspect_err(complain).is_ok()
    }

    fn body(&self) -> Option<Vec<u8>> {
        shared(&self.body).inspect_err(complain).ok().flatten().map(|shared| shared.value)
    }

    fn put_body(&self, bytes: &[u8]) {
        // Whoever puts one has the lease, so nobody else's is overwritten that is younger.
        if let Err(error) = set_shared(&self.body, bytes, None) {
            complain(&error);
        }
    }
}

fn complain(error: &HostError) {
    if *error != HostError::Changed {
        log::debug!("auth: shared data: {error}");
    }
}

/// For jitter and to tell VMs apart; where the host has no randomness the time must do.
fn random(now: u64) -> u64 {
    random_bytes().map_or(now, u64::from_le_bytes)
}

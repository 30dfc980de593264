//! The requests of one VM that wait for keys.

use std::collections::BTreeMap;

use super::{Keeper, Outlook, Waiting};

/// Requests that wait, by the number that the host has given them.
#[derive(Debug, Default)]
pub struct WaitingRoom {
    requests: BTreeMap<u32, Guest>,
}

#[derive(Debug)]
struct Guest {
    /// The place of its issuer in the configuration.
    issuer: usize,
    waiting: Waiting,
    /// The generation of the keys that were not the right ones.
    tried: u64,
}

/// A request that is to be decided now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Called {
    /// Which.
    pub request: u32,
    /// Why.
    pub why: Call,
    /// By the keys of this generation.
    pub generation: u64,
}

/// Why a request that waits is to be decided now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// There are other keys. If they are not the right ones either, it waits on.
    Try,
    /// What it was waiting for has come; whatever the keys are now, they decide.
    Come,
    /// It has waited long enough, or nothing can come in time.
    Late,
}

impl WaitingRoom {
    /// A request begins to wait for other keys than its issuer's keeper has.
    pub fn enter(&mut self, request: u32, issuer: usize, waiting: Waiting, keeper: &Keeper) {
        self.requests.insert(request, Guest { issuer, waiting, tried: keeper.generation() });
    }

    /// A request has been decided, or its client is gone; whether it was here.
    pub fn leave(&mut self, request: u32) -> bool {
        self.requests.remove(&request).is_some()
    }

    /// How many requests wait for keys of this issuer.
    pub fn count(&self, issuer: usize) -> usize {
        self.requests.values().filter(|guest| guest.issuer == issuer).count()
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }

    /// The requests that are to be decided now, after a look at the issuer's record, in the order in which they came. Each
    /// stays here until it leaves, and is called again until it does or [`WaitingRoom::wait_on`] is said.
    pub fn called(&self, issuer: usize, keeper: &Keeper, now: u64) -> Vec<Called> {
        let of_issuer = self.requests.iter().filter(|(_, guest)| guest.issuer == issuer);
        let call = |(request, guest): (&u32, &Guest)| {
            let why = match keeper.outlook(&guest.waiting, now) {
                Outlook::Come => Call::Come,
                Outlook::Late => Call::Late,
                Outlook::Hope if guest.tried != keeper.generation() => Call::Try,
                Outlook::Hope => return None,
            };
            Some(Called { request: *request, why, generation: keeper.generation() })
        };
        of_issuer.filter_map(call).collect()
    }

    /// The keys of this generation were not the right ones for a request either.
    pub fn wait_on(&mut self, request: u32, generation: u64) {
        if let Some(guest) = self.requests.get_mut(&request) {
            guest.tried = generation;
        }
    }
}

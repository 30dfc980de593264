//! Tokens whose signature and claims have been found good, so that the next request with one costs a look-up.
//!
//! The key is the whole token, so no two tokens can be taken for each other. Only tokens that passed every check which
//! does not depend on the operation come in; what depends on the operation (its scopes) and on the time (`exp`, `nbf`,
//! `iat`) is checked at each hit. A refusal is never kept. A cache belongs to one [`Gate`](crate::Gate), that is to one
//! configuration, and it is emptied whenever the gate gets other keys.

use std::collections::HashMap;
use std::rc::Rc;

use crate::claims::Validity;

/// How much a cache may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// At most so many tokens.
    pub entries: usize,
    /// At most so many bytes: the tokens, what is kept of them, and [`OVERHEAD`] each.
    pub bytes: usize,
}

impl Bounds {
    /// What a cache may hold unless something else is configured.
    pub const USUAL: Self = Self { entries: 1024, bytes: 1024 * 1024 };
}

/// What the maps need for each entry besides its texts, in bytes; an estimate on the safe side.
pub const OVERHEAD: usize = 256;

/// The two counts in front of what an [`Rc`] shares.
const RC: usize = 2 * size_of::<usize>();

/// What is kept of a good token.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Verified {
    /// Who issued it, by its place in the configuration.
    pub(crate) issuer: usize,
    /// When it is good.
    pub(crate) validity: Validity,
    /// What its bearer may do.
    pub(crate) scopes: Vec<String>,
    /// The claims that go upstream, by the place of their header in the configuration.
    pub(crate) identity: Vec<(usize, String)>,
    /// The claims for access logs, by the place of their name in the configuration. Kept as they are set: to read them
    /// from the token again would cost more than a whole hit.
    pub(crate) state: Vec<(usize, Rc<str>)>,
}

/// Look-ups by their result.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Tokens that were found and still good.
    pub hits: u32,
    /// Tokens that had to be verified.
    pub misses: u32,
}

/// A bounded map that forgets what was not asked for lately (the clock algorithm: one bit for each entry, and a hand
/// that goes round).
#[derive(Debug)]
pub(crate) struct TokenCache {
    bounds: Bounds,
    places: HashMap<Rc<[u8]>, usize>,
    entries: Vec<Entry>,
    bytes: usize,
    hand: usize,
    counts: Counts,
}

#[derive(Debug)]
struct Entry {
    token: Rc<[u8]>,
    verified: Rc<Verified>,
    /// Asked for since the hand passed.
    recent: bool,
}

impl Verified {
    fn bytes(&self) -> usize {
        let Self { issuer: _, validity: _, scopes, identity, state } = self;
        let kept = scopes.iter().chain(identity.iter().map(|(_, value)| value)).map(String::len);
        let kept = kept.chain(state.iter().map(|(_, value)| value.len() + RC));
        kept.map(|length| length + size_of::<(usize, String)>()).sum()
    }
}

impl Entry {
    fn bytes(&self) -> usize {
        self.token.len() + self.verified.bytes() + OVERHEAD
    }
}

impl TokenCache {
    pub(crate) fn new(bounds: Bounds) -> Self {
        let (places, entries, counts) = (HashMap::new(), Vec::new(), Counts::default());
        Self { bounds, places, entries, bytes: 0, hand: 0, counts }
    }

    /// What is known of a token, if it is good now (seconds since the epoch). One that is not good any more, or not yet
    /// again because the clock was set back, is forgotten: whoever verifies it then says why.
    pub(crate) fn get(&mut self, token: &[u8], now: u64) -> Option<Rc<Verified>> {
        let place = self.places.get(token).copied();
        let found = place.and_then(|place| self.entries.get_mut(place)).map(|entry| {
            entry.recent = true;
            Rc::clone(&entry.verified)
        });
        match found.filter(|verified| verified.validity.check(now).is_ok()) {
            Some(verified) => {
                self.counts.hits += 1;
                Some(verified)
            }
            None => {
                self.counts.misses += 1;
                if let Some(place) = place {
                    self.remove(place);
                }
                None
            }
        }
    }

    /// Keeps a token, in the place of others if need be; one that is too large for the cache is not kept.
    pub(crate) fn put(&mut self, token: &[u8], verified: Rc<Verified>) {
        let entry = Entry { token: token.into(), verified, recent: false };
        let size = entry.bytes();
        if size > self.bounds.bytes || self.bounds.entries == 0 {
            return;
        }
        if let Some(place) = self.places.get(token).copied() {
            self.remove(place);
        }
        while self.entries.len() >= self.bounds.entries || self.bytes + size > self.bounds.bytes {
            self.make_room();
        }
        self.bytes += size;
        self.places.insert(Rc::clone(&entry.token), self.entries.len());
        self.entries.push(entry);
    }

    /// Forgets every token.
    pub(crate) fn clear(&mut self) {
        let Self { bounds: _, places, entries, bytes, hand, counts: _ } = self;
        places.clear();
        entries.clear();
        (*bytes, *hand) = (0, 0);
    }

    /// The look-ups since this was last asked.
    pub(crate) fn take_counts(&mut self) -> Counts {
        std::mem::take(&mut self.counts)
    }

    /// Moves the hand on to an entry that was not asked for lately, and forgets it. Every entry that it passes becomes
    /// one of those, so a round finds one.
    fn make_room(&mut self) {
        loop {
            if self.hand >= self.entries.len() {
                self.hand = 0;
            }
            match self.entries.get_mut(self.hand) {
                Some(entry) if entry.recent => {
                    entry.recent = false;
                    self.hand += 1;
                }
                Some(_) => return self.remove(self.hand),
                None => return,
            }
        }
    }

    /// Forgets the entry at a place, which the last one takes.
    fn remove(&mut self, place: usize) {
        if place >= self.entries.len() {
            return;
        }
        let entry = self.entries.swap_remove(place);
        self.bytes -= entry.bytes();
        self.places.remove(&entry.token);
        if let Some(moved) = self.entries.get(place)
            && let Some(at) = self.places.get_mut(&moved.token)
        {
            *at = place;
        }
    }
}

#[cfg(test)]
mod tests;

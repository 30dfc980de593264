//! One VM's part in keeping an issuer's keys: its look at the shared record, its fetches, its requests that wait.

use super::{Record, Timing};

/// The values that the VMs share.
pub trait Store {
    /// The record's bytes and their version.
    fn record(&self) -> Option<(Vec<u8>, u32)>;
    /// Writes the record if it still has this version (`None`: if there is none); whether it has been written.
    fn put_record(&self, bytes: &[u8], version: Option<u32>) -> bool;
    /// The last good set, behind its generation.
    fn body(&self) -> Option<Vec<u8>>;
    /// Keeps a good set.
    fn put_body(&self, bytes: &[u8]);
}

/// One VM's view of an issuer's keys.
#[derive(Debug)]
pub struct Keeper {
    timing: Timing,
    /// This VM, among those that share the record.
    owner: u64,
    /// The record as it was last seen.
    record: Record,
    /// The generation of the keys that this VM has read; 0 for none.
    loaded: u64,
    /// Someone needs a fetch with a number above this.
    demanded: Option<u64>,
    /// The number of the fetch that this VM is making.
    fetching: Option<u64>,
}

/// What a VM has to do after a look at the record.
#[derive(Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Poll {
    /// Read these bytes, which are a new set.
    pub load: Option<Vec<u8>>,
    /// Fetch, and tell [`Keeper::fetched`] what came of it.
    pub fetch: bool,
}

/// A request that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// For what.
    pub want: Want,
    /// Since when.
    pub since: u64,
}

/// What a request waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// Any keys at all.
    Keys,
    /// The end of a fetch that started after it came: one with a number above this.
    FetchAfter(u64),
}

/// What a request that waits can expect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outlook {
    /// What it waits for may still come in time.
    Hope,
    /// It has come.
    Come,
    /// It will not come in time.
    Late,
}

/// How far back the clock may go before a waiting request does not trust it any more.
const JOLT: u64 = 1_000;

/// How often a change of the record is tried again when another VM was faster. Each try fails only because of another's
/// success, and the next look comes soon.
const TRIES: usize = 4;

impl Keeper {
    /// A VM that has seen nothing yet; `owner` at random.
    pub fn new(timing: Timing, owner: u64) -> Self {
        Self { timing, owner, record: Record::default(), loaded: 0, demanded: None, fetching: None }
    }

    /// The record as it was last seen.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// The generation of the keys that this VM has read; 0 for none.
    pub fn generation(&self) -> u64 {
        self.loaded
    }

    /// Looks at the record, and takes the lease if a fetch is due or needed and nobody is fetching.
    pub fn poll(&mut self, store: &dyn Store, now: u64, random: u64) -> Poll {
        let mut fetch = false;
        for _ in 0..TRIES {
            let (version, stored) = self.read(store, now);
            let Some(next) = self.change(&stored, now, random) else { break };
            if store.put_record(&next.encode(), version) {
                fetch = next.started > self.record.started;
                self.record = next;
                if fetch {
                    self.fetching = Some(next.started);
                }
                break;
            }
        }
        Poll { load: self.load(store), fetch }
    }

    /// Looks at the record and changes nothing; the bytes of a new set, if there is one.
    pub fn look(&mut self, store: &dyn Store, now: u64) -> Option<Vec<u8>> {
        self.read(store, now);
        self.load(store)
    }

    /// What this VM's fetch has brought: a good set, or nothing that is of use. Whether the set is a new one, which the
    /// caller then has to use; what came too late, when the lease was lost, is not.
    pub fn fetched(&mut self, store: &dyn Store, now: u64, random: u64, set: Option<&[u8]>) -> bool {
        let Some(number) = self.fetching.take() else { return false };
        for _ in 0..TRIES {
            let (version, _) = self.read(store, now);
            if !self.holds(number) {
                return false;
            }
            let next = match set {
                Some(set) => {
                    // A set that is stored without its generation, because whoever stored it did not get to write the
                    // record, is a new one still: nobody has loaded it.
                    let stored = store.body();
                    let known = stored.as_deref().and_then(numbered);
                    let new = known != Some((self.record.generation, set));
                    let next = self.record.succeed(new, now, random, &self.timing);
                    // Before the record: who sees the new generation finds the new set.
                    if new {
                        store.put_body(&[&next.generation.to_le_bytes(), set].concat());
                    }
                    next
                }
                None => self.record.fail(now, random, &self.timing),
            };
            if store.put_record(&next.encode(), version) {
                let new = set.is_some() && next.generation != self.loaded;
                self.record = next;
                if new {
                    self.loaded = next.generation;
                }
                return new;
            }
        }
        false
    }

    /// The set that [`Poll::load`] or [`Keeper::look`] gave is of no use to this VM: another fetch is needed, which is not
    /// sooner than one for an unknown key.
    pub fn refuse_load(&mut self) {
        self.demand();
    }

    /// This VM goes: what it was fetching, another may fetch.
    pub fn leave(&mut self, store: &dyn Store, now: u64) {
        let Some(number) = self.fetching.take() else { return };
        let (version, _) = self.read(store, now);
        if self.holds(number) {
            store.put_record(&self.record.undo().encode(), version);
        }
    }

    /// A request that needs other keys than there are, and whether it can wait for them: not if as many as may do so
    /// already, or if what it needs cannot come in time.
    pub fn admit(&mut self, has_keys: bool, waiting: usize, now: u64) -> Result<Waiting, Refused> {
        let want = if has_keys { Want::FetchAfter(self.demand()) } else { Want::Keys };
        let request = Waiting { want, since: now };
        if waiting >= self.timing.hold_requests {
            return Err(Refused::TooMany);
        }
        match self.outlook(&request, now) {
            Outlook::Hope => Ok(request),
            Outlook::Come | Outlook::Late => Err(Refused::TooLate),
        }
    }

    /// What a request that waits can expect by the record as it was last seen.
    pub fn outlook(&self, Waiting { want, since }: &Waiting, now: u64) -> Outlook {
        let deadline = since + self.timing.hold;
        if now >= deadline || now + JOLT < *since {
            return Outlook::Late;
        }
        let come = match want {
            Want::Keys => self.loaded > 0,
            Want::FetchAfter(number) => self.record.ended > *number,
        };
        if come {
            return Outlook::Come;
        }
        let demanded = matches!(want, Want::FetchAfter(_));
        let in_time =
            self.record.lease.is_some() || self.record.next_start(demanded, &self.timing) < deadline;
        if in_time { Outlook::Hope } else { Outlook::Late }
    }

    /// Someone needs a fetch that starts from now on: one with a number above the one that this returns.
    fn demand(&mut self) -> u64 {
        self.demanded = Some(self.record.started);
        self.record.started
    }

    fn holds(&self, number: u64) -> bool {
        let Record { started, lease, .. } = self.record;
        started == number && lease.is_some_and(|lease| lease.owner == self.owner)
    }

    /// Reads the record, with its version and as it is stored; one that is not there, or is none, is a new one.
    fn read(&mut self, store: &dyn Store, now: u64) -> (Option<u32>, Record) {
        let (record, version) = match store.record() {
            Some((bytes, version)) => (Record::decode(&bytes).unwrap_or_default(), Some(version)),
            None => (Record::default(), None),
        };
        self.record = record.as_of(now, &self.timing);
        // Numbers of a record that has been lost mean nothing any more.
        self.demanded = self.demanded.map(|number| number.min(record.started));
        (version, record)
    }

    /// What the record should become, if anything is to be done.
    fn change(&mut self, stored: &Record, now: u64, random: u64) -> Option<Record> {
        let record = self.record;
        if self.demanded.is_some_and(|number| record.started > number) {
            self.demanded = None;
        }
        if record.is_deserted(now) {
            return Some(record.fail(now, random, &self.timing));
        }
        let demanded = self.demanded.is_some();
        let may_start = record.lease.is_none() && now >= record.next_start(demanded, &self.timing);
        if may_start {
            return Some(record.start(self.owner, demanded, now, &self.timing));
        }
        // Times that were cut are kept so, or they would be cut at the next look again and never come.
        (record != *stored).then_some(record)
    }

    fn load(&mut self, store: &dyn Store) -> Option<Vec<u8>> {
        if self.record.generation == self.loaded || self.record.generation == 0 {
            return None;
        }
        self.loaded = self.record.generation;
        let body = store.body().and_then(|body| Some(numbered(&body)?.1.to_vec()));
        if body.is_none() {
            self.demand();
        }
        body
    }
}

/// A stored set, behind its generation.
fn numbered(body: &[u8]) -> Option<(u64, &[u8])> {
    let (generation, set) = body.split_first_chunk::<8>()?;
    Some((u64::from_le_bytes(*generation), set))
}

/// Why a request cannot wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// As many as may wait already.
    TooMany,
    /// What it needs cannot come in time.
    TooLate,
}

#[cfg(test)]
mod tests;

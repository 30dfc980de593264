//! What the VMs know together of an issuer's keys, as a value and as bytes.

use super::Timing;

/// What has been fetched, what is under way, and when the next fetch is due. Times are milliseconds of the host's clock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Record {
    /// Which set is the last good one; 0 for none yet. Another set has another, higher number.
    pub generation: u64,
    /// When the last good set came, or came again.
    pub fetched_at: u64,
    /// How many fetches have started.
    pub started: u64,
    /// The number of the last fetch that has ended, well or not.
    pub ended: u64,
    /// When the last fetch started that a token with an unknown key set off.
    pub demanded_at: Option<u64>,
    /// How many fetches in a row have failed.
    pub failures: u32,
    /// When the next fetch is due without anybody's asking.
    pub next_due: u64,
    /// Who is fetching.
    pub lease: Option<Lease>,
}

/// The right to fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// Whose it is: a number that a VM has drawn for itself.
    pub owner: u64,
    /// When it ends, whatever became of the owner.
    pub until: u64,
}

/// A lease is for the fetch and the time to write its result down.
const GRACE: u64 = 1_000;
/// The longest lease that a configuration can lead to.
const LONGEST_LEASE: u64 = 60_000 + GRACE;
/// Back-off while there is a last good set: from this, doubled with each failure, up to that.
const PAUSE: (u64, u64) = (1_000, 60_000);
/// Back-off while there is none and requests are refused.
const FIRST_PAUSE: (u64, u64) = (200, 5_000);

impl Record {
    /// The record as of `now`. The clock may have been set back, and another configuration may have written the record
    /// with longer times: nothing then waits longer than this configuration would.
    pub(super) fn as_of(self, now: u64, timing: &Timing) -> Self {
        let soon = if self.failures > 0 { now + PAUSE.1 } else { self.fetched_at.min(now) + timing.refresh };
        Self {
            fetched_at: self.fetched_at.min(now),
            demanded_at: self.demanded_at.map(|at| at.min(now)),
            next_due: self.next_due.min(soon),
            lease: self.lease.map(|lease| Lease { until: lease.until.min(now + LONGEST_LEASE), ..lease }),
            ..self
        }
    }

    /// Whether somebody is fetching.
    pub fn is_fetching(&self, now: u64) -> bool {
        self.lease.is_some_and(|lease| now < lease.until)
    }

    /// Whether somebody was fetching and has not come back.
    pub fn is_deserted(&self, now: u64) -> bool {
        self.lease.is_some_and(|lease| now >= lease.until)
    }

    /// When a fetch may start, if a token with an unknown key is there (`demanded`) or not.
    pub fn next_start(&self, demanded: bool, timing: &Timing) -> u64 {
        match self.demanded_at {
            _ if !demanded => self.next_due,
            None => 0,
            Some(last) => self.next_due.min(last + timing.unknown_key),
        }
    }

    /// After the start of a fetch.
    pub(super) fn start(self, owner: u64, demanded: bool, now: u64, timing: &Timing) -> Self {
        Self {
            started: self.started + 1,
            demanded_at: if demanded { Some(now) } else { self.demanded_at },
            lease: Some(Lease { owner, until: now + timing.timeout + GRACE }),
            ..self
        }
    }

    /// As if the fetch under way had not been started: its owner goes.
    pub(super) fn undo(self) -> Self {
        Self { started: self.started.saturating_sub(1), demanded_at: None, lease: None, ..self }
    }

    /// After a fetch that brought a good set; `new` if it is not the last one again. The next is due at 80 to 100 % of the
    /// refresh time, so that many proxies do not stay in step.
    pub(super) fn succeed(self, new: bool, now: u64, random: u64, timing: &Timing) -> Self {
        // The time makes it differ from numbers of a record that has been lost.
        let generation = if new { now.max(self.generation + 1) } else { self.generation };
        let next_due = now + between(timing.refresh / 5 * 4, timing.refresh, random);
        Self {
            generation,
            fetched_at: now,
            ended: self.started,
            failures: 0,
            next_due,
            lease: None,
            started: self.started,
            demanded_at: self.demanded_at,
        }
    }

    /// After a fetch that brought nothing, or whose owner has not come back.
    pub(super) fn fail(self, now: u64, random: u64, timing: &Timing) -> Self {
        let (first, longest) = if self.generation == 0 { FIRST_PAUSE } else { PAUSE };
        let doubled = first.checked_shl(self.failures.min(16)).unwrap_or(longest);
        let pause = doubled.min(longest).min(timing.refresh);
        Self {
            ended: self.started,
            failures: self.failures.saturating_add(1),
            next_due: now + between(pause / 2, pause, random),
            lease: None,
            ..self
        }
    }

    /// The record as bytes: a mark with the version of the form, then all numbers as little-endian `u64`. What may be
    /// absent has a 0 or a 1 before it.
    pub fn encode(&self) -> Vec<u8> {
        let Self { generation, fetched_at, started, ended, demanded_at, failures, next_due, lease } = *self;
        let Lease { owner, until } = lease.unwrap_or(Lease { owner: 0, until: 0 });
        let numbers = [
            generation,
            fetched_at,
            started,
            ended,
            demanded_at.is_some().into(),
            demanded_at.unwrap_or_default(),
            failures.into(),
            next_due,
            lease.is_some().into(),
            owner,
            until,
        ];
        let mut bytes = MARK.to_vec();
        bytes.extend(numbers.into_iter().flat_map(u64::to_le_bytes));
        bytes
    }

    /// Reads what [`Record::encode`] has written; anything else is `None`.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let numbers = bytes.strip_prefix(MARK.as_slice())?;
        let (numbers, []) = numbers.as_chunks::<8>() else { return None };
        let numbers: [[u8; 8]; 11] = numbers.try_into().ok()?;
        let [
            generation,
            fetched_at,
            started,
            ended,
            was_demanded,
            demanded_at,
            failures,
            next_due,
            is_leased,
            owner,
            until,
        ] = numbers.map(u64::from_le_bytes);
        let record = Self {
            generation,
            fetched_at,
            started,
            ended,
            demanded_at: optional(was_demanded, (demanded_at == 0).then_some(()), demanded_at)?,
            failures: failures.try_into().ok()?,
            next_due,
            lease: optional(is_leased, (owner == 0 && until == 0).then_some(()), Lease { owner, until })?,
        };
        let plausible = [generation, fetched_at, started, demanded_at, next_due, until]
            .into_iter()
            .all(|number| number <= LARGEST);
        (plausible && ended <= started).then_some(record)
    }
}

/// Behind it is the form's version.
const MARK: [u8; 8] = *b"cutjwks1";

/// No time and no count gets here (it is the year 10889), and sums with what is below do not overflow.
const LARGEST: u64 = 1 << 48;

/// A value that has a flag before it, and is zero without.
fn optional<T>(flag: u64, zero: Option<()>, value: T) -> Option<Option<T>> {
    match flag {
        0 => zero.map(|()| None),
        1 => Some(Some(value)),
        _ => None,
    }
}

/// A number from `low` to `high` for any random one.
fn between(low: u64, high: u64, random: u64) -> u64 {
    low + random % (high.saturating_sub(low) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMING: Timing =
        Timing { timeout: 5_000, refresh: 300_000, unknown_key: 5_000, hold: 5_000, hold_requests: 1_000 };

    fn full() -> Record {
        Record {
            generation: 7,
            fetched_at: 1_000_000,
            started: 9,
            ended: 8,
            demanded_at: Some(1_000_500),
            failures: 3,
            next_due: 1_200_000,
            lease: Some(Lease { owner: u64::MAX, until: 1_006_000 }),
        }
    }

    #[test]
    fn a_record_survives_the_round_trip() {
        for record in [
            Record::default(),
            full(),
            Record { lease: None, ..full() },
            Record { demanded_at: None, ..full() },
        ] {
            assert_eq!(Record::decode(&record.encode()), Some(record));
        }
    }

    #[test]
    fn what_is_no_record_is_none() {
        let good = full().encode();
        for end in 0..good.len() {
            assert_eq!(Record::decode(&good[..end]), None, "cut at {end}");
        }
        assert_eq!(Record::decode(&[good.clone(), vec![0]].concat()), None);
        assert_eq!(Record::decode(&[good.clone(), vec![0; 8]].concat()), None);
        let with = |at: usize, number: u64| {
            let mut bytes = good.clone();
            bytes[8 + at * 8..16 + at * 8].copy_from_slice(&number.to_le_bytes());
            Record::decode(&bytes)
        };
        assert!(with(3, 9).is_some(), "the last fetch has ended");
        assert_eq!(with(3, 10), None, "more ended than started");
        assert_eq!(with(4, 2), None, "a flag is 0 or 1");
        assert_eq!(with(8, 2), None, "a flag is 0 or 1");
        assert_eq!(with(8, 0), None, "an owner of no lease");
        assert_eq!(with(4, 0), None, "a time of no demand");
        assert_eq!(with(6, 1 << 32), None, "too many failures");
        for at in [0, 1, 2, 5, 7, 10] {
            assert_eq!(with(at, u64::MAX), None, "number {at} is absurd");
        }
        let mut other = good.clone();
        other[7] = b'2';
        assert_eq!(Record::decode(&other), None, "another version of the form");
    }

    #[test]
    fn a_good_set_is_fetched_again_at_80_to_100_percent_of_its_time() {
        let record = Record::default().start(1, false, 1_000, &TIMING);
        let due = |random| record.succeed(true, 1_000, random, &TIMING).next_due;
        assert_eq!(due(0), 1_000 + 240_000);
        assert_eq!(due(60_000), 1_000 + 300_000);
        let all = (0..200_000).step_by(7).map(due);
        assert!(all.into_iter().all(|due| (241_000..=301_000).contains(&due)));
        assert!((241_000..=301_000).contains(&due(u64::MAX)));
    }

    #[test]
    fn failures_are_followed_by_longer_and_longer_pauses() {
        let pauses = |mut record: Record, timing: &Timing| {
            (0..40)
                .map(|_| {
                    record = record.start(1, false, 0, timing).fail(0, u64::MAX - 1, timing);
                    record.next_due
                })
                .collect::<Vec<_>>()
        };
        let bounds = |pauses: &[u64], full: &[u64]| {
            for (pause, full) in pauses.iter().zip(full.iter().chain(full.last().into_iter().cycle())) {
                assert!((full / 2..=*full).contains(pause), "{pauses:?}");
            }
        };
        bounds(&pauses(Record::default(), &TIMING), &[200, 400, 800, 1_600, 3_200, 5_000]);
        let later = Record { generation: 1, ..Record::default() };
        bounds(&pauses(later, &TIMING), &[1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000]);
        let brisk = Timing { refresh: 10_000, ..TIMING };
        bounds(&pauses(later, &brisk), &[1_000, 2_000, 4_000, 8_000, 10_000]);
    }

    #[test]
    fn the_same_set_again_is_no_new_generation() {
        let first = Record::default().start(1, false, 1_000, &TIMING).succeed(true, 1_000, 0, &TIMING);
        let again = first.start(1, false, 2_000, &TIMING).succeed(false, 2_000, 0, &TIMING);
        assert_eq!((again.generation, again.fetched_at), (first.generation, 2_000));
        let other = again.start(1, false, 2_000, &TIMING).succeed(true, 1_500, 0, &TIMING);
        assert!(other.generation > again.generation, "also when the clock went back");
    }

    #[test]
    fn a_clock_that_was_set_back_delays_nothing_for_long() {
        let now = 10_000;
        let record = full().as_of(now, &TIMING);
        assert_eq!(record.fetched_at, now);
        assert_eq!(record.demanded_at, Some(now));
        assert_eq!(record.next_due, now + 60_000);
        assert_eq!(record.lease.unwrap().until, now + 61_000);
        let good = Record { failures: 0, ..full() }.as_of(now, &TIMING);
        assert_eq!(good.next_due, now + 300_000);
    }

    #[test]
    fn a_shorter_refresh_of_a_new_configuration_counts_at_once() {
        let record = Record { failures: 0, next_due: 1_300_000, ..full() };
        let brisk = Timing { refresh: 10_000, ..TIMING };
        assert_eq!(record.as_of(1_005_000, &brisk).next_due, 1_010_000);
    }
}

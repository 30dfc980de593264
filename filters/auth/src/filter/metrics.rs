//! What the filter counts. A decision stands even if it cannot be counted.

use cutover_filter_host::{Counter, Gauge};

use super::fetch::Failure;
use crate::algorithm::Algorithm;
use crate::cache::Counts;
use crate::decision::{Ground, Reason};
use crate::verify::Verifiers;

/// Decisions by result and reason, `cutover_auth.passed.<ground>` and `cutover_auth.refused.<reason>`; the cache's
/// look-ups, `cutover_auth.cache.hits` and `cutover_auth.cache.misses`; fetches of keys by result,
/// `cutover_auth.jwks.fetches.<result>`; and requests that waited for keys, `cutover_auth.held.<end>`.
#[derive(Debug)]
pub(super) struct Metrics {
    passed: [Option<Counter>; 3],
    refused: [Option<Counter>; Reason::CODES.len()],
    hits: Option<Counter>,
    misses: Option<Counter>,
    fetches: [Option<Counter>; 4],
    held: [Option<Counter>; 3],
}

/// What became of a request that needed keys which were not there.
#[derive(Debug, Clone, Copy)]
pub(super) enum Held {
    /// It waited until its keys, or the certainty that there are none, came.
    Resumed,
    /// It waited as long as it might, or as anything could come in time.
    TimedOut,
    /// Too many were waiting already.
    Rejected,
}

impl Metrics {
    pub(super) fn define() -> Self {
        Self {
            passed: ["public", "anonymous", "token"].map(|ground| define("passed", ground)),
            refused: Reason::CODES.map(|code| define("refused", code)),
            hits: define("cache", "hits"),
            misses: define("cache", "misses"),
            fetches: ["success", "unreachable", "bad_status", "unusable"]
                .map(|result| define("jwks.fetches", result)),
            held: ["resumed", "timed_out", "rejected"].map(|end| define("held", end)),
        }
    }

    pub(super) fn looked_up(&self, Counts { hits, misses }: Counts) {
        add(self.hits, hits);
        add(self.misses, misses);
    }

    pub(super) fn forwarded(&self, ground: Ground) {
        let [public, anonymous, token] = self.passed;
        count(match ground {
            Ground::Public => public,
            Ground::Anonymous => anonymous,
            Ground::Token => token,
        });
    }

    pub(super) fn refused(&self, reason: Reason) {
        let counters = Reason::CODES.iter().zip(self.refused);
        count(
            counters.into_iter().find(|(code, _)| **code == reason.code()).and_then(|(_, counter)| counter),
        );
    }

    pub(super) fn fetched(&self, failure: Option<&Failure>) {
        let [success, unreachable, bad_status, unusable] = self.fetches;
        count(match failure {
            None => success,
            Some(Failure::NotSent(_) | Failure::Unreachable) => unreachable,
            Some(Failure::Status(_)) => bad_status,
            Some(Failure::TooLarge | Failure::Unreadable(_) | Failure::Unusable(_)) => unusable,
        });
    }

    pub(super) fn held(&self, end: Held) {
        let [resumed, timed_out, rejected] = self.held;
        count(match end {
            Held::Resumed => resumed,
            Held::TimedOut => timed_out,
            Held::Rejected => rejected,
        });
    }
}

/// An issuer's keys: `cutover_auth.jwks.age_seconds.<issuer>` and `cutover_auth.jwks.keys.<issuer>`, with `_` for
/// everything in the issuer's name that is neither letter nor digit.
#[derive(Debug)]
pub(super) struct KeyGauges {
    age: Option<Gauge>,
    keys: Option<Gauge>,
}

impl KeyGauges {
    pub(super) fn define(issuer: &str) -> Self {
        let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
        let issuer: String = issuer.chars().map(plain).collect();
        let gauge = |name: &str| {
            let name = ["cutover_auth.jwks.", name, ".", &issuer].concat();
            let defined = Gauge::define(&name);
            defined.inspect_err(|error| log::warn!("auth: metric {name} is missing: {error}")).ok()
        };
        Self { age: gauge("age_seconds"), keys: gauge("keys") }
    }

    /// The age of the keys in use and their number.
    pub(super) fn show(&self, age_seconds: u64, keys: usize) {
        for (gauge, value) in [(self.age, age_seconds), (self.keys, keys as u64)] {
            if let Some(Err(error)) = gauge.map(|gauge| gauge.set(value)) {
                log::debug!("auth: not shown: {error}");
            }
        }
    }
}

/// Where each algorithm is verified, as the gauge `cutover_auth.verifier.<algorithm>`: see [`Place`] for the numbers.
///
/// [`Place`]: crate::verify::Place
pub(super) fn show(verifiers: &Verifiers) {
    for algorithm in Algorithm::ALL {
        let name = format!("cutover_auth.verifier.{algorithm}");
        let shown = Gauge::define(&name).and_then(|gauge| gauge.set(verifiers.place(algorithm) as u64));
        if let Err(error) = shown {
            log::warn!("auth: metric {name} is missing: {error}");
        }
    }
}

fn define(result: &str, detail: &str) -> Option<Counter> {
    Counter::define(&format!("cutover_auth.{result}.{detail}"))
        .inspect_err(|error| log::warn!("auth: metric {result}.{detail} is missing: {error}"))
        .ok()
}

fn count(counter: Option<Counter>) {
    add(counter, 1);
}

fn add(counter: Option<Counter>, number: u32) {
    if let Some(counter) = counter.filter(|_| number > 0)
        && let Err(error) = counter.increment(number)
    {
        log::debug!("auth: not counted: {error}");
    }
}

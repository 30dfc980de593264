//! Faults: how an operation is made worse, for one caller's side or for both.
//!
//! Deciding is pure and seeded: the n-th request under one fault always fares the same, whatever else is going on.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::operation::{Operation, Service};

/// The longest delay a fault can add; a distribution's tail is cut here.
const LONGEST_DELAY: Duration = Duration::from_secs(60);

/// Who calls: Envoy itself on the rust side, or the legacy gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Side {
    /// The legacy gateway (requests without `x-cutover-side`).
    Node,
    /// Envoy, on the rust side (`x-cutover-side: rust`).
    Rust,
}

impl Side {
    /// The side that a request's `x-cutover-side` header tells; only Envoy sends it, and only on the rust side.
    pub(crate) fn of(header: Option<&str>) -> Self {
        if header == Some("rust") { Self::Rust } else { Self::Node }
    }
}

/// Which sides a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) enum Sides {
    /// Only requests of the legacy gateway.
    #[serde(rename = "node")]
    Node,
    /// Only requests of Envoy's rust side.
    #[serde(rename = "rust")]
    Rust,
    /// Both.
    #[default]
    #[serde(rename = "*")]
    Both,
}

/// Which operations a fault strikes; written `*`, `trade/*`, `task/*` or an operation id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) enum Scope {
    /// Every operation of both services.
    #[default]
    All,
    /// Every operation of one service.
    Service(Service),
    /// One operation.
    Operation(Operation),
}

/// A fault that cannot be meant.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum FaultError {
    /// The scope names nothing.
    #[error("operation: `{given}` is unknown; known are *, trade/*, task/*, {known}")]
    UnknownOperation {
        /// What was given.
        given: String,
        /// Every operation id.
        known: String,
    },
    /// Not a probability.
    #[error("error_rate: must be between 0 and 1")]
    ErrorRate,
    /// Not an error.
    #[error("status: must be between 400 and 599")]
    Status,
    /// Neither a fixed delay nor a distribution.
    #[error("delay: give either fixed_ms, or p50_ms and p99_ms with 0 < p50_ms <= p99_ms <= 60000")]
    Delay,
}

impl TryFrom<String> for Scope {
    type Error = FaultError;

    fn try_from(given: String) -> Result<Self, FaultError> {
        match given.as_str() {
            "*" => Ok(Self::All),
            "trade/*" => Ok(Self::Service(Service::Trade)),
            "task/*" => Ok(Self::Service(Service::Task)),
            id => Operation::from_id(id).map(Self::Operation).ok_or_else(|| FaultError::UnknownOperation {
                given: id.to_owned(),
                known: Operation::ALL.map(Operation::id).join(", "),
            }),
        }
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::All => "*".to_owned(),
            Scope::Service(service) => format!("{}/*", service.name()),
            Scope::Operation(operation) => operation.id().to_owned(),
        }
    }
}

/// Added latency.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "DelaySpec", into = "DelaySpec")]
pub(crate) enum Delay {
    /// The same for every request, in milliseconds.
    Fixed(u32),
    /// Log-normal with this median and 99th percentile, in milliseconds.
    LogNormal {
        /// The median.
        p50: f64,
        /// The 99th percentile.
        p99: f64,
    },
}

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DelaySpec {
    #[serde(skip_serializing_if = "Option::is_none")]
    fixed_ms: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p50_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p99_ms: Option<f64>,
}

impl TryFrom<DelaySpec> for Delay {
    type Error = FaultError;

    fn try_from(spec: DelaySpec) -> Result<Self, FaultError> {
        let DelaySpec { fixed_ms, p50_ms, p99_ms } = spec;
        match (fixed_ms, p50_ms, p99_ms) {
            (Some(ms), None, None) if ms <= 60_000 => Ok(Self::Fixed(ms)),
            (None, Some(p50), Some(p99)) if 0.0 < p50 && p50 <= p99 && p99 <= 60_000.0 => {
                Ok(Self::LogNormal { p50, p99 })
            }
            _ => Err(FaultError::Delay),
        }
    }
}

impl From<Delay> for DelaySpec {
    fn from(delay: Delay) -> Self {
        match delay {
            Delay::Fixed(ms) => Self { fixed_ms: Some(ms), ..Self::default() },
            Delay::LogNormal { p50, p99 } => Self { p50_ms: Some(p50), p99_ms: Some(p99), ..Self::default() },
        }
    }
}

/// One fault, as `PUT /__faults` takes it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fault {
    /// The operations it strikes; default all.
    #[serde(default)]
    pub(crate) operation: Scope,
    /// The sides it strikes; default both.
    #[serde(default)]
    pub(crate) side: Sides,
    /// The share of requests (0 to 1) that get `status` instead of an answer.
    #[serde(default)]
    pub(crate) error_rate: f64,
    /// The status of those errors, 400 to 599; default 500.
    #[serde(default = "internal_error")]
    pub(crate) status: u16,
    /// Latency added to every answer, errors and resets included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) delay: Option<Delay>,
    /// Take the request and never answer.
    #[serde(default)]
    pub(crate) hang: bool,
    /// Take the request and reset the connection.
    #[serde(default)]
    pub(crate) reset: bool,
    /// Answer with the right status and a body that breaks the contract.
    #[serde(default)]
    pub(crate) wrong_body: bool,
}

fn internal_error() -> u16 {
    500
}

impl Fault {
    /// Refuses numbers that cannot be meant.
    pub(crate) fn check(&self) -> Result<(), FaultError> {
        if !(0.0..=1.0).contains(&self.error_rate) {
            return Err(FaultError::ErrorRate);
        }
        if !(400..=599).contains(&self.status) {
            return Err(FaultError::Status);
        }
        Ok(())
    }

    /// How exactly it fits a request, 0 for not at all: an operation beats a service, a service beats `*`; among
    /// equals one side beats both.
    fn fit(&self, operation: Operation, side: Side) -> u8 {
        let scope = match self.operation {
            Scope::All => 2,
            Scope::Service(service) if service == operation.service() => 4,
            Scope::Operation(own) if own == operation => 6,
            Scope::Service(_) | Scope::Operation(_) => return 0,
        };
        match (self.side, side) {
            (Sides::Both, _) => scope,
            (Sides::Node, Side::Node) | (Sides::Rust, Side::Rust) => scope + 1,
            (Sides::Node, Side::Rust) | (Sides::Rust, Side::Node) => 0,
        }
    }
}

/// What happens to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// A true answer.
    Answer,
    /// A true status with a body that breaks the contract.
    WrongBody,
    /// This status instead of an answer.
    Error(u16),
    /// No answer, the connection stays open.
    Hang,
    /// No answer, the connection is reset.
    Reset,
}

/// The faults in force.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    entries: Vec<(Fault, Random)>,
}

impl Faults {
    /// Puts a fault in force; it replaces the one of the same operations and side, if any.
    pub(crate) fn put(&mut self, fault: Fault) -> Result<(), FaultError> {
        fault.check()?;
        self.entries.retain(|(old, _)| old.operation != fault.operation || old.side != fault.side);
        self.entries.push((fault, Random::default()));
        Ok(())
    }

    /// Ends all faults.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }

    /// The faults in force, oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.entries.iter().map(|(fault, _)| fault)
    }

    /// Decides what happens to the next request of an operation and a side, and after which delay.
    pub(crate) fn next(&mut self, operation: Operation, side: Side) -> (Duration, Fate) {
        let best = self
            .entries
            .iter_mut()
            .filter(|(fault, _)| fault.fit(operation, side) > 0)
            .max_by_key(|(fault, _)| fault.fit(operation, side));
        let Some((fault, random)) = best else {
            return (Duration::ZERO, Fate::Answer);
        };
        // Every request draws the same number of numbers, so that one setting does not shift another's sequence.
        let (chance, first, second) = (random.next(), random.next(), random.next());
        let delay = fault.delay.map_or(Duration::ZERO, |delay| sample(delay, first, second));
        let fate = if fault.hang {
            Fate::Hang
        } else if fault.reset {
            Fate::Reset
        } else if chance < fault.error_rate {
            Fate::Error(fault.status)
        } else if fault.wrong_body {
            Fate::WrongBody
        } else {
            Fate::Answer
        };
        (delay, fate)
    }
}

/// A delay from two uniform numbers in [0, 1) (Box-Muller).
fn sample(delay: Delay, first: f64, second: f64) -> Duration {
    match delay {
        Delay::Fixed(ms) => Duration::from_millis(u64::from(ms)),
        Delay::LogNormal { p50, p99 } => {
            /// The 99th percentile of the standard normal distribution.
            const Z99: f64 = 2.326_347_874;
            let sigma = (p99 / p50).ln() / Z99;
            let normal = (-2.0 * (1.0 - first).ln()).sqrt() * (std::f64::consts::TAU * second).cos();
            let seconds = p50 * (sigma * normal).exp() / 1_000.0;
            Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST_DELAY).min(LONGEST_DELAY)
        }
    }
}

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators") from a fixed seed.
#[derive(Debug)]
struct Random(u64);

impl Default for Random {
    fn default() -> Self {
        Self(0x0c07_0e12)
    }
}

impl Random {
    /// A number in [0, 1).
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        (z >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(json: &str) -> Fault {
        serde_json::from_str(json).unwrap()
    }

    fn fates(json: &str, count: usize) -> Vec<(Duration, Fate)> {
        let mut faults = Faults::default();
        faults.put(fault(json)).unwrap();
        (0..count).map(|_| faults.next(Operation::ListTasks, Side::Node)).collect()
    }

    #[test]
    fn the_most_exact_fault_wins() {
        let mut faults = Faults::default();
        for json in [
            r#"{"operation":"listTasks","side":"rust","error_rate":1,"status":503}"#,
            r#"{"operation":"task/*","error_rate":1,"status":502}"#,
            r#"{"operation":"*","error_rate":1}"#,
        ] {
            faults.put(fault(json)).unwrap();
        }
        assert_eq!(faults.next(Operation::ListTasks, Side::Rust).1, Fate::Error(503));
        assert_eq!(faults.next(Operation::ListTasks, Side::Node).1, Fate::Error(502));
        assert_eq!(faults.next(Operation::ListTrades, Side::Rust).1, Fate::Error(500));
    }

    #[test]
    fn a_fault_of_one_side_spares_the_other() {
        let mut faults = Faults::default();
        faults.put(fault(r#"{"side":"rust","reset":true}"#)).unwrap();
        assert_eq!(faults.next(Operation::GetTask, Side::Rust).1, Fate::Reset);
        assert_eq!(faults.next(Operation::GetTask, Side::Node).1, Fate::Answer);
    }

    #[test]
    fn a_second_fault_of_the_same_operation_and_side_replaces_the_first() {
        let mut faults = Faults::default();
        faults.put(fault(r#"{"operation":"getTask","hang":true}"#)).unwrap();
        faults.put(fault(r#"{"operation":"getTask","wrong_body":true}"#)).unwrap();
        assert_eq!(faults.iter().count(), 1);
        assert_eq!(faults.next(Operation::GetTask, Side::Node).1, Fate::WrongBody);
    }

    #[test]
    fn the_error_rate_holds_and_repeats_exactly() {
        let json = r#"{"error_rate":0.2}"#;
        let first = fates(json, 2_000);
        let errors = first.iter().filter(|(_, fate)| *fate == Fate::Error(500)).count();
        assert!((340..460).contains(&errors), "{errors} errors of 2000 at a rate of 0.2");
        assert_eq!(first, fates(json, 2_000));
    }

    #[test]
    fn the_delay_follows_its_percentiles() {
        let mut delays: Vec<_> = fates(r#"{"delay":{"p50_ms":20,"p99_ms":200}}"#, 5_000)
            .into_iter()
            .map(|(delay, _)| delay.as_secs_f64() * 1_000.0)
            .collect();
        delays.sort_by(f64::total_cmp);
        let (median, p99) = (delays[2_500], delays[4_950]);
        assert!((18.0..22.0).contains(&median), "median {median} ms");
        assert!((160.0..250.0).contains(&p99), "p99 {p99} ms");
        assert!(fates(r#"{"delay":{"fixed_ms":7}}"#, 3).iter().all(|(d, _)| *d == Duration::from_millis(7)));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_the_field() {
        for (json, word) in [
            (r#"{"operation":"listTask"}"#, "known are *, trade/*, task/*, listTrades"),
            (r#"{"delay":{"fixed_ms":5,"p50_ms":1}}"#, "delay: give either"),
            (r#"{"delay":{"p50_ms":9,"p99_ms":1}}"#, "delay: give either"),
            (r#"{"side":"left"}"#, "unknown variant `left`"),
            (r#"{"rate":1}"#, "unknown field `rate`"),
        ] {
            let error = serde_json::from_str::<Fault>(json).unwrap_err().to_string();
            assert!(error.contains(word), "{json}: {error}");
        }
        assert_eq!(fault(r#"{"error_rate":1.5}"#).check(), Err(FaultError::ErrorRate));
        assert_eq!(fault(r#"{"status":200}"#).check(), Err(FaultError::Status));
    }

    #[test]
    fn a_fault_is_shown_as_it_was_given() {
        let given =
            fault(r#"{"operation":"task/*","side":"rust","delay":{"p50_ms":1,"p99_ms":2},"hang":true}"#);
        assert_eq!(fault(&serde_json::to_string(&given).unwrap()), given);
    }
}

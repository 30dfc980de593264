//! Everything that is asked: what each operation answers and refuses, and what the gateway does to all of them.
//!
//! The cases of failing upstreams stand between others, so that no breaker or outlier detection of a gateway sees enough
//! of them in a row to open: a replay must not depend on what came before.

mod edge;
mod failures;
mod tasks;
mod trades;

use crate::case::Case;

/// The case list, in the order of recording and replay.
#[must_use]
pub fn cases() -> Vec<Case> {
    let mut calm = [trades::cases(), tasks::cases(), edge::cases()].concat();
    let failures = failures::cases();
    let distance = calm.len() / (failures.len() + 1);
    // From the end on, so that the places before it do not move.
    for (index, failure) in failures.into_iter().enumerate().rev() {
        calm.insert((index + 1) * distance, failure);
    }
    calm
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const OPERATIONS: &[&str] = &[
        "cancelTrade",
        "completeTask",
        "createTask",
        "createTrade",
        "getTask",
        "getTrade",
        "health",
        "listTasks",
        "listTrades",
        "ready",
        "unmatched",
        "updateTask",
    ];

    #[test]
    fn every_operation_and_every_status_is_asked_for() {
        let operations: BTreeSet<_> = cases().iter().map(|case| case.operation).collect();
        assert_eq!(operations.into_iter().collect::<Vec<_>>(), OPERATIONS);
        let statuses: BTreeSet<_> = cases().iter().map(|case| case.status).collect();
        for status in [200, 201, 400, 401, 403, 404, 405, 409, 413, 415, 502, 503, 504] {
            assert!(statuses.contains(&status), "no case for {status}");
        }
        assert!(cases().len() >= 60, "{} cases", cases().len());
    }

    #[test]
    fn names_are_unique() {
        let names: Vec<_> = cases().iter().map(|case| case.name).collect();
        let unique: BTreeSet<_> = names.iter().collect();
        assert_eq!(unique.len(), names.len());
    }

    #[test]
    fn failures_stand_apart() {
        let all = cases();
        assert_eq!(all.len(), all.iter().map(|case| case.name).collect::<BTreeSet<_>>().len());
        for pair in all.windows(3) {
            let failing = pair.iter().filter(|case| !case.faults.is_empty()).count();
            assert!(failing <= 1, "{} is too near another failure", pair[0].name);
        }
    }
}

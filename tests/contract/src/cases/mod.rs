//! Everything that is asked: what each operation answers and refuses, and what the gateway does to all of them.
//!
//! Each case of a failing service is followed by one that the same service answers: it shows that the failure is over, and
//! no breaker or outlier detection of a gateway sees enough failures in a row to open. A replay must not depend on what
//! came before.

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
        let at = (index + 1) * distance;
        let after = failures::recovery(&failure);
        calm.splice(at..at, [failure, after]);
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
        let all = cases();
        let names: Vec<_> = all.iter().map(|case| &case.name).collect();
        let unique: BTreeSet<_> = names.iter().collect();
        assert_eq!(unique.len(), names.len());
    }

    #[test]
    fn after_a_failure_the_service_answers() {
        for pair in cases().windows(2).filter(|pair| !pair[0].faults.is_empty()) {
            assert!(pair[1].faults.is_empty() && pair[1].status == 200, "after `{}`", pair[0].name);
        }
    }
}

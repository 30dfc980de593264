//! Planning a change of the weights: pure functions from what is wanted to what moves.

use std::collections::BTreeSet;

use crate::{Action, OperationId, Weight, WeightChange, Weights};

/// What a request comes to: the operations that move. Empty when everything already is as wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What was asked for.
    pub action: Action,
    /// What moves, by name; operations that already have the wanted weight are left out.
    pub changes: Vec<WeightChange>,
}

/// Which operations a rollback takes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// Every operation that has a weight, also such that left the contract.
    All,
    /// These.
    Some(BTreeSet<OperationId>),
}

/// Why a change cannot be planned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// Operations that are in neither the contract nor the store.
    #[error("{}", unknown_text(unknown, known))]
    UnknownOperations {
        /// Names nobody knows.
        unknown: Vec<OperationId>,
        /// Names that exist.
        known: Vec<OperationId>,
    },
    /// A request that names no operation.
    #[error("no operation is named; name at least one")]
    Nothing,
}

fn unknown_text(unknown: &[OperationId], known: &[OperationId]) -> String {
    let noun = if unknown.len() == 1 { "operation" } else { "operations" };
    let names = |ids: &[OperationId]| ids.iter().map(OperationId::as_str).collect::<Vec<_>>().join(", ");
    format!("unknown {noun} {}; known are {}", names(unknown), names(known))
}

/// Plans to give operations of the contract (`known`) the `wanted` weights.
///
/// # Errors
/// When nothing is wanted, or an operation is not in the contract.
pub fn plan_set(
    current: &Weights,
    known: &BTreeSet<OperationId>,
    wanted: &Weights,
) -> Result<Change, ChangeError> {
    if wanted.is_empty() {
        return Err(ChangeError::Nothing);
    }
    refuse_unknown(wanted.iter().map(|(operation, _)| operation), known)?;
    let changes = wanted.iter().filter_map(|(operation, after)| step(current, operation, after)).collect();
    Ok(Change { action: Action::Set, changes })
}

/// Plans to put operations back to the node side, i.e. to weight zero.
///
/// Going back is always safe, so an operation that left the contract but still has a weight may be named as well:
/// otherwise it would come back with the old weight when it returns to the contract.
///
/// # Errors
/// When the selection is empty, or names an operation that neither the contract nor the store knows.
pub fn plan_rollback(
    current: &Weights,
    known: &BTreeSet<OperationId>,
    selection: &Selection,
) -> Result<Change, ChangeError> {
    let stored: BTreeSet<OperationId> = current.iter().map(|(operation, _)| operation.clone()).collect();
    let named = match selection {
        Selection::All => &stored,
        Selection::Some(named) if named.is_empty() => return Err(ChangeError::Nothing),
        Selection::Some(named) => {
            refuse_unknown(named, &known.union(&stored).cloned().collect())?;
            named
        }
    };
    let changes = named.iter().filter_map(|operation| step(current, operation, Weight::ZERO)).collect();
    Ok(Change { action: Action::Rollback, changes })
}

/// Operations that still have a weight above zero in the store although the contract no longer names them.
#[must_use]
pub fn reported_missing(stored: &Weights, known: &BTreeSet<OperationId>) -> Weights {
    let missing =
        stored.iter().filter(|(operation, weight)| *weight > Weight::ZERO && !known.contains(operation));
    missing.map(|(operation, weight)| (operation.clone(), weight)).collect()
}

fn step(current: &Weights, operation: &OperationId, after: Weight) -> Option<WeightChange> {
    let before = current.get(operation);
    (before != after).then(|| WeightChange { operation: operation.clone(), before, after })
}

fn refuse_unknown<'a>(
    named: impl IntoIterator<Item = &'a OperationId>,
    known: &BTreeSet<OperationId>,
) -> Result<(), ChangeError> {
    let unknown: Vec<_> = named.into_iter().filter(|id| !known.contains(*id)).cloned().collect();
    if unknown.is_empty() {
        return Ok(());
    }
    Err(ChangeError::UnknownOperations { unknown, known: known.iter().cloned().collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> OperationId {
        name.parse().unwrap()
    }

    fn ids(names: &[&str]) -> BTreeSet<OperationId> {
        names.iter().map(|name| id(name)).collect()
    }

    fn weights(items: &[(&str, &str)]) -> Weights {
        items.iter().map(|(name, weight)| (id(name), weight.parse().unwrap())).collect()
    }

    fn moves(change: &Change) -> Vec<String> {
        change.changes.iter().map(|c| format!("{} {} -> {}", c.operation, c.before, c.after)).collect()
    }

    #[test]
    fn set_moves_only_what_differs() {
        let current = weights(&[("a", "10"), ("b", "20")]);
        let wanted = weights(&[("a", "10"), ("b", "25.5"), ("c", "1")]);
        let change = plan_set(&current, &ids(&["a", "b", "c"]), &wanted).unwrap();
        assert_eq!(moves(&change), ["b 20% -> 25.5%", "c 0% -> 1%"]);
        assert_eq!(current.with(&change.changes), weights(&[("a", "10"), ("b", "25.5"), ("c", "1")]));
    }

    #[test]
    fn set_refuses_unknown_operations_and_names_the_known_ones() {
        let wanted = weights(&[("a", "1"), ("typo", "1"), ("other", "1")]);
        let error = plan_set(&Weights::new(), &ids(&["a", "b"]), &wanted).unwrap_err();
        assert_eq!(error.to_string(), "unknown operations other, typo; known are a, b");
        let error = plan_set(&Weights::new(), &ids(&["a"]), &weights(&[("b", "0")])).unwrap_err();
        assert_eq!(error.to_string(), "unknown operation b; known are a");
        assert_eq!(plan_set(&Weights::new(), &ids(&["a"]), &Weights::new()), Err(ChangeError::Nothing));
    }

    #[test]
    fn an_operation_that_left_the_contract_cannot_be_raised_but_taken_back() {
        let current = weights(&[("gone", "40")]);
        assert!(plan_set(&current, &ids(&["a"]), &weights(&[("gone", "50")])).is_err());
        let back = plan_rollback(&current, &ids(&["a"]), &Selection::Some(ids(&["gone"]))).unwrap();
        assert_eq!(moves(&back), ["gone 40% -> 0%"]);
        assert_eq!(reported_missing(&current, &ids(&["a"])), weights(&[("gone", "40")]));
        assert!(reported_missing(&weights(&[("gone", "0")]), &ids(&["a"])).is_empty());
    }

    #[test]
    fn rollback_of_all_takes_back_everything_and_is_empty_the_second_time() {
        let current = weights(&[("a", "10"), ("b", "0"), ("gone", "100")]);
        let change = plan_rollback(&current, &ids(&["a", "b"]), &Selection::All).unwrap();
        assert_eq!(moves(&change), ["a 10% -> 0%", "gone 100% -> 0%"]);
        let after = current.with(&change.changes);
        assert!(plan_rollback(&after, &ids(&["a", "b"]), &Selection::All).unwrap().changes.is_empty());
    }

    #[test]
    fn rollback_refuses_what_nobody_knows() {
        let error =
            plan_rollback(&Weights::new(), &ids(&["a"]), &Selection::Some(ids(&["typo"]))).unwrap_err();
        assert_eq!(error.to_string(), "unknown operation typo; known are a");
        let nothing = plan_rollback(&Weights::new(), &ids(&["a"]), &Selection::Some(BTreeSet::new()));
        assert_eq!(nothing, Err(ChangeError::Nothing));
    }
}

//! The weights of all operations, and the revision that counts their changes.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::{OperationId, Weight};

/// Counts the changes of the weights. Every committed change has the next number; none is ever used twice.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct Revision(pub u64);

impl Revision {
    /// Before any change.
    pub const ZERO: Self = Self(0);

    /// The revision of the next change.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// The weight of each operation that has one. An operation without an entry has [`Weight::ZERO`].
///
/// In JSON an object of operation to percent; a repeated operation is refused rather than decided by order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Weights(BTreeMap<OperationId, Weight>);

impl Weights {
    /// No operation has a weight yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// The weight of an operation, zero when it has none.
    #[must_use]
    pub fn get(&self, operation: &OperationId) -> Weight {
        self.0.get(operation).copied().unwrap_or_default()
    }

    /// Gives an operation a weight and returns the one it had.
    pub fn set(&mut self, operation: OperationId, weight: Weight) -> Option<Weight> {
        self.0.insert(operation, weight)
    }

    /// The operations with their weights, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&OperationId, Weight)> {
        self.0.iter().map(|(operation, weight)| (operation, *weight))
    }

    /// How many operations have an entry.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no operation has an entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// These weights after the changes.
    #[must_use]
    pub fn with(&self, changes: &[WeightChange]) -> Self {
        let mut weights = self.clone();
        for WeightChange { operation, before: _, after } in changes {
            weights.set(operation.clone(), *after);
        }
        weights
    }
}

impl FromIterator<(OperationId, Weight)> for Weights {
    fn from_iter<I: IntoIterator<Item = (OperationId, Weight)>>(items: I) -> Self {
        Self(items.into_iter().collect())
    }
}

impl<'de> Deserialize<'de> for Weights {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(WeightsVisitor)
    }
}

struct WeightsVisitor;

impl<'de> Visitor<'de> for WeightsVisitor {
    type Value = Weights;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object of operation to percentage")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Weights, A::Error> {
        let mut weights = BTreeMap::new();
        while let Some((operation, weight)) = entries.next_entry::<OperationId, Weight>()? {
            match weights.entry(operation) {
                Entry::Vacant(vacant) => {
                    vacant.insert(weight);
                }
                Entry::Occupied(taken) => {
                    return Err(de::Error::custom(format!("operation `{}` is given twice", taken.key())));
                }
            }
        }
        Ok(Weights(weights))
    }
}

/// One operation's step from one weight to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeightChange {
    /// What moves.
    pub operation: OperationId,
    /// Its weight until now.
    pub before: Weight,
    /// Its weight from now on.
    pub after: Weight,
}

/// What a store keeps: the weights and the revision that made them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct State {
    /// The last change.
    pub revision: Revision,
    /// The weights after it.
    pub weights: Weights,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_operation_is_refused() {
        let error = serde_json::from_str::<Weights>(r#"{"a":1,"a":2}"#).unwrap_err().to_string();
        assert!(error.contains("operation `a` is given twice"), "{error}");
    }

    #[test]
    fn an_operation_without_entry_is_at_zero() {
        let weights: Weights = serde_json::from_str(r#"{"a":"50%"}"#).unwrap();
        assert_eq!(weights.get(&"a".parse().unwrap()), "50".parse().unwrap());
        assert_eq!(weights.get(&"b".parse().unwrap()), Weight::ZERO);
    }
}

//! Keys that tokens name and the issuer does not publish.

use std::collections::VecDeque;

use crate::algorithm::Algorithm;

/// How a token names its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyName {
    /// The token's algorithm.
    pub algorithm: Algorithm,
    /// Its `kid`.
    pub id: Option<String>,
}

/// What one set of keys has been found not to have, by a fetch for the very purpose. The latest ones only.
#[derive(Debug, Default)]
pub(super) struct Missing {
    generation: u64,
    names: VecDeque<KeyName>,
}

/// Tokens choose the names, so there are bounds for how many are kept, and how long they are.
const MOST: usize = 64;
const LONGEST: usize = 256;

impl Missing {
    /// A set of this generation does not have the key.
    pub(super) fn add(&mut self, generation: u64, name: &KeyName) {
        if self.generation != generation {
            self.generation = generation;
            self.names.clear();
        }
        if name.id.as_ref().is_some_and(|id| id.len() > LONGEST) || self.names.contains(name) {
            return;
        }
        if self.names.len() == MOST {
            self.names.pop_front();
        }
        self.names.push_back(name.clone());
    }

    /// Whether a set of this generation is known not to have it.
    pub(super) fn has(&self, generation: u64, name: &KeyName) -> bool {
        self.generation == generation && self.names.contains(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(id: &str) -> KeyName {
        KeyName { algorithm: Algorithm::Rs256, id: Some(id.to_owned()) }
    }

    #[test]
    fn a_key_is_missing_by_its_name_and_algorithm_until_there_is_another_set() {
        let mut missing = Missing::default();
        missing.add(3, &name("a"));
        assert!(missing.has(3, &name("a")));
        assert!(!missing.has(3, &name("b")) && !missing.has(4, &name("a")));
        assert!(!missing.has(3, &KeyName { algorithm: Algorithm::Es256, ..name("a") }));
        assert!(!missing.has(3, &KeyName { id: None, ..name("a") }));
        missing.add(4, &name("b"));
        assert!(missing.has(4, &name("b")) && !missing.has(4, &name("a")));
    }

    #[test]
    fn made_up_names_take_no_more_than_so_much_room() {
        let mut missing = Missing::default();
        for number in 0..1_000 {
            missing.add(1, &name(&number.to_string()));
            missing.add(1, &name(&"x".repeat(LONGEST + 1)));
        }
        assert_eq!(missing.names.len(), MOST);
        assert!(missing.has(1, &name("999")) && !missing.has(1, &name("0")));
    }
}

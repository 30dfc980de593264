//! Key sets (RFC 7517): every key checked once, a broken one reported and skipped.

use serde_json::Value;

use crate::algorithm::Algorithm;
use crate::json;

mod key;

pub(crate) use key::Material;
pub use key::{Key, KeyError};

/// An issuer's keys.
#[derive(Debug, Default)]
pub struct KeySet {
    keys: Vec<Key>,
    /// Whether a key without a name is also the key of tokens that name one.
    nameless_is_any: bool,
}

/// A key that was left out.
#[derive(Debug, thiserror::Error)]
#[error("keys[{index}]{}: {error}", .id.as_ref().map(|id| format!(" (kid `{}`)", in_a_log(id))).unwrap_or_default())]
pub struct KeyProblem {
    /// Where in the set it stands.
    pub index: usize,
    /// Its `kid`, if it has one.
    pub id: Option<String>,
    /// What is wrong with it.
    pub error: KeyError,
}

/// An issuer's text as a log can take it: short, and in one line.
pub(crate) fn in_a_log(text: &str) -> String {
    const LONGEST: usize = 64;
    text.chars().take(LONGEST).flat_map(char::escape_default).collect()
}

/// Why something is no set that could be used.
#[derive(Debug, thiserror::Error)]
pub enum SetError {
    /// Not JSON, or of another form.
    #[error("not a json web key set: must be a json object with unique members and a list `keys`")]
    NotASet,
    /// No key could be used.
    #[error("has no usable key: {0}")]
    NoUsableKey(String),
}

/// Why a set has no key for a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoKey {
    /// No key of that name and algorithm.
    #[error("no key has the token's `kid` and `alg`")]
    Unknown,
    /// The token names no key and the algorithm alone does not tell.
    #[error("the token has no `kid` and several keys have its `alg`")]
    Ambiguous,
}

impl KeySet {
    /// Reads a set as its issuer publishes it. Keys that are broken, or of another algorithm than these, are left out
    /// and reported.
    ///
    /// # Errors
    /// It is no set, or there is no key left.
    pub fn parse(text: &[u8], allowed: &[Algorithm]) -> Result<(Self, Vec<KeyProblem>), SetError> {
        let set = json::object(text).ok_or(SetError::NotASet)?;
        Self::read(set.get("keys").and_then(Value::as_array).ok_or(SetError::NotASet)?, allowed)
    }

    /// Reads the members of a set's `keys`, as [`Self::parse`] does.
    ///
    /// # Errors
    /// There is no key left.
    pub fn read(keys: &[Value], allowed: &[Algorithm]) -> Result<(Self, Vec<KeyProblem>), SetError> {
        let mut set = Self::default();
        let mut problems = Vec::new();
        for (index, value) in keys.iter().enumerate() {
            if let Err(error) = Key::read_among(value, allowed).and_then(|key| set.add(key, allowed)) {
                let id = value.get("kid").and_then(Value::as_str).map(str::to_owned);
                problems.push(KeyProblem { index, id, error });
            }
        }
        if set.keys.is_empty() {
            let first = problems.first().map_or_else(|| "the set is empty".to_owned(), ToString::to_string);
            return Err(SetError::NoUsableKey(first));
        }
        Ok((set, problems))
    }

    /// A set of one key. Without a name it is the key of every token, whatever key the token names.
    pub fn of(key: Key) -> Self {
        Self { keys: vec![key], nameless_is_any: true }
    }

    /// Every usable key.
    pub fn iter(&self) -> impl Iterator<Item = &Key> {
        self.keys.iter()
    }

    /// The key for a token: by name, and always of the token's own algorithm; without a name the only key of that
    /// algorithm.
    ///
    /// # Errors
    /// There is none, or more than one.
    pub fn select(&self, algorithm: Algorithm, id: Option<&str>) -> Result<&Key, NoKey> {
        let is_named = |key: &Key| match (&key.id, id) {
            (_, None) => true,
            (None, Some(_)) => self.nameless_is_any,
            (Some(ours), Some(id)) => ours == id,
        };
        let mut fitting = self.keys.iter().filter(|key| key.algorithm == algorithm && is_named(key));
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Ok(key),
            (None, _) => Err(NoKey::Unknown),
            (Some(_), Some(_)) => Err(NoKey::Ambiguous),
        }
    }

    fn add(&mut self, key: Key, allowed: &[Algorithm]) -> Result<(), KeyError> {
        if !allowed.contains(&key.algorithm) {
            return Err(KeyError::NotAllowed(key.algorithm));
        }
        let same = |other: &Key| other.id.is_some() && other.id == key.id && other.algorithm == key.algorithm;
        if self.keys.iter().any(same) {
            return Err(KeyError::Duplicate);
        }
        self.keys.push(key);
        Ok(())
    }
}

#[cfg(test)]
mod tests;

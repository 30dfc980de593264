//! Where a store is: `sqlite:PATH`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// The place of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A SQLite file, relative to the working directory: state is not configuration.
    Sqlite(PathBuf),
}

/// Why a text is not an [`Address`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a store; write `sqlite:PATH`, such as `sqlite:.run/state.db`")]
pub struct AddressError(String);

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        match text.split_once(':') {
            // `sqlite::memory:` would forget every weight at the next start.
            Some(("sqlite", path)) if !path.is_empty() && !path.starts_with(':') => {
                Ok(Self::Sqlite(PathBuf::from(path)))
            }
            _ => Err(AddressError(text.to_owned())),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(out, "sqlite:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_file_is_an_address() {
        let address: Address = "sqlite:.run/state.db".parse().unwrap();
        assert_eq!(address, Address::Sqlite(".run/state.db".into()));
        assert_eq!(address.to_string(), "sqlite:.run/state.db");
        for bad in ["", "sqlite", "sqlite:", "sqlite::memory:", "state.db", "postgres://x"] {
            assert!(bad.parse::<Address>().is_err(), "{bad}");
        }
    }
}

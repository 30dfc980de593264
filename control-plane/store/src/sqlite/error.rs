//! From SQLite's result codes to what an operator can do about them.

use std::path::Path;

use cutover_domain::Revision;
use rusqlite::{Error, ErrorCode};

use crate::StoreError;

/// A failure before the file's name is attached.
#[derive(Debug)]
pub(super) enum Failure {
    Sqlite(Error),
    Conflict { attempted: Revision, stored: Revision },
    ReadOnly,
    Corrupt(String),
    Foreign,
    Newer { found: i64, known: i64 },
    OutOfRange(String),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Sqlite(error)
    }
}

impl Failure {
    pub(super) fn at(self, path: &Path) -> StoreError {
        let path = path.to_owned();
        match self {
            Self::Conflict { attempted, stored } => StoreError::Conflict { attempted, stored },
            Self::ReadOnly => {
                StoreError::Unwritable { path, cause: "the file is write-protected".to_owned() }
            }
            Self::Corrupt(cause) => StoreError::Corrupt { path, cause },
            Self::Foreign => StoreError::Foreign { path },
            Self::Newer { found, known } => StoreError::Newer { path, found, known },
            Self::OutOfRange(what) => StoreError::OutOfRange { path, what },
            Self::Sqlite(error) => match error.sqlite_error_code() {
                Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Locked { path },
                Some(ErrorCode::DiskFull) => StoreError::Full { path },
                Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                    StoreError::Corrupt { path, cause: error.to_string() }
                }
                Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                    StoreError::Unwritable { path, cause: error.to_string() }
                }
                _ => StoreError::Database { path, source: error },
            },
        }
    }
}

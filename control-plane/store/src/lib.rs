//! Weights and the audit trail, kept.
//!
//! A store holds one [`State`] and the trail of changes that led to it. A change is committed with compare-and-swap on
//! the revision: whoever planned on an older state is told so, and nothing is lost or doubled. What a commit returned is
//! on disk.

mod address;
#[cfg(any(test, feature = "contract"))]
pub mod contract;
mod sqlite;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use cutover_domain::{Action, Actor, AuditEntry, OperationId, Reason, Revision, State, WeightChange};
use serde::Serialize;

pub use address::{Address, AddressError};
pub use sqlite::SqliteStore;

/// Keeps the weights and their audit trail.
#[async_trait]
pub trait Store: Send + Sync {
    /// The current weights and the revision that made them.
    async fn load(&self) -> Result<State, StoreError>;

    /// Applies the entry's changes and appends it to the trail, both or neither.
    ///
    /// The entry's revision must be the one after the stored one, else nothing happens and the answer is
    /// [`StoreError::Conflict`].
    async fn commit(&self, entry: &AuditEntry) -> Result<State, StoreError>;

    /// The trail, newest first.
    async fn history(&self, query: &HistoryQuery) -> Result<Vec<AuditEntry>, StoreError>;

    /// The last change of each operation that ever changed.
    async fn last_changes(&self) -> Result<BTreeMap<OperationId, LastChange>, StoreError>;
}

/// Opens the store at an address, creating it when there is none.
///
/// # Errors
/// When the store cannot be opened, is in use by another process, or is damaged.
pub async fn open(address: &Address) -> Result<Arc<dyn Store>, StoreError> {
    match address {
        Address::Sqlite(path) => Ok(Arc::new(SqliteStore::open(path).await?)),
    }
}

/// Which part of the trail is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryQuery {
    /// Only entries that changed this operation.
    pub operation: Option<OperationId>,
    /// Only entries older than this revision; for reading on.
    pub before: Option<Revision>,
    /// At most so many entries.
    pub limit: u32,
}

impl Default for HistoryQuery {
    fn default() -> Self {
        Self { operation: None, before: None, limit: 100 }
    }
}

/// The last change of one operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LastChange {
    /// The revision that made it.
    pub revision: Revision,
    /// Milliseconds since 1970-01-01 UTC.
    pub at_ms: u64,
    /// Who asked for it.
    pub actor: Actor,
    /// What was asked for.
    pub action: Action,
    /// Why, in the actor's words.
    pub reason: Option<Reason>,
    /// From which weight to which.
    pub change: WeightChange,
}

/// Why a store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else committed first.
    #[error("revision {attempted} cannot follow revision {stored}: another change came first")]
    Conflict {
        /// The revision of the refused entry.
        attempted: Revision,
        /// The revision the store is at.
        stored: Revision,
    },
    /// Another process has opened this store.
    #[error(
        "store `{path}` is in use by another process; stop that control plane, or give this one a `store` of its own"
    )]
    InUse {
        /// The store's file.
        path: PathBuf,
    },
    /// Another process kept a lock on the file for longer than this one waits.
    #[error(
        "store `{path}` is locked by another program; close what has it open (a database shell, a backup)"
    )]
    Locked {
        /// The store's file.
        path: PathBuf,
    },
    /// The file or its folder cannot be written or created.
    #[error("store `{path}` cannot be written: {cause}; check that the folder exists and its permissions")]
    Unwritable {
        /// The store's file.
        path: PathBuf,
        /// The operating system's or SQLite's words.
        cause: String,
    },
    /// There is no room for the change; it did not happen.
    #[error("store `{path}` has no room left on its disk; free some and try again")]
    Full {
        /// The store's file.
        path: PathBuf,
    },
    /// The file is damaged or its content contradicts itself.
    #[error(
        "store `{path}` is damaged: {cause}; restore it from a backup, or move it away to start at weight 0"
    )]
    Corrupt {
        /// The store's file.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// A database of some other program.
    #[error("`{path}` is not a store of this program; point `store` at a file of its own")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Written by a later version.
    #[error(
        "store `{path}` has format {found}, this version knows up to {known}; use the version that wrote it or a later one"
    )]
    Newer {
        /// The store's file.
        path: PathBuf,
        /// The file's format.
        found: i64,
        /// The latest format this version reads.
        known: i64,
    },
    /// A number does not fit the format of the store.
    #[error("store `{path}` cannot hold {what}")]
    OutOfRange {
        /// The store's file.
        path: PathBuf,
        /// What does not fit.
        what: String,
    },
    /// The thread that works on the database ended before it answered.
    #[error("the store stopped while it worked on a request; the control plane is shutting down")]
    Stopped,
    /// Anything else the database reports.
    #[error("store `{path}` failed: {source}")]
    Database {
        /// The store's file.
        path: PathBuf,
        /// The database's words.
        source: rusqlite::Error,
    },
}

//! The embedded store: one SQLite file, WAL, full sync.

mod error;
mod queries;
mod schema;

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use cutover_domain::{AuditEntry, OperationId, State};
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::{HistoryQuery, LastChange, Store, StoreError};
use error::Failure;

/// How long a statement waits for a lock that another program holds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// A store in one SQLite file.
///
/// One process at a time: a second control plane on the same file would publish from a state it does not see change.
/// Readers such as `sqlite3` may look while it runs.
#[derive(Clone)]
pub struct SqliteStore {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    connection: Mutex<Connection>,
    /// Held as long as the store is open; the operating system releases it when the process dies.
    _lock: File,
}

impl SqliteStore {
    /// Opens the file, creating it and its folder when missing, and brings its schema up to date.
    ///
    /// # Errors
    /// When it cannot be written, is in use, damaged, from a later version, or another program's.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref().to_owned();
        let opened = tokio::task::spawn_blocking(move || {
            let lock = lock(&path)?;
            let connection = connect(&path).map_err(|failure| failure.at(&path))?;
            Ok(Self { inner: Arc::new(Inner { path, connection: Mutex::new(connection), _lock: lock }) })
        });
        opened.await.map_err(|_| StoreError::Stopped)?
    }

    /// Runs a piece of work on the connection, off the async threads: SQLite blocks.
    async fn run<T, W>(&self, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&mut Connection) -> Result<T, Failure> + Send + 'static,
    {
        let inner = Arc::clone(&self.inner);
        let done = tokio::task::spawn_blocking(move || {
            // A poisoned lock means an earlier piece of work panicked; its transaction was rolled back when it unwound.
            let mut connection = inner.connection.lock().unwrap_or_else(PoisonError::into_inner);
            work(&mut connection).map_err(|failure| failure.at(&inner.path))
        });
        done.await.map_err(|_| StoreError::Stopped)?
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn load(&self) -> Result<State, StoreError> {
        self.run(|connection| queries::state(&*connection.transaction()?)).await
    }

    async fn commit(&self, entry: &AuditEntry) -> Result<State, StoreError> {
        let entry = entry.clone();
        self.run(move |connection| {
            // IMMEDIATE: the revision is read under the write lock, so that nobody commits between read and write.
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            queries::append(&transaction, &entry)?;
            let state = queries::state(&transaction)?;
            transaction.commit()?;
            Ok(state)
        })
        .await
    }

    async fn history(&self, query: &HistoryQuery) -> Result<Vec<AuditEntry>, StoreError> {
        let query = query.clone();
        self.run(move |connection| queries::history(&*connection.transaction()?, &query)).await
    }

    async fn last_changes(&self) -> Result<BTreeMap<OperationId, LastChange>, StoreError> {
        self.run(|connection| queries::last_changes(&*connection.transaction()?)).await
    }
}

/// Takes the lock file beside the database, whatever name it goes by, creating the folder on the way.
fn lock(path: &Path) -> Result<File, StoreError> {
    let unwritable =
        |cause: std::io::Error| StoreError::Unwritable { path: path.into(), cause: cause.to_string() };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(unwritable)?;
    }
    let mut name = path.canonicalize().unwrap_or_else(|_| path.to_owned()).into_os_string();
    name.push(".lock");
    let file = File::options().create(true).truncate(false).write(true).open(name).map_err(unwritable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse { path: path.into() }),
        Err(TryLockError::Error(cause)) => Err(unwritable(cause)),
    }
}

fn connect(path: &Path) -> Result<Connection, Failure> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // SQLite opens a write-protected file read-only without a word.
    if connection.is_readonly("main")? {
        return Err(Failure::ReadOnly);
    }
    schema::refuse_strangers(&connection)?;
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if !mode.eq_ignore_ascii_case("wal") {
        return Err(Failure::Corrupt(format!("journal mode is `{mode}` and cannot be made `wal`")));
    }
    // FULL: a commit that was answered survives a power cut (sqlite.org/pragma.html#pragma_synchronous).
    connection
        .execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;")?;
    schema::migrate(&mut connection)?;
    schema::verify(&connection)?;
    Ok(connection)
}

#[cfg(test)]
mod tests;

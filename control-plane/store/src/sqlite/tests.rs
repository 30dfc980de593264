//! What is special about the SQLite file: the contract, restarts, and files that cannot be trusted.

use super::*;
use crate::contract;
use cutover_domain::{Action, Revision, Weight, WeightChange};

fn entry(revision: u64, name: &str, before: u16, after: u16) -> AuditEntry {
    let weight = |points| Weight::from_basis_points(points).unwrap();
    let change =
        WeightChange { operation: name.parse().unwrap(), before: weight(before), after: weight(after) };
    AuditEntry {
        revision: Revision(revision),
        at_ms: 1_700_000_000_000,
        actor: "kim@laptop".parse().unwrap(),
        action: Action::Set,
        reason: None,
        changes: vec![change],
    }
}

async fn refusal(path: &Path) -> String {
    match SqliteStore::open(path).await {
        Ok(_) => panic!("{} must not open", path.display()),
        Err(error) => error.to_string().replace(&path.display().to_string(), "STORE"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_passes_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let count = std::sync::atomic::AtomicU32::new(0);
    let fresh = async || {
        let number = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        SqliteStore::open(folder.path().join(format!("{number}.db"))).await.unwrap()
    };
    contract::run(fresh).await.unwrap();
}

#[tokio::test]
async fn weights_and_trail_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/down/state.db");
    let store = SqliteStore::open(&path).await.unwrap();
    let state = store.commit(&entry(1, "listTasks", 0, 1250)).await.unwrap();
    drop(store);
    let store = SqliteStore::open(&path).await.unwrap();
    assert_eq!(store.load().await.unwrap(), state);
    assert_eq!(store.history(&HistoryQuery::default()).await.unwrap(), [entry(1, "listTasks", 0, 1250)]);
}

#[tokio::test]
async fn the_file_is_kept_the_safe_way() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("state.db")).await.unwrap();
    let settings = store
        .run(|connection| {
            let text: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
            let sync: i64 = connection.query_row("PRAGMA synchronous", [], |row| row.get(0))?;
            let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
            Ok((text, sync, version))
        })
        .await
        .unwrap();
    assert_eq!(settings, ("wal".to_owned(), 2, 1), "WAL, synchronous FULL, format 1");
}

#[tokio::test]
async fn a_second_process_is_told_that_the_store_is_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let first = SqliteStore::open(&path).await.unwrap();
    let told = refusal(&path).await;
    assert!(
        told.starts_with("store `STORE` is in use by another process; stop that control plane"),
        "{told}"
    );
    let link = folder.path().join("link.db");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    assert!(refusal(&link).await.contains("is in use by another process"), "by another name as well");
    drop(first);
    SqliteStore::open(&path).await.unwrap();
}

#[tokio::test]
async fn a_file_that_is_no_database_is_called_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    std::fs::write(&path, "not a database, but long enough to be taken for one ".repeat(100)).unwrap();
    let told = refusal(&path).await;
    assert!(told.starts_with("store `STORE` is damaged: file is not a database"), "{told}");
}

#[tokio::test]
async fn damaged_pages_are_found_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let store = SqliteStore::open(&path).await.unwrap();
    for revision in 1..=200 {
        store.commit(&entry(revision, &format!("operation-{revision}"), 0, 1)).await.unwrap();
    }
    drop(store);
    let mut bytes = std::fs::read(&path).unwrap();
    for byte in &mut bytes[4096..8192] {
        *byte ^= 0x5a;
    }
    std::fs::write(&path, bytes).unwrap();
    let told = refusal(&path).await;
    assert!(told.starts_with("store `STORE` is damaged: "), "{told}");
}

#[tokio::test]
async fn weights_that_contradict_the_trail_are_found_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let store = SqliteStore::open(&path).await.unwrap();
    store.commit(&entry(1, "listTasks", 0, 100)).await.unwrap();
    store.run(|connection| Ok(connection.execute("UPDATE weight SET weight_bp = 9000", [])?)).await.unwrap();
    drop(store);
    let told = refusal(&path).await;
    assert!(told.contains("its weights are not those its audit trail ends with"), "{told}");
}

#[tokio::test]
async fn the_trail_cannot_be_edited() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("state.db")).await.unwrap();
    store.commit(&entry(1, "listTasks", 0, 100)).await.unwrap();
    for statement in ["DELETE FROM audit_change", "UPDATE audit SET actor = 'x'", "DELETE FROM audit"] {
        let refused = store.run(move |connection| Ok(connection.execute(statement, [])?)).await;
        let told = refused.unwrap_err().to_string();
        assert!(told.contains("the audit trail is append-only"), "{statement}: {told}");
    }
}

#[tokio::test]
async fn a_file_of_a_later_version_or_of_another_program_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let later = folder.path().join("later.db");
    let store = SqliteStore::open(&later).await.unwrap();
    store.run(|connection| Ok(connection.pragma_update(None, "user_version", 99)?)).await.unwrap();
    drop(store);
    let told = refusal(&later).await;
    assert!(told.starts_with("store `STORE` has format 99, this version knows up to 1"), "{told}");

    let other = folder.path().join("other.db");
    Connection::open(&other).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    let told = refusal(&other).await;
    assert_eq!(told, "`STORE` is not a store of this program; point `store` at a file of its own");
}

#[tokio::test]
async fn a_place_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let told = refusal(&file.join("state.db")).await;
    assert!(told.starts_with("store `STORE` cannot be written: "), "{told}");
    let told = refusal(folder.path()).await;
    assert!(told.contains("cannot be written: ") || told.contains("unable to open"), "{told}");
}

#[tokio::test]
async fn a_full_disk_refuses_the_change_and_keeps_the_state() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("state.db")).await.unwrap();
    store.commit(&entry(1, "listTasks", 0, 100)).await.unwrap();
    // A file that may not grow fails with the same code as a disk that has no room.
    let limit = "PRAGMA max_page_count = 1";
    store.run(move |connection| Ok(connection.query_row(limit, [], |_| Ok(()))?)).await.unwrap();
    let mut revision = 2;
    let error = loop {
        match store.commit(&entry(revision, &format!("operation-{revision}-{}", "x".repeat(90)), 0, 1)).await
        {
            Ok(state) => revision = state.revision.next().0,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, StoreError::Full { .. }), "{error}");
    let state = store.load().await.unwrap();
    assert_eq!(state.revision.next(), Revision(revision), "the refused change left nothing behind");
}

//! The tables, how they came to be, and whether they can be trusted.

use rusqlite::{Connection, TransactionBehavior};

use super::error::Failure;
use super::queries;

/// "CUTV" in the file's header (sqlite.org/pragma.html#pragma_application_id): this file is ours.
const APPLICATION_ID: i64 = 0x4355_5456;

/// One step per format; `user_version` counts those that were done. Never edit a step that was released: add one.
const MIGRATIONS: &[&str] = &[
    // 1: weights and the trail. The revision is the trail's last one, so that both cannot disagree.
    "CREATE TABLE audit (
         revision INTEGER PRIMARY KEY CHECK (revision > 0),
         at_ms INTEGER NOT NULL CHECK (at_ms >= 0),
         actor TEXT NOT NULL,
         action TEXT NOT NULL,
         reason TEXT
     ) STRICT;
     CREATE TABLE audit_change (
         revision INTEGER NOT NULL REFERENCES audit (revision),
         operation TEXT NOT NULL,
         before_bp INTEGER NOT NULL CHECK (before_bp BETWEEN 0 AND 10000),
         after_bp INTEGER NOT NULL CHECK (after_bp BETWEEN 0 AND 10000),
         PRIMARY KEY (revision, operation)
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX audit_change_by_operation ON audit_change (operation, revision);
     CREATE TABLE weight (
         operation TEXT PRIMARY KEY,
         weight_bp INTEGER NOT NULL CHECK (weight_bp BETWEEN 0 AND 10000)
     ) STRICT, WITHOUT ROWID;
     CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit
         BEGIN SELECT raise(ABORT, 'the audit trail is append-only'); END;
     CREATE TRIGGER audit_is_final BEFORE UPDATE ON audit
         BEGIN SELECT raise(ABORT, 'the audit trail is append-only'); END;
     CREATE TRIGGER audit_change_is_kept BEFORE DELETE ON audit_change
         BEGIN SELECT raise(ABORT, 'the audit trail is append-only'); END;
     CREATE TRIGGER audit_change_is_final BEFORE UPDATE ON audit_change
         BEGIN SELECT raise(ABORT, 'the audit trail is append-only'); END;",
];

/// Refuses a database that another program made, before anything in it is touched.
pub(super) fn refuse_strangers(connection: &Connection) -> Result<(), Failure> {
    let application = pragma(connection, "application_id")?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let fresh = application == 0 && tables == 0;
    if fresh || application == APPLICATION_ID { Ok(()) } else { Err(Failure::Foreign) }
}

/// Brings the tables to the latest format; a crash in the middle leaves the old one.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), Failure> {
    let known = latest();
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = pragma(&transaction, "user_version")?;
    let Some(missing) = usize::try_from(found).ok().and_then(|done| MIGRATIONS.get(done..)) else {
        return Err(Failure::Newer { found, known });
    };
    for step in missing {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", known)?;
    Ok(transaction.commit()?)
}

/// Refuses a damaged file, and one whose weights are not what its trail says.
pub(super) fn verify(connection: &Connection) -> Result<(), Failure> {
    let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if verdict != "ok" {
        return Err(Failure::Corrupt(verdict));
    }
    let kept = queries::state(connection)?.weights;
    let told = queries::weights_of_trail(connection)?;
    if kept != told {
        return Err(Failure::Corrupt("its weights are not those its audit trail ends with".to_owned()));
    }
    Ok(())
}

fn latest() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

fn pragma(connection: &Connection, name: &str) -> Result<i64, Failure> {
    Ok(connection.pragma_query_value(None, name, |row| row.get(0))?)
}

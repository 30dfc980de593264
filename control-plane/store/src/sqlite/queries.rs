//! Statements, and the way from rows to domain types and back.

use std::collections::BTreeMap;
use std::str::FromStr;

use cutover_domain::{Action, AuditEntry, OperationId, Revision, State, Weight, WeightChange, Weights};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::error::Failure;
use crate::{HistoryQuery, LastChange};

/// The revision and the weights; read them in one transaction.
pub(super) fn state(connection: &Connection) -> Result<State, Failure> {
    let mut statement = connection.prepare_cached("SELECT operation, weight_bp FROM weight")?;
    let weights = weights(&mut statement.query([])?)?;
    Ok(State { revision: revision(connection)?, weights })
}

/// The weights as the trail tells them: for each operation what its last change left.
pub(super) fn weights_of_trail(connection: &Connection) -> Result<Weights, Failure> {
    // With a bare column beside max(), SQLite takes it from the row that has the maximum (lang_select.html#bareagg).
    let mut statement = connection
        .prepare("SELECT operation, after_bp, max(revision) FROM audit_change GROUP BY operation")?;
    weights(&mut statement.query([])?)
}

/// Appends the entry and applies it, provided that it follows the stored revision.
pub(super) fn append(connection: &Connection, entry: &AuditEntry) -> Result<(), Failure> {
    let AuditEntry { revision: attempted, at_ms, actor, action, reason, changes } = entry;
    let stored = revision(connection)?;
    if stored.next() != *attempted {
        return Err(Failure::Conflict { attempted: *attempted, stored });
    }
    let number = to_integer(attempted.0, "revision")?;
    connection
        .prepare_cached(
            "INSERT INTO audit (revision, at_ms, actor, action, reason) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            number,
            to_integer(*at_ms, "time")?,
            actor.as_str(),
            action.as_str(),
            reason.as_ref().map(cutover_domain::Reason::as_str)
        ])?;
    for WeightChange { operation, before, after } in changes {
        let (operation, after) = (operation.as_str(), after.basis_points());
        connection
            .prepare_cached(
                "INSERT INTO audit_change (revision, operation, before_bp, after_bp) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![number, operation, before.basis_points(), after])?;
        connection
            .prepare_cached(
                "INSERT INTO weight (operation, weight_bp) VALUES (?1, ?2)
                 ON CONFLICT (operation) DO UPDATE SET weight_bp = excluded.weight_bp",
            )?
            .execute(params![operation, after])?;
    }
    Ok(())
}

/// The trail, newest first.
pub(super) fn history(connection: &Connection, query: &HistoryQuery) -> Result<Vec<AuditEntry>, Failure> {
    let HistoryQuery { operation, before, limit } = query;
    // Every revision a store can hold is below i64::MAX, so a larger bound bounds nothing.
    let before = before.map_or(i64::MAX, |revision| i64::try_from(revision.0).unwrap_or(i64::MAX));
    let operation = operation.as_ref().map(OperationId::as_str);
    let mut statement = connection.prepare_cached(
        "SELECT revision, at_ms, actor, action, reason FROM audit
         WHERE revision < ?1
           AND (?2 IS NULL OR revision IN (SELECT revision FROM audit_change WHERE operation = ?2))
         ORDER BY revision DESC LIMIT ?3",
    )?;
    let mut rows = statement.query(params![before, operation, limit])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        let revision = from_integer(row.get(0)?, "revision")?;
        entries.push(AuditEntry {
            revision: Revision(revision),
            at_ms: from_integer(row.get(1)?, "time")?,
            actor: parse(row, 2)?,
            action: action(row, 3)?,
            reason: optional(row, 4)?,
            changes: changes(connection, row.get(0)?)?,
        });
    }
    Ok(entries)
}

/// The last change of each operation.
pub(super) fn last_changes(connection: &Connection) -> Result<BTreeMap<OperationId, LastChange>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT last.operation, last.before_bp, last.after_bp,
                audit.revision, audit.at_ms, audit.actor, audit.action, audit.reason
         FROM (SELECT operation, before_bp, after_bp, max(revision) AS revision
               FROM audit_change GROUP BY operation) AS last
         JOIN audit ON audit.revision = last.revision",
    )?;
    let mut rows = statement.query([])?;
    let mut found = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let change = change(row)?;
        let last = LastChange {
            revision: Revision(from_integer(row.get(3)?, "revision")?),
            at_ms: from_integer(row.get(4)?, "time")?,
            actor: parse(row, 5)?,
            action: action(row, 6)?,
            reason: optional(row, 7)?,
            change,
        };
        found.insert(last.change.operation.clone(), last);
    }
    Ok(found)
}

fn revision(connection: &Connection) -> Result<Revision, Failure> {
    let mut statement = connection.prepare_cached("SELECT max(revision) FROM audit")?;
    let last: Option<Option<i64>> = statement.query_row([], |row| row.get(0)).optional()?;
    last.flatten().map_or(Ok(Revision::ZERO), |number| from_integer(number, "revision").map(Revision))
}

fn changes(connection: &Connection, revision: i64) -> Result<Vec<WeightChange>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT operation, before_bp, after_bp FROM audit_change WHERE revision = ?1 ORDER BY operation",
    )?;
    let mut rows = statement.query([revision])?;
    let mut changes = Vec::new();
    while let Some(row) = rows.next()? {
        changes.push(change(row)?);
    }
    Ok(changes)
}

fn weights(rows: &mut rusqlite::Rows<'_>) -> Result<Weights, Failure> {
    let mut weights = Weights::new();
    while let Some(row) = rows.next()? {
        weights.set(parse(row, 0)?, weight(row, 1)?);
    }
    Ok(weights)
}

fn change(row: &Row<'_>) -> Result<WeightChange, Failure> {
    Ok(WeightChange { operation: parse(row, 0)?, before: weight(row, 1)?, after: weight(row, 2)? })
}

fn weight(row: &Row<'_>, column: usize) -> Result<Weight, Failure> {
    let points: i64 = row.get(column)?;
    let weight = u16::try_from(points).ok().and_then(Weight::from_basis_points);
    weight.ok_or_else(|| Failure::Corrupt(format!("it holds a weight of {points} basis points")))
}

fn action(row: &Row<'_>, column: usize) -> Result<Action, Failure> {
    let name: String = row.get(column)?;
    Action::from_name(&name).ok_or_else(|| Failure::Corrupt(format!("it holds an unknown action `{name}`")))
}

fn parse<T>(row: &Row<'_>, column: usize) -> Result<T, Failure>
where
    T: FromStr,
    T::Err: std::fmt::Display,
{
    let text: String = row.get(column)?;
    text.parse().map_err(|error: T::Err| Failure::Corrupt(format!("it holds an invalid value: {error}")))
}

fn optional<T>(row: &Row<'_>, column: usize) -> Result<Option<T>, Failure>
where
    T: FromStr,
    T::Err: std::fmt::Display,
{
    let text: Option<String> = row.get(column)?;
    text.map(|_| parse(row, column)).transpose()
}

fn to_integer(number: u64, what: &str) -> Result<i64, Failure> {
    i64::try_from(number).map_err(|_| Failure::OutOfRange(format!("the {what} {number}")))
}

fn from_integer(number: i64, what: &str) -> Result<u64, Failure> {
    u64::try_from(number).map_err(|_| Failure::Corrupt(format!("it holds a {what} of {number}")))
}

//! What every store must do, as tests that any implementation can run.

use std::collections::BTreeSet;
use std::sync::Arc;

use cutover_domain::{
    Action, Actor, AuditEntry, OperationId, Reason, Revision, State, TextError, Weight, WeightChange, Weights,
};

use crate::{HistoryQuery, Store, StoreError};

/// A violation of the contract, or a failure on the way.
#[derive(Debug, thiserror::Error)]
pub enum ContractError {
    /// The store failed where it must not.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A value of the suite itself is wrong.
    #[error("the suite is wrong: {0}")]
    Suite(String),
}

impl From<TextError> for ContractError {
    fn from(error: TextError) -> Self {
        Self::Suite(error.to_string())
    }
}

/// Runs the whole suite; `fresh` gives a new, empty store each time it is called.
///
/// # Errors
/// When the store fails where it must not.
///
/// # Panics
/// When the store breaks the contract.
pub async fn run<S, F>(fresh: F) -> Result<(), ContractError>
where
    S: Store + 'static,
    F: AsyncFn() -> S,
{
    an_empty_store_is_at_revision_zero(&fresh().await).await?;
    a_commit_is_seen_by_every_reader(&fresh().await).await?;
    a_stale_commit_changes_nothing(&fresh().await).await?;
    of_many_writers_each_revision_has_one(Arc::new(fresh().await)).await?;
    history_is_newest_first_filtered_and_paged(&fresh().await).await?;
    the_last_change_of_each_operation_is_known(&fresh().await).await?;
    a_large_change_is_one_entry(&fresh().await).await
}

async fn an_empty_store_is_at_revision_zero<S: Store>(store: &S) -> Result<(), ContractError> {
    assert_eq!(store.load().await?, State::default());
    assert_eq!(store.history(&HistoryQuery::default()).await?, []);
    assert!(store.last_changes().await?.is_empty());
    Ok(())
}

async fn a_commit_is_seen_by_every_reader<S: Store>(store: &S) -> Result<(), ContractError> {
    let entry = entry(1, &[("listTasks", 0, 1250), ("getTask", 0, 10_000)])?;
    let state = store.commit(&entry).await?;
    assert_eq!(state.revision, Revision(1));
    assert_eq!(state.weights.get(&id("listTasks")?), weight(1250)?);
    assert_eq!(store.load().await?, state, "what was committed is what is loaded");
    assert_eq!(store.history(&HistoryQuery::default()).await?, [sorted(entry)]);
    Ok(())
}

async fn a_stale_commit_changes_nothing<S: Store>(store: &S) -> Result<(), ContractError> {
    store.commit(&entry(1, &[("a", 0, 100)])?).await?;
    let before = (store.load().await?, store.history(&HistoryQuery::default()).await?);
    for attempted in [0, 1, 3, u64::MAX] {
        let refused = store.commit(&entry(attempted, &[("a", 100, 200), ("b", 0, 1)])?).await;
        let told = matches!(&refused, Err(StoreError::Conflict { attempted: told, stored })
            if (*told, *stored) == (Revision(attempted), Revision(1)));
        assert!(told, "a commit of revision {attempted} after 1 gave {refused:?}");
    }
    let after = (store.load().await?, store.history(&HistoryQuery::default()).await?);
    assert_eq!(before, after, "a refused commit leaves neither weights nor entries");
    Ok(())
}

async fn of_many_writers_each_revision_has_one<S: Store + 'static>(
    store: Arc<S>,
) -> Result<(), ContractError> {
    const WRITERS: usize = 8;
    const EACH: u64 = 5;
    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        let store = Arc::clone(&store);
        writers.push(tokio::spawn(async move {
            let mut conflicts = 0_u64;
            for _ in 0..EACH {
                loop {
                    let state = store.load().await?;
                    let name = format!("writer-{writer}");
                    let before = state.weights.get(&id(&name)?).basis_points();
                    let next = entry(state.revision.next().0, &[(&name, before, before + 1)])?;
                    match store.commit(&next).await {
                        Ok(_) => break,
                        Err(StoreError::Conflict { .. }) => conflicts += 1,
                        Err(other) => return Err(ContractError::from(other)),
                    }
                }
            }
            Ok(conflicts)
        }));
    }
    for writer in writers {
        writer.await.map_err(|error| ContractError::Suite(error.to_string()))??;
    }
    let state = store.load().await?;
    assert_eq!(state.revision.0, WRITERS as u64 * EACH);
    for (operation, reached) in state.weights.iter() {
        assert_eq!(u64::from(reached.basis_points()), EACH, "no step of {operation} is lost or doubled");
    }
    let all = store.history(&HistoryQuery { limit: 1000, ..HistoryQuery::default() }).await?;
    let revisions: BTreeSet<_> = all.iter().map(|entry| entry.revision).collect();
    assert_eq!(revisions.len(), all.len(), "no revision is used twice");
    assert_eq!(replay(&all), state.weights, "replaying the trail gives the state");
    Ok(())
}

async fn history_is_newest_first_filtered_and_paged<S: Store>(store: &S) -> Result<(), ContractError> {
    for revision in 1..=10 {
        let name = if revision % 2 == 0 { "even" } else { "odd" };
        store.commit(&entry(revision, &[(name, 0, 1), ("both", 0, 1)])?).await?;
    }
    let page = async |operation: Option<&str>, before: Option<u64>, limit| {
        let operation = operation.map(id).transpose()?;
        let query = HistoryQuery { operation, before: before.map(Revision), limit };
        let entries = store.history(&query).await?;
        Ok::<_, ContractError>(entries.iter().map(|entry| entry.revision.0).collect::<Vec<_>>())
    };
    assert_eq!(page(None, None, 3).await?, [10, 9, 8]);
    assert_eq!(page(None, Some(8), 3).await?, [7, 6, 5]);
    assert_eq!(page(None, Some(u64::MAX), 1).await?, [10]);
    assert_eq!(page(Some("even"), None, 100).await?, [10, 8, 6, 4, 2]);
    assert_eq!(page(Some("even"), Some(6), 1).await?, [4]);
    assert_eq!(page(Some("never"), None, 100).await?, [0_u64; 0]);
    assert_eq!(page(None, None, 0).await?, [0_u64; 0]);
    let query = HistoryQuery { operation: Some(id("odd")?), ..HistoryQuery::default() };
    let first = store.history(&query).await?;
    assert!(first.iter().all(|entry| entry.changes.len() == 2), "a filtered entry is still whole");
    Ok(())
}

async fn the_last_change_of_each_operation_is_known<S: Store>(store: &S) -> Result<(), ContractError> {
    store.commit(&entry(1, &[("a", 0, 100), ("b", 0, 100)])?).await?;
    let mut back = entry(2, &[("a", 100, 0)])?;
    back.action = Action::Rollback;
    back.reason = None;
    store.commit(&back).await?;
    let last = store.last_changes().await?;
    assert_eq!(last.len(), 2);
    for (name, revision, action) in [("a", 2, Action::Rollback), ("b", 1, Action::Set)] {
        let found =
            last.get(&id(name)?).ok_or_else(|| ContractError::Suite(format!("{name} has no change")))?;
        assert_eq!((found.revision, found.action), (Revision(revision), action));
        assert_eq!(found.reason.is_none(), action == Action::Rollback);
    }
    Ok(())
}

async fn a_large_change_is_one_entry<S: Store>(store: &S) -> Result<(), ContractError> {
    let names: Vec<String> = (0..500).map(|number| format!("operation-{number:03}")).collect();
    let moves: Vec<_> = names.iter().map(|name| (name.as_str(), 0, 5000)).collect();
    let state = store.commit(&entry(1, &moves)?).await?;
    assert_eq!(state.weights.len(), 500);
    let entries = store.history(&HistoryQuery::default()).await?;
    assert_eq!(entries.iter().map(|entry| entry.changes.len()).collect::<Vec<_>>(), [500]);
    Ok(())
}

fn replay(newest_first: &[AuditEntry]) -> Weights {
    newest_first.iter().rev().fold(Weights::new(), |weights, entry| weights.with(&entry.changes))
}

fn entry(revision: u64, moves: &[(&str, u16, u16)]) -> Result<AuditEntry, ContractError> {
    let change = |(name, before, after): &(&str, u16, u16)| {
        Ok(WeightChange { operation: id(name)?, before: weight(*before)?, after: weight(*after)? })
    };
    Ok(AuditEntry {
        revision: Revision(revision),
        at_ms: 1_700_000_000_000 + revision % 1000,
        actor: "kim@laptop".parse::<Actor>()?,
        action: Action::Set,
        reason: Some("a reason with \"quotes\", 'more' and ünïcode".parse::<Reason>()?),
        changes: moves.iter().map(change).collect::<Result<_, ContractError>>()?,
    })
}

fn sorted(mut entry: AuditEntry) -> AuditEntry {
    entry.changes.sort_by(|a, b| a.operation.cmp(&b.operation));
    entry
}

fn id(name: &str) -> Result<OperationId, ContractError> {
    name.parse().map_err(|error| ContractError::Suite(format!("{error}")))
}

fn weight(points: u16) -> Result<Weight, ContractError> {
    Weight::from_basis_points(points).ok_or_else(|| ContractError::Suite(format!("{points} basis points")))
}

//! Changes: decided purely, stored, published, confirmed, in this order.
//!
//! Persist first, publish second: a crash between the two repeats the publish at the next start and loses nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use anyhow::Context;
use cutover_domain::{
    Action, Actor, AuditEntry, Change, ChangeError, OperationId, Reason, Selection, State, WeightChange,
    Weights, plan_rollback, plan_set, reported_missing,
};
use cutover_store::{HistoryQuery, LastChange, Store, StoreError};
use cutover_xds::model::Gateway;
use cutover_xds::{BarrierReport, EnvoyInfo, Hub, RenderError, Snapshot, render};

use crate::clock;
use crate::config::Config;
use crate::metrics::Metrics;

/// How often a change is planned anew when another one came first.
const ATTEMPTS: usize = 3;

/// What somebody wants.
#[derive(Clone, Debug)]
pub(crate) enum Wish {
    /// These operations at these weights.
    Set(Weights),
    /// These operations back on the node side.
    Rollback(Selection),
}

/// Who wants it and why.
#[derive(Clone, Debug)]
pub(crate) struct Author {
    pub(crate) actor: Actor,
    pub(crate) reason: Option<Reason>,
}

/// What became of a wish.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) action: Action,
    /// What moved; empty when everything already was as wanted.
    pub(crate) changes: Vec<WeightChange>,
    /// The state that holds it.
    pub(crate) state: State,
    /// Envoys connected when it was published.
    pub(crate) connected: usize,
    /// When it was published; for a wish that moved nothing, when that was found.
    pub(crate) published: Instant,
}

/// Why a wish was not granted; nothing has changed then.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error(transparent)]
    Change(#[from] ChangeError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the change cannot be rendered for Envoy: {0}")]
    Render(#[from] RenderError),
    #[error("the control plane is shutting down; try again when it is back")]
    Stopping,
}

/// Owns the weights of one gateway.
#[derive(Clone)]
pub(crate) struct Controller {
    inner: Arc<Inner>,
}

struct Inner {
    config: Config,
    known: BTreeSet<OperationId>,
    store: Arc<dyn Store>,
    hub: Hub,
    metrics: Metrics,
    started_at_ms: u64,
    /// What is published; replaced as a whole.
    current: RwLock<State>,
    /// Held from plan to publish, so that revisions are published in the order they were stored.
    changing: tokio::sync::Mutex<()>,
}

impl Controller {
    /// Takes the state from the store and publishes it.
    ///
    /// # Errors
    /// When the store cannot be read, or what it says cannot be rendered.
    pub(crate) async fn start(config: Config, store: Arc<dyn Store>, hub: Hub) -> anyhow::Result<Self> {
        let state = store.load().await?;
        let snapshot = render(&config.gateway, &state.weights)
            .with_context(|| format!("the state of revision {} cannot be rendered", state.revision))?;
        let known = config.operations();
        for (operation, weight) in reported_missing(&state.weights, &known).iter() {
            tracing::warn!(%operation, %weight, "this operation left the contract but keeps its weight");
        }
        hub.publish(state.revision, snapshot);
        tracing::info!(revision = %state.revision, operations = known.len(), "published what the store says");
        let inner = Inner {
            config,
            known,
            store,
            hub,
            metrics: Metrics::default(),
            started_at_ms: clock::now_ms(),
            current: RwLock::new(state),
            changing: tokio::sync::Mutex::new(()),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Grants a wish: plans it on the current weights, stores it, publishes it.
    ///
    /// Runs to its end even when the caller goes away: a stored change must be published.
    ///
    /// # Errors
    /// When it is refused; nothing has changed then.
    pub(crate) async fn change(&self, wish: Wish, author: Author) -> Result<Outcome, Refused> {
        let controller = self.clone();
        let task = tokio::spawn(async move { controller.change_now(&wish, &author).await });
        task.await.map_err(|_| Refused::Stopping)?
    }

    async fn change_now(&self, wish: &Wish, author: &Author) -> Result<Outcome, Refused> {
        let _in_turn = self.inner.changing.lock().await;
        let begun = clock::start();
        let mut attempt = 1;
        let outcome = loop {
            match self.attempt(wish, author).await {
                Err(Refused::Store(StoreError::Conflict { .. })) if attempt < ATTEMPTS => attempt += 1,
                done => break done?,
            }
        };
        if !outcome.changes.is_empty() {
            self.inner.metrics.changed(outcome.action, begun.elapsed());
            let (actor, revision) = (&author.actor, outcome.state.revision);
            let moved: Vec<_> = outcome.changes.iter().map(moved).collect();
            tracing::info!(%revision, %actor, action = %outcome.action, "changed {}", moved.join(", "));
        }
        Ok(outcome)
    }

    async fn attempt(&self, wish: &Wish, author: &Author) -> Result<Outcome, Refused> {
        let Inner { config, known, store, hub, .. } = &*self.inner;
        let state = store.load().await?;
        let Change { action, changes } = match wish {
            Wish::Set(wanted) => plan_set(&state.weights, known, wanted)?,
            Wish::Rollback(selection) => plan_rollback(&state.weights, known, selection)?,
        };
        let connected = hub.envoys().len();
        if changes.is_empty() {
            return Ok(Outcome { action, changes, state, connected, published: clock::start() });
        }
        // Rendered before it is stored: what cannot be published must not become the state.
        let snapshot = render(&config.gateway, &state.weights.with(&changes))?;
        let entry = entry(&state, action, changes, author);
        let state = store.commit(&entry).await?;
        let published = clock::start();
        self.publish(&state, snapshot);
        Ok(Outcome { action, changes: entry.changes, state, connected, published })
    }

    fn publish(&self, state: &State, snapshot: Snapshot) {
        self.inner.hub.publish(state.revision, snapshot);
        *self.inner.current.write().unwrap_or_else(PoisonError::into_inner) = state.clone();
    }

    /// Waits until every connected Envoy runs an outcome, or has refused it, or time is up. The time it took counts from
    /// the publish: a quick Envoy has answered before anybody waits.
    pub(crate) async fn confirm(&self, outcome: &Outcome, patience: Duration) -> BarrierReport {
        let mut report = self.inner.hub.barrier(outcome.state.revision, patience).await;
        report.elapsed = outcome.published.elapsed();
        if report.is_complete() && !report.confirmed.is_empty() {
            self.inner.metrics.confirmed(report.elapsed);
        }
        report
    }

    /// What is published.
    pub(crate) fn state(&self) -> State {
        self.inner.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Weights of operations that left the contract.
    pub(crate) fn missing(&self) -> Weights {
        reported_missing(&self.state().weights, &self.inner.known)
    }

    pub(crate) async fn history(&self, query: &HistoryQuery) -> Result<Vec<AuditEntry>, StoreError> {
        self.inner.store.history(query).await
    }

    pub(crate) async fn last_changes(&self) -> Result<BTreeMap<OperationId, LastChange>, StoreError> {
        self.inner.store.last_changes().await
    }

    /// Every operation that can have a weight.
    pub(crate) fn known(&self) -> &BTreeSet<OperationId> {
        &self.inner.known
    }

    pub(crate) fn envoys(&self) -> Vec<EnvoyInfo> {
        self.inner.hub.envoys()
    }

    pub(crate) fn hub(&self) -> &Hub {
        &self.inner.hub
    }

    pub(crate) fn gateway(&self) -> &Gateway {
        &self.inner.config.gateway
    }

    pub(crate) fn config(&self) -> &Config {
        &self.inner.config
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }

    pub(crate) fn started_at_ms(&self) -> u64 {
        self.inner.started_at_ms
    }
}

fn entry(state: &State, action: Action, changes: Vec<WeightChange>, author: &Author) -> AuditEntry {
    let Author { actor, reason } = author.clone();
    AuditEntry { revision: state.revision.next(), at_ms: clock::now_ms(), actor, action, reason, changes }
}

fn moved(WeightChange { operation, before, after }: &WeightChange) -> String {
    format!("{operation} {before} -> {after}")
}

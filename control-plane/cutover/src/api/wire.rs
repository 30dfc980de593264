//! What the admin API says, as the server writes it and the command line reads it.

use std::collections::BTreeMap;

use cutover_domain::{
    Action, Actor, AuditEntry, OperationId, Reason, Revision, Weight, WeightChange, Weights,
};
use serde::{Deserialize, Serialize};

/// `GET /api/v1/status`
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Status {
    /// The gateway's name.
    pub(crate) gateway: String,
    /// This program's version.
    pub(crate) version: String,
    /// Where the gateway's Envoys listen.
    pub(crate) listen: String,
    /// Where the state is kept.
    pub(crate) store: String,
    /// Since when the control plane runs.
    pub(crate) started_at_ms: u64,
    /// When this was said, by the control plane's clock.
    pub(crate) now_ms: u64,
    /// The last change.
    pub(crate) revision: Revision,
    pub(crate) envoys: EnvoyCount,
    /// Every operation of the contract, and `unmatched`.
    pub(crate) operations: Vec<Operation>,
    /// Operations that left the contract but still have a weight.
    pub(crate) missing: Vec<Missing>,
}

/// How many Envoys there are and how many run the last change.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct EnvoyCount {
    pub(crate) connected: usize,
    pub(crate) in_sync: usize,
    pub(crate) refusing: usize,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Operation {
    pub(crate) operation: OperationId,
    /// Absent for `unmatched`.
    pub(crate) method: Option<String>,
    /// Absent for `unmatched`.
    pub(crate) path: Option<String>,
    /// What answers on the rust side: an upstream, or `gateway` when the gateway answers by itself.
    pub(crate) rust: String,
    /// Percent on the rust side.
    pub(crate) weight: Weight,
    pub(crate) last_change: Option<LastChange>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Missing {
    pub(crate) operation: OperationId,
    pub(crate) weight: Weight,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct LastChange {
    pub(crate) revision: Revision,
    pub(crate) at_ms: u64,
    pub(crate) actor: Actor,
    pub(crate) action: Action,
    pub(crate) reason: Option<Reason>,
    pub(crate) before: Weight,
    pub(crate) after: Weight,
}

impl From<cutover_store::LastChange> for LastChange {
    fn from(last: cutover_store::LastChange) -> Self {
        let cutover_store::LastChange { revision, at_ms, actor, action, reason, change } = last;
        let WeightChange { operation: _, before, after } = change;
        Self { revision, at_ms, actor, action, reason, before, after }
    }
}

/// `GET /api/v1/weights`
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WeightList {
    pub(crate) revision: Revision,
    pub(crate) weights: Vec<OperationWeight>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct OperationWeight {
    pub(crate) operation: OperationId,
    pub(crate) weight: Weight,
}

/// `GET /api/v1/history`
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct History {
    /// Newest first.
    pub(crate) entries: Vec<AuditEntry>,
}

/// `GET /api/v1/envoys`
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Envoys {
    /// What they are meant to run.
    pub(crate) revision: Revision,
    pub(crate) envoys: Vec<Envoy>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Envoy {
    pub(crate) node: String,
    pub(crate) cluster: String,
    pub(crate) version: Option<String>,
    /// Where its stream comes from.
    pub(crate) peer: Option<String>,
    pub(crate) connected_for_ms: u64,
    /// The last revision it runs completely.
    pub(crate) confirmed: Revision,
    pub(crate) in_sync: bool,
    pub(crate) refusal: Option<Refusal>,
    /// By type of resource.
    pub(crate) types: BTreeMap<String, TypeCount>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct TypeCount {
    pub(crate) desired: usize,
    pub(crate) acknowledged: usize,
    /// A push is on its way and not answered yet.
    pub(crate) waiting: bool,
}

/// What an Envoy refused.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Refusal {
    pub(crate) node: String,
    pub(crate) revision: Revision,
    pub(crate) resource_type: String,
    pub(crate) resources: Vec<String>,
    /// Envoy's own words.
    pub(crate) message: String,
}

/// The body of `PATCH /api/v1/weights`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetWeights {
    pub(crate) weights: Weights,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<Reason>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) actor: Option<Actor>,
    /// Wait so long for every connected Envoy to confirm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) wait_ms: Option<u64>,
}

/// The body of `POST /api/v1/rollback`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rollback {
    pub(crate) operations: Operations,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<Reason>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) actor: Option<Actor>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) wait_ms: Option<u64>,
}

/// A list of operations, or the word `all`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged, expecting = "a list of operations, or \"all\"")]
pub(crate) enum Operations {
    Some(Vec<OperationId>),
    All(All),
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum All {
    #[serde(rename = "all")]
    All,
}

/// The answer to a change.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Changed {
    pub(crate) action: Action,
    /// The revision that holds it.
    pub(crate) revision: Revision,
    /// What moved; empty when everything already was as wanted, and then there is no new revision.
    pub(crate) changes: Vec<WeightChange>,
    /// Named operations that did not have to move, with the weight they have.
    pub(crate) unchanged: Vec<OperationWeight>,
    /// Envoys connected when the change was published.
    pub(crate) connected: usize,
    /// Present when the caller asked to wait.
    pub(crate) confirmation: Option<Confirmation>,
}

/// What the Envoys said within the time the caller gave them.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Confirmation {
    /// At least one Envoy is connected and all of them run the change.
    pub(crate) complete: bool,
    pub(crate) confirmed: Vec<String>,
    pub(crate) lagging: Vec<String>,
    pub(crate) refused: Vec<Refusal>,
    pub(crate) elapsed_ms: u64,
}

/// An error: `application/problem+json` (RFC 9457) with a stable `code`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Problem {
    pub(crate) title: String,
    pub(crate) status: u16,
    /// Stable, for programs.
    pub(crate) code: String,
    /// One sentence, for people.
    pub(crate) detail: String,
}

//! The listings: status, weights, history, envoys.

use cutover_domain::{AuditEntry, WeightChange};

use super::bar::bar;
use super::table::table;
use super::time::{span, utc};
use crate::api::wire;

/// One screen: where everything stands.
pub(crate) fn status(status: &wire::Status) -> String {
    let wire::EnvoyCount { connected, in_sync, refusing } = status.envoys;
    let envoys = match connected {
        0 => "no Envoy is connected".to_owned(),
        _ if refusing > 0 => {
            format!("{in_sync} of {connected} Envoys in sync, {refusing} refusing (see `cutover envoys`)")
        }
        _ => format!("{in_sync} of {connected} Envoys in sync"),
    };
    let (gateway, listen, revision) = (&status.gateway, &status.listen, status.revision);
    let head = format!("gateway {gateway}  listens on {listen}  revision {revision}  {envoys}\n\n");
    let rows: Vec<_> =
        status.operations.iter().map(|operation| operation_row(operation, status.now_ms)).collect();
    let operations = table(["OPERATION", "ROUTE", "ON RUST", "", "SIDES", "LAST CHANGE"], &rows);
    head + &operations + &missing(&status.missing)
}

fn operation_row(row: &wire::Operation, now_ms: u64) -> [String; 6] {
    let wire::Operation { operation, method, path, rust, weight, last_change } = row;
    let route = match (method, path) {
        (Some(method), Some(path)) => format!("{method} {path}"),
        _ => "(anything else)".to_owned(),
    };
    let last = last_change.as_ref().map(|last| last_change_text(last, now_ms)).unwrap_or_default();
    [operation.to_string(), route, bar(*weight), format!("{weight:>6}"), format!("node > {rust}"), last]
}

fn last_change_text(last: &wire::LastChange, now_ms: u64) -> String {
    let wire::LastChange { revision: _, at_ms, actor, action: _, reason, before, after } = last;
    let reason = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    format!("{before} -> {after} {} ago by {actor}{reason}", span(now_ms.saturating_sub(*at_ms)))
}

fn missing(missing: &[wire::Missing]) -> String {
    if missing.is_empty() {
        return String::new();
    }
    let kept: Vec<_> = missing.iter().map(|one| format!("{} {}", one.operation, one.weight)).collect();
    let kept = kept.join(", ");
    format!(
        "\nno longer in the contract, but the weight is kept: {kept} (`cutover rollback OP` lets go of it)\n"
    )
}

/// The weights alone.
pub(crate) fn weights(list: &wire::WeightList) -> String {
    let rows: Vec<_> = list
        .weights
        .iter()
        .map(|wire::OperationWeight { operation, weight }| {
            [operation.to_string(), bar(*weight), format!("{weight:>6}")]
        })
        .collect();
    table(["OPERATION", "ON RUST", ""], &rows)
}

/// The trail, newest first.
pub(crate) fn history(history: &wire::History) -> String {
    if history.entries.is_empty() {
        return "nothing has been changed yet\n".to_owned();
    }
    let rows: Vec<_> = history.entries.iter().flat_map(entry_rows).collect();
    table(["REVISION", "WHEN", "WHO", "ACTION", "WHAT", "WHY"], &rows)
}

/// One line per operation that moved; what they share stands in the first.
fn entry_rows(entry: &AuditEntry) -> Vec<[String; 6]> {
    let AuditEntry { revision, at_ms, actor, action, reason, changes } = entry;
    let what =
        |WeightChange { operation, before, after }: &WeightChange| format!("{operation} {before} -> {after}");
    let mut rows: Vec<[String; 6]> = changes
        .iter()
        .map(|change| {
            [String::new(), String::new(), String::new(), String::new(), what(change), String::new()]
        })
        .collect();
    if let Some([first_revision, when, who, first_action, _, why]) = rows.first_mut() {
        *first_revision = revision.to_string();
        *when = utc(*at_ms);
        *who = actor.to_string();
        *first_action = action.to_string();
        *why = reason.as_ref().map(ToString::to_string).unwrap_or_default();
    }
    rows
}

/// Who is connected and what they run.
pub(crate) fn envoys(list: &wire::Envoys) -> String {
    if list.envoys.is_empty() {
        return "no Envoy is connected\n".to_owned();
    }
    let rows: Vec<_> = list.envoys.iter().map(envoy_row).collect();
    let mut text = table(["NODE", "STATE", "REVISION", "RESOURCES", "VERSION", "CONNECTED", "FROM"], &rows);
    for refusal in list.envoys.iter().filter_map(|envoy| envoy.refusal.as_ref()) {
        text.push('\n');
        text.push_str(&refusal_text(refusal));
        text.push('\n');
    }
    text
}

fn envoy_row(envoy: &wire::Envoy) -> [String; 7] {
    let state = match (&envoy.refusal, envoy.in_sync) {
        (Some(_), _) => "refuses",
        (None, true) => "in sync",
        (None, false) => "lagging",
    };
    let types: Vec<_> = envoy
        .types
        .iter()
        .map(|(kind, wire::TypeCount { desired, acknowledged, waiting: _ })| {
            format!("{kind} {acknowledged}/{desired}")
        })
        .collect();
    [
        envoy.node.clone(),
        state.to_owned(),
        envoy.confirmed.to_string(),
        types.join(" "),
        envoy.version.clone().unwrap_or_else(|| "unknown".to_owned()),
        span(envoy.connected_for_ms),
        envoy.peer.clone().unwrap_or_else(|| "unknown".to_owned()),
    ]
}

/// `edge-1 refused RDS of revision 7: …`
pub(super) fn refusal_text(refusal: &wire::Refusal) -> String {
    let wire::Refusal { node, revision, resource_type, resources, message } = refusal;
    let which = if resources.is_empty() { String::new() } else { format!(" ({})", resources.join(", ")) };
    // Envoy's words come from outside: on one line, without anything that steers a terminal.
    let message: String = message.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("{node} refused {resource_type}{which} of revision {revision}: {message}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use cutover_domain::Weight;
    use serde_json::json;

    fn from<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> T {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn the_status_fits_one_screen_and_names_everything() {
        let change = json!({"revision": 7, "at_ms": 1_000_000, "actor": "kim@laptop", "action": "set",
                            "reason": "first step", "before": 0, "after": 12.5});
        let shown: wire::Status = from(json!({
            "gateway": "edge", "version": "0.1.0", "listen": "127.0.0.1:8080", "store": "sqlite:x",
            "started_at_ms": 0, "now_ms": 1_180_000, "revision": 7,
            "envoys": {"connected": 2, "in_sync": 1, "refusing": 0},
            "operations": [
                {"operation": "listTasks", "method": "GET", "path": "/v1/task", "rust": "task", "weight": 12.5,
                 "last_change": change},
                {"operation": "unmatched", "method": null, "path": null, "rust": "gateway", "weight": 0,
                 "last_change": null}],
            "missing": [{"operation": "gone", "weight": 40}],
        }));
        assert_eq!(
            status(&shown),
            "\
gateway edge  listens on 127.0.0.1:8080  revision 7  1 of 2 Envoys in sync

OPERATION  ROUTE            ON RUST                       SIDES           LAST CHANGE
listTasks  GET /v1/task     ██··················   12.5%  node > task     0% -> 12.5% 3 min ago by kim@laptop: first step
unmatched  (anything else)  ····················      0%  node > gateway

no longer in the contract, but the weight is kept: gone 40% (`cutover rollback OP` lets go of it)
"
        );
    }

    #[test]
    fn the_history_says_who_when_what_and_why() {
        let shown: wire::History = from(json!({"entries": [
            {"revision": 2, "at_ms": 60_000, "actor": "kim@laptop", "action": "rollback", "reason": null,
             "changes": [{"operation": "a", "before": 50, "after": 0}, {"operation": "b", "before": 1, "after": 0}]},
            {"revision": 1, "at_ms": 0, "actor": "kim@laptop", "action": "set", "reason": "first step",
             "changes": [{"operation": "a", "before": 0, "after": 50}]},
        ]}));
        assert_eq!(
            history(&shown),
            "\
REVISION  WHEN                  WHO         ACTION    WHAT         WHY
2         1970-01-01 00:01:00Z  kim@laptop  rollback  a 50% -> 0%
                                                      b 1% -> 0%
1         1970-01-01 00:00:00Z  kim@laptop  set       a 0% -> 50%  first step
"
        );
    }

    #[test]
    fn an_envoy_that_refuses_is_quoted_without_its_control_characters() {
        let shown: wire::Envoys = from(json!({"revision": 7, "envoys": [
            {"node": "edge-1", "cluster": "edge", "version": "1.40.0", "peer": "127.0.0.1:5000",
             "connected_for_ms": 61_000, "confirmed": 6, "in_sync": false,
             "refusal": {"node": "edge-1", "revision": 7, "resource_type": "RDS", "resources": ["edge"],
                         "message": "no\nsuch \u{1b}[2Jcluster"},
             "types": {"RDS": {"desired": 1, "acknowledged": 0, "waiting": false}}},
        ]}));
        assert_eq!(
            envoys(&shown),
            "\
NODE    STATE    REVISION  RESOURCES  VERSION  CONNECTED  FROM
edge-1  refuses  6         RDS 0/1    1.40.0   1 min      127.0.0.1:5000

edge-1 refused RDS (edge) of revision 7: no such  [2Jcluster
"
        );
    }

    #[test]
    fn a_weight_is_padded_as_it_is_written() {
        assert_eq!(format!("{:>6}", Weight::FULL), "  100%");
    }
}

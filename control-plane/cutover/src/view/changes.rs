//! The answer to a change: what moved, and whether the Envoys confirmed it.

use std::collections::BTreeSet;

use cutover_domain::WeightChange;

use super::listings::refusal_text;
use super::table::table;
use super::time::elapsed;
use crate::api::wire;

/// How a change ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// As wanted; one line says so.
    Done(String),
    /// Stored, but an Envoy refuses it.
    Refused(String),
    /// Stored, but not every Envoy confirmed it in time.
    Unconfirmed(String),
}

/// Per operation what moved.
pub(crate) fn changed(changed: &wire::Changed) -> String {
    let moved = changed.changes.iter().map(|WeightChange { operation, before, after }| {
        [operation.to_string(), format!("{before} -> {after}")]
    });
    let kept = changed.unchanged.iter().map(|wire::OperationWeight { operation, weight }| {
        [operation.to_string(), format!("{weight} already")]
    });
    let rows: Vec<_> = moved.chain(kept).collect();
    if rows.is_empty() {
        return "every operation is on the node side already\n".to_owned();
    }
    let text = table(["", ""], &rows);
    // Without a head: one line per operation speaks for itself.
    text.split_once('\n').map_or_else(String::new, |(_, rows)| rows.to_owned())
}

/// Whether it is done, in one line, after one for each refusal.
pub(crate) fn verdict(changed: &wire::Changed) -> Verdict {
    let revision = changed.revision;
    let Some(confirmation) = &changed.confirmation else {
        return Verdict::Done(match (changed.changes.is_empty(), changed.connected) {
            (true, _) => format!("nothing to change (revision {revision})"),
            (false, 0) => format!("stored as revision {revision}; no Envoy is connected"),
            (false, count) => {
                let noun = if count == 1 { "Envoy" } else { "Envoys" };
                format!(
                    "stored as revision {revision} and sent to {count} {noun}; `--wait 5s` waits until they confirm"
                )
            }
        });
    };
    let wire::Confirmation { complete, confirmed, lagging, refused, elapsed_ms } = confirmation;
    // An Envoy may refuse more than one type of resource.
    let refusing = refused.iter().map(|refusal| refusal.node.as_str()).collect::<BTreeSet<_>>().len();
    let (count, all) = (confirmed.len(), confirmed.len() + lagging.len() + refusing);
    let took = elapsed(*elapsed_ms);
    if *complete {
        return Verdict::Done(format!("confirmed by {all} of {all} Envoys in {took} (revision {revision})"));
    }
    if !refused.is_empty() {
        let refusals: String = refused.iter().map(|refusal| refusal_text(refusal) + "\n").collect();
        return Verdict::Refused(format!(
            "{refusals}revision {revision} is stored, but only {count} of {all} Envoys confirmed it; \
             `cutover envoys` shows who runs what"
        ));
    }
    if all == 0 {
        return Verdict::Unconfirmed(format!(
            "no Envoy is connected: revision {revision} is stored and waits for the first one"
        ));
    }
    let names = lagging.join(", ");
    Verdict::Unconfirmed(format!(
        "revision {revision} is stored, but after {took} only {count} of {all} Envoys confirmed it; lagging: {names}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn answer(confirmation: &Value) -> wire::Changed {
        serde_json::from_value(json!({
            "action": "set", "revision": 7, "connected": 2,
            "changes": [{"operation": "listTasks", "before": 0, "after": 12.5}],
            "unchanged": [{"operation": "getTask", "weight": 50}],
            "confirmation": confirmation,
        }))
        .unwrap()
    }

    #[test]
    fn each_operation_is_told_from_where_to_where() {
        assert_eq!(changed(&answer(&Value::Null)), "listTasks  0% -> 12.5%\ngetTask    50% already\n");
    }

    #[test]
    fn a_verdict_counts_the_envoys_and_names_those_that_lag_or_refuse() {
        let with = |confirmed: Value, lagging: Value, refused: Value| {
            let complete = lagging == json!([]) && refused == json!([]) && confirmed != json!([]);
            verdict(&answer(&json!({"complete": complete, "confirmed": confirmed, "lagging": lagging,
                                    "refused": refused, "elapsed_ms": 12})))
        };
        assert_eq!(
            with(json!(["e1"]), json!([]), json!([])),
            Verdict::Done("confirmed by 1 of 1 Envoys in 12 ms (revision 7)".into())
        );
        assert_eq!(
            with(json!(["e1"]), json!(["e2", "e3"]), json!([])),
            Verdict::Unconfirmed(
                "revision 7 is stored, but after 12 ms only 1 of 3 Envoys confirmed it; lagging: e2, e3"
                    .into()
            )
        );
        let refusal = |kind| json!({"node": "e2", "revision": 7, "resource_type": kind, "resources": [], "message": "no"});
        assert_eq!(
            with(json!(["e1"]), json!([]), json!([refusal("LDS"), refusal("RDS")])),
            Verdict::Refused(
                "e2 refused LDS of revision 7: no\ne2 refused RDS of revision 7: no\n\
                 revision 7 is stored, but only 1 of 2 Envoys confirmed it; `cutover envoys` shows who runs what"
                    .into()
            )
        );
        assert_eq!(
            with(json!([]), json!([]), json!([])),
            Verdict::Unconfirmed(
                "no Envoy is connected: revision 7 is stored and waits for the first one".into()
            )
        );
        assert_eq!(
            verdict(&answer(&Value::Null)),
            Verdict::Done(
                "stored as revision 7 and sent to 2 Envoys; `--wait 5s` waits until they confirm".into()
            )
        );
    }
}

//! `weights set` and `rollback`.

use std::time::Duration;

use anyhow::{Result, bail};
use cutover_domain::Weights;

use super::args::{How, Rollback, SetWeights};
use super::{End, complain, say, say_json, who};
use crate::api::wire;
use crate::client::Client;
use crate::view::{self, Verdict};

pub(super) async fn set(client: &Client, options: &SetWeights, json: bool) -> Result<End> {
    let SetWeights { weights: wanted, how } = options;
    let mut weights = Weights::new();
    for (operation, weight) in wanted {
        if weights.set(operation.clone(), *weight).is_some() {
            bail!("{operation} is given twice; name each operation once");
        }
    }
    let How { wait, reason, actor } = how;
    let body = wire::SetWeights {
        weights,
        reason: reason.clone(),
        actor: actor.clone().or_else(who::default_actor),
        wait_ms: wait.map(millis),
    };
    tell(&client.set_weights(&body).await?, json)
}

pub(super) async fn rollback(client: &Client, options: &Rollback, json: bool) -> Result<End> {
    let Rollback { operations, all, how } = options;
    let How { wait, reason, actor } = how;
    let body = wire::Rollback {
        operations: match all {
            true => wire::Operations::All(wire::All::All),
            false => wire::Operations::Some(operations.clone()),
        },
        reason: reason.clone(),
        actor: actor.clone().or_else(who::default_actor),
        wait_ms: wait.map(millis),
    };
    tell(&client.rollback(&body).await?, json)
}

/// What moved on standard output, what did not go as wished on standard error.
fn tell(changed: &wire::Changed, json: bool) -> Result<End> {
    if json {
        say_json(changed)?;
    } else {
        say(&view::changed(changed))?;
    }
    match view::verdict(changed) {
        Verdict::Done(_) if json => Ok(End::Done),
        Verdict::Done(line) => say(&(line + "\n")).map(|()| End::Done),
        Verdict::Refused(lines) => {
            complain(&lines);
            Ok(End::Refused)
        }
        Verdict::Unconfirmed(line) => {
            complain(&line);
            Ok(End::Unconfirmed)
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

//! `status`, `weights`, `history`, `envoys`.

use std::io::{self, IsTerminal};
use std::time::Duration;

use anyhow::Result;
use serde::Serialize;

use super::args::History;
use super::{End, say, say_json};
use crate::client::Client;
use crate::view;

const EVERY: Duration = Duration::from_secs(1);

pub(super) async fn status(client: &Client, json: bool) -> Result<End> {
    show(&client.status().await?, view::status, json)
}

/// The status again and again, until Ctrl-C; a control plane that is gone for a while does not end it.
pub(super) async fn watch(client: &Client, json: bool) -> Result<End> {
    // Home, and clear to the end of each screen: ECMA-48 CUP and ED.
    let clear = if io::stdout().is_terminal() && !json { "\u{1b}[H\u{1b}[J" } else { "" };
    loop {
        let screen = match client.status().await {
            Ok(status) if json => serde_json::to_string(&status)? + "\n",
            Ok(status) => view::status(&status),
            Err(error) => format!("{error:#}\n"),
        };
        say(&format!("{clear}{screen}"))?;
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            _ = tokio::signal::ctrl_c() => return Ok(End::Done),
        }
    }
}

pub(super) async fn weights(client: &Client, json: bool) -> Result<End> {
    show(&client.weights().await?, view::weights, json)
}

pub(super) async fn history(client: &Client, options: &History, json: bool) -> Result<End> {
    let History { operation, limit } = options;
    let operation = operation.as_ref().map(cutover_domain::OperationId::as_str);
    show(&client.history(operation, *limit).await?, view::history, json)
}

pub(super) async fn envoys(client: &Client, json: bool) -> Result<End> {
    show(&client.envoys().await?, view::envoys, json)
}

/// A listing as text for people, or as the API gave it.
fn show<T: Serialize>(listing: &T, text: fn(&T) -> String, json: bool) -> Result<End> {
    let shown = if json { say_json(listing) } else { say(&text(listing)) };
    shown.map(|()| End::Done)
}

//! What operators write under `auth` in `gateway.yaml`, as the running product does it.

mod everything;
mod fetched;
mod issuer;
mod log;
mod refusals;

use std::path::Path;

use anyhow::Result;
use cutover_e2e::command;

/// What the shipped configuration says about keys, to be edited.
const KEYS: &str = "jwks: { file: ../.run/keys/jwks.json }";

/// Another source of keys in its place; the harness wants to find the file's name still.
fn instead(source: &str) -> String {
    format!("{source} # and not ../.run/keys/jwks.json")
}

/// Makes a folder of keys; gives its public set.
fn keys(folder: &Path, name: &str) -> Result<String> {
    command::cutover(folder, &["token", "keys", "--dir", name])?.success()?;
    Ok(std::fs::read_to_string(folder.join(name).join("jwks.json"))?)
}

/// A token by the keys of a folder; further arguments as on the command line.
fn token(folder: &Path, name: &str, further: &[&str]) -> Result<String> {
    let fixed = ["token", "mint", "--keys", name, "--sub", "somebody", "--scope", "task:read"];
    Ok(command::cutover(folder, &[&fixed, further].concat())?.success()?.stdout.trim().to_owned())
}

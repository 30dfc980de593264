//! A stack's own `gateway.yaml`, derived from the one that is shipped.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

use crate::addresses::Addresses;
use crate::paths;

/// Writes the shipped configuration with a stack's addresses, absolute paths and a test's own edits into `home`.
///
/// # Errors
/// When the shipped file lacks a text that is to be replaced.
pub fn derive_config(home: &Path, addresses: &Addresses, edits: &[(String, String)]) -> Result<PathBuf> {
    let root = paths::root();
    let mut text = fs::read_to_string(root.join("envoy/gateway.yaml"))?;
    let demo = Addresses::demo();
    let keys = home.join(".run/keys/jwks.json");
    let fixed = [
        (demo.gateway, addresses.gateway.clone()),
        (demo.node, addresses.node.clone()),
        (demo.trade, addresses.trade.clone()),
        (demo.task, addresses.task.clone()),
        ("../.run/keys/jwks.json".to_owned(), keys.to_string_lossy().into_owned()),
        ("../openapi/".to_owned(), root.join("openapi/").to_string_lossy().into_owned()),
        ("../target/".to_owned(), root.join("target/").to_string_lossy().into_owned()),
    ];
    for (from, to) in edits.iter().chain(&fixed) {
        ensure!(text.contains(from.as_str()), "envoy/gateway.yaml has no '{from}' to replace");
        text = text.replace(from.as_str(), to);
    }
    let path = home.join("gateway.yaml");
    fs::write(&path, text)?;
    Ok(path)
}

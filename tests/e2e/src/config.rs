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
        let (replaced, times) = replace(&text, from, to);
        ensure!(times > 0, "envoy/gateway.yaml has no '{from}' to replace");
        text = replaced;
    }
    let path = home.join("gateway.yaml");
    fs::write(&path, text)?;
    Ok(path)
}

/// Replaces a text wherever it is not the beginning of a longer number, and says how often: `127.0.0.1:4001` is not in the
/// `127.0.0.1:40013` that another replacement has brought.
fn replace(text: &str, from: &str, to: &str) -> (String, usize) {
    let (mut replaced, mut times, mut rest) = (String::new(), 0, text);
    while let Some((before, after)) = rest.split_once(from) {
        let longer =
            from.ends_with(|c: char| c.is_ascii_digit()) && after.starts_with(|c: char| c.is_ascii_digit());
        replaced.push_str(before);
        replaced.push_str(if longer { from } else { to });
        times += usize::from(!longer);
        rest = after;
    }
    replaced.push_str(rest);
    (replaced, times)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_not_found_inside_a_longer_one() {
        let text = "a: 127.0.0.1:40013, b: 127.0.0.1:4001, c: 127.0.0.1:4001";
        let expected = "a: 127.0.0.1:40013, b: 127.0.0.1:9, c: 127.0.0.1:9";
        assert_eq!(replace(text, "127.0.0.1:4001", "127.0.0.1:9"), (expected.to_owned(), 2));
        assert_eq!(replace("a1b", "a", "x"), ("x1b".to_owned(), 1));
    }
}

//! Runs the validator as a Wasm module under Node's WASI.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// What the module says of each instance of the input, in order.
///
/// # Errors
/// When the module cannot be run, or says something else.
pub fn verdicts(module: &Path, input: String) -> Result<Vec<bool>> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/wasi.mjs");
    let mut child = Command::new("node")
        .args(["--no-warnings", script])
        .arg(module)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("node cannot be started")?;
    let mut stdin = child.stdin.take().context("no input")?;
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output()?;
    writer.join().map_err(|_| anyhow::anyhow!("the input could not be written"))??;
    ensure!(output.status.success(), "the module ended with {}", output.status);
    let text = String::from_utf8(output.stdout)?;
    text.lines()
        .map(|line| match line {
            "valid" => Ok(true),
            "invalid" => Ok(false),
            other => anyhow::bail!("the module says: {other}"),
        })
        .collect()
}

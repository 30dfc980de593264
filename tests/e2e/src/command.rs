//! The command line as a user types it, and what it answered.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::paths;

/// What a finished command left behind.
#[derive(Debug, Clone)]
pub struct CommandOutput {
    /// The command as typed, for messages.
    pub line: String,
    /// The exit code; -1 when a signal ended it.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl CommandOutput {
    /// The output, if the exit code was 0.
    ///
    /// # Errors
    /// When it was not; the error shows the command and all it printed.
    pub fn success(self) -> Result<Self> {
        self.exit(0)
    }

    /// The output, if the exit code was `code`.
    ///
    /// # Errors
    /// When it was another; the error shows the command and all it printed.
    pub fn exit(self, code: i32) -> Result<Self> {
        if self.code == code {
            return Ok(self);
        }
        bail!("'{}' ended with {} instead of {code}\n{}\n{}", self.line, self.code, self.stdout, self.stderr)
    }

    /// Standard output as JSON.
    ///
    /// # Errors
    /// When it is not JSON.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_str(&self.stdout)
            .with_context(|| format!("'{}' printed no JSON: {}", self.line, self.stdout))
    }
}

/// Runs the `cutover` binary to its end, in `folder`.
///
/// # Errors
/// When it cannot be started; a failing exit code is an output, not an error.
pub fn cutover(folder: &Path, arguments: &[&str]) -> Result<CommandOutput> {
    let output = Command::new(paths::binary("cutover")?)
        .args(arguments)
        .current_dir(folder)
        .output()
        .context("cannot start cutover")?;
    Ok(CommandOutput {
        line: format!("cutover {}", arguments.join(" ")),
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

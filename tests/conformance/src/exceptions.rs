//! The tests that are known to fail, each with its reason.

use anyhow::{Context, Result, bail};

/// One test, or all of a group (`*`), that is not passed.
pub struct Exception {
    file: String,
    group: String,
    test: String,
}

/// Reads the list: a line of reason (`# …`) stands above each block of tests, one `file | group | test` a line.
///
/// # Errors
/// When a line has another form, or no reason above it.
pub fn parse(text: &str) -> Result<Vec<Exception>> {
    let mut reason = false;
    let mut list = Vec::new();
    for line in text.lines() {
        if line.trim().is_empty() {
            reason = false;
        } else if line.starts_with('#') {
            reason = true;
        } else {
            let mut parts = line.split('|').map(|part| part.trim().to_owned());
            let mut next = || parts.next().context(format!("not `file | group | test`: {line}"));
            let exception = Exception { file: next()?, group: next()?, test: next()? };
            if !reason {
                bail!("no reason stands above: {line}");
            }
            list.push(exception);
        }
    }
    Ok(list)
}

impl Exception {
    /// Whether it means this test.
    #[must_use]
    pub fn means(&self, file: &str, group: &str, test: &str) -> bool {
        self.file == file
            && self.group == group.replace('|', "/")
            && (self.test == "*" || self.test == test.replace('|', "/"))
    }
}

impl std::fmt::Display for Exception {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} | {} | {}", self.file, self.group, self.test)
    }
}

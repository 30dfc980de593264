//! A file of requests, one to a line: read, judged and answered line by line, in memory for one.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Read, Write};

use serde::Serialize;

use super::{ErrorLine, Judge, Request};

/// What a file of requests came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) all: Tally,
    /// Lines that are no requests.
    pub(crate) unreadable: u64,
    /// By operation; what is none stands under no name.
    pub(crate) operations: BTreeMap<Option<String>, Tally>,
}

/// How many requests are valid.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) valid: u64,
    pub(crate) invalid: u64,
}

/// The answer to a line.
#[derive(Serialize)]
struct Answer<'a> {
    /// Its number, from 1, where the line is no request.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    operation: Option<&'a str>,
    valid: bool,
    errors: Vec<ErrorLine>,
}

/// How a line came.
#[derive(PartialEq, Eq)]
enum Came {
    Whole,
    /// Longer than there can be a reason for; its rest has been skipped.
    TooLong,
    End,
}

/// Answers each line of `input` with a line of JSON on `output`; blank lines are none.
///
/// # Errors
/// When reading or writing fails.
pub(crate) fn judge_lines(
    judge: &Judge,
    mut input: impl BufRead,
    mut output: impl Write,
) -> io::Result<Summary> {
    let most = longest_line(judge.max_body_bytes);
    let mut summary = Summary::default();
    let mut line = Vec::new();
    for number in 1.. {
        let request = match next_line(&mut input, &mut line, most)? {
            Came::End => break,
            Came::Whole if line.trim_ascii().is_empty() => continue,
            Came::Whole => Request::from_line(&line),
            Came::TooLong => Err(format!("longer than {most} bytes")),
        };
        let answer = match &request {
            Ok(request) => {
                let judgement = judge.judge(request);
                let operation = judgement.route.map(|route| route.id.as_str());
                summary.count(operation, judgement.outcome.is_ok());
                let valid = judgement.outcome.is_ok();
                Answer { line: None, operation, valid, errors: judgement.errors() }
            }
            Err(reason) => {
                summary.unreadable += 1;
                unreadable(number, reason)
            }
        };
        serde_json::to_writer(&mut output, &answer)?;
        output.write_all(b"\n")?;
    }
    output.flush()?;
    Ok(summary)
}

fn unreadable(number: u64, reason: &str) -> Answer<'static> {
    let message = format!("line {number} is no request: {reason}");
    let error = ErrorLine { path: String::new(), message, error_code: None, status: None };
    Answer { line: Some(number), operation: None, valid: false, errors: vec![error] }
}

/// A byte of a body takes at most six in JSON (`\u00e9`); the rest is for the head.
fn longest_line(max_body_bytes: usize) -> u64 {
    const HEAD: usize = 1 << 20;
    u64::try_from(max_body_bytes.saturating_mul(6).saturating_add(HEAD)).unwrap_or(u64::MAX)
}

fn next_line(input: &mut impl BufRead, line: &mut Vec<u8>, most: u64) -> io::Result<Came> {
    line.clear();
    // One byte more than is allowed, so that too much is seen as such.
    let read = input.by_ref().take(most.saturating_add(1)).read_until(b'\n', line)?;
    if read == 0 {
        return Ok(Came::End);
    }
    if line.ends_with(b"\n") || u64::try_from(read).is_ok_and(|read| read <= most) {
        return Ok(Came::Whole);
    }
    line.clear();
    input.skip_until(b'\n')?;
    Ok(Came::TooLong)
}

impl Summary {
    fn count(&mut self, operation: Option<&str>, valid: bool) {
        let of_operation = self.operations.entry(operation.map(str::to_owned)).or_default();
        for tally in [&mut self.all, of_operation] {
            let counted = if valid { &mut tally.valid } else { &mut tally.invalid };
            *counted += 1;
        }
    }

    /// Whether every line is a valid request.
    pub(crate) fn is_clean(&self) -> bool {
        self.all.invalid == 0 && self.unreadable == 0
    }
}

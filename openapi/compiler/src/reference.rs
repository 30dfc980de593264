//! Follows `$ref`s inside the document.

use crate::document::{Node, Value};
use crate::report::Report;

/// The contract's document.
#[derive(Clone, Copy)]
pub(crate) struct Source<'d> {
    pub(crate) root: &'d Node,
}

impl<'d> Source<'d> {
    /// What a `$ref` names; `None` after noting why it names nothing.
    pub(crate) fn target(&self, reference: &'d Node, report: &mut Report<'_>) -> Option<&'d Node> {
        let text = report.text(reference, "`$ref`")?;
        let Some(pointer) = text.strip_prefix('#') else {
            report.hint(
                reference.at,
                format!("`{text}` is in another place than this document"),
                "only references inside the document (`#/…`) can be followed",
            );
            return None;
        };
        let found = self.walk(pointer);
        if found.is_none() {
            report.add(reference.at, format!("`{text}` names nothing in this document"));
        }
        found
    }

    /// The node itself, or what its chain of `$ref`s ends in.
    pub(crate) fn resolve(&self, node: &'d Node, report: &mut Report<'_>) -> Option<&'d Node> {
        let mut at = node;
        for _ in 0..64 {
            match at.get("$ref") {
                None => return Some(at),
                Some(reference) => at = self.target(reference, report)?,
            }
        }
        report.add(node.at, "this `$ref` refers to itself");
        None
    }

    /// The same for schemas, whose references are told of when they are compiled.
    pub(crate) fn schema(&self, node: &'d Node) -> Option<&'d Node> {
        self.resolve(node, &mut Report::new(""))
    }

    /// RFC 6901, in the form it has in a URI's fragment.
    fn walk(&self, pointer: &str) -> Option<&'d Node> {
        if pointer.is_empty() {
            return Some(self.root);
        }
        pointer.strip_prefix('/')?.split('/').try_fold(self.root, |node, step| {
            let step = percent_decoded(step).replace("~1", "/").replace("~0", "~");
            match &node.value {
                Value::Map(_) => node.get(&step),
                Value::List(items) => items.get(step.parse::<usize>().ok()?),
                _ => None,
            }
        })
    }
}

fn percent_decoded(step: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = step.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let code =
            tail.get(..2).filter(|_| *first == b'%').and_then(|digits| std::str::from_utf8(digits).ok());
        match code.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

//! Collects mistakes while the contract is walked, so that all of them are told at once.

use crate::document::{Node, Position, Value};
use crate::mistake::Mistake;

/// The mistakes found so far in one file.
pub(crate) struct Report<'d> {
    file: &'d str,
    /// The names of all files, when there are more.
    files: &'d [String],
    /// What cannot be honoured is told, and no mistake.
    allow: bool,
    pub(crate) mistakes: Vec<Mistake>,
    pub(crate) warnings: Vec<Mistake>,
}

impl<'d> Report<'d> {
    pub(crate) fn new(file: &'d str) -> Report<'d> {
        Report { file, files: &[], allow: false, mistakes: Vec::new(), warnings: Vec::new() }
    }

    /// The same, but that what cannot be honoured is only warned of.
    pub(crate) fn allowing(self, allow: bool) -> Report<'d> {
        Report { allow, ..self }
    }

    /// The same, for a contract of these files.
    pub(crate) fn of_files(self, files: &'d [String]) -> Report<'d> {
        Report { files, ..self }
    }

    fn file(&self, at: Position) -> &'d str {
        self.files.get(at.file).map_or(self.file, String::as_str)
    }

    /// Notes something that cannot be honoured.
    pub(crate) fn unsupported(&mut self, at: Position, message: impl Into<String>, hint: impl Into<String>) {
        let mistake = Mistake::new(self.file(at), at, message).with_hint(hint);
        if !self.allow {
            self.push(mistake);
        } else if !self.warnings.contains(&mistake) {
            self.warnings.push(mistake);
        }
    }

    /// Notes a mistake. The same one at the same place is noted once, however many paths lead there.
    pub(crate) fn add(&mut self, at: Position, message: impl Into<String>) {
        self.push(Mistake::new(self.file(at), at, message));
    }

    /// Notes a mistake with a hint.
    pub(crate) fn hint(&mut self, at: Position, message: impl Into<String>, hint: impl Into<String>) {
        self.push(Mistake::new(self.file(at), at, message).with_hint(hint));
    }

    /// The text; anything else is a mistake.
    pub(crate) fn text<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n str> {
        self.expect(node, node.as_str(), what, "text")
    }

    /// The truth value; anything else is a mistake.
    pub(crate) fn truth(&mut self, node: &Node, what: &str) -> Option<bool> {
        self.expect(node, node.as_bool(), what, "true or false")
    }

    /// The number; anything else is a mistake.
    pub(crate) fn number(&mut self, node: &Node, what: &str) -> Option<f64> {
        self.expect(node, node.as_f64(), what, "a number")
    }

    /// The count; anything else is a mistake.
    pub(crate) fn count(&mut self, node: &Node, what: &str) -> Option<u64> {
        self.expect(node, node.as_u64(), what, "a whole number from 0 on")
    }

    /// Whether it is a map; anything else is a mistake.
    pub(crate) fn is_map(&mut self, node: &Node, what: &str) -> bool {
        let map = matches!(node.value, Value::Map(_)).then_some(());
        self.expect(node, map, what, "a map").is_some()
    }

    /// Whether it is a list; anything else is a mistake.
    pub(crate) fn is_list(&mut self, node: &Node, what: &str) -> bool {
        let list = matches!(node.value, Value::List(_)).then_some(());
        self.expect(node, list, what, "a list").is_some()
    }

    /// Every key of the map that is neither known nor an extension (`x-…`) is a mistake.
    pub(crate) fn only_keys(&mut self, node: &Node, what: &str, known: &[&str]) {
        for (key, _) in node.entries() {
            if known.contains(&key.text.as_str()) || key.text.starts_with("x-") {
                continue;
            }
            let message = format!("{what} has no field `{}`", key.text);
            match closest(&key.text, known) {
                Some(meant) => self.hint(key.at, message, format!("did you mean `{meant}`?")),
                None => self.hint(key.at, message, format!("known fields: {}", known.join(", "))),
            }
        }
    }

    fn expect<T>(&mut self, node: &Node, found: Option<T>, what: &str, wanted: &str) -> Option<T> {
        if found.is_none() {
            self.add(node.at, format!("{what} must be {wanted}, not {}", node.kind()));
        }
        found
    }

    fn push(&mut self, mistake: Mistake) {
        if !self.mistakes.contains(&mistake) {
            self.mistakes.push(mistake);
        }
    }
}

/// The known word that differs from the given one in a third of its letters at most, case ignored.
pub(crate) fn closest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let best = known.iter().map(|candidate| (distance(word, candidate), *candidate)).min();
    best.filter(|(distance, candidate)| distance * 3 <= candidate.len()).map(|(_, candidate)| candidate)
}

/// Levenshtein's distance, case ignored.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.to_lowercase().chars().enumerate() {
        let mut corner = i;
        let mut left = i + 1;
        for (j, y) in b.iter().enumerate() {
            let above = row.get(j + 1).copied().unwrap_or_default();
            let cost = (corner + usize::from(x != *y)).min(above + 1).min(left + 1);
            if let Some(place) = row.get_mut(j) {
                *place = left;
            }
            corner = above;
            left = cost;
        }
        if let Some(last) = row.last_mut() {
            *last = left;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_finds_its_word() {
        let known = ["required", "properties", "maxLength"];
        assert_eq!(closest("requierd", &known), Some("required"));
        assert_eq!(closest("maxlength", &known), Some("maxLength"));
        assert_eq!(closest("banana", &known), None);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}

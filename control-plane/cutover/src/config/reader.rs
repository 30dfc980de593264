//! Walking the tree of a configuration file: every mistake is kept, none stops the walk.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use cutover_compiler::Mistake;
use cutover_compiler::document::{Node, Position, Value};

use crate::nearest::nearest;
use crate::units;

/// The mistakes of one file, in the order they were found.
#[derive(Debug)]
pub(super) struct Mistakes {
    file: String,
    found: Vec<Mistake>,
}

impl Mistakes {
    pub(super) fn of(file: &str) -> Self {
        Self { file: file.to_owned(), found: Vec::new() }
    }

    pub(super) fn add(&mut self, at: Position, message: impl Into<String>, hint: impl Into<String>) {
        self.found.push(Mistake::new(&self.file, at, message).with_hint(hint));
    }

    /// Adds an error whose text has the shape `what is wrong; what would be right`.
    pub(super) fn refuse(&mut self, at: Position, error: &impl Display) {
        let text = error.to_string();
        let mistake = match text.split_once("; ") {
            Some((message, hint)) => Mistake::new(&self.file, at, message).with_hint(hint),
            None => Mistake::new(&self.file, at, text),
        };
        self.found.push(mistake);
    }

    /// Takes over the mistakes of another file.
    pub(super) fn extend(&mut self, others: impl IntoIterator<Item = Mistake>) {
        self.found.extend(others);
    }

    /// All of them: file by file in the order the files were read, top to bottom in each.
    pub(super) fn finish(mut self) -> Vec<Mistake> {
        let mut files: Vec<String> = vec![self.file];
        for mistake in &self.found {
            if !files.contains(&mistake.file) {
                files.push(mistake.file.clone());
            }
        }
        let order = |mistake: &Mistake| files.iter().position(|file| *file == mistake.file);
        self.found.sort_by_key(|mistake| (order(mistake), mistake.line, mistake.column));
        self.found
    }
}

/// A map whose fields are known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'n> {
    name: &'static str,
    node: &'n Node,
}

impl<'n> Fields<'n> {
    /// The node as a map with these fields; others are mistakes, with the nearest known one as a hint.
    pub(super) fn of(
        name: &'static str,
        node: &'n Node,
        known: &[&str],
        mistakes: &mut Mistakes,
    ) -> Option<Self> {
        if !matches!(node.value, Value::Map(_)) {
            let fields = known.join(", ");
            mistakes.add(
                node.at,
                format!("`{name}` must be a map, but is {}", node.kind()),
                format!("its fields are {fields}"),
            );
            return None;
        }
        for (key, _) in node.entries() {
            if !known.contains(&key.text.as_str()) {
                let message = format!("`{}` is not a field of `{name}`", key.text);
                mistakes.add(key.at, message, nearest(&key.text, known.iter().copied()));
            }
        }
        Some(Self { name, node })
    }

    /// Where the map starts.
    pub(super) fn at(&self) -> Position {
        self.node.at
    }

    /// A field that may be left out.
    pub(super) fn optional(&self, field: &str) -> Option<&'n Node> {
        self.node.get(field)
    }

    /// A field that must be there; `example` shows how.
    pub(super) fn required(&self, field: &str, example: &str, mistakes: &mut Mistakes) -> Option<&'n Node> {
        let found = self.node.get(field);
        if found.is_none() {
            let message = format!("`{}` lacks `{field}`", self.name);
            mistakes.add(self.node.at, message, format!("write for example `{field}: {example}`"));
        }
        found
    }
}

/// A value that a text stands for: a duration, an address.
pub(super) fn parsed<T>(field: &str, node: &Node, mistakes: &mut Mistakes) -> Option<T>
where
    T: FromStr,
    T::Err: Display,
{
    let value = text(field, node, mistakes)?;
    with(value.parse(), node, mistakes)
}

/// A parser's result, its error as a mistake at the node.
pub(super) fn with<T, E: Display>(result: Result<T, E>, node: &Node, mistakes: &mut Mistakes) -> Option<T> {
    result.map_err(|error| mistakes.refuse(node.at, &error)).ok()
}

/// Text that is not empty.
pub(super) fn text<'n>(field: &str, node: &'n Node, mistakes: &mut Mistakes) -> Option<&'n str> {
    match node.as_str() {
        Some(text) if !text.is_empty() => Some(text),
        Some(_) => {
            mistakes.add(node.at, format!("`{field}` is empty"), "write a value or leave the field out");
            None
        }
        None => {
            let hint = match &node.value {
                Value::Number(number) => format!("a unit or quotes may be missing around {number}"),
                _ => "write one word or quote it".to_owned(),
            };
            mistakes.add(node.at, format!("`{field}` must be text, but is {}", node.kind()), hint);
            None
        }
    }
}

/// `true` or `false`.
pub(super) fn boolean(field: &str, node: &Node, mistakes: &mut Mistakes) -> Option<bool> {
    let found = node.as_bool();
    if found.is_none() {
        mistakes.add(
            node.at,
            format!("`{field}` must be true or false, but is {}", node.kind()),
            "write `true` or `false`, without quotes",
        );
    }
    found
}

/// A whole number in a range.
pub(super) fn whole(
    field: &str,
    node: &Node,
    range: RangeInclusive<u32>,
    mistakes: &mut Mistakes,
) -> Option<u32> {
    let found = node.as_u64().and_then(|number| u32::try_from(number).ok()).filter(|n| range.contains(n));
    if found.is_none() {
        let given = match &node.value {
            Value::Number(number) => number.to_string(),
            Value::String(text) => format!("`{text}`"),
            _ => node.kind().to_owned(),
        };
        let (from, to) = (range.start(), range.end());
        mistakes.refuse(
            node.at,
            &format_args!("`{field}` must be a whole number from {from} to {to}, but is {given}"),
        );
    }
    found
}

/// Whole seconds in a range, written as a duration.
pub(super) fn seconds(
    field: &str,
    node: Option<&Node>,
    otherwise: u64,
    range: RangeInclusive<u64>,
    mistakes: &mut Mistakes,
) -> Option<u64> {
    let Some(node) = node else { return Some(otherwise) };
    if let Some(number) = node.as_f64() {
        mistakes.add(node.at, format!("`{field}: {number}` has no unit"), format!("write {number}s"));
        return None;
    }
    let written = text(field, node, mistakes)?;
    let duration = with(units::duration(written), node, mistakes)?;
    if duration.subsec_nanos() != 0 || !range.contains(&duration.as_secs()) {
        let [from, to] = [range.start(), range.end()].map(|end| units::show_seconds(*end));
        let hint = format!("write whole seconds from {from} to {to}");
        mistakes.add(node.at, format!("`{field}: {written}` is out of range"), hint);
        return None;
    }
    Some(duration.as_secs())
}

/// One of a few words; the first is what a missing field means.
pub(super) fn choice(
    field: &str,
    node: Option<&Node>,
    words: &[&str],
    mistakes: &mut Mistakes,
) -> Option<String> {
    let Some(node) = node else { return words.first().map(|word| (*word).to_owned()) };
    let word = text(field, node, mistakes)?;
    if words.contains(&word) {
        return Some(word.to_owned());
    }
    let hint = nearest(word, words.iter().copied());
    mistakes.add(node.at, format!("`{word}` is not a value of `{field}`"), hint);
    None
}

/// A list with at least one item.
pub(super) fn list<'n>(
    field: &str,
    node: &'n Node,
    example: &str,
    mistakes: &mut Mistakes,
) -> Option<&'n [Node]> {
    if let Value::List(items) = &node.value
        && !items.is_empty()
    {
        return Some(items);
    }
    let given = if matches!(node.value, Value::List(_)) { "empty" } else { node.kind() };
    mistakes.add(
        node.at,
        format!("`{field}` must be a list with at least one item, but is {given}"),
        format!("write for example `{field}: {example}`"),
    );
    None
}

/// A name that can stand in a metric, a header and a shell word.
pub(super) fn name<'n>(field: &str, node: &'n Node, mistakes: &mut Mistakes) -> Option<&'n str> {
    let text = text(field, node, mistakes)?;
    if is_name(text) {
        return Some(text);
    }
    mistakes.add(node.at, format!("`{text}` is not usable as `{field}`"), NAME_RULE);
    None
}

/// What [`is_name`] asks for, in words.
pub(super) const NAME_RULE: &str = "use 1 to 64 of the characters A-Z a-z 0-9 . _ -";

/// Whether a text can name a gateway or an upstream.
pub(super) fn is_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=64).contains(&text.len()) && text.bytes().all(allowed)
}

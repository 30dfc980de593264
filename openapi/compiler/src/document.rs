//! YAML and JSON as a tree in which every value knows its line and column.
//!
//! JSON is read as the YAML that it is. What YAML has and JSON has not is either resolved here (anchors and aliases)
//! or refused with its position (merge keys, tags, several documents, duplicate keys), so that nobody who walks the
//! tree has to think of it.

use std::collections::HashMap;
use std::fmt;

use cutover_plan::Json;
use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span, Tag};

/// How many values a document may have once its aliases are resolved.
const MAX_NODES: usize = 2_000_000;
/// How deeply values may be nested.
const MAX_DEPTH: usize = 200;

/// A place in a file, both counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
    /// Which of the contract's files, from 0: the contract itself.
    pub file: usize,
}

/// One value and where it starts.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Where it starts.
    pub at: Position,
}

/// What a document is made of.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`, `~` or nothing at all.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(serde_json::Number),
    /// A number that no double holds, in JSON's grammar.
    Exact(String),
    /// Text.
    String(String),
    /// A list.
    List(Vec<Node>),
    /// A map, in the document's order; keys are unique.
    Map(Vec<(Key, Node)>),
}

/// A map's key and where it stands. Keys that are not text (`200:`) are taken as their text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The key.
    pub text: String,
    /// Where it stands.
    pub at: Position,
}

/// Why a text is no document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}:{}: {message}", at.line, at.column)]
pub struct ParseError {
    /// Where.
    pub at: Position,
    /// What is wrong.
    pub message: String,
    /// What would be right, when that can be said.
    pub hint: Option<String>,
}

/// Reads one YAML or JSON document.
///
/// # Errors
/// When the text is not well-formed, or uses what the module's documentation excludes.
pub fn parse(text: &str) -> Result<Node, ParseError> {
    let mut builder = Builder::default();
    let parser = Parser::new_from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
    for event in parser {
        let (event, span) =
            event.map_err(|error| ParseError::new(position(*error.marker()), error.info().to_owned()))?;
        builder.take(event, span)?;
    }
    Ok(builder.root.unwrap_or(Node { value: Value::Null, at: Position { line: 1, column: 1, file: 0 } }))
}

impl Node {
    /// The value under `key`, when this is a map that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|(known, _)| known.text == key).map(|(_, node)| node)
    }

    /// What a JSON pointer names below this (RFC 6901, in the form it has in a URI's fragment).
    #[must_use]
    pub fn pointer(&self, pointer: &str) -> Option<&Node> {
        pointer.split('/').skip(1).try_fold(self, Node::step)
    }

    /// What one step of such a pointer leads to.
    pub(crate) fn step(&self, step: &str) -> Option<&Node> {
        let step = percent_decoded(step).replace("~1", "/").replace("~0", "~");
        match &self.value {
            Value::Map(_) => self.get(&step),
            Value::List(items) => items.get(step.parse::<usize>().ok()?),
            _ => None,
        }
    }

    /// Says of this and all below from which file it is.
    pub(crate) fn set_file(&mut self, file: usize) {
        self.at.file = file;
        match &mut self.value {
            Value::List(items) => items.iter_mut().for_each(|item| item.set_file(file)),
            Value::Map(entries) => {
                for (key, node) in entries {
                    key.at.file = file;
                    node.set_file(file);
                }
            }
            _ => {}
        }
    }

    /// The map's entries; none when this is no map.
    #[must_use]
    pub fn entries(&self) -> &[(Key, Node)] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The list's items; none when this is no list.
    #[must_use]
    pub fn items(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// The text, when this is text.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The truth value, when this is one.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match &self.value {
            Value::Bool(truth) => Some(*truth),
            _ => None,
        }
    }

    /// The number, when this is one.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        match &self.value {
            Value::Number(number) => number.as_f64(),
            Value::Exact(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// The number, when this is a whole one from 0 on (`2.0` is one, too).
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        match &self.value {
            Value::Number(number) => number.as_u64().or_else(|| whole(number.as_f64()?)),
            _ => None,
        }
    }

    /// The kind of value, for messages: `a map`, `text`, …
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) | Value::Exact(_) => "a number",
            Value::String(_) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }

    /// The value without its positions.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(truth) => serde_json::Value::Bool(*truth),
            Value::Number(number) => serde_json::Value::Number(number.clone()),
            Value::Exact(text) => serde_json::Value::String(text.clone()),
            Value::String(text) => serde_json::Value::String(text.clone()),
            Value::List(items) => items.iter().map(Node::to_json).collect(),
            Value::Map(entries) => {
                entries.iter().map(|(key, node)| (key.text.clone(), node.to_json())).collect()
            }
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

impl ParseError {
    fn new(at: Position, message: impl Into<String>) -> ParseError {
        ParseError { at, message: message.into(), hint: None }
    }

    fn hint(mut self, hint: impl Into<String>) -> ParseError {
        self.hint = Some(hint.into());
        self
    }
}

/// Puts the parser's events together.
#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    documents: usize,
    root: Option<Node>,
}

/// A list or map that has not ended yet.
struct Open {
    at: Position,
    anchor: usize,
    list: Vec<Node>,
    /// `Some` makes it a map.
    map: Option<OpenMap>,
}

/// The entries so far, and the key whose value is awaited.
type OpenMap = (Vec<(Key, Node)>, Option<Key>);

impl Builder {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), ParseError> {
        let at = position(span.start);
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(_) => {
                self.documents += 1;
                match self.documents {
                    1 => Ok(()),
                    _ => Err(ParseError::new(at, "a second document starts here")
                        .hint("one file holds one document; remove the `---`")),
                }
            }
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).cloned();
                let node = node.ok_or_else(|| {
                    ParseError::new(at, "this alias names an anchor that is not complete before it")
                })?;
                self.nodes = self.nodes.saturating_add(count(&node));
                self.place(node, 0, at)
            }
            Event::Scalar(text, style, anchor, tag) => {
                let value =
                    scalar(&text, style, tag.as_deref()).map_err(|message| ParseError::new(at, message))?;
                self.place(Node { value, at }, anchor, at)
            }
            Event::SequenceStart(anchor, tag) => self.open(at, anchor, tag.as_deref(), None),
            Event::MappingStart(anchor, tag) => {
                self.open(at, anchor, tag.as_deref(), Some((Vec::new(), None)))
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(open) = self.open.pop() else { return Ok(()) };
                let value = match open.map {
                    Some((entries, _)) => Value::Map(entries),
                    None => Value::List(open.list),
                };
                self.place(Node { value, at: open.at }, open.anchor, open.at)
            }
        }
    }

    fn open(
        &mut self,
        at: Position,
        anchor: usize,
        tag: Option<&Tag>,
        map: Option<OpenMap>,
    ) -> Result<(), ParseError> {
        if let Some(tag) = tag.filter(|tag| !tag.is_yaml_core_schema()) {
            return Err(ParseError::new(at, format!("the tag `{tag}` is not supported")));
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(ParseError::new(at, format!("values are nested more than {MAX_DEPTH} deep")));
        }
        self.open.push(Open { at, anchor, list: Vec::new(), map });
        Ok(())
    }

    fn place(&mut self, node: Node, anchor: usize, at: Position) -> Result<(), ParseError> {
        self.nodes = self.nodes.saturating_add(1);
        if self.nodes > MAX_NODES {
            return Err(ParseError::new(at, format!("the document has more than {MAX_NODES} values"))
                .hint("aliases that repeat aliases grow fast"));
        }
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match &mut open.map {
            None => open.list.push(node),
            Some((entries, waiting)) => match waiting.take() {
                Some(key) => entries.push((key, node)),
                None => *waiting = Some(key_of(node, at, entries)?),
            },
        }
        Ok(())
    }
}

fn key_of(node: Node, at: Position, known: &[(Key, Node)]) -> Result<Key, ParseError> {
    let text = match node.value {
        Value::String(text) => text,
        Value::Number(number) => number.to_string(),
        Value::Exact(text) => text,
        Value::Bool(truth) => truth.to_string(),
        Value::Null => "null".to_owned(),
        Value::List(_) | Value::Map(_) => {
            return Err(
                ParseError::new(at, "a list or map cannot be a key").hint("quote text that has `{` or `[`")
            );
        }
    };
    if text == "<<" {
        return Err(ParseError::new(at, "the merge key `<<` is not supported")
            .hint("write the members out, or use `$ref`"));
    }
    if let Some((first, _)) = known.iter().find(|(key, _)| key.text == text) {
        return Err(ParseError::new(at, format!("the key `{text}` is here for the second time"))
            .hint(format!("it stands in line {} already", first.at.line)));
    }
    Ok(Key { text, at })
}

/// YAML 1.2's core schema.
fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Value, String> {
    if let Some(tag) = tag {
        return match (tag.is_yaml_core_schema(), tag.suffix.as_str()) {
            (true, "str") => Ok(Value::String(text.to_owned())),
            (true, "int" | "float" | "bool" | "null") => Ok(plain(text)),
            _ => Err(format!("the tag `{tag}` is not supported")),
        };
    }
    Ok(match style {
        ScalarStyle::Plain => plain(text),
        _ => Value::String(text.to_owned()),
    })
}

fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ if is_exact(text) => Value::Exact(text.to_owned()),
        _ => number(text).map_or_else(|| Value::String(text.to_owned()), Value::Number),
    }
}

/// Whether the text is a number of which `serde_json` would lose digits.
fn is_exact(text: &str) -> bool {
    text.starts_with(|c: char| c == '-' || c.is_ascii_digit())
        && matches!(Json::parse(text), Ok(Json::Exact(_)))
        && text.parse::<u64>().is_err()
        && text.parse::<i64>().is_err()
}

fn number(text: &str) -> Option<serde_json::Number> {
    let radix =
        |prefix, radix| text.strip_prefix(prefix).and_then(|digits| u64::from_str_radix(digits, radix).ok());
    if let Some(value) = radix("0x", 16).or_else(|| radix("0o", 8)) {
        return Some(value.into());
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let starts_well = digits.starts_with(|c: char| c.is_ascii_digit())
        || (digits.starts_with('.') && digits[1..].starts_with(|c: char| c.is_ascii_digit()));
    if !starts_well || !digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-')) {
        return None;
    }
    if digits.bytes().all(|b| b.is_ascii_digit()) {
        let text = text.strip_prefix('+').unwrap_or(text);
        if let Ok(value) = text.parse::<u64>() {
            return Some(value.into());
        }
        if let Ok(value) = text.parse::<i64>() {
            return Some(value.into());
        }
    }
    serde_json::Number::from_f64(text.parse().ok()?)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
fn whole(number: f64) -> Option<u64> {
    (number.fract() == 0.0 && (0.0..9.0e15).contains(&number)).then_some(number as u64)
}

fn count(node: &Node) -> usize {
    1 + node.items().iter().map(count).sum::<usize>()
        + node.entries().iter().map(|(_, value)| count(value)).sum::<usize>()
}

/// The text with its percent-encoding undone; what is not encoded properly stands for itself.
pub(crate) fn percent_decoded(step: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = step.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let code = tail.get(..2).filter(|digits| *first == b'%' && digits.iter().all(u8::is_ascii_hexdigit));
        match code.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()) {
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

fn position(marker: Marker) -> Position {
    Position { line: marker.line(), column: marker.col() + 1, file: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: usize, column: usize) -> Position {
        Position { line, column, file: 0 }
    }

    #[test]
    fn every_value_knows_where_it_stands() {
        let root = parse("a: 1\nb:\n  - x\n  - {c: true}\n").unwrap();
        let list = root.get("b").unwrap();
        assert_eq!(root.get("a").unwrap().at, at(1, 4));
        assert_eq!(list.items()[0].at, at(3, 5));
        assert_eq!(list.items()[1].get("c").unwrap().at, at(4, 9));
        assert_eq!(list.items()[1].entries()[0].0.at, at(4, 6));
    }

    #[test]
    fn plain_scalars_follow_the_core_schema() {
        let root =
            parse("[1, -2, 2.5, 0x1f, 1e3, ~, yes, 'true', 1.2.3, 2024-01-01, +7, .5, 10:30]").unwrap();
        let json = serde_json::to_string(&root.to_json()).unwrap();
        assert_eq!(json, r#"[1,-2,2.5,31,1000.0,null,"yes","true","1.2.3","2024-01-01",7,0.5,"10:30"]"#);
    }

    #[test]
    fn json_is_read_too() {
        let root = parse("{\n\t\"a\": [1, \"x\\/y\\u00e9\"],\n\t\"b\": {}\n}").unwrap();
        assert_eq!(serde_json::to_string(&root.to_json()).unwrap(), r#"{"a":[1,"x/yé"],"b":{}}"#);
        assert_eq!(root.get("b").unwrap().at, at(3, 7));
    }

    #[test]
    fn aliases_are_resolved_and_bounded() {
        let root = parse("a: &x {b: 1}\nc: *x\n").unwrap();
        assert_eq!(root.get("a").unwrap().value, root.get("c").unwrap().value);
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            let before = format!("*a{}", level - 1);
            bomb += &format!("a{level}: &a{level} [{}]\n", vec![before; 10].join(", "));
        }
        assert!(parse(&bomb).unwrap_err().message.contains("more than"));
    }

    #[test]
    fn what_is_broken_is_named_with_its_line() {
        let error = |text: &str| parse(text).unwrap_err().to_string();
        assert!(error("a: [1, 2\nb: 3\n").starts_with("2:"), "{}", error("a: [1, 2\nb: 3\n"));
        assert_eq!(error("a: 1\na: 2\n"), "2:1: the key `a` is here for the second time");
        assert_eq!(error("a: &x {}\nb:\n  <<: *x\n"), "3:3: the merge key `<<` is not supported");
        assert_eq!(error("a: 1\n---\nb: 1\n"), "2:1: a second document starts here");
        assert!(error(&"[".repeat(220)).contains("nested more than"));
    }
}

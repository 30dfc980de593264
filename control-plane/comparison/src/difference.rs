//! The difference engine.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::{Map, Number, Value};

use crate::answer::{Answer, Body};
use crate::headers::HeaderRule;
use crate::path::{Path, Segment};

/// Two answers have at most so many differences reported. The last of so many stands for those that were not looked for: it
/// is of the whole body, so that only a rule for any place in it allows them unseen.
pub const MAX_DIFFERENCES: usize = 100;

/// Values are shown up to so many characters.
const SHOWN: usize = 120;

/// Where two answers differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The status.
    Status,
    /// A header, by its lower-case name.
    Header(String),
    /// A place in the body.
    Body(Path),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status => f.write_str("status"),
            Self::Header(name) => write!(f, "header {name}"),
            Self::Body(path) if path.0.is_empty() => f.write_str("body"),
            Self::Body(path) => write!(f, "body {path}"),
        }
    }
}

impl Serialize for Place {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// How two answers differ in a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Expected, and not there.
    Missing,
    /// There, and not expected.
    Extra,
    /// Of another type.
    Type,
    /// Of another value.
    Value,
}

impl Kind {
    /// The word used in rules and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Extra => "extra",
            Self::Type => "type",
            Self::Value => "value",
        }
    }
}

/// One difference. What was expected and what came is shown, shortened where long; neither for what is not there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Where.
    pub at: Place,
    /// How.
    pub kind: Kind,
    /// What was expected.
    pub expected: Option<String>,
    /// What came.
    pub actual: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, kind, expected, actual } = self;
        let expected = expected.as_deref().unwrap_or("nothing");
        let actual = actual.as_deref().unwrap_or("nothing");
        let note = if *kind == Kind::Type { " (another type)" } else { "" };
        write!(f, "{at}: expected {expected}, got {actual}{note}")
    }
}

/// Finds how `actual` differs from `expected`: the status, the headers that `headers` names, the body.
///
/// JSON is compared by structure: members in any order, numbers by value (`1` is `1.0`), arrays element by element.
/// At most [`MAX_DIFFERENCES`] are reported. Time and memory are linear in the two answers.
pub fn compare(expected: &Answer, actual: &Answer, headers: &[HeaderRule]) -> Vec<Difference> {
    let mut found = Findings(Vec::new());
    if expected.status != actual.status {
        found.push(
            Place::Status,
            Kind::Value,
            Some(expected.status.to_string()),
            Some(actual.status.to_string()),
        );
    }
    for rule in headers {
        compare_header(&mut found, rule, expected, actual);
    }
    compare_bodies(&mut found, &expected.body, &actual.body);
    if found.full() {
        found.0.push(Difference {
            at: Place::Body(Path::default()),
            kind: Kind::Value,
            expected: Some("fewer differences".to_owned()),
            actual: Some("so many that the rest was not compared".to_owned()),
        });
    }
    found.0
}

struct Findings(Vec<Difference>);

impl Findings {
    fn push(&mut self, at: Place, kind: Kind, expected: Option<String>, actual: Option<String>) {
        if !self.full() {
            self.0.push(Difference { at, kind, expected, actual });
        }
    }

    fn full(&self) -> bool {
        self.0.len() + 1 >= MAX_DIFFERENCES
    }
}

fn compare_header(found: &mut Findings, rule: &HeaderRule, expected: &Answer, actual: &Answer) {
    let value = |answer: &Answer| {
        let values: Vec<_> = answer.header(&rule.name).collect();
        (!values.is_empty()).then(|| values.join(", "))
    };
    let kind = match (value(expected), value(actual)) {
        (Some(_), None) => Kind::Missing,
        (None, Some(_)) => Kind::Extra,
        (Some(one), Some(other)) if !rule.check.same(&one, &other) => Kind::Value,
        _ => return,
    };
    let shown = |answer| value(answer).map(|text| shorten(&text));
    found.push(Place::Header(rule.name.clone()), kind, shown(expected), shown(actual));
}

fn compare_bodies(found: &mut Findings, expected: &Body, actual: &Body) {
    let whole = || Place::Body(Path::default());
    match (expected, actual) {
        (Body::Empty, Body::Empty) => {}
        (Body::Json(one), Body::Json(other)) => compare_json(found, &mut Path::default(), one, other),
        (Body::Text(one), Body::Text(other)) if one != other => {
            let (one, other) = excerpts(one, other);
            found.push(whole(), Kind::Value, Some(one), Some(other));
        }
        (Body::Binary(one), Body::Binary(other)) if one != other => {
            let shown = |bytes: &[u8]| Some(format!("{} bytes", bytes.len()));
            found.push(whole(), Kind::Value, shown(one), shown(other));
        }
        (Body::Text(_), Body::Text(_)) | (Body::Binary(_), Body::Binary(_)) => {}
        (one, Body::Empty) => found.push(whole(), Kind::Missing, Some(one.name().to_owned()), None),
        (Body::Empty, other) => found.push(whole(), Kind::Extra, None, Some(other.name().to_owned())),
        (one, other) => {
            let shown = |body: &Body| Some(body.name().to_owned());
            found.push(whole(), Kind::Type, shown(one), shown(other));
        }
    }
}

/// Recursion is bounded by the depth that `serde_json` parses (128).
fn compare_json(found: &mut Findings, path: &mut Path, expected: &Value, actual: &Value) {
    if found.full() {
        return;
    }
    match (expected, actual) {
        (Value::Object(one), Value::Object(other)) => compare_objects(found, path, one, other),
        (Value::Array(one), Value::Array(other)) => compare_arrays(found, path, one, other),
        (Value::Number(one), Value::Number(other)) if same_number(one, other) => {}
        (one, other) if one == other => {}
        (one, other) => {
            let kind = if type_of(one) == type_of(other) { Kind::Value } else { Kind::Type };
            found.push(Place::Body(path.clone()), kind, Some(show(one)), Some(show(other)));
        }
    }
}

fn compare_objects(
    found: &mut Findings,
    path: &mut Path,
    expected: &Map<String, Value>,
    actual: &Map<String, Value>,
) {
    let names: BTreeSet<&String> = expected.keys().chain(actual.keys()).collect();
    for name in names {
        let step = Segment::Member(name.clone());
        compare_step(found, path, step, expected.get(name), actual.get(name));
    }
}

fn compare_arrays(found: &mut Findings, path: &mut Path, expected: &[Value], actual: &[Value]) {
    for index in 0..expected.len().max(actual.len()) {
        if found.full() {
            return;
        }
        compare_step(found, path, Segment::Index(index), expected.get(index), actual.get(index));
    }
}

fn compare_step(
    found: &mut Findings,
    path: &mut Path,
    step: Segment,
    expected: Option<&Value>,
    actual: Option<&Value>,
) {
    path.0.push(step);
    match (expected, actual) {
        (Some(one), Some(other)) => compare_json(found, path, one, other),
        (Some(one), None) => found.push(Place::Body(path.clone()), Kind::Missing, Some(show(one)), None),
        (None, Some(other)) => found.push(Place::Body(path.clone()), Kind::Extra, None, Some(show(other))),
        (None, None) => {}
    }
    path.0.pop();
}

/// Integers are compared as such, so that ids beyond 2^53 are not taken for each other; everything else as doubles.
fn same_number(one: &Number, other: &Number) -> bool {
    one == other || (one.is_f64() || other.is_f64()) && one.as_f64() == other.as_f64()
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn show(value: &Value) -> String {
    shorten(&value.to_string())
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The parts of two texts around the first character that differs, quoted.
fn excerpts(one: &str, other: &str) -> (String, String) {
    let same = one.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
    let from = same.saturating_sub(20);
    let excerpt = |text: &str| {
        let dots = if from > 0 { "…" } else { "" };
        let part: String = text.chars().skip(from).take(60).collect();
        format!("{dots}{part:?}")
    };
    (excerpt(one), excerpt(other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headers::HeaderCheck;

    const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

    fn bodies(expected: &str, actual: &str) -> Vec<String> {
        let answer = |body: &str| Answer::new(200, JSON, body.as_bytes());
        let found = compare(&answer(expected), &answer(actual), &[]);
        found.iter().map(|difference| format!("{} {difference}", difference.kind.name())).collect()
    }

    #[test]
    fn equal_answers_have_no_difference() {
        assert_eq!(bodies(r#"{"a":1,"b":[1,2.0]}"#, r#"{ "b": [1.0, 2], "a": 1 }"#), [""; 0]);
        assert_eq!(bodies("", ""), [""; 0]);
    }

    #[test]
    fn the_status_is_compared() {
        let found = compare(&Answer::new(200, JSON, b""), &Answer::new(503, JSON, b""), &[]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].to_string(), "status: expected 200, got 503");
    }

    #[test]
    fn only_the_named_headers_are_compared_each_in_its_way() {
        let expected =
            [("vary", "Origin, Accept-Encoding"), ("retry-after", "10"), ("server", "node"), ("date", "a")];
        let actual = [("vary", "accept-encoding"), ("vary", "origin"), ("location", "/x"), ("date", "b")];
        let rules = [
            HeaderRule::new("Vary", HeaderCheck::Words),
            HeaderRule::new("retry-after", HeaderCheck::Exact),
            HeaderRule::new("location", HeaderCheck::Exact),
            HeaderRule::new("date", HeaderCheck::Present),
        ];
        let found = compare(&Answer::new(200, expected, b""), &Answer::new(200, actual, b""), &rules);
        let texts: Vec<_> = found.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            ["header retry-after: expected 10, got nothing", "header location: expected nothing, got /x"]
        );
    }

    #[test]
    fn json_is_compared_by_structure() {
        assert_eq!(
            bodies(
                r#"{"items":[{"id":1,"gone":true},{"id":2}],"total":2}"#,
                r#"{"items":[{"id":1,"new":null},{"id":"2"},3],"total":3}"#
            ),
            [
                "missing body /items/0/gone: expected true, got nothing",
                "extra body /items/0/new: expected nothing, got null",
                "type body /items/1/id: expected 2, got \"2\" (another type)",
                "extra body /items/2: expected nothing, got 3",
                "value body /total: expected 2, got 3",
            ]
        );
    }

    #[test]
    fn large_integers_are_not_taken_for_each_other() {
        assert_eq!(bodies("9007199254740993", "9007199254740992").len(), 1);
        assert_eq!(bodies("18446744073709551615", "18446744073709551614").len(), 1);
    }

    #[test]
    fn a_body_of_another_sort_is_a_difference_of_type() {
        assert_eq!(bodies("{}", "oops"), ["type body: expected a JSON body, got a text body (another type)"]);
        assert_eq!(bodies("{}", ""), ["missing body: expected a JSON body, got nothing"]);
        assert_eq!(bodies("", "{}"), ["extra body: expected nothing, got a JSON body"]);
    }

    #[test]
    fn texts_show_where_they_part() {
        let found = bodies("a very long beginning, then this", "a very long beginning, then that");
        assert_eq!(
            found,
            [r#"value body: expected …"g beginning, then this", got …"g beginning, then that""#]
        );
    }

    #[test]
    fn binary_bodies_are_compared_by_their_bytes() {
        let answer = |bytes: &[u8]| Answer::new(200, [("content-type", "image/png")], bytes);
        assert!(compare(&answer(b"\xff\x01"), &answer(b"\xff\x01"), &[]).is_empty());
        let found = compare(&answer(b"\xff\x01"), &answer(b"\xff\x02\x03"), &[]);
        assert_eq!(found[0].to_string(), "body: expected 2 bytes, got 3 bytes");
    }

    #[test]
    fn a_flood_of_differences_is_cut() {
        let ones = format!("[{}]", vec!["1"; 5_000].join(","));
        let twos = format!("[{}]", vec!["2"; 5_000].join(","));
        assert_eq!(bodies(&ones, &twos).len(), MAX_DIFFERENCES);
    }

    #[test]
    fn long_values_are_shortened() {
        let found = bodies(&format!("\"{}\"", "ä".repeat(500)), "\"b\"");
        assert!(found[0].chars().count() < 200, "{}", found[0]);
    }
}

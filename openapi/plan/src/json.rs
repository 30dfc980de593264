//! JSON values as the legacy gateway sees them.
//!
//! Values of their own because the validator's answers depend on what other libraries hide: of a repeated member the
//! last value counts but the first one's place; members whose names are whole numbers come first, in numeric order;
//! a lone surrogate in an escape is accepted. All of it is `JSON.parse`, but for numbers: those that no double holds keep
//! their digits.

use std::borrow::Cow;

use serde::Serialize;

use crate::number::Number;
use crate::reader::Reader;
use crate::sort::sorted;

/// How deeply arrays and objects may be nested. Every recursion over a request's values is bounded by it.
pub const MAX_DEPTH: usize = 256;

/// A JSON value; its texts are borrowed from the request where they have no escapes.
#[derive(Debug, Clone, Default)]
pub enum Json<'a> {
    /// `null`
    #[default]
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number that a double holds: the shortest decimal that reads back as it.
    Number(f64),
    /// Any other number, as it is written.
    Exact(Cow<'a, str>),
    /// Text.
    String(Cow<'a, str>),
    /// A list.
    Array(Vec<Json<'a>>),
    /// Members, in the order in which JavaScript enumerates them.
    Object(Object<'a>),
}

/// An object's members: unique names, in JavaScript's order, found fast.
#[derive(Debug, Clone, Default)]
pub struct Object<'a> {
    members: Vec<(Cow<'a, str>, Json<'a>)>,
    /// Positions in `members` sorted by name; only for objects of more than [`SMALL`] members.
    sorted: Vec<u32>,
}

/// Up to this many members a scan beats an index.
const SMALL: usize = 12;

/// Why a text is no JSON value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonError {
    /// It breaks JSON's grammar.
    Malformed,
    /// It is nested more than [`MAX_DEPTH`] deep.
    TooDeep,
    /// An object has two members of one name.
    Repeated,
}

impl<'a> Json<'a> {
    /// Reads one value; anything but white space around it is an error.
    ///
    /// # Errors
    /// When the text is not JSON or nested too deeply.
    pub fn parse(text: &'a str) -> Result<Json<'a>, JsonError> {
        Reader::new(text, false).document()
    }

    /// The same, but an object with two members of one name is an error: readers differ in which of them counts.
    ///
    /// # Errors
    /// When the text is not JSON, nested too deeply, or says something twice.
    pub fn parse_unique(text: &'a str) -> Result<Json<'a>, JsonError> {
        Reader::new(text, true).document()
    }

    /// The number, when this is one.
    #[must_use]
    pub fn number(&self) -> Option<Number<'_>> {
        match self {
            Json::Number(double) => Some(Number::Double(*double)),
            Json::Exact(text) => Some(Number::Exact(Cow::Borrowed(text))),
            _ => None,
        }
    }

    /// The same value, owning its texts.
    #[must_use]
    pub fn into_owned(self) -> Json<'static> {
        match self {
            Json::Null => Json::Null,
            Json::Bool(truth) => Json::Bool(truth),
            Json::Number(number) => Json::Number(number),
            Json::Exact(text) => Json::Exact(Cow::Owned(text.into_owned())),
            Json::String(text) => Json::String(Cow::Owned(text.into_owned())),
            Json::Array(items) => Json::Array(items.into_iter().map(Json::into_owned).collect()),
            Json::Object(object) => {
                let owned = |(name, value): (Cow<'_, str>, Json<'_>)| {
                    (Cow::Owned(name.into_owned()), value.into_owned())
                };
                Json::Object(Object {
                    members: object.members.into_iter().map(owned).collect(),
                    sorted: object.sorted,
                })
            }
        }
    }
}

impl<'a> Object<'a> {
    /// An object of these members; of members with the same name the last value counts.
    #[must_use]
    pub fn new(members: Vec<(Cow<'a, str>, Json<'a>)>) -> Object<'a> {
        let mut object = Object { members, sorted: Vec::new() };
        object.unify();
        object.order();
        if object.members.len() > SMALL {
            object.sorted = object.by_name();
        }
        object
    }

    /// The member of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Json<'a>> {
        self.find(name).map(|(_, value)| value)
    }

    /// The member of that name, and its position.
    pub(crate) fn find(&self, name: &str) -> Option<(usize, &Json<'a>)> {
        if self.sorted.is_empty() {
            let mut members = self.members.iter().enumerate();
            return members.find(|(_, (known, _))| known == name).map(|(at, (_, value))| (at, value));
        }
        let of = |position: &u32| self.members.get(*position as usize);
        let found = self.sorted.binary_search_by(|position| {
            of(position).map_or(std::cmp::Ordering::Less, |(known, _)| known.as_ref().cmp(name))
        });
        let at = found.ok().and_then(|found| self.sorted.get(found))?;
        of(at).map(|(_, value)| (*at as usize, value))
    }

    /// All members.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Json<'a>)> {
        self.members.iter().map(|(name, value)| (name.as_ref(), value))
    }

    /// The members themselves.
    pub(crate) fn into_members(self) -> Vec<(Cow<'a, str>, Json<'a>)> {
        self.members
    }

    /// How many members there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Puts members whose names are array indices first, in numeric order, as JavaScript does.
    fn order(&mut self) {
        if !self.members.iter().any(|(name, _)| array_index(name).is_some()) {
            return;
        }
        let key = |at: usize| {
            self.members.get(at).and_then(|(name, _)| array_index(name)).map_or(u64::MAX, u64::from)
        };
        let places = sorted(self.members.len(), &mut |a, b| key(a).cmp(&key(b)));
        let take = |at: u32| self.members.get_mut(at as usize).map(std::mem::take);
        self.members = places.into_iter().filter_map(take).collect();
    }

    fn by_name(&self) -> Vec<u32> {
        let name = |at: usize| self.members.get(at).map(|(name, _)| name.as_ref());
        sorted(self.members.len(), &mut |a, b| name(a).cmp(&name(b)))
    }

    /// Drops repeated members: the first one's place, the last one's value.
    fn unify(&mut self) {
        let mut repeated: Vec<(usize, usize)> = Vec::new();
        if self.members.len() <= SMALL {
            for (at, (name, _)) in self.members.iter().enumerate() {
                if let Some(first) = self.members.iter().take(at).position(|(known, _)| known == name) {
                    repeated.push((first, at));
                }
            }
        } else {
            let sorted = self.by_name();
            let mut first = None;
            for position in sorted.iter().map(|position| *position as usize) {
                let name = self.members.get(position).map(|(name, _)| name.as_ref());
                match first {
                    Some((known, at)) if known == name => repeated.push((at, position)),
                    _ => first = Some((name, position)),
                }
            }
        }
        if repeated.is_empty() {
            return;
        }
        let mut keep = vec![true; self.members.len()];
        for (first, later) in repeated {
            let value = self.members.get_mut(later).map(|(_, value)| std::mem::take(value));
            if let (Some(value), Some((_, place))) = (value, self.members.get_mut(first)) {
                *place = value;
            }
            if let Some(kept) = keep.get_mut(later) {
                *kept = false;
            }
        }
        let mut keep = keep.into_iter();
        self.members.retain(|_| keep.next().unwrap_or(true));
    }
}

impl<'a> From<Number<'a>> for Json<'a> {
    fn from(number: Number<'a>) -> Json<'a> {
        match number {
            Number::Double(double) => Json::Number(double),
            Number::Exact(text) => Json::Exact(text),
        }
    }
}

/// Numbers are equal by value, however they are written.
impl PartialEq for Json<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Json::Null, Json::Null) => true,
            (Json::Bool(one), Json::Bool(other)) => one == other,
            (Json::String(one), Json::String(other)) => one == other,
            (Json::Array(one), Json::Array(other)) => one == other,
            (Json::Object(one), Json::Object(other)) => one == other,
            (Json::Number(one), Json::Number(other)) => one == other,
            (Json::Exact(_), Json::Exact(_)) => self.number() == other.number(),
            _ => false,
        }
    }
}

/// Objects are equal when they have the same members, in whatever order.
impl PartialEq for Object<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().all(|(name, value)| other.get(name) == Some(value))
    }
}

/// The number of a name that JavaScript takes for an array index (`0`..=`4294967294`, no leading zero).
fn array_index(name: &str) -> Option<u32> {
    let plain = name == "0" || (name.starts_with(|c: char| ('1'..='9').contains(&c)) && name.len() <= 10);
    if !plain {
        return None;
    }
    name.parse().ok().filter(|index| *index != u32::MAX)
}

/// In a plan, values are plain JSON.
impl Serialize for Json<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Json::Null => serializer.serialize_unit(),
            Json::Bool(truth) => serializer.serialize_bool(*truth),
            Json::Number(_) | Json::Exact(_) => self.number().serialize(serializer),
            Json::String(text) => serializer.serialize_str(text),
            Json::Array(items) => serializer.collect_seq(items),
            Json::Object(object) => serializer.collect_map(object.iter()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        match Json::parse(text).unwrap() {
            Json::Object(object) => object.iter().map(|(name, _)| name.to_owned()).collect(),
            other => panic!("no object: {other:?}"),
        }
    }

    #[test]
    fn the_grammar_is_json_and_nothing_more() {
        for good in ["0", "-0.5e+3", " [1 , 2 ] ", "{}", r#"{"a":{"b":[]}}"#, r#""\u00e9\/""#, "[]", "1e999"]
        {
            assert!(Json::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "01",
            "+1",
            "1.",
            ".5",
            "[1,]",
            "{,}",
            "{\"a\":1,}",
            "{'a':1}",
            "nul",
            "[1 2]",
            "\"\t\"",
            "\"\\x\"",
            "\"\\u12\"",
            "1 2",
            "{\"a\"}",
            "[",
            "\"",
            "NaN",
            "-",
            "\"\\u+123\"",
        ] {
            assert_eq!(Json::parse(bad), Err(JsonError::Malformed), "{bad}");
        }
    }

    #[test]
    fn of_a_repeated_member_the_last_value_stands_at_the_first_place() {
        let text = r#"{"a":1,"b":2,"a":3}"#;
        assert_eq!(names(text), ["a", "b"]);
        let Json::Object(object) = Json::parse(text).unwrap() else { panic!() };
        assert_eq!(object.get("a"), Some(&Json::Number(3.0)));
        let many: String = (0..40).map(|n| format!("\"k{}\":{n},", n % 20)).collect();
        let text = format!("{{{many}\"z\":1}}");
        let Json::Object(object) = Json::parse(&text).unwrap() else { panic!() };
        assert_eq!((object.len(), object.get("k3")), (21, Some(&Json::Number(23.0))));
        assert_eq!(object.get("nope"), None);
        assert_eq!(names(&text)[..2], ["k0", "k1"]);
    }

    #[test]
    fn a_member_that_is_repeated_can_be_an_error() {
        for text in [r#"{"a":1,"b":2,"a":1}"#, r#"[{"a":{"\u0061":1,"a":2}}]"#] {
            assert_eq!(Json::parse_unique(text), Err(JsonError::Repeated), "{text}");
            assert!(Json::parse(text).is_ok(), "{text}");
        }
        assert!(Json::parse_unique(r#"{"a":{"a":1},"b":{"a":1},"A":1}"#).is_ok());
    }

    #[test]
    fn whole_numbers_as_names_come_first() {
        assert_eq!(names(r#"{"b":0,"10":0,"9":0,"a":0,"01":0}"#), ["9", "10", "b", "a", "01"]);
    }

    #[test]
    fn escapes_become_characters() {
        let text = |source: &str| match Json::parse(source).map(Json::into_owned) {
            Ok(Json::String(text)) => text.into_owned(),
            other => panic!("no text: {other:?}"),
        };
        assert_eq!(text(r#""a\ud83d\ude00b""#), "a😀b");
        assert_eq!(text(r#""\ud83dx\ude00""#), "\u{fffd}x\u{fffd}");
        assert_eq!(text(r#""\ud83d\u0041""#), "\u{fffd}A");
    }

    #[test]
    fn nesting_is_bounded() {
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(Json::parse(&deep(MAX_DEPTH)).is_ok());
        assert_eq!(Json::parse(&deep(MAX_DEPTH + 1)), Err(JsonError::TooDeep));
        assert_eq!(Json::parse(&"[".repeat(1_000_000)), Err(JsonError::TooDeep));
    }

    #[test]
    fn numbers_keep_what_a_double_would_lose() {
        let parsed = |text: &'static str| Json::parse(text).unwrap();
        for text in ["0.1", "9007199254740992", "1e21", "1.0", "-0", "123456789012345678", "5e-324"] {
            assert!(matches!(parsed(text), Json::Number(_)) || text.len() == 18, "{text}");
        }
        for text in ["9007199254740993", "1e400", "-1e400", "1e-400", "0.10000000000000000001"] {
            assert!(matches!(parsed(text), Json::Exact(_)), "{text}");
        }
        assert_eq!(parsed("1e400"), parsed("10.0e399"));
        assert_ne!(parsed("9007199254740993"), parsed("9007199254740992"));
        assert_eq!(
            serde_json::to_string(&parsed("[1e400,9007199254740993]")).unwrap(),
            "[1e400,9007199254740993]"
        );
    }

    #[test]
    fn objects_are_equal_in_any_order() {
        let (a, b) = (r#"{"x":[1,{"y":null}],"z":"t"}"#, r#"{"z":"t","x":[1.0,{"y":null}]}"#);
        assert_eq!(Json::parse(a).unwrap(), Json::parse(b).unwrap());
    }
}

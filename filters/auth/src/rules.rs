//! What is read of a token beyond the registered claims: its scopes, what its issuer promises, what goes upstream.

use serde_json::{Map, Value};

use crate::claims::ClaimError;

/// Where in the payload a claim is: its name, or the way to it as a JSON Pointer (RFC 6901), which starts with `/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimPath(String);

/// A claim that every token of an issuer must have.
#[derive(Debug, Clone, PartialEq)]
pub struct Required {
    /// Which claim.
    pub claim: ClaimPath,
    /// What it must be.
    pub test: Test,
}

/// What a claim must be. Values are compared as JSON: `1` is not `"1"`.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// Exactly this.
    Equals(Value),
    /// A list with this in it.
    Contains(Value),
    /// One of these.
    OneOf(Vec<Value>),
}

impl ClaimPath {
    /// `None` when it is empty or no pointer although it starts like one.
    pub fn new(text: &str) -> Option<Self> {
        let escapes = || text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
        (!text.is_empty() && (!text.starts_with('/') || escapes())).then(|| Self(text.to_owned()))
    }

    /// The claim, if the token has it.
    pub fn of<'a>(&self, payload: &'a Map<String, Value>) -> Option<&'a Value> {
        let Some(pointer) = self.0.strip_prefix('/') else { return payload.get(&self.0) };
        let (first, rest) = pointer.split_at(pointer.find('/').unwrap_or(pointer.len()));
        payload.get(&first.replace("~1", "/").replace("~0", "~"))?.pointer(rest)
    }
}

impl Required {
    /// Whether a token has it.
    pub fn is_met(&self, payload: &Map<String, Value>) -> bool {
        let Some(claim) = self.claim.of(payload) else { return false };
        match &self.test {
            Test::Equals(value) => claim == value,
            Test::Contains(value) => claim.as_array().is_some_and(|items| items.contains(value)),
            Test::OneOf(values) => values.contains(claim),
        }
    }
}

/// The scopes in these claims: the words of a text (RFC 8693, section 4.2) or the items of a list.
///
/// # Errors
/// One of the claims is neither.
pub fn scopes(payload: &Map<String, Value>, claims: &[ClaimPath]) -> Result<Vec<String>, ClaimError> {
    let mut scopes = Vec::new();
    for claim in claims.iter().filter_map(|claim| claim.of(payload)) {
        match claim {
            Value::String(words) => {
                scopes.extend(words.split(' ').filter(|word| !word.is_empty()).map(str::to_owned));
            }
            Value::Array(items) => {
                for item in items {
                    scopes.push(item.as_str().ok_or(ClaimError::Scopes)?.to_owned());
                }
            }
            _ => return Err(ClaimError::Scopes),
        }
    }
    Ok(scopes)
}

/// A claim as a header carries it: a text as it is, a list with `join` between its items. `Ok(None)` for what is
/// missing or empty.
///
/// # Errors
/// A header cannot carry it, or it would say something else there: an item with `join` in it would become two, and space
/// around a text is no part of a header's value (RFC 9110, section 5.5), so that ` ada` would arrive as `ada`.
pub fn forwardable(claim: Option<&Value>, join: Option<&str>) -> Result<Option<String>, Unforwardable> {
    let text = match (claim, join) {
        (None, _) => return Ok(None),
        (Some(Value::String(text)), _) => text.clone(),
        (Some(Value::Array(items)), Some(join)) => {
            let item = |item: &Value| match item {
                Value::String(text) if !text.is_empty() && !text.contains(join) && is_trimmed(text) => {
                    Ok(text.clone())
                }
                _ => Err(Unforwardable),
            };
            items.iter().map(item).collect::<Result<Vec<_>, _>>()?.join(join)
        }
        (Some(_), _) => return Err(Unforwardable),
    };
    if !is_trimmed(&text) || !text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Err(Unforwardable);
    }
    Ok(Some(text).filter(|text| !text.is_empty()))
}

fn is_trimmed(text: &str) -> bool {
    !text.starts_with(' ') && !text.ends_with(' ')
}

/// A claim is not what a header can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unforwardable;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn payload(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    fn path(text: &str) -> ClaimPath {
        ClaimPath::new(text).unwrap()
    }

    #[test]
    fn a_claim_is_found_by_name_or_by_pointer() {
        let payload = payload(&json!({"a.b": 1, "https://x/y": 2, "r": {"s": [3, {"t": 4}]}, "~": {"/": 5}}));
        let of = |text| path(text).of(&payload).cloned();
        assert_eq!(of("a.b"), Some(json!(1)));
        assert_eq!(of("https://x/y"), Some(json!(2)));
        assert_eq!(of("/https:~1~1x~1y"), Some(json!(2)));
        assert_eq!(of("/r/s/1/t"), Some(json!(4)));
        assert_eq!(of("/~0/~1"), Some(json!(5)));
        for missing in ["r.s", "/r/s/2", "/r/x", "/a", "/", "b"] {
            assert_eq!(of(missing), None, "{missing}");
        }
        assert_eq!((ClaimPath::new(""), ClaimPath::new("/a~2")), (None, None));
    }

    #[test]
    fn required_claims_are_compared_as_json() {
        let payload = payload(&json!({"tier": "gold", "n": 1, "groups": ["a", "b"], "text": "a b"}));
        let met = |claim, test| Required { claim: path(claim), test }.is_met(&payload);
        assert!(met("tier", Test::Equals(json!("gold"))));
        assert!(met("n", Test::Equals(json!(1))));
        assert!(!met("n", Test::Equals(json!("1"))));
        assert!(!met("absent", Test::Equals(json!(null))));
        assert!(met("groups", Test::Contains(json!("b"))));
        assert!(!met("groups", Test::Contains(json!("ab"))));
        assert!(!met("text", Test::Contains(json!("a"))), "a text is no list");
        assert!(met("tier", Test::OneOf(vec![json!("silver"), json!("gold")])));
        assert!(!met("groups", Test::OneOf(vec![json!("a")])));
    }

    #[test]
    fn scopes_are_words_or_items() {
        let payload =
            payload(&json!({"scope": " a  b:c ", "scp": ["d", "e f"], "bad": ["a", 1], "worse": 7}));
        let of =
            |claims: &[&str]| scopes(&payload, &claims.iter().map(|claim| path(claim)).collect::<Vec<_>>());
        assert_eq!(of(&["scope", "absent"]).unwrap(), ["a", "b:c"]);
        assert_eq!(of(&["scp", "scope"]).unwrap(), ["d", "e f", "a", "b:c"]);
        assert_eq!((of(&["bad"]), of(&["worse"])), (Err(ClaimError::Scopes), Err(ClaimError::Scopes)));
    }

    #[test]
    fn a_header_carries_texts_and_joined_lists() {
        let of = |claim: &Value, join| forwardable(Some(claim), join);
        assert_eq!(of(&json!("a b"), None), Ok(Some("a b".to_owned())));
        assert_eq!(of(&json!(["a", "b"]), Some(",")), Ok(Some("a,b".to_owned())));
        assert_eq!(
            (of(&json!([]), Some(",")), of(&json!(""), None), forwardable(None, None)),
            (Ok(None), Ok(None), Ok(None))
        );
        for bad in [
            json!(["a,b"]),
            json!(["a", ""]),
            json!(["a", 1]),
            json!([["a"]]),
            json!(["\n"]),
            json!(["a", " b"]),
            json!(" a"),
            json!("a "),
            json!(" "),
            json!({}),
            json!(1),
        ] {
            assert_eq!(of(&bad, Some(",")), Err(Unforwardable), "{bad}");
        }
        assert_eq!(of(&json!(["a"]), None), Err(Unforwardable), "only where it is asked for");
    }
}

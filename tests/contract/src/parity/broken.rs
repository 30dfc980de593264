//! What is wrong with a request that no schema has a word for: bytes, media types, codings.

use super::draft::Draft;
use super::values::written;

/// What is wrong with a request and how it is made.
pub(super) struct Change {
    pub(super) place: String,
    pub(super) what: String,
    pub(super) make: Box<dyn Fn(&mut Draft)>,
}

impl Change {
    pub(super) fn new(place: &str, what: &str, make: impl Fn(&mut Draft) + 'static) -> Self {
        Self { place: place.to_owned(), what: what.to_owned(), make: Box::new(make) }
    }
}

/// Bodies that are no JSON, or JSON that parsers disagree about.
pub(super) fn of_body_bytes(base: &Draft) -> Vec<Change> {
    let text = written(&base.value);
    let cut = |end: usize| text.as_bytes().get(..end).unwrap_or_default().to_vec();
    let open = text.strip_prefix('{').unwrap_or(&text);
    let member = base.value.as_object().and_then(|members| members.iter().next());
    let (name, inner) = member.map_or(("a", "1".to_owned()), |(name, inner)| (name.as_str(), written(inner)));
    let bodies: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", Vec::new()),
        ("white space", b" \n\t ".to_vec()),
        ("null", b"null".to_vec()),
        ("true", b"true".to_vec()),
        ("a number", b"1".to_vec()),
        ("a text", br#""x""#.to_vec()),
        ("a list", b"[]".to_vec()),
        ("half of it", cut(text.len() / 2)),
        ("all but the last byte", cut(text.len().saturating_sub(1))),
        ("something after it", format!("{text} x").into_bytes()),
        ("it twice", format!("{text}{text}").into_bytes()),
        ("white space around it", format!("\r\n\t {text} \n").into_bytes()),
        ("a form feed in front of it", format!("\u{c}{text}").into_bytes()),
        ("a byte order mark in front of it", format!("\u{feff}{text}").into_bytes()),
        ("a comma before the end", format!("{},}}", cut_end(&text)).into_bytes()),
        ("a comment", format!("/* c */{text}").into_bytes()),
        ("single quotes", text.replace('"', "'").into_bytes()),
        ("a number that is none", br#"{"a":NaN}"#.to_vec()),
        ("a number with a leading zero", br#"{"a":01}"#.to_vec()),
        ("a number without an end", br#"{"a":1e}"#.to_vec()),
        ("a text with a line feed", b"{\"a\":\"\n\"}".to_vec()),
        ("a text with a bad escape", br#"{"a":"\x"}"#.to_vec()),
        ("a text with half a surrogate pair", br#"{"a":"\ud800"}"#.to_vec()),
        ("bytes that are no UTF-8", b"{\"a\":\"\xff\"}".to_vec()),
        ("a member twice", format!("{{\"{name}\":{inner},{open}").into_bytes()),
        (
            "a member twice, once with an escape",
            format!("{{\"{}\":{inner},{open}", escaped(name)).into_bytes(),
        ),
        ("an unknown member twice", format!("{{\"zz\":1,\"zz\":2,{open}").into_bytes()),
        ("nested 200 deep", nested(200)),
        ("nested 1000 deep", nested(1000)),
    ];
    let change = |(what, bytes): (&str, Vec<u8>)| {
        Change::new("body", &format!("the bytes: {what}"), move |draft| draft.body = Some(bytes.clone()))
    };
    bodies.into_iter().map(change).collect()
}

fn cut_end(text: &str) -> &str {
    text.strip_suffix('}').unwrap_or(text)
}

fn escaped(name: &str) -> String {
    let first = name.chars().next().map_or(String::new(), |first| format!("\\u{:04x}", u32::from(first)));
    format!("{first}{}", name.get(1..).unwrap_or_default())
}

fn nested(depth: usize) -> Vec<u8> {
    format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth)).into_bytes()
}

/// What a body may be said to be.
pub(super) fn of_media_type(own: &str) -> Vec<Change> {
    let types = [
        ("with a charset", format!("{own}; charset=utf-8")),
        ("with a charset in quotes and capitals", format!("{own};charset=\"UTF-8\"")),
        ("with another charset", format!("{own}; charset=latin1")),
        ("with a charset that is none", format!("{own}; charset=")),
        ("with a parameter that nobody knows", format!("{own}; a=b")),
        ("in capitals", own.to_uppercase()),
        ("plain text", "text/plain".to_owned()),
        ("plain text with parameters", "Text/Plain; B=2;Charset=UTF-8".to_owned()),
        ("a form", "application/x-www-form-urlencoded".to_owned()),
        ("another kind of JSON", "application/vnd.api+json".to_owned()),
        ("JSON or its patch, whichever is not meant", other_json(own).to_owned()),
        ("any", "*/*".to_owned()),
        ("no media type at all", "json".to_owned()),
        ("empty", String::new()),
        ("only a parameter", "; charset=utf-8".to_owned()),
        ("two of them", format!("{own}, {own}")),
    ];
    let set = |(what, value): (&str, String)| {
        Change::new("media type", what, move |draft| draft.set_header("content-type", &value))
    };
    let mut changes: Vec<Change> = types.into_iter().map(set).collect();
    changes.push(Change::new("media type", "none", |draft| draft.drop_header("content-type")));
    for coding in ["gzip", "identity", "unknown", ""] {
        changes.push(Change::new("content coding", &format!("`{coding}`"), move |draft| {
            draft.set_header("content-encoding", coding);
        }));
    }
    changes
}

fn other_json(own: &str) -> &'static str {
    if own == "application/json" { "application/merge-patch+json" } else { "application/json" }
}

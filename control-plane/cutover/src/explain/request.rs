//! A request as somebody wrote it down.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

/// A request that nobody has sent yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// The path with its query.
    pub(crate) target: String,
    /// Names and values, in any case and order; a name may stand there more than once.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// A request as a line of a file. Other members are left alone: recordings have more in them.
#[derive(Deserialize)]
struct Line<'a> {
    method: String,
    path: String,
    #[serde(default)]
    headers: Option<BTreeMap<String, Values>>,
    /// Kept as it is written, because a body is judged by its text: `1.0`, members that are repeated, large numbers.
    #[serde(default, borrow)]
    body: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a header's value must be text or a list of texts")]
enum Values {
    One(String),
    Many(Vec<String>),
}

impl Request {
    /// Reads a request from a line: `{"method":…, "path":…, "headers":{name: text or texts}, "body":…}`, of which the last
    /// two may be missing. A body that is text is that text, any other is its JSON.
    ///
    /// # Errors
    /// What is wrong with the line, and at which column.
    pub(crate) fn from_line(line: &[u8]) -> Result<Request, String> {
        let said = |error: serde_json::Error| {
            let text = error.to_string().replace(" at line 1 column ", " at column ");
            if error.is_data() { text } else { format!("not JSON: {text}") }
        };
        let Line { method, path, headers, body } = serde_json::from_slice(line).map_err(said)?;
        let headers = headers.unwrap_or_default().into_iter().flat_map(|(name, values)| {
            let values = match values {
                Values::One(value) => vec![value],
                Values::Many(values) => values,
            };
            values.into_iter().map(move |value| (name.clone(), value))
        });
        let body = match body.map(RawValue::get) {
            None => Vec::new(),
            Some(text) if text.starts_with('"') => {
                serde_json::from_str::<String>(text).map_err(|error| format!("body: {error}"))?.into_bytes()
            }
            Some(json) => json.as_bytes().to_vec(),
        };
        Ok(Request { method, target: path, headers: headers.collect(), body })
    }

    /// The value of a header, in whatever case its name is written.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The `content-length` that every client adds to a body it has whole, where the headers do not say how long it is.
    pub(super) fn undeclared_length(&self) -> Option<String> {
        let declared = ["content-length", "transfer-encoding"].iter().any(|name| self.header(name).is_some());
        (!declared && !self.body.is_empty()).then(|| self.body.len().to_string())
    }
}

/// Reads `name: value`.
///
/// # Errors
/// When it is none.
pub(crate) fn header(text: &str) -> Result<(String, String), String> {
    // RFC 9110 section 5.6.2.
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let (name, value) = text.split_once(':').unwrap_or_default();
    let value = value.trim_matches([' ', '\t']);
    if name.is_empty() || !name.bytes().all(token) || value.contains(['\r', '\n', '\0']) {
        return Err("write a header's name and value, such as 'content-type: application/json'".to_owned());
    }
    Ok((name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_with_its_body_to_the_letter() {
        let read = |line: &str| Request::from_line(line.as_bytes()).unwrap();
        let whole = read(
            r#"{"id":7,"method":"POST","path":"/a?b","headers":{"A":"1","b":["2","3"]},"body":{"x":1.0, "x":12345678901234567890}}"#,
        );
        assert_eq!((whole.method.as_str(), whole.target.as_str()), ("POST", "/a?b"));
        let headers: Vec<_> = whole.headers.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(headers, ["A=1", "b=2", "b=3"]);
        assert_eq!(whole.body, br#"{"x":1.0, "x":12345678901234567890}"#);
        let text = read(r#"{"method":"GET","path":"/","headers":null,"body":"{\"\u00e9\"\n"}"#);
        assert_eq!(text.body, "{\"é\"\n".as_bytes());
        assert!(read(r#"{"method":"GET","path":"/","body":null}"#).body.is_empty());
        let deep =
            format!(r#"{{"method":"GET","path":"/","body":{}{}}}"#, "[".repeat(5000), "]".repeat(5000));
        assert_eq!(read(&deep).body.len(), 10_000);
    }

    #[test]
    fn a_line_that_is_no_request_is_refused_with_the_reason() {
        for (line, reason) in [
            ("GET /v1/task", "not JSON: expected value at column 1"),
            (r#"{"method":"GET"}"#, "missing field `path` at column 16"),
            (r#"{"method":1,"path":"/"}"#, "invalid type: integer `1`, expected a string at column 11"),
            (
                r#"{"method":"GET","path":"/","headers":{"a":1}}"#,
                "a header's value must be text or a list of texts",
            ),
            (r#"{"method":"GET","path":"/","body":"\ud800"}"#, "body: "),
            (r#"{"method":"GET","path":"/"} {}"#, "not JSON: trailing characters at column 29"),
        ] {
            let said = Request::from_line(line.as_bytes()).expect_err(line);
            assert!(said.starts_with(reason), "{line}: {said}");
        }
    }

    #[test]
    fn headers_are_names_and_values() {
        let read = |text| header(text).map(|(name, value)| format!("{name}|{value}"));
        assert_eq!(read("Accept:  a:b "), Ok("Accept|a:b".to_owned()));
        assert_eq!(read("x:"), Ok("x|".to_owned()));
        for text in ["accept", ": a", "a b: c", ":path: /", "a: b\nc: d"] {
            assert!(
                read(text).is_err_and(|said| said.contains("'content-type: application/json'")),
                "{text}"
            );
        }
    }

    #[test]
    fn a_body_has_a_length_unless_the_headers_say_otherwise() {
        let request = |headers: &[&str], body: &str| Request {
            headers: headers.iter().map(|text| header(text).unwrap()).collect(),
            body: body.as_bytes().to_vec(),
            ..Request::default()
        };
        assert_eq!(request(&[], "abc").undeclared_length().as_deref(), Some("3"));
        assert_eq!(request(&[], "").undeclared_length(), None);
        assert_eq!(request(&["Content-Length: 9"], "abc").undeclared_length(), None);
        assert_eq!(request(&["Transfer-Encoding: chunked"], "abc").undeclared_length(), None);
    }
}

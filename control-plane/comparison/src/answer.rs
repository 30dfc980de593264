//! An answer as the comparison sees it: content codings undone, body parsed once.

use serde_json::Value;

/// What came back for a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Every header in order of arrival; names in lower case.
    pub headers: Vec<(String, String)>,
    /// The parsed body.
    pub body: Body,
}

/// A body, parsed by its media type.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// No bytes.
    Empty,
    /// A JSON media type and bytes that are JSON. Of members with the same name the last one counts, as it does for clients.
    Json(Value),
    /// Any other UTF-8 text, which includes JSON media types whose bytes are no JSON.
    Text(String),
    /// Anything else.
    Binary(Vec<u8>),
}

impl Answer {
    /// Puts an answer together from the parts of an HTTP response. `body` must be without content coding.
    pub fn new<N, V>(status: u16, headers: impl IntoIterator<Item = (N, V)>, body: &[u8]) -> Self
    where
        N: AsRef<str>,
        V: Into<String>,
    {
        let headers: Vec<(String, String)> = headers
            .into_iter()
            .map(|(name, value)| (name.as_ref().to_ascii_lowercase(), value.into()))
            .collect();
        let media_type =
            headers.iter().find(|(name, _)| name == "content-type").map(|(_, value)| value.as_str());
        let body = Body::parse(media_type.unwrap_or_default(), body);
        Self { status, headers, body }
    }

    /// Every value of a header, in order; `name` in lower case.
    pub fn header<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

impl Body {
    /// Parses bytes by their media type.
    pub fn parse(media_type: &str, bytes: &[u8]) -> Self {
        if bytes.is_empty() {
            return Self::Empty;
        }
        if is_json(media_type)
            && let Ok(value) = serde_json::from_slice(bytes)
        {
            return Self::Json(value);
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => Self::Binary(bytes.to_vec()),
        }
    }

    /// What it is, for people.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Empty => "no body",
            Self::Json(_) => "a JSON body",
            Self::Text(_) => "a text body",
            Self::Binary(_) => "a binary body",
        }
    }
}

/// `application/json` and every `+json` suffix (RFC 6839), parameters aside.
fn is_json(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || essence.ends_with("+json")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_body_is_parsed_by_its_media_type() {
        assert_eq!(Body::parse("application/json; charset=utf-8", b"{}"), Body::Json(json!({})));
        assert_eq!(Body::parse("application/merge-patch+json", b"1"), Body::Json(json!(1)));
        assert_eq!(Body::parse("application/json", b"{"), Body::Text("{".to_owned()));
        assert_eq!(Body::parse("text/plain", b"{}"), Body::Text("{}".to_owned()));
        assert_eq!(Body::parse("text/plain", b"\xff"), Body::Binary(vec![0xff]));
        assert_eq!(Body::parse("application/json", b""), Body::Empty);
    }

    #[test]
    fn header_names_are_found_in_any_case() {
        let answer = Answer::new(200, [("X-A", "1"), ("x-a", "2")], b"");
        assert_eq!(answer.header("x-a").collect::<Vec<_>>(), ["1", "2"]);
    }
}

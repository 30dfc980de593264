//! HTTP Archive 1.2, as far as a replay needs it.
//!
//! Fields of others are kept when a file is read and written again. Fields of our own start with an underscore, as the
//! format asks of extensions: `_name`, `_operation`, `_side`, `_faults`, `_upstream` of an entry, `_chunked` and
//! `_withhold` of a request, `_repeat` of a body.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Where recorded requests claim to go: a name nobody has, so that nothing is sent there by mistake.
pub const ORIGIN: &str = "http://gateway.cutover.example";

/// All of a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Har {
    /// Its only member.
    pub log: Log,
}

/// The log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Log {
    /// `1.2`
    pub version: String,
    /// Who wrote it.
    pub creator: Creator,
    /// The exchanges, in the order in which they are replayed.
    pub entries: Vec<Entry>,
    /// Fields of others.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// The program that wrote the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Creator {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Fields of others.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// One exchange.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// What the exchange shows, in words; its name in reports.
    #[serde(rename = "_name", default)]
    pub name: String,
    /// The operation it is for; `unmatched` for none.
    #[serde(rename = "_operation", default = "unmatched")]
    pub operation: String,
    /// The side that answered when it was recorded.
    #[serde(rename = "_side", default, skip_serializing_if = "Option::is_none")]
    pub side: Option<String>,
    /// The faults that the upstreams have during the exchange, see `cutover-upstreams --help`.
    #[serde(rename = "_faults", default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Value>,
    /// The request.
    pub request: Request,
    /// The recorded answer.
    pub response: Response,
    /// The request as it arrived at the upstream; absent when none did.
    #[serde(rename = "_upstream", default, skip_serializing_if = "Option::is_none")]
    pub upstream: Option<Value>,
    /// When it was recorded. The recorder writes a fixed instant, so that recording anew changes only what changed.
    pub started_date_time: String,
    /// Its duration in milliseconds; -1 for unknown.
    pub time: f64,
    /// Required by the format, unused.
    #[serde(default)]
    pub cache: Map<String, Value>,
    /// Required by the format, unused.
    #[serde(default)]
    pub timings: Map<String, Value>,
    /// Fields of others.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

fn unmatched() -> String {
    "unmatched".to_owned()
}

/// A header, or a query parameter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pair {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// A request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// The method.
    pub method: String,
    /// Absolute; a replay takes the path and the query of it, byte for byte.
    pub url: String,
    /// `HTTP/1.1`
    pub http_version: String,
    /// Unused: a cookie is replayed as the header it is.
    #[serde(default)]
    pub cookies: Vec<Value>,
    /// Every header but those of the connection; `{{trader}}` stands for the text of that token.
    pub headers: Vec<Pair>,
    /// The query again, decoded, as the format asks; a replay does not use it.
    #[serde(default)]
    pub query_string: Vec<Pair>,
    /// The body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post_data: Option<PostData>,
    /// Unknown: -1.
    #[serde(default = "unknown")]
    pub headers_size: i64,
    /// Unknown: -1.
    #[serde(default = "unknown")]
    pub body_size: i64,
    /// The body goes without a `content-length`, chunked.
    #[serde(rename = "_chunked", default, skip_serializing_if = "is_false")]
    pub chunked: bool,
    /// The end of the body is held back until the answer is there.
    #[serde(rename = "_withhold", default, skip_serializing_if = "is_false")]
    pub withhold: bool,
    /// Fields of others.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// The body of a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PostData {
    /// The media type again; what counts is the header.
    pub mime_type: String,
    /// The body as text.
    #[serde(default)]
    pub text: String,
    /// Text that follows `text` many times: a large body without a large file.
    #[serde(rename = "_repeat", default, skip_serializing_if = "Option::is_none")]
    pub repeat: Option<Repeat>,
    /// Fields of others.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A text, many times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repeat {
    /// The text.
    pub text: String,
    /// How often.
    pub times: usize,
}

impl PostData {
    /// The bytes that are sent.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.text.clone().into_bytes();
        if let Some(Repeat { text, times }) = &self.repeat {
            bytes.extend(text.repeat(*times).into_bytes());
        }
        bytes
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// The status.
    pub status: u16,
    /// Its reason phrase; empty where it is unknown.
    #[serde(default)]
    pub status_text: String,
    /// `HTTP/1.1`
    pub http_version: String,
    /// Unused.
    #[serde(default)]
    pub cookies: Vec<Value>,
    /// Every header but those of the connection and the date.
    pub headers: Vec<Pair>,
    /// The body, without content coding.
    pub content: Content,
    /// The `location` header again, or empty.
    #[serde(default, rename = "redirectURL")]
    pub redirect_url: String,
    /// Unknown: -1.
    #[serde(default = "unknown")]
    pub headers_size: i64,
    /// Unknown: -1.
    #[serde(default = "unknown")]
    pub body_size: i64,
    /// Fields of others.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// The body of an answer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Content {
    /// Its length without content coding.
    pub size: i64,
    /// Its media type.
    pub mime_type: String,
    /// The body.
    #[serde(default)]
    pub text: String,
    /// `base64` when `text` is that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// Fields of others.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

fn unknown() -> i64 {
    -1
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl Har {
    /// A log of our own.
    #[must_use]
    pub fn new(entries: Vec<Entry>) -> Self {
        let creator = Creator {
            name: "cutover-contract".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            other: Map::new(),
        };
        let comment = "answers of the Node gateway, which decides; tokens are placeholders, generated request ids are \
                       {{generated}}, times are fixed; refresh with `make record`";
        let other = Map::from_iter([("comment".to_owned(), Value::from(comment))]);
        Self { log: Log { version: "1.2".to_owned(), creator, entries, other } }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read or is no HAR 1.2.
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let har: Self =
            serde_json::from_str(&text).with_context(|| format!("{} is no HAR", path.display()))?;
        if har.log.version != "1.2" {
            bail!("{}: log.version is {}, only 1.2 is understood", path.display(), har.log.version);
        }
        Ok(har)
    }

    /// Writes a file, indented, so that a change can be read in a diff.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        fs::write(path, text + "\n").with_context(|| format!("cannot write {}", path.display()))
    }
}

impl Request {
    /// A request for a target (path and query).
    #[must_use]
    pub fn new(method: &str, target: &str, headers: Vec<Pair>, body: Option<PostData>) -> Self {
        let query = target.split_once('?').map_or("", |(_, query)| query);
        Self {
            method: method.to_owned(),
            url: format!("{ORIGIN}{target}"),
            http_version: "HTTP/1.1".to_owned(),
            cookies: Vec::new(),
            headers,
            query_string: form_urlencoded::parse(query.as_bytes())
                .map(|(name, value)| Pair { name: name.into_owned(), value: value.into_owned() })
                .collect(),
            post_data: body,
            headers_size: unknown(),
            body_size: unknown(),
            chunked: false,
            withhold: false,
            other: Map::new(),
        }
    }

    /// Path and query, byte for byte.
    ///
    /// # Errors
    /// When the URL is not absolute.
    pub fn target(&self) -> Result<&str> {
        let after_scheme = self.url.split_once("://").map(|(_, rest)| rest);
        let rest = after_scheme.with_context(|| format!("{} is no absolute URL", self.url))?;
        Ok(rest.find('/').map_or("/", |start| &rest[start..]))
    }
}

impl Entry {
    /// An exchange.
    #[must_use]
    pub fn new(
        name: &str,
        operation: &str,
        faults: Vec<Value>,
        request: Request,
        response: Response,
    ) -> Self {
        let timings = json!({ "send": -1, "wait": -1, "receive": -1 });
        Self {
            name: name.to_owned(),
            operation: operation.to_owned(),
            side: None,
            faults,
            request,
            response,
            upstream: None,
            started_date_time: "2024-06-01T00:00:00.000Z".to_owned(),
            time: -1.0,
            cache: Map::new(),
            timings: timings.as_object().cloned().unwrap_or_default(),
            other: Map::new(),
        }
    }

    /// What to call it: its name, or what it asks for.
    #[must_use]
    pub fn title(&self) -> String {
        if self.name.is_empty() {
            format!("{} {}", self.request.method, self.request.target().unwrap_or(&self.request.url))
        } else {
            self.name.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOREIGN: &str = r#"{"log":{"version":"1.2","creator":{"name":"browser","version":"1","comment":"c"},
        "browser":{"name":"b","version":"2"},"pages":[],"entries":[{"pageref":"p1",
        "startedDateTime":"2024-01-01T00:00:00Z","time":3,"serverIPAddress":"10.0.0.1",
        "request":{"method":"GET","url":"https://host:8443/v1/task?limit=2","httpVersion":"HTTP/2","cookies":[],
          "headers":[{"name":"accept","value":"*/*","comment":"x"}],"queryString":[],"headersSize":10,"bodySize":0},
        "response":{"status":200,"statusText":"OK","httpVersion":"HTTP/2","cookies":[],"headers":[],
          "content":{"size":2,"mimeType":"application/json","text":"{}","compression":0},
          "redirectURL":"","headersSize":-1,"bodySize":-1,"_transferSize":5},
        "cache":{},"timings":{"send":0,"wait":1,"receive":2},"_priority":"High"}]}}"#;

    #[test]
    fn a_log_of_another_program_is_read_and_keeps_its_own_fields() {
        let har: Har = serde_json::from_str(FOREIGN).unwrap();
        let entry = &har.log.entries[0];
        assert_eq!(entry.title(), "GET /v1/task?limit=2");
        assert_eq!(entry.operation, "unmatched");
        let written = serde_json::to_value(&har).unwrap();
        let entry = &written["log"]["entries"][0];
        assert_eq!(entry["_priority"], "High");
        assert_eq!(entry["response"]["_transferSize"], 5);
        assert_eq!(written["log"]["browser"]["name"], "b");
    }

    #[test]
    fn a_log_survives_writing_and_reading() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.har");
        let mut request = Request::new("POST", "/v1/task?a=%20b", Vec::new(), None);
        request.post_data = Some(PostData {
            mime_type: "text/plain".to_owned(),
            text: "ab".to_owned(),
            repeat: Some(Repeat { text: "xy".to_owned(), times: 3 }),
            other: Map::new(),
        });
        request.withhold = true;
        let response: Response = serde_json::from_str(
            r#"{"status":204,"httpVersion":"HTTP/1.1","headers":[],"content":{"size":0,"mimeType":""}}"#,
        )
        .unwrap();
        let faults = vec![json!({ "hang": true })];
        let har = Har::new(vec![Entry::new("a name", "createTask", faults, request, response)]);
        har.write(&path).unwrap();
        let read = Har::read(&path).unwrap();
        assert_eq!(read, har);
        let request = &read.log.entries[0].request;
        assert_eq!(request.post_data.as_ref().unwrap().bytes(), b"abxyxyxy");
        assert_eq!(request.target().unwrap(), "/v1/task?a=%20b");
        assert_eq!(request.query_string[0].value, " b");
    }

    #[test]
    fn another_version_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("old.har");
        fs::write(&path, FOREIGN.replace(r#""1.2""#, r#""1.1""#)).unwrap();
        let message = Har::read(&path).unwrap_err().to_string();
        assert!(message.contains("log.version is 1.1"), "{message}");
    }
}

//! A client of the gateway: one call, one answer, nothing followed and nothing decompressed.

use anyhow::{Context, Result};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method};
use serde_json::Value;

/// Who calls: the demo's tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token {
    /// All four scopes.
    Trader,
    /// `trade:read task:read`.
    Reader,
    /// A valid token without scopes.
    Nobody,
    /// A token that has expired.
    Expired,
}

impl Token {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Trader, Self::Reader, Self::Nobody, Self::Expired];

    /// The name of its file, without `.jwt`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Trader => "trader",
            Self::Reader => "reader",
            Self::Nobody => "nobody",
            Self::Expired => "expired",
        }
    }
}

/// A call that is being put together.
#[derive(Debug)]
pub struct Call {
    client: Client,
    method: Method,
    url: String,
    headers: HeaderMap,
    body: Vec<u8>,
    tokens: Vec<(Token, String)>,
}

impl Call {
    pub(crate) fn new(client: Client, method: Method, url: String, tokens: Vec<(Token, String)>) -> Self {
        Self { client, method, url, headers: HeaderMap::new(), body: Vec::new(), tokens }
    }

    /// Calls with one of the demo's tokens.
    #[must_use]
    pub fn token(self, token: Token) -> Self {
        let text = self.tokens.iter().find(|(known, _)| *known == token).map(|(_, text)| text.clone());
        self.header("authorization", &format!("Bearer {}", text.unwrap_or_default()))
    }

    /// Adds a header; the same name twice sends it twice. A name or value that HTTP forbids is left out.
    #[must_use]
    pub fn header(self, name: &str, value: &str) -> Self {
        self.header_bytes(name, value.as_bytes())
    }

    /// Adds a header whose value need not be text.
    #[must_use]
    pub fn header_bytes(mut self, name: &str, value: &[u8]) -> Self {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_bytes(value)) {
            self.headers.append(name, value);
        }
        self
    }

    /// Sends a JSON body.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json").body(body.to_string().into_bytes())
    }

    /// Sends bytes; the content type is the caller's business.
    #[must_use]
    pub fn body(mut self, body: Vec<u8>) -> Self {
        self.body = body;
        self
    }

    /// Whether the call carries a body.
    #[must_use]
    pub fn has_body(&self) -> bool {
        !self.body.is_empty()
    }

    /// Sends the call and reads the whole answer.
    ///
    /// # Errors
    /// When there is no answer at all.
    pub async fn send(self) -> Result<Answer> {
        let request = self.client.request(self.method.clone(), &self.url).headers(self.headers);
        let request = if self.body.is_empty() { request } else { request.body(self.body) };
        let what = format!("{} {}", self.method, self.url);
        let response = request.send().await.with_context(|| format!("{what}: no answer"))?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let body = response.bytes().await.with_context(|| format!("{what}: the answer broke off"))?.to_vec();
        Ok(Answer { status, headers, body })
    }
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    /// The first value of a header, if it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Which side answered, as Envoy says.
    #[must_use]
    pub fn side(&self) -> Option<&str> {
        self.header("x-cutover-side")
    }

    /// The body as it came.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body as JSON; `Null` when it is not.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The `message` of an error body.
    #[must_use]
    pub fn message(&self) -> String {
        self.json().get("message").and_then(Value::as_str).unwrap_or_default().to_owned()
    }
}

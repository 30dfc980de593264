//! HTTP/1.1 byte by byte: what a well-behaved client library would refuse to send, and answers as they came.

use std::fmt;
use std::net::SocketAddr;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Duration, timeout};

/// How long an answer may take; generous, because machines stall and a request may be held for keys.
const PATIENCE: Duration = Duration::from_secs(45);

/// Answers longer than this are a mistake of the test.
const LONGEST: usize = 4 * 1024 * 1024;

/// A connection that stays open from request to request.
#[derive(Debug)]
pub struct Connection {
    address: SocketAddr,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
}

/// What came back.
#[derive(Clone, PartialEq, Eq)]
pub struct RawAnswer {
    /// The status code.
    pub status: u16,
    /// Names in lower case, values as they came (bytes that are not UTF-8 replaced), in order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// For messages of failed tests: the body as text.
impl fmt::Debug for RawAnswer {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, headers, body: _ } = self;
        write!(to, "{status} {headers:?} {}", self.text())
    }
}

impl RawAnswer {
    /// The values of a header, joined by `, `; `None` when it is not there.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        let values: Vec<_> =
            self.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect();
        (!values.is_empty()).then(|| values.join(", "))
    }

    /// The body as text, for messages and comparisons.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// The bytes of a request without a body.
#[must_use]
pub fn request(method: &str, target: &[u8], headers: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = format!("{method} ").into_bytes();
    bytes.extend_from_slice(target);
    bytes.extend_from_slice(b" HTTP/1.1\r\nhost: gateway.example\r\n");
    for (name, value) in headers {
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    bytes
}

impl Connection {
    /// A connection to be opened by the first request.
    #[must_use]
    pub fn to(address: SocketAddr) -> Self {
        Self { address, stream: None, buffer: Vec::new() }
    }

    /// Sends these bytes and reads one answer. Connects first when there is no connection (any more).
    ///
    /// # Errors
    /// When no whole answer comes; the connection is given up then.
    pub async fn send(&mut self, bytes: &[u8]) -> Result<RawAnswer> {
        let fresh = self.stream.is_none();
        match self.attempt(bytes).await {
            // A kept connection may have been closed since the last answer; then nothing of the answer has come.
            Err(_) if !fresh && self.buffer.is_empty() => {
                self.stream = None;
                self.attempt(bytes).await
            }
            other => other,
        }
    }

    async fn attempt(&mut self, bytes: &[u8]) -> Result<RawAnswer> {
        let answer = timeout(PATIENCE, self.exchange(bytes)).await;
        let answer = answer.map_err(Into::into).and_then(|answer| answer);
        let closes = |answer: &RawAnswer| answer.header("connection").is_some_and(|value| value == "close");
        if !answer.as_ref().is_ok_and(|answer| !closes(answer)) {
            self.stream = None;
        }
        answer
    }

    async fn exchange(&mut self, bytes: &[u8]) -> Result<RawAnswer> {
        self.buffer.clear();
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => {
                let stream = TcpStream::connect(self.address).await.context("no connection")?;
                stream.set_nodelay(true)?;
                none.insert(stream)
            }
        };
        // A server may refuse before it has read everything; the answer counts, not the failed write.
        let written = stream.write_all(bytes).await;
        let answer = read_answer(stream, &mut self.buffer).await;
        match written {
            Err(error) if answer.is_err() => Err(error).context("the request was not taken"),
            _ => answer,
        }
    }
}

async fn read_answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<RawAnswer> {
    let head = loop {
        if let Some(end) = end_of_head(buffer) {
            break end;
        }
        ensure!(fill(stream, buffer).await?, "the connection was closed before an answer");
    };
    let (status, headers) = read_head(buffer.get(..head).unwrap_or_default())?;
    let find = |name: &str| headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let body = if let Some(length) = find("content-length") {
        let length: usize = length.parse().context("content-length is no number")?;
        while buffer.len() < head + length {
            ensure!(fill(stream, buffer).await?, "the connection was closed within a body");
        }
        buffer.get(head..head + length).unwrap_or_default().to_vec()
    } else if find("transfer-encoding").is_some() {
        bail!("the answer comes in chunks, which this client does not read");
    } else if matches!(status, 204 | 304) {
        Vec::new()
    } else {
        while fill(stream, buffer).await? {}
        buffer.get(head..).unwrap_or_default().to_vec()
    };
    Ok(RawAnswer { status, headers, body })
}

/// Whether there was more to read.
async fn fill(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<bool> {
    ensure!(buffer.len() < LONGEST, "the answer is longer than {LONGEST} bytes");
    Ok(stream.read_buf(buffer).await? > 0)
}

/// Where the body starts.
pub(crate) fn end_of_head(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4)
}

fn read_head(head: &[u8]) -> Result<(u16, Vec<(String, String)>)> {
    let text = String::from_utf8_lossy(head);
    let mut lines = text.split("\r\n");
    let first = lines.next().unwrap_or_default();
    let status = first.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.with_context(|| format!("'{first}' is no status line"))?;
    let fields = lines.filter_map(|line| line.split_once(':'));
    Ok((status, fields.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect()))
}

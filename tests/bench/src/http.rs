//! As much of HTTP/1.1 as a measurement needs, on bare sockets: the cheaper both ends are, the more of the machine is
//! Envoy's.

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncRead, AsyncReadExt};

/// Heads and bodies longer than this are a mistake of the measurement.
const LIMIT: usize = 4 << 20;

/// Reads messages off one connection.
#[derive(Debug)]
pub struct Reader<R> {
    from: R,
    buffer: Vec<u8>,
    used: usize,
}

/// A message, until the next one is read.
#[derive(Debug)]
pub struct Message<'a> {
    /// Start line and header fields, with the empty line.
    pub head: &'a [u8],
    /// The body.
    pub body: &'a [u8],
}

impl<R: AsyncRead + Unpin> Reader<R> {
    /// Reads from `from`.
    pub fn new(from: R) -> Self {
        Self { from, buffer: Vec::with_capacity(4096), used: 0 }
    }

    /// The next message, or `None` when the other side has closed between messages.
    ///
    /// # Errors
    /// When the connection breaks, or the message is longer than this reader wants.
    pub async fn next(&mut self) -> Result<Option<Message<'_>>> {
        self.buffer.drain(..self.used);
        self.used = 0;
        let head = loop {
            if let Some(at) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            if self.fill().await? == 0 {
                ensure!(self.buffer.is_empty(), "the connection was closed within a head");
                return Ok(None);
            }
        };
        let length = content_length(self.buffer.get(..head).unwrap_or_default())?;
        while self.buffer.len() < head + length {
            ensure!(self.fill().await? > 0, "the connection was closed within a body");
        }
        self.used = head + length;
        let (head, rest) = self.buffer.split_at(head);
        Ok(Some(Message { head, body: rest.get(..length).unwrap_or_default() }))
    }

    async fn fill(&mut self) -> Result<usize> {
        ensure!(self.buffer.len() < LIMIT, "a message is longer than {LIMIT} bytes");
        Ok(self.from.read_buf(&mut self.buffer).await?)
    }
}

impl Message<'_> {
    /// Whether this is an answer with status 200.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.head.starts_with(b"HTTP/1.1 200 ")
    }

    /// Head and body as text, for messages to people.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}{}", String::from_utf8_lossy(self.head), String::from_utf8_lossy(self.body))
    }
}

/// The body's length; a message without the field has no body (what is measured here sends no chunks).
fn content_length(head: &[u8]) -> Result<usize> {
    const NAME: &[u8] = b"content-length:";
    let lines = head.split(|byte| *byte == b'\n');
    let is_it = |line: &&[u8]| line.get(..NAME.len()).is_some_and(|name| name.eq_ignore_ascii_case(NAME));
    let Some(line) = lines.into_iter().find(is_it) else { return Ok(0) };
    let value = String::from_utf8_lossy(line.get(NAME.len()..).unwrap_or_default());
    value.trim().parse().with_context(|| format!("content-length is '{}'", value.trim()))
}

#[cfg(test)]
mod tests {
    use super::Reader;

    #[tokio::test]
    async fn messages_that_arrive_together_are_read_one_by_one() {
        let both = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 401 Unauthorized\r\n\r\n";
        let mut reader = Reader::new(both.as_slice());
        let first = reader.next().await.unwrap().unwrap();
        assert!(first.is_ok());
        assert_eq!(first.body, b"hi");
        let second = reader.next().await.unwrap().unwrap();
        assert!(!second.is_ok());
        assert_eq!(second.body, b"");
        assert!(reader.next().await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_message_that_breaks_off_is_an_error() {
        for cut in ["HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nhi"] {
            assert!(Reader::new(cut.as_bytes()).next().await.is_err(), "{cut}");
        }
    }
}

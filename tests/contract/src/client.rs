//! Sends one request exactly as it is told, over a connection of its own, and reads the whole answer.
//!
//! General clients tidy up: they merge repeated headers, normalise paths, decompress, and finish a body that the server
//! does not want. Each of these is something an exchange can be about.

use std::collections::VecDeque;
use std::io::Read as _;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use flate2::read::GzDecoder;
use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Frame, SizeHint};
use hyper::header::{HeaderName, HeaderValue};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Longer than any time-out of a gateway.
const PATIENCE: Duration = Duration::from_secs(20);

/// Bodies go out in pieces of this size.
const PIECE: usize = 64 << 10;

/// A request, ready to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Outgoing {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// No `content-length`.
    pub(crate) chunked: bool,
    /// The end of the body waits for the answer.
    pub(crate) withhold: bool,
}

/// An answer; the body is without content coding.
#[derive(Debug, Clone)]
pub(crate) struct Incoming {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// Sends a request to `authority` (`host:port`).
pub(crate) async fn send(authority: &str, outgoing: Outgoing) -> Result<Incoming> {
    let exchange = tokio::time::timeout(PATIENCE, exchange(authority, outgoing));
    exchange.await.with_context(|| format!("no answer within {} s", PATIENCE.as_secs()))?
}

async fn exchange(authority: &str, outgoing: Outgoing) -> Result<Incoming> {
    let stream =
        TcpStream::connect(authority).await.with_context(|| format!("cannot connect to {authority}"))?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let response = sender.send_request(request(authority, outgoing)?).await.context("no answer")?;
    let status = response.status().as_u16();
    let headers: Vec<(String, String)> = response
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let body = response.into_body().collect().await.context("the answer broke off")?.to_bytes();
    driver.abort();
    let body = decode(&headers, &body)?;
    Ok(Incoming { status, headers, body })
}

fn request(authority: &str, outgoing: Outgoing) -> Result<hyper::Request<Pieces>> {
    let Outgoing { method, target, headers, body, chunked, withhold } = outgoing;
    let body = Pieces {
        rest: body.chunks(PIECE).map(Bytes::copy_from_slice).collect(),
        sized: !chunked && !withhold,
        withhold,
    };
    let mut request = hyper::Request::builder().method(method.as_str()).uri(&target).body(body)?;
    request.headers_mut().insert(hyper::header::HOST, authority.parse()?);
    for (name, value) in headers {
        let name: HeaderName = name.parse().with_context(|| format!("`{name}` is no header name"))?;
        let value =
            HeaderValue::from_bytes(value.as_bytes()).with_context(|| format!("{name}: bad value"))?;
        request.headers_mut().append(name, value);
    }
    Ok(request)
}

fn decode(headers: &[(String, String)], body: &[u8]) -> Result<Vec<u8>> {
    match headers.iter().find(|(name, _)| name == "content-encoding").map(|(_, value)| value.as_str()) {
        None | Some("identity") => Ok(body.to_vec()),
        Some("gzip") => {
            let mut plain = Vec::new();
            GzDecoder::new(body).read_to_end(&mut plain).context("the answer is no gzip")?;
            Ok(plain)
        }
        Some(other) => bail!("content-encoding {other} was not asked for"),
    }
}

/// A request body in pieces.
#[derive(Debug)]
struct Pieces {
    rest: VecDeque<Bytes>,
    sized: bool,
    withhold: bool,
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.rest.pop_front() {
            Some(piece) => Poll::Ready(Some(Ok(Frame::data(piece)))),
            // Never woken: the exchange ends with the answer, and the connection with the exchange.
            None if self.withhold => Poll::Pending,
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && !self.withhold
    }

    fn size_hint(&self) -> SizeHint {
        if self.sized {
            SizeHint::with_exact(self.rest.iter().map(|piece| piece.len() as u64).sum())
        } else {
            SizeHint::default()
        }
    }
}

//! The HTTP side: an accept loop of its own per service, because a `reset` fault must end a connection with a TCP reset
//! and no framework hands the socket out for that.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, LOCATION};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::answer::Answer;
use crate::fault::{Fate, Side};
use crate::operation::{Service, resolve};
use crate::seen::Arrival;
use crate::state::{Input, State};

/// Well over what the gateway lets through.
const MAX_BODY: usize = 4 << 20;

/// Where the two services listen; port 0 takes a free one.
#[derive(Debug, Clone, Copy)]
pub struct Addresses {
    /// The trade service.
    pub trade: SocketAddr,
    /// The task service.
    pub task: SocketAddr,
}

/// A service that could not start.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address} for the {} service: {cause}; stop what uses it or give another address with --{}", .service.name(), .service.name())]
pub struct StartError {
    /// The address that was asked for.
    pub address: SocketAddr,
    /// The service it was for.
    pub service: Service,
    /// What the system said.
    pub cause: io::Error,
}

/// Both services, running until this is dropped.
#[derive(Debug)]
pub struct Upstreams {
    /// Where they really listen.
    pub addresses: Addresses,
    accepting: [JoinHandle<()>; 2],
}

impl Drop for Upstreams {
    fn drop(&mut self) {
        for task in &self.accepting {
            task.abort();
        }
    }
}

/// Starts both services, or none.
///
/// # Errors
/// When one of the addresses cannot be had.
pub async fn start(addresses: Addresses) -> Result<Upstreams, StartError> {
    let (trade, trade_address) = listen(Service::Trade, addresses.trade).await?;
    let (task, task_address) = listen(Service::Task, addresses.task).await?;
    let state = Arc::new(Mutex::new(State::default()));
    let accepting = [
        tokio::spawn(accept(Service::Trade, trade, Arc::clone(&state))),
        tokio::spawn(accept(Service::Task, task, state)),
    ];
    Ok(Upstreams { addresses: Addresses { trade: trade_address, task: task_address }, accepting })
}

async fn listen(service: Service, address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let bound = async {
        let listener = TcpListener::bind(address).await?;
        let real = listener.local_addr()?;
        Ok((listener, real))
    };
    bound.await.map_err(|cause| StartError { address, service, cause })
}

async fn accept(service: Service, listener: TcpListener, state: Arc<Mutex<State>>) {
    // A set, so that aborting this task ends the connections as well.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // An accept fails when the client is already gone or files run out; the next one may succeed.
                if let Ok((stream, _)) = accepted {
                    connections.spawn(serve(service, stream, Arc::clone(&state)));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(service: Service, stream: TcpStream, state: Arc<Mutex<State>>) {
    let _ = stream.set_nodelay(true);
    let reset = Arc::new(AtomicBool::new(false));
    let io = TokioIo::new(Resettable { stream, reset: Arc::clone(&reset) });
    let handler = service_fn(move |request| {
        let (state, reset) = (Arc::clone(&state), Arc::clone(&reset));
        async move {
            let outcome = handle(service, &state, request).await;
            reset.store(outcome.is_err(), Ordering::Release);
            outcome
        }
    });
    // A client that goes away in the middle is none of our business.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(io, handler).await;
}

/// The reason hyper is given for ending a connection without an answer.
#[derive(Debug, thiserror::Error)]
#[error("a fault ends this connection")]
struct Ended;

async fn handle(
    service: Service,
    state: &Mutex<State>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Ended> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, MAX_BODY).collect().await.map_err(|_| Ended)?.to_bytes();
    let (path, query) = (head.uri.path(), head.uri.query().unwrap_or_default());
    if path.starts_with("/__") {
        let (status, body) = lock(state).control(head.method.as_str(), path, query, &body);
        return Ok(respond(Answer { status, location: None, body }, ""));
    }

    let call = resolve(service, head.method.as_str(), path);
    let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    let request_id = header("x-request-id").unwrap_or_default();
    let side = Side::of(header("x-cutover-side"));
    lock(state).seen.push(Arrival {
        request_id: request_id.to_owned(),
        method: head.method.to_string(),
        target: head.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        headers: texts(&head.headers),
        body: body.to_vec(),
        side,
        operation: call.as_ref().map(|call| call.operation),
    });
    let Some(call) = call else {
        return Ok(respond(Answer::refused(404, "no such operation"), request_id));
    };

    let (delay, fate) = lock(state).faults.next(call.operation, side);
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    let idempotency_key = header("idempotency-key").unwrap_or_default();
    let answer = || lock(state).perform(&call, &Input { query, idempotency_key, body: &body });
    match fate {
        Fate::Answer => Ok(respond(answer(), request_id)),
        Fate::WrongBody => Ok(respond(answer().with_wrong_body(), request_id)),
        Fate::Error(status) => Ok(respond(Answer::refused(status, "injected fault"), request_id)),
        Fate::Hang => std::future::pending().await,
        Fate::Reset => Err(Ended),
    }
}

/// The state is plain data, consistent after every statement, so that a panicked holder leaves nothing half done.
fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn texts(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}

fn respond(answer: Answer, request_id: &str) -> Response<Full<Bytes>> {
    let Answer { status, location, mut body } = answer;
    if let Some(id) = body.get_mut("requestId")
        && id.is_null()
    {
        *id = Value::from(request_id);
    }
    let mut response = Response::new(Full::from(body.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static("application/json; charset=utf-8"));
    headers.insert(CACHE_CONTROL, hyper::header::HeaderValue::from_static("no-store"));
    if let Some(location) = location.and_then(|location| location.parse().ok()) {
        headers.insert(LOCATION, location);
    }
    response
}

/// A connection that is closed with a TCP reset when a fault asks for it.
struct Resettable {
    stream: TcpStream,
    reset: Arc<AtomicBool>,
}

impl Drop for Resettable {
    fn drop(&mut self) {
        if self.reset.load(Ordering::Acquire) {
            // SO_LINGER of zero turns the close that follows into a RST (RFC 9293, section 3.10.4, ABORT).
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Resettable {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Resettable {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

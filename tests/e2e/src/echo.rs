//! A service that answers every request with 200 and the request's own head, and remembers what it saw.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::Result;

use crate::raw::end_of_head;

/// How many heads are remembered; a long run must not fill the memory of the test.
const REMEMBERED: usize = 20_000;

/// The running service. It lives on threads of its own, so that it outlasts the runtime of the test that started it.
#[derive(Debug)]
pub struct Echo {
    /// Where it listens.
    pub address: SocketAddr,
    seen: Arc<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    heads: Mutex<VecDeque<String>>,
    requests: AtomicUsize,
    stopped: AtomicBool,
}

impl Echo {
    /// Starts it on a free port.
    ///
    /// # Errors
    /// When no port is free.
    pub fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let seen = Arc::new(Seen::default());
        let shared = Arc::clone(&seen);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if shared.stopped.load(Ordering::Relaxed) {
                    return;
                }
                let shared = Arc::clone(&shared);
                thread::spawn(move || serve(stream, &shared));
            }
        });
        Ok(Self { address, seen })
    }

    /// How many requests came so far.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.seen.requests.load(Ordering::Relaxed)
    }

    /// The heads of the requests that came, the last twenty thousand of them; header names in lower case, as Envoy
    /// sends them, bytes that are not UTF-8 replaced.
    #[must_use]
    pub fn seen(&self) -> Vec<String> {
        self.seen.heads.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Whether a request came with this text in its head.
    #[must_use]
    pub fn saw(&self, text: &str) -> bool {
        self.seen.heads.lock().unwrap_or_else(PoisonError::into_inner).iter().any(|head| head.contains(text))
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.seen.stopped.store(true, Ordering::Relaxed);
        // Wakes the thread that waits for the next connection.
        drop(TcpStream::connect(self.address));
    }
}

/// Ends with the connection. Why it ended is seen at the other end, as an answer that is not 200.
fn serve(mut stream: TcpStream, seen: &Seen) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut buffer = Vec::new();
    loop {
        let head = loop {
            if let Some(end) = end_of_head(&buffer) {
                break end;
            }
            fill(&mut stream, &mut buffer)?;
        };
        let text = String::from_utf8_lossy(buffer.get(..head)?).into_owned();
        let length = content_length(&text);
        while buffer.len() < head + length {
            fill(&mut stream, &mut buffer)?;
        }
        buffer.drain(..head + length);
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\r\n{text}",
            text.len()
        );
        seen.requests.fetch_add(1, Ordering::Relaxed);
        remember(seen, text);
        stream.write_all(answer.as_bytes()).ok()?;
    }
}

fn remember(seen: &Seen, head: String) {
    let mut heads = seen.heads.lock().unwrap_or_else(PoisonError::into_inner);
    if heads.len() == REMEMBERED {
        heads.pop_front();
    }
    heads.push_back(head);
}

fn fill(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<()> {
    let mut bytes = [0; 16 * 1024];
    let length = stream.read(&mut bytes).ok().filter(|length| *length > 0)?;
    buffer.extend_from_slice(bytes.get(..length)?);
    Some(())
}

/// What the head announces. Envoy is not asked to send chunks here: tests send bodies of a known length.
fn content_length(head: &str) -> usize {
    let field = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    field.and_then(|value| value.trim().parse().ok()).unwrap_or(0)
}

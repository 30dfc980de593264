//! An issuer's key server that does as it is told: publishes a set, fails in many ways, keeps a client waiting; and
//! remembers when it was asked.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::Value;

use crate::raw::end_of_head;

/// The running server. It lives on threads of its own, so that it outlasts the runtime of the test that started it.
#[derive(Debug)]
pub struct KeyServer {
    /// Where it listens.
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

/// What the server says when it is asked.
#[derive(Debug, Clone)]
pub enum Published {
    /// This status with this body.
    Answer(u16, Vec<u8>),
    /// The connection is closed without a word.
    Nothing,
}

impl Published {
    /// A set, or any other JSON.
    #[must_use]
    pub fn set(set: &Value) -> Self {
        Self::Answer(200, set.to_string().into_bytes())
    }
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    published: Published,
    /// Whether whoever asks has to wait for the answer.
    held: bool,
    asked: Vec<Duration>,
    start: Instant,
    stopped: bool,
}

impl KeyServer {
    /// Starts it on a free port.
    ///
    /// # Errors
    /// When no port is free.
    #[allow(clippy::disallowed_methods, reason = "when it was asked is what tests want to know")]
    pub fn start(published: Published) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let start = Instant::now();
        let state = State { published, held: false, asked: Vec::new(), start, stopped: false };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let ours = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if shared.lock().stopped {
                    return;
                }
                let shared = Arc::clone(&shared);
                thread::spawn(move || serve(stream, &shared));
            }
        });
        Ok(Self { address, shared: ours })
    }

    /// From now on it says this.
    pub fn publish(&self, published: Published) {
        self.shared.lock().published = published;
    }

    /// From now on whoever asks has to wait for the answer.
    pub fn hold(&self) {
        self.shared.lock().held = true;
    }

    /// Whoever waits gets what is published now.
    pub fn release(&self) {
        self.shared.lock().held = false;
        self.shared.changed.notify_all();
    }

    /// How often it was asked.
    #[must_use]
    pub fn fetches(&self) -> usize {
        self.shared.lock().asked.len()
    }

    /// When it was asked, from its start on.
    #[must_use]
    pub fn asked(&self) -> Vec<Duration> {
        self.shared.lock().asked.clone()
    }
}

impl Drop for KeyServer {
    fn drop(&mut self) {
        self.shared.lock().stopped = true;
        self.release();
        // Wakes the thread that waits for the next connection.
        drop(TcpStream::connect(self.address));
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(&self) -> Published {
        let mut state = self.lock();
        let since = state.start.elapsed();
        state.asked.push(since);
        let state = self.changed.wait_while(state, |state| state.held && !state.stopped);
        state.unwrap_or_else(PoisonError::into_inner).published.clone()
    }
}

/// Ends with the connection, whoever ends it.
fn serve(mut stream: TcpStream, shared: &Shared) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut buffer = Vec::new();
    loop {
        while let Some(end) = end_of_head(&buffer) {
            buffer.drain(..end);
            match shared.ask() {
                Published::Nothing => return None,
                Published::Answer(status, body) => {
                    let length = body.len();
                    let head = format!("HTTP/1.1 {status} -\r\ncontent-length: {length}\r\n\r\n");
                    stream.write_all(&[head.as_bytes(), &body].concat()).ok()?;
                }
            }
        }
        let mut bytes = [0; 4096];
        let length = stream.read(&mut bytes).ok().filter(|length| *length > 0)?;
        buffer.extend_from_slice(bytes.get(..length)?);
    }
}

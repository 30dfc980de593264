//! The service behind every variant: one fixed answer, at next to no cost.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

use crate::http::{Message, Reader};

/// A request with this in its target is answered with its own head, so that one can see what the gateway made of it.
pub const ECHO: &str = "?echo";

const BODY: &[u8] = br#"{"items":[],"total":120}"#;

/// The running service.
#[derive(Debug)]
pub struct Upstream {
    /// Where it listens.
    pub address: SocketAddr,
    accepted: Arc<AtomicUsize>,
}

impl Upstream {
    /// Starts the service inside this process, which is not the one that is measured.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let accepted = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&accepted);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(serve(stream));
            }
        });
        Ok(Self { address, accepted })
    }

    /// How many connections came so far. Many of them mean that the measurement is of connecting.
    #[must_use]
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::Relaxed)
    }
}

/// Ends with the connection. Why it ended is seen at the other end, as an answer that is not 200.
async fn serve(stream: TcpStream) -> Result<()> {
    stream.set_nodelay(true)?;
    let (from, mut to) = stream.into_split();
    let mut reader = Reader::new(from);
    let usual = answer(BODY);
    while let Some(request) = reader.next().await? {
        if wants_echo(&request) {
            to.write_all(&answer(request.head)).await?;
        } else {
            to.write_all(&usual).await?;
        }
    }
    Ok(())
}

/// The length must be exact: Envoy closes a connection on which more comes than was announced.
fn answer(body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

fn wants_echo(request: &Message<'_>) -> bool {
    let line = request.head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    line.windows(ECHO.len()).any(|part| part == ECHO.as_bytes())
}

//! The load: a fixed number of keep-alive connections, one request in flight on each.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, bail};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::task::JoinSet;

use crate::http::Reader;

/// Writes the request of that number into the buffer, which is empty.
pub trait Requests: Fn(u64, &mut Vec<u8>) + Send + Sync + 'static {}

impl<F: Fn(u64, &mut Vec<u8>) + Send + Sync + 'static> Requests for F {}

/// Open connections to one gateway.
#[derive(Debug)]
pub struct Load {
    connections: Vec<Connection>,
}

#[derive(Debug)]
struct Connection {
    reader: Reader<OwnedReadHalf>,
    to: OwnedWriteHalf,
    buffer: Vec<u8>,
}

impl Load {
    /// Opens the connections.
    ///
    /// # Errors
    /// When the gateway does not accept one.
    pub async fn open(gateway: SocketAddr, connections: usize) -> Result<Self> {
        let mut open = Vec::with_capacity(connections);
        for _ in 0..connections {
            open.push(Connection::open(gateway).await?);
        }
        Ok(Self { connections: open })
    }

    /// Sends the requests of the numbers in `range`, each once, and waits for all of their answers.
    ///
    /// # Errors
    /// At the first answer that is not 200; the error shows it.
    pub async fn run(&mut self, range: std::ops::Range<u64>, requests: &Arc<impl Requests>) -> Result<()> {
        let next = Arc::new(AtomicU64::new(range.start));
        let mut tasks = JoinSet::new();
        for mut connection in self.connections.drain(..) {
            let (next, requests) = (Arc::clone(&next), Arc::clone(requests));
            tasks.spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= range.end {
                        return Ok(connection);
                    }
                    connection.ask(|buffer| requests(number, buffer)).await?;
                }
            });
        }
        while let Some(ended) = tasks.join_next().await {
            let connection: Result<Connection> = ended.context("a connection's task was cut off")?;
            self.connections.push(connection?);
        }
        Ok(())
    }
}

impl Connection {
    async fn open(gateway: SocketAddr) -> Result<Self> {
        let stream =
            TcpStream::connect(gateway).await.with_context(|| format!("no connection to {gateway}"))?;
        stream.set_nodelay(true)?;
        let (from, to) = stream.into_split();
        Ok(Self { reader: Reader::new(from), to, buffer: Vec::with_capacity(2048) })
    }

    async fn ask(&mut self, fill: impl FnOnce(&mut Vec<u8>)) -> Result<()> {
        self.buffer.clear();
        fill(&mut self.buffer);
        self.to.write_all(&self.buffer).await?;
        let answer = self.reader.next().await?.context("the gateway closed the connection")?;
        if !answer.is_ok() {
            bail!("an answer is not 200:\n{}", answer.text());
        }
        Ok(())
    }
}

/// Sends one request on a connection of its own and gives the whole answer as text.
///
/// # Errors
/// When there is none.
pub async fn ask_once(gateway: SocketAddr, request: &[u8]) -> Result<String> {
    let Connection { mut reader, mut to, .. } = Connection::open(gateway).await?;
    to.write_all(request).await?;
    Ok(reader.next().await?.context("the gateway closed the connection")?.text())
}

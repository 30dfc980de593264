//! The service behind every variant: one fixed answer, at next to no cost.

use std::net::SocketAddr;

use anyhow::Result;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

use crate::http::{Message, Reader};

/// A request with this in its target is answered with its own head, so that one can see what the gateway made of it.
pub const ECHO: &str = "?echo";

const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 24\r\n\r\n{\"items\":[],\"total\":120}\n";

/// Starts the service inside this process, which is not the one that is measured.
///
/// # Errors
/// When no port is free.
pub async fn start() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    Ok(address)
}

/// Ends with the connection. Why it ended is seen at the other end, as an answer that is not 200.
async fn serve(stream: TcpStream) -> Result<()> {
    stream.set_nodelay(true)?;
    let (from, mut to) = stream.into_split();
    let mut reader = Reader::new(from);
    while let Some(request) = reader.next().await? {
        match echo(&request) {
            Some(answer) => to.write_all(&answer).await?,
            None => to.write_all(ANSWER).await?,
        }
    }
    Ok(())
}

fn echo(request: &Message<'_>) -> Option<Vec<u8>> {
    let line = request.head.split(|byte| *byte == b'\r').next()?;
    line.windows(ECHO.len()).any(|part| part == ECHO.as_bytes()).then(|| {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", request.head.len());
        [head.as_bytes(), request.head].concat()
    })
}

//! An HTTP/1.1 server that does what the last segment of the path says, and remembers what it was asked.
//!
//! `ok`, `big`, a status such as `500`, `slow-300` (milliseconds), `hang`, `reset`; anything else is `ok`.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

pub(crate) struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    accepting: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&seen);
        let accepting = tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(serve(connection, Arc::clone(&record)));
            }
        });
        Self { address, seen, accepting }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What has arrived since the last call.
    pub(crate) fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(connection: TcpStream, record: Arc<Mutex<Vec<Seen>>>) {
    let mut connection = BufReader::new(connection);
    while let Some(seen) = read(&mut connection).await {
        let path = seen.line.split(' ').nth(1).unwrap_or_default().to_owned();
        record.lock().unwrap().push(seen);
        let path = path.split('?').next().unwrap_or_default();
        let behaviour = path.rsplit('/').next().unwrap_or_default();
        let answer = match behaviour {
            "reset" => return connection.get_ref().set_zero_linger().unwrap_or_default(),
            "hang" => std::future::pending().await,
            "big" => answer(200, &format!("{{\"big\":\"{}\"}}", "x".repeat(4096))),
            slow if slow.starts_with("slow-") => {
                let millis = slow.trim_start_matches("slow-").parse().unwrap();
                tokio::time::sleep(Duration::from_millis(millis)).await;
                answer(200, r#"{"slow":true}"#)
            }
            "204" => "HTTP/1.1 204 No Content\r\n\r\n".to_owned(),
            status => answer(status.parse().unwrap_or(200), &format!("{{\"own\":\"{behaviour}\"}}")),
        };
        if connection.get_mut().write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn read(connection: &mut BufReader<TcpStream>) -> Option<Seen> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if connection.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        if line.trim_end().is_empty() {
            break;
        }
        lines.push(line.trim_end().to_owned());
    }
    let header =
        |line: &String| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned()));
    let seen =
        Seen { line: lines.first()?.clone(), headers: lines.iter().skip(1).filter_map(header).collect() };
    let length = seen.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    connection.read_exact(&mut vec![0; length]).await.ok()?;
    Some(seen)
}

fn answer(status: u16, body: &str) -> String {
    format!(
        "HTTP/1.1 {status} Whatever\r\ncontent-type: application/json; charset=utf-8\r\nserver: upstream\r\n\
         x-own: yes\r\nx-cutover-side: liar\r\nx-envoy-upstream-service-time: 1\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

//! A control plane of one's own: a folder, free ports, and the real binary.

#![allow(clippy::unwrap_used, clippy::panic, reason = "these helpers only run in tests")]
#![allow(dead_code, reason = "each test file uses its own part")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A folder with a configuration that has no mistakes.
pub(crate) struct Home {
    folder: TempDir,
}

/// A control plane that runs in a [`Home`]; killed when dropped.
pub(crate) struct Running {
    child: Child,
    pub(crate) admin: String,
    pub(crate) xds: String,
    home: PathBuf,
}

/// What a command said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Home {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/config")).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
            }
        }
        fs::copy(folder.path().join("good.yaml"), folder.path().join("gateway.yaml")).unwrap();
        Self { folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Replaces a text in a file, which must be there.
    pub(crate) fn edit(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(name)).unwrap();
        assert!(text.contains(from), "{name} has no `{from}`:\n{text}");
        fs::write(self.path(name), text.replace(from, to)).unwrap();
    }

    /// Runs the binary in the folder to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        run(self.folder.path(), arguments)
    }

    /// `cutover serve` that is expected to end by itself.
    pub(crate) fn serve_in_vain(&self, admin: &str, xds: &str) -> Said {
        self.run(&["serve", "--config", "gateway.yaml", "--admin", admin, "--xds", xds])
    }

    /// A control plane on free ports.
    pub(crate) fn serve(&self) -> Running {
        let mut child = command(self.folder.path())
            .args(["serve", "--config", "gateway.yaml", "--admin", "127.0.0.1:0", "--xds", "127.0.0.1:0"])
            .stderr(fs::File::create(self.path("log")).unwrap())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap_or_else(|_| {
            let _ = child.wait();
            panic!("no ready line but `{line}`; log:\n{}", fs::read_to_string(self.path("log")).unwrap())
        });
        assert_eq!(ready["ready"], true, "{line}");
        let address = |name: &str| ready[name].as_str().unwrap().to_owned();
        Running { child, admin: address("admin"), xds: address("xds"), home: self.folder.path().to_owned() }
    }
}

impl Running {
    /// Runs the binary against this control plane.
    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        let server = format!("http://{}", self.admin);
        run(&self.home, &[arguments, &["--server", &server]].concat())
    }

    /// The JSON a listing prints.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        self.run(&[arguments, &["--json"]].concat()).ok().json()
    }

    /// One HTTP exchange: status, headers in lower case, body.
    pub(crate) fn http(
        &self,
        method: &str,
        path: &str,
        headers: &[&str],
        body: &str,
    ) -> (u16, String, String) {
        let mut stream = TcpStream::connect(&self.admin).unwrap();
        let host = format!("host: {}", self.admin);
        let host = if headers.iter().any(|header| header.starts_with("host:")) {
            String::new()
        } else {
            host + "\r\n"
        };
        let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\n{host}{headers}content-length: {length}\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        // A server that refuses a body by its length may not read it.
        let _ = stream.write_all(body.as_bytes());
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) =
            answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer but `{answer}`"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, head.to_lowercase(), body.to_owned())
    }

    /// Sends a signal and waits for the end.
    pub(crate) fn stop(mut self, signal: &str) -> Option<i32> {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{signal}"), &pid]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Said {
    /// Expects exit code 0.
    pub(crate) fn ok(self) -> Self {
        self.exit(0)
    }

    /// Expects an exit code.
    pub(crate) fn exit(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
    command.current_dir(folder).env_clear().env("USER", "kim");
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Said {
    let done = command(folder).args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { code: done.status.code(), out: text(done.stdout), err: text(done.stderr) }
}

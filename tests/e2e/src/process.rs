//! A child process: its output kept in files, its first line read as JSON, its end certain.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// How long a process may take to say that it is ready.
const READY_PATIENCE: Duration = Duration::from_secs(30);

/// How long a process may take to stop after SIGTERM before it is killed.
const STOP_PATIENCE: Duration = Duration::from_secs(8);

/// A running part of the product. Dropping it stops it.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    logs: Vec<PathBuf>,
    first_line: Mutex<mpsc::Receiver<String>>,
}

impl Process {
    /// Starts `program` with its output in `NAME.out` and `NAME.err` under `logs`.
    ///
    /// The child dies with this process even when that is killed: `setpriv --pdeathsig` asks the kernel for it.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn start(
        name: &str,
        logs: &Path,
        program: &Path,
        configure: impl FnOnce(&mut Command),
    ) -> Result<Self> {
        let (out, err) = (logs.join(format!("{name}.out")), logs.join(format!("{name}.err")));
        let mut command = bound_to_parent(program);
        configure(&mut command);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::options().create(true).append(true).open(&err)?)
            .spawn()
            .with_context(|| format!("{name}: cannot start {}", program.display()))?;
        let stdout = child.stdout.take().context("the child has no standard output")?;
        let copy = File::options().create(true).append(true).open(&out)?;
        let (sender, first_line) = mpsc::channel();
        thread::spawn(move || copy_lines(BufReader::new(stdout), copy, sender));
        Ok(Self { name: name.to_owned(), child, logs: vec![out, err], first_line: Mutex::new(first_line) })
    }

    /// Waits for the first line of standard output and reads it as JSON.
    ///
    /// # Errors
    /// When the process ends or says something else first; the error carries its whole output.
    pub fn ready_line(&mut self) -> Result<Value> {
        let receiver = self.first_line.get_mut().unwrap_or_else(PoisonError::into_inner);
        let line = match receiver.recv_timeout(READY_PATIENCE) {
            Ok(line) => line,
            Err(_) => bail!("{} did not become ready\n{}", self.name, self.output()),
        };
        serde_json::from_str(&line)
            .map_err(|error| anyhow!("{}: '{line}' is not a ready line: {error}", self.name))
    }

    /// An address (`host:port`) out of a ready line.
    ///
    /// # Errors
    /// When the line has no such field.
    pub fn address(&self, line: &Value, field: &str) -> Result<String> {
        let found = line.get(field).and_then(Value::as_str);
        found.map(str::to_owned).with_context(|| format!("{}: no '{field}' in {line}", self.name))
    }

    /// What the process has written so far, for a failure's message.
    #[must_use]
    pub fn output(&self) -> String {
        let mut all = String::new();
        for path in &self.logs {
            let text = fs::read(path).unwrap_or_default();
            all.push_str(&format!("--- {}\n{}\n", path.display(), String::from_utf8_lossy(&text)));
        }
        all
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether the process has ended, and how.
    ///
    /// # Errors
    /// When the operating system cannot say.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Asks the process to stop (SIGTERM), waits, and kills it if it does not.
    pub fn stop(&mut self) {
        self.signal(Signal::TERM);
        if !self.wait(STOP_PATIENCE) {
            self.kill();
        }
    }

    /// Kills the process without warning (SIGKILL).
    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.wait(STOP_PATIENCE);
    }

    fn signal(&mut self, signal: Signal) {
        if matches!(self.child.try_wait(), Ok(None))
            && let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw)
            && let Err(error) = kill_process(pid, signal)
        {
            report(&format!("{}: cannot send {signal:?}: {error}", self.name));
        }
    }

    fn wait(&mut self, patience: Duration) -> bool {
        const STEP: Duration = Duration::from_millis(5);
        let mut waited = Duration::ZERO;
        while waited < patience {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return true;
            }
            thread::park_timeout(STEP);
            waited += STEP;
        }
        false
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop();
        if thread::panicking() {
            report(&self.output());
        }
    }
}

fn bound_to_parent(program: &Path) -> Command {
    let setpriv = Path::new("/usr/bin/setpriv");
    if setpriv.exists() {
        let mut command = Command::new(setpriv);
        command.args(["--pdeathsig", "TERM", "--"]).arg(program);
        return command;
    }
    Command::new(program)
}

/// Copies the child's standard output to its file, line by line, and hands the first one on.
fn copy_lines(mut from: impl BufRead, mut to: File, first_line: mpsc::Sender<String>) {
    let mut first_line = Some(first_line);
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
        if to.write_all(&line).is_err() {
            return;
        }
        if let Some(listener) = first_line.take() {
            // Nobody listens when the process has no ready line; that is not an error of the child's.
            listener.send(String::from_utf8_lossy(&line).trim_end().to_owned()).ok();
        }
        line.clear();
    }
}

#[allow(clippy::print_stderr, reason = "a failing test shows what every process said")]
fn report(text: &str) {
    eprintln!("{text}");
}

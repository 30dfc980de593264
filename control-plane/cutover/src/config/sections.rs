//! The short sections of the file.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use cutover_compiler::document::Node;
use cutover_store::Address;
use cutover_xds::model::AccessLog;
use serde_json::{Value, json};

use super::reader::{self, Fields, Mistakes};
use super::{locate, plain};
use crate::units;

/// The gateway's name: Envoys whose `node.cluster` is this belong to it.
pub(super) fn gateway_name(fields: &Fields<'_>, mistakes: &mut Mistakes) -> Option<String> {
    let node = fields.required("gateway", "edge", mistakes)?;
    reader::name("gateway", node, mistakes).map(str::to_owned)
}

/// Where Envoy listens; port 0 lets the system choose.
pub(super) fn listen(fields: &Fields<'_>, mistakes: &mut Mistakes) -> Option<SocketAddr> {
    let node = fields.required("listen", "127.0.0.1:8080", mistakes)?;
    let text = reader::text("listen", node, mistakes)?;
    let parsed = text.parse();
    if parsed.is_err() {
        let message = format!("`listen: {text}` is not an IP address with a port");
        mistakes.add(node.at, message, "write for example 127.0.0.1:8080, 0.0.0.0:8080 or \"[::]:8080\"");
    }
    parsed.ok()
}

/// Whether answers say which side gave them; they do unless switched off.
pub(super) fn side_header(fields: &Fields<'_>, mistakes: &mut Mistakes) -> Option<bool> {
    match fields.optional("side_header") {
        None => Some(true),
        Some(node) => reader::boolean("side_header", node, mistakes),
    }
}

/// The filters' module.
pub(super) struct Module {
    /// As an absolute path: Envoy may run in another folder.
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
}

/// The module must be there, and be WebAssembly: Envoy would refuse everything else only when it loads it.
pub(super) fn module(fields: &Fields<'_>, folder: &Path, mistakes: &mut Mistakes) -> Option<Module> {
    let example = "{ module: ../target/wasm32-wasip1/wasm/cutover_filters.wasm }";
    let section = fields.required("filters", example, mistakes)?;
    let filters = Fields::of("filters", section, &["module"], mistakes)?;
    let node = filters.required("module", "../target/wasm32-wasip1/wasm/cutover_filters.wasm", mistakes)?;
    let path = locate(folder, reader::text("module", node, mistakes)?);
    let shown = path.display();
    match read_module(&path) {
        Err(error) => {
            let message = format!("the filters' module `{shown}` cannot be read: {}", plain(&error));
            mistakes.add(node.at, message, "build it with `make wasm`");
            None
        }
        Ok(None) => {
            let message = format!("`{shown}` is not a WebAssembly module");
            mistakes.add(node.at, message, "build the filters with `make wasm` and name the file it makes");
            None
        }
        Ok(Some(module)) => Some(module),
    }
}

fn read_module(path: &Path) -> std::io::Result<Option<Module>> {
    let bytes = std::fs::read(path)?;
    // Magic number and version of a core module: webassembly.github.io/spec/core/binary/modules.html#binary-module
    if !bytes.starts_with(b"\0asm\x01\0\0\0") {
        return Ok(None);
    }
    let bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    Ok(Some(Module { path: std::path::absolute(path)?, bytes }))
}

/// How requests are validated.
pub(super) struct Validation {
    requests: String,
    errors: String,
    pub(super) max_body_bytes: u32,
}

impl Validation {
    /// What the validation filter is configured with.
    pub(super) fn filter(&self, plan: &Value) -> Value {
        let Self { requests, errors, max_body_bytes } = self;
        json!({"plan": plan, "requests": requests, "max_body_bytes": max_body_bytes, "errors": errors})
    }
}

/// The whole section may be left out, and each field: requests are then enforced, up to 1 MiB, in legacy words.
pub(super) fn validation(fields: &Fields<'_>, mistakes: &mut Mistakes) -> Option<Validation> {
    const DEFAULT_MAX_BODY: u32 = 1 << 20;
    let Some(section) = fields.optional("validation") else {
        return Some(Validation {
            requests: "enforce".into(),
            errors: "legacy".into(),
            max_body_bytes: DEFAULT_MAX_BODY,
        });
    };
    let section = Fields::of("validation", section, &["requests", "max_body", "errors"], mistakes)?;
    let requests =
        reader::choice("requests", section.optional("requests"), &["enforce", "report", "off"], mistakes);
    let errors = reader::choice("errors", section.optional("errors"), &["legacy"], mistakes);
    let max_body = match section.optional("max_body") {
        None => Some(DEFAULT_MAX_BODY),
        Some(node) => max_body(node, mistakes),
    };
    Some(Validation { requests: requests?, errors: errors?, max_body_bytes: max_body? })
}

/// Envoy's buffer limits are 32-bit; beyond 64 MiB a body does not belong through a buffering gateway.
fn max_body(node: &Node, mistakes: &mut Mistakes) -> Option<u32> {
    const MOST: u32 = 64 << 20;
    let text = reader::text("max_body", node, mistakes)?;
    let bytes = reader::with(units::size(text), node, mistakes)?;
    let fitting = u32::try_from(bytes).ok().filter(|bytes| (1..=MOST).contains(bytes));
    if fitting.is_none() {
        mistakes.add(node.at, format!("`max_body: {text}` is out of range"), "write a size from 1B to 64MiB");
    }
    fitting
}

/// `off` (as when left out), `stdout`, or `file:PATH` on the Envoy's machine.
pub(super) fn access_log(fields: &Fields<'_>, mistakes: &mut Mistakes) -> Option<AccessLog> {
    let Some(node) = fields.optional("access_log") else { return Some(AccessLog::Off) };
    let text = reader::text("access_log", node, mistakes)?;
    match text.split_once(':') {
        None if text == "off" => Some(AccessLog::Off),
        None if text == "stdout" => Some(AccessLog::Stdout),
        Some(("file", path)) if !path.is_empty() => Some(AccessLog::File(path.into())),
        _ => {
            let message = format!("`{text}` is not a place for the access log");
            mistakes.add(node.at, message, "write `off`, `stdout` or `file:PATH`");
            None
        }
    }
}

/// Where the state is kept; relative to the working directory, because state is not configuration.
pub(super) fn store(fields: &Fields<'_>, mistakes: &mut Mistakes) -> Option<Address> {
    match fields.optional("store") {
        None => Some(Address::Sqlite(".run/state.db".into())),
        Some(node) => reader::parsed("store", node, mistakes),
    }
}

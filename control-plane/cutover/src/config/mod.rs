//! The operator's file and everything it names, read into domain types.
//!
//! All mistakes of `gateway.yaml` and of the contract are found in one go, each with file, line and column. What comes
//! out has no mistakes left in it: nobody behind this wall checks again.

mod auth;
mod claims;
mod issuers;
mod jwks;
mod pem;
mod reader;
mod remote;
mod routes;
mod schemes;
mod sections;
mod upstreams;

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use cutover_compiler::document::{Node, Position, parse};
use cutover_compiler::{Mistake, Options, SecurityScheme, compile_files, security_schemes};
use cutover_domain::OperationId;
use cutover_plan::Plan;
use cutover_store::Address;
use cutover_xds::model::{Filters, Gateway};
use serde_json::{Map, Value, json};

use reader::{Fields, Mistakes};

/// A configuration without mistakes.
#[derive(Debug)]
pub(crate) struct Config {
    /// The file it was read from, as it was named.
    pub(crate) file: PathBuf,
    /// What Envoys get, apart from the weights.
    pub(crate) gateway: Gateway,
    /// Where the state is kept.
    pub(crate) store: Address,
    /// The contract's file.
    pub(crate) contract: PathBuf,
    /// The size of the compiled contract, in bytes.
    pub(crate) plan_bytes: usize,
    /// The size of the filters' module, in bytes.
    pub(crate) module_bytes: u64,
    /// Who may issue tokens.
    pub(crate) issuers: Vec<IssuerSummary>,
}

/// An issuer as `check` lists it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub(crate) struct IssuerSummary {
    /// The exact `iss` claim.
    pub(crate) issuer: String,
    /// The algorithms of its usable keys, one entry per key; none when they are fetched.
    pub(crate) keys: Vec<String>,
    /// Keys that are left out, and why.
    pub(crate) ignored: Vec<String>,
    /// Where its keys are fetched, if they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fetched: Option<FetchedSummary>,
}

/// Keys that Envoy fetches, as `check` lists them.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub(crate) struct FetchedSummary {
    /// The URL of the key set.
    pub(crate) url: String,
    /// The Envoy cluster that reaches it.
    pub(crate) cluster: String,
    /// The file with the certificates that are trusted, unless it is plain HTTP.
    pub(crate) ca: Option<PathBuf>,
    /// A set of this age is fetched again.
    pub(crate) refresh_seconds: u64,
    /// The least time between two fetches for tokens with unknown keys.
    pub(crate) unknown_kid_seconds: u64,
    /// How long a request waits for keys.
    pub(crate) hold_seconds: u64,
}

impl Config {
    /// Every operation that can have a weight: those of the contract and the pseudo-operation `unmatched`.
    pub(crate) fn operations(&self) -> BTreeSet<OperationId> {
        let ids = self.gateway.operations.iter().map(|operation| operation.id.clone());
        ids.chain([OperationId::unmatched()]).collect()
    }
}

/// Reads a configuration file and everything it names.
///
/// # Errors
/// Every mistake of `gateway.yaml` and of the contract at once.
pub(crate) fn load(path: &Path) -> Result<Config, Vec<Mistake>> {
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| vec![unreadable(&file, &error)])?;
    let root = parse(&text).map_err(|error| vec![Mistake::unreadable(&file, error)])?;
    let mut mistakes = Mistakes::of(&file);
    let config = read(path, &root, &mut mistakes);
    let found = mistakes.finish();
    match config {
        Some(config) if found.is_empty() => Ok(config),
        _ => Err(found),
    }
}

const FIELDS: &[&str] = &[
    "gateway",
    "listen",
    "openapi",
    "side_header",
    "filters",
    "upstreams",
    "routes",
    "auth",
    "validation",
    "access_log",
    "store",
];

/// Every section is read before any is asked for, so that one mistake does not hide another.
fn read(path: &Path, root: &Node, mistakes: &mut Mistakes) -> Option<Config> {
    let fields = Fields::of("gateway.yaml", root, FIELDS, mistakes)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let name = sections::gateway_name(&fields, mistakes);
    let listen = sections::listen(&fields, mistakes);
    let side_header = sections::side_header(&fields, mistakes);
    let contract = contract(&fields, folder, mistakes);
    let module = sections::module(&fields, folder, mistakes);
    let upstreams = upstreams::read(&fields, mistakes);
    let plan = contract.as_ref().and_then(|contract| contract.plan.as_ref());
    let operations = routes::read(&fields, plan, upstreams.as_ref(), mistakes);
    let auth = auth::read(&fields, contract.as_ref(), folder, mistakes);
    let validation = sections::validation(&fields, mistakes);
    let access_log = sections::access_log(&fields, mistakes);
    let store = sections::store(&fields, mistakes);

    let Contract { path: contract, plan, schemes: _ } = contract?;
    let (plan, upstreams, auth, validation, module) = (plan?, upstreams?.all()?, auth?, validation?, module?);
    let plan_json = plan.to_json();
    let claim_headers = auth.filter["forward"].as_object().into_iter().flat_map(Map::keys).cloned().collect();
    let log_query = auth.filter["token"]["query"].is_null();
    let filters = Filters {
        module: module.path,
        request_id: json!({}),
        auth: auth.filter,
        validation: validation.filter(&value_of(&plan_json)),
    };
    let gateway = Gateway {
        name: name?,
        listen: listen?,
        operations: operations?,
        upstreams,
        side_header: side_header?,
        filters: Some(filters),
        key_hosts: auth.key_hosts,
        claim_headers,
        max_body_bytes: validation.max_body_bytes,
        access_log: access_log?,
        log_query,
    };
    Some(Config {
        file: path.to_owned(),
        gateway,
        store: store?,
        contract,
        plan_bytes: plan_json.len(),
        module_bytes: module.bytes,
        issuers: auth.issuers,
    })
}

/// The contract's file and what the gateway needs of it.
struct Contract {
    path: PathBuf,
    /// When it has no mistakes.
    plan: Option<Plan>,
    /// Those that the gateway can check.
    schemes: Vec<SecurityScheme>,
}

fn contract(fields: &Fields<'_>, folder: &Path, mistakes: &mut Mistakes) -> Option<Contract> {
    let node = fields.required("openapi", "../openapi/api.yaml", mistakes)?;
    let path = locate(folder, reader::text("openapi", node, mistakes)?);
    let shown = path.display().to_string();
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => {
            let hint = "the path is relative to the folder of this file";
            mistakes.add(node.at, format!("the contract `{shown}` cannot be read: {}", plain(&error)), hint);
            return None;
        }
    };
    let plan = match compile_files(&shown, &text, Options::default(), &read_part) {
        Ok((plan, _)) => Some(plan),
        Err(found) => {
            mistakes.extend(found);
            None
        }
    };
    let schemes = security_schemes(&shown, &text, &read_part);
    Some(Contract { path, plan, schemes })
}

/// Reads a file that a contract refers to.
pub(crate) fn read_part(path: &str) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{path}: {}", plain(&error)))
}

/// A path of the configuration: relative to its folder, without detours, so that messages can be read and clicked.
fn locate(folder: &Path, path: &str) -> PathBuf {
    let mut clean = PathBuf::new();
    for component in folder.join(path).components() {
        match (component, clean.components().next_back()) {
            (Component::CurDir, _) | (Component::ParentDir, Some(Component::RootDir)) => {}
            (Component::ParentDir, Some(Component::Normal(_))) => {
                clean.pop();
            }
            (other, _) => clean.push(other),
        }
    }
    clean
}

fn value_of(json: &[u8]) -> Value {
    serde_json::from_slice(json).unwrap_or_default()
}

fn unreadable(file: &str, error: &std::io::Error) -> Mistake {
    let start = Position { line: 1, column: 1, file: 0 };
    Mistake::new(file, start, format!("the configuration cannot be read: {}", plain(error)))
        .with_hint("name another file with --config")
}

/// An operating system's error without its number: `no such file or directory`.
pub(crate) fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests;

//! `explain`: what would become of a request, without sending it.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use clap::Args;
use cutover_domain::UNMATCHED;
use serde_json::Value;

use super::args::DEFAULT_CONFIG;
use super::{End, compile, complain, offline, runtime, say, say_json};
use crate::api::wire;
use crate::client::Client;
use crate::config;
use crate::explain::{Judge, Request, header, judge_lines};
use crate::view::{self, Explanation, Side};

/// Say what the gateway makes of a request, without sending it: operation, side, auth, validation.
#[derive(Debug, Args)]
#[command(after_help = "\
With --contract the contract alone decides, and no control plane is asked for weights; --config
beside it adds that gateway's sides and limits. Without --contract the configuration names it.

--requests reads one request a line: {\"method\", \"path\", \"headers\", \"body\"}. Headers map a name
to a text or a list of texts; a body is text, or JSON as it is written. Each is answered by a line
{\"operation\", \"valid\", \"errors\"}; the sum goes to stderr.

Exit codes: 0 valid; 1 a request is invalid, or something cannot be read; 2 usage.

Examples:
  cutover explain GET '/v1/task?limit=1000'
  cutover explain POST /v1/task -H 'content-type: application/json' -d '{\"title\": 7}'
  cutover explain POST /v1/task -H 'content-type: application/json' -d @task.json --json
  cutover explain GET /v1/task/tsk_1 --contract openapi/trade-task.yaml
  cutover explain --requests recorded.ndjson --contract api.yaml | jq 'select(.valid | not)'")]
pub(crate) struct Explain {
    /// The request's method.
    #[arg(required_unless_present = "requests", value_name = "METHOD", value_parser = method)]
    method: Option<String>,
    /// The request's path with its query, percent-encoded.
    #[arg(required_unless_present = "requests", value_name = "PATH", value_parser = target)]
    path: Option<String>,
    /// A header of the request; may be repeated.
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", value_parser = header)]
    headers: Vec<(String, String)>,
    /// The request's body; @FILE reads it from a file, @- from standard input.
    #[arg(short = 'd', long = "data", value_name = "BODY", allow_hyphen_values = true)]
    data: Option<String>,
    /// Explain every request of a file instead, one JSON object to a line; - is standard input.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["method", "path", "headers", "data"])]
    requests: Option<PathBuf>,
    /// Judge by this contract, or by the plan `cutover compile` made of one.
    #[arg(long, value_name = "FILE")]
    contract: Option<PathBuf>,
    #[command(flatten)]
    dialect: compile::Dialect,
    /// The gateway's configuration [default without --contract: envoy/gateway.yaml].
    #[arg(long, env = "CUTOVER_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

/// What requests are judged by, and what else the configuration says.
struct Gateway {
    judge: Judge,
    /// The gateway's name, when there is a configuration.
    name: Option<String>,
    /// What the validation filter gets; null without a configuration.
    validation: Value,
}

impl Gateway {
    /// What becomes of an operation's invalid requests, when they are not refused; its own setting goes before that of all.
    fn lenient(&self, operation: &str) -> Option<String> {
        let own = &self.validation["operations"][operation]["requests"];
        let mode = own.as_str().or_else(|| self.validation["requests"].as_str());
        mode.filter(|mode| *mode != "enforce").map(str::to_owned)
    }
}

pub(super) fn explain(options: &Explain, server: &str, json: bool) -> Result<End> {
    let gateway = gateway(options)?;
    if let Some(path) = &options.requests {
        return requests(&gateway.judge, path);
    }
    let body = options.data.as_deref().map(body).transpose()?.unwrap_or_default();
    let (method, target) =
        (options.method.clone().unwrap_or_default(), options.path.clone().unwrap_or_default());
    let request = Request { method, target, headers: options.headers.clone(), body };
    let judgement = gateway.judge.judge(&request);
    let operation = judgement.route.map_or(UNMATCHED, |route| &route.id);
    let side = match &gateway.name {
        Some(name) => runtime(false)?.block_on(side(server, name, operation)),
        None => Side::Unasked,
    };
    let lenient = gateway.lenient(operation);
    let valid = judgement.outcome.is_ok();
    let explanation = Explanation { request: &request, judgement, side, lenient };
    if json {
        say_json(&view::explanation_json(&explanation))?;
    } else {
        say(&view::explanation(&explanation))?;
    }
    Ok(if valid { End::Done } else { End::Refused })
}

fn gateway(options: &Explain) -> Result<Gateway> {
    // As the filter's, where nothing else is configured.
    const MAX_BODY_BYTES: usize = 1 << 20;
    let Explain { contract, dialect, config, .. } = options;
    let own = contract.as_deref().map(|file| compile::plan_of(file, *dialect)).transpose()?;
    let file = match (&own, config) {
        (Some(plan), None) => {
            let judge = Judge { plan: plan.clone(), max_body_bytes: MAX_BODY_BYTES };
            return Ok(Gateway { judge, name: None, validation: Value::Null });
        }
        (_, Some(file)) => file.as_path(),
        (None, None) => Path::new(DEFAULT_CONFIG),
    };
    let loaded = offline::load(file).map_err(|mistakes| {
        anyhow!("{mistakes}\n(--contract FILE needs no configuration: it judges by a contract alone)")
    })?;
    let configured = loaded.gateway.filters.map(|filters| filters.validation).unwrap_or_default();
    let plan = match own {
        Some(plan) => plan,
        // What the filter gets, not the contract once more.
        None => cutover_plan::Plan::from_json(&serde_json::to_vec(&configured["plan"])?)?,
    };
    let max_body_bytes = usize::try_from(loaded.gateway.max_body_bytes)?;
    Ok(Gateway {
        judge: Judge { plan, max_body_bytes },
        name: Some(loaded.gateway.name),
        validation: configured,
    })
}

/// Asks the control plane; that it does not run is no failure here.
async fn side(server: &str, gateway: &str, operation: &str) -> Side {
    let status = match Client::new(server) {
        Ok(client) => client.status().await,
        Err(error) => return Side::Unknown(format!("{error:#}")),
    };
    match status {
        Err(_) => Side::Unknown(format!("no control plane reached at {server}")),
        Ok(wire::Status { gateway: other, .. }) if other != gateway => Side::Unknown(format!(
            "the control plane at {server} is that of the gateway `{other}`, not `{gateway}`"
        )),
        Ok(status) => {
            let mut rows = status.operations.into_iter();
            match rows.find(|row| row.operation.as_str() == operation) {
                Some(wire::Operation { weight, rust, .. }) => Side::Weight { weight, rust },
                None => {
                    Side::Unknown(format!("the control plane at {server} knows no operation `{operation}`"))
                }
            }
        }
    }
}

fn requests(judge: &Judge, path: &Path) -> Result<End> {
    let input: Box<dyn BufRead> = if path == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        let file = File::open(path).map_err(|error| unreadable("requests", path, &error))?;
        Box::new(BufReader::new(file))
    };
    let summary = judge_lines(judge, input, io::stdout().lock())?;
    complain(view::summary(&summary).trim_end());
    Ok(if summary.is_clean() { End::Done } else { End::Refused })
}

fn body(text: &str) -> Result<Vec<u8>> {
    match text.strip_prefix('@') {
        None => Ok(text.as_bytes().to_vec()),
        Some("-") => {
            let mut bytes = Vec::new();
            io::stdin().lock().read_to_end(&mut bytes).context("the body cannot be read")?;
            Ok(bytes)
        }
        Some(path) => fs::read(path).map_err(|error| unreadable("body", Path::new(path), &error)),
    }
}

fn unreadable(what: &str, path: &Path, error: &io::Error) -> anyhow::Error {
    anyhow!("the {what} {} cannot be read: {}", path.display(), config::plain(error))
}

/// Methods are case-sensitive, but nobody who types `get` at a shell means another one than `GET`.
fn method(text: &str) -> Result<String, String> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-') {
        return Err("write a method, such as GET".to_owned());
    }
    Ok(text.to_ascii_uppercase())
}

fn target(text: &str) -> Result<String, String> {
    let fits = text.starts_with('/') && !text.contains([' ', '#']) && !text.contains(char::is_control);
    if fits {
        Ok(text.to_owned())
    } else {
        Err("write the path and its query from the first slash on, such as /v1/task?limit=5".to_owned())
    }
}

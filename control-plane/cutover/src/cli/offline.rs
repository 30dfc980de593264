//! The verbs that need no running control plane: `check`, `render`.

use std::path::Path;

use anyhow::Result;
use cutover_compiler::Mistake;
use cutover_domain::{ChangeError, Weights, plan_set};
use cutover_xds::model::Endpoint;
use serde_json::{Value, json};

use super::args::{Bootstrap, Snapshot};
use super::{End, Mistakes, complain, say, say_json};
use crate::config::{self, Config, FetchedSummary, IssuerSummary};
use crate::envoy_json;
use crate::units::{show_seconds, show_size};

/// A configuration without mistakes.
pub(super) fn load(path: &Path) -> Result<Config, Mistakes> {
    config::load(path).map_err(Mistakes)
}

pub(super) fn check(path: &Path, json: bool) -> Result<End> {
    let checked = config::load(path).map_err(Mistakes).and_then(|config| {
        let rendered = cutover_xds::render(&config.gateway, &Weights::new());
        rendered.map_err(|error| Mistakes(vec![not_renderable(path, &error)]))?;
        Ok(config)
    });
    match checked {
        Ok(config) if json => say_json(&summary_json(&config)).map(|()| End::Done),
        Ok(config) => say(&summary(&config)).map(|()| End::Done),
        Err(Mistakes(mistakes)) if json => {
            say_json(
                &json!({"ok": false, "mistakes": mistakes.iter().map(mistake_json).collect::<Vec<_>>()}),
            )?;
            Ok(End::Refused)
        }
        Err(mistakes) => {
            complain(&mistakes.to_string());
            let noun = if mistakes.0.len() == 1 { "mistake" } else { "mistakes" };
            complain(&format!("{} {noun}", mistakes.0.len()));
            Ok(End::Refused)
        }
    }
}

/// What passes every check but does not fit together; there is no one line to blame.
fn not_renderable(path: &Path, error: &cutover_xds::RenderError) -> Mistake {
    let (file, message) = (path.display().to_string(), error.to_string());
    Mistake { file, line: 1, column: 1, message, hint: None }
}

fn mistake_json(mistake: &Mistake) -> Value {
    let Mistake { file, line, column, message, hint } = mistake;
    json!({"file": file, "line": line, "column": column, "message": message, "hint": hint})
}

fn summary(config: &Config) -> String {
    let gateway = &config.gateway;
    let (file, contract) = (config.file.display(), config.contract.display());
    let plan = show_rough(config.plan_bytes);
    let mut lines = vec![
        format!("{file} is fine"),
        format!("  gateway    {}, listens on {}", gateway.name, gateway.listen),
        format!("  contract   {contract}: {} operations, compiled to {plan}", gateway.operations.len()),
    ];
    for (name, upstream) in &gateway.upstreams {
        let endpoints: Vec<_> = upstream.endpoints.iter().map(ToString::to_string).collect();
        lines.push(format!("  upstream   {name}: {}", endpoints.join(", ")));
    }
    for issuer in &config.issuers {
        lines.extend(issuer_lines(issuer));
        lines.extend(issuer.ignored.iter().map(|ignored| format!("             left out: {ignored}")));
    }
    if let Some(filters) = &gateway.filters {
        let size = show_rough(usize::try_from(config.module_bytes).unwrap_or(usize::MAX));
        lines.push(format!("  filters    {} ({size})", filters.module.display()));
    }
    lines.push(format!("  bodies     up to {}", show_size(gateway.max_body_bytes.into())));
    lines.push(format!("  store      {}", config.store));
    lines.join("\n") + "\n"
}

/// An issuer: which keys, or from where and how often.
fn issuer_lines(issuer: &IssuerSummary) -> Vec<String> {
    let IssuerSummary { issuer, keys, ignored: _, fetched } = issuer;
    let Some(fetched) = fetched else {
        return vec![format!("  issuer     {issuer}: keys for {}", keys.join(", "))];
    };
    let FetchedSummary { url, cluster, ca, refresh_seconds, unknown_kid_seconds, hold_seconds } = fetched;
    let [refresh, unknown, hold] =
        [refresh_seconds, unknown_kid_seconds, hold_seconds].map(|s| show_seconds(*s));
    let trusted = match ca {
        Some(ca) => format!("TLS by the certificates in {}", ca.display()),
        None => "plain http on this machine".to_owned(),
    };
    vec![
        format!("  issuer     {issuer}: keys from {url}"),
        format!(
            "             fetched every {refresh}, for unknown keys at most every {unknown}; requests wait up to {hold}"
        ),
        format!("             cluster {cluster}, {trusted}"),
    ]
}

/// `12 KiB`: a size for people, rounded.
fn show_rough(bytes: usize) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{} KiB", bytes.div_ceil(1024)),
        _ => format!("{:.1} MiB", bytes.div_ceil(1024) as f64 / 1024.0),
    }
}

fn summary_json(config: &Config) -> Value {
    let gateway = &config.gateway;
    let upstreams = gateway.upstreams.iter().map(|(name, upstream)| {
        let endpoints: Vec<_> = upstream.endpoints.iter().map(ToString::to_string).collect();
        (name.clone(), json!(endpoints))
    });
    json!({
        "ok": true,
        "file": config.file,
        "gateway": gateway.name,
        "listen": gateway.listen,
        "contract": config.contract,
        "operations": gateway.operations.iter().map(|operation| operation.id.as_str()).collect::<Vec<_>>(),
        "plan_bytes": config.plan_bytes,
        "upstreams": upstreams.collect::<serde_json::Map<_, _>>(),
        "issuers": config.issuers,
        "module": gateway.filters.as_ref().map(|filters| &filters.module),
        "module_bytes": config.module_bytes,
        "max_body_bytes": gateway.max_body_bytes,
        "store": config.store.to_string(),
    })
}

pub(super) fn bootstrap(options: &Bootstrap) -> Result<End> {
    let Bootstrap { config, node_id, xds, envoy_admin } = options;
    // Only the name is taken from the configuration, but a name of a broken one helps nobody.
    let cluster = load(&config.config)?.gateway.name;
    let options = cutover_xds::Bootstrap {
        node_id: node_id.clone().unwrap_or_else(|| format!("{cluster}-1")),
        cluster,
        xds: Endpoint::from(*xds),
        admin: *envoy_admin,
    };
    say_json(&cutover_xds::bootstrap(&options)).map(|()| End::Done)
}

pub(super) fn snapshot(options: &Snapshot) -> Result<End> {
    let Snapshot { config, weights } = options;
    let config = load(&config.config)?;
    let wanted: Weights = weights.iter().cloned().collect();
    let weights = match plan_set(&Weights::new(), &config.operations(), &wanted) {
        Ok(change) => Weights::new().with(&change.changes),
        Err(ChangeError::Nothing) => Weights::new(),
        Err(error @ ChangeError::UnknownOperations { .. }) => return Err(error.into()),
    };
    let snapshot = cutover_xds::render(&config.gateway, &weights)?;
    say_json(&envoy_json::show(&snapshot)?).map(|()| End::Done)
}

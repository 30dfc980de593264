//! `auth.issuers`: whose tokens are accepted, and by which keys.

use std::path::Path;

use cutover_compiler::document::{Node, Position};
use cutover_xds::model::KeyHost;
use serde_json::{Map, Value, json};

use super::reader::{self, Fields, Mistakes};
use super::{FetchedSummary, IssuerSummary, claims, jwks, locate, pem, plain, remote};
use crate::nearest::nearest;

/// All issuers: as the filter is configured, where their keys are fetched, and as `check` lists them.
pub(super) struct Issuers {
    pub(super) filters: Vec<Value>,
    pub(super) key_hosts: Vec<KeyHost>,
    pub(super) summaries: Vec<IssuerSummary>,
}

/// One issuer, read.
struct Issuer {
    filter: Value,
    summary: IssuerSummary,
    key_host: Option<(KeyHost, Position)>,
}

/// Where an issuer's keys come from: the filter's field for them, and what goes with it.
pub(super) struct Source {
    pub(super) field: &'static str,
    pub(super) value: Value,
    pub(super) keys: Vec<String>,
    pub(super) ignored: Vec<String>,
    pub(super) fetched: Option<FetchedSummary>,
    pub(super) key_host: Option<(KeyHost, Position)>,
}

const FIELDS: &[&str] =
    &["issuer", "audiences", "algorithms", "jwks", "pem", "leeway", "scope_claims", "require"];
const DEFAULT_LEEWAY_SECONDS: u64 = 5;
const MOST_LEEWAY_SECONDS: u64 = 300;

pub(super) fn read(section: &Fields<'_>, folder: &Path, mistakes: &mut Mistakes) -> Option<Issuers> {
    let example = "[{ issuer: \"https://issuer.example\", audiences: [gateway], jwks: { file: jwks.json } }]";
    let items = reader::list("issuers", section.required("issuers", example, mistakes)?, example, mistakes)?;
    let mut seen: Vec<(&str, usize)> = Vec::new();
    for item in items {
        let Some(name) = item.get("issuer") else { continue };
        let Some(text) = name.as_str() else { continue };
        if let Some((_, line)) = seen.iter().find(|(known, _)| *known == text) {
            let hint = format!("it stands in line {line} already; join their audiences and keys");
            mistakes.add(name.at, format!("the issuer `{text}` is listed twice"), hint);
        }
        seen.push((text, name.at.line));
    }
    let read: Vec<_> = items.iter().map(|item| issuer(item, folder, mistakes)).collect();
    let hosts = read.iter().flatten().filter_map(|issuer| issuer.key_host.as_ref());
    let key_hosts = distinct(hosts, mistakes);
    let (mut filters, mut summaries) = (Vec::new(), Vec::new());
    for issuer in read {
        let Issuer { filter, summary, key_host: _ } = issuer?;
        filters.push(filter);
        summaries.push(summary);
    }
    Some(Issuers { filters, key_hosts, summaries })
}

/// One host of keys may serve several issuers, by one cluster.
fn distinct<'h>(
    hosts: impl Iterator<Item = &'h (KeyHost, Position)>,
    mistakes: &mut Mistakes,
) -> Vec<KeyHost> {
    let mut distinct: Vec<&(KeyHost, Position)> = Vec::new();
    for host in hosts {
        let (KeyHost { endpoint, tls }, at) = host;
        match distinct.iter().find(|(known, _)| known.endpoint == *endpoint) {
            Some((known, first)) if known.tls != *tls => {
                let message = format!("{endpoint} is reached in another way than in line {}", first.line);
                mistakes.add(*at, message, "use the same scheme and the same `ca` for one host and port");
            }
            Some(_) => {}
            None => distinct.push(host),
        }
    }
    distinct.into_iter().map(|(host, _)| host.clone()).collect()
}

fn issuer(node: &Node, folder: &Path, mistakes: &mut Mistakes) -> Option<Issuer> {
    let fields = Fields::of("issuer", node, FIELDS, mistakes)?;
    let issuer = fields
        .required("issuer", "\"https://issuer.example\"", mistakes)
        .and_then(|node| reader::text("issuer", node, mistakes));
    let audiences = audiences(&fields, mistakes);
    let algorithms = fields.optional("algorithms").map(|node| algorithms(node, mistakes));
    let leeway = fields.optional("leeway");
    let leeway = reader::seconds("leeway", leeway, DEFAULT_LEEWAY_SECONDS, 0..=MOST_LEEWAY_SECONDS, mistakes);
    let rules = claims::rules(&fields, mistakes);
    // With a mistake in the list, which keys are of it cannot be said.
    let known = algorithms.as_ref().and_then(|algorithms| algorithms.as_deref());
    let source = source(&fields, known, folder, mistakes);
    let algorithms = algorithms.map_or(Some(None), |algorithms| algorithms.map(Some))?;
    let (issuer, source) = (issuer?, source?);
    let Source { field, value, keys, ignored, fetched, key_host } = source;
    let mut filter = Map::new();
    filter.insert("issuer".to_owned(), issuer.into());
    filter.insert("audiences".to_owned(), json!(audiences?));
    filter.extend(algorithms.map(|algorithms| ("algorithms".to_owned(), json!(algorithms))));
    filter.insert("leeway_seconds".to_owned(), leeway?.into());
    filter.insert(field.to_owned(), value);
    filter.extend(rules?);
    let summary = IssuerSummary { issuer: issuer.to_owned(), keys, ignored, fetched };
    Some(Issuer { filter: filter.into(), summary, key_host })
}

fn audiences<'n>(fields: &Fields<'n>, mistakes: &mut Mistakes) -> Option<Vec<&'n str>> {
    let node = fields.required("audiences", "[gateway]", mistakes)?;
    let items = reader::list("audiences", node, "[gateway]", mistakes)?;
    let read: Vec<_> = items.iter().map(|item| reader::text("audiences", item, mistakes)).collect();
    read.into_iter().collect()
}

/// The algorithms that the issuer's tokens may be signed with.
fn algorithms(node: &Node, mistakes: &mut Mistakes) -> Option<Vec<&'static str>> {
    let items = reader::list("algorithms", node, "[RS256, ES256]", mistakes)?;
    let mut algorithms = Vec::new();
    for item in items {
        let Some(algorithm) = algorithm("algorithms", item, mistakes) else { continue };
        if algorithms.contains(&algorithm) {
            mistakes.add(item.at, format!("the algorithm {algorithm} is listed twice"), "remove one");
        }
        algorithms.push(algorithm);
    }
    (algorithms.len() == items.len()).then_some(algorithms)
}

/// One of the algorithms that the auth filter knows.
pub(super) fn algorithm(field: &str, node: &Node, mistakes: &mut Mistakes) -> Option<&'static str> {
    let text = reader::text(field, node, mistakes)?;
    let found = jwks::algorithms().find(|known| *known == text);
    if found.is_none() {
        let message = format!("`{text}` is no algorithm that the gateway knows");
        mistakes.add(node.at, message, nearest(text, jwks::algorithms()));
    }
    found
}

/// Exactly one of a key set in a file, a key set at a URL, and one key in a file.
fn source(
    fields: &Fields<'_>,
    algorithms: Option<&[&str]>,
    folder: &Path,
    mistakes: &mut Mistakes,
) -> Option<Source> {
    match (fields.optional("jwks"), fields.optional("pem")) {
        (Some(_), Some(pem)) => {
            let hint = "keep one of them; a key set can hold the key of the PEM file, too";
            mistakes.add(pem.at, "this issuer has both `jwks` and `pem`", hint);
            None
        }
        (None, Some(node)) => pem::read(node, algorithms, folder, mistakes),
        (Some(node), None) => key_set(node, algorithms, folder, mistakes),
        (None, None) => {
            let hint = "write `jwks: { file: keys/jwks.json }`, `jwks: { url: \"https://…\" }` or \
                        `pem: { file: key.pem, algorithm: RS256 }`";
            mistakes.add(fields.at(), "`issuer` has no keys", hint);
            None
        }
    }
}

fn key_set(
    node: &Node,
    algorithms: Option<&[&str]>,
    folder: &Path,
    mistakes: &mut Mistakes,
) -> Option<Source> {
    let known: Vec<&str> = ["file", "url"].into_iter().chain(remote::FIELDS).collect();
    let fields = Fields::of("jwks", node, &known, mistakes)?;
    match (fields.optional("file"), fields.optional("url")) {
        (Some(_), Some(url)) => {
            mistakes.add(url.at, "`jwks` has both `file` and `url`", "keep one of them");
            None
        }
        (None, Some(url)) => remote::read(&fields, url, folder, mistakes),
        (Some(file), None) => {
            for field in remote::FIELDS {
                let Some(node) = fields.optional(field) else { continue };
                let message = format!("`{field}` is for keys that are fetched, and a file is read at start");
                mistakes.add(node.at, message, "remove it, or name a `url` instead of the `file`");
            }
            in_file(file, algorithms, folder, mistakes)
        }
        (None, None) => {
            let hint =
                "write `file: keys/jwks.json` or `url: \"https://issuer.example/.well-known/jwks.json\"`";
            mistakes.add(fields.at(), "`jwks` names neither a file nor a url", hint);
            None
        }
    }
}

fn in_file(
    node: &Node,
    algorithms: Option<&[&str]>,
    folder: &Path,
    mistakes: &mut Mistakes,
) -> Option<Source> {
    let path = locate(folder, reader::text("file", node, mistakes)?);
    let shown = path.display();
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) => {
            let folder = path.parent().unwrap_or(Path::new(".")).display();
            let message = format!("the JWKS file `{shown}` cannot be read: {}", plain(&error));
            let hint = format!("make keys for a demo with `cutover token keys --dir {folder}`");
            mistakes.add(node.at, message, hint);
            return None;
        }
    };
    match jwks::usable(&bytes, algorithms) {
        Ok(jwks::Keys { keys, algorithms, ignored }) => Some(Source {
            field: "jwks",
            value: json!({"keys": keys}),
            keys: algorithms,
            ignored,
            fetched: None,
            key_host: None,
        }),
        Err(error) => {
            mistakes.refuse(node.at, &format_args!("the JWKS file `{shown}` {error}"));
            None
        }
    }
}

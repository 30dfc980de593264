//! The plugin's configuration: one JSON document, in which unknown fields are refused.

use std::collections::BTreeMap;

use cutover_plan::Routes;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::algorithm::Algorithm;
use crate::cache::Bounds;
use crate::claims::Expected;
use crate::credentials::Places;
use crate::jwks::{KeyProblem, KeySet};
use crate::rules::{ClaimPath, Required, Test};

/// What the filter works by.
#[derive(Debug)]
pub struct Config {
    /// The realm that refusals name.
    pub realm: String,
    /// The contract's operations with what each demands.
    pub routes: Routes,
    /// Who may issue tokens; no two with one name.
    pub issuers: Vec<Issuer>,
    /// Which claim goes upstream in which header.
    pub forward: Vec<Forward>,
    /// Where a request's token may be.
    pub places: Places,
    /// How many good tokens are remembered; `None` for not at all.
    pub cache: Option<Bounds>,
}

/// One issuer of tokens.
#[derive(Debug)]
pub struct Issuer {
    /// What its tokens must say.
    pub expected: Expected,
    /// The keys that its tokens are signed with.
    pub keys: KeySet,
    /// The claims that scopes are taken from.
    pub scope_claims: Vec<ClaimPath>,
    /// Claims that each of its tokens must have.
    pub required: Vec<Required>,
}

/// A header that carries a claim upstream, and never a client's own value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forward {
    /// The header's name, in lower case.
    pub header: String,
    /// The claim.
    pub claim: ClaimPath,
    /// What stands between the items of a list; without it a list cannot be forwarded.
    pub join: Option<String>,
}

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Not JSON, or not of this form.
    #[error("{0}")]
    Form(#[from] serde_json::Error),
    /// A part is not of its form.
    #[error("{field}: {error}")]
    Part {
        /// The part's path.
        field: String,
        /// What is wrong with it.
        error: serde_json::Error,
    },
    /// A field has a value that cannot be.
    #[error("{field}: {problem}")]
    Field {
        /// The field's path.
        field: String,
        /// What is wrong and what would be right.
        problem: &'static str,
    },
    /// An issuer without a key could never accept a token.
    #[error("{field}: has no usable key: {first}")]
    NoUsableKey {
        /// The field's path.
        field: String,
        /// What is wrong with the first key.
        first: String,
    },
}

/// A key that was left out, and of which issuer; the configuration is used all the same.
#[derive(Debug, thiserror::Error)]
#[error("issuers[{issuer}].jwks.{problem}")]
pub struct Warning {
    issuer: usize,
    problem: KeyProblem,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawConfig {
    realm: String,
    routes: Routes,
    issuers: Vec<RawIssuer>,
    forward: BTreeMap<String, Value>,
    token: Option<RawPlaces>,
    cache: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPlaces {
    authorization: Option<bool>,
    cookie: Option<String>,
    query: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawBounds {
    #[serde(default = "default_entries")]
    entries: usize,
    #[serde(default = "default_bytes")]
    bytes: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawIssuer {
    issuer: String,
    audiences: Vec<String>,
    #[serde(default = "default_leeway")]
    leeway_seconds: u32,
    jwks: RawKeySet,
    #[serde(default = "default_scope_claims")]
    scope_claims: Vec<String>,
    #[serde(default)]
    require: Vec<RawRequired>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRequired {
    claim: String,
    equals: Option<Value>,
    contains: Option<Value>,
    one_of: Option<Vec<Value>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawForward {
    claim: String,
    join: Option<String>,
}

/// A key set may have members that nobody knows (RFC 7517, section 5).
#[derive(Deserialize)]
struct RawKeySet {
    keys: Vec<Value>,
}

fn default_entries() -> usize {
    1024
}

fn default_bytes() -> usize {
    1024 * 1024
}

fn default_scope_claims() -> Vec<String> {
    vec!["scope".to_owned()]
}

fn default_leeway() -> u32 {
    5
}

/// More than this is no clock skew any more.
const LONGEST_LEEWAY: u32 = 300;

impl Config {
    /// Reads a configuration, with the keys that it leaves out.
    ///
    /// # Errors
    /// It is not of the form, or contradicts itself.
    pub fn parse(text: &[u8]) -> Result<(Self, Vec<Warning>), ConfigError> {
        let RawConfig { realm, routes, issuers: raw_issuers, forward, token, cache } =
            serde_json::from_slice(text)?;
        if realm.is_empty() || !realm.bytes().all(is_quotable) {
            return Err(wrong("realm", "must be printable ascii without quotes and backslashes"));
        }
        let mut issuers: Vec<Issuer> = Vec::new();
        let mut warnings = Vec::new();
        for (index, raw) in raw_issuers.into_iter().enumerate() {
            let (issuer, problems) = issuer(index, raw)?;
            if issuers.iter().any(|other| other.expected.issuer == issuer.expected.issuer) {
                return Err(wrong(format!("issuers[{index}].issuer"), "is there twice"));
            }
            issuers.push(issuer);
            warnings.extend(problems.into_iter().map(|problem| Warning { issuer: index, problem }));
        }
        if issuers.is_empty() {
            return Err(wrong("issuers", "must name at least one issuer"));
        }
        let forward = forward.into_iter().map(forwarded).collect::<Result<_, _>>()?;
        let (places, cache) = (places(token)?, bounds(cache)?);
        Ok((Self { realm, routes, issuers, forward, places, cache }, warnings))
    }

    /// Every issuer's name with each algorithm of its keys.
    pub fn algorithms(&self) -> impl Iterator<Item = (&str, Algorithm)> {
        self.issuers
            .iter()
            .flat_map(|issuer| issuer.keys.iter().map(|key| (issuer.expected.issuer.as_str(), key.algorithm)))
    }
}

fn places(raw: Option<RawPlaces>) -> Result<Places, ConfigError> {
    let Some(RawPlaces { authorization, cookie, query }) = raw else {
        return Ok(Places { authorization: true, cookie: None, query: None });
    };
    // What is both a cookie's name (RFC 6265, section 4.1.1) and needs no escape in a query.
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    for (field, name) in [("token.cookie", &cookie), ("token.query", &query)] {
        if name.as_ref().is_some_and(|name| name.is_empty() || !name.bytes().all(fits)) {
            return Err(wrong(field, "must be a name of letters, digits and -._~"));
        }
    }
    let places = Places { authorization: authorization.unwrap_or(true), cookie, query };
    if !places.authorization && places.cookie.is_none() && places.query.is_none() {
        return Err(wrong("token", "must leave a place for the token"));
    }
    Ok(places)
}

/// More tokens than these are no cache any more: each worker has its own, and memory of a VM never shrinks.
const MOST_ENTRIES: usize = 65_536;
const BYTES: std::ops::RangeInclusive<usize> = 16 * 1024..=64 * 1024 * 1024;

fn bounds(cache: Option<Value>) -> Result<Option<Bounds>, ConfigError> {
    let cache = match cache {
        Some(Value::String(off)) if off == "off" => return Ok(None),
        Some(other @ Value::Object(_)) => other,
        Some(_) => return Err(wrong("cache", "must be `off` or an object with `entries` and `bytes`")),
        None => Value::Object(Map::new()),
    };
    let RawBounds { entries, bytes } = RawBounds::deserialize(cache)
        .map_err(|error| ConfigError::Part { field: "cache".to_owned(), error })?;
    if !(1..=MOST_ENTRIES).contains(&entries) {
        return Err(wrong("cache.entries", "must be 1 to 65536; write `\"cache\": \"off\"` for none"));
    }
    if !BYTES.contains(&bytes) {
        return Err(wrong("cache.bytes", "must be 16384 to 67108864"));
    }
    Ok(Some(Bounds { entries, bytes }))
}

fn issuer(index: usize, raw: RawIssuer) -> Result<(Issuer, Vec<KeyProblem>), ConfigError> {
    let RawIssuer { issuer, audiences, leeway_seconds, jwks: RawKeySet { keys }, scope_claims, require } =
        raw;
    let field = |name: &str| format!("issuers[{index}].{name}");
    if issuer.is_empty() {
        return Err(wrong(field("issuer"), "must not be empty"));
    }
    if audiences.is_empty() || audiences.iter().any(String::is_empty) {
        return Err(wrong(field("audiences"), "must name at least one audience, none of them empty"));
    }
    if leeway_seconds > LONGEST_LEEWAY {
        return Err(wrong(field("leeway_seconds"), "must be at most 300"));
    }
    let (keys, problems) = KeySet::read(&keys);
    if keys.is_empty() {
        let first = problems.first().map_or_else(|| "the set is empty".to_owned(), ToString::to_string);
        return Err(ConfigError::NoUsableKey { field: field("jwks.keys"), first });
    }
    let scope_claims =
        (0..).zip(scope_claims).map(|(at, claim)| claim_path(&field(&format!("scope_claims[{at}]")), &claim));
    let scope_claims = scope_claims.collect::<Result<_, _>>()?;
    let required = (0..).zip(require).map(|(at, raw)| required(&field(&format!("require[{at}]")), raw));
    let required = required.collect::<Result<_, _>>()?;
    let expected = Expected { issuer, audiences, leeway_seconds };
    Ok((Issuer { expected, keys, scope_claims, required }, problems))
}

fn claim_path(field: &str, text: &str) -> Result<ClaimPath, ConfigError> {
    ClaimPath::new(text)
        .ok_or_else(|| wrong(field, "must name a claim, or be a json pointer that starts with `/`"))
}

fn required(field: &str, raw: RawRequired) -> Result<Required, ConfigError> {
    let RawRequired { claim, equals, contains, one_of } = raw;
    let test = match (equals, contains, one_of) {
        (Some(value), None, None) => Test::Equals(value),
        (None, Some(value), None) => Test::Contains(value),
        (None, None, Some(values)) if !values.is_empty() => Test::OneOf(values),
        _ => {
            return Err(wrong(
                field,
                "must have one of `equals`, `contains` and `one_of`, and not an empty list",
            ));
        }
    };
    Ok(Required { claim: claim_path(&format!("{field}.claim"), &claim)?, test })
}

fn forwarded((header, claim): (String, Value)) -> Result<Forward, ConfigError> {
    // RFC 9110, section 5.6.2, less the upper case: Envoy has all names in lower case.
    let fits =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let field = || format!("forward.{header}");
    if header.is_empty() || !header.bytes().all(fits) {
        return Err(wrong(field(), "must be a header name in lower case"));
    }
    if matches!(
        header.as_str(),
        "authorization" | "host" | "content-length" | "transfer-encoding" | "connection"
    ) {
        return Err(wrong(field(), "must not be a header that http itself uses"));
    }
    let RawForward { claim, join } = match claim {
        Value::String(claim) => RawForward { claim, join: None },
        other => {
            RawForward::deserialize(other).map_err(|error| ConfigError::Part { field: field(), error })?
        }
    };
    if join.as_ref().is_some_and(|join| join.is_empty() || !join.bytes().all(is_quotable)) {
        return Err(wrong(
            format!("{}.join", field()),
            "must be printable ascii without quotes and backslashes",
        ));
    }
    let claim = claim_path(&field(), &claim)?;
    Ok(Forward { header, claim, join })
}

fn is_quotable(byte: u8) -> bool {
    (b' '..=b'~').contains(&byte) && byte != b'"' && byte != b'\\'
}

fn wrong(field: impl Into<String>, problem: &'static str) -> ConfigError {
    ConfigError::Field { field: field.into(), problem }
}

#[cfg(test)]
mod tests;

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
}

/// A header that carries a claim upstream, and never a client's own value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forward {
    /// The header's name, in lower case.
    pub header: String,
    /// The claim's name.
    pub claim: String,
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
    forward: BTreeMap<String, String>,
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
    let RawIssuer { issuer, audiences, leeway_seconds, jwks: RawKeySet { keys } } = raw;
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
    Ok((Issuer { expected: Expected { issuer, audiences, leeway_seconds }, keys }, problems))
}

fn forwarded((header, claim): (String, String)) -> Result<Forward, ConfigError> {
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
    if claim.is_empty() {
        return Err(wrong(field(), "must name a claim"));
    }
    Ok(Forward { header, claim })
}

fn is_quotable(byte: u8) -> bool {
    (b' '..=b'~').contains(&byte) && byte != b'"' && byte != b'\\'
}

fn wrong(field: impl Into<String>, problem: &'static str) -> ConfigError {
    ConfigError::Field { field: field.into(), problem }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing;

    /// The error for the good configuration with the value at a JSON pointer replaced.
    fn error_with(pointer: &str, value: Value) -> String {
        let mut config = testing::config();
        *config.pointer_mut(pointer).unwrap() = value;
        Config::parse(config.to_string().as_bytes()).map(|_| ()).unwrap_err().to_string()
    }

    #[test]
    fn the_good_one_is_accepted_and_leeway_has_a_default() {
        let mut config = testing::config();
        config["issuers"][0].as_object_mut().unwrap().remove("leeway_seconds");
        let (config, warnings) = Config::parse(config.to_string().as_bytes()).unwrap();
        assert!(warnings.is_empty(), "{warnings:?}");
        assert_eq!(config.issuers[0].expected.leeway_seconds, 5);
        assert_eq!(config.forward.len(), 2);
    }

    #[test]
    fn a_broken_key_is_a_warning_and_no_usable_key_an_error() {
        let mut config = testing::config();
        config["issuers"][0]["jwks"]["keys"].as_array_mut().unwrap().push(json!({"kty": "RSA", "kid": "x"}));
        let (_, warnings) = Config::parse(config.to_string().as_bytes()).unwrap();
        assert_eq!(
            warnings[0].to_string(),
            "issuers[0].jwks.keys[13] (kid `x`): `alg` is missing; each key must say its algorithm"
        );
        assert_eq!(
            error_with("/issuers/0/jwks/keys", json!([])),
            "issuers[0].jwks.keys: has no usable key: the set is empty"
        );
        assert_eq!(
            error_with("/issuers/0/jwks/keys", json!([{"kty": "RSA"}])),
            "issuers[0].jwks.keys: has no usable key: keys[0]: `alg` is missing; each key must say its algorithm"
        );
    }

    #[test]
    fn mistakes_are_refused_with_their_field() {
        assert_eq!(
            error_with("/realm", json!("a\"b")),
            "realm: must be printable ascii without quotes and backslashes"
        );
        assert_eq!(error_with("/issuers", json!([])), "issuers: must name at least one issuer");
        assert_eq!(error_with("/issuers/0/issuer", json!("")), "issuers[0].issuer: must not be empty");
        assert_eq!(
            error_with("/issuers/0/audiences", json!([])),
            "issuers[0].audiences: must name at least one audience, none of them empty"
        );
        assert_eq!(
            error_with("/issuers/0/leeway_seconds", json!(301)),
            "issuers[0].leeway_seconds: must be at most 300"
        );
        assert_eq!(
            error_with("/forward", json!({"X-User": "sub"})),
            "forward.X-User: must be a header name in lower case"
        );
        assert_eq!(
            error_with("/forward", json!({":path": "sub"})),
            "forward.:path: must be a header name in lower case"
        );
        assert_eq!(
            error_with("/forward", json!({"authorization": "sub"})),
            "forward.authorization: must not be a header that http itself uses"
        );
        assert!(error_with("/forward", json!([])).starts_with("invalid type"));
    }

    #[test]
    fn the_cache_is_on_unless_switched_off_and_within_reason() {
        let with = |cache: Value| {
            let mut config = testing::config();
            config["cache"] = cache;
            Config::parse(config.to_string().as_bytes())
                .map(|(config, _)| config.cache)
                .map_err(|e| e.to_string())
        };
        let usual = Bounds { entries: 1024, bytes: 1_048_576 };
        let (config, _) = Config::parse(testing::config().to_string().as_bytes()).unwrap();
        assert_eq!(config.cache, Some(usual));
        assert_eq!(with(json!({})), Ok(Some(usual)));
        assert_eq!(with(json!({"entries": 7})), Ok(Some(Bounds { entries: 7, ..usual })));
        assert_eq!(with(json!("off")), Ok(None));
        let error = |cache| with(cache).unwrap_err();
        assert_eq!(
            error(json!({"entries": 0})),
            "cache.entries: must be 1 to 65536; write `\"cache\": \"off\"` for none"
        );
        assert_eq!(error(json!({"bytes": 1})), "cache.bytes: must be 16384 to 67108864");
        assert_eq!(error(json!(false)), "cache: must be `off` or an object with `entries` and `bytes`");
        assert!(error(json!({"size": 1})).starts_with("cache: unknown field `size`"));
    }

    #[test]
    fn a_token_needs_a_place_with_a_name() {
        let error = |token: Value| {
            let mut config = testing::config();
            config["token"] = token;
            Config::parse(config.to_string().as_bytes()).map(|_| ()).unwrap_err().to_string()
        };
        assert_eq!(error(json!({"authorization": false})), "token: must leave a place for the token");
        let names = "must be a name of letters, digits and -._~";
        assert_eq!(error(json!({"cookie": "a b"})), format!("token.cookie: {names}"));
        assert_eq!(error(json!({"query": ""})), format!("token.query: {names}"));
        assert!(error(json!({"header": "x"})).starts_with("unknown field `header`"));
    }

    #[test]
    fn unknown_fields_and_twice_the_same_issuer_are_refused() {
        let mut config = testing::config();
        config["leeway"] = json!(5);
        let error = Config::parse(config.to_string().as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with("unknown field `leeway`"), "{error}");
        let mut config = testing::config();
        let first = config["issuers"][0].clone();
        config["issuers"].as_array_mut().unwrap().push(first);
        let error = Config::parse(config.to_string().as_bytes()).unwrap_err().to_string();
        assert_eq!(error, "issuers[1].issuer: is there twice");
    }
}

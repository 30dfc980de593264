//! What is accepted, and what is refused with which words.

use serde_json::json;

use super::*;
use crate::testing;

mod fields;
mod schema;

/// The error for the good configuration with the value at a JSON pointer replaced.
fn error_with(pointer: &str, value: Value) -> String {
    let mut config = testing::config();
    *config.pointer_mut(pointer).unwrap() = value;
    Config::parse(config.to_string().as_bytes()).map(|_| ()).unwrap_err().to_string()
}

/// What is said about the full configuration with this change.
fn error_of(change: impl Fn(&mut Value)) -> String {
    let mut config = testing::full_config();
    change(&mut config);
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
        "issuers[0].jwks.keys[13] (kid `x`): `alg` is missing; each key must say its algorithm, or the issuer's `algorithms` leave but one for it"
    );
    assert_eq!(
        error_with("/issuers/0/jwks/keys", json!([])),
        "issuers[0].jwks.keys: has no usable key: the set is empty"
    );
    assert_eq!(
        error_with("/issuers/0/jwks/keys", json!([{"kty": "RSA"}])),
        "issuers[0].jwks.keys: has no usable key: keys[0]: `alg` is missing; each key must say its algorithm, or the issuer's `algorithms` leave but one for it"
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
        "issuers[0].leeway_seconds: must be 0 to 300"
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
        "forward.authorization: must not be a header that has a meaning of its own"
    );
    assert_eq!(error_with("/forward", json!([])), "forward: must be an object");
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
    assert_eq!(error(json!({"entries": 0})), "cache.entries: must be 1 to 65536");
    assert_eq!(error(json!({"bytes": 1})), "cache.bytes: must be 16384 to 67108864");
    assert_eq!(error(json!(false)), "cache: must be `off` or an object with `entries` and `bytes`");
    assert_eq!(error(json!({"size": 1})), "cache.size: unknown field; known are entries, bytes");
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
    assert_eq!(
        error(json!({"header": "x"})),
        "token.header: unknown field; known are authorization, cookie, query"
    );
}

#[test]
fn rules_about_claims_are_refused_with_their_field() {
    let error = |field: &str, value: Value| {
        let mut config = testing::config();
        config["issuers"][0][field] = value;
        Config::parse(config.to_string().as_bytes()).map(|_| ()).unwrap_err().to_string()
    };
    let pointer = "must name a claim, or be a json pointer that starts with `/`";
    assert_eq!(error("scope_claims", json!(["a", ""])), format!("issuers[0].scope_claims[1]: {pointer}"));
    let one = "must have one of `equals`, `contains` and `one_of`, and `one_of` a list with something in it";
    for wrong in [
        json!({"claim": "a"}),
        json!({"claim": "a", "one_of": []}),
        json!({"claim": "a", "equals": 1, "contains": 1}),
    ] {
        assert_eq!(error("require", json!([wrong])), format!("issuers[0].require[0]: {one}"));
    }
    assert_eq!(
        error("require", json!([{"claim": "/~", "equals": 1}])),
        format!("issuers[0].require[0].claim: {pointer}")
    );
    assert_eq!(
        error_with("/forward", json!({"x-a": {"claim": "a", "join": ""}})),
        "forward.x-a.join: must be printable ascii without quotes and backslashes"
    );
    assert_eq!(
        error_with("/forward", json!({"x-a": {"name": "a"}})),
        "forward.x-a.name: unknown field; known are claim, join"
    );
}

#[test]
fn unknown_fields_and_twice_the_same_issuer_are_refused() {
    let mut config = testing::config();
    config["leeway"] = json!(5);
    let error = Config::parse(config.to_string().as_bytes()).unwrap_err().to_string();
    assert_eq!(
        error,
        "leeway: unknown field; known are realm, routes, issuers, schemes, forward, token, cache, errors, filter_state"
    );
    let mut config = testing::config();
    let first = config["issuers"][0].clone();
    config["issuers"].as_array_mut().unwrap().push(first);
    let error = Config::parse(config.to_string().as_bytes()).unwrap_err().to_string();
    assert_eq!(error, "issuers[1].issuer: is there twice");
}

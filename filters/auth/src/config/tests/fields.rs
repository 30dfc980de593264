//! Issuers, their keys, and what goes on: the fields one by one.

use super::*;

fn parsed(change: impl Fn(&mut Value)) -> Config {
    let mut config = testing::full_config();
    change(&mut config);
    Config::parse(config.to_string().as_bytes()).unwrap().0
}

#[test]
fn what_is_no_json_object_or_repeats_a_member_is_refused() {
    let good = testing::config().to_string();
    let deep = good.replacen("\"realm\":", "\"issuers\":[],\"realm\":", 1);
    let error = |text: &str| Config::parse(text.as_bytes()).map(|_| ()).unwrap_err().to_string();
    for text in ["{", " {} {}", &good[..good.len() - 1], &deep] {
        let words = "must be one well-formed json object, in which no member is there twice";
        assert_eq!(error(text), words, "{text:.40}");
    }
    for text in ["", "[]", "\n\u{10}\n\u{5}realm\u{12}\u{7}\u{1a}\u{5}gateway"] {
        assert!(error(text).contains("`google.protobuf.StringValue`, not a `Struct`"), "{text:?}");
    }
}

#[test]
fn a_value_of_another_type_is_refused_with_its_path() {
    for (pointer, value, error) in [
        ("/realm", json!(1), "realm: must be text"),
        ("/routes", json!({}), "routes: must be a list"),
        ("/routes/0", json!("x"), "routes[0]: must be an object"),
        ("/routes/0/security/0", json!({}), "routes[0].security[0]: must be a list"),
        ("/routes/0/security/0/0/scopes/0", json!(7), "routes[0].security[0][0].scopes[0]: must be text"),
        ("/routes/0/has_body", json!("no"), "routes[0].has_body: must be true or false"),
        ("/routes/0/id", json!(""), "routes[0].id: must not be empty"),
        ("/routes/0/path", json!("x"), "routes: the path `x` of `listTasks` must start with `/`"),
        ("/issuers", json!({}), "issuers: must be a list"),
        ("/issuers/0", json!([]), "issuers[0]: must be an object"),
        ("/issuers/0/audiences", json!("gateway"), "issuers[0].audiences: must be a list"),
        ("/issuers/0/jwks", json!([]), "issuers[0].jwks.keys: is missing"),
        ("/issuers/0/jwks/keys", json!({}), "issuers[0].jwks.keys: must be a list"),
        ("/issuers/1/pem", json!("-----BEGIN"), "issuers[1].pem: must be an object"),
        ("/issuers/2/remote_jwks", json!("https://x"), "issuers[2].remote_jwks: must be an object"),
        ("/schemes", json!([]), "schemes: must be an object"),
        ("/forward/x-list", json!(1), "forward.x-list: must be an object"),
        ("/token", json!(true), "token: must be an object"),
        ("/token/cookie", json!(null), "token.cookie: must be text"),
        ("/cache/entries", json!("10"), "cache.entries: must be a whole number"),
        ("/errors", json!(true), "errors: must be text"),
        ("/errors", json!("rfc9457"), "errors: must be `legacy` or `problem`"),
        ("/filter_state", json!([]), "filter_state: must be an object"),
        ("/filter_state/sub", json!(1), "filter_state.sub: must be text"),
    ] {
        let found = error_of(|config| *config.pointer_mut(pointer).unwrap() = value.clone());
        assert_eq!(found, error);
    }
}

#[test]
fn a_misspelt_field_is_named_with_its_path_and_the_right_ones() {
    assert_eq!(
        error_of(|config| config["issuers"][1]["jwk"] = json!({})),
        "issuers[1].jwk: unknown field; known are issuer, audiences, algorithms, leeway_seconds, jwks, pem, remote_jwks, scope_claims, require"
    );
}

#[test]
fn an_issuer_has_its_keys_from_exactly_one_place() {
    let one = "must have exactly one of `jwks`, `pem` and `remote_jwks`";
    assert_eq!(
        error_of(|config| config["issuers"][0]["pem"] = config["issuers"][1]["pem"].clone()),
        format!("issuers[0]: {one}")
    );
    let none = error_of(|config| {
        config["issuers"][2].as_object_mut().unwrap().remove("remote_jwks");
    });
    assert_eq!(none, format!("issuers[2]: {one}"));
}

#[test]
fn an_issuers_algorithms_are_known_and_there_once() {
    let error =
        |algorithms: Value| error_of(|config| config["issuers"][0]["algorithms"] = algorithms.clone());
    assert_eq!(error(json!([])), "issuers[0].algorithms: must name at least one algorithm");
    assert_eq!(error(json!(["RS256", "RS256"])), "issuers[0].algorithms[1]: is there twice");
    for unknown in ["none", "rs256", "ES256K"] {
        let error = error(json!([unknown]));
        assert!(error.starts_with("issuers[0].algorithms[0]: must be one of HS256, "), "{error}");
    }
}

#[test]
fn a_key_of_another_algorithm_is_left_out_and_with_it_the_last_one_is_missed() {
    let mut config = testing::config();
    config["issuers"][0]["algorithms"] = json!(["ES256", "EdDSA"]);
    let (parsed, warnings) = Config::parse(config.to_string().as_bytes()).unwrap();
    assert_eq!(warnings.len(), 11);
    assert_eq!(
        warnings[0].to_string(),
        "issuers[0].jwks.keys[0] (kid `HS256`): HS256 is not among the issuer's `algorithms`"
    );
    assert_eq!(parsed.algorithms().count(), 2);
    config["issuers"][0]["jwks"]["keys"] = json!([testing::signer(Algorithm::Rs256).jwk()]);
    assert_eq!(
        Config::parse(config.to_string().as_bytes()).map(|_| ()).unwrap_err().to_string(),
        "issuers[0].jwks.keys: has no usable key: keys[0] (kid `RS256`): RS256 is not among the issuer's `algorithms`"
    );
}

#[test]
fn a_pem_is_refused_with_what_is_wrong_with_it() {
    let error =
        |field: &str, value: Value| error_of(|config| config["issuers"][1]["pem"][field] = value.clone());
    assert_eq!(
        error("algorithm", json!("RS256")),
        "issuers[1].pem.key: RS256 needs an rsa key; this is an ed25519 key"
    );
    let unknown = error("algorithm", json!("none"));
    assert!(unknown.starts_with("issuers[1].pem.algorithm: must be one of HS256"), "{unknown}");
    assert_eq!(error("kid", json!("")), "issuers[1].pem.kid: must not be empty");
    let certificate = error("key", json!("-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----"));
    assert!(certificate.starts_with("issuers[1].pem.key: is a certificate;"), "{certificate}");
    let other = error_of(|config| config["issuers"][1]["algorithms"] = json!(["RS256"]));
    assert_eq!(other, "issuers[1].pem.algorithm: is not among the issuer's `algorithms`");
}

#[test]
fn remote_keys_have_an_address_and_usual_times() {
    let remote = |config: &Config| match &config.issuers[2].keys {
        Keys::Remote(remote) => remote.clone(),
        Keys::Fixed(_) => unreachable!("they are remote"),
    };
    let expected = RemoteKeys {
        cluster: "issuer".to_owned(),
        authority: "remote.example".to_owned(),
        path: "/jwks.json".to_owned(),
        scheme: "https",
        timeout_seconds: 5,
        refresh_seconds: 300,
        unknown_kid_seconds: 5,
        hold_seconds: 5,
        hold_requests: 1_000,
    };
    assert_eq!(remote(&parsed(|_| ())), expected);
    let short = json!({"cluster": "issuer", "url": "https://remote.example/jwks.json"});
    assert_eq!(remote(&parsed(|config| config["issuers"][2]["remote_jwks"] = short.clone())), expected);
    assert_eq!(
        error_of(|config| config["issuers"][2]["remote_jwks"]["url"] = json!("remote.example")),
        "issuers[2].remote_jwks.url: must start with `https://` or `http://`"
    );
    assert_eq!(
        error_of(|config| config["issuers"][2]["remote_jwks"]["cluster"] = json!("")),
        "issuers[2].remote_jwks.cluster: must not be empty"
    );
}

#[test]
fn schemes_are_complete_and_name_configured_issuers() {
    let error = |schemes: Value| error_of(|config| config["schemes"] = schemes.clone());
    assert_eq!(error(json!({})), "schemes.bearerAuth: is missing; the operation `listTasks` demands it");
    assert_eq!(
        error(json!({"bearerAuth": {"issuers": []}})),
        "schemes.bearerAuth.issuers: must name at least one issuer"
    );
    assert_eq!(
        error(json!({"bearerAuth": {"issuers": ["https://issuer.example", "https://other.example"]}})),
        "schemes.bearerAuth.issuers[1]: is none of `issuers`"
    );
    assert_eq!(
        error(json!({"bearerAuth": {"issuers": ["https://pem.example", "https://pem.example"]}})),
        "schemes.bearerAuth.issuers[1]: is there twice"
    );
}

#[test]
fn filter_state_is_the_subject_and_the_payload_unless_it_is_said() {
    let names = |config: &Config| {
        let pair = |item: &StateItem| (item.name.clone(), item.claim.is_none());
        config.filter_state.iter().map(pair).collect::<Vec<_>>()
    };
    let usual = parsed(|config| {
        config.as_object_mut().unwrap().remove("filter_state");
    });
    assert_eq!(
        names(&usual),
        [("cutover.auth.sub".to_owned(), false), ("cutover.auth.payload".to_owned(), true)]
    );
    assert_eq!(names(&parsed(|config| config["filter_state"] = json!({}))), []);
    for name in ["", "a b", "a\u{0}b", "a/b"] {
        let error = error_of(|config| config["filter_state"] = json!({name: "sub"}));
        assert!(error.ends_with("must have a name of letters, digits and _.-"), "{error}");
    }
    assert_eq!(
        error_of(|config| config["filter_state"]["sub"] = json!("/~")),
        "filter_state.sub: must name a claim, or be a json pointer that starts with `/`"
    );
}

//! Issuers with algorithms, schemes, and keys that come while the filter runs.

use super::*;

/// Three issuers: one with keys of every algorithm, one with a PEM, one with remote keys.
fn three() -> Value {
    let mut config = testing::full_config();
    for field in ["schemes", "errors", "token", "cache"] {
        config.as_object_mut().unwrap().remove(field);
    }
    config["issuers"][0].as_object_mut().unwrap().remove("require");
    config
}

fn remote(claims: Value) -> String {
    let mut claims = claims;
    claims["iss"] = json!("https://remote.example");
    testing::signer(Algorithm::EdDsa).token(&claims)
}

fn keys(signers: &[&testing::Signer]) -> KeySet {
    let keys: Vec<_> = signers.iter().map(|signer| signer.jwk()).collect();
    KeySet::read(&keys, &Algorithm::ALL).unwrap().0
}

const REMOTE: usize = 2;
const NO_KEYS: &str = "503 service unavailable [1] (no_keys)";

#[test]
fn before_the_first_keys_a_request_waits_and_is_nobodys_fault() {
    let gate = gate(&three());
    let token = remote(json!({}));
    assert_eq!(list_tasks().token(&token).outcome_of(&gate), format!("Await 2, else {NO_KEYS}"));
    assert!(ask("GET", "/maybe").token(&token).outcome_of(&gate).starts_with("Await 2"));
    assert_eq!(ask("GET", "/healthz").token(&token).outcome_of(&gate), "Public -authorization");
    let other = testing::signer(Algorithm::EdDsa).token(&json!({}));
    assert!(list_tasks().token(&other).outcome_of(&gate).starts_with("Token"), "the others have theirs");
    gate.set_keys(REMOTE, keys(&[testing::signer(Algorithm::EdDsa)]));
    assert!(list_tasks().token(&token).outcome_of(&gate).starts_with("Token x-user-id=ada"));
}

#[test]
fn a_key_that_a_remote_issuer_may_have_published_since_is_waited_for() {
    let gate = gate(&three());
    gate.set_keys(REMOTE, keys(&[testing::signer(Algorithm::Es256)]));
    let token = remote(json!({}));
    assert_eq!(
        list_tasks().token(&token).outcome_of(&gate),
        format!("Await 2, else {INVALID} (unknown_key)")
    );
    gate.set_keys(REMOTE, keys(&[testing::signer(Algorithm::EdDsa)]));
    assert!(list_tasks().token(&token).outcome_of(&gate).starts_with("Token"));
    let stranger = testing::other_signer(Algorithm::EdDsa).token(&json!({"iss": "https://remote.example"}));
    assert_eq!(list_tasks().token(&stranger).outcome_of(&gate), format!("{INVALID} (bad_signature)"));
}

#[test]
fn nothing_waits_that_no_key_could_save() {
    let mut config = three();
    config["issuers"][2]["algorithms"] = json!(["EdDSA"]);
    let gate = gate(&config);
    for (claims, code) in [
        (json!({"exp": NOW - 60}), "expired"),
        (json!({"aud": "other"}), "bad_claim"),
        (json!({"nbf": NOW + 60}), "bad_claim"),
    ] {
        let outcome = list_tasks().token(&remote(claims)).outcome_of(&gate);
        assert_eq!(outcome, format!("{INVALID} ({code})"));
    }
    let token = testing::signer(Algorithm::Es256).token(&json!({"iss": "https://remote.example"}));
    assert_eq!(list_tasks().token(&token).outcome_of(&gate), format!("{INVALID} (wrong_algorithm)"));
    let unknown = testing::signer(Algorithm::EdDsa).token_with(&json!({"kid": "new"}), &json!({}));
    assert_eq!(list_tasks().token(&unknown).outcome_of(&gate), format!("{INVALID} (unknown_key)"));
    // Two keys of one algorithm and no name: more keys would not tell either.
    let mut second = testing::signer(Algorithm::EdDsa).jwk();
    second["kid"] = json!("second");
    let both = [testing::signer(Algorithm::EdDsa).jwk(), second];
    gate.set_keys(REMOTE, KeySet::read(&both, &Algorithm::ALL).unwrap().0);
    let claims = json!({"iss": "https://remote.example"});
    let nameless = testing::signer(Algorithm::EdDsa).token_with(&json!({"kid": null}), &claims);
    assert_eq!(list_tasks().token(&nameless).outcome_of(&gate), format!("{INVALID} (unknown_key)"));
}

#[test]
fn new_keys_end_what_the_old_ones_had_found_good() {
    let gate = gate(&three());
    let token = remote(json!({}));
    gate.set_keys(REMOTE, keys(&[testing::signer(Algorithm::EdDsa)]));
    for _ in 0..2 {
        assert!(list_tasks().token(&token).outcome_of(&gate).starts_with("Token"));
    }
    assert_eq!(gate.take_cache_counts(), Counts { hits: 1, misses: 1 });
    gate.set_keys(REMOTE, keys(&[testing::other_signer(Algorithm::EdDsa)]));
    assert_eq!(list_tasks().token(&token).outcome_of(&gate), format!("{INVALID} (bad_signature)"));
    gate.set_keys(REMOTE, keys(&[testing::signer(Algorithm::Es256)]));
    assert!(list_tasks().token(&token).outcome_of(&gate).starts_with("Await"));
}

#[test]
fn an_issuers_algorithms_bind_its_tokens() {
    let mut config = three();
    config["issuers"][0]["algorithms"] = json!(["EdDSA", "HS256"]);
    for signer in testing::signers() {
        let outcome = list_tasks().token(&signer.token(&json!({}))).outcome_with(&config);
        if ["EdDSA", "HS256"].contains(&signer.algorithm.name()) {
            assert!(outcome.starts_with("Token"), "{outcome}");
        } else {
            assert_eq!(outcome, format!("{INVALID} (wrong_algorithm)"), "{}", signer.algorithm);
        }
    }
}

#[test]
fn a_pem_is_as_good_as_a_set_of_one_key() {
    let claims = json!({"iss": "https://pem.example"});
    let with = |kid: Value| {
        let token = testing::signer(Algorithm::EdDsa).token_with(&json!({"kid": kid}), &claims);
        list_tasks().token(&token).outcome_with(&three())
    };
    assert!(with(json!("one")).starts_with("Token") && with(json!(null)).starts_with("Token"));
    assert_eq!(with(json!("two")), format!("{INVALID} (unknown_key)"));
    let stranger = testing::other_signer(Algorithm::EdDsa).token_with(&json!({"kid": "one"}), &claims);
    let outcome = list_tasks().token(&stranger).outcome_with(&three());
    assert_eq!(outcome, format!("{INVALID} (bad_signature)"));
}

#[test]
fn a_scheme_is_met_by_its_issuers_only() {
    let mut config = three();
    let people = json!({"scheme": "people", "scopes": ["task:read"]});
    let machines = json!({"scheme": "machines", "scopes": ["task:run"]});
    config["routes"][0]["security"] = json!([[people], [machines]]);
    config["routes"][1]["security"] = json!([[machines]]);
    config["schemes"] = json!({
        "people": {"issuers": ["https://issuer.example"]},
        "machines": {"issuers": ["https://pem.example"]},
        "bearerAuth": {"issuers": ["https://issuer.example", "https://pem.example"]},
    });
    let gate = gate(&config);
    let ask = |method, issuer: &str, scope: &str| {
        let claims = json!({"iss": issuer, "scope": scope});
        let token = testing::signer(Algorithm::EdDsa).token_with(&json!({"kid": null}), &claims);
        super::ask(method, "/v1/task").token(&token).outcome_of(&gate)
    };
    let scopes = |scope: &str| {
        format!(
            "403 forbidden [Bearer realm=\"gateway\", error=\"insufficient_scope\", scope=\"{scope}\"] (insufficient_scope)"
        )
    };
    let (person, machine) = ("https://issuer.example", "https://pem.example");
    assert!(ask("GET", person, "task:read").starts_with("Token"));
    assert!(ask("GET", machine, "task:run").starts_with("Token"));
    assert_eq!(ask("GET", person, "task:run"), scopes("task:read"));
    assert_eq!(ask("GET", machine, "task:read"), scopes("task:run"), "what would help this very issuer");
    // It is the issuer that is wrong, so no scope is named; and the same whether the token is remembered or not.
    for _ in 0..2 {
        assert_eq!(ask("POST", person, "task:read"), format!("{INVALID} (other_issuer)"));
        assert_eq!(ask("POST", person, "task:run"), format!("{INVALID} (other_issuer)"));
    }
    assert_eq!(ask("GET", "https://remote.example", "task:read"), format!("{INVALID} (other_issuer)"));
}

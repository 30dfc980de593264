//! Every kind of request against one configuration.

use serde_json::{Value, json};

use super::*;
use crate::algorithm::Algorithm;
use crate::host_verifier::HostVerifier;
use crate::testing::{self, NOW};
use crate::token::TokenError;
use crate::verify::{SignatureError, Verifiers};

mod forms;
mod issuers;

/// One request to the gate of the test configuration.
struct Asked {
    method: &'static str,
    path: &'static str,
    route_name: Option<&'static str>,
    headers: Vec<(&'static str, Vec<u8>)>,
}

fn ask(method: &'static str, path: &'static str) -> Asked {
    Asked { method, path, route_name: None, headers: Vec::new() }
}

impl Asked {
    fn header(mut self, name: &'static str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name, value.as_ref().to_vec()));
        self
    }

    fn token(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    fn route_name(self, name: &'static str) -> Self {
        Self { route_name: Some(name), ..self }
    }

    /// The decision in one line, as a test can read it.
    fn outcome(self) -> String {
        self.outcome_with(&testing::config())
    }

    /// The same by another configuration.
    fn outcome_with(self, config: &Value) -> String {
        self.outcome_of(&gate(config))
    }

    /// The same by a gate that has seen something.
    fn outcome_of(self, gate: &Gate) -> String {
        self.decided_by(gate, |decision| match decision {
            Decision::Forward { ground, set, remove, state: _ } => {
                let set: Vec<_> = set
                    .iter()
                    .map(|(name, value)| format!(" {name}={}", String::from_utf8_lossy(value)))
                    .collect();
                let remove: Vec<_> = remove.iter().map(|name| format!(" -{name}")).collect();
                format!("{ground:?}{}{}", set.concat(), remove.concat())
            }
            Decision::Refuse(refused) => shown(&refused),
            Decision::Await { issuer, otherwise } => format!("Await {issuer}, else {}", shown(&otherwise)),
        })
    }

    fn decided_by<T>(self, gate: &Gate, read: impl FnOnce(Decision<'_>) -> T) -> T {
        let headers = HeaderMap::from_pairs(&self.headers).unwrap();
        let Self { method, path, route_name, .. } = self;
        let target = path.as_bytes();
        let path = path.split('?').next().unwrap();
        let head = RequestHead { method, path, target, route_name, headers: &headers };
        let verifiers = Verifiers::probe_host(HostVerifier::with(testing::boring_host));
        read(gate.decide(&head, NOW, &verifiers))
    }
}

fn gate(config: &Value) -> Gate {
    Gate::new(Config::parse(config.to_string().as_bytes()).unwrap().0)
}

fn shown(refused: &Refused) -> String {
    let others = refused.headers.iter().filter(|(name, _)| name != "content-type");
    let headers: String = others.map(|(_, value)| format!(" [{value}]")).collect();
    format!("{} {}{headers} ({})", refused.status, refused.message, refused.reason.code())
}

fn list_tasks() -> Asked {
    ask("GET", "/v1/task")
}

const INVALID: &str = "401 unauthorized [Bearer realm=\"gateway\", error=\"invalid_token\"]";

#[test]
fn a_good_token_of_every_algorithm_goes_on_as_its_bearer() {
    for signer in testing::signers() {
        let outcome = list_tasks().token(&signer.token(&json!({}))).outcome();
        assert_eq!(outcome, "Token x-user-id=ada x-user-scopes=task:read task:write -authorization");
    }
}

#[test]
fn what_a_client_says_about_itself_is_never_forwarded() {
    let spoofed = |asked: Asked| asked.header("x-user-id", "root").header("x-user-scopes", "all");
    let token = testing::signer(Algorithm::EdDsa).token(&json!({"sub": null}));
    assert_eq!(
        spoofed(list_tasks()).token(&token).outcome(),
        "Token x-user-scopes=task:read task:write -x-user-id -authorization"
    );
    assert_eq!(
        spoofed(ask("GET", "/healthz")).header("authorization", "x").outcome(),
        "Public -x-user-id -x-user-scopes -authorization"
    );
    assert_eq!(ask("GET", "/healthz").outcome(), "Public");
}

#[test]
fn what_a_service_may_take_for_a_claims_header_is_not_forwarded() {
    let token = testing::signer(Algorithm::EdDsa).token(&json!({}));
    let spoofed = list_tasks().header("x_user-id", "root").header("x_user_id", "root");
    assert_eq!(
        spoofed.header("x-user_i", "a").header("xxuser_id", "b").token(&token).outcome(),
        "Token x-user-id=ada x-user-scopes=task:read task:write -authorization -x_user-id -x_user_id"
    );
    assert_eq!(ask("GET", "/healthz").header("x_user_scopes", "all").outcome(), "Public -x_user_scopes");
}

#[test]
fn public_operations_do_not_look_at_tokens() {
    let outcome = ask("GET", "/healthz").token("nonsense").header("authorization", "Bearer b").outcome();
    assert_eq!(outcome, "Public -authorization");
}

#[test]
fn an_optional_token_may_be_absent_but_not_bad() {
    assert_eq!(ask("GET", "/maybe").outcome(), "Anonymous");
    assert_eq!(ask("GET", "/maybe").token("bad").outcome(), format!("{INVALID} (malformed_token)"));
    let token = testing::signer(Algorithm::EdDsa).token(&json!({"scope": ""}));
    assert_eq!(ask("GET", "/maybe").token(&token).outcome(), "Token x-user-id=ada -authorization");
}

#[test]
fn without_a_token_the_client_learns_only_the_scheme() {
    let expected = "401 Authorization header required [Bearer realm=\"gateway\"] (no_token)";
    assert_eq!(list_tasks().outcome(), expected);
    assert_eq!(list_tasks().header("authorization", "Basic YTpi").outcome(), expected);
}

#[test]
fn two_tokens_are_a_bad_request() {
    let expected =
        "400 multiple tokens [Bearer realm=\"gateway\", error=\"invalid_request\"] (several_tokens)";
    let token = testing::signer(Algorithm::EdDsa).token(&json!({}));
    assert_eq!(list_tasks().token(&token).token(&token).outcome(), expected);
    assert_eq!(list_tasks().token(&format!("{token},Bearer {token}")).outcome(), expected);
}

#[test]
fn a_token_in_a_cookie_or_the_query_is_as_good_and_does_not_go_on() {
    let mut config = testing::config();
    config["token"] = json!({"authorization": false, "cookie": "session", "query": "access_token"});
    let token = testing::signer(Algorithm::EdDsa).token(&json!({"scope": "task:read"}));
    let cookie = || list_tasks().header("cookie", format!("a=b; session={token}"));
    assert_eq!(cookie().outcome_with(&config), "Token x-user-id=ada x-user-scopes=task:read cookie=a=b");
    let path: &'static str = format!("/v1/task?limit=1&access_token={token}").leak();
    assert_eq!(
        ask("GET", path).outcome_with(&config),
        "Token x-user-id=ada x-user-scopes=task:read :path=/v1/task?limit=1"
    );
    assert!(cookie().token(&token).outcome_with(&config).ends_with("cookie=a=b -authorization"));
    assert_eq!(ask("GET", "/healthz?access_token=x").outcome_with(&config), "Public :path=/healthz");
    assert!(list_tasks().token(&token).outcome_with(&config).starts_with("401 "));
    config["token"] = json!({"cookie": "session"});
    assert_eq!(
        cookie().token(&token).outcome_with(&config),
        "400 multiple tokens [Bearer realm=\"gateway\", error=\"invalid_request\"] (several_tokens)"
    );
}

#[test]
fn an_issuer_says_where_scopes_are_what_is_required_and_nested_claims_go_on() {
    let mut config = testing::config();
    config["issuers"][0]["scope_claims"] = json!(["scope", "/realm_access/roles"]);
    config["issuers"][0]["require"] = json!([{"claim": "tenant", "one_of": ["acme", "emca"]}]);
    config["forward"] = json!({"x-user-id": "sub", "x-roles": {"claim": "/realm_access/roles", "join": ","}});
    let outcome = |claims: &Value| {
        let token = testing::signer(Algorithm::EdDsa).token(claims);
        list_tasks().header("x-roles", "root").token(&token).outcome_with(&config)
    };
    let roles = json!({"roles": ["task:read", "admin"]});
    assert_eq!(
        outcome(&json!({"scope": null, "tenant": "acme", "realm_access": roles})),
        "Token x-roles=task:read,admin x-user-id=ada -authorization"
    );
    assert_eq!(outcome(&json!({"tenant": "acme"})), "Token x-user-id=ada -x-roles -authorization");
    assert!(outcome(&json!({"scope": null, "tenant": "acme"})).starts_with("403 forbidden "));
    for bad in [
        json!({"realm_access": roles}),
        json!({"tenant": "other"}),
        json!({"tenant": ["acme"]}),
        json!({"tenant": "acme", "realm_access": {"roles": [1]}}),
        json!({"tenant": "acme", "realm_access": {"roles": ["a,b"]}}),
    ] {
        assert_eq!(outcome(&bad), format!("{INVALID} (bad_claim)"), "{bad}");
    }
    let public = ask("GET", "/healthz").header("x-roles", "root").outcome_with(&config);
    assert_eq!(public, "Public -x-roles");
}

#[test]
fn missing_scopes_are_named() {
    let token = testing::signer(Algorithm::EdDsa).token(&json!({"scope": "task:reader"}));
    assert_eq!(
        list_tasks().token(&token).outcome(),
        "403 forbidden [Bearer realm=\"gateway\", error=\"insufficient_scope\", scope=\"task:read\"] (insufficient_scope)"
    );
}

#[test]
fn bad_claims_are_all_the_same_to_the_client() {
    for (change, code) in [
        (json!({"exp": NOW - 6}), "expired"),
        (json!({"exp": null}), "bad_claim"),
        (json!({"nbf": NOW + 6}), "bad_claim"),
        (json!({"aud": "other"}), "bad_claim"),
        (json!({"iss": "https://evil.example"}), "unknown_issuer"),
        (json!({"iss": null}), "unknown_issuer"),
        (json!({"sub": "a\r\nx-admin: 1"}), "bad_claim"),
        (json!({"sub": "jürgen"}), "bad_claim"),
        (json!({"sub": 7}), "bad_claim"),
        (json!({"scope": ["task:read"]}), "bad_claim"),
    ] {
        let token = testing::signer(Algorithm::EdDsa).token(&change);
        assert_eq!(list_tasks().token(&token).outcome(), format!("{INVALID} ({code})"), "{change}");
    }
}

#[test]
fn a_key_is_never_used_for_another_algorithm() {
    // The classic confusion: the public RSA key used as an HMAC secret.
    let rsa = testing::signer(Algorithm::Rs256);
    let secret = rsa.jwk()["n"].as_str().unwrap().as_bytes().to_vec();
    let confused = testing::Signer::hmac("RS256", &secret);
    for header in [json!({}), json!({"kid": null}), json!({"alg": "RS256"})] {
        let token = confused.token_with(&header, &json!({}));
        let outcome = list_tasks().token(&token).outcome();
        assert!(outcome.starts_with(INVALID), "{header}: {outcome}");
    }
    let unsigned = rsa.token_with(&json!({"alg": "none"}), &json!({}));
    let (front, _) = unsigned.rsplit_once('.').unwrap();
    for token in [&unsigned, &format!("{front}.")] {
        assert_eq!(list_tasks().token(token).outcome(), format!("{INVALID} (malformed_token)"));
    }
}

#[test]
fn keys_inside_a_token_are_not_trusted() {
    let stranger = testing::other_signer(Algorithm::Rs256);
    let header =
        json!({"jwk": stranger.jwk(), "jku": "https://evil.example/jwks", "x5u": "https://evil.example"});
    let outcome = list_tasks().token(&stranger.token_with(&header, &json!({}))).outcome();
    assert_eq!(outcome, format!("{INVALID} (bad_signature)"));
}

#[test]
fn a_changed_token_is_refused() {
    let token = testing::signer(Algorithm::Rs256).token(&json!({}));
    let other = testing::signer(Algorithm::Rs256).token(&json!({"sub": "root"}));
    let parts: Vec<_> = token.split('.').collect();
    let others: Vec<_> = other.split('.').collect();
    for (mixed, code) in [
        (format!("{}.{}.{}", parts[0], others[1], parts[2]), "bad_signature"),
        (format!("{}.{}.", parts[0], parts[1]), "bad_signature"),
        (format!("{token}."), "malformed_token"),
        (format!("{token}="), "malformed_token"),
        (token.replace('.', ".."), "malformed_token"),
        (format!("{token} {token}"), "malformed_token"),
    ] {
        assert_eq!(list_tasks().token(&mixed).outcome(), format!("{INVALID} ({code})"), "{mixed}");
    }
    assert_eq!(
        list_tasks().header("authorization", b"Bearer \xff\xfe.\xff.\xff").outcome(),
        format!("{INVALID} (malformed_token)")
    );
}

#[test]
fn a_token_without_kid_needs_a_single_key_of_its_algorithm() {
    let token = testing::signer(Algorithm::Es256).token_with(&json!({"kid": null}), &json!({}));
    assert!(list_tasks().token(&token).outcome().starts_with("Token "));
    let token = testing::signer(Algorithm::Es256).token_with(&json!({"kid": "unknown"}), &json!({}));
    assert_eq!(list_tasks().token(&token).outcome(), format!("{INVALID} (unknown_key)"));
}

#[test]
fn what_is_no_operation_is_answered_before_any_token_is_looked_at() {
    let token = testing::signer(Algorithm::EdDsa).token(&json!({}));
    assert_eq!(ask("GET", "/v2").token(&token).outcome(), "404 not found (unmatched)");
    assert_eq!(ask("GET", "/v1/task").route_name("unmatched").outcome(), list_tasks().outcome());
    assert_eq!(ask("PUT", "/v1/task").outcome(), "405 PUT method not allowed [GET, POST] (unmatched)");
    assert_eq!(ask("GET", "/v1/task/%zz").outcome(), "400 malformed uri (unmatched)");
}

#[test]
fn the_routes_name_counts_but_does_not_hide_a_malformed_path() {
    assert_eq!(ask("GET", "/any/prefix").route_name("health").outcome(), "Public");
    assert_eq!(ask("GET", "/v1/task/%zz").route_name("getTask").outcome(), "400 malformed uri (unmatched)");
    assert!(ask("GET", "/v1/task/%41").route_name("getTask").outcome().starts_with("401"));
    assert!(ask("GET", "/else/%41").route_name("getTask").outcome().starts_with("401"));
}

#[test]
fn every_reason_has_its_metric() {
    for reason in [
        Reason::Unmatched,
        Reason::NoToken,
        Reason::SeveralTokens,
        Reason::Malformed(TokenError::TooLong),
        Reason::UnknownIssuer,
        Reason::OtherIssuer,
        Reason::Algorithm,
        Reason::NoKeys,
        Reason::NoKey(NoKey::Unknown),
        Reason::Signature(SignatureError::Wrong),
        Reason::Signature(SignatureError::Unavailable),
        Reason::Claim(ClaimError::Expired),
        Reason::Claim(ClaimError::Issuer),
        Reason::Unforwardable,
        Reason::Scope,
    ] {
        assert!(Reason::CODES.contains(&reason.code()), "{reason:?}");
    }
}

//! Which keys are taken, and what is said of the others.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::*;
use crate::testing;

fn problem(value: &Value) -> String {
    Key::read(value).map(|key| key.algorithm).unwrap_err().to_string()
}

fn changed(mut key: Value, name: &str, value: Value) -> Value {
    key.as_object_mut().unwrap().insert(name.to_owned(), value);
    key
}

#[test]
fn every_algorithm_has_its_key() {
    for signer in testing::signers() {
        let key = Key::read(&signer.jwk()).unwrap();
        assert_eq!(key.algorithm, signer.algorithm);
        assert_eq!(key.id.as_deref(), Some(signer.algorithm.name()));
    }
}

#[test]
fn a_broken_key_is_reported_and_the_others_stay() {
    let mut keys: Vec<_> = testing::signers().iter().map(testing::Signer::jwk).collect();
    keys.insert(1, json!({"kty": "RSA", "alg": "RS256", "kid": "small", "n": "AQAB", "e": "AQAB"}));
    keys.push(json!("no key"));
    let (set, problems) = KeySet::read(&keys, &Algorithm::ALL).unwrap();
    assert!(set.select(Algorithm::EdDsa, Some("EdDSA")).is_ok());
    let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(problems[0], "keys[1] (kid `small`): the rsa modulus has 17 bits; 2048 to 4096 are accepted");
    assert!(problems[1].starts_with("keys[14]: not a json web key"), "{problems:?}");
    assert_eq!(problems.len(), 2);
}

#[test]
fn what_an_issuer_writes_does_not_forge_a_line_of_a_log() {
    let key =
        json!({"kty": "oct", "kid": format!("a\n[critical] {}", "x".repeat(1000)), "alg": "HS\r\n\u{1b}"});
    let told = KeySet::read(&[key], &Algorithm::ALL).unwrap_err().to_string();
    assert!(told.contains(r"(kid `a\n[critical] xxx") && told.contains(r"`alg` `HS\r\n\u{1b}`"), "{told}");
    assert!(told.len() < 400 && !told.contains(char::is_control), "{told}");
}

#[test]
fn weak_and_private_keys_are_refused() {
    let weak = json!({"kty": "RSA", "alg": "RS256", "e": "AQAB",
        "n": URL_SAFE_NO_PAD.encode([[0, 0xff].as_slice(), &[0xff; 127]].concat())});
    assert_eq!(problem(&weak), "the rsa modulus has 1024 bits; 2048 to 4096 are accepted");
    let short = json!({"kty": "oct", "alg": "HS256", "k": URL_SAFE_NO_PAD.encode([7; 31])});
    assert_eq!(problem(&short), "the secret has 31 bytes; at least 32 are needed");
    let private = changed(testing::signer(Algorithm::Rs256).jwk(), "d", json!("AA"));
    assert_eq!(problem(&private), "contains the private member `d`; publish the public key only");
    let exponent = changed(testing::signer(Algorithm::Rs256).jwk(), "e", json!("Aw"));
    assert_eq!(problem(&exponent), "the numbers are not a valid public key");
}

#[test]
fn numbers_that_are_no_key_are_refused() {
    let point = changed(testing::signer(Algorithm::Es256).jwk(), "y", json!(URL_SAFE_NO_PAD.encode([1; 32])));
    assert_eq!(problem(&point), "the numbers are not a valid public key");
    let short = changed(testing::signer(Algorithm::Es256).jwk(), "x", json!("AQ"));
    assert_eq!(problem(&short), "`x` is missing or malformed");
    let zero = changed(testing::signer(Algorithm::EdDsa).jwk(), "x", json!(URL_SAFE_NO_PAD.encode([0; 32])));
    assert_eq!(problem(&zero), "the numbers are not a valid public key");
    let padded = changed(testing::signer(Algorithm::Hs256).jwk(), "k", json!("AAAA===="));
    assert_eq!(problem(&padded), "`k` is missing or malformed");
}

#[test]
fn a_key_is_for_one_algorithm_that_fits_it() {
    let rsa = testing::signer(Algorithm::Rs256).jwk();
    assert_eq!(problem(&changed(rsa.clone(), "alg", json!("HS256"))), "HS256 needs kty `oct`");
    assert_eq!(
        problem(&changed(rsa.clone(), "alg", json!("ES256K"))),
        "`alg` `ES256K` is not supported; supported are HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA"
    );
    assert_eq!(
        problem(&changed(rsa.clone(), "alg", Value::Null)),
        "`alg` is missing; each key must say its algorithm, or the issuer's `algorithms` leave but one for it"
    );
    assert_eq!(problem(&changed(rsa.clone(), "use", json!("enc"))), "not for verifying signatures");
    assert_eq!(problem(&changed(rsa, "key_ops", json!(["sign"]))), "not for verifying signatures");
    let curve = changed(testing::signer(Algorithm::Es256).jwk(), "crv", json!("secp256k1"));
    assert_eq!(problem(&curve), "ES256 needs kty `EC` and crv `P-256`");
}

#[test]
fn a_token_gets_a_key_of_its_name_and_algorithm_only() {
    let rsa = testing::signer(Algorithm::Rs256).jwk();
    let keys = [
        changed(rsa.clone(), "kid", json!("a")),
        changed(rsa, "kid", json!("b")),
        testing::signer(Algorithm::EdDsa).jwk(),
    ];
    let (set, problems) = KeySet::read(&keys, &Algorithm::ALL).unwrap();
    assert!(problems.is_empty(), "{problems:?}");
    let select = |algorithm, id| set.select(algorithm, id).map(|key| key.id.clone().unwrap());
    assert_eq!(select(Algorithm::Rs256, Some("b")), Ok("b".to_owned()));
    assert_eq!(select(Algorithm::Es256, Some("b")), Err(NoKey::Unknown));
    assert_eq!(select(Algorithm::Rs256, Some("c")), Err(NoKey::Unknown));
    assert_eq!(select(Algorithm::Rs256, None), Err(NoKey::Ambiguous));
    assert_eq!(select(Algorithm::EdDsa, None), Ok("EdDSA".to_owned()));
    assert_eq!(select(Algorithm::Hs256, None), Err(NoKey::Unknown));
}

#[test]
fn two_keys_of_one_name_and_algorithm_are_not_guessed_between() {
    let rsa = testing::signer(Algorithm::Rs256).jwk();
    let (set, problems) = KeySet::read(&[rsa.clone(), rsa], &Algorithm::ALL).unwrap();
    assert_eq!(problems.len(), 1);
    assert!(set.select(Algorithm::Rs256, Some("RS256")).is_ok());
}

#[test]
fn a_key_without_an_algorithm_is_for_the_only_one_that_its_issuer_has_for_such_keys() {
    let read = |signer: Algorithm, allowed: &[Algorithm]| {
        let jwk = changed(testing::signer(signer).jwk(), "alg", Value::Null);
        KeySet::read(&[jwk], allowed).map(|(set, _)| set.iter().next().unwrap().algorithm)
    };
    for only in [Algorithm::Rs256, Algorithm::Ps512, Algorithm::Es256, Algorithm::EdDsa, Algorithm::Hs512] {
        let kin = testing::signer(only).algorithm;
        assert_eq!(read(kin, &[only, Algorithm::Es384]).ok(), Some(only));
    }
    assert_eq!(
        read(Algorithm::Es256, &Algorithm::ALL).ok(),
        Some(Algorithm::Es256),
        "no other has its curve"
    );
    for (key, several) in [
        (Algorithm::Rs256, Algorithm::ALL.as_slice()),
        (Algorithm::Rs256, &[Algorithm::Rs256, Algorithm::Ps256]),
        (Algorithm::Hs512, &[Algorithm::Hs256, Algorithm::Hs512]),
        (Algorithm::Rs256, &[Algorithm::Es256]),
    ] {
        let error = read(key, several).unwrap_err().to_string();
        assert!(error.contains("`alg` is missing"), "{error}");
    }
}

#[test]
fn a_published_set_is_read_as_it_comes_and_anything_else_is_none() {
    let keys = json!([testing::signer(Algorithm::Es256).jwk(), {"kty": "RSA", "use": "enc"}]);
    let published = json!({"keys": keys, "issuer": "https://issuer.example"}).to_string();
    let (set, problems) = KeySet::parse(published.as_bytes(), &Algorithm::ALL).unwrap();
    assert_eq!((set.iter().count(), problems.len()), (1, 1));
    let not_a_set = "not a json web key set: must be a json object with unique members and a list `keys`";
    for text in ["", "[]", "<html>", "{}", r#"{"keys":{}}"#, r#"{"keys":[],"keys":[]}"#] {
        assert_eq!(
            KeySet::parse(text.as_bytes(), &Algorithm::ALL).unwrap_err().to_string(),
            not_a_set,
            "{text}"
        );
    }
    let other = KeySet::parse(published.as_bytes(), &[Algorithm::EdDsa]).unwrap_err().to_string();
    assert_eq!(
        other,
        "has no usable key: keys[0] (kid `ES256`): ES256 is not among the issuer's `algorithms`"
    );
}

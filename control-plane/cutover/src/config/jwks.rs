//! A JWKS file: which of its keys can verify a token (RFC 7517, RFC 7518 section 6, RFC 8037).

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jwt_simple::algorithms::{ES256PublicKey, ES384PublicKey, Ed25519PublicKey, RS256PublicKey};
use serde_json::{Map, Value};

/// The usable keys of an issuer.
#[derive(Debug, PartialEq)]
pub(super) struct Keys {
    /// The keys, with nothing in them but what verification needs.
    pub(super) keys: Vec<Value>,
    /// Their algorithms, in the same order.
    pub(super) algorithms: Vec<String>,
    /// What was left out, and why.
    pub(super) ignored: Vec<String>,
}

/// Why a file has no usable key; reads on from the file's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum JwksError {
    #[error("is not JSON: {0}; write {{\"keys\": […]}}")]
    NotJson(String),
    #[error("is not a key set; write {{\"keys\": […]}}")]
    NotASet,
    #[error("holds a private key ({0}); publish only the public part, the gateway never needs more")]
    Private(String),
    #[error("has two keys with the kid `{0}`; give each key a name of its own")]
    SameKid(String),
    #[error("has no usable key{}; a key needs kty, alg (such as RS256, ES256 or EdDSA), a kid and its public members", because(.0))]
    NoneUsable(Vec<String>),
}

fn because(ignored: &[String]) -> String {
    if ignored.is_empty() { String::new() } else { format!(": {}", ignored.join(", ")) }
}

/// One algorithm of the auth filter: its `alg`, `kty`, `crv` and the members a key must have.
struct Kind {
    alg: &'static str,
    kty: &'static str,
    crv: Option<&'static str>,
    members: &'static [&'static str],
}

const fn hmac(alg: &'static str) -> Kind {
    Kind { alg, kty: "oct", crv: None, members: &["k"] }
}

const fn rsa(alg: &'static str) -> Kind {
    Kind { alg, kty: "RSA", crv: None, members: &["n", "e"] }
}

const fn curve(alg: &'static str, crv: &'static str) -> Kind {
    Kind { alg, kty: "EC", crv: Some(crv), members: &["x", "y"] }
}

/// Every algorithm that the auth filter knows.
pub(super) fn algorithms() -> impl Iterator<Item = &'static str> + Clone {
    KINDS.iter().map(|kind| kind.alg)
}

const KINDS: [Kind; 13] = [
    hmac("HS256"),
    hmac("HS384"),
    hmac("HS512"),
    rsa("RS256"),
    rsa("RS384"),
    rsa("RS512"),
    rsa("PS256"),
    rsa("PS384"),
    rsa("PS512"),
    curve("ES256", "P-256"),
    curve("ES384", "P-384"),
    curve("ES512", "P-521"),
    Kind { alg: "EdDSA", kty: "OKP", crv: Some("Ed25519"), members: &["x"] },
];

/// The fewest bytes of a secret: as many as the algorithm's hash has (RFC 7518 section 3.2).
fn shortest_secret(alg: &str) -> usize {
    match alg {
        "HS512" => 64,
        "HS384" => 48,
        _ => 32,
    }
}

/// Bytes of a coordinate of P-521 (RFC 7518 section 6.2.1.2).
const P521_WIDTH: usize = 66;

/// Members that only a private key of an asymmetric algorithm has (RFC 7518 sections 6.2.2 and 6.3.2).
const PRIVATE: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "oth"];

/// The keys of a JWKS that the auth filter can use, of these algorithms only if some are named.
pub(super) fn usable(bytes: &[u8], algorithms: Option<&[&str]>) -> Result<Keys, JwksError> {
    let set: Value = serde_json::from_slice(bytes).map_err(|error| JwksError::NotJson(error.to_string()))?;
    let keys = set.get("keys").and_then(Value::as_array).ok_or(JwksError::NotASet)?;
    let mut found = Keys { keys: Vec::new(), algorithms: Vec::new(), ignored: Vec::new() };
    let mut seen = Vec::new();
    for (number, key) in (1..).zip(keys) {
        let name = match text(key, "kid") {
            Some(kid) => format!("key `{kid}`"),
            None => format!("key {number}"),
        };
        if PRIVATE.iter().any(|member| key.get(*member).is_some()) {
            return Err(JwksError::Private(name));
        }
        match verifying(key) {
            Err(reason) => found.ignored.push(format!("{name}: {reason}")),
            Ok((_, alg, _)) if algorithms.is_some_and(|wanted| !wanted.contains(&alg)) => {
                found.ignored.push(format!("{name}: {alg} is not among `algorithms`"));
            }
            Ok((kid, alg, _)) if seen.contains(&(kid, alg)) => {
                return Err(JwksError::SameKid(kid.unwrap_or("(none)").to_owned()));
            }
            Ok((kid, alg, key)) => {
                seen.push((kid, alg));
                found.algorithms.push(alg.to_owned());
                found.keys.push(key);
            }
        }
    }
    if found.keys.is_empty() { Err(JwksError::NoneUsable(found.ignored)) } else { Ok(found) }
}

/// The key's name, its algorithm, and the key itself as far as verification needs it.
fn verifying(key: &Value) -> Result<(Option<&str>, &'static str, Value), String> {
    let for_other_use = text(key, "use").is_some_and(|purpose| purpose != "sig");
    let operations = key.get("key_ops").and_then(Value::as_array);
    if for_other_use || operations.is_some_and(|operations| !operations.contains(&"verify".into())) {
        return Err("is not for verifying signatures".to_owned());
    }
    let alg = text(key, "alg").ok_or("has no alg")?;
    let kind = KINDS.iter().find(|kind| kind.alg == alg).ok_or(format!("alg {alg} is not supported"))?;
    let mut members = Map::new();
    for (member, wanted) in [("kty", Some(kind.kty)), ("crv", kind.crv)] {
        let Some(wanted) = wanted else { continue };
        if text(key, member) != Some(wanted) {
            return Err(format!("{member} is not {wanted}"));
        }
        members.insert(member.to_owned(), wanted.into());
    }
    for member in kind.members {
        members.insert((*member).to_owned(), text(key, member).ok_or(format!("{member} is missing"))?.into());
    }
    let kid = text(key, "kid");
    for (member, value) in [("kid", kid), ("alg", Some(alg)), ("use", Some("sig"))] {
        members.extend(value.map(|value| (member.to_owned(), value.into())));
    }
    let verifying = Value::Object(members);
    fit(kind, &verifying).map_err(|error| format!("cannot be used: {error}"))?;
    Ok((kid, kind.alg, verifying))
}

/// Whether the numbers are a key: an RSA modulus of 2048 to 4096 bits, a point on the curve, a secret that is long enough.
fn fit(kind: &Kind, key: &Value) -> Result<(), String> {
    let refused = |error: jwt_simple::Error| error.to_string();
    match (kind.kty, kind.crv) {
        ("RSA", _) => {
            let components = (decoded(key, "n")?, decoded(key, "e")?);
            RS256PublicKey::from_components(&components.0, &components.1).map(|_| ()).map_err(refused)
        }
        ("EC", Some("P-256")) => ES256PublicKey::from_jwk(&key.to_string()).map(|_| ()).map_err(refused),
        ("EC", Some("P-384")) => ES384PublicKey::from_jwk(&key.to_string()).map(|_| ()).map_err(refused),
        ("EC", _) => fit_p521(key),
        ("OKP", _) => Ed25519PublicKey::from_jwk(&key.to_string()).map(|_| ()).map_err(refused),
        _ => {
            let (has, needs) = (decoded(key, "k")?.len(), shortest_secret(kind.alg));
            let long_enough = has >= needs;
            long_enough
                .then_some(())
                .ok_or_else(|| format!("the secret has {has} bytes, at least {needs} are needed"))
        }
    }
}

/// Whether the point is on the curve only Envoy can tell, which alone verifies ES512.
fn fit_p521(key: &Value) -> Result<(), String> {
    for member in ["x", "y"] {
        if decoded(key, member)?.len() != P521_WIDTH {
            return Err(format!("{member} does not have {P521_WIDTH} bytes"));
        }
    }
    Ok(())
}

fn decoded(key: &Value, member: &str) -> Result<Vec<u8>, String> {
    BASE64_URL_SAFE_NO_PAD
        .decode(text(key, member).unwrap_or_default())
        .map_err(|_| format!("{member} is not base64url"))
}

fn text<'k>(key: &'k Value, member: &str) -> Option<&'k str> {
    key.get(member).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn usable_of(set: &Value) -> Result<Keys, JwksError> {
        usable(set.to_string().as_bytes(), None)
    }

    const SECRET: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    /// RFC 8037 appendix A.2.
    const ED25519: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    #[test]
    fn usable_keys_are_kept_without_their_decoration_and_others_named() {
        let set = json!({"keys": [
            {"kty": "OKP", "alg": "EdDSA", "kid": "o", "crv": "Ed25519", "x": ED25519, "x5t": "zzz"},
            {"kty": "oct", "alg": "HS256", "k": SECRET, "key_ops": ["sign", "verify"]},
            {"kty": "RSA", "alg": "RSA-OAEP", "kid": "enc", "use": "enc", "n": "AQAB", "e": "AQAB"},
            {"kty": "EC", "alg": "ES256", "kid": "e", "crv": "P-384", "x": "AQAB", "y": "AQAB"},
            {"kty": "OKP", "kid": "without", "crv": "Ed25519", "x": ED25519},
            {"kty": "oct", "alg": "HS256", "kid": "short", "k": "AQAB"},
        ]});
        let keys = usable_of(&set).unwrap();
        let named =
            json!({"kty": "OKP", "alg": "EdDSA", "kid": "o", "use": "sig", "crv": "Ed25519", "x": ED25519});
        let unnamed = json!({"kty": "oct", "alg": "HS256", "use": "sig", "k": SECRET});
        assert_eq!(keys.keys, [named, unnamed]);
        assert_eq!(keys.algorithms, ["EdDSA", "HS256"]);
        assert_eq!(
            keys.ignored,
            [
                "key `enc`: is not for verifying signatures",
                "key `e`: crv is not P-256",
                "key `without`: has no alg",
                "key `short`: cannot be used: the secret has 3 bytes, at least 32 are needed",
            ]
        );
    }

    #[test]
    fn keys_of_algorithms_that_are_not_wanted_are_left_out() {
        let set = json!({"keys": [
            {"kty": "OKP", "alg": "EdDSA", "kid": "o", "crv": "Ed25519", "x": ED25519},
            {"kty": "oct", "alg": "HS256", "kid": "h", "k": SECRET},
        ]});
        let keys = usable(set.to_string().as_bytes(), Some(&["EdDSA", "RS256"])).unwrap();
        assert_eq!(keys.algorithms, ["EdDSA"]);
        assert_eq!(keys.ignored, ["key `h`: HS256 is not among `algorithms`"]);
        let none = usable(set.to_string().as_bytes(), Some(&["RS256"]));
        assert!(matches!(&none, Err(JwksError::NoneUsable(reasons)) if reasons.len() == 2), "{none:?}");
    }

    #[test]
    fn numbers_that_are_no_key_are_left_out() {
        for key in [
            json!({"kty": "RSA", "alg": "RS256", "kid": "a", "n": "AQAB", "e": "AQAB"}),
            json!({"kty": "EC", "alg": "ES256", "kid": "a", "crv": "P-256", "x": SECRET, "y": SECRET}),
            json!({"kty": "OKP", "alg": "EdDSA", "kid": "a", "crv": "Ed25519", "x": "AQAB"}),
            json!({"kty": "OKP", "alg": "EdDSA", "kid": "a", "crv": "Ed25519", "x": "not base64url!"}),
        ] {
            let refused = usable_of(&json!({"keys": [key]}));
            let Err(JwksError::NoneUsable(reasons)) = refused else { panic!("{key}: {refused:?}") };
            assert!(reasons[0].starts_with("key `a`: cannot be used: "), "{reasons:?}");
        }
    }

    #[test]
    fn longer_hashes_need_longer_secrets_and_p521_its_width() {
        let set = json!({"keys": [
            {"kty": "oct", "alg": "HS256", "kid": "good", "k": SECRET},
            {"kty": "oct", "alg": "HS384", "kid": "384", "k": SECRET},
            {"kty": "EC", "alg": "ES512", "kid": "521", "crv": "P-521", "x": SECRET, "y": SECRET},
            {"kty": "EC", "alg": "ES384", "kid": "p384", "crv": "P-384", "x": SECRET, "y": SECRET},
        ]});
        let keys = usable_of(&set).unwrap();
        assert_eq!(keys.algorithms, ["HS256"]);
        assert_eq!(
            keys.ignored[..2],
            [
                "key `384`: cannot be used: the secret has 32 bytes, at least 48 are needed",
                "key `521`: cannot be used: x does not have 66 bytes",
            ]
        );
        assert!(keys.ignored[2].starts_with("key `p384`: cannot be used: "), "{:?}", keys.ignored);
    }

    #[test]
    fn a_private_key_is_refused_without_repeating_it() {
        let set =
            json!({"keys": [{"kty": "EC", "alg": "ES256", "kid": "e", "crv": "P-256", "d": "c2VjcmV0"}]});
        let error = usable_of(&set).unwrap_err();
        assert_eq!(error, JwksError::Private("key `e`".to_owned()));
        assert!(!error.to_string().contains("c2VjcmV0"));
    }

    #[test]
    fn a_set_without_a_usable_key_says_why() {
        assert_eq!(usable_of(&json!({"keys": []})), Err(JwksError::NoneUsable(Vec::new())));
        assert_eq!(usable_of(&json!([])), Err(JwksError::NotASet));
        assert!(matches!(usable(b"{", None), Err(JwksError::NotJson(_))));
        let twice = json!({"kty": "oct", "alg": "HS256", "kid": "h", "k": SECRET});
        assert_eq!(usable_of(&json!({"keys": [twice, twice]})), Err(JwksError::SameKid("h".to_owned())));
    }
}

//! A JWKS file: which of its keys can verify a token (RFC 7517, RFC 7518 section 6, RFC 8037).

use serde_json::{Map, Value};

/// The usable keys of a set.
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
    #[error("has no usable key{}; a key needs kty, alg (RS256, ES256, EdDSA or HS256), kid and its public members", because(.0))]
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

const KINDS: [Kind; 4] = [
    Kind { alg: "RS256", kty: "RSA", crv: None, members: &["n", "e"] },
    Kind { alg: "ES256", kty: "EC", crv: Some("P-256"), members: &["x", "y"] },
    Kind { alg: "EdDSA", kty: "OKP", crv: Some("Ed25519"), members: &["x"] },
    Kind { alg: "HS256", kty: "oct", crv: None, members: &["k"] },
];

/// Members that only a private key of an asymmetric algorithm has (RFC 7518 sections 6.2.2 and 6.3.2).
const PRIVATE: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "oth"];

/// The keys of a JWKS that the auth filter can use.
pub(super) fn usable(bytes: &[u8]) -> Result<Keys, JwksError> {
    let set: Value = serde_json::from_slice(bytes).map_err(|error| JwksError::NotJson(error.to_string()))?;
    let keys = set.get("keys").and_then(Value::as_array).ok_or(JwksError::NotASet)?;
    let mut found = Keys { keys: Vec::new(), algorithms: Vec::new(), ignored: Vec::new() };
    let mut kids = Vec::new();
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
            Ok((kid, alg, _)) if kids.contains(&(kid, alg)) => {
                return Err(JwksError::SameKid(kid.to_owned()));
            }
            Ok((kid, alg, key)) => {
                kids.push((kid, alg));
                found.algorithms.push(alg.to_owned());
                found.keys.push(key);
            }
        }
    }
    if found.keys.is_empty() { Err(JwksError::NoneUsable(found.ignored)) } else { Ok(found) }
}

fn verifying(key: &Value) -> Result<(&str, &'static str, Value), String> {
    if text(key, "use").is_some_and(|purpose| purpose != "sig") {
        return Err("is not for signatures".to_owned());
    }
    let alg = text(key, "alg").ok_or("has no alg")?;
    let kind = KINDS.iter().find(|kind| kind.alg == alg).ok_or(format!("alg {alg} is not supported"))?;
    let kid = text(key, "kid").ok_or("has no kid")?;
    let mut members = Map::new();
    for (member, wanted) in [("kty", Some(kind.kty)), ("crv", kind.crv)] {
        let Some(wanted) = wanted else { continue };
        if text(key, member) != Some(wanted) {
            return Err(format!("{member} is not {wanted}"));
        }
        members.insert(member.to_owned(), wanted.into());
    }
    for member in kind.members {
        let value = text(key, member).filter(|value| is_base64url(value));
        members.insert(
            (*member).to_owned(),
            value.ok_or(format!("{member} is missing or not base64url"))?.into(),
        );
    }
    for (member, value) in [("kid", kid), ("alg", alg), ("use", "sig")] {
        members.insert(member.to_owned(), value.into());
    }
    Ok((kid, kind.alg, Value::Object(members)))
}

fn text<'k>(key: &'k Value, member: &str) -> Option<&'k str> {
    key.get(member).and_then(Value::as_str)
}

fn is_base64url(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    !text.is_empty() && text.len() % 4 != 1 && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn usable_of(set: &Value) -> Result<Keys, JwksError> {
        usable(set.to_string().as_bytes())
    }

    #[test]
    fn usable_keys_are_kept_without_their_decoration_and_others_named() {
        let set = json!({"keys": [
            {"kty": "RSA", "alg": "RS256", "kid": "r", "use": "sig", "n": "AQAB", "e": "AQAB", "x5t": "zzz"},
            {"kty": "RSA", "alg": "RSA-OAEP", "kid": "enc", "use": "enc", "n": "AQAB", "e": "AQAB"},
            {"kty": "EC", "alg": "ES256", "kid": "e", "crv": "P-384", "x": "AQAB", "y": "AQAB"},
            {"kty": "OKP", "kid": "o", "crv": "Ed25519", "x": "AQAB"},
        ]});
        let keys = usable_of(&set).unwrap();
        let expected =
            json!({"kty": "RSA", "alg": "RS256", "kid": "r", "use": "sig", "n": "AQAB", "e": "AQAB"});
        assert_eq!(keys.keys, [expected]);
        assert_eq!(keys.algorithms, ["RS256"]);
        assert_eq!(
            keys.ignored,
            ["key `enc`: is not for signatures", "key `e`: crv is not P-256", "key `o`: has no alg"]
        );
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
        assert!(matches!(usable(b"{"), Err(JwksError::NotJson(_))));
        let twice = json!({"kty": "oct", "alg": "HS256", "kid": "h", "k": "AQAB"});
        assert_eq!(usable_of(&json!({"keys": [twice, twice]})), Err(JwksError::SameKid("h".to_owned())));
    }
}

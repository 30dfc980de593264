//! What the unit tests share: signers of every algorithm, tokens, a configuration, and a stand-in for the host's crypto.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cutover_filter_host::HostError;
use jwt_simple::prelude::*;
use p256::ecdsa::signature::{Signer as _, Verifier as _};
use serde_json::{Map, Value, json};
use superboring::reexports::rsa::pkcs1v15::{Signature as RsaSignature, SigningKey, VerifyingKey};
use superboring::reexports::rsa::sha2::Sha256;
use superboring::reexports::rsa::signature::{SignatureEncoding, Signer as _, Verifier as _};
use superboring::rsa::RsaKey;

use crate::algorithm::Algorithm;

/// The time of all tests, in seconds since the epoch.
pub(crate) const NOW: u64 = 1_700_000_000;

/// Someone who can sign.
pub(crate) struct Signer {
    name: String,
    pair: Pair,
}

enum Pair {
    Rsa(Box<RS256KeyPair>),
    P256(ES256KeyPair),
    Ed25519(Ed25519KeyPair),
    Hmac(HS256Key),
}

static SIGNERS: LazyLock<[Signer; 4]> = LazyLock::new(|| generate(include_str!("../testdata/rsa-a.pem")));
static OTHERS: LazyLock<[Signer; 4]> = LazyLock::new(|| generate(include_str!("../testdata/rsa-b.pem")));

fn generate(rsa: &str) -> [Signer; 4] {
    [
        Pair::Rsa(Box::new(RS256KeyPair::from_pem(rsa).unwrap())),
        Pair::P256(ES256KeyPair::generate()),
        Pair::Ed25519(Ed25519KeyPair::generate()),
        Pair::Hmac(HS256Key::generate()),
    ]
    .map(|pair| Signer { name: pair.algorithm().name().to_owned(), pair })
}

/// The trusted signers, one of each algorithm.
pub(crate) fn signers() -> &'static [Signer; 4] {
    &SIGNERS
}

/// The trusted signer of this algorithm.
pub(crate) fn signer(algorithm: Algorithm) -> &'static Signer {
    SIGNERS.iter().find(|signer| signer.algorithm() == algorithm).unwrap()
}

/// A stranger of this algorithm, whose key has the same `kid`.
pub(crate) fn other_signer(algorithm: Algorithm) -> &'static Signer {
    OTHERS.iter().find(|signer| signer.algorithm() == algorithm).unwrap()
}

/// A configuration that trusts [`signers`].
pub(crate) fn config() -> Value {
    let bearer = |scope: &str| json!([[{"scheme": "bearerAuth", "scopes": [scope]}]]);
    let route = |id: &str, method: &str, path: &str, security: Value| json!({"id": id, "method": method, "path": path, "security": security});
    json!({
        "realm": "gateway",
        "routes": [
            route("listTasks", "GET", "/v1/task", bearer("task:read")),
            route("createTask", "POST", "/v1/task", bearer("task:write")),
            route("getTask", "GET", "/v1/task/{taskId}", bearer("task:read")),
            route("maybe", "GET", "/maybe", json!([[{"scheme": "bearerAuth", "scopes": ["task:read"]}], []])),
            route("health", "GET", "/healthz", json!([])),
        ],
        "issuers": [{
            "issuer": "https://issuer.example",
            "audiences": ["gateway"],
            "leeway_seconds": 5,
            "jwks": {"keys": signers().iter().map(Signer::jwk).collect::<Vec<_>>()},
        }],
        "forward": {"x-user-id": "sub", "x-user-scopes": "scope"},
    })
}

impl Pair {
    fn algorithm(&self) -> Algorithm {
        match self {
            Self::Rsa(_) => Algorithm::Rs256,
            Self::P256(_) => Algorithm::Es256,
            Self::Ed25519(_) => Algorithm::EdDsa,
            Self::Hmac(_) => Algorithm::Hs256,
        }
    }
}

impl Signer {
    /// A signer that claims an algorithm but computes an HMAC.
    pub(crate) fn hmac(name: &str, secret: &[u8]) -> Self {
        Self { name: name.to_owned(), pair: Pair::Hmac(HS256Key::from_bytes(secret)) }
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        self.pair.algorithm()
    }

    /// The public key (the secret, for HS256); `kid` is the algorithm's name.
    pub(crate) fn jwk(&self) -> Value {
        let text = match &self.pair {
            Pair::Rsa(pair) => pair.public_key().to_jwk(),
            Pair::P256(pair) => pair.public_key().to_jwk(),
            Pair::Ed25519(pair) => pair.public_key().to_jwk(),
            Pair::Hmac(key) => {
                json!({"kty": "oct", "alg": "HS256", "k": URL_SAFE_NO_PAD.encode(key.to_bytes())}).to_string()
            }
        };
        let mut jwk: Map<String, Value> = serde_json::from_str(&text).unwrap();
        jwk.insert("kid".to_owned(), json!(self.name));
        jwk.insert("alg".to_owned(), json!(self.name));
        Value::Object(jwk)
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &self.pair {
            Pair::Rsa(pair) => match &pair.key_pair().as_ref().rsa_key {
                RsaKey::Private(key) => SigningKey::<Sha256>::new(key.clone()).sign(message).to_vec(),
                _ => unreachable!("an rsa pair has its private key"),
            },
            Pair::P256(pair) => {
                let signature: p256::ecdsa::Signature = pair.key_pair().as_ref().sign(message);
                signature.to_bytes().to_vec()
            }
            Pair::Ed25519(pair) => pair.key_pair().as_ref().sk.sign(message, None).to_vec(),
            Pair::Hmac(key) => key.authentication_tag(message),
        }
    }

    /// A token that is good for an hour, with these claims merged in; null removes one.
    pub(crate) fn token(&self, claims: &Value) -> String {
        self.token_with(&json!({}), claims)
    }

    /// The same with header members merged in.
    pub(crate) fn token_with(&self, header: &Value, claims: &Value) -> String {
        let header = merged(json!({"alg": self.name, "kid": self.name, "typ": "JWT"}), header);
        let claims = merged(
            json!({"iss": "https://issuer.example", "aud": "gateway", "sub": "ada", "scope": "task:read task:write",
                "iat": NOW, "exp": NOW + 3600}),
            claims,
        );
        let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = URL_SAFE_NO_PAD.encode(self.sign(input.as_bytes()));
        format!("{input}.{signature}")
    }
}

fn merged(mut base: Value, change: &Value) -> String {
    let members = base.as_object_mut().unwrap();
    for (name, value) in change.as_object().unwrap() {
        match value {
            Value::Null => members.remove(name),
            value => members.insert(name.clone(), value.clone()),
        };
    }
    base.to_string()
}

/// Does what Envoy's `verify_signature` does, with parsers that are not ours: so the DER and the protobuf that we
/// make are checked by someone else.
pub(crate) fn boring_host(argument: &[u8]) -> Result<Vec<u8>, HostError> {
    let [hash, public_key, signature, text] = fields(argument);
    assert_eq!(hash, b"sha256");
    let good = if let Ok(key) = RS256PublicKey::from_der(public_key) {
        let RsaKey::Public(key) = &key.public_key().as_ref().rsa_key else {
            return Err(HostError::BadArgument);
        };
        RsaSignature::try_from(signature)
            .is_ok_and(|signature| VerifyingKey::<Sha256>::new(key.clone()).verify(text, &signature).is_ok())
    } else {
        let key = ES256PublicKey::from_der(public_key).map_err(|_| HostError::BadArgument)?;
        p256::ecdsa::Signature::from_der(signature)
            .is_ok_and(|signature| key.public_key().as_ref().verify(text, &signature).is_ok())
    };
    Ok(if good { vec![8, 1] } else { b"\x12\x05wrong".to_vec() })
}

/// The four length-delimited fields of the argument, in order.
fn fields(mut message: &[u8]) -> [&[u8]; 4] {
    [1, 2, 3, 4].map(|number| {
        assert_eq!(message[0], number << 3 | 2);
        let (mut length, mut at) = (0, 1);
        while message[at] >= 0x80 {
            length |= usize::from(message[at] & 0x7f) << (7 * (at - 1));
            at += 1;
        }
        length |= usize::from(message[at]) << (7 * (at - 1));
        let (field, rest) = message[at + 1..].split_at(length);
        message = rest;
        field
    })
}

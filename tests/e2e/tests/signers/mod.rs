//! Issuers of tokens for the tests of the auth filter: a key of every algorithm, and strangers with keys of the same names.
#![allow(dead_code, reason = "each test program uses a part of it")]
#![allow(clippy::unwrap_used, reason = "tests fail loudly")]

use std::fs;
use std::sync::{Arc, LazyLock};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cutover_e2e::paths;
use jwt_simple::prelude::{
    ECDSAP256KeyPairLike, ECDSAP384KeyPairLike, ES256KeyPair, ES384KeyPair, Ed25519KeyPair, EdDSAKeyPairLike,
    RS256KeyPair, RSAKeyPairLike,
};
use p256::ecdsa::signature::Signer as _;
use serde_json::{Map, Value, json};
use superboring::reexports::hmac_sha512::{self, sha384};
use superboring::reexports::{hmac_sha256, rsa};
use superboring::rsa::RsaKey;

/// Who issues the tokens.
pub(crate) const ISSUER: &str = "https://issuer.example";

/// For whom they are.
pub(crate) const AUDIENCE: &str = "gateway";

/// Every algorithm that the filter accepts.
pub(crate) const ALGORITHMS: [&str; 13] = [
    "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384",
    "ES512", "EdDSA",
];

static TRUSTED: LazyLock<Vec<Signer>> =
    LazyLock::new(|| ALGORITHMS.map(|algorithm| Signer::of(algorithm, "rsa-a.pem", 1)).into_iter().collect());
static STRANGERS: LazyLock<Vec<Signer>> =
    LazyLock::new(|| ALGORITHMS.map(|algorithm| Signer::of(algorithm, "rsa-b.pem", 2)).into_iter().collect());

/// Someone who can sign tokens.
pub(crate) struct Signer {
    /// The `kid` of its tokens.
    pub(crate) kid: String,
    /// The `alg` of its tokens.
    pub(crate) algorithm: String,
    pair: Arc<Pair>,
}

#[allow(clippy::large_enum_variant, reason = "there are few")]
enum Pair {
    Rsa(RS256KeyPair),
    WeakRsa(rsa::RsaPrivateKey),
    P256(ES256KeyPair),
    P384(ES384KeyPair),
    P521(p521::ecdsa::SigningKey),
    Ed25519(Ed25519KeyPair),
    Hmac(Vec<u8>),
}

/// The trusted signer of an algorithm.
pub(crate) fn signer(algorithm: &str) -> &'static Signer {
    TRUSTED.iter().find(|signer| signer.algorithm == algorithm).unwrap()
}

/// A stranger of this algorithm, whose key has the same `kid`.
pub(crate) fn stranger(algorithm: &str) -> &'static Signer {
    STRANGERS.iter().find(|signer| signer.algorithm == algorithm).unwrap()
}

/// The trusted key set.
pub(crate) fn key_set() -> Value {
    json!({"keys": TRUSTED.iter().map(Signer::jwk).collect::<Vec<_>>()})
}

/// The operations of the tests: `GET /v1/task` needs `task:read`, `POST /v1/task` `task:write`, `GET /maybe` takes a
/// token and works without, `GET /healthz` needs none.
pub(crate) fn routes() -> Value {
    let bearer = |scope: &str| json!([[{"scheme": "bearerAuth", "scopes": [scope]}]]);
    json!([
        {"id": "listTasks", "method": "GET", "path": "/v1/task", "security": bearer("task:read")},
        {"id": "createTask", "method": "POST", "path": "/v1/task", "security": bearer("task:write")},
        {"id": "maybe", "method": "GET", "path": "/maybe",
            "security": [[{"scheme": "bearerAuth", "scopes": ["task:read"]}], []]},
        {"id": "health", "method": "GET", "path": "/healthz", "security": []},
    ])
}

/// A configuration of the filter with one issuer; `change` is merged into the issuer, null removes a member.
pub(crate) fn configuration(change: &Value) -> Value {
    let issuer = json!({"issuer": ISSUER, "audiences": [AUDIENCE], "leeway_seconds": 5, "jwks": key_set()});
    json!({
        "realm": "gateway",
        "routes": routes(),
        "issuers": [merged(issuer, change)],
        "forward": {"x-user-id": "sub", "x-user-scopes": "scope"},
    })
}

/// `base` with the members of `change`; null removes one.
pub(crate) fn merged(mut base: Value, change: &Value) -> Value {
    let members = base.as_object_mut().unwrap();
    for (name, value) in change.as_object().unwrap() {
        match value {
            Value::Null => members.remove(name),
            value => members.insert(name.clone(), value.clone()),
        };
    }
    base
}

/// The present time, in seconds since the epoch.
#[allow(clippy::disallowed_methods, reason = "the filter reads the real clock, so its tokens must")]
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// Base64url without padding.
pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes of base64url without padding.
pub(crate) fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// The same of what may be none.
pub(crate) fn try_decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

impl Signer {
    /// A signer that says `algorithm` (also as its `kid`) and computes an HMAC, with the hash that the name ends with.
    pub(crate) fn hmac(algorithm: &str, secret: &[u8]) -> Self {
        Self::new(algorithm, Pair::Hmac(secret.to_vec()))
    }

    /// A signer with a key of its own: a new one, but for RSA, where it is the strangers', and for ES512.
    pub(crate) fn generate(algorithm: &str) -> Self {
        if algorithm.starts_with("HS") {
            return Self::hmac(algorithm, &Ed25519KeyPair::generate().to_bytes());
        }
        Self::of(algorithm, "rsa-b.pem", 3)
    }

    /// A signer for RS256 with a modulus of 1024 bits.
    pub(crate) fn weak_rsa() -> Self {
        let key = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 1024).unwrap();
        Self::new("RS256", Pair::WeakRsa(key)).with_kid("weak")
    }

    fn new(algorithm: &str, pair: Pair) -> Self {
        Self { kid: algorithm.to_owned(), algorithm: algorithm.to_owned(), pair: Arc::new(pair) }
    }

    fn of(algorithm: &str, rsa: &str, number: u8) -> Self {
        let pair = match algorithm {
            "ES256" => Pair::P256(ES256KeyPair::generate()),
            "ES384" => Pair::P384(ES384KeyPair::generate()),
            "ES512" => {
                let mut scalar = [number; 66];
                scalar[0] = 0;
                Pair::P521(p521::ecdsa::SigningKey::from_slice(&scalar).unwrap())
            }
            "EdDSA" => Pair::Ed25519(Ed25519KeyPair::generate()),
            name if name.starts_with("HS") => Pair::Hmac(vec![number; 64]),
            _ => Pair::Rsa(RS256KeyPair::from_pem(&rsa_pem(rsa)).unwrap()),
        };
        Self::new(algorithm, pair)
    }

    /// The same key under another `kid`.
    pub(crate) fn with_kid(&self, kid: &str) -> Self {
        Self { kid: kid.to_owned(), algorithm: self.algorithm.clone(), pair: Arc::clone(&self.pair) }
    }

    /// The same key, used with another algorithm of its kind, under the same `kid`.
    pub(crate) fn with_algorithm(&self, algorithm: &str) -> Self {
        Self { kid: self.kid.clone(), algorithm: algorithm.to_owned(), pair: Arc::clone(&self.pair) }
    }

    /// The public key (the secret, for an HMAC) with the signer's `kid` and `alg`.
    pub(crate) fn jwk(&self) -> Value {
        let text = match self.pair.as_ref() {
            Pair::Rsa(pair) => pair.public_key().to_jwk(),
            Pair::WeakRsa(key) => {
                use rsa::traits::PublicKeyParts as _;
                json!({"kty": "RSA", "n": encode(key.n().to_bytes_be()), "e": "AQAB"}).to_string()
            }
            Pair::P256(pair) => pair.public_key().to_jwk(),
            Pair::P384(pair) => pair.public_key().to_jwk(),
            Pair::P521(key) => {
                let point = p521::ecdsa::VerifyingKey::from(key).to_sec1_point(false);
                let number = |from: usize| encode(&point.as_bytes()[from..from + 66]);
                json!({"kty": "EC", "crv": "P-521", "x": number(1), "y": number(67)}).to_string()
            }
            Pair::Ed25519(pair) => pair.public_key().to_jwk(),
            Pair::Hmac(key) => json!({"kty": "oct", "k": encode(key)}).to_string(),
        };
        let mut jwk: Map<String, Value> = serde_json::from_str(&text).unwrap();
        jwk.insert("kid".to_owned(), json!(self.kid));
        jwk.insert("alg".to_owned(), json!(self.algorithm));
        Value::Object(jwk)
    }

    /// The public key as PEM (SubjectPublicKeyInfo), of the kinds that have one here.
    pub(crate) fn public_pem(&self) -> String {
        match self.pair.as_ref() {
            Pair::Rsa(pair) => pair.public_key().to_pem().unwrap(),
            Pair::P256(pair) => pair.public_key().to_pem().unwrap(),
            Pair::P384(pair) => pair.public_key().to_pem().unwrap(),
            Pair::Ed25519(pair) => pair.public_key().to_pem(),
            Pair::WeakRsa(_) | Pair::P521(_) | Pair::Hmac(_) => unreachable!("no test needs it"),
        }
    }

    /// The public key as DER, of the kinds that have one here.
    pub(crate) fn public_der(&self) -> Vec<u8> {
        match self.pair.as_ref() {
            Pair::Rsa(pair) => pair.public_key().to_der().unwrap(),
            Pair::P256(pair) => pair.public_key().to_der().unwrap(),
            Pair::P384(pair) => pair.public_key().to_der().unwrap(),
            Pair::Ed25519(pair) => pair.public_key().to_der(),
            Pair::WeakRsa(_) | Pair::P521(_) | Pair::Hmac(_) => unreachable!("no test needs it"),
        }
    }

    /// The bare signature of a message, by its algorithm.
    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self.pair.as_ref() {
            Pair::Rsa(pair) => match &pair.key_pair().as_ref().rsa_key {
                RsaKey::Private(key) => sign_rsa(key, &self.algorithm, message),
                _ => unreachable!("an rsa pair has its private key"),
            },
            Pair::WeakRsa(key) => sign_rsa(key, &self.algorithm, message),
            Pair::P256(pair) => {
                let signature: p256::ecdsa::Signature = pair.key_pair().as_ref().sign(message);
                signature.to_bytes().to_vec()
            }
            Pair::P384(pair) => {
                let signature: p384::ecdsa::Signature = pair.key_pair().as_ref().sign(message);
                signature.to_bytes().to_vec()
            }
            Pair::P521(key) => {
                let signature: p521::ecdsa::Signature = key.sign(message);
                signature.to_bytes().to_vec()
            }
            Pair::Ed25519(pair) => pair.key_pair().as_ref().sk.sign(message, None).to_vec(),
            Pair::Hmac(key) if self.algorithm.ends_with("384") => sha384::HMAC::mac(message, key).to_vec(),
            Pair::Hmac(key) if self.algorithm.ends_with("512") => {
                hmac_sha512::HMAC::mac(message, key).to_vec()
            }
            Pair::Hmac(key) => hmac_sha256::HMAC::mac(message, key).to_vec(),
        }
    }

    /// A token that is good for an hour.
    pub(crate) fn good(&self) -> String {
        self.token(&json!({}))
    }

    /// The same with these claims merged in; null removes one.
    pub(crate) fn token(&self, claims: &Value) -> String {
        self.token_with(&json!({}), claims)
    }

    /// The same with header members merged in as well.
    pub(crate) fn token_with(&self, header: &Value, claims: &Value) -> String {
        self.sign_texts(self.header(header), payload(claims))
    }

    /// The header of this signer's tokens as text.
    pub(crate) fn header(&self, change: &Value) -> String {
        merged(json!({"alg": self.algorithm, "kid": self.kid, "typ": "JWT"}), change).to_string()
    }

    /// A token of exactly this header and payload, which need not be JSON.
    pub(crate) fn sign_texts(&self, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
        self.sign_input(&format!("{}.{}", encode(header), encode(payload)))
    }

    /// A token of exactly these first two parts.
    pub(crate) fn sign_input(&self, input: &str) -> String {
        format!("{input}.{}", encode(self.sign(input.as_bytes())))
    }
}

/// The claims of a good token as text; null removes one.
pub(crate) fn payload(change: &Value) -> String {
    let claims = json!({"iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "scope": "task:read task:write",
        "iat": now(), "exp": now() + 3600});
    merged(claims, change).to_string()
}

fn rsa_pem(name: &str) -> String {
    fs::read_to_string(paths::root().join("filters/auth/testdata").join(name)).unwrap()
}

/// A PS256 signature with a salt of another length than the hash's 32 bytes.
pub(crate) fn pss_with_salt(message: &[u8], salt: usize) -> Vec<u8> {
    use rsa::signature::{RandomizedSigner as _, SignatureEncoding as _};
    let Pair::Rsa(pair) = signer("PS256").pair.as_ref() else { unreachable!("PS256 is RSA") };
    let RsaKey::Private(key) = &pair.key_pair().as_ref().rsa_key else { unreachable!("a pair has it") };
    let key = rsa::pss::SigningKey::<rsa::sha2::Sha256>::new_with_salt_len(key.clone(), salt);
    key.sign_with_rng(&mut rsa::rand_core::OsRng, message).to_vec()
}

/// Signs by the generic code of the `rsa` crate, which the verifiers do not use.
fn sign_rsa(key: &rsa::RsaPrivateKey, algorithm: &str, message: &[u8]) -> Vec<u8> {
    use rsa::sha2::{Sha256, Sha384, Sha512};
    use rsa::signature::{RandomizedSigner as _, SignatureEncoding as _, Signer as _};
    let (random, key) = (&mut rsa::rand_core::OsRng, key.clone());
    match algorithm {
        "RS384" => rsa::pkcs1v15::SigningKey::<Sha384>::new(key).sign(message).to_vec(),
        "RS512" => rsa::pkcs1v15::SigningKey::<Sha512>::new(key).sign(message).to_vec(),
        "PS256" => rsa::pss::SigningKey::<Sha256>::new(key).sign_with_rng(random, message).to_vec(),
        "PS384" => rsa::pss::SigningKey::<Sha384>::new(key).sign_with_rng(random, message).to_vec(),
        "PS512" => rsa::pss::SigningKey::<Sha512>::new(key).sign_with_rng(random, message).to_vec(),
        _ => rsa::pkcs1v15::SigningKey::<Sha256>::new(key).sign(message).to_vec(),
    }
}

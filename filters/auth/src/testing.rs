//! What the unit tests share: signers of every algorithm, tokens, a configuration, and a stand-in for the host's crypto.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use cutover_filter_host::HostError;
use jwt_simple::prelude::*;
use p256::ecdsa::signature::{Signer as _, Verifier as _};
use serde_json::{Map, Value, json};
use superboring::reexports::hmac_sha512::{self, sha384};
use superboring::reexports::{hmac_sha256, rsa};
use superboring::rsa::RsaKey;

use crate::algorithm::{Algorithm, Curve, Hash, Scheme};

/// The time of all tests, in seconds since the epoch.
pub(crate) const NOW: u64 = 1_700_000_000;

/// Someone who can sign.
pub(crate) struct Signer {
    name: String,
    pub(crate) algorithm: Algorithm,
    pair: Pair,
}

enum Pair {
    Rsa(Box<RS256KeyPair>),
    P256(ES256KeyPair),
    P384(ES384KeyPair),
    P521(Box<p521::ecdsa::SigningKey>),
    Ed25519(Ed25519KeyPair),
    Hmac(Vec<u8>),
}

static SIGNERS: LazyLock<Vec<Signer>> = LazyLock::new(|| generate(include_str!("../testdata/rsa-a.pem"), 1));
static OTHERS: LazyLock<Vec<Signer>> = LazyLock::new(|| generate(include_str!("../testdata/rsa-b.pem"), 2));

fn generate(rsa: &str, number: u8) -> Vec<Signer> {
    let pair = |algorithm: Algorithm| match algorithm.scheme() {
        Scheme::RsaPkcs1 | Scheme::RsaPss => Pair::Rsa(Box::new(RS256KeyPair::from_pem(rsa).unwrap())),
        Scheme::Ecdsa(Curve::P256) => Pair::P256(ES256KeyPair::generate()),
        Scheme::Ecdsa(Curve::P384) => Pair::P384(ES384KeyPair::generate()),
        Scheme::Ecdsa(Curve::P521) => {
            let mut scalar = [number; 66];
            scalar[0] = 0;
            Pair::P521(Box::new(p521::ecdsa::SigningKey::from_slice(&scalar).unwrap()))
        }
        Scheme::Ed25519 => Pair::Ed25519(Ed25519KeyPair::generate()),
        Scheme::Hmac => Pair::Hmac(vec![number; algorithm.hash().size()]),
    };
    let signer =
        |algorithm: Algorithm| Signer { name: algorithm.name().to_owned(), algorithm, pair: pair(algorithm) };
    Algorithm::ALL.into_iter().map(signer).collect()
}

/// The trusted signers, one of each algorithm.
pub(crate) fn signers() -> &'static [Signer] {
    &SIGNERS
}

/// The trusted signer of this algorithm.
pub(crate) fn signer(algorithm: Algorithm) -> &'static Signer {
    SIGNERS.iter().find(|signer| signer.algorithm == algorithm).unwrap()
}

/// A stranger of this algorithm, whose key has the same `kid`.
pub(crate) fn other_signer(algorithm: Algorithm) -> &'static Signer {
    OTHERS.iter().find(|signer| signer.algorithm == algorithm).unwrap()
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

/// A configuration in which every field is there.
pub(crate) fn full_config() -> Value {
    let mut config = config();
    let issuer =
        |name: &str, field: &str, keys: Value| json!({"issuer": name, "audiences": ["gateway"], field: keys});
    let first = &mut config["issuers"][0];
    first["algorithms"] = json!(Algorithm::ALL.map(Algorithm::name));
    first["scope_claims"] = json!(["scope"]);
    first["require"] = json!([{"claim": "sub", "one_of": ["ada"]}]);
    let pem = json!({"key": signer(Algorithm::EdDsa).pem(), "algorithm": "EdDSA", "kid": "one"});
    let pem = issuer("https://pem.example", "pem", pem);
    let remote = json!({"cluster": "issuer", "url": "https://remote.example/jwks.json", "timeout_seconds": 5,
        "refresh_seconds": 300, "unknown_kid_seconds": 5, "hold_seconds": 5, "hold_requests": 1000});
    let remote = issuer("https://remote.example", "remote_jwks", remote);
    config["issuers"].as_array_mut().unwrap().extend([pem, remote]);
    config["routes"][0]["tags"] = json!(["task"]);
    config["routes"][0]["has_body"] = json!(false);
    config["schemes"] = json!({"bearerAuth": {"issuers": ["https://issuer.example"]}});
    config["forward"]["x-list"] = json!({"claim": "list", "join": ","});
    config["token"] = json!({"authorization": true, "cookie": "session", "query": "access_token"});
    config["cache"] = json!({"entries": 10, "bytes": 20_000});
    config["errors"] = json!("problem");
    config["filter_state"] = json!({"sub": "sub"});
    config
}

impl Signer {
    /// A signer that claims an algorithm but computes an HMAC.
    pub(crate) fn hmac(name: &str, secret: &[u8]) -> Self {
        Self { name: name.to_owned(), algorithm: Algorithm::Hs256, pair: Pair::Hmac(secret.to_vec()) }
    }

    /// The public key (the secret, for an HMAC); `kid` is the algorithm's name.
    pub(crate) fn jwk(&self) -> Value {
        let text = match &self.pair {
            Pair::Rsa(pair) => pair.public_key().to_jwk(),
            Pair::P256(pair) => pair.public_key().to_jwk(),
            Pair::P384(pair) => pair.public_key().to_jwk(),
            Pair::P521(key) => {
                let point = p521::ecdsa::VerifyingKey::from(key.as_ref()).to_sec1_point(false);
                let number = |from: usize| URL_SAFE_NO_PAD.encode(&point.as_bytes()[from..from + 66]);
                json!({"kty": "EC", "crv": "P-521", "x": number(1), "y": number(67)}).to_string()
            }
            Pair::Ed25519(pair) => pair.public_key().to_jwk(),
            Pair::Hmac(key) => json!({"kty": "oct", "k": URL_SAFE_NO_PAD.encode(key)}).to_string(),
        };
        let mut jwk: Map<String, Value> = serde_json::from_str(&text).unwrap();
        jwk.insert("kid".to_owned(), json!(self.name));
        jwk.insert("alg".to_owned(), json!(self.name));
        Value::Object(jwk)
    }

    /// The public key in DER, made by other people's code than what reads it here.
    pub(crate) fn der(&self) -> Vec<u8> {
        use p521::pkcs8::EncodePublicKey as _;
        match &self.pair {
            Pair::Rsa(pair) => pair.public_key().to_der().unwrap(),
            Pair::P256(pair) => pair.public_key().to_der().unwrap(),
            Pair::P384(pair) => pair.public_key().to_der().unwrap(),
            Pair::P521(key) => p521::PublicKey::from(p521::ecdsa::VerifyingKey::from(key.as_ref()))
                .to_public_key_der()
                .unwrap()
                .into_vec(),
            Pair::Ed25519(pair) => pair.public_key().to_der(),
            Pair::Hmac(_) => unreachable!("a secret has no public key"),
        }
    }

    /// The same as PEM.
    pub(crate) fn pem(&self) -> String {
        let digits = STANDARD.encode(self.der());
        let lines: Vec<_> = digits.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let hash = self.algorithm.hash();
        match &self.pair {
            Pair::Rsa(pair) => match &pair.key_pair().as_ref().rsa_key {
                RsaKey::Private(key) => sign_rsa(key, self.algorithm, message),
                _ => unreachable!("an rsa pair has its private key"),
            },
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
            Pair::Hmac(key) => match hash {
                Hash::Sha256 => hmac_sha256::HMAC::mac(message, key).to_vec(),
                Hash::Sha384 => sha384::HMAC::mac(message, key).to_vec(),
                Hash::Sha512 => hmac_sha512::HMAC::mac(message, key).to_vec(),
            },
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

/// Signs by the generic code of the `rsa` crate, which the verifier does not use.
fn sign_rsa(key: &rsa::RsaPrivateKey, algorithm: Algorithm, message: &[u8]) -> Vec<u8> {
    use rsa::sha2::{Sha256, Sha384, Sha512};
    use rsa::signature::{RandomizedSigner as _, SignatureEncoding as _, Signer as _};
    let (random, key) = (&mut rsa::rand_core::OsRng, key.clone());
    match algorithm {
        Algorithm::Rs256 => rsa::pkcs1v15::SigningKey::<Sha256>::new(key).sign(message).to_vec(),
        Algorithm::Rs384 => rsa::pkcs1v15::SigningKey::<Sha384>::new(key).sign(message).to_vec(),
        Algorithm::Rs512 => rsa::pkcs1v15::SigningKey::<Sha512>::new(key).sign(message).to_vec(),
        Algorithm::Ps256 => rsa::pss::SigningKey::<Sha256>::new(key).sign_with_rng(random, message).to_vec(),
        Algorithm::Ps384 => rsa::pss::SigningKey::<Sha384>::new(key).sign_with_rng(random, message).to_vec(),
        Algorithm::Ps512 => rsa::pss::SigningKey::<Sha512>::new(key).sign_with_rng(random, message).to_vec(),
        other => unreachable!("{other} is not RSA"),
    }
}

/// Does what Envoy's `verify_signature` does, with parsers that are not ours: so the DER and the protobuf that we
/// make are checked by someone else.
pub(crate) fn boring_host(argument: &[u8]) -> Result<Vec<u8>, HostError> {
    let [hash, public_key, signature, text] = fields(argument);
    let good = if let Ok(key) = RS256PublicKey::from_der(public_key) {
        let RsaKey::Public(key) = &key.public_key().as_ref().rsa_key else {
            return Err(HostError::BadArgument);
        };
        verify_pkcs1(key, hash, text, signature)
    } else if let Ok(key) = ES256PublicKey::from_der(public_key) {
        assert_eq!(hash, b"sha256");
        p256::ecdsa::Signature::from_der(signature)
            .is_ok_and(|signature| key.public_key().as_ref().verify(text, &signature).is_ok())
    } else if let Ok(key) = ES384PublicKey::from_der(public_key) {
        assert_eq!(hash, b"sha384");
        p384::ecdsa::Signature::from_der(signature)
            .is_ok_and(|signature| key.public_key().as_ref().verify(text, &signature).is_ok())
    } else {
        use p521::pkcs8::DecodePublicKey as _;
        assert_eq!(hash, b"sha512");
        let key = p521::PublicKey::from_public_key_der(public_key).map_err(|_| HostError::BadArgument)?;
        p521::ecdsa::Signature::from_der(signature)
            .is_ok_and(|signature| p521::ecdsa::VerifyingKey::from(key).verify(text, &signature).is_ok())
    };
    Ok(if good { vec![8, 1] } else { b"\x12\x05wrong".to_vec() })
}

fn verify_pkcs1(key: &rsa::RsaPublicKey, hash: &[u8], text: &[u8], signature: &[u8]) -> bool {
    use rsa::pkcs1v15::{Signature, VerifyingKey};
    use rsa::sha2::{Sha256, Sha384, Sha512};
    use rsa::signature::Verifier as _;
    let Ok(signature) = Signature::try_from(signature) else { return false };
    match hash {
        b"sha256" => VerifyingKey::<Sha256>::new(key.clone()).verify(text, &signature).is_ok(),
        b"sha384" => VerifyingKey::<Sha384>::new(key.clone()).verify(text, &signature).is_ok(),
        b"sha512" => VerifyingKey::<Sha512>::new(key.clone()).verify(text, &signature).is_ok(),
        other => unreachable!("{other:?} is no hash that is used"),
    }
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

//! Key sets (RFC 7517): every key checked once, a broken one reported and skipped.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;

use crate::algorithm::{Algorithm, Curve, Scheme};
use crate::der;
use crate::vm_verifier::VmKey;

/// The fewest bits of an RSA modulus (RFC 7518, section 3.3) and the most that the VM's RSA takes.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;

/// A key that is fit for use, with what each verifier needs of it made ahead.
#[derive(Debug)]
pub struct Key {
    /// The key's name.
    pub id: Option<String>,
    /// The one algorithm that this key is for (RFC 8725, section 3.1).
    pub algorithm: Algorithm,
    /// For the verifier in the VM.
    pub(crate) vm: VmKey,
    /// For the host's verifier: DER, where the host can take the key.
    pub(crate) spki: Option<Vec<u8>>,
}

/// An issuer's keys.
#[derive(Debug, Default)]
pub struct KeySet {
    keys: Vec<Key>,
}

/// A key that was left out.
#[derive(Debug, thiserror::Error)]
#[error("keys[{index}]{}: {error}", .id.as_ref().map(|id| format!(" (kid `{id}`)")).unwrap_or_default())]
pub struct KeyProblem {
    /// Where in the set it stands.
    pub index: usize,
    /// Its `kid`, if it has one.
    pub id: Option<String>,
    /// What is wrong with it.
    pub error: KeyError,
}

/// What is wrong with a key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// No JWK at all, or a member of the wrong type.
    #[error("not a json web key: {0}")]
    NotAKey(serde_json::Error),
    /// Not for signatures, e.g. an encryption key; such keys are normal in a set.
    #[error("not for verifying signatures")]
    OtherUse,
    /// `alg` is missing, so a token could choose it.
    #[error("`alg` is missing; each key must say its algorithm")]
    NoAlgorithm,
    /// An algorithm that is not supported.
    #[error("`alg` `{0}` is not supported; supported are {names}", names = Algorithm::names())]
    UnsupportedAlgorithm(String),
    /// `kty` or `crv` is not what the algorithm needs.
    #[error("{algorithm} needs {needs}")]
    WrongKind {
        /// The key's algorithm.
        algorithm: Algorithm,
        /// The right `kty` and `crv`.
        needs: &'static str,
    },
    /// A number is missing or is not canonical base64url of the right length.
    #[error("`{0}` is missing or malformed")]
    Member(&'static str),
    /// The private key is in the set; whoever can read the set could sign tokens.
    #[error("contains the private member `d`; publish the public key only")]
    Private,
    /// Too few bits, or too many.
    #[error("the rsa modulus has {0} bits; 2048 to 4096 are accepted")]
    RsaBits(usize),
    /// A secret that is shorter than its algorithm's hash (RFC 7518, section 3.2).
    #[error("the secret has {has} bytes; at least {needs} are needed")]
    ShortSecret {
        /// Its bytes.
        has: usize,
        /// The fewest bytes.
        needs: usize,
    },
    /// The numbers are no key, e.g. a point that is not on its curve.
    #[error("the numbers are not a valid public key")]
    NotAPublicKey,
    /// Another key of the set has the same name and algorithm.
    #[error("another key has the same `kid` and `alg`")]
    Duplicate,
}

/// Why a set has no key for a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoKey {
    /// No key of that name and algorithm.
    #[error("no key has the token's `kid` and `alg`")]
    Unknown,
    /// The token names no key and the algorithm alone does not tell.
    #[error("the token has no `kid` and several keys have its `alg`")]
    Ambiguous,
}

/// A JWK's members that are looked at; the others are ignored (RFC 7517, section 4).
#[derive(Deserialize)]
struct RawKey {
    kty: String,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    k: Option<String>,
    d: Option<serde::de::IgnoredAny>,
    kid: Option<String>,
}

impl KeySet {
    /// Reads the members of a set's `keys`. What is broken is left out and reported.
    pub fn read(keys: &[Value]) -> (Self, Vec<KeyProblem>) {
        let mut set = Self::default();
        let mut problems = Vec::new();
        for (index, value) in keys.iter().enumerate() {
            if let Err(error) = Key::read(value).and_then(|key| set.add(key)) {
                let id = value.get("kid").and_then(Value::as_str).map(str::to_owned);
                problems.push(KeyProblem { index, id, error });
            }
        }
        (set, problems)
    }

    /// Whether there is no usable key.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Every usable key.
    pub fn iter(&self) -> impl Iterator<Item = &Key> {
        self.keys.iter()
    }

    /// The key for a token: by name, and always of the token's own algorithm; without a name the only key of that
    /// algorithm.
    ///
    /// # Errors
    /// There is none, or more than one.
    pub fn select(&self, algorithm: Algorithm, id: Option<&str>) -> Result<&Key, NoKey> {
        let mut fitting = self
            .keys
            .iter()
            .filter(|key| key.algorithm == algorithm && (id.is_none() || key.id.as_deref() == id));
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Ok(key),
            (None, _) => Err(NoKey::Unknown),
            (Some(_), Some(_)) => Err(NoKey::Ambiguous),
        }
    }

    fn add(&mut self, key: Key) -> Result<(), KeyError> {
        let same = |other: &Key| other.id.is_some() && other.id == key.id && other.algorithm == key.algorithm;
        if self.keys.iter().any(same) {
            return Err(KeyError::Duplicate);
        }
        self.keys.push(key);
        Ok(())
    }
}

impl Key {
    /// Reads one JWK.
    ///
    /// # Errors
    /// It is not fit for use.
    pub fn read(value: &Value) -> Result<Self, KeyError> {
        let raw = RawKey::deserialize(value).map_err(KeyError::NotAKey)?;
        let verifies = |operations: &Vec<String>| operations.iter().any(|operation| operation == "verify");
        if raw.usage.as_deref().is_some_and(|usage| usage != "sig")
            || raw.key_ops.as_ref().is_some_and(|operations| !verifies(operations))
        {
            return Err(KeyError::OtherUse);
        }
        let name = raw.alg.as_deref().ok_or(KeyError::NoAlgorithm)?;
        let algorithm =
            Algorithm::from_name(name).ok_or_else(|| KeyError::UnsupportedAlgorithm(name.to_owned()))?;
        if raw.d.is_some() {
            return Err(KeyError::Private);
        }
        let (vm, spki) = material(algorithm, &raw)?;
        Ok(Self { id: raw.kid, algorithm, vm, spki })
    }
}

/// What the verifiers need of a key.
fn material(algorithm: Algorithm, raw: &RawKey) -> Result<(VmKey, Option<Vec<u8>>), KeyError> {
    let needs = |kind: &str, curve: Option<&str>, needs| {
        let right = raw.kty == kind && (curve.is_none() || raw.crv.as_deref() == curve);
        right.then_some(()).ok_or(KeyError::WrongKind { algorithm, needs })
    };
    match algorithm.scheme() {
        Scheme::RsaPkcs1 | Scheme::RsaPss => {
            needs("RSA", None, "kty `RSA`")?;
            let (modulus, exponent) = (number("n", raw.n.as_deref())?, number("e", raw.e.as_deref())?);
            let bits = bits(&modulus);
            if !RSA_BITS.contains(&bits) {
                return Err(KeyError::RsaBits(bits));
            }
            let vm = VmKey::rsa(&modulus, &exponent).ok_or(KeyError::NotAPublicKey)?;
            let spki =
                (algorithm.scheme() == Scheme::RsaPkcs1).then(|| der::rsa_public_key(&modulus, &exponent));
            Ok((vm, spki))
        }
        Scheme::Ecdsa(curve) => {
            let kind = match curve {
                Curve::P256 => "kty `EC` and crv `P-256`",
                Curve::P384 => "kty `EC` and crv `P-384`",
                Curve::P521 => "kty `EC` and crv `P-521`",
            };
            needs("EC", Some(curve.name()), kind)?;
            let coordinate =
                |name, text| number(name, text).and_then(|bytes| exactly(name, curve.width(), bytes));
            let (x, y) = (coordinate("x", raw.x.as_deref())?, coordinate("y", raw.y.as_deref())?);
            let point = [[4].as_slice(), &x, &y].concat();
            let vm = VmKey::on_curve(curve, &point).ok_or(KeyError::NotAPublicKey)?;
            Ok((vm, Some(der::ec_public_key(curve, &point))))
        }
        Scheme::Ed25519 => {
            needs("OKP", Some("Ed25519"), "kty `OKP` and crv `Ed25519`")?;
            let point = exactly("x", 32, number("x", raw.x.as_deref())?)?;
            Ok((VmKey::ed25519(&point).ok_or(KeyError::NotAPublicKey)?, None))
        }
        Scheme::Hmac => {
            needs("oct", None, "kty `oct`")?;
            let secret = number("k", raw.k.as_deref())?;
            let needs = algorithm.hash().size();
            if secret.len() < needs {
                return Err(KeyError::ShortSecret { has: secret.len(), needs });
            }
            Ok((VmKey::Hmac(secret), None))
        }
    }
}

fn number(name: &'static str, text: Option<&str>) -> Result<Vec<u8>, KeyError> {
    URL_SAFE_NO_PAD
        .decode(text.unwrap_or_default())
        .ok()
        .filter(|bytes| !bytes.is_empty())
        .ok_or(KeyError::Member(name))
}

fn exactly(name: &'static str, length: usize, bytes: Vec<u8>) -> Result<Vec<u8>, KeyError> {
    if bytes.len() == length { Ok(bytes) } else { Err(KeyError::Member(name)) }
}

fn bits(number: &[u8]) -> usize {
    let mut digits = number.iter().skip_while(|byte| **byte == 0);
    match digits.next() {
        None => 0,
        Some(first) => digits.count() * 8 + (u8::BITS - first.leading_zeros()) as usize,
    }
}

#[cfg(test)]
mod tests {
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
        let (set, problems) = KeySet::read(&keys);
        assert!(set.select(Algorithm::EdDsa, Some("EdDSA")).is_ok());
        let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            problems[0],
            "keys[1] (kid `small`): the rsa modulus has 17 bits; 2048 to 4096 are accepted"
        );
        assert!(problems[1].starts_with("keys[14]: not a json web key"), "{problems:?}");
        assert_eq!(problems.len(), 2);
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
        let point =
            changed(testing::signer(Algorithm::Es256).jwk(), "y", json!(URL_SAFE_NO_PAD.encode([1; 32])));
        assert_eq!(problem(&point), "the numbers are not a valid public key");
        let short = changed(testing::signer(Algorithm::Es256).jwk(), "x", json!("AQ"));
        assert_eq!(problem(&short), "`x` is missing or malformed");
        let zero =
            changed(testing::signer(Algorithm::EdDsa).jwk(), "x", json!(URL_SAFE_NO_PAD.encode([0; 32])));
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
            "`alg` is missing; each key must say its algorithm"
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
        let (set, problems) = KeySet::read(&keys);
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
        let (set, problems) = KeySet::read(&[rsa.clone(), rsa]);
        assert_eq!(problems.len(), 1);
        assert!(set.select(Algorithm::Rs256, Some("RS256")).is_ok());
    }
}

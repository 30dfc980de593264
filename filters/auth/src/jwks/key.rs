//! One key: read from a JWK or a PEM, checked, and made ready for the verifiers.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::in_a_log;
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

/// What is wrong with a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// No JWK at all, or a member of the wrong type.
    #[error("not a json web key: {0}")]
    NotAKey(String),
    /// Not for signatures, e.g. an encryption key; such keys are normal in a set.
    #[error("not for verifying signatures")]
    OtherUse,
    /// `alg` is missing, and more than one algorithm has such keys, so a token could choose it.
    #[error(
        "`alg` is missing; each key must say its algorithm, or the issuer's `algorithms` leave but one for it"
    )]
    NoAlgorithm,
    /// An algorithm that is not supported.
    #[error("`alg` `{}` is not supported; supported are {names}", in_a_log(.0), names = Algorithm::names())]
    UnsupportedAlgorithm(String),
    /// An algorithm that the issuer's tokens must not have.
    #[error("{0} is not among the issuer's `algorithms`")]
    NotAllowed(Algorithm),
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

/// What a key consists of, however it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Material {
    /// Big-endian modulus and exponent.
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
    /// An uncompressed point (`04 || x || y`).
    Ec { curve: Curve, point: Vec<u8> },
    /// A point on Ed25519.
    Ed25519(Vec<u8>),
    /// A secret.
    Secret(Vec<u8>),
}

impl Material {
    /// What it is, in words.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Rsa { .. } => "an rsa key",
            Self::Ec { curve: Curve::P256, .. } => "a key on the curve P-256",
            Self::Ec { curve: Curve::P384, .. } => "a key on the curve P-384",
            Self::Ec { curve: Curve::P521, .. } => "a key on the curve P-521",
            Self::Ed25519(_) => "an ed25519 key",
            Self::Secret(_) => "a secret",
        }
    }
}

impl Key {
    /// Reads one JWK. Its members that are not looked at are ignored (RFC 7517, section 4).
    ///
    /// # Errors
    /// It is not fit for use.
    pub fn read(value: &Value) -> Result<Self, KeyError> {
        Self::read_among(value, &Algorithm::ALL)
    }

    /// Reads one JWK of an issuer whose tokens have these algorithms. A key that does not say its algorithm is for the
    /// only one of them that has keys of its kind; some large issuers publish such keys.
    ///
    /// # Errors
    /// It is not fit for use.
    pub(super) fn read_among(value: &Value, allowed: &[Algorithm]) -> Result<Self, KeyError> {
        if !value.is_object() {
            return Err(KeyError::NotAKey("must be an object".to_owned()));
        }
        if text(value, "use")?.is_some_and(|usage| usage != "sig") || !may_verify(value)? {
            return Err(KeyError::OtherUse);
        }
        let algorithm = match text(value, "alg")? {
            Some(name) => {
                Algorithm::from_name(name).ok_or_else(|| KeyError::UnsupportedAlgorithm(name.to_owned()))?
            }
            None => only_algorithm(value, allowed)?,
        };
        if member(value, "d").is_some() {
            return Err(KeyError::Private);
        }
        let id = text(value, "kid")?.map(str::to_owned);
        Self::new(id, algorithm, jwk_material(algorithm, value)?)
    }

    /// A key of this material.
    ///
    /// # Errors
    /// It is not fit for the algorithm.
    pub(crate) fn new(
        id: Option<String>,
        algorithm: Algorithm,
        material: Material,
    ) -> Result<Self, KeyError> {
        let (vm, spki) = checked(algorithm, material)?;
        Ok(Self { id, algorithm, vm, spki })
    }
}

/// What the verifiers need of a key.
fn checked(algorithm: Algorithm, material: Material) -> Result<(VmKey, Option<Vec<u8>>), KeyError> {
    let wrong_kind = KeyError::WrongKind { algorithm, needs: needs(algorithm) };
    match (algorithm.scheme(), material) {
        (scheme @ (Scheme::RsaPkcs1 | Scheme::RsaPss), Material::Rsa { modulus, exponent }) => {
            let bits = bits(&modulus);
            if !RSA_BITS.contains(&bits) {
                return Err(KeyError::RsaBits(bits));
            }
            let vm = VmKey::rsa(&modulus, &exponent).ok_or(KeyError::NotAPublicKey)?;
            Ok((vm, (scheme == Scheme::RsaPkcs1).then(|| der::rsa_public_key(&modulus, &exponent))))
        }
        (Scheme::Ecdsa(wanted), Material::Ec { curve, point }) => {
            if curve != wanted {
                return Err(wrong_kind);
            }
            let vm = VmKey::on_curve(curve, &point).ok_or(KeyError::NotAPublicKey)?;
            Ok((vm, Some(der::ec_public_key(curve, &point))))
        }
        (Scheme::Ed25519, Material::Ed25519(point)) => {
            Ok((VmKey::ed25519(&point).ok_or(KeyError::NotAPublicKey)?, None))
        }
        (Scheme::Hmac, Material::Secret(secret)) => {
            let needs = algorithm.hash().size();
            if secret.len() < needs {
                return Err(KeyError::ShortSecret { has: secret.len(), needs });
            }
            Ok((VmKey::Hmac(secret), None))
        }
        _ => Err(wrong_kind),
    }
}

/// The `kty` and `crv` of an algorithm's keys.
fn needs(algorithm: Algorithm) -> &'static str {
    match algorithm.scheme() {
        Scheme::RsaPkcs1 | Scheme::RsaPss => "kty `RSA`",
        Scheme::Ecdsa(Curve::P256) => "kty `EC` and crv `P-256`",
        Scheme::Ecdsa(Curve::P384) => "kty `EC` and crv `P-384`",
        Scheme::Ecdsa(Curve::P521) => "kty `EC` and crv `P-521`",
        Scheme::Ed25519 => "kty `OKP` and crv `Ed25519`",
        Scheme::Hmac => "kty `oct`",
    }
}

/// The material of a JWK that is of its algorithm's kind.
fn jwk_material(algorithm: Algorithm, value: &Value) -> Result<Material, KeyError> {
    if !is_of_kind(algorithm, value)? {
        return Err(KeyError::WrongKind { algorithm, needs: needs(algorithm) });
    }
    Ok(match algorithm.scheme() {
        Scheme::RsaPkcs1 | Scheme::RsaPss => {
            Material::Rsa { modulus: number(value, "n")?, exponent: number(value, "e")? }
        }
        Scheme::Ecdsa(curve) => {
            let width = curve.width();
            let (x, y) = (coordinate(value, "x", width)?, coordinate(value, "y", width)?);
            Material::Ec { curve, point: [[4].as_slice(), &x, &y].concat() }
        }
        Scheme::Ed25519 => Material::Ed25519(coordinate(value, "x", 32)?),
        Scheme::Hmac => Material::Secret(number(value, "k")?),
    })
}

/// Whether a JWK is of the kind that an algorithm's keys have.
fn is_of_kind(algorithm: Algorithm, value: &Value) -> Result<bool, KeyError> {
    let (kind, curve) = match algorithm.scheme() {
        Scheme::RsaPkcs1 | Scheme::RsaPss => ("RSA", None),
        Scheme::Ecdsa(curve) => ("EC", Some(curve.name())),
        Scheme::Ed25519 => ("OKP", Some("Ed25519")),
        Scheme::Hmac => ("oct", None),
    };
    let found = text(value, "kty")?.ok_or_else(|| KeyError::NotAKey("`kty` is missing".to_owned()))?;
    Ok(found == kind && (curve.is_none() || text(value, "crv")? == curve))
}

/// The only one of these algorithms that has keys of a JWK's kind.
fn only_algorithm(value: &Value, allowed: &[Algorithm]) -> Result<Algorithm, KeyError> {
    let mut only = None;
    for algorithm in allowed {
        if is_of_kind(*algorithm, value)? && only.replace(*algorithm).is_some() {
            return Err(KeyError::NoAlgorithm);
        }
    }
    only.ok_or(KeyError::NoAlgorithm)
}

/// Whether `key_ops`, where it is there, allows to verify.
fn may_verify(value: &Value) -> Result<bool, KeyError> {
    match member(value, "key_ops") {
        None => Ok(true),
        Some(Value::Array(operations)) => Ok(operations.iter().any(|operation| operation == "verify")),
        Some(_) => Err(KeyError::NotAKey("`key_ops` must be a list".to_owned())),
    }
}

/// A member; null counts as missing.
fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value.get(name).filter(|member| !member.is_null())
}

fn text<'a>(value: &'a Value, name: &str) -> Result<Option<&'a str>, KeyError> {
    match member(value, name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(KeyError::NotAKey(["`", name, "` must be text"].concat())),
    }
}

fn number(value: &Value, name: &'static str) -> Result<Vec<u8>, KeyError> {
    let digits = URL_SAFE_NO_PAD.decode(text(value, name)?.unwrap_or_default());
    digits.ok().filter(|bytes| !bytes.is_empty()).ok_or(KeyError::Member(name))
}

fn coordinate(value: &Value, name: &'static str, width: usize) -> Result<Vec<u8>, KeyError> {
    let bytes = number(value, name)?;
    if bytes.len() == width { Ok(bytes) } else { Err(KeyError::Member(name)) }
}

fn bits(number: &[u8]) -> usize {
    let mut digits = number.iter().skip_while(|byte| **byte == 0);
    match digits.next() {
        None => 0,
        Some(first) => digits.count() * 8 + (u8::BITS - first.leading_zeros()) as usize,
    }
}

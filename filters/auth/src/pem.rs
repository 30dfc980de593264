//! A single public key as PEM (RFC 7468): SubjectPublicKeyInfo and nothing else, read strictly.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::algorithm::{Algorithm, Curve, Scheme};
use crate::der::{self, DerError};
use crate::jwks::{KeyError, Material};

/// Why a PEM is refused: what it is, and how to make what is wanted of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PemError {
    #[error("must be one pem block, from `-----BEGIN PUBLIC KEY-----` to its end and nothing around it")]
    NoBlock,
    #[error("has more than one pem block; an issuer with several keys needs `jwks`")]
    Several,
    #[error("is a certificate; its public key is what `openssl x509 -in FILE -noout -pubkey` prints")]
    Certificate,
    #[error(
        "is a private key, which must not be here; its public key is what `openssl pkey -in FILE -pubout` prints"
    )]
    Private,
    #[error(
        "is an rsa key in pkcs#1 form; what is wanted is what `openssl rsa -RSAPublicKey_in -in FILE -pubout` prints"
    )]
    Pkcs1,
    #[error("is no public key; the block must be `PUBLIC KEY`")]
    OtherLabel,
    #[error("is not base64 between its lines")]
    NotBase64,
    #[error("{0}")]
    Der(#[from] DerError),
}

/// What a public key consists of.
pub(crate) fn public_key(text: &str) -> Result<Material, PemError> {
    let (label, rest) = text
        .trim_ascii()
        .strip_prefix("-----BEGIN ")
        .and_then(|rest| rest.split_once("-----"))
        .ok_or(PemError::NoBlock)?;
    match label {
        "PUBLIC KEY" => {}
        "RSA PUBLIC KEY" => return Err(PemError::Pkcs1),
        label if label.ends_with("CERTIFICATE") => return Err(PemError::Certificate),
        label if label.ends_with("PRIVATE KEY") => return Err(PemError::Private),
        _ => return Err(PemError::OtherLabel),
    }
    let (body, after) = rest.split_once("-----END PUBLIC KEY-----").ok_or(PemError::NoBlock)?;
    if !after.is_empty() {
        let more = after.contains("-----BEGIN ");
        return Err(if more { PemError::Several } else { PemError::NoBlock });
    }
    let digits: Vec<u8> = body.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let bytes = STANDARD.decode(digits).map_err(|_| PemError::NotBase64)?;
    Ok(der::public_key(&bytes)?)
}

/// Why a key is not fit for an algorithm, in the words of this form.
pub(crate) fn unfit(algorithm: Algorithm, found: &str, error: &KeyError) -> String {
    if !matches!(error, KeyError::WrongKind { .. }) {
        return error.to_string();
    }
    let needs = match algorithm.scheme() {
        Scheme::RsaPkcs1 | Scheme::RsaPss => "an rsa key",
        Scheme::Ecdsa(Curve::P256) => "a key on the curve P-256",
        Scheme::Ecdsa(Curve::P384) => "a key on the curve P-384",
        Scheme::Ecdsa(Curve::P521) => "a key on the curve P-521",
        Scheme::Ed25519 => "an ed25519 key",
        Scheme::Hmac => "a secret, which a public key never is (`jwks` may have one)",
    };
    [algorithm.name(), " needs ", needs, "; this is ", found].concat()
}

#[cfg(test)]
mod tests;

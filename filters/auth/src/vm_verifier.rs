//! Signatures verified inside the VM, by jwt-simple's keys and the pure-Rust crates under it.
//!
//! jwt-simple checks the keys (RSA exponent and size, points on their curves, no small-order points). Its token functions
//! are not used: they have rules of their own (optional `exp`, 900 s leeway, a second JSON parse) that the host's path
//! would not share.

use std::fmt;

use ed25519_compact::Signature as EdSignature;
use jwt_simple::prelude::{
    ECDSAP256PublicKeyLike, ECDSAP384PublicKeyLike, ES256PublicKey, ES384PublicKey, Ed25519PublicKey,
    EdDSAPublicKeyLike, RS256PublicKey, RSAPublicKeyLike,
};
use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use superboring::reexports::rsa::{Pkcs1v15Sign, Pss, RsaPublicKey};
use superboring::reexports::{hmac_sha256, hmac_sha512};
use superboring::rsa::RsaKey;

use crate::algorithm::{Algorithm, Curve, Hash, Scheme};
use crate::jwks::Key;
use crate::verify::{SignatureError, SignatureVerifier};

/// Verifies in the VM: every algorithm but ES512, at the VM's speed.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct VmVerifier;

/// A key in the form that its crate wants.
pub(crate) enum VmKey {
    Rsa(Box<RsaPublicKey>),
    P256(Box<p256::ecdsa::VerifyingKey>),
    P384(Box<p384::ecdsa::VerifyingKey>),
    Ed25519(Ed25519PublicKey),
    Hmac(Vec<u8>),
    /// Only a host can use it, and it alone can tell whether the point is on the curve.
    HostOnly,
}

/// Nothing of the key itself: some are secrets.
impl fmt::Debug for VmKey {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(match self {
            Self::Rsa(_) => "Rsa",
            Self::P256(_) => "P256",
            Self::P384(_) => "P384",
            Self::Ed25519(_) => "Ed25519",
            Self::Hmac(_) => "Hmac",
            Self::HostOnly => "HostOnly",
        })
    }
}

impl VmKey {
    /// `None` when it is no RSA key, or one with another exponent than 65537.
    pub(crate) fn rsa(modulus: &[u8], exponent: &[u8]) -> Option<Self> {
        let key = RS256PublicKey::from_components(modulus, exponent).ok()?;
        match &key.public_key().as_ref().rsa_key {
            RsaKey::Public(key) => Some(Self::Rsa(Box::new(key.clone()))),
            RsaKey::Private(_) | RsaKey::None => None,
        }
    }

    /// `None` when the point is not on the curve.
    pub(crate) fn on_curve(curve: Curve, point: &[u8]) -> Option<Self> {
        match curve {
            Curve::P256 => {
                let key = ES256PublicKey::from_bytes(point).ok()?;
                Some(Self::P256(Box::new(*key.public_key().as_ref())))
            }
            Curve::P384 => {
                let key = ES384PublicKey::from_bytes(point).ok()?;
                Some(Self::P384(Box::new(*key.public_key().as_ref())))
            }
            Curve::P521 => Some(Self::HostOnly),
        }
    }

    /// `None` when the point is not on the curve, not canonical, or of small order.
    pub(crate) fn ed25519(point: &[u8]) -> Option<Self> {
        Ed25519PublicKey::from_bytes(point).ok().map(Self::Ed25519)
    }

    fn accepts(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let hash = algorithm.hash();
        match self {
            Self::Rsa(key) if algorithm.scheme() == Scheme::RsaPss => {
                key.verify(pss(hash), &digest(hash, message), signature).is_ok()
            }
            Self::Rsa(key) => key.verify(pkcs1(hash), &digest(hash, message), signature).is_ok(),
            Self::P256(key) => p256::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_prehash(&digest(hash, message), &signature).is_ok()),
            Self::P384(key) => p384::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_prehash(&digest(hash, message), &signature).is_ok()),
            Self::Ed25519(key) => EdSignature::from_slice(signature)
                .is_ok_and(|signature| key.public_key().as_ref().verify(message, &signature).is_ok()),
            Self::Hmac(key) => equal_in_constant_time(&mac(hash, message, key), signature),
            Self::HostOnly => false,
        }
    }
}

impl SignatureVerifier for VmVerifier {
    fn supports(&self, algorithm: Algorithm) -> bool {
        algorithm != Algorithm::Es512
    }

    fn verify(&self, key: &Key, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        if !self.supports(key.algorithm) {
            return Err(SignatureError::Unavailable);
        }
        key.vm.accepts(key.algorithm, message, signature).then_some(()).ok_or(SignatureError::Wrong)
    }
}

fn digest(hash: Hash, message: &[u8]) -> Vec<u8> {
    match hash {
        Hash::Sha256 => hmac_sha256::Hash::hash(message).to_vec(),
        Hash::Sha384 => hmac_sha512::sha384::Hash::hash(message).to_vec(),
        Hash::Sha512 => hmac_sha512::Hash::hash(message).to_vec(),
    }
}

fn mac(hash: Hash, message: &[u8], key: &[u8]) -> Vec<u8> {
    match hash {
        Hash::Sha256 => hmac_sha256::HMAC::mac(message, key).to_vec(),
        Hash::Sha384 => hmac_sha512::sha384::HMAC::mac(message, key).to_vec(),
        Hash::Sha512 => hmac_sha512::HMAC::mac(message, key).to_vec(),
    }
}

fn pkcs1(hash: Hash) -> Pkcs1v15Sign {
    match hash {
        Hash::Sha256 => Pkcs1v15Sign::new::<hmac_sha256::WrappedHash>(),
        Hash::Sha384 => Pkcs1v15Sign::new::<hmac_sha512::sha384::WrappedHash>(),
        Hash::Sha512 => Pkcs1v15Sign::new::<hmac_sha512::WrappedHash>(),
    }
}

/// The salt is as long as the hash (RFC 7518, section 3.5).
fn pss(hash: Hash) -> Pss {
    match hash {
        Hash::Sha256 => Pss::new::<hmac_sha256::WrappedHash>(),
        Hash::Sha384 => Pss::new::<hmac_sha512::sha384::WrappedHash>(),
        Hash::Sha512 => Pss::new::<hmac_sha512::WrappedHash>(),
    }
}

/// Compares a MAC without telling by the time where it differs; its length is no secret.
fn equal_in_constant_time(ours: &[u8], theirs: &[u8]) -> bool {
    let difference = ours.iter().zip(theirs).fold(0, |sum, (a, b)| std::hint::black_box(sum | (a ^ b)));
    ours.len() == theirs.len() && difference == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn macs_are_compared_whole() {
        assert!(equal_in_constant_time(b"abc", b"abc"));
        for other in [b"abd".as_slice(), b"xbc", b"ab", b"abcd", b""] {
            assert!(!equal_in_constant_time(b"abc", other), "{other:?}");
        }
        assert!(!equal_in_constant_time(b"abc", b""));
    }
}

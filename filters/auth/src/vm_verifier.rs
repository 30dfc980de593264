//! Signatures verified inside the VM, by jwt-simple's keys and the pure-Rust crates under it.
//!
//! jwt-simple checks the keys (RSA exponent and size, points on their curves, no small-order points). Its token functions
//! are not used: they have rules of their own (optional `exp`, 900 s leeway, a second JSON parse) that the host's path
//! would not share.

use ed25519_compact::Signature as EdSignature;
use jwt_simple::prelude::{
    ECDSAP256PublicKeyLike, ES256PublicKey, Ed25519PublicKey, EdDSAPublicKeyLike, HS256Key, MACLike,
    RS256PublicKey, RSAPublicKeyLike,
};
use p256::ecdsa::signature::Verifier as _;
use superboring::reexports::rsa::pkcs1v15::{Signature as RsaSignature, VerifyingKey as RsaVerifyingKey};
use superboring::reexports::rsa::sha2::Sha256;
use superboring::reexports::rsa::signature::Verifier as _;
use superboring::rsa::RsaKey;

use crate::algorithm::Algorithm;
use crate::jwks::Key;
use crate::verify::{SignatureError, SignatureVerifier};

/// Verifies in the VM: every algorithm, at the VM's speed.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct VmVerifier;

/// A key in the form that its crate wants.
#[derive(Debug)]
pub(crate) enum VmKey {
    Rsa(Box<RsaVerifyingKey<Sha256>>),
    P256(Box<p256::ecdsa::VerifyingKey>),
    Ed25519(Ed25519PublicKey),
    Hmac(HS256Key),
}

impl VmKey {
    /// `None` when it is no RSA key, or one with another exponent than 65537.
    pub(crate) fn rsa(modulus: &[u8], exponent: &[u8]) -> Option<Self> {
        let key = RS256PublicKey::from_components(modulus, exponent).ok()?;
        match &key.public_key().as_ref().rsa_key {
            RsaKey::Public(key) => Some(Self::Rsa(Box::new(RsaVerifyingKey::new(key.clone())))),
            RsaKey::Private(_) | RsaKey::None => None,
        }
    }

    /// `None` when the point is not on the curve.
    pub(crate) fn p256(point: &[u8]) -> Option<Self> {
        let key = ES256PublicKey::from_bytes(point).ok()?;
        Some(Self::P256(Box::new(*key.public_key().as_ref())))
    }

    /// `None` when the point is not on the curve, not canonical, or of small order.
    pub(crate) fn ed25519(point: &[u8; 32]) -> Option<Self> {
        Ed25519PublicKey::from_bytes(point).ok().map(Self::Ed25519)
    }

    pub(crate) fn hmac(secret: &[u8]) -> Self {
        Self::Hmac(HS256Key::from_bytes(secret))
    }

    fn accepts(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Rsa(key) => RsaSignature::try_from(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            Self::P256(key) => p256::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            Self::Ed25519(key) => EdSignature::from_slice(signature)
                .is_ok_and(|signature| key.public_key().as_ref().verify(message, &signature).is_ok()),
            Self::Hmac(key) => equal_in_constant_time(&key.authentication_tag(message), signature),
        }
    }
}

impl SignatureVerifier for VmVerifier {
    fn supports(&self, _algorithm: Algorithm) -> bool {
        true
    }

    fn verify(&self, key: &Key, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        key.vm.accepts(message, signature).then_some(()).ok_or(SignatureError::Wrong)
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

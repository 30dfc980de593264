//! Signatures verified inside the VM, by the pure-Rust crates that jwt-simple stands on.
//!
//! jwt-simple's token functions are not used: they have rules of their own (optional `exp`, 900 s leeway, a second JSON
//! parse) that the host's path would not share. Of its keys the HMAC ones are; its public keys can fail, and their errors
//! bring every text of PKCS#8, DER and PEM and a printer for backtraces with them, a tenth of the module. So public keys
//! are made right from the crates below, with the same checks.

use std::fmt;

use ed25519_compact::{PublicKey as Ed25519PublicKey, Signature as EdSignature};
use jwt_simple::prelude::{HS256Key, HS384Key, HS512Key, MACLike as _};
use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use p256::elliptic_curve::point::AffineCoordinates as _;
use superboring::reexports::rsa::{BigUint, Pkcs1v15Sign, Pss, RsaPublicKey};
use superboring::reexports::{hmac_sha256, hmac_sha512};

use crate::algorithm::{Algorithm, Curve, Hash, Scheme};
use crate::jwks::Key;
use crate::verify::{SignatureError, SignatureVerifier};

/// The only exponent that keys have in practice; others are refused.
const RSA_EXPONENT: u32 = 65_537;

/// What a verification may cost.
const MOST_RSA_BITS: usize = 4096;

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
    /// `None` when it is no RSA key, or one with another exponent than 65537 or with too long a modulus.
    pub(crate) fn rsa(modulus: &[u8], exponent: &[u8]) -> Option<Self> {
        let exponent = BigUint::from_bytes_be(exponent);
        if exponent != BigUint::from(RSA_EXPONENT) {
            return None;
        }
        // Refuses an even modulus too, and one not above the exponent.
        let key = RsaPublicKey::new_with_max_size(BigUint::from_bytes_be(modulus), exponent, MOST_RSA_BITS);
        Some(Self::Rsa(Box::new(key.ok()?)))
    }

    /// A point in the uncompressed form of SEC 1 (section 2.3.3); `None` when it is not on the curve.
    pub(crate) fn on_curve(curve: Curve, point: &[u8]) -> Option<Self> {
        let (x, y) = point.strip_prefix(&[4])?.split_at_checked(curve.width())?;
        match curve {
            Curve::P256 => {
                let point = p256::AffinePoint::from_coordinates(x.try_into().ok()?, y.try_into().ok()?);
                let key = p256::ecdsa::VerifyingKey::from_affine(Option::from(point)?).ok()?;
                Some(Self::P256(Box::new(key)))
            }
            Curve::P384 => {
                let point = p384::AffinePoint::from_coordinates(x.try_into().ok()?, y.try_into().ok()?);
                let key = p384::ecdsa::VerifyingKey::from_affine(Option::from(point)?).ok()?;
                Some(Self::P384(Box::new(key)))
            }
            Curve::P521 => Some(Self::HostOnly),
        }
    }

    /// `None` when the point is not on the curve, not canonical, or of small order.
    pub(crate) fn ed25519(point: &[u8]) -> Option<Self> {
        let key = Ed25519PublicKey::from_slice(point).ok()?;
        key.validate().ok()?;
        Some(Self::Ed25519(key))
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
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
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
        Hash::Sha256 => HS256Key::from_bytes(key).authentication_tag(message),
        Hash::Sha384 => HS384Key::from_bytes(key).authentication_tag(message),
        Hash::Sha512 => HS512Key::from_bytes(key).authentication_tag(message),
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

    /// p, the prime of P-256's field (FIPS 186-4, D.1.2.3).
    const P256_PRIME: &str = "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff";

    /// The square root of the curve's b, so that (0, y) is a point.
    const P256_Y_OF_ZERO: &str = "66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4";

    fn hex(text: &str) -> Vec<u8> {
        text.as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }

    #[test]
    fn rsa_keys_have_the_usual_exponent_an_odd_modulus_and_a_bounded_length() {
        let odd = [[0x80; 255].as_slice(), &[1]].concat();
        assert!(VmKey::rsa(&odd, &[1, 0, 1]).is_some());
        assert!(VmKey::rsa(&odd, &[0, 1, 0, 1]).is_some(), "leading zeros do not count");
        for exponent in [&[3_u8][..], &[1, 0, 3], &[1, 0, 0, 0, 1], &[]] {
            assert!(VmKey::rsa(&odd, exponent).is_none(), "{exponent:?}");
        }
        assert!(VmKey::rsa(&[0x80; 256], &[1, 0, 1]).is_none(), "even");
        assert!(VmKey::rsa(&[1, 0, 1], &[1, 0, 1]).is_none(), "not above the exponent");
        assert!(VmKey::rsa(&[], &[1, 0, 1]).is_none(), "empty");
        let longest = [[0x80; 511].as_slice(), &[1]].concat();
        assert!(VmKey::rsa(&longest, &[1, 0, 1]).is_some());
        assert!(VmKey::rsa(&[[1].as_slice(), &longest].concat(), &[1, 0, 1]).is_none(), "4097 bits");
    }

    #[test]
    fn points_are_on_their_curve_canonical_and_in_full() {
        let y = hex(P256_Y_OF_ZERO);
        let point = [[4; 1].as_slice(), &[0; 32], &y].concat();
        assert!(VmKey::on_curve(Curve::P256, &point).is_some());
        // The same point, if coordinates were taken modulo p.
        let beyond = [[4; 1].as_slice(), &hex(P256_PRIME), &y].concat();
        let compressed = [[2; 1].as_slice(), &[0; 32]].concat();
        let other = [[4; 1].as_slice(), &[1; 32], &y].concat();
        let longer = [point.as_slice(), &[0]].concat();
        for bad in [beyond.as_slice(), &compressed, &other, &longer, &point[..64], &[0; 65], &[4], &[0], &[]]
        {
            assert!(VmKey::on_curve(Curve::P256, bad).is_none(), "{bad:?}");
        }
        assert!(VmKey::on_curve(Curve::P384, &point).is_none());
    }

    #[test]
    fn points_of_small_order_are_no_ed25519_keys() {
        let mut identity = [0; 32];
        identity[0] = 1;
        for weak in [[0; 32], identity] {
            assert!(VmKey::ed25519(&weak).is_none(), "{weak:?}");
        }
        assert!(VmKey::ed25519(&[0xff; 32]).is_none(), "not canonical");
        assert!(VmKey::ed25519(&[]).is_none());
    }

    #[test]
    fn macs_are_compared_whole() {
        assert!(equal_in_constant_time(b"abc", b"abc"));
        for other in [b"abd".as_slice(), b"xbc", b"ab", b"abcd", b""] {
            assert!(!equal_in_constant_time(b"abc", other), "{other:?}");
        }
        assert!(!equal_in_constant_time(b"abc", b""));
    }
}

//! The DER that the host's crypto wants: public keys as SubjectPublicKeyInfo (RFC 5280, section 4.1) and ECDSA
//! signatures as `Ecdsa-Sig-Value` (RFC 3279, section 2.2.3). JOSE has bare numbers for both.
//!
//! And the way back for keys that are configured as PEM: what is read is exactly what would be written.

use crate::algorithm::Curve;
use crate::jwks::Material;

/// `rsaEncryption` with its NULL parameters, as an AlgorithmIdentifier.
const RSA: [u8; 15] =
    [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

/// `id-ecPublicKey`, as an OBJECT IDENTIFIER.
const EC: [u8; 9] = [0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];

/// The named curves `secp256r1`, `secp384r1` and `secp521r1`, as OBJECT IDENTIFIERs (RFC 5480, section 2.1.1.1).
const P256: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384: [u8; 7] = [0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22];
const P521: [u8; 7] = [0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23];
/// `id-Ed25519` (RFC 8410, section 3), as an AlgorithmIdentifier.
const ED25519: [u8; 7] = [0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70];

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;

/// Why bytes are no SubjectPublicKeyInfo that could be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DerError {
    #[error("is not a public key in der (`SubjectPublicKeyInfo`)")]
    Malformed,
    #[error(
        "is a compressed point; `openssl ec -pubin -in FILE -pubout -conv_form uncompressed` prints it whole"
    )]
    Compressed,
    #[error(
        "is a key of a kind that is not supported; rsa, ed25519 and the curves P-256, P-384 and P-521 are"
    )]
    Unsupported,
}

/// Reads a SubjectPublicKeyInfo. Whether the numbers are a key, and a good one, is for others to say.
pub(crate) fn public_key(bytes: &[u8]) -> Result<Material, DerError> {
    let (whole, rest) = split(bytes, SEQUENCE).ok_or(DerError::Malformed)?;
    let (algorithm, bits) = split(whole, SEQUENCE).ok_or(DerError::Malformed)?;
    let (bits, after) = split(bits, BIT_STRING).ok_or(DerError::Malformed)?;
    // A key has whole bytes: the number of unused bits in front is 0.
    let key = bits.strip_prefix(&[0]).ok_or(DerError::Malformed)?;
    if !rest.is_empty() || !after.is_empty() {
        return Err(DerError::Malformed);
    }
    let is = |known: &[u8]| known.get(2..) == Some(algorithm);
    if is(&RSA) {
        return rsa_numbers(key).ok_or(DerError::Malformed);
    }
    if is(&ED25519) {
        return Ok(Material::Ed25519(key.to_vec()));
    }
    let named = algorithm.strip_prefix(&EC).ok_or(DerError::Unsupported)?;
    let all = [(Curve::P256, P256.as_slice()), (Curve::P384, &P384), (Curve::P521, &P521)];
    let curve = all.into_iter().find(|(_, name)| *name == named).ok_or(DerError::Unsupported)?.0;
    match key.first() {
        Some(4) if key.len() == 1 + 2 * curve.width() => Ok(Material::Ec { curve, point: key.to_vec() }),
        Some(2 | 3) if key.len() == 1 + curve.width() => Err(DerError::Compressed),
        _ => Err(DerError::Malformed),
    }
}

/// `RSAPublicKey` (RFC 8017, appendix A.1.1).
fn rsa_numbers(key: &[u8]) -> Option<Material> {
    let (numbers, rest) = split(key, SEQUENCE)?;
    let (modulus, numbers) = split(numbers, INTEGER)?;
    let (exponent, after) = split(numbers, INTEGER)?;
    if !rest.is_empty() || !after.is_empty() {
        return None;
    }
    Some(Material::Rsa { modulus: positive(modulus)?.to_vec(), exponent: positive(exponent)?.to_vec() })
}

/// The digits of a number above zero in its shortest form.
fn positive(content: &[u8]) -> Option<&[u8]> {
    match content {
        [1..=0x7f, ..] => Some(content),
        [0, digits @ ..] if digits.first().is_some_and(|first| *first >= 0x80) => Some(digits),
        _ => None,
    }
}

/// The content of the element at the front, which must have this tag, and what is behind it. Lengths are in their
/// shortest form, as DER has it (X.690, section 10.1), and no longer than two bytes, as no key here is.
fn split(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (length, rest) = match bytes.strip_prefix(&[tag])? {
        [short @ 0..=0x7f, rest @ ..] => (usize::from(*short), rest),
        [0x81, long @ 0x80..=0xff, rest @ ..] => (usize::from(*long), rest),
        [0x82, high @ 1..=0xff, low, rest @ ..] => (usize::from(*high) << 8 | usize::from(*low), rest),
        _ => return None,
    };
    rest.split_at_checked(length)
}

/// The SubjectPublicKeyInfo of an RSA key, from its big-endian modulus and exponent.
pub(crate) fn rsa_public_key(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let key = element(SEQUENCE, &[&integer(modulus), &integer(exponent)]);
    element(SEQUENCE, &[&RSA, &element(BIT_STRING, &[&[0], &key])])
}

/// The SubjectPublicKeyInfo of a key on a curve, from its uncompressed point (`04 || x || y`).
pub(crate) fn ec_public_key(curve: Curve, point: &[u8]) -> Vec<u8> {
    let name: &[u8] = match curve {
        Curve::P256 => &P256,
        Curve::P384 => &P384,
        Curve::P521 => &P521,
    };
    element(SEQUENCE, &[&element(SEQUENCE, &[&EC, name]), &element(BIT_STRING, &[&[0], point])])
}

/// An ECDSA signature, from JOSE's `r || s` (RFC 7518, section 3.4). `None` when its length is not the curve's.
pub(crate) fn ecdsa_signature(curve: Curve, signature: &[u8]) -> Option<Vec<u8>> {
    let (r, s) = signature.split_at_checked(curve.width()).filter(|(r, s)| r.len() == s.len())?;
    Some(element(SEQUENCE, &[&integer(r), &integer(s)]))
}

/// An unsigned big-endian number in its shortest form; a leading zero keeps it positive.
fn integer(number: &[u8]) -> Vec<u8> {
    let first = number.iter().position(|byte| *byte != 0).unwrap_or(number.len());
    let digits = number.get(first..).unwrap_or_default();
    let sign: &[u8] = if digits.first().is_none_or(|byte| *byte >= 0x80) { &[0] } else { &[] };
    element(INTEGER, &[sign, digits])
}

fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let mut bytes = vec![tag];
    let length = content.len().to_be_bytes();
    let first = length.iter().position(|byte| *byte != 0).unwrap_or(length.len() - 1);
    match length.get(first..) {
        Some([short @ 0..0x80]) => bytes.push(*short),
        Some(long) => {
            bytes.push(0x80 | u8::try_from(long.len()).unwrap_or(u8::MAX));
            bytes.extend_from_slice(long);
        }
        None => {}
    }
    bytes.extend_from_slice(&content);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_take_the_form_they_need() {
        assert_eq!(element(4, &[])[..], [4, 0]);
        assert_eq!(element(4, &[&[7; 127]])[..2], [4, 127]);
        assert_eq!(element(4, &[&[7; 128]])[..3], [4, 0x81, 128]);
        assert_eq!(element(4, &[&[7; 300]])[..4], [4, 0x82, 1, 44]);
    }

    #[test]
    fn integers_are_positive_and_shortest() {
        assert_eq!(integer(&[0, 0, 1])[..], [2, 1, 1]);
        assert_eq!(integer(&[0x80])[..], [2, 2, 0, 0x80]);
        assert_eq!(integer(&[0, 0])[..], [2, 1, 0]);
    }

    #[test]
    fn a_signature_has_two_numbers_of_the_curves_width() {
        for (curve, width) in [(Curve::P256, 32), (Curve::P384, 48), (Curve::P521, 66)] {
            let mut signature = vec![0; 2 * width];
            signature[width - 1] = 1;
            signature[2 * width - 1] = 0x80;
            let der = [0x30, 7, 2, 1, 1, 2, 2, 0, 0x80];
            assert_eq!(ecdsa_signature(curve, &signature).unwrap()[..], der);
            for length in [0, width - 1, width, 2 * width - 1, 2 * width + 1, 3 * width] {
                assert_eq!(ecdsa_signature(curve, &vec![1; length]), None, "{curve:?} {length}");
            }
        }
    }
}

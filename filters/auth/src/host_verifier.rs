//! Signatures verified by the host's foreign function `verify_signature` (Envoy: BoringSSL), some thirty times as
//! fast for RSA as in the VM.
//!
//! The argument is the protobuf message `envoy.source.extensions.common.wasm.VerifySignatureArguments`: hash function 1,
//! public key 2, signature 3, text 4; the answer `VerifySignatureResult`: result 1, error 2.

use cutover_filter_host::{HostError, call_foreign_function};

use crate::algorithm::{Algorithm, Hash, Scheme};
use crate::der;
use crate::jwks::Key;
use crate::verify::{SignatureError, SignatureVerifier};

/// Verifies in the host: RSA PKCS#1 v1.5 and ECDSA (it cannot do PSS and Ed25519, and has no MACs).
#[derive(Debug, Clone, Copy)]
pub(crate) struct HostVerifier {
    call: fn(&[u8]) -> Result<Vec<u8>, HostError>,
}

impl HostVerifier {
    /// The host that this module runs in.
    pub(crate) fn new() -> Self {
        Self::with(|argument| call_foreign_function("verify_signature", argument))
    }

    /// A host that offers this function.
    pub(crate) fn with(call: fn(&[u8]) -> Result<Vec<u8>, HostError>) -> Self {
        Self { call }
    }
}

impl SignatureVerifier for HostVerifier {
    fn supports(&self, algorithm: Algorithm) -> bool {
        match algorithm.scheme() {
            Scheme::RsaPkcs1 | Scheme::Ecdsa(_) => true,
            Scheme::RsaPss | Scheme::Ed25519 | Scheme::Hmac => false,
        }
    }

    fn verify(&self, key: &Key, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        let public_key = key.spki.as_deref().ok_or(SignatureError::Unavailable)?;
        let hash = key.algorithm.hash();
        let answer = match key.algorithm.scheme() {
            Scheme::Ecdsa(curve) => {
                let signature = der::ecdsa_signature(curve, signature).ok_or(SignatureError::Wrong)?;
                (self.call)(&argument(hash, public_key, &signature, message))
            }
            Scheme::RsaPkcs1 => (self.call)(&argument(hash, public_key, signature, message)),
            Scheme::RsaPss | Scheme::Ed25519 | Scheme::Hmac => return Err(SignatureError::Unavailable),
        };
        match answer.ok().and_then(|answer| result(&answer)) {
            Some(true) => Ok(()),
            Some(false) => Err(SignatureError::Wrong),
            None => Err(SignatureError::Unavailable),
        }
    }
}

/// Encodes the argument; field numbers are above.
fn argument(hash: Hash, public_key: &[u8], signature: &[u8], message: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(public_key.len() + signature.len() + message.len() + 32);
    let contents = [(1, hash.name().as_bytes()), (2, public_key), (3, signature), (4, message)];
    for (field, content) in contents {
        const LENGTH_DELIMITED: u8 = 2;
        bytes.push(field << 3 | LENGTH_DELIMITED);
        push_varint(&mut bytes, content.len());
        bytes.extend_from_slice(content);
    }
    bytes
}

fn push_varint(bytes: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
}

/// Reads the answer's `result`; absent is false, as protobuf has it. `None` when the answer is no such message.
fn result(mut answer: &[u8]) -> Option<bool> {
    let mut good = false;
    while let Some((tag, rest)) = answer.split_first() {
        let (number, rest) = varint(rest)?;
        answer = rest;
        match tag {
            0x08 => good = number != 0,
            0x12 => answer = rest.get(usize::try_from(number).ok()?..)?,
            _ => return None,
        }
    }
    Some(good)
}

fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0_u64;
    for (index, byte) in bytes.iter().enumerate().take(9) {
        number |= u64::from(byte & 0x7f) << (7 * index);
        if *byte < 0x80 {
            return Some((number, bytes.get(index + 1..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_argument_is_protobuf() {
        let bytes = argument(Hash::Sha256, b"key", &[7; 200], b"m");
        let mut expected = b"\x0a\x06sha256\x12\x03key\x1a\xc8\x01".to_vec();
        expected.extend([7; 200]);
        expected.extend(b"\x22\x01m");
        assert_eq!(bytes, expected);
    }

    #[test]
    fn the_answer_is_read_and_nothing_is_taken_for_a_yes() {
        assert_eq!(result(b"\x08\x01"), Some(true));
        assert_eq!(result(b"\x08\x00"), Some(false));
        assert_eq!(result(b""), Some(false));
        assert_eq!(result(b"\x12\x03bad"), Some(false));
        for broken in [
            b"\x08".as_slice(),
            b"\x12\x05bad",
            b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
            b"\x1a\x01x",
            b"\x08\x80",
        ] {
            assert_eq!(result(broken), None, "{broken:?}");
        }
    }

    #[test]
    fn a_host_without_the_function_is_unavailable_not_a_refusal_of_the_signature() {
        let key = Key::read(&crate::testing::signer(Algorithm::Rs256).jwk()).unwrap();
        let verifier = HostVerifier::with(|_| Err(HostError::NotFound));
        assert_eq!(verifier.verify(&key, b"m", b"s"), Err(SignatureError::Unavailable));
    }
}

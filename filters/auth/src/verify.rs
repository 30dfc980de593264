//! Who verifies a signature: the host where it can, the VM where it cannot.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use crate::algorithm::Algorithm;
use crate::host_verifier::HostVerifier;
use crate::jwks::Key;
use crate::vm_verifier::VmVerifier;

/// Why a signature is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// It is not this key's signature of this message.
    #[error("the signature is wrong")]
    Wrong,
    /// It could not be verified; that is nobody's yes.
    #[error("the signature could not be verified")]
    Unavailable,
}

/// Something that verifies signatures.
pub trait SignatureVerifier {
    /// Whether it can do this algorithm at all.
    fn supports(&self, algorithm: Algorithm) -> bool;

    /// Verifies that `signature` is `key`'s over `message`, by the key's own algorithm.
    ///
    /// # Errors
    /// It is not, or that cannot be found out.
    fn verify(&self, key: &Key, message: &[u8], signature: &[u8]) -> Result<(), SignatureError>;
}

/// The host for the algorithms that it has proven to verify, the VM for the others.
#[derive(Debug)]
pub struct Verifiers {
    host: HostVerifier,
    by_host: Vec<Algorithm>,
    vm: VmVerifier,
}

impl Verifiers {
    /// Asks the host to verify a known answer of each algorithm that it should know, and trusts it with those that it
    /// gets right.
    pub fn probe() -> Self {
        Self::probe_host(HostVerifier::new())
    }

    pub(crate) fn probe_host(host: HostVerifier) -> Self {
        let by_host = Algorithm::ALL.into_iter().filter(|algorithm| is_proven(&host, *algorithm)).collect();
        Self { host, by_host, vm: VmVerifier }
    }
}

impl fmt::Display for Verifiers {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("signatures are verified")?;
        for algorithm in Algorithm::ALL {
            let place = if self.by_host.contains(&algorithm) { "by the host" } else { "in the vm" };
            write!(to, "; {algorithm} {place}")?;
        }
        Ok(())
    }
}

impl SignatureVerifier for Verifiers {
    fn supports(&self, algorithm: Algorithm) -> bool {
        self.by_host.contains(&algorithm) || self.vm.supports(algorithm)
    }

    fn verify(&self, key: &Key, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        if self.by_host.contains(&key.algorithm) {
            self.host.verify(key, message, signature)
        } else {
            self.vm.verify(key, message, signature)
        }
    }
}

/// Whether a verifier accepts a good signature and refuses a bad one.
fn is_proven(verifier: &dyn SignatureVerifier, algorithm: Algorithm) -> bool {
    let Some(known) = known_answer(algorithm).filter(|_| verifier.supports(algorithm)) else { return false };
    let KnownAnswer { key, message, signature } = known;
    let other = [message, b"."].concat();
    verifier.verify(&key, message, &signature) == Ok(())
        && verifier.verify(&key, &other, &signature) == Err(SignatureError::Wrong)
}

struct KnownAnswer {
    key: Key,
    message: &'static [u8],
    signature: Vec<u8>,
}

/// A signature that is known to be good, of each algorithm that a host may have. RS256: made once for this purpose,
/// the private key was not kept. ES256: RFC 7515, appendix A.3.
fn known_answer(algorithm: Algorithm) -> Option<KnownAnswer> {
    let (jwk, message, signature) = match algorithm {
        Algorithm::Rs256 => (
            json!({"kty": "RSA", "alg": "RS256", "e": "AQAB", "n": include_str!("known/rs256.n").trim_ascii()}),
            b"cutover known answer".as_slice(),
            include_str!("known/rs256.signature"),
        ),
        Algorithm::Es256 => (
            json!({"kty": "EC", "alg": "ES256", "crv": "P-256",
                "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}),
            b"eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ".as_slice(),
            "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
        ),
        Algorithm::EdDsa | Algorithm::Hs256 => return None,
    };
    let signature = URL_SAFE_NO_PAD.decode(signature.trim_ascii()).ok()?;
    Some(KnownAnswer { key: Key::read(&jwk).ok()?, message, signature })
}

#[cfg(test)]
mod tests {
    use cutover_filter_host::HostError;

    use super::*;
    use crate::testing::{self, boring_host};

    /// The contract that every verifier keeps, whoever it is.
    fn keeps_the_contract(verifier: &dyn SignatureVerifier, algorithms: &[Algorithm]) {
        for algorithm in Algorithm::ALL {
            assert_eq!(verifier.supports(algorithm), algorithms.contains(&algorithm), "{algorithm}");
        }
        for algorithm in algorithms {
            let signer = testing::signer(*algorithm);
            let key = Key::read(&signer.jwk()).unwrap();
            let signature = signer.sign(b"message");
            assert_eq!(verifier.verify(&key, b"message", &signature), Ok(()), "{algorithm}");
            assert_eq!(
                verifier.verify(&key, b"messagf", &signature),
                Err(SignatureError::Wrong),
                "{algorithm}"
            );
            for at in 0..signature.len() {
                let mut bad = signature.clone();
                bad[at] ^= 1;
                assert_eq!(
                    verifier.verify(&key, b"message", &bad),
                    Err(SignatureError::Wrong),
                    "{algorithm} {at}"
                );
            }
            let longer = [signature.as_slice(), &[0]].concat();
            for bad in
                [&[], &signature[1..], &signature[..signature.len() - 1], &longer, &vec![0; signature.len()]]
            {
                assert_eq!(verifier.verify(&key, b"message", bad), Err(SignatureError::Wrong), "{algorithm}");
            }
            let other = Key::read(&testing::other_signer(*algorithm).jwk()).unwrap();
            assert_eq!(
                verifier.verify(&other, b"message", &signature),
                Err(SignatureError::Wrong),
                "{algorithm}"
            );
        }
    }

    #[test]
    fn the_vm_keeps_the_contract() {
        keeps_the_contract(&VmVerifier, &Algorithm::ALL);
    }

    #[test]
    fn the_host_keeps_the_contract() {
        keeps_the_contract(&HostVerifier::with(boring_host), &[Algorithm::Rs256, Algorithm::Es256]);
    }

    #[test]
    fn both_together_keep_the_contract() {
        keeps_the_contract(&Verifiers::probe_host(HostVerifier::with(boring_host)), &Algorithm::ALL);
        keeps_the_contract(&Verifiers::probe(), &Algorithm::ALL);
    }

    #[test]
    fn the_choice_can_be_read() {
        let both = Verifiers::probe_host(HostVerifier::with(boring_host));
        let text =
            "signatures are verified; RS256 by the host; ES256 by the host; EdDSA in the vm; HS256 in the vm";
        assert_eq!(both.to_string(), text);
    }

    #[test]
    fn a_host_is_trusted_with_what_it_proves() {
        let trusted = |call| Verifiers::probe_host(HostVerifier::with(call)).by_host;
        assert_eq!(trusted(boring_host), [Algorithm::Rs256, Algorithm::Es256]);
        assert_eq!(trusted(|_| Err(HostError::NotFound)), []);
        assert_eq!(trusted(|_| Ok(b"\x08\x01".to_vec())), [], "a host that says yes to everything");
        assert_eq!(trusted(|_| Ok(Vec::new())), [], "a host that says no to everything");
    }
}

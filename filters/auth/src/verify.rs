//! Who verifies a signature: the host where it can, the VM where it cannot.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

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

/// Where signatures of an algorithm are verified; the number is the metric's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Place {
    /// No verifier has it, so such tokens are refused.
    Nowhere = 0,
    /// In the VM.
    Vm = 1,
    /// By the host.
    Host = 2,
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

    /// Where signatures of this algorithm are verified.
    pub fn place(&self, algorithm: Algorithm) -> Place {
        if self.by_host.contains(&algorithm) {
            Place::Host
        } else if self.vm.supports(algorithm) {
            Place::Vm
        } else {
            Place::Nowhere
        }
    }
}

impl fmt::Display for Verifiers {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("signatures are verified")?;
        for algorithm in Algorithm::ALL {
            let place = match self.place(algorithm) {
                Place::Host => "by the host",
                Place::Vm => "in the vm",
                Place::Nowhere => "nowhere",
            };
            write!(to, "; {algorithm} {place}")?;
        }
        Ok(())
    }
}

impl SignatureVerifier for Verifiers {
    fn supports(&self, algorithm: Algorithm) -> bool {
        self.place(algorithm) != Place::Nowhere
    }

    fn verify(&self, key: &Key, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        match self.place(key.algorithm) {
            Place::Host => self.host.verify(key, message, signature),
            Place::Vm => self.vm.verify(key, message, signature),
            Place::Nowhere => Err(SignatureError::Unavailable),
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

const KNOWN_MESSAGE: &[u8] = b"cutover known answer";

/// A signature that is known to be good, of each algorithm that a host may have. ES256: RFC 7515, appendix A.3. The
/// others were made once for this purpose, with OpenSSL; the private keys were not kept.
fn known_answer(algorithm: Algorithm) -> Option<KnownAnswer> {
    let (jwk, message, signature) = match algorithm {
        Algorithm::Rs256 => (known_rsa(algorithm), KNOWN_MESSAGE, include_str!("known/rs256.signature")),
        Algorithm::Rs384 => (known_rsa(algorithm), KNOWN_MESSAGE, include_str!("known/rs384.signature")),
        Algorithm::Rs512 => (known_rsa(algorithm), KNOWN_MESSAGE, include_str!("known/rs512.signature")),
        Algorithm::Es256 => (
            json!({"kty": "EC", "alg": "ES256", "crv": "P-256",
                "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}),
            b"eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ".as_slice(),
            "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
        ),
        Algorithm::Es384 => (
            json!({"kty": "EC", "alg": "ES384", "crv": "P-384",
                "x": "QhqKzybHkE3Vp4gojbXxQW9vtm0lwso7lGjN84prRINlahkFyBB69hwiOuxYF22z",
                "y": "-liA_EAUg1fpRN5hTl9E4699xSsx_9IVZGjhvNhpTNK7i99dGk_AjKWnk4uv4m3p"}),
            KNOWN_MESSAGE,
            "2Ri0JkjCziBSAyVoC-kXVxEt9avBRleVB9_nw1bLeEz3uhoT5cHWENv8H6BAWMOdRMD-qqnfkMY3RPXSN9hH1Zap4-AGhYm5gufdQeWqirRGs21tbiad5f6Rsqm4WLI4",
        ),
        Algorithm::Es512 => (
            json!({"kty": "EC", "alg": "ES512", "crv": "P-521",
                "x": "ATX1lckxPvnktFXybLnIlZvUCy_avCMQWxjFtH0Em-pSoshBNOtrGMlVtX01XCJMVct4jpnWMWreuhS69iuLfdoa",
                "y": "AcllbJkAKI7HzaxGFXJfQmrV92jqCzfm_uWHs6YMGlVDaN4V_ScOZ3-5uK-Q10INvlvKnynjhjdbqnysJvBMMVo8"}),
            KNOWN_MESSAGE,
            "AV6Nw5G41TC8a2Q_X1YYx54ytOqtENpWVheiR1daIe32VDiVHeWOTyGvguEMpA12tee74ngWUWbus_a0mYPtDsReAOHZSi_dZT4ZfbyMEJ-ixUuQPGah_dE8x_m68iQ_ppdueyPGG6oT6bWBVb6IoxMQRtYaTM_zp60KQOJIg-F14XKI",
        ),
        Algorithm::Hs256
        | Algorithm::Hs384
        | Algorithm::Hs512
        | Algorithm::Ps256
        | Algorithm::Ps384
        | Algorithm::Ps512
        | Algorithm::EdDsa => return None,
    };
    let signature = URL_SAFE_NO_PAD.decode(signature.trim_ascii()).ok()?;
    Some(KnownAnswer { key: Key::read(&jwk).ok()?, message, signature })
}

fn known_rsa(algorithm: Algorithm) -> Value {
    let modulus = include_str!("known/rsa.n").trim_ascii();
    json!({"kty": "RSA", "alg": algorithm.name(), "e": "AQAB", "n": modulus})
}

#[cfg(test)]
mod tests {
    use cutover_filter_host::HostError;

    use super::*;
    use crate::testing::{self, boring_host};

    const BY_HOST: [Algorithm; 6] = [
        Algorithm::Rs256,
        Algorithm::Rs384,
        Algorithm::Rs512,
        Algorithm::Es256,
        Algorithm::Es384,
        Algorithm::Es512,
    ];

    const BY_VM: [Algorithm; 12] = [
        Algorithm::Hs256,
        Algorithm::Hs384,
        Algorithm::Hs512,
        Algorithm::Rs256,
        Algorithm::Rs384,
        Algorithm::Rs512,
        Algorithm::Ps256,
        Algorithm::Ps384,
        Algorithm::Ps512,
        Algorithm::Es256,
        Algorithm::Es384,
        Algorithm::EdDsa,
    ];

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
            // An RSA operation takes a millisecond without optimisation; every seventh byte is as good as each.
            for at in (0..signature.len()).step_by(7) {
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
        keeps_the_contract(&VmVerifier, &BY_VM);
    }

    #[test]
    fn the_host_keeps_the_contract() {
        keeps_the_contract(&HostVerifier::with(boring_host), &BY_HOST);
    }

    #[test]
    fn both_together_keep_the_contract() {
        keeps_the_contract(&Verifiers::probe_host(HostVerifier::with(boring_host)), &Algorithm::ALL);
        keeps_the_contract(&Verifiers::probe(), &BY_VM);
    }

    #[test]
    fn the_choice_can_be_read() {
        let both = Verifiers::probe_host(HostVerifier::with(boring_host));
        let text = both.to_string();
        assert!(text.starts_with("signatures are verified; HS256 in the vm; "), "{text}");
        assert!(text.contains("; RS384 by the host; "), "{text}");
        let none = Verifiers::probe_host(HostVerifier::with(|_| Err(HostError::NotFound))).to_string();
        assert!(none.contains("; RS384 in the vm; ") && none.contains("; ES512 nowhere; "), "{none}");
    }

    #[test]
    fn the_vm_gives_the_known_answers_of_another_implementation() {
        let known = BY_HOST
            .into_iter()
            .filter_map(known_answer)
            .filter(|known| VmVerifier.supports(known.key.algorithm));
        let pss = [
            (Algorithm::Ps256, include_str!("../testdata/known/ps256.signature")),
            (Algorithm::Ps384, include_str!("../testdata/known/ps384.signature")),
            (Algorithm::Ps512, include_str!("../testdata/known/ps512.signature")),
        ]
        .map(|(algorithm, signature)| KnownAnswer {
            key: Key::read(&known_rsa(algorithm)).unwrap(),
            message: KNOWN_MESSAGE,
            signature: URL_SAFE_NO_PAD.decode(signature.trim_ascii()).unwrap(),
        });
        let mut seen = 0;
        for KnownAnswer { key, message, signature } in known.chain(pss) {
            assert_eq!(VmVerifier.verify(&key, message, &signature), Ok(()), "{}", key.algorithm);
            seen += 1;
        }
        assert_eq!(seen, 8);
    }

    #[test]
    fn one_rsa_key_does_not_verify_for_its_other_algorithms() {
        let verifier = Verifiers::probe_host(HostVerifier::with(boring_host));
        let rsa = Algorithm::ALL.into_iter().filter(|algorithm| algorithm.name().starts_with(['R', 'P']));
        for signed in rsa.clone() {
            let signature = testing::signer(signed).sign(b"message");
            for pinned in rsa.clone() {
                let key = Key::read(&testing::signer(pinned).jwk()).unwrap();
                let right = if signed == pinned { Ok(()) } else { Err(SignatureError::Wrong) };
                assert_eq!(verifier.verify(&key, b"message", &signature), right, "{signed} as {pinned}");
            }
        }
    }

    #[test]
    fn a_host_is_trusted_with_what_it_proves() {
        let trusted = |call| Verifiers::probe_host(HostVerifier::with(call)).by_host;
        assert_eq!(trusted(boring_host), BY_HOST);
        assert_eq!(trusted(|_| Err(HostError::NotFound)), []);
        assert_eq!(trusted(|_| Ok(b"\x08\x01".to_vec())), [], "a host that says yes to everything");
        assert_eq!(trusted(|_| Ok(Vec::new())), [], "a host that says no to everything");
    }
}

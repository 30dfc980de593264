//! Which PEMs are taken, and what is said of the others.

use super::*;
use crate::jwks::{Key, KeySet};
use crate::testing;

fn block(label: &str, bytes: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(bytes))
}

fn error(text: &str) -> PemError {
    public_key(text).unwrap_err()
}

fn public_ones() -> impl Iterator<Item = &'static testing::Signer> {
    testing::signers().iter().filter(|signer| signer.algorithm.scheme() != Scheme::Hmac)
}

#[test]
fn a_key_is_the_same_whether_it_comes_as_pem_or_as_jwk() {
    for signer in public_ones() {
        let jwk = Key::read(&signer.jwk()).unwrap();
        let pem = Key::new(None, signer.algorithm, public_key(&signer.pem()).unwrap()).unwrap();
        assert_eq!(format!("{:?}{:?}", pem.vm, pem.spki), format!("{:?}{:?}", jwk.vm, jwk.spki));
        assert!(jwk.spki.is_none_or(|spki| spki == signer.der()), "{}", signer.algorithm);
    }
}

#[test]
fn line_ends_and_indents_do_not_matter_but_anything_else_around_it_does() {
    let pem = testing::signer(Algorithm::Rs256).pem();
    for same in [pem.replace('\n', "\r\n"), pem.replace('\n', "\n    "), pem.trim_end().to_owned()] {
        assert_eq!(public_key(&same), public_key(&pem));
    }
    assert_eq!(error(&format!("{pem}{pem}")), PemError::Several);
    for text in ["", "key", "-----BEGIN PUBLIC KEY", &format!("my key\n{pem}"), &format!("{pem}trailer")] {
        assert_eq!(error(text), PemError::NoBlock, "{text}");
    }
    assert_eq!(error(&pem.replace("END PUBLIC", "END PRIVATE")), PemError::NoBlock);
    assert_eq!(error(&pem.replacen("MII", "M?I", 1)), PemError::NotBase64);
}

#[test]
fn what_is_no_public_key_is_named_with_the_way_to_make_one() {
    for (label, refusal, words) in [
        ("CERTIFICATE", PemError::Certificate, "openssl x509 -in FILE -noout -pubkey"),
        ("TRUSTED CERTIFICATE", PemError::Certificate, "is a certificate"),
        ("PRIVATE KEY", PemError::Private, "openssl pkey -in FILE -pubout"),
        ("RSA PRIVATE KEY", PemError::Private, "must not be here"),
        ("ENCRYPTED PRIVATE KEY", PemError::Private, "private key"),
        ("RSA PUBLIC KEY", PemError::Pkcs1, "openssl rsa -RSAPublicKey_in -in FILE -pubout"),
        ("OPENSSH KEY", PemError::OtherLabel, "`PUBLIC KEY`"),
    ] {
        let found = error(&block(label, b"abc"));
        assert_eq!(found, refusal, "{label}");
        assert!(found.to_string().contains(words), "{found}");
    }
}

#[test]
fn der_that_is_cut_grown_or_changed_is_refused() {
    for signer in public_ones() {
        let good = signer.der();
        for end in 0..good.len() {
            assert!(der::public_key(&good[..end]).is_err(), "{} cut at {end}", signer.algorithm);
        }
        let grown = [good.as_slice(), &[0]].concat();
        assert_eq!(der::public_key(&grown), Err(DerError::Malformed));
        // What stands before the numbers: none of its bytes has two meanings.
        for at in 0..if signer.algorithm == Algorithm::EdDsa { 12 } else { 20 } {
            for bit in 0..8 {
                let mut bad = good.clone();
                bad[at] ^= 1 << bit;
                let read = der::public_key(&bad);
                assert!(read.is_err(), "{} byte {at} bit {bit}: {read:?}", signer.algorithm);
            }
        }
    }
}

#[test]
fn numbers_and_lengths_have_one_spelling() {
    let key = |numbers: &[u8]| {
        let key = [&[0x30, u8::try_from(numbers.len()).unwrap()], numbers].concat();
        let rsa = [0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 1, 5, 0];
        let bits = [&[3, u8::try_from(key.len() + 1).unwrap(), 0], key.as_slice()].concat();
        let all = [&rsa, bits.as_slice()].concat();
        der::public_key(&[&[0x30, u8::try_from(all.len()).unwrap()], all.as_slice()].concat())
    };
    let rsa = |modulus: &[u8], exponent: &[u8]| {
        Ok(Material::Rsa { modulus: modulus.to_vec(), exponent: exponent.to_vec() })
    };
    assert_eq!(key(&[2, 1, 5, 2, 1, 3]), rsa(&[5], &[3]));
    assert_eq!(key(&[2, 2, 0, 0x80, 2, 1, 3]), rsa(&[0x80], &[3]));
    for bad in [
        [2, 2, 0, 5, 2, 1, 3].as_slice(),
        &[2, 1, 0x80, 2, 1, 3],
        &[2, 1, 0, 2, 1, 3],
        &[2, 0, 2, 1, 3],
        &[2, 0x81, 1, 5, 2, 1, 3],
        &[2, 0x80, 5, 0, 0, 2, 1, 3],
        &[2, 1, 5, 2, 1, 3, 5, 0],
    ] {
        assert_eq!(key(bad), Err(DerError::Malformed), "{bad:?}");
    }
}

#[test]
fn points_are_whole_and_on_a_supported_curve() {
    let good = testing::signer(Algorithm::Es256).der();
    let start = good.len() - 65;
    let mut compressed = good[..start + 33].to_vec();
    (compressed[1], compressed[start - 2], compressed[start]) = (57, 34, 2);
    assert_eq!(der::public_key(&compressed), Err(DerError::Compressed));
    let name = good.windows(8).position(|bytes| bytes == [0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7]).unwrap();
    let mut other = good;
    other[name + 7] = 1;
    assert_eq!(der::public_key(&other), Err(DerError::Unsupported));
}

#[test]
fn a_key_of_another_kind_than_its_algorithms_is_named() {
    let problem = |algorithm, signer| {
        let material = public_key(&testing::signer(signer).pem()).unwrap();
        let found = material.kind();
        unfit(algorithm, found, &Key::new(None, algorithm, material).unwrap_err())
    };
    assert_eq!(
        problem(Algorithm::Rs256, Algorithm::Es256),
        "RS256 needs an rsa key; this is a key on the curve P-256"
    );
    assert_eq!(
        problem(Algorithm::Es512, Algorithm::Es384),
        "ES512 needs a key on the curve P-521; this is a key on the curve P-384"
    );
    assert_eq!(problem(Algorithm::EdDsa, Algorithm::Ps256), "EdDSA needs an ed25519 key; this is an rsa key");
    assert_eq!(
        problem(Algorithm::Hs256, Algorithm::Rs256),
        "HS256 needs a secret, which a public key never is (`jwks` may have one); this is an rsa key"
    );
}

#[test]
fn a_named_key_is_asked_for_by_its_name_or_none_and_a_nameless_one_by_any() {
    let set = |id: Option<&str>| {
        let material = public_key(&testing::signer(Algorithm::EdDsa).pem()).unwrap();
        KeySet::of(Key::new(id.map(str::to_owned), Algorithm::EdDsa, material).unwrap())
    };
    let (named, nameless) = (set(Some("a")), set(None));
    let finds = |set: &KeySet, id| set.select(Algorithm::EdDsa, id).is_ok();
    assert!(finds(&named, Some("a")) && finds(&named, None) && !finds(&named, Some("b")));
    assert!(finds(&nameless, Some("b")) && finds(&nameless, None));
    assert!(nameless.select(Algorithm::Es256, None).is_err());
}

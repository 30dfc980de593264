//! RFC 8725, section 3.3 and 3.4: every signature is verified, in the one form that its algorithm has.

use anyhow::Result;
use serde_json::json;

use crate::Gate;
use crate::signers::{ALGORITHMS, decode, encode, pss_with_salt, signer};

/// The order of the curve's group, big-endian, as wide as the curve's numbers.
const ORDERS: [(&str, &str); 3] = [
    ("ES256", "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"),
    (
        "ES384",
        "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
    ),
    (
        "ES512",
        "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409",
    ),
];

/// The order of Ed25519's group, little-endian (RFC 8032, section 5.1).
const ED25519_ORDER: &str = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .chars()
        .filter_map(|digit| digit.to_digit(16))
        .filter_map(|digit| u8::try_from(digit).ok())
        .collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// A good token without its signature, and the signature.
fn apart(algorithm: &str) -> (String, Vec<u8>) {
    let token = signer(algorithm).good();
    let (input, signature) = token.rsplit_once('.').unwrap_or_default();
    (input.to_owned(), decode(signature))
}

async fn refuses_all(gate: &Gate, algorithm: &str, input: &str, signatures: &[Vec<u8>]) -> Result<()> {
    for signature in signatures {
        gate.refuses(algorithm, format!("{input}.{}", encode(signature))).await?;
    }
    Ok(())
}

#[tokio::test]
async fn every_bit_and_every_byte_of_a_signature_counts() -> Result<()> {
    let gate = Gate::open()?;
    for algorithm in ALGORITHMS {
        let (input, signature) = apart(algorithm);
        gate.accepts(algorithm, &format!("{input}.{}", encode(&signature))).await?;
        let step = signature.len().div_ceil(16);
        for at in (0..signature.len()).step_by(step).chain([signature.len() - 1]) {
            let mut other = signature.clone();
            other[at] ^= 1 << (at % 8);
            refuses_all(&gate, algorithm, &input, &[other]).await?;
        }
        let last = signature.len() - 1;
        let wrong_length = [
            Vec::new(),
            signature[..1].to_vec(),
            signature[..last / 2].to_vec(),
            signature[..last].to_vec(),
            signature[1..].to_vec(),
            [signature.as_slice(), &[0]].concat(),
            [&[0], signature.as_slice()].concat(),
            [signature.as_slice(), &signature].concat(),
        ];
        refuses_all(&gate, algorithm, &input, &wrong_length).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_signature_is_of_this_header_and_these_claims() -> Result<()> {
    let gate = Gate::open()?;
    for algorithm in ALGORITHMS {
        let (one, two) = (signer(algorithm).good(), signer(algorithm).token(&json!({"sub": "eve"})));
        let (one, two): (Vec<_>, Vec<_>) = (one.split('.').collect(), two.split('.').collect());
        gate.refuses(algorithm, format!("{}.{}.{}", one[0], two[1], one[2])).await?;
        gate.refuses(algorithm, format!("{}.{}.{}", one[0], one[1], two[2])).await?;
        let header = encode(signer(algorithm).header(&json!({"typ": "jwt"})));
        gate.refuses(algorithm, format!("{header}.{}.{}", one[1], one[2])).await?;
    }
    Ok(())
}

#[tokio::test]
async fn the_numbers_of_an_ecdsa_signature_are_within_the_order_of_the_group() -> Result<()> {
    let gate = Gate::open()?;
    for (algorithm, order) in ORDERS {
        let (input, signature) = apart(algorithm);
        let order = unhex(order);
        let width = order.len();
        let (r, s) = signature.split_at(width);
        let zero = vec![0; width];
        let full = vec![0xff; width];
        let (mut one, mut more, mut less) = (zero.clone(), order.clone(), order.clone());
        one[width - 1] = 1;
        more[width - 1] += 1;
        less[width - 1] -= 1;
        let pairs = [
            // The "psychic" signature, and its relatives.
            (&zero, &zero),
            (&order, &order),
            (&zero, &one),
            (&one, &zero),
            (&one, &one),
            (&order, &one),
            (&one, &order),
            (&more, &more),
            (&less, &less),
            (&full, &full),
        ];
        let mut bad: Vec<Vec<u8>> = pairs.iter().map(|(r, s)| [r.as_slice(), s].concat()).collect();
        for number in [&zero, &order, &more, &full, &one] {
            bad.push([number.as_slice(), s].concat());
            bad.push([r, number.as_slice()].concat());
        }
        bad.push([s, r].concat());
        refuses_all(&gate, algorithm, &input, &bad).await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_ecdsa_signature_in_der_is_refused() -> Result<()> {
    let gate = Gate::open()?;
    for (algorithm, _) in ORDERS {
        let (input, signature) = apart(algorithm);
        let (r, s) = signature.split_at(signature.len() / 2);
        let der = element(0x30, &[integer(r), integer(s)].concat());
        let padded = [der.as_slice(), &vec![0; signature.len().saturating_sub(der.len())]].concat();
        refuses_all(&gate, algorithm, &input, &[der, padded]).await?;
    }
    Ok(())
}

fn integer(number: &[u8]) -> Vec<u8> {
    let digits: Vec<u8> = number.iter().copied().skip_while(|byte| *byte == 0).collect();
    let sign: &[u8] = if digits.first().is_some_and(|byte| *byte >= 0x80) { &[0] } else { &[] };
    element(0x02, &[sign, &digits].concat())
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).unwrap_or_default();
    let head = if length < 0x80 { vec![tag, length] } else { vec![tag, 0x81, length] };
    [head.as_slice(), content].concat()
}

#[tokio::test]
async fn an_ed25519_signature_has_one_form() -> Result<()> {
    let gate = Gate::open()?;
    let (input, signature) = apart("EdDSA");
    let (r, s) = signature.split_at(32);
    let order = unhex(ED25519_ORDER);
    // s + L verifies by the bare equation; RFC 8032, section 5.1.7, demands s < L.
    let malleated = [r, sum(s, &order).as_slice()].concat();
    let (zero, mut identity) = ([0; 32], [0; 32]);
    identity[0] = 1;
    let bad = [
        malleated,
        [r, sum(&sum(s, &order), &order).as_slice()].concat(),
        [zero, zero].concat(),
        [identity, zero].concat(),
        [r, &zero].concat(),
        [r, &order].concat(),
        [&identity, s].concat(),
        [r, &[0xff; 32]].concat(),
        [s, r].concat(),
    ];
    refuses_all(&gate, "EdDSA", &input, &bad).await
}

/// The sum of little-endian numbers of 32 bytes.
fn sum(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut carry = 0;
    let mut digits = Vec::new();
    for (a, b) in a.iter().zip(b) {
        let digit = u16::from(*a) + u16::from(*b) + carry;
        digits.push(digit.to_le_bytes()[0]);
        carry = digit >> 8;
    }
    digits
}

#[tokio::test]
async fn an_rsa_signature_is_as_long_as_its_modulus_and_smaller() -> Result<()> {
    let gate = Gate::open()?;
    let jwk = signer("RS256").jwk();
    let modulus = decode(jwk.get("n").and_then(|n| n.as_str()).unwrap_or_default());
    let mut less = modulus.clone();
    less[modulus.len() - 1] -= 1;
    for algorithm in ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"] {
        let (input, signature) = small(algorithm);
        // A signature that starts with a zero byte keeps it; without it, or with one more, it is another spelling.
        gate.accepts(algorithm, &format!("{input}.{}", encode(&signature))).await?;
        let zeros = [[0].as_slice(), &signature].concat();
        let (mut one, zero) = (vec![0; modulus.len()], vec![0; modulus.len()]);
        one[modulus.len() - 1] = 1;
        let bad = [signature[1..].to_vec(), zeros, zero, one, modulus.clone(), less.clone(), vec![0xff; 256]];
        refuses_all(&gate, algorithm, &input, &bad).await?;
    }
    Ok(())
}

/// A good token whose signature starts with a zero byte: about one in 150 does.
fn small(algorithm: &str) -> (String, Vec<u8>) {
    for number in 0.. {
        let token = signer(algorithm).token(&json!({"jti": number}));
        let (input, signature) = token.rsplit_once('.').unwrap_or_default();
        let signature = decode(signature);
        if signature.first() == Some(&0) {
            return (input.to_owned(), signature);
        }
    }
    unreachable!("the loop has no end")
}

#[tokio::test]
async fn the_salt_of_a_pss_signature_is_as_long_as_its_hash() -> Result<()> {
    let gate = Gate::open()?;
    let (input, _) = apart("PS256");
    gate.accepts("32", &format!("{input}.{}", encode(pss_with_salt(input.as_bytes(), 32)))).await?;
    for salt in [0, 1, 20, 31, 33, 64, 222] {
        gate.refuses(&salt.to_string(), format!("{input}.{}", encode(pss_with_salt(input.as_bytes(), salt))))
            .await?;
    }
    Ok(())
}

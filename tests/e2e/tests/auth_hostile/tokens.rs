//! Tokens that no gateway may accept: good ones with something changed, and well signed ones with a wrong claim.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use crate::random::Random;
use crate::signers::{ALGORITHMS, encode, now, signer, stranger, try_decode};

/// What mutations start from.
pub(crate) struct Pool {
    /// Tokens that are accepted.
    pub(crate) good: Vec<String>,
    known: HashSet<Vec<u8>>,
    /// Tokens that are not, although a signer made them with care: a stranger's, or with a claim that is wrong.
    bad: Vec<String>,
}

impl Pool {
    pub(crate) fn new() -> Self {
        let subjects = [
            json!({}),
            json!({"sub": "eve", "roles": ["a", "b"]}),
            json!({"aud": ["x", "gateway"], "n": 1.5}),
        ];
        let of = |algorithm: &str| subjects.each_ref().map(|claims| signer(algorithm).token(claims));
        let good: Vec<String> = ALGORITHMS.into_iter().flat_map(of).collect();
        let bad = ALGORITHMS.into_iter().flat_map(wrong).collect();
        let known = good.iter().map(|token| token.clone().into_bytes()).collect();
        Self { good, known, bad }
    }

    /// Whether the gateway would be right to accept this text behind `Bearer`: a good token, white space around it.
    pub(crate) fn is_good(&self, text: &[u8]) -> bool {
        self.known.contains(text.trim_ascii())
    }

    /// A token that is not good, of any bytes but line ends: Envoy removes a carriage return from a header's value,
    /// and behind a newline another header would start.
    pub(crate) fn mutant(&self, random: &mut Random) -> Vec<u8> {
        if random.once_in(12) {
            return random.pick(&self.bad).clone().into_bytes();
        }
        loop {
            let mut token = random.pick(&self.good).clone().into_bytes();
            for _ in 0..=[0, 0, 0, 1, 3][random.below(5)] {
                token = self.mutate(token, random);
            }
            token.retain(|byte| !matches!(byte, b'\r' | b'\n'));
            if !self.is_good(&token) {
                return token;
            }
        }
    }

    fn mutate(&self, mut token: Vec<u8>, random: &mut Random) -> Vec<u8> {
        let at = random.below(token.len());
        match random.below(16) {
            0 | 1 => {
                if let Some(byte) = token.get_mut(at) {
                    *byte ^= 1 << random.below(8);
                }
            }
            2 => token.insert(at, random.byte()),
            3 => drop(token.drain(at..token.len().min(at + 1 + random.below(4)))),
            4 => token.truncate(at),
            5 => {
                let piece = token[at..token.len().min(at + 1 + random.below(60))].to_vec();
                token.splice(at..at, piece);
            }
            6 => token = self.joined(random),
            7 => {
                let between = random.pick(&["", ".", ",", " ", ";", "..", "%2c", ", Bearer ", ",Bearer "]);
                token.extend_from_slice(between.as_bytes());
                token.extend_from_slice(random.pick(&self.good).as_bytes());
            }
            8 => token = edited(&token, 0, random, change_header),
            9 => token = edited(&token, 1, random, change_claims),
            10 => token = respelled(&token, random),
            11 => token = with_signature(&token, random),
            12 => token = token.repeat(1 + random.below(40_000 / token.len().max(1) + 1)),
            13 => {
                let escaped = format!("%{:02x}", token.get(at).copied().unwrap_or_default());
                token.splice(at..token.len().min(at + 1), escaped.into_bytes());
            }
            14 => {
                let end = token.len().min(at + 1 + random.below(20));
                token[at..end]
                    .iter_mut()
                    .for_each(|byte| *byte ^= if byte.is_ascii_alphabetic() { 0x20 } else { 0 });
            }
            _ => {
                let mut noise = random.bytes(1 + at % 9);
                token.splice(at..at, noise.drain(..));
            }
        }
        token
    }

    /// Parts of several good tokens put together.
    fn joined(&self, random: &mut Random) -> Vec<u8> {
        let parts = 3 + [0, 0, 0, 0, 1, 2][random.below(6)];
        let part = |number: usize, random: &mut Random| {
            let token = random.pick(&self.good);
            token.split('.').nth(number % 3).unwrap_or_default().to_owned()
        };
        let parts: Vec<String> = (0..parts).map(|number| part(number, random)).collect();
        parts.join(".").into_bytes()
    }
}

/// Tokens of this algorithm that are signed and yet wrong.
fn wrong(algorithm: &str) -> Vec<String> {
    let (good, other) = (signer(algorithm), stranger(algorithm));
    let mut tokens = vec![other.good(), other.token_with(&json!({"jwk": other.jwk()}), &json!({}))];
    // One algorithm of each kind is enough for claims: they are read after any signature alike.
    if matches!(algorithm, "HS256" | "ES256" | "EdDSA") {
        for claims in [
            json!({"exp": null}),
            json!({"exp": now() - 60}),
            json!({"exp": "4102444800"}),
            json!({"nbf": now() + 86_400}),
            json!({"iat": now() + 86_400}),
            json!({"iss": "https://attacker.example"}),
            json!({"aud": "other"}),
            json!({"scope": "task:write"}),
            json!({"sub": "ad\u{e5}\r\nx-user-id: root"}),
        ] {
            tokens.push(good.token(&claims));
        }
        tokens.push(good.token_with(&json!({"crit": []}), &json!({})));
        tokens.push(good.token_with(&json!({"typ": 1}), &json!({})));
        tokens.push(good.with_kid("other").good());
    }
    tokens
}

/// The token with the JSON of one of its parts changed, and the signature as it was.
fn edited(
    token: &[u8],
    number: usize,
    random: &mut Random,
    change: fn(&mut Map<String, Value>, &mut Random),
) -> Vec<u8> {
    let text = String::from_utf8_lossy(token).into_owned();
    let mut parts: Vec<String> = text.split('.').map(str::to_owned).collect();
    let json = parts.get(number).and_then(|part| try_decode(part));
    let Some(Value::Object(mut object)) = json.and_then(|json| serde_json::from_slice(&json).ok()) else {
        return token.to_vec();
    };
    change(&mut object, random);
    parts[number] = encode(Value::Object(object).to_string());
    parts.join(".").into_bytes()
}

fn change_header(header: &mut Map<String, Value>, random: &mut Random) {
    let name = *random.pick(&ALGORITHMS);
    let (member, value) = match random.below(10) {
        0 => ("alg", json!("none")),
        1 => ("alg", json!(random.pick(&["None", "nOnE", "", "HS1", "RS1", "ES256K", "dir", "EdDSA "]))),
        2 => ("alg", json!(name)),
        3 => ("kid", json!(name)),
        4 => ("kid", json!(random.pick(&["../../dev/null", "' OR 1=1", "\0", "", "\u{1f511}"]))),
        5 => ("crit", json!(random.pick(&[json!([]), json!(["exp"]), json!(["b64"]), json!(null)]))),
        6 => ("jwk", stranger(name).jwk()),
        7 => ("jku", json!("http://127.0.0.1:9/jwks.json")),
        8 => ("b64", json!(false)),
        _ => return drop(header.remove(*random.pick(&["alg", "kid", "typ"]))),
    };
    header.insert(member.to_owned(), value);
}

fn change_claims(claims: &mut Map<String, Value>, random: &mut Random) {
    let (member, value) = match random.below(8) {
        0 => ("sub", json!("root")),
        1 => ("scope", json!("task:read task:write admin")),
        2 => ("exp", json!(now() + 7200 + random.next() % 1000)),
        3 => {
            ("exp", json!(random.pick(&[json!(1e300), json!("x"), json!(-1), json!(true), json!(u64::MAX)])))
        }
        4 => {
            ("aud", json!(random.pick(&[json!([]), json!([["gateway"]]), json!({"gateway": 1}), json!("*")])))
        }
        5 => ("x", nested(random.below(700))),
        6 => ("iss", json!(random.pick(&["", "https://issuer.example/", "*"]))),
        _ => return drop(claims.remove(*random.pick(&["exp", "iss", "aud", "sub", "iat"]))),
    };
    claims.insert(member.to_owned(), value);
}

fn nested(depth: usize) -> Value {
    (0..depth).fold(json!(1), |inner, _| json!([inner]))
}

/// Another spelling in base64.
fn respelled(token: &[u8], random: &mut Random) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let swap = |from: u8, to: u8| token.iter().map(|byte| if *byte == from { to } else { *byte }).collect();
    match random.below(5) {
        0 => swap(b'-', b'+'),
        1 => swap(b'_', b'/'),
        2 => {
            let pad = *random.pick(&["=", "==", "==="]);
            String::from_utf8_lossy(token).replacen('.', &format!("{pad}."), 1 + random.below(2)).into_bytes()
        }
        3 => [token, random.pick(&["=", "=="]).as_bytes()].concat(),
        _ => {
            // The spare bits of a part's last character, if it has any.
            let ends: Vec<usize> =
                (1..token.len()).filter(|at| matches!(token.get(at + 1), None | Some(b'.'))).collect();
            let mut other = token.to_vec();
            if let Some(byte) = ends.get(random.below(ends.len())).and_then(|at| other.get_mut(*at))
                && let Some(at) = ALPHABET.iter().position(|known| known == byte)
            {
                *byte = ALPHABET[at ^ (1 + random.below(3))];
            }
            other
        }
    }
}

fn with_signature(token: &[u8], random: &mut Random) -> Vec<u8> {
    let text = String::from_utf8_lossy(token).into_owned();
    let (input, signature) = text.rsplit_once('.').unwrap_or((&text, ""));
    let length = signature.len() * 3 / 4;
    let other = match random.below(6) {
        0 => vec![0; length],
        1 => vec![0xff; length],
        2 => random.bytes(length),
        3 => {
            let length = random.below(600);
            random.bytes(length)
        }
        4 => [[0x30, 0x44, 2, 0x20].as_slice(), &random.bytes(32), &[2, 0x20], &random.bytes(32)].concat(),
        _ => Vec::new(),
    };
    format!("{input}.{}", encode(other)).into_bytes()
}

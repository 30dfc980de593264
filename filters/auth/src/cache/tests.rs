//! The cache by itself, and that a gate with one decides as a gate without.

use serde_json::{Value, json};

use super::*;
use crate::algorithm::Algorithm;
use crate::decision::{Decision, RequestHead};
use crate::jwks::{Key, KeySet};
use crate::testing::{self, NOW};
use crate::verify::{SignatureError, SignatureVerifier};
use crate::vm_verifier::VmVerifier;
use crate::{Config, Gate};
use cutover_filter_host::HeaderMap;
use std::cell::Cell;

fn verified(validity: Validity) -> Verified {
    Verified { issuer: 0, validity, scopes: vec!["a".to_owned()], identity: Vec::new(), state: Vec::new() }
}

/// A good token's rest, until `expires`.
fn until(expires: u64) -> Rc<Verified> {
    let validity = Validity { expires: expires as f64, not_before: None, issued_at: None, leeway: 0.0 };
    Rc::new(verified(validity))
}

fn cache(entries: usize, bytes: usize) -> TokenCache {
    TokenCache::new(Bounds { entries, bytes })
}

#[test]
fn a_token_is_found_until_it_expires() {
    let mut cache = cache(2, 10_000);
    assert_eq!(cache.get(b"t", 5), None);
    cache.put(b"t", until(10));
    assert!(cache.get(b"t", 9).is_some());
    assert_eq!(cache.get(b"t", 10), None);
    assert_eq!(cache.get(b"t", 9), None, "what has expired is forgotten");
    assert_eq!(cache.take_counts(), Counts { hits: 1, misses: 3 });
    assert_eq!(cache.take_counts(), Counts::default());
    assert_eq!((cache.bytes, cache.places.len()), (0, 0));
}

#[test]
fn an_emptied_cache_knows_nothing_and_works_on() {
    let mut cache = cache(2, 10_000);
    for token in [b"a", b"b", b"c"] {
        cache.put(token, until(10));
    }
    cache.clear();
    assert_eq!((cache.get(b"c", 1), cache.bytes, cache.entries.len()), (None, 0, 0));
    cache.put(b"c", until(10));
    assert!(cache.get(b"c", 1).is_some());
}

#[test]
fn everything_that_is_kept_of_a_token_is_counted() {
    let mut cache = cache(2, 100_000);
    cache.put(b"t", until(10));
    let before = cache.bytes;
    let validity = Validity { expires: 10.0, not_before: None, issued_at: None, leeway: 0.0 };
    let mut kept = verified(validity);
    kept.state = vec![(0, Rc::from("x".repeat(1_000)))];
    kept.identity = vec![(0, "y".repeat(1_000))];
    cache.put(b"t", Rc::new(kept));
    assert!(cache.bytes >= before + 2_000, "{before} {}", cache.bytes);
}

#[test]
fn a_token_from_the_future_is_no_hit() {
    let mut cache = cache(2, 10_000);
    let validity = Validity { expires: 100.0, not_before: Some(50.0), issued_at: None, leeway: 5.0 };
    cache.put(b"t", Rc::new(verified(validity)));
    assert!(cache.get(b"t", 45).is_some());
    assert_eq!(cache.get(b"t", 44), None);
}

#[test]
fn what_is_asked_for_stays_and_the_rest_makes_room() {
    let mut cache = cache(3, 100_000);
    for token in [b"a", b"b", b"c"] {
        cache.put(token, until(10));
    }
    for number in 0..20_u8 {
        assert!(cache.get(b"a", 1).is_some(), "{number}");
        cache.put(&[number], until(10));
        assert_eq!(cache.entries.len(), 3);
    }
}

#[test]
fn too_large_a_token_is_not_kept_and_drives_nobody_out() {
    let mut cache = cache(10, 1_000);
    cache.put(b"small", until(10));
    cache.put(&[7; 1_000], until(10));
    assert!(cache.get(b"small", 1).is_some());
    assert_eq!(cache.get(&[7; 1_000], 1), None);
}

/// Numbers that look random and are the same in every run (Knuth's MMIX generator).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
}

#[test]
fn the_bounds_hold_and_the_books_balance_under_any_order_of_events() {
    for seed in 0..20 {
        let mut dice = Dice(seed);
        let bounds = Bounds { entries: 1 + dice.below(8), bytes: 300 + dice.below(4_000) };
        let mut cache = TokenCache::new(bounds);
        for _ in 0..2_000 {
            let token = vec![u8::try_from(dice.below(12)).unwrap(); 1 + dice.below(3) * 300];
            match dice.below(30) {
                0 => cache.clear(),
                1..11 => cache.put(&token, until(dice.below(100) as u64)),
                _ => {
                    cache.get(&token, dice.below(100) as u64);
                }
            }
            assert!(cache.entries.len() <= bounds.entries && cache.bytes <= bounds.bytes, "{bounds:?}");
            assert_eq!(cache.bytes, cache.entries.iter().map(Entry::bytes).sum::<usize>());
            assert_eq!(cache.places.len(), cache.entries.len());
            for (place, entry) in cache.entries.iter().enumerate() {
                assert_eq!(cache.places.get(&entry.token), Some(&place));
            }
        }
    }
}

/// Counts what it verifies.
#[derive(Default)]
struct Counting(Cell<u32>);

impl SignatureVerifier for Counting {
    fn supports(&self, algorithm: Algorithm) -> bool {
        VmVerifier.supports(algorithm)
    }

    fn verify(&self, key: &Key, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        self.0.set(self.0.get() + 1);
        VmVerifier.verify(key, message, signature)
    }
}

/// A gate with the usual issuer, and another whose keys may change.
fn gate(cache: Value) -> Gate {
    let mut config = testing::config();
    config["cache"] = cache;
    let other = json!({"issuer": "https://remote.example", "audiences": ["gateway"],
        "remote_jwks": {"cluster": "issuer", "url": "https://remote.example/"}});
    config["issuers"].as_array_mut().unwrap().push(other);
    Gate::new(Config::parse(config.to_string().as_bytes()).unwrap().0)
}

fn decide(gate: &Gate, (method, path): (&str, &str), token: &str, now: u64, by: &Counting) -> String {
    let headers = HeaderMap::from_pairs(&[("authorization", format!("Bearer {token}"))]).unwrap();
    let head = RequestHead { method, path, target: path.as_bytes(), route_name: None, headers: &headers };
    let decision: Decision<'_> = gate.decide(&head, now, by);
    format!("{decision:?}")
}

#[test]
fn a_gate_with_a_cache_decides_as_one_without_under_any_order_of_events() {
    let signer = testing::signer(Algorithm::Hs256);
    let mut tokens: Vec<String> = [
        json!({}),
        json!({"sub": "bob"}),
        json!({"exp": NOW + 20}),
        json!({"nbf": NOW + 10, "exp": NOW + 40}),
        json!({"iat": NOW + 15}),
        json!({"scope": "task:read"}),
        json!({"scope": ""}),
        json!({"sub": "j\u{fc}rgen"}),
        json!({"aud": "other"}),
        json!({"exp": null}),
    ]
    .iter()
    .map(|claims| signer.token(claims))
    .collect();
    tokens.push(testing::other_signer(Algorithm::Hs256).token(&json!({})));
    // The same claims under a signature that is not theirs, and a good token with something behind it.
    let (front, _) = tokens[0].rsplit_once('.').unwrap();
    let (_, signature) = tokens[1].rsplit_once('.').unwrap();
    let spliced = [format!("{front}.{signature}"), format!("{}=", tokens[0]), format!("{}.", tokens[0])];
    tokens.extend(spliced);
    let remote = json!({"iss": "https://remote.example"});
    tokens.push(signer.token(&remote));
    tokens.push(testing::other_signer(Algorithm::Hs256).token(&remote));
    let sets = [signer, testing::other_signer(Algorithm::Hs256), testing::signer(Algorithm::Hs512)];
    let operations = [("GET", "/v1/task"), ("POST", "/v1/task"), ("GET", "/maybe"), ("GET", "/healthz")];
    for (seed, bounds) in (0..).zip([
        json!({"entries": 1, "bytes": 16_384}),
        json!({"entries": 3, "bytes": 16_384}),
        json!({"entries": 1_024, "bytes": 1_048_576}),
    ]) {
        let (with, without) = (gate(bounds), gate(json!("off")));
        let (cached, plain) = (Counting::default(), Counting::default());
        let mut dice = Dice(seed);
        for _ in 0..1_500 {
            if dice.below(20) == 0 {
                let set = [sets[dice.below(sets.len())].jwk()];
                for gate in [&with, &without] {
                    gate.set_keys(1, KeySet::read(&set, &Algorithm::ALL).unwrap().0);
                }
            }
            let token = &tokens[dice.below(tokens.len())];
            let operation = operations[dice.below(4)];
            let now = NOW + dice.below(60) as u64;
            let expected = decide(&without, operation, token, now, &plain);
            assert_eq!(decide(&with, operation, token, now, &cached), expected, "{operation:?} at {now}");
        }
        assert!(cached.0.get() < plain.0.get());
        assert!(with.take_cache_counts().hits > 0);
        assert_eq!(without.take_cache_counts(), Counts::default());
    }
}

#[test]
fn a_known_token_is_not_verified_again_and_a_new_gate_knows_none() {
    let token = testing::signer(Algorithm::Hs256).token(&json!({}));
    let (gate, verifier) = (gate(json!({})), Counting::default());
    for _ in 0..3 {
        assert!(decide(&gate, ("GET", "/v1/task"), &token, NOW, &verifier).contains("Token"));
    }
    assert_eq!(verifier.0.get(), 1);
    assert_eq!(gate.take_cache_counts(), Counts { hits: 2, misses: 1 });
    // The issuer has changed its key: another configuration, another gate.
    let mut config = testing::config();
    config["issuers"][0]["jwks"]["keys"] = json!([testing::other_signer(Algorithm::Hs256).jwk()]);
    let changed = Gate::new(Config::parse(config.to_string().as_bytes()).unwrap().0);
    assert!(decide(&changed, ("GET", "/v1/task"), &token, NOW, &verifier).contains("Signature(Wrong)"));
}

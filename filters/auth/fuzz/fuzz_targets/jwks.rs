//! No key set makes its parser or a verification panic; keys that are kept have an allowed algorithm and can be found, and
//! none accepts a signature that is nobody's.
#![no_main]

use cutover_auth_filter::algorithm::Algorithm;
use cutover_auth_filter::jwks::{KeySet, NoKey};
use cutover_auth_filter::verify::{SignatureVerifier as _, Verifiers};
use libfuzzer_sys::fuzz_target;

/// More keys than this are not tried: each may cost an RSA operation.
const TRIED: usize = 4;

fuzz_target!(|text: &[u8]| {
    let Ok((set, problems)) = KeySet::parse(text, &Algorithm::ALL) else { return };
    problems.iter().for_each(|problem| assert!(!problem.to_string().is_empty()));
    // Outside of a host everything is verified here.
    let verifiers = Verifiers::probe();
    for key in set.iter() {
        match set.select(key.algorithm, key.id.as_deref()) {
            Ok(found) => assert_eq!((found.algorithm, &found.id), (key.algorithm, &key.id)),
            Err(error) => assert_eq!((error, &key.id), (NoKey::Ambiguous, &None)),
        }
    }
    for key in set.iter().take(TRIED) {
        for length in [0, 1, 32, 48, 64, 96, 132, 256, 384, 512] {
            assert!(verifiers.verify(key, b"header.payload", &vec![1; length]).is_err());
        }
    }
    let few = [Algorithm::Rs256, Algorithm::Es256];
    if let Ok((set, _)) = KeySet::parse(text, &few) {
        assert!(set.iter().all(|key| few.contains(&key.algorithm)));
    }
});

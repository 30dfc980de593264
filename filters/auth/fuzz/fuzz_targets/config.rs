//! No configuration makes its parser panic; a refusal says why, and what is accepted once is accepted again as the same.
#![no_main]

use cutover_auth_filter::Config;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| match Config::parse(text) {
    Ok((config, _)) => {
        let (again, _) = Config::parse(text).expect("accepted once, accepted again");
        assert_eq!(format!("{config:?}"), format!("{again:?}"));
        assert!(!config.issuers.is_empty());
    }
    Err(error) => assert!(!error.to_string().is_empty()),
});

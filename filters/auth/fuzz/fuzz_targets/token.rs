//! No input makes the token parser panic, and no two spellings of one token are both accepted.
#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cutover_auth_filter::token::{LONGEST_TOKEN, Token};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let Ok(token) = Token::parse(text) else { return };
    assert!(text.len() <= LONGEST_TOKEN);
    let parts: Vec<&[u8]> = text.split(|byte| *byte == b'.').collect();
    assert_eq!(parts.len(), 3);
    assert_eq!(token.signing_input, [parts[0], b".", parts[1]].concat());
    assert_eq!(URL_SAFE_NO_PAD.encode(&token.signature).as_bytes(), parts[2]);
    for part in &parts[..2] {
        let bytes = URL_SAFE_NO_PAD.decode(part).expect("an accepted part is base64url");
        assert_eq!(URL_SAFE_NO_PAD.encode(bytes).as_bytes(), *part);
    }
});

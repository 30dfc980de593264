//! The compact form of a signed token (RFC 7515, section 7.1), read strictly.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::algorithm::Algorithm;
use crate::json;

/// No token is longer than this, in bytes.
pub const LONGEST_TOKEN: usize = 8 * 1024;

/// A token whose form is right. Nothing in it is proven yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Token<'a> {
    /// The header's `alg`.
    pub algorithm: Algorithm,
    /// The header's `kid`.
    pub key_id: Option<String>,
    /// What is signed: the first two parts with the dot between them.
    pub signing_input: &'a [u8],
    /// The claims.
    pub payload: Map<String, Value>,
    /// The signature.
    pub signature: Vec<u8>,
}

/// Why something is no token. For logs and metrics; a client is not told (RFC 6750, section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Longer than [`LONGEST_TOKEN`].
    #[error("the token is longer than 8 KiB")]
    TooLong,
    /// Not three parts.
    #[error("the token does not have exactly three parts")]
    NotThreeParts,
    /// A part is not canonical base64url without padding: two spellings of one token must not both be good.
    #[error("a part of the token is not canonical base64url")]
    NotBase64Url,
    /// The header or the payload is no JSON object, or repeats a member.
    #[error("the header or the payload is not a json object with unique members")]
    NotAnObject,
    /// `alg` is missing, unknown or `none`.
    #[error("the token's algorithm is not supported")]
    UnsupportedAlgorithm,
    /// A header member has the wrong type.
    #[error("a member of the token's header has the wrong type")]
    MalformedHeader,
    /// `crit` is there: no extension is understood, and an empty list is forbidden (RFC 7515, section 4.1.11).
    #[error("the token's header has `crit`")]
    Critical,
}

impl<'a> Token<'a> {
    /// Reads a token. `jku`, `x5u`, `x5c` and `jwk` of the header are ignored: only configured keys count
    /// (RFC 8725, section 3.10).
    ///
    /// # Errors
    /// The form is wrong.
    pub fn parse(text: &'a [u8]) -> Result<Self, TokenError> {
        if text.len() > LONGEST_TOKEN {
            return Err(TokenError::TooLong);
        }
        let (signing_input, signature) = split_at_last_dot(text).ok_or(TokenError::NotThreeParts)?;
        let (header, payload) = split_at_last_dot(signing_input).ok_or(TokenError::NotThreeParts)?;
        if header.contains(&b'.') {
            return Err(TokenError::NotThreeParts);
        }
        let (algorithm, key_id) = read_header(&object(header)?)?;
        Ok(Self {
            algorithm,
            key_id,
            signing_input,
            payload: object(payload)?,
            signature: decode(signature)?,
        })
    }
}

fn read_header(header: &Map<String, Value>) -> Result<(Algorithm, Option<String>), TokenError> {
    if header.contains_key("crit") {
        return Err(TokenError::Critical);
    }
    let algorithm = match header.get("alg") {
        Some(Value::String(name)) => Algorithm::from_name(name).ok_or(TokenError::UnsupportedAlgorithm)?,
        Some(_) => return Err(TokenError::MalformedHeader),
        None => return Err(TokenError::UnsupportedAlgorithm),
    };
    if !matches!(header.get("typ"), None | Some(Value::String(_))) {
        return Err(TokenError::MalformedHeader);
    }
    match header.get("kid") {
        None => Ok((algorithm, None)),
        Some(Value::String(key_id)) => Ok((algorithm, Some(key_id.clone()))),
        Some(_) => Err(TokenError::MalformedHeader),
    }
}

fn split_at_last_dot(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let dot = text.iter().rposition(|byte| *byte == b'.')?;
    let (before, after) = text.split_at_checked(dot)?;
    Some((before, after.get(1..)?))
}

fn object(part: &[u8]) -> Result<Map<String, Value>, TokenError> {
    json::object(&decode(part)?).ok_or(TokenError::NotAnObject)
}

/// Decodes base64url; the engine refuses padding, other characters and non-zero trailing bits.
fn decode(part: &[u8]) -> Result<Vec<u8>, TokenError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::NotBase64Url)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = r#"{"alg":"RS256","kid":"k1"}"#;

    fn encode(text: &str) -> String {
        URL_SAFE_NO_PAD.encode(text)
    }

    fn token(header: &str, payload: &str) -> String {
        format!("{}.{}.{}", encode(header), encode(payload), encode("signature"))
    }

    fn error_of(text: &str) -> TokenError {
        Token::parse(text.as_bytes()).unwrap_err()
    }

    #[test]
    fn a_token_is_taken_apart() {
        let text = token(HEADER, r#"{"sub":"ada"}"#);
        let token = Token::parse(text.as_bytes()).unwrap();
        assert_eq!(token.algorithm, Algorithm::Rs256);
        assert_eq!(token.key_id.as_deref(), Some("k1"));
        assert_eq!(token.signing_input, text.rsplit_once('.').unwrap().0.as_bytes());
        assert_eq!(token.payload.get("sub"), Some(&Value::from("ada")));
        assert_eq!(token.signature, b"signature");
    }

    #[test]
    fn exactly_three_parts_are_a_token() {
        let good = token(HEADER, "{}");
        for text in
            ["", ".", "abc", "a.b", &format!("{good}.e30"), &format!(".{good}"), &good.replacen('.', "..", 1)]
        {
            let error = error_of(text);
            assert!(matches!(error, TokenError::NotThreeParts | TokenError::NotBase64Url), "{text}: {error}");
        }
        assert_eq!(error_of(".."), TokenError::NotAnObject);
    }

    #[test]
    fn only_canonical_base64url_is_accepted() {
        let good = token(HEADER, "{}");
        assert!(Token::parse(good.as_bytes()).is_ok());
        for bad in [
            format!("{good}="),
            format!("{good}\n"),
            format!(" {good}"),
            good.replace("e30", "e31"),
            format!("{good}+/"),
        ] {
            assert_eq!(error_of(&bad), TokenError::NotBase64Url, "{bad}");
        }
        // "c2lnbmF0dXJl" has no spare bits; four spare bits of a one-byte signature must be zero.
        let (front, _) = good.rsplit_once('.').unwrap();
        assert!(Token::parse(format!("{front}.QQ").as_bytes()).is_ok());
        assert_eq!(error_of(&format!("{front}.QR")), TokenError::NotBase64Url);
        assert_eq!(Token::parse(b"\xff.\xfe.\x00"), Err(TokenError::NotBase64Url));
    }

    #[test]
    fn none_and_unknown_algorithms_are_refused_in_every_spelling() {
        for name in ["none", "None", "NONE", "", "ES256K", "rs256", "RS1", "RS256 ", "dir"] {
            let text = token(&format!(r#"{{"alg":"{name}"}}"#), "{}");
            assert_eq!(error_of(&text), TokenError::UnsupportedAlgorithm, "{name}");
        }
        assert_eq!(error_of(&token("{}", "{}")), TokenError::UnsupportedAlgorithm);
    }

    #[test]
    fn crit_is_refused_even_when_empty() {
        for crit in ["[]", r#"["exp"]"#, r#"["b64"]"#, "null"] {
            let text = token(&format!(r#"{{"alg":"RS256","crit":{crit}}}"#), "{}");
            assert_eq!(error_of(&text), TokenError::Critical, "{crit}");
        }
    }

    #[test]
    fn header_members_have_their_types() {
        for header in [
            r#"{"alg":1}"#,
            r#"{"alg":["RS256"]}"#,
            r#"{"alg":"RS256","kid":7}"#,
            r#"{"alg":"RS256","typ":null}"#,
        ] {
            assert_eq!(error_of(&token(header, "{}")), TokenError::MalformedHeader, "{header}");
        }
    }

    #[test]
    fn repeated_members_are_refused_in_header_and_payload() {
        assert_eq!(error_of(&token(r#"{"alg":"RS256","alg":"RS256"}"#, "{}")), TokenError::NotAnObject);
        assert_eq!(error_of(&token(HEADER, r#"{"sub":"a","sub":"b"}"#)), TokenError::NotAnObject);
        assert_eq!(error_of(&token(HEADER, "[]")), TokenError::NotAnObject);
    }

    #[test]
    fn eight_kib_is_the_limit() {
        let payload = |size: usize| format!(r#"{{"a":"{}"}}"#, "x".repeat(size));
        let longest =
            (5_000..7_000).rev().find(|size| token(HEADER, &payload(*size)).len() <= LONGEST_TOKEN).unwrap();
        assert!(Token::parse(token(HEADER, &payload(longest)).as_bytes()).is_ok());
        assert_eq!(error_of(&token(HEADER, &payload(longest + 3))), TokenError::TooLong);
    }

    #[test]
    fn no_cut_and_no_flipped_byte_panics() {
        let good = token(HEADER, r#"{"sub":"ada","exp":1}"#).into_bytes();
        for at in 0..good.len() {
            let _ = Token::parse(&good[..at]);
            for flip in [0x01, 0x20, 0x80, 0xff] {
                let mut bad = good.clone();
                bad[at] ^= flip;
                let _ = Token::parse(&bad);
            }
        }
    }
}

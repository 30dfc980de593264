//! The bearer token in the `authorization` header (RFC 6750, section 2.1).

use cutover_filter_host::{HeaderMap, Single};

/// What the client sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Credentials<'a> {
    /// No token: no header, another scheme, or no credentials behind the scheme.
    Absent,
    /// More than one token, or what could be read as that.
    Several,
    /// One token, not looked at yet.
    Token(&'a [u8]),
}

/// Finds the token. The scheme's name is case-insensitive (RFC 9110, section 11.1).
pub(crate) fn credentials(headers: &HeaderMap) -> Credentials<'_> {
    let value = match headers.single("authorization") {
        Single::Absent => return Credentials::Absent,
        Single::Many => return Credentials::Several,
        Single::One(value) => value,
    };
    match bearer(value) {
        Some([]) => Credentials::Absent,
        Some(token) if token.contains(&b',') => Credentials::Several,
        Some(token) => Credentials::Token(token),
        None if value.split(|byte| *byte == b',').skip(1).any(starts_other_credentials) => {
            Credentials::Several
        }
        None => Credentials::Absent,
    }
}

/// Whether what follows a comma is another header's value: Envoy joins repeated ones with a bare comma. It then starts
/// with a scheme and a space, while the parameters of one scheme (`Digest a=b,c=d`) start with `name=`.
fn starts_other_credentials(part: &[u8]) -> bool {
    let is_scheme = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'+');
    let end = part.iter().position(|byte| !is_scheme(byte)).unwrap_or(part.len());
    end > 0 && part.get(end) == Some(&b' ')
}

/// What follows the scheme `Bearer`, if that is the scheme.
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let value = value.trim_ascii();
    let end = value.iter().position(|byte| *byte == b' ').unwrap_or(value.len());
    let (scheme, rest) = value.split_at_checked(end)?;
    scheme.eq_ignore_ascii_case(b"bearer").then(|| rest.trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[&[u8]]) -> String {
        let headers: Vec<_> = values.iter().map(|value| ("authorization", *value)).collect();
        match credentials(&HeaderMap::from_pairs(&headers).unwrap()) {
            Credentials::Token(token) => String::from_utf8_lossy(token).into_owned(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn the_scheme_is_bearer_in_any_case() {
        for value in ["Bearer abc", "bearer abc", "BEARER   abc", "bEaReR abc "] {
            assert_eq!(of(&[value.as_bytes()]), "abc", "{value}");
        }
    }

    #[test]
    fn without_a_bearer_token_there_is_none() {
        for value in [
            b"".as_slice(),
            b"Basic YTpi",
            b"Bearer",
            b"Bearer ",
            b"Bearerabc",
            b"Digest a=b, c=d",
            b"Digest a=b,c=d",
            b"\xff abc",
            b"Bearer\tabc",
        ] {
            assert_eq!(of(&[value]), "Absent", "{value:?}");
        }
        assert_eq!(of(&[]), "Absent");
    }

    #[test]
    fn two_tokens_are_seen_however_they_come() {
        assert_eq!(of(&[b"Bearer a", b"Bearer a"]), "Several");
        assert_eq!(of(&[b"Basic a", b"Bearer b"]), "Several");
        for value in [
            "Bearer a,Bearer b",
            "Bearer a, b",
            "Bearer a,",
            "Basic a,Bearer b",
            "Bearer,Bearer b",
            "Basic a,Basic b",
            ",Bearer b",
        ] {
            assert_eq!(of(&[value.as_bytes()]), "Several", "{value}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_stay_for_the_token_parser_to_refuse() {
        assert_eq!(of(&[b"Bearer \xff\xfe"]), "\u{fffd}\u{fffd}");
    }
}

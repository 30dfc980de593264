//! Where a token may be: the `authorization` header (RFC 6750, section 2.1), a cookie, a query parameter (section 2.3).

use cutover_filter_host::{HeaderMap, Single};

/// The places that are looked at. Wherever else a token is, it is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// The `authorization` header.
    pub authorization: bool,
    /// The cookie of this name.
    pub cookie: Option<String>,
    /// The query parameter of this name.
    pub query: Option<String>,
}

impl Places {
    /// What is looked at unless something else is configured.
    pub const USUAL: Self = Self { authorization: true, cookie: None, query: None };
}

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

impl<'a> Credentials<'a> {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Absent, other) => other,
            (one, Self::Absent) => one,
            (Self::Several | Self::Token(_), Self::Several | Self::Token(_)) => Self::Several,
        }
    }

    fn of(value: &'a [u8]) -> Self {
        if value.is_empty() { Self::Absent } else { Self::Token(value) }
    }
}

/// Finds the token; `target` is the path with its query. Two of them are several, in one place or in two
/// (RFC 6750, section 2: "MUST NOT use more than one method").
pub(crate) fn credentials<'a>(headers: &'a HeaderMap, target: &'a [u8], places: &Places) -> Credentials<'a> {
    let Places { authorization, cookie, query } = places;
    let mut found = if *authorization { in_authorization(headers) } else { Credentials::Absent };
    if let Some(name) = cookie {
        let values = headers.values("cookie").flat_map(cookies).filter_map(|pair| value_of(pair, name));
        found = values.map(Credentials::of).fold(found, Credentials::and);
    }
    if let Some(name) = query {
        let values = parameters(target).filter_map(|pair| value_of(pair, name));
        found = values.map(Credentials::of).fold(found, Credentials::and);
    }
    found
}

/// The headers without the tokens in them, none of which goes upstream: each with its new value, `None` for not at all.
/// (`authorization` is removed by whoever calls this, whatever is in it.)
pub(crate) fn stripped(
    headers: &HeaderMap,
    target: &[u8],
    places: &Places,
) -> Vec<(&'static str, Option<Vec<u8>>)> {
    let Places { authorization: _, cookie, query } = places;
    let mut changed = Vec::new();
    if let Some(name) = cookie {
        let all = || headers.values("cookie").flat_map(cookies);
        if all().any(|pair| value_of(pair, name).is_some()) {
            let rest: Vec<_> = all().filter(|pair| value_of(pair, name).is_none()).collect();
            changed.push(("cookie", (!rest.is_empty()).then(|| rest.join(b"; ".as_slice()))));
        }
    }
    if let Some(name) = query
        && parameters(target).any(|pair| value_of(pair, name).is_some())
    {
        let path = target.split(|byte| *byte == b'?').next().unwrap_or_default();
        let rest: Vec<_> = parameters(target).filter(|pair| value_of(pair, name).is_none()).collect();
        let query = if rest.is_empty() { Vec::new() } else { [b"?", rest.join(&b'&').as_slice()].concat() };
        changed.push((":path", Some([path, &query].concat())));
    }
    changed
}

/// The pairs of a `cookie` header (RFC 6265, section 5.4).
fn cookies(header: &[u8]) -> impl Iterator<Item = &[u8]> {
    header.split(|byte| *byte == b';').map(<[u8]>::trim_ascii).filter(|pair| !pair.is_empty())
}

/// The pairs of a query, as they were sent.
fn parameters(target: &[u8]) -> impl Iterator<Item = &[u8]> {
    let query = target.iter().position(|byte| *byte == b'?').and_then(|mark| target.get(mark + 1..));
    query.into_iter().flat_map(|query| query.split(|byte| *byte == b'&'))
}

/// The value of a pair of this name, however the name is spelled: a service behind us may decode it.
fn value_of<'a>(pair: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let end = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
    let (written, value) = pair.split_at_checked(end)?;
    is_spelling_of(written, name.as_bytes()).then(|| value.strip_prefix(b"=").unwrap_or_default())
}

/// Whether percent-decoding the one gives the other.
fn is_spelling_of(mut written: &[u8], name: &[u8]) -> bool {
    for byte in name {
        let (read, rest) = match written {
            [b'%', high, low, rest @ ..] => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, rest),
                _ => return false,
            },
            [first, rest @ ..] => (*first, rest),
            [] => return false,
        };
        if read != *byte {
            return false;
        }
        written = rest;
    }
    written.is_empty()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// The token of the header. The scheme's name is case-insensitive (RFC 9110, section 11.1).
fn in_authorization(headers: &HeaderMap) -> Credentials<'_> {
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

    fn everywhere() -> Places {
        Places {
            authorization: true,
            cookie: Some("session".to_owned()),
            query: Some("access_token".to_owned()),
        }
    }

    fn shown(headers: &HeaderMap, target: &str, places: &Places) -> String {
        match credentials(headers, target.as_bytes(), places) {
            Credentials::Token(token) => String::from_utf8_lossy(token).into_owned(),
            other => format!("{other:?}"),
        }
    }

    fn of(values: &[&[u8]]) -> String {
        let headers: Vec<_> = values.iter().map(|value| ("authorization", *value)).collect();
        shown(&HeaderMap::from_pairs(&headers).unwrap(), "/", &everywhere())
    }

    fn with(headers: &[(&str, &str)], target: &str) -> String {
        shown(&HeaderMap::from_pairs(headers).unwrap(), target, &everywhere())
    }

    fn left(headers: &[(&str, &str)], target: &str) -> String {
        let headers = HeaderMap::from_pairs(headers).unwrap();
        let show = |(name, value): (&str, Option<Vec<u8>>)| match value {
            Some(value) => format!("{name}: {}", String::from_utf8_lossy(&value)),
            None => format!("no {name}"),
        };
        stripped(&headers, target.as_bytes(), &everywhere())
            .into_iter()
            .map(show)
            .collect::<Vec<_>>()
            .join(", ")
    }

    #[test]
    fn a_token_is_found_in_each_place() {
        assert_eq!(with(&[("cookie", "a=b; session=tok;c=d")], "/"), "tok");
        assert_eq!(with(&[("cookie", "a=b"), ("cookie", "session=tok")], "/"), "tok");
        assert_eq!(with(&[], "/p?a=b&access_token=tok"), "tok");
        assert_eq!(with(&[], "/p?access%5ftoken=tok&x"), "tok");
        for target in [
            "/access_token=tok",
            "/p?access_token",
            "/p?access_token=",
            "/p?access_tokens=t",
            "/p?%zz=t",
            "/p",
        ] {
            assert_eq!(
                with(&[("cookie", "Session=tok; sessions=x; session=")], target),
                "Absent",
                "{target}"
            );
        }
    }

    #[test]
    fn a_place_that_is_not_configured_is_not_looked_at() {
        let headers =
            HeaderMap::from_pairs(&[("authorization", "Bearer a"), ("cookie", "session=b")]).unwrap();
        let only = |authorization| Places { authorization, cookie: None, query: None };
        assert_eq!(shown(&headers, "/?access_token=c", &only(true)), "a");
        assert_eq!(shown(&headers, "/?access_token=c", &only(false)), "Absent");
        assert!(stripped(&headers, b"/?access_token=c", &only(true)).is_empty());
    }

    #[test]
    fn tokens_in_two_places_are_several_even_if_they_are_the_same() {
        let bearer = ("authorization", "Bearer t");
        assert_eq!(with(&[bearer, ("cookie", "session=t")], "/"), "Several");
        assert_eq!(with(&[bearer], "/?access_token=t"), "Several");
        assert_eq!(with(&[bearer], "/?access%5Ftoken=t"), "Several");
        assert_eq!(with(&[("cookie", "session=t")], "/?access_token=t"), "Several");
        assert_eq!(with(&[("cookie", "session=t; session=t")], "/"), "Several");
        assert_eq!(with(&[], "/?access_token=t&access_token=u"), "Several");
        assert_eq!(with(&[("authorization", "Bearer a,Bearer b"), ("cookie", "session=t")], "/"), "Several");
        assert_eq!(with(&[("authorization", "Basic x"), ("cookie", "session=t")], "/"), "t");
    }

    #[test]
    fn no_token_is_left_and_everything_else_stays_byte_for_byte() {
        assert_eq!(left(&[("cookie", "a=b")], "/p?x=%20&y"), "");
        assert_eq!(left(&[("cookie", "session=t")], "/p"), "no cookie");
        assert_eq!(left(&[("cookie", "a=b; session=t; c=d")], "/p"), "cookie: a=b; c=d");
        assert_eq!(left(&[], "/p?access_token=t"), ":path: /p");
        assert_eq!(left(&[], "/p?x=%20&access_token=t&y&&z=?&access%5Ftoken="), ":path: /p?x=%20&y&&z=?");
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

//! Requests that must end at the gateway.

use cutover_e2e::raw;

use crate::random::Random;
use crate::tokens::Pool;

/// The cookie and the query parameter that the gateway also looks for a token in.
pub(crate) const COOKIE: &str = "session";
pub(crate) const QUERY: &str = "access_token";

/// A request, and whether it is so large that the gateway may close the connection before it has read all of it.
pub(crate) struct Hostile {
    pub(crate) bytes: Vec<u8>,
    pub(crate) is_huge: bool,
}

struct Draft {
    target: Vec<u8>,
    headers: Vec<(String, Vec<u8>)>,
}

impl Draft {
    fn authorization(&mut self, value: &[u8]) {
        let value: Vec<u8> = value.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
        self.headers.push(("authorization".to_owned(), value));
    }

    fn cookie(&mut self, token: &[u8]) {
        let value = [COOKIE.as_bytes(), b"=", token].concat();
        self.headers.push(("cookie".to_owned(), value));
    }

    fn query(&mut self, token: &[u8]) {
        self.target.extend_from_slice(if self.target.contains(&b'?') { b"&" } else { b"?" });
        self.target.extend_from_slice(&[QUERY.as_bytes(), b"=", token].concat());
    }
}

pub(crate) fn hostile(pool: &Pool, random: &mut Random) -> Hostile {
    let mut draft = Draft { target: b"/v1/task".to_vec(), headers: Vec::new() };
    if random.once_in(8) {
        decorate(&mut draft, random);
    }
    match random.below(20) {
        0 => draft.cookie(&mutant_within(pool, random)),
        1 => draft.query(&mutant_within(pool, random)),
        2 => in_two_places(&mut draft, pool, random),
        3 | 4 => repeated(&mut draft, pool, random),
        5 => other_scheme(&mut draft, pool, random),
        6 if random.once_in(4) => huge(&mut draft, pool, random),
        _ => {
            let scheme =
                *random.pick(&["Bearer ", "Bearer ", "bearer ", "BEARER ", "Bearer  ", "beaRER    "]);
            draft.authorization(&[scheme.as_bytes(), &pool.mutant(random)].concat());
        }
    }
    let headers: Vec<(&str, &[u8])> =
        draft.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
    let bytes = raw::request("GET", &draft.target, &headers);
    // Envoy refuses heads beyond 60 KiB without reading on.
    Hostile { is_huge: bytes.len() > 50 * 1024, bytes }
}

/// A token for a place in which more than its end ends it: what stands before such a byte must not be good either.
fn mutant_within(pool: &Pool, random: &mut Random) -> Vec<u8> {
    loop {
        let token = pool.mutant(random);
        let ends = |byte: &u8| matches!(byte, b';' | b'&' | b'#') || byte.is_ascii_whitespace();
        if !token.split(ends).any(|piece| pool.is_good(piece)) {
            return token;
        }
    }
}

fn good<'a>(pool: &'a Pool, random: &mut Random) -> &'a [u8] {
    random.pick(&pool.good).as_bytes()
}

fn bearer(token: &[u8]) -> Vec<u8> {
    [b"Bearer ", token].concat()
}

/// Two methods at once, even with the same good token, are one too many.
fn in_two_places(draft: &mut Draft, pool: &Pool, random: &mut Random) {
    let token = good(pool, random);
    match random.below(5) {
        0 => {
            draft.authorization(&bearer(token));
            draft.cookie(token);
        }
        1 => {
            // The scheme alone is no token, so it is none too many.
            draft.authorization(&bearer(&[b"x", pool.mutant(random).as_slice()].concat()));
            draft.query(token);
        }
        2 => {
            draft.cookie(token);
            draft.query(good(pool, random));
        }
        3 => {
            draft.cookie(token);
            draft.cookie(good(pool, random));
        }
        _ => {
            draft.query(token);
            draft.query(token);
        }
    }
}

/// Several `authorization` headers, a good token in at least one of them.
fn repeated(draft: &mut Draft, pool: &Pool, random: &mut Random) {
    let mut values = vec![bearer(good(pool, random))];
    for _ in 0..=random.below(3) {
        let other = match random.below(6) {
            0 => bearer(good(pool, random)),
            1 => b"Basic YTpi".to_vec(),
            2 => vec![0xff, b' ', 0xfe],
            3 => b"Bearer ".to_vec(),
            _ => bearer(&pool.mutant(random)),
        };
        values.insert(random.below(values.len() + 1), other);
    }
    for value in &values {
        draft.authorization(value);
    }
}

/// A good token behind something that is not `Bearer`.
fn other_scheme(draft: &mut Draft, pool: &Pool, random: &mut Random) {
    let scheme = *random.pick(&[
        "Basic ",
        "Bearer",
        "Bearer:",
        "Bearer=",
        "Token ",
        "JWT ",
        "DPoP ",
        "",
        "\"Bearer\" ",
        "Bearer\u{a0}",
        "B\u{e9}arer ",
        "Bearers ",
        "earer ",
        "Bearer Bearer ",
    ]);
    draft.authorization(&[scheme.as_bytes(), good(pool, random)].concat());
}

/// Headers beyond every limit.
fn huge(draft: &mut Draft, pool: &Pool, random: &mut Random) {
    let size = 1024 * (8 + random.below(120));
    match random.below(3) {
        0 => {
            let filler = vec![*random.pick(b"Aa0.-_ "); size];
            draft.authorization(&[b"Bearer ", filler.as_slice(), b"x"].concat());
        }
        1 => {
            draft.headers.push(("x-filler".to_owned(), vec![b'x'; size]));
            draft.authorization(&bearer(&pool.mutant(random)));
        }
        _ => {
            for number in 0..random.below(300) {
                draft.headers.push((
                    format!("x-{number}"),
                    random.bytes(3).into_iter().map(|byte| byte | 0x80).collect(),
                ));
            }
            draft.authorization(&bearer(&pool.mutant(random)));
        }
    }
}

/// Things around the token that are strange and no business of the gateway.
fn decorate(draft: &mut Draft, random: &mut Random) {
    match random.below(5) {
        0 => draft
            .headers
            .push(("cookie".to_owned(), b"a=b; ;;=; session; \xff=\xfe; x=\"session=y\"".to_vec())),
        1 => draft.target.extend_from_slice(b"?&&=&access_tokens=1&%61=%zz&x=%00"),
        2 => draft.headers.push(("x-request-id".to_owned(), vec![0xff; 1 + random.below(40)])),
        3 => draft.headers.push(("content-type".to_owned(), b"application/grpc".to_vec())),
        _ => draft.headers.push(("x-user-id".to_owned(), b"root".to_vec())),
    }
}

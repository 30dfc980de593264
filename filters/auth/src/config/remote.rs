//! Where an issuer's keys are fetched, and how patiently.

use super::view::{ConfigError, View};

/// Keys that are fetched from the issuer, through an Envoy cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteKeys {
    /// The cluster that reaches the issuer.
    pub cluster: String,
    /// `:authority` of the request: the host, and the port if the url has one.
    pub authority: String,
    /// `:path` of the request, with its query; starts with `/`.
    pub path: String,
    /// `:scheme` of the request, `http` or `https`. (TLS itself is the cluster's matter.)
    pub scheme: &'static str,
    /// How long one fetch may take, 1 to 60 seconds.
    pub timeout_seconds: u32,
    /// A set of this age is fetched again, 10 to 86400 seconds.
    pub refresh_seconds: u32,
    /// The least time between two fetches that tokens with unknown keys set off, 1 to 3600 seconds.
    pub unknown_kid_seconds: u32,
    /// How long a request waits for keys, 0 to 30 seconds.
    pub hold_seconds: u32,
    /// How many requests wait at once, of this issuer and in one worker; 0 to 100000.
    pub hold_requests: u32,
}

pub(crate) fn read(view: View<'_>) -> Result<RemoteKeys, ConfigError> {
    view.only(&[
        "cluster",
        "url",
        "timeout_seconds",
        "refresh_seconds",
        "unknown_kid_seconds",
        "hold_seconds",
        "hold_requests",
    ])?;
    let cluster = view.need("cluster")?.name()?.to_owned();
    let url = view.need("url")?;
    let (scheme, authority, path) = parts(url.text()?).map_err(|problem| url.error(problem))?;
    Ok(RemoteKeys {
        cluster,
        authority,
        path,
        scheme,
        timeout_seconds: view.whole_or("timeout_seconds", 1..=60, 5)?,
        refresh_seconds: view.whole_or("refresh_seconds", 10..=86_400, 300)?,
        unknown_kid_seconds: view.whole_or("unknown_kid_seconds", 1..=3_600, 5)?,
        hold_seconds: view.whole_or("hold_seconds", 0..=30, 5)?,
        hold_requests: view.whole_or("hold_requests", 0..=100_000, 1_000)?,
    })
}

/// Scheme, authority and path of an absolute URL (RFC 3986, section 3), as a request carries them.
fn parts(url: &str) -> Result<(&'static str, String, String), &'static str> {
    let (scheme, rest) = if let Some(rest) = url.strip_prefix("https://") {
        ("https", rest)
    } else if let Some(rest) = url.strip_prefix("http://") {
        ("http", rest)
    } else {
        return Err("must start with `https://` or `http://`");
    };
    // RFC 3986, section 2: what no URL has unless it is percent-encoded.
    let fits = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte);
    if !rest.bytes().all(fits) {
        return Err("must have nothing but the characters of a url; others are percent-encoded");
    }
    if rest.contains('#') {
        return Err("must have no fragment");
    }
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    if authority.contains('@') {
        return Err("must have no user info");
    }
    if !is_authority(authority) {
        return Err("must have a host, and a port from 1 to 65535 if any");
    }
    let path = if path.starts_with('/') { path.to_owned() } else { ["/", path].concat() };
    Ok((scheme, authority.to_owned(), path))
}

fn is_authority(authority: &str) -> bool {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let port_fits = port.is_none_or(|port| {
        port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0)
    });
    let host_fits = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
            !host.is_empty() && host.bytes().all(fits)
        }
    };
    port_fits && host_fits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart_as_a_request_carries_it() {
        for (url, scheme, authority, path) in [
            ("https://issuer.example/a/b.json", "https", "issuer.example", "/a/b.json"),
            ("http://127.0.0.1:8081/jwks?v=1&w=/", "http", "127.0.0.1:8081", "/jwks?v=1&w=/"),
            ("https://issuer.example", "https", "issuer.example", "/"),
            ("https://issuer.example?x", "https", "issuer.example", "/?x"),
            ("http://[::1]:80/", "http", "[::1]:80", "/"),
            ("http://[2001:db8::1]/k", "http", "[2001:db8::1]", "/k"),
        ] {
            assert_eq!(parts(url), Ok((scheme, authority.to_owned(), path.to_owned())), "{url}");
        }
    }

    #[test]
    fn a_url_that_no_request_could_carry_is_refused() {
        for (url, words) in [
            ("issuer.example/jwks", "start with"),
            ("ftp://issuer.example/", "start with"),
            ("HTTPS://issuer.example/", "start with"),
            ("https://", "a host"),
            ("https:///jwks", "a host"),
            ("https://issuer.example:/", "a host"),
            ("https://issuer.example:0/", "a host"),
            ("https://issuer.example:65536/", "a host"),
            ("https://issuer.example:+80/", "a host"),
            ("https://[::1/", "a host"),
            ("https://a,b/", "a host"),
            ("https://user:secret@issuer.example/", "user info"),
            ("https://issuer.example/#keys", "fragment"),
            ("https://issuer.example/a b", "characters"),
            ("https://issuer.example/\r\nx: y", "characters"),
            ("https://issuer.example/\u{e9}", "characters"),
        ] {
            let problem = parts(url).unwrap_err();
            assert!(problem.contains(words), "{url:?}: {problem}");
        }
    }
}

//! `jwks.url`: keys that Envoy fetches from the issuer, by a cluster of its own.

use std::path::{Path, PathBuf};

use cutover_compiler::document::Node;
use cutover_xds::model::{Endpoint, Host, KeyHost, Tls};
use serde_json::json;

use super::issuers::Source;
use super::reader::{self, Fields, Mistakes};
use super::{FetchedSummary, locate, plain};

/// The fields that only keys from a URL have.
pub(super) const FIELDS: [&str; 6] = ["timeout", "refresh", "unknown_kid", "hold", "hold_requests", "ca"];

/// Where Debian, Ubuntu, Alpine and Envoy's own images keep whom the system trusts.
const SYSTEM_CA: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Why a URL cannot name a key set. Who puts a password into a URL does not want to see it in a log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum UrlError {
    #[error("`url` is no address of a key set; it starts with `https://`")]
    Scheme,
    #[error("`url` has characters that no URL has; percent-encode them")]
    Characters,
    #[error("`url` has a fragment; leave out `#` and what follows, it is never sent")]
    Fragment,
    #[error("`url` has a user or a password in it; a key set is public, leave them out")]
    UserInfo,
    #[error(
        "`url` has no usable host in `{0}`; write for example `https://issuer.example/.well-known/jwks.json`"
    )]
    Host(String),
    #[error(
        "keys of {0} over plain http could be exchanged on the way; write `https://`, plain http is for 127.0.0.1, [::1] and localhost only"
    )]
    Plain(String),
}

pub(super) fn read(
    fields: &Fields<'_>,
    url: &Node,
    folder: &Path,
    mistakes: &mut Mistakes,
) -> Option<Source> {
    let mut seconds =
        |field, otherwise, range| reader::seconds(field, fields.optional(field), otherwise, range, mistakes);
    let timeout = seconds("timeout", 5, 1..=60);
    let refresh = seconds("refresh", 300, 10..=86_400);
    let unknown_kid = seconds("unknown_kid", 5, 1..=3_600);
    let hold = seconds("hold", 5, 0..=30);
    let hold_requests = match fields.optional("hold_requests") {
        None => Some(1_000),
        Some(node) => reader::whole("hold_requests", node, 0..=100_000, mistakes),
    };
    let ca = fields.optional("ca").map(|node| (node, ca(node, folder, mistakes)));
    let text = reader::text("url", url, mistakes)?;
    let (endpoint, secure) = reader::with(host_of(text), url, mistakes)?;
    let tls = match (secure, ca) {
        (true, None) => Some(Tls { ca: SYSTEM_CA.into() }),
        (true, Some((_, ca))) => Some(Tls { ca: ca? }),
        (false, None) => None,
        (false, Some((node, _))) => {
            mistakes.add(node.at, "`ca` is for https, and this `url` is plain http", "remove it");
            return None;
        }
    };
    let host = KeyHost { endpoint, tls };
    let value = json!({
        "cluster": host.cluster(),
        "url": text,
        "timeout_seconds": timeout?,
        "refresh_seconds": refresh?,
        "unknown_kid_seconds": unknown_kid?,
        "hold_seconds": hold?,
        "hold_requests": hold_requests?,
    });
    let fetched = FetchedSummary {
        url: text.to_owned(),
        cluster: host.cluster(),
        ca: host.tls.as_ref().map(|tls| tls.ca.clone()),
        refresh_seconds: refresh?,
        unknown_kid_seconds: unknown_kid?,
        hold_seconds: hold?,
    };
    Some(Source {
        field: "remote_jwks",
        value,
        keys: Vec::new(),
        ignored: Vec::new(),
        fetched: Some(fetched),
        key_host: Some((host, url.at)),
    })
}

/// The host of an absolute URL (RFC 3986 section 3), and whether it is reached by TLS.
fn host_of(url: &str) -> Result<(Endpoint, bool), UrlError> {
    let (secure, rest) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(rest), _) => (true, rest),
        (None, Some(rest)) => (false, rest),
        (None, None) => return Err(UrlError::Scheme),
    };
    let fits = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte);
    if !rest.bytes().all(fits) {
        return Err(UrlError::Characters);
    }
    if rest.contains('#') {
        return Err(UrlError::Fragment);
    }
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err(UrlError::UserInfo);
    }
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port),
        _ => (authority, if secure { "443" } else { "80" }),
    };
    let wrong = || UrlError::Host(authority.to_owned());
    // A zone is a matter of this machine, and Envoy may run on another.
    if !port.bytes().all(|byte| byte.is_ascii_digit()) || host.contains('%') {
        return Err(wrong());
    }
    let endpoint: Endpoint = format!("{}:{port}", host.to_ascii_lowercase()).parse().map_err(|_| wrong())?;
    let here = match &endpoint.host {
        Host::Ip(ip) => ip.is_loopback(),
        Host::Name(name) => name == "localhost",
    };
    if secure || here { Ok((endpoint, secure)) } else { Err(UrlError::Plain(authority.to_owned())) }
}

/// As an absolute path: Envoy may run in another folder.
fn ca(node: &Node, folder: &Path, mistakes: &mut Mistakes) -> Option<PathBuf> {
    let path = locate(folder, reader::text("ca", node, mistakes)?);
    let shown = path.display();
    let (message, hint) = match (std::fs::read(&path), std::path::absolute(&path)) {
        (Ok(bytes), Ok(path)) if holds_certificate(&bytes) => return Some(path),
        (Ok(_), _) => (
            format!("`{shown}` has no certificate in it"),
            "name a PEM file with one or more `-----BEGIN CERTIFICATE-----`".to_owned(),
        ),
        (Err(error), _) => (
            format!("the certificates `{shown}` cannot be read: {}", plain(&error)),
            format!("leave `ca` out for {SYSTEM_CA}, or name a PEM file with the certificates to trust"),
        ),
    };
    mistakes.add(node.at, message, hint);
    None
}

fn holds_certificate(pem: &[u8]) -> bool {
    String::from_utf8_lossy(pem).contains("-----BEGIN CERTIFICATE-----")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_a_host_with_tls_unless_it_is_this_machine() {
        for (url, endpoint, secure) in [
            ("https://Issuer.Example/.well-known/jwks.json", "issuer.example:443", true),
            ("https://issuer.example?v=1", "issuer.example:443", true),
            ("https://issuer.example:8443/jwks", "issuer.example:8443", true),
            ("https://10.0.0.7/jwks", "10.0.0.7:443", true),
            ("https://[2001:db8::1]/jwks", "[2001:db8::1]:443", true),
            ("http://127.0.0.1:9999/jwks", "127.0.0.1:9999", false),
            ("http://127.8.0.1/jwks", "127.8.0.1:80", false),
            ("http://[::1]:80/jwks", "[::1]:80", false),
            ("http://localhost/jwks", "localhost:80", false),
        ] {
            assert_eq!(host_of(url), Ok((endpoint.parse().unwrap(), secure)), "{url}");
        }
    }

    #[test]
    fn what_names_no_host_or_no_safe_one_is_refused() {
        use UrlError::{Characters, Fragment, Host, Plain, Scheme, UserInfo};
        let host = |text: &str| Host(text.to_owned());
        for (url, error) in [
            ("issuer.example/jwks", Scheme),
            ("HTTPS://issuer.example/", Scheme),
            ("file:///etc/jwks.json", Scheme),
            ("https://issuer.example/a b", Characters),
            ("https://issuer.example/\u{fc}", Characters),
            ("https://issuer.example/#keys", Fragment),
            ("https://user:secret@issuer.example/", UserInfo),
            ("https:///jwks", host("")),
            ("https://issuer.example:0/", host("issuer.example:0")),
            ("https://issuer.example:+80/", host("issuer.example:+80")),
            ("https://issuer.example:/", host("issuer.example:")),
            ("https://[fe80::1%1]/", host("[fe80::1%1]")),
            ("https://1.2.3/", host("1.2.3")),
            ("http://issuer.example/jwks", Plain("issuer.example".to_owned())),
            ("http://localhost.example/jwks", Plain("localhost.example".to_owned())),
            ("http://10.0.0.7/jwks", Plain("10.0.0.7".to_owned())),
        ] {
            assert_eq!(host_of(url), Err(error), "{url}");
        }
        assert!(!UserInfo.to_string().contains("secret"));
    }
}

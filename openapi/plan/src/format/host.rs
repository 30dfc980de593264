//! Addresses and names of hosts.

/// RFC 4291, section 2.2; without a zone.
pub(super) fn ipv6(text: &str) -> bool {
    // An address has at most 45 characters; the standard library knows its grammar.
    text.len() <= 45 && text.parse::<std::net::Ipv6Addr>().is_ok()
}

/// RFC 1123, section 2.1: labels of letters, digits and inner hyphens.
pub(super) fn hostname(text: &str) -> bool {
    !text.is_empty() && text.len() <= 253 && text.split('.').all(label)
}

fn label(text: &str) -> bool {
    let bytes = text.as_bytes();
    let plain = (1..=63).contains(&bytes.len())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
        && bytes.first() != Some(&b'-')
        && bytes.last() != Some(&b'-');
    // RFC 5891, section 4.2.3.1: two hyphens there announce an encoding, and there is only one.
    plain
        && (bytes.get(2..4) != Some(b"--")
            || bytes.get(..2).is_some_and(|start| start.eq_ignore_ascii_case(b"xn")))
}

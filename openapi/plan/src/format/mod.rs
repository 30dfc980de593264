//! The formats that a small automaton cannot tell: each is read once, from left to right.

mod host;
mod regex;
mod time;

use crate::schema::TextRule;

/// Whether the text has that format.
pub(crate) fn holds(rule: TextRule, text: &str) -> bool {
    match rule {
        TextRule::Date => time::date(text.as_bytes()),
        TextRule::Time => time::time(text.as_bytes()),
        TextRule::DateTime => time::date_time(text.as_bytes()),
        TextRule::Ipv6 => host::ipv6(text),
        TextRule::Hostname => host::hostname(text),
        TextRule::Regex => regex::is_pattern(text),
    }
}

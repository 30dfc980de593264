//! The `cookie` header as the `cookie` package reads it, which Express' cookie parser uses.

use crate::fields::Fields;
use crate::percent;
use crate::style::owned;

/// What is not read is not checked, so more cookies are refused.
pub(crate) const MAX_COOKIES: usize = 1000;

/// The cookies by their names: of a repeated one the first counts. `None` when there are too many.
pub(crate) fn parse(header: &str) -> Option<Fields> {
    let mut pairs: Vec<(String, _)> = Vec::new();
    for pair in header.split(';') {
        let Some((name, value)) = pair.split_once('=') else { continue };
        let (name, value) = (name.trim_matches(is_blank), value.trim_matches(is_blank));
        if pairs.len() == MAX_COOKIES {
            return None;
        }
        if pairs.iter().any(|(known, _)| known == name) {
            continue;
        }
        let unquoted = value.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
        let value = unquoted.unwrap_or(value);
        // The legacy gateway's parser leaves a value alone that cannot be decoded.
        let value = percent::decode_strict(value).unwrap_or_else(|| value.to_owned());
        pairs.push((name.to_owned(), owned(&value)));
    }
    Some(Fields::new(pairs))
}

fn is_blank(c: char) -> bool {
    c == ' ' || c == '\t'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn junk_between_cookies_is_passed_over_and_the_first_of_a_name_counts() {
        let cookies = parse("a=1; ;;= ;junk; b = \"x=y\" ;c=%41;d=%zz;a=2;a").unwrap();
        for (name, value) in [("a", "1"), ("b", "x=y"), ("c", "A"), ("d", "%zz"), ("", "")] {
            assert_eq!(cookies.values.get(name), Some(&owned(value)), "{name}");
        }
        assert_eq!(cookies.values.get("junk"), None);
        let many: String = (0..=MAX_COOKIES).map(|n| format!("c{n}=1;")).collect();
        assert!(parse(&many).is_none());
        assert!(parse(&"a=1;".repeat(300_000)).is_some());
    }
}

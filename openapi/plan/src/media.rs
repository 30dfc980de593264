//! Media types as the legacy validator compares them.

use std::collections::BTreeMap;

use crate::operation::{Body, Media};

/// A `content-type`, taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContentType {
    /// `type/subtype`, in lower case.
    media_type: String,
    parameters: BTreeMap<String, String>,
}

impl ContentType {
    /// Takes a `content-type` apart.
    #[must_use]
    pub fn parse(text: &str) -> ContentType {
        let media_type = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let mut parameters = BTreeMap::new();
        let mut rest = text;
        while let Some((_, after)) = rest.split_once(';') {
            let Some((name, tail)) = after.split_once('=') else { break };
            // The legacy validator's `\s*([^=]+)=`: where there is nothing but space, the last of it is the name.
            let last = name.char_indices().next_back().map_or(0, |(at, _)| at);
            let name =
                Some(name.trim_start()).filter(|name| !name.is_empty()).or(name.get(last..)).unwrap_or("");
            rest = tail;
            let value = tail.split(';').next().unwrap_or_default();
            if name.is_empty() || value.is_empty() {
                continue;
            }
            let name = name.to_ascii_lowercase();
            let value = if name == "charset" { value.to_ascii_lowercase() } else { value.to_owned() };
            parameters.insert(name, value);
        }
        ContentType { media_type, parameters }
    }

    /// Whether there is a media type at all.
    #[must_use]
    pub fn is_given(&self) -> bool {
        !self.media_type.is_empty()
    }

    /// The form in which media types are compared and named in messages.
    #[must_use]
    pub fn normal(&self) -> String {
        let mut text = self.media_type.clone();
        for (name, value) in self.parameters.iter().filter(|(name, _)| *name != "boundary") {
            text.push_str(&format!("; {name}={value}"));
        }
        text
    }

    /// The charset, `utf-8` when there is none.
    #[must_use]
    pub fn charset(&self) -> &str {
        let charset = self.parameters.get("charset").map_or("utf-8", String::as_str);
        charset.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(charset)
    }

    /// Whether it is JSON by its name.
    #[must_use]
    pub fn is_json(&self) -> bool {
        let subtype = self.media_type.split_once('/').map_or("", |(_, subtype)| subtype);
        subtype == "json" || subtype.ends_with("+json")
    }

    /// Whether it is this media type, or in this range; parameters do not count.
    #[must_use]
    pub fn covered_by(&self, range: &str) -> bool {
        let range = range.split(';').next().unwrap_or_default().trim();
        match range.strip_suffix('*').filter(|kind| kind.ends_with('/')) {
            Some("*/") => true,
            Some(kind) => self.media_type.starts_with(&kind.to_ascii_lowercase()),
            None => self.media_type.eq_ignore_ascii_case(range),
        }
    }

    /// Which of the contract's media types this is: the same with parameters, else without them, else by a range.
    #[must_use]
    pub fn choose(&self, body: &Body) -> Option<usize> {
        let normal = |media: &Media| ContentType::parse(&media.name).normal();
        let same = self.normal();
        let mut equivalent = vec![self.media_type.clone()];
        if !self.parameters.contains_key("charset") {
            equivalent.push(ContentType::parse(&format!("{same}; charset=utf-8")).normal());
        }
        let exact = body.media.iter().position(|media| normal(media) == same);
        let close = || body.media.iter().position(|media| equivalent.contains(&normal(media)));
        exact.or_else(close).or_else(|| self.range(body))
    }

    fn range(&self, body: &Body) -> Option<usize> {
        let covers = |media: &Media| {
            let kind = media.name.strip_suffix('*').filter(|kind| kind.ends_with('/'));
            kind.is_some_and(|kind| {
                kind == "*/" || (self.media_type.starts_with(kind) && self.media_type.len() > kind.len())
            })
        };
        let ranges = body.media.iter().enumerate().filter(|(_, media)| covers(media));
        ranges.max_by(|(_, a), (_, b)| a.name.cmp(&b.name)).map(|(index, _)| index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(names: &[&str]) -> Body {
        let media = names.iter().map(|name| Media { name: (*name).to_owned(), ..Media::default() }).collect();
        Body { required: true, media }
    }

    fn chosen(names: &[&str], sent: &str) -> Option<String> {
        ContentType::parse(sent).choose(&body(names)).map(|index| names[index].to_owned())
    }

    #[test]
    fn parameters_count_only_where_the_contract_has_them() {
        let json = ["application/json"];
        for sent in [
            "application/json",
            "Application/JSON",
            "application/json; charset=UTF-8",
            "application/json;a=b",
        ] {
            assert_eq!(chosen(&json, sent).as_deref(), Some("application/json"), "{sent}");
        }
        assert_eq!(chosen(&json, "text/json"), None);
        let utf8 = ["application/json; charset=utf-8"];
        assert!(chosen(&utf8, "application/json").is_some());
        assert!(chosen(&utf8, "application/json; charset=latin1").is_none());
    }

    #[test]
    fn a_long_heap_of_separators_takes_linear_time() {
        // Scanned again from each of its separators this would be 10^12 steps.
        let sent = format!("application/json{}=", ";".repeat(1_000_000));
        assert_eq!(ContentType::parse(&sent).normal(), "application/json");
        let sent = format!("application/json{};charset=UTF-8", ";=".repeat(1_000_000));
        assert_eq!(ContentType::parse(&sent).normal(), "application/json; charset=utf-8");
    }

    #[test]
    fn ranges_are_tried_last_and_the_widest_at_the_end() {
        let all = ["*/*", "application/*", "application/json"];
        assert_eq!(chosen(&all, "application/json").as_deref(), Some("application/json"));
        assert_eq!(chosen(&all, "application/xml").as_deref(), Some("application/*"));
        assert_eq!(chosen(&all, "text/plain").as_deref(), Some("*/*"));
    }

    #[test]
    fn messages_name_the_normal_form() {
        let normal = |text: &str| ContentType::parse(text).normal();
        assert_eq!(normal("Text/Plain ;  Charset=UTF-8; b=C"), "text/plain; b=C; charset=utf-8");
        assert_eq!(normal("multipart/form-data; boundary=x"), "multipart/form-data");
        assert_eq!(normal("a/b;  =x"), "a/b;  =x");
        assert_eq!(normal("a/b;=x"), "a/b");
        assert_eq!(normal("a/b; c; d=e"), "a/b; c; d=e");
        assert_eq!(ContentType::parse("a/b; charset=\"utf-8\"").charset(), "utf-8");
        assert!(!ContentType::parse("").is_given());
    }
}

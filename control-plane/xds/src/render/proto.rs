//! Short ways to say what Envoy's messages say at length.

use std::time::Duration;

use envoy_types::pb::envoy::config::core::v3::{
    AggregatedConfigSource, ApiVersion, ConfigSource, DataSource, HeaderValue, HeaderValueOption,
    SubstitutionFormatString, TypedExtensionConfig, config_source::ConfigSourceSpecifier, data_source,
    header_value_option::HeaderAppendAction, substitution_format_string::Format,
};
use envoy_types::pb::envoy::r#type::matcher::v3::{
    RegexMatcher, StringMatcher, string_matcher::MatchPattern,
};
use envoy_types::pb::google::protobuf;
use prost::{Message, Name};

use crate::wire;

/// The legacy gateway's content type of every JSON answer.
pub(super) const JSON: &str = "application/json; charset=utf-8";

pub(super) fn any<M: Message + Name>(message: &M) -> protobuf::Any {
    protobuf::Any { type_url: M::type_url(), value: message.encode_to_vec() }
}

/// As [`any`], for a message with a map in it: the fields lead to the map.
pub(super) fn any_with_map<M: Message + Name>(message: &M, map: &[u32]) -> protobuf::Any {
    let mut any = any(message);
    wire::sort_map(&mut any.value, map);
    any
}

pub(super) fn extension<M: Message + Name>(name: &str, message: &M) -> TypedExtensionConfig {
    TypedExtensionConfig { name: name.to_owned(), typed_config: Some(any(message)) }
}

pub(super) const fn uint32(value: u32) -> Option<protobuf::UInt32Value> {
    Some(protobuf::UInt32Value { value })
}

pub(super) const fn boolean(value: bool) -> Option<protobuf::BoolValue> {
    Some(protobuf::BoolValue { value })
}

/// Saturates at what a protobuf duration holds, some 292 thousand million years.
pub(super) fn duration(value: Duration) -> Option<protobuf::Duration> {
    Some(protobuf::Duration {
        seconds: i64::try_from(value.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(value.subsec_nanos()).unwrap_or_default(),
    })
}

/// A header that is set, whatever was there before.
pub(super) fn header(name: &str, value: impl Into<String>) -> HeaderValueOption {
    header_with(name, value, HeaderAppendAction::OverwriteIfExistsOrAdd)
}

pub(super) fn header_with(
    name: &str,
    value: impl Into<String>,
    action: HeaderAppendAction,
) -> HeaderValueOption {
    HeaderValueOption {
        header: Some(HeaderValue { key: name.to_owned(), value: value.into(), ..HeaderValue::default() }),
        append_action: action.into(),
        ..HeaderValueOption::default()
    }
}

pub(super) fn exactly(text: impl Into<String>) -> StringMatcher {
    StringMatcher { match_pattern: Some(MatchPattern::Exact(text.into())), ..StringMatcher::default() }
}

pub(super) fn beginning(prefix: &str) -> StringMatcher {
    StringMatcher { match_pattern: Some(MatchPattern::Prefix(prefix.to_owned())), ..StringMatcher::default() }
}

pub(super) fn matching(pattern: &str) -> StringMatcher {
    StringMatcher { match_pattern: Some(MatchPattern::SafeRegex(regex(pattern))), ..StringMatcher::default() }
}

pub(super) fn regex(regex: impl Into<String>) -> RegexMatcher {
    RegexMatcher { regex: regex.into(), ..RegexMatcher::default() }
}

pub(super) fn text(text: impl Into<String>) -> Option<DataSource> {
    Some(DataSource {
        specifier: Some(data_source::Specifier::InlineString(text.into())),
        ..DataSource::default()
    })
}

/// A body made of a text with `%OPERATORS%`, sent as JSON.
pub(super) fn json_body(template: impl Into<String>) -> Option<SubstitutionFormatString> {
    text(template).map(|source| SubstitutionFormatString {
        content_type: JSON.to_owned(),
        format: Some(Format::TextFormatSource(source)),
        ..SubstitutionFormatString::default()
    })
}

/// "Ask the stream you got this from."
pub(super) fn ads() -> ConfigSource {
    ConfigSource {
        resource_api_version: ApiVersion::V3.into(),
        config_source_specifier: Some(ConfigSourceSpecifier::Ads(AggregatedConfigSource {})),
        ..ConfigSource::default()
    }
}

//! Errors that Envoy itself answers, in the legacy gateway's words.

use envoy_types::pb::envoy::config::accesslog::v3::{
    AccessLogFilter, ResponseFlagFilter, access_log_filter::FilterSpecifier,
};
use envoy_types::pb::envoy::config::core::v3::HeaderValueOption;
use envoy_types::pb::envoy::extensions::filters::http::custom_response::v3::CustomResponse;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::{
    LocalReplyConfig, ResponseMapper,
};
use envoy_types::pb::envoy::extensions::http::custom_response::local_response_policy::v3::LocalResponsePolicy;
use envoy_types::pb::envoy::r#type::matcher::v3::HttpResponseStatusCodeMatchInput;
use envoy_types::pb::xds::core::v3::TypedExtensionConfig as XdsExtension;
use envoy_types::pb::xds::r#type::matcher::v3::matcher::matcher_list::predicate::{
    MatchType, SinglePredicate, single_predicate,
};
use envoy_types::pb::xds::r#type::matcher::v3::matcher::matcher_list::{FieldMatcher, Predicate};
use envoy_types::pb::xds::r#type::matcher::v3::matcher::{MatcherList, MatcherType, OnMatch, on_match};
use envoy_types::pb::xds::r#type::matcher::v3::{
    Matcher, RegexMatcher, StringMatcher, regex_matcher, string_matcher::MatchPattern,
};

use super::proto::{JSON, any, header, json_body, uint32};

/// Seconds after which a client may try again when a breaker is open.
pub(super) const RETRY_AFTER: &str = "10";

/// Upstream statuses that become 502 `upstream error`: 500, 501 and everything from 505 on.
const HIDDEN_STATUS: &str = "50[01]|50[5-9]|5[1-9][0-9]";

/// The legacy error body. The request id needs no escaping: the request-id filter lets through `[A-Za-z0-9._-]` only.
pub(super) fn legacy_body(message: &str) -> String {
    format!(r#"{{"message":"{message}","errors":[],"requestId":"%REQ(X-REQUEST-ID)%"}}"#)
}

/// What Envoy says when an upstream does not answer, by Envoy's response flags (`access_log/usage`, `%RESPONSE_FLAGS%`).
///
/// Answers of the filters carry no flag and pass as they are.
pub(super) fn local_replies() -> LocalReplyConfig {
    let retry_after = || vec![header("retry-after", RETRY_AFTER)];
    LocalReplyConfig {
        mappers: vec![
            // No healthy upstream host, upstream overflow.
            by_flags(&["UH", "UO"], 503, "upstream circuit open", retry_after()),
            // Upstream request timeout; stream idle timeout.
            by_flags(&["UT", "SI", "UMSDR"], 504, "upstream timeout", Vec::new()),
            // Connection failure, connection termination, remote and local reset, protocol error, cluster not found.
            by_flags(&["UF", "UC", "UR", "LR", "UPE", "NC"], 502, "upstream unavailable", Vec::new()),
        ],
        body_format: None,
    }
}

fn by_flags(flags: &[&str], status: u32, message: &str, headers: Vec<HeaderValueOption>) -> ResponseMapper {
    let flags = ResponseFlagFilter { flags: flags.iter().map(|flag| (*flag).to_owned()).collect() };
    mapper(FilterSpecifier::ResponseFlagFilter(flags), status, legacy_body(message), headers)
}

/// Replaces a local reply that the filter selects.
pub(super) fn mapper(
    filter: FilterSpecifier,
    status: u32,
    body: String,
    headers: Vec<HeaderValueOption>,
) -> ResponseMapper {
    ResponseMapper {
        filter: Some(AccessLogFilter { filter_specifier: Some(filter) }),
        status_code: uint32(status),
        body: None,
        body_format_override: json_body(body),
        headers_to_add: headers,
    }
}

/// Replaces what an upstream says about its own failure by 502 `upstream error`.
pub(super) fn hidden_failures() -> CustomResponse {
    let policy = LocalResponsePolicy {
        body: None,
        body_format: json_body(legacy_body("upstream error")),
        status_code: uint32(502),
        // Unlike a mapper of the connection manager, this policy forgets the content type of its format.
        response_headers_to_add: vec![header("content-type", JSON)],
        ..LocalResponsePolicy::default()
    };
    let status = StringMatcher {
        match_pattern: Some(MatchPattern::SafeRegex(RegexMatcher {
            regex: HIDDEN_STATUS.to_owned(),
            engine_type: Some(regex_matcher::EngineType::GoogleRe2(regex_matcher::GoogleRe2 {})),
        })),
        ignore_case: false,
    };
    let predicate = SinglePredicate {
        input: Some(XdsExtension {
            name: "status".to_owned(),
            typed_config: Some(any(&HttpResponseStatusCodeMatchInput {})),
        }),
        matcher: Some(single_predicate::Matcher::ValueMatch(status)),
    };
    let action = XdsExtension { name: "upstream-error".to_owned(), typed_config: Some(any(&policy)) };
    let matcher = FieldMatcher {
        predicate: Some(Predicate { match_type: Some(MatchType::SinglePredicate(predicate)) }),
        on_match: Some(OnMatch { keep_matching: false, on_match: Some(on_match::OnMatch::Action(action)) }),
    };
    CustomResponse {
        custom_response_matcher: Some(Matcher {
            on_no_match: None,
            matcher_type: Some(MatcherType::MatcherList(MatcherList { matchers: vec![matcher] })),
        }),
    }
}

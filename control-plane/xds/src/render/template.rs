//! Path templates as Envoy matches them.

use envoy_types::pb::envoy::config::route::v3::route_match::PathSpecifier;

use super::proto::regex;

/// How the paths of a template are told from others: the path itself, or one segment for each parameter.
pub(super) fn path_specifier(template: &str) -> PathSpecifier {
    if !template.contains('{') {
        return PathSpecifier::Path(template.to_owned());
    }
    let mut pattern = String::new();
    let mut rest = template;
    while let Some((literal, parameter)) = rest.split_once('{') {
        escape(literal, &mut pattern);
        pattern.push_str("[^/]+");
        rest = parameter.split_once('}').map_or("", |(_, rest)| rest);
    }
    escape(rest, &mut pattern);
    PathSpecifier::SafeRegex(regex(pattern))
}

fn escape(literal: &str, pattern: &mut String) {
    for character in literal.chars() {
        if character.is_ascii_punctuation() && !matches!(character, '/' | '-' | '_') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
}

/// Whether every `{` has its `}`, a template begins with a slash and holds nothing that a path cannot.
pub(super) fn is_template(template: &str) -> bool {
    let mut inside = false;
    let balanced = template.chars().all(|character| match (character, inside) {
        ('{', false) | ('}', true) => {
            inside = !inside;
            true
        }
        ('{' | '/', true) | ('}', false) => false,
        _ => !character.is_whitespace() && !character.is_control() && !matches!(character, '?' | '#'),
    });
    template.starts_with('/') && balanced && !inside
}

/// Sorts so that the first route that matches is the most concrete one, as OpenAPI wants it ("Path Templating Matching"):
/// at the first segment that differs, text stands before text around a parameter, and that before a parameter alone. It is
/// the filters' order, too: what the route is named by and what a service does must not be two operations.
pub(super) fn concreteness(template: &str) -> Vec<(u8, &str)> {
    let vagueness = |segment: &str| match segment.split_once('{') {
        None => 0,
        Some(("", rest)) if rest.split_once('}').is_some_and(|(_, after)| after.is_empty()) => 2,
        Some(_) => 1,
    };
    template.split('/').map(|segment| (vagueness(segment), segment)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(template: &str) -> String {
        match path_specifier(template) {
            PathSpecifier::Path(path) => format!("= {path}"),
            PathSpecifier::SafeRegex(regex) => format!("~ {}", regex.regex),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn a_parameter_is_one_segment_and_text_is_literal() {
        assert_eq!(pattern("/v1/task"), "= /v1/task");
        assert_eq!(pattern("/v1/task/{id}/complete"), "~ /v1/task/[^/]+/complete");
        assert_eq!(pattern("/a.b/{id}.json"), r"~ /a\.b/[^/]+\.json");
        assert_eq!(pattern("/{a}-{b}"), "~ /[^/]+-[^/]+");
    }

    #[test]
    fn concrete_paths_come_first() {
        let mut templates = ["/v1/{any}", "/v1/task/{id}", "/{x}/task", "/v1/task/mine", "/v1/task"];
        templates.sort_by_key(|template| concreteness(template));
        assert_eq!(templates, ["/v1/task", "/v1/task/mine", "/v1/task/{id}", "/v1/{any}", "/{x}/task"]);
        let mut templates = ["/a/{id}", "/a/{name}.json", "/a/z"];
        templates.sort_by_key(|template| concreteness(template));
        assert_eq!(templates, ["/a/z", "/a/{name}.json", "/a/{id}"], "whatever the names are");
    }

    #[test]
    fn broken_templates_are_told() {
        for good in ["/", "/v1/task", "/{a}/{b}", "/{a}.{b}"] {
            assert!(is_template(good), "{good}");
        }
        for bad in ["", "v1", "/{a", "/a}", "/{{a}}", "/{a/b}", "/a b", "/a?b", "/a#b"] {
            assert!(!is_template(bad), "{bad}");
        }
    }
}

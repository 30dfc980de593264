//! Path templates that could both match one request.
//!
//! Fixed text wins over a parameter. Where one template wins in one segment and the other in another, who wins depends on
//! who asks: this gateway, Envoy's routes, the services. Such contracts are refused.

use crate::document::Key;
use crate::report::Report;

/// The names of a template's parameters, in order.
///
/// # Errors
/// Says what is wrong with the template.
pub(super) fn names(template: &str) -> Result<Vec<&str>, &'static str> {
    if !template.starts_with('/') {
        return Err("must start with `/`");
    }
    let mut names = Vec::new();
    for segment in template.split('/') {
        let mut rest = segment;
        let mut after_parameter = false;
        while let Some((text, tail)) = rest.split_once('{') {
            if after_parameter && text.is_empty() {
                return Err("has two parameters with nothing between them");
            }
            let (name, tail) = tail.split_once('}').ok_or("has a `{` without its `}`")?;
            if name.is_empty() || name.contains('{') || text.contains('}') {
                return Err("has a parameter without a proper name");
            }
            if names.contains(&name) {
                return Err("names one parameter twice");
            }
            names.push(name);
            rest = tail;
            after_parameter = true;
        }
        if rest.contains('}') {
            return Err("has a `}` without its `{`");
        }
    }
    Ok(names)
}

/// Notes each template that overlaps an earlier one without a clear winner.
pub(super) fn refuse_ambiguous(templates: &[(String, &Key)], report: &mut Report<'_>) {
    for (index, (later, key)) in templates.iter().enumerate() {
        for (earlier, first) in templates.iter().take(index) {
            let message = match overlap(earlier, later) {
                Overlap::None | Overlap::Clear => continue,
                Overlap::Same => format!("`{}` matches the same requests as `{}`", key.text, first.text),
                Overlap::Crossed => {
                    format!("some requests match both `{}` and `{}`", key.text, first.text)
                }
            };
            let hint = format!(
                "the other stands in line {}; give one of them a fixed segment of its own",
                first.at.line
            );
            report.hint(key.at, message, hint);
        }
    }
}

enum Overlap {
    None,
    /// One of them is at least as fixed in every segment.
    Clear,
    Same,
    Crossed,
}

fn overlap(a: &str, b: &str) -> Overlap {
    let (a, b): (Vec<&str>, Vec<&str>) = (a.split('/').collect(), b.split('/').collect());
    if a.len() != b.len() {
        return Overlap::None;
    }
    let (mut a_wins, mut b_wins) = (false, false);
    for (x, y) in a.iter().zip(&b) {
        match (fixedness(x), fixedness(y)) {
            (2, 2) if x != y => return Overlap::None,
            (2, 1) if !covers(y, x) => return Overlap::None,
            (1, 2) if !covers(x, y) => return Overlap::None,
            (1, 1) if texts(x) != texts(y) => (a_wins, b_wins) = (true, true),
            (left, right) => {
                a_wins |= left > right;
                b_wins |= right > left;
            }
        }
    }
    match (a_wins, b_wins) {
        (false, false) => Overlap::Same,
        (true, true) => Overlap::Crossed,
        _ => Overlap::Clear,
    }
}

/// 2: text only; 1: text around parameters; 0: a parameter only.
fn fixedness(segment: &str) -> u8 {
    match texts(segment).as_slice() {
        [_] => 2,
        [before, after] if before.is_empty() && after.is_empty() => 0,
        _ => 1,
    }
}

/// The texts before, between and after a segment's parameters.
fn texts(segment: &str) -> Vec<&str> {
    let mut texts = Vec::new();
    for (index, part) in segment.split('{').enumerate() {
        texts.push(if index == 0 { part } else { part.split_once('}').map_or("", |(_, text)| text) });
    }
    texts
}

/// Whether a segment with parameters could be this text: its first and last texts fit.
fn covers(segment: &str, text: &str) -> bool {
    let texts = texts(segment);
    let (first, last) = (texts.first().copied().unwrap_or(""), texts.last().copied().unwrap_or(""));
    text.len() > first.len() + last.len() && text.starts_with(first) && text.ends_with(last)
}

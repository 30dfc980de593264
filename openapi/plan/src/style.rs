//! One text, read by its style (OpenAPI 3.1, "Style Values" and "Style Examples").
//!
//! The text is decoded already, so that an encoded separator is a separator, as in the legacy validator.

use std::borrow::Cow;

use crate::json::{Json, Object};
use crate::operation::{Form, Shape, Style};

/// The text is not in the style of its parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BadStyle;

/// Reads a text. What has no place in its style stays text, and the schema says what it thinks of it; but `label` and
/// `matrix` have marks without which there is no value.
///
/// # Errors
/// When these marks are missing.
pub(crate) fn read(text: &str, name: &str, form: &Form) -> Result<Json<'static>, BadStyle> {
    match form.style {
        Style::Label => label(text, form),
        Style::Matrix => matrix(text, name, form),
        Style::Json => Ok(json(text)),
        Style::Form if form.shape == Shape::List && !text.is_empty() => Ok(Json::Array(vec![owned(text)])),
        Style::Form | Style::Deep if form.shape == Shape::Object => Ok(json(text)),
        Style::Form | Style::Deep => Ok(owned(text)),
        Style::Simple => Ok(separated(text, ',', form)),
        Style::Spaces => Ok(separated(text, ' ', form)),
        Style::Bars => Ok(separated(text, '|', form)),
    }
}

/// JSON where it is JSON, else the text.
pub(crate) fn json(text: &str) -> Json<'static> {
    if text.is_empty() {
        return owned(text);
    }
    Json::parse(text).map_or_else(|_| owned(text), Json::into_owned)
}

fn separated(text: &str, separator: char, form: &Form) -> Json<'static> {
    match form.shape {
        Shape::Text => owned(text),
        _ if text.is_empty() => owned(text),
        Shape::List => list(text, separator),
        Shape::Object if form.explode => assignments(text.split(separator)).unwrap_or_else(|| json(text)),
        Shape::Object => pairs(text, separator).unwrap_or_else(|| json(text)),
    }
}

/// `.blue`, `.blue,black` or exploded `.blue.black`, `.R,100,G,200` or exploded `.R=100.G=200`.
fn label(text: &str, form: &Form) -> Result<Json<'static>, BadStyle> {
    let rest = text.strip_prefix('.').ok_or(BadStyle)?;
    let separator = if form.explode { '.' } else { ',' };
    match form.shape {
        Shape::Text => Ok(owned(rest)),
        Shape::List => Ok(list(rest, separator)),
        Shape::Object if form.explode => assignments(rest.split(separator)).ok_or(BadStyle),
        Shape::Object => pairs(rest, separator).ok_or(BadStyle),
    }
}

/// `;color=blue`, `;color=blue,black` or exploded `;color=blue;color=black`, `;color=R,100` or exploded `;R=100`.
fn matrix(text: &str, name: &str, form: &Form) -> Result<Json<'static>, BadStyle> {
    let rest = text.strip_prefix(';').ok_or(BadStyle)?;
    if form.explode && form.shape == Shape::Object {
        return assignments(rest.split(';')).ok_or(BadStyle);
    }
    // RFC 6570, section 3.2.7: an empty value stands without its `=`.
    let value = |part: &str| {
        let (known, value) = part.split_once('=').unwrap_or((part, ""));
        (known == name).then(|| value.to_owned())
    };
    if form.explode && form.shape == Shape::List {
        let items: Option<Vec<String>> = rest.split(';').map(value).collect();
        return Ok(Json::Array(items.ok_or(BadStyle)?.iter().map(|item| owned(item)).collect()));
    }
    let value = value(rest).ok_or(BadStyle)?;
    match form.shape {
        Shape::Text => Ok(owned(&value)),
        Shape::List => Ok(list(&value, ',')),
        Shape::Object => pairs(&value, ',').ok_or(BadStyle),
    }
}

fn list(text: &str, separator: char) -> Json<'static> {
    Json::Array(text.split(separator).map(owned).collect())
}

/// `R,100,G,200`; `None` when a name has no value, or the text looks like JSON.
fn pairs(text: &str, separator: char) -> Option<Json<'static>> {
    if text.contains('{') {
        return None;
    }
    let mut parts = text.split(separator);
    let mut members = Vec::new();
    while let Some(name) = parts.next() {
        members.push((Cow::Owned(name.to_owned()), owned(parts.next()?)));
    }
    Some(Json::Object(Object::new(members)))
}

/// `R=100`, `G=200`; `None` when a `=` is missing.
fn assignments<'a>(parts: impl Iterator<Item = &'a str>) -> Option<Json<'static>> {
    let member = |part: &'a str| {
        let (name, value) = part.split_once('=')?;
        Some((Cow::Owned(name.to_owned()), owned(value)))
    };
    Some(Json::Object(Object::new(parts.map(member).collect::<Option<Vec<_>>>()?)))
}

pub(crate) fn owned(text: &str) -> Json<'static> {
    Json::String(Cow::Owned(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_as(style: Style, explode: bool, shape: Shape, text: &str) -> String {
        let form = Form { style, explode, shape, ..Form::default() };
        read(text, "color", &form)
            .map_or_else(|_| "bad".to_owned(), |value| serde_json::to_string(&value).unwrap())
    }

    const LIST: &str = r#"["blue","black","brown"]"#;
    const OBJECT: &str = r#"{"R":"100","G":"200","B":"150"}"#;

    #[test]
    fn the_table_of_style_examples_is_read() {
        use Shape::{List, Object, Text};
        use Style::{Bars, Form, Label, Matrix, Simple, Spaces};
        for (style, explode, shape, text, value) in [
            (Matrix, false, Text, ";color=blue", r#""blue""#),
            (Matrix, false, Text, ";color", r#""""#),
            (Matrix, false, List, ";color=blue,black,brown", LIST),
            (Matrix, false, Object, ";color=R,100,G,200,B,150", OBJECT),
            (Matrix, true, Text, ";color=blue", r#""blue""#),
            (Matrix, true, List, ";color=blue;color=black;color=brown", LIST),
            (Matrix, true, Object, ";R=100;G=200;B=150", OBJECT),
            (Label, false, Text, ".blue", r#""blue""#),
            (Label, false, Text, ".", r#""""#),
            (Label, false, List, ".blue,black,brown", LIST),
            (Label, false, Object, ".R,100,G,200,B,150", OBJECT),
            (Label, true, List, ".blue.black.brown", LIST),
            (Label, true, Object, ".R=100.G=200.B=150", OBJECT),
            (Simple, false, Text, "blue", r#""blue""#),
            (Simple, false, List, "blue,black,brown", LIST),
            (Simple, false, Object, "R,100,G,200,B,150", OBJECT),
            (Simple, true, List, "blue,black,brown", LIST),
            (Simple, true, Object, "R=100,G=200,B=150", OBJECT),
            (Form, true, List, "blue", r#"["blue"]"#),
            (Spaces, false, List, "blue black brown", LIST),
            (Spaces, false, Object, "R 100 G 200 B 150", OBJECT),
            (Bars, false, List, "blue|black|brown", LIST),
            (Bars, false, Object, "R|100|G|200|B|150", OBJECT),
        ] {
            assert_eq!(read_as(style, explode, shape, text), value, "{style:?} {explode} {text}");
        }
    }

    #[test]
    fn without_its_marks_there_is_no_label_and_no_matrix() {
        use Shape::{List, Object, Text};
        use Style::{Label, Matrix};
        for (style, explode, shape, text) in [
            (Label, false, Text, "blue"),
            (Label, true, Object, ".R=100.G"),
            (Label, false, Object, ".R,100,G"),
            (Matrix, false, Text, "color=blue"),
            (Matrix, false, Text, ";colour=blue"),
            (Matrix, true, List, ";color=blue;black"),
            (Matrix, true, Object, ";R"),
            (Matrix, false, Object, ";color=R"),
        ] {
            assert_eq!(read_as(style, explode, shape, text), "bad", "{style:?} {text}");
        }
    }

    #[test]
    fn what_is_no_object_stays_text_for_the_schema_to_refuse() {
        assert_eq!(read_as(Style::Simple, false, Shape::Object, "R,100,G"), r#""R,100,G""#);
        assert_eq!(read_as(Style::Simple, true, Shape::Object, "R"), r#""R""#);
        assert_eq!(read_as(Style::Simple, false, Shape::Object, r#"{"R":"1"}"#), r#"{"R":"1"}"#);
        assert_eq!(read_as(Style::Json, false, Shape::Text, r#"{"R":"#), r#""{\"R\":""#);
    }
}

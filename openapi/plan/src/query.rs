//! The query string as the legacy gateway reads it: Node's `querystring`, then the validator's own rules.

use std::borrow::Cow;

use crate::json::{Json, Object};
use crate::legacy::Refusal;
use crate::operation::{Operation, Parameter, Style};
use crate::percent;

/// Node's `querystring` stops reading here.
const MAX_PAIRS: usize = 1000;
/// What must be percent-encoded unless a parameter allows it.
const RESERVED: &[char] =
    &[':', '/', '?', '#', '[', ']', '@', '!', '$', '&', '\'', '(', ')', '*', '+', ',', ';', '='];

/// A query, taken apart.
pub(crate) struct Query<'a> {
    /// The legacy validator drops the first `?` before it looks for reserved characters.
    raw: Cow<'a, str>,
    /// Text for a parameter that comes once, a list of texts for one that is repeated.
    values: Object<'static>,
}

impl<'a> Query<'a> {
    /// Takes a raw query string (without the `?`) apart.
    pub(crate) fn parse(raw: &'a str) -> Query<'a> {
        let pairs = raw.split('&').filter(|pair| !pair.is_empty()).take(MAX_PAIRS);
        let decoded = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (percent::decode_query(name), percent::decode_query(value))
        });
        let values = grouped(decoded.collect());
        let raw = if raw.contains('?') { Cow::Owned(raw.replacen('?', "", 1)) } else { Cow::Borrowed(raw) };
        Query { raw, values }
    }

    /// What the legacy gateway refuses before it looks at any schema.
    ///
    /// # Errors
    /// A name with a bracket, a reserved character that is not encoded, an unknown or an empty parameter.
    pub(crate) fn precheck(&self, operation: &Operation) -> Result<(), Refusal> {
        if let Some((name, _)) = self.values.iter().find(|(name, _)| name.contains('[')) {
            return Err(unknown(name));
        }
        for parameter in operation.query.iter().filter(|parameter| !parameter.allow_reserved) {
            self.reserved(parameter)?;
        }
        if operation.open_query {
            return Ok(());
        }
        for (name, value) in self.values.iter() {
            let Some(parameter) = operation.query.iter().find(|parameter| parameter.name == name) else {
                if operation.credentials.iter().any(|known| known == name) {
                    continue;
                }
                return Err(unknown(name));
            };
            if !parameter.allow_empty && is_empty(value) {
                let message = format!("Empty value found for query parameter '{name}'");
                return Err(Refusal::at(400, message, format!("/query/{name}")));
            }
        }
        Ok(())
    }

    /// The parameter's value; `None` when it is absent.
    pub(crate) fn value(&self, parameter: &Parameter) -> Option<Json<'static>> {
        self.values.get(&parameter.name).map(|value| styled(value, parameter.style))
    }

    /// The defaults of absent parameters, to be appended to the forwarded query; `None` when there are none.
    pub(crate) fn defaults(&self, operation: &Operation) -> Option<String> {
        let absent = |parameter: &&Parameter| self.values.get(&parameter.name).is_none();
        let added: Vec<&str> = operation
            .query
            .iter()
            .filter(absent)
            .filter_map(|parameter| parameter.default.as_deref())
            .collect();
        (!added.is_empty()).then(|| added.join("&"))
    }

    /// The legacy validator looks for the name as it is, not decoded, and reads a value up to its second `=`.
    fn reserved(&self, parameter: &Parameter) -> Result<(), Refusal> {
        let list = matches!(parameter.style, Style::Commas | Style::Spaces | Style::Bars);
        let mut raw = self.raw.split('&').filter_map(|pair| {
            let mut parts = pair.split('=');
            (parts.next() == Some(&parameter.name)).then(|| parts.next()).flatten()
        });
        let bad = |value: &str| value.contains(|c| RESERVED.contains(&c) && !(list && c == ','));
        match raw.any(bad) {
            false => Ok(()),
            true => {
                let name = &parameter.name;
                let message = format!(
                    "Parameter '{name}' must be url encoded. Its value may not contain reserved characters."
                );
                Err(Refusal::at(400, message, format!("/query/{name}")))
            }
        }
    }
}

/// Reads a parameter's value by its style.
pub(crate) fn styled(value: &Json<'static>, style: Style) -> Json<'static> {
    let Json::String(text) = value else { return value.clone() };
    let split = |separator: char| {
        let items = text.split(separator).map(|item| Json::String(Cow::Owned(item.to_owned())));
        Json::Array(items.collect())
    };
    match style {
        Style::Text => value.clone(),
        _ if text.is_empty() => value.clone(),
        Style::Repeated => Json::Array(vec![value.clone()]),
        Style::Commas => split(','),
        Style::Spaces => split(' '),
        Style::Bars => split('|'),
        Style::Json => Json::parse(text).map_or_else(|_| value.clone(), Json::into_owned),
    }
}

fn unknown(name: &str) -> Refusal {
    Refusal::at(400, format!("Unknown query parameter '{name}'"), format!("/query/{name}"))
}

fn is_empty(value: &Json<'_>) -> bool {
    matches!(value, Json::String(text) if text.is_empty())
}

/// Joins the values of repeated names into lists, at the first one's place.
fn grouped(pairs: Vec<(String, String)>) -> Object<'static> {
    let mut members: Vec<(Cow<'static, str>, Json<'static>)> = Vec::new();
    for (name, value) in pairs {
        let value = Json::String(Cow::Owned(value));
        match members.iter_mut().find(|(known, _)| *known == name) {
            None => members.push((Cow::Owned(name), value)),
            Some((_, Json::Array(items))) => items.push(value),
            Some((_, single)) => {
                let first = std::mem::take(single);
                *single = Json::Array(vec![first, value]);
            }
        }
    }
    Object::new(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_names_become_lists_and_nothing_is_lost() {
        let query = Query::parse("a=1&b=x+y&&a=%32&c&=d&a=3");
        let value = |name: &str| query.values.get(name).cloned();
        let text = |text: &str| Json::String(Cow::Owned(text.to_owned()));
        assert_eq!(value("a"), Some(Json::Array(vec![text("1"), text("2"), text("3")])));
        assert_eq!(value("b"), Some(text("x y")));
        assert_eq!(value("c"), Some(text("")));
        assert_eq!(value(""), Some(text("d")));
    }
}

//! The query string as the legacy gateway reads it: Node's `querystring`, then the validator's own rules.

use std::borrow::Cow;

use crate::fields::{Fields, is_empty};
use crate::json::{Json, Object};
use crate::legacy::Refusal;
use crate::operation::{Operation, Parameter, Shape, Style};
use crate::percent;
use crate::style::{BadStyle, owned};

/// Node's `querystring` stops reading here. What is not read is not checked, so more are refused.
const MAX_PAIRS: usize = 1000;
/// What must be percent-encoded unless a parameter allows it.
const RESERVED: &[char] =
    &[':', '/', '?', '#', '[', ']', '@', '!', '$', '&', '\'', '(', ')', '*', '+', ',', ';', '='];

/// Whether no value of a query can have a reserved character that is not encoded: most have none, so one look is enough.
fn is_plain(raw: &str) -> bool {
    raw.bytes().all(|byte| {
        matches!(byte, b'&' | b'=') || !byte.is_ascii_punctuation() || !RESERVED.contains(&char::from(byte))
    })
}

/// A query, taken apart.
pub(crate) struct Query<'a> {
    /// The legacy validator drops the first `?` before it looks for reserved characters.
    raw: Cow<'a, str>,
    fields: Fields,
    too_many: bool,
}

impl<'a> Query<'a> {
    /// Takes a raw query string (without the `?`) apart.
    pub(crate) fn parse(raw: &'a str) -> Query<'a> {
        let mut pairs = raw.split('&').filter(|pair| !pair.is_empty());
        let decoded = pairs.by_ref().take(MAX_PAIRS).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (percent::decode_query(name), owned(&percent::decode_query(value)))
        });
        let fields = Fields::new(decoded.collect());
        let too_many = pairs.next().is_some();
        let raw = if raw.contains('?') { Cow::Owned(raw.replacen('?', "", 1)) } else { Cow::Borrowed(raw) };
        Query { raw, fields, too_many }
    }

    /// What the legacy gateway refuses before it looks at any schema.
    ///
    /// # Errors
    /// A name with a bracket, a reserved character that is not encoded, an unknown or an empty parameter.
    pub(crate) fn precheck(&self, operation: &Operation, open: bool) -> Result<(), Refusal> {
        if self.too_many {
            return Err(Refusal::at(400, format!("more than {MAX_PAIRS} query parameters"), "/query"));
        }
        let mut names = self.fields.values.iter().map(|(name, _)| name);
        if let Some(name) = names.find(|name| name.contains('[') && !is_known(operation, name)) {
            return Err(unknown(name));
        }
        if !is_plain(&self.raw) {
            for parameter in operation.query.iter().filter(|parameter| !parameter.allow_reserved) {
                self.reserved(parameter)?;
            }
        }
        if open || operation.open_query {
            return Ok(());
        }
        let absorbed = operation.query.iter().any(|parameter| parameter.form.open);
        for (name, value) in self.fields.values.iter() {
            let own = operation.query.iter().find(|parameter| parameter.name == name);
            let empty = is_empty(value);
            match own {
                Some(parameter) if empty && !parameter.allow_empty => {
                    let message = format!("Empty value found for query parameter '{name}'");
                    return Err(Refusal::at(400, message, format!("/query/{name}")));
                }
                Some(_) => {}
                None if absorbed || (is_known(operation, name) && !(empty && is_member(operation, name))) => {
                }
                None => return Err(unknown(name)),
            }
        }
        Ok(())
    }

    /// The parameter's value; `None` when it is absent.
    ///
    /// # Errors
    /// When it is not in its style.
    pub(crate) fn value(
        &self,
        operation: &Operation,
        parameter: &Parameter,
    ) -> Result<Option<Json<'static>>, BadStyle> {
        let value = self.fields.read(&parameter.name, &parameter.form)?;
        if !parameter.form.open {
            return Ok(value);
        }
        let (given, mut members) = match value {
            Some(Json::Object(object)) => (true, object.into_members()),
            Some(other) => return Ok(Some(other)),
            None => (false, Vec::new()),
        };
        let others = self.fields.values.iter().filter(|(name, _)| !is_known(operation, name));
        members.extend(others.map(|(name, value)| (Cow::Owned(name.to_owned()), value.clone())));
        Ok((given || !members.is_empty()).then(|| Json::Object(Object::new(members))))
    }

    /// The defaults of absent parameters, to be appended to the forwarded query; `None` when there are none.
    pub(crate) fn defaults(&self, operation: &Operation) -> Option<String> {
        let absent = |parameter: &&Parameter| self.fields.values.get(&parameter.name).is_none();
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
        let commas = !parameter.form.explode;
        let mut raw = self.raw.split('&').filter_map(|pair| {
            let mut parts = pair.split('=');
            (parts.next() == Some(&parameter.name)).then(|| parts.next()).flatten()
        });
        let bad = |value: &str| value.contains(|c| RESERVED.contains(&c) && !(commas && c == ','));
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

/// Whether some parameter, but for those that take what is left, is called so or has this part of it.
fn is_known(operation: &Operation, name: &str) -> bool {
    let deep = |parameter: &Parameter| {
        let rest = name.strip_prefix(parameter.name.as_str());
        parameter.form.style == Style::Deep && rest.is_some_and(|rest| rest.starts_with('['))
    };
    operation.query.iter().any(|parameter| parameter.name == name || deep(parameter))
        || operation.credentials.iter().any(|known| known == name)
        || is_member(operation, name)
}

/// Whether some parameter is an object of which this is an exploded member.
fn is_member(operation: &Operation, name: &str) -> bool {
    operation.query.iter().any(|parameter| {
        let form = &parameter.form;
        let exploded = form.style == Style::Form && form.shape == Shape::Object;
        exploded && form.members.iter().any(|member| member.name == name)
    })
}

fn unknown(name: &str) -> Refusal {
    Refusal::at(400, format!("Unknown query parameter '{name}'"), format!("/query/{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_names_become_lists_and_nothing_is_lost() {
        let query = Query::parse("a=1&b=x+y&&a=%32&c&=d&a=3");
        let value = |name: &str| query.fields.values.get(name).cloned();
        assert_eq!(value("a"), Some(Json::Array(vec![owned("1"), owned("2"), owned("3")])));
        assert_eq!(value("b"), Some(owned("x y")));
        assert_eq!(value("c"), Some(owned("")));
        assert_eq!(value(""), Some(owned("d")));
    }

    #[test]
    fn more_parameters_than_are_read_are_refused() {
        let many = "a=1&".repeat(MAX_PAIRS + 1);
        let refusal = Query::parse(&many).precheck(&Operation::default(), true).unwrap_err();
        assert_eq!(refusal.message, "more than 1000 query parameters");
        assert!(Query::parse(&many[4..]).precheck(&Operation::default(), true).is_ok());
    }
}

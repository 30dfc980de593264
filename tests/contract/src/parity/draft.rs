//! A request that is being put together: every part can be changed by itself.

use form_urlencoded::byte_serialize;
use serde_json::Value;

use super::contract::{Contract, Operation, Parameter};
use super::random::Random;
use super::values::{valid, written};
use crate::client::Outgoing;

#[derive(Debug, Clone)]
pub(super) struct Draft {
    method: String,
    template: String,
    /// Path parameters, as they stand in the path.
    pub(super) path: Vec<(String, String)>,
    /// Query parameters, as they stand in the query: `limit=1`.
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Option<Vec<u8>>,
    pub(super) value: Value,
}

impl Draft {
    /// A valid request of an operation.
    pub(super) fn of(contract: &Contract, operation: &Operation, random: &mut Random) -> Self {
        let mut draft = Self {
            method: operation.method.clone(),
            template: operation.path.clone(),
            path: Vec::new(),
            query: Vec::new(),
            headers: vec![("authorization".to_owned(), "Bearer {{trader}}".to_owned())],
            body: None,
            value: Value::Null,
        };
        for parameter in &operation.parameters {
            let example =
                parameter.example.as_ref().filter(|_| parameter.place == "path" && !random.one_in(3));
            let value = example.cloned().unwrap_or_else(|| valid(contract, &parameter.schema, random));
            if parameter.required || random.one_in(2) {
                draft.set(parameter, &value);
            }
        }
        if let Some(body) = &operation.body {
            draft.headers.push(("content-type".to_owned(), body.media_type.clone()));
            draft.set_body(valid(contract, &body.schema, random));
        }
        draft
    }

    /// Gives a parameter a value, in place of the one it has.
    pub(super) fn set(&mut self, parameter: &Parameter, value: &Value) {
        let name = &parameter.name;
        match parameter.place.as_str() {
            "path" => put(&mut self.path, name, encoded(&text(value))),
            "query" => {
                self.query.retain(|(known, _)| known != name);
                let pieces = match value {
                    Value::Array(items) if parameter.explode => {
                        items.iter().map(|item| encoded(&text(item))).collect()
                    }
                    Value::Array(items) => {
                        let items: Vec<String> = items.iter().map(|item| encoded(&text(item))).collect();
                        vec![items.join(",")]
                    }
                    one => vec![encoded(&text(one))],
                };
                self.query.extend(pieces.into_iter().map(|piece| (name.clone(), format!("{name}={piece}"))));
            }
            _ => put(&mut self.headers, &name.to_ascii_lowercase(), text(value)),
        }
    }

    /// Gives a query parameter what stands in the query, in place of what it has.
    pub(super) fn set_query(&mut self, name: &str, raw: &str) {
        self.query.retain(|(known, _)| known != name);
        self.query.push((name.to_owned(), raw.to_owned()));
    }

    pub(super) fn set_path(&mut self, name: &str, raw: &str) {
        put(&mut self.path, name, raw.to_owned());
    }

    pub(super) fn set_header(&mut self, name: &str, value: &str) {
        put(&mut self.headers, name, value.to_owned());
    }

    pub(super) fn drop_header(&mut self, name: &str) {
        self.headers.retain(|(known, _)| known != name);
    }

    pub(super) fn set_body(&mut self, value: Value) {
        self.body = Some(written(&value).into_bytes());
        self.value = value;
    }

    /// The request; `{{token}}`s are still in it.
    pub(super) fn outgoing(&self) -> Outgoing {
        let mut target = self.template.clone();
        for (name, value) in &self.path {
            target = target.replace(&format!("{{{name}}}"), value);
        }
        for (index, (_, piece)) in self.query.iter().enumerate() {
            target.push(if index == 0 { '?' } else { '&' });
            target.push_str(piece);
        }
        Outgoing {
            method: self.method.clone(),
            target,
            headers: self.headers.clone(),
            body: self.body.clone().unwrap_or_default(),
            chunked: false,
            withhold: false,
        }
    }
}

fn put(pairs: &mut Vec<(String, String)>, name: &str, value: String) {
    match pairs.iter_mut().find(|(known, _)| known == name) {
        Some((_, known)) => *known = value,
        None => pairs.push((name.to_owned(), value)),
    }
}

fn encoded(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect()
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) if !text.starts_with("{{") => text.clone(),
        other => written(other),
    }
}

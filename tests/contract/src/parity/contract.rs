//! The contract as a generator needs it: operations, each with its parameters and the schema of its body.

use anyhow::{Context, Result, anyhow};
use cutover_compiler::document::{self, Node};
use serde_json::{Map, Value, json};

const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// A contract whose `$ref`s are followed where they are met.
#[derive(Debug)]
pub(super) struct Contract {
    root: Value,
}

/// One operation.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) id: String,
    pub(super) method: String,
    pub(super) path: String,
    /// The operation's own, then the path's.
    pub(super) parameters: Vec<Parameter>,
    pub(super) body: Option<BodySchema>,
}

/// One parameter.
#[derive(Debug)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) place: String,
    pub(super) required: bool,
    pub(super) explode: bool,
    pub(super) schema: Value,
    pub(super) example: Option<Value>,
}

/// What an operation takes as its body.
#[derive(Debug)]
pub(super) struct BodySchema {
    pub(super) media_type: String,
    pub(super) schema: Value,
}

impl Contract {
    pub(super) fn parse(text: &str) -> Result<Self> {
        let root = document::parse(text).map_err(|error| anyhow!("{error}"))?;
        Ok(Self { root: plain(&root) })
    }

    /// What a schema or a parameter is once its `$ref`s are followed.
    pub(super) fn resolve<'a>(&'a self, mut value: &'a Value) -> &'a Value {
        while let Some(target) = value["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) {
            value = self.root.pointer(target).unwrap_or(&Value::Null);
        }
        value
    }

    pub(super) fn operations(&self) -> Result<Vec<Operation>> {
        let paths = self.root["paths"].as_object().context("the contract has no `paths`")?;
        let mut operations = Vec::new();
        for (path, item) in paths {
            for method in METHODS {
                if let Some(operation) = item.get(method) {
                    operations.push(self.operation(path, method, item, operation)?);
                }
            }
        }
        Ok(operations)
    }

    fn operation(&self, path: &str, method: &str, item: &Value, operation: &Value) -> Result<Operation> {
        let id = operation["operationId"].as_str().with_context(|| format!("{method} {path}: no id"))?;
        let lists = [&operation["parameters"], &item["parameters"]];
        let parameters = lists.into_iter().filter_map(Value::as_array).flatten();
        let content = operation["requestBody"]["content"].as_object();
        let body = content.and_then(|content| content.iter().next()).map(|(media_type, content)| {
            BodySchema { media_type: media_type.clone(), schema: self.resolve(&content["schema"]).clone() }
        });
        Ok(Operation {
            id: id.to_owned(),
            method: method.to_ascii_uppercase(),
            path: path.to_owned(),
            parameters: parameters.map(|parameter| self.parameter(parameter)).collect(),
            body,
        })
    }

    fn parameter(&self, parameter: &Value) -> Parameter {
        let parameter = self.resolve(parameter);
        let text = |name: &str| parameter[name].as_str().unwrap_or_default().to_owned();
        Parameter {
            name: text("name"),
            place: text("in"),
            required: parameter["required"] == true,
            explode: parameter["explode"] != false,
            schema: self.resolve(&parameter["schema"]).clone(),
            example: parameter.get("example").cloned(),
        }
    }
}

fn plain(node: &Node) -> Value {
    match &node.value {
        document::Value::Null => Value::Null,
        document::Value::Bool(value) => json!(value),
        document::Value::Number(number) => Value::Number(number.clone()),
        document::Value::Exact(text) | document::Value::String(text) => json!(text),
        document::Value::List(items) => items.iter().map(plain).collect(),
        document::Value::Map(entries) => {
            let members = entries.iter().map(|(key, node)| (key.text.clone(), plain(node)));
            Value::Object(members.collect::<Map<_, _>>())
        }
    }
}

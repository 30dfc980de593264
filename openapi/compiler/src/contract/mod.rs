//! Walks the contract from its root: what it says of itself, its servers, its paths.

mod body;
mod form;
mod overlap;
mod parameters;
mod parts;
pub(crate) mod security;

use std::collections::BTreeMap;

use cutover_plan::schema::Tables;
use cutover_plan::{Operation, Plan, Route, Routes};

use crate::document::{Key, Node};
use crate::formats::Formats;
use crate::reference::Source;
use crate::report::Report;
use crate::resources::{DIALECTS, Resources};
use crate::schema::{Dialect, Renamed, Schemas};

/// The name that stands for "no operation" in weights and routes.
const RESERVED_ID: &str = "unmatched";
const METHODS: &[&str] = &["get", "put", "post", "delete", "options", "head", "patch", "trace"];
const ROOT: &[&str] = &[
    "openapi",
    "info",
    "jsonSchemaDialect",
    "servers",
    "paths",
    "webhooks",
    "components",
    "security",
    "tags",
    "externalDocs",
];
const OPERATION: &[&str] = &[
    "tags",
    "summary",
    "description",
    "externalDocs",
    "operationId",
    "parameters",
    "requestBody",
    "responses",
    "callbacks",
    "deprecated",
    "security",
];

/// Compiles the contract; `None` when there are mistakes.
pub(crate) fn compile(root: &Node, formats: Formats, report: &mut Report<'_>) -> Option<Plan> {
    let resources = Resources::of_contract(root);
    let source = Source { root, resources: &resources };
    let dialect = head(root, report)?;
    let mut contract = Contract {
        source,
        schemas: Schemas::new(source, dialect, formats, Renamed::find(source)),
        base: base_path(root, report),
        routes: Vec::new(),
        operations: BTreeMap::new(),
        templates: Vec::new(),
        ids: BTreeMap::new(),
    };
    contract.paths(report);
    overlap::refuse_ambiguous(&contract.templates, report);
    let mark = contract.schemas.mark();
    contract.rest(report);
    let tables = contract.schemas.finish(&mark, report);
    if !report.mistakes.is_empty() {
        return None;
    }
    join(contract.routes, contract.operations, tables, root, report)
}

/// One walk over one contract.
struct Contract<'d> {
    source: Source<'d>,
    schemas: Schemas<'d>,
    base: String,
    routes: Vec<Route>,
    operations: BTreeMap<String, Operation>,
    /// The paths with the base path, and where they stand.
    templates: Vec<(String, &'d Key)>,
    ids: BTreeMap<&'d str, &'d Node>,
}

impl<'d> Contract<'d> {
    fn paths(&mut self, report: &mut Report<'_>) {
        let root = self.source.root;
        let Some(paths) = root.get("paths") else {
            return report.hint(
                root.at,
                "the contract has no `paths`",
                "a gateway needs at least one operation",
            );
        };
        if !report.is_map(paths, "`paths`") {
            return;
        }
        for (key, item) in paths.entries().iter().filter(|(key, _)| !key.text.starts_with("x-")) {
            let Some(item) = self.source.resolve(item, report) else { continue };
            if report.is_map(item, "a path") {
                self.path(key, item, report);
            }
        }
    }

    fn path(&mut self, key: &'d Key, item: &'d Node, report: &mut Report<'_>) {
        let known = [&["parameters", "summary", "description", "$ref"], METHODS].concat();
        refuse_servers(item, report);
        report.only_keys(item, "a path", &[known.as_slice(), &["servers"]].concat());
        let template = format!("{}{}", self.base, key.text);
        if let Err(reason) = overlap::names(&template) {
            return report.add(key.at, format!("the path `{}` {reason}", key.text));
        }
        self.templates.push((template.clone(), key));
        for (method, operation) in
            item.entries().iter().filter(|(key, _)| METHODS.contains(&key.text.as_str()))
        {
            if report.is_map(operation, "an operation") {
                self.operation(&template, key, method, item, operation, report);
            }
        }
    }

    fn operation(
        &mut self,
        template: &str,
        path: &'d Key,
        method: &'d Key,
        item: &'d Node,
        node: &'d Node,
        report: &mut Report<'_>,
    ) {
        refuse_servers(node, report);
        report.only_keys(node, "an operation", &[OPERATION, &["servers"]].concat());
        let id = self.operation_id(method, &path.text, node, report);
        let tags = self.tags(node, report);
        let (security, credentials) = security::requirements(self.source, node, report);
        let mut operation = Operation { credentials, ..Operation::default() };
        parameters::compile(&mut self.schemas, path, template, item, node, &mut operation, report);
        operation.open_query = ["x-eov-allow-unknown-query-parameters", "x-allow-unknown-query-parameters"]
            .into_iter()
            .find_map(|key| node.get(key))
            .is_some_and(|open| open.as_bool() == Some(true));
        if let Some(request_body) = node.get("requestBody") {
            operation.body = body::compile(&mut self.schemas, request_body, report);
        }
        let Some(id) = id else { return };
        self.routes.push(Route {
            id: id.to_owned(),
            method: method.text.to_uppercase(),
            path: template.to_owned(),
            tags,
            security,
            has_body: operation.body.is_some(),
        });
        self.operations.insert(id.to_owned(), operation);
    }

    fn operation_id(
        &mut self,
        method: &Key,
        path: &str,
        node: &'d Node,
        report: &mut Report<'_>,
    ) -> Option<&'d str> {
        let verb = method.text.to_uppercase();
        let Some(id_node) = node.get("operationId") else {
            report.hint(
                method.at,
                format!("{verb} {path} has no `operationId`"),
                "it names the operation in routes, weights and metrics",
            );
            return None;
        };
        let id = report.text(id_node, "`operationId`")?;
        let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if id.is_empty() || id.len() > 128 || !id.chars().all(good) {
            let message = format!("the operationId `{id}` cannot be used");
            report.hint(id_node.at, message, "1 to 128 letters, digits, `.`, `_` or `-`");
        }
        if id == RESERVED_ID {
            let message = format!("the operationId `{id}` is reserved");
            report.hint(id_node.at, message, "it stands for requests that are no operation; choose another");
        }
        if let Some(first) = self.ids.get(id) {
            let hint = format!("the first is in line {}", first.at.line);
            report.hint(id_node.at, format!("the operationId `{id}` is used for the second time"), hint);
            return None;
        }
        self.ids.insert(id, id_node);
        Some(id)
    }

    fn tags(&self, node: &Node, report: &mut Report<'_>) -> Vec<String> {
        let Some(tags) = node.get("tags").filter(|tags| report.is_list(tags, "`tags`")) else {
            return Vec::new();
        };
        tags.items().iter().filter_map(|tag| report.text(tag, "a tag")).map(str::to_owned).collect()
    }

    /// Compiles what the plan does not hold (yet), so that its mistakes are told, too: responses and components.
    fn rest(&mut self, report: &mut Report<'_>) {
        let paths = self.source.root.get("paths").map(Node::entries).unwrap_or_default();
        for (_, item) in paths {
            let Some(item) = self.source.resolve(item, report) else { continue };
            for (_, operation) in
                item.entries().iter().filter(|(key, _)| METHODS.contains(&key.text.as_str()))
            {
                for (_, response) in operation.get("responses").map(Node::entries).unwrap_or_default() {
                    self.response(response, report);
                }
            }
        }
        let components = self.source.root.get("components");
        let part =
            |name: &str| components.and_then(|all| all.get(name)).map(Node::entries).unwrap_or_default();
        for (_, schema) in part("schemas") {
            self.schemas.add(schema, false, report);
        }
        for (_, response) in part("responses") {
            self.response(response, report);
        }
        security::check_schemes(self.source, report);
    }

    fn response(&mut self, node: &'d Node, report: &mut Report<'_>) {
        let Some(response) = self.source.resolve(node, report) else { return };
        if !report.is_map(response, "a response") {
            return;
        }
        for (_, media) in response.get("content").map(Node::entries).unwrap_or_default() {
            if let Some(schema) = media.get("schema") {
                self.schemas.add(schema, false, report);
            }
        }
        for (_, header) in response.get("headers").map(Node::entries).unwrap_or_default() {
            let header = self.source.resolve(header, report);
            if let Some(schema) = header.and_then(|header| header.get("schema")) {
                self.schemas.add(schema, false, report);
            }
        }
    }
}

/// What the document says of itself.
fn head(root: &Node, report: &mut Report<'_>) -> Option<Dialect> {
    if !report.is_map(root, "a contract") {
        return None;
    }
    let dialect = match root.get("openapi").map(|node| (node, node.as_str().unwrap_or_default())) {
        Some((_, version)) if version.starts_with("3.1.") => Dialect::V31,
        Some((_, version)) if version.starts_with("3.0.") => Dialect::V30,
        Some((node, _)) => {
            report.hint(
                node.at,
                "this version of OpenAPI is not supported",
                "write '3.1.0' or '3.0.3', in quotes",
            );
            return None;
        }
        None => {
            report.hint(
                root.at,
                "this is no OpenAPI document: `openapi` is missing",
                "it starts with `openapi: 3.1.0`",
            );
            return None;
        }
    };
    report.only_keys(root, "a contract", ROOT);
    for field in ["title", "version"] {
        let info =
            root.get("info").filter(|info| info.get(field).is_some_and(|text| text.as_str().is_some()));
        if info.is_none() {
            let at = root.get("info").map_or(root.at, |info| info.at);
            report.hint(at, format!("`info` needs `{field}`, as text"), "OpenAPI requires it");
        }
    }
    let other =
        root.get("jsonSchemaDialect").filter(|d| !d.as_str().is_some_and(|text| DIALECTS.contains(&text)));
    if let Some(node) = other {
        report.hint(
            node.at,
            "this dialect of JSON Schema is not supported",
            format!("one of: {}", DIALECTS.join(", ")),
        );
    }
    Some(dialect)
}

/// The path that the server's URL puts before every path.
fn base_path(root: &Node, report: &mut Report<'_>) -> String {
    let Some(servers) = root.get("servers").filter(|servers| report.is_list(servers, "`servers`")) else {
        return String::new();
    };
    let mut paths = servers
        .items()
        .iter()
        .filter_map(|server| Some((server, server_path(server, report)?)))
        .collect::<Vec<_>>();
    if paths.is_empty() {
        return String::new();
    }
    let (_, first) = paths.remove(0);
    if let Some((server, other)) = paths.iter().find(|(_, path)| *path != first) {
        let message = format!("this server has the base path `{other}/`, the first one `{first}/`");
        report.hint(server.at, message, "a gateway has one; keep the server that it is");
    }
    first
}

fn server_path(server: &Node, report: &mut Report<'_>) -> Option<String> {
    let Some(url_node) = server.get("url") else {
        report.add(server.at, "a server needs `url`");
        return None;
    };
    let mut url = report.text(url_node, "`url`")?.to_owned();
    for (key, variable) in server.get("variables").map(Node::entries).unwrap_or_default() {
        match variable.get("default").and_then(Node::as_str) {
            Some(value) => url = url.replace(&format!("{{{}}}", key.text), value),
            None => {
                report.add(variable.at, format!("the variable `{}` needs a `default`, as text", key.text));
            }
        }
    }
    if url.contains(['{', '}']) {
        report.hint(
            url_node.at,
            "this URL has a variable that is not declared",
            "declare it under `variables`",
        );
        return None;
    }
    let path = match url.split_once("://") {
        Some((_, rest)) => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or_default().to_owned(),
        None => url,
    };
    Some(path.trim_end_matches('/').to_owned())
}

fn refuse_servers(node: &Node, report: &mut Report<'_>) {
    if let Some(servers) = node.get("servers") {
        report.hint(
            servers.at,
            "servers of a path or an operation are not supported",
            "one base path holds for all: put it at the top",
        );
    }
}

fn join(
    routes: Vec<Route>,
    operations: BTreeMap<String, Operation>,
    tables: Tables,
    root: &Node,
    report: &mut Report<'_>,
) -> Option<Plan> {
    let routes = Routes::new(routes).map_err(|error| report.add(root.at, error.to_string())).ok()?;
    Plan::new(routes, operations, tables).map_err(|error| report.add(root.at, error.to_string())).ok()
}

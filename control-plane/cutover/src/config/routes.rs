//! `routes`: which upstream, or which answer, an operation has on the rust side.

use std::collections::{BTreeMap, BTreeSet};

use cutover_compiler::document::{Node, Position, Value};
use cutover_domain::{OperationId, UNMATCHED};
use cutover_plan::{Plan, Route};
use cutover_xds::model::{NODE, OperationRoute, Target};

use super::reader::{self, Fields, Mistakes};
use super::upstreams::Upstreams;
use crate::nearest::nearest;

const FIELDS: &[&str] = &["tag", "operation", "upstream", "answer", "ready"];

/// The targets the file names, by operation and by tag.
#[derive(Debug, Default)]
struct Table {
    operations: BTreeMap<String, Entry>,
    tags: BTreeMap<String, Entry>,
}

/// One line of the table; a target with a mistake still counts as a route.
#[derive(Clone, Debug)]
struct Entry {
    at: Position,
    target: Option<Target>,
}

/// The operations of the contract with what answers them.
pub(super) fn read(
    fields: &Fields<'_>,
    plan: Option<&Plan>,
    upstreams: Option<&Upstreams>,
    mistakes: &mut Mistakes,
) -> Option<Vec<OperationRoute>> {
    let section = fields.required("routes", "[{ tag: trade, upstream: trade }]", mistakes)?;
    let items = reader::list("routes", section, "[{ tag: trade, upstream: trade }]", mistakes)?;
    let mut table = Table::default();
    for item in items {
        entry(item, plan, upstreams, &mut table, mistakes);
    }
    let plan = plan?;
    let routes: Vec<_> =
        plan.routes().iter().map(|route| operation(route, &table, section, mistakes)).collect();
    routes.into_iter().collect()
}

fn entry(
    node: &Node,
    plan: Option<&Plan>,
    upstreams: Option<&Upstreams>,
    table: &mut Table,
    mistakes: &mut Mistakes,
) {
    let Some(fields) = Fields::of("route", node, FIELDS, mistakes) else { return };
    let target = target(&fields, upstreams, mistakes);
    let (kind, name, entries) = match (fields.optional("tag"), fields.optional("operation")) {
        (Some(name), None) => ("tag", name, &mut table.tags),
        (None, Some(name)) => ("operation", name, &mut table.operations),
        (Some(_), Some(_)) => {
            let hint = "write two routes; the one for the operation wins over the one for its tag";
            mistakes.add(fields.at(), "this route names both a tag and an operation", hint);
            return;
        }
        (None, None) => {
            let hint = "write `tag: …` for all operations of a tag, or `operation: …` for one";
            mistakes.add(fields.at(), "this route names neither a tag nor an operation", hint);
            return;
        }
    };
    let Some(text) = reader::text(kind, name, mistakes) else { return };
    if let Some(first) = entries.insert(text.to_owned(), Entry { at: name.at, target }) {
        let hint = format!("the first stands in line {}; remove one", first.at.line);
        mistakes.add(name.at, format!("the {kind} `{text}` has a second route"), hint);
    }
    let Some(plan) = plan else { return };
    let known = names(kind, plan);
    if kind == "operation" && text == UNMATCHED {
        let hint = "it stands for requests without an operation; its rust side answers 404 and 405 by itself";
        mistakes.add(name.at, format!("`{UNMATCHED}` needs no route"), hint);
    } else if !known.contains(text) {
        let message = match kind {
            "tag" => format!("no operation of the contract has the tag `{text}`"),
            _ => format!("the contract has no operation `{text}`"),
        };
        mistakes.add(name.at, message, nearest(text, known));
    }
}

fn names<'p>(kind: &str, plan: &'p Plan) -> BTreeSet<&'p str> {
    let routes = plan.routes().iter();
    match kind {
        "tag" => routes.flat_map(|route| route.tags.iter().map(String::as_str)).collect(),
        _ => routes.map(|route| route.id.as_str()).collect(),
    }
}

fn target(fields: &Fields<'_>, upstreams: Option<&Upstreams>, mistakes: &mut Mistakes) -> Option<Target> {
    let given = ["upstream", "answer", "ready"].map(|field| fields.optional(field).map(|node| (field, node)));
    match given.into_iter().flatten().collect::<Vec<_>>().as_slice() {
        [("upstream", node)] => service("upstream", node, upstreams, mistakes).map(Target::Upstream),
        [("answer", node)] => answer(node, mistakes),
        [(_, node)] => ready(node, upstreams, mistakes),
        [] => {
            let hint = "add `upstream: NAME`, or `answer: …` or `ready: …` to let the gateway answer itself";
            mistakes.add(fields.at(), "this route leads nowhere", hint);
            None
        }
        several => {
            let named: Vec<_> = several.iter().map(|(field, _)| format!("`{field}`")).collect();
            let message = format!("this route has {}", named.join(" and "));
            mistakes.add(fields.at(), message, "keep one of them");
            None
        }
    }
}

/// The name of a service; `node` is none, the rust side exists to go past it.
fn service(
    field: &str,
    node: &Node,
    upstreams: Option<&Upstreams>,
    mistakes: &mut Mistakes,
) -> Option<String> {
    let name = reader::text(field, node, mistakes)?;
    if name == NODE {
        let hint = "name the service itself: the node side is reached by weight";
        mistakes.add(node.at, "`node` cannot be the rust side of an operation", hint);
        return None;
    }
    if let Some(upstreams) = upstreams
        && !upstreams.has(name)
    {
        let known = upstreams.names().filter(|known| *known != NODE);
        mistakes.add(node.at, format!("the upstream `{name}` is not defined"), nearest(name, known));
        return None;
    }
    Some(name.to_owned())
}

fn answer(node: &Node, mistakes: &mut Mistakes) -> Option<Target> {
    let fields = Fields::of("answer", node, &["status", "json"], mistakes)?;
    let status = match fields.optional("status") {
        None => Some(200),
        Some(node) => reader::whole("status", node, 200..=599, mistakes),
    };
    let json = fields.required("json", "{ status: ok }", mistakes);
    let status = status.and_then(|status| u16::try_from(status).ok())?;
    Some(Target::Answer { status, body_json: compact(json?) })
}

fn ready(node: &Node, upstreams: Option<&Upstreams>, mistakes: &mut Mistakes) -> Option<Target> {
    let items = reader::list("ready", node, "[trade, task]", mistakes)?;
    let names: Vec<_> = items.iter().filter_map(|item| service("ready", item, upstreams, mistakes)).collect();
    (names.len() == items.len()).then_some(Target::Ready { upstreams: names })
}

/// JSON on one line with the members in the order they were written.
fn compact(node: &Node) -> String {
    match &node.value {
        Value::List(items) => {
            format!("[{}]", items.iter().map(compact).collect::<Vec<_>>().join(","))
        }
        Value::Map(entries) => {
            let member = |(key, value): &(_, _)| member(key, value);
            format!("{{{}}}", entries.iter().map(member).collect::<Vec<_>>().join(","))
        }
        // As it is written: a number of JSON that no double is.
        Value::Exact(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => node.to_json().to_string(),
    }
}

fn member(key: &cutover_compiler::document::Key, value: &Node) -> String {
    format!("{}:{}", serde_json::Value::from(key.text.as_str()), compact(value))
}

/// The operation's own route wins over that of its tag; two tags that disagree are a mistake.
fn operation(
    route: &Route,
    table: &Table,
    section: &Node,
    mistakes: &mut Mistakes,
) -> Option<OperationRoute> {
    let Route { id, method, path, tags, security: _, has_body: _ } = route;
    let by_tag: Vec<_> = tags.iter().filter_map(|tag| Some((tag.as_str(), table.tags.get(tag)?))).collect();
    let entry = match (table.operations.get(id), by_tag.as_slice()) {
        (Some(entry), _) | (None, &[(_, entry)]) => entry,
        (None, []) => {
            let tags = tags.iter().map(|tag| format!(" or `tag: {tag}`")).collect::<String>();
            let message = format!("the operation `{id}` ({method} {path}) has no route");
            mistakes.add(section.at, message, format!("add one for `operation: {id}`{tags}"));
            return None;
        }
        (None, [(one, _), (other, entry), ..]) => {
            let message =
                format!("the operation `{id}` has a route by tag `{one}` and another by tag `{other}`");
            mistakes.add(entry.at, message, format!("add one for `operation: {id}`, it wins"));
            return None;
        }
    };
    let id: OperationId = match id.parse() {
        Ok(id) => id,
        Err(error) => {
            mistakes.refuse(section.at, &error);
            return None;
        }
    };
    if id.is_unmatched() {
        let message = format!("the contract has an operation named `{UNMATCHED}`");
        mistakes.add(section.at, message, "the name stands for requests without an operation; rename it");
        return None;
    }
    Some(OperationRoute {
        id,
        method: method.clone(),
        path_template: path.clone(),
        target: entry.target.clone()?,
        // RFC 9110 section 9.2.2, of those the legacy gateway retries.
        idempotent: matches!(method.as_str(), "GET" | "HEAD" | "PUT" | "DELETE"),
    })
}

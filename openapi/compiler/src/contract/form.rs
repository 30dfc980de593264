//! How the text of a parameter, or of a form's part, becomes a value: style, `explode` and the schema's type together.

use cutover_plan::operation::{Form, Member, Shape, Style};

use crate::document::Node;
use crate::reference::Source;
use crate::report::Report;

/// How deeply choices are followed when a parameter's shape is looked for.
const MAX_CHOICES: usize = 16;

/// Where a parameter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Query,
    Header,
    Path,
    Cookie,
}

/// What is said about a text's form.
pub(super) struct Said<'d> {
    /// The parameter, or the encoding of a part, that may have `style` and `explode`.
    pub(super) node: &'d Node,
    pub(super) name: &'d str,
    pub(super) place: Place,
    /// It is a part of a form, whose members are not the form's.
    pub(super) in_body: bool,
}

impl Place {
    pub(super) fn named(name: &str) -> Option<Place> {
        [Place::Query, Place::Header, Place::Path, Place::Cookie]
            .into_iter()
            .find(|place| place.name() == name)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Place::Query => "query",
            Place::Header => "header",
            Place::Path => "path",
            Place::Cookie => "cookie",
        }
    }

    /// OpenAPI 3.1, "Style Values".
    fn styles(self) -> &'static [&'static str] {
        match self {
            Place::Query => &["form", "spaceDelimited", "pipeDelimited", "deepObject"],
            Place::Header => &["simple"],
            Place::Path => &["simple", "label", "matrix"],
            Place::Cookie => &["form"],
        }
    }
}

/// The form of a parameter with `content`.
pub(super) fn of_content(place: Place, json: bool) -> Form {
    let style = if json { Style::Json } else { Style::Simple };
    Form { style, explode: place == Place::Query, ..Form::default() }
}

/// The form of a parameter with this schema, whose references are resolved.
pub(super) fn compile<'d>(
    source: Source<'d>,
    said: &Said<'d>,
    schema: &'d Node,
    report: &mut Report<'_>,
) -> Form {
    let Said { node, place, .. } = *said;
    let written = node.get("style");
    let named = written.and_then(|style| report.text(style, "`style`"));
    let named =
        named.unwrap_or(if matches!(place, Place::Query | Place::Cookie) { "form" } else { "simple" });
    let explode = node.get("explode").and_then(|explode| report.truth(explode, "`explode`"));
    let shape = shape(source, schema, 0);
    let at = written.unwrap_or(node).at;
    if !place.styles().contains(&named) {
        let message = format!("a parameter in the {} cannot have the style `{named}`", place.name());
        report.hint(at, message, place.styles().join(", "));
        return Form::default();
    }
    let mut form = Form { explode: explode.unwrap_or(named == "form"), shape, ..Form::default() };
    match named {
        "form" if form.explode => exploded(source, said, schema, &mut form, report),
        "label" => form.style = Style::Label,
        "matrix" => form.style = Style::Matrix,
        "deepObject" => deep(said, explode, &mut form, report),
        "spaceDelimited" | "pipeDelimited" => {
            form.style = if named == "spaceDelimited" { Style::Spaces } else { Style::Bars };
            if form.explode || shape == Shape::Text {
                let message = format!("the style `{named}` is for lists and objects that are not exploded");
                report.hint(at, message, "use `style: form`, or leave `explode` out");
            }
        }
        _ => {}
    }
    if form.style != Style::Deep && shape == Shape::Object {
        refuse_nested(source, said, schema, &form, report);
    }
    form
}

/// `form`, exploded: in the query and among cookies members stand by themselves.
fn exploded<'d>(
    source: Source<'d>,
    said: &Said<'d>,
    schema: &'d Node,
    form: &mut Form,
    report: &mut Report<'_>,
) {
    let Said { node, name, place, in_body } = *said;
    match form.shape {
        Shape::Text if is_choice(schema) && place == Place::Query => form.style = Style::Json,
        Shape::Text => {}
        Shape::List if place == Place::Cookie => {
            let message = format!("the cookie `{name}` is a list, which cannot be exploded");
            report.hint(node.at, message, "add `explode: false`: `name=a,b`");
        }
        Shape::List => form.style = Style::Form,
        Shape::Object if in_body => {
            let message = format!("the members of `{name}` cannot be told from the form's");
            report.hint(node.at, message, "use `style: deepObject`, or leave `style` and `explode` out");
        }
        Shape::Object => {
            form.style = Style::Form;
            form.members = members(source, schema);
            form.open = place == Place::Query && is_open(schema);
        }
    }
}

fn deep(said: &Said<'_>, explode: Option<bool>, form: &mut Form, report: &mut Report<'_>) {
    form.style = Style::Deep;
    form.explode = true;
    if form.shape != Shape::Object {
        let message = format!("`deepObject` is for objects, and `{}` is none", said.name);
        report.hint(said.node.at, message, "add `type: object` to its schema, or use `style: form`");
    }
    if explode == Some(false) {
        report.hint(said.node.at, "`deepObject` has no form that is not exploded", "leave `explode` out");
    }
}

/// Objects inside objects have no text but in `deepObject`; lists inside only where members stand by themselves.
fn refuse_nested<'d>(
    source: Source<'d>,
    said: &Said<'d>,
    schema: &'d Node,
    form: &Form,
    report: &mut Report<'_>,
) {
    for (name, property) in properties(source, schema, 0) {
        let shape = source.schema(property).map_or(Shape::Text, |property| shape(source, property, 0));
        if shape == Shape::Object || (shape == Shape::List && form.style != Style::Form) {
            let message = format!("the member `{name}` of `{}` cannot be written in this style", said.name);
            report.hint(property.at, message, "use `style: deepObject`, or `content` with application/json");
        }
    }
}

fn is_open(schema: &Node) -> bool {
    schema.get("additionalProperties").is_some_and(|additional| additional.as_bool() != Some(false))
}

/// What kind of value a schema wants, as far as it says so.
pub(super) fn shape<'d>(source: Source<'d>, schema: &'d Node, depth: usize) -> Shape {
    let Some(schema) = source.schema(schema).filter(|_| depth < MAX_CHOICES) else { return Shape::Text };
    let typed = |name: &str| {
        schema.get("type").is_some_and(|types| {
            types.as_str() == Some(name) || types.items().iter().any(|one| one.as_str() == Some(name))
        })
    };
    if typed("object") || (schema.get("properties").is_some() && schema.get("type").is_none()) {
        return Shape::Object;
    }
    if typed("array") {
        return Shape::List;
    }
    let shapes: Vec<Shape> = branches(schema).map(|branch| shape(source, branch, depth + 1)).collect();
    if shapes.contains(&Shape::Object) {
        return Shape::Object;
    }
    // A choice between a list and a scalar is read as the legacy validator does: as it comes.
    let all = |wanted: Shape| !shapes.is_empty() && shapes.iter().all(|shape| *shape == wanted);
    if all(Shape::List) { Shape::List } else { Shape::Text }
}

/// The properties of a schema and of its choices, each name once.
pub(super) fn properties<'d>(source: Source<'d>, schema: &'d Node, depth: usize) -> Vec<(&'d str, &'d Node)> {
    let Some(schema) = source.schema(schema).filter(|_| depth < MAX_CHOICES) else { return Vec::new() };
    let own = schema.get("properties").map(Node::entries).unwrap_or_default();
    let mut all: Vec<(&str, &Node)> = own.iter().map(|(key, node)| (key.text.as_str(), node)).collect();
    for branch in branches(schema) {
        for (name, node) in properties(source, branch, depth + 1) {
            if !all.iter().any(|(known, _)| *known == name) {
                all.push((name, node));
            }
        }
    }
    all
}

fn members<'d>(source: Source<'d>, schema: &'d Node) -> Vec<Member> {
    let member = |(name, node): (&str, &'d Node)| Member {
        name: name.to_owned(),
        list: shape(source, node, 0) == Shape::List,
    };
    properties(source, schema, 0).into_iter().map(member).collect()
}

fn branches(schema: &Node) -> impl Iterator<Item = &Node> {
    ["allOf", "oneOf", "anyOf"].into_iter().filter_map(|key| schema.get(key)).flat_map(Node::items)
}

/// A choice with references: the legacy validator takes it for an object and reads the text as JSON where it can.
fn is_choice(schema: &Node) -> bool {
    branches(schema).any(|branch| branch.get("$ref").is_some() || is_choice(branch))
}

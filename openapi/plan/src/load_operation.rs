//! Reads what operations require from a plan's JSON.

use crate::operation::{
    Body, BodyKind, Discriminator, Form, Media, Member, Operation, Parameter, Part, Shape, Style, Way,
};
use crate::view::{LoadError, View};

type Loaded<T> = Result<T, LoadError>;

pub(crate) fn operation(view: View<'_>) -> Loaded<Operation> {
    view.only(&["query", "headers", "path", "cookies", "open_query", "credentials", "body"])?;
    Ok(Operation {
        query: view.list("query", &parameter)?,
        headers: view.list("headers", &parameter)?,
        path: view.list("path", &parameter)?,
        cookies: view.list("cookies", &parameter)?,
        open_query: view.field("open_query", &|v| v.truth())?,
        credentials: view.list("credentials", &|v| v.string())?,
        body: view.maybe("body", &body)?,
    })
}

fn parameter(view: View<'_>) -> Loaded<Parameter> {
    let known =
        ["name", "required", "schema", "form", "allow_reserved", "allow_empty", "has_default", "default"];
    view.only(&known)?;
    Ok(Parameter {
        name: view.need("name", &|v| v.string())?,
        required: view.field("required", &|v| v.truth())?,
        schema: view.maybe("schema", &|v| v.count32())?,
        form: view.field("form", &form)?,
        allow_reserved: view.field("allow_reserved", &|v| v.truth())?,
        allow_empty: view.field("allow_empty", &|v| v.truth())?,
        has_default: view.field("has_default", &|v| v.truth())?,
        default: view.maybe("default", &|v| v.string())?,
    })
}

fn form(view: View<'_>) -> Loaded<Form> {
    view.only(&["style", "explode", "shape", "members", "open"])?;
    let shapes = [("text", Shape::Text), ("list", Shape::List), ("object", Shape::Object)];
    Ok(Form {
        style: view.field("style", &style)?,
        explode: view.field("explode", &|v| v.truth())?,
        shape: view.field("shape", &|v| v.one_of(&shapes))?,
        members: view.list("members", &member)?,
        open: view.field("open", &|v| v.truth())?,
    })
}

fn style(view: View<'_>) -> Loaded<Style> {
    view.one_of(&[
        ("simple", Style::Simple),
        ("form", Style::Form),
        ("spaces", Style::Spaces),
        ("bars", Style::Bars),
        ("deep", Style::Deep),
        ("label", Style::Label),
        ("matrix", Style::Matrix),
        ("json", Style::Json),
    ])
}

fn member(view: View<'_>) -> Loaded<Member> {
    view.only(&["name", "list"])?;
    Ok(Member { name: view.need("name", &|v| v.string())?, list: view.field("list", &|v| v.truth())? })
}

fn body(view: View<'_>) -> Loaded<Body> {
    view.only(&["required", "media"])?;
    Ok(Body { required: view.field("required", &|v| v.truth())?, media: view.list("media", &media)? })
}

fn media(view: View<'_>) -> Loaded<Media> {
    view.only(&["name", "kind", "schema", "structured", "sized", "discriminator", "parts"])?;
    let kinds = [
        ("json", BodyKind::Json),
        ("form", BodyKind::Form),
        ("multipart", BodyKind::Multipart),
        ("text", BodyKind::Text),
        ("binary", BodyKind::Binary),
        ("sent", BodyKind::Sent),
    ];
    Ok(Media {
        name: view.need("name", &|v| v.string())?,
        kind: view.field("kind", &|v| v.one_of(&kinds))?,
        schema: view.maybe("schema", &|v| v.count32())?,
        structured: view.field("structured", &|v| v.truth())?,
        sized: view.field("sized", &|v| v.truth())?,
        discriminator: view.maybe("discriminator", &discriminator)?,
        parts: view.list("parts", &part)?,
    })
}

fn part(view: View<'_>) -> Loaded<Part> {
    view.only(&["name", "form", "types", "file", "sized"])?;
    Ok(Part {
        name: view.need("name", &|v| v.string())?,
        form: view.field("form", &form)?,
        types: view.list("types", &|v| v.string())?,
        file: view.field("file", &|v| v.truth())?,
        sized: view.field("sized", &|v| v.truth())?,
    })
}

pub(crate) fn discriminator(view: View<'_>) -> Loaded<Discriminator> {
    view.only(&["property", "options"])?;
    Ok(Discriminator {
        property: view.need("property", &|v| v.string())?,
        options: view.list("options", &|v| {
            v.only(&["value", "schema"])?;
            Ok(Way { value: v.need("value", &|v| v.string())?, schema: v.need("schema", &|v| v.count32())? })
        })?,
    })
}

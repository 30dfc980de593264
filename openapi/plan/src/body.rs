//! Reads a body by its media type, as a value for its schema.

use std::borrow::Cow;

use crate::fields::Fields;
use crate::json::{Json, JsonError, Object};
use crate::media::ContentType;
use crate::multipart::{self, RawPart};
use crate::operation::{BodyKind, Media, Part, Shape, Style};
use crate::percent;
use crate::style::{self, BadStyle, owned};
use crate::violation::{Place, Violation};

/// Why a body cannot be handed to its schema.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    /// It is not what its media type says.
    Malformed(String),
    /// One of its parts is not what the contract says.
    Violation(Violation),
}

/// How a body of this media type is read when the request names that one; `None` when it cannot be.
pub(crate) fn kind(media: &Media, sent: &ContentType) -> Option<BodyKind> {
    let kind = match media.kind {
        BodyKind::Sent if sent.is_json() => BodyKind::Json,
        BodyKind::Sent if sent.covered_by("application/x-www-form-urlencoded") => BodyKind::Form,
        BodyKind::Sent if sent.covered_by("multipart/form-data") => BodyKind::Multipart,
        BodyKind::Sent if sent.covered_by("text/*") => BodyKind::Text,
        BodyKind::Sent => BodyKind::Binary,
        kind => kind,
    };
    let flat = matches!(kind, BodyKind::Text | BodyKind::Binary);
    (!media.structured || !flat).then_some(kind)
}

/// Reads a body. `boundary` is that of multipart bodies; `repeated` members of JSON are let through.
///
/// # Errors
/// When it is malformed, or a part of it is of the wrong kind.
pub(crate) fn read<'b>(
    media: &Media,
    kind: BodyKind,
    boundary: Option<&str>,
    repeated: bool,
    body: &'b [u8],
) -> Result<Json<'b>, Unread> {
    match kind {
        BodyKind::Json | BodyKind::Sent => json(body, repeated),
        BodyKind::Form => form(media, body),
        BodyKind::Multipart => {
            let malformed = |why| Unread::Malformed(format!("malformed multipart body: {why}"));
            let boundary = boundary.ok_or_else(|| malformed("its content-type names no boundary"))?;
            of_parts(media, multipart::parts(body, boundary).map_err(malformed)?)
        }
        BodyKind::Text => match std::str::from_utf8(body) {
            Ok(text) => Ok(Json::String(Cow::Borrowed(text))),
            Err(_) => Err(Unread::Malformed("malformed text body".to_owned())),
        },
        BodyKind::Binary => Ok(bytes(body, media.sized)),
    }
}

fn json(body: &[u8], repeated: bool) -> Result<Json<'_>, Unread> {
    let malformed = |what: &str| Unread::Malformed(what.to_owned());
    let text = json_text(body).ok_or_else(|| malformed("malformed JSON body"))?;
    let value = if repeated { Json::parse(text) } else { Json::parse_unique(text) };
    value.map_err(|error| match error {
        JsonError::Malformed | JsonError::TooDeep => malformed("malformed JSON body"),
        JsonError::Repeated => malformed("duplicate member in JSON body"),
    })
}

/// The body as text: no body is `{}`; anything but an object or a list is malformed, as in Express' strict mode.
fn json_text(body: &[u8]) -> Option<&str> {
    if body.is_empty() {
        return Some("{}");
    }
    let text = std::str::from_utf8(body).ok()?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    text.trim_start_matches([' ', '\t', '\n', '\r']).starts_with(['{', '[']).then_some(text)
}

/// A file stands for a text of as many characters as it has bytes, where somebody counts them.
fn bytes(body: &[u8], sized: bool) -> Json<'static> {
    Json::String(Cow::Owned(".".repeat(if sized { body.len() } else { 0 })))
}

fn form(media: &Media, body: &[u8]) -> Result<Json<'static>, Unread> {
    let malformed = || Unread::Malformed("malformed form body".to_owned());
    let text = std::str::from_utf8(body).map_err(|_| malformed())?;
    let mut pairs = Vec::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let decoded = percent::decode_form(name).zip(percent::decode_form(value));
        let (name, value) = decoded.ok_or_else(malformed)?;
        pairs.push((name, Json::String(Cow::Owned(value))));
    }
    object(media, &Fields::new(pairs))
}

fn of_parts(media: &Media, parts: Vec<RawPart<'_>>) -> Result<Json<'static>, Unread> {
    let mut pairs = Vec::new();
    for RawPart { name, file, content_type, content } in parts {
        let known = media.parts.iter().find(|part| part.name == name);
        let sent = content_type.as_deref().map(ContentType::parse);
        if let (Some(part), Some(sent)) = (known, &sent)
            && !part.types.is_empty()
            && !part.types.iter().any(|range| sent.covered_by(range))
        {
            let place = Place::root("/body");
            let message = format!("must be of the media type {}", part.types.join(", "));
            return Err(Unread::Violation(Violation::new(
                &place.member(&name),
                "contentType",
                message.into(),
            )));
        }
        let value = if known.map_or(file, |part| part.file) {
            bytes(content, known.is_some_and(|part| part.sized))
        } else {
            let malformed = || Unread::Malformed("malformed multipart body: a part is not UTF-8".to_owned());
            owned(std::str::from_utf8(content).map_err(|_| malformed())?)
        };
        pairs.push((name, value));
    }
    object(media, &Fields::new(pairs))
}

/// The form's fields as an object, each read by its part's form.
fn object(media: &Media, fields: &Fields) -> Result<Json<'static>, Unread> {
    let deep = |name: &str| {
        let is_root = |part: &&Part| {
            let rest = name.strip_prefix(part.name.as_str());
            part.form.style == Style::Deep
                && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('['))
        };
        media.parts.iter().find(is_root)
    };
    let mut members: Vec<(Cow<'static, str>, Json<'static>)> = Vec::new();
    let mut done: Vec<&str> = Vec::new();
    for (name, value) in fields.values.iter() {
        if let Some(part) = deep(name) {
            if !done.contains(&part.name.as_str()) {
                done.push(&part.name);
                let value = fields.read(&part.name, &part.form).map_err(|_| bad_style(&part.name))?;
                members.extend(value.map(|value| (Cow::Owned(part.name.clone()), value)));
            }
            continue;
        }
        let part = media.parts.iter().find(|part| part.name == name);
        let value = match part {
            Some(part) if !part.file => field(part, value).map_err(|_| bad_style(name))?,
            _ => in_list(part, value.clone()),
        };
        members.push((Cow::Owned(name.to_owned()), value));
    }
    Ok(Json::Object(Object::new(members)))
}

fn field(part: &Part, value: &Json<'static>) -> Result<Json<'static>, BadStyle> {
    let json = part.form.style == Style::Json;
    match value {
        // The legacy validator reads a list that comes as one part as JSON.
        Json::String(text) if part.form.shape == Shape::List && (json || part.form.style == Style::Form) => {
            let whole = if text.starts_with('[') { style::json(text) } else { Json::Null };
            match whole {
                Json::Array(_) => Ok(whole),
                _ if json => Ok(Json::Array(vec![style::json(text)])),
                _ => Ok(Json::Array(vec![value.clone()])),
            }
        }
        Json::String(text) => style::read(text, &part.name, &part.form),
        Json::Array(items) if json => {
            let item = |item: &Json<'static>| match item {
                Json::String(text) => style::json(text),
                other => other.clone(),
            };
            Ok(Json::Array(items.iter().map(item).collect()))
        }
        other => Ok(other.clone()),
    }
}

fn in_list(part: Option<&Part>, value: Json<'static>) -> Json<'static> {
    match value {
        Json::Array(_) => value,
        value if part.is_some_and(|part| part.form.shape == Shape::List) => Json::Array(vec![value]),
        value => value,
    }
}

fn bad_style(name: &str) -> Unread {
    Unread::Violation(Violation::style(&Place::root("/body").member(name)))
}

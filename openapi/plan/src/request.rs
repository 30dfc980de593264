//! Checks a request in two steps: its head as soon as it is there, its body when it is complete.
//!
//! The steps give the legacy gateway's answers in its order: declared length, media type, the body's length and JSON,
//! the query's form, the discriminator, then parameters and body together.

use std::borrow::Cow;

use crate::check::Checker;
use crate::json::Json;
use crate::legacy::Refusal;
use crate::media::ContentType;
use crate::operation::{Body, Media, Operation, Parameter};
use crate::plan::Plan;
use crate::query::{Query, styled};
use crate::violation::{Place, Violation};

/// A request's head, as it came.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    /// The path without the query.
    pub path: &'a str,
    /// The query without its `?`; `None` when there was no `?`.
    pub query: Option<&'a str>,
    /// The path parameters, decoded.
    pub params: &'a [(&'a str, String)],
    /// All headers.
    pub headers: &'a Headers<'a>,
}

/// A request's headers, as bytes in their order. Read as Node reads them: one character for each byte.
#[derive(Debug, Clone, Default)]
pub struct Headers<'a>(Vec<(&'a [u8], &'a [u8])>);

/// What a valid request needs before it is forwarded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pass {
    /// `name=value&…` to be appended to the query: the defaults of absent parameters.
    pub defaults: Option<String>,
}

/// What the head says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Nothing more to look at.
    Done(Result<Pass, Refusal>),
    /// The body decides.
    Body(Pending),
}

/// A request whose head is known and whose body is awaited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    operation: String,
    /// Which media type the body has; `None`: it has none, and is not looked into.
    media: Option<usize>,
    path: String,
    precheck: Result<(), Refusal>,
    violations: Vec<Violation>,
    defaults: Option<String>,
}

/// Headers of which Node keeps the first value when they are repeated.
const SINGLE: &[&str] = &[
    "age",
    "authorization",
    "content-length",
    "content-type",
    "etag",
    "expires",
    "from",
    "host",
    "if-modified-since",
    "if-unmodified-since",
    "last-modified",
    "location",
    "max-forwards",
    "proxy-authorization",
    "referer",
    "retry-after",
    "server",
    "user-agent",
];

impl<'a> Headers<'a> {
    /// Takes headers as they came.
    pub fn new(headers: impl IntoIterator<Item = (&'a [u8], &'a [u8])>) -> Headers<'a> {
        Headers(headers.into_iter().collect())
    }

    /// The header's value as Node has it: repeated ones are joined, or the first one counts. `name` is in lower case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<String> {
        let mut values = self
            .0
            .iter()
            .filter(|(known, _)| known.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| *value);
        let mut joined = latin1(values.next()?);
        if SINGLE.contains(&name) {
            return Some(joined);
        }
        for value in values {
            joined.push_str(if name == "cookie" { "; " } else { ", " });
            joined.push_str(&latin1(value));
        }
        Some(joined)
    }
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

impl Pending {
    /// The defaults to be appended to the query if the request goes on.
    #[must_use]
    pub fn defaults(&self) -> Option<&str> {
        self.defaults.as_deref()
    }
}

impl Plan {
    /// Checks a request's head against an operation; an operation the plan does not know lets everything pass.
    ///
    /// `max_body` is the longest body in bytes; it matters only for operations that have one.
    #[must_use]
    pub fn check_head(&self, operation: &str, head: Head<'_>, max_body: usize) -> Next {
        let Some(requires) = self.operation(operation) else { return Next::Done(Ok(Pass::default())) };
        let media = match requires.body.as_ref().map(|body| media_of(body, head, max_body)).transpose() {
            Ok(media) => media,
            Err(refusal) => return Next::Done(Err(refusal)),
        };
        let query = Query::parse(head.query.unwrap_or_default());
        let precheck = query.precheck(requires);
        let violations = if precheck.is_ok() { self.parameters(requires, head, &query) } else { Vec::new() };
        let defaults = query.defaults(requires);
        match media {
            Some(media) => Next::Body(Pending {
                operation: operation.to_owned(),
                media,
                path: head.path.to_owned(),
                precheck,
                violations,
                defaults,
            }),
            None => Next::Done(precheck.and_then(|()| verdict(&violations, defaults))),
        }
    }

    /// Checks the complete body of a request and joins the result with its head's.
    ///
    /// # Errors
    /// The refusal the legacy gateway would answer.
    pub fn check_body(&self, pending: Pending, body: &[u8]) -> Result<Pass, Refusal> {
        let Pending { operation, media, path, precheck, mut violations, defaults } = pending;
        let media = self
            .operation(&operation)
            .and_then(|requires| requires.body.as_ref())
            .and_then(|body| body.media.get(media?));
        let Some(media) = media else {
            return precheck.and_then(|()| verdict(&violations, defaults));
        };
        let text = body_text(body).ok_or_else(|| malformed(&path))?;
        let value = Json::parse(text).map_err(|_| malformed(&path))?;
        precheck?;
        violations.extend(self.body_violations(media, &value, &path)?);
        verdict(&violations, defaults)
    }

    fn parameters(&self, operation: &Operation, head: Head<'_>, query: &Query<'_>) -> Vec<Violation> {
        let mut checker = Checker::new(&self.tables, true);
        let header = |parameter: &Parameter| {
            head.headers.get(&parameter.name).map(|text| styled(&owned(&text), parameter.style))
        };
        let in_path = |parameter: &Parameter| {
            let found = head.params.iter().find(|(name, _)| *name == parameter.name);
            found.map(|(_, text)| styled(&owned(text), parameter.style))
        };
        let valid = parameters(&mut checker, "/query", &operation.query, |parameter| query.value(parameter))
            && parameters(&mut checker, "/headers", &operation.headers, header)
            && parameters(&mut checker, "/params", &operation.path, in_path);
        if valid { Vec::new() } else { checker.violations }
    }

    fn body_violations(
        &self,
        media: &Media,
        value: &Json<'_>,
        path: &str,
    ) -> Result<Vec<Violation>, Refusal> {
        let mut checker = Checker::new(&self.tables, false);
        let valid = match &media.discriminator {
            Some(discriminator) => {
                let found = match value {
                    Json::Object(object) => object.get(&discriminator.property),
                    _ => None,
                };
                let option = discriminator
                    .options
                    .iter()
                    .find(|way| matches!(found, Some(Json::String(text)) if *text == way.value));
                let Some(way) = option else {
                    let names: Vec<&str> =
                        discriminator.options.iter().map(|way| way.value.as_str()).collect();
                    let property = &discriminator.property;
                    let allowed = names.join(", ");
                    let message =
                        format!("'{property}' must be equal to one of the allowed values: {allowed}.");
                    return Err(Refusal::at(400, message, path));
                };
                // The legacy validator runs the chosen schema on the body alone: its places lack the `/body`.
                checker.check(way.schema, value, &Place::root(""))
            }
            None => media.schema.is_none_or(|schema| checker.check(schema, value, &Place::root("/body"))),
        };
        Ok(if valid { Vec::new() } else { checker.violations })
    }
}

/// Which of the body's media types the request has: `None` when it may go without and does.
fn media_of(body: &Body, head: Head<'_>, max_body: usize) -> Result<Option<usize>, Refusal> {
    let declared = head.headers.get("content-length").and_then(|text| text.trim().parse::<u64>().ok());
    if declared.is_some_and(|length| length > max_body as u64) {
        return Err(too_large(head.path));
    }
    let sent = head.headers.get("content-type").map(|text| ContentType::parse(&text)).unwrap_or_default();
    if !sent.is_given() {
        return if body.required {
            Err(Refusal::at(415, "media type not specified", head.path))
        } else {
            Ok(None)
        };
    }
    let chosen = sent.choose(body);
    if chosen.is_none() {
        return Err(Refusal::at(415, format!("unsupported media type {}", sent.normal()), head.path));
    }
    if sent.charset() != "utf-8" {
        let charset = sent.charset().to_ascii_uppercase();
        return Err(Refusal::at(415, format!("unsupported charset \"{charset}\""), head.path));
    }
    let encoding = head.headers.get("content-encoding").unwrap_or_default();
    if !encoding.is_empty() && !encoding.eq_ignore_ascii_case("identity") {
        return Err(Refusal::at(415, "content encoding unsupported", head.path));
    }
    Ok(chosen)
}

/// The refusal for a body that is too long.
#[must_use]
pub fn too_large(path: &str) -> Refusal {
    Refusal::at(413, "request entity too large", path)
}

fn malformed(path: &str) -> Refusal {
    Refusal::at(400, "malformed JSON body", path)
}

/// The body as text: no body is `{}`; anything but an object or a list is malformed, as in Express' strict mode.
fn body_text(body: &[u8]) -> Option<&str> {
    if body.is_empty() {
        return Some("{}");
    }
    let text = std::str::from_utf8(body).ok()?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    text.trim_start_matches([' ', '\t', '\n', '\r']).starts_with(['{', '[']).then_some(text)
}

fn parameters(
    checker: &mut Checker<'_>,
    root: &str,
    list: &[Parameter],
    value: impl Fn(&Parameter) -> Option<Json<'static>>,
) -> bool {
    let place = Place::root(root);
    let values: Vec<(&Parameter, Option<Json<'static>>)> =
        list.iter().map(|parameter| (parameter, value(parameter))).collect();
    let missing = values
        .iter()
        .find(|(parameter, value)| parameter.required && !parameter.has_default && value.is_none());
    if let Some((parameter, _)) = missing {
        let message = format!("must have required property '{}'", parameter.name);
        checker.violations.push(Violation::new(&place.absent(&parameter.name), "required", message.into()));
        return false;
    }
    let valid = values.iter().all(|(parameter, value)| match (parameter.schema, value) {
        (Some(schema), Some(value)) => checker.check(schema, value, &place.member(&parameter.name)),
        _ => true,
    });
    checker.forget();
    valid
}

fn verdict(violations: &[Violation], defaults: Option<String>) -> Result<Pass, Refusal> {
    if violations.is_empty() { Ok(Pass { defaults }) } else { Err(Violation::refusal(violations)) }
}

fn owned(text: &str) -> Json<'static> {
    Json::String(Cow::Owned(text.to_owned()))
}

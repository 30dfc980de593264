//! Checks a request in two steps: its head as soon as it is there, its body when it is complete.
//!
//! The steps give the legacy gateway's answers in its order: declared length, media type, the body's length and JSON,
//! the query's form, the discriminator, then parameters and body together.

use crate::body::{self, Unread};
use crate::check::Checker;
use crate::cookies;
use crate::fields::Fields;
use crate::json::Json;
use crate::legacy::Refusal;
use crate::media::ContentType;
use crate::multipart;
use crate::operation::{Body, BodyKind, Media, Operation, Parameter};
use crate::plan::Plan;
use crate::query::Query;
use crate::schema::Direction;
use crate::style::{self, BadStyle};
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
    /// Headers to be set: the defaults of absent header parameters, and `cookie` with those of absent cookies. One
    /// character for each byte.
    pub headers: Vec<(String, String)>,
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
    /// The body's media type; `None`: it has none, and is not looked into.
    sent: Option<Sent>,
    path: String,
    precheck: Result<(), Refusal>,
    violations: Vec<Violation>,
    pass: Pass,
}

/// The media type of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Sent {
    /// Which of the contract's it is.
    media: usize,
    kind: BodyKind,
    /// The boundary of a multipart body.
    boundary: Option<String>,
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
    /// What the request needs if it goes on.
    #[must_use]
    pub fn pass(&self) -> &Pass {
        &self.pass
    }
}

impl Plan {
    /// Checks a request's head against an operation; an operation the plan does not know lets everything pass.
    ///
    /// `max_body` is the longest body in bytes; it matters only for operations that have one.
    #[must_use]
    pub fn check_head(&self, operation: &str, head: Head<'_>, max_body: usize) -> Next {
        let Some(requires) = self.operation(operation) else { return Next::Done(Ok(Pass::default())) };
        let sent = match requires.body.as_ref().map(|body| media_of(body, head, max_body)).transpose() {
            Ok(sent) => sent,
            Err(refusal) => return Next::Done(Err(refusal)),
        };
        let query = Query::parse(head.query.unwrap_or_default());
        let cookie = if requires.cookies.is_empty() { None } else { head.headers.get("cookie") };
        let cookies = cookies::parse(cookie.as_deref().unwrap_or_default());
        let precheck = query.precheck(requires, self.switches.open_query).and_then(|()| match &cookies {
            Some(_) => Ok(()),
            None => Err(Refusal::at(400, format!("more than {} cookies", cookies::MAX_COOKIES), "/cookies")),
        });
        let cookies = cookies.unwrap_or_default();
        let violations =
            if precheck.is_ok() { self.parameters(requires, head, &query, &cookies) } else { Vec::new() };
        let headers = header_defaults(requires, head, cookie.as_deref(), &cookies);
        let pass = Pass { defaults: query.defaults(requires), headers };
        match sent {
            Some(sent) => Next::Body(Pending {
                operation: operation.to_owned(),
                sent,
                path: head.path.to_owned(),
                precheck,
                violations,
                pass,
            }),
            None => Next::Done(precheck.and_then(|()| verdict(&violations, pass))),
        }
    }

    /// Checks the complete body of a request and joins the result with its head's.
    ///
    /// # Errors
    /// The refusal the legacy gateway would answer.
    pub fn check_body(&self, pending: Pending, body: &[u8]) -> Result<Pass, Refusal> {
        let Pending { operation, sent, path, precheck, mut violations, pass } = pending;
        let declared = self.operation(&operation).and_then(|requires| requires.body.as_ref());
        let found = sent.as_ref().and_then(|sent| Some((declared?.media.get(sent.media)?, sent)));
        let Some((media, Sent { kind, boundary, .. })) = found else {
            return precheck.and_then(|()| verdict(&violations, pass));
        };
        if *kind == BodyKind::Json
            && precheck.is_ok()
            && violations.is_empty()
            && self.walks_through(media, body)
        {
            return Ok(pass);
        }
        let repeated = self.switches.repeated_members;
        let value = match body::read(media, *kind, boundary.as_deref(), repeated, body) {
            Ok(value) => Ok(value),
            Err(Unread::Violation(violation)) => Err(violation),
            Err(Unread::Malformed(message)) => return Err(Refusal::at(400, message, path)),
        };
        precheck?;
        match value {
            Ok(value) => violations.extend(self.body_violations(media, *kind, &value, &path)?),
            Err(violation) => violations.push(violation),
        }
        verdict(&violations, pass)
    }

    fn parameters(
        &self,
        operation: &Operation,
        head: Head<'_>,
        query: &Query<'_>,
        cookies: &Fields,
    ) -> Vec<Violation> {
        let mut checker = Checker::new(&self.tables, true);
        let read = |text: Option<&str>, parameter: &Parameter| {
            text.map(|text| style::read(text, &parameter.name, &parameter.form)).transpose()
        };
        let header = |parameter: &Parameter| read(head.headers.get(&parameter.name).as_deref(), parameter);
        let in_path = |parameter: &Parameter| {
            let found = head.params.iter().find(|(name, _)| *name == parameter.name);
            read(found.map(|(_, text)| text.as_str()), parameter)
        };
        let in_cookie = |parameter: &Parameter| cookies.read(&parameter.name, &parameter.form);
        let in_query = |parameter: &Parameter| query.value(operation, parameter);
        let valid = parameters(&mut checker, "/query", &operation.query, &in_query)
            && parameters(&mut checker, "/headers", &operation.headers, &header)
            && parameters(&mut checker, "/params", &operation.path, &in_path)
            && parameters(&mut checker, "/cookies", &operation.cookies, &in_cookie);
        if valid { Vec::new() } else { checker.violations }
    }

    /// Whether a JSON body is certainly valid.
    fn walks_through(&self, media: &Media, body: &[u8]) -> bool {
        media.discriminator.is_none()
            && self.walks.accept(&self.tables, media.schema, body, Direction::Request)
    }

    fn body_violations(
        &self,
        media: &Media,
        kind: BodyKind,
        value: &Json<'_>,
        path: &str,
    ) -> Result<Vec<Violation>, Refusal> {
        if kind == BodyKind::Binary && !media.sized {
            return Ok(Vec::new());
        }
        // What comes as text becomes what its schema asks for; JSON is what it is.
        let mut checker = Checker::new(&self.tables, kind != BodyKind::Json);
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
fn media_of(body: &Body, head: Head<'_>, max_body: usize) -> Result<Option<Sent>, Refusal> {
    let declared = head.headers.get("content-length").and_then(|text| text.trim().parse::<u64>().ok());
    if declared.is_some_and(|length| length > max_body as u64) {
        return Err(too_large(head.path));
    }
    let header = head.headers.get("content-type").unwrap_or_default();
    let sent = ContentType::parse(&header);
    if !sent.is_given() {
        return if body.required {
            Err(Refusal::at(415, "media type not specified", head.path))
        } else {
            Ok(None)
        };
    }
    let chosen = sent.choose(body).and_then(|index| Some((index, body.media.get(index)?)));
    let chosen = chosen.and_then(|(index, media)| Some((index, body::kind(media, &sent)?)));
    let Some((media, kind)) = chosen else {
        return Err(Refusal::at(415, format!("unsupported media type {}", sent.normal()), head.path));
    };
    if kind != BodyKind::Binary && sent.charset() != "utf-8" {
        let charset = sent.charset().to_ascii_uppercase();
        return Err(Refusal::at(415, format!("unsupported charset \"{charset}\""), head.path));
    }
    let encoding = head.headers.get("content-encoding").unwrap_or_default();
    if !encoding.is_empty() && !encoding.eq_ignore_ascii_case("identity") {
        return Err(Refusal::at(415, "content encoding unsupported", head.path));
    }
    let boundary = (kind == BodyKind::Multipart).then(|| multipart::boundary(&header)).flatten();
    Ok(Some(Sent { media, kind, boundary }))
}

/// The refusal for a body that is too long.
#[must_use]
pub fn too_large(path: &str) -> Refusal {
    Refusal::at(413, "request entity too large", path)
}

/// The defaults of absent headers, and the `cookie` header with those of absent cookies behind the client's own.
fn header_defaults(
    operation: &Operation,
    head: Head<'_>,
    cookie: Option<&str>,
    cookies: &Fields,
) -> Vec<(String, String)> {
    let absent = |parameter: &&Parameter| head.headers.get(&parameter.name).is_none();
    let default = |parameter: &Parameter| Some((parameter.name.clone(), parameter.default.clone()?));
    let mut set: Vec<(String, String)> =
        operation.headers.iter().filter(absent).filter_map(default).collect();
    let absent = |parameter: &&Parameter| cookies.values.get(&parameter.name).is_none();
    let added = operation.cookies.iter().filter(absent).filter_map(|parameter| parameter.default.as_deref());
    let added: Vec<&str> = added.collect();
    if !added.is_empty() {
        let all: Vec<&str> = cookie.filter(|text| !text.is_empty()).into_iter().chain(added).collect();
        set.push(("cookie".to_owned(), all.join("; ")));
    }
    set
}

/// How a parameter's value is found; `None` when it is absent.
type Value<'v> = &'v dyn Fn(&Parameter) -> Result<Option<Json<'static>>, BadStyle>;

fn parameters(checker: &mut Checker<'_>, root: &str, list: &[Parameter], value: Value<'_>) -> bool {
    let place = Place::root(root);
    let values: Vec<(&Parameter, Result<Option<Json<'static>>, BadStyle>)> =
        list.iter().map(|parameter| (parameter, value(parameter))).collect();
    let missing = values
        .iter()
        .find(|(parameter, value)| parameter.required && !parameter.has_default && *value == Ok(None));
    if let Some((parameter, _)) = missing {
        let message = format!("must have required property '{}'", parameter.name);
        checker.violations.push(Violation::new(&place.absent(&parameter.name), "required", message.into()));
        return false;
    }
    let valid = values.iter().all(|(parameter, value)| match (parameter.schema, value) {
        (_, Err(BadStyle)) => {
            checker.violations.push(Violation::style(&place.member(&parameter.name)));
            false
        }
        (Some(schema), Ok(Some(value))) => checker.check(schema, value, &place.member(&parameter.name)),
        _ => true,
    });
    checker.forget();
    valid
}

fn verdict(violations: &[Violation], pass: Pass) -> Result<Pass, Refusal> {
    if violations.is_empty() { Ok(pass) } else { Err(Violation::refusal(violations)) }
}

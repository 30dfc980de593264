//! The plugin's configuration: one JSON document, in which unknown fields are refused.

use std::rc::Rc;

use cutover_plan::{Route, Routes, SchemeScopes};
use serde_json::Value;

use crate::algorithm::Algorithm;
use crate::cache::Bounds;
use crate::claims::Expected;
use crate::credentials::Places;
use crate::json;
use crate::jwks::KeySet;
use crate::rules::{ClaimPath, Required};
use crate::scopes::Schemes;
use view::View;

mod issuer;
mod outputs;
mod remote;
mod view;

pub use issuer::Warning;
pub use remote::RemoteKeys;
pub use view::ConfigError;

/// What the filter works by.
#[derive(Debug)]
pub struct Config {
    /// The realm that refusals name.
    pub realm: String,
    /// The contract's operations with what each demands.
    pub routes: Routes,
    /// Who may issue tokens; no two with one name.
    pub issuers: Vec<Issuer>,
    /// Whose tokens meet which of the contract's schemes.
    pub schemes: Schemes,
    /// Which claim goes upstream in which header.
    pub forward: Vec<Forward>,
    /// Where a request's token may be.
    pub places: Places,
    /// How many good tokens are remembered; `None` for not at all.
    pub cache: Option<Bounds>,
    /// The form of refusals.
    pub errors: ErrorForm,
    /// Which claim is kept in the request's filter state under which name, for access logs.
    pub filter_state: Vec<StateItem>,
}

/// One issuer of tokens.
#[derive(Debug)]
pub struct Issuer {
    /// What its tokens must say.
    pub expected: Expected,
    /// What its tokens may be signed with; not empty.
    pub algorithms: Vec<Algorithm>,
    /// The keys that its tokens are signed with.
    pub keys: Keys,
    /// The claims that scopes are taken from.
    pub scope_claims: Vec<ClaimPath>,
    /// Claims that each of its tokens must have.
    pub required: Vec<Required>,
}

/// Where an issuer's keys come from.
#[derive(Debug)]
pub enum Keys {
    /// From the configuration.
    Fixed(Rc<KeySet>),
    /// From the issuer, while the filter runs: see [`Gate::set_keys`](crate::Gate::set_keys).
    Remote(RemoteKeys),
}

/// A header that carries a claim upstream, and never a client's own value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forward {
    /// The header's name, in lower case.
    pub header: String,
    /// The claim.
    pub claim: ClaimPath,
    /// What stands between the items of a list; without it a list cannot be forwarded.
    pub join: Option<String>,
}

/// A name in the request's filter state that carries a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateItem {
    /// The name, to which the host adds `wasm.` in front.
    pub name: String,
    /// The claim; `None` for all of them.
    pub claim: Option<ClaimPath>,
}

/// The form of refusals. (A gRPC request always gets a gRPC status.)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorForm {
    /// The legacy gateway's.
    Legacy,
    /// Problem details (RFC 9457).
    Problem,
}

impl Config {
    /// Reads a configuration, with the keys that it leaves out.
    ///
    /// # Errors
    /// It is not of the form, or contradicts itself.
    pub fn parse(text: &[u8]) -> Result<(Self, Vec<Warning>), ConfigError> {
        let members = json::object(text).ok_or_else(|| no_object(text))?;
        let document = Value::Object(members);
        let view = View::root(&document);
        view.only(&[
            "realm",
            "routes",
            "issuers",
            "schemes",
            "forward",
            "token",
            "cache",
            "errors",
            "filter_state",
        ])?;
        let realm = quotable(view.need("realm")?)?;
        let routes = routes(view.need("routes")?)?;
        let (issuers, warnings) = issuer::list(view.need("issuers")?)?;
        let config = Self {
            realm,
            schemes: schemes(view, &routes, &issuers)?,
            routes,
            issuers,
            forward: outputs::forward(view.need("forward")?)?,
            places: view.get("token").map_or_else(|| Ok(Places::USUAL), places)?,
            cache: view.get("cache").map_or(Ok(Some(Bounds::USUAL)), bounds)?,
            errors: view.get("errors").map_or(Ok(ErrorForm::Legacy), error_form)?,
            filter_state: outputs::filter_state(view.get("filter_state"))?,
        };
        Ok((config, warnings))
    }

    /// Every issuer's name with each algorithm of its configured keys.
    pub fn algorithms(&self) -> impl Iterator<Item = (&str, Algorithm)> {
        self.issuers.iter().flat_map(|issuer| {
            let keys = match &issuer.keys {
                Keys::Fixed(keys) => Some(keys),
                Keys::Remote(_) => None,
            };
            let keys = keys.into_iter().flat_map(|keys| keys.iter());
            keys.map(|key| (issuer.expected.issuer.as_str(), key.algorithm))
        })
    }
}

fn no_object(text: &[u8]) -> ConfigError {
    let problem = if text.trim_ascii_start().starts_with(b"{") {
        "must be one well-formed json object, in which no member is there twice"
    } else {
        // Envoy's reference promises JSON for a `Struct`, but 1.36 to 1.40 hand over its protobuf encoding.
        "must be one json object; Envoy hands it over as it is if it is a `google.protobuf.StringValue`, not a `Struct`"
    };
    ConfigError::new(String::new(), problem)
}

fn routes(view: View<'_>) -> Result<Routes, ConfigError> {
    let mut routes = Vec::new();
    for item in view.items()? {
        routes.push(route(item)?);
    }
    Routes::new(routes).map_err(|error| view.error(&error.to_string()))
}

fn route(view: View<'_>) -> Result<Route, ConfigError> {
    view.only(&["id", "method", "path", "tags", "security", "has_body"])?;
    let mut security = Vec::new();
    if let Some(alternatives) = view.get("security") {
        for alternative in alternatives.items()? {
            let mut schemes = Vec::new();
            for scheme in alternative.items()? {
                schemes.push(scheme_scopes(scheme)?);
            }
            security.push(schemes);
        }
    }
    Ok(Route {
        id: view.need("id")?.name()?.to_owned(),
        method: view.need("method")?.name()?.to_owned(),
        path: view.need("path")?.text()?.to_owned(),
        tags: view.get("tags").map_or_else(|| Ok(Vec::new()), |tags| tags.texts())?,
        security,
        has_body: view.get("has_body").map_or(Ok(false), |has| has.truth())?,
    })
}

fn scheme_scopes(view: View<'_>) -> Result<SchemeScopes, ConfigError> {
    view.only(&["scheme", "scopes"])?;
    let scopes = view.get("scopes").map_or_else(|| Ok(Vec::new()), |scopes| scopes.texts())?;
    Ok(SchemeScopes { scheme: view.need("scheme")?.name()?.to_owned(), scopes })
}

/// Whose tokens meet which scheme. Without the field any issuer's meet all.
fn schemes(root: View<'_>, routes: &Routes, issuers: &[Issuer]) -> Result<Schemes, ConfigError> {
    let Some(view) = root.get("schemes") else { return Ok(Schemes::any()) };
    let mut schemes = Vec::new();
    for (name, scheme) in view.members()? {
        scheme.only(&["issuers"])?;
        let list = scheme.need("issuers")?;
        let mut admitted = Vec::new();
        for item in list.items()? {
            let text = item.text()?;
            let place = issuers.iter().position(|issuer| issuer.expected.issuer == text);
            let place = place.ok_or_else(|| item.error("is none of `issuers`"))?;
            if admitted.contains(&place) {
                return Err(item.error("is there twice"));
            }
            admitted.push(place);
        }
        if admitted.is_empty() {
            return Err(list.error("must name at least one issuer"));
        }
        schemes.push((name.to_owned(), admitted));
    }
    for route in routes.iter() {
        let used = route.security.iter().flatten().map(|used| &used.scheme);
        if let Some(missing) = used.into_iter().find(|used| schemes.iter().all(|(name, _)| name != *used)) {
            let problem = ["is missing; the operation `", &route.id, "` demands it"].concat();
            return Err(view.error_at(missing, &problem));
        }
    }
    Ok(Schemes::new(schemes))
}

fn places(view: View<'_>) -> Result<Places, ConfigError> {
    view.only(&["authorization", "cookie", "query"])?;
    let places = Places {
        authorization: view.get("authorization").map_or(Ok(true), |used| used.truth())?,
        cookie: view.get("cookie").map(place_name).transpose()?,
        query: view.get("query").map(place_name).transpose()?,
    };
    if !places.authorization && places.cookie.is_none() && places.query.is_none() {
        return Err(view.error("must leave a place for the token"));
    }
    Ok(places)
}

/// What is both a cookie's name (RFC 6265, section 4.1.1) and needs no escape in a query.
fn place_name(view: View<'_>) -> Result<String, ConfigError> {
    let text = view.text()?;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    if text.is_empty() || !text.bytes().all(fits) {
        return Err(view.error("must be a name of letters, digits and -._~"));
    }
    Ok(text.to_owned())
}

/// More tokens than these are no cache any more: each worker has its own, and memory of a VM never shrinks.
const ENTRIES: std::ops::RangeInclusive<u32> = 1..=65_536;
const BYTES: std::ops::RangeInclusive<u32> = 16 * 1024..=64 * 1024 * 1024;

fn bounds(view: View<'_>) -> Result<Option<Bounds>, ConfigError> {
    if view.value() == "off" {
        return Ok(None);
    }
    if !view.value().is_object() {
        return Err(view.error("must be `off` or an object with `entries` and `bytes`"));
    }
    view.only(&["entries", "bytes"])?;
    let entries = view.get("entries").map(|entries| entries.whole(ENTRIES)).transpose()?;
    let bytes = view.get("bytes").map(|bytes| bytes.whole(BYTES)).transpose()?;
    Ok(Some(Bounds {
        entries: entries.map_or(Bounds::USUAL.entries, |entries| entries as usize),
        bytes: bytes.map_or(Bounds::USUAL.bytes, |bytes| bytes as usize),
    }))
}

fn error_form(view: View<'_>) -> Result<ErrorForm, ConfigError> {
    match view.text()? {
        "legacy" => Ok(ErrorForm::Legacy),
        "problem" => Ok(ErrorForm::Problem),
        _ => Err(view.error("must be `legacy` or `problem`")),
    }
}

/// A text that can stand in the quotes of a header.
fn quotable(view: View<'_>) -> Result<String, ConfigError> {
    let text = view.text()?;
    let fits = |byte: u8| (b' '..=b'~').contains(&byte) && byte != b'"' && byte != b'\\';
    if text.is_empty() || !text.bytes().all(fits) {
        return Err(view.error("must be printable ascii without quotes and backslashes"));
    }
    Ok(text.to_owned())
}

fn claim_path(view: View<'_>) -> Result<ClaimPath, ConfigError> {
    ClaimPath::new(view.text()?)
        .ok_or_else(|| view.error("must name a claim, or be a json pointer that starts with `/`"))
}

#[cfg(test)]
mod tests;

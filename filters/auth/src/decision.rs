//! What becomes of a request: forwarded with an identity, or refused in the legacy gateway's words.

use std::cell::RefCell;
use std::rc::Rc;

use cutover_filter_host::HeaderMap;
use cutover_plan::legacy::Refusal;
use cutover_plan::{Route, RouteMatch};
use serde_json::{Map, Value};

use crate::cache::{Counts, TokenCache, Verified};
use crate::claims::{ClaimError, Claims};
use crate::config::{Config, Forward};
use crate::credentials::{Credentials, credentials, stripped};
use crate::jwks::NoKey;
use crate::rules;
use crate::scopes::{self, Access};
use crate::token::{Token, TokenError};
use crate::verify::{SignatureError, SignatureVerifier};

/// The decisions of one configuration.
#[derive(Debug)]
pub struct Gate {
    config: Config,
    /// Tokens that these very keys and rules have found good; `None` when it is switched off.
    cache: Option<RefCell<TokenCache>>,
}

/// What a decision needs of a request.
#[derive(Debug, Clone, Copy)]
pub struct RequestHead<'a> {
    /// The method.
    pub method: &'a str,
    /// The path as it was sent, without the query.
    pub path: &'a str,
    /// The path with the query, byte for byte.
    pub target: &'a [u8],
    /// The name of the route that the proxy chose; an operationId in our own gateway, anything elsewhere.
    pub route_name: Option<&'a str>,
    /// All headers.
    pub headers: &'a HeaderMap,
}

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision<'a> {
    /// It goes on.
    Forward {
        /// On what ground.
        ground: Ground,
        /// Headers to set, each to exactly this value; `:path` among them if a token was in the query.
        set: Vec<(&'a str, Vec<u8>)>,
        /// Headers to remove, all of which are there.
        remove: Vec<&'a str>,
    },
    /// It ends here.
    Refuse {
        /// The answer.
        refusal: Refusal,
        /// Why, for logs and metrics.
        reason: Reason,
    },
}

/// Why a request may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// The operation is public.
    Public,
    /// The operation takes a token and works without; there was none.
    Anonymous,
    /// The token is good and its scopes suffice.
    Token,
}

/// Why a request is refused. The texts are for logs: a client is told no more than RFC 6750 allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// It is no operation of the contract.
    #[error("no operation of the contract")]
    Unmatched,
    /// There is no token.
    #[error("no token")]
    NoToken,
    /// There is more than one token.
    #[error("more than one token")]
    SeveralTokens,
    /// What should be a token is none.
    #[error("{0}")]
    Malformed(#[from] TokenError),
    /// No such issuer is configured.
    #[error("the token's issuer is not known")]
    UnknownIssuer,
    /// The issuer has no key for it.
    #[error("{0}")]
    NoKey(#[from] NoKey),
    /// The signature is wrong or could not be verified.
    #[error("{0}")]
    Signature(#[from] SignatureError),
    /// A claim is wrong.
    #[error("{0}")]
    Claim(#[from] ClaimError),
    /// A claim that goes upstream is not what a header can carry.
    #[error("a forwarded claim is not printable ascii, or no list to be joined")]
    Unforwardable,
    /// The token is good but its scopes do not suffice.
    #[error("the token's scopes do not suffice")]
    Scope,
}

impl Reason {
    /// A short name, for metrics and response code details.
    pub fn code(self) -> &'static str {
        match self {
            Self::Unmatched => "unmatched",
            Self::NoToken => "no_token",
            Self::SeveralTokens => "several_tokens",
            Self::Malformed(_) => "malformed_token",
            Self::UnknownIssuer => "unknown_issuer",
            Self::NoKey(_) => "unknown_key",
            Self::Signature(SignatureError::Wrong) => "bad_signature",
            Self::Signature(SignatureError::Unavailable) => "unverifiable",
            Self::Claim(ClaimError::Expired) => "expired",
            Self::Claim(_) | Self::Unforwardable => "bad_claim",
            Self::Scope => "insufficient_scope",
        }
    }

    /// Every short name.
    pub const CODES: [&'static str; 11] = [
        "unmatched",
        "no_token",
        "several_tokens",
        "malformed_token",
        "unknown_issuer",
        "unknown_key",
        "bad_signature",
        "unverifiable",
        "expired",
        "bad_claim",
        "insufficient_scope",
    ];
}

impl Gate {
    /// Decides by this configuration.
    pub fn new(config: Config) -> Self {
        let cache = config.cache.map(|bounds| RefCell::new(TokenCache::new(bounds)));
        Self { config, cache }
    }

    /// The cache's look-ups since this was last asked.
    pub fn take_cache_counts(&self) -> Counts {
        self.cache.as_ref().map(|cache| cache.borrow_mut().take_counts()).unwrap_or_default()
    }

    /// Decides about one request; `now` in seconds since the epoch.
    pub fn decide<'a>(
        &'a self,
        head: &RequestHead<'_>,
        now: u64,
        verifier: &dyn SignatureVerifier,
    ) -> Decision<'a> {
        let route = match self.route(head) {
            Ok(route) => route,
            Err(refusal) => return Decision::Refuse { refusal, reason: Reason::Unmatched },
        };
        let access = scopes::access(&route.security);
        if access == Access::Public {
            return self.forward(head, Ground::Public, Vec::new());
        }
        let token = match credentials(head.headers, head.target, &self.config.places) {
            Credentials::Absent if access == Access::Optional => {
                return self.forward(head, Ground::Anonymous, Vec::new());
            }
            Credentials::Absent => return self.refuse(head, route, Reason::NoToken),
            Credentials::Several => return self.refuse(head, route, Reason::SeveralTokens),
            Credentials::Token(token) => token,
        };
        match self.identify(token, route, now, verifier) {
            Ok(identity) => self.forward(head, Ground::Token, identity),
            Err(reason) => self.refuse(head, route, reason),
        }
    }

    /// The request's operation: by the route's name, else by method and path.
    fn route(&self, head: &RequestHead<'_>) -> Result<&Route, Refusal> {
        let RequestHead { method, path, target: _, route_name, headers: _ } = *head;
        let routes = &self.config.routes;
        let found = match route_name.and_then(|name| routes.get(name)) {
            // The proxy matches paths without decoding them, so what it has named may still be malformed.
            Some(route) if !path.contains('%') => return Ok(route),
            Some(route) => match routes.params_of(&route.id, path) {
                RouteMatch::MalformedUri => RouteMatch::MalformedUri,
                RouteMatch::Operation { .. } | RouteMatch::MethodNotAllowed { .. } | RouteMatch::NotFound => {
                    return Ok(route);
                }
            },
            None => routes.find(method, path),
        };
        match (Refusal::unmatched(&found, method, path), found) {
            (None, RouteMatch::Operation { route, .. }) => Ok(route),
            (refusal, _) => Err(refusal.unwrap_or_else(|| Refusal::at(404, "not found", path))),
        }
    }

    /// The headers that say whose request it is, if the token is good for the operation.
    fn identify(
        &self,
        token: &[u8],
        route: &Route,
        now: u64,
        verifier: &dyn SignatureVerifier,
    ) -> Result<Vec<(&str, Vec<u8>)>, Reason> {
        let known = self.cache.as_ref().and_then(|cache| cache.borrow_mut().get(token, now));
        let verified = match known {
            Some(verified) => verified,
            None => {
                let verified = Rc::new(self.verify(token, route, now, verifier)?);
                if let Some(cache) = &self.cache {
                    cache.borrow_mut().put(token, Rc::clone(&verified));
                }
                verified
            }
        };
        if !scopes::sufficient(&route.security, &verified.scopes) {
            return Err(Reason::Scope);
        }
        let header = |(index, value): &(usize, String)| {
            self.config
                .forward
                .get(*index)
                .map(|forward| (forward.header.as_str(), value.clone().into_bytes()))
        };
        Ok(verified.identity.iter().filter_map(header).collect())
    }

    /// Everything about a token that does not depend on the operation. (The operation is asked for because a missing
    /// scope goes before a claim that cannot be forwarded.)
    fn verify(
        &self,
        token: &[u8],
        route: &Route,
        now: u64,
        verifier: &dyn SignatureVerifier,
    ) -> Result<Verified, Reason> {
        let Token { algorithm, key_id, signing_input, payload, signature } = Token::parse(token)?;
        let claims = Claims::read(&payload)?;
        let issuer = self.config.issuers.iter().find(|issuer| claims.issuer == Some(&issuer.expected.issuer));
        let issuer = issuer.ok_or(Reason::UnknownIssuer)?;
        let key = issuer.keys.select(algorithm, key_id.as_deref())?;
        verifier.verify(key, signing_input, &signature)?;
        let validity = claims.check(&issuer.expected, now)?;
        if !issuer.required.iter().all(|required| required.is_met(&payload)) {
            return Err(ClaimError::Required.into());
        }
        let scopes = rules::scopes(&payload, &issuer.scope_claims)?;
        let identity = identity(&self.config.forward, &payload);
        if identity.is_err() && !scopes::sufficient(&route.security, &scopes) {
            return Err(Reason::Scope);
        }
        Ok(Verified { validity, scopes, identity: identity? })
    }

    fn forward<'a>(
        &'a self,
        head: &RequestHead<'_>,
        ground: Ground,
        mut set: Vec<(&'a str, Vec<u8>)>,
    ) -> Decision<'a> {
        let ours = self.config.forward.iter().map(|forward| forward.header.as_str());
        let mut remove: Vec<&str> = ours
            .chain(["authorization"])
            .filter(|name| !set.iter().any(|(header, _)| header == name))
            .filter(|name| head.headers.first(name).is_some())
            .collect();
        for (name, value) in stripped(head.headers, head.target, &self.config.places) {
            match value {
                Some(value) => set.push((name, value)),
                None => remove.push(name),
            }
        }
        Decision::Forward { ground, set, remove }
    }

    fn refuse(&self, head: &RequestHead<'_>, route: &Route, reason: Reason) -> Decision<'static> {
        let realm = &self.config.realm;
        let (status, message, challenge) = match reason {
            Reason::NoToken => (401, "Authorization header required", format!("Bearer realm=\"{realm}\"")),
            Reason::SeveralTokens => {
                (400, "multiple tokens", format!("Bearer realm=\"{realm}\", error=\"invalid_request\""))
            }
            Reason::Scope => {
                let wanted = scopes::wanted(&route.security);
                let challenge =
                    format!("Bearer realm=\"{realm}\", error=\"insufficient_scope\", scope=\"{wanted}\"");
                (403, "forbidden", challenge)
            }
            Reason::Unmatched
            | Reason::Malformed(_)
            | Reason::UnknownIssuer
            | Reason::NoKey(_)
            | Reason::Signature(_)
            | Reason::Claim(_)
            | Reason::Unforwardable => {
                (401, "unauthorized", format!("Bearer realm=\"{realm}\", error=\"invalid_token\""))
            }
        };
        let refusal = Refusal::at(status, message, head.path).with_header("www-authenticate", challenge);
        Decision::Refuse { refusal, reason }
    }
}

/// The forwarded claims. What is missing or empty is not sent; what a header cannot carry spoils the token, because it
/// would become another claim or another header upstream.
fn identity(forward: &[Forward], payload: &Map<String, Value>) -> Result<Vec<(usize, String)>, Reason> {
    let mut headers = Vec::new();
    for (index, Forward { header: _, claim, join }) in forward.iter().enumerate() {
        let value = rules::forwardable(claim.of(payload), join.as_deref());
        let value = value.map_err(|rules::Unforwardable| Reason::Unforwardable)?;
        headers.extend(value.map(|value| (index, value)));
    }
    Ok(headers)
}

#[cfg(test)]
mod tests;

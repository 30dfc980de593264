//! What becomes of a request: forwarded with an identity, refused, or held until its issuer's keys have come.

use std::cell::RefCell;
use std::rc::Rc;

use cutover_filter_host::HeaderMap;
use cutover_plan::legacy::Refusal;
use cutover_plan::{Route, RouteMatch};

use crate::cache::{Counts, TokenCache, Verified};
use crate::claims::{ClaimError, Claims};
use crate::config::{Config, Issuer, Keys};
use crate::credentials::{Credentials, credentials, stripped};
use crate::jwks::{KeySet, NoKey};
use crate::rules;
use crate::scopes::{self, Access, Verdict};
use crate::token::Token;
use crate::verify::SignatureVerifier;

mod identity;
mod refusal;

pub use refusal::{Reason, Refused};

/// The decisions of one configuration.
#[derive(Debug)]
pub struct Gate {
    config: Config,
    /// Each issuer's keys, in the configuration's order; `None` while they have not come yet.
    keys: RefCell<Vec<Option<Rc<KeySet>>>>,
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
        /// Names in the request's filter state to set, for access logs; never the token itself.
        state: Vec<(&'a str, Rc<str>)>,
    },
    /// It ends here.
    Refuse(Refused),
    /// It would end here, but newer keys of its issuer could change that: either the issuer has no keys yet, or it has
    /// none that the token names. Whoever can fetch keys may hold the request, let [`Gate::set_keys`] have what comes,
    /// and decide again; whoever cannot, or will not wait (any longer), answers with `otherwise`.
    Await {
        /// Which issuer, by its place in [`Config::issuers`]; always one with [`Keys::Remote`].
        issuer: usize,
        /// The answer with the keys that there are.
        otherwise: Refused,
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

/// Why a token does not open an operation.
#[derive(Clone, Copy)]
struct Stop {
    reason: Reason,
    /// The issuer whose newer keys could change that.
    awaited: Option<usize>,
    /// The token's issuer, once it is known.
    issuer: Option<usize>,
}

impl From<Reason> for Stop {
    fn from(reason: Reason) -> Self {
        Self { reason, awaited: None, issuer: None }
    }
}

impl Gate {
    /// Decides by this configuration.
    pub fn new(config: Config) -> Self {
        let cache = config.cache.map(|bounds| RefCell::new(TokenCache::new(bounds)));
        let keys = config.issuers.iter().map(|issuer| match &issuer.keys {
            Keys::Fixed(keys) => Some(Rc::clone(keys)),
            Keys::Remote(_) => None,
        });
        let keys = RefCell::new(keys.collect());
        Self { config, keys, cache }
    }

    /// What it decides by.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// From now on these are the keys of the issuer at this place in [`Config::issuers`], and no other. Tokens that
    /// older keys have found good are verified again: so do not call it when the same set has come again.
    pub fn set_keys(&self, issuer: usize, keys: KeySet) {
        if let Some(place) = self.keys.borrow_mut().get_mut(issuer) {
            *place = Some(Rc::new(keys));
        }
        if let Some(cache) = &self.cache {
            cache.borrow_mut().clear();
        }
    }

    /// The keys that the issuer at this place has now.
    pub fn keys(&self, issuer: usize) -> Option<Rc<KeySet>> {
        self.keys.borrow().get(issuer).cloned().flatten()
    }

    /// The cache's look-ups since this was last asked.
    pub fn take_cache_counts(&self) -> Counts {
        self.cache.as_ref().map(|cache| cache.borrow_mut().take_counts()).unwrap_or_default()
    }

    /// Decides about one request; `now` in seconds since the epoch.
    pub fn decide<'a>(
        &'a self,
        head: &RequestHead<'a>,
        now: u64,
        verifier: &dyn SignatureVerifier,
    ) -> Decision<'a> {
        let route = match self.route(head) {
            Ok(route) => route,
            Err(refusal) => return Decision::Refuse(self.answer(head, refusal, Reason::Unmatched)),
        };
        let access = scopes::access(&route.security);
        if access == Access::Public {
            return self.forward(head, Ground::Public, None);
        }
        let token = match credentials(head.headers, head.target, &self.config.places) {
            Credentials::Absent if access == Access::Optional => {
                return self.forward(head, Ground::Anonymous, None);
            }
            Credentials::Absent => return self.refuse(head, route, Reason::NoToken.into()),
            Credentials::Several => return self.refuse(head, route, Reason::SeveralTokens.into()),
            Credentials::Token(token) => token,
        };
        match self.judge(token, route, now, verifier) {
            Ok(verified) => self.forward(head, Ground::Token, Some(&verified)),
            Err(stop) => self.refuse(head, route, stop),
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

    /// What is known of the token, if it is good for the operation.
    fn judge(
        &self,
        token: &[u8],
        route: &Route,
        now: u64,
        verifier: &dyn SignatureVerifier,
    ) -> Result<Rc<Verified>, Stop> {
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
        self.admit(route, verified.issuer, &verified.scopes)?;
        Ok(verified)
    }

    /// Whether a good token of this issuer with these scopes opens the operation.
    fn admit(&self, route: &Route, issuer: usize, granted: &[String]) -> Result<(), Stop> {
        let reason = match self.config.schemes.judge(&route.security, issuer, granted) {
            Verdict::Open => return Ok(()),
            Verdict::Scopes => Reason::Scope,
            Verdict::Issuer => Reason::OtherIssuer,
        };
        Err(Stop { reason, awaited: None, issuer: Some(issuer) })
    }

    /// Everything about a token that does not depend on the operation. (The operation is asked for because tokens of
    /// other issuers are not worth a signature, and a missing scope goes before a claim that cannot be forwarded.)
    fn verify(
        &self,
        token: &[u8],
        route: &Route,
        now: u64,
        verifier: &dyn SignatureVerifier,
    ) -> Result<Verified, Stop> {
        let Token { algorithm, key_id, signing_input, payload, signature } =
            Token::parse(token).map_err(Reason::from)?;
        let claims = Claims::read(&payload).map_err(Reason::from)?;
        let mut issuers = self.config.issuers.iter().enumerate();
        let (place, issuer) = issuers
            .find(|(_, issuer)| claims.issuer == Some(&issuer.expected.issuer))
            .ok_or(Reason::UnknownIssuer)?;
        if !self.config.schemes.admit_any(&route.security, place) {
            return Err(Reason::OtherIssuer.into());
        }
        if !issuer.algorithms.contains(&algorithm) {
            return Err(Reason::Algorithm.into());
        }
        let missing = |reason| missing_key(reason, place, issuer, &claims, now);
        let keys = self.keys(place).ok_or_else(|| missing(Reason::NoKeys))?;
        let key = keys.select(algorithm, key_id.as_deref()).map_err(|error| missing(error.into()))?;
        verifier.verify(key, signing_input, &signature).map_err(Reason::from)?;
        let validity = claims.check(&issuer.expected, now).map_err(Reason::from)?;
        if !issuer.required.iter().all(|required| required.is_met(&payload)) {
            return Err(Reason::from(ClaimError::Required).into());
        }
        let scopes = rules::scopes(&payload, &issuer.scope_claims).map_err(Reason::from)?;
        let identity = identity::headers(&self.config.forward, &payload);
        if identity.is_err() {
            self.admit(route, place, &scopes)?;
        }
        let state = identity::state(&self.config.filter_state, &payload);
        Ok(Verified { issuer: place, validity, scopes, identity: identity?, state })
    }

    fn forward<'a>(
        &'a self,
        head: &RequestHead<'a>,
        ground: Ground,
        bearer: Option<&Verified>,
    ) -> Decision<'a> {
        let Config { forward, filter_state, .. } = &self.config;
        let mut set: Vec<(&str, Vec<u8>)> = Vec::new();
        let mut state = Vec::new();
        if let Some(Verified { identity, state: values, .. }) = bearer {
            let header = |(index, value): &(usize, String)| {
                forward.get(*index).map(|forward| (forward.header.as_str(), value.clone().into_bytes()))
            };
            set.extend(identity.iter().filter_map(header));
            let named = |(index, value): &(usize, Rc<str>)| {
                filter_state.get(*index).map(|item| (item.name.as_str(), Rc::clone(value)))
            };
            state.extend(values.iter().filter_map(named));
        }
        let ours = forward.iter().map(|forward| forward.header.as_str());
        let mut remove: Vec<&str> = ours
            .chain(["authorization"])
            .filter(|name| !set.iter().any(|(header, _)| header == name))
            .filter(|name| head.headers.first(name).is_some())
            .chain(identity::lookalikes(forward, head.headers))
            .collect();
        for (name, value) in stripped(head.headers, head.target, &self.config.places) {
            match value {
                Some(value) => set.push((name, value)),
                None => remove.push(name),
            }
        }
        Decision::Forward { ground, set, remove, state }
    }

    fn refuse(&self, head: &RequestHead<'_>, route: &Route, stop: Stop) -> Decision<'static> {
        let Stop { reason, awaited, issuer } = stop;
        let bearer = |error: &str| {
            let realm = ["Bearer realm=\"", &self.config.realm, "\""].concat();
            if error.is_empty() { realm } else { [&realm, ", error=", error].concat() }
        };
        let (status, message, header) = match reason {
            Reason::NoToken => (401, "Authorization header required", ("www-authenticate", bearer(""))),
            Reason::SeveralTokens => {
                (400, "multiple tokens", ("www-authenticate", bearer("\"invalid_request\"")))
            }
            Reason::Scope => {
                let wanted = issuer.map(|issuer| self.config.schemes.wanted(&route.security, issuer));
                let error = ["\"insufficient_scope\", scope=\"", &wanted.unwrap_or_default(), "\""].concat();
                (403, "forbidden", ("www-authenticate", bearer(&error)))
            }
            // Nobody's token could be verified: that is not the client's fault, and a challenge would say it is.
            Reason::NoKeys => (503, "service unavailable", ("retry-after", "1".to_owned())),
            Reason::Unmatched
            | Reason::Malformed(_)
            | Reason::UnknownIssuer
            | Reason::OtherIssuer
            | Reason::Algorithm
            | Reason::NoKey(_)
            | Reason::Signature(_)
            | Reason::Claim(_)
            | Reason::Unforwardable => {
                (401, "unauthorized", ("www-authenticate", bearer("\"invalid_token\"")))
            }
        };
        let refusal = Refusal::at(status, message, head.path).with_header(header.0, header.1);
        let answer = self.answer(head, refusal, reason);
        match awaited {
            Some(issuer) => Decision::Await { issuer, otherwise: answer },
            None => Decision::Refuse(answer),
        }
    }

    fn answer(&self, head: &RequestHead<'_>, refusal: Refusal, reason: Reason) -> Refused {
        let request_id = String::from_utf8_lossy(head.headers.first("x-request-id").unwrap_or_default());
        Refused::new(reason, refusal, self.config.errors, head.path, &request_id)
    }
}

/// What becomes of a token whose key is not there. One of an issuer whose keys come while the filter runs may wait for
/// them, unless its claims would be refused with any key.
fn missing_key(reason: Reason, place: usize, issuer: &Issuer, claims: &Claims<'_>, now: u64) -> Stop {
    let newer_may_help = match (&issuer.keys, reason) {
        (Keys::Remote(_), Reason::NoKeys | Reason::NoKey(NoKey::Unknown)) => true,
        (Keys::Remote(_) | Keys::Fixed(_), _) => false,
    };
    if !newer_may_help {
        return reason.into();
    }
    match claims.check(&issuer.expected, now) {
        Ok(_) => Stop { reason, awaited: Some(place), issuer: Some(place) },
        Err(error) => Reason::from(error).into(),
    }
}

#[cfg(test)]
mod tests;

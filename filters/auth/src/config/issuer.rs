//! Who may issue tokens.

use std::rc::Rc;

use super::view::{ConfigError, View};
use super::{Issuer, Keys, claim_path, remote};
use crate::algorithm::Algorithm;
use crate::claims::Expected;
use crate::jwks::{Key, KeyProblem, KeySet};
use crate::pem;
use crate::rules::{Required, Test};

/// A key that was left out, and of which issuer; the configuration is used all the same.
#[derive(Debug, thiserror::Error)]
#[error("issuers[{issuer}].jwks.{problem}")]
pub struct Warning {
    issuer: usize,
    problem: KeyProblem,
}

pub(super) fn list(view: View<'_>) -> Result<(Vec<Issuer>, Vec<Warning>), ConfigError> {
    let mut issuers: Vec<Issuer> = Vec::new();
    let mut warnings = Vec::new();
    for (index, item) in view.items()?.enumerate() {
        let (issuer, problems) = issuer(item)?;
        if issuers.iter().any(|other| other.expected.issuer == issuer.expected.issuer) {
            return Err(item.error_at("issuer", "is there twice"));
        }
        issuers.push(issuer);
        warnings.extend(problems.into_iter().map(|problem| Warning { issuer: index, problem }));
    }
    if issuers.is_empty() {
        return Err(view.error("must name at least one issuer"));
    }
    Ok((issuers, warnings))
}

/// More than this is no clock skew any more.
const LONGEST_LEEWAY: u32 = 300;

fn issuer(view: View<'_>) -> Result<(Issuer, Vec<KeyProblem>), ConfigError> {
    view.only(&[
        "issuer",
        "audiences",
        "algorithms",
        "leeway_seconds",
        "jwks",
        "pem",
        "remote_jwks",
        "scope_claims",
        "require",
    ])?;
    let expected = Expected {
        issuer: view.need("issuer")?.name()?.to_owned(),
        audiences: audiences(view.need("audiences")?)?,
        leeway_seconds: view.whole_or("leeway_seconds", 0..=LONGEST_LEEWAY, 5)?,
    };
    let algorithms = view.get("algorithms").map_or_else(|| Ok(Algorithm::ALL.to_vec()), algorithms)?;
    let (keys, problems) = keys(view, &algorithms)?;
    let mut scope_claims = Vec::new();
    match view.get("scope_claims") {
        Some(list) => {
            for item in list.items()? {
                scope_claims.push(claim_path(item)?);
            }
        }
        None => scope_claims.extend(crate::rules::ClaimPath::new("scope")),
    }
    let mut required = Vec::new();
    if let Some(list) = view.get("require") {
        for item in list.items()? {
            required.push(requirement(item)?);
        }
    }
    Ok((Issuer { expected, algorithms, keys, scope_claims, required }, problems))
}

fn audiences(view: View<'_>) -> Result<Vec<String>, ConfigError> {
    let audiences = view.texts()?;
    if audiences.is_empty() || audiences.iter().any(String::is_empty) {
        return Err(view.error("must name at least one audience, none of them empty"));
    }
    Ok(audiences)
}

fn algorithms(view: View<'_>) -> Result<Vec<Algorithm>, ConfigError> {
    let mut algorithms = Vec::new();
    for item in view.items()? {
        let algorithm = algorithm(item)?;
        if algorithms.contains(&algorithm) {
            return Err(item.error("is there twice"));
        }
        algorithms.push(algorithm);
    }
    if algorithms.is_empty() {
        return Err(view.error("must name at least one algorithm"));
    }
    Ok(algorithms)
}

fn algorithm(view: View<'_>) -> Result<Algorithm, ConfigError> {
    Algorithm::from_name(view.text()?)
        .ok_or_else(|| view.error(&["must be one of ", &Algorithm::names()].concat()))
}

/// The keys, from exactly one of the three places where they may be.
fn keys(view: View<'_>, allowed: &[Algorithm]) -> Result<(Keys, Vec<KeyProblem>), ConfigError> {
    match (view.get("jwks"), view.get("pem"), view.get("remote_jwks")) {
        (Some(jwks), None, None) => {
            // A key set may have members that nobody knows (RFC 7517, section 5).
            let keys = jwks.need("keys")?;
            let Some(list) = keys.value().as_array() else { return Err(keys.error("must be a list")) };
            let (set, problems) =
                KeySet::read(list, allowed).map_err(|error| keys.error(&error.to_string()))?;
            Ok((Keys::Fixed(Rc::new(set)), problems))
        }
        (None, Some(pem), None) => Ok((Keys::Fixed(Rc::new(single(pem, allowed)?)), Vec::new())),
        (None, None, Some(remote)) => Ok((Keys::Remote(remote::read(remote)?), Vec::new())),
        _ => Err(view.error("must have exactly one of `jwks`, `pem` and `remote_jwks`")),
    }
}

/// The one key of a PEM.
fn single(view: View<'_>, allowed: &[Algorithm]) -> Result<KeySet, ConfigError> {
    view.only(&["key", "algorithm", "kid"])?;
    let name = view.need("algorithm")?;
    let algorithm = algorithm(name)?;
    if !allowed.contains(&algorithm) {
        return Err(name.error("is not among the issuer's `algorithms`"));
    }
    let id = view.get("kid").map(|id| id.name().map(str::to_owned)).transpose()?;
    let key = view.need("key")?;
    let material = pem::public_key(key.text()?).map_err(|error| key.error(&error.to_string()))?;
    let found = material.kind();
    let made = Key::new(id, algorithm, material);
    made.map(KeySet::of).map_err(|error| key.error(&pem::unfit(algorithm, found, &error)))
}

fn requirement(view: View<'_>) -> Result<Required, ConfigError> {
    view.only(&["claim", "equals", "contains", "one_of"])?;
    let claim = claim_path(view.need("claim")?)?;
    let test = match (view.get("equals"), view.get("contains"), view.get("one_of")) {
        (Some(value), None, None) => Some(Test::Equals(value.value().clone())),
        (None, Some(value), None) => Some(Test::Contains(value.value().clone())),
        (None, None, Some(list)) => match list.value().as_array() {
            Some(values) if !values.is_empty() => Some(Test::OneOf(values.clone())),
            _ => None,
        },
        _ => None,
    };
    let test = test.ok_or_else(|| {
        view.error(
            "must have one of `equals`, `contains` and `one_of`, and `one_of` a list with something in it",
        )
    })?;
    Ok(Required { claim, test })
}

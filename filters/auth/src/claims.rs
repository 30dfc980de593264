//! The registered claims (RFC 7519, section 4.1) and the rules that a token must meet.

use serde_json::{Map, Value};

/// The claims that decide whether a token is good, with the types that RFC 7519 gives them.
#[derive(Debug, Clone, PartialEq)]
pub struct Claims<'a> {
    /// Who issued it.
    pub issuer: Option<&'a str>,
    /// For whom it is.
    pub audiences: Vec<&'a str>,
    /// Until when it is good, in seconds since the epoch.
    pub expires: Option<f64>,
    /// From when on it is good.
    pub not_before: Option<f64>,
    /// When it was issued.
    pub issued_at: Option<f64>,
}

/// When a token is good.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Validity {
    /// Until when, in seconds since the epoch.
    pub expires: f64,
    /// From when on.
    pub not_before: Option<f64>,
    /// When it was issued.
    pub issued_at: Option<f64>,
    /// How far the issuer's clock may be from ours, in seconds.
    pub leeway: f64,
}

/// What an issuer's tokens must say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// The exact `iss`.
    pub issuer: String,
    /// At least one of these must be in `aud`.
    pub audiences: Vec<String>,
    /// How far the issuer's clock may be from ours, in seconds.
    pub leeway_seconds: u32,
}

/// Which claim is wrong. For logs and metrics; a client is not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    /// A registered claim has a type that RFC 7519 does not allow.
    #[error("claim `{0}` has the wrong type")]
    WrongType(&'static str),
    /// A claim that scopes are taken from is neither a text nor a list of texts.
    #[error("a claim with scopes is neither a text nor a list of texts")]
    Scopes,
    /// A claim that the issuer's tokens must have is missing or another one.
    #[error("a required claim is missing or has another value")]
    Required,
    /// `iss` is missing or another one.
    #[error("the issuer is not the expected one")]
    Issuer,
    /// `aud` is missing or does not name us.
    #[error("the audience is not the expected one")]
    Audience,
    /// `exp` is missing: a token for ever is not accepted.
    #[error("the token has no `exp`")]
    NoExpiry,
    /// `exp` is over.
    #[error("the token has expired")]
    Expired,
    /// `nbf` is to come.
    #[error("the token is not valid yet")]
    NotYet,
    /// `iat` is to come.
    #[error("the token was issued in the future")]
    IssuedInFuture,
}

impl<'a> Claims<'a> {
    /// Reads the registered claims of a payload.
    ///
    /// # Errors
    /// One of them has the wrong type.
    pub fn read(payload: &'a Map<String, Value>) -> Result<Self, ClaimError> {
        text(payload, "sub")?;
        Ok(Self {
            issuer: text(payload, "iss")?,
            audiences: audiences(payload)?,
            expires: date(payload, "exp")?,
            not_before: date(payload, "nbf")?,
            issued_at: date(payload, "iat")?,
        })
    }

    /// Checks them; `now` in seconds since the epoch. Gives back when the token is good.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn check(&self, expected: &Expected, now: u64) -> Result<Validity, ClaimError> {
        let Self { issuer, audiences, expires, not_before, issued_at } = self;
        if *issuer != Some(expected.issuer.as_str()) {
            return Err(ClaimError::Issuer);
        }
        if !audiences.iter().any(|audience| expected.audiences.iter().any(|ours| ours == audience)) {
            return Err(ClaimError::Audience);
        }
        let validity = Validity {
            expires: expires.ok_or(ClaimError::NoExpiry)?,
            not_before: *not_before,
            issued_at: *issued_at,
            leeway: f64::from(expected.leeway_seconds),
        };
        validity.check(now).map(|()| validity)
    }
}

impl Validity {
    /// Whether the token is good at this time, in seconds since the epoch: while `now < exp + leeway`, as RFC 7519
    /// (section 4.1.4: "on or after which ... MUST NOT be accepted") has it.
    ///
    /// # Errors
    /// It is not any more, or not yet.
    #[allow(clippy::cast_precision_loss)] // exact until the year 285 million
    pub fn check(&self, now: u64) -> Result<(), ClaimError> {
        let Self { expires, not_before, issued_at, leeway } = *self;
        let now = now as f64;
        if expires + leeway <= now {
            return Err(ClaimError::Expired);
        }
        if not_before.is_some_and(|from| from > now + leeway) {
            return Err(ClaimError::NotYet);
        }
        if issued_at.is_some_and(|at| at > now + leeway) {
            return Err(ClaimError::IssuedInFuture);
        }
        Ok(())
    }
}

fn text<'a>(payload: &'a Map<String, Value>, name: &'static str) -> Result<Option<&'a str>, ClaimError> {
    match payload.get(name) {
        None => Ok(None),
        Some(Value::String(value)) => Ok(Some(value)),
        Some(_) => Err(ClaimError::WrongType(name)),
    }
}

/// A NumericDate: a number, fractions allowed (RFC 7519, section 2). serde_json has no infinite numbers.
fn date(payload: &Map<String, Value>, name: &'static str) -> Result<Option<f64>, ClaimError> {
    match payload.get(name) {
        None => Ok(None),
        Some(value) => value.as_f64().map(Some).ok_or(ClaimError::WrongType(name)),
    }
}

fn audiences(payload: &Map<String, Value>) -> Result<Vec<&str>, ClaimError> {
    match payload.get("aud") {
        None => Ok(Vec::new()),
        Some(Value::String(one)) => Ok(vec![one]),
        Some(Value::Array(list)) => {
            list.iter().map(|item| item.as_str().ok_or(ClaimError::WrongType("aud"))).collect()
        }
        Some(_) => Err(ClaimError::WrongType("aud")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_000_000;

    fn expected() -> Expected {
        Expected { issuer: "https://i".to_owned(), audiences: vec!["gateway".to_owned()], leeway_seconds: 5 }
    }

    /// The outcome for a good payload with `change` merged in; null removes a member.
    fn with(change: &str) -> Result<(), ClaimError> {
        let good = r#"{"iss":"https://i","aud":"gateway","exp":1000060,"sub":"ada"}"#;
        let mut payload: Map<String, Value> = serde_json::from_str(good).unwrap();
        for (name, value) in serde_json::from_str::<Map<String, Value>>(change).unwrap() {
            match value {
                Value::Null => payload.remove(&name),
                value => payload.insert(name, value),
            };
        }
        Claims::read(&payload)?.check(&expected(), NOW).map(|_| ())
    }

    #[test]
    fn a_good_payload_passes() {
        assert_eq!(with("{}"), Ok(()));
        assert_eq!(with(r#"{"aud":["other","gateway"],"nbf":1000000,"iat":999000.5}"#), Ok(()));
    }

    #[test]
    fn the_issuer_is_exact() {
        for issuer in [r#""https://i/""#, r#""HTTPS://I""#, r#""""#, "null"] {
            assert_eq!(with(&format!(r#"{{"iss":{issuer}}}"#)), Err(ClaimError::Issuer), "{issuer}");
        }
    }

    #[test]
    fn the_audience_must_name_us() {
        for audience in [r#""other""#, "[]", r#"["Gateway"]"#, "null", r#""""#] {
            assert_eq!(with(&format!(r#"{{"aud":{audience}}}"#)), Err(ClaimError::Audience), "{audience}");
        }
    }

    #[test]
    fn expiry_is_required_and_has_a_leeway_to_the_second() {
        assert_eq!(with(r#"{"exp":null}"#), Err(ClaimError::NoExpiry));
        assert_eq!(with(r#"{"exp":999996}"#), Ok(()));
        assert_eq!(with(r#"{"exp":999995}"#), Err(ClaimError::Expired));
        assert_eq!(with(r#"{"exp":-1}"#), Err(ClaimError::Expired));
        assert_eq!(with(r#"{"exp":999995.5}"#), Ok(()));
    }

    #[test]
    fn the_future_is_refused_beyond_the_leeway() {
        assert_eq!(with(r#"{"nbf":1000005}"#), Ok(()));
        assert_eq!(with(r#"{"nbf":1000006}"#), Err(ClaimError::NotYet));
        assert_eq!(with(r#"{"iat":1000005}"#), Ok(()));
        assert_eq!(with(r#"{"iat":1000006}"#), Err(ClaimError::IssuedInFuture));
    }

    #[test]
    fn wrong_types_are_refused_not_converted() {
        for (name, value) in [
            ("iss", "1"),
            ("sub", "[]"),
            ("aud", "{}"),
            ("aud", r#"["gateway",1]"#),
            ("exp", r#""1000060""#),
            ("nbf", "true"),
            ("iat", "[]"),
        ] {
            assert_eq!(
                with(&format!(r#"{{"{name}":{value}}}"#)),
                Err(ClaimError::WrongType(name)),
                "{name}: {value}"
            );
        }
    }
}

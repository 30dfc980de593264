//! RFC 8725 (JWT best practice) and what surrounds it, point by point: every token goes through a real Envoy.
//!
//! Whatever is wrong with a token, the answer is the same to the last byte but the request's id, and nothing reaches the
//! service behind the gateway. Where a fault is in the form or in a claim, the signature is right, so that nothing but
//! the fault can be the reason.

#[path = "../signers/mod.rs"]
mod signers;

mod algorithms;
mod claims;
mod form;
mod headers;
mod key_sources;
mod signatures;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};

use anyhow::{Context, Result, ensure};
use cutover_e2e::{AuthEnvoy, RawAnswer};
use serde_json::{Value, json};

/// The challenge for every token that is not good (RFC 6750, section 3).
const INVALID_TOKEN: &str = r#"Bearer realm="gateway", error="invalid_token""#;

/// The challenge for more than one token.
const INVALID_REQUEST: &str = r#"Bearer realm="gateway", error="invalid_request""#;

static SHARED: Mutex<Weak<AuthEnvoy>> = Mutex::new(Weak::new());
static PROBES: AtomicUsize = AtomicUsize::new(0);

/// The Envoy of these tests, with a key of every algorithm.
struct Gate(Arc<AuthEnvoy>);

/// What became of a request.
struct Outcome {
    answer: RawAnswer,
    reached_upstream: bool,
}

impl Gate {
    fn open() -> Result<Self> {
        let configuration = signers::configuration(&json!({}));
        AuthEnvoy::builder().configuration(&configuration).start_shared(&SHARED).map(Self)
    }

    async fn send(&self, headers: &[(&str, &[u8])]) -> Result<Outcome> {
        let probe = format!("/v1/task?probe={}.", PROBES.fetch_add(1, Ordering::Relaxed));
        let answer = self.0.get(&probe, headers).await?;
        Ok(Outcome { answer, reached_upstream: self.0.upstream().saw(&probe) })
    }

    async fn with_token(&self, token: &[u8]) -> Result<Outcome> {
        self.send(&[("authorization", [b"Bearer ", token].concat().as_slice())]).await
    }

    /// The token is accepted, and the service gets the request.
    async fn accepts(&self, what: &str, token: &str) -> Result<()> {
        let Outcome { answer, reached_upstream } = self.with_token(token.as_bytes()).await?;
        ensure!(answer.status == 200 && reached_upstream, "{what}: {token}: {answer:?}\n{}", self.0.log());
        Ok(())
    }

    /// The token is refused like every other bad one.
    async fn refuses(&self, what: &str, token: impl AsRef<[u8]>) -> Result<()> {
        let token = token.as_ref();
        let outcome = self.with_token(token).await?;
        let shown = || format!("{what}: {}: {:?}", String::from_utf8_lossy(token), outcome.answer);
        self.is_refusal(&outcome, 401, "unauthorized", INVALID_TOKEN).with_context(shown)
    }

    /// These headers are refused as more than one token.
    async fn refuses_as_several(&self, what: &str, headers: &[(&str, &[u8])]) -> Result<()> {
        let outcome = self.send(headers).await?;
        self.is_refusal(&outcome, 400, "multiple tokens", INVALID_REQUEST)
            .with_context(|| format!("{what}: {:?}", outcome.answer))
    }

    /// Status, challenge and body say this and nothing else.
    fn is_refusal(&self, outcome: &Outcome, status: u16, message: &str, challenge: &str) -> Result<()> {
        let Outcome { answer, reached_upstream } = outcome;
        ensure!(!reached_upstream, "the service got the request\n{}", self.0.log());
        ensure!(answer.status == status, "the status is {}\n{}", answer.status, self.0.log());
        ensure!(answer.header("www-authenticate").as_deref() == Some(challenge), "another challenge");
        let names: Vec<_> = answer.headers.iter().map(|(name, _)| name.as_str()).collect();
        for name in names {
            let usual = ["content-length", "content-type", "date", "server", "www-authenticate"];
            ensure!(usual.contains(&name), "the header {name} may be a hint");
        }
        let mut body: Value = serde_json::from_slice(&answer.body)?;
        let members = body.as_object_mut().context("no object")?;
        members.remove("requestId").context("no request id")?;
        let expected = json!({"message": message, "errors": [{"path": "/v1/task", "message": message}]});
        ensure!(body == expected, "the body says {body}");
        Ok(())
    }
}

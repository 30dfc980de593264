//! Keys and tokens for demos and tests. In production a real issuer makes them, and only its public keys come here.

mod files;
mod keys;

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use crate::cli::args::{Algorithm, Claims, TokenDemo, TokenKeys, TokenMint};
use crate::clock;
use keys::{KeyRing, Validity};

/// Scopes of the demo's contract.
const ALL_SCOPES: &str = "trade:read trade:write task:read task:write";
const READ_SCOPES: &str = "trade:read task:read";
/// How long ago a token of `--expired` ended.
const EXPIRED_SINCE_SECONDS: u64 = 3600;

/// Creates the keys of a folder unless they are there; says in one line what was done.
pub(crate) fn keys(TokenKeys { dir }: &TokenKeys) -> Result<String> {
    let (ring, created) = KeyRing::create_or_load(dir)?;
    ring.publish(dir)?;
    let (what, shown) = (if created { "created" } else { "kept" }, dir.display());
    Ok(format!("{what} RS256, ES256, EdDSA and HS256 keys in {shown}; the public set is {shown}/jwks.json"))
}

/// One token.
pub(crate) fn mint(options: &TokenMint) -> Result<String> {
    let TokenMint { keys, sub, scope, alg, ttl, expired, claims } = options;
    let validity = if *expired { expired_now() } else { valid_for(*ttl) };
    KeyRing::load(keys)?.sign(*alg, sub, scope, validity, claims)
}

/// The demo's four tokens as files; says in one line what was done.
pub(crate) fn demo(TokenDemo { keys, dir, ttl, claims }: &TokenDemo) -> Result<String> {
    let ring = KeyRing::load(keys)?;
    let valid = valid_for(*ttl);
    let tokens = [
        ("trader", ALL_SCOPES, valid),
        ("reader", READ_SCOPES, valid),
        ("nobody", "", valid),
        ("expired", ALL_SCOPES, expired_now()),
    ];
    for (name, scopes, validity) in tokens {
        write_token(&ring, dir, name, scopes, validity, claims)?;
    }
    let names = tokens.map(|(name, ..)| format!("{name}.jwt")).join(", ");
    Ok(format!("wrote {names} to {}", dir.display()))
}

fn write_token(
    ring: &KeyRing,
    dir: &Path,
    name: &str,
    scopes: &str,
    validity: Validity,
    claims: &Claims,
) -> Result<()> {
    // The subject of expired.jwt is the trader's: it fails for its time, not for its name.
    let subject = if name == "expired" { "trader" } else { name };
    let token = ring.sign(Algorithm::Rs256, subject, scopes, validity, claims)?;
    files::write_private(&dir.join(format!("{name}.jwt")), format!("{token}\n").as_bytes())
}

fn valid_for(ttl: Duration) -> Validity {
    let now = clock::now_ms() / 1000;
    Validity { issued: now, expires: now.saturating_add(ttl.as_secs()) }
}

fn expired_now() -> Validity {
    let ended = (clock::now_ms() / 1000).saturating_sub(EXPIRED_SINCE_SECONDS);
    Validity { issued: ended.saturating_sub(EXPIRED_SINCE_SECONDS), expires: ended }
}

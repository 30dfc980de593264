//! Keys and tokens, made anew for each run.

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jwt_simple::prelude::{
    Claims, Duration, ECDSAP256KeyPairLike, ES256KeyPair, Ed25519KeyPair, EdDSAKeyPairLike, HS256Key,
    MACLike, RS256KeyPair, RSAKeyPairLike,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Who issues the tokens.
pub const ISSUER: &str = "https://issuer.cutover.example";

/// For whom they are.
pub const AUDIENCE: &str = "gateway";

/// What they permit; as many scopes as the demo's trader has.
const SCOPES: &str = "trade:read trade:write task:read task:write";

const RSA_BITS: usize = 2048;

/// The algorithms that are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// RSA PKCS#1 v1.5 with SHA-256, 2048 bits.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// EdDSA on Ed25519.
    EdDsa,
    /// HMAC with SHA-256.
    Hs256,
}

impl Algorithm {
    /// Those whose keys one can publish.
    pub const ASYMMETRIC: [Self; 3] = [Self::Rs256, Self::Es256, Self::EdDsa];

    /// The name in `alg`; here also the key's `kid`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
            Self::Hs256 => "HS256",
        }
    }
}

/// One key of each algorithm.
#[derive(Debug)]
pub struct Keys {
    rsa: RS256KeyPair,
    p256: ES256KeyPair,
    ed25519: Ed25519KeyPair,
    hmac: HS256Key,
}

#[derive(Debug, Serialize, Deserialize)]
struct Scope {
    scope: String,
}

impl Keys {
    /// Makes them.
    ///
    /// # Errors
    /// When no RSA key can be made.
    pub fn generate() -> Result<Self> {
        Ok(Self {
            rsa: RS256KeyPair::generate(RSA_BITS)?.with_key_id(Algorithm::Rs256.name()),
            p256: ES256KeyPair::generate().with_key_id(Algorithm::Es256.name()),
            ed25519: Ed25519KeyPair::generate().with_key_id(Algorithm::EdDsa.name()),
            hmac: HS256Key::generate().with_key_id(Algorithm::Hs256.name()),
        })
    }

    /// The key set (RFC 7517) of these algorithms, public keys only; an HMAC has nothing else than its secret.
    ///
    /// # Errors
    /// When a key cannot be written as JSON.
    pub fn key_set(&self, algorithms: &[Algorithm]) -> Result<Value> {
        let keys = algorithms.iter().map(|algorithm| self.jwk(*algorithm)).collect::<Result<Vec<_>>>()?;
        Ok(json!({"keys": keys}))
    }

    fn jwk(&self, algorithm: Algorithm) -> Result<Value> {
        let name = algorithm.name();
        let text = match algorithm {
            Algorithm::Rs256 => self.rsa.public_key().with_key_id(name).to_jwk(),
            Algorithm::Es256 => self.p256.public_key().with_key_id(name).to_jwk(),
            Algorithm::EdDsa => self.ed25519.public_key().with_key_id(name).to_jwk(),
            Algorithm::Hs256 => {
                let secret = URL_SAFE_NO_PAD.encode(self.hmac.to_bytes());
                return Ok(json!({"kty": "oct", "use": "sig", "alg": name, "kid": name, "k": secret}));
            }
        };
        serde_json::from_str(&text).with_context(|| format!("the {name} key is not JSON"))
    }

    /// A token for `subject`, good for two hours.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn token(&self, algorithm: Algorithm, subject: &str) -> Result<String> {
        let claims = Claims::with_custom_claims(Scope { scope: SCOPES.to_owned() }, Duration::from_hours(2))
            .with_issuer(ISSUER)
            .with_audience(AUDIENCE)
            .with_subject(subject);
        match algorithm {
            Algorithm::Rs256 => self.rsa.sign(claims),
            Algorithm::Es256 => self.p256.sign(claims),
            Algorithm::EdDsa => self.ed25519.sign(claims),
            Algorithm::Hs256 => self.hmac.authenticate(claims),
        }
    }
}

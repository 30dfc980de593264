//! A folder of signing keys: `private.json` for this program, `jwks.json` for those who verify.

use std::path::Path;

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jwt_simple::prelude::*;
use serde_json::{Value, json};

use super::files::write_private;
use crate::cli::args::{Algorithm, Claims as Names};

const PRIVATE: &str = "private.json";
const PUBLIC: &str = "jwks.json";
/// RFC 7518 section 3.3 asks for at least so many.
const RSA_BITS: usize = 2048;

/// One key per algorithm.
pub(super) struct KeyRing {
    rs256: RS256KeyPair,
    es256: ES256KeyPair,
    eddsa: Ed25519KeyPair,
    hs256: HS256Key,
    /// The `kid` of the symmetric key, which keeps no name of its own.
    hs256_id: String,
}

/// From when until when a token is valid, in seconds since 1970-01-01 UTC.
#[derive(Clone, Copy, Debug)]
pub(super) struct Validity {
    pub(super) issued: u64,
    pub(super) expires: u64,
}

#[derive(Serialize)]
struct Scope<'a> {
    /// RFC 8693 section 4.2; left out when there are none.
    #[serde(skip_serializing_if = "str::is_empty")]
    scope: &'a str,
}

impl KeyRing {
    /// The keys of a folder; made when there are none. Tells whether they were made.
    pub(super) fn create_or_load(dir: &Path) -> Result<(Self, bool)> {
        let path = dir.join(PRIVATE);
        if path.exists() {
            return Ok((Self::load(dir)?, false));
        }
        let ring = Self::generate()?;
        write_private(&path, &pretty(&ring.private())?)?;
        Ok((ring, true))
    }

    pub(super) fn load(dir: &Path) -> Result<Self> {
        let path = dir.join(PRIVATE);
        let shown = path.display();
        let text = std::fs::read_to_string(&path).with_context(|| {
            format!("cannot read {shown}; make keys with `cutover token keys --dir {}`", dir.display())
        })?;
        Self::parse(&text).with_context(|| format!("{shown} is damaged; delete it to have new keys made"))
    }

    /// Writes the public set, unless it is there as it should be: whoever watches it need not read it again.
    pub(super) fn publish(&self, dir: &Path) -> Result<()> {
        let (path, content) = (dir.join(PUBLIC), pretty(&self.public()?)?);
        if std::fs::read(&path).is_ok_and(|present| present == content) {
            return Ok(());
        }
        // Not for everybody's eyes either: with HS256 who can verify can also sign.
        write_private(&path, &content)
    }

    pub(super) fn sign(
        &self,
        algorithm: Algorithm,
        subject: &str,
        scope: &str,
        validity: Validity,
        names: &Names,
    ) -> Result<String> {
        let issued = Duration::from_secs(validity.issued);
        let claims = JWTClaims {
            issued_at: Some(issued),
            invalid_before: Some(issued),
            expires_at: Some(Duration::from_secs(validity.expires)),
            ..Claims::with_custom_claims(Scope { scope }, Duration::from_secs(0))
        };
        let claims = claims.with_issuer(&names.issuer).with_audience(&names.audience).with_subject(subject);
        let signed = match algorithm {
            Algorithm::Rs256 => self.rs256.sign(claims),
            Algorithm::Es256 => self.es256.sign(claims),
            Algorithm::EdDsa => self.eddsa.sign(claims),
            Algorithm::Hs256 => self.hs256.authenticate(claims),
        };
        signed.map_err(|error| anyhow::anyhow!("cannot sign the token: {error}"))
    }

    /// Every `kid` is the key's own thumbprint (RFC 7638), so that a new key never has an old one's name.
    fn generate() -> Result<Self> {
        let rs256 =
            RS256KeyPair::generate(RSA_BITS).map_err(|error| anyhow::anyhow!("no RSA key: {error}"))?;
        let rs256_id = rs256.jwk_thumbprint();
        let es256 = ES256KeyPair::generate();
        let es256_id = es256.jwk_thumbprint();
        let eddsa = Ed25519KeyPair::generate();
        let eddsa_id = eddsa.jwk_thumbprint();
        let mut hs256 = HS256Key::generate();
        let hs256_id = hs256.create_key_id().to_owned();
        Ok(Self {
            rs256: rs256.with_key_id(&rs256_id),
            es256: es256.with_key_id(&es256_id),
            eddsa: eddsa.with_key_id(&eddsa_id),
            hs256,
            hs256_id,
        })
    }

    fn private(&self) -> Value {
        let pairs = [self.rs256.to_jwk(), self.es256.to_jwk(), self.eddsa.to_jwk()];
        let pairs = pairs.iter().map(|jwk| serde_json::from_str(jwk).unwrap_or_default());
        json!({"keys": pairs.chain([self.symmetric()]).collect::<Vec<Value>>()})
    }

    fn public(&self) -> Result<Value> {
        let keys = [
            ("RS256", self.rs256.public_key().to_jwk(), &self.rs256.jwk_thumbprint()),
            ("ES256", self.es256.public_key().to_jwk(), &self.es256.jwk_thumbprint()),
            ("EdDSA", self.eddsa.public_key().to_jwk(), &self.eddsa.jwk_thumbprint()),
        ];
        let mut set = Vec::new();
        for (alg, jwk, kid) in keys {
            let mut key: Value = serde_json::from_str(&jwk)?;
            key["alg"] = alg.into();
            key["kid"] = kid.as_str().into();
            key["use"] = "sig".into();
            set.push(key);
        }
        set.push(self.symmetric());
        Ok(json!({"keys": set}))
    }

    fn symmetric(&self) -> Value {
        let secret = BASE64_URL_SAFE_NO_PAD.encode(self.hs256.to_bytes());
        json!({"kty": "oct", "alg": "HS256", "use": "sig", "kid": self.hs256_id, "k": secret})
    }

    fn parse(text: &str) -> Result<Self> {
        let set: Value = serde_json::from_str(text)?;
        let Some([rs256, es256, eddsa, hs256]) = set["keys"].as_array().map(Vec::as_slice) else {
            bail!("it does not hold four keys");
        };
        let refused = |error: jwt_simple::Error| anyhow::anyhow!("{error}");
        let rs256 = RS256KeyPair::from_jwk(&rs256.to_string()).map_err(refused)?;
        let es256 = ES256KeyPair::from_jwk(&es256.to_string()).map_err(refused)?;
        let eddsa = Ed25519KeyPair::from_jwk(&eddsa.to_string()).map_err(refused)?;
        let secret = hs256["k"].as_str().context("the fourth key has no `k`")?;
        let secret = BASE64_URL_SAFE_NO_PAD.decode(secret)?;
        let hs256_id = hs256["kid"].as_str().context("the fourth key has no `kid`")?.to_owned();
        let hs256 = HS256Key::from_bytes(&secret).with_key_id(&hs256_id);
        Ok(Self { rs256, es256, eddsa, hs256, hs256_id })
    }
}

fn pretty(value: &Value) -> Result<Vec<u8>> {
    let mut text = serde_json::to_vec_pretty(value)?;
    text.push(b'\n');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    const NOW: Validity = Validity { issued: 4_000_000_000, expires: 4_000_003_600 };

    fn names() -> Names {
        Names { issuer: "https://issuer.example".into(), audience: "gateway".into() }
    }

    fn decoded(part: &str) -> Value {
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    }

    #[test]
    fn keys_are_private_stable_and_published_as_a_set() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("keys");
        let (ring, created) = KeyRing::create_or_load(&dir).unwrap();
        ring.publish(&dir).unwrap();
        assert!(created);
        for (path, mode) in [(dir.clone(), 0o700), (dir.join(PRIVATE), 0o600), (dir.join(PUBLIC), 0o600)] {
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode, "{path:?}");
        }
        let files = || (std::fs::read(dir.join(PRIVATE)).unwrap(), std::fs::read(dir.join(PUBLIC)).unwrap());
        let before = files();
        let (again, created) = KeyRing::create_or_load(&dir).unwrap();
        again.publish(&dir).unwrap();
        assert!(!created);
        assert_eq!(files(), before, "a second run changes nothing");

        let set: Value = serde_json::from_slice(&before.1).unwrap();
        let keys = set["keys"].as_array().unwrap();
        let of =
            |member: &str| keys.iter().map(|key| key[member].as_str().unwrap_or("-")).collect::<Vec<_>>();
        assert_eq!(of("kty"), ["RSA", "EC", "OKP", "oct"]);
        assert_eq!(of("alg"), ["RS256", "ES256", "EdDSA", "HS256"]);
        assert_eq!(of("use"), ["sig"; 4]);
        assert_eq!(of("d"), ["-"; 4], "the public set holds a private key: {set}");
        for (key, alg) in keys.iter().zip(ALL) {
            let token = again.sign(alg, "trader", "task:read", NOW, &names()).unwrap();
            let [header, claims, _] = token.split('.').collect::<Vec<_>>()[..] else { panic!("{token}") };
            assert_eq!(decoded(header)["kid"], key["kid"], "the token names its key");
            assert_eq!(decoded(header)["alg"], key["alg"]);
            assert_eq!(
                decoded(claims),
                json!({"iss": "https://issuer.example", "aud": "gateway", "sub": "trader", "scope": "task:read",
                       "iat": 4_000_000_000_u64, "nbf": 4_000_000_000_u64, "exp": 4_000_003_600_u64})
            );
        }
    }

    const ALL: [Algorithm; 4] = [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa, Algorithm::Hs256];

    #[test]
    fn a_missing_or_damaged_folder_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let error = format!("{:#}", KeyRing::load(folder.path()).err().unwrap());
        assert!(error.contains("make keys with `cutover token keys --dir"), "{error}");
        std::fs::write(folder.path().join(PRIVATE), "{}").unwrap();
        let error = format!("{:#}", KeyRing::load(folder.path()).err().unwrap());
        assert!(error.contains("is damaged; delete it to have new keys made"), "{error}");
    }
}

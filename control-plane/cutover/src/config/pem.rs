//! `pem`: one public key of an issuer, as `openssl` writes it (RFC 7468 section 13).

use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use cutover_compiler::document::Node;
use jwt_simple::algorithms::{ES256PublicKey, ES384PublicKey, Ed25519PublicKey, RS256PublicKey};
use serde_json::json;

use super::issuers::{self, Source};
use super::reader::{self, Fields, Mistakes};
use super::{locate, plain};

/// Why a file is no usable public key; reads on from the file's name. None of them repeats what is in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum PemError {
    #[error("is no PEM file; it must have one block `-----BEGIN PUBLIC KEY-----`")]
    NotPem,
    #[error(
        "has more than one block; keep the `-----BEGIN PUBLIC KEY-----` one, or use `jwks` for several keys"
    )]
    Several,
    #[error("holds a private key; publish only the public part: openssl pkey -in FILE -pubout")]
    Private,
    #[error("holds a certificate, not a public key; take the key out: openssl x509 -in FILE -noout -pubkey")]
    Certificate,
    #[error(
        "holds an RSA key in an old form (PKCS#1); convert it: openssl rsa -RSAPublicKey_in -in FILE -pubout"
    )]
    Pkcs1,
    #[error("holds a block `{0}`; it must be `PUBLIC KEY`")]
    Other(String),
    #[error(
        "is no key for {alg}: {cause}; name the algorithm of the key, or the file of that algorithm's key"
    )]
    Unfit { alg: &'static str, cause: String },
}

pub(super) fn read(
    node: &Node,
    algorithms: Option<&[&str]>,
    folder: &Path,
    mistakes: &mut Mistakes,
) -> Option<Source> {
    let fields = Fields::of("pem", node, &["file", "algorithm", "kid"], mistakes)?;
    let file = fields.required("file", "keys/issuer.pem", mistakes);
    let algorithm = fields.required("algorithm", "RS256", mistakes);
    let algorithm = algorithm.and_then(|node| asymmetric(node, algorithms, mistakes));
    let kid = fields.optional("kid").map(|node| reader::text("kid", node, mistakes));
    let text = file.and_then(|node| Some((node, text(node, folder, mistakes)?)));
    let (algorithm, (node, (path, text))) = (algorithm?, text?);
    let key = match usable(&text, algorithm) {
        Ok(key) => key,
        Err(error) => {
            mistakes.refuse(node.at, &format_args!("the PEM file `{path}` {error}"));
            return None;
        }
    };
    let mut value = json!({"key": key, "algorithm": algorithm});
    if let (Some(kid), Some(members)) = (kid, value.as_object_mut()) {
        members.insert("kid".to_owned(), kid?.into());
    }
    Some(Source {
        field: "pem",
        value,
        keys: vec![algorithm.to_owned()],
        ignored: Vec::new(),
        fetched: None,
        key_host: None,
    })
}

fn asymmetric(node: &Node, among: Option<&[&str]>, mistakes: &mut Mistakes) -> Option<&'static str> {
    let algorithm = issuers::algorithm("algorithm", node, mistakes)?;
    if algorithm.starts_with("HS") {
        let message = format!("{algorithm} has a secret, which no PEM file holds");
        mistakes.add(node.at, message, "use `jwks` with a key of `kty: oct`");
        return None;
    }
    if among.is_some_and(|algorithms| !algorithms.contains(&algorithm)) {
        let message = format!("{algorithm} is not among the `algorithms` of this issuer");
        mistakes.add(node.at, message, "add it there, or leave `algorithms` out");
        return None;
    }
    Some(algorithm)
}

fn text(node: &Node, folder: &Path, mistakes: &mut Mistakes) -> Option<(String, String)> {
    let path = locate(folder, reader::text("file", node, mistakes)?);
    let shown = path.display().to_string();
    match std::fs::read(&path) {
        // What is no text is no PEM either, and will be told so.
        Ok(bytes) => Some((shown, String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) => {
            let message = format!("the PEM file `{shown}` cannot be read: {}", plain(&error));
            mistakes.add(node.at, message, "the path is relative to the folder of this file");
            None
        }
    }
}

/// The one block of the file, once it is known to be a key for the algorithm.
fn usable(text: &str, alg: &'static str) -> Result<String, PemError> {
    let (_, block) = text.split_once("-----BEGIN ").ok_or(PemError::NotPem)?;
    let (label, rest) = block.split_once("-----").ok_or(PemError::NotPem)?;
    match label {
        "PUBLIC KEY" => {}
        label if label.ends_with("PRIVATE KEY") => return Err(PemError::Private),
        "CERTIFICATE" | "TRUSTED CERTIFICATE" => return Err(PemError::Certificate),
        "RSA PUBLIC KEY" => return Err(PemError::Pkcs1),
        label => return Err(PemError::Other(label.escape_debug().to_string())),
    }
    let (body, after) = rest.split_once("-----END PUBLIC KEY-----").ok_or(PemError::NotPem)?;
    if after.contains("PRIVATE KEY-----") {
        return Err(PemError::Private);
    }
    if after.contains("-----BEGIN ") {
        return Err(PemError::Several);
    }
    let body: Vec<&str> = body.split_whitespace().collect();
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", body.join("\n"));
    let unfit = |cause: String| PemError::Unfit { alg, cause };
    let refused = |error: jwt_simple::Error| unfit(error.to_string());
    match alg {
        "ES256" => ES256PublicKey::from_pem(&pem).map(drop).map_err(refused)?,
        "ES384" => ES384PublicKey::from_pem(&pem).map(drop).map_err(refused)?,
        "ES512" => fit_p521(&body.concat()).map_err(|cause| unfit(cause.to_owned()))?,
        "EdDSA" => Ed25519PublicKey::from_pem(&pem).map(drop).map_err(refused)?,
        _ => RS256PublicKey::from_pem(&pem).map(drop).map_err(refused)?,
    }
    Ok(pem)
}

/// A key on P-521 in its one form: this head (RFC 5480 section 2), then both coordinates. Whether the point is on the
/// curve Envoy tells.
fn fit_p521(body: &str) -> Result<(), &'static str> {
    const HEAD: [u8; 26] = [
        0x30, 0x81, 0x9b, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b,
        0x81, 0x04, 0x00, 0x23, 0x03, 0x81, 0x86, 0x00, 0x04,
    ];
    const COORDINATES: usize = 132;
    let der = BASE64_STANDARD.decode(body).map_err(|_| "it is not base64")?;
    match der.strip_prefix(&HEAD) {
        Some(point) if point.len() == COORDINATES => Ok(()),
        _ => Err("it is not on the curve P-521"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jwt_simple::algorithms::{ES256KeyPair, Ed25519KeyPair};

    /// `openssl ecparam -name secp521r1 -genkey -noout | openssl ec -pubout`.
    const P521: &str = "-----BEGIN PUBLIC KEY-----
MIGbMBAGByqGSM49AgEGBSuBBAAjA4GGAAQBuSCaVAJe0xeYjk6A3+uZHNA84O3/
V3C6weeTEteoKoW1fxkA0G3iTRmsGGt91anyNR++zj9SYdKA6wU5sFuzTJYAixCt
6qvPCltKfe1cqC03SCKkYZ441inijW0FHMPq+5r0UI7tn5DUDa1OmOjQWl3NX/cD
qevR50p4xWINWk7Mdsw=
-----END PUBLIC KEY-----
";
    /// `openssl genrsa 2048 | openssl rsa -pubout`.
    const RSA: &str = "-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAjTBTcUhtik2emiDjQlvg
PiHNukyZWKAIXJxn5po0SM2sZX8hDG9/gTG83z8ji+2B8WLVPG121+jeebWH3ARK
jWQrLgFosgm8ZBsqR+U1juI12OfNp7vc1OBIfPF3gqjv65nLn7RNvnc1+jx9idr7
UeQQBP5wJ3jmCBgz1ioQVNF4s/A49tQ7D83fYUpWqLWWqzQj7rKjRRDMz6iK582z
Ld65+jgly+Gp4uC/ZAsx0CsgoQi6ecLNCZZQRldxwIUzZuEquuQrMl+sdWSQqYmS
04K3NmXM+GLIQ0+e47Ci5rFBXA44YnEohJbSaeAEURFxzFQdVnJiGdWnLE9yCP8a
gQIDAQAB
-----END PUBLIC KEY-----
";
    /// `openssl genrsa 1024 | openssl rsa -pubout`.
    const WEAK: &str = "-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC7N2200gPiPARBRfQC39+vqUFx
TG3WsUxbvne+jSySULU7S3/748xyiFx2pu/VlJRvLzfbbywLycPdBk1HatHcbJkL
1+ckc/sozkZKTr8Y0sgGWLbpoXowtsXomG2kQdzkZYZZRMrevahC65aMyVYwUYSX
M2U0dd6xMlrWXGzmSwIDAQAB
-----END PUBLIC KEY-----
";

    #[test]
    fn keys_as_openssl_writes_them_are_taken_unless_they_are_weak() {
        for alg in ["RS256", "RS512", "PS384"] {
            assert_eq!(usable(RSA, alg).unwrap(), RSA, "{alg}");
            assert!(matches!(usable(WEAK, alg), Err(PemError::Unfit { .. })), "{alg}");
        }
        assert_eq!(usable(P521, "ES512").unwrap(), P521);
        assert!(matches!(usable(P521, "ES384"), Err(PemError::Unfit { .. })));
    }

    #[test]
    fn a_public_key_is_taken_for_its_own_algorithm_only() {
        let ed25519 = Ed25519KeyPair::generate().public_key().to_pem();
        let noisy = format!("Key of the issuer\r\n{}", ed25519.replace('\n', "\r\n"));
        assert_eq!(
            usable(&noisy, "EdDSA"),
            usable(&ed25519, "EdDSA"),
            "text around it and line ends do not matter"
        );
        assert!(usable(&ed25519, "EdDSA").unwrap().starts_with("-----BEGIN PUBLIC KEY-----\n"));
        let p256 = ES256KeyPair::generate().public_key().to_pem().unwrap();
        assert!(usable(&p256, "ES256").is_ok());
        for (pem, alg) in [(&ed25519, "ES256"), (&p256, "EdDSA"), (&p256, "RS256"), (&p256, "ES512")] {
            let error = usable(pem, alg).unwrap_err().to_string();
            assert!(error.starts_with(&format!("is no key for {alg}: ")), "{error}");
        }
    }

    #[test]
    fn what_is_no_public_key_says_what_it_is_and_how_to_convert_it() {
        let block = |label: &str| format!("-----BEGIN {label}-----\nc2VjcmV0\n-----END {label}-----\n");
        let public = Ed25519KeyPair::generate().public_key().to_pem();
        for (text, expected) in [
            (block("CERTIFICATE"), PemError::Certificate),
            (block("RSA PUBLIC KEY"), PemError::Pkcs1),
            (block("PRIVATE KEY"), PemError::Private),
            (block("EC PRIVATE KEY"), PemError::Private),
            (block("ENCRYPTED PRIVATE KEY"), PemError::Private),
            (block("X509 CRL"), PemError::Other("X509 CRL".to_owned())),
            (format!("{public}{}", block("PRIVATE KEY")), PemError::Private),
            (format!("{public}{public}"), PemError::Several),
            ("{}".to_owned(), PemError::NotPem),
            ("-----BEGIN PUBLIC KEY-----\n".to_owned(), PemError::NotPem),
        ] {
            let error = usable(&text, "EdDSA").unwrap_err();
            assert_eq!(error, expected, "{text}");
            assert!(!error.to_string().contains("c2VjcmV0"), "{error}");
        }
    }
}

//! RFC 8725, sections 3.1 and 3.2: the key says the algorithm, the token only repeats it.

use anyhow::Result;
use serde_json::json;

use crate::Gate;
use crate::signers::{ALGORITHMS, Signer, decode, encode, payload, signer, stranger};

#[tokio::test]
async fn a_right_token_of_every_algorithm_is_accepted() -> Result<()> {
    let gate = Gate::open()?;
    for algorithm in ALGORITHMS {
        gate.accepts(algorithm, &signer(algorithm).good()).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_strangers_key_of_the_same_name_is_refused_for_every_algorithm() -> Result<()> {
    let gate = Gate::open()?;
    for algorithm in ALGORITHMS {
        gate.refuses(algorithm, stranger(algorithm).good()).await?;
        gate.refuses(algorithm, stranger(algorithm).token_with(&json!({"kid": null}), &json!({}))).await?;
    }
    Ok(())
}

#[tokio::test]
async fn none_is_no_algorithm_in_any_spelling() -> Result<()> {
    let gate = Gate::open()?;
    for name in ["none", "None", "NONE", "nOnE", "none ", " none", "none\0", "n\u{f6}ne", "no\u{0274}e", ""] {
        for kid in [json!(null), json!("RS256"), json!("HS256"), json!("none")] {
            let header = merged_header(name, &kid);
            let input = format!("{}.{}", encode(header), encode(payload(&json!({}))));
            gate.refuses(name, format!("{input}.")).await?;
            gate.refuses(name, &input).await?;
            gate.refuses(name, format!("{input}.{}", encode(signer("HS256").sign(input.as_bytes())))).await?;
        }
    }
    Ok(())
}

fn merged_header(algorithm: &str, kid: &serde_json::Value) -> String {
    signer("RS256").header(&json!({"alg": algorithm, "kid": kid}))
}

#[tokio::test]
async fn a_public_key_is_never_taken_for_an_hmac_secret() -> Result<()> {
    let gate = Gate::open()?;
    for algorithm in ["RS256", "PS256", "ES256", "ES384", "EdDSA"] {
        let key = signer(algorithm);
        let (pem, jwk) = (key.public_pem(), key.jwk());
        let number =
            |name: &str| jwk.get(name).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
        let modulus_or_x = if algorithm.starts_with("E") { number("x") } else { number("n") };
        let secrets = [
            ("pem", pem.clone().into_bytes()),
            ("pem without its last line's end", pem.trim_end().as_bytes().to_vec()),
            ("pem with crlf", pem.replace('\n', "\r\n").into_bytes()),
            ("der", key.public_der()),
            ("number", decode(&modulus_or_x)),
            ("number in base64url", modulus_or_x.clone().into_bytes()),
            ("jwk", jwk.to_string().into_bytes()),
            ("nothing", Vec::new()),
        ];
        for (form, secret) in secrets {
            for hmac in ["HS256", "HS384", "HS512"] {
                let forger = Signer::hmac(hmac, &secret);
                let what = format!("{algorithm} key as {form} for {hmac}");
                gate.refuses(&what, forger.with_kid(algorithm).good()).await?;
                gate.refuses(&what, forger.good()).await?;
                gate.refuses(&what, forger.token_with(&json!({"kid": null}), &json!({}))).await?;
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_key_is_for_its_own_algorithm_only() -> Result<()> {
    let gate = Gate::open()?;
    // The signature is right for the algorithm that the header names, but the key of that name is for another.
    for (kid, algorithm) in [
        ("RS256", "RS384"),
        ("RS256", "RS512"),
        ("RS256", "PS256"),
        ("PS256", "RS256"),
        ("PS512", "PS256"),
        ("HS512", "HS256"),
        ("HS256", "HS512"),
    ] {
        let token = signer(algorithm).with_kid(kid).good();
        gate.refuses(&format!("key {kid} with {algorithm}"), token).await?;
    }
    // The header names the key's algorithm, but the signature is another's.
    for (algorithm, signs) in [
        ("RS256", "PS256"),
        ("PS256", "RS256"),
        ("RS256", "RS512"),
        ("PS384", "PS256"),
        ("ES256", "ES384"),
        ("ES384", "ES256"),
        ("ES512", "ES256"),
        ("EdDSA", "ES256"),
        ("HS384", "HS256"),
        ("HS256", "RS256"),
    ] {
        let header = signer(algorithm).header(&json!({}));
        let token = signer(signs).sign_texts(header, payload(&json!({})));
        gate.refuses(&format!("{algorithm} signed as {signs}"), token).await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_algorithm_that_is_not_known_exactly_is_refused() -> Result<()> {
    let gate = Gate::open()?;
    for name in [
        "rs256",
        "Rs256",
        "RS256 ",
        "RS1",
        "RS256,RS384",
        "ES256K",
        "eddsa",
        "Ed25519",
        "Ed448",
        "dir",
        "A128KW",
    ] {
        let token = signer("RS256").token_with(&json!({"alg": name}), &json!({}));
        gate.refuses(name, token).await?;
        let token = signer("EdDSA").token_with(&json!({"alg": name}), &json!({}));
        gate.refuses(name, token).await?;
    }
    for algorithm in [json!(null), json!(256), json!(["RS256"]), json!({"alg": "RS256"}), json!(true)] {
        let token = signer("RS256").token_with(&json!({"alg": algorithm}), &json!({}));
        gate.refuses(&algorithm.to_string(), token).await?;
    }
    let token = signer("RS256").sign_texts(r#"{"alg":null,"kid":"RS256"}"#, payload(&json!({})));
    gate.refuses("null", token).await
}

//! RFC 8725, sections 3.3, 3.7 and 3.11, and RFC 7515: one spelling of a token, strict JSON, nothing beyond its end.

use anyhow::Result;
use serde_json::json;

use crate::Gate;
use crate::signers::{Signer, encode, payload, signer};

const BASE64URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn parts() -> (String, String, String) {
    let token = signer("HS256").good();
    let parts: Vec<_> = token.split('.').map(str::to_owned).collect();
    (parts[0].clone(), parts[1].clone(), parts[2].clone())
}

/// A token of exactly these texts, with the right signature.
fn signed(header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
    signer("HS256").sign_texts(header, payload)
}

fn header() -> String {
    signer("HS256").header(&json!({}))
}

#[tokio::test]
async fn a_token_has_three_parts_no_more_no_less() -> Result<()> {
    let gate = Gate::open()?;
    let (head, body, mac) = parts();
    gate.accepts("control", &format!("{head}.{body}.{mac}")).await?;
    for token in [
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        head.clone(),
        format!("{head}.{body}"),
        format!("{head}.{body}."),
        format!("{head}..{mac}"),
        format!(".{body}.{mac}"),
        format!("{body}.{mac}"),
        format!("{head}.{body}.{mac}."),
        format!("{head}.{body}.{mac}.{mac}"),
        format!(".{head}.{body}.{mac}"),
        format!("{head}.{body}..{mac}"),
        // JWE has five parts (RFC 7516, section 7.1).
        format!("{head}.{body}.{body}.{body}.{mac}"),
        "eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA".to_owned(),
    ] {
        gate.refuses("parts", token).await?;
    }
    Ok(())
}

#[tokio::test]
async fn nothing_stands_before_within_or_behind_a_token() -> Result<()> {
    let gate = Gate::open()?;
    let (head, body, mac) = parts();
    for more in ["=", "==", "%20", "%00", "\\n", "\"", ";", "A", "AA", "&x=y", "#", "\u{a0}", "\u{c3}"] {
        for token in [
            format!("{more}{head}.{body}.{mac}"),
            format!("{head}{more}.{body}.{mac}"),
            format!("{head}.{more}{body}.{mac}"),
            format!("{head}.{body}{more}.{mac}"),
            format!("{head}.{body}.{more}{mac}"),
            format!("{head}.{body}.{mac}{more}x"),
            format!("{head}.{body}.{}{more}{}", &mac[..9], &mac[9..]),
        ] {
            gate.refuses(more, token).await?;
        }
    }
    for more in ["=", "==", "%0a", "\\n", "\"", ";", "AA"] {
        gate.refuses(more, format!("{head}.{body}.{mac}{more}")).await?;
    }
    for token in
        [format!("{head}. {body}.{mac}"), format!("{head}.{body}.{mac} x"), format!("{head} .{body}.{mac}")]
    {
        gate.refuses("space", token).await?;
    }
    Ok(())
}

#[tokio::test]
async fn the_last_character_of_each_part_is_canonical() -> Result<()> {
    let gate = Gate::open()?;
    let hmac = signer("HS256");
    for algorithm in ["HS256", "RS256", "ES512", "EdDSA"] {
        let token = signer(algorithm).good();
        gate.accepts(algorithm, &token).await?;
        // 32 and 64 bytes leave spare bits, 256 and 132 do too or not at all; another last character is another
        // spelling of the same bytes, or a wrong signature.
        let (front, last) = token.split_at(token.len() - 1);
        for other in BASE64URL.iter().map(|byte| char::from(*byte)).filter(|other| !last.starts_with(*other))
        {
            gate.refuses(algorithm, format!("{front}{other}")).await?;
        }
    }
    // The same in parts that are signed: the signature is right for the spelling that is sent.
    let (head, body) = (spare(&header()), spare(&payload(&json!({}))));
    let token = hmac.sign_input(&format!("{}.{}", encode(&head), encode(&body)));
    gate.accepts("control", &token).await?;
    let (odd_head, odd_body) = (with_spare_bits(&encode(&head)), with_spare_bits(&encode(&body)));
    gate.refuses("header", hmac.sign_input(&format!("{odd_head}.{}", encode(&body)))).await?;
    gate.refuses("payload", hmac.sign_input(&format!("{}.{odd_body}", encode(&head)))).await?;
    gate.refuses("padded header", hmac.sign_input(&format!("{}==.{}", encode(&head), encode(&body)))).await?;
    gate.refuses("padded payload", hmac.sign_input(&format!("{}.{}==", encode(&head), encode(&body)))).await
}

/// The JSON with as much space behind it that its base64 has four spare bits.
fn spare(json: &str) -> String {
    let mut text = json.to_owned();
    while text.len() % 3 != 1 {
        text.push(' ');
    }
    text
}

fn with_spare_bits(canonical: &str) -> String {
    let (front, last) = canonical.split_at(canonical.len() - 1);
    let at = BASE64URL.iter().position(|byte| last.as_bytes() == [*byte]).unwrap_or_default();
    format!("{front}{}", char::from(BASE64URL[at | 1]))
}

#[tokio::test]
async fn the_standard_alphabet_of_base64_is_not_accepted() -> Result<()> {
    let gate = Gate::open()?;
    let hmac = signer("HS256");
    // `???` and `>>>` are `Pz8_` and `Pj4-` in base64url, with a slash and a plus in base64.
    let claims = (0..3).map(|shift| payload(&json!({"a": format!("{}???>>>", " ".repeat(shift))})));
    for claims in claims {
        let url = encode(&claims);
        let standard = url.replace('-', "+").replace('_', "/");
        gate.accepts(&url, &hmac.sign_input(&format!("{}.{url}", encode(header())))).await?;
        if standard != url {
            gate.refuses(&standard, hmac.sign_input(&format!("{}.{standard}", encode(header())))).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_token_as_json_is_refused() -> Result<()> {
    let gate = Gate::open()?;
    let (head, body, mac) = parts();
    // RFC 7515, section 7.2. The commas make several credentials of it; either way it does not pass.
    for text in [
        json!({"protected": head, "payload": body, "signature": mac}),
        json!({"payload": body, "signatures": [{"protected": head, "signature": mac}]}),
    ] {
        let value = format!("Bearer {text}");
        gate.refuses_as_several(&value, &[("authorization", value.as_bytes())]).await?;
        gate.refuses("encoded", encode(text.to_string())).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_member_that_is_repeated_is_refused_even_with_a_right_signature() -> Result<()> {
    let gate = Gate::open()?;
    let claims = payload(&json!({}));
    let inner = &claims[1..];
    for (header, claims) in [
        (r#"{"alg":"HS256","alg":"HS256","kid":"HS256"}"#.to_owned(), claims.clone()),
        (r#"{"alg":"none","alg":"HS256","kid":"HS256"}"#.to_owned(), claims.clone()),
        (r#"{"alg":"HS256","kid":"x","kid":"HS256"}"#.to_owned(), claims.clone()),
        (r#"{"alg":"HS256","kid":"HS256","x":{"y":1,"y":1}}"#.to_owned(), claims.clone()),
        (header(), format!(r#"{{"sub":"root",{inner}"#)),
        (header(), format!(r#"{{"exp":1,{inner}"#)),
        (header(), format!(r#"{{"\u0073ub":"root",{inner}"#)),
        (header(), format!(r#"{{"x":{{"y":1,"y":2}},{inner}"#)),
        (header(), format!(r#"{{"x":[{{"y":1,"\u0079":2}}],{inner}"#)),
    ] {
        gate.refuses(&claims, signed(header, &claims)).await?;
    }
    gate.accepts("control", &signed(header(), format!(r#"{{"x":{{"y":1,"z":{{"y":2}}}},{inner}"#))).await
}

#[tokio::test]
async fn deep_json_neither_passes_nor_harms() -> Result<()> {
    let gate = Gate::open()?;
    let nested =
        |open: &str, close: &str, depth: usize| format!("{}1{}", open.repeat(depth), close.repeat(depth));
    let (claims, head) = (payload(&json!({})), header());
    let with = |json: &str, value: &str| format!(r#"{{"x":{value},{}"#, &json[1..]);
    gate.accepts("control", &signed(&head, with(&claims, &nested("[", "]", 60)))).await?;
    for (open, close, depths) in [("[", "]", [200, 1000, 2000]), (r#"{"a":"#, "}", [200, 500, 800])] {
        for depth in depths {
            let deep = nested(open, close, depth);
            gate.refuses("payload", signed(&head, with(&claims, &deep))).await?;
            gate.refuses("header", signed(with(&head, &deep), &claims)).await?;
            gate.refuses("payload, never closed", signed(&head, with(&claims, &open.repeat(depth)))).await?;
        }
    }
    gate.accepts("still alive", &signer("RS256").good()).await
}

#[tokio::test]
async fn what_is_not_exactly_a_json_object_in_utf_8_is_refused() -> Result<()> {
    let gate = Gate::open()?;
    let claims = payload(&json!({}));
    let inner = &claims[1..claims.len() - 1];
    let mut bad: Vec<Vec<u8>> = [
        String::new(),
        "null".to_owned(),
        "[]".to_owned(),
        "7".to_owned(),
        format!("[{claims}]"),
        format!("{claims}{claims}"),
        format!("{claims} x"),
        format!("{claims}\0"),
        format!("\u{feff}{claims}"),
        format!("{{{inner},}}"),
        format!("{{{inner}"),
        format!("{{{inner},\"x\":}}"),
        format!("{{{inner},x:1}}"),
        format!("{{{inner},'x':1}}"),
        format!("{{{inner}/**/}}"),
        format!("{{{inner},\"x\":01}}"),
        format!("{{{inner},\"x\":1e999}}"),
        format!("{{{inner},\"x\":\"\\ud800\"}}"),
        format!("{{{inner},\"x\":\"\\x41\"}}"),
        format!("{{{inner},\"x\":\"\n\"}}"),
        format!("{{{inner},\"x\":\"\0\"}}"),
        claims.replace("\"ada\"", "ada"),
    ]
    .map(String::into_bytes)
    .to_vec();
    // Overlong, a surrogate, beyond Unicode, cut off, bare: none of it is UTF-8 (RFC 3629).
    for bytes in [
        b"\xc0\x80".as_slice(),
        b"\xc1\xa1",
        b"\xe0\x80\xaf",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xc3",
        b"\xff",
        b"\xfe\xff",
    ] {
        bad.push([format!("{{{inner},\"x\":\"").as_bytes(), bytes, b"\"}"].concat());
        bad.push([format!("{{{inner},\"").as_bytes(), bytes, b"\":1}"].concat());
    }
    let utf16: Vec<u8> = claims.encode_utf16().flat_map(u16::to_le_bytes).collect();
    bad.push(utf16);
    for claims in bad {
        gate.refuses(&String::from_utf8_lossy(&claims), signed(header(), &claims)).await?;
    }
    for head in [
        "",
        "null",
        "[]",
        "{}",
        r#"{"alg":"HS256","kid":"HS256"} x"#,
        r#"{"alg":"HS256","kid":"HS256",}"#,
        "\u{feff}{\"alg\":\"HS256\"}",
    ] {
        gate.refuses(head, signed(head, &claims)).await?;
    }
    gate.accepts("control", &signed(header(), format!(" {{ {inner} ,\"x\":\"\\u00e5\u{e5}\" }}\n"))).await
}

#[tokio::test]
async fn a_token_of_8_kib_is_the_longest() -> Result<()> {
    const LIMIT: usize = 8 * 1024;
    let gate = Gate::open()?;
    let sized = |size: usize| signer("HS256").token(&json!({"x": "x".repeat(size)}));
    let longest = (5_000..6_100).rev().find(|size| sized(*size).len() <= LIMIT).unwrap_or_default();
    assert!(sized(longest).len() > LIMIT - 4, "{}", sized(longest).len());
    gate.accepts("8 KiB", &sized(longest)).await?;
    gate.refuses("a byte more", sized(longest + 1)).await?;
    gate.refuses("twice", sized(2 * longest)).await?;
    gate.refuses("40 KiB", sized(30_000)).await
}

#[tokio::test]
async fn a_critical_header_is_refused_whatever_it_lists() -> Result<()> {
    let gate = Gate::open()?;
    for crit in [
        json!([]),
        json!(["exp"]),
        json!(["b64"]),
        json!(["alg"]),
        json!(["x", "y"]),
        json!("exp"),
        json!({}),
        json!(0),
    ] {
        for algorithm in ["HS256", "RS256", "EdDSA"] {
            let header = json!({"crit": crit, "exp": 4_102_444_800_u64, "b64": true, "x": 1});
            gate.refuses(&header.to_string(), signer(algorithm).token_with(&header, &json!({}))).await?;
        }
    }
    let null = r#"{"alg":"HS256","kid":"HS256","crit":null}"#;
    gate.refuses(null, signed(null, payload(&json!({})))).await?;
    // An unencoded payload (RFC 7797) is not base64url.
    let head = encode(r#"{"alg":"HS256","kid":"HS256","b64":false,"crit":["b64"]}"#);
    gate.refuses("b64", signer("HS256").sign_input(&format!("{head}.{{\"sub\":\"ada\"}}"))).await
}

#[tokio::test]
async fn the_type_is_a_text_and_a_token_in_a_token_is_none() -> Result<()> {
    let gate = Gate::open()?;
    for kind in [json!(null), json!("JWT"), json!("jwt"), json!("at+jwt"), json!("application/at+jwt")] {
        gate.accepts(&kind.to_string(), &signer("HS256").token_with(&json!({"typ": kind}), &json!({})))
            .await?;
    }
    for kind in [json!(1), json!(["JWT"]), json!({}), json!(false)] {
        gate.refuses(&kind.to_string(), signer("HS256").token_with(&json!({"typ": kind}), &json!({})))
            .await?;
    }
    let nested = |inner: &Signer| signed(signer("HS256").header(&json!({"cty": "JWT"})), inner.good());
    gate.refuses("nested", nested(signer("HS256"))).await?;
    gate.refuses("nested", nested(signer("RS256"))).await
}

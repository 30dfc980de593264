//! What is stored and compared of an exchange: everything but what must be new every time.
//!
//! A request id that the gateway made is a fresh UUID; it is replaced by `{{generated}}`, in the header and in the body,
//! but only if it is a UUID and the same in both places, so that a wrong one still shows. Trace context likewise.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::client::Incoming;
use crate::har::{Content, Pair, Response};

/// Stands for a request id that the gateway made.
const GENERATED: &str = "{{generated}}";

/// Headers of the connection or the moment, and the side's own name.
const VOLATILE: &[&str] =
    &["connection", "content-length", "date", "keep-alive", "transfer-encoding", "x-cutover-side"];

/// Headers towards an upstream that each gateway's own connection brings, or that are looked at otherwise.
const HOP: &[&str] = &[
    "connection",
    "content-length",
    "host",
    "keep-alive",
    "transfer-encoding",
    "x-cutover-side",
    "x-request-id",
];

/// An upstream's record shows bodies up to this length; of longer ones only the length.
const SHOWN_BODY: usize = 2_048;

/// The answer in the form of a recording. `sent_id` is the request's own `x-request-id`, if it had exactly one.
pub(crate) fn response(incoming: &Incoming, sent_id: Option<&str>) -> Response {
    let own_id = header(&incoming.headers, "x-request-id").map(ToOwned::to_owned);
    let generated = own_id.filter(|id| is_uuid_v4(id) && Some(id.as_str()) != sent_id);
    let mut headers: Vec<Pair> = incoming
        .headers
        .iter()
        .filter(|(name, _)| !VOLATILE.contains(&name.as_str()))
        .map(|(name, value)| Pair { name: name.clone(), value: value.clone() })
        .collect();
    let mut body = incoming.body.clone();
    if let Some(id) = &generated {
        for pair in headers.iter_mut().filter(|pair| pair.name == "x-request-id" && pair.value == *id) {
            GENERATED.clone_into(&mut pair.value);
        }
        body = with_generated_id(&body, id);
    }
    headers.sort_by(|one, other| one.name.cmp(&other.name));
    let text_of = |name: &str| header(&incoming.headers, name).unwrap_or_default().to_owned();
    Response {
        status: incoming.status,
        status_text: hyper::StatusCode::from_u16(incoming.status)
            .ok()
            .and_then(|status| status.canonical_reason())
            .unwrap_or_default()
            .to_owned(),
        http_version: "HTTP/1.1".to_owned(),
        cookies: Vec::new(),
        headers,
        content: content(&body, text_of("content-type")),
        redirect_url: text_of("location"),
        headers_size: -1,
        body_size: -1,
        other: Map::new(),
    }
}

fn content(body: &[u8], mime_type: String) -> Content {
    let (text, encoding) = match std::str::from_utf8(body) {
        Ok(text) => (text.to_owned(), None),
        Err(_) => (STANDARD.encode(body), Some("base64".to_owned())),
    };
    let size = i64::try_from(body.len()).unwrap_or(-1);
    Content { size, mime_type, text, encoding, other: Map::new() }
}

/// Replaces the id where the body says it as a whole JSON string, and leaves every other byte.
fn with_generated_id(body: &[u8], id: &str) -> Vec<u8> {
    match std::str::from_utf8(body) {
        Ok(text) => text.replace(&format!("\"{id}\""), &format!("\"{GENERATED}\"")).into_bytes(),
        Err(_) => body.to_vec(),
    }
}

/// The request as it arrived at an upstream, from what the upstream's `/__seen` says.
pub(crate) fn upstream(seen: &Value, sent_trace: Option<&str>) -> Value {
    let mut headers = Map::new();
    for pair in seen["headers"].as_array().into_iter().flatten() {
        let (Some(name), Some(value)) = (pair[0].as_str(), pair[1].as_str()) else { continue };
        let value = match name {
            name if HOP.contains(&name) => continue,
            // It has no business there; if it comes all the same, the token must not be written down.
            "authorization" => "{{present}}".to_owned(),
            "traceparent" => trace(value, sent_trace),
            _ => value.to_owned(),
        };
        match headers.get_mut(name) {
            Some(Value::String(earlier)) => *earlier = format!("{earlier}, {value}"),
            _ => _ = headers.insert(name.to_owned(), Value::from(value)),
        }
    }
    let body = STANDARD.decode(seen["body"].as_str().unwrap_or_default()).unwrap_or_default();
    let body = match String::from_utf8(body) {
        Ok(text) if text.len() <= SHOWN_BODY => text,
        Ok(text) => format!("{} bytes", text.len()),
        Err(binary) => format!("{} bytes", binary.as_bytes().len()),
    };
    json!({
        "operation": seen["operation"],
        "method": seen["method"],
        "path": seen["path"],
        "headers": headers,
        "body": body,
        "arrivals": seen["arrivals"],
    })
}

/// A trace context with its new ids replaced: the parent always, the trace only when it is not the client's.
fn trace(value: &str, sent: Option<&str>) -> String {
    let Some((id, flags)) = trace_parts(value) else {
        return value.to_owned();
    };
    match sent.and_then(trace_parts) {
        Some((own, _)) if own == id => format!("00-{id}-{{{{generated}}}}-{flags}"),
        _ => format!("00-{{{{generated}}}}-{{{{generated}}}}-{flags}"),
    }
}

/// Trace id and flags of a valid `traceparent` (W3C Trace Context, section 3.2).
fn trace_parts(value: &str) -> Option<(&str, &str)> {
    let hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let mut parts = value.split('-');
    let (version, id, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let valid = version == "00" && hex(id, 32) && hex(parent, 16) && hex(flags, 2) && parts.next().is_none();
    valid.then_some((id, flags))
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
}

/// RFC 9562, section 5.4.
fn is_uuid_v4(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            14 => byte == b'4',
            19 => matches!(byte, b'8' | b'9' | b'a' | b'b'),
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0b9cbb2f-7a0a-4c29-8b0e-6a6a1c5f6d55";

    fn answered(header_id: &str, body: &str, sent: Option<&str>) -> (String, String) {
        let headers = [("x-request-id", header_id), ("date", "now"), ("content-type", "application/json")];
        let incoming = Incoming {
            status: 400,
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
            body: body.as_bytes().to_vec(),
        };
        let response = response(&incoming, sent);
        assert_eq!(response.headers.len(), 2, "the date is not stored");
        (response.headers[1].value.clone(), response.content.text)
    }

    #[test]
    fn a_generated_id_is_replaced_in_header_and_body() {
        let (id, body) = answered(ID, &format!(r#"{{"requestId":"{ID}"}}"#), None);
        assert_eq!((id.as_str(), body.as_str()), (GENERATED, r#"{"requestId":"{{generated}}"}"#));
    }

    #[test]
    fn an_accepted_id_stays_even_if_it_is_a_uuid() {
        let (id, body) = answered(ID, &format!(r#"{{"requestId":"{ID}"}}"#), Some(ID));
        assert_eq!((id.as_str(), body.as_str()), (ID, format!(r#"{{"requestId":"{ID}"}}"#).as_str()));
    }

    #[test]
    fn an_id_that_is_no_uuid_or_differs_in_the_body_shows() {
        assert_eq!(answered("abc", r#"{"requestId":"abc"}"#, None).0, "abc");
        let other = ID.replace('0', "1");
        let (_, body) = answered(ID, &format!(r#"{{"requestId":"{other}"}}"#), None);
        assert!(body.contains(&other), "{body}");
    }

    #[test]
    fn an_upstream_record_keeps_what_the_gateway_decides() {
        let client = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
        let seen = json!({
            "operation": "getTask", "method": "GET", "path": "/v1/task/1", "arrivals": 1, "body": "",
            "headers": [
                ["host", "task"], ["x-user-id", "trader"], ["accept", "a"], ["accept", "b"],
                ["authorization", "Bearer secret"], ["x-request-id", ID],
                ["traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-1111111111111111-00"],
            ],
        });
        let headers = |sent| upstream(&seen, sent)["headers"].clone();
        let expected = json!({
            "x-user-id": "trader", "accept": "a, b", "authorization": "{{present}}",
            "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-{{generated}}-00",
        });
        assert_eq!(headers(Some(client)), expected);
        assert_eq!(headers(None)["traceparent"], "00-{{generated}}-{{generated}}-00");
    }
}

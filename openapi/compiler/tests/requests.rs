//! Requests against small contracts: what is read, what is refused, and that hostile ones cost no more than their length.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};

use cutover_compiler::{Options, compile_with};
use cutover_plan::{Head, Headers, Next, Pass, Plan, Switches};

const MAX_BODY: usize = 64 << 20;
/// Far more than any of these takes, far less than what grows with the square of a request would.
const PATIENCE: Duration = Duration::from_secs(20);

fn plan_with(switches: Switches, operation: &str) -> Plan {
    let text = format!(
        "openapi: 3.1.0\ninfo: {{ title: t, version: '1' }}\npaths:\n  /x:\n    post:\n      operationId: x\n      \
         {operation}\n      responses: {{ '200': {{ description: d }} }}\n"
    );
    let options = Options { switches, ..Options::default() };
    match compile_with("api.yaml", &text, options) {
        // As a filter has it: written and read again.
        Ok((plan, _)) => Plan::from_json(&plan.to_json()).unwrap(),
        Err(mistakes) => panic!("{mistakes:#?}"),
    }
}

fn plan(operation: &str) -> Plan {
    plan_with(Switches::default(), operation)
}

fn body(content: &str) -> Plan {
    plan(&format!("requestBody: {{ required: true, content: {{ {content} }} }}"))
}

fn send(plan: &Plan, query: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Pass, (u16, String)> {
    let headers = Headers::new(headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())));
    let head = Head { path: "/x", query: Some(query), params: &[], headers: &headers };
    let result = match plan.check_head("x", head, MAX_BODY) {
        Next::Done(result) => result,
        Next::Body(pending) => plan.check_body(pending, body),
    };
    result.map_err(|refusal| (refusal.status, refusal.message))
}

fn post(plan: &Plan, content_type: &str, body: &[u8]) -> Result<Pass, (u16, String)> {
    send(plan, "", &[("content-type", content_type)], body)
}

fn refused(result: Result<Pass, (u16, String)>) -> String {
    match result {
        Ok(_) => "passed".to_owned(),
        Err((status, message)) => format!("{status} {message}"),
    }
}

const FORM: &str = "schema: { type: object, additionalProperties: { type: string }, properties: { n: { type: integer }, \
     l: { type: array, items: { type: integer } }, o: { type: object, properties: { a: { type: integer } } } } }";

#[test]
fn absent_headers_and_cookies_get_their_defaults() {
    let plan = plan(
        "parameters: [ { name: X-A, in: header, schema: { type: integer, default: 5 } }, \
         { name: c, in: cookie, schema: { type: string, default: 'a b' } }, { name: d, in: cookie, schema: { default: 1 } } ]",
    );
    let headers = |sent: &[(&str, &str)]| send(&plan, "", sent, b"").unwrap().headers;
    let set = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(headers(&[]), [set("x-a", "5"), set("cookie", "c=a%20b; d=1")]);
    assert_eq!(headers(&[("x-a", "7"), ("cookie", "z=1; c=x")]), [set("cookie", "z=1; c=x; d=1")]);
    assert_eq!(headers(&[("x-a", "7"), ("cookie", "d=2; c=x")]), []);
}

#[test]
fn the_switches_hold_for_every_operation() {
    let json = "requestBody: { content: { application/json: { schema: { type: object } } } }";
    let twice = br#"{"a":1,"a":2}"#;
    let strict = plan(json);
    assert_eq!(refused(post(&strict, "application/json", twice)), "400 duplicate member in JSON body");
    assert_eq!(refused(send(&strict, "q=1", &[], b"")), "400 Unknown query parameter 'q'");
    let open = plan_with(Switches { open_query: true, repeated_members: true }, json);
    assert!(post(&open, "application/json", twice).is_ok());
    assert!(send(&open, "q=1&q[a]=1", &[], b"").is_err(), "names in brackets are no plain parameters");
    assert!(send(&open, "q=1", &[], b"").is_ok());
}

#[test]
fn a_range_reads_each_body_by_its_own_media_type() {
    let plan =
        body("'*/*': { schema: { type: object, required: [a], properties: { a: { type: integer } } } }");
    assert!(post(&plan, "application/json", br#"{"a":1}"#).is_ok());
    assert!(post(&plan, "application/vnd.x+json; charset=UTF-8", br#"{"a":1}"#).is_ok());
    assert!(post(&plan, "application/x-www-form-urlencoded", b"a=1").is_ok());
    assert_eq!(
        refused(post(&plan, "application/x-www-form-urlencoded", b"a=x")),
        "400 request/body/a must be integer"
    );
    assert_eq!(
        refused(post(&plan, "application/xml", b"<a/>")),
        "415 unsupported media type application/xml"
    );
    let any = body("'*/*': { schema: { type: string, format: binary, maxLength: 3 } }");
    assert!(post(&any, "application/json", b"{").is_ok());
    assert!(post(&any, "image/png", &[0xff; 3]).is_ok());
    assert!(refused(post(&any, "image/png", &[0xff; 4])).contains("more than 3 characters"));
}

#[test]
fn texts_in_forms_become_what_their_schema_asks_for() {
    let plain = body(&format!(
        "application/x-www-form-urlencoded: {{ {FORM}, encoding: {{ o: {{ style: deepObject }} }} }}"
    ));
    let form = |text: &str| refused(post(&plain, "application/x-www-form-urlencoded", text.as_bytes()));
    assert_eq!(form("n=5&l=1&l=2&o[a]=7&z=+"), "passed");
    assert_eq!(form("o%5Ba%5D=x"), "400 request/body/o/a must be integer");
    assert_eq!(form("o[a]=1&o=2"), "400 request/body/o must be written in its style");
    assert_eq!(form("n=1&n=2"), "400 request/body/n must be integer");
    assert_eq!(form("l=1&l=x"), "400 request/body/l/1 must be integer");
    let text = body("text/plain: { schema: { type: integer, maximum: 5 } }");
    assert!(post(&text, "text/plain", b"5").is_ok());
    assert_eq!(refused(post(&text, "text/plain", b"6")), "400 request/body must be <= 5");
    assert_eq!(refused(post(&text, "text/plain", b"\xff")), "400 malformed text body");
}

#[test]
fn files_are_bytes_and_texts_are_utf_8() {
    let plan = body(
        "multipart/form-data: { schema: { type: object, properties: { f: { type: string, format: binary, minLength: 2, \
         maxLength: 3 }, t: { type: string } } } }",
    );
    let part = |name: &str, content: &[u8]| {
        let head = format!("--b\r\ncontent-disposition: form-data; name={name}\r\n\r\n");
        [head.as_bytes(), content, b"\r\n--b--\r\n"].concat()
    };
    let sent = |body: &[u8]| refused(post(&plan, "multipart/form-data; boundary=b", body));
    assert_eq!(sent(&part("f", b"\xff\xfe")), "passed");
    assert_eq!(sent(&part("f", b"\xff")), "400 request/body/f must NOT have fewer than 2 characters");
    assert_eq!(
        sent(&part("f", b"\xff\xff\xff\xff")),
        "400 request/body/f must NOT have more than 3 characters"
    );
    assert_eq!(sent(&part("t", b"\xff")), "400 malformed multipart body: a part is not UTF-8");
    assert_eq!(sent(&part("u", b"anything")), "passed");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "how long the requests take is what it is about")]
fn hostile_requests_cost_no_more_than_their_length() {
    let start = Instant::now();
    let form = body(&format!(
        "application/x-www-form-urlencoded: {{ {FORM}, encoding: {{ o: {{ style: deepObject }} }} }}"
    ));
    let urlencoded =
        |text: String| refused(post(&form, "application/x-www-form-urlencoded", text.as_bytes()));
    let names: String = (0..100_000).map(|n| format!("k{n}=&")).collect();
    assert_eq!(urlencoded(names), "passed");
    assert!(urlencoded("l=1&".repeat(400_000) + "l=x").ends_with("/body/l/400000 must be integer"));
    assert!(urlencoded(format!("o{}=1", "[a]".repeat(1_000_000))).contains("must be written in its style"));
    assert!(urlencoded((0..100_000).map(|n| format!("o[k{n}]=1&")).collect()).contains("passed"));
    assert!(urlencoded("%".repeat(1_000_000)).contains("malformed form body"));
    let parts = body(&format!("multipart/form-data: {{ {FORM} }}"));
    let multipart = |text: &str| refused(post(&parts, "multipart/form-data; boundary=b", text.as_bytes()));
    let part = "--b\r\ncontent-disposition: form-data; name=a\r\n\r\n1\r\n";
    assert!(multipart(&part.repeat(10_000)).contains("it has too many parts"));
    assert!(
        multipart(&(part.to_owned() + &"\r\n--".repeat(1_000_000))).contains("its last boundary is missing")
    );
    let plan = plan(
        "parameters: [ { name: s, in: cookie, schema: { type: string } }, { name: f, in: query, style: deepObject, \
         schema: { type: object, additionalProperties: { type: object } } }, { name: p, in: query, explode: false, \
         schema: { type: array, items: { type: integer } } } ]",
    );
    let get = |query: &str, cookie: &str| refused(send(&plan, query, &[("cookie", cookie)], b""));
    assert_eq!(get("", &";=".repeat(500_000)), "passed");
    assert!(
        get("", &(0..5000).map(|n| format!("c{n}=1;")).collect::<String>())
            .contains("more than 1000 cookies")
    );
    assert!(get(&format!("f{}=1", "[a]".repeat(300_000)), "").contains("must be written in its style"));
    assert!(get(&format!("p={}x", "1,".repeat(500_000)), "").contains("/query/p/500000 must be integer"));
    assert!(get(&"f[a][]=1&".repeat(100_000), "").contains("more than 1000 query parameters"));
    assert!(get(&"[".repeat(500_000), "").contains("Unknown query parameter"));
    assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
}

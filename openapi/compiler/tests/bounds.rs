//! No request makes the validator slow, deep or fail, whatever the contract's shape.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use cutover_compiler::compile;
use cutover_plan::legacy::Refusal;
use cutover_plan::{Head, Headers, MAX_DEPTH, Next, Pass, Plan, RouteMatch};

/// Each level of a value is looked at by two branches, both of which go on to the next: 2^depth visits if verdicts
/// were not remembered.
const BRANCHING: &str = "
openapi: 3.1.0
info: { title: t, version: '1' }
paths:
  /x:
    post:
      operationId: x
      requestBody: { content: { application/json: { schema: { $ref: '#/components/schemas/T' } } } }
      responses: { '200': { description: d } }
components:
  schemas:
    T:
      oneOf:
        - { type: object, required: [a], properties: { n: { $ref: '#/components/schemas/T' } } }
        - { type: object, required: [b], properties: { n: { $ref: '#/components/schemas/T' } } }
";

fn plan(text: &str) -> Plan {
    let plan = compile("api.yaml", text).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    Plan::from_json(&plan.to_json()).unwrap()
}

fn post(plan: &Plan, target: &str, body: &[u8]) -> Result<Pass, Refusal> {
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    let RouteMatch::Operation { route, params } = plan.routes().find("POST", path) else { panic!("{path}") };
    let headers = Headers::new([(b"content-type".as_slice(), b"application/json".as_slice())]);
    match plan.check_head(&route.id, Head { path, query, params: &params, headers: &headers }, usize::MAX) {
        Next::Done(result) => result,
        Next::Body(pending) => plan.check_body(pending, body),
    }
}

#[test]
fn recursion_through_choices_takes_linear_time() {
    let plan = plan(BRANCHING);
    let nested = |leaf: &str, depth: usize| {
        (0..depth).fold(leaf.to_owned(), |inner, _| format!(r#"{{"a":1,"n":{inner}}}"#))
    };
    assert!(post(&plan, "/x", nested(r#"{"b":1}"#, MAX_DEPTH - 1).as_bytes()).is_ok());
    let wrong = post(&plan, "/x", nested("{}", MAX_DEPTH - 1).as_bytes()).unwrap_err();
    assert!(wrong.status == 400 && wrong.errors.len() <= 200, "{} errors", wrong.errors.len());
}

#[test]
fn deep_and_long_bodies_end_in_an_answer() {
    let plan = plan(BRANCHING);
    let deep = "[".repeat(1_000_000);
    assert_eq!(post(&plan, "/x", deep.as_bytes()).unwrap_err().message, "malformed JSON body");
    let many: String = (0..200_000).map(|n| format!("\"k{n}\":{n},")).collect();
    assert!(post(&plan, "/x", format!("{{{many}\"a\":1}}").as_bytes()).is_ok());
    let same = "\"a\":1,".repeat(200_000);
    let refusal = post(&plan, "/x", format!("{{{same}\"a\":1}}").as_bytes()).unwrap_err();
    assert_eq!(refusal.message, "duplicate member in JSON body");
}

/// Bodies, broken in every way a generator of fixed seed comes upon: an answer each time, no panic.
#[test]
fn broken_bodies_get_an_answer() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../trade-task.yaml")).unwrap();
    let plan = plan(&text);
    let body = br#"{"title":"a\u00e9\ud83d\ude00","priority":"low","labels":["a","b"],"dueAt":null,"checklist":[{"text":"x","done":true}],"attributes":{"k":"1e5"}}"#;
    let mut seed: u32 = 7;
    let mut random = |below: usize| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 8) as usize % below
    };
    let mut answers = [0; 2];
    for _ in 0..20_000 {
        let mut bytes = body.to_vec();
        for _ in 0..=random(4) {
            if bytes.is_empty() {
                break;
            }
            let at = random(bytes.len());
            match random(4) {
                0 => drop(bytes.remove(at)),
                1 => bytes[at] = random(256).to_le_bytes()[0],
                2 => bytes.insert(at, b"{}[]\",:\\ue0"[random(11)]),
                _ => bytes.truncate(at + 1),
            }
        }
        let target = String::from_utf8_lossy(&bytes);
        let target = format!("/v1/task?{}", target.replace(['"', ' '], "&"));
        answers[usize::from(post(&plan, "/v1/task", &bytes).is_ok())] += 1;
        assert!(post(&plan, &target, &bytes).is_err());
    }
    assert!(answers[0] > 1000 && answers[1] > 100, "{answers:?}");
}

/// Parameters of a type that refers to itself: what is known of one value must not be taken for another that comes to
/// lie at the same address.
#[test]
fn a_verdict_is_of_one_value_only() {
    let plan = plan(
        "
openapi: 3.1.0
info: { title: t, version: '1' }
paths:
  /x:
    post:
      operationId: x
      parameters:
        - { name: q, in: query, explode: false, schema: { type: array, items: { $ref: '#/components/schemas/T' } } }
        - { name: h, in: header, schema: { type: array, items: { $ref: '#/components/schemas/T' } } }
        - { name: n, in: header, schema: { type: array, items: { $ref: '#/components/schemas/N' } } }
      responses: { '200': { description: d } }
components:
  schemas:
    T:
      oneOf:
        - { type: object }
        - { $ref: '#/components/schemas/U' }
    U:
      anyOf:
        - { type: string, maxLength: 3 }
        - { type: integer, maximum: 5 }
        - { type: array, items: { $ref: '#/components/schemas/T' } }
    N: { type: integer, allOf: [{ $ref: '#/components/schemas/T' }] }
",
    );
    let checked = |query: &str, name: &str, header: &str| {
        let headers = Headers::new([(name.as_bytes(), header.as_bytes())]);
        let head = Head { path: "/x", query: Some(query), params: &[], headers: &headers };
        match plan.check_head("x", head, 0) {
            Next::Done(result) => result.map_err(|refusal| refusal.message),
            Next::Body(_) => panic!("no body is declared"),
        }
    };
    assert_eq!(checked("q=abc", "h", "abc").err(), None);
    let message = checked("q=abc", "h", "much too long").unwrap_err();
    assert!(message.contains("request/headers/h/0 must NOT have more than 3 characters"), "{message}");
    assert_eq!(checked("", "n", "1,2").err(), None);
    let message = checked("", "n", "1,99999").unwrap_err();
    assert!(message.contains("request/headers/n/1 must be <= 5"), "{message}");
}

/// A long name is part of the place of all that lies below it: written out for each failed branch, time would grow with
/// the square of the body.
#[test]
fn long_names_above_many_choices_take_linear_time() {
    let plan = plan(
        "
openapi: 3.1.0
info: { title: t, version: '1' }
paths:
  /x:
    post:
      operationId: x
      requestBody:
        content:
          application/json:
            schema:
              additionalProperties:
                type: array
                items: { anyOf: [{ type: integer }, { type: string }] }
      responses: { '200': { description: d } }
",
    );
    let body =
        |last: &str| format!("{{\"{}\":[{}{last}]}}", "n".repeat(2_000_000), r#""x","#.repeat(800_000));
    assert!(post(&plan, "/x", body("1").as_bytes()).is_ok());
    assert_eq!(post(&plan, "/x", body("[]").as_bytes()).unwrap_err().status, 400);
}

/// Each level's branches repeat what is wrong below: what is kept and answered must not multiply a long name.
#[test]
fn one_long_name_deep_down_is_not_multiplied() {
    let plan =
        plan(&BRANCHING.replace("properties: {", "additionalProperties: false, properties: { a: {}, b: {},"));
    let long = format!(r#"{{"a":1,"b":1,"{}":1}}"#, "n".repeat(500_000));
    let body = (1..MAX_DEPTH).fold(long, |inner, _| format!(r#"{{"a":1,"b":1,"n":{inner}}}"#));
    let refusal = post(&plan, "/x", body.as_bytes()).unwrap_err();
    let answer = refusal.body("").len();
    assert!(answer < 4 << 20, "{answer} bytes");
}

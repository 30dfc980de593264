//! What OpenAPI adds to schemas: discriminators anywhere, the two directions, and the compiler's options.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use cutover_compiler::{Formats, Options, compile_with};
use cutover_plan::{Head, Headers, Next, Plan, RouteMatch};

const COMPONENTS: &str = "
components:
  schemas:
    Pets:
      type: object
      properties:
        pet: { $ref: '#/components/schemas/Pet' }
        all: { type: array, items: { $ref: '#/components/schemas/Pet' } }
        id: { type: integer, readOnly: true }
        secret: { type: string, writeOnly: true }
        on: { type: string, format: date }
      required: [id, secret]
    Pet:
      oneOf:
        - $ref: '#/components/schemas/Cat'
        - $ref: '#/components/schemas/Dog'
        - { type: 'null' }
      discriminator: { propertyName: kind, mapping: { kitten: '#/components/schemas/Cat' } }
    Cat: { type: object, required: [kind], properties: { kind: { type: string }, lives: { type: integer } } }
    Dog: { type: object, required: [kind], properties: { kind: { type: string }, of: { $ref: '#/components/schemas/Pet' } } }
";

fn contract(components: &str) -> String {
    format!(
        "openapi: 3.1.0\ninfo: {{ title: t, version: '1' }}\npaths:\n  /x:\n    post:\n      operationId: x\n      \
         requestBody: {{ content: {{ application/json: {{ schema: {{ $ref: '#/components/schemas/Pets' }} }} }} }}\n      \
         responses: {{ '200': {{ description: d }} }}\n{components}"
    )
}

fn plan(options: Options) -> Plan {
    let (plan, warnings) = compile_with("api.yaml", &contract(COMPONENTS), options)
        .unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    assert_eq!(warnings, []);
    Plan::from_json(&plan.to_json()).unwrap()
}

/// What is wrong with a request's body; nothing when it is valid.
fn refused(plan: &Plan, body: &str) -> String {
    let RouteMatch::Operation { route, params } = plan.routes().find("POST", "/x") else {
        panic!("no route")
    };
    let headers = Headers::new([(b"content-type".as_slice(), b"application/json".as_slice())]);
    let head = Head { path: "/x", query: None, params: &params, headers: &headers };
    let result = match plan.check_head(&route.id, head, usize::MAX) {
        Next::Done(result) => result,
        Next::Body(pending) => plan.check_body(pending, body.as_bytes()),
    };
    result.err().map(|refusal| refusal.message).unwrap_or_default()
}

#[test]
fn a_discriminator_decides_wherever_it_stands() {
    let plan = plan(Options::default());
    for (body, message) in [
        (r#"{"secret":"s","pet":{"kind":"kitten"}}"#, ""),
        (r#"{"secret":"s","pet":null}"#, ""),
        (r#"{"secret":"s","all":[{"kind":"Dog","of":{"kind":"kitten","lives":9}}]}"#, ""),
        (r#"{"secret":"s","pet":{"kind":"kitten","lives":"x"}}"#, "request/body/pet/lives must be integer"),
        (
            r#"{"secret":"s","all":[{"kind":"Dog","of":{"kind":"Cat"}}]}"#,
            "request/body/all/0/of/kind must be equal to one of the allowed values: kitten, Dog",
        ),
        (
            r#"{"secret":"s","pet":{}}"#,
            "request/body/pet must have required property 'kind', one of: kitten, Dog",
        ),
    ] {
        assert_eq!(refused(&plan, body), message, "{body}");
    }
}

#[test]
fn a_request_has_what_may_be_written_and_nothing_else() {
    let plan = plan(Options::default());
    assert_eq!(refused(&plan, r#"{"secret":"s"}"#), "");
    assert_eq!(refused(&plan, r#"{"secret":"s","id":1}"#), "request/body/id is read-only");
    assert_eq!(refused(&plan, "{}"), "request/body must have required property 'secret'");
}

#[test]
fn formats_are_as_loose_as_before_unless_one_says_otherwise() {
    let body = r#"{"secret":"s","on":"2024-02-31"}"#;
    assert_eq!(refused(&plan(Options::default()), body), "");
    let full = plan(Options { formats: Formats::Full, ..Options::default() });
    assert_eq!(refused(&full, body), "request/body/on must match format \"date\"");
}

#[test]
fn what_cannot_be_honoured_is_a_warning_where_that_is_allowed() {
    let text = contract("components: { schemas: { Pets: { colour: red, format: shade, type: object } } }\n");
    let mistakes = compile_with("api.yaml", &text, Options::default()).err().unwrap_or_default();
    assert_eq!(mistakes.len(), 2, "{mistakes:?}");
    let (_, warnings) =
        compile_with("api.yaml", &text, Options { allow: true, ..Options::default() }).unwrap();
    assert_eq!(warnings, mistakes);
}

//! Every mistake of a contract is told at once, with its place and what would be right.

use cutover_compiler::compile;

const HEAD: &str = "openapi: 3.1.0\ninfo: { title: t, version: '1' }\n";

fn mistakes(text: &str) -> Vec<String> {
    match compile("api.yaml", text) {
        Ok(_) => Vec::new(),
        Err(mistakes) => mistakes.iter().map(ToString::to_string).collect(),
    }
}

/// The mistakes of a contract whose one operation has this request body schema, in one line of YAML.
fn of_schema(schema: &str) -> Vec<String> {
    let text = format!(
        "{HEAD}paths:\n  /x:\n    post:\n      operationId: x\n      requestBody:\n        content:\n          \
         application/json:\n            schema: {schema}\n      responses: {{ '200': {{ description: d }} }}\n"
    );
    mistakes(&text)
}

#[test]
fn all_mistakes_come_at_once_in_the_order_of_lines() {
    let found = mistakes(include_str!("data/mistakes.yaml"));
    let expected: Vec<&str> = include_str!("data/mistakes.txt").lines().collect();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/mistakes.txt");
        return std::fs::write(file, found.join("\n") + "\n").unwrap();
    }
    assert!(found == expected, "found:\n{}\n\nexpected:\n{}", found.join("\n"), expected.join("\n"));
}

#[test]
fn what_is_no_contract_is_one_clear_line() {
    for (text, start) in [
        ("", "api.yaml:1:1: a contract must be a map, not null"),
        ("a: [", "api.yaml:"),
        ("swagger: '2.0'\n", "api.yaml:1:1: this is no OpenAPI document: `openapi` is missing"),
        ("openapi: 3.1\n", "api.yaml:1:10: this version of OpenAPI is not supported (write '3.1.0'"),
        ("openapi: 2.0.0\n", "api.yaml:1:10: this version of OpenAPI is not supported"),
    ] {
        let found = mistakes(text);
        assert!(found.len() == 1 && found[0].starts_with(start), "{text:?}: {found:?}");
    }
    let found = mistakes("openapi: 3.1.0\npaths: {}\n");
    assert_eq!(found[0], "api.yaml:1:1: `info` needs `title`, as text (OpenAPI requires it)");
}

#[test]
fn a_keyword_that_cannot_be_honoured_is_named() {
    for (schema, message) in [
        ("{ then: { type: string } }", "10:23: `then` means nothing without `if` (add the `if`)"),
        ("{ maxContains: 3 }", "`maxContains` means nothing without `contains`"),
        ("{ patternProperties: { '[': {} } }", "the pattern `[` cannot be compiled"),
        ("{ dependentRequired: { a: b } }", "an entry of `dependentRequired` must be a list, not text"),
        ("{ $dynamicRef: '#none' }", "`#none` names nothing in this document"),
        (
            "{ $schema: 'http://json-schema.org/draft-07/schema#' }",
            "this dialect of JSON Schema is not supported",
        ),
        ("{ type: integer, example: a }", "the example is not valid by its own schema: it must be integer"),
        ("{ multipleOf: 0.1234567890123456789 }", "`multipleOf` must have at most 18 digits"),
        ("{ maxlength: 3 }", "`maxlength` is no keyword of a schema (did you mean `maxLength`?)"),
        ("{ foo: 3 }", "`foo` is no keyword of a schema (extensions start with `x-`)"),
        ("{ type: text }", "this is no type of JSON Schema"),
        ("{ type: [string, null] }", "the type null is written `'null'` in YAML"),
        (
            "{ nullable: true, type: string }",
            "OpenAPI 3.1 has no `nullable` (write `type: [string, 'null']`)",
        ),
        ("{ format: decimal }", "the format `decimal` is not known"),
        ("{ pattern: '^(?=a)' }", "cannot be compiled: look-ahead cannot be compiled to an automaton"),
        ("{ pattern: '[' }", "the pattern `[` cannot be compiled: a `[` is not closed"),
        ("{ maxLength: -1 }", "`maxLength` must be a whole number from 0 on, not a number"),
        ("{ minimum: '1' }", "`minimum` must be a number, not text"),
        ("{ multipleOf: 0 }", "`multipleOf` must be greater than 0"),
        ("{ enum: [] }", "`enum` must have at least one value"),
        ("{ required: true }", "`required` of a schema is a list of property names"),
        ("{ required: [a, a] }", "`required` names `a` twice"),
        ("{ oneOf: [] }", "`oneOf` must have at least one schema"),
        ("{ properties: [a] }", "`properties` must be a map, not a list"),
        ("5", "a schema must be a map, true or false, not a number"),
        (
            "{ $ref: '#/components/schemas/Nope' }",
            "`#/components/schemas/Nope` names nothing in this document",
        ),
        ("{ $ref: 'other.yaml#/x' }", "`other.yaml#/x` is in another place than this document"),
        (
            "{ $ref: '#/paths/~1x/post/requestBody/content/application~1json/schema' }",
            "refers to itself for the same value",
        ),
        ("{ type: integer, default: a }", "the default is not valid by its own schema: it must be integer"),
        ("{ discriminator: { propertyName: a } }", "this discriminator has no choice to decide"),
        ("{ oneOf: [ { type: object } ], discriminator: { propertyName: a } }", "has only references"),
    ] {
        let found = of_schema(schema);
        assert!(found.len() == 1 && found[0].contains(message), "{schema}: {found:#?}");
    }
    let annotated =
        "{ title: t, description: d, example: 1, examples: [1], deprecated: true, $comment: c, x-own: 1 }";
    assert_eq!(of_schema(annotated), [""; 0]);
}

#[test]
fn openapi_3_0_has_its_own_dialect() {
    let of = |schema: &str| {
        let text = format!(
            "openapi: 3.0.3\ninfo: {{ title: t, version: '1' }}\npaths:\n  /x:\n    get:\n      operationId: x\n      \
             parameters: [ {{ name: q, in: query, schema: {schema} }} ]\n      responses: {{}}\n\
             components: {{ schemas: {{ S: {{ type: string, nullable: true }} }} }}\n"
        );
        mistakes(&text)
    };
    for good in [
        "{ type: string, nullable: true }",
        "{ type: number, minimum: 0, exclusiveMinimum: true }",
        "{ $ref: '#/components/schemas/S', description: beside }",
    ] {
        assert_eq!(of(good), [""; 0], "{good}");
    }
    for (bad, message) in [
        ("{ type: [string, integer] }", "OpenAPI 3.0 knows no lists of types"),
        ("{ nullable: true }", "`nullable` means nothing without `type`"),
        ("{ if: { type: string } }", "OpenAPI 3.0 has no keyword `if` (OpenAPI 3.1 has it)"),
        ("{ patternProperties: { a: {} } }", "OpenAPI 3.0 has no keyword `patternProperties`"),
        ("{ exclusiveMinimum: 3 }", "`exclusiveMinimum` (in OpenAPI 3.0) must be true or false"),
        ("{ $ref: '#/components/schemas/S', maxLength: 3 }", "OpenAPI 3.0 ignores `maxLength` beside `$ref`"),
    ] {
        let found = of(bad);
        assert!(found.len() == 1 && found[0].contains(message), "{bad}: {found:#?}");
    }
}

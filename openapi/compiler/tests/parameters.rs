//! What cannot be a parameter or a body is told when the contract is compiled, with what would be right.

use cutover_compiler::compile;

fn mistakes(operation: &str) -> Vec<String> {
    let text = format!(
        "openapi: 3.1.0\ninfo: {{ title: t, version: '1' }}\npaths:\n  /x:\n    post:\n      operationId: x\n      \
         {operation}\n      responses: {{ '200': {{ description: d }} }}\n"
    );
    match compile("api.yaml", &text) {
        Ok(_) => Vec::new(),
        Err(mistakes) => mistakes.iter().map(ToString::to_string).collect(),
    }
}

fn of_parameter(parameter: &str) -> Vec<String> {
    mistakes(&format!("parameters: [ {{ name: p, {parameter} }} ]"))
}

fn of_content(content: &str) -> Vec<String> {
    mistakes(&format!("requestBody: {{ content: {{ {content} }} }}"))
}

fn one(found: &[String], message: &str, of: &str) {
    assert!(found.len() == 1 && found[0].contains(message), "{of}: {found:#?}");
}

#[test]
fn styles_belong_to_places_and_shapes() {
    const OBJECT: &str = "schema: { type: object, properties: { a: { type: integer } } }";
    const NESTED: &str = "schema: { type: object, properties: { a: { type: object } } }";
    const LIST: &str = "schema: { type: array, items: { type: integer } }";
    const TEXT: &str = "schema: { type: string }";
    for (parameter, schema, message) in [
        ("in: header, style: form", TEXT, "a parameter in the header cannot have the style `form` (simple)"),
        (
            "in: query, style: label",
            TEXT,
            "in the query cannot have the style `label` (form, spaceDelimited, pipe",
        ),
        ("in: query, style: deepObject", LIST, "`deepObject` is for objects, and `p` is none"),
        ("in: query, style: deepObject, explode: false", OBJECT, "has no form that is not exploded"),
        ("in: query, style: spaceDelimited", TEXT, "is for lists and objects that are not exploded"),
        (
            "in: query, style: pipeDelimited, explode: true",
            LIST,
            "is for lists and objects that are not exploded",
        ),
        ("in: cookie", LIST, "the cookie `p` is a list, which cannot be exploded"),
        ("in: header", NESTED, "the member `a` of `p` cannot be written in this style"),
        (
            "in: query",
            NESTED,
            "the member `a` of `p` cannot be written in this style (use `style: deepObject`",
        ),
        ("in: header, allowReserved: true", TEXT, "`allowReserved` means nothing outside the query"),
        (
            "in: query, content: { application/json: {} }",
            "x-y: 1",
            "the `content` of the parameter `p` has no `schema`",
        ),
        (
            "in: query, content: { application/json: { schema: {} }, text/plain: { schema: {} } }",
            "x-y: 1",
            "must have exactly one media type",
        ),
        (
            "in: query, content: { application/xml: { schema: {} } }",
            "x-y: 1",
            "`application/xml` cannot be read",
        ),
        (
            "in: query, content: { application/json: { schema: {} } }",
            TEXT,
            "has `content`, beside which `schema` means nothing",
        ),
        ("in: header", "schema: { type: string, default: 'ä' }", "this default cannot be sent in a header"),
        ("in: query, example: x", "schema: { type: integer }", "is not valid by"),
    ] {
        one(&of_parameter(&format!("{parameter}, {schema}")), message, parameter);
    }
    for (parameter, schema) in [
        ("in: query, style: deepObject", NESTED),
        ("in: query, style: spaceDelimited", LIST),
        ("in: query, style: pipeDelimited, explode: false", OBJECT),
        ("in: cookie", OBJECT),
        ("in: cookie, explode: false", LIST),
        ("in: header, explode: true", OBJECT),
        ("in: query, example: 5", "schema: { type: integer }"),
    ] {
        assert_eq!(of_parameter(&format!("{parameter}, {schema}")), [""; 0], "{parameter}");
    }
}

#[test]
fn a_name_in_the_query_belongs_to_one_parameter() {
    let found = mistakes(
        "parameters: [ { name: a, in: query, schema: {} }, { name: o, in: query, schema: { type: object, properties: { a: {} } } } ]",
    );
    one(&found, "`a` in the query is a member of the parameter `o` and belongs to `a`, too", "shared name");
}

#[test]
fn bodies_that_cannot_be_read_are_told() {
    const FORM: &str = "schema: { type: object, properties: { a: { type: string }, o: { type: object } } }";
    for (content, message) in [
        ("application/xml: { schema: { type: object } }".to_owned(), "cannot be looked into"),
        (
            "image/png: { schema: { type: string, pattern: a } }".to_owned(),
            "`pattern` cannot be honoured in a body",
        ),
        ("text/plain; charset=latin1: {}".to_owned(), "bodies in the charset `latin1` cannot be read"),
        ("json: {}".to_owned(), "`json` is no media type"),
        ("'*/json': {}".to_owned(), "`*/json` is no media type"),
        ("application/json: {}, Application/JSON: {}".to_owned(), "is here for the second time"),
        ("multipart/form-data: { schema: { type: array } }".to_owned(), "a form is an object"),
        ("application/json: { encoding: {} }".to_owned(), "`encoding` means nothing for `application/json`"),
        (format!("multipart/form-data: {{ {FORM}, encoding: {{ b: {{}} }} }}"), "`encoding` names `b`"),
        (
            format!("multipart/form-data: {{ {FORM}, encoding: {{ a: {{ contentType: png }} }} }}"),
            "no list of media types",
        ),
        (
            format!("multipart/form-data: {{ {FORM}, encoding: {{ o: {{ contentType: image/png }} }} }}"),
            "`o` is an object",
        ),
        (
            format!("multipart/form-data: {{ {FORM}, encoding: {{ a: {{ headers: {{}} }} }} }}"),
            "`headers` of an encoding cannot be checked",
        ),
        (
            format!("multipart/form-data: {{ {FORM}, encoding: {{ o: {{ style: form }} }} }}"),
            "the members of `o` cannot be told from the form's",
        ),
        (
            format!(
                "multipart/form-data: {{ {FORM}, encoding: {{ o: {{ style: deepObject, contentType: text/plain }} }} }}"
            ),
            "`contentType` means nothing beside",
        ),
        (
            format!(
                "application/x-www-form-urlencoded: {{ {FORM}, encoding: {{ a: {{ contentType: image/png }} }} }}"
            ),
            "a part of `image/png` cannot be read",
        ),
        (
            "application/json: { schema: { type: integer }, examples: { e: { value: x } } }".to_owned(),
            "is not valid by",
        ),
    ] {
        one(&of_content(&content), message, &content);
    }
    for content in [
        "application/xml: {}",
        "'*/*': { schema: { type: object } }",
        "'*/*': { schema: { type: string, format: binary, maxLength: 5 } }",
        "text/*: { schema: { type: integer } }",
        "application/x-www-form-urlencoded: { schema: { type: object, properties: { o: { type: object } } }, encoding: { o: { style: deepObject } } }",
    ] {
        assert_eq!(of_content(content), [""; 0], "{content}");
    }
}

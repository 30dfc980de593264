//! A contract may consist of several files; mistakes name the file they are in.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use cutover_compiler::{Options, compile, compile_files};

const API: &str = "
openapi: 3.1.0
info: { title: t, version: '1' }
paths:
  /pet: { $ref: 'paths/pet.yaml' }
  /tree/{id}:
    get:
      operationId: tree
      parameters: [ { $ref: 'common/parameters.yaml#/Id' } ]
      responses: { '200': { description: d } }
components:
  schemas:
    Name: { type: string, maxLength: 3 }
";
const PET: &str = "
post:
  operationId: pet
  parameters: [ { $ref: '../common/parameters.yaml#/Limit' } ]
  requestBody: { content: { application/json: { schema: { $ref: '../common/schemas.yaml#/Pet' } } } }
  responses: { '200': { description: d } }
";
const PARAMETERS: &str = "
Id: { name: id, in: path, required: true, schema: { $ref: '#/Number' } }
Limit: { name: limit, in: query, schema: { $ref: '#/Number' } }
Number: { type: integer }
";
const SCHEMAS: &str = "
Pet:
  type: object
  properties: { name: { $ref: '../api.yaml#/components/schemas/Name' }, children: { type: array, items: { $ref: '#/Pet' } }, $ref: { $ref: 'name.json' } }
";

fn files(changed: &[(&str, &str)]) -> Result<String, String> {
    let known = [
        ("api/paths/pet.yaml", PET),
        ("api/common/parameters.yaml", PARAMETERS),
        ("api/common/schemas.yaml", SCHEMAS),
        ("api/common/name.json", r#"{ "type": "string" }"#),
    ];
    let load = |path: &str| {
        let found = changed.iter().chain(&known).find(|(name, _)| *name == path);
        found.map(|(_, text)| (*text).to_owned()).ok_or_else(|| format!("{path} does not exist"))
    };
    let api = changed.iter().find(|(name, _)| *name == "api/api.yaml").map_or(API, |(_, text)| text);
    match compile_files("api/api.yaml", api, Options::default(), &load) {
        Ok((plan, _)) => Ok(String::from_utf8(plan.to_json()).unwrap()),
        Err(mistakes) => Err(mistakes.iter().map(|mistake| format!("{mistake}\n")).collect()),
    }
}

#[test]
fn references_are_followed_from_the_file_they_stand_in() {
    let plan = files(&[]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let whole = "
openapi: 3.1.0
info: { title: t, version: '1' }
paths:
  /pet:
    post:
      operationId: pet
      parameters: [ { name: limit, in: query, schema: { $ref: '#/components/schemas/Number' } } ]
      requestBody: { content: { application/json: { schema: { $ref: '#/components/schemas/Pet' } } } }
      responses: { '200': { description: d } }
  /tree/{id}:
    get:
      operationId: tree
      parameters: [ { name: id, in: path, required: true, schema: { $ref: '#/components/schemas/Number' } } ]
      responses: { '200': { description: d } }
components:
  schemas:
    Number: { type: integer }
    Text: { type: string }
    Name: { type: string, maxLength: 3 }
    Pet:
      type: object
      properties: { name: { $ref: '#/components/schemas/Name' }, children: { type: array, items: { $ref: '#/components/schemas/Pet' } }, $ref: { $ref: '#/components/schemas/Text' } }
";
    let whole = compile("whole.yaml", whole).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    assert_eq!(plan, String::from_utf8(whole.to_json()).unwrap());
}

#[test]
fn a_mistake_names_the_file_it_is_in() {
    for (file, text, expected) in [
        (
            "api/common/parameters.yaml",
            "Id: { name: id, in: path, required: true, schema: { type: text } }\nLimit: { name: limit, in: query, schem: {} }\n",
            "api/common/parameters.yaml:1:59: this is no type of JSON Schema",
        ),
        ("api/common/name.json", "{", "api/common/name.json:"),
        (
            "api/common/schemas.yaml",
            "Dog: {}\n",
            "api/paths/pet.yaml:5:65: `../common/schemas.yaml#/Pet` names nothing in api/common/schemas.yaml",
        ),
        (
            "api/paths/pet.yaml",
            "get: { $ref: 'nowhere.yaml' }\n",
            "api/paths/pet.yaml:1:14: `nowhere.yaml` cannot be followed: api/paths/nowhere.yaml does not exist",
        ),
        (
            "api/common/schemas.yaml",
            "Pet: { $ref: '../common/schemas.yaml#/Pet' }\n",
            "api/common/schemas.yaml:1:6: ",
        ),
    ] {
        let mistakes = files(&[(file, text)]).unwrap_err();
        assert!(mistakes.contains(expected), "{file}: {mistakes}");
        assert!(!mistakes.contains("x-cutover"), "{mistakes}");
    }
    let anchor = API.replace("parameters.yaml#/Id", "parameters.yaml#Id");
    let mistakes = files(&[("api/api.yaml", &anchor)]).unwrap_err();
    assert!(mistakes.contains("names a part of another file by an anchor (use a JSON pointer"), "{mistakes}");
}

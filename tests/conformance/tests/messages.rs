//! The keywords that the recorded requests of `openapi/plan` do not have are told of as ajv tells of them: the same errors
//! in the same order. `tests/conformance/messages.mjs` records them.

use cutover_compiler::{Formats, compile_schema};
use cutover_plan::Json;
use cutover_plan::schema::Direction;
use serde_json::{Value, json};

#[test]
fn violations_are_those_of_the_legacy_validator() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("../data/messages.json")).unwrap();
    let mut wrong = Vec::new();
    for case in &cases {
        let compiled = compile_schema("schema", &case["schema"].to_string(), Formats::Legacy, &[])
            .unwrap_or_else(|mistakes| panic!("{case}: {mistakes:?}"));
        let instance = case["instance"].to_string();
        let value = Json::parse(&instance).unwrap();
        let violations = compiled.tables.violations(compiled.root, &value, Direction::Neither);
        let found: Value = violations
            .iter()
            .map(|violation| {
                let path = match &violation.member {
                    Some(member) => format!("{}/{member}", violation.place),
                    None => violation.place.clone(),
                };
                json!({"keyword": violation.keyword, "path": path, "message": violation.message})
            })
            .collect();
        if found != case["errors"] {
            wrong.push(format!("{} {instance}\n  ajv:  {}\n  ours: {found}", case["schema"], case["errors"]));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

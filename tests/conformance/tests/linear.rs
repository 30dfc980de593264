//! How many steps a verdict takes grows with the instance and no faster, whatever the schema.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use cutover_compiler::{CompiledSchema, Formats, compile_schema};
use cutover_plan::schema::Direction;
use cutover_plan::{Json, MAX_DEPTH};

fn compiled(schema: &str) -> CompiledSchema {
    compile_schema("schema", schema, Formats::Full, &[]).unwrap_or_else(|mistakes| panic!("{mistakes:?}"))
}

fn steps(schema: &CompiledSchema, instance: &str) -> u64 {
    let value = Json::parse(instance).unwrap();
    schema.tables.verdict(schema.root, &value, Direction::Request).1
}

/// `member` around itself, so many times.
fn nested(depth: usize, around: impl Fn(String) -> String, leaf: &str) -> String {
    (0..depth).fold(leaf.to_owned(), |inner, _| around(inner))
}

/// Twice the depth may take a little more than twice the steps; exponential growth would square them.
fn assert_linear_in_depth(schema: &str, around: impl Fn(String) -> String, leaf: &str) {
    let schema = compiled(schema);
    let at = |depth: usize| steps(&schema, &nested(depth, &around, leaf));
    let (half, full) = (at(MAX_DEPTH / 2 - 1), at(MAX_DEPTH - 2));
    assert!(full <= 3 * half, "{half} steps for half the depth, {full} for all of it");
    assert!(full < 200 * MAX_DEPTH as u64, "{full} steps");
}

#[test]
fn recursion_through_several_ways_to_the_same_value_is_linear() {
    let object = |inner: String| format!(r#"{{"n":{inner}}}"#);
    let list = |inner: String| format!("[{inner}]");
    let both =
        r##"{"properties":{"n":{"$ref":"#"}},"patternProperties":{"n":{"$ref":"#"},"^n":{"$ref":"#"}}}"##;
    for leaf in ["1", "{}"] {
        assert_linear_in_depth(both, object, leaf);
        for keyword in ["oneOf", "anyOf", "allOf"] {
            let branch = |needs: &str| {
                format!(r##"{{"required":["{needs}"],"properties":{{"n":{{"$ref":"#/$defs/t"}}}}}}"##)
            };
            let schema = format!(
                r##"{{"$ref":"#/$defs/t","$defs":{{"t":{{"{keyword}":[{},{},{}]}}}}}}"##,
                branch("n"),
                branch("x"),
                branch("n")
            );
            assert_linear_in_depth(&schema, object, leaf);
        }
        assert_linear_in_depth(
            r##"{"if":{"properties":{"n":{"$ref":"#"}}},"then":{"properties":{"n":{"$ref":"#"}}},"else":{"properties":{"n":{"$ref":"#"}}}}"##,
            object,
            leaf,
        );
        assert_linear_in_depth(r##"{"items":{"$ref":"#"},"contains":{"$ref":"#"}}"##, list, leaf);
        assert_linear_in_depth(
            r##"{"type":["object","integer"],"allOf":[{"properties":{"n":{"$ref":"#"}}},{"properties":{"n":{"$ref":"#"}}}],"unevaluatedProperties":{"$ref":"#"}}"##,
            object,
            leaf,
        );
    }
}

#[test]
fn dynamic_references_are_linear_too() {
    let schema = r##"{"$id":"https://x/tree","$dynamicAnchor":"node","anyOf":[{"type":"object","properties":{"n":{"$dynamicRef":"#node"}}},{"type":"object","additionalProperties":{"$dynamicRef":"#node"}}]}"##;
    for leaf in ["1", "{}"] {
        assert_linear_in_depth(schema, |inner| format!(r#"{{"n":{inner}}}"#), leaf);
    }
}

#[test]
fn long_lists_and_wide_objects_take_a_step_for_each_part() {
    let count = 100_000_u64;
    let items: String = (0..count).map(|n| format!("{n},")).collect();
    let list = format!("[{items}0]");
    let schema = compiled(r#"{"uniqueItems":true,"items":{"type":"integer"}}"#);
    assert!(steps(&schema, &list) <= count + 2);
    let schema = compiled(
        r#"{"contains":{"const":-1},"prefixItems":[true,true],"unevaluatedItems":{"type":"integer"}}"#,
    );
    assert!(steps(&schema, &list) <= 2 * count + 10);
    let members: String = (0..count).map(|n| format!("\"k{n}\":{n},")).collect();
    let object = format!("{{{members}\"z\":0}}");
    let schema = compiled(
        r#"{"propertyNames":{"maxLength":9},"patternProperties":{"^k":{"type":"integer"}},"anyOf":[{"required":["q"]},{"properties":{"z":{}}}],"unevaluatedProperties":false}"#,
    );
    assert!(steps(&schema, &object) <= 2 * count + 10);
}

#[test]
fn many_alternatives_cost_one_step_each() {
    let branches: Vec<String> =
        (0..2_000).map(|n| format!(r#"{{"properties":{{"k":{{"const":{n}}}}}}}"#)).collect();
    let schema = compiled(&format!(r#"{{"items":{{"oneOf":[{}]}}}}"#, branches.join(",")));
    let items = vec![r#"{"k":1}"#; 50].join(",");
    assert!(steps(&schema, &format!("[{items}]")) <= 50 * 4_002);
}

#[test]
fn numbers_of_any_length_are_read_and_compared() {
    let schema = compiled(r#"{"multipleOf":0.0000001,"minimum":-1e400,"maximum":1e400,"not":{"const":7}}"#);
    let digits = "9".repeat(200_000);
    for (number, valid) in [
        (digits.clone(), false),
        (format!("0.{digits}"), false),
        (format!("-1e{}", "9".repeat(1_000)), false),
        (format!("{}e-199900", "7".repeat(200_000)), false),
        ("1e399".to_owned(), true),
        ("0.1234567".to_owned(), true),
        ("0.12345678".to_owned(), false),
    ] {
        let value = Json::parse(&number).unwrap();
        let found = schema.tables.verdict(schema.root, &value, Direction::Request).0;
        assert_eq!(found, valid, "{}", number.get(..20).unwrap_or(&number));
    }
}

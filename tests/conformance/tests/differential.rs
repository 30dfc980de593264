//! Random schemas and instances get the same verdict from this validator and from the `jsonschema` crate.
//!
//! `CUTOVER_DIFFERENTIAL=200000` tries that many schemas; a failure prints its seed, which `CUTOVER_SEED` takes.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use cutover_compiler::{Formats, compile_schema};
use cutover_conformance::verdict;
use serde_json::{Map, Value, json};

const SCHEMAS: u64 = 2_000;
const INSTANCES: usize = 12;
const NAMES: &[&str] = &["a", "b", "ab", "c", "0"];
const PATTERNS: &[&str] = &["^a", "b$", "^[a-c]{1,2}$", "a|0"];
const TYPES: &[&str] = &["null", "boolean", "integer", "number", "string", "array", "object"];

#[test]
fn verdicts_are_those_of_another_implementation() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let count = number("CUTOVER_DIFFERENTIAL").unwrap_or(SCHEMAS);
    let first = number("CUTOVER_SEED").unwrap_or(1);
    let (mut compared, mut valid, mut skipped) = (0, 0, 0);
    for seed in first..first + count {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let schema = random.root();
        let text = schema.to_string();
        let compiled = match compile_schema("random", &text, Formats::Annotations, &[]) {
            Ok(compiled) => compiled,
            Err(mistakes) => {
                let endless = mistakes.iter().all(|mistake| mistake.message.contains("without end"));
                assert!(endless, "seed {seed}: {text}: {mistakes:?}");
                skipped += 1;
                continue;
            }
        };
        let other = jsonschema::draft202012::new(&schema)
            .unwrap_or_else(|error| panic!("seed {seed}: {text}: {error}"));
        for _ in 0..INSTANCES {
            let instance = random.value(3);
            let ours = verdict(&compiled.tables, compiled.root, &instance.to_string()).unwrap();
            assert_eq!(
                ours,
                other.is_valid(&instance),
                "seed {seed}: ours first\nschema {text}\ninstance {instance}"
            );
            compared += 1;
            valid += u64::from(ours);
        }
    }
    println!(
        "{compared} verdicts compared, {valid} of them valid; {skipped} schemas refer to themselves without end"
    );
    assert!(
        count < SCHEMAS || (valid * 10 > compared && valid * 10 < compared * 9),
        "{valid} of {compared} are valid"
    );
    assert!(skipped * 5 < count, "{skipped} of {count} schemas are skipped");
}

/// A generator of fixed seed (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((bits ^ (bits >> 31)) % limit as u64).unwrap()
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn pick(&mut self, list: &[&str]) -> String {
        list[self.below(list.len())].to_owned()
    }

    fn root(&mut self) -> Value {
        let mut root = match self.schema(3) {
            Value::Object(root) => root,
            other => Map::from_iter([("allOf".to_owned(), json!([other]))]),
        };
        root.insert("$defs".to_owned(), json!({"a": self.schema(2), "b": self.schema(2)}));
        Value::Object(root)
    }

    fn schema(&mut self, depth: usize) -> Value {
        if self.chance(8) {
            return Value::Bool(self.chance(70));
        }
        let mut schema = Map::new();
        for _ in 0..=self.below(3) {
            let kind = self.below(if depth == 0 { 5 } else { 11 });
            let below = depth.saturating_sub(1);
            match kind {
                0 => self.types(&mut schema),
                1 => self.numbers(&mut schema),
                2 => self.texts(&mut schema),
                3 => self.values(&mut schema),
                4 => self.sizes(&mut schema),
                5 | 6 => self.members(&mut schema, below),
                7 => self.items(&mut schema, below),
                8 | 9 => self.choices(&mut schema, below),
                _ => {
                    // Most of them a step further down: a schema that leads to itself for the same value is refused.
                    let reference = json!(self.pick(&["#/$defs/a", "#/$defs/b", "#"]));
                    match self.below(3) {
                        0 => schema.insert("$ref".to_owned(), reference),
                        1 => schema.insert("items".to_owned(), json!({"$ref": reference})),
                        _ => schema.insert("additionalProperties".to_owned(), json!({"$ref": reference})),
                    };
                }
            }
        }
        Value::Object(schema)
    }

    fn types(&mut self, schema: &mut Map<String, Value>) {
        let (one, other) = (self.pick(TYPES), self.pick(TYPES));
        let types = if one == other || self.chance(50) { json!(one) } else { json!([one, other]) };
        schema.insert("type".to_owned(), types);
    }

    fn numbers(&mut self, schema: &mut Map<String, Value>) {
        let keyword =
            self.pick(&["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]);
        let number = if keyword == "multipleOf" {
            [json!(0.5), json!(2), json!(1.5)][self.below(3)].clone()
        } else {
            self.number()
        };
        schema.insert(keyword, number);
    }

    fn texts(&mut self, schema: &mut Map<String, Value>) {
        match self.below(3) {
            0 => schema.insert("minLength".to_owned(), json!(self.below(3))),
            1 => schema.insert("maxLength".to_owned(), json!(self.below(3))),
            _ => schema.insert("pattern".to_owned(), json!(self.pick(PATTERNS))),
        };
    }

    fn values(&mut self, schema: &mut Map<String, Value>) {
        if self.chance(50) {
            schema.insert("const".to_owned(), self.value(1));
        } else {
            let mut values = vec![self.value(0), self.value(1), self.value(1)];
            values.dedup();
            schema.insert("enum".to_owned(), Value::Array(values));
        }
    }

    fn sizes(&mut self, schema: &mut Map<String, Value>) {
        let keyword = self.pick(&[
            "minItems",
            "maxItems",
            "minProperties",
            "maxProperties",
            "uniqueItems",
            "required",
            "dependentRequired",
        ]);
        let value = match keyword.as_str() {
            "uniqueItems" => json!(true),
            "required" => json!([self.pick(NAMES)]),
            "dependentRequired" => json!({self.pick(NAMES): [self.pick(NAMES)]}),
            _ => json!(self.below(4)),
        };
        schema.insert(keyword, value);
    }

    fn members(&mut self, schema: &mut Map<String, Value>, depth: usize) {
        for _ in 0..=self.below(2) {
            let (keyword, value) = match self.below(7) {
                0 | 1 => (
                    "properties",
                    json!({self.pick(NAMES): self.schema(depth), self.pick(NAMES): self.schema(depth)}),
                ),
                2 => ("patternProperties", json!({self.pick(PATTERNS): self.schema(depth)})),
                3 => ("additionalProperties", self.schema(depth)),
                4 => ("propertyNames", self.schema(0)),
                5 => ("dependentSchemas", json!({self.pick(NAMES): self.schema(depth)})),
                _ => ("unevaluatedProperties", self.schema(depth)),
            };
            schema.insert(keyword.to_owned(), value);
        }
    }

    fn items(&mut self, schema: &mut Map<String, Value>, depth: usize) {
        for _ in 0..=self.below(2) {
            let (keyword, value) = match self.below(4) {
                0 => ("prefixItems", json!([self.schema(depth), self.schema(depth)])),
                1 => ("items", self.schema(depth)),
                2 => ("unevaluatedItems", self.schema(depth)),
                _ => {
                    if self.chance(40) {
                        schema.insert("minContains".to_owned(), json!(self.below(3)));
                    }
                    if self.chance(40) {
                        schema.insert("maxContains".to_owned(), json!(self.below(3)));
                    }
                    ("contains", self.schema(depth))
                }
            };
            schema.insert(keyword.to_owned(), value);
        }
    }

    fn choices(&mut self, schema: &mut Map<String, Value>, depth: usize) {
        match self.below(5) {
            0 => schema.insert("not".to_owned(), self.schema(depth)),
            1 => {
                for keyword in ["then", "else"] {
                    if self.chance(70) {
                        schema.insert(keyword.to_owned(), self.schema(depth));
                    }
                }
                schema.insert("if".to_owned(), self.schema(depth))
            }
            other => {
                let keyword = ["allOf", "anyOf", "oneOf"][other - 2];
                schema.insert(keyword.to_owned(), json!([self.schema(depth), self.schema(depth)]))
            }
        };
    }

    fn number(&mut self) -> Value {
        match self.below(4) {
            0 => json!(self.below(4)),
            1 => json!(-1),
            2 => json!(1.5),
            _ => json!(2.0),
        }
    }

    fn value(&mut self, depth: usize) -> Value {
        match self.below(if depth == 0 { 4 } else { 9 }) {
            0 => Value::Null,
            1 => json!(self.chance(50)),
            2 => self.number(),
            3 => json!(self.pick(NAMES)),
            4 | 5 => (0..self.below(4)).map(|_| self.value(depth - 1)).collect(),
            _ => (0..self.below(4)).map(|_| (self.pick(NAMES), self.value(depth - 1))).collect(),
        }
    }
}

//! Values that fit a schema, and every single thing wrong with them.

use serde_json::{Map, Value, json};

use super::contract::Contract;
use super::random::Random;

/// A value that is to be written as it stands, such as a number that no double holds: `{{1e400}}` is `1e400`.
const RAW: (&str, &str) = ("{{", "}}");

/// A value and what is wrong with it; some are right.
#[derive(Debug, Clone)]
pub(super) struct Variant {
    /// Where, as a JSON pointer.
    pub(super) at: String,
    pub(super) what: String,
    pub(super) value: Value,
}

/// The text of a value; see [`RAW`].
pub(super) fn written(value: &Value) -> String {
    value.to_string().replace(&format!("\"{}", RAW.0), "").replace(&format!("{}\"", RAW.1), "")
}

fn raw(text: &str) -> Value {
    Value::String(format!("{}{text}{}", RAW.0, RAW.1))
}

/// A value that fits.
pub(super) fn valid(contract: &Contract, schema: &Value, random: &mut Random) -> Value {
    let schema = contract.resolve(schema);
    if let Some(constant) = schema.get("const") {
        return constant.clone();
    }
    for list in ["enum", "oneOf"] {
        let Some(choice) = schema[list].as_array().and_then(|list| random.pick(list)) else { continue };
        return if list == "enum" { choice.clone() } else { valid(contract, choice, random) };
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::Array(types) => types.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    };
    match random.pick(&types).copied() {
        Some("string") => json!(text(schema, random)),
        Some("integer") => {
            let step = schema["multipleOf"].as_i64().unwrap_or(1);
            let (low, high) = bounds(schema);
            json!(random.between(low / step, (high / step).min(low / step + 50)) * step)
        }
        Some("number") => json!(random.pick(&[0.5, 1.0, 101.25, 990.5])),
        Some("boolean") => json!(random.one_in(2)),
        Some("array") => list(contract, schema, random),
        Some("object") => object(contract, schema, random),
        _ => Value::Null,
    }
}

fn bounds(schema: &Value) -> (i64, i64) {
    (schema["minimum"].as_i64().unwrap_or(0), schema["maximum"].as_i64().unwrap_or(100))
}

fn text(schema: &Value, random: &mut Random) -> String {
    if let Some(text) = schema["pattern"].as_str().and_then(|pattern| random.matching(pattern)) {
        return text;
    }
    let samples: &[&str] = match schema["format"].as_str() {
        Some("date-time") => {
            &["2024-03-01T00:00:00Z", "2024-03-01t10:20:30.125+01:00", "2030-12-31T23:59:60Z"]
        }
        Some("date") => &["2024-03-01", "2030-12-31"],
        Some("uuid") => {
            &["5f0c2f1e-8a41-4f0e-9d0e-1d7c1a1f0a11", "urn:uuid:5F0C2F1E-8A41-4F0E-9D0E-1D7C1A1F0A11"]
        }
        Some("email") => &["a@example.org", "first.last+tag@mail.example.org"],
        _ => &["Check settlement", "Übergröße", "😀 \u{2028} \"quoted\" \\", "a"],
    };
    random.pick(samples).copied().unwrap_or_default().to_owned()
}

fn list(contract: &Contract, schema: &Value, random: &mut Random) -> Value {
    let most = schema["maxItems"].as_u64().unwrap_or(3).min(3);
    let least = schema["minItems"].as_u64().unwrap_or(0);
    let mut items = Vec::new();
    for _ in 0..least.max(random.below(usize::try_from(most).unwrap_or(3) + 1) as u64) {
        let item = valid(contract, &schema["items"], random);
        if !items.contains(&item) {
            items.push(item);
        }
    }
    Value::Array(items)
}

fn object(contract: &Contract, schema: &Value, random: &mut Random) -> Value {
    let mut members = Map::new();
    let required = required(schema);
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        if required.contains(&name.as_str()) || random.one_in(2) {
            members.insert(name.clone(), valid(contract, member, random));
        }
    }
    if schema["additionalProperties"].is_object() {
        members.insert("any".to_owned(), valid(contract, &schema["additionalProperties"], random));
    }
    if members.is_empty()
        && schema["minProperties"].as_u64().unwrap_or(0) > 0
        && let Some((name, member)) = schema["properties"].as_object().and_then(|all| all.iter().next())
    {
        members.insert(name.clone(), valid(contract, member, random));
    }
    Value::Object(members)
}

fn required(schema: &Value) -> Vec<&str> {
    schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// The value with each single change that the schema has something to say about, in every place in it.
pub(super) fn variants(contract: &Contract, schema: &Value, value: &Value) -> Vec<Variant> {
    let mut found = Vec::new();
    let schema = fitting(contract, schema, value);
    for (what, changed) in changes(contract, schema, value) {
        found.push(Variant { at: String::new(), what, value: changed });
    }
    let mut below = |key: &str, schema: &Value, inner: &Value, put: &dyn Fn(Value) -> Value| {
        for variant in variants(contract, schema, inner) {
            found.push(Variant {
                at: format!("/{key}{}", variant.at),
                what: variant.what,
                value: put(variant.value),
            });
        }
    };
    match value {
        Value::Object(members) => {
            for (name, inner) in members {
                let own = schema["properties"].get(name).unwrap_or(&schema["additionalProperties"]);
                below(name, own, inner, &|changed| {
                    let mut members = members.clone();
                    members.insert(name.clone(), changed);
                    Value::Object(members)
                });
            }
        }
        Value::Array(items) => {
            if let Some(inner) = items.first() {
                below("0", &schema["items"], inner, &|changed| {
                    Value::Array([&[changed], items.get(1..).unwrap_or_default()].concat())
                });
            }
        }
        _ => {}
    }
    found
}

/// The schema itself, or of its `oneOf` the one whose constant members the value has.
fn fitting<'a>(contract: &'a Contract, schema: &'a Value, value: &Value) -> &'a Value {
    let schema = contract.resolve(schema);
    let fits = |one: &&Value| {
        one["properties"].as_object().into_iter().flatten().all(|(name, member)| {
            member.get("const").is_none_or(|constant| value.get(name) == Some(constant))
        })
    };
    let branches = schema["oneOf"].as_array().into_iter().flatten().map(|one| contract.resolve(one));
    branches.into_iter().find(fits).unwrap_or(schema)
}

fn changes(contract: &Contract, schema: &Value, value: &Value) -> Vec<(String, Value)> {
    let mut changes: Vec<(String, Value)> = [
        ("null", Value::Null),
        ("a boolean", json!(true)),
        ("a number", json!(1.5)),
        ("a text", json!("x")),
        ("a list", json!([])),
        ("an object", json!({})),
    ]
    .into_iter()
    .filter(|(_, other)| std::mem::discriminant(other) != std::mem::discriminant(value))
    .map(|(what, other)| (format!("{what} instead"), other))
    .collect();
    let own = match value {
        Value::String(text) => text_changes(schema, text),
        Value::Number(_) => number_changes(schema),
        Value::Array(items) => list_changes(schema, items),
        Value::Object(members) => object_changes(contract, schema, members),
        _ => Vec::new(),
    };
    changes.extend(own);
    changes
}

fn text_changes(schema: &Value, text: &str) -> Vec<(String, Value)> {
    let mut changes = Vec::new();
    let mut add = |what: &str, text: String| changes.push((what.to_owned(), Value::String(text)));
    if schema.get("enum").or(schema.get("const")).is_some() {
        add("a value that is not listed", "other".to_owned());
        add("a listed value in other case", text.to_uppercase());
    }
    if schema.get("pattern").is_some() {
        add("a text before what fits the pattern", format!("!{text}"));
        add("a line feed after what fits the pattern", format!("{text}\n"));
        add("no text at all", String::new());
    }
    for broken in broken_formats(schema["format"].as_str()) {
        add(
            &format!("not quite a {}: {broken}", schema["format"].as_str().unwrap_or_default()),
            (*broken).to_owned(),
        );
    }
    if let Some(least) = schema["minLength"].as_u64() {
        add("one character too few", "a".repeat(usize::try_from(least).unwrap_or(1).saturating_sub(1)));
    }
    if let Some(most) = schema["maxLength"].as_u64() {
        let most = usize::try_from(most).unwrap_or_default();
        add("as many characters as may be", "a".repeat(most));
        add("as many characters as may be, each of four bytes", "😀".repeat(most));
        add("one character too many", "a".repeat(most + 1));
        add("one combining character too many", "e\u{301}".repeat(most / 2 + 1));
    }
    changes
}

fn broken_formats(format: Option<&str>) -> &'static [&'static str] {
    match format {
        Some("date-time") => &[
            "2024-03-01",
            "2024-03-01 00:00:00Z",
            "2024-03-01T00:00:00",
            "2024-02-30T24:00:00Z",
            "2024-03-01T00:60:00Z",
            "2024-03-01T12:59:60Z",
            "2024-03-01T00:00:00.Z",
            "2024-03-01T00:00:00+1:00",
            "2024-03-01T00:00:00+99",
            "2024-19-39T29:00:00z",
            "",
        ],
        Some("date") => &["2024-02-31", "2024-20-01", "24-01-01", "2024-01-01Z", "2024-1-1"],
        Some("uuid") => &[
            "5f0c2f1e8a414f0e9d0e1d7c1a1f0a11",
            "{5f0c2f1e-8a41-4f0e-9d0e-1d7c1a1f0a11}",
            "5f0c2f1e-8a41-4f0e-9d0e-1d7c1a1f0a1",
            "gf0c2f1e-8a41-4f0e-9d0e-1d7c1a1f0a11",
        ],
        Some("email") => &[
            "a",
            "@example.org",
            "a@",
            "a@-example.org",
            "a b@example.org",
            "a@example..org",
            "ä@example.org",
            "",
        ],
        _ => &[],
    }
}

fn number_changes(schema: &Value) -> Vec<(String, Value)> {
    let mut changes = vec![
        ("a fraction".to_owned(), json!(1.5)),
        ("a whole number with a point: 5.0".to_owned(), raw("5.0")),
        ("a whole number with an exponent: 1e1".to_owned(), raw("1e1")),
        ("more than a double holds: 1e400".to_owned(), raw("1e400")),
        ("more digits than a double has".to_owned(), raw("9007199254740993")),
        ("a negative zero".to_owned(), raw("-0")),
        ("a text of digits".to_owned(), json!("5")),
    ];
    for (bound, words, beyond) in [
        ("minimum", "the least that may be", -1),
        ("maximum", "the most that may be", 1),
        ("exclusiveMinimum", "what is just not enough", -1),
    ] {
        if let Some(value) = schema[bound].as_i64() {
            changes.push((words.to_owned(), json!(value)));
            changes.push((format!("beyond {words}"), json!(value + beyond)));
        }
    }
    if let Some(step) = schema["multipleOf"].as_i64() {
        changes.push(("no multiple".to_owned(), json!(step + 1)));
    }
    changes
}

fn list_changes(schema: &Value, items: &[Value]) -> Vec<(String, Value)> {
    let mut changes = vec![("an empty list".to_owned(), json!([]))];
    if let Some(item) = items.first() {
        changes.push(("the same item twice".to_owned(), json!([item, item])));
        let most = schema["maxItems"].as_u64().map_or(0, |most| usize::try_from(most).unwrap_or_default());
        let many: Vec<Value> = match item {
            Value::String(_) if schema["items"].get("enum").is_none() => {
                (0..=most).map(|index| json!(format!("a{index}"))).collect()
            }
            _ => vec![item.clone(); most + 1],
        };
        changes.push(("one item too many".to_owned(), Value::Array(many)));
    }
    changes
}

fn object_changes(contract: &Contract, schema: &Value, members: &Map<String, Value>) -> Vec<(String, Value)> {
    let with = |change: &dyn Fn(&mut Map<String, Value>)| {
        let mut members = members.clone();
        change(&mut members);
        Value::Object(members)
    };
    let mut changes = vec![
        ("an empty object".to_owned(), json!({})),
        ("a member that is unknown".to_owned(), with(&|all| _ = all.insert("unknown".to_owned(), json!(1)))),
        ("a member without a name".to_owned(), with(&|all| _ = all.insert(String::new(), json!("")))),
        (
            "a member called __proto__".to_owned(),
            with(&|all| _ = all.insert("__proto__".to_owned(), json!(""))),
        ),
    ];
    for name in required(schema) {
        changes.push((format!("no {name}"), with(&|all| _ = all.remove(name))));
    }
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        if !members.contains_key(name) {
            let value = valid(contract, member, &mut Random::new(3));
            changes
                .push((format!("{name} as well"), with(&|all| _ = all.insert(name.clone(), value.clone()))));
        }
    }
    if let Some(most) = schema["maxProperties"].as_u64() {
        let many = (0..=most).map(|index| (format!("m{index}"), json!("")));
        changes.push(("one member too many".to_owned(), Value::Object(many.collect())));
    }
    changes
}

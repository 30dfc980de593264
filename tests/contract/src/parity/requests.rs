//! For every operation: valid requests, and each single thing that can be wrong with one; then several at once.

use serde_json::{Value, json};

use super::broken::{Change, of_body_bytes, of_media_type};
use super::contract::{BodySchema, Contract, Operation, Parameter};
use super::draft::Draft;
use super::random::Random;
use super::values::{Variant, valid, variants, written};
use crate::client::Outgoing;

/// Valid requests of each operation.
const VALID: usize = 6;
/// Requests of each operation in which several things are wrong.
const SEVERAL: usize = 12;

/// A generated request.
#[derive(Debug, Clone)]
pub struct Generated {
    /// Its operation.
    pub operation: String,
    /// The place of what is wrong: `query limit`, `body /quantity`.
    pub place: String,
    /// What is wrong there, or `valid`.
    pub what: String,
    pub(crate) request: Outgoing,
}

pub(super) fn generate(contract: &Contract, seed: u64) -> anyhow::Result<Vec<Generated>> {
    let mut random = Random::new(seed);
    let mut all = Vec::new();
    for operation in contract.operations()? {
        let mut add = |place: &str, what: &str, draft: &Draft| {
            all.push(Generated {
                operation: operation.id.clone(),
                place: place.to_owned(),
                what: what.to_owned(),
                request: draft.outgoing(),
            });
        };
        for _ in 0..VALID {
            add("request", "valid", &Draft::of(contract, &operation, &mut random));
        }
        let base = Draft::of(contract, &operation, &mut random);
        let changes = changes(contract, &operation, &base, &mut random);
        for change in &changes {
            let mut draft = base.clone();
            (change.make)(&mut draft);
            add(&change.place, &change.what, &draft);
        }
        for _ in 0..SEVERAL {
            let mut draft = Draft::of(contract, &operation, &mut random);
            let mut words = Vec::new();
            for _ in 0..2 + random.below(2) {
                let Some(change) = random.pick(&changes) else { continue };
                (change.make)(&mut draft);
                words.push(format!("{}: {}", change.place, change.what));
            }
            add("several", &words.join(" + "), &draft);
        }
    }
    Ok(all)
}

fn changes(contract: &Contract, operation: &Operation, base: &Draft, random: &mut Random) -> Vec<Change> {
    let mut changes = of_query(&operation.id);
    for parameter in &operation.parameters {
        let value = match &parameter.schema["type"] {
            list if *list == "array" => json!([valid(contract, &parameter.schema["items"], random)]),
            _ => valid(contract, &parameter.schema, random),
        };
        let name = parameter.name.clone();
        let place = format!("{} {name}", parameter.place);
        for Variant { at, what, value } in variants(contract, &parameter.schema, &value) {
            changes.extend(of_value(parameter, &format!("{place}{at}"), &what, value));
        }
        changes.extend(match parameter.place.as_str() {
            "query" => of_query_parameter(parameter, &place, &value),
            "path" => of_path_parameter(&name, &place),
            _ => of_header(&name.to_ascii_lowercase(), &place, &value),
        });
    }
    if let Some(body) = &operation.body {
        changes.extend(of_body_value(contract, body, base, random));
        changes.extend(of_body_bytes(base));
        changes.extend(of_media_type(&body.media_type));
    }
    changes
}

/// A parameter with a value that fits or does not, if there is a way to write it.
fn of_value(parameter: &Parameter, place: &str, what: &str, value: Value) -> Option<Change> {
    let header = !matches!(parameter.place.as_str(), "query" | "path");
    let unwritable = value.is_object()
        || header && (value.is_array() || value.as_str().is_some_and(|text| text.contains(char::is_control)))
        || parameter.place == "path" && (value.is_array() || value == "");
    let (name, place_of, explode) = (parameter.name.clone(), parameter.place.clone(), parameter.explode);
    (!unwritable).then(|| {
        Change::new(place, what, move |draft| {
            let parameter = Parameter {
                name: name.clone(),
                place: place_of.clone(),
                required: true,
                explode,
                schema: Value::Null,
                example: None,
            };
            draft.set(&parameter, &value);
        })
    })
}

fn of_query(operation: &str) -> Vec<Change> {
    let pieces = [
        ("a parameter that is unknown", "unknown=1"),
        ("a parameter that is unknown, without a value", "unknown"),
        ("a parameter without a name", "=1"),
        ("a parameter called __proto__", "__proto__=1"),
        ("a parameter with brackets", "a[b]=1"),
        ("a parameter with encoded brackets", "a%5Bb%5D=1"),
        ("nothing between two ampersands", "&&"),
        ("a name that is no UTF-8", "%ff=1"),
        ("a name whose encoding is broken", "%zz=1"),
    ];
    let mut changes: Vec<Change> = pieces
        .into_iter()
        .map(|(what, piece)| Change::new("query", what, move |draft| draft.set_query("", piece)))
        .collect();
    let many = (0..1200).map(|index| format!("u{index}=1")).collect::<Vec<_>>().join("&");
    if operation == "listTasks" {
        changes.push(Change::new("query", "1200 parameters", move |draft| draft.set_query("", &many)));
    }
    changes
}

fn of_query_parameter(parameter: &Parameter, place: &str, value: &Value) -> Vec<Change> {
    let name = &parameter.name;
    let mut draft_of_value = Vec::new();
    if let Some(first) = value.as_array().map_or(Some(value), |items| items.first()) {
        draft_of_value.push(written(first).trim_matches('"').replace('+', "%2B").replace(':', "%3A"));
    }
    let fits = draft_of_value.concat();
    let first = name.chars().next().map_or(String::new(), |first| format!("%{:02x}", u32::from(first)));
    let rest = name.get(1..).unwrap_or_default();
    let mut raw: Vec<(String, String)> = vec![
        ("an empty value".to_owned(), format!("{name}=")),
        ("no value".to_owned(), name.clone()),
        ("twice the same".to_owned(), format!("{name}={fits}&{name}={fits}")),
        ("the second time without a value".to_owned(), format!("{name}={fits}&{name}=")),
        ("a name with an encoded letter".to_owned(), format!("{first}{rest}={fits}")),
        ("a name in capitals".to_owned(), format!("{}={fits}", name.to_uppercase())),
        ("a name with brackets".to_owned(), format!("{name}[]={fits}")),
        ("a name with a dot".to_owned(), format!("{name}.a={fits}")),
        ("two equals signs".to_owned(), format!("{name}=={fits}")),
    ];
    let values = [
        "%20",
        "+",
        "%zz",
        "%ff",
        "%F0%9F%98%80",
        "%00",
        "a:b",
        "a/b",
        "a;b",
        "a,b",
        "%2C",
        "a%2Cb",
        ",",
        "'",
        "(1)",
        "*",
        "$",
        "!",
        "@",
        "a?b",
        "~",
        "%2B5",
        "+5",
        "%205",
        "5%0a",
        "5%C2%A0",
        "0x10",
        "0b1",
        "1e1",
        "1.0",
        "1.",
        ".5",
        "-0",
        "00",
        "1_0",
        "1n",
        "Infinity",
        "-Infinity",
        "NaN",
        "1e400",
        "-1e400",
        "1e-400",
        "99999999999999999999",
        "9223372036854775807",
        "2147483648",
        "-2147483649",
        "true",
        "false",
        "TRUE",
        "1",
        "0",
        "null",
        "undefined",
    ];
    raw.extend(values.map(|value| (format!("the value {value}"), format!("{name}={value}"))));
    raw.into_iter()
        .map(|(what, raw)| {
            let name = name.clone();
            Change::new(place, &what, move |draft| draft.set_query(&name, &raw))
        })
        .collect()
}

fn of_path_parameter(name: &str, place: &str) -> Vec<Change> {
    let values = [
        "%20",
        "%zz",
        "%ff",
        "%F0%9F%98%80",
        "%00",
        "a:b",
        "a%2Fb",
        "%2e%2e",
        "+5",
        "%2B5",
        "%205",
        "5%20",
        "0x10",
        "1e1",
        "1.0",
        "-1",
        "0",
        "Infinity",
        "1e400",
        "99999999999999999999",
        "9223372036854775807",
        "9223372036854775808",
        "trd_00000000000G",
        "trd_000000000001%0a",
        "%74rd_000000000001",
        "TRD_000000000001",
        "true",
        "null",
        "*",
        "1;a=b",
        "1,2",
        "~",
        "(1)",
    ];
    let change = |value: &'static str| {
        let name = name.to_owned();
        Change::new(place, &format!("the value {value}"), move |draft| draft.set_path(&name, value))
    };
    values.into_iter().map(change).collect()
}

fn of_header(name: &str, place: &str, value: &Value) -> Vec<Change> {
    let fits = written(value).trim_matches('"').to_owned();
    let values = [
        ("an empty value", String::new()),
        ("spaces around the value", format!("  {fits}\t")),
        ("a comma in the value", format!("{fits},{fits}")),
        ("the value in capitals", fits.to_uppercase()),
        ("a character that is no ASCII", format!("{fits}ü")),
    ];
    let set = |(what, value): (&str, String)| {
        let name = name.to_owned();
        Change::new(place, what, move |draft| draft.set_header(&name, &value))
    };
    let mut changes: Vec<Change> = values.into_iter().map(set).collect();
    let own = name.to_owned();
    changes.push(Change::new(place, "none", move |draft| draft.drop_header(&own)));
    let own = name.to_owned();
    changes
        .push(Change::new(place, "sent twice", move |draft| draft.headers.push((own.clone(), fits.clone()))));
    changes
}

fn of_body_value(contract: &Contract, body: &BodySchema, base: &Draft, random: &mut Random) -> Vec<Change> {
    // Every alternative of the body is seen: the base has one, and these have the others.
    let mut values = vec![base.value.clone()];
    for branch in body.schema["oneOf"].as_array().into_iter().flatten() {
        values.push(valid(contract, branch, random));
    }
    // Everything that may be there is there in this one.
    let longest =
        (0..40).map(|_| valid(contract, &body.schema, random)).max_by_key(|value| written(value).len());
    values.extend(longest);
    let mut changes: Vec<Change> = Vec::new();
    for value in &values {
        for Variant { at, what, value } in variants(contract, &body.schema, value) {
            let place = format!("body {at}").trim_end().to_owned();
            if !changes.iter().any(|known| known.place == place && known.what == what) || !at.contains('/') {
                changes.push(Change::new(&place, &what, move |draft| draft.set_body(value.clone())));
            }
        }
    }
    changes
}

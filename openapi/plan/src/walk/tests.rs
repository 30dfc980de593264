//! The walker beside the tree's checker, on schemas and documents made at random from fixed seeds.

use super::*;
use crate::operation::Discriminator;
use crate::schema::{
    AnyRules, ArrayRules, Choice, Condition, Constant, Contains, DependentRequired, NumberFormat,
    NumberRules, ObjectRules, Property, Reference, Schema, StringFormat, StringRules, TextRule, Unique,
};

/// A small generator of numbers (xorshift64*, Marsaglia), the same on every machine.
struct Dice(u64);

const NAMES: [&str; 8] = ["a", "b", "ab", "id", "name", "né", "", "items"];
const TEXTS: [&str; 8] =
    ["", "a", "ab", "abc", "é😀", "2024-02-29", "2023-02-29", "a longer text, of some words"];
const NUMBERS: [&str; 16] = [
    "0",
    "-0",
    "1",
    "2",
    "3",
    "-1",
    "1.0",
    "1.5",
    "0.1",
    "10",
    "2147483648",
    "9007199254740993",
    "1e2",
    "1e400",
    "123456789012345678",
    "100",
];
const SCHEMAS: u32 = 9;

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from((self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % sides as u64).unwrap()
    }

    /// Once in so many times.
    fn once_in(&mut self, times: usize) -> bool {
        self.roll(times) == 0
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.roll(all.len())]
    }

    fn maybe<T>(&mut self, times: usize, make: impl FnOnce(&mut Dice) -> T) -> Option<T> {
        self.once_in(times).then(|| make(self))
    }

    fn id(&mut self) -> SchemaId {
        u32::try_from(self.roll(SCHEMAS as usize)).unwrap()
    }

    fn count(&mut self) -> u64 {
        self.roll(4) as u64
    }

    fn number(&mut self) -> crate::number::Number<'static> {
        Json::parse(self.of(&NUMBERS)).unwrap().number().unwrap().into_owned()
    }

    /// Some that the walker knows; with `all`, some that it does not.
    fn schema(&mut self, all: bool) -> Schema {
        const KINDS: [Kind; 7] =
            [Kind::String, Kind::Number, Kind::Integer, Kind::Boolean, Kind::Null, Kind::Array, Kind::Object];
        let types = match self.roll(4) {
            0 => Vec::new(),
            1 => vec![self.of(&KINDS), self.of(&KINDS)],
            _ => vec![self.of(&[
                Kind::String,
                Kind::Number,
                Kind::Integer,
                Kind::Array,
                Kind::Object,
                Kind::Object,
            ])],
        };
        Schema {
            never: all && self.once_in(30),
            type_late: all && types.len() == 1 && self.once_in(10),
            types,
            nullable: self.once_in(5),
            any: if self.once_in(if all { 3 } else { 8 }) { self.any(all) } else { AnyRules::default() },
            number: self.numbers(all),
            string: self.strings(all),
            array: self.arrays(all),
            object: self.objects(all),
            ..Schema::default()
        }
    }

    fn any(&mut self, all: bool) -> AnyRules {
        if !all {
            return AnyRules { reference: Some(self.reference()), ..AnyRules::default() };
        }
        let values = (0..3).map(|_| self.document(0, 2)).collect::<Vec<_>>();
        let values: Vec<Json<'static>> =
            values.iter().filter_map(|text| Json::parse(text).ok()).map(Json::into_owned).collect();
        let one_of = self.maybe(6, |dice| vec![dice.id(), dice.id()]).unwrap_or_default();
        AnyRules {
            reference: self.maybe(4, Dice::reference),
            constant: self.maybe(8, |_| Box::new(Constant(values.first().cloned().unwrap_or_default()))),
            choice: self.maybe(3, |_| Box::new(Choice { values: values.clone(), text: String::new() })),
            not: self.maybe(8, Dice::id),
            any_of: self.maybe(6, |dice| vec![dice.id(), dice.id()]).unwrap_or_default(),
            one_of,
            all_of: self.maybe(6, |dice| vec![dice.id(), dice.id()]).unwrap_or_default(),
            condition: self.maybe(8, |dice| Condition {
                test: dice.id(),
                then: Some(dice.id()),
                otherwise: dice.maybe(2, Dice::id),
            }),
            discriminator: None::<Box<Discriminator>>,
            read_only: self.once_in(8),
            write_only: self.once_in(8),
        }
    }

    /// Only to later schemas: what refers to itself in place never ends.
    fn reference(&mut self) -> Reference {
        Reference { schema: self.id(), inline: self.once_in(2), remember: self.once_in(3) }
    }

    fn numbers(&mut self, all: bool) -> NumberRules {
        let times = 6;
        NumberRules {
            maximum: self.maybe(times, Dice::number),
            minimum: self.maybe(times, Dice::number),
            exclusive_maximum: self.maybe(times, Dice::number),
            exclusive_minimum: self.maybe(times, Dice::number),
            multiple_of: self
                .maybe(times, Dice::number)
                .filter(|unit| all && unit.compare(&crate::number::Number::Double(0.0)).is_gt()),
            format: self.maybe(times, |dice| {
                let formats =
                    [NumberFormat::Int32, NumberFormat::Int64, NumberFormat::Whole, NumberFormat::Float];
                dice.of(&formats)
            }),
            ..NumberRules::default()
        }
    }

    fn strings(&mut self, all: bool) -> StringRules {
        let date =
            || StringFormat { name: "date".to_owned(), rule: Some(TextRule::Date), ..Default::default() };
        StringRules {
            max_length: self.maybe(4, Dice::count),
            min_length: self.maybe(6, Dice::count),
            format: if all { self.maybe(6, |_| date()) } else { None },
            ..StringRules::default()
        }
    }

    fn arrays(&mut self, all: bool) -> ArrayRules {
        ArrayRules {
            max_items: self.maybe(5, Dice::count),
            min_items: self.maybe(6, Dice::count),
            items: self.maybe(2, Dice::id),
            prefix: if all { self.maybe(8, |dice| vec![dice.id()]).unwrap_or_default() } else { Vec::new() },
            contains: self
                .maybe(8, |dice| Contains { schema: dice.id(), least: 1, most: None })
                .filter(|_| all),
            unique: self.maybe(6, |_| Unique::Any).filter(|_| all),
            unevaluated: None,
        }
    }

    fn objects(&mut self, all: bool) -> ObjectRules {
        let mut properties: Vec<Property> = Vec::new();
        for _ in 0..self.roll(5) {
            let name = self.of(&NAMES).to_owned();
            if !properties.iter().any(|property| property.name == name) {
                properties.push(Property { name, schema: self.maybe(2, Dice::id) });
            }
        }
        let additional = match self.roll(5) {
            0 => Additional::Refused,
            1 => Additional::Schema(self.id()),
            _ => Additional::Allowed,
        };
        ObjectRules {
            max_properties: self.maybe(8, Dice::count),
            min_properties: self.maybe(8, Dice::count),
            required: self.maybe(3, |dice| vec![dice.of(&NAMES).to_owned()]).unwrap_or_default(),
            defaulted: self
                .maybe(10, |dice| vec![dice.of(&NAMES).to_owned()])
                .filter(|_| all)
                .unwrap_or_default(),
            names: self.maybe(12, Dice::id).filter(|_| all),
            additional,
            properties,
            dependent_required: self
                .maybe(12, |dice| {
                    let mut name = || dice.of(&NAMES).to_owned();
                    vec![DependentRequired { name: name(), needs: vec![name()] }]
                })
                .filter(|_| all)
                .unwrap_or_default(),
            ..ObjectRules::default()
        }
    }

    fn document(&mut self, depth: usize, most: usize) -> String {
        let space = if self.once_in(6) { " \n" } else { "" };
        let kinds = if depth >= most { 5 } else { 9 };
        let value = match self.roll(kinds) {
            0 | 1 => format!("\"{}\"", self.of(&TEXTS)),
            2 | 3 => self.of(&NUMBERS).to_owned(),
            4 => self.of(&["true", "false", "null", "\"\\u00e9\\n\"", "\"a\\\"b\""]).to_owned(),
            5 | 6 => {
                let items: Vec<String> = (0..self.roll(4)).map(|_| self.document(depth + 1, most)).collect();
                format!("[{}]", items.join(&format!("{space},")))
            }
            _ => self.object(depth, most, space),
        };
        format!("{space}{value}")
    }

    fn object(&mut self, depth: usize, most: usize, space: &str) -> String {
        let mut names: Vec<&str> = (0..self.roll(5)).map(|_| self.of(&NAMES)).collect();
        if !self.once_in(10) {
            names.sort_unstable();
            names.dedup();
        }
        let members: Vec<String> = names
            .iter()
            .map(|name| format!("\"{name}\"{space}:{}", self.document(depth + 1, most)))
            .collect();
        format!("{{{}}}", members.join(","))
    }

    fn tables(&mut self, all: bool) -> Tables {
        let mut schemas: Vec<Schema> = (0..SCHEMAS).map(|_| self.schema(all)).collect();
        // What looks at the same value must be a later schema, or checking would not end.
        for (at, schema) in schemas.iter_mut().enumerate() {
            let last = SCHEMAS - 1;
            let at = u32::try_from(at).unwrap();
            let later = |id: &mut SchemaId| *id = at + 1 + *id % (last - at).max(1);
            if at == last {
                schema.any = AnyRules::default();
                continue;
            }
            let any = &mut schema.any;
            any.reference.iter_mut().for_each(|reference| later(&mut reference.schema));
            any.not.iter_mut().for_each(later);
            any.any_of.iter_mut().chain(&mut any.one_of).chain(&mut any.all_of).for_each(later);
            if let Some(condition) = &mut any.condition {
                later(&mut condition.test);
                condition.then.iter_mut().chain(&mut condition.otherwise).for_each(later);
            }
        }
        Tables { schemas, patterns: Vec::new() }
    }
}

fn tree_accepts(tables: &Tables, body: &[u8]) -> bool {
    let text = std::str::from_utf8(body).unwrap_or_default();
    let value = Json::parse(text.strip_prefix('\u{feff}').unwrap_or(text));
    value.is_ok_and(|value| {
        matches!(value, Json::Array(_) | Json::Object(_)) && tables.verdict(0, &value, Direction::Request).0
    })
}

#[test]
fn nothing_is_accepted_that_the_tree_would_refuse() {
    let mut dice = Dice(0x5eed);
    let (mut accepted, mut valid) = (0, 0);
    for round in 0..4_000 {
        let tables = dice.tables(round % 2 == 0);
        let walks = Walks::new(&tables);
        for _ in 0..20 {
            let mut body = dice.document(0, 3).into_bytes();
            if dice.once_in(4) && !body.is_empty() {
                let at = dice.roll(body.len());
                body[at] = dice.of(b"{}[]\",:\\ 0-1e.t\x00\xc3\xa9\xff");
            }
            let (walk, tree) =
                (walks.accept(&tables, Some(0), &body, Direction::Request), tree_accepts(&tables, &body));
            assert!(tree || !walk, "{}\n{:#?}", String::from_utf8_lossy(&body), tables.schemas);
            accepted += usize::from(walk);
            valid += usize::from(tree);
        }
    }
    assert!(valid > 3_000, "only {valid} of the documents are valid");
    assert!(accepted * 10 > valid * 8, "of {valid} valid documents only {accepted} are accepted");
}

#[test]
fn what_needs_no_tree_is_decided_without_one() {
    let mut dice = Dice(0xface);
    for _ in 0..3_000 {
        let tables = dice.tables(false);
        let walks = Walks::new(&tables);
        for _ in 0..20 {
            let body = dice.document(0, 3);
            let repeated = |text: &str| walks.accept(&tables, None, text.as_bytes(), Direction::Request);
            // A member that is repeated or has an escape in its name is the one thing that is always looked at closer.
            if body.trim_start().starts_with(['{', '[']) && repeated(&body) {
                let walk = walks.accept(&tables, Some(0), body.as_bytes(), Direction::Request);
                assert_eq!(walk, tree_accepts(&tables, body.as_bytes()), "{body}\n{:#?}", tables.schemas);
            }
        }
    }
}

#[test]
fn repeated_members_are_looked_at_closer_wherever_they_are() {
    let walks = Walks::default();
    let accepts = |text: &str| walks.accept(&Tables::default(), None, text.as_bytes(), Direction::Request);
    let many: String = (0..40).map(|n| format!("\"k{n}\":1,")).collect();
    assert!(accepts(&format!("{{{many}\"z\":[{{\"k1\":1}}]}}")));
    assert!(!accepts(&format!("{{{many}\"k17\":1}}")));
    assert!(!accepts(r#"[{"a":{"x":1,"y":2,"x":1}}]"#));
    assert!(!accepts(r#"{"\u0061":1}"#));
}

#[test]
fn only_whole_documents_of_bounded_depth_are_accepted() {
    let walks = Walks::default();
    let accepts = |text: &str| walks.accept(&Tables::default(), None, text.as_bytes(), Direction::Request);
    let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(accepts(&deep(MAX_DEPTH)));
    assert!(accepts("\u{feff} [1, {\"a\": [true, null]}]\n"));
    for text in [
        &deep(MAX_DEPTH + 1),
        &"[".repeat(1_000_000),
        "",
        "1",
        "\"a\"",
        "[1]]",
        "[1",
        "[1,]",
        "{\"a\"}",
        "{,}",
    ] {
        assert!(!accepts(text), "{}", text.get(..20).unwrap_or(text));
    }
}

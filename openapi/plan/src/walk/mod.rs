//! The fast way to say yes: holds a JSON body against its schema while it reads the bytes once, without a tree.
//!
//! Knows fewer rules than the tree's checker. A value whose schema has another one (a choice, `uniqueItems`, a pattern, …) is
//! made a tree of, it alone, and asked about. Whatever it is not certain of, it does not accept, and the caller looks
//! closer: only the tree's checker says no, and why.

mod scan;
mod shape;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use crate::check::{Checker, MAX_CHECKS};
use crate::json::{Json, MAX_DEPTH};
use crate::schema::{Additional, Direction, Kind, SchemaId, Tables};
use crate::sort::sorted;
use crate::violation::Place;
use scan::{Scan, Text};
use shape::{ArrayShape, INTEGER, NUMBER, NumberShape, ObjectShape, Rule, Shape, TextShape, bit, resolved};

/// What the walker knows of all schemas of a plan.
#[derive(Debug, Clone, Default)]
pub(crate) struct Walks {
    shapes: Vec<Shape>,
    /// For each schema the one that it is a name for, or itself.
    targets: Vec<SchemaId>,
    /// How many checks the tree's checker nests for each level of a value, at most, where the walker goes.
    checks: usize,
}

/// Up to this many unknown names are compared with each other.
const FEW: usize = 12;

impl Walks {
    /// Looks at the schemas once, ahead.
    pub(crate) fn new(tables: &Tables) -> Walks {
        let (targets, longest) = resolved(tables);
        let resolve = |id: SchemaId| targets.get(id as usize).copied().unwrap_or(id);
        let shapes = tables.schemas.iter().map(|schema| Shape::of(schema, &resolve)).collect();
        Walks { shapes, targets, checks: longest + 1 }
    }

    /// Whether the body is certainly a JSON object or list that is valid by the schema, with no member twice in an object.
    ///
    /// `tables` are those that the walks were made of.
    #[must_use]
    pub(crate) fn accept(
        &self,
        tables: &Tables,
        schema: Option<SchemaId>,
        body: &[u8],
        direction: Direction,
    ) -> bool {
        let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
        let schema = schema.map(|id| self.targets.get(id as usize).copied().unwrap_or(id));
        let mut walker = Walker { walks: self, tables, direction, scan: Scan::new(body), names: Vec::new() };
        walker.document(schema).is_some()
    }
}

/// One walk. Everywhere `None` says: look closer.
struct Walker<'w> {
    walks: &'w Walks,
    tables: &'w Tables,
    direction: Direction,
    scan: Scan<'w>,
    /// The unknown names of the objects that are open.
    names: Vec<&'w [u8]>,
}

impl<'w> Walker<'w> {
    fn document(&mut self, schema: Option<SchemaId>) -> Option<()> {
        self.scan.space();
        if !matches!(self.scan.peek()?, b'{' | b'[') {
            return None;
        }
        self.value(schema, 0)?;
        self.scan.space();
        self.scan.is_done().then_some(())
    }

    /// A value; without a schema any is valid.
    fn value(&mut self, schema: Option<SchemaId>, depth: usize) -> Option<()> {
        let first = self.scan.peek()?;
        let walks = self.walks;
        let Some(id) = schema else { return self.free(first, depth) };
        let shape = walks.shapes.get(id as usize)?;
        let may_be = |kind: Kind| (shape.kinds & bit(kind) != 0).then_some(());
        match first {
            b'"' => {
                may_be(Kind::String)?;
                self.text(id, &shape.text)
            }
            b'{' => {
                may_be(Kind::Object)?;
                match &shape.object {
                    Rule::Is(object) => self.object(object, depth),
                    Rule::Free => self.free(first, depth),
                    Rule::Ask => self.ask(id, depth),
                }
            }
            b'[' => {
                may_be(Kind::Array)?;
                match &shape.array {
                    Rule::Is(array) => self.array(array, depth),
                    Rule::Free => self.free(first, depth),
                    Rule::Ask => self.ask(id, depth),
                }
            }
            b't' | b'f' | b'n' => {
                may_be(if first == b'n' { Kind::Null } else { Kind::Boolean })?;
                match &shape.word {
                    Rule::Free | Rule::Is(()) => self.free(first, depth),
                    Rule::Ask => self.ask(id, depth),
                }
            }
            _ => self.number(id, shape, depth),
        }
    }

    /// A value that only has to be JSON.
    fn free(&mut self, first: u8, depth: usize) -> Option<()> {
        const ANY: ArrayShape = ArrayShape { least: 0, most: u64::MAX, items: None };
        match first {
            b'"' => self.scan.string().map(|_| ()),
            b'{' => self.any_object(depth),
            b'[' => self.array(&ANY, depth),
            b't' => self.scan.word(b"true"),
            b'f' => self.scan.word(b"false"),
            b'n' => self.scan.word(b"null"),
            _ => self.scan.number().map(|_| ()),
        }
    }

    fn text(&mut self, id: SchemaId, rule: &Rule<TextShape>) -> Option<()> {
        let start = self.scan.at();
        let text = self.scan.string()?;
        match rule {
            Rule::Free => Some(()),
            Rule::Is(rule) if text.plain => allows(rule, &text).then_some(()),
            Rule::Ask if text.plain => {
                let text = Json::String(Cow::Borrowed(std::str::from_utf8(text.raw).ok()?));
                self.check(id, &text, 0)
            }
            Rule::Is(_) | Rule::Ask => self.ask_since(id, start, 0),
        }
    }

    fn number(&mut self, id: SchemaId, shape: &Shape, depth: usize) -> Option<()> {
        let start = self.scan.at();
        let value = self.scan.number()?;
        if shape.kinds & (NUMBER | INTEGER) == 0 {
            return None;
        }
        let any = shape.kinds & NUMBER != 0;
        match (&shape.number, value) {
            (Rule::Free, _) if any => Some(()),
            (Rule::Free, Some(value)) => (value.fract() == 0.0).then_some(()),
            (Rule::Is(rule), Some(value)) if any || value.fract() == 0.0 => holds(rule, value).then_some(()),
            (Rule::Is(_), Some(_)) => None,
            (Rule::Free | Rule::Is(_), None) | (Rule::Ask, _) => self.ask_since(id, start, depth),
        }
    }

    fn array(&mut self, rules: &ArrayShape, depth: usize) -> Option<()> {
        self.open(depth)?;
        if self.scan.take(b']') {
            return (rules.least == 0).then_some(());
        }
        let mut count = 0;
        loop {
            count += 1;
            self.value(rules.items, depth + 1)?;
            if self.closed(b']')? {
                return (rules.least..=rules.most).contains(&count).then_some(());
            }
        }
    }

    fn object(&mut self, rules: &ObjectShape, depth: usize) -> Option<()> {
        self.open(depth)?;
        let unknown = self.names.len();
        let mut seen: u128 = 0;
        let mut expected = 0;
        if !self.scan.take(b'}') {
            loop {
                let name = self.name()?;
                let schema = match rules.find(name, expected) {
                    Some(at) => {
                        let bit = 1_u128 << (at % 128);
                        if seen & bit != 0 {
                            return None;
                        }
                        seen |= bit;
                        expected = at + 1;
                        rules.members.get(at)?.schema
                    }
                    None => {
                        self.names.push(name);
                        None
                    }
                };
                let schema = match (schema, rules.additional) {
                    (Some(schema), _) => schema,
                    (None, Additional::Allowed | Additional::Evaluated) => None,
                    (None, Additional::Schema(schema)) => Some(schema),
                    (None, Additional::Refused) => return None,
                };
                self.value(schema, depth + 1)?;
                if self.closed(b'}')? {
                    break;
                }
            }
        }
        let count = u64::from(seen.count_ones()) + (self.names.len() - unknown) as u64;
        self.forget_names(unknown)?;
        let complete = seen & rules.required == rules.required;
        (complete && (rules.least..=rules.most).contains(&count)).then_some(())
    }

    fn any_object(&mut self, depth: usize) -> Option<()> {
        self.open(depth)?;
        if self.scan.take(b'}') {
            return Some(());
        }
        let unknown = self.names.len();
        loop {
            let name = self.name()?;
            self.names.push(name);
            self.value(None, depth + 1)?;
            if self.closed(b'}')? {
                return self.forget_names(unknown);
            }
        }
    }

    /// Steps over an opening bracket and the space behind it.
    fn open(&mut self, depth: usize) -> Option<()> {
        // The tree's reader and its checker give up there.
        if depth >= MAX_DEPTH || (depth + 1) * self.walks.checks >= MAX_CHECKS {
            return None;
        }
        self.scan.step();
        self.scan.space();
        Some(())
    }

    /// Steps over the closing bracket, or the comma before the next entry, with the space around it.
    #[inline]
    fn closed(&mut self, bracket: u8) -> Option<bool> {
        self.scan.space();
        if self.scan.take(b',') {
            self.scan.space();
            return Some(false);
        }
        self.scan.take(bracket).then_some(true)
    }

    /// A member's name and its colon. Names with escapes are the tree's matter.
    #[inline]
    fn name(&mut self) -> Option<&'w [u8]> {
        if self.scan.peek()? != b'"' {
            return None;
        }
        let name = self.scan.string()?;
        self.scan.space();
        if !name.plain || !self.scan.take(b':') {
            return None;
        }
        self.scan.space();
        Some(name.raw)
    }

    /// Closes an object: no two of its unknown names may be the same.
    fn forget_names(&mut self, from: usize) -> Option<()> {
        let names = self.names.get(from..)?;
        let different = if names.len() <= FEW {
            names.iter().enumerate().all(|(at, name)| !names.iter().take(at).any(|other| other == name))
        } else {
            let places = sorted(names.len(), &mut |a, b| names.get(a).cmp(&names.get(b)));
            let name = |at: &u32| names.get(*at as usize);
            places.windows(2).all(|pair| pair.first().map(name) != pair.get(1).map(name))
        };
        self.names.truncate(from);
        different.then_some(())
    }

    /// Reads the value as a tree and asks about it.
    fn ask(&mut self, id: SchemaId, depth: usize) -> Option<()> {
        let start = self.scan.at();
        let first = self.scan.peek()?;
        self.free(first, depth)?;
        self.ask_since(id, start, depth)
    }

    fn ask_since(&mut self, id: SchemaId, start: usize, depth: usize) -> Option<()> {
        let text = std::str::from_utf8(self.scan.since(start)).ok()?;
        self.check(id, &Json::parse(text).ok()?, depth)
    }

    /// Each value has a run of its own: nothing is remembered of one that goes.
    fn check(&self, id: SchemaId, value: &Json<'_>, depth: usize) -> Option<()> {
        let above = (depth + 1) * self.walks.checks;
        let mut checker = Checker::new(self.tables, false).in_direction(self.direction).below(above);
        checker.check(id, value, &Place::root("")).then_some(())
    }
}

fn allows(rule: &TextShape, text: &Text<'_>) -> bool {
    match rule {
        TextShape::Length(least, most) => (*least..=*most).contains(&(text.chars() as u64)),
        TextShape::OneOf(texts) => texts.iter().any(|one| **one == *text.raw),
    }
}

fn holds(rule: &NumberShape, value: f64) -> bool {
    let NumberShape { least, most, above, below, whole, unit } = rule;
    (*least..=*most).contains(&value)
        && above.is_none_or(|limit| value > limit)
        && below.is_none_or(|limit| value < limit)
        && (!whole || value.fract() == 0.0)
        && unit.is_none_or(|unit| value % unit == 0.0)
}

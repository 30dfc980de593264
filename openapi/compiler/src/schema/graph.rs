//! What can only be seen in the whole graph of schemas: references that never end, and recursion through choices.

use cutover_plan::schema::{Additional, Schema, SchemaId};

use crate::document::Position;
use crate::report::Report;

/// A schema that leads back to itself for the very same value can never be decided.
pub(super) fn refuse_endless(schemas: &[Schema], places: &[Position], report: &mut Report<'_>) {
    let parts = components(schemas.len(), |id| in_place(schemas, id));
    for (id, schema) in schemas.iter().enumerate() {
        let part = parts.get(id);
        let next = in_place(schemas, id);
        let loops = next
            .iter()
            .any(|to| parts.get(*to as usize) == part && (*to as usize == id || part_size(&parts, part) > 1));
        if loops && schema.any.reference.is_some() {
            let at = places.get(id).copied().unwrap_or_default();
            report.hint(
                at,
                "this schema refers to itself for the same value, without end",
                "put a property or an item between",
            );
        }
    }
}

/// Where a schema refers to itself and a value is looked at in more than one way, it could be looked at once for each
/// path: their number grows exponentially with the value's depth. Such references remember their verdicts.
pub(super) fn remember_recursion(schemas: &mut [Schema]) {
    let parts = components(schemas.len(), |id| schemas.get(id).map(Schema::references).unwrap_or_default());
    let count = parts.iter().max().map_or(0, |last| last + 1);
    let mut branching = vec![false; count];
    for (id, schema) in schemas.iter().enumerate() {
        let Some(part) = parts.get(id) else { continue };
        let inside =
            |ids: Vec<SchemaId>| ids.iter().filter(|to| parts.get(**to as usize) == Some(part)).count();
        let (here, below) = (inside(schema.in_place()), inside(schema.below()));
        // Two of these may look at the same item or member.
        let overlap = schema.array.contains.is_some()
            || schema.array.unevaluated.is_some()
            || schema.object.unevaluated.is_some()
            || !schema.object.patterns.is_empty();
        let many = (here > 0 && here + below > 1) || (overlap && below > 1);
        if let Some(place) = branching.get_mut(*part).filter(|_| many) {
            *place = true;
        }
    }
    for (id, part) in parts.iter().enumerate() {
        let Some(reference) = schemas.get_mut(id).and_then(|schema| schema.any.reference.as_mut()) else {
            continue;
        };
        let inside = parts.get(reference.schema as usize) == Some(part);
        reference.remember = inside && branching.get(*part) == Some(&true);
    }
}

/// Marks the schemas whose evaluations an `unevaluatedItems` or `unevaluatedProperties` asks for: those that look at the
/// same value, however many steps away.
pub(super) fn collect_evaluations(schemas: &mut [Schema]) {
    let asks = |schema: &Schema| schema.array.unevaluated.is_some() || schema.object.unevaluated.is_some();
    let mut work: Vec<usize> =
        schemas.iter().enumerate().filter(|(_, schema)| asks(schema)).map(|(id, _)| id).collect();
    while let Some(id) = work.pop() {
        let Some(schema) = schemas.get_mut(id).filter(|schema| !schema.collects) else { continue };
        schema.collects = true;
        work.extend(schema.in_place().into_iter().map(|id| id as usize));
    }
    for schema in schemas.iter_mut().filter(|schema| !schema.collects) {
        if schema.object.additional == Additional::Evaluated {
            schema.object.additional = Additional::Allowed;
        }
    }
}

/// The schemas that look at the same value as this one.
fn in_place(schemas: &[Schema], id: usize) -> Vec<SchemaId> {
    schemas.get(id).map(Schema::in_place).unwrap_or_default()
}

fn part_size(parts: &[usize], part: Option<&usize>) -> usize {
    parts.iter().filter(|other| Some(*other) == part).count()
}

/// Tarjan's strongly connected components, without recursion: the component's number for each node.
fn components(count: usize, next: impl Fn(usize) -> Vec<SchemaId>) -> Vec<usize> {
    let mut state = Tarjan {
        index: vec![None; count],
        low: vec![0; count],
        part: vec![usize::MAX; count],
        ..Tarjan::default()
    };
    for start in 0..count {
        if state.index.get(start).copied().flatten().is_none() {
            state.visit(start, &next);
        }
    }
    state.part
}

#[derive(Default)]
struct Tarjan {
    index: Vec<Option<usize>>,
    low: Vec<usize>,
    part: Vec<usize>,
    stack: Vec<usize>,
    counter: usize,
    parts: usize,
}

impl Tarjan {
    fn visit(&mut self, start: usize, next: &impl Fn(usize) -> Vec<SchemaId>) {
        let mut work = vec![(start, self.enter(start, next))];
        while let Some((node, pending)) = work.last_mut() {
            let node = *node;
            match pending.pop() {
                Some(to) => {
                    let to = to as usize;
                    match self.index.get(to).copied().flatten() {
                        None if to < self.index.len() => {
                            let pending = self.enter(to, next);
                            work.push((to, pending));
                        }
                        Some(index) if self.part.get(to) == Some(&usize::MAX) => self.lower(node, index),
                        _ => {}
                    }
                }
                None => {
                    work.pop();
                    self.leave(node);
                    let low = self.low.get(node).copied().unwrap_or_default();
                    if let Some((parent, _)) = work.last() {
                        self.lower(*parent, low);
                    }
                }
            }
        }
    }

    fn enter(&mut self, node: usize, next: &impl Fn(usize) -> Vec<SchemaId>) -> Vec<SchemaId> {
        if let (Some(index), Some(low)) = (self.index.get_mut(node), self.low.get_mut(node)) {
            *index = Some(self.counter);
            *low = self.counter;
        }
        self.counter += 1;
        self.stack.push(node);
        next(node)
    }

    fn lower(&mut self, node: usize, to: usize) {
        if let Some(low) = self.low.get_mut(node) {
            *low = (*low).min(to);
        }
    }

    fn leave(&mut self, node: usize) {
        if self.index.get(node).copied().flatten() != self.low.get(node).copied() {
            return;
        }
        while let Some(member) = self.stack.pop() {
            if let Some(part) = self.part.get_mut(member) {
                *part = self.parts;
            }
            if member == node {
                break;
            }
        }
        self.parts += 1;
    }
}

//! What can be asked of compiled schemas: verdicts, and what refers to what.

use crate::check::Checker;
use crate::json::Json;
use crate::plan::PlanError;
use crate::schema::{Additional, Condition, Direction, PatternId, Schema, SchemaId, Tables};
use crate::violation::{Place, Violation};

impl Tables {
    /// What is wrong with a value, first of all; `None` when it is valid.
    #[must_use]
    pub fn first_violation(&self, schema: SchemaId, value: &Json<'_>) -> Option<String> {
        let mut checker = Checker::new(self, false).in_direction(Direction::Neither);
        checker.check(schema, value, &Place::root(""));
        checker.violations.first().map(|violation| {
            let place = if violation.place.is_empty() { "it" } else { &violation.place };
            format!("{place} {}", violation.message)
        })
    }

    /// Whether the value is valid, and how many steps it took to find out.
    #[must_use]
    pub fn verdict(&self, schema: SchemaId, value: &Json<'_>, direction: Direction) -> (bool, u64) {
        let mut checker = Checker::new(self, false).in_direction(direction);
        let valid = checker.check(schema, value, &Place::root(""));
        (valid, checker.steps)
    }

    /// What is wrong with a value, in the legacy validator's order.
    #[must_use]
    pub fn violations(&self, schema: SchemaId, value: &Json<'_>, direction: Direction) -> Vec<Violation> {
        let mut checker = Checker::new(self, false).in_direction(direction);
        checker.check(schema, value, &Place::root(""));
        checker.violations
    }

    /// Loads tables that stand alone.
    ///
    /// # Errors
    /// When the bytes are no tables, or refer to what they do not have.
    pub fn from_json(bytes: &[u8]) -> Result<Tables, PlanError> {
        let tables = crate::load_schema::tables(crate::view::View::root(&crate::view::parse(bytes)?))?;
        tables.check_references(std::iter::empty())?;
        Ok(tables)
    }

    /// Refuses numbers of schemas and patterns that are not there.
    pub(crate) fn check_references(&self, more: impl Iterator<Item = SchemaId>) -> Result<(), PlanError> {
        let missing = |kind: &str, id: u32| PlanError::Dangling(format!("{kind} {id}"));
        if let Some(id) = more.chain(self.references()).find(|id| *id as usize >= self.schemas.len()) {
            return Err(missing("schema", id));
        }
        match self.used_patterns().find(|id| *id as usize >= self.patterns.len()) {
            Some(id) => Err(missing("pattern", id)),
            None => Ok(()),
        }
    }

    /// Every reference from one schema to another.
    pub(crate) fn references(&self) -> Vec<SchemaId> {
        self.schemas.iter().flat_map(Schema::references).collect()
    }

    /// Every reference from a schema to a pattern.
    pub(crate) fn used_patterns(&self) -> impl Iterator<Item = PatternId> {
        self.schemas.iter().flat_map(|schema| {
            let format = schema.string.format.as_ref();
            let of_text = [
                schema.string.pattern,
                format.and_then(|format| format.pattern),
                format.and_then(|format| format.or),
            ];
            let of_names = schema.object.patterns.iter().map(|entry| entry.pattern);
            of_text.into_iter().flatten().chain(of_names)
        })
    }
}

impl Schema {
    /// The schemas this one refers to.
    #[must_use]
    pub fn references(&self) -> Vec<SchemaId> {
        let mut ids = self.in_place();
        ids.extend(self.below());
        ids
    }

    /// The schemas that look at the same value as this one.
    #[must_use]
    pub fn in_place(&self) -> Vec<SchemaId> {
        let any = &self.any;
        let mut ids: Vec<SchemaId> =
            any.reference.iter().map(|reference| reference.schema).chain(any.not).collect();
        if let Some(discriminator) = &any.discriminator {
            ids.extend(discriminator.options.iter().map(|way| way.schema));
        }
        ids.extend(any.any_of.iter().chain(&any.one_of).chain(&any.all_of));
        if let Some(Condition { test, then, otherwise }) = any.condition {
            ids.push(test);
            ids.extend(then.into_iter().chain(otherwise));
        }
        ids.extend(self.object.dependent_schemas.iter().map(|dependent| dependent.schema));
        ids
    }

    /// The schemas that look at this value's items, members or names.
    #[must_use]
    pub fn below(&self) -> Vec<SchemaId> {
        let (array, object) = (&self.array, &self.object);
        let mut ids = array.prefix.clone();
        ids.extend(array.items.into_iter().chain(array.unevaluated));
        ids.extend(array.contains.map(|contains| contains.schema));
        ids.extend(object.names.into_iter().chain(object.unevaluated));
        if let Additional::Schema(schema) = object.additional {
            ids.push(schema);
        }
        ids.extend(object.properties.iter().filter_map(|property| property.schema));
        ids.extend(object.patterns.iter().filter_map(|entry| entry.schema));
        ids
    }
}

//! Keywords for objects.

use cutover_plan::schema::{
    Additional, DependentRequired, DependentSchema, ObjectRules, PatternProperty, Property, Schema,
};
use cutover_plan::{Json, Object};

use super::Schemas;
use super::values::names;
use crate::document::Node;
use crate::report::Report;

impl<'d> Schemas<'d> {
    /// Whether it is one of them.
    pub(super) fn object_keyword(
        &mut self,
        keyword: &str,
        value: &'d Node,
        in_choice: bool,
        schema: &mut Schema,
        report: &mut Report<'_>,
    ) -> bool {
        let what = format!("`{keyword}`");
        match keyword {
            "maxProperties" => schema.object.max_properties = report.count(value, &what),
            "minProperties" => schema.object.min_properties = report.count(value, &what),
            "required" => schema.object.required = names(value, &what, report),
            "properties" => self.properties(value, in_choice, schema, report),
            "additionalProperties" => schema.object.additional = self.additional(value, in_choice, report),
            "patternProperties" => self.pattern_properties(value, in_choice, schema, report),
            "propertyNames" => schema.object.names = Some(self.always(value, true, report)),
            "dependentRequired" => self.dependent_required(value, schema, report),
            "dependentSchemas" => self.dependent_schemas(value, in_choice, schema, report),
            "unevaluatedProperties" => {
                schema.object.unevaluated = Some(self.always(value, in_choice, report));
            }
            _ => return false,
        }
        true
    }

    fn properties(&mut self, value: &'d Node, in_choice: bool, schema: &mut Schema, report: &mut Report<'_>) {
        if !report.is_map(value, "`properties`") {
            return;
        }
        let mut properties = Vec::new();
        for (key, node) in value.entries() {
            properties.push((key.text.clone().into(), Json::Number(properties.len() as f64)));
            let schema_of = self.add(node, in_choice, report);
            schema.object.properties.push(Property { name: key.text.clone(), schema: schema_of });
            if !in_choice && node.get("default").is_some() {
                schema.object.defaulted.push(key.text.clone());
            }
        }
        // JavaScript's order of members: the legacy validator goes through them by it.
        let order = Object::new(properties);
        let place = |name: &str| order.iter().position(|(known, _)| known == name);
        schema.object.properties.sort_by_key(|property| place(&property.name));
    }

    fn additional(&mut self, value: &'d Node, in_choice: bool, report: &mut Report<'_>) -> Additional {
        match value.as_bool() {
            Some(true) => Additional::Evaluated,
            Some(false) => Additional::Refused,
            None => self.add(value, in_choice, report).map_or(Additional::Allowed, Additional::Schema),
        }
    }

    fn pattern_properties(
        &mut self,
        value: &'d Node,
        in_choice: bool,
        schema: &mut Schema,
        report: &mut Report<'_>,
    ) {
        if !report.is_map(value, "`patternProperties`") {
            return;
        }
        for (key, node) in value.entries() {
            let pattern = self.pattern_at(&key.text, key.at, report);
            let entry = self.add(node, in_choice, report);
            schema.object.patterns.extend(pattern.map(|pattern| PatternProperty { pattern, schema: entry }));
        }
    }

    fn dependent_required(&self, value: &Node, schema: &mut Schema, report: &mut Report<'_>) {
        if !report.is_map(value, "`dependentRequired`") {
            return;
        }
        for (key, node) in value.entries() {
            let needs = names(node, "an entry of `dependentRequired`", report);
            schema.object.dependent_required.push(DependentRequired { name: key.text.clone(), needs });
        }
    }

    fn dependent_schemas(
        &mut self,
        value: &'d Node,
        in_choice: bool,
        schema: &mut Schema,
        report: &mut Report<'_>,
    ) {
        if !report.is_map(value, "`dependentSchemas`") {
            return;
        }
        for (key, node) in value.entries() {
            let entry = self.always(node, in_choice, report);
            schema.object.dependent_schemas.push(DependentSchema { name: key.text.clone(), schema: entry });
        }
    }

    /// `properties` and `required` of a schema, without the rest of it.
    pub(crate) fn object_rules(&mut self, node: &'d Node, report: &mut Report<'_>) -> ObjectRules {
        let mut schema = Schema::default();
        if let Some(properties) = node.get("properties") {
            self.properties(properties, false, &mut schema, report);
        }
        if let Some(required) = node.get("required") {
            schema.object.required = names(required, "`required`", report);
        }
        schema.object
    }
}

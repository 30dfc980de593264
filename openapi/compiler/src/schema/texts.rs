//! Keywords for texts: `pattern` and `format`.

use cutover_plan::schema::{Schema, StringFormat};

use super::{Dialect, Schemas};
use crate::document::{Node, Position};
use crate::formats::{self, Format, Formats};
use crate::report::Report;

impl Schemas<'_> {
    pub(super) fn pattern(&mut self, value: &Node, report: &mut Report<'_>) -> Option<u32> {
        let pattern = report.text(value, "`pattern`")?;
        self.pattern_at(pattern, value.at, report)
    }

    pub(super) fn pattern_at(&mut self, pattern: &str, at: Position, report: &mut Report<'_>) -> Option<u32> {
        match self.patterns.add(pattern) {
            Ok(id) => Some(id),
            Err(reason) => {
                let hint =
                    "patterns are ECMA-262 regular expressions without look-around and back-references";
                report.hint(at, format!("the pattern `{pattern}` cannot be compiled: {reason}"), hint);
                None
            }
        }
    }

    pub(super) fn format(&mut self, value: &Node, schema: &mut Schema, report: &mut Report<'_>) {
        let Some(name) = report.text(value, "`format`") else { return };
        let asserted = self.source.resources.get(self.at.resource).is_some_and(|resource| resource.formats);
        let formats = match self.formats {
            Formats::Annotations if asserted => Formats::Full,
            formats => formats,
        };
        let mut format = StringFormat { name: name.to_owned(), ..StringFormat::default() };
        match formats::find(name, formats) {
            Some(Format::Nothing) => return,
            Some(Format::Number(number)) => {
                schema.number.format = Some(number);
                return;
            }
            Some(Format::Rule(rule)) => format.rule = Some(rule),
            Some(Format::Text(pattern)) => {
                format.pattern = self.format_pattern(value, &pattern, None, report);
            }
            Some(Format::HostName(plain, dotted)) => {
                format.pattern = self.format_pattern(value, &plain, Some(253), report);
                format.or = self.format_pattern(value, &dotted, Some(254), report);
            }
            // What nobody knows is an annotation, says JSON Schema.
            None if self.dialect == Dialect::Plain => return,
            None => {
                let hint = format!("formats: {}; or say it with `pattern`", formats::NAMES);
                return report.unsupported(value.at, format!("the format `{name}` is not known"), hint);
            }
        }
        schema.string.format = Some(format);
    }

    fn format_pattern(
        &mut self,
        value: &Node,
        pattern: &str,
        most: Option<u32>,
        report: &mut Report<'_>,
    ) -> Option<u32> {
        let added = match most {
            Some(most) => self.patterns.add_limited(pattern, most),
            None => self.patterns.add(pattern),
        };
        let name = value.as_str().unwrap_or_default();
        added
            .map_err(|reason| {
                report.add(value.at, format!("the format `{name}` cannot be compiled: {reason}"));
            })
            .ok()
    }
}

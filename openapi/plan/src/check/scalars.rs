//! Rules for numbers and for text.

use super::Checker;
use crate::format;
use crate::number::Number;
use crate::schema::{NumberFormat, NumberRules, PatternId, StringFormat, StringRules};
use crate::violation::Place;

impl Checker<'_> {
    pub(super) fn number(&mut self, rules: &NumberRules, value: &Number<'_>, place: &Place<'_>) -> bool {
        let NumberRules {
            maximum,
            minimum,
            exclusive_maximum,
            exclusive_minimum,
            exclusive_flags,
            multiple_of,
            format,
        } = rules;
        let (below, above) =
            if *exclusive_flags { ("maximum", "minimum") } else { ("exclusiveMaximum", "exclusiveMinimum") };
        let limits = [
            ("maximum", "<=", maximum),
            ("minimum", ">=", minimum),
            (below, "<", exclusive_maximum),
            (above, ">", exclusive_minimum),
        ];
        for (keyword, sign, limit) in limits {
            let Some(limit) = limit else { continue };
            let order = value.compare(limit);
            let holds = match sign {
                "<=" => order.is_le(),
                ">=" => order.is_ge(),
                "<" => order.is_lt(),
                _ => order.is_gt(),
            };
            if !holds {
                return self.fail(place, keyword, format!("must be {sign} {}", limit.text()));
            }
        }
        if let Some(unit) = multiple_of
            && !value.is_multiple_of(unit)
        {
            return self.fail(place, "multipleOf", format!("must be multiple of {}", unit.text()));
        }
        match format {
            Some(format) if !format.holds(value) => {
                self.fail(place, "format", format!("must match format \"{}\"", format.name()))
            }
            _ => true,
        }
    }

    pub(super) fn string(&mut self, rules: &StringRules, text: &str, place: &Place<'_>) -> bool {
        if let Some(most) = rules.max_length
            && text.len() as u64 > most
            && text.chars().count() as u64 > most
        {
            return self.fail(place, "maxLength", format!("must NOT have more than {most} characters"));
        }
        if let Some(least) = rules.min_length
            && (text.chars().count() as u64) < least
        {
            return self.fail(place, "minLength", format!("must NOT have fewer than {least} characters"));
        }
        if let Some(pattern) = rules.pattern.and_then(|id| self.tables.patterns.get(id as usize))
            && !pattern.is_match(text)
        {
            return self.fail(place, "pattern", format!("must match pattern \"{}\"", pattern.source()));
        }
        if let Some(format) = &rules.format
            && !self.has_format(format, text)
        {
            return self.fail(place, "format", format!("must match format \"{}\"", format.name));
        }
        true
    }

    fn has_format(&self, format: &StringFormat, text: &str) -> bool {
        let StringFormat { name: _, pattern, or, rule } = format;
        let matches = |id: PatternId| {
            self.tables.patterns.get(id as usize).is_none_or(|pattern| pattern.is_match(text))
        };
        (pattern.is_none_or(matches) || or.is_some_and(matches))
            && rule.is_none_or(|rule| format::holds(rule, text))
    }
}

impl NumberFormat {
    fn name(self) -> &'static str {
        match self {
            NumberFormat::Int32 => "int32",
            NumberFormat::Int64 | NumberFormat::Whole => "int64",
            NumberFormat::Float => "float",
            NumberFormat::Double => "double",
        }
    }

    fn holds(self, value: &Number<'_>) -> bool {
        let between = |least: Number<'_>, most: Number<'_>| {
            value.compare(&least).is_ge() && value.compare(&most).is_le()
        };
        let doubles = |least: f64, most: f64| between(Number::Double(least), Number::Double(most));
        match self {
            NumberFormat::Int32 => value.is_whole() && doubles(f64::from(i32::MIN), f64::from(i32::MAX)),
            NumberFormat::Int64 => {
                let exact = |limit: i64| Number::Exact(limit.to_string().into());
                value.is_whole() && between(exact(i64::MIN), exact(i64::MAX))
            }
            NumberFormat::Whole => value.is_whole(),
            NumberFormat::Float => doubles(f64::from(f32::MIN), f64::from(f32::MAX)),
            NumberFormat::Double => doubles(f64::MIN, f64::MAX),
        }
    }
}

//! Reads a configuration from JSON: no unknown field, and each mistake with its path.
//!
//! By hand and not by derived deserialisers, which would be a fifth of the module.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

/// What is wrong with a configuration, and where. In a box: every step of the reading hands one on, and would be larger
/// otherwise.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(Box<str>);

impl ConfigError {
    /// A mistake in the field of this path, e.g. `issuers[0].remote_jwks.refresh_seconds`; empty for the whole document.
    pub(super) fn new(mut path: String, problem: &str) -> Self {
        if !path.is_empty() {
            path.push_str(": ");
        }
        path.push_str(problem);
        Self(path.into_boxed_str())
    }
}

/// A value in a document, and its path there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    value: &'a Value,
    at: At<'a>,
}

/// The path of a value, as a chain on the stack.
#[derive(Debug, Clone, Copy)]
enum At<'a> {
    Root,
    Field(&'a At<'a>, &'a str),
    Item(&'a At<'a>, usize),
}

impl<'a> View<'a> {
    pub(crate) fn root(value: &'a Value) -> Self {
        Self { value, at: At::Root }
    }

    pub(crate) fn value(&self) -> &'a Value {
        self.value
    }

    /// A mistake here.
    #[cold]
    pub(crate) fn error(&self, problem: &str) -> ConfigError {
        let mut path = String::new();
        self.at.write(&mut path);
        ConfigError::new(path, problem)
    }

    /// A mistake at a field of this object, whether it is there or not.
    #[cold]
    pub(crate) fn error_at(&self, name: &str, problem: &str) -> ConfigError {
        View { value: self.value, at: At::Field(&self.at, name) }.error(problem)
    }

    fn object(&self) -> Result<&'a Map<String, Value>, ConfigError> {
        self.value.as_object().ok_or_else(|| self.error("must be an object"))
    }

    /// Refuses what is no object, and fields that are not among `known`.
    pub(crate) fn only(&self, known: &[&str]) -> Result<(), ConfigError> {
        match self.object()?.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => {
                Err(self.error_at(name, &["unknown field; known are ", &known.join(", ")].concat()))
            }
            None => Ok(()),
        }
    }

    /// A field that may be missing.
    pub(crate) fn get<'s>(&'s self, name: &'s str) -> Option<View<'s>> {
        let value = self.value.get(name)?;
        Some(View { value, at: At::Field(&self.at, name) })
    }

    /// A field that must be there.
    pub(crate) fn need<'s>(&'s self, name: &'s str) -> Result<View<'s>, ConfigError> {
        self.get(name).ok_or_else(|| self.error_at(name, "is missing"))
    }

    /// The items of this list.
    pub(crate) fn items(&self) -> Result<impl Iterator<Item = View<'_>>, ConfigError> {
        let items = self.value.as_array().ok_or_else(|| self.error("must be a list"))?;
        let item = |(index, value)| View { value, at: At::Item(&self.at, index) };
        Ok(items.iter().enumerate().map(item))
    }

    /// The members of this object, whatever their names.
    pub(crate) fn members(&self) -> Result<impl Iterator<Item = (&str, View<'_>)>, ConfigError> {
        let member = |(name, value): (&'a String, &'a Value)| {
            (name.as_str(), View { value, at: At::Field(&self.at, name) })
        };
        Ok(self.object()?.iter().map(member))
    }

    pub(crate) fn text(&self) -> Result<&'a str, ConfigError> {
        self.value.as_str().ok_or_else(|| self.error("must be text"))
    }

    /// A text with something in it.
    pub(crate) fn name(&self) -> Result<&'a str, ConfigError> {
        let text = self.text()?;
        if text.is_empty() { Err(self.error("must not be empty")) } else { Ok(text) }
    }

    /// A list of texts.
    pub(crate) fn texts(&self) -> Result<Vec<String>, ConfigError> {
        let mut texts = Vec::new();
        for item in self.items()? {
            texts.push(item.text()?.to_owned());
        }
        Ok(texts)
    }

    pub(crate) fn truth(&self) -> Result<bool, ConfigError> {
        self.value.as_bool().ok_or_else(|| self.error("must be true or false"))
    }

    /// A whole number. `5.0` is one: where a mesh keeps the configuration as a protobuf `Struct`, all numbers are doubles.
    pub(crate) fn whole(&self, range: RangeInclusive<u32>) -> Result<u32, ConfigError> {
        let number = self.value.as_f64().filter(|number| number.fract() == 0.0);
        let number = number.ok_or_else(|| self.error("must be a whole number"))?;
        let (least, most) = (*range.start(), *range.end());
        if number < f64::from(least) || number > f64::from(most) {
            return Err(self.error(&format!("must be {least} to {most}")));
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
        Ok(number as u32)
    }

    /// A whole number that may be missing.
    pub(crate) fn whole_or(
        &self,
        name: &str,
        range: RangeInclusive<u32>,
        default: u32,
    ) -> Result<u32, ConfigError> {
        match self.get(name) {
            Some(view) => view.whole(range),
            None => Ok(default),
        }
    }
}

impl At<'_> {
    fn write(&self, path: &mut String) {
        match self {
            At::Root => {}
            At::Field(parent, name) => {
                parent.write(path);
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(name);
            }
            At::Item(parent, index) => {
                parent.write(path);
                path.push('[');
                path.push_str(&index.to_string());
                path.push(']');
            }
        }
    }
}

//! Reads configuration from JSON: every field once, no unknown ones, and each mistake with its path.
//!
//! Does for plans and filter configurations what derived deserialisers would, at a tenth of their code.

use crate::json::{Json, JsonError};
use crate::number::Number;

/// A value in a document, and its path there.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    value: &'a Json<'a>,
    at: At<'a>,
}

/// The path of a value, as a chain on the stack.
#[derive(Debug, Clone, Copy)]
enum At<'a> {
    Root,
    Field(&'a At<'a>, &'a str),
    Item(&'a At<'a>, usize),
}

/// What is wrong with a document, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{}{message}", .path, if .path.is_empty() { "" } else { ": " })]
pub struct LoadError {
    /// The value's path, e.g. `plan.operations.listTasks.query[0].schema`.
    pub path: String,
    /// What is wrong and what would be right.
    pub message: String,
}

/// Reads a document.
///
/// # Errors
/// When the bytes are no JSON.
pub fn parse(bytes: &[u8]) -> Result<Json<'_>, LoadError> {
    let error = |message: &str| LoadError { path: String::new(), message: message.to_owned() };
    let text = std::str::from_utf8(bytes).map_err(|_| error("not UTF-8"))?;
    Json::parse(text).map_err(|reason| match reason {
        JsonError::Malformed => error("not well-formed JSON"),
        JsonError::TooDeep => error("nested too deeply"),
        JsonError::Repeated => error("a field is there twice"),
    })
}

impl<'a> View<'a> {
    /// The document itself.
    #[must_use]
    pub fn root(value: &'a Json<'a>) -> View<'a> {
        View { value, at: At::Root }
    }

    /// The value.
    #[must_use]
    pub fn json(&self) -> &'a Json<'a> {
        self.value
    }

    /// A mistake at this place.
    #[must_use]
    pub fn error(&self, message: impl Into<String>) -> LoadError {
        let mut path = String::new();
        self.at.write(&mut path);
        LoadError { path, message: message.into() }
    }

    /// Refuses what is no object, and fields that are not among `known`.
    ///
    /// # Errors
    /// As said.
    pub fn only(&self, known: &[&str]) -> Result<(), LoadError> {
        let Json::Object(object) = self.value else { return Err(self.error("must be an object")) };
        match object.iter().find(|(name, _)| !known.contains(name)) {
            Some((name, _)) => {
                Err(self.error(format!("unknown field `{name}`, known are {}", known.join(", "))))
            }
            None => Ok(()),
        }
    }

    /// Reads a field that must be there.
    ///
    /// # Errors
    /// When it is missing, or what `read` says.
    pub fn need<T>(&self, name: &str, read: Read<'_, T>) -> Result<T, LoadError> {
        self.maybe(name, read)?.ok_or_else(|| self.error(format!("the field `{name}` is missing")))
    }

    /// Reads a field that may be missing.
    ///
    /// # Errors
    /// What `read` says.
    pub fn maybe<T>(&self, name: &str, read: Read<'_, T>) -> Result<Option<T>, LoadError> {
        let Json::Object(object) = self.value else { return Err(self.error("must be an object")) };
        let value = object.get(name);
        value.map(|value| read(View { value, at: At::Field(&self.at, name) })).transpose()
    }

    /// Reads a field that stands for its type's default where it is missing.
    ///
    /// # Errors
    /// What `read` says.
    pub fn field<T: Default>(&self, name: &str, read: Read<'_, T>) -> Result<T, LoadError> {
        Ok(self.maybe(name, read)?.unwrap_or_default())
    }

    /// Reads a list, which may be missing.
    ///
    /// # Errors
    /// When it is no list, or what `read` says of an item.
    pub fn list<T>(&self, name: &str, read: Read<'_, T>) -> Result<Vec<T>, LoadError> {
        self.field(name, &|view| view.items(read))
    }

    /// Reads this list's items.
    ///
    /// # Errors
    /// When it is no list, or what `read` says of an item.
    pub fn items<T>(&self, read: Read<'_, T>) -> Result<Vec<T>, LoadError> {
        let Json::Array(items) = self.value else { return Err(self.error("must be a list")) };
        let item = |(index, value)| read(View { value, at: At::Item(&self.at, index) });
        items.iter().enumerate().map(item).collect()
    }

    /// Reads this object's members, whatever their names.
    ///
    /// # Errors
    /// When it is no object, or what `read` says of a member.
    pub fn members<T>(&self, read: Read<'_, T>) -> Result<Vec<(String, T)>, LoadError> {
        let Json::Object(object) = self.value else { return Err(self.error("must be an object")) };
        let member = |(name, value): (&str, _)| {
            Ok((name.to_owned(), read(View { value, at: At::Field(&self.at, name) })?))
        };
        object.iter().map(member).collect()
    }

    /// This text.
    ///
    /// # Errors
    /// When it is none.
    pub fn text(&self) -> Result<&'a str, LoadError> {
        match self.value {
            Json::String(text) => Ok(text),
            _ => Err(self.error("must be text")),
        }
    }

    /// This text, to keep.
    ///
    /// # Errors
    /// When it is none.
    pub fn string(&self) -> Result<String, LoadError> {
        self.text().map(str::to_owned)
    }

    /// This truth value.
    ///
    /// # Errors
    /// When it is none.
    pub fn truth(&self) -> Result<bool, LoadError> {
        match self.value {
            Json::Bool(truth) => Ok(*truth),
            _ => Err(self.error("must be true or false")),
        }
    }

    /// This number.
    ///
    /// # Errors
    /// When it is none.
    pub fn number(&self) -> Result<f64, LoadError> {
        match self.value {
            Json::Number(number) => Ok(*number),
            _ => Err(self.error("must be a number")),
        }
    }

    /// This number, digit for digit.
    ///
    /// # Errors
    /// When it is none.
    pub fn exact(&self) -> Result<Number<'static>, LoadError> {
        self.value.number().map(Number::into_owned).ok_or_else(|| self.error("must be a number"))
    }

    /// This whole number.
    ///
    /// # Errors
    /// When it is none from 0 to 2^53.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
    pub fn count(&self) -> Result<u64, LoadError> {
        let number = self.number()?;
        if number.fract() == 0.0 && (0.0..=9_007_199_254_740_992.0).contains(&number) {
            return Ok(number as u64);
        }
        Err(self.error("must be a whole number from 0 on"))
    }

    /// This whole number, of 32 bits.
    ///
    /// # Errors
    /// When it is none.
    pub fn count32(&self) -> Result<u32, LoadError> {
        u32::try_from(self.count()?).map_err(|_| self.error("is too large"))
    }

    /// What this text names.
    ///
    /// # Errors
    /// When it is not among `known`.
    pub fn one_of<T: Copy>(&self, known: &[(&str, T)]) -> Result<T, LoadError> {
        let text = self.text()?;
        known.iter().find(|(name, _)| *name == text).map(|(_, meaning)| *meaning).ok_or_else(|| {
            let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
            self.error(format!("is `{text}`, must be one of {}", names.join(", ")))
        })
    }
}

/// How a value is read.
pub type Read<'r, T> = &'r dyn for<'v> Fn(View<'v>) -> Result<T, LoadError>;

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
                path.push_str(&format!("[{index}]"));
            }
        }
    }
}

//! Who changed what, when and why.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Revision, WeightChange};

/// One committed change of the weights.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// The revision this change made.
    pub revision: Revision,
    /// Milliseconds since 1970-01-01 UTC.
    pub at_ms: u64,
    /// Who asked for it.
    pub actor: Actor,
    /// What was asked for.
    pub action: Action,
    /// Why, in the actor's words.
    pub reason: Option<Reason>,
    /// What moved; never empty.
    pub changes: Vec<WeightChange>,
}

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Operations were given weights.
    Set,
    /// Operations went back to the node side.
    Rollback,
}

impl Action {
    /// The name used in stores and listings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Set => "set",
            Self::Rollback => "rollback",
        }
    }

    /// The action of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Set, Self::Rollback].into_iter().find(|action| action.as_str() == name)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

/// Who asks for a change, such as `kim@laptop`: one line of 1 to 128 characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Actor(String);

/// Why a change was asked for: one line of 1 to 500 characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Reason(String);

/// Why a text cannot be an [`Actor`] or a [`Reason`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing but blanks.
    #[error("the {0} is empty; leave it out or write a word")]
    Empty(&'static str),
    /// Longer than the trail keeps.
    #[error("the {name} has {length} characters; at most {most} are kept")]
    TooLong {
        /// Which text.
        name: &'static str,
        /// Characters it has.
        length: usize,
        /// Characters it may have.
        most: usize,
    },
    /// Line breaks or terminal control sequences.
    #[error("the {0} contains a control character; write it on one line")]
    Control(&'static str),
}

/// The trail is printed on terminals line by line, so nothing in it may break a line or steer a terminal.
fn one_line(name: &'static str, most: usize, text: &str) -> Result<String, TextError> {
    let text = text.trim();
    let length = text.chars().count();
    match length {
        0 => Err(TextError::Empty(name)),
        _ if length > most => Err(TextError::TooLong { name, length, most }),
        _ if text.chars().any(char::is_control) => Err(TextError::Control(name)),
        _ => Ok(text.to_owned()),
    }
}

macro_rules! one_line_text {
    ($type:ident, $name:literal, $most:literal) => {
        impl $type {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = TextError;

            fn from_str(text: &str) -> Result<Self, TextError> {
                one_line($name, $most, text).map(Self)
            }
        }

        impl TryFrom<String> for $type {
            type Error = TextError;

            fn try_from(text: String) -> Result<Self, TextError> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(text: $type) -> Self {
                text.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.pad(&self.0)
            }
        }
    };
}

one_line_text!(Actor, "actor", 128);
one_line_text!(Reason, "reason", 500);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_the_trail_stay_on_one_line() {
        assert_eq!("  first try ".parse::<Reason>().unwrap().as_str(), "first try");
        assert_eq!(" ".parse::<Actor>(), Err(TextError::Empty("actor")));
        assert_eq!("a\nb".parse::<Reason>(), Err(TextError::Control("reason")));
        assert_eq!("\u{1b}[2J".parse::<Actor>(), Err(TextError::Control("actor")));
        let error = "x".repeat(501).parse::<Reason>().unwrap_err().to_string();
        assert_eq!(error, "the reason has 501 characters; at most 500 are kept");
    }

    #[test]
    fn every_action_is_found_by_its_name() {
        for action in [Action::Set, Action::Rollback] {
            assert_eq!(Action::from_name(action.as_str()), Some(action));
        }
        assert_eq!(Action::from_name("other"), None);
    }
}

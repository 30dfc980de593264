//! What is wrong where, in the legacy validator's words.

use std::borrow::Cow;

use crate::legacy::{ErrorItem, Refusal};

/// One violation of a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The value's place, e.g. `/query/limit`.
    pub place: String,
    /// The missing or unexpected member, when that is what is wrong.
    pub member: Option<String>,
    /// The schema's keyword.
    pub keyword: &'static str,
    /// What would be right.
    pub message: Cow<'static, str>,
}

impl Violation {
    pub(crate) fn new(place: &Place<'_>, keyword: &'static str, message: Cow<'static, str>) -> Violation {
        let mut text = String::new();
        place.write(&mut text);
        let member = match place.step {
            Step::Absent(name) => Some(name.to_owned()),
            _ => None,
        };
        Violation { place: text, member, keyword, message }
    }

    /// A text that is not in the style of its parameter.
    pub(crate) fn style(place: &Place<'_>) -> Violation {
        Violation::new(place, "style", Cow::Borrowed("must be written in its style"))
    }

    /// The refusal for these violations: status 400, all of them in the message and in the list.
    #[must_use]
    pub fn refusal(violations: &[Violation]) -> Refusal {
        let sentence = |v: &Violation| format!("request{} {}", v.place, v.message);
        let message = violations.iter().map(sentence).collect::<Vec<_>>().join(", ");
        Refusal {
            status: 400,
            message,
            errors: violations.iter().map(Violation::item).collect(),
            headers: Vec::new(),
        }
    }

    /// The length of its texts, in bytes.
    pub(crate) fn size(&self) -> usize {
        self.place.len() + self.member.as_ref().map_or(0, String::len) + self.message.len()
    }

    fn item(&self) -> ErrorItem {
        let path = match &self.member {
            // The legacy validator takes an empty name for no path at all.
            Some(member) if member.is_empty() => String::new(),
            Some(member) => format!("{}/{member}", self.place),
            None => self.place.clone(),
        };
        let error_code = Some(format!("{}.openapi.validation", self.keyword));
        ErrorItem { path, message: self.message.clone().into_owned(), error_code }
    }
}

/// How far a place is written out, in bytes: a client chooses the names, and all that lies below a long one repeats it.
const LONGEST_PLACE: usize = 2048;

/// A place in the request, as a chain on the stack: nothing is written down while all is well.
pub(crate) struct Place<'a> {
    parent: Option<&'a Place<'a>>,
    step: Step<'a>,
}

enum Step<'a> {
    Root(&'a str),
    Member(&'a str),
    Item(usize),
    /// A member that is missing, or should be: not part of the place itself.
    Absent(&'a str),
}

impl<'a> Place<'a> {
    /// The place `text`, which is a JSON pointer already.
    pub(crate) fn root(text: &'a str) -> Place<'a> {
        Place { parent: None, step: Step::Root(text) }
    }

    pub(crate) fn member<'b>(&'b self, name: &'b str) -> Place<'b> {
        Place { parent: Some(self), step: Step::Member(name) }
    }

    pub(crate) fn item(&self, index: usize) -> Place<'_> {
        Place { parent: Some(self), step: Step::Item(index) }
    }

    pub(crate) fn absent<'b>(&'b self, name: &'b str) -> Place<'b> {
        Place { parent: Some(self), step: Step::Absent(name) }
    }

    fn write(&self, text: &mut String) {
        if let Some(parent) = self.parent {
            parent.write(text);
        }
        if text.len() >= LONGEST_PLACE {
            return;
        }
        match self.step {
            Step::Root(root) => text.push_str(root),
            Step::Absent(_) => {}
            Step::Item(index) => {
                text.push('/');
                text.push_str(&index.to_string());
            }
            Step::Member(name) => {
                text.push('/');
                let room = LONGEST_PLACE.saturating_sub(text.len()).min(name.len());
                let shown = (0..=room).rev().find_map(|end| name.get(..end)).unwrap_or_default();
                if shown.contains('~') || shown.contains('/') {
                    // RFC 6901, section 3.
                    text.push_str(&shown.replace('~', "~0").replace('/', "~1"));
                } else {
                    text.push_str(shown);
                }
            }
        }
    }
}

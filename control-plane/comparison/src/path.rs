//! Places inside a JSON body, and patterns for them.

use std::fmt;
use std::str::FromStr;

/// One step into a JSON value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// A member of an object.
    Member(String),
    /// An element of an array.
    Index(usize),
}

/// A place in a JSON body, shown as a JSON pointer (RFC 6901); the empty path is the whole body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Path(pub Vec<Segment>);

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for segment in &self.0 {
            match segment {
                Segment::Member(name) => write!(f, "/{}", name.replace('~', "~0").replace('/', "~1"))?,
                Segment::Index(index) => write!(f, "/{index}")?,
            }
        }
        Ok(())
    }
}

/// A pattern of places: a JSON pointer in which `*` stands for any one segment and a last `**` for everything from
/// there on, e.g. `/items/*/updatedAt` or `/meta/**`. The empty pattern is the whole body, `/**` any place in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    steps: Vec<Step>,
    open_ended: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Any,
    Exactly(String),
}

/// A text that is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It does not start with a slash.
    #[error("body path `{0}` must start with `/`, as in /items/*/updatedAt")]
    NoSlash(String),
    /// `**` is not the last segment.
    #[error("body path `{0}` has `**` before its end; it can only be the last segment")]
    OpenInside(String),
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        if text.is_empty() {
            return Ok(Self { steps: Vec::new(), open_ended: false });
        }
        let rest = text.strip_prefix('/').ok_or_else(|| PatternError::NoSlash(text.to_owned()))?;
        let mut segments: Vec<&str> = rest.split('/').collect();
        let open_ended = segments.last() == Some(&"**");
        if open_ended {
            segments.pop();
        }
        if segments.contains(&"**") {
            return Err(PatternError::OpenInside(text.to_owned()));
        }
        let step = |segment: &str| match segment {
            "*" => Step::Any,
            name => Step::Exactly(name.replace("~1", "/").replace("~0", "~")),
        };
        Ok(Self { steps: segments.into_iter().map(step).collect(), open_ended })
    }
}

impl Pattern {
    /// Whether the pattern stands for this place.
    pub fn matches(&self, path: &Path) -> bool {
        let Path(segments) = path;
        let long_enough =
            segments.len() == self.steps.len() || self.open_ended && segments.len() > self.steps.len();
        long_enough && self.steps.iter().zip(segments).all(|(step, segment)| step.matches(segment))
    }
}

impl Step {
    fn matches(&self, segment: &Segment) -> bool {
        match (self, segment) {
            (Self::Any, _) => true,
            (Self::Exactly(name), Segment::Member(own)) => name == own,
            (Self::Exactly(name), Segment::Index(index)) => name.parse() == Ok(*index),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(segments: &[&str]) -> Path {
        let segment = |text: &&str| match text.parse() {
            Ok(index) => Segment::Index(index),
            Err(_) => Segment::Member((*text).to_owned()),
        };
        Path(segments.iter().map(segment).collect())
    }

    #[test]
    fn patterns_stand_for_the_places_they_describe() {
        let place = path(&["items", "3", "updatedAt"]);
        for (pattern, matches) in [
            ("/items/*/updatedAt", true),
            ("/items/3/updatedAt", true),
            ("/items/*/*", true),
            ("/items/**", true),
            ("/**", true),
            ("/items/4/updatedAt", false),
            ("/items/*", false),
            ("/items/*/updatedAt/at", false),
            ("/items/*/updatedAt/**", true),
            ("", false),
        ] {
            assert_eq!(pattern.parse::<Pattern>().unwrap().matches(&place), matches, "{pattern}");
        }
        assert!("".parse::<Pattern>().unwrap().matches(&Path::default()));
        assert!("/**".parse::<Pattern>().unwrap().matches(&Path::default()));
    }

    #[test]
    fn a_member_with_a_slash_is_written_as_in_a_json_pointer() {
        let place = path(&["a/b~c"]);
        assert_eq!(place.to_string(), "/a~1b~0c");
        assert!("/a~1b~0c".parse::<Pattern>().unwrap().matches(&place));
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        assert_eq!("items".parse::<Pattern>(), Err(PatternError::NoSlash("items".to_owned())));
        assert_eq!("/a/**/b".parse::<Pattern>(), Err(PatternError::OpenInside("/a/**/b".to_owned())));
    }
}

//! Patterns, executed as the automata they were compiled to.

use regex_automata::dfa::Automaton;
use regex_automata::dfa::sparse::DFA;
use regex_automata::{Anchored, Input};
use serde::{Serialize, Serializer};

use crate::schema::is_default;

/// A pattern, compiled ahead to a DFA: time is linear in the text whatever the pattern.
#[derive(Debug, Clone)]
pub struct Pattern {
    source: String,
    anchored: bool,
    chars: Option<Chars>,
    dfa: DFA<Vec<u8>>,
    /// The DFA as it was loaded, to be written again: without its builder the crate cannot write one.
    bytes: Vec<u8>,
}

/// How many characters a text must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Chars {
    /// At least.
    pub least: u32,
    /// At most; `None`: any number.
    #[serde(skip_serializing_if = "is_default")]
    pub most: Option<u32>,
}

/// Why a pattern's automaton cannot be loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the automaton of the pattern `{pattern}` cannot be loaded: {reason}")]
pub struct PatternError {
    pattern: String,
    reason: String,
}

/// How a pattern stands in a plan.
#[derive(Serialize)]
struct Form<'a> {
    source: &'a str,
    #[serde(skip_serializing_if = "is_default")]
    anchored: bool,
    #[serde(skip_serializing_if = "is_default")]
    chars: Option<Chars>,
    /// The sparse DFA, little-endian, in base64.
    dfa: String,
}

impl Pattern {
    /// A pattern by its sparse DFA in `regex-automata`'s little-endian form.
    ///
    /// `anchored`: matches start at the text's start only. `chars`: the text must also have that many characters.
    ///
    /// # Errors
    /// When the bytes are no such DFA.
    pub fn new(
        source: String,
        anchored: bool,
        chars: Option<Chars>,
        dfa: &[u8],
    ) -> Result<Pattern, PatternError> {
        match DFA::from_bytes(dfa) {
            Ok((borrowed, _)) => {
                Ok(Pattern { dfa: borrowed.to_owned(), source, anchored, chars, bytes: dfa.to_vec() })
            }
            Err(error) => Err(PatternError { pattern: source, reason: error.to_string() }),
        }
    }

    /// The pattern as the contract has it.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The length of the automaton.
    pub(crate) fn automaton_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Whether the text has a match.
    #[must_use]
    pub fn is_match(&self, text: &str) -> bool {
        if let Some(Chars { least, most }) = self.chars {
            let length = text.chars().count();
            if length < least as usize || most.is_some_and(|most| length > most as usize) {
                return false;
            }
        }
        let anchored = if self.anchored { Anchored::Yes } else { Anchored::No };
        let input = Input::new(text).anchored(anchored).earliest(true);
        matches!(self.dfa.try_search_fwd(&input), Ok(Some(_)))
    }
}

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let form = Form {
            source: &self.source,
            anchored: self.anchored,
            chars: self.chars,
            dfa: crate::base64::encode(&self.bytes),
        };
        form.serialize(serializer)
    }
}

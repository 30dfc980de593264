//! Patterns become automata here, once, so that no request waits for a regular expression.

mod ecma;

use std::collections::HashMap;

use cutover_plan::schema::{Chars, Pattern, PatternId};
use regex_automata::dfa::{StartKind, dense};
use regex_automata::nfa::thompson;
use regex_automata::util::syntax;

/// What one automaton may take while it is built.
const BUILD_LIMIT: usize = 8 << 20;
/// What one automaton may take in a plan, in bytes: enough for one of Unicode's large classes anywhere in a text.
const SIZE_LIMIT: usize = 128 << 10;
/// Automata up to this size are worth being made minimal, which takes long for larger ones.
const MINIMIZE_LIMIT: usize = 512 << 10;
/// Automata from this size on are replaced by a smaller one with a count beside it, where that is possible.
const COUNT_FROM: usize = 16 << 10;
/// From this count on a repeated class is counted beside the automaton instead of inside it.
const COUNT_BESIDE: u32 = 8;

/// The patterns of a plan, each held once.
#[derive(Default)]
pub(crate) struct Patterns {
    known: HashMap<String, Result<PatternId, String>>,
    pub(crate) list: Vec<Pattern>,
}

impl Patterns {
    /// The number of the ECMA-262 pattern.
    ///
    /// # Errors
    /// Says why it cannot be compiled.
    pub(crate) fn add(&mut self, source: &str) -> Result<PatternId, String> {
        self.add_with(source, None)
    }

    /// The same, for texts of at most `most` characters.
    pub(crate) fn add_limited(&mut self, source: &str, most: u32) -> Result<PatternId, String> {
        self.add_with(source, Some(most))
    }

    fn add_with(&mut self, source: &str, most: Option<u32>) -> Result<PatternId, String> {
        let key = format!("{most:?}{source}");
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let result = compile(source, most).and_then(|pattern| {
            let id = PatternId::try_from(self.list.len()).map_err(|_| "there are too many patterns")?;
            self.list.push(pattern);
            Ok(id)
        });
        self.known.insert(key, result.clone());
        result
    }
}

fn compile(source: &str, most: Option<u32>) -> Result<Pattern, String> {
    let node = ecma::parse(source)?;
    let limit = most.map(|most| Chars { least: 0, most: Some(most) });
    let (bytes, counts) = match node.counted_class() {
        Some((class, least, most)) if least.max(most.unwrap_or(0)) >= COUNT_BESIDE => {
            (automaton(&format!(r"\A{class}*\z"), true)?, Some(Chars { least, most }))
        }
        _ => match (automaton(&node.to_regex(), node.is_anchored()), node.counted_beside()) {
            (Ok(bytes), _) if bytes.len() <= COUNT_FROM => (bytes, limit),
            (_, Some((loose, least, most))) if limit.is_none() => {
                (automaton(&loose.to_regex(), true)?, Some(Chars { least, most }))
            }
            (direct, _) => (direct?, limit),
        },
    };
    if bytes.len() > SIZE_LIMIT {
        return Err(format!(
            "its automaton takes {} KiB, at most {} KiB are allowed",
            bytes.len() >> 10,
            SIZE_LIMIT >> 10
        ));
    }
    Pattern::new(source.to_owned(), node.is_anchored(), counts, &bytes).map_err(|error| error.to_string())
}

/// The sparse DFA in its little-endian form.
fn automaton(regex: &str, anchored: bool) -> Result<Vec<u8>, String> {
    let start = if anchored { StartKind::Anchored } else { StartKind::Unanchored };
    let config = dense::Config::new()
        .start_kind(start)
        .dfa_size_limit(Some(BUILD_LIMIT))
        .determinize_size_limit(Some(BUILD_LIMIT));
    let build = |config: dense::Config| {
        dense::Builder::new()
            .configure(config)
            // The texts are UTF-8, so the automaton need not check that; and ASCII's `\B` exists only without it.
            .syntax(syntax::Config::new().utf8(false))
            .thompson(thompson::Config::new().utf8(false).nfa_size_limit(Some(BUILD_LIMIT)))
            .build(regex)
            .map_err(|error| reason(&error))
    };
    let mut dfa = build(config.clone())?;
    if dfa.memory_usage() <= MINIMIZE_LIMIT {
        dfa = build(config.minimize(true))?;
    }
    let sparse = dfa.to_sparse().map_err(|error| error.to_string())?;
    Ok(sparse.to_bytes_little_endian())
}

fn reason(error: &dense::BuildError) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    let text = cause.to_string();
    let last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("");
    if text.contains("limit") {
        return "its automaton would be too large".to_owned();
    }
    last.trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        compile(pattern, None).unwrap_or_else(|error| panic!("{pattern}: {error}")).is_match(text)
    }

    fn refused(pattern: &str) -> String {
        compile(pattern, None).map(|_| ()).expect_err(pattern)
    }

    #[test]
    fn patterns_mean_what_ecma_262_says() {
        for (pattern, yes, no) in [
            ("^[A-Z]{1,8}$", vec!["A", "ABCDEFGH"], vec!["", "ABCDEFGHI", "a", "A\n"]),
            ("a", vec!["a", "bab"], vec!["", "b"]),
            (r"^\d+$", vec!["12"], vec!["٣", "a"]),
            (r"^\w$", vec!["_", "z"], vec!["é", "-"]),
            (r"^\s$", vec!["\u{feff}", "\u{a0}", " "], vec!["\u{85}", "x"]),
            ("^.$", vec!["😀", "\u{85}"], vec!["\n", "\u{2028}", "ab"]),
            (r"^\u{1F600}|\uD83D\uDE01$", vec!["😀", "😁"], vec!["😂"]),
            (r"^[^a-c\-]+$", vec!["xyz😀"], vec!["-", "a", ""]),
            (r"^\p{Lu}\p{Script=Greek}$", vec!["Éα"], vec!["éα", "ÉA"]),
            (r"\bfoo\b", vec!["a foo b", "éfoo"], vec!["foobar"]),
            ("^(?:a|b)*?c$", vec!["abac"], vec!["abd"]),
            ("^(?<year>[0-9]{4})-[^]$", vec!["2024-\n"], vec!["2024-"]),
            ("^(a|^b)c", vec!["bcx"], vec!["xbc"]),
            ("x|^y", vec!["ax", "ya"], vec!["ay"]),
            (r"^[\w.-]+@[\w\W]$", vec!["a.b-c@é"], vec!["@é"]),
            (r"^\cJ\x41\0$", vec!["\nA\0"], vec!["A"]),
            ("[]", vec![], vec!["", "a"]),
        ] {
            for text in yes {
                assert!(matches(pattern, text), "{pattern} {text:?}");
            }
            for text in no {
                assert!(!matches(pattern, text), "{pattern} {text:?}");
            }
        }
    }

    #[test]
    fn long_counts_of_one_class_stay_small() {
        let pattern = compile(r"^[\p{L}\p{N} _-]{1,64}$", None).unwrap();
        assert!(
            pattern.is_match(&"é".repeat(64)) && !pattern.is_match(&"é".repeat(65)) && !pattern.is_match("")
        );
        assert!(serde_json::to_vec(&pattern).unwrap().len() < 40_000);
        assert!(matches("^.{1,255}$", &"é".repeat(255)));
        let pattern = compile(r"^(?:ab|cd)-\p{L}{2,500}\d{3}$", None).unwrap();
        for (letters, holds) in [(1, false), (2, true), (500, true), (501, false)] {
            assert_eq!(pattern.is_match(&format!("cd-{}123", "é".repeat(letters))), holds, "{letters}");
        }
        assert!(!pattern.is_match("ac-éé123") && !pattern.is_match("ab-é1é123"));
    }

    #[test]
    fn what_no_automaton_can_do_is_named() {
        assert_eq!(refused("^(?=a)b"), "look-ahead cannot be compiled to an automaton");
        assert_eq!(refused(r"(a)\1"), "a back-reference cannot be compiled to an automaton");
        assert_eq!(refused("(?<!a)b"), "look-behind cannot be compiled to an automaton");
        assert_eq!(refused(r"^(?:\p{L}x?){1,900}$"), "its automaton would be too large");
    }

    #[test]
    fn what_is_no_ecma_262_pattern_is_refused() {
        for pattern in [
            "(",
            ")",
            "[a",
            "a{2,1}",
            "*a",
            "a**",
            "^*",
            r"\-",
            r"\a",
            "{",
            "a{",
            "}",
            "]",
            "[b-a]",
            r"[\d-z]",
            r"\u12",
            r"\x{41}",
            r"\p{Nope}",
            "(?i)a",
            r"\",
        ] {
            assert!(compile(pattern, None).is_err(), "{pattern}");
        }
    }
}

//! Which headers are compared, and how: only those a client can rely on, each by its own meaning.

/// How the values of one header are compared. Several lines of a header count as one list (RFC 9110, section 5.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderCheck {
    /// The values are the same text.
    Exact,
    /// The values are the same set of comma-separated words, in any order and case: `vary`, `allow`.
    Words,
    /// It is there on both sides, or on neither; its value is each side's own affair.
    Present,
}

/// One header that is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderRule {
    /// Its name in lower case.
    pub name: String,
    /// How.
    pub check: HeaderCheck,
}

impl HeaderRule {
    /// A rule for a header.
    pub fn new(name: &str, check: HeaderCheck) -> Self {
        Self { name: name.to_ascii_lowercase(), check }
    }
}

impl HeaderCheck {
    /// Whether two values of a header that both answers have mean the same.
    pub(crate) fn same(self, expected: &str, actual: &str) -> bool {
        match self {
            Self::Exact => expected == actual,
            Self::Words => words(expected) == words(actual),
            Self::Present => true,
        }
    }
}

fn words(value: &str) -> Vec<String> {
    let mut words: Vec<String> = value
        .split(',')
        .map(|word| word.trim().to_ascii_lowercase())
        .filter(|word| !word.is_empty())
        .collect();
    words.sort();
    words.dedup();
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_check_has_its_own_idea_of_the_same() {
        assert!(!HeaderCheck::Exact.same("a, b", "a,b"));
        assert!(HeaderCheck::Words.same("Accept-Encoding, origin", "origin,accept-encoding"));
        assert!(!HeaderCheck::Words.same("GET, POST", "GET"));
        assert!(HeaderCheck::Present.same("one", "two"));
    }
}

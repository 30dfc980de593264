//! Whether a text is a pattern of ECMA-262 (with the flag `u`): only its grammar, nothing is built.

use std::iter::Peekable;
use std::str::Chars;

/// Whether the text is a pattern.
pub(super) fn is_pattern(text: &str) -> bool {
    let mut parser = Parser {
        chars: text.chars().peekable(),
        groups: 0,
        highest: 0,
        names: Vec::new(),
        named: Vec::new(),
    };
    parser.pattern().is_some()
        && parser.highest <= parser.groups
        && parser.named.iter().all(|name| parser.names.contains(name))
}

struct Parser<'a> {
    chars: Peekable<Chars<'a>>,
    groups: u32,
    /// The highest group that is referred to.
    highest: u32,
    names: Vec<String>,
    /// The names that are referred to.
    named: Vec<String>,
}

/// Each step gives `None` where the grammar is broken.
impl Parser<'_> {
    fn pattern(&mut self) -> Option<()> {
        // The open groups, each by whether it may be repeated.
        let mut open: Vec<bool> = Vec::new();
        let mut repeatable = false;
        while let Some(c) = self.chars.next() {
            repeatable = match c {
                '(' => {
                    open.push(self.group()?);
                    false
                }
                ')' => open.pop()?,
                '|' | '^' | '$' => false,
                '*' | '+' | '?' | '{' => {
                    if !repeatable || (c == '{' && !self.counts()) {
                        return None;
                    }
                    self.chars.next_if_eq(&'?');
                    false
                }
                '}' | ']' => return None,
                '[' => {
                    self.class()?;
                    true
                }
                '\\' => self.escape()?,
                _ => true,
            };
        }
        open.is_empty().then_some(())
    }

    /// What follows `(`; whether the group may be repeated.
    fn group(&mut self) -> Option<bool> {
        if self.chars.next_if_eq(&'?').is_none() {
            self.groups += 1;
            return Some(true);
        }
        match self.chars.next()? {
            ':' => Some(true),
            '=' | '!' => Some(false),
            '<' if self.chars.next_if(|c| matches!(c, '=' | '!')).is_some() => Some(false),
            '<' => {
                let name = self.name()?;
                if self.names.contains(&name) {
                    return None;
                }
                self.names.push(name);
                self.groups += 1;
                Some(true)
            }
            _ => None,
        }
    }

    /// A group's name and the `>` after it.
    fn name(&mut self) -> Option<String> {
        let mut name = String::new();
        loop {
            match self.chars.next()? {
                '>' if !name.is_empty() => return Some(name),
                c if c.is_alphabetic() || matches!(c, '_' | '$') || (c.is_numeric() && !name.is_empty()) => {
                    name.push(c);
                }
                _ => return None,
            }
        }
    }

    /// What follows the `{` of a quantifier.
    fn counts(&mut self) -> bool {
        let Some(least) = self.digits() else { return false };
        let ordered = match self.chars.next_if_eq(&',') {
            Some(_) if self.chars.peek() != Some(&'}') => self.digits().is_some_and(|most| least <= most),
            _ => true,
        };
        ordered && self.chars.next() == Some('}')
    }

    fn digits(&mut self) -> Option<u64> {
        let mut value = None;
        while let Some(digit) = self.chars.peek().and_then(|c| c.to_digit(10)) {
            self.chars.next();
            value = Some(value.unwrap_or(0_u64).saturating_mul(10).saturating_add(u64::from(digit)));
        }
        value
    }

    /// What follows a backslash outside a class; whether it may be repeated.
    fn escape(&mut self) -> Option<bool> {
        match *self.chars.peek()? {
            'b' | 'B' => {
                self.chars.next();
                Some(false)
            }
            '1'..='9' => {
                let group = u32::try_from(self.digits()?).ok()?;
                self.highest = self.highest.max(group);
                Some(true)
            }
            'k' => {
                self.chars.next();
                self.chars.next_if_eq(&'<')?;
                let name = self.name()?;
                self.named.push(name);
                Some(true)
            }
            _ => self.character().map(|_| true),
        }
    }

    /// An escape that stands for one character, or for a set of them (`None` inside).
    fn character(&mut self) -> Option<Option<u32>> {
        let c = self.chars.next()?;
        Some(match c {
            'd' | 'D' | 'w' | 'W' | 's' | 'S' => None,
            'p' | 'P' => {
                self.property()?;
                None
            }
            't' | 'n' | 'v' | 'f' | 'r' => Some(u32::from(c)),
            '0' if !self.chars.peek().is_some_and(char::is_ascii_digit) => Some(0),
            'c' => Some(u32::from(self.chars.next_if(char::is_ascii_alphabetic)?) % 32),
            'x' => Some(self.hex(2)?),
            'u' if self.chars.next_if_eq(&'{').is_some() => {
                let mut code = 0_u32;
                loop {
                    match self.chars.next()? {
                        '}' => break,
                        digit => code = code.saturating_mul(16).saturating_add(digit.to_digit(16)?),
                    }
                }
                (code <= 0x0010_ffff).then_some(Some(code))?
            }
            'u' => Some(self.hex(4)?),
            '^' | '$' | '\\' | '.' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '|' | '/' => {
                Some(u32::from(c))
            }
            _ => return None,
        })
    }

    fn property(&mut self) -> Option<()> {
        self.chars.next_if_eq(&'{')?;
        let mut length = 0;
        loop {
            match self.chars.next()? {
                '}' => return (length > 0).then_some(()),
                c if c.is_ascii_alphanumeric() || matches!(c, '_' | '=') => length += 1,
                _ => return None,
            }
        }
    }

    fn hex(&mut self, length: usize) -> Option<u32> {
        (0..length).try_fold(0, |code, _| Some(code * 16 + self.chars.next()?.to_digit(16)?))
    }

    fn class(&mut self) -> Option<()> {
        self.chars.next_if_eq(&'^');
        loop {
            if self.chars.next_if_eq(&']').is_some() {
                return Some(());
            }
            let first = self.class_item()?;
            if self.chars.next_if_eq(&'-').is_none() {
                continue;
            }
            if self.chars.next_if_eq(&']').is_some() {
                return Some(());
            }
            // A range goes from one character to a later one.
            let last = self.class_item()?;
            if first? > last? {
                return None;
            }
        }
    }

    fn class_item(&mut self) -> Option<Option<u32>> {
        match self.chars.next()? {
            '\\' => match self.chars.next_if(|c| matches!(c, 'b' | '-')) {
                Some('b') => Some(Some(8)),
                Some(_) => Some(Some(u32::from('-'))),
                None => self.character(),
            },
            c => Some(Some(u32::from(c))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_told_from_texts_that_are_none() {
        for good in [
            "",
            "a|b",
            "^(?:x)+?$",
            r"(a)\1",
            r"(?<n>a)\k<n>",
            "(?=a)b",
            "(?<!a)b",
            "[a-z]{2,3}",
            "[]",
            "[^]",
            "[a-]",
            r"\p{L}\u{1F600}[\d\-]",
        ] {
            assert!(is_pattern(good), "{good}");
        }
        for bad in [
            "(",
            ")",
            "[a",
            "a{2,1}",
            "*",
            "a**",
            "^*",
            r"\Z",
            r"\a",
            "{",
            "a{",
            "}",
            "]",
            "[b-a]",
            r"\1",
            r"\k<n>",
            "(?<n",
            "(?=a)*",
            r"\u{110000}",
            r"\",
        ] {
            assert!(!is_pattern(bad), "{bad}");
        }
    }
}

//! ECMA-262 patterns (with the flag `u`, as JSON Schema's `pattern` is read) as patterns of the `regex` family.
//!
//! The two languages look alike and differ: `\d \w \s \b` are narrower or wider, `$` does not match before a final line
//! feed, `.` excludes four characters, lone braces are errors. So the pattern is parsed by ECMA-262's grammar
//! and written anew, every class spelled out.

use std::fmt::Write as _;

/// A parsed pattern.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    /// A set of characters, as a class of the `regex` family.
    Class(String),
    /// `^`
    Start,
    /// `$`
    End,
    /// `\b`, or with `false` `\B`.
    WordBoundary(bool),
    /// One after the other.
    Concat(Vec<Node>),
    /// One or the other.
    Alternatives(Vec<Node>),
    /// Again and again: at least, at most.
    Repeat(Box<Node>, u32, Option<u32>),
}

const DIGIT: &str = r"0-9";
const WORD: &str = r"0-9A-Z_a-z";
const SPACE: &str =
    r"\x{9}-\x{D}\x{20}\x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}\x{FEFF}";
const NOT_DOT: &str = r"\x{A}\x{D}\x{2028}\x{2029}";
const ALL: &str = r"\x{0}-\x{10FFFF}";
/// The largest count that makes sense; ECMA-262 has no limit.
const MAX_COUNT: u32 = 100_000;
/// How deeply groups may be nested.
const MAX_DEPTH: usize = 100;

/// Parses a pattern.
///
/// # Errors
/// Says what is wrong with it, or what it has that no automaton can do.
pub(super) fn parse(pattern: &str) -> Result<Node, String> {
    let mut parser = Parser { chars: pattern.chars().collect(), at: 0, depth: 0 };
    let node = parser.alternatives()?;
    match parser.peek() {
        None => Ok(node),
        Some(c) => Err(format!("`{c}` at position {} closes nothing", parser.at + 1)),
    }
}

impl Node {
    /// The pattern in the `regex` family's language.
    pub(super) fn to_regex(&self) -> String {
        let mut text = String::new();
        self.write(&mut text);
        text
    }

    /// Whether every match starts at the text's start.
    pub(super) fn is_anchored(&self) -> bool {
        match self {
            Node::Start => true,
            Node::Concat(nodes) => nodes.first().is_some_and(Node::is_anchored),
            Node::Alternatives(nodes) => nodes.iter().all(Node::is_anchored),
            Node::Repeat(node, least, _) => *least > 0 && node.is_anchored(),
            Node::Class(_) | Node::End | Node::WordBoundary(_) => false,
        }
    }

    /// For `^class{least,most}$`: the class and the counts.
    pub(super) fn counted_class(&self) -> Option<(&str, u32, Option<u32>)> {
        let Node::Concat(nodes) = self else { return None };
        let [Node::Start, Node::Repeat(node, least, most), Node::End] = nodes.as_slice() else { return None };
        match node.as_ref() {
            Node::Class(class) => Some((class, *least, *most)),
            _ => None,
        }
    }

    /// For `^…class{least,most}…$` with nothing else of varying length: the pattern with any number of the class, and
    /// how many characters the text has then.
    pub(super) fn counted_beside(&self) -> Option<(Node, u32, Option<u32>)> {
        let Node::Concat(nodes) = self else { return None };
        let [Node::Start, middle @ .., Node::End] = nodes.as_slice() else { return None };
        let mut varying = middle.iter().enumerate().filter(|(_, node)| node.length().is_none());
        let ((at, Node::Repeat(class, least, most)), None) = (varying.next()?, varying.next()) else {
            return None;
        };
        if !matches!(class.as_ref(), Node::Class(_)) {
            return None;
        }
        let fixed = middle.iter().filter_map(Node::length).try_fold(0_u32, u32::checked_add)?;
        let mut loose = nodes.clone();
        *loose.get_mut(at + 1)? = Node::Repeat(class.clone(), 0, None);
        let most = match most {
            Some(most) => Some(most.checked_add(fixed)?),
            None => None,
        };
        Some((Node::Concat(loose), least.checked_add(fixed)?, most))
    }

    /// How many characters every match has, when all have the same number.
    fn length(&self) -> Option<u32> {
        match self {
            Node::Class(_) => Some(1),
            Node::Start | Node::End | Node::WordBoundary(_) => Some(0),
            Node::Concat(nodes) => nodes.iter().try_fold(0_u32, |sum, node| sum.checked_add(node.length()?)),
            Node::Alternatives(nodes) => {
                let first = nodes.first()?.length()?;
                nodes.iter().all(|node| node.length() == Some(first)).then_some(first)
            }
            Node::Repeat(node, least, most) if Some(*least) == *most => node.length()?.checked_mul(*least),
            Node::Repeat(..) => None,
        }
    }

    fn write(&self, text: &mut String) {
        match self {
            Node::Class(class) => text.push_str(class),
            Node::Start => text.push_str(r"\A"),
            Node::End => text.push_str(r"\z"),
            Node::WordBoundary(true) => text.push_str(r"(?-u:\b)"),
            Node::WordBoundary(false) => text.push_str(r"(?-u:\B)"),
            Node::Concat(nodes) => nodes.iter().for_each(|node| node.write(text)),
            Node::Alternatives(nodes) => {
                text.push_str("(?:");
                for (index, node) in nodes.iter().enumerate() {
                    if index > 0 {
                        text.push('|');
                    }
                    node.write(text);
                }
                text.push(')');
            }
            Node::Repeat(node, least, most) => {
                text.push_str("(?:");
                node.write(text);
                let _ = match most {
                    Some(most) => write!(text, "){{{least},{most}}}"),
                    None => write!(text, "){{{least},}}"),
                };
            }
        }
    }
}

struct Parser {
    chars: Vec<char>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn alternatives(&mut self) -> Result<Node, String> {
        let mut all = vec![self.sequence()?];
        while self.take('|') {
            all.push(self.sequence()?);
        }
        Ok(match (all.pop(), all.is_empty()) {
            (Some(only), true) => only,
            (last, _) => Node::Alternatives(all.into_iter().chain(last).collect()),
        })
    }

    fn sequence(&mut self) -> Result<Node, String> {
        let mut nodes = Vec::new();
        while let Some(c) = self.peek() {
            if matches!(c, '|' | ')') {
                break;
            }
            let (node, repeatable) = self.atom()?;
            nodes.push(self.repeated(node, repeatable)?);
        }
        Ok(Node::Concat(nodes))
    }

    fn atom(&mut self) -> Result<(Node, bool), String> {
        let start = self.at + 1;
        let Some(c) = self.next() else { return Err("the pattern ends too early".to_owned()) };
        match c {
            '^' => Ok((Node::Start, false)),
            '$' => Ok((Node::End, false)),
            '.' => Ok((class(&format!("^{NOT_DOT}")), true)),
            '(' => Ok((self.group()?, true)),
            '[' => Ok((self.class()?, true)),
            '\\' => self.escape(),
            '*' | '+' | '?' => Err(format!("`{c}` at position {start} has nothing to repeat")),
            '{' | '}' | ']' => Err(format!("`{c}` at position {start} must be written `\\{c}`")),
            c => Ok((literal(c), true)),
        }
    }

    fn group(&mut self) -> Result<Node, String> {
        if self.take('?') {
            match self.next() {
                Some(':') => {}
                Some('=' | '!') => return Err("look-ahead cannot be compiled to an automaton".to_owned()),
                Some('<') if matches!(self.peek(), Some('=' | '!')) => {
                    return Err("look-behind cannot be compiled to an automaton".to_owned());
                }
                Some('<') => self.group_name()?,
                _ => return Err("`(?` is followed by nothing that ECMA-262 knows".to_owned()),
            }
        }
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("groups are nested more than {MAX_DEPTH} deep"));
        }
        let node = self.alternatives()?;
        self.depth -= 1;
        if self.take(')') { Ok(node) } else { Err("a `(` is not closed".to_owned()) }
    }

    fn group_name(&mut self) -> Result<(), String> {
        let start = self.at;
        while let Some(c) = self.next() {
            match c {
                '>' if self.at > start + 1 => return Ok(()),
                c if c.is_alphanumeric() || c == '_' || c == '$' => {}
                _ => break,
            }
        }
        Err("a group's name is malformed".to_owned())
    }

    fn repeated(&mut self, node: Node, repeatable: bool) -> Result<Node, String> {
        let start = self.at + 1;
        let (least, most) = match self.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => return self.counted(node, repeatable),
            _ => return Ok(node),
        };
        if !repeatable {
            return Err(format!("the quantifier at position {start} has nothing to repeat"));
        }
        self.at += 1;
        // Lazy or greedy: the question is only whether there is a match.
        self.take('?');
        Ok(Node::Repeat(Box::new(node), least, most))
    }

    fn counted(&mut self, node: Node, repeatable: bool) -> Result<Node, String> {
        let start = self.at + 1;
        self.at += 1;
        let least = self.count()?;
        let most = match (self.take(','), self.peek()) {
            (false, _) => Some(least),
            (true, Some('}')) => None,
            (true, _) => Some(self.count()?),
        };
        if !self.take('}') {
            return Err(format!("the `{{` at position {start} begins no quantifier; write `\\{{`"));
        }
        if most.is_some_and(|most| most < least) {
            return Err(format!("the quantifier at position {start} has its numbers in the wrong order"));
        }
        if !repeatable {
            return Err(format!("the quantifier at position {start} has nothing to repeat"));
        }
        self.take('?');
        Ok(Node::Repeat(Box::new(node), least, most))
    }

    fn count(&mut self) -> Result<u32, String> {
        let start = self.at;
        while self.peek().is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1;
        }
        let digits: String = self.chars.get(start..self.at).unwrap_or_default().iter().collect();
        match digits.parse() {
            Ok(count) if count <= MAX_COUNT => Ok(count),
            Ok(_) => Err(format!("a count of {digits} is too large; at most {MAX_COUNT} can be compiled")),
            Err(_) => Err("a `{` begins no quantifier; write `\\{`".to_owned()),
        }
    }

    fn escape(&mut self) -> Result<(Node, bool), String> {
        match self.peek() {
            Some('b') => {
                self.at += 1;
                Ok((Node::WordBoundary(true), false))
            }
            Some('B') => {
                self.at += 1;
                Ok((Node::WordBoundary(false), false))
            }
            Some('1'..='9' | 'k') => Err("a back-reference cannot be compiled to an automaton".to_owned()),
            _ => Ok((
                match self.class_escape()? {
                    Item::Char(c) => literal(c),
                    Item::Set(set) => class(&set),
                },
                true,
            )),
        }
    }

    /// What follows a backslash, where it stands for a character or a set of them.
    fn class_escape(&mut self) -> Result<Item, String> {
        let c = self.next().ok_or("the pattern ends in a backslash")?;
        Ok(match c {
            'd' => Item::Set(DIGIT.to_owned()),
            'w' => Item::Set(WORD.to_owned()),
            's' => Item::Set(SPACE.to_owned()),
            'D' => Item::Set(format!("[^{DIGIT}]")),
            'W' => Item::Set(format!("[^{WORD}]")),
            'S' => Item::Set(format!("[^{SPACE}]")),
            'p' | 'P' => self.property(c)?,
            't' => Item::Char('\t'),
            'n' => Item::Char('\n'),
            'v' => Item::Char('\u{b}'),
            'f' => Item::Char('\u{c}'),
            'r' => Item::Char('\r'),
            '0' if !self.peek().is_some_and(|c| c.is_ascii_digit()) => Item::Char('\0'),
            'c' => {
                let letter = self.next().filter(char::is_ascii_alphabetic).ok_or("`\\c` needs a letter")?;
                Item::Char(char::from_u32(u32::from(letter) % 32).unwrap_or_default())
            }
            'x' => Item::Char(character(self.hex(2)?)?),
            'u' => Item::Char(self.unicode()?),
            '^' | '$' | '\\' | '.' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '|' | '/' => {
                Item::Char(c)
            }
            c => return Err(format!("the escape `\\{c}` does not exist in ECMA-262")),
        })
    }

    fn property(&mut self, c: char) -> Result<Item, String> {
        let start = self.at;
        let closed = self.chars.iter().skip(start).position(|c| *c == '}').map(|length| start + length);
        let name = match (self.peek(), closed) {
            (Some('{'), Some(end)) => {
                self.chars.get(start + 1..end).unwrap_or_default().iter().collect::<String>()
            }
            _ => String::new(),
        };
        let known = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '=';
        if name.is_empty() || !name.chars().all(known) {
            return Err(format!("`\\{c}` needs a Unicode property in braces"));
        }
        self.at = start + name.chars().count() + 2;
        Ok(Item::Set(format!("\\{c}{{{name}}}")))
    }

    fn unicode(&mut self) -> Result<char, String> {
        if self.take('{') {
            let start = self.at;
            while self.peek().is_some_and(|c| c.is_ascii_hexdigit()) {
                self.at += 1;
            }
            let digits: String = self.chars.get(start..self.at).unwrap_or_default().iter().collect();
            let code = u32::from_str_radix(&digits, 16).ok().filter(|_| self.take('}'));
            return character(code.ok_or("`\\u{` needs hexadecimal digits and a `}`")?);
        }
        let high = self.hex(4)?;
        if (0xd800..0xdc00).contains(&high) && self.take('\\') && self.take('u') {
            let low = self.hex(4)?;
            if (0xdc00..0xe000).contains(&low) {
                return character(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00));
            }
        }
        character(high)
    }

    fn hex(&mut self, length: usize) -> Result<u32, String> {
        let digits: String = self.chars.iter().skip(self.at).take(length).collect();
        if digits.len() != length || !digits.chars().all(|c| c.is_ascii_hexdigit()) {
            return Err(format!("an escape needs {length} hexadecimal digits"));
        }
        self.at += length;
        u32::from_str_radix(&digits, 16).map_err(|error| error.to_string())
    }

    fn class(&mut self) -> Result<Node, String> {
        let negated = self.take('^');
        let mut set = String::new();
        loop {
            match self.peek() {
                None => return Err("a `[` is not closed".to_owned()),
                Some(']') => break,
                Some(_) => {}
            }
            let first = self.class_item()?;
            let dash = self.peek() == Some('-') && !matches!(self.chars.get(self.at + 1), None | Some(']'));
            if !dash {
                first.write(&mut set);
                continue;
            }
            self.at += 1;
            let last = self.class_item()?;
            let (Item::Char(first), Item::Char(last)) = (first, last) else {
                return Err("a range in a class must go from one character to another".to_owned());
            };
            if first > last {
                return Err(format!("the range `{first}-{last}` is in the wrong order"));
            }
            let _ = write!(set, "{}-{}", escaped(first), escaped(last));
        }
        self.at += 1;
        Ok(match (negated, set.is_empty()) {
            (false, false) => class(&set),
            (true, false) => class(&format!("^{set}")),
            (false, true) => class(&format!("^{ALL}")),
            (true, true) => class(ALL),
        })
    }

    fn class_item(&mut self) -> Result<Item, String> {
        match self.next().ok_or("a `[` is not closed")? {
            '\\' => match self.peek() {
                Some('b') => {
                    self.at += 1;
                    Ok(Item::Char('\u{8}'))
                }
                Some('-') => {
                    self.at += 1;
                    Ok(Item::Char('-'))
                }
                _ => self.class_escape(),
            },
            c => Ok(Item::Char(c)),
        }
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek();
        self.at += 1;
        c
    }

    fn take(&mut self, wanted: char) -> bool {
        let there = self.peek() == Some(wanted);
        self.at += usize::from(there);
        there
    }
}

/// A character, or a set of them in the form that stands inside brackets.
enum Item {
    Char(char),
    Set(String),
}

impl Item {
    fn write(&self, set: &mut String) {
        match self {
            Item::Char(c) => set.push_str(&escaped(*c)),
            Item::Set(text) => set.push_str(text),
        }
    }
}

fn literal(c: char) -> Node {
    class(&escaped(c))
}

fn class(set: &str) -> Node {
    Node::Class(format!("[{set}]"))
}

fn escaped(c: char) -> String {
    if c.is_ascii_alphanumeric() { c.to_string() } else { format!("\\x{{{:X}}}", u32::from(c)) }
}

fn character(code: u32) -> Result<char, String> {
    char::from_u32(code)
        .ok_or_else(|| format!("U+{code:04X} is a lone surrogate or no character, which no text holds"))
}

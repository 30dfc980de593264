//! Reads JSON (RFC 8259) as `JSON.parse` does, to a bounded depth.

use std::borrow::Cow;

use crate::json::{Json, JsonError, MAX_DEPTH, Object};
use crate::number::Number;

/// Reads one text.
pub(crate) struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// No object may have two members of one name.
    unique: bool,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(text: &'a str, unique: bool) -> Reader<'a> {
        Reader { text, at: 0, unique }
    }

    /// The text as one value, with nothing but white space around it.
    pub(crate) fn document(mut self) -> Result<Json<'a>, JsonError> {
        self.skip_space();
        let value = self.value(0)?;
        self.skip_space();
        if self.at == self.text.len() { Ok(value) } else { Err(JsonError::Malformed) }
    }

    fn value(&mut self, depth: usize) -> Result<Json<'a>, JsonError> {
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => Ok(Json::String(self.string()?)),
            Some(b't') => self.word("true", Json::Bool(true)),
            Some(b'f') => self.word("false", Json::Bool(false)),
            Some(b'n') => self.word("null", Json::Null),
            _ => self.number(),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Json<'a>, JsonError> {
        let mut members = Vec::new();
        self.open(depth)?;
        while !self.closed(b'}', members.is_empty())? {
            if self.peek() != Some(b'"') {
                return Err(JsonError::Malformed);
            }
            let name = self.string()?;
            self.skip_space();
            if self.next() != Some(b':') {
                return Err(JsonError::Malformed);
            }
            self.skip_space();
            members.push((name, self.value(depth + 1)?));
            self.skip_space();
        }
        let count = members.len();
        let object = Object::new(members);
        if self.unique && object.len() < count { Err(JsonError::Repeated) } else { Ok(Json::Object(object)) }
    }

    fn array(&mut self, depth: usize) -> Result<Json<'a>, JsonError> {
        let mut items = Vec::new();
        self.open(depth)?;
        while !self.closed(b']', items.is_empty())? {
            items.push(self.value(depth + 1)?);
            self.skip_space();
        }
        Ok(Json::Array(items))
    }

    fn open(&mut self, depth: usize) -> Result<(), JsonError> {
        if depth >= MAX_DEPTH {
            return Err(JsonError::TooDeep);
        }
        self.at += 1;
        self.skip_space();
        Ok(())
    }

    /// Takes the closing bracket, or the comma before the next entry; afterwards stands on that entry.
    fn closed(&mut self, bracket: u8, first: bool) -> Result<bool, JsonError> {
        match self.peek() {
            Some(byte) if byte == bracket => {
                self.at += 1;
                Ok(true)
            }
            Some(_) if first => Ok(false),
            Some(b',') => {
                self.at += 1;
                self.skip_space();
                if self.peek() == Some(bracket) { Err(JsonError::Malformed) } else { Ok(false) }
            }
            _ => Err(JsonError::Malformed),
        }
    }

    fn string(&mut self) -> Result<Cow<'a, str>, JsonError> {
        self.at += 1;
        let start = self.at;
        let mut text = String::new();
        let mut copied = start;
        loop {
            match self.peek().ok_or(JsonError::Malformed)? {
                b'"' => {
                    let rest = self.slice(copied, self.at)?;
                    self.at += 1;
                    if copied == start {
                        return Ok(Cow::Borrowed(rest));
                    }
                    text.push_str(rest);
                    return Ok(Cow::Owned(text));
                }
                b'\\' => {
                    text.push_str(self.slice(copied, self.at)?);
                    self.at += 1;
                    text.push(self.escape()?);
                    copied = self.at;
                }
                0..0x20 => return Err(JsonError::Malformed),
                _ => self.at += 1,
            }
        }
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        Ok(match self.next().ok_or(JsonError::Malformed)? {
            b'n' => '\n',
            b't' => '\t',
            b'r' => '\r',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            byte @ (b'"' | b'\\' | b'/') => char::from(byte),
            b'u' => {
                let unit = self.hex4()?;
                match char::from_u32(unit) {
                    Some(plain) => plain,
                    None => self.surrogate(unit)?,
                }
            }
            _ => return Err(JsonError::Malformed),
        })
    }

    /// A pair of surrogates is one character; one alone, which no UTF-8 can hold, becomes U+FFFD.
    fn surrogate(&mut self, high: u32) -> Result<char, JsonError> {
        if high < 0xdc00 && self.text.get(self.at..).is_some_and(|rest| rest.starts_with("\\u")) {
            let before = self.at;
            self.at += 2;
            let low = self.hex4()?;
            if (0xdc00..0xe000).contains(&low) {
                let code = 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.at = before;
        }
        Ok(char::REPLACEMENT_CHARACTER)
    }

    fn hex4(&mut self) -> Result<u32, JsonError> {
        let digits = self.text.get(self.at..self.at + 4).ok_or(JsonError::Malformed)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(JsonError::Malformed);
        }
        self.at += 4;
        u32::from_str_radix(digits, 16).map_err(|_| JsonError::Malformed)
    }

    fn number(&mut self) -> Result<Json<'a>, JsonError> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        let number = Number::read(self.slice(start, self.at)?).ok_or(JsonError::Malformed)?;
        Ok(number.into())
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start { Err(JsonError::Malformed) } else { Ok(()) }
    }

    fn word(&mut self, word: &str, value: Json<'a>) -> Result<Json<'a>, JsonError> {
        if self.text.get(self.at..).is_some_and(|rest| rest.starts_with(word)) {
            self.at += word.len();
            return Ok(value);
        }
        Err(JsonError::Malformed)
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek();
        self.at += 1;
        byte
    }

    fn slice(&self, from: usize, to: usize) -> Result<&'a str, JsonError> {
        self.text.get(from..to).ok_or(JsonError::Malformed)
    }
}

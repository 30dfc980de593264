//! serde_json's stream of events, checked as they come: no tree.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::trade;

pub(crate) fn is_valid(bytes: &[u8]) -> bool {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    Expect::Root.deserialize(&mut reader).is_ok() && reader.end().is_ok()
}

#[derive(Clone, Copy)]
enum Expect {
    Root,
    Trades,
    Trade,
    Member(u8),
    Tag(u8),
}

/// A member's name, borrowed where it has no escapes.
struct Name;

impl<'de> DeserializeSeed<'de> for Expect {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Expect {
    type Value = ();

    fn expecting(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        text.write_str("something else")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = 0;
        while let Some(name) = map.next_key_seed(Name)? {
            let expect = match self {
                Expect::Root if name == "trades" => Expect::Trades,
                Expect::Trade => {
                    let member = trade::member(&name).ok_or_else(|| A::Error::custom(""))?;
                    seen |= 1 << member;
                    Expect::Member(member)
                }
                _ => return Err(A::Error::custom("")),
            };
            map.next_value_seed(expect)?;
        }
        let complete = !matches!(self, Expect::Trade) || seen & trade::REQUIRED == trade::REQUIRED;
        if complete { Ok(()) } else { Err(A::Error::custom("")) }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let (most, expect) = match self {
            Expect::Trades => (usize::MAX, Expect::Trade),
            Expect::Member(member) => (trade::list(member).unwrap_or_default(), Expect::Tag(member)),
            _ => return Err(A::Error::custom("")),
        };
        let mut count = 0;
        while items.next_element_seed(expect)?.is_some() {
            count += 1;
            if count > most {
                return Err(A::Error::custom(""));
            }
        }
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        match self {
            Expect::Member(member) | Expect::Tag(member)
                if trade::text(member, text, || text.chars().count()) =>
            {
                Ok(())
            }
            _ => Err(E::custom("")),
        }
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        match self {
            Expect::Member(member) if trade::number(member, number) => Ok(()),
            _ => Err(E::custom("")),
        }
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.visit_f64(number as f64)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.visit_f64(number as f64)
    }
}

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Cow<'de, str>, D::Error> {
        reader.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        text.write_str("a name")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

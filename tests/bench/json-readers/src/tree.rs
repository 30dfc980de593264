//! Checks a tree, whoever has made it.

use crate::trade;

pub(crate) trait Tree: Sized {
    /// Calls for each member; `None` when this is no object.
    fn members(&self, each: impl FnMut(&str, &Self) -> bool) -> Option<bool>;
    /// Calls for each item; `None` when this is no list.
    fn items(&self, each: impl FnMut(&Self) -> bool) -> Option<bool>;
    fn text(&self) -> Option<&str>;
    fn number(&self) -> Option<f64>;
}

pub(crate) fn is_valid(root: &impl Tree) -> bool {
    let mut found = false;
    let valid = root.members(|name, value| {
        found = true;
        name == "trades" && value.items(is_trade).unwrap_or(false)
    });
    found && valid.unwrap_or(false)
}

fn is_trade(value: &impl Tree) -> bool {
    let mut seen = 0;
    let valid = value.members(|name, value| {
        let Some(member) = trade::member(name) else { return false };
        seen |= 1 << member;
        is_member(member, value)
    });
    valid.unwrap_or(false) && seen & trade::REQUIRED == trade::REQUIRED
}

fn is_member(member: u8, value: &impl Tree) -> bool {
    if let Some(most) = trade::list(member) {
        let mut count = 0;
        let valid = value.items(|item| {
            count += 1;
            count <= most
                && item.text().is_some_and(|text| trade::text(member, text, || text.chars().count()))
        });
        return valid.unwrap_or(false);
    }
    match (value.text(), value.number()) {
        (Some(text), _) => trade::text(member, text, || text.chars().count()),
        (None, Some(number)) => trade::number(member, number),
        (None, None) => false,
    }
}

#[cfg(feature = "serde-tree")]
impl Tree for serde_json::Value {
    fn members(&self, mut each: impl FnMut(&str, &Self) -> bool) -> Option<bool> {
        Some(self.as_object()?.iter().all(|(name, value)| each(name, value)))
    }

    fn items(&self, each: impl FnMut(&Self) -> bool) -> Option<bool> {
        Some(self.as_array()?.iter().all(each))
    }

    fn text(&self) -> Option<&str> {
        self.as_str()
    }

    fn number(&self) -> Option<f64> {
        self.as_f64()
    }
}

#[cfg(feature = "sonic-tree")]
impl Tree for sonic_rs::Value {
    fn members(&self, mut each: impl FnMut(&str, &Self) -> bool) -> Option<bool> {
        Some(
            sonic_rs::JsonValueTrait::is_object(self)
                && sonic_rs::JsonContainerTrait::as_object(self)?
                    .iter()
                    .all(|(name, value)| each(name, value)),
        )
    }

    fn items(&self, each: impl FnMut(&Self) -> bool) -> Option<bool> {
        Some(sonic_rs::JsonContainerTrait::as_array(self)?.iter().all(each))
    }

    fn text(&self) -> Option<&str> {
        sonic_rs::JsonValueTrait::as_str(self)
    }

    fn number(&self) -> Option<f64> {
        sonic_rs::JsonValueTrait::as_f64(self)
    }
}

#[cfg(feature = "simd-json-tree")]
impl Tree for simd_json::BorrowedValue<'_> {
    fn members(&self, mut each: impl FnMut(&str, &Self) -> bool) -> Option<bool> {
        match self {
            Self::Object(members) => Some(members.iter().all(|(name, value)| each(name, value))),
            _ => None,
        }
    }

    fn items(&self, each: impl FnMut(&Self) -> bool) -> Option<bool> {
        match self {
            Self::Array(items) => Some(items.iter().all(each)),
            _ => None,
        }
    }

    fn text(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    fn number(&self) -> Option<f64> {
        use simd_json::StaticNode;
        match self {
            Self::Static(StaticNode::I64(number)) => Some(*number as f64),
            Self::Static(StaticNode::U64(number)) => Some(*number as f64),
            Self::Static(StaticNode::F64(number)) => Some(*number),
            _ => None,
        }
    }
}

#[cfg(feature = "plan-tree")]
impl Tree for cutover_plan::Json<'_> {
    fn members(&self, mut each: impl FnMut(&str, &Self) -> bool) -> Option<bool> {
        match self {
            Self::Object(members) => Some(members.iter().all(|(name, value)| each(name, value))),
            _ => None,
        }
    }

    fn items(&self, each: impl FnMut(&Self) -> bool) -> Option<bool> {
        match self {
            Self::Array(items) => Some(items.iter().all(each)),
            _ => None,
        }
    }

    fn text(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }
}

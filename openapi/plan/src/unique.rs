//! `uniqueItems`, without comparing each item with each.

use std::fmt::Write as _;

use crate::json::Json;
use crate::schema::Unique;
use crate::sort::sorted;

/// Up to this many items pairs are compared directly.
const FEW: usize = 16;

/// The two equal items (the earlier first) that the legacy validator would name; `None` when all differ.
pub(crate) fn duplicates(items: &[Json<'_>], unique: Unique) -> Option<(usize, usize)> {
    if items.len() <= FEW { few(items, unique) } else { many(items, unique) }
}

fn few(items: &[Json<'_>], unique: Unique) -> Option<(usize, usize)> {
    let equal = |a: usize, b: usize| items.get(a) == items.get(b);
    (0..items.len()).rev().find_map(|at| match unique {
        Unique::Scalars => (at + 1..items.len()).find(|later| equal(at, *later)).map(|later| (at, later)),
        Unique::Any => (0..at).rev().find(|earlier| equal(*earlier, at)).map(|earlier| (earlier, at)),
    })
}

/// Sorts the items by a text that is the same for equal items; equal neighbours are duplicates.
fn many(items: &[Json<'_>], unique: Unique) -> Option<(usize, usize)> {
    let keys: Vec<String> = items.iter().map(key).collect();
    let key = |at: usize| keys.get(at);
    let places = sorted(keys.len(), &mut |a, b| key(a).cmp(&key(b)));
    let pairs = places.windows(2).filter_map(|pair| match pair {
        [a, b] if key(*a as usize) == key(*b as usize) => Some((*a as usize, *b as usize)),
        _ => None,
    });
    match unique {
        Unique::Scalars => pairs.max_by_key(|(earlier, _)| *earlier),
        Unique::Any => pairs.max_by_key(|(_, later)| *later),
    }
}

fn key(item: &Json<'_>) -> String {
    let mut text = String::new();
    write(item, &mut text);
    text
}

fn write(item: &Json<'_>, key: &mut String) {
    match item {
        Json::Null => key.push('n'),
        Json::Bool(truth) => key.push(if *truth { 't' } else { 'f' }),
        Json::Number(_) => {
            let _ = write!(key, "#{};", item.number().map(|number| number.key()).unwrap_or_default());
        }
        Json::Exact(_) => {
            let _ = write!(key, "={};", item.number().map(|number| number.key()).unwrap_or_default());
        }
        Json::String(text) => {
            let _ = write!(key, "\"{}:{text}", text.len());
        }
        Json::Array(items) => {
            key.push('[');
            items.iter().for_each(|item| write(item, key));
            key.push(']');
        }
        Json::Object(object) => {
            let members: Vec<_> = object.iter().collect();
            let name = |at: usize| members.get(at).map(|(name, _)| *name);
            let places = sorted(members.len(), &mut |a, b| name(a).cmp(&name(b)));
            key.push('{');
            for (name, value) in places.iter().filter_map(|at| members.get(*at as usize)) {
                let _ = write!(key, "\"{}:{name}", name.len());
                write(value, key);
            }
            key.push('}');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(text: &str) -> Vec<Json<'_>> {
        match Json::parse(text).unwrap() {
            Json::Array(items) => items,
            other => panic!("no list: {other:?}"),
        }
    }

    #[test]
    fn both_ways_name_the_same_pair() {
        for text in [
            "[1,2,3]",
            "[1,2,1,2]",
            "[3,1,1,2,1]",
            r#"["a",0,-0,"a"]"#,
            r#"[{"a":1,"b":2},[],{"b":2,"a":1}]"#,
        ] {
            for unique in [Unique::Scalars, Unique::Any] {
                assert_eq!(few(&items(text), unique), many(&items(text), unique), "{text} {unique:?}");
            }
        }
    }

    #[test]
    fn values_that_look_alike_differ() {
        assert_eq!(
            many(&items(r#"[1,"1",true,"t",[],{},null,[[]],["a","b"],["ab"],["a\"1:b"]]"#), Unique::Any),
            None
        );
    }
}

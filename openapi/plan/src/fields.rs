//! Names with their values, as queries, cookies and forms have them, and the parameters put together from them.

use std::borrow::Cow;

use crate::json::{Json, Object};
use crate::operation::{Form, Shape, Style};
use crate::sort::sorted;
use crate::style::{self, BadStyle};

/// How deeply `name[member]` may be nested, as `qs` has it.
const MAX_BRACKETS: usize = 5;
/// From this index on `name[index]` is a member and not an item, as `qs` has it.
const MAX_INDEX: usize = 20;
/// Up to this many names a scan beats an index.
const SMALL: usize = 12;

/// Names with their values: one value, or a list where a name is repeated. In JavaScript's order of members.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    pub(crate) values: Object<'static>,
}

impl Fields {
    /// Joins the values of repeated names into lists, at the first one's place.
    pub(crate) fn new(pairs: Vec<(String, Json<'static>)>) -> Fields {
        let joined = |mut values: Vec<Json<'static>>| match values.pop() {
            Some(only) if values.is_empty() => only,
            last => {
                values.extend(last);
                Json::Array(values)
            }
        };
        let repeated =
            |(at, (name, _)): (usize, &(String, _))| pairs.iter().take(at).any(|(other, _)| other == name);
        if pairs.len() <= SMALL && !pairs.iter().enumerate().any(repeated) {
            let members = pairs.into_iter().map(|(name, value)| (Cow::Owned(name), value));
            return Fields { values: Object::new(members.collect()) };
        }
        let members = grouped(pairs).into_iter();
        let members = members.map(|(name, values)| (Cow::Owned(name), joined(values)));
        Fields { values: Object::new(members.collect()) }
    }

    /// What stands under the name, read by its form; `None` when nothing does.
    ///
    /// # Errors
    /// When what stands there is not in this form.
    pub(crate) fn read(&self, name: &str, form: &Form) -> Result<Option<Json<'static>>, BadStyle> {
        if form.style == Style::Deep {
            return self.deep(name, form);
        }
        let own = self.values.get(name).map(|value| match value {
            Json::String(text) => style::read(text, name, form),
            other => Ok(other.clone()),
        });
        let own = own.transpose()?;
        if form.style != Style::Form || form.shape != Shape::Object {
            return Ok(own);
        }
        Ok(self.members(form).or(own))
    }

    /// The members of an exploded object; `None` when there are none. Empty ones do not count, as in the legacy validator.
    fn members(&self, form: &Form) -> Option<Json<'static>> {
        if !form.members.iter().any(|member| self.values.get(&member.name).is_some()) {
            return None;
        }
        let mut found = Vec::new();
        for member in &form.members {
            if let Some(value) = self.values.get(&member.name).filter(|value| !is_empty(value)) {
                found.push((Cow::Owned(member.name.clone()), listed(value.clone(), member.list)));
            }
        }
        Some(Json::Object(Object::new(found)))
    }

    /// Puts `name[a]=…`, `name[b][]=…` together.
    fn deep(&self, name: &str, form: &Form) -> Result<Option<Json<'static>>, BadStyle> {
        let mut leaves = Vec::new();
        for (key, value) in self.values.iter() {
            if let Some(rest) = key.strip_prefix(name).filter(|rest| rest.starts_with('[')) {
                leaves.push((steps(rest).ok_or(BadStyle)?, value.clone()));
            }
        }
        match self.values.get(name) {
            Some(_) if !leaves.is_empty() => return Err(BadStyle),
            Some(Json::String(text)) => return style::read(text, name, form).map(Some),
            Some(other) => return Ok(Some(other.clone())),
            None if leaves.is_empty() => return Ok(None),
            None => {}
        }
        joined(leaves, 0).map(Some)
    }
}

/// Brings together what has one name, at the first one's place.
fn grouped<T>(items: Vec<(String, T)>) -> Vec<(String, Vec<T>)> {
    let name = |at: usize| items.get(at).map(|(name, _)| name.as_str());
    let firsts = firsts(items.len(), &name);
    let mut groups: Vec<(String, Vec<T>)> = Vec::new();
    let mut places = vec![0; items.len()];
    for (at, (name, item)) in items.into_iter().enumerate() {
        let first = firsts.get(at).copied().filter(|first| *first < at);
        let place = first.and_then(|first| places.get(first).copied());
        match place.and_then(|place: usize| groups.get_mut(place)) {
            Some((_, group)) => group.push(item),
            None => {
                if let Some(place) = places.get_mut(at) {
                    *place = groups.len();
                }
                groups.push((name, vec![item]));
            }
        }
    }
    groups
}

/// For each name the position of the first one like it.
fn firsts<'n>(count: usize, name: &dyn Fn(usize) -> Option<&'n str>) -> Vec<usize> {
    if count <= SMALL {
        let first = |at| (0..at).find(|earlier| name(*earlier) == name(at)).unwrap_or(at);
        return (0..count).map(first).collect();
    }
    let mut firsts = vec![0; count];
    let mut first = None;
    for at in sorted(count, &mut |a, b| name(a).cmp(&name(b))).into_iter().map(|at| at as usize) {
        let same = first.filter(|first| name(*first) == name(at)).unwrap_or(at);
        first = Some(same);
        if let Some(place) = firsts.get_mut(at) {
            *place = same;
        }
    }
    firsts
}

/// The steps of `[a][b][]`; `None` when it is no such thing, or has too many.
fn steps(brackets: &str) -> Option<Vec<String>> {
    let mut steps = Vec::new();
    let mut rest = brackets;
    while !rest.is_empty() {
        let (step, tail) = rest.strip_prefix('[')?.split_once(']')?;
        if steps.len() == MAX_BRACKETS || step.contains('[') {
            return None;
        }
        steps.push(step.to_owned());
        rest = tail;
    }
    Some(steps)
}

/// A value and the steps of the way to it.
type Leaf = (Vec<String>, Json<'static>);

/// Joins leaves into a value. All of them have come `depth` steps of their way together.
fn joined(leaves: Vec<Leaf>, depth: usize) -> Result<Json<'static>, BadStyle> {
    if leaves.iter().any(|(steps, _)| steps.len() == depth) {
        let only = leaves.len() == 1;
        return leaves.into_iter().next().filter(|_| only).map(|(_, value)| value).ok_or(BadStyle);
    }
    let step = |leaf: Leaf| (leaf.0.get(depth).cloned().unwrap_or_default(), leaf);
    let groups = grouped(leaves.into_iter().map(step).collect());
    let mut members = Vec::new();
    for (name, group) in groups {
        members.push((name, joined(group, depth + 1)?));
    }
    // The parameter itself is an object, whatever its members are called.
    let index = |name: &str| name.parse::<usize>().ok().filter(|index| *index <= MAX_INDEX);
    if depth > 0 && members.iter().all(|(name, _)| name.is_empty()) {
        let items = members.into_iter().map(|(_, value)| listed(value, true));
        return items.into_iter().next().ok_or(BadStyle);
    }
    if depth > 0 && members.iter().all(|(name, _)| index(name).is_some()) {
        members.sort_by_key(|(name, _)| index(name));
        return Ok(Json::Array(members.into_iter().map(|(_, value)| value).collect()));
    }
    let members = members.into_iter().map(|(name, value)| (Cow::Owned(name), value));
    Ok(Json::Object(Object::new(members.collect())))
}

/// The value as a list, where it is to be one.
fn listed(value: Json<'static>, list: bool) -> Json<'static> {
    match value {
        Json::Array(_) => value,
        value if list => Json::Array(vec![value]),
        value => value,
    }
}

pub(crate) fn is_empty(value: &Json<'_>) -> bool {
    matches!(value, Json::String(text) if text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        let text =
            |(name, value): &(&str, &str)| ((*name).to_owned(), Json::String((*value).to_owned().into()));
        Fields::new(pairs.iter().map(text).collect())
    }

    fn deep(pairs: &[(&str, &str)]) -> Option<String> {
        let form = Form { style: Style::Deep, shape: Shape::Object, explode: true, ..Form::default() };
        let found = fields(pairs).read("f", &form).ok()?;
        found.map(|value| serde_json::to_string(&value).unwrap())
    }

    #[test]
    fn names_in_brackets_become_an_object() {
        for (pairs, value) in [
            (&[("f[R]", "100"), ("f[G]", "200"), ("x", "1")][..], r#"{"R":"100","G":"200"}"#),
            (&[("f[a][b]", "1"), ("f[a][c]", "2")], r#"{"a":{"b":"1","c":"2"}}"#),
            (&[("f[a][]", "1"), ("f[a][]", "2")], r#"{"a":["1","2"]}"#),
            (&[("f[a][]", "1")], r#"{"a":["1"]}"#),
            (&[("f[a][1]", "1"), ("f[a][0]", "0")], r#"{"a":["0","1"]}"#),
            (&[("f[a][21]", "1")], r#"{"a":{"21":"1"}}"#),
            (&[("f[a]", "1"), ("f[a]", "2")], r#"{"a":["1","2"]}"#),
            (&[("f[0]", "1")], r#"{"0":"1"}"#),
            (&[("f", "{\"a\":\"1\"}")], r#"{"a":"1"}"#),
        ] {
            assert_eq!(deep(pairs).as_deref(), Some(value), "{pairs:?}");
        }
        assert_eq!(deep(&[("x", "1")]), None);
    }

    #[test]
    fn what_contradicts_itself_or_is_too_deep_is_no_object() {
        let bomb = format!("f{}", "[a]".repeat(100_000));
        for pairs in [
            &[("f[a", "1")][..],
            &[("f[a]b", "1")],
            &[("f[a]", "1"), ("f[a][b]", "2")],
            &[("f", "1"), ("f[b]", "2")],
            &[("f[a][b][c][d][e][f]", "1")],
            &[(&bomb, "1")],
        ] {
            let form = Form { style: Style::Deep, shape: Shape::Object, ..Form::default() };
            assert!(fields(pairs).read("f", &form).is_err(), "{}", pairs.len());
        }
    }

    #[test]
    fn many_repeated_names_take_no_quadratic_time() {
        let pairs = |n: usize| (n.to_string() + "x", Json::Null);
        let many: Vec<_> = (0..200_000).map(pairs).chain((0..200_000).map(pairs)).collect();
        let fields = Fields::new(many);
        assert_eq!(fields.values.len(), 200_000);
        assert_eq!(fields.values.get("7x"), Some(&Json::Array(vec![Json::Null, Json::Null])));
    }
}

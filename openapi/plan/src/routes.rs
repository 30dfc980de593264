//! The contract's operations as routes, and the matcher that finds a request's operation.
//!
//! Paths match as the legacy gateway's router matches them: case-sensitive, a trailing slash counts, a parameter is
//! never empty and never spans a slash, fixed segments win over parameters, and the first path that matches
//! decides: when it lacks the method the answer is 405, no other path is tried.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::percent;

/// One operation's place in the API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// The `operationId`.
    pub id: String,
    /// The HTTP method, upper case.
    pub method: String,
    /// The path template with the server's base path, e.g. `/v1/task/{taskId}`.
    pub path: String,
    /// The operation's tags, in the contract's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Alternatives (OR) of schemes that are all required (AND). Empty: public, and written so, because the
    /// auth filter takes nothing for public that does not say it. An empty alternative: a token is optional.
    #[serde(default)]
    pub security: Vec<Vec<SchemeScopes>>,
    /// Whether the contract gives the operation a request body.
    #[serde(default)]
    pub has_body: bool,
}

/// One security scheme and the scopes it must grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SchemeScopes {
    /// The scheme's name under `components.securitySchemes`.
    pub scheme: String,
    /// The scopes, all of which are required.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
}

/// All routes of a contract, in its order, ready to be matched.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "Vec<Route>", into = "Vec<Route>")]
pub struct Routes {
    routes: Vec<Route>,
    names: Vec<Vec<String>>,
    by_id: BTreeMap<String, usize>,
    tree: Vec<Node>,
}

/// Why routes cannot stand together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RoutesError {
    /// Two routes of one name.
    #[error("two routes have the operationId `{0}`")]
    DuplicateId(String),
    /// Two routes of one method that match the same paths.
    #[error("`{first}` and `{second}` are both {method} {path}")]
    SamePlace {
        /// The earlier route's operationId.
        first: String,
        /// The later route's operationId.
        second: String,
        /// Their method.
        method: String,
        /// The later one's path.
        path: String,
    },
    /// A template that is no path template.
    #[error("the path `{path}` of `{id}` {reason}")]
    BadTemplate {
        /// The operationId.
        id: String,
        /// The template.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
}

/// What a method and a path are in the contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RouteMatch<'a> {
    /// An operation, with its path parameters percent-decoded, in the template's order.
    Operation {
        /// The operation's route.
        route: &'a Route,
        /// Name and value of each path parameter.
        params: Vec<(&'a str, String)>,
    },
    /// A path parameter's percent-encoding is broken: 400.
    MalformedUri,
    /// The path exists, the method does not: 405.
    MethodNotAllowed {
        /// The methods there are, in the contract's order.
        allow: Vec<&'a str>,
    },
    /// No such path: 404.
    NotFound,
}

/// A node of the tree of path segments.
#[derive(Debug, Clone, Default)]
struct Node {
    fixed: BTreeMap<String, usize>,
    /// Segments with text around parameters, e.g. `{name}.json`: the texts before, between and after them.
    mixed: Vec<(Vec<String>, usize)>,
    any: Option<usize>,
    /// Indices into `Routes::routes`, in the contract's order.
    routes: Vec<usize>,
}

enum Segment {
    Fixed(String),
    Mixed(Vec<String>),
    Any,
}

impl Routes {
    /// Builds the matcher.
    ///
    /// # Errors
    /// When an operationId or a place (method and path) is taken twice, or a template is malformed.
    pub fn new(routes: Vec<Route>) -> Result<Routes, RoutesError> {
        let mut all =
            Routes { routes, names: Vec::new(), by_id: BTreeMap::new(), tree: vec![Node::default()] };
        for index in 0..all.routes.len() {
            all.add(index)?;
        }
        Ok(all)
    }

    /// All routes, in the contract's order.
    pub fn iter(&self) -> impl Iterator<Item = &Route> {
        self.routes.iter()
    }

    /// The route of that operationId.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Route> {
        self.by_id.get(id).and_then(|index| self.routes.get(*index))
    }

    /// What `method` on `path` is; `path` is as it was sent, without the query.
    ///
    /// Visits each node of the tree at most once, so the time is bounded by the contract and the path.
    #[must_use]
    pub fn find<'a>(&'a self, method: &str, path: &str) -> RouteMatch<'a> {
        let Some(path) = path.strip_prefix('/') else { return RouteMatch::NotFound };
        let segments: Vec<&str> = path.split('/').collect();
        let mut captured = Vec::new();
        let Some(node) = self.descend(0, &segments, &mut captured) else { return RouteMatch::NotFound };
        let Some(values) = captured.iter().map(|raw| percent::decode_strict(raw)).collect::<Option<Vec<_>>>()
        else {
            return RouteMatch::MalformedUri;
        };
        let here = || node.routes.iter().filter_map(|index| Some((*index, self.routes.get(*index)?)));
        match here().find(|(_, route)| route.method == method) {
            Some((index, route)) => {
                let names = self.names.get(index).map(Vec::as_slice).unwrap_or_default();
                RouteMatch::Operation {
                    route,
                    params: names.iter().map(String::as_str).zip(values).collect(),
                }
            }
            None => RouteMatch::MethodNotAllowed {
                allow: here().map(|(_, route)| route.method.as_str()).collect(),
            },
        }
    }

    /// The path parameters of `path` by the template of the route `id`, for when the operation is known already.
    #[must_use]
    pub fn params_of<'a>(&'a self, id: &str, path: &str) -> RouteMatch<'a> {
        self.get(id).map_or(RouteMatch::NotFound, |route| self.find(&route.method, path))
    }

    fn descend<'p>(&self, at: usize, segments: &[&'p str], captured: &mut Vec<&'p str>) -> Option<&Node> {
        let node = self.tree.get(at)?;
        let Some((segment, rest)) = segments.split_first() else {
            return (!node.routes.is_empty()).then_some(node);
        };
        if let Some(found) = node.fixed.get(*segment).and_then(|next| self.descend(*next, rest, captured)) {
            return Some(found);
        }
        let before = captured.len();
        for (texts, next) in &node.mixed {
            if capture(texts, segment, captured)
                && let Some(found) = self.descend(*next, rest, captured)
            {
                return Some(found);
            }
            captured.truncate(before);
        }
        if segment.is_empty() {
            return None;
        }
        captured.push(segment);
        let found = node.any.and_then(|next| self.descend(next, rest, captured));
        if found.is_none() {
            captured.truncate(before);
        }
        found
    }

    fn add(&mut self, index: usize) -> Result<(), RoutesError> {
        let Some(route) = self.routes.get(index).cloned() else { return Ok(()) };
        let (segments, names) = parse_template(&route.path).map_err(|reason| RoutesError::BadTemplate {
            id: route.id.clone(),
            path: route.path.clone(),
            reason,
        })?;
        let mut at = 0;
        for segment in segments {
            at = self.child(at, segment);
        }
        let there = self.tree.get(at).map(|node| node.routes.clone()).unwrap_or_default();
        let same = |other: &usize| self.routes.get(*other).filter(|other| other.method == route.method);
        if let Some(first) = there.iter().find_map(same) {
            return Err(RoutesError::SamePlace {
                first: first.id.clone(),
                second: route.id,
                method: route.method,
                path: route.path,
            });
        }
        if let Some(node) = self.tree.get_mut(at) {
            node.routes.push(index);
        }
        self.names.push(names);
        match self.by_id.insert(route.id.clone(), index) {
            Some(_) => Err(RoutesError::DuplicateId(route.id)),
            None => Ok(()),
        }
    }

    fn child(&mut self, at: usize, segment: Segment) -> usize {
        let fresh = self.tree.len();
        let Some(node) = self.tree.get_mut(at) else { return at };
        let next = match segment {
            Segment::Fixed(text) => *node.fixed.entry(text).or_insert(fresh),
            Segment::Any => *node.any.get_or_insert(fresh),
            Segment::Mixed(texts) => match node.mixed.iter().find(|(known, _)| *known == texts) {
                Some((_, next)) => *next,
                None => {
                    node.mixed.push((texts, fresh));
                    fresh
                }
            },
        };
        if next == fresh {
            self.tree.push(Node::default());
        }
        next
    }
}

/// Matches a segment against the texts around its parameters, each parameter taking as little as it can (which
/// is what the legacy router's lazy `[^/]+?` gives).
fn capture<'p>(texts: &[String], segment: &'p str, captured: &mut Vec<&'p str>) -> bool {
    let Some((first, after)) = texts.split_first() else { return false };
    let Some(mut rest) = segment.strip_prefix(first.as_str()) else { return false };
    let Some((last, between)) = after.split_last() else { return rest.is_empty() };
    for text in between {
        let Some(skip) = rest.chars().next().map(char::len_utf8) else { return false };
        let Some(found) = rest.get(skip..).and_then(|tail| tail.find(text.as_str())) else { return false };
        let (value, tail) = rest.split_at(skip + found);
        captured.push(value);
        rest = tail.get(text.len()..).unwrap_or_default();
    }
    match rest.strip_suffix(last.as_str()) {
        Some(value) if !value.is_empty() => {
            captured.push(value);
            true
        }
        _ => false,
    }
}

fn parse_template(path: &str) -> Result<(Vec<Segment>, Vec<String>), &'static str> {
    let path = path.strip_prefix('/').ok_or("must start with `/`")?;
    let mut names = Vec::new();
    let mut segments = Vec::new();
    for segment in path.split('/') {
        let mut texts = Vec::new();
        let mut rest = segment;
        while let Some((text, after)) = rest.split_once('{') {
            let (name, after) =
                after.split_once('}').ok_or("has a `{` without its `}` in the same segment")?;
            if name.is_empty() || name.contains('{') {
                return Err("has a parameter without a proper name");
            }
            if names.iter().any(|known| known == name) {
                return Err("names one parameter twice");
            }
            if text.is_empty() && !texts.is_empty() {
                return Err("has two parameters with nothing between them");
            }
            names.push(name.to_owned());
            texts.push(text.to_owned());
            rest = after;
        }
        if rest.contains('}') {
            return Err("has a `}` without its `{`");
        }
        segments.push(if texts.is_empty() {
            Segment::Fixed(rest.to_owned())
        } else if rest.is_empty() && texts.len() == 1 && texts.iter().all(String::is_empty) {
            Segment::Any
        } else {
            texts.push(rest.to_owned());
            Segment::Mixed(texts)
        });
    }
    Ok((segments, names))
}

impl TryFrom<Vec<Route>> for Routes {
    type Error = RoutesError;

    fn try_from(routes: Vec<Route>) -> Result<Routes, RoutesError> {
        Routes::new(routes)
    }
}

impl From<Routes> for Vec<Route> {
    fn from(routes: Routes) -> Vec<Route> {
        routes.routes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(list: &[(&str, &str, &str)]) -> Routes {
        Routes::new(list.iter().map(|(id, method, path)| route(id, method, path)).collect()).unwrap()
    }

    fn route(id: &str, method: &str, path: &str) -> Route {
        Route {
            id: id.to_owned(),
            method: method.to_owned(),
            path: path.to_owned(),
            tags: vec![],
            security: vec![],
            has_body: false,
        }
    }

    fn found(routes: &Routes, method: &str, path: &str) -> String {
        match routes.find(method, path) {
            RouteMatch::Operation { route, params } => {
                let params: Vec<_> = params.iter().map(|(name, value)| format!(" {name}={value}")).collect();
                format!("{}{}", route.id, params.concat())
            }
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn a_fixed_segment_wins_over_a_parameter_wherever_it_stands_in_the_contract() {
        let routes = routes(&[
            ("one", "GET", "/a/{id}"),
            ("mine", "GET", "/a/mine"),
            ("deep", "GET", "/a/{id}/b"),
            ("file", "GET", "/a/{name}.json"),
        ]);
        assert_eq!(found(&routes, "GET", "/a/mine"), "mine");
        assert_eq!(found(&routes, "GET", "/a/7"), "one id=7");
        assert_eq!(found(&routes, "GET", "/a/mine/b"), "deep id=mine");
        assert_eq!(found(&routes, "GET", "/a/x.json"), "file name=x");
        assert_eq!(found(&routes, "GET", "/a/.json"), "one id=.json");
    }

    #[test]
    fn paths_are_strict_and_case_sensitive() {
        let routes =
            routes(&[("list", "GET", "/v1/task"), ("root", "GET", "/"), ("one", "GET", "/v1/task/{id}")]);
        for path in ["/v1/task/", "/V1/task", "//v1/task", "/v1//task", "", "v1/task", "/v1/task/1/"] {
            assert_eq!(found(&routes, "GET", path), "NotFound", "{path}");
        }
        assert_eq!(found(&routes, "GET", "/"), "root");
    }

    #[test]
    fn a_known_path_with_another_method_names_the_methods_in_contract_order() {
        let routes = routes(&[("list", "GET", "/t"), ("make", "POST", "/t"), ("one", "PUT", "/{x}")]);
        let allow = vec!["GET", "POST"];
        assert_eq!(routes.find("PUT", "/t"), RouteMatch::MethodNotAllowed { allow: allow.clone() });
        assert_eq!(routes.find("get", "/t"), RouteMatch::MethodNotAllowed { allow });
    }

    #[test]
    fn parameters_are_decoded_and_broken_encoding_is_named() {
        let routes = routes(&[("one", "GET", "/t/{id}")]);
        assert_eq!(found(&routes, "GET", "/t/a%2Fb%20%C3%A9+"), "one id=a/b é+");
        for path in ["/t/%", "/t/%zz", "/t/%ff", "/t/%C3"] {
            assert_eq!(routes.find("GET", path), RouteMatch::MalformedUri, "{path}");
            assert_eq!(routes.find("POST", path), RouteMatch::MalformedUri, "{path}");
        }
    }

    #[test]
    fn text_around_parameters_is_matched_lazily() {
        let routes = routes(&[("range", "GET", "/r/{from}-{to}.csv")]);
        assert_eq!(found(&routes, "GET", "/r/1-2-3.csv"), "range from=1 to=2-3");
        assert_eq!(found(&routes, "GET", "/r/-2.csv"), "NotFound");
        assert_eq!(found(&routes, "GET", "/r/1-.csv"), "NotFound");
    }

    #[test]
    fn what_cannot_stand_together_is_refused() {
        let twice = Routes::new(vec![route("a", "GET", "/x/{p}"), route("b", "GET", "/x/{q}")]);
        assert_eq!(twice.unwrap_err().to_string(), "`a` and `b` are both GET /x/{q}");
        let same_id = Routes::new(vec![route("a", "GET", "/x"), route("a", "GET", "/y")]);
        assert_eq!(same_id.unwrap_err().to_string(), "two routes have the operationId `a`");
        for path in ["x", "/{", "/}", "/{}", "/{a}{b}", "/{a}/{a}"] {
            assert!(Routes::new(vec![route("a", "GET", path)]).is_err(), "{path}");
        }
    }

    #[test]
    fn routes_survive_json() {
        let before = routes(&[("list", "GET", "/v1/task"), ("one", "GET", "/v1/task/{id}")]);
        let json = serde_json::to_string(&before).unwrap();
        let after: Routes = serde_json::from_str(&json).unwrap();
        assert_eq!(serde_json::to_string(&after).unwrap(), json);
        assert_eq!(found(&after, "GET", "/v1/task/9"), "one id=9");
    }
}

//! What becomes of a request. No host calls: everything a decision needs is an argument.

use cutover_plan::legacy::Refusal;
use cutover_plan::{Head, Headers, Next, Pass, Pending, RouteMatch, too_large};

use crate::config::{Config, Mode};

/// A request's head, as it came.
#[derive(Debug, Clone, Copy)]
pub struct RequestHead<'a> {
    /// The method.
    pub method: &'a str,
    /// `:path`: the path with its query.
    pub target: &'a str,
    /// Envoy's name of the route, when it has one.
    pub route_name: Option<&'a str>,
    /// All headers.
    pub headers: &'a Headers<'a>,
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// The request goes on, with a new `:path` where one is given.
    Forward {
        /// The target with the query's defaults.
        target: Option<String>,
        /// Headers to be set: defaults of absent ones.
        headers: Vec<(String, String)>,
        /// What was wrong with it, where that is only reported.
        finding: Option<Finding>,
    },
    /// The body decides. `target` is the new `:path` if the request goes on.
    AwaitBody {
        /// The request so far.
        exchange: Box<Exchange>,
        /// The target with the query's defaults.
        target: Option<String>,
        /// Headers to be set: defaults of absent ones.
        headers: Vec<(String, String)>,
    },
    /// The request ends here.
    Refuse(Refusal),
}

/// A request whose body is awaited.
#[derive(Debug, PartialEq, Eq)]
pub struct Exchange {
    operation: String,
    path: String,
    pending: Pending,
}

/// What is wrong with a request that goes on all the same. Names places of the contract, no values of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The operation, when there is one.
    pub operation: Option<String>,
    /// The status with which it would have been refused.
    pub status: u16,
    /// The keywords that it violates; none for what is not a schema's matter.
    pub keywords: Vec<String>,
}

/// Decides by one configuration.
#[derive(Debug)]
pub struct Gate {
    config: Config,
}

impl Gate {
    /// A gate for this configuration.
    #[must_use]
    pub fn new(config: Config) -> Gate {
        Gate { config }
    }

    /// The longest body in bytes.
    #[must_use]
    pub fn max_body_bytes(&self) -> usize {
        self.config.max_body_bytes
    }

    /// Decides by the head alone where that is possible.
    #[must_use]
    pub fn head(&self, request: &RequestHead<'_>) -> Step {
        if self.config.requests == Mode::Off {
            return forward(None);
        }
        let (path, query) = match request.target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (request.target, None),
        };
        let (operation, params) = match self.operation(request, path) {
            Ok(found) => found,
            Err(refusal) => return self.invalid(None, refusal),
        };
        let head = Head { path, query, params: &params, headers: request.headers };
        match self.config.plan.check_head(operation, head, self.config.max_body_bytes) {
            Next::Done(Ok(Pass { defaults, headers })) => {
                Step::Forward { target: with_defaults(request.target, defaults), headers, finding: None }
            }
            Next::Done(Err(refusal)) => self.invalid(Some(operation), refusal),
            Next::Body(pending) => {
                let Pass { defaults, headers } = pending.pass().clone();
                let target = with_defaults(request.target, defaults);
                let exchange = Exchange { operation: operation.to_owned(), path: path.to_owned(), pending };
                Step::AwaitBody { exchange: Box::new(exchange), target, headers }
            }
        }
    }

    /// Decides by the complete body; `:path` is as [`Step::AwaitBody`] left it.
    #[must_use]
    pub fn body(&self, exchange: Exchange, body: &[u8]) -> Step {
        let Exchange { operation, path, pending } = exchange;
        if body.len() > self.config.max_body_bytes {
            return self.invalid(Some(&operation), too_large(&path));
        }
        match self.config.plan.check_body(pending, body) {
            // The defaults are in the head since it was decided.
            Ok(Pass { defaults: _, headers: _ }) => forward(None),
            Err(refusal) => self.invalid(Some(&operation), refusal),
        }
    }

    /// Decides about a body that has grown over the limit before its end.
    #[must_use]
    pub fn too_large(&self, exchange: &Exchange) -> Step {
        self.invalid(Some(&exchange.operation), too_large(&exchange.path))
    }

    /// The route's name says which operation it is, where it is one's; else method and path do.
    fn operation<'a>(&'a self, request: &RequestHead<'_>, path: &str) -> Result<Operation<'a>, Refusal> {
        let routes = self.config.plan.routes();
        let found = routes.find(request.method, path);
        let refusal = Refusal::unmatched(&found, request.method, path);
        let named = request.route_name.and_then(|name| routes.get(name));
        match (named, found) {
            (Some(named), RouteMatch::Operation { route, params }) if route.id == named.id => {
                Ok((&route.id, params))
            }
            (Some(_), RouteMatch::MalformedUri) => Err(Refusal::at(400, "malformed uri", path)),
            (Some(named), _) => Ok((&named.id, Vec::new())),
            (None, RouteMatch::Operation { route, params }) => Ok((&route.id, params)),
            (None, _) => Err(refusal.unwrap_or_else(|| Refusal::at(404, "not found", path))),
        }
    }

    fn invalid(&self, operation: Option<&str>, refusal: Refusal) -> Step {
        if self.config.requests == Mode::Enforce {
            return Step::Refuse(refusal);
        }
        let keyword = |code: &String| code.split('.').next().unwrap_or_default().to_owned();
        let keywords =
            refusal.errors.iter().filter_map(|item| item.error_code.as_ref()).map(keyword).collect();
        let finding = Finding { operation: operation.map(str::to_owned), status: refusal.status, keywords };
        forward(Some(finding))
    }
}

fn forward(finding: Option<Finding>) -> Step {
    Step::Forward { target: None, headers: Vec::new(), finding }
}

/// An operation's id and the path parameters.
type Operation<'a> = (&'a str, Vec<(&'a str, String)>);

/// The client's target byte for byte, then the defaults; `None` when there are none.
fn with_defaults(target: &str, defaults: Option<String>) -> Option<String> {
    let defaults = defaults?;
    Some(match target.split_once('?') {
        None => format!("{target}?{defaults}"),
        Some((_, "")) => format!("{target}{defaults}"),
        Some(_) => format!("{target}&{defaults}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(requests: &str) -> Gate {
        let plan = include_str!("../../../openapi/plan/tests/data/trade-task.plan.json");
        let config = format!(r#"{{"plan":{plan},"requests":"{requests}","max_body_bytes":100}}"#);
        Gate::new(Config::parse(config.as_bytes()).unwrap())
    }

    fn head(gate: &Gate, method: &str, target: &str, headers: &[(&str, &str)]) -> Step {
        named(gate, method, target, headers, None)
    }

    fn named(
        gate: &Gate,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        route_name: Option<&str>,
    ) -> Step {
        let headers = Headers::new(headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())));
        gate.head(&RequestHead { method, target, route_name, headers: &headers })
    }

    fn forwarded(step: Step) -> Option<String> {
        match step {
            Step::Forward { target, finding: None, .. } => target,
            other => panic!("not forwarded: {other:?}"),
        }
    }

    fn status(step: Step) -> u16 {
        match step {
            Step::Refuse(refusal) => refusal.status,
            other => panic!("not refused: {other:?}"),
        }
    }

    const JSON: &[(&str, &str)] = &[("content-type", "application/json")];

    fn awaited(step: Step) -> Exchange {
        match step {
            Step::AwaitBody { exchange, target: None, .. } => *exchange,
            other => panic!("not awaited: {other:?}"),
        }
    }

    #[test]
    fn absent_query_parameters_get_their_defaults_behind_the_clients_own_bytes() {
        let gate = gate("enforce");
        let target = |target: &str| forwarded(head(&gate, "GET", target, &[]));
        assert_eq!(target("/v1/task").as_deref(), Some("/v1/task?limit=20&offset=0"));
        assert_eq!(target("/v1/task?").as_deref(), Some("/v1/task?limit=20&offset=0"));
        assert_eq!(
            target("/v1/task?state=tod%6F&").as_deref(),
            Some("/v1/task?state=tod%6F&&limit=20&offset=0")
        );
        assert_eq!(target("/v1/task?offset=3").as_deref(), Some("/v1/task?offset=3&limit=20"));
        assert_eq!(target("/v1/task?limit=1&offset=3"), None);
    }

    #[test]
    fn only_operations_with_a_body_wait_for_one() {
        let gate = gate("enforce");
        assert_eq!(forwarded(head(&gate, "DELETE", "/v1/trade/trd_000000000001", JSON)), None);
        awaited(head(&gate, "POST", "/v1/task", JSON));
    }

    #[test]
    fn a_body_is_judged_when_it_is_complete() {
        let gate = gate("enforce");
        let post = || awaited(head(&gate, "POST", "/v1/task", JSON));
        assert_eq!(forwarded(gate.body(post(), br#"{"title":"a","priority":"low"}"#)), None);
        assert_eq!(status(gate.body(post(), b"{")), 400);
        assert_eq!(status(gate.body(post(), &[b' '; 101])), 413);
        assert_eq!(status(gate.too_large(&post())), 413);
    }

    #[test]
    fn what_the_head_rules_out_never_waits_for_a_body() {
        let gate = gate("enforce");
        let long = [("content-type", "text/plain"), ("content-length", "101")];
        assert_eq!(status(head(&gate, "POST", "/v1/task", &long)), 413);
        assert_eq!(status(head(&gate, "POST", "/v1/task", &long[..1])), 415);
        assert_eq!(status(head(&gate, "GET", "/v1/task?limit=0", &[])), 400);
    }

    #[test]
    fn requests_that_are_no_operation_are_refused_when_nobody_has_named_one() {
        let gate = gate("enforce");
        assert_eq!(status(head(&gate, "GET", "/nope", &[])), 404);
        assert_eq!(status(head(&gate, "PUT", "/v1/task", &[])), 405);
        assert_eq!(status(head(&gate, "GET", "/v1/task/%ff", &[])), 400);
        assert_eq!(status(named(&gate, "GET", "/nope", &[], Some("unmatched"))), 404);
    }

    #[test]
    fn the_routes_name_decides_which_operation_it_is() {
        let gate = gate("enforce");
        let step = named(&gate, "GET", "/behind/a/prefix/task", &[], Some("listTasks"));
        assert_eq!(forwarded(step).as_deref(), Some("/behind/a/prefix/task?limit=20&offset=0"));
        assert_eq!(status(named(&gate, "GET", "/v1/task/x", &[], Some("getTask"))), 400);
    }

    #[test]
    fn report_lets_everything_pass_and_says_what_was_wrong() {
        let gate = gate("report");
        let finding = |step: Step| match step {
            Step::Forward { target: None, finding: Some(finding), .. } => finding,
            other => panic!("no finding: {other:?}"),
        };
        let wrong = finding(head(&gate, "GET", "/v1/task?limit=secret", &[]));
        let expected = Finding {
            operation: Some("listTasks".to_owned()),
            status: 400,
            keywords: vec!["type".to_owned()],
        };
        assert_eq!(wrong, expected);
        assert_eq!(finding(head(&gate, "GET", "/nope", &[])).status, 404);
        let post = awaited(head(&gate, "POST", "/v1/task", JSON));
        assert_eq!(finding(gate.body(post, b"{}")).keywords, ["required"]);
        assert_eq!(forwarded(head(&gate, "GET", "/v1/task?limit=5&offset=0", &[])), None);
    }

    #[test]
    fn off_looks_at_nothing() {
        let gate = gate("off");
        assert_eq!(forwarded(head(&gate, "POST", "/nope", &[])), None);
        assert_eq!(forwarded(head(&gate, "GET", "/v1/task", &[])), None);
    }
}

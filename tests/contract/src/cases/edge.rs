//! What the gateway does to every operation: routes, tokens, ids, compression, headers; and its own two operations.

use crate::case::{Case, case};

pub(super) fn cases() -> Vec<Case> {
    [routes(), tokens(), ids(), compression(), headers(), own()].concat()
}

fn routes() -> Vec<Case> {
    let lost = |status, name, method, target| case("unmatched", status, name).method(method, target);
    vec![
        lost(404, "route: none", "GET", "/v2/trade"),
        lost(404, "route: the root", "GET", "/"),
        lost(404, "route: paths tell capitals apart", "GET", "/v1/Task"),
        lost(404, "route: a slash at the end is another path", "GET", "/v1/task/"),
        lost(404, "route: two slashes are another path", "GET", "/v1//task"),
        lost(405, "route: a method that a list has not", "PUT", "/v1/trade"),
        lost(405, "route: a method that a resource has not", "POST", "/v1/trade/trd_000000000001"),
        lost(405, "route: a method that an action has not", "GET", "/v1/task/1/complete"),
        lost(405, "route: a method that health has not", "POST", "/healthz"),
        lost(405, "route: no HEAD", "HEAD", "/v1/task"),
        lost(405, "route: no OPTIONS", "OPTIONS", "/v1/task/1"),
        lost(405, "route: a method is refused before a token", "DELETE", "/v1/task").token("expired"),
    ]
}

fn tokens() -> Vec<Case> {
    let ask = |status, name| case("listTasks", status, name).get("/v1/task?limit=1");
    let with = |status, name, value| ask(status, name).header("authorization", value);
    vec![
        with(200, "token: the scheme in lower case", "bearer {{reader}}"),
        ask(401, "token: none"),
        with(401, "token: another scheme", "Basic dXNlcjpwYXNz"),
        with(401, "token: a scheme alone", "Bearer"),
        with(401, "token: no token at all", "Bearer not-a-token"),
        with(401, "token: changed by one letter", "Bearer {{trader}}A"),
        ask(401, "token: expired").token("expired"),
        ask(403, "token: without the scope").token("nobody"),
        ask(400, "token: two headers").token("reader").token("trader"),
        with(400, "token: two in one header", "Bearer {{reader}}, Bearer {{trader}}"),
        case("listTasks", 401, "token: asked for before parameters are looked at").get("/v1/task?limit=0"),
    ]
}

fn ids() -> Vec<Case> {
    let ask = |name, id: &str| {
        case("getTask", 404, name).token("reader").get("/v1/task/4000").header("x-request-id", id)
    };
    vec![
        ask("id: a good one is kept", "order-7.retry_2"),
        ask("id: a uuid is kept", "0b9cbb2f-7a0a-4c29-8b0e-6a6a1c5f6d55"),
        ask("id: one with a space is replaced", "order 7"),
        ask("id: one with a brace is replaced", "{7}"),
        ask("id: two are replaced", "one").header("x-request-id", "two"),
        ask(
            "id: one of 129 letters is replaced",
            "iiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiii",
        ),
        case("getTask", 401, "id: a refusal has the client's")
            .get("/v1/task/1")
            .header("x-request-id", "refused-1"),
    ]
}

fn compression() -> Vec<Case> {
    let page = |name| case("listTrades", 200, name).trader().get("/v1/trade?limit=50");
    vec![
        page("gzip: a long answer").header("accept-encoding", "gzip"),
        page("gzip: among others").header("accept-encoding", "deflate;q=0.1, gzip;q=1.0, *;q=0"),
        page("gzip: refused").header("accept-encoding", "gzip;q=0, identity"),
        page("gzip: not asked for"),
        case("getTrade", 200, "gzip: a short answer goes plain")
            .trader()
            .get("/v1/trade/trd_000000000003")
            .header("accept-encoding", "gzip"),
        case("getTrade", 401, "gzip: a refusal goes plain")
            .get("/v1/trade/trd_000000000003")
            .header("accept-encoding", "gzip"),
    ]
}

fn headers() -> Vec<Case> {
    let ask = |name| case("getTask", 200, name).token("reader").get("/v1/task/5");
    vec![
        ask("headers: a client cannot name the user")
            .header("x-user-id", "root")
            .header("x-user-scopes", "task:write")
            .header("x-cutover-side", "rust"),
        ask("headers: a trace is continued")
            .header("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
            .header("tracestate", "vendor=1"),
        ask("headers: a trace that cannot be is started anew")
            .header("traceparent", "00-00000000000000000000000000000000-00f067aa0ba902b7-01")
            .header("tracestate", "vendor=1"),
        ask("headers: those of the connection go no further")
            .header("connection", "x-hop")
            .header("x-hop", "1")
            .header("te", "trailers"),
        ask("headers: others go on").header("accept-language", "de").header("x-custom", "ü"),
    ]
}

fn own() -> Vec<Case> {
    let alive = |name| case("health", 200, name).get("/healthz");
    vec![
        alive("health: alive"),
        alive("health: a token is not looked at").token("expired"),
        alive("health: an id is kept").header("x-request-id", "probe-1"),
        case("ready", 200, "ready: both services answer").get("/readyz"),
        case("health", 400, "health: a parameter that is none").get("/healthz?verbose=1"),
    ]
}

//! Trades: lists, orders, reads, cancellations.

use crate::case::{Case, case};

const KEY: &str = "5f0c2f1e-8a41-4f0e-9d0e-1d7c1a1f0a11";
const MARKET: &str = r#"{"type":"market","symbol":"ACME","side":"buy","quantity":10}"#;

pub(super) fn cases() -> Vec<Case> {
    [list(), list_refusals(), create(), create_refusals(), get(), cancel()].concat()
}

fn list() -> Vec<Case> {
    let ask = |name| case("listTrades", 200, name).trader();
    vec![
        ask("trades: the contract's defaults are added to the query").get("/v1/trade"),
        ask("trades: one default of two is added").get("/v1/trade?offset=40"),
        ask("trades: a repeated parameter is a list").get("/v1/trade?status=open&status=filled&limit=3"),
        ask("trades: a comma-separated parameter is a list").get("/v1/trade?fields=id,symbol,status&limit=2"),
        ask("trades: a date-time with an offset")
            .get("/v1/trade?from=2024-03-10T12%3A00%3A00%2B01%3A00&limit=5"),
        ask("trades: a day that no month has passes, for formats are checked by their form")
            .get("/v1/trade?from=2024-02-30T00%3A00%3A00Z&limit=1"),
        ask("trades: a number that is no integer").get("/v1/trade?minQuantity=990.5"),
        ask("trades: an empty page beyond the end").get("/v1/trade?offset=5000&limit=100"),
        ask("trades: the query goes on byte for byte").get("/v1/trade?symbol=%41CME&limit=01"),
    ]
}

fn list_refusals() -> Vec<Case> {
    let refuse = |name, target| case("listTrades", 400, name).trader().get(target);
    vec![
        refuse("trades: limit above its maximum", "/v1/trade?limit=101"),
        refuse("trades: limit below its minimum", "/v1/trade?limit=0"),
        refuse("trades: limit is a word", "/v1/trade?limit=ten"),
        refuse("trades: limit is a fraction", "/v1/trade?limit=1.5"),
        refuse("trades: limit is given twice", "/v1/trade?limit=1&limit=2"),
        refuse("trades: two parameters are wrong", "/v1/trade?limit=0&offset=-1"),
        refuse("trades: an unknown parameter", "/v1/trade?sort=asc"),
        refuse("trades: a parameter without a value", "/v1/trade?symbol="),
        refuse("trades: a status that is none", "/v1/trade?status=lost"),
        refuse("trades: a status twice", "/v1/trade?status=open&status=open"),
        refuse(
            "trades: too many statuses",
            "/v1/trade?status=open&status=filled&status=cancelled&status=open",
        ),
        refuse("trades: a field that is none", "/v1/trade?fields=id,price"),
        refuse("trades: a symbol in lower case", "/v1/trade?symbol=acme"),
        refuse("trades: a date without a time", "/v1/trade?from=2024-03-10"),
        refuse("trades: a minute that is none", "/v1/trade?from=2024-02-28T10%3A75%3A00Z"),
        refuse("trades: a colon that is not encoded", "/v1/trade?from=2024-03-10T12:00:00Z"),
        refuse("trades: a quantity of zero", "/v1/trade?minQuantity=0"),
    ]
}

fn create() -> Vec<Case> {
    let place =
        |name| case("createTrade", 201, name).trader().post("/v1/trade").header("idempotency-key", KEY);
    vec![
        place("order: market").json(MARKET),
        place("order: limit, with everything").json(
            r#"{"type":"limit","symbol":"ACME","side":"sell","quantity":5,"limitPrice":101.25,"timeInForce":"GTC","expiresAt":"2024-07-01T00:00:00Z","clientRef":"ü-1"}"#,
        ),
        place("order: stop, with null").json(
            r#"{"type":"stop","symbol":"GLOBEX","side":"buy","quantity":1,"stopPrice":0.01,"clientRef":null}"#,
        ),
        place("order: the media type has a charset").body("application/json; charset=utf-8", MARKET),
        place("order: the media type is in capitals").body("Application/JSON", MARKET),
        place("order: the body comes in chunks").json(MARKET).chunked(),
        place("order: white space in the body goes on byte for byte")
            .json("{ \"type\": \"market\",\n  \"symbol\": \"ACME\", \"side\": \"buy\", \"quantity\": 10 }\n"),
    ]
}

fn create_refusals() -> Vec<Case> {
    let place = |status, name| {
        case("createTrade", status, name).trader().post("/v1/trade").header("idempotency-key", KEY)
    };
    let wrong = |name, order| place(400, name).json(order);
    let keyless = |name| case("createTrade", 400, name).trader().post("/v1/trade");
    vec![
        keyless("order: no idempotency key").json(MARKET),
        keyless("order: an idempotency key that is no uuid").header("idempotency-key", "one").json(MARKET),
        keyless("order: header and body are wrong").json(r#"{"type":"market"}"#),
        wrong("order: quantity is missing", r#"{"type":"market","symbol":"ACME","side":"buy"}"#),
        wrong(
            "order: quantity is a string",
            r#"{"type":"market","symbol":"ACME","side":"buy","quantity":"10"}"#,
        ),
        wrong(
            "order: quantity is a fraction",
            r#"{"type":"market","symbol":"ACME","side":"buy","quantity":1.5}"#,
        ),
        wrong(
            "order: a type that is none",
            r#"{"type":"iceberg","symbol":"ACME","side":"buy","quantity":1}"#,
        ),
        wrong("order: no type", r#"{"symbol":"ACME","side":"buy","quantity":1}"#),
        wrong(
            "order: a member of another type of order",
            r#"{"type":"market","symbol":"ACME","side":"buy","quantity":1,"limitPrice":5}"#,
        ),
        wrong(
            "order: a limit price of zero",
            r#"{"type":"limit","symbol":"ACME","side":"buy","quantity":1,"limitPrice":0}"#,
        ),
        wrong(
            "order: two members are wrong",
            r#"{"type":"market","symbol":"acme","side":"hold","quantity":1}"#,
        ),
        wrong("order: the body is a list", "[]"),
        wrong("order: the body is null", "null"),
        wrong("order: the body is no JSON", r#"{"type":"#),
        wrong("order: the body is empty", ""),
        place(415, "order: plain text").body("text/plain", MARKET),
        place(415, "order: a form").body("application/x-www-form-urlencoded", "type=market"),
        place(415, "order: a content coding").json(MARKET).header("content-encoding", "gzip"),
        place(415, "order: no media type").untyped_body(MARKET),
        place(413, "order: a length over the limit is refused before the body")
            .json("")
            .header("content-length", "1048577")
            .withhold(),
        place(413, "order: a body over the limit is refused while it comes")
            .json(r#"{"clientRef":""#)
            .repeat("0123456789abcdef", (1 << 16) + 8)
            .chunked()
            .withhold(),
        case("createTrade", 403, "order: a reader may not")
            .token("reader")
            .post("/v1/trade")
            .header("idempotency-key", KEY)
            .json(MARKET),
        case("createTrade", 401, "order: the token is asked for before the body is looked at")
            .post("/v1/trade")
            .body("text/plain", "{"),
    ]
}

fn get() -> Vec<Case> {
    let ask = |status, name, target| case("getTrade", status, name).token("reader").get(target);
    vec![
        ask(200, "trade: a trade", "/v1/trade/trd_000000000001"),
        ask(200, "trade: a percent-encoded id", "/v1/trade/trd%5F000000000002"),
        ask(404, "trade: none of that id", "/v1/trade/trd_ffffffffffff"),
        ask(400, "trade: an id that cannot be", "/v1/trade/trd_1"),
        ask(400, "trade: an id with an encoded slash", "/v1/trade/trd_00000000%2F001"),
        ask(400, "trade: a malformed percent-encoding", "/v1/trade/trd_%zz"),
        ask(400, "trade: a query parameter that is none", "/v1/trade/trd_000000000001?verbose=1"),
    ]
}

fn cancel() -> Vec<Case> {
    let ask = |status, name, target| case("cancelTrade", status, name).trader().method("DELETE", target);
    vec![
        ask(200, "cancel: an open trade", "/v1/trade/trd_000000000001"),
        ask(200, "cancel: with a reason", "/v1/trade/trd_000000000002?reason=risk"),
        ask(409, "cancel: a filled trade", "/v1/trade/trd_000000000005"),
        ask(404, "cancel: none of that id", "/v1/trade/trd_ffffffffffff"),
        ask(400, "cancel: a reason that is none", "/v1/trade/trd_000000000001?reason=whim"),
        ask(400, "cancel: id and reason are wrong", "/v1/trade/1?reason=whim"),
        ask(200, "cancel: a body that nobody asked for is let through", "/v1/trade/trd_000000000001")
            .body("text/plain", "because"),
        case("cancelTrade", 403, "cancel: a reader may not")
            .token("reader")
            .method("DELETE", "/v1/trade/trd_000000000001"),
    ]
}

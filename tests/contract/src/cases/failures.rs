//! What a client sees of a service that fails.

use serde_json::json;

use crate::case::{Case, case};

pub(super) fn cases() -> Vec<Case> {
    let fails = |operation, status| json!({ "operation": operation, "error_rate": 1, "status": status });
    let list = |status, name| case("listTasks", status, name).token("reader").get("/v1/task");
    let trades = |status, name| case("listTrades", status, name).token("reader").get("/v1/trade");
    let read =
        |status, name| case("getTrade", status, name).token("reader").get("/v1/trade/trd_000000000001");
    let add = |status, name| {
        case("createTask", status, name).trader().post("/v1/task").json(r#"{"title":"a","priority":"low"}"#)
    };
    let finish = |status, name| case("completeTask", status, name).trader().post("/v1/task/2/complete");
    vec![
        list(502, "failure: 500 of a service is hidden").fault(fails("listTasks", 500)),
        read(502, "failure: 501 of a service is hidden").fault(fails("getTrade", 501)),
        add(502, "failure: 500 after a write is not tried again").fault(fails("createTask", 500)),
        trades(502, "failure: 507 of a service is hidden").fault(fails("listTrades", 507)),
        finish(502, "failure: 502 of a service passes").fault(fails("completeTask", 502)),
        read(503, "failure: 503 passes after all attempts").fault(fails("getTrade", 503)),
        add(503, "failure: 503 after a write passes at once").fault(fails("createTask", 503)),
        trades(504, "failure: 504 of a service passes").fault(fails("listTrades", 504)),
        list(502, "failure: a reset connection, after all attempts")
            .fault(json!({ "operation": "listTasks", "reset": true })),
        case("cancelTrade", 502, "failure: a reset connection when deleting")
            .trader()
            .method("DELETE", "/v1/trade/trd_000000000001")
            .fault(json!({ "operation": "cancelTrade", "reset": true })),
        add(502, "failure: a reset connection when writing")
            .fault(json!({ "operation": "createTask", "reset": true })),
        trades(504, "failure: a service that does not answer in time")
            .fault(json!({ "operation": "listTrades", "hang": true })),
        finish(504, "failure: a service that does not answer a write in time")
            .fault(json!({ "operation": "completeTask", "hang": true })),
        list(429, "failure: 429 of a service passes").fault(fails("listTasks", 429)),
        read(200, "failure: a slow answer is still an answer")
            .fault(json!({ "operation": "getTrade", "delay": { "fixed_ms": 300 } })),
        list(200, "failure: a body that breaks the contract passes")
            .fault(json!({ "operation": "listTasks", "wrong_body": true })),
    ]
}

/// The same service answers again.
pub(super) fn recovery(failure: &Case) -> Case {
    let name = format!("{}, and then it answers", failure.name);
    if failure.operation.contains("Trade") {
        case("getTrade", 200, &name).token("reader").get("/v1/trade/trd_000000000001")
    } else {
        case("getTask", 200, &name).token("reader").get("/v1/task/1")
    }
}

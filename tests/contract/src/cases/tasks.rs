//! Tasks: lists, new ones, reads, merge patches, completion.

use crate::case::{Case, case};

const MERGE_PATCH: &str = "application/merge-patch+json";

pub(super) fn cases() -> Vec<Case> {
    [list(), create(), create_refusals(), get(), update(), complete()].concat()
}

fn list() -> Vec<Case> {
    let ask = |status, name, target| case("listTasks", status, name).token("reader").get(target);
    vec![
        ask(200, "tasks: the contract's defaults are added to the query", "/v1/task"),
        ask(200, "tasks: the defaults follow the client's query", "/v1/task?state=todo"),
        ask(200, "tasks: labels and a boolean", "/v1/task?label=client&label=risk-2&overdue=true&limit=4"),
        ask(200, "tasks: due before a day", "/v1/task?dueBefore=2024-05-05&offset=1&limit=100"),
        ask(200, "tasks: a question mark with nothing after it", "/v1/task?"),
        ask(400, "tasks: a state that is none", "/v1/task?state=waiting"),
        ask(400, "tasks: a boolean that is none", "/v1/task?overdue=yes"),
        ask(200, "tasks: a month that no year has passes", "/v1/task?dueBefore=2024-13-01&limit=1"),
        ask(400, "tasks: a day with one digit", "/v1/task?dueBefore=2024-05-1"),
        ask(400, "tasks: too many labels", "/v1/task?label=a&label=b&label=c&label=d&label=e&label=f"),
        ask(400, "tasks: a label that cannot be", "/v1/task?label=Client"),
        ask(400, "tasks: an offset beyond 32 bits", "/v1/task?offset=4294967296"),
    ]
}

fn create() -> Vec<Case> {
    let add = |name| case("createTask", 201, name).trader().post("/v1/task");
    vec![
        add("new task: the least").json(r#"{"title":"Settle","priority":"low"}"#),
        add("new task: everything, with letters from everywhere").json(
            r#"{"title":"Prüfe ACME 株 🙂","description":null,"priority":"high","dueAt":"2024-05-02T16:00:00Z","labels":["settlement","acme"],"assignee":null,"tradeId":"trd_000000000001","checklist":[{"text":"call"},{"text":"write","done":true}],"attributes":{"desk":"7"}}"#,
        ),
        add("new task: letters as escapes count as letters").json(r#"{"title":"\u00fc\ud83d\ude42","priority":"low"}"#),
    ]
}

fn create_refusals() -> Vec<Case> {
    let add = |status, name| case("createTask", status, name).trader().post("/v1/task");
    let wrong = |name, task| add(400, name).json(task);
    vec![
        wrong("new task: no title", r#"{"priority":"low"}"#),
        wrong("new task: an empty title", r#"{"title":"","priority":"low"}"#),
        wrong("new task: a member that is none", r#"{"title":"a","priority":"low","urgent":true}"#),
        wrong("new task: a label twice", r#"{"title":"a","priority":"low","labels":["x","x"]}"#),
        wrong(
            "new task: an assignee without an address",
            r#"{"title":"a","priority":"low","assignee":"ada"}"#,
        ),
        wrong("new task: a due date that is none", r#"{"title":"a","priority":"low","dueAt":"soon"}"#),
        wrong(
            "new task: a mistake deep inside",
            r#"{"title":"a","priority":"low","checklist":[{"text":"x"},{"text":"y","done":"no"}]}"#,
        ),
        wrong(
            "new task: an attribute that is no text",
            r#"{"title":"a","priority":"low","attributes":{"desk":7}}"#,
        ),
        add(413, "new task: a length over the limit")
            .json("")
            .header("content-length", "20000000")
            .withhold(),
        add(400, "new task: a body of exactly the limit is read, and is no JSON")
            .json(r#"{"title":""#)
            .repeat("a", (1 << 20) - 10),
        add(415, "new task: a merge patch").body(MERGE_PATCH, r#"{"title":"a","priority":"low"}"#),
        case("createTask", 403, "new task: a token without scopes")
            .token("nobody")
            .post("/v1/task")
            .json(r#"{"title":"a","priority":"low"}"#),
    ]
}

fn get() -> Vec<Case> {
    let ask = |status, name, target| case("getTask", status, name).token("reader").get(target);
    vec![
        ask(200, "task: a task", "/v1/task/1"),
        ask(404, "task: none of that id", "/v1/task/4000"),
        ask(400, "task: an id of zero", "/v1/task/0"),
        ask(400, "task: an id that is a word", "/v1/task/first"),
        ask(400, "task: an id that is a fraction", "/v1/task/1.5"),
    ]
}

fn update() -> Vec<Case> {
    let change = |status, name, target, patch| {
        case("updateTask", status, name).trader().method("PATCH", target).body(MERGE_PATCH, patch)
    };
    vec![
        change(200, "patch: some fields", "/v1/task/2", r#"{"priority":"low","title":"Später"}"#),
        change(
            200,
            "patch: null clears",
            "/v1/task/2",
            r#"{"dueAt":null,"assignee":null,"description":null}"#,
        ),
        change(409, "patch: a done task", "/v1/task/4", r#"{"priority":"low"}"#),
        change(404, "patch: no task of that id", "/v1/task/4000", r#"{"priority":"low"}"#),
        change(400, "patch: nothing", "/v1/task/2", "{}"),
        change(400, "patch: a state that only completion gives", "/v1/task/2", r#"{"state":"done"}"#),
        change(400, "patch: null where there must be a text", "/v1/task/2", r#"{"title":null}"#),
        change(400, "patch: id and body are wrong", "/v1/task/zero", r#"{"labels":[]}"#),
        case("updateTask", 415, "patch: plain JSON")
            .trader()
            .method("PATCH", "/v1/task/2")
            .json(r#"{"priority":"low"}"#),
        case("updateTask", 403, "patch: a reader may not")
            .token("reader")
            .method("PATCH", "/v1/task/2")
            .body(MERGE_PATCH, r#"{"priority":"low"}"#),
    ]
}

fn complete() -> Vec<Case> {
    let done = |status, name, target| case("completeTask", status, name).trader().post(target);
    vec![
        done(200, "complete: without a body", "/v1/task/2/complete"),
        done(200, "complete: with a note", "/v1/task/3/complete")
            .json(r#"{"note":"Settled by hand.","minutesSpent":15}"#),
        done(409, "complete: a done task", "/v1/task/4/complete"),
        done(404, "complete: no task of that id", "/v1/task/4000/complete"),
        done(400, "complete: minutes that are no multiple of five", "/v1/task/2/complete")
            .json(r#"{"minutesSpent":7}"#),
        done(415, "complete: plain text", "/v1/task/2/complete").body("text/plain", "done"),
        case("completeTask", 403, "complete: a reader may not").token("reader").post("/v1/task/2/complete"),
    ]
}

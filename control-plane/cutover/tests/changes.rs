//! Changes through the real binary: set, roll back, look back, restart.

mod support;

use serde_json::{Value, json};
use support::Home;

fn weight(listing: &Value, operation: &str) -> Value {
    let all = listing["weights"].as_array().into_iter().flatten();
    let found: Vec<_> = all.filter(|one| one["operation"] == operation).collect();
    assert_eq!(found.len(), 1, "{operation} must be listed once: {listing}");
    found[0]["weight"].clone()
}

#[test]
fn a_weight_is_set_shown_and_remembered_with_its_reason() {
    let home = Home::new();
    let server = home.serve();
    let set =
        server.run(&["weights", "set", "listTasks=12.5", "getTask=100%", "--reason", "first step"]).ok();
    assert_eq!(
        set.out,
        "getTask    0% -> 100%\nlistTasks  0% -> 12.5%\nstored as revision 1; no Envoy is connected\n"
    );
    let status = server.run(&["status"]).ok().out;
    let line = status.lines().find(|line| line.starts_with("listTasks")).unwrap_or_default();
    assert!(
        line.contains("GET /v1/task") && line.contains("12.5%") && line.contains("node > task"),
        "{status}"
    );
    assert!(
        line.contains("0% -> 12.5%") && line.contains("by kim@") && line.contains("first step"),
        "{status}"
    );
    assert!(status.starts_with("gateway edge  listens on 127.0.0.1:8080  revision 1  no Envoy is connected"));

    let listing = server.json(&["weights"]);
    assert_eq!(weight(&listing, "listTasks"), 12.5);
    assert_eq!(weight(&listing, "unmatched"), 0, "what no operation matches has a weight as well");
    let history = server.json(&["history", "getTask"]);
    let entry = &history["entries"][0];
    assert_eq!(
        (&entry["revision"], &entry["action"], &entry["reason"]),
        (&json!(1), &json!("set"), &json!("first step"))
    );
    assert_eq!(entry["changes"][0], json!({"operation": "getTask", "before": 0, "after": 100}));
    assert_eq!(server.json(&["history", "health"])["entries"], json!([]));
}

#[test]
fn rollback_takes_back_some_or_all_and_says_when_there_is_nothing_to_do() {
    let home = Home::new();
    let server = home.serve();
    server.run(&["weights", "set", "listTasks=10", "getTask=20", "unmatched=30"]).ok();
    let one = server.run(&["rollback", "getTask", "health", "--actor", "night watch"]).ok();
    assert_eq!(
        one.out,
        "getTask  20% -> 0%\nhealth   0% already\nstored as revision 2; no Envoy is connected\n"
    );
    let all = server.run(&["rollback", "--all", "--reason", "drill"]).ok();
    assert_eq!(
        all.out,
        "listTasks  10% -> 0%\nunmatched  30% -> 0%\nstored as revision 3; no Envoy is connected\n"
    );
    let again = server.run(&["rollback", "--all"]).ok();
    assert_eq!(again.out, "every operation is on the node side already\nnothing to change (revision 3)\n");
    let history = server.run(&["history"]).ok().out;
    assert!(
        history.contains("night watch") && history.contains("rollback") && history.contains("drill"),
        "{history}"
    );
    assert_eq!(
        history.lines().count(),
        1 + 2 + 1 + 3,
        "a head and one line per operation that moved:\n{history}"
    );
}

#[test]
fn waiting_without_an_envoy_is_done_but_not_confirmed() {
    let home = Home::new();
    let server = home.serve();
    let set = server.run(&["weights", "set", "listTasks=10", "--wait", "200ms"]).exit(3);
    assert_eq!(set.out, "listTasks  0% -> 10%\n");
    assert_eq!(set.err, "no Envoy is connected: revision 1 is stored and waits for the first one\n");
    assert_eq!(weight(&server.json(&["weights"]), "listTasks"), 10);
    let envoys = server.run(&["envoys"]).ok();
    assert_eq!(envoys.out, "no Envoy is connected\n");
    assert_eq!(server.json(&["envoys"]), json!({"revision": 1, "envoys": []}));
    let json = server.run(&["weights", "set", "listTasks=10", "--wait", "1ms", "--json"]).exit(3).json();
    assert_eq!((&json["revision"], &json["confirmation"]["complete"]), (&json!(1), &json!(false)));
}

#[test]
fn what_is_refused_changes_nothing() {
    let home = Home::new();
    let server = home.serve();
    let unknown = server.run(&["weights", "set", "getTask=5", "lisTasks=10"]).exit(1);
    assert_eq!(unknown.err, "there is no operation `lisTasks`; did you mean `listTasks`?\n");
    let twice = server.run(&["weights", "set", "getTask=5", "getTask=6"]).exit(1);
    assert_eq!(twice.err, "getTask is given twice; name each operation once\n");
    for usage in [
        &["weights", "set", "getTask=101"][..],
        &["weights", "set", "getTask"],
        &["weights", "set", "getTask=1", "--wait", "5"],
        &["weights", "set"],
        &["rollback"],
        &["rollback", "getTask", "--all"],
        &["history", "--limit", "0"],
        &["wieghts"],
    ] {
        let said = server.run(usage).exit(2);
        assert!(said.err.contains("error: ") && said.out.is_empty(), "{usage:?}: {said:?}");
    }
    assert_eq!(server.json(&["history"])["entries"], json!([]));
}

#[test]
fn a_killed_control_plane_comes_back_with_the_same_weights() {
    let home = Home::new();
    let server = home.serve();
    server.run(&["weights", "set", "listTasks=75"]).ok();
    assert_eq!(server.stop("KILL"), None);
    let server = home.serve();
    let listing = server.json(&["weights"]);
    assert_eq!((&listing["revision"], weight(&listing, "listTasks")), (&json!(1), json!(75)));
    let next = server.run(&["weights", "set", "listTasks=80"]).ok();
    assert!(next.out.contains("75% -> 80%\nstored as revision 2"), "{}", next.out);
    assert_eq!(server.stop("TERM"), Some(0), "a stop that was asked for is a success");
}

#[test]
fn an_operation_that_leaves_the_contract_keeps_its_weight_and_is_reported() {
    let home = Home::new();
    let server = home.serve();
    server.run(&["weights", "set", "getTask=40"]).ok();
    server.stop("INT");
    home.edit("api.yaml", "operationId: getTask", "operationId: readTask");
    let server = home.serve();
    let status = server.json(&["status"]);
    assert_eq!(status["missing"], json!([{"operation": "getTask", "weight": 40}]));
    let new =
        status["operations"].as_array().and_then(|all| all.iter().find(|one| one["operation"] == "readTask"));
    assert_eq!(new.map(|one| &one["weight"]), Some(&json!(0)), "a new operation starts on the node side");
    let shown = server.run(&["status"]).ok().out;
    assert!(shown.contains("no longer in the contract, but the weight is kept: getTask 40%"), "{shown}");
    server.run(&["weights", "set", "getTask=50"]).exit(1);
    server.run(&["rollback", "getTask"]).ok();
    assert_eq!(server.json(&["status"])["missing"], json!([]));
}

#[test]
fn changes_at_the_same_time_each_get_a_revision_of_their_own() {
    let home = Home::new();
    let server = home.serve();
    std::thread::scope(|scope| {
        for number in 1..=8 {
            let server = &server;
            scope.spawn(move || server.run(&["weights", "set", &format!("listTasks={number}")]).ok());
        }
    });
    let history = server.json(&["history"]);
    let entries = history["entries"].as_array().expect("entries");
    let revisions: Vec<_> = entries.iter().map(|entry| entry["revision"].clone()).collect();
    assert_eq!(revisions, [8, 7, 6, 5, 4, 3, 2, 1]);
    for pair in entries.windows(2) {
        assert_eq!(
            pair[0]["changes"][0]["before"], pair[1]["changes"][0]["after"],
            "a change was planned on an old state"
        );
    }
}

#[test]
fn without_a_control_plane_one_line_says_so() {
    let home = Home::new();
    for verb in [
        &["status"][..],
        &["weights", "set", "listTasks=1"],
        &["rollback", "--all"],
        &["history"],
        &["envoys"],
    ] {
        let said = home.run(&[verb, &["--server", "http://127.0.0.1:1"]].concat()).exit(1);
        assert_eq!(
            said.err,
            "cannot reach the control plane at http://127.0.0.1:1; is `cutover serve` running? \
             (--server or CUTOVER_SERVER names another)\n"
        );
    }
    let said = home.run(&["status", "--server", "127.0.0.1:9000"]).exit(1);
    assert!(
        said.err.contains("is not the URL of a control plane; write for example http://127.0.0.1:9000"),
        "{}",
        said.err
    );
}

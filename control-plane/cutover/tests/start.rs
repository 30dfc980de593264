//! Starting: nothing half started, one clear line for what is wrong.

mod support;

use std::net::TcpListener;

use serde_json::json;
use support::Home;

/// The state that a start would leave behind.
fn has_state(home: &Home) -> bool {
    home.path(".run").exists()
}

#[test]
fn a_taken_port_is_named_and_nothing_is_started() {
    let home = Home::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = listener.local_addr().expect("an address").to_string();

    let admin = home.serve_in_vain(&taken, "127.0.0.1:0").exit(1);
    assert_eq!(
        admin.err,
        format!(
            "cannot listen on {taken} for the admin API: address already in use; \
             stop what listens there (another control plane?) or take another with --admin\n"
        )
    );
    let xds = home.serve_in_vain("127.0.0.1:0", &taken).exit(1);
    assert!(
        xds.err.contains("for Envoys: address already in use") && xds.err.contains("--xds"),
        "{}",
        xds.err
    );
    let both = home.serve_in_vain(&taken, &taken).exit(1);
    assert_eq!(both.err.lines().count(), 2, "both are named: {}", both.err);
    assert!(admin.out.is_empty() && xds.out.is_empty() && !has_state(&home));
}

#[test]
fn mistakes_stop_the_start_with_a_line_each() {
    let cases = [
        ("gateway.yaml", "listen: 127.0.0.1:8080", "listen: [", "gateway.yaml:"),
        (
            "gateway.yaml",
            "upstream: task",
            "upstream: tsk",
            "gateway.yaml:9:28: the upstream `tsk` is not defined (did you mean `task`?)",
        ),
        (
            "gateway.yaml",
            "jwks.json",
            "gone.json",
            "the JWKS file `gone.json` cannot be read: no such file or directory",
        ),
        ("gateway.yaml", "filters.wasm", "gone.wasm", "(build it with `make wasm`)"),
        ("api.yaml", "      operationId: getTask\n", "", "api.yaml:"),
    ];
    for (file, from, to, expected) in cases {
        let home = Home::new();
        home.edit(file, from, to);
        let served = home.serve_in_vain("127.0.0.1:0", "127.0.0.1:0").exit(1);
        assert!(served.err.lines().any(|line| line.contains(expected)), "{expected}: {}", served.err);
        assert!(served.out.is_empty(), "it must not say that it is ready: {}", served.out);
        assert!(!has_state(&home), "{expected}: a store was made");
        let checked = home.run(&["check", "--config", "gateway.yaml"]).exit(1);
        assert!(
            checked.err.starts_with(&served.err),
            "check and serve differ:\n{}\n{}",
            checked.err,
            served.err
        );
    }
}

#[test]
fn check_reports_both_files_at_once_or_a_summary() {
    let home = Home::new();
    let fine = home.run(&["check", "--config", "gateway.yaml"]).ok().out;
    for expected in [
        "gateway.yaml is fine",
        "edge, listens on 127.0.0.1:8080",
        "api.yaml: 3 operations",
        "task: 127.0.0.1:4002",
        "https://issuer.example: keys for EdDSA",
    ] {
        assert!(fine.contains(expected), "{expected}: {fine}");
    }
    let summary = home.run(&["check", "--config", "gateway.yaml", "--json"]).ok().json();
    assert_eq!(
        (&summary["ok"], &summary["operations"]),
        (&json!(true), &json!(["listTasks", "getTask", "health"]))
    );

    home.edit("gateway.yaml", "upstream: task", "upstream: tsk");
    home.edit("api.yaml", "      operationId: getTask\n", "");
    let wrong = home.run(&["check", "--config", "gateway.yaml"]).exit(1);
    assert!(
        wrong.err.contains("gateway.yaml:9:28: ") && wrong.err.contains("api.yaml:11:5: "),
        "{}",
        wrong.err
    );
    assert!(wrong.err.ends_with("2 mistakes\n"), "{}", wrong.err);
    let json = home.run(&["check", "--config", "gateway.yaml", "--json"]).exit(1).json();
    assert_eq!(json["ok"], false);
    let first = &json["mistakes"][0];
    assert_eq!(
        (&first["file"], &first["line"], &first["column"]),
        (&json!("gateway.yaml"), &json!(9), &json!(28))
    );
    assert_eq!(first["hint"], "did you mean `task`?");
}

#[test]
fn a_store_in_use_or_damaged_stops_the_start() {
    let home = Home::new();
    let first = home.serve();
    let second = home.serve_in_vain("127.0.0.1:0", "127.0.0.1:0").exit(1);
    assert!(second.err.contains("store `.run/state.db` is in use by another process"), "{}", second.err);
    assert!(second.out.is_empty());
    first.run(&["weights", "set", "listTasks=10"]).ok();
    first.stop("TERM");

    std::fs::write(home.path(".run/state.db"), "not a database at all ".repeat(400)).expect("written");
    let damaged = home.serve_in_vain("127.0.0.1:0", "127.0.0.1:0").exit(1);
    assert!(damaged.err.contains("store `.run/state.db` is damaged: "), "{}", damaged.err);
    assert!(damaged.err.contains("restore it from a backup"), "{}", damaged.err);
}

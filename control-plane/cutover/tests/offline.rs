//! The verbs that need no control plane: render, compile, token.

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use support::Home;

#[test]
fn what_envoy_gets_can_be_read_and_holds_no_secret() {
    let home = Home::new();
    let shown = home.run(&["render", "snapshot", "--config", "full.yaml", "--weight", "listTasks=12.5"]).ok();
    let types = shown.json();
    assert_eq!(types["RDS"][0]["name"], "edge");
    assert_eq!(types["LDS"][1]["resource"]["name"], "edge", "{}", types["LDS"]);
    assert!(shown.out.contains("\"weight\": 1250") && shown.out.contains("(secret)"), "{}", shown.out);
    assert!(!shown.out.contains("dG9wLXNlY3JldC10b3Atc2VjcmV0LXRvcC1zZWNyZXQ"), "{}", shown.out);
    let unknown = home.run(&["render", "snapshot", "--config", "full.yaml", "--weight", "nothing=1"]).exit(1);
    assert!(unknown.err.contains("unknown operation nothing; known are"), "{}", unknown.err);
}

#[test]
fn a_bootstrap_names_the_envoy_its_gateway_and_its_control_plane() {
    let home = Home::new();
    let plain = home.run(&["render", "bootstrap", "--config", "gateway.yaml"]).ok().json();
    assert_eq!((&plain["node"]["id"], &plain["node"]["cluster"]), (&"edge-1".into(), &"edge".into()));
    let own = ["--node-id", "edge-7", "--xds", "10.0.0.5:18001", "--envoy-admin", "127.0.0.1:0"];
    let own = home.run(&[&["render", "bootstrap", "--config", "gateway.yaml"], &own[..]].concat()).ok();
    assert_eq!(own.json()["node"]["id"], "edge-7");
    assert!(own.out.contains("10.0.0.5") && own.out.contains("18001"), "{}", own.out);
}

#[test]
fn a_contract_is_compiled_for_other_meshes() {
    let home = Home::new();
    let printed = home.run(&["compile", "api.yaml"]).ok().json();
    assert_eq!(printed["format"], "cutover-plan/2");
    let said = home.run(&["compile", "api.yaml", "-o", "plan.json"]).ok();
    assert!(said.out.starts_with("compiled 3 operations of api.yaml to plan.json"), "{}", said.out);
    let written: serde_json::Value =
        serde_json::from_slice(&fs::read(home.path("plan.json")).expect("a plan")).expect("JSON");
    assert_eq!(written, printed);
    let wrong = home.run(&["compile", "no-id.yaml", "-o", "none.json"]).exit(1);
    assert!(wrong.err.starts_with("no-id.yaml:5:5: "), "{}", wrong.err);
    assert!(!home.path("none.json").exists());
    let missing = home.run(&["compile", "gone.yaml"]).exit(1);
    assert_eq!(missing.err, "the contract gone.yaml cannot be read: no such file or directory\n");
}

#[test]
fn demo_tokens_are_private_files_signed_by_keys_the_gateway_accepts() {
    let home = Home::new();
    let said = home.run(&["token", "keys", "--dir", ".run/keys"]).ok().out;
    assert!(said.starts_with("created RS256, ES256, EdDSA and HS256 keys in .run/keys"), "{said}");
    let again = home.run(&["token", "keys", "--dir", ".run/keys"]).ok().out;
    assert!(again.starts_with("kept "), "{again}");
    home.run(&["token", "demo", "--keys", ".run/keys", "--dir", ".run/tokens"]).ok();
    for name in [
        "tokens/trader.jwt",
        "tokens/reader.jwt",
        "tokens/nobody.jwt",
        "tokens/expired.jwt",
        "keys/jwks.json",
    ] {
        let mode = fs::metadata(home.path(".run").join(name)).expect(name).permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    home.edit("gateway.yaml", "jwks.json", ".run/keys/jwks.json");
    let checked = home.run(&["check", "--config", "gateway.yaml"]).ok().out;
    assert!(checked.contains("keys for RS256, ES256, EdDSA, HS256"), "{checked}");
    let missing = home.run(&["token", "mint", "--keys", "nowhere", "--sub", "x"]).exit(1);
    assert!(missing.err.contains("make keys with `cutover token keys --dir nowhere`"), "{}", missing.err);
    let unknown = home.run(&["token", "mint", "--keys", ".run/keys", "--sub", "x", "--alg", "none"]).exit(2);
    assert!(unknown.err.contains("RS256, ES256, EdDSA, HS256"), "{}", unknown.err);
    let token = home.run(&["token", "mint", "--keys", ".run/keys", "--sub", "x", "--alg", "es256"]).ok().out;
    assert_eq!(token.trim().split('.').count(), 3, "{token}");
}

#[test]
fn a_reader_who_leaves_early_is_no_failure() {
    let home = Home::new();
    let mut child = Command::new(env!("CARGO_BIN_EXE_cutover"))
        .args(["render", "snapshot", "--config"])
        .arg(home.path("full.yaml"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("started");
    drop(child.stdout.take());
    let done = child.wait_with_output().expect("ended");
    assert!(done.status.success() && done.stderr.is_empty(), "{done:?}");
}

//! The project's own contract compiles, always to the same plan, and that plan is the committed one.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::PathBuf;

fn project(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn compiled(contract: &str) -> Vec<u8> {
    let text = std::fs::read_to_string(project(contract)).unwrap();
    match cutover_compiler::compile(contract, &text) {
        Ok(plan) => plan.to_json(),
        Err(mistakes) => {
            let mistakes: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
            panic!("the contract has mistakes:\n{}", mistakes.join("\n"));
        }
    }
}

/// `UPDATE_GOLDEN=1 cargo test -p cutover-compiler` writes the plans anew.
#[test]
fn the_committed_plans_are_what_the_compiler_makes() {
    for (contract, plan) in [
        ("trade-task.yaml", "trade-task.plan.json"),
        ("plan/tests/data/keywords.yaml", "keywords.plan.json"),
        ("plan/tests/data/styles.yaml", "styles.plan.json"),
    ] {
        let golden = project("plan/tests/data").join(plan);
        let compiled = compiled(contract);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&golden, &compiled).unwrap();
        }
        let committed = std::fs::read(&golden).unwrap_or_default();
        assert!(committed == compiled, "{} is out of date: UPDATE_GOLDEN=1 writes it", golden.display());
    }
}

#[test]
fn compiling_twice_gives_the_same_bytes() {
    assert_eq!(compiled("trade-task.yaml"), compiled("trade-task.yaml"));
}

//! The walls of docs/design.md: who may know whom, read from `cargo metadata`.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use anyhow::{Context, Result};
use cutover_e2e::paths;
use serde_json::Value;

/// What each crate of the product may depend on, among the product's own crates.
const ALLOWED: &[(&str, &[&str])] = &[
    ("cutover-plan", &[]),
    ("cutover-compiler", &["cutover-plan"]),
    ("cutover-filter-host", &[]),
    ("cutover-request-id-filter", &["cutover-plan", "cutover-filter-host"]),
    ("cutover-auth-filter", &["cutover-plan", "cutover-filter-host"]),
    ("cutover-validation-filter", &["cutover-plan", "cutover-filter-host"]),
    (
        "cutover-filters",
        &[
            "cutover-filter-host",
            "cutover-request-id-filter",
            "cutover-auth-filter",
            "cutover-validation-filter",
        ],
    ),
    ("cutover-domain", &[]),
    ("cutover-xds", &["cutover-domain"]),
    ("cutover-store", &["cutover-domain"]),
    ("cutover-comparison", &["cutover-domain"]),
    (
        "cutover",
        &[
            "cutover-plan",
            "cutover-compiler",
            "cutover-domain",
            "cutover-xds",
            "cutover-store",
            "cutover-comparison",
        ],
    ),
    ("cutover-upstreams", &[]),
    ("cutover-e2e", &[]),
    ("cutover-contract", &["cutover-e2e", "cutover-comparison", "cutover-compiler"]),
    ("cutover-bench", &["cutover-e2e", "cutover-compiler"]),
    ("cutover-conformance", &["cutover-plan", "cutover-compiler"]),
];

/// Crates that bring I/O, a runtime or a wire format; a decision has no use for them.
const IMPURE: &[&str] = &[
    "tokio",
    "tonic",
    "prost",
    "envoy-types",
    "axum",
    "reqwest",
    "rusqlite",
    "proxy-wasm",
    "tracing",
    "log",
];

/// Crates that stay pure.
const PURE: &[&str] = &["cutover-plan", "cutover-compiler", "cutover-domain", "cutover-comparison"];

#[test]
fn no_crate_knows_more_than_the_design_allows() -> Result<()> {
    let dependencies = dependencies()?;
    let known: BTreeMap<&str, &[&str]> = ALLOWED.iter().copied().collect();
    for (name, depends_on) in &dependencies {
        let allowed =
            known.get(name.as_str()).with_context(|| format!("{name} has no place in the design's walls"))?;
        for other in depends_on.iter().filter(|other| dependencies.contains_key(*other)) {
            assert!(allowed.contains(&other.as_str()), "{name} must not know {other}");
        }
    }
    assert_eq!(dependencies.len(), ALLOWED.len(), "a crate of the design is missing");
    Ok(())
}

#[test]
fn decisions_know_no_runtime_and_no_wire_format() -> Result<()> {
    let dependencies = dependencies()?;
    for name in PURE {
        let depends_on = dependencies.get(*name).with_context(|| format!("{name} is missing"))?;
        for impure in IMPURE {
            assert!(!depends_on.contains(*impure), "{name} must not depend on {impure}");
        }
    }
    Ok(())
}

/// Each crate of the workspace with its direct dependencies, those for tests aside.
fn dependencies() -> Result<BTreeMap<String, BTreeSet<String>>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--locked", "--offline"])
        .current_dir(paths::root())
        .output()?;
    let metadata: Value = serde_json::from_slice(&output.stdout)
        .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
    let packages = metadata["packages"].as_array().context("no packages")?;
    let text = |value: &Value| value.as_str().map(str::to_owned).context("not a text");
    packages
        .iter()
        .map(|package| {
            let depends_on = package["dependencies"].as_array().context("no dependencies")?;
            let normal = depends_on.iter().filter(|one| one["kind"].is_null());
            let names = normal.map(|one| text(&one["name"])).collect::<Result<BTreeSet<_>>>()?;
            Ok((text(&package["name"])?, names))
        })
        .collect()
}

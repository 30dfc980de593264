//! Where the product's parts lie: the repository and what a build made of it.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The root of the repository.
///
/// `CUTOVER_ROOT` overrides it; else it is where this crate was built, which is where `make` runs everything.
#[must_use]
pub fn root() -> PathBuf {
    match env::var_os("CUTOVER_ROOT") {
        Some(root) => PathBuf::from(root),
        None => {
            let here = Path::new(env!("CARGO_MANIFEST_DIR"));
            here.ancestors().nth(2).unwrap_or(here).to_path_buf()
        }
    }
}

/// A binary of this workspace, from the same build as the running program: tests of a debug build run debug binaries.
///
/// # Errors
/// When the binary has not been built.
pub fn binary(name: &str) -> Result<PathBuf> {
    let me = env::current_exe().context("the path of the running program is unknown")?;
    let mut folder = me.parent().context("the running program lies in no folder")?;
    if folder.ends_with("deps") {
        folder = folder.parent().unwrap_or(folder);
    }
    let path = folder.join(name);
    if !path.is_file() {
        bail!(
            "{} is missing; build it first: cargo build --workspace --exclude cutover-filters --bins",
            path.display()
        );
    }
    Ok(path)
}

/// The Envoy to run: `ENVOY` from the environment, else the pinned one in `.tools/`.
///
/// # Errors
/// When there is none.
pub fn envoy() -> Result<PathBuf> {
    let path = env::var_os("ENVOY").map_or_else(|| root().join(".tools/envoy/envoy"), PathBuf::from);
    if !path.exists() {
        bail!("{} is missing; `make setup` installs it, or set ENVOY to an Envoy of yours", path.display());
    }
    Ok(path)
}

/// The Envoy of a version that `ENVOY_VERSION=version envoy/fetch` has installed.
///
/// # Errors
/// When it has not.
pub fn envoy_of(version: &str) -> Result<PathBuf> {
    let path = root().join(format!(".tools/envoy-{version}/envoy"));
    if !path.is_file() {
        bail!("{} is missing; install it first: ENVOY_VERSION={version} envoy/fetch", path.display());
    }
    Ok(path)
}

/// The filters' Wasm module.
///
/// # Errors
/// When it has not been built.
pub fn module() -> Result<PathBuf> {
    let path = root().join("target/wasm32-wasip1/wasm/cutover_filters.wasm");
    if !path.is_file() {
        bail!("{} is missing; build it first: make wasm", path.display());
    }
    Ok(path)
}

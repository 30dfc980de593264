//! The official JSON Schema Test Suite (draft 2020-12) against `openapi/compiler` and `openapi/plan`.
//!
//! Schemas are compiled natively; instances are checked natively, and once more by the same code as a Wasm module.

#[cfg(not(target_family = "wasm"))]
pub mod exceptions;
#[cfg(not(target_family = "wasm"))]
pub mod suite;
#[cfg(not(target_family = "wasm"))]
pub mod wasm;

use cutover_plan::Json;
use cutover_plan::schema::{Direction, SchemaId, Tables};

/// Whether a schema's tables take an instance.
///
/// # Errors
/// When the instance is no JSON.
pub fn verdict(tables: &Tables, root: SchemaId, instance: &str) -> Result<bool, String> {
    let value = Json::parse(instance).map_err(|error| format!("the instance is {error:?}"))?;
    Ok(tables.verdict(root, &value, Direction::Neither).0)
}

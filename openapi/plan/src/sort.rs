//! The one sort of this crate. Generic sorts are compiled once for each type and order, which a Wasm module pays for in
//! every Envoy worker.

use std::cmp::Ordering;

/// The numbers from 0 to `length`, sorted by what they stand for; of equal ones the smaller number comes first.
pub(crate) fn sorted(length: usize, order: &mut dyn FnMut(usize, usize) -> Ordering) -> Vec<u32> {
    let mut places: Vec<u32> = (0..u32::try_from(length).unwrap_or(u32::MAX)).collect();
    places.sort_unstable_by(|a, b| order(*a as usize, *b as usize).then(a.cmp(b)));
    places
}

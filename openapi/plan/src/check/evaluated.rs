//! What has been evaluated of a value, for `unevaluatedItems` and `unevaluatedProperties`.

/// A part of a value that some schema has looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// An item or a member, by its position.
    One(usize),
    /// All before this position.
    Before(usize),
}

/// Which of the parts have been looked at.
pub(super) fn seen(marks: &[Mark], count: usize) -> Vec<bool> {
    let mut seen = vec![false; count];
    let mut before = 0;
    for mark in marks {
        match mark {
            Mark::One(at) => {
                if let Some(place) = seen.get_mut(*at) {
                    *place = true;
                }
            }
            Mark::Before(end) => before = before.max(*end),
        }
    }
    seen.iter_mut().take(before).for_each(|place| *place = true);
    seen
}

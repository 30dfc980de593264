//! Recorded exchanges, replayed against both sides.

//! Differences between two answers.

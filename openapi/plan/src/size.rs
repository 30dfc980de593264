//! What a plan is made of.

use crate::pattern::Pattern;
use crate::plan::Plan;

/// How much there is of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Operations.
    pub operations: usize,
    /// Schemas, each of them once.
    pub schemas: usize,
    /// Patterns, those of formats among them.
    pub patterns: usize,
    /// The bytes of the patterns' automata.
    pub automata: usize,
}

impl Plan {
    /// How much the plan holds.
    #[must_use]
    pub fn size(&self) -> Size {
        let patterns = &self.tables.patterns;
        Size {
            operations: self.routes().iter().count(),
            schemas: self.tables.schemas.len(),
            patterns: patterns.len(),
            automata: patterns.iter().map(Pattern::automaton_bytes).sum(),
        }
    }
}

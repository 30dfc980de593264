//! Weights and the audit trail, kept.

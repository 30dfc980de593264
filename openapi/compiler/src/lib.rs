//! Compiles an OpenAPI contract into a plan.

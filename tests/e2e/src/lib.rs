//! The harness that runs the whole product, and its tests.

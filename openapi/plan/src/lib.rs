//! The compiled form of an OpenAPI contract, and the code that executes it.

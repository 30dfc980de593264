//! JWT authentication and scopes as an Envoy filter.

//! OpenAPI request validation as an Envoy filter.

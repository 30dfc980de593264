//! Request ids and trace context as an Envoy filter.

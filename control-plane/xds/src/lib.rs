//! From the domain to Envoy: resources, snapshots, subscriptions, streams.

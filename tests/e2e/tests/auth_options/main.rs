//! The options of the auth filter's configuration, each in a real Envoy with nothing else in front of the service.

#[path = "../signers/mod.rs"]
mod signers;

mod claims;
mod errors;
mod keys;
mod places;

use anyhow::Result;
use cutover_e2e::AuthEnvoy;
use serde_json::{Value, json};

/// An Envoy whose filter has this in its configuration beside what all tests need.
async fn with(change: &Value) -> Result<AuthEnvoy> {
    let configuration = signers::merged(signers::configuration(&json!({})), change);
    AuthEnvoy::builder().configuration(&configuration).start().await
}

/// What Envoy says when the filter refuses a configuration.
async fn refusal(configuration: &str) -> String {
    let started = AuthEnvoy::builder().configuration_text(configuration).start().await;
    started.err().map_or_else(|| "it was accepted".to_owned(), |error| format!("{error:#}"))
}

#[tokio::test]
async fn a_mistake_in_the_configuration_stops_envoy_with_the_path_of_the_field() {
    let good = signers::configuration(&json!({}));
    let wrong = |change: Value| signers::merged(good.clone(), &change).to_string();
    let issuer = |change: Value| signers::configuration(&change).to_string();
    for (configuration, expected) in [
        (wrong(json!({"cache": {"entries": "many"}})), "cache.entries: must be a whole number"),
        (issuer(json!({"jwk": {}})), "issuers[0].jwk: unknown field"),
        (good.to_string().replacen("\"realm\"", "\"realm\":\"a\",\"realm\"", 1), "no member is there twice"),
    ] {
        let said = refusal(&configuration).await;
        assert!(
            said.contains("auth: configuration refused") && said.contains(expected),
            "{expected}: {said}"
        );
    }
}

//! RFC 8725 (JWT best practice), point by point: every token goes through a real Envoy.

#![allow(clippy::panic, reason = "tests fail loudly")]

mod signers;

use std::sync::LazyLock;

use anyhow::Result;
use cutover_e2e::AuthEnvoy;
use serde_json::json;
use signers::{ALGORITHMS, configuration, signer};

static ENVOY: LazyLock<AuthEnvoy> = LazyLock::new(|| {
    let builder = AuthEnvoy::builder().configuration(&configuration(&json!({})));
    builder.start_for_program().unwrap_or_else(|error| panic!("{error:#}"))
});

#[tokio::test]
async fn a_right_token_of_every_algorithm_is_accepted() -> Result<()> {
    for algorithm in ALGORITHMS {
        let answer = ENVOY.get_with("/v1/task", &signer(algorithm).good()).await?;
        assert_eq!(answer.status, 200, "{algorithm}: {}\n{}", answer.text(), ENVOY.log());
        assert!(answer.text().contains("x-user-id: ada\r\n"), "{algorithm}: {}", answer.text());
        assert!(!answer.text().contains("authorization"), "{algorithm}: {}", answer.text());
    }
    Ok(())
}

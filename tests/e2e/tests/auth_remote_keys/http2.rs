//! Many requests of one connection that wait.

use anyhow::{Context, Result};
use cutover_e2e::{AuthEnvoy, KeyServer};
use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::{assert_sound, envoy, set, signer, under_way};

type Client = SendRequest<Empty<Bytes>>;

async fn connect(envoy: &AuthEnvoy) -> Result<Client> {
    let stream = TcpStream::connect(envoy.address).await?;
    let (client, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// The answer's status and its `grpc-status`.
async fn ask(mut client: Client, token: String, kind: &'static str) -> Result<(u16, Option<String>)> {
    let request = Request::get("http://gateway.example/v1/task")
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", kind)
        .body(Empty::new())?;
    let answer = client.send_request(request).await?;
    let (head, body) = answer.into_parts();
    body.collect().await?;
    let grpc =
        head.headers.get("grpc-status").map(|status| status.to_str().map(str::to_owned)).transpose()?;
    Ok((head.status.as_u16(), grpc))
}

#[tokio::test]
async fn streams_of_one_connection_go_on_end_and_are_cancelled_together() -> Result<()> {
    let (key, stranger) = (signer("a"), signer("x"));
    let issuer = KeyServer::start(set(&[&key]))?;
    for round in 0..3 {
        issuer.hold();
        let envoy = envoy(&issuer, &json!({"hold_seconds": 20})).start().await?;
        let client = connect(&envoy).await?;
        let (mut stay, mut go) = (JoinSet::new(), JoinSet::new());
        for _ in 0..25 {
            let ask = |token: String, kind| ask(client.clone(), token, kind);
            let good = ask(key.good(), "application/json");
            stay.spawn(async move { anyhow::Ok((good.await?, (200, None))) });
            let bad = ask(stranger.good(), "application/json");
            stay.spawn(async move { anyhow::Ok((bad.await?, (401, None))) });
            let grpc = ask(stranger.good(), "application/grpc");
            stay.spawn(async move { anyhow::Ok((grpc.await?, (200, Some("16".to_owned())))) });
            go.spawn(ask(key.good(), "application/json"));
        }
        under_way(&envoy, 100).await?;
        if round == 2 {
            // The whole connection goes.
            stay.shutdown().await;
            go.shutdown().await;
            drop(client);
            under_way(&envoy, 0).await?;
            issuer.release();
        } else {
            go.shutdown().await;
            if round == 0 {
                under_way(&envoy, 75).await?;
            }
            issuer.release();
            while let Some(answer) = stay.join_next().await {
                let (answer, expected) = answer.context("a task")?.with_context(|| envoy.log())?;
                assert_eq!(answer, expected, "{}", envoy.log());
            }
        }
        let answer = ask(connect(&envoy).await?, key.good(), "application/json").await?;
        assert_eq!(answer.0, 200, "{}", envoy.log());
        assert_sound(&envoy);
    }
    Ok(())
}

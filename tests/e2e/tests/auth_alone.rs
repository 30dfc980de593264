//! The auth filter without our control plane: the example of its README, as it is printed there.

use std::fs;
use std::net::TcpListener;

use anyhow::{Context, Result, ensure};
use cutover_e2e::process::Process;
use cutover_e2e::{eventually, paths};
use reqwest::{Client, Method};

/// The first fenced block of this language.
fn block<'a>(text: &'a str, language: &str) -> Result<&'a str> {
    let (_, rest) = text.split_once(&format!("```{language}\n")).context("the README has such a block")?;
    Ok(rest.split_once("\n```").context("the block ends")?.0)
}

#[tokio::test]
async fn the_readmes_example_does_what_the_readme_says() -> Result<()> {
    let readme = fs::read_to_string(paths::root().join("filters/auth/README.md"))?;
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let module = paths::module()?;
    let config = block(&readme, "yaml")?
        .replace("port_value: 8080", &format!("port_value: {}", address.port()))
        .replace("target/wasm32-wasip1/wasm/cutover_filters.wasm", &module.display().to_string());
    let token = block(&readme, "text")?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("envoy.yaml");
    fs::write(&file, config)?;
    let envoy = Process::start("envoy", folder.path(), &paths::envoy()?, |command| {
        command.arg("-c").arg(&file).args([
            "--concurrency",
            "1",
            "--disable-hot-restart",
            "--log-level",
            "warning",
        ]);
    })?;
    let client = Client::new();
    let ask = async |method: Method, path: &str, token: Option<&str>| -> Result<u16> {
        let mut request = client.request(method, format!("http://{address}{path}"));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        Ok(request.send().await?.status().as_u16())
    };
    eventually("the public operation answers", || async {
        ensure!(ask(Method::GET, "/healthz", None).await? == 200);
        Ok(())
    })
    .await
    .with_context(|| envoy.output())?;
    assert_eq!(ask(Method::GET, "/v1/task", Some(token)).await?, 200, "{}", envoy.output());
    assert_eq!(ask(Method::POST, "/v1/task", Some(token)).await?, 403);
    assert_eq!(ask(Method::GET, "/v1/task", None).await?, 401);
    assert_eq!(ask(Method::POST, "/v1/task", None).await?, 401);
    assert_eq!(ask(Method::GET, "/elsewhere", None).await?, 404);
    assert_eq!(ask(Method::DELETE, "/v1/task", None).await?, 405);
    Ok(())
}

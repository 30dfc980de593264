//! Runs one exchange: upstreams back to their seed, faults in force, request out, answer and arrival in.

use anyhow::{Context, Result, ensure};
use reqwest::Client;
use serde_json::Value;

use crate::client::{Incoming, Outgoing, send};
use crate::har::{PostData, Request, Response};
use crate::normal;
use crate::tokens::Tokens;

/// Where exchanges run.
#[derive(Debug, Clone)]
pub struct Target {
    /// `host:port` of the gateway.
    pub gateway: String,
    /// `host:port` of each upstream, for its control requests.
    pub upstreams: Vec<String>,
    /// The tokens by name.
    pub tokens: Tokens,
}

/// What an exchange showed.
#[derive(Debug, Clone)]
pub(crate) struct Observed {
    /// The answer, in the form of a recording.
    pub(crate) response: Response,
    /// The request as it arrived at an upstream.
    pub(crate) upstream: Option<Value>,
    /// What `x-cutover-side` said.
    pub(crate) side: Option<String>,
}

/// Runs one exchange.
pub(crate) async fn run(target: &Target, faults: &[Value], request: &Request) -> Result<Observed> {
    let control = Control { client: Client::new(), upstreams: &target.upstreams };
    control.prepare(faults).await?;
    let outgoing = outgoing(request, &target.tokens)?;
    let sent_id = only(&outgoing.headers, "x-request-id");
    let sent_trace = only(&outgoing.headers, "traceparent");
    let incoming = send(&target.gateway, outgoing).await?;
    let upstream = control.arrival(&incoming, sent_trace.as_deref()).await?;
    let side = find(&incoming.headers, "x-cutover-side").map(ToOwned::to_owned);
    Ok(Observed { response: normal::response(&incoming, sent_id.as_deref()), upstream, side })
}

/// Leaves the upstreams as they were found: seed data, no faults.
pub(crate) async fn tidy(target: &Target) -> Result<()> {
    Control { client: Client::new(), upstreams: &target.upstreams }.prepare(&[]).await
}

/// Puts the upstreams' data back to the seed and ends all faults.
pub(crate) async fn reset(client: &Client, upstreams: &[String]) -> Result<()> {
    for upstream in upstreams {
        let reset = client.post(format!("http://{upstream}/__reset")).send().await;
        let status = reset.with_context(|| format!("upstream {upstream} does not answer"))?.status();
        ensure!(status.is_success(), "upstream {upstream} refused a reset: {status}");
    }
    Ok(())
}

fn outgoing(request: &Request, tokens: &Tokens) -> Result<Outgoing> {
    let mut headers = Vec::new();
    for pair in &request.headers {
        headers.push((pair.name.to_ascii_lowercase(), tokens.fill(&pair.value)?));
    }
    Ok(Outgoing {
        method: request.method.clone(),
        target: request.target()?.to_owned(),
        headers,
        body: request.post_data.as_ref().map(PostData::bytes).unwrap_or_default(),
        chunked: request.chunked,
        withhold: request.withhold,
    })
}

struct Control<'a> {
    client: Client,
    upstreams: &'a [String],
}

impl Control<'_> {
    async fn prepare(&self, faults: &[Value]) -> Result<()> {
        reset(&self.client, self.upstreams).await?;
        for upstream in self.upstreams {
            for fault in faults {
                let url = format!("http://{upstream}/__faults");
                let answer = self.client.put(url).json(fault).send().await?;
                let status = answer.status();
                ensure!(status.is_success(), "upstream {upstream} refused {fault}: {}", answer.text().await?);
            }
        }
        Ok(())
    }

    async fn arrival(&self, incoming: &Incoming, sent_trace: Option<&str>) -> Result<Option<Value>> {
        let Some(id) = find(&incoming.headers, "x-request-id") else {
            return Ok(None);
        };
        for upstream in self.upstreams {
            let query: String =
                form_urlencoded::Serializer::new(String::new()).append_pair("request_id", id).finish();
            let answer = self.client.get(format!("http://{upstream}/__seen?{query}")).send().await?;
            if answer.status().is_success() {
                return Ok(Some(normal::upstream(&answer.json().await?, sent_trace)));
            }
        }
        Ok(None)
    }
}

fn find<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
}

/// The value of a header that is there exactly once.
fn only(headers: &[(String, String)], name: &str) -> Option<String> {
    let mut values = headers.iter().filter(|(own, _)| own == name).map(|(_, value)| value);
    let first = values.next()?;
    values.next().is_none().then(|| first.clone())
}

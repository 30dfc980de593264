//! The reference to record from: the Node gateway and the services, started for the purpose on free ports.

use std::fs;

use anyhow::Result;
use cutover_contract::{Target, Tokens};
use cutover_e2e::command::cutover;
use cutover_e2e::parts::{NodeGateway, NodeOptions, Upstreams};
use tempfile::TempDir;

/// The running reference; dropping it stops every process and removes its folder.
#[derive(Debug)]
pub(crate) struct Reference {
    pub(crate) target: Target,
    _node: NodeGateway,
    _upstreams: Upstreams,
    _folder: TempDir,
}

impl Reference {
    /// Makes keys and tokens and starts everything.
    pub(crate) fn start() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("cutover-record-").tempdir()?;
        let home = folder.path();
        let (keys, tokens) = (home.join("keys"), home.join("tokens"));
        let (keys_text, tokens_text) = (keys.to_string_lossy(), tokens.to_string_lossy());
        cutover(home, &["token", "keys", "--dir", &keys_text])?.success()?;
        cutover(home, &["token", "demo", "--keys", &keys_text, "--dir", &tokens_text])?.success()?;

        let logs = home.join("logs");
        fs::create_dir(&logs)?;
        let any = "127.0.0.1:0";
        let upstreams = Upstreams::start(&logs, any, any)?;
        let (trade, task) = (&upstreams.trade, &upstreams.task);
        let options = NodeOptions { listen: any, jwks: &keys.join("jwks.json"), trade, task };
        let node = NodeGateway::start(&logs, &options)?;
        let target = Target {
            gateway: node.address.clone(),
            upstreams: vec![trade.clone(), task.clone()],
            tokens: Tokens::read(&tokens)?,
        };
        Ok(Self { target, _node: node, _upstreams: upstreams, _folder: folder })
    }
}

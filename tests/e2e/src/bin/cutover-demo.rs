//! `make run`: the whole product in the foreground on the addresses of the design. Ctrl-C stops all of it.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};
use cutover_e2e::Stack;
use tokio::signal::unix::{SignalKind, signal};

// One thread: the children ask the kernel to end them with the thread that started them.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("cutover: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<()> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    say("starting upstreams, Node gateway, control plane and Envoy …");
    let mut stack = tokio::select! {
        stack = Stack::demo() => stack?,
        _ = interrupt.recv() => return Ok(()),
        _ = terminate.recv() => return Ok(()),
    };
    say(&banner(&stack));
    let mut look = tokio::time::interval(Duration::from_millis(500));
    loop {
        tokio::select! {
            // Ctrl-C reaches the parts as well; that they end then is not a failure.
            biased;
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
            _ = look.tick() => {
                if let Some(name) = stack.fallen()? {
                    bail!("{name} has ended by itself; its output:\n{}", stack.output());
                }
            }
        }
    }
    say("\nstopping …");
    drop(stack);
    say("stopped; the weights and the audit trail stay in .run/state.db");
    Ok(())
}

fn banner(stack: &Stack) -> String {
    let at = stack.addresses();
    format!(
        "
Cutover is ready.

  gateway (Envoy)   http://{gateway}       every answer says x-cutover-side: node | rust
  console and API   http://{admin}
  Envoy admin       http://{envoy_admin}
  Node gateway      http://{node}       metrics {node_metrics}
  services          trade {trade}, task {task}
  tokens            .run/tokens/{{trader,reader,nobody,expired}}.jwt
  state and logs    .run/state.db, .run/logs/

Try, in another terminal:

  curl -i -H \"authorization: Bearer $(cat .run/tokens/trader.jwt)\" {gateway}/v1/task
  target/release/cutover weights set listTasks=100 --wait 5s
  target/release/cutover rollback --all

Ctrl-C stops everything.",
        gateway = at.gateway,
        admin = at.admin,
        envoy_admin = at.envoy_admin,
        node = at.node,
        node_metrics = at.node_metrics,
        trade = at.trade,
        task = at.task,
    )
}

#[allow(clippy::print_stderr, reason = "this program's output is its banner")]
fn say(text: &str) {
    eprintln!("{text}");
}

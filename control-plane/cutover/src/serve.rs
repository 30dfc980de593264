//! `cutover serve`: everything is bound and opened before anything is published.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use axum::Router;
use cutover_xds::{Hub, HubOptions};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::api;
use crate::cli::args::Serve;
use crate::config::Config;
use crate::controller::Controller;

/// How long requests under way may take once a stop was asked for.
const GRACE: Duration = Duration::from_secs(5);

/// The two ports, taken.
struct Ports {
    admin: TcpListener,
    xds: TcpListener,
}

/// Runs the control plane until a signal.
///
/// # Errors
/// When a port is taken, the store cannot be used, or a server gives up.
pub(crate) async fn run(options: &Serve, config: Config) -> Result<()> {
    let signals = Signals::install()?;
    let ports = bind(options.admin, options.xds).await?;
    let (admin, xds) = (ports.admin.local_addr()?, ports.xds.local_addr()?);
    let store = cutover_store::open(&config.store).await?;
    let hub = Hub::new(HubOptions { gateway: config.gateway.name.clone() });
    let controller = Controller::start(config, store, hub.clone()).await?;
    warn_about_open_doors(admin, xds);
    announce(admin, xds)?;
    tracing::info!(%admin, %xds, "ready");
    serve(ports, api::router(controller, admin), &hub, signals).await
}

/// Both ports or none; both are named when both are taken.
async fn bind(admin: SocketAddr, xds: SocketAddr) -> Result<Ports> {
    let bound = (listen(admin, "the admin API", "--admin").await, listen(xds, "Envoys", "--xds").await);
    match bound {
        (Ok(admin), Ok(xds)) => Ok(Ports { admin, xds }),
        (Err(one), Err(other)) => Err(anyhow!("{one}\n{other}")),
        (Err(error), Ok(_)) | (Ok(_), Err(error)) => Err(error),
    }
}

async fn listen(address: SocketAddr, what: &str, flag: &str) -> Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        let advice = match error.kind() {
            io::ErrorKind::AddrInUse => {
                "stop what listens there (another control plane?) or take another with"
            }
            io::ErrorKind::PermissionDenied => "ports below 1024 need privileges; take another with",
            _ => "take another address with",
        };
        anyhow!("cannot listen on {address} for {what}: {}; {advice} {flag}", crate::config::plain(&error))
    })
}

fn warn_about_open_doors(admin: SocketAddr, xds: SocketAddr) {
    if !admin.ip().is_loopback() {
        tracing::warn!(%admin, "the admin API has no login: whoever reaches this address can move traffic");
    }
    if !xds.ip().is_loopback() {
        tracing::warn!(%xds, "xDS is not encrypted: whoever reaches this address can read the configuration, keys included");
    }
}

/// The one line on standard output, for whoever started this process.
fn announce(admin: SocketAddr, xds: SocketAddr) -> Result<()> {
    let mut out = io::stdout().lock();
    let said = writeln!(out, r#"{{"ready":true,"admin":"{admin}","xds":"{xds}"}}"#);
    said.and_then(|()| out.flush()).context("cannot say that the control plane is ready")
}

/// Serves both ports until a signal, or until one of them gives up; then ends the other.
async fn serve(ports: Ports, router: Router, hub: &Hub, mut signals: Signals) -> Result<()> {
    let (stop, stopped) = watch::channel(false);
    let admin = axum::serve(ports.admin, router).with_graceful_shutdown(until(stopped.clone()));
    let admin = tokio::spawn(async move { admin.await.context("the admin API stopped") });
    let hub = hub.clone();
    let xds =
        tokio::spawn(async move { hub.serve(ports.xds, until(stopped)).await.map_err(anyhow::Error::from) });
    let (mut admin, mut xds) = (admin, xds);
    let early = tokio::select! {
        name = signals.next() => {
            tracing::info!(signal = name, "stopping");
            None
        }
        ended = &mut admin => Some(ended),
        ended = &mut xds => Some(ended),
    };
    // Nobody listens any more when both have ended; that is no error.
    let _ = stop.send(true);
    if let Some(ended) = early {
        return ended?.and_then(|()| Err(anyhow!("a server ended without being asked to")));
    }
    let both = async { Ok::<_, anyhow::Error>((admin.await??, xds.await??)) };
    tokio::select! {
        done = both => done.map(|_| ()),
        () = tokio::time::sleep(GRACE) => {
            tracing::warn!("requests under way were cut off");
            Ok(())
        }
        _ = signals.next() => Ok(()),
    }
}

async fn until(mut stopped: watch::Receiver<bool>) {
    // An error means that the sender is gone, which asks for the same.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// Ctrl-C and SIGTERM; a second one ends the grace.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn install() -> Result<Self> {
        let of = |kind| signal(kind).context("cannot listen for signals");
        Ok(Self { interrupt: of(SignalKind::interrupt())?, terminate: of(SignalKind::terminate())? })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}

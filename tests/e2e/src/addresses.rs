//! Where the parts of a stack listen.

use anyhow::{Result, ensure};

/// Every address of a stack, `host:port`.
#[derive(Debug, Clone)]
pub struct Addresses {
    /// Where clients call.
    pub gateway: String,
    /// The control plane's admin API.
    pub admin: String,
    /// xDS.
    pub xds: String,
    /// Envoy's admin interface.
    pub envoy_admin: String,
    /// The Node gateway.
    pub node: String,
    /// The Node gateway's metrics.
    pub node_metrics: String,
    /// The trade service.
    pub trade: String,
    /// The task service.
    pub task: String,
}

impl Addresses {
    /// The fixed addresses of the demo, as the design promises them.
    #[must_use]
    pub fn demo() -> Self {
        let local = |port: u16| format!("127.0.0.1:{port}");
        Self {
            gateway: local(8080),
            admin: local(9000),
            xds: local(18000),
            envoy_admin: local(9901),
            node: local(3000),
            node_metrics: local(3001),
            trade: local(4001),
            task: local(4002),
        }
    }

    /// Whatever is free.
    #[must_use]
    pub fn any() -> Self {
        let any = || "127.0.0.1:0".to_owned();
        Self {
            gateway: any(),
            admin: any(),
            xds: any(),
            envoy_admin: any(),
            node: any(),
            node_metrics: any(),
            trade: any(),
            task: any(),
        }
    }

    /// Name and address of each, for messages.
    #[must_use]
    pub fn all(&self) -> [(&'static str, &str); 8] {
        [
            ("gateway", &self.gateway),
            ("admin API", &self.admin),
            ("xDS", &self.xds),
            ("Envoy admin", &self.envoy_admin),
            ("Node gateway", &self.node),
            ("Node gateway's metrics", &self.node_metrics),
            ("trade service", &self.trade),
            ("task service", &self.task),
        ]
    }
}

/// Refuses when any of the addresses is taken: all of them in one message, before anything is started.
///
/// # Errors
/// When one is taken.
pub fn refuse_taken_ports(addresses: &Addresses) -> Result<()> {
    let taken: Vec<String> = addresses
        .all()
        .into_iter()
        .filter(|(_, address)| std::net::TcpListener::bind(address).is_err())
        .map(|(name, address)| format!("{address} ({name})"))
        .collect();
    let noun = if taken.len() == 1 { "port is" } else { "ports are" };
    ensure!(
        taken.is_empty(),
        "{noun} taken: {}; nothing was started: stop what listens there (is another demo running?) and try again",
        taken.join(", ")
    );
    Ok(())
}

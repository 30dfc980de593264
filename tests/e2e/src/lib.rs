//! Runs the whole product for tests, measurements and the demo: upstreams, Node gateway, control plane and Envoy, as
//! the real processes on free ports, in a folder of their own, stopped by their ids when the [`Stack`] goes.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use cutover_e2e::{Stack, Token};
//!
//! let stack = Stack::start().await?;
//! stack.cutover(&["weights", "set", "listTasks=100", "--wait", "5s"]).await?.success()?;
//! let answer = stack.get("/v1/task").token(Token::Trader).send().await?;
//! assert_eq!(answer.side(), Some("rust"));
//! # Ok(())
//! # }
//! ```

pub mod addresses;
pub mod auth_envoy;
pub mod client;
pub mod command;
pub mod config;
pub mod echo;
pub mod key_server;
pub mod parts;
pub mod paths;
pub mod process;
pub mod raw;
pub mod stack;
pub mod wait;

pub use addresses::Addresses;
pub use auth_envoy::{AuthEnvoy, AuthEnvoyBuilder};
pub use client::{Answer, Call, Token};
pub use command::CommandOutput;
pub use key_server::{KeyServer, Published};
pub use raw::RawAnswer;
pub use stack::{Stack, StackBuilder};
pub use wait::eventually;

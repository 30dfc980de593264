//! The admin API: what the command line and the console speak.

mod console;
mod extract;
mod problem;
mod routes;
mod view;
pub(crate) mod wire;

pub(crate) use routes::router;

//! Who is at the keyboard.

use cutover_domain::Actor;

/// `user@host`, as the audit trail names whoever did not say who they are.
pub(super) fn default_actor() -> Option<Actor> {
    let named =
        ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok().filter(|user| !user.is_empty()));
    let user = named.unwrap_or_else(|| format!("uid-{}", rustix::process::getuid().as_raw()));
    let system = rustix::system::uname();
    let host = system.nodename().to_string_lossy();
    format!("{user}@{host}").parse().ok()
}

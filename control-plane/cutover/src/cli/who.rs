//! Who is at the keyboard.

use cutover_domain::Actor;

/// `user@host`, as the audit trail names whoever did not say who they are.
pub(super) fn default_actor() -> Option<Actor> {
    let named =
        ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok().filter(|user| !user.is_empty()));
    let uid = rustix::process::getuid().as_raw();
    let user = named.or_else(|| name_of(uid)).unwrap_or_else(|| format!("uid-{uid}"));
    let system = rustix::system::uname();
    let host = system.nodename().to_string_lossy();
    format!("{user}@{host}").parse().ok()
}

/// The name that the machine's own list of users has for a user id (passwd(5)); there is no other where `USER` is unset,
/// as in containers and under service managers.
fn name_of(uid: u32) -> Option<String> {
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    let mut entries = users.lines().map(|line| line.split(':'));
    entries.find_map(|mut fields| {
        let (name, _, id) = (fields.next()?, fields.next()?, fields.next()?);
        (id.parse() == Ok(uid)).then(|| name.to_owned())
    })
}

//! The oracle: a real kube-apiserver with RBAC, which this program's answers are held against.
//!
//! Generated worlds are put on the server, read back through the program's own door, and each request is asked of both.
//! `tests/oracle/build` gets the server; without it these tests say that they are left out. `EKSPLORER_ORACLE_REQUESTS`
//! asks more, `EKSPLORER_ORACLE_SEED` other things, `EKSPLORER_ORACLE=require` makes the server's absence a failure.

mod ask;
mod compare;
mod door;
mod names;
mod server;
mod stage;
mod subjects;
mod world;

/// A number from the environment.
fn number(name: &str, otherwise: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name}={text} is not a number")),
        Err(_) => otherwise,
    }
}

//! The oracles: real servers that this program's answers are compared with.
//!
//! A kube-apiserver with RBAC: generated worlds are put on it, read back through the program's own door, and each request
//! is asked of both. The server of aws-iam-authenticator (`authenticator`): generated aws-auth ConfigMaps are given to it,
//! and sessions are asked about. `tests/oracle/build` builds both; without one of them its tests say that they are left
//! out. `EKSPLORER_ORACLE_REQUESTS` and `EKSPLORER_ORACLE_TRACES` ask more, `EKSPLORER_ORACLE_SEED` asks other things,
//! `EKSPLORER_ORACLE=require` makes a missing server a failure.

mod ask;
mod authenticator;
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

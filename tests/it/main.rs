//! The one integration binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod ahead;
mod apply;
mod architecture;
mod audit;
mod aws;
mod aws_auth;
mod change;
mod commands;
mod confirm;
mod explain;
mod findings;
mod generate;
mod journal;
mod keys;
mod lab;
mod lab_write;
mod laws;
mod load;
mod oracle;
mod overtaken;
mod permissions;
mod permits;
mod printed;
mod pty;
mod roles;
mod rows;
mod screens;
mod stage;
mod staging;
mod storm;
mod workload;
mod worlds;

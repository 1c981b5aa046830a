//! The one integration binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod keys;
mod pty;
mod screens;
mod stage;
mod storm;

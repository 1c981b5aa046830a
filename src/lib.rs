//! Who gets into an Amazon EKS cluster, as whom, to do what, and why.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod access;
pub mod app;
pub mod cli;
pub mod cloud;
pub mod config;
pub mod lab;
pub mod logging;
pub mod model;
pub mod report;
pub mod run;
pub mod view;

//! What there is: plain values of AWS and Kubernetes, their parsing and ordering. No I/O, no opinion.
//!
//! Every other room imports this one; it imports none. Names and shapes are the providers' own.

pub mod aws_auth;
pub mod aws_command;
pub mod cluster;
pub mod discovery;
pub mod document;
pub mod evidence;
pub mod facts;
pub mod failure;
mod go_yaml;
pub mod mapping;
pub mod network;
pub mod percent;
pub mod policy;
pub mod principal;
pub mod print;
pub mod rbac;
pub mod request;
pub mod review;
pub mod role;
mod role_policies;
pub mod section;
pub mod sign_in;
pub mod snapshot;
pub mod time;
pub mod update;
pub mod validation;
pub mod visible;
pub mod wildcard;
pub mod words;
pub mod workload;

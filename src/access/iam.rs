//! The IAM engine: what IAM's policies say to one request.
//!
//! This is the only place that evaluates statements. Trust policies ([`super::trust`]), identity policies, boundaries and
//! session policies ([`identity`]), what the roles of a cluster's parts need ([`super::service_role`]) and findings about
//! the shape of statements all ask here, so that one statement has one meaning. Documents are read by
//! [`crate::model::policy`], once; what IAM would have refused to save cannot be made out, and makes an answer unknown.
//! The lab evaluates on its own (`lab::policy`, `lab::simulate`): on purpose, as a second opinion that a test holds
//! against this one.
//!
//! - [`request`]: who asks, and what is known of the request's context;
//! - [`statement`]: one statement held against one request, part by part;
//! - `principal`, `condition`, `value`, `variable`: those parts;
//! - [`policy`]: one policy, read, and what it says to one action;
//! - [`identity`]: all policies of a role or user, with its boundary; a session policy;
//! - [`managed`]: what is known of AWS's own policies where their text was not read;
//!
//! A new element of statements is a field of `model::policy::Statement` and a part in [`statement`]; a new kind of
//! request is a constructor in [`request`].

pub(crate) mod condition;
pub(crate) mod identity;
pub(crate) mod managed;
pub(crate) mod policy;
pub(crate) mod principal;
pub mod request;
pub(crate) mod statement;
pub(crate) mod value;
pub(crate) mod variable;

#[cfg(test)]
mod tests;

pub(crate) use identity::{ActionDecision, PolicyDecision, PolicyOwner};
pub(crate) use policy::{ActionQuery, PolicyReader, PolicyText, Target};
pub use request::{Bar, Caller, PodIdentity, Request};
pub(crate) use statement::{JudgedStatement, StatementPart, names_actions};

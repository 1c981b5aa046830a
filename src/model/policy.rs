//! IAM policy documents, read.
//!
//! Decides how a document is taken apart, and what of it cannot be made out: such a part is kept as *unclear*, with the
//! reason, and is never dropped. A document that IAM stores has passed IAM's own checks; one in a file may hold anything.
//! What a document means for a request is `access::iam`'s. A new condition operator goes into [`operator`], a new
//! form of principal into [`PrincipalForm`].

pub mod operator;
mod read;

pub use operator::{Base, Operator, SetTest};

use super::principal::Principal;

/// What a policy is attached to: that decides which elements its statements have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyKind {
    /// A role's trust policy: `Principal`, and no `Resource`.
    Trust,
    /// A policy of an identity, a boundary or a session policy: `Resource`, and no `Principal`.
    Identity,
}

/// A policy document, taken apart once and evaluated often.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// `Version` is 2012-10-17: `${…}` is a policy variable. In the older version, the default, it is plain text.
    pub variables: bool,
    /// In the order written.
    pub statements: Vec<Statement>,
    /// What of the document itself cannot be made out, so that no answer can rest on it.
    pub unclear: Vec<String>,
    /// Elements that no policy has: an Allow may not be meant as it stands.
    pub strange: Vec<String>,
}

/// One statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Its place in the list, from 0.
    pub index: usize,
    /// Its `Sid`.
    pub sid: Option<String>,
    /// `None` if it says neither Allow nor Deny.
    pub effect: Option<Effect>,
    /// Whom it names.
    pub principals: Principals,
    /// Which actions.
    pub actions: Actions,
    /// On what.
    pub resources: Resources,
    /// All must hold.
    pub conditions: Vec<Condition>,
    /// What else stands in it or is missing in it, so that nobody can say when it applies.
    pub unclear: Vec<String>,
}

/// What a statement does where it applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Effect {
    Allow,
    Deny,
}

/// `Principal`, `NotPrincipal`, or what cannot be made out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principals {
    /// Any of these.
    AnyOf(Vec<NamedPrincipal>),
    /// It cannot be made out, and why.
    Unclear(String),
}

/// One value of `Principal`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedPrincipal {
    /// As written: `AWS`, `Service`, `Federated`; `*` for the bare star.
    pub kind: String,
    /// As written.
    pub text: String,
    /// What it means.
    pub form: PrincipalForm,
}

/// The forms that a principal takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrincipalForm {
    /// `*`
    Everyone,
    /// An account, by its root's ARN or its twelve digits, which leave the partition open.
    Account {
        /// `aws`, `aws-cn`, …
        partition: Option<String>,
        /// Twelve digits.
        account: String,
    },
    /// A role, a user, or a federated user.
    Identity(Principal),
    /// One session of a role.
    Session(Principal, String),
    /// What IAM shows of a role or user that was deleted (`AROA…`, `AIDA…`).
    UniqueId,
    /// A service.
    Service,
    /// An identity provider.
    Federated,
    /// IAM would not take it, so it matches nobody; and why.
    Invalid(&'static str),
    /// Nobody can say whom it means; and why.
    Unclear(&'static str),
}

/// `Action` or `NotAction`: patterns, lowered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actions {
    /// Any of these; as written, and lowered.
    AnyOf(Vec<String>, Vec<String>),
    /// All but these.
    AllBut(Vec<String>, Vec<String>),
    /// It cannot be made out, and why.
    Unclear(String),
}

/// `Resource` or `NotResource`: patterns, as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resources {
    /// The statement is a trust policy's, which is about its role.
    OfTrust,
    /// Any of these.
    AnyOf(Vec<String>),
    /// All but these.
    AllBut(Vec<String>),
    /// It cannot be made out, and why.
    Unclear(String),
}

/// One key under one operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// As written.
    pub operator_text: String,
    /// `None` if there is no such operator.
    pub operator: Option<Operator>,
    /// As written.
    pub key: String,
    /// For comparison: the names of keys have no case.
    pub lower_key: String,
    /// One must fit; for a negated operator, none may.
    pub values: Vec<String>,
    /// The values cannot be made out, and why.
    pub unclear: Option<String>,
}

//! What follows from the facts: pure, totally ordered output, unknown propagated.
//!
//! - [`answer_line`]: the headings of an answer's lines;
//! - [`identity`]: principal → mapping in force → username and groups;
//! - [`trace`]: the whole chain with evidence;
//! - [`inventory`]: the rows of every pane, each with its state and findings;
//! - [`catalog`]: what each EKS access policy grants;
//! - [`permissions`]: identity → grants → rules; one request → allowed, denied, unknown, and by what;
//! - [`matrix`]: what an identity may do in one namespace, as a table;
//! - [`who`]: the reverse: who may make a request; groups and users and who carries them;
//! - [`crosscheck`]: our answer beside the API server's own;
//! - [`resources`]: what the words that people use for resources stand for;
//! - [`did_you_mean`]: a name that nobody knows, and the known names nearest to it;
//! - [`kubectl`]: the API requests behind kubectl's commands;
//! - [`engines`]: those over one set of facts, each built once;
//! - [`explain`]: from an error message to the first failing step and the smallest access that would mend it;
//! - [`managed_by`]: by which tool an entry or association is managed;
//! - [`find`]: what a typed name or pasted text means;
//! - [`iam`]: the IAM engine: what IAM's policies say to one request;
//! - [`trust`]: an IAM trust policy evaluated for one request;
//! - [`workload`]: which AWS role a pod and a service account get, and why not;
//! - [`role_use`]: the parts of a cluster that use an IAM role;
//! - `node_roles`: with which IAM roles nodes join;
//! - [`service_role`]: what the IAM role of each part of a cluster must have;
//! - [`posture`]: the controls around access, how each stands and how it is changed;
//! - [`audit`]: all findings of a cluster, each once, and what could not be judged;
//! - [`Verdict`]: no, not known, yes: what every answer comes to;
//! - [`findings`]: small named rules about what is wrong.
//!
//! Nothing here knows a clock, a disk or a network, nor how anything looks.

pub mod answer_line;
pub mod audit;
pub mod catalog;
pub mod crosscheck;
pub mod did_you_mean;
pub mod engines;
pub mod explain;
pub mod find;
pub mod findings;
pub mod iam;
pub mod identity;
pub mod inventory;
pub mod kubectl;
pub mod managed_by;
pub mod matrix;
pub(crate) mod node_roles;
pub mod permissions;
pub mod posture;
pub mod resources;
pub mod role_use;
pub mod service_role;
pub mod trace;
pub mod trust;
mod verdict;
pub mod who;
pub mod workload;

pub use verdict::Verdict;

/// What a row or line is, in one sign: the view gives each a glyph and a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mark {
    /// It decides, or is as it should be.
    InForce,
    /// As it should be as far as was looked at; something that could change that was not evaluated.
    Unverified,
    /// Another overrides it.
    Shadowed,
    /// It can never match or work, or the answer is no.
    Dead,
    /// This authentication mode does not read it.
    Ignored,
    /// A missing fact keeps the answer open.
    Unknown,
    /// Still being read.
    Loading,
}

impl Mark {
    /// In words.
    pub fn word(self) -> &'static str {
        match self {
            Mark::InForce => "in force",
            Mark::Unverified => "unverified",
            Mark::Shadowed => "shadowed",
            Mark::Dead => "dead",
            Mark::Ignored => "ignored",
            Mark::Unknown => "unknown",
            Mark::Loading => "loading",
        }
    }
}

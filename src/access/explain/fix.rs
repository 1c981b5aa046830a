//! For whom a refusal could be fixed, and fixes that are texts: what the client itself must change.
//!
//! Changes of the cluster's access are proposed and proved in `edit::fix`, which projects them onto the facts and asks
//! again. Nothing here is executed.

use crate::access::identity::Resolution;
use crate::model::cluster::ClusterId;

/// For whom a refusal could be fixed.
#[derive(Clone, Debug, PartialEq)]
pub enum FixTarget {
    /// An IAM principal.
    Principal(Box<Resolution>),
    /// A service account.
    ServiceAccount {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// A username that no mapping gives, or that is impersonated.
    User {
        /// As it was given.
        username: String,
        /// As they were given.
        groups: Vec<String>,
    },
    /// Nobody to whom access should be given.
    Nobody,
}

/// Of what kind a fix is, in the order of preference among equals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FixKind {
    /// An access policy associated with the access entry.
    AccessPolicy,
    /// A group that exists, given to the principal by its mapping.
    Group,
    /// A binding.
    Binding,
    /// An access entry.
    AccessEntry,
    /// A row of aws-auth.
    AwsAuth,
    /// The client's own configuration.
    Kubeconfig,
}

impl FixKind {
    /// `access-policy`, `group`, `binding`, `access-entry`, `aws-auth`, `kubeconfig`
    pub fn as_str(self) -> &'static str {
        match self {
            FixKind::AccessPolicy => "access-policy",
            FixKind::Group => "group",
            FixKind::Binding => "binding",
            FixKind::AccessEntry => "access-entry",
            FixKind::AwsAuth => "aws-auth",
            FixKind::Kubeconfig => "kubeconfig",
        }
    }
}

/// A fix that is a text: nothing in the facts could prove it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextFix {
    /// Of what kind.
    pub kind: FixKind,
    /// What to do, imperative.
    pub title: String,
    /// What comes with it.
    pub note: String,
    /// For a shell; several lines are several commands.
    pub command: String,
}

/// A new kubeconfig for the cluster.
pub(super) fn kubeconfig(cluster: &ClusterId) -> TextFix {
    let command =
        format!("aws eks update-kubeconfig --region {} --name {}", quote(&cluster.region), quote(&cluster.name));
    TextFix {
        kind: FixKind::Kubeconfig,
        title: "Write a new kubeconfig for this cluster".to_owned(),
        note: "its user's token comes from the AWS credentials of the shell".to_owned(),
        command,
    }
}

/// An argument, as a shell takes it for one.
pub(super) fn quote(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_./:@%+=,-".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_one_word_for_a_shell() {
        for (text, quoted) in [
            ("plain-1.x:y/z", "plain-1.x:y/z"),
            ("", "''"),
            ("a b", "'a b'"),
            ("o'x; rm -rf $HOME", "'o'\\''x; rm -rf $HOME'"),
            ("*", "'*'"),
        ] {
            assert_eq!(quote(text), quoted);
        }
    }
}

//! Whom a binding gives its role to: the subjects that people or workloads can have, and who is behind each.
//!
//! Decides which subjects are Kubernetes' and EKS' own (the control plane's users and groups, the service accounts of their
//! controllers): what these hold is how a cluster works, and nobody can have them. The groups of everybody are not among
//! them. What the binding allows is [`crate::access::permissions`]'.

use std::collections::HashMap;

use super::{SubjectRow, is_system};
use crate::access::identity::groups::{ANONYMOUS, AUTHENTICATED, SERVICE_ACCOUNTS, UNAUTHENTICATED};
use crate::access::permissions::Via;
use crate::access::permissions::index::BindingAt;
use crate::model::principal::Principal;
use crate::model::rbac::Binding;
use crate::model::workload::{SYSTEM, account_of};

/// So many are named; of more, the rest is counted.
const MOST_NAMED: usize = 3;

/// The group of the service accounts of a namespace, up to its name.
pub(super) const OF_NAMESPACE: &str = "system:serviceaccounts:";

/// The subjects of a binding without those that are Kubernetes' and EKS' own.
pub(crate) fn subjects_beside_system(at: BindingAt, binding: &Binding) -> Vec<Via> {
    let own = binding.metadata.namespace.as_deref().filter(|_| matches!(at, BindingAt::Namespaced(_)));
    // Such bindings are made by the control plane, for its controllers.
    let of_controllers = is_system(&binding.metadata.name);
    let subject = |subject: &crate::model::rbac::Subject| {
        let name = subject.name.as_str();
        let account = match subject.kind.as_str() {
            "Group" if is_system(name) && !is_everybody(name) => return None,
            "Group" => return Some(Via::Group(name.to_owned())),
            "User" => match account_of(name) {
                Some(account) => account,
                None if is_system(name) && name != ANONYMOUS => return None,
                None => return Some(Via::User(name.to_owned())),
            },
            "ServiceAccount" => (subject.namespace.as_deref().filter(|it| !it.is_empty()).or(own)?, name),
            _ => return None,
        };
        let (namespace, name) = account;
        let is_own = of_controllers && namespace == SYSTEM;
        (!is_own).then(|| Via::ServiceAccount { namespace: namespace.to_owned(), name: name.to_owned() })
    };
    let mut all: Vec<Via> = binding.subjects.iter().filter_map(subject).collect();
    all.sort();
    all.dedup();
    all
}

/// Whether a subject stands for everybody who gets in, every service account, or anybody at all.
pub(crate) fn stands_for_many(via: &Via) -> bool {
    match via {
        Via::Group(name) => is_everybody(name),
        Via::User(name) => name == ANONYMOUS,
        Via::ServiceAccount { .. } => false,
    }
}

fn is_everybody(group: &str) -> bool {
    matches!(group, AUTHENTICATED | UNAUTHENTICATED | SERVICE_ACCOUNTS) || group.starts_with(OF_NAMESPACE)
}

/// Who is behind groups and users, by the rows of the cluster's subjects.
pub(crate) struct Carriers<'a>(HashMap<&'a Via, &'a SubjectRow>);

impl<'a> Carriers<'a> {
    /// Of these rows.
    pub(crate) fn new(rows: &'a [SubjectRow]) -> Self {
        Carriers(rows.iter().map(|it| (&it.subject, it)).collect())
    }

    /// A subject and who has it: `group devs (role dev, user jane and 2 more)`.
    pub(crate) fn describe(&self, via: &Via) -> String {
        let who = match via {
            Via::ServiceAccount { .. } => return via.to_string(),
            Via::Group(name) if name == AUTHENTICATED => {
                "everybody who gets in, every service account included".to_owned()
            }
            Via::Group(name) if name == UNAUTHENTICATED => "anybody, without credentials".to_owned(),
            Via::User(name) if name == ANONYMOUS => "anybody, without credentials".to_owned(),
            Via::Group(name) if name == SERVICE_ACCOUNTS => "every service account".to_owned(),
            Via::Group(name) if name.starts_with(OF_NAMESPACE) => {
                format!("every service account of namespace {}", name.trim_start_matches(OF_NAMESPACE))
            }
            Via::Group(_) | Via::User(_) => {
                let carriers = self.0.get(via).map(|it| it.carriers.as_slice()).unwrap_or_default();
                let names: Vec<String> = carriers.iter().map(|it| name_principal(&it.principal)).collect();
                match (names.as_slice(), via) {
                    ([], Via::Group(_)) => "no principal known here is a member".to_owned(),
                    ([], _) => "no principal known here is this user".to_owned(),
                    (names, _) => name_some(names, "more"),
                }
            }
        };
        format!("{via} ({who})")
    }
}

/// `role dev`
pub(crate) fn name_principal(principal: &Principal) -> String {
    format!("{} {}", principal.kind, principal.name).trim_end().to_owned()
}

/// The first of them: `a, b, c and 4 more`.
pub(crate) fn name_some(all: &[String], more: &str) -> String {
    match all.get(..MOST_NAMED) {
        Some(first) if all.len() > MOST_NAMED + 1 => {
            format!("{} and {} {more}", first.join(", "), all.len() - MOST_NAMED)
        }
        _ => all.join(", "),
    }
}

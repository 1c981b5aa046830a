//! Who asks: from a mapping's answer, or a Kubernetes subject by its name alone.
//!
//! Decides how a subject may be written. Which groups it is a member of is [`all_groups`]'s.

use super::{Via, Who};
use crate::access::Verdict;
use crate::access::findings::MASTERS;
use crate::access::identity::groups::{GroupSource, NODES, SERVICE_ACCOUNTS, all_groups};
use crate::access::identity::{MappingSource, Resolution};
use crate::model::workload::{account_of, account_username};

/// Why it is not known what a member of the nodes' group may do.
pub(super) const MAYBE_NODE: &str =
    "whether the member is a node (system:node:NAME): the Node authorizer allows it to nodes";

/// A bare group names no user: the Node authorizer acts on those members that are named as nodes are.
pub(super) fn may_be_node(who: &Who) -> bool {
    who.username.is_empty() && who.groups.iter().any(|it| it == NODES)
}

impl Who {
    /// Of a principal.
    pub fn of(resolution: &Resolution) -> Self {
        let mut who = Who::default();
        match resolution.verdict {
            Verdict::No => {
                who.outside = Some(resolution.because.clone());
                return who;
            }
            Verdict::Unknown => {
                who.unknown.push(format!("whether it gets in: {}", resolution.because));
                return who;
            }
            Verdict::Yes => who.unknown.clone_from(&resolution.unknown),
        }
        match &resolution.identity {
            Some(identity) => {
                who.username.clone_from(&identity.username);
                who.groups = identity.groups.iter().chain(&identity.implicit_groups).cloned().collect();
            }
            None if who.unknown.is_empty() => who.unknown.push("its username and groups".to_owned()),
            None => {}
        }
        if let (Some(policies), Some(MappingSource::AccessEntry { principal_arn })) =
            (&resolution.access_policies, resolution.mapping.as_ref().map(|it| &it.source))
        {
            who.policies = Some((principal_arn.clone(), policies.clone()));
        }
        who
    }

    /// A service account, which the API server knows by itself.
    pub fn service_account(namespace: &str, name: &str) -> Self {
        let namespace_group = format!("{SERVICE_ACCOUNTS}:{namespace}");
        let groups = all_groups("", &[SERVICE_ACCOUNTS.to_owned(), namespace_group], GroupSource::Subject);
        Who { username: account_username(namespace, name), groups, ..Who::default() }
    }

    /// A user by its Kubernetes username, with the groups that such a user has when it makes a request itself.
    pub fn user(username: &str) -> Self {
        let groups = all_groups(username, &[], GroupSource::Subject);
        Who { username: username.to_owned(), groups, ..Who::default() }
    }

    /// A member of a group, of which nothing else is known.
    pub fn member(group: &str) -> Self {
        Who { groups: all_groups("", &[group.to_owned()], GroupSource::Subject), ..Who::default() }
    }

    /// A Kubernetes subject by itself, whoever maps to it: `system:serviceaccount:NAMESPACE:NAME` (or `sa/NAMESPACE/NAME`),
    /// `user:NAME`, `group:NAME`, and Kubernetes' own users and groups by their name alone (`system:anonymous`). Which
    /// groups each is a member of is [`all_groups`]'s.
    pub fn subject(text: &str) -> Option<(Via, Self)> {
        let in_short =
            || text.strip_prefix("sa/")?.split_once('/').filter(|(space, name)| !space.is_empty() && !name.is_empty());
        if let Some((namespace, name)) = account_of(text).or_else(in_short) {
            let via = Via::ServiceAccount { namespace: namespace.to_owned(), name: name.to_owned() };
            return Some((via, Who::service_account(namespace, name)));
        }
        if let Some(name) = text.strip_prefix("user:").filter(|it| !it.is_empty()) {
            return Some(Who::user_subject(name));
        }
        if let Some(name) = text.strip_prefix("group:").filter(|it| !it.is_empty()) {
            return Some((Via::Group(name.to_owned()), Who::member(name)));
        }
        // No IAM name and no ARN begins so.
        let own = text.strip_prefix("system:").filter(|it| !it.is_empty())?;
        let is_group = matches!(own, "authenticated" | "unauthenticated" | "masters" | "nodes" | "serviceaccounts")
            || own.starts_with("serviceaccounts:");
        if is_group { Some((Via::Group(text.to_owned()), Who::member(text))) } else { Some(Who::user_subject(text)) }
    }

    fn user_subject(name: &str) -> (Via, Self) {
        let via = match account_of(name) {
            Some((namespace, account)) => {
                Via::ServiceAccount { namespace: namespace.to_owned(), name: account.to_owned() }
            }
            None => Via::User(name.to_owned()),
        };
        (via, Who::user(name))
    }

    /// A username with groups, as they are: nothing is added.
    pub fn named(username: &str, groups: &[&str]) -> Self {
        let groups = groups.iter().map(|&it| it.to_owned()).collect();
        Who { username: username.to_owned(), groups, ..Who::default() }
    }

    /// Does it belong to `system:masters`?
    pub fn is_master(&self) -> bool {
        self.groups.iter().any(|it| it == MASTERS)
    }
}

//! The groups of an identity: those that a mapping, a request or a subject names, and those that Kubernetes adds.
//!
//! The only place that decides this: what an authenticator's answer becomes, what impersonation becomes, and what a
//! Kubernetes subject stands for when somebody asks about it by its name alone. The rules are those of k8s.io/apiserver:
//! `pkg/authentication/group/authenticated_group_adder.go`, `pkg/authentication/serviceaccount/util.go` and
//! `pkg/endpoints/filters/impersonation`.

use crate::model::workload::account_of;

/// The user that the API server gives requests without credentials.
pub const ANONYMOUS: &str = "system:anonymous";
/// The group of every user that an authenticator accepted.
pub const AUTHENTICATED: &str = "system:authenticated";
/// The group of requests without credentials.
pub const UNAUTHENTICATED: &str = "system:unauthenticated";
/// The group of every service account.
pub const SERVICE_ACCOUNTS: &str = "system:serviceaccounts";
/// The group of every node.
pub const NODES: &str = "system:nodes";

const NODE_PREFIX: &str = "system:node:";
const ACCOUNTS_OF_NAMESPACE: &str = "system:serviceaccounts:";

/// How a username and groups came to the API server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupSource {
    /// An authenticator answered with them: aws-iam-authenticator, for whatever a mapping gives.
    Authenticator,
    /// `Impersonate-User` and `Impersonate-Group` headers, allowed by the verb `impersonate`.
    Impersonation,
    /// Somebody asks about a subject by its name: with the groups that the subject has when it makes a request itself.
    Subject,
}

/// All groups of a user, the ones that Kubernetes adds last.
pub fn all_groups(username: &str, given: &[String], source: GroupSource) -> Vec<String> {
    let mut groups = given.to_vec();
    if source != GroupSource::Authenticator && given.is_empty() {
        if let Some(namespace) = service_account_namespace(username) {
            groups = vec![SERVICE_ACCOUNTS.to_owned(), format!("{ACCOUNTS_OF_NAMESPACE}{namespace}")];
        } else if source == GroupSource::Subject && is_node_username(username) {
            groups = vec![NODES.to_owned()];
        }
    }
    let has = |groups: &[String], name: &str| groups.iter().any(|it| it == name);
    let of_one_namespace = |it: &String| it.strip_prefix(ACCOUNTS_OF_NAMESPACE).is_some_and(|it| !it.is_empty());
    if source == GroupSource::Subject && groups.iter().any(of_one_namespace) && !has(&groups, SERVICE_ACCOUNTS) {
        groups.insert(0, SERVICE_ACCOUNTS.to_owned());
    }
    let added = match (username, source) {
        (ANONYMOUS, GroupSource::Authenticator) => None,
        (ANONYMOUS, _) => Some(UNAUTHENTICATED).filter(|it| !has(&groups, it)),
        _ => Some(AUTHENTICATED).filter(|it| !has(&groups, it) && !has(&groups, UNAUTHENTICATED)),
    };
    groups.extend(added.map(str::to_owned));
    groups
}

/// The groups that Kubernetes adds to those given.
pub fn added_groups(username: &str, given: &[String], source: GroupSource) -> Vec<String> {
    all_groups(username, given, source).into_iter().filter(|it| !given.contains(it)).collect()
}

/// The namespace of a service account's username. As for the API server, a username of that form whose parts cannot be
/// the names of a namespace and of a service account is an ordinary username.
fn service_account_namespace(username: &str) -> Option<&str> {
    let (namespace, name) = account_of(username)?;
    (is_dns_label(namespace) && is_dns_subdomain(name)).then_some(namespace)
}

/// Whether a username is a node's: `system:node:NAME`.
pub fn is_node_username(username: &str) -> bool {
    username.strip_prefix(NODE_PREFIX).is_some_and(is_dns_subdomain)
}

fn is_dns_label(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=63).contains(&text.len()) && text.chars().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}

fn is_dns_subdomain(text: &str) -> bool {
    // Parts of a subdomain may be longer than a label.
    let is_part = |part: &str| {
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        !part.is_empty() && part.chars().all(inner) && !part.starts_with('-') && !part.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use GroupSource::{Authenticator, Impersonation, Subject};

    #[test]
    fn groups_are_added_as_kubernetes_adds_them() {
        // k8s.io/apiserver v0.37.2: authenticated_group_adder.go for the first kind, impersonation.go and
        // impersonation/mode.go for the others.
        for (username, given, source, wanted) in [
            ("ann", "", Authenticator, "system:authenticated"),
            ("ann", "devs", Authenticator, "devs,system:authenticated"),
            ("ann", "system:authenticated,devs", Authenticator, "system:authenticated,devs"),
            ("ann", "system:unauthenticated", Authenticator, "system:unauthenticated"),
            ("system:anonymous", "", Authenticator, ""),
            ("system:anonymous", "devs", Authenticator, "devs"),
            ("system:serviceaccount:pay:api", "", Authenticator, "system:authenticated"),
            ("system:node:n1", "", Authenticator, "system:authenticated"),
            ("ann", "", Impersonation, "system:authenticated"),
            ("ann", "devs", Impersonation, "devs,system:authenticated"),
            ("ann", "system:unauthenticated", Impersonation, "system:unauthenticated"),
            ("system:anonymous", "", Impersonation, "system:unauthenticated"),
            ("system:anonymous", "devs", Impersonation, "devs,system:unauthenticated"),
            ("system:anonymous", "system:unauthenticated", Impersonation, "system:unauthenticated"),
            (
                "system:serviceaccount:pay:api",
                "",
                Impersonation,
                "system:serviceaccounts,system:serviceaccounts:pay,system:authenticated",
            ),
            ("system:serviceaccount:pay:api", "devs", Impersonation, "devs,system:authenticated"),
            ("system:serviceaccount:Pay:api", "", Impersonation, "system:authenticated"),
            ("system:serviceaccount:pay:api:x", "", Impersonation, "system:authenticated"),
            ("system:serviceaccount:pay", "", Impersonation, "system:authenticated"),
            ("system:node:n1", "", Impersonation, "system:authenticated"),
            ("system:node:n1", "", Subject, "system:nodes,system:authenticated"),
            ("system:node:", "", Subject, "system:authenticated"),
            ("system:anonymous", "", Subject, "system:unauthenticated"),
            ("", "system:unauthenticated", Subject, "system:unauthenticated"),
            ("", "system:authenticated", Subject, "system:authenticated"),
            ("", "system:serviceaccounts", Subject, "system:serviceaccounts,system:authenticated"),
            (
                "",
                "system:serviceaccounts:pay",
                Subject,
                "system:serviceaccounts,system:serviceaccounts:pay,system:authenticated",
            ),
            ("", "devs", Subject, "devs,system:authenticated"),
        ] {
            let groups: Vec<String> = given.split(',').filter(|it| !it.is_empty()).map(str::to_owned).collect();
            assert_eq!(all_groups(username, &groups, source).join(","), wanted, "{username} {given} {source:?}");
        }
    }
}

//! Which operation a path is, and what is the same for all of one: its name, and the section that it reads.

use http::Method;

use super::super::encoding::decode;

/// What is asked, with what the path names beside the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    ListClusters,
    ListAccessPolicies,
    ListTagsForResource(String),
    DescribeCluster,
    ListAccessEntries,
    DescribeAccessEntry(String),
    ListAssociatedAccessPolicies(String),
    ListPodIdentityAssociations,
    DescribePodIdentityAssociation(String),
    ListNodegroups,
    DescribeNodegroup(String),
    ListFargateProfiles,
    DescribeFargateProfile(String),
    ListAddons,
    DescribeAddon(String),
    ListIdentityProviderConfigs,
    DescribeIdentityProviderConfig,
    Write(Write),
    ListCapabilities,
    DescribeCapability(String),
    ListUpdates,
    DescribeUpdate(String),
}

/// What is asked to be written. The values are in the body, but for what the path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Write {
    TagResource(String),
    UntagResource(String),
    CreateAccessEntry,
    UpdateAccessEntry(String),
    DeleteAccessEntry(String),
    AssociateAccessPolicy(String),
    /// The principal's ARN, then the policy's.
    DisassociateAccessPolicy(String, String),
    CreatePodIdentityAssociation,
    UpdatePodIdentityAssociation(String),
    DeletePodIdentityAssociation(String),
}

/// The names of all operations.
pub(in crate::lab) const OPERATIONS: [&str; 27] = [
    "ListClusters",
    "ListAccessPolicies",
    "ListTagsForResource",
    "DescribeCluster",
    "ListAccessEntries",
    "DescribeAccessEntry",
    "ListAssociatedAccessPolicies",
    "ListPodIdentityAssociations",
    "DescribePodIdentityAssociation",
    "ListNodegroups",
    "DescribeNodegroup",
    "ListFargateProfiles",
    "DescribeFargateProfile",
    "ListAddons",
    "DescribeAddon",
    "ListIdentityProviderConfigs",
    "DescribeIdentityProviderConfig",
    "TagResource",
    "UntagResource",
    "CreateAccessEntry",
    "UpdateAccessEntry",
    "DeleteAccessEntry",
    "AssociateAccessPolicy",
    "DisassociateAccessPolicy",
    "CreatePodIdentityAssociation",
    "UpdatePodIdentityAssociation",
    "DeletePodIdentityAssociation",
];

impl Operation {
    /// The operation of a path, and the cluster that the path names.
    pub(super) fn route(method: &Method, path: &str) -> Option<(Operation, Option<String>)> {
        use Operation as O;
        // Split first, decode then: an ARN is one segment, its slashes and all.
        let segments: Vec<String> = path.strip_prefix('/')?.split('/').map(decode).collect::<Option<_>>()?;
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let get = method == Method::GET;
        if let Some(write) = Write::route(method, &segments) {
            let of_cluster = !matches!(write, Write::TagResource(_) | Write::UntagResource(_));
            let cluster = segments.get(1).filter(|_| of_cluster).map(|&name| name.to_owned());
            return Some((O::Write(write), cluster));
        }
        let operation = match segments[..] {
            ["clusters"] if get => return Some((O::ListClusters, None)),
            ["access-policies"] if get => return Some((O::ListAccessPolicies, None)),
            ["tags", arn] if get => return Some((O::ListTagsForResource(arn.to_owned()), None)),
            ["clusters", _] if get => O::DescribeCluster,
            ["clusters", _, "access-entries"] if get => O::ListAccessEntries,
            ["clusters", _, "access-entries", arn] if get => O::DescribeAccessEntry(arn.to_owned()),
            ["clusters", _, "access-entries", arn, "access-policies"] if get => {
                O::ListAssociatedAccessPolicies(arn.to_owned())
            }
            ["clusters", _, "pod-identity-associations"] if get => O::ListPodIdentityAssociations,
            ["clusters", _, "pod-identity-associations", id] if get => O::DescribePodIdentityAssociation(id.to_owned()),
            ["clusters", _, "node-groups"] if get => O::ListNodegroups,
            ["clusters", _, "node-groups", name] if get => O::DescribeNodegroup(name.to_owned()),
            ["clusters", _, "fargate-profiles"] if get => O::ListFargateProfiles,
            ["clusters", _, "fargate-profiles", name] if get => O::DescribeFargateProfile(name.to_owned()),
            ["clusters", _, "addons"] if get => O::ListAddons,
            ["clusters", _, "addons", name] if get => O::DescribeAddon(name.to_owned()),
            ["clusters", _, "identity-provider-configs"] if get => O::ListIdentityProviderConfigs,
            ["clusters", _, "identity-provider-configs", "describe"] if method == Method::POST => {
                O::DescribeIdentityProviderConfig
            }
            ["clusters", _, "capabilities"] if get => O::ListCapabilities,
            ["clusters", _, "capabilities", name] if get => O::DescribeCapability(name.to_owned()),
            ["clusters", _, "updates"] if get => O::ListUpdates,
            ["clusters", _, "updates", id] if get => O::DescribeUpdate(id.to_owned()),
            _ => return None,
        };
        Some((operation, segments.get(1).map(|&name| name.to_owned())))
    }

    /// The operation's name, which is that of its IAM action too.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Operation::ListClusters => "ListClusters",
            Operation::ListAccessPolicies => "ListAccessPolicies",
            Operation::ListTagsForResource(_) => "ListTagsForResource",
            Operation::DescribeCluster => "DescribeCluster",
            Operation::ListAccessEntries => "ListAccessEntries",
            Operation::DescribeAccessEntry(_) => "DescribeAccessEntry",
            Operation::ListAssociatedAccessPolicies(_) => "ListAssociatedAccessPolicies",
            Operation::ListPodIdentityAssociations => "ListPodIdentityAssociations",
            Operation::DescribePodIdentityAssociation(_) => "DescribePodIdentityAssociation",
            Operation::ListNodegroups => "ListNodegroups",
            Operation::DescribeNodegroup(_) => "DescribeNodegroup",
            Operation::ListFargateProfiles => "ListFargateProfiles",
            Operation::DescribeFargateProfile(_) => "DescribeFargateProfile",
            Operation::ListAddons => "ListAddons",
            Operation::DescribeAddon(_) => "DescribeAddon",
            Operation::ListIdentityProviderConfigs => "ListIdentityProviderConfigs",
            Operation::DescribeIdentityProviderConfig => "DescribeIdentityProviderConfig",
            Operation::Write(write) => write.name(),
            Operation::ListCapabilities => "ListCapabilities",
            Operation::DescribeCapability(_) => "DescribeCapability",
            Operation::ListUpdates => "ListUpdates",
            Operation::DescribeUpdate(_) => "DescribeUpdate",
        }
    }

    /// The section of the snapshot that it reads.
    pub(super) fn section(&self) -> Option<&'static str> {
        match self {
            Operation::ListClusters | Operation::ListAccessPolicies | Operation::ListTagsForResource(_) => None,
            Operation::DescribeCluster => Some("cluster"),
            Operation::ListAccessEntries
            | Operation::DescribeAccessEntry(_)
            | Operation::ListAssociatedAccessPolicies(_) => Some("accessEntries"),
            Operation::ListPodIdentityAssociations | Operation::DescribePodIdentityAssociation(_) => {
                Some("podIdentityAssociations")
            }
            Operation::ListNodegroups | Operation::DescribeNodegroup(_) => Some("nodegroups"),
            Operation::ListFargateProfiles | Operation::DescribeFargateProfile(_) => Some("fargateProfiles"),
            Operation::ListAddons | Operation::DescribeAddon(_) => Some("addons"),
            Operation::ListIdentityProviderConfigs | Operation::DescribeIdentityProviderConfig => {
                Some("identityProviderConfigs")
            }
            Operation::Write(write) => write.section(),
            Operation::ListCapabilities | Operation::DescribeCapability(_) => Some("capabilities"),
            Operation::ListUpdates | Operation::DescribeUpdate(_) => Some("updates"),
        }
    }

    /// The item of the section that is asked for, by the name that a snapshot gives it.
    pub(super) fn item(&self) -> Option<&str> {
        match self {
            Operation::DescribeAccessEntry(item)
            | Operation::ListAssociatedAccessPolicies(item)
            | Operation::DescribePodIdentityAssociation(item)
            | Operation::DescribeNodegroup(item)
            | Operation::DescribeFargateProfile(item)
            | Operation::DescribeAddon(item)
            | Operation::DescribeCapability(item)
            | Operation::DescribeUpdate(item) => Some(item),
            Operation::Write(write) => write.item(),
            _ => None,
        }
    }
}

impl Write {
    fn route(method: &Method, segments: &[&str]) -> Option<Write> {
        use Write as W;
        let (post, delete) = (method == Method::POST, method == Method::DELETE);
        Some(match segments {
            ["tags", arn] if post => W::TagResource((*arn).to_owned()),
            ["tags", arn] if delete => W::UntagResource((*arn).to_owned()),
            ["clusters", _, "access-entries"] if post => W::CreateAccessEntry,
            ["clusters", _, "access-entries", arn] if post => W::UpdateAccessEntry((*arn).to_owned()),
            ["clusters", _, "access-entries", arn] if delete => W::DeleteAccessEntry((*arn).to_owned()),
            ["clusters", _, "access-entries", arn, "access-policies"] if post => {
                W::AssociateAccessPolicy((*arn).to_owned())
            }
            ["clusters", _, "access-entries", arn, "access-policies", policy] if delete => {
                W::DisassociateAccessPolicy((*arn).to_owned(), (*policy).to_owned())
            }
            ["clusters", _, "pod-identity-associations"] if post => W::CreatePodIdentityAssociation,
            ["clusters", _, "pod-identity-associations", id] if post => {
                W::UpdatePodIdentityAssociation((*id).to_owned())
            }
            ["clusters", _, "pod-identity-associations", id] if delete => {
                W::DeletePodIdentityAssociation((*id).to_owned())
            }
            _ => return None,
        })
    }

    fn name(&self) -> &'static str {
        match self {
            Write::TagResource(_) => "TagResource",
            Write::UntagResource(_) => "UntagResource",
            Write::CreateAccessEntry => "CreateAccessEntry",
            Write::UpdateAccessEntry(_) => "UpdateAccessEntry",
            Write::DeleteAccessEntry(_) => "DeleteAccessEntry",
            Write::AssociateAccessPolicy(_) => "AssociateAccessPolicy",
            Write::DisassociateAccessPolicy(..) => "DisassociateAccessPolicy",
            Write::CreatePodIdentityAssociation => "CreatePodIdentityAssociation",
            Write::UpdatePodIdentityAssociation(_) => "UpdatePodIdentityAssociation",
            Write::DeletePodIdentityAssociation(_) => "DeletePodIdentityAssociation",
        }
    }

    fn section(&self) -> Option<&'static str> {
        match self {
            Write::TagResource(_) | Write::UntagResource(_) => None,
            Write::CreateAccessEntry
            | Write::UpdateAccessEntry(_)
            | Write::DeleteAccessEntry(_)
            | Write::AssociateAccessPolicy(_)
            | Write::DisassociateAccessPolicy(..) => Some("accessEntries"),
            Write::CreatePodIdentityAssociation
            | Write::UpdatePodIdentityAssociation(_)
            | Write::DeletePodIdentityAssociation(_) => Some("podIdentityAssociations"),
        }
    }

    fn item(&self) -> Option<&str> {
        match self {
            Write::UpdateAccessEntry(item)
            | Write::DeleteAccessEntry(item)
            | Write::AssociateAccessPolicy(item)
            | Write::DisassociateAccessPolicy(item, _)
            | Write::UpdatePodIdentityAssociation(item)
            | Write::DeletePodIdentityAssociation(item) => Some(item),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_operation_has_a_path_and_a_name() {
        let item = "/clusters/c/access-entries/arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Fteams%2Fa";
        let pods = "/clusters/c/pod-identity-associations";
        let paths = ["/clusters", "/access-policies", "/tags/arn%3Ax%2Fy", "/clusters/c", "/clusters/c/access-entries"]
            .map(str::to_owned)
            .into_iter()
            .chain([item.to_owned(), format!("{item}/access-policies"), format!("{item}/access-policies/arn%3Ap%2Fq")])
            .chain([pods.to_owned(), format!("{pods}/a-1")])
            .chain(
                ["node-groups", "fargate-profiles", "addons"]
                    .into_iter()
                    .flat_map(|it| [format!("/clusters/c/{it}"), format!("/clusters/c/{it}/x")]),
            )
            .chain(["", "/describe"].map(|it| format!("/clusters/c/identity-provider-configs{it}")));
        let mut names = BTreeSet::new();
        for path in paths {
            for method in [Method::GET, Method::POST, Method::DELETE] {
                let Some((operation, cluster)) = Operation::route(&method, &path) else { continue };
                assert!(names.insert(operation.name()), "{method} {path}");
                assert_eq!(cluster.as_deref(), path.starts_with("/clusters/").then_some("c"), "{path}");
            }
        }
        assert_eq!(names, OPERATIONS.into_iter().collect());
        let (one, _) = Operation::route(&Method::DELETE, &format!("{item}/access-policies/arn%3Ap%2Fq")).unwrap();
        let principal = "arn:aws:iam::111122223333:role/teams/a".to_owned();
        assert_eq!(one, Operation::Write(Write::DisassociateAccessPolicy(principal, "arn:p/q".to_owned())));
        assert_eq!(Operation::route(&Method::PUT, "/clusters/c"), None);
    }
}

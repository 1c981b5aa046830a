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
    ListCapabilities,
    DescribeCapability(String),
    ListUpdates,
    DescribeUpdate(String),
}

impl Operation {
    /// The operation of a path, and the cluster that the path names.
    pub(super) fn route(method: &Method, path: &str) -> Option<(Operation, Option<String>)> {
        use Operation as O;
        // Split first, decode then: an ARN is one segment, its slashes and all.
        let segments: Vec<String> = path.strip_prefix('/')?.split('/').map(decode).collect::<Option<_>>()?;
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let get = method == Method::GET;
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
            _ => None,
        }
    }
}

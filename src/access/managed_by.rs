//! By which tool an object of EKS is managed, as far as its tags tell.
//!
//! Decides by the tags that tools set by themselves, and by those that people write for it (`managed-by`). That none of them is
//! there proves nothing. What a tool manages, it makes again after a change by hand. A new tool is a row in [`TOOLS`].

use std::collections::BTreeMap;

/// One tool and the tags that it sets, in small letters.
struct Tool {
    name: &'static str,
    /// How the keys of its tags begin.
    keys: &'static [&'static str],
}

const fn tool(name: &'static str, keys: &'static [&'static str]) -> Tool {
    Tool { name, keys }
}

/// Those that name themselves come before those that they work through.
const TOOLS: [Tool; 10] = [
    // kubernetes-sigs/cluster-api-provider-aws, `api/v1beta2/tags.go`.
    tool("Cluster API", &["sigs.k8s.io/cluster-api-provider-aws/"]),
    // crossplane/crossplane-runtime, `pkg/resource`: crossplane-kind, crossplane-name, crossplane-providerconfig.
    tool("Crossplane", &["crossplane-"]),
    // aws-controllers-k8s/runtime, `pkg/tags`: services.k8s.aws/controller-version, services.k8s.aws/namespace.
    tool("ACK", &["services.k8s.aws/"]),
    tool("Argo CD", &["argocd.argoproj.io/"]),
    tool("eksctl", &["alpha.eksctl.io/", "eksctl.cluster.k8s.io/"]),
    tool("Pulumi", &["pulumi:"]),
    tool("AWS CDK", &["aws-cdk:"]),
    tool("CloudFormation", &["aws:cloudformation:"]),
    tool("Terraform", &["terraform", "tf-"]),
    tool("OpenTofu", &["opentofu"]),
];

/// The tag of a cluster's own things: with the value `owned` on an access entry or an association it is Cluster API's.
const CLUSTER_TAG: &str = "kubernetes.io/cluster/";

/// The tool that manages an object with these tags, if they tell.
pub fn managing_tool(tags: &BTreeMap<String, String>) -> Option<&'static str> {
    let tags: Vec<(String, String)> =
        tags.iter().map(|(key, value)| (key.to_lowercase(), value.to_lowercase())).collect();
    let is_marked = |tool: &&Tool| {
        tags.iter().any(|(key, value)| {
            tool.keys.iter().any(|mark| key.starts_with(mark) || value == mark) || is_said_to_manage(tool, key, value)
        })
    };
    let named = TOOLS.iter().find(is_marked).map(|it| it.name);
    let owned = || tags.iter().any(|(key, value)| key.starts_with(CLUSTER_TAG) && value == "owned");
    named.or_else(|| owned().then_some("Cluster API"))
}

/// Whether a tag that people write for it (`managed-by`) names the tool.
fn is_said_to_manage(tool: &Tool, key: &str, value: &str) -> bool {
    let name = tool.name.to_lowercase();
    let says_by_whom = matches!(key, "managedby" | "managed-by" | "managed_by");
    // Too short a name to be looked for within others.
    says_by_whom && (value == name || tool.name != "ACK" && value.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_name_the_tool_that_set_them() {
        for (key, value, tool) in [
            ("kubernetes.io/cluster/prod", "owned", Some("Cluster API")),
            ("kubernetes.io/cluster/prod", "shared", None),
            ("sigs.k8s.io/cluster-api-provider-aws/cluster/prod", "owned", Some("Cluster API")),
            ("sigs.k8s.io/other", "owned", None),
            ("crossplane-kind", "accessentry.eks.aws.upbound.io", Some("Crossplane")),
            ("crossplane-providerconfig", "default", Some("Crossplane")),
            ("crossplanet", "x", None),
            ("services.k8s.aws/controller-version", "eks-v1.9.0", Some("ACK")),
            ("services.k8s", "x", None),
            ("argocd.argoproj.io/instance", "platform", Some("Argo CD")),
            ("argocd", "x", None),
            ("pulumi:stack", "prod", Some("Pulumi")),
            ("pulumi", "x", None),
            ("aws-cdk:cr-owned:1", "true", Some("AWS CDK")),
            ("aws:cloudformation:stack-name", "s", Some("CloudFormation")),
            ("alpha.eksctl.io/cluster-name", "prod", Some("eksctl")),
            ("Terraform", "true", Some("Terraform")),
            ("managed-by", "Terraform Cloud", Some("Terraform")),
            ("ManagedBy", "crossplane", Some("Crossplane")),
            ("managed-by", "the backup team", None),
            ("team", "tf", None),
        ] {
            let tags = BTreeMap::from([(key.to_owned(), value.to_owned())]);
            assert_eq!(managing_tool(&tags), tool, "{key}={value}");
        }
    }
}

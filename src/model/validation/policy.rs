//! Access policies: their ARNs, the scopes they are associated with, and the entries that may hold them.
//!
//! Which policies there are is the catalogue's (`access::catalog`); what a scope covers too.

use super::entry::{EntryType, Policies, standard_only};
use super::{Home, Invalid};
use crate::model::mapping::{AccessScope, ScopeKind};
use crate::model::principal::Arn;

/// The name of the policy of an ARN: `arn:PARTITION:eks::aws:cluster-access-policy/NAME`, of the cluster's partition.
pub fn policy_name<'a>(arn: &'a str, home: Home<'_>) -> Result<&'a str, Invalid> {
    let is_one = arn.parse::<Arn>().is_ok_and(|it| {
        it.service == "eks" && it.region.is_empty() && it.account == "aws" && it.partition == home.partition
    });
    let name = arn.split_once(":cluster-access-policy/").map(|(_, name)| name);
    let fits =
        |name: &&str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "+=,.@_-".contains(c));
    name.filter(fits).filter(|_| is_one).ok_or_else(|| unknown(arn))
}

/// No policy has this ARN.
pub fn unknown(arn: &str) -> Invalid {
    // Our words.
    Invalid::parameter(format!("The specified policyArn is invalid: {arn} is no access policy."))
}

/// The type of a scope.
pub fn scope_kind(name: &str) -> Result<ScopeKind, Invalid> {
    match name {
        "cluster" => Ok(ScopeKind::Cluster),
        "namespace" => Ok(ScopeKind::Namespace),
        // Our words.
        other => {
            Err(Invalid::parameter(format!("The accessScope type {other:?} is invalid: it is cluster or namespace.")))
        }
    }
}

/// A scope: `namespace` names some, `cluster` none. Whether there is such a namespace is not asked.
pub fn scope(scope: &AccessScope) -> Result<(), Invalid> {
    // Our words.
    match scope.kind {
        ScopeKind::Cluster if !scope.namespaces.is_empty() => {
            Err(Invalid::parameter("An accessScope of type cluster cannot have namespaces."))
        }
        ScopeKind::Namespace if scope.namespaces.is_empty() => {
            Err(Invalid::parameter("An accessScope of type namespace must have namespaces."))
        }
        ScopeKind::Namespace if scope.namespaces.iter().any(String::is_empty) => {
            Err(Invalid::parameter("A namespace of an accessScope cannot be empty."))
        }
        _ => Ok(()),
    }
}

/// May an entry of the type hold the policy? A type that is not known here is left to EKS.
pub fn holder(kind: &str, policy: &str) -> Result<(), Invalid> {
    match EntryType::of(kind).map(EntryType::policies) {
        None | Some(Policies::Any) => Ok(()),
        Some(Policies::Only(only)) if only == policy => Ok(()),
        Some(Policies::Only(only)) => {
            // Our words.
            Err(Invalid::parameter(format!("Access entries of type {kind} can be associated with {only} alone.")))
        }
        Some(Policies::None) => Err(standard_only()),
    }
}

/// May a customer associate the policy? Some are for service-linked roles alone (EKS user guide, "Review access policy
/// permissions"), and EKS associates them by itself. `assignable_to` is what the catalogue says of it.
pub fn assignable(name: &str, assignable_to: Option<&str>) -> Result<(), Invalid> {
    match assignable_to {
        // Our words; that it is so, the guide says.
        Some("service-linked-only") => {
            Err(Invalid::parameter(format!("The access policy {name} is for service linked roles alone.")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_of_service_linked_roles_are_not_a_customers() {
        for (assignable_to, allowed) in
            [(Some("service-linked-only"), false), (Some("customer"), true), (Some("unknown"), true), (None, true)]
        {
            assert_eq!(assignable("AmazonEKSHybridPolicy", assignable_to).is_ok(), allowed, "{assignable_to:?}");
        }
    }

    const HOME: Home<'_> = Home { partition: "aws", account: "111122223333" };

    #[test]
    fn policy_arns() {
        for (arn, expected) in [
            ("arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy", Some("AmazonEKSViewPolicy")),
            ("arn:aws-cn:eks::aws:cluster-access-policy/AmazonEKSViewPolicy", None),
            ("arn:aws:eks:eu-west-1:aws:cluster-access-policy/AmazonEKSViewPolicy", None),
            ("arn:aws:eks::111122223333:cluster-access-policy/AmazonEKSViewPolicy", None),
            ("arn:aws:eks::aws:cluster-access-policy/", None),
            ("arn:aws:eks::aws:cluster-access-policy/a/b", None),
            ("arn:aws:iam::aws:policy/AmazonEKSViewPolicy", None),
            ("AmazonEKSViewPolicy", None),
            ("", None),
        ] {
            assert_eq!(policy_name(arn, HOME).ok(), expected, "{arn}");
        }
    }

    #[test]
    fn scopes() {
        let of = |kind, namespaces: &[&str]| AccessScope {
            kind,
            namespaces: namespaces.iter().map(|&it| it.to_owned()).collect(),
        };
        for (kind, namespaces, fits) in [
            (ScopeKind::Cluster, &[][..], true),
            (ScopeKind::Cluster, &["a"], false),
            (ScopeKind::Namespace, &["a", "dev-*"], true),
            (ScopeKind::Namespace, &["not there", "a"], true),
            (ScopeKind::Namespace, &[], false),
            (ScopeKind::Namespace, &["a", ""], false),
        ] {
            assert_eq!(scope(&of(kind, namespaces)).is_ok(), fits, "{kind:?} {namespaces:?}");
        }
        assert_eq!(scope_kind("namespace"), Ok(ScopeKind::Namespace));
        for wrong in ["", "Cluster", "namespaces"] {
            assert!(scope_kind(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn who_may_hold_which_policy() {
        for (kind, policy, fits) in [
            ("STANDARD", "AmazonEKSViewPolicy", true),
            ("EC2", "AmazonEKSAutoNodePolicy", true),
            ("EC2", "AmazonEKSViewPolicy", false),
            ("EC2_LINUX", "AmazonEKSViewPolicy", false),
            ("FARGATE_LINUX", "AmazonEKSAutoNodePolicy", false),
            ("HYBRID_LINUX", "AmazonEKSViewPolicy", false),
            ("SOMETHING_NEW", "AmazonEKSViewPolicy", true),
        ] {
            assert_eq!(holder(kind, policy).is_ok(), fits, "{kind} {policy}");
        }
    }
}

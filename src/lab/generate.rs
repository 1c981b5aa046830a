//! Worlds made by number: always the same for the same number, for benches and for tests of size.

use std::collections::BTreeMap;

use serde_json::json;

use crate::model::cluster::{AccessConfig, AuthenticationMode, Cluster};
use crate::model::document::{ClusterDocument, Document, FORMAT, IamDocument, Manifest};
use crate::model::mapping::{AccessEntry, AccessScope, AssociatedPolicy, ScopeKind};
use crate::model::rbac::{Binding, ConfigMap, Metadata, Namespace, Role, RoleRef, Rule, Subject};
use crate::model::role::{Caller, RoleDetail};
use crate::model::time::Time;

const ACCOUNT: &str = "111122223333";
const REGION: &str = "eu-west-1";
/// The name of the one cluster of a generated world.
pub const CLUSTER: &str = "generated";

/// A world of one cluster with `n` access entries, a role behind each. The caller holds the first and is an
/// administrator; every third of the others has an access policy, every fifth a group.
pub fn entries(n: usize) -> Document {
    let roles: Vec<RoleDetail> = (0..n.max(1)).map(role).collect();
    let entries = roles.iter().take(n).enumerate().map(|(number, role)| entry(number, role)).collect();
    let caller = roles.first().map(|role| Caller {
        account: ACCOUNT.to_owned(),
        arn: format!("arn:aws:sts::{ACCOUNT}:assumed-role/{}/generator", role.role_name),
        user_id: format!("{}:generator", role.role_id.as_deref().unwrap_or_default()),
    });
    Document {
        eksplorer: FORMAT,
        taken_at: moment(0),
        caller,
        region: Some(REGION.to_owned()),
        clusters: vec![ClusterDocument {
            cluster: cluster(),
            access_entries: Some(entries),
            kubernetes: Some(manifests()),
            ..ClusterDocument::default()
        }],
        iam: Some(IamDocument { role_detail_list: Some(roles), ..IamDocument::default() }),
        sections: BTreeMap::new(),
    }
}

/// A moment so many hours into 2026.
fn moment(hours: usize) -> Option<Time> {
    const START: f64 = 1_767_225_600.0;
    Time::from_epoch(START + hours as f64 * 3600.0)
}

fn cluster() -> Cluster {
    Cluster {
        name: CLUSTER.to_owned(),
        arn: Some(format!("arn:aws:eks:{REGION}:{ACCOUNT}:cluster/{CLUSTER}")),
        created_at: moment(0),
        version: Some("1.34".to_owned()),
        status: Some("ACTIVE".to_owned()),
        access_config: Some(AccessConfig {
            authentication_mode: Some(AuthenticationMode::ApiAndConfigMap),
            bootstrap_cluster_creator_admin_permissions: Some(false),
        }),
        ..Cluster::default()
    }
}

fn role(number: usize) -> RoleDetail {
    let (path, role_name) = (format!("/team-{:02}/", number % 40), format!("role-{number:05}"));
    RoleDetail {
        arn: format!("arn:aws:iam::{ACCOUNT}:role{path}{role_name}"),
        role_id: Some(format!("AROAGENERATED{number:08}")),
        create_date: moment(0),
        assume_role_policy_document: Some(json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Principal": { "AWS": format!("arn:aws:iam::{ACCOUNT}:root") },
                "Action": "sts:AssumeRole",
            }],
        })),
        path,
        role_name,
        ..RoleDetail::default()
    }
}

fn entry(number: usize, role: &RoleDetail) -> AccessEntry {
    let (policy, scope) = match number {
        0 => (Some("AmazonEKSClusterAdminPolicy"), AccessScope::default()),
        _ if number.is_multiple_of(6) => (Some("AmazonEKSViewPolicy"), AccessScope::default()),
        _ if number.is_multiple_of(3) => {
            let namespaces = vec![format!("team-{:02}", number % 40), "shared-*".to_owned()];
            (Some("AmazonEKSEditPolicy"), AccessScope { kind: ScopeKind::Namespace, namespaces })
        }
        _ => (None, AccessScope::default()),
    };
    let at = moment(number + 1);
    AccessEntry {
        cluster_name: Some(CLUSTER.to_owned()),
        principal_arn: role.arn.clone(),
        kubernetes_groups: if number.is_multiple_of(5) { vec!["viewers".to_owned()] } else { Vec::new() },
        created_at: at,
        modified_at: at,
        kind: "STANDARD".to_owned(),
        associated_access_policies: Some(
            policy
                .map(|name| AssociatedPolicy {
                    policy_arn: format!("arn:aws:eks::aws:cluster-access-policy/{name}"),
                    access_scope: scope,
                    associated_at: at,
                    modified_at: at,
                })
                .into_iter()
                .collect(),
        ),
        ..AccessEntry::default()
    }
}

fn manifests() -> Vec<Manifest> {
    let named = |name: &str, namespace: Option<&str>| Metadata {
        name: name.to_owned(),
        namespace: namespace.map(str::to_owned),
        creation_timestamp: moment(0),
        ..Metadata::default()
    };
    let namespaces = ["default", "kube-system", "shared-tools"].map(str::to_owned);
    let teams = (0..40).map(|number| format!("team-{number:02}"));
    let mut manifests: Vec<Manifest> = namespaces
        .into_iter()
        .chain(teams)
        .map(|name| Manifest::Namespace(Namespace { metadata: named(&name, None), status: None }))
        .collect();
    let read = |list: &[&str]| list.iter().map(|&it| it.to_owned()).collect::<Vec<_>>();
    manifests.extend([
        Manifest::ConfigMap(ConfigMap { metadata: named("aws-auth", Some("kube-system")), data: BTreeMap::new() }),
        Manifest::ClusterRole(Role {
            metadata: named("view", None),
            rules: vec![Rule {
                api_groups: read(&[""]),
                resources: read(&["pods", "configmaps", "services"]),
                verbs: read(&["get", "list", "watch"]),
                ..Rule::default()
            }],
            ..Role::default()
        }),
        Manifest::ClusterRoleBinding(Binding {
            metadata: named("viewers", None),
            role_ref: RoleRef { kind: "ClusterRole".to_owned(), name: "view".to_owned(), ..RoleRef::default() },
            subjects: vec![Subject { kind: "Group".to_owned(), name: "viewers".to_owned(), ..Subject::default() }],
        }),
    ]);
    manifests
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_entries_as_asked_for_and_always_the_same() {
        for n in [0, 1, 250] {
            let world = entries(n);
            assert_eq!(world.clusters[0].access_entries.as_ref().unwrap().len(), n);
            assert_eq!(world, entries(n));
        }
        let arns: std::collections::BTreeSet<_> =
            entries(250).clusters.remove(0).access_entries.unwrap().into_iter().map(|it| it.principal_arn).collect();
        assert_eq!(arns.len(), 250);
    }
}

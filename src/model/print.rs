//! One document of the snapshot, printed as the AWS CLI or kubectl would, in YAML.
//!
//! Evidence names documents; this shows them. Whether to print, and where to point in it, is the caller's. A new kind
//! of document is a variant of [`DocumentRef`] and a line here.

use serde::Serialize;

use super::cluster::ClusterId;
use super::document::{Manifest, to_yaml};
use super::principal::Principal;
use super::rbac::Metadata;
use super::role::RoleDetail;
use super::snapshot::{ClusterFacts, DocumentRef, IamFacts, Section, Snapshot};
use super::workload::SYSTEM;

impl Snapshot {
    /// The document as YAML; `None` if it is not among the facts at hand.
    pub fn print(&self, cluster: &ClusterId, document: &DocumentRef) -> Option<String> {
        let facts = self.facts.get(cluster)?;
        print(facts, &self.iam, document)
    }
}

fn print(facts: &ClusterFacts, iam: &IamFacts, document: &DocumentRef) -> Option<String> {
    match document {
        DocumentRef::Cluster => yaml(facts.cluster.value()?),
        DocumentRef::AccessEntry(arn) => {
            let swept = facts.access_entries.items().iter().find(|it| it.principal_arn == *arn);
            let asked = || {
                let key = Principal::from_arn(arn).ok()?.0.key();
                facts.asked_entries.get(&key)?.as_ref().ok()?.as_deref()
            };
            yaml(swept.or_else(asked)?)
        }
        DocumentRef::AwsAuth => {
            let (config_map, _) = facts.aws_auth.value()?.as_ref()?;
            yaml(&Manifest::ConfigMap(config_map.clone()))
        }
        DocumentRef::IamRole(name) => yaml(role(iam, name)?),
        DocumentRef::RolePolicies(name) => role_with_policies(iam, name),
        DocumentRef::IamUser(name) => {
            let lower = name.to_lowercase();
            let swept = iam.users.items().iter().find(|it| it.user_name.to_lowercase() == lower);
            yaml(swept.or_else(|| iam.asked_users.get(&lower)?.as_ref().ok()?.as_deref())?)
        }
        DocumentRef::ServiceAccount(namespace, name) => {
            let it = find(&facts.service_accounts, |it| is(&it.metadata, namespace, name))?;
            yaml(&Manifest::ServiceAccount(it.clone()))
        }
        DocumentRef::PodIdentityAssociation(id) => {
            yaml(find(&facts.pod_identity_associations, |it| it.association_id == *id)?)
        }
        DocumentRef::Nodegroup(name) => yaml(find(&facts.nodegroups, |it| it.nodegroup_name == *name)?),
        DocumentRef::FargateProfile(name) => {
            yaml(find(&facts.fargate_profiles, |it| it.fargate_profile_name == *name)?)
        }
        DocumentRef::Addon(name) => yaml(find(&facts.addons, |it| it.addon_name == *name)?),
        DocumentRef::Capability(name) => yaml(find(&facts.capabilities, |it| it.capability_name == *name)?),
        DocumentRef::Update(id) => yaml(find(&facts.updates, |it| it.id == *id)?),
        DocumentRef::OidcProvider(arn) => yaml(find(&iam.oidc_providers, |it| it.arn == *arn)?),
        DocumentRef::DaemonSet(name) => {
            let it = find(&facts.daemon_sets, |it| is(&it.metadata, SYSTEM, name))?;
            yaml(&Manifest::DaemonSet(it.clone()))
        }
        DocumentRef::NetworkPolicy(namespace, name) => {
            let it = find(&facts.network_policies, |it| is(&it.metadata, namespace, name))?;
            yaml(&Manifest::NetworkPolicy(it.clone()))
        }
        DocumentRef::Role(namespace, name) => {
            yaml(&Manifest::Role(find(&facts.roles, |it| is(&it.metadata, namespace, name))?.clone()))
        }
        DocumentRef::ClusterRole(name) => {
            yaml(&Manifest::ClusterRole(find(&facts.cluster_roles, |it| it.metadata.name == *name)?.clone()))
        }
        DocumentRef::RoleBinding(namespace, name) => {
            yaml(&Manifest::RoleBinding(find(&facts.role_bindings, |it| is(&it.metadata, namespace, name))?.clone()))
        }
        DocumentRef::ClusterRoleBinding(name) => yaml(&Manifest::ClusterRoleBinding(
            find(&facts.cluster_role_bindings, |it| it.metadata.name == *name)?.clone(),
        )),
        DocumentRef::Pod(namespace, name) => {
            yaml(&Manifest::Pod(find(&facts.pods, |it| is(&it.metadata, namespace, name))?.clone()))
        }
        DocumentRef::Namespace(name) => {
            yaml(&Manifest::Namespace(find(&facts.namespaces, |it| it.metadata.name == *name)?.clone()))
        }
        // No fact of the cluster: `access::catalog` has it.
        DocumentRef::AccessPolicy(_) => None,
    }
}

fn role<'a>(iam: &'a IamFacts, name: &str) -> Option<&'a RoleDetail> {
    let lower = name.to_lowercase();
    let swept = iam.roles.items().iter().find(|it| it.role_name.to_lowercase() == lower);
    swept.or_else(|| iam.asked_roles.get(&lower)?.as_ref().ok()?.as_deref())
}

/// The role, then each managed policy in the version that counts, one YAML document after another.
fn role_with_policies(iam: &IamFacts, name: &str) -> Option<String> {
    let role = role(iam, name)?;
    let mut out = yaml(role)?;
    match iam.asked_policies_of.get(&role.role_name.to_lowercase()) {
        Some(Some(failure)) => out.push_str(&format!("# Its policies could not be listed: {failure}\n")),
        _ if !iam.knows_policies_of(role) => out.push_str("# Its policies were not read.\n"),
        _ => {}
    }
    let boundary = role.permissions_boundary.as_ref().and_then(|it| it.permissions_boundary_arn.as_deref());
    let attached = role.attached_managed_policies.iter().map(|it| (it.policy_arn.as_str(), "attached"));
    for (arn, how) in attached.chain(boundary.map(|arn| (arn, "permissions boundary"))) {
        out.push_str(&format!("---\n# {how}: {arn}\n"));
        match (iam.policy_document(arn).and_then(yaml), iam.asked_policies.get(arn)) {
            (Some(text), _) => out.push_str(&text),
            (None, Some(Err(failure))) => out.push_str(&format!("# Its text could not be read: {failure}\n")),
            (None, _) => out.push_str("# Its text is not among the facts at hand.\n"),
        }
        if !out.ends_with('\n') {
            out.push('\n');
        }
    }
    Some(out)
}

fn find<T>(section: &Section<Vec<T>>, is_it: impl Fn(&T) -> bool) -> Option<&T> {
    section.items().iter().find(|it| is_it(it))
}

fn is(metadata: &Metadata, namespace: &str, name: &str) -> bool {
    metadata.namespace.as_deref() == Some(namespace) && metadata.name == name
}

fn yaml<T: Serialize>(value: &T) -> Option<String> {
    to_yaml(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::document::read;
    use crate::model::facts::snapshot_of;
    use crate::model::snapshot::Source;

    const DOCUMENT: &str = r#"
eksplorer: 1
region: eu-west-1
clusters:
- cluster: {name: c1}
  accessEntries: [{principalArn: "arn:aws:iam::111122223333:role/a", kubernetesGroups: [g]}]
  kubernetes:
  - {kind: ConfigMap, apiVersion: v1, metadata: {name: aws-auth, namespace: kube-system}, data: {mapRoles: "- rolearn: x\n"}}
  - {kind: ServiceAccount, apiVersion: v1, metadata: {name: s, namespace: n}}
"#;

    #[test]
    fn documents_print_as_they_would_be_read_and_unknown_ones_not_at_all() {
        let snapshot = snapshot_of(&read(DOCUMENT).expect("reads"), Source::default());
        let id = ClusterId { region: "eu-west-1".into(), name: "c1".into() };
        let print = |what| snapshot.print(&id, &what);
        let entry = print(DocumentRef::AccessEntry("arn:aws:iam::111122223333:role/a".into())).expect("an entry");
        assert!(entry.contains("principalArn: arn:aws:iam::111122223333:role/a"), "{entry}");
        let aws_auth = print(DocumentRef::AwsAuth).expect("aws-auth");
        assert!(aws_auth.starts_with("apiVersion: v1\nkind: ConfigMap\n"), "{aws_auth}");
        assert!(aws_auth.contains("- rolearn: x"), "{aws_auth}");
        assert!(print(DocumentRef::ServiceAccount("n".into(), "s".into())).is_some());
        assert_eq!(print(DocumentRef::ServiceAccount("other".into(), "s".into())), None);
        assert_eq!(print(DocumentRef::AccessEntry("arn:aws:iam::111122223333:role/b".into())), None);
        assert_eq!(print(DocumentRef::IamRole("a".into())), None);
    }
}

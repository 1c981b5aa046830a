//! What a real account fills in by itself: ARNs, unique ids, default usernames.
//!
//! A world need not spell these out; they are filled in once, when it is opened. What else is absent is left so.

use super::super::keys;
use crate::model::document::{ClusterDocument, IamDocument};
use crate::model::mapping::AccessEntry;
use crate::model::principal::Principal;
use crate::model::role::{InstanceProfile, ProfileRole, RoleDetail};
use crate::model::validation::entry::{EntryType, standard_username};

pub(super) fn complete_cluster(it: &mut ClusterDocument, arn: &str) {
    let cluster = it.cluster.name.clone();
    let arn = it.cluster.arn.get_or_insert_with(|| arn.to_owned()).clone();
    if let Some(vpc) = &mut it.cluster.resources_vpc_config
        && vpc.endpoint_public_access == Some(true)
        && vpc.public_access_cidrs.is_empty()
    {
        vpc.public_access_cidrs.push("0.0.0.0/0".to_owned());
    }
    for entry in it.access_entries.get_or_insert_default() {
        complete_entry(entry, &cluster, &arn);
    }
    for association in it.pod_identity_associations.get_or_insert_default() {
        let id = &association.association_id;
        association.cluster_name.get_or_insert_with(|| cluster.clone());
        association
            .association_arn
            .get_or_insert_with(|| arn.replacen(":cluster/", ":podidentityassociation/", 1) + "/" + id);
    }
    it.nodegroups.get_or_insert_default();
    it.fargate_profiles.get_or_insert_default();
    it.addons.get_or_insert_default();
    it.identity_provider_configs.get_or_insert_default();
    it.capabilities.get_or_insert_default();
    it.updates.get_or_insert_default();
    it.kubernetes.get_or_insert_default();
}

fn complete_entry(entry: &mut AccessEntry, cluster: &str, cluster_arn: &str) {
    entry.cluster_name.get_or_insert_with(|| cluster.to_owned());
    entry.associated_access_policies.get_or_insert_default();
    let Ok((principal, _)) = Principal::from_arn(&entry.principal_arn) else { return };
    let Principal { kind, account, name, .. } = &principal;
    entry.access_entry_arn.get_or_insert_with(|| {
        let parent = cluster_arn.replacen(":cluster/", ":access-entry/", 1);
        format!("{parent}/{kind}/{account}/{name}/{}", keys::uuid(&entry.principal_arn))
    });
    entry.username.get_or_insert_with(|| default_username(&entry.kind, &principal));
}

/// The username of an entry that was made without one. Where EKS does not document it, that of a person's: something must
/// stand there, and whoever reads it knows from the type what it is worth.
pub(in crate::lab) fn default_username(kind: &str, principal: &Principal) -> String {
    let documented = EntryType::of(kind).and_then(|it| it.default_username(principal));
    documented.unwrap_or_else(|| standard_username(principal))
}

pub(super) fn complete_iam(iam: &mut IamDocument, partition: &str, account: &str) {
    let roles = iam.role_detail_list.get_or_insert_default();
    for role in &mut *roles {
        role.role_id.get_or_insert_with(|| keys::unique_id("AROA", &role.arn));
    }
    // A world without the list still holds each role's own profiles.
    if iam.instance_profiles.is_none() {
        let with_role = |role: &RoleDetail, profile: &InstanceProfile| {
            let roles =
                vec![ProfileRole { path: role.path.clone(), role_name: role.role_name.clone(), arn: role.arn.clone() }];
            InstanceProfile { roles, ..profile.clone() }
        };
        let of =
            |role: &RoleDetail| role.instance_profile_list.iter().map(|it| with_role(role, it)).collect::<Vec<_>>();
        iam.instance_profiles = Some(roles.iter().flat_map(of).collect());
    }
    for user in iam.user_detail_list.get_or_insert_default() {
        user.user_id.get_or_insert_with(|| keys::unique_id("AIDA", &user.arn));
    }
    for group in iam.group_detail_list.get_or_insert_default() {
        if group.arn.is_empty() {
            group.arn = format!("arn:{partition}:iam::{account}:group{}{}", group.path, group.group_name);
        }
    }
    iam.policies.get_or_insert_default();
    iam.open_id_connect_providers.get_or_insert_default();
}

//! Access entries and aws-auth rows that would let a principal in.
//!
//! Decides which mapping is to be made or made again, and what of the old one goes along. Which policy or group is given
//! is the door's ([`super`]).

use super::{Fix, FixKind, associate, at, quote};
use crate::access::explain::Ground;
use crate::access::identity::{MappingSource, OtherState, Resolution};
use crate::model::aws_auth::AwsAuthRow;
use crate::model::cluster::AuthenticationMode;
use crate::model::mapping::AccessEntry;
use crate::model::principal::PrincipalKind;
use crate::model::snapshot::Evidence;

/// A principal that does not get in: the mapping that would let it in.
pub(super) fn mapping(ground: &Ground<'_>, resolution: &Resolution, notes: &mut Vec<String>) -> Vec<Fix> {
    let principal = &resolution.asked.principal;
    if !matches!(principal.kind, PrincipalKind::Role | PrincipalKind::User) {
        notes.push(format!("a {} can have no access entry: use a role or a user", principal.kind));
        return Vec::new();
    }
    let Some(cluster) = ground.facts.cluster.value() else { return Vec::new() };
    if cluster.authentication_mode() == AuthenticationMode::ConfigMap {
        return vec![row(ground, resolution)];
    }
    let arn = principal.arn();
    let old = resolution.others.iter().find_map(|other| match &other.source {
        MappingSource::AccessEntry { principal_arn } if other.state == OtherState::Dead => {
            ground.facts.access_entries.items().iter().find(|it| it.principal_arn == *principal_arn)
        }
        _ => None,
    });
    if let Some(entry) = old {
        let mut commands = Vec::new();
        commands.push(format!(
            "aws eks delete-access-entry {} --principal-arn {}",
            at(ground.cluster),
            quote(&entry.principal_arn)
        ));
        let username = entry.username.as_deref().filter(|it| entry.kind == "STANDARD" && !it.starts_with("arn:"));
        let kind = (entry.kind != "STANDARD").then_some(entry.kind.as_str());
        commands.push(create(ground, &arn, kind, &own_groups(entry), username));
        for policy in entry.associated_access_policies.iter().flatten() {
            commands.push(associate(ground.cluster, &arn, &policy.policy_arn, &policy.access_scope));
        }
        let note = "an entry is bound to the principal that was there when it was made: only a new one finds today's";
        let text = format!("delete the access entry and make it again, with what it has, for {arn}");
        let mut fix = Fix::new(FixKind::AccessEntry, text, note, commands.join("\n"));
        fix.evidence =
            Some(Evidence::new(crate::model::snapshot::DocumentRef::AccessEntry(entry.principal_arn.clone()), ""));
        return vec![fix];
    }
    // What a row that does not work was to give goes along, as far as an entry may have it.
    let meant = resolution.others.iter().find_map(|it| find_row(ground, &it.source));
    let groups: Vec<String> =
        meant.iter().flat_map(|row| &row.groups).filter(|it| !it.starts_with("system:")).cloned().collect();
    let note = if groups.is_empty() {
        "it lets it in with nothing but what everybody may; give it a policy or groups as well"
    } else {
        "with the groups of the aws-auth row that does not work"
    };
    let text = format!("an access entry for {arn}");
    vec![Fix::new(FixKind::AccessEntry, text, note, create(ground, &arn, None, &groups, None))]
}

/// What must be there before a policy can be associated: nothing if an entry is in force, else an entry that takes the
/// place of the aws-auth row.
pub(super) fn prepare(ground: &Ground<'_>, resolution: &Resolution) -> (Vec<String>, String) {
    let source = resolution.mapping.as_ref().map(|it| &it.source);
    let Some(source @ MappingSource::AwsAuth { .. }) = source else { return (Vec::new(), String::new()) };
    let row = find_row(ground, source);
    let groups = row.map(|it| it.groups.clone()).unwrap_or_default();
    let (lost, kept): (Vec<String>, Vec<String>) = groups.into_iter().partition(|it| it.starts_with("system:"));
    let reserved = ["system:", "eks:", "aws:", "amazon:", "iam:"];
    let username = row.map(|it| it.username.as_str()).filter(|it| {
        !it.is_empty() && !reserved.iter().any(|prefix| it.starts_with(prefix)) && !it.contains("{{EC2PrivateDNSName}}")
    });
    let mut remark = format!("policies belong to an access entry, which then decides instead of {source}");
    if !lost.is_empty() {
        remark.push_str(&format!("; {} cannot go along", lost.join(", ")));
    }
    let arn = resolution.asked.principal.arn();
    (vec![create(ground, &arn, None, &kept, username)], remark)
}

fn create(ground: &Ground<'_>, arn: &str, kind: Option<&str>, groups: &[String], username: Option<&str>) -> String {
    let mut command = format!("aws eks create-access-entry {} --principal-arn {}", at(ground.cluster), quote(arn));
    if let Some(kind) = kind {
        command.push_str(&format!(" --type {}", quote(kind)));
    }
    if !groups.is_empty() {
        let groups: Vec<String> = groups.iter().map(|it| quote(it)).collect();
        command.push_str(&format!(" --kubernetes-groups {}", groups.join(" ")));
    }
    if let Some(username) = username {
        command.push_str(&format!(" --username {}", quote(username)));
    }
    command
}

fn own_groups(entry: &AccessEntry) -> Vec<String> {
    if entry.kind == "STANDARD" { entry.kubernetes_groups.clone() } else { Vec::new() }
}

fn row(ground: &Ground<'_>, resolution: &Resolution) -> Fix {
    let arn = resolution.asked.principal.canonical();
    let place = resolution.others.iter().find(|it| matches!(it.source, MappingSource::AwsAuth { .. }));
    match place {
        Some(other) => {
            let text = format!("mend {}: {}", other.source, other.because);
            let command =
                format!("kubectl -n kube-system edit configmap aws-auth  # {}: {}", other.source, quote(&arn));
            let mut fix = Fix::new(FixKind::AwsAuth, text, format!("the ARN to write is {arn}"), command);
            fix.evidence = Some(other.evidence.clone());
            fix
        }
        None => {
            let command = format!(
                "eksctl create iamidentitymapping --region {} --cluster {} --arn {} --username {} --group GROUP",
                quote(&ground.cluster.region),
                quote(&ground.cluster.name),
                quote(&arn),
                quote(&resolution.asked.principal.name)
            );
            let note = "authentication mode CONFIG_MAP knows no access entries; GROUP is one that bindings name";
            Fix::new(FixKind::AwsAuth, format!("a row of aws-auth for {arn}"), note, command)
        }
    }
}

fn find_row<'a>(ground: &Ground<'a>, source: &MappingSource) -> Option<&'a AwsAuthRow> {
    let MappingSource::AwsAuth { key, index: Some(index) } = source else { return None };
    let (_, auth) = ground.facts.aws_auth.value()?.as_ref()?;
    auth.row(*key, *index)
}

//! A plan as a script for the AWS CLI.

use super::{Place, quoted, remark};
use crate::edit::plan::{Call, Step};
use crate::edit::state::{State, Subject};
use crate::model::aws_command::{
    AccessEntryArguments, AssociationArguments, AssociationChanges, AssociationId, EksCommands, TaggedResource,
};

/// The script: one command for each step, in order, ending at the first that fails.
pub(super) fn script(place: &Place, steps: &[Step], title: &str, remarks: &[String]) -> String {
    let account = place.account.as_ref().map(|it| format!(", account {it}")).unwrap_or_default();
    let title = format!("{title} on {} ({}{account})", place.cluster, place.region);
    let mut out = format!("#!/bin/sh\n# {}\n", remark(&title));
    for it in remarks {
        out.push_str(&format!("# {}\n", remark(it)));
    }
    out.push_str("set -eu\n");
    if let Some(account) = &place.account {
        out.push_str(&format!(
            "[ \"$(aws sts get-caller-identity --query Account --output text)\" = {} ] || {{ echo {} >&2; exit 1; }}\n",
            quoted(account),
            quoted(&format!("not signed in to account {account}"))
        ));
    }
    if steps.is_empty() {
        out.push_str("\n# Nothing is to be done.\n");
    }
    for step in steps {
        out.push_str(&format!("\n# {}. {}\n", step.n, remark(&step.subject.to_string())));
        if let Some(note) = &step.note {
            out.push_str(&format!("# {}\n", remark(note)));
        }
        out.push_str(&command(place, step));
        out.push('\n');
    }
    // Words with hidden characters are written in a way that not every sh reads.
    if out.contains("$'") { out.replacen("#!/bin/sh", "#!/usr/bin/env bash", 1) } else { out }
}

/// The commands alone, one for each step, in order.
pub(in crate::edit) fn command_lines(place: &Place, steps: &[Step]) -> Vec<String> {
    steps.iter().map(|step| command(place, step)).collect()
}

/// The command of a step; what is known by an id or an ARN of EKS's own making is looked up when the script runs.
fn command(place: &Place, step: &Step) -> String {
    let eks = EksCommands { region: &place.region, cluster: &place.cluster };
    let (id, resource) = match &step.subject {
        Subject::Entry(arn) => (AssociationId::Of("", ""), TaggedResource::Entry(arn)),
        Subject::Association(namespace, account) => {
            (AssociationId::Of(namespace, account), TaggedResource::Association(namespace, account))
        }
    };
    match &step.call {
        Call::CreateAccessEntry { principal_arn, kind, username, kubernetes_groups, tags } => {
            eks.create_access_entry(&AccessEntryArguments {
                principal_arn,
                kind: Some(kind),
                username: username.as_deref(),
                groups: kubernetes_groups,
                tags: Some(tags),
            })
        }
        Call::UpdateAccessEntry { principal_arn, username, kubernetes_groups } => {
            eks.update_access_entry(principal_arn, username.as_deref(), kubernetes_groups)
        }
        Call::DeleteAccessEntry { principal_arn } => eks.delete_access_entry(principal_arn),
        Call::AssociateAccessPolicy { principal_arn, policy_arn, access_scope } => {
            eks.associate_access_policy(principal_arn, policy_arn, access_scope)
        }
        Call::DisassociateAccessPolicy { principal_arn, policy_arn } => {
            eks.disassociate_access_policy(principal_arn, policy_arn)
        }
        Call::CreatePodIdentityAssociation {
            namespace,
            service_account,
            role_arn,
            target_role_arn,
            disable_session_tags,
            policy,
            tags,
        } => eks.create_association(&AssociationArguments {
            namespace,
            service_account,
            role_arn,
            target_role_arn: target_role_arn.as_deref(),
            disable_session_tags: *disable_session_tags,
            policy: policy.as_deref(),
            tags,
        }),
        Call::TagResource { tags } => eks.tag_resource(resource, tags),
        Call::UntagResource { tag_keys } => eks.untag_resource(resource, tag_keys),
        Call::UpdatePodIdentityAssociation { role_arn, target_role_arn, disable_session_tags, policy } => {
            let (had_target, had_policy) = match &step.before {
                Some(State::Association(it)) => (it.target_role_arn.is_some(), it.policy.is_some()),
                _ => (false, false),
            };
            // What is left out stays as it was: what is to go is given as an empty text.
            eks.update_association(
                id,
                &AssociationChanges {
                    role_arn: Some(role_arn),
                    target_role_arn: target_role_arn.as_deref().or(had_target.then_some("")),
                    disable_session_tags: Some(*disable_session_tags),
                    policy: policy.as_deref().or(had_policy.then_some("")),
                },
            )
        }
        Call::DeletePodIdentityAssociation {} => eks.delete_association(id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_remark_leaves_its_line() {
        let place = Place { cluster: "c".into(), region: "r".into(), account: None };
        let out = script(&place, &[], "a\nrm -rf /\u{1b}[31m", &["b\rc".to_owned()]);
        assert!(out.lines().all(|it| it.is_empty() || it.starts_with('#') || it == "set -eu"), "{out}");
        assert!(!out.contains('\u{1b}') && !out.contains('\r'), "{out}");
    }
}

//! A plan as a script for the AWS CLI.

use serde_json::json;

use super::{Place, quoted};
use crate::edit::plan::{Call, Step};
use crate::edit::state::{State, Subject};
use crate::model::mapping::{AccessScope, ScopeKind};

/// The script: one command for each step, in order, ending at the first that fails.
pub fn script(place: &Place, steps: &[Step], title: &str) -> String {
    let mut out = format!(
        "#!/bin/sh\n# {} on {} ({}){}\nset -eu\n",
        title.replace(['\n', '\r'], " "),
        place.cluster,
        place.region,
        place.account.as_ref().map(|it| format!(", account {it}")).unwrap_or_default()
    );
    if let Some(account) = &place.account {
        out.push_str(&format!(
            "[ \"$(aws sts get-caller-identity --query Account --output text)\" = {account} ] || {{ echo 'not signed in to account {account}' >&2; exit 1; }}\n"
        ));
    }
    for step in steps {
        out.push_str(&format!("\n# {}. {}\n", step.n, step.subject.to_string().replace(['\n', '\r'], " ")));
        out.push_str(&command(place, step));
        out.push('\n');
    }
    out
}

fn command(place: &Place, step: &Step) -> String {
    let mut words: Vec<String> = vec!["aws".into(), "eks".into()];
    let mut push = |all: &[&str]| words.extend(all.iter().map(|it| quoted(it)));
    let region = ["--region", &place.region];
    let cluster = ["--cluster-name", &place.cluster];
    let tags = |tags: &std::collections::BTreeMap<String, String>| serde_json::to_string(tags).unwrap_or_default();
    match &step.call {
        Call::CreateAccessEntry { principal_arn, kind, username, kubernetes_groups, tags: own } => {
            push(&["create-access-entry"]);
            push(&region);
            push(&cluster);
            push(&["--principal-arn", principal_arn, "--type", kind]);
            push(&of_username(username.as_deref()).iter().map(String::as_str).collect::<Vec<_>>());
            if !kubernetes_groups.is_empty() {
                push(&["--kubernetes-groups"]);
                push(&list(kubernetes_groups).iter().map(String::as_str).collect::<Vec<_>>());
            }
            if !own.is_empty() {
                push(&["--tags", &tags(own)]);
            }
        }
        Call::UpdateAccessEntry { principal_arn, username, kubernetes_groups } => {
            push(&["update-access-entry"]);
            push(&region);
            push(&cluster);
            push(&["--principal-arn", principal_arn]);
            push(&of_username(username.as_deref()).iter().map(String::as_str).collect::<Vec<_>>());
            // Without a value it clears them; left out, EKS would do the same.
            push(&["--kubernetes-groups"]);
            push(&list(kubernetes_groups).iter().map(String::as_str).collect::<Vec<_>>());
        }
        Call::DeleteAccessEntry { principal_arn } => {
            push(&["delete-access-entry"]);
            push(&region);
            push(&cluster);
            push(&["--principal-arn", principal_arn]);
        }
        Call::AssociateAccessPolicy { principal_arn, policy_arn, access_scope } => {
            push(&["associate-access-policy"]);
            push(&region);
            push(&cluster);
            push(&[
                "--principal-arn",
                principal_arn,
                "--policy-arn",
                policy_arn,
                "--access-scope",
                &scope(access_scope),
            ]);
        }
        Call::DisassociateAccessPolicy { principal_arn, policy_arn } => {
            push(&["disassociate-access-policy"]);
            push(&region);
            push(&cluster);
            push(&["--principal-arn", principal_arn, "--policy-arn", policy_arn]);
        }
        Call::CreatePodIdentityAssociation {
            namespace,
            service_account,
            role_arn,
            target_role_arn,
            disable_session_tags,
            policy,
            tags: own,
        } => {
            push(&["create-pod-identity-association"]);
            push(&region);
            push(&cluster);
            push(&["--namespace", namespace, "--service-account", service_account, "--role-arn", role_arn]);
            if let Some(target) = target_role_arn {
                push(&["--target-role-arn", target]);
            }
            if *disable_session_tags {
                push(&["--disable-session-tags"]);
            }
            if let Some(policy) = policy {
                push(&["--policy", policy]);
            }
            if !own.is_empty() {
                push(&["--tags", &tags(own)]);
            }
        }
        // What is known by an id or an ARN of EKS's own making is looked up when the script runs.
        Call::TagResource { tags: own } => {
            let look_up = arn_of(place, &step.subject);
            return format!(
                "aws eks tag-resource {} --resource-arn {look_up} --tags {}",
                region.join(" "),
                quoted(&tags(own))
            );
        }
        Call::UntagResource { tag_keys } => {
            let keys: Vec<String> = list(tag_keys).iter().map(|it| quoted(it)).collect();
            let look_up = arn_of(place, &step.subject);
            return format!(
                "aws eks untag-resource {} --resource-arn {look_up} --tag-keys {}",
                region.join(" "),
                keys.join(" ")
            );
        }
        Call::UpdatePodIdentityAssociation { role_arn, target_role_arn, disable_session_tags, policy } => {
            let (had_target, had_policy) = match &step.before {
                Some(State::Association(it)) => (it.target_role_arn.is_some(), it.policy.is_some()),
                _ => (false, false),
            };
            // What is left out stays as it was: what is to go is said, by an empty text.
            let to_go = |had: bool| had.then(String::new);
            let mut more = vec!["--role-arn".to_owned(), quoted(role_arn)];
            if let Some(target) = target_role_arn.clone().or(to_go(had_target)) {
                more.extend(["--target-role-arn".to_owned(), quoted(&target)]);
            }
            more.push(
                if *disable_session_tags { "--disable-session-tags" } else { "--no-disable-session-tags" }.to_owned(),
            );
            if let Some(policy) = policy.clone().or(to_go(had_policy)) {
                more.extend(["--policy".to_owned(), quoted(&policy)]);
            }
            return format!(
                "aws eks update-pod-identity-association {} {} --association-id {} {}",
                region.join(" "),
                cluster.map(quoted).join(" "),
                association_of(place, &step.subject, "associationId"),
                more.join(" ")
            );
        }
        Call::DeletePodIdentityAssociation {} => {
            return format!(
                "aws eks delete-pod-identity-association {} {} --association-id {}",
                region.join(" "),
                cluster.map(quoted).join(" "),
                association_of(place, &step.subject, "associationId")
            );
        }
    }
    words.join(" ")
}

/// Would the AWS CLI take a word for something else: an option, or the name of a file or page to read?
fn is_misread(word: &str) -> bool {
    let schemes = ["file://", "fileb://", "http://", "https://"];
    word.starts_with(['-', '[', '{']) || schemes.iter().any(|it| word.starts_with(it))
}

/// A list as words; as JSON, which is taken as it is, where a word would be misread.
fn list(words: &[String]) -> Vec<String> {
    if words.iter().any(|it| is_misread(it)) { vec![json!(words).to_string()] } else { words.to_vec() }
}

fn of_username(username: Option<&str>) -> Vec<String> {
    match username {
        None => Vec::new(),
        Some(odd) if is_misread(odd) => vec!["--cli-input-json".to_owned(), json!({ "username": odd }).to_string()],
        Some(username) => vec!["--username".to_owned(), username.to_owned()],
    }
}

fn scope(scope: &AccessScope) -> String {
    match scope.kind {
        ScopeKind::Cluster => r#"{"type":"cluster"}"#.to_owned(),
        ScopeKind::Namespace => json!({"type": "namespace", "namespaces": scope.namespaces}).to_string(),
    }
}

fn arn_of(place: &Place, subject: &Subject) -> String {
    match subject {
        Subject::Entry(arn) => format!(
            "\"$(aws eks describe-access-entry --region {} --cluster-name {} --principal-arn {} --query accessEntry.accessEntryArn --output text)\"",
            quoted(&place.region),
            quoted(&place.cluster),
            quoted(arn)
        ),
        Subject::Association(..) => association_of(place, subject, "associationArn"),
    }
}

fn association_of(place: &Place, subject: &Subject, member: &str) -> String {
    let Subject::Association(namespace, account) = subject else { return String::new() };
    format!(
        "\"$(aws eks list-pod-identity-associations --region {} --cluster-name {} --namespace {} --service-account {} --query 'associations[0].{member}' --output text)\"",
        quoted(&place.region),
        quoted(&place.cluster),
        quoted(namespace),
        quoted(account)
    )
}

//! A plan as a script for the AWS CLI.

use serde_json::json;

use super::{Place, quoted, remark};
use crate::edit::plan::{Call, Step};
use crate::edit::state::{State, Subject};
use crate::model::mapping::{AccessScope, ScopeKind};

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
    out
}

/// The commands alone, one for each step, in order.
pub(in crate::edit) fn command_lines(place: &Place, steps: &[Step]) -> Vec<String> {
    steps.iter().map(|step| command(place, step)).collect()
}

/// Would the AWS CLI take a word for something else: an option, or the name of a file or page to read?
fn is_misread(word: &str) -> bool {
    let schemes = ["file://", "fileb://", "http://", "https://"];
    word.is_empty() || word.starts_with(['-', '[', '{']) || schemes.iter().any(|it| word.starts_with(it))
}

/// The username as an option; as JSON, which is taken as it is, where it would be misread.
fn of_username(username: &str) -> Vec<String> {
    match is_misread(username) {
        true => vec!["--cli-input-json".to_owned(), quoted(&json!({ "username": username }).to_string())],
        false => vec!["--username".to_owned(), quoted(username)],
    }
}

/// A list option: as JSON where a value would be misread.
fn list(name: &str, values: &[String]) -> Vec<String> {
    let mut words = vec![name.to_owned()];
    if values.iter().any(|it| is_misread(it)) {
        words.push(quoted(&serde_json::json!(values).to_string()));
    } else {
        words.extend(values.iter().map(|it| quoted(it)));
    }
    words
}

fn command(place: &Place, step: &Step) -> String {
    let mut words: Vec<String> = vec!["aws".into(), "eks".into()];
    let region = ["--region", &place.region];
    let cluster = ["--cluster-name", &place.cluster];
    let tags = |tags: &std::collections::BTreeMap<String, String>| serde_json::to_string(tags).unwrap_or_default();
    match &step.call {
        Call::CreateAccessEntry { principal_arn, kind, username, kubernetes_groups, tags: own } => {
            put(&mut words, &["create-access-entry"]);
            put(&mut words, &region);
            put(&mut words, &cluster);
            put(&mut words, &["--principal-arn", principal_arn, "--type", kind]);
            if let Some(username) = username {
                words.extend(of_username(username));
            }
            if !kubernetes_groups.is_empty() {
                words.extend(list("--kubernetes-groups", kubernetes_groups));
            }
            if !own.is_empty() {
                put(&mut words, &["--tags", &tags(own)]);
            }
        }
        Call::UpdateAccessEntry { principal_arn, username, kubernetes_groups } => {
            put(&mut words, &["update-access-entry"]);
            put(&mut words, &region);
            put(&mut words, &cluster);
            put(&mut words, &["--principal-arn", principal_arn]);
            if let Some(username) = username {
                words.extend(of_username(username));
            }
            // Without a value it clears them; left out, EKS would do the same.
            words.extend(list("--kubernetes-groups", kubernetes_groups));
        }
        Call::DeleteAccessEntry { principal_arn } => {
            put(&mut words, &["delete-access-entry"]);
            put(&mut words, &region);
            put(&mut words, &cluster);
            put(&mut words, &["--principal-arn", principal_arn]);
        }
        Call::AssociateAccessPolicy { principal_arn, policy_arn, access_scope } => {
            put(&mut words, &["associate-access-policy"]);
            put(&mut words, &region);
            put(&mut words, &cluster);
            put(
                &mut words,
                &["--principal-arn", principal_arn, "--policy-arn", policy_arn, "--access-scope", &scope(access_scope)],
            );
        }
        Call::DisassociateAccessPolicy { principal_arn, policy_arn } => {
            put(&mut words, &["disassociate-access-policy"]);
            put(&mut words, &region);
            put(&mut words, &cluster);
            put(&mut words, &["--principal-arn", principal_arn, "--policy-arn", policy_arn]);
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
            put(&mut words, &["create-pod-identity-association"]);
            put(&mut words, &region);
            put(&mut words, &cluster);
            put(&mut words, &["--namespace", namespace, "--service-account", service_account, "--role-arn", role_arn]);
            if let Some(target) = target_role_arn {
                put(&mut words, &["--target-role-arn", target]);
            }
            if *disable_session_tags {
                put(&mut words, &["--disable-session-tags"]);
            }
            if let Some(policy) = policy {
                put(&mut words, &["--policy", policy]);
            }
            if !own.is_empty() {
                put(&mut words, &["--tags", &tags(own)]);
            }
        }
        // What is known by an id or an ARN of EKS's own making is looked up when the script runs.
        Call::TagResource { tags: own } => {
            let look_up = arn_of(place, &step.subject);
            return format!(
                "aws eks tag-resource {} --resource-arn {look_up} --tags {}",
                region.map(quoted).join(" "),
                quoted(&tags(own))
            );
        }
        Call::UntagResource { tag_keys } => {
            let look_up = arn_of(place, &step.subject);
            return format!(
                "aws eks untag-resource {} --resource-arn {look_up} {}",
                region.map(quoted).join(" "),
                list("--tag-keys", tag_keys).join(" ")
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
                region.map(quoted).join(" "),
                cluster.map(quoted).join(" "),
                association_of(place, &step.subject, "associationId"),
                more.join(" ")
            );
        }
        Call::DeletePodIdentityAssociation {} => {
            return format!(
                "aws eks delete-pod-identity-association {} {} --association-id {}",
                region.map(quoted).join(" "),
                cluster.map(quoted).join(" "),
                association_of(place, &step.subject, "associationId")
            );
        }
    }
    words.join(" ")
}

fn put(words: &mut Vec<String>, all: &[&str]) {
    words.extend(all.iter().map(|it| quoted(it)));
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

#[cfg(test)]
mod tests {
    use super::*;

    fn words(all: &[&str]) -> Vec<String> {
        all.iter().map(|&it| it.to_owned()).collect()
    }

    #[test]
    fn no_value_is_taken_for_an_option_or_a_file() {
        assert_eq!(of_username("ana"), ["--username", "ana"]);
        assert_eq!(of_username("--profile"), ["--cli-input-json", "'{\"username\":\"--profile\"}'"]);
        assert_eq!(of_username("file:///x"), ["--cli-input-json", "'{\"username\":\"file:///x\"}'"]);
        assert_eq!(list("--kubernetes-groups", &words(&["a b", "c"])), ["--kubernetes-groups", "'a b'", "c"]);
        assert_eq!(list("--kubernetes-groups", &[]), ["--kubernetes-groups"]);
        for odd in ["--profile=x", "[a", "file:///etc/passwd", ""] {
            let json = format!("'[\"{odd}\"]'");
            assert_eq!(list("--tag-keys", &words(&[odd])), ["--tag-keys".to_owned(), json], "{odd}");
        }
    }

    #[test]
    fn no_remark_leaves_its_line() {
        let place = Place { cluster: "c".into(), region: "r".into(), account: None };
        let out = script(&place, &[], "a\nrm -rf /\u{1b}[31m", &["b\rc".to_owned()]);
        assert!(out.lines().all(|it| it.is_empty() || it.starts_with('#') || it == "set -eu"), "{out}");
        assert!(!out.contains('\u{1b}') && !out.contains('\r'), "{out}");
    }
}

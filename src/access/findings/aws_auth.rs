//! What is wrong with a line of aws-auth.

use super::Severity::{High, Low, Medium};
use super::{Finding, FindingId, MASTERS, Remedy};
use crate::access::Mark;
use crate::access::Verdict;
use crate::access::identity::{Resolver, meant, why_never};
use crate::access::node_roles::{NODE_USERNAME, in_no_instance_profile};
use crate::access::trust::{Document, Request, outcome};
use crate::model::aws_auth::{AwsAuthKey, AwsAuthRow, KeyProblem, RowDefect};
use crate::model::aws_command::AccessEntryArguments;
use crate::model::mapping::AccessScope;
use crate::model::principal::Asked;
use crate::model::snapshot::{Evidence, Lookup};
use crate::model::validation::entry::EntryType;

/// The findings of one row of mapRoles or mapUsers, given what became of it.
pub(crate) fn of_line(
    resolver: &Resolver<'_>,
    row: &AwsAuthRow,
    mark: Mark,
    because: &str,
    evidence: &Evidence,
) -> Vec<Finding> {
    let mut out = Vec::new();
    let path = evidence.path.clone();
    if mark == Mark::Ignored {
        out.push(ignored(resolver, row, because, evidence));
        return out;
    }
    // Whether this mode reads the row at all is not known without the cluster.
    let read = resolver.facts().0.cluster.value().is_some();
    for defect in row.defects.iter().filter(|_| read) {
        let severity = match defect {
            RowDefect::UnknownKey(_) => Low,
            _ => Medium,
        };
        out.push(Finding::new(severity, FindingId::AwsAuthRowDefect, defect.to_string(), evidence));
    }
    let never = why_never(row, None);
    if read && row.arn.is_some() && !never.is_empty() {
        out.push(Finding::new(Medium, FindingId::AwsAuthNeverMatches, format!("it never matches: {never}"), evidence));
    } else if read && mark == Mark::Dead && row.arn.is_some() {
        out.push(Finding::new(Low, FindingId::AwsAuthDead, format!("it lets nobody in: {because}"), evidence));
    } else if mark == Mark::Shadowed {
        out.push(Finding::new(Low, FindingId::AwsAuthShadowed, format!("it has no effect: {because}"), evidence));
    }
    if mark == Mark::InForce && row.groups.iter().any(|group| group == MASTERS) {
        let sentence = "it gives system:masters, which may do everything and which no binding or policy can restrict";
        out.push(Finding::new(High, FindingId::AwsAuthMasters, sentence, evidence).at(format!("{path}.groups")));
    }
    instance_template(resolver, row, evidence, &mut out);
    out.sort();
    out
}

/// A row that the mode does not read. It matters most where it was the only way in for administrators, or for the nodes that run
/// with a role: those are locked out as soon as the mode is API. A role that is gone, or that no instance can have, is a leftover.
fn ignored(resolver: &Resolver<'_>, row: &AwsAuthRow, because: &str, at: &Evidence) -> Finding {
    let leftover = || Finding::new(Low, FindingId::AwsAuthIgnored, because, at);
    let Some(principal) = row.arn.as_deref().filter(|_| why_never(row, None).is_empty()).and_then(meant) else {
        return leftover();
    };
    let nodes = row.groups.iter().any(|it| it == "system:nodes") && row.username.starts_with(NODE_USERNAME);
    let masters = row.groups.iter().any(|group| group == MASTERS);
    let Lookup::Found((arn, _)) = resolver.existing(&principal) else { return leftover() };
    // aws-auth leaves a role's path out; an entry needs it.
    let arn = if arn.is_empty() { principal.arn() } else { arn.to_owned() };
    let by_instance = row.username.contains("{{EC2PrivateDNSName}}");
    let on_no_machine = nodes && by_instance && in_no_instance_profile(resolver, &principal);
    let asked = Asked { path_known: false, ..Asked::principal(principal.clone()) };
    if !(nodes || masters) || on_no_machine || resolver.resolve(&asked).verdict != Verdict::No {
        return leftover();
    }
    let Some(cluster) = resolver.facts().0.cluster.value() else { return leftover() };
    let eks = cluster.commands();
    let create = |kind: EntryType| {
        let entry =
            AccessEntryArguments { principal_arn: &arn, kind: Some(kind.as_str()), ..AccessEntryArguments::default() };
        eks.create_access_entry(&entry)
    };
    if nodes {
        let kind = match by_instance {
            true if row.groups.iter().any(|it| it == "eks:kube-proxy-windows") => EntryType::Ec2Windows,
            true => EntryType::Ec2Linux,
            false if row.groups.iter().any(|it| it == "system:node-proxier") => EntryType::FargateLinux,
            false => EntryType::HybridLinux,
        };
        let sentence = format!("nodes that run with this role cannot join: {because}, and no access entry names it");
        let fix = Remedy::new("Create the entry that lets the nodes join", create(kind));
        return Finding::new(High, FindingId::AwsAuthIgnored, sentence, at).with([fix]);
    }
    let policy = format!("arn:{}:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy", principal.partition);
    let text =
        [create(EntryType::Standard), eks.associate_access_policy(&arn, &policy, &AccessScope::default())].join("\n");
    let sentence =
        format!("an administrator is locked out: {because}, and no access entry names this {}", principal.kind);
    let title = "Create an entry with what system:masters gave: it cannot be a group of an entry".to_owned();
    Finding::new(High, FindingId::AwsAuthIgnored, sentence, at).with([Remedy::new(title, text)])
}

/// A template that only instances can fill in, on a role that instances cannot assume.
fn instance_template(resolver: &Resolver<'_>, row: &AwsAuthRow, at: &Evidence, out: &mut Vec<Finding>) {
    if !row.username.contains("{{EC2PrivateDNSName}}") {
        return;
    }
    let Some(principal) = row.arn.as_deref().and_then(meant) else { return };
    let Lookup::Found(role) = resolver.facts().1.role(&principal.account, &principal.name) else { return };
    let Some(Ok(trust)) = role.assume_role_policy_document.as_ref().map(Document::from_value) else { return };
    let service = if principal.partition == "aws-cn" { "ec2.amazonaws.com.cn" } else { "ec2.amazonaws.com" };
    if outcome(&trust, &Request::service(service)) == Verdict::No {
        let sentence = "its username needs a session named like an EC2 instance id, and no instance can assume the role: \
                        authentication fails for everybody who can";
        out.push(
            Finding::new(Medium, FindingId::AwsAuthInstanceTemplate, sentence, at).at(format!("{}.username", at.path)),
        );
    }
}

/// mapAccounts lets a whole account in.
pub(crate) fn of_account(account: &str, evidence: &Evidence) -> Vec<Finding> {
    let sentence = format!(
        "every principal of account {account} authenticates, under its own ARN and without groups: whoever runs that \
         account decides who gets in"
    );
    vec![Finding::new(High, FindingId::AwsAuthMapAccounts, sentence, evidence)]
}

/// A key that yields less than it seems to, and what follows from that.
pub(crate) fn of_key(name: &str, problem: &KeyProblem, evidence: &Evidence) -> Vec<Finding> {
    let severity = match problem {
        KeyProblem::Broken { .. }
        | KeyProblem::NotAList { .. }
        | KeyProblem::EmptyDocument { .. }
        | KeyProblem::CutShort { .. }
        | KeyProblem::Undetermined { .. } => High,
        KeyProblem::TextAfterDocument { .. } | KeyProblem::ItemLeftOut { .. } | KeyProblem::WrongCase(_) => Medium,
        KeyProblem::Unknown => Low,
    };
    let follows = match (AwsAuthKey::ALL.into_iter().find(|key| key.as_str() == name), problem) {
        (Some(key), problem) if problem.empties_key() => consequence(key),
        _ => "",
    };
    vec![Finding::new(severity, FindingId::AwsAuthKey, format!("{name} {problem}{follows}"), evidence)]
}

/// What follows from a key that is empty. The authenticator replaces all rows whenever aws-auth changes, so a running
/// server does not keep the rows that it could read before (`pkg/mapper/configmap`, saveMap).
fn consequence(key: AwsAuthKey) -> &'static str {
    match key {
        AwsAuthKey::MapRoles => {
            ": no role has access through it, rows read before the change are not kept, and nodes whose role has no \
             access entry cannot join or stay ready"
        }
        AwsAuthKey::MapUsers => ": no user has access through it, and rows read before the change are not kept",
        AwsAuthKey::MapAccounts => {
            ": no account has access through it, and accounts read before the change are not kept"
        }
    }
}

//! What is wrong with how a role's trust policy lets in an OIDC provider of EKS, whoever asks.
//!
//! Looks at the shape of statements: too wide, never matching, or of another cluster. Whether one service account gets in
//! is judged elsewhere. A statement or condition that cannot be made out gives no finding.

use super::Severity::{High, Low, Medium};
use super::{Finding, FindingId, Severity};
use crate::access::Verdict;
use crate::access::iam::condition::takes_value;
use crate::access::iam::names_actions;
use crate::access::workload::{Trust, Workloads};
use crate::model::policy::{Actions, Base, Condition, Effect, PrincipalForm, Principals, SetTest, Statement};
use crate::model::principal::Principal;
use crate::model::snapshot::{DocumentRef, Evidence, Lookup};

const WEB_IDENTITY: &str = "sts:assumerolewithwebidentity";
const ASSUME: &str = "sts:assumerole";

/// The host and path of an OIDC provider's ARN.
pub(super) fn host(provider: &str) -> Option<&str> {
    provider.split_once(":oidc-provider/").map(|(_, host)| host)
}

/// Is it the issuer of an EKS cluster?
fn is_eks(host: &str) -> bool {
    host.starts_with("oidc.eks.") || host.starts_with("oidc-eks.")
}

/// Whether the statement surely speaks of the action, which is lowered.
fn covers(actions: &Actions, action: &str) -> bool {
    names_actions(actions, action) == Verdict::Yes
}

/// Does the statement speak of exchanging a token for the role?
fn covers_web_identity(statement: &Statement) -> bool {
    covers(&statement.actions, WEB_IDENTITY)
}

/// Does the statement let in tokens, and name no provider but everybody? What it asks beside must be of the tokens, so
/// that they can be what it is about.
pub(crate) fn lets_in_any_provider(statement: &Statement) -> bool {
    let everyone = matches!(&statement.principals, Principals::AnyOf(named)
        if named.iter().any(|it| it.form == PrincipalForm::Everyone));
    let of_token =
        |it: &Condition| it.lower_key.rsplit_once(':').is_some_and(|(issuer, _)| issuer.contains(['.', '/']));
    everyone
        && statement.effect == Some(Effect::Allow)
        && statement.conditions.iter().all(of_token)
        && covers_web_identity(statement)
}

/// The Allow statements that name a provider, with it.
fn naming(statement: &Statement) -> impl Iterator<Item = &str> {
    let named = match &statement.principals {
        Principals::AnyOf(named) if statement.effect == Some(Effect::Allow) => named.as_slice(),
        _ => &[],
    };
    named.iter().filter(|it| it.form == PrincipalForm::Federated).map(|it| it.text.as_str())
}

/// The statements that let this cluster's provider in with a web identity.
pub(crate) fn ours<'s>(trust: &'s Trust<'_>, provider: &'s str) -> impl Iterator<Item = &'s Statement> {
    let statements = trust.policy().map(|it| it.statements.as_slice()).unwrap_or_default();
    let named = move |it: &Statement| naming(it).any(|named| named == provider) && covers_web_identity(it);
    statements.iter().filter(move |it| named(it) || lets_in_any_provider(it))
}

/// The claim that a key is meant to ask for, and the issuer in front of it.
fn claim(condition: &Condition) -> Option<(&str, &str)> {
    let (issuer, claim) = condition.lower_key.rsplit_once(':')?;
    matches!(claim, "sub" | "aud").then_some((issuer, claim))
}

pub(super) fn of_claim<'s>(
    statement: &'s Statement,
    host: &str,
    wanted: &'s str,
) -> impl Iterator<Item = &'s Condition> {
    let key = format!("{}:{wanted}", host.to_lowercase());
    statement.conditions.iter().filter(move |it| it.lower_key == key)
}

fn at(trust: &Trust<'_>, statement: &Statement) -> Evidence {
    let document = DocumentRef::IamRole(trust.detail.role_name.clone());
    Evidence::new(document, format!("AssumeRolePolicyDocument.Statement[{}]", statement.index))
}

/// Does it ask for the value, so that some value must fit?
pub(super) fn asks(condition: &Condition) -> bool {
    condition.unclear.is_none() && condition.operator.is_some_and(|it| !it.negated && it.base != Base::Null)
}

/// Does it only ask that the key be there, as it is in every token?
fn is_presence(condition: &Condition) -> bool {
    condition.operator.is_some_and(|it| it.base == Base::Null)
        && condition.values.iter().any(|it| it.eq_ignore_ascii_case("false"))
}

/// A subject of which the namespace is left open.
fn is_wide(pattern: &str) -> bool {
    let Some(rest) = pattern.strip_prefix("system:serviceaccount:") else { return pattern.contains('*') };
    match rest.split_once(':') {
        Some((namespace, _)) => namespace.contains(['*', '?']),
        None => rest.contains('*'),
    }
}

/// Whether it may take the value as it stands: one of its own values fits, or it is not known whether one does.
pub(super) fn takes(condition: &Condition, value: &str) -> bool {
    takes_value(condition, value) != Verdict::No
}

/// Is it a subject that a service account's token can have, as it stands?
fn is_subject(text: &str) -> bool {
    let name = |it: &str| {
        let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b);
        !it.is_empty() && it.bytes().all(fits)
    };
    let parts = text.strip_prefix(SUBJECTS).and_then(|it| it.split_once(':'));
    parts.is_some_and(|(namespace, account)| name(namespace) && name(account))
}

const SUBJECTS: &str = "system:serviceaccount:";

/// Why no service account's token can pass the statement, whatever its name, if that is so.
pub(crate) fn takes_nobody(statement: &Statement, host: &str) -> Option<String> {
    let can_be = |condition: &Condition, wanted: &str| match condition.operator.map(|it| it.base) {
        _ if wanted.contains("${") => true,
        Some(Base::StringEquals) => is_subject(wanted),
        Some(Base::StringEqualsIgnoreCase) => is_subject(&wanted.to_lowercase()),
        Some(Base::StringLike) => match wanted.split_once(['*', '?']) {
            Some((start, _)) => start.starts_with(SUBJECTS) || SUBJECTS.starts_with(start),
            None => is_subject(wanted),
        },
        _ => true,
    };
    let mut asking = of_claim(statement, host, "sub").filter(|it| asks(it));
    let never = asking.find(|it| !it.values.is_empty() && !it.values.iter().any(|wanted| can_be(it, wanted)))?;
    let values: Vec<String> = never.values.iter().map(|it| format!("{it:?}")).collect();
    let literal = never.operator.is_some_and(|it| it.base != Base::StringLike);
    let star = literal && never.values.iter().any(|it| it.contains(['*', '?']));
    let hint = if star { ": it takes * as a plain character, StringLike would not" } else { "" };
    Some(format!(
        "{} {} wants {}, which no service account's token has{hint}",
        never.operator_text,
        never.key,
        values.join(" or ")
    ))
}

/// Why no token that the provider takes can pass the statement, if that is so: none is made out for what it asks.
pub(crate) fn takes_no_audience(statement: &Statement, host: &str, clients: &[String]) -> Option<String> {
    let text = |it: &&Condition| {
        let base = it.operator.map(|it| it.base);
        matches!(base, Some(Base::StringEquals | Base::StringEqualsIgnoreCase | Base::StringLike))
            && !it.values.iter().any(|it| it.contains("${"))
    };
    let mut asking = of_claim(statement, host, "aud").filter(|it| asks(it)).filter(text);
    let never = asking.find(|it| !clients.is_empty() && !clients.iter().any(|client| takes(it, client)))?;
    Some(format!(
        "{} {} wants {}, and the provider takes no such tokens, only those for {}",
        never.operator_text,
        never.key,
        never.values.join(" or "),
        clients.join(", ")
    ))
}

/// The findings of a role that trusts this cluster's provider, or whose service account is of this cluster.
pub(super) fn of_trust(workloads: &Workloads<'_>, trust: &Trust<'_>, role: &Principal) -> Vec<Finding> {
    let Ok(policy) = trust.policy() else { return Vec::new() };
    let Some(provider) = workloads.provider_in(&role.partition, &role.account) else { return Vec::new() };
    let Some(own) = host(&provider) else { return Vec::new() };
    let mut out = Vec::new();
    let mut names_ours = false;
    let mut foreign: Vec<(&Statement, &str)> = Vec::new();
    for statement in &policy.statements {
        if lets_in_any_provider(statement) {
            names_ours = true;
            of_statement(trust, statement, own, &mut out);
        }
        for named in naming(statement) {
            if named == provider {
                names_ours = true;
                of_statement(trust, statement, own, &mut out);
            } else if host(named).is_some_and(is_eks) {
                foreign.push((statement, named));
            }
        }
    }
    for (statement, named) in foreign {
        if is_malformed(named) {
            let why = format!(
                "it trusts {named}, which is the ARN of no provider: the issuer belongs there once and without its scheme, \
                 as in {provider}"
            );
            out.push(Finding::new(Medium, FindingId::IrsaProviderMalformed, why, &at(trust, statement)));
            continue;
        }
        let gone = workloads.provider(named, &role.account) == Lookup::Absent;
        if gone {
            let why = format!(
                "it trusts the provider {named}, which the account no longer has: a statement left over from a cluster that \
                 is gone, and whoever makes a provider of that name again is let in"
            );
            out.push(Finding::new(Medium, FindingId::IrsaStaleProvider, why, &at(trust, statement)));
        }
        if !names_ours {
            let why = format!(
                "it trusts {}, the issuer of another cluster; this cluster's is {own}, so that no service account here gets it",
                host(named).unwrap_or(named)
            );
            out.push(Finding::new(Medium, FindingId::IrsaOtherIssuer, why, &at(trust, statement)));
        }
    }
    out
}

/// Whether an issuer was put into the ARN of a provider with its scheme, or twice.
fn is_malformed(provider: &str) -> bool {
    provider.contains("://")
}

fn of_statement(trust: &Trust<'_>, statement: &Statement, own: &str, out: &mut Vec<Finding>) {
    let evidence = at(trust, statement);
    let mut say = |severity: Severity, id, why: String| out.push(Finding::new(severity, id, why, &evidence));
    if !covers(&statement.actions, WEB_IDENTITY) {
        if covers(&statement.actions, ASSUME) {
            say(
                Medium,
                FindingId::IrsaAction,
                "it lets the OIDC provider do sts:AssumeRole, and a token is exchanged with \
                 sts:AssumeRoleWithWebIdentity: the statement never applies"
                    .to_owned(),
            );
        }
        return;
    }
    let lower = own.to_lowercase();
    let claims = || statement.conditions.iter().filter_map(|it| Some((it, claim(it)?)));
    let bare = |issuer: &str| {
        issuer.trim_start_matches("https://").trim_start_matches("http://").trim_end_matches('/').to_owned()
    };
    let odd = |wanted: fn(&str, &str) -> bool| {
        let is_it = |issuer: &str| issuer != lower && wanted(&bare(issuer), &lower);
        let keys: Vec<&str> =
            claims().filter(|(_, (issuer, _))| is_it(issuer)).map(|(condition, _)| condition.key.as_str()).collect();
        (!keys.is_empty()).then(|| keys.join(" and "))
    };
    if let Some(keys) = odd(|bare, own| bare == own) {
        let why = format!(
            "the condition's key {keys} is written with a scheme or a slash too many: no token has it; it must read {own}:sub \
             or {own}:aud"
        );
        say(Medium, FindingId::IrsaKeyMalformed, why);
    }
    if let Some(keys) = odd(|bare, own| bare != own && is_eks(bare)) {
        let why = format!(
            "the condition's key {keys} is of another issuer than the principal ({own}): no token of this cluster has it"
        );
        say(Medium, FindingId::IrsaKeyOtherIssuer, why);
    }
    // A key that no token has fails where it is asked for, and then the statement lets nobody in; else it narrows nothing.
    let fails = |it: &Condition, issuer: &str| {
        issuer != lower
            && it.unclear.is_none()
            && it.operator.is_some_and(|it| !it.without_key() && it.base != Base::Null)
    };
    let nobody = claims().any(|(it, (issuer, _))| fails(it, issuer));
    let has = |wanted: &str| nobody || of_claim(statement, own, wanted).any(|it| !is_presence(it));
    if !has("sub") {
        let why = "no condition asks for the subject: every service account of this cluster may assume the role";
        say(High, FindingId::IrsaNoSubject, why.to_owned());
    }
    if !has("aud") {
        let why = "no condition asks for the audience: any token of this issuer counts, whomever it was made out for, as far \
                   as the provider's client ids allow";
        say(Medium, FindingId::IrsaNoAudience, why.to_owned());
    }
    let subs: Vec<&Condition> = of_claim(statement, own, "sub").filter(|it| !is_presence(it)).collect();
    let auds: Vec<&Condition> = of_claim(statement, own, "aud").collect();
    for condition in subs.iter().chain(&auds) {
        let Some(operator) = condition.operator else { continue };
        if operator.set == Some(SetTest::ForAllValues) {
            say(
                High,
                FindingId::IrsaForAllValues,
                format!(
                    "{} {} also holds where the request has no such key: it narrows nothing for sure",
                    condition.operator_text, condition.key
                ),
            );
        }
        let literal = matches!(operator.base, Base::StringEquals | Base::StringEqualsIgnoreCase) && !operator.negated;
        if let Some(value) = condition.values.iter().find(|it| it.contains(['*', '?'])).filter(|_| literal) {
            say(
                Medium,
                FindingId::IrsaLiteralWildcard,
                format!(
                    "{} takes the * in {value:?} as a plain character, which no token has: StringLike is meant",
                    condition.operator_text
                ),
            );
        }
    }
    for condition in &subs {
        if condition.operator.is_some_and(|it| it.if_exists) {
            say(
                High,
                FindingId::IrsaIfExists,
                format!("{} {} also holds where the request has no such key", condition.operator_text, condition.key),
            );
        }
    }
    // All conditions must hold: one that is narrow makes the rest narrow.
    let asking: Vec<&&Condition> = subs.iter().filter(|it| asks(it)).collect();
    let narrow = |it: &&&Condition| {
        let like = it.operator.is_some_and(|it| it.base == Base::StringLike);
        !like || !it.values.iter().any(|it| is_wide(it))
    };
    if !subs.is_empty() && !asking.iter().any(narrow) {
        let wide = asking.iter().flat_map(|it| &it.values).find(|it| is_wide(it));
        let why = match wide {
            Some(pattern) => {
                format!("the subject may be anything like {pattern:?}, which reaches into other namespaces")
            }
            None => {
                "the subject is only ruled out, not asked for: service accounts of every other name may assume the role"
                    .to_owned()
            }
        };
        say(High, FindingId::IrsaSubjectWide, why);
    }
}

/// Whom the statements for this cluster's provider let in: service accounts as `NAMESPACE/NAME`, patterns as written.
pub(crate) fn subjects(trust: &Trust<'_>, provider: &str) -> Vec<String> {
    let Some(own) = host(provider) else { return Vec::new() };
    let mut all: Vec<String> = Vec::new();
    for statement in ours(trust, provider).filter(|it| takes_nobody(it, own).is_none()) {
        let asking: Vec<&Condition> = of_claim(statement, own, "sub").filter(|it| asks(it)).collect();
        if asking.is_empty() {
            all.push("*".to_owned());
        }
        for value in asking.iter().flat_map(|it| &it.values) {
            let short = value.strip_prefix("system:serviceaccount:").and_then(|it| it.split_once(':'));
            all.push(short.map_or_else(|| value.clone(), |(namespace, name)| format!("{namespace}/{name}")));
        }
    }
    all.sort();
    all.dedup();
    all
}

/// The lowest of severities stands for a slip that may be meant.
pub(super) const SLIP: Severity = Low;

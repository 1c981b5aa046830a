//! What is wrong with how a role's trust policy lets in an OIDC provider of EKS, whoever asks (`reference`: workload
//! identity, §1.6).
//!
//! Looks at the shape of statements: too wide, never matching, or of another cluster. Whether one service account gets in
//! is judged elsewhere. A statement or condition that cannot be made out gives no finding.

use super::Severity::{High, Low, Medium};
use super::{Finding, Severity};
use crate::access::workload::{Trust, Workloads};
use crate::model::policy::{Actions, Base, Condition, Effect, PrincipalForm, Principals, SetTest, Statement};
use crate::model::principal::Principal;
use crate::model::snapshot::{DocumentRef, Evidence, Lookup};
use crate::model::wildcard::glob;

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

pub(super) fn covers(actions: &Actions, action: &str) -> bool {
    matches!(actions, Actions::AnyOf(_, lowered) if lowered.iter().any(|it| it == action || glob(it, action)))
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
pub(super) fn ours<'s>(trust: &'s Trust<'_>, provider: &'s str) -> impl Iterator<Item = &'s Statement> {
    let statements = trust.policy().map(|it| it.statements.as_slice()).unwrap_or_default();
    statements.iter().filter(move |it| naming(it).any(|named| named == provider) && covers(&it.actions, WEB_IDENTITY))
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

/// A subject of which the namespace is left open.
fn is_wide(pattern: &str) -> bool {
    let Some(rest) = pattern.strip_prefix("system:serviceaccount:") else { return pattern.contains('*') };
    match rest.split_once(':') {
        Some((namespace, _)) => namespace.contains(['*', '?']),
        None => rest.contains('*'),
    }
}

/// Does it take the value as it stands?
pub(super) fn takes(condition: &Condition, value: &str) -> bool {
    let base = condition.operator.map(|it| it.base);
    condition.values.iter().any(|wanted| match base {
        Some(Base::StringLike) => glob(wanted, value),
        Some(Base::StringEqualsIgnoreCase) => wanted.to_lowercase() == value.to_lowercase(),
        _ => wanted == value,
    })
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
        let gone = workloads.provider(named, &role.account) == Lookup::Absent;
        if gone {
            let why = format!(
                "it trusts the provider {named}, which the account no longer has: a statement left over from a cluster that \
                 is gone, and whoever makes a provider of that name again is let in"
            );
            out.push(Finding::new(Medium, "irsa-stale-provider", why, &at(trust, statement)));
        }
        if !names_ours {
            let why = format!(
                "it trusts {}, the issuer of another cluster; this cluster's is {own}, so that no service account here gets it",
                host(named).unwrap_or(named)
            );
            out.push(Finding::new(Medium, "irsa-other-issuer", why, &at(trust, statement)));
        }
    }
    out
}

fn of_statement(trust: &Trust<'_>, statement: &Statement, own: &str, out: &mut Vec<Finding>) {
    let evidence = at(trust, statement);
    let mut say = |severity: Severity, id, why: String| out.push(Finding::new(severity, id, why, &evidence));
    if !covers(&statement.actions, WEB_IDENTITY) {
        if covers(&statement.actions, ASSUME) {
            say(
                Medium,
                "irsa-action",
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
        say(Medium, "irsa-key-malformed", why);
    }
    if let Some(keys) = odd(|bare, own| bare != own && is_eks(bare)) {
        let why = format!(
            "the condition's key {keys} is of another issuer than the principal ({own}): no token of this cluster has it"
        );
        say(Medium, "irsa-key-other-issuer", why);
    }
    let has = |wanted: &str| claims().any(|(_, (_, it))| it == wanted);
    if !has("sub") {
        let why = "no condition asks for the subject: every service account of this cluster may assume the role";
        say(High, "irsa-no-subject", why.to_owned());
    }
    if !has("aud") {
        let why = "no condition asks for the audience: any token of this issuer counts, whomever it was made out for, as far \
                   as the provider's client ids allow";
        say(Medium, "irsa-no-audience", why.to_owned());
    }
    let subs: Vec<&Condition> = of_claim(statement, own, "sub").collect();
    let auds: Vec<&Condition> = of_claim(statement, own, "aud").collect();
    for condition in subs.iter().chain(&auds) {
        let Some(operator) = condition.operator else { continue };
        if operator.set == Some(SetTest::ForAllValues) {
            say(
                High,
                "irsa-for-all-values",
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
                "irsa-literal-wildcard",
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
                "irsa-if-exists",
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
        say(High, "irsa-subject-wide", why);
    }
}

/// Whom the statements for this cluster's provider let in: service accounts as `NAMESPACE/NAME`, patterns as written.
pub(crate) fn subjects(trust: &Trust<'_>, provider: &str) -> Vec<String> {
    let Some(own) = host(provider) else { return Vec::new() };
    let mut all: Vec<String> = Vec::new();
    for statement in ours(trust, provider) {
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

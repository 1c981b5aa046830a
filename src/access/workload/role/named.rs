//! Whom a role's trust policy names, and who of them becomes the role.
//!
//! Decides principal by principal. Where the policy leaves it to the account, everybody in the account whose own policies
//! allow it is found out; of a provider's tokens only whose they may be is told, in the words of the conditions. Who the
//! people behind a permission set are, no fact here says.

use super::super::irsa::of_role;
use super::super::policies::{ASSUME_ROLE, Allows, Owner};
use super::super::{Trust, Workloads};
use super::{Holder, HolderKind, WhyRole};
use crate::access::findings::subjects;
use crate::access::trust::{Document, Outcome, Request, evaluate};
use crate::model::policy::{Effect, NamedPrincipal, PrincipalForm, Principals, Statement};
use crate::model::principal::{Principal, PrincipalKind};
use crate::model::snapshot::{DocumentRef, Evidence, Lookup};

/// How many of those of whom it is not known are named one by one.
const MOST_OPEN: usize = 3;

/// What is known of somebody who is named.
type Told = (HolderKind, Outcome, String);

impl<'a> Workloads<'a> {
    /// Whom the trust policy names.
    pub(super) fn named_by(&self, trust: &Trust<'a>, role: &Principal, out: &mut WhyRole) {
        let Ok(policy) = trust.policy() else { return };
        for statement in policy.statements.iter().filter(|it| it.effect == Some(Effect::Allow)) {
            let named = match &statement.principals {
                Principals::AnyOf(named) => named.as_slice(),
                Principals::Unclear(why) => {
                    out.unknown.push(format!("whom Statement[{}] names: {why}", statement.index));
                    continue;
                }
            };
            let path = format!("AssumeRolePolicyDocument.Statement[{}]", statement.index);
            let evidence = Evidence::new(of_role(role).document, path);
            for it in named {
                let (kind, outcome, because) = match &it.form {
                    PrincipalForm::Account { account, .. } => {
                        match self.of_account(policy, role, account, statement.index, out) {
                            Some((outcome, because)) => (HolderKind::Principal, outcome, because),
                            None => continue,
                        }
                    }
                    _ => self.told(policy, trust, role, statement, it),
                };
                let (name, evidence) = (it.text.clone(), Some(evidence.clone()));
                out.holders.push(Holder { kind, name, mechanism: None, outcome, because, evidence });
            }
        }
    }

    fn told(
        &self,
        policy: &Document,
        trust: &Trust<'a>,
        role: &Principal,
        statement: &Statement,
        it: &NamedPrincipal,
    ) -> Told {
        let kind = HolderKind::Principal;
        match &it.form {
            PrincipalForm::Service => {
                let verdict = evaluate(policy, &Request::service(&it.text).to_account(&role.account));
                (HolderKind::Service, verdict.verdict, verdict.because)
            }
            PrincipalForm::Federated => {
                let (outcome, why) = self.bearers(trust, role, statement, &it.text);
                (HolderKind::Provider, outcome, why)
            }
            PrincipalForm::Everyone if statement.conditions.is_empty() => {
                (kind, Outcome::Allowed, "anybody of any account, and no condition narrows it".to_owned())
            }
            PrincipalForm::Everyone => {
                let why = format!("anybody of any account, if {}", conditions(statement, None));
                (kind, Outcome::Unknown, why)
            }
            PrincipalForm::UniqueId => (
                kind,
                Outcome::Denied,
                "the id of a role or user that was deleted: one made again under the name has another".to_owned(),
            ),
            PrincipalForm::Invalid(why) => (kind, Outcome::Denied, (*why).to_owned()),
            PrincipalForm::Unclear(why) => (kind, Outcome::Unknown, (*why).to_owned()),
            PrincipalForm::Account { .. } => (kind, Outcome::Unknown, String::new()),
            PrincipalForm::Identity(_) | PrincipalForm::Session(..) => {
                let (outcome, why) = self.identity(policy, role, &it.text);
                (kind, outcome, why)
            }
        }
    }

    /// Whose tokens of a provider are taken.
    fn bearers(&self, trust: &Trust<'a>, role: &Principal, statement: &Statement, provider: &str) -> (Outcome, String) {
        if Some(provider) == self.provider_in(&role.partition, &role.account).as_deref() {
            let whom = subjects(trust, provider);
            return match whom.is_empty() {
                true => (Outcome::Denied, "this cluster's service accounts, and none of them by name".to_owned()),
                false => (Outcome::Unknown, format!("this cluster's service accounts, by name: {}", whom.join(", "))),
            };
        }
        let host = provider.split_once(":oidc-provider/").map(|(_, host)| host);
        let who = match (host, role.permission_set()) {
            (None, Some(set)) if provider.contains(":saml-provider/AWSSSO_") => format!(
                "people to whom IAM Identity Center gives permission set {set}; who they are is not read here \
                 (sso:ListAccountAssignments)"
            ),
            (None, _) if provider.contains(":saml-provider/") => "people whom the SAML provider vouches for".to_owned(),
            (Some(host), _) if host.starts_with("oidc.eks.") || host.starts_with("oidc-eks.") => {
                "service accounts of another cluster".to_owned()
            }
            _ => "whoever has its tokens".to_owned(),
        };
        match conditions(statement, host) {
            it if it.is_empty() => (Outcome::Unknown, who),
            it => (Outcome::Unknown, format!("{who}, if {it}")),
        }
    }

    /// Everybody in an account to whom the policy leaves it; what is said of the account itself, if not all is said by them.
    fn of_account(
        &self,
        policy: &Document,
        role: &Principal,
        account: &str,
        statement: usize,
        out: &mut WhyRole,
    ) -> Option<(Outcome, String)> {
        let iam = self.iam;
        if iam.account.as_deref() != Some(account) {
            let why = format!(
                "whoever in account {account} has a policy of its own that allows it; that account is not read"
            );
            return Some((Outcome::Unknown, why));
        }
        let role_arn = role.arn();
        let (mut named, mut open) = (0, Vec::new());
        let of_user = |it: &'a crate::model::role::UserDetail| {
            let document = DocumentRef::IamUser(it.user_name.clone());
            (it.arn.as_str(), document, Owner::user(it, iam))
        };
        let of_role = |it: &'a crate::model::role::RoleDetail| {
            let document = DocumentRef::IamRole(it.role_name.clone());
            (it.arn.as_str(), document, Owner::role(it, iam))
        };
        let all = iam.roles.items().iter().map(of_role).chain(iam.users.items().iter().map(of_user));
        for (arn, document, owner) in all {
            let own = owner.allows(iam, ASSUME_ROLE, &role_arn);
            if own == Allows::No {
                continue;
            }
            let Ok(mut request) = Request::iam(arn) else { continue };
            request.own_policies = own.known();
            let verdict = evaluate(policy, &request.to_account(&role.account));
            match (verdict.verdict, own) {
                (Outcome::Denied, _) => continue,
                (Outcome::Allowed, _) => {}
                (Outcome::Unknown, Allows::Unknown(why)) => {
                    open.push(why);
                    continue;
                }
                (Outcome::Unknown, _) => {}
            }
            named += 1;
            let because = format!("its own policies allow sts:AssumeRole; {}", verdict.because);
            let evidence = Some(Evidence::new(document, ""));
            let (name, kind) = (arn.to_owned(), HolderKind::Principal);
            out.holders.push(Holder { kind, name, mechanism: None, outcome: verdict.verdict, because, evidence });
        }
        let gaps = [("roles", iam.roles.gap()), ("users", iam.users.gap())];
        open.extend(gaps.into_iter().filter_map(|(what, gap)| Some(format!("the {what} of the account: {}", gap?))));
        let leaves = format!("Statement[{statement}] leaves it to the policies of whoever is in account {account}");
        match (open.as_slice(), named) {
            ([], 0) => {
                Some((Outcome::Denied, format!("{leaves}, and of its roles and users none has one that allows it")))
            }
            ([], _) => None,
            (some, _) => {
                let told: Vec<&str> = some.iter().take(MOST_OPEN).map(String::as_str).collect();
                let more = some.len().saturating_sub(MOST_OPEN);
                let more = if more > 0 { format!("; and {more} more") } else { String::new() };
                let why = format!("{leaves}, and of some they are not known: {}{more}", told.join("; "));
                Some((Outcome::Unknown, why))
            }
        }
    }

    fn identity(&self, policy: &Document, role: &Principal, arn: &str) -> (Outcome, String) {
        let Ok(mut request) = Request::iam(arn) else {
            return (Outcome::Unknown, "it is not the ARN of a principal".to_owned());
        };
        request = request.to_account(&role.account);
        if let Ok((caller, _)) = Principal::from_arn(arn) {
            let own = self.iam.account.as_deref() == Some(caller.account.as_str());
            match caller.kind {
                PrincipalKind::Role if own => {
                    if let Lookup::Absent = self.trust(&caller) {
                        return (Outcome::Denied, "there is no such role, so nobody can sign as it".to_owned());
                    }
                    request.own_policies = self.policies_allow(&caller, ASSUME_ROLE, &role.arn()).known();
                }
                PrincipalKind::User if own => match self.iam.user(&caller.account, &caller.name) {
                    Lookup::Absent => {
                        return (Outcome::Denied, "there is no such user, so nobody can sign as it".to_owned());
                    }
                    Lookup::Found(user) => {
                        request.own_policies =
                            Owner::user(user, self.iam).allows(self.iam, ASSUME_ROLE, &role.arn()).known();
                    }
                    Lookup::Unknown(_) => {}
                },
                _ => {}
            }
        }
        let verdict = evaluate(policy, &request);
        (verdict.verdict, verdict.because)
    }
}

/// What a statement asks of a request, in words: `sub is like repo:acme/*`. The claims of a provider lose its host.
fn conditions(statement: &Statement, host: Option<&str>) -> String {
    let of = |it: &crate::model::policy::Condition| {
        let short = host.and_then(|host| it.key.strip_prefix(host)?.strip_prefix(':')).unwrap_or(&it.key);
        let asks = match it.operator_text.as_str() {
            "StringEquals" | "ArnEquals" => "is",
            "StringLike" | "ArnLike" => "is like",
            other => other,
        };
        format!("{short} {asks} {}", it.values.join(" or "))
    };
    statement.conditions.iter().map(of).collect::<Vec<_>>().join(", and ")
}

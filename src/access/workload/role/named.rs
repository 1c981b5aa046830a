//! Whom a role's trust policy names, and who of them becomes the role.
//!
//! Decides principal by principal, each by what the whole policy says to it: what it names in one statement, another may
//! deny. Where the policy leaves it to the account, everybody in the account whose own policies
//! allow it is found out; of a provider's tokens only whose they may be is told, in the words of the conditions. Who the
//! people behind a permission set are, no fact here says.

use super::super::irsa::of_role;
use super::super::{Trust, Workloads};
use super::{Holder, HolderKind, WhyRole};
use crate::access::Verdict;
use crate::access::findings::{lets_in_any_provider, ours, subjects, takes_no_audience, takes_nobody};
use crate::access::iam::request::ASSUME_ROLE;
use crate::access::iam::{PolicyDecision, PolicyOwner};
use crate::access::trust::{Caller, Document, Request, TrustDecision, evaluate};
use crate::model::policy::{Effect, NamedPrincipal, PrincipalForm, Principals, Statement};
use crate::model::principal::{Principal, PrincipalKind};
use crate::model::snapshot::{DocumentRef, Evidence, Lookup};
use crate::model::workload::DEFAULT_AUDIENCE;

/// How many of those of whom it is not known are named one by one.
const MOST_OPEN: usize = 3;

/// Somebody whom a trust policy names: as what, whether the policy lets it in, and how it is described.
type NamedHolder = (HolderKind, Verdict, String);

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
                        match self.of_account(policy, role, account, statement, out) {
                            Some((outcome, because)) => (HolderKind::Principal, outcome, because),
                            None => continue,
                        }
                    }
                    PrincipalForm::Everyone if lets_in_any_provider(statement) => {
                        self.any_bearers(trust, role, statement, &evidence, out);
                        // Tokens alone: nobody else is meant.
                        if evaluate(policy, &anybody(role)).verdict == Verdict::No {
                            continue;
                        }
                        self.told(policy, trust, role, statement, it)
                    }
                    _ => self.told(policy, trust, role, statement, it),
                };
                let (name, evidence) = (it.text.clone(), Some(evidence.clone()));
                out.holders.push(Holder { kind, name, count: 1, mechanism: None, outcome, because, evidence });
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
    ) -> NamedHolder {
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
            PrincipalForm::Everyone => {
                let verdict = evaluate(policy, &anybody(role));
                let why = match verdict.verdict {
                    Verdict::No => verdict.because,
                    Verdict::Yes => "anybody of any account, and no condition narrows it".to_owned(),
                    Verdict::Unknown => format!("anybody of any account{}", open(statement, None, &verdict)),
                };
                (kind, verdict.verdict, why)
            }
            PrincipalForm::UniqueId => (
                kind,
                Verdict::No,
                "the id of a role or user that was deleted: one made again under the name has another".to_owned(),
            ),
            PrincipalForm::Invalid(why) => (kind, Verdict::No, (*why).to_owned()),
            PrincipalForm::Unclear(why) => (kind, Verdict::Unknown, (*why).to_owned()),
            PrincipalForm::Account { .. } => (kind, Verdict::Unknown, String::new()),
            PrincipalForm::Identity(_) | PrincipalForm::Session(..) => {
                let (outcome, why) = self.identity(policy, role, &it.text);
                (kind, outcome, why)
            }
        }
    }

    /// Whose tokens are taken by a statement that names no provider: this cluster's, and where it asks for no claim of
    /// some issuer, those of all others.
    fn any_bearers(
        &self,
        trust: &Trust<'a>,
        role: &Principal,
        statement: &Statement,
        evidence: &Evidence,
        out: &mut WhyRole,
    ) {
        let mut say = |name: String, outcome, because| {
            let (kind, evidence) = (HolderKind::Provider, Some(evidence.clone()));
            out.holders.push(Holder { kind, name, count: 1, mechanism: None, outcome, because, evidence });
        };
        if let Some(provider) = self.provider_in(&role.partition, &role.account) {
            let (outcome, why) = self.bearers(trust, role, statement, &provider);
            say(provider, outcome, why);
        }
        if statement.conditions.is_empty() {
            let why = "whoever has a token of any other identity provider that the account knows, or of a built-in one";
            say("*".to_owned(), Verdict::Unknown, why.to_owned());
        }
    }

    /// Why no token of this cluster's passes any statement, if that is so.
    pub(super) fn no_bearer(&self, trust: &Trust<'a>, role: &Principal, provider: &str) -> Option<String> {
        let host = provider.split_once(":oidc-provider/").map(|(_, host)| host)?;
        let clients = match self.provider(provider, &role.account) {
            Lookup::Found(it) => it.client_id_list.as_slice(),
            Lookup::Absent | Lookup::Unknown(_) => &[],
        };
        let mut whys = Vec::new();
        for statement in ours(trust, provider) {
            whys.push(takes_nobody(statement, host).or_else(|| takes_no_audience(statement, host, clients))?);
        }
        whys.into_iter().next()
    }

    /// Whose tokens of a provider are taken.
    fn bearers(&self, trust: &Trust<'a>, role: &Principal, statement: &Statement, provider: &str) -> (Verdict, String) {
        let Ok(policy) = trust.policy() else { return (Verdict::Unknown, String::new()) };
        let host = provider.split_once(":oidc-provider/").map(|(_, host)| host);
        let there = self.provider(provider, &role.account);
        if host.is_some() && there == Lookup::Absent {
            return (Verdict::No, "the account has no such provider, and so nobody's tokens count".to_owned());
        }
        let request = of_bearer(policy, role, provider);
        let verdict = evaluate(policy, &request);
        if verdict.verdict == Verdict::No {
            return (Verdict::No, verdict.because);
        }
        if Some(provider) == self.provider_in(&role.partition, &role.account).as_deref() {
            let cluster = "this cluster's service accounts";
            if let Some(why) = self.no_bearer(trust, role, provider) {
                return (Verdict::No, format!("none of {cluster}: {why}"));
            }
            let usual = request.with(&format!("{}:aud", host.unwrap_or_default()), [DEFAULT_AUDIENCE]);
            if evaluate(policy, &usual).verdict == Verdict::Yes {
                return match there {
                    Lookup::Unknown(gap) => {
                        let why = format!(
                            "{cluster}, all of them, if the account has the provider, which is not known: {gap}"
                        );
                        (Verdict::Unknown, why)
                    }
                    _ => (Verdict::Yes, format!("{cluster}, all of them")),
                };
            }
            let whom = subjects(trust, provider);
            let beside = aside(statement, &verdict);
            return match whom.iter().any(|it| it == "*") {
                true => {
                    (Verdict::Unknown, format!("{cluster}, whatever their names{}", open(statement, host, &verdict)))
                }
                false => (Verdict::Unknown, format!("{cluster}, by name: {}{beside}", whom.join(", "))),
            };
        }
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
        (Verdict::Unknown, format!("{who}{}", open(statement, host, &verdict)))
    }

    /// Everybody in an account to whom the policy leaves it; what is said of the account itself, if not all is said by them.
    fn of_account(
        &self,
        policy: &Document,
        role: &Principal,
        account: &str,
        statement: &Statement,
        out: &mut WhyRole,
    ) -> Option<(Verdict, String)> {
        let iam = self.iam;
        // What the trust policy says to everybody there, whatever their own policies say.
        let verdict = evaluate(policy, &somebody_of(account, role));
        if verdict.verdict == Verdict::No {
            return Some((Verdict::No, verdict.because));
        }
        if iam.account.as_deref() != Some(account) {
            let why = format!(
                "whoever in account {account} has a policy of its own that allows it{}; that account is not read",
                open(statement, None, &verdict)
            );
            return Some((Verdict::Unknown, why));
        }
        let role_arn = role.arn();
        let (mut named, mut open) = (0, Vec::new());
        let of_user = |it: &'a crate::model::role::UserDetail| {
            let document = DocumentRef::IamUser(it.user_name.clone());
            (it.arn.as_str(), document, PolicyOwner::user(it, &self.reader))
        };
        let of_role = |it: &'a crate::model::role::RoleDetail| {
            let document = DocumentRef::IamRole(it.role_name.clone());
            (it.arn.as_str(), document, PolicyOwner::role(it, &self.reader))
        };
        let all = iam.roles.items().iter().map(of_role).chain(iam.users.items().iter().map(of_user));
        for (arn, document, owner) in all {
            let own = owner.decide(ASSUME_ROLE, &role_arn);
            if own.allows.verdict == Verdict::No {
                continue;
            }
            let Ok(request) = Request::iam(arn) else { continue };
            let verdict = evaluate(policy, &with_own(request, &own).to_account(&role.account));
            match (verdict.verdict, own.allows.verdict) {
                (Verdict::No, _) => continue,
                (Verdict::Unknown, Verdict::Unknown) => {
                    open.push(own.allows.because);
                    continue;
                }
                (Verdict::Yes | Verdict::Unknown, _) => {}
            }
            named += 1;
            let because = format!("its own policies allow sts:AssumeRole; {}", verdict.because);
            let evidence = Some(Evidence::new(document, ""));
            let (name, kind) = (arn.to_owned(), HolderKind::Principal);
            out.holders.push(Holder {
                kind,
                name,
                count: 1,
                mechanism: None,
                outcome: verdict.verdict,
                because,
                evidence,
            });
        }
        let gaps = [("roles", iam.roles.gap()), ("users", iam.users.gap())];
        open.extend(gaps.into_iter().filter_map(|(what, gap)| Some(format!("the {what} of the account: {}", gap?))));
        let index = statement.index;
        let leaves = format!("Statement[{index}] leaves it to the policies of whoever is in account {account}");
        match (open.as_slice(), named) {
            ([], 0) => Some((Verdict::No, format!("{leaves}, and of its roles and users none has one that allows it"))),
            ([], _) => None,
            (some, _) => {
                let told: Vec<&str> = some.iter().take(MOST_OPEN).map(String::as_str).collect();
                let more = some.len().saturating_sub(MOST_OPEN);
                let more = if more > 0 { format!("; and {more} more") } else { String::new() };
                let why = format!("{leaves}, and of some they are not known: {}{more}", told.join("; "));
                Some((Verdict::Unknown, why))
            }
        }
    }

    fn identity(&self, policy: &Document, role: &Principal, arn: &str) -> (Verdict, String) {
        let Ok(mut request) = Request::iam(arn) else {
            return (Verdict::Unknown, "it is not the ARN of a principal".to_owned());
        };
        request = request.to_account(&role.account);
        if let Ok((caller, session)) = Principal::from_arn(arn) {
            let own = self.iam.account.as_deref() == Some(caller.account.as_str());
            match caller.kind {
                PrincipalKind::Role if own => {
                    if let Lookup::Absent = self.trust(&caller) {
                        return (Verdict::No, "there is no such role, so nobody can sign as it".to_owned());
                    }
                    let own = self.own_policies(&caller, ASSUME_ROLE, &role.arn());
                    request = with_own(request, &if session.is_some() { own.of_session() } else { own });
                }
                PrincipalKind::User if own => match self.iam.user(&caller.account, &caller.name) {
                    Lookup::Absent => {
                        return (Verdict::No, "there is no such user, so nobody can sign as it".to_owned());
                    }
                    Lookup::Found(user) => {
                        let own = PolicyOwner::user(user, &self.reader).decide(ASSUME_ROLE, &role.arn());
                        request = with_own(request, &own);
                    }
                    Lookup::Unknown(gap) => {
                        request = with_own(
                            request,
                            &PolicyDecision::unread(format!("the policies of user {}: {gap}", caller.name)),
                        );
                    }
                },
                _ => {}
            }
        }
        let verdict = evaluate(policy, &request);
        (verdict.verdict, verdict.because)
    }
}

/// Anybody at all, whose own policies allow it: nothing is known of it, least of all its account.
fn anybody(role: &Principal) -> Request {
    // No account has this number, so that no statement about an account is about it.
    let mut request = somebody_of("000000000000", role);
    request = request.forgetting("aws:PrincipalAccount");
    request
}

/// Somebody of an account whose own policies allow it.
fn somebody_of(account: &str, role: &Principal) -> Request {
    let principal =
        Principal { account: account.to_owned(), kind: PrincipalKind::Root, name: String::new(), ..role.clone() };
    let arn = format!("arn:{}:iam::{account}:root", role.partition);
    let caller = Caller::Iam { arn, principal, session: None, path_known: false };
    let mut request = Request::new(caller, [ASSUME_ROLE]).forgetting("aws:PrincipalArn").forgetting("aws:username");
    request.own_policies = Some(true);
    request.to_account(&role.account)
}

/// The bearer of some token of a provider: of its claims nothing is known.
pub(super) fn of_bearer(policy: &Document, role: &Principal, provider: &str) -> Request {
    let saml = provider.contains(":saml-provider/");
    let action = if saml { "sts:AssumeRoleWithSAML" } else { "sts:AssumeRoleWithWebIdentity" };
    let mut request = Request::new(Caller::Federated(provider.to_owned()), [action]).to_account(&role.account);
    let host = provider.split_once(":oidc-provider/").map_or(provider, |(_, host)| host).to_lowercase();
    let own = |key: &&str| key.rsplit_once(':').is_some_and(|(issuer, _)| issuer == host);
    let keys = policy.statements.iter().flat_map(|it| &it.conditions).map(|it| it.lower_key.as_str());
    for key in [":sub", ":aud"].iter().map(|claim| format!("{host}{claim}")).chain(keys.filter(own).map(str::to_owned))
    {
        request = request.forgetting(&key);
    }
    request
}

fn with_own(mut request: Request, own: &PolicyDecision) -> Request {
    request.own_policies = own.allows.verdict.known();
    request.bar = own.bar.clone();
    request
}

/// What another statement says, where that is what keeps an answer open.
fn aside(statement: &Statement, verdict: &TrustDecision) -> String {
    match &verdict.statement {
        Some(it) if it.index != statement.index => format!("; {}", verdict.because),
        _ => String::new(),
    }
}

/// On what it depends: what the statement asks, and what another says.
fn open(statement: &Statement, host: Option<&str>, verdict: &TrustDecision) -> String {
    match conditions(statement, host) {
        it if it.is_empty() => aside(statement, verdict),
        it => format!(", if {it}{}", aside(statement, verdict)),
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

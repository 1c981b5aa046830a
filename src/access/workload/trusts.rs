//! The account's roles with their trust policies, each taken apart once, and by which provider they are trusted.
//!
//! Decides how a role is found (by name, whatever its path, in the account whose IAM was read) and what is said of a
//! policy that cannot be made out. Judging a policy is `access::trust`'s.

use std::collections::{BTreeMap, HashMap};

use crate::access::findings::lets_in_any_provider;
use crate::access::trust::Document;
use crate::model::policy::{Effect, PrincipalForm, Principals};
use crate::model::principal::{Principal, PrincipalKind};
use crate::model::role::RoleDetail;
use crate::model::snapshot::{ClusterFacts, Gap, IamFacts, Lookup, State};

/// A role with its trust policy.
#[derive(Debug)]
pub struct Trust<'a> {
    /// As IAM has it.
    pub detail: &'a RoleDetail,
    /// The trust policy; `Ok(None)` where it was not read, an error where it cannot be made out.
    pub document: Result<Option<Document>, String>,
}

impl Trust<'_> {
    /// The policy, or why there is none to judge.
    pub fn policy(&self) -> Result<&Document, String> {
        match &self.document {
            Ok(Some(document)) => Ok(document),
            Ok(None) => Err(format!(
                "the trust policy of role {} was not read: that takes iam:GetRole or iam:GetAccountAuthorizationDetails",
                self.detail.role_name
            )),
            Err(why) => Err(format!("the trust policy of role {} cannot be made out: {why}", self.detail.role_name)),
        }
    }
}

/// A statement that names a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Trusting {
    /// Whose policy: a place in the index.
    pub role: usize,
    /// Which statement.
    pub statement: usize,
}

pub(super) struct Trusts<'a> {
    iam: &'a IamFacts,
    /// The partition of the cluster, which is that of the account.
    partition: Option<&'a str>,
    all: Vec<Trust<'a>>,
    swept: HashMap<String, usize>,
    asked: HashMap<&'a str, usize>,
    providers: BTreeMap<String, Vec<Trusting>>,
    /// Statements that let in the tokens of any provider.
    any_provider: Vec<Trusting>,
}

impl<'a> Trusts<'a> {
    pub(super) fn new(facts: &'a ClusterFacts, iam: &'a IamFacts) -> Self {
        let cluster = facts.cluster.value().and_then(|it| it.arn.as_deref());
        let first = || iam.roles.items().first().map(|it| it.arn.as_str());
        let partition = cluster.or_else(first).and_then(|arn| arn.split(':').nth(1));
        let mut this = Trusts {
            iam,
            partition,
            all: Vec::with_capacity(iam.roles.items().len()),
            swept: HashMap::new(),
            asked: HashMap::new(),
            providers: BTreeMap::new(),
            any_provider: Vec::new(),
        };
        for role in iam.roles.items() {
            let at = this.add(role);
            this.swept.insert(role.role_name.to_lowercase(), at);
        }
        for (name, role) in &iam.asked_roles {
            if let Ok(Some(role)) = role {
                let at = this.add(role);
                this.asked.insert(name, at);
            }
        }
        this
    }

    fn add(&mut self, detail: &'a RoleDetail) -> usize {
        let at = self.all.len();
        let document = match &detail.assume_role_policy_document {
            None => Ok(None),
            Some(value) => Document::from_value(value).map(Some).map_err(|error| error.to_string()),
        };
        for statement in document.iter().flatten().flat_map(|it| &it.statements) {
            let Principals::AnyOf(named) = &statement.principals else { continue };
            if lets_in_any_provider(statement) {
                self.any_provider.push(Trusting { role: at, statement: statement.index });
            }
            let providers = named.iter().filter(|it| it.form == PrincipalForm::Federated);
            for provider in providers.filter(|_| statement.effect == Some(Effect::Allow)) {
                let trusting = Trusting { role: at, statement: statement.index };
                self.providers.entry(provider.text.clone()).or_default().push(trusting);
            }
        }
        self.all.push(Trust { detail, document });
        at
    }

    pub(super) fn at(&self, at: usize) -> Option<&Trust<'a>> {
        self.all.get(at)
    }

    pub(super) fn of_provider(&self, provider: &str) -> impl Iterator<Item = Trusting> {
        self.providers.get(provider).into_iter().flatten().chain(&self.any_provider).copied()
    }

    /// By name, whatever the path.
    pub(super) fn role(&self, role: &Principal) -> Lookup<&Trust<'a>> {
        // Accounts of one number in two partitions have nothing to do with each other.
        if self.partition.is_some_and(|it| it != role.partition) {
            return Lookup::Unknown(Gap::Foreign(format!("{} of partition {}", role.account, role.partition)));
        }
        let name = role.name.to_lowercase();
        let own = role.kind == PrincipalKind::Role && self.iam.account.as_deref() == Some(role.account.as_str());
        let stale = matches!(self.iam.roles.state(), State::Stale { .. });
        if own
            && !stale
            && let Some(at) = self.swept.get(&name)
        {
            return self.all.get(*at).map_or(Lookup::Absent, Lookup::Found);
        }
        match self.iam.role(&role.account, &role.name) {
            Lookup::Found(detail) => {
                let at = self.asked.get(name.as_str()).into_iter().chain(self.swept.get(&name));
                let mut found = at.filter_map(|at| self.all.get(*at)).filter(|it| std::ptr::eq(it.detail, detail));
                found.next().map_or(Lookup::Absent, Lookup::Found)
            }
            Lookup::Absent => Lookup::Absent,
            Lookup::Unknown(gap) => Lookup::Unknown(gap),
        }
    }
}

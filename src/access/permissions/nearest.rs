//! What came closest to allowing a request that was denied.
//!
//! Decides which rule of an identity's grants falls short in one respect only, and which: the change that would be
//! smallest. Grants of other namespaces count, falling short in the namespace.

use super::index::BindingAt;
use super::policy::policies;
use super::rule::{Respect, allows, is_of_others, lacks, tell};
use super::{Grant, Permissions, Who};
use crate::access::catalog;
use crate::model::rbac::Rule;
use crate::model::request::{Request, Target};
use crate::model::snapshot::Evidence;

/// A rule that falls short in one respect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NearMiss {
    /// The grant.
    pub grant: Grant,
    /// Its rule, counted from 0.
    pub rule: usize,
    /// In which respect.
    pub respect: Respect,
    /// What it has in that respect: `get, list, watch`.
    pub has: String,
    /// The rule in few words.
    pub told: String,
}

impl NearMiss {
    /// `RoleBinding blue/deployers → ClusterRole view, via group deployers, would allow it but for the verb: it has get, list, watch`
    pub fn sentence(&self) -> String {
        format!("{} would allow it but for the {}: it has {}", self.grant, self.respect.as_str(), self.has)
    }
}

impl NearMiss {
    /// The rule that falls short: the role or the catalogue's policy, at that rule.
    pub fn evidence(&self) -> Option<Evidence> {
        Some(Evidence::new(self.grant.rules_document()?, format!("rules[{}]", self.rule)))
    }
}

impl Permissions {
    /// The rule that comes closest; `None` if none is within one respect.
    pub fn nearest(&self, who: &Who, request: &Request) -> Option<NearMiss> {
        let mut best: Option<NearMiss> = None;
        let mut offer = |miss: NearMiss| {
            if best.as_ref().is_none_or(|it| miss.respect < it.respect) {
                best = Some(miss);
            }
        };
        for at in self.all_bindings(who) {
            let own = self.index.binding(at).and_then(|it| it.metadata.namespace.as_deref());
            let here = match at {
                BindingAt::Cluster(_) => true,
                BindingAt::Namespaced(_) => own.is_some_and(|own| !own.is_empty() && own == request.namespace()),
            };
            // A RoleBinding never reaches what has no namespace.
            if !here && matches!(request.target, Target::Path(_)) {
                continue;
            }
            for (rule, it) in self.index.rules(self.index.role_of(at)).iter().enumerate() {
                let Some(respect) = one(it, request, here) else { continue };
                let Some(grant) = self.grant(at, who) else { continue };
                let has = has(it, respect, own.unwrap_or_default());
                offer(NearMiss { grant, rule, respect, has, told: tell(it) });
            }
        }
        for (grant, policy) in policies(who) {
            let here = catalog::covers(&policy.access_scope, request.namespace());
            let rules = catalog::policy(&policy.policy_arn).and_then(|it| it.rules.as_ref()).into_iter().flatten();
            for (rule, it) in rules.enumerate().filter(|(_, it)| it.restricted.is_none()) {
                let Some(respect) = one(&it.rule, request, here) else { continue };
                let has = has(&it.rule, respect, &grant.scope());
                offer(NearMiss { grant: grant.clone(), rule, respect, has, told: tell(&it.rule) });
            }
        }
        best
    }
}

/// The one respect in which a rule falls short, where its grant is not bound counting as one. A resource with its group
/// is one thing to people, though a rule names them apart.
fn one(rule: &Rule, request: &Request, here: bool) -> Option<Respect> {
    match lacks(rule, request) {
        None if here && is_of_others(rule, request) => Some(Respect::Kind),
        short if here => short,
        None if allows(rule, request) => Some(Respect::Namespace),
        _ => None,
    }
}

fn has(rule: &Rule, respect: Respect, namespaces: &str) -> String {
    let list = match respect {
        Respect::Name => &rule.resource_names,
        Respect::Verb => &rule.verbs,
        Respect::Resource => &rule.resources,
        Respect::Group => {
            let named = rule.api_groups.iter().map(|it| if it.is_empty() { "the core group" } else { it });
            return named.collect::<Vec<_>>().join(", ");
        }
        Respect::Kind => {
            let resources = rule.resources.iter().take(MOST_NAMED).cloned().collect::<Vec<_>>().join(", ");
            return format!("{resources} of {}", rule.api_groups.join(", "));
        }
        Respect::Path => &rule.non_resource_urls,
        Respect::Namespace => return namespaces.to_owned(),
    };
    // An empty text is a name too: one that only requests without a name have.
    let list: Vec<&str> = list.iter().map(|it| if it.is_empty() { "\"\"" } else { it.as_str() }).collect();
    match list.get(..MOST_NAMED) {
        Some(first) if list.len() > MOST_NAMED + 1 => {
            format!("{} and {} more", first.join(", "), list.len() - MOST_NAMED)
        }
        _ => list.join(", "),
    }
}

/// So many of what a rule has are named; of more, the rest is counted. The rule itself is the evidence.
const MOST_NAMED: usize = 5;

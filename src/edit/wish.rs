//! What a person asks for in words — a command line, a file of changes — as edits of a draft.
//!
//! Decides what the words mean: whom a name stands for, which policy, that a grant adds to what is there and never narrows
//! it. Whether an edit is wise is [`super::check`]'s.

mod members;

use std::collections::BTreeMap;

use serde::Deserialize;

use super::draft::{Draft, Edit, Refusal};
use super::state::{AssociationState, EntryState, State, Subject, now, sorted};
use crate::access::catalog;
use crate::access::did_you_mean::{NameKind, UnknownName};
use crate::access::find::{Found, find, unknown_principal};
use crate::access::identity::Resolver;
use crate::model::mapping::{AccessScope, ScopeKind};
use crate::model::principal::Principal;
use crate::model::snapshot::{ClusterFacts, IamFacts};
use crate::model::validation::entry::EntryType;

/// A file of changes (`docs/plan.md`).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Wishes {
    /// The cluster that is meant: a guard against the wrong one.
    pub cluster: Option<String>,
    /// What is wanted, in order.
    pub changes: Vec<Wish>,
}

/// One change in words. Exactly one of the verbs is given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Wish {
    /// Give a principal a policy or groups.
    pub grant: Option<String>,
    /// Take a policy or groups from a principal; without either, remove its entry.
    pub revoke: Option<String>,
    /// Set a principal's groups and username.
    pub set: Option<String>,
    /// Delete a principal's entry and make it again.
    pub recreate: Option<String>,
    /// Give a service account (`NAMESPACE/NAME`) a role by Pod Identity.
    pub associate: Option<String>,
    /// Take it away.
    pub dissociate: Option<String>,
    /// `View`, `AmazonEKSViewPolicy`, or the whole ARN.
    pub policy: Option<String>,
    /// Where the policy holds.
    pub namespaces: Vec<String>,
    /// It holds in the whole cluster.
    pub cluster_wide: bool,
    /// Kubernetes groups.
    pub groups: Vec<String>,
    /// The type of a new entry.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// The Kubernetes username.
    pub username: Option<String>,
    /// The role of an association, by ARN.
    pub role: Option<String>,
    /// The second role of a chain, by ARN; the empty text takes away the one that is there.
    pub target_role: Option<String>,
    /// Tags of what is made.
    pub tags: BTreeMap<String, String>,
}

/// Reads a file of changes.
pub fn parse(text: &str) -> Result<Wishes, String> {
    let wishes: Wishes = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
    if wishes.changes.is_empty() {
        return Err("it asks for no changes".to_owned());
    }
    Ok(wishes)
}

/// The policy that a word means: its ARN in the partition.
pub fn policy_arn(word: &str, partition: &str) -> Result<String, Refusal> {
    if word.starts_with("arn:") {
        return Ok(word.to_owned());
    }
    let lower = word.to_lowercase();
    let means = |name: &str| {
        let name = name.to_lowercase();
        name == lower || name == format!("amazoneks{lower}policy") || name == format!("{lower}policy")
    };
    let known = catalog::policies().find(|it| means(&it.name)).map(|it| it.name.as_str());
    let name = known.ok_or_else(|| {
        let all: Vec<(String, &str)> = catalog::policies()
            .flat_map(|it| {
                let short = it.name.trim_start_matches("AmazonEKS").trim_end_matches("Policy");
                [(it.name.clone(), it.name.as_str()), (short.to_owned(), it.name.as_str())]
            })
            .collect();
        let known = all.iter().map(|(name, shown)| (name.as_str(), *shown));
        let unknown = UnknownName::with_aliases(NameKind::Policy, word, known);
        if !unknown.suggestions.is_empty() {
            return Refusal(unknown.to_string());
        }
        let usual: Vec<&str> = catalog::policies()
            .filter(|it| it.assignable_to.as_deref() == Some("customer"))
            .map(|it| it.name.as_str())
            .collect();
        Refusal(format!("no access policy {word:?} is known; there are {}, and others by their ARN", usual.join(", ")))
    })?;
    Ok(format!("arn:{partition}:eks::aws:cluster-access-policy/{name}"))
}

/// The scope that words mean.
fn scope(namespaces: &[String], cluster_wide: bool) -> Result<AccessScope, Refusal> {
    match (namespaces.is_empty(), cluster_wide) {
        (true, false) => Err(Refusal("say where the policy is to hold: namespaces, or the whole cluster".to_owned())),
        (false, true) => Err(Refusal("a policy holds in namespaces or in the whole cluster, not in both".to_owned())),
        (true, true) => Ok(AccessScope::default()),
        (false, false) => Ok(sorted(&AccessScope { kind: ScopeKind::Namespace, namespaces: namespaces.to_vec() })),
    }
}

/// The facts in which words are understood.
pub struct Ground<'a> {
    /// The cluster's.
    pub facts: &'a ClusterFacts,
    /// The account's.
    pub iam: &'a IamFacts,
}

impl Ground<'_> {
    fn partition(&self) -> &str {
        let arn = self.facts.cluster.value().and_then(|it| it.arn.as_deref());
        arn.and_then(|it| it.split(':').nth(1)).unwrap_or("aws")
    }

    /// The principal that a text means, with the path that it has.
    pub fn principal(&self, text: &str) -> Result<Principal, Refusal> {
        let asked = match find(text, self.facts, self.iam).map_err(|error| Refusal(error.to_string()))? {
            Found::One(asked) => asked,
            Found::Many(several) => {
                let arns: Vec<String> = several.iter().map(Principal::arn).collect();
                return Err(Refusal(format!("{text} may be any of these, name one: {}", arns.join(", "))));
            }
            Found::None { .. } => {
                let near = unknown_principal(text, self.facts, self.iam).suggestions;
                let asked =
                    if near.is_empty() { String::new() } else { format!("; did you mean {}?", near.join(" or ")) };
                return Err(Refusal(format!("no principal {text:?} is known here: give its ARN{asked}")));
            }
        };
        if asked.session.is_some() {
            return Err(Refusal(format!("{text} is a session: an entry is for the role, {}", asked.principal.arn())));
        }
        if !EntryType::Standard.spec().principals.contains(&asked.principal.kind) {
            return Err(Refusal(format!("an access entry is for a role or a user, not for {}", asked.principal.kind)));
        }
        let resolver = Resolver::new(self.facts, self.iam);
        Ok(resolver.resolve(&asked).asked.principal)
    }

    /// The namespaces of a scope that are not there, where all were read. Patterns cover what is to come.
    pub fn unknown_namespaces(&self, names: &[String]) -> Vec<UnknownName> {
        let known = &self.facts.namespaces;
        let all = || known.items().iter().map(|it| it.metadata.name.as_str());
        let is_absent = |name: &&String| !name.contains('*') && !all().any(|it| it == *name);
        if known.gap().is_some() {
            return Vec::new();
        }
        names.iter().filter(is_absent).map(|it| UnknownName::new(NameKind::Namespace, it, all())).collect()
    }

    /// What an entry made for a principal begins as.
    pub fn new_entry(&self, principal: &Principal, kind: Option<&str>, username: Option<&str>) -> EntryState {
        let kind = kind.unwrap_or("STANDARD").to_owned();
        let default = EntryType::of(&kind).and_then(|it| it.default_username(principal));
        EntryState { kind, username: username.map(str::to_owned).or(default), ..EntryState::default() }
    }

    /// Stages a wish.
    pub fn stage(&self, draft: &mut Draft, wish: &Wish) -> Result<(), Refusal> {
        let verb =
            members::verb(wish).ok_or_else(|| Refusal(format!("give exactly one of {}", members::VERBS.join(", "))))?;
        members::fit(wish, verb)?;
        if let Some(account) = wish.associate.as_ref().or(wish.dissociate.as_ref()) {
            return self.association(draft, wish, account);
        }
        let whom = wish.grant.as_ref().or(wish.revoke.as_ref()).or(wish.set.as_ref()).or(wish.recreate.as_ref());
        let principal = self.principal(whom.map(String::as_str).unwrap_or_default())?;
        let subject = Subject::Entry(principal.arn());
        let fresh = || {
            let mut new = self.new_entry(&principal, wish.kind.as_deref(), wish.username.as_deref());
            new.tags.clone_from(&wish.tags);
            new
        };
        let mut next = draft.clone();
        for edit in self.edits(&next, &subject, wish)? {
            next.stage(self.facts, &subject, edit, fresh)?;
        }
        *draft = next;
        Ok(())
    }

    fn edits(&self, draft: &Draft, subject: &Subject, wish: &Wish) -> Result<Vec<Edit>, Refusal> {
        let policy = wish.policy.as_deref().map(|it| policy_arn(it, self.partition())).transpose()?;
        let staged = match draft.change(subject) {
            Some(change) => change.after.clone(),
            None => now(self.facts, subject).known().map_err(Refusal)?,
        };
        let has = match &staged {
            Some(State::Entry(it)) => Some(it),
            _ => None,
        };
        let groups = (!wish.groups.is_empty()).then(|| wish.groups.clone());
        let mut edits = Vec::new();
        match () {
            () if wish.grant.is_some() => {
                if let Some(has) = has {
                    let kind = wish.kind.as_deref().filter(|it| *it != has.kind);
                    if let Some(kind) = kind {
                        let is = &has.kind;
                        return Err(Refusal(format!(
                            "its entry is of type {is}: it must be removed before one of type {kind} is made"
                        )));
                    }
                }
                if let Some(policy_arn) = policy {
                    let wanted = scope(&wish.namespaces, wish.cluster_wide)?;
                    let scope = has
                        .and_then(|it| it.policies.get(&policy_arn))
                        .map_or(wanted.clone(), |old| wider(old, &wanted));
                    edits.push(Edit::GivePolicy { policy_arn, scope });
                }
                edits.extend(groups.map(Edit::GiveGroups));
                if has.is_some() && !wish.tags.is_empty() {
                    edits.push(Edit::GiveTags(wish.tags.clone()));
                }
                if edits.is_empty() && has.is_none() && (wish.kind.is_some() || wish.username.is_some()) {
                    edits.push(Edit::GiveGroups(Vec::new()));
                }
                if edits.is_empty() {
                    return Err(Refusal("say what to grant: a policy, or groups".to_owned()));
                }
                if let (Some(has), Some(username)) = (has, &wish.username) {
                    let groups = has.groups.iter().chain(&wish.groups).cloned().collect();
                    edits.push(Edit::Identity { groups, username: Some(username.clone()) });
                }
            }
            () if wish.revoke.is_some() => {
                if has.is_none()
                    && let Some(why) = self.of_aws_auth(subject)
                {
                    return Err(Refusal(why));
                }
                edits.extend(policy.map(|policy_arn| Edit::TakePolicy { policy_arn }));
                edits.extend(groups.map(Edit::TakeGroups));
                if edits.is_empty() {
                    edits.push(Edit::Remove);
                }
            }
            () if wish.set.is_some() => {
                edits.push(Edit::Identity { groups: wish.groups.clone(), username: wish.username.clone() });
            }
            () => edits.push(Edit::Again),
        }
        Ok(edits)
    }

    fn association(&self, draft: &mut Draft, wish: &Wish, account: &str) -> Result<(), Refusal> {
        let (namespace, name) = account
            .split_once('/')
            .filter(|(namespace, name)| !namespace.is_empty() && !name.is_empty())
            .ok_or_else(|| Refusal(format!("{account:?} is no service account: write NAMESPACE/NAME")))?;
        let subject = Subject::Association(namespace.to_owned(), name.to_owned());
        let edit = match (&wish.associate, &wish.role) {
            (None, _) => Edit::Dissociate,
            (Some(_), None) => return Err(Refusal("say which role the service account is to get".to_owned())),
            (Some(_), Some(role)) => {
                // What was taken away in the same draft and is made anew begins anew.
                let staged = match draft.change(&subject) {
                    Some(change) => change.after.clone(),
                    None => now(self.facts, &subject).known().map_err(Refusal)?,
                };
                let mut state = match staged {
                    Some(State::Association(it)) => it,
                    _ => AssociationState::default(),
                };
                state.role_arn = self.principal(role)?.arn();
                if let Some(target) = &wish.target_role {
                    state.target_role_arn = Some(target.clone()).filter(|it| !it.is_empty());
                }
                state.tags.extend(wish.tags.clone());
                Edit::Associate(state)
            }
        };
        draft.stage(self.facts, &subject, edit, EntryState::default)
    }
}

/// A grant adds: where the policy holds already, and where it is wanted.
pub(super) fn wider(old: &AccessScope, wanted: &AccessScope) -> AccessScope {
    if old.kind == ScopeKind::Cluster || wanted.kind == ScopeKind::Cluster {
        return AccessScope::default();
    }
    let namespaces = old.namespaces.iter().chain(&wanted.namespaces).cloned().collect();
    sorted(&AccessScope { kind: ScopeKind::Namespace, namespaces })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_are_named_in_short() {
        let arn = |word: &str| policy_arn(word, "aws-us-gov").map_err(|it| it.0);
        let view = Ok("arn:aws-us-gov:eks::aws:cluster-access-policy/AmazonEKSViewPolicy".to_owned());
        for word in ["View", "view", "AmazonEKSViewPolicy", "amazoneksview"] {
            assert_eq!(arn(word), view, "{word}");
        }
        assert_eq!(arn("arn:aws:x"), Ok("arn:aws:x".to_owned()));
        let asked = "no access policy \"Veiw\" is known; did you mean AmazonEKSViewPolicy?";
        assert_eq!(arn("Veiw"), Err(asked.to_owned()));
        assert!(
            arn("Everything").is_err_and(|it| it.contains("there are AmazonEKS")),
            "nothing is near: all are named"
        );
    }

    #[test]
    fn a_grant_widens_and_never_narrows() {
        let of = |names: &[&str]| AccessScope {
            kind: ScopeKind::Namespace,
            namespaces: names.iter().map(|&it| it.into()).collect(),
        };
        assert_eq!(wider(&of(&["b"]), &of(&["a", "b"])), of(&["a", "b"]));
        assert_eq!(wider(&AccessScope::default(), &of(&["a"])), AccessScope::default());
        assert!(scope(&[], false).is_err() && scope(&["a".into()], true).is_err());
    }

    #[test]
    fn a_file_of_changes_is_read_and_its_slips_are_named() {
        let wishes =
            parse("cluster: c\nchanges:\n- {grant: ci, policy: View, namespaces: [a]}\n- {revoke: old}\n").unwrap();
        assert_eq!(wishes.changes.len(), 2);
        let slip = parse("changes:\n- {grant: ci, polcy: View}\n").unwrap_err();
        assert!(slip.contains("polcy") && slip.contains('2'), "{slip}");
        assert!(parse("changes: []\n").is_err());
    }
}

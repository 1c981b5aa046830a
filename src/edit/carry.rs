//! What of a principal's access can be given to another, or to the same one in another cluster.
//!
//! Decides what is carried and what is left, each with why: groups that EKS keeps for itself, a username that is the
//! default of the old principal's ARN, everything of an entry that is EKS's own to fill. Whether the copy is wise is
//! [`super::check`]'s.

use std::collections::{BTreeMap, BTreeSet};

use super::draft::{Draft, Edit, Refusal};
use super::state::{EntryState, State, Subject, now};
use super::wish::Ground;
use crate::model::mapping::AccessScope;
use crate::model::principal::Principal;
use crate::model::validation::entry::{self, EntryType};

/// What is carried of somebody's access.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    /// Whose it is.
    pub principal: Principal,
    /// Kubernetes groups.
    pub groups: BTreeSet<String>,
    /// The username, where it is one that somebody chose.
    pub username: Option<String>,
    /// By policy ARN.
    pub policies: BTreeMap<String, AccessScope>,
    /// What is not carried, and why, as sentences.
    pub left: Vec<String>,
}

/// Of an access entry.
pub fn of_entry(principal: &Principal, state: &EntryState) -> Result<Carried, String> {
    let standard = EntryType::of(&state.kind) == Some(EntryType::Standard);
    if !standard {
        return Err(format!("an entry of type {} is for nodes, and EKS's own to fill: it is not copied", state.kind));
    }
    let default = entry::standard_username(principal);
    let mut left = Vec::new();
    if !state.tags.is_empty() {
        left.push("its tags stay behind".to_owned());
    }
    Ok(Carried {
        principal: principal.clone(),
        groups: state.groups.clone(),
        username: state.username.clone().filter(|it| *it != default),
        policies: state.policies.clone(),
        left,
    })
}

/// Of a row of aws-auth. What EKS would not take in an entry is left.
pub fn of_row(principal: &Principal, username: &str, groups: &[String]) -> Carried {
    let mut left = Vec::new();
    let (kept, refused): (Vec<&String>, Vec<&String>) = groups.iter().partition(|it| entry::group(it).is_ok());
    for group in refused {
        let instead = match group.as_str() {
            "system:masters" => "; AmazonEKSClusterAdminPolicy on the cluster gives as much",
            _ => "",
        };
        left.push(format!("the group {group} cannot stand in an access entry{instead}"));
    }
    let default = entry::standard_username(principal);
    let own = Some(username.to_owned()).filter(|it| !it.is_empty() && *it != default);
    let username = match own.as_deref().map(entry::username) {
        Some(Err(wrong)) => {
            left.push(format!("its username stays behind: {}", wrong.message));
            None
        }
        // Placeholders of nodes mean nothing in a STANDARD entry.
        _ if own.as_deref().is_some_and(|it| it.contains("{{EC2PrivateDNSName}}")) => {
            left.push("its username is a node's and stays behind".to_owned());
            None
        }
        _ => own,
    };
    Carried {
        principal: principal.clone(),
        groups: kept.into_iter().cloned().collect(),
        username,
        policies: BTreeMap::new(),
        left,
    }
}

impl Carried {
    /// Is there nothing to give?
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty() && self.policies.is_empty()
    }

    /// In few words: `View @ blue · groups devs, ops · username dev where the entry is new`.
    pub fn tell(&self) -> String {
        let mut parts: Vec<String> = Vec::new();
        parts.extend(
            self.policies.iter().map(|(arn, scope)| format!("{} @ {scope}", crate::model::words::last_part(arn))),
        );
        if !self.groups.is_empty() {
            parts.push(format!("groups {}", self.groups.iter().cloned().collect::<Vec<_>>().join(", ")));
        }
        if let Some(username) = self.username.as_ref().filter(|_| !parts.is_empty()) {
            // An entry that is there keeps its own.
            parts.push(format!("username {username} where the entry is new"));
        }
        if parts.is_empty() { "nothing that could be carried".to_owned() } else { parts.join(" · ") }
    }

    /// Stages it for a principal: an entry that is there is added to, and keeps its username.
    pub fn stage(&self, ground: &Ground<'_>, draft: &mut Draft, to: &Principal) -> Result<(), Refusal> {
        if self.is_empty() {
            return Err(Refusal(format!(
                "nothing of the access of {} could be carried: {}",
                self.principal.name,
                self.left.join("; ")
            )));
        }
        let subject = Subject::Entry(to.arn());
        let staged = match draft.change(&subject) {
            Some(change) => change.after.clone(),
            None => now(ground.facts, &subject).known().map_err(Refusal)?,
        };
        let mut state = match staged {
            Some(State::Entry(it)) if it.kind != EntryType::Standard.as_str() => {
                return Err(Refusal(format!("its entry is of type {}: nothing can be added to it", it.kind)));
            }
            Some(State::Entry(it)) => it,
            _ => ground.new_entry(to, None, self.username.as_deref()),
        };
        state.groups.extend(self.groups.iter().cloned());
        for (arn, scope) in &self.policies {
            let wider = state.policies.get(arn).map_or_else(|| scope.clone(), |old| super::wish::wider(old, scope));
            state.policies.insert(arn.clone(), wider);
        }
        draft.stage(ground.facts, &subject, Edit::Be(Box::new(state)), EntryState::default)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn principal(name: &str) -> Principal {
        Principal::role("111122223333", "/", name)
    }

    fn names(all: &[&str]) -> Vec<String> {
        all.iter().map(|&it| it.to_owned()).collect()
    }

    #[test]
    fn the_username_of_the_old_principal_is_carried_only_where_somebody_chose_it() {
        let old = principal("dev");
        let state = |username: String| EntryState {
            kind: "STANDARD".into(),
            username: Some(username),
            groups: names(&["devs"]).into_iter().collect(),
            ..EntryState::default()
        };
        let by_default = of_entry(&old, &state(entry::standard_username(&old))).unwrap();
        assert_eq!(by_default.username, None);
        let chosen = of_entry(&old, &state("dev:{{SessionName}}".into())).unwrap();
        assert_eq!(chosen.username.as_deref(), Some("dev:{{SessionName}}"));
        let node = EntryState { kind: "EC2_LINUX".into(), ..EntryState::default() };
        assert!(of_entry(&old, &node).is_err_and(|why| why.contains("for nodes")));
    }

    #[test]
    fn what_an_entry_cannot_hold_of_a_row_is_left_with_why() {
        let it = of_row(&principal("ops"), "system:node:{{EC2PrivateDNSName}}", &names(&["system:masters", "ops"]));
        assert_eq!(it.groups.iter().map(String::as_str).collect::<Vec<_>>(), ["ops"]);
        assert_eq!(it.username, None);
        let left = it.left.join("\n");
        assert!(left.contains("system:masters") && left.contains("AmazonEKSClusterAdminPolicy"), "{left}");
        assert!(left.contains("username"), "{left}");
        assert!(of_row(&principal("ops"), "ops", &names(&["system:masters"])).is_empty());
    }
}

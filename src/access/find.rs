//! What a typed name or a pasted text means.
//!
//! Decides which principals a name may stand for: those of the account's IAM and those that any mapping or workload
//! names. An ARN needs no list to be understood.

use std::collections::BTreeMap;

use super::identity::meant;
use crate::model::principal::{ArnError, Asked, Principal, PrincipalKey, PrincipalKind, Query, parse_query};
use crate::model::snapshot::{ClusterFacts, Gap, IamFacts, Lookup, Section};

/// The principals that a text may mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Exactly this one (an ARN is always exactly one, whether it exists or not).
    One(Box<Asked>),
    /// Several of that name: ask again with one of these.
    Many(Vec<Principal>),
    /// None of that name is known. `complete` is false if some source of names could not be read.
    None {
        /// Were all sources of names read?
        complete: bool,
    },
}

/// Finds the principal meant by an ARN, a pasted text that holds one, a name, `role/NAME`, `user/NAME`,
/// `ACCOUNT:role/NAME`, `assumed-role/ROLE/SESSION`, or a permission set's name. Of several of one name, one that alone
/// is not known to be gone is meant.
pub fn find(text: &str, facts: &ClusterFacts, iam: &IamFacts) -> Result<Found, ArnError> {
    let name = match parse_query(text)? {
        Query::Arn(asked) => return Ok(Found::One(asked)),
        Query::Name(name) => name,
    };
    let (wanted, session) = match name.strip_prefix("assumed-role/").and_then(|rest| rest.split_once('/')) {
        Some((role, session)) => (format!("role/{role}").to_lowercase(), Some(session.to_owned())),
        None => (name.to_lowercase(), None),
    };
    let home = iam.account.as_deref();
    let fits = |principal: &Principal| {
        let named = principal.kind != PrincipalKind::Root;
        principal.short(home).to_lowercase() == wanted
            || principal.short(None).to_lowercase() == wanted
            || named && format!("{}/{}", principal.kind, principal.name).to_lowercase() == wanted
            || named && principal.name.to_lowercase() == wanted
            || principal.permission_set().is_some_and(|set| set.to_lowercase() == wanted)
    };
    let mut found: Vec<Principal> = known_principals(facts, iam).into_values().filter(fits).collect();
    if found.len() > 1 {
        let there = |it: &&Principal| !matches!(iam.existing(it), Lookup::Absent);
        if let [only] = found.iter().filter(there).collect::<Vec<_>>().as_slice() {
            found = vec![(*only).clone()];
        }
    }
    Ok(match (found.len(), found.pop()) {
        (1, Some(principal)) => {
            let given = text.trim().to_owned();
            Found::One(Box::new(Asked { given, session, ..Asked::principal(principal) }))
        }
        (_, Some(last)) => {
            found.push(last);
            Found::Many(found)
        }
        (_, None) => Found::None { complete: unread(facts, iam).is_empty() },
    })
}

/// The sources of names that could not be read, each with the reason.
pub fn unread(facts: &ClusterFacts, iam: &IamFacts) -> Vec<String> {
    fn of<T>(name: &str, section: &Section<T>) -> Option<String> {
        let gap = section.gap().or_else(|| section.missing().first().map(|it| Gap::Item(it.failure.clone())))?;
        Some(format!("{name}: {gap}"))
    }
    let sources = [
        of("IAM roles", &iam.roles),
        of("IAM users", &iam.users),
        // An entry that could not be read is named all the same.
        facts.access_entries.unnamed_gap().map(|gap| format!("access entries: {gap}")),
        of("aws-auth", &facts.aws_auth),
    ];
    sources.into_iter().flatten().collect()
}

/// Every principal that any fact names, once each; where one is named with and without its path, with it.
pub(crate) fn known_principals(facts: &ClusterFacts, iam: &IamFacts) -> BTreeMap<PrincipalKey, Principal> {
    let mut all: BTreeMap<PrincipalKey, Principal> = BTreeMap::new();
    let mut add = |arn: &str| {
        let Some(principal) = meant(arn) else { return };
        let known = all.entry(principal.key()).or_insert_with(|| principal.clone());
        if known.path == "/" {
            *known = principal;
        }
    };
    let asked_roles = iam.asked_roles.values().filter_map(|it| it.as_ref().ok()?.as_ref());
    iam.roles.items().iter().for_each(|role| add(&role.arn));
    asked_roles.for_each(|role| add(&role.arn));
    iam.users.items().iter().for_each(|user| add(&user.arn));
    facts.access_entries.items().iter().for_each(|entry| add(&entry.principal_arn));
    facts.access_entries.missing().iter().filter_map(|m| m.item.as_deref()).for_each(&mut add);
    if let Some(Some((_, auth))) = facts.aws_auth.value() {
        auth.rows.iter().filter_map(|row| row.arn.as_deref()).for_each(&mut add);
    }
    facts.service_accounts.items().iter().filter_map(|it| it.role_arn()).for_each(&mut add);
    for it in facts.pod_identity_associations.items() {
        it.role_arn.iter().chain(&it.target_role_arn).for_each(|arn| add(arn));
    }
    facts.nodegroups.items().iter().filter_map(|it| it.node_role.as_deref()).for_each(&mut add);
    facts.addons.items().iter().filter_map(|it| it.service_account_role_arn.as_deref()).for_each(&mut add);
    if let Some(cluster) = facts.cluster.value() {
        let node_role = cluster.compute_config.as_ref().and_then(|config| config.node_role_arn.as_deref());
        cluster.role_arn.as_deref().into_iter().chain(node_role).for_each(&mut add);
    }
    facts.fargate_profiles.items().iter().filter_map(|it| it.pod_execution_role_arn.as_deref()).for_each(&mut add);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::mapping::AccessEntry;
    use crate::model::snapshot::Section;
    use crate::model::time::Time;

    fn facts(arns: &[&str]) -> ClusterFacts {
        let entry = |arn: &&str| AccessEntry { principal_arn: (*arn).into(), ..AccessEntry::default() };
        ClusterFacts {
            access_entries: Section::known(arns.iter().map(entry).collect(), Time::default()),
            ..ClusterFacts::default()
        }
    }

    #[test]
    fn a_principal_is_found_by_name_short_form_and_permission_set() {
        let facts = facts(&[
            "arn:aws:iam::111122223333:role/teams/blue/deployer",
            "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admins_0123456789abcdef",
            "arn:aws:iam::555566667777:role/partner",
            "arn:aws:iam::555566667777:user/deployer",
        ]);
        let iam = IamFacts { account: Some("111122223333".into()), ..IamFacts::default() };
        let arn = |text: &str| match find(text, &facts, &iam) {
            Ok(Found::One(asked)) => asked.principal.arn(),
            other => format!("{other:?}"),
        };
        let deployer = "arn:aws:iam::111122223333:role/teams/blue/deployer";
        assert_eq!(arn("role/teams/blue/deployer"), deployer);
        assert_eq!(arn("role/deployer"), deployer);
        assert_eq!(arn("111122223333:role/teams/blue/deployer"), deployer);
        assert!(arn("Admins").contains("AWSReservedSSO_Admins"));
        assert_eq!(arn("555566667777:role/partner"), "arn:aws:iam::555566667777:role/partner");
        assert!(matches!(find("deployer", &facts, &iam), Ok(Found::Many(both)) if both.len() == 2));
        assert_eq!(find("nobody", &facts, &iam), Ok(Found::None { complete: false }), "IAM was never read");
        assert!(
            matches!(find("assumed-role/deployer/jane", &facts, &iam), Ok(Found::One(asked)) if asked.session.as_deref() == Some("jane"))
        );
        assert!(find("arn:aws:iam::1:role/x", &facts, &iam).is_err());
    }
}

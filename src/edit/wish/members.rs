//! Which members of a wish its verb takes.
//!
//! Decides that nothing is left unread: a member that the verb has no use for is a mistake, told with what to write
//! instead, for what it was meant to do would otherwise not be done, or too much would.

use super::Wish;
use crate::edit::draft::Refusal;

/// The verbs, as they are written.
pub(super) const VERBS: [&str; 6] = ["grant", "revoke", "set", "recreate", "associate", "dissociate"];

/// Member, and the verbs that take it.
pub(super) const MEMBERS: [(&str, &[&str]); 9] = [
    ("policy", &["grant", "revoke"]),
    ("namespaces", &["grant"]),
    ("clusterWide", &["grant"]),
    ("groups", &["grant", "revoke", "set"]),
    ("username", &["grant", "set"]),
    ("type", &["grant"]),
    ("tags", &["grant", "associate"]),
    ("role", &["associate"]),
    ("targetRole", &["associate"]),
];

/// The verb of a wish, where it has one and no other.
pub(super) fn verb(wish: &Wish) -> Option<&'static str> {
    let given = [&wish.grant, &wish.revoke, &wish.set, &wish.recreate, &wish.associate, &wish.dissociate];
    let mut given = VERBS.into_iter().zip(given).filter(|(_, it)| it.is_some()).map(|(verb, _)| verb);
    given.next().filter(|_| given.next().is_none())
}

/// Is every member that is given one that the verb takes?
pub(super) fn fit(wish: &Wish, verb: &str) -> Result<(), Refusal> {
    let given = [
        wish.policy.is_some(),
        !wish.namespaces.is_empty(),
        wish.cluster_wide,
        !wish.groups.is_empty(),
        wish.username.is_some(),
        wish.kind.is_some(),
        !wish.tags.is_empty(),
        wish.role.is_some(),
        wish.target_role.is_some(),
    ];
    for ((member, of), is_given) in MEMBERS.into_iter().zip(given) {
        if is_given && !of.contains(&verb) {
            return Err(Refusal(format!("{verb} takes no {member}: {}", instead(verb, member, of))));
        }
    }
    if wish.policy.is_none() && (!wish.namespaces.is_empty() || wish.cluster_wide) {
        let member = if wish.cluster_wide { "clusterWide" } else { "namespaces" };
        return Err(Refusal(format!("{member} says where a policy holds: name the policy as well")));
    }
    Ok(())
}

/// What to write for what was meant.
fn instead(verb: &str, member: &str, of: &[&str]) -> String {
    match (verb, member) {
        ("revoke", "namespaces" | "clusterWide") => {
            "it takes the whole policy; to leave it in some namespaces, revoke it and then grant it there, both in one file"
                .to_owned()
        }
        ("recreate", "groups" | "username") => {
            "the entry is made again as it is; write set beside it for another identity".to_owned()
        }
        ("recreate", "type") => "the entry is made again as it is; for another type, revoke it and grant it anew".to_owned(),
        ("set" | "recreate", "policy" | "namespaces" | "clusterWide") => {
            format!("{verb} leaves policies as they are; write grant or revoke for them")
        }
        ("associate" | "dissociate", "policy" | "namespaces" | "clusterWide" | "groups" | "username" | "type") => {
            "that is an access entry's; write grant, with the role's ARN".to_owned()
        }
        (_, "role" | "targetRole") => "that is a Pod Identity association's; write associate".to_owned(),
        _ => format!("it belongs to {}", of.join(" and ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(verb: &str, member: &str) -> Wish {
        let mut it = Wish::default();
        let name = Some("x".to_owned());
        match verb {
            "grant" => it.grant = name.clone(),
            "revoke" => it.revoke = name.clone(),
            "set" => it.set = name.clone(),
            "recreate" => it.recreate = name.clone(),
            "associate" => it.associate = name.clone(),
            _ => it.dissociate = name.clone(),
        }
        match member {
            "policy" => it.policy = name,
            "namespaces" => (it.namespaces, it.policy) = (vec!["a".into()], it.grant.clone()),
            "clusterWide" => (it.cluster_wide, it.policy) = (true, it.grant.clone()),
            "groups" => it.groups = vec!["a".into()],
            "username" => it.username = name,
            "type" => it.kind = name,
            "tags" => it.tags = [("a".to_owned(), "b".to_owned())].into(),
            "role" => it.role = name,
            _ => it.target_role = name,
        }
        it
    }

    #[test]
    fn each_verb_takes_its_members_and_names_every_other() {
        for verb in VERBS {
            for (member, of) in MEMBERS {
                let wish = wish(verb, member);
                assert_eq!(super::verb(&wish), Some(verb));
                match fit(&wish, verb) {
                    Ok(()) => assert!(of.contains(&verb), "{verb} {member}"),
                    Err(why) => {
                        assert!(!of.contains(&verb), "{verb} {member}: {why}");
                        assert!(why.0.starts_with(&format!("{verb} takes no {member}: ")), "{why}");
                    }
                }
            }
        }
        let places = Wish { policy: None, ..wish("grant", "namespaces") };
        assert!(fit(&places, "grant").is_err_and(|it| it.0.contains("name the policy")));
    }
}

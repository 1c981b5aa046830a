//! What would be said against a value, while it is still being typed.
//!
//! Decides by EKS's own rules (`model::validation`) and by what is known of the account, in words for whoever types. What
//! follows from the value once it is staged is [`super::check`]'s.

use super::wish::{Ground, policy_arn};
use crate::access::catalog;
use crate::access::identity::Resolver;
use crate::model::principal::{Principal, PrincipalKind};
use crate::model::snapshot::Lookup;
use crate::model::validation::entry::{self, EntryType};
use crate::model::validation::{Home, policy};
use crate::model::words::{count, last_part};

/// What is said of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// Nothing.
    Fine,
    /// It will do, and this is to be known.
    Known(String),
    /// It may do: something about it is not known.
    Open(String),
    /// It will not do.
    Wrong(String),
}

impl Word {
    /// Would it be refused?
    pub fn is_wrong(&self) -> bool {
        matches!(self, Word::Wrong(_))
    }
}

impl Ground<'_> {
    fn home(&self) -> (String, String) {
        let arn = self.facts.cluster.value().and_then(|it| it.arn.clone()).unwrap_or_default();
        let part = |n: usize| arn.split(':').nth(n).unwrap_or_default().to_owned();
        (Some(part(1)).filter(|it| !it.is_empty()).unwrap_or_else(|| "aws".to_owned()), part(4))
    }

    /// Somebody who is to get in, by ARN or name.
    pub fn judge_principal(&self, text: &str) -> Word {
        let written = match text.starts_with("arn:").then(|| Principal::from_arn(text)) {
            Some(Err(error)) => return Word::Wrong(error.to_string()),
            Some(Ok((principal, _))) => Some(principal),
            None => None,
        };
        let principal = match self.principal(text) {
            Ok(principal) => principal,
            Err(refusal) => return Word::Wrong(refusal.to_string()),
        };
        let (partition, account) = self.home();
        let home = Home { partition: &partition, account: &account };
        if entry::not_service_linked(&principal).is_err() {
            return Word::Wrong("it is a service-linked role: its entry is the service's own business".to_owned());
        }
        if entry::principal_for(EntryType::Standard, &principal, home).is_err() {
            return Word::Wrong(format!("it is of partition {}, the cluster of {partition}", principal.partition));
        }
        if principal.kind == PrincipalKind::Root {
            return Word::Known(entry::ROOT_ALONE.to_owned());
        }
        let resolver = Resolver::new(self.facts, self.iam);
        match resolver.existing(&principal) {
            Lookup::Absent => Word::Wrong(format!(
                "account {} has no {} {}: EKS would refuse it",
                principal.account, principal.kind, principal.name
            )),
            Lookup::Unknown(gap) => Word::Open(format!("whether it exists is not known: {gap}")),
            Lookup::Found((own, _)) if !own.is_empty() && own != principal.arn() => {
                Word::Wrong(format!("no {} has this ARN: the one of that name is {}", principal.kind, last_of(own)))
            }
            Lookup::Found(_) if written.is_some_and(|it| it != principal) => {
                Word::Known(format!("it is {}", principal.arn()))
            }
            Lookup::Found(_) => Word::Fine,
        }
    }

    /// The groups and the username of an entry.
    pub fn judge_identity(&self, kind: &str, groups: &[String], own_username: Option<&str>) -> Word {
        let Some(kind) = EntryType::of(kind) else { return Word::Fine };
        match entry::identity(kind, own_username, groups) {
            Ok(()) => Word::Fine,
            Err(_) if !kind.has_own_identity() => Word::Wrong(format!(
                "an entry of type {} is EKS's own to fill: it takes neither groups nor a username",
                kind.as_str()
            )),
            Err(wrong) => Word::Wrong(wrong.message),
        }
    }

    /// A policy, by name or ARN.
    pub fn judge_policy(&self, text: &str) -> Word {
        let (partition, account) = self.home();
        let home = Home { partition: &partition, account: &account };
        match policy_arn(text, &partition) {
            Err(_) => Word::Wrong("no access policy is called that".to_owned()),
            Ok(arn) => match policy::policy_name(&arn, home) {
                Err(wrong) => Word::Wrong(wrong.message),
                Ok(name) => match catalog::policy(&arn) {
                    None => Word::Open(format!(
                        "no policy {name} is known here: EKS may know it, what it grants is not known"
                    )),
                    Some(known) => match policy::assignable(name, known.assignable_to.as_deref()) {
                        Err(wrong) => Word::Wrong(wrong.message),
                        Ok(()) => Word::Fine,
                    },
                },
            },
        }
    }

    /// Where a policy is to hold: what the names cover today.
    pub fn judge_namespaces(&self, names: &[String]) -> Word {
        let known = &self.facts.namespaces;
        let covered = |name: &String| {
            known.items().iter().filter(|it| catalog::namespace_matches(name, &it.metadata.name)).count()
        };
        if let Some(gap) = known.gap() {
            return Word::Open(format!("which namespaces there are is not known: {gap}"));
        }
        let (patterns, plain): (Vec<&String>, Vec<&String>) = names.iter().partition(|it| it.contains('*'));
        let absent: Vec<&str> = plain.iter().filter(|it| covered(it) == 0).map(|it| it.as_str()).collect();
        let pattern = |it: &&String| {
            format!("{it} matches {} today and any later one", count(covered(it), "namespace", "namespaces"))
        };
        let mut told: Vec<String> = patterns.iter().map(pattern).collect();
        match absent.as_slice() {
            [] => {}
            [one] => {
                let near: Vec<String> =
                    self.unknown_namespaces(names).into_iter().flat_map(|it| it.suggestions).collect();
                let asked =
                    if near.is_empty() { String::new() } else { format!("; did you mean {}?", near.join(" or ")) };
                told.push(format!("there is no namespace {one} today{asked}"));
            }
            some => told.push(format!("there are no namespaces {} today", some.join(", "))),
        }
        if told.is_empty() { Word::Fine } else { Word::Known(told.join("; ")) }
    }

    /// The role of an association, by ARN; `target` is the second of a chain, which may be another account's.
    pub fn judge_role(&self, arn: &str, target: bool) -> Word {
        let role = match Principal::from_arn(arn) {
            Ok((role, None)) if role.kind == PrincipalKind::Role => role,
            Ok((_, Some(_))) => return Word::Wrong("that is a session: name its role".to_owned()),
            Ok((other, None)) => return Word::Wrong(format!("that is a {}: a pod gets a role", other.kind)),
            Err(error) => return Word::Wrong(error.to_string()),
        };
        let (_, account) = self.home();
        let foreign = !account.is_empty() && role.account != account;
        if foreign && !target {
            return Word::Wrong(format!(
                "it is of account {}: choose a role of this account here, and that one as the target role after it",
                role.account
            ));
        }
        match Resolver::new(self.facts, self.iam).existing(&role) {
            Lookup::Absent => {
                Word::Wrong(format!("account {} has no role {}: EKS would refuse it", role.account, role.name))
            }
            Lookup::Found((own, _)) if !own.is_empty() && own != arn => {
                Word::Wrong(format!("the role of that name is {}", last_of(own)))
            }
            Lookup::Found(_) => Word::Fine,
            Lookup::Unknown(gap) => Word::Open(format!("whether it exists is not known: {gap}")),
        }
    }
}

/// The part of an ARN after the account: `role/path/name`.
fn last_of(arn: &str) -> &str {
    arn.splitn(6, ':').nth(5).unwrap_or_else(|| last_part(arn))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::document::read;
    use crate::model::facts::snapshot_of;
    use crate::model::snapshot::Source;

    const WORLD: &str = include_str!("../../tests/worlds/edited.yaml");

    fn judged<T>(with: impl FnOnce(&Ground<'_>) -> T) -> T {
        let snapshot = snapshot_of(&read(WORLD).unwrap(), Source::Lab);
        let id = snapshot.clusters.items()[0].clone();
        let facts = snapshot.cluster(&id);
        with(&Ground { facts: &facts, iam: &snapshot.iam })
    }

    #[test]
    fn what_is_wrong_with_a_principal_is_said_while_it_is_typed() {
        let own = "arn:aws:iam::111122223333";
        for (text, said) in [
            (format!("{own}:role/api"), ""),
            (format!("{own}:role/nobody"), "has no role nobody: EKS would refuse it"),
            (format!("{own}:role/other/api"), "the one of that name is role/api"),
            (format!("{own}:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX"), "service-linked"),
            ("arn:aws-cn:iam::111122223333:role/api".to_owned(), "of partition aws-cn"),
            ("arn:aws:sts::111122223333:assumed-role/api/jane".to_owned(), "is a session"),
            ("arn:aws:iam::555566667777:role/partner".to_owned(), "whether it exists is not known"),
            ("arn:aws:iam::1111".to_owned(), "arn:aws:iam::1111"),
            (format!("{own}:root"), "root user alone"),
            ("arn:aws:sts::111122223333:federated-user/x".to_owned(), "for a role or a user"),
        ] {
            let word = judged(|ground| ground.judge_principal(&text));
            let (Word::Known(told) | Word::Open(told) | Word::Wrong(told)) = &word else {
                assert_eq!(said, "", "{text}");
                continue;
            };
            assert!(!said.is_empty() && told.contains(said), "{text}: {word:?}");
        }
    }

    #[test]
    fn groups_usernames_and_policies_follow_the_rules_of_eks() {
        let groups = |names: &[&str]| names.iter().map(|&it| it.to_owned()).collect::<Vec<_>>();
        judged(|ground| {
            assert_eq!(ground.judge_identity("STANDARD", &groups(&["devs"]), Some("jane")), Word::Fine);
            assert!(ground.judge_identity("STANDARD", &groups(&["system:masters"]), None).is_wrong());
            assert!(ground.judge_identity("STANDARD", &[], Some("system:admin")).is_wrong());
            assert!(ground.judge_identity("EC2_LINUX", &groups(&["devs"]), None).is_wrong());
            assert_eq!(ground.judge_policy("view"), Word::Fine);
            assert!(ground.judge_policy("nothing").is_wrong() && ground.judge_policy("arn:aws:iam::x").is_wrong());
            let new = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSNewPolicy";
            assert!(matches!(ground.judge_policy(new), Word::Open(_)));
        });
    }

    #[test]
    fn a_pattern_says_what_it_matches_today_and_that_more_may_come() {
        let said = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|&it| it.to_owned()).collect();
            match judged(|ground| ground.judge_namespaces(&names)) {
                Word::Fine => String::new(),
                Word::Known(text) | Word::Open(text) | Word::Wrong(text) => text,
            }
        };
        assert_eq!(said(&["blue"]), "");
        assert!(said(&["b*"]).starts_with("b* matches 1 namespace today and any later one"), "{}", said(&["b*"]));
        assert_eq!(said(&["blue", "nowhere"]), "there is no namespace nowhere today");
        assert_eq!(said(&["bleu"]), "there is no namespace bleu today; did you mean blue?");
    }

    #[test]
    fn a_role_of_another_account_can_only_come_second() {
        let partner = "arn:aws:iam::555566667777:role/partner";
        judged(|ground| {
            assert!(ground.judge_role(partner, false).is_wrong());
            assert!(matches!(ground.judge_role(partner, true), Word::Open(_)));
            assert!(ground.judge_role("arn:aws:iam::111122223333:user/x", false).is_wrong());
            assert_eq!(ground.judge_role("arn:aws:iam::111122223333:role/api", false), Word::Fine);
        });
    }
}

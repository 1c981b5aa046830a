//! The end of a trace: what is dangerous, each grant with its rules, and what it all comes to.
//!
//! Decides how grants are told in few lines: a grant's rules are gathered by their verbs, and long lists of resources are
//! counted. The whole is one key away: each line's evidence is the role, the policy, the binding.

use std::collections::{BTreeMap, BTreeSet};

use super::Teller;
use crate::access::Mark;
use crate::access::answer_line::{AnswerPart, LineLabel};
use crate::access::identity::groups::AUTHENTICATED;
use crate::access::permissions::danger::{Danger, Found};
use crate::access::permissions::{Grant, Held, Permissions, Rules, Via};
use crate::model::mapping::ScopeKind;
use crate::model::rbac::Rule;
use crate::model::snapshot::Evidence;
use crate::model::words::count;

/// A grant's rules take at most so many lines.
const MOST_RULES: usize = 4;

/// So many resources are named; of more, the rest is counted.
const MOST_RESOURCES: usize = 6;

impl Teller<'_> {
    /// What is dangerous; a line for each danger.
    pub(super) fn dangers(&mut self, dangers: &[Found]) {
        for found in dangers {
            let names = match &found.names {
                Some(names) => format!(" named {}", few(names.iter().map(String::as_str))),
                None => String::new(),
            };
            let place = match &found.namespaces {
                None => "everywhere".to_owned(),
                Some(all) => format!("in {}", few(all.iter().map(String::as_str))),
            };
            let by: BTreeSet<String> = found.by.iter().map(Grant::object).collect();
            let note = found.note.map(|it| format!("; {it}")).unwrap_or_default();
            let text = format!("{}{names} {place}", found.danger.sentence(found.namespaces.is_some()));
            let evidence = found.by.first().and_then(|grant| {
                grant.rules_document().map(|document| Evidence::new(document, "rules")).or_else(|| grant.evidence())
            });
            self.say(
                AnswerPart::Danger,
                None,
                None,
                text,
                format!("by {}{note}", few(by.iter().map(String::as_str))),
                evidence,
            );
        }
    }

    /// Each grant, with its rules beneath it.
    pub(super) fn held(&mut self, held: &[Held<'_>], permissions: &Permissions) {
        // What tells this identity from others first; what everybody has last, without its rules unless it is dangerous.
        let rank = |it: &&Held<'_>| (is_everybodys(&it.grant), !it.grant.is_policy());
        let mut held: Vec<&Held<'_>> = held.iter().collect();
        held.sort_by_key(rank);
        for it in held {
            let (mark, note) = match &it.rules {
                Rules::Known(rules) if rules.is_empty() => {
                    (Some(Mark::Dead), "its role has no rules: it gives nothing".to_owned())
                }
                Rules::Known(rules) => (None, count(rules.len(), "rule", "rules")),
                Rules::All => (None, "everything".to_owned()),
                Rules::Dangling => (Some(Mark::Dead), "the role does not exist: it gives nothing".to_owned()),
                Rules::Unknown(why) => (Some(Mark::Unknown), why.clone()),
            };
            let dangers: BTreeSet<Danger> =
                permissions.dangers_of(std::slice::from_ref::<Held<'_>>(it)).into_iter().map(|it| it.danger).collect();
            let brief = is_everybodys(&it.grant) && dangers.is_empty();
            let words: Vec<&str> = dangers.into_iter().map(Danger::word).collect();
            let note = if words.is_empty() { note } else { format!("{note} · ‼ {}", words.join(", ")) };
            let (label, text) = match &it.grant {
                Grant::Policy { scope, .. } => {
                    let scope = match scope.kind {
                        ScopeKind::Cluster => "cluster".to_owned(),
                        ScopeKind::Namespace => format!("namespaces {}", scope.namespaces.join(", ")),
                    };
                    (LineLabel::Policy, format!("{} @ {scope}", it.grant.object()))
                }
                Grant::Binding { role, via, .. } => {
                    (LineLabel::Binding, format!("{} → {role}, via {via}", it.grant.object()))
                }
                Grant::Masters => (LineLabel::Group, "system:masters".to_owned()),
                Grant::Node => (LineLabel::Node, it.grant.object()),
            };
            self.say(AnswerPart::Grants, Some(label), mark, text, note, it.grant.evidence());
            let Rules::Known(rules) = &it.rules else { continue };
            if brief {
                continue;
            }
            let gathered = gather(rules);
            let shown = if gathered.len() > MOST_RULES { MOST_RULES - 1 } else { gathered.len() };
            for line in gathered.iter().take(shown) {
                let evidence =
                    it.grant.rules_document().map(|document| Evidence::new(document, format!("rules[{}]", line.at)));
                self.say(AnswerPart::Grants, Some(LineLabel::Rules), None, line.text.clone(), "", evidence);
            }
            if gathered.len() > shown {
                let more = gathered.len() - shown;
                let evidence = it.grant.rules_document().map(|document| Evidence::new(document, "rules"));
                self.say(
                    AnswerPart::Grants,
                    Some(LineLabel::Rules),
                    None,
                    format!("… and {}", count(more, "more line", "more lines")),
                    "",
                    evidence,
                );
            }
        }
    }

    /// What it all comes to, place by place.
    pub(super) fn comes_to(&mut self, held: &[Held<'_>]) {
        for (place, sum) in sums(held) {
            let place = place.unwrap_or_else(|| "everywhere".to_owned());
            self.say(AnswerPart::Can, None, None, format!("{place}: {}", sum.tell()), "", None);
        }
    }
}

/// Does everybody who gets in have it?
fn is_everybodys(grant: &Grant) -> bool {
    matches!(grant, Grant::Binding { via: Via::Group(group), .. } if group == AUTHENTICATED)
}

struct Gathered {
    at: usize,
    text: String,
}

/// Rules by their verbs, in the order in which each set of verbs comes first.
fn gather(rules: &[&Rule]) -> Vec<Gathered> {
    let mut by_verbs: Vec<(usize, String, BTreeSet<String>)> = Vec::new();
    for (at, rule) in rules.iter().enumerate() {
        let names = if rule.resource_names.is_empty() {
            String::new()
        } else {
            format!(" named {}", few(rule.resource_names.iter().map(String::as_str)))
        };
        let what: Vec<String> = if rule.non_resource_urls.is_empty() {
            rule.resources
                .iter()
                .flat_map(|it| qualified(&rule.api_groups, it))
                .map(|it| format!("{it}{names}"))
                .collect()
        } else {
            rule.non_resource_urls.clone()
        };
        let verbs = rule.verbs.join(" ");
        match by_verbs.iter_mut().find(|(_, known, _)| *known == verbs) {
            Some((_, _, all)) => all.extend(what),
            None => by_verbs.push((at, verbs, what.into_iter().collect())),
        }
    }
    let line = |(at, verbs, what): (usize, String, BTreeSet<String>)| Gathered {
        at,
        text: format!("{verbs}: {}", few(what.iter().map(String::as_str))),
    };
    by_verbs.into_iter().map(line).collect()
}

fn qualified(groups: &[String], resource: &str) -> Vec<String> {
    groups
        .iter()
        .map(|group| match (group.as_str(), resource) {
            ("", _) => resource.to_owned(),
            ("*", "*") => "everything".to_owned(),
            (group, _) => {
                let (plural, sub) = resource.split_once('/').unwrap_or((resource, ""));
                let slash = if sub.is_empty() { "" } else { "/" };
                format!("{plural}.{group}{slash}{sub}")
            }
        })
        .collect()
}

fn few<'a>(all: impl Iterator<Item = &'a str>) -> String {
    let all: Vec<&str> = all.collect();
    if all.len() <= MOST_RESOURCES {
        return all.join(", ");
    }
    format!(
        "{} and {} more",
        all.get(..MOST_RESOURCES - 1).unwrap_or_default().join(", "),
        all.len() + 1 - MOST_RESOURCES
    )
}

/// What the grants of one place come to.
#[derive(Default)]
struct Sum {
    everything: bool,
    reads_all: bool,
    reads: BTreeSet<String>,
    writes: BTreeSet<String>,
    unknown: bool,
}

impl Sum {
    fn add(&mut self, rules: &Rules<'_>) {
        match rules {
            Rules::All => self.everything = true,
            Rules::Unknown(_) => self.unknown = true,
            Rules::Dangling => {}
            Rules::Known(rules) => rules.iter().for_each(|rule| self.add_rule(rule)),
        }
    }

    fn add_rule(&mut self, rule: &Rule) {
        let has = |verb: &str| rule.verbs.iter().any(|it| it == verb || it == "*");
        let all = rule.resources.iter().any(|it| it == "*")
            && rule.api_groups.iter().any(|it| it == "*")
            && rule.resource_names.is_empty();
        self.everything |= all && has("*");
        self.reads_all |= all && has("get") && has("list");
        let kinds = rule.resources.iter().filter(|it| !it.contains('/'));
        let kinds: Vec<String> = kinds.flat_map(|it| qualified(&rule.api_groups, it)).collect();
        // Asking about oneself writes nothing.
        let kinds: Vec<String> = kinds.into_iter().filter(|it| !it.starts_with("selfsubject")).collect();
        if ["get", "list", "watch"].into_iter().any(has) {
            self.reads.extend(kinds.iter().cloned());
        }
        if ["create", "update", "patch", "delete", "deletecollection"].into_iter().any(has) {
            self.writes.extend(kinds);
        }
    }

    fn tell(&self) -> String {
        if self.everything {
            return "everything".to_owned();
        }
        let mut parts = Vec::new();
        if self.reads_all {
            parts.push("reads everything".to_owned());
        } else if !self.reads.is_empty() {
            parts.push(format!("reads {}", count(self.reads.len(), "kind", "kinds")));
        }
        if !self.writes.is_empty() {
            parts.push(format!("writes {}", count(self.writes.len(), "kind", "kinds")));
        }
        if self.unknown {
            parts.push("and something that is not known".to_owned());
        }
        if parts.is_empty() { "nothing of resources".to_owned() } else { parts.join(" · ") }
    }
}

/// By place: everywhere first (`None`), then namespaces and patterns of them. Places that add nothing are left out.
fn sums(held: &[Held<'_>]) -> Vec<(Option<String>, Sum)> {
    let mut by_place: BTreeMap<Option<String>, Sum> = BTreeMap::new();
    for it in held {
        let places: Vec<Option<String>> = match &it.grant {
            Grant::Binding { namespace: Some(namespace), .. } => vec![Some(namespace.clone())],
            Grant::Policy { scope, .. } if scope.kind == ScopeKind::Namespace => {
                scope.namespaces.iter().cloned().map(Some).collect()
            }
            _ => vec![None],
        };
        for place in places {
            by_place.entry(place).or_default().add(&it.rules);
        }
    }
    let everything = by_place.get(&None).is_some_and(|it| it.everything);
    by_place.into_iter().filter(|(place, _)| place.is_none() || !everything).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(groups: &[&str], resources: &[&str], verbs: &[&str]) -> Rule {
        let own = |list: &[&str]| list.iter().map(|&it| it.to_owned()).collect();
        Rule { api_groups: own(groups), resources: own(resources), verbs: own(verbs), ..Rule::default() }
    }

    #[test]
    fn rules_of_the_same_verbs_are_one_line() {
        let rules = [
            rule(&[""], &["pods", "pods/log"], &["get", "list"]),
            rule(&["apps"], &["deployments", "deployments/scale"], &["get", "list"]),
            rule(&["*"], &["*"], &["watch"]),
            Rule { non_resource_urls: vec!["/metrics".into()], verbs: vec!["get".into()], ..Rule::default() },
        ];
        let told: Vec<String> =
            gather(&rules.iter().collect::<Vec<_>>()).into_iter().map(|it| format!("{} {}", it.at, it.text)).collect();
        assert_eq!(
            told,
            [
                "0 get list: deployments.apps, deployments.apps/scale, pods, pods/log",
                "2 watch: everything",
                "3 get: /metrics"
            ]
        );
    }

    #[test]
    fn what_it_comes_to_is_counted_in_kinds() {
        let mut sum = Sum::default();
        sum.add_rule(&rule(&[""], &["pods", "pods/log", "services"], &["get", "list"]));
        sum.add_rule(&rule(&[""], &["pods"], &["delete"]));
        assert_eq!(sum.tell(), "reads 2 kinds · writes 1 kind");
        sum.add_rule(&rule(&["*"], &["*"], &["get", "list"]));
        assert!(sum.tell().starts_with("reads everything · writes 1 kind"));
        sum.add_rule(&rule(&["*"], &["*"], &["*"]));
        assert_eq!(sum.tell(), "everything");
        assert_eq!(Sum::default().tell(), "nothing of resources");
    }
}

//! The resources that a Kubernetes API has, and what the words that people use for them stand for.
//!
//! Decides, as kubectl does, that `deploy`, `deployment` and `Deployment.apps` all mean `deployments.apps`. The built-in
//! ones are a table (`assets/api-resources.json`, taken from an API server's own discovery); custom ones are those that
//! some rule of the cluster or of an access policy names. A word that means nothing known is taken as it is, with a note:
//! a rule for `*` covers it all the same.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::catalog;
use super::permissions::Permissions;
use crate::model::request::{Request, Target};

/// A built-in resource.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct ApiResource {
    pub group: String,
    pub plural: String,
    pub singular: String,
    pub short_names: Vec<String>,
    pub kind: String,
    pub namespaced: bool,
    pub verbs: Vec<String>,
    pub subresources: BTreeMap<String, Vec<String>>,
}

static BUILT_IN: LazyLock<Vec<ApiResource>> =
    // A test reads the table; it cannot fail where the program runs.
    LazyLock::new(|| serde_json::from_str(include_str!("../../assets/api-resources.json")).unwrap_or_default());

/// Verbs that no resource lists, and that authorizers are asked for all the same.
const SPECIAL_VERBS: [&str; 8] = ["use", "bind", "escalate", "impersonate", "approve", "sign", "attest", "*"];

/// Where one word means resources of several groups, these come first, in this order, as in discovery.
const FIRST: [&str; 4] = ["", "apps", "batch", "networking.k8s.io"];

/// The built-in resources, by group and plural.
pub fn built_in() -> &'static [ApiResource] {
    &BUILT_IN
}

/// The built-in resource of that group and plural.
pub fn find(group: &str, plural: &str) -> Option<&'static ApiResource> {
    built_in().iter().find(|it| it.group == group && it.plural == plural)
}

/// A request in the user's words, and what is to be said of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Meant {
    /// The request, as the API server would form it.
    pub request: Request,
    /// What was made of the words, where that is not plain.
    pub notes: Vec<String>,
}

/// What a verb, a resource (`RESOURCE[.GROUP][/SUB]`, or a path that begins with `/`), a namespace and a name mean.
pub fn meant(permissions: &Permissions, verb: &str, resource: &str, namespace: &str, name: &str) -> Meant {
    let mut notes = Vec::new();
    let verb = if verb.chars().any(char::is_uppercase) { verb.to_lowercase() } else { verb.to_owned() };
    if resource.starts_with('/') {
        if !namespace.is_empty() || !name.is_empty() {
            notes.push("a path has neither namespace nor name: they were left out".to_owned());
        }
        return Meant { request: Request { verb, target: Target::Path(resource.to_owned()) }, notes };
    }
    // As kubectl writes one object: `pods/web-1` names a pod, unless `web-1` is a subresource.
    let (word, subresource) = resource.split_once('/').unwrap_or((resource, ""));
    let found = look_up(permissions, word, &mut notes);
    let (group, plural) = (found.group, found.plural);
    let built_in = find(&group, &plural);
    let mut namespace = namespace;
    if built_in.is_some_and(|it| !it.namespaced) && plural != "namespaces" && !namespace.is_empty() {
        notes.push(format!("{plural} are in no namespace: this is about the whole cluster"));
        namespace = "";
    }
    if let Some(it) = built_in
        && !subresource.is_empty()
        && !it.subresources.contains_key(subresource)
        && !VIRTUAL_SUBRESOURCES.contains(&(plural.as_str(), subresource))
        && subresource != "*"
    {
        notes.push(format!("no subresource {subresource:?} of {plural} is known"));
    }
    if !is_known_verb(permissions, &verb) {
        notes.push(format!("no API verb {verb:?} is known"));
    }
    let target = Target::Resource {
        group,
        resource: plural,
        subresource: subresource.to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    };
    Meant { request: Request { verb, target }.as_served(), notes }
}

/// Subresources that are served, and that discovery does not list.
const VIRTUAL_SUBRESOURCES: [(&str, &str); 2] = [("nodes", "metrics"), ("nodes", "stats")];

struct Found {
    group: String,
    plural: String,
}

fn look_up(permissions: &Permissions, word: &str, notes: &mut Vec<String>) -> Found {
    let (name, group) = split_group(word);
    let lower = name.to_lowercase();
    let is_it = |it: &&ApiResource| {
        it.plural == lower || it.singular == lower || it.short_names.contains(&lower) || it.kind.to_lowercase() == lower
    };
    let rank = |it: &&ApiResource| FIRST.iter().position(|first| *first == it.group).unwrap_or(FIRST.len());
    let mut several: Vec<&ApiResource> =
        built_in().iter().filter(is_it).filter(|it| group.as_ref().is_none_or(|group| it.group == *group)).collect();
    several.sort_by_key(rank);
    let of_rules = groups_in_rules(permissions, &lower);
    if let Some(first) = several.first() {
        let others: Vec<String> = several
            .iter()
            .skip(1)
            .map(|it| it.group.clone())
            .chain(of_rules.into_iter().filter(|it| {
                // What measures pods and nodes is never meant by their bare name.
                group.is_none() && it != "metrics.k8s.io" && several.iter().all(|known| known.group != *it)
            }))
            .map(|it| format!("{lower}.{it}"))
            .collect();
        if !others.is_empty() {
            notes.push(format!(
                "taken for {}; there are also {}",
                in_group(&first.plural, &first.group),
                others.join(", ")
            ));
        }
        return Found { group: first.group.clone(), plural: first.plural.clone() };
    }
    if name == "*" {
        if group.is_none() {
            notes.push("taken for every resource of the core group, as kubectl does; *.* means every group".to_owned());
        }
        return Found { group: group.unwrap_or_default(), plural: lower };
    }
    match group {
        Some(group) => {
            let plural = [lower.clone(), format!("{lower}s"), format!("{lower}es")]
                .into_iter()
                .find(|it| groups_in_rules(permissions, it).contains(&group));
            if plural.is_none() {
                notes.push(format!("no API resource {} is known", in_group(&lower, &group)));
            }
            Found { group, plural: plural.unwrap_or(lower) }
        }
        None => {
            for plural in [lower.clone(), format!("{lower}s"), format!("{lower}es")] {
                let groups = groups_in_rules(permissions, &plural);
                if let Some(first) = groups.first() {
                    if groups.len() > 1 {
                        let all: Vec<String> = groups.iter().map(|it| in_group(&plural, it)).collect();
                        notes.push(format!("taken for {}; rules name {}", in_group(&plural, first), all.join(", ")));
                    }
                    return Found { group: first.clone(), plural };
                }
            }
            notes.push(format!("no API resource {lower:?} is known; a custom one is written RESOURCE.GROUP"));
            Found { group: String::new(), plural: lower }
        }
    }
}

fn in_group(plural: &str, group: &str) -> String {
    if group.is_empty() { plural.to_owned() } else { format!("{plural}.{group}") }
}

/// `deployments.apps` → apps; `pods.` → the core group; `deployments.v1.apps` → apps, as kubectl lets one write.
fn split_group(word: &str) -> (&str, Option<String>) {
    let Some((name, group)) = word.split_once('.') else { return (word, None) };
    let (first, rest) = group.split_once('.').unwrap_or((group, ""));
    let digits = first.strip_prefix('v').is_some_and(|it| it.starts_with(|c: char| c.is_ascii_digit()));
    let group = if digits && (group.contains('.') || first.len() <= 3) { rest } else { group };
    (name, Some(group.to_lowercase()))
}

/// The groups under which rules name a resource, sorted; `*` is none.
fn groups_in_rules(permissions: &Permissions, plural: &str) -> Vec<String> {
    let of_policies = catalog::policies().filter_map(|it| it.rules.as_ref()).flatten().map(|it| &it.rule);
    let rules = permissions.index().all_rules().chain(of_policies);
    let names = |it: &String| it == plural || it.strip_prefix(plural).is_some_and(|rest| rest.starts_with('/'));
    let naming = rules.filter(|rule| rule.resources.iter().any(names));
    let mut groups: Vec<String> = naming.flat_map(|rule| rule.api_groups.clone()).filter(|it| it != "*").collect();
    groups.sort();
    groups.dedup();
    groups
}

fn is_known_verb(permissions: &Permissions, verb: &str) -> bool {
    SPECIAL_VERBS.contains(&verb)
        || built_in().iter().any(|it| it.verbs.iter().any(|known| known == verb))
        || permissions.index().all_rules().any(|rule| rule.verbs.iter().any(|known| known == verb))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::rbac::{Role, Rule};
    use crate::model::snapshot::{ClusterFacts, Section};
    use crate::model::time::Time;

    fn permissions() -> Permissions {
        let rule = |group: &str, resource: &str| Rule {
            api_groups: vec![group.into()],
            resources: vec![resource.into()],
            verbs: vec!["get".into(), "promote".into()],
            ..Rule::default()
        };
        let rules = vec![
            rule("shop.io", "widgets"),
            rule("b.io", "gadgets/status"),
            rule("a.io", "gadgets"),
            rule("fake.io", "pods"),
        ];
        let role = Role { rules, ..Role::default() };
        Permissions::of(&ClusterFacts {
            cluster_roles: Section::known(vec![role], Time::default()),
            ..ClusterFacts::default()
        })
    }

    #[test]
    fn words_mean_what_kubectl_takes_them_for() {
        let permissions = permissions();
        for (word, expected) in [
            ("pods", "pods"),
            ("po", "pods"),
            ("Pod", "pods"),
            ("pods.", "pods"),
            ("pods./log", "pods/log"),
            ("pod/log", "pods/log"),
            ("deploy", "deployments.apps"),
            ("deployment.apps", "deployments.apps"),
            ("Deployments.v1.apps/scale", "deployments.apps/scale"),
            ("pods.v1.", "pods"),
            ("ing", "ingresses.networking.k8s.io"),
            ("events", "events"),
            ("events.events.k8s.io", "events.events.k8s.io"),
            ("ns", "namespaces"),
            ("clusterrole", "clusterroles.rbac.authorization.k8s.io"),
            ("widget", "widgets.shop.io"),
            ("widgets.shop.io/status", "widgets.shop.io/status"),
            ("gadgets", "gadgets.a.io"),
            ("unheard", "unheard"),
            ("unheard.of.io", "unheard.of.io"),
            ("*", "*"),
            ("*.*", "*.*"),
            ("*.apps", "*.apps"),
            ("/metrics", "/metrics"),
        ] {
            assert_eq!(meant(&permissions, "get", word, "", "").request.qualified(), expected, "{word}");
        }
    }

    #[test]
    fn what_is_not_plain_is_said() {
        let permissions = permissions();
        let notes =
            |verb: &str, word: &str, namespace: &str| meant(&permissions, verb, word, namespace, "").notes.join("; ");
        assert_eq!(notes("get", "deploy", "a"), "");
        assert_eq!(notes("promote", "widgets", "a"), "", "a rule knows the verb");
        assert!(notes("get", "pods", "").contains("also pods.fake.io"), "{}", notes("get", "pods", ""));
        assert!(notes("frob", "nodes", "").contains("no API verb \"frob\""));
        assert!(notes("get", "unheard", "").contains("no API resource \"unheard\" is known"));
        assert!(notes("get", "unheard.of.io", "").contains("no API resource unheard.of.io is known"));
        assert!(notes("get", "nodes", "a").contains("in no namespace"));
        assert!(notes("get", "secrets/scale", "a").contains("no subresource"));
        assert!(notes("get", "gadgets", "").contains("rules name gadgets.a.io, gadgets.b.io"));
        assert!(notes("get", "events", "").contains("events.events.k8s.io"));
    }

    #[test]
    fn a_namespace_that_is_asked_for_by_name_is_in_itself() {
        let one = meant(&permissions(), "get", "ns", "", "dev").request;
        assert_eq!(one.namespace(), "dev");
        let all = meant(&permissions(), "list", "ns", "", "").request;
        assert_eq!(all.namespace(), "");
    }

    #[test]
    fn the_table_is_an_api_servers() {
        assert!(built_in().len() > 50);
        let pods = find("", "pods").expect("pods");
        assert!(pods.namespaced && pods.subresources.contains_key("exec") && pods.verbs.iter().any(|it| it == "watch"));
    }
}

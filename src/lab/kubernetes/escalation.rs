//! Granting: nobody may hand out by RBAC what he does not hold, unless he may `escalate` or `bind`.
//!
//! Decides it as the API server does for roles and bindings that are written. What one holds are the rules of RBAC alone: access
//! policies count only through the two verbs.

use super::super::authz::{Attributes, Target, User, authorize, default_rules, rules_of};
use super::status::Status;
use crate::access::permissions::Permissions;
use crate::model::document::{ClusterDocument, Manifest};
use crate::model::rbac::{Binding, Rule};

const RBAC: &str = "rbac.authorization.k8s.io";
const ALL: &str = "*";

/// Refuses to write a role or a binding that gives more than the user has.
pub(super) fn check_grant(
    permissions: &Permissions,
    cluster: &ClusterDocument,
    user: &User,
    manifest: &Manifest,
) -> Result<(), Status> {
    match manifest {
        Manifest::Role(role) => {
            let namespace = role.metadata.namespace.as_deref().unwrap_or_default();
            check_rules(permissions, user, ("escalate", "roles"), namespace, &role.metadata.name, "roles", &role.rules)
        }
        Manifest::ClusterRole(role) => {
            let name = &role.metadata.name;
            check_rules(permissions, user, ("escalate", "clusterroles"), "", name, "clusterroles", &role.rules)
        }
        Manifest::RoleBinding(binding) => check_binding(permissions, cluster, user, binding, "rolebindings"),
        Manifest::ClusterRoleBinding(binding) => {
            check_binding(permissions, cluster, user, binding, "clusterrolebindings")
        }
        _ => Ok(()),
    }
}

fn check_binding(
    permissions: &Permissions,
    cluster: &ClusterDocument,
    user: &User,
    binding: &Binding,
    written: &str,
) -> Result<(), Status> {
    let namespace = binding.metadata.namespace.as_deref().unwrap_or_default();
    let role = &binding.role_ref.name;
    let (resource, rules) = match binding.role_ref.kind.as_str() {
        "Role" => (
            "roles",
            cluster.kubernetes.iter().flatten().find_map(|it| match it {
                Manifest::Role(it)
                    if it.metadata.name == *role && it.metadata.namespace.as_deref() == Some(namespace) =>
                {
                    Some(&it.rules)
                }
                _ => None,
            }),
        ),
        _ => (
            "clusterroles",
            cluster.kubernetes.iter().flatten().find_map(|it| match it {
                Manifest::ClusterRole(it) if it.metadata.name == *role => Some(&it.rules),
                _ => None,
            }),
        ),
    };
    let bind = asked("bind", resource, namespace, role);
    if authorize(permissions, user, &bind).is_some() {
        return Ok(());
    }
    let Some(rules) = rules else { return Err(Status::no_such_object(RBAC, resource, role)) };
    check_covered(permissions, user, namespace, rules)
        .map_err(|missing| Status::escalation(user, written, &binding.metadata.name, &missing))
}

fn check_rules(
    permissions: &Permissions,
    user: &User,
    (verb, resource): (&str, &str),
    namespace: &str,
    name: &str,
    written: &str,
    rules: &[Rule],
) -> Result<(), Status> {
    if authorize(permissions, user, &asked(verb, resource, namespace, name)).is_some() {
        return Ok(());
    }
    check_covered(permissions, user, namespace, rules)
        .map_err(|missing| Status::escalation(user, written, name, &missing))
}

fn asked(verb: &str, resource: &str, namespace: &str, name: &str) -> Attributes {
    let [group, resource, namespace, name] = [RBAC, resource, namespace, name].map(str::to_owned);
    let target = Target::Resource { group, resource, subresource: String::new(), namespace, name };
    Attributes { verb: verb.to_owned(), target }
}

/// What of the rules the user does not hold.
fn check_covered(permissions: &Permissions, user: &User, namespace: &str, rules: &[Rule]) -> Result<(), Vec<Rule>> {
    let defaults = default_rules(permissions, user);
    let held: Vec<&Rule> = rules_of(permissions, user, namespace).into_iter().chain(&defaults).collect();
    let atoms = rules.iter().flat_map(split);
    let missing: Vec<Rule> = atoms.filter(|atom| !held.iter().any(|it| covers(it, atom))).collect();
    if missing.is_empty() { Ok(()) } else { Err(missing) }
}

/// A rule as rules of one verb, group, resource and name, or of one path, each.
fn split(rule: &Rule) -> Vec<Rule> {
    let names: Vec<Vec<String>> = match &rule.resource_names[..] {
        [] => vec![Vec::new()],
        all => all.iter().map(|it| vec![it.clone()]).collect(),
    };
    let mut atoms = Vec::new();
    for verb in &rule.verbs {
        for group in &rule.api_groups {
            for resource in &rule.resources {
                atoms.extend(names.iter().map(|names| Rule {
                    api_groups: vec![group.clone()],
                    resources: vec![resource.clone()],
                    verbs: vec![verb.clone()],
                    resource_names: names.clone(),
                    ..Rule::default()
                }));
            }
        }
        atoms.extend(rule.non_resource_urls.iter().map(|url| Rule {
            verbs: vec![verb.clone()],
            non_resource_urls: vec![url.clone()],
            ..Rule::default()
        }));
    }
    atoms
}

/// Does a rule allow all that the atom allows?
fn covers(rule: &Rule, atom: &Rule) -> bool {
    let has =
        |all: &[String], wanted: &[String]| wanted.iter().all(|it| all.contains(it) || all.iter().any(|it| it == ALL));
    let covers_url = |url: &String| {
        rule.non_resource_urls
            .iter()
            .any(|own| own == url || own.strip_suffix('*').is_some_and(|it| url.starts_with(it)))
    };
    let covers_resource = |resource: &String| {
        let subresource = resource.split_once('/').map(|(_, it)| format!("*/{it}"));
        has(&rule.resources, std::slice::from_ref(resource))
            || subresource.is_some_and(|it| rule.resources.contains(&it))
    };
    let covers_names = rule.resource_names.is_empty()
        || !atom.resource_names.is_empty() && atom.resource_names.iter().all(|it| rule.resource_names.contains(it));
    if !has(&rule.verbs, &atom.verbs) {
        false
    } else if atom.non_resource_urls.is_empty() {
        covers_names && has(&rule.api_groups, &atom.api_groups) && atom.resources.iter().all(covers_resource)
    } else {
        atom.non_resource_urls.iter().all(covers_url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(groups: &[&str], resources: &[&str], verbs: &[&str], names: &[&str], urls: &[&str]) -> Rule {
        let own = |all: &[&str]| all.iter().map(|&it| it.to_owned()).collect::<Vec<_>>();
        Rule {
            api_groups: own(groups),
            resources: own(resources),
            verbs: own(verbs),
            resource_names: own(names),
            non_resource_urls: own(urls),
        }
    }

    #[test]
    fn a_rule_covers_what_it_allows() {
        let pods = rule(&[""], &["pods"], &["get"], &[], &[]);
        let all = rule(&["*"], &["*"], &["*"], &[], &[]);
        let one = rule(&[""], &["pods"], &["get"], &["p"], &[]);
        let log = rule(&[""], &["pods/log"], &["get"], &[], &[]);
        let logs = rule(&[""], &["*/log"], &["get"], &[], &[]);
        let paths = rule(&[], &[], &["get"], &[], &["/healthz/*"]);
        let path = rule(&[], &[], &["get"], &[], &["/healthz/etcd"]);
        for (held, wanted, expected) in [
            (&pods, &pods, true),
            (&all, &pods, true),
            (&all, &all, true),
            (&pods, &all, false),
            (&pods, &one, true),
            (&one, &pods, false),
            (&pods, &log, false),
            (&logs, &log, true),
            (&paths, &path, true),
            (&path, &paths, false),
            (&all, &path, false),
        ] {
            assert_eq!(split(wanted).iter().all(|it| covers(held, it)), expected, "{held:?} {wanted:?}");
        }
    }
}

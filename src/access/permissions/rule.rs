//! One rule and one request, as Kubernetes compares them.
//!
//! Decides whether a rule covers a request, and if not, in which respects. The semantics are the API server's own, case
//! and stars included: `*` stands alone or as `*/sub`, a path's trailing `*` is a prefix, names are compared only where
//! the rule lists some.

use crate::model::rbac::Rule;
use crate::model::request::{Request, Target};

/// In which respect a rule falls short of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Respect {
    /// The object's name.
    Name,
    /// The verb.
    Verb,
    /// The namespace, of the binding or of the policy's scope.
    Namespace,
    /// The resource or subresource.
    Resource,
    /// The API group.
    Group,
    /// The path.
    Path,
    /// The resource together with its API group.
    Kind,
}

impl Respect {
    /// In a word or two.
    pub fn as_str(self) -> &'static str {
        match self {
            Respect::Name => "name",
            Respect::Verb => "verb",
            Respect::Namespace => "namespace",
            Respect::Resource => "resource",
            Respect::Group => "API group",
            Respect::Path => "path",
            Respect::Kind => "resource",
        }
    }
}

/// Does the rule allow the request, wherever it is bound?
pub fn allows(rule: &Rule, request: &Request) -> bool {
    if !has(&rule.verbs, &request.verb) {
        return false;
    }
    match &request.target {
        Target::Path(path) => covers_path(rule, path),
        Target::Resource { group, resource, subresource, name, .. } => {
            has(&rule.api_groups, group) && covers_resource(rule, resource, subresource) && covers_name(rule, name)
        }
    }
}

/// The one respect in which the rule falls short of the request: what would have to be different for it to allow it.
/// `None` if it allows it, falls short in several, or is of another kind and so comes nowhere near.
pub fn lacks(rule: &Rule, request: &Request) -> Option<Respect> {
    match shortfall(rule, request) {
        [Some(one), None, ..] => Some(one),
        _ => None,
    }
}

/// Does nothing stand between the rule and the request but that it is about other resources, of another API group?
pub(super) fn is_of_others(rule: &Rule, request: &Request) -> bool {
    shortfall(rule, request) == [Some(Respect::Group), Some(Respect::Resource), None, None]
}

/// In which respects the rule falls short, those of a kind that comes nowhere near not counted.
fn shortfall(rule: &Rule, request: &Request) -> [Option<Respect>; 4] {
    let mut short = [None; 4];
    let mut free = short.iter_mut();
    let mut unless = |right: bool, respect: Respect| {
        if !right && let Some(slot) = free.next() {
            *slot = Some(respect);
        }
    };
    match &request.target {
        Target::Path(_) if rule.non_resource_urls.is_empty() => {}
        Target::Path(path) => {
            unless(covers_path(rule, path), Respect::Path);
            unless(has(&rule.verbs, &request.verb), Respect::Verb);
        }
        Target::Resource { .. } if rule.resources.is_empty() => {}
        Target::Resource { group, resource, subresource, name, .. } => {
            unless(has(&rule.api_groups, group), Respect::Group);
            unless(covers_resource(rule, resource, subresource), Respect::Resource);
            unless(covers_name(rule, name), Respect::Name);
            unless(has(&rule.verbs, &request.verb), Respect::Verb);
        }
    }
    short
}

fn has(list: &[String], it: &str) -> bool {
    list.iter().any(|own| own == "*" || own == it)
}

/// `*`, the resource itself (`pods`, `pods/log`), or `*/log`. A rule for `pods` does not cover `pods/log`.
fn covers_resource(rule: &Rule, resource: &str, subresource: &str) -> bool {
    rule.resources.iter().any(|own| {
        if own == "*" {
            return true;
        }
        if subresource.is_empty() {
            return own == resource;
        }
        own.strip_suffix(subresource)
            .and_then(|it| it.strip_suffix('/'))
            .is_some_and(|parent| parent == resource || parent == "*")
    })
}

fn covers_name(rule: &Rule, name: &str) -> bool {
    rule.resource_names.is_empty() || rule.resource_names.iter().any(|own| own == name)
}

fn covers_path(rule: &Rule, path: &str) -> bool {
    rule.non_resource_urls
        .iter()
        .any(|own| own == path || own.ends_with('*') && path.starts_with(own.trim_end_matches('*')))
}

/// A rule in few words: `get list watch on pods, pods/log named a, b`; of many resources the first.
pub fn tell(rule: &Rule) -> String {
    let resources = match rule.resources.get(..MOST_TOLD) {
        Some(first) if rule.resources.len() > MOST_TOLD + 1 => {
            format!("{} and {} more", first.join(", "), rule.resources.len() - MOST_TOLD)
        }
        _ => rule.resources.join(", "),
    };
    describe(rule, &resources)
}

/// A rule in words, with all of its resources.
pub fn tell_whole(rule: &Rule) -> String {
    describe(rule, &rule.resources.join(", "))
}

fn describe(rule: &Rule, resources: &str) -> String {
    let verbs = rule.verbs.join(" ");
    if !rule.non_resource_urls.is_empty() {
        return format!("{verbs} on {}", rule.non_resource_urls.join(", "));
    }
    let groups: Vec<&str> = rule.api_groups.iter().map(|it| if it.is_empty() { "core" } else { it }).collect();
    let group = match groups.as_slice() {
        ["core"] => String::new(),
        groups => format!(" of {}", groups.join(", ")),
    };
    let names = if rule.resource_names.is_empty() {
        String::new()
    } else {
        format!(" named {}", rule.resource_names.join(", "))
    };
    format!("{verbs} on {resources}{group}{names}")
}

/// So many resources of a rule are told; of more, the rest is counted.
const MOST_TOLD: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(groups: &[&str], resources: &[&str], verbs: &[&str], names: &[&str]) -> Rule {
        let own = |list: &[&str]| list.iter().map(|&it| it.to_owned()).collect();
        Rule {
            api_groups: own(groups),
            resources: own(resources),
            verbs: own(verbs),
            resource_names: own(names),
            ..Rule::default()
        }
    }

    fn ask(verb: &str, group: &str, what: &str, name: &str) -> Request {
        let (resource, subresource) = what.split_once('/').unwrap_or((what, ""));
        let [group, resource, subresource, name] = [group, resource, subresource, name].map(str::to_owned);
        let target = Target::Resource { group, resource, subresource, namespace: String::new(), name };
        Request { verb: verb.into(), target }
    }

    #[test]
    fn resources_verbs_groups_and_names() {
        let all = rule(&["*"], &["*"], &["*"], &[]);
        let pods = rule(&[""], &["pods"], &["get", "list"], &[]);
        let log = rule(&[""], &["pods/log"], &["get"], &[]);
        let scale = rule(&["*"], &["*/scale"], &["update"], &[]);
        let named = rule(&[""], &["secrets"], &["*"], &["a", "b"]);
        for (rule, request, allowed) in [
            (&all, ask("x", "y", "z/w", "n"), true),
            (&pods, ask("get", "", "pods", "p"), true),
            (&pods, ask("get", "", "pods/log", "p"), false),
            (&pods, ask("watch", "", "pods", ""), false),
            (&pods, ask("get", "metrics.k8s.io", "pods", ""), false),
            (&log, ask("get", "", "pods/log", "p"), true),
            (&log, ask("get", "", "pods", "p"), false),
            (&scale, ask("update", "apps", "deployments/scale", "d"), true),
            (&scale, ask("update", "apps", "deployments", "d"), false),
            (&scale, ask("update", "apps", "deployments/status", "d"), false),
            (&named, ask("get", "", "secrets", "a"), true),
            (&named, ask("get", "", "secrets", "c"), false),
            (&named, ask("list", "", "secrets", ""), false),
            // A name of this kind is no subresource of that parent.
            (&log, ask("get", "", "xpods/log", ""), false),
        ] {
            assert_eq!(allows(rule, &request), allowed, "{} {request}", tell(rule));
            assert!(!allowed || lacks(rule, &request).is_none(), "{request}");
        }
    }

    #[test]
    fn paths_are_prefixes_only_with_a_star_at_the_end() {
        let of = |urls: &[&str]| Rule {
            non_resource_urls: urls.iter().map(|&it| it.to_owned()).collect(),
            verbs: vec!["get".into()],
            ..Rule::default()
        };
        let get = |path: &str| Request { verb: "get".into(), target: Target::Path(path.into()) };
        for (urls, path, allowed) in [
            (&["*"][..], "/anything", true),
            (&["/api/*"], "/api/v1", true),
            (&["/api/*"], "/api", false),
            (&["/api**"], "/api", true),
            (&["/metrics"], "/metrics", true),
            (&["/metrics"], "/metrics/x", false),
            (&["/a*c"], "/abc", false),
        ] {
            assert_eq!(allows(&of(urls), &get(path)), allowed, "{urls:?} {path}");
        }
        assert!(!allows(&rule(&["*"], &["*"], &["*"], &[]), &get("/metrics")), "resources are no paths");
    }
}

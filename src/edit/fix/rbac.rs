//! Bindings that would allow a request: to a role that exists, and to one that is created for exactly this.
//!
//! Decides which roles are worth proposing and how new objects are named. Whether a proposal really allows the request,
//! and what else it gives, is measured by the door ([`super`]).

use super::candidate::{Candidate, estimate_rules};
use super::change::{FixChange, RbacObject};
use crate::access::explain::fix::FixKind;
use crate::access::permissions::RoleName;
use crate::access::permissions::rule::allows;
use crate::model::rbac::{Binding, Metadata, Role, RoleRef, Rule, Subject};
use crate::model::request::{Request, Target};
use crate::model::snapshot::{ClusterFacts, Evidence};
use crate::model::words::count;

/// So many existing roles are proposed at most.
const MOST_ROLES: usize = 2;

const RBAC_GROUP: &str = "rbac.authorization.k8s.io";

/// Whom a binding would name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum BindingSubject {
    ServiceAccount { namespace: String, name: String },
    Group(String),
    User(String),
}

impl BindingSubject {
    fn object(&self) -> Subject {
        let (kind, name, namespace) = match self {
            BindingSubject::ServiceAccount { namespace, name } => ("ServiceAccount", name, Some(namespace.clone())),
            BindingSubject::Group(name) => ("Group", name, None),
            BindingSubject::User(name) => ("User", name, None),
        };
        let api_group = namespace.is_none().then(|| RBAC_GROUP.to_owned());
        Subject { kind: kind.to_owned(), api_group, name: name.clone(), namespace }
    }

    /// A short name for objects that are created for it.
    fn short_name(&self) -> &str {
        match self {
            BindingSubject::ServiceAccount { name, .. } => name,
            BindingSubject::Group(name) => name,
            // An assumed-role ARN: the role and the session.
            BindingSubject::User(name) => name.rsplit(':').next().unwrap_or(name).trim_start_matches("assumed-role/"),
        }
    }
}

impl std::fmt::Display for BindingSubject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            BindingSubject::ServiceAccount { namespace, name } => write!(f, "service account {namespace}/{name}"),
            BindingSubject::Group(name) => write!(f, "group {name}"),
            BindingSubject::User(name) => write!(f, "user {name}"),
        }
    }
}

/// Bindings that would let a subject make a request. `base` is what must be changed as well.
pub(super) fn bindings(
    facts: &ClusterFacts,
    base: &FixChange,
    subject: &BindingSubject,
    request: &Request,
) -> Vec<Candidate> {
    let namespace = request.namespace();
    let place = if namespace.is_empty() { "cluster-wide".to_owned() } else { format!("in namespace {namespace}") };
    let names = Names::new(facts, subject, request);
    let mut out: Vec<Candidate> = narrowest_roles(facts, request)
        .into_iter()
        .map(|(role, rules, estimate)| {
            let change = with_objects(base, vec![binding(&names.binding, namespace, &role, subject)]);
            let title = format!("Bind {role} to {subject} {place}");
            let note = format!("{role} exists and has {}", count(rules, "rule", "rules"));
            Candidate {
                evidence: Some(Evidence::new(role.document(), "rules")),
                role: Some(role),
                ..Candidate::new(FixKind::Binding, title, note, change, estimate)
            }
        })
        .collect();
    let rule = rule_for(request);
    let (role, object) = new_role(&names.role, namespace, rule);
    let change = with_objects(base, vec![object, binding(&names.binding, namespace, &role, subject)]);
    let title = format!("Create {role} for exactly this and bind it to {subject} {place}");
    out.push(Candidate {
        role: Some(role),
        ..Candidate::new(FixKind::Binding, title, "gives this request and nothing else", change, 1)
    });
    out
}

fn with_objects(base: &FixChange, objects: Vec<RbacObject>) -> FixChange {
    FixChange { rbac: objects, ..base.clone() }
}

/// Names of new objects, which no object of the same kind has yet.
struct Names {
    role: String,
    binding: String,
}

impl Names {
    fn new(facts: &ClusterFacts, subject: &BindingSubject, request: &Request) -> Self {
        let namespace = request.namespace();
        let wanted = object_name(&format!("{}-{}-{}", subject.short_name(), request.verb, request.what()));
        let here = |metadata: &Metadata| metadata.namespace.as_deref().unwrap_or_default() == namespace;
        let taken = |name: &str| {
            let of_roles = |roles: &[Role]| roles.iter().any(|it| here(&it.metadata) && it.metadata.name == name);
            let of_bindings = |all: &[Binding]| all.iter().any(|it| here(&it.metadata) && it.metadata.name == name);
            of_roles(facts.roles.items())
                || of_roles(facts.cluster_roles.items())
                || of_bindings(facts.role_bindings.items())
                || of_bindings(facts.cluster_role_bindings.items())
        };
        let free = (2..).map(|n| format!("{wanted}-{n}"));
        let name = std::iter::once(wanted.clone()).chain(free).find(|it| !taken(it)).unwrap_or(wanted);
        Names { role: name.clone(), binding: name }
    }
}

fn metadata(name: &str, namespace: &str) -> Metadata {
    let namespace = (!namespace.is_empty()).then(|| namespace.to_owned());
    Metadata { name: name.to_owned(), namespace, ..Metadata::default() }
}

fn binding(name: &str, namespace: &str, role: &RoleName, subject: &BindingSubject) -> RbacObject {
    let (kind, role) = match role {
        RoleName::Role(_, name) => ("Role", name),
        RoleName::ClusterRole(name) => ("ClusterRole", name),
    };
    let role_ref = RoleRef { api_group: Some(RBAC_GROUP.to_owned()), kind: kind.to_owned(), name: role.clone() };
    let binding = Binding { metadata: metadata(name, namespace), role_ref, subjects: vec![subject.object()] };
    if namespace.is_empty() { RbacObject::ClusterRoleBinding(binding) } else { RbacObject::RoleBinding(binding) }
}

fn new_role(name: &str, namespace: &str, rule: Rule) -> (RoleName, RbacObject) {
    let role = Role { metadata: metadata(name, namespace), rules: vec![rule], ..Role::default() };
    if namespace.is_empty() {
        (RoleName::ClusterRole(name.to_owned()), RbacObject::ClusterRole(role))
    } else {
        (RoleName::Role(namespace.to_owned(), name.to_owned()), RbacObject::Role(role))
    }
}

/// The rule that allows a request and nothing else.
fn rule_for(request: &Request) -> Rule {
    let verbs = vec![request.verb.clone()];
    match &request.target {
        Target::Path(path) => Rule { verbs, non_resource_urls: vec![path.clone()], ..Rule::default() },
        Target::Resource { group, name, .. } => {
            // The API server does not know the name of what is created, so a rule with a name never allows it.
            let named = !name.is_empty() && request.verb != "create" && request.verb != "deletecollection";
            Rule {
                api_groups: vec![group.clone()],
                resources: vec![request.what()],
                verbs,
                resource_names: if named { vec![name.clone()] } else { Vec::new() },
                ..Rule::default()
            }
        }
    }
}

/// The roles with the least in them that allow the request and could be bound where it is needed: name, how many rules,
/// and how much they give.
fn narrowest_roles(facts: &ClusterFacts, request: &Request) -> Vec<(RoleName, usize, u64)> {
    let namespace = request.namespace();
    let roles = facts.roles.items().iter();
    let own = roles.filter(|it| !namespace.is_empty() && it.metadata.namespace.as_deref() == Some(namespace));
    let own = own.map(|it| (RoleName::Role(namespace.to_owned(), it.metadata.name.clone()), &it.rules));
    let all = facts.cluster_roles.items().iter();
    let all = all.map(|it| (RoleName::ClusterRole(it.metadata.name.clone()), &it.rules));
    let is_of_the_system = |name: &RoleName| match name {
        RoleName::Role(_, name) | RoleName::ClusterRole(name) => {
            name.starts_with("system:") || name.starts_with("eks:")
        }
    };
    let mut fitting: Vec<(RoleName, usize, u64)> = own
        .chain(all)
        .filter(|(name, rules)| !is_of_the_system(name) && rules.iter().any(|it| allows(it, request)))
        .map(|(name, rules)| (name, rules.len(), estimate_rules(rules)))
        .collect();
    fitting.sort_by(|a, b| (a.2, &a.0).cmp(&(b.2, &b.0)));
    fitting.truncate(MOST_ROLES);
    fitting
}

/// A name for an object, from other names: what Kubernetes accepts for every kind.
pub(super) fn object_name(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            c if c.is_ascii_alphanumeric() => out.push(c.to_ascii_lowercase()),
            _ if out.ends_with('-') || out.is_empty() => {}
            _ => out.push('-'),
        }
    }
    out.truncate(60);
    let out = out.trim_end_matches('-');
    if out.is_empty() { "access".to_owned() } else { out.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_an_object_may_be_called() {
        for (text, expected) in [
            ("jane-list-pods", "jane-list-pods"),
            ("Role_X-get-pods/log", "role-x-get-pods-log"),
            ("日本", "access"),
            ("a--b", "a-b"),
        ] {
            assert_eq!(object_name(text), expected, "{text}");
        }
        assert_eq!(object_name(&"a".repeat(100)).len(), 60);
    }

    #[test]
    fn a_rule_for_one_object_names_it_unless_it_is_created() {
        let of = |verb: &str, name: &str| {
            let mut request = Request::core(verb, "pods", "blue");
            if let Target::Resource { name: own, .. } = &mut request.target {
                name.clone_into(own);
            }
            rule_for(&request).resource_names
        };
        assert_eq!(of("get", "web"), ["web"]);
        assert!(of("create", "web").is_empty());
        assert!(of("list", "").is_empty());
    }
}

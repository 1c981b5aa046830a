//! What the words that people use for requests stand for: a verb, a resource, a namespace and a name.
//!
//! Decides, as kubectl does, that `deploy`, `deployment` and `Deployment.apps` all mean `deployments.apps`; which names
//! mean something that no discovery lists (`impersonate users`); and what is to be said where a name is not plain. The
//! names are those of discovery ([`served`]), never guessed from rules. Where discovery was not read, a name that is none
//! of Kubernetes' own is taken as it was typed, and [`Meant::alternatives`] has what else it may be: an answer that is not
//! the same for all of them is unknown ([`Permissions::decide_meant`]).

pub mod served;
mod slash;

use std::collections::BTreeSet;

use slash::{AfterSlash, read_slash};

use super::catalog;
use super::did_you_mean::{NameKind, UnknownName};
use super::permissions::{Decision, Permissions, Who};
use crate::access::Verdict;
use crate::model::discovery::ApiResource;
use crate::model::request::{Request, Target};
pub use served::{MatchedName, ResolvedName, ServedResources, built_in, find};

/// The verbs that Kubernetes' authorization documents for every resource, whatever discovery lists.
const USUAL_VERBS: [&str; 9] =
    ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "proxy"];

/// Verbs that no resource lists, and that authorizers are asked for all the same.
const SPECIAL_VERBS: [&str; 8] = ["use", "bind", "escalate", "impersonate", "approve", "sign", "attest", "*"];

/// The verbs of a request for a path: the HTTP method in lower case.
const PATH_VERBS: [&str; 7] = ["get", "post", "put", "patch", "delete", "head", "options"];

const AUTHENTICATION: &str = "authentication.k8s.io";
const CERTIFICATES: &str = "certificates.k8s.io";

/// A request in the user's words, and what is to be said of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Meant {
    /// The request, as the API server would form it.
    pub request: Request,
    /// What else the words may mean, as far as that is known: only where discovery was not read.
    pub alternatives: Vec<Request>,
    /// Why it is not known which of them is meant; empty where there are no alternatives.
    pub open: String,
    /// What was made of the words, where that is not plain.
    pub notes: Vec<String>,
    /// The words that nobody knows, where the list that would hold them was read whole: likely slips, to be asked back.
    pub misread: Vec<UnknownName>,
}

impl Meant {
    /// A request whose words are plain.
    pub fn literal(request: Request) -> Self {
        Meant { request, alternatives: Vec::new(), open: String::new(), notes: Vec::new(), misread: Vec::new() }
    }
}

impl Permissions {
    /// May it? Unknown where what the words may mean would be answered differently.
    pub fn decide_meant(&self, who: &Who, meant: &Meant) -> Decision {
        let decision = self.decide(who, &meant.request);
        let differs = |it: &Request| self.decide(who, it).verdict != decision.verdict;
        if decision.verdict == Verdict::Unknown || !meant.alternatives.iter().any(differs) {
            return decision;
        }
        Decision { verdict: Verdict::Unknown, unknown: vec![meant.open.clone()], ..Decision::default() }
    }
}

/// What a verb, a resource (`RESOURCE[.GROUP][/SUB]`, `RESOURCE[.GROUP]/NAME`, or a path that begins with `/`), a
/// namespace and a name mean.
pub fn meant(permissions: &Permissions, verb: &str, resource: &str, namespace: &str, name: &str) -> Meant {
    let (word, slashed) = match resource.split_once('/') {
        Some((word, slashed)) if !word.is_empty() => (word, AfterSlash::Either(slashed)),
        _ => (resource, AfterSlash::Subresource("")),
    };
    read_words(permissions, verb, (word, slashed), namespace, name)
}

/// The same where the subresource was given by itself: it is never taken for a name.
pub fn meant_with_subresource(
    permissions: &Permissions,
    verb: &str,
    (resource, subresource): (&str, &str),
    namespace: &str,
    name: &str,
) -> Meant {
    read_words(permissions, verb, (resource, AfterSlash::Subresource(subresource)), namespace, name)
}

fn read_words(
    permissions: &Permissions,
    verb: &str,
    (word, slashed): (&str, AfterSlash<'_>),
    namespace: &str,
    name: &str,
) -> Meant {
    let mut notes = Vec::new();
    let verb = if verb.chars().any(char::is_uppercase) { verb.to_lowercase() } else { verb.to_owned() };
    let is_path = word.starts_with('/');
    let mut misread: Vec<UnknownName> = unknown_verb(permissions, &verb, is_path).into_iter().collect();
    if is_path {
        if !namespace.is_empty() || !name.is_empty() {
            notes.push("a path has neither namespace nor name: they were left out".to_owned());
        }
        let path = Request { verb, target: Target::Path(word.to_owned()) };
        return Meant { notes, misread, ..Meant::literal(path) };
    }
    let served = permissions.served();
    let found = match virtual_resource(&verb, word, served) {
        Some(it) => {
            notes.extend(it.note);
            let named = FoundResource::named(it.group, it.plural);
            FoundResource { cluster_wide: it.cluster_wide, is_virtual: true, ..named }
        }
        None => look_up(permissions, word, &mut notes),
    };
    let mut namespace = namespace;
    if found.cluster_wide && found.plural != "namespaces" && !namespace.is_empty() {
        notes.push(format!("{} are in no namespace: this is about the whole cluster", found.plural));
        namespace = "";
    }
    let slash = read_slash(permissions, &verb, &found, slashed, name);
    notes.extend(slash.note);
    if !is_known_verb(permissions, &verb) {
        notes.push(format!("no API verb {verb:?} is known"));
    }
    let unknown_namespace = unknown_namespace(permissions, namespace);
    notes.extend(unknown_namespace.iter().map(|it| format!("no namespace {:?} is known here", it.given)));
    misread.extend(found.unknown.into_iter().chain(slash.unknown).chain(unknown_namespace));
    let request = |(group, resource): (String, String), (subresource, name): &(String, String)| {
        let (subresource, name) = (subresource.clone(), name.clone());
        let target = Target::Resource { group, resource, subresource, namespace: namespace.to_owned(), name };
        Request { verb: verb.clone(), target }.as_served()
    };
    let mut alternatives: Vec<Request> = (found.alternatives.into_iter()).map(|it| request(it, &slash.read)).collect();
    let as_found = (found.group, found.plural);
    alternatives.extend(slash.instead.iter().map(|it| request(as_found.clone(), it)));
    let open: Vec<String> = [found.open, slash.open].into_iter().filter(|it| !it.is_empty()).collect();
    Meant { request: request(as_found, &slash.read), alternatives, open: open.join("; "), notes, misread }
}

/// A verb that nothing serves and no rule has, where both were read whole.
fn unknown_verb(permissions: &Permissions, verb: &str, is_path: bool) -> Option<UnknownName> {
    let is_method = is_path && PATH_VERBS.contains(&verb);
    let complete = permissions.served().gap().is_none() && permissions.are_roles_read();
    if is_method || !complete || is_known_verb(permissions, verb) {
        return None;
    }
    let served = permissions.served().iter().flat_map(|it| &it.verbs);
    let of_rules = permissions.index().all_rules().flat_map(|rule| &rule.verbs);
    let mut known: BTreeSet<&str> = served.chain(of_rules).map(String::as_str).collect();
    known.extend(USUAL_VERBS);
    for it in SPECIAL_VERBS.into_iter().filter(|it| *it != "*") {
        known.insert(it);
    }
    for it in super::kubectl::commands() {
        known.insert(it);
    }
    if is_path {
        known = PATH_VERBS.into_iter().collect();
    }
    Some(UnknownName::new(NameKind::Verb, verb, known))
}

/// A namespace that is not there, where all namespaces were read. Empty is none.
pub fn unknown_namespace(permissions: &Permissions, namespace: &str) -> Option<UnknownName> {
    let is_known = |namespace: &str| permissions.namespaces().any(|it| it == namespace);
    if namespace.is_empty() || permissions.namespaces_gap().is_some() || is_known(namespace) {
        return None;
    }
    Some(UnknownName::new(NameKind::Namespace, namespace, permissions.namespaces()))
}

/// A resource that is not served, where discovery was read whole: the nearest by any of their names.
fn unknown_resource(served: &ServedResources, word: &str) -> UnknownName {
    let mut known: Vec<(String, String)> = Vec::new();
    for it in served.iter() {
        let is_plain = served.resolve(&it.plural).is_some_and(|found| found.resource.group == it.group);
        let shown = if is_plain { it.plural.clone() } else { in_group(&it.plural, &it.group) };
        if word.contains('.') {
            known.push((in_group(&it.plural, &it.group), in_group(&it.plural, &it.group)));
        }
        let names = [&it.plural, &it.singular, &it.kind].into_iter().chain(&it.short_names);
        known.extend(names.filter(|name| !name.is_empty()).map(|name| (name.clone(), shown.clone())));
    }
    let known = known.iter().map(|(name, shown)| (name.as_str(), shown.as_str()));
    UnknownName::with_aliases(NameKind::Resource, word, known)
}

struct VirtualResource {
    group: &'static str,
    plural: &'static str,
    cluster_wide: bool,
    note: Option<String>,
}

/// Something that authorizers are asked about and no API serves. `impersonate` on users, groups and service accounts is
/// asked of the core group, on uids and extras of authentication.k8s.io; the verbs of constrained impersonation
/// (`impersonate:user-info` and so on, Kubernetes 1.36; in 1.35 behind a feature gate) of authentication.k8s.io alone. As
/// k8s.io/apiserver `pkg/endpoints/filters/impersonation/mode.go` has it. Signers are those of
/// `plugin/pkg/admission/certificates`.
fn virtual_resource(verb: &str, word: &str, served: &ServedResources) -> Option<VirtualResource> {
    let lower = word.to_lowercase();
    let (name, typed_group) = split_group(&lower);
    let plural = match name {
        "user" | "users" => "users",
        "group" | "groups" => "groups",
        "sa" | "serviceaccount" | "serviceaccounts" => "serviceaccounts",
        "uid" | "uids" => "uids",
        "userextra" | "userextras" => "userextras",
        "no" | "node" | "nodes" => "nodes",
        "signer" | "signers" => "signers",
        "psp" | "podsecuritypolicy" | "podsecuritypolicies" => "podsecuritypolicies",
        _ => return None,
    };
    let group = match (verb, plural) {
        ("impersonate", "users" | "groups" | "serviceaccounts") => "",
        ("impersonate", "uids" | "userextras") => AUTHENTICATION,
        (verb, "users" | "groups" | "serviceaccounts" | "uids" | "userextras" | "nodes")
            if verb.starts_with("impersonate:") =>
        {
            AUTHENTICATION
        }
        ("approve" | "sign" | "attest", "signers") => CERTIFICATES,
        ("use", "podsecuritypolicies") if served.resolve(&lower).is_none() => "policy",
        _ => return None,
    };
    if typed_group.as_deref().is_some_and(|it| it != group) {
        return None;
    }
    // One that is served by the same name is not what is asked about.
    let custom = served.resolve(name).map(|it| it.resource).filter(|it| it.group != group);
    let note = match custom {
        Some(it) => Some(format!(
            "{verb} is about {}, whatever {} is: kubectl auth can-i would ask about that",
            in_group(plural, group),
            in_group(&it.plural, &it.group)
        )),
        None if plural == "podsecuritypolicies" => {
            Some("Kubernetes 1.25 and newer have no PodSecurityPolicies: nothing asks for this".to_owned())
        }
        None => None,
    };
    Some(VirtualResource { group, plural, cluster_wide: plural != "serviceaccounts", note })
}

/// Whether a request is about a kind that has no namespace, as far as that is known: nodes, or the users that somebody
/// impersonates.
pub fn is_cluster_scoped(served: &ServedResources, request: &Request) -> bool {
    let Target::Resource { group, resource, .. } = &request.target else { return true };
    match virtual_resource(&request.verb, &in_group(resource, group), served) {
        Some(it) => it.cluster_wide,
        None => served.find(group, resource).is_some_and(|it| !it.namespaced),
    }
}

fn is_impersonation(verb: &str) -> bool {
    verb == "impersonate" || verb.starts_with("impersonate:")
}

struct FoundResource {
    group: String,
    plural: String,
    cluster_wide: bool,
    /// Groups and plurals.
    alternatives: Vec<(String, String)>,
    open: String,
    /// It is not served, and all that is served is known.
    unknown: Option<UnknownName>,
    /// Authorizers are asked about it, and nothing serves it.
    is_virtual: bool,
}

impl FoundResource {
    fn named(group: &str, plural: &str) -> Self {
        FoundResource {
            group: group.to_owned(),
            plural: plural.to_owned(),
            cluster_wide: false,
            alternatives: Vec::new(),
            open: String::new(),
            unknown: None,
            is_virtual: false,
        }
    }
}

fn look_up(permissions: &Permissions, word: &str, notes: &mut Vec<String>) -> FoundResource {
    let (name, group) = split_group(word);
    if name == "*" {
        if group.is_none() {
            notes.push("taken for every resource of the core group, as kubectl does; *.* means every group".to_owned());
        }
        return FoundResource::named(&group.unwrap_or_default(), "*");
    }
    let served = permissions.served();
    if let Some(found) = served.resolve(word) {
        notes.extend(note_on(permissions, word, &found));
        let it = found.resource;
        return FoundResource { cluster_wide: !it.namespaced, ..FoundResource::named(&it.group, &it.plural) };
    }
    match served.gap_for(group.as_deref()) {
        None => {
            notes.push(match &group {
                None => format!(
                    "the server doesn't have a resource type {word:?}: as kubectl does, the core group is asked for it"
                ),
                Some(group) => format!(
                    "the server doesn't have a resource type {name:?} in group {group:?}: as kubectl does, the core \
                     group is asked for {word:?}"
                ),
            });
            FoundResource { unknown: Some(unknown_resource(served, word)), ..FoundResource::named("", word) }
        }
        Some(gap) => unlisted(permissions, &name.to_lowercase(), group, gap, notes),
    }
}

/// What is to be said of a name that a resource was found by.
fn note_on(permissions: &Permissions, word: &str, found: &ResolvedName<'_>) -> Option<String> {
    let ApiResource { group, plural, kind, .. } = found.resource;
    let taken = in_group(plural, group);
    let word = word.to_lowercase();
    // What measures pods and nodes is never meant by their bare name.
    let others: Vec<&&ApiResource> = found.others.iter().filter(|it| it.group != "metrics.k8s.io").collect();
    let mut all: Vec<String> =
        std::iter::once(&found.resource).chain(others.iter().copied()).map(|it| group_in_words(&it.group)).collect();
    all.dedup();
    let many = all.join(" and ");
    let of_rules = || {
        let bare = !word.contains('.') && permissions.served().missing_groups().is_none();
        let named = if bare { groups_in_rules(permissions, &word) } else { Vec::new() };
        let other =
            |it: &String| it != group && it != "metrics.k8s.io" && !found.others.iter().any(|known| known.group == *it);
        named.into_iter().filter(other).map(|it| in_group(&word, &it)).collect::<Vec<_>>()
    };
    match (found.matched, others.is_empty()) {
        (MatchedName::Kind, _) => {
            Some(format!("kind {kind} is resource {taken}: kubectl auth can-i takes that name only"))
        }
        (MatchedName::Full, false) => Some(format!("{word} is served by {many}; kubectl picks {taken}")),
        (MatchedName::Short, false) => {
            let others: Vec<String> = others.iter().map(|it| in_group(&it.plural, &it.group)).collect();
            Some(format!("{word} is a short name of {taken} and {}; kubectl picks {taken}", others.join(" and ")))
        }
        (_, true) => match of_rules().as_slice() {
            [] => None,
            named => Some(format!("taken for {taken}; rules also name {}", named.join(", "))),
        },
    }
}

/// A name that is none of Kubernetes' own, where not all of discovery was read: it is taken as it was typed.
fn unlisted(
    permissions: &Permissions,
    name: &str,
    group: Option<String>,
    gap: &str,
    notes: &mut Vec<String>,
) -> FoundResource {
    let mut custom = custom_resources(permissions);
    let missing = permissions.served().missing_groups();
    if let Some(missing) = missing {
        custom.retain(|(group, _)| missing.contains(group));
    }
    let everywhere = resources_of_all_groups(permissions);
    let is_called = |plural: &str, word: &str| {
        plural == word || plural.strip_prefix(word).is_some_and(|rest| rest == "s" || rest == "es")
    };
    match group {
        Some(group) => {
            if custom.contains(&(group.clone(), name.to_owned())) {
                return FoundResource::named(&group, name);
            }
            // A singular, a short name, or the beginning of a group.
            let likely: BTreeSet<&(String, String)> =
                custom.iter().filter(|(own, _)| own.starts_with(&group)).collect();
            let one: Vec<&&(String, String)> = likely.iter().filter(|(_, plural)| is_called(plural, name)).collect();
            let typed = in_group(name, &group);
            let open = format!("which resource {typed} is ({gap})");
            notes.push(match one.first() {
                Some((group, plural)) => format!("{open}; rules name {}", in_group(plural, group)),
                None => format!("no API resource {typed} is known ({gap})"),
            });
            let of_all_groups = everywhere.into_iter().map(|plural| (group.clone(), plural));
            let alternatives = likely.into_iter().cloned().chain(of_all_groups).collect();
            FoundResource { alternatives, open, ..FoundResource::named(&group, name) }
        }
        None => {
            let named: Vec<&(String, String)> = custom.iter().filter(|(_, plural)| is_called(plural, name)).collect();
            let words: Vec<String> = named.iter().map(|(group, plural)| in_group(plural, group)).collect();
            let open = match words.as_slice() {
                [] => format!("which resource {name:?} is, a custom one perhaps ({gap}): write RESOURCE.GROUP"),
                [one] => format!("which resource {name:?} is ({gap}): write {one} if that is meant"),
                many => format!("which resource {name:?} is ({gap}): rules name {}", many.join(", ")),
            };
            notes.push(match words.as_slice() {
                [] => format!("no API resource {name:?} is known; a custom one is written RESOURCE.GROUP"),
                many => format!("{name:?} is none of Kubernetes' own resources; rules name {}", many.join(", ")),
            });
            // A name that no rule has may be a short name of any of them; and what serves it may be in no rule at all.
            let mut alternatives: Vec<(String, String)> =
                if named.is_empty() { custom.iter().cloned().collect() } else { named.into_iter().cloned().collect() };
            let is_likely = |plural: &String| words.is_empty() || is_called(plural, name);
            let own: Vec<String> =
                std::iter::once(name.to_owned()).chain(everywhere.into_iter().filter(is_likely)).collect();
            let groups: Vec<String> = match missing {
                Some(missing) => missing.iter().cloned().collect(),
                None => vec![UNNAMED_GROUP.to_owned()],
            };
            alternatives.extend(groups.iter().flat_map(|group| own.iter().map(|it| (group.clone(), it.clone()))));
            FoundResource { alternatives, open, ..FoundResource::named("", name) }
        }
    }
}

/// Stands for an API group that no rule names: only rules for all groups cover it.
const UNNAMED_GROUP: &str = "unnamed.invalid";

fn in_group(plural: &str, group: &str) -> String {
    if group.is_empty() { plural.to_owned() } else { format!("{plural}.{group}") }
}

fn group_in_words(group: &str) -> String {
    if group.is_empty() { "the core group".to_owned() } else { group.to_owned() }
}

/// `deployments.apps` → apps; `pods.` → the core group; `deployments.v1.apps` → apps, as kubectl lets one write.
fn split_group(word: &str) -> (&str, Option<String>) {
    let Some((name, group)) = word.split_once('.') else { return (word, None) };
    let (first, rest) = group.split_once('.').unwrap_or((group, ""));
    let digits = first.strip_prefix('v').is_some_and(|it| it.starts_with(|c: char| c.is_ascii_digit()));
    let group = if digits && (group.contains('.') || first.len() <= 3) { rest } else { group };
    (name, Some(group.to_lowercase()))
}

/// The resources that rules name and that are none of Kubernetes' own: groups and plurals.
fn custom_resources(permissions: &Permissions) -> BTreeSet<(String, String)> {
    let of_policies = catalog::policies().filter_map(|it| it.rules.as_ref()).flatten().map(|it| &it.rule);
    let mut all = BTreeSet::new();
    for rule in permissions.index().all_rules().chain(of_policies) {
        for group in rule.api_groups.iter().filter(|it| *it != "*" && !it.is_empty()) {
            for resource in &rule.resources {
                let plural = resource.split('/').next().unwrap_or_default();
                if plural != "*" && !plural.is_empty() && find(group, plural).is_none() {
                    all.insert((group.clone(), plural.to_owned()));
                }
            }
        }
    }
    all
}

/// The resources that rules name in all groups at once, Kubernetes' own aside.
fn resources_of_all_groups(permissions: &Permissions) -> BTreeSet<String> {
    let of_all = permissions.index().all_rules().filter(|rule| rule.api_groups.iter().any(|it| it == "*"));
    let plurals = of_all.flat_map(|rule| &rule.resources).map(|it| it.split('/').next().unwrap_or_default());
    let is_own = |plural: &str| built_in().iter().any(|it| it.plural == plural);
    plurals.filter(|it| *it != "*" && !it.is_empty() && !is_own(it)).map(str::to_owned).collect()
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
    USUAL_VERBS.contains(&verb)
        || SPECIAL_VERBS.contains(&verb)
        || verb.starts_with("impersonate:")
        || verb.starts_with("impersonate-on:")
        || permissions.served().iter().any(|it| it.verbs.iter().any(|known| known == verb))
        || permissions.index().all_rules().any(|rule| rule.verbs.iter().any(|known| known == verb))
}

#[cfg(test)]
mod tests;

//! The smallest access that would allow what was refused, as commands to look at: nothing here is executed.
//!
//! Decides what is small: by how much a policy, group or role gives, every kind, verb and place counted, wildcards as
//! many; and what goes along with it: an association that is made again replaces its scope, a list of groups that is
//! updated replaces the list, an entry that is made shadows the aws-auth row. A new way to mend is a function here.

mod entry;

use super::Ground;
use super::StepName;
use super::walk::told;
use crate::access::catalog;
use crate::access::identity::{MappingSource, Resolution};
use crate::access::permissions::rule::allows;
use crate::access::permissions::{RoleName, Rules, Verdict, Who};
use crate::model::cluster::{AuthenticationMode, ClusterId};
use crate::model::mapping::{AccessScope, AssociatedPolicy, ScopeKind};
use crate::model::rbac::Rule;
use crate::model::request::{Request, Target};
use crate::model::snapshot::{DocumentRef, Evidence};
use crate::model::words::count;

/// For whom something is to be mended.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Subject {
    /// An IAM principal.
    Principal(Box<Resolution>),
    /// A service account.
    ServiceAccount { namespace: String, name: String },
    /// A username that no mapping gives, or that is impersonated.
    User { username: String, groups: Vec<String> },
    /// Nobody to whom access should be given.
    Nobody,
}

/// Of what kind a change would be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FixKind {
    /// An access policy associated with the access entry.
    AccessPolicy,
    /// A group that exists, given to the principal by its mapping.
    Group,
    /// A binding.
    Binding,
    /// An access entry.
    AccessEntry,
    /// A row of aws-auth.
    AwsAuth,
    /// The client's own configuration.
    Kubeconfig,
}

impl FixKind {
    /// `access-policy`, `group`, `binding`, `access-entry`, `aws-auth`, `kubeconfig`
    pub fn as_str(self) -> &'static str {
        match self {
            FixKind::AccessPolicy => "access-policy",
            FixKind::Group => "group",
            FixKind::Binding => "binding",
            FixKind::AccessEntry => "access-entry",
            FixKind::AwsAuth => "aws-auth",
            FixKind::Kubeconfig => "kubeconfig",
        }
    }
}

/// A change that would mend it.
#[derive(Clone, Debug, PartialEq)]
pub struct Fix {
    /// Of what kind.
    pub kind: FixKind,
    /// What it is: `AmazonEKSViewPolicy in namespace payments`.
    pub text: String,
    /// What goes along with it.
    pub note: String,
    /// For a shell; several lines are several commands.
    pub command: String,
    /// The policy, of an access policy.
    pub policy: Option<(String, AccessScope)>,
    /// The group that is given or bound.
    pub group: Option<String>,
    /// The role that is bound.
    pub role: Option<RoleName>,
    /// Where it may be looked at: the policy's rules, the group's binding, the role.
    pub evidence: Option<Evidence>,
}

impl Fix {
    fn new(kind: FixKind, text: impl Into<String>, note: impl Into<String>, command: String) -> Self {
        let (text, note) = (text.into(), note.into());
        Fix { kind, text, note, command, policy: None, group: None, role: None, evidence: None }
    }
}

/// What would mend it, the smallest first. `failed` is the step that fails, if one does.
pub(super) fn fixes(
    ground: &Ground<'_>,
    subject: &Subject,
    request: Option<&Request>,
    failed: Option<StepName>,
    notes: &mut Vec<String>,
) -> Vec<Fix> {
    match (subject, request) {
        (_, _) if failed == Some(StepName::Credentials) => Vec::new(),
        (Subject::Nobody, _) => Vec::new(),
        (Subject::Principal(resolution), _) if failed == Some(StepName::Mapping) => {
            entry::mapping(ground, resolution, notes)
        }
        (Subject::Principal(resolution), Some(request)) => of_principal(ground, resolution, request, notes),
        (Subject::ServiceAccount { namespace, name }, Some(request)) => {
            let to = format!("--serviceaccount={}", quote(&format!("{namespace}:{name}")));
            bindings(ground, &to, name, request)
        }
        (Subject::User { username, groups }, Some(request)) => {
            let to = match groups.first() {
                Some(group) => format!("--group={}", quote(group)),
                None => format!("--user={}", quote(username)),
            };
            bindings(ground, &to, username, request)
        }
        (Subject::Principal(_) | Subject::ServiceAccount { .. } | Subject::User { .. }, None) => Vec::new(),
    }
}

fn of_principal(ground: &Ground<'_>, resolution: &Resolution, request: &Request, notes: &mut Vec<String>) -> Vec<Fix> {
    let Some(mapping) = &resolution.mapping else { return Vec::new() };
    if mapping.kind.as_deref().is_some_and(|kind| kind != "STANDARD") {
        let kind = mapping.kind.as_deref().unwrap_or_default();
        notes.push(format!("an access entry of type {kind} takes neither groups nor policies of one's own"));
        return Vec::new();
    }
    let mode = ground.facts.cluster.value().map(|it| it.authentication_mode());
    let mut out = Vec::new();
    let mut everything = None;
    if mode == Some(AuthenticationMode::ConfigMap) {
        notes.push("authentication mode CONFIG_MAP knows no access policies: only groups can give it".to_owned());
    } else {
        match policy(ground, resolution, request) {
            Some((fix, false)) => out.push(fix),
            Some((fix, true)) => everything = Some(fix),
            None => {}
        }
        if out.is_empty() {
            let why = match &request.target {
                Target::Path(_) => "they name no paths but AmazonEKSClusterAdminPolicy",
                Target::Resource { group, resource, .. }
                    if crate::access::resources::find(group, resource).is_none() =>
                {
                    "they name built-in kinds only, and this is none"
                }
                Target::Resource { .. } => "what they name does not include it",
            };
            notes.push(format!("no access policy but AmazonEKSClusterAdminPolicy allows it: {why}"));
        }
    }
    out.extend(group(ground, resolution, request));
    if out.is_empty() {
        out.extend(own_binding(ground, resolution, request));
    }
    // That which gives everything comes last, whatever its rules are few.
    out.extend(everything);
    out
}

/// The narrowest published access policy that allows the request, and whether it gives everything.
fn policy(ground: &Ground<'_>, resolution: &Resolution, request: &Request) -> Option<(Fix, bool)> {
    let scope = match request.namespace() {
        "" => AccessScope::default(),
        namespace => AccessScope { kind: ScopeKind::Namespace, namespaces: vec![namespace.to_owned()] },
    };
    let for_customers = catalog::policies().filter(|it| it.assignable_to.as_deref() == Some("customer"));
    let allowing = for_customers.filter_map(|it| {
        let rules = it.rules.as_ref()?;
        rules.iter().any(|it| it.restricted.is_none() && allows(&it.rule, request)).then_some((it, rules))
    });
    let width = |rules: &[catalog::PolicyRule]| rules.iter().map(|it| width(&it.rule)).sum::<u64>();
    let (narrowest, rules) = allowing.min_by_key(|(it, rules)| (width(rules), it.name.clone()))?;
    let everything = rules.iter().any(|it| is_everything(&it.rule));
    let partition = resolution.asked.principal.partition.as_str();
    let policy_arn = narrowest.arn.replacen("arn:aws:", &format!("arn:{partition}:"), 1);
    // Associating a policy again replaces its scope, so what it covers already goes along.
    let held = resolution.access_policies.iter().flatten().find(|it| it.name() == narrowest.name);
    let mut wanted = scope.clone();
    let mut note = format!("{}, the least of the published policies", count(rules.len(), "rule", "rules"));
    if let Some(AssociatedPolicy { access_scope, .. }) = held
        && access_scope.kind == ScopeKind::Namespace
        && wanted.kind == ScopeKind::Namespace
    {
        wanted.namespaces = access_scope.namespaces.iter().chain(&scope.namespaces).cloned().collect();
        note = format!("it has the policy in {} already; associating it again replaces the scope", access_scope);
    }
    if everything {
        "it gives everything there is: only if nothing smaller will do".clone_into(&mut note);
    }
    let place = match scope.kind {
        ScopeKind::Cluster => "at the cluster's scope".to_owned(),
        ScopeKind::Namespace => format!("in namespace {}", scope.namespaces.join(", ")),
    };
    let text = format!("{} {place}", narrowest.name);
    let (prepare, remark) = entry::prepare(ground, resolution);
    let mut command = prepare;
    command.push(associate(ground.cluster, &entry_arn(resolution), &policy_arn, &wanted));
    let note = if remark.is_empty() { note } else { format!("{note}; {remark}") };
    let mut fix = Fix::new(FixKind::AccessPolicy, text, note, command.join("\n"));
    fix.policy = Some((policy_arn, wanted));
    fix.evidence = Some(Evidence::new(DocumentRef::AccessPolicy(narrowest.name.clone()), ""));
    Some((fix, everything))
}

/// The ARN under which an access entry is made: as the entry in force has it, or the principal's own.
fn entry_arn(resolution: &Resolution) -> String {
    match resolution.mapping.as_ref().map(|it| &it.source) {
        Some(MappingSource::AccessEntry { principal_arn }) => principal_arn.clone(),
        _ => resolution.asked.principal.arn(),
    }
}

fn associate(cluster: &ClusterId, principal: &str, policy_arn: &str, scope: &AccessScope) -> String {
    let scope = match scope.kind {
        ScopeKind::Cluster => "type=cluster".to_owned(),
        ScopeKind::Namespace => format!("type=namespace,namespaces={}", scope.namespaces.join(",")),
    };
    format!(
        "aws eks associate-access-policy {} --principal-arn {} --policy-arn {} --access-scope {}",
        at(cluster),
        quote(principal),
        quote(policy_arn),
        quote(&scope)
    )
}

/// `--region … --cluster-name …`
fn at(cluster: &ClusterId) -> String {
    format!("--region {} --cluster-name {}", quote(&cluster.region), quote(&cluster.name))
}

/// The group that gives least of those whose bindings allow the request.
fn group(ground: &Ground<'_>, resolution: &Resolution, request: &Request) -> Option<Fix> {
    let mapping = resolution.mapping.as_ref()?;
    let own = resolution.identity.as_ref().map(|it| it.groups.clone()).unwrap_or_default();
    let names = ground.permissions.index().groups.keys();
    // Groups of the system's own are not for people, and an access entry may not name them.
    let free = names.filter(|it| !it.starts_with("system:") && !it.starts_with("eks:") && !own.contains(it));
    let (_, name) = free
        .filter_map(|name| {
            let who = Who::named("", &[name]);
            let allowed = ground.permissions.decide(&who, request).verdict == Verdict::Allowed;
            if !allowed { None } else { Some((reach(ground, &who)?, name.clone())) }
        })
        .min()?;
    let by = ground.permissions.decide(&Who::named("", &[&name]), request).by.into_iter().next()?;
    let (note, command) = match &mapping.source {
        MappingSource::AccessEntry { principal_arn } => {
            // As the entry has them, which may hold templates.
            let entry = ground.facts.access_entries.items().iter().find(|it| it.principal_arn == *principal_arn);
            let own = entry.map_or(own.as_slice(), |it| it.kubernetes_groups.as_slice());
            let groups: Vec<String> = own.iter().chain([&name]).map(|it| quote(it)).collect();
            let note = if own.is_empty() { "" } else { "; the list of groups is replaced, so those it has go along" };
            let command = format!(
                "aws eks update-access-entry {} --principal-arn {} --kubernetes-groups {}",
                at(ground.cluster),
                quote(principal_arn),
                groups.join(" ")
            );
            (note, command)
        }
        MappingSource::AwsAuth { key, index: Some(index) }
            if *key != crate::model::aws_auth::AwsAuthKey::MapAccounts =>
        {
            let place = format!("# {key}[{index}].groups: add {}", quote(&name));
            (
                "; whoever else has that row gets it too",
                format!("kubectl -n kube-system edit configmap aws-auth  {place}"),
            )
        }
        MappingSource::AwsAuth { .. } => return None,
    };
    let text = format!("group {name}");
    let mut fix = Fix::new(FixKind::Group, text, format!("{}{note}", by.grant), command);
    fix.group = Some(name);
    fix.evidence = by.grant.evidence();
    Some(fix)
}

/// How much a group gives: the width of all its rules; a grant in the whole cluster counts many times. `None` if that is
/// not known, or everything.
fn reach(ground: &Ground<'_>, who: &Who) -> Option<u64> {
    const WHOLE_CLUSTER: u64 = 20;
    ground.permissions.grants(who).iter().try_fold(0, |sum, held| {
        let rules = match &held.rules {
            Rules::Known(rules) if rules.iter().any(|it| is_everything(it)) => return None,
            Rules::Known(rules) => rules.iter().map(|it| width(it)).sum::<u64>(),
            Rules::Dangling => 0,
            Rules::All | Rules::Unknown(_) => return None,
        };
        let times = if held.grant.scope() == "cluster" { WHOLE_CLUSTER } else { 1 };
        Some(sum + rules * times)
    })
}

/// How much a rule gives: groups by resources by verbs, a star being many.
fn width(rule: &Rule) -> u64 {
    let count =
        |list: &[String], star: u64| -> u64 { list.iter().map(|it| if it.contains('*') { star } else { 1 }).sum() };
    if !rule.non_resource_urls.is_empty() {
        return count(&rule.non_resource_urls, 50) * count(&rule.verbs, 10);
    }
    count(&rule.api_groups, 30) * count(&rule.resources, 100) * count(&rule.verbs, 10)
}

fn is_everything(rule: &Rule) -> bool {
    let star = |list: &[String]| list.iter().any(|it| it == "*");
    star(&rule.api_groups) && star(&rule.resources) && star(&rule.verbs)
}

/// A binding for a group of the principal's own, or for one that is made for it.
fn own_binding(ground: &Ground<'_>, resolution: &Resolution, request: &Request) -> Vec<Fix> {
    let own = resolution.identity.as_ref().and_then(|it| it.groups.iter().find(|it| !it.starts_with("system:")));
    let name = &resolution.asked.principal.name;
    let (group, give) = match (own, resolution.mapping.as_ref().map(|it| &it.source)) {
        (Some(group), _) => (group.clone(), None),
        (None, Some(MappingSource::AccessEntry { principal_arn })) => {
            let group = slug(name);
            let command = format!(
                "aws eks update-access-entry {} --principal-arn {} --kubernetes-groups {}",
                at(ground.cluster),
                quote(principal_arn),
                quote(&group)
            );
            (group, Some(command))
        }
        _ => return Vec::new(),
    };
    let mut all = bindings(ground, &format!("--group={}", quote(&group)), name, request);
    for fix in &mut all {
        fix.group = Some(group.clone());
        match &give {
            Some(give) => {
                fix.note.push_str("; its entry gets a group of its own for it");
                fix.command = format!("{give}\n{}", fix.command);
            }
            None => fix.note.push_str(&format!("; everybody in group {group} gets it")),
        }
    }
    all
}

/// Bindings that would allow a request: to the narrowest role there is, and to one that is made for it.
fn bindings(ground: &Ground<'_>, to: &str, who: &str, request: &Request) -> Vec<Fix> {
    let namespace = request.namespace();
    let verb = slug(&request.verb);
    // Of an ARN its resource is telling enough.
    let who = who.rsplit(':').next().unwrap_or(who).trim_start_matches("assumed-role/");
    let name = slug(&format!("{who}-{verb}-{}", request.what()));
    let place = if namespace.is_empty() { "in the whole cluster".to_owned() } else { format!("in {namespace}") };
    let bind = |role: &RoleName| {
        let role = match role {
            RoleName::Role(_, role) => format!("--role={}", quote(role)),
            RoleName::ClusterRole(role) => format!("--clusterrole={}", quote(role)),
        };
        match namespace {
            "" => format!("kubectl create clusterrolebinding {} {role} {to}", quote(&name)),
            namespace => {
                format!("kubectl create rolebinding {} {role} {to} --namespace={}", quote(&name), quote(namespace))
            }
        }
    };
    let mut out = Vec::new();
    let mut existing_first = false;
    if let Some((role, rules, width)) = narrowest_role(ground, request) {
        existing_first = width <= NARROW;
        let text = format!("a binding to {role} {place}");
        let note = format!("the narrowest role there is that allows it: {rules}");
        let mut fix = Fix::new(FixKind::Binding, text, note, bind(&role));
        fix.evidence = Some(Evidence::new(role.document(), "rules"));
        fix.role = Some(role);
        out.push(fix);
    }
    let kind = if namespace.is_empty() { "clusterrole" } else { "role" };
    let target = match &request.target {
        Target::Path(path) => format!("--non-resource-url={}", quote(path)),
        Target::Resource { name, .. } if name.is_empty() => format!("--resource={}", quote(&request.qualified())),
        Target::Resource { name, .. } => {
            format!("--resource={} --resource-name={}", quote(&request.qualified()), quote(name))
        }
    };
    let within = if namespace.is_empty() { String::new() } else { format!(" --namespace={}", quote(namespace)) };
    let create = format!("kubectl create {kind} {} --verb={} {target}{within}", quote(&name), quote(&request.verb));
    let role = match namespace {
        "" => RoleName::ClusterRole(name.clone()),
        namespace => RoleName::Role(namespace.to_owned(), name.clone()),
    };
    let text = format!("a role for exactly this, and a binding {place}");
    let note = format!("{} and nothing else", told(request));
    let mut fix = Fix::new(FixKind::Binding, text, note, format!("{create}\n{}", bind(&role)));
    fix.role = Some(role);
    out.push(fix);
    if !existing_first {
        out.reverse();
    }
    out
}

/// A role that gives no more than this is as good as one for exactly the request: all verbs on one kind, say.
const NARROW: u64 = 12;

/// The role with the least in it that allows the request and could be bound where it is needed.
fn narrowest_role(ground: &Ground<'_>, request: &Request) -> Option<(RoleName, String, u64)> {
    let namespace = request.namespace();
    let own = ground
        .facts
        .roles
        .items()
        .iter()
        .filter(|it| !namespace.is_empty() && it.metadata.namespace.as_deref() == Some(namespace));
    let own = own.map(|it| (RoleName::Role(namespace.to_owned(), it.metadata.name.clone()), &it.rules));
    let all = ground.facts.cluster_roles.items().iter();
    let all = all.map(|it| (RoleName::ClusterRole(it.metadata.name.clone()), &it.rules));
    let of_the_system = |name: &RoleName| match name {
        RoleName::Role(_, name) | RoleName::ClusterRole(name) => {
            name.starts_with("system:") || name.starts_with("eks:")
        }
    };
    let fits = own.chain(all).filter(|(name, rules)| {
        !of_the_system(name) && rules.iter().any(|it| allows(it, request)) && !rules.iter().any(is_everything)
    });
    let sized = fits.map(|(name, rules)| (rules.iter().map(width).sum::<u64>(), name, rules.len()));
    let (width, name, count) = sized.min()?;
    Some((name, if count == 1 { "1 rule".to_owned() } else { format!("{count} rules") }, width))
}

/// The client's own configuration, made anew.
pub(super) fn kubeconfig(cluster: &ClusterId) -> Fix {
    let command =
        format!("aws eks update-kubeconfig --region {} --name {}", quote(&cluster.region), quote(&cluster.name));
    let note = "writes a user whose token comes from the AWS credentials of the shell";
    Fix::new(FixKind::Kubeconfig, "a kubeconfig made anew for this cluster", note, command)
}

/// A name for an object, out of other names.
fn slug(text: &str) -> String {
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

/// An argument, as a shell takes it for one.
pub(super) fn quote(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_./:@%+=,-".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_one_word_for_a_shell() {
        for (text, quoted) in [
            ("plain-1.x:y/z", "plain-1.x:y/z"),
            ("", "''"),
            ("a b", "'a b'"),
            ("o'x; rm -rf $HOME", "'o'\\''x; rm -rf $HOME'"),
            ("*", "'*'"),
        ] {
            assert_eq!(quote(text), quoted);
        }
    }

    #[test]
    fn policies_are_ordered_by_what_they_give() {
        let of = |name: &str| -> u64 {
            let arn = format!("arn:aws:eks::aws:cluster-access-policy/{name}");
            let rules = catalog::policy(&arn).and_then(|it| it.rules.as_ref()).expect(name);
            rules.iter().map(|it| width(&it.rule)).sum()
        };
        let order = ["SecretReader", "SecretAdmin", "View", "Edit", "Admin", "AdminView", "ClusterAdmin"];
        let widths: Vec<u64> = order.iter().map(|it| of(&format!("AmazonEKS{it}Policy"))).collect();
        assert!(widths.is_sorted(), "{order:?} {widths:?}");
    }

    #[test]
    fn names_are_made_of_what_an_object_may_be_called() {
        assert_eq!(slug("arn:aws:sts::1:Role/x"), "arn-aws-sts-1-role-x");
        assert_eq!(slug("日本"), "access");
        assert_eq!(slug(&"a".repeat(100)).len(), 60);
    }
}

//! What a fix would change: access entries, RBAC objects, rows of aws-auth, the authentication mode.
//!
//! Decides how such a change is projected onto the facts and how it is written for a shell. Only the access entries can
//! be staged and applied by this program ([`FixChange::staged`]); the rest is printed as commands for `kubectl`, `eksctl`
//! or `aws`. What follows from the projected facts is decided by `access`, as ever.

use crate::edit::draft::Draft;
use crate::edit::export::{Place, command_lines, quoted};
use crate::edit::plan::plan;
use crate::edit::project::project;
use crate::model::aws_auth::{AWS_AUTH, AwsAuth, AwsAuthKey, AwsAuthRow};
use crate::model::cluster::{AccessConfig, AuthenticationMode};
use crate::model::rbac::{Binding, ConfigMap, Role, Rule};
use crate::model::snapshot::{AwsAuthFact, ClusterFacts, Section, State};
use crate::model::time::Time;

/// All that a fix would change.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FixChange {
    /// Access entries.
    pub draft: Draft,
    /// Roles and bindings that would be created.
    pub rbac: Vec<RbacObject>,
    /// A row of aws-auth that would be written.
    pub row: Option<RowChange>,
    /// The authentication mode that the cluster would be switched to, before anything else.
    pub mode: Option<AuthenticationMode>,
}

/// A role or binding that a fix would create.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum RbacObject {
    Role(Role),
    ClusterRole(Role),
    RoleBinding(Binding),
    ClusterRoleBinding(Binding),
}

/// A row of mapRoles or mapUsers that a fix would write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowChange {
    /// Under which key.
    pub key: AwsAuthKey,
    /// The row that is edited; `None` for a new one.
    pub index: Option<usize>,
    /// The ARN that the row would have.
    pub arn: String,
    /// The username that it would give.
    pub username: String,
    /// The groups that it would give.
    pub groups: Vec<String>,
}

impl FixChange {
    /// The change as a draft, if the whole of it can be staged and applied by this program.
    pub fn staged(&self) -> Option<&Draft> {
        let rest = self.rbac.is_empty() && self.row.is_none() && self.mode.is_none();
        (rest && !self.draft.is_empty()).then_some(&self.draft)
    }

    /// Whether identities may change, and not only what identities are allowed.
    pub(super) fn touches_mappings(&self) -> bool {
        !self.draft.is_empty() || self.row.is_some() || self.mode.is_some()
    }

    /// The facts after the change.
    pub fn project(&self, facts: &ClusterFacts) -> ClusterFacts {
        let mut after = project(facts, &self.draft, entries_read_at(facts));
        for object in &self.rbac {
            match object {
                RbacObject::Role(role) => after.roles = with_item(&after.roles, role),
                RbacObject::ClusterRole(role) => after.cluster_roles = with_item(&after.cluster_roles, role),
                RbacObject::RoleBinding(binding) => after.role_bindings = with_item(&after.role_bindings, binding),
                RbacObject::ClusterRoleBinding(binding) => {
                    after.cluster_role_bindings = with_item(&after.cluster_role_bindings, binding);
                }
            }
        }
        if let Some(row) = &self.row {
            after.aws_auth = after.aws_auth.map(|fact| row.write_into(fact));
        }
        if let Some(mode) = self.mode {
            after.cluster = after.cluster.map(|cluster| {
                let mut cluster = cluster.clone();
                let config = cluster.access_config.get_or_insert_with(AccessConfig::default);
                config.authentication_mode = Some(mode);
                cluster
            });
            // In mode CONFIG_MAP the cluster has no access entries, and nothing was read.
            if matches!(after.access_entries.state(), State::NotApplicable(_)) {
                let since = entries_read_at(facts).unwrap_or_default();
                after.access_entries = project(
                    &ClusterFacts { access_entries: Section::known(Vec::new(), since), ..ClusterFacts::default() },
                    &self.draft,
                    Some(since),
                )
                .access_entries;
            }
        }
        after
    }

    /// Commands for a shell that make the change, in order; a line is a command.
    pub fn commands(&self, place: &Place) -> Vec<String> {
        let mut out = Vec::new();
        if let Some(mode) = self.mode {
            out.push(format!(
                "aws eks update-cluster-config --region {} --name {} --access-config authenticationMode={mode}",
                quoted(&place.region),
                quoted(&place.cluster)
            ));
            out.push(format!(
                "aws eks wait cluster-active --region {} --name {}",
                quoted(&place.region),
                quoted(&place.cluster)
            ));
        }
        out.extend(command_lines(place, &plan(&self.draft)));
        out.extend(self.rbac.iter().map(kubectl_create));
        out.extend(self.row.iter().map(|row| row.command(place)));
        out
    }
}

/// When the facts were read: an entry that is created now is newer than the principal that exists.
fn entries_read_at(facts: &ClusterFacts) -> Option<Time> {
    let since = |state: &State| match state {
        State::Known { since } | State::Partial { since, .. } | State::Stale { since, .. } => Some(*since),
        _ => None,
    };
    since(facts.access_entries.state()).or_else(|| since(facts.cluster.state()))
}

fn with_item<T: Clone>(section: &Section<Vec<T>>, item: &T) -> Section<Vec<T>> {
    section.map(|items| {
        let mut items = items.clone();
        items.push(item.clone());
        items
    })
}

impl RowChange {
    fn write_into(&self, fact: &AwsAuthFact) -> AwsAuthFact {
        let (map, mut auth) = fact.clone().unwrap_or_else(|| (ConfigMap::default(), AwsAuth::default()));
        let index = self.index.unwrap_or_else(|| {
            auth.rows.iter().filter(|it| it.key == self.key).map(|it| it.index + 1).max().unwrap_or_default()
        });
        auth.rows.retain(|it| (it.key, it.index) != (self.key, index));
        auth.rows.push(AwsAuthRow {
            key: self.key,
            index,
            arn: Some(self.arn.clone()),
            username: self.username.clone(),
            groups: self.groups.clone(),
            defects: Vec::new(),
        });
        auth.rows.sort_by_key(|it| (it.key, it.index));
        Some((map, auth))
    }

    fn command(&self, place: &Place) -> String {
        match self.index {
            Some(index) => format!(
                "kubectl --namespace {} edit configmap {}  # {}[{index}]: {} {}, username {}, groups {}",
                AWS_AUTH.0,
                AWS_AUTH.1,
                self.key,
                self.key.arn_field(),
                quoted(&self.arn),
                quoted(&self.username),
                quoted(&self.groups.join(","))
            ),
            None => {
                let groups: String = self.groups.iter().map(|it| format!(" --group {}", quoted(it))).collect();
                format!(
                    "eksctl create iamidentitymapping --region {} --cluster {} --arn {} --username {}{groups}",
                    quoted(&place.region),
                    quoted(&place.cluster),
                    quoted(&self.arn),
                    quoted(&self.username)
                )
            }
        }
    }
}

fn kubectl_create(object: &RbacObject) -> String {
    match object {
        RbacObject::Role(role) => create_role("role", role),
        RbacObject::ClusterRole(role) => create_role("clusterrole", role),
        RbacObject::RoleBinding(binding) => create_binding("rolebinding", binding),
        RbacObject::ClusterRoleBinding(binding) => create_binding("clusterrolebinding", binding),
    }
}

fn in_namespace(namespace: Option<&str>) -> String {
    namespace.map(|it| format!(" --namespace={}", quoted(it))).unwrap_or_default()
}

/// A role of one rule, which is all that a fix ever creates.
fn create_role(kind: &str, role: &Role) -> String {
    let Rule { api_groups, resources, verbs, resource_names, non_resource_urls } =
        role.rules.first().cloned().unwrap_or_default();
    let group = api_groups.first().filter(|it| !it.is_empty());
    let target = match (non_resource_urls.first(), resources.first()) {
        (Some(path), _) => format!("--non-resource-url={}", quoted(path)),
        (None, resource) => {
            let resource = resource.map(String::as_str).unwrap_or_default();
            let (plural, subresource) = resource.split_once('/').unwrap_or((resource, ""));
            let dot = group.map(|it| format!(".{it}")).unwrap_or_default();
            let slash = if subresource.is_empty() { "" } else { "/" };
            let names: String = resource_names.iter().map(|it| format!(" --resource-name={}", quoted(it))).collect();
            format!("--resource={}{names}", quoted(&format!("{plural}{dot}{slash}{subresource}")))
        }
    };
    format!(
        "kubectl create {kind} {} --verb={} {target}{}",
        quoted(&role.metadata.name),
        quoted(&verbs.join(",")),
        in_namespace(role.metadata.namespace.as_deref())
    )
}

fn create_binding(kind: &str, binding: &Binding) -> String {
    let role = match binding.role_ref.kind.as_str() {
        "Role" => format!("--role={}", quoted(&binding.role_ref.name)),
        _ => format!("--clusterrole={}", quoted(&binding.role_ref.name)),
    };
    let subjects: Vec<String> = binding
        .subjects
        .iter()
        .map(|it| match (it.kind.as_str(), &it.namespace) {
            ("ServiceAccount", Some(namespace)) => {
                format!("--serviceaccount={}", quoted(&format!("{namespace}:{}", it.name)))
            }
            ("Group", _) => format!("--group={}", quoted(&it.name)),
            _ => format!("--user={}", quoted(&it.name)),
        })
        .collect();
    format!(
        "kubectl create {kind} {} {role} {}{}",
        quoted(&binding.metadata.name),
        subjects.join(" "),
        in_namespace(binding.metadata.namespace.as_deref())
    )
}

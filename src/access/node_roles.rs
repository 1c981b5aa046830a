//! Which IAM roles this cluster's nodes join with.
//!
//! One decider for the Roles pane, why-pod, why-role and the findings about nodes. It reads managed node groups, Auto Mode's
//! own pools, access entries of node types and aws-auth rows of nodes, and asks the [`Resolver`] whether the role really
//! joins: the authentication mode, shadowed rows and ineffective entries count. It leaves the IAM side of a role (trust,
//! policies) to [`super::service_role`]. A new kind of node is a [`NodeJoin`] and an arm in [`NodeRoles::new`].

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use super::Mark;
use super::identity::{Resolution, Resolver, meant, row_evidence};
use super::role_use::RoleUse;
use crate::access::Verdict;
use crate::model::aws_auth::{AwsAuthKey, AwsAuthRow};
use crate::model::aws_command::AccessEntryArguments;
use crate::model::mapping::{AccessEntry, AccessScope, ScopeKind};
use crate::model::principal::{Asked, Principal, PrincipalKind};
use crate::model::role::RoleDetail;
use crate::model::snapshot::{ClusterFacts, DocumentRef, Evidence, Gap, Lookup};
use crate::model::validation::entry::EntryType;
use crate::model::words::last_part;

/// The kind of node that a role is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum NodeJoin {
    /// An EC2 instance with Linux.
    Linux,
    /// An EC2 instance with Windows.
    Windows,
    /// An instance of EKS Auto Mode.
    Auto,
    /// A machine outside AWS.
    Hybrid,
}

/// How a role gets into the cluster: whether it maps, a mark, and a sentence.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct JoinState {
    pub(crate) verdict: Verdict,
    pub(crate) mark: Mark,
    pub(crate) because: String,
}

impl JoinState {
    fn new(verdict: Verdict, mark: Mark, because: impl Into<String>) -> Self {
        JoinState { verdict, mark, because: because.into() }
    }
}

/// A role that only a mapping names as that of nodes: EKS lists no part of the cluster that uses it.
pub(crate) struct MappedNodeRole<'a> {
    pub(crate) used_by: RoleUse,
    /// As the mapping has it.
    pub(crate) arn: &'a str,
    pub(crate) principal: Principal,
    pub(crate) evidence: Evidence,
    joins: Vec<NodeJoin>,
    /// Whether nodes may have joined with it: by all that is known of its mapping it lets nodes in, though the role itself may
    /// have been deleted since.
    may_join: bool,
}

/// With which roles this cluster's nodes join.
pub(crate) struct NodeRoles<'a> {
    mapped: Vec<MappedNodeRole<'a>>,
    /// The role of Auto Mode's built-in pools.
    pools: Option<&'a str>,
    linux: Vec<&'a str>,
    windows: Vec<&'a str>,
    auto: Vec<&'a str>,
    /// Why there may be more of them; `None` when all mappings that this mode reads were read.
    pub(crate) unread: Option<String>,
}

/// The group of aws-auth without which a Windows node does not work.
const WINDOWS_GROUP: &str = "eks:kube-proxy-windows";
const NODES_GROUP: &str = "system:nodes";
/// The group that tells a row of a Fargate profile from that of a hybrid node.
const FARGATE_GROUP: &str = "system:node-proxier";
const BY_INSTANCE: &str = "{{EC2PrivateDNSName}}";
pub(crate) const NODE_USERNAME: &str = "system:node:";

impl<'a> NodeRoles<'a> {
    /// Reads the mappings and resolves each role once.
    pub(crate) fn new(resolver: &Resolver<'a>) -> Self {
        let facts = resolver.facts().0;
        let mode = facts.cluster.value().map(|it| it.authentication_mode());
        let reads_entries = mode.is_none_or(|it| it.reads_entries());
        let reads_rows = mode.is_none_or(|it| it.reads_aws_auth());
        let mut mapped: Vec<MappedNodeRole<'a>> = Vec::new();
        let entries = facts.access_entries.items().iter().filter(|_| reads_entries);
        mapped.extend(entries.filter_map(|it| by_entry(resolver, it)));
        let rows = match facts.aws_auth.value() {
            Some(Some((_, auth))) if reads_rows => auth.rows.as_slice(),
            _ => &[],
        };
        mapped.extend(rows.iter().filter_map(|it| by_row(resolver, it)));
        let pools = facts.cluster.value().and_then(|it| it.compute_config.as_ref()?.node_role_arn.as_deref());
        let entries_gap = facts.access_entries.gap().filter(|_| reads_entries);
        let unread = entries_gap.or_else(|| facts.aws_auth.gap().filter(|_| reads_rows));
        let mut this = NodeRoles {
            mapped,
            pools,
            linux: Vec::new(),
            windows: Vec::new(),
            auto: Vec::new(),
            unread: unread.map(|gap| format!("the mappings that name nodes' roles could not be read: {gap}")),
        };
        this.linux = this.candidates(resolver, NodeJoin::Linux);
        this.windows = this.candidates(resolver, NodeJoin::Windows);
        this.auto = this.candidates(resolver, NodeJoin::Auto);
        this
    }

    /// The roles that only a mapping names, one per mapping, in no particular order.
    pub(crate) fn mapped(&self) -> &[MappedNodeRole<'a>] {
        &self.mapped
    }

    /// The roles by which a node of this kind may have joined that no managed node group runs; in order.
    pub(crate) fn joining(&self, join: NodeJoin) -> &[&'a str] {
        match join {
            NodeJoin::Linux => &self.linux,
            NodeJoin::Windows => &self.windows,
            NodeJoin::Auto => &self.auto,
            NodeJoin::Hybrid => &[],
        }
    }

    /// All roles that [`NodeRoles::joining`] knows.
    pub(crate) fn all_joining(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.linux.iter().chain(&self.windows).chain(&self.auto).copied()
    }

    /// A role in no instance profile is on no instance, unless Auto Mode makes the profile itself, out of sight; one that is in no
    /// profile but those that EKS made for a managed node group is on no other instance. A role that is known not to join is
    /// that of no node; one of which that is not known may be.
    fn candidates(&self, resolver: &Resolver<'a>, join: NodeJoin) -> Vec<&'a str> {
        let facts = resolver.facts().0;
        let fargate = facts.fargate_profiles.items().iter().filter_map(|it| it.pod_execution_role_arn.as_deref());
        // aws-auth leaves the path out: a role is the same by its name.
        let name = |arn: &str| last_part(arn).to_owned();
        let taken: HashSet<String> = fargate.map(name).collect();
        let auto = join == NodeJoin::Auto;
        let profiled = profiled_roles(resolver);
        let group_roles = facts.nodegroups.items().iter().filter_map(|it| it.node_role.as_deref());
        let group_roles: HashSet<String> = group_roles.map(name).collect();
        let has_profile = |role: &str| match &profiled {
            None => true,
            Some(all) if group_roles.contains(role) => {
                all.get(role).is_some_and(|profile| *profile == ProfileMaker::User)
            }
            Some(all) => all.contains_key(role),
        };
        let may_join = |it: &&MappedNodeRole<'a>| it.joins.contains(&join) && it.may_join;
        let mapped = self.mapped.iter().filter(may_join).map(|it| it.arn);
        let mut all: Vec<&'a str> = (mapped.chain(self.pools.filter(|_| auto)))
            .filter(|arn| !taken.contains(&name(arn)))
            .filter(|arn| auto || has_profile(&name(arn)))
            .collect();
        all.sort_by_key(|arn| (name(arn), Reverse(arn.len())));
        all.dedup_by_key(|arn| name(arn));
        all
    }
}

fn by_entry<'a>(resolver: &Resolver<'a>, entry: &'a AccessEntry) -> Option<MappedNodeRole<'a>> {
    let (used_by, join): (fn(String) -> RoleUse, _) = match EntryType::of(&entry.kind)? {
        EntryType::Ec2Linux => (RoleUse::SelfManaged, NodeJoin::Linux),
        EntryType::Ec2Windows => (RoleUse::SelfManaged, NodeJoin::Windows),
        EntryType::Ec2 => (RoleUse::NodeClass, NodeJoin::Auto),
        EntryType::HybridLinux => (RoleUse::Hybrid, NodeJoin::Hybrid),
        EntryType::Standard | EntryType::FargateLinux | EntryType::HyperpodLinux => return None,
    };
    let evidence = Evidence::new(DocumentRef::AccessEntry(entry.principal_arn.clone()), "type");
    mapped_role(resolver, used_by, &entry.principal_arn, vec![join], evidence)
}

fn by_row<'a>(resolver: &Resolver<'a>, row: &'a AwsAuthRow) -> Option<MappedNodeRole<'a>> {
    if row.key != AwsAuthKey::MapRoles || row.groups.iter().any(|it| it == FARGATE_GROUP) {
        return None;
    }
    let (used_by, mut joins): (fn(String) -> RoleUse, _) = match row.username.strip_prefix(NODE_USERNAME)? {
        "{{SessionName}}" => (RoleUse::Hybrid, vec![NodeJoin::Hybrid]),
        _ => (RoleUse::SelfManaged, vec![NodeJoin::Linux]),
    };
    if joins == [NodeJoin::Linux] && row.groups.iter().any(|it| it == WINDOWS_GROUP) {
        joins.push(NodeJoin::Windows);
    }
    mapped_role(resolver, used_by, row.arn.as_deref()?, joins, row_evidence(row))
}

fn mapped_role<'a>(
    resolver: &Resolver<'a>,
    used_by: fn(String) -> RoleUse,
    arn: &'a str,
    joins: Vec<NodeJoin>,
    evidence: Evidence,
) -> Option<MappedNodeRole<'a>> {
    let principal = meant(arn)?;
    let used_by = used_by(instance_profile(resolver, &principal).unwrap_or_else(|| principal.name.clone()));
    let state = join_state(resolver, &used_by, Some(arn), Some(&principal));
    let may_join = state.mark != Mark::Dead || matches!(resolver.existing(&principal), Lookup::Absent);
    Some(MappedNodeRole { used_by, arn, principal, evidence, joins, may_join })
}

/// Who made the instance profiles that a role is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum ProfileMaker {
    /// EKS, for a managed node group: `eks-` and an id.
    Eks,
    /// Somebody else, at least one of them.
    User,
}

/// The names of the roles that are in an instance profile; `None` where that is not known. Profiles are listed by themselves,
/// or stand with their roles where these were read in full.
fn profiled_roles(resolver: &Resolver<'_>) -> Option<HashMap<String, ProfileMaker>> {
    let iam = resolver.facts().1;
    let mut all = HashMap::new();
    let mut add = |role: &str, profile: &str| {
        let maker = if profile.starts_with("eks-") { ProfileMaker::Eks } else { ProfileMaker::User };
        let known = all.entry(role.to_owned()).or_insert(maker);
        *known = maker.max(*known);
    };
    if iam.instance_profiles.gap().is_none() {
        for profile in iam.instance_profiles.items() {
            profile.roles.iter().for_each(|role| add(&role.role_name, &profile.instance_profile_name));
        }
        return Some(all);
    }
    for role in iam.roles.items() {
        role.instance_profile_list.iter().for_each(|it| add(&role.role_name, &it.instance_profile_name));
    }
    (iam.roles.gap().is_none() && !all.is_empty()).then_some(all)
}

/// The instance profile that holds a role, by name: the first of them.
fn instance_profile(resolver: &Resolver<'_>, principal: &Principal) -> Option<String> {
    let iam = resolver.facts().1;
    let same = |name: &str| name.eq_ignore_ascii_case(&principal.name);
    let listed = iam.instance_profiles.items().iter().filter(|it| it.roles.iter().any(|role| same(&role.role_name)));
    let own = match iam.role(&principal.account, &principal.name) {
        Lookup::Found(role) => role.instance_profile_list.as_slice(),
        _ => &[],
    };
    listed.chain(own).map(|it| it.instance_profile_name.clone()).min()
}

/// Whether it is known that no EC2 instance can have the role.
pub(crate) fn in_no_instance_profile(resolver: &Resolver<'_>, principal: &Principal) -> bool {
    let iam = resolver.facts().1;
    let known = iam.instance_profiles.gap().is_none() && iam.instance_profiles.missing().is_empty();
    let of_role = || match iam.role(&principal.account, &principal.name) {
        // The sweep that brings policies brings each role's profiles too.
        Lookup::Found(_) => iam.policies.gap().is_none(),
        _ => false,
    };
    (known || of_role()) && instance_profile(resolver, principal).is_none()
}

/// How the role of a part gets into the cluster, for parts that must; whether it exists, for the others.
pub(crate) fn join_state(
    resolver: &Resolver<'_>,
    used_by: &RoleUse,
    arn: Option<&str>,
    principal: Option<&Principal>,
) -> JoinState {
    let (arn, principal) = match (arn, principal) {
        (None, _) => return JoinState::new(Verdict::Unknown, Mark::Unknown, "EKS names no role for it"),
        (Some(_), None) => return JoinState::new(Verdict::Unknown, Mark::Dead, "it is not the ARN of a role"),
        (Some(arn), Some(principal)) => (arn, principal),
    };
    if !used_by.must_get_in() {
        let (mark, because) = existing(resolver, arn);
        return JoinState::new(Verdict::Unknown, mark, because);
    }
    let asked = Asked { path_known: principal.path != "/", ..Asked::principal(principal.clone()) };
    let resolution = resolver.resolve(&asked);
    let (mark, because) = match resolution.verdict {
        Verdict::Yes => joins(resolver, used_by, principal, &resolution),
        Verdict::No => (Mark::Dead, resolution.because.clone()),
        Verdict::Unknown => (Mark::Unknown, resolution.because.clone()),
    };
    JoinState::new(resolution.verdict, mark, because)
}

/// Whether the role exists.
fn existing(resolver: &Resolver<'_>, arn: &str) -> (Mark, String) {
    let Ok((principal, None)) = Principal::from_arn(arn) else {
        return (Mark::Dead, "it is not the ARN of a role".to_owned());
    };
    if principal.kind != PrincipalKind::Role {
        return (Mark::Dead, format!("it names a {}, and only roles can be assumed", principal.kind));
    }
    match resolver.existing(&principal) {
        Lookup::Found((real, _)) if real != arn => {
            (Mark::Dead, format!("no role has this ARN; the one of that name is {real}"))
        }
        Lookup::Found(_) => (Mark::InForce, String::new()),
        Lookup::Absent => (Mark::Dead, "the role does not exist".to_owned()),
        Lookup::Unknown(Gap::Loading) => (Mark::Loading, "IAM is still being read".to_owned()),
        Lookup::Unknown(gap) => (Mark::Unknown, format!("its role is not known: {gap}")),
    }
}

/// A role that gets in joins nodes only under a node's name and in the nodes' group; Fargate's and hybrid nodes' under
/// the session's; Auto Mode's own nodes by an entry of their type with the policy that goes with it.
fn joins(resolver: &Resolver<'_>, used_by: &RoleUse, principal: &Principal, resolution: &Resolution) -> (Mark, String) {
    let kind = resolution.mapping.as_ref().and_then(|mapping| mapping.kind.clone());
    let by = resolution.mapping.as_ref().map_or_else(String::new, |mapping| {
        let kind = kind.as_ref().map(|kind| format!(" {kind}")).unwrap_or_default();
        format!("{}{kind}", mapping.source)
    });
    if matches!(used_by, RoleUse::Capability(_)) {
        return (Mark::InForce, format!("gets in through {by}"));
    }
    // What entries of Auto Mode's own type give is not documented; EKS sets them.
    let entry_type = kind.as_deref().and_then(EntryType::of);
    if matches!(used_by, RoleUse::AutoMode | RoleUse::NodeClass(_)) && entry_type == Some(EntryType::Ec2) {
        return match lacks_policy(resolution, EntryType::Ec2) {
            Ok(None) => (Mark::InForce, format!("joins through {by}")),
            Ok(Some(lacks)) => (Mark::Dead, format!("{by} lets it in, but {lacks}")),
            Err(unread) => (Mark::Unknown, format!("gets in through {by}; {unread}")),
        };
    }
    let Some(identity) = &resolution.identity else {
        return (Mark::Unknown, format!("gets in through {by}; as whom is not known"));
    };
    let node = identity.username.starts_with(NODE_USERNAME) && identity.groups.iter().any(|it| it == NODES_GROUP);
    let by_instance = identity.username.contains(BY_INSTANCE);
    let by_session = matches!(used_by, RoleUse::FargateProfile(_) | RoleUse::Hybrid(_));
    if !node || by_instance == by_session {
        let name = if identity.username.is_empty() { "an empty username" } else { identity.username.as_str() };
        let groups = if identity.groups.is_empty() { "no groups".to_owned() } else { identity.groups.join(", ") };
        return (Mark::Dead, format!("{by} lets it in as {name} with {groups}, which is no node of this kind"));
    }
    let facts = resolver.facts().0;
    match used_by {
        RoleUse::SelfManaged(_) => match facts.nodegroups.gap() {
            Some(gap) => (Mark::Unverified, format!("joins through {by}; whether a managed node group uses it: {gap}")),
            None if in_no_instance_profile(resolver, principal) => {
                (Mark::Unverified, format!("would join through {by}, but no instance profile holds it"))
            }
            None => (Mark::InForce, format!("joins through {by}")),
        },
        _ => (Mark::InForce, format!("joins through {by}")),
    }
}

/// What the entry in effect lacks of the access policy that its type needs; an error where its policies were not read.
fn lacks_policy(resolution: &Resolution, kind: EntryType) -> Result<Option<String>, &'static str> {
    let Some(needed) = kind.spec().needs_policy else { return Ok(None) };
    let Some(policies) = &resolution.access_policies else { return Err("its access policies were not read") };
    let mut scopes = policies.iter().filter(|it| it.name() == needed).map(|it| it.access_scope.kind);
    Ok(match scopes.clone().next() {
        None => Some(format!("{needed} is not associated with it")),
        Some(_) if scopes.any(|it| it == ScopeKind::Cluster) => None,
        Some(_) => Some(format!("{needed} is associated with namespaces alone, not with the cluster")),
    })
}

/// The roles that look like those of nodes of a type, and that nothing lets into the cluster: they have the type's worker policy
/// and, unless Auto Mode makes the profile itself, are in an instance profile. They may be another cluster's. Empty where the
/// policies of roles were not read.
pub(crate) fn unmapped_node_roles<'a>(resolver: &Resolver<'a>, kind: EntryType) -> Vec<&'a RoleDetail> {
    let iam = resolver.facts().1;
    let Some(worker) = kind.spec().worker_policies.first() else { return Vec::new() };
    let profiled = profiled_roles(resolver).unwrap_or_default();
    let is_worker = |role: &&RoleDetail| {
        let managed = role.attached_managed_policies.iter();
        let has_policy = managed.map(|it| last_part(&it.policy_arn)).any(|it| it == *worker);
        has_policy && (kind == EntryType::Ec2 || profiled.contains_key(&role.role_name))
    };
    let maps_not = |role: &&RoleDetail| {
        let principal = meant(&role.arn);
        principal.is_some_and(|it| resolver.resolve(&Asked::principal(it)).verdict == Verdict::No)
    };
    let mut all: Vec<&RoleDetail> = iam.roles.items().iter().filter(is_worker).filter(maps_not).collect();
    all.sort_by(|a, b| a.arn.cmp(&b.arn));
    all
}

/// The type of the access entry that lets the nodes of a part join; `None` for parts that are no nodes.
pub(crate) fn entry_type(used_by: &RoleUse, facts: &ClusterFacts) -> Option<EntryType> {
    match used_by {
        RoleUse::AutoMode | RoleUse::NodeClass(_) => Some(EntryType::Ec2),
        RoleUse::Nodegroup(name) => {
            let group = facts.nodegroups.items().iter().find(|it| it.nodegroup_name == *name);
            let windows = group.and_then(|it| it.ami_type.as_deref()).is_some_and(|it| it.starts_with("WINDOWS"));
            Some(if windows { EntryType::Ec2Windows } else { EntryType::Ec2Linux })
        }
        RoleUse::SelfManaged(_) => Some(EntryType::Ec2Linux),
        RoleUse::FargateProfile(_) => Some(EntryType::FargateLinux),
        RoleUse::Hybrid(_) => Some(EntryType::HybridLinux),
        RoleUse::Cluster | RoleUse::Addon(_) | RoleUse::AddonPodIdentity(_) | RoleUse::Capability(_) => None,
    }
}

/// The commands that let nodes join with a role, in order: an entry of another type goes first, since a type is not changed.
pub(crate) fn entry_commands(facts: &ClusterFacts, role_arn: &str, kind: EntryType) -> Option<String> {
    let cluster = facts.cluster.value().filter(|it| it.authentication_mode().reads_entries())?;
    let eks = cluster.commands();
    let same = |arn: &str| last_part(arn) == last_part(role_arn);
    let old = facts.access_entries.items().iter().find(|it| same(&it.principal_arn));
    let mut commands = Vec::new();
    if old.is_none_or(|it| it.kind != kind.as_str() || it.principal_arn != role_arn) {
        commands.extend(old.map(|it| eks.delete_access_entry(&it.principal_arn)));
        let kind = Some(kind.as_str());
        let entry = AccessEntryArguments { principal_arn: role_arn, kind, ..AccessEntryArguments::default() };
        commands.push(eks.create_access_entry(&entry));
    }
    if let Some(policy) = kind.spec().needs_policy {
        let partition = role_arn.split(':').nth(1).unwrap_or("aws");
        let policy_arn = format!("arn:{partition}:eks::aws:cluster-access-policy/{policy}");
        commands.push(eks.associate_access_policy(role_arn, &policy_arn, &AccessScope::default()));
    }
    Some(commands.join("\n")).filter(|it| !it.is_empty())
}

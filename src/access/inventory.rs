//! The rows of every pane: what there is, with its state and its findings.
//!
//! Computed from one cluster's facts in one go, off the input path, and used alike by the screen and by
//! `eksplorer list`. Order is total and does not depend on the order in which facts came. A new pane is a new vector
//! here.

mod mappings;
mod workloads;

use std::collections::{BTreeMap, BTreeSet};

use super::Mark;
use super::findings::Finding;
use super::identity::{Resolution, Resolver, meant};
use super::permissions::Permissions;
use super::who::{SubjectRow, subjects};
use crate::model::mapping::AssociatedPolicy;
use crate::model::principal::{Asked, Principal, PrincipalKey};
use crate::model::snapshot::{ClusterFacts, Evidence, IamFacts};
use crate::model::time::Time;

/// All rows of one cluster.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inventory {
    /// Access entries, by principal ARN.
    pub entries: Vec<EntryRow>,
    /// aws-auth: rows in the order written, then mapAccounts, then keys that yield nothing.
    pub aws_auth: Vec<AwsAuthLine>,
    /// Service accounts with an IRSA annotation, by namespace and name.
    pub irsa: Vec<IrsaRow>,
    /// Pod Identity associations, by namespace and service account.
    pub pod_identity: Vec<PodIdentityRow>,
    /// The roles that the cluster and its parts use.
    pub roles: Vec<RoleRow>,
    /// Every principal known from any of the above, by account, kind and name.
    pub principals: Vec<PrincipalRow>,
    /// Every group and user that a binding names or a mapping gives, groups first.
    pub subjects: Vec<SubjectRow>,
}

/// An access entry.
#[derive(Clone, Debug, PartialEq)]
pub struct EntryRow {
    /// As the entry names it.
    pub principal_arn: String,
    /// The same, read; `None` for what is no principal's ARN.
    pub principal: Option<Principal>,
    /// In force, dead, ignored; unknown when the entry could not be read; loading when it was listed only.
    pub mark: Mark,
    /// Why, as a sentence; empty when in force.
    pub because: String,
    /// `STANDARD`, `EC2_LINUX`, …; empty when not read.
    pub kind: String,
    /// Template included.
    pub username: String,
    /// Kubernetes groups.
    pub groups: Vec<String>,
    /// `None` when they could not be read.
    pub policies: Option<Vec<AssociatedPolicy>>,
    /// When it was made.
    pub created_at: Option<Time>,
    /// When it was last changed.
    pub modified_at: Option<Time>,
    /// What could only reveal a rare defect.
    pub unverified: Vec<String>,
    /// What is wrong with it.
    pub findings: Vec<Finding>,
    /// The entry.
    pub evidence: Evidence,
}

/// A line of aws-auth.
#[derive(Clone, Debug, PartialEq)]
pub struct AwsAuthLine {
    /// `mapRoles[3]`, `mapAccounts[0]`, or the key's name for a key that yields nothing.
    pub place: String,
    /// The ARN or account as written; empty if there is none.
    pub arn: String,
    /// The principal meant, also where the ARN as written never matches (a path, blanks around it).
    pub principal: Option<Principal>,
    /// In force, shadowed, dead, ignored, unknown.
    pub mark: Mark,
    /// Why, as a sentence; empty when in force.
    pub because: String,
    /// As written.
    pub username: String,
    /// As written.
    pub groups: Vec<String>,
    /// What is wrong with it.
    pub findings: Vec<Finding>,
    /// ConfigMap and field.
    pub evidence: Evidence,
}

/// A service account with an IRSA annotation.
#[derive(Clone, Debug, PartialEq)]
pub struct IrsaRow {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub service_account: String,
    /// The annotation, as written.
    pub role_arn: String,
    /// Unverified when what was looked at is right, dead when it cannot work, shadowed by a Pod Identity association for
    /// new pods, unknown.
    pub mark: Mark,
    /// Why, as a sentence.
    pub because: String,
    /// Pods that run as it; `None` when pods could not be read.
    pub pods: Option<usize>,
    /// What is wrong with it.
    pub findings: Vec<Finding>,
    /// The service account.
    pub evidence: Evidence,
}

/// A Pod Identity association.
#[derive(Clone, Debug, PartialEq)]
pub struct PodIdentityRow {
    /// Its namespace.
    pub namespace: String,
    /// Its service account.
    pub service_account: String,
    /// Its id; empty when it could not be read.
    pub association_id: String,
    /// `None` when the association could not be read.
    pub role_arn: Option<String>,
    /// The second role of a chain.
    pub target_role_arn: Option<String>,
    /// The add-on that owns it.
    pub owner: Option<String>,
    /// Unverified when what was looked at is right, dead when it cannot work, unknown.
    pub mark: Mark,
    /// Why, as a sentence.
    pub because: String,
    /// Pods that run as the service account; `None` when pods could not be read.
    pub pods: Option<usize>,
    /// What is wrong with it.
    pub findings: Vec<Finding>,
    /// The association.
    pub evidence: Evidence,
}

/// What uses a role.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RoleUse {
    /// The cluster itself.
    Cluster,
    /// Auto Mode's built-in node pools.
    AutoMode,
    /// A managed node group.
    Nodegroup(String),
    /// A Fargate profile's pods, as they start.
    FargateProfile(String),
    /// An add-on's service account (IRSA).
    Addon(String),
}

impl RoleUse {
    /// `cluster`, `node group`, `Fargate profile`, `add-on`, `auto mode`.
    pub fn kind(&self) -> &'static str {
        match self {
            RoleUse::Cluster => "cluster",
            RoleUse::AutoMode => "auto mode",
            RoleUse::Nodegroup(_) => "node group",
            RoleUse::FargateProfile(_) => "Fargate profile",
            RoleUse::Addon(_) => "add-on",
        }
    }

    /// Its name, if it has one.
    pub fn name(&self) -> &str {
        match self {
            RoleUse::Cluster | RoleUse::AutoMode => "",
            RoleUse::Nodegroup(name) | RoleUse::FargateProfile(name) | RoleUse::Addon(name) => name,
        }
    }
}

/// A role that the cluster or a part of it uses.
#[derive(Clone, Debug, PartialEq)]
pub struct RoleRow {
    /// What uses it.
    pub used_by: RoleUse,
    /// The role; empty if the part names none.
    pub role_arn: String,
    /// The same, read.
    pub principal: Option<Principal>,
    /// How it gets into the cluster, for node and Fargate roles, which must; in force for the others.
    pub mark: Mark,
    /// Why, as a sentence; for those that get in, by which mapping.
    pub because: String,
    /// `ACTIVE`, …; as EKS says.
    pub status: String,
    /// What is wrong with it.
    pub findings: Vec<Finding>,
    /// Cluster, node group, profile or add-on.
    pub evidence: Evidence,
}

/// Where a principal was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum SeenIn {
    AccessEntry,
    AwsAuth,
    Irsa,
    PodIdentity,
    ClusterRole,
    NodeRole,
    Addon,
}

impl SeenIn {
    /// In a word or two.
    pub fn as_str(self) -> &'static str {
        match self {
            SeenIn::AccessEntry => "entry",
            SeenIn::AwsAuth => "aws-auth",
            SeenIn::Irsa => "IRSA",
            SeenIn::PodIdentity => "pod identity",
            SeenIn::ClusterRole => "cluster role",
            SeenIn::NodeRole => "node role",
            SeenIn::Addon => "add-on",
        }
    }
}

/// A principal, with the mapping in force.
#[derive(Clone, Debug, PartialEq)]
pub struct PrincipalRow {
    /// Who; the path filled in where it is known.
    pub principal: Principal,
    /// How it gets in.
    pub resolution: Resolution,
    /// Where it was seen, in order, without repetition.
    pub seen_in: Vec<SeenIn>,
    /// What is wrong with its mappings.
    pub findings: Vec<Finding>,
}

impl PrincipalRow {
    /// In force when it gets in; dead when it does not though something names it for that; ignored when it does not and
    /// was never meant to, as the roles of workloads; unknown.
    pub fn mark(&self) -> Mark {
        use super::identity::Verdict;
        let meant_to = |place: &SeenIn| matches!(place, SeenIn::AccessEntry | SeenIn::AwsAuth | SeenIn::NodeRole);
        match self.resolution.verdict {
            Verdict::Maps => Mark::InForce,
            Verdict::DoesNotMap if !self.seen_in.iter().any(meant_to) => Mark::Ignored,
            Verdict::DoesNotMap => Mark::Dead,
            Verdict::Unknown => Mark::Unknown,
        }
    }
}

/// Computes all rows.
pub fn inventory(facts: &ClusterFacts, iam: &IamFacts) -> Inventory {
    inventory_with(facts, iam, &Permissions::of(facts))
}

/// Computes all rows, the facts' permissions being indexed already.
pub fn inventory_with(facts: &ClusterFacts, iam: &IamFacts, permissions: &Permissions) -> Inventory {
    let resolver = Resolver::new(facts, iam);
    let entries = mappings::entries(&resolver);
    let aws_auth = mappings::aws_auth(&resolver);
    let irsa = workloads::irsa(&resolver);
    let pod_identity = workloads::pod_identity(&resolver);
    let roles = workloads::roles(&resolver);
    let mut seen = Seen::default();
    for row in &entries {
        seen.add(row.principal.as_ref(), SeenIn::AccessEntry, &row.findings);
    }
    for row in &aws_auth {
        seen.add(row.principal.as_ref(), SeenIn::AwsAuth, &row.findings);
    }
    for row in &irsa {
        seen.add(meant(&row.role_arn).as_ref(), SeenIn::Irsa, &[]);
    }
    for row in &pod_identity {
        for arn in row.role_arn.iter().chain(&row.target_role_arn) {
            seen.add(meant(arn).as_ref(), SeenIn::PodIdentity, &[]);
        }
    }
    for row in &roles {
        let place = match row.used_by {
            RoleUse::Cluster => SeenIn::ClusterRole,
            RoleUse::Addon(_) => SeenIn::Addon,
            RoleUse::AutoMode | RoleUse::Nodegroup(_) | RoleUse::FargateProfile(_) => SeenIn::NodeRole,
        };
        seen.add(row.principal.as_ref(), place, &row.findings);
    }
    let principals = seen.rows(&resolver);
    let subjects = subjects(facts, permissions, &principals);
    Inventory { entries, aws_auth, irsa, pod_identity, roles, principals, subjects }
}

#[derive(Default)]
struct Seen(BTreeMap<PrincipalKey, (Principal, BTreeSet<SeenIn>, BTreeSet<Finding>)>);

impl Seen {
    fn add(&mut self, principal: Option<&Principal>, place: SeenIn, findings: &[Finding]) {
        let Some(principal) = principal else { return };
        let (known, places, all) =
            self.0.entry(principal.key()).or_insert_with(|| (principal.clone(), BTreeSet::new(), BTreeSet::new()));
        // aws-auth names roles without their path; whoever knows it knows better.
        if known.path == "/" {
            known.path.clone_from(&principal.path);
        }
        places.insert(place);
        all.extend(findings.iter().cloned());
    }

    fn rows(self, resolver: &Resolver<'_>) -> Vec<PrincipalRow> {
        self.0
            .into_values()
            .map(|(principal, places, findings)| {
                let asked = Asked { path_known: principal.path != "/", ..Asked::principal(principal) };
                let resolution = resolver.resolve(&asked);
                PrincipalRow {
                    principal: resolution.asked.principal.clone(),
                    resolution,
                    seen_in: places.into_iter().collect(),
                    findings: findings.into_iter().collect(),
                }
            })
            .collect()
    }
}

//! The rows of every pane: what there is, with its state and its findings.
//!
//! Computed from one cluster's facts in one go, off the input path, and used alike by the screen and by
//! `eksplorer list`. Order is total and does not depend on the order in which facts came. A new pane is a new vector
//! here.

mod mappings;
mod roles;
mod workloads;

pub use super::role_use::RoleUse;

use std::collections::{BTreeMap, BTreeSet};

use super::Mark;
use super::audit::{Item, items};
use super::engines::Engines;
use super::findings::{DangerousBinding, Finding, dangerous_bindings};
use super::identity::{Resolution, Resolver, meant};
use super::permissions::Permissions;
use super::posture::{Control, PostureRows, posture};
use super::service_role::RoleCheck;
use super::who::bound::Carriers;
use super::who::{SubjectRow, subjects};
use crate::access::Verdict;
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
    /// Service accounts with an IRSA annotation, by namespace and name; then roles that no annotation names, by ARN.
    pub irsa: Vec<IrsaRow>,
    /// Pod Identity associations, by namespace and service account.
    pub pod_identity: Vec<PodIdentityRow>,
    /// The roles that the cluster and its parts use.
    pub roles: Vec<RoleRow>,
    /// Every principal known from any of the above, by account, kind and name.
    pub principals: Vec<PrincipalRow>,
    /// Every group and user that a binding names or a mapping gives, groups first.
    pub subjects: Vec<SubjectRow>,
    /// The bindings that grant something dangerous to people or workloads.
    pub bindings: Vec<DangerousBinding>,
    /// The controls around access, those that concern most first.
    pub posture: Vec<Control>,
    /// Everything that is wrong, across all of these: each finding once, what matters most first.
    pub findings: Vec<Item>,
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

/// A service account with an IRSA annotation; one whose pods carry it instead; or a role that trusts the cluster's issuer
/// and that no annotation names.
#[derive(Clone, Debug, PartialEq)]
pub struct IrsaRow {
    /// Its namespace; empty for a role that no annotation names.
    pub namespace: String,
    /// Its name; empty likewise.
    pub service_account: String,
    /// The annotation, as written; the role's ARN where no annotation names it.
    pub role_arn: String,
    /// Does the service account carry the annotation?
    pub annotated: bool,
    /// Of a role that no annotation names: whom its trust policy lets in, as `NAMESPACE/NAME`, patterns as written.
    pub subjects: Vec<String>,
    /// In force when the role lets it in, dead when it does not, shadowed by a Pod Identity association for new pods,
    /// ignored when no annotation names the role, unknown.
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
    /// In force when the role lets it in and there is an agent, dead when it cannot work, unknown.
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

/// A role that the cluster or a part of it uses.
#[derive(Clone, Debug, PartialEq)]
pub struct RoleRow {
    /// What uses it.
    pub used_by: RoleUse,
    /// The role; empty if the part names none.
    pub role_arn: String,
    /// The same, read.
    pub principal: Option<Principal>,
    /// In force when it can do what it is for: get in if it must, be assumed by its service, and have its policies;
    /// unverified where a part of that could not be looked at; dead where a part of it fails; unknown.
    pub mark: Mark,
    /// Why, as a sentence; for those that get in, by which mapping.
    pub because: String,
    /// `ACTIVE`, …; as EKS says. Empty for what EKS does not list.
    pub status: String,
    /// Who may assume it and which policies it has, against what the part needs; `None` where it names no role.
    pub check: Option<RoleCheck>,
    /// What else uses the same role, in order.
    pub shared_with: Vec<RoleUse>,
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
    Capability,
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
            SeenIn::Capability => "capability",
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
        let meant_to = |place: &SeenIn| matches!(place, SeenIn::AccessEntry | SeenIn::AwsAuth | SeenIn::NodeRole);
        match self.resolution.verdict {
            Verdict::Yes => Mark::InForce,
            Verdict::No if !self.seen_in.iter().any(meant_to) => Mark::Ignored,
            Verdict::No => Mark::Dead,
            Verdict::Unknown => Mark::Unknown,
        }
    }
}

impl Inventory {
    /// The same with the findings of its rows gathered.
    #[must_use]
    pub fn with_findings(mut self) -> Self {
        self.findings = items(&self);
        self
    }
}

/// Computes all rows.
pub fn inventory(facts: &ClusterFacts, iam: &IamFacts) -> Inventory {
    inventory_of(&Engines::new(facts, iam))
}

/// Computes all rows, the facts' permissions being indexed already.
pub fn inventory_with(facts: &ClusterFacts, iam: &IamFacts, permissions: &Permissions) -> Inventory {
    inventory_of(&Engines::with_permissions(facts, iam, permissions.clone()))
}

/// Computes all rows with the engines over the facts.
pub fn inventory_of(engines: &Engines<'_>) -> Inventory {
    let (resolver, workloads) = (engines.resolver(), engines.workloads());
    let entries = mappings::entries(resolver);
    let aws_auth = mappings::aws_auth(resolver);
    let irsa = workloads::irsa(workloads);
    let pod_identity = workloads::pod_identity(workloads);
    let roles = roles::roles(resolver);
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
            RoleUse::Addon(_) | RoleUse::AddonPodIdentity(_) => SeenIn::Addon,
            RoleUse::Capability(_) => SeenIn::Capability,
            RoleUse::AutoMode
            | RoleUse::NodeClass(_)
            | RoleUse::Nodegroup(_)
            | RoleUse::SelfManaged(_)
            | RoleUse::FargateProfile(_)
            | RoleUse::Hybrid(_) => SeenIn::NodeRole,
        };
        seen.add(row.principal.as_ref(), place, &row.findings);
    }
    let principals = seen.rows(resolver);
    let subjects = subjects(engines.facts().0, engines.permissions(), &principals);
    let rows = PostureRows { aws_auth: &aws_auth, principals: &principals, subjects: &subjects };
    let posture = posture(engines, rows);
    let bindings = dangerous_bindings(engines.permissions(), &Carriers::new(&subjects));
    let findings = Vec::new();
    Inventory { entries, aws_auth, irsa, pod_identity, roles, principals, subjects, bindings, posture, findings }
        .with_findings()
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
                let resolution = resolver.resolve(&Asked::listed(principal));
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

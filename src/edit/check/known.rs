//! Every check there is, for whoever answers one by its id.
//!
//! Decides nothing: a register beside the rules. A new check is a row here, which makes its variant of [`CheckId`] and its
//! row in `docs/plan.md`, and a row with a near miss in `edit/tests/checks.rs`.

use std::fmt;
use std::str::FromStr;

use super::Level::{self, Asks, Blocks, Notes};

/// Makes the enum and its register from one row per check.
macro_rules! checks {
    ($($id:ident $text:literal $level:ident $when:literal;)*) => {
        /// The id of a check, stable in its text: `--accept` names it. In the order of the register.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "`when` says of each when it speaks")]
        pub enum CheckId {
            $($id,)*
        }

        impl CheckId {
            /// All of them, the weightiest first.
            pub const ALL: &[CheckId] = &[$(CheckId::$id,)*];

            /// As it is written: `last-admin`.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(CheckId::$id => $text,)*
                }
            }

            /// How much it weighs.
            pub const fn level(self) -> Level {
                match self {
                    $(CheckId::$id => $level,)*
                }
            }

            /// When it speaks.
            pub const fn when(self) -> &'static str {
                match self {
                    $(CheckId::$id => $when,)*
                }
            }
        }
    };
}

checks! {
    LastAdmin "last-admin" Blocks "nobody would remain who may do everything in the cluster";
    Drift "drift" Blocks "somebody else has changed it since it was read";
    Mode "mode" Blocks "the cluster's authentication mode has no access entries";
    ClusterStatus "cluster-status" Blocks "the cluster's status allows no changes";
    ClusterUnknown "cluster-unknown" Blocks "the cluster could not be read";
    NodeTypeEdited "node-type-edited" Blocks "groups or username of an entry of a node type would change";
    ServiceLinked "service-linked" Blocks "the entry is a service-linked role's";
    OwnedByAddon "owned-by-addon" Blocks "the association belongs to an add-on";
    NeedsTargetRole "needs-target-role" Blocks
        "an association's role is of another account, and no role of this one comes first";
    NoRole "no-role" Blocks "the role of an association does not exist";
    RoleNotTrusting "role-not-trusting" Blocks
        "the role of an association does not name Pod Identity in its trust policy";
    Limit "limit" Blocks "there is no room for more entries or associations";
    Invalid "invalid" Blocks "EKS would refuse a value";
    AdminsUnknown "admins-unknown" Asks "whether an admin remains is not known, since something was not read";
    AdminsGap "admins-gap" Asks "nobody may do everything between two of the calls";
    CallerLosesAccess "caller-loses-access" Asks "you would lose access yourself";
    CallerMayNot "caller-may-not" Asks
        "IAM says that a call would be refused to you; organisation and session policies are not asked";
    AwsAuthInForce "aws-auth-in-force" Asks "a row of aws-auth, or mapAccounts, comes into force";
    AwsAuthShadowed "aws-auth-shadowed" Asks "the entry hides a row of aws-auth, and what that gave is lost";
    AfterwardsUnknown "afterwards-unknown" Asks "whether somebody gets in afterwards is not known";
    RecreatedPrincipal "recreated-principal" Asks
        "the new entry would let in a principal that was recreated under the name";
    Nodes "nodes" Asks "nodes get in through what would go";
    ClusterAdmin "cluster-admin" Asks "it gives everything";
    Wildcard "wildcard" Asks "a scope with a wildcard covers namespaces to come";
    ForeignPrincipal "foreign-principal" Asks "the principal belongs to another account";
    TrustRefuses "trust-refuses" Asks "the role's trust policy does not let this service account in";
    TargetRefuses "target-refuses" Asks "the target role does not let the first role in, or the first may not ask";
    IrsaLost "irsa-lost" Asks "the agent does not run, and new pods would lose the role that they get by IRSA";
    AssociationInUse "association-in-use" Asks "pods run as the service account that loses its role";
    UndoImpossible "undo-impossible" Asks "undo could not bring back what would go";
    UndoPartial "undo-partial" Notes "undo recreates it, without what EKS sets by itself";
    RoleUnknown "role-unknown" Notes "whether the role of an association exists is not known";
    TrustUnknown "trust-unknown" Notes "whether the role lets the service account in is not known";
    TargetUnknown "target-unknown" Notes "whether the target role lets the first role in is not known";
    IrsaShadowed "irsa-shadowed" Notes "the service account has a role by IRSA too, and new pods no longer get that";
    IrsaInForce "irsa-in-force" Notes "new pods get the role of the annotation (IRSA) once the association is gone";
    ServiceAccountAbsent "service-account-absent" Notes "there is no such service account, or that is not known";
    NoAgent "no-agent" Notes "the Pod Identity agent does not run, or that is not known";
    PodsRestart "pods-restart" Notes "pods that run keep what they have until they are recreated";
    PodsUnknown "pods-unknown" Notes "which pods run as the service account is not known";
    NamespaceAbsent "namespace-absent" Notes "there is no such namespace, or that is not known";
    GroupUnbound "group-unbound" Notes "no binding names the group, or that is not known";
    NoCustomResources "no-custom-resources" Notes "the policy covers no custom resources";
    PolicyUnpublished "policy-unpublished" Notes "what the policy grants is not published";
    ManagedElsewhere "managed-elsewhere" Notes
        "its tags tell of a tool that manages it (Cluster API, Crossplane, ACK, Argo CD, eksctl, Pulumi, CDK, CloudFormation, \
         Terraform); their absence proves nothing";
    CallerUnknown "caller-unknown" Notes "who you are is not known";
    CallerNotSimulated "caller-not-simulated" Notes "whether you may make the calls is not known";
    DriftUnknown "drift-unknown" Notes "whether it was changed since it was read is not known";
    Unknown "unknown" Notes "a part of who gains and loses what is not known";
}

impl fmt::Display for CheckId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl PartialOrd for CheckId {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// By their texts, as they are listed.
impl Ord for CheckId {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl FromStr for CheckId {
    type Err = UnknownCheckId;

    fn from_str(text: &str) -> Result<Self, UnknownCheckId> {
        CheckId::ALL.iter().copied().find(|id| id.as_str() == text).ok_or(UnknownCheckId)
    }
}

/// A text that is the id of no check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownCheckId;

/// As the table of the documentation.
pub fn table() -> String {
    let mut out = String::from("| check | weighs | when |\n|---|---|---|\n");
    for id in CheckId::ALL {
        out.push_str(&format!("| `{id}` | {} | {} |\n", id.level().word(), id.when()));
    }
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    /// What stands before the table in the documentation.
    const HEAD: &str = "## Checks\n\n`blocks`: it is not applied. `asks`: it is applied once that was answered, on the screen or with `--accept ID`. \
                        `notes`: to be known.\n\n";

    #[test]
    fn the_documentation_has_the_table() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/plan.md");
        let page = std::fs::read_to_string(&path).unwrap();
        let (before, _) = page.split_once("## Checks").unwrap_or((&page, ""));
        let wanted = format!("{}\n\n{HEAD}{}", before.trim_end(), table());
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, &wanted).unwrap();
        }
        let page = std::fs::read_to_string(&path).unwrap();
        assert!(page == wanted, "docs/plan.md has other checks: UPDATE_DOCS=1 cargo test edit::check::known");
    }

    #[test]
    fn ids_are_unique_and_the_weightiest_come_first() {
        let ids: BTreeSet<CheckId> = CheckId::ALL.iter().copied().collect();
        assert_eq!(ids.len(), CheckId::ALL.len());
        assert!(CheckId::ALL.is_sorted_by_key(|id| id.level()));
    }
}

//! Every check there is, for whoever answers one by its id.
//!
//! Decides nothing: a register beside the rules, kept by tests to what they say. A new check is a row here, which prints
//! its row in `docs/plan.md`, and a row with a near miss in `edit/tests/checks.rs`.

use super::Level::{self, Asks, Blocks, Notes};

/// One check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its id, stable: `last-admin`.
    pub id: &'static str,
    /// How much it weighs.
    pub level: Level,
    /// When it speaks.
    pub when: &'static str,
}

const fn known(level: Level, id: &'static str, when: &'static str) -> Known {
    Known { id, level, when }
}

/// All of them, the weightiest first.
pub const ALL: &[Known] = &[
    known(Blocks, "last-admin", "nobody would remain who may do everything in the cluster"),
    known(Blocks, "drift", "somebody else has changed it since it was read"),
    known(Blocks, "mode", "the cluster's authentication mode has no access entries"),
    known(Blocks, "cluster-status", "the cluster's status allows no changes"),
    known(Blocks, "cluster-unknown", "the cluster could not be read"),
    known(Blocks, "node-type-edited", "groups or username of an entry of a node type would change"),
    known(Blocks, "service-linked", "the entry is a service-linked role's"),
    known(Blocks, "owned-by-addon", "the association belongs to an add-on"),
    known(
        Blocks,
        "needs-target-role",
        "an association's role is of another account, and no role of this one comes first",
    ),
    known(Blocks, "no-role", "the role of an association does not exist"),
    known(Blocks, "role-not-trusting", "the role of an association does not name Pod Identity in its trust policy"),
    known(Blocks, "limit", "there is no room for more entries or associations"),
    known(Blocks, "invalid", "EKS would refuse a value"),
    known(Asks, "admins-unknown", "whether an admin remains cannot be told, for something was not read"),
    known(Asks, "admins-gap", "nobody may do everything between two of the calls"),
    known(Asks, "caller-loses-access", "you would lose access yourself"),
    known(
        Asks,
        "caller-may-not",
        "IAM says that a call would be refused to you; organisation and session policies are not asked",
    ),
    known(Asks, "aws-auth-in-force", "a row of aws-auth, or mapAccounts, comes into force"),
    known(Asks, "aws-auth-shadowed", "the entry hides a row of aws-auth, and what that gave is lost"),
    known(Asks, "afterwards-unknown", "whether somebody gets in afterwards is not known"),
    known(Asks, "recreated-principal", "the new entry would let in a principal that was made again under the name"),
    known(Asks, "nodes", "nodes get in through what would go"),
    known(Asks, "cluster-admin", "it gives everything"),
    known(Asks, "wildcard", "a scope with a wildcard covers namespaces to come"),
    known(Asks, "foreign-principal", "the principal belongs to another account"),
    known(Asks, "trust-refuses", "the role's trust policy does not let this service account in"),
    known(Asks, "target-refuses", "the target role does not let the first role in, or the first may not ask"),
    known(Asks, "irsa-lost", "the agent does not run, and new pods would lose the role that they get by IRSA"),
    known(Asks, "association-in-use", "pods run as the service account that loses its role"),
    known(Asks, "undo-impossible", "undo could not bring back what would go"),
    known(Notes, "undo-partial", "undo makes it anew, without what EKS sets by itself"),
    known(Notes, "role-unknown", "whether the role of an association exists is not known"),
    known(Notes, "trust-unknown", "whether the role lets the service account in is not known"),
    known(Notes, "target-unknown", "whether the target role lets the first role in is not known"),
    known(Notes, "irsa-shadowed", "the service account has a role by IRSA too, and new pods no longer get that"),
    known(Notes, "irsa-in-force", "new pods get the role of the annotation (IRSA) once the association is gone"),
    known(Notes, "service-account-absent", "there is no such service account, or that is not known"),
    known(Notes, "no-agent", "the Pod Identity agent does not run, or that is not known"),
    known(Notes, "pods-restart", "pods that run keep what they have until they are made again"),
    known(Notes, "pods-unknown", "which pods run as the service account is not known"),
    known(Notes, "namespace-absent", "there is no such namespace, or that is not known"),
    known(Notes, "group-unbound", "no binding names the group, or that is not known"),
    known(Notes, "no-custom-resources", "the policy covers no custom resources"),
    known(Notes, "policy-unpublished", "what the policy grants is not published"),
    known(
        Notes,
        "managed-elsewhere",
        "its tags tell of Terraform, eksctl, CloudFormation or ACK; their absence proves nothing",
    ),
    known(Notes, "caller-unknown", "who you are is not known"),
    known(Notes, "caller-not-simulated", "whether you may make the calls is not known"),
    known(Notes, "drift-unknown", "whether it was changed since it was read is not known"),
    known(Notes, "unknown", "a part of who gains and loses what is not known"),
];

/// As the table of the documentation.
pub fn table() -> String {
    let mut out = String::from("| check | weighs | when |\n|---|---|---|\n");
    for it in ALL {
        out.push_str(&format!("| `{}` | {} | {} |\n", it.id, it.level.word(), it.when));
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

    /// The texts in quotes of the rules that stand where an id does: after a level, or after `id:`.
    fn written() -> BTreeSet<String> {
        let edit = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/edit");
        let files = [
            "check/rules.rs",
            "check/admins.rs",
            "check/undo.rs",
            "check/drift.rs",
            "check/associations.rs",
            "preflight.rs",
        ];
        let mut out = BTreeSet::new();
        for file in files {
            let text = std::fs::read_to_string(edit.join(file)).unwrap();
            for after in text.split("Level::").skip(1) {
                let Some((_, rest)) = after.split_once(',') else { continue };
                let rest = rest.trim_start().trim_start_matches("id: ");
                if let Some((id, _)) = rest.strip_prefix('"').and_then(|it| it.split_once('"')) {
                    out.insert(id.to_owned());
                }
            }
        }
        out
    }

    #[test]
    fn what_the_rules_say_is_registered_and_the_other_way_round() {
        let registered: BTreeSet<String> = ALL.iter().map(|it| it.id.to_owned()).collect();
        assert_eq!(registered.len(), ALL.len(), "each once");
        assert!(ALL.is_sorted_by_key(|it| it.level));
        assert_eq!(written(), registered);
    }
}

//! What things are called in a generated world: teams, their namespaces, what people and programs do.
//!
//! Decides words alone, each by its number: the first ones are plain, and where the words are used up a number follows.
//! A new word is an item of a list here.

/// Who shares the cluster.
const TEAMS: [&str; 24] = [
    "payments",
    "search",
    "checkout",
    "catalog",
    "ledger",
    "fraud",
    "identity",
    "billing",
    "shipping",
    "pricing",
    "media",
    "mobile",
    "risk",
    "loyalty",
    "orders",
    "inventory",
    "reports",
    "support",
    "data",
    "mail",
    "maps",
    "partners",
    "ads",
    "returns",
];

/// The stages in which each team runs its programs.
const STAGES: [&str; 2] = ["dev", "prod"];

/// The namespaces that a cluster begins with, as far as anything lives in them.
const FIRST_NAMESPACES: [&str; 2] = ["kube-system", "default"];

/// The service accounts of `kube-system`.
const SYSTEM_PROGRAMS: [&str; 10] = [
    "aws-node",
    "coredns",
    "kube-proxy",
    "eks-pod-identity-agent",
    "ebs-csi-controller-sa",
    "aws-load-balancer-controller",
    "karpenter",
    "external-dns",
    "metrics-server",
    "cert-manager",
];

/// The service accounts of everybody else.
const PROGRAMS: [&str; 10] =
    ["api", "worker", "web", "importer", "gateway", "exporter", "indexer", "scheduler", "consumer", "migrator"];

/// IAM users.
const PEOPLE: [&str; 16] = [
    "alice", "bjorn", "chidi", "dana", "elif", "farid", "greta", "hiro", "ines", "jonas", "kofi", "lena", "mateo",
    "nadia", "oskar", "priya",
];

/// The word at a number; from the second round on, with the number of the round.
fn word(words: &[&str], number: usize) -> String {
    let count = words.len().max(1);
    let word = words.get(number % count).copied().unwrap_or_default();
    numbered(word, number / count)
}

/// `x`, `x-2`, `x-3`
pub(super) fn numbered(name: &str, round: usize) -> String {
    if round == 0 { name.to_owned() } else { format!("{name}-{}", round + 1) }
}

/// How many teams share so many namespaces.
pub(super) fn teams(namespaces: usize) -> usize {
    namespaces.saturating_sub(FIRST_NAMESPACES.len()).div_ceil(STAGES.len()).clamp(1, TEAMS.len())
}

/// A team's name.
pub(super) fn team(number: usize) -> &'static str {
    TEAMS.get(number % TEAMS.len()).copied().unwrap_or_default()
}

/// The namespace of a number and, but for the first, the team whose it is.
pub(super) fn namespace(number: usize) -> (String, Option<&'static str>) {
    if let Some(first) = FIRST_NAMESPACES.get(number) {
        return ((*first).to_owned(), None);
    }
    let number = number - FIRST_NAMESPACES.len();
    let (team, stage) = (team(number / STAGES.len()), STAGES.get(number % STAGES.len()).copied().unwrap_or_default());
    (numbered(&format!("{team}-{stage}"), number / (STAGES.len() * TEAMS.len())), Some(team))
}

/// The service account of a number within a namespace: each has `default`, made by the cluster.
pub(super) fn service_account(system: bool, number: usize) -> String {
    match number.checked_sub(1) {
        None => "default".to_owned(),
        Some(number) => word(if system { &SYSTEM_PROGRAMS } else { &PROGRAMS }, number),
    }
}

/// An IAM user's name.
pub(super) fn person(number: usize) -> String {
    word(&PEOPLE, number)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_number_has_a_name_of_its_own() {
        const MANY: usize = 500;
        let all = |name: &dyn Fn(usize) -> String| (0..MANY).map(name).collect::<BTreeSet<_>>().len();
        assert_eq!(all(&|n| namespace(n).0), MANY);
        assert_eq!(all(&|n| service_account(true, n)), MANY);
        assert_eq!(all(&|n| service_account(false, n)), MANY);
        assert_eq!(all(&person), MANY);
    }

    #[test]
    fn the_first_names_are_plain() {
        assert_eq!(namespace(0), ("kube-system".to_owned(), None));
        assert_eq!(namespace(2), ("payments-dev".to_owned(), Some("payments")));
        assert_eq!(namespace(50).0, "payments-dev-2");
        assert_eq!([0, 2, 3, 5, 1_000].map(teams), [1, 1, 1, 2, 24]);
    }
}

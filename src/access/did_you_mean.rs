//! A name that nobody knows, and the known names that come nearest to it.
//!
//! Decides which names are near enough to suggest, and how the question is put. Whether a name is unknown, and whether
//! the list that would hold it was read whole, is decided where that list is: [`super::resources`] for verbs, resources
//! and namespaces, [`super::find`] for principals, `edit::wish` for policies, `run::source` for clusters.

use std::collections::BTreeSet;
use std::fmt;

/// At most so many names are suggested.
const MOST: usize = 3;

/// A text longer than this is no slip of the finger in a name: Kubernetes names have at most 253 characters.
const LONGEST: usize = 256;

/// What a name is the name of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NameKind {
    /// A verb of the Kubernetes API.
    Verb,
    /// A resource type that the API server serves.
    Resource,
    /// A namespace.
    Namespace,
    /// An IAM role or user, or a permission set.
    Principal,
    /// An EKS access policy.
    Policy,
    /// A cluster.
    Cluster,
    /// A pod, as NAMESPACE/NAME.
    Pod,
    /// A service account, as NAMESPACE/NAME.
    ServiceAccount,
}

impl NameKind {
    fn words(self) -> &'static str {
        match self {
            NameKind::Verb => "verb",
            NameKind::Resource => "resource type",
            NameKind::Namespace => "namespace",
            NameKind::Principal => "role, user, or permission set",
            NameKind::Policy => "access policy",
            NameKind::Cluster => "cluster",
            NameKind::Pod => "pod",
            NameKind::ServiceAccount => "service account",
        }
    }
}

/// A name that the complete list of its kind does not hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnknownName {
    /// Of what.
    pub kind: NameKind,
    /// As it was typed.
    pub given: String,
    /// The nearest known names, best first; at most three.
    pub suggestions: Vec<String>,
}

impl UnknownName {
    /// With the nearest of the known names.
    pub fn new<'a>(kind: NameKind, given: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let suggestions = suggest_names(given, known.into_iter().map(|it| (it, it)));
        UnknownName { kind, given: given.to_owned(), suggestions }
    }

    /// With the nearest of the known names; each comes with how it is suggested, as a short name with its plural.
    pub fn with_aliases<'a>(kind: NameKind, given: &str, known: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        UnknownName { kind, given: given.to_owned(), suggestions: suggest_names(given, known) }
    }
}

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let given: String = self.given.chars().take(LONGEST).collect();
        write!(f, "no {} {given:?} is known", self.kind.words())?;
        match self.suggestions.as_slice() {
            [] => Ok(()),
            [one] => write!(f, "; did you mean {one}?"),
            [first @ .., last] => write!(f, "; did you mean {} or {last}?", first.join(", ")),
        }
    }
}

/// All of them as one sentence.
pub fn sentence(unknown: &[UnknownName]) -> String {
    unknown.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// The known names nearest to what was typed, best first: by edit distance, then by name. Case does not count. Of a pair,
/// the first is compared and the second is suggested.
pub fn suggest_names<'a>(typed: &str, known: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let typed: Vec<char> = typed.trim().to_lowercase().chars().take(LONGEST + 1).collect();
    if typed.is_empty() || typed.len() > LONGEST {
        return Vec::new();
    }
    let near = known.into_iter().filter_map(|(name, shown)| Some((nearness(&typed, name)?, shown)));
    let ranked: BTreeSet<(usize, &str)> = near.collect();
    let mut out: Vec<String> = Vec::new();
    for (_, shown) in ranked {
        if !out.iter().any(|it| it == shown) {
            out.push(shown.to_owned());
        }
        if out.len() == MOST {
            break;
        }
    }
    out
}

/// The edit distance, if it is small enough for a slip; what begins alike comes after all slips.
fn nearness(typed: &[char], name: &str) -> Option<usize> {
    let name: Vec<char> = name.to_lowercase().chars().collect();
    let longer = typed.len().max(name.len());
    let allowed = (longer / 3).clamp(1, 4);
    if typed.len().abs_diff(name.len()) <= allowed {
        let distance = distance(typed, &name);
        // Two names of two letters that share none are not alike.
        if distance <= allowed && distance < longer {
            return Some(distance);
        }
    }
    let begins = typed.len() >= 3 && name.len() >= 3 && (name.starts_with(typed) || typed.starts_with(&name));
    begins.then(|| LONGEST + typed.len().abs_diff(name.len()))
}

/// The optimal string alignment distance: insertions, deletions, substitutions, and swaps of two neighbors.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let cell = |row: &[usize], at: usize| row.get(at).copied().unwrap_or(usize::MAX - 1);
            let mut least = (cell(&above, j) + usize::from(x != y)).min(cell(&above, j + 1) + 1).min(cell(&row, j) + 1);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x);
            if swapped {
                least = least.min(cell(&before, j - 1) + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut above, row);
    }
    above.last().copied().unwrap_or(a.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_names_are_suggested_best_first() {
        const VERBS: [&str; 8] = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];
        const NAMESPACES: [&str; 7] =
            ["blue", "green", "green-api", "payments", "payment", "payments-dev", "kube-system"];
        for (typed, known, wanted) in [
            ("gte", &VERBS[..], &["get"][..]),
            ("GET ", &VERBS, &["get"]),
            ("lst", &VERBS, &["list"]),
            ("delet", &VERBS, &["delete", "deletecollection"]),
            ("pach", &VERBS, &["patch"]),
            ("frob", &VERBS, &[]),
            ("", &VERBS, &[]),
            ("paymnets", &NAMESPACES, &["payments", "payment"]),
            ("kubesystem", &NAMESPACES, &["kube-system"]),
            ("pay", &NAMESPACES, &["payment", "payments", "payments-dev"]),
            ("gren", &NAMESPACES, &["green"]),
            ("team-x", &NAMESPACES, &[]),
        ] {
            assert_eq!(suggest_names(typed, known.iter().map(|&it| (it, it))), wanted, "{typed}");
        }
    }

    #[test]
    fn the_distance_counts_a_swap_as_one_slip() {
        let of = |a: &str, b: &str| distance(&a.chars().collect::<Vec<_>>(), &b.chars().collect::<Vec<_>>());
        for (a, b, wanted) in
            [("", "", 0), ("", "abc", 3), ("gte", "get", 1), ("kitten", "sitting", 3), ("ca", "abc", 3), ("ä", "a", 1)]
        {
            assert_eq!((of(a, b), of(b, a)), (wanted, wanted), "{a} {b}");
        }
    }

    #[test]
    fn an_alias_is_compared_and_its_name_suggested_once() {
        let known = [("deployments", "deployments.apps"), ("deploy", "deployments.apps"), ("pods", "pods")];
        assert_eq!(suggest_names("deploys", known), ["deployments.apps"]);
    }

    #[test]
    fn a_question_names_what_was_typed_and_at_most_three_names() {
        let ask = |known: &[&str]| UnknownName::new(NameKind::Namespace, "dav", known.iter().copied()).to_string();
        assert_eq!(ask(&[]), "no namespace \"dav\" is known");
        assert_eq!(ask(&["dev"]), "no namespace \"dav\" is known; did you mean dev?");
        assert_eq!(ask(&["day", "dev", "dab", "dat"]), "no namespace \"dav\" is known; did you mean dab, dat or day?");
        let long = "x".repeat(1_000_000);
        assert!(UnknownName::new(NameKind::Verb, &long, ["get"]).to_string().len() < 400);
    }
}

//! The register of all findings: what each id stands for, how much it matters, and what follows from it.
//!
//! Decides nothing about a cluster. `docs/findings.md` is printed from it, and SARIF's rules. A new finding has its row
//! here, in the file of its family (`mappings`, `workloads`, `parts`); a test compares the ids with those that the rules
//! and the controls push.

mod mappings;
mod parts;
mod workloads;

use std::fmt;

use super::Severity;

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// Access entries.
    Entries,
    /// The aws-auth ConfigMap.
    AwsAuth,
    /// Service accounts with an IAM role by IRSA, and the trust policies of such roles.
    Irsa,
    /// Pod Identity associations.
    PodIdentity,
    /// The roles of the cluster and its parts.
    Roles,
    /// The controls around access.
    Posture,
}

impl Family {
    /// All, in order.
    pub const ALL: [Family; 6] =
        [Family::Entries, Family::AwsAuth, Family::Irsa, Family::PodIdentity, Family::Roles, Family::Posture];

    /// As a heading.
    pub fn as_str(self) -> &'static str {
        match self {
            Family::Entries => "Access entries",
            Family::AwsAuth => "aws-auth",
            Family::Irsa => "IRSA",
            Family::PodIdentity => "Pod Identity",
            Family::Roles => "Roles of the cluster and its parts",
            Family::Posture => "Controls around access",
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What one id stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name, stable: `entry-recreated-principal`.
    pub id: &'static str,
    /// What it is about.
    pub family: Family,
    /// How much it matters, at most.
    pub severity: Severity,
    /// How much it matters, at least: the case decides.
    pub least: Severity,
    /// What is wrong, as a sentence.
    pub title: &'static str,
    /// What follows from it.
    pub why: &'static str,
    /// The section of the reference that it rests on.
    pub see: &'static str,
}

impl Rule {
    const fn new(
        family: Family,
        id: &'static str,
        severity: Severity,
        title: &'static str,
        why: &'static str,
        see: &'static str,
    ) -> Self {
        Rule { id, family, severity, least: severity, title, why, see }
    }

    /// The same where a case may matter less.
    const fn down_to(self, least: Severity) -> Self {
        Rule { least, ..self }
    }
}

/// Every rule, by family and in it by id.
pub fn rules() -> Vec<&'static Rule> {
    let mut all: Vec<&Rule> =
        mappings::RULES.iter().chain(workloads::RULES.iter()).chain(parts::RULES.iter()).collect();
    all.sort_by_key(|it| (it.family, it.id));
    all
}

/// The rule of an id.
pub fn rule(id: &str) -> Option<&'static Rule> {
    rules().into_iter().find(|it| it.id == id)
}

/// `docs/findings.md`.
pub fn document() -> String {
    let mut out = String::from(
        "# Findings\n\nWhat `eksplorer audit`, the Findings pane and the marks in the other panes may report. Ids are stable: \
         `--ignore ID` and a baseline name them. This page is printed from the rules themselves.\n\n\
         - **high**: somebody has more than they should, or people or nodes are locked out.\n\
         - **medium**: something does not work, or works by accident.\n\
         - **low**: worth knowing.\n\n\
         A rule says nothing where a fact that it needs was not read; `audit` then lists that fact as not judged.\n",
    );
    for family in Family::ALL {
        out.push_str(&format!("\n## {family}\n"));
        for rule in rules().into_iter().filter(|it| it.family == family) {
            let severity = match rule.least == rule.severity {
                true => rule.severity.to_string(),
                false => format!("{} to {}, by the case", rule.severity, rule.least),
            };
            out.push_str(&format!(
                "\n### {}\n\n{} — {}\n\n{}\n\nRests on: {}.\n",
                rule.id, severity, rule.title, rule.why, rule.see
            ));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn ids_are_unique_and_every_rule_says_what_it_is() {
        let ids: BTreeSet<&str> = rules().iter().map(|it| it.id).collect();
        assert_eq!(ids.len(), rules().len());
        for it in rules() {
            assert!(it.id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'), "{}", it.id);
            assert!(it.title.ends_with('.') && it.why.ends_with('.') && !it.see.is_empty(), "{}", it.id);
            assert!(it.severity <= it.least, "{}", it.id);
        }
    }

    /// All texts in quotes of the files that push findings which look like an id.
    fn written() -> BTreeSet<String> {
        let access = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/access");
        let files = ["findings/aws_auth.rs", "findings/entries.rs", "findings/irsa.rs", "findings/pod_identity.rs"]
            .into_iter()
            .chain(["findings/roles.rs", "findings/trust_shape.rs", "findings/workloads.rs"])
            .chain(["posture/cluster.rs", "posture/identity.rs", "posture/namespaces.rs"]);
        let mut out = BTreeSet::new();
        for file in files {
            let text = std::fs::read_to_string(access.join(file)).unwrap();
            let text = text.split("#[cfg(test)]").next().unwrap_or_default();
            for word in text.split('"') {
                let plain = word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
                if plain && (word.contains('-') || word == "encryption") && !word.starts_with('-') {
                    out.insert(word.to_owned());
                }
            }
        }
        out
    }

    #[test]
    fn what_is_pushed_is_registered_and_the_other_way_round() {
        // Words in quotes that are no ids: names of things and commands of AWS's and Kubernetes'.
        let names = "kube-system kube-public kube-node-lease aws-cn aws-auth eks-pod-identity-agent enforce-version \
                     associate-encryption-config create-addon update-cluster-config";
        let mut written = written();
        written.retain(|it| !names.split(' ').any(|name| name == it));
        let ids: BTreeSet<String> = rules().iter().map(|it| it.id.to_owned()).collect();
        let unknown: Vec<_> = written.difference(&ids).collect();
        let unused: Vec<_> = ids.difference(&written).collect();
        assert!(unknown.is_empty() && unused.is_empty(), "not registered: {unknown:?}; never pushed: {unused:?}");
    }

    /// With `UPDATE_DOCS` set, writes it.
    #[test]
    fn the_page_is_that_of_the_rules() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/findings.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, document()).unwrap();
        }
        let page = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(page == document(), "docs/findings.md is not what the rules print: UPDATE_DOCS=1 cargo test rules");
    }
}

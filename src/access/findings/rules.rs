//! The register of all findings: what each id stands for, how much it matters, and what follows from it.
//!
//! Decides nothing about a cluster. `docs/findings.md` is printed from it, and SARIF's rules. A new finding is a row in
//! [`table`], from which the ids are made, so that an id without a rule does not compile.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use super::Severity;
pub use pages::ReferencePage;
pub use table::FindingId;

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
    /// What bindings of Kubernetes' RBAC give.
    Rbac,
    /// The controls around access.
    Posture,
}

impl Family {
    /// All, in order.
    pub const ALL: [Family; 7] = [
        Family::Entries,
        Family::AwsAuth,
        Family::Irsa,
        Family::PodIdentity,
        Family::Roles,
        Family::Rbac,
        Family::Posture,
    ];

    /// As a heading.
    pub fn as_str(self) -> &'static str {
        match self {
            Family::Entries => "Access entries",
            Family::AwsAuth => "aws-auth",
            Family::Irsa => "IRSA",
            Family::PodIdentity => "Pod Identity",
            Family::Roles => "Roles of the cluster and its parts",
            Family::Rbac => "Kubernetes RBAC",
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
pub struct FindingRule {
    /// Its id.
    pub id: FindingId,
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
    /// The public page that it rests on.
    pub page: ReferencePage,
}

/// Makes the enum of ids and their rules from the rows of [`table`].
macro_rules! finding_rules {
    ($($family:ident { $($id:ident $text:literal $severity:ident $(.. $least:ident)?, $page:ident: $title:literal $why:literal;)* })*) => {
        /// The id of a finding, stable in its text: `--ignore` and baselines name it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "each one's rule says what it stands for")]
        pub enum FindingId {
            $($($id,)*)*
        }

        impl FindingId {
            /// Every id, by family and in it by text.
            pub const ALL: &[FindingId] = &[$($(FindingId::$id,)*)*];

            /// As it is written: `entry-recreated-principal`.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $($(FindingId::$id => $text,)*)*
                }
            }

            /// What it stands for.
            pub const fn rule(self) -> FindingRule {
                match self {
                    $($(FindingId::$id => FindingRule {
                        id: self,
                        family: Family::$family,
                        severity: $severity,
                        least: least_severity!($severity $($least)?),
                        title: $title,
                        why: $why,
                        page: pages::$page,
                    },)*)*
                }
            }
        }
    };
}

macro_rules! least_severity {
    ($severity:ident) => {
        $severity
    };
    ($severity:ident $least:ident) => {
        $least
    };
}

mod pages;
mod table;

impl PartialOrd for FindingId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// By their texts, as they are listed.
impl Ord for FindingId {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl fmt::Display for FindingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for FindingId {
    type Err = UnknownFindingId;

    fn from_str(text: &str) -> Result<Self, UnknownFindingId> {
        FindingId::ALL.iter().copied().find(|id| id.as_str() == text).ok_or(UnknownFindingId)
    }
}

/// A text that is the id of no finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownFindingId;

/// Every rule, by family and in it by id.
pub fn rules() -> impl Iterator<Item = FindingRule> {
    FindingId::ALL.iter().map(|id| id.rule())
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
        for rule in rules().filter(|it| it.family == family) {
            let severity = match rule.least == rule.severity {
                true => rule.severity.to_string(),
                false => format!("{} to {}, by the case", rule.severity, rule.least),
            };
            out.push_str(&format!(
                "\n### {}\n\n{} — {}\n\n{}\n\nSee: [{}]({}).\n",
                rule.id, severity, rule.title, rule.why, rule.page.title, rule.page.url
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
        let ids: BTreeSet<FindingId> = FindingId::ALL.iter().copied().collect();
        assert_eq!(ids.len(), FindingId::ALL.len());
        for it in rules() {
            let id = it.id.as_str();
            assert!(id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'), "{id}");
            assert!(it.title.ends_with('.') && it.why.ends_with('.') && it.page.url.starts_with("https://"), "{id}");
            assert!(it.severity <= it.least, "{id}");
            assert_eq!(id.parse(), Ok(it.id));
        }
        let listed: Vec<_> = rules().map(|it| (it.family, it.id)).collect();
        assert!(listed.is_sorted(), "the table lists its families in order, and in them its ids");
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

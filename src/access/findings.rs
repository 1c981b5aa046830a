//! Named defects and risks: one small rule each, in totally ordered output.

use crate::model::snapshot::Evidence;

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Somebody has more than they should, or production is locked out.
    High,
    /// Something does not work, or works by accident.
    Medium,
    /// Worth knowing.
    Low,
}

/// A named defect or risk of one row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// Its name, stable: `entry-recreated-principal`.
    pub id: &'static str,
    /// What is wrong and what follows, as a sentence.
    pub sentence: String,
    /// Where it was read.
    pub evidence: Evidence,
}

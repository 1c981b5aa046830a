//! The flags of `audit`: what counts, and from what severity on it is a failure.
//!
//! What they mean is `run::headless::audit`'s. A new flag of `audit` is a field here.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// What counts, and what does not.
#[derive(Clone, Debug, Args)]
pub struct AuditArgs {
    /// End with 3 where a finding matters as much or more.
    #[arg(long, value_name = "SEVERITY", value_enum, default_value_t = FailOn::High)]
    pub fail_on: FailOn,
    /// End with 4 where something could not be judged.
    #[arg(long)]
    pub strict: bool,
    /// Do not count this finding: ID, or ID=SUBJECT for one subject; may be given several times. docs/findings.md has the
    /// ids; a subject is written as in the report.
    #[arg(long = "ignore", value_name = "ID[=SUBJECT]")]
    pub ignores: Vec<String>,
    /// Do not count what this file holds.
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Write a baseline of what counts and what --baseline holds and is still found.
    #[arg(long, value_name = "FILE")]
    pub write_baseline: Option<PathBuf>,
}

/// From which severity on a finding is a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum FailOn {
    High,
    Medium,
    Low,
    Never,
}

//! `eksplorer audit`: all findings of a cluster, with a threshold for pipelines.
//!
//! Decides what counts (flags and baseline) and the exit status: findings first, what could not be judged with --strict.

use std::collections::BTreeSet;
use std::path::Path;

use super::{Printed, facts_for};
use crate::access::audit::{Ignore, audit};
use crate::access::findings::Severity;
use crate::access::inventory::inventory;
use crate::cli::{AuditArgs, FailOn, Options, Output};
use crate::model::cluster::ClusterId;
use crate::model::visible::visible;
use crate::report::Exit;
use crate::report::audit as report;
use crate::run::load::Needs;
use crate::run::source::Source;
use crate::run::{Trouble, files};

/// `eksplorer audit`
pub async fn audit_cluster(options: &Options, args: &AuditArgs) -> Result<Printed, Trouble> {
    let ignores: Result<Vec<Ignore>, String> = args.ignores.iter().map(|it| it.parse()).collect();
    let ignores = ignores.map_err(|error| Trouble::bad_input(format!("--ignore: {error}")))?;
    let source = Source::open(options, None).await?;
    let id = source.cluster(options.cluster.as_deref()).await?;
    let baseline = match &args.baseline {
        Some(file) => baseline(&id, file)?,
        None => BTreeSet::new(),
    };
    let snapshot = facts_for(&source, &id, None, &Needs::ALL).await?;
    let facts = snapshot.cluster(&id);
    let mut found = audit(&inventory(&facts, &snapshot.iam), &facts, &snapshot.iam);
    let (idle, gone) = found.ignore(&ignores, &baseline);
    let mut err = String::new();
    for it in idle {
        err.push_str(&format!("--ignore {}: nothing of it was found\n", visible(&it.to_string())));
    }
    if !gone.is_empty() {
        err.push_str(&format!("{} findings of the baseline are no longer found; write it anew\n", gone.len()));
    }
    if let Some(file) = &args.write_baseline {
        let text = report::write_baseline(&id, &found).map_err(Trouble::failure)?;
        files::write_private(file, &text)
            .map_err(|error| Trouble::failure(format!("could not write {}: {error}", file.display())))?;
        err.push_str(&format!("wrote {}\n", visible(&file.display().to_string())));
    }
    let file = options.from.as_ref().map(|it| it.to_string_lossy());
    let out = match options.output {
        Output::Text => report::text(&id, &found),
        Output::Json => report::json(&id, &found).map_err(Trouble::failure)?,
        Output::Sarif => report::sarif(&id, &found, file.as_deref()).map_err(Trouble::failure)?,
    };
    let exit = if threshold(args.fail_on).is_some_and(|it| found.reaches(it)) {
        Exit::No
    } else if args.strict && !found.not_judged.is_empty() {
        Exit::Unknown
    } else {
        Exit::Yes
    };
    Ok(Printed::new(&out, &err, exit))
}

fn threshold(of: FailOn) -> Option<Severity> {
    match of {
        FailOn::High => Some(Severity::High),
        FailOn::Medium => Some(Severity::Medium),
        FailOn::Low => Some(Severity::Low),
        FailOn::Never => None,
    }
}

fn baseline(id: &ClusterId, file: &Path) -> Result<BTreeSet<String>, Trouble> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Trouble::bad_input(format!("could not read the baseline {}: {error}", file.display())))?;
    report::read_baseline(id, &text)
        .map_err(|error| Trouble::bad_input(format!("the baseline {} cannot be used: {error}", file.display())))
}

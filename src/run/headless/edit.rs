//! `grant`, `revoke` and `plan`: print the plan, its access diff and checks, and stop; with `--apply`, do it.
//!
//! Decides nothing about edits: the words go to `edit::wish`, the answer comes from `edit::review`.

use std::collections::BTreeSet;
use std::path::Path;

use super::super::load::Needs;
use super::super::source::{Source, now};
use super::super::{Trouble, apply, files, preflight};
use super::journal::{Tell, apply_batch, open_journal};
use super::{Printed, facts_for};
use crate::access::permissions::Permissions;
use crate::cli::{ApplyArgs, ConsentArgs, Export, GrantArgs, Options, Output, RevokeArgs};
use crate::edit::draft::Draft;
use crate::edit::export::{Place, Told};
use crate::edit::wish::{Ground, Wish, parse};
use crate::edit::{Review, review};
use crate::model::cluster::ClusterId;
use crate::model::principal::Asked;
use crate::model::snapshot::Snapshot;
use crate::model::visible::visible;
use crate::report::{self, Exit};

/// `eksplorer grant PRINCIPAL`
pub async fn grant(options: &Options, args: &GrantArgs, tell: Tell<'_>) -> Result<Printed, Trouble> {
    let wish = Wish {
        grant: Some(args.principal.clone()),
        policy: args.policy.clone(),
        namespaces: args.namespaces.clone(),
        cluster_wide: args.cluster_wide,
        groups: args.groups.clone(),
        kind: args.kind.clone(),
        username: args.username.clone(),
        ..Wish::default()
    };
    wishes(options, &[wish], None, "", &args.apply, tell).await
}

/// `eksplorer revoke PRINCIPAL`
pub async fn revoke(options: &Options, args: &RevokeArgs, tell: Tell<'_>) -> Result<Printed, Trouble> {
    let wish = Wish {
        revoke: Some(args.principal.clone()),
        policy: args.policy.clone(),
        groups: args.groups.clone(),
        ..Wish::default()
    };
    wishes(options, &[wish], None, "", &args.apply, tell).await
}

/// `eksplorer plan FILE`
pub async fn plan_file(options: &Options, file: &Path, args: &ApplyArgs, tell: Tell<'_>) -> Result<Printed, Trouble> {
    let text = files::read_named(file, "a file of changes, in YAML")?;
    let place = file.display().to_string();
    let asked = parse(&text).map_err(|error| Trouble::bad_input(format!("{place}: {error}")))?;
    wishes(options, &asked.changes, asked.cluster.as_deref(), &place, args, tell).await
}

/// Everything that a plan rests on.
pub(super) struct Planned {
    pub(super) source: Source,
    pub(super) id: ClusterId,
    pub(super) snapshot: Snapshot,
    pub(super) review: Review,
}

impl Planned {
    pub(super) fn place(&self) -> Place {
        let account = self.snapshot.cluster(&self.id).cluster.value().and_then(|it| it.account());
        Place {
            cluster: self.id.name.clone(),
            region: self.id.region.clone(),
            account: account.or(self.snapshot.iam.account.clone()),
        }
    }
}

/// Reads what a draft rests on, stages, reviews.
pub(super) async fn planned(
    options: &Options,
    guard: Option<&str>,
    stage: impl FnOnce(&Ground<'_>, &mut Draft) -> Result<(), Trouble>,
) -> Result<Planned, Trouble> {
    let source = Source::open(options, None).await?;
    let id = source.cluster(options.cluster.as_deref().or(guard)).await?;
    if let Some(guard) = guard.filter(|it| *it != id.name) {
        return Err(Trouble::bad_input(format!("the file is for cluster {}, not for {}", visible(guard), id.name)));
    }
    let snapshot = facts_for(&source, &id, None, &Needs::ALL).await?;
    let facts = snapshot.cluster(&id);
    let mut draft = Draft::default();
    stage(&Ground { facts: &facts, iam: &snapshot.iam }, &mut draft)?;
    let caller = snapshot.caller.value().and_then(|it| Asked::from_arn(&it.arn).ok());
    let permissions = Permissions::of(&facts);
    let mut review = review(&facts, &snapshot.iam, &permissions, caller.as_ref(), &draft, Some(now()));
    if let Source::Live { session, .. } = &source {
        let facts = (&*facts, &*snapshot.iam);
        review = Box::pin(preflight::looked_at(session, &id, facts, caller.as_ref(), review)).await;
    }
    Ok(Planned { source, id, snapshot, review })
}

async fn wishes(
    options: &Options,
    wishes: &[Wish],
    guard: Option<&str>,
    place: &str,
    args: &ApplyArgs,
    tell: Tell<'_>,
) -> Result<Printed, Trouble> {
    let planned = planned(options, guard, |ground, draft| {
        for (at, wish) in wishes.iter().enumerate() {
            ground.stage(draft, wish).map_err(|refusal| {
                let place = if place.is_empty() { String::new() } else { format!("{place}, changes[{at}]: ") };
                Trouble { exit: Exit::BadInput, message: format!("{place}{refusal}") }
            })?;
        }
        Ok(())
    })
    .await?;
    finish(options, args, planned, tell).await
}

/// Prints a plan, or exports it, or applies it.
pub(super) async fn finish(
    options: &Options,
    args: &ApplyArgs,
    planned: Planned,
    tell: Tell<'_>,
) -> Result<Printed, Trouble> {
    let (id, review) = (&planned.id, &planned.review);
    if let Some(form) = args.export {
        let (facts, iam) = (planned.snapshot.cluster(id), &planned.snapshot.iam);
        let by = planned.snapshot.caller.value().map(|it| it.arn.clone());
        let caller = by.as_deref().and_then(|it| Asked::from_arn(it).ok());
        let told = Told { by, ..Told::planned(planned.place(), &review.draft, &review.steps, &facts) };
        let out = match form {
            Export::AwsCli => told.script(),
            Export::AwsCliInverse => told.inverse(),
            Export::Terraform => told.terraform(),
            Export::Note => told.note(&facts, iam, &Permissions::of(&facts), caller.as_ref(), Some(now())),
        };
        return Ok(Printed::answer(out, verdict(review, args.apply, &args.consent)));
    }
    if args.apply && verdict(review, args.apply, &args.consent) == Exit::Yes && !review.draft.is_empty() {
        return apply(options, args, planned, tell).await;
    }
    printed(options, id, review, planned.snapshot.iam.account.as_deref(), args.apply, &args.consent)
}

/// Blocked, or a question is open (which matters only where it is to be done), or neither.
pub(super) fn verdict(review: &Review, is_to_be_done: bool, consent: &ConsentArgs) -> Exit {
    match () {
        () if review.is_blocked() => Exit::No,
        () if is_to_be_done && !review.unanswered(&consent.accept).is_empty() => Exit::Unanswered,
        () => Exit::Yes,
    }
}

/// The plan, printed, and why nothing was done if something was to be.
pub(super) fn printed(
    options: &Options,
    id: &ClusterId,
    review: &Review,
    home: Option<&str>,
    is_to_be_done: bool,
    consent: &ConsentArgs,
) -> Result<Printed, Trouble> {
    let out = match options.output {
        Output::Text => report::plan::text(id, review, home),
        Output::Json | Output::Sarif => report::plan::json_text(id, review).map_err(Trouble::failure)?,
    };
    let mut printed = Printed::answer(out, verdict(review, is_to_be_done, consent));
    printed.err = match printed.exit {
        Exit::No if is_to_be_done => "nothing was done: a check blocks it\n".to_owned(),
        Exit::Unanswered => {
            let ids = review.unanswered(&consent.accept);
            let mut said = format!(
                "nothing was done: a check asks; answer it with --accept {}\n",
                ids.iter().map(|id| id.as_str()).collect::<Vec<_>>().join(" --accept ")
            );
            for id in ids {
                let about: Vec<String> = review
                    .open(&consent.accept)
                    .filter(|it| it.id == id)
                    .filter_map(|it| it.subject.as_ref())
                    .map(|it| visible(&report::plan::subject(it, home)).into_owned())
                    .collect::<BTreeSet<_>>()
                    .into_iter()
                    .collect();
                if about.len() > 1 {
                    let (all, one) = (about.join(", "), about.first().cloned().unwrap_or_default());
                    said.push_str(&format!(
                        "  --accept {id} answers it for each of {all}; --accept '{id}={one}' only for that one\n"
                    ));
                }
            }
            said
        }
        _ => String::new(),
    };
    Ok(printed)
}

async fn apply(options: &Options, args: &ApplyArgs, planned: Planned, tell: Tell<'_>) -> Result<Printed, Trouble> {
    let Planned { source, id, review, .. } = planned;
    let named = args.consent.yes_cluster.as_deref().unwrap_or_default();
    if named != id.name {
        return Err(Trouble::bad_input(format!(
            "the plan is for cluster {}, and --yes-cluster says {}: nothing was done",
            id.name,
            visible(named)
        )));
    }
    options.may_write(&id).map_err(Trouble::refused)?;
    let Source::Live { session, .. } = &source else {
        return Err(Trouble::bad_input("a file is looked at, and never changed: leave --from out"));
    };
    let mut journal = open_journal(options.state_dir.as_deref())?;
    let batch = apply::new_batch(session, &id, review.draft, None).await?;
    Box::pin(apply_batch(options, session, batch, &mut journal, args.keeping.wait, tell)).await
}

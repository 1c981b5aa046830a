//! A plan or a batch as a note for an incident, in Markdown.
//!
//! Decides what a reader who was not there needs, in which order: what changed, how it went, who gains and loses what,
//! how each of them gets in before and after, what was asked, how to take it back.

use super::Told;
use super::told::Known;
use crate::access::Mark;
use crate::access::answer_line::{LineLabel, LineSign};
use crate::access::trace::Trace;
use crate::edit::diff::Difference;
use crate::edit::record::{History, Progressed, Standing};
use crate::edit::state::State;
use crate::edit::told::call;
use crate::edit::told::sentences::sentence;
use crate::model::visible::visible;

/// How somebody gets in, before and after.
#[derive(Clone, Debug, PartialEq)]
pub struct Traced {
    /// Before the change.
    pub before: Trace,
    /// After it.
    pub after: Trace,
}

/// The note.
pub(super) fn note(told: &Told, known: Known<'_>) -> String {
    let place = &told.place;
    let account = place.account.as_deref().map(|it| format!(", account {it}")).unwrap_or_default();
    let what = if told.undoes { "Undo of an access change" } else { "Access change" };
    let mut out = format!("# {what} on {} ({}{account})\n\n", plain(&place.cluster), plain(&place.region));
    if let Some(by) = &told.by {
        out.push_str(&format!("By {}.\n\n", code(by)));
    }
    match told.batch.as_deref() {
        Some((history, standing)) => batch(&mut out, history, standing),
        None => out.push_str("A plan: by this note, nothing was done yet.\n\n"),
    }
    out.push_str("## What changes\n\n");
    if told.draft.is_empty() {
        out.push_str("Nothing.\n");
    }
    for (subject, change) in told.draft.changes() {
        let tell = |it: &Option<State>| it.as_ref().map_or_else(|| "none".to_owned(), State::tell);
        out.push_str(&format!(
            "- `{}` {}\n",
            change.sign(),
            plain(&sentence(subject, change, place.account.as_deref()))
        ));
        out.push_str(&format!("  - before: {}\n", code(&tell(&change.before))));
        out.push_str(&format!("  - after: {}\n", code(&tell(&change.after))));
    }
    calls(&mut out, told);
    out.push_str("\n## Who gains and loses what\n\n");
    match known {
        None => out.push_str("Not known here: the facts of the cluster are not at hand.\n"),
        Some((review, traces)) => {
            if told.batch.is_some() {
                out.push_str("By the facts at hand when this note was made, with and without the change.\n\n");
            }
            if review.differences.is_empty() {
                out.push_str("Nobody's Kubernetes permissions change.\n");
            }
            for (place, it) in review.differences.iter().enumerate() {
                difference(&mut out, it);
                if let Some(it) = traces.get(place) {
                    traced(&mut out, it);
                }
            }
            if told.batch.is_none() {
                out.push_str("\n## Checks\n\n");
                if review.checks.is_empty() {
                    out.push_str("Nothing speaks against it.\n");
                }
                for check in &review.checks {
                    let about = check.subject.as_ref().map(|it| format!(" of {}", code(&it.to_string())));
                    out.push_str(&format!(
                        "- **{}** `{}`{}: {}\n",
                        check.level.word(),
                        check.id,
                        about.unwrap_or_default(),
                        plain(&check.because)
                    ));
                }
            }
        }
    }
    out.push_str("\n## How to take it back\n\n");
    match told.batch.as_deref() {
        Some((_, Standing::UndoneBy(by))) => out.push_str(&format!("Batch {} has undone it.\n", code(by))),
        Some((history, _)) if !told.back.is_empty() => {
            out.push_str(&format!("    eksplorer undo {}\n", history.batch.id));
            for it in history.irrecoverable() {
                out.push_str(&format!("\nCannot be brought back: {}\n", plain(&it)));
            }
        }
        Some(_) => out.push_str("There is nothing to take back.\n"),
        None => out
            .push_str("Once it is applied, `eksplorer journal` names the batch, and `eksplorer undo` takes it back.\n"),
    }
    out
}

fn batch(out: &mut String, history: &History, standing: &Standing) {
    let batch = &history.batch;
    out.push_str(&format!("Batch {} of {}: **{}**.\n\n", code(&batch.id), batch.made_at, standing.word()));
    match standing {
        Standing::UndoneBy(by) => out.push_str(&format!("Undone by batch {}.\n\n", code(by))),
        Standing::BeingUndoneBy(by) => {
            out.push_str(&format!("Batch {} was to undo it and has not ended.\n\n", code(by)))
        }
        Standing::InDoubt { step } => out.push_str(&format!("Whether step {step} was done is not known.\n\n")),
        _ => {}
    }
    if let Some(undone) = &batch.undoes {
        out.push_str(&format!("It undoes batch {}.\n\n", code(undone)));
    }
    if let Some(note) = &batch.note {
        out.push_str(&format!("{}\n\n", plain(note)));
    }
    for it in history.ended.iter().flat_map(|(_, differences)| differences) {
        out.push_str(&format!("- not as planned: {}\n", plain(it)));
    }
}

fn calls(out: &mut String, told: &Told) {
    out.push_str("\n## Calls\n\n");
    if told.steps.is_empty() {
        out.push_str("None.\n");
    }
    for (place, step) in told.steps.iter().enumerate() {
        out.push_str(&format!("{}. `{}` {}", step.n, step.call.operation(), code(&step.subject.to_string())));
        let what = call(&step.call);
        if !what.is_empty() {
            out.push_str(&format!(": {}", code(&what)));
        }
        if let Some(progressed) = told.batch.as_ref().and_then(|it| it.0.steps.get(place)) {
            out.push_str(&format!(", {}", became(progressed)));
        }
        out.push('\n');
    }
}

fn became(progressed: &Progressed) -> String {
    match progressed {
        Progressed::NotBegun => "not done".to_owned(),
        Progressed::Done { found: true, .. } => "done: its answer was lost, and it was read back".to_owned(),
        Progressed::Done { .. } => "done".to_owned(),
        Progressed::Failed { because, .. } => format!("**failed**: {}", plain(because)),
        Progressed::InDoubt { said: Some((_, because)), .. } => {
            format!("**in doubt**: {}", plain(because))
        }
        Progressed::InDoubt { said: None, .. } => "**in doubt**: begun, and nothing is known of its end".to_owned(),
    }
}

fn difference(out: &mut String, it: &Difference) {
    out.push_str(&format!("### {}\n\n", code(&it.principal.arn())));
    match it.turns() {
        Some(true) => out.push_str("Gets in from now on.\n\n"),
        Some(false) => out.push_str("No longer gets in.\n\n"),
        None => {}
    }
    for (sign, all) in [("+", &it.gains), ("-", &it.loses)] {
        for access in all {
            out.push_str(&format!("- `{sign}` {}\n", plain(&access.tell())));
        }
    }
    for why in &it.unknown {
        out.push_str(&format!("- `?` {}\n", plain(why)));
    }
    if it.gains.is_empty() && it.loses.is_empty() && it.unknown.is_empty() {
        out.push_str("Its permissions do not change.\n");
    }
    out.push('\n');
}

/// How it gets in: the whole chain after the change; before it, what the answer was.
fn traced(out: &mut String, it: &Traced) {
    out.push_str(&format!("Before: {}.\n\n", plain(&it.before.answer)));
    out.push_str(&format!("After: {}.\n\n", plain(&it.after.answer)));
    let mut part = None;
    for line in &it.after.lines {
        let heading = if part.replace(line.part) == Some(line.part) {
            String::new()
        } else {
            format!("**{}** ", line.part.heading())
        };
        // What belongs to the line before it stands below that.
        let inset = if line.label.is_some_and(LineLabel::is_nested) { "  " } else { "" };
        let label = line.label.map(|it| format!("{} ", it.as_str())).unwrap_or_default();
        let mark = match line.sign {
            // The heading says it.
            LineSign::Mark(Mark::Unverified) | LineSign::Blank | LineSign::Finding(_) => String::new(),
            LineSign::Mark(it) => format!("({}) ", it.word()),
        };
        out.push_str(&format!("{inset}- {heading}{mark}{label}{}", code(&line.text)));
        if !line.note.is_empty() {
            out.push_str(&format!(" {}", plain(&line.note)));
        }
        if let Some(evidence) = &line.evidence {
            out.push_str(&format!(" — read from {}", plain(&evidence.to_string())));
        }
        out.push('\n');
    }
    out.push('\n');
}

fn code(text: &str) -> String {
    format!("`{}`", visible(text).replace('`', "'"))
}

/// Remote text in a sentence: no markup of its own.
fn plain(text: &str) -> String {
    let mut out = String::new();
    for c in visible(text).chars() {
        if "\\`*_[]<>#|".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

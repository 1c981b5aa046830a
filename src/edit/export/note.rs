//! A review as a note for an incident, in Markdown.

use super::Place;
use crate::edit::Review;
use crate::edit::diff::Difference;
use crate::model::visible::visible;

/// The note: what changes, who gains and loses what, what was asked, the calls.
pub fn note(place: &Place, review: &Review, caller: Option<&str>) -> String {
    let account = place.account.as_deref().map(|it| format!(", account {it}")).unwrap_or_default();
    let mut out = format!("# Access change on {} ({}{account})\n\n", place.cluster, place.region);
    if let Some(caller) = caller {
        out.push_str(&format!("By {}.\n\n", code(caller)));
    }
    out.push_str("## What changes\n\n");
    for (subject, change) in review.draft.changes() {
        let tell =
            |it: &Option<crate::edit::state::State>| it.as_ref().map_or_else(|| "none".to_owned(), |it| it.tell());
        let again = if change.again { ", deleted and made again" } else { "" };
        out.push_str(&format!(
            "- `{}` {}{again}: {} → {}\n",
            change.sign(),
            code(&subject.to_string()),
            code(&tell(&change.before)),
            code(&tell(&change.after))
        ));
    }
    out.push_str("\n## Who gains and loses what\n\n");
    if review.differences.is_empty() {
        out.push_str("Nobody's Kubernetes permissions change.\n");
    }
    for it in &review.differences {
        difference(&mut out, it);
    }
    out.push_str("\n## Checks\n\n");
    if review.checks.is_empty() {
        out.push_str("Nothing speaks against it.\n");
    }
    for check in &review.checks {
        out.push_str(&format!("- **{}** `{}`: {}\n", check.level.word(), check.id, plain(&check.because)));
    }
    out.push_str("\n## Calls\n\n");
    for step in &review.steps {
        out.push_str(&format!("{}. `{}` {}", step.n, step.call.operation(), code(&step.subject.to_string())));
        let told = step.call.tell();
        out.push_str(&if told.is_empty() { "\n".to_owned() } else { format!(": {}\n", code(&told)) });
    }
    out
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

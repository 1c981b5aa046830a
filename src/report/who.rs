//! `eksplorer who-can`: everybody who may make one request.

use serde_json::{Value, json};

use super::can::{allowing_json, need_json, request_json};
use super::json::FORMAT;
use super::json::verdict_word;
use super::why::become_json;
use super::{columns, glyph};
use crate::access::Verdict;
use crate::access::kubectl::Question;
use crate::access::permissions::{Permissions, Via};
use crate::access::who::{Holder, Holding, WhoCan};
use crate::access::workload::role::WhyRole;
use crate::model::cluster::ClusterId;
use crate::model::document::to_json;
use crate::model::principal::Principal;
use crate::model::request::Target;
use crate::model::visible::visible;
use crate::model::words::count;

fn kind(holding: &Holding) -> &'static str {
    match holding {
        Holding::Principal { .. } => "principal",
        Holding::ServiceAccount { .. } => "service-account",
        Holding::Group(_) | Holding::System(Via::Group(_)) => "group",
        Holding::User(_) | Holding::System(_) => "user",
        Holding::HiddenCreator => "hidden-creator",
    }
}

/// What is said beside a holder: its pods, its permission set, why it is not known.
pub fn note(holder: &Holder) -> String {
    let own = match &holder.subject {
        Holding::ServiceAccount { pods: Some(pods), .. } if pods.is_empty() => Some("no pods".to_owned()),
        Holding::ServiceAccount { pods: Some(pods), .. } => {
            Some(format!("{}: {}", count(pods.len(), "pod", "pods"), pods.join(", ")))
        }
        Holding::Principal { principal, .. } => {
            principal.permission_set().map(|set| format!("people of permission set {set}"))
        }
        Holding::System(_) => Some("of the control plane".to_owned()),
        _ => None,
    };
    own.into_iter().chain(holder.notes.iter().cloned()).collect::<Vec<_>>().join("; ")
}

/// The answer for people.
///
/// `becomes` has, beside each holder, who and what can become it, where that was asked.
pub fn text(
    cluster: &ClusterId,
    question: &Question,
    answer: &WhoCan,
    becomes: &[Option<WhyRole>],
    home: Option<&str>,
) -> String {
    let scope = match &question.meant.request.target {
        Target::Resource { namespace, .. } if namespace.is_empty() => " in the whole cluster",
        _ => "",
    };
    let head = match answer.verdict() {
        Verdict::No => "nobody may",
        Verdict::Unknown => "not known who may",
        Verdict::Yes => "may",
    };
    let mut out = match answer.verdict() {
        Verdict::Yes => {
            format!("{}{scope} on {cluster}: {}\n", visible(&question.title()), answer.summary())
        }
        _ => format!("{head} {}{scope} on {cluster}\n", visible(&question.title())),
    };
    if let Some(translation) = question.translation() {
        out.push_str(&format!("{}\n", visible(&translation)));
    }
    let mut rows: Vec<Vec<String>> = Vec::new();
    for (at, holder) in answer.holders.iter().enumerate() {
        // A command's requests may be allowed by several rules of one grant.
        let mut grants: Vec<String> = Vec::new();
        for grant in holder.paths.iter().map(|it| it.grant.to_string()) {
            if !grants.contains(&grant) {
                grants.push(grant);
            }
        }
        let path = grants.join("  +  ");
        let note = note(holder);
        let path = match (path.is_empty(), note.is_empty()) {
            (_, true) => path,
            (true, _) => note,
            _ => format!("{path}  ({note})"),
        };
        rows.push(vec![glyph(holder.mark()).to_owned(), holder.subject.tell(|it| it.short(home)), path]);
        let Some(Some(why)) = becomes.get(at) else { continue };
        for it in &why.holders {
            let by = it.mechanism.map(|it| format!(" by {}", it.words())).unwrap_or_default();
            let name = Principal::from_arn(&it.name).map_or_else(|_| it.name.clone(), |(it, _)| it.short(home));
            let who = format!("  {} {} {name}{by}", glyph(it.outcome.mark()), it.kind.heading());
            rows.push(vec![String::new(), who, it.because.clone()]);
        }
        rows.extend(why.unknown.iter().map(|it| vec![String::new(), "  ? others".to_owned(), it.clone()]));
        if why.holders.is_empty() && why.unknown.is_empty() {
            rows.push(vec![
                String::new(),
                format!("  {} nobody", glyph(why.answer.outcome.mark())),
                why.answer.because.clone(),
            ]);
        }
    }
    if !rows.is_empty() {
        out.push('\n');
        out.push_str(&columns(&rows));
    }
    let mut more = |head: &str, all: &[String]| {
        for text in all {
            out.push_str(&format!("{head}: {}\n", visible(text)));
        }
    };
    more("? not read, and may hide others", &answer.unknown);
    more("note", &question.meant.notes);
    out
}

/// So many are named before it is known which principals are behind them.
const MOST_BOUND: usize = 12;

/// What bindings say, before it is known which principals are behind them.
pub fn bound_text(question: &Question, (bound, is_whole): (&[Via], bool), entries: usize) -> String {
    let of = if question.command.is_some() { "this or a part of it" } else { "this" };
    let whom = match bound {
        [] if !is_whole => format!("to whom bindings give {of} is not known: not all of them could be read"),
        [] => format!("no binding gives {of} to anybody outside the control plane"),
        _ => {
            let first: Vec<String> =
                bound.iter().take(MOST_BOUND).map(|it| visible(&it.to_string()).into_owned()).collect();
            let more = match bound.len().saturating_sub(MOST_BOUND) {
                0 => String::new(),
                more => format!(" and {more} more (--rbac-only lists them)"),
            };
            let not_all = if is_whole { "" } else { "; not all bindings could be read" };
            format!("bindings give {of} to {}{more}{not_all}", first.join(", "))
        }
    };
    format!("{}: {whom}\nreading {entries} access entries for the principals", visible(&question.title()))
}

fn holder_json(permissions: &Permissions, holder: &Holder) -> Value {
    let mut value = json!({
        "kind": kind(&holder.subject),
        "verdict": verdict_word(holder.verdict),
        "paths": holder.paths.iter().map(|by| allowing_json(permissions, by)).collect::<Vec<_>>(),
        "notes": holder.notes,
    });
    let more = match &holder.subject {
        Holding::Principal { principal, username } => json!({"arn": principal.arn(), "username": username}),
        Holding::ServiceAccount { namespace, name, pods } => {
            json!({"namespace": namespace, "name": name, "pods": pods})
        }
        Holding::Group(name) | Holding::User(name) => json!({"name": name, "system": false}),
        Holding::System(Via::Group(name) | Via::User(name)) => json!({"name": name, "system": true}),
        Holding::System(Via::ServiceAccount { namespace, name }) => json!({"namespace": namespace, "name": name}),
        Holding::HiddenCreator => json!({}),
    };
    if let (Some(value), Value::Object(more)) = (value.as_object_mut(), more) {
        value.extend(more);
    }
    value
}

/// The answer as JSON (`docs/json.md`).
pub fn json_text(
    cluster: &ClusterId,
    permissions: &Permissions,
    question: &Question,
    answer: &WhoCan,
    becomes: &[Option<WhyRole>],
) -> Result<String, String> {
    let holder = |(at, it): (usize, &Holder)| {
        let mut value = holder_json(permissions, it);
        if let (Some(value), Some(Some(why))) = (value.as_object_mut(), becomes.get(at)) {
            value.insert("become".to_owned(), become_json(why));
        }
        value
    };
    let (principals, accounts, others, unknown) = answer.counts();
    let value = json!({
        "eksplorer": FORMAT,
        "cluster": cluster.name,
        "region": cluster.region,
        "request": request_json(&question.meant.request),
        "command": question.command.as_ref().map(|it| {
            json!({"name": it.name, "requests": it.needs.iter().map(need_json).collect::<Vec<_>>()})
        }),
        "verdict": verdict_word(answer.verdict()),
        "counts": {"principals": principals, "serviceAccounts": accounts, "others": others, "unknown": unknown},
        "holders": answer.holders.iter().enumerate().map(holder).collect::<Vec<_>>(),
        "unknown": answer.unknown,
        "notes": question.meant.notes,
    });
    to_json(&value).map(|text| text + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::resources::Meant;
    use crate::model::request::Request;

    #[test]
    fn what_bindings_say_is_told_in_one_line_before_the_entries_are_read() {
        let target = Target::Path("/metrics".into());
        let question = Question::from(Meant::literal(Request { verb: "get".into(), target }));
        let groups = |count: usize| (0..count).map(|n| Via::Group(format!("g{n}"))).collect::<Vec<_>>();
        assert_eq!(
            bound_text(&question, (&groups(2), true), 3000),
            "get /metrics: bindings give this to group g0, group g1\nreading 3000 access entries for the principals"
        );
        let long = bound_text(&question, (&groups(MOST_BOUND + 3), true), 3000);
        assert!(long.contains("group g11 and 3 more (--rbac-only lists them)\n"), "{long}");
        let none = bound_text(&question, (&[], true), 3000);
        assert!(none.contains("no binding gives this to anybody outside the control plane"), "{none}");
        // What was not read may name anybody.
        let open = bound_text(&question, (&[], false), 3000);
        assert!(open.contains("to whom bindings give this is not known: not all of them could be read"), "{open}");
        let part = bound_text(&question, (&groups(1), false), 3000);
        assert!(part.contains("to group g0; not all bindings could be read\n"), "{part}");
    }
}

//! `eksplorer permissions`, and `eksplorer trace` of a Kubernetes subject: everything an identity may do, grant by grant
//! and rule by rule, then as a table of resources and verbs.
//!
//! Decides the wording. What is granted is [`Permissions::grants`]'s, the table [`matrix`]'s, both of which `can` agrees with.

use serde_json::{Value, json};

use super::can::{Named, grant_json};
use super::json::FORMAT;
use super::{Exit, columns, glyph};
use crate::access::Mark;
use crate::access::did_you_mean::suggest_names;
use crate::access::identity::groups::AUTHENTICATED;
use crate::access::matrix::{Cell, Matrix, VERBS, matrix};
use crate::access::permissions::danger::Found;
use crate::access::permissions::{Grant, Held, Permissions, Rules, Via, Who, rule};
use crate::access::who::SubjectRow;
use crate::model::cluster::ClusterId;
use crate::model::document::to_json;
use crate::model::visible::visible;
use crate::model::words::count;

/// What an identity may do.
pub struct GrantedPermissions<'a> {
    named: Named,
    who: Who,
    held: Vec<Held<'a>>,
    dangers: Vec<Found>,
    matrix: Matrix,
    unknown: Vec<String>,
    /// Of a group or user: the bindings that name it and the principals that are mapped to it.
    subject: Option<SubjectRow>,
    notes: Vec<String>,
}

impl<'a> GrantedPermissions<'a> {
    /// Of an identity, with the table of one namespace; an empty one is the whole cluster.
    pub fn new(permissions: &'a Permissions, named: Named, who: Who, namespace: &str) -> Self {
        let mut held = permissions.grants(&who);
        // What everybody has who gets in comes last.
        held.sort_by_key(|it| is_everybodys(&it.grant));
        let dangers = permissions.dangers_of(&held);
        let notes = unbound(permissions, &named, &who).into_iter().collect();
        let matrix = matrix(permissions, &who, namespace);
        let mut unknown = permissions.open_questions(&who);
        unknown.sort();
        unknown.dedup();
        GrantedPermissions { named, who, held, dangers, matrix, unknown, subject: None, notes }
    }

    /// The same with who is mapped to it.
    #[must_use]
    pub fn with_subject(self, subject: Option<SubjectRow>) -> Self {
        GrantedPermissions { subject, ..self }
    }

    /// No where it gets no identity or has nothing beyond what everybody has who is authenticated; unknown where something
    /// may be.
    pub fn exit(&self) -> Exit {
        let grants = |it: &Held<'_>| match &it.rules {
            _ if is_everybodys(&it.grant) => false,
            Rules::All => true,
            Rules::Known(rules) => !rules.is_empty(),
            Rules::Dangling | Rules::Unknown(_) => false,
        };
        let open = !self.unknown.is_empty() || self.held.iter().any(|it| matches!(it.rules, Rules::Unknown(_)));
        match (self.held.iter().any(grants), self.who.outside.is_none() && open) {
            (true, _) => Exit::Yes,
            (false, true) => Exit::Unknown,
            (false, false) => Exit::No,
        }
    }

    fn name(&self) -> &str {
        if self.named.arn.is_empty() { &self.named.given } else { &self.named.arn }
    }

    fn headline(&self) -> String {
        if let Some(outside) = &self.who.outside {
            return format!("no access: {outside}");
        }
        let rules: usize =
            self.held.iter().map(|it| if let Rules::Known(all) = &it.rules { all.len() } else { 0 }).sum();
        let dangers: Vec<String> = self.dangers.iter().map(Found::tell).collect();
        let dangers = if dangers.is_empty() { String::new() } else { format!("; dangerous: {}", dangers.join(", ")) };
        match self.exit() {
            Exit::Unknown => "not known: nothing of its own is granted for sure".to_owned(),
            Exit::No if self.held.is_empty() => "nothing is granted".to_owned(),
            Exit::No => format!("nothing of its own: no more than everybody has who is authenticated{dangers}"),
            _ => format!(
                "{} through {}{dangers}",
                count(rules, "rule", "rules"),
                count(self.held.len(), "grant", "grants")
            ),
        }
    }
}

/// For people: what it comes to, then each grant with its rules, then the table.
pub fn text(cluster: &ClusterId, it: &GrantedPermissions<'_>) -> String {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut last = "";
    let mut say = |head: &'static str, mark: Option<Mark>, text: String| {
        let shown = if head == last { "" } else { head };
        last = head;
        rows.push(vec![shown.to_owned(), format!("{} {text}", mark.map(glyph).unwrap_or(" "))]);
    };
    if it.who.outside.is_none() {
        if !it.who.username.is_empty() {
            say("identity", None, format!("user {}", it.who.username));
        }
        if !it.who.groups.is_empty() {
            say("identity", None, format!("groups {}", it.who.groups.join(" · ")));
        }
    }
    if let Some(subject) = &it.subject {
        say(
            "mapped",
            Some(subject.mark),
            if subject.because.is_empty() { "in use".to_owned() } else { subject.because.clone() },
        );
        for carrier in &subject.carriers {
            say("mapped", None, format!("{}, as user {}", carrier.principal.arn(), carrier.username));
        }
    }
    for found in &it.dangers {
        say("dangerous", None, format!("‼ {}", found.tell()));
    }
    for held in &it.held {
        let (mark, note) = match &held.rules {
            Rules::Known(rules) if rules.is_empty() => (Some(Mark::Dead), "  (no rules)".to_owned()),
            Rules::Known(_) => (Some(Mark::InForce), String::new()),
            Rules::All => (Some(Mark::InForce), "  (everything)".to_owned()),
            Rules::Dangling => (Some(Mark::Dead), "  (the role does not exist)".to_owned()),
            Rules::Unknown(why) => (Some(Mark::Unknown), format!("  ({why})")),
        };
        say("granted by", mark, format!("{}{note}", held.grant));
        if let Rules::Known(rules) = &held.rules {
            for rule in rules {
                say("granted by", None, format!("  {}", rule::tell_whole(rule)));
            }
        }
    }
    for text in it.unknown.iter().chain(&it.matrix.unknown) {
        say("unknown", Some(Mark::Unknown), text.clone());
    }
    for text in &it.notes {
        say("note", None, text.clone());
    }
    let head = format!("{}\n{} on {cluster}\n\n{}", visible(&it.headline()), visible(it.name()), columns(&rows));
    if it.who.outside.is_some() || it.held.is_empty() {
        return head;
    }
    let place = match it.matrix.namespace.as_str() {
        "" => "In the whole cluster (-n NAMESPACE: in one namespace)".to_owned(),
        namespace => format!("In namespace {namespace}"),
    };
    format!(
        "{head}\n{}; P by access policy, R by RBAC, small: some names only\n\n{}",
        visible(&place),
        table(&it.matrix)
    )
}

/// Of a subject that no binding names: that, since its name may be a slip, and the names nearest to it.
fn unbound(permissions: &Permissions, named: &Named, who: &Who) -> Option<String> {
    let (via, _) = Who::subject(&named.given).filter(|_| who.outside.is_none())?;
    let (kind, name, known): (&str, &str, Vec<&str>) = match &via {
        Via::Group(name) => ("group", name, permissions.bound_groups().collect()),
        Via::User(_) => ("user", &who.username, permissions.bound_users().collect()),
        Via::ServiceAccount { .. } => ("service account", &who.username, permissions.bound_users().collect()),
    };
    if known.contains(&name) {
        return None;
    }
    let near = suggest_names(name, known.into_iter().map(|it| (it, it)));
    let near = if near.is_empty() { String::new() } else { format!("; did you mean {}?", near.join(", ")) };
    Some(format!("no binding that was read names the {kind} {name:?}{near}"))
}

/// Whether everybody has it who is authenticated.
fn is_everybodys(grant: &Grant) -> bool {
    matches!(grant, Grant::Binding { via: Via::Group(group), .. } if group == AUTHENTICATED)
}

fn table(matrix: &Matrix) -> String {
    let mut rows =
        vec![std::iter::once("RESOURCE").chain(VERBS).chain(["ALSO"]).map(str::to_owned).collect::<Vec<_>>()];
    for row in &matrix.rows {
        let name = if row.group.is_empty() { row.resource.clone() } else { format!("{}.{}", row.resource, row.group) };
        let also: Vec<String> = row.others.iter().map(|it| format!("{} {}", it.label, it.cell.sign())).collect();
        let cells = row.cells.iter().map(|cell| cell.sign().to_owned());
        rows.push(std::iter::once(name).chain(cells).chain([also.join(", ")]).collect());
    }
    rows.extend(matrix.paths.iter().map(|it| vec![it.clone()]));
    columns(&rows)
}

fn cell(cell: Cell) -> &'static str {
    match cell {
        it if it.is_allowed() => "allowed",
        it if it.some_names => "some-names",
        it if it.unknown => "unknown",
        _ => "denied",
    }
}

/// As JSON (`docs/json.md`).
pub fn json_text(cluster: &ClusterId, it: &GrantedPermissions<'_>) -> Result<String, String> {
    let known = it.who.outside.is_none() && !(it.who.username.is_empty() && it.who.groups.is_empty());
    let grant = |held: &Held<'_>| {
        let mut value = grant_json(&held.grant);
        let (state, rules, because) = match &held.rules {
            Rules::Known(rules) => ("known", json!(rules), None),
            Rules::All => ("everything", Value::Null, None),
            Rules::Dangling => ("role-missing", json!([]), None),
            Rules::Unknown(why) => ("unknown", Value::Null, Some(why)),
        };
        if let Some(object) = value.as_object_mut() {
            object.insert("state".to_owned(), json!(state));
            object.insert("rules".to_owned(), rules);
            object.insert("because".to_owned(), json!(because));
        }
        value
    };
    let danger = |found: &Found| {
        json!({"danger": found.danger.word(), "namespaces": found.namespaces, "names": found.names,
            "by": found.by.iter().map(grant_json).collect::<Vec<_>>()})
    };
    let row = |row: &crate::access::matrix::Row| {
        let verbs: serde_json::Map<String, Value> =
            VERBS.iter().zip(&row.cells).map(|(verb, it)| ((*verb).to_owned(), json!(cell(*it)))).collect();
        let others: Vec<Value> = (row.others.iter())
            .map(|it| json!({"verb": it.verb, "subresource": it.subresource, "verdict": cell(it.cell)}))
            .collect();
        json!({"group": row.group, "resource": row.resource, "namespaced": !row.cluster_wide, "verbs": verbs, "others": others})
    };
    let mapped = it.subject.as_ref().map(|subject| {
        let of = |it: &crate::access::who::Carrier| json!({"arn": it.principal.arn(), "username": it.username});
        json!({"state": subject.mark.word(), "because": subject.because,
            "principals": subject.carriers.iter().map(of).collect::<Vec<_>>()})
    });
    let mut unknown: Vec<&String> = it.unknown.iter().chain(&it.matrix.unknown).collect();
    unknown.sort();
    unknown.dedup();
    let value = json!({
        "eksplorer": FORMAT,
        "cluster": cluster.name,
        "region": cluster.region,
        "principal": {"given": it.named.given, "arn": it.named.arn, "kind": it.named.kind, "session": it.named.session},
        "identity": known.then(|| json!({"username": it.who.username, "groups": it.who.groups})),
        "because": it.headline(),
        "mapped": mapped,
        "dangers": it.dangers.iter().map(danger).collect::<Vec<_>>(),
        "grants": it.held.iter().map(grant).collect::<Vec<_>>(),
        "matrix": {"namespace": it.matrix.namespace, "rows": it.matrix.rows.iter().map(row).collect::<Vec<_>>(),
            "paths": it.matrix.paths},
        "unknown": unknown,
        "notes": it.notes,
    });
    to_json(&value).map(|text| text + "\n")
}

//! What is found wrong: each family's rows against the audit, and the audit against its own forms.

use eksplorer::access::audit::{Item, Subject as AuditSubject};
use eksplorer::access::findings::Finding;
use eksplorer::access::findings::rules::Family;
use eksplorer::access::permissions::Who;
use eksplorer::access::posture::Standing;
use eksplorer::model::rbac::Subject;
use eksplorer::report::audit as report;
use eksplorer::report::list::{self, Pane};
use serde_json::Value;

use super::{Dice, Ground, Suite};

pub(super) fn ask(ground: &Ground<'_>, dice: &mut Dice, suite: &mut Suite) {
    let rows = &ground.rows;
    family(ground, "audit ↔ entries", rows.entries.iter().flat_map(|it| &it.findings), suite);
    family(ground, "audit ↔ aws-auth", rows.aws_auth.iter().flat_map(|it| &it.findings), suite);
    family(ground, "audit ↔ irsa", rows.irsa.iter().flat_map(|it| &it.findings), suite);
    family(ground, "audit ↔ pod identity", rows.pod_identity.iter().flat_map(|it| &it.findings), suite);
    family(ground, "audit ↔ roles", rows.roles.iter().flat_map(|it| &it.findings), suite);
    posture(ground, suite);
    match dice.roll(4) {
        0 => forms(ground, suite),
        1 => lists(ground, suite),
        _ => {}
    }
}

/// Whether a subject of the binding that an item is about has a danger by it.
fn dangers_of_binding(ground: &Ground<'_>, item: &Item) -> bool {
    let facts = ground.engines.facts().0;
    let all = facts.role_bindings.items().iter().chain(facts.cluster_role_bindings.items());
    let permissions = ground.engines.permissions();
    let named = all.filter(|it| match &item.subject {
        AuditSubject::RoleBinding(namespace, name) => {
            it.metadata.name == *name && it.metadata.namespace.as_deref() == Some(namespace)
        }
        AuditSubject::ClusterRoleBinding(name) => it.metadata.name == *name && it.metadata.namespace.is_none(),
        _ => false,
    });
    let who = |subject: &Subject| match subject.kind.as_str() {
        "ServiceAccount" => Who::service_account(subject.namespace.as_deref().unwrap_or_default(), &subject.name),
        "User" => Who::user(&subject.name),
        _ => Who::member(&subject.name),
    };
    named.flat_map(|it| &it.subjects).any(|it| !permissions.dangers(&who(it)).is_empty())
}

/// Every finding of a family's rows is in the audit.
fn family<'a>(ground: &Ground<'_>, pair: &'static str, findings: impl Iterator<Item = &'a Finding>, suite: &mut Suite) {
    for finding in findings {
        // The service account's own row says it, in its own words.
        let said = finding.id.to_string() == "irsa-and-pod-identity";
        let is_it = |id: &str, because: &str| id == finding.id.to_string() && (said || because == finding.sentence);
        let found = ground.audit.items.iter().any(|it| is_it(&it.id.to_string(), &it.because));
        suite.holds(pair, found, || format!("{finding:?}"));
    }
}

/// Every control that is amiss is in the audit, and every item of the audit is a row's or a control's.
fn posture(ground: &Ground<'_>, suite: &mut Suite) {
    let rows = &ground.rows;
    let mut all: Vec<(String, String)> = Vec::new();
    for control in &rows.posture {
        let Standing::Finding(severity) = control.standing else { continue };
        let id = control.id.to_string();
        all.push((id.clone(), control.because.clone()));
        // The rows of aws-auth say it, account by account.
        if id == "map-accounts" {
            continue;
        }
        let is_it = |it: &&eksplorer::access::audit::Item| {
            it.id.to_string() == id && it.severity == severity && it.because.ends_with(&control.because)
        };
        suite.holds("audit ↔ posture", ground.audit.items.iter().any(|it| is_it(&it)), || format!("{control:?}"));
    }
    let of_rows = (rows.entries.iter().flat_map(|it| &it.findings))
        .chain(rows.aws_auth.iter().flat_map(|it| &it.findings))
        .chain(rows.irsa.iter().flat_map(|it| &it.findings))
        .chain(rows.pod_identity.iter().flat_map(|it| &it.findings))
        .chain(rows.roles.iter().flat_map(|it| &it.findings));
    all.extend(of_rows.map(|it| (it.id.to_string(), it.sentence.clone())));
    for item in &ground.audit.items {
        // What a binding gives is held against what its subjects may do.
        if item.id.rule().family == Family::Rbac {
            let dangers = dangers_of_binding(ground, item);
            suite.holds("audit ↔ permissions", dangers, || format!("nobody has it by that binding: {item:?}"));
            continue;
        }
        let found = all.iter().any(|(id, because)| *id == item.id.to_string() && item.because.ends_with(because));
        suite.holds("audit ↔ posture", found, || format!("of no row and no control: {item:?}"));
    }
}

fn forms(ground: &Ground<'_>, suite: &mut Suite) {
    let audit = &ground.audit;
    let json: Value = serde_json::from_str(&report::json(ground.id, audit).unwrap()).unwrap();
    let sarif: Value = serde_json::from_str(&report::sarif(ground.id, audit, None).unwrap()).unwrap();
    let texts = |all: &Value, key: &str| -> Vec<String> {
        let all = all.as_array().unwrap();
        all.iter().map(|it| it[key].as_str().unwrap_or_default().to_owned()).collect()
    };
    let ids = texts(&json["findings"], "id");
    suite.same("audit ↔ its SARIF", ground.id, &ids, &texts(&sarif["runs"][0]["results"], "ruleId"));
    let text = report::text(ground.id, audit);
    for severity in ["high", "medium", "low"] {
        let counted = json["counts"][severity].as_u64().unwrap();
        let listed = json["findings"].as_array().unwrap().iter().filter(|it| it["severity"] == severity).count() as u64;
        let printed = text.lines().filter(|it| it.starts_with(&format!("{severity} "))).count() as u64;
        suite.same("audit ↔ its JSON and text", severity, (counted, counted), (listed, printed));
    }
    let open = text.lines().filter(|it| it.starts_with("? not judged")).count();
    suite.same("audit ↔ its JSON and text", "not judged", json["notJudged"].as_array().unwrap().len(), open);
}

/// As many rows in one form as in the other.
fn lists(ground: &Ground<'_>, suite: &mut Suite) {
    for pane in
        [Pane::Entries, Pane::AwsAuth, Pane::Irsa, Pane::PodIdentity, Pane::Roles, Pane::Principals, Pane::Groups]
    {
        let caveats = list::caveats(ground.snapshot, ground.id, pane);
        let text = list::text(&ground.rows, pane, &caveats);
        let lines = text.lines().filter(|it| !it.starts_with('#')).count() - 1;
        let json: Value = serde_json::from_str(&list::json(ground.id, &ground.rows, pane, &caveats).unwrap()).unwrap();
        let members = json.as_object().unwrap().iter();
        let rows = members.filter(|(name, _)| *name != "incomplete").find_map(|(_, it)| it.as_array());
        let rows = rows.map(Vec::len).unwrap_or_default();
        suite.same("list, JSON ↔ text", format_args!("{pane:?}"), rows, lines);
    }
}

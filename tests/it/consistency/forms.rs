//! The same answer in another form: on the screen, from a file that was saved, over the wire.

use std::sync::Arc;

use eksplorer::access::Verdict;
use eksplorer::access::answer_line::AnswerLine;
use eksplorer::access::explain::{Ground as Told, read_message};
use eksplorer::access::inventory::inventory;
use eksplorer::access::permissions::Who;
use eksplorer::access::trace::trace;
use eksplorer::access::workload::Subject;
use eksplorer::app::overlay::explain::ExplainView;
use eksplorer::app::overlay::trace::TraceView;
use eksplorer::app::overlay::workload::WorkloadView;
use eksplorer::edit::diff::everything;
use eksplorer::edit::fix::Explained;
use eksplorer::lab::{Lab, Options};
use eksplorer::model::document::{read, to_json};
use eksplorer::model::facts::{document_of, snapshot_of};
use eksplorer::model::principal::{Asked, Principal};
use eksplorer::model::snapshot::Source;
use eksplorer::model::time::Time;
use eksplorer::model::visible::visible;
use eksplorer::report;
use eksplorer::run::load;

use super::access::request;
use super::changes::forbidden;
use super::worlds::World;
use super::{Dice, Ground, Suite};
use crate::apply::bench::session;

pub(super) fn ask(ground: &Ground<'_>, world: &World, dice: &mut Dice, suite: &mut Suite) {
    match dice.roll(7) {
        0 => screens(ground, dice, suite),
        1 => reopened(ground, world, suite),
        _ => {}
    }
}

/// Every line of a screen stands in the text form.
fn lines(pair: &'static str, about: &str, facts: &[AnswerLine], text: &str, suite: &mut Suite) {
    for fact in facts {
        for part in [&fact.text, &fact.note] {
            let shown = part.strip_prefix("$ ").unwrap_or(part);
            suite.holds(pair, text.contains(&*visible(shown)), || format!("{about}: {shown:?} is not in\n{text}"));
        }
    }
}

fn screens(ground: &Ground<'_>, dice: &mut Dice, suite: &mut Suite) {
    let (resolver, permissions) = (ground.engines.resolver(), ground.engines.permissions());
    for row in dice.some(&ground.rows.principals, 4) {
        let asked = Asked::principal(row.principal.clone());
        let answer = trace(resolver, permissions, &asked);
        let text = report::trace::text(ground.id, &answer);
        let mut view = TraceView::new(asked.clone(), Vec::new(), false);
        view.take(Arc::new(answer));
        lines("screen ↔ trace", &asked.arn(), &view.facts, &text, suite);
    }
    let workloads = ground.engines.workloads();
    let accounts = workloads.accounts();
    for ((namespace, name), _) in dice.some(&accounts, 3) {
        let Some(why) = workloads.why_account(namespace, name) else { continue };
        let subject = Subject::ServiceAccount((*namespace).to_owned(), (*name).to_owned());
        let text = report::why::text(ground.id, &why, None);
        workload(ground, subject, &text, suite);
        if let Some(Ok((role, None))) = why.role_arn.as_deref().map(Principal::from_arn) {
            let text = report::why::role_text(ground.id, &workloads.why_role(&role));
            workload(ground, Subject::Role(role.arn()), &text, suite);
        }
    }
    let told = Told::new(ground.facts, ground.iam, ground.id, None);
    for row in dice.some(&ground.rows.principals, 1) {
        let username = Who::of(&row.resolution).username.replace("{{SessionName}}", "jane");
        if username.is_empty() || username.contains('"') {
            continue;
        }
        let message = read_message(&forbidden(&username, &request(ground, dice))).unwrap();
        let explained = Explained::new(&told, &message);
        let text = report::explain::text(ground.id, &explained);
        let mut view = ExplainView::new(message);
        view.take(Arc::new(explained));
        lines("screen ↔ explain", &username, &view.facts, &text, suite);
    }
}

fn workload(ground: &Ground<'_>, subject: Subject, text: &str, suite: &mut Suite) {
    let about = subject.name();
    let shown = ground.engines.workloads().shown(&subject);
    suite.holds("screen ↔ why-sa and why-role", text.contains(&*visible(&shown.headline)), || {
        format!("{about}: {:?} is not in\n{text}", shown.headline)
    });
    let mut view = WorkloadView::new(subject);
    view.take(Arc::new(shown));
    lines("screen ↔ why-sa and why-role", &about, view.facts(), text, suite);
}

/// A snapshot that is saved says the same when it is opened again.
fn reopened(ground: &Ground<'_>, world: &World, suite: &mut Suite) {
    let text = to_json(&document_of(&world.snapshot, Time::default())).unwrap();
    let opened = match read(&text) {
        Ok(document) => snapshot_of(&document, Source::Lab).settled(),
        Err(error) => return suite.holds("saved and reopened ↔ as it was", false, || error.to_string()),
    };
    let rows = inventory(&opened.cluster(ground.id), &opened.iam);
    // Row by row, so that what differs can be read.
    compare(&ground.rows.entries, &rows.entries, suite);
    compare(&ground.rows.aws_auth, &rows.aws_auth, suite);
    compare(&ground.rows.irsa, &rows.irsa, suite);
    compare(&ground.rows.pod_identity, &rows.pod_identity, suite);
    compare(&ground.rows.roles, &rows.roles, suite);
    compare(&ground.rows.principals, &rows.principals, suite);
    compare(&ground.rows.posture, &rows.posture, suite);
}

fn compare<T: PartialEq + std::fmt::Debug>(left: &[T], right: &[T], suite: &mut Suite) {
    let pair = "saved and reopened ↔ as it was";
    suite.same(pair, "rows", left.len(), right.len());
    for (left, right) in left.iter().zip(right) {
        suite.holds(pair, left == right, || format!("{left:#?}\nand\n{right:#?}"));
    }
}

/// So many worlds are served by a lab, one in twelve of those that it can serve.
const SERVED: usize = 12;

/// What the lab serves of a world answers as the file does.
pub(super) fn over_the_wire(all: &[World]) -> Suite {
    const PAIR: &str = "from a file ↔ over the wire";
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut suite = Suite::default();
    // Whoever may not read has other answers.
    let reads = |world: &&World| {
        let Some((id, facts)) = world.snapshot.facts.iter().next() else { return false };
        let caller = world.snapshot.caller.value().and_then(|it| Asked::from_arn(&it.arn).ok());
        let ground = Ground::new(id, facts, &world.snapshot);
        let who = caller.map(|it| Who::of(&ground.engines.resolver().resolve(&it)));
        who.is_some_and(|it| ground.engines.permissions().decide(&it, &everything("")).verdict == Verdict::Yes)
    };
    let served: Vec<&World> = all.iter().filter(|it| it.served).step_by(SERVED).filter(reads).collect();
    for world in served {
        suite.world.clone_from(&world.name);
        let (id, facts) = world.snapshot.facts.iter().next().expect("a cluster");
        let read = runtime.block_on(async {
            let lab = Lab::start(world.document.clone(), Options::default()).await.unwrap();
            load::whole(&session(&lab, None).await, id.clone()).await.settled()
        });
        let (left, right) = (inventory(facts, &world.snapshot.iam), inventory(&read.cluster(id), &read.iam));
        let marks = |it: &eksplorer::access::inventory::Inventory| -> Vec<String> {
            let entries = it.entries.iter().map(|it| format!("{} {:?} {}", it.principal_arn, it.mark, it.because));
            let rows = it.aws_auth.iter().map(|it| format!("{} {:?} {}", it.place, it.mark, it.because));
            let irsa = it
                .irsa
                .iter()
                .map(|it| format!("{}/{} {:?} {}", it.namespace, it.service_account, it.mark, it.because));
            let pods = it.pod_identity.iter().map(|it| format!("{} {:?} {}", it.association_id, it.mark, it.because));
            let roles = it.roles.iter().map(|it| format!("{} {:?} {}", it.used_by, it.mark, it.because));
            let findings = it.findings.iter().map(|it| format!("{} {} {}", it.id, it.subject, it.because));
            entries.chain(rows).chain(irsa).chain(pods).chain(roles).chain(findings).collect()
        };
        let (left, right) = (marks(&left), marks(&right));
        suite.same(PAIR, "rows", left.len(), right.len());
        for (left, right) in left.iter().zip(&right) {
            suite.same(PAIR, "row", left, right);
        }
    }
    suite
}

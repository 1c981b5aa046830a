//! What a message means and what mends it; what a plan gives and takes, and what its checks say.

use std::collections::BTreeSet;

use eksplorer::access::Verdict;
use eksplorer::access::explain::message::{Message, Reading, Sender, Speaker};
use eksplorer::access::explain::{Ground as Told, read_message};
use eksplorer::access::identity::Resolver;
use eksplorer::access::inventory::inventory;
use eksplorer::access::permissions::Who;
use eksplorer::access::posture::Standing;
use eksplorer::access::who::{Holding, who_can};
use eksplorer::access::workload::candidates::candidates;
use eksplorer::access::workload::{ChainLink, Workloads};
use eksplorer::edit::check::Check;
use eksplorer::edit::diff::{EVERYTHING, everything};
use eksplorer::edit::draft::{Draft, Edit};
use eksplorer::edit::fix::{Explained, Fix, Fixes};
use eksplorer::edit::project::project;
use eksplorer::edit::state::{EntryState, Subject};
use eksplorer::edit::wish::{Ground as Words, Wish};
use eksplorer::edit::{Review, review};
use eksplorer::model::principal::{Asked, Principal, PrincipalKind};
use eksplorer::model::request::{Request, Target};
use eksplorer::model::snapshot::{ClusterFacts, Lookup, State};
use eksplorer::model::time::Time;

use super::access::request;
use super::{Dice, Ground, Suite};
use crate::fixes::is_gained;

pub(super) fn ask(ground: &Ground<'_>, dice: &mut Dice, suite: &mut Suite) {
    // To prove fixes and to review plans costs most: each world has its share.
    let told = Told::new(ground.facts, ground.iam, ground.id, None);
    let share = dice.roll(8);
    a_403(ground, &told, share == 0, dice, suite);
    a_401(ground, &told, share == 4, dice, suite);
    match share {
        1 => plan(ground, dice, suite),
        2 => last_admin(ground, suite),
        3 | 5 => association(ground, dice, suite),
        _ => {}
    }
}

/// When the facts were read.
fn since(facts: &ClusterFacts) -> Option<Time> {
    match facts.cluster.state() {
        State::Known { since } => Some(*since),
        _ => None,
    }
}

/// Somebody who may ask: a session of a role, or a user.
fn somebody(ground: &Ground<'_>, dice: &mut Dice) -> Option<Asked> {
    let rows = &ground.rows.principals;
    let principal = rows.get(dice.roll(rows.len()))?.principal.clone();
    let session = match principal.kind {
        PrincipalKind::Role => Some("jane".to_owned()),
        PrincipalKind::User => None,
        _ => return None,
    };
    Some(Asked { session, ..Asked::listed(principal) })
}

/// A refusal in the API server's words.
pub(super) fn forbidden(username: &str, request: &Request) -> String {
    let Target::Resource { group, resource, subresource, namespace, .. } = &request.target else { unreachable!() };
    let dot = if group.is_empty() { "" } else { "." };
    let slash = if subresource.is_empty() { "" } else { "/" };
    let place = match namespace.as_str() {
        "" => "at the cluster scope".to_owned(),
        namespace => format!("in the namespace \"{namespace}\""),
    };
    format!(
        "Error from server (Forbidden): {resource}{dot}{group} is forbidden: User \"{username}\" cannot {} resource \
         \"{resource}{slash}{subresource}\" in API group \"{group}\" {place}",
        request.verb
    )
}

/// With fixes or without.
fn explained(told: &Told<'_>, reading: &Reading, fixes: bool) -> Explained {
    match fixes {
        true => Explained::new(told, reading),
        false => Explained { explanation: told.explain(reading), fixes: Fixes::default() },
    }
}

fn a_403(ground: &Ground<'_>, told: &Told<'_>, fixes: bool, dice: &mut Dice, suite: &mut Suite) {
    let permissions = ground.engines.permissions();
    let request = request(ground, dice);
    let accounts = ground.facts.service_accounts.items();
    let (who, username) = if dice.roll(3) == 0 && !accounts.is_empty() {
        let account = dice.pick(accounts);
        let namespace = account.metadata.namespace.as_deref().unwrap_or_default();
        let who = Who::service_account(namespace, &account.metadata.name);
        let username = who.username.clone();
        (who, username)
    } else {
        let Some(asked) = somebody(ground, dice) else { return };
        let resolution = ground.engines.resolver().resolve(&asked);
        let username = resolution.identity.as_ref().map(|it| it.username.clone()).unwrap_or_default();
        (Who::of(&resolution), username)
    };
    if username.is_empty() || username.contains("{{") || username.contains('"') {
        return;
    }
    let text = forbidden(&username, &request);
    let Ok(reading) = read_message(&text) else {
        return suite.holds("explain a 403 ↔ can", false, || format!("not read: {text}"));
    };
    let explained = explained(told, &reading, fixes);
    let decided = permissions.decide(&who, &request).verdict;
    // Where several may be behind the name, the answer is about all of them.
    if explained.explanation.principals.len() < 2 {
        let told = || {
            let principals = &explained.explanation.principals;
            format!(
                "{text}: {:?} and {decided:?}; {} {principals:#?}",
                explained.explanation.verdict, explained.explanation.answer
            )
        };
        suite.holds("explain a 403 ↔ can", explained.explanation.verdict == decided, told);
    }
    for (fix, _) in explained.fixes.all() {
        let after = fix.change.project(ground.facts);
        let permissions = eksplorer::access::permissions::Permissions::of(&after);
        let asked = explained.explanation.principals.first().map(|it| it.asked.clone());
        let who = match asked.filter(|_| who.username != username || !username.starts_with("system:serviceaccount:")) {
            Some(asked) => Who::of(&Resolver::new(&after, ground.iam).resolve(&asked)),
            None => who.clone(),
        };
        let verdict = permissions.decide(&who, &request).verdict;
        suite
            .holds("fix ↔ can once staged", verdict == Verdict::Yes, || format!("{text}: {verdict:?} {}", fix.title));
        as_planned(ground, fix, suite);
    }
}

/// What a fix says that it gives is what the plan of it says.
fn as_planned(ground: &Ground<'_>, fix: &Fix, suite: &mut Suite) {
    let Some(draft) = fix.change.staged() else { return };
    let review = reviewed(ground, draft);
    let [difference] = review.differences.as_slice() else { return };
    let texts = |all: &[eksplorer::edit::diff::Access]| all.iter().map(|it| it.tell()).collect::<BTreeSet<_>>();
    let gains = (texts(&fix.gains), texts(&fix.loses));
    let planned = (texts(&difference.gains), texts(&difference.loses));
    suite.same("fix ↔ the plan's access", &fix.title, gains, planned);
}

fn reviewed(ground: &Ground<'_>, draft: &Draft) -> Review {
    review(ground.facts, ground.iam, ground.engines.permissions(), None, draft, since(ground.facts))
}

fn a_401(ground: &Ground<'_>, told: &Told<'_>, fixes: bool, dice: &mut Dice, suite: &mut Suite) {
    let Some(asked) = somebody(ground, dice) else { return };
    let about = asked.arn();
    let (sender, speaker, node) = (Sender::Command, Speaker::ApiServer, None);
    let message = Message::Unauthorized { asked: Some(Box::new(asked.clone())), sender, speaker, node };
    let explained = explained(told, &Reading { message, others: Vec::new() }, fixes);
    let resolution = ground.engines.resolver().resolve(&asked);
    let answer = explained.explanation.verdict;
    // A 401 of somebody who gets in is not the cluster's mapping's: what it was is not known from here.
    let agree = match resolution.verdict {
        Verdict::Yes => answer != Verdict::No,
        Verdict::No => answer == Verdict::No,
        Verdict::Unknown => answer == Verdict::Unknown,
    };
    suite.holds("explain a 401 ↔ trace", agree, || {
        format!(
            "{about}: {answer:?} ({}) and {:?} ({})",
            explained.explanation.answer, resolution.verdict, resolution.because
        )
    });
    for (fix, _) in explained.fixes.all() {
        let after = fix.change.project(ground.facts);
        let verdict = Resolver::new(&after, ground.iam).resolve(&asked).verdict;
        suite.holds("fix ↔ can once staged", verdict == Verdict::Yes, || {
            format!("{about}: {verdict:?} {}", fix.title)
        });
        as_planned(ground, fix, suite);
    }
}

fn wishes(ground: &Ground<'_>, dice: &mut Dice) -> Option<Wish> {
    let rows = &ground.rows.principals;
    let arn = rows.get(dice.roll(rows.len()))?.principal.arn();
    let policies = ["View", "Edit", "Admin", "ClusterAdmin", "AdminView"];
    let namespaces: Vec<&str> = ground.engines.permissions().namespaces().collect();
    let somewhere = || Wish { cluster_wide: true, ..Wish::default() };
    Some(match dice.roll(4) {
        0 => Wish { revoke: Some(arn), ..Wish::default() },
        1 => Wish { grant: Some(arn), groups: vec!["readers".to_owned(), "devs".to_owned()], ..Wish::default() },
        2 if !namespaces.is_empty() => Wish {
            grant: Some(arn),
            policy: Some((*dice.pick(&policies)).to_owned()),
            namespaces: vec![(*dice.pick(&namespaces)).to_owned()],
            ..Wish::default()
        },
        _ => Wish { grant: Some(arn), policy: Some((*dice.pick(&policies)).to_owned()), ..somewhere() },
    })
}

fn plan(ground: &Ground<'_>, dice: &mut Dice, suite: &mut Suite) {
    let mut draft = Draft::default();
    let words = Words { facts: ground.facts, iam: ground.iam };
    for _ in 0..3 {
        if !draft.is_empty() {
            break;
        }
        // What is no edit of these facts is refused, and not this test's.
        if let Some(wish) = wishes(ground, dice) {
            let _ = words.stage(&mut draft, &wish);
        }
    }
    if draft.is_empty() {
        return;
    }
    let review = reviewed(ground, &draft);
    let after = project(ground.facts, &draft, since(ground.facts));
    let resolver = Resolver::new(&after, ground.iam);
    let permissions = ground.engines.permissions();
    for difference in &review.differences {
        let asked = Asked::principal(difference.principal.clone());
        let (before, later) = (ground.engines.resolver().resolve(&asked), resolver.resolve(&asked));
        let arn = difference.principal.arn();
        suite.same(
            "plan ↔ trace after",
            &arn,
            (difference.before.verdict, difference.after.verdict),
            (before.verdict, later.verdict),
        );
        suite.same("plan ↔ trace after", &arn, &difference.after.identity, &later.identity);
        let (before, later) = (Who::of(&before), Who::of(&later));
        for _ in 0..8 {
            let request = request(ground, dice);
            // Of a rule with a wildcard the difference names the wildcard.
            if request.what() == "widgets" {
                continue;
            }
            let allowed = |who: &Who| permissions.decide(who, &request).verdict == Verdict::Yes;
            let (then, now) = (allowed(&later), allowed(&before));
            let changed = (then && !now, now && !then);
            let said = (!now && is_gained(&difference.gains, &request), now && is_gained(&difference.loses, &request));
            // Who loses everything may keep a part: what it keeps is not told by name.
            let all = difference.loses.iter().any(|it| it.resources.contains(EVERYTHING));
            let agree = changed == said || all && changed.0 == said.0 && !changed.1;
            suite.holds("plan's access ↔ can before and after", agree, || {
                format!("{arn} {request}: {changed:?} and {said:?}: {:?}", difference.loses)
            });
        }
    }
}

fn has(checks: &[Check], id: &str) -> bool {
    checks.iter().any(|it| it.id.to_string() == id)
}

/// All entries that may do everything are taken away.
fn last_admin(ground: &Ground<'_>, suite: &mut Suite) {
    let mut draft = Draft::default();
    let permissions = ground.engines.permissions();
    let mut removed = 0;
    for row in &ground.rows.principals {
        let admin = permissions.decide(&Who::of(&row.resolution), &everything("")).verdict == Verdict::Yes;
        let subject = Subject::Entry(row.principal.arn());
        if admin && draft.stage(ground.facts, &subject, Edit::Remove, EntryState::default).is_ok() {
            removed += 1;
        }
    }
    if removed == 0 {
        return;
    }
    let review = reviewed(ground, &draft);
    let after = project(ground.facts, &draft, since(ground.facts));
    let rows = inventory(&after, ground.iam);
    let answer = who_can(&after, permissions, &rows.principals, &everything(""));
    let resolver = Resolver::new(&after, ground.iam);
    let remains: Vec<String> = (answer.holders.iter())
        .filter(|it| it.verdict == Verdict::Yes)
        .filter_map(|it| match &it.subject {
            // One that may not be there, or that a service alone can become, is none to rely on.
            Holding::Principal { principal, .. } if !matches!(resolver.existing(principal), Lookup::Unknown(_)) => {
                Some(principal.arn())
            }
            _ => None,
        })
        .filter(|it| !it.contains("/eks/") && !it.contains("aws-service-role"))
        .collect();
    let checks = &review.checks;
    let said = has(checks, "last-admin") || has(checks, "admins-unknown");
    suite.holds("check last-admin ↔ who-can", remains.is_empty() || !said, || {
        format!("{remains:?} may do everything, and {checks:#?}")
    });
    let somebody = answer.holders.iter().any(|it| matches!(it.subject, Holding::Principal { .. }));
    suite.holds("check last-admin ↔ who-can", somebody || said, || format!("nobody may do everything: {checks:#?}"));
}

fn association(ground: &Ground<'_>, dice: &mut Dice, suite: &mut Suite) {
    let accounts = ground.facts.service_accounts.items();
    let roles = ground.iam.roles.items();
    if accounts.is_empty() || roles.is_empty() {
        return;
    }
    let account = dice.pick(accounts);
    let (namespace, name) = (account.metadata.namespace.clone().unwrap_or_default(), &account.metadata.name);
    let all = candidates(ground.facts, ground.iam, &namespace, name);
    // Half of them from those that would let it in.
    let Some(candidate) = (if dice.roll(2) == 0 { all.first() } else { all.get(dice.roll(all.len())) }) else { return };
    let Ok((role, None)) = Principal::from_arn(&candidate.arn) else { return };
    let wish = Wish { associate: Some(format!("{namespace}/{name}")), role: Some(role.arn()), ..Wish::default() };
    let mut draft = Draft::default();
    let words = Words { facts: ground.facts, iam: ground.iam };
    if words.stage(&mut draft, &wish).is_err() || draft.is_empty() {
        return;
    }
    let review = reviewed(ground, &draft);
    let after = project(ground.facts, &draft, since(ground.facts));
    let workloads = Workloads::new(&after, ground.iam);
    let why = workloads.why_account(&namespace, name).expect("it has an association");
    let about = format!("{namespace}/{name} gets {}", candidate.arn);
    let denies = ["no-role", "role-not-trusting", "trust-refuses", "target-refuses", "needs-target-role", "invalid"];
    let checks = &review.checks;
    let no_agent: Vec<&Check> =
        checks.iter().filter(|it| ["no-agent", "irsa-lost"].contains(&it.id.to_string().as_str())).collect();
    let absent = no_agent.iter().any(|it| !it.because.starts_with("not known"));
    let denied = absent || denies.iter().any(|it| has(checks, it));
    let outcome = why.answer.outcome;
    let of_fargate = why.answer.because.contains("Fargate");
    suite.holds("check of an association ↔ why-sa after", !denied || outcome == Verdict::No, || {
        format!("{about}: {checks:#?} and {:?}", why.answer)
    });
    suite.holds("check of an association ↔ why-sa after", outcome != Verdict::No || denied, || {
        format!("{about}: {:?} (Fargate: {of_fargate}), and no check says so: {checks:#?}", why.answer)
    });
    let rows = inventory(&after, ground.iam);
    let control = rows.posture.iter().find(|it| it.id.to_string() == "pod-identity-agent").expect("the control");
    let not_running = control.standing == Standing::Finding(eksplorer::access::findings::Severity::High);
    // The control is about the nodes, and the check about where this account's pods run.
    let on_nodes = no_agent.iter().any(|it| !it.because.starts_with("not known") && !it.because.contains("Fargate"));
    suite.holds("check no-agent ↔ posture", on_nodes == not_running, || format!("{no_agent:?} and {control:?}"));
    if let Some(step) = why.steps.iter().find(|it| it.link == ChainLink::Trust) {
        let told = || format!("{about}: {:?} {} and {step:?}", candidate.outcome, candidate.because);
        suite.holds("roles to choose ↔ why-sa after", step.outcome == Some(candidate.outcome), told);
    }
}

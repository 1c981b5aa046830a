//! Somebody must remain who may do everything in the cluster.
//!
//! Decides by asking of every principal known before and after. Where all that could hold an admin was read and none
//! remains, it blocks; where something was not read, an admin may be in it: then the answer is not known, and it asks.
//! A principal of whom it is not known although all was read (another account's, a policy without published rules) is no
//! ground to go on, and one that only EKS itself can become is no admin. It asks besides whether nobody would be one
//! between two calls.

use std::collections::{BTreeMap, BTreeSet};

use super::{Check, CheckId, Look};
use crate::access::Verdict;
use crate::access::identity::Resolver;
use crate::access::permissions::Who;
use crate::access::service_role::is_of_eks;
use crate::edit::diff::everything;
use crate::edit::draft::{Change, Draft};
use crate::edit::project::project;
use crate::edit::state::{State, Subject};
use crate::model::cluster::{AuthenticationMode, Cluster};
use crate::model::principal::{Asked, Principal};
use crate::model::snapshot::{Gap, Lookup, Section};

/// Who may do everything.
#[derive(Default)]
struct Admins {
    /// Surely.
    sure: BTreeSet<String>,
    /// Surely, if they exist: principals of other accounts.
    elsewhere: BTreeSet<String>,
    /// Of these it is not known.
    maybe: BTreeSet<String>,
}

impl Admins {
    fn of(look: &Look<'_>, resolver: &Resolver<'_>) -> Admins {
        let (facts, iam) = resolver.facts();
        let mut all = Admins::default();
        for principal in crate::access::find::known_principals(facts, iam).into_values() {
            let resolution = resolver.resolve(&Asked::listed(principal));
            let verdict = look.permissions.decide(&Who::of(&resolution), &everything("")).verdict;
            let principal = &resolution.asked.principal;
            if verdict == Verdict::No || is_of_eks(principal, iam) {
                continue;
            }
            let arn = principal.arn();
            // Another account's principal may be gone: nobody here can say.
            let exists = !matches!(resolver.existing(principal), Lookup::Unknown(_));
            match verdict {
                Verdict::Yes if exists => all.sure.insert(arn),
                Verdict::Yes if iam.account.as_deref() != Some(principal.account.as_str()) => all.elsewhere.insert(arn),
                _ => all.maybe.insert(arn),
            };
        }
        all
    }

    /// All of them, whoever they are.
    fn all(&self) -> BTreeSet<&String> {
        self.sure.iter().chain(&self.elsewhere).chain(&self.maybe).collect()
    }
}

/// What was not read and may hold an admin, each with why.
fn unread(look: &Look<'_>) -> Vec<String> {
    let (facts, iam) = (look.facts, look.iam);
    fn of<T>(what: &str, section: &Section<T>) -> Option<String> {
        let item = || section.missing().first().map(|it| Gap::Item(it.failure.clone()));
        section.gap().or_else(item).map(|gap| format!("{what}: {}", gap.briefly()))
    }
    // What the authentication mode does not read holds nobody; where the mode is not known, both may.
    let mode = facts.cluster.value().map(Cluster::authentication_mode);
    let (reads_entries, reads_rows) =
        (mode.is_none_or(AuthenticationMode::reads_entries), mode.is_none_or(AuthenticationMode::reads_aws_auth));
    // Whoever is in no mapping gets in by mapAccounts alone.
    let accounts = facts.aws_auth.value().and_then(Option::as_ref).is_some_and(|(_, auth)| !auth.accounts.is_empty());
    let unmapped = reads_rows && accounts;
    let all = [
        of("the cluster", &facts.cluster),
        of("access entries", &facts.access_entries).filter(|_| reads_entries),
        of("aws-auth", &facts.aws_auth).filter(|_| reads_rows),
        of("cluster roles", &facts.cluster_roles),
        of("cluster role bindings", &facts.cluster_role_bindings),
        of("IAM roles", &iam.roles).filter(|_| unmapped),
        of("IAM users", &iam.users).filter(|_| unmapped),
    ];
    all.into_iter().flatten().collect()
}

/// The rule.
pub(super) fn admins(look: &Look<'_>, out: &mut Vec<Check>) {
    let before = Admins::of(look, look.before());
    let after = Admins::of(look, &look.sides.after);
    if !after.sure.is_empty() {
        return gap(look, &before.sure, out);
    }
    let mut say = |id, because| out.push(Check::new(id, None, because));
    let named = |all: &[&String]| all.iter().take(3).map(|it| it.as_str()).collect::<Vec<_>>().join(", ");
    let (had, has) = (before.all(), after.all());
    // Whoever was an admin, or may have been, and surely is none afterwards.
    let touched: Vec<&String> = had.difference(&has).copied().collect();
    let lost: Vec<&String> = before.sure.iter().filter(|it| !after.sure.contains(*it)).collect();
    let unread = unread(look);
    if touched.is_empty() && lost.is_empty() {
        // Of somebody of whom nothing is known, neither before nor after, the entry itself tells what is taken away.
        if !unread.is_empty() && takes_unseen(look) {
            let why = format!("whether a cluster admin would remain is not known. Not read: {}", unread.join("; "));
            say(CheckId::AdminsUnknown, why);
        }
        return;
    }
    let remain: Vec<&String> = has.into_iter().collect();
    if !unread.is_empty() {
        let last = match lost.as_slice() {
            [] => String::new(),
            lost => format!("; {} is the last that is known", named(lost)),
        };
        let why = format!("whether a cluster admin would remain is not known{last}. Not read: {}", unread.join("; "));
        return say(CheckId::AdminsUnknown, why);
    }
    let gone: Vec<&String> =
        lost.iter().copied().chain(before.elsewhere.iter().filter(|it| !after.elsewhere.contains(*it))).collect();
    match (lost.as_slice(), gone.as_slice(), remain.as_slice()) {
        ([], [_, ..], []) | ([_, ..], _, []) => {
            let why = format!("no cluster admin would remain: {} is the last that may do everything", named(&gone));
            say(CheckId::LastAdmin, why);
        }
        ([_, ..], _, _) => {
            let why = format!(
                "no cluster admin would remain that is known: {} is the last, and whether {} may do everything is not known",
                named(&lost),
                named(&remain)
            );
            say(CheckId::LastAdmin, why);
        }
        // Nobody was known for sure before either.
        ([], _, _) => {
            let others = match remain.as_slice() {
                [] => "nobody else may".to_owned(),
                some => format!("of {} it is not known either", named(some)),
            };
            let why = format!(
                "whether a cluster admin would remain is not known: {} may be one now and would be none, and {others}",
                named(&touched)
            );
            say(CheckId::AdminsUnknown, why);
        }
    }
}

/// Whether the draft takes from an entry that may do everything by itself, while nobody can say whom it lets in.
fn takes_unseen(look: &Look<'_>) -> bool {
    let everything_by = |arn: &str, state: &Option<State>| {
        let Some(State::Entry(state)) = state else { return false };
        let entry = state.entry(arn, None);
        let groups: Vec<&str> = state.groups.iter().map(String::as_str).collect();
        let policies = Some((arn.to_owned(), entry.associated_access_policies.unwrap_or_default()));
        let who = Who { policies, ..Who::named(state.username.as_deref().unwrap_or_default(), &groups) };
        look.permissions.decide(&who, &everything("")).verdict == Verdict::Yes
    };
    let unseen = |resolver: &Resolver<'_>, arn: &str| {
        let asked = Principal::from_arn(arn).map(|(it, _)| Asked::principal(it));
        asked.is_ok_and(|it| resolver.resolve(&it).verdict == Verdict::Unknown)
    };
    look.draft.changes().any(|(subject, change)| match subject {
        Subject::Entry(arn) => {
            everything_by(arn, &change.before)
                && !everything_by(arn, &change.after)
                && unseen(look.before(), arn)
                && unseen(&look.sides.after, arn)
        }
        Subject::Association(..) => false,
    })
}

/// Is there a step after which nobody may do everything, if the next one fails?
fn gap(look: &Look<'_>, before: &BTreeSet<String>, out: &mut Vec<Check>) {
    if before.is_empty() {
        return;
    }
    let mut so_far: BTreeMap<Subject, Change> = BTreeMap::new();
    for step in look.steps {
        let made = Change { before: step.before.clone(), after: step.after.clone(), again: false };
        so_far.entry(step.subject.clone()).and_modify(|it| it.after.clone_from(&step.after)).or_insert(made);
        // Only what touches an admin can leave none.
        if step.n == look.steps.len() || !matches!(&step.subject, Subject::Entry(arn) if before.contains(arn)) {
            continue;
        }
        let facts = project(look.facts, &Draft::of(so_far.clone()), None);
        if Admins::of(look, &Resolver::new(&facts, look.iam)).sure.is_empty() {
            let because = format!(
                "after call {} nobody may do everything until the calls after it are done: if one of them fails, nobody can until \
                 somebody who may call EKS makes an entry",
                step.n
            );
            out.push(Check::new(CheckId::AdminsGap, None, because));
            return;
        }
    }
}

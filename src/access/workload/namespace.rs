//! The workloads of a namespace, a line for each service account: which AWS role its pods get.
//!
//! Decides what is said of a service account and of its pods in one line; the whole answer is [`super::why`]'s. Pods are
//! named only where they have something else than their service account gives.

use super::shown::Lines;
use super::{InForce, Shown, Subject, Why, Workloads};
use crate::access::Mark;
use crate::access::Verdict;
use crate::access::answer_line::{AnswerPart, LineLink};
use crate::model::snapshot::{DocumentRef, Evidence, Lookup};
use crate::model::words::count;

impl Workloads<'_> {
    /// The workloads of a namespace.
    pub(super) fn shown_namespace(&self, namespace: &str) -> Shown {
        let mut lines = Lines::default();
        let names: Vec<&str> =
            self.accounts().into_iter().filter(|((it, _), _)| *it == namespace).map(|((_, name), _)| name).collect();
        let all: Vec<Why<'_>> = names.into_iter().filter_map(|name| self.why_account(namespace, name)).collect();
        let own = |it: &Why<'_>| matches!(it.in_force, InForce::PodIdentity | InForce::Irsa);
        // Whose role is its own comes first; of those, what fails.
        let mut order: Vec<&Why<'_>> = all.iter().collect();
        order.sort_by_key(|it| (!own(it), it.answer.outcome, it.service_account.clone()));
        for why in order {
            let line = lines.say(AnswerPart::Account, Some(why.answer.outcome.mark()), told(why, own(why)));
            line.note = if own(why) { why.answer.because.clone() } else { String::new() };
            let account = (namespace.to_owned(), why.service_account.clone());
            line.evidence = Some(Evidence::new(DocumentRef::ServiceAccount(account.0.clone(), account.1.clone()), ""));
            line.link = Some(LineLink::Workload(Subject::ServiceAccount(account.0, account.1)));
            for it in &why.pods {
                let same = it.in_force == why.in_force
                    && (it.role_arn == why.role_arn || !own(why))
                    && it.answer.outcome == why.answer.outcome;
                if same {
                    continue;
                }
                let role = it.role_arn.as_ref().map(|it| format!(", {it}")).unwrap_or_default();
                let text = format!("{}: {}{role}", it.pod.metadata.name, it.in_force.words());
                let line = lines.say(AnswerPart::Pod, Some(it.answer.outcome.mark()), text);
                line.note.clone_from(&it.answer.because);
                let (namespace, name) = (namespace.to_owned(), it.pod.metadata.name.clone());
                line.evidence = Some(Evidence::new(DocumentRef::Pod(namespace.clone(), name.clone()), "spec"));
                line.link = Some(LineLink::Workload(Subject::Pod(namespace, name)));
            }
        }
        let facts = self.facts;
        let gaps = [
            ("service accounts", facts.service_accounts.gap()),
            ("Pod Identity associations", facts.pod_identity_associations.gap()),
            ("pods", facts.pods.gap()),
        ];
        let unread: Vec<String> =
            gaps.into_iter().filter_map(|(what, gap)| Some(super::place::unread(what, &gap?))).collect();
        for it in &unread {
            lines.say(AnswerPart::Unknown, Some(Mark::Unknown), it.clone());
        }
        let (outcome, headline) = self.of_namespace(namespace, &all, own, unread.is_empty());
        Shown {
            title: format!("namespace {namespace}"),
            headline,
            because: String::new(),
            outcome,
            role: None,
            lines: lines.into_vec(),
            remedies: Vec::new(),
        }
    }

    fn of_namespace(
        &self,
        namespace: &str,
        all: &[Why<'_>],
        own: impl Fn(&Why<'_>) -> bool,
        whole: bool,
    ) -> (Verdict, String) {
        let is_it = |it: &crate::model::rbac::Namespace| it.metadata.name == namespace;
        if let Lookup::Absent = self.facts.namespaces.lookup(is_it, |it| it == namespace)
            && all.is_empty()
        {
            return (Verdict::No, "the cluster has no such namespace".to_owned());
        }
        let with: Vec<&Why<'_>> = all.iter().filter(|it| own(it)).collect();
        let failing = with.iter().filter(|it| it.answer.outcome == Verdict::No).count();
        let open = with.iter().filter(|it| it.answer.outcome == Verdict::Unknown).count();
        let mut text = match with.len() {
            0 if whole => "none of its service accounts has an AWS role of its own".to_owned(),
            0 => "none of its service accounts is known to have an AWS role of its own".to_owned(),
            n => {
                let of = count(all.len(), "service account", "service accounts");
                format!("{n} of its {of} {} an AWS role of {} own", has(n), if n == 1 { "its" } else { "their" })
            }
        };
        if failing > 0 {
            text.push_str(&format!("; {failing} {} not get it", if failing == 1 { "does" } else { "do" }));
        }
        if open > 0 {
            text.push_str(&format!("; of {open} it is not known"));
        }
        let outcome = match (failing, open) {
            (1.., _) => Verdict::No,
            (0, 1..) => Verdict::Unknown,
            _ if !whole => Verdict::Unknown,
            _ => Verdict::Yes,
        };
        (outcome, text)
    }
}

fn has(n: usize) -> &'static str {
    if n == 1 { "has" } else { "have" }
}

/// `api: IRSA, arn:…, 2 pods`
fn told(why: &Why<'_>, own: bool) -> String {
    let role = why.role_arn.as_ref().filter(|_| own).map(|it| format!(", {it}")).unwrap_or_default();
    let by = if own { why.in_force.words() } else { "no role of its own" };
    let pods = match (why.pods.len(), &why.pods_unread) {
        (0, Some(_)) => ", pods not known".to_owned(),
        (0, None) => ", no pods".to_owned(),
        (n, _) => format!(", {}", count(n, "pod", "pods")),
    };
    format!("{}: {by}{role}{pods}", why.service_account)
}

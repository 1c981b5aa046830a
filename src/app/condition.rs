//! How complete a pane is, in words: what is loading, partial, stale, refused, empty, and what that means.
//!
//! Decides which sections feed a pane and what a person is told when one of them is not whole. Ignorance is never said
//! as "there is none". A new section that a pane depends on is a line in [`parts`].

use super::pane::Pane;
use super::words::{age, count};
use crate::model::cluster::AuthenticationMode;
use crate::model::failure::{Failure, FailureKind};
use crate::model::snapshot::{ClusterFacts, Missing, State};
use crate::model::time::Time;

/// A section that a pane depends on.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// `access entries`
    pub name: &'static str,
    /// How complete it is.
    pub state: &'a State,
    /// Are rows made of it, or does it only add to them?
    pub makes_rows: bool,
}

/// The sections that a pane depends on, the one that its rows are made of first.
pub fn parts(pane: Pane, facts: &ClusterFacts) -> Vec<Part<'_>> {
    fn part<'a>(name: &'static str, state: &'a State) -> Part<'a> {
        Part { name, state, makes_rows: true }
    }
    let entries = part("access entries", facts.access_entries.state());
    let aws_auth = part("aws-auth", facts.aws_auth.state());
    let accounts = part("service accounts", facts.service_accounts.state());
    let associations = part("Pod Identity associations", facts.pod_identity_associations.state());
    let pods = Part { makes_rows: false, ..part("pods", facts.pods.state()) };
    let cluster = part("cluster", facts.cluster.state());
    let nodegroups = part("node groups", facts.nodegroups.state());
    let profiles = part("Fargate profiles", facts.fargate_profiles.state());
    let addons = part("add-ons", facts.addons.state());
    let bindings = part("RoleBindings", facts.role_bindings.state());
    let cluster_bindings = part("ClusterRoleBindings", facts.cluster_role_bindings.state());
    let capabilities = part("capabilities", facts.capabilities.state());
    match pane {
        Pane::Entries => vec![entries],
        Pane::AwsAuth => vec![aws_auth],
        Pane::Irsa => vec![accounts, pods],
        Pane::PodIdentity => vec![associations, pods],
        Pane::Groups => vec![bindings, cluster_bindings, entries, aws_auth],
        Pane::Roles => vec![cluster, nodegroups, profiles, addons, capabilities, entries, aws_auth],
        Pane::Principals => {
            vec![entries, aws_auth, accounts, associations, cluster, nodegroups, profiles, addons, capabilities]
        }
        Pane::Findings => {
            let rows = [cluster, entries, aws_auth, accounts, associations, nodegroups, profiles, addons, capabilities];
            let nodes = part("nodes", facts.nodes.state());
            let daemon_sets = part("DaemonSets of kube-system", facts.daemon_sets.state());
            let namespaces = part("namespaces", facts.namespaces.state());
            let policies = part("network policies", facts.network_policies.state());
            let others = [pods, nodes, daemon_sets, policies, namespaces, bindings, cluster_bindings];
            // Each of them may hide a finding.
            rows.into_iter().chain(others).map(|it| Part { makes_rows: true, ..it }).collect()
        }
        Pane::Posture => {
            let namespaces = part("namespaces", facts.namespaces.state());
            let daemon_sets = part("DaemonSets of kube-system", facts.daemon_sets.state());
            let others = [aws_auth, daemon_sets, associations, addons, accounts];
            [cluster, namespaces].into_iter().chain(others.map(|it| Part { makes_rows: false, ..it })).collect()
        }
    }
}

/// How many rows there are, as far as is known: `62`, `8…` while more may come, `8?` when others could not be read.
/// What is not known is never counted as none.
pub fn count_of_rows(pane: Pane, facts: &ClusterFacts, rows: usize) -> String {
    let parts = || parts(pane, facts).into_iter().filter(|part| part.makes_rows);
    let unread = |part: Part<'_>| match part.state {
        State::Refused(_) | State::Failed(_) => true,
        State::Partial { missing, .. } | State::Stale { missing, .. } => missing.iter().any(|it| it.item.is_none()),
        _ => false,
    };
    let number = if rows == 0 { String::new() } else { rows.to_string() };
    if parts().any(|part| matches!(part.state, State::Waiting | State::Loading { .. })) {
        format!("{number}…")
    } else if parts().any(unread) {
        format!("{number}?")
    } else {
        rows.to_string()
    }
}

/// What kind of remark it is; the view gives each a sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Tone {
    Plain,
    Loading,
    Stale,
    Unknown,
}

/// One line above the rows: something that they lack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Banner {
    /// What kind of lack.
    pub tone: Tone,
    /// In a sentence.
    pub text: String,
}

/// At most so many lines stand above the rows.
pub const MOST_BANNERS: usize = 3;

/// What the rows of a pane lack; what is still loading is left to the tab line.
pub fn banners(pane: Pane, facts: &ClusterFacts, now: Time) -> Vec<Banner> {
    let remark = |part: Part<'_>| {
        let Part { name, state, .. } = part;
        let (tone, text) = match state {
            State::Partial { missing, .. } => (Tone::Unknown, missing_text(name, missing)),
            State::Stale { since, failure, .. } => {
                let text = format!("{name} as of {}: {}", age(now, *since).0, said(failure));
                (Tone::Stale, text)
            }
            State::Refused(failure) | State::Failed(failure) => {
                (Tone::Unknown, format!("{name} not known: {}", said(failure)))
            }
            State::Waiting | State::Loading { .. } | State::Known { .. } | State::NotApplicable(_) => return None,
        };
        Some(Banner { tone, text })
    };
    let mut all: Vec<Banner> = parts(pane, facts).into_iter().filter_map(remark).collect();
    if all.len() > MOST_BANNERS {
        let more = all.len() - (MOST_BANNERS - 1);
        all.truncate(MOST_BANNERS - 1);
        all.push(Banner { tone: Tone::Unknown, text: format!("and {more} more are not known (@ shows the calls)") });
    }
    all
}

fn missing_text(name: &str, missing: &[Missing]) -> String {
    let why = missing.first().map(|it| said(&it.failure)).unwrap_or_default();
    let rest = missing.iter().any(|it| it.item.is_none());
    let named = missing.iter().filter(|it| it.item.is_some()).count();
    match (named, rest) {
        (0, _) => format!("the rest of the {name} could not be read: {why}"),
        (n, false) => format!("{n} of the {name} could not be read: {why}"),
        (n, true) => format!("{n} of the {name}, and the rest of the list, could not be read: {why}"),
    }
}

/// A failure in few words, for one line: the remedy is said elsewhere.
pub fn said(failure: &Failure) -> String {
    match &failure.kind {
        FailureKind::Refused { permission } => format!("{permission} is refused to you"),
        FailureKind::Unauthenticated => "the API server does not know you (401)".to_owned(),
        FailureKind::Expired => "the credentials have expired".to_owned(),
        FailureKind::NoCredentials => "there are no AWS credentials".to_owned(),
        FailureKind::Throttled => "throttled, even after retries".to_owned(),
        FailureKind::Unreachable => "nothing answered".to_owned(),
        FailureKind::NotRecorded => "the file does not hold it".to_owned(),
        FailureKind::Missing | FailureKind::Conflict | FailureKind::Invalid | FailureKind::Unexpected => {
            failure.to_string()
        }
    }
}

/// What stands in the place of rows when there are none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What kind of nothing it is.
    pub tone: Tone,
    /// In a few words.
    pub headline: String,
    /// What it means and what to try, a paragraph each.
    pub paragraphs: Vec<String>,
}

/// The words that may stand before a colon in a filter.
fn columns_to_name(pane: Pane) -> String {
    let words: Vec<String> = super::table::heads(pane).iter().map(|head| format!("{}:", head.word)).collect();
    format!("A word may name where to look: {} state: finding:; -word leaves out, ~word is fuzzy.", words.join(" "))
}

/// What to say when a pane shows no rows.
pub fn nothing(pane: Pane, facts: &ClusterFacts, filter: &str, total: usize) -> Message {
    let message = |tone, headline: String, paragraphs: Vec<String>| Message { tone, headline, paragraphs };
    if total > 0 {
        let all = count(total, "row", "rows");
        return message(
            Tone::Plain,
            format!("Nothing matches {filter}"),
            vec![format!("{all} are hidden by the filter. Esc clears it."), columns_to_name(pane)],
        );
    }
    for part in parts(pane, facts).into_iter().filter(|part| part.makes_rows) {
        match part.state {
            State::Waiting | State::Loading { .. } => {
                let paragraphs = vec![progress_text(part)];
                return message(Tone::Loading, format!("Reading the {} …", part.name), paragraphs);
            }
            State::Refused(failure) | State::Failed(failure) => {
                let mut paragraphs = vec![sentence(&failure.to_string()), failure.hint()];
                paragraphs.extend(also_not_known(pane, facts, part.name));
                return message(Tone::Unknown, format!("Not known: {}", part.name), paragraphs);
            }
            State::Partial { missing, .. } => {
                let hint = missing.first().map(|it| it.failure.hint()).unwrap_or_default();
                let text = missing_text(part.name, missing);
                return message(Tone::Unknown, format!("Not known: {}", part.name), vec![sentence(&text), hint]);
            }
            State::NotApplicable(why) => {
                let means = empty_text(pane, facts).1;
                return message(Tone::Plain, format!("No {}", pane.things()), vec![sentence(why), means.to_owned()]);
            }
            State::Known { .. } | State::Stale { .. } => {}
        }
    }
    let (headline, means) = empty_text(pane, facts);
    message(Tone::Plain, headline.to_owned(), vec![means.to_owned()])
}

/// The other sections that were refused or failed.
fn also_not_known(pane: Pane, facts: &ClusterFacts, first: &str) -> Option<String> {
    let others: Vec<String> = (parts(pane, facts).into_iter())
        .filter(|part| part.name != first)
        .filter_map(|part| match part.state {
            State::Refused(failure) | State::Failed(failure) => Some(format!("{} ({})", part.name, said(failure))),
            _ => None,
        })
        .collect();
    (!others.is_empty()).then(|| format!("Not known either: {}.", others.join("; ")))
}

/// With a capital at its beginning and a full stop at its end.
fn sentence(text: &str) -> String {
    let mut characters = text.trim_end_matches('.').chars();
    let first = characters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", characters.as_str())
}

fn progress_text(part: Part<'_>) -> String {
    match part.state {
        State::Loading { done, total: Some(total) } => format!("{done} of {total} so far. Rows appear as they come."),
        State::Loading { done, total: None } if *done > 0 => format!("{done} so far. Rows appear as they come."),
        _ => "Rows appear as they come.".to_owned(),
    }
}

/// What it means that there are none, in this authentication mode.
fn empty_text(pane: Pane, facts: &ClusterFacts) -> (&'static str, &'static str) {
    use AuthenticationMode::{Api, ApiAndConfigMap, ConfigMap};
    let mode = facts.cluster.value().map(crate::model::cluster::Cluster::authentication_mode);
    match pane {
        Pane::Entries => match mode {
            Some(Api) => {
                ("No access entries", "In mode API nobody gets in without one: every principal is nobody here.")
            }
            Some(ApiAndConfigMap) => {
                ("No access entries", "Principals get in through aws-auth alone (2), as long as the mode reads it.")
            }
            Some(ConfigMap) if facts.cluster.value().is_some_and(|it| it.mode_is_inferred()) => (
                "No access entries",
                "The cluster reports no mode, so CONFIG_MAP is inferred: principals get in through aws-auth alone (2).",
            ),
            Some(ConfigMap) => ("No access entries", "Principals get in through the aws-auth ConfigMap alone (2)."),
            Some(AuthenticationMode::Unknown) | None => {
                ("No access entries", "What that means depends on the authentication mode, which is not known.")
            }
        },
        Pane::AwsAuth => {
            let headline = match facts.aws_auth.value() {
                Some(Some(_)) => "aws-auth maps nobody",
                _ => "No aws-auth ConfigMap",
            };
            let means = match mode {
                Some(Api) => "In mode API it would not be read anyway.",
                Some(ApiAndConfigMap) => "Principals get in through access entries alone (1).",
                Some(ConfigMap) => "Nobody gets in but the principal that created the cluster.",
                Some(AuthenticationMode::Unknown) | None => {
                    "What that means depends on the authentication mode, which is not known."
                }
            };
            (headline, means)
        }
        Pane::Irsa => (
            "No service account names an IAM role",
            "Pods get AWS credentials through Pod Identity (4) or from their node's role (5).",
        ),
        Pane::PodIdentity => {
            ("No Pod Identity associations", "Pods get AWS credentials through IRSA (3) or from their node's role (5).")
        }
        Pane::Roles => ("No roles", "Neither the cluster nor any part of it names an IAM role."),
        Pane::Groups => ("No groups and users", "No binding names one, and no mapping gives one."),
        Pane::Findings => ("No findings", "Nothing is wrong in what was read; what was not read was not judged."),
        Pane::Posture => ("No controls", "Nothing is known of how this cluster is set up."),
        Pane::Principals => ("No principals", "Nothing in this cluster names one. ctrl-p traces any ARN all the same."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::snapshot::Section;

    fn refused() -> Failure {
        Failure {
            kind: FailureKind::Refused { permission: "eks:ListAccessEntries".into() },
            doing: "list the access entries".into(),
            on: "prod".into(),
            code: None,
            message: String::new(),
        }
    }

    #[test]
    fn what_is_not_known_is_never_said_to_be_none() {
        for pane in Pane::ALL {
            let waiting = nothing(pane, &ClusterFacts::default(), "", 0);
            assert_eq!(waiting.tone, Tone::Loading, "{pane:?}");
        }
        let facts = ClusterFacts { access_entries: Section::failed(refused()), ..ClusterFacts::default() };
        let message = nothing(Pane::Entries, &facts, "", 0);
        assert_eq!(message.headline, "Not known: access entries");
        assert!(message.paragraphs.concat().contains("eks:ListAccessEntries"));
    }

    #[test]
    fn a_partial_list_says_how_many_are_missing_and_why() {
        let missing = |item: Option<&str>| Missing { item: item.map(str::to_owned), failure: refused() };
        let facts = ClusterFacts {
            access_entries: Section::partial(vec![], Time::default(), vec![missing(Some("a")), missing(Some("b"))]),
            ..ClusterFacts::default()
        };
        let banners = banners(Pane::Entries, &facts, Time::default());
        assert_eq!(
            banners[0].text,
            "2 of the access entries could not be read: eks:ListAccessEntries is refused to you"
        );
        assert!(missing_text("pods", &[missing(None)]).starts_with("the rest of the pods"));
    }
}

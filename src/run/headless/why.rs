//! `why-pod`, `why-sa` and `why-role`.
//!
//! Decides in which order facts are read for them: what says which role a service account gets, and only if that leaves
//! something open the access entries, which tell of the roles of nodes. A name that is not there is bad input where all
//! names were read, else not known.

use std::collections::BTreeSet;

use super::super::Trouble;
use super::super::load::{self, AccountName, Needs};
use super::super::source::{Source, now};
use super::{Printed, facts_for};
use crate::access::Verdict;
use crate::access::did_you_mean::{NameKind, UnknownName};
use crate::access::find::suggest_arns;
use crate::access::workload::agent::AGENT;
use crate::access::workload::{InForce, Why, Workloads};
use crate::cli::{ActionArgs, Options, Output};
use crate::model::cluster::ClusterId;
use crate::model::mapping::AccessEntry;
use crate::model::principal::{Principal, PrincipalKind};
use crate::model::role::{Decision, Simulated};
use crate::model::section::SectionId;
use crate::model::snapshot::{ClusterFacts, IamFacts, Lookup, Section, Snapshot};
use crate::model::visible::visible;
use crate::model::workload::Pod;
use crate::report::Exit;
use crate::report::why::{self as report, Action};

/// `eksplorer why-pod NAMESPACE/POD`
pub async fn why_pod(options: &Options, given: &str, action: &ActionArgs) -> Result<Printed, Trouble> {
    let (namespace, name) = split(given, "NAMESPACE/POD")?;
    let (source, id) = open(options).await?;
    let mut snapshot = pod_facts(&source, &id, namespace, name).await?;
    let why_in = |workloads: &Workloads<'_>| match workloads.pod(namespace, name) {
        Lookup::Found(pod) => Some(WhyRests::of(&id, &workloads.why_pod(pod))),
        Lookup::Absent | Lookup::Unknown(_) => None,
    };
    add_what_matters(&source, &id, &mut snapshot, why_in).await;
    let facts = snapshot.cluster(&id);
    let workloads = Workloads::new(&facts, &snapshot.iam);
    let why = match workloads.pod(namespace, name) {
        Lookup::Found(pod) => workloads.why_pod(pod),
        Lookup::Absent => {
            let all = facts.pods.items().iter().map(|it| (&it.metadata.namespace, &it.metadata.name));
            return Err(absent(NameKind::Pod, (namespace, name), all));
        }
        Lookup::Unknown(gap) => {
            return unread(options, &id, (namespace, ""), Some(given), &format!("the pod was not read: {gap}"));
        }
    };
    answer(options, &source, &id, &why, action).await
}

/// `eksplorer why-sa NAMESPACE/NAME`
pub async fn why_account(options: &Options, given: &str, action: &ActionArgs) -> Result<Printed, Trouble> {
    let (namespace, name) = split(given, "NAMESPACE/NAME")?;
    let (source, id) = open(options).await?;
    let mut snapshot = facts_for(&source, &id, None, &Needs::workload(AccountName::new(namespace, name))).await?;
    let why_in = |workloads: &Workloads<'_>| Some(WhyRests::of(&id, &workloads.why_account(namespace, name)?));
    add_what_matters(&source, &id, &mut snapshot, why_in).await;
    let facts = snapshot.cluster(&id);
    let workloads = Workloads::new(&facts, &snapshot.iam);
    match workloads.why_account(namespace, name) {
        Some(why) => answer(options, &source, &id, &why, action).await,
        None => match facts.service_accounts.gap() {
            Some(gap) => {
                unread(options, &id, (namespace, name), None, &format!("the service accounts were not read: {gap}"))
            }
            None => {
                let all = facts.service_accounts.items().iter().map(|it| (&it.metadata.namespace, &it.metadata.name));
                Err(absent(NameKind::ServiceAccount, (namespace, name), all))
            }
        },
    }
}

/// `eksplorer why-role ROLE_ARN`
pub async fn why_role(options: &Options, given: &str) -> Result<Printed, Trouble> {
    if !given.trim().starts_with("arn:") {
        let (source, id) = open(options).await?;
        let snapshot = facts_for(&source, &id, None, &Needs::name()).await?;
        let arns = suggest_arns(given, &snapshot.cluster(&id), &snapshot.iam);
        let near = if arns.is_empty() { String::new() } else { format!("; did you mean {}?", arns.join(" or ")) };
        return Err(Trouble::bad_input(format!("{given:?} is not the ARN of a role{}", visible(&near))));
    }
    let role = match Principal::from_arn(given) {
        Ok((role, None)) if role.kind == PrincipalKind::Role => role,
        Ok(_) => {
            return Err(Trouble::bad_input(format!(
                "{given:?} is not the ARN of a role, and only roles can be assumed"
            )));
        }
        Err(error) => return Err(Trouble::bad_input(error.to_string())),
    };
    let (source, id) = open(options).await?;
    let snapshot = facts_for(&source, &id, None, &Needs::ALL).await?;
    let facts = snapshot.cluster(&id);
    let why = Workloads::new(&facts, &snapshot.iam).why_role(&role);
    let out = match options.output {
        Output::Text => report::role_text(&id, &why),
        Output::Json | Output::Sarif => report::role_json(&id, &why).map_err(Trouble::failure)?,
    };
    Ok(Printed::answer(out, why.answer.outcome.into()))
}

fn split<'a>(given: &'a str, form: &str) -> Result<(&'a str, &'a str), Trouble> {
    match given.split_once('/') {
        Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() && !name.contains('/') => {
            Ok((namespace, name))
        }
        _ => Err(Trouble::bad_input(format!("{given:?} must read {form}"))),
    }
}

async fn open(options: &Options) -> Result<(Source, ClusterId), Trouble> {
    let source = Source::open(options, None).await?;
    let id = source.cluster(options.cluster.as_deref()).await?;
    Ok((source, id))
}

/// What says which role a pod gets: the pods first, which name its service account.
async fn pod_facts(source: &Source, id: &ClusterId, namespace: &str, name: &str) -> Result<Snapshot, Trouble> {
    let Source::Live { session, .. } = source else { return facts_for(source, id, None, &Needs::ALL).await };
    let mut snapshot = load::facts(session, id.clone(), &Needs::pods()).await;
    source.check_cluster(&snapshot, id).await?;
    let facts = snapshot.cluster(id);
    let is_it = |it: &&Pod| it.metadata.name == name && it.metadata.namespace.as_deref() == Some(namespace);
    if let Some(pod) = facts.pods.items().iter().find(is_it) {
        let account = AccountName::new(namespace, pod.service_account());
        let needs = Needs::workload(account).without(SectionId::Pods);
        load::add(&mut snapshot, |tx| load::read(session, id.clone(), &needs, tx)).await;
    }
    Ok(snapshot.settled())
}

/// An answer, and what of it may rest on facts that are read only where they matter.
struct WhyRests {
    /// As it is shown.
    text: String,
    /// Whether it is of an association and a pod's agent may not run: its pods were looked for by the label of its chart.
    on_agent: bool,
}

impl WhyRests {
    fn of(id: &ClusterId, why: &Why<'_>) -> Self {
        let by_association = why.in_force == InForce::PodIdentity
            || why.others.iter().any(|it| it.mechanism == InForce::PodIdentity)
            || why.pods.iter().any(|it| it.in_force == InForce::PodIdentity);
        let all_work =
            why.answer.outcome == Verdict::Yes && why.pods.iter().all(|it| it.answer.outcome == Verdict::Yes);
        WhyRests { text: report::text(id, why, None), on_agent: by_association && !all_work }
    }
}

/// Reads what was left out at first, where the answer hangs on it: all pods, add-ons that own an association, and access
/// entries, first for whom there are some, then their types.
async fn add_what_matters(
    source: &Source,
    id: &ClusterId,
    snapshot: &mut Snapshot,
    why_in: impl Fn(&Workloads<'_>) -> Option<WhyRests>,
) {
    let Source::Live { session, .. } = source else { return };
    let rests = |snapshot: &Snapshot| why_in(&Workloads::new(&snapshot.cluster(id), &snapshot.iam));
    // Where there is no such service account, its name may be another's.
    match rests(snapshot) {
        None => load::read_more(session, id, &Needs::every_account(), snapshot).await,
        Some(it) if it.on_agent => load::read_more(session, id, &Needs::every_pod(), snapshot).await,
        Some(_) => {}
    }
    let mut owners = unread_owners(&snapshot.cluster(id));
    if !owners.is_empty() {
        // This replaces the section, so the agent's add-on is read again too.
        owners.push(AGENT.to_owned());
        load::read_more(session, id, &Needs::addons(owners), snapshot).await;
    }
    let text_in = |workloads: &Workloads<'_>| why_in(workloads).map(|it| it.text);
    let roles = snapshot.iam.roles.gap().is_none();
    let all_roles: Vec<String> = snapshot.iam.roles.items().iter().map(|it| it.arn.clone()).collect();
    if roles && !hangs_on_entries(&snapshot.cluster(id), &snapshot.iam, &all_roles, &text_in) {
        return;
    }
    load::read_more(session, id, &Needs::entry_names(), snapshot).await;
    let facts = snapshot.cluster(id);
    let names: Vec<String> = facts.access_entries.missing().iter().filter_map(|it| it.item.clone()).collect();
    if hangs_on_entries(&facts, &snapshot.iam, &names, &text_in) {
        load::read_more(session, id, &Needs::entries(), snapshot).await;
    }
}

/// The names of add-ons of which only the name was read, and which own an association that was.
fn unread_owners(facts: &ClusterFacts) -> Vec<String> {
    let names = facts.addons.missing().iter().filter_map(|it| it.item.as_deref());
    let owns = |name: &&str| facts.pod_identity_associations.items().iter().any(|it| it.is_owned_by(name));
    names.filter(owns).map(str::to_owned).collect()
}

/// Whether the answer hangs on what is in the access entries of these principals. Were it so, it would say what it lacks: it
/// would not read the same if there were none of them, if none were a node's, or if all of them were.
fn hangs_on_entries(
    facts: &ClusterFacts,
    iam: &IamFacts,
    names: &[String],
    text_in: &impl Fn(&Workloads<'_>) -> Option<String>,
) -> bool {
    let all_of = |kind: &str| -> Vec<AccessEntry> {
        let entry =
            |arn: &String| AccessEntry { principal_arn: arn.clone(), kind: kind.to_owned(), ..AccessEntry::default() };
        names.iter().map(entry).collect()
    };
    let unread = text_in(&Workloads::new(facts, iam));
    let fillings = NODE_TYPES.iter().map(|kind| all_of(kind)).chain([Vec::new()]);
    fillings.into_iter().any(|entries| {
        let access_entries = Section::known(entries, now());
        text_in(&Workloads::new(&ClusterFacts { access_entries, ..facts.clone() }, iam)) != unread
    })
}

/// A type that is no node's, and one that is.
const NODE_TYPES: [&str; 2] = ["STANDARD", "EC2_LINUX"];

/// A pod or a service account that is not there: of the same name elsewhere, or spelled alike.
fn absent<'a>(
    kind: NameKind,
    (namespace, name): (&str, &str),
    all: impl Iterator<Item = (&'a Option<String>, &'a String)>,
) -> Trouble {
    let full = |(namespace, name): (&Option<String>, &String)| {
        (name.clone(), format!("{}/{name}", namespace.as_deref().unwrap_or_default()))
    };
    let all: Vec<(String, String)> = all.map(full).collect();
    let given = format!("{namespace}/{name}");
    let elsewhere = all.iter().filter(|(own, _)| own == name).map(|(_, full)| (given.as_str(), full.as_str()));
    let known = elsewhere.chain(all.iter().map(|(_, full)| (full.as_str(), full.as_str())));
    let unknown = UnknownName::with_aliases(kind, &given, known);
    Trouble::bad_input(visible(&unknown.to_string()).into_owned())
}

async fn answer(
    options: &Options,
    source: &Source,
    id: &ClusterId,
    why: &Why<'_>,
    asked: &ActionArgs,
) -> Result<Printed, Trouble> {
    let action = simulate(source, why, asked).await;
    let out = match options.output {
        Output::Text => report::text(id, why, action.as_ref()),
        Output::Json | Output::Sarif => report::json(id, why, action.as_ref()).map_err(Trouble::failure)?,
    };
    let exit = match &action {
        // All must be so: that it gets the role, and that the role may.
        Some(action) => match (why.answer.outcome, action.verdict) {
            (Verdict::No, _) | (_, Verdict::No) => Exit::No,
            (Verdict::Yes, Verdict::Yes) => Exit::Yes,
            _ => Exit::Unknown,
        },
        None => why.answer.outcome.into(),
    };
    Ok(Printed::answer(out, exit))
}

/// What IAM says of the action, where it can be asked.
async fn simulate(source: &Source, why: &Why<'_>, asked: &ActionArgs) -> Option<Action> {
    let action = asked.action.as_deref()?;
    let resource = asked.resource.as_deref().unwrap_or("*");
    let (outcome, because) = limited(why.session_allows(action, resource), role_policies(source, why, asked).await);
    Some(Action::new(action, resource, outcome, because))
}

/// What the role's policies say, within what a session policy leaves of it: both must allow it.
fn limited(session: Option<(Verdict, String)>, role: (Verdict, String)) -> (Verdict, String) {
    match (session, role) {
        (None, role) => role,
        (Some((Verdict::Yes, _)), (Verdict::No, because)) => (Verdict::No, because),
        (Some((Verdict::Yes, more)), (outcome, because)) => (outcome, format!("{because}; {more}")),
        (Some((Verdict::No, why)), _) => (Verdict::No, why),
        (Some((Verdict::Unknown, _)), (Verdict::No, because)) => (Verdict::No, because),
        (Some((Verdict::Unknown, why)), (_, because)) => (Verdict::Unknown, format!("{why}; {because}")),
    }
}

/// What IAM says of the role's policies.
async fn role_policies(source: &Source, why: &Why<'_>, asked: &ActionArgs) -> (Verdict, String) {
    let action = asked.action.as_deref().unwrap_or_default();
    let unknown = |because: &str| (Verdict::Unknown, because.to_owned());
    let Some(role) = why.target.as_deref().or(why.role_arn.as_deref()) else {
        return unknown("which role it has is not known, and so not what that may do");
    };
    let Source::Live { session, .. } = source else {
        return unknown("a snapshot cannot be asked: that takes iam:SimulatePrincipalPolicy");
    };
    let resources: Vec<String> = asked.resource.iter().cloned().collect();
    match session.iam().simulate(role, &[action.to_owned()], &resources, &[]).await {
        Ok(found) => simulated(role, &found),
        Err(failure) => unknown(&failure.advised()),
    }
}

/// What a simulation comes to: all of it must be allowed.
fn simulated(role: &str, found: &[Simulated]) -> (Verdict, String) {
    let missing: BTreeSet<&str> = found.iter().flat_map(|it| &it.missing_context).map(String::as_str).collect();
    let decided = |decision| found.iter().any(|it| it.decision == decision);
    if found.is_empty() {
        (Verdict::Unknown, "IAM said nothing of it".to_owned())
    } else if decided(Decision::Denied) {
        (Verdict::No, format!("a policy of {role} denies it"))
    } else if !missing.is_empty() {
        let keys: Vec<&str> = missing.into_iter().collect();
        (Verdict::Unknown, format!("the policies of {role} make it depend on {}, which nobody said", keys.join(", ")))
    } else if decided(Decision::NotAllowed) {
        (Verdict::No, format!("no policy of {role} allows it; the resource's own policy, if it has one, was not asked"))
    } else {
        let rest = "organisation policies and the resource's own policy were not asked";
        (Verdict::Yes, format!("the policies of {role} allow it; {rest}"))
    }
}

/// The answer where nothing is known of what was asked for.
fn unread(
    options: &Options,
    id: &ClusterId,
    (namespace, name): (&str, &str),
    pod: Option<&str>,
    why: &str,
) -> Result<Printed, Trouble> {
    let out = match options.output {
        Output::Text => format!("? not known: {}\n", visible(why)),
        Output::Json | Output::Sarif => {
            report::unread_json(id, pod, (pod.is_none()).then(|| format!("{namespace}/{name}")), why)
                .map_err(Trouble::failure)?
        }
    };
    Ok(Printed::answer(out, Exit::Unknown))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_policy_limits_what_the_role_may() {
        let said = |outcome| (outcome, String::new());
        let (yes, open, no) = (Verdict::Yes, Verdict::Unknown, Verdict::No);
        for (session, role, wanted) in [
            (None, yes, yes),
            (Some(yes), yes, yes),
            (Some(yes), no, no),
            (Some(yes), open, open),
            (Some(no), yes, no),
            (Some(no), open, no),
            (Some(open), yes, open),
            (Some(open), no, no),
        ] {
            assert_eq!(limited(session.map(said), said(role)).0, wanted, "{session:?} {role:?}");
        }
    }

    #[test]
    fn a_simulation_is_allowed_only_if_all_of_it_is_and_nothing_is_missing() {
        let one = |decision, missing: &[&str]| Simulated {
            decision,
            missing_context: missing.iter().map(|it| (*it).to_owned()).collect(),
            ..Simulated::default()
        };
        let outcome = |all: &[Simulated]| simulated("r", all).0;
        assert_eq!(outcome(&[]), Verdict::Unknown);
        assert_eq!(outcome(&[one(Decision::Allowed, &[])]), Verdict::Yes);
        assert_eq!(outcome(&[one(Decision::Allowed, &[]), one(Decision::NotAllowed, &[])]), Verdict::No);
        assert_eq!(outcome(&[one(Decision::NotAllowed, &["aws:SourceVpc"])]), Verdict::Unknown);
        assert_eq!(outcome(&[one(Decision::Denied, &["aws:SourceVpc"])]), Verdict::No);
    }
}

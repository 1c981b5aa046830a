//! `can` and `who-can`.
//!
//! Decides how words and lines become requests, and what is read for a Kubernetes subject; what is read for a principal is
//! [`facts_for`]'s.

use std::path::Path;

use serde::Deserialize;

use super::super::load::{ListedEntries, Needs};
use super::super::source::Source;
use super::super::{Trouble, files, load};
use super::{Printed, Tell, facts_for};
use crate::access::engines::Engines;
use crate::access::find::{Found, find, unknown_principal, unread};
use crate::access::inventory::inventory_of;
use crate::access::kubectl::{Question, Words, read_question};
use crate::access::permissions::{Permissions, Via, Who};
use crate::access::resources::meant_with_subresource;
use crate::access::who::{self, Holding};
use crate::access::workload::role::WhyRole;
use crate::cli::{CanArgs, Options, Output, WhoCanArgs};
use crate::model::cluster::ClusterId;
use crate::model::principal::{PrincipalKind, parse_query};
use crate::model::request::{Request, Target};
use crate::model::snapshot::Snapshot;
use crate::report::can::{Answered, Named};
use crate::report::{self, Exit};

/// `eksplorer can PRINCIPAL VERB RESOURCE`, or with a file of requests.
pub async fn can(options: &Options, args: &CanArgs) -> Result<Printed, Trouble> {
    if let Some(file) = &args.requests {
        return many(options, args.principal.as_deref(), file).await;
    }
    let [principal, verb, resource] =
        [&args.principal, &args.verb, &args.resource].map(|it| it.clone().unwrap_or_default());
    check_request(&verb, &resource)?;
    let source = Source::open(options, None).await?;
    let id = source.cluster(options.cluster.as_deref()).await?;
    let snapshot = facts_about(&source, &id, Some(&principal)).await?;
    let facts = snapshot.cluster(&id);
    let engines = Engines::new(&facts, &snapshot.iam);
    let permissions = engines.permissions();
    let (named, who) = find_identity(options, &engines, &principal)?;
    let [namespace, name, rest] = [&args.namespace, &args.name, &args.rest].map(|it| it.as_deref().unwrap_or_default());
    let words = Words { verb: &verb, resource: &resource, rest, namespace, name };
    let question = question(options, permissions, &words)?;
    let answered = Answered::new(permissions, named, who, question);
    let exit = Exit::from(answered.decision.verdict);
    let out = match options.output {
        Output::Text => report::can::text(&id, permissions, &answered),
        Output::Json | Output::Sarif => {
            report::can::json_text(&id, permissions, &answered).map_err(Trouble::failure)?
        }
    };
    Ok(Printed::answer(out, exit))
}

/// What was asked, in words; a word that nobody knows is asked back.
fn question(options: &Options, permissions: &Permissions, words: &Words<'_>) -> Result<Question, Trouble> {
    let question = read_question(permissions, words).map_err(Trouble::bad_input)?;
    super::ask_back(options, &question.meant.misread)?;
    Ok(question)
}

fn check_request(verb: &str, resource: &str) -> Result<(), Trouble> {
    match (verb.trim().is_empty(), resource.trim().is_empty()) {
        (true, _) => Err(Trouble::bad_input("the verb is empty: get, list, watch, create, update, patch, delete, …")),
        (_, true) => Err(Trouble::bad_input("the resource is empty: pods, deployments.apps, pods/log, /metrics, …")),
        _ => Ok(()),
    }
}

/// What an answer rests on: about a subject of Kubernetes' own, the RBAC objects.
pub(super) async fn facts_about(source: &Source, id: &ClusterId, principal: Option<&str>) -> Result<Snapshot, Trouble> {
    let Some(named) = principal else { return facts_for(source, id, None, &Needs::who_can()).await };
    match source {
        _ if Who::subject(named).is_none() => {
            let query = parse_query(named).map_err(|error| Trouble::bad_input(error.to_string()))?;
            facts_for(source, id, Some(&query), &Needs::ALL).await
        }
        Source::File(_) => facts_for(source, id, None, &Needs::ALL).await,
        Source::Live { session, .. } => {
            let snapshot = load::collect(|tx| load::rbac(session, id.clone(), tx)).await;
            source.check_cluster(&snapshot, id).await?;
            Ok(snapshot.settled())
        }
    }
}

/// The identity that a text means.
pub(super) fn find_identity(options: &Options, engines: &Engines<'_>, given: &str) -> Result<(Named, Who), Trouble> {
    let (facts, iam) = engines.facts();
    if let Some((via, who)) = Who::subject(given) {
        let kind = match via {
            Via::ServiceAccount { .. } => "service-account",
            Via::User(_) => "kubernetes-user",
            Via::Group(_) => "kubernetes-group",
        };
        let named = Named { given: given.to_owned(), arn: String::new(), kind: kind.to_owned(), session: None };
        return Ok((named, who));
    }
    let asked = match find(given, facts, iam).map_err(|error| Trouble::bad_input(error.to_string()))? {
        Found::One(asked) => asked,
        Found::Many(several) => {
            let arns: Vec<String> = several.iter().map(|it| it.arn()).collect();
            return Err(super::ambiguous(given, &arns));
        }
        Found::None { .. } => {
            let unread = unread(facts, iam);
            if unread.is_empty() {
                super::ask_back(options, &[unknown_principal(given, facts, iam)])?;
            }
            let named = Named { given: given.to_owned(), arn: String::new(), kind: "name".to_owned(), session: None };
            let mut who = Who::default();
            if unread.is_empty() {
                who.outside = Some(
                    "no role, user or permission set of this name is known in the account or the cluster".to_owned(),
                );
            } else {
                who.unknown = unread;
            }
            return Ok((named, who));
        }
    };
    let resolution = engines.resolver().resolve(&asked);
    let principal = &resolution.asked.principal;
    let named = Named {
        given: given.to_owned(),
        arn: principal.arn(),
        kind: principal.kind.to_string(),
        session: resolution.asked.session.clone(),
    };
    Ok((named, Who::of(&resolution)))
}

/// One line of a file of requests.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    principal: Option<String>,
    verb: String,
    resource: Option<String>,
    path: Option<String>,
    group: Option<String>,
    subresource: Option<String>,
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    name: String,
}

async fn many(options: &Options, principal: Option<&str>, file: &Path) -> Result<Printed, Trouble> {
    let text = files::read_named(file, "a file of requests, a JSON object in each line")?;
    let place = file.display();
    let mut lines = Vec::new();
    for (number, text) in (1..).zip(text.lines()).filter(|(_, text)| !text.trim().is_empty()) {
        let wrong = |why: String| Trouble::bad_input(format!("{place}, line {number}: {why}"));
        let line: Line = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
        let whom = line.principal.as_deref().or(principal).map(str::to_owned);
        let whom = whom.ok_or_else(|| wrong("no principal: give one in the line, or before --requests".to_owned()))?;
        if line.resource.is_some() == line.path.is_some() {
            return Err(wrong("give either a resource or a path".to_owned()));
        }
        if line.resource.as_deref().is_some_and(|it| it.trim().is_empty()) || line.verb.trim().is_empty() {
            return Err(wrong("the verb or the resource is empty".to_owned()));
        }
        lines.push((number, whom, line));
    }
    let source = Source::open(options, None).await?;
    let id = source.cluster(options.cluster.as_deref()).await?;
    let mut several: Vec<&String> = lines.iter().map(|(_, whom, _)| whom).collect();
    several.sort();
    several.dedup();
    let only = match several.as_slice() {
        [one] => Some(one.as_str()),
        _ => None,
    };
    let snapshot = facts_about(&source, &id, only).await?;
    let facts = snapshot.cluster(&id);
    let engines = Engines::new(&facts, &snapshot.iam);
    let permissions = engines.permissions();
    let mut known = std::collections::HashMap::new();
    let mut out = String::new();
    for (number, whom, line) in lines {
        let (named, who) = match known.get(&whom) {
            Some(found) => found,
            None => {
                let found = find_identity(options, &engines, &whom)
                    .map_err(|trouble| Trouble::bad_input(format!("{place}, line {number}: {}", trouble.message)))?;
                known.entry(whom.clone()).or_insert(found)
            }
        };
        let question = request(permissions, line).map_err(Trouble::bad_input);
        let question = question.and_then(|it| super::ask_back(options, &it.meant.misread).map(|()| it));
        let question =
            question.map_err(|trouble| Trouble::bad_input(format!("{place}, line {number}: {}", trouble.message)))?;
        let answered = Answered::new(permissions, named.clone(), who.clone(), question);
        let line = match options.output {
            Output::Text => report::can::text_line(&answered),
            Output::Json | Output::Sarif => {
                report::can::json_line(&id, permissions, &answered).map_err(Trouble::failure)?
            }
        };
        out.push_str(&line);
    }
    Ok(Printed::answer(out, Exit::Yes))
}

/// A line's request: literal where it names a group, else in the words that people use.
fn request(permissions: &Permissions, line: Line) -> Result<Question, String> {
    let Line { verb, resource, path, group, subresource, namespace, name, .. } = line;
    let resource = match (resource, path) {
        (_, Some(path)) => return Ok(Question::literal(Request { verb, target: Target::Path(path) })),
        (resource, None) => resource.unwrap_or_default(),
    };
    match group {
        Some(group) => {
            let (resource, inner) = match resource.split_once('/') {
                Some((resource, inner)) => (resource.to_owned(), Some(inner.to_owned())),
                None => (resource, None),
            };
            let subresource = subresource.or(inner).unwrap_or_default();
            let target = Target::Resource { group, resource, subresource, namespace, name };
            Ok(Question::literal(Request { verb, target }))
        }
        None => match &subresource {
            Some(subresource) => {
                let what = (resource.as_str(), subresource.as_str());
                Ok(meant_with_subresource(permissions, &verb, what, &namespace, &name).into())
            }
            None => {
                let words = Words { verb: &verb, resource: &resource, rest: "", namespace: &namespace, name: &name };
                read_question(permissions, &words)
            }
        },
    }
}

/// From so many access entries on, what bindings say is told before they are read.
const MANY_ENTRIES: usize = 100;

/// `eksplorer who-can VERB RESOURCE`. What bindings alone say is told at once where the principals take longer.
pub async fn who_can(options: &Options, args: &WhoCanArgs, tell: Tell<'_>) -> Result<Printed, Trouble> {
    let WhoCanArgs { request: args, becoming, rbac_only } = args;
    let becoming = *becoming;
    check_request(&args.verb, &args.resource)?;
    let source = Source::open(options, None).await?;
    let id = source.cluster(options.cluster.as_deref()).await?;
    let needs = match (rbac_only, becoming) {
        (true, _) => Needs::rbac(),
        (_, true) => Needs::who_can_and_workloads(),
        _ => Needs::grants(),
    };
    let mut snapshot = facts_for(&source, &id, None, &needs).await?;
    let [namespace, name, rest] = [&args.namespace, &args.name, &args.rest].map(|it| it.as_deref().unwrap_or_default());
    let words = Words { verb: &args.verb, resource: &args.resource, rest, namespace, name };
    let question = question(options, &Permissions::of(&snapshot.cluster(&id)), &words)?;
    if let (Source::Live { session, .. }, false) = (&source, becoming || *rbac_only) {
        let (accounts, bound, entries) = {
            let facts = snapshot.cluster(&id);
            let permissions = Permissions::of(&facts);
            let entries = facts.access_entries.missing().len();
            (permissions.account_namespaces(&question.requests()), permissions.bound_subjects(&question), entries)
        };
        if entries >= MANY_ENTRIES {
            tell(&report::who::bound_text(&question, (&bound.0, bound.1), entries));
        }
        let requests = ListedEntries::Allowing(question.requests().into_iter().cloned().collect());
        load::read_listed_entries(session, &id, &requests, &mut snapshot).await;
        // Where no service account is among those who may, none is read, nor any pod.
        if accounts.as_ref().is_none_or(|it| !it.is_empty()) {
            load::read_more(session, &id, &Needs::accounts_in(accounts), &mut snapshot).await;
        }
        snapshot = snapshot.settled();
    }
    let facts = snapshot.cluster(&id);
    let engines = Engines::new(&facts, &snapshot.iam);
    let permissions = engines.permissions();
    let answer = match rbac_only {
        true => who::who_can_by_bindings(&facts, permissions, &question),
        false => who::who_can_question(&facts, permissions, &inventory_of(&engines).principals, &question),
    };
    let workloads = becoming.then(|| engines.workloads());
    let becomes: Vec<Option<WhyRole>> = (answer.holders.iter())
        .map(|it| match (&workloads, &it.subject) {
            (Some(workloads), Holding::Principal { principal, .. }) if principal.kind == PrincipalKind::Role => {
                Some(workloads.why_role(principal))
            }
            _ => None,
        })
        .collect();
    let exit = Exit::from(answer.verdict());
    let out = match options.output {
        Output::Text => report::who::text(&id, &question, &answer, &becomes, snapshot.iam.account.as_deref()),
        Output::Json | Output::Sarif => {
            report::who::json_text(&id, permissions, &question, &answer, &becomes).map_err(Trouble::failure)?
        }
    };
    Ok(Printed::answer(out, exit))
}

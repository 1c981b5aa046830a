//! Whose walk it is: an IAM principal's, a service account's, a node's, nobody's, or several that may be meant.
//!
//! Decides from a username or a command line whom to walk, and what is to be said of that sort of identity. The steps
//! themselves are [`super::walk`]'s.

use super::carriers::{Carrier, MOST, Sort, carriers, named, sort};
use super::fix::{self, FixTarget};
use super::message::{CanI, Forbidden, Message, Sender, Speaker};
use super::others::NO_PRINCIPAL;
use super::walk::{Seen, Walk, finish, mode, principal};
use super::{Candidate, Explanation, Ground, StepName, StepState, kubectl, nodes};
use crate::access::Verdict;
use crate::access::identity::groups::{ANONYMOUS, GroupSource, NODES, all_groups, is_node_username};
use crate::access::kubectl::request_of_command;
use crate::access::permissions::Who;
use crate::access::resources;
use crate::model::principal::Asked;
use crate::model::request::{Request, Target};
use crate::model::snapshot::{DocumentRef, Evidence, Lookup};

/// `User "…" cannot …`
pub(super) fn forbidden(ground: &Ground<'_>, message: &Message, it: &Forbidden) -> Explanation {
    let request = it.request.clone().as_served();
    let mut explanation = match sort(&it.username) {
        Sort::ServiceAccount(namespace, name) => service_account(ground, message, &namespace, &name, &request),
        Sort::Anonymous => anonymous(ground, message, &request),
        Sort::Node => node(ground, message, &it.username, &request),
        Sort::ControlPlane | Sort::Other => by_username(ground, message, &it.username, &request),
    };
    for (kind, name) in &it.dangling {
        let there = match kind.as_str() {
            "ClusterRole" => ground.facts.cluster_roles.items().iter().any(|it| it.metadata.name == *name),
            _ => ground.facts.roles.items().iter().any(|it| it.metadata.name == *name),
        };
        explanation.notes.push(format!(
            "the message says that a binding names {kind} {name}, which did not exist: {}",
            if there {
                "there is one of that name now"
            } else {
                "there is none now either, and the binding grants nothing"
            }
        ));
    }
    explanation.notes.extend(kubectl::note_on(&request));
    if it.speaker == Speaker::Kubelet {
        explanation.notes.insert(
            0,
            "the kubelet refused it, after it had asked the API server whether this user may: the rule is RBAC's, on nodes".to_owned(),
        );
    }
    if !it.reason.is_empty() && it.dangling.is_empty() {
        explanation.notes.push(format!("the authorizers added: {}", it.reason));
    }
    explanation
}

fn by_username(ground: &Ground<'_>, message: &Message, username: &str, request: &Request) -> Explanation {
    let found = carriers(ground, username);
    if found.is_empty() {
        return nobody(ground, message, username, request);
    }
    let mut explanation = of_carriers(ground, message, found, Some(request), Seen::Accepted);
    let chosen = explanation.principals.iter().find(|it| it.verdict == explanation.verdict);
    let today = chosen.map(|it| ground.resolver.resolve(&it.asked)).and_then(|it| it.identity);
    if let Some(identity) = today.filter(|it| it.username != username && !it.username.contains("{{")) {
        explanation.notes.push(format!(
            "the message calls it {username}; today it would be called {}, so the mapping has changed since or the \
             message is of another cluster",
            identity.username
        ));
    }
    explanation
}

/// A username that no known mapping gives.
fn nobody(ground: &Ground<'_>, message: &Message, username: &str, request: &Request) -> Explanation {
    let mut walk = Walk::default();
    let part = sort(username) == Sort::ControlPlane;
    walk.say(StepName::Credentials, StepState::Passed, "the API server knew who asked: the message names it", None);
    walk.say(StepName::Token, StepState::Passed, "accepted", None);
    let mut who = Who::user(username);
    if part {
        let text = "none: this is a part of the control plane, which EKS maps itself";
        walk.say(StepName::Mapping, StepState::NotChecked, text, None);
    } else {
        let unread = crate::access::find::unread(ground.facts, ground.iam);
        let text = if unread.is_empty() {
            "no mapping of this cluster gives anybody this username".to_owned()
        } else {
            format!("no mapping that was read gives anybody this username; not read: {}", unread.join("; "))
        };
        walk.say(StepName::Mapping, StepState::Unknown, text, None);
        walk.notes.push(who_else(ground));
    }
    who.unknown.push(format!("the groups of {username}: no mapping tells them"));
    walk.say(StepName::Username, StepState::Unknown, format!("{username}; its groups are not known"), None);
    walk.grants(ground, &who, request);
    let subject = FixTarget::User { username: username.to_owned(), groups: Vec::new() };
    finish(ground, message, username, Some(request), walk, Vec::new(), &subject)
}

fn who_else(ground: &Ground<'_>) -> String {
    let providers: Vec<String> = ground
        .facts
        .identity_provider_configs
        .items()
        .iter()
        .filter_map(|it| Some(format!(" ({})", it.name()?)))
        .collect();
    let oidc = if providers.is_empty() {
        "an OpenID Connect provider".to_owned()
    } else {
        format!("this cluster's OpenID Connect provider{}", providers.concat())
    };
    format!(
        "it may be a user of {oidc}, somebody who was impersonated, somebody mapped otherwise when the message came, or \
         a user of another cluster than {}",
        ground.cluster.name
    )
}

/// The walks of all who may be behind a message, and the one that is shown.
fn of_carriers(
    ground: &Ground<'_>,
    message: &Message,
    found: Vec<Carrier>,
    request: Option<&Request>,
    seen: Seen,
) -> Explanation {
    let total = found.len();
    let mut walked: Vec<(Carrier, Walk)> = found
        .into_iter()
        .take(MOST)
        .map(|it| {
            let walk = principal(ground, &it.resolution, request, seen);
            (it, walk)
        })
        .collect();
    let verdicts: Vec<Verdict> = walked.iter().map(|(_, walk)| walk.verdict()).collect();
    let principals: Vec<Candidate> = walked
        .iter()
        .map(|(it, walk)| Candidate {
            asked: it.resolution.asked.clone(),
            because: it.because.clone(),
            verdict: walk.verdict(),
        })
        .collect();
    let rank = |it: &Verdict| match it {
        Verdict::No => 0,
        Verdict::Unknown => 1,
        Verdict::Yes => 2,
    };
    let at = (0..verdicts.len()).min_by_key(|at| verdicts.get(*at).map(rank)).unwrap_or_default();
    let (carrier, mut walk) = walked.swap_remove(at);
    if total > 1 {
        let agree = verdicts.iter().all(|it| Some(it) == verdicts.first());
        let text = format!(
            "{total} principals may be behind this username; the steps are those of {}{}",
            named(ground, &carrier.resolution.asked),
            if agree { ", and it ends alike for the others" } else { ", and it does not end alike for all" }
        );
        walk.notes.insert(0, text);
    }
    let name = named(ground, &carrier.resolution.asked);
    let agree = verdicts.iter().all(|it| Some(it) == verdicts.first());
    if seen == Seen::Accepted && walk.failed().is_some_and(|it| it.name != StepName::Grants) {
        walk.notes.insert(
            0,
            "the message is a 403, so it got in when the message came; today it would be 401: something has changed since, \
             or the message is of another cluster"
                .to_owned(),
        );
    }
    let subject = FixTarget::Principal(Box::new(carrier.resolution));
    let mut explanation = finish(ground, message, &name, request, walk, principals, &subject);
    if !agree {
        explanation.verdict = Verdict::Unknown;
        explanation.answer = format!("which of {total} principals it was is not known; of one, {}", explanation.answer);
    }
    explanation
}

fn service_account(
    ground: &Ground<'_>,
    message: &Message,
    namespace: &str,
    name: &str,
    request: &Request,
) -> Explanation {
    let mut walk = Walk::default();
    let found = ground.facts.service_accounts.lookup(
        |it| it.metadata.namespace.as_deref() == Some(namespace) && it.metadata.name == name,
        |missing| missing == format!("{namespace}/{name}"),
    );
    let document = || Evidence::new(DocumentRef::ServiceAccount(namespace.to_owned(), name.to_owned()), "");
    match found {
        Lookup::Found(_) => walk.say(
            StepName::Credentials,
            StepState::Passed,
            format!("service account {namespace}/{name} exists, and the API server knows it by itself"),
            Some(document()),
        ),
        // Bindings may name it all the same, and it may be made again: the walk goes on.
        Lookup::Absent => walk.say(
            StepName::Credentials,
            StepState::Unknown,
            format!(
                "there is no service account {namespace}/{name} today: the message is older, or of another cluster"
            ),
            None,
        ),
        Lookup::Unknown(gap) => walk.say(
            StepName::Credentials,
            StepState::NotChecked,
            format!("whether service account {namespace}/{name} exists is not known: {gap}"),
            None,
        ),
    }
    walk.say(StepName::Token, StepState::Passed, "the API server accepted it: the message names its user", None);
    walk.say(StepName::Mapping, StepState::NotChecked, "none is needed: IAM has no part in it", None);
    let who = Who::service_account(namespace, name);
    let text = format!("{} with groups {}", who.username, who.groups.join(", "));
    walk.say(StepName::Username, StepState::Passed, text, None);
    walk.grants(ground, &who, request);
    let subject = FixTarget::ServiceAccount { namespace: namespace.to_owned(), name: name.to_owned() };
    finish(ground, message, &format!("service account {namespace}/{name}"), Some(request), walk, Vec::new(), &subject)
}

fn node(ground: &Ground<'_>, message: &Message, username: &str, request: &Request) -> Explanation {
    let mut found = carriers(ground, username);
    let mut walk = Walk::default();
    let text = "the API server knew which node asked: the message names it";
    let name = username.trim_start_matches("system:node:");
    walk.say(StepName::Credentials, StepState::Passed, text, None);
    walk.say(StepName::Token, StepState::Passed, "accepted", None);
    mode(ground, &mut walk);
    found.truncate(MOST);
    let principals: Vec<Candidate> = found
        .iter()
        .map(|it| Candidate { asked: it.resolution.asked.clone(), because: it.because.clone(), verdict: Verdict::Yes })
        .collect();
    match found.len() {
        0 => walk.say(StepName::Mapping, StepState::Unknown, "no mapping that was read is of nodes", None),
        n => {
            let names: Vec<String> = found.iter().take(3).map(|it| named(ground, &it.resolution.asked)).collect();
            let more = if n > 3 { format!(" and {} more", n - 3) } else { String::new() };
            let text =
                format!("a role of nodes: {}{more}; which one this node has is not in its name", names.join(", "));
            let evidence = found.first().and_then(|it| it.resolution.mapping.as_ref()).map(|it| it.evidence.clone());
            walk.say(StepName::Mapping, StepState::Passed, text, evidence);
        }
    }
    let who = Who::user(username);
    walk.say(StepName::Username, StepState::Passed, format!("{username} with groups {}", who.groups.join(", ")), None);
    walk.grants(ground, &who, request);
    walk.notes.push(
        "what a node may read is decided by the Node authorizer: its own objects and those of the pods that are bound to \
         it. A pod that was just moved or deleted is the usual reason; access is not to be added for it"
            .to_owned(),
    );
    let mut explanation =
        finish(ground, message, &format!("node {name}"), Some(request), walk, principals, &FixTarget::Nobody);
    let verdict = explanation.verdict;
    explanation.principals.iter_mut().for_each(|it| it.verdict = verdict);
    explanation
}

fn anonymous(ground: &Ground<'_>, message: &Message, request: &Request) -> Explanation {
    let mut walk = Walk::default();
    let who = Who::user(ANONYMOUS);
    let decision = ground.permissions.decide(&who, request);
    if decision.verdict == Verdict::Yes {
        walk.say(StepName::Credentials, StepState::NotChecked, "none were sent: the request was anonymous", None);
        walk.grants(ground, &who, request);
    } else {
        let text = "none were sent: the request came without a token or certificate, so the API server took it as \
                    anonymous. The kubeconfig's user is empty, its exec section is missing, or a proxy dropped the \
                    Authorization header";
        walk.say(StepName::Credentials, StepState::Failed, text, None);
        walk.rest(&[StepName::Token, StepName::Mapping, StepName::Username, StepName::Grants]);
    }
    let mut explanation =
        finish(ground, message, "whoever it was", Some(request), walk, Vec::new(), &FixTarget::Nobody);
    if explanation.verdict == Verdict::No {
        explanation.text_fixes.push(fix::kubeconfig(ground.cluster));
        explanation.notes.push(
            "access for system:anonymous or system:unauthenticated is access for everybody who \
                                reaches the endpoint: it is not the way to mend this"
                .to_owned(),
        );
    }
    explanation
}

/// A 401, and what its text says of who had sent the request.
pub(super) struct Refused<'a> {
    pub(super) asked: Option<&'a Asked>,
    pub(super) sender: Sender,
    pub(super) speaker: Speaker,
    pub(super) node: Option<&'a str>,
}

/// 401: of whoever the text names; of the caller where a caller could have sent it; of a node where its kubelet had.
pub(super) fn unauthorized(ground: &Ground<'_>, message: &Message, it: &Refused<'_>) -> Explanation {
    if it.asked.is_none() && it.sender == Sender::Node {
        return nodes::unauthorized(ground, message, it.node);
    }
    let caller = ground.caller.clone().filter(|_| it.sender.may_be_caller());
    let Some(subject) = it.asked.cloned().or(caller) else {
        let mut walk = Walk::default();
        let (text, advice) = if it.sender == Sender::Controller {
            (
                "whose they are is not known: a controller sent it, and the message does not name its role or service account",
                "find the IAM role that the controller uses for this cluster (Argo CD: awsAuthConfig of the cluster's secret; others:                  the role of their service account), and paste the message with its ARN",
            )
        } else {
            (
                "whose they are is not known: the message names nobody, and neither is the caller known here",
                "paste the message with the ARN that `aws sts get-caller-identity` prints",
            )
        };
        walk.say(StepName::Credentials, StepState::Unknown, text, None);
        walk.notes.push(advice.to_owned());
        let mut explanation = finish(ground, message, "whoever it was", None, walk, Vec::new(), &FixTarget::Nobody);
        explanation.verdict = Verdict::Unknown;
        explanation.answer = format!("{NO_PRINCIPAL}. The API server did not know who asked; {text}");
        return explanation;
    };
    let resolution = ground.resolver.resolve(&subject);
    let because = if it.asked.is_some() { "the text names it" } else { "you: the text names nobody" };
    let carrier = Carrier { resolution, because: because.to_owned() };
    let mut explanation = of_carriers(ground, message, vec![carrier], None, Seen::Refused);
    if it.asked.is_none() {
        explanation.answer = format!("{NO_PRINCIPAL}. If you sent it: {}", explanation.answer);
    } else if it.speaker == Speaker::Unnamed {
        explanation.answer = format!(
            "this message does not say who refused. If the API server of {} did: {}",
            ground.cluster.name, explanation.answer
        );
    }
    if explanation.verdict == Verdict::Yes {
        explanation.notes.extend([
            "what is left are the credentials and the token: run `aws sts get-caller-identity` in the shell where kubectl \
             fails, and compare the ARN with the one above: the kubeconfig may name another profile or role"
                .to_owned(),
            format!(
                "the token is made for one cluster: `aws eks get-token --cluster-name {}` must be what the kubeconfig runs, \
                 and its server must be this cluster's endpoint",
                ground.cluster.name
            ),
            "a token is valid for 15 minutes, and a clock that is wrong by more makes it invalid from the start".to_owned(),
            "a mapping that was changed takes some seconds to be seen".to_owned(),
        ]);
        explanation.text_fixes.push(fix::kubeconfig(ground.cluster));
    }
    explanation
}

/// `kubectl auth can-i …`
pub(super) fn can_i(ground: &Ground<'_>, message: &Message, it: &CanI) -> Explanation {
    let mut notes = Vec::new();
    // kubectl takes the two apart by itself: what follows --subresource is never a name.
    let what = (it.resource.as_str(), it.subresource.as_str());
    let namespace = match &it.namespace {
        _ if it.all_namespaces => "",
        Some(namespace) => namespace.as_str(),
        None => {
            let probe = resources::meant_with_subresource(&ground.permissions, &it.verb, what, "", "").request;
            match &probe.target {
                Target::Resource { group, resource, .. }
                    if ground.permissions.served().find(group, resource).is_none_or(|it| it.namespaced) =>
                {
                    notes.push(
                        "no namespace was named: taken for default, but the kubeconfig's context may have \
                                another"
                            .to_owned(),
                    );
                    "default"
                }
                _ => "",
            }
        }
    };
    let meant = resources::meant_with_subresource(&ground.permissions, &it.verb, what, namespace, &it.name);
    notes.extend(meant.notes);
    let request = meant.request;
    let alternatives = meant.alternatives;
    if let Target::Resource { group, resource, .. } = &request.target
        && it.subresource.is_empty()
        && ground
            .permissions
            .served()
            .find(group, resource)
            .is_some_and(|found| found.subresources.contains_key(&it.name))
    {
        notes.push(format!(
            "kubectl took {0:?} for an object of that name; the subresource is asked for with --subresource={0}",
            it.name
        ));
    }
    let explain = |request: &Request| match &it.as_user {
        Some(username) => impersonated(ground, message, username, &it.as_groups, request),
        None => match &ground.caller {
            Some(caller) => {
                let resolution = ground.resolver.resolve(caller);
                let carrier = Carrier { resolution, because: "you: there is no --as".to_owned() };
                of_carriers(ground, message, vec![carrier], Some(request), Seen::Nothing)
            }
            None => {
                let mut walk = Walk::default();
                let text = "who asked is not known: there is no --as, and neither is the caller known here";
                walk.say(StepName::Credentials, StepState::Unknown, text, None);
                let mut none =
                    finish(ground, message, "whoever asked", Some(request), walk, vec![], &FixTarget::Nobody);
                none.verdict = Verdict::Unknown;
                none.answer = format!("not known: {text}");
                none
            }
        },
    };
    let mut explanation = explain(&request);
    if alternatives.iter().any(|it| explain(it).verdict != explanation.verdict) {
        explanation.verdict = Verdict::Unknown;
        explanation.answer = format!("not known: {}", meant.open);
        explanation.target = FixTarget::Nobody;
    }
    match (it.answer, explanation.verdict) {
        (Some(true), Verdict::No) => notes
            .push("kubectl said yes: something has changed since, or it asked another cluster than this".to_owned()),
        (Some(false), Verdict::Unknown) => {
            notes.push("kubectl said no: what is not known here did not allow it then".to_owned());
        }
        (Some(true), Verdict::Unknown) => {
            notes.push("kubectl said yes: one of the things that are not known here allowed it".to_owned());
        }
        (None, _) => notes.push("the text does not hold kubectl's answer".to_owned()),
        _ => {}
    }
    if let Some((verb, resource, subresource)) = request_of_command(&it.verb)
        && matches!(&request.target, Target::Resource { resource, .. } if resource == "pods")
    {
        let meant = CanI {
            verb: verb.to_owned(),
            resource: resource.to_owned(),
            subresource: subresource.to_owned(),
            answer: None,
            ..it.clone()
        };
        let answer = can_i(ground, message, &meant);
        notes.insert(
            0,
            format!(
                "{0} is no verb of the API, so that kubectl asked for a verb that nothing checks; kubectl {0} itself asks for {verb} \
                 {resource}/{subresource}: {1}",
                it.verb, answer.answer
            ),
        );
    }
    explanation.notes.splice(0..0, notes);
    explanation
}

fn impersonated(
    ground: &Ground<'_>,
    message: &Message,
    username: &str,
    as_groups: &[String],
    request: &Request,
) -> Explanation {
    let mut walk = Walk::default();
    let groups = all_groups(username, as_groups, GroupSource::Impersonation);
    let text = "somebody else asks and needs `impersonate`; who that is does not stand in the line";
    walk.say(StepName::Credentials, StepState::NotChecked, text, None);
    let text = "--as skips it: no IAM principal, no access entry, and so no access policies";
    walk.say(StepName::Mapping, StepState::NotChecked, text, None);
    let mut who = Who { username: username.to_owned(), groups: groups.clone(), ..Who::default() };
    if as_groups.is_empty() && is_node_username(username) {
        // Constrained impersonation (`impersonate:arbitrary-node`), on by default since Kubernetes 1.36, adds the group.
        who.unknown.push(format!("whether {username} was impersonated as a node, a member of {NODES}"));
    }
    walk.say(StepName::Username, StepState::Passed, format!("{username} with groups {}", groups.join(", ")), None);
    walk.grants(ground, &who, request);
    walk.notes.push("with --as, access policies do not count: only RBAC is asked".to_owned());
    let found = carriers(ground, username);
    let mut itself = false;
    for it in found.iter().take(MOST) {
        let own = ground.permissions.decide(&Who::of(&it.resolution), request);
        let name = super::carriers::named(ground, &it.resolution.asked);
        let verdict = walk.verdict();
        match own.verdict {
            Verdict::Yes if verdict != Verdict::Yes => {
                itself = true;
                let by = own.by.first().map(|it| it.grant.to_string()).unwrap_or_default();
                walk.notes.push(format!("{name} itself, without --as, may: by {by}"));
            }
            Verdict::No if verdict == Verdict::No => {
                walk.notes.push(format!("{name} itself, without --as, may not either"));
            }
            _ => {}
        }
    }
    let principals = found
        .into_iter()
        .take(MOST)
        .map(|it| Candidate { asked: it.resolution.asked, because: it.because, verdict: walk.verdict() })
        .collect();
    let subject = match sort(username) {
        // What it may when it asks itself needs no mending.
        _ if itself => FixTarget::Nobody,
        Sort::ServiceAccount(namespace, name) => FixTarget::ServiceAccount { namespace, name },
        _ => FixTarget::User { username: username.to_owned(), groups: as_groups.to_vec() },
    };
    finish(ground, message, &format!("{username}, impersonated,"), Some(request), walk, principals, &subject)
}

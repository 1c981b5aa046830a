//! The API requests behind kubectl's commands: `exec` is no verb of the API, and neither are `logs`, `scale` or `drain`.
//!
//! Decides what a command asks of the API server, each as one request, and what the answers of all of them come to. What
//! a resource's name stands for is [`super::resources`]'s; who may make one request is [`super::permissions`]'s. Sources:
//! kubernetes/kubectl `pkg/cmd/NAME/NAME.go` for the command of that name, `pkg/drain/drain.go`, `pkg/scale/scale.go`,
//! `pkg/polymorphichelpers/` for what `exec deploy/NAME` and `rollout` look for. A new command is an arm of [`steps`]
//! and a name in [`COMMANDS`].

mod steps;

use std::collections::BTreeSet;

use steps::{COMMANDS, Place, Step, steps};

use super::did_you_mean::UnknownName;
use super::permissions::{Decision, Permissions, Who};
use super::resources::{self, Meant, meant, unknown_namespace};
use crate::access::Verdict;
use crate::model::request::{Request, Target};

/// A question in the user's words.
#[derive(Clone, Copy, Debug, Default)]
pub struct Words<'a> {
    /// A verb of the API, or a command of kubectl: `get`, `exec`, `rollout`, `rollout restart`.
    pub verb: &'a str,
    /// A resource, TYPE/NAME, a path; of `rollout` and `auth`, what follows: `restart`.
    pub resource: &'a str,
    /// What comes after: an object's name; of `rollout restart`, the resource.
    pub rest: &'a str,
    /// The namespace; empty for none.
    pub namespace: &'a str,
    /// The object's name; empty for none.
    pub name: &'a str,
}

/// What was asked: one request, or the requests that one command of kubectl makes.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// The request; of a command, the one that it is named for. Its notes and misread words are the whole question's.
    pub meant: Meant,
    /// The command, if it is one.
    pub command: Option<Command>,
}

/// A command of kubectl, translated.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// `kubectl exec`.
    pub name: String,
    /// On what, and where: `deploy/api in payments`.
    pub object: String,
    /// What it asks of the API server, in the order in which it asks: all of it must be allowed.
    pub needs: Vec<Need>,
}

/// One request of a command.
#[derive(Clone, Debug, PartialEq)]
pub struct Need {
    /// The request.
    pub meant: Meant,
    /// Another request that does as well.
    pub instead: Option<Instead>,
}

/// A request that may stand in for another.
#[derive(Clone, Debug, PartialEq)]
pub struct Instead {
    /// The request.
    pub request: Request,
    /// Why it is not known whether it does; `None` where it surely does.
    pub open: Option<String>,
}

impl Question {
    /// Every request on which the answer may rest.
    pub fn requests(&self) -> Vec<&Request> {
        let needs = self.command.iter().flat_map(|it| &it.needs);
        let of_needs = needs.flat_map(|need| {
            let instead = need.instead.iter().map(|it| &it.request);
            std::iter::once(&need.meant.request).chain(&need.meant.alternatives).chain(instead)
        });
        std::iter::once(&self.meant.request).chain(&self.meant.alternatives).chain(of_needs).collect()
    }

    /// One request, literally.
    pub fn literal(request: Request) -> Self {
        Question::from(Meant::literal(request))
    }

    /// What is needed: of a plain request, that one.
    pub fn needs(&self) -> Vec<Need> {
        match &self.command {
            Some(command) => command.needs.clone(),
            None => vec![Need { meant: self.meant.clone(), instead: None }],
        }
    }

    /// What was asked, as it is told: `kubectl exec deploy/api in payments`, `delete pods in payments`.
    pub fn title(&self) -> String {
        match &self.command {
            Some(command) if command.object.is_empty() => command.name.clone(),
            Some(command) => format!("{} {}", command.name, command.object),
            None => self.meant.request.to_string(),
        }
    }

    /// Whether it is about all namespaces at once.
    pub fn is_everywhere(&self) -> bool {
        matches!(&self.meant.request.target, Target::Resource { namespace, .. } if namespace.is_empty())
    }

    /// The translation, as a sentence; `None` where nothing was translated.
    pub fn translation(&self) -> Option<String> {
        let command = self.command.as_ref()?;
        let all: Vec<String> = command.needs.iter().map(Need::sentence).collect();
        Some(format!("{} asks the API server for: {}", command.name, all.join("; ")))
    }
}

impl From<Meant> for Question {
    fn from(meant: Meant) -> Self {
        Question { meant, command: None }
    }
}

impl Need {
    /// `create pods/exec in payments (or get pods/exec in payments)`.
    pub fn sentence(&self) -> String {
        let everywhere = match &self.meant.request.target {
            Target::Resource { namespace, resource, .. } if namespace.is_empty() && resource == "pods" => {
                " in all namespaces"
            }
            _ => "",
        };
        let or = self.instead.as_ref().map(|it| format!(" (or {})", it.request)).unwrap_or_default();
        format!("{}{everywhere}{or}", self.meant.request)
    }
}

impl Permissions {
    /// The namespaces in which all needs of a question about all namespaces would be allowed; none where a need is about
    /// a kind that has no namespace.
    pub fn needs_allowed_in(&self, who: &Who, needs: &[Need]) -> Vec<String> {
        let is_wide = |it: &Need| resources::is_cluster_scoped(self.served(), &it.meant.request);
        let several = needs.len() > 1;
        if several && needs.iter().any(is_wide) {
            return Vec::new();
        }
        let of = |need: &Need| {
            let own = self.allowed_in(who, &need.meant.request);
            let other = need.instead.as_ref().filter(|it| it.open.is_none());
            own.into_iter().chain(other.map(|it| self.allowed_in(who, &it.request)).unwrap_or_default())
        };
        let all = needs.iter().map(|it| of(it).collect::<BTreeSet<String>>());
        all.reduce(|some, other| &some & &other).into_iter().flatten().collect()
    }

    /// May it, by the request or by what does as well?
    pub fn decide_need(&self, who: &Who, need: &Need) -> Decision {
        let own = self.decide_meant(who, &need.meant);
        let Some(instead) = need.instead.as_ref().filter(|_| own.verdict != Verdict::Yes) else { return own };
        let other = self.decide(who, &instead.request);
        match (other.verdict, &instead.open) {
            (Verdict::No, _) => own,
            (Verdict::Yes, None) => other,
            (_, open) => {
                let mut unknown = own.unknown;
                unknown.extend(open.iter().cloned().chain(other.unknown));
                Decision { verdict: Verdict::Unknown, unknown, ..Decision::default() }
            }
        }
    }
}

/// What several answers come to where all must be yes: no if one is no, else unknown if one is.
pub fn all_of(verdicts: impl IntoIterator<Item = Verdict>) -> Verdict {
    verdicts.into_iter().fold(Verdict::Yes, |all, it| match (all, it) {
        (Verdict::No, _) | (_, Verdict::No) => Verdict::No,
        (Verdict::Unknown, _) | (_, Verdict::Unknown) => Verdict::Unknown,
        _ => Verdict::Yes,
    })
}

/// The names of the commands that are translated.
pub fn commands() -> impl Iterator<Item = &'static str> {
    COMMANDS.into_iter()
}

/// The verb, the resource and the subresource of the request that a command on pods is named for: `exec` → `create`,
/// `pods`, `exec`.
pub(crate) fn request_of_command(command: &str) -> Option<(&'static str, &'static str, &'static str)> {
    Some(match command {
        "exec" | "cp" => ("create", "pods", "exec"),
        "attach" => ("create", "pods", "attach"),
        "port-forward" | "portforward" => ("create", "pods", "portforward"),
        "logs" | "log" => ("get", "pods", "log"),
        "debug" => ("patch", "pods", "ephemeralcontainers"),
        "evict" => ("create", "pods", "eviction"),
        _ => return None,
    })
}

/// Reads a question: a request, or a command of kubectl. The error says what is missing.
pub fn read_question(permissions: &Permissions, words: &Words<'_>) -> Result<Question, String> {
    let (verb, action) = words.verb.split_once(' ').unwrap_or((words.verb, ""));
    let lower = verb.to_lowercase();
    let Some(command) = COMMANDS.into_iter().find(|it| *it == lower || (*it == "logs" && lower == "log")) else {
        let name = one_name(words.rest, words.name)?;
        return Ok(meant(permissions, words.verb, words.resource, words.namespace, name).into());
    };
    // `rollout` and `auth` are followed by what to do.
    let (action, object, name) = match (command, action) {
        ("rollout" | "auth", "") => (words.resource, words.rest, words.name),
        ("rollout" | "auth", action) => (action, words.resource, words.name),
        _ => ("", words.resource, one_name(words.rest, words.name)?),
    };
    let mut notes = Vec::new();
    let object = Object::read(permissions, default_type(command), object, name, &mut notes);
    let spoken = if action.is_empty() { command.to_owned() } else { format!("{command} {action}") };
    let (steps, main) = steps(command, action, &object).ok_or_else(|| unread(&spoken, &object))?;
    let mut needs: Vec<Need> = steps.iter().map(|step| need(permissions, step, &object, words.namespace)).collect();
    let mut misread: Vec<UnknownName> = unknown_namespace(permissions, words.namespace).into_iter().collect();
    for it in &mut needs {
        notes.append(&mut it.meant.notes);
        misread.append(&mut it.meant.misread);
    }
    misread.sort();
    misread.dedup();
    let mut seen = BTreeSet::new();
    notes.retain(|it| seen.insert(it.clone()));
    let Some(main) = needs.get(main).map(|it| it.meant.clone()) else { return Err(unread(&spoken, &object)) };
    let name = format!("kubectl {spoken}");
    let object = spell(&object, words.namespace, needs.first().map(|it| &it.meant.request));
    Ok(Question { meant: Meant { notes, misread, ..main }, command: Some(Command { name, object, needs }) })
}

fn one_name<'a>(rest: &'a str, name: &'a str) -> Result<&'a str, String> {
    match (rest, name) {
        (one, "") | ("", one) => Ok(one),
        (rest, name) => Err(format!("{rest:?} and {name:?} are both given as the name: give one")),
    }
}

/// The object as it is written for kubectl, with its namespace if it has one.
fn spell(object: &Object, namespace: &str, first: Option<&Request>) -> String {
    let slash = if object.name.is_empty() || object.resource.is_empty() { "" } else { "/" };
    let is_in = namespace.is_empty() || first.is_some_and(|it| it.namespace().is_empty());
    let place = if is_in { String::new() } else { format!(" in {namespace}") };
    format!("{}{slash}{}{place}", object.resource, object.name)
}

fn unread(command: &str, object: &Object) -> String {
    let first = command.split(' ').next().unwrap_or_default();
    match (first, object.resource.is_empty()) {
        ("rollout", _) => "rollout what? restart, status, history, undo, pause, or resume, then TYPE/NAME".to_owned(),
        ("auth", _) => "auth what? can-i, or whoami".to_owned(),
        (_, true) => format!("{command} what? TYPE or TYPE/NAME as kubectl takes it: deploy/api"),
        _ => format!("kubectl {command} does not take {}", object.resource),
    }
}

/// What a command takes a bare name for.
fn default_type(command: &str) -> &'static str {
    match command {
        "exec" | "cp" | "logs" | "attach" | "port-forward" | "debug" | "run" => "pods",
        "drain" | "cordon" | "uncordon" | "taint" => "nodes",
        _ => "",
    }
}

/// On what a command works.
#[derive(Debug)]
struct Object {
    /// As it is to be asked for: `deploy`, `deployments.apps`; empty if none was given.
    resource: String,
    /// The plural that it stands for, where it is known.
    plural: String,
    /// Empty for any.
    name: String,
}

impl Object {
    /// `deploy/api`, `pods`, `web-1`: a type where there is one of that name, else the name of an object of the default
    /// type, as kubectl reads it.
    fn read(permissions: &Permissions, default: &str, word: &str, name: &str, notes: &mut Vec<String>) -> Self {
        let (kind, own) = word.split_once('/').unwrap_or((word, ""));
        let name = if name.is_empty() { own } else { name };
        let found = permissions.served().resolve(kind).map(|it| it.resource.plural.clone());
        let plural = found.clone().unwrap_or_else(|| kind.to_lowercase());
        match found {
            None if !default.is_empty() && !word.contains('/') => {
                if !word.is_empty() {
                    notes.push(format!("{word:?} is taken for the name of one of the {default}, as kubectl does"));
                }
                let name = if name.is_empty() { word } else { name };
                Object { resource: default.to_owned(), plural: default.to_owned(), name: name.to_owned() }
            }
            _ => Object { resource: kind.to_owned(), plural, name: name.to_owned() },
        }
    }
}

fn need(permissions: &Permissions, step: &Step, object: &Object, namespace: &str) -> Need {
    let namespace = match step.place {
        Place::Own => namespace,
        Place::Everywhere => "",
    };
    let name = if step.is_named { object.name.as_str() } else { "" };
    let meant = match &step.fixed {
        Some((group, resource)) => {
            let target = Target::Resource {
                group: (*group).to_owned(),
                resource: (*resource).to_owned(),
                subresource: step.subresource.to_owned(),
                namespace: namespace.to_owned(),
                name: name.to_owned(),
            };
            let request = Request { verb: step.verb.to_owned(), target };
            let is_wide = resources::is_cluster_scoped(permissions.served(), &request);
            Meant::literal(if is_wide { request.in_namespace("") } else { request })
        }
        None => {
            let of = (object.resource.as_str(), step.subresource);
            resources::meant_with_subresource(permissions, step.verb, of, namespace, name)
        }
    };
    let instead = websocket(permissions, &meant.request);
    Need { meant, instead }
}

/// kubectl opens a stream over WebSocket, a GET, and falls back to SPDY, a POST, where that is refused
/// (kubernetes/kubectl `pkg/cmd/exec/exec.go`, `createExecutor`): exec and attach from 1.30, port-forward from 1.31. The
/// API server authorized the GET as `get` alone; since 1.35 it asks for `create` as well (feature gate
/// AuthorizePodWebsocketUpgradeCreatePermission).
fn websocket(permissions: &Permissions, request: &Request) -> Option<Instead> {
    let Target::Resource { group, resource, subresource, .. } = &request.target else { return None };
    let since = match subresource.as_str() {
        "exec" | "attach" => (1, 30),
        "portforward" => (1, 31),
        _ => return None,
    };
    if !group.is_empty() || resource != "pods" || request.verb != "create" {
        return None;
    }
    let open = match permissions.version() {
        Some(version) if version < since || version >= (1, 35) => return None,
        Some(_) => None,
        None => Some(format!(
            "the cluster's Kubernetes version: from {}.{} until 1.35, get pods/{subresource} is enough",
            since.0, since.1
        )),
    };
    Some(Instead { request: Request { verb: "get".to_owned(), ..request.clone() }, open })
}

#[cfg(test)]
mod tests;

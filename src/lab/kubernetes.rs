//! A cluster's Kubernetes API: discovery, reading, and the reviews.
//!
//! Decides in the API server's own order: who is it (401), may they (403), is it there (404). The token is the real
//! one of EKS; as whom it gets in follows from the world's entries and aws-auth, as `access::identity` has it. The
//! files inside: `authenticate` (token to user), `impersonate` (acting as another), `path` (path to what is asked),
//! `resources` (what is served; `derived` and `fill` add what no world records), `form` (whole objects, `table`s with their `age`s, or
//! metadata alone), `watch` (what becomes of them), `write` (with `patch` and `escalation`), `discovery` and `openapi` (which resources there are), `reviews` (and
//! `protobuf`, in which kubectl sends them), `selector`, `status` (how a no is worded).

mod age;
mod authenticate;
mod derived;
mod discovery;
mod escalation;
mod fill;
mod form;
mod impersonate;
mod openapi;
mod patch;
mod path;
mod protobuf;
mod resources;
mod reviews;
mod selector;
mod status;
mod table;
mod watch;
mod write;

use std::sync::Arc;

use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::State;
use super::authz::{Target, User, authorize};
use super::encoding::form;
use super::http::{Answer, Request, answer, stream_answer, unanswered};
use super::page::{NoPage, page};
use super::world::history::History;
use super::world::{DISCOVERY, Withheld, World, section_of};
use crate::access::permissions::Permissions;
use crate::model::cluster::ClusterId;
use crate::model::document::ClusterDocument;
use discovery::{AGGREGATED_TYPE, Discovery, DiscoveryAnswer};
use form::ObjectForm;
use path::Asked;
use resources::{Kind, StoredObject};
use selector::Selection;
use status::Status;
use watch::WatchRequest;
use write::WriteRequest;

/// What a request is to do, as faults name it: `list/pods`. What asks for no resource has no such name.
pub(super) fn operation(request: &Request) -> Option<String> {
    let asked = Asked::read(&request.method, &request.path, &form(&request.query)?)?;
    match asked.attributes.target {
        Target::Resource { resource, subresource, .. } if subresource.is_empty() => {
            Some(format!("{}/{resource}", asked.attributes.verb))
        }
        Target::Resource { resource, subresource, .. } => {
            Some(format!("{}/{resource}/{subresource}", asked.attributes.verb))
        }
        Target::Path(_) => None,
    }
}

/// Can a call have this name? Which resources there are, each cluster decides.
pub(super) fn is_call(name: &str) -> bool {
    const VERBS: [&str; 8] = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];
    name.split_once('/').is_some_and(|(verb, resource)| VERBS.contains(&verb) && !resource.is_empty())
}

/// The answer to a request on a cluster's port; what is `broken` is not done.
pub(super) fn respond(state: &Arc<State>, id: &ClusterId, request: &Request, broken: Option<Withheld<'_>>) -> Answer {
    let world = state.world();
    let result = match world.kubernetes(id).zip(world.permissions(id)) {
        Some((cluster, permissions)) => {
            Server { state, world: &world, id, cluster, permissions, page_size: state.page_size, broken }
                .respond(request)
        }
        // The cluster is gone, but its port is still there.
        None => Err(Status::unauthorized()),
    };
    match result {
        // Health is told in one plain word.
        Ok(Reply::Body(ResponseBody { status, value: Value::String(word), .. })) => answer(status, "text/plain", word),
        Ok(Reply::Body(ResponseBody { status, content_type, value })) => {
            answer(status, content_type, value.to_string())
        }
        Ok(Reply::Watch(request)) => {
            stream_answer("application/json", watch::events(state.clone(), id.clone(), request))
        }
        Err(status) if status.silent() => unanswered(),
        Err(status) => answer(status.code(), "application/json", status.body().to_string()),
    }
}

/// One cluster at one moment.
#[derive(Clone, Copy)]
struct Server<'a> {
    state: &'a State,
    world: &'a World,
    id: &'a ClusterId,
    cluster: &'a ClusterDocument,
    permissions: &'a Permissions,
    page_size: Option<usize>,
    broken: Option<Withheld<'a>>,
}

/// An answer that is whole.
struct ResponseBody {
    status: StatusCode,
    content_type: &'static str,
    value: Value,
}

impl ResponseBody {
    fn json(status: StatusCode, value: Value) -> ResponseBody {
        ResponseBody { status, content_type: "application/json", value }
    }
}

/// An answer that is no refusal.
enum Reply {
    Body(ResponseBody),
    Watch(WatchRequest),
}

impl From<ResponseBody> for Reply {
    fn from(body: ResponseBody) -> Reply {
        Reply::Body(body)
    }
}

type Outcome = Result<Reply, Status>;

impl Server<'_> {
    fn respond(&self, request: &Request) -> Outcome {
        let user =
            authenticate::user(self.world, self.id, request, Timestamp::now()).ok_or_else(Status::unauthorized)?;
        let user = impersonate::acting(self.permissions, user, &request.headers)?;
        let query = form(&request.query).ok_or_else(|| Status::bad_request("the query string cannot be read"))?;
        let asked = Asked::read(&request.method, &request.path, &query).ok_or_else(Status::no_such_path)?;
        if let Some(broken) = self.broken {
            return Err(Status::again(broken, &user, &asked.attributes));
        }
        if authorize(self.permissions, &user, &asked.attributes).is_none() {
            return Err(Status::forbidden(&user, &asked.attributes));
        }
        match &asked.attributes.target {
            Target::Path(path) => self.path(path, &asked, &user, request),
            Target::Resource { .. } => self.resource(&asked, &user, request, &query),
        }
    }

    fn path(&self, path: &str, asked: &Asked, user: &User, request: &Request) -> Outcome {
        let is_discovery = path.split('/').nth(1).is_some_and(|it| it == "api" || it == "apis");
        if let Some(withheld) = self.world.withheld_discovery(self.id).filter(|_| is_discovery) {
            return Err(Status::again(withheld, user, &asked.attributes));
        }
        let accept: Vec<&str> =
            request.headers.get_all(http::header::ACCEPT).iter().filter_map(|it| it.to_str().ok()).collect();
        let section = section_of(self.id, DISCOVERY);
        let missing = self.world.missing(&section).collect();
        if let Some(document) = openapi::answer(self.cluster, path) {
            // Clients of old read version 2 as protobuf alone, and do without it where that is not served.
            let form = ObjectForm::wanted(&request.headers, None);
            let document = form.map(|_| ResponseBody::json(StatusCode::OK, document).into());
            return document.ok_or_else(|| Status::not_acceptable("application/json"));
        }
        match Discovery::new(self.cluster, missing, &accept.join(",")).answer(path) {
            DiscoveryAnswer::Plain(value) => Ok(ResponseBody::json(StatusCode::OK, value).into()),
            DiscoveryAnswer::Aggregated(value) => {
                Ok(ResponseBody { status: StatusCode::OK, content_type: AGGREGATED_TYPE, value }.into())
            }
            DiscoveryAnswer::Unavailable => Err(Status::unavailable()),
            DiscoveryAnswer::Nothing => Err(Status::no_such_path()),
        }
    }

    fn resource(&self, asked: &Asked, user: &User, request: &Request, query: &[(String, String)]) -> Outcome {
        let Target::Resource { group, resource, subresource, namespace, name } = &asked.attributes.target else {
            return Err(Status::no_such_path());
        };
        if request.method == Method::POST
            && let Some(review) = reviews::Review::of(group, resource)
        {
            let body = serde_json::from_slice(&request.body).ok().or_else(|| protobuf::review(&request.body));
            let body = body.ok_or_else(|| Status::bad_request("the body of the request is no review"))?;
            let review = review.perform(self.permissions, user, body)?;
            return Ok(ResponseBody::json(StatusCode::CREATED, review).into());
        }
        let served = discovery::served(self.cluster);
        let of_object = subresource.is_empty() || subresource == "status" && asked.attributes.verb == "get";
        let kind = resources::find(served, group, &asked.version, resource).filter(|_| of_object);
        let kind = kind.ok_or_else(Status::no_such_path)?;
        let value = |name: &str| {
            let found = query.iter().find(|(it, _)| it == name).map(|(_, value)| value.clone());
            found.filter(|it| !it.is_empty())
        };
        let include = value("includeObject");
        let form = ObjectForm::wanted(&request.headers, include.as_deref());
        let form = form.ok_or_else(|| Status::not_acceptable("application/json"))?;
        if !kind.namespaced && !namespace.is_empty() && kind.resource != "namespaces" {
            return Err(Status::not_allowed());
        }
        let again = |withheld| Status::again(withheld, user, &asked.attributes);
        let section = kind.section.map(|it| section_of(self.id, it));
        if let Some(withheld) = section.as_deref().and_then(|it| self.world.withheld(it, None)) {
            return Err(again(withheld));
        }
        let unread = section.as_deref().and_then(|it| self.world.rest(it)).map(again);
        match asked.attributes.verb.as_str() {
            "get" => {
                let mut objects = resources::objects(self.cluster, &kind, namespace);
                let found = objects.find(|it| it.name() == *name);
                let found = found.ok_or_else(|| unread.unwrap_or_else(|| Status::not_found(&kind, name)))?;
                let object = form.one(&kind, found.render(self.cluster), true);
                Ok(ResponseBody::json(StatusCode::OK, object).into())
            }
            "list" => self.list(&kind, namespace, unread, form, value).map(Reply::from),
            "watch" => {
                let selection = selection(value)?;
                Ok(Reply::Watch(WatchRequest::read(kind, namespace, selection, form, value)?))
            }
            verb => WriteRequest {
                user,
                // A namespace is in itself by its path only.
                namespace: if kind.namespaced { namespace } else { "" },
                name: if verb == "deletecollection" { "" } else { name },
                kind,
                selection: selection(value)?,
                form,
                is_dry_run: value("dryRun").is_some(),
                request,
            }
            .perform(self.state, self.id),
        }
    }

    fn list(
        &self,
        kind: &Kind,
        namespace: &str,
        unread: Option<Status>,
        form: ObjectForm,
        value: impl Fn(&str) -> Option<String> + Copy,
    ) -> Result<ResponseBody, Status> {
        let selection = selection(value)?;
        let mut objects: Vec<StoredObject<'_>> = resources::objects(self.cluster, kind, namespace).collect();
        if !selection.is_empty() {
            objects.retain(|it| selection.fits(&it.render(self.cluster)));
        }
        let asked = match value("limit").as_deref().map(str::parse::<usize>) {
            None | Some(Ok(0)) => usize::MAX,
            Some(Ok(limit)) => limit,
            Some(Err(_)) => return Err(Status::bad_request("limit must be a number")),
        };
        let limit = asked.min(self.page_size.unwrap_or(usize::MAX));
        let (page, next) = page(objects, limit, value("continue").as_deref(), unread).map_err(|why| match why {
            NoPage::BadToken => Status::bad_request("continue key is not valid"),
            NoPage::Unread(status) => status,
        })?;
        let version = self.world.history(self.id).map_or(1, History::version);
        let mut metadata = json!({ "resourceVersion": version.to_string() });
        if let (Some(next), Value::Object(metadata)) = (next, &mut metadata) {
            metadata.insert("continue".to_owned(), Value::from(next));
        }
        let items = page.iter().map(|it| it.render(self.cluster)).collect();
        Ok(ResponseBody::json(StatusCode::OK, form.list(kind, items, metadata)))
    }
}

/// What a request selects by.
fn selection(value: impl Fn(&str) -> Option<String>) -> Result<Selection, Status> {
    Selection::read(value)
        .map_err(|(parameter, text)| Status::bad_request(&format!("the {parameter} {text:?} is not known here")))
}

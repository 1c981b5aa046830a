//! A cluster's Kubernetes API: discovery, reading, and the reviews.
//!
//! Decides in the API server's own order: who is it (401), may they (403), is it there (404). The token is the real
//! one of EKS; as whom it gets in follows from the world's entries and aws-auth, as `access::identity` has it. The
//! files inside: `authenticate` (token to user), `impersonate` (acting as another), `path` (path to what is asked),
//! `resources` (what is served, and discovery), `reviews` (and `protobuf`, in which kubectl sends them), `selector`,
//! `status` (how a no is worded).

mod authenticate;
mod impersonate;
mod path;
mod protobuf;
mod resources;
mod reviews;
mod selector;
mod status;

use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::State;
use super::authz::{Target, User, authorize};
use super::encoding::form;
use super::http::{Answer, Request, answer};
use super::world::{Withheld, World, section_of};
use crate::model::cluster::ClusterId;
use crate::model::document::{ClusterDocument, Manifest};
use path::Asked;
use status::Status;

/// The answer to a request on a cluster's port.
pub(super) fn respond(state: &State, id: &ClusterId, request: &Request) -> Answer {
    let world = state.world();
    let result = match world.cluster(id) {
        Some(cluster) => Server { world: &world, id, cluster, page_size: state.page_size }.respond(request),
        // The cluster is gone, but its port is still there.
        None => Err(Status::unauthorized()),
    };
    match result {
        // Health is told in one plain word.
        Ok((status, Value::String(word))) => answer(status, "text/plain", word),
        Ok((status, body)) => answer(status, "application/json", body.to_string()),
        Err(status) => answer(status.code(), "application/json", status.body().to_string()),
    }
}

/// One cluster at one moment.
#[derive(Clone, Copy)]
struct Server<'a> {
    world: &'a World,
    id: &'a ClusterId,
    cluster: &'a ClusterDocument,
    page_size: Option<usize>,
}

type Outcome = Result<(StatusCode, Value), Status>;

impl Server<'_> {
    fn respond(&self, request: &Request) -> Outcome {
        let user =
            authenticate::user(self.world, self.id, request, Timestamp::now()).ok_or_else(Status::unauthorized)?;
        let user = impersonate::acting(self.cluster, user, &request.headers)?;
        let query = form(&request.query).ok_or_else(|| Status::bad_request("the query string cannot be read"))?;
        let asked = Asked::read(&request.method, &request.path, &query).ok_or_else(Status::no_such_path)?;
        if authorize(self.cluster, &user, &asked.attributes).is_none() {
            return Err(Status::forbidden(&user, &asked.attributes));
        }
        match &asked.attributes.target {
            Target::Path(path) => {
                resources::discovery(path, self.cluster).map(|it| (StatusCode::OK, it)).ok_or_else(Status::no_such_path)
            }
            Target::Resource { .. } => self.resource(&asked, &user, request, &query),
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
            return Ok((StatusCode::CREATED, review.perform(self.cluster, user, body)?));
        }
        let kind = resources::find(group, &asked.version, resource).filter(|_| subresource.is_empty());
        let kind = kind.ok_or_else(Status::no_such_path)?;
        let reads = matches!(asked.attributes.verb.as_str(), "get" | "list");
        if !reads || !kind.namespaced && !namespace.is_empty() && kind.resource != "namespaces" {
            return Err(Status::not_allowed(&asked.attributes.verb));
        }
        self.withheld(kind, user, asked)?;
        let mut objects = resources::objects(self.cluster, kind, namespace);
        if asked.attributes.verb == "get" {
            let found = objects.find(|(metadata, _)| metadata.name == *name);
            let (_, found) = found.ok_or_else(|| Status::not_found(kind, name))?;
            return Ok((StatusCode::OK, resources::render(found, &self.cluster.cluster.name)));
        }
        self.list(kind, objects.map(|(_, object)| object).collect(), query)
    }

    /// A section that was refused or failed when the world was taken is so again.
    fn withheld(&self, kind: &resources::Kind, user: &User, asked: &Asked) -> Result<(), Status> {
        let withheld = kind.section.and_then(|it| self.world.withheld(&section_of(self.id, it), None));
        match withheld {
            None => Ok(()),
            Some(Withheld::Failed(said)) => Err(Status::internal(said)),
            Some(Withheld::Refused) => Err(Status::forbidden(user, &asked.attributes)),
        }
    }

    fn list(&self, kind: &resources::Kind, mut objects: Vec<&Manifest>, query: &[(String, String)]) -> Outcome {
        let value =
            |name: &str| query.iter().find(|(it, _)| it == name).map(|(_, v)| v.as_str()).filter(|it| !it.is_empty());
        for (parameter, of) in [("labelSelector", selector::Of::Labels), ("fieldSelector", selector::Of::Fields)] {
            if let Some(text) = value(parameter) {
                let terms = selector::read(text)
                    .ok_or_else(|| Status::bad_request(&format!("the {parameter} {text:?} is not known here")))?;
                objects.retain(|object| {
                    let object = resources::render(object, &self.cluster.cluster.name);
                    terms.iter().all(|term| term.fits(&object, of))
                });
            }
        }
        let asked = match value("limit").map(str::parse::<usize>) {
            None | Some(Ok(0)) => usize::MAX,
            Some(Ok(limit)) => limit,
            Some(Err(_)) => return Err(Status::bad_request("limit must be a number")),
        };
        let limit = asked.min(self.page_size.unwrap_or(usize::MAX));
        let (page, next) = super::page::page(objects, limit, value("continue"))
            .map_err(|_| Status::bad_request("continue key is not valid"))?;
        let item = |object: &Manifest| {
            let mut item = resources::render(object, &self.cluster.cluster.name);
            // Items of a typed list carry no kind of their own.
            if let Value::Object(members) = &mut item {
                members.shift_remove("apiVersion");
                members.shift_remove("kind");
            }
            item
        };
        let items: Vec<Value> = page.into_iter().map(item).collect();
        let mut metadata = json!({ "resourceVersion": resources::VERSION });
        if let (Some(next), Value::Object(metadata)) = (next, &mut metadata) {
            metadata.insert("continue".to_owned(), Value::from(next));
        }
        let list = json!({
            "kind": format!("{}List", kind.kind),
            "apiVersion": kind.api_version(),
            "metadata": metadata,
            "items": items,
        });
        Ok((StatusCode::OK, list))
    }
}

//! Writing objects: create, replace, patch, delete.
//!
//! Decides what the API server decides before it stores: does the object fit the kind and the place, is it new, was it
//! changed meanwhile, does it grant more than its author has. Of an object the lab keeps what a world records, so no value of a
//! secret variable ever gets in; kinds that the world does not hold are not taken. There are no controllers: a deleted pod
//! is not replaced, and what is in a deleted namespace goes with it at once.

use http::{Method, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::super::State;
use super::super::authz::User;
use super::super::http::Request;
use super::super::keys::uuid;
use super::super::world::World;
use super::super::world::history::{metadata_mut, metadata_of};
use super::escalation::check_grant;
use super::form::ObjectForm;
use super::patch::{PATCH_TYPES, PatchKind};
use super::resources::{self, Kind};
use super::selector::Selection;
use super::status::Status;
use super::{Reply, ResponseBody, protobuf};
use crate::model::cluster::ClusterId;
use crate::model::document::{ClusterDocument, Manifest};
use crate::model::rbac::Metadata;
use crate::model::time::Time;

/// A request that writes.
pub(super) struct WriteRequest<'a> {
    pub(super) user: &'a User,
    pub(super) kind: Kind,
    /// Empty for what is in no namespace.
    pub(super) namespace: &'a str,
    /// Empty for a collection.
    pub(super) name: &'a str,
    /// What is deleted of a collection.
    pub(super) selection: Selection,
    pub(super) form: ObjectForm,
    /// `dryRun=All`: as if, but not stored.
    pub(super) is_dry_run: bool,
    pub(super) request: &'a Request,
}

/// What is to be stored, and what is answered once it is.
struct Written {
    changes: Vec<(Option<Manifest>, Option<Manifest>)>,
    status: StatusCode,
    answer: Answered,
}

enum Answered {
    /// The object of the first change, as it is then.
    Object,
    /// That it was done.
    Done(Value),
}

impl WriteRequest<'_> {
    /// Does it, judged by the newest world.
    pub(super) fn perform(&self, state: &State, id: &ClusterId) -> Result<Reply, Status> {
        if self.kind.section.is_none() {
            return Err(Status::not_held(&self.kind));
        }
        let now = state.clock.now();
        state.write_objects(|world| {
            let cluster = world.kubernetes(id).ok_or_else(Status::unauthorized)?;
            let written = match self.request.method {
                Method::POST => self.create(cluster, world, id, now)?,
                Method::PUT | Method::PATCH => self.change(cluster)?,
                Method::DELETE => self.delete(cluster)?,
                _ => return Err(Status::not_allowed()),
            };
            let permissions = world.permissions(id).ok_or_else(Status::unauthorized)?;
            for after in written.changes.iter().filter_map(|(_, after)| after.as_ref()) {
                check_grant(permissions, cluster, self.user, after)?;
            }
            let name =
                written.changes.first().and_then(|(_, after)| Some(metadata_of(after.as_ref()?)?.1.name.clone()));
            let next = world.with_objects(id, written.changes);
            let answer = match (written.answer, next.kubernetes(id)) {
                (Answered::Done(done), _) => done,
                (Answered::Object, Some(cluster)) => {
                    let mut all = resources::objects(cluster, &self.kind, self.namespace);
                    let object = all.find(|it| Some(it.name()) == name.as_deref());
                    let object = object.ok_or_else(|| Status::not_found(&self.kind, self.name))?;
                    self.form.one(&self.kind, object.render(cluster), true)
                }
                (Answered::Object, None) => return Err(Status::unauthorized()),
            };
            let reply = ResponseBody::json(written.status, answer).into();
            Ok((reply, (!self.is_dry_run && !self.is_dry_deletion()).then_some(next)))
        })
    }

    fn create(&self, cluster: &ClusterDocument, world: &World, id: &ClusterId, now: Time) -> Result<Written, Status> {
        let body = self.body()?;
        let version = world.history(id).map_or(0, |it| it.version());
        let mut object = self.parse(body.clone())?;
        let metadata = metadata_mut(&mut object).ok_or_else(|| Status::bad_request("the object has no metadata"))?;
        self.place(metadata)?;
        if metadata.name.is_empty() {
            let prefix = body.pointer("/metadata/generateName").and_then(Value::as_str).unwrap_or_default();
            if prefix.is_empty() {
                return Err(Status::invalid(
                    &self.kind,
                    "",
                    "metadata.name: Required value: name or generateName is required",
                ));
            }
            let suffix: String = uuid(&format!("{prefix} {version}")).chars().filter(|it| *it != '-').take(5).collect();
            metadata.name = format!("{prefix}{suffix}");
        }
        let name = metadata.name.clone();
        // Not that of an object of the same name that was deleted.
        metadata.uid =
            Some(uuid(&format!("{} {version} {}/{}/{name}", cluster.cluster.name, self.kind.kind, self.namespace)));
        metadata.creation_timestamp = Some(now);
        if self.kind.kind == "Namespace" {
            metadata.labels.insert("kubernetes.io/metadata.name".to_owned(), name.clone());
        }
        if let Manifest::Namespace(namespace) = &mut object {
            namespace.status = Some(serde_json::from_value(json!({ "phase": "Active" })).unwrap_or_default());
        }
        if self.find(cluster, &name).is_some() {
            return Err(Status::already_exists(&self.kind, &name));
        }
        if !self.namespace.is_empty() && self.kind.namespaced && !has_namespace(cluster, self.namespace) {
            return Err(Status::no_such_object("", "namespaces", self.namespace));
        }
        Ok(Written { changes: vec![(None, Some(object))], status: StatusCode::CREATED, answer: Answered::Object })
    }

    /// Replaces or patches.
    fn change(&self, cluster: &ClusterDocument) -> Result<Written, Status> {
        let before = self.find(cluster, self.name).ok_or_else(|| Status::not_found(&self.kind, self.name))?;
        let body = self.body()?;
        let is_patch = self.request.method == Method::PATCH;
        let body = if is_patch {
            let kind = self.request.header("content-type").and_then(PatchKind::parse);
            let kind = kind.ok_or_else(|| Status::unsupported_media_type(PATCH_TYPES))?;
            // Manifests are plain data: they always become JSON.
            let object = serde_json::to_value(before).unwrap_or_default();
            kind.apply(object, body).map_err(|said| Status::invalid(&self.kind, self.name, &said))?
        } else {
            body
        };
        let held = metadata_of(before).map(|(_, it)| it.clone()).unwrap_or_default();
        let own = held.resource_version.as_deref().unwrap_or("1");
        let mut object = self.parse(body)?;
        let metadata = metadata_mut(&mut object).ok_or_else(|| Status::bad_request("the object has no metadata"))?;
        self.place(metadata)?;
        if metadata.name != held.name {
            return Err(Status::bad_request("the name of the object does not match the name on the URL"));
        }
        if metadata.resource_version.as_deref().is_some_and(|it| !it.is_empty() && it != own) {
            return Err(Status::conflict(&self.kind, self.name));
        }
        metadata.uid = held.uid.clone();
        metadata.creation_timestamp = held.creation_timestamp;
        metadata.resource_version = held.resource_version.clone();
        // What changes nothing is not stored.
        let changes = if object == *before { Vec::new() } else { vec![(Some(before.clone()), Some(object))] };
        if changes.is_empty() {
            let object = self.form.one(&self.kind, resources::render(before, cluster), true);
            return Ok(Written { changes, status: StatusCode::OK, answer: Answered::Done(object) });
        }
        Ok(Written { changes, status: StatusCode::OK, answer: Answered::Object })
    }

    fn delete(&self, cluster: &ClusterDocument) -> Result<Written, Status> {
        let all = cluster.kubernetes.iter().flatten();
        if self.name.is_empty() {
            let chosen = all.filter(|it| self.is_here(it) && self.selection.fits(&resources::render(it, cluster)));
            let changes = chosen.map(|it| (Some(it.clone()), None)).collect();
            return Ok(Written { changes, status: StatusCode::OK, answer: Answered::Done(self.success("")) });
        }
        let found = self.find(cluster, self.name).ok_or_else(|| Status::not_found(&self.kind, self.name))?;
        let uid = resources::render(found, cluster).pointer("/metadata/uid").and_then(Value::as_str).map(str::to_owned);
        let options = self.delete_options();
        let wanted = options.pointer("/preconditions/uid").and_then(Value::as_str);
        if wanted.is_some() && wanted != uid.as_deref() {
            return Err(Status::conflict(&self.kind, self.name));
        }
        let mut changes = vec![(Some(found.clone()), None)];
        if self.kind.kind == "Namespace" {
            let is_inside =
                |it: &&Manifest| metadata_of(it).is_some_and(|(_, it)| it.namespace.as_deref() == Some(self.name));
            changes.splice(0..0, all.filter(is_inside).map(|it| (Some(it.clone()), None)));
        }
        let done = self.success(&uid.unwrap_or_default());
        Ok(Written { changes, status: StatusCode::OK, answer: Answered::Done(done) })
    }

    /// The options of a deletion; none where they cannot be read.
    fn delete_options(&self) -> Value {
        serde_json::from_slice(&self.request.body).unwrap_or_default()
    }

    /// Is it a deletion whose body asks for a dry run?
    fn is_dry_deletion(&self) -> bool {
        let is_delete = self.request.method == Method::DELETE;
        is_delete && self.delete_options().get("dryRun").and_then(Value::as_array).is_some_and(|it| !it.is_empty())
    }

    fn success(&self, uid: &str) -> Value {
        let Kind { resource, group, .. } = &self.kind;
        let mut details = json!({ "name": self.name, "group": group, "kind": resource, "uid": uid });
        if let Value::Object(members) = &mut details {
            members.retain(|_, value| *value != json!(""));
        }
        json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details })
    }

    /// The body as JSON. Typed clients send protobuf.
    fn body(&self) -> Result<Value, Status> {
        let body = &self.request.body;
        serde_json::from_slice(body).or_else(|error| {
            let is_json = self.request.header("content-type").is_none_or(|it| it.contains("json"));
            let unknown = if is_json {
                Status::bad_request(&format!("the object provided is unrecognized: {error}"))
            } else {
                Status::unsupported_media_type("application/json")
            };
            protobuf::object(body).ok_or(unknown)
        })
    }

    fn is_here(&self, manifest: &Manifest) -> bool {
        let metadata = resources::metadata_if(manifest, &self.kind);
        let is_in = |it: &Metadata| self.namespace.is_empty() || it.namespace.as_deref() == Some(self.namespace);
        metadata.is_some_and(|it| !self.kind.namespaced || is_in(it))
    }

    fn find<'c>(&self, cluster: &'c ClusterDocument, name: &str) -> Option<&'c Manifest> {
        let is_it = |it: &&Manifest| self.is_here(it) && metadata_of(it).is_some_and(|(_, it)| it.name == name);
        cluster.kubernetes.iter().flatten().find(is_it)
    }

    /// Puts an object where the path says.
    fn place(&self, metadata: &mut Metadata) -> Result<(), Status> {
        let wanted = (self.kind.namespaced && !self.namespace.is_empty()).then(|| self.namespace.to_owned());
        if metadata.namespace.as_ref().is_some_and(|it| !it.is_empty() && wanted.as_ref() != Some(it)) {
            return Err(Status::bad_request(
                "the namespace of the provided object does not match the namespace sent on the request",
            ));
        }
        metadata.namespace = wanted;
        Ok(())
    }

    /// The object of a body, as far as a world records it.
    fn parse(&self, mut body: Value) -> Result<Manifest, Status> {
        let said = |member: &str| body.get(member).and_then(Value::as_str);
        if said("kind").is_some_and(|it| it != self.kind.kind)
            || said("apiVersion").is_some_and(|it| it != self.kind.api_version())
        {
            return Err(Status::bad_request(&format!(
                "the object is no {} of {}, as the URL has it",
                self.kind.kind,
                self.kind.api_version()
            )));
        }
        // Without a name there may be one to be generated.
        if let Some(Value::Object(metadata)) = body.get_mut("metadata") {
            metadata.entry("name").or_insert_with(|| Value::from(""));
        }
        match self.kind.kind.as_str() {
            "ConfigMap" => self.typed(body).map(Manifest::ConfigMap),
            "Namespace" => self.typed(body).map(Manifest::Namespace),
            "ServiceAccount" => self.typed(body).map(Manifest::ServiceAccount),
            "Pod" => self.typed(body).map(Manifest::Pod),
            "Node" => self.typed(body).map(Manifest::Node),
            "DaemonSet" => self.typed(body).map(Manifest::DaemonSet),
            "NetworkPolicy" => self.typed(body).map(Manifest::NetworkPolicy),
            "Role" => self.typed(body).map(Manifest::Role),
            "ClusterRole" => self.typed(body).map(Manifest::ClusterRole),
            "RoleBinding" => self.typed(body).map(Manifest::RoleBinding),
            "ClusterRoleBinding" => self.typed(body).map(Manifest::ClusterRoleBinding),
            _ => Err(Status::not_held(&self.kind)),
        }
    }

    fn typed<T: DeserializeOwned>(&self, body: Value) -> Result<T, Status> {
        serde_json::from_value(body).map_err(|error| Status::invalid(&self.kind, self.name, &error.to_string()))
    }
}

/// Is there a namespace? A world that records none does not say.
fn has_namespace(cluster: &ClusterDocument, name: &str) -> bool {
    let mut names = cluster.kubernetes.iter().flatten().filter_map(|it| match it {
        Manifest::Namespace(it) => Some(it.metadata.name.as_str()),
        _ => None,
    });
    let mut any = false;
    names.any(|it| {
        any = true;
        it == name
    }) || !any
}

//! EKS, the writing calls.
//!
//! Decides the order of things: whose turn it is, whether the request was answered before (by its token), what it says,
//! and then what becomes of the cluster, which is changed in a copy and put in place whole. Values are judged by
//! `model::validation`; that a caller may, by the one who called this. The files inside: `entries` (access entries and
//! their policies), `associations` (Pod Identity), `tags`.

mod associations;
mod entries;
mod tags;

use http::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::super::State;
use super::super::aws::{Call, Refusal};
use super::super::world::timeline::Memory;
use super::super::world::{World, section_of};
use super::operation::Write;
use super::{denied, invalid, not_found};
use crate::model::cluster::ClusterId;
use crate::model::document::ClusterDocument;
use crate::model::validation;

/// The body of the answer to a call that writes. `id` is the cluster that the path names; tags name theirs by their ARN.
pub(super) fn perform(state: &State, call: &Call<'_>, write: &Write, id: Option<&ClusterId>) -> Result<Value, Refusal> {
    state.timeline.write(
        || state.clock.passed(),
        |newest, memory| {
            let now = state.clock.now();
            let call = Call { world: newest, written: now, ..*call };
            let id = match (write, id) {
                (_, Some(id)) => id.clone(),
                (Write::TagResource(arn) | Write::UntagResource(arn), None) => tags::cluster_of(newest, arn)?,
                (_, None) => return Err(not_found("No cluster is named.".to_owned())),
            };
            let cluster = newest.cluster(&id).ok_or_else(|| {
                // Its name was looked up before.
                not_found(format!("No cluster found for name: {}.", id.name))
            })?;
            let mut draft = Draft { call: &call, memory, seed: state.seed, id: &id, next: cluster.clone() };
            let answer = draft.once(write)?;
            // A request that was answered before changes nothing, nor does one that finds things as it wants them.
            let next = (draft.next != *cluster).then(|| newest.with_cluster(&id, draft.next));
            Ok((answer, next))
        },
    )
}

/// The cluster as it is to be, while a call works on it.
struct Draft<'a> {
    call: &'a Call<'a>,
    memory: &'a mut Memory,
    seed: u64,
    id: &'a ClusterId,
    next: ClusterDocument,
}

impl Draft<'_> {
    /// Does it, unless it makes something under a token that was used before: then that one's answer is given again.
    fn once(&mut self, write: &Write) -> Result<Value, Refusal> {
        let body = self.body()?;
        let makes = matches!(write, Write::CreateAccessEntry | Write::CreatePodIdentityAssociation);
        let token = body.get("clientRequestToken").and_then(Value::as_str).filter(|it| makes && !it.is_empty());
        let Some(token) = token.map(str::to_owned) else { return self.change(write, body) };
        let account = self.call.caller.account.clone();
        let asked = json!([self.id.region, self.call.request.path, body]);
        if let Some((before, answer)) = self.memory.answered(&account, &token) {
            // Our words.
            let other = || invalid("The clientRequestToken was used before, with other parameters.");
            return if *before == asked { Ok(answer.clone()) } else { Err(other()) };
        }
        let answer = self.change(write, body)?;
        self.memory.remember(&account, &token, asked, answer.clone());
        Ok(answer)
    }

    fn change(&mut self, write: &Write, body: Value) -> Result<Value, Refusal> {
        if !matches!(write, Write::TagResource(_) | Write::UntagResource(_)) {
            validation::accepts_changes(&self.next.cluster)?;
        }
        match write {
            Write::TagResource(arn) => self.tag(arn, read(body)?),
            Write::UntagResource(arn) => self.untag(arn),
            Write::CreateAccessEntry => self.create_entry(read(body)?),
            Write::UpdateAccessEntry(arn) => self.update_entry(arn, read(body)?),
            Write::DeleteAccessEntry(arn) => self.delete_entry(arn),
            Write::AssociateAccessPolicy(arn) => self.associate_policy(arn, read(body)?),
            Write::DisassociateAccessPolicy(arn, policy) => self.disassociate_policy(arn, policy),
            Write::CreatePodIdentityAssociation => self.create_association(read(body)?),
            Write::UpdatePodIdentityAssociation(id) => self.update_association(id, read(body)?),
            Write::DeletePodIdentityAssociation(id) => self.delete_association(id),
        }
    }

    fn world(&self) -> &World {
        self.call.world
    }

    fn body(&self) -> Result<Value, Refusal> {
        let body = &self.call.request.body;
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(json!({}));
        }
        serde_json::from_slice(body).map_err(|error| malformed(&error))
    }

    /// The caller must be allowed to hand the role to a service.
    fn pass_role(&self, role: &str) -> Result<(), Refusal> {
        self.world().refusal(self.call.caller, "iam:PassRole", role).map_or(Ok(()), |message| Err(denied(message)))
    }

    /// What a new thing's ids are made of: the same for the same writes in a lab of the same seed.
    fn fresh(&mut self, of: &str) -> String {
        format!("{} {} {} {} {of}", self.seed, self.memory.next_id(), self.id.region, self.id.name)
    }

    /// Is something known by name alone, in the part of a section that was not read?
    fn is_missing(&self, section: &str, item: &str) -> bool {
        self.world().missing(&section_of(self.id, section)).any(|it| it == item)
    }
}

fn read<T: DeserializeOwned>(body: Value) -> Result<T, Refusal> {
    serde_json::from_value(body).map_err(|error| malformed(&error))
}

/// What cannot be read, AWS refuses before any service looks at it.
fn malformed(error: &serde_json::Error) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, "SerializationException", format!("The request cannot be read: {error}."))
}

#[cfg(test)]
mod tests;

//! EKS as REST-JSON.
//!
//! Decides which operation a path is, whether the caller may perform it, and what EKS answers, in its own error codes
//! and texts; the reading calls are here, the writing ones in `write`. A new operation is a variant of [`Operation`] (in
//! `operation`) with its route; the compiler asks for the rest.

mod operation;
mod write;

use std::collections::BTreeMap;

use http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::State;
use super::aws::{Call, Refusal, Service};
use super::encoding::query;
use super::http::Request;
use super::page::{NoPage, page};
use super::world::{Withheld, section_of};
use crate::access::catalog;
use crate::model::cluster::ClusterId;
use crate::model::document::ClusterDocument;
use crate::model::mapping::AccessEntry;
use crate::model::time::Time;
use crate::model::validation::{self, Code, Home, Invalid};
use crate::model::workload::PodIdentityAssociation;
pub(super) use operation::OPERATIONS;
use operation::{Operation, Write};

/// The name of the operation that a request asks for.
pub(super) fn operation_name(request: &Request) -> Option<&'static str> {
    Operation::route(&request.method, &request.path).map(|(operation, _)| operation.name())
}

/// The body of the answer to a call.
pub(super) fn perform(state: &State, call: &Call<'_>) -> Result<Value, Refusal> {
    let unknown = || Refusal::new(StatusCode::NOT_FOUND, "UnknownOperationException", "The operation is not known.");
    let (operation, cluster) = Operation::route(&call.request.method, &call.request.path).ok_or_else(unknown)?;
    let pairs = query(&call.request.query).ok_or_else(|| invalid("The query string cannot be read."))?;
    let eks = Eks { call, query: pairs.into_iter().collect(), unread: None };
    let resource = eks.resource(&operation, cluster.as_deref());
    let action = format!("eks:{}", operation.name());
    if let Some(message) = call.world.refusal(call.caller, &action, &resource) {
        return Err(denied(message));
    }
    let Some(name) = cluster else {
        return match operation {
            Operation::Write(write) => write::perform(state, call, &write, None),
            Operation::ListTagsForResource(arn) => eks.list_tags(&arn),
            Operation::ListAccessPolicies => eks.list_access_policies(),
            _ => eks.list_clusters(),
        };
    };
    let id = ClusterId { region: call.region.to_owned(), name };
    // A write is judged by the newest world, which has the same clusters.
    let Some(cluster) = call.world.cluster(&id) else {
        return Err(not_found(format!("No cluster found for name: {}.", id.name)));
    };
    let section = section_of(&id, operation.section().unwrap_or_default());
    let again = |withheld: Withheld<'_>| {
        let who = &call.caller.arn;
        let said = || denied(format!("User: {who} is not authorized to perform: {action} on resource: {resource}"));
        Refusal::again(withheld, Service::Eks, said)
    };
    if let Some(withheld) = call.world.withheld(&section, operation.item()) {
        return Err(again(withheld));
    }
    let unread = call.world.rest(&section).map(again);
    let of_item = operation.item().is_some();
    // The pages of one item are its own.
    let eks = Eks { unread: unread.clone().filter(|_| !of_item), ..eks };
    let result = match operation {
        Operation::Write(write) => write::perform(state, call, &write, Some(&id)),
        operation => eks.of_cluster(operation, cluster, &section),
    };
    match (result, unread) {
        // What is not in the part that was read may be in the rest.
        (Err(refusal), Some(unread)) if of_item && refusal.status == StatusCode::NOT_FOUND => Err(unread),
        (result, _) => result,
    }
}

struct Eks<'a> {
    call: &'a Call<'a>,
    query: BTreeMap<String, String>,
    /// Why the end of the section that is asked for was not read.
    unread: Option<Refusal>,
}

impl Eks<'_> {
    /// What the refusal of an operation names.
    fn resource(&self, operation: &Operation, cluster: Option<&str>) -> String {
        let Home { partition, account } = self.call.world.home();
        let region = self.call.region;
        match (operation, cluster) {
            (Operation::ListTagsForResource(arn), _)
            | (Operation::Write(Write::TagResource(arn) | Write::UntagResource(arn)), _) => arn.clone(),
            (_, Some(name)) => format!("arn:{partition}:eks:{region}:{account}:cluster/{name}"),
            (Operation::ListClusters, None) => format!("arn:{partition}:eks:{region}:{account}:cluster/*"),
            _ => "*".to_owned(),
        }
    }

    fn asked(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A page of items under a member's name, with `nextToken` (null at the end, as EKS has it).
    fn page(&self, member: &str, items: Vec<Value>) -> Result<Value, Refusal> {
        let asked = match self.asked("maxResults").map(str::parse::<usize>) {
            None => None,
            Some(Ok(asked @ 1..=100)) => Some(asked),
            Some(_) => return Err(invalid("maxResults must be from 1 to 100.")),
        };
        let limit = self.call.page_limit(asked, 100);
        let (items, token) =
            page(items, limit, self.asked("nextToken"), self.unread.clone()).map_err(|why| match why {
                NoPage::BadToken => invalid("The nextToken is invalid."),
                NoPage::Unread(refusal) => refusal,
            })?;
        Ok(json!({ member: items, "nextToken": token }))
    }

    fn list_clusters(&self) -> Result<Value, Refusal> {
        let all = self.asked("include") == Some("all");
        let here = self
            .call
            .world
            .clusters()
            .filter(|(id, it)| id.region == self.call.region && (all || it.cluster.connector_config.is_none()));
        self.page("clusters", here.map(|(id, _)| Value::from(id.name.as_str())).collect())
    }

    fn list_access_policies(&self) -> Result<Value, Refusal> {
        let all: Value = serde_json::from_str(catalog::TABLE).unwrap_or_default();
        let policies = all.get("policies").and_then(Value::as_array).into_iter().flatten();
        let text = |of: &Value, name: &str| of.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let here = format!("arn:{}:", self.call.world.base.partition);
        let policy =
            |it: &Value| json!({ "name": text(it, "name"), "arn": text(it, "arn").replacen("arn:aws:", &here, 1) });
        self.page("accessPolicies", policies.map(policy).collect())
    }

    fn list_tags(&self, arn: &str) -> Result<Value, Refusal> {
        let found = self.call.world.clusters().find_map(|(_, it)| tags_of(it, arn));
        let tags = found.ok_or_else(|| {
            Refusal::new(StatusCode::NOT_FOUND, "NotFoundException", format!("No resource found for ARN: {arn}."))
        })?;
        Ok(json!({ "tags": tags }))
    }

    fn of_cluster(&self, operation: Operation, it: &ClusterDocument, section: &str) -> Result<Value, Refusal> {
        let name = &it.cluster.name;
        match operation {
            Operation::DescribeCluster => Ok(json!({ "cluster": wire(&it.cluster) })),
            Operation::ListAccessEntries => {
                let entries = entries(it)?.iter().filter(|entry| match self.asked("associatedPolicyArn") {
                    Some(arn) => {
                        entry.associated_access_policies.iter().flatten().any(|policy| policy.policy_arn == arn)
                    }
                    None => true,
                });
                let entries = entries.map(|entry| entry.principal_arn.as_str());
                self.names("accessEntries", entries, section)
            }
            Operation::DescribeAccessEntry(arn) => Ok(entry_answer(entry(it, &arn)?)),
            Operation::ListAssociatedAccessPolicies(arn) => {
                let entry = entry(it, &arn)?;
                let policies = entry.associated_access_policies.iter().flatten().map(wire).collect();
                let mut answer = self.page("associatedAccessPolicies", policies)?;
                if let Value::Object(members) = &mut answer {
                    members.insert("clusterName".to_owned(), Value::from(name.as_str()));
                    members.insert("principalArn".to_owned(), Value::from(entry.principal_arn.as_str()));
                }
                Ok(answer)
            }
            Operation::ListPodIdentityAssociations => {
                const SUMMARY: [&str; 6] =
                    ["clusterName", "namespace", "serviceAccount", "associationArn", "associationId", "ownerArn"];
                let fits = |asked: Option<&str>, is: &str| asked.is_none_or(|asked| asked == is);
                let found = it.pod_identity_associations.iter().flatten().filter(|association| {
                    fits(self.asked("namespace"), &association.namespace)
                        && fits(self.asked("serviceAccount"), &association.service_account)
                });
                self.page("associations", found.map(|association| summary(&wire(association), &SUMMARY)).collect())
            }
            Operation::DescribePodIdentityAssociation(id) => {
                let found = it.pod_identity_associations.iter().flatten().find(|it| it.association_id == id);
                Ok(association_answer(found.ok_or_else(|| no_association(&id))?))
            }
            Operation::ListNodegroups => {
                self.names("nodegroups", it.nodegroups.iter().flatten().map(|it| it.nodegroup_name.as_str()), section)
            }
            Operation::DescribeNodegroup(asked) => {
                let found = it.nodegroups.iter().flatten().find(|it| it.nodegroup_name == asked);
                let gone = || not_found(format!("No node group found for name: {asked}."));
                Ok(json!({ "nodegroup": in_cluster(wire(found.ok_or_else(gone)?), name) }))
            }
            Operation::ListFargateProfiles => {
                let profiles = it.fargate_profiles.iter().flatten().map(|it| it.fargate_profile_name.as_str());
                self.names("fargateProfileNames", profiles, section)
            }
            Operation::DescribeFargateProfile(asked) => {
                let found = it.fargate_profiles.iter().flatten().find(|it| it.fargate_profile_name == asked);
                let gone = || not_found(format!("No Fargate Profile found with name: {asked}."));
                Ok(json!({ "fargateProfile": in_cluster(wire(found.ok_or_else(gone)?), name) }))
            }
            Operation::ListAddons => {
                self.names("addons", it.addons.iter().flatten().map(|it| it.addon_name.as_str()), section)
            }
            Operation::DescribeAddon(asked) => {
                let found = it.addons.iter().flatten().find(|it| it.addon_name == asked);
                let gone = || not_found(format!("No addon: {asked} found in cluster: {name}"));
                Ok(json!({ "addon": in_cluster(wire(found.ok_or_else(gone)?), name) }))
            }
            Operation::ListIdentityProviderConfigs => {
                let names = it.identity_provider_configs.iter().flatten().filter_map(|it| it.name());
                let configs = names.map(|name| json!({ "type": "oidc", "name": name })).collect();
                self.page("identityProviderConfigs", configs)
            }
            Operation::DescribeIdentityProviderConfig => {
                let body: Value = serde_json::from_slice(&self.call.request.body).unwrap_or_default();
                let asked = body.pointer("/identityProviderConfig/name").and_then(Value::as_str).unwrap_or_default();
                let found = it.identity_provider_configs.iter().flatten().find(|it| it.name() == Some(asked));
                let gone =
                    || not_found(format!("Identity provider config is not associated with cluster {name}: {asked}"));
                Ok(json!({ "identityProviderConfig": wire(found.ok_or_else(gone)?) }))
            }
            Operation::ListCapabilities => {
                const SUMMARY: [&str; 7] =
                    ["capabilityName", "arn", "type", "status", "version", "createdAt", "modifiedAt"];
                let found = it.capabilities.iter().flatten();
                // A summary of what is known by name alone has no more than that.
                let unread = self.call.world.missing(section).map(|name| json!({ "capabilityName": name }));
                let all = found.map(|it| summary(&wire(it), &SUMMARY)).chain(unread);
                self.page("capabilities", all.collect())
            }
            Operation::DescribeCapability(asked) => {
                let found = it.capabilities.iter().flatten().find(|it| it.capability_name == asked);
                let gone = || not_found(format!("No capability found for name: {asked}."));
                Ok(json!({ "capability": in_cluster(wire(found.ok_or_else(gone)?), name) }))
            }
            Operation::ListUpdates => {
                self.names("updateIds", it.updates.iter().flatten().map(|it| it.id.as_str()), section)
            }
            Operation::DescribeUpdate(asked) => {
                let found = it.updates.iter().flatten().find(|it| it.id == asked);
                let gone = || not_found(format!("No update found for ID: {asked}"));
                let mut update = wire(found.ok_or_else(gone)?);
                if let Value::Object(members) = &mut update {
                    members.shift_remove("tags");
                }
                Ok(json!({ "update": update }))
            }
            Operation::ListClusters
            | Operation::ListAccessPolicies
            | Operation::ListTagsForResource(_)
            | Operation::Write(_) => self.list_clusters(),
        }
    }

    /// A page of names, those included that were there but not read when the world was taken.
    fn names<'a>(
        &'a self,
        member: &str,
        names: impl Iterator<Item = &'a str>,
        section: &'a str,
    ) -> Result<Value, Refusal> {
        self.page(member, names.chain(self.call.world.missing(section)).map(Value::from).collect())
    }
}

/// The access entries of a cluster that has any to speak of.
fn entries(it: &ClusterDocument) -> Result<&[AccessEntry], Refusal> {
    validation::has_access_entries(&it.cluster)?;
    Ok(it.access_entries.as_deref().unwrap_or_default())
}

fn entry<'a>(it: &'a ClusterDocument, arn: &str) -> Result<&'a AccessEntry, Refusal> {
    let found = entries(it)?.iter().find(|entry| entry.principal_arn == arn);
    found.ok_or_else(|| no_entry(&it.cluster.name))
}

fn no_entry(cluster: &str) -> Refusal {
    not_found(format!(
        "The specified principalArn could not be found. You can view your available access entries with \
         'list-access-entries' for cluster: {cluster}."
    ))
}

fn no_association(id: &str) -> Refusal {
    not_found(format!("No pod identity association found with association ID: {id}."))
}

/// An access entry as it is answered, whose policies have a call of their own.
fn entry_answer(entry: &AccessEntry) -> Value {
    let mut entry = wire(entry);
    if let Value::Object(members) = &mut entry {
        members.shift_remove("associatedAccessPolicies");
    }
    json!({ "accessEntry": entry })
}

fn association_answer(association: &PodIdentityAssociation) -> Value {
    json!({ "association": wire(association) })
}

fn tags_of<'a>(it: &'a ClusterDocument, arn: &str) -> Option<&'a BTreeMap<String, String>> {
    let is = |own: &Option<String>| own.as_deref() == Some(arn);
    let of_cluster = is(&it.cluster.arn).then_some(&it.cluster.tags);
    let entries = it.access_entries.iter().flatten().map(|it| (&it.access_entry_arn, &it.tags));
    let associations = it.pod_identity_associations.iter().flatten().map(|it| (&it.association_arn, &it.tags));
    let nodegroups = it.nodegroups.iter().flatten().map(|it| (&it.nodegroup_arn, &it.tags));
    let profiles = it.fargate_profiles.iter().flatten().map(|it| (&it.fargate_profile_arn, &it.tags));
    let addons = it.addons.iter().flatten().map(|it| (&it.addon_arn, &it.tags));
    let configs = it.identity_provider_configs.iter().flatten().filter_map(|it| it.oidc.as_ref());
    let configs = configs.map(|it| (&it.identity_provider_config_arn, &it.tags));
    let capabilities = it.capabilities.iter().flatten().map(|it| (&it.arn, &it.tags));
    let parts = entries.chain(associations).chain(nodegroups).chain(profiles).chain(addons);
    let mut all = parts.chain(configs).chain(capabilities);
    of_cluster.or_else(|| all.find_map(|(own, tags)| is(own).then_some(tags)))
}

impl From<Invalid> for Refusal {
    fn from(Invalid { code, message }: Invalid) -> Refusal {
        let status = match code {
            Code::InvalidParameter | Code::InvalidRequest | Code::ResourceLimitExceeded => StatusCode::BAD_REQUEST,
            Code::ResourceInUse => StatusCode::CONFLICT,
        };
        Refusal::new(status, code.as_str(), message)
    }
}

fn invalid(message: &str) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, "InvalidParameterException", message)
}

fn denied(message: String) -> Refusal {
    Refusal::new(StatusCode::FORBIDDEN, "AccessDeniedException", message)
}

fn not_found(message: String) -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "ResourceNotFoundException", message)
}

/// A value as EKS sends it: times are numbers, and what has tags says so even when there are none.
fn wire(of: &impl Serialize) -> Value {
    // The model's types are plain data: they always become JSON.
    let mut value = serde_json::to_value(of).unwrap_or_default();
    if let Value::Object(members) = &mut value {
        for name in ["createdAt", "modifiedAt", "associatedAt"] {
            let time = members.get(name).and_then(|it| serde_json::from_value::<Time>(it.clone()).ok());
            if let Some(time) = time {
                members.insert(name.to_owned(), Value::from(time.epoch()));
            }
        }
        if !members.contains_key("oidc") && !members.contains_key("policyArn") {
            members.entry("tags").or_insert_with(|| Value::Object(Map::new()));
        }
    }
    value
}

fn summary(of: &Value, names: &[&str]) -> Value {
    Value::Object(names.iter().filter_map(|name| Some(((*name).to_owned(), of.get(name)?.clone()))).collect())
}

fn in_cluster(mut of: Value, cluster: &str) -> Value {
    if let Value::Object(members) = &mut of {
        members.entry("clusterName").or_insert_with(|| Value::from(cluster));
    }
    of
}

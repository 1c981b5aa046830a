//! Tags of whatever has an ARN.

use std::collections::BTreeMap;

use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::super::aws::Refusal;
use super::super::super::encoding::query;
use super::super::super::world::World;
use super::super::tags_of;
use super::Draft;
use crate::model::cluster::ClusterId;
use crate::model::document::ClusterDocument;
use crate::model::validation::{self, Invalid};

#[derive(Debug, Deserialize)]
pub(super) struct TagsBody {
    tags: Option<BTreeMap<String, String>>,
}

/// The cluster that has, or is, what is tagged.
pub(super) fn cluster_of(world: &World, arn: &str) -> Result<ClusterId, Refusal> {
    let found = world.clusters().find(|(_, it)| tags_of(it, arn).is_some());
    found.map(|(id, _)| id.clone()).ok_or_else(|| nothing(arn))
}

fn nothing(arn: &str) -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "NotFoundException", format!("No resource found for ARN: {arn}."))
}

/// Tagging has an error code of its own.
fn bad(Invalid { message, .. }: Invalid) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, "BadRequestException", message)
}

impl Draft<'_> {
    pub(super) fn tag(&mut self, arn: &str, body: TagsBody) -> Result<Value, Refusal> {
        let given = body.tags.filter(|it| !it.is_empty());
        let given = given.ok_or_else(|| bad(Invalid::parameter("tags is required.")))?;
        let tags = tags_mut(&mut self.next, arn).ok_or_else(|| nothing(arn))?;
        let all = tags.iter().map(|(key, value)| (key.clone(), value.clone())).chain(given.clone()).collect();
        validation::tags(&given).map_err(bad)?;
        if BTreeMap::len(&all) > validation::MAX_TAGS {
            let message = format!("There would be {} tags; {} is the most.", all.len(), validation::MAX_TAGS);
            return Err(bad(Invalid::parameter(message)));
        }
        *tags = all;
        Ok(json!({}))
    }

    pub(super) fn untag(&mut self, arn: &str) -> Result<Value, Refusal> {
        let pairs = query(&self.call.request.query).unwrap_or_default();
        let keys: Vec<String> = pairs.into_iter().filter(|(name, _)| name == "tagKeys").map(|(_, key)| key).collect();
        if keys.is_empty() {
            return Err(bad(Invalid::parameter("tagKeys is required.")));
        }
        keys.iter().try_for_each(|key| validation::tag_key(key)).map_err(bad)?;
        let tags = tags_mut(&mut self.next, arn).ok_or_else(|| nothing(arn))?;
        tags.retain(|key, _| !keys.contains(key));
        Ok(json!({}))
    }
}

fn tags_mut<'a>(it: &'a mut ClusterDocument, arn: &str) -> Option<&'a mut BTreeMap<String, String>> {
    let is = |own: &Option<String>| own.as_deref() == Some(arn);
    if is(&it.cluster.arn) {
        return Some(&mut it.cluster.tags);
    }
    let entries = it.access_entries.iter_mut().flatten().map(|it| (&it.access_entry_arn, &mut it.tags));
    let associations = it.pod_identity_associations.iter_mut().flatten().map(|it| (&it.association_arn, &mut it.tags));
    let nodegroups = it.nodegroups.iter_mut().flatten().map(|it| (&it.nodegroup_arn, &mut it.tags));
    let profiles = it.fargate_profiles.iter_mut().flatten().map(|it| (&it.fargate_profile_arn, &mut it.tags));
    let addons = it.addons.iter_mut().flatten().map(|it| (&it.addon_arn, &mut it.tags));
    let configs = it.identity_provider_configs.iter_mut().flatten().filter_map(|it| it.oidc.as_mut());
    let configs = configs.map(|it| (&it.identity_provider_config_arn, &mut it.tags));
    let mut all = entries.chain(associations).chain(nodegroups).chain(profiles).chain(addons).chain(configs);
    all.find_map(|(own, tags)| is(own).then_some(tags))
}

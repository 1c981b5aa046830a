//! Pod Identity associations.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::super::super::aws::Refusal;
use super::super::super::{keys, policy};
use super::super::{association_answer, no_association};
use super::Draft;
use crate::model::principal::{Arn, Principal};
use crate::model::snapshot::Lookup;
use crate::model::validation::association;
use crate::model::validation::entry::existing;
use crate::model::workload::PodIdentityAssociation;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewAssociationBody {
    namespace: Option<String>,
    service_account: Option<String>,
    tags: Option<BTreeMap<String, String>>,
    #[serde(flatten)]
    values: AssociationBody,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AssociationBody {
    role_arn: Option<String>,
    disable_session_tags: Option<bool>,
    target_role_arn: Option<String>,
    policy: Option<String>,
}

impl AssociationBody {
    /// Sets what is given. An empty text takes a value away: how EKS has it is not documented.
    fn set(self, association: &mut PodIdentityAssociation) {
        fn set(of: &mut Option<String>, given: Option<String>) {
            if let Some(given) = given {
                *of = Some(given).filter(|it| !it.is_empty());
            }
        }
        set(&mut association.role_arn, self.role_arn);
        set(&mut association.target_role_arn, self.target_role_arn);
        set(&mut association.policy, self.policy);
        association.disable_session_tags = self.disable_session_tags.or(association.disable_session_tags);
    }
}

impl Draft<'_> {
    pub(super) fn create_association(&mut self, body: NewAssociationBody) -> Result<Value, Refusal> {
        let now = self.call.written;
        let mut it = PodIdentityAssociation {
            cluster_name: Some(self.id.name.clone()),
            namespace: body.namespace.unwrap_or_default(),
            service_account: body.service_account.unwrap_or_default(),
            tags: body.tags.unwrap_or_default(),
            created_at: Some(now),
            modified_at: Some(now),
            disable_session_tags: Some(false),
            ..PodIdentityAssociation::default()
        };
        body.values.set(&mut it);
        association::check(&it, self.world().home())?;
        self.check_role(&it)?;
        let all = || self.next.pod_identity_associations.iter().flatten();
        let taken = all().find(|old| old.namespace == it.namespace && old.service_account == it.service_account);
        if let Some(taken) = taken {
            return Err(association::taken(&taken.association_id).into());
        }
        association::room(all().count())?;
        self.name(&mut it);
        let answer = association_answer(&it);
        self.next.pod_identity_associations.get_or_insert_default().push(it);
        Ok(answer)
    }

    pub(super) fn update_association(&mut self, id: &str, body: AssociationBody) -> Result<Value, Refusal> {
        let mut it = self.association(id)?.clone();
        association::not_owned(&it)?;
        let role_given = body.role_arn.is_some();
        body.set(&mut it);
        association::check(&it, self.world().home())?;
        if role_given {
            self.check_role(&it)?;
        }
        it.modified_at = Some(self.call.written);
        self.name_target(&mut it);
        let answer = association_answer(&it);
        let all = self.next.pod_identity_associations.iter_mut().flatten();
        *all.into_iter().find(|it| it.association_id == id).ok_or_else(|| no_association(id))? = it;
        Ok(answer)
    }

    pub(super) fn delete_association(&mut self, id: &str) -> Result<Value, Refusal> {
        let it = self.association(id)?;
        association::not_owned(it)?;
        let answer = association_answer(it);
        self.next.pod_identity_associations.get_or_insert_default().retain(|it| it.association_id != id);
        Ok(answer)
    }

    fn association(&self, id: &str) -> Result<&PodIdentityAssociation, Refusal> {
        let found = self.next.pod_identity_associations.iter().flatten().find(|it| it.association_id == id);
        found.ok_or_else(|| no_association(id))
    }

    /// The role must be there and trust Pod Identity, and the caller be allowed to pass it.
    fn check_role(&self, it: &PodIdentityAssociation) -> Result<(), Refusal> {
        let arn = it.role_arn.as_deref().unwrap_or_default();
        if let Ok((principal, _)) = Principal::from_arn(arn) {
            let found = self.world().existing(&principal);
            existing(arn, &found).map_err(|_| association::no_role())?;
            let role = self.world().role(&principal.name).filter(|_| matches!(found, Lookup::Found(_)));
            // A trust policy that was not recorded may say anything.
            let trust = role.and_then(|role| role.assume_role_policy_document.as_ref()).and_then(policy::read);
            if let Some(trust) = trust {
                association::trusted(&trust)?;
            }
        }
        self.pass_role(arn)
    }

    /// Gives a new association its names.
    fn name(&mut self, it: &mut PodIdentityAssociation) {
        let of = format!("{}/{}", it.namespace, it.service_account);
        let mut id = keys::association_id(&self.fresh(&of));
        // One of a lab of before may be in the world.
        while self.association(&id).is_ok() {
            id = keys::association_id(&self.fresh(&of));
        }
        let arn = self.next.cluster.arn.as_deref().and_then(|arn| arn.parse::<Arn>().ok());
        let resource = format!("podidentityassociation/{}/{id}", self.id.name);
        it.association_arn = arn.map(|arn| Arn { resource, ..arn }.to_string());
        it.association_id = id;
        self.name_target(it);
    }

    /// Only who goes on to a second role needs an id to be told apart by.
    fn name_target(&self, it: &mut PodIdentityAssociation) {
        let account = self.next.cluster.account().unwrap_or_default();
        let (region, cluster) = (&self.id.region, &self.id.name);
        let id = || format!("{region}/{account}/{cluster}/{}/{}", it.namespace, it.service_account);
        it.external_id = it.target_role_arn.is_some().then(id);
    }
}

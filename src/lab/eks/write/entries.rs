//! Access entries and the policies associated with them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::super::aws::Refusal;
use super::super::super::keys;
use super::super::super::world::default_username;
use super::super::{entries, entry, entry_answer, no_entry, not_found, wire};
use super::Draft;
use crate::access::catalog;
use crate::model::mapping::{AccessEntry, AccessScope, AssociatedPolicy};
use crate::model::principal::{Arn, Principal};
use crate::model::snapshot::Lookup;
use crate::model::validation::entry::{EntryType, NewEntry};
use crate::model::validation::{self, Invalid, policy};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewEntryBody {
    principal_arn: Option<String>,
    kubernetes_groups: Option<Vec<String>>,
    tags: Option<BTreeMap<String, String>>,
    username: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EntryBody {
    kubernetes_groups: Option<Vec<String>>,
    username: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PolicyBody {
    policy_arn: Option<String>,
    access_scope: Option<ScopeBody>,
}

#[derive(Debug, Deserialize)]
struct ScopeBody {
    #[serde(rename = "type")]
    kind: Option<String>,
    namespaces: Option<Vec<String>>,
}

impl Draft<'_> {
    pub(super) fn create_entry(&mut self, body: NewEntryBody) -> Result<Value, Refusal> {
        let count = entries(&self.next)?.len();
        let arn = validation::needed("principalArn", body.principal_arn.as_deref())?.to_owned();
        let (groups, tags) = (body.kubernetes_groups.unwrap_or_default(), body.tags.unwrap_or_default());
        let new = NewEntry {
            principal_arn: &arn,
            kind: body.kind.as_deref(),
            username: body.username.as_deref(),
            groups: &groups,
            tags: &tags,
        };
        let (principal, kind) = new.check(self.world().home())?;
        validation::entry::existing(&arn, &self.world().existing(&principal))?;
        if kind.needs_pass_role() {
            self.pass_role(&arn)?;
        }
        let is_taken = entries(&self.next)?.iter().any(|it| it.principal_arn == arn);
        if is_taken || self.is_missing("accessEntries", &arn) {
            return Err(validation::entry::taken().into());
        }
        validation::entry::room(count)?;

        // An entry is bound to the principal that is there, so it cannot be older.
        let made = match self.world().existing(&principal) {
            Lookup::Found((_, made)) => made,
            _ => None,
        };
        let now = self.call.written.max(made.unwrap_or_default());
        let username = body.username.filter(|it| !it.is_empty());
        let entry = AccessEntry {
            cluster_name: Some(self.id.name.clone()),
            principal_arn: arn.clone(),
            kubernetes_groups: if kind == EntryType::Ec2Linux { vec!["system:nodes".to_owned()] } else { groups },
            access_entry_arn: self.entry_arn(&principal),
            created_at: Some(now),
            modified_at: Some(now),
            tags,
            username: Some(username.unwrap_or_else(|| default_username(kind.as_str(), &principal))),
            kind: kind.as_str().to_owned(),
            associated_access_policies: Some(Vec::new()),
        };
        let answer = entry_answer(&entry);
        self.next.access_entries.get_or_insert_default().push(entry);
        Ok(answer)
    }

    /// `…:access-entry/CLUSTER/KIND/ACCOUNT/NAME/UUID`, the UUID being new each time.
    fn entry_arn(&mut self, principal: &Principal) -> Option<String> {
        let cluster: Arn = self.next.cluster.arn.as_deref()?.parse().ok()?;
        let Principal { kind, account, name, .. } = principal;
        let uuid = keys::uuid(&self.fresh(&principal.arn()));
        let resource = format!("access-entry/{}/{kind}/{account}/{name}/{uuid}", self.id.name);
        Some(Arn { resource, ..cluster }.to_string())
    }

    /// Replaces, and does not patch: what is left out is as if it had never been given.
    pub(super) fn update_entry(&mut self, arn: &str, body: EntryBody) -> Result<Value, Refusal> {
        let now = self.call.written;
        let old = self.changeable(arn)?;
        let groups = body.kubernetes_groups.unwrap_or_default();
        let kind = EntryType::of(&old.kind);
        validation::entry::identity(kind.unwrap_or(EntryType::Standard), body.username.as_deref(), &groups)?;
        let entry = self.entry_mut(arn)?;
        if kind.is_none_or(EntryType::has_own_identity) {
            let default = || Some(default_username(&entry.kind, &Principal::from_arn(arn).ok()?.0));
            entry.username = body.username.filter(|it| !it.is_empty()).or_else(default);
            entry.kubernetes_groups = groups;
        }
        entry.modified_at = Some(now);
        Ok(entry_answer(entry))
    }

    /// Its associations go with it.
    pub(super) fn delete_entry(&mut self, arn: &str) -> Result<Value, Refusal> {
        self.changeable(arn)?;
        self.next.access_entries.get_or_insert_default().retain(|it| it.principal_arn != arn);
        Ok(json!({}))
    }

    /// Associates, or replaces the scope of what is associated.
    pub(super) fn associate_policy(&mut self, arn: &str, body: PolicyBody) -> Result<Value, Refusal> {
        let (now, cluster) = (self.call.written, self.id.name.clone());
        let kind = self.changeable(arn)?.kind.clone();
        let policy_arn = validation::needed("policyArn", body.policy_arn.as_deref())?;
        let name = policy::policy_name(policy_arn, self.world().home())?;
        let known = catalog::policy(policy_arn).ok_or_else(|| policy::unknown(policy_arn))?;
        policy::assignable(name, known.assignable_to.as_deref())?;
        policy::holder(&kind, name)?;
        let scope = body.access_scope.ok_or_else(|| Invalid::parameter("accessScope is required."))?;
        let kind = policy::scope_kind(validation::needed("accessScope.type", scope.kind.as_deref())?)?;
        let access_scope = AccessScope { kind, namespaces: scope.namespaces.unwrap_or_default() };
        policy::scope(&access_scope)?;

        let policies = self.entry_mut(arn)?.associated_access_policies.get_or_insert_default();
        let held = policies.iter().position(|it| it.policy_arn == policy_arn);
        let associated_at = held.and_then(|at| policies.get(at)?.associated_at).or(Some(now));
        let policy_arn = policy_arn.to_owned();
        let policy = AssociatedPolicy { policy_arn, access_scope, associated_at, modified_at: Some(now) };
        let answer = json!({ "clusterName": cluster, "principalArn": arn, "associatedAccessPolicy": wire(&policy) });
        match held.and_then(|at| policies.get_mut(at)) {
            Some(held) => *held = policy,
            None => policies.push(policy),
        }
        Ok(answer)
    }

    pub(super) fn disassociate_policy(&mut self, arn: &str, policy_arn: &str) -> Result<Value, Refusal> {
        self.changeable(arn)?;
        let policies = self.entry_mut(arn)?.associated_access_policies.get_or_insert_default();
        let before = policies.len();
        policies.retain(|it| it.policy_arn != policy_arn);
        if policies.len() == before {
            // Our words.
            let message = format!("The specified policyArn {policy_arn} is not associated with the access entry.");
            return Err(not_found(message));
        }
        Ok(json!({}))
    }

    /// An entry that a customer may change: there is one, and it is none of a service's own.
    fn changeable(&self, arn: &str) -> Result<&AccessEntry, Refusal> {
        let entry = entry(&self.next, arn)?;
        if let Ok((principal, _)) = Principal::from_arn(arn) {
            validation::entry::not_service_linked(&principal)?;
        }
        Ok(entry)
    }

    fn entry_mut(&mut self, arn: &str) -> Result<&mut AccessEntry, Refusal> {
        let found = self.next.access_entries.iter_mut().flatten().find(|it| it.principal_arn == arn);
        found.ok_or_else(|| no_entry(&self.id.name))
    }
}

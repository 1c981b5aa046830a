//! From a document to facts in sections, and back.
//!
//! Decides what a document's silence means: a part that is absent was not recorded and stays unknown; an empty one is
//! empty; a section noted as refused, failed or partial stays so. A new section needs a line in both directions here.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::cluster::ClusterId;
use super::document::{
    ClusterDocument, Document, FORMAT, IamDocument, Manifest, MissingNote, SectionNote, SectionState,
};
use super::failure::Failure;
use super::mapping::{AWS_AUTH, read_aws_auth};
use super::principal::Arn;
use super::rbac::ConfigMap;
use super::snapshot::{AwsAuthFact, ClusterFacts, IamFacts, Missing, Section, Snapshot, Source, State};
use super::time::Time;

/// The facts that a document holds.
pub fn snapshot_of(document: &Document, source: Source) -> Snapshot {
    let since = document.taken_at.unwrap_or_default();
    let facts: BTreeMap<ClusterId, Arc<ClusterFacts>> = document
        .clusters
        .iter()
        .map(|it| {
            let id = cluster_id(it, document.region.as_deref());
            let facts = cluster_facts(it, &id, &document.sections, since);
            (id, Arc::new(facts))
        })
        .collect();
    let reader = Reader { notes: &document.sections, prefix: "iam".to_owned(), since };
    let iam = document.iam.clone().unwrap_or_default();
    let account = document
        .caller
        .as_ref()
        .map(|caller| caller.account.clone())
        .or_else(|| facts.values().find_map(|f| f.cluster.value().and_then(super::cluster::Cluster::account)));
    let caller = match &document.caller {
        Some(caller) => Section::known(caller.clone(), since),
        None => Section::failed(Failure::not_recorded("the caller")),
    };
    Snapshot {
        source,
        taken_at: document.taken_at,
        caller,
        clusters: Section::known(facts.keys().cloned().collect(), since),
        facts,
        iam: Arc::new(IamFacts {
            account,
            roles: reader.section("roles", iam.role_detail_list),
            users: reader.section("users", iam.user_detail_list),
            groups: reader.section("groups", iam.group_detail_list),
            policies: reader.section("policies", iam.policies),
            oidc_providers: reader.section("oidcProviders", iam.open_id_connect_providers),
            instance_profiles: reader.section("instanceProfiles", iam.instance_profiles),
            ..IamFacts::default()
        }),
    }
}

/// The region and name of a document's cluster: the region from its ARN, else the document's.
pub fn cluster_id(it: &ClusterDocument, region: Option<&str>) -> ClusterId {
    let own = it.cluster.arn.as_deref().and_then(|arn| arn.parse::<Arn>().ok()).map(|arn| arn.region);
    ClusterId { region: own.unwrap_or_else(|| region.unwrap_or_default().to_owned()), name: it.cluster.name.clone() }
}

struct Reader<'a> {
    notes: &'a BTreeMap<String, SectionNote>,
    prefix: String,
    since: Time,
}

impl Reader<'_> {
    fn section<T: Default>(&self, name: &str, value: Option<T>) -> Section<T> {
        let Some(note) = self.notes.get(&format!("{}/{name}", self.prefix)) else {
            return match value {
                Some(value) => Section::known(value, self.since),
                None => Section::failed(Failure::not_recorded(name)),
            };
        };
        let failure = || note.failure.clone().unwrap_or_else(|| Failure::not_recorded(name));
        let missing = || -> Vec<Missing> {
            note.missing.iter().map(|m| Missing { item: m.item.clone(), failure: m.failure.clone() }).collect()
        };
        let read = || Section::partial(value.unwrap_or_default(), self.since, missing());
        match note.state {
            SectionState::Partial => read(),
            SectionState::Stale => read().refreshed(Section::failed(failure())),
            SectionState::Refused | SectionState::Failed => Section::failed(failure()),
            SectionState::NotApplicable => Section::not_applicable(note.because.clone().unwrap_or_default()),
        }
    }
}

fn cluster_facts(
    it: &ClusterDocument,
    id: &ClusterId,
    notes: &BTreeMap<String, SectionNote>,
    since: Time,
) -> ClusterFacts {
    let reader = Reader { notes, prefix: format!("{}/{}", id.region, id.name), since };
    let pick = |f: &dyn Fn(&Manifest) -> bool| -> Option<Vec<&Manifest>> {
        it.kubernetes.as_ref().map(|all| all.iter().filter(|m| f(m)).collect())
    };
    macro_rules! of_kind {
        ($name:literal, $variant:ident) => {
            reader.section(
                $name,
                pick(&|m| matches!(m, Manifest::$variant(_))).map(|found| {
                    found
                        .into_iter()
                        .filter_map(|m| if let Manifest::$variant(it) = m { Some(it.clone()) } else { None })
                        .collect::<Vec<_>>()
                }),
            )
        };
    }
    let config_maps: Section<Vec<ConfigMap>> = of_kind!("awsAuth", ConfigMap);
    let entries = it.access_entries.clone();
    let mode = it.cluster.authentication_mode();
    ClusterFacts {
        cluster: Section::known(it.cluster.clone(), since),
        access_entries: if !mode.reads_entries() && entries.as_ref().is_none_or(Vec::is_empty) {
            Section::not_applicable(no_entries())
        } else {
            reader.section("accessEntries", entries)
        },
        asked_entries: BTreeMap::new(),
        pod_identity_associations: reader.section("podIdentityAssociations", it.pod_identity_associations.clone()),
        nodegroups: reader.section("nodegroups", it.nodegroups.clone()),
        fargate_profiles: reader.section("fargateProfiles", it.fargate_profiles.clone()),
        addons: reader.section("addons", it.addons.clone()),
        identity_provider_configs: reader.section("identityProviderConfigs", it.identity_provider_configs.clone()),
        aws_auth: config_maps.map(|all| aws_auth_among(all)),
        namespaces: of_kind!("namespaces", Namespace),
        service_accounts: of_kind!("serviceAccounts", ServiceAccount),
        pods: of_kind!("pods", Pod),
        nodes: of_kind!("nodes", Node),
        roles: of_kind!("roles", Role),
        cluster_roles: of_kind!("clusterRoles", ClusterRole),
        role_bindings: of_kind!("roleBindings", RoleBinding),
        cluster_role_bindings: of_kind!("clusterRoleBindings", ClusterRoleBinding),
    }
}

/// Why a CONFIG_MAP cluster's access entries are not applicable.
pub fn no_entries() -> &'static str {
    "authentication mode CONFIG_MAP has no access entries"
}

fn aws_auth_among(all: &[ConfigMap]) -> AwsAuthFact {
    let is_it =
        |it: &&ConfigMap| it.metadata.namespace.as_deref() == Some(AWS_AUTH.0) && it.metadata.name == AWS_AUTH.1;
    all.iter().find(is_it).map(aws_auth_fact)
}

/// An aws-auth ConfigMap beside what the authenticator makes of it.
pub fn aws_auth_fact(config_map: &ConfigMap) -> (ConfigMap, super::mapping::AwsAuth) {
    (config_map.clone(), read_aws_auth(config_map))
}

/// The document that holds a snapshot's facts.
pub fn document_of(snapshot: &Snapshot, taken_at: Time) -> Document {
    let mut sections = BTreeMap::new();
    let clusters: Vec<ClusterDocument> =
        snapshot.facts.iter().filter_map(|(id, facts)| cluster_document(id, facts, &mut sections)).collect();
    let iam = &snapshot.iam;
    let mut writer = Writer { notes: &mut sections, prefix: "iam".to_owned() };
    let iam = IamDocument {
        role_detail_list: writer.part("roles", &iam.roles),
        user_detail_list: writer.part("users", &iam.users),
        group_detail_list: writer.part("groups", &iam.groups),
        policies: writer.part("policies", &iam.policies),
        open_id_connect_providers: writer.part("oidcProviders", &iam.oidc_providers),
        instance_profiles: writer.part("instanceProfiles", &iam.instance_profiles),
    };
    Document {
        eksplorer: FORMAT,
        taken_at: Some(snapshot.taken_at.unwrap_or(taken_at)),
        caller: snapshot.caller.value().cloned(),
        region: snapshot.facts.keys().next().map(|id| id.region.clone()),
        clusters,
        iam: Some(iam),
        sections,
    }
}

struct Writer<'a> {
    notes: &'a mut BTreeMap<String, SectionNote>,
    prefix: String,
}

impl Writer<'_> {
    fn part<T: Clone>(&mut self, name: &str, section: &Section<T>) -> Option<T> {
        let note = |state, failure: Option<&Failure>, because: Option<&String>, missing: &[Missing]| SectionNote {
            state,
            failure: failure.cloned(),
            because: because.cloned(),
            missing: missing.iter().map(|m| MissingNote { item: m.item.clone(), failure: m.failure.clone() }).collect(),
        };
        let note = match section.state() {
            State::Known { .. } => None,
            State::Partial { missing, .. } => Some(note(SectionState::Partial, None, None, missing)),
            State::Stale { failure, missing, .. } => Some(note(SectionState::Stale, Some(failure), None, missing)),
            State::Refused(failure) => Some(note(SectionState::Refused, Some(failure), None, &[])),
            State::Failed(failure) => Some(note(SectionState::Failed, Some(failure), None, &[])),
            State::NotApplicable(why) => Some(note(SectionState::NotApplicable, None, Some(why), &[])),
            State::Waiting | State::Loading { .. } => {
                let mut failure = Failure::not_recorded(name);
                failure.message = "it was still being read when the snapshot was taken".to_owned();
                Some(note(SectionState::Failed, Some(&failure), None, &[]))
            }
        };
        let whole = !matches!(note, Some(SectionNote { state: SectionState::Failed, .. }));
        if let Some(note) = note {
            self.notes.insert(format!("{}/{name}", self.prefix), note);
        }
        if whole { section.value().cloned() } else { None }
    }
}

fn cluster_document(
    id: &ClusterId,
    facts: &ClusterFacts,
    notes: &mut BTreeMap<String, SectionNote>,
) -> Option<ClusterDocument> {
    let mut writer = Writer { notes, prefix: format!("{}/{}", id.region, id.name) };
    let mut kubernetes: Vec<Manifest> = Vec::new();
    let mut recorded = false;
    macro_rules! manifests {
        ($($name:literal, $field:ident, $variant:ident;)*) => {
            $(if let Some(found) = writer.part($name, &facts.$field) {
                recorded = true;
                kubernetes.extend(found.into_iter().map(Manifest::$variant));
            })*
        };
    }
    if let Some(aws_auth) = writer.part("awsAuth", &facts.aws_auth) {
        recorded = true;
        kubernetes.extend(aws_auth.map(|(config_map, _)| Manifest::ConfigMap(config_map)));
    }
    manifests! {
        "namespaces", namespaces, Namespace;
        "serviceAccounts", service_accounts, ServiceAccount;
        "pods", pods, Pod;
        "nodes", nodes, Node;
        "roles", roles, Role;
        "clusterRoles", cluster_roles, ClusterRole;
        "roleBindings", role_bindings, RoleBinding;
        "clusterRoleBindings", cluster_role_bindings, ClusterRoleBinding;
    }
    Some(ClusterDocument {
        cluster: writer.part("cluster", &facts.cluster)?,
        access_entries: writer.part("accessEntries", &facts.access_entries),
        pod_identity_associations: writer.part("podIdentityAssociations", &facts.pod_identity_associations),
        nodegroups: writer.part("nodegroups", &facts.nodegroups),
        fargate_profiles: writer.part("fargateProfiles", &facts.fargate_profiles),
        addons: writer.part("addons", &facts.addons),
        identity_provider_configs: writer.part("identityProviderConfigs", &facts.identity_provider_configs),
        kubernetes: recorded.then_some(kubernetes),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::document::read;

    const DOCUMENT: &str = r#"
eksplorer: 1
takenAt: 2026-11-24T06:00:00Z
caller: {Account: "111122223333", Arn: "arn:aws:sts::111122223333:assumed-role/oncall/ana", UserId: "AROAX:ana"}
region: eu-west-1
clusters:
- cluster: {name: c1, accessConfig: {authenticationMode: API}}
  accessEntries: [{principalArn: "arn:aws:iam::111122223333:role/a"}]
  kubernetes:
  - {kind: Namespace, apiVersion: v1, metadata: {name: n}}
sections:
  eu-west-1/c1/accessEntries:
    state: partial
    missing:
    - item: arn:aws:iam::111122223333:role/b
      failure: {kind: throttled, doing: describe the access entry, code: ThrottlingException}
  eu-west-1/c1/roleBindings:
    state: refused
    failure: {kind: refused, permission: list rolebindings, doing: list the role bindings}
"#;

    #[test]
    fn unknown_stays_unknown_through_a_document_and_back() {
        let document = read(DOCUMENT).expect("reads");
        let snapshot = snapshot_of(&document, Source::default());
        let facts = snapshot.cluster(&ClusterId { region: "eu-west-1".into(), name: "c1".into() });
        assert!(matches!(facts.access_entries.state(), State::Partial { missing, .. } if missing.len() == 1));
        assert!(matches!(facts.role_bindings.state(), State::Refused(_)));
        assert!(matches!(facts.roles.state(), State::Known { .. }), "manifests were recorded, and there is no Role");
        assert!(matches!(facts.nodegroups.state(), State::Failed(_)), "not recorded is not empty");
        assert!(matches!(snapshot.iam.roles.state(), State::Failed(_)));
        assert_eq!(facts.aws_auth.value(), Some(&None));

        let again = snapshot_of(&document_of(&snapshot, Time::default()), Source::default());
        assert_eq!(again, snapshot);
    }

    #[test]
    fn a_config_map_cluster_has_no_entries_to_know() {
        let document = read("eksplorer: 1\nclusters: [{cluster: {name: c}}]").expect("reads");
        let snapshot = snapshot_of(&document, Source::default());
        let facts = snapshot.facts.values().next().expect("one cluster");
        assert!(matches!(facts.access_entries.state(), State::NotApplicable(_)));
    }
}

//! From a document to facts in sections, and back.
//!
//! Decides what a document's silence means: a part that is absent was not recorded and stays unknown; an empty one is
//! empty; a section noted as refused, failed or partial stays so. A new section needs a line in both directions here.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::aws_auth::{AWS_AUTH, read_aws_auth};
use super::cluster::{Cluster, ClusterId};
use super::document::{
    ClusterDocument, Document, FORMAT, IamDocument, Manifest, MissingNote, SectionNote, SectionState, region_of,
};
use super::failure::Failure;
use super::network::NetworkPolicy;
use super::rbac::{Binding, ConfigMap, Namespace, Role};
use super::snapshot::{AwsAuthFact, ClusterFacts, IamFacts, Missing, Section, Snapshot, Source, State};
use super::time::Time;
use super::workload::{DaemonSet, Node, Pod, ServiceAccount};

/// The facts that a document holds.
pub fn snapshot_of(document: &Document, source: Source) -> Snapshot {
    into_snapshot(document.clone(), source)
}

/// The facts of a document that is needed no more: a large one is not there twice.
pub fn into_snapshot(document: Document, source: Source) -> Snapshot {
    let Document { taken_at, caller, region, clusters, iam, sections, .. } = document;
    let since = taken_at.unwrap_or_default();
    let facts: BTreeMap<ClusterId, Arc<ClusterFacts>> = clusters
        .into_iter()
        .map(|it| {
            let id = cluster_id(&it, region.as_deref());
            let facts = cluster_facts(it, &id, &sections, since);
            (id, Arc::new(facts))
        })
        .collect();
    let reader = Reader { notes: &sections, prefix: "iam".to_owned(), since };
    let iam = iam.unwrap_or_default();
    let account = caller
        .as_ref()
        .map(|caller| caller.account.clone())
        .or_else(|| facts.values().find_map(|f| f.cluster.value().and_then(Cluster::account)));
    let caller = match caller {
        Some(caller) => Section::known(caller, since),
        None => Section::failed(Failure::not_recorded("the caller")),
    };
    Snapshot {
        source,
        taken_at,
        caller,
        clusters: Reader { notes: &sections, prefix: "account".to_owned(), since }
            .section("clusters", Some(facts.keys().cloned().collect())),
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
    ClusterId { region: region_of(&it.cluster, region), name: it.cluster.name.clone() }
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
        // A part that was noted as partly read but is not there was not recorded, which is not the same as empty.
        let read = |value: Option<T>| match value {
            Some(value) => Section::partial(value, self.since, missing()),
            None => Section::failed(Failure::not_recorded(name)),
        };
        match note.state {
            SectionState::Empty => Section::known(value.unwrap_or_default(), self.since),
            SectionState::Partial => read(value),
            SectionState::Stale => read(value).refreshed(Section::failed(failure())),
            SectionState::Refused | SectionState::Failed => Section::failed(failure()),
            // What is not applicable follows from the cluster, not from a note.
            SectionState::NotApplicable => match value {
                Some(value) => Section::known(value, self.since),
                None => Section::failed(Failure::not_recorded(name)),
            },
        }
    }
}

/// The manifests of a document, by kind. A kind of which there is none was not recorded, unless a note says that it is
/// empty, for nothing else tells a list that was pasted from all that there is.
#[derive(Default)]
struct Kinds {
    config_maps: Option<Vec<ConfigMap>>,
    namespaces: Option<Vec<Namespace>>,
    service_accounts: Option<Vec<ServiceAccount>>,
    pods: Option<Vec<Pod>>,
    nodes: Option<Vec<Node>>,
    daemon_sets: Option<Vec<DaemonSet>>,
    network_policies: Option<Vec<NetworkPolicy>>,
    roles: Option<Vec<Role>>,
    cluster_roles: Option<Vec<Role>>,
    role_bindings: Option<Vec<Binding>>,
    cluster_role_bindings: Option<Vec<Binding>>,
}

impl Kinds {
    fn of(manifests: Vec<Manifest>) -> Kinds {
        let mut kinds = Kinds::default();
        for manifest in manifests {
            match manifest {
                Manifest::ConfigMap(it) => kinds.config_maps.get_or_insert_default().push(it),
                Manifest::Namespace(it) => kinds.namespaces.get_or_insert_default().push(it),
                Manifest::ServiceAccount(it) => kinds.service_accounts.get_or_insert_default().push(it),
                Manifest::Pod(it) => kinds.pods.get_or_insert_default().push(it),
                Manifest::Node(it) => kinds.nodes.get_or_insert_default().push(it),
                Manifest::DaemonSet(it) => kinds.daemon_sets.get_or_insert_default().push(it),
                Manifest::NetworkPolicy(it) => kinds.network_policies.get_or_insert_default().push(it),
                Manifest::Role(it) => kinds.roles.get_or_insert_default().push(it),
                Manifest::ClusterRole(it) => kinds.cluster_roles.get_or_insert_default().push(it),
                Manifest::RoleBinding(it) => kinds.role_bindings.get_or_insert_default().push(it),
                Manifest::ClusterRoleBinding(it) => kinds.cluster_role_bindings.get_or_insert_default().push(it),
                // Documents are read without them.
                Manifest::List(_) | Manifest::Other => {}
            }
        }
        kinds
    }
}

fn cluster_facts(
    it: ClusterDocument,
    id: &ClusterId,
    notes: &BTreeMap<String, SectionNote>,
    since: Time,
) -> ClusterFacts {
    let reader = Reader { notes, prefix: format!("{}/{}", id.region, id.name), since };
    let kinds = Kinds::of(it.kubernetes.unwrap_or_default());
    let config_maps = reader.section("awsAuth", kinds.config_maps);
    let none = it.access_entries.as_ref().is_none_or(Vec::is_empty);
    // Where the mode is only inferred, entries that could not be read might tell another one.
    let note = notes.get(&format!("{}/accessEntries", reader.prefix));
    let noted = note.is_some_and(|it| it.state != SectionState::NotApplicable);
    let mode_is_inferred = it.cluster.mode_is_inferred();
    let may_read = it.cluster.authentication_mode().reads_entries() || mode_is_inferred && noted;
    let is_connected = it.cluster.connector_config.is_some();
    // A cluster that could not be described stands in the document by its name alone, with a note.
    let cluster = match notes.get(&format!("{}/cluster", reader.prefix)) {
        Some(note) if matches!(note.state, SectionState::Refused | SectionState::Failed) => {
            Section::failed(note.failure.clone().unwrap_or_else(|| Failure::not_recorded("the cluster")))
        }
        _ => Section::known(it.cluster, since),
    };
    let no_entries_to_know = cluster.value().is_some() && none && (!may_read || is_connected);
    ClusterFacts {
        cluster,
        access_entries: if no_entries_to_know {
            Section::not_applicable(if mode_is_inferred { inferred_no_entries() } else { no_entries() })
        } else {
            reader.section("accessEntries", it.access_entries)
        },
        asked_entries: BTreeMap::new(),
        pod_identity_associations: reader.section("podIdentityAssociations", it.pod_identity_associations),
        nodegroups: reader.section("nodegroups", it.nodegroups),
        fargate_profiles: reader.section("fargateProfiles", it.fargate_profiles),
        addons: reader.section("addons", it.addons),
        identity_provider_configs: reader.section("identityProviderConfigs", it.identity_provider_configs),
        capabilities: reader.section("capabilities", it.capabilities),
        updates: reader.section("updates", it.updates),
        aws_auth: aws_auth(&config_maps),
        namespaces: reader.section("namespaces", kinds.namespaces),
        service_accounts: reader.section("serviceAccounts", kinds.service_accounts),
        pods: reader.section("pods", kinds.pods),
        nodes: reader.section("nodes", kinds.nodes),
        daemon_sets: reader.section("daemonSets", kinds.daemon_sets),
        network_policies: reader.section("networkPolicies", kinds.network_policies),
        roles: reader.section("roles", kinds.roles),
        cluster_roles: reader.section("clusterRoles", kinds.cluster_roles),
        role_bindings: reader.section("roleBindings", kinds.role_bindings),
        cluster_role_bindings: reader.section("clusterRoleBindings", kinds.cluster_role_bindings),
        api_resources: reader.section("apiResources", it.api_resources),
    }
}

/// Why a CONFIG_MAP cluster's access entries are not applicable.
pub fn no_entries() -> &'static str {
    "authentication mode CONFIG_MAP has no access entries"
}

/// Why the access entries of a cluster that reports no mode are not applicable.
fn inferred_no_entries() -> &'static str {
    "the cluster reports no authentication mode; CONFIG_MAP, which has no access entries, is inferred"
}

/// aws-auth among the ConfigMaps recorded. That others were and this one was not does not say that it is not there.
fn aws_auth(all: &Section<Vec<ConfigMap>>) -> Section<AwsAuthFact> {
    let is_it = |it: &&ConfigMap| {
        // kubectl leaves the namespace out when it is the one of the context.
        it.metadata.name == AWS_AUTH.1 && it.metadata.namespace.as_deref().is_none_or(|it| it == AWS_AUTH.0)
    };
    match all.items().iter().find(is_it) {
        None if !all.items().is_empty() => Section::failed(Failure::not_recorded("awsAuth")),
        found => all.map(|_| found.map(aws_auth_fact)),
    }
}

/// An aws-auth ConfigMap beside what the authenticator makes of it.
pub fn aws_auth_fact(config_map: &ConfigMap) -> (ConfigMap, super::aws_auth::AwsAuth) {
    (config_map.clone(), read_aws_auth(config_map))
}

/// The document that holds a snapshot's facts.
pub fn document_of(snapshot: &Snapshot, taken_at: Time) -> Document {
    let mut sections = BTreeMap::new();
    let clusters: Vec<ClusterDocument> =
        snapshot.facts.iter().map(|(id, facts)| cluster_document(id, facts, &mut sections)).collect();
    if !matches!(snapshot.clusters.state(), State::Loading { .. } | State::Waiting) {
        Writer { notes: &mut sections, prefix: "account".to_owned() }.part("clusters", &snapshot.clusters);
    }
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

    /// Manifests say by their silence that nothing was recorded; that nothing is there must be said.
    fn note_empty<T>(&mut self, name: &str, section: &Section<T>, empty: bool) {
        if empty && matches!(section.state(), State::Known { .. }) {
            let note = SectionNote { state: SectionState::Empty, failure: None, because: None, missing: Vec::new() };
            self.notes.insert(format!("{}/{name}", self.prefix), note);
        }
    }
}

fn cluster_document(
    id: &ClusterId,
    facts: &ClusterFacts,
    notes: &mut BTreeMap<String, SectionNote>,
) -> ClusterDocument {
    let mut writer = Writer { notes, prefix: format!("{}/{}", id.region, id.name) };
    let mut kubernetes: Vec<Manifest> = Vec::new();
    let mut recorded = false;
    macro_rules! manifests {
        ($($name:literal, $field:ident, $variant:ident;)*) => {
            $(if let Some(found) = writer.part($name, &facts.$field) {
                recorded = true;
                writer.note_empty($name, &facts.$field, found.is_empty());
                kubernetes.extend(found.into_iter().map(Manifest::$variant));
            })*
        };
    }
    if let Some(aws_auth) = writer.part("awsAuth", &facts.aws_auth) {
        recorded = true;
        writer.note_empty("awsAuth", &facts.aws_auth, aws_auth.is_none());
        kubernetes.extend(aws_auth.map(|(config_map, _)| Manifest::ConfigMap(config_map)));
    }
    manifests! {
        "namespaces", namespaces, Namespace;
        "serviceAccounts", service_accounts, ServiceAccount;
        "pods", pods, Pod;
        "nodes", nodes, Node;
        "daemonSets", daemon_sets, DaemonSet;
        "networkPolicies", network_policies, NetworkPolicy;
        "roles", roles, Role;
        "clusterRoles", cluster_roles, ClusterRole;
        "roleBindings", role_bindings, RoleBinding;
        "clusterRoleBindings", cluster_role_bindings, ClusterRoleBinding;
    }
    ClusterDocument {
        cluster: writer.part("cluster", &facts.cluster).unwrap_or_else(|| Cluster {
            name: id.name.clone(),
            // The reader takes the region from it.
            arn: Some(format!("arn:aws:eks:{}::cluster/{}", id.region, id.name)),
            ..Cluster::default()
        }),
        access_entries: writer.part("accessEntries", &facts.access_entries),
        pod_identity_associations: writer.part("podIdentityAssociations", &facts.pod_identity_associations),
        nodegroups: writer.part("nodegroups", &facts.nodegroups),
        fargate_profiles: writer.part("fargateProfiles", &facts.fargate_profiles),
        addons: writer.part("addons", &facts.addons),
        identity_provider_configs: writer.part("identityProviderConfigs", &facts.identity_provider_configs),
        capabilities: writer.part("capabilities", &facts.capabilities),
        updates: writer.part("updates", &facts.updates),
        api_resources: writer.part("apiResources", &facts.api_resources),
        kubernetes: recorded.then_some(kubernetes),
    }
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
  c1/pods: {state: empty}
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
        assert!(
            matches!(facts.roles.state(), State::Failed(_)),
            "no Role was recorded, which is not that there is none"
        );
        assert!(matches!(facts.pods.state(), State::Known { .. }), "noted as empty");
        assert!(matches!(facts.nodegroups.state(), State::Failed(_)), "not recorded is not empty");
        assert!(matches!(snapshot.iam.roles.state(), State::Failed(_)));
        assert!(matches!(facts.aws_auth.state(), State::Failed(_)), "aws-auth was not recorded");

        let again = snapshot_of(&document_of(&snapshot, Time::default()), Source::default());
        assert_eq!(again, snapshot);
    }

    #[test]
    fn a_cluster_that_could_not_be_described_keeps_what_else_was_read() {
        let document = read(DOCUMENT).expect("reads");
        let mut snapshot = snapshot_of(&document, Source::default());
        let id = ClusterId { region: "eu-west-1".into(), name: "c1".into() };
        let facts = snapshot.facts.get_mut(&id).expect("is there");
        let failure = Failure {
            kind: crate::model::failure::FailureKind::Refused { permission: "eks:DescribeCluster".into() },
            doing: "describe the cluster".into(),
            on: "c1".into(),
            code: None,
            message: String::new(),
        };
        Arc::make_mut(facts).cluster = Section::failed(failure);
        let text = crate::model::document::to_yaml(&document_of(&snapshot, Time::default())).expect("writes");
        let again = snapshot_of(&read(&text).expect(&text), Source::default());
        assert_eq!(again.facts, snapshot.facts);
    }

    #[test]
    fn regions_that_did_not_answer_are_not_empty() {
        let mut snapshot = snapshot_of(&read(DOCUMENT).expect("reads"), Source::default());
        let missing = Missing { item: None, failure: Failure::not_recorded("us-east-1") };
        snapshot.clusters = Section::partial(snapshot.clusters.items().to_vec(), Time::default(), vec![missing]);
        let document = document_of(&snapshot, Time::default());
        assert!(snapshot_of(&document, Source::default()).clusters.gap().is_some());
    }

    #[test]
    fn a_note_about_nothing_is_an_error_and_never_ignored() {
        for (from, to) in [("c1/pods:", "c2/pods:"), ("c1/pods:", "c1/podz:"), ("c1/pods:", "eu-west-9/c1/pods:")] {
            let error = read(&DOCUMENT.replacen(from, to, 1)).expect_err(to);
            assert!(error.to_string().contains("no section of this document"), "{error}");
        }
    }

    #[test]
    fn a_part_noted_as_partial_but_absent_is_not_empty() {
        let text = "eksplorer: 1\nclusters: [{cluster: {name: c, accessConfig: {authenticationMode: API}}}]\nsections: {c/accessEntries: {state: STATE}}";
        for state in ["partial", "stale", "notApplicable", "failed"] {
            let document = read(&text.replace("STATE", state)).expect(state);
            let snapshot = snapshot_of(&document, Source::default());
            let facts = snapshot.facts.values().next().expect("one cluster");
            assert!(matches!(facts.access_entries.state(), State::Failed(_)), "{state}");
        }
    }

    #[test]
    fn a_config_map_cluster_has_no_entries_to_know() {
        let document = read("eksplorer: 1\nclusters: [{cluster: {name: c}}]").expect("reads");
        let snapshot = snapshot_of(&document, Source::default());
        let facts = snapshot.facts.values().next().expect("one cluster");
        assert!(matches!(facts.access_entries.state(), State::NotApplicable(_)));
    }
}

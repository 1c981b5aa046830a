//! The one document: the snapshot that a user saves, the file opened offline, the world that the lab serves, the
//! start state of a test.
//!
//! Decides how facts are written and read (design: "One document"). Fields carry the names that the AWS CLI and
//! kubectl print; unknown ones are ignored; a wrong type or a missing required field is an error with line and field
//! path. A part that is absent was *not recorded*, which is not the same as empty.
//!
//! Manifests are read in two passes, since `kind` comes after other fields in what kubectl prints: the first pass
//! collects the kinds, the second reads each manifest as the type of its kind *at its own place*, so that an error
//! keeps its line and path. A new kind of manifest is a variant of [`Manifest`].

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::cluster::{Addon, Capability, Cluster, ClusterChange, FargateProfile, IdentityProviderConfig, Nodegroup};
use super::discovery::ApiResource;
use super::failure::Failure;
use super::mapping::AccessEntry;
use super::network::NetworkPolicy;
use super::principal::Arn;
use super::rbac::{Binding, ConfigMap, Namespace, Role};
use super::role::{Caller, GroupDetail, InstanceProfile, ManagedPolicy, OpenIdConnectProvider, RoleDetail, UserDetail};
use super::section::SectionId;
use super::time::Time;
use super::visible::visible_json;
use super::workload::{DaemonSet, Node, Pod, PodIdentityAssociation, ServiceAccount};

/// The version of the format that this program writes and reads.
pub const FORMAT: u32 = 1;

/// The whole document.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct Document {
    /// The format's version.
    pub eksplorer: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_at: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<Caller>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    #[serde(default)]
    pub clusters: Vec<ClusterDocument>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iam: Option<IamDocument>,
    /// What was empty, refused, failed or partial when it was taken, by `REGION/CLUSTER/section` (the region may be left
    /// out), `iam/section` or `account/clusters`; the names are those of [`SectionId`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sections: BTreeMap<String, SectionNote>,
}

/// One cluster with all that is known of it. `None` is "not recorded".
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct ClusterDocument {
    pub cluster: Cluster,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_entries: Option<Vec<AccessEntry>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_identity_associations: Option<Vec<PodIdentityAssociation>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nodegroups: Option<Vec<Nodegroup>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fargate_profiles: Option<Vec<FargateProfile>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addons: Option<Vec<Addon>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity_provider_configs: Option<Vec<IdentityProviderConfig>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Vec<Capability>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updates: Option<Vec<ClusterChange>>,
    /// The API server's discovery, in its own order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_resources: Option<Vec<ApiResource>>,
    /// Manifests of all kinds; lists are flattened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubernetes: Option<Vec<Manifest>>,
}

/// The account's IAM, as `get-account-authorization-details` prints it, with providers and profiles beside it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct IamDocument {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_detail_list: Option<Vec<RoleDetail>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_detail_list: Option<Vec<UserDetail>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_detail_list: Option<Vec<GroupDetail>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policies: Option<Vec<ManagedPolicy>>,
    #[serde(default, rename = "OpenIDConnectProviders", skip_serializing_if = "Option::is_none")]
    pub open_id_connect_providers: Option<Vec<OpenIdConnectProvider>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_profiles: Option<Vec<InstanceProfile>>,
}

/// How complete a section was when the document was taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct SectionNote {
    pub state: SectionState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<MissingNote>,
}

/// The states that a document can hold; a section that is not noted was known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub enum SectionState {
    /// Read, and there is nothing: of manifests, silence about a kind does not say so.
    Empty,
    Partial,
    Stale,
    Refused,
    Failed,
    NotApplicable,
}

/// An item that is there but was not read; without a name, the rest of a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct MissingNote {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    pub failure: Failure,
}

/// A Kubernetes manifest of a kind that matters here, or nothing.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum Manifest {
    ConfigMap(ConfigMap),
    Namespace(Namespace),
    ServiceAccount(ServiceAccount),
    Pod(Pod),
    Node(Node),
    DaemonSet(DaemonSet),
    NetworkPolicy(NetworkPolicy),
    Role(Role),
    ClusterRole(Role),
    RoleBinding(Binding),
    ClusterRoleBinding(Binding),
    /// `kind: List`, or `PodList` and the like.
    List(Vec<Manifest>),
    /// Any other kind; its content is dropped.
    Other,
}

/// Kind and apiVersion as they stand first in a written manifest.
#[derive(Serialize)]
struct Headed<'a, T> {
    #[serde(rename = "apiVersion")]
    api_version: &'a str,
    kind: &'a str,
    #[serde(flatten)]
    body: &'a T,
}

impl Serialize for Manifest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const RBAC: &str = "rbac.authorization.k8s.io/v1";
        match self {
            Manifest::ConfigMap(body) => Headed { api_version: "v1", kind: "ConfigMap", body }.serialize(serializer),
            Manifest::Namespace(body) => Headed { api_version: "v1", kind: "Namespace", body }.serialize(serializer),
            Manifest::ServiceAccount(body) => {
                Headed { api_version: "v1", kind: "ServiceAccount", body }.serialize(serializer)
            }
            Manifest::Pod(body) => Headed { api_version: "v1", kind: "Pod", body }.serialize(serializer),
            Manifest::Node(body) => Headed { api_version: "v1", kind: "Node", body }.serialize(serializer),
            Manifest::DaemonSet(body) => {
                Headed { api_version: "apps/v1", kind: "DaemonSet", body }.serialize(serializer)
            }
            Manifest::NetworkPolicy(body) => {
                Headed { api_version: "networking.k8s.io/v1", kind: "NetworkPolicy", body }.serialize(serializer)
            }
            Manifest::Role(body) => Headed { api_version: RBAC, kind: "Role", body }.serialize(serializer),
            Manifest::ClusterRole(body) => {
                Headed { api_version: RBAC, kind: "ClusterRole", body }.serialize(serializer)
            }
            Manifest::RoleBinding(body) => {
                Headed { api_version: RBAC, kind: "RoleBinding", body }.serialize(serializer)
            }
            Manifest::ClusterRoleBinding(body) => {
                Headed { api_version: RBAC, kind: "ClusterRoleBinding", body }.serialize(serializer)
            }
            Manifest::List(items) => {
                #[derive(Serialize)]
                struct Items<'a> {
                    items: &'a [Manifest],
                }
                Headed { api_version: "v1", kind: "List", body: &Items { items } }.serialize(serializer)
            }
            Manifest::Other => Headed { api_version: "v1", kind: "Other", body: &() }.serialize(serializer),
        }
    }
}

thread_local! {
    /// The kinds of the manifests still to be read, in document order, between the two passes of [`read`]. serde's
    /// derived readers cannot hand a value down to a nested type, hence the side channel; it is empty outside `read`.
    static KINDS: RefCell<VecDeque<String>> = const { RefCell::new(VecDeque::new()) };
}

impl<'de> Deserialize<'de> for Manifest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Items {
            #[serde(default)]
            items: Vec<Manifest>,
        }
        let kind = KINDS.with_borrow_mut(VecDeque::pop_front).unwrap_or_default();
        Ok(match kind.as_str() {
            "ConfigMap" => Manifest::ConfigMap(ConfigMap::deserialize(deserializer)?),
            "Namespace" => Manifest::Namespace(Namespace::deserialize(deserializer)?),
            "ServiceAccount" => Manifest::ServiceAccount(ServiceAccount::deserialize(deserializer)?),
            "Pod" => Manifest::Pod(Pod::deserialize(deserializer)?),
            "Node" => Manifest::Node(Node::deserialize(deserializer)?),
            "DaemonSet" => Manifest::DaemonSet(DaemonSet::deserialize(deserializer)?),
            "NetworkPolicy" => Manifest::NetworkPolicy(NetworkPolicy::deserialize(deserializer)?),
            "Role" => Manifest::Role(Role::deserialize(deserializer)?),
            "ClusterRole" => Manifest::ClusterRole(Role::deserialize(deserializer)?),
            "RoleBinding" => Manifest::RoleBinding(Binding::deserialize(deserializer)?),
            "ClusterRoleBinding" => Manifest::ClusterRoleBinding(Binding::deserialize(deserializer)?),
            LIST => Manifest::List(Items::deserialize(deserializer)?.items),
            _ => {
                IgnoredAny::deserialize(deserializer)?;
                Manifest::Other
            }
        })
    }
}

const LIST: &str = "List";

/// The first pass: the kinds alone, in the order in which the second pass meets the manifests.
#[derive(Deserialize)]
struct Kinds {
    #[serde(default)]
    clusters: Vec<ClusterKinds>,
}

#[derive(Deserialize)]
struct ClusterKinds {
    #[serde(default)]
    kubernetes: Option<Vec<KindOnly>>,
}

#[derive(Deserialize)]
struct KindOnly {
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    items: Option<MaybeItems>,
}

/// `items` of a list; in any other kind the field may be anything, and is nothing.
struct MaybeItems(Vec<KindOnly>);

impl<'de> Deserialize<'de> for MaybeItems {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Item {
            Manifest(KindOnly),
            Other(IgnoredAny),
        }
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Items {
            List(Vec<Item>),
            Other(IgnoredAny),
        }
        Ok(MaybeItems(match Items::deserialize(deserializer)? {
            Items::Other(_) => Vec::new(),
            Items::List(items) => items
                .into_iter()
                .map(|item| match item {
                    Item::Manifest(kind) => kind,
                    Item::Other(_) => KindOnly { kind: None, items: None },
                })
                .collect(),
        }))
    }
}

fn flatten_kinds(manifests: Vec<KindOnly>, of_list: Option<&str>, out: &mut VecDeque<String>) {
    for manifest in manifests {
        // Items of a typed list (`PodList`) carry no kind of their own.
        let kind = manifest.kind.unwrap_or_else(|| of_list.unwrap_or_default().to_owned());
        match (kind.strip_suffix(LIST), manifest.items) {
            (Some(of), Some(MaybeItems(items))) => {
                out.push_back(LIST.to_owned());
                flatten_kinds(items, Some(of), out);
            }
            _ => out.push_back(kind),
        }
    }
}

/// Why a document cannot be read: where, and what is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{}{message}", line_text(.line, .column), path_text(.path))]
pub struct DocumentError {
    /// Counted from 1.
    pub line: Option<usize>,
    /// Counted from 1.
    pub column: Option<usize>,
    /// `clusters[0].accessEntries[3].principalArn`
    pub path: Option<String>,
    /// What is wrong.
    pub message: String,
}

fn line_text(line: &Option<usize>, column: &Option<usize>) -> String {
    match (line, column) {
        (Some(line), Some(column)) => format!("line {line}, column {column}: "),
        (Some(line), None) => format!("line {line}: "),
        _ => String::new(),
    }
}

fn path_text(path: &Option<String>) -> String {
    path.as_ref().map(|path| format!("{path}: ")).unwrap_or_default()
}

/// Whether one of these sections is called so.
fn names(sections: &[SectionId], name: &str) -> bool {
    sections.iter().any(|id| id.name() == name)
}

/// Reads a document, YAML or JSON.
pub fn read(text: &str) -> Result<Document, DocumentError> {
    // A YAML flow map begins with a brace too, but only JSON must quote its first key.
    let json = text.trim_start().strip_prefix('{').is_some_and(|rest| rest.trim_start().starts_with(['"', '}']));
    let kinds: Kinds = if json { from_json(text)? } else { from_yaml(text)? };
    KINDS.with_borrow_mut(|queue| {
        queue.clear();
        for cluster in kinds.clusters {
            flatten_kinds(cluster.kubernetes.unwrap_or_default(), None, queue);
        }
    });
    let read: Result<Document, DocumentError> = if json { from_json(text) } else { from_yaml(text) };
    KINDS.with_borrow_mut(VecDeque::clear);
    let mut document = read?;
    if document.eksplorer != FORMAT {
        return Err(DocumentError {
            line: None,
            column: None,
            path: Some("eksplorer".to_owned()),
            message: format!("format version {} is not known; this program reads version {FORMAT}", document.eksplorer),
        });
    }
    check_clusters(&document)?;
    check_notes(&mut document)?;
    for cluster in &mut document.clusters {
        if let Some(manifests) = cluster.kubernetes.take() {
            let mut flat = Vec::with_capacity(manifests.len());
            flatten(manifests, &mut flat);
            cluster.kubernetes = Some(flat);
        }
    }
    Ok(document)
}

/// The region of a document's cluster: from its ARN, else the document's.
pub fn region_of(cluster: &Cluster, region: Option<&str>) -> String {
    let own = cluster.arn.as_deref().and_then(|arn| arn.parse::<Arn>().ok()).map(|arn| arn.region);
    own.unwrap_or_else(|| region.unwrap_or_default().to_owned())
}

fn wrong(path: String, message: String) -> DocumentError {
    DocumentError { line: None, column: None, path: Some(path), message }
}

fn check_clusters(document: &Document) -> Result<(), DocumentError> {
    let mut seen = BTreeSet::new();
    for (index, it) in document.clusters.iter().enumerate() {
        let region = region_of(&it.cluster, document.region.as_deref());
        if !seen.insert((region.clone(), it.cluster.name.clone())) {
            let message = format!("the document has cluster {} of region {region:?} twice", it.cluster.name);
            return Err(wrong(format!("clusters[{index}].cluster"), message));
        }
    }
    Ok(())
}

/// Brings the notes' names into their full form. A note that is about nothing would turn "not known" into "not there"
/// without a word, so it is an error.
fn check_notes(document: &mut Document) -> Result<(), DocumentError> {
    let mut notes = BTreeMap::new();
    for (name, note) in std::mem::take(&mut document.sections) {
        let mut parts = name.rsplitn(3, '/');
        let (section, cluster, region) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
        let full = match (cluster, region) {
            (Some("iam"), None) if names(SectionId::IAM, section) => Some(name.clone()),
            (Some("account"), None) if section == "clusters" => Some(name.clone()),
            (Some(cluster), region) if names(SectionId::CLUSTER, section) => document.clusters.iter().find_map(|it| {
                let own = region_of(&it.cluster, document.region.as_deref());
                let same = it.cluster.name == cluster && region.is_none_or(|region| region == own);
                same.then(|| format!("{own}/{cluster}/{section}"))
            }),
            _ => None,
        };
        let Some(full) = full else {
            let message = "it is no section of this document: write REGION/CLUSTER/SECTION or iam/SECTION".to_owned();
            return Err(wrong(format!("sections[{name:?}]"), message));
        };
        notes.insert(full, note);
    }
    document.sections = notes;
    Ok(())
}

fn flatten(manifests: Vec<Manifest>, out: &mut Vec<Manifest>) {
    for manifest in manifests {
        match manifest {
            Manifest::List(items) => flatten(items, out),
            Manifest::Other => {}
            one => out.push(one),
        }
    }
}

/// Reads a JSON text into any type; an error names line and field.
pub fn from_json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, DocumentError> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let error = |path: Option<String>, error: serde_json::Error| {
        let (line, column) = (error.line(), error.column());
        let whole = error.to_string();
        DocumentError {
            line: (line > 0).then_some(line),
            column: (line > 0).then_some(column),
            path: path.filter(|it| it != "."),
            message: whole.split(" at line ").next().unwrap_or(&whole).to_owned(),
        }
    };
    let value = serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|it| error(Some(it.path().to_string()), it.into_inner()))?;
    // Something behind it: two documents in one file, or a text cut and pasted wrong.
    deserializer.end().map_err(|it| error(None, it))?;
    Ok(value)
}

/// Reads a YAML text into any type, with the budget that 30,000 real pods need.
pub fn from_yaml<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, DocumentError> {
    const PLENTY: usize = 200_000_000;
    let budget = serde_saphyr::budget! {
        max_reader_input_bytes: Some(4 * PLENTY),
        max_events: PLENTY,
        max_nodes: PLENTY,
        max_total_scalar_bytes: 4 * PLENTY,
        max_total_comment_bytes: PLENTY,
        max_documents: 8,
    };
    let options = serde_saphyr::options! {
        budget: budget,
        with_snippet: false,
        // Group names such as `on` or `yes` are names.
        strict_booleans: true,
    };
    let mut path = None;
    let result = serde_saphyr::with_deserializer_from_str_with_options(text, options, |deserializer| {
        serde_path_to_error::deserialize(deserializer).map_err(|error| {
            path = Some(error.path().to_string()).filter(|path| path != ".");
            error.into_inner()
        })
    });
    result.map_err(|error| {
        let at = error.location();
        let whole = error.without_snippet().to_string();
        let message = whole.lines().next().unwrap_or_default();
        DocumentError {
            line: at.map(|at| at.line() as usize),
            column: at.map(|at| at.column() as usize),
            path,
            message: message.split(" at line ").next().unwrap_or(message).to_owned(),
        }
    })
}

/// Writes a document as YAML.
pub fn to_yaml<T: Serialize>(value: &T) -> Result<String, String> {
    // Long texts stay on their line, as the AWS CLI and kubectl leave them; only those of several lines are blocks.
    let options = serde_saphyr::ser_options! {
        compact_list_indent: true,
        prefer_block_scalars: true,
        folded_wrap_chars: 1_000_000,
    };
    serde_saphyr::to_string_with_options(value, options).map_err(|error| error.to_string())
}

/// Writes a document as JSON, indented; a terminal may show it.
pub fn to_json<T: Serialize>(value: &T) -> Result<String, String> {
    serde_json::to_string_pretty(value).map(visible_json).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;

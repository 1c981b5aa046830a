//! Kubernetes manifests within a document.
//!
//! Decides as what each is read: by its `kind`. Two ways lead there. Where `kind` stands before all but `apiVersion`, as this
//! program writes it, a manifest says itself what it is, and one pass over the text is enough. What kubectl prints may have it
//! last; then a first pass collects the kinds ([`Kinds`]) and a second reads each manifest as the type of its kind
//! *at its own place*, so that an error keeps its line and path. A new kind of manifest is a variant of [`Manifest`].

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Error, IgnoredAny, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::super::network::NetworkPolicy;
use super::super::rbac::{Binding, ConfigMap, Namespace, Role};
use super::super::workload::{DaemonSet, Node, Pod, ServiceAccount};

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
    /// The kinds of the manifests still to be read, in document order, in the second of two passes; `None` where each says
    /// itself what it is. serde's derived readers cannot hand a value down to a nested type, hence the side channel.
    static KINDS: RefCell<Option<VecDeque<String>>> = const { RefCell::new(None) };
}

/// Reads with the kinds of all manifests known, in document order.
pub(super) fn with_kinds<T>(kinds: VecDeque<String>, read: impl FnOnce() -> T) -> T {
    KINDS.set(Some(kinds));
    let read = read();
    KINDS.set(None);
    read
}

impl<'de> Deserialize<'de> for Manifest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match KINDS.with_borrow_mut(|kinds| kinds.as_mut().map(|all| all.pop_front().unwrap_or_default())) {
            Some(kind) => read_as(&kind, deserializer),
            None => deserializer.deserialize_map(SaysItsKind),
        }
    }
}

fn read_as<'de, D: Deserializer<'de>>(kind: &str, deserializer: D) -> Result<Manifest, D::Error> {
    #[derive(Deserialize)]
    struct Items {
        #[serde(default)]
        items: Vec<Manifest>,
    }
    Ok(match kind {
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

/// Reads a manifest that says first what it is. Whatever needs a look ahead is an error here, and no fault of the document.
struct SaysItsKind;

impl<'de> Visitor<'de> for SaysItsKind {
    type Value = Manifest;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a manifest that begins with its kind")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Manifest, A::Error> {
        loop {
            match members.next_key::<MemberName<'_>>()?.as_ref().map(|it| &*it.0) {
                Some("apiVersion") => {
                    members.next_value::<IgnoredAny>()?;
                }
                Some("kind") => break,
                _ => return Err(A::Error::custom("it does not begin with its kind")),
            }
        }
        let kind: String = members.next_value()?;
        // Items of a typed list (`PodList`) are of a kind that they do not have themselves.
        if kind.ends_with(LIST) && kind != LIST {
            return Err(A::Error::custom("it is a list of one kind"));
        }
        read_as(&kind, MapAccessDeserializer::new(RestOfManifest { members, is_list: kind == LIST }))
    }
}

/// The name of a member, borrowed where the text has it as it is.
struct MemberName<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for MemberName<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;
        impl<'de> Visitor<'de> for NameVisitor {
            type Value = MemberName<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a member")
            }

            fn visit_borrowed_str<E>(self, it: &'de str) -> Result<MemberName<'de>, E> {
                Ok(MemberName(Cow::Borrowed(it)))
            }

            fn visit_str<E>(self, it: &str) -> Result<MemberName<'de>, E> {
                Ok(MemberName(Cow::Owned(it.to_owned())))
            }
        }
        deserializer.deserialize_str(NameVisitor)
    }
}

/// The members behind the kind. A second kind, or items where there is no list, are not as this program writes them.
struct RestOfManifest<A> {
    members: A,
    is_list: bool,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for RestOfManifest<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        let Some(MemberName(name)) = self.members.next_key()? else { return Ok(None) };
        if name == "kind" || name == "items" && !self.is_list {
            return Err(A::Error::custom("it has a member that it should not have"));
        }
        seed.deserialize(name.into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.members.next_value_seed(seed)
    }
}

const LIST: &str = "List";

/// The first of two passes: the kinds alone.
#[derive(Deserialize)]
pub(super) struct Kinds {
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

impl Kinds {
    /// In the order in which the second pass meets the manifests.
    pub(super) fn in_order(self) -> VecDeque<String> {
        let mut kinds = VecDeque::new();
        for cluster in self.clusters {
            flatten_kinds(cluster.kubernetes.unwrap_or_default(), None, &mut kinds);
        }
        kinds
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

/// The manifests without their lists, and without what is of no kind that matters.
pub(super) fn flatten(manifests: Vec<Manifest>) -> Vec<Manifest> {
    fn into(manifests: Vec<Manifest>, out: &mut Vec<Manifest>) {
        for manifest in manifests {
            match manifest {
                Manifest::List(items) => into(items, out),
                Manifest::Other => {}
                one => out.push(one),
            }
        }
    }
    if !manifests.iter().any(|it| matches!(it, Manifest::List(_) | Manifest::Other)) {
        return manifests;
    }
    let mut flat = Vec::with_capacity(manifests.len());
    into(manifests, &mut flat);
    flat
}

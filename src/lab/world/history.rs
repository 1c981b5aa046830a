//! What was written to a cluster's objects: the resource version, and the changes that a watch replays.
//!
//! Decides how versions are counted: a world begins at the highest version that one of its objects carries, and each write is
//! the next. Old changes are forgotten; a watch that asks for them is answered 410 Gone. What a watch makes of a change
//! is `lab::kubernetes::watch`'s.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::model::document::Manifest;
use crate::model::rbac::Metadata;

/// How many changes are remembered at most.
const MOST_CHANGES: usize = 1000;

/// The changes of one cluster's objects, the oldest first.
#[derive(Clone, Debug)]
pub(in crate::lab) struct History {
    /// The version of the newest change.
    version: u64,
    /// Changes up to this version are forgotten.
    forgotten: u64,
    changes: VecDeque<Arc<ObjectChange>>,
}

/// One object as it was and as it became: created, changed or deleted.
#[derive(Debug)]
pub(in crate::lab) struct ObjectChange {
    pub(in crate::lab) version: u64,
    /// `None` where it was created.
    pub(in crate::lab) before: Option<Manifest>,
    /// `None` where it was deleted.
    pub(in crate::lab) after: Option<Manifest>,
}

impl History {
    /// The history of objects that nobody has changed yet.
    pub(in crate::lab) fn new(manifests: &[Manifest]) -> History {
        let versions = manifests.iter().filter_map(|it| metadata_of(it)?.1.resource_version.as_deref()?.parse().ok());
        let version = versions.max().unwrap_or(1).max(1);
        History { version, forgotten: 0, changes: VecDeque::new() }
    }

    /// The newest version: what lists are stamped with.
    pub(in crate::lab) fn version(&self) -> u64 {
        self.version
    }

    /// The changes after a version; `None` if some of them are forgotten.
    pub(in crate::lab) fn since(&self, version: u64) -> Option<impl Iterator<Item = &ObjectChange>> {
        let all = self.changes.iter().map(Arc::as_ref);
        (version >= self.forgotten).then(|| all.filter(move |it| it.version > version))
    }

    /// Adds a change under the next version.
    pub(super) fn push(&mut self, before: Option<Manifest>, after: Option<Manifest>) {
        self.version += 1;
        self.changes.push_back(Arc::new(ObjectChange { version: self.version, before, after }));
        if self.changes.len() > MOST_CHANGES
            && let Some(oldest) = self.changes.pop_front()
        {
            self.forgotten = oldest.version;
        }
    }
}

/// The kind and the metadata of an object; `None` for what is no object.
pub(in crate::lab) fn metadata_of(manifest: &Manifest) -> Option<(&'static str, &Metadata)> {
    Some(match manifest {
        Manifest::ConfigMap(it) => ("ConfigMap", &it.metadata),
        Manifest::Namespace(it) => ("Namespace", &it.metadata),
        Manifest::ServiceAccount(it) => ("ServiceAccount", &it.metadata),
        Manifest::Pod(it) => ("Pod", &it.metadata),
        Manifest::Node(it) => ("Node", &it.metadata),
        Manifest::DaemonSet(it) => ("DaemonSet", &it.metadata),
        Manifest::NetworkPolicy(it) => ("NetworkPolicy", &it.metadata),
        Manifest::Role(it) => ("Role", &it.metadata),
        Manifest::ClusterRole(it) => ("ClusterRole", &it.metadata),
        Manifest::RoleBinding(it) => ("RoleBinding", &it.metadata),
        Manifest::ClusterRoleBinding(it) => ("ClusterRoleBinding", &it.metadata),
        Manifest::List(_) | Manifest::Other => return None,
    })
}

/// The metadata of an object, to be changed.
pub(in crate::lab) fn metadata_mut(manifest: &mut Manifest) -> Option<&mut Metadata> {
    Some(match manifest {
        Manifest::ConfigMap(it) => &mut it.metadata,
        Manifest::Namespace(it) => &mut it.metadata,
        Manifest::ServiceAccount(it) => &mut it.metadata,
        Manifest::Pod(it) => &mut it.metadata,
        Manifest::Node(it) => &mut it.metadata,
        Manifest::DaemonSet(it) => &mut it.metadata,
        Manifest::NetworkPolicy(it) => &mut it.metadata,
        Manifest::Role(it) | Manifest::ClusterRole(it) => &mut it.metadata,
        Manifest::RoleBinding(it) | Manifest::ClusterRoleBinding(it) => &mut it.metadata,
        Manifest::List(_) | Manifest::Other => return None,
    })
}

/// Whether two manifests are of the same object.
pub(super) fn is_same_object(one: &Manifest, other: &Manifest) -> bool {
    let identity = |it| metadata_of(it).map(|(kind, it)| (kind, it.namespace.as_deref(), it.name.as_str()));
    identity(one).is_some() && identity(one) == identity(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::rbac::Namespace;

    fn namespace(name: &str, version: &str) -> Manifest {
        let metadata = Metadata { name: name.into(), resource_version: Some(version.into()), ..Metadata::default() };
        Manifest::Namespace(Namespace { metadata, ..Namespace::default() })
    }

    #[test]
    fn versions_go_on_from_the_highest_of_the_world() {
        assert_eq!(History::new(&[]).version(), 1);
        let mut history = History::new(&[namespace("a", "7"), namespace("b", "40"), namespace("c", "odd")]);
        assert_eq!(history.version(), 40);
        history.push(None, Some(namespace("d", "41")));
        let since = |version| history.since(version).map(|all| all.map(|it| it.version).collect::<Vec<_>>());
        assert_eq!((since(40), since(41), since(1)), (Some(vec![41]), Some(vec![]), Some(vec![41])));
    }

    #[test]
    fn what_is_long_ago_is_forgotten() {
        let mut history = History::new(&[]);
        for _ in 0..=MOST_CHANGES {
            history.push(None, None);
        }
        let count = |version| history.since(version).map(Iterator::count);
        assert_eq!((count(1), count(2)), (None, Some(MOST_CHANGES)));
    }
}

//! The worlds that are asked: generated ones, each bent into named corners, and every file of `tests/worlds`.
//!
//! A world of number N holds corner N of [`CORNERS`] for sure, and a few others by chance from the seed N, so that each corner is
//! reached whatever the number of worlds and corners meet. One world in three has a section withheld.

use std::collections::BTreeSet;
use std::path::Path;

use eksplorer::lab::generate::{CLUSTER, Sizes, world};
use eksplorer::model::document::{Document, Manifest, SectionNote, SectionState, read};
use eksplorer::model::facts::snapshot_of;
use eksplorer::model::failure::{Failure, FailureKind};
use eksplorer::model::section::SectionId;
use eksplorer::model::snapshot::{Snapshot, Source};

use super::Dice;
use super::corners::CORNERS;

const SIZES: Sizes = Sizes {
    entries: 10,
    aws_auth_rows: 8,
    roles: 22,
    users: 3,
    role_bindings: 10,
    cluster_role_bindings: 8,
    k8s_roles: 6,
    cluster_roles: 8,
    namespaces: 4,
    service_accounts: 10,
    pods: 8,
    nodes: 3,
    associations: 3,
    irsa: 4,
};

/// A world to ask.
pub(crate) struct World {
    /// Its number and corners, or its file.
    pub(crate) name: String,
    pub(crate) document: Document,
    pub(crate) snapshot: Snapshot,
    /// Whether a lab can serve it: no section of it is withheld, and nothing in it is beyond what EKS takes.
    pub(crate) served: bool,
}

impl World {
    fn new(name: String, document: Document, served: bool) -> World {
        let snapshot = snapshot_of(&document, Source::Lab).settled();
        World { name, document, snapshot, served }
    }
}

/// Every world of a folder and those below it.
pub(crate) fn files() -> Vec<World> {
    let mut out = Vec::new();
    let mut folders = vec![Path::new("tests/worlds").to_owned(), Path::new("assets/worlds").to_owned()];
    while let Some(folder) = folders.pop() {
        let mut all: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|it| it.unwrap().path()).collect();
        all.sort();
        for path in all {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = || std::fs::read_to_string(&path).unwrap();
            // A file of changes is no world.
            if path.extension().is_some_and(|it| it == "yaml") && text().contains("eksplorer: 1") {
                out.push(World::new(path.display().to_string(), read(&text()).unwrap(), false));
            }
        }
    }
    out.sort_by(|a, b| a.name.cmp(&b.name));
    out
}

/// The world of a number.
pub(crate) fn generated(number: u64) -> World {
    let mut dice = Dice::new(number);
    let mut document = world(&SIZES, number);
    let mut names: BTreeSet<&str> = BTreeSet::new();
    let first = usize::try_from(number).unwrap() % CORNERS.len();
    let mut bend = |at: usize, document: &mut Document, dice: &mut Dice| {
        let (name, corner) = CORNERS[at];
        if names.insert(name) {
            corner(document, dice);
        }
    };
    bend(first, &mut document, &mut dice);
    for _ in 0..dice.roll(4) {
        bend(dice.roll(CORNERS.len()), &mut document, &mut dice);
    }
    note_empty(&mut document);
    // No association is without a role where EKS describes it.
    let associations = document.clusters[0].pod_identity_associations.iter().flatten();
    let mut served = associations.into_iter().all(|it| it.role_arn.is_some());
    let mut withheld = Vec::new();
    if number % 3 == 2 {
        for _ in 0..=dice.roll(2) {
            withheld.push(withhold(&mut document, &mut dice));
            served = false;
        }
    }
    let names: Vec<&str> = names.into_iter().chain(withheld).collect();
    World::new(format!("world {number} ({})", names.join(", ")), document, served)
}

/// A refusal.
pub(crate) fn refused(permission: &str) -> Failure {
    Failure {
        kind: FailureKind::Refused { permission: permission.to_owned() },
        doing: format!("read {permission}"),
        on: String::new(),
        code: None,
        message: String::new(),
    }
}

fn note(state: SectionState, failure: Option<Failure>) -> SectionNote {
    SectionNote { state, failure, because: None, missing: Vec::new() }
}

/// Of manifests, silence does not say that there are none.
fn note_empty(document: &mut Document) {
    type IsOfKind = fn(&Manifest) -> bool;
    let kinds: [(&str, IsOfKind); 11] = [
        ("awsAuth", |it| matches!(it, Manifest::ConfigMap(_))),
        ("namespaces", |it| matches!(it, Manifest::Namespace(_))),
        ("serviceAccounts", |it| matches!(it, Manifest::ServiceAccount(_))),
        ("pods", |it| matches!(it, Manifest::Pod(_))),
        ("nodes", |it| matches!(it, Manifest::Node(_))),
        ("daemonSets", |it| matches!(it, Manifest::DaemonSet(_))),
        ("networkPolicies", |it| matches!(it, Manifest::NetworkPolicy(_))),
        ("roles", |it| matches!(it, Manifest::Role(_))),
        ("clusterRoles", |it| matches!(it, Manifest::ClusterRole(_))),
        ("roleBindings", |it| matches!(it, Manifest::RoleBinding(_))),
        ("clusterRoleBindings", |it| matches!(it, Manifest::ClusterRoleBinding(_))),
    ];
    for (name, is_it) in kinds {
        let key = format!("eu-west-1/{CLUSTER}/{name}");
        if document.clusters[0].kubernetes.iter().flatten().any(is_it) {
            document.sections.remove(&key);
        } else {
            document.sections.insert(key, note(SectionState::Empty, None));
        }
    }
}

/// One section, or the rest of it, is refused.
fn withhold(document: &mut Document, dice: &mut Dice) -> &'static str {
    let at = dice.roll(SectionId::CLUSTER.len() + SectionId::IAM.len());
    let (key, name) = match SectionId::CLUSTER.get(at) {
        Some(id) => (format!("eu-west-1/{CLUSTER}/{}", id.name()), id.name()),
        None => {
            let id = SectionId::IAM[at - SectionId::CLUSTER.len()];
            (format!("iam/{}", id.name()), id.title())
        }
    };
    document.sections.insert(key, note(SectionState::Refused, Some(refused(name))));
    name
}

//! Kinds of defects and dangers from public reports: each world with the right answer, its source, and a near miss.

mod dangers;
mod parts;
mod slips;

use eksplorer::access::audit::Item;
use eksplorer::access::inventory::{Inventory, inventory};
use eksplorer::access::permissions::Permissions;
use eksplorer::access::posture::Control;
use eksplorer::model::document::read;
use eksplorer::model::facts::snapshot_of;
use eksplorer::model::snapshot::{ClusterFacts, Snapshot, Source};

macro_rules! world {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/worlds/cases/", $name, ".yaml"))
    };
}
use world;

/// A world of one cluster, and all that follows from its facts.
struct Report {
    snapshot: Snapshot,
    facts: ClusterFacts,
    rows: Inventory,
}

/// A world with texts replaced in it.
fn report(world: &str, changes: &[(&str, &str)]) -> Report {
    let mut text = world.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    let snapshot = snapshot_of(&read(&text).unwrap_or_else(|error| panic!("{error}\n{text}")), Source::Lab);
    let facts = snapshot.facts.values().next().expect("a cluster").as_ref().clone();
    let rows = inventory(&facts, &snapshot.iam);
    Report { snapshot, facts, rows }
}

impl Report {
    fn permissions(&self) -> Permissions {
        Permissions::of(&self.facts)
    }

    fn control(&self, id: &str) -> &Control {
        self.rows.posture.iter().find(|it| it.id.as_str() == id).expect(id)
    }

    /// The findings of an id, by their subjects.
    fn found(&self, id: &str) -> Vec<(String, &Item)> {
        let items = self.rows.findings.iter().filter(|it| it.id.as_str() == id);
        items.map(|it| (it.subject.to_string(), it)).collect()
    }

    fn subjects(&self, id: &str) -> Vec<String> {
        self.found(id).into_iter().map(|(subject, _)| subject).collect()
    }
}

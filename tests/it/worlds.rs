//! The worlds that several tests look at.

use std::sync::LazyLock;

use eksplorer::model::document::read;
use eksplorer::model::facts::snapshot_of;
use eksplorer::model::snapshot::{Snapshot, Source};

/// The demo world's facts, read once.
pub(crate) static ACME: LazyLock<Snapshot> =
    LazyLock::new(|| snapshot_of(&read(include_str!("../../assets/worlds/acme.yaml")).unwrap(), Source::Lab));

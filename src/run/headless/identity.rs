//! `permissions`, and `trace` of a Kubernetes subject: everything that an identity may do.
//!
//! Decides what is read: of a subject of Kubernetes' own the RBAC objects; where it matters who is mapped to it, the mappings
//! too. What is granted is `access::permissions`'s.

use super::super::Trouble;
use super::super::load::{self, ListedEntries, Needs};
use super::super::source::Source;
use super::permissions::{facts_about, find_identity};
use super::{Printed, facts_for};
use crate::access::engines::Engines;
use crate::access::findings::MASTERS;
use crate::access::inventory::inventory_of;
use crate::access::matrix::first_namespace;
use crate::access::permissions::{Via, Who};
use crate::access::who::subjects;
use crate::cli::{Options, Output};
use crate::model::cluster::ClusterId;
use crate::model::snapshot::Snapshot;
use crate::report::permissions::{GrantedPermissions, json_text, text};

/// `eksplorer permissions PRINCIPAL`: without a namespace, the table of the one in which it has most of its own.
pub async fn show_permissions(options: &Options, given: &str, namespace: Option<&str>) -> Result<Printed, Trouble> {
    let source = Source::open(options, None).await?;
    let id = source.cluster(options.cluster.as_deref()).await?;
    let snapshot = facts_about(&source, &id, Some(given)).await?;
    let facts = snapshot.cluster(&id);
    let engines = Engines::new(&facts, &snapshot.iam);
    let (named, who) = find_identity(options, &engines, given)?;
    let permissions = engines.permissions();
    let namespace = namespace.map_or_else(|| first_namespace(permissions, &who), str::to_owned);
    let granted = GrantedPermissions::new(permissions, named, who, &namespace);
    print(options, &id, &granted)
}

/// `eksplorer trace SUBJECT`: of a group or user also who is mapped to it.
pub(super) async fn trace_subject(options: &Options, given: &str) -> Result<Printed, Trouble> {
    let source = Source::open(options, None).await?;
    let id = source.cluster(options.cluster.as_deref()).await?;
    let is_account = matches!(Who::subject(given), Some((Via::ServiceAccount { .. }, _)));
    let snapshot = match is_account {
        true => facts_about(&source, &id, Some(given)).await?,
        false => facts_for_subject(&source, &id, given).await?,
    };
    let facts = snapshot.cluster(&id);
    let engines = Engines::new(&facts, &snapshot.iam);
    let (named, who) = find_identity(options, &engines, given)?;
    let permissions = engines.permissions();
    let subject = match Who::subject(given) {
        Some((via, _)) if !is_account => {
            subjects(&facts, permissions, &inventory_of(&engines).principals).into_iter().find(|it| it.subject == via)
        }
        _ => None,
    };
    let namespace = first_namespace(permissions, &who);
    let granted = GrantedPermissions::new(permissions, named, who, &namespace).with_subject(subject);
    print(options, &id, &granted)
}

/// What says who is a user or a member of a group. No access entry gives system:masters, which EKS refuses in entries: of
/// those only the ones matter that win over a row of aws-auth.
async fn facts_for_subject(source: &Source, id: &ClusterId, given: &str) -> Result<Snapshot, Trouble> {
    let is_masters = matches!(Who::subject(given), Some((Via::Group(name), _)) if name == MASTERS);
    let needs = if is_masters { Needs::grants() } else { Needs::subject() };
    let mut snapshot = facts_for(source, id, None, &needs).await?;
    if let (Source::Live { session, .. }, true) = (source, is_masters) {
        load::read_listed_entries(session, id, &ListedEntries::OfAwsAuth, &mut snapshot).await;
        snapshot = snapshot.settled();
    }
    Ok(snapshot)
}

fn print(options: &Options, id: &ClusterId, granted: &GrantedPermissions<'_>) -> Result<Printed, Trouble> {
    let out = match options.output {
        Output::Text => text(id, granted),
        Output::Json | Output::Sarif => json_text(id, granted).map_err(Trouble::failure)?,
    };
    Ok(Printed::answer(out, granted.exit()))
}

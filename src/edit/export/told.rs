//! What an export is made from: a plan that is not applied yet, or a batch of the journal.
//!
//! Decides what each form tells of which of the two: of a plan what it is to do, of a batch what it did. What a form looks
//! like is in the files beside this one.

use std::collections::BTreeMap;

use super::{Place, Traced, note, script, terraform};
use crate::access::identity::Resolver;
use crate::access::permissions::Permissions;
use crate::access::trace::trace;
use crate::edit::draft::Draft;
use crate::edit::plan::{Step, plan};
use crate::edit::record::{History, Standing, not_brought_back};
use crate::edit::state::Subject;
use crate::edit::{Review, project::project, review};
use crate::model::principal::Asked;
use crate::model::snapshot::{ClusterFacts, IamFacts};
use crate::model::time::Time;

/// A plan or a batch, with all that its exports tell.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// Where.
    pub place: Place,
    /// Who does it or did it, by ARN.
    pub by: Option<String>,
    /// What is to change, or has changed.
    pub draft: Draft,
    /// The calls.
    pub steps: Vec<Step>,
    /// What takes it back.
    pub back: Draft,
    /// The batch, with how it stands; none of a plan.
    pub batch: Option<Box<(History, Standing)>>,
    /// Does the plan undo something?
    pub undoes: bool,
    /// The ids of associations that are there, which no plan knows.
    pub ids: BTreeMap<Subject, String>,
}

impl Told {
    /// Of a plan.
    pub fn planned(place: Place, draft: &Draft, steps: &[Step], facts: &ClusterFacts) -> Told {
        let told = Told {
            place,
            by: None,
            draft: draft.clone(),
            steps: steps.to_vec(),
            back: draft.inverse(),
            batch: None,
            undoes: false,
            ids: BTreeMap::new(),
        };
        // What is made, or made anew, gets an id that nobody knows yet.
        let stays = |subject: &Subject| draft.change(subject).is_some_and(|it| it.before.is_some() && !it.again);
        Told { ids: ids(facts, draft, stays), ..told }
    }

    /// Of a batch. `facts` are those of its cluster, if that is at hand.
    pub fn of(history: &History, standing: Standing, facts: Option<&ClusterFacts>) -> Told {
        let batch = &history.batch;
        let back = history.undo();
        let draft = back.inverse();
        Told {
            place: Place {
                cluster: batch.pin.cluster.clone(),
                region: batch.pin.region.clone(),
                account: Some(batch.pin.account.clone()),
            },
            by: Some(batch.caller.clone()),
            steps: batch.steps.clone(),
            ids: facts.map(|facts| ids(facts, &draft, |_| true)).unwrap_or_default(),
            draft,
            back,
            undoes: batch.undoes.is_some(),
            batch: Some(Box::new((history.clone(), standing))),
        }
    }

    fn title(&self) -> String {
        let what = if self.undoes { "Undo of an access change" } else { "Access change" };
        match &self.batch {
            Some(it) => format!("{what}, batch {}", it.0.batch.id),
            None => what.to_owned(),
        }
    }

    /// The calls as a script.
    pub fn script(&self) -> String {
        let mut remarks = Vec::new();
        if let Some(it) = &self.batch {
            remarks.push(format!("As it was planned; by the journal it is {}.", it.1.word()));
        }
        script(&self.place, &self.steps, &self.title(), &remarks)
    }

    /// What takes it back, as a script.
    pub fn inverse(&self) -> String {
        let mut remarks = Vec::new();
        if let Some(n) = self.batch.as_ref().and_then(|it| it.0.doubt()) {
            remarks.push(format!("Whether step {n} was done is not known: look before you run this."));
        }
        let gone = self.draft.changes().filter(|(_, it)| it.before.is_some() && (it.after.is_none() || it.again));
        remarks.extend(
            gone.map(|(subject, _)| format!("Cannot be brought back of {subject}: {}.", not_brought_back(subject))),
        );
        script(&self.place, &plan(&self.back), &format!("What takes back: {}", self.title()), &remarks)
    }

    /// What then stands, for Terraform.
    pub fn terraform(&self) -> String {
        let after = match &self.batch {
            Some(it) => format!("batch {}", it.0.batch.id),
            None => "the plan".to_owned(),
        };
        terraform(&self.place, &self.draft, &after, |subject| self.ids.get(subject).map(String::as_str))
    }

    /// The note, with who gains and loses what and the traces before and after, by the facts of its cluster. Those of a
    /// batch are of now, so what it did is taken back in them first.
    pub fn note(
        &self,
        facts: &ClusterFacts,
        iam: &IamFacts,
        permissions: &Permissions,
        caller: Option<&Asked>,
        now: Option<Time>,
    ) -> String {
        let before = if self.batch.is_some() { project(facts, &self.back, now) } else { facts.clone() };
        let review = review(&before, iam, permissions, caller, &self.draft, now);
        let after = project(&before, &self.draft, now);
        let resolvers = (Resolver::new(&before, iam), Resolver::new(&after, iam));
        let traced = |it: &crate::edit::diff::Difference| {
            let asked = Asked::principal(it.principal.clone());
            Traced { before: trace(&resolvers.0, permissions, &asked), after: trace(&resolvers.1, permissions, &asked) }
        };
        let traces: Vec<Traced> = review.differences.iter().map(traced).collect();
        note(self, Some((&review, &traces)))
    }

    /// The note where the cluster's facts are not at hand.
    pub fn note_without_facts(&self) -> String {
        note(self, None)
    }
}

/// What a note knows of who gains and loses what.
pub(super) type Known<'a> = Option<(&'a Review, &'a [Traced])>;

fn ids(facts: &ClusterFacts, draft: &Draft, counts: impl Fn(&Subject) -> bool) -> BTreeMap<Subject, String> {
    let all = facts.pod_identity_associations.items().iter().filter(|it| !it.association_id.is_empty());
    all.map(|it| (Subject::Association(it.namespace.clone(), it.service_account.clone()), it.association_id.clone()))
        .filter(|(subject, _)| draft.change(subject).is_some() && counts(subject))
        .collect()
}

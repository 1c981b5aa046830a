//! What only AWS can say of a plan before it is applied: is all as it was when it was read, and may the caller do it?
//!
//! Decides what is asked (each thing of the draft is read again, each kind of call is put to IAM), all at once and for no
//! longer than [`PATIENCE`], so that a review never hangs on it. What the answers mean is `edit::check`'s and
//! `edit::preflight`'s; nothing here is ever taken for a yes.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures::future::{join, join_all};
use tokio::time::{sleep, timeout};

use super::apply::subject;
use crate::cloud::Session;
use crate::edit::Review;
use crate::edit::check::{Check, CheckId, drift::drift};
use crate::edit::draft::{Change, Draft};
use crate::edit::preflight::{Ask, Context, Preflight, Whom, checks, not_known};
use crate::edit::state::Subject;
use crate::model::cluster::ClusterId;
use crate::model::failure::Failure;
use crate::model::principal::Asked;
use crate::model::role::Simulated;
use crate::model::snapshot::{ClusterFacts, IamFacts};

/// How long a review waits for all of it.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// How long what was found is taken for what is so: applying reads once more in any case.
const STILL_NEW: Duration = Duration::from_secs(5);

/// What differs is looked at once more, this much later: reads lag behind writes.
const SECOND_LOOK: Duration = Duration::from_millis(400);

/// What was found for a draft, and when.
#[derive(Clone, Debug)]
pub struct Looked {
    id: ClusterId,
    draft: Draft,
    preflight: Preflight,
    at: Instant,
    /// The checks.
    pub found: Vec<Check>,
}

impl Looked {
    /// Looks.
    pub async fn at(session: &Session, id: ClusterId, draft: &Draft, preflight: Preflight) -> Self {
        let found = ask(session, &id, draft, &preflight, PATIENCE).await;
        Looked { id, draft: draft.clone(), preflight, at: Instant::now(), found }
    }

    /// Is it of the same draft, and new enough to be taken for now?
    pub fn holds_for(&self, id: &ClusterId, draft: &Draft, preflight: &Preflight) -> bool {
        self.at.elapsed() < STILL_NEW && self.id == *id && self.draft == *draft && self.preflight == *preflight
    }
}

/// Adds to a review what AWS says to it now.
pub async fn looked_at(
    session: &Session,
    id: &ClusterId,
    (facts, iam): (&ClusterFacts, &IamFacts),
    caller: Option<&Asked>,
    review: Review,
) -> Review {
    let preflight = Preflight::of(facts, iam, caller, &review.steps);
    let found = ask(session, id, &review.draft, &preflight, PATIENCE).await;
    review.with(found)
}

/// Asks all of it, for so long.
pub async fn ask(
    session: &Session,
    id: &ClusterId,
    draft: &Draft,
    preflight: &Preflight,
    patience: Duration,
) -> Vec<Check> {
    let late = format!("AWS did not answer within {} s", patience.as_secs_f64());
    let again = join_all(draft.changes().map(|(of, change)| {
        let late = &late;
        async move {
            let read = timeout(patience, reread(session, id, of, change)).await;
            read.unwrap_or_else(|_| drift(of, change, Err(late)))
        }
    }));
    let may =
        async { timeout(patience, simulate(session, preflight)).await.unwrap_or_else(|_| vec![not_known(&late)]) };
    let (again, may) = join(again, may).await;
    again.into_iter().flatten().chain(may).collect()
}

async fn reread(session: &Session, id: &ClusterId, of: &Subject, change: &Change) -> Option<Check> {
    let session = session.ahead();
    let eks = session.eks(&id.region);
    let look = || async {
        let there = subject::read(&eks, &id.name, of).await;
        let read = match &there {
            Ok(there) => Ok(there.state.as_ref()),
            Err(failure) => Err(failure.briefly()),
        };
        drift(of, change, read.as_ref().map(|it| *it).map_err(String::as_str))
    };
    match look().await {
        Some(found) if found.id == CheckId::Drift => {
            sleep(SECOND_LOOK).await;
            look().await
        }
        found => found,
    }
}

async fn simulate(session: &Session, preflight: &Preflight) -> Vec<Check> {
    let whom = match &preflight.whom {
        _ if preflight.asks.is_empty() => return Vec::new(),
        Whom::Root => return Vec::new(),
        Whom::Nobody(why) => return vec![not_known(why)],
        Whom::Principal(arn) => arn,
    };
    let iam = session.ahead().iam();
    // What is asked of one thing with one context goes in one request.
    let mut together: BTreeMap<(&String, &Context), Vec<&Ask>> = BTreeMap::new();
    for ask in &preflight.asks {
        together.entry((&ask.resource, &ask.context)).or_default().push(ask);
    }
    let answers = join_all(together.into_iter().map(|((resource, context), asks)| {
        let iam = &iam;
        async move {
            let actions: Vec<String> = asks.iter().map(|it| it.action.clone()).collect();
            let said = iam.simulate(whom, &actions, std::slice::from_ref(resource), context).await;
            asks.into_iter().map(|ask| (ask.clone(), said_of(ask, &said))).collect::<Vec<_>>()
        }
    }))
    .await;
    checks(whom, &answers.concat())
}

fn said_of(ask: &Ask, said: &Result<Vec<Simulated>, Failure>) -> Result<Vec<Simulated>, String> {
    match said {
        Ok(all) => Ok(all.iter().filter(|it| it.action.eq_ignore_ascii_case(&ask.action)).cloned().collect()),
        Err(failure) => Err(failure.briefly()),
    }
}

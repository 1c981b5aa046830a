//! Fixes for a refused request: proposed only when proved.
//!
//! - [`change`]: what a fix would change, projected onto the facts and written for a shell;
//! - `candidate`, `grants`, `rbac`, `entry`: changes that may fix it, by what the principal has today;
//! - `lines`: an explanation with its fixes, line by line.
//!
//! Decides what is offered and in which order. Each candidate is projected onto the facts and the refused request is
//! asked again of the same `access` that refused it: a candidate that does not turn the answer into *allowed* is dropped.
//! What it gives besides is measured by the same comparison that a plan's review shows, and fixes are ordered by it,
//! the narrowest first; what gives more than [`BROADER`] times as much as the narrowest is set apart. Texts that change
//! nothing here (a kubeconfig) come with the explanation itself. A new kind of fix is a function that yields candidates.

mod candidate;
pub mod change;
mod entry;
mod grants;
mod lines;
mod rbac;

use std::collections::BTreeSet;

use candidate::Candidate;
use change::FixChange;
pub use lines::Explained;
use rbac::{BindingSubject, bindings};

use super::diff::{Access, AccessDelta, EVERYTHING, Side, access_delta};
use super::export::Place;
use super::wish::Ground as Words;
use crate::access::Verdict;
use crate::access::explain::fix::{FixKind, FixTarget};
use crate::access::explain::{Explanation, Ground, StepName};
use crate::access::identity::{MappingSource, Resolution, Resolver, entry_username};
use crate::access::permissions::{Permissions, RoleName, Who};
use crate::model::cluster::AuthenticationMode;
use crate::model::mapping::AccessScope;
use crate::model::request::Request;
use crate::model::snapshot::{ClusterFacts, Evidence, IamFacts};

/// A fix that gives more than so many times what the narrowest gives is set apart as broader.
pub const BROADER: u64 = 20;

/// So many candidates are proved at most; those that seem narrowest come first.
const MOST_PROVED: usize = 8;

/// A namespace is one place; the whole cluster counts as at least so many.
const CLUSTER_PLACES: u64 = 20;

/// What a wildcard for everything weighs.
const EVERYTHING_WIDTH: u64 = 1_000_000;

/// A fix that was proved: with it, the request is allowed.
#[derive(Clone, Debug, PartialEq)]
pub struct Fix {
    /// Of what kind.
    pub kind: FixKind,
    /// What to do, imperative.
    pub title: String,
    /// What comes with it.
    pub note: String,
    /// What changes.
    pub change: FixChange,
    /// The same for a shell; a line is a command.
    pub commands: Vec<String>,
    /// What the identity gains by it, the refused request included.
    pub gains: Vec<Access>,
    /// What the identity loses by it.
    pub loses: Vec<Access>,
    /// What is not known of the comparison.
    pub unknown: Vec<String>,
    /// How much it gives, counted in verbs × resources × places × members; only compared with other widths.
    pub width: u64,
    /// The policy that is associated, by its ARN, and where.
    pub policy: Option<(String, AccessScope)>,
    /// The group that is given or bound.
    pub group: Option<String>,
    /// The role that is bound.
    pub role: Option<RoleName>,
    /// What can be looked at.
    pub evidence: Option<Evidence>,
}

impl Fix {
    /// The order of fixes: what takes something away is never the first choice, then the narrowest; of equals, what
    /// leaves the authentication mode alone.
    fn rank(&self) -> (bool, u64, bool, FixKind, &str) {
        (!self.loses.is_empty(), self.width, self.change.mode.is_some(), self.kind, &self.title)
    }
}

/// The fixes of one refusal.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fixes {
    /// The narrowest first. Each is enough by itself.
    pub narrow: Vec<Fix>,
    /// Those that give more than [`BROADER`] times as much as the narrowest.
    pub broader: Vec<Fix>,
    /// What is to be known of them, or why there are none.
    pub notes: Vec<String>,
}

impl Fixes {
    /// All of them, in order, with whether each is one of the broader.
    pub fn all(&self) -> impl Iterator<Item = (&Fix, bool)> {
        self.narrow.iter().map(|it| (it, false)).chain(self.broader.iter().map(|it| (it, true)))
    }
}

/// The facts and engines that fixes are proposed and proved with.
struct FixContext<'a> {
    facts: &'a ClusterFacts,
    iam: &'a IamFacts,
    resolver: &'a Resolver<'a>,
    permissions: &'a Permissions,
    place: Place,
}

impl<'a> FixContext<'a> {
    fn new(ground: &'a Ground<'a>) -> Self {
        let cluster = ground.cluster();
        let account = ground.facts().cluster.value().and_then(|it| it.account());
        let place = Place { cluster: cluster.name.clone(), region: cluster.region.clone(), account };
        FixContext {
            facts: ground.facts(),
            iam: ground.iam(),
            resolver: ground.resolver(),
            permissions: ground.permissions(),
            place,
        }
    }

    fn words(&self) -> Words<'a> {
        Words { facts: self.facts, iam: self.iam }
    }

    fn mode(&self) -> Option<AuthenticationMode> {
        self.facts.cluster.value().map(|it| it.authentication_mode())
    }

    /// How many mappings give a group.
    fn members_of(&self, group: &str) -> usize {
        let entries = self.facts.access_entries.items().iter();
        let entries = entries.filter(|it| it.kubernetes_groups.iter().any(|it| it == group)).count();
        let rows = self.facts.aws_auth.value().and_then(Option::as_ref).map(|(_, auth)| auth.rows.as_slice());
        let rows = rows.unwrap_or_default().iter().filter(|it| it.groups.iter().any(|it| it == group)).count();
        entries + rows
    }

    /// The username as the mapping in force has it, placeholders included; `None` where that is not known.
    fn username_template(&self, resolution: &Resolution) -> Option<String> {
        match &resolution.mapping.as_ref()?.source {
            MappingSource::AccessEntry { principal_arn } => {
                let entry = self.facts.access_entries.items().iter().find(|it| it.principal_arn == *principal_arn)?;
                entry_username(entry, &resolution.asked.principal).ok()
            }
            source @ MappingSource::AwsAuth { index: Some(_), .. } => match entry::row_of(self, source) {
                Some(row) => Some(row.username.clone()),
                // mapAccounts gives the principal's own ARN.
                None => Some(resolution.asked.principal.canonical()),
            },
            MappingSource::AwsAuth { index: None, .. } => None,
        }
    }
}

/// Proposes fixes for what an explanation found.
pub fn propose(ground: &Ground<'_>, explanation: &Explanation) -> Fixes {
    if explanation.verdict == Verdict::Yes {
        return Fixes::default();
    }
    let ctx = FixContext::new(ground);
    let mut fixes = Fixes::default();
    let failed = explanation.cause().map(|it| it.name);
    let request = explanation.request.as_ref();
    let mut candidates = candidates(&ctx, &explanation.target, request, failed, &mut fixes.notes);
    candidates.sort_by_key(|it| it.estimate);
    candidates.truncate(MOST_PROVED);
    let before = who_is(ctx.resolver, &explanation.target);
    let mut proved: Vec<Fix> =
        candidates.into_iter().filter_map(|it| prove(&ctx, &explanation.target, &before, request, it)).collect();
    proved.sort_by(|a, b| a.rank().cmp(&b.rank()));
    let narrowest = proved.iter().map(|it| it.width).min().unwrap_or_default().max(1);
    for fix in proved {
        let broad = fix.width > narrowest.saturating_mul(BROADER);
        if broad { fixes.broader.push(fix) } else { fixes.narrow.push(fix) }
    }
    if explanation.verdict == Verdict::Unknown && !fixes.narrow.is_empty() {
        fixes.notes.push("With any of these fixes the request is allowed, whatever the missing facts are.".to_owned());
    }
    fixes
}

fn candidates(
    ctx: &FixContext<'_>,
    target: &FixTarget,
    request: Option<&Request>,
    failed: Option<StepName>,
    notes: &mut Vec<String>,
) -> Vec<Candidate> {
    let bound = |subject: &BindingSubject, request| bindings(ctx.facts, &FixChange::default(), subject, request);
    match (target, request) {
        (_, _) if failed.is_some_and(|it| !matches!(it, StepName::Mapping | StepName::Grants)) => Vec::new(),
        (FixTarget::Principal(resolution), request) if failed == Some(StepName::Mapping) => {
            entry::for_unmapped(ctx, resolution, request, notes)
        }
        (FixTarget::Principal(resolution), Some(request)) => grants::for_mapped(ctx, resolution, request, notes),
        (FixTarget::ServiceAccount { namespace, name }, Some(request)) => {
            let [namespace, name] = [namespace, name].map(String::clone);
            bound(&BindingSubject::ServiceAccount { namespace, name }, request)
        }
        (FixTarget::User { username, groups }, Some(request)) => {
            let subject = match groups.first() {
                Some(group) => BindingSubject::Group(group.clone()),
                None => BindingSubject::User(username.clone()),
            };
            bound(&subject, request)
        }
        (FixTarget::Nobody, _) | (_, None) => Vec::new(),
    }
}

/// The identity that a fix is for, under a resolver.
fn who_is(resolver: &Resolver<'_>, target: &FixTarget) -> Who {
    match target {
        FixTarget::Principal(resolution) => Who::of(&resolver.resolve(&resolution.asked)),
        FixTarget::ServiceAccount { namespace, name } => Who::service_account(namespace, name),
        FixTarget::User { username, groups } => {
            let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
            Who::named(username, &groups)
        }
        FixTarget::Nobody => Who::default(),
    }
}

/// Projects a candidate, asks again, and measures what else it gives; `None` if the answer is not *allowed*.
fn prove(
    ctx: &FixContext<'_>,
    target: &FixTarget,
    before: &Who,
    request: Option<&Request>,
    candidate: Candidate,
) -> Option<Fix> {
    let projected = candidate.change.project(ctx.facts);
    let after = if candidate.change.touches_mappings() {
        let resolver = Resolver::new(&projected, ctx.iam);
        if let FixTarget::Principal(resolution) = target
            && resolver.resolve(&resolution.asked).verdict != Verdict::Yes
        {
            return None;
        }
        who_is(&resolver, target)
    } else {
        before.clone()
    };
    let projected_permissions = (!candidate.change.rbac.is_empty()).then(|| Permissions::of(&projected));
    let permissions = projected_permissions.as_ref().unwrap_or(ctx.permissions);
    if let Some(request) = request
        && permissions.decide(&after, request).verdict != Verdict::Yes
    {
        return None;
    }
    let delta = access_delta(Side { permissions: ctx.permissions, who: before }, Side { permissions, who: &after });
    let members = candidate.group.as_deref().filter(|_| !candidate.change.rbac.is_empty());
    let members = members.map_or(1, |group| ctx.members_of(group).max(1)) as u64;
    let AccessDelta { mut gains, loses, unknown } = delta;
    gains.sort_by_key(Access::weight);
    let Candidate { kind, title, note, change, policy, group, role, evidence, .. } = candidate;
    Some(Fix {
        kind,
        title,
        note,
        commands: change.commands(&ctx.place),
        change,
        width: width(&gains, ctx.permissions).saturating_mul(members),
        gains,
        loses,
        unknown,
        policy,
        group,
        role,
        evidence,
    })
}

/// How much access weighs: verbs by resources by places. At least 1, since one object's name weighs something too.
fn width(gains: &[Access], permissions: &Permissions) -> u64 {
    let namespaces = permissions.namespaces().count() as u64;
    let whole = namespaces.max(CLUSTER_PLACES);
    let one = |it: &Access| -> u64 {
        let places = match &it.namespaces {
            None => whole,
            Some(some) => some.len() as u64,
        };
        let weight = |names: &BTreeSet<String>| -> u64 {
            names.iter().map(|it| if it.contains(EVERYTHING) { EVERYTHING_WIDTH } else { 1 }).sum()
        };
        weight(&it.resources).saturating_mul(weight(&it.verbs)).saturating_mul(places)
    };
    gains.iter().map(one).fold(0, u64::saturating_add).max(1)
}

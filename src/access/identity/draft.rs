//! The answer while it is being worked out: what is open, what is unverified, and which mappings do not decide.

use super::answer::{Identity, Mapping, MappingSource, Other, OtherState, Resolution};
use super::aws_auth;
use crate::access::Verdict;
use crate::model::aws_auth::{AwsAuthKey, AwsAuthRow};
use crate::model::mapping::{AccessEntry, AssociatedPolicy};
use crate::model::principal::Asked;
use crate::model::snapshot::{DocumentRef, Evidence, Gap, Lookup};
use crate::model::time::Time;

/// The answer while it is being worked out.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) unknown: Vec<String>,
    /// Whether one of these is only not there yet.
    pub(super) loading: bool,
    /// Whether the reason is that of the first of the others.
    pub(super) names_nearest: bool,
    pub(super) unverified: Vec<String>,
    pub(super) others: Vec<Other>,
}

impl Draft {
    /// Notes that something was not read.
    pub(super) fn lacks(&mut self, what: &str, gap: &Gap) {
        self.unknown.push(format!("{what}: {gap}"));
        self.loading |= *gap == Gap::Loading;
    }

    pub(super) fn other_entry(&mut self, entry: &AccessEntry, state: OtherState, because: String) {
        let source = MappingSource::AccessEntry { principal_arn: entry.principal_arn.clone() };
        self.others.push(Other { source, state, because, evidence: entry_evidence(entry) });
    }

    pub(super) fn other_row(&mut self, row: &AwsAuthRow, state: OtherState, because: String) {
        self.others.push(Other { source: row_source(row), state, because, evidence: row_evidence(row) });
    }

    /// All that aws-auth holds for the principal, none of it in force: matching rows are in `state`.
    pub(super) fn rows(&mut self, rows: &aws_auth::Verdicts<'_>, state: OtherState, because: &str) {
        for row in &rows.matching {
            self.other_row(row, state, because.to_owned());
        }
        for (row, why) in &rows.shadowed {
            let (state, why) =
                if state == OtherState::Ignored { (state, because) } else { (OtherState::Shadowed, why.as_str()) };
            self.other_row(row, state, why.to_owned());
        }
        if rows.matching.is_empty()
            && let Some(index) = rows.account
        {
            self.account(index, state, because.to_owned());
        }
        let before = self.others.len();
        self.dead_rows(rows);
        if state == OtherState::Ignored {
            for other in self.others.iter_mut().skip(before) {
                other.state = OtherState::Ignored;
                because.clone_into(&mut other.because);
            }
        }
    }

    /// What aws-auth holds beside the row in force.
    pub(super) fn beside(&mut self, rows: &aws_auth::Verdicts<'_>, account_decides: bool) {
        for (row, why) in &rows.shadowed {
            self.other_row(row, OtherState::Shadowed, why.clone());
        }
        if !account_decides && let Some(index) = rows.account {
            self.account(index, OtherState::Shadowed, "a row of its own is read first".to_owned());
        }
        self.dead_rows(rows);
    }

    pub(super) fn account(&mut self, index: usize, state: OtherState, because: String) {
        let source = MappingSource::AwsAuth { key: AwsAuthKey::MapAccounts, index: Some(index) };
        let evidence = Evidence::new(DocumentRef::AwsAuth, format!("data.mapAccounts[{index}]"));
        self.others.push(Other { source, state, because, evidence });
    }

    pub(super) fn dead_rows(&mut self, rows: &aws_auth::Verdicts<'_>) {
        for (row, why) in &rows.dead {
            self.other_row(row, OtherState::Dead, why.clone());
        }
        for (key, name, why) in &rows.lost {
            let source = MappingSource::AwsAuth { key: *key, index: None };
            let evidence = Evidence::new(DocumentRef::AwsAuth, format!("data.{name}"));
            self.others.push(Other { source, state: OtherState::Dead, because: why.clone(), evidence });
        }
    }

    /// aws-auth compares text alone, so that a row goes on matching whoever has the ARN; whether anybody has was not read.
    pub(super) fn exists(&mut self, asked: &Asked, existing: &Lookup<(&str, Option<Time>)>) {
        if let Lookup::Unknown(gap) = existing {
            self.unverified.push(format!("whether the {} exists: {gap}", asked.principal.kind));
        }
    }

    /// "Nobody", with the nearest miss named first: that is what somebody must mend.
    pub(super) fn why_nobody(&mut self, plain: &str) -> String {
        self.names_nearest = !self.others.is_empty();
        match self.others.as_slice() {
            [] => plain.to_owned(),
            [nearest, ..] => format!("{} is {}: {}", nearest.source, nearest.state, nearest.because),
        }
    }

    pub(super) fn nobody(self, asked: Asked, because: String) -> Resolution {
        self.finish(asked, Verdict::No, because, None, None, Some(Vec::new()))
    }

    pub(super) fn unknown(self, asked: Asked, because: String) -> Resolution {
        self.finish(asked, Verdict::Unknown, because, None, None, None)
    }

    pub(super) fn finish(
        self,
        asked: Asked,
        verdict: Verdict,
        because: String,
        mapping: Option<Mapping>,
        identity: Option<Identity>,
        access_policies: Option<Vec<AssociatedPolicy>>,
    ) -> Resolution {
        let Draft { unknown, loading, names_nearest, unverified, others } = self;
        Resolution {
            asked,
            verdict,
            because,
            unknown,
            loading,
            names_nearest,
            unverified,
            mapping,
            others,
            identity,
            access_policies,
        }
    }
}

pub(super) fn entry_evidence(entry: &AccessEntry) -> Evidence {
    Evidence::new(DocumentRef::AccessEntry(entry.principal_arn.clone()), "")
}

pub(super) fn row_source(row: &AwsAuthRow) -> MappingSource {
    MappingSource::AwsAuth { key: row.key, index: Some(row.index) }
}

/// Where an aws-auth row stands.
pub(crate) fn row_evidence(row: &AwsAuthRow) -> Evidence {
    Evidence::new(DocumentRef::AwsAuth, format!("data.{}", row.place()))
}

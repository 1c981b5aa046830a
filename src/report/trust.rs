//! `eksplorer trust`: may this request assume the role, and which clause decides?

use serde::Serialize;

use super::json::{FORMAT, verdict_word};
use super::{columns, glyph};
use crate::access::Mark;
use crate::access::Verdict;
use crate::access::trust::{Clause, Got, StatementRef, TrustDecision};
use crate::model::document::to_json;
use crate::model::visible::visible;

/// `eksplorer trust -o json`
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct TrustJson<'a> {
    pub eksplorer: u32,
    pub verdict: &'static str,
    pub because: &'a str,
    pub statement: Option<StatementJson<'a>>,
    pub clause: Option<ClauseJson<'a>>,
    pub passes: Option<&'a str>,
}

#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct StatementJson<'a> {
    pub index: usize,
    pub sid: Option<&'a str>,
}

#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct ClauseJson<'a> {
    pub statement: StatementJson<'a>,
    pub operator: &'a str,
    pub key: &'a str,
    pub wanted: &'a [String],
    /// `null` where `presence` is not `present`.
    pub got: Option<&'a [String]>,
    /// `present`, `absent`, `unknown`.
    pub presence: &'static str,
}

impl<'a> From<&'a StatementRef> for StatementJson<'a> {
    fn from(it: &'a StatementRef) -> Self {
        StatementJson { index: it.index, sid: it.sid.as_deref() }
    }
}

impl<'a> From<&'a Clause> for ClauseJson<'a> {
    fn from(it: &'a Clause) -> Self {
        let (got, presence) = match &it.got {
            Got::Values(values) => (Some(values.as_slice()), "present"),
            Got::Absent => (None, "absent"),
            Got::Unknown => (None, "unknown"),
        };
        ClauseJson {
            statement: (&it.statement).into(),
            operator: &it.operator,
            key: &it.key,
            wanted: &it.wanted,
            got,
            presence,
        }
    }
}

/// The answer as JSON (`docs/json.md`).
pub fn json(verdict: &TrustDecision) -> Result<String, String> {
    let shape = TrustJson {
        eksplorer: FORMAT,
        verdict: verdict_word(verdict.verdict),
        because: &verdict.because,
        statement: verdict.statement.as_ref().map(Into::into),
        clause: verdict.clause.as_ref().map(Into::into),
        passes: verdict.passes.as_deref(),
    };
    to_json(&shape).map(|text| text + "\n")
}

/// The answer as text: the sentence first, then the clause that decides.
pub fn text(verdict: &TrustDecision) -> String {
    let (mark, word) = match verdict.verdict {
        Verdict::Yes => (Mark::InForce, "allowed"),
        Verdict::No => (Mark::Dead, "denied"),
        Verdict::Unknown => (Mark::Unknown, "not known"),
    };
    let mut rows = Vec::new();
    let mut row = |head: &str, text: String| rows.push(vec![head.to_owned(), text]);
    if let Some(it) = &verdict.statement {
        let sid = it.sid.as_ref().map(|sid| format!("  (Sid {sid})")).unwrap_or_default();
        row("statement", format!("Statement[{}]{sid}", it.index));
    }
    if let Some(it) = &verdict.clause {
        let part = if it.operator == it.key { it.key.clone() } else { format!("{} {}", it.operator, it.key) };
        row("clause", part);
        for (at, value) in it.wanted.iter().enumerate() {
            row(if at == 0 { "wants" } else { "" }, value.clone());
        }
        let got = match &it.got {
            Got::Values(values) => values.clone(),
            Got::Absent => vec!["(the request does not have it)".to_owned()],
            Got::Unknown => vec!["(not known)".to_owned()],
        };
        for (at, value) in got.into_iter().enumerate() {
            row(if at == 0 { "has" } else { "" }, value);
        }
    }
    if let Some(passes) = &verdict.passes {
        row("passes", passes.clone());
    }
    let gap = if rows.is_empty() { "" } else { "\n" };
    format!("{} {word}: {}\n{gap}{}", glyph(mark), visible(&verdict.because), columns(&rows))
}

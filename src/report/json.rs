//! The shapes of the JSON reports (`docs/json.md`).

use serde::Serialize;

use crate::access::Mark;
use crate::access::Verdict;
use crate::access::findings::{Finding, Severity};
use crate::access::identity::{MappingSource, OtherState, Resolution};
use crate::model::aws_auth::AwsAuthKey;
use crate::model::cluster::ClusterId;
use crate::model::mapping::{AccessScope, AssociatedPolicy};
use crate::model::snapshot::Evidence;

/// The version of the reports.
pub const FORMAT: u32 = 1;

/// `{document, path}`
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct EvidenceJson {
    pub document: String,
    pub path: String,
}

impl From<&Evidence> for EvidenceJson {
    fn from(evidence: &Evidence) -> Self {
        EvidenceJson { document: evidence.document.to_string(), path: evidence.path.clone() }
    }
}

/// `access-entry`, `aws-auth-role`, `aws-auth-user`, `aws-auth-account`.
pub fn source(source: &MappingSource) -> &'static str {
    match source {
        MappingSource::AccessEntry { .. } => "access-entry",
        MappingSource::AwsAuth { key: AwsAuthKey::MapRoles, .. } => "aws-auth-role",
        MappingSource::AwsAuth { key: AwsAuthKey::MapUsers, .. } => "aws-auth-user",
        MappingSource::AwsAuth { key: AwsAuthKey::MapAccounts, .. } => "aws-auth-account",
    }
}

/// `allowed`, `denied`, `unknown`.
pub fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Yes => "allowed",
        Verdict::No => "denied",
        Verdict::Unknown => "unknown",
    }
}

/// Whether a mapping gives an identity: `maps`, `does-not-map`, `unknown`.
pub fn mapping_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Yes => "maps",
        Verdict::No => "does-not-map",
        Verdict::Unknown => "unknown",
    }
}

/// `in-force`, `unverified`, `shadowed`, `dead`, `ignored`, `unknown`, `loading`.
pub fn state(mark: Mark) -> &'static str {
    match mark {
        Mark::InForce => "in-force",
        Mark::Unverified => "unverified",
        Mark::Shadowed => "shadowed",
        Mark::Dead => "dead",
        Mark::Ignored => "ignored",
        Mark::Unknown => "unknown",
        Mark::Loading => "loading",
    }
}

fn other_state(state: OtherState) -> &'static str {
    match state {
        OtherState::Shadowed => "shadowed",
        OtherState::Dead => "dead",
        OtherState::Ignored => "ignored",
        OtherState::Possible => "possible",
    }
}

/// A finding of a row.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct FindingJson {
    pub id: &'static str,
    pub severity: &'static str,
    pub sentence: String,
    pub evidence: EvidenceJson,
}

impl From<&Finding> for FindingJson {
    fn from(finding: &Finding) -> Self {
        let severity = match finding.severity {
            Severity::High => "high",
            Severity::Medium => "medium",
            Severity::Low => "low",
        };
        FindingJson {
            id: finding.id.as_str(),
            severity,
            sentence: finding.sentence.clone(),
            evidence: (&finding.evidence).into(),
        }
    }
}

/// An access policy with its scope.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct PolicyJson {
    pub policy_arn: String,
    pub scope: AccessScope,
}

/// Policies, or `null` where they could not be read.
pub fn policies(policies: Option<&[AssociatedPolicy]>) -> Option<Vec<PolicyJson>> {
    let one = |it: &AssociatedPolicy| PolicyJson { policy_arn: it.policy_arn.clone(), scope: it.access_scope.clone() };
    policies.map(|all| all.iter().map(one).collect())
}

#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct PrincipalJson {
    /// As it was given.
    pub given: String,
    /// The IAM ARN, path filled in where it is known.
    pub arn: String,
    /// `role`, `user`, `root`, `federated-user`.
    pub kind: String,
    /// The session's name.
    pub session: Option<String>,
}

#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct MappingJson {
    pub source: &'static str,
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub evidence: EvidenceJson,
}

#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct OtherJson {
    pub source: &'static str,
    pub state: &'static str,
    pub because: String,
    pub evidence: EvidenceJson,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct IdentityJson {
    pub username: String,
    pub groups: Vec<String>,
    pub implicit_groups: Vec<String>,
}

/// `eksplorer trace -o json`
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct TraceJson {
    pub eksplorer: u32,
    pub cluster: String,
    pub region: String,
    pub principal: PrincipalJson,
    pub verdict: &'static str,
    pub because: String,
    pub unknown: Vec<String>,
    pub unverified: Vec<String>,
    pub mapping: Option<MappingJson>,
    pub others: Vec<OtherJson>,
    pub identity: Option<IdentityJson>,
    pub access_policies: Option<Vec<PolicyJson>>,
}

impl TraceJson {
    /// The report of a text that is no ARN and no known name.
    pub fn nameless(cluster: &ClusterId, given: &str, of: Verdict, because: &str, unread: &[String]) -> Self {
        TraceJson {
            eksplorer: FORMAT,
            cluster: cluster.name.clone(),
            region: cluster.region.clone(),
            principal: PrincipalJson {
                given: given.to_owned(),
                arn: String::new(),
                kind: "name".to_owned(),
                session: None,
            },
            verdict: mapping_word(of),
            because: because.to_owned(),
            unknown: unread.to_vec(),
            unverified: Vec::new(),
            mapping: None,
            others: Vec::new(),
            identity: None,
            access_policies: if of == Verdict::Unknown { None } else { Some(Vec::new()) },
        }
    }

    /// The report of a resolution.
    pub fn new(cluster: &ClusterId, given: &str, resolution: &Resolution) -> Self {
        let asked = &resolution.asked;
        TraceJson {
            eksplorer: FORMAT,
            cluster: cluster.name.clone(),
            region: cluster.region.clone(),
            principal: PrincipalJson {
                given: given.to_owned(),
                arn: asked.principal.arn(),
                kind: asked.principal.kind.to_string(),
                session: asked.session.clone(),
            },
            verdict: mapping_word(resolution.verdict),
            because: resolution.because.clone(),
            unknown: resolution.unknown.clone(),
            unverified: resolution.unverified.clone(),
            mapping: resolution.mapping.as_ref().map(|it| MappingJson {
                source: source(&it.source),
                kind: it.kind.clone(),
                evidence: (&it.evidence).into(),
            }),
            others: resolution
                .others
                .iter()
                .map(|it| OtherJson {
                    source: source(&it.source),
                    state: other_state(it.state),
                    because: it.because.clone(),
                    evidence: (&it.evidence).into(),
                })
                .collect(),
            identity: resolution.identity.as_ref().map(|it| IdentityJson {
                username: it.username.clone(),
                groups: it.groups.clone(),
                implicit_groups: it.implicit_groups.clone(),
            }),
            access_policies: policies(resolution.access_policies.as_deref()),
        }
    }
}

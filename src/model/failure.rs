//! Failures of asking AWS, Kubernetes or the disk, as values.
//!
//! Decides into which few kinds every failure falls and how one reads to a person: what we were doing, on what,
//! what was said (with its code), what to try. Conversion from SDK errors is `cloud`'s; here is only the result.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The kinds that the program tells apart, since each asks for another remedy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum FailureKind {
    /// The caller may not: names the IAM action (`eks:ListAccessEntries`) or the Kubernetes verb and resource
    /// (`get configmaps in kube-system`).
    Refused {
        /// The permission that is missing.
        permission: String,
    },
    /// Kubernetes does not know the caller at all (401).
    Unauthenticated,
    /// Credentials are there but no longer valid.
    Expired,
    /// No credentials were found.
    NoCredentials,
    /// Too many requests, even after the retries.
    Throttled,
    /// Nothing answered.
    Unreachable,
    /// The thing asked for is not there.
    Missing,
    /// It exists already, or something else is being done to it.
    Conflict,
    /// The request was not acceptable.
    Invalid,
    /// Anything else; the message has what was said.
    Unexpected,
    /// The document in hand does not hold it: it was never asked for.
    NotRecorded,
}

/// One failed request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// Of which kind.
    #[serde(flatten)]
    pub kind: FailureKind,
    /// What we were doing, to go after "could not": `list the access entries`.
    pub doing: String,
    /// On what: `cluster prod-eu1`.
    #[serde(default)]
    pub on: String,
    /// The error code of AWS or the reason of Kubernetes, if one was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What was said, as it came.
    #[serde(default)]
    pub message: String,
}

impl Failure {
    /// A fact that the document in hand does not hold.
    pub fn not_recorded(what: &str) -> Self {
        Failure {
            kind: FailureKind::NotRecorded,
            doing: format!("read {what}"),
            on: String::new(),
            code: None,
            message: "the document does not hold it".to_owned(),
        }
    }

    /// What to try, as a sentence.
    pub fn hint(&self) -> String {
        match &self.kind {
            FailureKind::Refused { permission } => {
                // IAM actions are had, Kubernetes verbs are done.
                let may = if permission.contains(':') { "has" } else { "may" };
                format!("Ask with a principal that {may} {permission}, or open a snapshot that holds it (--from FILE).")
            }
            FailureKind::Unauthenticated => {
                "No mapping lets you into this cluster; trace your own principal to see why. The AWS half still works."
                    .into()
            }
            FailureKind::Expired => "Sign in again (aws sso login, or renew the session) and ask anew.".into(),
            FailureKind::NoCredentials => {
                "Name a profile (--profile), sign in (aws sso login), or try --demo, which needs none.".into()
            }
            FailureKind::Throttled => "Wait a little and refresh; fewer calls at once help (--concurrency 2).".into(),
            FailureKind::Unreachable => {
                "Check the network, VPN or proxy, the region, and whether the API endpoint is private.".into()
            }
            FailureKind::Missing => "Check the name, the region and the account.".into(),
            FailureKind::Conflict => "Refresh and look at its state.".into(),
            FailureKind::Invalid => "Check the values given.".into(),
            FailureKind::Unexpected => "Look at the calls (@) and the log file; refresh to try again.".into(),
            FailureKind::NotRecorded => "Take a snapshot that holds it (eksplorer snapshot save FILE).".into(),
        }
    }

    /// What was said and what to try, as two sentences.
    pub fn advised(&self) -> String {
        let said = self.to_string();
        format!("{}. {}", said.trim_end_matches('.'), self.hint())
    }

    /// Why, in a few words: `get configmaps in kube-system is refused to you`. The whole of it is [`Failure::advised`].
    pub fn briefly(&self) -> String {
        match &self.kind {
            FailureKind::Refused { permission } => format!("{permission} is refused to you"),
            FailureKind::Unauthenticated => "the cluster does not let you in".to_owned(),
            FailureKind::Expired => "the credentials have expired".to_owned(),
            FailureKind::NoCredentials => "there are no AWS credentials".to_owned(),
            FailureKind::Throttled => "too many requests".to_owned(),
            FailureKind::Unreachable => "nothing answered".to_owned(),
            FailureKind::NotRecorded => self.message.clone(),
            FailureKind::Missing | FailureKind::Conflict | FailureKind::Invalid | FailureKind::Unexpected => {
                match (&self.code, self.message.lines().next()) {
                    (Some(code), _) => code.clone(),
                    (None, Some(said)) if !said.is_empty() => said.to_owned(),
                    _ => self.word().to_owned(),
                }
            }
        }
    }

    /// One word for a narrow place: `refused`, `unreachable`, …
    pub fn word(&self) -> &'static str {
        match self.kind {
            FailureKind::Refused { .. } => "refused",
            FailureKind::Unauthenticated => "unauthorized",
            FailureKind::Expired => "expired",
            FailureKind::NoCredentials => "no credentials",
            FailureKind::Throttled => "throttled",
            FailureKind::Unreachable => "unreachable",
            FailureKind::Missing => "missing",
            FailureKind::Conflict => "conflict",
            FailureKind::Invalid => "invalid",
            FailureKind::Unexpected => "failed",
            FailureKind::NotRecorded => "not recorded",
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "could not {}", self.doing)?;
        if !self.on.is_empty() {
            write!(f, " of {}", self.on)?;
        }
        match &self.kind {
            FailureKind::Refused { permission } => write!(f, ": {permission} is refused to you")?,
            FailureKind::NoCredentials => f.write_str(": no usable AWS credentials")?,
            FailureKind::Expired => f.write_str(": the credentials have expired")?,
            _ => {}
        }
        match (&self.code, self.message.as_str()) {
            (Some(code), "") => write!(f, " ({code})"),
            (Some(code), said) => write!(f, " ({code}: {said})"),
            (None, "") => Ok(()),
            (None, said) => write!(f, ": {said}"),
        }
    }
}

impl std::error::Error for Failure {}

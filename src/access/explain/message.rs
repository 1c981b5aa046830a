//! What a pasted message says: which refusal it is, of whom, and of what.
//!
//! Decides only what stands in the text. Which principal is behind a username and whether the refusal still holds is
//! the walk's ([`super`]). A new form of message is an arm in [`read`] and a row in the table of `tests/it/explain.rs`.

use super::scan::{clean, has, in_one_line};
use super::{can_i, forbidden, refusal};
use crate::model::principal::{Asked, Query, parse_query};
use crate::model::rbac::Rule;
use crate::model::request::Request;

/// A message, recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// 403 of the cluster's authorizers.
    Forbidden(Forbidden),
    /// 401: the API server did not know who asked.
    Unauthorized {
        /// Whose credentials, where the text holds an ARN.
        asked: Option<Box<Asked>>,
    },
    /// The client could not get credentials at all, and asked nobody.
    Credentials {
        /// Whose, where the text holds an ARN.
        asked: Option<Box<Asked>>,
        /// What is wrong with them, in a few words.
        because: &'static str,
    },
    /// `kubectl auth can-i …`, with its answer if that was pasted too.
    CanI(CanI),
    /// AWS IAM's refusal.
    Iam(Iam),
    /// The request was authorised and then refused for what it holds.
    Admission(Admission),
    /// RBAC's check that nobody hands out more than they hold.
    Escalation(Escalation),
}

/// `User "…" cannot …`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forbidden {
    /// As the message has it.
    pub username: String,
    /// What was refused.
    pub request: Request,
    /// What the authorizers said beside their no.
    pub reason: String,
    /// Roles that bindings name and that did not exist, as the reason lists them: kind and name.
    pub dangling: Vec<(String, String)>,
}

/// A question put to `kubectl auth can-i`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct CanI {
    pub verb: String,
    /// As it was typed: `deploy`, `jobs.batch`, `/metrics`.
    pub resource: String,
    pub subresource: String,
    pub name: String,
    /// `None` where kubectl took its context's.
    pub namespace: Option<String>,
    pub all_namespaces: bool,
    pub as_user: Option<String>,
    pub as_groups: Vec<String>,
    pub answer: Option<bool>,
    /// What stood behind the answer.
    pub reason: String,
}

/// `User: arn:… is not authorized to perform: …`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Iam {
    /// Whose call, if the message says so.
    pub asked: Option<Box<Asked>>,
    /// The same as it stands there.
    pub user: String,
    /// `eks:DescribeCluster`
    pub action: String,
    /// On which resource; empty if the message does not say.
    pub resource: String,
    /// Why, in IAM's words; empty if the message does not say.
    pub because: String,
}

/// A refusal of admission: of one plugin, webhook or policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admission {
    /// Who refused.
    pub by: By,
    /// On what: `pods "web-1"`; empty if the message does not say.
    pub object: String,
    /// In whose words.
    pub said: String,
}

/// Who refuses after authorisation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum By {
    /// The Pod Security admission, at a level: `restricted:latest`.
    PodSecurity { level: String },
    /// A ResourceQuota.
    Quota { name: String },
    /// A LimitRange.
    LimitRange,
    /// A webhook said no.
    Webhook { name: String },
    /// A webhook could not be asked.
    WebhookFailed { name: String },
    /// A ValidatingAdmissionPolicy.
    Policy { name: String, binding: String },
    /// The namespace is going away.
    Terminating { namespace: String },
    /// The pod's service account does not exist.
    ServiceAccount { name: String },
    /// What a node may write.
    NodeRestriction,
    /// Some other check of the API server.
    Other,
}

/// `… is attempting to grant RBAC permissions not currently held`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Escalation {
    /// Who.
    pub username: String,
    /// With which groups.
    pub groups: Vec<String>,
    /// What was to be written: `roles.rbac.authorization.k8s.io "x"`.
    pub object: String,
    /// The rules that were not held.
    pub missing: Vec<Rule>,
}

/// Why a text is no message that can be explained.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unrecognised {
    /// What was made out: `a user "jane"`.
    pub recognised: Vec<String>,
    /// What was not: `a verb`.
    pub missing: Vec<String>,
}

impl std::fmt::Display for Unrecognised {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.recognised.is_empty() {
            return f.write_str(
                "nothing in this text is a refusal that is known here; paste a Forbidden or Unauthorized error of \
                 kubectl, an AccessDenied of AWS, or a `kubectl auth can-i` with its answer",
            );
        }
        write!(f, "recognised: {}; not recognised: {}", self.recognised.join(", "), self.missing.join(", "))
    }
}

impl Message {
    /// `forbidden`, `unauthorized`, `credentials`, `can-i`, `iam`, `admission`, `escalation`
    pub fn kind(&self) -> &'static str {
        match self {
            Message::Forbidden(_) => "forbidden",
            Message::Unauthorized { .. } => "unauthorized",
            Message::Credentials { .. } => "credentials",
            Message::CanI(_) => "can-i",
            Message::Iam(_) => "iam",
            Message::Admission(_) => "admission",
            Message::Escalation(_) => "escalation",
        }
    }

    /// The principal that the message itself names by an ARN, whose own facts may be asked for.
    pub fn asked(&self) -> Option<Asked> {
        match self {
            Message::Forbidden(it) => Asked::from_arn(&it.username).ok(),
            Message::Escalation(it) => Asked::from_arn(&it.username).ok(),
            Message::CanI(it) => Asked::from_arn(it.as_user.as_deref()?).ok(),
            Message::Iam(Iam { asked, .. }) | Message::Unauthorized { asked } | Message::Credentials { asked, .. } => {
                asked.as_deref().cloned()
            }
            Message::Admission(_) => None,
        }
    }
}

/// Reads a pasted text. The first that is known counts: what the authorizers said, before what a client made of it.
pub fn read(text: &str) -> Result<Message, Unrecognised> {
    let text = clean(text);
    if let Some(escalation) = forbidden::escalation(&text) {
        return Ok(Message::Escalation(escalation));
    }
    let partial = match forbidden::forbidden(&text) {
        Some(Ok(it)) => return Ok(Message::Forbidden(it)),
        Some(Err(partial)) => Some(partial),
        None => None,
    };
    if let Some(it) = refusal::iam(&text) {
        return Ok(Message::Iam(it));
    }
    if let Some(partial) = partial {
        return Err(partial);
    }
    if has(&text, "auth can-i") {
        return can_i::read(&text).map(Message::CanI);
    }
    if let Some(it) = refusal::admission(&text) {
        return Ok(Message::Admission(it));
    }
    let asked = || match parse_query(&text) {
        Ok(Query::Arn(asked)) => Some(asked),
        _ => None,
    };
    if let Some(because) = refusal::credentials(&text) {
        return Ok(Message::Credentials { asked: asked(), because });
    }
    if refusal::is_unauthorized(&text) {
        return Ok(Message::Unauthorized { asked: asked() });
    }
    let mut nothing = Unrecognised::default();
    if let Some(asked) = asked() {
        nothing.recognised.push(format!("a principal {}", asked.arn()));
        nothing.missing.push("what was refused".to_owned());
    }
    Err(nothing)
}

/// The text in one line, for a prompt: decoration and line ends gone, values that were wrapped in one again.
pub fn tidy(text: &str) -> String {
    in_one_line(&super::scan::rejoined(&clean(text)))
}

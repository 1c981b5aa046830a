//! Templates in usernames and groups (aws-iam-authenticator,
//! `pkg/server`, renderTemplate): what a placeholder becomes for one principal or session.

use crate::model::principal::{Asked, PrincipalKind};
use crate::model::snapshot::Section;
use crate::model::workload::Node;

/// A rendered text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Rendered {
    /// Whole.
    Text(String),
    /// With placeholders left that depend on what is not known: a session that was not given, an instance's private
    /// DNS name, an access key. Names them.
    Open(String, Vec<&'static str>),
    /// Authentication fails, and why.
    Fails(String),
}

pub(super) const PRIVATE_DNS_NAME: &str = "{{EC2PrivateDNSName}}";
const ACCOUNT_ID: &str = "{{AccountID}}";
const SESSION_NAME: &str = "{{SessionName}}";
const SESSION_NAME_RAW: &str = "{{SessionNameRaw}}";
const ACCESS_KEY_ID: &str = "{{AccessKeyID}}";

/// Renders one username or group. Plain replacement: blanks inside the braces are not tolerated, and unknown
/// placeholders stay as they are. The order of replacements is the authenticator's (`pkg/server/server.go`,
/// renderTemplate), since one can put together another's placeholder.
pub(super) fn render(template: &str, asked: &Asked, nodes: &Section<Vec<Node>>) -> Rendered {
    let mut text = template.to_owned();
    let mut open = Vec::new();
    // Users, root and federated users sign without a session: its placeholders become nothing.
    let session = match asked.principal.kind {
        PrincipalKind::Role => asked.session.as_deref(),
        _ => Some(""),
    };
    if text.contains(PRIVATE_DNS_NAME) {
        match session {
            Some(session) if !is_instance_id(session) => {
                return Rendered::Fails(format!(
                    "{PRIVATE_DNS_NAME} needs a session named like an EC2 instance id, and {session:?} is none"
                ));
            }
            Some(session) => match private_dns_name(session, nodes) {
                Some(name) => text = text.replace(PRIVATE_DNS_NAME, name),
                None => open.push(PRIVATE_DNS_NAME),
            },
            None => open.push(PRIVATE_DNS_NAME),
        }
    }
    text = text.replace(ACCOUNT_ID, &asked.principal.account);
    match session {
        Some(session) => {
            text = text.replace(SESSION_NAME, &session.replace('@', "-")).replace(SESSION_NAME_RAW, session);
        }
        None => open.extend([SESSION_NAME, SESSION_NAME_RAW].into_iter().filter(|it| text.contains(it))),
    }
    if text.contains(ACCESS_KEY_ID) {
        open.push(ACCESS_KEY_ID);
    }
    if open.is_empty() { Rendered::Text(text) } else { Rendered::Open(text, open) }
}

/// `^i-(\w{8}|\w{17})$`
fn is_instance_id(session: &str) -> bool {
    session
        .strip_prefix("i-")
        .is_some_and(|id| matches!(id.len(), 8 | 17) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'))
}

/// A node is named by its private DNS name, and its provider id ends with the instance's.
fn private_dns_name<'a>(instance: &str, nodes: &'a Section<Vec<Node>>) -> Option<&'a str> {
    let is_it = |node: &&Node| {
        node.spec.provider_id.as_deref().and_then(|id| id.rsplit('/').next()).is_some_and(|id| id == instance)
    };
    nodes.items().iter().find(is_it).map(|node| node.metadata.name.as_str())
}

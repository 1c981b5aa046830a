//! IAM principals and their ARNs.
//!
//! Decides how an ARN is read and printed, which identity an assumed-role session belongs to, and the
//! *canonical* form under which the EKS authenticator compares it. Knows nothing of what exists: whether a
//! role of that name is there, and under which path, is for `access` to say. A new kind of principal goes
//! into [`PrincipalKind`].

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The partitions that the EKS authenticator accepts (aws-iam-authenticator `pkg/endpoints`).
pub const PARTITIONS: [&str; 8] =
    ["aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc"];

/// An Amazon resource name, split at its first five colons; the parts are kept byte for byte.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Arn {
    /// `aws`, `aws-cn`, …
    pub partition: String,
    /// `iam`, `sts`, `eks`, …
    pub service: String,
    /// Empty for global services.
    pub region: String,
    /// Twelve digits, empty, or the word `aws`.
    pub account: String,
    /// All the rest, colons and slashes included.
    pub resource: String,
}

/// Why a text is no ARN, or no ARN of a principal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArnError {
    /// Not six colon-separated parts that begin with `arn`.
    #[error("{0:?} is not an ARN: it must read arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE")]
    Shape(String),
    /// The account is not twelve digits.
    #[error("{arn:?} is not the ARN of a principal: the account {account:?} is not twelve digits")]
    Account {
        /// What was given.
        arn: String,
        /// Its account part.
        account: String,
    },
    /// A name that IAM or STS would not give.
    #[error("{arn:?} is not the ARN of a principal: {part:?} has characters that no name in IAM has")]
    Name {
        /// What was given.
        arn: String,
        /// The name or session in it.
        part: String,
    },
    /// Nothing was given.
    #[error("no principal was given: name a role or user, or paste an ARN")]
    Empty,
    /// Neither an ARN nor any of the short forms.
    #[error(
        "{0:?} is neither an ARN nor a name: write a name, role/NAME, user/NAME, ACCOUNT:role/NAME or \
         assumed-role/ROLE/SESSION"
    )]
    Form(String),
    /// An ARN, but of something that cannot sign a request.
    #[error(
        "{0:?} is not the ARN of a principal: expected arn:…:iam::ACCOUNT:role/NAME, …:user/NAME, …:root, \
         or arn:…:sts::ACCOUNT:assumed-role/ROLE/SESSION"
    )]
    Kind(String),
}

impl FromStr for Arn {
    type Err = ArnError;

    fn from_str(text: &str) -> Result<Self, ArnError> {
        let mut parts = text.splitn(6, ':');
        let mut next = || parts.next().map(str::to_owned);
        match (next(), next(), next(), next(), next(), next()) {
            (Some(arn), Some(partition), Some(service), Some(region), Some(account), Some(resource))
                if arn == "arn" && !partition.is_empty() && !service.is_empty() && !resource.is_empty() =>
            {
                Ok(Arn { partition, service, region, account, resource })
            }
            _ => Err(ArnError::Shape(text.to_owned())),
        }
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Arn { partition, service, region, account, resource } = self;
        write!(f, "arn:{partition}:{service}:{region}:{account}:{resource}")
    }
}

/// What sort of identity signs the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PrincipalKind {
    /// An IAM role; its sessions sign.
    Role,
    /// An IAM user.
    User,
    /// The root user of an account.
    Root,
    /// A session from `GetFederationToken`.
    FederatedUser,
}

impl fmt::Display for PrincipalKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PrincipalKind::Role => "role",
            PrincipalKind::User => "user",
            PrincipalKind::Root => "root",
            PrincipalKind::FederatedUser => "federated-user",
        })
    }
}

/// An IAM identity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Principal {
    /// `aws`, `aws-cn`, …
    pub partition: String,
    /// Twelve digits.
    pub account: String,
    /// Role, user, root or federated user.
    pub kind: PrincipalKind,
    /// `/` or `/teams/blue/`; always begins and ends with a slash.
    pub path: String,
    /// The name without its path; empty for root.
    pub name: String,
}

/// The principal and, for an assumed-role ARN, the session's name.
pub type PrincipalAndSession = (Principal, Option<String>);

impl Principal {
    /// A role of the partition `aws`.
    pub fn role(account: &str, path: &str, name: &str) -> Self {
        Principal {
            partition: "aws".into(),
            account: account.into(),
            kind: PrincipalKind::Role,
            path: path.into(),
            name: name.into(),
        }
    }

    /// Reads the ARN of a role, user, root, federated user or assumed-role session. A session's role has
    /// path `/` here, for STS leaves the path out: see [`Asked::path_known`].
    pub fn from_arn(text: &str) -> Result<PrincipalAndSession, ArnError> {
        let arn: Arn = text.parse()?;
        if arn.account.len() != 12 || !arn.account.bytes().all(|b| b.is_ascii_digit()) {
            return Err(ArnError::Account { arn: text.to_owned(), account: arn.account });
        }
        let wrong = || ArnError::Kind(text.to_owned());
        if !arn.region.is_empty() {
            return Err(wrong());
        }
        for part in arn.resource.split('/').skip(1) {
            // RoleName, UserName and RoleSessionName alike: [\w+=,.@-]; a path is more liberal, but never empty.
            if !part.chars().all(|c| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c)) {
                return Err(ArnError::Name { arn: text.to_owned(), part: part.to_owned() });
            }
        }
        let make = |kind, path: &str, name: &str| Principal {
            partition: arn.partition.clone(),
            account: arn.account.clone(),
            kind,
            path: path.to_owned(),
            name: name.to_owned(),
        };
        let (head, rest) = arn.resource.split_once('/').unwrap_or((arn.resource.as_str(), ""));
        match (arn.service.as_str(), head) {
            ("iam", "root") if rest.is_empty() => Ok((make(PrincipalKind::Root, "/", ""), None)),
            ("iam", "role" | "user") => {
                let kind = if head == "role" { PrincipalKind::Role } else { PrincipalKind::User };
                let (path, name) = match rest.rsplit_once('/') {
                    Some((path, name)) => (format!("/{path}/"), name),
                    None => ("/".to_owned(), rest),
                };
                if name.is_empty() { Err(wrong()) } else { Ok((make(kind, &path, name), None)) }
            }
            ("sts", "assumed-role") => match rest.split_once('/') {
                Some((name, session)) if !name.is_empty() && !session.is_empty() && !session.contains('/') => {
                    Ok((make(PrincipalKind::Role, "/", name), Some(session.to_owned())))
                }
                _ => Err(wrong()),
            },
            ("sts", "federated-user") if !rest.is_empty() => Ok((make(PrincipalKind::FederatedUser, "/", rest), None)),
            _ => Err(wrong()),
        }
    }

    /// The IAM ARN, path included (`arn:aws:iam::111122223333:role/teams/blue/deployer`).
    pub fn arn(&self) -> String {
        self.arn_with(&self.path)
    }

    /// The ARN that the authenticator compares: a role loses its path, all others are unchanged
    /// (aws-iam-authenticator `pkg/arn/arn.go`).
    pub fn canonical(&self) -> String {
        match self.kind {
            PrincipalKind::Role => self.arn_with("/"),
            _ => self.arn(),
        }
    }

    fn arn_with(&self, path: &str) -> String {
        let Principal { partition, account, name, kind, .. } = self;
        match kind {
            PrincipalKind::Role | PrincipalKind::User => {
                format!("arn:{partition}:iam::{account}:{kind}{path}{name}")
            }
            PrincipalKind::Root => format!("arn:{partition}:iam::{account}:root"),
            PrincipalKind::FederatedUser => format!("arn:{partition}:sts::{account}:federated-user/{name}"),
        }
    }

    /// The telling part: `role/teams/blue/deployer`; a foreign account goes before it
    /// (`555566667777:role/partner`).
    pub fn short(&self, home_account: Option<&str>) -> String {
        let Principal { account, name, kind, path, .. } = self;
        let own = match kind {
            PrincipalKind::Root => "root".to_owned(),
            _ => format!("{kind}{path}{name}"),
        };
        match home_account {
            Some(home) if home == account => own,
            _ => format!("{account}:{own}"),
        }
    }

    /// The permission set's name if this is a role that IAM Identity Center made
    /// (`AWSReservedSSO_PERMSET_SUFFIX`, the suffix being hexadecimal).
    pub fn permission_set(&self) -> Option<&str> {
        permission_set(&self.name).map(|(name, _)| name)
    }

    /// What identifies a principal within AWS: names are unique per account ignoring case, whatever the path.
    pub fn key(&self) -> PrincipalKey {
        PrincipalKey {
            partition: self.partition.clone(),
            account: self.account.clone(),
            kind: self.kind,
            name: self.name.to_lowercase(),
        }
    }
}

/// Identifies a principal whatever its path and the case of its name. Ordered, for use as a map key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PrincipalKey {
    partition: String,
    account: String,
    kind: PrincipalKind,
    name: String,
}

/// Splits `AWSReservedSSO_PERMSET_SUFFIX` into the permission set's name and the suffix.
pub fn permission_set(role_name: &str) -> Option<(&str, &str)> {
    let (name, suffix) = role_name.strip_prefix("AWSReservedSSO_")?.rsplit_once('_')?;
    let hex = !suffix.is_empty() && suffix.bytes().all(|b| b.is_ascii_hexdigit());
    (hex && !name.is_empty()).then_some((name, suffix))
}

/// A principal that somebody asks about, as far as it is known from the question alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The text as it was given.
    pub given: String,
    /// The principal; for a session, the role it belongs to.
    pub principal: Principal,
    /// False when the text leaves the path open: session ARNs, and role ARNs without any path, which
    /// aws-auth rows and error messages use for roles that do have one.
    pub path_known: bool,
    /// The session's name, if a session was given.
    pub session: Option<String>,
}

impl Asked {
    /// From an ARN.
    pub fn from_arn(text: &str) -> Result<Self, ArnError> {
        let (principal, session) = Principal::from_arn(text)?;
        let path_known = principal.kind != PrincipalKind::Role || principal.path != "/";
        Ok(Asked { given: text.to_owned(), principal, path_known, session })
    }

    /// The principal itself, with no session.
    pub fn principal(principal: Principal) -> Self {
        Asked { given: principal.arn(), principal, path_known: true, session: None }
    }

    /// The principal as a list has it: a role without a path may be one whose path is not known, as aws-auth leaves it out.
    pub fn listed(principal: Principal) -> Self {
        Asked { path_known: principal.path != "/", ..Asked::principal(principal) }
    }

    /// The ARN that STS would report for it: the session's where there is one.
    pub fn arn(&self) -> String {
        let Principal { partition, account, name, .. } = &self.principal;
        match &self.session {
            Some(session) => format!("arn:{partition}:sts::{account}:assumed-role/{name}/{session}"),
            None => self.principal.arn(),
        }
    }
}

/// What a person typed or pasted where a principal is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Query {
    /// It holds an ARN, whole.
    Arn(Box<Asked>),
    /// Something else: a name, `role/NAME`, `ACCOUNT:role/NAME` or a permission set's name, to be looked up.
    Name(String),
}

/// No ARN in a longer text is longer ("IAM and AWS STS quotas": paths of 512 and names of 64 characters).
const LONGEST_ARN: usize = 2048;

/// Reads what was typed or pasted. Blanks and quotes around it are dropped, and a principal's ARN is found inside a
/// longer text, so that a whole error message or a line of aws-auth can be pasted
/// (`User: arn:aws:sts::1…:assumed-role/deployer/jane is not authorized to perform …`).
pub fn parse_query(text: &str) -> Result<Query, ArnError> {
    let text = text.trim().trim_matches(|c: char| matches!(c, '"' | '\'' | '`')).trim();
    if text.is_empty() {
        return Err(ArnError::Empty);
    }
    // An ARN that is the text as a whole is taken as it stands: a session's name may hold a comma.
    if let Ok(asked) = Asked::from_arn(text) {
        return Ok(Query::Arn(Box::new(asked)));
    }
    let mut first_error = None;
    for (start, _) in text.match_indices("arn:") {
        let found = text.get(start..).unwrap_or_default();
        let stops = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | ',' | ';' | ')' | ']' | '>' | '}');
        let mut ends = found.char_indices().take_while(|(at, _)| *at <= LONGEST_ARN);
        let end = ends.find(|(_, c)| stops(*c)).map_or(found.len(), |(at, _)| at);
        // Else a long text without blanks would be read from each of its ARNs to its end.
        let Some(arn) = found.get(..end).filter(|_| end <= LONGEST_ARN) else { continue };
        // "rolearn:" is no ARN; "arn:aws:….", in the midst of a text, ends a sentence.
        match Asked::from_arn(arn.trim_end_matches(['.', ':'])).or_else(|_| Asked::from_arn(arn)) {
            Ok(asked) => return Ok(Query::Arn(Box::new(asked))),
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    match first_error {
        Some(error) => Err(error),
        None if is_name(text) => Ok(Query::Name(text.to_owned())),
        None => Err(ArnError::Form(text.to_owned())),
    }
}

/// One of the short forms: a name; `role/…`, `user/…`, `root` with or without an account before it;
/// `assumed-role/ROLE/SESSION`.
fn is_name(text: &str) -> bool {
    let (account, rest) = match text.split_once(':') {
        Some((account, rest)) => (Some(account), rest),
        None => (None, text),
    };
    let account_fits = account.is_none_or(|it| it.len() == 12 && it.bytes().all(|b| b.is_ascii_digit()));
    let form_fits = match rest.split_once('/') {
        Some(("role" | "user" | "federated-user", name)) => !name.is_empty(),
        Some(("assumed-role", name)) => account.is_none() && name.split('/').filter(|it| !it.is_empty()).count() == 2,
        Some(_) => false,
        None => account.is_none() || rest == "root",
    };
    account_fits && form_fits && !rest.contains(':')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn asked(text: &str) -> Asked {
        match parse_query(text) {
            Ok(Query::Arn(asked)) => *asked,
            other => panic!("{text} gave {other:?}"),
        }
    }

    #[test]
    fn a_session_belongs_to_a_role_whose_path_is_not_known() {
        let it = asked("arn:aws:sts::111122223333:assumed-role/deployer/jane@corp.com");
        assert_eq!(it.principal, Principal::role("111122223333", "/", "deployer"));
        assert_eq!(it.session.as_deref(), Some("jane@corp.com"));
        assert!(!it.path_known);
        assert_eq!(it.arn(), it.given);
    }

    #[test]
    fn paths_are_kept_in_arns_and_lost_in_canonical_role_arns_only() {
        let role = asked("arn:aws-cn:iam::111122223333:role/teams/blue/deployer").principal;
        assert_eq!((role.path.as_str(), role.name.as_str()), ("/teams/blue/", "deployer"));
        assert_eq!(role.arn(), "arn:aws-cn:iam::111122223333:role/teams/blue/deployer");
        assert_eq!(role.canonical(), "arn:aws-cn:iam::111122223333:role/deployer");
        let user = asked("arn:aws:iam::111122223333:user/ops/ann").principal;
        assert_eq!(user.canonical(), "arn:aws:iam::111122223333:user/ops/ann");
    }

    #[test]
    fn an_arn_is_found_in_a_pasted_error_message() {
        for text in [
            "User: arn:aws:sts::111122223333:assumed-role/deployer/jane is not authorized to perform: eks:X",
            "\"arn:aws:sts::111122223333:assumed-role/deployer/jane\"",
            "  arn:aws:sts::111122223333:assumed-role/deployer/jane\n",
            "who is arn:aws:sts::111122223333:assumed-role/deployer/jane.",
            "rolearn: arn:aws:sts::111122223333:assumed-role/deployer/jane",
            "cluster arn:aws:eks:eu-west-1:111122223333:cluster/c user arn:aws:sts::111122223333:assumed-role/deployer/jane:",
        ] {
            assert_eq!(asked(text).session.as_deref(), Some("jane"), "{text}");
        }
    }

    #[test]
    fn what_is_no_principal_is_refused_and_a_name_is_a_name() {
        assert!(matches!(parse_query("arn:aws:iam::1111:role/x"), Err(ArnError::Account { .. })));
        assert!(matches!(parse_query("arn:aws:s3:::bucket"), Err(ArnError::Account { .. })));
        assert!(matches!(parse_query("arn:aws:iam::111122223333:group/x"), Err(ArnError::Kind(_))));
        assert!(matches!(parse_query("arn:aws:sts::111122223333:assumed-role/x"), Err(ArnError::Kind(_))));
        assert!(matches!(parse_query("arn:aws"), Err(ArnError::Shape(_))));
        assert!(matches!(parse_query("arn:aws:iam:us-east-1:111122223333:role/x"), Err(ArnError::Kind(_))));
        assert!(matches!(parse_query(" "), Err(ArnError::Empty)));
        for malformed in
            ["rn:aws:iam::111122223333:role/x", "ARN:aws:iam::111122223333:role/x", "deployer/jane", "role/"]
        {
            assert!(matches!(parse_query(malformed), Err(ArnError::Form(_))), "{malformed}");
        }
        for name in
            ["deployer", "role/teams/blue/deployer", "111122223333:user/ann", "root", "assumed-role/deployer/jane"]
        {
            assert_eq!(parse_query(name), Ok(Query::Name(name.into())));
        }
        assert_eq!(parse_query(" role/deployer "), Ok(Query::Name("role/deployer".into())));
    }

    #[test]
    fn identity_center_roles_give_their_permission_set() {
        assert_eq!(
            permission_set("AWSReservedSSO_Admin_Access_0123456789abcdef"),
            Some(("Admin_Access", "0123456789abcdef"))
        );
        assert_eq!(permission_set("AWSReservedSSO_Admin"), None);
        assert_eq!(permission_set("deployer"), None);
    }

    proptest! {
        #[test]
        fn an_arn_prints_as_it_was_read(text in "arn:[a-z-]{1,8}:[a-z]{1,5}:[a-z0-9-]{0,9}:[0-9]{12}:[ -~]{1,30}") {
            let arn: Arn = text.parse().expect("has six parts");
            prop_assert_eq!(arn.to_string(), text);
        }

        #[test]
        fn a_principal_reads_back_from_its_own_arn(account in "[0-9]{12}", path in "(/[a-z0-9]{1,6}){0,3}/", name in "[A-Za-z0-9+=,.@_-]{1,64}") {
            for kind in [PrincipalKind::Role, PrincipalKind::User] {
                let it = Principal { kind, ..Principal::role(&account, &path, &name) };
                prop_assert_eq!(Principal::from_arn(&it.arn()), Ok((it.clone(), None)));
                prop_assert_eq!(it.key(), Principal::from_arn(&it.canonical()).expect("canonical is an ARN").0.key());
            }
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC{0,80}") {
            let _ = parse_query(&text);
        }
    }
}

//! Access entries: their principal, type, username and groups.
//!
//! Decides what an entry of each type may have, and what EKS fills in. Whether the principal exists is asked of whoever
//! knows, and not knowing is no objection.

use std::collections::BTreeMap;

pub use super::entry_type::{EntryType, EntryTypeSpec, Policies, TypeGroups};
use super::{Home, Invalid, tags};
use crate::model::principal::{Asked, Principal, PrincipalKind};
use crate::model::snapshot::Lookup;

/// The most access entries that a cluster may have.
pub const MAX_ENTRIES: usize = 3_000;

/// What usernames of customers may not begin with.
pub const RESERVED_USERNAMES: [&str; 5] = ["system:", "eks:", "aws:", "amazon:", "iam:"];

/// What group names of customers may not begin with.
pub const RESERVED_GROUPS: &str = "system:";

/// What an entry for `…:root` means. EKS takes it and matches nobody but the root user
/// (kubernetes-sigs/aws-iam-authenticator#797).
pub const ROOT_ALONE: &str = "it is for the root user alone: no role or user of the account gets in by it";

const SESSION_PLACEHOLDERS: [&str; 2] = ["{{SessionName}}", "{{SessionNameRaw}}"];

/// The default username of a STANDARD entry: a role's session, its path left out; a user's ARN.
pub fn standard_username(principal: &Principal) -> String {
    match principal.kind {
        PrincipalKind::Role => {
            let session = Some("{{SessionName}}".to_owned());
            Asked { session, ..Asked::principal(principal.clone()) }.arn()
        }
        _ => principal.arn(),
    }
}

/// An access entry that is to be made.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct NewEntry<'a> {
    pub principal_arn: &'a str,
    pub kind: Option<&'a str>,
    pub username: Option<&'a str>,
    pub groups: &'a [String],
    pub tags: &'a BTreeMap<String, String>,
}

impl NewEntry<'_> {
    /// Its values, in the order in which they depend on one another; whether its principal exists is [`existing`]'s.
    pub fn check(&self, home: Home<'_>) -> Result<(Principal, EntryType), Invalid> {
        let kind = EntryType::read(self.kind)?;
        let principal = principal(self.principal_arn)?;
        not_service_linked(&principal)?;
        principal_for(kind, &principal, home)?;
        identity(kind, self.username, self.groups)?;
        tags(self.tags)?;
        Ok((principal, kind))
    }
}

/// The known words for a principal that will not do.
fn invalid_principal() -> Invalid {
    Invalid::parameter("The specified principalArn is invalid: invalid principal.")
}

/// The ARN of a role or user, with its path, or of the root user; no session, group or federated user. Which types are for
/// whom is the table's.
pub fn principal(arn: &str) -> Result<Principal, Invalid> {
    match Principal::from_arn(arn) {
        Ok((principal, None)) if EntryType::Standard.spec().principals.contains(&principal.kind) => Ok(principal),
        _ => Err(invalid_principal()),
    }
}

/// The entries of service-linked roles are the services' own business.
pub fn not_service_linked(principal: &Principal) -> Result<(), Invalid> {
    if principal.kind != PrincipalKind::Role || !principal.path.starts_with("/aws-service-role/") {
        return Ok(());
    }
    Err(Invalid::parameter(
        "The caller is not allowed to modify access entries with a principalArn value of a Service Linked Role",
    ))
}

/// May an entry of the type be of this principal? Only STANDARD ones are of users, or of other accounts.
pub fn principal_for(kind: EntryType, principal: &Principal, home: Home<'_>) -> Result<(), Invalid> {
    if principal.partition != home.partition {
        return Err(invalid_principal());
    }
    let spec = kind.spec();
    // Our words.
    let name = spec.name;
    if !spec.principals.contains(&principal.kind) {
        return Err(Invalid::parameter(format!("The principalArn of an access entry of type {name} must be a role.")));
    }
    if !spec.any_account && principal.account != home.account {
        let message = format!("The principalArn of an access entry of type {name} must be of the cluster's account.");
        return Err(Invalid::parameter(message));
    }
    Ok(())
}

/// The principal must exist, under just this ARN: a role's path may not be left out. What is not known is let through.
pub fn existing<T>(arn: &str, found: &Lookup<(&str, T)>) -> Result<(), Invalid> {
    match found {
        Lookup::Absent => Err(invalid_principal()),
        Lookup::Found((own, _)) if !own.is_empty() && *own != arn => Err(invalid_principal()),
        Lookup::Found(_) | Lookup::Unknown(_) => Ok(()),
    }
}

/// Username and groups that are to be set on an entry of a type; an empty username asks for the default.
pub fn identity(kind: EntryType, own_username: Option<&str>, groups: &[String]) -> Result<(), Invalid> {
    let own_username = own_username.filter(|it| !it.is_empty());
    if let Some(name) = own_username {
        username(name)?;
    }
    groups.iter().try_for_each(|it| group(it))?;
    if !kind.has_own_identity() && (own_username.is_some() || !groups.is_empty()) {
        return Err(standard_only());
    }
    Ok(())
}

/// EKS's words for what goes with STANDARD entries alone.
pub(super) fn standard_only() -> Invalid {
    Invalid::parameter("This operation can only be performed on Access Entries with a type of \"STANDARD\".")
}

/// A username: not one of AWS's own, and a colon somewhere before the name of the session.
pub fn username(name: &str) -> Result<(), Invalid> {
    if let Some(reserved) = RESERVED_USERNAMES.into_iter().find(|it| name.starts_with(it)) {
        // EKS's words for system:, and so, most likely, for the others.
        return Err(Invalid::parameter(format!("The username must not begin with {reserved}")));
    }
    for placeholder in SESSION_PLACEHOLDERS {
        if name.find(placeholder).is_some_and(|at| !name.get(..at).is_some_and(|before| before.contains(':'))) {
            // Our words.
            let message = format!("The username {name} is invalid: a colon must come before {placeholder}.");
            return Err(Invalid::parameter(message));
        }
    }
    Ok(())
}

/// The name of a group.
pub fn group(name: &str) -> Result<(), Invalid> {
    if name.is_empty() {
        // Our words.
        return Err(Invalid::parameter("The kubernetes group name is invalid, it cannot be empty"));
    }
    if name.starts_with(RESERVED_GROUPS) {
        let message = format!("The kubernetes group name {name} is invalid, it cannot start with {RESERVED_GROUPS}");
        return Err(Invalid::parameter(message));
    }
    Ok(())
}

/// A cluster has one entry for a principal.
pub fn taken() -> Invalid {
    Invalid::in_use("The specified access entry resource is already in use on this cluster.")
}

/// Is there room for one more, beside so many?
pub fn room(entries: usize) -> Result<(), Invalid> {
    if entries < MAX_ENTRIES {
        return Ok(());
    }
    // Our words; the number is the documented quota.
    Err(Invalid::limit(format!("The cluster has {entries} access entries; {MAX_ENTRIES} is the most.")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: Home<'_> = Home { partition: "aws", account: "111122223333" };
    const PRINCIPAL: &str = "The specified principalArn is invalid: invalid principal.";
    const STANDARD: &str = "This operation can only be performed on Access Entries with a type of \"STANDARD\".";

    /// What is wrong with an entry; empty if nothing is.
    fn wrong(arn: &str, kind: &str, username: &str, groups: &[&str]) -> String {
        let groups: Vec<String> = groups.iter().map(|&it| it.to_owned()).collect();
        let tags = BTreeMap::new();
        let new = NewEntry {
            principal_arn: arn,
            kind: Some(kind).filter(|it| !it.is_empty()),
            username: Some(username).filter(|it| !it.is_empty()),
            groups: &groups,
            tags: &tags,
        };
        new.check(HOME).err().map(|it| it.message).unwrap_or_default()
    }

    #[test]
    fn who_may_have_an_entry_of_which_type() {
        let slr =
            "The caller is not allowed to modify access entries with a principalArn value of a Service Linked Role";
        let foreign = "must be of the cluster's account";
        for (resource, kind, expected) in [
            ("iam::111122223333:role/a", "", ""),
            ("iam::111122223333:role/a", "STANDARD", ""),
            ("iam::111122223333:role/teams/blue/a", "", ""),
            ("iam::111122223333:user/ops/ann", "", ""),
            ("iam::555566667777:role/partner", "", ""),
            ("iam::555566667777:user/x", "STANDARD", ""),
            ("sts::111122223333:assumed-role/a/jane", "", PRINCIPAL),
            ("iam::111122223333:group/ops", "", PRINCIPAL),
            ("iam::111122223333:root", "", ""),
            ("iam::111122223333:root", "EC2_LINUX", "must be a role"),
            ("sts::111122223333:federated-user/x", "", PRINCIPAL),
            ("iam::1111:role/a", "", PRINCIPAL),
            ("iam::111122223333:role/", "", PRINCIPAL),
            ("s3:::bucket", "", PRINCIPAL),
            ("iam::111122223333:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX", "", slr),
            ("iam::111122223333:user/aws-service-role/x", "", ""),
            ("iam::111122223333:role/a", "EC2_LINUX", ""),
            ("iam::111122223333:role/a", "HYPERPOD_LINUX", ""),
            ("iam::555566667777:role/a", "EC2_LINUX", foreign),
            ("iam::555566667777:role/a", "FARGATE_LINUX", foreign),
            ("iam::111122223333:user/ann", "EC2", "must be a role"),
            ("iam::111122223333:role/a", "standard", "AccessEntry type must be one of [STANDARD, EC2_LINUX,"),
            ("iam::111122223333:role/a", "EC2_MAC", "AccessEntry type must be one of ["),
        ] {
            let said = wrong(&format!("arn:aws:{resource}"), kind, "", &[]);
            assert!(said.contains(expected) && said.is_empty() == expected.is_empty(), "{resource} {kind}: {said}");
        }
        assert_eq!(wrong("arn:aws-cn:iam::111122223333:role/a", "", "", &[]), PRINCIPAL, "another partition");
        assert_eq!(wrong("", "", "", &[]), PRINCIPAL);
    }

    #[test]
    fn usernames() {
        for (name, expected) in [
            ("ann", ""),
            ("admin:{{SessionName}}", ""),
            ("a:b:{{SessionNameRaw}}", ""),
            ("arn:aws:sts::111122223333:assumed-role/a/{{SessionName}}", ""),
            ("systems", ""),
            ("AWS:x", ""),
            ("system:node:x", "The username must not begin with system:"),
            ("eks:x", "The username must not begin with eks:"),
            ("aws:x", "The username must not begin with aws:"),
            ("amazon:x", "The username must not begin with amazon:"),
            ("iam:x", "The username must not begin with iam:"),
            ("{{SessionName}}", "a colon must come before {{SessionName}}"),
            ("admin-{{SessionName}}:x", "a colon must come before {{SessionName}}"),
            ("{{SessionNameRaw}}:x", "a colon must come before {{SessionNameRaw}}"),
            ("ü{{SessionName}}", "a colon must come before {{SessionName}}"),
        ] {
            let said = wrong("arn:aws:iam::111122223333:role/a", "", name, &[]);
            assert!(said.contains(expected) && said.is_empty() == expected.is_empty(), "{name}: {said}");
        }
    }

    #[test]
    fn groups_and_what_each_type_lets_one_set() {
        let role = "arn:aws:iam::111122223333:role/a";
        let masters = "The kubernetes group name system:masters is invalid, it cannot start with system:";
        assert_eq!(wrong(role, "", "", &["devs", "aws:x", "System:x"]), "");
        assert_eq!(wrong(role, "", "", &["devs", "system:masters"]), masters);
        assert!(wrong(role, "", "", &[""]).contains("cannot be empty"));
        for kind in EntryType::ALL {
            let name = kind.as_str();
            let expected = if kind == EntryType::Standard { "" } else { STANDARD };
            assert_eq!(wrong(role, name, "", &["devs"]), expected, "{name}");
            assert_eq!(wrong(role, name, "ann", &[]), expected, "{name}");
            assert_eq!(wrong(role, name, "", &[]), "", "{name}");
            assert_eq!(EntryType::of(name), Some(kind));
        }
        // What EKS says of a node's own username sent back.
        let said = wrong(role, "EC2_LINUX", "system:node:{{EC2PrivateDNSName}}", &[]);
        assert_eq!(said, "The username must not begin with system:");
    }

    #[test]
    fn defaults() {
        let of = |kind: EntryType, arn: &str| kind.default_username(&principal(arn).unwrap());
        let role = "arn:aws:iam::111122223333:role/teams/blue/a";
        for (kind, arn, expected) in [
            (EntryType::Standard, role, Some("arn:aws:sts::111122223333:assumed-role/a/{{SessionName}}")),
            (
                EntryType::Standard,
                "arn:aws:iam::111122223333:user/ops/ann",
                Some("arn:aws:iam::111122223333:user/ops/ann"),
            ),
            (EntryType::Ec2Linux, role, Some("system:node:{{EC2PrivateDNSName}}")),
            (EntryType::Ec2Windows, role, Some("system:node:{{EC2PrivateDNSName}}")),
            (EntryType::FargateLinux, role, Some("system:node:{{SessionName}}")),
            (EntryType::HybridLinux, role, Some("system:node:{{SessionName}}")),
            (EntryType::Ec2, role, None),
            (EntryType::HyperpodLinux, role, None),
        ] {
            assert_eq!(of(kind, arn).as_deref(), expected, "{kind:?} {arn}");
        }
        let passed: Vec<&str> =
            EntryType::ALL.into_iter().filter(|it| it.needs_pass_role()).map(EntryType::as_str).collect();
        assert_eq!(passed, ["EC2_LINUX", "EC2_WINDOWS"]);
    }

    #[test]
    fn a_principal_exists_under_its_whole_arn_or_is_not_known() {
        let arn = "arn:aws:iam::111122223333:role/a";
        let gap = crate::model::snapshot::Gap::Loading;
        for (found, fits) in [
            (Lookup::Found((arn, ())), true),
            (Lookup::Found(("", ())), true),
            (Lookup::Unknown(gap), true),
            (Lookup::Absent, false),
            (Lookup::Found(("arn:aws:iam::111122223333:role/teams/a", ())), false),
            (Lookup::Found(("arn:aws:iam::111122223333:role/A", ())), false),
        ] {
            assert_eq!(existing(arn, &found).is_ok(), fits, "{found:?}");
        }
    }

    #[test]
    fn there_is_room_for_three_thousand() {
        assert!(room(2_999).is_ok());
        assert_eq!(room(3_000).unwrap_err().code, crate::model::validation::Code::ResourceLimitExceeded);
        assert_eq!(taken().to_string().split(':').next(), Some("ResourceInUseException"));
    }
}

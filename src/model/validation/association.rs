//! Pod Identity associations: which roles they may name, and what goes together.

use serde_json::Value;

use super::{Home, Invalid};
use crate::model::policy::{Document, Effect, NamedPrincipal, Principals};
use crate::model::principal::{Principal, PrincipalKind};
use crate::model::workload::PodIdentityAssociation;

/// The most associations that a cluster may have.
pub const MAX_ASSOCIATIONS: usize = 5_000;

/// The longest session policy, in characters, as STS has it.
pub const MAX_POLICY: usize = 2_048;

/// The service that must be trusted by the role of an association.
pub const SERVICE: &str = "pods.eks.amazonaws.com";

/// The values of an association, as it is made or as it would be after a change. That its names are there, `needed` asks;
/// namespace and service account need not exist.
pub fn check(association: &PodIdentityAssociation, home: Home<'_>) -> Result<(), Invalid> {
    super::needed("namespace", Some(&association.namespace))?;
    super::needed("serviceAccount", Some(&association.service_account))?;
    let arn = super::needed("roleArn", association.role_arn.as_deref())?;
    let role = role("roleArn", arn, home)?;
    if role.account != home.account {
        // Our words.
        return Err(Invalid::parameter(format!("The roleArn {arn} is invalid: it must be of the cluster's account.")));
    }
    if let Some(target) = association.target_role_arn.as_deref() {
        self::role("targetRoleArn", target, home)?;
    }
    if let Some(policy) = association.policy.as_deref() {
        session_policy(policy)?;
        if association.disable_session_tags != Some(true) {
            // Our words.
            return Err(Invalid::parameter("A policy can only be given where disableSessionTags is true."));
        }
    }
    super::tags(&association.tags)
}

/// The ARN of a role of the partition.
fn role(member: &str, arn: &str, home: Home<'_>) -> Result<Principal, Invalid> {
    match Principal::from_arn(arn) {
        Ok((it, None)) if it.kind == PrincipalKind::Role && it.partition == home.partition => Ok(it),
        // Our words.
        _ => Err(Invalid::parameter(format!("The {member} {arn} is invalid: it is no role."))),
    }
}

/// A session policy: a JSON document, not too long.
fn session_policy(text: &str) -> Result<(), Invalid> {
    // Our words.
    let length = text.chars().count();
    if length > MAX_POLICY {
        return Err(Invalid::parameter(format!("The policy has {length} characters; {MAX_POLICY} is the most.")));
    }
    match serde_json::from_str(text) {
        Ok(Value::Object(members)) if members.contains_key("Statement") => Ok(()),
        _ => Err(Invalid::parameter("The policy is invalid: it is no policy document in JSON.")),
    }
}

/// The role of an association must be there.
pub fn no_role() -> Invalid {
    // Our words.
    Invalid::parameter("The role provided does not exist.")
}

/// The role's trust policy must let Pod Identity's service in. Conditions are not looked at: they decide when a pod asks.
pub fn trusted(trust_policy: &Value) -> Result<(), Invalid> {
    let refused = || Err(Invalid::parameter("Trust policy of the role provided is invalid."));
    let Ok(document) = Document::from_value(trust_policy) else { return refused() };
    let lets_in = document.statements.iter().any(|statement| match &statement.principals {
        Principals::AnyOf(named) => {
            let is_named = |it: &NamedPrincipal| {
                it.kind == "*" || (it.kind == "Service" && (it.text == "*" || it.text == SERVICE))
            };
            statement.effect != Some(Effect::Deny) && named.iter().any(is_named)
        }
        // Whom it names cannot be made out here: what EKS says to it is EKS's.
        Principals::Unclear(_) => statement.effect != Some(Effect::Deny),
    });
    if lets_in { Ok(()) } else { refused() }
}

/// A service account has one association.
pub fn taken(association_id: &str) -> Invalid {
    Invalid::in_use(format!("Association already exists: {association_id}"))
}

/// Is there room for one more, beside so many?
pub fn room(associations: usize) -> Result<(), Invalid> {
    if associations < MAX_ASSOCIATIONS {
        return Ok(());
    }
    // Our words; the number is the documented one.
    let message = format!("The cluster has {associations} Pod Identity associations; {MAX_ASSOCIATIONS} is the most.");
    Err(Invalid::limit(message))
}

/// An association that an add-on owns is changed through the add-on.
pub fn not_owned(association: &PodIdentityAssociation) -> Result<(), Invalid> {
    match association.owner_arn.as_deref() {
        None | Some("") => Ok(()),
        // Our words.
        Some(owner) => {
            Err(Invalid::request(format!("The association is owned by {owner}: change it through UpdateAddon.")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const HOME: Home<'_> = Home { partition: "aws", account: "111122223333" };
    const POLICY: &str = r#"{"Version": "2012-10-17", "Statement": []}"#;

    fn association() -> PodIdentityAssociation {
        PodIdentityAssociation {
            namespace: "a".into(),
            service_account: "one".into(),
            role_arn: Some("arn:aws:iam::111122223333:role/teams/r".into()),
            ..PodIdentityAssociation::default()
        }
    }

    #[test]
    fn what_goes_into_an_association() {
        type Change = fn(&mut PodIdentityAssociation);
        let cases: [(Change, &str); 14] = [
            (|_| {}, ""),
            (|it| it.namespace.clear(), "namespace is required"),
            (|it| it.service_account.clear(), "serviceAccount is required"),
            (|it| it.role_arn = None, "roleArn is required"),
            (|it| it.role_arn = Some("arn:aws:iam::555566667777:role/r".into()), "must be of the cluster's account"),
            (|it| it.role_arn = Some("arn:aws:iam::111122223333:user/r".into()), "it is no role"),
            (|it| it.role_arn = Some("arn:aws:sts::111122223333:assumed-role/r/s".into()), "it is no role"),
            (|it| it.target_role_arn = Some("arn:aws:iam::555566667777:role/r".into()), ""),
            (|it| it.target_role_arn = Some("arn:aws:iam::555566667777:root".into()), "it is no role"),
            (|it| it.policy = Some(POLICY.into()), "disableSessionTags is true"),
            (|it| (it.policy, it.disable_session_tags) = (Some(POLICY.into()), Some(false)), "disableSessionTags"),
            (|it| (it.policy, it.disable_session_tags) = (Some(POLICY.into()), Some(true)), ""),
            (|it| (it.policy, it.disable_session_tags) = (Some("{}".into()), Some(true)), "no policy document"),
            (|it| (it.policy, it.disable_session_tags) = (Some(" ".repeat(2_049)), Some(true)), "has 2049 characters"),
        ];
        for (n, (change, expected)) in cases.into_iter().enumerate() {
            let mut it = association();
            change(&mut it);
            let said = check(&it, HOME).err().map(|it| it.message).unwrap_or_default();
            assert!(said.contains(expected) && said.is_empty() == expected.is_empty(), "case {n}: {said}");
        }
    }

    #[test]
    fn the_role_must_trust_the_service() {
        let statement =
            |effect: &str, principal: Value| json!({"Statement": [{"Effect": effect, "Principal": principal}]});
        for (document, fits) in [
            (statement("Allow", json!({"Service": SERVICE})), true),
            (statement("Allow", json!({"Service": ["ec2.amazonaws.com", SERVICE]})), true),
            (statement("Allow", json!("*")), true),
            (json!({"Statement": {"Effect": "Allow", "Principal": {"Service": SERVICE}}}), true),
            (statement("Deny", json!({"Service": SERVICE})), false),
            (statement("Allow", json!({"Service": "ec2.amazonaws.com"})), false),
            (statement("Allow", json!({"AWS": "*"})), false),
            (json!({}), false),
        ] {
            assert_eq!(trusted(&document).is_ok(), fits, "{document}");
        }
    }

    #[test]
    fn there_is_one_per_service_account_and_room_for_five_thousand() {
        assert_eq!(taken("a-1").to_string(), "ResourceInUseException: Association already exists: a-1");
        assert!(room(4_999).is_ok() && room(5_000).is_err());
        assert!(not_owned(&association()).is_ok());
        let owned = PodIdentityAssociation { owner_arn: Some("arn:x".into()), ..association() };
        assert_eq!(not_owned(&owned).unwrap_err().code, super::super::Code::InvalidRequest);
    }
}

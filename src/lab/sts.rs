//! STS: who am I, and becoming a role.
//!
//! Trust policies are not evaluated: whoever may call `sts:AssumeRole` gets the role if the world has it.

use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::aws::{Call, Parameters, Refusal};
use super::keys::{self, Session};
use crate::model::principal::{Asked, Principal, PrincipalKind};

/// The actions that are answered.
pub(super) const ACTIONS: [&str; 2] = ["GetCallerIdentity", "AssumeRole"];

/// The result of a call.
pub(super) fn perform(call: &Call<'_>, action: &str, parameters: &Parameters) -> Result<Value, Refusal> {
    match action {
        // Needs no permission, as with AWS.
        "GetCallerIdentity" => Ok(json!({
            "Arn": call.caller.arn,
            "UserId": call.caller.user_id,
            "Account": call.caller.account,
        })),
        "AssumeRole" => assume_role(call, parameters),
        _ => Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            "InvalidAction",
            format!("Could not find operation {action} for version 2011-06-15"),
        )),
    }
}

fn assume_role(call: &Call<'_>, parameters: &Parameters) -> Result<Value, Refusal> {
    let invalid = |message: String| Refusal::new(StatusCode::BAD_REQUEST, "ValidationError", message);
    let needed = |name: &str| parameters.get(name).ok_or_else(|| invalid(format!("{name} is needed")));
    let (arn, name) = (needed("RoleArn")?, needed("RoleSessionName")?);
    let fits = |c: char| c.is_ascii_alphanumeric() || "_=,.@-".contains(c);
    if !(2..=64).contains(&name.len()) || !name.chars().all(fits) {
        return Err(invalid(format!("{name} is not a valid session name")));
    }
    let seconds = match parameters.get("DurationSeconds").map(str::parse::<i64>) {
        None => 3600,
        Some(Ok(seconds @ 900..=43200)) => seconds,
        Some(_) => return Err(invalid("DurationSeconds must be from 900 to 43200".to_owned())),
    };
    let denied = |message: String| Refusal::new(StatusCode::FORBIDDEN, "AccessDenied", message);
    if let Some(message) = call.world.refusal(call.caller, "sts:AssumeRole", arn) {
        return Err(denied(message));
    }
    let principal = Principal::from_arn(arn).map_err(|_| invalid(format!("{arn} is invalid")))?.0;
    // A role's own ARN first, which must be right in its path; then the session, which has none.
    let session = Asked { session: Some(name.to_owned()), ..Asked::principal(principal.clone()) };
    let world = call.world;
    let exists = world.role(&principal.name).is_none_or(|role| role.arn == arn);
    let caller = world.find(&session.arn()).ok();
    // STS does not tell a role that is not there from one that may not be assumed.
    let Some(caller) = caller.filter(|_| exists && principal.kind == PrincipalKind::Role) else {
        let who = &call.caller.arn;
        return Err(denied(format!("User: {who} is not authorized to perform: sts:AssumeRole on resource: {arn}")));
    };
    let end: Timestamp = call.now.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(call.now);
    let session = Session { arn: caller.arn.clone(), user_id: caller.user_id.clone(), expires: Some(end.as_second()) };
    let credentials = keys::temporary(&session);
    Ok(json!({
        "Credentials": {
            "AccessKeyId": credentials.access_key_id,
            "SecretAccessKey": credentials.secret_access_key,
            "SessionToken": credentials.session_token,
            "Expiration": end.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        },
        "AssumedRoleUser": { "AssumedRoleId": caller.user_id, "Arn": caller.arn },
        "PackedPolicySize": 0,
    }))
}

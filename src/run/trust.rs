//! `eksplorer trust`: a role's trust policy, from a file, a snapshot or IAM, held against one request.
//!
//! Decides where the policy comes from. Input that cannot be read is an error that names file, line and field; a policy
//! that may not be read is an answer that is not known.

use super::Trouble;
use super::files::read_text;
use super::headless::Printed;
use super::source::Source;
use crate::access::Verdict;
use crate::access::trust::{Document, Request, TrustDecision, evaluate};
use crate::cli::{Options, Output, TrustArgs};
use crate::model::failure::FailureKind;
use crate::model::principal::{Principal, PrincipalKind};
use crate::model::role::RoleDetail;
use crate::model::snapshot::Lookup;
use crate::report::trust as report;

/// `eksplorer trust (ROLE_ARN | --policy FILE) --request FILE`
pub async fn trust(options: &Options, args: &TrustArgs) -> Result<Printed, Trouble> {
    if args.policy.is_some() && (options.demo || options.world.is_some() || options.from.is_some()) {
        return Err(Trouble::bad_input("--policy is whole in its file: it goes without --demo, --world and --from"));
    }
    let name = args.request.display();
    let text = read_text(&args.request, "a request, in JSON")?;
    let mut request = Request::parse(&text).map_err(|error| Trouble::bad_input(format!("{name}: {error}")))?;
    let verdict = match (&args.policy, &args.role) {
        (Some(path), _) => {
            let text = read_text(path, "a trust policy, in JSON")?;
            let document =
                Document::parse(&text).map_err(|error| Trouble::bad_input(format!("{}: {error}", path.display())))?;
            evaluate(&document, &request)
        }
        (None, Some(arn)) => {
            let role = role_arn(arn)?;
            request.role_account.get_or_insert_with(|| role.account.clone());
            match policy_of(options, &role).await? {
                Ok(document) => evaluate(&document, &request),
                Err(because) => TrustDecision {
                    verdict: Verdict::Unknown,
                    because,
                    statement: None,
                    clause: None,
                    passes: None,
                    action: None,
                },
            }
        }
        // The command line asks for one of them.
        (None, None) => return Err(Trouble::bad_input("name a role by its ARN, or a file with --policy")),
    };
    let out = match options.output {
        Output::Text => report::text(&verdict),
        Output::Json | Output::Sarif => report::json(&verdict).map_err(Trouble::failure)?,
    };
    Ok(Printed::answer(out, verdict.verdict.into()))
}

fn role_arn(arn: &str) -> Result<Principal, Trouble> {
    match Principal::from_arn(arn) {
        Ok((principal, None)) if principal.kind == PrincipalKind::Role => Ok(principal),
        Ok((principal, Some(_))) => {
            Err(Trouble::bad_input(format!("{arn:?} is a session's ARN: name its role, such as {}", principal.arn())))
        }
        Ok((principal, None)) => {
            Err(Trouble::bad_input(format!("{arn:?} is the ARN of a {}: only roles can be assumed", principal.kind)))
        }
        Err(error) => Err(Trouble::bad_input(error.to_string())),
    }
}

/// The role's trust policy; the inner error says why it is not known.
async fn policy_of(options: &Options, role: &Principal) -> Result<Result<Document, String>, Trouble> {
    let arn = role.arn();
    let detail = match Source::open(options, None).await? {
        Source::File(snapshot) => match snapshot.iam.role(&role.account, &role.name) {
            Lookup::Found(detail) => detail.clone(),
            Lookup::Absent => return Err(gone(&arn)),
            Lookup::Unknown(gap) => return Ok(Err(format!("the role {arn} was not read: {gap}"))),
        },
        Source::Live { session, .. } => {
            let own = session.account().await?;
            if own != role.account {
                let because =
                    format!("the role {arn} is another account's, and its trust policy cannot be read from {own}");
                return Ok(Err(because));
            }
            match session.iam().role(&role.name).await {
                Ok(Some(detail)) => detail,
                Ok(None) => return Err(gone(&arn)),
                Err(failure) if matches!(failure.kind, FailureKind::Refused { .. }) => {
                    return Ok(Err(format!("the trust policy of {arn} could not be read: {}", failure.advised())));
                }
                Err(failure) => return Err(failure.into()),
            }
        }
    };
    let RoleDetail { arn: real, assume_role_policy_document: policy, .. } = detail;
    if real != arn {
        return Err(Trouble::bad_input(format!("no role has the ARN {arn}; the one of that name is {real}")));
    }
    Ok(match policy {
        None => Err(format!("the trust policy of {arn} was not recorded")),
        Some(value) => Document::from_value(&value)
            .map_err(|error| format!("the trust policy of {arn} cannot be made out: {error}")),
    })
}

fn gone(arn: &str) -> Trouble {
    Trouble::bad_input(format!("there is no role {arn}. Check the account, the path and the name."))
}

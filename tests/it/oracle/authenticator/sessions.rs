//! Sessions to ask about: roles, users, root and federated users as STS describes them, of several accounts and
//! partitions.

use super::super::world::Dice;
use super::process::Session;

/// The account of the cluster, one that begins with a zero, and another.
pub(crate) const ACCOUNTS: [&str; 3] = ["111122223333", "012345678901", "555566667777"];
/// An instance that is a node of the cluster.
pub(crate) const NODE: (&str, &str) = ("i-0123456789abcdef0", "ip-10-0-0-7.eu-west-1.compute.internal");
/// An instance that EC2 knows, and that is no node of the cluster.
const INSTANCE: (&str, &str) = ("i-0fedcba9", "ip-10-0-0-9.eu-west-1.compute.internal");
/// Roles without their path, as ARNs of sessions and aws-auth name them.
pub(crate) const ROLES: [&str; 6] =
    ["Admin", "dev-team", "worker", "sso_2", "AWSReservedSSO_Ops_0123456789abcdef", "a.b@c,d=e+f"];
/// Users with their path.
pub(crate) const USERS: [&str; 4] = ["ann", "ops/ann", "Kim", "teams/blue/o.k@corp.com"];
const SESSIONS: [&str; 11] = [
    "s",
    "jane@corp.com",
    "a@b@c",
    "botocore-session-1700000000",
    "i-short",
    "i-0123456789abcdef",
    "I-0123456789abcdef0",
    "i-________",
    "x=y,z+w.v",
    "@",
    "i-00000000",
];

/// The ARN under which a principal of ours is compared, mostly one that a session of [`session`] has.
pub(crate) fn canonical_arn(dice: &mut Dice) -> String {
    let account = account(dice);
    let partition = if dice.percent(4) { "aws-cn" } else { "aws" };
    match dice.below(100) {
        0..70 => format!("arn:{partition}:iam::{account}:role/{}", role(dice)),
        70..92 => format!("arn:{partition}:iam::{account}:user/{}", dice.pick(&USERS)),
        92..96 => format!("arn:{partition}:iam::{account}:root"),
        _ => format!("arn:{partition}:sts::{account}:federated-user/bob"),
    }
}

/// A user's.
pub(crate) fn user_arn(dice: &mut Dice) -> String {
    if dice.percent(12) {
        return canonical_arn(dice);
    }
    let user = if dice.percent(50) { "ann" } else { dice.pick(&USERS) };
    format!("arn:aws:iam::{}:user/{user}", account(dice))
}

/// A role's.
pub(crate) fn role_arn(dice: &mut Dice) -> String {
    if dice.percent(8) { canonical_arn(dice) } else { format!("arn:aws:iam::{}:role/{}", account(dice), role(dice)) }
}

fn account(dice: &mut Dice) -> &'static str {
    if dice.percent(75) { ACCOUNTS[0] } else { dice.pick(&ACCOUNTS) }
}

fn role(dice: &mut Dice) -> &'static str {
    if dice.percent(55) { "Admin" } else { dice.pick(&ROLES) }
}

/// A session of a principal that the ARNs stand for.
pub(crate) fn session(dice: &mut Dice, arns: &[String]) -> Session {
    // Mostly one that the document names, as far as a principal can have that ARN.
    let known: Vec<&String> = arns.iter().filter(|arn| is_principal(arn)).collect();
    let arn = if known.is_empty() || dice.percent(15) { canonical_arn(dice) } else { (*dice.choose(&known)).clone() };
    of_principal(dice, &arn)
}

fn is_principal(arn: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let [_, partition, service, "", account, resource] = parts.as_slice() else { return false };
    let name = resource.rsplit('/').next().unwrap_or_default();
    let of_name = |c: char| c.is_ascii_alphanumeric() || "+=,.@-_".contains(c);
    let (of_iam, of_sts) = (resource.starts_with("role/") || resource.starts_with("user/"), "federated-user/");
    ["aws", "aws-cn"].contains(partition)
        && ACCOUNTS.contains(account)
        && !name.is_empty()
        && resource.split('/').all(|part| !part.is_empty() && part.chars().all(of_name))
        && (*service == "iam" && (of_iam || *resource == "root") || *service == "sts" && resource.starts_with(of_sts))
}

fn of_principal(dice: &mut Dice, canonical: &str) -> Session {
    let parts: Vec<&str> = canonical.splitn(6, ':').collect();
    let (partition, account, resource) = (parts[1], parts[4], parts[5]);
    let name = resource.rsplit('/').next().unwrap_or_default();
    let host = match partition {
        "aws-cn" => "sts.cn-north-1.amazonaws.com.cn",
        _ => dice.pick(&["sts.eu-west-1.amazonaws.com", "sts.amazonaws.com", "sts.us-east-2.api.aws"]),
    };
    let mut it = Session {
        arn: canonical.to_owned(),
        account: account.to_owned(),
        user_id: account.to_owned(),
        access_key_id: dice.pick(&["ASIAEXAMPLE", "AKIAEXAMPLE"]).to_owned(),
        host: host.to_owned(),
        private_dns_name: String::new(),
    };
    if resource.starts_with("role/") {
        let (session, dns) = match dice.below(100) {
            0..12 => NODE,
            12..18 => INSTANCE,
            _ => (dice.pick(&SESSIONS), ""),
        };
        // STS leaves the path of a role out.
        it.arn = format!("arn:{partition}:sts::{account}:assumed-role/{name}/{session}");
        it.user_id = format!("AROAEXAMPLE:{session}");
        it.private_dns_name = dns.to_owned();
    } else if resource.starts_with("user/") {
        it.user_id = "AIDAEXAMPLE".to_owned();
    } else if resource.starts_with("federated-user/") {
        it.user_id = format!("{account}:{name}");
    }
    it
}

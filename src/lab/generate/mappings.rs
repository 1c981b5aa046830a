//! Who gets into a generated world's cluster: its access entries and its aws-auth ConfigMap.
//!
//! Decides which principals have an entry, a row, or both, with which groups and access policies, and keeps the groups
//! and usernames that come of it for the bindings to name. What those may do in RBAC is `rbac`'s. A new kind of entry is
//! a variant of [`Whose`].

use std::collections::{BTreeMap, BTreeSet};

use super::account::{self, Account, Function, Holder};
use super::dice::Dice;
use super::{ACCOUNT, CLUSTER, Land, PARTNER, REGION, TAKEN, metadata, moment, names};
use crate::lab::keys;
use crate::model::mapping::{AccessEntry, AccessScope, AssociatedPolicy, ScopeKind};
use crate::model::rbac::ConfigMap;

/// What the mappings give.
pub(super) struct Mappings {
    pub(super) entries: Vec<AccessEntry>,
    pub(super) aws_auth: Option<ConfigMap>,
    pub(super) given: Given,
}

/// The groups and usernames that somebody has.
#[derive(Default)]
pub(super) struct Given {
    groups: BTreeMap<&'static str, BTreeSet<String>>,
    users: BTreeSet<String>,
}

impl Given {
    fn give(&mut self, team: &'static str, groups: &[String]) {
        // Who binds roles names the groups of people, not those of the system itself.
        let own = groups.iter().filter(|it| !it.starts_with("system:"));
        self.groups.entry(team).or_default().extend(own.cloned());
    }

    /// The groups, by the team whose members have them.
    pub(super) fn groups(&self) -> BTreeMap<&'static str, Vec<&str>> {
        self.groups.iter().map(|(team, groups)| (*team, groups.iter().map(String::as_str).collect())).collect()
    }

    /// The usernames.
    pub(super) fn users(&self) -> Vec<&str> {
        self.users.iter().map(String::as_str).collect()
    }
}

/// Whose an access entry is.
enum Whose<'a> {
    Holder(&'a Holder),
    Node,
    User(&'a str),
    /// A role that is not there any more.
    Vanished(usize),
    /// A role of another account.
    Partner(usize),
}

/// The mappings of a world.
pub(super) fn mappings(land: &Land, account: &Account) -> Mappings {
    let mut given = Given::default();
    let entries = entries(land, account, &mut given);
    let aws_auth = aws_auth(land, account, &mut given);
    Mappings { entries, aws_auth, given }
}

fn entries(land: &Land, account: &Account, given: &mut Given) -> Vec<AccessEntry> {
    let mut dice = land.dice("entries");
    whose(land, account, &mut dice)
        .into_iter()
        .enumerate()
        .map(|(number, whose)| entry(land, number, &whose, given, &mut dice))
        .collect()
}

/// As many principals as there are entries, each once, the caller first.
fn whose<'a>(land: &Land, account: &'a Account, dice: &mut Dice) -> Vec<Whose<'a>> {
    let mut users = account.users.iter();
    // Some have a row of aws-auth alone, or nothing.
    let mut order = dice.order(account.holders.len());
    order.retain(|at| *at > 0 && !dice.percent(15));
    let mut holders = order.iter().filter_map(|at| account.holders.get(*at));
    let mut all = Vec::with_capacity(land.sizes.entries);
    all.extend(account.holders.first().map(Whose::Holder));
    if land.sizes.nodes > 0 {
        all.push(Whose::Node);
    }
    for number in all.len()..land.sizes.entries {
        let chance = dice.below(100);
        let user = (chance < 6).then(|| users.next()).flatten().map(|it| Whose::User(&it.arn));
        let stranger = match chance {
            6..9 => Some(Whose::Vanished(number)),
            9..12 => Some(Whose::Partner(number)),
            _ => None,
        };
        let one = user
            .or(stranger)
            .or_else(|| holders.next().map(Whose::Holder))
            .or_else(|| users.next().map(|it| Whose::User(&it.arn)))
            .unwrap_or(if chance < 20 { Whose::Vanished(number) } else { Whose::Partner(number) });
        all.push(one);
    }
    all.truncate(land.sizes.entries);
    all
}

fn entry(land: &Land, number: usize, whose: &Whose<'_>, given: &mut Given, dice: &mut Dice) -> AccessEntry {
    let (mut kind, mut groups, mut policies) = ("STANDARD", Vec::new(), Vec::new());
    let (principal_arn, kind_and_name, username) = match whose {
        Whose::Holder(holder) => {
            (groups, policies) = grants(holder.function, holder.team, dice);
            if !holder.made_again {
                given.give(holder.team, &groups);
            }
            if dice.percent(20) {
                given.users.insert(session_of(&holder.name, &names::person(dice.below(16))));
            }
            (holder.arn.clone(), format!("role/{ACCOUNT}/{}", holder.name), session_of(&holder.name, SESSION))
        }
        Whose::Node => {
            kind = "EC2_LINUX";
            groups.push("system:nodes".to_owned());
            let name = account::NODE_ROLE;
            (account::arn(account::EKS_PATH, name), format!("role/{ACCOUNT}/{name}"), NODE_NAME.to_owned())
        }
        Whose::User(arn) => {
            let team = names::team(dice.below(land.teams));
            (groups, policies) = grants(Function::Developer, team, dice);
            given.give(team, &groups);
            given.users.insert((*arn).to_owned());
            let name = arn.rsplit('/').next().unwrap_or_default();
            ((*arn).to_owned(), format!("user/{ACCOUNT}/{name}"), (*arn).to_owned())
        }
        Whose::Vanished(number) => {
            let team = names::team(dice.below(land.teams));
            (groups, policies) = grants(Function::Developer, team, dice);
            let name = format!("{team}-retired-{number}");
            let arn = account::arn(&format!("/teams/{team}/"), &name);
            (arn, format!("role/{ACCOUNT}/{name}"), session_of(&name, SESSION))
        }
        Whose::Partner(number) => {
            groups.push("partners".to_owned());
            given.give("partners", &groups);
            let name = format!("partner-{number}");
            let username = format!("arn:aws:sts::{PARTNER}:assumed-role/{name}/{SESSION}");
            (format!("arn:aws:iam::{PARTNER}:role/{name}"), format!("role/{PARTNER}/{name}"), username)
        }
    };
    // Older than the roles that were made again, and than the moment of the snapshot.
    let at = moment(number % (TAKEN - 1_000) + 1);
    for policy in &mut policies {
        (policy.associated_at, policy.modified_at) = (at, at);
    }
    AccessEntry {
        cluster_name: Some(CLUSTER.to_owned()),
        access_entry_arn: Some(format!(
            "arn:aws:eks:{REGION}:{ACCOUNT}:access-entry/{CLUSTER}/{kind_and_name}/{}",
            keys::uuid(&principal_arn)
        )),
        principal_arn,
        kubernetes_groups: groups,
        created_at: at,
        modified_at: at,
        username: Some(username),
        kind: kind.to_owned(),
        associated_access_policies: Some(policies),
        ..AccessEntry::default()
    }
}

const SESSION: &str = "{{SessionName}}";
const NODE_NAME: &str = "system:node:{{EC2PrivateDNSName}}";

fn session_of(role: &str, session: &str) -> String {
    format!("arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{session}")
}

/// Groups and access policies of who does this for a team.
fn grants(function: Function, team: &str, dice: &mut Dice) -> (Vec<String>, Vec<AssociatedPolicy>) {
    if function == Function::Platform {
        return (vec![function.group().to_owned()], vec![policy("ClusterAdmin", cluster_wide())]);
    }
    let mut groups = Vec::new();
    if dice.percent(75) {
        groups.push(format!("{team}-{}", function.group()));
    }
    if dice.percent(20) {
        groups.push(function.group().to_owned());
    }
    let mut policies = Vec::new();
    if groups.is_empty() || dice.percent(55) {
        policies.push(match function {
            Function::Platform | Function::Admin => policy("Admin", of_team(team, dice)),
            Function::Developer | Function::Deployer => policy("Edit", of_team(team, dice)),
            Function::Reader | Function::Support | Function::Ci => policy("View", of_team(team, dice)),
            Function::Oncall => policy("View", cluster_wide()),
            Function::Auditor => policy("AdminView", cluster_wide()),
        });
        if dice.percent(10) {
            policies.push(policy("SecretReader", of_team(team, dice)));
        }
    }
    (groups, policies)
}

fn policy(name: &str, access_scope: AccessScope) -> AssociatedPolicy {
    AssociatedPolicy {
        policy_arn: format!("arn:aws:eks::aws:cluster-access-policy/AmazonEKS{name}Policy"),
        access_scope,
        ..AssociatedPolicy::default()
    }
}

fn cluster_wide() -> AccessScope {
    AccessScope { kind: ScopeKind::Cluster, namespaces: Vec::new() }
}

/// A team's namespaces, or part of them, or what was taken for them.
fn of_team(team: &str, dice: &mut Dice) -> AccessScope {
    let namespaces = match dice.below(100) {
        0..30 => vec![format!("{team}-dev")],
        30..60 => vec![format!("{team}-dev"), format!("{team}-prod")],
        60..85 => vec![format!("{team}-*")],
        85..92 => vec![format!("{team}-dev"), "default".to_owned()],
        92..97 => vec!["*-dev".to_owned()],
        // There is no such stage.
        _ => vec![format!("{team}-staging")],
    };
    AccessScope { kind: ScopeKind::Namespace, namespaces }
}

/// A row of aws-auth.
struct Row {
    user: bool,
    arn: String,
    username: String,
    groups: Vec<String>,
}

fn aws_auth(land: &Land, account: &Account, given: &mut Given) -> Option<ConfigMap> {
    let count = land.sizes.aws_auth_rows;
    let mut dice = land.dice("aws-auth");
    let mut users = account.users.iter().rev();
    let order = dice.order(account.holders.len());
    let mut holders =
        order.iter().filter_map(|at| account.holders.get(*at).filter(|it| it.function != Function::Platform));
    let mut rows = Vec::with_capacity(count);
    if land.sizes.nodes > 0 {
        rows.push(Row {
            user: false,
            arn: account::arn("/", account::NODE_ROLE),
            username: NODE_NAME.to_owned(),
            groups: vec!["system:bootstrappers".to_owned(), "system:nodes".to_owned()],
        });
    }
    for number in rows.len()..count {
        let chance = dice.below(100);
        let user = if chance < 12 { users.next() } else { None };
        let row = match (user, if chance < 94 { holders.next() } else { None }) {
            (Some(user), _) => {
                let team = names::team(dice.below(land.teams));
                let groups = row_groups(Function::Developer, team, &mut dice);
                given.give(team, &groups);
                given.users.insert(user.user_name.clone());
                Row { user: true, arn: user.arn.clone(), username: user.user_name.clone(), groups }
            }
            (None, Some(holder)) => {
                let groups = row_groups(holder.function, holder.team, &mut dice);
                // The authenticator compares with the ARN of a session's role, which has no path.
                let pathless = !dice.percent(8);
                if pathless {
                    given.give(holder.team, &groups);
                }
                let arn = if pathless { account::arn("/", &holder.name) } else { holder.arn.clone() };
                let username = if dice.percent(60) {
                    format!("{}:{SESSION}", holder.name)
                } else {
                    given.users.insert(holder.name.clone());
                    holder.name.clone()
                };
                Row { user: false, arn, username, groups }
            }
            (None, None) => {
                let name = format!("retired-{number}");
                let groups = vec!["system:masters".to_owned()];
                Row { user: false, arn: account::arn("/", &name), username: name, groups }
            }
        };
        rows.push(row);
    }
    rows.truncate(count);
    if rows.is_empty() {
        return None;
    }
    let key = |user: bool| rows.iter().filter(|it| it.user == user).map(row_text).collect::<String>();
    let data = [("mapRoles", key(false)), ("mapUsers", key(true))];
    let data =
        data.into_iter().filter(|(_, text)| !text.is_empty()).map(|(key, text)| (key.to_owned(), text)).collect();
    Some(ConfigMap { metadata: metadata("aws-auth", Some("kube-system"), 1), data })
}

fn row_groups(function: Function, team: &str, dice: &mut Dice) -> Vec<String> {
    match dice.below(100) {
        0..8 => vec!["system:masters".to_owned()],
        8..30 => vec![function.group().to_owned()],
        30..90 => vec![format!("{team}-{}", function.group())],
        _ => vec![format!("{team}-{}", function.group()), function.group().to_owned()],
    }
}

fn row_text(row: &Row) -> String {
    let kind = if row.user { "userarn" } else { "rolearn" };
    let mut text = format!("- {kind}: {}\n  username: {}\n  groups:\n", row.arn, row.username);
    for group in &row.groups {
        text.push_str(&format!("  - {group}\n"));
    }
    text
}

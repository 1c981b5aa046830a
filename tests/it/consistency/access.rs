//! Who gets in, as whom, to do what: list, trace, groups, can, who-can, matrix.

use std::collections::BTreeSet;

use eksplorer::access::Mark;
use eksplorer::access::Verdict;
use eksplorer::access::identity::MappingSource;
use eksplorer::access::inventory::PrincipalRow;
use eksplorer::access::matrix::{VERBS, matrix};
use eksplorer::access::permissions::danger::Danger;
use eksplorer::access::permissions::{Grant, Permissions, Via, Who};
use eksplorer::access::trace::{Trace, trace};
use eksplorer::access::who::{Holding, WhoCan, who_can};
use eksplorer::model::principal::Asked;
use eksplorer::model::request::{Request, Target};

use super::{Dice, Ground, Suite};

pub(super) fn ask(ground: &Ground<'_>, dice: &mut Dice, suite: &mut Suite) {
    rows(ground, dice, suite);
    groups(ground, suite);
    let rows = dice.some(&ground.rows.principals, 5);
    for (number, row) in rows.into_iter().enumerate() {
        grants(ground, row, dice, suite);
        if number < 2 {
            table(ground, row, dice, suite);
        }
    }
    for _ in 0..2 {
        let request = request(ground, dice);
        holders(ground, &request, dice, suite);
    }
    holders(ground, &eksplorer::edit::diff::everything(""), dice, suite);
}

fn traced(ground: &Ground<'_>, asked: &Asked) -> Trace {
    trace(ground.engines.resolver(), ground.engines.permissions(), asked)
}

/// Rows of the panes against the trace of the principal that they mean.
fn rows(ground: &Ground<'_>, dice: &mut Dice, suite: &mut Suite) {
    for row in dice.some(&ground.rows.entries, 16) {
        let Some(principal) = &row.principal else { continue };
        let trace = traced(ground, &Asked::principal(principal.clone()));
        let source = MappingSource::AccessEntry { principal_arn: row.principal_arn.clone() };
        let decides = trace.resolution.mapping.as_ref().is_some_and(|it| it.source == source);
        suite.same("list entries ↔ trace", &row.principal_arn, row.mark == Mark::InForce, decides);
        if decides {
            let policies = trace.resolution.access_policies.clone();
            suite.same("list entries ↔ trace", &row.principal_arn, row.policies.clone(), policies);
        }
        heard(ground, &trace, suite);
    }
    for row in dice.some(&ground.rows.aws_auth, 16) {
        let Some(principal) = &row.principal else { continue };
        let trace = traced(ground, &Asked::listed(principal.clone()));
        let decides = trace.resolution.mapping.as_ref().is_some_and(|it| it.evidence == row.evidence);
        suite.same("list aws-auth ↔ trace", &row.place, row.mark == Mark::InForce, decides);
        heard(ground, &trace, suite);
    }
    for row in dice.some(&ground.rows.principals, 16) {
        let trace = traced(ground, &Asked::listed(row.principal.clone()));
        let (left, right) = (&row.resolution, &trace.resolution);
        let arn = row.principal.arn();
        suite.same("list principals ↔ trace", &arn, left.verdict, right.verdict);
        suite.same("list principals ↔ trace", &arn, &left.identity, &right.identity);
        suite.same("list principals ↔ trace", &arn, &left.mapping, &right.mapping);
    }
}

/// What a trace finds wrong, the audit finds too.
fn heard(ground: &Ground<'_>, trace: &Trace, suite: &mut Suite) {
    for finding in &trace.findings {
        let known = ground.audit.items.iter().any(|it| it.id == finding.id && it.because == finding.sentence);
        suite.holds("trace findings ↔ audit", known, || format!("{}: {finding:?}", trace.title));
    }
}

fn groups(ground: &Ground<'_>, suite: &mut Suite) {
    let permissions = ground.engines.permissions();
    for row in &ground.rows.subjects {
        let Via::Group(name) = &row.subject else { continue };
        let carriers: BTreeSet<String> = row.carriers.iter().map(|it| it.principal.arn()).collect();
        let member = |it: &&PrincipalRow| it.resolution.identity.as_ref().is_some_and(|it| it.groups.contains(name));
        let members: BTreeSet<String> =
            ground.rows.principals.iter().filter(member).map(|it| it.principal.arn()).collect();
        suite.same("trace groups ↔ list groups", name, carriers, members);
        let bound: BTreeSet<String> = row.bindings.iter().map(Grant::to_string).collect();
        let grants = permissions.grants(&Who::named("", &[name]));
        let held: BTreeSet<String> = (grants.iter().map(|it| &it.grant))
            .filter(|it| matches!(it, Grant::Binding { .. }))
            .map(Grant::to_string)
            .collect();
        suite.same("list groups ↔ grants of a member", name, bound, held);
    }
}

/// Group, resource, subresource, whether it is in namespaces.
const RESOURCES: [(&str, &str, &str, bool); 11] = [
    ("", "pods", "", true),
    ("", "secrets", "", true),
    ("", "pods", "log", true),
    ("", "pods", "exec", true),
    ("", "configmaps", "", true),
    ("apps", "deployments", "", true),
    ("batch", "jobs", "", true),
    ("shop.io", "widgets", "", true),
    ("", "nodes", "", false),
    ("", "namespaces", "", false),
    ("rbac.authorization.k8s.io", "clusterroles", "", false),
];
const ALL_VERBS: [&str; 6] = ["get", "list", "create", "update", "delete", "watch"];

/// A request of a kind that the clusters serve or a rule names.
pub(super) fn request(ground: &Ground<'_>, dice: &mut Dice) -> Request {
    let namespaces: Vec<&str> = ground.engines.permissions().namespaces().collect();
    let (group, resource, subresource, namespaced) = *dice.pick(&RESOURCES);
    let verb = match subresource {
        "exec" => "create",
        "log" => "get",
        _ => dice.pick(&ALL_VERBS),
    };
    let somewhere = namespaced && dice.roll(6) > 0 && !namespaces.is_empty();
    let namespace = if somewhere { (*dice.pick(&namespaces)).to_owned() } else { String::new() };
    let [group, resource, subresource] = [group, resource, subresource].map(str::to_owned);
    Request {
        verb: verb.to_owned(),
        target: Target::Resource { group, resource, subresource, namespace, name: String::new() },
    }
}

fn grants(ground: &Ground<'_>, row: &PrincipalRow, dice: &mut Dice, suite: &mut Suite) {
    let permissions = ground.engines.permissions();
    let who = Who::of(&row.resolution);
    let arn = row.principal.arn();
    let held: Vec<Grant> = permissions.grants(&who).into_iter().map(|it| it.grant).collect();
    for _ in 0..3 {
        let request = request(ground, dice);
        let decision = permissions.decide(&who, &request);
        let outside = row.resolution.verdict == Verdict::No;
        suite.same("trace grants ↔ can", format_args!("{arn} {request}"), outside, decision.outside.is_some());
        for by in &decision.by {
            suite.holds("trace grants ↔ can", held.contains(&by.grant), || format!("{arn} {request}: {by:?}"));
        }
    }
    let found = permissions.dangers(&who);
    for it in found.iter().filter(|it| it.names.is_none()) {
        let namespace = it.namespaces.iter().flatten().find(|it| !it.contains('*')).cloned();
        if it.namespaces.is_some() && namespace.is_none() {
            continue;
        }
        let namespace = namespace.unwrap_or_default();
        let probes = probes(it.danger, &namespace);
        if probes.is_empty() {
            continue;
        }
        let allowed = probes.iter().any(|request| permissions.decide(&who, request).verdict == Verdict::Yes);
        suite.holds("trace dangers ↔ can", allowed, || format!("{arn}: {it:?} and no request of it is allowed"));
    }
    for (danger, request) in [
        (Danger::Secrets, asking("get", "", "secrets", "", "")),
        (Danger::Exec, asking("create", "", "pods", "exec", "")),
        (Danger::Impersonate, asking("impersonate", "", "users", "", "")),
        (Danger::Token, asking("create", "", "serviceaccounts", "token", "")),
    ] {
        if permissions.decide(&who, &request).verdict == Verdict::Yes {
            let known = found.iter().any(|it| it.danger == danger || it.danger == Danger::Everything);
            // A node's own tokens and secrets are those of its pods.
            let by_node = permissions.decide(&who, &request).by.iter().all(|it| it.grant == Grant::Node);
            suite.holds("trace dangers ↔ can", known || by_node, || format!("{arn}: {request}, and {found:?}"));
        }
    }
}

fn asking(verb: &str, group: &str, resource: &str, subresource: &str, namespace: &str) -> Request {
    let [group, resource, subresource, namespace] = [group, resource, subresource, namespace].map(str::to_owned);
    Request {
        verb: verb.to_owned(),
        target: Target::Resource { group, resource, subresource, namespace, name: String::new() },
    }
}

/// The requests that a danger is about.
fn probes(danger: Danger, namespace: &str) -> Vec<Request> {
    const RBAC: &str = "rbac.authorization.k8s.io";
    let of = |verbs: &[&str], group: &str, all: &[(&str, &str)]| -> Vec<Request> {
        let each = |verb: &str| -> Vec<Request> {
            all.iter().map(|(resource, sub)| asking(verb, group, resource, sub, namespace)).collect()
        };
        verbs.iter().flat_map(|verb| each(verb)).collect()
    };
    match danger {
        Danger::Everything => vec![eksplorer::edit::diff::everything(namespace)],
        Danger::Impersonate => {
            let mut all = of(&["impersonate"], "", &[("users", ""), ("groups", ""), ("serviceaccounts", "")]);
            all.extend(of(&["impersonate"], "authentication.k8s.io", &[("uids", ""), ("userextras", "")]));
            all
        }
        Danger::Escalate => of(&["escalate"], RBAC, &[("clusterroles", ""), ("roles", "")]),
        Danger::Bind => of(&["bind"], RBAC, &[("clusterroles", ""), ("roles", "")]),
        Danger::NodesProxy => of(&["get", "create"], "", &[("nodes", "proxy")]),
        Danger::Token => of(&["create"], "", &[("serviceaccounts", "token")]),
        Danger::Secrets => of(&["get", "list", "watch"], "", &[("secrets", "")]),
        Danger::Exec => of(&["create", "get"], "", &[("pods", "exec"), ("pods", "attach")]),
        #[allow(unreachable_patterns)]
        _ => Vec::new(),
    }
}

/// The cells of an identity's table against single answers.
fn table(ground: &Ground<'_>, row: &PrincipalRow, dice: &mut Dice, suite: &mut Suite) {
    let permissions: &Permissions = ground.engines.permissions();
    let who = Who::of(&row.resolution);
    let namespaces: Vec<String> = permissions.namespaces().map(str::to_owned).chain([String::new()]).collect();
    let namespace = dice.pick(&namespaces);
    let table = matrix(permissions, &who, namespace);
    for line in dice.some(&table.rows, 6) {
        for (verb, cell) in VERBS.iter().zip(line.cells) {
            let request = table.request(line, verb, "");
            let verdict = permissions.decide(&who, &request).verdict;
            let shown = match () {
                () if cell.is_allowed() => Verdict::Yes,
                () if cell.unknown => Verdict::Unknown,
                () => Verdict::No,
            };
            suite.same("can ↔ matrix", format_args!("{} {request}", row.principal.arn()), shown, verdict);
        }
    }
}

fn holders(ground: &Ground<'_>, request: &Request, dice: &mut Dice, suite: &mut Suite) {
    let permissions = ground.engines.permissions();
    let answer = who_can(ground.facts, permissions, &ground.rows.principals, request);
    for row in dice.some(&ground.rows.principals, 16) {
        let decided = permissions.decide(&Who::of(&row.resolution), request).verdict;
        let is_it =
            |it: &Holding| matches!(it, Holding::Principal { principal, .. } if principal.key() == row.principal.key());
        let listed = answer.holders.iter().find(|it| is_it(&it.subject)).map(|it| it.verdict);
        // What was not read at all is said once, not of everybody.
        let said_once = decided == Verdict::Unknown && listed.is_none() && !answer.unknown.is_empty();
        let wanted = (decided != Verdict::No).then_some(decided);
        let about = format_args!("{} {request}", row.principal.arn()).to_string();
        suite.holds("can ↔ who-can", said_once || listed == wanted, || {
            format!("{about}: {decided:?}, listed {listed:?}")
        });
    }
    let accounts = ground.facts.service_accounts.items();
    for account in dice.some(accounts, 6) {
        let namespace = account.metadata.namespace.as_deref().unwrap_or_default();
        let who = Who::service_account(namespace, &account.metadata.name);
        let decided = permissions.decide(&who, request).verdict;
        let listed = listed_account(&answer, namespace, &account.metadata.name, &who);
        let said_once = decided == Verdict::Unknown && !answer.unknown.is_empty();
        let agree = match decided {
            Verdict::Yes => listed == Some(Verdict::Yes),
            Verdict::No => listed.is_none(),
            Verdict::Unknown => said_once || listed == Some(Verdict::Unknown),
        };
        let about = format!("{namespace}/{} {request}", account.metadata.name);
        suite.holds("can of a service account ↔ who-can", agree, || {
            format!("{about}: {decided:?}, listed {listed:?}")
        });
    }
}

/// How who-can lists a service account: by itself, or by a group that all of them are members of.
fn listed_account(answer: &WhoCan, namespace: &str, name: &str, who: &Who) -> Option<Verdict> {
    let is_it = |it: &Holding| match it {
        Holding::ServiceAccount { namespace: its, name: named, .. } => its == namespace && named == name,
        Holding::Group(group) | Holding::System(Via::Group(group)) => who.groups.contains(group),
        _ => false,
    };
    let mut all: Vec<Verdict> = answer.holders.iter().filter(|it| is_it(&it.subject)).map(|it| it.verdict).collect();
    all.sort();
    all.first().copied()
}

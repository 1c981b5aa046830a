//! The law of fixes: every fix that is proposed for a refused request, applied, allows the request, and the access that
//! the world then gives beyond what it gave is what was said; the first fix is the narrowest of those offered.
//!
//! Changes of access entries go to the lab over HTTP by the program's own client, one call for each step of the plan, and
//! what the lab then holds is asked. RBAC objects and rows of aws-auth, which the program does not write, are added to the
//! lab's world. `EKSPLORER_FIX_REQUESTS` asks about more requests.

use std::collections::BTreeSet;
use std::io::Write as _;

use eksplorer::access::Verdict;
use eksplorer::access::explain::Ground;
use eksplorer::access::explain::message::{Forbidden, Message, Reading, Sender, Speaker};
use eksplorer::access::identity::Resolver;
use eksplorer::access::inventory::inventory;
use eksplorer::access::permissions::{Permissions, Who};
use eksplorer::cloud::eks::{Eks, NewEntry};
use eksplorer::edit::diff::{Access, EVERYTHING, everything};
use eksplorer::edit::draft::Draft;
use eksplorer::edit::fix::change::RbacObject;
use eksplorer::edit::fix::{Explained, Fix};
use eksplorer::edit::plan::{Call, plan};
use eksplorer::lab::generate::{Sizes, world};
use eksplorer::lab::{Lab, Options};
use eksplorer::model::document::{Document, Manifest};
use eksplorer::model::facts::snapshot_of;
use eksplorer::model::principal::{Asked, PrincipalKind};
use eksplorer::model::request::{Request, Target};
use eksplorer::model::snapshot::{ClusterFacts, Snapshot, Source};

use crate::apply::bench::session;

const SIZES: Sizes = Sizes {
    entries: 24,
    aws_auth_rows: 16,
    roles: 40,
    users: 6,
    role_bindings: 30,
    cluster_role_bindings: 12,
    k8s_roles: 16,
    cluster_roles: 20,
    namespaces: 5,
    service_accounts: 12,
    pods: 6,
    nodes: 2,
    associations: 3,
    irsa: 3,
};

/// Group, resource, subresource, whether it is in namespaces.
const RESOURCES: [(&str, &str, &str, bool); 10] = [
    ("", "pods", "", true),
    ("", "secrets", "", true),
    ("", "pods", "log", true),
    ("", "pods", "exec", true),
    ("", "configmaps", "", true),
    ("apps", "deployments", "", true),
    ("batch", "jobs", "", true),
    ("shop.io", "widgets", "", true),
    ("", "nodes", "", false),
    ("rbac.authorization.k8s.io", "clusterroles", "", false),
];
const VERBS: [&str; 6] = ["get", "list", "create", "update", "delete", "deletecollection"];

/// A small generator of numbers: the same ones for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % sides.max(1)
    }

    fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.roll(all.len())]
    }

    fn request(&mut self, namespaces: &[String]) -> Request {
        let (group, resource, subresource, namespaced) = *self.pick(&RESOURCES);
        let verb = match subresource {
            "exec" => "create",
            "log" => "get",
            _ => self.pick(&VERBS),
        };
        let namespace = if namespaced && self.roll(8) > 0 { self.pick(namespaces).clone() } else { String::new() };
        let name = if verb == "get" && self.roll(3) == 0 { "one".to_owned() } else { String::new() };
        let [group, resource, subresource] = [group, resource, subresource].map(str::to_owned);
        Request { verb: verb.to_owned(), target: Target::Resource { group, resource, subresource, namespace, name } }
    }
}

/// What was asked about, and who asked.
struct Case {
    message: Message,
    asked: Option<Asked>,
    request: Option<Request>,
}

fn a_case(dice: &mut Dice, snapshot: &Snapshot, facts: &ClusterFacts, namespaces: &[String]) -> Option<Case> {
    let request = dice.request(namespaces);
    if dice.roll(5) == 0 {
        let account = dice.pick(facts.service_accounts.items());
        let namespace = account.metadata.namespace.as_deref().unwrap_or_default();
        let username = format!("system:serviceaccount:{namespace}:{}", account.metadata.name);
        return Some(Case { message: forbidden(username, &request), asked: None, request: Some(request) });
    }
    let rows = inventory(facts, &snapshot.iam).principals;
    let principal = dice.pick(&rows).principal.clone();
    let asked = match principal.kind {
        PrincipalKind::Role => Asked { session: Some("jane".to_owned()), ..Asked::principal(principal) },
        PrincipalKind::User => Asked::principal(principal),
        _ => return None,
    };
    let resolution = Resolver::new(facts, &snapshot.iam).resolve(&asked);
    match resolution.identity {
        Some(identity) if !identity.username.is_empty() => {
            Some(Case { message: forbidden(identity.username, &request), asked: Some(asked), request: Some(request) })
        }
        _ => Some(Case {
            message: Message::Unauthorized {
                asked: Some(Box::new(asked.clone())),
                sender: Sender::Command,
                speaker: Speaker::ApiServer,
                node: None,
            },
            asked: Some(asked),
            request: None,
        }),
    }
}

fn forbidden(username: String, request: &Request) -> Message {
    let (reason, dangling, speaker) = (String::new(), Vec::new(), Speaker::ApiServer);
    Message::Forbidden(Forbidden { username, request: request.clone(), reason, dangling, speaker })
}

/// Makes the calls of a draft, one for each step.
async fn apply(eks: &Eks, cluster: &str, draft: &Draft, tokens: &mut usize) {
    for step in plan(draft) {
        // A token that was used before would be answered as that call was.
        *tokens += 1;
        let token = format!("token-{tokens}");
        match &step.call {
            Call::CreateAccessEntry { principal_arn, kind, username, kubernetes_groups, tags } => {
                let username = username.as_deref();
                let new = NewEntry { principal_arn, kind, username, groups: kubernetes_groups, tags };
                eks.create_access_entry(cluster, new, &token).await
            }
            Call::UpdateAccessEntry { principal_arn, username, kubernetes_groups } => {
                eks.update_access_entry(cluster, principal_arn, username.as_deref(), kubernetes_groups, &token).await
            }
            Call::DeleteAccessEntry { principal_arn } => eks.delete_access_entry(cluster, principal_arn).await,
            Call::AssociateAccessPolicy { principal_arn, policy_arn, access_scope } => {
                eks.associate_access_policy(cluster, principal_arn, policy_arn, access_scope).await
            }
            // To take a fix back.
            Call::DisassociateAccessPolicy { principal_arn, policy_arn } => {
                eks.disassociate_access_policy(cluster, principal_arn, policy_arn).await
            }
            other => panic!("no fix makes the call {other:?}"),
        }
        .unwrap_or_else(|error| panic!("{step:#?}: {error:?}"));
    }
}

/// The world with what the program does not write itself.
fn with_kubernetes(document: &Document, fix: &Fix, facts: &ClusterFacts) -> Document {
    let mut document = document.clone();
    let manifests = document.clusters[0].kubernetes.get_or_insert_with(Vec::new);
    for object in &fix.change.rbac {
        manifests.push(match object.clone() {
            RbacObject::Role(it) => Manifest::Role(it),
            RbacObject::ClusterRole(it) => Manifest::ClusterRole(it),
            RbacObject::RoleBinding(it) => Manifest::RoleBinding(it),
            RbacObject::ClusterRoleBinding(it) => Manifest::ClusterRoleBinding(it),
        });
    }
    if let Some(row) = &fix.change.row {
        let (mut map, auth) = facts.aws_auth.value().cloned().flatten().unwrap_or_default();
        // Written again whole, in a form that leaves no doubt.
        let rows = auth.rows.iter().filter(|it| it.key == row.key);
        let others = rows.filter(|it| Some(it.index) != row.index && it.arn.is_some());
        let line = |arn: &str, username: &str, groups: &[String]| serde_json::json!({ row.key.arn_field(): arn, "username": username, "groups": groups });
        let mut lines: Vec<_> =
            others.map(|it| line(it.arn.as_deref().unwrap_or_default(), &it.username, &it.groups)).collect();
        lines.push(line(&row.arn, &row.username, &row.groups));
        map.data.insert(row.key.as_str().to_owned(), serde_json::to_string(&lines).unwrap());
        manifests.retain(|it| !matches!(it, Manifest::ConfigMap(map) if map.metadata.name == "aws-auth"));
        map.metadata.name = "aws-auth".to_owned();
        map.metadata.namespace = Some("kube-system".to_owned());
        manifests.push(Manifest::ConfigMap(map));
    }
    if let Some(mode) = fix.change.mode {
        let config = document.clusters[0].cluster.access_config.get_or_insert_default();
        config.authentication_mode = Some(mode);
    }
    document
}

fn who(facts: &ClusterFacts, snapshot: &Snapshot, case: &Case) -> Who {
    match (&case.asked, &case.message) {
        (Some(asked), _) => Who::of(&Resolver::new(facts, &snapshot.iam).resolve(asked)),
        (None, Message::Forbidden(it)) => Who::subject(&it.username).expect("a service account").1,
        _ => Who::default(),
    }
}

pub(crate) fn is_gained(gains: &[Access], request: &Request) -> bool {
    let namespace = request.namespace();
    gains.iter().any(|it| {
        let all = it.resources.contains(EVERYTHING) && it.verbs.contains(EVERYTHING);
        let named = it.resources.contains(&request.qualified()) && it.verbs.contains(&request.verb);
        let here = match &it.namespaces {
            None => !it.except.contains(namespace),
            Some(some) => some.contains(namespace),
        };
        (all || named) && here
    })
}

/// The requests by which the difference between two worlds is looked at: for kinds that every cluster serves, since of a
/// rule with a wildcard the difference names the wildcard.
fn cells(dice: &mut Dice, namespaces: &[String]) -> Vec<Request> {
    let mut out = Vec::new();
    while out.len() < 40 {
        let mut request = dice.request(namespaces);
        if request.what() == "widgets" {
            continue;
        }
        if let Target::Resource { name, .. } = &mut request.target {
            name.clear();
        }
        out.push(request);
    }
    out
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_proposed_fix_allows_the_request_and_gives_what_it_says() {
    let wanted: usize = std::env::var("EKSPLORER_FIX_REQUESTS").map_or(20, |it| it.parse().unwrap());
    let (mut denied, mut proved, mut applied, mut seed) = (0, 0, 0, 0);
    let mut kinds: BTreeSet<&str> = BTreeSet::new();
    let mut tokens = 0;
    while denied < wanted {
        seed += 1;
        let document = world(&SIZES, seed);
        let mut lab = Lab::start(document.clone(), Options::default()).await.unwrap();
        let snapshot = snapshot_of(&document, Source::Lab);
        let (id, facts) = snapshot.facts.iter().next().map(|(id, it)| (id.clone(), it.clone())).unwrap();
        let mut eks = session(&lab, None).await.eks(&id.region);
        let permissions = Permissions::of(&facts);
        let namespaces: Vec<String> = permissions.namespaces().map(str::to_owned).collect();
        let ground = Ground::new(&facts, &snapshot.iam, &id, None);
        let mut dice = Dice(seed);
        for _ in 0..12 {
            let Some(case) = a_case(&mut dice, &snapshot, &facts, &namespaces) else { continue };
            let reading = Reading { message: case.message.clone(), others: Vec::new() };
            let explained = Explained::new(&ground, &reading);
            if explained.explanation.verdict != Verdict::No || denied >= wanted {
                continue;
            }
            denied += 1;
            let before = who(&facts, &snapshot, &case);
            let narrow = &explained.fixes.narrow;
            let keeps = |it: &&Fix| it.loses.is_empty();
            let widths: Vec<u64> = narrow.iter().filter(keeps).map(|it| it.width).collect();
            assert!(widths.is_sorted(), "seed {seed}: {widths:?}");
            for (fix, _) in explained.fixes.all() {
                let told = format!("seed {seed}: {:?}\n{fix:#?}", case.message);
                proved += 1;
                kinds.insert(fix.kind.as_str());
                if fix.change.staged().is_some() {
                    applied += 1;
                    apply(&eks, &id.name, &fix.change.draft, &mut tokens).await;
                }
                let held = lab.watch().document();
                let mut held = with_kubernetes(&held, fix, &facts);
                if fix.change.staged().is_none() {
                    // The lab writes what it would after the mode is another; here the entries are added beside it.
                    held = with_entries(&held, fix);
                }
                let after = snapshot_of(&held, Source::Lab).settled();
                let facts_after = after.cluster(&id);
                let (permissions_after, who_after) = (Permissions::of(&facts_after), who(&facts_after, &after, &case));
                if let Some(request) = &case.request {
                    let decision = permissions_after.decide(&who_after, request);
                    assert_eq!(decision.verdict, Verdict::Yes, "{told}\n{decision:#?}");
                } else {
                    assert!(who_after.outside.is_none() && who_after.unknown.is_empty(), "{told}\n{who_after:#?}");
                }
                let all = namespaces.iter().map(|it| everything(it)).chain([everything("")]);
                for request in cells(&mut dice, &namespaces).into_iter().chain(all) {
                    let allowed = |permissions: &Permissions, who: &Who| {
                        permissions.decide(who, &request).verdict == Verdict::Yes
                    };
                    let (then, later) = (allowed(&permissions, &before), allowed(&permissions_after, &who_after));
                    assert_eq!(!then && later, !then && is_gained(&fix.gains, &request), "{request} gained\n{told}");
                    assert_eq!(then && !later, then && is_gained(&fix.loses, &request), "{request} lost\n{told}");
                }
                if let Some(draft) = fix.change.staged() {
                    apply(&eks, &id.name, &draft.inverse(), &mut tokens).await;
                    // A recreated entry is in effect from then on: nothing brings the ineffective one back.
                    if draft.changes().any(|(_, change)| change.again) {
                        lab = Lab::start(document.clone(), Options::default()).await.unwrap();
                        eks = session(&lab, None).await.eks(&id.region);
                    }
                }
            }
        }
    }
    let told = format!(
        "fixes: {denied} denied requests · {seed} worlds · {proved} fixes proved, {applied} of them applied over HTTP · \
         kinds {}",
        kinds.into_iter().collect::<Vec<_>>().join(", ")
    );
    // Past the capture of the test harness: the numbers are of interest when it passes too.
    let _ = writeln!(std::io::stdout(), "{told}");
    assert!(applied > wanted / 4, "{applied}");
}

/// The world with the access entries that a fix would create after something that the program does not do itself.
fn with_entries(document: &Document, fix: &Fix) -> Document {
    let mut document = document.clone();
    let snapshot = snapshot_of(&document, Source::Lab).settled();
    let Some((id, _)) = snapshot.facts.iter().next() else { return document };
    let facts = snapshot.cluster(id);
    let since = facts.cluster.state().clone();
    let at = match since {
        eksplorer::model::snapshot::State::Known { since } => Some(since),
        _ => None,
    };
    let projected = eksplorer::edit::project::project(&facts, &fix.change.draft, at);
    if !fix.change.draft.is_empty() {
        document.clusters[0].access_entries = Some(projected.access_entries.items().to_vec());
    }
    document
}

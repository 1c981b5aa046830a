//! The law of garbled members: whatever one member of an answer is deleted or garbled, no definite answer of this program
//! becomes another definite one. It may become "not known", and nothing else.
//!
//! A small world's real answers (a lab's for AWS, its manifests as the API server lists them for Kubernetes) are served
//! again with one member changed, and read through the real clients. What the services' own models make optional, and whose
//! absence therefore has a meaning of its own, stands in [`OPTIONAL`] with its source. Some dozens of changes are tried by
//! default, by chance from a seed; `EKSPLORER_GARBLED=all` tries all, and any other text those
//! whose name has it: `Pod metadata.namespace Gone`.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;
use std::time::Instant;

use eksplorer::access::Verdict;
use eksplorer::access::identity::Resolver;
use eksplorer::access::inventory::inventory;
use eksplorer::access::permissions::{Permissions, Who};
use eksplorer::access::posture::Standing;
use eksplorer::access::workload::Workloads;
use eksplorer::cloud::{Credentials, Endpoint, Options, Session};
use eksplorer::lab::{self, Lab};
use eksplorer::model::cluster::ClusterId;
use eksplorer::model::document::{Document, read};
use eksplorer::model::principal::Asked;
use eksplorer::model::request::{Request, Target};
use eksplorer::model::snapshot::{ClusterFacts, IamFacts, Lookup, Snapshot};
use eksplorer::run::load;
use serde_json::{Value, json};

use crate::fake::{Fake, HTML, JSON, Said};

const WORLD: &str = include_str!("garbled/world.yaml");
/// How many changes are tried unless it is said otherwise.
const TRIED: usize = 80;

/// Members that the models make optional: in whose answers, where, how changed, and what their absence means by which source.
const OPTIONAL: &[(&str, &str, &[How], &str)] = &[
    ("", "nextToken", &[How::Gone, How::Null], "EKS API Reference: null when there are no more results"),
    ("", "metadata.labels", &[How::Gone], "ObjectMeta.labels, +optional"),
    ("", "metadata.labels.*", &[How::Gone, How::Empty], "a label is any text, and may be absent"),
    ("", "metadata.annotations", &[How::Gone], "ObjectMeta.annotations, +optional"),
    ("", "metadata.annotations.*", &[How::Gone, How::Empty], "an annotation is any text, and may be absent"),
    ("", "metadata.ownerReferences", &[How::Gone], "ObjectMeta.ownerReferences, +optional"),
    ("", "metadata.ownerReferences[].controller", &[How::Gone], "OwnerReference.controller, +optional"),
    ("ConfigMap", "data", &[How::Gone], "ConfigMap.data, +optional"),
    ("ConfigMap", "data.*", &[How::Gone, How::Empty], "ConfigMap.data holds any keys with any texts"),
    ("Role", "rules", &[How::Null], "rbac/v1 Role.rules has no omitempty: Go writes an empty list as null"),
    ("ClusterRole", "rules", &[How::Null], "as of a Role"),
    ("Role", "rules[].resourceNames", &[How::Gone], "PolicyRule.resourceNames, +optional: none means all"),
    ("Role", "rules[].apiGroups[]", &[How::Empty], "PolicyRule.apiGroups: \"\" is the core group"),
    (
        "Role",
        "rules[].resourceNames[]",
        &[How::Empty],
        "the API server keeps an empty name: ValidatePolicyRule of pkg/apis/rbac/validation does not look at names",
    ),
    ("RoleBinding", "subjects[].namespace", &[How::Gone], "rbac/v1: without it, one of the binding's own namespace"),
    ("RoleBinding", "subjects", &[How::Gone], "RoleBinding.subjects, +optional: none binds nobody"),
    ("ClusterRoleBinding", "subjects", &[How::Gone], "as of a RoleBinding"),
    ("Pod", "spec.serviceAccountName", &[How::Gone], "PodSpec.serviceAccountName, +optional: mirror pods have none"),
    ("Pod", "spec.hostNetwork", &[How::Gone], "PodSpec.hostNetwork, +optional: default false"),
    ("Pod", "spec.nodeName", &[How::Gone], "PodSpec.nodeName, +optional: not scheduled"),
    ("Pod", "spec.volumes", &[How::Gone], "PodSpec.volumes, +optional"),
    ("Pod", "spec.volumes[].projected", &[How::Gone], "VolumeSource.projected, +optional"),
    ("Pod", "spec.volumes[].projected.sources", &[How::Gone], "ProjectedVolumeSource.sources, +optional"),
    ("Pod", "spec.containers[].env", &[How::Gone], "Container.env, +optional"),
    ("Pod", "spec.containers[].env[].value", &[How::Gone, How::Empty], "EnvVar.value, +optional: default \"\""),
    ("Pod", "status", &[How::Gone], "Pod.status, +optional"),
    ("Pod", "status.phase", &[How::Gone], "PodStatus.phase, +optional"),
    ("Pod", "status.conditions", &[How::Gone], "PodStatus.conditions, +optional"),
    ("NetworkPolicy", "spec.podSelector", &[How::Gone], "NetworkPolicySpec.podSelector, +optional: selects all"),
    ("NetworkPolicy", "spec.podSelector.matchLabels", &[How::Gone], "LabelSelector.matchLabels, +optional"),
    ("NetworkPolicy", "spec.podSelector.matchLabels.*", &[How::Gone, How::Empty], "LabelSelector.matchLabels is a map"),
    ("NetworkPolicy", "spec.policyTypes", &[How::Gone], "NetworkPolicySpec.policyTypes, +optional"),
    ("NetworkPolicy", "spec.egress", &[How::Gone], "NetworkPolicySpec.egress, +optional"),
    (
        "DescribeCluster",
        "cluster.encryptionConfig",
        &[How::Gone, How::Null],
        "EKS: Cluster.encryptionConfig is absent without a key",
    ),
    (
        "DescribeCluster",
        "cluster.identity",
        &[How::Gone, How::Null],
        "EKS: Cluster.identity is absent until there is an issuer",
    ),
    (
        "DescribePodIdentityAssociation",
        "association.disableSessionTags",
        &[How::Gone, How::Null],
        "EKS: off where it is not said",
    ),
    (
        "GetAccountAuthorizationDetails",
        "PermissionsBoundary",
        &[How::Gone],
        "IAM: RoleDetail.PermissionsBoundary, only where one is set",
    ),
    (
        "GetAccountAuthorizationDetails",
        "UserPolicyList",
        &[How::Gone],
        "IAM API Reference: the example's users have none without inline policies",
    ),
];

/// How a member is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    /// Deleted.
    Gone,
    /// `null`.
    Null,
    /// Of another type.
    Type,
    /// A text that is none of an enumeration's.
    Unheard,
    /// Nothing in it.
    Empty,
    /// The document ends here.
    Cut,
}

/// Texts of enumerations; any other text may be garbled into another good one, which nobody can tell.
const ENUMS: [&str; 12] = [
    "type",
    "authenticationMode",
    "status",
    "kind",
    "phase",
    "apiVersion",
    "apiGroup",
    "policyTypes[]",
    "IsTruncated",
    "IsDefaultVersion",
    "enabled",
    "endpointPublicAccess",
];

/// One change of one answer.
struct Change {
    request: String,
    operation: String,
    place: String,
    how: How,
    body: Vec<u8>,
}

fn last(place: &str) -> &str {
    place.rsplit('.').next().unwrap_or(place)
}

/// All changes of a JSON document.
fn changes_of_json(
    value: &Value,
    place: &str,
    at: &mut Vec<String>,
    root: &Value,
    out: &mut Vec<(String, How, Value)>,
) {
    let changed = |pointer: &str, to: Option<Value>| {
        let mut root = root.clone();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        let key = key.replace("~1", "/").replace("~0", "~");
        match (root.pointer_mut(parent).unwrap(), to) {
            (Value::Object(members), Some(to)) => drop(members.insert(key, to)),
            (Value::Object(members), None) => drop(members.shift_remove(&key)),
            (Value::Array(items), Some(to)) => items[key.parse::<usize>().unwrap()] = to,
            _ => return None,
        }
        Some(root)
    };
    let pointer = at.iter().map(|it| format!("/{}", it.replace('~', "~0").replace('/', "~1"))).collect::<String>();
    if !at.is_empty() {
        let mut add = |how, to| out.extend(changed(&pointer, to).map(|it| (place.to_owned(), how, it)));
        add(How::Gone, None);
        add(How::Null, Some(Value::Null));
        add(How::Type, Some(if value.is_string() { json!({"x": 1}) } else { json!("galaxy") }));
        if value.is_string() {
            add(How::Empty, Some(json!("")));
        }
        if ENUMS.contains(&last(place)) {
            add(How::Unheard, Some(json!("galaxy")));
        }
    }
    let maps = ["labels", "annotations", "data", "tags", "matchLabels", "nodeSelector"];
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let shown = if maps.contains(&last(place)) { "*" } else { name };
                let place = if place.is_empty() { shown.to_owned() } else { format!("{place}.{shown}") };
                at.push(name.clone());
                changes_of_json(value, &place, at, root, out);
                at.pop();
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                at.push(index.to_string());
                changes_of_json(value, &format!("{place}[]"), at, root, out);
                at.pop();
            }
        }
        _ => {}
    }
}

/// All changes of an XML document without attributes.
fn changes_of_xml(text: &str, out: &mut Vec<(String, How, Vec<u8>)>) {
    let mut open: Vec<(usize, usize, String)> = Vec::new();
    let mut at = 0;
    while let Some(start) = text[at..].find('<').map(|it| it + at) {
        let end = start + text[start..].find('>').unwrap();
        let tag = &text[start + 1..end];
        at = end + 1;
        if tag.starts_with('?') || tag.ends_with('/') {
            continue;
        }
        let Some(name) = tag.strip_prefix('/') else {
            let name = tag.split(' ').next().unwrap().to_owned();
            open.push((start, at, name));
            continue;
        };
        let (from, inner, opened) = open.pop().unwrap();
        assert_eq!(name, opened);
        let names: Vec<&str> = open.iter().map(|it| it.2.as_str()).chain([name]).skip(2).collect();
        let place = names.join(".").replace(".member", "[]");
        let with =
            |middle: &str, start: usize, end: usize| [&text[..start], middle, &text[end..]].concat().into_bytes();
        // An item that is not there makes another list, and a good one.
        if name != "member" {
            out.push((place.clone(), How::Gone, with("", from, at)));
        }
        let leaf = !text[inner..start].contains('<');
        if leaf {
            out.push((place.clone(), How::Type, with("<x>1</x>", inner, start)));
            out.push((place.clone(), How::Empty, with("", inner, start)));
        } else {
            out.push((place.clone(), How::Type, with("galaxy", inner, start)));
        }
        if ENUMS.contains(&last(&place)) {
            out.push((place.clone(), How::Unheard, with("galaxy", inner, start)));
        }
        out.push((place, How::Cut, text.as_bytes()[..inner].to_vec()));
    }
}

/// The API server's lists of the world's objects.
fn kubernetes_answers(document: &Document) -> BTreeMap<String, (String, Value)> {
    let mut lists: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    let mut out = BTreeMap::new();
    for manifest in document.clusters[0].kubernetes.iter().flatten() {
        let mut object = serde_json::to_value(manifest).unwrap();
        let kind = object["kind"].as_str().unwrap().to_owned();
        if kind == "ConfigMap" {
            let path = "GET /api/v1/namespaces/kube-system/configmaps/aws-auth";
            out.insert(path.to_owned(), (kind, object));
            continue;
        }
        for member in ["kind", "apiVersion"] {
            object.as_object_mut().unwrap().shift_remove(member);
        }
        let known = KINDS.iter().find(|(it, _, _)| *it == kind).unwrap();
        lists.entry(known.0).or_default().push(object);
    }
    for (kind, version, path) in KINDS {
        let items = lists.remove(kind).unwrap_or_default();
        let list = json!({"kind": format!("{kind}List"), "apiVersion": version, "metadata": {"resourceVersion": "7"},
            "items": items});
        out.insert(format!("GET {path}?limit=500"), ((*kind).to_owned(), list));
    }
    out
}

const RBAC: &str = "rbac.authorization.k8s.io/v1";
const KINDS: &[(&str, &str, &str)] = &[
    ("Namespace", "v1", "/api/v1/namespaces"),
    ("ServiceAccount", "v1", "/api/v1/serviceaccounts"),
    ("Pod", "v1", "/api/v1/pods"),
    ("Node", "v1", "/api/v1/nodes"),
    ("DaemonSet", "apps/v1", "/apis/apps/v1/namespaces/kube-system/daemonsets"),
    ("NetworkPolicy", "networking.k8s.io/v1", "/apis/networking.k8s.io/v1/networkpolicies"),
    ("Role", RBAC, "/apis/rbac.authorization.k8s.io/v1/roles"),
    ("ClusterRole", RBAC, "/apis/rbac.authorization.k8s.io/v1/clusterroles"),
    ("RoleBinding", RBAC, "/apis/rbac.authorization.k8s.io/v1/rolebindings"),
    ("ClusterRoleBinding", RBAC, "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"),
];

pub(crate) fn id() -> ClusterId {
    ClusterId { region: "eu-west-1".into(), name: "c".into() }
}

/// The fixed questions, each with its definite answer; `None` where it is not known.
pub(crate) fn answers(facts: &ClusterFacts, iam: &IamFacts) -> BTreeMap<String, Option<String>> {
    let mut out = BTreeMap::new();
    let resolver = Resolver::new(facts, iam);
    let permissions = Permissions::of(facts);
    let resource = |verb: &str, group: &str, resource: &str, namespace: &str, name: &str| Request {
        verb: verb.into(),
        target: Target::Resource {
            group: group.into(),
            resource: resource.into(),
            subresource: String::new(),
            namespace: namespace.into(),
            name: name.into(),
        },
    };
    let requests = [
        ("list pods in pay", resource("list", "", "pods", "pay", "")),
        ("delete pods in pay", resource("delete", "", "pods", "pay", "x")),
        ("delete pods in batch", resource("delete", "", "pods", "batch", "x")),
        ("update deployment api", resource("update", "apps", "deployments", "pay", "api")),
        ("delete nodes", resource("delete", "", "nodes", "", "n1")),
        ("get /metrics", Request { verb: "get".into(), target: Target::Path("/metrics".into()) }),
    ];
    let mut may = |name: &str, who: &Who| {
        for (what, request) in &requests {
            let definite = match permissions.decide(who, request).verdict {
                Verdict::Yes => Some("allowed".to_owned()),
                Verdict::No => Some("denied".to_owned()),
                Verdict::Unknown => None,
            };
            out.insert(format!("{name} may {what}"), definite);
        }
    };
    let mut maps = Vec::new();
    for name in ["role/admin", "role/team/viewer", "role/deployer", "role/node", "user/ana", "role/nobody", "role/api"]
    {
        let asked = Asked::from_arn(&format!("arn:aws:iam::111122223333:{name}")).unwrap();
        let resolution = resolver.resolve(&asked);
        may(name, &Who::of(&resolution));
        let definite = match resolution.verdict {
            Verdict::Yes => Some("maps".to_owned()),
            Verdict::No => Some("does not map".to_owned()),
            Verdict::Unknown => None,
        };
        maps.push((format!("{name} maps"), definite));
        let identity = resolution.identity.map(|it| format!("{} of {}", it.username, it.groups.join(",")));
        maps.push((format!("{name} is"), identity.filter(|_| resolution.unknown.is_empty())));
    }
    for (namespace, account) in [("batch", "plain"), ("pay", "api")] {
        may(account, &Who::service_account(namespace, account));
    }
    out.extend(maps);
    let workloads = Workloads::new(facts, iam);
    let definite = |outcome: Verdict, in_force: String, role: Option<String>| match outcome {
        Verdict::Yes => Some(format!("{in_force} {}", role.unwrap_or_default())),
        Verdict::No => Some("no".to_owned()),
        Verdict::Unknown => None,
    };
    for (namespace, name) in [("pay", "ledger"), ("pay", "api"), ("batch", "plain")] {
        // One of which nothing is known has no answer of its own.
        let answer = workloads.why_account(namespace, name);
        let answer = answer.and_then(|it| definite(it.answer.outcome, format!("{:?}", it.in_force), it.role_arn));
        out.insert(format!("new pods of {namespace}/{name}"), answer);
    }
    for (namespace, name) in [("pay", "api-1"), ("pay", "ledger-1")] {
        let answer = match workloads.pod(namespace, name) {
            Lookup::Found(pod) => {
                let why = workloads.why_pod(pod);
                definite(why.answer.outcome, format!("{:?}", why.in_force), why.role_arn)
            }
            Lookup::Absent => Some("no such pod".to_owned()),
            Lookup::Unknown(_) => None,
        };
        out.insert(format!("pod {namespace}/{name}"), answer);
    }
    for control in inventory(facts, iam).posture {
        let key = format!("control {} {}", control.id, control.subject);
        out.insert(key, Some(control.standing).filter(|it| *it != Standing::Unknown).map(|it| it.to_string()));
    }
    out
}

/// Stands for the API server's address in what is recorded.
pub(crate) const RECORDED_AT: &str = "http://recorded.invalid";

/// What the world's services answer to a whole load, by request.
pub(crate) async fn recorded() -> BTreeMap<String, Said> {
    let (said, _) = record().await;
    said
}

async fn record() -> (BTreeMap<String, Said>, Options) {
    let document = read(WORLD).unwrap();
    let lab = Lab::start(document.clone(), lab::Options::default()).await.unwrap();
    let fake = Fake::start(|_| Said(500, JSON, Vec::new())).await;
    let lab::Credentials { access_key_id, secret_access_key, session_token } = lab.credentials();
    let options = Options {
        regions: vec!["eu-west-1".into()],
        attempts: 1,
        endpoint: Some(Endpoint {
            url: fake.url.clone(),
            credentials: Credentials { access_key_id, secret_access_key, session_token },
        }),
        ..Options::default()
    };
    let session = Session::open(options.clone(), None).await.unwrap();
    fake.record(lab.endpoint());
    load::snapshot(&session, vec![id()]).await;
    let mut said = fake.recorded();
    for (request, Said(status, _, body)) in &mut said {
        assert_eq!(*status, 200, "{request}");
        if request == "GET /clusters/c" {
            let mut value: Value = serde_json::from_slice(body).unwrap();
            value["cluster"]["endpoint"] = json!(RECORDED_AT);
            *body = value.to_string().into_bytes();
        }
    }
    for (request, (_, value)) in kubernetes_answers(&document) {
        said.insert(request, Said(200, JSON, value.to_string().into_bytes()));
    }
    (said, options)
}

struct Bench {
    fake: Fake,
    said: Arc<BTreeMap<String, Said>>,
    session: Session,
    whole: Snapshot,
}

impl Bench {
    async fn start() -> (Bench, Vec<Change>) {
        let document = read(WORLD).unwrap();
        let (mut said, mut options) = record().await;
        let fake = Fake::start(|_| Said(500, JSON, Vec::new())).await;
        if let Some(endpoint) = &mut options.endpoint {
            endpoint.url.clone_from(&fake.url);
        }
        let mut changes = Vec::new();
        let kubernetes = kubernetes_answers(&document);
        for (request, Said(_, _, body)) in &mut said {
            if kubernetes.contains_key(request) {
                continue;
            }
            *body = String::from_utf8_lossy(body).replace(RECORDED_AT, &fake.url).into_bytes();
            let mut add = |place: String, how, body| {
                let operation = operation_of(request);
                changes.push(Change { request: request.clone(), operation, place, how, body });
            };
            if body.starts_with(b"<") {
                let mut found = Vec::new();
                changes_of_xml(std::str::from_utf8(body).unwrap(), &mut found);
                found.into_iter().for_each(|(place, how, body)| add(place, how, body));
            } else {
                let (value, mut found): (Value, _) = (serde_json::from_slice(body).unwrap(), Vec::new());
                changes_of_json(&value, "", &mut Vec::new(), &value, &mut found);
                for (place, how, value) in found {
                    add(place, how, value.to_string().into_bytes());
                }
            }
        }
        for (request, (kind, value)) in kubernetes {
            let mut found = Vec::new();
            changes_of_json(&value, "", &mut Vec::new(), &value, &mut found);
            for (place, how, value) in found {
                // A list's item is an object of its kind.
                let place = place.strip_prefix("items[].").unwrap_or(&place).to_owned();
                let body = value.to_string().into_bytes();
                changes.push(Change { request: request.clone(), operation: kind.clone(), place, how, body });
            }
        }
        // What is deleted from a list is a list again.
        changes.retain(|it| it.how != How::Gone || !it.place.ends_with("[]"));
        let session = Session::open(options, None).await.unwrap();
        let mut bench = Bench { fake, said: Arc::new(said), session, whole: Snapshot::default() };
        bench.serve(None);
        bench.session.account().await.unwrap();
        bench.whole = load::snapshot(&bench.session, vec![id()]).await.settled();
        (bench, changes)
    }

    fn serve(&self, change: Option<&Change>) {
        let said = Arc::clone(&self.said);
        let changed = change.map(|it| (it.request.clone(), it.body.clone()));
        self.fake.answer(move |request| {
            let Some(Said(status, kind, body)) = said.get(request) else {
                return Said(404, HTML, b"<html>no such page</html>".to_vec());
            };
            match &changed {
                Some((of, body)) if of == request => Said(*status, kind, body.clone()),
                _ => Said(*status, kind, body.clone()),
            }
        });
    }

    /// The facts with one answer changed; only the half that the answer belongs to is read again.
    async fn with(&self, change: &Change) -> (Arc<ClusterFacts>, Arc<IamFacts>) {
        self.serve(Some(change));
        let whole = (self.whole.cluster(&id()), Arc::clone(&self.whole.iam));
        if change.request.starts_with("POST / ") {
            let mut read = load::collect(|tx| load::iam(&self.session, tx)).await;
            let account = self.whole.iam.account.clone();
            Arc::make_mut(&mut read.iam).account = account;
            (whole.0, read.settled().iam)
        } else {
            let read = load::collect(|tx| load::cluster(&self.session, id(), tx)).await.settled();
            (read.cluster(&id()), whole.1)
        }
    }
}

fn operation_of(request: &str) -> String {
    if let Some((_, rest)) = request.split_once("Action=") {
        return rest.split('&').next().unwrap().to_owned();
    }
    let path = request.split([' ', '?']).nth(1).unwrap();
    let parts: Vec<&str> = path.split('/').skip(3).collect();
    match parts[..] {
        [] if path == "/clusters" => "ListClusters".to_owned(),
        [] => "DescribeCluster".to_owned(),
        ["access-entries", _] => "DescribeAccessEntry".to_owned(),
        ["access-entries", _, _] => "ListAssociatedAccessPolicies".to_owned(),
        ["pod-identity-associations", _] => "DescribePodIdentityAssociation".to_owned(),
        _ => parts.join("/"),
    }
}

fn is_optional(change: &Change) -> bool {
    OPTIONAL.iter().any(|(operation, place, hows, _)| {
        let here = change.place == *place
            || change.place.ends_with(&format!(".{place}"))
            || change.place.ends_with(&format!("].{place}"));
        (operation.is_empty() || *operation == change.operation) && here && hows.contains(&change.how)
    })
}

/// SplitMix64.
fn chance(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_definite_answer_becomes_another_by_one_garbled_member() {
    let (bench, changes) = Bench::start().await;
    let whole = answers(&bench.whole.cluster(&id()), &bench.whole.iam);
    let definite = whole.values().flatten().count();
    assert!(definite * 4 > whole.len() * 3, "most answers are definite: {whole:#?}");
    let types: std::collections::BTreeSet<&str> = changes.iter().map(|it| it.operation.as_str()).collect();
    let wanted = std::env::var("EKSPLORER_GARBLED").ok();
    let mut state = std::env::var("EKSPLORER_GARBLED_SEED").ok().and_then(|it| it.parse().ok()).unwrap_or(7);
    let mut chosen: Vec<&Change> = changes.iter().collect();
    if let Some(part) = &wanted {
        let name = |it: &Change| format!("{} {} {:?}", it.operation, it.place, it.how);
        chosen.retain(|it| part == "all" || name(it).contains(part));
    } else {
        for at in 0..chosen.len() {
            let other = at + (chance(&mut state) % (chosen.len() - at) as u64) as usize;
            chosen.swap(at, other);
        }
        chosen.truncate(TRIED);
    }
    let began = Instant::now();
    let (mut flips, mut meant) = (Vec::new(), 0);
    for change in &chosen {
        let (facts, iam) = bench.with(change).await;
        let now = answers(&facts, &iam);
        let turned: Vec<String> = whole
            .iter()
            .filter_map(|(question, before)| {
                let (before, after) = (before.as_ref()?, now.get(question)?.as_ref()?);
                (before != after).then(|| format!("{question}: {before} → {after}"))
            })
            .collect();
        if turned.is_empty() {
            continue;
        }
        let Change { operation, place, how, .. } = change;
        if is_optional(change) {
            meant += 1;
        } else {
            flips.push(format!("{operation} {place} {how:?}: {}", turned.join("; ")));
        }
    }
    let line = format!(
        "garbled members: {} of {} changes of {} wire types tried in {:.1} s, {} questions, definite verdicts that flipped to \
         another definite verdict: {} (and {meant} by members that the models make optional)",
        chosen.len(),
        changes.len(),
        types.len(),
        began.elapsed().as_secs_f32(),
        whole.len(),
        flips.len()
    );
    // The macros that print are captured where a test passes.
    let _ = std::io::stderr().write_all(format!("{line}\n").as_bytes());
    assert!(flips.is_empty(), "{} flips:\n{}", flips.len(), flips.join("\n"));
}

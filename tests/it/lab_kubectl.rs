//! kubectl on the lab: what a person types every day, and what is printed. Where kubectl is not installed, the tests say so
//! and are left out.

use std::io::{BufRead as _, BufReader, Lines};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::SystemTime;

use aws_sigv4::http_request::{
    PayloadChecksumKind, SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign,
};
use aws_sigv4::sign::v4;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use eksplorer::lab::{Credentials, Faults, Lab, Options};
use eksplorer::model::document::{Document, read};
use futures::stream::{self, StreamExt as _};
use serde_json::{Value, json};

use crate::lab::{Scratch, have, run, start};

const WORLD: &str = r#"
eksplorer: 1
region: eu-west-1
caller: {Account: "111122223333", Arn: "arn:aws:sts::111122223333:assumed-role/admin/kim", UserId: "AROAADMIN:kim"}
clusters:
- cluster: {name: main, version: "1.34", accessConfig: {authenticationMode: API}}
  accessEntries: &entries
  - principalArn: arn:aws:iam::111122223333:role/admin
    associatedAccessPolicies:
    - {policyArn: "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy", accessScope: {type: cluster}}
  kubernetes:
  - {kind: Namespace, metadata: {name: shop, creationTimestamp: "2020-01-01T00:00:00Z", labels: {team: blue}}}
  - {kind: Namespace, metadata: {name: kube-node-lease}}
  - {kind: Namespace, metadata: {name: kube-system}}
  - kind: Node
    metadata: {name: ip-10-0-1-2.eu-west-1.compute.internal, labels: {kubernetes.io/os: linux, node-role.kubernetes.io/worker: ""}}
  - {kind: ServiceAccount, metadata: {name: web, namespace: shop}}
  - {kind: ConfigMap, metadata: {name: aws-auth, namespace: kube-system}, data: {mapRoles: "[]", mapUsers: "[]"}}
  - {kind: DaemonSet, metadata: {name: aws-node, namespace: kube-system}, status: {desiredNumberScheduled: 2, currentNumberScheduled: 2, numberReady: 1}}
  - kind: Pod
    metadata: {name: web-1, namespace: shop, labels: {app: web}}
    spec: {serviceAccountName: web, nodeName: ip-10-0-1-2.eu-west-1.compute.internal, containers: [{name: web, image: "web:1"}]}
    status: {phase: Running, conditions: [{type: Ready, status: "True"}]}
  - kind: Pod
    metadata: {name: web-2, namespace: shop, labels: {app: web}}
    spec: {containers: [{name: web}, {name: proxy}]}
    status: {phase: Running, conditions: [{type: Ready, status: "False"}]}
  - {kind: Pod, metadata: {name: job-1, namespace: shop}, spec: {containers: [{name: job}]}, status: {phase: Succeeded}}
  - {kind: NetworkPolicy, metadata: {name: closed, namespace: shop}, spec: {podSelector: {matchLabels: {app: web}}}}
  - kind: ClusterRole
    metadata: {name: viewer, creationTimestamp: "2024-02-03T04:05:06Z"}
    rules: [{apiGroups: [""], resources: [pods], verbs: [get, list, watch]}]
  - kind: ClusterRole
    metadata: {name: granter}
    rules: [{apiGroups: [rbac.authorization.k8s.io], resources: [roles, rolebindings], verbs: [create]}]
  - kind: RoleBinding
    metadata: {name: viewers, namespace: shop}
    roleRef: {kind: ClusterRole, name: viewer}
    subjects: [{kind: Group, name: devs}, {kind: User, name: ann}, {kind: ServiceAccount, name: web, namespace: shop}]
  - kind: ClusterRoleBinding
    metadata: {name: granters}
    roleRef: {kind: ClusterRole, name: granter}
    subjects: [{kind: User, name: ann}]
- cluster: {name: custom, version: "1.34", accessConfig: {authenticationMode: API}}
  accessEntries: *entries
  apiResources:
  - {group: "", version: v1, plural: pods, singular: pod, kind: Pod, namespaced: true, verbs: [get, list, watch]}
  - {group: apiextensions.k8s.io, version: v1, plural: customresourcedefinitions, kind: CustomResourceDefinition, namespaced: false, shortNames: [crd, crds], verbs: [get, list, watch]}
  - {group: shop.io, version: v1, plural: widgets, singular: widget, kind: Widget, namespaced: true, shortNames: [wd], verbs: [get, list, watch], subresources: {status: [get]}}
iam: {RoleDetailList: [{RoleName: admin, RoleId: AROAADMIN, Arn: "arn:aws:iam::111122223333:role/admin"}]}
"#;

fn world() -> Document {
    read(WORLD).unwrap()
}

/// A token of EKS, as `aws eks get-token` makes it.
fn token(credentials: &Credentials, cluster: &str) -> String {
    let url = "https://sts.eu-west-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15";
    let identity = aws_credential_types::Credentials::new(
        credentials.access_key_id.clone(),
        credentials.secret_access_key.clone(),
        credentials.session_token.clone(),
        None,
        "test",
    )
    .into();
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(std::time::Duration::from_secs(60));
    settings.payload_checksum_kind = PayloadChecksumKind::NoHeader;
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region("eu-west-1")
        .name("sts")
        .time(SystemTime::now())
        .settings(settings)
        .build()
        .unwrap()
        .into();
    let headers = [("x-k8s-aws-id", cluster)].into_iter();
    let signable = SignableRequest::new("GET", url, headers, SignableBody::Bytes(b"")).unwrap();
    let (instructions, _) = sign(signable, &parameters).unwrap().into_parts();
    let mut request = http::Request::get(url).body(()).unwrap();
    instructions.apply_to_request_http1x(&mut request);
    format!("k8s-aws-v1.{}", URL_SAFE_NO_PAD.encode(request.uri().to_string()))
}

/// kubectl, pointed at a lab. It needs no `aws`: the token is in the kubeconfig.
struct Kubectl {
    scratch: Scratch,
    faults: Faults,
    _lab: Lab,
}

impl Kubectl {
    /// `None` where kubectl is not installed.
    async fn new(test: &str) -> Option<Kubectl> {
        if !have("kubectl", &["version", "--client"]) {
            return None;
        }
        let faults = Faults::default();
        let lab = start(world(), Options { faults: faults.clone(), ..Options::default() }).await;
        let mut config: Value = serde_json::from_str(&lab.kubeconfig()).unwrap();
        for user in config["users"].as_array_mut().unwrap() {
            let cluster = user["name"].as_str().unwrap().to_owned();
            user["user"] = json!({ "token": token(&lab.credentials(), &cluster) });
        }
        let scratch = Scratch::new(test);
        std::fs::write(scratch.0.join("kubeconfig"), config.to_string()).unwrap();
        Some(Kubectl { scratch, faults, _lab: lab })
    }

    /// The words of a line are parted by spaces, without any quotes.
    fn command(&self, line: &str) -> Command {
        let mut command = Command::new("kubectl");
        let own = |word: &str| word.replace("SCRATCH", &self.scratch.0.display().to_string());
        command.args(line.split_whitespace().map(own)).stdin(Stdio::null());
        command.env("KUBECONFIG", self.path("kubeconfig")).env("KUBECACHEDIR", self.path("cache"));
        command.env("HOME", &self.scratch.0);
        command
    }

    fn path(&self, name: &str) -> PathBuf {
        self.scratch.0.join(name)
    }

    /// The exit status of a line and all that it printed, standard output first.
    async fn call(&self, line: &str) -> (i32, Vec<String>) {
        let out = run(self.command(line)).await;
        let text = [out.stdout, out.stderr].concat();
        let lines = String::from_utf8_lossy(&text).lines().map(squeezed).filter(|it| !it.is_empty()).collect();
        (out.status.code().unwrap(), lines)
    }

    /// What is wrong with a row's answer; empty if nothing is.
    async fn differences(&self, row: &Row) -> String {
        let (exit, lines) = self.call(row.line).await;
        let is_as_expected = exit == row.exit
            && match row.expected {
                Expected::Whole(expected) => {
                    lines.len() == expected.len() && lines.iter().zip(expected).all(|(line, it)| fits(line, it))
                }
                Expected::Among(expected) => {
                    let mut rest = lines.iter();
                    expected.iter().all(|it| rest.any(|line| fits(line, it)))
                }
            };
        if is_as_expected {
            String::new()
        } else {
            format!(
                "kubectl {}\nexit {exit}, wanted {}; wanted {:#?}\n{}\n\n",
                row.line,
                row.exit,
                row.expected,
                lines.join("\n")
            )
        }
    }

    /// A line that goes on, and what it prints.
    fn spawn(&self, line: &str) -> Running {
        let mut child = self.command(line).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Running { child, lines: Some(lines) }
    }
}

/// A command that goes on.
struct Running {
    child: Child,
    lines: Option<Lines<BufReader<ChildStdout>>>,
}

impl Running {
    /// The next line; empty at the end.
    async fn next_line(&mut self) -> String {
        let mut lines = self.lines.take().unwrap();
        let (lines, line) = tokio::task::spawn_blocking(move || {
            let line = lines.next().map(Result::unwrap).unwrap_or_default();
            (lines, line)
        })
        .await
        .unwrap();
        self.lines = Some(lines);
        squeezed(&line)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn squeezed(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Word by word; `*` is any word.
fn fits(line: &str, expected: &str) -> bool {
    let (words, wanted): (Vec<&str>, Vec<&str>) = (line.split(' ').collect(), expected.split(' ').collect());
    words.len() == wanted.len() && words.iter().zip(wanted).all(|(word, it)| it == "*" || *word == it)
}

#[derive(Debug)]
enum Expected {
    /// All lines.
    Whole(&'static [&'static str]),
    /// These are among them, in this order.
    Among(&'static [&'static str]),
}

struct Row {
    line: &'static str,
    exit: i32,
    expected: Expected,
}

const fn whole(line: &'static str, exit: i32, expected: &'static [&'static str]) -> Row {
    Row { line, exit, expected: Expected::Whole(expected) }
}

const fn among(line: &'static str, exit: i32, expected: &'static [&'static str]) -> Row {
    Row { line, exit, expected: Expected::Among(expected) }
}

const READS: &[Row] = &[
    whole(
        "get pods -n shop",
        0,
        &[
            "NAME READY STATUS RESTARTS AGE",
            "web-1 1/1 Running 0 <unknown>",
            "web-2 0/2 Running 0 <unknown>",
            "job-1 0/1 Completed 0 <unknown>",
        ],
    ),
    among(
        "get po -A -o wide --show-labels",
        0,
        &[
            "NAMESPACE NAME READY STATUS RESTARTS AGE IP NODE NOMINATED NODE READINESS GATES LABELS",
            "shop web-1 1/1 Running 0 <unknown> <none> ip-10-0-1-2.eu-west-1.compute.internal <none> <none> app=web",
        ],
    ),
    whole("get pods -n shop -l app=web --field-selector metadata.name!=web-1 -o name", 0, &["pod/web-2"]),
    whole("get pods -n shop --chunk-size=1 -o name", 0, &["pod/web-1", "pod/web-2", "pod/job-1"]),
    whole("get pod none -n shop", 1, &["Error from server (NotFound): pods \"none\" not found"]),
    whole("get deploy -n shop", 0, &["No resources found in shop namespace."]),
    whole(
        "get nodes -o wide",
        0,
        &[
            "NAME STATUS ROLES AGE VERSION INTERNAL-IP EXTERNAL-IP OS-IMAGE KERNEL-VERSION CONTAINER-RUNTIME",
            "ip-10-0-1-2.eu-west-1.compute.internal Ready worker <unknown> v1.34.0-eks-1ab0000 10.0.1.2 <none> <unknown> <unknown> <unknown>",
        ],
    ),
    whole("get ns shop", 0, &["NAME STATUS AGE", "shop Active *"]),
    whole("get sa -n shop", 0, &["NAME SECRETS AGE", "web 0 <unknown>"]),
    whole("get cm -n kube-system", 0, &["NAME DATA AGE", "aws-auth 2 <unknown>"]),
    whole(
        "get ds -n kube-system",
        0,
        &["NAME DESIRED CURRENT READY UP-TO-DATE AVAILABLE NODE SELECTOR AGE", "aws-node 2 2 1 2 1 <none> <unknown>"],
    ),
    whole("get netpol -n shop", 0, &["NAME POD-SELECTOR AGE", "closed app=web <unknown>"]),
    whole("get clusterrole viewer", 0, &["NAME CREATED AT", "viewer 2024-02-03T04:05:06Z"]),
    whole(
        "get rolebindings -n shop -o wide",
        0,
        &["NAME ROLE AGE USERS GROUPS SERVICEACCOUNTS", "viewers ClusterRole/viewer <unknown> ann devs shop/web"],
    ),
    whole("get clusterrolebindings", 0, &["NAME ROLE AGE", "granters ClusterRole/granter <unknown>"]),
    whole(
        "get leases -n kube-node-lease",
        0,
        &["NAME HOLDER AGE", "ip-10-0-1-2.eu-west-1.compute.internal ip-10-0-1-2.eu-west-1.compute.internal <unknown>"],
    ),
    among(
        "get all -A",
        0,
        &["shop pod/job-1 0/1 Completed 0 <unknown>", "kube-system daemonset.apps/aws-node 2 2 1 2 1 <none> <unknown>"],
    ),
    whole("get secrets -A", 0, &["No resources found"]),
    among(
        "api-resources --api-group=rbac.authorization.k8s.io -o wide",
        0,
        &[
            "NAME SHORTNAMES APIVERSION NAMESPACED KIND VERBS CATEGORIES",
            "roles rbac.authorization.k8s.io/v1 true Role create,delete,deletecollection,get,list,patch,update,watch",
        ],
    ),
    whole(
        "api-resources --categories=all --namespaced -o name",
        0,
        &[
            "pods",
            "replicationcontrollers",
            "services",
            "daemonsets.apps",
            "deployments.apps",
            "replicasets.apps",
            "statefulsets.apps",
            "horizontalpodautoscalers.autoscaling",
            "cronjobs.batch",
            "jobs.batch",
        ],
    ),
    among(
        "explain pod.spec.serviceAccountName",
        0,
        &["KIND: Pod", "VERSION: v1", "FIELD: serviceAccountName <string>"],
    ),
    among(
        "explain clusterrolebinding.roleRef",
        0,
        &["GROUP: rbac.authorization.k8s.io", "FIELD: roleRef <RoleRef>", "name <string> -required-"],
    ),
    among("explain pod --recursive", 0, &["spec <PodSpec>", "containers <[]Container> -required-", "env <[]EnvVar>"]),
    among("explain widgets --context custom", 0, &["GROUP: shop.io", "KIND: Widget", "metadata <ObjectMeta>"]),
    whole("get crd --context custom", 0, &["NAME CREATED AT", "widgets.shop.io <unknown>"]),
    whole(
        "wait --for=condition=Established crd/widgets.shop.io --context custom",
        0,
        &["customresourcedefinition.apiextensions.k8s.io/widgets.shop.io condition met"],
    ),
    whole("get wd -n shop --context custom", 0, &["No resources found in shop namespace."]),
    among(
        "auth whoami",
        0,
        &["Username arn:aws:sts::111122223333:assumed-role/admin/kim", "Groups [system:authenticated]"],
    ),
    among(
        "auth can-i --list -n shop --as ann",
        0,
        &[
            "Resources Non-Resource URLs Resource Names Verbs",
            "selfsubjectreviews.authentication.k8s.io [] [] [create]",
            "pods [] [] [get list watch]",
            "[/api/*] [] [get]",
            "Warning: the list may be incomplete: webhook authorizer does not support user rule resolution",
        ],
    ),
    among("auth can-i --list --as root --as-group system:masters", 0, &["*.* [] [] [*]", "[*] [] [*]"]),
    whole("auth can-i list pods -n shop --as system:serviceaccount:shop:web", 0, &["yes"]),
    whole("auth can-i list pods -n kube-system --as system:serviceaccount:shop:web", 1, &["no"]),
    whole(
        "get nodes --as ann",
        1,
        &[
            "Error from server (Forbidden): nodes is forbidden: User \"ann\" cannot list resource \"nodes\" in API group \"\" at the cluster scope",
        ],
    ),
    whole("wait --for=condition=Ready pod/web-1 -n shop", 0, &["pod/web-1 condition met"]),
    whole("wait --for=jsonpath={.status.phase}=Succeeded pod/job-1 -n shop", 0, &["pod/job-1 condition met"]),
    among(
        "describe pod web-1 -n shop",
        0,
        &[
            "Service Account: web",
            "Labels: app=web",
            "Status: Running",
            "Image: web:1",
            "State: Running",
            "Ready: True",
            "Restart Count: 0",
        ],
    ),
    among(
        "describe node",
        0,
        &[
            "HolderIdentity: ip-10-0-1-2.eu-west-1.compute.internal",
            "Ready True * * * * * * * * * * * * KubeletReady",
            "InternalIP: 10.0.1.2",
            "Kubelet Version: v1.34.0-eks-1ab0000",
        ],
    ),
    among(
        "describe rolebinding viewers -n shop",
        0,
        &["Kind: ClusterRole", "Name: viewer", "Group devs", "ServiceAccount web shop"],
    ),
    whole(
        "get --raw /api/v1/pods?watch=1&sendInitialEvents=true",
        1,
        &["Error from server (BadRequest): sendInitialEvents requires resourceVersionMatch=NotOlderThan"],
    ),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_there_is_read_as_from_any_cluster() {
    let Some(kubectl) = Kubectl::new("kubectl-reads").await else { return };
    // Whoever discovers first fills the cache for the others.
    kubectl.call("api-resources").await;
    let differences: Vec<String> =
        stream::iter(READS).map(|row| kubectl.differences(row)).buffer_unordered(4).collect().await;
    assert!(differences.concat().is_empty(), "{}", differences.concat());
}

/// One after the other: each finds what those before it left.
const WRITES: &[Row] = &[
    whole("create ns fresh", 0, &["namespace/fresh created"]),
    whole("create sa bot -n fresh", 0, &["serviceaccount/bot created"]),
    whole(
        "create sa bot -n fresh",
        1,
        &["error: failed to create serviceaccount: serviceaccounts \"bot\" already exists"],
    ),
    whole("create sa bot -n none", 1, &["error: failed to create serviceaccount: namespaces \"none\" not found"]),
    whole("auth can-i list pods -n fresh --as system:serviceaccount:fresh:bot", 1, &["no"]),
    whole(
        "create role reader --verb=list --resource=pods -n fresh",
        0,
        &["role.rbac.authorization.k8s.io/reader created"],
    ),
    whole(
        "create rolebinding rb --role=reader --serviceaccount=fresh:bot -n fresh",
        0,
        &["rolebinding.rbac.authorization.k8s.io/rb created"],
    ),
    whole("auth can-i list pods -n fresh --as system:serviceaccount:fresh:bot", 0, &["yes"]),
    among(
        "create role more --verb=get --resource=secrets -n shop --as ann",
        1,
        &[
            "Error from server (Forbidden): roles.rbac.authorization.k8s.io \"more\" is forbidden: user \"ann\" (groups=[\"system:authenticated\"]) is attempting to grant RBAC permissions not currently held:",
            "{APIGroups:[\"\"], Resources:[\"secrets\"], Verbs:[\"get\"]}",
        ],
    ),
    whole(
        "create role same --verb=get --resource=pods -n shop --as ann",
        0,
        &["role.rbac.authorization.k8s.io/same created"],
    ),
    whole("create configmap c --from-literal=k=v -n fresh", 0, &["configmap/c created"]),
    whole("label ns fresh team=red", 0, &["namespace/fresh labeled"]),
    whole("get ns -l team=red -o name", 0, &["namespace/fresh"]),
    whole(
        "annotate sa bot -n fresh eks.amazonaws.com/role-arn=arn:aws:iam::111122223333:role/x",
        0,
        &["serviceaccount/bot annotated"],
    ),
    whole(
        "patch cm c -n fresh --type=json -p [{\"op\":\"add\",\"path\":\"/data/n\",\"value\":\"1\"}]",
        0,
        &["configmap/c patched"],
    ),
    whole("patch cm c -n fresh -p {\"data\":{\"k\":\"w\"}}", 0, &["configmap/c patched"]),
    whole("get cm c -n fresh -o jsonpath={.data}", 0, &["{\"k\":\"w\",\"n\":\"1\"}"]),
    whole("delete pod web-2 -n shop --dry-run=server", 0, &["pod \"web-2\" deleted (server dry run)"]),
    whole("delete pod web-2 -n shop", 0, &["pod \"web-2\" deleted"]),
    whole("get pods -n shop -o name", 0, &["pod/web-1", "pod/job-1"]),
    whole("delete rolebinding viewers -n shop", 0, &["rolebinding.rbac.authorization.k8s.io \"viewers\" deleted"]),
    whole("auth can-i list pods -n shop --as ann", 1, &["no"]),
    whole(
        "create deploy d --image=i -n fresh",
        1,
        &["error: failed to create deployment: the lab keeps no deployments.apps, so none can be written"],
    ),
    whole("delete ns fresh", 0, &["namespace \"fresh\" deleted"]),
    whole("get sa,cm,roles,rolebindings -n fresh", 0, &["No resources found in fresh namespace."]),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_written_is_there_for_everyone() {
    let Some(kubectl) = Kubectl::new("kubectl-writes").await else { return };
    let role = r#"{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "applied", "namespace": "fresh"},
        "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]}"#;
    std::fs::write(kubectl.path("reader.yaml"), role).unwrap();
    let mut differences = String::new();
    for row in WRITES {
        differences += &kubectl.differences(row).await;
    }
    assert!(differences.is_empty(), "{differences}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_shows_what_happens_and_a_wait_ends_when_it_has() {
    let Some(kubectl) = Kubectl::new("kubectl-watches").await else { return };
    kubectl.faults.add("watch/pods=hold".parse().unwrap());
    let mut watch = kubectl.spawn("get pods -n shop -l app=web --watch --output-watch-events");
    for expected in [
        "EVENT NAME READY STATUS RESTARTS AGE",
        "ADDED web-1 1/1 Running 0 <unknown>",
        "ADDED web-2 0/2 Running 0 <unknown>",
    ] {
        assert_eq!(watch.next_line().await, expected);
    }
    kubectl.faults.held().await.release();
    let mut wait = kubectl.spawn("wait --for=delete pod/web-1 -n shop");
    kubectl.faults.held().await.release();

    for (line, expected) in [
        ("annotate pod web-1 -n shop seen=yes", "MODIFIED web-1 1/1 Running 0 <unknown>"),
        // It is out of sight for who selects by the label, and comes into sight again.
        ("label pod web-2 -n shop app=other --overwrite", "DELETED web-2 0/2 Running 0 <unknown>"),
        ("label pod web-2 -n shop app=web --overwrite", "ADDED web-2 0/2 Running 0 <unknown>"),
        ("delete pod web-1 -n shop --wait=false", "DELETED web-1 1/1 Running 0 <unknown>"),
    ] {
        let (exit, said) = kubectl.call(line).await;
        assert_eq!(exit, 0, "{said:?}");
        assert_eq!(watch.next_line().await, expected);
    }
    assert_eq!(wait.next_line().await, "pod/web-1 condition met");
    assert!(wait.child.wait().unwrap().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_begins_where_it_is_told_and_says_how_far_it_is() {
    let Some(kubectl) = Kubectl::new("kubectl-bookmarks").await else { return };
    let watch = async |parameters: &str| {
        let path = format!("/api/v1/namespaces/shop/pods?watch=1&allowWatchBookmarks=1&timeoutSeconds=1{parameters}");
        let (exit, lines) = kubectl.call(&format!("get --raw {path}")).await;
        assert_eq!(exit, 0, "{lines:?}");
        let event = |line: &String| {
            let event: Value = serde_json::from_str(line).unwrap();
            let metadata = &event["object"]["metadata"];
            let name = metadata["name"].as_str().unwrap_or_default();
            let version = metadata["resourceVersion"].as_str().unwrap_or_default();
            let is_end = !metadata["annotations"]["k8s.io/initial-events-end"].is_null();
            format!("{} {name} {version} {is_end}", event["type"].as_str().unwrap())
        };
        lines.iter().map(event).collect::<Vec<_>>()
    };
    let (exit, said) = kubectl.call("delete pod web-1 -n shop --wait=false").await;
    assert_eq!(exit, 0, "{said:?}");
    let initial = "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan";
    let (from_start, initial, now) =
        tokio::join!(watch("&resourceVersion=1"), watch(initial), watch("&resourceVersion=2"));
    assert_eq!(from_start, ["DELETED web-1 2 false", "BOOKMARK  2 false"]);
    assert_eq!(initial, ["ADDED web-2 1 false", "ADDED job-1 1 false", "BOOKMARK  2 true", "BOOKMARK  2 false"]);
    assert_eq!(now, ["BOOKMARK  2 false"]);
}

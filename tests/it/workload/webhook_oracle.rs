//! The pod identity webhook as an oracle: 900 pods as they were written, as the real webhook stored them, and as it would
//! store them today; every one read back with `why-pod`, and every service account with `why-sa`.
//!
//! `tests/worlds/webhook-stored.jsonl.gz` holds the answers of aws/amazon-eks-pod-identity-webhook (`pkg/handler`): a line is a
//! namespace with its service accounts and associations before (`A`) and now (`B`), its pods as written (`raw`), `stored`, and
//! as stored if created now (`anew`), and a `bare` pod of each service account. What such a pod means, the reader below says
//! by itself: it knows the SDKs' chain ("Use IAM roles for service accounts", "EKS Pod Identity", AWS SDKs and Tools Reference
//! Guide: "Standardized credential providers") and shares no code with the program, so that agreement is a proof.
//!
//! Where EKS is known to differ from the webhook by itself:
//!
//! - `NO_ACCOUNT`: a new pod of a service account that does not exist is refused by the API server before any webhook
//!   (Kubernetes: "Admission Controllers", ServiceAccount), so that it gets nothing, whatever the webhook would write.

use std::process::Command;

use eksplorer::access::workload::Workloads;
use eksplorer::model::document::read;
use eksplorer::model::facts::snapshot_of;
use eksplorer::model::snapshot::{ClusterFacts, Section, Snapshot, Source};
use eksplorer::model::time::Time;
use eksplorer::model::workload::{Pod, PodIdentityAssociation, ServiceAccount};
use eksplorer::report::why;
use serde::Deserialize;
use serde_json::{Value, json};

const PODS: usize = 900;

/// What a container has.
#[derive(Clone, Debug, PartialEq)]
struct Has {
    mechanism: &'static str,
    role: Option<String>,
    audience: Option<String>,
}

impl Has {
    fn only(mechanism: &'static str) -> Has {
        Has { mechanism, role: None, audience: None }
    }
}

/// A variable: unset or empty, a value, or a value that the pod does not hold.
enum Var {
    None,
    Text(String),
    Secret,
}

fn var(container: &Value, name: &str) -> Var {
    let all = container["env"].as_array().map(Vec::as_slice).unwrap_or_default();
    match all.iter().rfind(|it| it["name"] == name) {
        None => Var::None,
        Some(it) if it.get("valueFrom").is_some() => Var::Secret,
        Some(it) => match it["value"].as_str() {
            None | Some("") => Var::None,
            Some(text) => Var::Text(text.to_owned()),
        },
    }
}

/// The audience of the token that lies at a path.
fn audience(pod: &Value, container: &Value, path: &str) -> Option<String> {
    let path = path.trim_start_matches("C:").replace('\\', "/");
    let mounts = container["volumeMounts"].as_array()?;
    let under = |it: &&Value| path.starts_with(&format!("{}/", it["mountPath"].as_str().unwrap_or("?")));
    let mount = mounts.iter().filter(under).max_by_key(|it| it["mountPath"].as_str().map(str::len))?;
    let file = &path[mount["mountPath"].as_str()?.len() + 1..];
    let volume = pod["spec"]["volumes"].as_array()?.iter().find(|it| it["name"] == mount["name"])?;
    let tokens = volume["projected"]["sources"].as_array()?.iter().map(|it| &it["serviceAccountToken"]);
    let token = tokens.into_iter().find(|it| it["path"] == file)?;
    token["audience"].as_str().filter(|it| !it.is_empty()).map(str::to_owned)
}

/// The chain, on one container as it is stored.
fn reads(pod: &Value, container: &Value, association: Option<&str>) -> Has {
    let is_set = |name: &str| !matches!(var(container, name), Var::None);
    let text = |name: &str| match var(container, name) {
        Var::Text(it) => Some(it),
        _ => None,
    };
    if is_set("AWS_ACCESS_KEY_ID") && is_set("AWS_SECRET_ACCESS_KEY") {
        return Has::only("static-keys");
    }
    let hidden = container["envFrom"].as_array().is_some_and(|it| !it.is_empty());
    if hidden || is_set("AWS_ACCESS_KEY_ID") || is_set("AWS_PROFILE") {
        return Has::only("unknown");
    }
    match (is_set("AWS_ROLE_ARN"), is_set("AWS_WEB_IDENTITY_TOKEN_FILE")) {
        (true, true) => {
            let file = text("AWS_WEB_IDENTITY_TOKEN_FILE");
            let audience = file.and_then(|it| audience(pod, container, &it));
            return Has { mechanism: "irsa", role: text("AWS_ROLE_ARN"), audience };
        }
        (false, false) => {}
        _ => return Has::only("unknown"),
    }
    match var(container, "AWS_CONTAINER_CREDENTIALS_FULL_URI") {
        Var::Text(it) if it == "http://169.254.170.23/v1/credentials" => {
            let file = text("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
            let audience = file.and_then(|it| audience(pod, container, &it));
            return Has { mechanism: "pod-identity", role: association.map(str::to_owned), audience };
        }
        Var::Text(_) | Var::Secret => return Has::only("unknown"),
        Var::None => {}
    }
    let fargate = pod["metadata"]["labels"].get("eks.amazonaws.com/fargate-profile").is_some();
    let shuns = text("AWS_EC2_METADATA_DISABLED").is_some_and(|it| it.to_lowercase() == "true");
    Has::only(if fargate || shuns { "none" } else { "node-role" })
}

/// Of a whole pod: of the container that stands for it, and of each by name, init containers last.
fn of_pod(pod: &Value, association: Option<&str>) -> (Has, Vec<(String, Has)>) {
    let containers = pod["spec"]["containers"].as_array().expect("containers");
    let init = pod["spec"]["initContainers"].as_array().map(Vec::as_slice).unwrap_or_default();
    let name = |it: &Value| it["name"].as_str().unwrap_or_default().to_owned();
    let all: Vec<_> = containers.iter().chain(init).map(|it| (name(it), reads(pod, it, association))).collect();
    let named = pod["metadata"]["annotations"]["kubectl.kubernetes.io/default-container"].as_str();
    let main = containers.iter().position(|it| it["name"].as_str() == named).unwrap_or(0);
    (all[main].1.clone(), all)
}

/// What the report says of it, in the same words. Roles of nodes are not the webhook's affair.
fn told(it: &Value) -> Has {
    let mechanism = match it["inForce"].as_str().expect("inForce") {
        "irsa" => "irsa",
        "pod-identity" => "pod-identity",
        "static-keys" => "static-keys",
        "node-role" => "node-role",
        "none" => "none",
        "unknown" => "unknown",
        other => panic!("{other}"),
    };
    let own = matches!(mechanism, "irsa" | "pod-identity");
    let text = |key: &str| it[key].as_str().filter(|_| own).map(str::to_owned);
    Has { mechanism, role: text("roleArn"), audience: text("audience") }
}

fn told_of_pod(it: &Value, names: &[String]) -> (Has, Vec<(String, Has)>) {
    let main = told(it);
    let each = it["containers"].as_array().expect("containers");
    let all = match each.is_empty() {
        true => names.iter().map(|name| (name.clone(), main.clone())).collect(),
        false => each.iter().map(|it| (it["name"].as_str().unwrap_or_default().to_owned(), told(it))).collect(),
    };
    (main, all)
}

/// The lines of the file, each a namespace.
fn lines() -> Vec<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/worlds/webhook-stored.jsonl.gz");
    let out = Command::new("gzip").args(["-dc", path]).output().expect("gzip is there");
    let text = String::from_utf8(out.stdout).expect("text");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// A pod as the client reads it from the API server.
fn served(pod: &Value) -> Pod {
    let mut pod = Pod::deserialize(pod).expect("a pod");
    pod.as_served();
    pod
}

fn associations(line: &Value) -> Vec<PodIdentityAssociation> {
    let all = line["B"]["associations"].as_array().expect("associations").iter().enumerate();
    let text = |it: &Value| it.as_str().expect("text").to_owned();
    all.map(|(at, it)| PodIdentityAssociation {
        namespace: text(&it["namespace"]),
        service_account: text(&it["serviceAccount"]),
        role_arn: Some(text(&it["role"])),
        association_id: format!("a-{at}"),
        ..PodIdentityAssociation::default()
    })
    .collect()
}

/// The facts in which the pods of a line run now.
fn facts_of(base: &ClusterFacts, line: &Value) -> ClusterFacts {
    let mut facts = base.clone();
    let at = Time::from_epoch(1_790_000_000.0).expect("a time");
    let accounts = line["B"]["serviceAccounts"].as_array().expect("accounts").iter();
    let accounts = accounts.map(|it| ServiceAccount::deserialize(it).expect("an account"));
    let agent = base.pods.items().iter().filter(|it| it.metadata.namespace.as_deref() != Some("app")).cloned();
    let pods = line["pods"].as_array().expect("pods").iter().map(|it| served(&it["stored"]));
    facts.service_accounts = Section::known(accounts.collect(), at);
    facts.pods = Section::known(agent.chain(pods).collect(), at);
    facts.pod_identity_associations = Section::known(associations(line), at);
    facts
}

fn base() -> Snapshot {
    snapshot_of(&read(include_str!("../../worlds/webhook.json")).expect("the world reads"), Source::Lab)
}

/// Differences that are EKS's own, by name.
const NO_ACCOUNT: &str = "NO_ACCOUNT";

#[derive(Default)]
struct Tally {
    predictions: usize,
    by_eks: Vec<(&'static str, String)>,
    wrong: Vec<String>,
}

impl Tally {
    fn compare<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, found: &T, wanted: &T) {
        self.predictions += 1;
        if found != wanted {
            self.wrong.push(format!("{what}\n  said   {found:?}\n  stored {wanted:?}"));
        }
    }
}

#[test]
fn every_pod_is_read_as_the_webhook_stored_it_and_would_store_it_now() {
    let (base, mut tally, mut pods) = (base(), Tally::default(), 0);
    let (id, base_facts) = base.facts.iter().next().expect("a cluster");
    for line in lines() {
        let all = line["pods"].as_array().expect("pods");
        let facts = facts_of(base_facts, &line);
        let workloads = Workloads::new(&facts, &base.iam);
        let namespace = line["namespace"].as_str().expect("a namespace");
        let associated = |account: &str| {
            let all = line["B"]["associations"].as_array().expect("associations");
            all.iter().find(|it| it["serviceAccount"] == account).and_then(|it| it["role"].as_str())
        };
        for it in all {
            let name = it["stored"]["metadata"]["name"].as_str().expect("a name");
            let account = it["stored"]["spec"]["serviceAccountName"].as_str().expect("an account");
            let what = format!("line {} pod {name}", line["id"]);
            let why = workloads.why_pod(workloads.pod(namespace, name).found().expect(name));
            let report: Value = serde_json::from_str(&why::json(id, &why, None).expect("JSON")).expect("JSON");
            let role = associated(account);
            let wanted = of_pod(&it["stored"], role);
            let names: Vec<String> = wanted.1.iter().map(|(name, _)| name.clone()).collect();
            tally.compare(&what, &told_of_pod(&report, &names), &wanted);
            let there = line["B"]["serviceAccounts"].as_array().expect("accounts");
            let new = &report["newPod"];
            if there.iter().any(|it| it["metadata"]["name"] == account) {
                let wanted = of_pod(&it["anew"], role);
                tally.compare(&format!("{what}, recreated"), &told_of_pod(new, &names), &wanted);
                let changed = |(a, b): (&Has, &Has)| a != b;
                let differs = changed((&of_pod(&it["stored"], role).0, &wanted.0));
                let said = report["others"].as_array().expect("others").iter().any(|it| it["state"] == "pending");
                tally.compare(&format!("{what}: a new pod gets something else"), &said, &differs);
            } else {
                tally.compare(
                    &format!("{what}, recreated"),
                    &(told(new), &new["verdict"]),
                    &(Has::only("none"), &json!("denied")),
                );
                tally.by_eks.push((NO_ACCOUNT, what));
            }
            pods += 1;
        }
        for (account, bare) in line["bare"].as_object().expect("bare pods") {
            let why = workloads.why_account(namespace, account).expect(account);
            let report: Value = serde_json::from_str(&why::json(id, &why, None).expect("JSON")).expect("JSON");
            let wanted = of_pod(bare, associated(account)).0;
            tally.compare(&format!("line {} service account {account}", line["id"]), &told(&report), &wanted);
        }
    }
    use std::io::Write as _;
    let line = format!(
        "oracle: pod identity webhook · {pods} pods · {} predictions · {} disagreements · {} by EKS itself ({NO_ACCOUNT})\n",
        tally.predictions,
        tally.wrong.len(),
        tally.by_eks.len(),
    );
    let _ = std::io::stderr().write_all(line.as_bytes());
    assert_eq!(pods, PODS);
    assert!(tally.by_eks.iter().all(|(name, _)| *name == NO_ACCOUNT));
    assert!(
        tally.wrong.is_empty(),
        "{} of {}:\n{}",
        tally.wrong.len(),
        tally.predictions,
        tally.wrong[..tally.wrong.len().min(12)].join("\n")
    );
}

/// Each pod of `webhook.json` as it is stored, and as the webhook and the chain would have it if it were recreated.
#[test]
fn every_kind_of_pod_says_what_it_has_and_what_a_new_one_gets() {
    let base = base();
    let (id, facts) = base.facts.iter().next().expect("a cluster");
    let mut facts = (**facts).clone();
    let pods: Vec<Pod> = facts
        .pods
        .items()
        .iter()
        .cloned()
        .map(|mut it| {
            it.as_served();
            it
        })
        .collect();
    facts.pods = Section::known(pods, Time::from_epoch(1_790_000_000.0).expect("a time"));
    let workloads = Workloads::new(&facts, &base.iam);
    type Row<'a> = (&'a str, (&'a str, &'a str, &'a str), (&'a str, &'a str, &'a str), &'a [&'a str]);
    let node = ("node-role", "node", "unknown");
    let new_node = ("node-role", "", "unknown");
    let blue = ("irsa", "blue", "allowed");
    let open = ("unknown", "", "unknown");
    let rows: [Row<'_>; 14] = [
        (
            "role-changed",
            ("irsa", "pods", "allowed"),
            blue,
            &["pending irsa: annotation of the service account changed"],
        ),
        ("association-gone", ("pod-identity", "", "denied"), blue, &["pending irsa: was deleted"]),
        ("skip-label", node, new_node, &["ignored irsa: skip-pod-identity-webhook"]),
        ("skip-container", node, new_node, &["ignored irsa: skip-containers"]),
        ("skip-with-blank", node, blue, &["pending irsa: created without it"]),
        ("skip-two-lines", node, blue, &["pending irsa: created without it"]),
        ("skip-quoted", node, new_node, &["ignored irsa: skip-containers"]),
        ("static", ("static-keys", "", "unknown"), ("static-keys", "", "unknown"), &["shadowed irsa: comes first"]),
        ("role-arn-alone", open, open, &["ignored irsa: sets one of the variables itself"]),
        ("own-irsa", ("irsa", "pods", "unknown"), ("irsa", "pods", "unknown"), &["shadowed pod-identity: comes first"]),
        ("own-endpoint", open, open, &["ignored pod-identity: sets one", "shadowed irsa: comes first"]),
        ("empty-key", blue, blue, &[]),
        ("token-not-mounted", ("irsa", "pods", "unknown"), ("irsa", "pods", "unknown"), &[]),
        ("empty-annotation", node, new_node, &[]),
    ];
    let own = facts.pods.items().iter().filter(|it| it.metadata.namespace.as_deref() == Some("app")).count();
    assert_eq!(own, rows.len());
    for (name, has, gets, others) in rows {
        let pod = workloads.pod("app", name).found().expect(name);
        let report: Value =
            serde_json::from_str(&why::json(id, &workloads.why_pod(pod), None).expect("JSON")).expect("JSON");
        let short = |it: &Value| {
            let text = |key: &str| it[key].as_str().unwrap_or_default().to_owned();
            let role = text("roleArn").rsplit('/').next().unwrap_or_default().to_owned();
            (text("inForce"), role, text("verdict"))
        };
        let owned = |(a, b, c): (&str, &str, &str)| (a.to_owned(), b.to_owned(), c.to_owned());
        assert_eq!(short(&report), owned(has), "{name}: {report:#}");
        assert_eq!(short(&report["newPod"]), owned(gets), "{name} recreated: {report:#}");
        let said: Vec<String> = (report["others"].as_array().expect("others").iter())
            .map(|it| {
                format!(
                    "{} {}: {}",
                    it["state"].as_str().unwrap(),
                    it["mechanism"].as_str().unwrap(),
                    it["because"].as_str().unwrap()
                )
            })
            .collect();
        let fits = |said: &String, wanted: &&str| {
            let (head, part) = wanted.split_once(": ").expect("a head");
            said.starts_with(head) && said.contains(part)
        };
        assert!(said.len() == others.len() && said.iter().zip(others).all(|(a, b)| fits(a, b)), "{name}: {said:#?}");
    }
}

//! What a pod really has: the token that was mounted, pairs of keys, the way to the agent, and the agent itself; what a pod
//! gets that is made now, and that its row says the same; what mends each.

use eksplorer::access::Mark;
use eksplorer::access::Verdict;
use eksplorer::access::inventory::inventory;
use eksplorer::access::workload::{InForce, Workloads};
use rstest::rstest;
use serde_json::{Value, json};

use super::world::{self, *};

const OBJECTS: &str = "/clusters/0/kubernetes";
const AGENT: &str = "eks-pod-identity-agent";

/// What is said of a pod or, without one, of the service account: the outcome, why, and what is unverified.
fn told(world: &World, account: &str, pod: Option<&str>) -> (InForce, Verdict, String, Vec<String>) {
    let (facts, snapshot) = (world.facts(), world.snapshot());
    let workloads = Workloads::new(&facts, &snapshot.iam);
    let why = match pod {
        Some(pod) => workloads.why_pod(workloads.pod("payments", pod).found().expect(pod)),
        None => workloads.why_account("payments", account).expect(account),
    };
    (why.in_force, why.answer.outcome, why.answer.because, why.unverified)
}

/// The mark of the ledger's row, which says what its service account's answer says.
fn row(world: &World) -> (Mark, String) {
    let rows = inventory(&world.facts(), &world.snapshot().iam).pod_identity;
    let row = rows.iter().find(|it| it.service_account == "ledger").expect("its row");
    let (_, outcome, because, _) = told(world, "ledger", None);
    let mark = match outcome {
        Verdict::Yes => Mark::InForce,
        Verdict::No => Mark::Dead,
        Verdict::Unknown => Mark::Unknown,
    };
    assert_eq!((row.mark, &row.because), (mark, &because));
    (row.mark, because)
}

fn remedies(world: &World, id: &str) -> Vec<String> {
    let all = world.all_findings().into_iter().filter(|it| it.id.as_str() == id);
    all.flat_map(|it| it.remedy).map(|it| it.text).collect()
}

#[rstest]
#[case::its_own_counts(Some("sts.amazonaws.com"), Some("vault"), Verdict::Yes, false)]
#[case::its_own_is_another(Some("vault"), None, Verdict::No, false)]
#[case::none_recorded(None, None, Verdict::Yes, true)]
#[case::none_recorded_and_another_asked_for(None, Some("vault"), Verdict::Unknown, false)]
#[case::none_recorded_and_the_usual_asked_for(None, Some("sts.amazonaws.com"), Verdict::Yes, true)]
fn the_token_that_was_mounted_counts(
    #[case] mounted: Option<&str>,
    #[case] asked: Option<&str>,
    #[case] outcome: Verdict,
    #[case] assumed: bool,
) {
    let world = World::with(|it| {
        let volumes = mounted.map_or(Value::Null, token_volume);
        it.set(&format!("{API_POD_SPEC}/volumes"), volumes);
        if let Some(asked) = asked {
            it.set(&format!("{API_SA_META}/annotations/eks.amazonaws.com~1audience"), json!(asked));
        }
    });
    let (_, found, because, unverified) = told(&world, "api", Some("api-0"));
    assert_eq!(found, outcome, "{because}");
    assert_eq!(unverified.iter().any(|it| it.contains("aws-iam-token")), assumed, "{unverified:?}");
    if outcome == Verdict::Unknown {
        assert!(because.contains("\"vault\"") && because.contains("was not recorded"), "{because}");
    }
}

#[test]
fn what_is_not_known_of_the_audience_does_not_hide_a_sure_no() {
    let world = World::with(|it| {
        it.set(&format!("{API_POD_SPEC}/volumes"), Value::Null);
        it.set(&format!("{API_SA_META}/annotations/eks.amazonaws.com~1audience"), json!("vault"));
        it.set(
            TRUST,
            json!({"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}),
        );
    });
    assert_eq!(world.pod("api-0").1, Verdict::No);
}

fn set(name: &str, value: &str) -> Value {
    json!({"name": name, "value": value})
}

fn and(env: Value, more: &[Value]) -> Value {
    let Value::Array(mut all) = env else { panic!() };
    all.extend(more.iter().cloned());
    Value::Array(all)
}

#[rstest]
#[case::half_a_pair(and(irsa_env(), &[set("AWS_ACCESS_KEY_ID", "AKIA")]), InForce::Unknown)]
#[case::the_other_half(and(irsa_env(), &[set("AWS_SECRET_ACCESS_KEY", "s")]), InForce::Irsa)]
#[case::a_pair(and(irsa_env(), &[set("AWS_ACCESS_KEY_ID", "AKIA"), set("AWS_SECRET_ACCESS_KEY", "s")]), InForce::StaticKeys)]
#[case::an_empty_pair(and(irsa_env(), &[set("AWS_ACCESS_KEY_ID", ""), set("AWS_SECRET_ACCESS_KEY", "")]), InForce::Irsa)]
#[case::an_empty_secret(and(irsa_env(), &[set("AWS_ACCESS_KEY_ID", "AKIA"), set("AWS_SECRET_ACCESS_KEY", "")]), InForce::Unknown)]
#[case::a_pair_of_which_nothing_was_kept(json!([{"name": "AWS_ACCESS_KEY_ID"}, {"name": "AWS_SECRET_ACCESS_KEY"}]), InForce::StaticKeys)]
#[case::an_empty_profile(and(irsa_env(), &[set("AWS_PROFILE", "")]), InForce::Irsa)]
#[case::an_empty_role(json!([set("AWS_ROLE_ARN", ""), set("AWS_WEB_IDENTITY_TOKEN_FILE", "")]), InForce::NodeRole)]
#[case::the_last_of_several_counts(and(irsa_env(), &[set("AWS_PROFILE", "x"), set("AWS_PROFILE", "")]), InForce::Irsa)]
fn an_empty_variable_is_as_good_as_none_and_half_a_pair_of_keys_is_none(#[case] env: Value, #[case] in_force: InForce) {
    let world = World::with(|it| it.set(ENV, env.clone()));
    assert_eq!(world.pod("api-0").0, in_force);
}

#[rstest]
#[case::as_the_webhook_writes_it(pod_env(), Verdict::Yes, "")]
#[case::without_a_token(json!([pod_env()[0]]), Verdict::No, "without a token")]
#[case::with_an_empty_token(json!([pod_env()[0], set("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "")]), Verdict::No, "without a token")]
#[case::with_another_file(json!([pod_env()[0], set("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/x")]), Verdict::Unknown, "not the one that the webhook mounts")]
#[case::with_a_token_by_value(json!([pod_env()[0], set("AWS_CONTAINER_AUTHORIZATION_TOKEN", "t")]), Verdict::Unknown, "whose it is")]
#[case::behind_a_proxy(and(pod_env(), &[set("HTTP_PROXY", "http://p")]), Verdict::Unknown, "HTTP_PROXY is set without NO_PROXY")]
#[case::behind_a_proxy_that_spares_nobody(and(pod_env(), &[set("http_proxy", "http://p"), set("NO_PROXY", "")]), Verdict::Unknown, "HTTP_PROXY")]
#[case::with_an_empty_proxy(and(pod_env(), &[set("HTTP_PROXY", "")]), Verdict::Yes, "")]
#[case::a_proxy_for_tls_alone(and(pod_env(), &[set("HTTPS_PROXY", "http://p")]), Verdict::Yes, "")]
fn what_keeps_a_pod_from_asking_the_agent(#[case] env: Value, #[case] outcome: Verdict, #[case] because: &str) {
    let world = World::with(|it| it.set(LEDGER_ENV, env.clone()));
    let (in_force, found, why, unverified) = told(&world, "ledger", Some("ledger-0"));
    assert_eq!((in_force, found), (InForce::PodIdentity, outcome), "{why}");
    assert!(why.contains(because), "{why}");
    assert!(!unverified.iter().any(|it| it.contains("NO_PROXY")));
    // What keeps all of its pods from it may keep a new one too.
    let wanted = if outcome == Verdict::Yes { Mark::InForce } else { Mark::Unknown };
    assert_eq!(row(&world).0, wanted);
}

#[test]
fn whom_a_proxy_spares_is_not_kept() {
    let world = World::with(|it| {
        it.set(LEDGER_ENV, and(pod_env(), &[set("HTTP_PROXY", "http://p"), set("NO_PROXY", "10.0.0.0/8")]));
    });
    let (_, outcome, _, unverified) = told(&world, "ledger", Some("ledger-0"));
    assert_eq!(outcome, Verdict::Yes);
    assert!(unverified.iter().any(|it| it.contains("NO_PROXY names the agent")), "{unverified:?}");
}

#[test]
fn each_container_shuns_the_metadata_for_itself() {
    let of = |main: bool| {
        let env = |shuns: bool| if shuns { json!([set("AWS_EC2_METADATA_DISABLED", "TRUE")]) } else { json!([]) };
        let world = World::with(|it| {
            it.set(&format!("{API_POD_SPEC}/hostNetwork"), json!(true));
            let containers = json!([{"name": "app", "env": env(main)}, {"name": "side", "env": env(!main)}]);
            it.set(&format!("{API_POD_SPEC}/containers"), containers);
        });
        let (facts, snapshot) = (world.facts(), world.snapshot());
        let workloads = Workloads::new(&facts, &snapshot.iam);
        let it = workloads.identities(workloads.pod("payments", "api-0").found().unwrap());
        (it.answer.outcome, it.containers.iter().map(|it| it.in_force).collect::<Vec<_>>())
    };
    assert_eq!(of(true), (Verdict::No, vec![InForce::None, InForce::NodeRole]));
    assert_eq!(of(false), (Verdict::Yes, vec![InForce::NodeRole, InForce::None]));
}

/// Which pod is the agent's, and whether it answers.
#[rstest]
#[case::of_the_add_on(|_: &mut World| {}, Verdict::Yes)]
#[case::ready(|it: &mut World| status(it, "Running", Some("True")), Verdict::Yes)]
#[case::crashing(|it: &mut World| status(it, "Running", Some("False")), Verdict::No)]
#[case::on_a_lost_node(|it: &mut World| status(it, "Running", Some("Unknown")), Verdict::Unknown)]
#[case::pending(|it: &mut World| status(it, "Pending", None), Verdict::No)]
#[case::not_recorded(|it: &mut World| it.set(&format!("{AGENT_POD}/status"), json!({})), Verdict::Unknown)]
#[case::merely_called_so(|it: &mut World| it.set(&format!("{AGENT_POD}/metadata/namespace"), json!("default")), Verdict::No)]
#[case::of_the_daemon_set_elsewhere(|it: &mut World| {
    it.set(&format!("{AGENT_POD}/metadata/namespace"), json!("agents"));
    it.set(&format!("{AGENT_POD}/metadata/ownerReferences"), json!([{"kind": "DaemonSet", "name": AGENT, "controller": true}]));
}, Verdict::Yes)]
fn the_agent_runs_by_a_pod_of_its_own_that_is_ready(#[case] change: fn(&mut World), #[case] outcome: Verdict) {
    let world = World::with(change);
    let (_, found, because, _) = told(&world, "ledger", Some("ledger-0"));
    assert_eq!(found, outcome, "{because}");
}

fn status(world: &mut World, phase: &str, ready: Option<&str>) {
    let conditions: Vec<Value> = ready.map(|it| json!({"type": "Ready", "status": it})).into_iter().collect();
    world.set(&format!("{AGENT_POD}/status"), json!({"phase": phase, "conditions": conditions}));
}

#[test]
fn one_agent_that_is_not_ready_is_the_nodes_alone() {
    let world = World::with(|it| {
        status(it, "Running", Some("False"));
        let mut other = it.0.pointer(AGENT_POD).unwrap().clone();
        other["metadata"]["name"] = json!("eks-pod-identity-agent-y");
        other["spec"]["nodeName"] = json!("n2");
        other["status"] = json!({"phase": "Running"});
        it.push(OBJECTS, other);
    });
    assert_eq!(world.findings(), ["pod-identity-agent-not-on-node"]);
    assert_eq!(world.pod("ledger-0").1, Verdict::No);
    assert_eq!(row(&world).0, Mark::Unknown);
}

/// Nodes outside of node groups, by how they join: the entry of a Linux role, that of a Windows role.
#[rstest]
#[case::linux("linux", &["EC2_LINUX", "EC2_WINDOWS"], Some("role/node-0"))]
#[case::windows("windows", &["EC2_LINUX", "EC2_WINDOWS"], Some("role/node-1"))]
#[case::windows_and_linux_alone("windows", &["EC2_LINUX"], None)]
#[case::linux_and_hybrid("linux", &["HYBRID_LINUX"], None)]
fn a_node_joins_by_an_entry_of_its_kind(#[case] os: &str, #[case] kinds: &[&str], #[case] role: Option<&str>) {
    let world = World::with(|it| {
        it.set(NODE_LABELS, json!({"kubernetes.io/os": os}));
        it.remove("/iam/InstanceProfiles");
        it.set(&format!("{API_POD_SPEC}/hostNetwork"), json!(true));
        it.set(ENV, json!([]));
        let entry = |(at, kind): (usize, &&str)| json!({"principalArn": format!("arn:aws:iam::111122223333:role/node-{at}"), "type": kind});
        it.set("/clusters/0/accessEntries", kinds.iter().enumerate().map(entry).collect());
        it.set("/sections/c~1awsAuth", json!({"state": "empty"}));
    });
    let (facts, snapshot) = (world.facts(), world.snapshot());
    let workloads = Workloads::new(&facts, &snapshot.iam);
    let found = workloads.identities(workloads.pod("payments", "api-0").found().unwrap()).role_arn;
    assert_eq!(found.as_deref().map(|it| it.trim_start_matches("arn:aws:iam::111122223333:")), role);
}

#[rstest]
#[case::of_the_namespace(json!([{"namespace": "payments"}]), "ACTIVE", Mark::Dead)]
#[case::by_a_pattern(json!([{"namespace": "pay*"}]), "ACTIVE", Mark::Dead)]
#[case::by_labels(json!([{"namespace": "payments", "labels": {"on": "fargate"}}]), "ACTIVE", Mark::Unknown)]
#[case::by_labels_or_not(json!([{"namespace": "payments", "labels": {"on": "fargate"}}, {"namespace": "payments"}]), "ACTIVE", Mark::Dead)]
#[case::not_yet(json!([{"namespace": "payments"}]), "CREATING", Mark::Unknown)]
#[case::of_another(json!([{"namespace": "other"}]), "ACTIVE", Mark::InForce)]
#[case::that_failed(json!([{"namespace": "payments"}]), "CREATE_FAILED", Mark::InForce)]
fn what_comes_to_run_on_fargate_gets_nothing_by_pod_identity(
    #[case] selectors: Value,
    #[case] state: &str,
    #[case] mark: Mark,
) {
    let world = World::with(|it| {
        let profile = json!({"fargateProfileName": "fp", "selectors": selectors, "status": state});
        it.set("/clusters/0/fargateProfiles", json!([profile]));
    });
    let (found, because) = row(&world);
    assert_eq!(found, mark, "{because}");
    assert!(mark == Mark::InForce || because.contains("Fargate profile fp"), "{because}");
    assert_eq!(world.pod("ledger-0").1, Verdict::Yes, "a pod that runs on a node stays there");
}

#[test]
fn profiles_that_were_not_read_are_said_to_be_so() {
    let world = World::with(|it| it.remove("/clusters/0/fargateProfiles"));
    let (_, outcome, _, unverified) = told(&world, "ledger", None);
    assert_eq!(outcome, Verdict::Yes);
    assert!(unverified.iter().any(|it| it.contains("Fargate profiles")), "{unverified:?}");
}

fn policy(world: &mut World, name: &str, selector: Value, egress: Value) {
    world.push(
        OBJECTS,
        json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
            "metadata": {"name": name, "namespace": "payments"},
            "spec": {"podSelector": selector, "policyTypes": ["Egress"], "egress": egress}}),
    );
}

fn labelled(world: &mut World, app: &str) {
    world.set(&format!("{LEDGER_POD_META}/labels"), json!({"app": app}));
}

/// The mark of the row under these policies, with its pod or before there is one.
#[rstest]
#[case::for_all(|it: &mut World| policy(it, "none", json!({}), json!([])), Mark::Unknown)]
#[case::for_all_before_there_is_one(|it: &mut World| {
    policy(it, "none", json!({}), json!([]));
    it.remove("/clusters/0/kubernetes/5");
}, Mark::Unknown)]
#[case::for_all_its_pods(|it: &mut World| {
    labelled(it, "ledger");
    policy(it, "own", json!({"matchLabels": {"app": "ledger"}}), json!([]));
}, Mark::Unknown)]
#[case::for_others(|it: &mut World| {
    labelled(it, "ledger");
    policy(it, "other", json!({"matchLabels": {"app": "api"}}), json!([]));
}, Mark::InForce)]
#[case::for_others_before_there_is_one(|it: &mut World| {
    policy(it, "other", json!({"matchLabels": {"app": "api"}}), json!([]));
    it.remove("/clusters/0/kubernetes/5");
}, Mark::InForce)]
#[case::another_lets_its_pods(|it: &mut World| {
    labelled(it, "ledger");
    policy(it, "none", json!({}), json!([]));
    policy(it, "own", json!({"matchLabels": {"app": "ledger"}}), json!([{}]));
}, Mark::InForce)]
#[case::another_that_cannot_be_made_out(|it: &mut World| {
    policy(it, "none", json!({}), json!([]));
    policy(it, "own", json!({"matchExpressions": [{"key": "app", "operator": "Like", "values": ["x"]}]}), json!([{}]));
}, Mark::Unknown)]
#[case::all_may_ask(|it: &mut World| policy(it, "all", json!({}), json!([{}])), Mark::InForce)]
fn policies_that_bar_new_pods_make_it_not_known(#[case] change: fn(&mut World), #[case] mark: Mark) {
    let (found, because) = row(&World::with(change));
    assert_eq!(found, mark, "{because}");
}

#[test]
fn each_set_of_policies_has_a_finding_of_its_own() {
    let world = World::with(|it| {
        let mut other = it.0.pointer("/clusters/0/kubernetes/5").unwrap().clone();
        other["metadata"]["name"] = json!("ledger-1");
        other["metadata"]["labels"] = json!({"app": "one"});
        it.push(OBJECTS, other);
        labelled(it, "zero");
        policy(it, "zero", json!({"matchLabels": {"app": "zero"}}), json!([]));
        policy(it, "one", json!({"matchLabels": {"app": "one"}}), json!([]));
    });
    let all: Vec<_> =
        world.all_findings().into_iter().filter(|it| it.id.as_str() == "pod-identity-network-policy").collect();
    for (finding, (pod, name)) in all.iter().zip([("ledger-0", "zero"), ("ledger-1", "one")]) {
        assert!(finding.sentence.starts_with(&format!("{pod}: NetworkPolicy {name} ")), "{}", finding.sentence);
        assert!(finding.evidence.to_string().contains(&format!("payments/{name}")), "{}", finding.evidence);
        assert!(finding.remedy[0].text.contains(&format!("{name}-to-pod-identity")));
    }
    assert_eq!(all.len(), 2);
}

#[test]
fn what_mends_it_fits_the_case() {
    // Nothing makes a bare pod again.
    let older = |it: &mut World| it.set(ENV, json!([]));
    let bare = remedies(&World::with(older), "irsa-pod-older").concat();
    assert!(bare.starts_with("kubectl get pod -n payments api-0 -o yaml > ") && !bare.contains("delete"), "{bare}");
    let owned = |kind: &'static str| {
        let world = World::with(|it| {
            older(it);
            let owner = json!([{"kind": kind, "name": "api-6d4", "controller": true}]);
            it.set(&format!("{API_POD_META}/ownerReferences"), owner);
        });
        remedies(&world, "irsa-pod-older").concat()
    };
    assert_eq!(owned("ReplicaSet"), "kubectl rollout restart -n payments deployment/api");
    assert_eq!(owned("Job"), "kubectl delete pod -n payments api-0");

    // What is installed is looked at.
    let absent = |addon: bool, set: bool| {
        let world = World::with(|it| {
            it.remove(AGENT_POD);
            if !addon {
                it.set(ADDONS, json!([]));
            }
            match set {
                true => it.push(
                    OBJECTS,
                    json!({"apiVersion": "apps/v1", "kind": "DaemonSet",
                        "metadata": {"name": AGENT, "namespace": "kube-system"},
                        "status": {"desiredNumberScheduled": 1, "currentNumberScheduled": 1, "numberReady": 0}}),
                ),
                false => it.set("/sections/c~1daemonSets", json!({"state": "empty"})),
            }
        });
        let words = |it: &String| it.split(' ').take(3).collect::<Vec<_>>().join(" ");
        remedies(&world, "pod-identity-agent-missing").iter().map(words).collect::<Vec<_>>()
    };
    assert_eq!(absent(false, false), ["aws eks create-addon"]);
    assert_eq!(absent(true, false), ["aws eks describe-addon"]);
    assert_eq!(absent(true, true), ["aws eks describe-addon", "kubectl describe daemonset"]);
    assert_eq!(absent(false, true), ["kubectl describe daemonset"]);

    // A proxy is told to spare the agent.
    let proxied = World::with(|it| {
        it.set(LEDGER_ENV, and(pod_env(), &[set("HTTP_PROXY", "http://p")]));
        it.set(
            &format!("{LEDGER_POD_META}/ownerReferences"),
            json!([{"kind": "StatefulSet", "name": "ledger", "controller": true}]),
        );
    });
    let text = "kubectl set env -n payments statefulset/ledger -c app 'NO_PROXY=169.254.170.23,[fd00:ec2::23]'";
    assert_eq!(remedies(&proxied, "pod-identity-blocked"), [text]);
}

#[test]
fn a_provider_is_made_for_the_audience_that_is_asked_for() {
    let world = World::with(|it| {
        it.set(PROVIDERS, json!([{"Arn": PROVIDER.replace("AAAA", "CCCC"), "Url": "x", "ClientIDList": ["x"]}]));
        it.set(&format!("{API_SA_META}/annotations/eks.amazonaws.com~1audience"), json!("vault"));
    });
    let all = remedies(&world, "irsa-provider-missing");
    let wanted = ["--client-id-list sts.amazonaws.com vault", "--client-id vault", r#"["sts.amazonaws.com", "vault"]"#];
    assert!(all.len() == 3 && all.iter().zip(wanted).all(|(it, wanted)| it.contains(wanted)), "{all:#?}");
}

/// A target that leaves it to the account, and what the first role's own policies say.
#[rstest]
#[case::nothing_of_its_own(json!({"Effect": "Allow", "Action": "s3:*", "Resource": "*"}), ROOT, Verdict::No, true)]
#[case::a_statement_of_its_own(json!({"Effect": "Allow", "Action": "sts:*", "Resource": "*"}), ROOT, Verdict::Yes, false)]
#[case::a_deny_whatever_the_target_says(json!({"Effect": "Deny", "Action": "sts:*", "Resource": "*"}), FIRST, Verdict::No, false)]
#[case::named_by_the_target(json!({"Effect": "Allow", "Action": "s3:*", "Resource": "*"}), FIRST, Verdict::Yes, false)]
fn what_the_first_role_lacks_is_the_first_roles(
    #[case] own: Value,
    #[case] trusts: &str,
    #[case] outcome: Verdict,
    #[case] mended: bool,
) {
    let mut world = World::with(|it| {
        it.target(json!({"Statement": [{"Effect": "Allow", "Principal": {"AWS": trusts},
            "Action": ["sts:AssumeRole", "sts:TagSession"]}]}));
    });
    world.set(&format!("{LEDGER}/RolePolicyList/0/PolicyDocument/Statement"), own);
    let (_, found, because, _) = told(&world, "ledger", None);
    assert_eq!(found, outcome, "{because}");
    let findings: Vec<_> =
        world.all_findings().into_iter().filter(|it| it.id.as_str() == "pod-identity-target").collect();
    assert_eq!(findings.len(), usize::from(outcome == Verdict::No), "{findings:#?}");
    for it in &findings {
        assert!(it.evidence.to_string().ends_with("IAM role ledger · RolePolicyList"), "{}", it.evidence);
        assert_eq!(it.sentence, because);
    }
    let texts = remedies(&world, "pod-identity-target");
    assert_eq!(texts.len(), usize::from(mended), "{texts:?}");
    for text in texts {
        let (command, document) = text.split_once(" '").expect("a document");
        assert_eq!(command, "aws iam put-role-policy --role-name ledger --policy-name assume-target --policy-document");
        let mended: Value = serde_json::from_str(document.trim_end_matches('\'')).expect("JSON");
        let before = world.0.pointer(world::LEDGER).unwrap().clone();
        world.push(
            &format!("{LEDGER}/RolePolicyList"),
            json!({"PolicyName": "assume-target", "PolicyDocument": mended}),
        );
        assert_eq!(told(&world, "ledger", None).1, Verdict::Yes);
        world.set(world::LEDGER, before);
    }
}

const ROOT: &str = "arn:aws:iam::111122223333:root";
const FIRST: &str = "arn:aws:iam::111122223333:role/pods/ledger";

#[test]
fn an_annotation_on_pods_is_dead_only_where_the_service_account_was_read() {
    let of = |unread: bool| {
        let world = World::with(|it| {
            it.set(&format!("{API_POD_META}/annotations"), json!({"eks.amazonaws.com/role-arn": API}));
            it.set(API_SA_META, json!({"name": "api", "namespace": "payments"}));
            if unread {
                it.set(
                    "/sections/c~1serviceAccounts",
                    json!({"state": "refused", "failure": {"kind": "refused",
                    "permission": "list serviceaccounts", "doing": "list the service accounts", "on": "",
                    "code": "Forbidden", "message": "no"}}),
                );
                it.remove("/clusters/0/kubernetes/3");
                it.remove("/clusters/0/kubernetes/2");
            }
        });
        let rows = inventory(&world.facts(), &world.snapshot().iam).irsa;
        rows.into_iter().find(|it| it.service_account == "api").map(|it| it.mark)
    };
    assert_eq!((of(false), of(true)), (Some(Mark::Dead), Some(Mark::Unknown)));
}

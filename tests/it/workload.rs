//! Which AWS role a workload gets: each finding in a world that shows it and in a near miss that does not, the order of
//! mechanisms, each container's identity, bad input, and what is not known.
//!
//! All worlds are one small healthy world with something changed; paths are JSON pointers into it.

mod cases;
mod holders;
mod made;
mod screen;
mod webhook_laws;
mod webhook_oracle;
mod world;

use eksplorer::access::Mark;
use eksplorer::access::Verdict;
use eksplorer::access::inventory::inventory;
use eksplorer::access::workload::{InForce, UnusedState, Workloads};
use eksplorer::model::principal::Principal;
use rstest::rstest;
use serde_json::{Value, json};

use world::{API, CLIENTS, ENV, HOST, LEDGER, TRUST, World, irsa_env, pod_env};

#[test]
fn the_world_is_well_as_it_stands() {
    let world = World::new();
    assert_eq!(world.findings(), Vec::<&str>::new());
    assert_eq!(world.pod("api-0"), (InForce::Irsa, Verdict::Yes));
    assert_eq!(world.pod("ledger-0"), (InForce::PodIdentity, Verdict::Yes));
    assert_eq!(world.account("api"), (InForce::Irsa, Verdict::Yes));
    assert_eq!(world.account("ledger"), (InForce::PodIdentity, Verdict::Yes));
    let snapshot = world.snapshot();
    let rows = inventory(&world.facts(), &snapshot.iam);
    assert!(rows.irsa.iter().map(|it| it.mark).eq([Mark::InForce]));
    assert!(rows.pod_identity.iter().map(|it| it.mark).eq([Mark::InForce]));
}

#[test]
fn every_finding_is_shown_by_its_world_and_not_by_the_near_miss() {
    for case in cases::CASES {
        let (shows, misses) = (World::with(case.shows), World::with(case.misses));
        assert!(shows.findings().contains(&case.id), "§{} {}: {:?}", case.section, case.id, shows.findings());
        assert!(
            !misses.findings().contains(&case.id),
            "§{} {}: near miss: {:?}",
            case.section,
            case.id,
            misses.findings()
        );
    }
    let sections: std::collections::BTreeSet<&str> = cases::CASES.iter().map(|it| it.section).collect();
    let all = |prefix: &'static str, n: usize| (1..=n).map(move |i| format!("{prefix}.{i}"));
    for section in all("1.6", 22).chain(all("2.8", 13)) {
        assert!(sections.contains(section.as_str()), "§{section} has no case");
    }
}

#[test]
fn what_mends_a_finding_can_be_pasted() {
    for case in cases::CASES {
        for it in World::with(case.shows).all_findings().iter().flat_map(|it| &it.remedy) {
            assert!(!it.title.is_empty() && !it.text.is_empty());
            if it.text.starts_with('{') {
                let statement: Value = serde_json::from_str(&it.text).expect("a statement is JSON");
                assert_eq!(statement["Effect"], "Allow");
            } else {
                let known = ["kubectl ", "aws ", "eksctl ", "resource "].iter().any(|it2| it.text.starts_with(it2));
                assert!(known, "{}", it.text);
            }
        }
    }
}

#[test]
fn the_statement_that_is_proposed_lets_the_workload_in() {
    let mut world =
        World::with(|it| it.set(&format!("{TRUST}/Condition"), json!({"StringEquals": {format!("{HOST}:sub"): "x"}})));
    assert_eq!(world.pod("api-0").1, Verdict::No);
    let proposed = world.remedy("{");
    world.set(TRUST, serde_json::from_str(&proposed).unwrap());
    assert_eq!(world.pod("api-0").1, Verdict::Yes);

    let mut world = World::with(|it| {
        it.set(&format!("{LEDGER}/AssumeRolePolicyDocument/Statement/0/Action"), json!("sts:AssumeRole"))
    });
    assert_eq!(world.pod("ledger-0").1, Verdict::No);
    let proposed = world.remedy("{");
    world.set(&format!("{LEDGER}/AssumeRolePolicyDocument/Statement/0"), serde_json::from_str(&proposed).unwrap());
    assert_eq!(world.pod("ledger-0").1, Verdict::Yes);
}

#[test]
fn what_comes_from_outside_is_quoted_for_the_shell() {
    let evil = "arn:aws:iam::111122223333:role/x'; rm -rf ~ #";
    let world = World::with(|it| {
        it.set(
            world::API_POD_META,
            json!({"name": "api-0", "namespace": "payments", "annotations": {"eks.amazonaws.com/role-arn": evil}}),
        );
        it.set(world::API_SA_META, json!({"name": "api", "namespace": "payments"}));
    });
    let text = world.remedy("kubectl annotate");
    assert!(text.contains(r"'eks.amazonaws.com/role-arn=arn:aws:iam::111122223333:role/x'\''; rm -rf ~ #'"), "{text}");
}

/// §3: which mechanism a pod has that was made then.
#[rstest]
#[case::after_the_association(pod_env(), InForce::PodIdentity)]
#[case::before_the_association(irsa_env(), InForce::Irsa)]
#[case::web_identity_by_hand(both(), InForce::Irsa)]
#[case::static_keys(keys(pod_env()), InForce::StaticKeys)]
#[case::static_keys_and_web_identity(keys(irsa_env()), InForce::StaticKeys)]
#[case::nothing(json!([]), InForce::NodeRole)]
#[case::a_role_without_a_token(json!([{"name": "AWS_ROLE_ARN", "value": "x"}]), InForce::Unknown)]
#[case::a_token_without_a_role(json!([{"name": "AWS_WEB_IDENTITY_TOKEN_FILE", "value": "x"}]), InForce::Unknown)]
#[case::another_endpoint(json!([{"name": "AWS_CONTAINER_CREDENTIALS_FULL_URI", "value": "http://127.0.0.1/x"}]), InForce::Unknown)]
#[case::an_endpoint_from_elsewhere(json!([{"name": "AWS_CONTAINER_CREDENTIALS_FULL_URI", "valueFrom": {}}]), InForce::Unknown)]
#[case::the_agent_on_ipv6(json!([{"name": "AWS_CONTAINER_CREDENTIALS_FULL_URI", "value": "http://[fd00:ec2::23]/v1/credentials"}]), InForce::PodIdentity)]
#[case::a_profile(json!([{"name": "AWS_PROFILE", "value": "x"}]), InForce::Unknown)]
#[case::a_region_alone(json!([{"name": "AWS_REGION", "value": "eu-west-1"}]), InForce::NodeRole)]
#[case::no_metadata(json!([{"name": "AWS_EC2_METADATA_DISABLED", "value": "true"}]), InForce::None)]
fn the_environment_of_a_container_says_what_it_has(#[case] env: Value, #[case] in_force: InForce) {
    let world = World::with(|it| it.set(ENV, env.clone()));
    assert_eq!(world.pod("api-0").0, in_force);
}

fn both() -> Value {
    let [Value::Array(mut one), Value::Array(other)] = [irsa_env(), pod_env()] else { panic!() };
    one.extend(other);
    Value::Array(one)
}

fn keys(env: Value) -> Value {
    let Value::Array(mut all) = env else { panic!() };
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        all.push(json!({"name": name, "valueFrom": {"secretKeyRef": {"name": "s", "key": name}}}));
    }
    Value::Array(all)
}

#[rstest]
#[case::a_secret(json!([{"secretRef": {"name": "s"}}]), InForce::Unknown)]
#[case::a_config_map(json!([{"configMapRef": {"name": "c"}}]), InForce::Unknown)]
#[case::a_prefix_that_can_make_the_name(json!([{"prefix": "AWS_", "secretRef": {"name": "s"}}]), InForce::Unknown)]
#[case::a_prefix_that_cannot(json!([{"prefix": "DB_", "secretRef": {"name": "s"}}]), InForce::Irsa)]
#[case::none(json!([]), InForce::Irsa)]
fn a_source_of_variables_may_hide_keys(#[case] env_from: Value, #[case] in_force: InForce) {
    let world = World::with(|it| it.set(&ENV.replace("/env", "/envFrom"), env_from.clone()));
    assert_eq!(world.pod("api-0").0, in_force);
    // What was read is what was there: a snapshot keeps that there is such a source, and nothing of what is in it.
    let text = eksplorer::model::document::to_json(&eksplorer::model::facts::document_of(
        &world.snapshot(),
        Default::default(),
    ))
    .unwrap();
    assert_eq!(text.contains("envFrom"), env_from != json!([]));
}

/// §4: where the pod runs decides what is behind nothing.
#[rstest]
#[case::on_a_node(|_: &mut World| {}, InForce::NodeRole, Verdict::Unknown)]
#[case::on_the_hosts_network(|it: &mut World| it.set(&format!("{}/hostNetwork", world::API_POD_SPEC), json!(true)), InForce::NodeRole, Verdict::Yes)]
#[case::on_fargate(|it: &mut World| it.set(world::NODE_LABELS, json!({"eks.amazonaws.com/compute-type": "fargate"})), InForce::None, Verdict::No)]
#[case::on_a_hybrid_node(|it: &mut World| it.set(world::NODE_LABELS, json!({"eks.amazonaws.com/compute-type": "hybrid"})), InForce::None, Verdict::No)]
#[case::on_windows(|it: &mut World| it.set(world::NODE_LABELS, json!({"kubernetes.io/os": "windows"})), InForce::NodeRole, Verdict::Unknown)]
#[case::on_no_node_yet(|it: &mut World| it.set(&format!("{}/nodeName", world::API_POD_SPEC), Value::Null), InForce::NodeRole, Verdict::Unknown)]
fn without_an_identity_of_its_own(#[case] change: fn(&mut World), #[case] in_force: InForce, #[case] outcome: Verdict) {
    let mut world = World::with(change);
    world.set(ENV, json!([]));
    assert_eq!(world.pod("api-0"), (in_force, outcome));
}

#[test]
fn containers_may_differ_and_each_is_told() {
    let world = World::with(|it| {
        it.set(
            &format!("{}/containers", world::API_POD_SPEC),
            json!([{"name": "app", "env": irsa_env()}, {"name": "side"}, {"name": "keyed", "env": keys(json!([]))}]),
        );
        it.set(&format!("{}/initContainers", world::API_POD_SPEC), json!([{"name": "init", "env": pod_env()}]));
    });
    let of = |world: &World| {
        let (facts, snapshot) = (world.facts(), world.snapshot());
        let workloads = Workloads::new(&facts, &snapshot.iam);
        let why = workloads.why_pod(workloads.pod("payments", "api-0").found().unwrap());
        let all: Vec<_> = why.containers.iter().map(|it| (it.name.clone(), it.in_force, it.init)).collect();
        (why.in_force, why.differ, all)
    };
    let (in_force, differ, all) = of(&world);
    assert!(differ && in_force == InForce::Irsa, "the first container stands for the pod");
    let expected = [
        ("app", InForce::Irsa, false),
        ("side", InForce::NodeRole, false),
        ("keyed", InForce::StaticKeys, false),
        ("init", InForce::PodIdentity, true),
    ];
    assert_eq!(all, expected.map(|(name, in_force, init)| (name.to_owned(), in_force, init)));
    // Unless the pod names another as its main one.
    let mut world = world;
    world.set(
        world::API_POD_META,
        json!({"name": "api-0", "namespace": "payments", "annotations": {"kubectl.kubernetes.io/default-container": "keyed"}}),
    );
    assert_eq!(of(&world).0, InForce::StaticKeys);
}

#[test]
fn with_both_mechanisms_new_pods_use_pod_identity_and_old_ones_what_they_have() {
    let world = World::with(|it| {
        it.set(
            world::LEDGER_SA_META,
            json!({"name": "ledger", "namespace": "payments", "annotations": {"eks.amazonaws.com/role-arn": API}}),
        );
        it.set(&format!("{TRUST}/Condition"), json!({"StringLike": {format!("{HOST}:sub"): "system:serviceaccount:payments:*"}, "StringEquals": {format!("{HOST}:aud"): "sts.amazonaws.com"}}));
        it.set(&format!("{}/containers/0/env", world::LEDGER_POD_SPEC), irsa_env());
    });
    assert_eq!(world.account("ledger"), (InForce::PodIdentity, Verdict::Yes));
    assert_eq!(world.pod("ledger-0"), (InForce::Irsa, Verdict::Yes));
    let (facts, snapshot) = (world.facts(), world.snapshot());
    let workloads = Workloads::new(&facts, &snapshot.iam);
    let why = workloads.why_account("payments", "ledger").unwrap();
    assert_eq!(
        why.others.iter().map(|it| (it.mechanism, it.state)).collect::<Vec<_>>(),
        [(InForce::Irsa, UnusedState::Shadowed)]
    );
    let why = workloads.why_pod(workloads.pod("payments", "ledger-0").found().unwrap());
    assert_eq!(
        why.others.iter().map(|it| (it.mechanism, it.state)).collect::<Vec<_>>(),
        [(InForce::PodIdentity, UnusedState::Pending)]
    );
    let rows = inventory(&facts, &snapshot.iam);
    assert!(rows.irsa.iter().any(|it| it.service_account == "ledger" && it.mark == Mark::Shadowed));
}

/// What other tools get wrong.
#[test]
fn a_deny_with_a_negated_operator_spares_whom_it_names() {
    let deny = |spared: &str| {
        json!([
            {"Effect": "Allow", "Principal": {"Federated": world::PROVIDER}, "Action": "sts:AssumeRoleWithWebIdentity",
             "Condition": {"StringEquals": {format!("{HOST}:aud"): "sts.amazonaws.com"}}},
            {"Effect": "Deny", "Principal": "*", "Action": "sts:*",
             "Condition": {"StringNotEquals": {format!("{HOST}:sub"): format!("system:serviceaccount:payments:{spared}")}}},
        ])
    };
    let statements = TRUST.trim_end_matches("/0");
    assert_eq!(World::with(|it| it.set(statements, deny("api"))).pod("api-0").1, Verdict::Yes);
    let other = World::with(|it| it.set(statements, deny("other")));
    assert_eq!(other.pod("api-0").1, Verdict::No);
    assert!(other.findings().contains(&"irsa-explicit-deny"));
}

#[test]
fn a_wildcard_goes_across_slashes() {
    // The target trusts whatever role lives below a path.
    let trust = |pattern: &str| {
        json!({"Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": ["sts:AssumeRole", "sts:TagSession"],
            "Condition": {"ArnLike": {"aws:PrincipalArn": pattern}}}]})
    };
    let world = |pattern: &'static str| {
        let mut world = World::new();
        world.target(trust(pattern));
        world
    };
    assert_eq!(world("arn:aws:iam::111122223333:role/pods/*").pod("ledger-0").1, Verdict::Yes);
    assert_eq!(world("arn:aws:iam::111122223333:role/*dger").pod("ledger-0").1, Verdict::Yes);
    assert_eq!(world("arn:aws:iam::111122223333:role/other/*").pod("ledger-0").1, Verdict::No);
}

#[test]
fn a_cluster_of_another_partition_is_answered_in_its_own() {
    let text = World::new().0.to_string().replace("arn:aws:", "arn:aws-us-gov:").replace("eu-west-1", "us-gov-west-1");
    let world = World(serde_json::from_str(&text).unwrap());
    assert_eq!(world.findings(), Vec::<&str>::new());
    assert_eq!(world.pod("api-0"), (InForce::Irsa, Verdict::Yes));
    assert_eq!(world.pod("ledger-0"), (InForce::PodIdentity, Verdict::Yes));
    // A role of the other partition is none of this account's, whatever its number.
    let mut world = world;
    world.set(&format!("{}/annotations", world::API_SA_META), json!({"eks.amazonaws.com/role-arn": API}));
    assert_eq!(world.account("api").1, Verdict::Unknown);
}

#[rstest]
#[case::no_json("no JSON at all {")]
#[case::a_number("17")]
#[case::empty("")]
fn a_trust_policy_that_cannot_be_made_out_is_not_known(#[case] text: &str) {
    let world = World::with(|it| it.set(&format!("{}/AssumeRolePolicyDocument", world::API_ROLE), json!(text)));
    assert_eq!(world.pod("api-0").1, Verdict::Unknown);
    let (facts, snapshot) = (world.facts(), world.snapshot());
    let workloads = Workloads::new(&facts, &snapshot.iam);
    let why = workloads.why_account("payments", "api").unwrap();
    assert!(why.answer.because.contains("cannot be made out"), "{}", why.answer.because);
}

#[test]
fn a_trust_policy_encoded_twice_or_very_long_is_read() {
    let encode = |text: &str| -> String {
        text.bytes()
            .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
            .collect()
    };
    let path = format!("{}/AssumeRolePolicyDocument", world::API_ROLE);
    let own = World::new().0.pointer(&path).unwrap().to_string();
    let world = World::with(|it| it.set(&path, json!(encode(&encode(&own)))));
    assert_eq!(world.pod("api-0").1, Verdict::Yes);
    // 20 kB of statements for others, then the one that counts.
    let mut statements: Vec<Value> = (0..80)
        .map(|n| {
            let subject = format!("system:serviceaccount:team-{n}:{}", "x".repeat(120));
            json!({"Effect": "Allow", "Principal": {"Federated": world::PROVIDER}, "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {"StringEquals": {format!("{HOST}:sub"): subject, format!("{HOST}:aud"): "sts.amazonaws.com"}}})
        })
        .collect();
    statements.push(World::new().0.pointer(TRUST).unwrap().clone());
    let long = json!({"Version": "2012-10-17", "Statement": statements});
    assert!(long.to_string().len() > 20_000);
    assert_eq!(World::with(|it| it.set(&path, long.clone())).pod("api-0").1, Verdict::Yes);
}

#[rstest]
#[case::a_bare_name("payments-api")]
#[case::a_user("arn:aws:iam::111122223333:user/api")]
#[case::a_session("arn:aws:sts::111122223333:assumed-role/api/s")]
#[case::blanks(" arn:aws:iam::111122223333:role/api ")]
#[case::signs("arn:aws:iam::111122223333:role/\u{202e}api\u{1b}[31m")]
fn an_annotation_that_is_no_arn_of_a_role_never_works(#[case] arn: &str) {
    let world = World::with(|it| {
        it.set(&format!("{}/annotations", world::API_SA_META), json!({"eks.amazonaws.com/role-arn": arn}))
    });
    assert_eq!(world.account("api"), (InForce::Irsa, Verdict::No));
    assert!(world.findings().contains(&"irsa-annotation-no-arn"));
}

#[test]
fn an_empty_annotation_is_none_to_the_webhook() {
    let world = World::with(|it| {
        it.set(&format!("{}/annotations", world::API_SA_META), json!({"eks.amazonaws.com/role-arn": ""}));
    });
    assert_eq!(world.account("api"), (InForce::NodeRole, Verdict::Unknown));
    assert!(world.findings().contains(&"irsa-annotation-no-arn"));
    let rows = inventory(&world.facts(), &world.snapshot().iam).irsa;
    assert_eq!(rows.iter().find(|it| it.service_account == "api").map(|it| it.mark), Some(Mark::Dead));
}

#[test]
fn where_iam_is_refused_bindings_are_listed_and_not_known() {
    let refused = json!({"state": "refused", "failure": {"kind": "refused", "permission": "iam:GetAccountAuthorizationDetails",
        "doing": "read the roles, users, groups and policies", "on": "", "code": "AccessDenied", "message": "no"}});
    let world = World::with(|it| {
        it.set("/iam", json!({}));
        for section in ["roles", "users", "groups", "policies", "oidcProviders", "instanceProfiles"] {
            it.set(&format!("/sections/iam~1{section}"), refused.clone());
        }
    });
    let (facts, snapshot) = (world.facts(), world.snapshot());
    let rows = inventory(&facts, &snapshot.iam);
    assert_eq!((rows.irsa.len(), rows.pod_identity.len()), (1, 1));
    for (mark, because) in rows
        .irsa
        .iter()
        .map(|it| (it.mark, &it.because))
        .chain(rows.pod_identity.iter().map(|it| (it.mark, &it.because)))
    {
        assert_eq!(mark, Mark::Unknown);
        assert!(because.contains("GetAccountAuthorizationDetails"), "{because}");
    }
    assert_eq!(world.findings(), Vec::<&str>::new(), "ignorance is no defect");
    assert_eq!(world.pod("api-0"), (InForce::Irsa, Verdict::Unknown));
}

#[test]
fn a_role_of_another_account_cannot_be_verified_and_that_is_said() {
    let arn = "arn:aws:iam::999988887777:role/theirs";
    let world = World::with(|it| {
        it.set(&format!("{}/annotations", world::API_SA_META), json!({"eks.amazonaws.com/role-arn": arn}))
    });
    assert_eq!(world.account("api"), (InForce::Irsa, Verdict::Unknown));
    let (facts, snapshot) = (world.facts(), world.snapshot());
    let why = Workloads::new(&facts, &snapshot.iam).why_account("payments", "api").unwrap();
    assert!(why.answer.because.contains("another account's") && why.answer.because.contains("cannot be verified"));
}

/// Whether the agent runs: by the add-on, the DaemonSet (how many of its pods are ready; `None`: it is not there), a pod.
#[rstest]
#[case::all_is_well(true, Some(Some(1)), true, Verdict::Yes, "")]
#[case::installed_otherwise(false, Some(Some(1)), true, Verdict::Yes, "")]
#[case::no_daemon_sets_were_read(true, None, true, Verdict::Yes, "")]
#[case::none_is_ready(true, Some(Some(0)), false, Verdict::No, "none of its 1 pods ready")]
#[case::the_add_on_alone(true, Some(None), false, Verdict::No, "neither its DaemonSet in kube-system nor a pod")]
#[case::the_add_on_and_nothing_read(true, None, false, Verdict::Unknown, "whether its DaemonSet runs is not known")]
#[case::nothing_of_it(false, Some(None), false, Verdict::No, "neither the add-on")]
#[case::nothing_of_it_and_nothing_read(false, None, false, Verdict::No, "neither the add-on")]
fn the_agent_is_there_by_what_was_read_of_it(
    #[case] addon: bool,
    #[case] daemon_set: Option<Option<u32>>,
    #[case] pod: bool,
    #[case] outcome: Verdict,
    #[case] because: &str,
) {
    let world = World::with(|it| {
        if !addon {
            it.set(world::ADDONS, json!([]));
        }
        match daemon_set {
            Some(Some(ready)) => it.push(
                "/clusters/0/kubernetes",
                json!({"apiVersion": "apps/v1", "kind": "DaemonSet",
                    "metadata": {"name": "eks-pod-identity-agent", "namespace": "kube-system"},
                    "status": {"desiredNumberScheduled": 1, "currentNumberScheduled": 1, "numberReady": ready}}),
            ),
            Some(None) => it.set("/sections/c~1daemonSets", json!({"state": "empty"})),
            None => {}
        }
        if !pod {
            it.remove(world::AGENT_POD);
        }
    });
    let (facts, snapshot) = (world.facts(), world.snapshot());
    let why = Workloads::new(&facts, &snapshot.iam).why_account("payments", "ledger").unwrap();
    assert_eq!(why.answer.outcome, outcome, "{}", why.answer.because);
    assert!(why.answer.because.contains(because), "{}", why.answer.because);
}

#[test]
fn where_pods_are_refused_the_daemon_set_tells_of_the_agent() {
    let of = |daemon_set: bool| {
        let world = World::with(|it| {
            it.set(world::ADDONS, json!([]));
            it.set(
                "/sections/c~1pods",
                json!({"state": "refused", "failure": {"kind": "refused", "permission": "list pods",
                "doing": "list pods", "on": "", "code": "Forbidden", "message": "no"}}),
            );
            match daemon_set {
                true => it.push(
                    "/clusters/0/kubernetes",
                    json!({"apiVersion": "apps/v1", "kind": "DaemonSet",
                    "metadata": {"name": "eks-pod-identity-agent", "namespace": "kube-system"}}),
                ),
                false => it.set("/sections/c~1daemonSets", json!({"state": "empty"})),
            }
            for _ in 0..3 {
                it.remove("/clusters/0/kubernetes/4");
            }
        });
        world.account("ledger").1
    };
    assert_eq!((of(true), of(false)), (Verdict::Yes, Verdict::Unknown));
}

#[test]
fn where_the_associations_are_refused_an_annotation_may_be_overridden() {
    let world = World::with(|it| {
        it.remove("/clusters/0/podIdentityAssociations");
    });
    assert_eq!(world.account("api"), (InForce::Irsa, Verdict::Unknown));
    assert_eq!(world.pod("api-0"), (InForce::Irsa, Verdict::Yes), "a pod's own environment says it all");
    assert_eq!(world.pod("ledger-0").1, Verdict::Unknown);
}

#[test]
fn who_becomes_a_role_is_told_from_both_sides() {
    let world = World::new();
    let (facts, snapshot) = (world.facts(), world.snapshot());
    let workloads = Workloads::new(&facts, &snapshot.iam);
    let of = |arn: &str| {
        let why = workloads.why_role(&Principal::from_arn(arn).unwrap().0);
        let holders: Vec<_> = why.holders.iter().map(|it| (it.kind.as_str(), it.name.clone(), it.outcome)).collect();
        (why.answer.outcome, holders)
    };
    let (outcome, holders) = of(API);
    assert_eq!(outcome, Verdict::Yes);
    assert_eq!(
        holders[..2],
        [
            ("pod", "payments/api-0".to_owned(), Verdict::Yes),
            ("service-account", "payments/api".to_owned(), Verdict::Yes),
        ]
    );
    let (outcome, holders) = of("arn:aws:iam::111122223333:role/node");
    assert_eq!(outcome, Verdict::Yes);
    let kinds: Vec<_> = holders.iter().map(|(kind, ..)| *kind).collect();
    assert_eq!(kinds, ["pod", "node-group", "instance-profile", "service"]);
    assert_eq!(of("arn:aws:iam::111122223333:role/nobody").0, Verdict::No);
    assert_eq!(of("arn:aws:iam::999988887777:role/theirs").0, Verdict::Unknown);
}

/// A role that leaves it to the account, beside one role and one user with these policies.
fn left_to_the_account(role_policy: Value, user: Value, conditions: Value) -> Vec<(String, Verdict, String)> {
    let world = World::with(|it| {
        let mut statement = json!({"Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": {"AWS": "arn:aws:iam::111122223333:root"}});
        statement["Condition"] = conditions;
        it.push(
            "/iam/RoleDetailList",
            json!({"RoleName": "admin", "Arn": "arn:aws:iam::111122223333:role/admin",
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [statement]}}),
        );
        it.push(
            "/iam/RoleDetailList",
            json!({"RoleName": "ops", "Arn": "arn:aws:iam::111122223333:role/teams/ops",
            "RolePolicyList": [{"PolicyName": "own", "PolicyDocument": {"Statement": [role_policy]}}]}),
        );
        it.set("/iam/UserDetailList", json!([user]));
        it.set(
            "/iam/GroupDetailList",
            json!([{"GroupName": "admins", "Arn": "arn:aws:iam::111122223333:group/admins",
            "AttachedManagedPolicies": [{"PolicyName": "AdministratorAccess",
                "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}]}]),
        );
    });
    let (facts, snapshot) = (world.facts(), world.snapshot());
    let (admin, _) = Principal::from_arn("arn:aws:iam::111122223333:role/admin").unwrap();
    let why = Workloads::new(&facts, &snapshot.iam).why_role(&admin);
    let holders = why.holders.into_iter().filter(|it| it.kind.as_str() == "principal");
    holders.map(|it| (it.name, it.outcome, it.because)).collect()
}

fn may_assume(resource: &str) -> Value {
    json!({"Effect": "Allow", "Action": "sts:Assume*", "Resource": resource})
}

fn user(groups: &[&str]) -> Value {
    json!({"UserName": "ana", "Arn": "arn:aws:iam::111122223333:user/ana", "GroupList": groups,
        "UserPolicyList": [{"PolicyName": "own", "PolicyDocument": {"Statement":
            [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}}]})
}

#[test]
fn where_the_account_decides_those_whose_own_policies_allow_it_are_found() {
    const ROOT: &str = "arn:aws:iam::111122223333:root";
    const OPS: &str = "arn:aws:iam::111122223333:role/teams/ops";
    const ANA: &str = "arn:aws:iam::111122223333:user/ana";
    let admin = may_assume("arn:aws:iam::111122223333:role/admin");
    let mfa = json!({"Bool": {"aws:MultiFactorAuthPresent": "true"}});
    let ops_only = json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/teams/*"}});
    let conditional =
        json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"Bool": {"aws:x": "true"}}});
    let rows = [
        (admin.clone(), user(&[]), json!({}), vec![(OPS, Verdict::Yes)]),
        (admin.clone(), user(&["admins"]), json!({}), vec![(OPS, Verdict::Yes), (ANA, Verdict::Yes)]),
        // The name of another role is not this one's; nobody is left, and the root itself assumes no role.
        (may_assume("arn:aws:iam::111122223333:role/admin2"), user(&[]), json!({}), vec![(ROOT, Verdict::No)]),
        // What the trust policy asks beside is asked of each.
        (admin.clone(), user(&["admins"]), ops_only, vec![(OPS, Verdict::Yes)]),
        (admin.clone(), user(&[]), mfa, vec![(OPS, Verdict::Unknown)]),
        // What is not known of one makes it not known of the account.
        (conditional, user(&[]), json!({}), vec![(ROOT, Verdict::Unknown)]),
        (admin, user(&["gone"]), json!({}), vec![(OPS, Verdict::Yes), (ROOT, Verdict::Unknown)]),
    ];
    for (role_policy, user, conditions, wanted) in rows {
        let what = format!("{role_policy} {user} {conditions}");
        let found = left_to_the_account(role_policy, user, conditions);
        let found: Vec<_> = found.iter().map(|(name, outcome, _)| (name.as_str(), *outcome)).collect();
        assert_eq!(found, wanted, "{what}");
    }
}

#[test]
fn a_provider_without_its_client_ids_is_not_known() {
    let world = World::with(|it| it.set(CLIENTS, json!([])));
    assert_eq!(world.pod("api-0").1, Verdict::Unknown);
    assert_eq!(world.findings(), Vec::<&str>::new());
}

//! Laws of the webhook's patch, over generated pods; and how the annotation that skips containers is read.

use std::collections::BTreeMap;

use eksplorer::access::workload::credential_chain::identities;
use eksplorer::access::workload::webhook::{Patch, apply, skipped_names, strip};
use eksplorer::model::workload::{Container, Pod, ServiceAccount};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

/// Go's `encoding/csv`, `Reader.Read` on the first record: no trimming, quotes only around a whole field, `\r\n` as `\n`.
#[rstest]
#[case::one("main", &["main"])]
#[case::two("main,side", &["main", "side"])]
#[case::blanks_count("main, side ", &["main", " side "])]
#[case::quoted("\"main\",side", &["main", "side"])]
#[case::a_comma_in_quotes("\"a,b\",side", &["a,b", "side"])]
#[case::doubled_quotes("\"a\"\"b\"", &["a\"b"])]
#[case::a_line_in_quotes("\"a\nb\",c", &["a\nb", "c"])]
#[case::not_closed("\"main", &[])]
#[case::a_bare_quote("ma\"in,side", &[])]
#[case::text_after_a_quote("\"main\"x,side", &[])]
#[case::the_first_record_alone("main\nside", &["main"])]
#[case::a_carriage_return("main\r\nside", &["main"])]
#[case::one_at_the_end("main\r", &["main"])]
#[case::empty_lines_before("\n\r\nmain", &["main"])]
#[case::nothing("", &[])]
#[case::lines_alone("\n\n", &[])]
#[case::a_last_comma("main,", &["main", ""])]
#[case::no_comments("# main", &["# main"])]
#[case::no_patterns("m*", &["m*"])]
#[case::a_fault_in_a_later_record("main\n\"x", &["main"])]
fn the_names_to_skip_are_a_record_of_csv(#[case] annotation: &str, #[case] names: &[&str]) {
    assert_eq!(skipped_names(annotation), names);
}

fn account(annotations: &[(&str, &str)]) -> ServiceAccount {
    let mut it = ServiceAccount::default();
    it.metadata.annotations =
        annotations.iter().map(|(key, value)| (format!("eks.amazonaws.com/{key}"), (*value).to_owned())).collect();
    it
}

/// What the webhook may have written or may write: nothing, IRSA by two roles and audiences, Pod Identity.
fn patch(which: usize) -> Option<Patch> {
    let region = Some("eu-west-1");
    match which {
        0 => None,
        1 => Some(Patch::irsa("arn:aws:iam::111122223333:role/a", &account(&[]), region)),
        2 => Some(Patch::irsa("arn:aws:iam::111122223333:role/b", &account(&[("audience", "corp")]), region)),
        _ => Some(Patch::pod_identity("169.254.170.23", Some(&account(&[])), region)),
    }
}

fn patched(which: usize, pod: &Pod) -> Pod {
    patch(which).map_or_else(|| pod.clone(), |it| apply(&it, pod))
}

const VALUES: [(&str, &[&str]); 9] = [
    ("AWS_ACCESS_KEY_ID", &["", "AKIA"]),
    ("AWS_SECRET_ACCESS_KEY", &["", "s"]),
    ("AWS_ROLE_ARN", &["", "arn:aws:iam::111122223333:role/hand", "$(OTHER)"]),
    ("AWS_WEB_IDENTITY_TOKEN_FILE", &["/var/run/secrets/eks.amazonaws.com/serviceaccount/token", "/tokens/mine"]),
    ("AWS_CONTAINER_CREDENTIALS_FULL_URI", &["http://169.254.170.23/v1/credentials", "http://localhost/"]),
    (
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        &["/var/run/secrets/pods.eks.amazonaws.com/serviceaccount/eks-pod-identity-token", "/x"],
    ),
    ("AWS_STS_REGIONAL_ENDPOINTS", &["regional", "legacy"]),
    ("AWS_REGION", &["eu-west-1"]),
    ("LOG", &["debug"]),
];

prop_compose! {
    fn variable()(name in 0..VALUES.len(), value in 0usize..3, secret in prop::bool::weighted(0.1)) -> Value {
        let (name, values) = VALUES[name];
        if secret {
            json!({"name": name, "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}})
        } else {
            json!({"name": name, "value": values[value % values.len()]})
        }
    }
}

prop_compose! {
    /// As a template has it: volumes of the API server first, mounts recorded.
    fn written()(
        envs in prop::collection::vec(prop::collection::vec(variable(), 0..6), 1..4),
        skip in prop::option::weighted(0.3, prop::sample::select(vec!["c0", "c0,c1", "\"c1\"", " c0", "c0\nc1", "\"c0"])),
        label in prop::bool::weighted(0.1),
        windows in prop::bool::weighted(0.1),
        volume in prop::option::weighted(0.1, prop::sample::select(vec!["aws-iam-token", "eks-pod-identity-token"])),
    ) -> Pod {
        let containers: Vec<Value> = envs.into_iter().enumerate().map(|(at, env)| json!({
            "name": format!("c{at}"), "env": env,
            "volumeMounts": [{"name": "api", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}]})).collect();
        let mut volumes = vec![json!({"name": "api", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}})];
        volumes.extend(volume.map(|it| json!({"name": it, "emptyDir": {}})));
        let labels: BTreeMap<&str, &str> =
            label.then_some(("eks.amazonaws.com/skip-pod-identity-webhook", "")).into_iter().collect();
        let annotations: BTreeMap<&str, &str> =
            skip.map(|it| ("eks.amazonaws.com/skip-containers", it)).into_iter().collect();
        let selector = if windows { json!({"kubernetes.io/os": "windows"}) } else { json!({}) };
        let pod = json!({"metadata": {"name": "p", "labels": labels, "annotations": annotations},
            "spec": {"containers": containers, "volumes": volumes, "nodeSelector": selector}});
        serde_json::from_value(pod).expect("a pod")
    }
}

/// Before its pair the webhook appends this one, where a container lacks it. (It also appends both variables of the region,
/// which no template here has.)
fn ends_as_the_webhook_appends(container: &Container) -> bool {
    container
        .env
        .last()
        .is_some_and(|it| it.name == "AWS_STS_REGIONAL_ENDPOINTS" && it.value.as_deref() == Some("regional"))
}

/// Templates of which a stored pod tells who wrote what.
fn written_apart() -> impl Strategy<Value = Pod> {
    written().prop_map(|mut pod| {
        for container in &mut pod.spec.containers {
            while ends_as_the_webhook_appends(container) {
                container.env.pop();
            }
        }
        pod
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(
        std::env::var("EKSPLORER_WEBHOOK_CASES").ok().and_then(|it| it.parse().ok()).unwrap_or(256)
    ))]

    #[test]
    fn patching_twice_is_patching_once(raw in written(), which in 0usize..4) {
        let once = patched(which, &raw);
        prop_assert_eq!(&patched(which, &once), &once);
    }

    #[test]
    fn what_is_skipped_keeps_its_environment(raw in written(), which in 0usize..4) {
        let label = raw.metadata.labels.contains_key("eks.amazonaws.com/skip-pod-identity-webhook");
        let names = raw.metadata.annotations.get("eks.amazonaws.com/skip-containers").map(|it| skipped_names(it));
        let after = patched(which, &raw);
        for (a, b) in raw.spec.containers.iter().zip(&after.spec.containers) {
            if label || names.iter().flatten().any(|it| *it == a.name) {
                prop_assert_eq!(a, b);
            }
            // Nothing that was there is changed or moved.
            prop_assert_eq!(&a.env[..], &b.env[..a.env.len()]);
        }
    }

    /// A pod that was patched then and is recreated now gets what it would get had it been written today. Left out: templates
    /// with a variable where the webhook would have appended it, of which a stored pod cannot tell who wrote it.
    #[test]
    fn a_recreated_pod_is_as_one_that_is_created_today(raw in written_apart(), then in 0usize..4, now in 0usize..4) {
        let recreated = patched(now, &strip(&patched(then, &raw)).pod);
        let today = patched(now, &raw);
        prop_assert_eq!(identities(&recreated), identities(&today));
    }
}

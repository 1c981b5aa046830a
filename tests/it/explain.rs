//! Messages as people paste them, what is made of them, and the walks on the demo world.

mod aws;
mod messages;

use std::sync::LazyLock;

use eksplorer::access::Verdict;
use eksplorer::access::explain::fix::FixKind;
use eksplorer::access::explain::message::{By, Message};
use eksplorer::access::explain::{Explanation, Ground, StepName, StepState, read_message, tidy};
use eksplorer::edit::fix::{Explained, Fix};
use eksplorer::model::cluster::ClusterId;
use eksplorer::model::facts::snapshot_of;
use eksplorer::model::failure::Failure;
use eksplorer::model::principal::Asked;
use eksplorer::model::snapshot::{Section, Snapshot, Source};
use proptest::prelude::*;

use crate::stage::{file, refused};

/// What was recognised, in one line that holds every part.
fn told(message: &Message) -> String {
    let kind = message.kind();
    match message {
        Message::Forbidden(it) => {
            let reason = if it.reason.is_empty() { String::new() } else { format!(" [{}]", it.reason) };
            let dangling: Vec<String> = it.dangling.iter().map(|(kind, name)| format!(" !{kind}/{name}")).collect();
            format!("{kind} {}: {}{reason}{}", it.username, it.request, dangling.concat())
        }
        Message::Unauthorized { asked, .. } => {
            format!("{kind} {}", asked.as_ref().map(|it| it.arn()).unwrap_or_default())
        }
        Message::Credentials { fault, .. } => format!("{kind} {}", fault.sentence()),
        Message::CanI(it) => format!(
            "{kind} {} {}/{}/{} n={:?} A={} as={:?} {:?} {:?} {}",
            it.verb,
            it.resource,
            it.subresource,
            it.name,
            it.namespace.as_deref().unwrap_or_default(),
            it.all_namespaces,
            it.as_user.as_deref().unwrap_or_default(),
            it.as_groups,
            it.answer,
            it.reason
        ),
        Message::Iam(it) => format!("{kind} {} {} on {} {}", it.user, it.action, it.resource, it.because),
        Message::Admission(it) => format!("{kind} {:?} on {}: {}", it.by, it.object, it.said),
        Message::Escalation(it) => {
            format!("{kind} {} {:?} {}: {}", it.username, it.groups, it.object, it.missing.len())
        }
        other => format!("{kind} {other:?}"),
    }
}

/// The message alone.
fn read(text: &str) -> Result<Message, eksplorer::access::explain::message::Unrecognized> {
    read_message(text).map(|it| it.message)
}

const JANE: &str = "arn:aws:sts::111122223333:assumed-role/deployer/jane";

/// The text, and what is to be made of it.
fn forms() -> Vec<(String, String)> {
    let forbidden = format!("forbidden {JANE}: list pods in payments");
    let modern = |user: &str| {
        format!("User {user} cannot list resource \"pods\" in API group \"\" in the namespace \"payments\"")
    };
    let quoted = format!("\"{JANE}\"");
    let whole = modern(&quoted);
    let table: Vec<(String, &str)> = vec![
        (format!("pods is forbidden: {whole}"), &forbidden),
        (format!("Error from server (Forbidden): pods is forbidden: {whole}\n"), &forbidden),
        (format!("Error: UPGRADE FAILED: query: failed to query with labels: pods is forbidden: {whole}"), &forbidden),
        (format!("W1124 06:00:00 reflector.go:1] failed to list *v1.Pod: pods is forbidden: {whole}\nexit status 1"), &forbidden),
        // As a terminal of few columns wraps it, in the midst of words too.
        (
            "Error from server (Forbidden): pods is forbidden: User \"arn:aws:sts::11112222\n3333:assumed-role/deployer/jane\" \
             can\nnot list reso\nurce \"pods\" in API group \"\" in the\nnamespace \"pay\nments\""
                .to_owned(),
            &forbidden,
        ),
        // A tool's frame.
        (
            format!("\u{1b}[31m╷\u{1b}[0m\n│ Error: pods is forbidden: User \"{JANE}\" cannot list\n│ resource \"pods\" in API group \"\" in the namespace\n│ \"payments\"\n╵"),
            &forbidden,
        ),
        // Out of JSON, a mail, a web page, a chat, and where quotation marks were lost.
        (format!("{{\"message\":\"pods is forbidden: {}\",\"reason\":\"Forbidden\"}}", whole.replace('"', "\\\"")), &forbidden),
        (format!("> pods is forbidden: {}", whole.replace(" cannot", "\n> cannot")), &forbidden),
        (format!("pods is forbidden: {}", whole.replace('"', "&quot;")), &forbidden),
        (format!("pods is forbidden: User \u{201c}{JANE}\u{201d} cannot list resource \u{201c}pods\u{201d} in API group \u{201c}\u{201d} in the namespace \u{201c}payments\u{201d}"), &forbidden),
        (format!("'pods is forbidden: {}'", whole.replace('"', "'")), &forbidden),
        (format!("pods is forbidden: {}", whole.replace('"', "")), &forbidden),
        (
            "secrets \"db\" is forbidden: User \"system:serviceaccount:a:b\" cannot get resource \"secrets\" in API group \"\" in the namespace \"a\"".into(),
            "forbidden system:serviceaccount:a:b: get secrets db in a",
        ),
        (
            "deployments.apps \"web\" is forbidden: User \"x\" cannot patch resource \"deployments/scale\" in API group \"apps\" in the namespace \"a\"".into(),
            "forbidden x: patch deployments.apps/scale web in a",
        ),
        (
            "pods \"web-1\" is forbidden: User \"x y\" cannot create resource \"pods/exec\" in API group \"\" in the namespace \"a\"".into(),
            "forbidden x y: create pods/exec web-1 in a",
        ),
        (
            "nodes is forbidden: User \"x\" cannot list resource \"nodes\" in API group \"\" at the cluster scope".into(),
            "forbidden x: list nodes",
        ),
        ("forbidden: User \"x\" cannot get path \"/metrics\"".into(), "forbidden x: get /metrics"),
        (
            "pods is forbidden: User \"x\" cannot list resource \"pods\" in API group \"\" at the cluster scope: RBAC: clusterrole.rbac.authorization.k8s.io \"gone\" not found".into(),
            "forbidden x: list pods [RBAC: clusterrole.rbac.authorization.k8s.io \"gone\" not found] !ClusterRole/gone",
        ),
        (
            "pods is forbidden: User \"x\" cannot list resource \"pods\" in API group \"\" in the namespace \"a\": RBAC: [role.rbac.authorization.k8s.io \"r\" not found, clusterrole.rbac.authorization.k8s.io \"c\" not found]".into(),
            "forbidden x: list pods in a [RBAC: [role.rbac.authorization.k8s.io \"r\" not found, clusterrole.rbac.authorization.k8s.io \"c\" not found]] !Role/r !ClusterRole/c",
        ),
        // As API servers before 1.12 wrote it.
        ("User \"x\" cannot list pods at the cluster scope.".into(), "forbidden x: list pods"),
        ("User \"x\" cannot list pods.metrics.k8s.io in the namespace \"a\"".into(), "forbidden x: list pods.metrics.k8s.io in a"),
        ("User \"x\" cannot create pods/exec in the namespace \"a\".: \"No policy matched.\"".into(), "forbidden x: create pods/exec in a"),
        (
            "users \"jane\" is forbidden: User \"ann\" cannot impersonate resource \"users\" in API group \"\" at the cluster scope".into(),
            "forbidden ann: impersonate users jane",
        ),
        ("error: You must be logged in to the server (Unauthorized)".into(), "unauthorized "),
        ("error: You must be logged in to the server (the server has asked for the client to provide credentials)".into(), "unauthorized "),
        ("couldn't get current server API group list: the server has asked for the client to\nprovide credentials".into(), "unauthorized "),
        (format!("Unauthorized ({JANE})"), "unauthorized arn:aws:sts::111122223333:assumed-role/deployer/jane"),
        (format!("{JANE} gets Unauthorized"), "unauthorized arn:aws:sts::111122223333:assumed-role/deployer/jane"),
        ("Unable to connect to the server: getting credentials: exec: executable aws failed with exit code 255".into(), "credentials the program that fetches a token for kubectl failed"),
        ("An error occurred (ExpiredToken) when calling the GetCallerIdentity operation".into(), "credentials the AWS credentials have expired"),
        ("The config profile (prod) could not be found".into(), "credentials the AWS profile does not exist"),
        (
            "$ kubectl auth can-i list pods -n payments --as jane --as-group devs --as-group=ops\nno".into(),
            "can-i list pods// n=\"payments\" A=false as=\"jane\" [\"devs\", \"ops\"] Some(false) ",
        ),
        (
            "kubectl auth can-i get pods --subresource=log -A\nyes\n$".into(),
            "can-i get pods/log/ n=\"\" A=true as=\"\" [] Some(true) ",
        ),
        (
            "kubectl --context prod -n blue auth can-i delete jobs.batch/nightly\nWarning: something\nno - RBAC: clusterrole \"x\" not found".into(),
            "can-i delete jobs.batch//nightly n=\"blue\" A=false as=\"\" [] Some(false) RBAC: clusterrole \"x\" not found",
        ),
        ("kubectl auth can-i get /metrics".into(), "can-i get /metrics// n=\"\" A=false as=\"\" [] None "),
        ("kubectl auth can-i \\\n  list pods -n blue\nno".into(), "can-i list pods// n=\"blue\" A=false as=\"\" [] Some(false) "),
        ("kubectl auth can-i list pods -n blue no".into(), "can-i list pods// n=\"blue\" A=false as=\"\" [] Some(false) "),
        (
            format!("An error occurred (AccessDeniedException) when calling the DescribeCluster operation: User: {JANE} is not authorized to perform: eks:DescribeCluster on resource: arn:aws:eks:eu-west-1:111122223333:cluster/c because no identity-based policy allows the eks:DescribeCluster action"),
            "iam arn:aws:sts::111122223333:assumed-role/deployer/jane eks:DescribeCluster on arn:aws:eks:eu-west-1:111122223333:cluster/c because no identity-based policy allows the eks:DescribeCluster action",
        ),
        (
            format!("User: {JANE} is not author\nized to perform: eks:Descr\nibeCluster on resource: arn:aws:eks:eu-west-1:111122223333:cluster/c with an explicit deny in a service control policy"),
            "iam arn:aws:sts::111122223333:assumed-role/deployer/jane eks:DescribeCluster on arn:aws:eks:eu-west-1:111122223333:cluster/c with an explicit deny in a service control policy",
        ),
        (format!("User: {JANE} is not authorized to perform: eks:ListClusters"), "iam arn:aws:sts::111122223333:assumed-role/deployer/jane eks:ListClusters on  "),
        ("Not authorized to perform sts:AssumeRoleWithWebIdentity".into(), "iam  sts:AssumeRoleWithWebIdentity on  "),
        (
            "Error from server (Forbidden): error when creating \"x.yaml\": pods \"web\" is forbidden: violates PodSecurity \"restricted:latest\": privileged (container \"c\" must not)".into(),
            "admission PodSecurity { level: \"restricted:latest\" } on pods \"web\": privileged (container \"c\" must not)",
        ),
        (
            "pods \"web\" is forbidden: exceeded quota: compute, requested: pods=1, used: pods=10, limited: pods=10".into(),
            "admission Quota { name: \"compute\" } on pods \"web\": requested: pods=1, used: pods=10, limited: pods=10",
        ),
        (
            "Error from server: error when creating \"x.yaml\": admission webhook \"validate.kyverno.svc-fail\" denied the request: no".into(),
            "admission Webhook { name: \"validate.kyverno.svc-fail\" } on : no",
        ),
        (
            "Internal error occurred: failed calling webhook \"x.y.z\": context deadline exceeded".into(),
            "admission WebhookFailed { name: \"x.y.z\" } on : context deadline exceeded",
        ),
        (
            "deployments.apps \"web\" is forbidden: ValidatingAdmissionPolicy 'p.example.com' with binding 'b' denied request: too many".into(),
            "admission Policy { name: \"p.example.com\", binding: \"b\" } on deployments.apps \"web\": too many",
        ),
        (
            "pods \"web\" is forbidden: unable to create new content in namespace blue because it is being terminated".into(),
            "admission Terminating { namespace: \"blue\" } on pods \"web\": it is being terminated",
        ),
        (
            "pods \"web\" is forbidden: maximum cpu usage per Container is 1, but limit is 2".into(),
            "admission LimitRange on pods \"web\": maximum cpu usage per Container is 1, but limit is 2",
        ),
        (
            "pods \"web\" is forbidden: error looking up service account blue/gone: serviceaccount \"gone\" not found".into(),
            "admission ServiceAccount { name: \"blue/gone\" } on pods \"web\": serviceaccount \"gone\" not found",
        ),
        (
            "nodes \"a\" is forbidden: node \"b\" is not allowed to modify node \"a\"".into(),
            "admission NodeRestriction on nodes \"a\": node \"b\" is not allowed to modify node \"a",
        ),
        (
            "namespaces \"kube-system\" is forbidden: this namespace may not be deleted".into(),
            "admission Other on namespaces \"kube-system\": this namespace may not be deleted",
        ),
        (
            "roles.rbac.authorization.k8s.io \"x\" is forbidden: user \"zoe\" (groups=[\"support\" \"system:authenticated\"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[\"\"], Resources:[\"pods\"], Verbs:[\"get\" \"list\"]}\n{NonResourceURLs:[\"/metrics\"], Verbs:[\"get\"]}".into(),
            "escalation zoe [\"support\", \"system:authenticated\"] roles.rbac.authorization.k8s.io \"x\": 2",
        ),
    ];
    table.into_iter().map(|(text, told)| (text, told.to_owned())).collect()
}

#[test]
fn messages_are_recognised_in_every_form() {
    let wrong: Vec<String> = forms()
        .into_iter()
        .filter_map(|(text, expected)| {
            let got = read(&text).map_or_else(|error| error.to_string(), |it| told(&it));
            (got != expected).then(|| format!("{text}\n  gave   {got}\n  wanted {expected}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(forms().len() >= 25);
}

#[test]
fn a_message_in_one_line_is_recognised_as_the_same_kind_of_the_same_user() {
    for (text, _) in forms() {
        let (whole, line) = (read(&text).expect(&text), tidy(&text));
        assert!(!line.contains('\n'));
        let again = read(&line).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert_eq!((again.kind(), again.asked()), (whole.kind(), whole.asked()), "{line}");
        if let (Message::Forbidden(one), Message::Forbidden(other)) = (&whole, &again)
            && !text.contains("reso\nurce")
        {
            assert_eq!(one.request, other.request, "{line}");
        }
    }
}

#[test]
fn what_is_no_whole_message_says_what_was_recognised_and_what_was_not() {
    for (text, expected) in [
        (
            "pods is forbidden: User \"jane\"",
            "no known error message found; recognized: a refusal on pods, a user \"jane\"; not recognized: a verb, a resource, a namespace or the cluster's scope",
        ),
        (
            "User \"jane\" cannot list resource \"pods\" in API group \"\"",
            "no known error message found; recognized: a user \"jane\", a verb \"list\", a resource \"pods\"; not recognized: a namespace or the cluster's scope",
        ),
        (
            "User \"jane\" cannot list resource \"pods\"",
            "no known error message found; recognized: a user \"jane\", a verb \"list\", a resource \"pods\"; not recognized: an API group, a namespace or the cluster's scope",
        ),
        (
            "User \"jane\" cannot",
            "no known error message found; recognized: a user \"jane\"; not recognized: a verb, a resource",
        ),
        (
            "kubectl auth can-i list",
            "no known error message found; recognized: kubectl auth can-i, a verb \"list\"; not recognized: a resource",
        ),
        (
            "kubectl auth can-i --list",
            "no known error message found; recognized: kubectl auth can-i --list; not recognized: one request: a verb and a resource",
        ),
        (
            JANE,
            "no known error message found; recognized: a principal arn:aws:sts::111122223333:assumed-role/deployer/jane; not recognized: what was refused",
        ),
    ] {
        assert_eq!(read(text).map_err(|it| it.to_string()).map(|it| told(&it)), Err(expected.to_owned()));
    }
    for nothing in ["", " ", "hello", "deployer", "role/deployer", "unauthorizedly", "no", "User \"x\""] {
        let error = read(nothing).expect_err(nothing);
        assert!(error.recognized.is_empty(), "{nothing}: {error}");
    }
}

static ACME: LazyLock<Snapshot> = LazyLock::new(|| {
    let text = include_str!("../../assets/worlds/acme.yaml");
    snapshot_of(&eksplorer::model::document::read(text).expect("the world reads"), file())
});

fn id(name: &str) -> ClusterId {
    ClusterId { region: "eu-west-1".into(), name: name.into() }
}

/// An explanation with its fixes, narrow ones first.
struct Answered {
    explained: Explained,
    fix: Vec<Fix>,
}

impl std::ops::Deref for Answered {
    type Target = Explanation;

    fn deref(&self) -> &Explanation {
        &self.explained.explanation
    }
}

impl Answered {
    fn commands(&self, at: usize) -> String {
        self.fix[at].commands.join("\n")
    }

    fn notes(&self) -> Vec<&String> {
        self.notes.iter().chain(&self.explained.fixes.notes).collect()
    }
}

fn explain_on(snapshot: &Snapshot, cluster: &str, text: &str) -> Answered {
    let message = read_message(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let facts = snapshot.cluster(&id(cluster));
    let caller = snapshot.caller.value().and_then(|it| Asked::from_arn(&it.arn).ok());
    let cluster = id(cluster);
    let explained = Explained::new(&Ground::new(&facts, &snapshot.iam, &cluster, caller), &message);
    Answered { fix: explained.fixes.all().map(|(it, _)| it.clone()).collect(), explained }
}

fn explain(text: &str) -> Answered {
    explain_on(&ACME, "prod-eu1", text)
}

fn cannot(user: &str, verb: &str, resource: &str, group: &str, namespace: &str) -> String {
    let place =
        if namespace.is_empty() { "at the cluster scope".into() } else { format!("in the namespace {namespace:?}") };
    format!("x is forbidden: User {user:?} cannot {verb} resource {resource:?} in API group {group:?} {place}")
}

fn session(role: &str, name: &str) -> String {
    format!("arn:aws:sts::111122223333:assumed-role/{role}/{name}")
}

/// The verdict, the first step that fails, whom it is about, and which fixes are proposed but for the broader ones.
fn brief(it: &Answered) -> (Verdict, Option<StepName>, Vec<String>, Vec<FixKind>) {
    let principals = it.principals.iter().map(|it| it.asked.arn()).collect();
    (it.verdict, it.cause().map(|it| it.name), principals, it.explained.fixes.narrow.iter().map(|it| it.kind).collect())
}

#[test]
fn a_session_is_found_by_its_arn_and_gets_the_policy_it_has_in_one_namespace_more() {
    let it = explain(&cannot(&session("deployer", "jane"), "create", "deployments", "apps", "payments"));
    let expected = vec![session("deployer", "jane")];
    assert_eq!(brief(&it), (Verdict::No, Some(StepName::Grants), expected, vec![FixKind::Binding, FixKind::Binding]));
    assert!(it.nearest.is_some());
    let broader = &it.explained.fixes.broader;
    let policy = broader.iter().position(|it| it.policy.is_some()).expect("a policy") + 2;
    let (arn, scope) = it.fix[policy].policy.clone().expect("a policy");
    assert!(arn.ends_with("/AmazonEKSEditPolicy"));
    assert_eq!(scope.namespaces, ["blue", "payments"], "what it has already goes along");
    assert!(it.commands(policy).contains(r#""namespaces":["blue","payments"]"#), "{}", it.commands(policy));
    assert!(it.fix[policy].change.staged().is_some() && it.fix[0].change.staged().is_none());
    let group = broader.iter().find(|it| it.group.as_deref() == Some("payments-deployers")).expect("a group");
    // UpdateAccessEntry replaces both, so both are always given.
    let command = &group.commands[0];
    assert!(command.contains("--username ") && command.contains("--kubernetes-groups deployers "), "{command}");
}

#[test]
fn a_custom_username_leads_to_the_principal_and_its_session() {
    let it = explain(&cannot("backstage:web-1", "delete", "pods", "", "blue"));
    assert_eq!(it.principals.iter().map(|it| it.asked.arn()).collect::<Vec<_>>(), [session("backstage", "web-1")]);
    assert_eq!(it.cause().map(|it| it.name), Some(StepName::Grants));
    let it = explain(&cannot("green-oncall:lee", "delete", "pods", "", "blue"));
    assert_eq!(it.principals[0].asked.session.as_deref(), Some("lee"));
    // Policies need an entry, which would shadow the row: what the row gives goes along.
    let entry = it.fix.iter().find(|it| it.policy.is_some()).expect("a policy");
    let command = entry.commands.join("\n");
    assert!(command.contains("create-access-entry") && command.contains("green-oncall oncall-legacy"), "{command}");
    assert!(entry.loses.is_empty(), "{:?}", entry.loses);
    assert!(it.fix.iter().any(|it| it.commands[0].contains("edit configmap aws-auth")));
}

#[test]
fn what_is_allowed_now_is_said_to_be_with_the_reasons_why_the_message_may_have_come() {
    let it = explain(&cannot(&session("deployer", "jane"), "list", "pods", "", "blue"));
    assert_eq!((it.verdict, it.fix.len()), (Verdict::Yes, 0));
    assert!(it.answer.contains("may list pods in blue now"), "{}", it.answer);
    assert!(it.notes.iter().any(|it| it.contains("another cluster")), "{:?}", it.notes);
    // A dead entry lets the old row decide, whose username has no session.
    let it = explain(&cannot("terraform", "list", "nodes", "", ""));
    assert_eq!(it.verdict, Verdict::Yes);
    assert_eq!(it.principals[0].asked.arn(), "arn:aws:iam::111122223333:role/platform/terraform");
}

#[test]
fn a_mapping_that_is_gone_since_is_told_from_one_that_never_was() {
    let it = explain(&cannot(&session("green-deployer", "kim"), "list", "pods", "", "green"));
    assert_eq!(it.cause().map(|it| it.name), Some(StepName::Mapping));
    assert!(it.notes.iter().any(|it| it.contains("403")), "{:?}", it.notes);
    // The row of this username is shadowed today.
    let it = explain(&cannot("deployer", "list", "pods", "", "kube-system"));
    assert_eq!(it.principals.len(), 1);
    assert!(it.principals[0].because.contains("mapRoles[0], which is not in force now"));
    // Nobody's: an identity provider's perhaps. What may be is not known, and so not denied.
    let it = explain(&cannot("alice@idp", "list", "pods", "", "blue"));
    assert_eq!((it.verdict, it.principals.len()), (Verdict::Unknown, 0));
    assert!(it.notes.iter().any(|it| it.contains("acme-login")), "{:?}", it.notes);
}

#[test]
fn a_401_fails_at_the_mapping_or_leaves_credentials_and_token() {
    let of = |arn: &str| explain(&format!("error: You must be logged in to the server (Unauthorized) {arn}"));
    let dead = of(&session("green-deployer", "kim"));
    assert_eq!(brief(&dead).1, Some(StepName::Mapping));
    let commands = &dead.fix[0].commands;
    assert_eq!(commands.len(), 3, "{commands:?}");
    assert!(commands[0].contains("delete-access-entry") && commands[2].contains(r#"["green","green-*"]"#));
    let template = of(&session("ops-jumpbox", "kim"));
    assert_eq!(brief(&template).1, Some(StepName::Mapping));
    assert!(template.answer.contains("{{EC2PrivateDNSName}}"));
    assert!(template.commands(0).contains("--kubernetes-groups oncall-legacy"), "{}", template.commands(0));
    let gone = of(&session("nobody-of-that-name", "kim"));
    assert_eq!((brief(&gone).1, gone.fix.len()), (Some(StepName::Credentials), 0));
    let fine = of(&session("deployer", "jane"));
    assert_eq!(fine.verdict, Verdict::Yes);
    assert!(fine.steps.iter().any(|it| it.name == StepName::Token && it.state == StepState::NotChecked));
    let nobody = explain("error: You must be logged in to the server (Unauthorized)");
    assert!(nobody.principals[0].asked.arn().contains("oncall"), "the caller");
    assert!(nobody.answer.starts_with("this message names no principal. If you sent it: "), "{}", nobody.answer);
    assert!(read("Unauthorized").is_err(), "the word alone is nobody's");
}

/// A session's ARN leaves the role's path out: that is no other role, even where the cluster could not be read.
#[test]
fn a_session_of_a_role_with_a_path_is_no_slip_where_the_cluster_is_not_read() {
    let mut snapshot = ACME.clone();
    let id = id("prod-eu1");
    let facts = std::sync::Arc::make_mut(snapshot.facts.get_mut(&id).unwrap());
    facts.cluster = Section::failed(Failure::not_recorded("the cluster"));
    let text = format!("{}: error: You must be logged in to the server (Unauthorized)", session("deployer", "jane"));
    let it = explain_on(&snapshot, "prod-eu1", &text);
    let said: Vec<&str> = it.steps.iter().map(|it| it.because.as_str()).collect();
    assert!(!said.iter().any(|it| it.contains("there is no arn:aws:iam")), "{said:#?}");
    assert_ne!(it.verdict, Verdict::No, "{said:#?}");
}

#[test]
fn a_cluster_with_aws_auth_alone_is_fixed_by_rows_and_groups_or_by_another_mode() {
    let it = explain_on(&ACME, "legacy", &format!("Unauthorized {}", session("ci", "x")));
    assert_eq!(brief(&it).1, Some(StepName::Mapping));
    assert_eq!(brief(&it).3, [FixKind::AwsAuth, FixKind::AccessEntry]);
    assert!(it.commands(0).starts_with("eksctl create iamidentitymapping"), "{}", it.commands(0));
    assert!(it.commands(1).contains("update-cluster-config") && it.commands(1).contains("create-access-entry"));
    let it = explain_on(&ACME, "legacy", &cannot("invoice-printer", "delete", "deployments", "apps", "default"));
    assert_eq!(it.cause().map(|it| it.name), Some(StepName::Grants));
    assert!(it.fix.iter().all(|it| it.kind != FixKind::AccessPolicy), "{:?}", it.fix);
    assert!(it.notes().iter().any(|it| it.contains("CONFIG_MAP has no access policies")), "{:?}", it.notes());
}

#[test]
fn service_accounts_are_bound_to_the_narrowest_role_or_one_for_exactly_this() {
    let it = explain(&cannot("system:serviceaccount:payments:ledger", "list", "secrets", "", "payments"));
    assert_eq!(brief(&it), (Verdict::No, Some(StepName::Grants), vec![], vec![FixKind::Binding, FixKind::Binding]));
    assert!(it.commands(0).starts_with("kubectl create role ledger-list-secrets --verb=list --resource=secrets"));
    assert!(it.commands(1).contains("--clusterrole=secret-reader --serviceaccount=payments:ledger"));
    let it = explain(&cannot("system:serviceaccount:payments:reaper", "delete", "pods", "", "payments"));
    assert_eq!(it.verdict, Verdict::Yes);
    let gone = explain(&cannot("system:serviceaccount:payments:nobody", "list", "nodes", "", ""));
    assert_eq!((gone.verdict, gone.steps[0].state), (Verdict::No, StepState::Unknown));
    let cluster_wide = |it: &Fix| it.commands.iter().any(|it| it.contains("kubectl create clusterrolebinding"));
    assert!(!gone.fix.is_empty() && gone.fix.iter().all(cluster_wide), "{:?}", gone.fix);
}

#[test]
fn nodes_and_the_anonymous_are_not_given_access() {
    let node = cannot("system:node:ip-10-0-1-1.eu-west-1.compute.internal", "get", "secrets", "", "blue");
    let it = explain(&format!("{node}: no relationship found between node and this object"));
    assert_eq!((it.verdict, it.fix.len()), (Verdict::Unknown, 0));
    assert!(it.principals.len() > 2);
    let it = explain("forbidden: User \"system:anonymous\" cannot get path \"/metrics\"");
    assert_eq!(brief(&it), (Verdict::No, Some(StepName::Credentials), vec![], vec![]));
    assert_eq!(it.text_fixes.iter().map(|it| it.kind).collect::<Vec<_>>(), [FixKind::Kubeconfig]);
}

#[test]
fn what_no_policy_allows_is_given_by_a_group_and_everything_comes_last() {
    let it = explain(&cannot(&session("blue-reader", "ann"), "patch", "canaries", "flagger.app", "blue"));
    assert!(it.explained.fixes.narrow.iter().any(|it| it.group.as_deref() == Some("blue-canaries")), "{:?}", it.fix);
    assert!(it.explained.fixes.broader.iter().any(|it| it.kind == FixKind::AccessPolicy));
    assert!(it.notes().iter().any(|it| it.contains("built-in kinds only")), "{:?}", it.notes());
    let it = explain(&cannot(&session("blue-reader", "ann"), "patch", "widgets", "shop.io", "blue"));
    assert_eq!(brief(&it).3, [FixKind::Binding]);
    assert!(it.commands(0).contains("update-access-entry") && it.commands(0).contains("widgets.shop.io"));
    let widths: Vec<u64> = it.fix.iter().map(|it| it.width).collect();
    assert!(widths.is_sorted(), "{widths:?}");
}

#[test]
fn impersonation_loses_access_policies_and_is_told_so() {
    let user = session("blue-reader", "ann");
    let it = explain(&format!("kubectl auth can-i list pods -n blue --as {user}\nno"));
    assert_eq!((it.verdict, it.fix.len()), (Verdict::No, 0));
    assert!(it.notes.iter().any(|it| it.contains("access policies do not count")), "{:?}", it.notes);
    assert!(it.notes.iter().any(|it| it.contains("itself, without --as, may")), "{:?}", it.notes);
    let it = explain("kubectl auth can-i list pods -n green --as zoe --as-group release-bots\nyes");
    assert_eq!(it.verdict, Verdict::Yes);
    let own = explain("kubectl auth can-i delete deploy -n payments\nno");
    assert_eq!((own.verdict, own.principals[0].asked.session.as_deref()), (Verdict::No, Some("ana@acme.example")));
}

#[test]
fn refusals_of_others_are_not_replayed() {
    let it = explain("pods \"web\" is forbidden: exceeded quota: compute, requested: pods=1");
    assert_eq!(brief(&it), (Verdict::No, Some(StepName::Admission), vec![], vec![]));
    assert!(it.decision.is_none() && it.request.is_none());
    let user = session("blue-reader", "ann");
    let it = explain(&format!("User: {user} is not authorized to perform: eks:DescribeCluster on resource: arn:x"));
    // Its policies allow that call today, so that what refused it is not in the facts.
    assert_eq!((it.verdict, it.principals.len()), (Verdict::Unknown, 1));
    assert!(it.notes.iter().any(|it| it.contains("it would get into the cluster")), "{:?}", it.notes);
    assert!(it.answer.starts_with("this is AWS IAM's refusal"), "{}", it.answer);
}

#[test]
fn what_was_not_read_is_not_known_and_never_no() {
    let mut snapshot = (*ACME).clone();
    let facts = std::sync::Arc::make_mut(snapshot.facts.get_mut(&id("prod-eu1")).expect("the cluster"));
    facts.role_bindings = Section::failed(refused("list rolebindings", "list the role bindings"));
    let it =
        explain_on(&snapshot, "prod-eu1", &cannot(&session("deployer", "jane"), "list", "secrets", "", "payments"));
    assert_eq!(it.verdict, Verdict::Unknown);
    assert!(it.answer.contains("RoleBindings"), "{}", it.answer);
    let facts = std::sync::Arc::make_mut(snapshot.facts.get_mut(&id("prod-eu1")).expect("the cluster"));
    facts.access_entries = Section::failed(refused("eks:ListAccessEntries", "list the access entries"));
    let it = explain_on(&snapshot, "prod-eu1", &cannot(&session("deployer", "jane"), "list", "secrets", "", "blue"));
    assert_eq!((it.verdict, it.fix.len()), (Verdict::Unknown, 0));
    let it = explain_on(&snapshot, "prod-eu1", &cannot("backstage:web-1", "list", "pods", "", "blue"));
    assert_eq!(it.verdict, Verdict::Unknown);
}

#[test]
fn every_form_is_explained_and_admission_is_never_replayed() {
    for (text, _) in forms() {
        let it = explain(&text);
        assert!(!it.answer.is_empty() && !it.explained.lines().is_empty(), "{text}");
        assert!(it.foremost() < it.explained.lines().len(), "{text}");
        if let Message::Admission(admission) = &it.message {
            assert_eq!(it.cause().map(|it| it.name), Some(StepName::Admission), "{text}");
            assert!(it.decision.is_none() && it.fix.is_empty(), "{text}");
            if matches!(admission.by, By::Terminating { .. }) {
                assert!(it.notes[0].starts_with("today there is one of that name"), "{:?}", it.notes);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]
    #[test]
    fn no_text_makes_it_panic(text in any::<String>(), form in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), instead in "\\PC{0,6}") {
        let _ = (read(&text), tidy(&text));
        // A message that is cut, or has something else in its midst.
        let forms = forms();
        let chars: Vec<char> = form.get(&forms).0.chars().collect();
        let at = at.index(chars.len());
        let cut: String = chars[..at].iter().collect();
        let rest: String = chars[at..].iter().collect();
        let _ = (read_message(&cut), tidy(&cut));
        if let Ok(message) = read_message(&format!("{cut}{instead}{rest}")) {
            let cluster = id("small");
            let (facts, iam) = Default::default();
            let _ = Explained::new(&Ground::new(&facts, &iam, &cluster, None), &message).lines();
        }
    }
}

/// terraform-aws-eks issue 3711: the role of Auto Mode's nodes had an entry of type STANDARD, or none, and no node joined.
#[test]
fn a_role_of_nodes_that_is_mapped_as_somebody_else_lets_no_node_join() {
    const MESSAGE: &str = r#"Jun 06 19:33:03 ip-10-0-0-1 kubelet[3214]: E0606 19:33:03.828406 3214 kubelet_node_status.go:96] "Unable to register node with API server" err="Unauthorized" node="ip-10-0-0-1.ec2.internal""#;
    let standard = include_str!("../worlds/cases/b06e-auto-entry-standard.yaml");
    let right = standard.replace("type: STANDARD", "type: EC2");
    assert_ne!(right, standard);
    for (world, failed, text) in [
        (standard, true, "lacks group system:nodes"),
        (include_str!("../worlds/cases/b06d-auto-noderole-no-entry.yaml"), true, "role/own-nodes"),
        (right.as_str(), false, "role/own-nodes"),
    ] {
        let snapshot = snapshot_of(&eksplorer::model::document::read(world).expect("a world"), Source::Lab);
        let (id, facts) = snapshot.facts.iter().next().expect("a cluster");
        let reading = read_message(MESSAGE).expect("a message");
        let it = Explained::new(&Ground::new(facts, &snapshot.iam, id, None), &reading).explanation;
        let step = it.steps.iter().find(|it| it.name == StepName::Mapping).expect("a step");
        assert_eq!(step.state == StepState::Failed, failed, "{step:?}");
        assert!(step.because.contains(text), "{step:?}");
        assert_eq!(it.verdict == Verdict::No, failed, "{}", it.answer);
    }
}

//! Who has more than it looks: the hidden creator, who may write aws-auth, what bindings give.

use eksplorer::access::Verdict;
use eksplorer::access::answer_line::AnswerPart;
use eksplorer::access::findings::Severity::{self, High, Low, Medium};
use eksplorer::access::identity::Resolver;
use eksplorer::access::posture::Standing;
use eksplorer::access::trace::trace;
use eksplorer::access::who::{Holding, who_can};
use eksplorer::model::principal::{Asked, Principal};
use eksplorer::model::request::{Request, Target};

use super::{Report, report, world};

const FALSE: &str = "authenticationMode: CONFIG_MAP, bootstrapClusterCreatorAdminPermissions: false";

fn get_secrets() -> Request {
    let (group, subresource, namespace, name) = Default::default();
    let target = Target::Resource { group, resource: "secrets".to_owned(), subresource, namespace, name };
    Request { verb: "get".to_owned(), target }
}

impl Report {
    fn creator(&self) -> Option<Verdict> {
        let answer = who_can(&self.facts, &self.permissions(), &self.rows.principals, &get_secrets());
        answer.holders.iter().find(|it| it.subject == Holding::HiddenCreator).map(|it| it.verdict)
    }

    fn lines(&self, arn: &str, part: AnswerPart) -> Vec<String> {
        let resolver = Resolver::new(&self.facts, &self.snapshot.iam);
        let asked = Asked::principal(Principal::from_arn(arn).expect(arn).0);
        let trace = trace(&resolver, &self.permissions(), &asked);
        let lines = trace.lines.into_iter().filter(|it| it.part == part);
        lines.map(|it| format!("{} ({})", it.text, it.note)).collect()
    }
}

/// pulumi-aws issues 3997 and 4096 ("bootstrapClusterCreatorAdminPermissions set to false"); "Grant IAM users access to
/// Kubernetes with EKS access entries" (EKS User Guide): the creator is an administrator by default.
#[test]
fn a_cluster_without_its_creators_admin_has_no_hidden_creator() {
    const WORLD: &str = world!("w08-no-creator");
    const ROLE: &str = "arn:aws:iam::111122223333:role/stacks";
    let is_unverified =
        |it: &Report| it.lines(ROLE, AnswerPart::Unverified).iter().any(|it| it.contains("who created"));
    for (config, holder, standing, unverified) in [
        (FALSE, None, Standing::Good, false),
        (&FALSE.replace("false", "true"), Some(Verdict::Yes), Standing::Finding(Medium), true),
        ("authenticationMode: CONFIG_MAP", Some(Verdict::Yes), Standing::Finding(Medium), true),
        ("authenticationMode: API", None, Standing::Good, false),
        ("authenticationMode: SOMETHING", Some(Verdict::Unknown), Standing::Unknown, false),
        ("bootstrapClusterCreatorAdminPermissions: true", Some(Verdict::Unknown), Standing::Unknown, false),
    ] {
        let it = report(WORLD, &[(FALSE, config)]);
        let said = (it.creator(), it.control("hidden-creator").standing, is_unverified(&it));
        assert_eq!(said, (holder, standing, unverified), "{config}");
    }
    // The change of mode speaks of the creator's entry only where there is one to come.
    let danger = |config: &str| {
        let it = report(WORLD, &[(FALSE, config)]);
        it.control("authentication-mode").change.as_ref().expect("the command").danger.clone()
    };
    assert!(danger("authenticationMode: CONFIG_MAP").contains("creator"));
    assert!(!danger(FALSE).contains("creator"));
}

const MODE: &str = "authenticationMode: API_AND_CONFIG_MAP";

const HOLDERS: &str = r#"
eksplorer: 1
region: eu-west-1
caller: {Account: "111122223333", Arn: "arn:aws:iam::111122223333:role/a", UserId: "X"}
clusters:
- cluster: {name: c, version: "1.34", arn: "arn:aws:eks:eu-west-1:111122223333:cluster/c", accessConfig: {authenticationMode: API_AND_CONFIG_MAP}}
  accessEntries:
  - {principalArn: "arn:aws:iam::111122223333:role/admin", type: STANDARD, username: admin, associatedAccessPolicies: [{policyArn: "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy", accessScope: {type: cluster}}]}
  - {principalArn: "arn:aws:iam::111122223333:role/editor", type: STANDARD, username: editor, associatedAccessPolicies: [{policyArn: "arn:aws:eks::aws:cluster-access-policy/AmazonEKSEditPolicy", accessScope: {type: cluster}}]}
  - {principalArn: "arn:aws:iam::111122223333:role/shop", type: STANDARD, username: shop, kubernetesGroups: [shop], associatedAccessPolicies: [{policyArn: "arn:aws:eks::aws:cluster-access-policy/AmazonEKSEditPolicy", accessScope: {type: namespace, namespaces: [shop]}}]}
  kubernetes:
  - {kind: ConfigMap, metadata: {name: aws-auth, namespace: kube-system}, data: {mapRoles: "[]"}}
  - {kind: Namespace, metadata: {name: kube-system}}
  - {kind: Role, metadata: {name: unused, namespace: shop}}
  - {kind: RoleBinding, metadata: {name: unused, namespace: shop}, roleRef: {kind: Role, name: unused}}
  - {kind: ClusterRole, metadata: {name: r}, rules: [RULES]}
  - {kind: ClusterRoleBinding, metadata: {name: b}, roleRef: {kind: ClusterRole, name: r}, subjects: [SUBJECTS]}
iam:
  RoleDetailList: [{RoleName: admin, Arn: "arn:aws:iam::111122223333:role/admin"}, {RoleName: editor, Arn: "arn:aws:iam::111122223333:role/editor"}, {RoleName: shop, Arn: "arn:aws:iam::111122223333:role/shop"}]
"#;

const NO_RULES: (&str, &str) = ("RULES", "");
const NOBODY: (&str, &str) = ("SUBJECTS", "");
const SHOP: &str = "{kind: Group, name: shop}";
const CONFIG_MAPS: &str = "{apiGroups: [''], resources: [configmaps], verbs: [get, update]}";

/// "Grant IAM users and roles access to Kubernetes APIs with aws-auth" (EKS User Guide): its rows give groups, system:masters
/// among them, so that whoever writes it decides who is an administrator.
#[test]
fn who_may_write_aws_auth_is_named_where_it_is_read() {
    let named = |changes: &[(&str, &str)]| {
        let it = report(HOLDERS, changes);
        let control = it.control("aws-auth-writers");
        (
            control.standing,
            control.because.clone(),
            it.lines("arn:aws:iam::111122223333:role/editor", AnswerPart::Danger),
        )
    };
    let (standing, because, dangers) = named(&[NO_RULES, NOBODY]);
    assert_eq!(standing, Standing::Finding(Medium), "{because}");
    assert!(because.ends_with("these may: role editor by AmazonEKSEditPolicy @ cluster"), "{because}");
    assert!(dangers.iter().any(|it| it.contains("by writing aws-auth in kube-system")), "{dangers:?}");
    // Near misses: the mode does not read it; the policy is for a namespace that is not its own.
    let (standing, _, dangers) = named(&[NO_RULES, NOBODY, (MODE, "authenticationMode: API")]);
    assert!(standing == Standing::Good && !dangers.iter().any(|it| it.contains("aws-auth")), "{dangers:?}");
    let narrow = (
        "accessScope: {type: cluster}}]}\n  - {principalArn: \"arn:aws:iam::111122223333:role/shop\"",
        "accessScope: {type: namespace, namespaces: [shop]}}]}\n  - {principalArn: \"arn:aws:iam::111122223333:role/shop\"",
    );
    assert_eq!(named(&[NO_RULES, NOBODY, narrow]).0, Standing::Good);
    // By a binding: who carries the group, and nobody who is of the control plane.
    let by = |subject: &str, rules: &str| named(&[("RULES", rules), ("SUBJECTS", subject), narrow]);
    let (standing, because, _) = by(SHOP, CONFIG_MAPS);
    assert_eq!(standing, Standing::Finding(Medium));
    assert!(because.ends_with("group shop (role shop) by ClusterRoleBinding b"), "{because}");
    for (subject, rules, standing) in [
        ("{kind: Group, name: system:authenticated}", CONFIG_MAPS, Standing::Finding(High)),
        ("{kind: User, name: system:kube-controller-manager}", CONFIG_MAPS, Standing::Good),
        ("{kind: User, name: eks:addon-manager}", CONFIG_MAPS, Standing::Good),
        ("{kind: Group, name: system:masters}", "{apiGroups: ['*'], resources: ['*'], verbs: ['*']}", Standing::Good),
        (SHOP, "{apiGroups: [''], resources: [configmaps], verbs: [get, create]}", Standing::Good),
        (SHOP, "{apiGroups: [''], resources: [configmaps], resourceNames: [coredns], verbs: [update]}", Standing::Good),
    ] {
        let (said, because, _) = by(subject, rules);
        assert_eq!(said, standing, "{subject} {rules}: {because}");
    }
    // Where the ConfigMap is not there, whoever creates it writes it.
    let there = "  - {kind: ConfigMap, metadata: {name: aws-auth, namespace: kube-system}, data: {mapRoles: \"[]\"}}\n";
    let empty = ("iam:\n", "sections: {c/awsAuth: {state: empty}}\niam:\n");
    let create = "{apiGroups: [''], resources: [configmaps], verbs: [create]}";
    let (standing, because, _) = named(&[("RULES", create), ("SUBJECTS", SHOP), narrow, (there, ""), empty]);
    assert_eq!(standing, Standing::Finding(Medium), "{because}");
}

/// "Role Based Access Control Good Practices" (Kubernetes): privilege escalation by secrets, nodes/proxy, escalate, bind,
/// impersonate and token requests.
#[test]
fn what_bindings_give_is_a_finding_held_by_whom() {
    const RBAC: &str = "rbac.authorization.k8s.io";
    const BINDING: &str = "binding b";
    let rule = |group: &str, resource: &str, verb: &str| {
        format!("{{apiGroups: ['{group}'], resources: ['{resource}'], verbs: ['{verb}']}}")
    };
    let run = "{kind: ServiceAccount, name: runner, namespace: ci}";
    let all = [
        ("rbac-everything", rule("*", "*", "*"), rule("*", "*", "get"), Low),
        ("rbac-impersonate", rule("", "groups", "impersonate"), rule("", "groups", "list"), Medium),
        ("rbac-escalate", rule(RBAC, "clusterroles", "escalate"), rule(RBAC, "clusterroles", "update"), Medium),
        ("rbac-bind", rule(RBAC, "clusterroles", "bind"), rule(RBAC, "clusterrolebindings", "create"), Medium),
        ("rbac-nodes-proxy", rule("", "nodes/proxy", "get"), rule("", "nodes/metrics", "get"), Medium),
        ("rbac-tokens", rule("", "serviceaccounts/token", "create"), rule("", "serviceaccounts", "create"), Medium),
        ("rbac-secrets", rule("", "secrets", "list"), rule("", "secrets", "create"), Medium),
    ];
    for (id, rules, near, severity) in &all {
        let found = |rules: &str, subject: &str| -> Vec<(String, Severity, String)> {
            let it = report(HOLDERS, &[("RULES", rules), ("SUBJECTS", subject)]);
            it.found(id).into_iter().map(|(it, item)| (it, item.severity, item.because.clone())).collect()
        };
        let by_group = found(rules, SHOP);
        assert!(
            matches!(by_group.as_slice(), [(subject, said, because)] if subject == BINDING && said == severity
                && because.ends_with("group shop (role shop)")),
            "{id}: {by_group:?}"
        );
        assert!(
            matches!(found(rules, run).as_slice(), [(_, Medium, because)] if because.ends_with("service account ci/runner"))
        );
        let many = found(rules, "{kind: Group, name: system:authenticated}");
        assert!(matches!(many.as_slice(), [(_, High, _)]), "{id}: {many:?}");
        assert_eq!(found(near, SHOP), [], "{id}");
        for own in ["system:masters", "system:nodes"] {
            assert_eq!(found(rules, &format!("{{kind: Group, name: '{own}'}}")), [], "{id} {own}");
        }
        assert_eq!(found(rules, "{kind: User, name: system:kube-scheduler}"), [], "{id}");
        // A limit to names was somebody's intention.
        let named = rules.replace("verbs", "resourceNames: [one], verbs");
        assert_eq!(found(&named, SHOP).len(), 0, "{id}");
    }
    // In a namespace of its own a binding gives nothing of the cluster; in kube-system it does.
    let in_namespace = |namespace: &str| {
        let binding = format!("{{kind: RoleBinding, metadata: {{name: b, namespace: {namespace}}}");
        let it = report(
            HOLDERS,
            &[
                ("RULES", &rule("", "secrets", "list")),
                ("SUBJECTS", SHOP),
                ("{kind: ClusterRoleBinding, metadata: {name: b}", &binding),
            ],
        );
        it.subjects("rbac-secrets")
    };
    assert_eq!(in_namespace("shop"), [""; 0]);
    assert_eq!(in_namespace("kube-system"), ["binding kube-system/b"]);
    // The controllers of the control plane are bound by its own bindings.
    let own = report(
        HOLDERS,
        &[
            ("RULES", &rule("", "secrets", "list")),
            ("SUBJECTS", "{kind: ServiceAccount, name: namespace-controller, namespace: kube-system}"),
            ("metadata: {name: b}", "metadata: {name: 'system:controller:namespace-controller'}"),
        ],
    );
    assert_eq!(own.subjects("rbac-secrets"), [""; 0]);
}

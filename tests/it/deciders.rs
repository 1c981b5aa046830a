//! One decider per question, in worlds rebuilt from public reports: where the Pod Identity agent runs, with which roles nodes join,
//! who is locked out after a change of mode. Each row names the right answer and where it comes from; every answer that
//! asks the same question is held against the others, and a near miss shows that the rule is not wider than it should be.

use eksplorer::access::Mark;
use eksplorer::access::Verdict;
use eksplorer::access::findings::{Finding, Severity};
use eksplorer::access::inventory::{Inventory, inventory};
use eksplorer::access::posture::{Control, Standing};
use eksplorer::access::workload::place::{NodeRole, Presence};
use eksplorer::access::workload::role::HolderKind;
use eksplorer::access::workload::{UnusedState, Workloads};
use eksplorer::edit::draft::Draft;
use eksplorer::edit::wish::{Ground, Wish};
use eksplorer::model::document::read;
use eksplorer::model::facts::snapshot_of;
use eksplorer::model::principal::Principal;
use eksplorer::model::snapshot::{ClusterFacts, Snapshot, Source};

macro_rules! report {
    ($name:literal) => {
        include_str!(concat!("../worlds/cases/", $name, ".yaml"))
    };
}

struct Report {
    snapshot: Snapshot,
    facts: ClusterFacts,
    rows: Inventory,
}

/// A world with texts replaced in it.
fn report(world: &str, changes: &[(&str, &str)]) -> Report {
    let mut text = world.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    let snapshot = snapshot_of(&read(&text).unwrap_or_else(|error| panic!("{error}\n{text}")), Source::Lab);
    let facts = snapshot.facts.values().next().expect("a cluster").as_ref().clone();
    let rows = inventory(&facts, &snapshot.iam);
    Report { snapshot, facts, rows }
}

impl Report {
    fn workloads(&self) -> Workloads<'_> {
        Workloads::new(&self.facts, &self.snapshot.iam)
    }

    fn pod(&self, namespace: &str, name: &str) -> (Verdict, String) {
        let workloads = self.workloads();
        let why = workloads.why_pod(workloads.pod(namespace, name).found().expect(name));
        (why.answer.outcome, why.answer.because)
    }

    fn account(&self, namespace: &str, name: &str) -> (Verdict, String) {
        let why = self.workloads().why_account(namespace, name).expect(name).answer;
        (why.outcome, why.because)
    }

    /// What why-role says of a service account by Pod Identity.
    fn holder(&self, role: &str, account: &str) -> Verdict {
        let (role, _) = Principal::from_arn(role).expect(role);
        let why = self.workloads().why_role(&role);
        let is_it = |kind: HolderKind, name: &str| kind == HolderKind::ServiceAccount && name == account;
        why.holders.iter().find(|it| is_it(it.kind, &it.name)).expect(account).outcome
    }

    fn control(&self, id: &str) -> Option<&Control> {
        self.rows.posture.iter().find(|it| it.id.as_str() == id)
    }

    fn standing(&self, id: &str) -> Option<Standing> {
        self.control(id).map(|it| it.standing)
    }

    fn findings(&self) -> impl Iterator<Item = &Finding> {
        let rows = self.rows.roles.iter().flat_map(|it| &it.findings);
        let rows = rows.chain(self.rows.entries.iter().flat_map(|it| &it.findings));
        let rows = rows.chain(self.rows.aws_auth.iter().flat_map(|it| &it.findings));
        rows.chain(self.rows.pod_identity.iter().flat_map(|it| &it.findings))
    }

    fn finding(&self, id: &str) -> Option<&Finding> {
        self.findings().find(|it| it.id.as_str() == id)
    }

    /// What all that answers say of one association: pod, service account, row, role, posture.
    fn agent(
        &self,
        pod: Option<&str>,
        account: &str,
        role: &str,
    ) -> (Option<Verdict>, Verdict, Mark, Verdict, Standing) {
        let (namespace, name) = account.split_once('/').expect("namespace/name");
        let row = self.rows.pod_identity.iter().find(|it| it.service_account == name).expect("its row");
        (
            pod.map(|it| self.pod(namespace, it).0),
            self.account(namespace, name).0,
            row.mark,
            self.holder(role, account),
            self.standing("pod-identity-agent").expect("the control"),
        )
    }
}

const OWNER: &str =
    "ownerReferences: [{apiVersion: apps/v1, kind: DaemonSet, name: eks-pod-identity-agent, uid: u, controller: true}]";

/// Where the agent runs. Sources: the chart in aws/eks-pod-identity-agent (any namespace, `fullnameOverride`, labels, image);
/// karpenter issue 5784 (the add-on that wants no node); "Set up the Amazon EKS Pod Identity Agent" (EKS User Guide: built in
/// on Auto Mode's nodes, not on others).
#[test]
fn every_answer_knows_where_the_agent_runs() {
    use Severity::High;
    use Standing::{Finding, Good, Note};
    use Verdict::{No, Unknown, Yes};
    const ELSEWHERE: &str = report!("agent-elsewhere");
    const ORPHANED: &str = report!("agent-orphaned-pod");
    const API: &str = "arn:aws:iam::111122223333:role/api";
    let renamed = |owner: &'static str, image: &'static str| {
        [(OWNER, owner), ("name: eks-pod-identity-agent-x", "name: identity-x"), ("{name: a, image: a}", image)]
    };
    let set = "ownerReferences: [{apiVersion: apps/v1, kind: DaemonSet, name: identity, uid: u, controller: true}]";
    let labelled = "labels: {app.kubernetes.io/name: eks-pod-identity-agent}, ownerReferences: [{apiVersion: apps/v1, kind: \
                    DaemonSet, name: identity, uid: u, controller: true}]";
    let image = "{name: a, image: \"602401143452.dkr.ecr.eu-west-1.amazonaws.com/eks/eks-pod-identity-agent:v0.1.33\"}";
    let near = "{name: a, image: \"example.com/eks/eks-pod-identity-agent-exporter:v1\"}";
    let runs = (Some(Yes), Yes, Mark::InForce, Yes);
    let runs_not = (Some(No), No, Mark::Dead, No);
    let rows = [
        ("a chart in another namespace", ELSEWHERE, vec![], runs, Good),
        ("by its image", ELSEWHERE, renamed(set, image).to_vec(), runs, Good),
        ("by its label", ELSEWHERE, renamed(labelled, "{name: a, image: a}").to_vec(), runs, Good),
        ("another DaemonSet", ELSEWHERE, renamed(set, near).to_vec(), runs_not, Finding(High)),
        ("merely called so", ELSEWHERE, vec![(OWNER, "labels: {}")], runs_not, Finding(High)),
        (
            "not ready",
            ELSEWHERE,
            vec![(
                "status: \"True\"}]}\n  - apiVersion: v1\n    kind: Pod\n    metadata: {name: api-0",
                "status: \"False\"}]}\n  - apiVersion: v1\n    kind: Pod\n    metadata: {name: api-0",
            )],
            runs_not,
            Finding(High),
        ),
        ("a pod whose DaemonSet is gone", ORPHANED, vec![], runs, Note),
        (
            "the add-on alone",
            ORPHANED,
            vec![
                ("name: eks-pod-identity-agent-x, namespace: kube-system", "name: x, namespace: other"),
                (OWNER, "labels: {}"),
            ],
            runs_not,
            Finding(High),
        ),
    ];
    for (case, world, changes, (pod, account, mark, holder), standing) in rows {
        let it = report(world, &changes);
        let said = it.agent(Some("api-0"), "shop/api", API);
        let because = &it.control("pod-identity-agent").expect("it").because;
        assert_eq!(said, (pod, account, mark, holder, standing), "{case}: {because}");
        assert_eq!(it.finding("pod-identity-agent-missing").is_some(), standing == Finding(High), "{case}");
    }

    // Only Fargate, and the DaemonSet wants no node: no pod gets credentials.
    const SCALER: &str = "arn:aws:iam::111122223333:role/scaler";
    let it = report(report!("b12-agent-no-node"), &[]);
    let said = it.agent(Some("scaler-0"), "karp/scaler", SCALER);
    assert_eq!(said, (Some(No), No, Mark::Dead, No, Finding(High)), "b12");
    // With a node group, a node on which it runs may come: that is not known.
    let group = "nodegroups: [{nodegroupName: ng, nodeRole: \"arn:aws:iam::111122223333:role/ng\", status: ACTIVE}]";
    let it = report(report!("b12-agent-no-node"), &[("nodegroups: []", group)]);
    assert_eq!(it.standing("pod-identity-agent"), Some(Standing::Unknown), "b12, with a node group");

    // No agent at all.
    let it = report(report!("b18-no-agent"), &[]);
    let row = it.rows.pod_identity.first().expect("its row");
    let account = format!("{}/{}", row.namespace, row.service_account);
    let said = it.agent(None, &account, row.role_arn.as_deref().expect("its role"));
    assert_eq!(said, (None, No, Mark::Dead, No, Finding(High)), "b18");

    // Auto Mode is on, and the only node is not one of its own.
    const CART: &str = "arn:aws:iam::111122223333:role/cart";
    let it = report(report!("b19b-auto-on-only-node-group"), &[]);
    let said = it.agent(None, "shop/cart", CART);
    assert_eq!(
        said,
        (None, Unknown, Mark::Unknown, Unknown, Standing::Unknown),
        "b19b: {:?}",
        it.account("shop", "cart")
    );
    let auto = ("eks.amazonaws.com/nodegroup: workers", "eks.amazonaws.com/compute-type: auto");
    let it = report(report!("b19b-auto-on-only-node-group"), &[auto]);
    assert_eq!(it.agent(None, "shop/cart", CART), (None, Yes, Mark::InForce, Yes, Good), "b19b, on Auto Mode's node");
}

/// An association is for one namespace: mountpoint-s3-csi-driver issue 677 (mount pods run as the same name elsewhere).
#[test]
fn an_association_of_the_same_name_elsewhere_is_pointed_out() {
    let it = report(report!("b10-mount-pods-elsewhere"), &[]);
    let workloads = it.workloads();
    let why = workloads.why_account("mounts", "s3-driver").expect("it");
    let hint = why.others.iter().find(|it| it.state == UnusedState::Elsewhere).expect("the hint");
    assert!(hint.because.contains("kube-system/s3-driver"), "{}", hint.because);
    let pod = workloads.why_pod(workloads.pod("mounts", "mnt-7k").found().expect("the pod"));
    assert!(pod.others.iter().any(|it| it.state == UnusedState::Elsewhere));
    // The one that has it is told nothing of the kind, nor is one of another name.
    let own = workloads.why_account("kube-system", "s3-driver").expect("it");
    assert!(own.others.iter().all(|it| it.state != UnusedState::Elsewhere) && own.answer.outcome == Verdict::Yes);
    let other = report(
        report!("b10-mount-pods-elsewhere"),
        &[("name: s3-driver, namespace: mounts", "name: mounter, namespace: mounts")],
    );
    let why = other.workloads().why_account("mounts", "mounter").map(|it| it.others.len());
    assert_eq!(why, Some(0));
}

fn self_managed(it: &Report) -> Vec<&str> {
    let rows = it.rows.roles.iter().filter(|it| it.used_by.kind() == "self-managed");
    rows.filter_map(|it| it.role_arn.rsplit('/').next()).collect()
}

/// With which roles nodes join: the mode decides whether aws-auth counts ("Grant IAM users and roles access to Kubernetes APIs",
/// EKS User Guide).
#[test]
fn every_answer_knows_with_which_roles_nodes_join() {
    const WORLD: &str = report!("node-role-two-deciders");
    let both = [("authenticationMode: API}", "authenticationMode: API_AND_CONFIG_MAP}")];
    let rows_alone = [("authenticationMode: API}", "authenticationMode: CONFIG_MAP}")];
    let standard = [
        both[0],
        (
            "type: EC2_LINUX, username: \"system:node:{{EC2PrivateDNSName}}\", kubernetesGroups: [system:nodes]",
            "type: STANDARD, username: n, kubernetesGroups: []",
        ),
    ];
    for (case, changes, on_node, listed) in [
        ("mode API", &[][..], vec!["node"], vec!["node"]),
        ("both are read", &both, vec!["node", "old-node"], vec!["node", "old-node"]),
        ("aws-auth alone", &rows_alone, vec!["old-node"], vec!["old-node"]),
        ("an entry that is no node's", &standard, vec!["old-node"], vec!["old-node"]),
    ] {
        let it = report(WORLD, changes);
        let workloads = it.workloads();
        let pod = workloads.pod("shop", "api-0").found().expect("the pod");
        let role = workloads.place(pod).role;
        let name = |arn: &str| arn.rsplit('/').next().unwrap_or_default().to_owned();
        let found: Vec<String> = match role {
            NodeRole::Known(it) => vec![name(it)],
            NodeRole::OneOf(all) => all.iter().map(|it| name(it)).collect(),
            other => panic!("{case}: {other:?}"),
        };
        assert_eq!((found, self_managed(&it)), (on_node.iter().map(|it| (*it).to_owned()).collect(), listed), "{case}");
        assert_eq!(workloads.place(pod).agent, Presence::Present, "{case}");
    }
}

/// Nodes that cannot join, and what lets them: karpenter issues 3557 and 6627, terraform-aws-eks issues 3578 and 3711,
/// "Create a Node Class for Amazon EKS" (EKS User Guide).
#[test]
fn nodes_without_a_way_in_are_found_with_what_lets_them_in() {
    // The row names a role that is not there; the one that nodes run with is pointed out.
    let it = report(report!("w15-node-role-name"), &[]);
    let found = it.finding("node-role-unmapped").expect("w15");
    assert!(found.severity == Severity::High && found.sentence.contains("raft-nodes"), "{}", found.sentence);
    let fix = &found.remedy.first().expect("w15").text;
    assert!(fix.contains("create-access-entry") && fix.contains("role/raft-nodes --type EC2_LINUX"), "{fix}");
    // After the change to mode API: the row that let them in is not read any more.
    let it = report(report!("w15b-nodes-after-api"), &[]);
    let found = it.finding("aws-auth-ignored").expect("w15b");
    assert_eq!(found.severity, Severity::High, "{}", found.sentence);
    assert!(found.remedy.first().expect("w15b").text.contains("role/raft-nodes --type EC2_LINUX"));
    // Near misses: a role that is gone, one that no instance can have, one that an entry lets in; and the row that works.
    let entry = "  - {principalArn: \"arn:aws:iam::111122223333:role/raft-nodes\", type: EC2_LINUX, kubernetesGroups: [system:nodes]}\n  nodegroups: []";
    for (case, changes) in [
        (
            "gone",
            [
                ("RoleName: raft-nodes", "RoleName: other"),
                ("Arn: arn:aws:iam::111122223333:role/raft-nodes", "Arn: arn:aws:iam::111122223333:role/other"),
            ]
            .as_slice(),
        ),
        ("let in by an entry", &[("  nodegroups: []", entry)]),
    ] {
        let it = report(report!("w15b-nodes-after-api"), changes);
        let found = it.finding("aws-auth-ignored").expect(case);
        assert_eq!(found.severity, Severity::Low, "{case}: {}", found.sentence);
    }
    let it = report(report!("w15c-nodes-by-row"), &[]);
    assert!(it.finding("node-role-unmapped").is_none() && it.finding("aws-auth-ignored").is_none());
    // An administrator by aws-auth, in a cluster that does not read it.
    let it = report(report!("w11-api-only"), &[]);
    let found = it.finding("aws-auth-ignored").expect("w11");
    let fix = &found.remedy.first().expect("w11").text;
    assert_eq!(found.severity, Severity::High);
    assert!(fix.contains("AmazonEKSClusterAdminPolicy") && fix.contains("role/course-admins"), "{fix}");
    let it = report(report!("w11-api-only"), &[("groups: [system:masters]", "groups: [viewers]")]);
    assert_eq!(it.finding("aws-auth-ignored").map(|it| it.severity), Some(Severity::Low));

    // Auto Mode without a way in for nodes.
    let it = report(report!("b06b-auto-no-entry"), &[]);
    let control = it.control("auto-mode-nodes").expect("b06b");
    assert_eq!(control.standing, Standing::Finding(Severity::High), "{}", control.because);
    let command = &control.change.as_ref().expect("b06b").command;
    assert!(command.contains("role/own-nodes --type EC2") && command.contains("AmazonEKSAutoNodePolicy"), "{command}");
    let entry = |kind: &str, policies: &str| {
        format!(
            "accessEntries: [{{principalArn: \"arn:aws:iam::111122223333:role/own-nodes\", type: {kind}, username: \"n:{{{{SessionName}}}}\", associatedAccessPolicies: [{policies}]}}]"
        )
    };
    let auto =
        "{policyArn: \"arn:aws:eks::aws:cluster-access-policy/AmazonEKSAutoNodePolicy\", accessScope: {type: cluster}}";
    let narrow = "{policyArn: \"arn:aws:eks::aws:cluster-access-policy/AmazonEKSAutoNodePolicy\", accessScope: {type: namespace, namespaces: [shop]}}";
    for (case, policies, unmapped) in
        [("with its policy", auto, false), ("without", "", true), ("in a namespace", narrow, true)]
    {
        let it = report(report!("b06b-auto-no-entry"), &[("accessEntries: []", &entry("EC2", policies))]);
        assert_eq!(it.standing("auto-mode-nodes"), Some(Standing::Good), "{case}");
        let found = it.finding("node-role-unmapped");
        assert_eq!(found.map(|it| it.severity), unmapped.then_some(Severity::High), "{case}");
        if let Some(found) = found {
            let fix = &found.remedy.first().expect(case).text;
            assert!(fix.contains("associate-access-policy") && !fix.contains("create-access-entry"), "{fix}");
        }
    }
    // A node group takes the pods: that Auto Mode has no nodes is worth a note.
    let it = report(report!("b19b-auto-on-only-node-group"), &[]);
    assert_eq!(it.standing("auto-mode-nodes"), Some(Standing::Note));
    for world in [report!("b06d-auto-noderole-no-entry"), report!("b06e-auto-entry-standard")] {
        let it = report(world, &[]);
        let found = it.finding("node-role-unmapped").expect("b06d, b06e");
        let fix = &found.remedy.first().expect("its fix").text;
        assert!(found.severity == Severity::High && fix.contains("--type EC2"), "{fix}");
        // A type is not changed: the entry of another goes first.
        let (delete, create) = (fix.find("delete-access-entry"), fix.find("create-access-entry"));
        assert!(delete.is_none_or(|it| Some(it) < create), "{fix}");
        assert_eq!(
            delete.is_some(),
            it.facts.access_entries.items().iter().any(|it| it.principal_arn.ends_with("/own-nodes"))
        );
    }
}

/// An entry for `:root` is the root user's alone, and can be revoked: aws-iam-authenticator issue 797.
#[test]
fn the_entry_of_root_is_not_the_accounts_and_can_be_revoked() {
    let it = report(report!("w17-root-entry"), &[]);
    let found: Vec<&Finding> = it.findings().filter(|it| it.id.as_str() == "entry-root-user").collect();
    assert_eq!(found.len(), 1);
    assert!(found[0].sentence.contains("root user alone"));
    let ground = Ground { facts: &it.facts, iam: &it.snapshot.iam };
    for (root, staged) in [("arn:aws:iam::111122223333:root", 1), ("arn:aws:iam::999988887777:root", 0)] {
        let mut draft = Draft::default();
        let wish = Wish { revoke: Some(root.to_owned()), ..Wish::default() };
        let done = ground.stage(&mut draft, &wish);
        assert_eq!((done.is_ok(), draft.len()), (staged == 1, staged), "{root}: {done:?}");
    }
}

//! One small healthy world: a service account with IRSA, one with Pod Identity, their pods, a node with the agent.

use std::sync::Arc;

use eksplorer::access::Verdict;
use eksplorer::access::findings::Finding;
use eksplorer::access::inventory::inventory;
use eksplorer::access::workload::{InForce, Workloads};
use eksplorer::model::document::read;
use eksplorer::model::facts::snapshot_of;
use eksplorer::model::snapshot::{ClusterFacts, Snapshot, Source};
use serde_json::{Value, json};

pub(super) const HOST: &str = "oidc.eks.eu-west-1.amazonaws.com/id/AAAA";
pub(super) const OLD: &str = "oidc.eks.eu-west-1.amazonaws.com/id/BBBB";
pub(super) const PROVIDER: &str = "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AAAA";
pub(super) const API: &str = "arn:aws:iam::111122223333:role/api";

pub(super) const API_ROLE: &str = "/iam/RoleDetailList/0";
pub(super) const TRUST: &str = "/iam/RoleDetailList/0/AssumeRolePolicyDocument/Statement/0";
pub(super) const LEDGER: &str = "/iam/RoleDetailList/1";
pub(super) const LEDGER_TRUST: &str = "/iam/RoleDetailList/1/AssumeRolePolicyDocument/Statement/0";
pub(super) const NODE_ROLE: &str = "/iam/RoleDetailList/2";
pub(super) const PROVIDERS: &str = "/iam/OpenIDConnectProviders";
pub(super) const CLIENTS: &str = "/iam/OpenIDConnectProviders/0/ClientIDList";
pub(super) const API_SA_META: &str = "/clusters/0/kubernetes/2/metadata";
pub(super) const LEDGER_SA_META: &str = "/clusters/0/kubernetes/3/metadata";
pub(super) const API_POD_META: &str = "/clusters/0/kubernetes/4/metadata";
pub(super) const API_POD_SPEC: &str = "/clusters/0/kubernetes/4/spec";
pub(super) const ENV: &str = "/clusters/0/kubernetes/4/spec/containers/0/env";
pub(super) const LEDGER_POD_META: &str = "/clusters/0/kubernetes/5/metadata";
pub(super) const LEDGER_POD_SPEC: &str = "/clusters/0/kubernetes/5/spec";
pub(super) const LEDGER_ENV: &str = "/clusters/0/kubernetes/5/spec/containers/0/env";
pub(super) const AGENT_POD: &str = "/clusters/0/kubernetes/6";
pub(super) const NODE_LABELS: &str = "/clusters/0/kubernetes/7/metadata/labels";
pub(super) const ASSOCIATION: &str = "/clusters/0/podIdentityAssociations/0";
pub(super) const ADDONS: &str = "/clusters/0/addons";

/// What the webhook writes for IRSA.
pub(super) fn irsa_env() -> Value {
    json!([{"name": "AWS_ROLE_ARN", "value": API},
        {"name": "AWS_WEB_IDENTITY_TOKEN_FILE", "value": "/var/run/secrets/eks.amazonaws.com/serviceaccount/token"}])
}

/// The volume that it adds for that.
pub(super) fn token_volume(audience: &str) -> Value {
    json!([{"name": "aws-iam-token", "projected": {"sources": [{"serviceAccountToken":
        {"audience": audience, "expirationSeconds": 86400, "path": "token"}}]}}])
}

/// What it writes for Pod Identity.
pub(super) fn pod_env() -> Value {
    json!([{"name": "AWS_CONTAINER_CREDENTIALS_FULL_URI", "value": "http://169.254.170.23/v1/credentials"},
        {"name": "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
         "value": "/var/run/secrets/pods.eks.amazonaws.com/serviceaccount/eks-pod-identity-token"}])
}

/// A world as a document.
#[derive(Clone)]
pub(super) struct World(pub(super) Value);

impl World {
    pub(super) fn new() -> World {
        let object = |kind: &str, metadata: Value| json!({"apiVersion": "v1", "kind": kind, "metadata": metadata});
        let pod = |name: &str, account: &str, env: Value| {
            json!({"apiVersion": "v1", "kind": "Pod",
                "metadata": {"name": name, "namespace": "payments", "creationTimestamp": "2026-06-01T00:00:00Z"},
                "spec": {"serviceAccountName": account, "nodeName": "n1", "containers": [{"name": "app", "env": env}]},
                "status": {"phase": "Running"}})
        };
        let role = |path: &str, name: &str, trust: Value| {
            json!({"Path": path, "RoleName": name, "Arn": format!("arn:aws:iam::111122223333:role{path}{name}"),
                "CreateDate": "2025-01-01T00:00:00Z",
                "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]}})
        };
        let mut node = role(
            "/",
            "node",
            json!({"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}),
        );
        node["AttachedManagedPolicies"] = json!([{"PolicyName": "AmazonEKSWorkerNodePolicy", "PolicyArn": "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy"}]);
        let mut agent = pod("eks-pod-identity-agent-x", "eks-pod-identity-agent", json!([]));
        agent["spec"]["hostNetwork"] = json!(true);
        agent["metadata"]["namespace"] = json!("kube-system");
        let mut api = pod("api-0", "api", irsa_env());
        api["spec"]["volumes"] = token_volume("sts.amazonaws.com");
        World(json!({
            "eksplorer": 1, "takenAt": "2026-11-24T06:00:00Z", "region": "eu-west-1",
            "caller": {"Account": "111122223333", "Arn": "arn:aws:iam::111122223333:user/me", "UserId": "AIDA"},
            "clusters": [{
                "cluster": {"name": "c", "arn": "arn:aws:eks:eu-west-1:111122223333:cluster/c", "version": "1.34",
                    "identity": {"oidc": {"issuer": format!("https://{HOST}")}}, "accessConfig": {"authenticationMode": "API"}},
                "accessEntries": [],
                "podIdentityAssociations": [{"clusterName": "c", "namespace": "payments", "serviceAccount": "ledger",
                    "roleArn": "arn:aws:iam::111122223333:role/pods/ledger", "associationId": "a-1",
                    "associationArn": "arn:aws:eks:eu-west-1:111122223333:podidentityassociation/c/a-1",
                    "createdAt": "2026-03-01T00:00:00Z", "modifiedAt": "2026-03-01T00:00:00Z"}],
                "nodegroups": [{"nodegroupName": "g", "nodeRole": "arn:aws:iam::111122223333:role/node"}],
                "fargateProfiles": [], "identityProviderConfigs": [],
                "addons": [{"addonName": "eks-pod-identity-agent"}],
                "kubernetes": [
                    object("Namespace", json!({"name": "payments"})),
                    object("Namespace", json!({"name": "kube-system"})),
                    object("ServiceAccount", json!({"name": "api", "namespace": "payments",
                        "annotations": {"eks.amazonaws.com/role-arn": API}})),
                    object("ServiceAccount", json!({"name": "ledger", "namespace": "payments"})),
                    api,
                    pod("ledger-0", "ledger", pod_env()),
                    agent,
                    object("Node", json!({"name": "n1", "labels": {"eks.amazonaws.com/nodegroup": "g", "kubernetes.io/os": "linux"}})),
                ],
            }],
            "iam": {
                "RoleDetailList": [
                    role("/", "api", json!({"Effect": "Allow", "Principal": {"Federated": PROVIDER},
                        "Action": "sts:AssumeRoleWithWebIdentity",
                        "Condition": {"StringEquals": {format!("{HOST}:sub"): "system:serviceaccount:payments:api",
                            format!("{HOST}:aud"): "sts.amazonaws.com"}}})),
                    role("/pods/", "ledger", json!({"Effect": "Allow", "Principal": {"Service": "pods.eks.amazonaws.com"},
                        "Action": ["sts:AssumeRole", "sts:TagSession"]})),
                    node,
                ],
                "UserDetailList": [], "GroupDetailList": [], "Policies": [],
                "OpenIDConnectProviders": [{"Arn": PROVIDER, "Url": HOST, "ClientIDList": ["sts.amazonaws.com"]}],
                "InstanceProfiles": [{"InstanceProfileName": "node", "Arn": "arn:aws:iam::111122223333:instance-profile/node",
                    "Roles": [{"RoleName": "node", "Arn": "arn:aws:iam::111122223333:role/node"}]}],
            },
            "sections": {},
        }))
    }

    pub(super) fn with(change: impl FnOnce(&mut World)) -> World {
        let mut world = World::new();
        change(&mut world);
        world
    }

    /// Puts a value at a pointer; members that are not there yet are made.
    pub(super) fn set(&mut self, pointer: &str, value: Value) {
        let (parent, last) = pointer.rsplit_once('/').expect(pointer);
        let last = last.replace("~1", "/");
        match self.0.pointer_mut(parent).unwrap_or_else(|| panic!("nothing at {parent}")) {
            Value::Array(items) => {
                let at: usize = last.parse().expect(pointer);
                if at == items.len() { items.push(value) } else { items[at] = value }
            }
            Value::Object(members) => {
                members.insert(last, value);
            }
            other => panic!("{pointer}: {other}"),
        }
    }

    pub(super) fn push(&mut self, pointer: &str, value: Value) {
        self.0.pointer_mut(pointer).and_then(Value::as_array_mut).expect(pointer).push(value);
    }

    pub(super) fn remove(&mut self, pointer: &str) {
        let (parent, last) = pointer.rsplit_once('/').expect(pointer);
        match self.0.pointer_mut(parent).expect(pointer) {
            Value::Array(items) => {
                items.remove(last.parse().expect(pointer));
            }
            Value::Object(members) => {
                members.remove(last).expect(pointer);
            }
            other => panic!("{pointer}: {other}"),
        }
    }

    /// Gives the association a target role that trusts so; the first role may assume it.
    pub(super) fn target(&mut self, trust: Value) {
        let arn = "arn:aws:iam::111122223333:role/target";
        self.set(&format!("{ASSOCIATION}/targetRoleArn"), json!(arn));
        self.set(&format!("{ASSOCIATION}/externalId"), json!("eu-west-1/111122223333/c/payments/ledger"));
        self.set(
            &format!("{LEDGER}/RolePolicyList"),
            json!([{"PolicyName": "p", "PolicyDocument": {"Statement": {"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"], "Resource": arn}}}]),
        );
        self.push("/iam/RoleDetailList", json!({"RoleName": "target", "Arn": arn, "AssumeRolePolicyDocument": trust}));
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        snapshot_of(&read(&self.0.to_string()).expect("the world reads"), Source::Lab)
    }

    pub(super) fn facts(&self) -> Arc<ClusterFacts> {
        self.snapshot().facts.values().next().expect("a cluster").clone()
    }

    pub(super) fn all_findings(&self) -> Vec<Finding> {
        let rows = inventory(&self.facts(), &self.snapshot().iam);
        let of_irsa = rows.irsa.into_iter().flat_map(|it| it.findings);
        of_irsa.chain(rows.pod_identity.into_iter().flat_map(|it| it.findings)).collect()
    }

    pub(super) fn findings(&self) -> Vec<&'static str> {
        let mut ids: Vec<&str> = self.all_findings().iter().map(|it| it.id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// The first text to paste that begins so.
    pub(super) fn remedy(&self, start: &str) -> String {
        let all = self.all_findings();
        let mut texts = all.iter().flat_map(|it| &it.remedy).map(|it| it.text.clone());
        texts.find(|it| it.starts_with(start)).unwrap_or_else(|| panic!("{all:#?}"))
    }

    pub(super) fn pod(&self, name: &str) -> (InForce, Verdict) {
        let (facts, snapshot) = (self.facts(), self.snapshot());
        let workloads = Workloads::new(&facts, &snapshot.iam);
        let why = workloads.why_pod(workloads.pod("payments", name).found().expect(name));
        (why.in_force, why.answer.outcome)
    }

    pub(super) fn account(&self, name: &str) -> (InForce, Verdict) {
        let (facts, snapshot) = (self.facts(), self.snapshot());
        let workloads = Workloads::new(&facts, &snapshot.iam);
        let why = workloads.why_account("payments", name).expect(name);
        (why.in_force, why.answer.outcome)
    }
}

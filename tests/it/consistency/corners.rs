//! The corners of generated worlds, by name: each bends a document into a situation in which answers might come apart.
//!
//! A new corner is a row here; what it takes to bend a document is in `bend`.

use eksplorer::model::document::{Document, Manifest, read};
use eksplorer::model::workload::ROLE_ARN_ANNOTATION;
use serde_json::{Value, json};

use super::Dice;
use super::bend::{
    ACCOUNT, AGENT, COMPUTE, accounts, add_on, agent_pods, associate, auto_mode, aws_auth, cluster, daemon_set,
    drop_label, fargate, iam_value, manifests, mode, no_node_groups, node_entry, of_accounts, of_nodes, of_pods,
    of_roles, role_arns, some_namespace, trusts, value, without_agent,
};

type Corner = fn(&mut Document, &mut Dice);

/// The corners, by name.
pub(crate) const CORNERS: &[(&str, Corner)] = &[
    ("agent: none", |it, _| without_agent(it)),
    ("agent: the DaemonSet wants no node", |it, _| {
        without_agent(it);
        add_on(it, AGENT, "DEGRADED");
        daemon_set(it, "kube-system", 0, 0);
    }),
    ("agent: on every node", |it, _| agent_pods(it, "kube-system", usize::MAX, "True")),
    ("agent: on some nodes alone", |it, _| agent_pods(it, "kube-system", 1, "True")),
    ("agent: not ready", |it, _| agent_pods(it, "kube-system", usize::MAX, "False")),
    ("agent: in another namespace", |it, _| {
        agent_pods(it, "agents", usize::MAX, "True");
        manifests(it).retain(|it| !matches!(it, Manifest::DaemonSet(_)));
    }),
    ("agent: pods without a DaemonSet", |it, _| {
        agent_pods(it, "kube-system", usize::MAX, "True");
        manifests(it).retain(|it| !matches!(it, Manifest::DaemonSet(_)));
    }),
    ("agent: the add-on alone", |it, _| {
        without_agent(it);
        add_on(it, AGENT, "ACTIVE");
    }),
    ("Auto Mode, all nodes", |it, _| {
        without_agent(it);
        auto_mode(it, &["general-purpose"]);
        of_nodes(it, |node| drop(node.metadata.labels.insert(COMPUTE.to_owned(), "auto".to_owned())));
        no_node_groups(it);
    }),
    ("Auto Mode, some nodes", |it, _| {
        auto_mode(it, &["general-purpose", "system"]);
        let mut first = true;
        of_nodes(it, |node| {
            if std::mem::take(&mut first) {
                node.metadata.labels.insert(COMPUTE.to_owned(), "auto".to_owned());
                drop_label(node, "eks.amazonaws.com/nodegroup");
            }
        });
    }),
    ("Auto Mode without pools", |it, _| {
        auto_mode(it, &[]);
        cluster(it).cluster.compute_config.as_mut().unwrap().node_role_arn = None;
        no_node_groups(it);
        manifests(it).retain(|it| !matches!(it, Manifest::Node(_)));
    }),
    ("Fargate alone", |it, _| {
        fargate(it, "*");
        no_node_groups(it);
        of_nodes(it, |node| drop(node.metadata.labels.insert(COMPUTE.to_owned(), "fargate".to_owned())));
        of_pods(it, |pod, _| {
            pod.metadata.labels.insert("eks.amazonaws.com/fargate-profile".to_owned(), "all".to_owned());
        });
    }),
    ("Fargate for one namespace", |it, dice| {
        let namespace = some_namespace(it, dice);
        fargate(it, &namespace);
    }),
    ("Windows nodes", |it, _| {
        of_nodes(it, |node| drop(node.metadata.labels.insert("kubernetes.io/os".to_owned(), "windows".to_owned())));
    }),
    ("hybrid nodes", |it, _| {
        of_nodes(it, |node| {
            node.metadata.labels.insert(COMPUTE.to_owned(), "hybrid".to_owned());
            drop_label(node, "eks.amazonaws.com/nodegroup");
        });
        node_entry(it, "HYBRID_LINUX");
    }),
    ("self-managed nodes", |it, _| {
        no_node_groups(it);
        node_entry(it, "EC2_LINUX");
    }),
    ("node entry of type EC2", |it, _| node_entry(it, "EC2")),
    ("node entry of type STANDARD", |it, _| node_entry(it, "STANDARD")),
    ("node role in no profile", |it, _| {
        iam_value(it, |iam| iam["InstanceProfiles"] = json!([]));
        no_node_groups(it);
    }),
    ("mode CONFIG_MAP", |it, _| {
        mode(it, "CONFIG_MAP");
        cluster(it).access_entries = None;
    }),
    ("mode API", |it, _| mode(it, "API")),
    ("mode unknown", |it, _| mode(it, "SOMETHING_NEW")),
    ("mode not reported", |it, _| {
        cluster(it).cluster.access_config = None;
        cluster(it).access_entries = None;
    }),
    ("recreated roles", |it, _| of_roles(it, |role| role["CreateDate"] = json!("2026-11-20T00:00:00Z"))),
    ("roles gone", |it, dice| {
        iam_value(it, |iam| {
            let roles = iam["RoleDetailList"].as_array_mut().unwrap();
            for _ in 0..4 {
                roles.remove(dice.roll(roles.len()));
            }
        });
    }),
    ("entries with all kinds of policies", |it, dice| {
        let policies = [
            ("AmazonEKSViewPolicy", json!({"type": "namespace", "namespaces": ["team-*", "default"]})),
            ("AmazonEKSClusterAdminPolicy", json!({"type": "cluster"})),
            ("AmazonEKSSecretReaderPolicy", json!({"type": "cluster"})),
            ("AmazonEKSOfTomorrowPolicy", json!({"type": "cluster"})),
            ("AmazonEKSAdminPolicy", json!({"type": "namespace", "namespaces": ["kube-system"]})),
        ];
        for entry in cluster(it).access_entries.iter_mut().flatten() {
            let (name, scope) = dice.pick(&policies);
            let arn = format!("arn:aws:eks::aws:cluster-access-policy/{name}");
            entry.associated_access_policies = Some(vec![value(json!({"policyArn": arn, "accessScope": scope}))]);
        }
    }),
    ("entries without their policies", |it, _| {
        for entry in cluster(it).access_entries.iter_mut().flatten().skip(1).step_by(2) {
            entry.associated_access_policies = None;
        }
    }),
    ("no entries", |it, _| cluster(it).access_entries = Some(Vec::new())),
    ("aws-auth gone", |it, _| manifests(it).retain(|it| !matches!(it, Manifest::ConfigMap(_)))),
    ("aws-auth that does not parse", |it, _| {
        aws_auth(it, "mapRoles", "- rolearn: arn:aws:iam::111122223333:role/x\n  username: {{SessionName}}\n");
    }),
    ("mapAccounts", |it, _| aws_auth(it, "mapAccounts", "[\"111122223333\", \"222233334444\"]")),
    ("rows for all, twice", |it, dice| {
        let roles: Vec<String> = role_arns(it);
        let row = |n: usize| {
            let arn = roles[(n * 7) % roles.len()].clone();
            let arn = if n.is_multiple_of(3) { arn.to_uppercase().replace("ARN:AWS:IAM", "arn:aws:iam") } else { arn };
            let group = ["system:masters", "readers", "devs"][n % 3];
            json!({"rolearn": arn, "username": format!("u{n}:{{{{SessionName}}}}"), "groups": [group]})
        };
        let start = dice.roll(5);
        let rows: Vec<Value> = (start..start + 9).map(row).collect();
        aws_auth(it, "mapRoles", &json!(rows).to_string());
    }),
    ("a row of the nodes", |it, _| {
        let arn = "arn:aws:iam::111122223333:role/generated-node";
        let groups = json!(["system:bootstrappers", "system:nodes", "eks:kube-proxy-windows"]);
        let row = json!([{"rolearn": arn, "username": "system:node:{{EC2PrivateDNSName}}", "groups": groups}]);
        aws_auth(it, "mapRoles", &row.to_string());
        for entry in cluster(it).access_entries.iter_mut() {
            entry.retain(|it| !it.principal_arn.contains("generated-node"));
        }
    }),
    ("trust without session tags", |it, _| {
        trusts(it, |trust| *trust = trust.replace("[\"sts:AssumeRole\",\"sts:TagSession\"]", "\"sts:AssumeRole\""));
    }),
    ("trust with another audience", |it, _| {
        trusts(it, |trust| *trust = trust.replace("sts.amazonaws.com", "sts.amazonaws.com.cn"));
    }),
    ("trust of another issuer", |it, _| {
        trusts(it, |trust| *trust = trust.replace("0123456789ABCDEF0123", "0123456789ABCDEF9999"));
    }),
    ("trust by wildcard under StringEquals", |it, _| {
        trusts(it, |trust| *trust = trust.replace("system:serviceaccount:", "system:serviceaccount:*"));
    }),
    ("trust on a condition that is not known", |it, _| {
        of_roles(it, |role| {
            let all = role["AssumeRolePolicyDocument"]["Statement"].as_array_mut();
            for statement in all.into_iter().flatten() {
                statement["Condition"]["StringEquals"]["aws:PrincipalOrgID"] = json!("o-1234567890");
            }
        });
    }),
    ("trust of a deny", |it, _| {
        of_roles(it, |role| {
            if let Some(all) = role["AssumeRolePolicyDocument"]["Statement"].as_array_mut() {
                all.push(json!({"Effect": "Deny", "Principal": "*", "Action": "sts:*"}));
            }
        });
    }),
    ("trusts not read", |it, _| {
        of_roles(it, |role| drop(role.as_object_mut().unwrap().shift_remove("AssumeRolePolicyDocument")))
    }),
    ("no OIDC provider", |it, _| iam_value(it, |iam| iam["OpenIDConnectProviders"] = json!([]))),
    ("OIDC provider without the audience", |it, _| {
        iam_value(it, |iam| {
            for provider in iam["OpenIDConnectProviders"].as_array_mut().unwrap() {
                provider["ClientIDList"] = json!(["another"]);
            }
        });
    }),
    ("annotations without the path", |it, _| {
        of_accounts(it, |account| {
            if let Some(arn) = account.metadata.annotations.get_mut(ROLE_ARN_ANNOTATION) {
                let name = arn.rsplit('/').next().unwrap_or_default();
                *arn = format!("arn:aws:iam::{ACCOUNT}:role/{name}");
            }
        });
    }),
    ("annotations of another account", |it, _| {
        of_accounts(it, |account| {
            if let Some(arn) = account.metadata.annotations.get_mut(ROLE_ARN_ANNOTATION) {
                *arn = arn.replace(ACCOUNT, "444455556666");
            }
        });
    }),
    ("annotations that are empty or no ARN", |it, dice| {
        of_accounts(it, |account| {
            if let Some(arn) = account.metadata.annotations.get_mut(ROLE_ARN_ANNOTATION) {
                *arn = (*dice.pick(&["", "reader", "arn:aws:iam::1:role/x", "arn:aws-cn:iam::111122223333:role/x"]))
                    .to_owned();
            }
        });
    }),
    ("service accounts gone", |it, dice| {
        let mut left = 5;
        manifests(it).retain(|it| {
            let gone = left > 0 && matches!(it, Manifest::ServiceAccount(_)) && dice.roll(2) == 0;
            left -= usize::from(gone);
            !gone
        });
    }),
    ("associations beside annotations", |it, dice| {
        let accounts = accounts(it);
        let roles = role_arns(it);
        for number in 0..3 {
            let (namespace, name) = dice.pick(&accounts).clone();
            associate(it, &namespace, &name, dice.pick::<String>(&roles), number);
        }
    }),
    ("two associations of one service account", |it, dice| {
        let (namespace, name) = dice.pick(&accounts(it)).clone();
        let roles = role_arns(it);
        for number in 10..12 {
            associate(it, &namespace, &name, dice.pick::<String>(&roles), number);
        }
    }),
    ("target roles", |it, dice| {
        let roles = role_arns(it);
        for association in cluster(it).pod_identity_associations.iter_mut().flatten() {
            association.target_role_arn = Some(dice.pick(&roles).clone());
        }
    }),
    ("associations with a role of another account", |it, _| {
        for association in cluster(it).pod_identity_associations.iter_mut().flatten() {
            association.role_arn = Some("arn:aws:iam::444455556666:role/elsewhere".to_owned());
        }
    }),
    ("associations not read", |it, _| {
        for association in cluster(it).pod_identity_associations.iter_mut().flatten().take(1) {
            association.role_arn = None;
        }
    }),
    ("session tags off", |it, _| {
        for association in cluster(it).pod_identity_associations.iter_mut().flatten() {
            association.disable_session_tags = Some(true);
        }
    }),
    ("pods on the host's network", |it, _| of_pods(it, |pod, _| pod.spec.host_network = Some(true))),
    ("pods that the webhook skips", |it, _| {
        of_pods(it, |pod, _| {
            let label = "eks.amazonaws.com/skip-pod-identity-webhook".to_owned();
            pod.metadata.labels.insert(label, "true".to_owned());
        });
    }),
    ("pods with keys of their own", |it, _| {
        of_pods(it, |pod, n| {
            let env = &mut pod.spec.containers[0].env;
            if n % 2 == 0 {
                env.push(value(json!({"name": "AWS_ACCESS_KEY_ID", "value": "x"})));
                env.push(value(json!({"name": "AWS_SECRET_ACCESS_KEY", "value": "x"})));
            } else {
                pod.spec.containers[0].env_from.push(value(json!({"secretRef": {"name": "keys"}})));
            }
        });
    }),
    ("pods behind a proxy", |it, _| {
        of_pods(it, |pod, n| {
            let env = &mut pod.spec.containers[0].env;
            env.push(value(json!({"name": "HTTP_PROXY", "value": "http://proxy:3128"})));
            if n % 2 == 0 {
                env.push(value(json!({"name": "NO_PROXY", "value": "169.254.170.23"})));
            }
        });
    }),
    ("pods without variables", |it, _| {
        of_pods(it, |pod, _| {
            pod.spec.containers[0].env.clear();
            pod.spec.volumes = None;
        });
    }),
    ("pods that ended", |it, _| {
        of_pods(it, |pod, _| pod.status.as_mut().unwrap().phase = Some("Succeeded".to_owned()))
    }),
    ("pods on no node", |it, _| of_pods(it, |pod, _| pod.spec.node_name = None)),
    ("network policies in the way", |it, dice| {
        let namespace = some_namespace(it, dice);
        let policy = json!({"metadata": {"name": "deny", "namespace": namespace},
            "spec": {"podSelector": {}, "policyTypes": ["Egress"], "egress": []}});
        manifests(it).push(Manifest::NetworkPolicy(value(policy)));
    }),
    ("add-ons with roles", |it, dice| {
        let roles = role_arns(it);
        for addon in cluster(it).addons.iter_mut().flatten() {
            addon.service_account_role_arn = Some(dice.pick(&roles).clone());
        }
    }),
    ("roles of the cluster and its nodes that are wrong", |it, dice| {
        let roles = role_arns(it);
        cluster(it).cluster.role_arn = Some(dice.pick(&roles).clone());
        for group in cluster(it).nodegroups.iter_mut().flatten() {
            group.node_role = Some(dice.pick(&roles).clone());
        }
    }),
    ("wide and narrow policies", |it, dice| {
        let worker = ["AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly", "AmazonEKS_CNI_Policy"];
        of_roles(it, |role| {
            let mut all: Vec<&str> = worker.iter().take(dice.roll(4)).copied().collect();
            all.extend(["AdministratorAccess", "PowerUserAccess", "ReadOnlyAccess"].iter().skip(dice.roll(9)));
            let all: Vec<Value> = all
                .iter()
                .map(|it| json!({"PolicyName": it, "PolicyArn": format!("arn:aws:iam::aws:policy/{it}")}))
                .collect();
            role["AttachedManagedPolicies"] = json!(all);
        });
    }),
    ("boundaries", |it, _| {
        of_roles(it, |role| {
            role["PermissionsBoundary"] = json!({"PermissionsBoundaryArn": "arn:aws:iam::111122223333:policy/limit"});
        });
    }),
    ("groups and users that nobody is", |it, _| {
        let subjects = json!([
            {"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "nobodies"},
            {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "eve"},
            {"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "system:authenticated"},
            {"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "system:serviceaccounts"},
        ]);
        let binding = json!({"metadata": {"name": "wide"}, "subjects": subjects,
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}});
        manifests(it).push(Manifest::ClusterRoleBinding(value(binding)));
    }),
    ("bindings to roles that are gone", |it, _| {
        for manifest in manifests(it) {
            if let Manifest::RoleBinding(binding) = manifest {
                binding.role_ref.name = "gone".to_owned();
            }
        }
    }),
    ("dangerous rules", |it, _| {
        let rules = json!([
            {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]},
            {"apiGroups": [""], "resources": ["users", "groups"], "verbs": ["impersonate"]},
            {"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["create"]},
            {"apiGroups": [""], "resources": ["nodes/proxy"], "verbs": ["get"]},
            {"apiGroups": [""], "resources": ["serviceaccounts/token"], "verbs": ["create"]},
            {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["clusterroles"], "verbs": ["escalate", "bind"]},
        ]);
        let role = json!({"metadata": {"name": "sharp"}, "rules": rules});
        let binding = json!({"metadata": {"name": "sharp"},
            "subjects": [{"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "system:authenticated"}],
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "sharp"}});
        manifests(it).push(Manifest::ClusterRole(value(role)));
        manifests(it).push(Manifest::ClusterRoleBinding(value(binding)));
    }),
    ("another partition", |it, _| {
        let text = serde_json::to_string(it).unwrap();
        *it = read(&text.replace("arn:aws:", "arn:aws-us-gov:")).unwrap();
    }),
    ("no issuer", |it, _| cluster(it).cluster.identity = None),
    ("a cluster whose ARN is not known", |it, _| cluster(it).cluster.arn = None),
];

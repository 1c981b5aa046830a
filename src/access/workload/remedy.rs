//! What mends a workload's identity, ready to paste: trust statements, `kubectl`, `aws`, `eksctl`, Terraform.
//!
//! Decides on the texts alone; when each applies is the findings'. Nothing here is ever run by this program. Names come
//! from outside, so that whatever a shell would read as more than a word is quoted.

use core::net::IpAddr;
use std::borrow::Cow;

use serde_json::{Value, json};

use super::agent::AGENT;
use super::reach::AGENT_PORT;
use crate::access::findings::Remedy;
use crate::model::aws_command::{AssociationChanges, AssociationId, EksCommands, quote_word};
use crate::model::network::NetworkPolicy;
use crate::model::workload::{DEFAULT_AUDIENCE, Pod, ROLE_ARN_ANNOTATION};

/// A word for a shell.
pub fn quoted(word: &str) -> Cow<'_, str> {
    quote_word(word)
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

fn remedy(title: impl Into<String>, text: impl Into<String>) -> Remedy {
    Remedy::new(title, text)
}

/// The statement that lets exactly one service account in.
pub fn irsa_statement(provider: &str, subject: &str, audience: &str) -> Remedy {
    let host = provider.split_once(":oidc-provider/").map_or(provider, |(_, host)| host);
    let statement = json!({
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {format!("{host}:sub"): subject, format!("{host}:aud"): audience}},
    });
    remedy("Trust statement that lets in this service account alone", pretty(&statement))
}

/// The statement that Pod Identity needs, narrowed to one service account unless its session has no tags.
pub fn pod_identity_statement(cluster_arn: &str, namespace: &str, name: &str, tags: bool) -> Remedy {
    let mut statement = json!({
        "Effect": "Allow",
        "Principal": {"Service": "pods.eks.amazonaws.com"},
        "Action": ["sts:AssumeRole", "sts:TagSession"],
    });
    let condition = json!({"StringEquals": {
        "aws:RequestTag/eks-cluster-arn": cluster_arn,
        "aws:RequestTag/kubernetes-namespace": namespace,
        "aws:RequestTag/kubernetes-service-account": name,
    }});
    if let (Some(members), true) = (statement.as_object_mut(), tags) {
        members.insert("Condition".to_owned(), condition);
    }
    remedy("Trust statement for Pod Identity", pretty(&statement))
}

/// The statement that a target role needs.
pub fn target_statement(first: &str, tags: bool, external_id: Option<&str>) -> Remedy {
    let actions: &[&str] = if tags { &["sts:AssumeRole", "sts:TagSession"] } else { &["sts:AssumeRole"] };
    let mut statement = json!({"Effect": "Allow", "Principal": {"AWS": first}, "Action": actions});
    if let (Some(members), Some(id)) = (statement.as_object_mut(), external_id) {
        members.insert("Condition".to_owned(), json!({"StringEquals": {"sts:ExternalId": id}}));
    }
    remedy("Statement for the target role's trust policy", pretty(&statement))
}

/// How to ask which containers reach an instance's metadata: no list of EKS or Kubernetes tells.
pub fn metadata_options(instance: &str, region: &str) -> Remedy {
    let (instance, region) = (quoted(instance), quoted(region));
    remedy(
        "Ask for what is missing: a pod reaches it where HttpEndpoint is enabled, and HttpTokens optional or \
         HttpPutResponseHopLimit 2 or more",
        format!(
            "aws ec2 describe-instances --region {region} --instance-ids {instance} --query \
             'Reservations[].Instances[].MetadataOptions.{{HttpEndpoint: HttpEndpoint, HttpTokens: HttpTokens, \
             HttpPutResponseHopLimit: HttpPutResponseHopLimit}}'"
        ),
    )
}

/// Lets a role assume its target. The name is the policy's own, so that no other is replaced.
pub fn assume_policy(first: &str, target: &str, actions: &[&str]) -> Remedy {
    let statement = json!({"Effect": "Allow", "Action": actions, "Resource": target});
    let document = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
    let policy = format!("assume-{}", crate::model::words::last_part(target));
    remedy(
        "Let the first role assume the target role",
        format!(
            "aws iam put-role-policy --role-name {} --policy-name {} --policy-document {}",
            quoted(first),
            quoted(&policy),
            quoted(&document)
        ),
    )
}

/// How a statement gets into a role.
pub fn update_trust(role: &str) -> Remedy {
    let role = quoted(role);
    remedy(
        "Put it into the role (the whole policy, with its Version and all statements, in trust.json)",
        format!("aws iam update-assume-role-policy --role-name {role} --policy-document file://trust.json"),
    )
}

/// The annotation of a service account.
pub fn annotate(namespace: &str, name: &str, role_arn: &str) -> Remedy {
    let value = format!("{ROLE_ARN_ANNOTATION}={role_arn}");
    remedy(
        "Annotate the service account; pods made afterwards get the role",
        format!(
            "kubectl annotate serviceaccount -n {} {} {} --overwrite",
            quoted(namespace),
            quoted(name),
            quoted(&value)
        ),
    )
}

/// Takes an annotation away.
pub fn drop_annotation(namespace: &str, name: &str, key: &str) -> Remedy {
    remedy(
        format!("Take the annotation {key} away"),
        format!("kubectl annotate serviceaccount -n {} {} {key}-", quoted(namespace), quoted(name)),
    )
}

/// Three ways to make the provider of a cluster's issuer, with the audience that an account asks for beside the usual one.
pub fn provider(cluster: &str, region: &str, issuer: &str, provider: &str, audience: &str) -> Vec<Remedy> {
    let own = (audience != DEFAULT_AUDIENCE).then_some(audience);
    let all: Vec<&str> = [DEFAULT_AUDIENCE].into_iter().chain(own).collect();
    let words: Vec<Cow<'_, str>> = all.iter().map(|it| quoted(it)).collect();
    // eksctl registers the usual one alone.
    let then = own.map(|it| format!(" && {}", client_id(provider, it).text)).unwrap_or_default();
    vec![
        remedy(
            "Make the OIDC provider, with the AWS CLI",
            format!(
                "aws iam create-open-id-connect-provider --url {} --client-id-list {}",
                quoted(issuer),
                words.join(" ")
            ),
        ),
        remedy(
            "The same, with eksctl",
            format!(
                "eksctl utils associate-iam-oidc-provider --cluster {} --region {} --approve{then}",
                quoted(cluster),
                quoted(region)
            ),
        ),
        remedy(
            "The same, with Terraform",
            format!(
                "resource \"aws_iam_openid_connect_provider\" \"eks\" {{\n  url            = {}\n  client_id_list = [{}]\n}}",
                json!(issuer),
                all.iter().map(|it| json!(it).to_string()).collect::<Vec<_>>().join(", ")
            ),
        ),
    ]
}

/// Lets a provider take tokens for one more audience.
pub fn client_id(provider: &str, audience: &str) -> Remedy {
    remedy(
        "Let the provider take this audience",
        format!(
            "aws iam add-client-id-to-open-id-connect-provider --open-id-connect-provider-arn {} --client-id {}",
            quoted(provider),
            quoted(audience)
        ),
    )
}

/// What makes the pod, if that can be told: `deployment/web`.
fn owner(pod: &Pod) -> Option<String> {
    let owner = pod.metadata.owner_references.iter().find(|it| it.controller == Some(true))?;
    match owner.kind.as_str() {
        // A Deployment names its ReplicaSets after itself and a hash.
        "ReplicaSet" => owner.name.rsplit_once('-').map(|(deployment, _)| format!("deployment/{deployment}")),
        "StatefulSet" => Some(format!("statefulset/{}", owner.name)),
        "DaemonSet" => Some(format!("daemonset/{}", owner.name)),
        _ => None,
    }
}

/// Makes a pod anew, by what it belongs to. One that nothing would make again is kept as a file first.
pub fn restart(pod: &Pod) -> Remedy {
    let namespace = quoted(pod.metadata.namespace.as_deref().unwrap_or("default"));
    let name = quoted(&pod.metadata.name);
    if let Some(what) = owner(pod) {
        let text = format!("kubectl rollout restart -n {namespace} {}", quoted(&what));
        return remedy("Make the pods anew: the webhook writes their environment when they are made", text);
    }
    if pod.metadata.owner_references.iter().any(|it| it.controller == Some(true)) {
        let text = format!("kubectl delete pod -n {namespace} {name}");
        return remedy(
            "Delete the pod, for its controller to make another: the webhook writes that one's environment",
            text,
        );
    }
    let file = quoted(&format!("{}.yaml", pod.metadata.name)).into_owned();
    remedy(
        "Nothing makes this pod again: keep its manifest, look it over, and let that replace the pod; the webhook writes the \
         environment of the new one",
        format!("kubectl get pod -n {namespace} {name} -o yaml > {file}\nkubectl replace --force -f {file}"),
    )
}

/// Takes away the variables that were set by hand.
pub fn drop_variables(pod: &Pod) -> Option<Remedy> {
    let namespace = quoted(pod.metadata.namespace.as_deref().unwrap_or("default"));
    let what = owner(pod)?;
    Some(remedy(
        "Take the variables away, and leave them to the webhook",
        format!("kubectl set env -n {namespace} {} AWS_ROLE_ARN- AWS_WEB_IDENTITY_TOKEN_FILE-", quoted(&what)),
    ))
}

/// Installs the agent.
pub fn agent(eks: EksCommands<'_>) -> Remedy {
    remedy("Install the Pod Identity agent", eks.create_add_on(AGENT))
}

/// Where to look for why an agent that was installed does not run: what EKS says of the add-on, and Kubernetes of the pods.
pub fn look_at_agent(eks: EksCommands<'_>, addon: bool, daemon_set: bool) -> Vec<Remedy> {
    let of_eks = addon.then(|| remedy("See what EKS says of the add-on that is installed", eks.describe_add_on(AGENT)));
    let of_set = daemon_set
        .then(|| remedy("See why its pods do not run", format!("kubectl describe daemonset -n kube-system {AGENT}")));
    of_eks.into_iter().chain(of_set).collect()
}

/// Spares the agent's addresses a proxy, in one container.
pub fn spare_agent(pod: &Pod, container: &str) -> Option<Remedy> {
    let namespace = quoted(pod.metadata.namespace.as_deref().unwrap_or("default"));
    let what = owner(pod)?;
    Some(remedy(
        "Have the agent asked without the proxy",
        format!(
            "kubectl set env -n {namespace} {} -c {} {}",
            quoted(&what),
            quoted(container),
            quoted("NO_PROXY=169.254.170.23,[fd00:ec2::23]")
        ),
    ))
}

/// Lets pods through to the agent whom a policy keeps from it. It selects whom that one selects, so that nobody is
/// limited who was not.
pub(crate) fn open_way(barring: &NetworkPolicy, agent: IpAddr) -> Remedy {
    let whole = if agent.is_ipv4() { 32 } else { 128 };
    let policy = json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": format!("{}-to-pod-identity", barring.metadata.name), "namespace": barring.metadata.namespace},
        "spec": {
            "podSelector": barring.spec.pod_selector,
            "policyTypes": ["Egress"],
            "egress": [{"to": [{"ipBlock": {"cidr": format!("{agent}/{whole}")}}],
                        "ports": [{"protocol": "TCP", "port": AGENT_PORT}]}],
        },
    });
    remedy("Let the pods reach the Pod Identity agent", format!("kubectl apply -f - <<'EOF'\n{policy:#}\nEOF"))
}

/// Changes an association.
pub fn update_association(eks: EksCommands<'_>, id: &str, changes: &AssociationChanges<'_>) -> Remedy {
    remedy("Change the association", eks.update_association(AssociationId::Known(id), changes))
}

/// Deletes an association.
pub fn delete_association(eks: EksCommands<'_>, id: &str) -> Remedy {
    remedy("Delete the association", eks.delete_association(AssociationId::Known(id)))
}

/// Lets a node ask for its pods' credentials.
pub fn worker_policy(partition: &str, role: &str) -> Remedy {
    remedy(
        "Let the node's role ask for its pods' credentials",
        format!(
            "aws iam attach-role-policy --role-name {} --policy-arn arn:{partition}:iam::aws:policy/AmazonEKSWorkerNodeMinimalPolicy",
            quoted(role)
        ),
    )
}

/// Makes the service account that an association waits for.
pub fn create_service_account(namespace: &str, name: &str) -> Remedy {
    remedy(
        "Make the service account",
        format!("kubectl create serviceaccount -n {} {}", quoted(namespace), quoted(name)),
    )
}

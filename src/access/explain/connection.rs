//! Failures beside the cluster's access: a kubelet that takes no request, a certificate, a proxy, a registry.
//!
//! Nothing here is about who may do what in the cluster: the answer says whose words they are and what to look at.

use super::fix::FixTarget;
use super::message::{ConnectionFault, ImagePull, KubeletPeer, KubeletRefusal, Message};
use super::walk::{Walk, finish};
use super::{Explanation, Ground, StepName, StepState};
use crate::access::Verdict;

/// An answer that holds without looking at anybody's access.
fn outside(
    ground: &Ground<'_>,
    message: &Message,
    name: &str,
    step: (StepName, String),
    notes: Vec<String>,
    answer: String,
) -> Explanation {
    let mut walk = Walk::default();
    walk.say(step.0, StepState::Failed, step.1, None);
    walk.notes = notes;
    let mut explanation = finish(ground, message, name, None, walk, Vec::new(), &FixTarget::Nobody);
    explanation.title = format!("{} · {name}", message.speaker().noun());
    explanation.verdict = Verdict::No;
    explanation.answer = answer;
    explanation
}

/// A kubelet's 401.
pub(super) fn kubelet(ground: &Ground<'_>, message: &Message, it: &KubeletRefusal) -> Explanation {
    let node = it.node.as_deref().map_or_else(|| "the node".to_owned(), |it| format!("node {it}"));
    let (peer, advice) = match it.peer {
        KubeletPeer::ApiServer => (
            "the API server",
            vec![
                "who ran kubectl was authenticated and authorized: the API server passed the request on, and the kubelet did not \
                 accept the API server's client certificate"
                    .to_owned(),
                "on the node, look at the kubelet's authentication.x509.clientCAFile: it must be the cluster's certificate authority; \
                 a node that was set up for another cluster has another's"
                    .to_owned(),
            ],
        ),
        KubeletPeer::Scraper => (
            "the program that scrapes it",
            vec![
                "the scraper showed its service account's token, and the kubelet did not accept it: the kubelet's \
                 authentication.webhook.enabled must be true, so that it asks the API server about tokens"
                    .to_owned(),
                "a kubelet that accepts the token and refuses the request answers 403 and names the user: that one is RBAC's, on \
                 nodes/metrics, nodes/stats or nodes/proxy"
                    .to_owned(),
            ],
        ),
    };
    let step = format!("the kubelet of {node} did not accept the credentials of {peer}");
    let answer = format!(
        "this message names no principal, and it is not about yours: the kubelet of {node} refused {peer}; no access entry or binding \
         has a part in it"
    );
    outside(ground, message, &node, (StepName::Kubelet, step), advice, answer)
}

/// No answer of the API server.
pub(super) fn connection(ground: &Ground<'_>, message: &Message, fault: ConnectionFault) -> Explanation {
    let cluster = &ground.cluster.name;
    let endpoint = ground.facts.cluster.value().and_then(|it| it.endpoint.clone());
    let server = endpoint.map(|it| format!(" ({it})")).unwrap_or_default();
    let kubeconfig = format!(
        "write the kubeconfig again: aws eks update-kubeconfig --region {} --name {cluster}",
        super::fix::quote(&ground.cluster.region)
    );
    let (because, notes) = match fault {
        ConnectionFault::UnknownAuthority => (
            "the client does not trust the issuer of the certificate that it was shown",
            vec![
                format!("the kubeconfig holds another cluster's certificate authority, or a proxy shows a certificate of its own; {kubeconfig}"),
                format!("the server in the kubeconfig must be the cluster's endpoint{server}"),
            ],
        ),
        ConnectionFault::CertificateTime => (
            "by the client's clock, the certificate has expired or is not valid yet",
            vec![
                "compare the times in the message: if the client's time is wrong, set its clock (NTP); EKS renews the API server's \
                 certificate itself"
                    .to_owned(),
            ],
        ),
        ConnectionFault::WrongName => (
            "the certificate is another host's",
            vec![format!(
                "the server in the kubeconfig must be the cluster's endpoint{server}, by its own name: through a tunnel or a proxy, \
                 set tls-server-name"
            )],
        ),
        ConnectionFault::ProxyAuthentication => (
            "the proxy wants credentials of its own (407)",
            vec![format!(
                "give HTTPS_PROXY the proxy's user and password, or put the cluster's endpoint{server} into NO_PROXY"
            )],
        ),
        ConnectionFault::Intermediary => (
            "a page came back instead of the API server's answer",
            vec![format!(
                "something between the client and the cluster's endpoint{server} answered: a proxy, a load balancer or a gateway; \
                 look at HTTPS_PROXY and at the server in the kubeconfig"
            )],
        ),
        ConnectionFault::Unreachable => (
            "the API server did not answer",
            vec![format!(
                "look at the network: whether the cluster's endpoint{server} is public or private only, its publicAccessCidrs, VPN, \
                 DNS and security groups"
            )],
        ),
    };
    let answer = format!("this is no lack of access to {cluster}: {because}, and no request was judged");
    outside(ground, message, fault.as_str(), (StepName::Connection, because.to_owned()), notes, answer)
}

/// A registry's refusal.
pub(super) fn image_pull(ground: &Ground<'_>, message: &Message, it: &ImagePull) -> Explanation {
    let image = if it.image.is_empty() { "an image" } else { it.image.as_str() };
    let registry = it.registry().unwrap_or("the registry");
    let status = it.status.map(|it| format!(" ({it})")).unwrap_or_default();
    let mut notes = vec![
        "RBAC, access entries and the pod's IAM role have no part in it: the kubelet pulls images, with the node's credentials or the \
         pod's imagePullSecrets"
            .to_owned(),
    ];
    if registry.contains(".dkr.ecr") || registry.contains(".dkr-ecr") {
        notes.push(
            "for ECR, the node's role (on Fargate the pod execution role) needs AmazonEC2ContainerRegistryPullOnly or ReadOnly, and \
             for another account's repository its repository policy must allow that role"
                .to_owned(),
        );
    } else {
        notes.push(
            "name an imagePullSecret of the pod's own namespace that holds credentials for this registry".to_owned(),
        );
    }
    let step = format!("{registry} refused the node{status}");
    let answer = format!("this is no lack of access to the cluster: {registry} refused to give {image}{status}");
    outside(ground, message, image, (StepName::Registry, step), notes, answer)
}

//! The table: one row a message.

/// A message as a program prints it, and what it is.
pub(super) struct Row {
    /// The program that prints it.
    pub(super) tool: &'static str,
    /// A public place where it stands: a project with the number of an issue, or a document.
    pub(super) source: &'static str,
    /// The message.
    pub(super) text: &'static str,
    /// The status that the command ends with on the demo world.
    pub(super) ends: u8,
    /// `SPEAKER KIND PRINCIPAL | REQUEST`
    pub(super) expected: &'static str,
}

const fn row(tool: &'static str, source: &'static str, text: &'static str, ends: u8, expected: &'static str) -> Row {
    Row { tool, source, text, ends, expected }
}

/// What a near miss is.
const NONE: &str = "no known error message";

/// All rows.
pub(super) fn rows() -> Vec<Row> {
    [forbidden(), unauthorized(), beside_the_api_server(), iam(), tokens(), credentials(), near_misses()]
        .into_iter()
        .flatten()
        .collect()
}

/// 403 of the authorizers, and what comes after them.
fn forbidden() -> Vec<Row> {
    vec![
        row(
            "kubectl",
            "aws/containers-roadmap#2472",
            r#"Error from server (Forbidden): nodes is forbidden: User "arn:aws:sts::111122223333:assumed-role/deployer/jane" cannot list resource "nodes" in API group "" at the cluster scope"#,
            3,
            "api-server forbidden arn:aws:sts::111122223333:assumed-role/deployer/jane | list nodes",
        ),
        row(
            "kubectl 1.37 exec",
            "kubernetes/kubernetes: apiserver, endpoints/handlers/responsewriters/errors.go",
            r#"Error from server (Forbidden): pods "web-1" is forbidden: User "arn:aws:sts::111122223333:assumed-role/blue-reader/ann" cannot create resource "pods/exec" in API group "" in the namespace "blue""#,
            3,
            "api-server forbidden arn:aws:sts::111122223333:assumed-role/blue-reader/ann | create pods/exec web-1 in blue",
        ),
        row(
            "helm",
            "helm/helm: pkg/action, upgrade",
            r#"Error: UPGRADE FAILED: query: failed to query with labels: secrets is forbidden: User "system:serviceaccount:payments:ledger" cannot list resource "secrets" in API group "" in the namespace "payments""#,
            3,
            "api-server forbidden system:serviceaccount:payments:ledger | list secrets in payments",
        ),
        row(
            "client-go",
            "kubernetes-sigs/cluster-api#8631",
            r#"May 10 09:26:40 prow-control-plane kubelet[1046]: E0510 09:26:40.763688    1046 kubelet_node_status.go:92] "Unable to register node with API server" err="nodes is forbidden: User \"system:anonymous\" cannot create resource \"nodes\" in API group \"\" at the cluster scope" node="prow-control-plane""#,
            3,
            "api-server forbidden system:anonymous | create nodes",
        ),
        row(
            "client-go reflector",
            "kubernetes-sigs/cluster-api#8631",
            r#"W0510 09:26:41.793456    1046 reflector.go:424] vendor/k8s.io/client-go/informers/factory.go:150: failed to list *v1.Service: services is forbidden: User "system:serviceaccount:payments:nobody" cannot list resource "services" in API group "" at the cluster scope"#,
            3,
            "api-server forbidden system:serviceaccount:payments:nobody | list services",
        ),
        row(
            "fabric8 (Java)",
            "spring-cloud/spring-cloud-kubernetes#457",
            r#"io.fabric8.kubernetes.client.KubernetesClientException: Failure executing: GET at: https://10.96.0.1/api/v1/namespaces/default/endpoints/hello. Message: Forbidden!Configured service account doesn't have access. Service account may have been revoked. endpoints "hello" is forbidden: User "system:serviceaccount:default:default" cannot get resource "endpoints" in API group "" in the namespace "default"."#,
            3,
            "api-server forbidden system:serviceaccount:default:default | get endpoints hello in default",
        ),
        row(
            "fabric8 (Java), before 1.12",
            "spring-cloud/spring-cloud-kubernetes#141",
            r#"io.fabric8.kubernetes.client.KubernetesClientException: Failure executing: GET at: https://kubernetes.default.svc/api/v1/namespaces/default/configmaps/my-config. Message: Forbidden!Configured service account doesn't have access. Service account may have been revoked. configmaps "my-config" is forbidden: User "system:serviceaccount:default:default" cannot get configmaps in the namespace "default"."#,
            3,
            "api-server forbidden system:serviceaccount:default:default | get configmaps my-config in default",
        ),
        row(
            "Python client",
            "aws-samples/hardeneks#2",
            r#"kubernetes.client.exceptions.ApiException: (403)
Reason: Forbidden
HTTP response headers: HTTPHeaderDict({'Audit-Id': '0c5e', 'Cache-Control': 'no-cache, private', 'Content-Type': 'application/json', 'Content-Length': '271'})
HTTP response body: {"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"namespaces is forbidden: User \"system:anonymous\" cannot list resource \"namespaces\" in API group \"\" at the cluster scope","reason":"Forbidden","details":{"kind":"namespaces"},"code":403}"#,
            3,
            "api-server forbidden system:anonymous | list namespaces",
        ),
        row(
            "Ansible",
            "scalar-labs/scalar-terraform#327",
            r#"fatal: [10.0.0.5]: FAILED! => {"changed": false, "msg": "Failed to get client due to 403\nReason: Forbidden\nHTTP response body: b'{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\",\"message\":\"forbidden: User \\\"system:anonymous\\\" cannot get path \\\"/apis\\\"\",\"reason\":\"Forbidden\",\"details\":{},\"code\":403}\n'"}"#,
            3,
            "api-server forbidden system:anonymous | get /apis",
        ),
        row(
            "kube-rs",
            "kube-rs/kube: kube-core, ErrorResponse",
            r#"Error: ApiError: pods is forbidden: User "system:serviceaccount:payments:ledger" cannot list resource "pods" in API group "" in the namespace "payments": Forbidden (ErrorResponse { status: "Failure", message: "pods is forbidden: User \"system:serviceaccount:payments:ledger\" cannot list resource \"pods\" in API group \"\" in the namespace \"payments\"", reason: "Forbidden", code: 403 })"#,
            3,
            "api-server forbidden system:serviceaccount:payments:ledger | list pods in payments",
        ),
        row(
            "Terraform",
            "hashicorp/terraform-provider-kubernetes: kubernetes_namespace",
            r#"╷
│ Error: namespaces is forbidden: User "arn:aws:sts::111122223333:assumed-role/ci/run-1" cannot create resource "namespaces" in API group "" at the cluster scope
│
│   with kubernetes_namespace.app,
│   on main.tf line 11, in resource "kubernetes_namespace" "app":
│   11: resource "kubernetes_namespace" "app" {
╵"#,
            3,
            "api-server forbidden arn:aws:sts::111122223333:assumed-role/ci/run-1 | create namespaces",
        ),
        row(
            "Argo CD",
            "argoproj/argo-cd: controller, sync",
            r#"{"application":"shop","level":"error","msg":"Failed to sync: deployments.apps \"web\" is forbidden: User \"system:serviceaccount:argocd:argocd-application-controller\" cannot patch resource \"deployments\" in API group \"apps\" in the namespace \"shop\"","time":"2026-11-24T06:00:00Z"}"#,
            0,
            "api-server forbidden system:serviceaccount:argocd:argocd-application-controller | patch deployments.apps web in shop",
        ),
        row(
            "k9s",
            "derailed/k9s: internal/dao",
            r#"6:00AM ERR Watcher failed for v1/secrets -- [list watch] access denied on resource "blue":"v1/secrets" error="secrets is forbidden: User \"arn:aws:sts::111122223333:assumed-role/blue-reader/ann\" cannot list resource \"secrets\" in API group \"\" in the namespace \"blue\"""#,
            3,
            "api-server forbidden arn:aws:sts::111122223333:assumed-role/blue-reader/ann | list secrets in blue",
        ),
        row(
            "kubectl, dangling role",
            "Kubernetes documentation: Using RBAC Authorization",
            r#"Error from server (Forbidden): pods is forbidden: User "system:serviceaccount:payments:ledger" cannot delete resource "pods" in API group "" in the namespace "payments": RBAC: clusterrole.rbac.authorization.k8s.io "gone" not found"#,
            3,
            "api-server forbidden system:serviceaccount:payments:ledger | delete pods in payments",
        ),
        row(
            "kubectl logs, by the kubelet",
            "kubernetes/kubernetes#55872",
            r#"Error from server (Forbidden): Forbidden (user=system:anonymous, verb=get, resource=nodes, subresource=proxy)"#,
            3,
            "kubelet forbidden system:anonymous | get nodes/proxy",
        ),
        row(
            "kubectl exec, by the kubelet",
            "kubernetes/kubernetes#65939",
            r#"error: unable to upgrade connection: Forbidden (user=kubernetes, verb=create, resource=nodes, subresource=proxy)"#,
            4,
            "kubelet forbidden kubernetes | create nodes/proxy",
        ),
        row(
            "kubectl logs, authorizer failed",
            "eksctl-io/eksctl#519",
            r#"Error from server (InternalError): Internal error occurred: Authorization error (user=kube-apiserver-kubelet-client, verb=get, resource=nodes, subresource=proxy)"#,
            4,
            "kubelet forbidden kube-apiserver-kubelet-client | get nodes/proxy",
        ),
        row(
            "metrics-server, by the kubelet",
            "kubernetes-sigs/metrics-server#95",
            r#"E0806 19:56:05.269962       1 summary.go:97] error while getting metrics summary from Kubelet ip-10-0-1-1(10.0.1.1:10250): request failed - "403 Forbidden", response: "Forbidden (user=system:serviceaccount:kube-system:metrics-server, verb=get, resource=nodes, subresource=stats)""#,
            3,
            "kubelet forbidden system:serviceaccount:kube-system:metrics-server | get nodes/stats",
        ),
        row(
            "kubectl, escalation",
            "Kubernetes documentation: Using RBAC Authorization, privilege escalation prevention",
            r#"Error from server (Forbidden): error when creating "role.yaml": roles.rbac.authorization.k8s.io "x" is forbidden: user "arn:aws:sts::111122223333:assumed-role/deployer/jane" (groups=["deployers" "system:authenticated"]) is attempting to grant RBAC permissions not currently held:
{APIGroups:[""], Resources:["secrets"], Verbs:["get" "list"]}"#,
            3,
            "api-server escalation arn:aws:sts::111122223333:assumed-role/deployer/jane | roles.rbac.authorization.k8s.io \"x\" 1",
        ),
        row(
            "kubectl, Pod Security",
            "Kubernetes documentation: Pod Security Admission",
            r#"Error from server (Forbidden): error when creating "pod.yaml": pods "web" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false)"#,
            3,
            "admission admission - | PodSecurity { level: \"restricted:latest\" } pods \"web\"",
        ),
        row(
            "kubectl, webhook",
            "kyverno/kyverno: resource validation",
            r#"Error from server: error when creating "pod.yaml": admission webhook "validate.kyverno.svc-fail" denied the request: 

resource Pod/blue/web was blocked due to the following policies"#,
            3,
            "admission admission - | Webhook { name: \"validate.kyverno.svc-fail\" } ",
        ),
        row(
            "kubectl, webhook without answer",
            "argoproj/argo-cd#9233",
            r#"Error from server (InternalError): error when creating "i.yaml": Internal error occurred: failed calling webhook "webhook.cert-manager.io": failed to call webhook: Post "https://cert-manager-webhook.cert-manager.svc:443/validate?timeout=30s": x509: certificate is not valid for any names, but wanted to match cert-manager-webhook.cert-manager.svc"#,
            3,
            "admission admission - | WebhookFailed { name: \"webhook.cert-manager.io\" } ",
        ),
        row(
            "kubectl, quota",
            "Kubernetes documentation: Resource Quotas",
            r#"Error from server (Forbidden): error when creating "pod.yaml": pods "web" is forbidden: exceeded quota: compute, requested: pods=1, used: pods=10, limited: pods=10"#,
            3,
            "admission admission - | Quota { name: \"compute\" } pods \"web\"",
        ),
        row(
            "kubectl auth can-i",
            "Kubernetes documentation: kubectl auth can-i",
            "$ kubectl auth can-i delete pods -n payments --as system:serviceaccount:payments:ledger\nno",
            3,
            "api-server can-i system:serviceaccount:payments:ledger | delete pods Some(false)",
        ),
        row(
            "kubectl auth can-i, a command's name",
            "Kubernetes documentation: kubectl auth can-i",
            "$ kubectl auth can-i exec pods -n blue --as system:serviceaccount:payments:ledger\nno",
            3,
            "api-server can-i system:serviceaccount:payments:ledger | exec pods Some(false)",
        ),
    ]
}

/// 401 of the API server.
fn unauthorized() -> Vec<Row> {
    vec![
        row(
            "kubectl",
            "kubernetes-sigs/aws-iam-authenticator#92",
            "error: You must be logged in to the server (Unauthorized)",
            0,
            "api-server unauthorized - | command",
        ),
        row(
            "kubectl",
            "kubernetes-sigs/aws-iam-authenticator#892",
            r#"E0805 12:43:00.764344   14407 memcache.go:265] "Unhandled Error" err="couldn't get current server API group list: the server has asked for the client to provide credentials"
E0805 12:43:01.114905   14407 memcache.go:265] "Unhandled Error" err="couldn't get current server API group list: the server has asked for the client to provide credentials"
error: You must be logged in to the server (the server has asked for the client to provide credentials)"#,
            0,
            "api-server unauthorized - | command",
        ),
        row(
            "kubectl",
            "OWASP/wrongsecrets#1270",
            r#"error: error validating "psa.yml": error validating data: failed to download openapi: the server has asked for the client to provide credentials; if you choose to ignore these errors, turn validation off with --validate=false"#,
            0,
            "api-server unauthorized - | command",
        ),
        row(
            "kubectl, with the ARN",
            "adorsys/status-list-server#434",
            "Error: Kubernetes cluster unreachable: the server has asked for the client to provide credentials (arn:aws:sts::111122223333:assumed-role/green-deployer/kim)",
            3,
            "api-server unauthorized arn:aws:sts::111122223333:assumed-role/green-deployer/kim | command",
        ),
        row(
            "the ARN and the word",
            "AWS re:Post: eks-api-server-unauthorized-error",
            "Unauthorized (arn:aws:sts::111122223333:assumed-role/green-deployer/kim)",
            3,
            "unnamed unauthorized arn:aws:sts::111122223333:assumed-role/green-deployer/kim | program",
        ),
        row(
            "curl",
            "kubernetes-sigs/aws-iam-authenticator#157",
            r#"{
  "kind": "Status",
  "apiVersion": "v1",
  "metadata": {

  },
  "status": "Failure",
  "message": "Unauthorized",
  "reason": "Unauthorized",
  "code": 401
}"#,
            0,
            "api-server unauthorized - | program",
        ),
        row(
            "kubectl -v=8",
            "kubernetes-sigs/aws-iam-authenticator#157",
            r#"I1127 10:00:00.000000   14407 request.go:1017] Response Body: {"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"Unauthorized","reason":"Unauthorized","code":401}"#,
            0,
            "api-server unauthorized - | program",
        ),
        row(
            "Helm by Terraform",
            "terraform-aws-modules/terraform-aws-eks#3088",
            "╷\n│ Error: Kubernetes cluster unreachable: the server has asked for the client to provide credentials\n│ \n│   with helm_release.karpenter,\n│   on main.tf line 149, in resource \"helm_release\" \"karpenter\":\n│  149: resource \"helm_release\" \"karpenter\" {\n│ \n╵",
            0,
            "api-server unauthorized - | command",
        ),
        row(
            "Terraform",
            "terraform-aws-modules/terraform-aws-eks#1264",
            "module.eks.kubernetes_config_map.aws_auth[0]: Creating...\n\n╷\n│ Error: Unauthorized\n│ \n│   with module.eks.kubernetes_config_map.aws_auth[0],\n│   on .terraform/modules/eks/aws_auth.tf line 65\n╵",
            0,
            "api-server unauthorized - | command",
        ),
        row(
            "helm",
            "helm/helm: pkg/storage/driver",
            "Error: query: failed to query with labels: Unauthorized",
            0,
            "api-server unauthorized - | command",
        ),
        row(
            "eksctl",
            "eksctl-io/eksctl: pkg/authconfigmap",
            "2026-11-24 06:00:00 [✖]  getting auth ConfigMap: Unauthorized",
            0,
            "api-server unauthorized - | command",
        ),
        row(
            "eksctl",
            "aws-samples/eks-workshop-v2#1054",
            "Error: getting list of API resources for raw REST client: the server has asked for the client to provide credentials",
            0,
            "api-server unauthorized - | command",
        ),
        row(
            "Argo CD",
            "argoproj/argo-cd#24876",
            "Failed to load live state: failed to get managed objects: unexpected error getting managed object: failed to get api resource: failed to discover server resources for group version v1: Unauthorized",
            4,
            "api-server unauthorized - | controller",
        ),
        row(
            "Argo CD",
            "argoproj/argo-cd#9233",
            "ComparisonError: the server has asked for the client to provide credentials;ComparisonError: the server has asked for the client to provide credentials",
            4,
            "api-server unauthorized - | controller",
        ),
        row(
            "argocd CLI",
            "argoproj/argo-cd#3941",
            "FATA[0002] rpc error: code = Unknown desc = REST config invalid: the server has asked for the client to provide credentials",
            0,
            "api-server unauthorized - | command",
        ),
        row(
            "k9s",
            "derailed/k9s: internal/client",
            "6:00AM ERR K8s connection failed error=\"the server has asked for the client to provide credentials\"",
            0,
            "api-server unauthorized - | command",
        ),
        row(
            "Python client",
            "kubernetes-client/python#233",
            "kubernetes.client.exceptions.ApiException: (401)\nReason: Unauthorized\nHTTP response headers: HTTPHeaderDict({'Audit-Id': '0c5e', 'Cache-Control': 'no-cache, private', 'Content-Type': 'application/json', 'Content-Length': '129'})\nHTTP response body: {\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\",\"message\":\"Unauthorized\",\"reason\":\"Unauthorized\",\"code\":401}",
            0,
            "api-server unauthorized - | program",
        ),
        row(
            "Python client",
            "GluuFederation/cloud-native-edition#94",
            "gluu-kubernetes-api - ERROR - (401)\nReason: Unauthorized\nHTTP response headers: HTTPHeaderDict({'Audit-Id': '03d775a9', 'Content-Type': 'application/json', 'Content-Length': '129'})",
            0,
            "api-server unauthorized - | program",
        ),
        row(
            "JavaScript client",
            "kubernetes-client/javascript#228",
            "HttpError: HTTP request failed\n    at Request._callback (/app/node_modules/@kubernetes/client-node/dist/gen/api/coreV1Api.js:7:1)\n  body: {\n    kind: 'Status',\n    apiVersion: 'v1',\n    metadata: {},\n    status: 'Failure',\n    message: 'Unauthorized',\n    reason: 'Unauthorized',\n    code: 401\n  },\n  statusCode: 401",
            0,
            "api-server unauthorized - | program",
        ),
        row(
            "kube-rs",
            "kube-rs/kube: kube-core, ErrorResponse",
            r#"Error: ApiError: Unauthorized: Unauthorized (ErrorResponse { status: "Failure", message: "Unauthorized", reason: "Unauthorized", code: 401 })"#,
            0,
            "api-server unauthorized - | program",
        ),
        row(
            "Java client",
            "kubernetes-client/java#1591, for a 401",
            "Exception in thread \"main\" io.kubernetes.client.openapi.ApiException: Unauthorized\n\tat io.kubernetes.client.openapi.ApiClient.handleResponse(ApiClient.java:993)",
            0,
            "api-server unauthorized - | program",
        ),
        row(
            "fabric8 (Java)",
            "fabric8io/kubernetes-client: OperationSupport",
            "io.fabric8.kubernetes.client.KubernetesClientException: Failure executing: GET at: https://kubernetes.default.svc/api/v1/namespaces/a/pods. Message: Unauthorized! Token may have expired! Please log-in again. Unauthorized.",
            0,
            "api-server unauthorized - | program",
        ),
        row(
            ".NET client",
            "kubernetes-client/csharp: HttpOperationException",
            "Unhandled exception. k8s.Autorest.HttpOperationException: Operation returned an invalid status code 'Unauthorized', response body {\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\",\"message\":\"Unauthorized\",\"reason\":\"Unauthorized\",\"code\":401}",
            0,
            "api-server unauthorized - | program",
        ),
        row(
            "client-go reflector",
            "awslabs/amazon-eks-ami#1376, by a controller",
            r#"E1124 06:00:00.000000       1 reflector.go:148] k8s.io/client-go/informers/factory.go:150: Failed to watch *v1.Pod: failed to list *v1.Pod: Unauthorized"#,
            4,
            "api-server unauthorized - | controller",
        ),
        row(
            "kubelet",
            "awslabs/amazon-eks-ami#1837",
            r#"Jun 06 19:33:03 ip-10-150-127-198 kubelet[3214]: E0606 19:33:03.828406 3214 kubelet_node_status.go:96] "Unable to register node with API server" err="Unauthorized" node="ip-10-150-127-198.ec2.internal""#,
            4,
            "api-server unauthorized - | node ip-10-150-127-198.ec2.internal",
        ),
        row(
            "kubelet",
            "awslabs/amazon-eks-ami#1837",
            r#"Jun 06 19:33:03 ip-10-150-127-198 kubelet[3214]: E0606 19:33:03.828481 3214 controller.go:145] "Failed to ensure lease exists, will retry" err="Unauthorized" interval="7s""#,
            4,
            "api-server unauthorized - | node ip-10-150-127-198",
        ),
        row(
            "kubelet",
            "kubernetes/kubernetes#69576",
            r#"Oct 09 12:52:21 ip-172-26-0-213.ec2.internal kubelet[4226]: E1009 12:52:21.590612    4226 kubelet_node_status.go:377] Error updating node status, will retry: error getting node "ip-172-26-0-213.ec2.internal": Unauthorized"#,
            4,
            "api-server unauthorized - | node ip-172-26-0-213.ec2.internal",
        ),
        row(
            "EKS control plane log, authenticator",
            "aws-quickstart/quickstart-amazon-eks-cluster-resource-provider#54",
            r#"time="2023-01-07T21:44:03Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/nobody-of-that-name" client="127.0.0.1:44610" error="ARN is not mapped" method=POST path=/authenticate"#,
            3,
            "api-server unauthorized arn:aws:iam::111122223333:role/nobody-of-that-name | program",
        ),
        row(
            "GitHub action",
            "ianbelcher/eks-kubectl-action#1",
            "Attempting to update kubeconfig for aws\nAdded new context ***/testing-cluster to /github/home/.kube/config\nerror: You must be logged in to the server (the server has asked for the client to provide credentials)",
            0,
            "api-server unauthorized - | command",
        ),
        row(
            "mission-control, escaped",
            "flanksource/mission-control#1779",
            r#"{"stderr":"\"Unhandled Error\" err=\"couldn't get current server API group list: the server has asked for the client to provide credentials\"\nerror: You must be logged in to the server (the server has asked for the client to provide credentials)"}"#,
            0,
            "api-server unauthorized - | command",
        ),
    ]
}

/// Kubelets, registries, proxies and certificates.
fn beside_the_api_server() -> Vec<Row> {
    vec![
        row(
            "kubectl logs",
            "kubernetes/kubernetes#63128",
            "error: You must be logged in to the server (the server has asked for the client to provide credentials ( pods/log web-1))",
            3,
            "kubelet kubelet - | ApiServer -",
        ),
        row(
            "kubectl exec",
            "rancher-archives/rke#552",
            "error: unable to upgrade connection: Unauthorized",
            3,
            "kubelet kubelet - | ApiServer -",
        ),
        row(
            "metrics-server",
            "kubernetes-sigs/metrics-server#963",
            r#"E0218 15:49:00.089852       1 manager.go:111] unable to fully collect metrics: [unable to fully scrape metrics from source kubelet_summary:ip-10-224-57-165.ec2.internal: unable to fetch metrics from Kubelet ip-10-224-57-165.ec2.internal (10.224.57.165): request failed - "401 Unauthorized", response: "Unauthorized"]"#,
            3,
            "kubelet kubelet - | Scraper ip-10-224-57-165.ec2.internal",
        ),
        row(
            "metrics-server 0.7",
            "kubernetes-sigs/metrics-server: pkg/scraper",
            r#"E1124 06:00:00.000000       1 scraper.go:149] "Failed to scrape node" err="request failed, status: \"401 Unauthorized\"" node="ip-10-0-1-1.eu-west-1.compute.internal""#,
            3,
            "kubelet kubelet - | Scraper ip-10-0-1-1.eu-west-1.compute.internal",
        ),
        row(
            "Prometheus",
            "prometheus/prometheus: scrape",
            r#"Get "https://10.0.1.1:10250/metrics/cadvisor": server returned HTTP status 401 Unauthorized"#,
            3,
            "kubelet kubelet - | Scraper -",
        ),
        row(
            "kubelet, ECR",
            "aws/eks-charts#1044",
            r#"  Warning  Failed            29s (x3 over 67s)  kubelet            Failed to pull image "840364872350.dkr.ecr.us-west-2.amazonaws.com/amazon/appmesh-controller:v1.12.5": rpc error: code = Unknown desc = failed to pull and unpack image "840364872350.dkr.ecr.us-west-2.amazonaws.com/amazon/appmesh-controller:v1.12.5": failed to resolve reference "840364872350.dkr.ecr.us-west-2.amazonaws.com/amazon/appmesh-controller:v1.12.5": unexpected status from HEAD request to https://840364872350.dkr.ecr.us-west-2.amazonaws.com/v2/amazon/appmesh-controller/manifests/v1.12.5: 401 Unauthorized"#,
            3,
            "registry image-pull - | 840364872350.dkr.ecr.us-west-2.amazonaws.com/amazon/appmesh-controller:v1.12.5 Some(401)",
        ),
        row(
            "kubelet, ghcr.io",
            "containerd/containerd: remotes/docker",
            r#"Failed to pull image "ghcr.io/acme/web:1": failed to pull and unpack image "ghcr.io/acme/web:1": failed to resolve reference "ghcr.io/acme/web:1": failed to authorize: failed to fetch anonymous token: unexpected status from GET request to https://ghcr.io/token?scope=repository%3Aacme%2Fweb%3Apull&service=ghcr.io: 403 Forbidden"#,
            3,
            "registry image-pull - | ghcr.io/acme/web:1 Some(403)",
        ),
        row(
            "kubelet, dockershim",
            "coreos/coreos-kubernetes#461",
            r#"Error syncing pod, skipping: failed to "StartContainer" for "zre" with ErrImagePull: "API error (500): Get https://111122223333.dkr.ecr.eu-west-1.amazonaws.com/v2/zre/manifests/latest: no basic auth credentials\n""#,
            3,
            "registry image-pull - |  None",
        ),
        row(
            "docker",
            "ghkdqhrbals/spring-chatting-server#109",
            "Error response from daemon: pull access denied for 111122223333.dkr.ecr.ap-northeast-2.amazonaws.com/web, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
            3,
            "registry image-pull - | 111122223333.dkr.ecr.ap-northeast-2.amazonaws.com/web None",
        ),
        row(
            "kubectl, certificate",
            "kubernetes-sigs/kind#2166",
            "Unable to connect to the server: x509: certificate has expired or is not yet valid: current time 2021-03-29T11:40:49+08:00 is before 2021-03-29T11:39:56Z",
            3,
            "client connection - | certificate-time",
        ),
        row(
            "kubectl, certificate",
            "eksctl-io/eksctl#7812",
            r#"Error: checking whether serviceaccount "kube-system/aws-load-balancer-controller" exists: Get "https://0A1B.gr7.eu-west-1.eks.amazonaws.com/api/v1/namespaces/kube-system/serviceaccounts/aws-load-balancer-controller": tls: failed to verify certificate: x509: certificate is valid for a.traefik.default, not 0A1B.gr7.eu-west-1.eks.amazonaws.com"#,
            3,
            "client connection - | wrong-name",
        ),
        row(
            "kubectl, certificate",
            "Kubernetes documentation: kubeadm troubleshooting",
            "Unable to connect to the server: tls: failed to verify certificate: x509: certificate signed by unknown authority (possibly because of \"crypto/rsa: verification error\" while trying to verify candidate authority certificate \"kubernetes\")",
            3,
            "client connection - | unknown-authority",
        ),
        row(
            "kubectl, certificate",
            "kubernetes/kubectl: memcache",
            r#"E1124 06:00:00.000000   14407 memcache.go:265] "Unhandled Error" err="couldn't get current server API group list: Get \"https://0A1B.gr7.eu-west-1.eks.amazonaws.com/api?timeout=32s\": tls: failed to verify certificate: x509: certificate signed by unknown authority""#,
            3,
            "client connection - | unknown-authority",
        ),
        row(
            "kubectl, proxy",
            "golang/go: net/http, proxyconnect",
            "Unable to connect to the server: proxyconnect tcp: Proxy Authentication Required",
            3,
            "proxy connection - | proxy-authentication",
        ),
        row(
            "AWS CLI, proxy",
            "boto/botocore: ProxyConnectionError",
            "Failed to connect to proxy URL: \"http://proxy.acme.example:3128\" ProxyError('Cannot connect to proxy.', OSError('Tunnel connection failed: 407 Proxy Authentication Required'))",
            3,
            "proxy connection - | proxy-authentication",
        ),
        row(
            "kubectl, a proxy's page",
            "kubernetes/kubernetes: apimachinery, NewGenericServerResponse",
            "Error from server (Forbidden): <html>\n<head><title>403 Forbidden</title></head>\n<body>\n<center><h1>403 Forbidden</h1></center>\n</body>\n</html>",
            3,
            "proxy connection - | intermediary",
        ),
        row(
            "kubectl, unreachable",
            "aws-ia/terraform-aws-eks-blueprints-addons#465",
            r#"E0831 17:21:21.577160   94276 memcache.go:265] "Unhandled Error" err="couldn't get current server API group list: Get \"https://0A1B.gr7.us-west-2.eks.amazonaws.com/api?timeout=32s\": dial tcp 52.42.0.54:443: connect: network is unreachable""#,
            3,
            "client connection - | unreachable",
        ),
        row(
            "kubectl, unreachable",
            "aws-quickstart/quickstart-amazon-eks#170",
            "Unable to connect to the server: net/http: TLS handshake timeout",
            3,
            "client connection - | unreachable",
        ),
    ]
}

/// Refusals by policies.
fn iam() -> Vec<Row> {
    vec![
        row(
            "AWS CLI update-kubeconfig",
            "linz/topo-workflows#279",
            "An error occurred (AccessDeniedException) when calling the DescribeCluster operation: User: arn:aws:sts::999900001111:assumed-role/WorkflowMaintainerRole/r@linz.example is not authorized to perform: eks:DescribeCluster on resource: arn:aws:eks:ap-southeast-2:999900001111:cluster/Workflows",
            4,
            "eks-api iam arn:aws:sts::999900001111:assumed-role/WorkflowMaintainerRole/r@linz.example | eks:DescribeCluster on arn:aws:eks:ap-southeast-2:999900001111:cluster/Workflows",
        ),
        row(
            "AWS CLI",
            "aws/aws-cli#5823",
            "An error occurred (AccessDeniedException) when calling the ListClusters operation: User: arn:aws:iam::111122223333:user/redacted.redacted is not authorized to perform: eks:ListClusters on resource: arn:aws:eks:ap-south-1:111122223333:cluster/*",
            3,
            "eks-api iam arn:aws:iam::111122223333:user/redacted.redacted | eks:ListClusters on arn:aws:eks:ap-south-1:111122223333:cluster/*",
        ),
        row(
            "eksctl, SDK for Go v2",
            "eksctl-io/eksctl#5831",
            "Error: unable to describe cluster control plane: operation error EKS: DescribeCluster, https response error StatusCode: 403, RequestID: 8e10d6df-356f-4831-8cd4-7eb14d19e849, api error AccessDeniedException: User: arn:aws:iam::999900001111:user/me is not authorized to perform: eks:DescribeCluster on resource: arn:aws:eks:ap-northeast-2:999900001111:cluster/my-cluster with an explicit deny",
            4,
            "eks-api iam arn:aws:iam::999900001111:user/me | eks:DescribeCluster on arn:aws:eks:ap-northeast-2:999900001111:cluster/my-cluster with an explicit deny",
        ),
        row(
            "aws eks get-token under kubectl",
            "peymanmortazavi/eks-helm-deploy#7",
            "An error occurred (AccessDenied) when calling the AssumeRole operation: User: arn:aws:iam::999900001111:user/app-user is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::118196747825:role/blackbox-eks-admin\nError: Kubernetes cluster unreachable: Get \"https://0A1B.gr7.us-east-2.eks.amazonaws.com/version?timeout=32s\": getting credentials: exec: exit status 255",
            4,
            "sts iam arn:aws:iam::999900001111:user/app-user | sts:AssumeRole on arn:aws:iam::118196747825:role/blackbox-eks-admin",
        ),
        row(
            "GitHub action",
            "OvertureMaps/stac#114",
            "Retry AssumeRole: attempt 1 of 12 failed: Could not assume role with user credentials: User: arn:aws:sts::111122223333:assumed-role/deployer/GitHubActions is not authorized to perform: sts:TagSession on resource: arn:aws:iam::111122223333:role/teams/blue/blue-reader",
            3,
            "sts iam arn:aws:sts::111122223333:assumed-role/deployer/GitHubActions | sts:TagSession on arn:aws:iam::111122223333:role/teams/blue/blue-reader",
        ),
        row(
            "terrapod",
            "terrapod#1546",
            "User: arn:aws:sts::111122223333:assumed-role/runner/eks-reef-runner-0-77 is not authorized to perform: sts:TagSession on resource: arn:aws:iam::111122223333:role/automation",
            3,
            "sts iam arn:aws:sts::111122223333:assumed-role/runner/eks-reef-runner-0-77 | sts:TagSession on arn:aws:iam::111122223333:role/automation",
        ),
        row(
            "SDK for Go v2",
            "DataDog/stratus-red-team#462",
            "unable to assume role arn:aws:iam::999900001111:role/leave-org: operation error STS: AssumeRole, https response error StatusCode: 403, RequestID: 0a, api error AccessDenied: User: arn:aws:sts::999900001111:assumed-role/role-name/user@acme is not authorized to perform: sts:TagSession on resource: arn:aws:iam::999900001111:role/leave-org\nexit status 1",
            4,
            "sts iam arn:aws:sts::999900001111:assumed-role/role-name/user@acme | sts:TagSession on arn:aws:iam::999900001111:role/leave-org",
        ),
        row(
            "boto3, in a log",
            "noqdev/iambic#357",
            "2023/04/24 17:00:50 [error    ] Failed to assume role\n  assume_role_arn=arn:aws:iam::999900001111:role/IambicHubRole\n  error=ClientError('An error occurred (AccessDenied) when calling the AssumeRole operation: User: arn:aws:sts::999900001111:assumed-role/REDACTED_ROLE_1/REDACTED_SESSION_NAME is not authorized to perform: sts:SetSourceIdentity on resource: arn:aws:iam::999900001111:role/IambicHubRole')",
            4,
            "sts iam arn:aws:sts::999900001111:assumed-role/REDACTED_ROLE_1/REDACTED_SESSION_NAME | sts:SetSourceIdentity on arn:aws:iam::999900001111:role/IambicHubRole",
        ),
        row(
            "external-secrets",
            "external-secrets/external-secrets#3264",
            r#"{"level":"error","ts":1710490480.352583,"logger":"controllers.ClusterSecretStore","msg":"unable to validate store","clustersecretstore":{"name":"aws-parameter-store"},"error":"could not validate provider: AccessDenied: User: arn:aws:sts::999900001111:assumed-role/kube2iam/8e228500-kube2iam is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::999900001111:role/k8s/kube2iam\n\tstatus code: 403, request id: c0b5aff0-f376-4a7e-9322-fd3c6e0d2624","stacktrace":"github.com/external-secrets"}"#,
            4,
            "sts iam arn:aws:sts::999900001111:assumed-role/kube2iam/8e228500-kube2iam | sts:AssumeRole on arn:aws:iam::999900001111:role/k8s/kube2iam",
        ),
        row(
            "PHP SDK",
            "amzn/selling-partner-api-models#2523",
            "AccessDenied (client): User: arn:aws:iam::999900001111:user/Qikink is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::999900001111:user/Qikink - Sender AccessDenied",
            3,
            "sts iam arn:aws:iam::999900001111:user/Qikink | sts:AssumeRole on arn:aws:iam::999900001111:user/Qikink",
        ),
        row(
            "external-dns, node role",
            "eksctl-io/eksctl#427",
            r#"time="2019-01-13T14:24:20Z" level=error msg="AccessDenied: User: arn:aws:sts::999900001111:assumed-role/eksctl-prod-nodegroup-ng-8e393a03-NodeInstanceRole-BCMMCJ54BUIC/i-0b5c9b5633c5ab02c is not authorized to perform: route53:ListHostedZones\n\tstatus code: 403, request id: eaf310b3-173e-11e9-9923-339fa910c16a""#,
            4,
            "iam iam arn:aws:sts::999900001111:assumed-role/eksctl-prod-nodegroup-ng-8e393a03-NodeInstanceRole-BCMMCJ54BUIC/i-0b5c9b5633c5ab02c | route53:ListHostedZones on ",
        ),
        row(
            "cluster-autoscaler, node role",
            "terraform-aws-modules/terraform-aws-eks#336",
            "Scale-up failed for group workers: AccessDenied: User: arn:aws:sts::999900001111:assumed-role/workers/i-0d324a234b432423c is not authorized to perform: autoscaling:SetDesiredCapacity on resource: arn:aws:autoscaling:eu-west-1:999900001111:autoScalingGroup:ed18a399:autoScalingGroupName/workers\n\tstatus code: 403, request id: 15614fdc-5780-11e9-a067-1b91a3898bb6",
            4,
            "iam iam arn:aws:sts::999900001111:assumed-role/workers/i-0d324a234b432423c | autoscaling:SetDesiredCapacity on arn:aws:autoscaling:eu-west-1:999900001111:autoScalingGroup:ed18a399:autoScalingGroupName/workers",
        ),
        row(
            "SDK for Go v2",
            "aws/aws-sdk-go-v2#2859",
            "panic: operation error ECS: CreateService, https response error StatusCode: 400, RequestID: 4b95afb3-25ab-48dc-a2ba-1a9e4c0ecbda, AccessDeniedException: User: arn:aws:sts::999900001111:assumed-role/svc/s is not authorized to perform: ecs:CreateService on resource: arn:aws:ecs:ap-northeast-1:999900001111:service/default/x because no identity-based policy allows the ecs:CreateService action\n\ngoroutine 1 [running]:\nmain.main()",
            4,
            "iam iam arn:aws:sts::999900001111:assumed-role/svc/s | ecs:CreateService on arn:aws:ecs:ap-northeast-1:999900001111:service/default/x because no identity-based policy allows the ecs:CreateService action",
        ),
        row(
            "Java v2",
            "aws/aws-sdk-java-v2: S3Exception",
            "software.amazon.awssdk.services.s3.model.S3Exception: User: arn:aws:sts::999900001111:assumed-role/app/s is not authorized to perform: s3:GetObject on resource: \"arn:aws:s3:::bucket/key\" because no identity-based policy allows the s3:GetObject action (Service: S3, Status Code: 403, Request ID: 4B9, Extended Request ID: x)",
            4,
            "iam iam arn:aws:sts::999900001111:assumed-role/app/s | s3:GetObject on arn:aws:s3:::bucket/key because no identity-based policy allows the s3:GetObject action",
        ),
        row(
            "Terraform",
            "terraform-aws-modules/terraform-aws-eks#2517",
            "╷\n│ Error: unable to get role (XPTO): AccessDenied: User: arn:aws:sts::999900001111:assumed-role/XPTO/me@acme.example is not authorized to perform: iam:GetRole on resource: role XPTO with an explicit deny in an identity-based policy\n│       status code: 403, request id: 99222140-142f-47a6-aaac-15b6068489c2\n│ \n│   with module.eks.data.aws_iam_session_context.current,\n╵",
            4,
            "iam iam arn:aws:sts::999900001111:assumed-role/XPTO/me@acme.example | iam:GetRole on role XPTO with an explicit deny in an identity-based policy",
        ),
        row(
            "Karpenter",
            "aws/karpenter-provider-aws#7370",
            r#"{"level":"ERROR","time":"2024-11-12T16:46:59.426Z","logger":"controller","message":"Reconciler error","controller":"nodeclaim.lifecycle","error":"launching nodeclaim, creating instance, with fleet error(s), UnauthorizedOperation: You are not authorized to perform this operation. User: arn:aws:sts::999900001111:assumed-role/karpenter-controller-role/1731429849551905269 is not authorized to perform: ec2:RunInstances on resource: arn:aws:ec2:us-east-2:999900001111:instance/* with an explicit deny in a service control policy. Encoded authorization failure message: g4oZPBqZ4Bni8dE5dGjxYTnOZ"}"#,
            3,
            "iam iam arn:aws:sts::999900001111:assumed-role/karpenter-controller-role/1731429849551905269 | ec2:RunInstances on arn:aws:ec2:us-east-2:999900001111:instance/* with an explicit deny in a service control policy encoded",
        ),
        row(
            "Karpenter",
            "aws/karpenter-provider-aws#1536",
            "ERROR controller.provisioning Could not launch node, launching instances, creating fleet UnauthorizedOperation: You are not authorized to perform this operation. Encoded authorization failure message: 0l-KPWQJ8q5z3YatP3Ybgb5lf0dibDhN6KaE3jQ5Bu4hNkP1BxfK",
            4,
            "iam iam - |  on  encoded",
        ),
        row(
            "CNI",
            "aws/karpenter-provider-aws#1185",
            r#"{"level":"error","ts":"2022-01-19T14:52:50.585Z","caller":"ipamd/ipamd.go:444","msg":"Failed to call ec2:DescribeNetworkInterfaces for [eni-0b70601dc9523f511]: UnauthorizedOperation: You are not authorized to perform this operation.\n\tstatus code: 403, request id: f4fab8d0"}"#,
            4,
            "iam iam - | ec2:DescribeNetworkInterfaces on ",
        ),
        row(
            "AWS CLI",
            "ClusterLabs/resource-agents#1794",
            "An error occurred (UnauthorizedOperation) when calling the DisassociateAddress operation: You are not authorized to perform this operation. Encoded authorization failure message: pwzJpefrK-OBkN09iwXMerRsHYZLPx_GXTJk6bKtSSoa",
            4,
            "iam iam - | ec2:DisassociateAddress on  encoded",
        ),
        row(
            "EKS Auth, node role",
            "aws/eks-pod-identity-agent: AssumeRoleForPodIdentity",
            "Error fetching credentials: error getting credentials to cache: unable to fetch credentials from EKS Auth: operation error EKS Auth: AssumeRoleForPodIdentity, https response error StatusCode: 403, RequestID: 3c5a, AccessDeniedException: User: arn:aws:sts::999900001111:assumed-role/nodes/i-0b5c9b5633c5ab02c is not authorized to perform: eks-auth:AssumeRoleForPodIdentity on resource: arn:aws:eks:eu-west-1:999900001111:cluster/prod-eu1",
            4,
            "eks-auth iam arn:aws:sts::999900001111:assumed-role/nodes/i-0b5c9b5633c5ab02c | eks-auth:AssumeRoleForPodIdentity on arn:aws:eks:eu-west-1:999900001111:cluster/prod-eu1",
        ),
        row(
            "Rust SDK",
            "awslabs/aws-sdk-rust: ServiceError",
            r#"Error: service error: unhandled error (AccessDeniedException): Error { code: "AccessDeniedException", message: "User: arn:aws:sts::999900001111:assumed-role/app/s is not authorized to perform: dynamodb:GetItem on resource: arn:aws:dynamodb:eu-west-1:999900001111:table/t because no identity-based policy allows the dynamodb:GetItem action", aws_request_id: "0A" }"#,
            4,
            "iam iam arn:aws:sts::999900001111:assumed-role/app/s | dynamodb:GetItem on arn:aws:dynamodb:eu-west-1:999900001111:table/t because no identity-based policy allows the dynamodb:GetItem action",
        ),
        row(
            "JavaScript v3",
            "aws/aws-sdk-js-v3#2778, with its message",
            "AccessDeniedException: User: arn:aws:sts::999900001111:assumed-role/app/s is not authorized to perform: ssm:GetParameter on resource: arn:aws:ssm:sa-east-1:999900001111:parameter/p because no identity-based policy allows the ssm:GetParameter action\n    at de_AccessDeniedExceptionRes (/app/node_modules/@aws-sdk/client-ssm/dist-cjs/index.js:1:1)",
            4,
            "iam iam arn:aws:sts::999900001111:assumed-role/app/s | ssm:GetParameter on arn:aws:ssm:sa-east-1:999900001111:parameter/p because no identity-based policy allows the ssm:GetParameter action",
        ),
        row(
            "kiam",
            "Netflix/security_monkey#77",
            "BotoServerError: BotoServerError: 403 Forbidden\n<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n  <Error>\n    <Type>Sender</Type>\n    <Code>AccessDenied</Code>\n    <Message>User: arn:aws:sts::999900001111:assumed-role/SecurityMonkeyInstanceProfile/i-0e688880 is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::444455556666:role/SecurityMonkey</Message>\n  </Error>\n</ErrorResponse>",
            4,
            "sts iam arn:aws:sts::999900001111:assumed-role/SecurityMonkeyInstanceProfile/i-0e688880 | sts:AssumeRole on arn:aws:iam::444455556666:role/SecurityMonkey",
        ),
    ]
}

/// Tokens of service accounts.
fn tokens() -> Vec<Row> {
    vec![
        row(
            "SDK for Go v1",
            "aws/aws-node-termination-handler#373",
            "WebIdentityErr: failed to retrieve credentials\ncaused by: AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity\n\tstatus code: 403, request id: ef27c9bd",
            4,
            "sts iam - | sts:AssumeRoleWithWebIdentity on ",
        ),
        row(
            "boto3",
            "sentry-kubernetes/charts#514",
            "botocore.exceptions.ClientError: An error occurred (AccessDenied) when calling the AssumeRoleWithWebIdentity operation: Not authorized to perform sts:AssumeRoleWithWebIdentity",
            4,
            "sts iam - | sts:AssumeRoleWithWebIdentity on ",
        ),
        row(
            "Java v2",
            "aws/aws-sdk-java-v2#1470",
            "software.amazon.awssdk.services.sts.model.StsException: Not authorized to perform sts:AssumeRoleWithWebIdentity (Service: Sts, Status Code: 403, Request ID: d8ee3773-3046-41d0-9b95-373ec1ae7b07, Extended Request ID: null)\n        at software.amazon.awssdk.core.internal.http.CombinedResponseHandler.handleErrorResponse(CombinedResponseHandler.java:123)",
            4,
            "sts iam - | sts:AssumeRoleWithWebIdentity on ",
        ),
        row(
            "Java v1",
            "kubeflow/spark-operator#1129",
            "Caused by: org.apache.hadoop.fs.s3a.auth.NoAuthWithAWSException: No AWS Credentials provided by WebIdentityTokenCredentialsProvider : com.amazonaws.services.securitytoken.model.AWSSecurityTokenServiceException: Not authorized to perform sts:AssumeRoleWithWebIdentity (Service: AWSSecurityTokenService; Status Code: 403; Error Code: AccessDenied; Request ID: ID; Proxy: null)",
            4,
            "sts iam - | sts:AssumeRoleWithWebIdentity on ",
        ),
        row(
            ".NET",
            "aws/aws-sdk-net#1522",
            "Unhandled exception. Amazon.Runtime.AmazonClientException: Error calling AssumeRole for role arn:aws:iam::999900001111:role/xxx\n ---> Amazon.SecurityToken.AmazonSecurityTokenServiceException: Not authorized to perform sts:AssumeRoleWithWebIdentity ---> Amazon.Runtime.Internal.HttpErrorResponseException: Exception of type 'Amazon.Runtime.Internal.HttpErrorResponseException' was thrown.",
            4,
            "sts iam - | sts:AssumeRoleWithWebIdentity on arn:aws:iam::999900001111:role/xxx",
        ),
        row(
            "SDK for Go v1",
            "kubernetes-sigs/aws-load-balancer-controller#2315",
            "2021/10/22 03:14:16 Could not initialize EKS CloudWatch client: WebIdentityErr: failed to retrieve credentials\ncaused by: InvalidIdentityToken: No OpenIDConnect provider found in your account for https://oidc.eks.us-east-1.amazonaws.com/id/AAAABBBBCCCCDDDDEEEEFFFF00001111\n\tstatus code: 400, request id: 3714365f-c50b-4cae-b958-917eb6a34b50",
            4,
            "sts web-identity - | provider-missing https://oidc.eks.us-east-1.amazonaws.com/id/AAAABBBBCCCCDDDDEEEEFFFF00001111",
        ),
        row(
            "SDK for Go v2",
            "namespacelabs/foundation#801",
            "failed to retrieve credentials: failed to refresh cached credentials, failed to retrieve credentials, operation error STS: AssumeRoleWithWebIdentity, exceeded maximum number of attempts, 3, https response error StatusCode: 400, RequestID: 15810d8a-d7cf-4cf6-a789-344247a93714, InvalidIdentityToken: No OpenIDConnect provider found in your account for https://oidc.eks.eu-west-1.amazonaws.com/id/REDACTED",
            0,
            "sts web-identity - | provider-missing https://oidc.eks.eu-west-1.amazonaws.com/id/REDACTED",
        ),
        row(
            "JavaScript v3",
            "aws/aws-sdk-js-v3#5083",
            "InvalidIdentityTokenException: No OpenIDConnect provider found in your account for https://oidc.eks.cn-north-1.amazonaws.com.cn/id/AAAABBBBCCCCDDDDEEEEFFFF00001111\n    at de_InvalidIdentityTokenExceptionRes (/path/node_modules/@aws-sdk/client-sts/dist-cjs/protocols/Aws_query.js:436:23)",
            4,
            "sts web-identity - | provider-missing https://oidc.eks.cn-north-1.amazonaws.com.cn/id/AAAABBBBCCCCDDDDEEEEFFFF00001111",
        ),
        row(
            "GitHub action",
            "aws-actions/configure-aws-credentials#721",
            "Error: No OpenIDConnect provider found in your account for https://token.actions.githubusercontent.com",
            4,
            "sts web-identity - | provider-missing https://token.actions.githubusercontent.com",
        ),
        row(
            "ALB controller",
            "kubernetes-sigs/aws-load-balancer-controller#3410",
            r#"{"level":"error","ts":"2026-11-24","msg":"Reconciler error","controller":"ingress","object":{"name":"web","namespace":"shop"},"error":"WebIdentityErr: failed to retrieve credentials\ncaused by: InvalidIdentityToken: Incorrect token audience\n\tstatus code: 400, request id: 188-4eed-bb0b-deafe73caef7"}"#,
            4,
            "sts web-identity - | audience -",
        ),
        row(
            "STS, XML",
            "aws/amazon-eks-pod-identity-webhook#232",
            "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n  <Error>\n    <Type>Sender</Type>\n    <Code>InvalidIdentityToken</Code>\n    <Message>Incorrect token audience</Message>\n  </Error>\n  <RequestId>b214072d-5c22-46e6-a6bd-b6a28c08a7f2</RequestId>\n</ErrorResponse>",
            4,
            "sts web-identity - | audience -",
        ),
        row(
            "Rust (rusoto)",
            "parseablehq/parseable#604",
            r#"[2024-01-08T15:22:05Z WARN  parseable] failed to sync local data with object store. UnhandledError(Error { retries: 0, message: "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n  <Error>\n    <Type>Sender</Type>\n    <Code>ExpiredTokenException</Code>\n    <Message>Token expired: current date/time 1704727025 must be before the expiration date/time 1704574064</Message>\n  </Error>\n</ErrorResponse>" })"#,
            3,
            "sts web-identity - | expired -",
        ),
        row(
            "boto3",
            "awslabs/aws-orbit-workbench#707",
            "botocore.errorfactory.ExpiredTokenException: An error occurred (ExpiredTokenException) when calling the AssumeRoleWithWebIdentity operation: Token expired: current date/time 1624482533 must be before the expiration date/time1624482335",
            3,
            "sts web-identity - | expired -",
        ),
        row(
            "SDK for Go v2, Pod Identity",
            "aws/eks-pod-identity-agent#51",
            "get credentials: failed to refresh cached credentials, failed to load credentials, : [43250e5c]: (AccessDeniedException): Unauthorized Exception! EKS does not have permissions to assume the associated role., fault: client",
            4,
            "eks-auth pod-identity - | role",
        ),
        row(
            "Pod Identity, host network",
            "aws/eks-pod-identity-agent#139",
            "failed to refresh cached credentials, failed to load credentials,\nUnauthorized Exception! EKS does not have permissions to assume the associated role., fault: client",
            4,
            "eks-auth pod-identity - | role",
        ),
        row(
            "Pod Identity agent",
            "aws/eks-pod-identity-agent#89",
            "Removing credentials from cache, got non recoverable error: error getting credentials to cache: unable to fetch credentials from EKS Auth: operation error EKS Auth: AssumeRoleForPodIdentity, https response error StatusCode: 400, RequestID: 3c5a77b1-e68d-44fe-8b54-4a6c9bbcb057, ExpiredTokenException: The token included in the request is expired: current date/time 2025-07-06T07:02:09.314833331Z must be before the expiration date/time 2025-07-06T04:16:18Z.",
            3,
            "eks-auth pod-identity - | token-expired",
        ),
        row(
            "Pod Identity agent",
            "aws/eks-pod-identity-agent#50",
            r#"{"client-addr":"10.10.5.179:53244","cluster-name":"eks-cluster-qa","level":"error","msg":"Error fetching credentials: error getting credentials to cache: unable to fetch credentials from EKS Auth: operation error EKS Auth: AssumeRoleForPodIdentity, https response error StatusCode: 0, RequestID: , canceled, context canceled","operation":"AssumeRoleForPodIdentity","request-id":"","service":"EKS Auth","time":"2025-07-09T02:52:10Z"}"#,
            3,
            "eks-auth pod-identity - | unreachable",
        ),
        row(
            "Pod Identity agent",
            "n8n-io/n8n#23584",
            r#"{"client-addr":":","cluster-name":"prod-eu1","level":"error","msg":"Error fetching credentials: Service account token cannot be parsed: token is malformed: could not base64 decode header: illegal base64 data at input byte 6","time":"2025-12-23T14:16:38Z"}"#,
            3,
            "eks-auth pod-identity - | token-invalid",
        ),
    ]
}

/// Clients without valid credentials.
fn credentials() -> Vec<Row> {
    vec![
        row(
            "AWS CLI",
            "AWS CLI documentation: troubleshooting",
            "Unable to locate credentials. You can configure credentials by running \"aws configure\".",
            3,
            "client credentials - | NotFound",
        ),
        row(
            "AWS CLI",
            "aws/aws-cli#5823",
            "An error occurred (UnrecognizedClientException) when calling the DescribeCluster operation: The security token included in the request is invalid.",
            3,
            "eks-api credentials - | UnknownKey",
        ),
        row(
            "AWS CLI",
            "AWS CLI documentation: troubleshooting",
            "An error occurred (ExpiredToken) when calling the GetCallerIdentity operation: The security token included in the request is expired",
            3,
            "sts credentials - | Expired",
        ),
        row(
            "JavaScript v3",
            "aws/aws-sdk-js-v3#3052",
            "ExpiredTokenException: The security token included in the request is expired    at deserializeAws_json1_0UpdateItemCommandError (/app/node_modules/@aws-sdk/client-dynamodb/dist-cjs/protocols/Aws_json1_0.js:4014:41)",
            3,
            "iam credentials - | Expired",
        ),
        row(
            "AWS CLI",
            "convox/rack#235",
            "An error occurred (SignatureDoesNotMatch) when calling the AssumeRole operation: Signature expired: 20151221T200419Z is now earlier than 20151221T201450Z (20151221T201950Z - 5 min.)",
            3,
            "sts credentials - | ClockSkew",
        ),
        row(
            "SDK for Go v1",
            "upmc-enterprises/registry-creds#47",
            "InvalidSignatureException: Signature expired: 20170416T194251Z is now earlier than 20170417T123951Z (20170417T125451Z - 15 min.)\n\tstatus code: 400, request id: 0b8d33f4-236d-11e7-a556-d147d2308480",
            3,
            "iam credentials - | ClockSkew",
        ),
        row(
            "AWS CLI",
            "Amazon EC2 API reference: common client errors",
            "An error occurred (RequestExpired) when calling the DescribeInstances operation: Request has expired.",
            3,
            "iam credentials - | ClockSkew",
        ),
        row(
            "STS, JSON",
            "crossplane-contrib/provider-upjet-aws#1526",
            "{\n  \"Error\": {\n    \"Code\": \"SignatureDoesNotMatch\",\n    \"Message\": \"The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.\",\n    \"Type\": \"Sender\"\n  }\n}",
            3,
            "iam credentials - | Signature",
        ),
        row(
            "Pipeline",
            "banzaicloud/pipeline#2061",
            "AuthFailure: AWS was not able to validate the provided access credentials\n\tstatus code: 401, request id: 0cb63d3f-aa66-4647-81e6-2f24e51033a2",
            3,
            "iam credentials - | UnknownKey",
        ),
        row(
            "aws-iam-authenticator",
            "pahud/eks-templates#40",
            "could not get token: AccessDenied: Access denied\n        status code: 403, request id: cb2eac65-454e-11e9-94f9-37274ff97c3e\nUnable to connect to the server: getting credentials: exec: exit status 1",
            3,
            "client credentials - | PluginRole",
        ),
        row(
            "SDK for Go v1",
            "kubernetes-sigs/external-dns#1188",
            "level=error msg=\"NoCredentialProviders: no valid providers in chain. Deprecated.\\n\\tFor verbose messaging see aws.Config.CredentialsChainVerboseErrors\"",
            3,
            "client credentials - | NotFound",
        ),
        row(
            "kubectl",
            "Consensys/kubernetes-action#11",
            "Unable to connect to the server: getting credentials: exec plugin is configured to use API version client.authentication.k8s.io/v1beta1, plugin returned version client.authentication.k8s.io/v1alpha1",
            3,
            "client credentials - | PluginVersion",
        ),
        row(
            "Terraform, Helm",
            "antonputra/tutorials#75",
            "│ Error: Kubernetes cluster unreachable: Get \"https://0A1B.gr7.eu-west-1.eks.amazonaws.com/version\": getting credentials: decoding stdout: no kind \"ExecCredential\" is registered for version \"client.authentication.k8s.io/v1alpha1\" in scheme \"pkg/runtime/scheme.go:100\"",
            3,
            "client credentials - | PluginVersion",
        ),
        row(
            "Argo CD",
            "argoproj-labs/terraform-provider-argocd#194",
            "rpc error: code = Unknown desc = Get \"https://0A1B.gr7.eu-west-1.eks.amazonaws.com/version?timeout=32s\": getting credentials: exec: executable argocd-k8s-auth failed with exit code 20 (Client.Timeout exceeded while awaiting headers)",
            3,
            "client credentials - | Plugin",
        ),
        row(
            "kubectl",
            "lensapp/lens#5473",
            "E0801 17:53:44.809148 18093 proxy_server.go:147] Error while proxying request: getting credentials: exec: executable aws failed with exit code 254",
            3,
            "client credentials - | Plugin",
        ),
        row(
            "AWS CLI",
            "AWS CLI documentation: IAM Identity Center",
            "The SSO session associated with this profile has expired or is otherwise invalid. To refresh this SSO session run aws sso login with the corresponding profile.",
            3,
            "client credentials - | Sso",
        ),
        row(
            "AWS CLI",
            "AWS CLI documentation: named profiles",
            "The config profile (prod) could not be found",
            3,
            "client credentials - | Profile",
        ),
        row(
            "Java v2",
            "aws/aws-sdk-java-v2: AwsCredentialsProviderChain",
            "software.amazon.awssdk.core.exception.SdkClientException: Unable to load credentials from any of the providers in the chain AwsCredentialsProviderChain(credentialsProviders=[SystemPropertyCredentialsProvider()])",
            3,
            "client credentials - | NotFound",
        ),
        row(
            "JavaScript v3",
            "aws/aws-sdk-js-v3: credential-provider-node",
            "CredentialsProviderError: Could not load credentials from any providers\n    at /app/node_modules/@aws-sdk/credential-provider-node/dist-cjs/index.js:125:1",
            3,
            "client credentials - | NotFound",
        ),
    ]
}

/// What looks like a refusal, and is none of the cluster's or of AWS's.
fn near_misses() -> Vec<Row> {
    vec![
        row(
            "an HTTP access log",
            "nginx documentation: combined log format",
            r#"10.0.1.5 - - [24/Nov/2026:06:00:00 +0000] "GET /admin HTTP/1.1" 403 153 "-" "curl/8.0""#,
            2,
            NONE,
        ),
        row(
            "an HTTP access log",
            "argoproj/argo-cd#1237",
            r#"fluentd-hkn7l Rancher: log:10.130.94.100 - [07/Mar/2019:15:41:53 +0000] "GET /k8s/clusters/c-bsjhn/version?timeout=32s HTTP/2.0" 401 62 "-" "argocd-server/v0.0.0 (linux/amd64)""#,
            2,
            NONE,
        ),
        row(
            "an application",
            "spring-projects/spring-boot: DefaultErrorAttributes",
            r#"{"timestamp":"2026-11-24T06:00:00Z","status":401,"error":"Unauthorized","path":"/api/orders"}"#,
            2,
            NONE,
        ),
        row("an application", "django/django: django.request", "Forbidden (CSRF cookie not set.): /login/", 2, NONE),
        row(
            "Vault",
            "hashicorp/vault-k8s#308",
            "2021-11-22T17:45:58.799Z [ERROR] auth.handler: error authenticating:\n  error=\n  | Error making API request.\n  | \n  | URL: PUT https://vault.acme.example/v1/auth/kubernetes/login\n  | Code: 403. Errors:\n  | \n  | * permission denied",
            2,
            NONE,
        ),
        row(
            "git",
            "GitHub documentation: error: permission to user/repo denied",
            "remote: Permission to acme/shop.git denied to ci-bot.\nfatal: unable to access 'https://github.com/acme/shop.git/': The requested URL returned error: 403",
            2,
            NONE,
        ),
        row(
            "GitHub API",
            "GitHub documentation: REST API, authentication",
            r#"{"message":"Bad credentials","documentation_url":"https://docs.github.com/rest","status":"401"}"#,
            2,
            NONE,
        ),
        row("a bare word", "kubernetes-sigs/aws-iam-authenticator#127", "Unauthorized", 2, NONE),
        row("a bare status", "aptakube/aptakube#356", "401: Unauthorized", 2, NONE),
        row(
            "S3, without call or caller",
            "aws/aws-sdk-js-v3#2778",
            "AccessDenied: Access Denied\n    at deserializeAws_restXmlPutObjectTaggingCommandError",
            2,
            NONE,
        ),
        row(
            "a client library's debug log",
            "aws/aws-sdk-java-v2#2981",
            r#"2022-01-25 16:14:55 [main] DEBUG org.apache.http.wire:73 - http-outgoing-0 << "HTTP/1.1 401 Unauthorized[\r][\n]""#,
            2,
            NONE,
        ),
        row(
            "an application's certificate error",
            "elastic/cloud-on-k8s#4943",
            "Get \"https://docker.elastic.co\": x509: certificate has expired or is not yet valid",
            2,
            NONE,
        ),
        row("an application's timeout", "golang/go: net", "dial tcp 10.0.0.5:5432: i/o timeout", 2, NONE),
        row(
            "a web server",
            "Apache httpd: AH01276",
            "AH01276: Cannot serve directory /var/www/html/: No matching DirectoryIndex found, and server-generated directory index forbidden by Options directive",
            2,
            NONE,
        ),
        row(
            "npm",
            "npm documentation: common errors",
            "npm ERR! code E401\nnpm ERR! Unable to authenticate, need: Basic realm=\"Artifactory Realm\"",
            2,
            NONE,
        ),
        row(
            "Elasticsearch",
            "elastic/elasticsearch: security_exception",
            r#"{"error":{"root_cause":[{"type":"security_exception","reason":"action [indices:data/read/search] is unauthorized for user [kibana]"}]},"status":403}"#,
            2,
            NONE,
        ),
        row(
            "an image that is not there",
            "containerd/containerd: remotes/docker",
            r#"Failed to pull image "ghcr.io/acme/web:2": rpc error: code = NotFound desc = failed to pull and unpack image "ghcr.io/acme/web:2": failed to resolve reference "ghcr.io/acme/web:2": ghcr.io/acme/web:2: not found"#,
            2,
            NONE,
        ),
        row(
            "a proxy's access log",
            "squid-cache documentation: access.log",
            "1763964000.123      0 10.0.1.5 TCP_DENIED/407 3884 CONNECT github.com:443 - HIER_NONE/- text/html",
            2,
            NONE,
        ),
        row(
            "a sentence in a chat",
            "none: written for this table",
            "directory listing is forbidden: ask Jane, she is authorized",
            2,
            NONE,
        ),
        row(
            "PostgreSQL",
            "postgres/postgres: pg_hba",
            "FATAL:  password authentication failed for user \"app\"",
            2,
            NONE,
        ),
    ]
}

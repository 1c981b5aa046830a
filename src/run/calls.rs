//! The calls that a command makes, for `--explain-calls`: which, how many, and what each is for.
//!
//! Decides how calls are summed up and what each operation is good for. Which calls a question needs is decided in
//! [`super::load`]. A new operation has its line in [`purpose`].

use std::fmt::Write as _;
use std::future::Future;

use tokio::sync::mpsc;

use crate::model::update::Call;
use crate::model::words::count;

tokio::task_local! {
    static SINK: mpsc::Sender<Call>;
}

/// How many finished calls may wait to be counted.
const WAITING: usize = 4096;

/// Where a source that is opened in this task sends its finished calls, if they are recorded.
pub(super) fn sink() -> Option<mpsc::Sender<Call>> {
    SINK.try_with(Clone::clone).ok()
}

/// Does the work, and tells which calls were made in it.
pub async fn record<F: Future>(work: F) -> (F::Output, Vec<Call>) {
    let (tx, mut rx) = mpsc::channel(WAITING);
    let work = SINK.scope(tx, work);
    tokio::pin!(work);
    let mut calls = Vec::new();
    let done = loop {
        tokio::select! {
            done = &mut work => break done,
            Some(call) = rx.recv() => calls.push(call),
        }
    };
    // Tasks of a session that was dropped may hold the channel for a while: only what is there is taken.
    while let Ok(call) = rx.try_recv() {
        calls.push(call);
    }
    (done, calls)
}

/// Calls of one operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallCount {
    /// `eks`, `iam`, `sts` or `kubernetes`.
    pub service: &'static str,
    /// `DescribeAccessEntry`, `GET /api/v1/pods`.
    pub operation: String,
    /// How many.
    pub calls: usize,
    /// How many of them failed.
    pub failed: usize,
}

/// The calls by operation, in the order in which each was first made.
pub fn by_operation(calls: &[Call]) -> Vec<CallCount> {
    let mut out: Vec<CallCount> = Vec::new();
    for call in calls {
        let same = |it: &CallCount| it.service == call.service && it.operation == call.operation;
        let at = out.iter().position(same).unwrap_or_else(|| {
            let operation = call.operation.clone();
            out.push(CallCount { service: call.service, operation, calls: 0, failed: 0 });
            out.len() - 1
        });
        if let Some(it) = out.get_mut(at) {
            it.calls += 1;
            it.failed += usize::from(call.failure.is_some());
        }
    }
    out
}

/// The calls in words, for standard error.
pub fn explain(calls: &[Call]) -> String {
    let mut out = format!("{}\n", count(calls.len(), "call", "calls"));
    let rows = by_operation(calls);
    let width = rows.iter().map(|it| it.service.len() + it.operation.len() + 1).max().unwrap_or_default();
    for it in rows {
        let name = format!("{} {}", it.service, it.operation);
        let failed = if it.failed == 0 { String::new() } else { format!(" ({} failed)", it.failed) };
        let _ = writeln!(out, "{:>6} × {name:<width$}  {}{failed}", it.calls, purpose(&it.operation));
    }
    out
}

/// What an operation is made for.
fn purpose(operation: &str) -> &'static str {
    let path = operation.rsplit('/').next().unwrap_or_default();
    match operation {
        "GetCallerIdentity" => "who you are, and in which account",
        "ListClusters" => "which clusters there are",
        "DescribeCluster" => "the cluster: where its API is, its authentication mode",
        "ListAccessEntries" => "for whom there are access entries",
        "ListAccessPolicies" => "which access policies there are",
        "DescribeAccessEntry" => "an entry's type, username and groups",
        "ListAssociatedAccessPolicies" => "an entry's access policies",
        "ListPodIdentityAssociations" => "which service accounts have an association",
        "DescribePodIdentityAssociation" => "an association's role",
        "ListNodegroups" | "DescribeNodegroup" => "the roles of node groups",
        "ListFargateProfiles" | "DescribeFargateProfile" => "the roles of Fargate profiles",
        "ListAddons" | "DescribeAddon" => "the roles of add-ons, and whether the Pod Identity agent is one",
        "ListIdentityProviderConfigs" | "DescribeIdentityProviderConfig" => "who else may sign people in",
        "ListCapabilities" | "DescribeCapability" => "the roles of capabilities",
        "ListUpdates" | "DescribeUpdate" => "what was changed in the cluster's settings",
        "GetAccountAuthorizationDetails" => "the account's roles and users, their policies and trust",
        "GetRole" | "ListRoles" => "whether the role exists, its path and trust",
        "GetUser" | "ListUsers" => "whether the user exists, and its path",
        "ListAttachedRolePolicies" | "ListRolePolicies" | "GetRolePolicy" => "a role's policies",
        "GetPolicy" | "GetPolicyVersion" => "what a managed policy says",
        "ListOpenIDConnectProviders" | "GetOpenIDConnectProvider" => "whether IAM trusts the cluster's issuer",
        "ListInstanceProfiles" => "which roles instances can have",
        "SimulatePrincipalPolicy" => "whether a principal's policies allow an action",
        _ => match path {
            "aws-auth" => "the ConfigMap aws-auth: who is mapped, and as whom",
            "clusterrolebindings" | "rolebindings" => "to whom roles are bound",
            "clusterroles" | "roles" => "what roles allow",
            "namespaces" => "which namespaces there are",
            "serviceaccounts" => "annotations of service accounts",
            "pods" => "which pods run as which service account, and where",
            "nodes" => "the kinds of nodes, and their instances",
            "daemonsets" => "whether the Pod Identity agent runs",
            "networkpolicies" => "whether pods are kept from the Pod Identity agent",
            "selfsubjectaccessreviews" | "subjectaccessreviews" => "what the API server itself answers",
            "selfsubjectreviews" => "who you are to the API server",
            _ if operation.starts_with("GET /api") => "which resources the API server serves",
            _ => "",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::Time;

    fn call(service: &'static str, operation: &str) -> Call {
        let (operation, on, at) = (operation.to_owned(), String::new(), Time::default());
        Call { service, operation, on, at, millis: 1, failure: None, pace: None }
    }

    #[test]
    fn calls_are_summed_up_in_the_order_of_the_first_of_each() {
        let calls =
            [call("eks", "DescribeCluster"), call("kubernetes", "GET /api/v1/pods"), call("eks", "DescribeCluster")];
        let rows: Vec<_> = by_operation(&calls).into_iter().map(|it| (it.operation, it.calls)).collect();
        assert_eq!(rows, [("DescribeCluster".to_owned(), 2), ("GET /api/v1/pods".to_owned(), 1)]);
        let text = explain(&calls);
        assert!(text.starts_with("3 calls\n") && text.contains("which pods run as which service account"), "{text}");
    }

    #[tokio::test]
    async fn what_is_sent_while_the_work_is_done_is_recorded() {
        let work = async {
            let sink = sink().expect("recorded");
            for _ in 0..3 {
                sink.send(call("eks", "DescribeCluster")).await.expect("taken");
            }
            7
        };
        let (out, calls) = record(work).await;
        assert_eq!((out, calls.len()), (7, 3));
        assert!(sink().is_none(), "only within");
    }
}

//! The program's own door to Kubernetes, through a context of a real kubeconfig, to a real server.

use std::collections::BTreeMap;
use std::fs;

use eksplorer::access::Verdict;
use eksplorer::access::permissions::{Permissions, Who};
use eksplorer::cloud::kubernetes::{NODES, ROLE_BINDINGS, SERVICE_ACCOUNTS};
use eksplorer::model::document::Manifest;
use eksplorer::model::failure::{Failure, FailureKind};
use eksplorer::model::rbac::{Binding, ConfigMap, Metadata, Namespace, Role, RoleRef, Rule, Subject};
use eksplorer::model::request::{Request, Target};
use eksplorer::model::workload::ServiceAccount;

use super::server::server;
use super::stage::{all, facts, make, until};

fn named(namespace: Option<&str>, name: &str) -> Metadata {
    Metadata { name: name.to_owned(), namespace: namespace.map(str::to_owned), ..Metadata::default() }
}

fn namespace(name: &str) -> Manifest {
    Manifest::Namespace(Namespace { metadata: named(None, name), status: None })
}

fn binding(namespace: &str, name: &str, role: &str, user: &str) -> Manifest {
    let rbac = || Some("rbac.authorization.k8s.io".to_owned());
    Manifest::RoleBinding(Binding {
        metadata: named(Some(namespace), name),
        role_ref: RoleRef { api_group: rbac(), kind: "Role".into(), name: role.into() },
        subjects: vec![Subject { kind: "User".into(), api_group: rbac(), name: user.into(), namespace: None }],
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_aws_auth_config_map_and_service_accounts_are_read() {
    let Some(server) = server("reading aws-auth and service accounts") else { return };
    let (client, door) = (server.client("admin").await, server.door(server.kubeconfig(), "admin").await);
    assert_eq!(door.aws_auth().await, Ok(None), "there is none yet, and that is no failure");
    let rows = "- rolearn: arn:aws:iam::111122223333:role/dev\n  username: dev\n  groups: [devs]\n";
    let data = BTreeMap::from([("mapRoles".to_owned(), rows.to_owned())]);
    let written = ConfigMap { metadata: named(Some("kube-system"), "aws-auth"), data: data.clone() };
    make(&client, [&Manifest::ConfigMap(written)]).await;
    let read = door.aws_auth().await.unwrap().unwrap();
    assert_eq!((read.data, read.metadata.name.as_str()), (data, "aws-auth"));
    assert!(read.metadata.creation_timestamp.is_some() && read.metadata.uid.is_some(), "{:?}", read.metadata);

    // The controller makes one in each namespace.
    until(|| async {
        let found = all(&door, SERVICE_ACCOUNTS).await;
        let own = |it: &ServiceAccount| it.metadata.namespace.as_deref() == Some("default");
        let there = found.iter().any(|it| own(it) && it.metadata.name == "default");
        there.then_some(()).ok_or_else(|| format!("{found:?}"))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_lists_come_whole_page_by_page() {
    const MANY: usize = 620;
    let Some(server) = server("reading a list of several pages") else { return };
    let (client, door) = (server.client("admin").await, server.door(server.kubeconfig(), "admin").await);
    make(&client, [&namespace("pages")]).await;
    let many: Vec<Manifest> = (0..MANY).map(|n| binding("pages", &format!("b{n:03}"), "none", "nobody")).collect();
    make(&client, &many).await;
    let first = door.list(ROLE_BINDINGS, None).await.unwrap();
    assert_eq!(first.items.len(), 500);
    assert!(first.next.is_some() && first.remaining.is_some_and(|left| left >= MANY - 500), "{:?}", first.remaining);
    let own = all(&door, ROLE_BINDINGS).await;
    let own: Vec<&Binding> = own.iter().filter(|it| it.metadata.namespace.as_deref() == Some("pages")).collect();
    assert_eq!(own.len(), MANY);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_says_who_somebody_is() {
    let Some(server) = server("asking who somebody is") else { return };
    let said = server.door(server.kubeconfig(), "reader").await.who_am_i().await;
    if !server.is_at_least(28) {
        assert_eq!(said.unwrap_err().kind, FailureKind::Missing);
        return;
    }
    let said = said.unwrap();
    assert_eq!((said.username.as_str(), said.uid.as_str()), ("reader", "uid-reader"));
    assert_eq!(said.groups, ["readers", "system:authenticated"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_come_in_the_servers_words() {
    let Some(server) = server("reading refusals") else { return };
    let nobody = server.door(server.kubeconfig(), "nobody").await;
    let Failure { kind, message, code, .. } = nobody.list(NODES, None).await.unwrap_err();
    assert_eq!(kind, FailureKind::Refused { permission: "list nodes".into() });
    assert_eq!(code.as_deref(), Some("Forbidden"));
    let words = r#"User "nobody" cannot list resource "nodes" in API group "" at the cluster scope"#;
    assert!(message.contains(words), "{message}");

    let Failure { kind, message, .. } = nobody.aws_auth().await.unwrap_err();
    assert_eq!(kind, FailureKind::Refused { permission: "get configmaps in kube-system".into() });
    assert!(message.contains(r#"in the namespace "kube-system""#), "{message}");

    // A token that the server does not know.
    let text = fs::read_to_string(server.kubeconfig()).unwrap();
    let spoilt: String = text
        .lines()
        .map(|line| match line.split_once("token: \"") {
            Some((before, _)) => format!("{before}token: \"wrong\"}}}}\n"),
            None => format!("{line}\n"),
        })
        .collect();
    let path = server.kubeconfig().with_extension("spoilt");
    fs::write(&path, spoilt).unwrap();
    let Failure { kind, message, .. } = server.door(path, "admin").await.list(NODES, None).await.unwrap_err();
    assert_eq!((kind, message.as_str()), (FailureKind::Unauthenticated, "Unauthorized"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_namespace_counts_as_being_in_itself() {
    let Some(server) = server("reading a namespace by a Role") else { return };
    let (client, door) = (server.client("admin").await, server.door(server.kubeconfig(), "admin").await);
    let rule = Rule {
        api_groups: vec![String::new()],
        resources: vec!["namespaces".into()],
        verbs: vec!["get".into(), "list".into()],
        ..Rule::default()
    };
    let role = Role { metadata: named(Some("itself"), "own"), rules: vec![rule], ..Role::default() };
    make(&client, [&namespace("itself")]).await;
    make(&client, [&Manifest::Role(role), &binding("itself", "own", "own", "reader")]).await;
    let permissions = Permissions::of(&facts(&door).await);

    let reader = server.client("reader").await;
    let path = "/api/v1/namespaces/itself";
    // Until the authorizer has heard of the binding.
    until(|| async { reader.get(path).await.map(|_| ()).map_err(|error| error.to_string()) }).await;
    for (verb, name, path) in
        [("get", "itself", path), ("list", "", "/api/v1/namespaces"), ("get", "default", "/api/v1/namespaces/default")]
    {
        let target = Target::Resource {
            group: String::new(),
            resource: "namespaces".into(),
            subresource: String::new(),
            namespace: String::new(),
            name: name.into(),
        };
        let request = Request { verb: verb.into(), target }.as_served();
        let ours = permissions.decide(&Who::named("reader", &["readers", "system:authenticated"]), &request).verdict;
        let theirs = if reader.get(path).await.is_ok() { Verdict::Yes } else { Verdict::No };
        assert_eq!(ours, theirs, "{request}");
    }
}

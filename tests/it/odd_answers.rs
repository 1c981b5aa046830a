//! Servers that answer oddly: what they say is never taken for "there is none", nor for more or less than it says.

use std::sync::Arc;

use eksplorer::access::Verdict;
use eksplorer::access::identity::Resolver;
use eksplorer::cloud::{Credentials, Endpoint, Options, Session};
use eksplorer::model::cluster::ClusterId;
use eksplorer::model::failure::{Failure, FailureKind};
use eksplorer::model::principal::Asked;
use eksplorer::model::snapshot::{Gap, Lookup, Snapshot, State};
use eksplorer::run::load;
use serde_json::{Value, json};

use crate::fake::{Fake, HTML, JSON, Said, XML};

const ACCOUNT: &str = "111122223333";
const ROLE: &str = "arn:aws:iam::111122223333:role/oncall";
const VIEW: &str = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy";

fn id() -> ClusterId {
    ClusterId { region: "eu-west-1".into(), name: "alpha".into() }
}

pub(crate) async fn session(url: &str, context: Option<(&str, std::path::PathBuf)>) -> Session {
    let credentials =
        Credentials { access_key_id: "AKID".into(), secret_access_key: "secret".into(), session_token: None };
    let (context, kubeconfig) = context.map(|(name, path)| (name.to_owned(), path)).unzip();
    let options = Options {
        regions: vec!["eu-west-1".into()],
        attempts: 1,
        context,
        kubeconfig,
        endpoint: Some(Endpoint { url: url.to_owned(), credentials }),
        ..Options::default()
    };
    Session::open(options, None).await.unwrap()
}

fn ok(value: Value) -> Said {
    Said(200, JSON, value.to_string().into_bytes())
}

fn entry() -> Value {
    json!({"clusterName": "alpha", "principalArn": ROLE, "kubernetesGroups": ["oncall"], "accessEntryArn": "x",
        "createdAt": 1.7e9, "modifiedAt": 1.7e9, "tags": {}, "username": "oncall", "type": "STANDARD"})
}

fn cluster(url: &str) -> Value {
    json!({"name": "alpha", "arn": format!("arn:aws:eks:eu-west-1:{ACCOUNT}:cluster/alpha"), "version": "1.33",
        "status": "ACTIVE", "endpoint": url, "accessConfig": {"authenticationMode": "API"},
        "identity": {"oidc": {"issuer": "https://oidc.eks.eu-west-1.amazonaws.com/id/ABC"}}})
}

/// What is asked of EKS about access entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    List,
    Entry,
    Policies,
    All,
}

/// As EKS answers, but for one thing.
fn odd(request: &str, of: Of, said: &Said) -> Said {
    let path = request.split([' ', '?']).nth(1).unwrap_or_default();
    if request.contains("Action=GetCallerIdentity") {
        let body = format!(
            "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::{ACCOUNT}:user/eve</Arn>\
             <UserId>AIDAEVE</UserId><Account>{ACCOUNT}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
        );
        return Said(200, XML, body.into_bytes());
    }
    let here = match path {
        "/clusters/alpha" => return ok(json!({"cluster": cluster("https://127.0.0.1:1")})),
        it if it.ends_with("/access-entries") => Of::List,
        it if it.ends_with("/access-policies") => Of::Policies,
        it if it.contains("/access-entries/") => Of::Entry,
        _ => return Said(501, JSON, b"{\"message\": \"not there\"}".to_vec()),
    };
    match here {
        it if it == of || of == Of::All => said.clone(),
        Of::List => ok(json!({"accessEntries": [ROLE]})),
        Of::Policies => ok(json!({"clusterName": "alpha", "principalArn": ROLE, "associatedAccessPolicies": []})),
        _ => ok(json!({"accessEntry": entry()})),
    }
}

fn with(member: &str, value: Value) -> Said {
    let mut entry = entry();
    match value {
        Value::String(text) if text == "(absent)" => drop(entry.as_object_mut().unwrap().shift_remove(member)),
        value => entry[member] = value,
    }
    ok(json!({"accessEntry": entry}))
}

fn policies(scope: Value) -> Said {
    let mut policy = json!({"policyArn": VIEW, "associatedAt": 1.7e9, "modifiedAt": 1.7e9});
    if !scope.is_null() {
        policy["accessScope"] = scope;
    }
    ok(json!({"clusterName": "alpha", "principalArn": ROLE, "associatedAccessPolicies": [policy]}))
}

async fn loaded(url: &str, asked: Option<&Asked>) -> Snapshot {
    let session = session(url, None).await;
    match asked {
        Some(asked) => {
            load::collect(|tx| load::ask(&session, id(), asked.clone(), load::AlreadyRead::default(), tx)).await
        }
        None => load::collect(|tx| load::cluster(&session, id(), tx)).await,
    }
}

fn text(gap: Option<Gap>) -> String {
    gap.map(|it| it.to_string()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_odd_answer_about_access_entries_decides_anything() {
    let plain = |status: u16, kind: &'static str, body: &str| Said(status, kind, body.as_bytes().to_vec());
    let page = "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>";
    let whole = json!({"accessEntry": entry()}).to_string();
    let rows = [
        (
            "501",
            Of::All,
            plain(501, JSON, r#"{"__type": "InternalFailure", "message": "not emulated"}"#),
            "not emulated",
        ),
        (
            "unknown operation",
            Of::All,
            plain(404, JSON, r#"{"__type": "UnknownOperationException", "message": "?"}"#),
            "Unknown",
        ),
        ("not found, of no service", Of::All, plain(404, HTML, "<html>404 Not Found</html>"), "load balancer"),
        ("not found, empty", Of::All, plain(404, JSON, ""), "HTTP 404"),
        ("not found, no words", Of::All, plain(404, JSON, r#"{"__type": "ResourceNotFoundException"}"#), "no message"),
        (
            "a code of success",
            Of::All,
            plain(400, JSON, r#"{"__type": "NotImplemented", "message": "?"}"#),
            "NotImplemented",
        ),
        ("empty error", Of::All, plain(501, JSON, ""), "HTTP 501"),
        ("a proxy's page", Of::All, plain(502, HTML, page), "502 Bad Gateway"),
        ("a proxy's page of success", Of::All, plain(200, HTML, page), "text/html"),
        ("empty", Of::All, plain(200, JSON, ""), "is empty"),
        ("a list", Of::All, ok(json!([])), "is no object"),
        ("nothing in it", Of::All, ok(json!({})), "is missing"),
        ("objects for texts", Of::List, ok(json!({"accessEntries": [{"principalArn": ROLE}]})), "accessEntries[0]"),
        ("null for a list", Of::List, ok(json!({"accessEntries": null})), "accessEntries is null"),
        ("null in a list", Of::List, ok(json!({"accessEntries": [ROLE, null]})), "accessEntries[1]"),
        ("for ever", Of::List, ok(json!({"accessEntries": [ROLE], "nextToken": "same"})), "never end"),
        ("an empty token", Of::List, ok(json!({"accessEntries": [ROLE], "nextToken": ""})), "nextToken"),
        ("a token that is none", Of::List, ok(json!({"accessEntries": [ROLE], "nextToken": 7})), "nextToken"),
        ("cut short", Of::Entry, plain(200, JSON, &whole[..whole.len() / 2]), "no whole JSON"),
        ("an ISO date", Of::Entry, with("createdAt", json!("2026-01-01T00:00:00Z")), "createdAt"),
        ("a date as a text", Of::Entry, with("createdAt", json!("1700000000")), "createdAt"),
        ("no groups", Of::Entry, with("kubernetesGroups", Value::Null), "kubernetesGroups"),
        ("a null group", Of::Entry, with("kubernetesGroups", json!(["a", null])), "kubernetesGroups[1]"),
        ("tags as a list", Of::Entry, with("tags", json!([{"Key": "a", "Value": "b"}])), "tags"),
        ("no principal", Of::Entry, with("principalArn", json!("(absent)")), "principalArn is missing"),
        ("another's entry", Of::Entry, with("principalArn", json!(format!("{ROLE}x"))), "was asked for"),
        ("no type", Of::Entry, with("type", json!("(absent)")), "type is missing"),
        ("no username", Of::Entry, with("username", json!("")), "username"),
        ("without its envelope", Of::Entry, ok(entry()), "accessEntry is missing"),
        ("no scope", Of::Policies, policies(Value::Null), "accessScope is missing"),
        ("a scope of no type", Of::Policies, policies(json!({"namespaces": []})), "type is missing"),
        ("a scope that is not known", Of::Policies, policies(json!({"type": "galaxy"})), "galaxy"),
        (
            "a scope of no namespace",
            Of::Policies,
            policies(json!({"type": "namespace", "namespaces": []})),
            "names none",
        ),
        ("policies for ever", Of::Policies, ok(json!({"associatedAccessPolicies": [], "nextToken": "a"})), "never end"),
    ];
    let fake = Fake::start(|_| Said(500, JSON, Vec::new())).await;
    let asked = Asked::from_arn(ROLE).unwrap();
    for (name, of, said, fragment) in rows {
        fake.answer(move |request| odd(request, of, &said));
        // The list: never complete, never hanging, and it says why.
        let swept = loaded(&fake.url, None).await;
        let section = swept.cluster(&id()).access_entries.clone();
        assert!(section.gap().is_some(), "{name}: {section:?}");
        assert!(text(section.gap()).contains(fragment), "{name}: {}", text(section.gap()));
        assert!(section.items().len() <= 1, "{name}: an entry that is listed twice is one");
        // The principal: what it maps to is known only where the odd answer is not about that.
        let alone = loaded(&fake.url, Some(&asked)).await.settled();
        let facts = alone.cluster(&id());
        let resolution = Resolver::new(&facts, &alone.iam).resolve(&asked);
        match of {
            Of::List => {}
            Of::Policies => assert_eq!(resolution.access_policies, None, "{name}"),
            _ => {
                assert_eq!(resolution.verdict, Verdict::Unknown, "{name}: {}", resolution.because);
                assert!(resolution.unknown.join(" ").contains(fragment), "{name}: {:?}", resolution.unknown);
            }
        }
    }
    fake.answer(|request| odd(request, Of::List, &ok(json!({"accessEntries": [ROLE], "nextToken": null}))));
    let swept = loaded(&fake.url, None).await;
    assert!(matches!(swept.cluster(&id()).access_entries.state(), State::Known { .. }), "a null token ends the list");
}

#[tokio::test]
async fn a_load_balancer_s_404_says_nothing_about_aws_auth_nor_about_any_list() {
    let fake = Fake::start(|_| Said(500, JSON, Vec::new())).await;
    let url = fake.url.clone();
    let page = "<html><body>404 page of a load balancer</body></html>";
    fake.answer(move |request| match request.split(' ').nth(1) {
        Some("/clusters/alpha") => ok(json!({"cluster": cluster(&url)})),
        Some(it) if it.starts_with("/api") => Said(404, HTML, page.as_bytes().to_vec()),
        _ => Said(501, JSON, b"{}".to_vec()),
    });
    let dir = std::env::temp_dir().join(format!("eksplorer-odd-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let kubeconfig = dir.join("config");
    let text = json!({"apiVersion": "v1", "kind": "Config", "clusters": [{"name": "k", "cluster": {"server": fake.url}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": "ctx", "context": {"cluster": "k", "user": "u"}}]});
    std::fs::write(&kubeconfig, text.to_string()).unwrap();
    let session = session(&fake.url, Some(("ctx", kubeconfig))).await;
    let snapshot = load::collect(|tx| load::cluster(&session, id(), tx)).await;
    std::fs::remove_dir_all(&dir).unwrap();
    let facts: Arc<_> = snapshot.cluster(&id());
    let State::Failed(failure) = facts.aws_auth.state() else { panic!("{:?}", facts.aws_auth.state()) };
    assert_eq!((&failure.kind, failure.code.as_deref()), (&FailureKind::Unexpected, Some("HTTP 404")));
    for part in
        ["could not read the aws-auth ConfigMap", "text/html", "404 page of a load balancer", "Check whether a proxy"]
    {
        assert!(failure.to_string().contains(part), "{failure}");
    }
    let failed = |failure: Option<&Failure>| failure.is_some_and(|it| it.kind == FailureKind::Unexpected);
    assert!(failed(facts.pods.failure()) && failed(facts.role_bindings.failure()) && failed(facts.nodes.failure()));
}

/// What IAM answers to GetRole and to the whole account, with one role.
fn iam_answer(request: &str) -> String {
    let role = |lists: &str| {
        format!(
            "<Path>/</Path><RoleName>oncall</RoleName><RoleId>AROAX</RoleId><Arn>{ROLE}</Arn>\
             <CreateDate>2024-01-03T00:00:00Z</CreateDate><AssumeRolePolicyDocument>%7B%7D</AssumeRolePolicyDocument>{lists}"
        )
    };
    if request.contains("Action=GetRole") {
        return format!("<GetRoleResponse><GetRoleResult><Role>{}</Role></GetRoleResult></GetRoleResponse>", role(""));
    }
    let lists = "<InstanceProfileList/><RolePolicyList/><AttachedManagedPolicies/>";
    format!(
        "<GetAccountAuthorizationDetailsResponse><GetAccountAuthorizationDetailsResult><UserDetailList/><GroupDetailList/>\
         <RoleDetailList><member>{}</member></RoleDetailList><Policies/><IsTruncated>false</IsTruncated>\
         </GetAccountAuthorizationDetailsResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata>\
         </GetAccountAuthorizationDetailsResponse>",
        role(lists)
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_cut_short_has_no_role_less() {
    let fake = Fake::start(|_| Said(500, XML, Vec::new())).await;
    let caller = |request: &str| odd(request, Of::All, &Said(500, XML, Vec::new()));
    let session = session(&fake.url, None).await;
    session_account(&fake, &session).await;
    let length = iam_answer("").len();
    let step = 23;
    let mut tried = 0;
    for end in (0..length).step_by(step).chain([length]) {
        fake.answer(move |request| {
            if !request.contains("Action=GetAccountAuthorizationDetails") {
                return caller(request);
            }
            Said(200, XML, iam_answer(request).into_bytes()[..end].to_vec())
        });
        let snapshot = load::collect(|tx| load::iam(&session, tx)).await;
        for (name, there) in [("oncall", true), ("other", false)] {
            let found = snapshot.iam.role(ACCOUNT, name);
            let right = match (&found, there) {
                (Lookup::Unknown(_), _) => end < length,
                (Lookup::Found(_), there) => there,
                (Lookup::Absent, there) => !there && end == length,
            };
            assert!(right, "cut at {end}: {name} {found:?}");
        }
        tried += 1;
    }
    assert!(tried > 20);
}

/// Makes the session know whose account it is.
async fn session_account(fake: &Fake, session: &Session) {
    fake.answer(|request| odd(request, Of::All, &Said(500, XML, Vec::new())));
    assert_eq!(session.account().await.as_deref(), Ok(ACCOUNT));
}

#[tokio::test]
async fn a_role_is_not_there_only_if_iam_itself_says_so() {
    let error = |code: &str| {
        format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>The role with name oncall cannot be found.</Message></Error></ErrorResponse>"
        )
    };
    let whole = iam_answer("Action=GetRole");
    let fake = Fake::start(|_| Said(500, XML, Vec::new())).await;
    let session = session(&fake.url, None).await;
    session_account(&fake, &session).await;
    for (name, said, absent, found) in [
        ("IAM's own", Said(404, XML, error("NoSuchEntity").into_bytes()), true, false),
        ("another code", Said(404, XML, error("NotFound").into_bytes()), false, false),
        ("of another status", Said(400, XML, error("NoSuchEntity").into_bytes()), false, false),
        ("a page", Said(404, HTML, b"<html>NoSuchEntity</html>".to_vec()), false, false),
        ("empty", Said(404, XML, Vec::new()), false, false),
        ("cut short", Said(404, XML, error("NoSuchEntity").into_bytes()[..90].to_vec()), false, false),
        ("an empty answer", Said(200, XML, Vec::new()), false, false),
        ("no role", Said(200, XML, b"<GetRoleResponse><GetRoleResult/></GetRoleResponse>".to_vec()), false, false),
        ("another role", Said(200, XML, whole.replace("oncall", "other").into_bytes()), false, false),
        ("no ARN", Said(200, XML, whole.replace(&format!("<Arn>{ROLE}</Arn>"), "").into_bytes()), false, false),
        ("another operation's", Said(200, XML, whole.replace("GetRole", "GetUser").into_bytes()), false, false),
        ("the role", Said(200, XML, whole.clone().into_bytes()), false, true),
    ] {
        fake.answer(move |_| said.clone());
        let answer = session.iam().role("oncall").await;
        assert_eq!(matches!(answer, Ok(None)), absent, "{name}: {answer:?}");
        assert_eq!(matches!(answer, Ok(Some(_))), found, "{name}: {answer:?}");
    }
}

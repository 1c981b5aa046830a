//! An AWS on loopback that says who asked: its one cluster is named after the caller's key, and after all that a role was
//! assumed with. It is EKS, STS, IAM Identity Center, the endpoint of a container and the metadata of an instance.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// Temporary key ids, and who has them.
type Sessions = Arc<Mutex<BTreeMap<String, String>>>;

/// What IAM Identity Center answers to who asks whether a code was confirmed, and what it was asked.
#[derive(Default)]
pub(crate) struct Desk {
    /// Codes of errors, or `good`; without any, nobody has confirmed it yet.
    pub(crate) answers: VecDeque<&'static str>,
    /// When it was asked.
    pub(crate) asked: Vec<Instant>,
    /// The bodies of the other requests, by path.
    pub(crate) bodies: Vec<(String, Value)>,
}

pub(crate) struct WhoAsked {
    pub(crate) url: String,
    pub(crate) desk: Arc<Mutex<Desk>>,
    _server: JoinSet<()>,
}

impl WhoAsked {
    pub(crate) async fn start() -> WhoAsked {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let sessions = Sessions::default();
        let desk = Arc::<Mutex<Desk>>::default();
        let at_desk = Arc::clone(&desk);
        let mut server = JoinSet::new();
        server.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let sessions = Arc::clone(&sessions);
                let desk = Arc::clone(&at_desk);
                connections.spawn(async move {
                    let service = service_fn(|request| respond(&sessions, &desk, request));
                    let http = hyper::server::conn::http1::Builder::new();
                    let _ = http.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        WhoAsked { url, desk, _server: server }
    }
}

async fn respond(
    sessions: &Sessions,
    desk: &Mutex<Desk>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    let header = |name: &str| parts.headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or_default().to_owned();
    let signed = header("authorization");
    let key = signed.split_once("Credential=").and_then(|(_, rest)| rest.split('/').next()).unwrap_or("nobody");
    let known = sessions.lock().unwrap().get(key).cloned();
    let token = header("x-amz-security-token");
    // A secret does not come into a name.
    let hides = token.is_empty() || token.contains("SENTINEL");
    let who = known.unwrap_or_else(|| if hides { key.to_owned() } else { format!("{key}+{token}") });
    let temporary = |id: &str| {
        json!({"AccessKeyId": id, "SecretAccessKey": "s", "Token": "t", "Code": "Success",
        "Type": "AWS-HMAC", "LastUpdated": "2026-01-01T00:00:00Z", "Expiration": "2099-01-01T00:00:00Z"})
    };
    let (status, kind, said) = match parts.uri.path() {
        "/clusters" => (200, "application/json", json!({"clusters": [who]}).to_string()),
        "/clusters/c" => {
            let cluster = json!({"name": "c", "arn": "arn:aws:eks:eu-west-1:111122223333:cluster/c", "version": "1.33",
                "status": "ACTIVE", "endpoint": "https://127.0.0.1:9", "accessConfig": {"authenticationMode": "CONFIG_MAP"}});
            (200, "application/json", json!({ "cluster": cluster }).to_string())
        }
        "/ecs" => (200, "application/json", temporary("ASIACONTAINER").to_string()),
        "/latest/api/token" => (200, "text/plain", "token".to_owned()),
        "/latest/meta-data/iam/security-credentials/" => (200, "text/plain", "node".to_owned()),
        "/latest/meta-data/iam/security-credentials/node" => {
            (200, "application/json", temporary("ASIAINSTANCE").to_string())
        }
        "/federation/credentials" => {
            let role = parts.uri.query().unwrap_or_default().split('&').find_map(|it| it.strip_prefix("role_name="));
            match (header("x-amz-sso_bearer_token").as_str(), role) {
                ("good", Some(role)) => {
                    let key = json!({"accessKeyId": format!("ASIASSO{role}"), "secretAccessKey": "s", "sessionToken": "t",
                        "expiration": 4_070_908_800_000_i64});
                    (200, "application/json", json!({"roleCredentials": key}).to_string())
                }
                _ => (401, "application/json", json!({"message": "Session token not found or invalid"}).to_string()),
            }
        }
        path @ ("/client/register" | "/device_authorization" | "/token") => {
            at_desk(&mut desk.lock().unwrap(), path, &body)
        }
        "/" if body.contains("Action=AssumeRole") => assume(sessions, &body, &who),
        "/" if body.contains("Action=GetCallerIdentity") => {
            let arn = format!("arn:aws:iam::111122223333:user/{who}");
            let said = format!("<Arn>{arn}</Arn><UserId>AIDA</UserId><Account>111122223333</Account>");
            let said = format!("<GetCallerIdentityResult>{said}</GetCallerIdentityResult>");
            (200, "text/xml", format!("<GetCallerIdentityResponse>{said}</GetCallerIdentityResponse>"))
        }
        _ => (404, "application/json", json!({"message": "nothing is here"}).to_string()),
    };
    let answer = Response::builder().status(status).header("content-type", kind);
    let answer = answer.header("x-aws-ec2-metadata-token-ttl-seconds", "21600");
    Ok(answer.body(Full::from(said)).unwrap())
}

/// IAM Identity Center's OIDC service.
fn at_desk(desk: &mut Desk, path: &str, body: &str) -> (u16, &'static str, String) {
    let good = |body: Value| (200, "application/json", body.to_string());
    if path != "/token" {
        desk.bodies.push((path.to_owned(), serde_json::from_str(body).unwrap()));
    }
    match path {
        "/client/register" => good(json!({"clientId": "client", "clientSecret": "SENTINELclient",
            "clientIdIssuedAt": 1_795_500_000, "clientSecretExpiresAt": 4_070_908_800_i64})),
        "/device_authorization" => good(json!({"deviceCode": "SENTINELdevice", "userCode": "ABCD-EFGH",
            "verificationUri": "https://corp.example/device",
            "verificationUriComplete": "https://corp.example/device?user_code=ABCD-EFGH",
            "expiresIn": 600, "interval": 1})),
        _ => {
            desk.asked.push(Instant::now());
            match desk.answers.pop_front().unwrap_or("AuthorizationPendingException") {
                "good" => good(json!({"accessToken": "good", "tokenType": "Bearer", "expiresIn": 28_800,
                    "refreshToken": "SENTINELrefresh"})),
                "html" => (502, "text/html", "<html>bad gateway</html>".to_owned()),
                code => {
                    let said = json!({"__type": code, "error": "oauth", "error_description": format!("{code} it is")});
                    (400, "application/json", said.to_string())
                }
            }
        }
    }
}

fn assume(sessions: &Sessions, body: &str, who: &str) -> (u16, &'static str, String) {
    let decoded = body.replace("%3A", ":").replace("%2F", "/").replace("%40", "@");
    let get =
        |name: &str| decoded.split('&').find_map(|it| it.strip_prefix(name)?.strip_prefix('=')).map(str::to_owned);
    let last = |text: String| text.rsplit('/').next().unwrap_or_default().to_owned();
    let (action, role) = (get("Action").unwrap(), get("RoleArn").unwrap());
    if get("TokenCode").as_deref() == Some("000000") {
        let said = "MultiFactorAuthentication failed with invalid MFA one time pass code.";
        let said = format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>{said}</Message></Error></ErrorResponse>"
        );
        return (403, "text/xml", said);
    }
    if role.ends_with("/denied") {
        let said = format!("User: {who} is not authorized to perform: sts:AssumeRole on resource: {role}");
        let said = format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>{said}</Message></Error></ErrorResponse>"
        );
        return (403, "text/xml", said);
    }
    let mut name = vec![last(role), format!("by-{who}")];
    // One that nobody chose has the time in it.
    name.extend(get("RoleSessionName").filter(|it| !it.contains("session-")).map(|it| format!("named-{it}")));
    for (parameter, word) in [
        ("ExternalId", "external"),
        ("SerialNumber", "mfa"),
        ("TokenCode", "code"),
        ("DurationSeconds", "for"),
        ("WebIdentityToken", "token"),
    ] {
        name.extend(get(parameter).map(|it| format!("{word}-{}", last(it))));
    }
    let mut sessions = sessions.lock().unwrap();
    let id = format!("ASIA{:04}", sessions.len());
    sessions.insert(id.clone(), name.join("."));
    let keys = format!(
        "<AccessKeyId>{id}</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>\
         <Expiration>2099-01-01T00:00:00Z</Expiration>"
    );
    let said = format!(
        "<{action}Response><{action}Result><Credentials>{keys}</Credentials></{action}Result></{action}Response>"
    );
    (200, "text/xml", said)
}

//! From a bearer token to a user, as aws-iam-authenticator does it within EKS.
//!
//! The token is a presigned `sts:GetCallerIdentity`. No STS is asked: the lab knows the secrets that it handed out,
//! and checks the signature itself, with the cluster's own name in the header that was signed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderValue, Uri};
use jiff::{SignedDuration, Timestamp};

use super::super::authz::User;
use super::super::encoding::query;
use super::super::http::Request;
use super::super::sigv4::{Claim, Signed};
use super::super::world::World;
use crate::access::Verdict;
use crate::access::identity::groups::{ANONYMOUS, GroupSource, all_groups};
use crate::model::cluster::ClusterId;
use crate::model::principal::Principal;
use crate::model::role::Caller;

const PREFIX: &str = "k8s-aws-v1.";
const MAX_TOKEN: usize = 4096;
const CLUSTER: &str = "x-k8s-aws-id";
/// How long a token lives, whatever it says of itself.
const LIFE: SignedDuration = SignedDuration::from_mins(15);
/// How far ahead of STS a signer's clock may run; what is signed later than that is not yet current.
const SKEW: SignedDuration = SignedDuration::from_mins(5);
/// What the URL in a token may say, each at most once.
const PARAMETERS: [&str; 9] = [
    "action",
    "version",
    "x-amz-algorithm",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-expires",
    "x-amz-security-token",
    "x-amz-signature",
    "x-amz-signedheaders",
];

/// The user of a request; `None` is a 401.
pub(super) fn user(world: &World, cluster: &ClusterId, request: &Request, now: Timestamp) -> Option<User> {
    let Some(token) = bearer(&request.headers) else { return anonymous(&request.path) };
    let (caller, access_key) = caller(world, &cluster.name, token, now)?;
    let resolution = world.resolve(cluster, &caller.arn)?;
    if resolution.verdict == Verdict::Unknown {
        tracing::warn!(arn = caller.arn, because = resolution.because, "the world does not tell as whom it gets in");
    }
    let identity = resolution.identity.as_ref().filter(|_| resolution.verdict == Verdict::Yes)?;
    let (principal_id, session) = caller.user_id.split_once(':').unwrap_or((&caller.user_id, ""));
    let canonical = Principal::from_arn(&caller.arn).map(|(it, _)| it.canonical()).unwrap_or_default();
    let extra = [
        ("accessKeyId", access_key.as_str()),
        ("arn", &caller.arn),
        ("canonicalArn", &canonical),
        ("principalId", principal_id),
        ("sessionName", session),
    ];
    Some(User {
        username: identity.username.clone(),
        uid: format!("aws-iam-authenticator:{}:{principal_id}", caller.account),
        groups: identity.groups.iter().chain(&identity.implicit_groups).cloned().collect(),
        extra: extra.into_iter().map(|(name, value)| (name.to_owned(), vec![value.to_owned()])).collect(),
        access_policies: resolution.access_policies.clone().unwrap_or_default(),
    })
}

/// The bearer token of a request, if it has one. A scheme is the same in any case.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(http::header::AUTHORIZATION)?.to_str().ok()?.trim().split_once(' ')?;
    Some(token.trim()).filter(|token| scheme.eq_ignore_ascii_case("bearer") && !token.is_empty())
}

/// The user without a token: EKS lets nobody in so but to ask how the server is.
fn anonymous(path: &str) -> Option<User> {
    let asks_health = matches!(path, "/healthz" | "/livez" | "/readyz" | "/version");
    asks_health.then(|| User {
        username: ANONYMOUS.to_owned(),
        groups: all_groups(ANONYMOUS, &[], GroupSource::Impersonation),
        ..User::default()
    })
}

/// Who signed a token, and with which key; `None` unless it is sound and was made for this cluster.
fn caller(world: &World, cluster: &str, token: &str, now: Timestamp) -> Option<(Caller, String)> {
    if token.len() > MAX_TOKEN {
        return None;
    }
    let url = String::from_utf8(URL_SAFE_NO_PAD.decode(token.strip_prefix(PREFIX)?).ok()?).ok()?;
    let url: Uri = url.parse().ok()?;
    // Any host will do: with AWS_ENDPOINT_URL set, clients sign the lab's own.
    let (host, path, text) = (url.authority()?.as_str(), url.path(), url.query()?);
    let pairs = query(text)?;
    let names: Vec<String> = pairs.iter().map(|(name, _)| name.to_lowercase()).collect();
    let once = |name: &String| names.iter().filter(|it| *it == name).count() == 1;
    let value = |name: &str| pairs.iter().find(|(it, _)| it.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str());
    let fits = path == "/"
        && names.iter().all(|name| PARAMETERS.contains(&name.as_str()) && once(name))
        && value("action") == Some("GetCallerIdentity")
        && value("x-amz-expires").and_then(|it| it.parse::<u32>().ok()).is_some_and(|it| it <= 900);
    if !fits {
        return None;
    }
    let mut headers = HeaderMap::new();
    headers.insert(http::header::HOST, HeaderValue::from_str(host).ok()?);
    headers.insert(CLUSTER, HeaderValue::from_str(cluster).ok()?);
    let signed = Signed { method: "GET", path, query: text, headers: &headers, body: b"" };
    let claim = Claim::read(&signed).ok()?;
    let alive = claim.signed_at().is_some_and(|at| (-SKEW..=LIFE).contains(&now.duration_since(at)));
    if !alive || claim.service != "sts" || !claim.signed_headers.iter().any(|it| it == CLUSTER) {
        return None;
    }
    let (caller, credentials) = world.bearer(&claim.access_key_id, claim.session_token.as_deref(), now).ok()?;
    claim.holds(&signed, &credentials.secret_access_key).then_some((caller, credentials.access_key_id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::keys::Credentials;
    use crate::model::document::read;
    use aws_sigv4::http_request::{
        PayloadChecksumKind, SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign,
    };
    use aws_sigv4::sign::v4;
    use std::time::{Duration, SystemTime};

    const WORLD: &str = r#"
eksplorer: 1
caller: {Account: "111122223333", Arn: "arn:aws:sts::111122223333:assumed-role/oncall/ana"}
clusters: [{cluster: {name: prod}}]
iam:
  RoleDetailList: [{RoleName: oncall, RoleId: AROAX, Arn: "arn:aws:iam::111122223333:role/oncall"}]
  UserDetailList: [{UserName: ann, UserId: AIDAX, Arn: "arn:aws:iam::111122223333:user/ann"}]
"#;

    /// A token as clients make it, by an implementation that is not ours.
    fn token(credentials: &Credentials, cluster: &str, at: Timestamp, url: &str) -> String {
        let identity = aws_credential_types::Credentials::new(
            credentials.access_key_id.clone(),
            credentials.secret_access_key.clone(),
            credentials.session_token.clone(),
            None,
            "test",
        )
        .into();
        let mut settings = SigningSettings::default();
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(Duration::from_secs(60));
        settings.payload_checksum_kind = PayloadChecksumKind::NoHeader;
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region("eu-west-1")
            .name("sts")
            .time(SystemTime::from(at))
            .settings(settings)
            .build()
            .unwrap()
            .into();
        let signable =
            SignableRequest::new("GET", url, [(CLUSTER, cluster)].into_iter(), SignableBody::Bytes(b"")).unwrap();
        let (instructions, _) = sign(signable, &parameters).unwrap().into_parts();
        let mut request = http::Request::get(url).body(()).unwrap();
        instructions.apply_to_request_http1x(&mut request);
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(request.uri().to_string()))
    }

    #[test]
    fn a_bearer_is_one_in_any_case() {
        for (header, expected) in [
            ("Bearer t", Some("t")),
            ("bearer t", Some("t")),
            ("BEARER  t ", Some("t")),
            ("Bearer", None),
            ("Bearer ", None),
            ("Basic t", None),
            ("Bearert", None),
        ] {
            let headers = HeaderMap::from_iter([(http::header::AUTHORIZATION, HeaderValue::from_static(header))]);
            assert_eq!(bearer(&headers), expected, "{header:?}");
        }
        assert_eq!(bearer(&HeaderMap::new()), None);
    }

    #[test]
    fn nobody_is_somebody_where_health_is_asked_alone() {
        for path in ["/healthz", "/livez", "/readyz", "/version"] {
            let user = anonymous(path).unwrap();
            assert_eq!(
                (user.username.as_str(), user.groups),
                (ANONYMOUS, vec!["system:unauthenticated".to_owned()]),
                "{path}"
            );
        }
        for path in ["/", "/api", "/metrics", "/api/v1/pods", "/livez/../api"] {
            assert_eq!(anonymous(path), None, "{path}");
        }
    }

    #[test]
    fn a_token_holds_for_its_cluster_for_a_quarter_of_an_hour() {
        let world = World::new(read(WORLD).unwrap());
        let now: Timestamp = "2026-11-24T06:00:00Z".parse().unwrap();
        let url = "https://sts.eu-west-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15";
        for (named, arn) in [
            ("arn:aws:sts::111122223333:assumed-role/oncall/ana", "arn:aws:sts::111122223333:assumed-role/oncall/ana"),
            ("ann", "arn:aws:iam::111122223333:user/ann"),
        ] {
            let credentials = world.credentials(&world.find(named).unwrap());
            let who = |token: &str, minutes: i64| {
                let now = now.checked_add(SignedDuration::from_mins(minutes)).unwrap();
                caller(&world, "prod", token, now).map(|(it, _)| it.arn)
            };
            let good = token(&credentials, "prod", now, url);
            assert_eq!(who(&good, 0).as_deref(), Some(arn));
            assert_eq!(who(&good, 15).as_deref(), Some(arn));
            assert_eq!(who(&good, 16), None, "dead after 15 minutes");
            assert_eq!(who(&good, -5).as_deref(), Some(arn), "clocks differ");
            for ahead in [6, 10, 24 * 60] {
                assert_eq!(who(&good, -ahead), None, "not yet current {ahead} minutes before");
            }
            assert_eq!(who(&token(&credentials, "other", now, url), 0), None, "made for another cluster");
            assert_eq!(who(good.strip_prefix(PREFIX).unwrap(), 0), None, "no prefix");
            assert_eq!(who(&format!("{good}{}", "A".repeat(4096)), 0), None, "too long");
            let stranger = Credentials { secret_access_key: "x".repeat(40), ..credentials.clone() };
            assert_eq!(who(&token(&stranger, "prod", now, url), 0), None, "another secret");
            for odd in [
                "https://sts.eu-west-1.amazonaws.com/?Action=AssumeRole&Version=2011-06-15",
                "https://sts.eu-west-1.amazonaws.com/x?Action=GetCallerIdentity&Version=2011-06-15",
                "https://sts.eu-west-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15&More=1",
                "https://sts.eu-west-1.amazonaws.com/?Action=GetCallerIdentity&action=GetCallerIdentity",
            ] {
                assert_eq!(who(&token(&credentials, "prod", now, odd), 0), None, "{odd}");
            }
        }
    }
}

//! The bearer token of an EKS cluster: a presigned GetCallerIdentity, bound to the cluster by a signed header.
//!
//! Decides the token's form (`k8s-aws-v1.` and base64url of the URL) and which STS it names: the regional one, or the
//! endpoint that is configured for STS. Nothing is sent here; the cluster's authenticator sends the request when it
//! checks the token.

use std::time::{Duration, SystemTime};

use aws_config::{Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_sdk_sts::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_types::service_config::ServiceConfigKey;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

/// How every token begins.
const PREFIX: &str = "k8s-aws-v1.";
/// The header that says for which cluster the token is; it is signed, but not part of the URL.
const CLUSTER_HEADER: &str = "x-k8s-aws-id";
/// As all clients write it. The authenticator lets a token live for 15 minutes from its signing, whatever this says.
const EXPIRES: Duration = Duration::from_secs(60);
const ACTION: &str = "?Action=GetCallerIdentity&Version=2011-06-15";

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The URL of STS in a region, without a slash at its end.
pub(super) async fn sts_endpoint(sdk: &SdkConfig, region: &str) -> Result<String, BoxError> {
    let configured = match (sdk.get_origin("endpoint_url").is_client_config(), sdk.service_config()) {
        (false, Some(service)) => {
            let key = ServiceConfigKey::builder().service_id("STS").env("AWS_ENDPOINT_URL").profile("endpoint_url");
            service.load_config(key.build()?)
        }
        _ => None,
    };
    let params = Params::builder()
        .region(Region::new(region.to_owned()).to_string())
        .set_use_fips(sdk.use_fips())
        .set_endpoint(configured.or_else(|| sdk.endpoint_url().map(str::to_owned)))
        .build()?;
    let endpoint = DefaultResolver::new().resolve_endpoint(&params).await?;
    Ok(endpoint.url().trim_end_matches('/').to_owned())
}

/// A token for one cluster, signed at a moment.
pub(super) fn cluster_token(
    credentials: &Credentials,
    endpoint: &str,
    region: &str,
    cluster: &str,
    at: SystemTime,
) -> Result<String, BoxError> {
    let url = format!("{endpoint}/{ACTION}");
    let identity = credentials.clone().into();
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(EXPIRES);
    let params =
        v4::SigningParams::builder().identity(&identity).region(region).name("sts").time(at).settings(settings);
    let headers = std::iter::once((CLUSTER_HEADER, cluster));
    let signable = SignableRequest::new("GET", url.as_str(), headers, SignableBody::Bytes(&[]))?;
    let (instructions, _) = sign(signable, &params.build()?.into())?.into_parts();
    let mut request = http::Request::get(&url).body(())?;
    instructions.apply_to_request_http1x(&mut request);
    Ok(format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(request.uri().to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_config::BehaviorVersion;

    const AT: Duration = Duration::from_secs(1_795_500_000);

    fn credentials(session_token: Option<&str>) -> Credentials {
        Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI", session_token.map(str::to_owned), None, "test")
    }

    fn token(session_token: Option<&str>, cluster: &str) -> String {
        let at = SystemTime::UNIX_EPOCH + AT;
        cluster_token(&credentials(session_token), "https://sts.eu-west-1.amazonaws.com", "eu-west-1", cluster, at)
            .unwrap()
    }

    fn url(token: &str) -> String {
        let encoded = token.strip_prefix("k8s-aws-v1.").unwrap();
        String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(encoded).unwrap()).unwrap()
    }

    #[test]
    fn the_url_is_what_the_authenticator_accepts() {
        let url = url(&token(Some("a/session+token=="), "prod"));
        let (base, query) = url.split_once('?').unwrap();
        assert_eq!(base, "https://sts.eu-west-1.amazonaws.com/");
        let mut names: Vec<&str> = query.split('&').map(|pair| pair.split_once('=').unwrap().0).collect();
        names.sort_unstable();
        assert_eq!(
            names,
            [
                "Action",
                "Version",
                "X-Amz-Algorithm",
                "X-Amz-Credential",
                "X-Amz-Date",
                "X-Amz-Expires",
                "X-Amz-Security-Token",
                "X-Amz-Signature",
                "X-Amz-SignedHeaders"
            ]
        );
        for part in [
            "Action=GetCallerIdentity",
            "Version=2011-06-15",
            "X-Amz-Algorithm=AWS4-HMAC-SHA256",
            "X-Amz-Credential=AKIDEXAMPLE%2F20261124%2Feu-west-1%2Fsts%2Faws4_request",
            "X-Amz-Date=20261124T060000Z",
            "X-Amz-Expires=60",
            "X-Amz-Security-Token=a%2Fsession%2Btoken%3D%3D",
            "X-Amz-SignedHeaders=host%3Bx-k8s-aws-id",
        ] {
            assert!(query.split('&').any(|pair| pair == part), "{part} in {query}");
        }
    }

    #[test]
    fn a_token_is_for_one_cluster_and_holds_no_secret() {
        let (one, other) = (token(None, "prod"), token(None, "staging"));
        assert_ne!(one, other);
        assert!(one.len() < 4096 && !one.contains('='));
        assert!(!url(&one).contains("wJalrXUtnFEMI") && !url(&one).contains("prod"));
    }

    #[tokio::test]
    async fn sts_is_the_regional_one_of_the_partition_or_the_configured_one() {
        let sdk = SdkConfig::builder().behavior_version(BehaviorVersion::v2026_01_12()).build();
        for (region, url) in [
            ("eu-west-1", "https://sts.eu-west-1.amazonaws.com"),
            ("us-east-1", "https://sts.us-east-1.amazonaws.com"),
            ("cn-north-1", "https://sts.cn-north-1.amazonaws.com.cn"),
        ] {
            assert_eq!(sts_endpoint(&sdk, region).await.unwrap(), url);
        }
        let sdk = sdk.into_builder().endpoint_url("http://127.0.0.1:4321/").build();
        assert_eq!(sts_endpoint(&sdk, "eu-west-1").await.unwrap(), "http://127.0.0.1:4321");
    }
}

//! From the errors of the SDKs and of kube to [`Failure`]s.
//!
//! Decides of which kind an error is: by its *code* (an `SdkError` prints as "service error", and many codes are not
//! modelled on the operation that returns them), by HTTP status, or by what is found in its chain of causes. A new code
//! goes into [`kind_of_code`].

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_eks::config::http::HttpResponse;
use aws_sdk_eks::error::{ConnectorError, ProvideErrorMetadata, SdkError};
use kube::client::AuthError;

use super::answer::{OddAnswer, described};
use super::credentials::CredentialTrouble;
use super::lanes::Service;
use super::progress::{AnswerTooLarge, TOO_LARGE};
use super::session::Request;
use crate::model::failure::{Failure, FailureKind};

/// How much of an answer that nobody understands is kept.
const BODY_KEPT: usize = 300;

/// A failure of an AWS call.
pub(crate) fn aws<E>(request: &Request, error: SdkError<E, HttpResponse>) -> Failure
where
    E: Error + ProvideErrorMetadata + 'static,
{
    if let Some(found) = find_cause::<CredentialsError>(&error) {
        return credentials(request, found);
    }
    if let Some(found) = find_cause::<AnswerTooLarge>(&error) {
        return too_large(request, found);
    }
    match &error {
        SdkError::ServiceError(context) => {
            let status = context.raw().status().as_u16();
            match context.err().code() {
                Some(code) => {
                    let kind = kind_of_code(code, status, &request.permission);
                    let said = context.err().message().unwrap_or_default();
                    request.failure(kind, Some(code), &explained(said, explanation(code)))
                }
                None => unreadable(request, context.raw()),
            }
        }
        SdkError::ResponseError(context) => match find_cause::<OddAnswer>(&error) {
            Some(odd) => odd_answer(request, odd, context.raw()),
            None => unreadable(request, context.raw()),
        },
        SdkError::TimeoutError(_) => request.failure(FailureKind::Unreachable, None, "no answer in time"),
        _ if is_distrusted(&error) => {
            request.failure(FailureKind::Unexpected, None, &explained(&causes(&error), Some(DISTRUSTED_BY_SYSTEM)))
        }
        SdkError::DispatchFailure(dispatch) if dispatch.is_io() || dispatch.is_timeout() || broke_off(&error) => {
            request.failure(FailureKind::Unreachable, None, &causes(&error))
        }
        _ => request.failure(FailureKind::Unexpected, None, &causes(&error)),
    }
}

/// An answer that was not read to its end, since none that was asked for is so large.
pub(crate) fn too_large(request: &Request, found: &AnswerTooLarge) -> Failure {
    request.failure(FailureKind::Unexpected, Some(TOO_LARGE), &found.to_string())
}

/// May a write that failed so have been done all the same? Only what was never sent, and what the service itself refused
/// by a code, certainly was not.
pub(crate) fn may_have_happened<E>(error: &SdkError<E, HttpResponse>) -> bool
where
    E: Error + ProvideErrorMetadata + 'static,
{
    match error {
        SdkError::ConstructionFailure(_) => false,
        SdkError::ServiceError(context) => {
            let status = context.raw().status().as_u16();
            // What has no code was not said by the service, but by something on the way.
            context.err().code().is_none() || !(400..500).contains(&status) || status == 408
        }
        SdkError::DispatchFailure(_) if find_cause::<CredentialsError>(error).is_some() => false,
        SdkError::DispatchFailure(_) => {
            !find_cause::<hyper_util::client::legacy::Error>(error).is_some_and(|it| it.is_connect())
        }
        _ => true,
    }
}

/// Did the other side hang up in the midst of it?
fn broke_off(error: &(dyn Error + 'static)) -> bool {
    find_cause::<hyper::Error>(error).is_some_and(|it| it.is_incomplete_message() || it.is_closed())
}

/// An answer that is none of the service's: a proxy's page, say.
fn unreadable(request: &Request, answer: &HttpResponse) -> Failure {
    let status = answer.status().as_u16();
    let kind = if status == 429 { FailureKind::Throttled } else { FailureKind::Unexpected };
    let body = answer.body().bytes().unwrap_or_default();
    let said = described(request.service, answer.headers().get("content-type"), body);
    request.failure(kind, Some(&format!("HTTP {status}")), &said)
}

/// An answer that came with success, or as "not found", and is not what the operation answers.
fn odd_answer(request: &Request, odd: &OddAnswer, answer: &HttpResponse) -> Failure {
    let body = answer.body().bytes().unwrap_or_default();
    // Whether the service itself wrote it, by its looks: then a member says more than the first words.
    let own = match request.service {
        Service::Eks => body.trim_ascii().starts_with(b"{"),
        _ => body.trim_ascii().starts_with(format!("<{}Response", request.operation).as_bytes()),
    };
    let said = match own {
        true => odd.to_string(),
        false => format!("{odd}. {}", described(request.service, answer.headers().get("content-type"), body)),
    };
    request.failure(FailureKind::Unexpected, failed(answer.status().as_u16()).as_deref(), &said)
}

/// Whether an error code of AWS says that there are too many requests.
pub(super) fn is_throttle_code(code: &str) -> bool {
    matches!(
        code,
        "Throttling"
            | "ThrottlingException"
            | "ThrottledException"
            | "RequestThrottled"
            | "RequestThrottledException"
            | "TooManyRequestsException"
            | "RequestLimitExceeded"
            | "SlowDown"
    )
}

fn kind_of_code(code: &str, status: u16, permission: &str) -> FailureKind {
    match code {
        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" => {
            FailureKind::Refused { permission: permission.to_owned() }
        }
        "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired" => FailureKind::Expired,
        // There are some, but none that are any good here; to sign in again with the same ones would not help.
        _ if explanation(code).is_some() => FailureKind::NoCredentials,
        _ if is_throttle_code(code) => FailureKind::Throttled,
        "ResourceNotFoundException" | "NotFoundException" | "NoSuchEntity" | "NoSuchEntityException"
            if status == 404 =>
        {
            FailureKind::Missing
        }
        "ResourceInUseException" | "EntityAlreadyExists" | "ConcurrentModification" | "DeleteConflict" => {
            FailureKind::Conflict
        }
        "InvalidParameterException"
        | "InvalidRequestException"
        | "InvalidStateException"
        | "BadRequestException"
        | "ClientException"
        | "InvalidInput"
        | "ValidationError"
        | "ResourceLimitExceededException" => FailureKind::Invalid,
        _ if status == 429 => FailureKind::Throttled,
        _ => FailureKind::Unexpected,
    }
}

const KEY_NOT_KNOWN: &str = "This access key is not accepted in this region and partition: the region may need to be \
    enabled for the account (opt-in), the key may belong to another partition, be mistyped, or have been deleted.";
const SIGNATURE_NOT_GOOD: &str =
    "Check the clock of this machine, which must be right to a few minutes, and the secret access key.";
const DISTRUSTED_BY_SYSTEM: &str = "The server's certificate is not trusted by this system's certificate authorities: \
    if a proxy inspects TLS, add its authority to them, or name a bundle that has it (AWS_CA_BUNDLE, or SSL_CERT_FILE).";
const DISTRUSTED_BY_CLUSTER: &str = "The API server's certificate is not trusted by the cluster's certificate authority, \
    the one of DescribeCluster or, with --context, the kubeconfig's certificate-authority: a proxy may inspect TLS, or \
    the authority has changed.";

/// What is behind a code whose own words mislead.
fn explanation(code: &str) -> Option<&'static str> {
    match code {
        "InvalidClientTokenId" | "UnrecognizedClientException" | "InvalidAccessKeyId" => Some(KEY_NOT_KNOWN),
        "InvalidSignatureException" | "SignatureDoesNotMatch" | "RequestExpired" | "RequestTimeTooSkewed" => {
            Some(SIGNATURE_NOT_GOOD)
        }
        _ => None,
    }
}

fn explained(said: &str, why: Option<&str>) -> String {
    match (said.trim_end_matches('.'), why) {
        (_, None) => said.to_owned(),
        ("", Some(why)) => why.to_owned(),
        (said, Some(why)) => format!("{said}. {why}"),
    }
}

/// True if somebody answered whose certificate is not trusted.
fn is_distrusted(error: &(dyn Error + 'static)) -> bool {
    find_cause::<rustls::Error>(error).is_some_and(|it| matches!(it, rustls::Error::InvalidCertificate(_)))
}

/// What is said where no source of credentials is configured.
pub(crate) const NO_CREDENTIALS_ANYWHERE: &str = "neither environment, profile, SSO, container nor instance gave any";

/// A failure to come by credentials at all.
pub(crate) fn credentials(request: &Request, error: &CredentialsError) -> Failure {
    if let Some(trouble) = find_cause::<CredentialTrouble>(error) {
        return trouble.failure(request);
    }
    let said = causes(error);
    let text = said.to_lowercase();
    if is_distrusted(error) {
        return request.failure(FailureKind::Unexpected, None, &explained(&said, Some(DISTRUSTED_BY_SYSTEM)));
    }
    // Said by the service that gives them. A signature expires by the clock, whatever the credentials are.
    let unusable = if text.contains("signature") || text.contains("requestexpired") || text.contains("tooskewed") {
        Some(SIGNATURE_NOT_GOOD)
    } else if text.contains("invalidclienttokenid") || text.contains("unrecognizedclient") {
        Some(KEY_NOT_KNOWN)
    } else {
        None
    };
    if unusable.is_some() {
        return request.failure(FailureKind::NoCredentials, None, &explained(&said, unusable));
    }
    let expired = text.contains("expired") || text.contains("session token not found or invalid");
    let lost = find_cause::<ConnectorError>(error).is_some_and(|it| it.is_io() || it.is_timeout());
    let kind = if matches!(error, CredentialsError::CredentialsNotLoaded(_)) {
        FailureKind::NoCredentials
    } else if expired {
        FailureKind::Expired
    } else if lost {
        FailureKind::Unreachable
    } else if text.contains("not authorized to perform: sts:assumerole") {
        FailureKind::Refused { permission: "sts:AssumeRole".to_owned() }
    } else {
        FailureKind::NoCredentials
    };
    // The chain names every place that it looked into, down to the instance's metadata service: for the log. A person
    // needs to know that there are none.
    let nowhere = matches!(error, CredentialsError::CredentialsNotLoaded(_)) || text.contains("imds");
    if kind == FailureKind::NoCredentials && nowhere {
        tracing::info!(said, "no credentials");
        return request.failure(kind, None, NO_CREDENTIALS_ANYWHERE);
    }
    request.failure(kind, None, &said)
}

/// A failure of a Kubernetes request that came to no answer.
pub(crate) fn kubernetes(request: &Request, error: &kube::Error) -> Failure {
    match find_cause::<AuthError>(error) {
        Some(auth) => kubeconfig_user(request, auth),
        None if is_distrusted(error) => {
            let said = explained(&causes(error), Some(DISTRUSTED_BY_CLUSTER));
            request.failure(FailureKind::Unexpected, None, &said)
        }
        None => {
            let lost = matches!(error, kube::Error::Service(_) | kube::Error::HyperError(_));
            let kind = if lost { FailureKind::Unreachable } else { FailureKind::Unexpected };
            request.failure(kind, None, &causes(error))
        }
    }
}

/// A failure of a Kubernetes request whose answer broke off, or was cut off.
pub(crate) fn kubernetes_broken(request: &Request, error: &(dyn Error + 'static)) -> Failure {
    match find_cause::<AnswerTooLarge>(error) {
        Some(found) => too_large(request, found),
        None => request.failure(FailureKind::Unreachable, None, &causes(error)),
    }
}

/// A refusal in the API server's own words: a Status. That something is not there, only one that names it says.
pub(crate) fn kubernetes_status(request: &Request, status: &kube::core::Status, names_it: bool) -> Failure {
    let kind = match status.code {
        401 => FailureKind::Unauthenticated,
        403 => FailureKind::Refused { permission: request.permission.clone() },
        404 if names_it && status.reason == "NotFound" => FailureKind::Missing,
        409 => FailureKind::Conflict,
        429 => FailureKind::Throttled,
        400 | 422 => FailureKind::Invalid,
        _ => FailureKind::Unexpected,
    };
    let code = if status.reason.is_empty() { format!("HTTP {}", status.code) } else { status.reason.clone() };
    let said: String = status.message.chars().take(BODY_KEPT).collect();
    request.failure(kind, Some(&code), &said)
}

/// An answer that is no Status and no object of the API server's: somebody else answered, or only a part of it came.
pub(crate) fn kubernetes_unreadable(
    request: &Request,
    status: u16,
    content_type: Option<&str>,
    body: &[u8],
    why: Option<&str>,
) -> Failure {
    let kind = if status == 429 { FailureKind::Throttled } else { FailureKind::Unexpected };
    let whose = described(Service::Kubernetes, content_type, body);
    let said = match why {
        // What is wrong within a document says more than its first words.
        Some(why) if body.trim_ascii().starts_with(b"{") => format!("the answer cannot be read: {why}"),
        Some(why) => format!("the answer cannot be read: {why}. {whose}"),
        None => whose,
    };
    request.failure(kind, failed(status).as_deref(), &said)
}

/// The status of an answer as a code; that of success explains nothing.
fn failed(status: u16) -> Option<String> {
    (!(200..300).contains(&status)).then(|| format!("HTTP {status}"))
}

/// The user of a kubeconfig's context could not be authenticated: a fault of the kubeconfig, not of AWS.
fn kubeconfig_user(request: &Request, error: &AuthError) -> Failure {
    let said = format!("the user of the kubeconfig's context cannot be authenticated: {}", causes(error));
    request.failure(FailureKind::Invalid, None, &said)
}

/// An error and its causes, the outermost first.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let this = next?;
        // An I/O error that holds another one names that one's source as its own.
        let held = this.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        next = match held {
            Some(held) => Some(held),
            None => this.source(),
        };
        Some(this)
    })
}

fn find_cause<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    chain(error).find_map(|error| error.downcast_ref::<T>())
}

/// What an error and its causes say, each once.
pub(crate) fn causes(error: &(dyn Error + 'static)) -> String {
    let mut said = String::new();
    for cause in chain(error) {
        let text = cause.to_string();
        if !said.contains(&text) {
            if !said.is_empty() {
                said.push_str(": ");
            }
            said.push_str(&text);
        }
    }
    without_userinfo(&said)
}

/// A text without the user and password of the URLs in it: a proxy's, say, which its errors quote.
pub(crate) fn without_userinfo(text: &str) -> String {
    let mut said = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        said.push_str(before);
        said.push_str("://");
        let end = after.find(|c: char| c.is_whitespace() || "\"'`<>".contains(c)).unwrap_or(after.len());
        // A password that should have been encoded may hold anything: all to the last one goes.
        rest = after[..end].rfind('@').map_or(after, |at| &after[at + 1..]);
    }
    said.push_str(rest);
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::lanes::{Rank, Service};
    use aws_sdk_eks::error::ErrorMetadata;
    use aws_sdk_eks::operation::list_access_entries::ListAccessEntriesError;

    fn request() -> Request {
        Request::aws(Service::Eks, "ListAccessEntries", "list the access entries", "cluster prod", Rank::Page)
    }

    fn answer(status: u16, body: &str) -> HttpResponse {
        HttpResponse::new(status.try_into().unwrap(), body.to_owned().into())
    }

    fn of_code(code: &str, status: u16) -> Failure {
        let meta = ErrorMetadata::builder().code(code).message("said").build();
        aws(&request(), SdkError::service_error(ListAccessEntriesError::generic(meta), answer(status, "")))
    }

    #[test]
    fn every_code_has_its_kind() {
        let refused = FailureKind::Refused { permission: "eks:ListAccessEntries".into() };
        for (code, status, kind) in [
            ("AccessDeniedException", 403, refused.clone()),
            ("AccessDenied", 403, refused),
            ("ExpiredTokenException", 403, FailureKind::Expired),
            ("ExpiredToken", 403, FailureKind::Expired),
            ("TokenRefreshRequired", 400, FailureKind::Expired),
            ("ThrottlingException", 429, FailureKind::Throttled),
            ("Throttling", 400, FailureKind::Throttled),
            ("SomethingNew", 429, FailureKind::Throttled),
            ("ResourceNotFoundException", 404, FailureKind::Missing),
            ("NoSuchEntity", 404, FailureKind::Missing),
            ("ResourceInUseException", 409, FailureKind::Conflict),
            ("InvalidRequestException", 400, FailureKind::Invalid),
            ("ServerException", 500, FailureKind::Unexpected),
        ] {
            let failure = of_code(code, status);
            assert_eq!(failure.kind, kind, "{code}");
            assert_eq!((failure.code.as_deref(), failure.message.as_str()), (Some(code), "said"));
        }
        assert_eq!(
            of_code("AccessDeniedException", 403).to_string(),
            "could not list the access entries of cluster prod: eks:ListAccessEntries is refused to you \
             (AccessDeniedException: said)"
        );
    }

    #[test]
    fn keys_and_clocks_that_are_not_good_are_not_called_expired() {
        for (code, status, wanted) in [
            ("UnrecognizedClientException", 403, "opt-in"),
            ("InvalidClientTokenId", 403, "another partition"),
            ("InvalidSignatureException", 403, "Check the clock"),
            ("SignatureDoesNotMatch", 403, "secret access key"),
            ("RequestExpired", 400, "Check the clock"),
            ("RequestTimeTooSkewed", 403, "Check the clock"),
        ] {
            let failure = of_code(code, status);
            assert_eq!((&failure.kind, failure.code.as_deref()), (&FailureKind::NoCredentials, Some(code)));
            assert!(failure.message.starts_with("said. ") && failure.message.contains(wanted), "{failure}");
        }
        for (said, wanted) in [
            ("service error: Signature expired: 20261124T060000Z is now earlier than …", "Check the clock"),
            ("unhandled error (InvalidClientTokenId)", "opt-in"),
        ] {
            let failure = credentials(&request(), &CredentialsError::provider_error(said));
            assert_eq!(failure.kind, FailureKind::NoCredentials, "{failure}");
            assert!(failure.message.contains(wanted), "{failure}");
        }
    }

    #[test]
    fn a_certificate_that_is_not_trusted_is_not_called_unreachable() {
        let io = || {
            let distrusted = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
            std::io::Error::new(std::io::ErrorKind::InvalidData, distrusted)
        };
        type E = SdkError<ListAccessEntriesError, HttpResponse>;
        let from_kubernetes = kubernetes(&request(), &kube::Error::Service(io().into()));
        let of_aws = aws(&request(), E::dispatch_failure(ConnectorError::io(io().into())));
        let of_sso = credentials(&request(), &CredentialsError::provider_error(ConnectorError::io(io().into())));
        for (failure, setting) in
            [(from_kubernetes, "DescribeCluster"), (of_aws, "SSL_CERT_FILE"), (of_sso, "SSL_CERT_FILE")]
        {
            assert_eq!(failure.kind, FailureKind::Unexpected, "{failure}");
            assert!(failure.message.contains("UnknownIssuer") && failure.message.contains(setting), "{failure}");
        }
    }

    #[test]
    fn an_answer_without_a_code_shows_status_and_body() {
        let unmodelled = ListAccessEntriesError::generic(ErrorMetadata::builder().build());
        let page = format!("<html>Blocked by proxy{}", "x".repeat(1000));
        let failure = aws(&request(), SdkError::service_error(unmodelled, answer(403, &page)));
        assert_eq!((&failure.kind, failure.code.as_deref()), (&FailureKind::Unexpected, Some("HTTP 403")));
        assert!(failure.message.contains("<html>Blocked") && failure.message.len() < BODY_KEPT, "{failure}");
    }

    #[test]
    fn nothing_answered() {
        type E = SdkError<ListAccessEntriesError, HttpResponse>;
        let refused: E = SdkError::dispatch_failure(ConnectorError::io("connection refused".into()));
        let failure = aws(&request(), refused);
        assert_eq!(failure.kind, FailureKind::Unreachable);
        assert!(failure.message.contains("connection refused"), "{failure}");
        assert_eq!(aws(&request(), E::timeout_error("late")).kind, FailureKind::Unreachable);
    }

    #[test]
    fn only_what_was_refused_or_never_sent_certainly_did_not_happen() {
        type E = SdkError<ListAccessEntriesError, HttpResponse>;
        let said = |code: Option<&str>, status: u16| {
            let mut meta = ErrorMetadata::builder();
            if let Some(code) = code {
                meta = meta.code(code);
            }
            may_have_happened(&E::service_error(ListAccessEntriesError::generic(meta.build()), answer(status, "")))
        };
        for (code, status, may) in [
            (Some("AccessDeniedException"), 403, false),
            (Some("InvalidParameterException"), 400, false),
            (Some("ThrottlingException"), 429, false),
            (Some("ResourceInUseException"), 409, false),
            (Some("ServerException"), 500, true),
            (Some("ServiceUnavailableException"), 503, true),
            (Some("RequestTimeout"), 408, true),
            (None, 403, true),
            (None, 502, true),
        ] {
            assert_eq!(said(code, status), may, "{code:?} {status}");
        }
        assert!(may_have_happened(&E::timeout_error("late")));
        assert!(may_have_happened(&E::dispatch_failure(ConnectorError::io("broken pipe".into()))));
        assert!(!may_have_happened(&E::construction_failure("no URL")));
        let unsigned = CredentialsError::not_loaded("no providers in chain");
        assert!(!may_have_happened(&E::dispatch_failure(ConnectorError::other(unsigned.into(), None))));
    }

    #[test]
    fn credentials_are_missing_expired_or_not_to_be_had() {
        let of = |error: CredentialsError| {
            type E = SdkError<ListAccessEntriesError, HttpResponse>;
            aws(&request(), E::dispatch_failure(ConnectorError::other(error.into(), None))).kind
        };
        assert_eq!(of(CredentialsError::not_loaded("no providers in chain")), FailureKind::NoCredentials);
        assert_eq!(
            of(CredentialsError::provider_error("the SSO session has expired or is invalid")),
            FailureKind::Expired
        );
        let unplugged = ConnectorError::io("connection refused".into());
        assert_eq!(of(CredentialsError::provider_error(unplugged)), FailureKind::Unreachable);
        let said = "User: x is not authorized to perform: sts:AssumeRole on resource: y";
        assert_eq!(
            of(CredentialsError::provider_error(said)),
            FailureKind::Refused { permission: "sts:AssumeRole".into() }
        );
    }

    #[test]
    fn no_failure_tells_the_password_of_a_proxy() {
        let url: http::Uri = "socks5://corp:hunter2@proxy:1080".parse().unwrap();
        let request = Request::kubernetes("GET /api/v1/pods", "list pods", "list the pods", "cluster prod");
        let kube = kube::Error::ProxyProtocolUnsupported { proxy_url: Box::new(url.clone()) };
        let io = std::io::Error::other("tunnel http://corp:hunter2@proxy:3128, then https://x:hunter2@y");
        let sdk = SdkError::<ListAccessEntriesError, _>::dispatch_failure(ConnectorError::io(io.to_string().into()));
        for failure in [
            kubernetes(&request, &kube),
            kubernetes(&request, &kube::Error::Service(io.into())),
            aws(&request, sdk),
            request.failure(FailureKind::Unexpected, None, &format!("proxy {url}")),
        ] {
            assert!(!format!("{failure:?}").contains("hunter2") && failure.message.contains("proxy:"), "{failure:?}");
        }
        for (text, wanted) in [
            ("at https://a/b?c=d: no", "at https://a/b?c=d: no"),
            ("at http://u:p/w@d@h:1/x y@z", "at http://h:1/x y@z"),
            ("'http://u@h' \"ftp://u:p@g\"", "'http://h' \"ftp://g\""),
            ("://", "://"),
        ] {
            assert_eq!(without_userinfo(text), wanted);
        }
    }

    #[test]
    fn kubernetes_says_who_and_what() {
        let request = Request::kubernetes("GET /api/v1/pods", "list pods", "list the pods", "cluster prod");
        for (code, kind) in [
            (401, FailureKind::Unauthenticated),
            (403, FailureKind::Refused { permission: "list pods".into() }),
            (404, FailureKind::Missing),
            (429, FailureKind::Throttled),
            (500, FailureKind::Unexpected),
        ] {
            let reason = if code == 404 { "NotFound" } else { "Reason" };
            let status = kube::core::Status::failure("said", reason).with_code(code);
            let failure = kubernetes_status(&request, &status, true);
            assert_eq!((failure.kind, failure.code.as_deref()), (kind, Some(reason)), "{code}");
        }
        for (reason, names_it) in [("NotFound", false), ("Gone", true), ("", true)] {
            let status = kube::core::Status::failure("said", reason).with_code(404);
            let failure = kubernetes_status(&request, &status, names_it);
            assert_eq!(failure.kind, FailureKind::Unexpected, "{reason} {names_it}: it does not speak of the object");
        }
        let io = std::io::Error::new(std::io::ErrorKind::TimedOut, "timed out");
        assert_eq!(kubernetes(&request, &kube::Error::Service(io.into())).kind, FailureKind::Unreachable);
    }
}

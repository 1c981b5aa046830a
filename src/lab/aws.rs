//! The AWS port: EKS, IAM, STS and IAM Identity Center behind one address.
//!
//! Decides which service a request is for (its signature names one) and who sent it, and words the refusals that all
//! three share, each in its own protocol. What a service does is in `eks`, `iam`, `sts` and `sso`.

use http::{HeaderValue, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::encoding::form;
use super::http::{Answer, Request, answer, unanswered};
use super::sigv4::{Claim, Signed, Unsigned};
use super::world::{NoKey, Withheld, World};
use super::{State, eks, iam, sso, sts, xml};
use crate::model::role::Caller;
use crate::model::time::Time;

/// The services on the port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    Eks,
    Iam,
    Sts,
}

/// A request refused or failed, before it is put in its service's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) message: String,
    /// Nothing is said at all: the connection is dropped.
    silent: bool,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Refusal {
        Refusal { status, code, message: message.into(), silent: false }
    }

    /// Fails as it did when the world was taken; `denied` is how the service refuses.
    pub(super) fn again(withheld: Withheld<'_>, service: Service, denied: impl FnOnce() -> Refusal) -> Refusal {
        let failed = |said: &str| {
            let code = service.pick("ServerException", "ServiceFailure");
            Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, code, said)
        };
        match withheld {
            // AWS has no 401: whom it does not know it refuses.
            Withheld::Refused | Withheld::Unauthenticated => denied(),
            Withheld::Throttled if service == Service::Eks => {
                Refusal::new(StatusCode::TOO_MANY_REQUESTS, "ThrottlingException", "Rate exceeded")
            }
            Withheld::Throttled => Refusal::new(StatusCode::BAD_REQUEST, "Throttling", "Rate exceeded"),
            Withheld::Unreachable => Refusal { silent: true, ..failed("nothing answered") },
            Withheld::Failed(said) => failed(said),
        }
    }
}

/// A request of a known caller.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call<'a> {
    pub(super) world: &'a World,
    pub(super) caller: &'a Caller,
    pub(super) region: &'a str,
    pub(super) request: &'a Request,
    /// Caps every page.
    pub(super) page_size: Option<usize>,
    pub(super) now: Timestamp,
    /// The same by the lab's own clock: what a write is dated with.
    pub(super) written: Time,
}

impl Call<'_> {
    /// The length of a page: what was asked for, or the service's default, under the lab's own cap.
    pub(super) fn page_limit(&self, asked: Option<usize>, default: usize) -> usize {
        asked.unwrap_or(default).min(self.page_size.unwrap_or(usize::MAX))
    }
}

/// What a request is to do: the name of an operation of EKS, or of an action of the query protocol.
pub(super) fn operation(request: &Request) -> Option<String> {
    if request.path != "/" {
        return sso::operation_name(request).or_else(|| eks::operation_name(request)).map(str::to_owned);
    }
    let body = std::str::from_utf8(&request.body).ok()?;
    let pairs = form(&request.query)?.into_iter().chain(form(body)?);
    pairs.into_iter().find(|(name, _)| name == "Action").map(|(_, action)| action)
}

/// The answer to a request on the AWS port; what is `broken` is not done.
pub(super) fn respond(state: &State, request: &Request, broken: Option<Withheld<'_>>) -> Answer {
    let id = state.next_request_id();
    let mut answer = with_id(state, request, broken, &id);
    if let Ok(id) = HeaderValue::from_str(&id) {
        answer.headers_mut().insert("x-amzn-requestid", id);
    }
    answer
}

fn with_id(state: &State, request: &Request, broken: Option<Withheld<'_>>, id: &str) -> Answer {
    let signed = Signed {
        method: request.method.as_str(),
        path: &request.path,
        query: &request.query,
        headers: &request.headers,
        body: &request.body,
    };
    if let Some(answer) = unsigned_answer(state, request, broken.as_ref(), id) {
        return answer;
    }
    let claim = Claim::read(&signed);
    let service = match claim.as_ref().map(|claim| claim.service.as_str()) {
        Ok("eks") => Service::Eks,
        Ok("iam") => Service::Iam,
        Ok("sts") => Service::Sts,
        Ok(_) => Service::of_path(&request.path),
        // Nothing says for whom it is but its shape.
        Err(_) => Service::of_path(&request.path),
    };
    let world = state.world();
    let now = Timestamp::now();
    let signer = claim.map_err(|unsigned| service.unsigned(unsigned)).and_then(|claim| {
        let (caller, credentials) = world
            .bearer(&claim.access_key_id, claim.session_token.as_deref(), now)
            .map_err(|problem| service.no_key(problem))?;
        if claim.holds(&signed, &credentials.secret_access_key) {
            Ok((caller, claim.region))
        } else {
            Err(service.wrong_signature())
        }
    });
    let (caller, region) = match signer {
        Ok(signer) => signer,
        Err(refusal) => return service.refuse(&refusal, id),
    };
    if let Some(broken) = broken {
        let denied = || {
            let action = format!("{}:{}", service.prefix(), operation(request).unwrap_or_default());
            let message = format!("User: {} is not authorized to perform: {action} on resource: *", caller.arn);
            Refusal::new(StatusCode::FORBIDDEN, service.pick("AccessDeniedException", "AccessDenied"), message)
        };
        return service.refuse(&Refusal::again(broken, service, denied), id);
    }
    let (page_size, written) = (state.page_size, state.clock.now());
    let call = Call { world: &world, caller: &caller, region: &region, request, page_size, now, written };
    let result = match service {
        Service::Eks => eks::perform(state, &call).map(|body| json_answer(StatusCode::OK, &body)),
        Service::Iam | Service::Sts => query_call(service, &call, id),
    };
    result.unwrap_or_else(|refusal| service.refuse(&refusal, id))
}

/// The answer to a request that nobody signs: one of IAM Identity Center.
fn unsigned_answer(state: &State, request: &Request, broken: Option<&Withheld<'_>>, id: &str) -> Option<Answer> {
    if let Some(page) = sso::page(&state.desk, request) {
        return Some(page);
    }
    let operation = sso::operation_name(request)?;
    // Its errors are in the form that those of EKS have, too.
    let service = Service::Eks;
    let denied = || Refusal::new(StatusCode::FORBIDDEN, "ForbiddenException", "No access");
    let answered = match broken {
        Some(broken) => Err(Refusal::again(*broken, service, denied)),
        None => sso::perform(&state.desk, &state.world(), operation, request),
    };
    Some(answered.unwrap_or_else(|refusal| service.refuse(&refusal, id)))
}

/// The parameters of a query call, from its form and its query string.
#[derive(Clone, Debug, Default)]
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// A parameter that is there and not empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// `NAME.member.1` and so on.
    pub(super) fn list(&self, name: &str) -> Vec<&str> {
        let prefix = format!("{name}.member.");
        self.0.iter().filter(|(it, _)| it.starts_with(&prefix)).map(|(_, value)| value.as_str()).collect()
    }
}

fn query_call(service: Service, call: &Call<'_>, id: &str) -> Result<Answer, Refusal> {
    let malformed = || Refusal::new(StatusCode::BAD_REQUEST, "MalformedQueryString", "The query cannot be read.");
    let body = std::str::from_utf8(&call.request.body).map_err(|_| malformed())?;
    let mut pairs = form(&call.request.query).ok_or_else(malformed)?;
    pairs.extend(form(body).ok_or_else(malformed)?);
    let parameters = Parameters(pairs);
    let action = parameters.get("Action").unwrap_or_default().to_owned();
    let (result, namespace) = match service {
        Service::Sts => (sts::perform(call, &action, &parameters)?, "https://sts.amazonaws.com/doc/2011-06-15/"),
        _ => (iam::perform(call, &action, &parameters)?, "https://iam.amazonaws.com/doc/2010-05-08/"),
    };
    let (response, inner) = (format!("{action}Response"), format!("{action}Result"));
    let metadata = json!({ "RequestId": id });
    if service == Service::Sts && call.request.header("accept").is_some_and(|it| it.contains("application/json")) {
        let body = json!({ &response: { inner: result, "ResponseMetadata": metadata } });
        return Ok(json_answer(StatusCode::OK, &body));
    }
    let mut body = format!("<{response} xmlns=\"{namespace}\">");
    xml::element(&inner, &result, &mut body);
    xml::element("ResponseMetadata", &metadata, &mut body);
    body.push_str(&format!("</{response}>"));
    Ok(answer(StatusCode::OK, "text/xml", body))
}

pub(super) fn json_answer(status: StatusCode, body: &Value) -> Answer {
    answer(status, "application/json", body.to_string())
}

impl Service {
    fn of_path(path: &str) -> Service {
        if path == "/" { Service::Iam } else { Service::Eks }
    }

    /// What its actions begin with.
    fn prefix(self) -> &'static str {
        match self {
            Service::Eks => "eks",
            Service::Iam => "iam",
            Service::Sts => "sts",
        }
    }

    fn pick(self, eks: &'static str, query: &'static str) -> &'static str {
        if self == Service::Eks { eks } else { query }
    }

    fn unsigned(self, why: Unsigned) -> Refusal {
        match why {
            Unsigned::Missing => Refusal::new(
                StatusCode::FORBIDDEN,
                self.pick("MissingAuthenticationTokenException", "MissingAuthenticationToken"),
                "Missing Authentication Token",
            ),
            Unsigned::Incomplete => Refusal::new(
                self.pick_status(),
                self.pick("IncompleteSignatureException", "IncompleteSignature"),
                "The request signature does not conform to AWS standards: Credential, SignedHeaders, Signature and \
                 X-Amz-Date are all needed.",
            ),
        }
    }

    fn pick_status(self) -> StatusCode {
        if self == Service::Eks { StatusCode::FORBIDDEN } else { StatusCode::BAD_REQUEST }
    }

    fn no_key(self, why: NoKey) -> Refusal {
        match why {
            NoKey::Unknown => Refusal::new(
                StatusCode::FORBIDDEN,
                self.pick("UnrecognizedClientException", "InvalidClientTokenId"),
                "The security token included in the request is invalid.",
            ),
            NoKey::Expired => Refusal::new(
                StatusCode::FORBIDDEN,
                self.pick("ExpiredTokenException", "ExpiredToken"),
                "The security token included in the request is expired",
            ),
        }
    }

    fn wrong_signature(self) -> Refusal {
        Refusal::new(
            StatusCode::FORBIDDEN,
            self.pick("InvalidSignatureException", "SignatureDoesNotMatch"),
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret \
             Access Key and signing method. Consult the service documentation for details.",
        )
    }

    fn refuse(self, refusal: &Refusal, id: &str) -> Answer {
        let Refusal { status, code, message, silent } = refusal;
        if *silent {
            return unanswered();
        }
        if self == Service::Eks {
            let mut answer = json_answer(*status, &json!({ "message": message }));
            answer.headers_mut().insert("x-amzn-errortype", HeaderValue::from_static(code));
            return answer;
        }
        let kind = if status.is_server_error() { "Receiver" } else { "Sender" };
        let mut body = String::from("<ErrorResponse>");
        xml::element("Error", &json!({ "Type": kind, "Code": code, "Message": message }), &mut body);
        xml::element("RequestId", &Value::from(id), &mut body);
        body.push_str("</ErrorResponse>");
        answer(*status, "text/xml", body)
    }
}

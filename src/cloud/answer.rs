//! Whether an answer of AWS is one: checks the raw body beside what the SDK made of it.
//!
//! The SDK fills gaps: an absent list is an empty one, an absent text is `""`, a document that is cut short ends where it
//! ends. So that no gap is ever taken for "there is none", each answer is held against the table of its operation
//! ([`tables`]): is it whole, does it have the members that the service always returns, of their types, and does it speak
//! of the object that was asked for? Refusals by "not found" are checked as well ([`AnswerCheck::refusal`]). What an odd
//! answer means for a section is decided by the caller; a new operation is a line of [`tables`].

pub(super) mod shape;
mod tables;
#[cfg(test)]
mod tests;
mod xml;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_eks::config::interceptors::AfterDeserializationInterceptorContextRef;
use aws_sdk_eks::config::{ConfigBag, Intercept, RuntimeComponents};
use serde_json::Value;

use super::failure::is_throttle_code;
use super::lanes::Service;
use super::progress::Progress;
use shape::{ShapeFault, Unreadable, WireNode};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// How much of an answer is quoted where nobody expected it.
const QUOTED: usize = 120;

/// How what gzip writes begins.
const GZIP: &[u8] = &[0x1f, 0x8b];

/// Why an answer is not what its operation answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OddAnswer(pub(super) String);

impl fmt::Display for OddAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for OddAnswer {}

/// What an answer must say of itself: the members on the way to a text, and the text.
type Named = (&'static [&'static str], String);

/// What was seen in a checked answer.
#[derive(Debug, Default)]
struct SeenAnswer {
    unreadable: Vec<Unreadable>,
    body: Option<Value>,
    bytes: usize,
    host: String,
}

/// The check of one call's answer, for the SDK to run. Clones share what they saw.
#[derive(Clone, Debug)]
pub(super) struct AnswerCheck {
    service: Service,
    operation: String,
    named: Vec<Named>,
    seen: Arc<Mutex<SeenAnswer>>,
}

impl AnswerCheck {
    pub(super) fn new(service: Service, operation: &str) -> Self {
        AnswerCheck { service, operation: operation.to_owned(), named: Vec::new(), seen: Arc::default() }
    }

    /// The answer must name this object.
    pub(super) fn names(&mut self, path: &'static [&'static str], name: &str) {
        self.named.push((path, name.to_owned()));
    }

    /// The items of the last answer that cannot be read, though the rest can.
    pub(super) fn unreadable(&self) -> Vec<Unreadable> {
        std::mem::take(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner).unreadable)
    }

    /// Who gave the last answer.
    pub(super) fn answered_by(&self, host: String) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).host = host;
    }

    /// Who gave the last answer: `host:port`.
    pub(super) fn host(&self) -> String {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).host.clone()
    }

    /// The size of the last answer.
    pub(super) fn bytes(&self) -> usize {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).bytes
    }

    /// Whether the last answer, a JSON document, has a member that is not null.
    pub(super) fn has(&self, pointer: &str) -> bool {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.body.as_ref().and_then(|it| it.pointer(pointer)).is_some_and(|it| !it.is_null())
    }

    /// Checks a body that came with success.
    fn success(&self, body: &[u8]) -> Result<(), OddAnswer> {
        let odd = |fault: ShapeFault| OddAnswer(format!("the answer to {} {fault}", self.operation));
        let Some(shape) = tables::shape_of(self.service, &self.operation) else { return Ok(()) };
        let mut unreadable = Vec::new();
        let mut kept = None;
        if self.service == Service::Eks {
            let value: Value = serde_json::from_slice(body).map_err(|error| odd(broken("JSON", body, &error)))?;
            let node = WireNode::Json(&value);
            shape.check(node, &mut unreadable).map_err(odd)?;
            self.check_names(node).map_err(odd)?;
            kept = Some(value);
        } else {
            let root = xml::parse(body).map_err(|error| odd(broken("XML", body, &error)))?;
            let (response, result) = (format!("{}Response", self.operation), format!("{}Result", self.operation));
            if root.name != response {
                return Err(odd(ShapeFault::new(&root.name, format!("is not {response}"))));
            }
            let result = WireNode::Xml(&root).member(&result).map_err(odd)?;
            let node = result.ok_or_else(|| odd(ShapeFault::new("", format!("has no {}Result", self.operation))))?;
            shape.check(node, &mut unreadable).map_err(odd)?;
            check_pages(node).map_err(odd)?;
            self.check_names(node).map_err(odd)?;
        }
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        (seen.unreadable, seen.body, seen.bytes) = (unreadable, kept, body.len());
        Ok(())
    }

    fn check_names(&self, node: WireNode<'_>) -> Result<(), ShapeFault> {
        for (path, wanted) in &self.named {
            let mut at = Some(node);
            for name in *path {
                at = match at {
                    Some(node) => node.member(name)?,
                    None => None,
                };
            }
            // One that is absent is the table's affair.
            let Some(found) = at.and_then(WireNode::text) else { continue };
            if !found.eq_ignore_ascii_case(wanted) {
                let at = path.join(".");
                return Err(ShapeFault::new(&at, format!("is {found:?}, and {wanted:?} was asked for")));
            }
        }
        Ok(())
    }

    /// Checks a refusal by which a service would say that there is no such object: only its own words count.
    fn refusal(&self, code: Option<&str>, body: &[u8]) -> Result<(), OddAnswer> {
        let odd = |why: &str| Err(OddAnswer(format!("HTTP 404 is not {}'s own answer: {why}", name_of(self.service))));
        let said = match self.said(code, body) {
            Ok(said) => said,
            Err(why) => return odd(why),
        };
        match said {
            (None, _) => odd("it has no error code"),
            (Some(_), None) => odd("it has no message"),
            (Some(_), Some(message)) if message.trim().is_empty() => odd("its message is empty"),
            _ => Ok(()),
        }
    }

    /// The code and the message of an error; `code` is that of the answer's header.
    fn said(&self, code: Option<&str>, body: &[u8]) -> Result<(Option<String>, Option<String>), &'static str> {
        if self.service == Service::Eks {
            let Ok(value) = serde_json::from_slice::<Value>(body) else { return Err("it is no JSON document") };
            let code = code.or_else(|| value.get("__type").and_then(Value::as_str));
            let code = code.map(|it| it.split(':').next().unwrap_or(it)).map(|it| it.rsplit('#').next().unwrap_or(it));
            let message = value.get("message").or_else(|| value.get("Message")).and_then(Value::as_str);
            return Ok((code.map(str::to_owned), message.map(str::to_owned)));
        }
        let Ok(root) = xml::parse(body) else { return Err("it is no whole XML document") };
        let error = Some(WireNode::Xml(&root)).filter(|_| root.name == "ErrorResponse");
        let error = error.and_then(|it| it.member("Error").ok().flatten());
        let part = |name: &str| error.and_then(|it| it.member(name).ok().flatten()?.text().map(str::to_owned));
        Ok((part("Code"), part("Message")))
    }

    /// Whether an answer says that there are too many requests.
    fn is_throttled(&self, status: u16, code: Option<&str>, body: &[u8]) -> bool {
        // Services say it with any status that is an error's.
        status == 429
            || status >= 400 && matches!(self.said(code, body), Ok((Some(code), _)) if is_throttle_code(&code))
    }
}

/// Whether there are more pages must be said in one voice: a marker, and that there is more.
fn check_pages(node: WireNode<'_>) -> Result<(), ShapeFault> {
    let Some(truncated) = node.member("IsTruncated")?.and_then(WireNode::flag) else { return Ok(()) };
    let marker = node.member("Marker")?.and_then(WireNode::text).is_some_and(|it| !it.is_empty());
    match (truncated, marker) {
        (true, false) => Err(ShapeFault::new("IsTruncated", "is true, and there is no Marker".to_owned())),
        (false, true) => Err(ShapeFault::new("IsTruncated", "is false, and there is a Marker".to_owned())),
        _ => Ok(()),
    }
}

fn broken(what: &str, body: &[u8], error: &dyn fmt::Display) -> ShapeFault {
    let body = body.trim_ascii();
    match body.first() {
        None => ShapeFault::new("", "is empty".to_owned()),
        Some(_) => ShapeFault::new("", format!("is no whole {what} document ({error})")),
    }
}

/// How a service is called in sentences.
pub(super) fn name_of(service: Service) -> &'static str {
    match service {
        Service::Eks => "EKS",
        Service::Iam => "IAM",
        Service::Sts => "STS",
        Service::Kubernetes => "the Kubernetes API",
    }
}

/// Who answered and what to try, after what is odd: `It is text/html and begins "<html>…". Check …`.
pub(super) fn described(service: Service, content_type: Option<&str>, body: &[u8]) -> String {
    let kind = content_type.map_or_else(|| "of no content type".to_owned(), str::to_owned);
    let text = String::from_utf8_lossy(body);
    let words: Vec<&str> = text.split_whitespace().collect();
    let words: String = words.join(" ").chars().take(QUOTED).collect();
    let begins = match words.chars().next() {
        None => "has no content".to_owned(),
        _ if body.starts_with(GZIP) => "is compressed by gzip, which was not asked for".to_owned(),
        // What is in a document may be a secret.
        Some('{' | '[') if service == Service::Kubernetes => "is JSON".to_owned(),
        Some(_) => format!("begins {words:?}"),
    };
    format!(
        "The answer is {kind} and {begins}. Check whether a proxy or load balancer answers in place of {}",
        name_of(service)
    )
}

impl Intercept for AnswerCheck {
    fn name(&self) -> &'static str {
        "AnswerCheck"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response();
        // Without a body the connection broke, which the SDK tries again.
        let Some(body) = response.body().bytes() else { return Ok(()) };
        let (status, code) = (response.status().as_u16(), response.headers().get("x-amzn-errortype"));
        if self.is_throttled(status, code, body)
            && let Some(progress) = Progress::current()
        {
            progress.throttled();
        }
        let checked = match status {
            200..300 => self.success(body),
            404 => self.refusal(code, body),
            _ => Ok(()),
        };
        checked.map_err(BoxError::from)
    }
}

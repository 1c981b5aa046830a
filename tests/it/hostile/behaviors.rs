//! What a server may do wrong, as a table: name, whether the answer may still be used, and the bytes.

use std::time::Duration;

use serde_json::{Value, json};

use super::server::{Reply, Tail};
use super::{HostileService, Limited};

/// What a behavior is told of the request that it answers.
pub(super) struct Question<'a> {
    pub(super) service: HostileService,
    /// Which request of this service it is, from 0.
    pub(super) turn: usize,
    /// The token that this page was asked with.
    pub(super) token: Option<&'a str>,
    /// Whether it is a list that has pages.
    pub(super) is_list: bool,
    /// The true answer: its body and content type.
    pub(super) body: &'a [u8],
    pub(super) kind: &'a str,
    /// `127.0.0.1:1234`
    pub(super) host: &'a str,
}

/// What must become of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is the truth in an odd dress: nothing may be missing.
    Whole,
    /// It is none, and a sentence says so.
    Refused,
    /// It is none, since nobody answered to the end: the sentence names the host.
    GivenUp,
    /// It may be either, by the HTTP library's reading of the standard.
    Either,
}

pub(super) struct Behavior {
    pub(super) name: &'static str,
    pub(super) fate: Fate,
    pub(super) reply: fn(&Question) -> Reply,
}

fn head(status: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    let mut out = format!("HTTP/1.1 {status}\r\n");
    for (name, value) in headers {
        out.push_str(&format!("{name}: {value}\r\n"));
    }
    out.push_str("\r\n");
    out.into_bytes()
}

fn sent(status: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
    let length = body.len().to_string();
    let mut all = headers.to_vec();
    all.push(("content-length", &length));
    Reply { bytes: [head(status, &all), body.to_vec()].concat(), tail: Tail::Keep }
}

fn ok(q: &Question, body: &[u8]) -> Reply {
    sent("200 OK", &[("content-type", q.kind)], body)
}

/// The true answer.
pub(super) fn honest(q: &Question) -> Reply {
    ok(q, q.body)
}

fn raw(bytes: impl Into<Vec<u8>>, tail: Tail) -> Reply {
    Reply { bytes: bytes.into(), tail }
}

/// A head that promises the true answer, or another length, and what then comes.
fn promised(q: &Question, length: &str, body: &[u8], tail: Tail) -> Reply {
    raw([head("200 OK", &[("content-type", q.kind), ("content-length", length)]), body.to_vec()].concat(), tail)
}

fn half<'a>(q: &Question<'a>) -> &'a [u8] {
    &q.body[..q.body.len() / 2]
}

fn length(q: &Question) -> String {
    q.body.len().to_string()
}

fn chunk(body: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", body.len()).as_bytes(), body, b"\r\n"].concat()
}

fn chunked(q: &Question, rest: Vec<u8>, tail: Tail) -> Reply {
    raw([head("200 OK", &[("content-type", q.kind), ("transfer-encoding", "chunked")]), rest].concat(), tail)
}

/// A body that never ends: how it begins, and what is repeated.
fn endless(q: &Question, begin: &str, again: &str) -> Reply {
    let again = again.repeat(16_384 / again.len() + 1);
    let first = chunk(begin.as_bytes());
    chunked(q, first, Tail::Endless(chunk(again.as_bytes())))
}

fn is_json(q: &Question) -> bool {
    matches!(q.service, HostileService::Eks | HostileService::Kubernetes)
}

/// An error in the service's own words.
fn error(q: &Question, status: &str, code: &str, extra: &[(&str, &str)]) -> Reply {
    let number: u16 = status.split(' ').next().and_then(|it| it.parse().ok()).unwrap_or_default();
    let body = match q.service {
        HostileService::Eks => json!({"__type": code, "message": "said by the service"}).to_string(),
        HostileService::Kubernetes => json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": number,
            "reason": code, "message": "said by the service"})
        .to_string(),
        _ => format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>said by the service</Message></Error>\
             <RequestId>x</RequestId></ErrorResponse>"
        ),
    };
    let headers: Vec<(&str, &str)> = extra.iter().copied().chain([("content-type", q.kind)]).collect();
    sent(status, &headers, body.as_bytes())
}

const PAGE: &str = "<html><head><title>Sign in</title></head><body>Please sign in to the network</body></html>";

fn page(status: &str, extra: &[(&str, &str)]) -> Reply {
    let headers: Vec<(&str, &str)> = extra.iter().copied().chain([("content-type", "text/html")]).collect();
    sent(status, &headers, PAGE.as_bytes())
}

fn moved(status: &str, to: &str) -> Reply {
    sent(status, &[("location", to)], b"")
}

/// The true page, with another one announced.
fn with_next(q: &Question, token: &str) -> Vec<u8> {
    if !q.is_list {
        return q.body.to_vec();
    }
    if is_json(q) {
        let mut value: Value = serde_json::from_slice(q.body).unwrap();
        match q.service {
            HostileService::Eks => value["nextToken"] = json!(token),
            _ => value["metadata"]["continue"] = json!(token),
        }
        return value.to_string().into_bytes();
    }
    let text = String::from_utf8_lossy(q.body);
    let more = format!("<IsTruncated>true</IsTruncated><Marker>{token}</Marker>");
    text.replace("<IsTruncated>false</IsTruncated>", &more).into_bytes()
}

/// The same without items.
fn empty_page(q: &Question, token: &str) -> Vec<u8> {
    let page = with_next(q, token);
    if !q.is_list || !is_json(q) {
        return page;
    }
    let mut value: Value = serde_json::from_slice(&page).unwrap();
    for member in value.as_object_mut().unwrap().values_mut() {
        if let Value::Array(items) = member {
            items.clear();
        }
    }
    value.to_string().into_bytes()
}

/// The true page with a first name that is too long for any URL.
fn with_long_name(q: &Question) -> Vec<u8> {
    if q.service != HostileService::Eks || !q.is_list {
        return q.body.to_vec();
    }
    let mut value: Value = serde_json::from_slice(q.body).unwrap();
    for member in value.as_object_mut().unwrap().values_mut() {
        if let Some(first) = member.as_array_mut().and_then(|items| items.first_mut()).filter(|it| it.is_string()) {
            *first = json!("x".repeat(1 << 16));
        }
    }
    value.to_string().into_bytes()
}

fn step(q: &Question) -> usize {
    q.token.and_then(|it| it.parse().ok()).unwrap_or(0)
}

const SLOW: Duration = Duration::from_millis(20);

macro_rules! behaviors {
    ($($name:literal $fate:ident $reply:expr;)*) => {
        &[$(Behavior { name: $name, fate: Fate::$fate, reply: $reply }),*]
    };
}

/// Behaviors of the connection, of the message's frame and of time.
pub(super) const FRAMES: &[Behavior] = behaviors![
    "hangs up without a byte" Refused |_| raw("", Tail::Close);
    "resets without a byte" Refused |_| raw("", Tail::Reset);
    "says nothing" GivenUp |_| raw("", Tail::Silent);
    "half a status line, then nothing" GivenUp |_| raw("HTTP/1.1 2", Tail::Silent);
    "a status line, then nothing" GivenUp |_| raw("HTTP/1.1 200 OK\r\n", Tail::Silent);
    "headers, then nothing" GivenUp |q| promised(q, &length(q), b"", Tail::Silent);
    "half a body, then nothing" GivenUp |q| promised(q, &length(q), half(q), Tail::Silent);
    "all but the last byte, then nothing" GivenUp |q| promised(q, &length(q), &q.body[..q.body.len() - 1], Tail::Silent);
    "one chunk, then nothing" GivenUp |q| chunked(q, chunk(half(q)), Tail::Silent);
    "the status line in drops" GivenUp |_| raw("", Tail::Drip(b"HTTP/1.1 200 Okay, in a moment, please wait, it goes on, and on, and on, and still it goes on, for ever and a day, and another day\r\n".repeat(2), SLOW * 2));
    "headers in drops" GivenUp |_| raw("HTTP/1.1 200 OK\r\n", Tail::Drip(b"x-wait: 1\r\n".repeat(40), SLOW));
    "the body in drops" GivenUp |q| promised(q, "1000000", b"", Tail::Drip(b" ".repeat(500), SLOW));
    "chunks of one byte in drops" GivenUp |q| chunked(q, Vec::new(), Tail::Drip(b"1\r\n \r\n".repeat(100), SLOW));
    "100 Continue for ever" GivenUp |_| raw("", Tail::Endless(b"HTTP/1.1 100 Continue\r\n\r\n".repeat(64)));
    "503, then nothing" GivenUp |_| raw("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 10\r\n\r\n", Tail::Silent);
    "half a body, then the end" Refused |q| promised(q, &length(q), half(q), Tail::Close);
    "half a body, then a reset" Refused |q| promised(q, &length(q), half(q), Tail::Reset);
    "half a body without a length" Refused |q| raw([head("200 OK", &[("content-type", q.kind), ("connection", "close")]), half(q).to_vec()].concat(), Tail::Close);
    "a whole body without a length" Whole |q| raw([head("200 OK", &[("content-type", q.kind), ("connection", "close")]), q.body.to_vec()].concat(), Tail::Close);
    "chunks without the last" Refused |q| chunked(q, chunk(q.body), Tail::Close);
    "whole chunks" Whole |q| chunked(q, [chunk(half(q)), chunk(&q.body[q.body.len() / 2..]), b"0\r\n\r\n".to_vec()].concat(), Tail::Keep);
    "a chunk of no size" Refused |q| chunked(q, b"zz\r\nabc\r\n0\r\n\r\n".to_vec(), Tail::Close);
    "a chunk of all there is" Refused |q| chunked(q, b"ffffffffffffffff\r\nabc".to_vec(), Tail::Close);
    "a chunk of more than all there is" Refused |q| chunked(q, b"fffffffffffffffff\r\nabc".to_vec(), Tail::Close);
    "endless chunk extensions" Refused |q| chunked(q, b"1;".to_vec(), Tail::Endless(vec![b'x'; 16_384]));
    "a length that is one too long" Refused |q| promised(q, &(q.body.len() + 1).to_string(), q.body, Tail::Close);
    "a length that is one too short" Refused |q| promised(q, &(q.body.len() - 1).to_string(), q.body, Tail::Close);
    "no body in spite of success" Refused |q| ok(q, b"");
    "a negative length" Refused |q| promised(q, "-1", q.body, Tail::Close);
    "a length that is no number" Refused |q| promised(q, "many", q.body, Tail::Close);
    "two lengths that differ" Refused |q| raw([head("200 OK", &[("content-type", q.kind), ("content-length", "5"), ("content-length", "7")]), q.body.to_vec()].concat(), Tail::Close);
    "a length and chunks" Either |q| raw([head("200 OK", &[("content-type", q.kind), ("content-length", "5"), ("transfer-encoding", "chunked")]), chunk(q.body), b"0\r\n\r\n".to_vec()].concat(), Tail::Close);
    "a length of 8 GiB, then nothing" GivenUp |q| promised(q, "8589934592", half(q), Tail::Silent);
    "a body behind the body" Either |q| { let mut it = honest(q); it.bytes.extend(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"); it.tail = Tail::Close; it };
    "no head at all" Refused |q| raw(q.body.to_vec(), Tail::Close);
    "binary in place of a head" Refused |_| raw((0..=255).collect::<Vec<u8>>(), Tail::Close);
    "TLS in place of HTTP" Refused |_| raw(b"\x15\x03\x01\x00\x02\x02\x28".to_vec(), Tail::Close);
    "a banner of SSH" Refused |_| raw("SSH-2.0-OpenSSH_9.9\r\n", Tail::Close);
    "HTTP/2 that nobody asked for" Refused |_| raw(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00".to_vec(), Tail::Close);
    "HTTP/9.9" Refused |q| raw([b"HTTP/9.9 200 OK\r\n\r\n".as_slice(), q.body].concat(), Tail::Close);
    "status 99" Refused |q| raw([b"HTTP/1.1 99 Low\r\ncontent-length: 2\r\n\r\n{}".as_slice(), q.body].concat(), Tail::Close);
    "status 999" Refused |_| sent("999 High", &[], b"{}");
    "no reason beside the status" Whole |q| raw([head("200", &[("content-type", q.kind), ("content-length", &length(q))]), q.body.to_vec()].concat(), Tail::Keep);
    "a header without a colon" Refused |q| raw([b"HTTP/1.1 200 OK\r\nnonsense\r\n\r\n".as_slice(), q.body].concat(), Tail::Close);
    "a header of a megabyte" Refused |q| raw([head("200 OK", &[("x-long", &"x".repeat(1 << 20))]), q.body.to_vec()].concat(), Tail::Close);
    "ten thousand headers" Refused |q| raw([b"HTTP/1.1 200 OK\r\n".to_vec(), b"x-more: 1\r\n".repeat(10_000), b"\r\n".to_vec(), q.body.to_vec()].concat(), Tail::Close);
    "endless headers" Refused |_| raw("HTTP/1.1 200 OK\r\n", Tail::Endless(b"x-more: 1\r\n".repeat(1000)));
    "NUL in a header" Refused |q| raw([b"HTTP/1.1 200 OK\r\nx: a\0b\r\n\r\n".as_slice(), q.body].concat(), Tail::Close);
    "the connection is to be closed" Whole |q| { let mut it = sent("200 OK", &[("content-type", q.kind), ("connection", "close")], q.body); it.tail = Tail::Close; it };
    "early hints" Whole |q| { let mut it = honest(q); it.bytes = [b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n".to_vec(), it.bytes].concat(); it };
];

/// Behaviors of what is in an answer.
pub(super) const CONTENTS: &[Behavior] = behaviors![
    "blanks" Refused |q| ok(q, b"  \r\n ");
    "null" Refused |q| ok(q, b"null");
    "a list" Refused |q| ok(q, b"[]");
    "an empty object" Refused |q| ok(q, b"{}");
    "an empty element" Refused |q| ok(q, b"<x/>");
    "true" Refused |q| ok(q, b"true");
    "a number" Refused |q| ok(q, b"42");
    "a text" Refused |q| ok(q, b"\"ok\"");
    "a page of success" Refused |_| page("200 OK", &[]);
    "a page that is not found" Refused |_| page("404 Not Found", &[]);
    "a gateway's page" Refused |_| page("502 Bad Gateway", &[]);
    "a page that forbids" Refused |_| page("403 Forbidden", &[]);
    "a page that asks who you are" Refused |_| page("401 Unauthorized", &[("www-authenticate", "Basic realm=\"x\"")]);
    "a proxy that asks who you are" Refused |_| page("407 Proxy Authentication Required", &[("proxy-authenticate", "Basic")]);
    "moved to itself" Refused |q| moved("302 Found", &format!("http://{}/", q.host));
    "moved elsewhere for good" Refused |_| moved("301 Moved Permanently", "https://example.invalid/");
    "moved to a file" Refused |_| moved("307 Temporary Redirect", "file:///etc/passwd");
    "moved to the metadata service" Refused |_| moved("308 Permanent Redirect", "http://169.254.169.254/latest/meta-data/");
    "moved to nowhere" Refused |_| sent("302 Found", &[], b"");
    "no content" Refused |_| raw("HTTP/1.1 204 No Content\r\n\r\n", Tail::Keep);
    "not modified" Refused |_| raw("HTTP/1.1 304 Not Modified\r\n\r\n", Tail::Keep);
    "a part of the content" Refused |q| sent("206 Partial Content", &[("content-type", q.kind), ("content-range", "bytes 0-9/100")], half(q));
    "the truth as text/plain" Whole |q| sent("200 OK", &[("content-type", "text/plain")], q.body);
    "the truth as an image" Whole |q| sent("200 OK", &[("content-type", "image/png")], q.body);
    "the truth of no type" Whole |q| sent("200 OK", &[], q.body);
    "the truth in UTF-16" Refused |q| sent("200 OK", &[("content-type", "application/json; charset=utf-16")], &String::from_utf8_lossy(q.body).encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>());
    "a byte order mark" Either |q| ok(q, &[b"\xef\xbb\xbf", q.body].concat());
    "bytes that are no UTF-8" Refused |q| ok(q, &[half(q), b"\xff\xfe", &q.body[q.body.len() / 2..]].concat());
    "gzip" Refused |q| sent("200 OK", &[("content-type", q.kind), ("content-encoding", "gzip")], b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00");
    "a gzip bomb" Refused |q| raw(head("200 OK", &[("content-type", q.kind), ("content-encoding", "gzip"), ("connection", "close")]), Tail::Endless(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xed\xc1\x01\x0d\x00\x00\x00\xc2\xa0\xf7Om\x0e7\xa0".repeat(500)));
    "brotli" Refused |q| sent("200 OK", &[("content-type", q.kind), ("content-encoding", "br")], b"\x0b\x02\x80hello\x03");
    "an answer twice" Refused |q| ok(q, &[q.body, q.body].concat());
    "an answer cut in half, in full length" Refused |q| ok(q, half(q));
    "an answer without its last byte" Refused |q| ok(q, q.body.trim_ascii_end().split_last().map_or(&[][..], |it| it.1));
    "an answer with something behind it" Refused |q| ok(q, &[q.body, b" and more"].concat());
    "a hundred thousand brackets" Refused |q| ok(q, &b"[".repeat(100_000));
    "a hundred thousand elements in each other" Refused |q| ok(q, &b"<a>".repeat(100_000));
    "the truth under a hundred thousand brackets" Refused |q| ok(q, &[b"{\"a\":".repeat(100_000), q.body.to_vec(), b"}".repeat(100_000)].concat());
    "an endless list" Refused |q| if is_json(q) { endless(q, "{\"x\":[0", ",0") } else { endless(q, "<x>", "<y></y>") };
    "an endless text" Refused |q| if is_json(q) { endless(q, "{\"x\":\"", "aaaaaaaa") } else { endless(q, "<x>", "aaaaaaaa") };
    "endless blanks" Refused |q| endless(q, " ", " \n");
    "an endless page" Refused |q| endless(q, PAGE, "<p>wait</p>");
    "an endless error" Refused |_| raw(head("500 Internal Server Error", &[("connection", "close")]), Tail::Endless(vec![b'x'; 16_384]));
    "more values than any answer has" Refused |q| if is_json(q) { ok(q, format!("[0{}]", ",0".repeat(Limited::VALUES)).as_bytes()) } else { ok(q, format!("<x>{}</x>", "<y/>".repeat(Limited::VALUES)).as_bytes()) };
    "a billion laughs" Refused |q| ok(q, br#"<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><l>&b;</l>"#);
    "a file of this machine by reference" Refused |q| ok(q, br#"<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/passwd">]><l>&a;</l>"#);
    "another service's words" Refused |q| match q.service {
        HostileService::Eks | HostileService::Kubernetes => ok(q, b"<GetCallerIdentityResponse/>"),
        _ => ok(q, b"{\"clusters\": []}"),
    };
    "an error of success" Refused |q| error(q, "200 OK", "AccessDenied", &[]);
    "a success under 500" Refused |q| sent("500 Internal Server Error", &[("content-type", q.kind)], q.body);
    "the truth of yesterday" Whole |q| sent("200 OK", &[("content-type", q.kind), ("date", "Sun, 29 Nov 2026 01:00:00 GMT")], q.body);
    "the truth of tomorrow" Whole |q| sent("200 OK", &[("content-type", q.kind), ("date", "Thu, 31 Dec 2099 23:59:59 GMT")], q.body);
    "no day at all" Whole |q| sent("200 OK", &[("content-type", q.kind), ("date", "yesterday")], q.body);
];

/// Refusals, storms of them, and pages.
pub(super) const STORMS: &[Behavior] = behaviors![
    "429 for ever" Refused |q| error(q, "429 Too Many Requests", "TooManyRequests", &[]);
    "429, come back at once" Refused |q| error(q, "429 Too Many Requests", "TooManyRequests", &[("retry-after", "0")]);
    "429, come back in an hour" Refused |q| error(q, "429 Too Many Requests", "TooManyRequests", &[("retry-after", "3600"), ("x-amz-retry-after", "3600000")]);
    "429, come back yesterday" Refused |q| error(q, "429 Too Many Requests", "TooManyRequests", &[("retry-after", "Sun, 29 Nov 2026 01:00:00 GMT")]);
    "429, come back never" Refused |q| error(q, "429 Too Many Requests", "TooManyRequests", &[("retry-after", "18446744073709551615"), ("x-amz-retry-after", "18446744073709551615")]);
    "429, come back -1" Refused |q| error(q, "429 Too Many Requests", "TooManyRequests", &[("retry-after", "-1"), ("x-amz-retry-after", "-1")]);
    "429 on a page" Refused |_| page("429 Too Many Requests", &[("retry-after", "1")]);
    "throttled in the service's words" Refused |q| error(q, "400 Bad Request", "ThrottlingException", &[]);
    "503 for ever" Refused |q| error(q, "503 Service Unavailable", "ServiceUnavailable", &[]);
    "503, come back in a second" Refused |q| error(q, "503 Service Unavailable", "ServiceUnavailable", &[("retry-after", "1")]);
    "503 on a page" Refused |_| page("503 Service Unavailable", &[]);
    "504 for ever" Refused |_| page("504 Gateway Timeout", &[]);
    "500 for ever" Refused |q| error(q, "500 Internal Server Error", "InternalFailure", &[]);
    "500 without a word" Refused |_| sent("500 Internal Server Error", &[], b"");
    "503 each second time" Either |q| if q.turn.is_multiple_of(2) { page("503 Service Unavailable", &[]) } else { honest(q) };
    "refused" Refused |q| error(q, "403 Forbidden", if q.service == HostileService::Kubernetes { "Forbidden" } else { "AccessDenied" }, &[]);
    "not known" Refused |q| error(q, "401 Unauthorized", "Unauthorized", &[]);
    "not found, in words of its own" Refused |q| error(q, "404 Not Found", "PageNotFound", &[]);
    "not found, without a word" Refused |_| sent("404 Not Found", &[], b"");
    "the clock is hours off" Refused |q| error(q, "403 Forbidden", "RequestTimeTooSkewed", &[("date", "Mon, 30 Nov 2026 23:00:00 GMT")]);
    "the signature has expired" Refused |q| error(q, "403 Forbidden", "SignatureDoesNotMatch", &[("date", "Mon, 30 Nov 2020 23:00:00 GMT")]);
    "the credentials have expired" Refused |q| error(q, "403 Forbidden", "ExpiredToken", &[]);
    "a teapot" Refused |_| page("418 I'm a teapot", &[]);
    "for legal reasons" Refused |_| page("451 Unavailable For Legal Reasons", &[]);
    "gone" Refused |q| error(q, "410 Gone", "Gone", &[]);
    "too large to ask" Refused |_| page("413 Content Too Large", &[]);
    "an upgrade is wanted" Refused |_| sent("426 Upgrade Required", &[("upgrade", "h2c")], b"");
    "switching to something else" Refused |_| raw("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n", Tail::Close);
];

/// Behaviors of lists: whoever answers about one object only has no pages.
pub(super) const PAGES: &[Behavior] = behaviors![
    "the same token again" Refused |q| ok(q, &with_next(q, "same"));
    "two tokens in turn" Refused |q| ok(q, &with_next(q, if q.token == Some("a") { "b" } else { "a" }));
    "pages without end" Refused |q| ok(q, &with_next(q, &(step(q) + 1).to_string()));
    "empty pages without end" Refused |q| ok(q, &empty_page(q, &(step(q) + 1).to_string()));
    "a token of 64 KiB" Refused |q| ok(q, &with_next(q, &format!("{}{}", "x".repeat(1 << 16), step(q))));
    "a token of control characters" Refused |q| ok(q, &with_next(q, "\u{1b}[2J\u{202e}"));
    "a name of 64 KiB" Either |q| ok(q, &with_long_name(q));
    "the first page twice" Either |q| if q.token.is_none() { ok(q, &with_next(q, "1")) } else { honest(q) };
    "a second page that fails" Refused |q| if q.token.is_none() { ok(q, &with_next(q, "1")) } else { page("500 Internal Server Error", &[]) };
    "a second page that never comes" GivenUp |q| if q.token.is_none() { ok(q, &with_next(q, "1")) } else { raw("", Tail::Silent) };
    "a second page that is cut" Refused |q| if q.token.is_none() { ok(q, &with_next(q, "1")) } else { ok(q, half(q)) };
    "a second page of another kind" Refused |q| if q.token.is_none() { ok(q, &with_next(q, "1")) } else { page("200 OK", &[]) };
];

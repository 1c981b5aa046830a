//! A 401 and its like: nobody's until the words around it name the speaker.
//!
//! Decides whose it is by what each party's clients print: a registry's by the image, a kubelet's by its port or the
//! request that came through it, a proxy's by its status or its page, the API server's by kubectl's and the client
//! libraries' own words. A bare `Unauthorized`, an HTTP access log and an application's own 401 are none of these.

use super::super::message::{ConnectionFault, ImagePull, KubeletPeer, KubeletRefusal, Message, Sender, Speaker};
use super::Found;
use super::scan::{Text, bare, has, head, in_one_line, literal, quoted, value};
use crate::model::principal::{Query, parse_query};

/// So far around its fixed words a message reaches.
const REACH: usize = 700;

/// Refusals and failures of others than the API server.
pub(super) fn refusals(text: &Text) -> Vec<Found> {
    let mut found = image_pulls(text);
    found.extend(kubelet(text));
    found.extend(connections(text));
    found
}

/// What a registry says when it refuses.
const REGISTRY_WORDS: [&str; 9] = [
    "401 Unauthorized",
    "403 Forbidden",
    "pull access denied",
    "no basic auth credentials",
    "authorization failed",
    "authentication required",
    "requested access to the resource is denied",
    "unauthorized:",
    "denied:",
];

fn image_pulls(text: &Text) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    for words in [
        "Failed to pull image",
        "failed to resolve reference",
        "failed to resolve ref ",
        "ErrImagePull",
        "pull access denied for",
        "CannotPullContainerError",
    ] {
        for (at, after) in text.places(words) {
            if found.iter().any(|it| it.start <= at && at < it.end) {
                continue;
            }
            let (_, body) = text.near(at, after, REACH);
            let refused = REGISTRY_WORDS.iter().filter_map(|it| place(body, it)).max();
            let refused = refused.or_else(|| words.contains("denied").then_some(0));
            let Some(reach) = refused else { continue };
            let image = match (quoted(body), words) {
                (Some((image, _)), _) if literal(body, ":").is_none() => image,
                (_, "pull access denied for" | "failed to resolve ref ") => bare(body).0,
                _ => String::new(),
            };
            let said = head(body, reach + 24);
            let status = [("401", 401), ("403", 403)].into_iter().find(|(it, _)| said.contains(it)).map(|it| it.1);
            let end = after + (reach + 24).min(body.len());
            found.push(Found::new(at, end, Message::ImagePull(ImagePull { image, status })));
        }
    }
    found
}

fn place(text: &str, words: &str) -> Option<usize> {
    super::scan::around(text, words).map(|(before, _)| before.len())
}

/// A kubelet that refuses the API server or a scraper.
fn kubelet(text: &Text) -> Vec<Found> {
    let mut found = Vec::new();
    let mut add = |start: usize, end: usize, peer, node: Option<String>| {
        found.push(Found::new(start, end, Message::Kubelet(KubeletRefusal { peer, node })));
    };
    // The API server passes a kubelet's 401 on, with the subresource and without a verb.
    for (at, after) in text.places("the server has asked for the client to provide credentials") {
        let body = text.after(after, 300);
        let Some(request) = literal(body, "(") else { continue };
        let first = request.split_whitespace().next().unwrap_or_default();
        if ["pods/log", "pods/exec", "pods/attach", "pods/portforward", "nodes/proxy"].contains(&first) {
            let start = super::scan::before_last(text.before(at, 100), "You must be logged in to the server (");
            let length = start.map_or(0, |it| text.before(at, 100).len() - it.len());
            add(at - length, after + body.find(')').unwrap_or_default(), KubeletPeer::ApiServer, None);
        }
    }
    for (at, after) in text.places("unable to upgrade connection: Unauthorized") {
        add(at, after, KubeletPeer::ApiServer, None);
    }
    let refused = |body: &str| place(body, "401 Unauthorized").or_else(|| place(body, "\"Unauthorized\""));
    for words in [
        "unable to fetch metrics from Kubelet",
        "error while getting metrics summary from Kubelet",
        "Failed to scrape node",
    ] {
        for (at, after) in text.places(words) {
            let (_, body) = text.near(at, after, 300);
            let Some(reach) = refused(body) else { continue };
            let named = body.find("node=").and_then(|it| quoted(body.get(it + 5..)?)).map(|it| it.0);
            let node =
                named.or_else(|| (!words.starts_with("Failed")).then(|| bare(body).0).filter(|it| !it.is_empty()));
            add(at, after + (reach + 16).min(body.len()), KubeletPeer::Scraper, node);
        }
    }
    for (at, after) in text.places("server returned HTTP status 401 Unauthorized") {
        let (head, body) = text.near(at, after, REACH);
        if has(head, ":10250") || has(body, ":10250") {
            add(at, after, KubeletPeer::Scraper, None);
        }
    }
    found
}

/// A connection that never came to an answer of the API server.
fn connections(text: &Text) -> Vec<Found> {
    let mut found = Vec::new();
    let mut add = |start: usize, end: usize, fault| found.push(Found::new(start, end, Message::Connection(fault)));
    for (at, after) in text.places("x509:") {
        if !of_api_server(text, at) {
            continue;
        }
        let (_, body) = text.near(at, after, 300);
        let fault = if has(body, "has expired or is not yet valid") {
            ConnectionFault::CertificateTime
        } else if has(body, "signed by unknown authority")
            || has(body, "not trusted")
            || has(body, "failed to verify certificate")
        {
            ConnectionFault::UnknownAuthority
        } else if has(body, "certificate is valid for")
            || has(body, "not valid for any names")
            || has(body, "cannot validate certificate for")
        {
            ConnectionFault::WrongName
        } else {
            continue;
        };
        add(at, after, fault);
    }
    for (at, after) in text.places("Proxy Authentication Required") {
        let (head, body) = text.near(at, after, REACH);
        let of_proxy = has(head, "proxyconnect")
            || has(head, "Tunnel connection failed")
            || has(body, "ProxyError")
            || has(head, "ProxyError");
        if of_proxy || of_api_server(text, at) {
            add(at, after, ConnectionFault::ProxyAuthentication);
        }
    }
    // A page instead of a Status: something in between answered.
    for words in [
        "an error on the server (\"<",
        "Error from server (Forbidden): <",
        "Error from server (Unauthorized): <",
        "Error from server: <",
    ] {
        for (at, after) in text.places(words) {
            let body = text.after(after, REACH).to_ascii_lowercase();
            if body.starts_with("html") || body.starts_with("!doctype") || body.contains("<head>") {
                add(at, after, ConnectionFault::Intermediary);
            }
        }
    }
    for words in [
        "i/o timeout",
        "connection refused",
        "no such host",
        "context deadline exceeded",
        "TLS handshake timeout",
        "network is unreachable",
        "Client.Timeout exceeded while awaiting headers",
    ] {
        for (at, after) in text.places(words) {
            if of_api_server(text, at) {
                found.push(Found::new(at, after, Message::Connection(ConnectionFault::Unreachable)).vague());
            }
        }
    }
    found
}

/// Whether the line before a place, or the one above it, speaks of a connection to a cluster's API server.
fn of_api_server(text: &Text, at: usize) -> bool {
    let (before, _) = text.near(at, at, REACH);
    let api = [
        "Unable to connect to the server:",
        "couldn't get current server API group list",
        "Kubernetes cluster unreachable",
        "failed to get server version",
        ".eks.amazonaws.com",
        "Unable to authenticate the request",
    ];
    let other = ["failed calling webhook", "/v2/", "from Kubelet", ":10250", "Failed to scrape node"];
    api.iter().any(|it| has(before, it)) && !other.iter().any(|it| has(before, it))
}

/// 401 of the API server.
pub(super) fn unauthorized(text: &Text) -> Vec<Found> {
    let mut found = Vec::new();
    // The authenticator's own log names the principal.
    for (at, _) in text.places("ARN is not mapped") {
        let (line, start, end) = text.line(at);
        let asked = match parse_query(line) {
            Ok(Query::Arn(asked)) => Some(asked),
            _ => None,
        };
        let message = Message::Unauthorized { asked, sender: Sender::Program, speaker: Speaker::ApiServer, node: None };
        found.push(Found::new(start, end, message));
    }
    for words in [
        "You must be logged in to the server",
        "Error from server (Unauthorized)",
        "the server has asked for the client to provide credentials",
    ] {
        found.extend(text.places(words).into_iter().map(|place| refused(text, place, Sender::Command)));
    }
    // The Status object, as JSON, and as the clients in Python, JavaScript, Java and Rust print it.
    for words in [
        "\"reason\":\"Unauthorized\"",
        "'reason':'Unauthorized'",
        "reason:'Unauthorized',code:401",
        "reason:\"Unauthorized\",code:401",
        "(401)Reason: Unauthorized",
        "openapi.ApiException: Unauthorized",
        "Unauthorized! Token may have expired",
        "Unauthorized! Configured service account doesn't have access",
    ] {
        for (at, after) in text.places(words) {
            let near = [text.before(at, REACH), text.after(after, REACH)];
            let says = |word: &str| near.iter().any(|it| has(it, word));
            let status = ["\"Status\"", "'Status'", "\"Failure\"", "'Failure'", "kubernetes", "Audit-Id"];
            if words.contains('!') || words.contains("openapi") || status.iter().any(|it| says(it)) {
                found.push(refused(text, (at, after), Sender::Program));
            }
        }
    }
    found.extend(by_context(text));
    found
}

/// A 401 at a place; the line may know its sender better.
fn refused(text: &Text, (at, after): (usize, usize), sender: Sender) -> Found {
    let sender = sender_of(text, at).unwrap_or(sender);
    let node = (sender == Sender::Node).then(|| node_of(text, at)).flatten();
    let message = Message::Unauthorized { asked: None, sender, speaker: Speaker::ApiServer, node };
    Found::new(at, after, message)
}

/// Words before `Unauthorized` in a line by which it is the API server's, and who had sent the request.
const CONTEXTS: &[(&str, Sender)] = &[
    ("kubelet[", Sender::Node),
    ("kubelet: ", Sender::Node),
    ("kubelet_node_status.go", Sender::Node),
    ("Unable to register node", Sender::Node),
    ("Failed to ensure lease exists", Sender::Node),
    ("Failed to contact API server when waiting for CSINode", Sender::Node),
    ("Kubernetes cluster unreachable:", Sender::Command),
    ("failed to query with labels:", Sender::Command),
    ("UPGRADE FAILED:", Sender::Command),
    ("INSTALLATION FAILED:", Sender::Command),
    ("getting auth ConfigMap", Sender::Command),
    ("couldn't get current server API group list:", Sender::Command),
    ("Unable to connect to the server:", Sender::Command),
    ("unable to retrieve the complete list of server APIs:", Sender::Program),
    ("failed to get server groups", Sender::Program),
    ("failed to get API group resources", Sender::Program),
    ("failed to discover server resources", Sender::Controller),
    ("Failed to load live state", Sender::Controller),
    ("failed to get server version", Sender::Controller),
    ("error synchronizing cache state", Sender::Controller),
    ("reflector.go", Sender::Controller),
    ("Failed to watch *", Sender::Controller),
    ("failed to list *", Sender::Controller),
    ("error retrieving resource lock", Sender::Controller),
    ("leaderelection.go", Sender::Controller),
    ("Unable to authenticate the request", Sender::Program),
    ("k8s.Autorest.HttpOperationException", Sender::Program),
    ("Microsoft.Rest.HttpOperationException", Sender::Program),
    ("Failure executing:", Sender::Program),
    (".eks.amazonaws.com", Sender::Program),
];

/// Who had sent the request, by the line that a place is in.
fn sender_of(text: &Text, at: usize) -> Option<Sender> {
    let (line, _, _) = text.line(at);
    let line = head(line, 4 * REACH);
    if CONTEXTS.iter().any(|(words, sender)| *sender == Sender::Node && line.contains(words)) {
        return Some(Sender::Node);
    }
    let controllers = [
        "reflector.go",
        "leaderelection.go",
        "ComparisonError",
        "argocd-application-controller",
        "\"controller\":",
        "Reconciler error",
    ];
    controllers.iter().any(|it| line.contains(it)).then_some(Sender::Controller)
}

/// The node of a kubelet's line: its field, or the host that a journal puts before it.
fn node_of(text: &Text, at: usize) -> Option<String> {
    let (line, _, _) = text.line(at);
    let field = line.find("node=\"").and_then(|it| quoted(line.get(it + 5..)?)).map(|it| it.0);
    let field =
        field.or_else(|| line.find("error getting node ").and_then(|it| value(line.get(it + 19..)?)).map(|it| it.0));
    let host = line.find(" kubelet").and_then(|it| line.get(..it)?.split_whitespace().next_back());
    field.or_else(|| host.filter(|it| it.starts_with("ip-") || it.starts_with("i-")).map(str::to_owned))
}

/// `Unauthorized` in a line that names the API server, and in Terraform's box.
fn by_context(text: &Text) -> Vec<Found> {
    let mut found = Vec::new();
    for (at, after) in text.many_places("nauthorized") {
        if !is_word(text.plain(), at, after) {
            continue;
        }
        let (line, start, _) = text.line(at);
        let before = line.get(..at - start).unwrap_or_default();
        let before = super::scan::tail(before, 4 * REACH);
        let context = CONTEXTS.iter().find(|(words, _)| before.contains(words));
        let terraform = before.trim_end_matches(['U', 'u', '"']).trim_end().ends_with("Error:") && {
            let below = text.after(after, REACH);
            let with = below.trim_start();
            with.starts_with("with ")
                && ["kubernetes_", "helm_release", "kubectl_manifest"].iter().any(|it| head(with, 300).contains(it))
        };
        let sender = match (context, terraform) {
            // Its own registry, not the cluster.
            _ if before.contains("/v2/") || before.contains("HTTP/1.1\"") || before.contains("HTTP/2.0\"") => continue,
            (Some((_, sender)), _) => *sender,
            (None, true) => Sender::Command,
            (None, false) => continue,
        };
        found.push(refused(text, (at, after), sender));
    }
    found
}

/// Whether `nauthorized` at a place is the end of a word of its own.
fn is_word(text: &str, at: usize, after: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    let first = before.chars().next_back();
    let begins = before.chars().rev().nth(1).is_none_or(|c| !c.is_alphanumeric());
    let follows = text.get(after..).and_then(|it| it.chars().next());
    matches!(first, Some('U' | 'u')) && begins && follows.is_none_or(|c| !c.is_alphanumeric())
}

/// The word alone beside a principal: nothing says who spoke, but whom it is about is plain.
pub(super) fn bare_with_principal(text: &Text) -> Option<Found> {
    const LONGEST: usize = 400;
    let plain = in_one_line(text.plain());
    let Ok(Query::Arn(asked)) = parse_query(&plain) else { return None };
    let rest = plain.replace(&asked.given, " ").to_lowercase();
    let known = [
        "unauthorized",
        "401",
        "error",
        "gets",
        "got",
        "get",
        "i",
        "http",
        "as",
        "for",
        "is",
        "user",
        "from",
        "the",
        "server",
    ];
    let words = rest.split(|c: char| !c.is_alphanumeric()).filter(|it| !it.is_empty());
    let says = rest.contains("unauthorized") || rest.contains("401");
    if plain.len() > LONGEST || !says || !words.into_iter().all(|it| known.contains(&it)) {
        return None;
    }
    let message =
        Message::Unauthorized { asked: Some(asked), sender: Sender::Program, speaker: Speaker::Unnamed, node: None };
    Some(Found::new(0, text.plain().len(), message))
}

/// The word by which a text looks like a refusal of somebody's.
pub(super) fn status_word(text: &Text) -> Option<&'static str> {
    let plain = text.plain();
    let unauthorized = plain.match_indices("nauthorized").take(64).any(|(at, it)| is_word(plain, at, at + it.len()));
    if unauthorized {
        return Some("Unauthorized");
    }
    let alone = |word: &str| plain.split(|c: char| !c.is_alphanumeric()).take(100_000).any(|it| it == word);
    [("Forbidden", "Forbidden"), ("forbidden", "forbidden"), ("401", "401"), ("403", "403")]
        .into_iter()
        .find(|(word, _)| alone(word))
        .map(|it| it.1)
}

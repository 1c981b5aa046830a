//! What AWS refuses: calls that policies do not allow, tokens that STS does not take, credentials that are not valid;
//! and clients that have none.
//!
//! Decides by fixed words and by what stands beside them: the code, the operation, the service. `AccessDenied` alone is
//! nobody's message here: it names neither call nor caller.

use super::super::message::{
    CredentialFault, Iam, Message, PodIdentityFault, PolicyRefusal, RefusingPolicy, Speaker, TokenFault, WebIdentity,
};
use super::scan::{Text, around, bare, compact, has, in_one_line, line, literal, quoted};
use super::{Found, credentials};
use crate::model::principal::{Asked, Query, parse_query};
use crate::model::workload::account_of;

/// So far around its fixed words a message reaches.
const REACH: usize = 2 * 1024;
/// So far around them their code or operation stands.
const NEAR: usize = 400;
/// So long an ARN may be, and an action.
const LONGEST_ARN: usize = 300;
const LONGEST_ACTION: usize = 128;

/// All of them.
pub(super) fn refusals(text: &Text) -> Vec<Found> {
    let mut found = pod_identity(text);
    found.extend(iam(text));
    found.extend(web_identity(text));
    found.extend(invalid_credentials(text));
    found
}

/// `User: arn:… is not authorized to perform: ACTION on resource: RESOURCE because …`
fn iam(text: &Text) -> Vec<Found> {
    let mut found = Vec::new();
    for words in ["is not authorized to perform:", "Not authorized to perform:", "Not authorized to perform "] {
        found.extend(text.places(words).into_iter().filter_map(|place| policy_refusal(text, place)));
    }
    found.extend(operation_refusals(text));
    found
}

fn policy_refusal(text: &Text, (at, after): (usize, usize)) -> Option<Found> {
    let (head, body) = (text.before(at, REACH), text.after(after, REACH));
    // Not one of a message before.
    let whose = |it: &usize| {
        let user = compact(head.get(it + 5..).unwrap_or_default());
        user.len() <= LONGEST_ARN && !user.contains("authorized")
    };
    let user_at = head.rfind("User:").filter(whose);
    let user = user_at.and_then(|it| head.get(it + 5..)).map(compact).unwrap_or_default();
    let asked = principal(&user);
    let (action, rest) = match around(body, "on resource:") {
        // However it is wrapped; but a whole other sentence between them is none of it.
        Some((action, rest)) if compact(action).len() <= LONGEST_ACTION => (compact(action), Some(rest)),
        _ => (String::new(), None),
    };
    let (action, rest, resource_follows) = match rest {
        Some(rest) => (action, rest, true),
        None => {
            let (action, rest) = bare(body);
            (action, rest, false)
        }
    };
    let (resource, rest) = if resource_follows { resource_of(rest) } else { (String::new(), rest) };
    let because = reason(rest);
    let action = action.trim_end_matches(['.', ',', ';']).to_owned();
    let service = action.split_once(':').map(|it| it.0).unwrap_or_default();
    if service.is_empty() || !service.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        return None;
    }
    let start = at - user_at.map_or(0, |it| head.len() - it);
    let (context, _, _) = text.line(at);
    let resource = match resource.is_empty() && action.ends_with("WebIdentity") {
        true => role_beside(head).unwrap_or_default(),
        false => resource,
    };
    let it = Iam {
        asked,
        user,
        encoded: has(super::scan::head(rest, NEAR), "Encoded authorization failure message"),
        account: service_account(context),
        action,
        resource,
        refusal: read_refusal(&because),
        because,
    };
    // The reason and the encoded message are part of it.
    let end = after + body.len() - rest.len() + rest.find('\n').unwrap_or(rest.len());
    Some(Found::new(start, end, Message::Iam(it)))
}

fn principal(user: &str) -> Option<Box<Asked>> {
    match parse_query(user) {
        Ok(Query::Arn(asked)) => Some(asked),
        _ => Asked::from_arn(user).ok().map(Box::new),
    }
}

/// A resource: an ARN, a star, or a kind and a name.
fn resource_of(rest: &str) -> (String, &str) {
    if let Some((resource, after)) = quoted(rest).filter(|it| !it.0.is_empty()) {
        return (resource, after);
    }
    let (resource, after) = bare(rest);
    match resource.as_str() {
        "because" | "with" => (String::new(), rest),
        "role" | "user" | "policy" | "group" | "instance" => {
            let (name, after) = bare(after);
            (format!("{resource} {name}"), after)
        }
        _ => (resource, after),
    }
}

/// `because no identity-based policy allows the … action`, `with an explicit deny in a …`, directly behind the rest.
fn reason(rest: &str) -> String {
    const ENDS: [&str; 8] =
        ["(Service:", "status code", "Encoded authorization", "request id", "\n\n", "\", ", "\",\"", "\\"];
    let rest = super::scan::head(rest.trim_start_matches(|c: char| c.is_whitespace() || ".,\"'".contains(c)), NEAR);
    let (word, after) = match (literal(rest, "because "), literal(rest, "with an explicit deny")) {
        (Some(after), _) => ("because", after),
        // Where it goes on, it says in what.
        (None, Some(after)) if literal(after, "in ").is_some() => ("with an explicit deny", after),
        (None, Some(_)) => return "with an explicit deny".to_owned(),
        (None, None) => return String::new(),
    };
    let end = ENDS.iter().filter_map(|it| after.find(it)).min().unwrap_or(after.len());
    let said = line(&in_one_line(after.get(..end).unwrap_or_default()));
    let said = said.split(['<', ';']).next().unwrap_or_default();
    // One sentence: what follows it is another's.
    let said = said.split(". ").next().unwrap_or_default().trim_end_matches(['.', ',', ' ', ')']);
    let said = match said.find(" action ") {
        Some(at) if word == "because" => said.get(..at + " action".len()).unwrap_or_default(),
        _ => said,
    };
    format!("{word} {said}").trim_end().to_owned()
}

/// The kinds of policies, in IAM's words.
const REFUSING_POLICIES: [(&str, RefusingPolicy); 7] = [
    ("service control policy", RefusingPolicy::ServiceControl),
    ("resource control policy", RefusingPolicy::ResourceControl),
    ("session policy", RefusingPolicy::Session),
    ("vpc endpoint", RefusingPolicy::VpcEndpoint),
    ("resource-based policy", RefusingPolicy::Resource),
    ("permissions boundary", RefusingPolicy::Boundary),
    ("identity-based policy", RefusingPolicy::Identity),
];

/// What IAM's words say of what refused.
fn read_refusal(because: &str) -> PolicyRefusal {
    let because = because.to_lowercase();
    PolicyRefusal {
        explicit_deny: because.contains("explicit deny"),
        by: REFUSING_POLICIES.into_iter().find(|(words, _)| because.contains(words)).map(|it| it.1),
    }
}

/// `role/NAME` before a place, where a program says for which role it asked.
fn role_beside(head: &str) -> Option<String> {
    let head = super::scan::tail(head, NEAR);
    let at = head.rfind("arn:")?;
    let (arn, _) = bare(head.get(at..)?);
    arn.contains(":role/").then_some(arn)
}

/// `system:serviceaccount:NAMESPACE:NAME` in a line.
fn service_account(line: &str) -> Option<(String, String)> {
    let at = line.find("system:serviceaccount:")?;
    let (username, _) = bare(line.get(at..)?);
    account_of(&username).map(|(namespace, name)| (namespace.to_owned(), name.to_owned()))
}

/// EC2's refusals, which name the operation alone and hide the rest in an encoded message.
fn operation_refusals(text: &Text) -> Vec<Found> {
    let read = |(at, after): (usize, usize)| {
        let (head, body) = text.near(at, after, NEAR);
        // Newer ones go on with `User: … is not authorized to perform: …`, which says it all.
        if literal(body.trim_start_matches('.'), "User:").is_some() {
            return None;
        }
        let unauthorized = has(head, "UnauthorizedOperation") || has(body, "UnauthorizedOperation");
        let encoded = has(body, "Encoded authorization failure message");
        if !unauthorized && !encoded {
            return None;
        }
        let action = operation(head).map(|it| format!("ec2:{it}")).unwrap_or_default();
        Some(Found::new(at, after, Message::Iam(Iam { action, encoded, ..Iam::default() })))
    };
    text.places("You are not authorized to perform this operation").into_iter().filter_map(read).collect()
}

/// The operation that a client says it called: `when calling the X operation`, `operation error EC2: X`, `ec2:X`.
fn operation(head: &str) -> Option<String> {
    let name = |text: &str| {
        let word: String = text.trim_start().chars().take_while(char::is_ascii_alphanumeric).collect();
        (word.len() > 3 && word.starts_with(|c: char| c.is_ascii_uppercase())).then_some(word)
    };
    let after = |words: &str| head.rfind(words).and_then(|at| head.get(at + words.len()..)).and_then(name);
    after("when calling the ").or_else(|| after("operation error EC2: ")).or_else(|| after("ec2:"))
}

/// What EKS Auth told the Pod Identity agent.
fn pod_identity(text: &Text) -> Vec<Found> {
    let mut found = Vec::new();
    let mut add = |start: usize, end: usize, fault| found.push(Found::new(start, end, Message::PodIdentity(fault)));
    for (at, after) in text.places("EKS does not have permissions to assume the associated role") {
        // `(AccessDeniedException): Unauthorized Exception!` before it belongs to it.
        let head = text.before(at, 60);
        let start = head.find("(AccessDenied").or_else(|| head.find("Unauthorized Exception")).unwrap_or(head.len());
        add(at - (head.len() - start), after, PodIdentityFault::Role);
    }
    for (at, after) in text.places("AssumeRoleForPodIdentity") {
        let body = text.after(after, NEAR);
        // Its own line, up to the next such call in it.
        let body = body.split('\n').next().unwrap_or_default();
        let body = body.split("AssumeRoleForPodIdentity").next().unwrap_or_default();
        let codes = [
            ("ExpiredTokenException", PodIdentityFault::TokenExpired),
            ("InvalidTokenException", PodIdentityFault::TokenInvalid),
            ("ResourceNotFoundException", PodIdentityFault::NoAssociation),
            ("context canceled", PodIdentityFault::Unreachable),
            ("context deadline exceeded", PodIdentityFault::Unreachable),
        ];
        let fault =
            codes.iter().filter_map(|(code, fault)| Some((body.find(code)?, *code, *fault))).min_by_key(|it| it.0);
        if let Some((code_at, code, fault)) = fault {
            // What follows the code explains it.
            add(at, after + body.len().max(code_at + code.len()), fault);
        }
    }
    for (at, after) in text.places("Service account token cannot be parsed") {
        add(at, after, PodIdentityFault::TokenInvalid);
    }
    found
}

/// What STS says of a token.
fn web_identity(text: &Text) -> Vec<Found> {
    let mut found = Vec::new();
    let mut add = |start: usize, end: usize, fault, issuer| {
        found.push(Found::new(start, end, Message::WebIdentity(WebIdentity { fault, issuer })));
    };
    for (at, after) in text.places("No OpenIDConnect provider found in") {
        let body = text.after(after, NEAR);
        let issuer = body.find("https://").filter(|it| *it < 40).map(|it| bare(body.get(it..).unwrap_or_default()).0);
        let length = issuer.as_ref().map_or(0, |it| body.find("https://").unwrap_or_default() + it.len());
        add(at, after + length, TokenFault::ProviderMissing, issuer);
    }
    for (at, after) in text.places("Incorrect token audience") {
        add(at, after, TokenFault::Audience, None);
    }
    for (at, after) in text.places("Couldn't retrieve verification key from your identity provider") {
        add(at, after, TokenFault::Keys, None);
    }
    for (at, after) in text.places("The web identity token that was passed is expired or is not valid") {
        add(at, after, TokenFault::Expired, None);
    }
    for (at, after) in text.places("Token expired: current date/time") {
        add(at, after, TokenFault::Expired, None);
    }
    for (at, after) in text.places("Token too old:") {
        if has(text.near(at, after, NEAR).0, "ExpiredTokenException") {
            add(at, after, TokenFault::Expired, None);
        }
    }
    // The code alone, where none of the sentences above is near.
    let known: Vec<usize> = found.iter().map(|it| it.start).collect();
    for (at, after) in text.places("InvalidIdentityToken") {
        if !known.iter().any(|it| text.is_near(*it, at, NEAR)) {
            found.push(Found::new(
                at,
                after,
                Message::WebIdentity(WebIdentity { fault: TokenFault::Other, issuer: None }),
            ));
        }
    }
    found
}

/// AWS credentials that a service does not take.
fn invalid_credentials(text: &Text) -> Vec<Found> {
    const FAULTS: &[(&str, CredentialFault)] = &[
        ("The security token included in the request is expired", CredentialFault::Expired),
        ("The provided token has expired", CredentialFault::Expired),
        ("The security token included in the request is invalid", CredentialFault::UnknownKey),
        ("AWS was not able to validate the provided access credentials", CredentialFault::UnknownKey),
        ("Signature expired:", CredentialFault::ClockSkew),
        ("Signature not yet current:", CredentialFault::ClockSkew),
        ("RequestTimeTooSkewed", CredentialFault::ClockSkew),
        ("The request signature we calculated does not match", CredentialFault::Signature),
        ("(ExpiredToken)", CredentialFault::Expired),
        ("ExpiredTokenException:", CredentialFault::Expired),
        ("ExpiredToken:", CredentialFault::Expired),
        ("(ExpiredTokenException)", CredentialFault::Expired),
        ("(RequestExpired)", CredentialFault::ClockSkew),
        ("RequestExpired:", CredentialFault::ClockSkew),
        ("InvalidClientTokenId", CredentialFault::UnknownKey),
        ("UnrecognizedClientException", CredentialFault::UnknownKey),
        ("SignatureDoesNotMatch", CredentialFault::Signature),
    ];
    let mut found: Vec<Found> = Vec::new();
    for (words, fault) in FAULTS {
        for (at, after) in text.places(words) {
            let (head, body) = text.near(at, after, NEAR);
            // A token's own expiry is STS's or EKS Auth's, told above.
            let of_token =
                ["Token expired: current date/time", "Token too old:", "The web identity token that was passed"];
            if of_token.iter().any(|it| has(body, it) || has(head, it)) || has(head, "AssumeRoleForPodIdentity") {
                continue;
            }
            // The same refusal by its code and by its sentence.
            if found.iter().any(|it| text.is_near(it.start, at, NEAR)) {
                continue;
            }
            let (line, _, _) = text.line(at);
            found.push(credentials(at, after, *fault, service(line)));
        }
    }
    found
}

/// The AWS service that a client called, by the line of its refusal.
fn service(line: &str) -> Speaker {
    const STS: [&str; 6] = [
        "GetCallerIdentity",
        "AssumeRole",
        "operation error STS",
        "Service: Sts",
        "sts.amazonaws.com",
        "AWSSecurityTokenService",
    ];
    const EKS: [&str; 4] = ["DescribeCluster", "ListClusters", "operation error EKS:", "Service: Eks"];
    match () {
        () if STS.iter().any(|it| line.contains(it)) => Speaker::Sts,
        () if EKS.iter().any(|it| line.contains(it)) => Speaker::EksApi,
        () => Speaker::Iam,
    }
}

/// A client without credentials, or whose plugin failed: what it says counts least, since something else made it say so.
pub(super) fn vague(text: &Text) -> Vec<Found> {
    const FAULTS: &[(&str, CredentialFault)] = &[
        ("Unable to locate credentials", CredentialFault::NotFound),
        ("NoCredentialProviders", CredentialFault::NotFound),
        ("no valid providers in chain", CredentialFault::NotFound),
        ("no EC2 IMDS role found", CredentialFault::NotFound),
        ("Unable to load AWS credentials from any provider in the chain", CredentialFault::NotFound),
        ("Unable to load credentials from any of the providers in the chain", CredentialFault::NotFound),
        ("Could not load credentials from any providers", CredentialFault::NotFound),
        ("Missing credentials in config", CredentialFault::NotFound),
        ("no providers in chain provided credentials", CredentialFault::NotFound),
        ("the credential provider was not enabled", CredentialFault::NotFound),
        ("Unable to get IAM security credentials from EC2 Instance Metadata Service", CredentialFault::NotFound),
        ("Failed to resolve AWS credentials", CredentialFault::NotFound),
        ("The SSO session associated with this profile has expired", CredentialFault::Sso),
        ("Error loading SSO Token", CredentialFault::Sso),
        ("Token has expired and refresh failed", CredentialFault::Sso),
        ("Token for default does not exist", CredentialFault::Sso),
        ("The config profile (", CredentialFault::Profile),
        ("failed to get shared config profile", CredentialFault::Profile),
        ("exec plugin: invalid apiVersion", CredentialFault::PluginVersion),
        ("exec plugin is configured to use API version", CredentialFault::PluginVersion),
        ("no kind \"ExecCredential\" is registered", CredentialFault::PluginVersion),
        ("could not get token: AccessDenied", CredentialFault::PluginRole),
        ("exec: \"aws\": executable file not found", CredentialFault::PluginMissing),
        ("exec: \"aws-iam-authenticator\": executable file not found", CredentialFault::PluginMissing),
        ("exec: executable aws not found", CredentialFault::PluginMissing),
        ("exec: executable aws-iam-authenticator not found", CredentialFault::PluginMissing),
        ("getting credentials: exec", CredentialFault::Plugin),
    ];
    let mut found: Vec<Found> = Vec::new();
    for (words, fault) in FAULTS {
        for (at, after) in text.places(words) {
            let body = text.after(after, NEAR);
            if *fault == CredentialFault::Profile && words.starts_with("The config") && !has(body, "could not be found")
            {
                continue;
            }
            found.push(credentials(at, after, *fault, Speaker::Client));
        }
    }
    found
}

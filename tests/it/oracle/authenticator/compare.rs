//! The comparison: who a session is, by the server and by this program.

use std::time::Instant;

use eksplorer::access::Verdict;
use eksplorer::access::identity::{Resolution, Resolver};
use eksplorer::model::cluster::ClusterId;
use eksplorer::model::document::read;
use eksplorer::model::facts::snapshot_of;
use eksplorer::model::principal::Asked;
use eksplorer::model::snapshot::{Snapshot, Source};
use serde_json::{Value, json};

use super::super::number;
use super::super::server::say;
use super::super::world::Dice;
use super::process::{Authenticator, Data, Identity, Session};
use super::sessions::{NODE, session};
use super::{Document, corners, slips};

const REGION: &str = "eu-west-1";
/// How many sessions are asked about under each document.
const SESSIONS: usize = 3;
/// How many documents stand in one snapshot.
const BATCH: usize = 100;
/// How often the server is asked about each session: a random choice shows in the long run.
const TWICE: usize = 2;
/// How often the server is asked where it may choose at random. It is rarely the same choice that often.
const OFTEN: usize = 300;
/// How many disagreements are printed in full.
const PRINTED: u64 = 5;
/// How often the server is asked while a document is made smaller.
const SHRINKING: usize = 3_000;

/// A snapshot with a cluster for each ConfigMap.
fn snapshot(documents: &[Data]) -> Snapshot {
    let mut sections = serde_json::Map::new();
    let mut clusters = Vec::new();
    for (at, data) in documents.iter().enumerate() {
        let name = format!("c{at}");
        let node = json!({
            "kind": "Node",
            "metadata": { "name": NODE.1 },
            "spec": { "providerID": format!("aws:///eu-west-1a/{}", NODE.0) },
        });
        let mut manifests = vec![node];
        match data {
            Some(data) => manifests.push(json!({
                "kind": "ConfigMap", "metadata": { "name": "aws-auth", "namespace": "kube-system" }, "data": data,
            })),
            None => {
                sections.insert(format!("{name}/awsAuth"), json!({ "state": "empty" }));
            }
        }
        let arn = format!("arn:aws:eks:{REGION}:111122223333:cluster/{name}");
        let config = json!({ "authenticationMode": "CONFIG_MAP" });
        clusters.push(json!({
            "cluster": { "name": name, "arn": arn, "accessConfig": config }, "kubernetes": manifests,
        }));
    }
    let text = json!({
        "eksplorer": 1, "takenAt": "2026-01-01T00:00:00Z", "region": REGION, "clusters": clusters, "sections": sections,
    });
    snapshot_of(&read(&text.to_string()).unwrap(), Source::default())
}

/// What this program says of a session under each ConfigMap of a snapshot.
fn resolve(snapshot: &Snapshot, at: usize, sessions: &[Session]) -> Vec<Resolution> {
    let facts = snapshot.cluster(&ClusterId { region: REGION.into(), name: format!("c{at}") });
    let resolver = Resolver::new(&facts, &snapshot.iam);
    sessions.iter().map(|session| resolver.resolve(&Asked::from_arn(&session.arn).unwrap())).collect()
}

/// How an answer compares.
#[derive(Debug, PartialEq)]
enum Outcome {
    /// Definite, and the server's.
    Same,
    /// The server's, but for a value that no fact has, which the answer says.
    Open,
    /// Unknown, since the server's own answer is random, or for another reason of [`is_listed`].
    Unknown,
    /// Otherwise, and why.
    Disagreement(String),
}

/// Placeholders whose value neither ConfigMap nor node has: by which name EC2 knows an instance, and by which key a
/// session signs.
const PLACEHOLDERS: [&str; 2] = ["{{EC2PrivateDNSName}}", "{{AccessKeyID}}"];

/// Whether the server picks one of several rows by the order of a Go map, which is random.
fn is_random(reason: &str) -> bool {
    reason.starts_with("which of map") && reason.ends_with(" the authenticator picks: it is random")
}

/// The only reasons for which a verdict may be unknown.
fn is_listed(reason: &str) -> bool {
    // Go keeps one of two YAML keys that are one text in JSON, by chance; and a limit of this program's own.
    let of_key = reason.starts_with("aws-auth map") && reason.contains(" cannot be decided: ");
    is_random(reason) || of_key && (reason.contains("is random") || reason.contains("larger than 64 MiB"))
}

fn outcome(session: &Session, ours: &Resolution, theirs: &[Identity]) -> Outcome {
    let disagreement = |why: &str| Outcome::Disagreement(why.to_owned());
    let names = |reason: &String, placeholder: &str| reason.starts_with(&format!("the value of {placeholder}"));
    let left_open: Vec<&str> =
        PLACEHOLDERS.into_iter().filter(|it| ours.unverified.iter().any(|reason| names(reason, it))).collect();
    if let Some(other) = ours.unknown.iter().find(|reason| !is_listed(reason)) {
        return disagreement(&format!("unknown for a reason that is not listed: {other}"));
    }
    match (ours.verdict, &ours.identity, theirs) {
        (Verdict::Unknown, ..) if ours.unknown.is_empty() => disagreement("unknown without a reason"),
        (Verdict::Unknown, _, [_]) if ours.unknown.iter().any(|it| is_random(it)) => {
            disagreement("the server always answers the same")
        }
        (Verdict::Unknown, ..) => Outcome::Unknown,
        (_, _, [_, _, ..] | []) => disagreement("the server chooses at random"),
        (Verdict::No, _, [it]) if it.denied.is_empty() => disagreement("the server maps it"),
        (Verdict::No, ..) => Outcome::Same,
        (Verdict::Yes, Some(identity), [it]) if it.denied.is_empty() => {
            let filled = |text: &str| {
                let mut text = text.to_owned();
                for placeholder in &left_open {
                    let value = if *placeholder == PLACEHOLDERS[0] {
                        &session.private_dns_name
                    } else {
                        &session.access_key_id
                    };
                    text = text.replace(placeholder, value);
                }
                text
            };
            let groups: Vec<String> = identity.groups.iter().map(|it| filled(it)).collect();
            if filled(&identity.username) != it.username {
                disagreement("another username")
            } else if groups != it.groups {
                disagreement("other groups")
            } else if left_open.is_empty() {
                Outcome::Same
            } else {
                Outcome::Open
            }
        }
        // EC2 does not know the instance, and the program said that it does not know the name.
        (Verdict::Yes, ..)
            if left_open.contains(&PLACEHOLDERS[0]) && theirs[0].denied.contains("querying private DNS") =>
        {
            Outcome::Open
        }
        (Verdict::Yes, Some(_), _) => disagreement("the server denies it"),
        (Verdict::Yes, None, _) => disagreement("no identity"),
    }
}

/// Compares, and asks the server again, often, where a few answers are not enough to judge.
fn judge(
    server: &mut Authenticator,
    data: &Data,
    session: &Session,
    ours: &Resolution,
    theirs: &[Identity],
) -> Outcome {
    match outcome(session, ours, theirs) {
        Outcome::Unknown | Outcome::Disagreement(_) => {
            let theirs = server.ask(data, std::slice::from_ref(session), OFTEN).sessions.remove(0);
            outcome(session, ours, &theirs)
        }
        settled => settled,
    }
}

#[test]
fn sessions_are_mapped_as_by_the_authenticator() {
    let n = usize::try_from(number("EKSPLORER_ORACLE_TRACES", 2_000)).unwrap();
    let seed = number("EKSPLORER_ORACLE_SEED", 7);
    let Some(mut server) = Authenticator::start(&format!("{n} traces")) else { return };
    let since = Instant::now();
    let (mut traces, mut documents, mut mapped, mut left_open, mut unknown) = (0, 0, 0, 0, 0);
    let mut wrong: Vec<(Data, Session)> = Vec::new();
    for batch in 0_u64.. {
        if traces >= n {
            break;
        }
        let mut dice = Dice::new(seed, batch);
        let documents_here: Vec<Document> = (0..BATCH.min((n - traces).div_ceil(SESSIONS)))
            .map(|at| if at % 2 == 0 { corners::document(&mut dice) } else { slips::document(&mut dice) })
            .collect();
        let data: Vec<Data> = documents_here.iter().map(|it| it.data.clone()).collect();
        let snapshot = snapshot(&data);
        for (at, document) in documents_here.iter().enumerate() {
            let sessions: Vec<Session> = (0..SESSIONS).map(|_| session(&mut dice, &document.arns)).collect();
            let ours = resolve(&snapshot, at, &sessions);
            let theirs = server.ask(&document.data, &sessions, TWICE).sessions;
            for ((session, ours), theirs) in sessions.iter().zip(&ours).zip(theirs) {
                mapped += usize::from(theirs[0].denied.is_empty());
                match judge(&mut server, &document.data, session, ours, &theirs) {
                    Outcome::Same => {}
                    Outcome::Open => left_open += 1,
                    Outcome::Unknown => unknown += 1,
                    Outcome::Disagreement(_) => wrong.push((document.data.clone(), session.clone())),
                }
            }
            traces += sessions.len();
        }
        documents += documents_here.len();
    }
    say(&format!(
        "aws-iam-authenticator {} · {documents} documents · {traces} traces · {} disagreements · seed {seed} · {} % mapped · \
         {left_open} with an open value · {unknown} unknown · {:.0} traces/s",
        server.version,
        wrong.len(),
        mapped * 100 / traces.max(1),
        traces as f64 / since.elapsed().as_secs_f64(),
    ));
    // One of each document is enough to see.
    let mut shown = wrong.clone();
    shown.dedup_by(|(data, ..), (before, ..)| data == before);
    shown.truncate(usize::try_from(number("EKSPLORER_ORACLE_PRINTED", PRINTED)).unwrap());
    let printed: Vec<String> = shown.iter().map(|(data, session)| print(&mut server, data, session)).collect();
    assert!(wrong.is_empty(), "{} disagreements:\n{}", wrong.len(), printed.join("\n"));
    // Otherwise the comparison would say little.
    assert!((20..80).contains(&(mapped * 100 / traces.max(1))), "{mapped} of {traces} mapped");
}

/// A disagreement, with the smallest document that has it.
fn print(server: &mut Authenticator, data: &Data, session: &Session) -> String {
    let mut left = SHRINKING;
    let mut shows = |server: &mut Authenticator, data: &Data| {
        left = left.saturating_sub(1);
        let ours = resolve(&snapshot(std::slice::from_ref(data)), 0, std::slice::from_ref(session)).remove(0);
        let theirs = server.ask(data, std::slice::from_ref(session), TWICE).sessions.remove(0);
        left > 0 && matches!(judge(server, data, session, &ours, &theirs), Outcome::Disagreement(_))
    };
    let mut data = data.clone().unwrap_or_default();
    for name in data.keys().cloned().collect::<Vec<_>>() {
        let mut less = data.clone();
        less.remove(&name);
        if shows(server, &Some(less.clone())) {
            data = less;
        }
    }
    for name in data.keys().cloned().collect::<Vec<_>>() {
        let mut size = data[&name].chars().count().div_ceil(2);
        while size > 0 {
            let mut at = 0;
            loop {
                let text: Vec<char> = data[&name].chars().collect();
                if at >= text.len() {
                    break;
                }
                let end = (at + size).min(text.len());
                let mut less = data.clone();
                less.insert(name.clone(), text[..at].iter().chain(&text[end..]).collect());
                if shows(server, &Some(less.clone())) {
                    data = less;
                } else {
                    at = end;
                }
            }
            size /= 2;
        }
    }
    let data = Some(data);
    let ours = resolve(&snapshot(std::slice::from_ref(&data)), 0, std::slice::from_ref(session)).remove(0);
    let theirs = server.ask(&data, std::slice::from_ref(session), OFTEN);
    let why = match outcome(session, &ours, &theirs.sessions[0]) {
        Outcome::Disagreement(why) => why,
        other => format!("not shown any more: {other:?}"),
    };
    let said = match &ours.identity {
        Some(it) => format!("{:?} {:?} {:?}", ours.verdict, it.username, it.groups),
        None => format!("{:?}: {}", ours.verdict, ours.because),
    };
    let theirs_said: Value = theirs.sessions[0]
        .iter()
        .map(|it| if it.denied.is_empty() { json!([it.username, it.groups]) } else { json!(it.denied) })
        .collect();
    format!(
        "- {why}\n  session: {}\n  data: {}\n  program: {said}\n  server: {theirs_said}\n  server's log: {:?}",
        session.arn,
        json!(data),
        theirs.log.unwrap_or_default(),
    )
}

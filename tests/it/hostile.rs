//! Servers that lie and servers that die: whatever one service answers, the program ends in bounded time, with bounded
//! calls and memory, says in a sentence what it waited for and who answered, goes on with the rest, and draws no
//! definite verdict from a lie.
//!
//! A small world is served as `garbled` records it; then the answers of one service (EKS, IAM, STS or Kubernetes) are
//! replaced by each behavior of [`behaviors`] in turn. The definite answers to fixed questions must be those of the
//! honest world, or "not known". The suite runs in a process of its own, so that its peak memory can be told. With
//! `EKSPLORER_HOSTILE_FULL` it runs with the limits of the program, which takes minutes; without, times and sizes are
//! short ones ([`Limited`]).

mod behaviors;
mod documents;
mod exports;
mod journals;
mod server;

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use eksplorer::cloud::{AnswerLimits, Credentials, Endpoint, Limits, ListLimits, Options, Session};
use eksplorer::model::document::{SectionNote, SectionState};
use eksplorer::model::facts::document_of;
use eksplorer::model::failure::FailureKind;
use eksplorer::model::snapshot::Snapshot;
use eksplorer::model::time::Time;
use eksplorer::run::load;
use futures::stream::{self, StreamExt};
use serde_json::{Value, json};

use crate::fake::{JSON, Said};
use crate::garbled;
use behaviors::{Behavior, CONTENTS, FRAMES, Fate, PAGES, Question, STORMS, honest};
use server::{RawServer, Reply};

/// Set in the process that runs the suite.
const CHILD: &str = "EKSPLORER_HOSTILE_CHILD";
const FULL: &str = "EKSPLORER_HOSTILE_FULL";

/// Whose answers are replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HostileService {
    Eks,
    Iam,
    Sts,
    Kubernetes,
}

impl HostileService {
    const ALL: [HostileService; 4] =
        [HostileService::Eks, HostileService::Iam, HostileService::Sts, HostileService::Kubernetes];

    /// Whose request it is.
    fn of(request: &str) -> HostileService {
        if request.contains("Action=GetCallerIdentity") {
            HostileService::Sts
        } else if request.starts_with("POST / ") {
            HostileService::Iam
        } else if request.contains(" /api") {
            HostileService::Kubernetes
        } else {
            HostileService::Eks
        }
    }
}

/// Limits that a test can wait for.
pub(crate) struct Limited;

impl Limited {
    const VALUES: usize = 20_000;
    /// Where nobody is waited for in vain, a busy machine is to be no reason to give up.
    const PATIENT: Limits = Limits {
        connect: Duration::from_secs(20),
        silence: Duration::from_secs(20),
        question: Duration::from_secs(40),
        stall: Duration::from_secs(20),
        call: Duration::from_secs(40),
        large_call: Duration::from_secs(40),
        ..Limited::LIMITS
    };
    const LIMITS: Limits = Limits {
        connect: Duration::from_millis(1000),
        silence: Duration::from_millis(1500),
        question: Duration::from_millis(3000),
        forgotten: Duration::from_secs(30),
        stall: Duration::from_millis(1000),
        stall_bytes: 1 << 10,
        call: Duration::from_millis(4000),
        large_call: Duration::from_millis(4000),
        retry_after: Duration::from_millis(200),
        small: AnswerLimits { bytes: 256 << 10, values: Limited::VALUES },
        large: AnswerLimits { bytes: 512 << 10, values: Limited::VALUES },
        list: ListLimits { pages: 30, empty_pages: 10, items: 200, bytes: 1 << 20, time: Duration::from_millis(4000) },
    };
}

/// The honest world and what is known of it.
struct HonestWorld {
    said: Arc<BTreeMap<String, Said>>,
    whole: Snapshot,
    answers: BTreeMap<String, Option<String>>,
}

/// What became of one behavior at one service.
struct Outcome {
    service: HostileService,
    name: &'static str,
    took: Duration,
    requests: usize,
    /// Definite verdicts that are not those of the honest world.
    lies: Vec<String>,
    /// What else is wrong.
    wrong: Vec<String>,
}

/// A request without the token of its page, as it was recorded, and that token.
fn without_token(request: &str) -> (String, Option<String>) {
    let mut token = None;
    let (path, body) = request.split_once(" /").map_or(("", request), |(method, rest)| (method, rest));
    let mut kept = String::new();
    for (at, part) in body.split_inclusive(['?', '&', ' ']).enumerate() {
        let (text, end) = part.strip_suffix(['?', '&', ' ']).map_or((part, ""), |text| (text, &part[text.len()..]));
        let named = ["nextToken=", "continue=", "Marker="].iter().find_map(|name| text.strip_prefix(name));
        match named.filter(|_| at > 0) {
            Some(found) => token = Some(found.to_owned()),
            None => kept.push_str(&format!("{text}{end}")),
        }
    }
    let mut kept = format!("{path} /{}", kept.trim_end_matches(['?', '&', ' ']));
    for fewer in ["limit=50", "limit=5"] {
        if kept.ends_with(fewer) {
            kept = kept.replace(fewer, "limit=500");
        }
    }
    for fewer in ["MaxItems=100&", "MaxItems=10&"] {
        kept = kept.replace(fewer, "MaxItems=1000&");
    }
    (kept, token)
}

/// Whether an operation has pages.
fn is_list(service: HostileService, request: &str, body: &[u8]) -> bool {
    match service {
        HostileService::Sts => false,
        HostileService::Iam => body.windows(13).any(|it| it == b"<IsTruncated>"),
        HostileService::Kubernetes => request.contains("limit="),
        HostileService::Eks => {
            let parts = request.split([' ', '?']).nth(1).unwrap_or_default().matches('/').count();
            parts == 1 || parts == 3
        }
    }
}

/// What the API server tells of its resources.
fn discovery() -> [(&'static str, Value); 2] {
    let resource = |name: &str, kind: &str, scope: &str| {
        json!({"resource": name, "responseKind": {"group": "", "version": "", "kind": kind}, "scope": scope,
            "singularResource": kind.to_lowercase(), "verbs": ["create", "delete", "get", "list", "update", "watch"]})
    };
    let list = |group: Value, resources: Vec<Value>| {
        json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {},
            "items": [{"metadata": group, "versions": [{"version": "v1", "resources": resources, "freshness": "Current"}]}]})
    };
    let core = vec![resource("pods", "Pod", "Namespaced"), resource("nodes", "Node", "Cluster")];
    let apps = vec![resource("deployments", "Deployment", "Namespaced")];
    [("/api", list(json!({}), core)), ("/apis", list(json!({"name": "apps"}), apps))]
}

impl HonestWorld {
    async fn record() -> HonestWorld {
        let mut said = garbled::recorded().await;
        for (path, document) in discovery() {
            said.insert(format!("GET {path}"), Said(200, JSON, document.to_string().into_bytes()));
        }
        let said = Arc::new(said);
        let mut world = HonestWorld { said, whole: Snapshot::default(), answers: BTreeMap::new() };
        let server = world.serve(|_, _| None).await;
        let session = session(&server, &Limited::PATIENT).await;
        world.whole = load::snapshot(&session, vec![garbled::id()]).await.settled();
        world.answers = garbled::answers(&world.whole.cluster(&garbled::id()), &world.whole.iam);
        let gaps: Vec<String> = gaps(&world.whole).map(|(name, note)| format!("{name}: {note:?}")).collect();
        assert!(gaps.is_empty(), "what is known to be empty is whole: {gaps:?}");
        world
    }

    /// The world, with the answers of a service replaced.
    async fn serve(
        &self,
        hostile: impl Fn(HostileService, &str) -> Option<&'static Behavior> + Send + Sync + 'static,
    ) -> RawServer {
        let (said, turn) = (Arc::clone(&self.said), AtomicUsize::new(0));
        RawServer::start(move |request, host| -> Reply {
            let service = HostileService::of(request);
            let (key, token) = without_token(request);
            let Some(Said(_, kind, body)) = said.get(&key) else {
                let text = format!("HTTP/1.1 501 Not here\r\ncontent-length: {}\r\n\r\n{key}", key.len());
                return Reply { bytes: text.into_bytes(), tail: server::Tail::Keep };
            };
            // The API server is at the same place.
            let body = String::from_utf8_lossy(body).replace(garbled::RECORDED_AT, &format!("http://{host}"));
            let mut question = Question {
                service,
                turn: 0,
                token: token.as_deref(),
                is_list: is_list(service, &key, body.as_bytes()),
                body: body.as_bytes(),
                kind,
                host,
            };
            match hostile(service, &key) {
                Some(behavior) => {
                    question.turn = turn.fetch_add(1, Ordering::Relaxed);
                    (behavior.reply)(&question)
                }
                None => honest(&question),
            }
        })
        .await
    }

    async fn suffer(&self, service: HostileService, behavior: &'static Behavior) -> Outcome {
        let server = self.serve(move |of, _| (of == service).then_some(behavior)).await;
        let limits = match behavior.fate {
            _ if std::env::var_os(FULL).is_some() => Limits::STANDARD,
            Fate::GivenUp => Limited::LIMITS,
            _ => Limited::PATIENT,
        };
        let session = session(&server, &limits).await;
        let began = Instant::now();
        let read = match service {
            HostileService::Sts => load::collect(|tx| load::overview(&session, tx)).await,
            HostileService::Iam => load::collect(|tx| load::iam(&session, tx)).await,
            _ => load::collect(|tx| load::cluster(&session, garbled::id(), tx)).await,
        };
        let took = began.elapsed();
        let read = read.settled();
        let (facts, iam) = match service {
            HostileService::Sts => (self.whole.cluster(&garbled::id()), Arc::clone(&self.whole.iam)),
            HostileService::Iam => (self.whole.cluster(&garbled::id()), Arc::clone(&read.iam)),
            _ => (read.cluster(&garbled::id()), Arc::clone(&self.whole.iam)),
        };
        let now = garbled::answers(&facts, &iam);
        let mut lies: Vec<String> = Vec::new();
        for (question, before) in &self.answers {
            if let (Some(before), Some(Some(after))) = (before, now.get(question))
                && before != after
            {
                lies.push(format!("{question}: {before} → {after}"));
            }
        }
        let mut said = sentences(&read);
        if service == HostileService::Sts {
            let (caller, whole) = (read.caller.value(), self.whole.caller.value());
            if caller.is_some() && caller != whole {
                lies.push(format!("the caller: {whole:?} → {caller:?}"));
            }
            said.extend(read.caller.failure().map(ToString::to_string));
        }
        let mut wrong = Vec::new();
        match behavior.fate {
            Fate::Whole if !said.is_empty() => wrong.push(format!("it is the truth, and yet: {said:?}")),
            Fate::Refused | Fate::GivenUp if said.is_empty() => wrong.push("nothing is said to be missing".to_owned()),
            Fate::GivenUp if !said.iter().any(|it| it.contains(&server.host)) => {
                wrong.push(format!("no sentence names {}: {said:?}", server.host));
            }
            Fate::Refused if !said.iter().any(|it| it.contains(&server.host) || it.contains("said by the service")) => {
                wrong.push(format!("no sentence says who answered: {said:?}"));
            }
            _ => {}
        }
        for sentence in &said {
            if sentence.chars().count() > 700
                || sentence.chars().any(char::is_control)
                || !sentence.starts_with("could not ")
            {
                wrong.push(format!("that is no sentence: {sentence:?}"));
            }
            if sentence.contains("the program failed") {
                wrong.push(format!("something panicked: {sentence:?}"));
            }
        }
        let requests = server.requests.load(Ordering::Relaxed);
        Outcome { service, name: behavior.name, took, requests, lies, wrong }
    }
}

/// The sections that are not whole.
fn gaps(snapshot: &Snapshot) -> impl Iterator<Item = (String, SectionNote)> {
    let whole = [SectionState::Empty, SectionState::NotApplicable];
    let is_asked = |note: &SectionNote| note.failure.as_ref().is_none_or(|it| it.kind != FailureKind::NotRecorded);
    let document = document_of(snapshot, Time(jiff::Timestamp::UNIX_EPOCH));
    document.sections.into_iter().filter(move |(_, note)| !whole.contains(&note.state) && is_asked(note))
}

/// What is said of all that was not read.
fn sentences(snapshot: &Snapshot) -> Vec<String> {
    let mut out = Vec::new();
    for (_, note) in gaps(snapshot) {
        out.extend(note.failure.iter().map(ToString::to_string));
        out.extend(note.missing.iter().map(|it| it.failure.to_string()));
    }
    out.sort();
    out.dedup();
    out
}

/// The most memory that this process has had, in MiB.
fn peak_memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|it| it.split_whitespace().next()?.parse::<usize>().ok()).unwrap_or_default() / 1024
}

async fn suite() -> String {
    let world = HonestWorld::record().await;
    let before = peak_memory();
    let began = Instant::now();
    let all = || FRAMES.iter().chain(CONTENTS).chain(STORMS).chain(PAGES);
    let only = std::env::var("EKSPLORER_HOSTILE_ONLY").ok();
    let cases = HostileService::ALL.into_iter().flat_map(|service| all().map(move |it| (service, it)));
    // Whoever answers about one object has no pages.
    let cases =
        cases.filter(|(service, it)| *service != HostileService::Sts || !PAGES.iter().any(|page| page.name == it.name));
    let cases: Vec<_> =
        cases.filter(|(_, it)| only.as_ref().is_none_or(|only| it.name.contains(only.as_str()))).collect();
    let count = cases.len();
    // Those that are waited for wait side by side; the rest would only disturb each other.
    let (waiting, busy): (Vec<_>, Vec<_>) = cases.into_iter().partition(|(_, it)| it.fate == Fate::GivenUp);
    let run = |cases: Vec<(HostileService, &'static Behavior)>, width| {
        let world = &world;
        stream::iter(cases)
            .map(move |(service, it)| world.suffer(service, it))
            .buffer_unordered(width)
            .collect::<Vec<_>>()
    };
    let (waited, done) = futures::future::join(run(waiting, 64), run(busy, 6)).await;
    let outcomes: Vec<Outcome> = waited.into_iter().chain(done).collect();
    let slowest = outcomes.iter().max_by_key(|it| it.took).unwrap();
    let busiest = outcomes.iter().max_by_key(|it| it.requests).unwrap();
    let lies: usize = outcomes.iter().map(|it| it.lies.len()).sum();
    let mut out = String::new();
    for it in &outcomes {
        for what in
            it.lies.iter().map(|lie| format!("LIE {lie}")).chain(it.wrong.iter().map(|it| format!("WRONG {it}")))
        {
            out.push_str(&format!("{:?} {:?}: {what}\n", it.service, it.name));
        }
    }
    out.push_str(&format!(
        "hostile: {} behaviors x {} services = {count} cases in {:.1} s; worst time {:.1} s ({:?}, {}), most requests {} ({:?}, {}), \
         peak memory {} MiB (before {before}), definite verdicts drawn from a lie: {lies}\n",
        all().count(),
        HostileService::ALL.len(),
        began.elapsed().as_secs_f32(),
        slowest.took.as_secs_f32(),
        slowest.service,
        slowest.name,
        busiest.requests,
        busiest.service,
        busiest.name,
        peak_memory(),
    ));
    out
}

/// A session whose every service is at the server.
async fn session(server: &RawServer, limits: &Limits) -> Session {
    let credentials =
        Credentials { access_key_id: "AKID".into(), secret_access_key: "secret".into(), session_token: None };
    let options = Options {
        regions: vec!["eu-west-1".into()],
        attempts: 2,
        limits: limits.clone(),
        endpoint: Some(Endpoint { url: format!("http://{}", server.host), credentials }),
        ..Options::default()
    };
    Session::open(options, None).await.unwrap()
}

/// An answer that is cut off is as large the second time: each size is asked for once, and the smallest from then on.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_is_asked_for_once_in_each_size() {
    let endless = CONTENTS.iter().find(|it| it.name == "an endless list").unwrap();
    let server = RawServer::start(move |request, host| {
        let service = HostileService::of(request);
        let kind = "text/xml";
        (endless.reply)(&Question { service, turn: 0, token: None, is_list: true, body: b"<x/>", kind, host })
    })
    .await;
    let iam = session(&server, &Limited::PATIENT).await.iam();
    for asked in [3, 4] {
        let refused = iam.account_details(None).await.unwrap_err();
        assert!(refused.message.contains("and was not read any further"), "{refused}");
        assert_eq!(server.requests.load(Ordering::Relaxed), asked);
    }
}

/// Each operation in turn is never answered, and everything else is.
#[tokio::test(flavor = "multi_thread")]
async fn one_unanswered_call_is_named_and_holds_a_question_no_longer_than_it_may() {
    let world = HonestWorld::record().await;
    let silent = FRAMES.iter().find(|it| it.name == "says nothing").unwrap();
    let world = &world;
    let each = world.said.keys().map(|key| async move {
        let unanswered = key.clone();
        let server = world.serve(move |_, key| (*key == *unanswered).then_some(silent)).await;
        let session = session(&server, &Limited::LIMITS).await;
        let began = Instant::now();
        let read = load::snapshot(&session, vec![garbled::id()]).await.settled();
        let took = began.elapsed();
        let mut said = sentences(&read);
        said.extend(read.caller.failure().map(ToString::to_string));
        let host = &server.host;
        let named = said.iter().any(|it| it.contains("no answer to ") && it.contains(host.as_str()));
        assert!(named, "{key}: {said:?}");
        // What it does besides waiting takes time too, where others are busy.
        let most = Limited::LIMITS.question + Duration::from_secs(8);
        assert!(took < most, "{key} took {took:?}");
        let answers = garbled::answers(&read.cluster(&garbled::id()), &read.iam);
        for (question, before) in &world.answers {
            if let (Some(before), Some(Some(after))) = (before, answers.get(question)) {
                assert_eq!(before, after, "{key}: {question}");
            }
        }
        took
    });
    let took: Vec<Duration> = stream::iter(each).buffer_unordered(16).collect().await;
    let line = format!(
        "unanswered: {} calls, one at a time; worst time {:.1} s where a question may take {:.1} s\n",
        took.len(),
        took.iter().max().unwrap().as_secs_f32(),
        Limited::LIMITS.question.as_secs_f32()
    );
    let _ = std::io::stderr().write_all(line.as_bytes());
}

#[test]
fn no_definite_verdict_rests_on_a_lie_and_no_server_holds_the_program() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    if std::env::var_os(CHILD).is_some() {
        let out = runtime.block_on(suite());
        std::io::stdout().write_all(format!("\n{out}").as_bytes()).unwrap();
        return;
    }
    let name = "hostile::no_definite_verdict_rests_on_a_lie_and_no_server_holds_the_program";
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    let output = command.args(["--exact", name, "--nocapture"]).env(CHILD, "1").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<&str> = said.lines().collect();
    let bad: Vec<&&str> = lines.iter().filter(|it| it.contains(": LIE ") || it.contains(": WRONG ")).collect();
    let summary = lines.iter().find(|it| it.starts_with("hostile: "));
    let Some(summary) = summary else { panic!("{said}\n{}", String::from_utf8_lossy(&output.stderr)) };
    // The macros that print are captured where a test passes.
    let _ = std::io::stderr().write_all(format!("{summary}\n").as_bytes());
    assert!(bad.is_empty(), "{} are wrong:\n{bad:#?}\n{summary}", bad.len());
}

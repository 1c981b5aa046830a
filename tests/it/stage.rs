//! A stage for tests of the screen: a small world written out by hand, keys typed into it, and the screen as text.
//!
//! Rows and traces are fixtures, so that these tests show what the screen does with an answer, whatever the answer is.

use std::sync::{Arc, LazyLock};

use eksplorer::access::Mark;
use eksplorer::access::Verdict;
use eksplorer::access::answer_line::{AnswerLine, AnswerPart, LineLabel, LineSign};
use eksplorer::access::engines::Engines;
use eksplorer::access::explain::Ground;
use eksplorer::access::findings::{Finding, FindingId, Severity};
use eksplorer::access::identity::{Identity, Mapping, MappingSource, Other, OtherState, Resolution, Resolver};
use eksplorer::access::inventory::{
    AwsAuthLine, EntryRow, Inventory, IrsaRow, PodIdentityRow, PrincipalRow, RoleRow, RoleUse, SeenIn,
};
use eksplorer::access::permissions::Permissions;
use eksplorer::access::posture::{PostureRows, posture};
use eksplorer::access::trace::{Trace, trace};
use eksplorer::access::who::who_can_question;
use eksplorer::app::effect::Effect;
use eksplorer::app::keymap::{Chord, Keymap};
use eksplorer::app::message::{Analysis, Answer, Msg};
use eksplorer::app::table::Tables;
use eksplorer::app::{App, Setup, update};
use eksplorer::edit::record::Book;
use eksplorer::edit::review;
use eksplorer::model::aws_auth::AwsAuthKey;
use eksplorer::model::cluster::ClusterId;
use eksplorer::model::document::{Document, read};
use eksplorer::model::facts::snapshot_of;
use eksplorer::model::failure::{Failure, FailureKind};
use eksplorer::model::mapping::{AccessScope, AssociatedPolicy, ScopeKind};
use eksplorer::model::principal::{Asked, Principal};
use eksplorer::model::snapshot::{DocumentRef, Evidence, Snapshot, Source};
use eksplorer::model::time::Time;
use eksplorer::run::effects::{analysis, permitted};
use ratatui::layout::Size;

pub(crate) const HOME: &str = "111122223333";
pub(crate) const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/deployer/jane@corp.com";

/// The small world as a document.
pub(crate) const WORLD: &str = r#"
eksplorer: 1
takenAt: 2026-11-24T06:00:00Z
caller: {Account: "111122223333", Arn: "arn:aws:sts::111122223333:assumed-role/oncall/ana", UserId: "AROAX:ana"}
region: eu-west-1
clusters:
- cluster:
    name: prod-eu1
    arn: "arn:aws:eks:eu-west-1:111122223333:cluster/prod-eu1"
    version: "1.34"
    accessConfig: {authenticationMode: API_AND_CONFIG_MAP}
  accessEntries:
  - principalArn: arn:aws:iam::111122223333:role/teams/blue/deployer
    type: STANDARD
    kubernetesGroups: [deployers]
    username: arn:aws:sts::111122223333:assumed-role/deployer/{{SessionName}}
    createdAt: 2025-02-01T09:30:00Z
    tags: {team: blue}
    associatedAccessPolicies:
    - policyArn: arn:aws:eks::aws:cluster-access-policy/AmazonEKSEditPolicy
      accessScope: {type: namespace, namespaces: [blue]}
  podIdentityAssociations: []
  nodegroups: []
  fargateProfiles: []
  addons: []
  identityProviderConfigs: []
  kubernetes:
  - apiVersion: v1
    kind: ConfigMap
    metadata: {name: aws-auth, namespace: kube-system}
    data:
      mapRoles: |
        # moved to entries in 2025, except for these
        - rolearn: arn:aws:iam::111122223333:role/deployer
          username: deployer
          groups:
          - system:masters
        - rolearn: arn:aws:iam::111122223333:role/legacy/batch
          username: batch
          groups: [batch]
  - {apiVersion: v1, kind: ServiceAccount, metadata: {name: api, namespace: payments}}
iam:
  RoleDetailList:
  - {Path: /, RoleName: nightly-report, Arn: "arn:aws:iam::111122223333:role/nightly-report"}
  - {Path: /teams/blue/, RoleName: deployer, Arn: "arn:aws:iam::111122223333:role/teams/blue/deployer", CreateDate: 2024-01-03T00:00:00Z}
  - {Path: /, RoleName: oncall, Arn: "arn:aws:iam::111122223333:role/oncall", CreateDate: 2024-01-03T00:00:00Z}
  UserDetailList: []
sections:
  prod-eu1/namespaces: {state: empty}
  prod-eu1/pods: {state: empty}
  prod-eu1/nodes: {state: empty}
  prod-eu1/roles: {state: empty}
  prod-eu1/clusterRoles: {state: empty}
  prod-eu1/roleBindings: {state: empty}
  prod-eu1/clusterRoleBindings: {state: empty}
"#;

/// The facts of the small world.
pub(crate) fn facts(source: Source) -> Snapshot {
    snapshot_of(&read(WORLD).expect("the small world reads"), source)
}

/// Its one cluster.
pub(crate) fn cluster() -> ClusterId {
    ClusterId { region: "eu-west-1".into(), name: "prod-eu1".into() }
}

/// A file's facts.
pub(crate) fn file() -> Source {
    Source::File { path: "world.yaml".into() }
}

pub(crate) fn time(text: &str) -> Time {
    Time(text.parse().expect("a time"))
}

pub(crate) fn refused(permission: &str, doing: &str) -> Failure {
    Failure {
        kind: FailureKind::Refused { permission: permission.into() },
        doing: doing.into(),
        on: "cluster prod-eu1".into(),
        code: Some("AccessDeniedException".into()),
        message: "User is not authorized".into(),
    }
}

fn policy(name: &str, namespaces: &[&str]) -> AssociatedPolicy {
    AssociatedPolicy {
        policy_arn: format!("arn:aws:eks::aws:cluster-access-policy/{name}"),
        access_scope: AccessScope {
            kind: if namespaces.is_empty() { ScopeKind::Cluster } else { ScopeKind::Namespace },
            namespaces: namespaces.iter().map(|it| (*it).to_owned()).collect(),
        },
        ..AssociatedPolicy::default()
    }
}

fn finding(severity: Severity, id: FindingId, sentence: &str, document: DocumentRef) -> Finding {
    Finding { severity, id, sentence: sentence.into(), evidence: Evidence::new(document, ""), remedy: vec![] }
}

fn entry(arn: &str, mark: Mark, kind: &str, groups: &[&str], policies: Option<Vec<AssociatedPolicy>>) -> EntryRow {
    EntryRow {
        principal_arn: arn.into(),
        principal: Principal::from_arn(arn).ok().map(|(principal, _)| principal),
        mark,
        because: String::new(),
        kind: kind.into(),
        username: format!("{}/{{{{SessionName}}}}", arn.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/")),
        groups: groups.iter().map(|it| (*it).to_owned()).collect(),
        policies,
        created_at: Some(time("2025-02-01T09:30:00Z")),
        modified_at: Some(time("2025-03-11T07:33:49Z")),
        unverified: Vec::new(),
        findings: vec![],
        evidence: Evidence::new(DocumentRef::AccessEntry(arn.into()), ""),
    }
}

/// The rows of the small world.
pub(crate) fn inventory() -> Inventory {
    let role = |path: &str| format!("arn:aws:iam::{HOME}:role/{path}");
    let recreated = "the role was deleted and made again on 2025-06-01; the entry is bound to the old one";
    let mut dead =
        entry(&role("recreated"), Mark::Dead, "STANDARD", &["legacy"], Some(vec![policy("AmazonEKSViewPolicy", &[])]));
    dead.because = recreated.into();
    dead.findings = vec![finding(
        Severity::High,
        FindingId::EntryRecreatedPrincipal,
        &format!("{recreated}: delete the entry and make it again."),
        dead.evidence.document.clone(),
    )];
    let mut edit = entry(
        &role("teams/blue/deployer"),
        Mark::InForce,
        "STANDARD",
        &["deployers"],
        Some(vec![policy("AmazonEKSEditPolicy", &["blue"])]),
    );
    edit.findings = vec![finding(
        Severity::Medium,
        FindingId::ScopeNamespaceMissing,
        "Edit reads Secrets and execs into pods in blue.",
        edit.evidence.document.clone(),
    )];
    let mut unread = entry(&role("unread"), Mark::Unknown, "", &[], None);
    unread.because = "the entry could not be read: eks:DescribeAccessEntry is refused to you".into();
    let hostile = format!("\u{1b}[31mred\u{202e}evil{}", "x".repeat(10_000));
    let mut strange = entry(
        &role("strange"),
        Mark::InForce,
        "STANDARD",
        &[&hostile, "日本語グループ", "e\u{301}quipe"],
        Some(vec![]),
    );
    strange.username = "日本語".into();
    let entries = vec![
        entry("arn:aws:iam::555566667777:role/partner", Mark::InForce, "STANDARD", &["partners"], Some(vec![])),
        entry(&role("ci"), Mark::InForce, "STANDARD", &["builders"], Some(vec![])),
        entry(&role("eks-node"), Mark::InForce, "EC2_LINUX", &["system:nodes"], Some(vec![])),
        entry(
            &role("aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Admins_0123456789abcdef"),
            Mark::InForce,
            "STANDARD",
            &[],
            Some(vec![policy("AmazonEKSClusterAdminPolicy", &[])]),
        ),
        dead,
        strange,
        edit,
        unread,
    ];
    let snapshot = facts(file());
    let aws_auth = aws_auth();
    let rows = PostureRows { aws_auth: &aws_auth, ..PostureRows::default() };
    Inventory {
        posture: posture(&Engines::new(&snapshot.cluster(&cluster()), &snapshot.iam), rows),
        aws_auth: aws_auth.clone(),
        irsa: irsa(),
        pod_identity: pod_identity(),
        roles: roles(),
        principals: entries.iter().filter_map(principal_row).collect(),
        entries,
        ..Inventory::default()
    }
    .with_findings()
}

fn aws_auth() -> Vec<AwsAuthLine> {
    let line = |place: &str, arn: &str, mark, because: &str, groups: &[&str]| AwsAuthLine {
        place: place.into(),
        arn: arn.into(),
        principal: Principal::from_arn(arn).ok().map(|(principal, _)| principal),
        mark,
        because: because.into(),
        username: "deployer".into(),
        groups: groups.iter().map(|it| (*it).to_owned()).collect(),
        findings: vec![],
        evidence: Evidence::new(DocumentRef::AwsAuth, format!("data.{place}")),
    };
    let deployer = "arn:aws:iam::111122223333:role/deployer";
    let batch = "arn:aws:iam::111122223333:role/legacy/batch";
    let mut dead = line("mapRoles[1]", batch, Mark::Dead, "the ARN has a path, which never matches", &["batch"]);
    dead.findings = vec![finding(
        Severity::Medium,
        FindingId::AwsAuthNeverMatches,
        "The row's ARN has a path; the authenticator compares without one, so it never matches.",
        DocumentRef::AwsAuth,
    )];
    vec![
        line("mapRoles[0]", deployer, Mark::Shadowed, "an access entry wins in this mode", &["system:masters"]),
        dead,
        line("mapUser", "", Mark::Ignored, "is no key that the authenticator reads", &[]),
    ]
}

fn irsa() -> Vec<IrsaRow> {
    let row = |namespace: &str, name: &str, role: &str, mark, because: &str, pods| IrsaRow {
        namespace: namespace.into(),
        service_account: name.into(),
        role_arn: format!("arn:aws:iam::{HOME}:role/{role}"),
        annotated: true,
        subjects: vec![],
        mark,
        because: because.into(),
        pods,
        findings: vec![],
        evidence: Evidence::new(DocumentRef::ServiceAccount(namespace.into(), name.into()), "metadata.annotations"),
    };
    vec![
        row("kube-system", "ebs-csi", "addons/ebs-csi", Mark::InForce, "", Some(6)),
        row("payments", "api", "payments-api", Mark::InForce, "", Some(2)),
        row("payments", "reaper", "gone", Mark::Dead, "the role does not exist", Some(0)),
    ]
}

fn pod_identity() -> Vec<PodIdentityRow> {
    vec![PodIdentityRow {
        namespace: "payments".into(),
        service_account: "ledger".into(),
        association_id: "a-1".into(),
        role_arn: Some(format!("arn:aws:iam::{HOME}:role/ledger")),
        target_role_arn: Some("arn:aws:iam::555566667777:role/archive".into()),
        owner: None,
        mark: Mark::Unknown,
        because: "whether the role trusts Pod Identity is not known".into(),
        pods: None,
        findings: vec![],
        evidence: Evidence::new(DocumentRef::PodIdentityAssociation("a-1".into()), ""),
    }]
}

fn roles() -> Vec<RoleRow> {
    let row = |used_by: RoleUse, role: &str, document| RoleRow {
        used_by,
        role_arn: format!("arn:aws:iam::{HOME}:role/{role}"),
        principal: Some(Principal::role(HOME, "/", role)),
        mark: Mark::InForce,
        because: String::new(),
        status: "ACTIVE".into(),
        check: None,
        shared_with: vec![],
        findings: vec![],
        evidence: Evidence::new(document, ""),
    };
    vec![
        row(RoleUse::Cluster, "eks-cluster", DocumentRef::Cluster),
        row(RoleUse::Nodegroup("general".into()), "eks-node", DocumentRef::Nodegroup("general".into())),
    ]
}

fn principal_row(entry: &EntryRow) -> Option<PrincipalRow> {
    let principal = entry.principal.clone()?;
    let resolution = trace_of(&Asked::principal(principal.clone())).resolution;
    Some(PrincipalRow { principal, resolution, seen_in: vec![SeenIn::AccessEntry], findings: entry.findings.clone() })
}

/// The trace of a principal of the small world: the deployer gets in, `nobody` does not, `unread` is not known.
pub(crate) fn trace_of(asked: &Asked) -> Trace {
    let arn = asked.principal.arn();
    let entry_arn = format!("arn:aws:iam::{HOME}:role/teams/blue/{}", asked.principal.name);
    let (verdict, answer) = match asked.principal.name.as_str() {
        "nobody" | "recreated" => (Verdict::No, "does not get in: no mapping names it, so the API server answers 401"),
        "unread" => (Verdict::Unknown, "not known: its access entry could not be read"),
        _ => (
            Verdict::Yes,
            "gets in as arn:aws:sts::111122223333:assumed-role/deployer/jane-corp.com with group deployers",
        ),
    };
    let line = |part, label, mark: Option<Mark>, text: &str, note: &str, evidence: Option<Evidence>| AnswerLine {
        label,
        sign: mark.map_or(LineSign::Blank, LineSign::Mark),
        note: note.into(),
        evidence,
        ..AnswerLine::new(part, text)
    };
    let of_entry = || Some(Evidence::new(DocumentRef::AccessEntry(entry_arn.clone()), "kubernetesGroups"));
    let of_aws_auth = || Some(Evidence::new(DocumentRef::AwsAuth, "data.mapRoles[0].groups"));
    let mut lines = Vec::new();
    if asked.session.is_some() {
        lines.push(line(AnswerPart::Principal, Some(LineLabel::Session), None, &asked.arn(), "", None));
    }
    lines.push(line(AnswerPart::Principal, Some(LineLabel::Role), None, &arn, "made 2024-01-03", None));
    let maps = verdict == Verdict::Yes;
    if maps {
        lines.extend([
            line(
                AnswerPart::Mapping,
                None,
                Some(Mark::InForce),
                "access entry STANDARD",
                "made 2025-02-01",
                of_entry(),
            ),
            line(
                AnswerPart::Mapping,
                None,
                Some(Mark::Shadowed),
                "aws-auth mapRoles[0] → system:masters",
                "an access entry wins in this mode",
                of_aws_auth(),
            ),
            line(
                AnswerPart::Identity,
                Some(LineLabel::User),
                None,
                "arn:aws:sts::111122223333:assumed-role/deployer/jane-corp.com",
                "",
                None,
            ),
            line(
                AnswerPart::Identity,
                Some(LineLabel::Groups),
                None,
                "deployers · system:authenticated",
                "",
                of_entry(),
            ),
            line(
                AnswerPart::Grants,
                Some(LineLabel::Policy),
                None,
                "AmazonEKSEditPolicy",
                "namespaces blue",
                of_entry(),
            ),
            line(
                AnswerPart::Unverified,
                None,
                Some(Mark::Unverified),
                "whether the partner's role was made again",
                "",
                None,
            ),
        ]);
    } else if verdict == Verdict::Unknown {
        lines.push(line(
            AnswerPart::Unknown,
            None,
            Some(Mark::Unknown),
            "its access entry: eks:DescribeAccessEntry is refused to you",
            "",
            None,
        ));
    }
    let findings = if maps {
        vec![finding(
            Severity::Medium,
            FindingId::ScopeNamespaceMissing,
            "Edit reads Secrets and execs into pods in blue.",
            DocumentRef::AccessEntry(entry_arn.clone()),
        )]
    } else {
        vec![]
    };
    let lines = lines.into_iter().chain(findings.iter().map(AnswerLine::of_finding)).collect();
    let source = MappingSource::AccessEntry { principal_arn: entry_arn.clone() };
    Trace {
        title: match &asked.session {
            Some(session) => format!("{} / {session}", asked.principal.name),
            None => asked.principal.name.clone(),
        },
        answer: answer.into(),
        resolution: Resolution {
            asked: asked.clone(),
            verdict,
            because: answer.into(),
            loading: false,
            names_nearest: false,
            unknown: if verdict == Verdict::Unknown { vec!["its access entry".into()] } else { vec![] },
            unverified: if asked.principal.account == HOME { vec![] } else { vec!["the unique id".into()] },
            mapping: maps.then(|| Mapping {
                source: source.clone(),
                kind: Some("STANDARD".into()),
                evidence: Evidence::new(DocumentRef::AccessEntry(entry_arn.clone()), ""),
            }),
            others: vec![Other {
                source: MappingSource::AwsAuth { key: AwsAuthKey::MapRoles, index: Some(0) },
                state: OtherState::Shadowed,
                because: "an access entry wins in this mode".into(),
                evidence: Evidence::new(DocumentRef::AwsAuth, "data.mapRoles[0]"),
            }],
            identity: maps.then(|| Identity {
                username: "deployer".into(),
                groups: vec!["deployers".into()],
                implicit_groups: vec!["system:authenticated".into()],
            }),
            access_policies: Some(vec![policy("AmazonEKSEditPolicy", &["blue"])]),
        },
        lines,
        findings,
    }
}

/// The program on the stage: what it wants computed is answered at once from the fixtures, the rest is written down.
pub(crate) struct Stage {
    pub(crate) app: App,
    pub(crate) rows: Inventory,
    /// What was wanted that only the rim could do.
    pub(crate) effects: Vec<Effect>,
    /// Are questions answered at once?
    pub(crate) answers: bool,
    /// Are rows and traces those of the facts, rather than the fixtures?
    pub(crate) real: bool,
    /// What the journal holds when it is read.
    pub(crate) book: Arc<Book>,
}

impl Stage {
    /// On a file of the small world, at 120×36.
    pub(crate) fn new() -> Self {
        Self::on(facts(file()))
    }

    /// On these facts.
    pub(crate) fn on(snapshot: Snapshot) -> Self {
        Self::with(snapshot, inventory(), true)
    }

    /// On these facts and rows.
    pub(crate) fn with(snapshot: Snapshot, rows: Inventory, answers: bool) -> Self {
        Self::start(snapshot, rows, answers, false, Book::default())
    }

    /// On the demo world's first cluster, everything answered from its facts.
    pub(crate) fn acme(source: Source) -> Self {
        Self::acme_with(source, Book::default())
    }

    /// The same, with this journal.
    pub(crate) fn acme_with(source: Source, book: Book) -> Self {
        static ACME: LazyLock<Document> =
            LazyLock::new(|| read(include_str!("../../assets/worlds/acme.yaml")).expect("the demo world reads"));
        Self::start(snapshot_of(&ACME, source), Inventory::default(), true, true, book)
    }

    fn start(snapshot: Snapshot, rows: Inventory, answers: bool, real: bool, book: Book) -> Self {
        let setup = Setup {
            cluster: real.then(|| cluster().name),
            keymap: Keymap::standard().expect("the keymap"),
            write: false,
            writes: Default::default(),
            assume_exists: false,
            endpoint: None,
        };
        let size = Size { width: 120, height: 36 };
        let app = App::new(snapshot, setup, size, time("2026-11-24T06:12:00Z"));
        let mut stage = Stage { app, rows, effects: Vec::new(), answers, real, book: Arc::new(book) };
        let effects = stage.app.begin();
        stage.set_about(effects);
        stage
    }

    pub(crate) fn resize(mut self, width: u16, height: u16) -> Self {
        self.send(Msg::Resize(Size { width, height }));
        self
    }

    /// As started with `--write`.
    pub(crate) fn writing(mut self) -> Self {
        self.app.write = true;
        self
    }

    /// Types keys, separated by blanks.
    pub(crate) fn keys(mut self, keys: &str) -> Self {
        for key in keys.split_whitespace() {
            self.send(Msg::Key(key.parse::<Chord>().expect(key)));
        }
        self
    }

    /// Types a text, character by character.
    pub(crate) fn text(mut self, text: &str) -> Self {
        for c in text.chars() {
            self.send(Msg::Key(Chord::from(c)));
        }
        self
    }

    pub(crate) fn paste(mut self, text: &str) -> Self {
        self.send(Msg::Paste(text.to_owned()));
        self
    }

    pub(crate) fn send(&mut self, msg: Msg) {
        let effects = update(&mut self.app, msg);
        self.set_about(effects);
    }

    fn set_about(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Analyse { ticket, .. } if self.answers => {
                    let facts = self.app.facts();
                    let analysis = if self.real {
                        analysis(&facts, &self.app.snapshot.iam)
                    } else {
                        let tables = Tables::of(&self.rows, Some(HOME));
                        let permissions = Permissions::of(&facts);
                        Analysis { inventory: self.rows.clone(), tables, permissions }
                    };
                    self.send(Msg::Answer(ticket, Answer::Analysis(Arc::new(analysis))));
                }
                Effect::Trace { ticket, asked, .. } if self.answers => {
                    let facts = self.app.facts();
                    let trace = if self.real {
                        trace(&Resolver::new(&facts, &self.app.snapshot.iam), &Permissions::of(&facts), &asked)
                    } else {
                        trace_of(&asked)
                    };
                    self.send(Msg::Answer(ticket, Answer::Trace(Arc::new(trace))));
                }
                Effect::Matrix { ticket, asked, namespace, .. } if self.answers => {
                    let facts = self.app.facts();
                    let permissions = self.app.analysis.as_ref().map(|it| it.permissions.clone()).unwrap_or_default();
                    let answer = permitted(&facts, &self.app.snapshot.iam, permissions, &asked, namespace.as_deref());
                    self.send(Msg::Answer(ticket, Answer::Matrix(Arc::new(answer))));
                }
                Effect::WhoCan { ticket, question, .. } if self.answers => {
                    let known = self.app.analysis.clone().unwrap_or_default();
                    let rows = &known.inventory.principals;
                    let answer = who_can_question(&self.app.facts(), &known.permissions, rows, &question);
                    self.send(Msg::Answer(ticket, Answer::WhoCan(Arc::new(answer))));
                }
                Effect::Plan { ticket, cluster, draft } if self.answers => {
                    let snapshot = self.app.snapshot.clone();
                    let facts = snapshot.cluster(&cluster);
                    let permissions = self.app.analysis.as_ref().map(|it| it.permissions.clone()).unwrap_or_default();
                    let (caller, now) = (self.app.caller(), Some(self.app.now));
                    let answer = review(&facts, &snapshot.iam, &permissions, caller.as_ref(), &draft, now);
                    self.send(Msg::Answer(ticket, Answer::Plan(Arc::new(answer))));
                }
                Effect::Journal { ticket } => {
                    let book = self.book.clone();
                    self.send(Msg::Answer(ticket, Answer::Journal(Ok(book))));
                }
                Effect::Note { ticket, cluster, told } if self.answers => {
                    let snapshot = self.app.snapshot.clone();
                    let facts = snapshot.cluster(&cluster);
                    let permissions = Permissions::of(&facts);
                    let (caller, now) = (self.app.caller(), Some(self.app.now));
                    let note = told.note(&facts, &snapshot.iam, &permissions, caller.as_ref(), now);
                    self.send(Msg::Answer(ticket, Answer::Note(note)));
                }
                Effect::Workload { ticket, cluster, subject } if self.answers => {
                    let (facts, iam) = (self.app.snapshot.cluster(&cluster), self.app.snapshot.iam.clone());
                    let shown = eksplorer::access::workload::Workloads::new(&facts, &iam).shown(&subject);
                    self.send(Msg::Answer(ticket, Answer::Workload(Arc::new(shown))));
                }
                Effect::Explain { ticket, cluster, message } if self.answers => {
                    let snapshot = self.app.snapshot.clone();
                    let facts = snapshot.cluster(&cluster);
                    let ground = Ground::new(&facts, &snapshot.iam, &cluster, self.app.caller());
                    let explained = eksplorer::edit::fix::Explained::new(&ground, &message);
                    self.send(Msg::Answer(ticket, Answer::Explain(Arc::new(explained))));
                }
                other => self.effects.push(other),
            }
        }
    }

    /// The key of the row under the cursor.
    pub(crate) fn row(&self) -> &str {
        self.app.selected_row().map_or("", |row| &row.key)
    }
}

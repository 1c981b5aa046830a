//! Subjects, flags and baselines on rows made by hand; the whole of it on the demo world is tests/it/audit.rs's.

use super::*;
use crate::access::findings::Severity::{High, Low, Medium};
use crate::model::failure::{Failure, FailureKind};

fn item(severity: Severity, id: FindingId, subject: Subject) -> Item {
    let fingerprint = format!("{id} {subject}");
    Item {
        severity,
        id,
        subject,
        arn: String::new(),
        because: "because".to_owned(),
        evidence: Vec::new(),
        remedy: Vec::new(),
        fingerprint,
        ignored: None,
    }
}

fn two() -> Audit {
    let row = |n: usize| Subject::AwsAuth(format!("mapRoles[{n}]"));
    let items = vec![
        item(High, FindingId::AwsAuthMasters, row(0)),
        item(High, FindingId::AwsAuthMasters, row(1)),
        item(Low, FindingId::Encryption, Subject::Cluster),
    ];
    Audit { items, not_judged: Vec::new() }
}

#[test]
fn an_ignored_finding_does_not_count_and_stays() {
    for (ignore, high, low) in [
        ("aws-auth-masters", 0, 1),
        ("aws-auth-masters=mapRoles[1]", 1, 1),
        ("aws-auth-masters=aws-auth mapRoles[1]", 1, 1),
        ("encryption=cluster", 2, 0),
        ("aws-auth-masters=mapRoles[9]", 2, 1),
    ] {
        let mut audit = two();
        let (idle, _) = audit.ignore(&[ignore.parse().unwrap()], &BTreeSet::new());
        assert_eq!((audit.count(High), audit.count(Low), audit.items.len()), (high, low, 3), "{ignore}");
        assert_eq!(idle.len(), usize::from(ignore.ends_with("[9]")), "{ignore}");
    }
}

#[test]
fn a_slip_in_an_id_is_an_error() {
    assert!("aws-auth-master".parse::<Ignore>().is_err() && "encryption=".parse::<Ignore>().is_err());
}

#[test]
fn a_baseline_takes_what_it_holds_and_tells_what_is_gone() {
    let mut audit = two();
    let baseline = ["encryption cluster".to_owned(), "logs-audit cluster".to_owned()].into();
    let (_, gone) = audit.ignore(&[], &baseline);
    assert_eq!(gone, ["logs-audit cluster"]);
    assert!(audit.reaches(High) && audit.reaches(Low) && audit.count(Low) == 0);
    audit.ignore(&["aws-auth-masters".parse().unwrap()], &baseline);
    assert!(!audit.reaches(Low), "nothing is left");
    assert!(!two().reaches(High) || two().reaches(Medium), "a threshold takes what matters more too");
}

#[test]
fn nothing_known_is_nothing_passed() {
    let kind = FailureKind::Refused { permission: "list pods".to_owned() };
    let refused =
        Failure { kind, doing: "list pods".to_owned(), on: String::new(), code: None, message: String::new() };
    let facts = ClusterFacts { pods: Section::failed(refused), ..ClusterFacts::default() };
    let audit = audit(&Inventory::default(), &facts, &IamFacts::default());
    assert!(audit.items.is_empty());
    let pods = audit.not_judged.iter().find(|it| it.what == "pods").unwrap();
    assert!(pods.because.contains("list pods is refused"), "{}", pods.because);
    assert!(audit.not_judged.iter().any(|it| it.what == "IAM roles"));
}

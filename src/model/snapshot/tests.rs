//! Sections that are refreshed, and what lookups into them answer.

use super::*;
use crate::model::failure::FailureKind;

fn refused() -> Failure {
    Failure {
        kind: FailureKind::Refused { permission: "eks:ListAccessEntries".into() },
        doing: "list the access entries".into(),
        on: "prod".into(),
        code: Some("AccessDeniedException".into()),
        message: "no".into(),
    }
}

fn entry(arn: &str) -> AccessEntry {
    AccessEntry { principal_arn: arn.into(), ..AccessEntry::default() }
}

fn facts(access_entries: Section<Vec<AccessEntry>>) -> ClusterFacts {
    ClusterFacts { access_entries, ..ClusterFacts::default() }
}

#[test]
fn what_was_not_read_is_unknown_and_never_absent() {
    let key = Principal::role("111122223333", "/", "a").key();
    let now = Time::default();
    let arn = "arn:aws:iam::111122223333:role/x/A";
    assert_eq!(facts(Section::known(vec![], now)).access_entry(&key), Lookup::Absent);
    assert!(matches!(facts(Section::known(vec![entry(arn)], now)).access_entry(&key), Lookup::Found(_)));
    assert_eq!(facts(Section::default()).access_entry(&key), Lookup::Unknown(Gap::Loading));
    assert_eq!(facts(Section::failed(refused())).access_entry(&key), Lookup::Unknown(Gap::Failure(refused())));
    let missing = |item: Option<&str>| Missing { item: item.map(str::to_owned), failure: refused() };
    assert_eq!(
        facts(Section::partial(vec![], now, vec![missing(Some(arn))])).access_entry(&key),
        Lookup::Unknown(Gap::Item(refused()))
    );
    assert_eq!(
        facts(Section::partial(vec![], now, vec![missing(None)])).access_entry(&key),
        Lookup::Unknown(Gap::Failure(refused()))
    );
    assert_eq!(
        facts(Section::partial(vec![], now, vec![missing(Some("arn:aws:iam::111122223333:role/b"))]))
            .access_entry(&key),
        Lookup::Absent
    );
}

#[test]
fn an_entry_asked_for_by_itself_answers_while_the_sweep_goes_on() {
    let key = Principal::role("111122223333", "/", "a").key();
    let mut it = facts(Section::loading(Some(vec![]), 0, None));
    it.asked_entries.insert(key.clone(), Ok(None));
    assert_eq!(it.access_entry(&key), Lookup::Absent);
    it.asked_entries.insert(key.clone(), Ok(Some(Arc::new(entry("arn:aws:iam::111122223333:role/a")))));
    assert!(matches!(it.access_entry(&key), Lookup::Found(_)));
    it.access_entries = Section::known(vec![], Time::default());
    assert_eq!(it.access_entry(&key), Lookup::Absent, "the finished sweep is newer than the single answer");
}

#[test]
fn a_newer_single_answer_wins_over_a_sweep_that_could_not_be_repeated() {
    let key = Principal::role("111122223333", "/", "a").key();
    let arn = "arn:aws:iam::111122223333:role/a";
    let stale = Section::known(vec![entry(arn)], Time::default()).refreshed(Section::failed(refused()));
    let mut it = facts(stale);
    it.asked_entries.insert(key.clone(), Ok(None));
    assert_eq!(it.access_entry(&key), Lookup::Absent);
}

#[test]
fn a_half_failed_refresh_keeps_what_was_read_before() {
    let arn = |name: &str| format!("arn:aws:iam::111122223333:role/{name}");
    let before = Section::known(vec![entry(&arn("a")), entry(&arn("b")), entry(&arn("c"))], Time::default());
    let missing = vec![Missing { item: Some(arn("a")), failure: refused() }];
    let fresh = Section::partial(vec![entry(&arn("b"))], Time::default(), missing);
    let after = before.refreshed_items(fresh, |it| it.principal_arn.as_str());
    let names: Vec<&str> = after.items().iter().map(|it| it.principal_arn.as_str()).collect();
    assert_eq!(names, [arn("b"), arn("a")], "c is gone, a could not be read this time");
    assert_eq!(after.missing().len(), 1);
}

#[test]
fn a_failed_refresh_keeps_the_older_value_marked_stale() {
    let old = Section::known(vec![1], Time::default());
    let after = old.clone().refreshed(Section::failed(refused()));
    assert_eq!(after.items(), [1]);
    assert!(matches!(after.state(), State::Stale { .. }));
    assert_eq!(old.clone().refreshed(Section::loading(None, 0, None)), old);
    assert_eq!(old.refreshed(Section::known(vec![2], Time::default())).items(), [2]);
}

#[test]
fn a_role_of_another_account_is_unknown() {
    let iam =
        IamFacts { account: Some("1".into()), roles: Section::known(vec![], Time::default()), ..IamFacts::default() };
    assert_eq!(iam.role("1", "x"), Lookup::Absent);
    assert_eq!(iam.role("2", "x"), Lookup::Unknown(Gap::Foreign("2".into())));
}

#[test]
fn news_of_how_far_a_reading_is_keep_the_rows_that_came() {
    let first = Section::loading(Some(vec![1, 2]), 2, None);
    let further = first.refreshed(Section::loading(None, 6_000, Some(9_000)));
    assert_eq!(further.items(), [1, 2]);
    assert_eq!(*further.state(), State::Loading { done: 6_000, total: Some(9_000) });
    assert_eq!(further.clone().refreshed(Section::loading(Some(vec![3]), 1, None)).items(), [3], "a new reading");
    assert_eq!(further.refreshed(Section::known(vec![], Time::default())).items(), [0; 0]);
}

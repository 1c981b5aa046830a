//! What is asked before a plan is applied, and drafts that are brought onto what others have done.

use std::collections::BTreeSet;

use super::*;
use crate::edit::preflight::{Ask, Preflight, Whom, checks};
use crate::edit::state::AssociationState;
use crate::model::role::{Decision, Simulated};

fn preflight(edits: &[(Subject, Edit)], caller: Option<&str>) -> Preflight {
    let world = world();
    let caller = caller.map(|it| Asked::from_arn(it).unwrap());
    Preflight::of(&world.facts, &world.iam, caller.as_ref(), &plan(&drafted(&world, edits)))
}

fn told_of(ask: &Ask) -> String {
    let keys: Vec<String> = ask.context.iter().map(|(key, values)| format!("{key}={}", values.join("+"))).collect();
    format!("{} {} {}", ask.action, ask.resource, keys.join(" "))
}

#[test]
fn each_call_is_asked_for_on_what_it_is_done_to() {
    let role_arn = "arn:aws:iam::111122223333:role/api".to_owned();
    let association = AssociationState { role_arn, ..AssociationState::default() };
    let asked = preflight(
        &[
            (role("fresh"), give("View", &["green", "blue"])),
            (role("dev"), Edit::TakePolicy { policy_arn: policy("View") }),
            (Subject::Association("blue".into(), "new".into()), Edit::Associate(association)),
            (Subject::Association("blue".into(), "api".into()), Edit::Dissociate),
        ],
        Some("arn:aws:sts::111122223333:assumed-role/admin/ana"),
    );
    assert_eq!(asked.whom, Whom::Principal("arn:aws:iam::111122223333:role/admin".into()));
    let told: Vec<String> = asked.asks.iter().map(told_of).collect();
    let (fresh, dev) = ("arn:aws:iam::111122223333:role/fresh", "arn:aws:iam::111122223333:role/dev");
    let eks = "arn:aws:eks:r:111122223333";
    let unmade = "00000000-0000-0000-0000-000000000000";
    assert_eq!(
        told,
        [
            format!("eks:CreateAccessEntry {eks}:cluster/c eks:principalArn={fresh} eks:accessEntryType=STANDARD"),
            format!(
                "eks:AssociateAccessPolicy {eks}:access-entry/c/role/111122223333/fresh/{unmade} eks:principalArn={fresh} \
                 eks:accessEntryType=STANDARD eks:policyArn={} eks:accessScope=namespace eks:namespaces=blue+green",
                policy("View")
            ),
            format!("eks:CreatePodIdentityAssociation {eks}:cluster/c "),
            "iam:PassRole arn:aws:iam::111122223333:role/api ".to_owned(),
            format!(
                "eks:DisassociateAccessPolicy {eks}:access-entry/c/role/111122223333/dev/{unmade} eks:principalArn={dev} \
                 eks:accessEntryType=STANDARD eks:policyArn={} aws:ResourceTag/managed-by=terraform",
                policy("View")
            ),
            format!("eks:DeletePodIdentityAssociation {eks}:podidentityassociation/c/a-1 "),
        ]
    );
    let nodes = preflight(&[(role("node"), Edit::Again)], None);
    assert!(matches!(nodes.whom, Whom::Nobody(_)));
    let actions: Vec<&str> = nodes.asks.iter().map(|it| it.action.as_str()).collect();
    assert_eq!(actions, ["eks:DeleteAccessEntry", "eks:CreateAccessEntry", "iam:PassRole"]);
    assert_eq!(preflight(&[], Some("arn:aws:iam::111122223333:root")).whom, Whom::Root);
    let federated = preflight(&[], Some("arn:aws:sts::111122223333:federated-user/x"));
    assert!(matches!(federated.whom, Whom::Nobody(_)));
}

#[test]
fn what_iam_says_is_told_once_for_all_calls_that_it_concerns() {
    let ask = |action: &str, step: usize| Ask {
        action: action.into(),
        resource: "r".into(),
        context: Vec::new(),
        steps: BTreeSet::from([step]),
    };
    let one = |decision| Ok(vec![Simulated { decision, ..Simulated::default() }]);
    let said = checks(
        "role/x",
        &[
            (ask("eks:CreateAccessEntry", 1), one(Decision::Allowed)),
            (ask("eks:AssociateAccessPolicy", 2), one(Decision::NotAllowed)),
            (ask("eks:AssociateAccessPolicy", 3), one(Decision::NotAllowed)),
            (ask("iam:PassRole", 4), one(Decision::Denied)),
            (ask("eks:TagResource", 5), Err("too many requests".into())),
            (ask("eks:UntagResource", 6), Err("too many requests".into())),
            (ask("eks:DeleteAccessEntry", 7), Ok(Vec::new())),
        ],
    );
    let told: Vec<String> = said.iter().map(|it| format!("{} {}: {}", it.level.word(), it.id, it.because)).collect();
    assert_eq!(
        told,
        [
            "asks caller-may-not: eks:AssociateAccessPolicy will be refused to you, as far as IAM tells (calls 2, 3): no policy of role/x allows it",
            "asks caller-may-not: iam:PassRole will be refused to you, as far as IAM tells (call 4): a policy of role/x denies it",
            "notes caller-not-simulated: whether you may make these calls is not known: eks:DeleteAccessEntry: IAM said nothing of it",
            "notes caller-not-simulated: whether you may make these calls is not known: eks:TagResource, eks:UntagResource: too many requests",
        ]
    );
}

/// The facts after somebody else's edits.
fn others(world: &World, edits: &[(Subject, Edit)]) -> ClusterFacts {
    project(&world.facts, &drafted(world, edits), None)
}

fn ends(draft: &Draft, name: &str) -> (Option<String>, Option<String>) {
    let change = draft.change(&role(name)).unwrap();
    let tell = |it: &Option<State>| it.as_ref().map(State::tell);
    (tell(&change.before), tell(&change.after))
}

#[test]
fn what_others_did_stays_and_what_was_staged_is_done_on_top_of_it() {
    let world = world();
    let ours = drafted(
        &world,
        &[
            (role("dev"), give("Edit", &["blue"])),
            (role("dev"), Edit::TakeGroups(vec!["devs".into()])),
            (role("fresh"), give("View", &["blue"])),
            (role("over"), Edit::Remove),
        ],
    );
    let facts = others(
        &world,
        &[
            (role("dev"), Edit::GiveGroups(vec!["theirs".into()])),
            (role("dev"), Edit::TakePolicy { policy_arn: policy("View") }),
            (role("fresh"), Edit::GiveGroups(vec!["theirs".into()])),
            (role("over"), Edit::Remove),
        ],
    );
    let moved = ours.onto(&facts);
    let some = |it: &str| Some(it.to_owned());
    assert_eq!(
        ends(&moved, "dev"),
        (
            some(
                "STANDARD · username arn:aws:sts::111122223333:assumed-role/dev/{{SessionName}} · groups devs, theirs · tags managed-by=terraform"
            ),
            some(
                "STANDARD · username arn:aws:sts::111122223333:assumed-role/dev/{{SessionName}} · groups theirs · AmazonEKSEditPolicy @ blue · tags managed-by=terraform"
            )
        )
    );
    assert_eq!(
        ends(&moved, "fresh"),
        (
            some("STANDARD · username arn:aws:sts::111122223333:assumed-role/fresh/{{SessionName}} · groups theirs"),
            some(
                "STANDARD · username arn:aws:sts::111122223333:assumed-role/fresh/{{SessionName}} · groups theirs · AmazonEKSViewPolicy @ blue"
            )
        )
    );
    assert!(moved.change(&role("over")).is_none(), "somebody has removed it already");
    assert_eq!(moved.onto(&facts), moved);
    // What is gone is not made anew because somebody wanted to add to it.
    let gone = ours.onto(&others(&world, &[(role("dev"), Edit::Remove)]));
    assert_eq!(gone.change(&role("dev")), ours.change(&role("dev")));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever others did, what is staged begins at what is there, unless that is gone; and where nobody did anything,
    /// it stays as it is.
    #[test]
    fn a_draft_begins_where_the_facts_are(
        ours in prop::collection::vec(an_edit(), 0..5),
        theirs in prop::collection::vec(an_edit(), 0..5),
    ) {
        let world = world();
        let (ours, theirs) = (stage_all(&world, ours), stage_all(&world, theirs));
        prop_assert_eq!(&ours.onto(&world.facts), &ours);
        let facts = project(&world.facts, &theirs, None);
        let moved = ours.onto(&facts);
        for (subject, change) in moved.changes() {
            let is = now(&facts, subject).known().unwrap();
            if is.is_some() || change.after.is_none() {
                prop_assert_eq!(&change.before, &is);
            }
        }
        prop_assert_eq!(moved.onto(&facts), moved);
    }
}

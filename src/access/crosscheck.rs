//! Our answer beside the API server's own.
//!
//! Decides whether an identity can be reviewed at all, and what it means when the two answers differ. A review by
//! username and groups carries no access entry, so what it says against access policies says nothing; a review of the
//! caller carries everything. Asking is `cloud`'s.

use super::permissions::{Decision, Who};
use crate::access::Verdict;
use crate::model::review::{Reviewed, Reviewee};

/// How the two answers stand to each other: no verdict, since it says nothing of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReviewAgreement {
    /// The same.
    Agrees,
    /// Yes here and no there, or the other way round: one of them is wrong.
    Differs,
    /// It was not known here, and the API server says.
    Settles,
    /// What the API server says cannot be held against our answer.
    Inconclusive,
}

/// The comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// How they stand.
    pub outcome: ReviewAgreement,
    /// As a sentence.
    pub sentence: String,
}

/// Whom to ask the API server about; the error is why there is nobody to ask about.
pub fn reviewee(who: &Who, is_caller: bool) -> Result<Reviewee, String> {
    if is_caller {
        return Ok(Reviewee::Caller);
    }
    if who.outside.is_some() {
        return Err("It gets no identity in this cluster, so there is nobody to review.".to_owned());
    }
    if who.username.is_empty() {
        return Err("Its username is not known, so there is nobody to review.".to_owned());
    }
    let open = |text: &String| text.contains("{{");
    if open(&who.username) || who.groups.iter().any(open) {
        return Err(
            "Its username depends on the session: trace a session (paste its ARN) to have it reviewed.".to_owned()
        );
    }
    Ok(Reviewee::Named { username: who.username.clone(), groups: who.groups.clone() })
}

/// Holds what the API server says beside what was decided here.
pub fn compare(who: &Who, decision: &Decision, of: &Reviewee, said: &Reviewed) -> Checked {
    use ReviewAgreement::{Agrees, Differs, Inconclusive, Settles};
    let checked = |outcome, sentence: String| Checked { outcome, sentence };
    if let Some(other) = said.as_user.as_deref().filter(|it| !is_same(&who.username, it)) {
        return checked(
            Inconclusive,
            format!(
                "inconclusive: the API server takes you for {other}, who is somebody else: its answer is about them"
            ),
        );
    }
    let theirs = theirs(said);
    if said.allowed {
        return match decision.verdict {
            Verdict::Yes => checked(Agrees, format!("API server agrees: {theirs}")),
            Verdict::No => checked(Differs, format!("DIFFERS: API server says {theirs}; here nothing allows it")),
            Verdict::Unknown => checked(Settles, format!("API server says {theirs}, where it was not known here")),
        };
    }
    if !said.evaluation_error.is_empty() {
        let text = format!("inconclusive: the API server could not ask all its authorizers: {}", said.evaluation_error);
        return checked(Inconclusive, text);
    }
    let whole = *of == Reviewee::Caller;
    let by_policies_only = !decision.by.is_empty() && decision.by.iter().all(|it| it.grant.is_policy());
    let has_policies = who.policies.as_ref().is_some_and(|(_, all)| !all.is_empty());
    match decision.verdict {
        Verdict::No => checked(Agrees, format!("API server agrees: {theirs}")),
        Verdict::Yes if whole || !by_policies_only => {
            let by = decision.by.iter().find(|it| whole || !it.grant.is_policy());
            let by = by.map(|it| it.grant.to_string()).unwrap_or_default();
            checked(Differs, format!("DIFFERS: API server says {theirs}; here {by} allows it"))
        }
        Verdict::Unknown if whole || !has_policies && who.unknown.is_empty() => {
            checked(Settles, format!("API server says {theirs}, where it was not known here"))
        }
        Verdict::Yes | Verdict::Unknown => checked(
            Inconclusive,
            "inconclusive: a review by username and groups carries no access entry, so its \"no\" says nothing about \
             access policies"
                .to_owned(),
        ),
    }
}

/// A username with placeholders is anybody whom it can become.
fn is_same(ours: &str, theirs: &str) -> bool {
    ours == theirs || ours.contains("{{") && super::permissions::fits(ours, theirs)
}

fn theirs(said: &Reviewed) -> String {
    let word = match (said.allowed, said.denied) {
        (true, _) => "allowed",
        (false, true) => "denied",
        (false, false) => "not allowed",
    };
    if said.reason.is_empty() { word.to_owned() } else { format!("{word} ({})", said.reason) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::permissions::{Allowing, Grant, RoleName, Via};
    use crate::model::mapping::{AccessScope, AssociatedPolicy};
    use ReviewAgreement::{Agrees, Differs, Inconclusive, Settles};

    fn policy() -> Allowing {
        let arn = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy".to_owned();
        let grant = Grant::Policy { entry: "e".into(), index: 0, policy_arn: arn, scope: AccessScope::default() };
        Allowing { grant, rule: Some(0) }
    }

    fn binding() -> Allowing {
        let role = RoleName::ClusterRole("view".into());
        let grant = Grant::Binding { namespace: None, name: "v".into(), role, via: Via::Group("g".into()) };
        Allowing { grant, rule: Some(0) }
    }

    fn who(policies: usize, unknown: &[&str]) -> Who {
        let policies = Some(("e".to_owned(), vec![AssociatedPolicy::default(); policies]));
        Who { policies, unknown: unknown.iter().map(|&it| it.to_owned()).collect(), ..Who::named("jane", &["g"]) }
    }

    fn decided(verdict: Verdict, by: &[Allowing]) -> Decision {
        Decision { verdict, by: by.to_vec(), ..Decision::default() }
    }

    fn said(allowed: bool) -> Reviewed {
        Reviewed { allowed, ..Reviewed::default() }
    }

    #[test]
    fn what_the_api_server_says_is_held_against_our_answer_only_as_far_as_it_goes() {
        let named = || reviewee(&who(0, &[]), false).unwrap();
        let (yes, no, unknown) = (Verdict::Yes, Verdict::No, Verdict::Unknown);
        for (policies, gaps, of, verdict, by, allowed, outcome) in [
            (0, &[][..], named(), yes, &[binding()][..], true, Agrees),
            (0, &[], named(), yes, &[binding()], false, Differs),
            (1, &[], named(), yes, &[policy()], false, Inconclusive),
            (1, &[], named(), yes, &[policy()], true, Agrees),
            (1, &[], named(), yes, &[binding(), policy()], false, Differs),
            (1, &[], Reviewee::Caller, yes, &[policy()], false, Differs),
            (0, &[], named(), no, &[], false, Agrees),
            (0, &[], named(), no, &[], true, Differs),
            (1, &[], named(), no, &[], false, Agrees),
            (0, &[], named(), unknown, &[], true, Settles),
            (0, &[], named(), unknown, &[], false, Settles),
            (0, &["its access policies"], named(), unknown, &[], false, Inconclusive),
            (1, &[], named(), unknown, &[], false, Inconclusive),
            (1, &[], Reviewee::Caller, unknown, &[], false, Settles),
        ] {
            let checked = compare(&who(policies, gaps), &decided(verdict, by), &of, &said(allowed));
            assert_eq!(
                checked.outcome, outcome,
                "{policies} {gaps:?} {of:?} {verdict:?} {by:?} {allowed}: {checked:?}"
            );
        }
    }

    #[test]
    fn reasons_errors_and_other_people_are_told() {
        let told = |said: Reviewed, of: &Reviewee| compare(&who(0, &[]), &decided(Verdict::No, &[]), of, &said);
        let named = reviewee(&who(0, &[]), false).unwrap();
        let reason = Reviewed { reason: "RBAC: x".into(), ..said(true) };
        assert_eq!(told(reason, &named).sentence, "DIFFERS: API server says allowed (RBAC: x); here nothing allows it");
        let error = Reviewed { evaluation_error: "webhook down".into(), ..said(false) };
        assert!(told(error, &named).sentence.ends_with("authorizers: webhook down"));
        let other = Reviewed { as_user: Some("admin".into()), ..said(true) };
        assert!(told(other, &Reviewee::Caller).sentence.contains("takes you for admin"));
        let denied = Reviewed { denied: true, ..said(false) };
        assert_eq!(told(denied, &named).sentence, "API server agrees: denied");
    }

    #[test]
    fn who_has_no_name_cannot_be_reviewed() {
        let open = Who::named("x:{{SessionName}}", &[]);
        for (who, why) in [
            (open.clone(), "depends on the session"),
            (Who { outside: Some("no mapping".into()), ..Who::default() }, "no identity"),
            (Who::default(), "not known"),
        ] {
            assert!(reviewee(&who, false).unwrap_err().contains(why));
        }
        assert_eq!(reviewee(&open, true), Ok(Reviewee::Caller));
        let caller = Reviewed { as_user: Some("x:jane".into()), ..said(false) };
        let checked = compare(&open, &decided(Verdict::No, &[]), &Reviewee::Caller, &caller);
        assert_eq!(checked.outcome, Agrees);
    }
}

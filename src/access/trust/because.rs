//! The sentence: which statement decides, which part of it, and what would pass.
//!
//! Decides on words alone. Values come as they are written; whoever prints them makes them safe.

use super::{Clause, Decided, Document, Got, StatementRef, TrustDecision};
use crate::access::Verdict;
use crate::access::iam::request::{Bar, Caller, Lookup, Request};
use crate::access::iam::variable::{Wanted, fill, never_filled, unknown_keys};
use crate::access::iam::{JudgedStatement, StatementPart};
use crate::model::policy::operator::Order;
use crate::model::policy::{
    Actions, Base, Condition, NamedPrincipal, Operator, PrincipalForm, Principals, SetTest, Statement,
};
use crate::model::wildcard::{Sign, glob};

/// Makes the verdict of what was decided about `action`.
pub(super) fn verdict(document: &Document, request: &Request, action: &str, decided: &Decided<'_>) -> TrustDecision {
    let words = Words { document, request, action };
    let outcome = decided.outcome();
    match decided {
        Decided::Allowed(it) => TrustDecision {
            verdict: outcome,
            because: format!("{} allows {}{}", place(it.statement), words.actions(), words.caveat(it)),
            statement: Some(reference(it.statement)),
            clause: None,
            passes: None,
            action: Some(action.to_owned()),
        },
        Decided::Denied(it) => {
            let part = if it.conditions.is_empty() { StatementPart::Principal } else { StatementPart::Condition(0) };
            let why = if it.conditions.is_empty() { String::new() } else { format!(": {}", words.about(it, part)) };
            words.clause(outcome, it, part, format!("{} denies {action}{why}", place(it.statement)), None)
        }
        Decided::HeldBack(allows, may_deny) => {
            let part = may_deny.first_part(Verdict::Unknown).unwrap_or(StatementPart::Unclear);
            let because = format!(
                "{} allows {action}, but {} may deny it: {}",
                place(allows.statement),
                place(may_deny.statement),
                words.all_open(may_deny)
            );
            words.clause(outcome, may_deny, part, because, None)
        }
        Decided::Strange(allows) => TrustDecision {
            verdict: outcome,
            because: format!("{} allows {action}, but {}", place(allows.statement), document.strange.join("; ")),
            statement: Some(reference(allows.statement)),
            clause: None,
            passes: None,
            action: Some(action.to_owned()),
        },
        Decided::Unclear => TrustDecision {
            verdict: outcome,
            because: format!("the document cannot be made out: {}", document.unclear.join("; ")),
            statement: None,
            clause: None,
            passes: None,
            action: Some(action.to_owned()),
        },
        Decided::MayAllow(it) => {
            let part = it.first_part(Verdict::Unknown).unwrap_or(StatementPart::Unclear);
            let because = format!("{} may allow {action}: {}", place(it.statement), words.all_open(it));
            words.clause(outcome, it, part, because, words.passes(it, part))
        }
        Decided::NotAllowed(None) => TrustDecision {
            verdict: outcome,
            because: format!("no statement allows anything, so {action} is not allowed"),
            statement: None,
            clause: None,
            passes: None,
            action: Some(action.to_owned()),
        },
        Decided::NotAllowed(Some(it)) => {
            let part = it.first_part(Verdict::No).unwrap_or(StatementPart::Unclear);
            let near = if document.statements.len() > 1 { ", the nearest statement," } else { "" };
            let because = format!(
                "{action} is not allowed: {}{near} does not apply: {}",
                place(it.statement),
                words.about(it, part)
            );
            words.clause(outcome, it, part, because, words.passes(it, part))
        }
    }
}

fn reference(statement: &Statement) -> StatementRef {
    StatementRef { index: statement.index, sid: statement.sid.clone() }
}

/// `Statement[0] "Sid"`
fn place(statement: &Statement) -> String {
    match &statement.sid {
        Some(sid) => format!("Statement[{}] {sid:?}", statement.index),
        None => format!("Statement[{}]", statement.index),
    }
}

/// The first few, quoted: `"a", "b" or 3 more`.
fn list(values: &[String]) -> String {
    const MOST: usize = 4;
    let quoted = |it: &String| format!("\"{it}\"");
    match values {
        [] => "nothing".to_owned(),
        [one] => quoted(one),
        _ => {
            let shown: Vec<String> = values.iter().take(MOST).map(quoted).collect();
            match values.len().checked_sub(MOST).filter(|more| *more > 0) {
                Some(more) => format!("{} or {more} more", shown.join(", ")),
                None => {
                    let (last, first) =
                        shown.split_last().map_or(("", &[][..]), |(last, first)| (last.as_str(), first));
                    format!("{} or {last}", first.join(", "))
                }
            }
        }
    }
}

struct Words<'a> {
    document: &'a Document,
    request: &'a Request,
    action: &'a str,
}

impl Words<'_> {
    fn actions(&self) -> String {
        self.request.actions.join(" and ")
    }

    /// What an Allow that stands does not settle.
    fn caveat(&self, it: &JudgedStatement<'_>) -> String {
        let direct = |it: &NamedPrincipal| !matches!(it.form, PrincipalForm::Account { .. });
        match (&self.request.caller, &it.statement.principals) {
            (Caller::Iam { .. }, Principals::AnyOf(named))
                if self.request.role_account.is_none()
                    && self.request.own_policies.is_none()
                    && named.iter().any(direct) =>
            {
                "; if the role is another account's, the caller's own policies must allow it too".to_owned()
            }
            _ => String::new(),
        }
    }

    fn clause(
        &self,
        verdict: Verdict,
        it: &JudgedStatement<'_>,
        part: StatementPart,
        because: String,
        passes: Option<String>,
    ) -> TrustDecision {
        TrustDecision {
            verdict,
            because,
            statement: Some(reference(it.statement)),
            clause: self.taken_apart(it.statement, part),
            passes,
            action: Some(self.action.to_owned()),
        }
    }

    fn taken_apart(&self, statement: &Statement, part: StatementPart) -> Option<Clause> {
        let (operator, key, wanted, got) = match part {
            StatementPart::Principal | StatementPart::OwnPolicies => {
                let wanted = match &statement.principals {
                    Principals::AnyOf(named) => named.iter().map(|it| it.text.clone()).collect(),
                    Principals::Unclear(_) => Vec::new(),
                };
                let got = Got::Values(vec![self.request.caller.text().to_owned()]);
                ("Principal".to_owned(), self.caller_kind().to_owned(), wanted, got)
            }
            StatementPart::Action => {
                let (word, wanted) = match &statement.actions {
                    Actions::AnyOf(written, _) => ("Action", written.clone()),
                    Actions::AllBut(written, _) => ("NotAction", written.clone()),
                    Actions::Unclear(_) => ("Action", Vec::new()),
                };
                (word.to_owned(), word.to_owned(), wanted, Got::Values(vec![self.action.to_owned()]))
            }
            StatementPart::Condition(at) => {
                let it = statement.conditions.get(at)?;
                (it.operator_text.clone(), it.key.clone(), it.values.clone(), self.got(it))
            }
            StatementPart::Resource | StatementPart::Unclear => return None,
        };
        Some(Clause { statement: reference(statement), operator, key, wanted, got })
    }

    fn got(&self, condition: &Condition) -> Got {
        match self.request.lookup(&condition.lower_key) {
            Lookup::Present(values) => Got::Values(values.to_vec()),
            Lookup::Absent => Got::Absent,
            Lookup::Unknown => Got::Unknown,
        }
    }

    fn caller_kind(&self) -> &'static str {
        match self.request.caller {
            Caller::Iam { .. } => "AWS",
            Caller::Service(_) => "Service",
            Caller::Federated(_) => "Federated",
        }
    }

    /// Why a part holds or fails.
    fn about(&self, it: &JudgedStatement<'_>, part: StatementPart) -> String {
        let statement = it.statement;
        match part {
            StatementPart::Principal => match &statement.principals {
                Principals::Unclear(why) => why.clone(),
                Principals::AnyOf(named) if named.is_empty() => "it names no principal".to_owned(),
                Principals::AnyOf(named) => {
                    let names: Vec<String> = named.iter().map(|it| it.text.clone()).collect();
                    format!("it names {}, not {}{}", list(&names), list(&[self.caller_text()]), self.invalid(named))
                }
            },
            StatementPart::Action => match &statement.actions {
                Actions::Unclear(why) => why.clone(),
                Actions::AnyOf(written, _) => format!("it speaks of {}, not of {}", list(written), self.action),
                Actions::AllBut(written, _) => format!("it speaks of all actions but {}", list(written)),
            },
            StatementPart::OwnPolicies => match &self.request.bar {
                Bar::Surely(why) => why.clone(),
                _ => "it needs the caller's own policies to allow it too, and they do not".to_owned(),
            },
            StatementPart::Condition(at) => match statement.conditions.get(at) {
                Some(condition) => {
                    let got = match self.got(condition) {
                        Got::Values(values) => format!("the request has {}", all_of(&values)),
                        Got::Absent => "the request does not have it".to_owned(),
                        Got::Unknown => "what the request has is not known".to_owned(),
                    };
                    format!(
                        "{} {} wants {}, and {got}{}",
                        condition.operator_text,
                        condition.key,
                        self.wants(condition),
                        self.hint(condition, it.conditions.get(at) == Some(&Verdict::No))
                    )
                }
                None => String::new(),
            },
            StatementPart::Resource | StatementPart::Unclear => statement.unclear.join("; "),
        }
    }

    fn caller_text(&self) -> String {
        self.request.caller.text().to_owned()
    }

    /// What is wrong with a principal that names nobody.
    fn invalid(&self, named: &[NamedPrincipal]) -> String {
        let said = named.iter().find_map(|it| match it.form {
            PrincipalForm::Invalid(why) => Some(format!("; of {:?}: {why}", it.text)),
            PrincipalForm::UniqueId => {
                Some(format!("; {} is what is left of a role or user that was deleted, and means no other", it.text))
            }
            _ => None,
        });
        said.unwrap_or_default()
    }

    /// Why a statement is not decided: every part that is not, since telling of one would not settle it.
    fn all_open(&self, it: &JudgedStatement<'_>) -> String {
        let open: Vec<StatementPart> =
            it.parts().filter(|(_, truth)| *truth == Verdict::Unknown).map(|(part, _)| part).collect();
        let said: Vec<String> = open.into_iter().map(|part| self.open(it, part)).collect();
        said.join("; and ")
    }

    /// Why a part is not decided.
    fn open(&self, it: &JudgedStatement<'_>, part: StatementPart) -> String {
        match part {
            StatementPart::Principal => match &it.statement.principals {
                Principals::Unclear(why) => why.clone(),
                Principals::AnyOf(named) => {
                    let names: Vec<String> = named.iter().map(|it| it.text.clone()).collect();
                    let caller = self.request.caller.text();
                    format!("it names {}, and whether that means {caller} is not known", list(&names))
                }
            },
            StatementPart::OwnPolicies => match &self.request.bar {
                Bar::Perhaps(why) => why.clone(),
                _ => "it leaves it to the caller's own policies, and whether they allow it is not known".to_owned(),
            },
            StatementPart::Condition(at) => match it.statement.conditions.get(at) {
                Some(condition) => self.open_condition(condition),
                None => String::new(),
            },
            StatementPart::Action | StatementPart::Resource | StatementPart::Unclear => self.about(it, part),
        }
    }

    fn open_condition(&self, condition: &Condition) -> String {
        let Condition { operator_text, key, .. } = condition;
        if condition.operator.is_none() {
            return format!("there is no condition operator {operator_text:?} that is known");
        }
        if let Some(why) = &condition.unclear {
            return format!("{operator_text} {key} cannot be made out: {why}");
        }
        let wants = self.wants(condition);
        let variables = unknown_keys(&condition.values, self.document.variables, self.request);
        match self.got(condition) {
            Got::Unknown => format!("it depends on {key}, which is not known; {operator_text} wants {wants}"),
            _ if !variables.is_empty() => {
                let names: Vec<&str> = variables.iter().map(String::as_str).collect();
                format!(
                    "it depends on {}, which is not known; {operator_text} {key} wants {wants}",
                    names.join(" and ")
                )
            }
            Got::Absent => format!("{operator_text} {key} wants {wants}, which cannot be decided"),
            Got::Values(values) => {
                format!("{operator_text} {key} wants {wants}, which cannot be decided for {}", all_of(&values))
            }
        }
    }

    /// What a condition wants, in words.
    fn wants(&self, condition: &Condition) -> String {
        let values = list(&condition.values);
        let Some(operator) = condition.operator else { return values };
        let one = match operator.base {
            Base::StringEquals | Base::BinaryEquals | Base::Bool => values,
            Base::StringEqualsIgnoreCase => format!("{values} in any case"),
            Base::StringLike => format!("a text like {values}"),
            Base::Arn => format!("an ARN like {values}"),
            Base::Null if condition.values.iter().any(|it| it.eq_ignore_ascii_case("true")) => {
                return "the key to be absent".to_owned();
            }
            Base::Null => return "the key to be there".to_owned(),
            Base::IpAddress => format!("an address of {values}"),
            Base::Number(order) => format!("a number {}{values}", than(order, ["less than", "greater than"])),
            Base::Date(order) => format!("a time {}{values}", than(order, ["before", "after"])),
        };
        let one = if operator.negated { format!("anything but {one}") } else { one };
        match operator.set {
            Some(SetTest::ForAllValues) => format!("each value to be {one}"),
            Some(SetTest::ForAnyValue) => format!("some value to be {one}"),
            None => one,
        }
    }

    /// What would pass a part that does not.
    fn passes(&self, it: &JudgedStatement<'_>, part: StatementPart) -> Option<String> {
        match part {
            StatementPart::Principal => match &it.statement.principals {
                Principals::AnyOf(named) => {
                    let valid = |it: &&NamedPrincipal| !matches!(it.form, PrincipalForm::Invalid(_));
                    let names: Vec<String> = named.iter().filter(valid).map(|it| it.text.clone()).collect();
                    (!names.is_empty()).then(|| list(&names))
                }
                Principals::Unclear(_) => None,
            },
            StatementPart::Action => match &it.statement.actions {
                Actions::AnyOf(written, _) => Some(list(written)),
                Actions::AllBut(written, _) => Some(format!("any action but {}", list(written))),
                Actions::Unclear(_) => None,
            },
            StatementPart::OwnPolicies => Some(match self.request.bar {
                Bar::Surely(_) => "a caller whose own policies do not bar it".to_owned(),
                _ => "a caller whose own policies allow it".to_owned(),
            }),
            StatementPart::Condition(at) => it.statement.conditions.get(at).and_then(|condition| {
                if self.is_beyond_values(condition, condition.operator?) {
                    return None;
                }
                let mut filled = condition.clone();
                for value in &mut filled.values {
                    if let Wanted::Signs(signs) = fill(value, self.document.variables, self.request)
                        && value.contains("${")
                    {
                        *value = signs.into_iter().map(sign).collect();
                    }
                }
                Some(self.wants(&filled))
            }),
            StatementPart::Resource | StatementPart::Unclear => None,
        }
    }

    /// Is it the key or the operator that must be mended, since no value would pass? A token lacks the keys of other
    /// issuers, and nothing that is compared as it stands has a wildcard in it.
    fn is_beyond_values(&self, condition: &Condition, operator: Operator) -> bool {
        let lacks =
            !operator.without_key() && operator.base != Base::Null && self.request.kin(&condition.lower_key).is_some();
        let exact = matches!(operator.base, Base::StringEquals | Base::StringEqualsIgnoreCase) && !operator.negated;
        lacks || (exact && condition.values.iter().all(|it| !it.contains("${") && it.contains(['*', '?'])))
    }

    /// What usually lies behind a condition that fails.
    fn hint(&self, condition: &Condition, fails: bool) -> String {
        // Of several values taken together, one may well fit: there is no single pair to speak of.
        let plain = |it: &Operator| fails && !it.negated && it.set.is_none();
        let Some(operator) = condition.operator.filter(plain) else { return String::new() };
        if let Some(kin) = self.request.kin(&condition.lower_key) {
            return match kin.same_issuer {
                true => format!(
                    "; no token has that key: it is this issuer's with a scheme or a slash too many, and must read {}",
                    kin.claim
                ),
                false => format!("; its token's claim is {}: the condition names another issuer", kin.claim),
            };
        }
        let Lookup::Present(got) = self.request.lookup(&condition.lower_key) else { return String::new() };
        let pairs = || condition.values.iter().flat_map(|wanted| got.iter().map(move |got| (wanted, got)));
        if operator.base == Base::StringEquals && pairs().any(|(wanted, got)| glob(wanted, got)) {
            return "; StringEquals takes * as a plain character, StringLike would not".to_owned();
        }
        if pairs().any(|(wanted, got)| wanted.to_lowercase() == got.to_lowercase()) {
            return "; they differ in case only".to_owned();
        }
        if let Some(name) = condition.values.iter().flat_map(|it| never_filled(it)).next() {
            return format!("; ${{{name}}} is no context key of IAM, so that nothing fills it in");
        }
        if !self.document.variables && condition.values.iter().any(|it| it.contains("${")) {
            return "; without Version 2012-10-17, ${…} is plain text".to_owned();
        }
        String::new()
    }
}

fn sign(it: Sign) -> char {
    match it {
        Sign::Run => '*',
        Sign::One => '?',
        Sign::Char(c) => c,
    }
}

fn all_of(values: &[String]) -> String {
    let quoted: Vec<String> = values.iter().map(|it| format!("\"{it}\"")).collect();
    quoted.join(" and ")
}

fn than(order: Order, [less, greater]: [&str; 2]) -> String {
    match order {
        Order::Equal => String::new(),
        Order::Less => format!("{less} "),
        Order::LessOrEqual => format!("{less} or equal to "),
        Order::Greater => format!("{greater} "),
        Order::GreaterOrEqual => format!("{greater} or equal to "),
    }
}

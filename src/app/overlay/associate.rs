//! A Pod Identity association being made or changed, step by step: for which service account, which role, which role
//! after it.
//!
//! Decides what is offered at each step and what a typed text is taken for. Which roles would let the account in is
//! `access::workload::candidates`'; what follows is the review's.

use tui_input::Input;

use super::picker::{Choice, Picker};
use crate::access::Verdict;
use crate::app::pane::Motion;
use crate::edit::judge::Word;

/// A service account, by namespace and name.
pub type Account = (String, String);

/// A role that is offered for the accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferedRole {
    /// Its ARN.
    pub arn: String,
    /// Whether its trust policy lets the accounts in.
    pub outcome: Verdict,
}

/// The question at hand.
#[derive(Clone, Debug)]
pub enum Step {
    /// For whom.
    Account(Picker<Account>),
    /// Which role.
    Role(Picker<OfferedRole>),
    /// Which role after it, by ARN, if any.
    Target(Picker<Option<String>>),
}

/// An association being made or changed.
#[derive(Clone, Debug)]
pub struct AssociateView {
    /// For whom; several are given the same role.
    pub accounts: Vec<Account>,
    /// Was it chosen here, rather than on the row?
    asked: bool,
    /// The role, once it was chosen.
    pub role: Option<String>,
    /// The role after it that there is now.
    pub target: Option<String>,
    /// The question at hand.
    pub step: Step,
    /// What is said of what is typed.
    pub word: Word,
    everybody: Vec<Choice<Account>>,
    roles: Vec<Choice<OfferedRole>>,
}

impl AssociateView {
    /// For an account that is asked for among these.
    pub fn asking(everybody: Vec<Choice<Account>>) -> Self {
        AssociateView {
            accounts: Vec::new(),
            asked: true,
            role: None,
            target: None,
            step: Step::Account(Picker::new(everybody.clone())),
            word: Word::Fine,
            everybody,
            roles: Vec::new(),
        }
    }

    /// For these accounts, to be given one of the roles.
    pub fn of(accounts: Vec<Account>, roles: Vec<Choice<OfferedRole>>, target: Option<String>) -> Self {
        AssociateView {
            accounts,
            asked: false,
            role: None,
            target,
            step: Step::Role(Picker::new(roles.clone())),
            word: Word::Fine,
            everybody: Vec::new(),
            roles,
        }
    }

    /// Which step it is, of three.
    pub fn number(&self) -> usize {
        match self.step {
            Step::Account(_) => 1,
            Step::Role(_) => 2,
            Step::Target(_) => 3,
        }
    }

    /// What is typed.
    pub fn input(&self) -> &Input {
        match &self.step {
            Step::Account(it) => &it.input,
            Step::Role(it) => &it.input,
            Step::Target(it) => &it.input,
        }
    }

    /// What is typed, to be edited; [`AssociateView::rank`] is due afterwards.
    pub fn input_mut(&mut self) -> &mut Input {
        match &mut self.step {
            Step::Account(it) => &mut it.input,
            Step::Role(it) => &mut it.input,
            Step::Target(it) => &mut it.input,
        }
    }

    /// Ranks anew, after the text changed.
    pub fn rank(&mut self) {
        match &mut self.step {
            Step::Account(it) => it.rank(),
            Step::Role(it) => it.rank(),
            Step::Target(it) => it.rank(),
        }
    }

    /// Moves among the choices.
    pub fn go(&mut self, motion: Motion, page: usize) {
        match &mut self.step {
            Step::Account(it) => it.go(motion, page),
            Step::Role(it) => it.go(motion, page),
            Step::Target(it) => it.go(motion, page),
        }
    }

    /// The account that is typed or chosen: `NAMESPACE/NAME` in full is itself.
    pub fn whom(&self) -> Option<Account> {
        let Step::Account(picker) = &self.step else { return None };
        let typed = picker.input.value().trim();
        let written = typed.split_once('/').filter(|(namespace, name)| !namespace.is_empty() && !name.is_empty());
        let written = written.map(|(namespace, name)| (namespace.to_owned(), name.to_owned()));
        let known = |it: &Account| self.everybody.iter().any(|choice| choice.what == *it);
        match written {
            Some(it) if known(&it) => Some(it),
            other => picker.chosen().map(|it| it.what.clone()).or(other),
        }
    }

    /// The role that is typed or chosen at the step, by ARN; `None` where there is neither, or where none is to be.
    pub fn which(&self) -> Option<String> {
        let typed = Some(self.input().value().trim()).filter(|it| it.starts_with("arn:")).map(str::to_owned);
        match &self.step {
            Step::Account(_) => None,
            Step::Role(picker) => typed.or_else(|| picker.chosen().map(|it| it.what.arn.clone())),
            Step::Target(picker) => typed.or_else(|| picker.chosen().and_then(|it| it.what.clone())),
        }
    }

    /// Goes on to the role.
    pub fn to_role(&mut self, account: Account, roles: Vec<Choice<OfferedRole>>, target: Option<String>) {
        (self.accounts, self.roles, self.target) = (vec![account], roles, target);
        self.step = Step::Role(Picker::new(self.roles.clone()));
    }

    /// Goes on to the role after it. None comes first, unless there is one now.
    pub fn to_target(&mut self, role: String) {
        let none = |text: &str| Choice::noted(text, "the pods get the role itself", None);
        let mut all = vec![none("no role after it")];
        if let Some(now) = &self.target {
            all.insert(0, Choice::noted(short(now), "as it is now", Some(now.clone())));
        }
        let others = self.roles.iter().filter(|it| it.what.arn != role && Some(&it.what.arn) != self.target.as_ref());
        all.extend(others.map(|it| Choice::new(&it.text, Some(it.what.arn.clone()))));
        self.role = Some(role);
        self.step = Step::Target(Picker::new(all));
    }

    /// Goes back one step; false if there is none before.
    pub fn back(&mut self) -> bool {
        match self.step {
            Step::Target(_) => {
                self.role = None;
                self.step = Step::Role(Picker::new(self.roles.clone()));
            }
            Step::Role(_) if self.asked => {
                self.accounts.clear();
                self.step = Step::Account(Picker::new(self.everybody.clone()));
            }
            _ => return false,
        }
        true
    }

    /// For whom, in words.
    pub fn whose(&self) -> Option<String> {
        match self.accounts.as_slice() {
            [] => None,
            [(namespace, name)] => Some(format!("{namespace}/{name}")),
            several => Some(format!("{} service accounts", several.len())),
        }
    }
}

fn short(arn: &str) -> String {
    arn.splitn(6, ':').nth(5).unwrap_or(arn).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn everybody() -> Vec<Choice<Account>> {
        let all = [("blue", "api"), ("blue", "apis"), ("green", "job")];
        all.map(|(namespace, name)| Choice::noted(format!("{namespace}/{name}"), "", (namespace.into(), name.into())))
            .into()
    }

    fn whom(typed: &str) -> Option<String> {
        let mut view = AssociateView::asking(everybody());
        *view.input_mut() = Input::new(typed.to_owned());
        view.rank();
        view.whom().map(|(namespace, name)| format!("{namespace}/{name}"))
    }

    #[test]
    fn an_account_is_chosen_or_spelled_out() {
        assert_eq!(whom("job").as_deref(), Some("green/job"));
        assert_eq!(whom("blue/api").as_deref(), Some("blue/api"));
        assert_eq!(whom("new/one").as_deref(), Some("new/one"));
        assert_eq!(whom("zzz"), None);
    }

    #[test]
    fn esc_goes_back_a_step_and_what_there_is_now_is_offered_first() {
        let role = OfferedRole { arn: "arn:aws:iam::1:role/a".to_owned(), outcome: Verdict::Yes };
        let roles = vec![Choice::noted("role/a", "", role)];
        let mut view = AssociateView::asking(everybody());
        view.to_role(("blue".into(), "api".into()), roles, Some("arn:aws:iam::2:role/t".into()));
        view.to_target("arn:aws:iam::1:role/a".into());
        assert_eq!(view.which().as_deref(), Some("arn:aws:iam::2:role/t"));
        assert!(view.back() && view.role.is_none() && view.back() && view.accounts.is_empty());
        assert!(!view.back());
    }
}

//! Giving access, step by step: to whom, what, where. And the last step by itself, where a policy is to hold elsewhere.
//!
//! Decides what is offered at each step and what a typed text is taken for; that the words become a change, or are
//! refused, is `edit::wish`'s. Another thing to give is a variant of [`Give`].

use tui_input::Input;

use super::picker::{Choice, Picker};
use crate::access::catalog;
use crate::app::pane::Motion;
use crate::app::words::count;
use crate::edit::judge::Word;
use crate::edit::state::Subject;
use crate::model::mapping::{AccessScope, ScopeKind};
use crate::model::words::last_part;

/// What is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Give {
    /// A policy, by name.
    Policy(String),
    /// Groups, to be typed.
    Groups,
}

/// Where a policy is to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everywhere.
    Cluster,
    /// In these, which may be patterns.
    Namespaces(Vec<String>),
}

/// The question at hand.
#[derive(Clone, Debug)]
pub enum Step {
    /// To whom.
    Principal(Picker<String>),
    /// What.
    Give(Picker<Give>),
    /// Which groups.
    Groups(Input),
    /// Where.
    Scope(Picker<Scope>),
}

/// Access being added.
#[derive(Clone, Debug)]
pub struct AddView {
    /// The principals' ARNs, once they were chosen; what is chosen then is given to each.
    pub principals: Vec<String>,
    /// Was it chosen here, rather than on the row?
    asked: bool,
    /// The entry and the ARN of its policy that is to hold elsewhere, if that is what is done.
    pub rescoped: Option<(Subject, String)>,
    /// The policy, once it was chosen.
    pub policy: Option<String>,
    /// The question at hand.
    pub step: Step,
    /// What is said of what is typed.
    pub word: Word,
    /// The namespaces and patterns chosen so far.
    picked: Vec<String>,
    people: Vec<Choice<String>>,
    namespaces: Vec<String>,
}

/// What the usual policies give, in few words.
fn few_words(policy: &str) -> &'static str {
    match policy {
        "AmazonEKSViewPolicy" => "read most objects; no secrets",
        "AmazonEKSEditPolicy" => "read and write, exec, secrets",
        "AmazonEKSAdminPolicy" => "as Edit, and roles and bindings",
        "AmazonEKSClusterAdminPolicy" => "everything",
        "AmazonEKSAdminViewPolicy" => "read everything, secrets too",
        "AmazonEKSSecretReaderPolicy" => "read secrets",
        "AmazonEKSSecretAdminPolicy" => "read and write secrets",
        _ => "",
    }
}

/// The least comes first: what is taken without looking gives little.
fn weight(policy: &str) -> usize {
    let order = ["AmazonEKSViewPolicy", "AmazonEKSEditPolicy", "AmazonEKSAdminPolicy", "AmazonEKSAdminViewPolicy"];
    match order.iter().position(|it| *it == policy) {
        Some(at) => at,
        None if policy == "AmazonEKSClusterAdminPolicy" => usize::MAX,
        None => order.len(),
    }
}

impl AddView {
    /// For these principals; for none, one is asked for among the people.
    pub fn new(principals: Vec<String>, people: Vec<Choice<String>>, namespaces: Vec<String>) -> Self {
        let asked = principals.is_empty();
        let step = if asked { Step::Principal(Picker::new(people.clone())) } else { Step::Give(gifts()) };
        AddView {
            principals,
            asked,
            rescoped: None,
            policy: None,
            step,
            word: Word::Fine,
            picked: Vec::new(),
            people,
            namespaces,
        }
    }

    /// Where a policy of an entry is to hold, beginning with where it does.
    pub fn rescope(entry: Subject, policy_arn: String, scope: &AccessScope, namespaces: Vec<String>) -> Self {
        let mut view = AddView::new(Vec::new(), Vec::new(), namespaces);
        view.asked = false;
        view.to_last(Give::Policy(last_part(&policy_arn).to_owned()));
        view.rescoped = Some((entry, policy_arn));
        view.picked.clone_from(&scope.namespaces);
        if let Step::Scope(picker) = &mut view.step {
            // Where it holds now is seen at once.
            picker.choices.sort_by_key(|it| !view.picked.contains(&it.text));
        }
        view.mark();
        if let Step::Scope(picker) = &mut view.step
            && scope.kind == ScopeKind::Cluster
        {
            picker.at = picker.hits.len().saturating_sub(1);
        }
        view
    }

    /// Which step it is, of three.
    pub fn number(&self) -> usize {
        match self.step {
            Step::Principal(_) => 1,
            Step::Give(_) => 2,
            Step::Groups(_) | Step::Scope(_) => 3,
        }
    }

    /// What is typed.
    pub fn input(&self) -> &Input {
        match &self.step {
            Step::Principal(it) => &it.input,
            Step::Give(it) => &it.input,
            Step::Groups(it) => it,
            Step::Scope(it) => &it.input,
        }
    }

    /// What is typed, to be edited; [`AddView::rank`] is due afterwards.
    pub fn input_mut(&mut self) -> &mut Input {
        match &mut self.step {
            Step::Principal(it) => &mut it.input,
            Step::Give(it) => &mut it.input,
            Step::Groups(it) => it,
            Step::Scope(it) => &mut it.input,
        }
    }

    /// Ranks anew, after the text changed.
    pub fn rank(&mut self) {
        match &mut self.step {
            Step::Principal(it) => it.rank(),
            Step::Give(it) => {
                it.rank();
                // `view` is View, whatever else has these letters: nobody is to be given more than was asked for.
                let typed = it.input.value().trim().to_lowercase();
                let exact = it.hits.iter().position(|hit| {
                    let name = it.choices.get(hit.choice).map(|choice| choice.text.to_lowercase()).unwrap_or_default();
                    !typed.is_empty() && (name == typed || name == format!("amazoneks{typed}policy"))
                });
                if let Some(exact) = exact {
                    let hit = it.hits.remove(exact);
                    it.hits.insert(0, hit);
                }
            }
            Step::Groups(_) => {}
            Step::Scope(it) => it.rank(),
        }
    }

    /// Moves among the choices.
    pub fn go(&mut self, motion: Motion, page: usize) {
        match &mut self.step {
            Step::Principal(it) => it.go(motion, page),
            Step::Give(it) => it.go(motion, page),
            Step::Groups(_) => {}
            Step::Scope(it) => it.go(motion, page),
        }
    }

    /// The principal as it is typed or chosen: an ARN is itself.
    pub fn whom(&self) -> Option<String> {
        let Step::Principal(picker) = &self.step else { return None };
        let typed = picker.input.value().trim();
        if typed.starts_with("arn:") {
            return Some(typed.to_owned());
        }
        picker.chosen().map(|it| it.what.clone()).or_else(|| (!typed.is_empty()).then(|| typed.to_owned()))
    }

    /// Goes on to what is given.
    pub fn to_give(&mut self, principal: String) {
        self.principals = vec![principal];
        self.step = Step::Give(gifts());
    }

    /// Goes on to where, or to which groups.
    pub fn to_last(&mut self, give: Give) {
        self.step = match give {
            Give::Groups => Step::Groups(Input::default()),
            Give::Policy(name) => {
                self.policy = Some(name);
                self.picked.clear();
                let of = |it: &String| Choice::new(it, Scope::Namespaces(vec![it.clone()]));
                let mut all: Vec<_> = self.namespaces.iter().map(of).collect();
                all.push(Choice::noted("cluster", "the whole cluster", Scope::Cluster));
                Step::Scope(Picker::new(all))
            }
        };
    }

    /// Goes back one step; false if there is none before.
    pub fn back(&mut self) -> bool {
        match self.step {
            Step::Groups(_) | Step::Scope(_) if self.rescoped.is_none() => {
                self.policy = None;
                self.step = Step::Give(gifts());
            }
            Step::Give(_) if self.asked => {
                self.principals.clear();
                self.step = Step::Principal(Picker::new(self.people.clone()));
            }
            _ => return false,
        }
        true
    }

    /// Takes the choice under the cursor, or what is typed, into what is chosen, or out of it; what was typed is done with.
    /// False where a blank is a part of what is typed.
    pub fn pick(&mut self) -> bool {
        let Step::Scope(picker) = &self.step else { return false };
        let typed = picker.input.value().trim();
        if typed.ends_with(',') {
            return false;
        }
        let literal = typed.contains('*') || (picker.hits.is_empty() && !typed.is_empty());
        let names = match picker.chosen().map(|it| it.what.clone()) {
            _ if literal => vec![typed.to_owned()],
            Some(Scope::Namespaces(names)) => names,
            _ => return true,
        };
        let at = picker.at;
        for name in names {
            match self.picked.iter().position(|it| *it == name) {
                Some(place) => drop(self.picked.remove(place)),
                None => self.picked.push(name),
            }
        }
        let narrowed = !typed.is_empty();
        if let Step::Scope(picker) = &mut self.step {
            picker.input.reset();
        }
        self.mark();
        if let Step::Scope(picker) = &mut self.step
            && !narrowed
        {
            picker.at = at.min(picker.hits.len().saturating_sub(1));
        }
        true
    }

    /// Marks what is chosen among the choices; what is none of them yet, as patterns, joins them on top.
    fn mark(&mut self) {
        let Step::Scope(picker) = &mut self.step else { return };
        let is_new = |name: &&String| !picker.choices.iter().any(|it| it.text == **name);
        let new: Vec<String> = self.picked.iter().filter(is_new).cloned().collect();
        for name in new.into_iter().rev() {
            picker.choices.insert(0, Choice::new(&name, Scope::Namespaces(vec![name.clone()])));
        }
        let is_picked = |it: &Choice<Scope>| self.picked.contains(&it.text) && it.what != Scope::Cluster;
        let marked = picker.choices.iter().enumerate().filter(|(_, it)| is_picked(it));
        picker.marked = marked.map(|(at, _)| at).collect();
        picker.rank();
    }

    /// What the scope is taken for: what is marked; several names, or a pattern, as they are typed; else what is chosen.
    pub fn scope(&self) -> Option<Scope> {
        let Step::Scope(picker) = &self.step else { return None };
        match self.typed_scope(picker) {
            _ if self.picked.is_empty() || picker.input.value().trim() == "cluster" => self.typed_scope(picker),
            Some(Scope::Namespaces(more)) if !picker.input.value().trim().is_empty() => {
                let more = more.into_iter().filter(|it| !self.picked.contains(it));
                Some(Scope::Namespaces(self.picked.iter().cloned().chain(more).collect()))
            }
            _ => Some(Scope::Namespaces(self.picked.clone())),
        }
    }

    fn typed_scope(&self, picker: &Picker<Scope>) -> Option<Scope> {
        let typed: Vec<&str> = picker.input.value().split([',', ' ']).filter(|it| !it.is_empty()).collect();
        let literal = || Scope::Namespaces(typed.iter().map(|&it| it.to_owned()).collect());
        let chosen = || picker.chosen().map(|it| it.what.clone());
        match typed.as_slice() {
            [] => chosen(),
            [one] if self.namespaces.iter().any(|it| it == one) => Some(literal()),
            ["cluster"] => Some(Scope::Cluster),
            [one] if !one.contains('*') && picker.input.value().trim() == *one => chosen().or_else(|| Some(literal())),
            _ => Some(literal()),
        }
    }

    /// What the last step is taken for, in words.
    pub fn says(&self) -> Option<String> {
        match (&self.step, self.scope()) {
            (Step::Scope(_), Some(Scope::Cluster)) => Some("→ in the whole cluster".to_owned()),
            (Step::Scope(_), Some(Scope::Namespaces(all))) => {
                let known = self.namespaces.iter().filter(|it| all.iter().any(|p| catalog::namespace_matches(p, it)));
                Some(format!("→ in {}  ({} today)", all.join(", "), count(known.count(), "namespace", "namespaces")))
            }
            (Step::Groups(input), _) => Some(format!("→ groups {}", names(input.value()).join(", "))),
            _ => None,
        }
    }
}

fn gifts() -> Picker<Give> {
    let mut policies: Vec<&str> = catalog::policies()
        .filter(|it| it.assignable_to.as_deref() == Some("customer"))
        .map(|it| it.name.as_str())
        .collect();
    policies.sort_by_key(|it| weight(it));
    let mut all: Vec<_> =
        policies.into_iter().map(|it| Choice::noted(it, few_words(it), Give::Policy(it.to_owned()))).collect();
    all.push(Choice::noted("groups…", "Kubernetes groups, for bindings of RBAC", Give::Groups));
    Picker::new(all)
}

/// `a, b` as names.
pub fn names(text: &str) -> Vec<String> {
    text.split([',', ' ']).filter(|it| !it.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn at_scope(typed: &str) -> AddView {
        let namespaces = vec!["green".to_owned(), "green-api".to_owned(), "payments".to_owned()];
        let mut view = AddView::new(vec!["arn".to_owned()], Vec::new(), namespaces);
        view.to_last(Give::Policy("AmazonEKSViewPolicy".to_owned()));
        *view.input_mut() = Input::new(typed.to_owned());
        view.rank();
        view
    }

    #[rstest]
    #[case("green", &["green"])]
    #[case("pay", &["payments"])]
    #[case("green, green-*", &["green", "green-*"])]
    #[case("new-one", &["new-one"])]
    #[case("gre*", &["gre*"])]
    fn a_scope_is_what_is_chosen_unless_it_is_spelled_out(#[case] typed: &str, #[case] wanted: &[&str]) {
        let wanted = wanted.iter().map(|&it| it.to_owned()).collect();
        assert_eq!(at_scope(typed).scope(), Some(Scope::Namespaces(wanted)));
    }

    #[test]
    fn a_policy_named_in_short_is_that_one_and_none_that_gives_more() {
        for (typed, wanted) in [("view", "AmazonEKSViewPolicy"), ("admin", "AmazonEKSAdminPolicy")] {
            let mut view = AddView::new(vec!["arn".to_owned()], Vec::new(), Vec::new());
            *view.input_mut() = Input::new(typed.to_owned());
            view.rank();
            let Step::Give(picker) = &view.step else { panic!("another step") };
            assert_eq!(picker.chosen().map(|it| it.text.as_str()), Some(wanted));
        }
    }

    #[test]
    fn the_whole_cluster_is_asked_for_by_its_word() {
        assert_eq!(at_scope("cluster").scope(), Some(Scope::Cluster));
    }

    #[test]
    fn esc_goes_back_a_step_and_not_beyond_what_the_row_said() {
        let mut view = at_scope("");
        assert!(view.back());
        assert_eq!((view.number(), view.policy.is_none()), (2, true));
        assert!(!view.back());
    }

    #[test]
    fn several_namespaces_are_marked_and_patterns_join_them() {
        let all = |names: &[&str]| Some(Scope::Namespaces(names.iter().map(|&it| it.to_owned()).collect()));
        let mut view = at_scope("pay");
        assert!(view.pick());
        assert_eq!((view.input().value(), view.scope()), ("", all(&["payments"])));
        assert!(view.pick(), "the first of all");
        assert_eq!(view.scope(), all(&["payments", "green"]));
        *view.input_mut() = Input::new("team-*".to_owned());
        view.rank();
        assert_eq!(view.scope(), all(&["payments", "green", "team-*"]), "before it is marked");
        assert!(view.pick());
        let Step::Scope(picker) = &view.step else { panic!("another step") };
        assert_eq!(picker.choices[0].text, "team-*");
        assert_eq!(picker.marked.len(), 3);
        assert!(view.pick(), "it can be taken out again");
        assert_eq!(view.scope(), all(&["payments", "green"]));
        *view.input_mut() = Input::new("a,".to_owned());
        assert!(!view.pick(), "a blank after a comma is a blank");
    }

    #[test]
    fn where_a_policy_holds_now_is_where_its_scope_begins() {
        let namespaces = vec!["blue".to_owned(), "green".to_owned()];
        let now = AccessScope { kind: ScopeKind::Namespace, namespaces: vec!["blue".into(), "old-*".into()] };
        let view = AddView::rescope(Subject::Entry("x".into()), "arn:x/View".into(), &now, namespaces.clone());
        assert_eq!(view.scope(), Some(Scope::Namespaces(now.namespaces.clone())));
        let mut view =
            AddView::rescope(Subject::Entry("x".into()), "arn:x/View".into(), &AccessScope::default(), namespaces);
        assert_eq!(view.scope(), Some(Scope::Cluster));
        assert!(!view.back(), "there is no step before it");
    }
}

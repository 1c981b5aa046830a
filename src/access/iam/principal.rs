//! Whom a statement names, and whether being named is enough.
//!
//! Decides on the forms of principals alone; conditions such as `aws:PrincipalArn` are conditions.

use super::request::{Bar, Caller, Request};
use crate::access::Verdict;
use crate::model::policy::{NamedPrincipal, PrincipalForm, Principals};
use crate::model::principal::{Principal, PrincipalKind};

/// Does the statement name the caller?
pub(crate) fn named(principals: &Principals, request: &Request) -> Verdict {
    match principals {
        Principals::Unclear(_) => Verdict::Unknown,
        Principals::AnyOf(list) => Verdict::any(list.iter().map(|it| one(it, request))),
    }
}

/// Of a statement that names the caller: is that enough, or must the caller's own policies allow it too?
pub(crate) fn enough(principals: &Principals, request: &Request) -> Verdict {
    match principals {
        Principals::Unclear(_) => Verdict::Yes,
        Principals::AnyOf(list) => {
            let granted = Verdict::any(list.iter().map(|it| Verdict::all([one(it, request), need(&it.form, request)])));
            let named = Verdict::any(list.iter().map(|it| one(it, request)));
            // Where it is not certain that the caller is named at all, that is what is missing, not this.
            if named == Verdict::Yes { granted } else { Verdict::Yes }
        }
    }
}

/// What is true of the caller's own policies where they are needed. What bars it there counts before any Allow.
fn need(form: &PrincipalForm, request: &Request) -> Verdict {
    let Caller::Iam { principal, .. } = &request.caller else { return Verdict::Yes };
    let own = request.own_policies.map_or(Verdict::Unknown, Verdict::from);
    let free = match request.bar {
        Bar::None => Verdict::Yes,
        Bar::Perhaps(_) => Verdict::Unknown,
        Bar::Surely(_) => Verdict::No,
    };
    let allowed = match (form, request.role_account.as_deref()) {
        (PrincipalForm::Account { .. }, _) => own,
        (_, Some(account)) if account == principal.account => Verdict::Yes,
        (_, Some(_)) => own,
        // Of which account the role is was not told: the trust policy's own answer stands, unless the caller's policies
        // are known not to allow it, when it depends on that.
        (_, None) if request.own_policies == Some(false) => Verdict::Unknown,
        (_, None) => Verdict::Yes,
    };
    Verdict::all([free, allowed])
}

fn one(it: &NamedPrincipal, request: &Request) -> Verdict {
    let caller = &request.caller;
    match (&it.form, caller) {
        (PrincipalForm::Everyone, _) => Verdict::Yes,
        (PrincipalForm::Invalid(_), _) => Verdict::No,
        (PrincipalForm::Account { partition, account }, Caller::Iam { principal, .. }) => {
            let same = partition.as_ref().is_none_or(|it| *it == principal.partition) && *account == principal.account;
            same.into()
        }
        (PrincipalForm::Identity(named), Caller::Iam { principal, path_known, .. }) => {
            let same = same_but_path(named, principal);
            (same && (!path_known || named.path == principal.path)).into()
        }
        (PrincipalForm::Session(named, wanted), Caller::Iam { principal, session, .. }) => {
            match (same_but_path(named, principal), session) {
                (false, _) => Verdict::No,
                (true, Some(session)) => (session == wanted).into(),
                // The role is meant, and some session of it asks.
                (true, None) => Verdict::Unknown,
            }
        }
        // IAM shows an id only for a principal that is gone, and one made again under its name has another.
        (PrincipalForm::UniqueId, Caller::Iam { .. }) => (request.unique_id.as_ref() == Some(&it.text)).into(),
        (PrincipalForm::Service, Caller::Service(name)) if *name == it.text => Verdict::Yes,
        (PrincipalForm::Service, Caller::Service(name)) if same_service(name, &it.text) => Verdict::Unknown,
        (PrincipalForm::Federated, Caller::Federated(text)) => (*text == it.text).into(),
        (PrincipalForm::Unclear(_), caller) => match (it.kind.as_str(), caller) {
            ("AWS", Caller::Iam { .. }) | ("Federated", Caller::Federated(_)) => Verdict::Unknown,
            ("AWS" | "Federated" | "Service", _) => Verdict::No,
            _ => Verdict::Unknown,
        },
        _ => Verdict::No,
    }
}

/// A session's ARN leaves out its role's path, and names are unique in an account whatever the path.
fn same_but_path(named: &Principal, principal: &Principal) -> bool {
    named.partition == principal.partition
        && named.account == principal.account
        && named.kind == principal.kind
        && named.name == principal.name
        && named.kind != PrincipalKind::Root
}

/// Two names for one service: with a region's label in between, or of China's partition. Whether IAM takes one for the
/// other depends on the service.
fn same_service(a: &str, b: &str) -> bool {
    fn stem(name: &str) -> Vec<&str> {
        let name = name.strip_suffix(".cn").unwrap_or(name);
        let name = name.strip_suffix(".amazonaws.com").unwrap_or(name);
        let region = |label: &&str| label.split('-').count() >= 3 && label.ends_with(|c: char| c.is_ascii_digit());
        name.split('.').filter(|label| !region(label)).collect()
    }
    stem(a) == stem(b)
}

//! Whom a statement names, and whether being named is enough.
//!
//! Decides on the forms of principals alone; conditions such as `aws:PrincipalArn` are conditions.

use super::request::{Bar, Caller, Request};
use super::truth::{Truth, all, any};
use crate::model::policy::{NamedPrincipal, PrincipalForm, Principals};
use crate::model::principal::{Principal, PrincipalKind};

/// Does the statement name the caller?
pub(crate) fn named(principals: &Principals, request: &Request) -> Truth {
    match principals {
        Principals::Unclear(_) => Truth::Unknown,
        Principals::AnyOf(list) => any(list.iter().map(|it| one(it, request))),
    }
}

/// Of a statement that names the caller: is that enough, or must the caller's own policies allow it too?
pub(crate) fn enough(principals: &Principals, request: &Request) -> Truth {
    match principals {
        Principals::Unclear(_) => Truth::Yes,
        Principals::AnyOf(list) => {
            let granted = any(list.iter().map(|it| all([one(it, request), need(&it.form, request)])));
            let named = any(list.iter().map(|it| one(it, request)));
            // Where it is not certain that the caller is named at all, that is what is missing, not this.
            if named == Truth::Yes { granted } else { Truth::Yes }
        }
    }
}

/// What is true of the caller's own policies where they are needed. What bars it there counts before any Allow.
fn need(form: &PrincipalForm, request: &Request) -> Truth {
    let Caller::Iam { principal, .. } = &request.caller else { return Truth::Yes };
    let own = request.own_policies.map_or(Truth::Unknown, Truth::from);
    let free = match request.bar {
        Bar::None => Truth::Yes,
        Bar::Perhaps(_) => Truth::Unknown,
        Bar::Surely(_) => Truth::No,
    };
    let allowed = match (form, request.role_account.as_deref()) {
        (PrincipalForm::Account { .. }, _) => own,
        (_, Some(account)) if account == principal.account => Truth::Yes,
        (_, Some(_)) => own,
        // Of which account the role is was not told: the trust policy's own answer stands, unless the caller's policies
        // are known not to allow it, when it depends on that.
        (_, None) if request.own_policies == Some(false) => Truth::Unknown,
        (_, None) => Truth::Yes,
    };
    all([free, allowed])
}

fn one(it: &NamedPrincipal, request: &Request) -> Truth {
    let caller = &request.caller;
    match (&it.form, caller) {
        (PrincipalForm::Everyone, _) => Truth::Yes,
        (PrincipalForm::Invalid(_), _) => Truth::No,
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
                (false, _) => Truth::No,
                (true, Some(session)) => (session == wanted).into(),
                // The role is meant, and some session of it asks.
                (true, None) => Truth::Unknown,
            }
        }
        // IAM shows an id only for a principal that is gone, and one made again under its name has another.
        (PrincipalForm::UniqueId, Caller::Iam { .. }) => (request.unique_id.as_ref() == Some(&it.text)).into(),
        (PrincipalForm::Service, Caller::Service(name)) if *name == it.text => Truth::Yes,
        (PrincipalForm::Service, Caller::Service(name)) if same_service(name, &it.text) => Truth::Unknown,
        (PrincipalForm::Federated, Caller::Federated(text)) => (*text == it.text).into(),
        (PrincipalForm::Unclear(_), caller) => match (it.kind.as_str(), caller) {
            ("AWS", Caller::Iam { .. }) | ("Federated", Caller::Federated(_)) => Truth::Unknown,
            ("AWS" | "Federated" | "Service", _) => Truth::No,
            _ => Truth::Unknown,
        },
        _ => Truth::No,
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

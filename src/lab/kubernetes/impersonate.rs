//! Acting as another: the `Impersonate-*` headers.
//!
//! Decides which permissions they need and whom they make, in the API server's own order. The one who asks needs
//! `impersonate` on every part of the other, by name; access policies belong to a principal, so they are lost.

use std::collections::BTreeMap;

use http::HeaderMap;

use super::super::authz::{Attributes, Target, User, authorize};
use super::super::encoding::decode;
use super::status::Status;
use crate::access::identity::groups::{GroupSource, all_groups};
use crate::access::permissions::Permissions;
use crate::model::workload::account_of;

const AUTHENTICATION: &str = "authentication.k8s.io";
const EXTRA: &str = "impersonate-extra-";

/// The user that a request acts for: whoever asks, or the one that its headers name.
pub(super) fn acting(permissions: &Permissions, asker: User, headers: &HeaderMap) -> Result<User, Status> {
    let texts = |name: &str| -> Vec<String> {
        headers.get_all(name).iter().filter_map(|it| it.to_str().ok()).map(str::to_owned).collect()
    };
    let first = |name: &str| texts(name).into_iter().next().filter(|it| !it.is_empty());
    let (username, uid) = (first("impersonate-user"), first("impersonate-uid"));
    let groups = texts("impersonate-group");
    let extra: BTreeMap<String, Vec<String>> = headers
        .keys()
        .filter_map(|name| {
            let key = name.as_str().strip_prefix(EXTRA)?;
            Some((decode(key).unwrap_or_else(|| key.to_owned()), texts(name.as_str())))
        })
        .collect();
    let Some(username) = username else {
        return if groups.is_empty() && extra.is_empty() && uid.is_none() {
            Ok(asker)
        } else {
            Err(Status::internal("requested groups, extras or a uid without impersonating a user"))
        };
    };

    let account = account_of(&username);
    let mut needed = vec![match account {
        Some((namespace, name)) => impersonation("", "serviceaccounts", "", namespace, name),
        None => impersonation("", "users", "", "", &username),
    }];
    needed.extend(groups.iter().map(|it| impersonation("", "groups", "", "", it)));
    needed.extend(
        extra
            .iter()
            .flat_map(|(key, all)| all.iter().map(|it| impersonation(AUTHENTICATION, "userextras", key, "", it))),
    );
    needed.extend(uid.iter().map(|it| impersonation(AUTHENTICATION, "uids", "", "", it)));
    if let Some(refused) = needed.iter().find(|it| authorize(permissions, &asker, it).is_none()) {
        return Err(Status::forbidden(&asker, refused));
    }

    let groups = all_groups(&username, &groups, GroupSource::Impersonation);
    Ok(User { username, uid: uid.unwrap_or_default(), groups, extra, ..User::default() })
}

/// What acting as one part of another needs.
fn impersonation(group: &str, resource: &str, subresource: &str, namespace: &str, name: &str) -> Attributes {
    let [group, resource, subresource, namespace, name] =
        [group, resource, subresource, namespace, name].map(str::to_owned);
    Attributes {
        verb: "impersonate".to_owned(),
        target: Target::Resource { group, resource, subresource, namespace, name },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::document::read;
    use crate::model::facts::snapshot_of;
    use crate::model::snapshot::Source;
    use http::StatusCode;
    use http::header::{HeaderName, HeaderValue};

    const CLUSTER: &str = r#"
eksplorer: 1
clusters:
- cluster: {name: c}
  kubernetes:
  - {kind: ClusterRole, metadata: {name: users}, rules: [{apiGroups: [""], resources: [users], verbs: [impersonate]}]}
  - {kind: ClusterRole, metadata: {name: groups}, rules: [{apiGroups: [""], resources: [groups], resourceNames: [devs], verbs: [impersonate]}]}
  - {kind: ClusterRole, metadata: {name: parts}, rules: [{apiGroups: [authentication.k8s.io], resources: [uids, userextras/scopes], verbs: [impersonate]}]}
  - {kind: Role, metadata: {name: bot, namespace: a}, rules: [{apiGroups: [""], resources: [serviceaccounts], resourceNames: [bot], verbs: [impersonate]}]}
  - {kind: ClusterRoleBinding, metadata: {name: users}, roleRef: {kind: ClusterRole, name: users}, subjects: [{kind: User, name: ann}]}
  - {kind: ClusterRoleBinding, metadata: {name: groups}, roleRef: {kind: ClusterRole, name: groups}, subjects: [{kind: User, name: ann}]}
  - {kind: ClusterRoleBinding, metadata: {name: parts}, roleRef: {kind: ClusterRole, name: parts}, subjects: [{kind: User, name: ann}]}
  - {kind: RoleBinding, metadata: {name: bot, namespace: a}, roleRef: {kind: Role, name: bot}, subjects: [{kind: User, name: bob}]}
"#;

    fn act(who: &str, asked: &[(&str, &str)]) -> Result<User, Status> {
        let snapshot = snapshot_of(&read(CLUSTER).unwrap(), Source::Lab);
        let permissions = Permissions::of(snapshot.facts.values().next().unwrap());
        let mut headers = HeaderMap::new();
        for (name, value) in asked {
            let name: HeaderName = format!("impersonate-{name}").parse().unwrap();
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        acting(&permissions, User { username: who.into(), ..User::default() }, &headers)
    }

    #[test]
    fn a_user_is_impersonated_with_the_groups_that_are_named() {
        assert_eq!(act("ann", &[]).unwrap().username, "ann");
        assert_eq!(act("ann", &[("user", "joe")]).unwrap().groups, ["system:authenticated"]);
        assert_eq!(act("ann", &[("user", "joe"), ("group", "devs")]).unwrap().groups, ["devs", "system:authenticated"]);
        assert_eq!(act("ann", &[("user", "system:anonymous")]).unwrap().groups, ["system:unauthenticated"]);
        assert_eq!(act("ann", &[("user", "joe"), ("group", "ops")]).unwrap_err().code(), StatusCode::FORBIDDEN);
        assert_eq!(act("bob", &[("user", "joe")]).unwrap_err().code(), StatusCode::FORBIDDEN);
    }

    #[test]
    fn a_service_account_is_no_user_and_brings_its_groups() {
        let bot = "system:serviceaccount:a:bot";
        assert_eq!(
            act("bob", &[("user", bot)]).unwrap().groups,
            ["system:serviceaccounts", "system:serviceaccounts:a", "system:authenticated"]
        );
        let refused = act("ann", &[("user", bot)]).unwrap_err().body().to_string();
        assert!(refused.contains("serviceaccounts"), "{refused}");
        for other in ["system:serviceaccount:a:cat", "system:serviceaccount:b:bot", "system:serviceaccount:a:bot:x"] {
            assert_eq!(act("bob", &[("user", other)]).unwrap_err().code(), StatusCode::FORBIDDEN, "{other}");
        }
    }

    #[test]
    fn a_uid_and_extras_need_permissions_of_their_own() {
        let whole = act("ann", &[("user", "joe"), ("uid", "7"), ("extra-scopes", "view")]).unwrap();
        assert_eq!((whole.uid.as_str(), whole.extra["scopes"].as_slice()), ("7", &["view".to_owned()][..]));
        let refused = act("ann", &[("user", "joe"), ("extra-more%2fkey", "x")]).unwrap_err().body().to_string();
        assert!(refused.contains("userextras/more/key"), "{refused}");
    }

    #[test]
    fn nothing_but_a_user_is_a_mistake() {
        for part in [("group", "devs"), ("uid", "7"), ("extra-scopes", "view")] {
            let refused = act("ann", &[part]).unwrap_err();
            assert_eq!(refused.code(), StatusCode::INTERNAL_SERVER_ERROR, "{part:?}");
            assert!(refused.body().to_string().contains("without impersonating a user"), "{part:?}");
        }
    }
}

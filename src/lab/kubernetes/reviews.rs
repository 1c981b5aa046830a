//! The reviews: who am I, may I, may they.

use serde_json::{Map, Value, json};

use super::super::authz::{Attributes, Target, User, authorize, default_rules, rules_of};
use super::status::Status;
use crate::access::permissions::Permissions;

/// The reviews that are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Review {
    SelfSubject,
    SelfSubjectAccess,
    SubjectAccess,
    SelfSubjectRules,
}

impl Review {
    /// The review that is made by creating one of a resource.
    pub(super) fn of(group: &str, resource: &str) -> Option<Review> {
        match (group, resource) {
            ("authentication.k8s.io", "selfsubjectreviews") => Some(Review::SelfSubject),
            ("authorization.k8s.io", "selfsubjectaccessreviews") => Some(Review::SelfSubjectAccess),
            ("authorization.k8s.io", "subjectaccessreviews") => Some(Review::SubjectAccess),
            ("authorization.k8s.io", "selfsubjectrulesreviews") => Some(Review::SelfSubjectRules),
            _ => None,
        }
    }

    /// The review with its status filled in.
    pub(super) fn perform(self, permissions: &Permissions, user: &User, body: Value) -> Result<Value, Status> {
        let Value::Object(mut review) = body else {
            return Err(Status::bad_request("the body must be a review"));
        };
        let (kind, group) = match self {
            Review::SelfSubject => ("SelfSubjectReview", "authentication.k8s.io"),
            Review::SelfSubjectAccess => ("SelfSubjectAccessReview", "authorization.k8s.io"),
            Review::SubjectAccess => ("SubjectAccessReview", "authorization.k8s.io"),
            Review::SelfSubjectRules => ("SelfSubjectRulesReview", "authorization.k8s.io"),
        };
        let spec = review.get("spec").cloned().unwrap_or_default();
        let status = match self {
            Review::SelfSubject => {
                let User { username, uid, groups, extra, .. } = user;
                let mut info = json!({ "username": username, "uid": uid, "groups": groups, "extra": extra });
                if let Value::Object(info) = &mut info {
                    info.retain(|_, value| *value != json!("") && *value != json!({}));
                }
                json!({ "userInfo": info })
            }
            Review::SelfSubjectAccess => answer(permissions, user, &spec)?,
            Review::SubjectAccess => answer(permissions, &subject(&spec)?, &spec)?,
            Review::SelfSubjectRules => rules(permissions, user, &text(&spec, "namespace")),
        };
        let headed = Map::from_iter([
            ("kind".to_owned(), Value::from(kind)),
            ("apiVersion".to_owned(), Value::from(format!("{group}/v1"))),
            ("metadata".to_owned(), json!({})),
        ]);
        review.retain(|name, _| name == "spec");
        review.insert("status".to_owned(), status);
        Ok(Value::Object(headed.into_iter().chain(review).collect()))
    }
}

fn text(of: &Value, name: &str) -> String {
    of.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Whom a SubjectAccessReview is about. No principal stands behind a bare username: RBAC alone speaks.
fn subject(spec: &Value) -> Result<User, Status> {
    let groups = spec.get("groups").and_then(Value::as_array).into_iter().flatten();
    let groups: Vec<String> = groups.filter_map(Value::as_str).map(str::to_owned).collect();
    let username = text(spec, "user");
    if username.is_empty() && groups.is_empty() {
        return Err(Status::bad_request("at least one of user or group must be specified"));
    }
    Ok(User { username, groups, ..User::default() })
}

/// RBAC's part alone, and said to be incomplete: access policies cannot be listed by any API.
fn rules(permissions: &Permissions, user: &User, namespace: &str) -> Value {
    let defaults = default_rules(permissions, user);
    let of_user = rules_of(permissions, user, namespace).into_iter().chain(&defaults);
    let (paths, resources): (Vec<_>, Vec<_>) = of_user.partition(|rule| rule.resources.is_empty());
    let paths = paths.iter().map(|rule| json!({ "verbs": rule.verbs, "nonResourceURLs": rule.non_resource_urls }));
    json!({
        "resourceRules": resources,
        "nonResourceRules": paths.collect::<Vec<_>>(),
        "incomplete": true,
        "evaluationError": "webhook authorizer does not support user rule resolution",
    })
}

fn answer(permissions: &Permissions, user: &User, spec: &Value) -> Result<Value, Status> {
    let asked = match (spec.get("resourceAttributes"), spec.get("nonResourceAttributes")) {
        (Some(of), None) => Attributes {
            verb: text(of, "verb"),
            target: Target::Resource {
                group: text(of, "group"),
                resource: text(of, "resource"),
                subresource: text(of, "subresource"),
                namespace: text(of, "namespace"),
                name: text(of, "name"),
            },
        },
        (None, Some(of)) => Attributes { verb: text(of, "verb"), target: Target::Path(text(of, "path")) },
        _ => {
            return Err(Status::bad_request(
                "exactly one of nonResourceAttributes or resourceAttributes must be specified",
            ));
        }
    };
    Ok(match authorize(permissions, user, &asked) {
        Some(reason) if reason.is_empty() => json!({ "allowed": true }),
        Some(reason) => json!({ "allowed": true, "reason": reason }),
        None => json!({ "allowed": false }),
    })
}

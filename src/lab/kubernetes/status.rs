//! How the API server says no.

use http::StatusCode;
use serde_json::{Value, json};

use super::super::authz::{Attributes, Target, User};
use super::super::world::Withheld;
use super::resources::Kind;
use crate::model::rbac::Rule;

/// A `Status` of failure.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Status {
    code: StatusCode,
    reason: &'static str,
    message: String,
    details: Value,
    /// Nothing is said at all: the connection is dropped.
    silent: bool,
}

impl Status {
    fn new(code: StatusCode, reason: &'static str, message: impl Into<String>) -> Status {
        Status { code, reason, message: message.into(), details: json!({}), silent: false }
    }

    /// Fails as it did when the world was taken.
    pub(super) fn again(withheld: Withheld<'_>, user: &User, asked: &Attributes) -> Status {
        match withheld {
            Withheld::Refused => Status::forbidden(user, asked),
            Withheld::Unauthenticated => Status::unauthorized(),
            Withheld::Throttled => {
                let said = "the server has received too many requests and has asked us to try again later";
                Status::new(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", said)
            }
            Withheld::Unreachable => {
                let said = "the server is currently unable to handle the request";
                let status = Status::new(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", said);
                Status { silent: true, ..status }
            }
            Withheld::Failed(said) => Status::internal(said),
        }
    }

    pub(super) fn unauthorized() -> Status {
        Status::new(StatusCode::UNAUTHORIZED, "Unauthorized", "Unauthorized")
    }

    pub(super) fn bad_request(message: &str) -> Status {
        Status::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    pub(super) fn internal(message: &str) -> Status {
        Status::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", message)
    }

    /// A version that is no longer remembered.
    pub(super) fn expired(message: &str) -> Status {
        Status::new(StatusCode::GONE, "Expired", message)
    }

    /// Nothing that the client accepts is served.
    pub(super) fn not_acceptable(served: &str) -> Status {
        let said = format!("only the following media types are accepted: {served}");
        Status::new(StatusCode::NOT_ACCEPTABLE, "NotAcceptable", said)
    }

    /// The body is in a form that is not read.
    pub(super) fn unsupported_media_type(read: &str) -> Status {
        let said = format!("the body of the request was in an unknown format - accepted media types include: {read}");
        Status::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType", said)
    }

    pub(super) fn no_such_path() -> Status {
        Status::new(StatusCode::NOT_FOUND, "NotFound", "the server could not find the requested resource")
    }

    /// Of an aggregated API server.
    pub(super) fn unavailable() -> Status {
        let said = "the server is currently unable to handle the request";
        Status::new(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", said)
    }

    pub(super) fn not_found(kind: &Kind, name: &str) -> Status {
        let Kind { resource, group, .. } = kind;
        let message = format!("{} {name:?} not found", qualified(resource, group));
        let details = json!({ "name": name, "group": group, "kind": resource });
        Status { details, ..Status::new(StatusCode::NOT_FOUND, "NotFound", message) }
    }

    /// Of the kind of a path, by its names alone.
    pub(super) fn no_such_object(group: &str, resource: &str, name: &str) -> Status {
        let message = format!("{} {name:?} not found", qualified(resource, group));
        let details = json!({ "name": name, "group": group, "kind": resource });
        Status { details, ..Status::new(StatusCode::NOT_FOUND, "NotFound", message) }
    }

    pub(super) fn already_exists(kind: &Kind, name: &str) -> Status {
        let Kind { resource, group, .. } = kind;
        let message = format!("{} {name:?} already exists", qualified(resource, group));
        let details = json!({ "name": name, "group": group, "kind": resource });
        Status { details, ..Status::new(StatusCode::CONFLICT, "AlreadyExists", message) }
    }

    pub(super) fn conflict(kind: &Kind, name: &str) -> Status {
        let Kind { resource, group, .. } = kind;
        let message = format!(
            "Operation cannot be fulfilled on {} {name:?}: the object has been modified; please apply your changes to the \
             latest version and try again",
            qualified(resource, group)
        );
        let details = json!({ "name": name, "group": group, "kind": resource });
        Status { details, ..Status::new(StatusCode::CONFLICT, "Conflict", message) }
    }

    pub(super) fn invalid(kind: &Kind, name: &str, said: &str) -> Status {
        let Kind { kind, group, .. } = kind;
        let message = format!("{} {name:?} is invalid: {said}", qualified(kind, group));
        let details = json!({ "name": name, "group": group, "kind": kind });
        Status { details, ..Status::new(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", message) }
    }

    /// Our words: a world holds no objects of this kind, so none can be written.
    pub(super) fn not_held(kind: &Kind) -> Status {
        let message = format!("the lab keeps no {}, so none can be written", qualified(&kind.resource, &kind.group));
        Status::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message)
    }

    /// A role or binding that gives more than its author has.
    pub(super) fn escalation(user: &User, resource: &str, name: &str, missing: &[Rule]) -> Status {
        let texts = |all: &[String]| all.iter().map(|it| format!("{it:?}")).collect::<Vec<_>>();
        let rules = missing.iter().map(|it| {
            let all = [
                ("APIGroups", &it.api_groups),
                ("Resources", &it.resources),
                ("ResourceNames", &it.resource_names),
                ("NonResourceURLs", &it.non_resource_urls),
                ("Verbs", &it.verbs),
            ];
            let said = all.iter().filter(|(_, all)| !all.is_empty());
            let said: Vec<String> = said.map(|(name, all)| format!("{name}:[{}]", texts(all).join(" "))).collect();
            format!("{{{}}}", said.join(", "))
        });
        let group = "rbac.authorization.k8s.io";
        let message = format!(
            "{} {name:?} is forbidden: user {:?} (groups=[{}]) is attempting to grant RBAC permissions not currently held:\n{}",
            qualified(resource, group),
            user.username,
            texts(&user.groups).join(" "),
            rules.collect::<Vec<_>>().join("\n"),
        );
        let details = json!({ "name": name, "group": group, "kind": resource });
        Status { details, ..Status::new(StatusCode::FORBIDDEN, "Forbidden", message) }
    }

    pub(super) fn not_allowed() -> Status {
        let message = "the server does not allow this method on the requested resource";
        Status::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message)
    }

    pub(super) fn forbidden(user: &User, asked: &Attributes) -> Status {
        let Attributes { verb, target } = asked;
        let who = &user.username;
        let (message, details) = match target {
            Target::Path(path) => (format!("forbidden: User {who:?} cannot {verb} path {path:?}"), json!({})),
            Target::Resource { group, resource, subresource, namespace, name } => {
                let mut what = qualified(resource, group);
                if !name.is_empty() {
                    what.push_str(&format!(" {name:?}"));
                }
                let whole = if subresource.is_empty() { resource.clone() } else { format!("{resource}/{subresource}") };
                let whereabouts = match namespace.as_str() {
                    "" => "at the cluster scope".to_owned(),
                    namespace => format!("in the namespace {namespace:?}"),
                };
                let message = format!(
                    "{what} is forbidden: User {who:?} cannot {verb} resource {whole:?} in API group {group:?} {whereabouts}"
                );
                (message, json!({ "name": name, "group": group, "kind": resource }))
            }
        };
        Status { details, ..Status::new(StatusCode::FORBIDDEN, "Forbidden", message) }
    }

    pub(super) fn silent(&self) -> bool {
        self.silent
    }

    pub(super) fn code(&self) -> StatusCode {
        self.code
    }

    pub(super) fn body(&self) -> Value {
        let Status { code, reason, message, details, silent: _ } = self;
        json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            "reason": reason,
            "details": details,
            "code": code.as_u16(),
        })
    }
}

/// `pods`, `roles.rbac.authorization.k8s.io`
fn qualified(resource: &str, group: &str) -> String {
    if group.is_empty() { resource.to_owned() } else { format!("{resource}.{group}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_in_the_api_servers_words() {
        let user = User { username: "jane".into(), ..User::default() };
        let said = |verb: &str, group: &str, resource: &str, subresource: &str, namespace: &str, name: &str| {
            let [group, resource, subresource, namespace, name] =
                [group, resource, subresource, namespace, name].map(str::to_owned);
            let target = Target::Resource { group, resource, subresource, namespace, name };
            Status::forbidden(&user, &Attributes { verb: verb.into(), target }).message
        };
        assert_eq!(
            said("list", "", "pods", "", "y", ""),
            r#"pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "y""#
        );
        assert_eq!(
            said("get", "rbac.authorization.k8s.io", "clusterroles", "", "", "x"),
            r#"clusterroles.rbac.authorization.k8s.io "x" is forbidden: User "jane" cannot get resource "clusterroles" in API group "rbac.authorization.k8s.io" at the cluster scope"#
        );
        assert_eq!(
            said("create", "", "pods", "exec", "y", "p"),
            r#"pods "p" is forbidden: User "jane" cannot create resource "pods/exec" in API group "" in the namespace "y""#
        );
        let path = Attributes { verb: "get".into(), target: Target::Path("/metrics".into()) };
        assert_eq!(Status::forbidden(&user, &path).message, r#"forbidden: User "jane" cannot get path "/metrics""#);
    }
}

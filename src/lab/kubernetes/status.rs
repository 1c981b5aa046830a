//! How the API server says no.

use http::StatusCode;
use serde_json::{Value, json};

use super::super::authz::{Attributes, Target, User};
use super::super::world::Withheld;
use super::resources::Kind;

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

    pub(super) fn no_such_path() -> Status {
        Status::new(StatusCode::NOT_FOUND, "NotFound", "the server could not find the requested resource")
    }

    /// Of an aggregated API server.
    pub(super) fn unavailable() -> Status {
        let said = "the server is currently unable to handle the request";
        Status::new(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", said)
    }

    pub(super) fn not_found(kind: &Kind<'_>, name: &str) -> Status {
        let Kind { resource, group, .. } = kind;
        let message = format!("{} {name:?} not found", qualified(resource, group));
        let details = json!({ "name": name, "group": group, "kind": resource });
        Status { details, ..Status::new(StatusCode::NOT_FOUND, "NotFound", message) }
    }

    pub(super) fn not_allowed(verb: &str) -> Status {
        let message = match verb {
            "watch" => "watching is not supported by this server".to_owned(),
            _ => "the server does not allow this method on the requested resource".to_owned(),
        };
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

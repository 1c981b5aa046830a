//! From a request's path to what it asks for, as the API server reads it.

use http::Method;

use super::super::authz::{Attributes, Target};
use super::super::encoding::decode;

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) attributes: Attributes,
    /// Of the API; empty for a path that is no resource.
    pub(super) version: String,
}

impl Asked {
    /// Reads a path; `None` if its encoding is broken.
    pub(super) fn read(method: &Method, path: &str, query: &[(String, String)]) -> Option<Asked> {
        let parts: Vec<String> = path.split('/').filter(|it| !it.is_empty()).map(decode).collect::<Option<_>>()?;
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let (group, version, rest) = match parts[..] {
            ["api", version, ref rest @ ..] if !rest.is_empty() => ("", version, rest),
            ["apis", group, version, ref rest @ ..] if !rest.is_empty() => (group, version, rest),
            _ => {
                let verb = method.as_str().to_lowercase();
                let path = if path.len() > 1 { path.trim_end_matches('/') } else { path };
                let attributes = Attributes { verb, target: Target::Path(path.to_owned()) };
                return Some(Asked { attributes, version: String::new() });
            }
        };
        let (namespace, rest) = match rest {
            // A namespace is itself in the namespace of its name.
            ["namespaces", name] => (*name, rest),
            ["namespaces", name, "status" | "finalize"] => (*name, rest),
            ["namespaces", name, rest @ ..] if !rest.is_empty() => (*name, rest),
            _ => ("", rest),
        };
        let part = |n: usize| rest.get(n).copied().unwrap_or_default();
        let mut name = part(1).to_owned();
        let value = |name: &str| query.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str());
        let watches = matches!(value("watch"), Some("true" | "1" | ""));
        let verb = match *method {
            Method::GET | Method::HEAD if watches => "watch",
            Method::GET | Method::HEAD if name.is_empty() => "list",
            Method::GET | Method::HEAD => "get",
            Method::POST => "create",
            Method::PUT => "update",
            Method::PATCH => "patch",
            Method::DELETE if name.is_empty() => "deletecollection",
            Method::DELETE => "delete",
            _ => "",
        };
        // A list of one name is asked for as that name, so that a rule with resource names may allow it.
        if name.is_empty() && matches!(verb, "list" | "watch" | "deletecollection") {
            let of_name = value("fieldSelector").and_then(|it| it.strip_prefix("metadata.name="));
            name = of_name.filter(|it| !it.contains([',', '='])).unwrap_or_default().to_owned();
        }
        Some(Asked {
            attributes: Attributes {
                verb: verb.to_owned(),
                target: Target::Resource {
                    group: group.to_owned(),
                    resource: part(0).to_owned(),
                    subresource: part(2).to_owned(),
                    namespace: namespace.to_owned(),
                    name,
                },
            },
            version: version.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_as_the_api_server_reads_them() {
        let rbac = "rbac.authorization.k8s.io";
        for (method, path, expected) in [
            ("GET", "/api/v1/pods", ["list", "", "pods", "", "", ""]),
            ("GET", "/api/v1/namespaces/a/pods/p", ["get", "", "pods", "", "a", "p"]),
            ("GET", "/api/v1/namespaces/a/pods/p/log", ["get", "", "pods", "log", "a", "p"]),
            ("GET", "/api/v1/namespaces", ["list", "", "namespaces", "", "", ""]),
            ("GET", "/api/v1/namespaces/a", ["get", "", "namespaces", "", "a", "a"]),
            ("PUT", "/api/v1/namespaces/a/finalize", ["update", "", "namespaces", "finalize", "a", "a"]),
            (
                "GET",
                "/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode",
                ["get", rbac, "clusterroles", "", "", "system:node"],
            ),
            (
                "DELETE",
                "/apis/rbac.authorization.k8s.io/v1/namespaces/a/roles",
                ["deletecollection", rbac, "roles", "", "a", ""],
            ),
        ] {
            let asked = Asked::read(&method.parse().unwrap(), path, &[]).unwrap();
            let Target::Resource { group, resource, subresource, namespace, name } = &asked.attributes.target else {
                panic!("{path} is a resource")
            };
            assert_eq!([&asked.attributes.verb, group, resource, subresource, namespace, name], expected, "{path}");
            assert_eq!(asked.version, "v1");
        }
        for path in ["/", "/api", "/api/v1", "/apis/apps/v1/", "/version"] {
            let asked = Asked::read(&Method::GET, path, &[]).unwrap();
            let trimmed = if path == "/" { path } else { path.trim_end_matches('/') };
            assert_eq!(asked.attributes, Attributes { verb: "get".into(), target: Target::Path(trimmed.into()) });
        }
    }

    #[test]
    fn the_query_can_make_a_list_a_watch_or_a_list_of_one() {
        let read = |name: &str, value: &str| {
            let query = [(name.to_owned(), value.to_owned())];
            Asked::read(&Method::GET, "/api/v1/configmaps", &query).unwrap().attributes
        };
        assert_eq!(read("watch", "true").verb, "watch");
        assert_eq!(read("watch", "false").verb, "list");
        let named = |it: Attributes| matches!(it.target, Target::Resource { name, .. } if name == "aws-auth");
        assert!(named(read("fieldSelector", "metadata.name=aws-auth")));
        assert!(!named(read("fieldSelector", "metadata.name!=aws-auth")));
    }
}

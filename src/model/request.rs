//! What is asked of the API server: a verb on a resource, or on a path.
//!
//! The attributes that every Kubernetes authorizer decides by. Decides how they are told; what the words that people
//! use for resources stand for is `access::resources`'s, and who may do it is `access::permissions`'s.

use std::fmt;

/// One request, as an authorizer sees it. Two with the same attributes get the same answer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Request {
    /// `get`, `list`, `create`, …; for paths the HTTP method in lower case.
    pub verb: String,
    /// On what.
    pub target: Target,
}

/// On what something is to be done.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// A resource. Empty texts stand for none.
    Resource {
        /// The API group; empty is the core group.
        group: String,
        /// The plural: `pods`.
        resource: String,
        /// `log`, `exec`.
        subresource: String,
        /// Empty: all namespaces, or a resource that has none.
        namespace: String,
        /// Of one object; empty for requests that name none (`list`, `create`).
        name: String,
    },
    /// A path that is no resource: `/metrics`.
    Path(String),
}

impl Request {
    /// A request for a resource of the core group.
    #[cfg(test)]
    pub(crate) fn core(verb: &str, resource: &str, namespace: &str) -> Self {
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        let [resource, subresource, namespace] = [resource, subresource, namespace].map(str::to_owned);
        let target = Target::Resource { group: String::new(), resource, subresource, namespace, name: String::new() };
        Request { verb: verb.to_owned(), target }
    }

    /// The namespace; empty for none and for all.
    pub fn namespace(&self) -> &str {
        match &self.target {
            Target::Resource { namespace, .. } => namespace,
            Target::Path(_) => "",
        }
    }

    /// The same in another namespace.
    #[must_use]
    pub fn in_namespace(&self, other: &str) -> Self {
        let mut request = self.clone();
        if let Target::Resource { namespace, .. } = &mut request.target {
            other.clone_into(namespace);
        }
        request
    }

    /// As the API server forms it: what names a Namespace counts as being in it, so that rules and scopes of that
    /// namespace cover it.
    #[must_use]
    pub fn as_served(mut self) -> Self {
        if let Target::Resource { group, resource, namespace, name, .. } = &mut self.target
            && group.is_empty()
            && resource == "namespaces"
            && namespace.is_empty()
        {
            name.clone_into(namespace);
        }
        self
    }

    /// The resource as RBAC rules write it (`pods/log`); the path.
    pub fn what(&self) -> String {
        match &self.target {
            Target::Resource { resource, subresource, .. } if subresource.is_empty() => resource.clone(),
            Target::Resource { resource, subresource, .. } => format!("{resource}/{subresource}"),
            Target::Path(path) => path.clone(),
        }
    }

    /// The resource with its group, as kubectl writes it: `deployments.apps/scale`.
    pub fn qualified(&self) -> String {
        match &self.target {
            Target::Resource { group, resource, subresource, .. } => {
                let dot = if group.is_empty() { "" } else { "." };
                let slash = if subresource.is_empty() { "" } else { "/" };
                format!("{resource}{dot}{group}{slash}{subresource}")
            }
            Target::Path(path) => path.clone(),
        }
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.qualified())?;
        let Target::Resource { namespace, name, resource, .. } = &self.target else { return Ok(()) };
        if !name.is_empty() {
            write!(f, " {name}")?;
        }
        match namespace.as_str() {
            "" => Ok(()),
            own if own == name && resource == "namespaces" => Ok(()),
            namespace => write!(f, " in {namespace}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_reads_as_kubectl_would_write_it() {
        let ask = |group: &str, resource: &str, subresource: &str, namespace: &str, name: &str| {
            let [group, resource, subresource, namespace, name] =
                [group, resource, subresource, namespace, name].map(str::to_owned);
            Request { verb: "get".into(), target: Target::Resource { group, resource, subresource, namespace, name } }
        };
        assert_eq!(
            ask("apps", "deployments", "scale", "pay", "api").to_string(),
            "get deployments.apps/scale api in pay"
        );
        assert_eq!(ask("", "pods", "", "", "").to_string(), "get pods");
        let one = ask("", "namespaces", "", "", "dev").as_served();
        assert_eq!((one.namespace(), one.to_string().as_str()), ("dev", "get namespaces dev"));
        assert_eq!(ask("x.io", "namespaces", "", "", "dev").as_served().namespace(), "");
        assert_eq!(ask("", "pods", "log", "", "").in_namespace("a").what(), "pods/log");
    }
}

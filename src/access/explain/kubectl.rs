//! What a refusal of a subresource means at the command line of kubectl.
//!
//! Which requests a command makes is [`crate::access::kubectl`]'s.

use crate::model::request::{Request, Target};

/// What a refused subresource is at the command line, and what its authorization is besides.
pub(super) fn note_on(request: &Request) -> Option<String> {
    let Target::Resource { group, resource, subresource, .. } = &request.target else { return None };
    if !group.is_empty() || resource != "pods" {
        return None;
    }
    let (command, streams) = match subresource.as_str() {
        "exec" => ("kubectl exec and kubectl cp", true),
        "attach" => ("kubectl attach", true),
        "portforward" => ("kubectl port-forward", true),
        "log" => ("kubectl logs", false),
        _ => return None,
    };
    Some(match (streams, request.verb.as_str()) {
        (true, "get") => format!(
            "{command} over WebSocket ask for get pods/{subresource} before Kubernetes 1.35, and for create since; a rule for both \
             works with every version"
        ),
        (true, _) => format!(
            "{command} ask for create pods/{subresource}; over WebSocket, before Kubernetes 1.35, for get pods/{subresource} instead"
        ),
        (false, _) => format!("{command} ask for get pods/log, which get pods does not include"),
    })
}

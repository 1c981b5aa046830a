//! Pod Security Standards, namespace by namespace.
//!
//! What would break is the API server's to say: the command that asks it without changing anything stands beside the
//! one that changes. The levels are not evaluated here.

use super::{CONTEXT, Change, Control, ControlId, Ground, Standing, quoted, why};
use crate::access::findings::Severity::{Low, Medium};
use crate::model::rbac::Namespace;
use crate::model::snapshot::{DocumentRef, Evidence};

const ID: ControlId = ControlId::PodSecurity;
const LABEL: &str = "pod-security.kubernetes.io/";
/// Kubernetes' own; what runs there is meant to reach the node.
const SYSTEM: [&str; 3] = ["kube-node-lease", "kube-public", "kube-system"];

pub(super) fn controls(ground: &Ground<'_>) -> Vec<Control> {
    let section = &ground.facts.namespaces;
    let mut all: Vec<Control> = section.items().iter().map(control).collect();
    all.sort_by(|a, b| a.subject.cmp(&b.subject));
    if let Some(gap) = section.gap() {
        let because = format!("the namespaces are not all known: {}", why(Some(gap)));
        all.push(Control::new(ID, Standing::Unknown, because));
    }
    all
}

fn control(it: &Namespace) -> Control {
    let name = &it.metadata.name;
    let label = |mode: &str| it.metadata.labels.get(&format!("{LABEL}{mode}")).map(String::as_str);
    let beside = beside(&label);
    let (standing, because, to) = match label("enforce") {
        _ if SYSTEM.contains(&name.as_str()) => {
            let level = label("enforce").unwrap_or("no level");
            (Standing::Note, format!("a namespace of Kubernetes' own, with {level}: what runs there is meant to"), None)
        }
        Some("restricted") => (Standing::Good, format!("restricted{}{beside}", version(&label)), None),
        Some("baseline") => (Standing::Good, format!("baseline{}{beside}", version(&label)), Some("restricted")),
        Some("privileged") => {
            let because = format!("privileged, so that any pod may take over its node{beside}");
            (Standing::Finding(Low), because, Some("baseline"))
        }
        Some(other) => {
            let because = format!("{other:?} is none of privileged, baseline and restricted{beside}");
            (Standing::Finding(Medium), because, Some("baseline"))
        }
        None => {
            let because = format!("no level is enforced, so that any pod may take over its node{beside}");
            (Standing::Finding(Medium), because, Some("baseline"))
        }
    };
    let evidence = Evidence::new(DocumentRef::Namespace(name.clone()), "metadata.labels");
    let change = to.map(|level| {
        let set = format!("--overwrite ns {} {LABEL}enforce={level}", quoted(name));
        Change {
            look: Some(format!("kubectl label --dry-run=server {set}")),
            command: format!("kubectl label {set}"),
            danger: format!(
                "pods that run go on, but new ones that break {level} are refused, so that the next rollout may come to \
                 nothing; {CONTEXT}"
            ),
        }
    });
    Control { subject: name.clone(), change, ..Control::new(ID, standing, because).at(evidence) }
}

/// ` as of v1.29`, where it is pinned.
fn version<'a>(label: &impl Fn(&str) -> Option<&'a str>) -> String {
    match label("enforce-version") {
        None | Some("latest") => String::new(),
        Some(version) => format!(" as of {version}"),
    }
}

/// `; warns of restricted, audits restricted`
fn beside<'a>(label: &impl Fn(&str) -> Option<&'a str>) -> String {
    let said: Vec<String> = [("warn", "warns of"), ("audit", "audits")]
        .into_iter()
        .filter_map(|(mode, verb)| Some(format!("{verb} {}", label(mode)?)))
        .collect();
    if said.is_empty() { String::new() } else { format!("; {}", said.join(", ")) }
}

//! `eksplorer list`: the rows of one pane.

use serde::Serialize;
use serde_json::{Value, json};

use super::can::grant_json;
use super::json::{FORMAT, FindingJson, mapping_word, policies, source, state};
use super::{columns, glyph};
use crate::access::Mark;
use crate::access::Verdict;
use crate::access::findings::{Finding, Severity};
use crate::access::inventory::{Inventory, IrsaRow};
use crate::access::permissions::Grant;
use crate::access::service_role::{PolicyCheck, TrustCheck};
use crate::access::who::Carrier;
use crate::model::cluster::{Cluster, ClusterId};
use crate::model::document::to_json;
use crate::model::mapping::AssociatedPolicy;
use crate::model::snapshot::{Section, Snapshot, State};
use crate::model::visible::{Lookalikes, visible};

/// What can be listed of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Pane {
    Entries,
    AwsAuth,
    Irsa,
    PodIdentity,
    Roles,
    Principals,
    Groups,
    Posture,
}

/// What is not whole about the facts behind a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Caveat {
    /// `accessEntries`, `pods`, …
    pub section: &'static str,
    /// `partial`, `refused`, `failed`, `stale`, `notApplicable`, `loading`.
    pub state: &'static str,
    /// Why.
    pub because: String,
}

/// What is not whole about the facts that a pane rests on.
pub fn caveats(snapshot: &Snapshot, id: &ClusterId, pane: Pane) -> Vec<Caveat> {
    let facts = snapshot.cluster(id);
    let mut out = Vec::new();
    let cluster = caveat("cluster", &facts.cluster);
    match pane {
        Pane::Entries => out.push(caveat("accessEntries", &facts.access_entries)),
        Pane::AwsAuth => out.push(caveat("awsAuth", &facts.aws_auth)),
        Pane::Irsa => {
            out.push(caveat("serviceAccounts", &facts.service_accounts));
            out.push(caveat("pods", &facts.pods));
            out.push(caveat("podIdentityAssociations", &facts.pod_identity_associations));
            out.push(caveat("oidcProviders", &snapshot.iam.oidc_providers));
        }
        Pane::PodIdentity => {
            out.push(caveat("podIdentityAssociations", &facts.pod_identity_associations));
            out.push(caveat("serviceAccounts", &facts.service_accounts));
            out.push(caveat("pods", &facts.pods));
        }
        Pane::Roles => {
            out.push(caveat("nodegroups", &facts.nodegroups));
            out.push(caveat("fargateProfiles", &facts.fargate_profiles));
            out.push(caveat("addons", &facts.addons));
            out.push(caveat("capabilities", &facts.capabilities));
            out.push(caveat("accessEntries", &facts.access_entries));
            out.push(caveat("awsAuth", &facts.aws_auth));
            out.push(caveat("iamPolicies", &snapshot.iam.policies));
        }
        Pane::Posture => {
            out.push(caveat("updates", &facts.updates));
            out.push(caveat("awsAuth", &facts.aws_auth));
            out.push(caveat("namespaces", &facts.namespaces));
            out.push(caveat("daemonSets", &facts.daemon_sets));
            out.push(caveat("addons", &facts.addons));
            out.push(caveat("podIdentityAssociations", &facts.pod_identity_associations));
            out.push(caveat("serviceAccounts", &facts.service_accounts));
            out.push(caveat("oidcProviders", &snapshot.iam.oidc_providers));
        }
        Pane::Principals => {
            out.push(caveat("accessEntries", &facts.access_entries));
            out.push(caveat("awsAuth", &facts.aws_auth));
            out.push(caveat("serviceAccounts", &facts.service_accounts));
            out.push(caveat("podIdentityAssociations", &facts.pod_identity_associations));
            out.push(caveat("nodegroups", &facts.nodegroups));
        }
        Pane::Groups => {
            out.push(caveat("roleBindings", &facts.role_bindings));
            out.push(caveat("clusterRoleBindings", &facts.cluster_role_bindings));
            out.push(caveat("accessEntries", &facts.access_entries));
            out.push(caveat("awsAuth", &facts.aws_auth));
        }
    }
    out.push(caveat("iamRoles", &snapshot.iam.roles));
    std::iter::once(cluster).chain(out).flatten().collect()
}

/// The service account; of a role that no annotation names, whom it lets in.
fn irsa_name(it: &IrsaRow) -> String {
    match it.service_account.is_empty() {
        true => format!("({})", it.subjects.join(", ")),
        false => format!("{}/{}", it.namespace, it.service_account),
    }
}

fn caveat<T>(section: &'static str, of: &Section<T>) -> Option<Caveat> {
    let (state, because) = match of.state() {
        State::Known { .. } => return None,
        State::Waiting | State::Loading { .. } => ("loading", "it was not read to the end".to_owned()),
        State::Partial { missing, .. } => {
            let first = missing.first().map(|m| m.failure.to_string()).unwrap_or_default();
            ("partial", format!("{} of it could not be read: {first}", missing.len()))
        }
        State::Stale { failure, .. } => ("stale", failure.to_string()),
        State::Refused(failure) => ("refused", failure.advised()),
        State::Failed(failure) => ("failed", failure.advised()),
        State::NotApplicable(why) => ("notApplicable", why.clone()),
    };
    Some(Caveat { section, state, because })
}

fn policies_text(all: Option<&[AssociatedPolicy]>) -> String {
    match all {
        None => "?".to_owned(),
        Some([]) => "-".to_owned(),
        Some(all) => {
            all.iter().map(|it| format!("{}@{}", it.short_name(), it.access_scope)).collect::<Vec<_>>().join(" ")
        }
    }
}

fn or_dash(items: &[String]) -> String {
    if items.is_empty() { "-".to_owned() } else { items.join(",") }
}

fn findings_mark(findings: &[Finding]) -> &'static str {
    match findings.iter().map(|it| it.severity).min() {
        Some(Severity::High) => "‼",
        Some(_) => "!",
        None => "",
    }
}

fn first(mark: Mark, findings: &[Finding]) -> String {
    format!("{} {}", glyph(mark), findings_mark(findings)).trim_end().to_owned()
}

fn heads(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn outcome(of: Verdict) -> &'static str {
    match of {
        Verdict::Yes => "allowed",
        Verdict::No => "denied",
        Verdict::Unknown => "unknown",
    }
}

/// `3/3`; what is missing is named, and so is what is more than is needed.
fn policies_of_role(of: &PolicyCheck) -> String {
    if !of.unknown.is_empty() {
        return "?".to_owned();
    }
    let name = |arn: &str| crate::model::words::last_part(arn).to_owned();
    let needed = of.present.len() + of.missing.len() + of.open.len();
    let count = if needed > 0 { Some(format!("{}/{needed}", of.present.len())) } else { None };
    let missing = of
        .missing
        .iter()
        .map(|it| format!("{}{}", if it.perhaps_by.is_empty() { "-" } else { "?" }, name(&it.required)));
    let open = of.open.iter().map(|it| format!("?{}", name(&it.required)));
    let wider = of.wider.iter().map(|it| format!("+{}", name(&it.policy)));
    let text = count.into_iter().chain(missing).chain(open).chain(wider).collect::<Vec<_>>().join(" ");
    if text.is_empty() { "-".to_owned() } else { text }
}

/// The rows as text, with a header line; what is not whole about them goes in front.
pub fn text(inventory: &Inventory, pane: Pane, caveats: &[Caveat]) -> String {
    let mut rows = Vec::new();
    match pane {
        Pane::Entries => {
            rows.push(heads(&["", "PRINCIPAL", "TYPE", "USERNAME", "GROUPS", "POLICIES", "BECAUSE"]));
            rows.extend(inventory.entries.iter().map(|it| {
                vec![
                    first(it.mark, &it.findings),
                    it.principal_arn.clone(),
                    it.kind.clone(),
                    it.username.clone(),
                    or_dash(&it.groups),
                    policies_text(it.policies.as_deref()),
                    it.because.clone(),
                ]
            }));
        }
        Pane::AwsAuth => {
            rows.push(heads(&["", "PLACE", "ARN", "USERNAME", "GROUPS", "BECAUSE"]));
            rows.extend(inventory.aws_auth.iter().map(|it| {
                vec![
                    first(it.mark, &it.findings),
                    it.place.clone(),
                    if it.arn.is_empty() { "-".to_owned() } else { it.arn.clone() },
                    it.username.clone(),
                    or_dash(&it.groups),
                    it.because.clone(),
                ]
            }));
        }
        Pane::Irsa => {
            rows.push(heads(&["", "SERVICE ACCOUNT", "ROLE", "PODS", "BECAUSE"]));
            rows.extend(inventory.irsa.iter().map(|it| {
                vec![
                    first(it.mark, &it.findings),
                    irsa_name(it),
                    it.role_arn.clone(),
                    it.pods.map_or_else(|| "?".to_owned(), |n| n.to_string()),
                    it.because.clone(),
                ]
            }));
        }
        Pane::PodIdentity => {
            rows.push(heads(&["", "SERVICE ACCOUNT", "ROLE", "TARGET ROLE", "PODS", "BECAUSE"]));
            rows.extend(inventory.pod_identity.iter().map(|it| {
                vec![
                    first(it.mark, &it.findings),
                    if it.namespace.is_empty() {
                        it.association_id.clone()
                    } else {
                        format!("{}/{}", it.namespace, it.service_account)
                    },
                    it.role_arn.clone().unwrap_or_else(|| "?".to_owned()),
                    it.target_role_arn.clone().unwrap_or_else(|| "-".to_owned()),
                    it.pods.map_or_else(|| "?".to_owned(), |n| n.to_string()),
                    it.because.clone(),
                ]
            }));
        }
        Pane::Roles => {
            rows.push(heads(&["", "USED BY", "NAME", "ROLE", "TRUST", "POLICIES", "STATUS", "BECAUSE"]));
            rows.extend(inventory.roles.iter().map(|it| {
                vec![
                    first(it.mark, &it.findings),
                    it.used_by.kind().to_owned(),
                    if it.used_by.name().is_empty() { "-".to_owned() } else { it.used_by.name().to_owned() },
                    it.role_arn.clone(),
                    it.check.as_ref().and_then(|it| it.trust.as_ref()).map_or("-", |it| outcome(it.verdict)).to_owned(),
                    it.check.as_ref().map_or_else(|| "-".to_owned(), |it| policies_of_role(&it.policies)),
                    if it.status.is_empty() { "-".to_owned() } else { it.status.clone() },
                    it.because.clone(),
                ]
            }));
        }
        Pane::Posture => {
            let changes = super::posture::changes(&inventory.posture);
            return caveat_lines(caveats) + &columns(&super::posture::rows(&inventory.posture)) + &changes;
        }
        Pane::Principals => {
            rows.push(heads(&["", "PRINCIPAL", "MAPPING", "USERNAME", "GROUPS", "SEEN IN", "BECAUSE"]));
            rows.extend(inventory.principals.iter().map(|it| {
                let identity = it.resolution.identity.as_ref();
                vec![
                    first(it.mark(), &it.findings),
                    it.principal.arn(),
                    it.resolution.mapping.as_ref().map_or_else(|| "-".to_owned(), |m| m.source.to_string()),
                    identity.map_or_else(|| "-".to_owned(), |it| it.username.clone()),
                    identity.map_or_else(|| "-".to_owned(), |it| or_dash(&it.groups)),
                    it.seen_in.iter().map(|place| place.as_str()).collect::<Vec<_>>().join(","),
                    it.resolution.because.clone(),
                ]
            }));
        }
        Pane::Groups => {
            rows.push(heads(&["", "KIND", "NAME", "CARRIED BY", "BINDINGS", "BECAUSE"]));
            rows.extend(inventory.subjects.iter().map(|it| {
                let carriers: Vec<String> = it.carriers.iter().map(|it| it.principal.arn()).collect();
                let bindings: Vec<String> = it.bindings.iter().map(bound).collect();
                vec![
                    first(it.mark, &[]),
                    it.kind().to_owned(),
                    it.name().to_owned(),
                    or_dash(&carriers),
                    if bindings.is_empty() { "-".to_owned() } else { bindings.join("; ") },
                    it.because.clone(),
                ]
            }));
        }
    }
    warn_of_lookalikes(&mut rows);
    caveat_lines(caveats) + &columns(&rows)
}

/// Says beside a name that it looks like another one of its column. The first column has marks, the last one sentences.
fn warn_of_lookalikes(rows: &mut [Vec<String>]) {
    let names = rows.first().map_or(0, |heads| heads.len().saturating_sub(1));
    for column in 1..names {
        let before: Vec<String> = rows.iter().skip(1).filter_map(|row| row.get(column).cloned()).collect();
        let alike = Lookalikes::among(before.iter().map(String::as_str));
        for cell in rows.iter_mut().skip(1).filter_map(|row| row.get_mut(column)) {
            if let Some(warning) = alike.warning(cell) {
                cell.push_str(&format!(" ({warning})"));
            }
        }
    }
}

/// `RoleBinding blue/deployers → ClusterRole view`
fn bound(grant: &Grant) -> String {
    match grant {
        Grant::Binding { role, .. } => format!("{} → {role}", grant.object()),
        other => other.to_string(),
    }
}

/// The rows as JSON (`docs/json.md`).
pub fn json(cluster: &ClusterId, inventory: &Inventory, pane: Pane, caveats: &[Caveat]) -> Result<String, String> {
    let findings = |all: &[Finding]| -> Vec<FindingJson> { all.iter().map(FindingJson::from).collect() };
    let evidence = |it| super::json::EvidenceJson::from(it);
    let (name, rows): (&str, Vec<Value>) = match pane {
        Pane::Entries => (
            "entries",
            inventory
                .entries
                .iter()
                .map(|it| {
                    json!({"principalArn": it.principal_arn, "state": state(it.mark), "because": it.because,
                        "type": it.kind, "username": it.username, "groups": it.groups,
                        "accessPolicies": policies(it.policies.as_deref()), "createdAt": it.created_at,
                        "modifiedAt": it.modified_at, "unverified": it.unverified,
                        "findings": findings(&it.findings), "evidence": evidence(&it.evidence)})
                })
                .collect(),
        ),
        Pane::AwsAuth => (
            "awsAuth",
            inventory
                .aws_auth
                .iter()
                .map(|it| {
                    json!({"place": it.place, "arn": it.arn, "principalArn": it.principal.as_ref().map(|p| p.arn()),
                        "state": state(it.mark), "because": it.because, "username": it.username, "groups": it.groups,
                        "findings": findings(&it.findings), "evidence": evidence(&it.evidence)})
                })
                .collect(),
        ),
        Pane::Irsa => (
            "irsa",
            inventory
                .irsa
                .iter()
                .map(|it| {
                    json!({"namespace": it.namespace, "serviceAccount": it.service_account, "roleArn": it.role_arn,
                        "annotated": it.annotated, "subjects": it.subjects,
                        "state": state(it.mark), "because": it.because, "pods": it.pods,
                        "findings": findings(&it.findings), "evidence": evidence(&it.evidence)})
                })
                .collect(),
        ),
        Pane::PodIdentity => (
            "podIdentity",
            inventory
                .pod_identity
                .iter()
                .map(|it| {
                    json!({"namespace": it.namespace, "serviceAccount": it.service_account,
                        "associationId": it.association_id, "roleArn": it.role_arn,
                        "targetRoleArn": it.target_role_arn, "ownerArn": it.owner, "state": state(it.mark),
                        "because": it.because, "pods": it.pods, "findings": findings(&it.findings),
                        "evidence": evidence(&it.evidence)})
                })
                .collect(),
        ),
        Pane::Roles => (
            "roles",
            inventory
                .roles
                .iter()
                .map(|it| {
                    json!({"usedBy": it.used_by.kind(), "name": it.used_by.name(), "roleArn": it.role_arn,
                        "state": state(it.mark), "because": it.because, "status": it.status,
                        "trust": it.check.as_ref().and_then(|it| it.trust.as_ref()).map(trust_json),
                        "policies": it.check.as_ref().map(|it| policies_json(&it.policies)),
                        "sharedWith": it.shared_with.iter().map(ToString::to_string).collect::<Vec<_>>(),
                        "findings": findings(&it.findings), "evidence": evidence(&it.evidence)})
                })
                .collect(),
        ),
        Pane::Posture => ("posture", super::posture::json(&inventory.posture)),
        Pane::Principals => (
            "principals",
            inventory
                .principals
                .iter()
                .map(|it| {
                    let identity = it.resolution.identity.as_ref();
                    json!({"arn": it.principal.arn(), "kind": it.principal.kind,
                        "verdict": mapping_word(it.resolution.verdict), "because": it.resolution.because,
                        "mapping": it.resolution.mapping.as_ref().map(|m| source(&m.source)),
                        "username": identity.map(|it| &it.username), "groups": identity.map(|it| &it.groups),
                        "seenIn": it.seen_in.iter().map(|place| place.as_str()).collect::<Vec<_>>(),
                        "findings": findings(&it.findings)})
                })
                .collect(),
        ),
        Pane::Groups => (
            "groups",
            inventory
                .subjects
                .iter()
                .map(|it| {
                    let carrier = |it: &Carrier| json!({"arn": it.principal.arn(), "username": it.username});
                    json!({"kind": it.kind(), "name": it.name(), "state": state(it.mark), "because": it.because,
                        "carriers": it.carriers.iter().map(carrier).collect::<Vec<_>>(),
                        "bindings": it.bindings.iter().map(grant_json).collect::<Vec<_>>()})
                })
                .collect(),
        ),
    };
    let report = json!({"eksplorer": FORMAT, "cluster": cluster.name, "region": cluster.region,
        "incomplete": caveats, name: rows});
    to_json(&report).map(|text| text + "\n")
}

fn severity(of: Severity) -> &'static str {
    match of {
        Severity::High => "high",
        Severity::Medium => "medium",
        Severity::Low => "low",
    }
}

fn trust_json(of: &TrustCheck) -> Value {
    json!({"who": of.who, "verdict": outcome(of.verdict), "because": of.because})
}

fn policies_json(of: &PolicyCheck) -> Value {
    let present = of.present.iter().map(|it| json!({"required": it.required, "by": it.by}));
    let missing = of
        .missing
        .iter()
        .map(|it| json!({"required": it.required, "lacks": it.lacks, "perhapsBy": it.perhaps_by, "taken": it.taken}));
    let open = of.open.iter().map(|it| json!({"required": it.required, "because": it.because}));
    let wider =
        of.wider.iter().map(|it| json!({"policy": it.policy, "severity": severity(it.severity), "gives": it.gives}));
    json!({"present": present.collect::<Vec<_>>(), "missing": missing.collect::<Vec<_>>(),
        "open": open.collect::<Vec<_>>(), "wider": wider.collect::<Vec<_>>(),
        "unknown": Some(&of.unknown).filter(|it| !it.is_empty()),
        "unverified": Some(&of.unverified).filter(|it| !it.is_empty())})
}

/// The clusters, as text.
pub fn clusters_text(snapshot: &Snapshot) -> String {
    let mut rows = vec![heads(&["REGION", "NAME", "MODE", "VERSION", "STATUS"])];
    rows.extend(snapshot.clusters.items().iter().map(|id| {
        let facts = snapshot.cluster(id);
        let cluster = facts.cluster.value();
        let or_unknown = |text: Option<String>| text.unwrap_or_else(|| "?".to_owned());
        vec![
            id.region.clone(),
            id.name.clone(),
            or_unknown(cluster.map(Cluster::mode_text)),
            or_unknown(cluster.and_then(|it| it.version.clone())),
            or_unknown(cluster.and_then(|it| it.status.clone())),
        ]
    }));
    let caveat = caveat("clusters", &snapshot.clusters);
    caveat_lines(caveat.as_slice()) + &columns(&rows)
}

fn caveat_lines(caveats: &[Caveat]) -> String {
    caveats.iter().map(|it| format!("# {} {}: {}\n", it.section, it.state, visible(&it.because))).collect()
}

/// The clusters, as JSON (`docs/json.md`).
pub fn clusters_json(snapshot: &Snapshot) -> Result<String, String> {
    let rows: Vec<Value> = snapshot
        .clusters
        .items()
        .iter()
        .map(|id| {
            let facts = snapshot.cluster(id);
            let cluster = facts.cluster.value();
            let mut row = json!({"region": id.region, "name": id.name,
                "authenticationMode": cluster.map(|it| it.authentication_mode()),
                "version": cluster.and_then(|it| it.version.as_ref()),
                "status": cluster.and_then(|it| it.status.as_ref())});
            if let (Value::Object(row), true) = (&mut row, cluster.is_some_and(Cluster::mode_is_inferred)) {
                row.insert("authenticationModeInferred".to_owned(), Value::Bool(true));
            }
            row
        })
        .collect();
    let incomplete: Vec<Caveat> = caveat("clusters", &snapshot.clusters).into_iter().collect();
    to_json(&json!({"eksplorer": FORMAT, "incomplete": incomplete, "clusters": rows})).map(|text| text + "\n")
}

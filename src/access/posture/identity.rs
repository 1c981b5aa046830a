//! Controls of how identities come about: the authentication mode and what stands between it and the next, the creator,
//! mapAccounts, the OIDC provider, the Pod Identity agent.

use super::{CONTEXT, Control, Ground, Standing, aws_eks, quoted, why};
use crate::access::Mark;
use crate::access::findings::Severity::{High, Low, Medium};
use crate::access::workload::place::{AGENT, daemon_set};
use crate::model::aws_auth::AwsAuthKey;
use crate::model::cluster::{AuthenticationMode, Cluster};
use crate::model::principal::Arn;
use crate::model::snapshot::{DocumentRef, Evidence, Lookup};

/// What IRSA's tokens are for, unless an annotation says otherwise.
const AUDIENCE: &str = "sts.amazonaws.com";

pub(super) fn controls(ground: &Ground<'_>) -> Vec<Control> {
    vec![mode(ground), creator(ground), map_accounts(ground), oidc_provider(ground), agent(ground)]
}

fn at_mode() -> Evidence {
    Evidence::new(DocumentRef::Cluster, "accessConfig.authenticationMode")
}

fn go_to(cluster: &Cluster, mode: AuthenticationMode) -> String {
    format!("{} --access-config authenticationMode={mode}", aws_eks("update-cluster-config", cluster, "--name"))
}

/// What came of the last change of mode, where it failed or goes on.
fn attempt(ground: &Ground<'_>) -> String {
    let Some(last) = ground.last_update("AccessConfigUpdate") else { return String::new() };
    let to = last.params.iter().find(|it| it.kind == "AuthenticationMode");
    let to = to.map(|it| format!(" to {}", it.value)).unwrap_or_default();
    match last.status.as_deref() {
        Some("InProgress") => format!("; a change{to} is under way"),
        Some("Failed") => format!("; the last change{to} failed"),
        _ => String::new(),
    }
}

fn mode(ground: &Ground<'_>) -> Control {
    let control = |standing, because: String| {
        Control::new("authentication-mode", "Authentication mode", standing, because).at(at_mode())
    };
    let cluster = match ground.cluster() {
        Ok(cluster) => cluster,
        Err(because) => return control(Standing::Unknown, because),
    };
    let mode = cluster.authentication_mode();
    let attempt = attempt(ground);
    match mode {
        AuthenticationMode::Api => control(Standing::Good, format!("API: access entries alone decide{attempt}")),
        AuthenticationMode::Unknown => {
            control(Standing::Unknown, "the cluster reports a mode that is not known".to_owned())
        }
        AuthenticationMode::ConfigMap => {
            let because = format!(
                "CONFIG_MAP: who gets in stands in one ConfigMap, where a slip of the pen locks everybody out; the next step, \
                 API_AND_CONFIG_MAP, takes no row away{attempt}"
            );
            let danger = "one way: no mode can be gone back to; the creator's hidden admin becomes an access entry that can be \
                          seen and deleted";
            control(Standing::Finding(Medium), because)
                .change(go_to(cluster, AuthenticationMode::ApiAndConfigMap), danger)
        }
        AuthenticationMode::ApiAndConfigMap => both(ground, cluster, &attempt),
    }
}

/// What stands between API_AND_CONFIG_MAP and API: the rows that let somebody in whom no entry does.
fn both(ground: &Ground<'_>, cluster: &Cluster, attempt: &str) -> Control {
    let control = |standing, because: String| {
        Control::new("authentication-mode", "Authentication mode", standing, because).at(at_mode())
    };
    let command = go_to(cluster, AuthenticationMode::Api);
    let one_way = "one way: no mode can be gone back to";
    if let Some(gap) = ground.facts.aws_auth.gap() {
        let because = format!("API_AND_CONFIG_MAP; which rows of aws-auth would stop is not known: {gap}{attempt}");
        return control(Standing::Unknown, because);
    }
    let of = |mark: Mark| ground.aws_auth.iter().filter(move |it| it.mark == mark);
    let deciding: Vec<_> = of(Mark::InForce).collect();
    let nodes = deciding.iter().filter(|it| it.username.starts_with("system:node:")).count();
    let open = of(Mark::Unknown).chain(of(Mark::Loading)).count();
    if deciding.is_empty() && open == 0 {
        let because =
            format!("API_AND_CONFIG_MAP, and no row of aws-auth lets anybody in: nothing keeps it from API{attempt}");
        return control(Standing::Note, because).change(command, format!("{one_way}; nobody loses access"));
    }
    let count = |n: usize, one: &str, many: &str| if n == 1 { format!("{n} {one}") } else { format!("{n} {many}") };
    let rows = count(deciding.len(), "row of aws-auth lets", "rows of aws-auth let");
    let of_nodes = if nodes > 0 { format!(" ({nodes} of them nodes)") } else { String::new() };
    let perhaps = if open > 0 { format!(", and of {open} more it is not known") } else { String::new() };
    let because = format!(
        "API_AND_CONFIG_MAP: {rows} somebody in whom no access entry does{of_nodes}{perhaps}; each would be locked out by \
         API{attempt}"
    );
    let places: Vec<&str> = deciding.iter().map(|it| it.place.as_str()).collect();
    let node_rows = if nodes > 0 { ", and nodes that need their row cannot join" } else { "" };
    let danger = format!("{one_way}; locks out whoever gets in by {}{node_rows}", shortened(&places));
    let mut found = control(Standing::Finding(Low), because).change(command, danger);
    found.evidence.extend(deciding.first().map(|it| it.evidence.clone()));
    found
}

/// The first few of many.
fn shortened(all: &[&str]) -> String {
    match all {
        [] => "aws-auth".to_owned(),
        [first, second, third, _, _, ..] => format!("{first}, {second}, {third} and {} more rows", all.len() - 3),
        few => few.join(", "),
    }
}

fn creator(ground: &Ground<'_>) -> Control {
    let control = |standing, because: String| Control::new("hidden-creator", "Creator's admin", standing, because);
    let cluster = match ground.cluster() {
        Ok(cluster) => cluster,
        Err(because) => return control(Standing::Unknown, because),
    };
    let found = match cluster.authentication_mode() {
        AuthenticationMode::Unknown => {
            return control(Standing::Unknown, "the cluster reports a mode that is not known".to_owned()).at(at_mode());
        }
        AuthenticationMode::ConfigMap => {
            let because = "whoever made the cluster is in system:masters for good, stands in no list, and no API tells who it \
                           is; CloudTrail's CreateCluster may";
            let danger = "one way: no mode can be gone back to; the creator's admin becomes an access entry that can be seen \
                          and deleted";
            control(Standing::Finding(Medium), because.to_owned())
                .change(go_to(cluster, AuthenticationMode::ApiAndConfigMap), danger)
        }
        AuthenticationMode::Api | AuthenticationMode::ApiAndConfigMap => control(
            Standing::Good,
            "none is hidden: the creator's admin, if there is one, is an access entry".to_owned(),
        ),
    };
    found.at(Evidence::new(DocumentRef::Cluster, "accessConfig"))
}

fn map_accounts(ground: &Ground<'_>) -> Control {
    let control = |standing, because: String| {
        Control::new("map-accounts", "mapAccounts", standing, because)
            .at(Evidence::new(DocumentRef::AwsAuth, "data.mapAccounts"))
    };
    let reads = ground.cluster().map(|it| it.authentication_mode().reads_aws_auth());
    if reads == Ok(false) {
        return control(Standing::Good, "none: mode API does not read aws-auth".to_owned());
    }
    if let Some(gap) = ground.facts.aws_auth.gap() {
        return control(Standing::Unknown, format!("aws-auth is not known: {gap}"));
    }
    let prefix = format!("{}[", AwsAuthKey::MapAccounts);
    let accounts: Vec<&str> =
        ground.aws_auth.iter().filter(|it| it.place.starts_with(&prefix)).map(|it| it.arn.as_str()).collect();
    if accounts.is_empty() {
        return control(Standing::Good, "none: no account is let in as a whole".to_owned());
    }
    let because = format!(
        "every principal of {} authenticates, under its own ARN: whoever runs such an account decides who gets in",
        accounts.join(", ")
    );
    let command = "kubectl -n kube-system patch configmap aws-auth --type=json -p \
                   '[{\"op\":\"remove\",\"path\":\"/data/mapAccounts\"}]'";
    let danger =
        format!("whoever gets in by its account alone is locked out at once, and aws-auth has no undo; {CONTEXT}");
    control(Standing::Finding(High), because).change(command.to_owned(), danger)
}

fn oidc_provider(ground: &Ground<'_>) -> Control {
    let control = |standing, because: String| Control::new("oidc-provider", "OIDC provider", standing, because);
    let cluster = match ground.cluster() {
        Ok(cluster) => cluster,
        Err(because) => return control(Standing::Unknown, because),
    };
    let issuer_at = Evidence::new(DocumentRef::Cluster, "identity.oidc.issuer");
    let (Some(issuer), Some(arn)) = (cluster.issuer(), cluster.arn.as_deref().and_then(|it| it.parse::<Arn>().ok()))
    else {
        return control(Standing::Unknown, "the cluster's description names no issuer".to_owned()).at(issuer_at);
    };
    let host = issuer.trim_start_matches("https://");
    let provider = format!("arn:{}:iam::{}:oidc-provider/{host}", arn.partition, arn.account);
    if ground.iam.account.as_ref().is_some_and(|own| *own != arn.account) {
        let because = format!("the cluster's account {} cannot be read from here", arn.account);
        return control(Standing::Unknown, because).at(issuer_at);
    }
    let provider_at = |path: &str| Evidence::new(DocumentRef::OidcProvider(provider.clone()), path);
    match ground.iam.oidc_providers.lookup(|it| it.arn == provider, |it| it == provider) {
        Lookup::Unknown(gap) => {
            control(Standing::Unknown, format!("the OIDC providers are not known: {gap}")).at(issuer_at)
        }
        Lookup::Found(found) if !found.client_id_list.iter().any(|it| it == AUDIENCE) => {
            let because = format!(
                "the account trusts the cluster's issuer, but not for the audience {AUDIENCE}: IRSA works for no service \
                 account that does not ask for another"
            );
            let command = format!(
                "aws iam add-client-id-to-open-id-connect-provider --open-id-connect-provider-arn {} --client-id {AUDIENCE}",
                quoted(&provider)
            );
            let danger = "breaks nothing; service accounts of the cluster can then assume the roles that name them";
            control(Standing::Finding(Medium), because).at(provider_at("ClientIDList")).change(command, danger)
        }
        Lookup::Found(_) => {
            control(Standing::Good, "the account trusts the cluster's issuer".to_owned()).at(provider_at(""))
        }
        Lookup::Absent => {
            let annotated = ground.facts.service_accounts.items().iter().filter(|it| it.role_arn().is_some()).count();
            let (standing, because) = match (annotated, ground.facts.service_accounts.gap()) {
                (0, None) => {
                    (Standing::Note, "there is none, and no service account asks for a role by IRSA".to_owned())
                }
                (0, Some(_)) => {
                    let because = "there is none; whether a service account asks for a role by IRSA is not known";
                    (Standing::Note, because.to_owned())
                }
                (1, _) => (
                    Standing::Finding(Medium),
                    "there is none: the 1 service account with IRSA gets no role".to_owned(),
                ),
                (n, _) => (
                    Standing::Finding(Medium),
                    format!("there is none: the {n} service accounts with IRSA get no role"),
                ),
            };
            let command =
                format!("aws iam create-open-id-connect-provider --url {} --client-id-list {AUDIENCE}", quoted(issuer));
            let danger = "breaks nothing; whoever can run pods in the cluster can then assume the roles that name their service \
                          accounts";
            control(standing, because).at(issuer_at).change(command, danger)
        }
    }
}

fn agent(ground: &Ground<'_>) -> Control {
    let control =
        |standing, because: String| Control::new("pod-identity-agent", "Pod Identity agent", standing, because);
    let facts = ground.facts;
    let daemon_set = daemon_set(facts);
    if let Lookup::Found(found) = &daemon_set {
        let at = Evidence::new(DocumentRef::DaemonSet(AGENT.to_owned()), "status");
        return match &found.status {
            Some(it) if it.number_ready < it.desired_number_scheduled => {
                let because = format!(
                    "ready on {} of {} nodes: pods on the others get no credentials by Pod Identity",
                    it.number_ready, it.desired_number_scheduled
                );
                let look = "kubectl -n kube-system describe daemonset eks-pod-identity-agent".to_owned();
                control(Standing::Finding(Medium), because).at(at).change(look, "changes nothing; says what keeps it")
            }
            Some(it) => {
                control(Standing::Good, format!("ready on all {} nodes that it runs on", it.number_ready)).at(at)
            }
            None => control(Standing::Good, "it is there; on how many nodes was not recorded".to_owned()).at(at),
        };
    }
    let config = facts.cluster.value().and_then(|it| it.compute_config.as_ref());
    if config.is_some_and(|it| it.enabled == Some(true) && !it.node_pools.is_empty()) {
        let at = Evidence::new(DocumentRef::Cluster, "computeConfig");
        return control(Standing::Good, "Auto Mode's nodes bring it with them".to_owned()).at(at);
    }
    if let Lookup::Found(addon) = facts.addons.lookup(|it| it.addon_name == AGENT, |it| it == AGENT) {
        let at = Evidence::new(DocumentRef::Addon(AGENT.to_owned()), "status");
        let status = addon.status.as_deref().unwrap_or("of unknown status");
        return match daemon_set {
            Lookup::Absent => {
                let because = format!(
                    "the add-on is {status}, but its DaemonSet is not there: Pod Identity brings no credentials"
                );
                control(Standing::Finding(Medium), because).at(at)
            }
            _ => control(
                Standing::Unknown,
                format!("the add-on is {status}; whether it runs is not known: {}", why(facts.daemon_sets.gap())),
            )
            .at(at),
        };
    }
    match daemon_set {
        Lookup::Unknown(gap) => control(Standing::Unknown, format!("whether it runs is not known: {gap}")),
        _ => {
            let associations = &facts.pod_identity_associations;
            let at = Evidence::new(DocumentRef::Cluster, "");
            let (standing, because) = match (associations.items().len(), associations.gap()) {
                (0, None) => (Standing::Note, "it does not run, and there is no Pod Identity association".to_owned()),
                (0, Some(gap)) => {
                    (Standing::Unknown, format!("it does not run; whether there are associations: {gap}"))
                }
                (n, _) => {
                    let because = format!(
                        "it does not run, and there are {n} Pod Identity associations: their pods get no credentials"
                    );
                    (Standing::Finding(High), because)
                }
            };
            let found = control(standing, because).at(at);
            let danger = "runs a pod on every node, with the host's network; the nodes' role must allow \
                          eks-auth:AssumeRoleForPodIdentity";
            match facts.cluster.value() {
                Some(cluster) => {
                    let command =
                        format!("{} --addon-name {AGENT}", aws_eks("create-addon", cluster, "--cluster-name"));
                    found.change(command, danger)
                }
                None => found,
            }
        }
    }
}

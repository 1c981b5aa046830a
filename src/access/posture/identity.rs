//! Controls of how identities come about: the authentication mode and what stands between it and the next, the creator,
//! mapAccounts, the OIDC provider, the Pod Identity agent.

use super::writers::aws_auth_writers;
use super::{CONTEXT, Control, ControlId, Ground, Standing, aws_eks, quoted, why};
use crate::access::Mark;
use crate::access::findings::Severity::{High, Low, Medium};
use crate::access::node_roles::{entry_commands, unmapped_node_roles};
use crate::access::workload::agent::AGENT;
use crate::access::workload::place::Presence;
use crate::model::aws_auth::AwsAuthKey;
use crate::model::cluster::{AuthenticationMode, Cluster, HiddenCreator};
use crate::model::principal::Arn;
use crate::model::snapshot::{DocumentRef, Evidence, Lookup};
use crate::model::validation::entry::EntryType;
use crate::model::words::last_part;
use crate::model::workload::{DEFAULT_AUDIENCE, SYSTEM, oidc_provider_arn};

pub(super) fn controls(ground: &Ground<'_>) -> Vec<Control> {
    let mappings = [mode(ground), creator(ground), map_accounts(ground), aws_auth_writers(ground)];
    let always = mappings.into_iter().chain([oidc_provider(ground), agent(ground)]);
    always.into_iter().chain(auto_mode_nodes(ground)).collect()
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

const NO_MODE: &str = "the cluster reports no mode, and its access entries do not show that it is CONFIG_MAP";

fn mode(ground: &Ground<'_>) -> Control {
    let control =
        |standing, because: String| Control::new(ControlId::AuthenticationMode, standing, because).at(at_mode());
    let cluster = match ground.cluster() {
        Ok(cluster) => cluster,
        Err(because) => return control(Standing::Unknown, because),
    };
    let attempt = attempt(ground);
    if ground.facts.mode_is_unreported() {
        return control(Standing::Unknown, NO_MODE.to_owned());
    }
    match cluster.authentication_mode() {
        AuthenticationMode::Api => control(Standing::Good, format!("API: access entries alone decide{attempt}")),
        AuthenticationMode::Unknown => {
            control(Standing::Unknown, "the cluster reports a mode that is not known".to_owned())
        }
        AuthenticationMode::ConfigMap => {
            let mode = cluster.mode_text();
            let because = format!(
                "{mode}: who gets in stands in one ConfigMap, where a slip of the pen locks everybody out; the next step, \
                 API_AND_CONFIG_MAP, takes no row away{attempt}"
            );
            let danger = match ground.facts.hidden_creator() {
                HiddenCreator::Absent => "one way: no mode can be gone back to",
                _ => {
                    "one way: no mode can be gone back to; the creator's hidden admin becomes an access entry that can be \
                     seen and deleted"
                }
            };
            control(Standing::Finding(Medium), because)
                .change(go_to(cluster, AuthenticationMode::ApiAndConfigMap), danger)
        }
        AuthenticationMode::ApiAndConfigMap => both(ground, cluster, &attempt),
    }
}

/// What stands between API_AND_CONFIG_MAP and API: the rows that let somebody in whom no entry does.
fn both(ground: &Ground<'_>, cluster: &Cluster, attempt: &str) -> Control {
    let control =
        |standing, because: String| Control::new(ControlId::AuthenticationMode, standing, because).at(at_mode());
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
    let danger = format!("{one_way}; locks out whoever gets in by {}{node_rows}", shortened(&places, "rows"));
    let mut found = control(Standing::Finding(Low), because).change(command, danger);
    found.evidence.extend(deciding.first().map(|it| it.evidence.clone()));
    found
}

/// The first few of many.
fn shortened(all: &[&str], what: &str) -> String {
    match all {
        [] => "aws-auth".to_owned(),
        [first, second, third, _, _, ..] => format!("{first}, {second}, {third} and {} more {what}", all.len() - 3),
        few => few.join(", "),
    }
}

fn creator(ground: &Ground<'_>) -> Control {
    let control = |standing, because: String| Control::new(ControlId::HiddenCreator, standing, because);
    let cluster = match ground.cluster() {
        Ok(cluster) => cluster,
        Err(because) => return control(Standing::Unknown, because),
    };
    let found = match ground.facts.hidden_creator() {
        HiddenCreator::Unknown if ground.facts.mode_is_unreported() => {
            return control(Standing::Unknown, NO_MODE.to_owned()).at(at_mode());
        }
        HiddenCreator::Unknown => {
            return control(Standing::Unknown, "the cluster reports a mode that is not known".to_owned()).at(at_mode());
        }
        HiddenCreator::Present => {
            let inferred =
                if cluster.mode_is_inferred() { " (the mode, which is not reported, is inferred)" } else { "" };
            let because = format!(
                "whoever made the cluster is in system:masters for good, stands in no list, and no API tells who it is; \
                 CloudTrail's CreateCluster may{inferred}"
            );
            let danger = "one way: no mode can be gone back to; the creator's admin becomes an access entry that can be seen \
                          and deleted";
            control(Standing::Finding(Medium), because)
                .change(go_to(cluster, AuthenticationMode::ApiAndConfigMap), danger)
        }
        HiddenCreator::Absent if cluster.refuses_creator_admin() => control(
            Standing::Good,
            "none: the cluster was created without an administrator for its creator \
             (bootstrapClusterCreatorAdminPermissions is false)"
                .to_owned(),
        ),
        HiddenCreator::Absent => control(
            Standing::Good,
            "none is hidden: the creator's admin, if there is one, is an access entry".to_owned(),
        ),
    };
    found.at(Evidence::new(DocumentRef::Cluster, "accessConfig"))
}

fn map_accounts(ground: &Ground<'_>) -> Control {
    let control = |standing, because: String| {
        Control::new(ControlId::MapAccounts, standing, because)
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
    let control = |standing, because: String| Control::new(ControlId::OidcProvider, standing, because);
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
    let provider = oidc_provider_arn(&arn.partition, &arn.account, host);
    if ground.iam.account.as_ref().is_some_and(|own| *own != arn.account) {
        let because = format!("the cluster's account {} cannot be read from here", arn.account);
        return control(Standing::Unknown, because).at(issuer_at);
    }
    let provider_at = |path: &str| Evidence::new(DocumentRef::OidcProvider(provider.clone()), path);
    match ground.iam.oidc_providers.lookup(|it| it.arn == provider, |it| it == provider) {
        Lookup::Unknown(gap) => {
            control(Standing::Unknown, format!("the OIDC providers are not known: {gap}")).at(issuer_at)
        }
        Lookup::Found(found) if !found.client_id_list.iter().any(|it| it == DEFAULT_AUDIENCE) => {
            let because = format!(
                "the account trusts the cluster's issuer, but not for the audience {DEFAULT_AUDIENCE}: IRSA works for no service \
                 account that does not ask for another"
            );
            let command = format!(
                "aws iam add-client-id-to-open-id-connect-provider --open-id-connect-provider-arn {} --client-id {DEFAULT_AUDIENCE}",
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
            let command = format!(
                "aws iam create-open-id-connect-provider --url {} --client-id-list {DEFAULT_AUDIENCE}",
                quoted(issuer)
            );
            let danger = "breaks nothing; whoever can run pods in the cluster can then assume the roles that name their service \
                          accounts";
            control(standing, because).at(issuer_at).change(command, danger)
        }
    }
}

fn agent(ground: &Ground<'_>) -> Control {
    let control =
        |standing, because: String| Control::new(ControlId::PodIdentityAgent, standing, because).at(at_agent(ground));
    let look = |control: Control| {
        let command = format!("kubectl -n kube-system describe daemonset {AGENT}");
        control.change(command, "changes nothing; shows what keeps its pods from running")
    };
    let agent = ground.agent;
    let orphaned = match agent.is_orphaned() {
        true => "; its DaemonSet is not in kube-system, so a pod of it that goes is not replaced",
        false => "",
    };
    let standing = if orphaned.is_empty() { Standing::Good } else { Standing::Note };
    if let Presence::Absent(why) = agent.presence() {
        return not_running(ground, why);
    }
    match agent.coverage().filter(|it| it.nodes() > 0) {
        Some(it) if it.without.is_empty() && it.unknown == 0 => {
            let built_in = match it.built_in {
                0 => "",
                n if n == it.with => ": they are Auto Mode's and have it built in",
                _ => "; Auto Mode's have it built in",
            };
            return control(standing, format!("ready on all {} nodes that can run it{built_in}{orphaned}", it.with));
        }
        Some(it) if it.with > 0 && !it.without.is_empty() => {
            let because = format!(
                "ready on {} of {} nodes: pods on the others ({}) get no credentials{orphaned}",
                it.with,
                it.nodes(),
                shortened(&it.without, "nodes")
            );
            return look(control(Standing::Finding(Medium), because));
        }
        Some(it) if it.unknown > 0 && it.with > 0 && agent.daemon_set_counts().is_none() => {
            let gap = why(ground.facts.pods.gap());
            let because =
                format!("it runs on {} of {} nodes; of the others it is not known: {gap}", it.with, it.nodes());
            return control(Standing::Unknown, because);
        }
        _ => {}
    }
    match (agent.presence(), agent.daemon_set(), agent.daemon_set_counts()) {
        (Presence::Unknown(why), ..) => control(Standing::Unknown, format!("whether it runs is not known: {why}")),
        (_, _, Some((wanted, ready))) if ready < wanted => {
            let because = format!("ready on {ready} of {wanted} nodes: pods on the others get no credentials");
            look(control(Standing::Finding(Medium), because))
        }
        (_, _, Some((_, ready))) => control(standing, format!("ready on all {ready} nodes that it runs on{orphaned}")),
        (_, Lookup::Found(_), None) => control(standing, "it is there; on how many nodes was not recorded".to_owned()),
        _ if !agent.has_ready_pod() => control(Standing::Good, "Auto Mode's nodes bring it with them".to_owned()),
        _ => control(standing, format!("a pod of it is ready; on which nodes is not known in full{orphaned}")),
    }
}

/// Where the facts about the agent stand.
fn at_agent(ground: &Ground<'_>) -> Evidence {
    match (ground.agent.daemon_set(), ground.agent.add_on()) {
        (Lookup::Found(it), _) if it.metadata.namespace.as_deref() == Some(SYSTEM) => {
            Evidence::new(DocumentRef::DaemonSet(it.metadata.name.clone()), "status")
        }
        (_, Lookup::Found(_)) => Evidence::new(DocumentRef::Addon(AGENT.to_owned()), "status"),
        _ => Evidence::new(DocumentRef::Cluster, "computeConfig"),
    }
}

/// The agent runs nowhere: that matters where an association needs it, or somebody meant it to run.
fn not_running(ground: &Ground<'_>, why: &str) -> Control {
    let (agent, associations) = (ground.agent, &ground.facts.pod_identity_associations);
    let installed = matches!(agent.daemon_set(), Lookup::Found(_)) || matches!(agent.add_on(), Lookup::Found(_));
    let (standing, because) = match (associations.items().len(), associations.gap()) {
        (0, _) if installed => (Standing::Finding(Medium), format!("{why}: Pod Identity brings no credentials")),
        (0, None) => (Standing::Note, format!("it does not run, and there is no Pod Identity association: {why}")),
        (0, Some(gap)) => (Standing::Unknown, format!("it does not run; whether there are associations: {gap}")),
        (n, _) => {
            let them = if n == 1 { "is 1 Pod Identity association" } else { "are Pod Identity associations" };
            let count = if n == 1 { String::new() } else { format!(" ({n})") };
            let because = format!(
                "it does not run, and there {them}{count}: their pods get no credentials by Pod Identity: {why}"
            );
            (Standing::Finding(High), because)
        }
    };
    let found = Control::new(ControlId::PodIdentityAgent, standing, because).at(at_agent(ground));
    match ground.facts.cluster.value() {
        _ if installed => {
            let command = format!("kubectl -n kube-system describe daemonset {AGENT}");
            found.change(command, "changes nothing; shows what keeps its pods from running")
        }
        Some(cluster) => {
            let danger = "runs a pod on every node, with the host's network; the nodes' role must allow \
                          eks-auth:AssumeRoleForPodIdentity";
            found.change(cluster.commands().create_add_on(AGENT), danger)
        }
        None => found,
    }
}

/// Whether nodes of Auto Mode have a way in, where that is not the role of its built-in pools; `None` where Auto Mode is off
/// or has such pools. Those who bring their own NodeClass must create the entry of its role ("Create a Node Class for Amazon
/// EKS", EKS User Guide).
fn auto_mode_nodes(ground: &Ground<'_>) -> Option<Control> {
    let (facts, cluster) = (ground.facts, ground.facts.cluster.value()?);
    let config = cluster.compute_config.as_ref().filter(|it| it.enabled == Some(true) && it.node_pools.is_empty())?;
    if config.node_role_arn.is_some() {
        // The Roles pane says how that role gets in.
        return None;
    }
    let control = |standing, because: String| {
        let at = Evidence::new(DocumentRef::Cluster, "computeConfig.nodePools");
        Control::new(ControlId::AutoModeNodes, standing, because).at(at)
    };
    let entries = &facts.access_entries;
    let of_nodes = entries.items().iter().filter(|it| EntryType::of(&it.kind) == Some(EntryType::Ec2));
    let of_nodes: Vec<&str> = of_nodes.map(|it| last_part(&it.principal_arn)).collect();
    let pools = "there are no built-in node pools";
    if !of_nodes.is_empty() && cluster.authentication_mode().reads_entries() {
        let because = format!("{pools}; nodes of a NodeClass may join with {}", shortened(&of_nodes, "roles"));
        return Some(control(Standing::Good, because));
    }
    let unread = entries.gap().map(|gap| gap.to_string());
    let unread = unread.or_else(|| entries.missing().first().map(|it| it.failure.to_string()));
    if let Some(gap) = unread.filter(|_| cluster.authentication_mode().reads_entries()) {
        let because = format!("{pools}; whether an entry of type EC2 lets nodes of a NodeClass in: {gap}");
        return Some(control(Standing::Unknown, because));
    }
    let none = format!("{pools}, and no access entry of type EC2 lets nodes of a NodeClass in: none of them can join");
    let is_other = |kind: EntryType| kind.is_of_nodes() && kind != EntryType::Ec2;
    let others = !facts.nodegroups.items().is_empty()
        || !facts.fargate_profiles.items().is_empty()
        || facts.access_entries.items().iter().filter_map(|it| EntryType::of(&it.kind)).any(is_other);
    let gap = facts.nodegroups.gap().or_else(|| facts.fargate_profiles.gap()).or_else(|| facts.aws_auth.gap());
    let standing = match (others, gap) {
        (true, _) => Standing::Note,
        (false, None) => Standing::Finding(High),
        (false, Some(_)) => Standing::Unknown,
    };
    let found = control(standing, none);
    let meant = match unmapped_node_roles(ground.resolver, EntryType::Ec2).as_slice() {
        [only] => Some(only.arn.clone()),
        _ => None,
    };
    match meant.and_then(|arn| entry_commands(facts, &arn, EntryType::Ec2)) {
        Some(command) => {
            let danger = "lets machines that have this role join as nodes; check that it is the role of the NodeClass";
            Some(found.change(command, danger))
        }
        None => Some(found),
    }
}

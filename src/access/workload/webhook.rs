//! What the EKS pod identity webhook writes into a pod, and what of a stored pod it wrote.
//!
//! Follows aws/amazon-eks-pod-identity-webhook (`pkg/handler`, `pkg/cache`). A Pod Identity association comes first; else an
//! annotation that is not empty. Each container and init container gets the variables, unless the pod's annotation names it
//! (a record of CSV) or one variable of the pair is already there, whatever its value. A pod with the skip label is left
//! alone, whatever the label's value. The webhook runs once, when a pod is created.
//!
//! [`apply`] writes the patch; [`strip`] takes back what an earlier patch wrote, so that a pod that runs can be patched as if
//! it were created now. Both keep to what an identity depends on: token lifetimes are left out. What the result means is
//! decided in [`super::credential_chain`].

use super::InForce;
use super::credential_chain::{self as chain, FULL_URI, POD_IDENTITY_AUDIENCE, ROLE_ARN, TOKEN_FILE};
use super::token::{IRSA_TOKEN, POD_IDENTITY_TOKEN, TokenFile, records_mounts};
use crate::model::workload::{
    AUDIENCE_ANNOTATION, Container, DEFAULT_AUDIENCE, EnvVar, Pod, Projected, ProjectedToken, ServiceAccount,
    TokenSource, Volume, VolumeMount,
};

/// The label that keeps the webhook away from a pod, whatever its value.
pub const SKIP_LABEL: &str = "eks.amazonaws.com/skip-pod-identity-webhook";
/// The annotation that keeps it away from containers, by their names.
pub const SKIP_CONTAINERS: &str = "eks.amazonaws.com/skip-containers";
/// The label that the webhook puts on pods with Pod Identity.
const POD_IDENTITY_LABEL: &str = "eks.amazonaws.com/pod-identity";
const REGIONAL_STS: &str = "eks.amazonaws.com/sts-regional-endpoints";

const STS_VARIABLE: &str = "AWS_STS_REGIONAL_ENDPOINTS";
const REGION_VARIABLES: [&str; 2] = ["AWS_DEFAULT_REGION", "AWS_REGION"];

/// What the webhook writes into new pods of a service account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patch {
    /// The two variables that say which identity it is, with the value of the first.
    pair: [&'static str; 2],
    value: String,
    token: TokenFile,
    /// Whom the token is made out for.
    audience: String,
    regional_sts: bool,
    region: Option<String>,
}

impl Patch {
    /// Web identity: IRSA.
    pub fn irsa(role_arn: &str, account: &ServiceAccount, region: Option<&str>) -> Patch {
        Patch {
            pair: [ROLE_ARN, TOKEN_FILE],
            value: role_arn.to_owned(),
            token: IRSA_TOKEN,
            audience: account
                .metadata
                .annotations
                .get(AUDIENCE_ANNOTATION)
                .map_or(DEFAULT_AUDIENCE, String::as_str)
                .to_owned(),
            regional_sts: wants_regional_sts(Some(account)),
            region: region.map(str::to_owned),
        }
    }

    /// Container credentials: Pod Identity, from an agent at a host.
    pub fn pod_identity(host: &str, account: Option<&ServiceAccount>, region: Option<&str>) -> Patch {
        Patch {
            pair: [FULL_URI, chain::AGENT_TOKEN_FILE],
            value: format!("http://{host}/v1/credentials"),
            token: POD_IDENTITY_TOKEN,
            audience: POD_IDENTITY_AUDIENCE.to_owned(),
            regional_sts: wants_regional_sts(account),
            region: region.map(str::to_owned),
        }
    }

    /// The mechanism behind it.
    pub fn mechanism(&self) -> InForce {
        if self.pair[0] == ROLE_ARN { InForce::Irsa } else { InForce::PodIdentity }
    }
}

/// Regional endpoints of STS are EKS's default; an annotation that Go cannot read as a boolean counts as none.
fn wants_regional_sts(account: Option<&ServiceAccount>) -> bool {
    let Some(account) = account else { return false };
    match account.metadata.annotations.get(REGIONAL_STS).map(String::as_str) {
        Some("0" | "f" | "F" | "false" | "FALSE" | "False") => false,
        Some(_) | None => true,
    }
}

/// The containers that the pod asks the webhook to skip: the first record of the annotation, read as Go's `encoding/csv`
/// reads it, without trimming. None where it cannot be read.
pub fn skipped_names(annotation: &str) -> Vec<String> {
    let text = annotation.replace("\r\n", "\n");
    let mut rest = text.strip_suffix('\r').unwrap_or(&text).trim_start_matches('\n');
    let mut names = Vec::new();
    if rest.is_empty() {
        return names;
    }
    loop {
        if let Some(mut quoted) = rest.strip_prefix('"') {
            let mut name = String::new();
            loop {
                let Some((part, after)) = quoted.split_once('"') else { return Vec::new() };
                name.push_str(part);
                let Some(after) = after.strip_prefix('"') else {
                    quoted = after;
                    break;
                };
                name.push('"');
                quoted = after;
            }
            names.push(name);
            match quoted.strip_prefix(',') {
                Some(after) => rest = after,
                None if quoted.is_empty() || quoted.starts_with('\n') => return names,
                None => return Vec::new(),
            }
        } else {
            let end = rest.find([',', '\n']).unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            if name.contains('"') {
                return Vec::new();
            }
            names.push(name.to_owned());
            match after.strip_prefix(',') {
                Some(after) => rest = after,
                None => return names,
            }
        }
    }
}

/// Whether the pod carries the label that keeps the webhook away from it.
pub fn has_skip_label(pod: &Pod) -> bool {
    pod.metadata.labels.contains_key(SKIP_LABEL)
}

/// The containers that the pod's annotation names.
pub fn skipped_containers(pod: &Pod) -> Vec<String> {
    pod.metadata.annotations.get(SKIP_CONTAINERS).map(|it| skipped_names(it)).unwrap_or_default()
}

fn containers_mut(pod: &mut Pod) -> impl Iterator<Item = &mut Container> {
    pod.spec.init_containers.iter_mut().chain(&mut pod.spec.containers)
}

/// The pod as it would be stored if it were created as written.
pub fn apply(patch: &Patch, written: &Pod) -> Pod {
    let mut pod = written.clone();
    if has_skip_label(&pod) {
        return pod;
    }
    let skipped = skipped_containers(&pod);
    let selects = |key: &str| pod.spec.node_selector.get(key).is_some_and(|it| it == "windows");
    let windows = selects("kubernetes.io/os") || selects("beta.kubernetes.io/os");
    let path = match windows {
        true => format!("C:{}", patch.token.path().replace('/', "\\")),
        false => patch.token.path(),
    };
    let recorded = records_mounts(&pod);
    for container in containers_mut(&mut pod).filter(|it| !skipped.contains(&it.name)) {
        patch_container(patch, &path, container, recorded);
    }
    let volumes = pod.spec.volumes.get_or_insert_default();
    if !volumes.iter().any(|it| it.name == patch.token.volume) {
        let token = ProjectedToken { audience: Some(patch.audience.clone()), path: Some(patch.token.file.to_owned()) };
        let sources = vec![TokenSource { service_account_token: Some(token) }];
        volumes.insert(0, Volume { name: patch.token.volume.to_owned(), projected: Projected { sources } });
    }
    if patch.mechanism() == InForce::PodIdentity {
        pod.metadata.labels.insert(POD_IDENTITY_LABEL.to_owned(), "enabled".to_owned());
    }
    pod
}

fn patch_container(patch: &Patch, path: &str, container: &mut Container, recorded: bool) {
    let has = |name: &str| container.env.iter().any(|it| it.name == name);
    let (pair, region, sts) =
        (patch.pair.iter().any(|it| has(it)), REGION_VARIABLES.iter().any(|it| has(it)), has(STS_VARIABLE));
    // A container that has all of them is left alone, its mounts included.
    if pair && region && sts {
        return;
    }
    let variable =
        |name: &str, value: &str| EnvVar { name: name.to_owned(), value: Some(value.to_owned()), ..EnvVar::default() };
    if !sts && patch.regional_sts {
        container.env.push(variable(STS_VARIABLE, "regional"));
    }
    if let Some(own) = patch.region.as_deref().filter(|_| !region) {
        container.env.extend(REGION_VARIABLES.map(|it| variable(it, own)));
    }
    if !pair {
        let [first, second] = patch.pair;
        container.env.extend([variable(first, &patch.value), variable(second, path)]);
    }
    if !recorded {
        return;
    }
    let mounts = container.volume_mounts.get_or_insert_default();
    if !mounts.iter().any(|it| it.name == patch.token.volume) {
        let (name, mount_path) = (patch.token.volume.to_owned(), patch.token.mount.to_owned());
        mounts.push(VolumeMount { name, mount_path, sub_path: None });
    }
}

/// A stored pod without what the webhook wrote when it was created.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// The pod as it was written.
    pub pod: Pod,
    /// By which mechanism the webhook patched it, if it did.
    pub patched: Option<InForce>,
}

/// The pair and the token file of each mechanism.
const PATCHES: [(InForce, [&str; 2], TokenFile); 2] = [
    (InForce::PodIdentity, [FULL_URI, chain::AGENT_TOKEN_FILE], POD_IDENTITY_TOKEN),
    (InForce::Irsa, [ROLE_ARN, TOKEN_FILE], IRSA_TOKEN),
];

/// Whether the first of a pair has a value that the webhook could have written.
fn is_written_value(mechanism: InForce, value: &str) -> bool {
    mechanism == InForce::Irsa && !value.is_empty() || mechanism == InForce::PodIdentity && chain::names_agent(value)
}

/// Takes back what the webhook wrote into a pod. A container that it touched mounts its volume, unless it sets everything
/// itself; which variables it wrote, their order tells. Where mounts are not recorded, the variables alone tell. A template
/// that sets a variable last, just where the webhook would have appended it, is read as if the webhook had.
pub fn strip(stored: &Pod) -> Written {
    let mut pod = stored.clone();
    let mut patched = None;
    if has_skip_label(&pod) {
        return Written { pod, patched };
    }
    let recorded = records_mounts(&pod);
    let skipped = skipped_containers(&pod);
    for (mechanism, pair, token) in PATCHES {
        let volume = pod.spec.volumes.as_deref().map(|all| all.iter().position(|it| it.name == token.volume));
        // Older documents keep no volume of Pod Identity.
        let may = match volume {
            Some(None) => !recorded && mechanism == InForce::PodIdentity,
            Some(Some(_)) | None => true,
        };
        if !may {
            continue;
        }
        let mut any = false;
        for container in containers_mut(&mut pod).filter(|it| !skipped.contains(&it.name)) {
            any |= strip_container(container, (mechanism, pair), token, recorded);
        }
        if !any {
            continue;
        }
        patched = Some(mechanism);
        let own = |it: &Volume| it.name == token.volume && is_projected_token(it, token.file);
        if let Some(all) = pod.spec.volumes.as_mut().filter(|all| all.first().is_some_and(own)) {
            all.remove(0);
        }
        if mechanism == InForce::PodIdentity {
            pod.metadata.labels.remove(POD_IDENTITY_LABEL);
        }
        break;
    }
    Written { pod, patched }
}

/// Whether the volume is what the webhook adds: one token, in the one file.
fn is_projected_token(volume: &Volume, file: &str) -> bool {
    let [only] = volume.projected.sources.as_slice() else { return false };
    only.service_account_token.as_ref().is_some_and(|it| it.path.as_deref().is_none_or(|it| it == file))
}

/// Whether the webhook touched the container.
fn strip_container(
    container: &mut Container,
    (mechanism, pair): (InForce, [&str; 2]),
    token: TokenFile,
    recorded: bool,
) -> bool {
    let mut mounts = container.volume_mounts.iter().flatten().filter(|it| it.name == token.volume);
    let (mounted, in_place) = (mounts.clone().next().is_some(), mounts.any(|it| it.mount_path == token.mount));
    let fit = |first: &str, second: &str| is_written_value(mechanism, first) && token.is_at(second);
    let pair_at = find_written_pair(container, pair, fit);
    let touched = if recorded { in_place || mounted && pair_at.is_some() } else { pair_at.is_some() };
    if !touched {
        return false;
    }
    let full = container.env.len();
    let mut end = pair_at.unwrap_or(full);
    if pair_at.is_some() {
        container.env.drain(end..end + 2);
    }
    if let Some(start) = end.checked_sub(2).filter(|it| are_regions(container, *it)) {
        container.env.drain(start..end);
        end = start;
    }
    if let Some(sts) = end.checked_sub(1).filter(|it| is_regional_sts(container, *it)) {
        container.env.remove(sts);
    }
    if let Some(mounts) = container.volume_mounts.as_mut().filter(|_| container.env.len() < full) {
        mounts.retain(|it| it.name != token.volume || it.mount_path != token.mount);
    }
    true
}

fn are_regions(container: &Container, at: usize) -> bool {
    let Some([first, second, ..]) = container.env.get(at..) else { return false };
    [first.name.as_str(), second.name.as_str()] == REGION_VARIABLES
        && first.value.is_some()
        && first.value == second.value
}

fn is_regional_sts(container: &Container, at: usize) -> bool {
    container.env.get(at).is_some_and(|it| it.name == STS_VARIABLE && it.value.as_deref() == Some("regional"))
}

/// Where the webhook wrote its pair, if it did: side by side, each once, with literal values that fit. The webhook appends the
/// variables of regions and STS before the pair, so that a pair with one of these after it was there before.
fn find_written_pair(container: &Container, names: [&str; 2], fit: impl Fn(&str, &str) -> bool) -> Option<usize> {
    let env = &container.env;
    let once = |name: &str| env.iter().filter(|it| it.name == name).count() == 1;
    let at = env.iter().position(|it| it.name == names[0])?;
    let [first, second, after @ ..] = env.get(at..)? else { return None };
    let appended = |it: &EnvVar| it.name == STS_VARIABLE || REGION_VARIABLES.contains(&it.name.as_str());
    let fits = first.value.as_deref().zip(second.value.as_deref()).is_some_and(|(first, second)| fit(first, second));
    (second.name == names[1] && names.into_iter().all(once) && fits && !after.iter().any(appended)).then_some(at)
}

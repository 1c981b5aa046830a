//! Controls of the cluster itself: what EKS says of its health, encryption of what it stores, its endpoint, its logs.

use super::{Control, ControlId, Ground, Standing, aws_eks};
use crate::access::findings::Severity::{High, Low, Medium};
use crate::model::cluster::{Cluster, ClusterIssue, VpcConfig};
use crate::model::snapshot::{DocumentRef, Evidence};

/// From this version on EKS encrypts all that the API server stores.
const ENCRYPTED_BY_DEFAULT: (u32, u32) = (1, 28);

pub(super) fn controls(ground: &Ground<'_>) -> Vec<Control> {
    let mut all = health(ground);
    all.extend([encryption(ground), public_endpoint(ground), private_endpoint(ground)]);
    all.extend([
        log(ground, ControlId::LogsAudit, "audit", "nobody can say afterwards who did what"),
        log(
            ground,
            ControlId::LogsAuthenticator,
            "authenticator",
            "why somebody got 401 cannot be told from the cluster's side",
        ),
    ]);
    all
}

fn at(path: &str) -> Evidence {
    Evidence::new(DocumentRef::Cluster, path)
}

/// Codes of issues after which EKS cannot run, update or recover the cluster's control plane. What others say is about some of
/// what it does.
const GRAVE_ISSUES: [&str; 11] = [
    "AccessDenied",
    "ClusterUnreachable",
    "Ec2SecurityGroupNotFound",
    "Ec2SubnetNotFound",
    "IamRoleNotFound",
    "KmsGrantRevoked",
    "KmsKeyDisabled",
    "KmsKeyMarkedForDeletion",
    "KmsKeyNotFound",
    "ResourceNotFound",
    "VpcNotFound",
];

/// What EKS itself finds wrong, a control for each issue.
fn health(ground: &Ground<'_>) -> Vec<Control> {
    let control =
        |standing, because: String, path: &str| Control::new(ControlId::ClusterHealth, standing, because).at(at(path));
    let cluster = match ground.cluster() {
        Ok(cluster) => cluster,
        Err(because) => return vec![Control::new(ControlId::ClusterHealth, Standing::Unknown, because)],
    };
    let Some(health) = &cluster.health else {
        return vec![control(Standing::Unknown, "the cluster's description holds no health".to_owned(), "health")];
    };
    if health.issues.is_empty() {
        return vec![control(Standing::Good, "EKS reports no issue".to_owned(), "health.issues")];
    }
    let issue = |(index, issue): (usize, &ClusterIssue)| {
        let code = issue.code.as_deref().unwrap_or("an issue without a code");
        let severity = if GRAVE_ISSUES.contains(&code) { High } else { Medium };
        let of = match issue.resource_ids.as_slice() {
            [] => String::new(),
            ids => format!(" ({})", ids.join(", ")),
        };
        let message = issue.message.as_deref().map(|it| format!(": {it}")).unwrap_or_default();
        let because = format!("EKS reports {code}{of}{message}");
        let found = control(Standing::Finding(severity), because, &format!("health.issues[{index}]"));
        Control { subject: [&[code.to_owned()], issue.resource_ids.as_slice()].concat().join(" "), ..found }
    };
    health.issues.iter().enumerate().map(issue).collect()
}

fn encryption(ground: &Ground<'_>) -> Control {
    let control = |standing, because: String| Control::new(ControlId::Encryption, standing, because);
    let cluster = match ground.cluster() {
        Ok(cluster) => cluster,
        Err(because) => return control(Standing::Unknown, because),
    };
    let key = cluster.encryption_config.iter().find_map(|it| it.provider.as_ref()?.key_arn.as_deref());
    if let Some(key) = key {
        let since = ground
            .last_update("AssociateEncryptionConfig")
            .filter(|it| it.status.as_deref() == Some("Successful"))
            .and_then(|it| Some((it.created_at?, it.id.clone())));
        let mut because = match &since {
            Some((when, _)) => format!("with the key {key}, since {}", when.date()),
            None => format!("with the key {key}"),
        };
        if cluster.version_numbers().is_some_and(|it| it < ENCRYPTED_BY_DEFAULT) {
            because.push_str("; Secrets that are older than the key stand as they were until they are written again");
        }
        let mut found = control(Standing::Good, because).at(at("encryptionConfig"));
        found.evidence.extend(since.map(|(_, id)| Evidence::new(DocumentRef::Update(id), "createdAt")));
        return found;
    }
    let rewrite = "kubectl get secrets -A -o json | kubectl replace -f -";
    let (standing, because, and_then) = match cluster.version_numbers() {
        None => return control(Standing::Unknown, "the cluster's version is not known".to_owned()).at(at("version")),
        Some(it) if it >= ENCRYPTED_BY_DEFAULT => {
            let because = "all that the API server stores is encrypted with a key that AWS owns; a key of one's own would \
                           add rotation, a key policy and CloudTrail records";
            (Standing::Note, because.to_owned(), String::new())
        }
        Some((major, minor)) => {
            let because = format!(
                "Kubernetes {major}.{minor} stores Secrets without envelope encryption, and no key is associated; those that \
                 exist stay as they are until they are written again"
            );
            let wait = aws_eks("wait cluster-active", cluster, "--name");
            (Standing::Finding(Medium), because, format!(" && {wait} && {rewrite}"))
        }
    };
    let region = cluster.arn.as_deref().and_then(|it| it.parse::<crate::model::principal::Arn>().ok());
    let region = region.map(|it| format!(" --region {}", super::quoted(&it.region))).unwrap_or_default();
    let associate = aws_eks("associate-encryption-config", cluster, "--cluster-name");
    let command = format!(
        "KEY=$(aws kms create-key{region} --description {} --query KeyMetadata.Arn --output text) && {associate} \
         --encryption-config '[{{\"resources\":[\"secrets\"],\"provider\":{{\"keyArn\":\"'\"$KEY\"'\"}}}}]'{and_then}",
        super::quoted(&format!("EKS {} envelope encryption", cluster.name)),
    );
    let danger = "an association cannot be undone nor moved to another key, and a key that is deleted takes the cluster's data \
                  with it";
    let danger = if and_then.is_empty() { danger.to_owned() } else { format!("{danger}; {}", super::CONTEXT) };
    control(standing, because).at(at("encryptionConfig")).change(command, danger)
}

/// Is the endpoint open to all addresses?
fn open(config: &VpcConfig) -> bool {
    // Without a list EKS lets everybody in.
    config.public_access_cidrs.is_empty()
        || config.public_access_cidrs.iter().any(|it| it == "0.0.0.0/0" || it == "::/0")
}

/// What came of the last attempt to change the endpoint, where it failed or goes on.
fn attempt(ground: &Ground<'_>) -> String {
    let Some(last) = ground.last_update("EndpointAccessUpdate") else { return String::new() };
    let when = last.created_at.map(|it| format!(" of {}", it.date())).unwrap_or_default();
    match last.status.as_deref() {
        Some("InProgress") => format!("; the update{when} is under way"),
        Some("Failed") => {
            let said = last.errors.first().and_then(|it| it.error_message.as_deref().or(it.error_code.as_deref()));
            format!("; the update{when} failed: {}", said.unwrap_or("no reason was given"))
        }
        _ => String::new(),
    }
}

fn endpoint<'a>(ground: &Ground<'a>) -> Result<(&'a Cluster, &'a VpcConfig, bool, bool), String> {
    let cluster = ground.cluster()?;
    let config = cluster.resources_vpc_config.as_ref();
    let config = config.ok_or("the cluster's description holds no resourcesVpcConfig")?;
    let (Some(public), Some(private)) = (config.endpoint_public_access, config.endpoint_private_access) else {
        return Err("the cluster's description does not say where its endpoint is open".to_owned());
    };
    Ok((cluster, config, public, private))
}

fn public_endpoint(ground: &Ground<'_>) -> Control {
    const ID: ControlId = ControlId::EndpointPublic;
    let (cluster, config, public, private) = match endpoint(ground) {
        Ok(it) => it,
        Err(because) => return Control::new(ID, Standing::Unknown, because),
    };
    let command = |settings: &str| {
        format!("{} --resources-vpc-config {settings}", aws_eks("update-cluster-config", cluster, "--name"))
    };
    if !public {
        let because = format!("off: clients reach the API from within the VPC, or not at all{}", attempt(ground));
        return Control::new(ID, Standing::Good, because).at(at("resourcesVpcConfig.endpointPublicAccess"));
    }
    if !open(config) {
        let cidrs = config.public_access_cidrs.join(", ");
        let because = format!("open to {cidrs}{}", attempt(ground));
        let danger = format!(
            "cuts off every client outside the VPC, those in {cidrs} among them; who has no way into the VPC can still turn it \
             on again through the EKS API"
        );
        return Control::new(ID, Standing::Note, because)
            .at(at("resourcesVpcConfig.publicAccessCidrs"))
            .change(command("endpointPublicAccess=false,endpointPrivateAccess=true"), danger);
    }
    let because = format!(
        "open to every address: only authentication stands between the internet and the API server{}",
        attempt(ground)
    );
    let nodes = if private { "" } else { " nodes reach the API inside the VPC from then on;" };
    let danger = format!(
        "leaves the API open to this machine's address alone and cuts off all other clients outside the VPC;{nodes} put \
         further ranges into the list"
    );
    let settings = "\"endpointPublicAccess=true,endpointPrivateAccess=true,publicAccessCidrs=$(curl -s \
                    https://checkip.amazonaws.com)/32\"";
    Control::new(ID, Standing::Finding(Medium), because)
        .at(at("resourcesVpcConfig.publicAccessCidrs"))
        .change(command(settings), danger)
}

fn private_endpoint(ground: &Ground<'_>) -> Control {
    const ID: ControlId = ControlId::EndpointPrivate;
    let (cluster, config, public, private) = match endpoint(ground) {
        Ok(it) => it,
        Err(because) => return Control::new(ID, Standing::Unknown, because),
    };
    let control = |standing, because: String| {
        Control::new(ID, standing, because).at(at("resourcesVpcConfig.endpointPrivateAccess"))
    };
    if private {
        return control(Standing::Good, "on: nodes reach the API without leaving the VPC".to_owned());
    }
    let because = if public && open(config) {
        "off: nodes and Fargate pods reach the API through the public endpoint".to_owned()
    } else {
        let cidrs = config.public_access_cidrs.join(", ");
        format!(
            "off: nodes and Fargate pods come to the public endpoint and must do so from {cidrs}, or they cannot join"
        )
    };
    let command = format!(
        "{} --resources-vpc-config endpointPrivateAccess=true",
        aws_eks("update-cluster-config", cluster, "--name")
    );
    let danger = "within the VPC the endpoint's name then means a private address: DNS hostnames and resolution must be on, and \
                  the cluster's security group must let port 443 in";
    control(Standing::Finding(Low), because).change(command, danger)
}

fn log(ground: &Ground<'_>, id: ControlId, kind: &str, without: &str) -> Control {
    let control = |standing, because: String| Control::new(id, standing, because);
    let cluster = match ground.cluster() {
        Ok(cluster) => cluster,
        Err(because) => return control(Standing::Unknown, because),
    };
    let Some(logging) = &cluster.logging else {
        return control(Standing::Unknown, "the cluster's description says nothing of its logs".to_owned());
    };
    let setup = logging.cluster_logging.iter().find(|it| it.enabled && it.types.iter().any(|it| it == kind));
    if setup.is_some() {
        return control(Standing::Good, "on".to_owned()).at(at("logging.clusterLogging"));
    }
    let command = format!(
        "{} --logging '{{\"clusterLogging\":[{{\"types\":[\"{kind}\"],\"enabled\":true}}]}}'",
        aws_eks("update-cluster-config", cluster, "--name")
    );
    control(Standing::Finding(Medium), format!("off: {without}"))
        .at(at("logging.clusterLogging"))
        .change(command, "breaks nothing; CloudWatch Logs charges for what is written")
}

//! From the EKS SDK's types to the model's. Enumerations become the text that EKS writes, so that values which this SDK
//! does not know pass through.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_eks::primitives::DateTime;
use aws_sdk_eks::types as sdk;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::model::cluster::{
    AccessConfig, Addon, AuthenticationMode, Capability, CertificateAuthority, ChangeError, ChangeParam, Cluster,
    ClusterChange, ClusterHealth, ClusterIdentity, ClusterIssue, ComputeConfig, EncryptionConfig, EncryptionProvider,
    FargateProfile, FargateSelector, IdentityProviderConfig, LogSetup, Logging, Nodegroup, Oidc, OidcProviderConfig,
    VpcConfig,
};
use crate::model::mapping::{AccessEntry, AccessScope, AssociatedPolicy, ScopeKind};
use crate::model::time::Time;
use crate::model::workload::PodIdentityAssociation;

/// A moment, to the nanosecond that the SDK holds.
pub(in crate::cloud) fn time(at: DateTime) -> Option<Time> {
    let nanos = i32::try_from(at.subsec_nanos()).ok()?;
    Timestamp::new(at.secs(), nanos).ok().map(Time)
}

fn sorted(map: Option<HashMap<String, String>>) -> BTreeMap<String, String> {
    map.unwrap_or_default().into_iter().collect()
}

/// `has` tells whether a member is in the answer: the SDK makes `false` of a missing flag.
pub(super) fn cluster(it: sdk::Cluster, has: impl Fn(&str) -> bool) -> Cluster {
    Cluster {
        name: it.name.unwrap_or_default(),
        arn: it.arn,
        created_at: it.created_at.and_then(time),
        version: it.version,
        platform_version: it.platform_version,
        status: it.status.map(|status| status.as_str().to_owned()),
        endpoint: it.endpoint,
        role_arn: it.role_arn,
        resources_vpc_config: it.resources_vpc_config.map(|it| vpc_config(it, has)),
        kubernetes_network_config: it.kubernetes_network_config.map(network_config),
        logging: it.logging.map(logging),
        identity: it.identity.map(|it| ClusterIdentity { oidc: it.oidc.map(|it| Oidc { issuer: it.issuer }) }),
        certificate_authority: it.certificate_authority.map(|it| CertificateAuthority { data: it.data }),
        encryption_config: it.encryption_config.unwrap_or_default().into_iter().map(encryption_config).collect(),
        access_config: it.access_config.map(access_config),
        compute_config: it.compute_config.map(compute_config),
        connector_config: it.connector_config.map(connector_config),
        health: it.health.map(health),
        tags: sorted(it.tags),
    }
}

fn health(it: sdk::ClusterHealth) -> ClusterHealth {
    let issue = |it: sdk::ClusterIssue| ClusterIssue {
        code: it.code.map(|code| code.as_str().to_owned()),
        message: it.message,
        resource_ids: it.resource_ids.unwrap_or_default(),
    };
    ClusterHealth { issues: it.issues.unwrap_or_default().into_iter().map(issue).collect() }
}

fn vpc_config(it: sdk::VpcConfigResponse, has: impl Fn(&str) -> bool) -> VpcConfig {
    let said = |name: &str, flag: bool| has(&format!("/cluster/resourcesVpcConfig/{name}")).then_some(flag);
    let cidrs = it.public_access_cidrs.unwrap_or_default();
    // EKS always lists who may reach a public endpoint, be it 0.0.0.0/0: without the list it is not known how open it is.
    let unlisted = it.endpoint_public_access && cidrs.is_empty();
    let public = said("endpointPublicAccess", it.endpoint_public_access).filter(|_| !unlisted);
    VpcConfig {
        subnet_ids: it.subnet_ids.unwrap_or_default(),
        security_group_ids: it.security_group_ids.unwrap_or_default(),
        cluster_security_group_id: it.cluster_security_group_id,
        vpc_id: it.vpc_id,
        endpoint_public_access: public,
        endpoint_private_access: said("endpointPrivateAccess", it.endpoint_private_access),
        public_access_cidrs: cidrs,
    }
}

fn access_config(it: sdk::AccessConfigResponse) -> AccessConfig {
    AccessConfig {
        bootstrap_cluster_creator_admin_permissions: it.bootstrap_cluster_creator_admin_permissions,
        authentication_mode: it.authentication_mode.map(|mode| match mode {
            sdk::AuthenticationMode::Api => AuthenticationMode::Api,
            sdk::AuthenticationMode::ApiAndConfigMap => AuthenticationMode::ApiAndConfigMap,
            sdk::AuthenticationMode::ConfigMap => AuthenticationMode::ConfigMap,
            _ => AuthenticationMode::Unknown,
        }),
    }
}

fn compute_config(it: sdk::ComputeConfigResponse) -> ComputeConfig {
    ComputeConfig {
        enabled: it.enabled,
        node_pools: it.node_pools.unwrap_or_default(),
        node_role_arn: it.node_role_arn,
    }
}

fn logging(it: sdk::Logging) -> Logging {
    // The answer's check has seen that both members are there.
    let setup = |it: sdk::LogSetup| LogSetup {
        types: it.types.unwrap_or_default().iter().map(|kind| kind.as_str().to_owned()).collect(),
        enabled: it.enabled.unwrap_or_default(),
    };
    Logging { cluster_logging: it.cluster_logging.unwrap_or_default().into_iter().map(setup).collect() }
}

// The list is no longer what decides, and is still what DescribeCluster prints.
#[allow(deprecated)]
fn encryption_config(it: sdk::EncryptionConfig) -> EncryptionConfig {
    EncryptionConfig {
        resources: it.resources.unwrap_or_default(),
        provider: it.provider.map(|it| EncryptionProvider { key_arn: it.key_arn }),
    }
}

/// An object of the members that are there.
fn object(members: impl IntoIterator<Item = (&'static str, Option<Value>)>) -> Value {
    members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

fn network_config(it: sdk::KubernetesNetworkConfigResponse) -> Value {
    let balancing = it.elastic_load_balancing.and_then(|it| it.enabled);
    object([
        ("serviceIpv4Cidr", it.service_ipv4_cidr.map(Value::String)),
        ("serviceIpv6Cidr", it.service_ipv6_cidr.map(Value::String)),
        ("ipFamily", it.ip_family.map(|family| json!(family.as_str()))),
        ("elasticLoadBalancing", balancing.map(|enabled| json!({ "enabled": enabled }))),
    ])
}

/// Without the activation code, which is a secret.
fn connector_config(it: sdk::ConnectorConfigResponse) -> Value {
    object([("provider", it.provider.map(Value::String)), ("roleArn", it.role_arn.map(Value::String))])
}

/// `None` for one without a type, which the answer's check lets nobody see.
pub(super) fn access_entry(it: sdk::AccessEntry) -> Option<AccessEntry> {
    Some(AccessEntry {
        cluster_name: it.cluster_name,
        principal_arn: it.principal_arn.unwrap_or_default(),
        kubernetes_groups: it.kubernetes_groups.unwrap_or_default(),
        access_entry_arn: it.access_entry_arn,
        created_at: it.created_at.and_then(time),
        modified_at: it.modified_at.and_then(time),
        tags: sorted(it.tags),
        username: it.username,
        kind: it.r#type?,
        associated_access_policies: None,
    })
}

/// `None` for one whose scope is of no kind that is known here: it is neither the wider nor the narrower.
pub(super) fn associated_policy(it: sdk::AssociatedAccessPolicy) -> Option<AssociatedPolicy> {
    Some(AssociatedPolicy {
        policy_arn: it.policy_arn?,
        access_scope: access_scope(it.access_scope?)?,
        associated_at: it.associated_at.and_then(time),
        modified_at: it.modified_at.and_then(time),
    })
}

fn access_scope(it: sdk::AccessScope) -> Option<AccessScope> {
    let kind = match it.r#type? {
        sdk::AccessScopeType::Cluster => ScopeKind::Cluster,
        sdk::AccessScopeType::Namespace => ScopeKind::Namespace,
        _ => return None,
    };
    Some(AccessScope { kind, namespaces: it.namespaces.unwrap_or_default() })
}

pub(super) fn pod_identity_association(it: sdk::PodIdentityAssociation) -> PodIdentityAssociation {
    PodIdentityAssociation {
        cluster_name: it.cluster_name,
        namespace: it.namespace.unwrap_or_default(),
        service_account: it.service_account.unwrap_or_default(),
        role_arn: it.role_arn,
        association_arn: it.association_arn,
        association_id: it.association_id.unwrap_or_default(),
        tags: sorted(it.tags),
        created_at: it.created_at.and_then(time),
        modified_at: it.modified_at.and_then(time),
        owner_arn: it.owner_arn,
        disable_session_tags: it.disable_session_tags,
        target_role_arn: it.target_role_arn,
        external_id: it.external_id,
        policy: it.policy,
    }
}

pub(super) fn nodegroup(it: sdk::Nodegroup) -> Nodegroup {
    Nodegroup {
        nodegroup_name: it.nodegroup_name.unwrap_or_default(),
        nodegroup_arn: it.nodegroup_arn,
        cluster_name: it.cluster_name,
        version: it.version,
        release_version: it.release_version,
        created_at: it.created_at.and_then(time),
        status: it.status.map(|status| status.as_str().to_owned()),
        capacity_type: it.capacity_type.map(|kind| kind.as_str().to_owned()),
        instance_types: it.instance_types.unwrap_or_default(),
        subnets: it.subnets.unwrap_or_default(),
        ami_type: it.ami_type.map(|kind| kind.as_str().to_owned()),
        node_role: it.node_role,
        labels: sorted(it.labels),
        tags: sorted(it.tags),
    }
}

pub(super) fn fargate_profile(it: sdk::FargateProfile) -> FargateProfile {
    let selector =
        |it: sdk::FargateProfileSelector| FargateSelector { namespace: it.namespace, labels: sorted(it.labels) };
    FargateProfile {
        fargate_profile_name: it.fargate_profile_name.unwrap_or_default(),
        fargate_profile_arn: it.fargate_profile_arn,
        cluster_name: it.cluster_name,
        created_at: it.created_at.and_then(time),
        pod_execution_role_arn: it.pod_execution_role_arn,
        selectors: it.selectors.unwrap_or_default().into_iter().map(selector).collect(),
        status: it.status.map(|status| status.as_str().to_owned()),
        tags: sorted(it.tags),
    }
}

pub(super) fn addon(it: sdk::Addon) -> Addon {
    Addon {
        addon_name: it.addon_name.unwrap_or_default(),
        cluster_name: it.cluster_name,
        status: it.status.map(|status| status.as_str().to_owned()),
        addon_version: it.addon_version,
        addon_arn: it.addon_arn,
        created_at: it.created_at.and_then(time),
        modified_at: it.modified_at.and_then(time),
        service_account_role_arn: it.service_account_role_arn,
        pod_identity_associations: it.pod_identity_associations.unwrap_or_default(),
        tags: sorted(it.tags),
    }
}

pub(super) fn capability(it: sdk::Capability) -> Capability {
    Capability {
        capability_name: it.capability_name.unwrap_or_default(),
        arn: it.arn,
        cluster_name: it.cluster_name,
        kind: it.r#type.map(|kind| kind.as_str().to_owned()),
        role_arn: it.role_arn,
        status: it.status.map(|status| status.as_str().to_owned()),
        version: it.version,
        created_at: it.created_at.and_then(time),
        modified_at: it.modified_at.and_then(time),
        tags: sorted(it.tags),
    }
}

pub(super) fn update(it: sdk::Update) -> ClusterChange {
    let param = |it: sdk::UpdateParam| {
        Some(ChangeParam { kind: it.r#type?.as_str().to_owned(), value: it.value.unwrap_or_default() })
    };
    let error = |it: sdk::ErrorDetail| ChangeError {
        error_code: it.error_code.map(|code| code.as_str().to_owned()),
        error_message: it.error_message,
    };
    ClusterChange {
        id: it.id.unwrap_or_default(),
        status: it.status.map(|status| status.as_str().to_owned()),
        kind: it.r#type.map(|kind| kind.as_str().to_owned()),
        params: it.params.unwrap_or_default().into_iter().filter_map(param).collect(),
        created_at: it.created_at.and_then(time),
        errors: it.errors.unwrap_or_default().into_iter().map(error).collect(),
    }
}

pub(super) fn identity_provider_config(it: sdk::IdentityProviderConfigResponse) -> IdentityProviderConfig {
    IdentityProviderConfig {
        oidc: it.oidc.map(|it| OidcProviderConfig {
            identity_provider_config_name: it.identity_provider_config_name,
            identity_provider_config_arn: it.identity_provider_config_arn,
            cluster_name: it.cluster_name,
            issuer_url: it.issuer_url,
            client_id: it.client_id,
            username_claim: it.username_claim,
            username_prefix: it.username_prefix,
            groups_claim: it.groups_claim,
            groups_prefix: it.groups_prefix,
            required_claims: sorted(it.required_claims),
            tags: sorted(it.tags),
            status: it.status.map(|status| status.as_str().to_owned()),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_keep_their_fraction() {
        let at = time(DateTime::from_secs_and_nanos(1_700_000_000, 123_000_000)).unwrap();
        assert_eq!(at.0.to_string(), "2023-11-14T22:13:20.123Z");
        assert_eq!(time(DateTime::from_secs(i64::MAX)), None);
    }

    #[test]
    fn a_cluster_keeps_what_answers_depend_on() {
        let mode = sdk::AccessConfigResponse::builder().authentication_mode(sdk::AuthenticationMode::Api).build();
        let connector = sdk::ConnectorConfigResponse::builder().activation_code("secret").provider("OTHER").build();
        let network = sdk::KubernetesNetworkConfigResponse::builder().service_ipv4_cidr("10.0.0.0/16").build();
        let it = cluster(
            sdk::Cluster::builder()
                .name("c")
                .access_config(mode)
                .connector_config(connector)
                .kubernetes_network_config(network)
                .status(sdk::ClusterStatus::from("SOMETHING_NEW"))
                .build(),
            |_| true,
        );
        assert_eq!(it.authentication_mode(), AuthenticationMode::Api);
        assert_eq!(it.connector_config, Some(json!({ "provider": "OTHER" })));
        assert_eq!(it.kubernetes_network_config, Some(json!({ "serviceIpv4Cidr": "10.0.0.0/16" })));
        assert_eq!(it.status.as_deref(), Some("SOMETHING_NEW"));
    }

    #[test]
    fn an_entry_and_its_policies() {
        let entry = sdk::AccessEntry::builder().principal_arn("a");
        assert_eq!(access_entry(entry.clone().build()), None, "no type is not the usual type");
        let entry = access_entry(entry.r#type("EC2_LINUX").build()).unwrap();
        assert_eq!((entry.kind.as_str(), entry.associated_access_policies), ("EC2_LINUX", None));
        let scope = sdk::AccessScope::builder().r#type(sdk::AccessScopeType::Namespace).namespaces("n").build();
        let policy = |scope| {
            let it = sdk::AssociatedAccessPolicy::builder().policy_arn("p").set_access_scope(scope);
            associated_policy(it.build())
        };
        let unknown = sdk::AccessScope::builder().r#type(sdk::AccessScopeType::from("galaxy")).namespaces("n").build();
        for scope in [None, Some(unknown), Some(sdk::AccessScope::builder().build())] {
            assert_eq!(policy(scope), None);
        }
        let policy = policy(Some(scope)).unwrap();
        assert_eq!((policy.access_scope.kind, policy.access_scope.to_string()), (ScopeKind::Namespace, "n".into()));
    }
}

//! The certificates of the clusters: one authority per lab, and one certificate for all of its ports.

use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::LabError;

/// What a cluster's port is served with.
#[derive(Clone, Debug)]
pub(super) struct Tls {
    pub(super) server: Arc<ServerConfig>,
    /// The authority as DescribeCluster and a kubeconfig give it: base64 of the PEM.
    pub(super) authority: String,
}

impl Tls {
    /// Makes both anew.
    pub(super) fn generate(host: IpAddr) -> Result<Tls, LabError> {
        let failed = |error: &dyn std::fmt::Display| LabError::Tls(error.to_string());
        let made = |error: rcgen::Error| failed(&error);

        let mut authority = CertificateParams::new(Vec::new()).map_err(made)?;
        authority.distinguished_name.push(DnType::CommonName, "eksplorer lab");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().map_err(made)?;
        let authority_pem = authority.self_signed(&key).map_err(made)?.pem();
        let issuer = Issuer::new(authority, key);

        let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
        if !names.contains(&host.to_string()) {
            names.push(host.to_string());
        }
        let mut server = CertificateParams::new(names).map_err(made)?;
        server.distinguished_name.push(DnType::CommonName, "kube-apiserver");
        server.use_authority_key_identifier_extension = true;
        server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate().map_err(made)?;
        let certificate = server.signed_by(&key, &issuer).map_err(made)?;

        // The provider is named, since the process may have none, or two, by default.
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| failed(&error))?
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
            )
            .map_err(|error| failed(&error))?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Tls { server: Arc::new(config), authority: STANDARD.encode(authority_pem) })
    }
}

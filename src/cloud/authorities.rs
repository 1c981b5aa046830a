//! The certificate authorities that AWS's endpoints are trusted by: the system's, or those of a bundle that
//! `AWS_CA_BUNDLE` or the profile's `ca_bundle` names. A bundle replaces the system's authorities, as it does for `aws`.

use std::path::Path;

use aws_sdk_sts::config::SharedHttpClient;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{self, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// A client that trusts the authorities of a bundle, and no others. `from` says who named it.
pub(super) fn client_trusting(bundle: &Path, from: &str) -> Result<SharedHttpClient, String> {
    let wrong = |why: String| format!("the bundle of certificate authorities {} ({from}) {why}", bundle.display());
    let pem = std::fs::read(bundle).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    check_bundle(&pem).map_err(wrong)?;
    let trusted = TrustStore::empty().with_pem_certificate(pem);
    let context = TlsContext::builder().with_trust_store(trusted).build();
    let context = context.map_err(|error| wrong(format!("cannot be used: {error}")))?;
    Ok(client(Some(context)))
}

/// A client that trusts the system's authorities.
pub(super) fn client_trusting_system() -> SharedHttpClient {
    client(None)
}

/// But for the authorities as the SDK's own default.
fn client(context: Option<TlsContext>) -> SharedHttpClient {
    Builder::new().build_with_connector_fn(move |settings, components| {
        let mut builder = Connector::builder()
            .tls_provider(tls::Provider::Rustls(CryptoMode::AwsLc))
            .proxy_config(ProxyConfig::from_env());
        if let Some(context) = &context {
            builder = builder.tls_context(context.clone());
        }
        builder.set_connector_settings(settings.cloned());
        if let Some(components) = components {
            builder.set_sleep_impl(components.sleep_impl());
        }
        builder.build()
    })
}

/// The SDK panics at a bundle that it cannot read, and that only when a connection is made.
fn check_bundle(pem: &[u8]) -> Result<(), String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| format!("is not valid PEM: {error}"))?;
        roots.add(certificate).map_err(|error| format!("holds a certificate that cannot be used: {error}"))?;
    }
    if roots.is_empty() { Err("holds no certificate".to_owned()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_that_the_sdk_would_panic_at_is_refused() {
        let good = rcgen::generate_simple_self_signed(["ca".to_owned()]).unwrap().cert.pem();
        assert_eq!(check_bundle(good.as_bytes()), Ok(()));
        let broken = "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n";
        for (pem, wanted) in [
            ("", "no certificate"),
            (broken, "cannot be used"),
            ("-----BEGIN CERTIFICATE-----\n%%\n-----END CERTIFICATE-----\n", "not valid PEM"),
        ] {
            let why = check_bundle(pem.as_bytes()).unwrap_err();
            assert!(why.contains(wanted), "{why}");
        }
    }
}

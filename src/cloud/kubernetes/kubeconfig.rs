//! A context of the kubeconfig, read as `kubectl` reads it.
//!
//! Decides which files count and in which order, what a context names, and what is wrong with it, in the kubeconfig's own
//! words: a mistake there is never said to be one of AWS. How its user proves who he is, is [`super::user`]'s.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::Uri;
use kube::config::{AuthInfo, Cluster, Config, ExecAuthCluster, Kubeconfig};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::cloud::credentials::files::edits;
use crate::cloud::failure::causes;

/// What a context names.
pub(super) struct ContextParts {
    /// How the server is reached and trusted; no user and no proxy yet.
    pub(super) config: Config,
    /// The proxy of the cluster, which goes before the environment's.
    pub(super) proxy: Option<Uri>,
    /// The user's name; empty for none.
    pub(super) user: String,
    pub(super) auth: AuthInfo,
    /// What an exec plugin may be told of the cluster.
    pub(super) cluster: Option<ExecAuthCluster>,
}

/// Reads a context. `named` is a file that was named on purpose and must be there.
pub(super) fn read_context(named: Option<&Path>, context: &str) -> Result<ContextParts, String> {
    let (kubeconfig, places) = read_files(named)?;
    let files = places.iter().map(|it| it.display().to_string()).collect::<Vec<_>>().join(", ");
    let found = kubeconfig.contexts.iter().find(|it| it.name == context).and_then(|it| it.context.clone());
    let Some(found) = found else {
        let names: Vec<&str> = kubeconfig.contexts.iter().map(|it| it.name.as_str()).collect();
        return Err(format!("it is not in the kubeconfig ({files}){}", suggestion(context, &names)));
    };
    let cluster = kubeconfig.clusters.iter().find(|it| it.name == found.cluster).and_then(|it| it.cluster.clone());
    let Some(cluster) = cluster else {
        return Err(format!("its cluster {:?} is not in the kubeconfig ({files})", found.cluster));
    };
    let user = found.user.unwrap_or_default();
    let auth = if user.is_empty() {
        AuthInfo::default()
    } else {
        let auth = kubeconfig.auth_infos.iter().find(|it| it.name == user).and_then(|it| it.auth_info.clone());
        auth.ok_or_else(|| format!("its user {user:?} is not in the kubeconfig ({files})"))?
    };
    let of_cluster = |why: String| format!("cluster {:?} of the kubeconfig: {why}", found.cluster);
    let config = reach(&cluster).map_err(of_cluster)?;
    let proxy = match cluster.proxy_url.as_deref().filter(|it| !it.is_empty()) {
        // The text is not quoted: it may hold a password.
        Some(url) => Some(url.parse().map_err(|error| of_cluster(format!("proxy-url cannot be read: {error}")))?),
        None => None,
    };
    Ok(ContextParts { config, proxy, user, auth, cluster: ExecAuthCluster::try_from(&cluster).ok() })
}

fn suggestion(context: &str, names: &[&str]) -> String {
    let near = names.iter().map(|it| (edits(it, context), *it)).min();
    match near {
        None => ", which has no context at all".to_owned(),
        Some((edits, near)) if edits <= 2.max(context.chars().count() / 3) => format!(" (did you mean {near:?}?)"),
        Some(_) => format!("; there are: {}", names.iter().take(12).copied().collect::<Vec<_>>().join(", ")),
    }
}

/// The files, joined: what an earlier one says wins. Files of `KUBECONFIG` that are not there are passed over.
fn read_files(named: Option<&Path>) -> Result<(Kubeconfig, Vec<PathBuf>), String> {
    if let Some(path) = named {
        return Ok((read_file(path)?, vec![path.to_owned()]));
    }
    let listed: Vec<PathBuf> = std::env::var_os("KUBECONFIG")
        .map(|value| std::env::split_paths(&value).filter(|it| !it.as_os_str().is_empty()).collect())
        .unwrap_or_default();
    let places = if listed.is_empty() {
        let home = std::env::var_os("HOME").ok_or("there is no kubeconfig: neither KUBECONFIG nor HOME is set")?;
        vec![Path::new(&home).join(".kube/config")]
    } else {
        listed
    };
    let mut joined = Kubeconfig::default();
    for path in &places {
        if path.try_exists().is_ok_and(|there| !there) {
            continue;
        }
        joined = joined.merge(read_file(path)?).map_err(|error| format!("{}: {}", path.display(), causes(&error)))?;
    }
    Ok((joined, places))
}

fn read_file(path: &Path) -> Result<Kubeconfig, String> {
    Kubeconfig::read_from(path).map_err(|error| format!("the kubeconfig cannot be read: {}", causes(&error)))
}

fn reach(cluster: &Cluster) -> Result<Config, String> {
    let server = cluster.server.as_deref().filter(|it| !it.is_empty()).ok_or("it has no server")?;
    let url: Uri = server.parse().map_err(|error| format!("server {server:?}: {error}"))?;
    if url.scheme().is_none() {
        return Err(format!("server {server:?} is no URL: it begins with https://"));
    }
    let mut config = Config::new(url);
    let bundle = match (&cluster.certificate_authority_data, &cluster.certificate_authority) {
        (Some(data), _) if !data.is_empty() => {
            let wrong = |error| format!("certificate-authority-data is not base64: {error}");
            Some((BASE64_STANDARD.decode(data.trim()).map_err(wrong)?, "certificate-authority-data".to_owned()))
        }
        (_, Some(path)) if !path.is_empty() => {
            let bytes = std::fs::read(path).map_err(|error| format!("certificate-authority {path}: {error}"))?;
            Some((bytes, format!("certificate-authority {path}")))
        }
        _ => None,
    };
    let unverified = cluster.insecure_skip_tls_verify.unwrap_or(false);
    if let Some((pem, from)) = bundle {
        if unverified {
            return Err("it has both insecure-skip-tls-verify and a certificate authority: remove one".to_owned());
        }
        config.root_cert = Some(certificates(&pem).map_err(|why| format!("{from}: {why}"))?);
    }
    config.accept_invalid_certs = unverified;
    config.disable_compression = cluster.disable_compression.unwrap_or(false);
    config.tls_server_name = cluster.tls_server_name.clone().filter(|it| !it.is_empty());
    Ok(config)
}

/// The certificates of PEM, at least one.
pub(super) fn certificates(pem: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let found: Result<Vec<Vec<u8>>, _> =
        CertificateDer::pem_slice_iter(pem).map(|it| it.map(|der| der.as_ref().to_vec())).collect();
    match found {
        Ok(found) if found.is_empty() => Err("no certificate in it".to_owned()),
        Ok(found) => Ok(found),
        Err(error) => Err(format!("{error:?}")),
    }
}

/// Whether a certificate is of X.509 version 1, which has no version field: a TLS library that knows version 3 alone
/// refuses it.
pub(super) fn is_version_1(der: &[u8]) -> bool {
    let inner = |bytes: &[u8]| -> Option<usize> {
        match bytes {
            [0x30, length, ..] if *length < 0x80 => Some(2),
            [0x30, length, ..] => Some(2 + usize::from(length & 0x7f)),
            _ => None,
        }
    };
    let first = inner(der).and_then(|at| {
        let content = der.get(at..)?;
        content.get(inner(content)?).copied()
    });
    first == Some(0x02)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_tells_its_version() {
        let made = rcgen::generate_simple_self_signed(["c".to_owned()]).unwrap();
        assert!(!is_version_1(made.cert.der()));
        assert!(is_version_1(&[0x30, 0x82, 1, 0, 0x30, 0x81, 0x90, 0x02, 1, 5]));
        assert!(is_version_1(&[0x30, 10, 0x30, 5, 0x02, 1, 5]));
        assert!(!is_version_1(&[0x30, 10, 0x30, 5, 0xa0, 3, 2]));
        assert!(!is_version_1(b"") && !is_version_1(&[0x30, 0x82]));
    }

    #[test]
    fn a_context_that_is_near_is_suggested() {
        assert_eq!(suggestion("prd", &["prod", "stage"]), " (did you mean \"prod\"?)");
        assert_eq!(suggestion("x", &["production"]), "; there are: production");
        assert!(suggestion("x", &[]).contains("no context"));
    }
}

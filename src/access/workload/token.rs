//! Whose token lies in the token file that a container's environment names.
//!
//! Decides from the pod's volumes and the container's mounts: the file lies in the mount with the longest path above it, and
//! a projected volume says for which audience the token in it is made out. Documents that do not record mounts are taken to
//! have the webhook's where the webhook mounts it. A file that nothing is mounted at may be in the image: unknown.

use crate::model::workload::{
    Container, IRSA_MOUNT, IRSA_VOLUME, POD_IDENTITY_MOUNT, POD_IDENTITY_VOLUME, Pod, Volume, VolumeMount, linux_path,
};

/// The token in a container's token file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// A token of the pod's service account; its audience, or `None` for the API server's own.
    Projected {
        /// For whom it is made out.
        audience: Option<String>,
    },
    /// The file lies where the webhook mounts its token, and the volume was not recorded.
    Unrecorded,
    /// Whose token it is, is unknown, and why.
    Foreign(String),
}

impl Token {
    /// The audience, where it is known and the token's own.
    pub fn audience(&self) -> Option<&str> {
        match self {
            Token::Projected { audience } => audience.as_deref(),
            Token::Unrecorded | Token::Foreign(_) => None,
        }
    }
}

/// Which of the two token files the webhook knows a file is to be: its volume, its mount, and the file in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TokenFile {
    pub(crate) volume: &'static str,
    pub(crate) mount: &'static str,
    pub(crate) file: &'static str,
    /// Where mounts were not recorded: whether the volume then is.
    volume_kept: bool,
    label: &'static str,
}

/// IRSA's.
pub(crate) const IRSA_TOKEN: TokenFile =
    TokenFile { volume: IRSA_VOLUME, mount: IRSA_MOUNT, file: "token", volume_kept: true, label: "" };
/// Pod Identity's. Older documents keep no volume of it.
pub(crate) const POD_IDENTITY_TOKEN: TokenFile = TokenFile {
    volume: POD_IDENTITY_VOLUME,
    mount: POD_IDENTITY_MOUNT,
    file: "eks-pod-identity-token",
    volume_kept: false,
    label: " for Pod Identity",
};

impl TokenFile {
    /// The file's path on Linux.
    pub(crate) fn path(&self) -> String {
        format!("{}/{}", self.mount, self.file)
    }

    /// Whether a path names the file that the webhook mounts. On Windows with a drive and backslashes.
    pub(crate) fn is_at(&self, path: &str) -> bool {
        let tail = self.mount.strip_prefix("/var/run/secrets").unwrap_or(self.mount);
        linux_path(path).strip_suffix(self.file).is_some_and(|it| it.trim_end_matches('/').ends_with(tail))
    }
}

/// Whether the pod records where its containers mount volumes.
pub(crate) fn records_mounts(pod: &Pod) -> bool {
    pod.spec.containers.iter().chain(&pod.spec.init_containers).any(|it| it.volume_mounts.is_some())
}

/// The token at a path in a container.
pub(crate) fn read_token(pod: &Pod, container: &Container, path: &str, own: TokenFile) -> Token {
    let volume = |name: &str| pod.spec.volumes.iter().flatten().find(|it| it.name == name);
    if !records_mounts(pod) {
        if !own.is_at(path) {
            let which = own.label;
            return Token::Foreign(format!("its token file is not the one that the webhook mounts{which}"));
        }
        return match (volume(own.volume), own.volume_kept && pod.spec.volumes.is_some()) {
            (Some(it), _) => token_in(it, own.file),
            (None, false) => Token::Unrecorded,
            (None, true) => {
                Token::Foreign(format!("the pod has no volume {}, where its token file would be", own.volume))
            }
        };
    }
    let path = linux_path(path);
    let mounts = container.volume_mounts.iter().flatten();
    let deepest =
        mounts.filter(|it| it.rest_of(&path).is_some()).max_by_key(|it| it.mount_path.trim_end_matches('/').len());
    let Some(mount) = deepest else {
        return Token::Foreign(format!("nothing is mounted at its token file {path}"));
    };
    match volume(&mount.name) {
        Some(it) => token_in(it, &file_in(mount, &path)),
        None => Token::Foreign(no_token(&mount.name)),
    }
}

/// The file within the volume.
fn file_in(mount: &VolumeMount, path: &str) -> String {
    let rest = mount.rest_of(path).unwrap_or_default();
    let parts = [mount.sub_path.as_deref().unwrap_or_default(), rest];
    parts.into_iter().map(|it| it.trim_matches('/')).filter(|it| !it.is_empty()).collect::<Vec<_>>().join("/")
}

fn token_in(volume: &Volume, file: &str) -> Token {
    let tokens = volume.projected.sources.iter().filter_map(|it| it.service_account_token.as_ref());
    let found = tokens.into_iter().find(|it| it.path.as_deref().is_none_or(|it| it == file));
    match found {
        Some(it) => Token::Projected { audience: it.audience.clone().filter(|it| !it.is_empty()) },
        None => Token::Foreign(no_token(&volume.name)),
    }
}

fn no_token(volume: &str) -> String {
    format!("volume {volume}, which is mounted at its token file, projects no service account token there")
}

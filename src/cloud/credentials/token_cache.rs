//! Tokens of IAM Identity Center on disk, where `aws` and the SDKs keep and look for them.
//!
//! Decides the name of the file and its members. It is written whole or not at all, for its owner alone: it opens every
//! account that the person may enter.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use jiff::Timestamp;
use serde_json::json;

/// A token with the registration of the client that it was given to, which renews it.
pub(super) struct SsoToken {
    pub(super) start_url: String,
    pub(super) region: String,
    pub(super) access_token: String,
    pub(super) expires_at: Timestamp,
    pub(super) client_id: String,
    pub(super) client_secret: String,
    pub(super) registration_expires_at: Timestamp,
    pub(super) refresh_token: Option<String>,
}

/// The file of a session, or of a start URL where the profile names no session.
pub(super) fn token_path(home: &Path, session: Option<&str>, start_url: &str) -> PathBuf {
    let digest = digest(&SHA1_FOR_LEGACY_USE_ONLY, session.unwrap_or(start_url).as_bytes());
    let name: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    home.join(".aws/sso/cache").join(format!("{name}.json"))
}

/// Writes a token in the place of an older one.
pub(super) fn save_token(path: &Path, token: &SsoToken) -> io::Result<()> {
    let text = content(token);
    let Some(folder) = path.parent() else { return Err(io::Error::other("the file has no folder")) };
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    // Two programs may write at the same time.
    let new = path.with_extension(format!("{}.tmp", std::process::id()));
    let written = write_new(&new, &text).and_then(|()| std::fs::rename(&new, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&new);
    }
    written
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // New, so that it was nobody else's before.
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn content(token: &SsoToken) -> String {
    let time = |at: Timestamp| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let mut content = json!({
        "startUrl": token.start_url,
        "region": token.region,
        "accessToken": token.access_token,
        "expiresAt": time(token.expires_at),
        "clientId": token.client_id,
        "clientSecret": token.client_secret,
        "registrationExpiresAt": time(token.registration_expires_at),
    });
    if let Some(refresh_token) = &token.refresh_token {
        content["refreshToken"] = refresh_token.as_str().into();
    }
    content.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_token_stands_where_aws_looks_for_it_whole_and_for_its_owner_alone() {
        let home = std::env::temp_dir().join(format!("eksplorer-token-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&home);
        let of_session = token_path(&home, Some("corp"), "https://corp.awsapps.com/start");
        assert!(of_session.ends_with(".aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json"));
        let of_url = token_path(&home, None, "https://corp.awsapps.com/start");
        assert!(of_url != of_session && of_url.extension().is_some_and(|it| it == "json"));
        let mut token = SsoToken {
            start_url: "https://corp.awsapps.com/start".into(),
            region: "eu-west-1".into(),
            access_token: "a".into(),
            expires_at: Timestamp::UNIX_EPOCH,
            client_id: "i".into(),
            client_secret: "s".into(),
            registration_expires_at: Timestamp::UNIX_EPOCH,
            refresh_token: None,
        };
        save_token(&of_session, &token).unwrap();
        token.refresh_token = Some("r".into());
        save_token(&of_session, &token).unwrap();
        let wanted = concat!(
            r#"{"startUrl":"https://corp.awsapps.com/start","region":"eu-west-1","accessToken":"a","#,
            r#""expiresAt":"1970-01-01T00:00:00Z","clientId":"i","clientSecret":"s","#,
            r#""registrationExpiresAt":"1970-01-01T00:00:00Z","refreshToken":"r"}"#
        );
        assert_eq!(std::fs::read_to_string(&of_session).unwrap(), wanted);
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let folder = of_session.parent().unwrap();
        assert_eq!((mode(&of_session), mode(folder)), (0o600, 0o700));
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), 1, "nothing is left over");
        std::fs::remove_dir_all(home).unwrap();
    }
}

//! Where credentials come from, as the `aws` command decides it.
//!
//! Decides, from the environment and the two files alone, which profile is meant and which one source gives its
//! credentials, through however many roles. The first source that is configured is the only one: if it fails, its error is
//! the answer, and no other place is tried. To ask the source is [`super::resolve`]'s.

use std::path::PathBuf;

use aws_types::os_shim_internal::Env;

use super::files::{AwsFiles, Settings};
use super::words::{shell_word, split_words};
use crate::cloud::session::Credentials;
use crate::model::sign_in::SignInWay;

/// One source of credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CredentialSource {
    /// Keys that are written down.
    Keys(Credentials),
    /// A role that is assumed with the credentials of another source.
    Role(Box<RoleSource>),
    /// A role that is assumed with a token from a file.
    WebIdentity(WebIdentitySource),
    /// IAM Identity Center.
    Sso(SsoSource),
    /// A session of `aws login`.
    Login {
        /// The profile, to name it.
        profile: String,
        /// The ARN that the cached token is filed under.
        session: String,
    },
    /// A program that prints them.
    Process {
        /// The profile, to name it.
        profile: String,
        /// The program and its arguments.
        words: Vec<String>,
    },
    /// The endpoint of the container (ECS, EKS Pod Identity).
    Container,
    /// The metadata service of the EC2 instance.
    Instance,
    /// Nothing is configured anywhere.
    Nowhere,
}

/// A role of a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RoleSource {
    /// `profile "a" in /home/jane/.aws/config`
    pub(super) place: String,
    pub(super) profile: String,
    pub(super) arn: String,
    pub(super) external_id: Option<String>,
    pub(super) session_name: Option<String>,
    pub(super) seconds: Option<i32>,
    pub(super) mfa_serial: Option<String>,
    pub(super) by: CredentialSource,
}

/// A role for a web identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WebIdentitySource {
    pub(super) token_file: PathBuf,
    pub(super) role: String,
    pub(super) session_name: Option<String>,
}

/// A role of an account that IAM Identity Center gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SsoSource {
    pub(super) profile: String,
    pub(super) account: String,
    pub(super) role: String,
    pub(super) start_url: String,
    pub(super) region: String,
    /// `None`: the older form, with all settings in the profile.
    pub(super) session: Option<String>,
    /// What the client that signs in is registered for; the older form has none.
    pub(super) scopes: Vec<String>,
}

/// What a client is registered for, where the session names nothing.
const USUAL_SCOPE: &str = "sso:account:access";

impl CredentialSource {
    /// The MFA device that must be asked for a code, if there is one on the way.
    pub(super) fn mfa(&self) -> Option<&RoleSource> {
        match self {
            CredentialSource::Role(role) if role.mfa_serial.is_some() => Some(role),
            CredentialSource::Role(role) => role.by.mfa(),
            _ => None,
        }
    }

    /// The sign-in of IAM Identity Center that it rests on, if it does.
    pub(super) fn sso(&self) -> Option<&SsoSource> {
        match self {
            CredentialSource::Sso(sso) => Some(sso),
            CredentialSource::Role(role) => role.by.sso(),
            _ => None,
        }
    }

    /// How a person can give it new credentials.
    pub(super) fn sign_in_way(&self) -> SignInWay {
        match self {
            CredentialSource::Sso(sso) => SignInWay::Sso { profile: sso.profile.clone() },
            CredentialSource::Login { profile, .. } => {
                SignInWay::Command(format!("aws login --profile {}", shell_word(profile)))
            }
            CredentialSource::Role(role) if role.by.sign_in_way() != SignInWay::Nothing => role.by.sign_in_way(),
            CredentialSource::Role(role) if role.mfa_serial.is_some() => SignInWay::Code,
            _ => SignInWay::Nothing,
        }
    }
}

/// The profile that is meant: its name, and where the name is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cloud) struct ChosenProfile {
    pub(in crate::cloud) name: String,
    /// Given to this program itself: then the environment's keys do not count.
    pub(super) explicit: bool,
}

/// Chooses the profile; one that is named must be there.
pub(in crate::cloud) fn choose_profile(
    given: Option<&str>,
    files: &AwsFiles,
    env: &Env,
) -> Result<ChosenProfile, String> {
    let of = |variable: &str| env.get(variable).ok().map(|name| (name, format!(" ({variable})"), false));
    // In this order: `aws` looks for AWS_DEFAULT_PROFILE first.
    let chosen = given
        .map(|name| (name.to_owned(), String::new(), true))
        .or_else(|| of("AWS_DEFAULT_PROFILE"))
        .or_else(|| of("AWS_PROFILE"));
    let Some((name, from, explicit)) = chosen else {
        return Ok(ChosenProfile { name: "default".to_owned(), explicit: false });
    };
    match files.profile(&name) {
        Some(_) => Ok(ChosenProfile { name, explicit }),
        None => Err(files.missing_profile(&name, &from)),
    }
}

/// The source of a session's credentials.
pub(super) fn choose_source(chosen: &ChosenProfile, files: &AwsFiles, env: &Env) -> Result<CredentialSource, String> {
    let chain = Chain { files, env };
    if !chosen.explicit
        && let Some(keys) = chain.environment()?
    {
        return Ok(CredentialSource::Keys(keys));
    }
    let profile = files.profile(&chosen.name).unwrap_or_default();
    if has_role(&profile) {
        return chain.role(&chosen.name, &mut vec![chosen.name.clone()]);
    }
    if let Some(found) = chain.of_profile(&chosen.name, chosen.explicit)? {
        return Ok(found);
    }
    Ok(chain.surroundings())
}

struct Chain<'a> {
    files: &'a AwsFiles,
    env: &'a Env,
}

/// True if a profile assumes a role by itself; one with a token file does so in another way.
fn has_role(profile: &Settings) -> bool {
    profile.contains_key("role_arn") && !profile.contains_key("web_identity_token_file")
}

fn has_keys(profile: &Settings) -> bool {
    profile.contains_key("aws_access_key_id") || profile.contains_key("aws_secret_access_key")
}

impl Chain<'_> {
    fn set(&self, variable: &str) -> Option<String> {
        self.env.get(variable).ok().filter(|value| !value.is_empty())
    }

    /// The keys of the environment. A secret without its key id does not count; the other way round is a mistake.
    fn environment(&self) -> Result<Option<Credentials>, String> {
        let Some(access_key_id) = self.set("AWS_ACCESS_KEY_ID") else { return Ok(None) };
        let Some(secret_access_key) = self.set("AWS_SECRET_ACCESS_KEY") else {
            return Err("half a key pair: AWS_ACCESS_KEY_ID is set, AWS_SECRET_ACCESS_KEY is not".to_owned());
        };
        let session_token = self.set("AWS_SECURITY_TOKEN").or_else(|| self.set("AWS_SESSION_TOKEN"));
        Ok(Some(Credentials { access_key_id, secret_access_key, session_token }))
    }

    fn surroundings(&self) -> CredentialSource {
        let container = ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"];
        if container.iter().any(|it| self.env.get(it).is_ok()) {
            CredentialSource::Container
        } else if self.env.get("AWS_EC2_METADATA_DISABLED").is_ok_and(|it| it.eq_ignore_ascii_case("true")) {
            CredentialSource::Nowhere
        } else {
            CredentialSource::Instance
        }
    }

    /// A profile that assumes a role. `visited` are the profiles on the way here.
    fn role(&self, name: &str, visited: &mut Vec<String>) -> Result<CredentialSource, String> {
        let profile = self.files.profile(name).unwrap_or_default();
        let place = self.files.place_of(name);
        let get = |key: &str| profile.get(key).cloned();
        let by = match (get("source_profile"), get("credential_source")) {
            (Some(_), Some(_)) => {
                return Err(format!("{place} has both source_profile and credential_source: remove one"));
            }
            (None, None) => {
                return Err(format!("{place} has role_arn, but neither source_profile nor credential_source"));
            }
            (None, Some(source)) => self.named_source(&source, &place)?,
            (Some(source), None) => self.source_profile(name, &source, &place, visited)?,
        };
        Ok(CredentialSource::Role(Box::new(RoleSource {
            profile: name.to_owned(),
            arn: get("role_arn").unwrap_or_default(),
            external_id: get("external_id"),
            session_name: get("role_session_name"),
            // One that is no number is passed over, as `aws` does.
            seconds: get("duration_seconds").and_then(|it| it.trim().parse().ok()),
            mfa_serial: get("mfa_serial"),
            place,
            by,
        })))
    }

    fn named_source(&self, source: &str, place: &str) -> Result<CredentialSource, String> {
        match source {
            "Environment" => self.environment()?.map(CredentialSource::Keys).ok_or_else(|| {
                format!("{place} takes its credentials from the environment (credential_source), which has none")
            }),
            "EcsContainer" => Ok(CredentialSource::Container),
            "Ec2InstanceMetadata" => Ok(CredentialSource::Instance),
            other => Err(format!(
                "{place}: credential_source {other:?} is not valid; there are Environment, Ec2InstanceMetadata and \
                 EcsContainer"
            )),
        }
    }

    fn source_profile(
        &self,
        name: &str,
        source: &str,
        place: &str,
        visited: &mut Vec<String>,
    ) -> Result<CredentialSource, String> {
        let Some(profile) = self.files.profile(source) else {
            return Err(format!("{place}: its source_profile is missing: {}", self.files.missing_profile(source, "")));
        };
        if visited.iter().any(|it| it == source) {
            // A profile may name itself where it has keys of its own.
            if source != name || !has_keys(&profile) {
                visited.push(source.to_owned());
                return Err(format!("{place}: source_profile goes round in a circle: {}", visited.join(" → ")));
            }
        }
        visited.push(source.to_owned());
        if !has_keys(&profile) && has_role(&profile) {
            return self.role(source, visited);
        }
        let found = self.of_profile(source, true)?;
        found.ok_or_else(|| format!("{place}: its source_profile has no credentials: {}", self.files.place_of(source)))
    }

    /// What a profile has, other than a role. Of an explicit one the environment's token file does not count.
    fn of_profile(&self, name: &str, explicit: bool) -> Result<Option<CredentialSource>, String> {
        let profile = self.files.profile(name).unwrap_or_default();
        if let Some(found) = self.web_identity(name, &profile, explicit)? {
            return Ok(Some(found));
        }
        if let Some(found) = self.sso(name, &profile)? {
            return Ok(Some(found));
        }
        if let Some(keys) = half_or_whole(self.files.of_credentials.get(name), name, &self.files.credentials)? {
            return Ok(Some(CredentialSource::Keys(keys)));
        }
        if let Some(session) = profile.get("login_session") {
            return Ok(Some(CredentialSource::Login { profile: name.to_owned(), session: session.clone() }));
        }
        if let Some(line) = profile.get("credential_process") {
            let place = self.files.place_of(name);
            let words = split_words(line)
                .ok_or_else(|| format!("{place}: credential_process has a quote that is not closed"))?;
            if words.is_empty() {
                return Err(format!("{place}: credential_process is empty"));
            }
            return Ok(Some(CredentialSource::Process { profile: name.to_owned(), words }));
        }
        let keys = half_or_whole(self.files.of_config.get(name), name, &self.files.config)?;
        Ok(keys.map(CredentialSource::Keys))
    }

    fn web_identity(&self, name: &str, profile: &Settings, explicit: bool) -> Result<Option<CredentialSource>, String> {
        let get = |variable: &str, key: &str| {
            let of_env = if explicit { None } else { self.env.get(variable).ok() };
            of_env.or_else(|| profile.get(key).cloned()).filter(|it| !it.is_empty())
        };
        let Some(token_file) = get("AWS_WEB_IDENTITY_TOKEN_FILE", "web_identity_token_file") else { return Ok(None) };
        let Some(role) = get("AWS_ROLE_ARN", "role_arn") else {
            return Err(format!(
                "a web identity token file is named ({token_file}), but no role: set role_arn in {}, or AWS_ROLE_ARN",
                self.files.place_of(name)
            ));
        };
        let session_name = get("AWS_ROLE_SESSION_NAME", "role_session_name");
        Ok(Some(CredentialSource::WebIdentity(WebIdentitySource { token_file: token_file.into(), role, session_name })))
    }

    fn sso(&self, name: &str, profile: &Settings) -> Result<Option<CredentialSource>, String> {
        if !profile.contains_key("sso_account_id") && !profile.contains_key("sso_role_name") {
            return Ok(None);
        }
        let place = self.files.place_of(name);
        let session = profile.get("sso_session").cloned();
        let mut settings = profile.clone();
        if let Some(session) = &session {
            let Some(shared) = self.files.sso_sessions.get(session) else {
                return Err(format!("{place}: there is no [sso-session {session}]"));
            };
            for (key, value) in shared.iter().filter(|(key, _)| key.starts_with("sso_")) {
                match settings.insert(key.clone(), value.clone()) {
                    Some(other) if other != *value => {
                        return Err(format!("{place}: {key} differs from the one of [sso-session {session}]"));
                    }
                    _ => {}
                }
            }
        }
        let needed = |key: &str| {
            settings
                .get(key)
                .cloned()
                .ok_or_else(|| format!("{place} signs in with IAM Identity Center, but {key} is missing"))
        };
        let scopes = match (&session, settings.get("sso_registration_scopes")) {
            (None, _) => Vec::new(),
            (Some(_), None) => vec![USUAL_SCOPE.to_owned()],
            (Some(_), Some(named)) => {
                named.split(',').map(|it| it.trim().to_owned()).filter(|it| !it.is_empty()).collect()
            }
        };
        Ok(Some(CredentialSource::Sso(SsoSource {
            scopes,
            profile: name.to_owned(),
            account: needed("sso_account_id")?,
            role: needed("sso_role_name")?,
            start_url: needed("sso_start_url")?,
            region: needed("sso_region")?,
            session,
        })))
    }
}

/// The keys of a section of one file; half a pair is a mistake, a secret alone does not count.
fn half_or_whole(
    section: Option<&Settings>,
    name: &str,
    file: &std::path::Path,
) -> Result<Option<Credentials>, String> {
    let Some((section, id)) = section.and_then(|it| Some((it, it.get("aws_access_key_id")?))) else { return Ok(None) };
    let Some(secret) = section.get("aws_secret_access_key") else {
        return Err(format!(
            "half a key pair: profile {name:?} in {} has aws_access_key_id, but no aws_secret_access_key",
            file.display()
        ));
    };
    let session_token = section.get("aws_security_token").or_else(|| section.get("aws_session_token")).cloned();
    Ok(Some(Credentials { access_key_id: id.clone(), secret_access_key: secret.clone(), session_token }))
}

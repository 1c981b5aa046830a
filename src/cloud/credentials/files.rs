//! The AWS configuration files, read as the `aws` command reads them (Python's configparser).
//!
//! Decides which lines are sections, settings and continuations, what is a mistake and on which line it stands, and which
//! settings a profile has when both files are joined. What the settings mean is [`super::chain`]'s.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use aws_types::os_shim_internal::Env;

use super::words::split_words;

/// The settings of one section, by their names in lower case.
pub(super) type Settings = BTreeMap<String, String>;

/// Both files.
#[derive(Clone, Debug, Default)]
pub(in crate::cloud) struct AwsFiles {
    /// The configuration file (`~/.aws/config`), whether it exists or not.
    pub(super) config: PathBuf,
    /// The shared credentials file (`~/.aws/credentials`), whether it exists or not.
    pub(super) credentials: PathBuf,
    /// The profiles of the configuration file alone.
    pub(super) of_config: BTreeMap<String, Settings>,
    /// The profiles of the credentials file alone.
    pub(super) of_credentials: BTreeMap<String, Settings>,
    /// The `[sso-session NAME]` sections.
    pub(super) sso_sessions: BTreeMap<String, Settings>,
    /// The `[services NAME]` sections.
    pub(super) services: BTreeMap<String, Settings>,
    /// Sections of the configuration file that are no profile: the word `profile` may have been forgotten.
    pub(super) others: BTreeSet<String>,
}

impl AwsFiles {
    /// Reads the files that the environment names; one that is not there has no profiles.
    pub(in crate::cloud) fn read(env: &Env) -> Result<AwsFiles, String> {
        let home = env.get("HOME").unwrap_or_default();
        let place = |variable: &str, usual: &str| {
            let named = env.get(variable).unwrap_or_else(|_| format!("~/.aws/{usual}"));
            match named.strip_prefix("~/") {
                Some(rest) => Path::new(&home).join(rest),
                None => PathBuf::from(named),
            }
        };
        let config = place("AWS_CONFIG_FILE", "config");
        let credentials = place("AWS_SHARED_CREDENTIALS_FILE", "credentials");
        let mut files = AwsFiles { config, credentials, ..AwsFiles::default() };
        for (name, settings) in read_sections(&files.config)? {
            let words = split_words(&name).unwrap_or_default();
            match words.as_slice() {
                [kind, name] if kind == "profile" => files.of_config.insert(name.clone(), settings),
                [kind, name] if kind == "sso-session" => files.sso_sessions.insert(name.clone(), settings),
                [kind, name] if kind == "services" => files.services.insert(name.clone(), settings),
                _ if name == "default" => files.of_config.insert(name, settings),
                _ => {
                    files.others.insert(name);
                    None
                }
            };
        }
        files.of_credentials = read_sections(&files.credentials)?.into_iter().collect();
        Ok(files)
    }

    /// A profile's settings; those of the credentials file win. `None` if neither file has the profile.
    pub(super) fn profile(&self, name: &str) -> Option<Settings> {
        match (self.of_config.get(name), self.of_credentials.get(name)) {
            (None, None) => None,
            (config, credentials) => {
                let mut joined = config.cloned().unwrap_or_default();
                joined.extend(credentials.cloned().unwrap_or_default());
                Some(joined)
            }
        }
    }

    /// The names of all profiles.
    pub(super) fn names(&self) -> BTreeSet<&str> {
        self.of_config.keys().chain(self.of_credentials.keys()).map(String::as_str).collect()
    }

    /// Why a profile cannot be used that neither file has.
    pub(super) fn missing_profile(&self, name: &str, from: &str) -> String {
        let said = format!(
            "there is no profile {name:?}{from} in {} or {}",
            self.config.display(),
            self.credentials.display()
        );
        if name.is_empty() {
            return format!("{said}: unset the variable or name a profile");
        }
        if self.others.contains(name) {
            return format!(
                "{said}: [{name}] in {} is no profile without the word profile; write [profile {name}]",
                self.config.display()
            );
        }
        let near = self.names().into_iter().map(|it| (edits(it, name), it)).min();
        match near {
            Some((edits, near)) if edits <= 2.max(name.chars().count() / 3) => {
                format!("{said} (did you mean {near:?}?)")
            }
            Some(_) => {
                let all: Vec<&str> = self.names().into_iter().take(12).collect();
                format!("{said}; there are: {}", all.join(", "))
            }
            None => said,
        }
    }

    /// Where a profile is written: for messages.
    pub(super) fn place_of(&self, name: &str) -> String {
        let file = if self.of_config.contains_key(name) { &self.config } else { &self.credentials };
        format!("profile {name:?} in {}", file.display())
    }

    /// A configuration file that has this profile alone, as `default`: for the SDK, whose own reading of these files
    /// differs from that of `aws` (names with blanks, the order of both files).
    pub(in crate::cloud) fn normalized(&self, name: &str) -> String {
        let mut text = "[default]\n".to_owned();
        let profile = self.profile(name).unwrap_or_default();
        // What gives credentials is decided in this room alone.
        for (key, value) in profile.iter().filter(|(key, _)| !CREDENTIALS.contains(&key.as_str())) {
            let value = if key == "services" { "s" } else { value };
            text.push_str(&format!("{key} = {value}\n"));
        }
        if let Some(services) = profile.get("services").and_then(|it| self.services.get(it)) {
            text.push_str("[services s]\n");
            for (key, value) in services {
                let value: String = value.lines().map(|line| format!("\n  {line}")).collect();
                text.push_str(&format!("{key} ={value}\n"));
            }
        }
        text
    }
}

/// Settings by which a profile comes to credentials.
const CREDENTIALS: [&str; 18] = [
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "aws_security_token",
    "role_arn",
    "source_profile",
    "credential_source",
    "web_identity_token_file",
    "role_session_name",
    "external_id",
    "mfa_serial",
    "credential_process",
    "sso_session",
    "sso_account_id",
    "sso_role_name",
    "sso_start_url",
    "sso_region",
    "login_session",
];

/// How many single-letter edits lie between two names.
pub(in crate::cloud) fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

fn read_sections(path: &Path) -> Result<Vec<(String, Settings)>, String> {
    let wrong = |why: String| format!("the AWS configuration cannot be read: {}{why}", path.display());
    if !path.is_file() {
        return Ok(Vec::new());
    }
    let bytes = std::fs::read(path).map_err(|error| wrong(format!(": {error}")))?;
    let text = String::from_utf8(bytes).map_err(|_| wrong(" is not UTF-8".to_owned()))?;
    parse(&text).map_err(|(line, why)| wrong(format!(", line {line}: {why}")))
}

/// A setting that following lines may continue.
struct Open {
    key: String,
    lines: Vec<String>,
}

/// The sections in the order written.
fn parse(text: &str) -> Result<Vec<(String, Settings)>, (usize, String)> {
    let mut sections: Vec<(String, Settings)> = Vec::new();
    let mut open: Option<Open> = None;
    let mut indent = 0;
    for (number, line) in text.lines().enumerate().map(|(index, line)| (index + 1, line)) {
        let trimmed = line.trim();
        if trimmed.starts_with(['#', ';']) {
            continue;
        }
        if trimmed.is_empty() {
            if let Some(open) = &mut open {
                open.lines.push(String::new());
            }
            continue;
        }
        let deep = line.chars().take_while(|it| it.is_whitespace()).count();
        if let Some(open) = open.as_mut().filter(|_| deep > indent) {
            open.lines.push(trimmed.to_owned());
            continue;
        }
        indent = deep;
        close(&mut sections, open.take());
        if let Some(name) = section_name(trimmed) {
            if sections.iter().any(|(known, _)| known == name) {
                return Err((number, format!("the section [{name}] is there twice; join the two")));
            }
            sections.push((name.to_owned(), Settings::new()));
            continue;
        }
        let Some((_, settings)) = sections.last() else {
            return Err((number, "a setting stands before the first [section]".to_owned()));
        };
        let Some((key, value)) = trimmed.split_once(['=', ':']).filter(|(key, _)| !key.trim().is_empty()) else {
            // The line may hold a secret: it is not shown.
            return Err((number, "this is neither a [section] nor `name = value`".to_owned()));
        };
        let key = key.trim_end().to_lowercase();
        if settings.contains_key(&key) {
            return Err((number, format!("{key} is set twice in this section; remove one")));
        }
        open = Some(Open { key, lines: vec![value.trim().to_owned()] });
        close_early(&mut sections, open.as_ref());
    }
    close(&mut sections, open);
    check_nested(text, &sections)?;
    // Settings of [DEFAULT] hold for all sections, as configparser has it.
    if let Some(at) = sections.iter().position(|(name, _)| name == "DEFAULT") {
        let (_, defaults) = sections.remove(at);
        for (_, settings) in &mut sections {
            for (key, value) in &defaults {
                settings.entry(key.clone()).or_insert_with(|| value.clone());
            }
        }
    }
    Ok(sections)
}

/// `[NAME]`: what follows the last bracket does not count.
fn section_name(line: &str) -> Option<&str> {
    line.strip_prefix('[')?.rsplit_once(']').map(|(name, _)| name).filter(|name| !name.is_empty())
}

/// Notes a setting at once, so that a second one of the same name is noticed.
fn close_early(sections: &mut [(String, Settings)], open: Option<&Open>) {
    if let (Some((_, settings)), Some(open)) = (sections.last_mut(), open) {
        settings.insert(open.key.clone(), String::new());
    }
}

fn close(sections: &mut [(String, Settings)], open: Option<Open>) {
    if let (Some((_, settings)), Some(open)) = (sections.last_mut(), open) {
        settings.insert(open.key, open.lines.join("\n").trim_end().to_owned());
    }
}

/// A value that begins on the line after its name is itself a list of settings.
fn check_nested(text: &str, sections: &[(String, Settings)]) -> Result<(), (usize, String)> {
    for (key, value) in sections.iter().flat_map(|(_, settings)| settings).filter(|(_, it)| it.starts_with('\n')) {
        if let Some(bad) = value.lines().find(|line| !line.trim().is_empty() && !line.contains('=')) {
            let number = text.lines().position(|line| line.trim() == bad).map_or(1, |at| at + 1);
            return Err((number, format!("what is indented under {key} must be `name = value`")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> Vec<(String, Vec<(String, String)>)> {
        parse(text).unwrap().into_iter().map(|(name, it)| (name, it.into_iter().collect())).collect()
    }

    #[test]
    fn lines_are_read_as_configparser_reads_them() {
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        for (text, wanted) in [
            ("[default]\nregion = eu-west-1\n", vec![pair("region", "eu-west-1")]),
            ("[default]\nREGION: eu-west-1\n", vec![pair("region", "eu-west-1")]),
            ("  [default]\n  region=eu-west-1 # stays\n", vec![pair("region", "eu-west-1 # stays")]),
            ("[default] ; after\n# a comment\n; another\nregion=\n", vec![pair("region", "")]),
            ("[default]\na = 1\n  b = 2\nc = 3\n", vec![pair("a", "1\nb = 2"), pair("c", "3")]),
            ("[default]\ns3 =\n  x = y\n\n", vec![pair("s3", "\nx = y")]),
            ("[default]\nkey = a=b:c\n", vec![pair("key", "a=b:c")]),
        ] {
            assert_eq!(settings(text), [("default".to_owned(), wanted)], "{text:?}");
        }
        assert_eq!(settings("[DEFAULT]\nregion=a\n[x]\n[y]\nregion=b\n")[0].1, [pair("region", "a")]);
    }

    #[test]
    fn a_mistake_names_its_line() {
        for (text, line, wanted) in [
            ("[default]\nregion eu-west-1\n", 2, "neither a [section]"),
            ("region = a\n", 1, "before the first"),
            ("[a]\n\n[a]\n", 3, "twice"),
            ("[a]\nx=1\nX=2\n", 3, "x is set twice"),
            ("[profile x\n", 1, "before the first"),
            ("[a]\n[b\n", 2, "neither a [section]"),
            ("[a]\ns3 =\n  x\n", 3, "indented under s3"),
            ("\u{feff}[a]\n", 1, "before the first"),
        ] {
            let (at, why) = parse(text).unwrap_err();
            assert!(at == line && why.contains(wanted), "{text:?}: {at} {why}");
        }
    }

    #[test]
    fn what_is_one_slip_away_is_near() {
        for (a, b, wanted) in [("prod", "prod", 0), ("prod", "prdo", 2), ("prod", "prd", 1), ("", "ab", 2)] {
            assert_eq!(edits(a, b), wanted);
        }
    }
}

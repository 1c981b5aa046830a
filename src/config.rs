//! The configuration file's schema and how it joins with flags: flag > environment > file > default.
//!
//! Decides what may stand in the file and what a mistake in it says; unknown keys are errors, so that a typo does not
//! pass for a setting. The AWS environment (profile, region, endpoints) is the SDK's own to read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::cli::Options;
use crate::model::cluster::ClusterId;

/// What may stand in `config.toml`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct File {
    /// As `--cluster`.
    pub cluster: Option<String>,
    /// As `--profile`.
    pub profile: Option<String>,
    /// As `--region`, each.
    #[serde(default)]
    pub regions: Vec<String>,
    /// As `--context`.
    pub context: Option<String>,
    /// As `--concurrency`.
    pub concurrency: Option<u16>,
    /// `true`: as `--write`. `false`: nothing is ever changed, whatever the flags say.
    pub write: Option<bool>,
    /// What holds for single clusters, by name or by `region/name`.
    #[serde(default)]
    pub clusters: BTreeMap<String, OfCluster>,
}

/// What may stand in `[clusters."NAME"]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct OfCluster {
    /// `true`: as `--write`, for this cluster. `false`: it is never changed, whatever the flags say.
    pub write: Option<bool>,
}

/// Why the configuration can't be used.
#[derive(Debug, thiserror::Error)]
#[error("the configuration file {path} cannot be used: {message}", path = .path.display())]
pub struct ConfigError {
    path: PathBuf,
    message: String,
}

/// Calls in flight at once, for each service, unless told otherwise.
pub const DEFAULT_CONCURRENCY: u16 = 8;

/// Reads the file, if it is there; one that was named must be.
pub fn load(path: &Path, named: bool) -> Result<File, ConfigError> {
    let wrong = |message: String| ConfigError { path: path.to_owned(), message };
    match std::fs::read_to_string(path) {
        Ok(text) => parse(&text).map_err(wrong),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !named => Ok(File::default()),
        Err(error) => Err(wrong(error.to_string())),
    }
}

/// Reads the file's text; an error names line and key.
pub fn parse(text: &str) -> Result<File, String> {
    let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
    match file.concurrency {
        Some(0 | 65..) => Err("concurrency must be between 1 and 64".to_owned()),
        _ => Ok(file),
    }
}

/// The options with what only the file says filled in.
pub fn merge(mut options: Options, file: File) -> Options {
    options.cluster = options.cluster.or(file.cluster);
    options.profile = options.profile.or(file.profile);
    options.context = options.context.or(file.context);
    options.concurrency = options.concurrency.or(file.concurrency);
    // The one thing that the file can forbid.
    options.write = if file.write == Some(false) { Some(false) } else { options.write.or(file.write) };
    // Where nothing is to be changed at all, no cluster is excepted.
    if options.write != Some(false) {
        options.writes = file.clusters.into_iter().filter_map(|(name, it)| Some((name, it.write?))).collect();
    }
    if options.regions.is_empty() {
        options.regions = file.regions;
    }
    options
}

impl Options {
    /// Why the configuration forbids changes in a cluster, if it does.
    pub fn may_write(&self, cluster: &ClusterId) -> Result<(), String> {
        match cluster.rule(&self.writes) {
            _ if self.write == Some(false) => {
                Err("writing is switched off in the configuration (write = false): nothing was done".to_owned())
            }
            Some((key, false)) => Err(format!(
                "writing to cluster {cluster} is switched off in the configuration (write = false under \
                 [clusters.{key:?}]): nothing was done"
            )),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[test]
    fn a_flag_wins_over_the_file_and_a_typo_is_an_error() {
        let file = parse("cluster = \"f\"\nregions = [\"eu-west-1\"]\nconcurrency = 4\n").expect("parses");
        let options = crate::cli::Cli::parse_from(["eksplorer", "-c", "flag"]).options;
        let merged = merge(options, file);
        assert_eq!(merged.cluster.as_deref(), Some("flag"));
        assert_eq!((merged.regions.as_slice(), merged.concurrency), (&["eu-west-1".to_owned()][..], Some(4)));
        let error = parse("clutser = \"x\"\n").expect_err("typo");
        assert!(error.contains("line 1") && error.contains("clutser"), "{error}");
        assert!(parse("concurrency = 0").is_err());
    }

    #[test]
    fn a_cluster_is_allowed_or_forbidden_by_name_and_forbidding_wins() {
        let id =
            |region: &str, name: &str| crate::model::cluster::ClusterId { region: region.into(), name: name.into() };
        let text = "[clusters.\"prod-eu1\"]\nwrite = false\n[clusters.\"us-east-1/prod-eu1\"]\nwrite = true\n\
                    [clusters.sandbox]\nwrite = true\n[clusters.other]\n";
        let options = |flags: &[&str]| crate::cli::Cli::parse_from([&["eksplorer"], flags].concat()).options;
        let merged = merge(options(&["--write"]), parse(text).expect("parses"));
        let said = |options: &Options, id| options.may_write(&id).map_err(|_| ());
        for (options, cluster, wanted) in [
            (&merged, id("eu-west-1", "prod-eu1"), Err(())),
            (&merged, id("us-east-1", "prod-eu1"), Ok(())),
            (&merged, id("eu-west-1", "sandbox"), Ok(())),
            (&merged, id("eu-west-1", "other"), Ok(())),
        ] {
            assert_eq!(said(options, cluster.clone()), wanted, "{cluster}");
        }
        let never = merge(options(&["--write"]), parse(&format!("write = false\n{text}")).expect("parses"));
        assert_eq!(said(&never, id("eu-west-1", "sandbox")), Err(()), "nothing is ever changed");
        assert!(parse("[clusters.a]\nwirte = false").is_err());
    }

    #[test]
    fn the_sample_file_is_the_default() {
        let sample = parse(include_str!("../assets/config.toml")).expect("the sample parses");
        assert_eq!(sample, File::default());
    }
}

//! The configuration file's schema and how it joins with flags: flag > environment > file > default.
//!
//! Decides what may stand in the file and what a mistake in it says; unknown keys are errors, so that a typo does not
//! pass for a setting. The AWS environment (profile, region, endpoints) is the SDK's own to read.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::cli::Options;

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
    if options.regions.is_empty() {
        options.regions = file.regions;
    }
    options
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
    fn the_sample_file_is_the_default() {
        let sample = parse(include_str!("../assets/config.toml")).expect("the sample parses");
        assert_eq!(sample, File::default());
    }
}

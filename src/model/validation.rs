//! EKS's value rules: what it accepts in a write, and in which words it refuses.
//!
//! Decides on values alone, each rule once, for whoever makes a change and whoever answers one. Texts that EKS is known
//! to use stand here as it says them; where its words are not known, ours say what is wrong, and a comment marks them.
//! What is there already (is it taken, is there room) the caller counts. A rule about access entries goes into `entry`,
//! about access policies into `policy`, about Pod Identity into `association`; what several share stands here.

use std::collections::BTreeMap;
use std::fmt;

use super::cluster::{AuthenticationMode, Cluster};

pub mod association;
pub mod entry;
pub mod entry_type;
pub mod policy;

/// The error codes with which EKS refuses a value or a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// A value is wrong.
    InvalidParameter,
    /// It is not allowed in this state.
    InvalidRequest,
    /// There are as many already as there may be.
    ResourceLimitExceeded,
    /// There is one already.
    ResourceInUse,
}

impl Code {
    /// As EKS writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Code::InvalidParameter => "InvalidParameterException",
            Code::InvalidRequest => "InvalidRequestException",
            Code::ResourceLimitExceeded => "ResourceLimitExceededException",
            Code::ResourceInUse => "ResourceInUseException",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What EKS says when it does not accept something.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Invalid {
    /// The error's code.
    pub code: Code,
    /// Its text.
    pub message: String,
}

impl Invalid {
    /// A wrong value.
    pub fn parameter(message: impl Into<String>) -> Self {
        Invalid { code: Code::InvalidParameter, message: message.into() }
    }

    /// Something that the state does not allow.
    pub fn request(message: impl Into<String>) -> Self {
        Invalid { code: Code::InvalidRequest, message: message.into() }
    }

    fn limit(message: impl Into<String>) -> Self {
        Invalid { code: Code::ResourceLimitExceeded, message: message.into() }
    }

    fn in_use(message: impl Into<String>) -> Self {
        Invalid { code: Code::ResourceInUse, message: message.into() }
    }
}

/// Where a cluster is at home: most rules about ARNs ask for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Home<'a> {
    /// `aws`, `aws-cn`, …
    pub partition: &'a str,
    /// Twelve digits.
    pub account: &'a str,
}

/// Has the cluster access entries that can be read and written? A CONFIG_MAP cluster has none, nor has one that EKS does
/// not run.
pub fn has_access_entries(cluster: &Cluster) -> Result<(), Invalid> {
    if cluster.connector_config.is_some() {
        // Our words.
        return Err(Invalid::request("Access entries are not supported for connected clusters."));
    }
    reads_access_entries(cluster.authentication_mode())
}

/// Does the mode know access entries?
pub fn reads_access_entries(mode: AuthenticationMode) -> Result<(), Invalid> {
    if mode.reads_entries() {
        return Ok(());
    }
    Err(Invalid::request(
        "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this operation.",
    ))
}

/// Is the cluster in a state in which it can be changed? One whose state is not recorded is taken to be.
pub fn accepts_changes(cluster: &Cluster) -> Result<(), Invalid> {
    match cluster.status.as_deref() {
        None | Some("ACTIVE" | "UPDATING") => Ok(()),
        // Our words.
        Some(status) => Err(Invalid::request(format!("Cluster {} is in status {status}.", cluster.name))),
    }
}

/// A cluster's name: 1 to 100 of letters, digits, `-` and `_`, the first of which is a letter or a digit.
pub fn cluster_name(name: &str) -> Result<(), Invalid> {
    let fits = name.len() <= 100
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    // Our words; the pattern is the API's.
    let wrong = || format!("The cluster name {name:?} is invalid: it must match [0-9A-Za-z][A-Za-z0-9-_]* (1-100).");
    if fits { Ok(()) } else { Err(Invalid::parameter(wrong())) }
}

/// The most tags that anything may have.
pub const MAX_TAGS: usize = 50;

/// All the tags of a thing: at most 50, keys of 1 to 128 characters, values of at most 256, no key of AWS's own.
pub fn tags(tags: &BTreeMap<String, String>) -> Result<(), Invalid> {
    // Our words throughout; the bounds are the API's.
    if tags.len() > MAX_TAGS {
        return Err(Invalid::parameter(format!("There are {} tags; {MAX_TAGS} is the most.", tags.len())));
    }
    tags.iter().try_for_each(|(key, value)| tag(key, value))
}

/// One tag.
pub fn tag(key: &str, value: &str) -> Result<(), Invalid> {
    tag_key(key)?;
    match value.chars().count() {
        0..=256 => Ok(()),
        length => {
            Err(Invalid::parameter(format!("The value of tag {key:?} has {length} characters; 256 is the most.")))
        }
    }
}

/// A tag's key.
pub fn tag_key(key: &str) -> Result<(), Invalid> {
    match key.chars().count() {
        1..=128 if key.to_ascii_lowercase().starts_with("aws:") => {
            Err(Invalid::parameter(format!("The tag key {key:?} is invalid: aws: is reserved.")))
        }
        1..=128 => Ok(()),
        length => Err(Invalid::parameter(format!("A tag key has {length} characters; it must have 1 to 128."))),
    }
}

/// A value that must be there and not be empty.
pub fn needed<'a>(name: &str, value: Option<&'a str>) -> Result<&'a str, Invalid> {
    // Our words.
    value.filter(|it| !it.is_empty()).ok_or_else(|| Invalid::parameter(format!("{name} is required.")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cluster_names() {
        for (name, fits) in [
            ("prod", true),
            ("0-a_B", true),
            ("", false),
            ("-a", false),
            ("_a", false),
            ("a.b", false),
            ("a b", false),
            ("ü", false),
        ] {
            assert_eq!(cluster_name(name).is_ok(), fits, "{name}");
        }
        assert!(cluster_name(&"a".repeat(100)).is_ok() && cluster_name(&"a".repeat(101)).is_err());
    }

    #[test]
    fn tags_have_bounds() {
        let all = |count: usize| (0..count).map(|n| (format!("k{n}"), String::new())).collect::<BTreeMap<_, _>>();
        assert!(tags(&all(50)).is_ok());
        assert_eq!(tags(&all(51)).unwrap_err().code, Code::InvalidParameter);
        for (key, value, fits) in [
            ("k", "", true),
            ("", "v", false),
            ("aws:x", "v", false),
            ("AWS:x", "v", false),
            ("awesome", "v", true),
            (&"ü".repeat(128), "v", true),
            (&"k".repeat(129), "v", false),
            ("k", &"ü".repeat(256), true),
            ("k", &"v".repeat(257), false),
        ] {
            assert_eq!(tag(key, value).is_ok(), fits, "{key} {value}");
        }
    }

    #[test]
    fn a_state_that_allows_nothing_is_told_in_eks_own_words() {
        let error = reads_access_entries(AuthenticationMode::ConfigMap).unwrap_err();
        assert_eq!(
            error.to_string(),
            "InvalidRequestException: The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] \
             to perform this operation."
        );
        assert!(reads_access_entries(AuthenticationMode::Api).is_ok());
        let mut cluster = Cluster { name: "c".into(), ..Cluster::default() };
        assert!(accepts_changes(&cluster).is_ok());
        for (status, fits) in [("ACTIVE", true), ("UPDATING", true), ("CREATING", false), ("DELETING", false)] {
            cluster.status = Some(status.to_owned());
            assert_eq!(accepts_changes(&cluster).is_ok(), fits, "{status}");
        }
        cluster.connector_config = Some(serde_json::json!({}));
        assert_eq!(has_access_entries(&cluster).unwrap_err().code, Code::InvalidRequest);
    }

    #[test]
    fn what_is_needed_is_not_empty() {
        assert_eq!(needed("namespace", Some("a")), Ok("a"));
        for missing in [None, Some("")] {
            assert_eq!(needed("namespace", missing).unwrap_err().message, "namespace is required.");
        }
    }
}

//! What stands after a slash: `pods/exec` is a subresource, `configmaps/aws-auth` an object.
//!
//! Decides which of the two it is. kubectl reads TYPE/NAME always (`kubectl auth can-i get pods/exec` is about a pod
//! named exec: kubernetes/kubectl `pkg/cmd/auth/cani.go`); RBAC rules write RESOURCE/SUBRESOURCE. Here a word is a
//! subresource where discovery has it, and a name where discovery has none such. Where discovery was not read, a word
//! that is some resource's subresource is taken for one, and the name is kept as another meaning.

use super::super::did_you_mean::{NameKind, UnknownName};
use super::super::permissions::Permissions;
use super::{FoundResource, built_in, is_impersonation};

/// Subresources that are served, and that discovery does not list.
const VIRTUAL_SUBRESOURCES: [(&str, &str); 2] = [("nodes", "metrics"), ("nodes", "stats")];

/// What was typed behind the resource. Empty is nothing.
#[derive(Clone, Copy, Debug)]
pub(super) enum AfterSlash<'a> {
    /// A subresource, given as such.
    Subresource(&'a str),
    /// A subresource or a name.
    Either(&'a str),
}

/// What it is taken for.
#[derive(Debug, Default)]
pub(super) struct ReadSlash {
    /// The subresource and the name.
    pub(super) read: (String, String),
    /// What else it may be.
    pub(super) instead: Option<(String, String)>,
    /// Why it is not known which; empty where it is.
    pub(super) open: String,
    /// What is to be said of it.
    pub(super) note: Option<String>,
    /// A subresource that does not exist.
    pub(super) unknown: Option<UnknownName>,
}

pub(super) fn read_slash(
    permissions: &Permissions,
    verb: &str,
    found: &FoundResource,
    slashed: AfterSlash<'_>,
    name: &str,
) -> ReadSlash {
    let (AfterSlash::Subresource(word) | AfterSlash::Either(word)) = slashed;
    let as_subresource = ReadSlash { read: (word.to_owned(), name.to_owned()), ..ReadSlash::default() };
    let as_name = ReadSlash { read: (String::new(), word.to_owned()), ..ReadSlash::default() };
    let (group, plural) = (found.group.as_str(), found.plural.as_str());
    // `userextras/scopes` is a key of the extra fields; users and signers have names, and nothing serves them.
    let is_extra = is_impersonation(verb) && plural == "userextras";
    let is_virtual = VIRTUAL_SUBRESOURCES.contains(&(plural, word));
    if word.is_empty() || word == "*" || plural == "*" || is_extra || is_virtual {
        return as_subresource;
    }
    let may_be_name = matches!(slashed, AfterSlash::Either(_)) && name.is_empty();
    if found.is_virtual {
        return if may_be_name { as_name } else { as_subresource };
    }
    let served = permissions.served();
    let Some(resource) = served.find(group, plural) else {
        let is_name = may_be_name && found.unknown.is_none() && !is_known_subresource(permissions, plural, word);
        return if is_name { as_name } else { as_subresource };
    };
    if resource.subresources.contains_key(word) {
        return as_subresource;
    }
    let said = format!("no subresource {word:?} of {plural} is known");
    let all: Vec<String> = resource.subresources.keys().map(|it| format!("{plural}/{it}")).collect();
    let typed = format!("{plural}/{word}");
    let aliases = resource.subresources.keys().map(String::as_str).zip(all.iter().map(String::as_str));
    let unknown = UnknownName { given: typed, ..UnknownName::with_aliases(NameKind::Resource, word, aliases) };
    match (may_be_name, served.gap_for(Some(group))) {
        (false, None) => ReadSlash { note: Some(said), unknown: Some(unknown), ..as_subresource },
        (false, Some(_)) => ReadSlash { note: Some(said), ..as_subresource },
        (true, Some(gap)) if is_known_subresource(permissions, plural, word) => ReadSlash {
            instead: Some(as_name.read),
            open: format!("whether {word:?} is a subresource of {plural} or an object ({gap})"),
            note: Some(said),
            ..as_subresource
        },
        // A slip in a subresource reads as a name, as kubectl reads it.
        (true, _) => {
            let near = unknown.suggestions.first();
            let note = near.map(|it| format!("{said}: taken for the object named {word:?}; did you mean {it}?"));
            ReadSlash { note, ..as_name }
        }
    }
}

/// Whether any resource has a subresource of that name, as far as the table, discovery and the rules tell.
fn is_known_subresource(permissions: &Permissions, plural: &str, word: &str) -> bool {
    let own = format!("{plural}/{word}");
    let any = format!("*/{word}");
    built_in().iter().chain(permissions.served().iter()).any(|it| it.subresources.contains_key(word))
        || permissions.index().all_rules().flat_map(|rule| &rule.resources).any(|it| *it == own || *it == any)
}

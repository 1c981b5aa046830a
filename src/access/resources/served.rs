//! The resources that a cluster's API server serves, and which of them a typed name stands for.
//!
//! Decides as kubectl does (k8s.io/client-go `restmapper/shortcut.go` and `restmapper/discovery.go`, k8s.io/apimachinery
//! `pkg/api/meta/restmapper.go` and `priority.go`): plural and singular names before short names, API groups in the order
//! of discovery, a group by its beginning. The names are discovery's. Where discovery was not read, the table of
//! Kubernetes' own resources stands in: it knows no custom resource, and [`ServedResources::gap`] says so.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use crate::model::discovery::ApiResource;
use crate::model::snapshot::{ClusterFacts, Section};

/// Kubernetes' own resources, in discovery's order, from an API server's discovery.
static BUILT_IN: LazyLock<Arc<Vec<ApiResource>>> = LazyLock::new(|| {
    // A test reads the table; it cannot fail where the program runs.
    let mut all: Vec<ApiResource> =
        serde_json::from_str(include_str!("../../../assets/api-resources.json")).unwrap_or_default();
    all.sort_by_key(|it| FIRST.iter().position(|first| *first == it.group).unwrap_or(FIRST.len()));
    Arc::new(all)
});

static BUILT_IN_INDEX: LazyLock<Arc<Index>> = LazyLock::new(|| Arc::new(index(&BUILT_IN)));

/// The groups that come first in discovery, of those that have resources of the same name.
const FIRST: [&str; 4] = ["", "apps", "batch", "networking.k8s.io"];

type Index = BTreeMap<(String, String), ApiResource>;

/// The resources that Kubernetes has by itself, by group and plural.
pub fn built_in() -> &'static [ApiResource] {
    &BUILT_IN
}

/// Kubernetes' own resource of that group and plural.
pub fn find(group: &str, plural: &str) -> Option<&'static ApiResource> {
    built_in().iter().find(|it| it.group == group && it.plural == plural)
}

/// What the API server serves, as far as it is known.
#[derive(Clone, Debug, PartialEq)]
pub struct ServedResources {
    /// In discovery's order, one for each version.
    all: Arc<Vec<ApiResource>>,
    /// One for all versions of a resource.
    index: Arc<Index>,
    /// Why there may be resources that `all` does not have.
    gap: Option<String>,
    /// The API groups that `all` may lack; `None` where that may be any.
    missing: Option<BTreeSet<String>>,
}

impl Default for ServedResources {
    fn default() -> Self {
        ServedResources::built_in_only("discovery was not read".to_owned())
    }
}

/// A resource that a name stands for, and the others that it could stand for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedName<'a> {
    /// The one that kubectl takes.
    pub resource: &'a ApiResource,
    /// Those of a lower priority, of other groups or plurals.
    pub others: Vec<&'a ApiResource>,
    /// Which of its names it is known by.
    pub matched: MatchedName,
}

/// Which name of a resource was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatchedName {
    /// The plural or the singular.
    Full,
    /// A short name.
    Short,
    /// The kind, where it is not the singular: `kubectl auth can-i` does not know a resource by it.
    Kind,
}

impl ServedResources {
    /// From a cluster's facts.
    pub fn from_facts(facts: &ClusterFacts) -> Self {
        ServedResources::from_section(&facts.api_resources)
    }

    fn from_section(section: &Section<Vec<ApiResource>>) -> Self {
        let Some(all) = section.shared().filter(|it| !it.is_empty()) else {
            let why = section.gap().map_or_else(|| "it names nothing".to_owned(), |gap| gap.briefly());
            return ServedResources::built_in_only(format!("discovery: {why}"));
        };
        let missing: Vec<&str> = section.missing().iter().filter_map(|it| it.item.as_deref()).collect();
        let group_of = |it: &&str| it.split_once('/').map_or("", |(group, _)| group).to_owned();
        let (gap, missing) = match section.unnamed_gap() {
            Some(gap) => (Some(format!("discovery: {}", gap.briefly())), None),
            None if missing.is_empty() => (None, Some(BTreeSet::new())),
            None => {
                let why = format!("discovery of {} was not read", missing.join(", "));
                (Some(why), Some(missing.iter().map(group_of).collect()))
            }
        };
        ServedResources { index: Arc::new(index(&all)), all, gap, missing }
    }

    fn built_in_only(why: String) -> Self {
        ServedResources {
            all: Arc::clone(&BUILT_IN),
            index: Arc::clone(&BUILT_IN_INDEX),
            gap: Some(why),
            missing: None,
        }
    }

    /// The resource of that group and plural, all of its versions together.
    pub fn find(&self, group: &str, plural: &str) -> Option<&ApiResource> {
        self.index.get(&(group.to_owned(), plural.to_owned()))
    }

    /// The resources, by group and plural, all versions of one together.
    pub fn iter(&self) -> impl Iterator<Item = &ApiResource> {
        self.index.values()
    }

    /// Why a name that is not found may be served all the same; `None` where discovery was read whole.
    pub fn gap(&self) -> Option<&str> {
        self.gap.as_deref()
    }

    /// The API groups that may serve what is not found; `None` where that may be any.
    pub fn missing_groups(&self) -> Option<&BTreeSet<String>> {
        self.missing.as_ref()
    }

    /// Why a name that is not found may be served all the same, in a group if one was typed.
    pub fn gap_for(&self, group: Option<&str>) -> Option<&str> {
        let concerns = |missing: &BTreeSet<String>| match group {
            None => !missing.is_empty(),
            Some(group) => missing.iter().any(|it| it.starts_with(group)),
        };
        self.gap().filter(|_| self.missing.as_ref().is_none_or(concerns))
    }

    /// What a name without its subresource stands for: `pods`, `po`, `deployments.apps`, `deployments.v1.apps`.
    pub fn resolve(&self, typed: &str) -> Option<ResolvedName<'_>> {
        let typed = typed.to_lowercase();
        let parts: Vec<&str> = typed.splitn(3, '.').collect();
        let with_version = match parts.as_slice() {
            [name, version, group] => self.resource_for(name, version, group),
            _ => None,
        };
        let (name, group) = typed.split_once('.').unwrap_or((&typed, ""));
        with_version.or_else(|| self.resource_for(name, "", group)).or_else(|| self.by_kind(name, group))
    }

    /// Empty texts stand for none.
    fn resource_for(&self, name: &str, version: &str, group: &str) -> Option<ResolvedName<'_>> {
        let in_group = |it: &&ApiResource| group.is_empty() || it.group == group;
        if self.all.iter().filter(in_group).any(|it| has_full_name(it, name)) {
            return self.by_full_name(name, version, group).map(|it| it.matched(MatchedName::Full));
        }
        let has_short = |it: &&ApiResource| it.short_names.iter().any(|short| short == name);
        let short: Vec<&ApiResource> = self.all.iter().filter(in_group).filter(has_short).collect();
        if let Some(first) = short.first() {
            // The short name is replaced by the group and the plural; the version is not asked for any more.
            let mut found = self.by_full_name(&first.plural, "", &first.group)?;
            found.others = distinct(&short, found.resource);
            return Some(found.matched(MatchedName::Short));
        }
        if group.is_empty() {
            return self.by_full_name(name, version, group).map(|it| it.matched(MatchedName::Full));
        }
        let by_prefix = self.all.iter().filter(|it| it.group.starts_with(group)).find(has_short);
        match by_prefix {
            Some(it) => self.by_full_name(&it.plural, version, &it.group).map(|it| it.matched(MatchedName::Short)),
            None => self.by_full_name(name, version, group).map(|it| it.matched(MatchedName::Full)),
        }
    }

    fn by_full_name(&self, name: &str, version: &str, group: &str) -> Option<ResolvedName<'_>> {
        let fits = |it: &&ApiResource| {
            let is_version = version.is_empty() || it.version == version || it.version.is_empty();
            let is_group = match (group, version) {
                ("", _) => true,
                (group, "") => it.group.starts_with(group),
                (group, _) => it.group == group,
            };
            is_version && is_group && has_full_name(it, name)
        };
        let all: Vec<&ApiResource> = self.all.iter().filter(fits).collect();
        let first = *all.first()?;
        Some(ResolvedName { resource: first, others: distinct(&all, first), matched: MatchedName::Full })
    }

    fn by_kind(&self, name: &str, group: &str) -> Option<ResolvedName<'_>> {
        let fits = |it: &&ApiResource| (group.is_empty() || it.group == group) && it.kind.to_lowercase() == name;
        let all: Vec<&ApiResource> = self.all.iter().filter(fits).collect();
        let first = *all.first()?;
        Some(ResolvedName { resource: first, others: distinct(&all, first), matched: MatchedName::Kind })
    }
}

impl ResolvedName<'_> {
    fn matched(self, matched: MatchedName) -> Self {
        ResolvedName { matched, ..self }
    }
}

fn has_full_name(it: &ApiResource, name: &str) -> bool {
    // Servers that name no singular mean the kind.
    it.plural == name || it.singular == name || it.singular.is_empty() && it.kind.to_lowercase() == name
}

/// Those that are another resource than `first`, each once.
fn distinct<'a>(all: &[&'a ApiResource], first: &ApiResource) -> Vec<&'a ApiResource> {
    let mut seen = BTreeSet::from([(first.group.as_str(), first.plural.as_str())]);
    all.iter().copied().filter(|it| seen.insert((it.group.as_str(), it.plural.as_str()))).collect()
}

fn index(all: &[ApiResource]) -> Index {
    let mut index = Index::new();
    for it in all {
        match index.entry((it.group.clone(), it.plural.clone())) {
            std::collections::btree_map::Entry::Vacant(place) => {
                place.insert(it.clone());
            }
            std::collections::btree_map::Entry::Occupied(mut place) => {
                let merged = place.get_mut();
                add_new(&mut merged.verbs, &it.verbs);
                add_new(&mut merged.short_names, &it.short_names);
                for (name, verbs) in &it.subresources {
                    add_new(merged.subresources.entry(name.clone()).or_default(), verbs);
                }
            }
        }
    }
    index
}

fn add_new(to: &mut Vec<String>, from: &[String]) {
    for it in from {
        if !to.contains(it) {
            to.push(it.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::Time;

    fn custom(group: &str, version: &str, plural: &str, singular: &str, kind: &str, short: &[&str]) -> ApiResource {
        ApiResource {
            group: group.into(),
            version: version.into(),
            plural: plural.into(),
            singular: singular.into(),
            kind: kind.into(),
            short_names: short.iter().map(|&it| it.into()).collect(),
            namespaced: true,
            ..ApiResource::default()
        }
    }

    fn served() -> ServedResources {
        let mut all = built_in().to_vec();
        all.extend([
            custom("db.example.com", "v2", "users", "user", "DatabaseUser", &["u", "dbu"]),
            custom("db.example.com", "v1", "users", "user", "DatabaseUser", &["u", "old"]),
            custom("iam.example.com", "v1", "users", "user", "User", &["u"]),
            custom("iam.example.com", "v1", "pods", "pod", "Pod", &["deploy"]),
            custom("iam.example.com", "v1", "u", "uu", "Uu", &[]),
            custom("shop.io", "v1", "boxes", "", "Box", &["bx"]),
        ]);
        ServedResources::from_section(&Section::known(all, Time::default()))
    }

    #[test]
    fn names_stand_for_what_kubectl_takes_them_for() {
        let served = served();
        for (typed, wanted) in [
            ("pods", "pods."),
            ("PODS", "pods."),
            ("pod", "pods."),
            ("po", "pods."),
            ("pods.iam.example.com", "pods.iam.example.com"),
            ("pods.iam", "pods.iam.example.com"),
            ("pods.v1.iam.example.com", "pods.iam.example.com"),
            ("pods.v9.iam.example.com", ""),
            ("pods.v1.", "pods."),
            ("deploy", "deployments.apps"),
            ("Deployment", "deployments.apps"),
            ("deployments.apps", "deployments.apps"),
            ("deployments.app", "deployments.apps"),
            ("deploy.v1.apps", "deployments.apps"),
            ("deploy.iam", "pods.iam.example.com"),
            ("users", "users.db.example.com"),
            ("user", "users.db.example.com"),
            ("users.iam.example.com", "users.iam.example.com"),
            ("databaseuser", "users.db.example.com"),
            ("u", "u.iam.example.com"),
            ("u.db.example.com", "users.db.example.com"),
            ("u.db", "users.db.example.com"),
            ("dbu", "users.db.example.com"),
            ("old", "users.db.example.com"),
            ("box", "boxes.shop.io"),
            ("bx", "boxes.shop.io"),
            ("nothing", ""),
            ("nothing.shop.io", ""),
        ] {
            let found = served.resolve(typed).map(|it| format!("{}.{}", it.resource.plural, it.resource.group));
            assert_eq!(found.unwrap_or_default(), wanted, "{typed}");
        }
        let others = |typed: &str| {
            let found = served.resolve(typed).unwrap();
            found.others.iter().map(|it| it.group.clone()).collect::<Vec<_>>()
        };
        assert_eq!(others("users"), ["iam.example.com"]);
        assert_eq!(others("deploy"), ["iam.example.com"]);
        assert_eq!(others("users.db.example.com"), Vec::<String>::new());
    }

    #[test]
    fn without_discovery_the_table_stands_in_and_says_so() {
        let none = ServedResources::default();
        assert!(none.gap().is_some() && none.missing_groups().is_none());
        assert_eq!(none.resolve("deploy").unwrap().resource.group, "apps");
        assert!(none.resolve("users").is_none());
        let served = served();
        assert!(served.gap().is_none() && served.missing_groups().is_some_and(BTreeSet::is_empty));
        assert!(served.find("db.example.com", "users").is_some_and(|it| it.short_names == ["u", "dbu", "old"]));
    }

    #[test]
    fn the_table_is_an_api_servers() {
        assert!(built_in().len() > 50);
        let pods = find("", "pods").expect("pods");
        assert!(pods.namespaced && pods.subresources.contains_key("exec") && pods.verbs.iter().any(|it| it == "watch"));
    }
}

//! Discovery: which resources the API server serves.
//!
//! Decides how it is asked for: the aggregated form, which two requests bring whole (`apidiscovery.k8s.io`, since
//! Kubernetes 1.26), and where a server does not know that form, one list for each group version. What could not be read
//! of it is named by group version: an aggregated API server that does not answer, a list that was refused or is no list.

use std::collections::BTreeMap;

use futures::stream::{self, StreamExt};
use serde::Deserialize;
use serde_json::Value;

use super::answer::ApiAnswer;
use super::{Exchange, Kubernetes};
use crate::cloud::session::Request;
use crate::model::discovery::{ApiResource, join_group_version};
use crate::model::failure::{Failure, FailureKind};
use crate::model::snapshot::Missing;

/// What reading discovery is called in failures.
pub const READ_DISCOVERY: &str = "read the API server's discovery";

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
                          application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";
const PLAIN: &str = "application/json";
/// How many lists of group versions are asked for at once.
const WIDTH: usize = 8;

/// The resources that are served, in the server's order, and the group versions that could not be read.
pub(super) type Discovered = (Vec<ApiResource>, Vec<Missing>);

impl Kubernetes {
    /// Reads discovery.
    pub async fn api_resources(&self) -> Result<Discovered, Failure> {
        let core = self.get("/api", AGGREGATED).await?;
        let others = self.get("/apis", AGGREGATED).await?;
        let mut found = DiscoveredParts::default();
        for (path, answer) in [("/api", core), ("/apis", others)] {
            let request = || request(path, &self.on);
            match AnswerKind::of(&answer) {
                Some(AnswerKind::Aggregated) => {
                    found.add_aggregated(path, answer).map_err(|why| unreadable(&request(), &why))?
                }
                Some(AnswerKind::Versions) => {
                    let versions: CoreVersions = parse(answer).map_err(|why| unreadable(&request(), &why))?;
                    let lists = versions.versions.into_iter().map(|version| (String::new(), version)).collect();
                    self.add_lists(lists, &mut found).await;
                }
                Some(AnswerKind::Groups) => {
                    let groups: GroupList = parse(answer).map_err(|why| unreadable(&request(), &why))?;
                    self.add_lists(groups.group_versions(), &mut found).await;
                }
                None => return Err(unreadable(&request(), "it is no discovery document")),
            }
        }
        // Every server has a core group. An answer without it says nothing about what is not there.
        if !found.resources.iter().any(|it| it.group.is_empty()) && found.missing.is_empty() {
            return Err(unreadable(&request("/api", &self.on), "it names no resource of the core group"));
        }
        Ok((found.resources, found.missing))
    }

    async fn get(&self, path: &str, accept: &'static str) -> Result<Value, Failure> {
        let exchange = Exchange { method: http::Method::GET, path, body: Vec::new(), accept };
        self.send_exchange(request(path, &self.on), None, exchange, ApiAnswer::json).await
    }

    /// The lists of group versions, side by side; kept in the order in which they are named.
    async fn add_lists(&self, group_versions: Vec<(String, String)>, found: &mut DiscoveredParts) {
        let lists = stream::iter(group_versions).map(|(group, version)| async move {
            let path = list_path(&group, &version);
            let read = self.get(&path, PLAIN).await.and_then(|answer| {
                let list = parse::<ResourceList>(answer).map_err(|why| unreadable(&request(&path, &self.on), &why))?;
                list.resources(&group, &version).map_err(|why| unreadable(&request(&path, &self.on), &why))
            });
            (join_group_version(&group, &version), read)
        });
        let mut lists = lists.buffered(WIDTH);
        while let Some((group_version, read)) = lists.next().await {
            match read {
                Ok(resources) => found.resources.extend(resources),
                Err(failure) => found.missing.push(Missing { item: Some(group_version), failure }),
            }
        }
    }
}

fn request(path: &str, on: &str) -> Request {
    Request::kubernetes(&format!("GET {path}"), &format!("get {path}"), READ_DISCOVERY, on)
}

fn list_path(group: &str, version: &str) -> String {
    if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") }
}

fn unreadable(request: &Request, why: &str) -> Failure {
    request.failure(FailureKind::Unexpected, None, &format!("the answer cannot be read: {why}"))
}

fn parse<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, String> {
    serde_path_to_error::deserialize(value).map_err(|error| error.to_string())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AnswerKind {
    Aggregated,
    Versions,
    Groups,
}

impl AnswerKind {
    fn of(answer: &Value) -> Option<Self> {
        match answer.get("kind")?.as_str()? {
            "APIGroupDiscoveryList" => Some(AnswerKind::Aggregated),
            "APIVersions" => Some(AnswerKind::Versions),
            "APIGroupList" => Some(AnswerKind::Groups),
            _ => None,
        }
    }
}

#[derive(Debug, Default)]
struct DiscoveredParts {
    resources: Vec<ApiResource>,
    missing: Vec<Missing>,
}

#[derive(Deserialize)]
struct DiscoveryList {
    items: Vec<GroupDiscovery>,
}

#[derive(Deserialize)]
struct GroupDiscovery {
    #[serde(default)]
    metadata: GroupMetadata,
    versions: Vec<VersionDiscovery>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct GroupMetadata {
    name: String,
}

#[derive(Deserialize)]
struct VersionDiscovery {
    version: String,
    // Go leaves an empty list out, or writes null.
    #[serde(default)]
    resources: Option<Vec<ResourceDiscovery>>,
    #[serde(default)]
    freshness: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceDiscovery {
    resource: String,
    #[serde(default)]
    response_kind: Option<ResponseKind>,
    scope: String,
    #[serde(default)]
    singular_resource: String,
    #[serde(default)]
    verbs: Option<Vec<String>>,
    #[serde(default)]
    short_names: Option<Vec<String>>,
    #[serde(default)]
    categories: Option<Vec<String>>,
    #[serde(default)]
    subresources: Option<Vec<SubresourceDiscovery>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ResponseKind {
    kind: String,
}

#[derive(Deserialize)]
struct SubresourceDiscovery {
    subresource: String,
    #[serde(default)]
    verbs: Option<Vec<String>>,
}

impl DiscoveredParts {
    fn add_aggregated(&mut self, path: &str, answer: Value) -> Result<(), String> {
        let list: DiscoveryList = parse(answer)?;
        for group in list.items {
            let name = group.metadata.name;
            if name.is_empty() != (path == "/api") {
                return Err(format!("an API group of {path} is named {name:?}"));
            }
            for version in group.versions {
                let group_version = join_group_version(&name, &version.version);
                if version.freshness == "Stale" {
                    let failure = Failure {
                        kind: FailureKind::Unexpected,
                        doing: READ_DISCOVERY.to_owned(),
                        on: group_version.clone(),
                        code: None,
                        message: "the API server that serves it did not answer (stale)".to_owned(),
                    };
                    self.missing.push(Missing { item: Some(group_version), failure });
                    continue;
                }
                for it in version.resources.unwrap_or_default() {
                    // kubectl leaves out what has no kind; its subresources have one of their own.
                    let kind = it.response_kind.unwrap_or_default().kind;
                    if kind.is_empty() {
                        continue;
                    }
                    let verbs = |it: SubresourceDiscovery| (it.subresource, it.verbs.unwrap_or_default());
                    self.resources.push(ApiResource {
                        group: name.clone(),
                        version: version.version.clone(),
                        namespaced: match it.scope.as_str() {
                            "Namespaced" => true,
                            "Cluster" => false,
                            other => return Err(format!("the scope of {} is {other:?}", it.resource)),
                        },
                        plural: it.resource,
                        singular: it.singular_resource,
                        short_names: it.short_names.unwrap_or_default(),
                        kind,
                        verbs: it.verbs.unwrap_or_default(),
                        subresources: it.subresources.unwrap_or_default().into_iter().map(verbs).collect(),
                        categories: it.categories.unwrap_or_default(),
                    });
                }
            }
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct CoreVersions {
    versions: Vec<String>,
}

#[derive(Deserialize)]
struct GroupList {
    groups: Vec<ListedGroup>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListedGroup {
    name: String,
    versions: Vec<GroupVersion>,
    #[serde(default)]
    preferred_version: Option<GroupVersion>,
}

#[derive(Deserialize)]
struct GroupVersion {
    version: String,
}

impl GroupList {
    /// In the order of the groups, the preferred version of each first.
    fn group_versions(self) -> Vec<(String, String)> {
        let of_group = |group: ListedGroup| {
            let preferred = group.preferred_version.map(|it| it.version);
            let mut versions: Vec<String> = group.versions.into_iter().map(|it| it.version).collect();
            versions.sort_by_key(|it| preferred.as_ref() != Some(it));
            versions.into_iter().map(move |version| (group.name.clone(), version)).collect::<Vec<_>>()
        };
        self.groups.into_iter().flat_map(of_group).collect()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceList {
    group_version: String,
    resources: Vec<ListedResource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListedResource {
    name: String,
    #[serde(default)]
    singular_name: String,
    namespaced: bool,
    kind: String,
    #[serde(default)]
    verbs: Option<Vec<String>>,
    #[serde(default)]
    short_names: Option<Vec<String>>,
    #[serde(default)]
    categories: Option<Vec<String>>,
}

impl ResourceList {
    fn resources(self, group: &str, version: &str) -> Result<Vec<ApiResource>, String> {
        let wanted = join_group_version(group, version);
        if self.group_version != wanted {
            return Err(format!("it is of {}, not of {wanted}", self.group_version));
        }
        let mut subresources: BTreeMap<String, BTreeMap<String, Vec<String>>> = BTreeMap::new();
        let mut found = Vec::new();
        for it in self.resources {
            if let Some((parent, name)) = it.name.split_once('/') {
                subresources
                    .entry(parent.to_owned())
                    .or_default()
                    .insert(name.to_owned(), it.verbs.unwrap_or_default());
                continue;
            }
            found.push(ApiResource {
                group: group.to_owned(),
                version: version.to_owned(),
                plural: it.name,
                singular: it.singular_name,
                short_names: it.short_names.unwrap_or_default(),
                kind: it.kind,
                namespaced: it.namespaced,
                verbs: it.verbs.unwrap_or_default(),
                subresources: BTreeMap::new(),
                categories: it.categories.unwrap_or_default(),
            });
        }
        for it in &mut found {
            it.subresources = subresources.remove(&it.plural).unwrap_or_default();
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn aggregated() -> Value {
        json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "items": [
            {"metadata": {"name": "apps"}, "versions": [{"version": "v1", "freshness": "Current", "resources": [
                {"resource": "deployments", "responseKind": {"group": "apps", "version": "v1", "kind": "Deployment"},
                 "scope": "Namespaced", "singularResource": "deployment", "verbs": ["get", "list"],
                 "shortNames": ["deploy"], "categories": ["all"],
                 "subresources": [{"subresource": "scale", "responseKind": {"kind": "Scale"}, "verbs": ["get"]}]},
                {"resource": "headless", "scope": "Cluster", "verbs": []},
            ]}]},
            {"metadata": {"name": "metrics.k8s.io"}, "versions": [{"version": "v1beta1", "freshness": "Stale"}]},
        ]})
    }

    #[test]
    fn an_aggregated_document_names_resources_and_what_did_not_answer() {
        let mut found = DiscoveredParts::default();
        found.add_aggregated("/apis", aggregated()).unwrap();
        let [deployments] = found.resources.as_slice() else { panic!("{:?}", found.resources) };
        assert_eq!((deployments.group_version().as_str(), deployments.plural.as_str()), ("apps/v1", "deployments"));
        assert!(deployments.namespaced && deployments.short_names == ["deploy"]);
        assert_eq!(deployments.subresources["scale"], ["get"]);
        let missing: Vec<_> = found.missing.iter().filter_map(|it| it.item.as_deref()).collect();
        assert_eq!(missing, ["metrics.k8s.io/v1beta1"]);
    }

    #[test]
    fn classic_lists_say_the_same() {
        let list = json!({"kind": "APIResourceList", "groupVersion": "apps/v1", "resources": [
            {"name": "deployments", "singularName": "deployment", "namespaced": true, "kind": "Deployment",
             "verbs": ["get", "list"], "shortNames": ["deploy"], "categories": ["all"]},
            {"name": "deployments/scale", "singularName": "", "namespaced": true, "kind": "Scale", "verbs": ["get"]},
        ]});
        let read = parse::<ResourceList>(list.clone()).unwrap().resources("apps", "v1").unwrap();
        let mut found = DiscoveredParts::default();
        found.add_aggregated("/apis", aggregated()).unwrap();
        assert_eq!(read, found.resources);
        assert!(parse::<ResourceList>(list).unwrap().resources("apps", "v1beta1").is_err(), "of another version");

        let groups = json!({"kind": "APIGroupList", "groups": [
            {"name": "b.io", "versions": [{"groupVersion": "b.io/v1", "version": "v1"},
             {"groupVersion": "b.io/v2", "version": "v2"}], "preferredVersion": {"version": "v2"}},
            {"name": "a.io", "versions": [{"version": "v1"}]},
        ]});
        let order: Vec<String> = parse::<GroupList>(groups)
            .unwrap()
            .group_versions()
            .iter()
            .map(|(group, version)| join_group_version(group, version))
            .collect();
        assert_eq!(order, ["b.io/v2", "b.io/v1", "a.io/v1"], "the server's order, the preferred version first");
    }

    #[test]
    fn an_answer_that_misses_a_member_is_a_failure_and_never_an_empty_list() {
        let list = || json!({"groupVersion": "v1", "resources": [{"name": "pods", "namespaced": true, "kind": "Pod"}]});
        assert!(parse::<ResourceList>(list()).is_ok());
        for pointer in
            ["/groupVersion", "/resources", "/resources/0/name", "/resources/0/namespaced", "/resources/0/kind"]
        {
            let mut spoilt = list();
            let (parent, member) = pointer.rsplit_once('/').unwrap();
            spoilt.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(member);
            assert!(parse::<ResourceList>(spoilt).is_err(), "{pointer}");
        }
        for pointer in [
            "/items",
            "/items/0/metadata",
            "/items/0/versions",
            "/items/0/versions/0/version",
            "/items/0/versions/0/resources/0/resource",
            "/items/0/versions/0/resources/0/scope",
        ] {
            let mut spoilt = aggregated();
            let (parent, member) = pointer.rsplit_once('/').unwrap();
            spoilt.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(member);
            assert!(DiscoveredParts::default().add_aggregated("/apis", spoilt).is_err(), "{pointer}");
        }
        let mut odd = aggregated();
        odd["items"][0]["versions"][0]["resources"][0]["scope"] = "Galaxy".into();
        assert!(DiscoveredParts::default().add_aggregated("/apis", odd).is_err(), "neither scope is guessed");
        assert_eq!(AnswerKind::of(&json!({"kind": "Status"})), None);
    }
}

//! What discovery tells: the resources that the world's document records, or else Kubernetes' own.
//!
//! Decides both forms of it, one list for each group version and the aggregated one, which whoever accepts it gets; and
//! that group versions which the world could not read do not answer here either. Resources are told with the verbs that
//! the cluster serves: what this server does with them is another matter.

use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::access::resources::built_in;
use crate::model::discovery::{ApiResource, join_group_version};
use crate::model::document::ClusterDocument;

/// What a client that wants the aggregated form says that it accepts.
const AGGREGATED: &str = "as=APIGroupDiscoveryList";
/// The aggregated form's content type.
pub(super) const AGGREGATED_TYPE: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// Which resources `kubectl get all` means, where the document does not say.
const ALL: [&str; 9] = [
    "pods",
    "services",
    "daemonsets",
    "deployments",
    "replicasets",
    "statefulsets",
    "cronjobs",
    "jobs",
    "replicationcontrollers",
];

/// Kubernetes' own resources, with what the built-in table leaves out.
static BUILT_IN: LazyLock<Vec<ApiResource>> = LazyLock::new(|| {
    let complete = |it: &ApiResource| {
        let of_all = matches!(it.group.as_str(), "" | "apps" | "batch") && ALL.contains(&it.plural.as_str());
        let categories = if of_all { vec!["all".to_owned()] } else { Vec::new() };
        ApiResource { version: version_of(it).to_owned(), categories, ..it.clone() }
    };
    built_in().iter().map(complete).collect()
});

/// The resources that are served, in discovery's order.
pub(super) fn served(cluster: &ClusterDocument) -> &[ApiResource] {
    match &cluster.api_resources {
        Some(all) if !all.is_empty() => all,
        _ => &BUILT_IN,
    }
}

/// The version that a resource is served in: in the built-in table, the preferred one of its group.
pub(super) fn version_of(it: &ApiResource) -> &str {
    match (it.version.as_str(), it.group.as_str()) {
        ("", "autoscaling") => "v2",
        ("", _) => "v1",
        (version, _) => version,
    }
}

/// Discovery of one cluster.
pub(super) struct Discovery<'a> {
    cluster: &'a ClusterDocument,
    /// Group versions that could not be read: `metrics.k8s.io/v1beta1`.
    missing: Vec<&'a str>,
    aggregated: bool,
}

/// What came of a path.
#[derive(Debug, PartialEq)]
pub(super) enum DiscoveryAnswer {
    /// Discovery in the classic form, or something beside it.
    Plain(Value),
    /// Discovery in the aggregated form.
    Aggregated(Value),
    /// The server behind a group version does not answer.
    Unavailable,
    /// There is no such path.
    Nothing,
}

impl<'a> Discovery<'a> {
    pub(super) fn new(cluster: &'a ClusterDocument, missing: Vec<&'a str>, accept: &str) -> Self {
        Discovery { cluster, missing, aggregated: accept.contains(AGGREGATED) }
    }

    /// What a path that is no resource answers.
    pub(super) fn answer(&self, path: &str) -> DiscoveryAnswer {
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        match parts[..] {
            ["version"] => DiscoveryAnswer::Plain(version(self.cluster)),
            ["healthz" | "livez" | "readyz"] => DiscoveryAnswer::Plain(Value::from("ok")),
            ["api"] if self.aggregated => DiscoveryAnswer::Aggregated(self.group_list(true)),
            ["apis"] if self.aggregated => DiscoveryAnswer::Aggregated(self.group_list(false)),
            ["api"] => {
                let versions: Vec<String> =
                    self.groups().into_iter().filter(|it| it.name.is_empty()).flat_map(|it| it.versions).collect();
                DiscoveryAnswer::Plain(
                    json!({ "kind": "APIVersions", "versions": versions, "serverAddressByClientCIDRs": [] }),
                )
            }
            ["apis"] => {
                let groups: Vec<Value> =
                    self.groups().iter().filter(|it| !it.name.is_empty()).map(ServedGroup::classic).collect();
                DiscoveryAnswer::Plain(json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups }))
            }
            ["apis", name] => match self.groups().iter().find(|it| it.name == name).map(ServedGroup::classic) {
                Some(mut group) => {
                    if let Value::Object(members) = &mut group {
                        members.insert("kind".to_owned(), Value::from("APIGroup"));
                        members.insert("apiVersion".to_owned(), Value::from("v1"));
                    }
                    DiscoveryAnswer::Plain(group)
                }
                None => DiscoveryAnswer::Nothing,
            },
            ["api", version] => self.resource_list("", version),
            ["apis", name, version] => self.resource_list(name, version),
            _ => DiscoveryAnswer::Nothing,
        }
    }

    /// In discovery's order; group versions that could not be read come last.
    fn groups(&self) -> Vec<ServedGroup> {
        let mut groups: Vec<ServedGroup> = Vec::new();
        let mut add = |name: &str, version: &str| match groups.iter_mut().find(|it| it.name == name) {
            Some(group) if group.versions.iter().any(|it| it == version) => {}
            Some(group) => group.versions.push(version.to_owned()),
            None => groups.push(ServedGroup { name: name.to_owned(), versions: vec![version.to_owned()] }),
        };
        for it in served(self.cluster) {
            add(&it.group, version_of(it));
        }
        for it in &self.missing {
            let (group, version) = it.split_once('/').unwrap_or(("", it));
            add(group, version);
        }
        groups
    }

    fn is_missing(&self, group: &str, version: &str) -> bool {
        self.missing.contains(&join_group_version(group, version).as_str())
    }

    fn group_list(&self, core: bool) -> Value {
        let all = served(self.cluster);
        let of_version = |group: &str, version: &str| {
            if self.is_missing(group, version) {
                return json!({ "version": version, "freshness": "Stale" });
            }
            let its = all.iter().filter(|it| it.group == group && version_of(it) == version);
            json!({ "version": version, "resources": its.map(aggregated).collect::<Vec<_>>(), "freshness": "Current" })
        };
        let groups = self.groups();
        let items: Vec<Value> = groups
            .iter()
            .filter(|it| it.name.is_empty() == core)
            .map(|it| {
                let versions: Vec<Value> = it.versions.iter().map(|version| of_version(&it.name, version)).collect();
                let metadata = if core { json!({}) } else { json!({ "name": it.name }) };
                json!({ "metadata": metadata, "versions": versions })
            })
            .collect();
        json!({
            "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items,
        })
    }

    fn resource_list(&self, group: &str, version: &str) -> DiscoveryAnswer {
        if self.is_missing(group, version) {
            return DiscoveryAnswer::Unavailable;
        }
        let all = served(self.cluster);
        let its: Vec<&ApiResource> = all.iter().filter(|it| it.group == group && version_of(it) == version).collect();
        if its.is_empty() {
            return DiscoveryAnswer::Nothing;
        }
        let resources: Vec<Value> = its.iter().flat_map(|it| classic(it)).collect();
        DiscoveryAnswer::Plain(json!({
            "kind": "APIResourceList",
            "apiVersion": "v1",
            "groupVersion": join_group_version(group, version),
            "resources": resources,
        }))
    }
}

struct ServedGroup {
    name: String,
    versions: Vec<String>,
}

impl ServedGroup {
    fn classic(&self) -> Value {
        let of =
            |version: &String| json!({ "groupVersion": join_group_version(&self.name, version), "version": version });
        let versions: Vec<Value> = self.versions.iter().map(of).collect();
        json!({ "name": self.name, "versions": versions, "preferredVersion": versions.first() })
    }
}

/// A resource and its subresources, as lists of one group version have them.
fn classic(it: &ApiResource) -> Vec<Value> {
    let mut resource = json!({
        "name": it.plural,
        "singularName": it.singular,
        "namespaced": it.namespaced,
        "kind": it.kind,
        "verbs": it.verbs,
    });
    add_names(it, &mut resource);
    let of_resource = |(name, verbs): (&String, &Vec<String>)| {
        json!({
            "name": format!("{}/{name}", it.plural), "singularName": "", "namespaced": it.namespaced, "kind": it.kind,
            "verbs": verbs,
        })
    };
    std::iter::once(resource).chain(it.subresources.iter().map(of_resource)).collect()
}

fn aggregated(it: &ApiResource) -> Value {
    let kind = json!({ "group": it.group, "version": version_of(it), "kind": it.kind });
    let of_resource =
        |(name, verbs): (&String, &Vec<String>)| json!({ "subresource": name, "responseKind": kind, "verbs": verbs });
    let mut resource = json!({
        "resource": it.plural,
        "responseKind": kind,
        "scope": if it.namespaced { "Namespaced" } else { "Cluster" },
        "singularResource": it.singular,
        "verbs": it.verbs,
    });
    add_names(it, &mut resource);
    if let (Value::Object(members), false) = (&mut resource, it.subresources.is_empty()) {
        let all: Vec<Value> = it.subresources.iter().map(of_resource).collect();
        members.insert("subresources".to_owned(), Value::from(all));
    }
    resource
}

fn add_names(it: &ApiResource, resource: &mut Value) {
    let Value::Object(members) = resource else { return };
    for (name, all) in [("shortNames", &it.short_names), ("categories", &it.categories)] {
        if !all.is_empty() {
            members.insert(name.to_owned(), json!(all));
        }
    }
}

/// The cluster's own version, as EKS words it.
fn version(cluster: &ClusterDocument) -> Value {
    let version = cluster.cluster.version.as_deref().unwrap_or("1.34");
    let (major, minor) = version.split_once('.').unwrap_or((version, "0"));
    json!({
        "major": major,
        "minor": minor,
        "gitVersion": format!("v{major}.{minor}.0-eks-1ab0000"),
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "2026-11-01T00:00:00Z",
        "goVersion": "",
        "compiler": "",
        "platform": "linux/amd64",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer_for(cluster: &ClusterDocument, accept: &str, path: &str) -> Value {
        match Discovery::new(cluster, vec!["metrics.k8s.io/v1beta1"], accept).answer(path) {
            DiscoveryAnswer::Plain(it) | DiscoveryAnswer::Aggregated(it) => it,
            other => panic!("{path}: {other:?}"),
        }
    }

    #[test]
    fn both_forms_name_every_resource_once() {
        let custom = ApiResource {
            group: "shop.io".into(),
            version: "v1".into(),
            plural: "widgets".into(),
            singular: "widget".into(),
            kind: "Widget".into(),
            namespaced: true,
            ..ApiResource::default()
        };
        let recorded = ClusterDocument { api_resources: Some(vec![custom]), ..ClusterDocument::default() };
        for (cluster, expected) in [(ClusterDocument::default(), built_in().len()), (recorded, 1)] {
            let is_resource = |it: &&Value| !it["name"].as_str().unwrap().contains('/');
            let count = |list: Value| list["resources"].as_array().unwrap().iter().filter(is_resource).count();
            let mut classic = 0;
            if cluster.api_resources.is_none() {
                classic += count(answer_for(&cluster, "", "/api/v1"));
            }
            for group in answer_for(&cluster, "", "/apis")["groups"].as_array().unwrap() {
                let name = group["name"].as_str().unwrap();
                assert_eq!(answer_for(&cluster, "", &format!("/apis/{name}"))["kind"], "APIGroup");
                for version in group["versions"].as_array().unwrap() {
                    let path = format!("/apis/{}", version["groupVersion"].as_str().unwrap());
                    if name == "metrics.k8s.io" {
                        let gone = Discovery::new(&cluster, vec!["metrics.k8s.io/v1beta1"], "").answer(&path);
                        assert_eq!(gone, DiscoveryAnswer::Unavailable);
                    } else {
                        classic += count(answer_for(&cluster, "", &path));
                    }
                }
            }
            let mut aggregated = 0;
            for path in ["/api", "/apis"] {
                let list = answer_for(&cluster, AGGREGATED_TYPE, path);
                assert_eq!(list["kind"], "APIGroupDiscoveryList");
                for version in
                    list["items"].as_array().unwrap().iter().flat_map(|it| it["versions"].as_array().unwrap())
                {
                    aggregated += version["resources"].as_array().map_or(0, Vec::len);
                    assert_eq!(version["freshness"] == "Stale", version["version"] == "v1beta1");
                }
            }
            assert_eq!((classic, aggregated), (expected, expected));
        }
        let cluster = ClusterDocument::default();
        let nothing = |path: &str| Discovery::new(&cluster, vec![], "").answer(path) == DiscoveryAnswer::Nothing;
        assert!(nothing("/apis/none/v1") && nothing("/apis/none") && nothing("/openapi/v2") && nothing("/api/v2"));
        let core = answer_for(&cluster, "", "/api/v1");
        let all = core["resources"].as_array().unwrap().iter().filter(|it| it["categories"] == json!(["all"]));
        assert_eq!(
            all.map(|it| it["name"].clone()).collect::<Vec<_>>(),
            ["pods", "replicationcontrollers", "services"]
        );
    }
}

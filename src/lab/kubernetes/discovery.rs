//! What discovery tells: the resources that the world's document records, or else Kubernetes' own.
//!
//! Decides both forms of it, one list for each group version and the aggregated one, which whoever accepts it gets; and
//! that group versions which the world could not read do not answer here either. Resources are told with the verbs that
//! the cluster serves: what this server does with them is another matter.

use std::collections::BTreeMap;
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
const ALL: [(&str, &str); 10] = [
    ("", "pods"),
    ("", "services"),
    ("apps", "daemonsets"),
    ("apps", "deployments"),
    ("apps", "replicasets"),
    ("apps", "statefulsets"),
    ("autoscaling", "horizontalpodautoscalers"),
    ("batch", "cronjobs"),
    ("batch", "jobs"),
    ("", "replicationcontrollers"),
];

/// Which resources extend the API, as the server's own category has it.
const EXTENSIONS: [&str; 3] = ["admissionregistration.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io"];

/// Since which minor version of Kubernetes 1 a resource is served without a feature gate. The others of the built-in table are
/// older than any version that EKS supports.
const SINCE: [(&str, &str, u32); 11] = [
    ("resource.k8s.io", "deviceclasses", 34),
    ("resource.k8s.io", "resourceclaims", 34),
    ("resource.k8s.io", "resourceclaimtemplates", 34),
    ("resource.k8s.io", "resourceslices", 34),
    ("storage.k8s.io", "volumeattributesclasses", 34),
    ("admissionregistration.k8s.io", "mutatingadmissionpolicies", 36),
    ("admissionregistration.k8s.io", "mutatingadmissionpolicybindings", 36),
    ("certificates.k8s.io", "clustertrustbundles", 37),
    ("certificates.k8s.io", "podcertificaterequests", 37),
    ("resource.k8s.io", "devicetaintrules", 37),
    ("storagemigration.k8s.io", "storageversionmigrations", 37),
];

/// The newest minor version that the built-in table knows.
const NEWEST: u32 = 37;

/// Kubernetes' own resources, with what the built-in table leaves out, by the minor version that first has them so.
static BUILT_IN: LazyLock<BTreeMap<u32, Vec<ApiResource>>> = LazyLock::new(|| {
    let complete = |it: &ApiResource| {
        let name = (it.group.as_str(), it.plural.as_str());
        let category =
            if ALL.contains(&name) { Some("all") } else { EXTENSIONS.contains(&name.0).then_some("api-extensions") };
        let categories = category.into_iter().map(str::to_owned).collect();
        ApiResource { version: version_of(it).to_owned(), categories, ..it.clone() }
    };
    let since = |it: &ApiResource| {
        SINCE
            .iter()
            .find(|(group, plural, _)| it.group == *group && it.plural == *plural)
            .map_or(0, |(.., minor)| *minor)
    };
    let minors = SINCE.iter().map(|(.., minor)| *minor).chain([0]);
    minors.map(|minor| (minor, built_in().iter().filter(|it| since(it) <= minor).map(complete).collect())).collect()
});

/// The resources that are served, in discovery's order: the recorded ones, or those of the cluster's version.
pub(super) fn served(cluster: &ClusterDocument) -> &[ApiResource] {
    match &cluster.api_resources {
        Some(all) if !all.is_empty() => all,
        _ => {
            let minor = cluster.cluster.version.as_deref().and_then(|it| it.split('.').nth(1)?.parse().ok());
            BUILT_IN.range(..=minor.unwrap_or(NEWEST)).next_back().map(|(_, all)| all.as_slice()).unwrap_or_default()
        }
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

/// Of the cluster's version, the numbers.
fn version_numbers(cluster: &ClusterDocument) -> (&str, &str) {
    let version = cluster.cluster.version.as_deref().unwrap_or("1.34");
    version.split_once('.').unwrap_or((version, "0"))
}

/// The cluster's own version, as EKS words it: `v1.34.0-eks-1ab0000`.
pub(super) fn git_version(cluster: &ClusterDocument) -> String {
    let (major, minor) = version_numbers(cluster);
    format!("v{major}.{minor}.0-eks-1ab0000")
}

fn version(cluster: &ClusterDocument) -> Value {
    let (major, minor) = version_numbers(cluster);
    json!({
        "major": major,
        "minor": minor,
        "gitVersion": git_version(cluster),
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
    fn a_cluster_serves_the_resources_of_its_version() {
        let count = |version: Option<&str>| {
            let mut cluster = ClusterDocument::default();
            cluster.cluster.version = version.map(str::to_owned);
            served(&cluster).len()
        };
        let all = built_in().len();
        let expected = [all - 11, all - 6, all - 6, all - 4, all, all];
        assert_eq!(["1.33", "1.34", "1.35", "1.36", "1.37", "1.40"].map(|it| count(Some(it))), expected);
        assert_eq!(count(None), all);
        for (group, plural) in ALL.into_iter().chain(SINCE.map(|(group, plural, _)| (group, plural))) {
            assert!(built_in().iter().any(|it| it.group == group && it.plural == plural), "{plural}");
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
        assert!(nothing("/apis/none/v1") && nothing("/apis/none") && nothing("/openapi/v4") && nothing("/api/v2"));
        let core = answer_for(&cluster, "", "/api/v1");
        let all = core["resources"].as_array().unwrap().iter().filter(|it| it["categories"] == json!(["all"]));
        assert_eq!(
            all.map(|it| it["name"].clone()).collect::<Vec<_>>(),
            ["pods", "replicationcontrollers", "services"]
        );
    }
}

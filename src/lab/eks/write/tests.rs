//! Writes without a wire: what each refuses, and that whatever is written, in whatever order, is a world that reads back.

use std::time::Duration;

use http::{HeaderMap, Method, StatusCode};
use hyper::body::Bytes;
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::lab::aws::{Call, Refusal};
use crate::lab::clock::Clock;
use crate::lab::encoding::encode;
use crate::lab::faults::Faults;
use crate::lab::http::Request;
use crate::lab::world::World;
use crate::lab::world::timeline::Timeline;
use crate::lab::{State, in_order};
use crate::model::document::{Document, read, to_yaml};
use crate::model::time::Time;

const HOME: &str = "arn:aws:iam::111122223333:";
const VIEW: &str = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy";

/// A lab without ports, at noon.
struct Bench(State);

impl Bench {
    fn new(document: Document, seed: u64) -> Bench {
        let clock = Clock::stepped("2026-11-24T12:00:00Z".parse().map(Time).unwrap());
        let timeline = Timeline::new(World::new(document), Duration::ZERO);
        let (faults, requests, written) = (Faults::default(), 1.into(), tokio::sync::watch::Sender::new(0));
        Bench(State {
            timeline,
            faults,
            clock,
            latency: Duration::ZERO,
            seed,
            page_size: None,
            desk: Default::default(),
            requests,
            written,
        })
    }

    fn small() -> Bench {
        Bench::new(read(include_str!("../../../../tests/worlds/small.yaml")).unwrap(), 0)
    }

    /// As a principal of the world.
    fn call_as(&self, who: &str, method: Method, path: &str, body: &Value) -> Result<Value, Refusal> {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        let headers = HeaderMap::new();
        let request = Request { method, path: path.to_owned(), query: query.to_owned(), headers, body };
        let world = self.0.world();
        let caller = world.find(who).unwrap();
        let (now, written) = (Timestamp::now(), self.0.clock.now());
        let (region, page_size) = ("eu-west-1", None);
        let call = Call { world: &world, caller: &caller, region, request: &request, page_size, now, written };
        super::super::perform(&self.0, &call)
    }

    fn call(&self, method: Method, path: &str, body: Value) -> Result<Value, Refusal> {
        self.call_as("role/admin", method, path, &body)
    }

    fn post(&self, path: &str, body: Value) -> Result<Value, Refusal> {
        self.call(Method::POST, path, body)
    }

    fn delete(&self, path: &str) -> Result<Value, Refusal> {
        self.call(Method::DELETE, path, Value::Null)
    }

    fn get(&self, path: &str) -> Result<Value, Refusal> {
        self.call(Method::GET, path, Value::Null)
    }

    fn document(&self) -> Document {
        self.0.timeline.newest().document()
    }
}

const ENTRIES: &str = "/clusters/new/access-entries";
const PODS: &str = "/clusters/new/pod-identity-associations";

fn entry(arn: &str) -> String {
    format!("{ENTRIES}/{}", encode(arn))
}

fn policies(arn: &str) -> String {
    entry(arn) + "/access-policies"
}

/// The code of a refusal, and whether it says what was expected.
#[track_caller]
fn refused(result: Result<Value, Refusal>, status: u16, code: &str, said: &str) {
    let refusal = result.expect_err(said);
    assert_eq!((refusal.status.as_u16(), refusal.code), (status, code), "{}", refusal.message);
    assert!(refusal.message.contains(said), "{:?} does not say {said:?}", refusal.message);
}

#[test]
fn every_write_has_its_refusals() {
    let bench = Bench::small();
    let nobody = format!("{HOME}role/nobody");
    let viewer = format!("{HOME}role/teams/blue/viewer");
    let admin = format!("{HOME}role/admin");
    let create = |body: Value| bench.post(ENTRIES, body);
    let invalid = "InvalidParameterException";
    let mode = "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP]";
    refused(create(json!({})), 400, invalid, "principalArn is required");
    refused(create(json!({"principalArn": 7})), 400, "SerializationException", "cannot be read");
    refused(create(json!({"principalArn": format!("{HOME}role/none")})), 400, invalid, "invalid principal.");
    refused(create(json!({"principalArn": format!("{HOME}role/viewer")})), 400, invalid, "invalid principal.");
    refused(
        create(json!({"principalArn": admin})),
        409,
        "ResourceInUseException",
        "is already in use on this cluster.",
    );
    let masters = json!({"principalArn": nobody, "kubernetesGroups": ["system:masters"]});
    refused(create(masters), 400, invalid, "The kubernetes group name system:masters is invalid");
    refused(create(json!({"principalArn": nobody, "type": "NODE"})), 400, invalid, "AccessEntry type must be one of");
    refused(create(json!({"principalArn": nobody, "tags": {"aws:x": ""}})), 400, invalid, "aws: is reserved");
    let old = "/clusters/old/access-entries";
    refused(bench.post(old, json!({"principalArn": nobody})), 400, "InvalidRequestException", mode);
    refused(bench.delete(&format!("{old}/{}", encode(&admin))), 400, "InvalidRequestException", mode);
    let none = "/clusters/none/access-entries";
    refused(bench.post(none, json!({})), 404, "ResourceNotFoundException", "No cluster found for name: none.");
    refused(
        bench.post("/clusters/veiled/access-entries", json!({})),
        403,
        "AccessDeniedException",
        "eks:CreateAccessEntry",
    );

    let not_found = "ResourceNotFoundException";
    let gone = "The specified principalArn could not be found";
    refused(bench.post(&entry(&nobody), json!({})), 404, not_found, gone);
    refused(bench.delete(&entry(&nobody)), 404, not_found, gone);
    refused(bench.post(&policies(&nobody), json!({})), 404, not_found, gone);
    refused(bench.delete(&format!("{}/{}", policies(&nobody), encode(VIEW))), 404, not_found, gone);
    let update = |body: Value| bench.post(&entry(&viewer), body);
    refused(update(json!({"username": "system:x"})), 400, invalid, "The username must not begin with system:");
    refused(update(json!({"kubernetesGroups": [""]})), 400, invalid, "cannot be empty");

    let associate = |body: Value| bench.post(&policies(&viewer), body);
    let scope = json!({"type": "cluster"});
    refused(associate(json!({"accessScope": scope})), 400, invalid, "policyArn is required");
    refused(associate(json!({"policyArn": VIEW})), 400, invalid, "accessScope is required");
    refused(associate(json!({"policyArn": "View", "accessScope": scope})), 400, invalid, "is no access policy");
    let unheard = VIEW.replace("View", "Unheard");
    refused(associate(json!({"policyArn": unheard, "accessScope": scope})), 400, invalid, "is no access policy");
    let insights = VIEW.replace("EKSView", "EKSClusterInsights");
    refused(
        associate(json!({"policyArn": insights, "accessScope": scope})),
        400,
        invalid,
        "service linked roles alone",
    );
    for (scope, said) in [
        (json!({}), "accessScope.type is required"),
        (json!({"type": "all"}), "is cluster or namespace"),
        (json!({"type": "namespace"}), "must have namespaces"),
        (json!({"type": "namespace", "namespaces": []}), "must have namespaces"),
        (json!({"type": "cluster", "namespaces": ["a"]}), "cannot have namespaces"),
    ] {
        refused(associate(json!({"policyArn": VIEW, "accessScope": scope})), 400, invalid, said);
    }
    refused(bench.delete(&format!("{}/{}", policies(&viewer), encode(VIEW))), 404, not_found, "is not associated");

    let limited = format!("{HOME}role/limited");
    let pod = |namespace: &str, account: &str, role: &str| json!({"namespace": namespace, "serviceAccount": account, "roleArn": role});
    refused(bench.post(PODS, pod("", "x", &limited)), 400, invalid, "namespace is required");
    refused(
        bench.post(PODS, pod("a", "one", &limited)),
        409,
        "ResourceInUseException",
        "Association already exists: a-1",
    );
    refused(bench.post(PODS, pod("a", "x", &format!("{HOME}role/none"))), 400, invalid, "does not exist");
    refused(bench.post(PODS, pod("a", "x", &admin)), 400, invalid, "Trust policy of the role provided is invalid");
    refused(
        bench.post(PODS, pod("a", "x", "arn:aws:iam::555566667777:role/p")),
        400,
        invalid,
        "of the cluster's account",
    );
    refused(bench.post(&format!("{PODS}/a-9"), json!({})), 404, not_found, "association ID: a-9");
    refused(bench.delete(&format!("{PODS}/a-9")), 404, not_found, "association ID: a-9");
    refused(
        bench.post(&format!("{PODS}/a-1"), json!({"policy": "{\"Statement\": []}"})),
        400,
        invalid,
        "disableSessionTags",
    );

    let tags = format!("/tags/{}", encode("arn:aws:eks:eu-west-1:111122223333:cluster/new"));
    refused(bench.post("/tags/arn%3Ax", json!({"tags": {"a": "b"}})), 404, "NotFoundException", "No resource found");
    refused(bench.post(&tags, json!({"tags": {"aws:a": "b"}})), 400, "BadRequestException", "aws: is reserved");
    refused(bench.post(&tags, json!({})), 400, "BadRequestException", "tags is required");
    refused(bench.delete(&tags), 400, "BadRequestException", "tagKeys is required");
    let many: serde_json::Map<_, _> = (0..50).map(|n| (format!("k{n}"), json!(""))).collect();
    refused(bench.post(&tags, json!({"tags": many})), 400, "BadRequestException", "There would be 51 tags");

    let before = Bench::small().document();
    assert_eq!(bench.document(), before, "what was refused changed nothing");
}

#[test]
fn an_update_replaces_and_a_delete_takes_the_policies_along() {
    let bench = Bench::small();
    let ann = format!("{HOME}user/ann");
    let (username, groups) = ("/accessEntry/username", "/accessEntry/kubernetesGroups");
    let updated = bench.post(&entry(&ann), json!({"kubernetesGroups": ["ops"], "username": "ann"})).unwrap();
    assert_eq!((&updated.pointer(username), &updated.pointer(groups)), (&Some(&json!("ann")), &Some(&json!(["ops"]))));
    let updated = bench.post(&entry(&ann), json!({"username": "ann"})).unwrap();
    assert_eq!(updated.pointer(groups), Some(&json!([])), "left out is none");
    let updated = bench.post(&entry(&ann), json!({"kubernetesGroups": ["ops"]})).unwrap();
    assert_eq!(updated.pointer(username), Some(&json!(ann)), "left out is the default");
    assert_eq!(updated.pointer("/accessEntry/modifiedAt"), Some(&json!(1_795_521_600.0)));
    assert_eq!(bench.get(&entry(&ann)).unwrap(), updated);

    bench.post(&policies(&ann), json!({"policyArn": VIEW, "accessScope": {"type": "cluster"}})).unwrap();
    bench.0.clock.step(Duration::from_secs(60));
    let scope = json!({"type": "namespace", "namespaces": ["a"]});
    let again = bench.post(&policies(&ann), json!({"policyArn": VIEW, "accessScope": scope})).unwrap();
    let at = |name: &str| again["associatedAccessPolicy"][name].as_f64().unwrap();
    assert_eq!((at("associatedAt"), at("modifiedAt")), (1_795_521_600.0, 1_795_521_660.0), "one, with another scope");
    let all = bench.get(&policies(&ann)).unwrap();
    assert_eq!(all["associatedAccessPolicies"], json!([again["associatedAccessPolicy"]]));

    let before = bench.get(&entry(&ann)).unwrap();
    assert_eq!(bench.delete(&entry(&ann)), Ok(json!({})));
    refused(bench.get(&entry(&ann)), 404, "ResourceNotFoundException", "could not be found");
    let made = bench.post(ENTRIES, json!({"principalArn": ann})).unwrap();
    assert_ne!(made["accessEntry"]["accessEntryArn"], before["accessEntry"]["accessEntryArn"], "a new one");
    assert_eq!(bench.get(&policies(&ann)).unwrap()["associatedAccessPolicies"], json!([]));
    assert_eq!(
        bench.delete(&format!("{}/{}", policies(&ann), encode(VIEW))).unwrap_err().status,
        StatusCode::NOT_FOUND
    );
}

#[test]
fn what_ec2_types_are_given_and_who_may_pass_roles() {
    let bench = Bench::small();
    let node = format!("{HOME}role/node");
    let made = bench.post(ENTRIES, json!({"principalArn": node, "type": "EC2_LINUX"})).unwrap();
    assert_eq!(made["accessEntry"]["username"], "system:node:{{EC2PrivateDNSName}}");
    assert_eq!(made["accessEntry"]["kubernetesGroups"], json!(["system:nodes"]));
    let view = json!({"policyArn": VIEW, "accessScope": {"type": "cluster"}});
    let invalid = "InvalidParameterException";
    refused(bench.post(&policies(&node), view), 400, invalid, "with a type of \"STANDARD\".");
    refused(
        bench.post(&entry(&node), json!({"kubernetesGroups": ["a"]})),
        400,
        invalid,
        "with a type of \"STANDARD\".",
    );
    let unchanged = bench.post(&entry(&node), json!({})).unwrap();
    assert_eq!(unchanged["accessEntry"]["kubernetesGroups"], json!(["system:nodes"]));

    let mut world = read(include_str!("../../../../tests/worlds/small.yaml")).unwrap();
    let roles = world.iam.as_mut().unwrap().role_detail_list.as_mut().unwrap();
    let limited = roles.iter_mut().find(|it| it.role_name == "limited").unwrap();
    limited.attached_managed_policies.clear();
    let document = json!({"Statement": [{"Effect": "Allow", "Action": "eks:*", "Resource": "*"}]});
    limited.role_policy_list[0].policy_document = Some(document);
    let bench = Bench::new(world, 0);
    let post = |path: &str, body: Value| bench.call_as("limited", Method::POST, path, &body);
    let pass = format!(
        "User: arn:aws:sts::111122223333:assumed-role/limited/lab is not authorized to perform: iam:PassRole on resource: {node}"
    );
    refused(post(ENTRIES, json!({"principalArn": node, "type": "EC2_LINUX"})), 403, "AccessDeniedException", &pass);
    let pod = json!({"namespace": "a", "serviceAccount": "x", "roleArn": node});
    refused(post(PODS, pod), 403, "AccessDeniedException", &pass);
    assert!(post(ENTRIES, json!({"principalArn": node})).is_ok(), "a STANDARD one passes no role");
    refused(
        bench
            .call_as("limited", Method::DELETE, &format!("{PODS}/a-1"), &Value::Null)
            .and_then(|_| bench.call_as("limited", Method::GET, "/clusters/new/addons", &Value::Null)),
        403,
        "AccessDeniedException",
        "eks:ListAddons",
    );
}

#[test]
fn a_token_makes_one_thing() {
    let bench = Bench::small();
    let nobody = format!("{HOME}role/nobody");
    let body = json!({"principalArn": nobody, "kubernetesGroups": ["a"], "clientRequestToken": "t"});
    let made = bench.post(ENTRIES, body.clone()).unwrap();
    assert_eq!(bench.post(ENTRIES, body.clone()), Ok(made));
    let other = json!({"principalArn": nobody, "kubernetesGroups": ["b"], "clientRequestToken": "t"});
    refused(bench.post(ENTRIES, other), 400, "InvalidParameterException", "used before, with other parameters");
    let fresh = json!({"principalArn": nobody, "kubernetesGroups": ["a"], "clientRequestToken": "u"});
    refused(bench.post(ENTRIES, fresh.clone()), 409, "ResourceInUseException", "already in use");
    bench.delete(&entry(&nobody)).unwrap();
    assert!(bench.post(ENTRIES, fresh).is_ok(), "one that was refused made nothing, and may be used again");

    let pod = json!({"namespace": "a", "serviceAccount": "x", "roleArn": format!("{HOME}role/limited"), "clientRequestToken": "p"});
    let made = bench.post(PODS, pod.clone()).unwrap();
    assert_eq!(bench.post(PODS, pod), Ok(made.clone()));
    let id = made["association"]["associationId"].as_str().unwrap();
    assert!(id.starts_with("a-") && id.len() == 19, "{id}");
}

#[test]
fn an_association_is_made_changed_and_taken_away() {
    let bench = Bench::small();
    let (role, target) = (format!("{HOME}role/limited"), "arn:aws:iam::555566667777:role/t");
    let made = bench
        .post(PODS, json!({"namespace": "a", "serviceAccount": "x", "roleArn": role, "targetRoleArn": target, "tags": {"k": "v"}}))
        .unwrap();
    let it = &made["association"];
    let path = format!("{PODS}/{}", it["associationId"].as_str().unwrap());
    assert_eq!((&it["externalId"], &it["tags"]["k"]), (&json!("eu-west-1/111122223333/new/a/x"), &json!("v")));
    assert!(
        it["associationArn"]
            .as_str()
            .unwrap()
            .starts_with("arn:aws:eks:eu-west-1:111122223333:podidentityassociation/new/a-")
    );
    assert_eq!(bench.get(&path).unwrap(), made);
    let policy = r#"{"Statement": []}"#;
    bench.0.clock.step(Duration::from_secs(1));
    let changed = bench.post(&path, json!({"disableSessionTags": true, "policy": policy})).unwrap();
    let it = &changed["association"];
    assert_eq!((&it["roleArn"], &it["policy"], &it["targetRoleArn"]), (&json!(role), &json!(policy), &json!(target)));
    assert!(it["modifiedAt"].as_f64() > it["createdAt"].as_f64());
    refused(
        bench.post(&path, json!({"disableSessionTags": false})),
        400,
        "InvalidParameterException",
        "disableSessionTags",
    );
    let changed = bench.post(&path, json!({"policy": "", "targetRoleArn": "", "disableSessionTags": false})).unwrap();
    assert!(changed["association"].get("policy").is_none() && changed["association"].get("externalId").is_none());
    assert_eq!(bench.delete(&path), Ok(changed));
    assert_eq!(bench.document(), Bench::small().document());
}

#[test]
fn tags_are_added_and_taken_away() {
    let bench = Bench::small();
    let arn = "arn:aws:eks:eu-west-1:111122223333:podidentityassociation/new/a-3";
    let path = format!("/tags/{}", encode(arn));
    assert_eq!(bench.post(&path, json!({"tags": {"a": "1", "k": "w", "ü": ""}})), Ok(json!({})));
    assert_eq!(bench.get(&path), Ok(json!({"tags": {"a": "1", "k": "w", "ü": ""}})));
    assert_eq!(bench.delete(&format!("{path}?tagKeys=a&tagKeys=%C3%BC&tagKeys=none")), Ok(json!({})));
    assert_eq!(bench.get(&path), Ok(json!({"tags": {"k": "w"}})));
}

#[test]
fn an_entry_is_no_older_than_its_principal_and_ids_follow_from_the_seed() {
    let nobody = format!("{HOME}role/nobody");
    let ids = |seed: u64, made: &str| {
        let mut world = read(include_str!("../../../../tests/worlds/small.yaml")).unwrap();
        for role in world.iam.as_mut().unwrap().role_detail_list.iter_mut().flatten() {
            role.create_date = Some(Time(made.parse().unwrap()));
        }
        let bench = Bench::new(world, seed);
        let made = bench.post(ENTRIES, json!({"principalArn": nobody})).unwrap();
        let it = &made["accessEntry"];
        (it["accessEntryArn"].as_str().unwrap().to_owned(), it["createdAt"].as_f64().unwrap())
    };
    let (arn, created) = ids(1, "2027-01-01T00:00:00Z");
    assert_eq!(created, 1_798_761_600.0, "bound to a role that the clock has not come to yet");
    assert!(arn.starts_with("arn:aws:eks:eu-west-1:111122223333:access-entry/new/role/111122223333/nobody/"), "{arn}");
    assert_eq!(arn, ids(1, "2026-01-01T00:00:00Z").0);
    assert_ne!(arn, ids(2, "2026-01-01T00:00:00Z").0);
}

#[test]
fn there_is_room_for_so_many_and_no_more() {
    let mut world = crate::lab::generate::entries(2_999);
    let role = |name: &str| crate::model::role::RoleDetail {
        path: "/".into(),
        role_name: name.into(),
        arn: format!("arn:aws:iam::111122223333:role/{name}"),
        ..Default::default()
    };
    let iam = world.iam.get_or_insert_default();
    iam.role_detail_list.get_or_insert_default().extend([role("one-more"), role("too-many")]);
    let cluster = world.clusters[0].cluster.name.clone();
    let account = world.clusters[0].cluster.account().unwrap_or_else(|| "111122223333".into());
    world.caller = None;
    let bench = Bench::new(world, 0);
    let root = format!("arn:aws:iam::{account}:root");
    let region = bench.0.world().base.region.clone();
    assert_eq!(region, "eu-west-1");
    let create = |name: &str| {
        let body = json!({"principalArn": format!("arn:aws:iam::111122223333:role/{name}")});
        bench.call_as(&root, Method::POST, &format!("/clusters/{cluster}/access-entries"), &body)
    };
    assert!(create("one-more").is_ok());
    refused(create("too-many"), 400, "ResourceLimitExceededException", "3000 is the most");
}

/// A call that may be right or wrong.
fn any_call() -> impl Strategy<Value = (Method, String, Value)> {
    let arn = prop::sample::select(vec![
        format!("{HOME}role/admin"),
        format!("{HOME}role/nobody"),
        format!("{HOME}role/node"),
        format!("{HOME}role/teams/blue/viewer"),
        format!("{HOME}role/viewer"),
        format!("{HOME}user/bob"),
        "arn:aws:iam::555566667777:role/partner".to_owned(),
        "not an arn / %".to_owned(),
    ]);
    let name = prop::sample::select(vec!["", "a", "b-*", "ops: {{SessionName}}", "system:x", "ü\n\"'#: "]);
    let names = prop::collection::vec(name.clone(), 0..3);
    let kind = prop::sample::select(vec!["STANDARD", "EC2_LINUX", "EC2", "FARGATE_LINUX", "x"]);
    let policy = prop::sample::select(vec![
        VIEW.to_owned(),
        VIEW.replace("View", "Edit"),
        VIEW.replace("EKSView", "EKSAutoNode"),
    ]);
    let scope = prop::sample::select(vec!["cluster", "namespace", "none"]);
    let id = prop::sample::select(vec!["a-1", "a-2", "a-9"]);
    (0..10, arn, name, names, kind, policy, scope, id).prop_map(|(what, arn, name, names, kind, policy, scope, id)| {
        let (post, delete, nothing) = (Method::POST, Method::DELETE, Value::Null);
        let pod = json!({"namespace": name, "serviceAccount": "x", "roleArn": arn, "tags": {"k": name}});
        match what {
            0 | 1 => {
                let body = json!({"principalArn": arn, "kubernetesGroups": names, "type": kind, "tags": {"k": name}});
                (post, ENTRIES.to_owned(), body)
            }
            2 => (post, entry(&arn), json!({"kubernetesGroups": names, "username": name})),
            3 => (delete, entry(&arn), nothing),
            4 | 5 => {
                let body = json!({"policyArn": policy, "accessScope": {"type": scope, "namespaces": names}});
                (post, policies(&arn), body)
            }
            6 => (delete, format!("{}/{}", policies(&arn), encode(&policy)), nothing),
            7 => (post, PODS.to_owned(), pod),
            8 => (post, format!("{PODS}/{id}"), json!({"roleArn": arn, "targetRoleArn": arn})),
            _ => (delete, format!("{PODS}/{id}"), nothing),
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_written_the_world_reads_back(calls in prop::collection::vec(any_call(), 1..24)) {
        let bench = Bench::small();
        for (method, path, body) in calls {
            let before = bench.document();
            if let Err(refusal) = bench.call(method, &path, body) {
                prop_assert!(refusal.status.is_client_error(), "{}", refusal.message);
                prop_assert_eq!(bench.document(), before, "a refusal changes nothing");
            }
        }
        let document = bench.document();
        let text = to_yaml(&document).unwrap();
        let again = read(&text).unwrap();
        prop_assert_eq!(&again, &document, "{}", text);
        // Opened anew, it is the same world.
        prop_assert_eq!(in_order(Bench::new(again, 0).document()), in_order(document));
        for entry in bench.document().clusters[0].access_entries.iter().flatten() {
            let path = self::entry(&entry.principal_arn);
            prop_assert!(bench.get(&path).is_ok());
        }
    }
}

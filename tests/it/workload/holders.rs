//! Who becomes a role: what the whole trust policy says to each whom it names, and what their own policies do to that.

use eksplorer::access::Verdict::{self, No, Unknown, Yes};
use eksplorer::access::inventory::inventory;
use eksplorer::access::workload::Workloads;
use eksplorer::access::workload::role::WhyRole;
use eksplorer::model::principal::Principal;
use serde_json::{Value, json};

use super::world::*;

const ACCOUNT: &str = "arn:aws:iam::111122223333";

fn why(world: &World, role: &str) -> WhyRole {
    let (facts, snapshot) = (world.facts(), world.snapshot());
    let (role, _) = Principal::from_arn(&format!("{ACCOUNT}:role/{role}")).unwrap();
    Workloads::new(&facts, &snapshot.iam).why_role(&role)
}

fn add_role(world: &mut World, name: &str, trust: Value, more: Value) {
    let mut role = json!({"RoleName": name, "Arn": format!("{ACCOUNT}:role/{name}"), "Path": "/",
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": trust}});
    role.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    world.push("/iam/RoleDetailList", role);
}

fn inline(document: Value) -> Value {
    json!({"RolePolicyList": [{"PolicyName": "own", "PolicyDocument": document}]})
}

fn allow(principal: Value) -> Value {
    json!({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"})
}

fn deny(principal: Value, condition: Value) -> Value {
    json!({"Effect": "Deny", "Principal": principal, "Action": "sts:*", "Condition": condition})
}

/// §5.1: a Deny that applies wins, whoever is named, and what is not about becoming it gives nothing.
#[test]
fn everybody_and_accounts_are_judged_as_any_other() {
    let org = json!({"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}});
    let other = json!({"AWS": "999988887777"});
    let tags = json!({"Effect": "Allow", "Principal": "*", "Action": "sts:TagSession"});
    let in_org = json!({"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}});
    for (statements, wanted) in [
        (json!([allow(json!("*"))]), Yes),
        (json!([in_org]), Unknown),
        (json!([allow(json!("*")), deny(json!("*"), json!({}))]), No),
        (json!([allow(json!("*")), deny(json!("*"), org.clone())]), Unknown),
        // Of others it says nothing.
        (json!([allow(json!("*")), deny(other.clone(), json!({}))]), Yes),
        (json!([allow(json!("*")), deny(json!({"Service": "ec2.amazonaws.com"}), json!({}))]), Yes),
        (json!([tags]), No),
        (json!([allow(other.clone())]), Unknown),
        (json!([allow(other.clone()), deny(json!("*"), json!({}))]), No),
        (json!([allow(other.clone()), deny(other.clone(), json!({}))]), No),
        (json!([allow(other), deny(json!("*"), org)]), Unknown),
        (json!([allow(json!({"AWS": format!("{ACCOUNT}:root")})), deny(json!("*"), json!({}))]), No),
    ] {
        let world = World::with(|it| add_role(it, "asked", statements.clone(), json!({})));
        let why = why(&world, "asked");
        assert_eq!(why.answer.outcome, wanted, "{statements}: {:#?}", why.holders);
    }
}

const ASKED: &str = "arn:aws:iam::111122223333:role/asked";

/// A role that names another role, and one that leaves it to the account: whether that other becomes them, and why.
fn by_own_policies(more: Value, policies: Value) -> [(Verdict, String); 2] {
    [format!("{ACCOUNT}:role/ops"), format!("{ACCOUNT}:root")].map(|principal| {
        let world = World::with(|it| {
            add_role(it, "asked", json!([allow(json!({"AWS": principal}))]), json!({}));
            add_role(it, "ops", json!([]), more.clone());
            it.set("/iam/Policies", policies.clone());
        });
        let why = why(&world, "asked");
        (why.answer.outcome, why.holders.first().unwrap().because.clone())
    })
}

/// §5.1: within an account being named is enough without an Allow of one's own, and never against a Deny.
#[test]
fn own_policies_that_are_silent_deny_or_are_open_are_told_apart() {
    let may = json!({"Effect": "Allow", "Action": "sts:*", "Resource": "*"});
    let never = json!({"Effect": "Deny", "Action": "sts:AssumeRole", "Resource": ASKED});
    let mfa = json!({"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}});
    let s3 = json!({"Effect": "Allow", "Action": "s3:*", "Resource": "*"});
    let new = |statements: Value| inline(json!({"Version": "2012-10-17", "Statement": statements}));
    let old = |statements: Value| inline(json!({"Statement": statements}));
    let on = |effect: &str, resource: &str| json!({"Effect": effect, "Action": "sts:AssumeRole", "Resource": resource});
    let mut never_without_mfa = never.clone();
    never_without_mfa["Condition"] = mfa;
    let own_account = "arn:aws:iam::${aws:PrincipalAccount}:role/asked";
    let by_tag = "arn:aws:iam::*:role/${aws:PrincipalTag/team}";
    let by_tag_elsewhere = "arn:aws:iam::*:role/teams/${aws:PrincipalTag/team}";
    let encoded = "%257B%2522Version%2522%253A%25222012-10-17%2522%252C%2522Statement%2522%253A%257B%2522Effect%2522%253A\
        %2522Allow%2522%252C%2522Action%2522%253A%2522%2A%2522%252C%2522Resource%2522%253A%2522%2A%2522%257D%257D";
    let attached = |arn: &str| json!({"AttachedManagedPolicies": [{"PolicyName": "p", "PolicyArn": arn}]});
    for (what, more, named, left_to_account) in [
        ("silent", new(json!([s3])), Yes, No),
        ("allows", new(json!([may])), Yes, Yes),
        ("denies", new(json!([may, never])), No, No),
        ("denies alone", new(json!([never])), No, No),
        ("denies on a condition", new(json!([may, never_without_mfa])), Unknown, Unknown),
        (
            "by an action that is excluded",
            new(json!([may, {"Effect": "Deny", "NotAction": "s3:*", "Resource": "*"}])),
            No,
            No,
        ),
        // §5.3: variables, in documents that know them.
        ("its own account", new(json!([on("Allow", own_account)])), Yes, Yes),
        ("its own account, denied", new(json!([may, on("Deny", own_account)])), No, No),
        ("a variable that is text", old(json!([may, on("Deny", own_account)])), Yes, Yes),
        ("a tag", new(json!([on("Allow", by_tag)])), Yes, Unknown),
        ("a tag, denied", new(json!([may, on("Deny", by_tag)])), Unknown, Unknown),
        ("a tag that cannot matter", new(json!([may, on("Deny", by_tag_elsewhere)])), Yes, Yes),
        // What cannot be made out may say anything.
        ("encoded twice", inline(json!(encoded)), Yes, Yes),
        ("cut short", inline(json!("{\"Statement\": [{\"Effect\": ")), Unknown, Unknown),
        ("no such elements", old(json!([{"effect": "Allow", "action": "*", "resource": "*"}])), Unknown, Unknown),
        ("no statements", inline(json!({})), Unknown, Unknown),
        // What was not read.
        ("one of AWS's own", attached("arn:aws:iam::aws:policy/ReadOnlyAccess"), Yes, Unknown),
        ("AWS's own that denies", attached("arn:aws:iam::aws:policy/AWSDenyAll"), No, No),
        ("one of the account's", attached("arn:aws:iam::111122223333:policy/unread"), Unknown, Unknown),
    ] {
        let found = by_own_policies(more, json!([]));
        assert_eq!([found[0].0, found[1].0], [named, left_to_account], "{what}: {found:?}");
    }
}

/// §5.1: a boundary leaves no more than it allows, where its text is read.
#[test]
fn a_permissions_boundary_counts_as_far_as_it_is_read() {
    let boundary = format!("{ACCOUNT}:policy/limit");
    let policy = |statement: Value| {
        json!([{"PolicyName": "limit", "Arn": boundary, "PolicyVersionList": [{"VersionId": "v1", "IsDefaultVersion": true,
            "Document": {"Version": "2012-10-17", "Statement": statement}}]}])
    };
    let statement = |effect: &str, action: &str, condition: Value| json!({"Effect": effect, "Action": action, "Resource": "*", "Condition": condition});
    let mfa = json!({"Bool": {"aws:MultiFactorAuthPresent": "true"}});
    for (policies, wanted, said) in [
        (json!([]), Unknown, "was not read"),
        (policy(json!([statement("Allow", "*", json!({}))])), Yes, "allows sts:AssumeRole"),
        (policy(json!([statement("Allow", "s3:*", json!({}))])), No, "does not allow sts:AssumeRole"),
        (policy(json!([statement("Allow", "*", mfa)])), Unknown, "depends on a condition"),
        (
            policy(json!([statement("Allow", "*", json!({})), statement("Deny", "sts:*", json!({}))])),
            No,
            "denies sts:AssumeRole",
        ),
    ] {
        let mut more = inline(json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}));
        more["PermissionsBoundary"] = json!({"PermissionsBoundaryArn": boundary});
        let [named, left] = by_own_policies(more.clone(), policies.clone());
        assert_eq!(named.0, wanted, "{policies}: {named:?}");
        assert!(named.1.contains(said), "{policies}: {named:?}");
        assert_eq!(left.0, wanted, "{policies}: {left:?}");
        // One session that is named may get directly what the boundary merely leaves out.
        let world = World::with(|it| {
            let session = json!({"AWS": "arn:aws:sts::111122223333:assumed-role/ops/s"});
            add_role(it, "asked", json!([allow(session)]), json!({}));
            add_role(it, "ops", json!([]), more);
            it.set("/iam/Policies", policies);
        });
        let session = if said.starts_with("does not allow") { Unknown } else { wanted };
        assert_eq!(why(&world, "asked").answer.outcome, session);
    }
}

/// §2.5: the first role's own Deny keeps it from the target, whatever that trusts, and no trust policy mends it.
#[test]
fn a_chain_breaks_on_the_first_role_s_own_deny() {
    let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Principal": {"AWS": format!("{ACCOUNT}:role/pods/ledger")}, "Action": ["sts:AssumeRole", "sts:TagSession"]}]});
    let chain = |effect: &str, resource: &str| {
        let mut world = World::new();
        world.target(trust.clone());
        world.set(
            &format!("{LEDGER}/RolePolicyList/0/PolicyDocument"),
            json!({"Version": "2012-10-17", "Statement": {"Effect": effect, "Action": "sts:*", "Resource": resource}}),
        );
        world
    };
    for (effect, resource, wanted) in [
        ("Allow", "*", Yes),
        ("Allow", "arn:aws:s3:::x", Yes),
        ("Deny", "*", No),
        ("Deny", "arn:aws:iam::${aws:PrincipalAccount}:role/target", No),
        ("Deny", "arn:aws:iam::${aws:PrincipalTag/x}:role/target", Unknown),
    ] {
        let world = chain(effect, resource);
        assert_eq!(world.pod("ledger-0").1, wanted, "{effect} {resource}");
    }
    let denied =
        chain("Deny", "*").all_findings().into_iter().find(|it| it.id.as_str() == "pod-identity-target").unwrap();
    assert_eq!(denied.remedy, Vec::new(), "a trust policy does not mend it");
}

fn web(condition: Value) -> Value {
    json!({"Effect": "Allow", "Principal": {"Federated": PROVIDER}, "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": condition})
}

/// §1.6: whose tokens a statement takes, and that every service account gets in is found however it is written.
#[test]
fn whose_tokens_are_taken() {
    let (sub, aud, foreign) = (format!("{HOST}:sub"), format!("{HOST}:aud"), format!("{OLD}:sub"));
    let me = "system:serviceaccount:payments:api";
    let sts = json!({aud.clone(): "sts.amazonaws.com"});
    let with = |mut statement: Value, element: &str, value: Value| {
        let members = statement.as_object_mut().unwrap();
        members.remove("Action");
        members.insert(element.to_owned(), value);
        statement
    };
    let mut by_all = web(json!({"StringEquals": sts}));
    by_all["Principal"] = json!("*");
    let mut by_org = by_all.clone();
    by_org["Condition"] = json!({"StringEquals": {"aws:PrincipalOrgID": "o-1"}});
    for (what, statements, provider, no_subject) in [
        ("by name", json!([web(json!({"StringEquals": {sub.clone(): me}}))]), Some(Unknown), false),
        ("nobody asked", json!([web(json!({"StringEquals": sts}))]), Some(Yes), true),
        ("but one action", json!([with(web(json!({})), "NotAction", json!("sts:TagSession"))]), Some(Yes), true),
        ("but this action", json!([with(web(json!({})), "NotAction", json!("sts:*"))]), Some(No), false),
        ("everybody", json!([by_all]), Some(Yes), true),
        ("everybody of an organisation", json!([by_org]), None, false),
        ("everybody, other action", json!([allow(json!("*"))]), None, false),
        (
            "of another issuer, if it is there",
            json!([web(json!({"StringEqualsIfExists": {foreign.clone(): me}}))]),
            Some(Yes),
            true,
        ),
        (
            "of another issuer, not this",
            json!([web(json!({"StringNotEquals": {foreign.clone(): me}}))]),
            Some(Yes),
            true,
        ),
        ("of another issuer", json!([web(json!({"StringEquals": {foreign: me}}))]), Some(No), false),
        ("that it be there", json!([web(json!({"Null": {sub.clone(): "false"}}))]), Some(Unknown), true),
        ("a scheme", json!([web(json!({"StringEquals": {format!("https://{sub}"): me}}))]), Some(No), false),
        ("a slash", json!([web(json!({"StringEquals": {format!("{HOST}/:sub"): me}}))]), Some(No), false),
        (
            "a star as it stands",
            json!([web(json!({"StringEquals": {sub.clone(): "system:serviceaccount:payments:*"}}))]),
            Some(No),
            false,
        ),
        (
            "a star",
            json!([web(json!({"StringLike": {sub.clone(): "system:serviceaccount:payments:*"}}))]),
            Some(Unknown),
            false,
        ),
        ("no subject of a cluster", json!([web(json!({"StringLike": {sub.clone(): "repo:acme/*"}}))]), Some(No), false),
        ("one of two", json!([web(json!({"StringEquals": {sub.clone(): ["x", me]}}))]), Some(Unknown), false),
        (
            "an audience that is not taken",
            json!([web(json!({"StringEquals": {sub.clone(): me, aud: "vault"}}))]),
            Some(No),
            false,
        ),
        ("denied", json!([web(json!({"StringEquals": {sub: me}})), deny(json!("*"), json!({}))]), Some(No), false),
    ] {
        let world = World::with(|it| it.set(TRUST.trim_end_matches("/0"), statements.clone()));
        let why = why(&world, "api");
        let found = why.holders.iter().find(|it| it.name == PROVIDER);
        assert_eq!(found.map(|it| it.outcome), provider, "{what}: {:#?}", why.holders);
        let found = why.findings.iter().any(|it| it.id.as_str() == "irsa-no-subject");
        assert_eq!(found, no_subject, "{what}: {:#?}", why.findings);
        // A role that no annotation names has its row, whichever way it trusts the issuer.
        let world = World::with(|it| {
            it.set(TRUST.trim_end_matches("/0"), statements.clone());
            it.set(&format!("{API_SA_META}/annotations"), json!({}));
        });
        let rows = inventory(&world.facts(), &world.snapshot().iam);
        assert_eq!(rows.irsa.iter().any(|it| it.role_arn == API), provider.is_some(), "{what}");
    }
}

/// §1.6.21, §1.6.6: a value is told as passing only where one can.
#[test]
fn what_no_value_can_pass_is_said() {
    let me = "system:serviceaccount:payments:api";
    for (operator, key, value, said, passes) in [
        ("StringEquals", format!("https://{HOST}:sub"), me, "with a scheme or a slash too many, and must read", false),
        ("StringEquals", format!("{HOST}/:sub"), me, "must read", false),
        ("StringEquals", format!("{OLD}:sub"), me, "the condition names another issuer", false),
        ("StringEquals", format!("{HOST}:sub"), "system:serviceaccount:payments:*", "StringLike would not", false),
        ("StringEquals", format!("{HOST}:sub"), "system:serviceaccount:payments:web", "wants", true),
        ("StringLike", format!("{HOST}:sub"), "system:serviceaccount:web:*", "wants", true),
    ] {
        let world = World::with(|it| it.set(&format!("{TRUST}/Condition"), json!({operator: {key.clone(): value}})));
        let (facts, snapshot) = (world.facts(), world.snapshot());
        let why = Workloads::new(&facts, &snapshot.iam).why_account("payments", "api").unwrap();
        assert_eq!(why.answer.outcome, No, "{key}");
        assert!(why.answer.because.contains(said), "{key}: {}", why.answer.because);
        assert_eq!(why.answer.passes.is_some(), passes, "{key}: {:?}", why.answer.passes);
        // The issuer's own id keeps its case.
        assert!(!why.answer.because.contains("aaaa"), "{key}: {}", why.answer.because);
    }
}

/// §4: the pods of a node's role: on the host's network surely, with nothing of their own perhaps, and these together.
#[test]
fn a_node_s_role_is_had_by_pods_too() {
    let world = World::with(|it| {
        for name in ["a", "b", "c", "d"] {
            let mut pod = it.0.pointer("/clusters/0/kubernetes/4").unwrap().clone();
            pod["metadata"]["name"] = json!(name);
            pod["spec"]["containers"] = json!([{"name": "app"}]);
            it.push("/clusters/0/kubernetes", pod);
        }
        let mut host = it.0.pointer("/clusters/0/kubernetes/4").unwrap().clone();
        host["metadata"]["name"] = json!("host");
        host["spec"]["hostNetwork"] = json!(true);
        it.push("/clusters/0/kubernetes", host);
        // One container has nothing of its own.
        let mut side = it.0.pointer("/clusters/0/kubernetes/4").unwrap().clone();
        side["metadata"]["name"] = json!("side");
        side["spec"]["containers"] = json!([{"name": "app", "env": irsa_env()}, {"name": "side"}]);
        it.push("/clusters/0/kubernetes", side);
    });
    let why = why(&world, "node");
    let pods: Vec<_> = (why.holders.iter().filter(|it| it.kind.as_str() == "pod"))
        .map(|it| (it.name.as_str(), it.outcome, it.count))
        .collect();
    assert_eq!(
        pods,
        [
            ("kube-system/eks-pod-identity-agent-x", Yes, 1),
            ("payments/host", Yes, 1),
            ("5 pods without an identity of their own", Unknown, 5),
        ]
    );
    assert!(why.answer.because.contains("and 5 perhaps"), "{}", why.answer.because);
    let together = why.holders.iter().find(|it| it.count > 1).unwrap();
    assert!(together.because.starts_with("payments/a, payments/b, payments/c and 2 more"), "{}", together.because);
    assert_eq!(together.subject(), None, "it is nobody to ask about");
}

/// §2.5: a session policy leaves of the role's rights what it allows itself.
#[test]
fn a_session_policy_is_looked_at() {
    let policy = |statement: Value| json!({"Version": "2012-10-17", "Statement": statement}).to_string();
    let allow = |action: &str, resource: &str| json!({"Effect": "Allow", "Action": action, "Resource": resource});
    let tags_off = format!("{ASSOCIATION}/disableSessionTags");
    for (policy, tags, resource, wanted) in [
        (policy(json!([allow("s3:*", "*")])), true, "*", Yes),
        (policy(json!([allow("ec2:*", "*")])), true, "*", No),
        (policy(json!([allow("ec2:*", "*")])), false, "*", Unknown),
        (policy(json!([allow("s3:*", "arn:aws:s3:::logs/*")])), true, "*", Unknown),
        (policy(json!([allow("s3:*", "arn:aws:s3:::logs/*")])), true, "arn:aws:s3:::logs/a", Yes),
        (policy(json!([allow("s3:*", "arn:aws:s3:::logs/*")])), true, "arn:aws:s3:::other/a", No),
        ("{".to_owned(), true, "*", Unknown),
        ("{}".to_owned(), true, "*", Unknown),
    ] {
        let world = World::with(|it| {
            it.set(&format!("{ASSOCIATION}/policy"), json!(policy));
            it.set(&tags_off, json!(tags));
        });
        let (facts, snapshot) = (world.facts(), world.snapshot());
        let workloads = Workloads::new(&facts, &snapshot.iam);
        let pod = workloads.why_pod(workloads.pod("payments", "ledger-0").found().unwrap());
        let account = workloads.why_account("payments", "ledger").unwrap();
        for why in [pod, account] {
            let found = why.session_allows("s3:GetObject", resource).unwrap();
            assert_eq!(found.0, wanted, "{policy} {resource}: {found:?}");
        }
        assert_eq!(workloads.why_account("payments", "api").unwrap().session_allows("s3:GetObject", "*"), None);
    }
}

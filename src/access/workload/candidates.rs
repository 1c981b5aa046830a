//! The roles of the account as a service account might be given them by Pod Identity, with what their trust says to that.
//!
//! Decides in two glances, since an account has many roles: does the trust policy name the service at all, as EKS itself
//! asks; and where it does, what it says of just this service account. Whether the role may then do what it should is
//! nobody's question here.

use crate::access::Verdict;
use crate::access::trust::{Document, PodIdentity, Request, evaluate};
use crate::model::role::RoleDetail;
use crate::model::snapshot::{ClusterFacts, IamFacts};
use crate::model::validation::association::{SERVICE, trusted};

/// A role that a service account might be given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The role.
    pub arn: String,
    /// Would its trust policy let the service account in?
    pub outcome: Verdict,
    /// Why, as a sentence.
    pub because: String,
}

/// The roles of the account, those first that would let the service account in; each kind by its ARN.
pub fn candidates(facts: &ClusterFacts, iam: &IamFacts, namespace: &str, account: &str) -> Vec<Candidate> {
    let cluster = facts.cluster.value().and_then(|it| it.arn.as_deref());
    let tags = PodIdentity {
        cluster_arn: cluster.unwrap_or_default(),
        namespace,
        service_account: account,
        pod_name: None,
        pod_uid: None,
        disable_session_tags: false,
    };
    let one = |role: &RoleDetail| {
        let (outcome, because) = judge(role, &tags);
        Candidate { arn: role.arn.clone(), outcome, because }
    };
    // A service's own roles are nobody else's to use.
    let own = iam.roles.items().iter().filter(|it| !it.path.starts_with("/aws-service-role/"));
    let mut all: Vec<Candidate> = own.map(one).collect();
    all.sort_by(|a, b| (b.outcome, &a.arn).cmp(&(a.outcome, &b.arn)));
    all
}

fn judge(role: &RoleDetail, tags: &PodIdentity<'_>) -> (Verdict, String) {
    let Some(policy) = &role.assume_role_policy_document else {
        return (Verdict::Unknown, "its trust policy was not read".to_owned());
    };
    let document = match Document::from_value(policy) {
        Ok(document) => document,
        Err(error) => return (Verdict::Unknown, format!("its trust policy cannot be made out: {error}")),
    };
    // IAM gives documents as texts or as values; what is read of them is the same.
    let names_it = policy.as_str().map_or_else(|| trusted(policy).is_ok(), |text| text.contains(SERVICE));
    if !names_it {
        return (Verdict::No, format!("its trust policy does not name {SERVICE}"));
    }
    let owner = role.arn.split(':').nth(4).unwrap_or_default();
    let verdict = evaluate(&document, &Request::pod_identity(tags).to_account(owner));
    (verdict.verdict, verdict.because)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::snapshot::Section;
    use crate::model::time::Time;
    use serde_json::{Value, json};

    fn role(name: &str, path: &str, trust: Option<Value>) -> RoleDetail {
        RoleDetail {
            role_name: name.into(),
            path: path.into(),
            arn: format!("arn:aws:iam::111122223333:role{path}{name}"),
            assume_role_policy_document: trust,
            ..RoleDetail::default()
        }
    }

    fn lets(condition: Value) -> Option<Value> {
        let statement = json!({"Effect": "Allow", "Principal": {"Service": SERVICE},
            "Action": ["sts:AssumeRole", "sts:TagSession"], "Condition": condition});
        Some(json!({"Version": "2012-10-17", "Statement": [statement]}))
    }

    #[test]
    fn who_would_be_let_in_comes_first_and_the_others_say_why_not() {
        let at = Time::from_epoch(1e9).unwrap();
        let of = |namespace: &str| json!({"StringEquals": {"aws:RequestTag/kubernetes-namespace": namespace}});
        let ec2 = json!({"Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]});
        let roles = vec![
            role("a-nodes", "/", Some(ec2)),
            role("b-unread", "/", None),
            role("c-other", "/", lets(of("green"))),
            role("d-own", "/", lets(of("blue"))),
            role("e-linked", "/aws-service-role/x/", lets(json!({}))),
            role("f-any", "/", lets(json!({}))),
        ];
        let iam = IamFacts { roles: Section::known(roles, at), ..IamFacts::default() };
        let cluster = crate::model::cluster::Cluster {
            arn: Some("arn:aws:eks:eu-west-1:111122223333:cluster/c".into()),
            ..Default::default()
        };
        let facts = ClusterFacts { cluster: Section::known(cluster, at), ..ClusterFacts::default() };
        let found = candidates(&facts, &iam, "blue", "api");
        let names: Vec<_> = found.iter().map(|it| (it.arn.rsplit('/').next().unwrap(), it.outcome)).collect();
        let (yes, open, no) = (Verdict::Yes, Verdict::Unknown, Verdict::No);
        assert_eq!(names, [("d-own", yes), ("f-any", yes), ("b-unread", open), ("a-nodes", no), ("c-other", no)]);
        assert!(found[3].because.contains("does not name pods.eks.amazonaws.com"));
        assert!(found[4].because.contains("kubernetes-namespace"), "{}", found[4].because);
    }
}

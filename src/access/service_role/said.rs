//! What one policy says of one action: surely, perhaps, or nothing.
//!
//! Decides when a statement counts whole: without conditions, and on everything that the action is used on. What is
//! limited in either way may or may not reach what a part needs, which is [`Say::Perhaps`]; what names nothing that the
//! action could be used on says nothing. Which actions a part needs is [`super::policies`]'s.

use serde_json::Value;

use crate::model::percent::decode;
use crate::model::wildcard::glob;

/// What a policy says to an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Say {
    /// Nothing.
    Silent,
    /// Something, but on a condition or for some resources only.
    Perhaps,
    /// It applies, whatever is asked.
    Surely,
}

/// Where a part's actions are used, as far as that is known.
pub(super) struct Ground<'a> {
    pub(super) partition: &'a str,
    /// The cluster's ARN: the resource of what is asked of EKS.
    pub(super) cluster: Option<&'a str>,
}

/// No name that anybody gave: only a wildcard fits it.
const ANY: &str = "\u{1}";

impl Ground<'_> {
    /// What the action is used on. Of most it is not known which, so that only `*` surely covers it.
    fn resource(&self, action: &str) -> Option<String> {
        match action.split_once(':') {
            Some(("eks" | "eks-auth", _)) => self.cluster.map(str::to_owned),
            Some(("ecr", verb)) if verb != "GetAuthorizationToken" => {
                Some(format!("arn:{}:ecr:{ANY}:{ANY}:repository/{ANY}", self.partition))
            }
            _ => None,
        }
    }

    /// Whether a resource of a statement covers what the action is used on.
    fn covers(&self, pattern: &str, action: &str) -> Say {
        if pattern.chars().all(|it| it == '*') && !pattern.is_empty() {
            return Say::Surely;
        }
        // What a variable stands for is known only when it is asked.
        if pattern.contains("${") {
            return Say::Perhaps;
        }
        let of_eks = action.starts_with("eks:") || action.starts_with("eks-auth:");
        match self.resource(action) {
            Some(resource) if glob(pattern, &resource) => Say::Surely,
            Some(_) if of_eks => Say::Silent,
            _ if is_of_another(pattern, action) => Say::Silent,
            _ => Say::Perhaps,
        }
    }
}

/// An ARN of a service on whose resources the action is never used. Told only of services that keep to their own.
fn is_of_another(pattern: &str, action: &str) -> bool {
    let (Some((service, _)), Some(named)) = (action.split_once(':'), pattern.split(':').nth(2)) else { return false };
    matches!(service, "ec2" | "ecr" | "elasticloadbalancing") && !named.contains(['*', '?']) && named != service
}

/// What a document's statements of that effect say to the action.
pub(super) fn says(document: &Value, effect: &str, action: &str, ground: &Ground<'_>) -> Say {
    statements(document)
        .filter(|it| it.get("Effect").and_then(Value::as_str) == Some(effect))
        .map(|it| said(it, action, ground))
        .max()
        .unwrap_or(Say::Silent)
}

fn said(statement: &Value, action: &str, ground: &Ground<'_>) -> Say {
    if !speaks_of(statement, action) {
        return Say::Silent;
    }
    let on = match (statement.get("Resource"), statement.get("NotResource")) {
        (Some(named), _) => texts(Some(named)).map(|it| ground.covers(it, action)).max().unwrap_or(Say::Silent),
        // All but some: whether what is used is among those is not known.
        (None, Some(_)) => Say::Perhaps,
        (None, None) => Say::Silent,
    };
    if is_conditional(statement) { on.min(Say::Perhaps) } else { on }
}

/// Is the action among those of the statement?
pub(super) fn speaks_of(statement: &Value, action: &str) -> bool {
    let action = action.to_lowercase();
    let is_it = |pattern: &str| glob(&pattern.to_lowercase(), &action);
    match (statement.get("Action"), statement.get("NotAction")) {
        (Some(actions), _) => texts(Some(actions)).any(is_it),
        (None, Some(but)) => !texts(Some(but)).any(is_it),
        (None, None) => false,
    }
}

/// Does it apply only sometimes?
pub(super) fn is_conditional(statement: &Value) -> bool {
    let condition = statement.get("Condition").filter(|it| !it.is_null());
    condition.is_some_and(|it| it.as_object().is_none_or(|it| !it.is_empty()))
}

pub(super) fn statements(document: &Value) -> impl Iterator<Item = &Value> {
    items(document.get("Statement")).iter()
}

/// IAM takes one thing for a list of one.
fn items(value: Option<&Value>) -> &[Value] {
    match value {
        None => &[],
        Some(Value::Array(items)) => items,
        Some(one) => std::slice::from_ref(one),
    }
}

pub(super) fn texts(value: Option<&Value>) -> impl Iterator<Item = &str> {
    items(value).iter().filter_map(Value::as_str)
}

/// A document as JSON, whether it stands there as such or as text.
pub(super) fn as_json(document: &Value) -> Option<Value> {
    match document {
        Value::String(text) => serde_json::from_str(text).ok().or_else(|| serde_json::from_str(&decode(text)?).ok()),
        other => Some(other.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    const CLUSTER: &str = "arn:aws:eks:eu-west-1:111122223333:cluster/c1";

    #[rstest]
    #[case("ec2:DescribeInstances", json!("*"), Say::Surely)]
    #[case("ec2:DescribeInstances", json!(["arn:aws:ec2:*:*:instance/*"]), Say::Perhaps)]
    #[case("ec2:DescribeInstances", json!("arn:aws:s3:::nothing"), Say::Silent)]
    #[case("ec2:DescribeInstances", json!(["arn:aws:s3:::nothing", "*"]), Say::Surely)]
    #[case("ssm:UpdateInstanceInformation", json!("arn:aws:ec2:*:*:instance/*"), Say::Perhaps)]
    #[case("eks:DescribeCluster", json!(CLUSTER), Say::Surely)]
    #[case("eks:DescribeCluster", json!("arn:aws:eks:*:*:cluster/*"), Say::Surely)]
    #[case("eks:DescribeCluster", json!("arn:aws:eks:eu-west-1:111122223333:cluster/c2"), Say::Silent)]
    #[case("eks:DescribeCluster", json!("arn:aws:eks:*:*:cluster/${aws:PrincipalTag/c}"), Say::Perhaps)]
    #[case("ecr:BatchGetImage", json!("arn:aws:ecr:*:*:repository/*"), Say::Surely)]
    #[case("ecr:BatchGetImage", json!("arn:aws:ecr:eu-west-1:111122223333:repository/*"), Say::Perhaps)]
    #[case("ecr:GetAuthorizationToken", json!("arn:aws:ecr:*:*:repository/*"), Say::Perhaps)]
    fn where_a_statement_applies(#[case] action: &str, #[case] on: Value, #[case] expected: Say) {
        let ground = Ground { partition: "aws", cluster: Some(CLUSTER) };
        let of = |condition: Value| {
            let statement = json!({"Effect": "Allow", "Action": "*", "Resource": on, "Condition": condition});
            says(&json!({"Statement": statement}), "Allow", action, &ground)
        };
        assert_eq!(of(json!({})), expected);
        let on_a_condition = of(json!({"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}));
        assert_eq!(on_a_condition, expected.min(Say::Perhaps));
    }

    #[test]
    fn without_the_cluster_s_arn_nothing_is_sure_of_what_names_one() {
        let ground = Ground { partition: "aws", cluster: None };
        assert_eq!(ground.covers(CLUSTER, "eks:DescribeCluster"), Say::Perhaps);
    }
}

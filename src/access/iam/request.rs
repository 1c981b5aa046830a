//! One concrete request to assume a role: who asks, for what, and what is known of its context.
//!
//! Decides which keys of the context are present, known to be absent, or not known, for each kind of request. A new
//! kind of request is a constructor here.

use std::collections::BTreeMap;

use crate::model::principal::{Arn, ArnError, Principal, PrincipalKind};

/// The service that brings Pod Identity.
pub const POD_IDENTITY_SERVICE: &str = "pods.eks.amazonaws.com";

/// The tags of a Pod Identity session.
const POD_TAGS: [&str; 6] = [
    "eks-cluster-arn",
    "eks-cluster-name",
    "kubernetes-namespace",
    "kubernetes-service-account",
    "kubernetes-pod-name",
    "kubernetes-pod-uid",
];

/// The account of the resource for which a service asks.
pub(crate) const SOURCE_ACCOUNT: &str = "aws:SourceAccount";
/// The resource for which a service asks. For Pod Identity it is the cluster's ARN: trials show it
/// (terraform-aws-modules/terraform-aws-eks, pull request 3743, "validated against a live cluster"), and no document of
/// AWS says it, so that an answer that rests on it is unverified.
pub(crate) const SOURCE_ARN: &str = "aws:SourceArn";

/// Keys that only a service has that asks for a resource ("AWS global condition context keys": in the request "only when
/// the call to your resource is made directly by an AWS service principal on behalf of a resource").
const OF_SERVICES: [&str; 4] = ["aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid", "aws:sourceorgpaths"];

/// Services whose keys no request to STS has ("Actions, resources, and condition keys for AWS Security Token Service").
const NEVER_IN_STS: [&str; 12] =
    ["autoscaling", "dynamodb", "ec2", "ecr", "eks", "kms", "lambda", "s3", "secretsmanager", "sns", "sqs", "ssm"];

/// What it takes to assume a role.
pub(crate) const ASSUME_ROLE: &str = "sts:AssumeRole";
/// What it takes to tag a session that is being made.
pub(crate) const TAG_SESSION: &str = "sts:TagSession";

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// A user, a role or its session, a federated user, or an account's root.
    Iam {
        /// The ARN as given.
        arn: String,
        /// The principal; for a session, the role it belongs to.
        principal: Principal,
        /// The session's name, if one was given.
        session: Option<String>,
        /// False for a session whose role's path nobody told.
        path_known: bool,
    },
    /// An AWS service.
    Service(String),
    /// The bearer of an identity provider's token: the provider's ARN, or the name of a built-in one.
    Federated(String),
}

impl Caller {
    /// An IAM principal by its ARN; an account by its twelve digits.
    pub fn iam(arn: &str) -> Result<Caller, ArnError> {
        let whole = match arn.len() == 12 && arn.bytes().all(|b| b.is_ascii_digit()) {
            true => format!("arn:aws:iam::{arn}:root"),
            false => arn.to_owned(),
        };
        let (principal, session) = Principal::from_arn(&whole)?;
        Ok(Caller::Iam { arn: arn.to_owned(), path_known: session.is_none(), principal, session })
    }

    /// As it was given.
    pub fn text(&self) -> &str {
        match self {
            Caller::Iam { arn, .. } => arn,
            Caller::Service(text) | Caller::Federated(text) => text,
        }
    }

    /// The provider's host and path, under which a token's claims are conditions; `None` for SAML and all others.
    fn host_path(&self) -> Option<&str> {
        match self {
            Caller::Federated(text) => match text.split_once(":oidc-provider/") {
                Some((_, host)) => Some(host),
                None if text.starts_with("arn:") => None,
                None => Some(text),
            },
            _ => None,
        }
    }
}

/// What is known of one key of the context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup<'a> {
    /// It is there, with at least one value.
    Present(&'a [String]),
    /// It is not in the request.
    Absent,
    /// Nobody told.
    Unknown,
}

/// Does something of the caller's own stand in the way, whoever allows it?
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Bar {
    /// Nothing that anybody told of.
    #[default]
    None,
    /// Something may: what it is, as a sentence.
    Perhaps(String),
    /// A Deny of its policies does, or its permissions boundary: which, as a sentence.
    Surely(String),
}

/// A key that is meant for a claim of the caller's token, and is not that claim's.
pub(crate) struct Kin {
    /// How the claim's own key is written.
    pub(crate) claim: String,
    /// Is it the same issuer, with a scheme or a slash too many?
    pub(crate) same_issuer: bool,
}

/// A request to assume a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Who asks.
    pub caller: Caller,
    /// What for; all must be allowed.
    pub actions: Vec<String>,
    /// The caller's unique id (`AROA…`, `AIDA…`), where it is known.
    pub unique_id: Option<String>,
    /// Do the caller's own policies allow these actions on the role? `None`: not known.
    pub own_policies: Option<bool>,
    /// What of the caller's own stands in the way.
    pub bar: Bar,
    /// The account of the role to assume, where it is known.
    pub role_account: Option<String>,
    /// Keys, lowered; `None` is known to be absent.
    context: BTreeMap<String, Option<Vec<String>>>,
    /// Keys, lowered, that are not known although the kind of request would rule them out.
    open: Vec<String>,
    /// The host and path under which a token's claims stand.
    host_path: Option<String>,
}

impl Request {
    /// Any request: what follows from the caller is filled in, all else is not known until it is told.
    pub fn new(caller: Caller, actions: impl IntoIterator<Item = impl Into<String>>) -> Request {
        let mut request = Request {
            host_path: caller.host_path().map(str::to_owned),
            actions: actions.into_iter().map(Into::into).collect(),
            unique_id: None,
            own_policies: None,
            bar: Bar::None,
            role_account: None,
            context: BTreeMap::new(),
            open: Vec::new(),
            caller,
        };
        request.derive();
        request
    }

    /// What a service account with an OIDC token asks: its provider's ARN, the issuer, and the token's claims.
    pub fn web_identity(provider_arn: &str, issuer: &str, sub: &str, audiences: &[String]) -> Request {
        let host = issuer.trim_start_matches("https://");
        let mut request = Request::new(Caller::Federated(provider_arn.to_owned()), ["sts:AssumeRoleWithWebIdentity"]);
        request.host_path = Some(host.to_owned());
        request.with(&format!("{host}:sub"), [sub]).with(&format!("{host}:aud"), audiences.iter().cloned())
    }

    /// What a service asks for itself (`ec2.amazonaws.com`, `eks-fargate-pods.amazonaws.com`). Add `aws:SourceArn` and
    /// `aws:SourceAccount` with [`Request::with`] where they are known.
    pub fn service(name: &str) -> Request {
        Request::new(Caller::Service(name.to_owned()), [ASSUME_ROLE])
    }

    /// What some identity asks of which nothing is known.
    pub(crate) fn unknown_identity() -> Request {
        let principal = Principal {
            partition: String::new(),
            account: String::new(),
            kind: PrincipalKind::Role,
            path: String::new(),
            name: String::new(),
        };
        let caller = Caller::Iam { arn: String::new(), principal, session: None, path_known: false };
        let keys = ["aws:PrincipalAccount", "aws:username"];
        keys.iter().fold(Request::new(caller, [""; 0]), |request, key| request.forgetting(key))
    }

    /// What a role, user or session asks.
    pub fn iam(arn: &str) -> Result<Request, ArnError> {
        Ok(Request::new(Caller::iam(arn)?, [ASSUME_ROLE]))
    }

    /// What EKS asks for a pod with a Pod Identity association.
    pub fn pod_identity(pod: &PodIdentity<'_>) -> Request {
        let mut request = Request::new(Caller::Service(POD_IDENTITY_SERVICE.to_owned()), pod.actions());
        pod.tag(&mut request);
        match pod.cluster_arn.parse::<Arn>() {
            Ok(arn) => {
                request.set(SOURCE_ACCOUNT, Some(vec![arn.account]));
                request.with(SOURCE_ARN, [pod.cluster_arn])
            }
            Err(_) => request.forgetting(SOURCE_ACCOUNT).forgetting(SOURCE_ARN),
        }
    }

    /// What EKS asks for some pod of some association: of its tags and of the cluster nothing is known.
    pub fn any_pod_identity() -> Request {
        let keys = POD_TAGS.iter().map(|tag| format!("aws:RequestTag/{tag}"));
        let others = [SOURCE_ACCOUNT, SOURCE_ARN, "aws:TagKeys", "sts:TransitiveTagKeys"].map(str::to_owned);
        keys.chain(others).fold(Request::service(POD_IDENTITY_SERVICE), |it, key| it.forgetting(&key))
    }

    /// What EKS asks next where the association has a target role: the first role's session assumes it.
    pub fn pod_identity_target(
        first_role_arn: &str,
        pod: &PodIdentity<'_>,
        external_id: Option<&str>,
    ) -> Result<Request, ArnError> {
        let mut request = Request::new(Caller::iam(first_role_arn)?, pod.actions());
        pod.tag(&mut request);
        match external_id {
            Some(id) => Ok(request.with("sts:ExternalId", [id])),
            None => Ok(request),
        }
    }

    /// The same, with a key that is present; with no values it is absent.
    #[must_use]
    pub fn with(mut self, key: &str, values: impl IntoIterator<Item = impl Into<String>>) -> Request {
        self.set(key, Some(values.into_iter().map(Into::into).collect()));
        self
    }

    /// The same, with a key that is known to be absent.
    #[must_use]
    pub fn without(mut self, key: &str) -> Request {
        self.set(key, None);
        self
    }

    /// The same, with the caller's unique id.
    #[must_use]
    pub fn with_unique_id(mut self, id: &str) -> Request {
        self.unique_id = Some(id.to_owned());
        let user_id = match &self.caller {
            Caller::Iam { session: Some(session), .. } => Some(format!("{id}:{session}")),
            Caller::Iam { principal, .. } if principal.kind == PrincipalKind::User => Some(id.to_owned()),
            _ => None,
        };
        if let Some(user_id) = user_id {
            self.context.entry("aws:userid".to_owned()).or_insert(Some(vec![user_id]));
        }
        self
    }

    /// The same, for a role of this account.
    #[must_use]
    pub fn to_account(mut self, account: &str) -> Request {
        self.role_account = Some(account.to_owned());
        self
    }

    /// Tells of a key.
    pub(crate) fn set(&mut self, key: &str, values: Option<Vec<String>>) {
        let key = key.to_lowercase();
        let values = values.filter(|it| !it.is_empty());
        // aws:PrincipalArn tells the path that a session's ARN leaves out.
        if let (Caller::Iam { principal, path_known, .. }, "aws:principalarn", Some([arn])) =
            (&mut self.caller, key.as_str(), values.as_deref())
            && let Ok((told, None)) = Principal::from_arn(arn)
            && told.key() == principal.key()
        {
            *principal = told;
            *path_known = true;
        }
        if let ("aws:userid", Some([id])) = (key.as_str(), values.as_deref()) {
            self.unique_id = id.split(':').next().map(str::to_owned);
        }
        self.open.retain(|it| *it != key);
        self.context.insert(key, values);
    }

    /// What is known of a key, which is lowered.
    pub(crate) fn lookup(&self, key: &str) -> Lookup<'_> {
        match self.context.get(key) {
            Some(Some(values)) => Lookup::Present(values),
            Some(None) => Lookup::Absent,
            None if self.rules_out(key) && !self.open.iter().any(|it| it == key) => Lookup::Absent,
            None => Lookup::Unknown,
        }
    }

    /// Is a key that nobody told of absent because of what the request is?
    fn rules_out(&self, key: &str) -> bool {
        let (prefix, _) = key.rsplit_once(':').unwrap_or(("", key));
        // Keys of a token stand under the host of its issuer. The program's other prefixes are bare words.
        let of_token = prefix.contains(['.', '/']) && !key.starts_with("aws:");
        let of_another = NEVER_IN_STS.contains(&prefix);
        match &self.caller {
            // A session may carry the claims with which its role was assumed.
            Caller::Iam { .. } => false,
            Caller::Federated(_) => {
                let of_service = OF_SERVICES.contains(&key);
                of_another || of_service || (self.host_path.is_some() && (of_token || prefix == "saml"))
            }
            Caller::Service(name) if name == POD_IDENTITY_SERVICE => {
                of_token || of_another || prefix == "saml" || key.starts_with("aws:requesttag/") || key == "aws:tagkeys"
            }
            Caller::Service(_) => of_token || of_another || prefix == "saml",
        }
    }

    /// The claim of the caller's token that a key, lowered, is meant for and misses.
    pub(crate) fn kin(&self, key: &str) -> Option<Kin> {
        let host = self.host_path.as_deref()?;
        let lower = host.to_lowercase();
        let (prefix, claim) = key.rsplit_once(':')?;
        let own = format!("{lower}:{claim}");
        let there = self.context.get(&own).is_some_and(Option::is_some) || self.open.contains(&own);
        if !there || prefix == lower || !prefix.contains(['.', '/']) {
            return None;
        }
        let bare = prefix.trim_start_matches("https://").trim_start_matches("http://").trim_end_matches('/');
        Some(Kin { claim: format!("{host}:{claim}"), same_issuer: bare == lower })
    }

    /// What follows from the caller alone.
    fn derive(&mut self) {
        let mut found: Vec<(&str, Option<String>)> = Vec::new();
        match &self.caller {
            Caller::Iam { principal, path_known, .. } => {
                found.push(("aws:principalaccount", Some(principal.account.clone())));
                if *path_known {
                    found.push(("aws:principalarn", Some(principal.arn())));
                }
                match principal.kind {
                    PrincipalKind::User => found.push(("aws:username", Some(principal.name.clone()))),
                    PrincipalKind::Role => found.push(("aws:username", None)),
                    PrincipalKind::Root | PrincipalKind::FederatedUser => {}
                }
            }
            Caller::Service(_) | Caller::Federated(_) => {}
        }
        self.context.extend(found.into_iter().map(|(key, value)| (key.to_owned(), value.map(|it| vec![it]))));
    }

    /// The keys of the context that are told, lowered.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.context.keys().map(String::as_str)
    }

    /// The same, with a key that nobody tells of any more.
    #[must_use]
    pub fn forgetting(mut self, key: &str) -> Request {
        let key = key.to_lowercase();
        self.context.remove(&key);
        self.open.push(key);
        self
    }
}

/// A pod with a Pod Identity association: what becomes the session's tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PodIdentity<'a> {
    /// The cluster's ARN; empty where it is not known.
    pub cluster_arn: &'a str,
    /// The pod's namespace.
    pub namespace: &'a str,
    /// The pod's service account.
    pub service_account: &'a str,
    /// The pod's name; `None` for any pod.
    pub pod_name: Option<&'a str>,
    /// The pod's uid; `None` for any pod.
    pub pod_uid: Option<&'a str>,
    /// `disableSessionTags` of the association.
    pub disable_session_tags: bool,
}

impl PodIdentity<'_> {
    fn actions(&self) -> Vec<&'static str> {
        if self.disable_session_tags { vec![ASSUME_ROLE] } else { vec![ASSUME_ROLE, TAG_SESSION] }
    }

    fn tag(&self, request: &mut Request) {
        let key = |tag: &str| format!("aws:RequestTag/{tag}");
        if self.disable_session_tags {
            for tag in POD_TAGS {
                request.set(&key(tag), None);
            }
            request.set("aws:TagKeys", None);
            request.set("sts:TransitiveTagKeys", None);
            return;
        }
        let resource = self.cluster_arn.parse::<Arn>().map(|arn| arn.resource);
        let name = resource.as_deref().ok().and_then(|it| it.strip_prefix("cluster/")).map(str::to_owned);
        let values = [
            Some(self.cluster_arn.to_owned()).filter(|it| !it.is_empty()),
            name,
            Some(self.namespace.to_owned()),
            Some(self.service_account.to_owned()),
            self.pod_name.map(str::to_owned),
            self.pod_uid.map(str::to_owned),
        ];
        for (tag, value) in POD_TAGS.iter().zip(values) {
            match value {
                Some(value) => request.set(&key(tag), Some(vec![value])),
                // It is there, and nobody can say which: not known, whatever the rule for the service says.
                None => request.open.push(key(tag).to_lowercase()),
            }
        }
        let all: Vec<String> = POD_TAGS.iter().map(|it| (*it).to_owned()).collect();
        request.set("aws:TagKeys", Some(all.clone()));
        request.set("sts:TransitiveTagKeys", Some(all));
    }
}

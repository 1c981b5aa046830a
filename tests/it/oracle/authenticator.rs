//! The second oracle: the real server of aws-iam-authenticator, which says who a session is under an aws-auth ConfigMap.
//!
//! Documents come from two generators, `corners` of YAML and ordinary ones with one `slips`; each document and each
//! session is asked of the server and of this program, in authentication mode CONFIG_MAP. Every definite answer of the
//! program must be the server's, and an unknown one must have one of the reasons that `compare` lists.
//! `EKSPLORER_ORACLE_TRACES` asks more. A disagreement is printed with the smallest document that shows it.
//!
//! Differences that are EKS's own documented behavior, and not the upstream server's: none can be seen here. EKS adds
//! access entries and a hidden creator, and worlds in mode CONFIG_MAP without a creator's session have neither (EKS User
//! Guide, "Grant IAM users and roles access to Kubernetes APIs").

mod compare;
mod corners;
mod process;
mod sessions;
mod slips;
mod writer;

use process::Data;

/// An aws-auth ConfigMap, and the ARNs that its author meant.
#[derive(Clone, Debug, Default)]
struct Document {
    data: Data,
    arns: Vec<String>,
}

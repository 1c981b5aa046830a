//! Every flag and subcommand, documented once. Flags stand before or after the subcommand.
//!
//! Decides what may be said together; what the flags then mean is `run`'s. A new subcommand is a variant of [`Command`].

mod audit;
mod duration;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

pub use audit::{AuditArgs, FailOn};
use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use duration::duration;

/// Who gets into an Amazon EKS cluster, as whom, to do what, and why.
///
/// Without a subcommand, the screen opens. Exit status: 0 yes or done, 1 failure (credentials, network), 2 bad input,
/// 3 no or refused, 4 not known, 5 a question is open, 6 stopped part-way.
#[derive(Clone, Debug, Parser)]
#[command(name = "eksplorer", version, about, max_term_width = 100)]
pub struct Cli {
    /// What to do without a screen.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Where the facts come from, and how they are shown.
    #[command(flatten)]
    pub options: Options,
}

/// What to do without a screen.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// As whom does a principal get in, and why?
    ///
    /// Exit status: 0 it gets in, 3 it does not, 4 not known because a named fact is missing.
    Trace {
        /// An ARN (role, user, or session), a text that holds one, a name, a permission set's name, or a Kubernetes
        /// subject: group:NAME, user:NAME, sa/NAMESPACE/NAME.
        #[arg(allow_hyphen_values = true)]
        principal: String,
    },
    /// Everything that a principal, group, user or service account may do: rule by rule, and as a table.
    ///
    /// Exit status: 0 something is granted beyond what everybody has, 3 nothing is, 4 not known.
    Permissions {
        /// An ARN, a name, or a Kubernetes subject: group:NAME, user:NAME, sa/NAMESPACE/NAME,
        /// system:serviceaccount:NAMESPACE:NAME.
        #[arg(allow_hyphen_values = true)]
        principal: String,
        /// The namespace of the table; without it, the one in which most is granted, or the whole cluster.
        #[arg(short, long)]
        namespace: Option<String>,
    },
    /// May a principal do this, and by which rule?
    ///
    /// PRINCIPAL is what `trace` takes, or a subject of Kubernetes' own: `system:serviceaccount:NAMESPACE:NAME`,
    /// `user:NAME`, `group:NAME`, `system:anonymous`. Exit status: 0 allowed, 3 denied, 4 not known; with --requests 0 when all are answered.
    Can(CanArgs),
    /// Who may do this, and through what?
    ///
    /// Exit status: 0 somebody may, 3 nobody may, 4 not known.
    WhoCan(WhoCanArgs),
    /// Why was it refused, and what is the least that would fix it?
    ///
    /// Reads a Forbidden or Unauthorized error of kubectl, an AccessDenied of AWS, or a `kubectl auth can-i` with its
    /// answer. Exit status: 0 it would be allowed now, 3 the cause was found, 4 not known, 2 nothing was recognised.
    Explain {
        /// The message, with whatever stands around it; - reads it from standard input.
        #[arg(allow_hyphen_values = true)]
        message: String,
    },
    /// Plan to give a principal access: print the calls, who gains what, and what speaks against it.
    ///
    /// A grant adds to what is there. Exit status: 0 planned or done, 3 blocked, 5 a question is open, 6 stopped part-way.
    Grant(GrantArgs),
    /// Plan to take access from a principal: a policy, groups, or its whole entry.
    Revoke(RevokeArgs),
    /// Plan several changes of a YAML file (docs/plan.md).
    Plan {
        /// The file; `-` is the standard input.
        file: PathBuf,
        /// What to do with the plan.
        #[command(flatten)]
        apply: ApplyArgs,
    },
    /// The rows of one pane.
    List {
        /// Which.
        #[arg(value_enum)]
        what: Listed,
    },
    /// All that is wrong with a cluster's access, for people and for pipelines.
    ///
    /// Every finding once, with its subject, evidence and remedy; what could not be judged is listed too, and never passed.
    /// Exit status: 0 nothing at the threshold, 3 a finding at or above it, 4 with --strict when something could not be
    /// judged and nothing was found.
    Audit(AuditArgs),
    /// May this request assume the role, and which clause of its trust policy decides?
    ///
    /// Exit status: 0 allowed, 3 denied, 4 not known because it depends on something that nobody told.
    Trust(TrustArgs),
    /// Which AWS role does this pod get, by what, and why not?
    ///
    /// Exit status: 0 it gets the role, 3 it does not, 4 not known because a named fact is missing.
    WhyPod {
        /// NAMESPACE/POD
        pod: String,
        /// What it is to do with the role.
        #[command(flatten)]
        action: ActionArgs,
    },
    /// Which AWS role does a pod of this service account get that is made now, and why not?
    ///
    /// Exit status: 0 it gets the role, 3 it does not, 4 not known because a named fact is missing.
    WhySa {
        /// NAMESPACE/NAME
        service_account: String,
        /// What it is to do with the role.
        #[command(flatten)]
        action: ActionArgs,
    },
    /// Who and what can become this role?
    ///
    /// Exit status: 0 somebody or something can, 3 nobody can, 4 not known.
    WhyRole {
        /// The role, by its ARN.
        role_arn: String,
    },
    /// What was changed from here: each batch with who, when, what, and how it stands.
    Journal(JournalArgs),
    /// Go on with a batch that stopped: what may have been done is looked for first.
    ///
    /// Without --yes-cluster, what is left is printed, and nothing is done. Exit status: 0 done or nothing to do, 3 blocked or refused, 5 a question is open, 6 stopped part-way.
    Resume(ResumeArgs),
    /// Bring back what a batch changed, as far as it can be brought back.
    ///
    /// Without --yes-cluster, what would be done is printed, and nothing is done. Exit status: 0 done or nothing to do, 3 blocked or refused, 5 a question is open, 6 stopped part-way.
    Undo(UndoArgs),
    /// Save what may be read to a file.
    Snapshot {
        /// What to do.
        #[command(subcommand)]
        action: SnapshotAction,
    },
    /// Serve a world on loopback, as an AWS account and its clusters would, until interrupted.
    ///
    /// Prints `export` lines for a shell: with them, `aws` and `kubectl` talk to the lab.
    Lab(LabArgs),
}

/// What to grant.
#[derive(Clone, Debug, Args)]
pub struct GrantArgs {
    /// An ARN, a name, or a permission set's name.
    #[arg(allow_hyphen_values = true)]
    pub principal: String,
    /// An access policy: `View`, `AmazonEKSViewPolicy`, or its ARN.
    #[arg(long)]
    pub policy: Option<String>,
    /// Where the policy is to hold; `dev-*` covers every namespace of such a name.
    #[arg(short, long = "namespace", value_name = "NAMESPACE", requires = "policy")]
    pub namespaces: Vec<String>,
    /// The policy is to hold in the whole cluster.
    #[arg(long, requires = "policy", conflicts_with = "namespaces")]
    pub cluster_wide: bool,
    /// A Kubernetes group.
    #[arg(long = "group", value_name = "GROUP")]
    pub groups: Vec<String>,
    /// The type of a new entry.
    #[arg(long = "type", value_name = "TYPE")]
    pub kind: Option<String>,
    /// The Kubernetes username of the entry.
    #[arg(long)]
    pub username: Option<String>,
    /// What to do with the plan.
    #[command(flatten)]
    pub apply: ApplyArgs,
}

/// What to revoke.
#[derive(Clone, Debug, Args)]
pub struct RevokeArgs {
    /// An ARN, a name, or a permission set's name.
    #[arg(allow_hyphen_values = true)]
    pub principal: String,
    /// An access policy; without it and --group, the whole entry.
    #[arg(long)]
    pub policy: Option<String>,
    /// A Kubernetes group.
    #[arg(long = "group", value_name = "GROUP")]
    pub groups: Vec<String>,
    /// What to do with the plan.
    #[command(flatten)]
    pub apply: ApplyArgs,
}

/// What to do with a plan.
#[derive(Clone, Debug, Args)]
pub struct ApplyArgs {
    /// Print the plan in another form instead.
    #[arg(long, value_enum, value_name = "FORM", conflicts_with = "apply")]
    pub export: Option<Export>,
    /// Apply the plan, if nothing blocks it and every question is answered.
    #[arg(long, requires = "yes_cluster")]
    pub apply: bool,
    /// Which yes was said.
    #[command(flatten)]
    pub consent: ConsentArgs,
    /// How what is written is kept track of.
    #[command(flatten)]
    pub keeping: KeepingArgs,
}

/// Which yes was said.
#[derive(Clone, Debug, Args)]
pub struct ConsentArgs {
    /// The cluster's name once more: what is done is done there.
    #[arg(long, value_name = "NAME")]
    pub yes_cluster: Option<String>,
    /// Answer the question of this check with yes, with `=SUBJECT` only for one of the changes; may be given several times.
    #[arg(long, value_name = "CHECK")]
    pub accept: Vec<String>,
}

/// How what is written is kept track of.
#[derive(Clone, Debug, Args)]
pub struct KeepingArgs {
    /// How long what was written may take to be seen.
    #[arg(long, value_parser = duration, default_value = "15s")]
    pub wait: Duration,
}

/// Other forms of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Export {
    /// A shell script of `aws` commands.
    AwsCli,
    /// The script that takes it back.
    AwsCliInverse,
    /// Terraform resources with import blocks, for what then exists.
    Terraform,
    /// A note for an incident, in Markdown.
    Note,
}

/// Whom to ask about, and what.
#[derive(Clone, Debug, Args)]
pub struct CanArgs {
    /// An ARN, a name, a permission set's name, or a Kubernetes subject.
    #[arg(allow_hyphen_values = true, required_unless_present = "requests")]
    pub principal: Option<String>,
    /// A verb of the API: `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, …; or a command of kubectl, which
    /// is translated into its requests: `exec`, `logs`, `scale`, `rollout restart`, `drain`, …
    #[arg(required_unless_present = "requests")]
    pub verb: Option<String>,
    /// RESOURCE[.GROUP][/SUBRESOURCE] or TYPE/NAME as kubectl takes it, or a path that begins with /.
    #[arg(required_unless_present = "requests")]
    pub resource: Option<String>,
    /// The object's name, as --name; after `rollout restart`, TYPE/NAME.
    #[arg(value_name = "NAME")]
    pub rest: Option<String>,
    /// The namespace; without it, the whole cluster is meant.
    #[arg(short, long)]
    pub namespace: Option<String>,
    /// The object's name.
    #[arg(long)]
    pub name: Option<String>,
    /// Answer many: a file of JSON lines, each with `principal` (unless PRINCIPAL is given), `verb` and `resource` as above,
    /// `namespace` and `name`; with `group` (and `subresource`) the words are taken literally; or `path`. `-` is the
    /// standard input.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["verb", "resource", "rest", "namespace", "name"])]
    pub requests: Option<PathBuf>,
}

/// What is to be done.
#[derive(Clone, Debug, Args)]
pub struct RequestArgs {
    /// A verb of the API: `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, …; or a command of kubectl, which
    /// is translated into its requests: `exec`, `logs`, `scale`, `rollout restart`, `drain`, …
    pub verb: String,
    /// RESOURCE[.GROUP][/SUBRESOURCE] or TYPE/NAME as kubectl takes it, or a path that begins with /.
    pub resource: String,
    /// The object's name, as --name; after `rollout restart`, TYPE/NAME.
    #[arg(value_name = "NAME")]
    pub rest: Option<String>,
    /// The namespace; without it, the whole cluster is meant.
    #[arg(short, long)]
    pub namespace: Option<String>,
    /// The object's name.
    #[arg(long)]
    pub name: Option<String>,
}

/// What somebody may do, and how much is said of those who may.
#[derive(Clone, Debug, Args)]
pub struct WhoCanArgs {
    /// What is to be done.
    #[command(flatten)]
    pub request: RequestArgs,
    /// Say of each IAM role that may also who and what can become it.
    #[arg(long = "become")]
    pub becoming: bool,
    /// Ask RBAC alone, which is quick: the groups, users and service accounts that bindings name, not the principals.
    #[arg(long, conflicts_with = "becoming")]
    pub rbac_only: bool,
}

/// What is to be done with a role.
#[derive(Clone, Debug, Default, Args)]
pub struct ActionArgs {
    /// Ask also whether the role's policies allow this action, such as s3:GetObject (iam:SimulatePrincipalPolicy).
    #[arg(long, value_name = "ACTION")]
    pub action: Option<String>,
    /// On this resource, by its ARN; without it, on any.
    #[arg(long, value_name = "ARN", requires = "action")]
    pub resource: Option<String>,
}

/// What of the journal to show.
#[derive(Clone, Debug, Args)]
pub struct JournalArgs {
    /// One batch, with its steps: its name, the beginning of it, or `last`.
    pub batch: Option<String>,
    /// Leave a batch that stopped as it is: it is asked about no more.
    #[arg(long, value_name = "BATCH", conflicts_with = "batch")]
    pub abandon: Option<String>,
}

/// What to go on with.
#[derive(Clone, Debug, Args)]
pub struct ResumeArgs {
    /// The batch: its name, the beginning of it, or `last`.
    pub batch: String,
    /// Which yes was said; without the cluster's name, what is left is printed, and nothing is done.
    #[command(flatten)]
    pub consent: ConsentArgs,
    /// How what is written is kept track of.
    #[command(flatten)]
    pub keeping: KeepingArgs,
}

/// What to undo.
#[derive(Clone, Debug, Args)]
pub struct UndoArgs {
    /// The batch: its name, the beginning of it, or `last`.
    pub batch: String,
    /// Which yes was said; without the cluster's name, the plan of the undo is printed, and nothing is done.
    #[command(flatten)]
    pub consent: ConsentArgs,
    /// How what is written is kept track of.
    #[command(flatten)]
    pub keeping: KeepingArgs,
}

/// What to do with snapshots.
#[derive(Clone, Debug, Subcommand)]
pub enum SnapshotAction {
    /// Read all that may be read and write it to FILE: YAML, or JSON if the name ends in .json.
    Save {
        /// Where to.
        file: PathBuf,
    },
}

/// What can be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Listed {
    /// Access entries.
    Entries,
    /// Rows of the aws-auth ConfigMap.
    AwsAuth,
    /// Service accounts with an IAM role (IRSA).
    Irsa,
    /// Pod Identity associations.
    PodIdentity,
    /// Roles of the cluster and its parts, with who can assume them and their policies.
    Roles,
    /// Every principal known from any of these.
    Principals,
    /// Groups and users of bindings and mappings, and who carries them.
    Groups,
    /// The controls around access, and how to change them.
    Posture,
    /// The clusters of the account.
    Clusters,
}

/// Whose trust policy, and which request.
#[derive(Clone, Debug, Args)]
#[command(group(ArgGroup::new("whose").required(true)))]
pub struct TrustArgs {
    /// The role, by its ARN.
    #[arg(value_name = "ROLE_ARN", group = "whose")]
    pub role: Option<String>,
    /// Instead of a role: a file with a trust policy, or what `aws iam get-role` prints.
    #[arg(long, value_name = "FILE", group = "whose")]
    pub policy: Option<PathBuf>,
    /// A file with the request: {"principal": {"Federated": …}, "action": …, "context": {KEY: [VALUE, …]}}.
    #[arg(long, value_name = "FILE")]
    pub request: PathBuf,
}

/// How the lab serves.
#[derive(Clone, Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct LabArgs {
    /// What else to do than to serve.
    #[command(subcommand)]
    pub action: Option<LabAction>,
    /// Port of the AWS side; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    pub port: u16,
    /// Wait this long before each answer, as in `20ms` or `1s`.
    #[arg(long, value_parser = duration, default_value = "0ms")]
    pub latency: Duration,
    /// At most so many items in a page.
    #[arg(long)]
    pub page_size: Option<usize>,
    /// Show what was written only so long after, as in `3s`: until then, reads are answered as before.
    #[arg(long, value_parser = duration, default_value = "0ms")]
    pub lag: Duration,
    /// Break a call: OPERATION[:N]=KIND, the N-th call of the operation or, without it, every one. May be given several
    /// times; the first that fits a call breaks it.
    ///
    /// OPERATION is EKS's, IAM's or STS's (`CreateAccessEntry`), or VERB/RESOURCE of Kubernetes (`list/pods`). KIND is
    /// `throttle`, `500` or `refuse` (AccessDenied): not done, and said so; `timeout`: not done, and never answered;
    /// `drop-after`: done, and the connection dropped; `hold` or `hold-after`: held before or after it is done, which is
    /// told on standard error, until the program gets SIGUSR1.
    #[arg(long = "fault", value_name = "FAULT")]
    pub faults: Vec<String>,
}

/// What to do with worlds, beside serving one.
#[derive(Clone, Debug, Subcommand)]
pub enum LabAction {
    /// Write a world made by number, to serve with --world or to open with --from.
    ///
    /// The same seed and sizes always give the same world, to the byte. Each size counts all of a kind; where others need
    /// more of it there are more, as a pod needs a service account. Most of it fits together, and some of it does not.
    Generate(GenerateArgs),
}

/// Which world to make, and where to write it.
#[derive(Clone, Debug, Args)]
pub struct GenerateArgs {
    /// Where to: YAML, or JSON if the name ends in .json; without it, to standard output, as JSON with `-o json`.
    pub file: Option<PathBuf>,
    /// Which of the worlds of these sizes.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// How much of everything.
    #[command(flatten)]
    pub sizes: SizeArgs,
}

/// How much of everything a generated world holds.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Sizes")]
pub struct SizeArgs {
    /// Access entries; the first is the caller's, an administrator.
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = size())]
    pub entries: u32,
    /// Rows of the aws-auth ConfigMap.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = size())]
    pub aws_auth_rows: u32,
    /// IAM roles: of people and machines, and one for the cluster, its nodes and each workload that has one.
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = size())]
    pub roles: u32,
    /// IAM users.
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = size())]
    pub users: u32,
    /// RoleBindings.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = size())]
    pub role_bindings: u32,
    /// ClusterRoleBindings; the first are those of every cluster.
    #[arg(long, value_name = "N", default_value_t = 24, value_parser = size())]
    pub cluster_role_bindings: u32,
    /// Kubernetes Roles.
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = size())]
    pub k8s_roles: u32,
    /// ClusterRoles; the first are those of every cluster.
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = size())]
    pub cluster_roles: u32,
    /// Namespaces: kube-system, default, then those of teams.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = size())]
    pub namespaces: u32,
    /// Service accounts, those of --irsa included.
    #[arg(long, value_name = "N", default_value_t = 24, value_parser = size())]
    pub service_accounts: u32,
    /// Pods.
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = size())]
    pub pods: u32,
    /// Nodes.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = size())]
    pub nodes: u32,
    /// Pod Identity associations.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = size())]
    pub associations: u32,
    /// Service accounts whose annotation names an IAM role (IRSA).
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = size())]
    pub irsa: u32,
}

/// A million of anything is more than any cluster holds, and less than what a machine cannot.
fn size() -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(0..=1_000_000)
}

/// Where the facts come from, and how they are shown.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// The cluster; needed only where the account has several.
    #[arg(short, long, global = true, env = "EKSPLORER_CLUSTER")]
    pub cluster: Option<String>,
    /// How to print without a screen.
    #[arg(short, long, global = true, value_enum, default_value_t = Output::Text)]
    pub output: Output,
    /// Look at the embedded demo world: nothing outside this machine is touched.
    #[arg(long, global = true, conflicts_with_all = ["world", "from"])]
    pub demo: bool,
    /// Serve this snapshot as a world and look at it.
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "from")]
    pub world: Option<PathBuf>,
    /// Open a snapshot; no network at all, and nothing can be changed.
    #[arg(long, global = true, value_name = "FILE")]
    pub from: Option<PathBuf>,
    /// Who of the world to be (with --demo, --world and lab): an ARN or a name.
    #[arg(long = "as", global = true, value_name = "PRINCIPAL")]
    pub as_principal: Option<String>,
    /// Take names as they are: answer about a verb, resource, namespace, or principal that nobody knows, instead of asking
    /// whether another one was meant.
    #[arg(long, global = true)]
    pub assume_exists: bool,
    /// The AWS profile.
    #[arg(long, global = true, conflicts_with_all = ["demo", "world", "from"])]
    pub profile: Option<String>,
    /// A code of the MFA device that the profile's role asks for.
    #[arg(long, global = true, value_name = "CODE", conflicts_with_all = ["demo", "world", "from"])]
    pub mfa_code: Option<String>,
    /// The AWS region; may be given several times.
    #[arg(long = "region", global = true, value_name = "REGION", conflicts_with_all = ["demo", "world", "from"])]
    pub regions: Vec<String>,
    /// Reach Kubernetes through this context of the kubeconfig instead of a token of our own.
    #[arg(long, global = true, conflicts_with_all = ["demo", "world", "from"])]
    pub context: Option<String>,
    /// Calls in flight at once, for each service.
    #[arg(long, global = true, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub concurrency: Option<u16>,
    /// Let edits be staged and applied on the screen. Without it, nothing can be changed there.
    #[arg(long, global = true, num_args = 0, default_missing_value = "true")]
    pub write: Option<bool>,
    /// What the configuration says of single clusters.
    #[arg(skip)]
    pub writes: BTreeMap<String, bool>,
    /// Say on standard error which calls were made, how many, and what for.
    #[arg(long, global = true)]
    pub explain_calls: bool,
    /// Where the journal of changes is kept, instead of the state folder.
    #[arg(long, global = true, value_name = "FOLDER")]
    pub state_dir: Option<PathBuf>,
    /// The configuration file, instead of the one in the configuration folder.
    #[arg(long, global = true, value_name = "FILE", env = "EKSPLORER_CONFIG")]
    pub config: Option<PathBuf>,
    /// Write more to the log file: -v debug, -vv trace.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// How to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    Text,
    /// For programs: stable, see docs/json.md.
    Json,
    /// SARIF 2.1.0, for what shows the findings of many tools; of `audit` only.
    Sarif,
}

impl Cli {
    /// What is wrong with what was said together, beyond what the parser sees.
    pub fn check(&self) -> Result<(), String> {
        match (&self.command, self.options.output) {
            (Some(Command::Audit(_)), _) | (_, Output::Text | Output::Json) => Ok(()),
            (_, Output::Sarif) => {
                Err("-o sarif is for audit, which has findings to tell: take -o json or -o text".to_owned())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn flags_stand_before_or_after_the_subcommand() {
        for line in ["eksplorer --demo -c x trace p -o json", "eksplorer trace p --demo -c x -o json"] {
            let cli = Cli::try_parse_from(line.split(' ')).expect(line);
            assert!(cli.options.demo && cli.options.output == Output::Json);
            assert_eq!(cli.options.cluster.as_deref(), Some("x"));
        }
        assert!(Cli::try_parse_from(["eksplorer", "--demo", "--from", "f"]).is_err());
    }
}

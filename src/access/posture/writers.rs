//! The control of who may write aws-auth, where the cluster reads it: whoever may maps any IAM principal to any group.
//!
//! Decides by the danger that permissions know ([`Danger::AwsAuth`]), binding by binding and access policy by access
//! policy, and leaves out who is an administrator anyway and what is Kubernetes' and EKS' own.

use std::collections::BTreeSet;

use super::{Control, ControlId, Ground, Standing};
use crate::access::Verdict;
use crate::access::findings::Severity::{High, Medium};
use crate::access::inventory::PrincipalRow;
use crate::access::permissions::danger::{Danger, aws_auth_writes, everything};
use crate::access::permissions::index::BindingAt;
use crate::access::permissions::rule::allows;
use crate::access::permissions::{Held, Rules, Who};
use crate::access::service_role::is_of_eks;
use crate::access::who::bound::{Carriers, name_principal, name_some, stands_for_many, subjects_beside_system};
use crate::model::aws_auth::AWS_AUTH;
use crate::model::cluster::AuthenticationMode;
use crate::model::snapshot::{DocumentRef, Evidence};

/// Who may write aws-auth, and what that is not known of.
#[derive(Default)]
struct Writers {
    /// Each with the way it has, in order.
    named: BTreeSet<String>,
    /// Where the first of them has it from.
    evidence: Vec<Evidence>,
    /// Whether one of them stands for many.
    is_many: bool,
    unknown: BTreeSet<String>,
}

pub(super) fn aws_auth_writers(ground: &Ground<'_>) -> Control {
    let control = |standing, because: String| {
        let at = Evidence::new(DocumentRef::AwsAuth, "");
        Control::new(ControlId::AwsAuthWriters, standing, because).at(at)
    };
    let cluster = match ground.cluster() {
        Ok(cluster) => cluster,
        Err(because) => return control(Standing::Unknown, because),
    };
    if ground.facts.mode_is_unreported() || cluster.authentication_mode() == AuthenticationMode::Unknown {
        return control(Standing::Unknown, "whether the cluster reads aws-auth is not known".to_owned());
    }
    if !cluster.authentication_mode().reads_aws_auth() {
        return control(Standing::Good, "nobody: mode API does not read aws-auth".to_owned());
    }
    let gap = ground.facts.aws_auth.gap();
    let writers = Writers::find(ground);
    let named: Vec<String> = writers.named.into_iter().collect();
    match (named.is_empty(), writers.unknown.is_empty()) {
        (false, _) => {
            let severity = if writers.is_many { High } else { Medium };
            let because = format!(
                "whoever writes it maps any IAM principal to any group, system:masters included; without being \
                 administrators, these may: {}",
                name_some(&named, "more")
            );
            let mut found = control(Standing::Finding(severity), because);
            found.evidence.extend(writers.evidence);
            found
        }
        (true, _) if let Some(gap) = gap => {
            control(Standing::Unknown, format!("whether there is an aws-auth is not known: {gap}"))
        }
        (true, false) => {
            let open: Vec<String> = writers.unknown.into_iter().collect();
            control(Standing::Unknown, format!("who may write it is not known: {}", name_some(&open, "more")))
        }
        (true, true) => control(Standing::Good, "only administrators may write it".to_owned()),
    }
}

impl Writers {
    fn find(ground: &Ground<'_>) -> Self {
        let mut writers = Writers::default();
        writers.by_bindings(ground);
        ground.principals.iter().for_each(|row| writers.by_policies(ground, row));
        writers
    }

    fn by_bindings(&mut self, ground: &Ground<'_>) {
        let (permissions, carriers) = (ground.permissions, Carriers::new(ground.subjects));
        let index = permissions.index();
        self.unknown.extend(permissions.unread_bindings(AWS_AUTH.0));
        let of_system = index.by_namespace.get(AWS_AUTH.0).into_iter().flatten().map(|at| BindingAt::Namespaced(*at));
        for at in index.cluster_wide().chain(of_system) {
            let Some(binding) = index.binding(at) else { continue };
            let subjects = subjects_beside_system(at, binding);
            let Some(first) = subjects.first() else { continue };
            let held =
                Held { grant: permissions.grant_via(at, binding, first.clone()), rules: permissions.rules_of(at) };
            if let Rules::Unknown(why) = &held.rules {
                self.unknown.insert(why.clone());
            }
            // Whoever may do everything is an administrator anyway.
            let has = |danger| permissions.danger_of(danger, std::slice::from_ref(&held)).is_some();
            let is_admin = || matches!(at, BindingAt::Cluster(_)) && has(Danger::Everything);
            if !has(Danger::AwsAuth) || is_admin() || !writes_in_any_case(ground, &held) {
                continue;
            }
            self.is_many |= subjects.iter().any(stands_for_many);
            self.named
                .extend(subjects.iter().map(|it| format!("{} by {}", carriers.describe(it), held.grant.object())));
            self.first_evidence(held.grant.evidence());
        }
    }

    fn by_policies(&mut self, ground: &Ground<'_>, row: &PrincipalRow) {
        let who = Who::of(&row.resolution);
        if who.outside.is_some() {
            return;
        }
        // Asked last: it reads the role's trust policy, and few principals come so far.
        let is_of_eks = || is_of_eks(&row.principal, ground.iam);
        if !who.unknown.is_empty() {
            if !is_of_eks() {
                self.unknown.insert(format!("of {}: {}", name_principal(&row.principal), who.unknown.join("; ")));
            }
            return;
        }
        let by_policy = ground.permissions.policy_grants(&who);
        let in_any_case = || by_policy.iter().any(|it| writes_in_any_case(ground, it));
        let found = ground.permissions.danger_of(Danger::AwsAuth, &by_policy).filter(|_| in_any_case());
        let Some(found) = found else {
            let unpublished = by_policy.iter().find_map(|it| match &it.rules {
                Rules::Unknown(why) => Some(why),
                _ => None,
            });
            self.unknown.extend(unpublished.filter(|_| !is_of_eks()).cloned());
            return;
        };
        // An administrator has it anyway, by a policy or by a binding.
        if ground.permissions.decide(&who, &everything()).verdict == Verdict::Yes || is_of_eks() {
            return;
        }
        let by = found.by.first();
        let policy = by.map(|it| format!(" by {it}")).unwrap_or_default();
        self.named.insert(format!("{}{policy}", name_principal(&row.principal)));
        self.first_evidence(by.and_then(|it| it.evidence()));
    }

    fn first_evidence(&mut self, evidence: Option<Evidence>) {
        if self.evidence.is_empty() {
            self.evidence.extend(evidence);
        }
    }
}

/// Whether a grant lets write aws-auth where it was read; else whether it does both if there is one and if there is none.
fn writes_in_any_case(ground: &Ground<'_>, held: &Held<'_>) -> bool {
    if ground.facts.aws_auth.gap().is_none() {
        return true;
    }
    match &held.rules {
        Rules::All => true,
        Rules::Known(rules) => [true, false]
            .into_iter()
            .all(|is_absent| aws_auth_writes(is_absent).any(|request| rules.iter().any(|rule| allows(rule, &request)))),
        Rules::Dangling | Rules::Unknown(_) => false,
    }
}

//! principal → mapping in force → username and groups.
//!
//! Decides which mapping of a cluster turns a principal into which Kubernetes identity, why every other mapping that
//! concerns it does not, and which missing fact keeps the answer open. `unknown`
//! holds what could change the answer; what could only reveal a rare defect stands under `unverified`. Knows nothing
//! of what the identity may do: that is `permissions`.
//!
//! The order is the authenticator's: a live access entry, then mapRoles, mapUsers, mapAccounts; the first that maps
//! decides, and an error in a template after a match is final.

mod answer;
mod aws_auth;
mod draft;
mod entry;
pub mod groups;
mod template;

use std::collections::HashMap;

use crate::access::Verdict;
use crate::model::aws_auth::AwsAuthKey;
use crate::model::cluster::{AuthenticationMode, HiddenCreator};
use crate::model::mapping::{AccessEntry, AssociatedPolicy};
use crate::model::principal::{Asked, PARTITIONS, Principal, PrincipalKey, PrincipalKind};
use crate::model::role::{RoleDetail, UserDetail};
use crate::model::snapshot::{ClusterFacts, DocumentRef, Evidence, Gap, IamFacts, Lookup, Section, State};
use crate::model::time::Time;

pub use answer::{Identity, Mapping, MappingSource, Other, OtherState, Resolution};
pub(crate) use aws_auth::{meant, why_never};
pub(crate) use draft::row_evidence;
use draft::{Draft, entry_evidence, row_source};
pub(crate) use entry::{Death, username as entry_username};
use entry::{Groups, Life};
use groups::GroupSource;
use template::{Rendered, render};

/// Resolves principals against the facts of one cluster. Build once, ask often.
pub struct Resolver<'a> {
    facts: &'a ClusterFacts,
    iam: &'a IamFacts,
    entries: HashMap<PrincipalKey, Vec<&'a AccessEntry>>,
    rows: aws_auth::Rows<'a>,
    roles: HashMap<String, &'a RoleDetail>,
    users: HashMap<String, &'a UserDetail>,
}

impl<'a> Resolver<'a> {
    /// Indexes the facts.
    pub fn new(facts: &'a ClusterFacts, iam: &'a IamFacts) -> Self {
        let mut entries: HashMap<PrincipalKey, Vec<&AccessEntry>> = HashMap::new();
        for entry in facts.access_entries.items() {
            if let Ok((principal, None)) = Principal::from_arn(&entry.principal_arn) {
                entries.entry(principal.key()).or_default().push(entry);
            }
        }
        // Of several under one name (a role made again under another path), the newest comes first.
        for several in entries.values_mut() {
            several.sort_by(|a, b| (b.created_at, &a.principal_arn).cmp(&(a.created_at, &b.principal_arn)));
        }
        let auth = facts.aws_auth.value().and_then(Option::as_ref).map(|(_, auth)| auth);
        Resolver {
            facts,
            iam,
            entries,
            rows: auth.map(aws_auth::Rows::new).unwrap_or_default(),
            roles: iam.roles.items().iter().map(|role| (role.role_name.to_lowercase(), role)).collect(),
            users: iam.users.items().iter().map(|user| (user.user_name.to_lowercase(), user)).collect(),
        }
    }

    /// The facts it answers from.
    pub fn facts(&self) -> (&'a ClusterFacts, &'a IamFacts) {
        (self.facts, self.iam)
    }

    /// The partition of the account whose IAM this is.
    fn partition(&self) -> Option<&'a str> {
        let cluster = self.facts.cluster.value().and_then(|cluster| cluster.arn.as_deref());
        let any = || self.iam.roles.items().first().map(|role| role.arn.as_str());
        cluster.or_else(any)?.split(':').nth(1)
    }

    /// The ARN and creation time that IAM has for a principal's name.
    pub fn existing(&self, principal: &Principal) -> Lookup<(&'a str, Option<Time>)> {
        // Accounts of one number in two partitions have nothing to do with each other.
        if self.partition().is_some_and(|partition| partition != principal.partition) {
            return Lookup::Unknown(Gap::Foreign(format!(
                "{} of partition {}",
                principal.account, principal.partition
            )));
        }
        let own = self.iam.account.as_deref() == Some(principal.account.as_str());
        let name = principal.name.to_lowercase();
        let swept = match principal.kind {
            _ if !own => None,
            PrincipalKind::Role => self.roles.get(&name).map(|r| (r.arn.as_str(), r.create_date)),
            PrincipalKind::User => self.users.get(&name).map(|u| (u.arn.as_str(), u.create_date)),
            _ => None,
        };
        swept.map_or_else(|| self.iam.existing(principal), Lookup::Found)
    }

    /// The access entries under a principal's name, newest first: one, but for a role that was made again under
    /// another path, whose old entry stays.
    fn entries_of(&self, principal: &Principal) -> Lookup<Vec<&'a AccessEntry>> {
        let key = principal.key();
        match self.entries.get(&key) {
            Some(entries) => Lookup::Found(entries.clone()),
            None => self.facts.access_entry(&key).map(|entry| vec![entry]),
        }
    }

    /// Why an entry matches nobody any more, if so.
    pub(crate) fn death(&self, entry: &AccessEntry) -> Option<entry::Death> {
        self.death_of(entry, &Principal::from_arn(&entry.principal_arn).ok()?.0)
    }

    /// The same, for the principal that its ARN names.
    pub(crate) fn death_of(&self, entry: &AccessEntry, principal: &Principal) -> Option<entry::Death> {
        let existing = self.existing(principal);
        match entry::life(entry, &Asked::principal(principal.clone()), &existing) {
            Life::Dead(death, _) => Some(death),
            Life::Alive(_) => None,
        }
    }

    /// The answer for one principal or session.
    pub fn resolve(&self, asked: &Asked) -> Resolution {
        let mut draft = Draft::default();
        let Some(cluster) = self.facts.cluster.value() else {
            let why = gap_text(&self.facts.cluster);
            draft.unknown.push(format!("the cluster and its authentication mode: {why}"));
            let gap = self.facts.cluster.gap();
            draft.loading = gap == Some(Gap::Loading);
            let brief = match gap {
                Some(Gap::Loading) => "the cluster is still loading".to_owned(),
                gap => format!("the cluster could not be read: {}", gap.map_or(why, |gap| gap.briefly())),
            };
            return draft.unknown(asked.clone(), brief);
        };
        if cluster.connector_config.is_some() {
            draft.unknown.push("how a connected cluster authenticates: it is not run by EKS".to_owned());
            return draft
                .unknown(asked.clone(), "it is a connected cluster, which EKS does not authenticate for".into());
        }
        if !PARTITIONS.contains(&asked.principal.partition.as_str()) {
            let why = format!("the authenticator knows no partition {:?}", asked.principal.partition);
            return draft.nobody(asked.clone(), why);
        }
        let mode = match cluster.reported_mode() {
            Some(AuthenticationMode::Unknown) => {
                draft
                    .unknown
                    .push("what the cluster's authentication mode reads: this program does not know it".into());
                return draft
                    .unknown(asked.clone(), "the cluster has an authentication mode that is not known here".into());
            }
            Some(mode) => mode,
            None if self.facts.mode_is_unreported() => {
                // Only a cluster of CONFIG_MAP has none to read, and says so.
                match self.facts.access_entries.gap() {
                    Some(gap) if self.facts.access_entries.items().is_empty() => draft.lacks(
                        "the authentication mode: the cluster shows none, and its access entries, which would tell",
                        &gap,
                    ),
                    _ => draft
                        .unknown
                        .push("the authentication mode: the cluster shows none, and yet has access entries".into()),
                }
                return draft.unknown(asked.clone(), "the cluster's authentication mode is not known".into());
            }
            None => {
                draft.unverified.push("that the mode is CONFIG_MAP: the cluster shows none, as old ones do".into());
                AuthenticationMode::ConfigMap
            }
        };
        if let Some(own) = self.partition().filter(|own| *own != asked.principal.partition) {
            // aws-iam-authenticator `pkg/token/token.go`, verifySTSHostnameFormat.
            let why = format!(
                "the cluster is in partition {own}, and its authenticator accepts no token for STS of partition {}",
                asked.principal.partition
            );
            let dead = "its principal is of another partition than the cluster";
            return self.nobody_there(mode, asked.clone(), why, [dead, dead], draft);
        }
        let existing = self.existing(&asked.principal);
        let mut asked = asked.clone();
        let mut gone = None;
        match &existing {
            Lookup::Found((arn, _)) => {
                if let Ok((real, _)) = Principal::from_arn(arn) {
                    // Names are unique in an account, so one given without a path is the one that has it. A path that
                    // was given and is wrong is another matter: nothing has that ARN.
                    if asked.path_known && asked.principal.path != "/" && real.path != asked.principal.path {
                        gone = Some((false, format!("no {} has this ARN; the one of that name is {arn}", real.kind)));
                    } else {
                        asked.principal = real;
                        asked.path_known = true;
                    }
                }
            }
            Lookup::Absent => {
                let Principal { kind, name, account, .. } = &asked.principal;
                gone = Some((true, format!("account {account} has no {kind} {name}, so nobody can sign as it")));
            }
            Lookup::Unknown(_) => {}
        }
        if self.facts.hidden_creator() == HiddenCreator::Present {
            draft.unverified.push(
                "who created the cluster: in mode CONFIG_MAP its creator is a hidden member of system:masters, and no \
                 API names it"
                    .to_owned(),
            );
        }
        self.stale(&mut draft);
        if let Some((vanished, why)) = gone {
            // Under a wrong path, what names the principal that does exist is none of this one's business.
            let dead = [
                "its principal does not exist; an entry outlives its principal",
                "the principal does not exist; one made again under this name would match",
            ];
            return if vanished { self.nobody_there(mode, asked, why, dead, draft) } else { draft.nobody(asked, why) };
        }
        let in_force = self.live_entry(mode, &asked, &existing, &mut draft);
        let entry = match in_force {
            Lookup::Found(entry) => {
                self.rows_beside_entry(mode, &asked, &mut draft);
                return self.by_entry(asked, entry, draft);
            }
            Lookup::Absent => None,
            Lookup::Unknown(gap) => Some(gap),
        };
        if !draft.unknown.is_empty() {
            let because = draft.unknown.join("; ");
            return draft.unknown(asked, because);
        }
        self.by_aws_auth(mode, asked, entry, &existing, draft)
    }

    /// Nobody can sign as the principal: the entries and rows that name it are dead, for the reason given for each.
    fn nobody_there(
        &self,
        mode: AuthenticationMode,
        asked: Asked,
        because: String,
        [dead_entry, dead_row]: [&str; 2],
        mut draft: Draft,
    ) -> Resolution {
        for entry in self.entries_of(&asked.principal).found().unwrap_or_default() {
            let (state, why) = if mode.reads_entries() {
                (OtherState::Dead, dead_entry.to_owned())
            } else {
                (OtherState::Ignored, format!("authentication mode {mode} does not read access entries"))
            };
            draft.other_entry(entry, state, why);
        }
        let rows = self.rows.of(&asked.principal);
        if mode.reads_aws_auth() {
            draft.rows(&rows, OtherState::Dead, dead_row);
        } else {
            draft.rows(&rows, OtherState::Ignored, &format!("authentication mode {mode} does not read aws-auth"));
        }
        draft.nobody(asked, because)
    }

    fn stale(&self, draft: &mut Draft) {
        let mut note = |name: &str, state: &State| {
            if let State::Stale { since, failure, .. } = state {
                draft.unverified.push(format!("changes of {name} since {since}: {failure}"));
            }
        };
        note("the cluster", self.facts.cluster.state());
        note("access entries", self.facts.access_entries.state());
        note("aws-auth", self.facts.aws_auth.state());
    }

    /// The entry in force; absent also when there is one that is dead or not read, which then is among the others.
    fn live_entry(
        &self,
        mode: AuthenticationMode,
        asked: &Asked,
        existing: &Lookup<(&str, Option<Time>)>,
        draft: &mut Draft,
    ) -> Lookup<&'a AccessEntry> {
        let found = self.entries_of(&asked.principal);
        if !mode.reads_entries() {
            for entry in found.found().unwrap_or_default() {
                let why = format!("authentication mode {mode} does not read access entries");
                draft.other_entry(entry, OtherState::Ignored, why);
            }
            return Lookup::Absent;
        }
        let entries = match found {
            Lookup::Found(entries) => entries,
            Lookup::Absent => return Lookup::Absent,
            Lookup::Unknown(gap) => return Lookup::Unknown(gap),
        };
        let mut alive = Vec::new();
        for entry in entries {
            match entry::life(entry, asked, existing) {
                Life::Dead(_, why) => draft.other_entry(entry, OtherState::Dead, why),
                Life::Alive(unverified) => alive.push((entry, unverified)),
            }
        }
        match alive.as_slice() {
            [] => Lookup::Absent,
            [(entry, unverified)] => {
                draft.unverified.extend(unverified.clone());
                Lookup::Found(entry)
            }
            several => {
                for (entry, _) in several {
                    let why = "it decides if the principal has the path that it names".to_owned();
                    draft.other_entry(entry, OtherState::Possible, why);
                }
                let Principal { kind, account, name, .. } = &asked.principal;
                draft.unknown.push(format!(
                    "the path of {kind} {name} of account {account}: entries of several paths name it, and its IAM was not read"
                ));
                Lookup::Absent
            }
        }
    }

    /// An entry is in force: aws-auth can change nothing, but what it holds for the principal is shown.
    fn rows_beside_entry(&self, mode: AuthenticationMode, asked: &Asked, draft: &mut Draft) {
        if let Some(gap) = self.facts.aws_auth.gap() {
            if mode.reads_aws_auth() {
                draft.unverified.push(format!("which aws-auth rows the access entry shadows: {gap}"));
            }
            return;
        }
        let rows = self.rows.of(&asked.principal);
        let (state, why) = if mode.reads_aws_auth() {
            (OtherState::Shadowed, "an access entry wins in this mode".to_owned())
        } else {
            (OtherState::Ignored, format!("authentication mode {mode} does not read aws-auth"))
        };
        draft.rows(&rows, state, &why);
    }

    fn by_entry(&self, asked: Asked, entry: &AccessEntry, mut draft: Draft) -> Resolution {
        let source = MappingSource::AccessEntry { principal_arn: entry.principal_arn.clone() };
        let evidence = entry_evidence(entry);
        let mapping = Mapping { source, kind: Some(entry.kind.clone()), evidence };
        let because = "its access entry is in force".to_owned();
        let groups = match entry::groups(entry) {
            Groups::Own(groups) => Some(groups),
            Groups::ByType(groups) => {
                let kind = &entry.kind;
                draft
                    .unverified
                    .push(format!("the groups that EKS sets for an entry of type {kind}: the entry shows none"));
                Some(groups)
            }
            Groups::Undocumented => {
                let kind = &entry.kind;
                draft
                    .unknown
                    .push(format!("its groups: the entry shows none, and EKS does not document those of type {kind}"));
                None
            }
        };
        let username = match entry::username(entry, &asked.principal) {
            Ok(username) => Some(username),
            Err(why) => {
                draft.unknown.push(why);
                None
            }
        };
        if entry.associated_access_policies.is_none() {
            let why = self
                .facts
                .access_entries
                .missing()
                .iter()
                .find(|m| m.item.as_deref() == Some(&entry.principal_arn))
                .map_or_else(|| "they were not read".to_owned(), |m| m.failure.to_string());
            draft.unknown.push(format!("the access policies of its access entry: {why}"));
        }
        let policies = entry.associated_access_policies.clone();
        match (username, groups) {
            (Some(username), Some(groups)) => self.render(asked, mapping, because, &username, &groups, policies, draft),
            (Some(username), None) => self.render(asked, mapping, because, &username, &[], policies, draft),
            (None, _) => draft.finish(asked, Verdict::Yes, because, Some(mapping), None, policies),
        }
    }

    fn by_aws_auth(
        &self,
        mode: AuthenticationMode,
        asked: Asked,
        entry_gap: Option<Gap>,
        existing: &Lookup<(&str, Option<Time>)>,
        mut draft: Draft,
    ) -> Resolution {
        let gap = self.facts.aws_auth.gap();
        let rows = self.rows.of(&asked.principal);
        if !mode.reads_aws_auth() {
            draft.rows(&rows, OtherState::Ignored, &format!("authentication mode {mode} does not read aws-auth"));
        }
        if let Some(gap) = &entry_gap {
            let what = match gap {
                Gap::Item(_) => "its access entry, which exists",
                _ => "whether it has an access entry",
            };
            draft.lacks(what, gap);
        }
        if mode.reads_aws_auth()
            && let Some(gap) = &gap
        {
            draft.lacks("whether aws-auth maps it", gap);
        }
        if !draft.unknown.is_empty() {
            if mode.reads_aws_auth() {
                draft.rows(&rows, OtherState::Possible, "it decides if there is no live access entry");
            }
            let because = match (&entry_gap, &gap) {
                (Some(gap @ Gap::Item(_)), _) => {
                    format!("its access entry exists but could not be read: {}", gap.briefly())
                }
                (Some(Gap::Loading), _) => "access entries are still loading; it may have one".to_owned(),
                (Some(gap), _) => format!("access entries could not be read: {}; it may have one", gap.briefly()),
                (None, Some(Gap::Loading)) => {
                    "it has no live access entry, and aws-auth, which may have a row for it, is still loading"
                        .to_owned()
                }
                (None, Some(gap)) => format!(
                    "aws-auth could not be read: {}; it has no live access entry, but aws-auth may have a row for it",
                    gap.briefly()
                ),
                (None, None) => String::new(),
            };
            return draft.unknown(asked, because);
        }
        if !mode.reads_aws_auth() {
            let because = draft.why_nobody("it has no access entry, and mode API reads nothing else");
            return draft.nobody(asked, because);
        }
        if let Some(why) = self.undetermined_key(&rows) {
            draft.rows(&rows, OtherState::Possible, "it decides unless a key that is read earlier maps the principal");
            draft.unknown.push(why.clone());
            return draft.unknown(asked, why);
        }
        match rows.matching.as_slice() {
            [] => {}
            [row] => {
                draft.beside(&rows, false);
                let because =
                    if draft.others.iter().any(|other| matches!(other.source, MappingSource::AccessEntry { .. })) {
                        draft.unverified.push(
                        "that EKS goes on to aws-auth when an access entry is dead: upstream does, EKS does not say"
                            .to_owned(),
                    );
                        format!("aws-auth {} maps it, since its access entry is dead", row.place())
                    } else {
                        format!("aws-auth {} maps it", row.place())
                    };
                draft.exists(&asked, existing);
                let mapping = Mapping { source: row_source(row), kind: None, evidence: row_evidence(row) };
                if row.username.is_empty() {
                    draft.unverified.push("what the API server makes of an empty username".to_owned());
                }
                let (username, groups) = (row.username.clone(), row.groups.clone());
                return self.render(asked, mapping, because, &username, &groups, Some(Vec::new()), draft);
            }
            several => {
                for row in several {
                    draft.other_row(
                        row,
                        OtherState::Possible,
                        "rows whose ARNs differ only in case: which one is picked is random".into(),
                    );
                }
                let places: Vec<String> = several.iter().map(|row| row.place()).collect();
                let places = places.join(" or ");
                draft.beside(&rows, false);
                draft.unknown.push(format!("which of {places} the authenticator picks: it is random"));
                return draft.unknown(
                    asked,
                    format!(
                        "it gets in through aws-auth {places}, picked at random since their ARNs differ only in case"
                    ),
                );
            }
        }
        if let Some(index) = rows.account {
            draft.beside(&rows, true);
            let source = MappingSource::AwsAuth { key: AwsAuthKey::MapAccounts, index: Some(index) };
            let evidence = Evidence::new(DocumentRef::AwsAuth, format!("data.mapAccounts[{index}]"));
            let because =
                format!("aws-auth mapAccounts[{index}] lets every principal of account {} in", asked.principal.account);
            draft.exists(&asked, existing);
            let username = asked.principal.canonical();
            let mapping = Mapping { source, kind: None, evidence };
            return self.render(asked, mapping, because, &username, &[], Some(Vec::new()), draft);
        }
        draft.beside(&rows, true);
        let mut because = draft.why_nobody(match mode {
            AuthenticationMode::ConfigMap => "no row of aws-auth matches it",
            _ => "it has no access entry, and no row of aws-auth matches it",
        });
        for broken in self.rows.broken().iter().filter(|_| !draft.others.iter().any(Other::is_whole_key)) {
            because.push_str("; ");
            because.push_str(broken);
        }
        draft.nobody(asked, because)
    }

    /// Why what aws-auth says of a principal is unknown: a key that would be read before any that answers cannot be
    /// decided.
    fn undetermined_key(&self, rows: &aws_auth::Verdicts<'_>) -> Option<String> {
        let answered =
            |key| rows.matching.iter().chain(rows.shadowed.iter().map(|(row, _)| row)).any(|row| row.key == key);
        self.rows.undetermined(AwsAuthKey::MapRoles).or_else(|| {
            if answered(AwsAuthKey::MapRoles) {
                return None;
            }
            self.rows.undetermined(AwsAuthKey::MapUsers).or_else(|| {
                let is_open = rows.matching.is_empty() && rows.account.is_none();
                self.rows.undetermined(AwsAuthKey::MapAccounts).filter(|_| is_open)
            })
        })
    }

    /// The mapping is found; what remains is to fill in its templates, and a failure there is final.
    #[allow(clippy::too_many_arguments)]
    fn render(
        &self,
        asked: Asked,
        mapping: Mapping,
        mut because: String,
        username: &str,
        groups: &[String],
        access_policies: Option<Vec<AssociatedPolicy>>,
        mut draft: Draft,
    ) -> Resolution {
        let nodes = &self.facts.nodes;
        let mut texts = Vec::new();
        for template in std::iter::once(username).chain(groups.iter().map(String::as_str)) {
            match render(template, &asked, nodes) {
                Rendered::Text(text) => texts.push(text),
                Rendered::Open(text, open) => {
                    if asked.session.is_some() || asked.principal.kind != PrincipalKind::Role {
                        draft.unverified.extend(open.iter().map(|&it| {
                            let fails = match it {
                                template::PRIVATE_DNS_NAME => {
                                    "; if EC2 does not know the instance, authentication fails"
                                }
                                _ => "",
                            };
                            format!("the value of {it}: no fact here tells it{fails}")
                        }));
                    } else if open.contains(&template::PRIVATE_DNS_NAME) {
                        because.push_str("; only sessions named like an EC2 instance id get in");
                    }
                    texts.push(text);
                }
                Rendered::Fails(why) => {
                    let why = format!("{} matches, but {why}, and nothing else is tried then", mapping.source);
                    let dead = Other {
                        source: mapping.source,
                        state: OtherState::Dead,
                        because: why.clone(),
                        evidence: mapping.evidence,
                    };
                    draft.others.insert(0, dead);
                    return draft.nobody(asked, why);
                }
            }
        }
        let mut texts = texts.into_iter();
        let (username, groups) = (texts.next().unwrap_or_default(), texts.collect::<Vec<_>>());
        let implicit_groups = groups::added_groups(&username, &groups, GroupSource::Authenticator);
        let identity = Identity { username, groups, implicit_groups };
        draft.finish(asked, Verdict::Yes, because, Some(mapping), Some(identity), access_policies)
    }
}

fn gap_text<T>(section: &Section<T>) -> String {
    section.gap().map_or_else(|| "it was not read".to_owned(), |gap| gap.to_string())
}

#[cfg(test)]
mod tests;

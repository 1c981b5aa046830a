//! Rows of aws-auth, which are not ours to change: how one is removed, and what removing it costs.
//!
//! Decides what is said where an edit is asked of a principal that has no entry but a row. `eksctl` compares ARNs as
//! text and removes the first row that has it, so the ARN is told as it is written, and where others have it too, that.

use super::export::quoted;
use super::state::Subject;
use super::wish::Ground;
use crate::access::Verdict;
use crate::access::identity::{MappingSource, Resolution, Resolver, meant};
use crate::model::aws_auth::{AwsAuth, AwsAuthRow};
use crate::model::principal::{Asked, Principal};
use crate::model::snapshot::ClusterFacts;

impl Ground<'_> {
    /// What has a row of aws-auth and no entry: which row, what it does, how it is removed, and that nothing was done.
    pub fn of_aws_auth(&self, subject: &Subject) -> Option<String> {
        let Subject::Entry(arn) = subject else { return None };
        let (principal, _) = Principal::from_arn(arn).ok()?;
        let resolution = Resolver::new(self.facts, self.iam).resolve(&Asked::principal(principal));
        let (source, does) = match &resolution.mapping {
            Some(it) if matches!(it.source, MappingSource::AwsAuth { .. }) => {
                (it.source.clone(), format!("it gets in through {}", it.source))
            }
            _ => {
                let it = resolution.others.iter().find(|it| matches!(it.source, MappingSource::AwsAuth { .. }))?;
                (it.source.clone(), format!("{} names it, and does not let it in ({})", it.source, it.because))
            }
        };
        let how = match self.row(&source) {
            Some(row) => self.removal(row),
            None => "This program does not change aws-auth. Nothing was done. It is no row of its own: kubectl edit \
                     configmap aws-auth --namespace kube-system"
                .to_owned(),
        };
        Some(format!("it has no access entry; {does}. {how}"))
    }

    /// How the row is removed whose ARN is written so.
    pub fn of_row(&self, arn: &str) -> String {
        // A pane may know the row by what it means; what is told is what it says.
        let key = |text: &str| meant(text).map(|it| it.key());
        let rows = || self.auth().into_iter().flat_map(|auth| &auth.rows);
        let written = rows().find(|it| it.arn.as_deref() == Some(arn));
        let row = written
            .or_else(|| rows().find(|it| it.arn.as_deref().and_then(key).is_some_and(|it| Some(it) == key(arn))));
        match row {
            Some(row) => self.removal(row),
            None => "This program does not change aws-auth. Nothing was done.".to_owned(),
        }
    }

    fn auth(&self) -> Option<&AwsAuth> {
        self.facts.aws_auth.value()?.as_ref().map(|(_, auth)| auth)
    }

    fn row(&self, source: &MappingSource) -> Option<&AwsAuthRow> {
        let MappingSource::AwsAuth { key, index: Some(index) } = source else { return None };
        self.auth()?.row(*key, *index)
    }

    fn removal(&self, row: &AwsAuthRow) -> String {
        let Some(arn) = row.arn.as_deref() else {
            return "This program does not change aws-auth. Nothing was done. The row has no ARN: kubectl edit configmap \
                    aws-auth --namespace kube-system"
                .to_owned();
        };
        let cluster = self.facts.cluster.value();
        let name = cluster.map_or_else(|| "CLUSTER".to_owned(), |it| quoted(&it.name));
        let region = cluster.and_then(|it| it.arn.as_deref()).and_then(|it| it.split(':').nth(3));
        let region = region.map_or_else(|| "REGION".to_owned(), quoted);
        let same: Vec<&AwsAuthRow> =
            self.auth().into_iter().flat_map(|it| &it.rows).filter(|it| it.arn.as_deref() == Some(arn)).collect();
        let first = same.first().copied().unwrap_or(row);
        let several = match same.len() {
            0 | 1 => String::new(),
            n => format!(" {n} rows have that ARN, and eksctl removes the first, {}.", first.place()),
        };
        format!(
            "This program does not change aws-auth. Nothing was done. To remove the row: eksctl delete iamidentitymapping \
             --cluster {name} --region {region} --arn {}.{several} {}",
            quoted(arn),
            self.cost(first, arn)
        )
    }

    /// Who loses what by the removal, found as ever: by asking with the row and without it.
    fn cost(&self, row: &AwsAuthRow, arn: &str) -> String {
        let Some(principal) = meant(arn) else { return "The row lets nobody in.".to_owned() };
        let asked = Asked { path_known: false, ..Asked::principal(principal) };
        let without = ClusterFacts {
            aws_auth: self.facts.aws_auth.map(|fact| {
                fact.clone().map(|(map, mut auth)| {
                    auth.rows.retain(|it| (it.key, it.index) != (row.key, row.index));
                    (map, auth)
                })
            }),
            ..self.facts.clone()
        };
        let before = Resolver::new(self.facts, self.iam).resolve(&asked);
        let after = Resolver::new(&without, self.iam).resolve(&asked);
        let who = &before.asked.principal.name;
        match (before.verdict, after.verdict) {
            (Verdict::Unknown, _) => format!("What it costs is not known: {}.", before.because),
            (_, Verdict::Unknown) => format!("Whether {who} gets in without it is not known: {}.", after.because),
            _ if before.identity == after.identity => "Nobody loses anything by that.".to_owned(),
            (_, Verdict::Yes) => {
                format!("{who} is then {}, and no longer {}.", identity(&after), identity(&before))
            }
            (_, Verdict::No) => format!("{who} then no longer gets in; it is {} now.", identity(&before)),
        }
    }
}

fn identity(it: &Resolution) -> String {
    it.identity.as_ref().map_or_else(
        || "nobody".to_owned(),
        |it| {
            let groups = if it.groups.is_empty() { "no groups".to_owned() } else { it.groups.join(", ") };
            format!("user {} with {groups}", it.username)
        },
    )
}

#[cfg(test)]
mod tests;

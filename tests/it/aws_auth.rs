//! aws-auth documents of odd YAML, with what the server of aws-iam-authenticator v0.7.18 answered for
//! `arn:aws:sts::111122223333:assumed-role/Admin/s` (of the accounts: for a user of the account) while it held them.

use std::collections::BTreeMap;

use eksplorer::access::Verdict;
use eksplorer::access::identity::Resolver;
use eksplorer::access::permissions::Permissions;
use eksplorer::access::trace::trace;
use eksplorer::model::document::read;
use eksplorer::model::facts::snapshot_of;
use eksplorer::model::principal::Asked;
use eksplorer::model::snapshot::Source;

#[test]
fn every_document_is_read_as_the_server_reads_it() {
    let snapshot = snapshot_of(&read(include_str!("../aws_auth/documents.json")).unwrap(), Source::Lab);
    let answers: BTreeMap<String, String> = serde_json::from_str(include_str!("../aws_auth/server.json")).unwrap();
    assert_eq!(snapshot.facts.len(), answers.len());
    for (cluster, facts) in &snapshot.facts {
        let wanted = answers[&cluster.name].strip_prefix("server: ").unwrap();
        let account = wanted.strip_suffix(" mapped").filter(|it| it.len() == 12);
        let asked = match account {
            Some(account) => format!("arn:aws:iam::{account}:user/u"),
            None => "arn:aws:sts::111122223333:assumed-role/Admin/s".to_owned(),
        };
        let asked = Asked::from_arn(&asked).unwrap();
        let resolution = trace(&Resolver::new(facts, &snapshot.iam), &Permissions::of(facts), &asked).resolution;
        let said = match (&resolution.verdict, &resolution.identity) {
            (Verdict::No, None) => "not mapped".to_owned(),
            (Verdict::Yes, Some(identity)) => match account {
                Some(account) => format!("{account} mapped"),
                None => {
                    let quoted = |name: &str| {
                        if name.is_empty() { "''".to_owned() } else { name.replace('\u{feff}', "\\ufeff") }
                    };
                    let groups: Vec<String> = identity.groups.iter().map(|group| quoted(group)).collect();
                    let username = quoted(&identity.username);
                    if groups.is_empty() { username } else { format!("{username}, [{}]", groups.join(", ")) }
                }
            },
            other => format!("{other:?}"),
        };
        assert_eq!(said, wanted, "{}", cluster.name);
    }
}

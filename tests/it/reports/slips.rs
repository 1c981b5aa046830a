//! Slips in ARNs, and who manages an entry.

use eksplorer::access::Mark;
use eksplorer::access::answer_line::AnswerPart;
use eksplorer::access::findings::Severity::Medium;
use eksplorer::access::identity::Resolver;
use eksplorer::access::trace::trace;
use eksplorer::model::principal::{Asked, Principal};

use super::{report, world};

/// A cluster in GovCloud whose service account is annotated with an ARN of the commercial partition ("Identify AWS resources with
/// Amazon Resource Names", IAM User Guide: the partition is part of the ARN).
#[test]
fn a_role_of_another_partition_is_a_slip_where_this_one_has_it() {
    const WORLD: &str = world!("b29-partition-slip");
    let it = report(WORLD, &[]);
    let found = it.found("irsa-role-partition");
    let [(subject, item)] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((subject.as_str(), item.severity), ("service-account ops/backup", Medium));
    assert!(item.because.contains("arn:aws-us-gov:iam::111122223333:role/backup"), "{}", item.because);
    assert!(item.remedy[0].text.contains("arn:aws-us-gov:iam::111122223333:role/backup"), "{:?}", item.remedy);
    let row = it.rows.irsa.iter().find(|it| it.service_account == "backup").expect("its row");
    assert!(
        row.mark == Mark::Unknown && row.because.contains("of partition aws, and the cluster of aws-us-gov"),
        "{}",
        row.because
    );
    // Near misses: no role of that name here; one that does not let the service account in; the right partition.
    for (case, changes) in [
        (
            "no such role",
            (
                "Arn: arn:aws-us-gov:iam::111122223333:role/backup\n",
                "Arn: arn:aws-us-gov:iam::111122223333:role/other\n",
            ),
        ),
        ("it lets another in", ("system:serviceaccount:ops:backup", "system:serviceaccount:ops:restore")),
        ("right", ("role-arn: 'arn:aws:iam", "role-arn: 'arn:aws-us-gov:iam")),
    ] {
        let name = ("RoleName: backup", if case == "no such role" { "RoleName: other" } else { "RoleName: backup" });
        assert_eq!(report(WORLD, &[changes, name]).subjects("irsa-role-partition"), [""; 0], "{case}");
    }
}

/// A trust policy found in public with the issuer in the provider's ARN twice, scheme included: it is of no other cluster.
#[test]
fn a_provider_with_a_scheme_is_malformed_and_not_another_clusters() {
    const WORLD: &str = world!("b17e-doubled-issuer");
    let ids = |changes: &[(&str, &str)]| -> Vec<String> {
        let it = report(WORLD, changes);
        let all = it.rows.findings.iter().filter(|it| it.subject.kind() == "role" && it.subject.name() == "lb");
        all.map(|it| it.id.as_str().to_owned()).collect()
    };
    assert_eq!(ids(&[]), ["irsa-provider-malformed"]);
    let doubled = "id/https://oidc.eks.eu-north-1.amazonaws.com/id/";
    assert_eq!(ids(&[(doubled, "id/")]), [""; 0]);
    let another = ids(&[(&format!("{doubled}A1B2"), "id/FFFF")]);
    assert_eq!(another, ["irsa-other-issuer", "irsa-stale-provider"]);
}

/// cluster-api-provider-aws issue 6176: what recreates the entry is told by its tags.
#[test]
fn the_entrys_detail_tells_which_tool_manages_it() {
    const WORLD: &str = world!("w04-recreated-entry");
    let note = |changes: &[(&str, &str)]| {
        let it = report(WORLD, changes);
        let entry = it.rows.entries.first().expect("the entry");
        let asked = Asked::principal(Principal::from_arn(&entry.principal_arn).expect("its ARN").0);
        let resolver = Resolver::new(&it.facts, &it.snapshot.iam);
        let trace = trace(&resolver, &it.permissions(), &asked);
        trace.lines.into_iter().find(|it| it.part == AnswerPart::Mapping).expect("the mapping").note
    };
    assert!(note(&[]).contains("managed by Cluster API"), "{}", note(&[]));
    assert!(!note(&[("owned", "shared")]).contains("managed by"));
}

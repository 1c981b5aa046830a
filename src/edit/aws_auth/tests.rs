//! What is said of rows of aws-auth.

use super::super::tests::{role, world_of};
use super::*;

const ROW: &str = "arn:aws:iam::111122223333:role/row";

#[test]
fn a_row_is_told_as_it_is_written_and_with_what_it_costs() {
    let dead = "arn:aws:iam::111122223333:role/teams/row";
    let one = |arn: &str, user: &str| format!("- {{rolearn: '{arn}', username: {user}, groups: [devs]}}");
    for (rows, said) in [
        (
            one(ROW, "a"),
            vec![format!("gets in through aws-auth mapRoles[0]"), "row then no longer gets in; it is user a".into()],
        ),
        (
            format!("{}\\n{}", one(ROW, "a"), one(ROW, "b")),
            vec!["2 rows have that ARN, and eksctl removes the first, mapRoles[0]".into(), "Nobody loses".into()],
        ),
        (one(dead, "a"), vec![format!("--arn {dead}"), "does not let it in".into(), "Nobody loses".into()]),
    ] {
        let world = world_of(&rows);
        let ground = Ground { facts: &world.facts, iam: &world.iam };
        let text = ground.of_aws_auth(&role("row")).unwrap_or_default();
        for part in said.into_iter().chain(["Nothing was done".to_owned()]) {
            assert!(text.contains(&part), "{part}: {text}");
        }
    }
    let world = world_of(&one("arn:aws:iam::111122223333:role/other", "a"));
    assert_eq!(Ground { facts: &world.facts, iam: &world.iam }.of_aws_auth(&role("row")), None);
}

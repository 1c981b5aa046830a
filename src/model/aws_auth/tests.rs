//! aws-auth documents as the authenticator holds them.

use std::collections::BTreeMap;

use super::*;

fn read(key: &str, text: &str) -> AwsAuth {
    let data = BTreeMap::from([(key.to_owned(), text.to_owned())]);
    read_aws_auth(&ConfigMap { data, ..ConfigMap::default() })
}

fn only(text: &str) -> AwsAuthRow {
    let mut rows = read("mapRoles", text).rows;
    assert_eq!(rows.len(), 1, "{text}");
    rows.remove(0)
}

#[test]
fn inner_keys_match_in_any_case() {
    let row = only("- RoleARN: arn:aws:iam::1:role/a\n  UserName: u\n  Groups: [g, h]\n");
    assert_eq!((row.arn.as_deref(), row.username.as_str()), (Some("arn:aws:iam::1:role/a"), "u"));
    assert_eq!(row.groups, ["g", "h"]);
    assert!(row.defects.is_empty());
}

#[test]
fn wrong_types_leave_the_field_empty_and_the_row_stands() {
    let row = only("- rolearn: r\n  username: 17\n  groups: admins\n  usernmae: x\n");
    assert_eq!((row.username.as_str(), row.groups.len()), ("", 0));
    let said: Vec<String> = row.defects.iter().map(ToString::to_string).collect();
    assert!(said.iter().any(|s| s.starts_with("username is not a text")), "{said:?}");
    assert!(said.iter().any(|s| s.starts_with("groups is not a list")), "{said:?}");
    assert!(said.iter().any(|s| s.contains("\"usernmae\"")), "{said:?}");
}

#[test]
fn an_element_without_arn_is_dropped_and_the_others_stay() {
    let auth = read("mapRoles", "- username: a\n- rolearn: r\n  username: b\n- just text\n");
    let arns: Vec<_> = auth.rows.iter().map(|row| row.arn.as_deref()).collect();
    assert_eq!(arns, [None, Some("r"), None]);
    assert_eq!(auth.rows[0].defects, [RowDefect::NoArn]);
    assert_eq!(auth.rows[2].defects, [RowDefect::NotAMap]);
}

#[test]
fn a_key_that_does_not_parse_is_empty_and_the_others_load() {
    let data = BTreeMap::from([
        ("mapRoles".to_owned(), "- rolearn: r\n  username: u\n groups: x\n - b".to_owned()),
        ("mapUsers".to_owned(), "- userarn: u\n  username: u\n".to_owned()),
    ]);
    let auth = read_aws_auth(&ConfigMap { data, ..ConfigMap::default() });
    assert_eq!(auth.rows.len(), 1);
    assert_eq!(auth.rows[0].key, AwsAuthKey::MapUsers);
    assert!(
        matches!(&auth.problems[..], [(key, KeyProblem::Broken { line: 3, .. }, _)] if key == "mapRoles"),
        "{:?}",
        auth.problems
    );
}

#[test]
fn top_level_keys_are_case_sensitive_and_must_be_lists() {
    assert!(matches!(
        &read("maproles", "- rolearn: r").problems[..],
        [(_, KeyProblem::WrongCase(AwsAuthKey::MapRoles), _)]
    ));
    assert!(matches!(&read("mapRoles", "rolearn: r").problems[..], [(_, KeyProblem::NotAList { line: 1, .. }, _)]));
    for nothing in ["", "\"\"", "''", "``", "  \n"] {
        assert_eq!(read("mapRoles", nothing), AwsAuth::default(), "{nothing:?}");
    }
}

#[test]
fn folded_items_become_one_odd_group() {
    let row = only("- rolearn: r\n  username: u\n  groups:\n    - system:bootstrappers\n      - system:nodes\n");
    assert_eq!(row.groups, ["system:bootstrappers - system:nodes"]);
    assert!(matches!(&row.defects[..], [RowDefect::Folded(_)]));
}

#[test]
fn a_plain_yes_is_a_truth_value_and_no_name() {
    let row = only("- {rolearn: r, username: on, groups: [yes, \"yes\", n]}\n");
    assert_eq!((row.username.as_str(), row.groups.as_slice()), ("", &[String::new(), "yes".into(), String::new()][..]));
}

#[test]
fn account_ids_keep_leading_zeros() {
    assert_eq!(
        read("mapAccounts", "- \"000123456789\"\n- 012345678901\n- 111122223333\n").accounts,
        ["000123456789", "012345678901", "111122223333"]
    );
}

#[test]
fn only_the_first_document_counts() {
    assert_eq!(only("- rolearn: r\n  username: u\n---\n").arn.as_deref(), Some("r"));
    assert_eq!(only("- rolearn: r\n  username: u\n---\n[broken: {\n").arn.as_deref(), Some("r"));
}

#[test]
fn of_two_spellings_of_a_key_the_last_sorted_by_bytes_wins() {
    assert_eq!(only("- {rolearn: x, RoleARN: y, username: u}").arn.as_deref(), Some("x"));
    let row = only("- {rolearn: r, Username: u, username: 7, Groups: [g], groups: wrong}");
    assert_eq!((row.username.as_str(), row.groups.as_slice()), ("u", &["g".to_owned()][..]));
}

#[test]
fn a_bad_item_of_map_accounts_leaves_the_others() {
    assert_eq!(
        read("mapAccounts", "- '111122223333'\n- {a: 1}\n- 222233334444\n").accounts,
        ["111122223333", "222233334444"]
    );
}

#[test]
fn the_sso_form_never_matches() {
    assert_eq!(only("- {rolearn: r, sso: null, username: u}").arn.as_deref(), Some("r"));
    assert_eq!(only("- sso: {permissionSetName: A, accountID: '1'}\n  username: u\n").defects, [RowDefect::Sso]);
    assert_eq!(only("- rolearn: r\n  sso: {}\n  username: u\n").arn, None);
}

/// Groups in JSON's ways: a second list overwrites the items of the first, a null leaves an item, and `[]` or a null
/// starts anew (`encoding/json`, decode.go, array).
#[test]
fn lists_of_groups_under_several_spellings_overlay_each_other() {
    for (text, groups) in [
        ("- {rolearn: r, Groups: [a, b, c], groups: [~, 7, x]}", &["a", "b", "x"][..]),
        ("- {rolearn: r, GROUPS: [a, b, c], Groups: [q], groups: [~, ~, ~, ~]}", &["q", "b", "c", ""]),
        ("- {rolearn: r, Groups: [a, b], gROUPS: [], groups: [~]}", &[""]),
        ("- {rolearn: r, Groups: [a, b], groups: ~}", &[]),
        ("- {rolearn: r, Groups: [a, b], groups: 5}", &["a", "b"]),
    ] {
        assert_eq!(only(text).groups, groups, "{text}");
    }
}

#[test]
fn the_long_s_is_an_s_in_the_name_of_a_field() {
    let row = only("- {rolearn: r, uſername: u, groupſ: [g]}");
    assert_eq!((row.username.as_str(), row.groups.as_slice()), ("u", &["g".to_owned()][..]));
    assert_eq!(only("- {rolearn: r, username: u, ſſo: {}}").arn, None);
    assert_eq!(only("- {rolearn: r, \u{212A}ey: u}").username, "", "no field has a k");
}

#[test]
fn fields_that_are_no_text_leave_what_another_spelling_said() {
    for (text, username) in [
        ("- {rolearn: r, username: 5e123456}", "5e123456"),
        ("- {rolearn: r, username: 685_230.15}", ""),
        ("- {rolearn: r, Username: a, username: ~}", "a"),
        ("- {rolearn: r, username: !!binary YWRtaW4=}", "admin"),
        ("- {rolearn: r, username: !!binary /w==}", "\u{fffd}"),
        ("- {rolearn: r, <<: {username: m}, username: u}", "u"),
        ("- {rolearn: r, username: u, <<: {username: m}}", "m"),
        ("- {rolearn: r, username: u, username: v}", "v"),
    ] {
        assert_eq!(only(text).username, username, "{text}");
    }
}

#[test]
fn what_empties_a_key_is_named_with_its_line() {
    for (key, text, wanted) in [
        ("mapRoles", "\n- rolearn: r\n\tusername: u", "does not parse (line 3: "),
        ("mapRoles", "- rolearn: r\n- {a: .nan}", "does not parse (line 2: a number is not finite)"),
        ("mapRoles", "- rolearn: r\n- ~: a", "does not parse (line 2: a key is a null"),
        ("mapRoles", "\n {\"rolearn\": \"r\"}", "is a map and not a list (line 2)"),
        ("mapUsers", "# c\nuserarn: u\n", "is a map and not a list (line 2)"),
        ("mapUsers", "text", "is a single text or number and not a list (line 1)"),
        ("mapAccounts", "'111122223333'", "is a single text or number and not a list (line 1)"),
        ("mapRoles", "---\n---\n- rolearn: r", "has an empty first YAML document, and the text from line 3 on"),
    ] {
        let auth = read(key, text);
        assert!(auth.rows.is_empty() && auth.accounts.is_empty(), "{text:?}: {auth:?}");
        let [(name, problem, _)] = &auth.problems[..] else { panic!("{text:?}: {:?}", auth.problems) };
        assert!(name == key && problem.empties_key(), "{text:?}");
        assert!(problem.to_string().starts_with(wanted), "{text:?}: {problem}");
    }
    for nothing in ["~", "[]", "# none", "---\n", "null\n...\n", "---\n# none\n---\n"] {
        assert_eq!(read("mapRoles", nothing), AwsAuth::default(), "{nothing:?}");
    }
}

#[test]
fn text_after_the_first_document_is_not_read_and_said_so() {
    let auth = read("mapRoles", "- rolearn: r\n  username: u\n---\n# more\n- rolearn: s\n");
    assert_eq!(auth.rows.len(), 1);
    let (_, problem, rest) = &auth.problems[0];
    assert_eq!((problem, rest.as_str()), (&KeyProblem::TextAfterDocument { line: 5 }, "- rolearn: s\n"));
    assert!(read("mapRoles", "- rolearn: r\n  username: u\n--- # the end\n...\n\n").problems.is_empty());
}

/// go-yaml decodes mapAccounts item by item: one of a wrong type is left out, and an error in the midst leaves the items
/// before it and empty texts for the rest (`decode.go`, sequence).
#[test]
fn map_accounts_is_read_item_by_item() {
    for (text, accounts, problem) in [
        ("- #4444\n- 012345678901", &["", "012345678901"][..], ""),
        ("[0x10, yes, 1_2, !!int 5, &a x, *a, ~]", &["0x10", "yes", "1_2", "5", "x", "x", ""], ""),
        ("- a\n- [b]\n- c", &["a", "c"], "has an item that is not a text (line 2)"),
        ("- a\n- !!int b\n- c", &["a", "", ""], "is read only up to line 2"),
        ("- {a: .nan}\n- b", &["b"], "has an item that is not a text (line 1)"),
        ("- a\n- [", &[], "does not parse (line 2"),
        ("[a, b]]", &["a", "b"], "ends for the cluster before line 1"),
    ] {
        let auth = read("mapAccounts", text);
        assert_eq!(auth.accounts, accounts, "{text:?}");
        let said = auth.problems.first().map(|(_, problem, _)| problem.to_string()).unwrap_or_default();
        assert!(said.starts_with(problem) && said.is_empty() == problem.is_empty(), "{text:?}: {said}");
    }
}

#[test]
fn what_go_picks_at_random_or_what_grows_too_large_is_unknown() {
    let is_undetermined =
        |text: &str| matches!(&read("mapRoles", text).problems[..], [(_, KeyProblem::Undetermined { .. }, _)]);
    assert!(is_undetermined("- rolearn: r\n- {1: .nan, \"1\": 2}"));
    assert!(!is_undetermined("- rolearn: r\n- {1: .nan, \"2\": 2}"), "that is an error for sure");
    let aliases = "*a,".repeat(3_000);
    assert!(is_undetermined(&format!("[&a {{rolearn: r, username: {}}},{aliases}]", "u".repeat(30_000))));
}

#[test]
fn a_large_or_hostile_text_is_read_or_refused() {
    let rows: String = (0..2_000).map(|n| format!("- {{rolearn: r{n}, username: u, groups: [a, b]}}\n")).collect();
    assert_eq!(read("mapRoles", &rows).rows.len(), 2_000);
    for (text, rows) in [
        (format!("{}{}", "[".repeat(1_000), "]".repeat(1_000)), 1),
        (format!("- rolearn: r\n  x: {}{}", "[".repeat(9_999), "]".repeat(9_999)), 0),
        ("[".repeat(200_000), 0),
        ("- ".repeat(200_000), 0),
        ("- rolearn: r\0".to_owned(), 0),
        ("\u{feff}".repeat(50_000), 0),
        (format!("[&a {{rolearn: r}},{}]", "*a,".repeat(20_000)), 20_001),
        (format!("- &a [{}]\n- [{}]", "x,".repeat(2_000), "*a,".repeat(20_000)), 0),
    ] {
        let auth = read("mapRoles", &text);
        assert_eq!(auth.rows.len(), rows, "{:?}", text.get(..40));
        assert_eq!(auth.problems.is_empty(), rows > 0, "{:?}", text.get(..40));
    }
}

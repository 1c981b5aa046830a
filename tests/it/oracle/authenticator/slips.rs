//! Ordinary documents, as people and their tools write them, with at most one slip: the kind that a review lets through.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::super::world::Dice;
use super::Document;
use super::sessions::{ACCOUNTS, role_arn, user_arn};

/// How a document is written.
#[derive(Clone, Copy, PartialEq)]
enum Style {
    /// As `eksctl` and the AWS guide write it: `- groups:` first, nothing quoted.
    Plain,
    /// By hand: the ARN first, lists indented further, some quotes and comments.
    Hand,
    /// Terraform's `yamlencode`: every key and text in double quotes.
    Terraform,
    /// JSON, as `jsonencode` writes it.
    Json,
    /// Rows in braces.
    Flow,
}

struct Row {
    arn_key: &'static str,
    arn: String,
    username: String,
    groups: Vec<String>,
}

/// A document.
pub(super) fn document(dice: &mut Dice) -> Document {
    let mut it = Document::default();
    let style =
        dice.pick(&[Style::Plain, Style::Plain, Style::Hand, Style::Hand, Style::Terraform, Style::Json, Style::Flow]);
    let mut data = BTreeMap::new();
    let mut roles: Vec<Row> = (0..1 + dice.below(4)).map(|_| role(dice)).collect();
    let mut users: Vec<Row> = (0..dice.below(3)).map(|_| user(dice)).collect();
    let accounts: Vec<&str> =
        (0..if dice.percent(30) { 1 + dice.below(2) } else { 0 }).map(|_| dice.pick(&ACCOUNTS)).collect();
    it.arns = roles.iter().chain(&users).map(|row| row.arn.clone()).collect();
    // The slip is in a value, in the text, or nowhere.
    let in_value = dice.percent(35);
    if in_value {
        let rows = if users.is_empty() || dice.percent(75) { &mut roles } else { &mut users };
        slip_in_value(dice, rows);
    }
    data.insert("mapRoles".to_owned(), write_rows(dice, style, &roles));
    if !users.is_empty() {
        data.insert("mapUsers".to_owned(), write_rows(dice, style, &users));
    }
    if !accounts.is_empty() {
        data.insert("mapAccounts".to_owned(), write_accounts(dice, style, &accounts));
    }
    if !in_value && dice.percent(92) {
        let names: Vec<String> = data.keys().cloned().collect();
        let name = if dice.percent(70) { "mapRoles".to_owned() } else { dice.choose(&names).clone() };
        let text = data.remove(&name).unwrap();
        let (name, text) = match dice.below(40) {
            0 => (name.to_lowercase(), text),
            1 => (name.trim_end_matches('s').to_owned(), text),
            2 => (name, "\"\"".to_owned()),
            3 => (name.clone(), format!("{name}:\n{text}")),
            4 => (name, format!("|\n{text}")),
            _ => (name, slip_in_text(dice, &text)),
        };
        data.insert(name, text);
    }
    it.data = Some(data);
    it
}

fn role(dice: &mut Dice) -> Row {
    let (username, groups): (&str, &[&str]) = dice.pick(&[
        ("system:node:{{EC2PrivateDNSName}}", &["system:bootstrappers", "system:nodes"]),
        ("system:node:{{SessionName}}", &["system:bootstrappers", "system:nodes", "system:node-proxier"]),
        ("admin", &["system:masters"]),
        ("admin:{{SessionName}}", &["system:masters"]),
        ("{{SessionNameRaw}}", &["developers", "viewers"]),
        ("ci-{{AccountID}}", &["deployers"]),
        ("arn:aws:sts::111122223333:assumed-role/Admin/{{SessionName}}", &["platform:admins"]),
        ("readonly", &[]),
        ("key-{{AccessKeyID}}", &["team-{{SessionName}}"]),
        ("7", &["8"]),
        ("on-call", &["yes"]),
    ]);
    row("rolearn", role_arn(dice), username, groups)
}

fn user(dice: &mut Dice) -> Row {
    let (username, groups): (&str, &[&str]) = dice.pick(&[
        ("ann", &["system:masters"]),
        ("kim@corp.com", &["developers"]),
        ("{{SessionName}}ann", &["viewers"]),
        ("ops", &[]),
    ]);
    row("userarn", user_arn(dice), username, groups)
}

fn row(arn_key: &'static str, arn: String, username: &str, groups: &[&str]) -> Row {
    let groups = groups.iter().map(|&it| it.to_owned()).collect();
    Row { arn_key, arn, username: username.to_owned(), groups }
}

fn slip_in_value(dice: &mut Dice, rows: &mut Vec<Row>) {
    let at = dice.below(rows.len());
    let row = &mut rows[at];
    match dice.below(18) {
        0 => row.arn = row.arn.replacen("role/", "role/team/", 1),
        1 => row.arn = row.arn.replacen(":iam::", ":sts::", 1).replacen("role/", "assumed-role/", 1) + "/jane",
        2 => row.arn = format!("{}*", &row.arn[..row.arn.len() - 2]),
        3 => row.arn = row.arn.to_lowercase(),
        4 => row.arn.push(' '),
        5 => row.arn.insert(0, ' '),
        6 => row.arn = row.arn.replacen(":aws:", ":aws-cn:", 1),
        7 => row.arn = row.arn.replacen("111122223333", "11112222333", 1),
        8 => row.arn.clear(),
        9 => row.username.clear(),
        10 => row.username = row.username.replace("{{", "{{ ").replace("}}", " }}"),
        11 => row.username = row.username.replace("SessionName", "sessionName").replace("AccountID", "AccountId"),
        12 => row.groups.clear(),
        13 => row.groups.push(String::new()),
        14 => {
            let mut again =
                Row { username: "again".to_owned(), arn: row.arn.clone(), groups: vec!["again".to_owned()], ..*row };
            if dice.percent(40) {
                again.arn = again.arn.to_uppercase();
            }
            rows.push(again);
        }
        15 => row.arn_key = if row.arn_key == "rolearn" { "userarn" } else { "rolearn" },
        16 => row.arn_key = dice.pick(&["roleArn", "role_arn", "arn", "RoleARN", "userArn"]),
        _ => row.groups = row.groups.iter().map(|it| it.to_uppercase()).collect(),
    }
}

fn write_rows(dice: &mut Dice, style: Style, rows: &[Row]) -> String {
    let mut out = String::new();
    match style {
        Style::Plain => {
            for row in rows {
                let mut lead = "- ";
                if !row.groups.is_empty() {
                    out.push_str("- groups:\n");
                    lead = "  ";
                    row.groups.iter().for_each(|it| writeln!(out, "  - {it}").unwrap());
                }
                let _ = writeln!(out, "{lead}{}: {}\n  username: {}", row.arn_key, row.arn, row.username);
            }
        }
        Style::Hand => {
            for row in rows {
                if dice.percent(25) {
                    out.push_str(dice.pick(&["# the team's: see wiki\n", "\n", "  # nodes\n"]));
                }
                let quote = dice.pick(&["", "\"", "'"]);
                let note = if dice.percent(20) { " # temporary" } else { "" };
                let _ = writeln!(out, "- {}: {quote}{}{quote}{note}", row.arn_key, row.arn);
                let quote = if row.username.starts_with('{') { "\"" } else { quote };
                let _ = writeln!(out, "  username: {quote}{}{quote}", row.username);
                if dice.percent(25) {
                    let _ = writeln!(out, "  groups: [{}]", row.groups.join(", "));
                } else if !row.groups.is_empty() {
                    out.push_str("  groups:\n");
                    row.groups.iter().for_each(|it| writeln!(out, "    - {it}").unwrap());
                }
            }
        }
        Style::Terraform => {
            for row in rows {
                let _ = writeln!(out, "- \"groups\":{}", if row.groups.is_empty() { " []" } else { "" });
                row.groups.iter().for_each(|it| writeln!(out, "  - \"{it}\"").unwrap());
                let _ = writeln!(out, "  \"{}\": \"{}\"\n  \"username\": \"{}\"", row.arn_key, row.arn, row.username);
            }
        }
        Style::Json => {
            let rows: Vec<serde_json::Value> = rows
                .iter()
                .map(|it| serde_json::json!({ it.arn_key: it.arn, "username": it.username, "groups": it.groups }))
                .collect();
            let rows = serde_json::Value::from(rows);
            out = if dice.percent(50) { rows.to_string() } else { serde_json::to_string_pretty(&rows).unwrap() };
        }
        Style::Flow => {
            for row in rows {
                let groups: Vec<String> = row.groups.iter().map(|it| format!("\"{it}\"")).collect();
                let groups = groups.join(", ");
                let _ = writeln!(
                    out,
                    "- {{{}: \"{}\", username: \"{}\", groups: [{groups}]}}",
                    row.arn_key, row.arn, row.username
                );
            }
        }
    }
    out
}

fn write_accounts(dice: &mut Dice, style: Style, accounts: &[&str]) -> String {
    let quote = dice.pick(&["\"", "", "'"]);
    match style {
        Style::Json => serde_json::to_string(accounts).unwrap(),
        Style::Flow => format!("[{}]", accounts.join(", ")),
        _ => accounts.iter().fold(String::new(), |out, it| format!("{out}- {quote}{it}{quote}\n")),
    }
}

fn slip_in_text(dice: &mut Dice, text: &str) -> String {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let at = dice.below(lines.len());
    let replaced = |line: String| [&lines[..at], &[line.as_str()], &lines[at + 1..]].concat().concat();
    let line = lines[at];
    let bare = line.trim_end_matches('\n');
    let ends: Vec<usize> = line.char_indices().map(|(at, _)| at).collect();
    let cut = *dice.choose(&ends);
    let stray = dice.pick(&[
        "\"", "'", ":", ",", "-", "#", "{", "}", "[", "]", "\t", " ", "\\", "%", "@", "`", "&", "*", "|", ">",
        "\u{a0}", "\u{200b}", "\u{201c}",
    ]);
    match dice.below(36) {
        0 => replaced(format!(" {line}")),
        1 => replaced(format!("  {line}")),
        2 => replaced(line.strip_prefix(' ').unwrap_or(line).to_owned()),
        3 => replaced(line.strip_prefix("  ").unwrap_or(line).to_owned()),
        4 => replaced(format!("\t{}", line.trim_start())),
        5 => replaced(format!("{bare}\t\n")),
        6 => replaced(format!("{bare}  \n")),
        7 => replaced(line.replacen(':', "", 1)),
        8 => replaced(line.replacen(": ", ":", 1)),
        9 => replaced(line.replacen("- ", "-", 1)),
        10 => replaced(line.replacen("- ", "", 1)),
        11 => replaced(line.replacen("- ", "-\t", 1)),
        12 => replaced(line.replacen('"', "", 1)),
        13 => replaced(line.replacen(['"', '\''], "", 2)),
        14 => replaced(line.replacen('"', "'", 1)),
        15 => replaced(line.replacen('"', "\u{201c}", 1).replacen('"', "\u{201d}", 1)),
        16..20 => replaced(format!("{}{stray}{}", &line[..cut], &line[cut..])),
        20 => replaced(format!("{}{}", &line[..cut], line[cut..].chars().skip(1).collect::<String>())),
        21 => replaced(format!("{bare}#note\n")),
        22 => replaced(format!("{bare} #note\n")),
        23 => replaced(format!("# {line}")),
        24 => replaced(format!("{line}{line}")),
        25 => replaced(String::new()),
        26 => replaced(format!("{line}\n")),
        27 => replaced(format!("{line}\t\n")),
        28 => replaced(format!("{line}---\n")),
        29 => text.replace('\n', "\r\n"),
        30 => text.trim_end().to_owned(),
        31 => text.replace("- ", "  - "),
        32 => text.replacen("{{", "{", 1),
        33 => replaced(line.replacen("\"{{", "{{", 1).replacen("}}\"", "}}", 1)),
        34 => replaced(format!("{bare},\n")),
        // A line less indented than the rest, as after a paste.
        _ => format!(
            "{}{}",
            lines[..=at].concat(),
            lines[at + 1..].iter().map(|it| format!("  {it}")).collect::<String>()
        ),
    }
}

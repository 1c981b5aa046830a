//! Documents from the corners of YAML: rows written in any style that YAML has, with values of every type, then spoilt
//! byte by byte where scanners differ.

use std::collections::BTreeMap;

use super::super::world::Dice;
use super::Document;
use super::sessions::{ACCOUNTS, role_arn, user_arn};
use super::writer::{Node, Writer};

/// A document.
pub(super) fn document(dice: &mut Dice) -> Document {
    let mut it = Document::default();
    if dice.percent(1) {
        return it;
    }
    let mut data = BTreeMap::new();
    if dice.percent(88) {
        let text = rows(dice, "rolearn", &mut it.arns);
        data.insert(key(dice, "mapRoles"), text);
    }
    if dice.percent(30) {
        let text = rows(dice, "userarn", &mut it.arns);
        data.insert(key(dice, "mapUsers"), text);
    }
    if dice.percent(30) {
        let text = accounts(dice);
        data.insert(key(dice, "mapAccounts"), text);
    }
    if !data.is_empty() && dice.percent(70) {
        let names: Vec<String> = data.keys().cloned().collect();
        let name = dice.choose(&names).clone();
        let times = 1 + dice.below(2);
        for _ in 0..times {
            let text = spoil(dice, &data[&name]);
            data.insert(name.clone(), text);
        }
    }
    it.data = Some(data);
    it
}

fn key(dice: &mut Dice, name: &str) -> String {
    match dice.below(100) {
        0 => name.to_lowercase(),
        1 => name.to_uppercase(),
        2 => format!("{name} "),
        _ => name.to_owned(),
    }
}

/// Whole values that are nothing, or not what is wanted.
#[rustfmt::skip]
const ODD: [&str; 18] = [
    "", " \n", "''", "\"\"", "``", "' '", "null", "~", "[]", "{}", "- ", "-", "---", "...", "# nothing\n", "text",
    "[null]", "- []",
];

fn rows(dice: &mut Dice, arn_key: &str, arns: &mut Vec<String>) -> String {
    if dice.percent(3) {
        return dice.pick(&ODD).to_owned();
    }
    let n = 1 + dice.below(3);
    let rows: Vec<Vec<(String, Node)>> = (0..n).map(|_| row(dice, arn_key, arns)).collect();
    let mut items: Vec<Node> = rows.into_iter().map(Node::Map).collect();
    if dice.percent(8) {
        let at = dice.below(items.len() + 1);
        let node =
            dice.choose(&[Node::plain("null"), Node::plain("text"), Node::List(Vec::new()), Node::plain("7")]).clone();
        items.insert(at, node);
    }
    let whole = match dice.below(100) {
        0..2 => items.swap_remove(0),
        2..4 => Node::List(vec![Node::List(items)]),
        _ => Node::List(items),
    };
    let mut writer = Writer { dice, out: String::new() };
    match writer.dice.below(100) {
        0..12 => writer.json(&whole),
        12..24 => writer.flow(&whole),
        _ => writer.block(&whole, 0),
    }
    if !writer.out.ends_with('\n') && writer.dice.percent(80) {
        writer.out.push('\n');
    }
    writer.out
}

fn row(dice: &mut Dice, arn_key: &str, arns: &mut Vec<String>) -> Vec<(String, Node)> {
    let arn = if arn_key == "userarn" { user_arn(dice) } else { role_arn(dice) };
    arns.push(arn.clone());
    let arn = match dice.below(100) {
        0..80 => arn,
        80..84 => arn.to_uppercase(),
        84..88 => arn.replacen('s', "ſ", 1),
        88..90 => arn.replacen(['k', 'K'], "\u{212a}", 1),
        90..92 => arn.replacen('i', "İ", 1),
        92..94 => format!(" {arn}"),
        94..96 => format!("{arn}\t"),
        96..98 => arn.replacen("role/", "role/path/", 1),
        _ => format!("{arn}*"),
    };
    let arn = if dice.percent(3) { odd_value(dice) } else { Node::Text(arn) };
    let mut fields = vec![(field(dice, arn_key), arn)];
    if dice.percent(93) {
        let username = if dice.percent(45) { Node::Text(template(dice)) } else { odd_value(dice) };
        fields.push((field(dice, "username"), username));
    }
    if dice.percent(85) {
        fields.push((field(dice, "groups"), groups(dice)));
    }
    if dice.percent(5) {
        let sso = match dice.below(4) {
            0 => odd_value(dice),
            1 => Node::Map(Vec::new()),
            _ => Node::Map(vec![
                (field(dice, "permissionSetName"), Node::plain("Ops")),
                (field(dice, "accountID"), Node::Text(ACCOUNTS[0].to_owned())),
            ]),
        };
        fields.push((field(dice, "sso"), sso));
        if dice.percent(50) {
            fields.remove(0);
        }
    }
    if dice.percent(12) {
        // Twice, in this or another spelling.
        let name = dice.pick(&[arn_key, "username", "groups"]);
        let value = if name == "groups" { groups(dice) } else { Node::Text(template(dice)) };
        fields.push((field(dice, name), value));
    }
    if dice.percent(8) {
        let name = dice.pick(&[
            "userid",
            "note",
            "1",
            "true",
            "~",
            "1.5",
            "0x10",
            "<<",
            "!!str x",
            "'#'",
            "2001-01-01",
            "null",
        ]);
        fields.push((name.to_owned(), odd_value(dice)));
    }
    if dice.percent(30) {
        let at = dice.below(fields.len());
        fields.swap(0, at);
    }
    fields
}

fn field(dice: &mut Dice, name: &str) -> String {
    match dice.below(100) {
        0..80 => name.to_owned(),
        80..84 => name.to_uppercase(),
        84..87 => name.replacen("arn", "ARN", 1),
        87..90 => name.replacen('s', "ſ", 1),
        90..93 => format!("\"{name}\""),
        93..95 => format!("'{name}'"),
        95..96 => format!("!!str {name}"),
        96..97 => format!("&k {name}"),
        97..98 => format!("\"{}\\x{:02x}\"", &name[..name.len() - 1], name.as_bytes()[name.len() - 1]),
        98..99 => format!("{name} "),
        _ => format!("\"{} {}\"", &name[..2], &name[2..]),
    }
}

/// Plain scalars that resolvers differ on.
#[rustfmt::skip]
const PLAIN: [&str; 104] = [
    "admin", "dev:x", "1", "0", "007", "08", "0o17", "0x1F", "0x_1F", "0b101", "0b12", "1_000", "1__0", "_1", "1_",
    "-1", "+12", "-0", "1e3", "1E3", "1e", "1.5", "1.", ".5", "+.5", "-.5e-3", "5e123456", "-5e123456", "1e-400",
    ".inf", "-.Inf", "+.INF", ".nan", ".NaN", ".NAN", "inf", "nan", "NaN", "Infinity", "~", "null", "Null", "NULL",
    "nULL", "yes", "Yes", "YES", "yEs", "no", "nO", "on", "oN", "off", "y", "Y", "n", "N", "true", "True", "TRUE",
    "tRUE", "false", "fALSE", "=", "<<", "2001-12-14", "2001-12-14t21:59:43.10-05:00", "2001-12-14 21:59:43.10 -5",
    "2001-1-1", "2001-13-45", "190:20:30", "1:30", "12:30:45", "9223372036854775807", "9223372036854775808",
    "18446744073709551615", "18446744073709551616", "-9223372036854775808", "-9223372036854775809",
    "0xFFFFFFFFFFFFFFFF", "0x1p-2", "123456789012345678901234567890", "1e21", "1e20", "1e-7",
    "100000000000000000000.0", "0.1", "1.10", "0.000001", "3.0", "0o8", "-0x10", "-0b1", "+0o7", "0_", "1_0.5_0",
    "a#b", "a: b", "-a", "?a", ":a", "a,b", "\u{e9}\u{1f600}", "x\u{a0}y",
];

fn odd_value(dice: &mut Dice) -> Node {
    match dice.below(100) {
        0..40 => Node::plain(dice.pick(&PLAIN)),
        40..60 => {
            let tag = dice.pick(&[
                "!!str",
                "!!int",
                "!!float",
                "!!bool",
                "!!null",
                "!!binary",
                "!!timestamp",
                "!",
                "!x",
                "!!seq",
                "!!map",
                "!!set",
                "!<tag:yaml.org,2002:str>",
                "!!merge",
                "!e!x",
                "!!omap",
                "tag:x",
            ]);
            let value = dice.pick(&PLAIN);
            let value = if dice.percent(25) {
                dice.pick(&["aGk=", "/w==", "'yes'", "\"12\"", "", "a b", "[a]", "YQ"])
            } else {
                value
            };
            Node::Plain(format!("{tag} {value}"))
        }
        60..66 => {
            Node::plain(dice.pick(&["&a x", "*a", "&a", "&b [g, h]", "*b", "*undefined", "&a &b x", "*k", "&1 y"]))
        }
        66..70 => Node::List(vec![Node::plain("x")]),
        70..74 => Node::Map(vec![("a".to_owned(), Node::plain("b"))]),
        74..78 => Node::plain(""),
        _ => Node::Text(odd_text(dice)),
    }
}

fn odd_text(dice: &mut Dice) -> String {
    let pieces = [
        "admin",
        " ",
        "\t",
        "\n",
        "\n\n",
        "\\",
        "\"",
        "'",
        "#",
        " #",
        ": ",
        ":",
        "-",
        "- ",
        "{",
        "}",
        "[",
        "]",
        ",",
        "&",
        "*",
        "!",
        "|",
        ">",
        "%",
        "@",
        "`",
        "?",
        "\u{e9}",
        "\u{1f600}",
        "\u{feff}",
        "\u{85}",
        "\u{a0}",
        "\u{2028}",
        "\u{2029}",
        "\0",
        "\u{7}",
        "\u{1b}",
        "\u{7f}",
        "\r",
        "yes",
        "1",
        "/",
        "\u{fffd}",
        "\u{e000}",
        "\u{d7ff}",
        "\u{10ffff}",
        "---",
        "...",
    ];
    (0..1 + dice.below(4)).map(|_| dice.pick(&pieces)).collect()
}

fn template(dice: &mut Dice) -> String {
    dice.pick(&[
        "admin",
        "dev",
        "admin",
        "{{SessionName}}",
        "x:{{SessionNameRaw}}",
        "{{AccountID}}:{{SessionName}}",
        "k-{{AccessKeyID}}",
        "system:node:{{EC2PrivateDNSName}}",
        "{{ SessionName }}",
        "{{sessionname}}",
        "{{SessionName{{SessionNameRaw}}}}",
        "{{{{AccountID}}}}",
        "{{Unknown}}",
        "{SessionName}",
        "{{AccountID}}{{AccountID}}",
        "",
    ])
    .to_owned()
}

fn groups(dice: &mut Dice) -> Node {
    match dice.below(100) {
        0..70 => {
            let n = dice.below(4);
            let one = |dice: &mut Dice| match dice.below(100) {
                0..50 => Node::plain(dice.pick(&["system:masters", "g", "system:nodes", "dev"])),
                50..60 => Node::Text(template(dice)),
                _ => odd_value(dice),
            };
            Node::List((0..n).map(|_| one(dice)).collect())
        }
        70..76 => Node::plain(dice.pick(&[
            "[g,]",
            "[g, , h]",
            "[,]",
            "[g",
            "g, h]",
            "[g]]",
            "[ ]",
            "[\"a\"\"b\"]",
            "[a: b]",
            "[? a]",
            "{g}",
        ])),
        _ => odd_value(dice),
    }
}

fn accounts(dice: &mut Dice) -> String {
    if dice.percent(8) {
        return dice.pick(&ODD).to_owned();
    }
    let items: Vec<Node> = (0..1 + dice.below(3))
        .map(|_| {
            let account = dice.pick(&ACCOUNTS);
            match dice.below(100) {
                0..40 => Node::plain(account),
                40..60 => Node::Text(account.to_owned()),
                60..64 => Node::Plain(format!("{}_{}", &account[..6], &account[6..])),
                64..68 => Node::Plain(format!("{account}.0")),
                68..72 => Node::Plain(format!("+{account}")),
                72..76 => Node::Plain(format!("!!str {account}")),
                76..79 => Node::Plain(format!("&x {account}")),
                79..81 => Node::List(vec![Node::plain(account)]),
                81..83 => Node::Map(vec![(account.to_owned(), Node::plain("x"))]),
                83..85 => Node::Plain(format!("!!int {account}")),
                85..87 => Node::Plain(format!("!!float {account}")),
                _ => odd_value(dice),
            }
        })
        .collect();
    let whole = match dice.below(100) {
        0..85 => Node::List(items),
        85..90 => Node::Map(items.into_iter().map(|it| (ACCOUNTS[0].to_owned(), it)).collect()),
        90..95 => items.into_iter().next().unwrap(),
        _ => Node::List(vec![Node::List(items)]),
    };
    let mut writer = Writer { dice, out: String::new() };
    match writer.dice.below(100) {
        0..12 => writer.json(&whole),
        12..40 => writer.flow(&whole),
        _ => writer.block(&whole, 0),
    }
    writer.out
}

/// What is put somewhere into a text.
#[rustfmt::skip]
const PIECES: [&str; 68] = [
    "\t", "\t", "\t\n", "\n\t\n", "\n\t", " ", "  ", "\n", "\n\n", "\r", "\r\n", "\u{85}", "\u{2028}", "\u{2029}",
    "\u{feff}", "\0", "\u{1}", "\u{7f}", "\u{9f}", "\u{a0}", "\u{fffe}", "#", "#c", " #", " # c", "\n#c\n",
    "\n  # c\n", ":", ": ", "-", "- ", "\n- ", ",", "[", "]", "{", "}", "\"", "'", "\\", "|", ">", "&", "&a ", "*",
    "*a", "!", "!!str ", "!!binary ", "%", "@", "`", "?", "? ", "---", "\n---\n", "\n--- ", "\n...\n", "\n...x",
    "<<: ", "<<: *a\n", "~", "\u{e9}", "ſ", "\u{212a}", "\u{1f600}", "__", "0",
];

/// What is put before a text, or behind it.
#[rustfmt::skip]
const ENDS: [&str; 34] = [
    "---\n", "--- \n", "---\n---\n", "%YAML 1.1\n---\n", "%YAML 1.2\n---\n", "%YAML 2.0\n---\n", "%YAML 1.1\n",
    "%FOO bar\n---\n", "%TAG !e! tag:yaml.org,2002:\n---\n", "%YAML 1.1\n%YAML 1.1\n---\n", "\u{feff}",
    "\u{feff}---\n", "# c\n", "...\n", "...\n---\n", "\n\n", "\t\n", " \n", "--- # c\n", "--- !!seq\n", "--- &a\n",
    "--- |\n", "\n---\n- x\n", "\n---\n[broken: {\n", "\n...\ntext: [\n", "\n...\n- x\n", "]", "}", "\n]\n", "\ntext",
    "\n\ttext\n", "\n--- text\n", "\0", "- &a {username: u, groups: [g]}\n",
];

/// Changes a text in one place, or all of its line ends.
fn spoil(dice: &mut Dice, text: &str) -> String {
    if text.is_empty() {
        return dice.pick(&ENDS).to_owned();
    }
    let places: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    let at = *dice.choose(&places);
    let (before, after) = text.split_at(at);
    match dice.below(100) {
        0..45 => format!("{before}{}{after}", dice.pick(&PIECES)),
        45..53 => format!("{before}{}", after.chars().skip(1).collect::<String>()),
        53..63 => format!("{}{text}", dice.pick(&ENDS)),
        63..73 => format!("{text}{}", dice.pick(&ENDS)),
        73..77 => text.replace('\n', dice.pick(&["\r\n", "\r", "\u{85}", "\u{2028}", "\u{2029}"])),
        77..79 => before.to_owned(),
        79..81 => text.replacen("\n  ", "\n\t", 1 + dice.below(2)),
        81..83 => text.replacen(": ", ":", 1),
        83..85 => text.replacen("  ", " ", 1 + dice.below(3)),
        85..87 => text.replace("\n", "\n "),
        87..89 => format!("{before}{}{after}", "x".repeat(dice.pick(&[1020, 1024, 1030, 130]))),
        89..91 => format!("{before}{}{after}", dice.pick(&["[", "{a: ", "- ", "? "]).repeat(dice.pick(&[3, 20, 120]))),
        91..93 => text.replacen("- ", dice.pick(&["- &a ", "- !!map ", "- ? ", "-\t", "-  ", "-   - "]), 1),
        93..95 => text.replacen(
            ": ",
            dice.pick(&[":  ", ":\t", ": &a ", ": !!str ", ": |\n    ", ": >-\n   ", ": ? ", ": - "]),
            1 + dice.below(2),
        ),
        95..97 => {
            // The first row again, and others merged with it.
            let anchored = text.replacen("- ", "- &a ", 1);
            let merged = dice.pick(&[
                "- *a\n",
                "- <<: *a\n",
                "- <<: *a\n  username: m\n",
                "- <<: [*a, *a]\n",
                "- {<<: *a, groups: [m]}\n",
                "- <<: x\n",
            ]);
            format!("{anchored}{merged}")
        }
        _ => {
            let lines: Vec<&str> = text.split_inclusive('\n').collect();
            let line = dice.choose(&lines).to_owned();
            let at = dice.below(lines.len() + 1);
            [&lines[..at], &[line], &lines[at..]].concat().concat()
        }
    }
}

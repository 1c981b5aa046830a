//! The house keeps its shape: rooms import only what the table in `lib.rs` lets them, pure rooms stay pure, files stay
//! small, and the map is true.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

fn sources() -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, out: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, out);
            } else if path.extension().is_some_and(|it| it == "rs") {
                out.push(path);
            }
        }
    }
    let mut paths = Vec::new();
    walk(Path::new("src"), &mut paths);
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read_to_string(&path).unwrap())).collect()
}

/// The part of a file that ships: without its tests and comments.
fn shipped(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or(text);
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn room(path: &Path) -> String {
    let first = path.strip_prefix("src").unwrap().components().next().unwrap();
    first.as_os_str().to_string_lossy().trim_end_matches(".rs").to_owned()
}

fn is_test(path: &Path) -> bool {
    path.file_stem().is_some_and(|stem| stem == "tests")
}

/// The rooms that `crate::…` paths name, `crate::{a, b::c}` and inline ones included.
fn named_rooms(code: &str) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            None => {
                out.insert(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
            }
            Some(group) => {
                let (mut depth, mut word, mut first) = (1, String::new(), true);
                for c in group.chars() {
                    match c {
                        '{' => depth += 1,
                        '}' => depth -= 1,
                        ',' if depth == 1 => first = true,
                        c if depth == 1 && first && (c.is_alphanumeric() || c == '_') => word.push(c),
                        c if c.is_whitespace() => {}
                        _ => first = depth != 1,
                    }
                    if (c == ',' || depth == 0 || !first) && !word.is_empty() {
                        out.insert(std::mem::take(&mut word));
                        first = c == ',';
                    }
                    if depth == 0 {
                        break;
                    }
                }
            }
        }
    }
    out
}

/// The import table as `lib.rs` shows it.
fn table() -> BTreeMap<String, BTreeSet<String>> {
    let lib = fs::read_to_string("src/lib.rs").unwrap();
    let after = lib.split("//! # Who may import whom").nth(1).unwrap().split("//! # Data flow").next().unwrap();
    after
        .lines()
        .filter_map(|line| line.strip_prefix("//! | "))
        .filter_map(|row| {
            let mut cells = row.trim_end_matches('|').split('|').map(str::trim);
            let (room, names) = (cells.next()?, cells.next()?);
            let names = names.split(',').map(|it| it.trim().to_owned()).filter(|it| !it.is_empty()).collect();
            (room != "room").then(|| (room.to_owned(), names))
        })
        .collect()
}

#[test]
fn rooms_import_only_what_the_table_lets_them() {
    assert_eq!(
        named_rooms("use crate::{a::{x, y}, b, c::d}; crate::e::f()"),
        ["a", "b", "c", "e"].map(String::from).into()
    );
    let table = table();
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let room = room(&path);
        if matches!(room.as_str(), "main" | "lib") || is_test(&path) {
            continue;
        }
        let allowed = table.get(&room).unwrap_or_else(|| panic!("room {room} is not in the table of lib.rs"));
        for named in named_rooms(&shipped(&text)) {
            if named != room && table.contains_key(&named) && !allowed.contains(&named) {
                wrong.push(format!("{} names crate::{named}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn pure_rooms_know_no_clock_disk_network_or_runtime() {
    const IMPURE: &[&str] = &[
        "tokio",
        "kube::",
        "k8s_openapi",
        "aws_sdk_",
        "aws_config",
        "aws_sigv4",
        "aws_smithy",
        "std::fs",
        "std::env",
        "std::time",
        "std::net",
        "std::process",
        "now()",
        "hyper",
        "rand::",
    ];
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let room = room(&path);
        let code = shipped(&text);
        if matches!(room.as_str(), "model" | "access" | "edit" | "app" | "view") && !is_test(&path) {
            for name in IMPURE.iter().filter(|name| names(&code, name)) {
                wrong.push(format!("{} names {name}", path.display()));
            }
            if matches!(room.as_str(), "model" | "access" | "edit") && code.contains("ratatui") {
                wrong.push(format!("{} names ratatui", path.display()));
            }
        }
        if room == "app" {
            for (at, _) in code.match_indices("ratatui") {
                if !code[at..].starts_with("ratatui::layout") {
                    wrong.push(format!("{} names more of ratatui than its layout", path.display()));
                }
            }
        }
        if room != "cloud" && room != "main" && !is_test(&path) {
            for sdk in ["aws_sdk_", "kube::"].iter().filter(|name| names(&code, name)) {
                wrong.push(format!("{} names {sdk}: SDK types stop in cloud", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Is the name there as a path of its own, and not as the tail of another word?
fn names(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '"')
    })
}

/// Members and methods that hold words for people: sentences, labels, headings.
const WORDS: [&str; 14] = [
    "because",
    "sentence",
    "note",
    "answer",
    "headline",
    "label",
    "heading()",
    "title",
    "told()",
    "tell()",
    "drawn()",
    "words()",
    "word()",
    "right",
];

/// How a text is read.
const READS: [&str; 10] = [
    ".contains(",
    ".starts_with(",
    ".ends_with(",
    ".find(",
    ".strip_prefix(",
    ".strip_suffix(",
    ".split_once(",
    ".trim_start_matches(",
    " == \"",
    " != \"",
];

/// What is decided is decided by types: a changed word changes what is read, and no answer. Only the recognizers of
/// messages read sentences, which are other programs'.
#[test]
fn no_logic_reads_our_own_words() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let of_answers = ["access", "app", "edit", "report", "run", "view"].contains(&room(&path).as_str());
        let recognizes = path.starts_with("src/access/explain/recognize") || path.ends_with("explain/recognize.rs");
        let tests = is_test(&path) || path.components().any(|it| it.as_os_str() == "tests");
        if !of_answers || recognizes || tests {
            continue;
        }
        let code: String = shipped(&text).split_whitespace().collect::<Vec<_>>().join(" ").replace(" .", ".");
        for word in WORDS {
            for read in READS {
                for (at, found) in code.match_indices(&format!(".{word}{read}")) {
                    let after: String = code[at + found.len()..].chars().take(40).collect();
                    wrong.push(format!("{}: {found}{after}", path.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "compare a member or a variant instead:\n{}", wrong.join("\n"));
}

#[test]
fn files_stay_small() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let lines = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default().lines().count();
        if lines > 600 && !is_test(&path) {
            wrong.push(format!("{} has {lines} lines without its tests; 600 is the most", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_says_what_it_is_and_every_room_is_on_the_map() {
    let lib = fs::read_to_string("src/lib.rs").unwrap();
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        if !text.starts_with("//!") {
            wrong.push(format!("{} has no module doc", path.display()));
        }
        let room = room(&path);
        if !matches!(room.as_str(), "main" | "lib") && !lib.contains(&format!("[`{room}`]")) {
            wrong.push(format!("room {room} is not on the map of lib.rs"));
        }
        if text.contains("To be written.") {
            wrong.push(format!("{} is still a stub", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn there_is_one_tls_provider_and_one_yaml_and_time_crate() {
    let lock = fs::read_to_string("Cargo.lock").unwrap();
    let count = |name: &str| lock.matches(&format!("name = \"{name}\"\n")).count();
    assert_eq!((count("rustls"), count("jiff"), count("serde-saphyr")), (1, 1, 1));
    let provider = lock.split("name = \"rustls\"\n").nth(1).unwrap().split("[[package]]").next().unwrap();
    assert!(provider.contains("aws-lc-rs") && !provider.contains("\"ring\""), "rustls has one provider: {provider}");
    for unwanted in ["openssl", "native-tls", "serde_yaml", "chrono"] {
        assert!(count(unwanted) == 0, "{unwanted} is in the tree");
    }
    let manifest = fs::read_to_string("Cargo.toml").unwrap();
    let direct = manifest.split("[dependencies]").nth(1).unwrap().split("\n[").next().unwrap();
    let direct = direct.lines().filter(|line| line.contains(" = ")).count();
    assert!(direct <= 46, "{direct} direct dependencies");
}

//! What go-yaml v2.4 makes of texts. Every answer below is that of `sigs.k8s.io/yaml` v1.6.0, YAMLToJSON, which reads
//! with `go.yaml.in/yaml/v2` v2.4.4.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn json_value(document: &YamlDocument, walk: &YamlWalk<'_>, id: NodeId) -> Value {
    let (id, node) = document.follow(id).expect("is there");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match &node.kind {
        YamlKind::Scalar(_) => match walk.value(id) {
            Resolved::Null => Value::Null,
            Resolved::Bool(it) => json!(it),
            Resolved::Int(it) => json!(it),
            Resolved::Uint(it) => json!(it),
            Resolved::Float(it) => json!(it),
            Resolved::Text | Resolved::Bytes(_) => json!(text(walk.text(id).expect("a text"))),
        },
        YamlKind::Sequence(items) => items.iter().map(|item| json_value(document, walk, *item)).collect(),
        YamlKind::Mapping(_) => {
            let entry = |entry: &walk::MapEntry<'_>| match &entry.key {
                MapKey::Text(key) => (text(key), json_value(document, walk, entry.value)),
                key => (format!("{key:?}"), json_value(document, walk, entry.value)),
            };
            Value::Object(walk.entries(id).iter().map(entry).collect())
        }
        YamlKind::Alias(_) => panic!("an alias of an alias"),
    }
}

fn read(text: &str) -> Result<Value, YamlFault> {
    let document = parse_first_document(text)?;
    let Some(root) = document.root else { return Ok(Value::Null) };
    let mut walk = YamlWalk::new(&document);
    walk.decode_any(root)?;
    Ok(json_value(&document, &walk, root))
}

#[track_caller]
fn reads(cases: &[(&str, Value)]) {
    for (text, wanted) in cases {
        assert_eq!(read(text).as_ref(), Ok(wanted), "{text:?}");
    }
}

#[track_caller]
fn refuses(cases: &[(&str, usize, &str)]) {
    for (text, line, why) in cases {
        let fault = read(text).expect_err(text);
        assert!(fault.line == *line && fault.message.contains(why), "{text:?}: {fault:?}");
    }
}

#[test]
fn scalars_have_the_types_of_yaml_1_1_in_go_yaml_s_table() {
    reads(&[
        ("[y, Yes, ON, n, No, off, TRUE]", json!([true, true, true, false, false, false, true])),
        ("[yEs, tRUE, oN, nULL]", json!(["yEs", "tRUE", "oN", "nULL"])),
        ("[~, null, Null, NULL, '', \"~\"]", json!([null, null, null, null, "", "~"])),
        ("[1_000, 5_, 0x_1, 0b101, -0b11, 0b-1, 0o17, 017, +7]", json!([1000, 5, 1, 5, -3, -1, 15, 15, 7])),
        ("[08, 1., .5, .5_0, ._5, 1e3, 685_230.15]", json!([8.0, 1.0, 0.5, 0.5, "._5", 1000.0, 685_230.15])),
        ("[5e123456, 1e, e5, 0x, 1:30, 12:30:45]", json!(["5e123456", "1e", "e5", "0x", "1:30", "12:30:45"])),
        (
            "[9223372036854775807, 9223372036854775808]",
            json!([9_223_372_036_854_775_807_i64, 9_223_372_036_854_775_808_u64]),
        ),
        ("[2001-01-01, 2001-01-01t1:2:3Z, =, <<]", json!(["2001-01-01", "2001-01-01t1:2:3Z", "=", "<<"])),
    ]);
}

#[test]
fn tags_change_the_type_or_are_refused() {
    reads(&[
        ("[!!str 5, ! yes, !own 5, !!int '5', !!float 5, !!bool y]", json!(["5", "yes", "5", 5, 5.0, true])),
        (
            "[!!binary YWRtaW4=, !!binary YR==, !!timestamp 2001-2-28 1:2:3.5]",
            json!(["admin", "a", "2001-2-28 1:2:3.5"]),
        ),
        ("%TAG !e! tag:yaml.org,2002:\n---\n[!e!str 5, !<tag:yaml.org,2002:str> 6, !!%73tr 7]", json!(["5", "6", "7"])),
        ("!!str [!!map 5]", json!(["5"])),
    ]);
    refuses(&[
        ("- 1\n- !!int x", 2, "tagged !!int"),
        ("- !!timestamp 2001-02-30", 1, "tagged !!timestamp"),
        ("- !!binary YW", 1, "base64"),
        ("- !x!y z", 1, "not declared"),
        ("- !!null x", 1, "tagged !!null"),
    ]);
}

#[test]
fn the_scanner_is_that_of_libyaml_0_1() {
    reads(&[
        ("- \"a\"#comment\n- b#no comment", json!(["a", "b#no comment"])),
        ("{a: b, c:d, e : f}", json!({"a": "b", "c:d": null, "e": "f"})),
        ("- a\n\n\n  b\n- 'it''s'\n- \"x\\\n   y\"", json!(["a\n\nb", "it's", "xy"])),
        ("- \"\\x41\\u00e9\\U0001F600\\'\\e\"", json!(["Aé😀'\u{1b}"])),
        ("- |\n  a\n   b\n- >-\n  a\n  b\n\n  c\n- |+\n  a\n\n", json!(["a\n b\n", "a b\nc", "a\n\n"])),
        ("- a\u{2028}  b\u{85}  c\r\n", json!(["a\u{2028}b c"])),
        ("? a\n: b\n? c\n", json!({"a": "b", "c": null})),
        ("[a: b, ? c : d, e]", json!([{"a": "b"}, {"c": "d"}, "e"])),
        ("\u{feff}- a\n- \u{feff}b", json!(["a", "\u{feff}b"])),
    ]);
    refuses(&[
        ("- a: b\n\t\n- c", 2, "a tab stands"),
        ("-\ta: b", 1, "a tab stands"),
        ("- \"\\/\"", 1, "escape"),
        ("- \"\\ud83d\\ude00\"", 1, "half of a pair"),
        ("- {a: b, c\n  d: e}", 2, "braces"),
        ("- a\n- b: \"c\n", 2, "does not end"),
        ("- {a?b: c}", 1, "braces"),
        ("- a\n b: c", 2, "a value may not start here"),
        ("- [a, b\n- c", 2, "brackets"),
        ("- @x", 1, "cannot start any token"),
        ("- a\n- \u{7}", 2, "control character"),
        ("%YAML 1.2\n---\n- a", 1, "1.1"),
        ("%FOO\n---\n- a", 1, "no known directive"),
        ("- {{SessionName}}", 1, "key"),
        ("...\n- a", 1, "no value"),
    ]);
}

#[test]
fn a_key_is_on_one_line_and_at_most_1024_characters_long() {
    let key = |length: usize| format!("{{{}: v}}", "k".repeat(length));
    assert_eq!(read(&key(1024)), Ok(json!({"k".repeat(1024): "v"})));
    assert!(read(&key(1025)).is_err());
    assert_eq!(read("[]: v"), Ok(json!([])), "go-yaml forgets that empty brackets may be a key");
    assert_eq!(read("[a]: v").map_err(|fault| fault.message.contains("key")), Err(true));
}

#[test]
fn only_the_first_document_is_read_and_what_go_yaml_has_loaded_with_it() {
    reads(&[
        ("- a\n---\n[broken", json!(["a"])),
        ("- a\n...\n%broken", json!(["a"])),
        ("[a]]", json!(["a"])),
        ("---\n---\n- a", Value::Null),
        ("# nothing\n", Value::Null),
    ]);
    // A character that is not allowed is noticed in a block of 512 bytes that was loaded, and only there.
    let with_control = |distance: usize| format!("- a\n---\n{}\u{7}", "x".repeat(distance));
    assert!(read(&with_control(400)).is_err());
    assert_eq!(read(&with_control(600)), Ok(json!(["a"])));
}

#[test]
fn the_last_of_equal_keys_wins_merges_included() {
    reads(&[
        ("{a: 1, b: 2, a: 3}", json!({"a": 3, "b": 2})),
        (
            "[&x {a: 1, b: 2}, {<<: *x, b: 3}, {b: 3, <<: *x}]",
            json!([{"a": 1, "b": 2}, {"a": 1, "b": 3}, {"b": 2, "a": 1}]),
        ),
        ("{<<: [{a: 1}, {a: 2, b: 2}]}", json!({"a": 1, "b": 2})),
        ("{\"<<\": a}", json!({"<<": "a"})),
        ("[&x a, *x, &x b, *x]", json!(["a", "a", "b", "b"])),
    ]);
    refuses(&[
        ("- <<: a", 1, "neither a map"),
        ("- <<: [a]", 1, "neither a map"),
        ("- *x", 1, "no anchor"),
        ("- a\n- &x [*x]", 2, "contains itself"),
        ("- &x {<<: *x}", 1, "contains itself"),
        ("- {[a]: b}", 1, "key"),
    ]);
}

#[test]
fn no_depth_and_no_number_of_aliases_is_too_much() {
    let deep = |count: usize| read(&format!("{}{}", "[".repeat(count), "]".repeat(count))).is_ok();
    let dashes = |count: usize| parse_first_document(&format!("{}x", "- ".repeat(count))).map(|_| ());
    // The test's own reader of values recurses, and so is kept out of the deep ones.
    assert!(deep(100));
    assert!(parse_first_document(&format!("{}{}", "[".repeat(10_000), "]".repeat(10_000))).is_ok());
    assert!(!deep(10_001) && !deep(300_000));
    assert!(dashes(10_000).is_ok() && dashes(10_001).is_err() && dashes(300_000).is_err());
    for opener in ["? ", "{a: ", "- ? - "] {
        assert!(parse_first_document(&opener.repeat(100_000)).is_err(), "{opener}");
    }
    let laughs: String =
        (1..10).map(|n| format!("- &a{n} [{}]\n", vec![format!("*a{}", n - 1); 10].join(","))).collect();
    let fault = read(&format!("- &a0 [x]\n{laughs}")).expect_err("it is refused");
    assert!(fault.message.contains("aliases"), "{fault:?}");
    // A chain of anchors is as deep as it is long.
    let chain: String = (1..50_000).map(|n| format!("- &a{n} [*a{}]\n", n - 1)).collect();
    assert!(parse_first_document(&format!("- &a0 x\n{chain}")).is_ok());
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(pieces in prop::collection::vec(prop::sample::select(vec![
        "- ", "-", ":", ": ", "? ", "[", "]", "{", "}", ",", "&a ", "*a", "!", "!!int ", "|", ">", "|2-", "'", "\"", "\\", "#",
        "%", "%YAML 1.1\n", "%TAG !a! b\n", "---", "...", "\n", "\n  ", "\r\n", "\t", " ", "<<", "a", "1", "_", ".", "é", "😀",
        "\u{feff}", "\u{85}", "\u{2028}", "\u{0}", "~",
    ]), 0..60)) {
        let text = pieces.concat();
        if let Ok(document) = parse_first_document(&text) {
            prop_assert!(text.get(document.end..).is_some());
            if let Some(root) = document.root {
                let _ = YamlWalk::new(&document).decode_any(root);
            }
        }
    }
}

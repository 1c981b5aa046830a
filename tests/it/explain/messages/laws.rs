//! Laws: wrapping, escaping and prefixes change nothing; two messages in one text give one of the two and say so; a text
//! of any size is answered in bounded time.

use std::time::{Duration, Instant};

use eksplorer::access::explain::read_message;
use proptest::prelude::*;

use super::super::{ACME, explain_on};
use super::brief;
use super::rows::rows;

/// As a terminal of so many columns shows it.
fn wrapped(text: &str, columns: usize) -> String {
    let wrap = |line: &str| {
        let chars: Vec<char> = line.chars().collect();
        chars.chunks(columns).map(|it| it.iter().collect::<String>()).collect::<Vec<_>>().join("\n")
    };
    text.lines().map(wrap).collect::<Vec<_>>().join("\n")
}

/// As one of the usual loggers prints it.
fn logged(text: &str, format: usize) -> String {
    match format {
        0 => format!("2026-11-24T06:00:00.123Z ERROR controller {text}"),
        1 => {
            format!("time=\"2026-11-24T06:00:00Z\" level=error msg={}", serde_json::to_string(text).expect("a string"))
        }
        2 => serde_json::json!({"level": "error", "ts": 1_763_964_000.5, "msg": text, "logger": "main"}).to_string(),
        3 => format!(
            "{{\"log\":{},\"stream\":\"stderr\"}}",
            serde_json::to_string(&format!("{text}\n")).expect("a string")
        ),
        4 => format!("\u{1b}[31mError:\u{1b}[0m {text}\nexit status 1"),
        _ => text.lines().map(|it| format!("│ {it}")).collect::<Vec<_>>().join("\n"),
    }
}

fn cases() -> u32 {
    std::env::var("EKSPLORER_MESSAGE_CASES").ok().and_then(|it| it.parse().ok()).unwrap_or(96)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn wrapping_changes_nothing(at in any::<prop::sample::Index>(), columns in 60usize..130) {
        let all = rows();
        let row = &all[at.index(all.len())];
        // One line end in a value cannot be told from the end of a line: a terminal leaves two full lines or more.
        let longest = row.text.lines().map(|it| it.chars().count()).max().unwrap_or_default();
        prop_assume!(longest <= columns || longest > 2 * columns);
        prop_assert_eq!(brief(&wrapped(row.text, columns)), brief(row.text), "{} columns: {}", columns, wrapped(row.text, columns));
    }

    #[test]
    fn escapes_and_prefixes_change_nothing(at in any::<prop::sample::Index>(), format in 0usize..6) {
        let all = rows();
        let row = &all[at.index(all.len())];
        // The word beside an ARN counts where there is nothing else; a command line is read as it was typed.
        prop_assume!(!row.expected.starts_with("unnamed"));
        prop_assume!(!row.text.contains("auth can-i") || format >= 5);
        prop_assert_eq!(brief(&logged(row.text, format)), brief(row.text), "{}", logged(row.text, format));
    }

    #[test]
    fn two_messages_give_one_of_the_two_and_say_that_there_are_several(
        one in any::<prop::sample::Index>(), other in any::<prop::sample::Index>()
    ) {
        let all = rows();
        let (one, other) = (&all[one.index(all.len())], &all[other.index(all.len())]);
        prop_assume!(!one.text.contains("auth can-i") && !other.text.contains("auth can-i"));
        prop_assume!(!one.expected.starts_with("unnamed") && !other.expected.starts_with("unnamed"));
        let text = format!("{}\n\n{}", one.text, other.text);
        let (first, second, both) = (brief(one.text), brief(other.text), brief(&text));
        // Beside another message, an ARN is nobody's, and what one leaves open the other may fill in.
        let kind = |it: &str| it.split(' ').take(2).collect::<Vec<_>>().join(" ");
        let allowed = [kind(&first), kind(&second)];
        prop_assert!(allowed.contains(&kind(&both)), "{} + {} gave {}:\n{}", first, second, both, text);
        let none = "no known";
        if kind(&first) != kind(&second) && kind(&first) != none && kind(&second) != none {
            let reading = read_message(&text).expect("one of the two");
            // What only says that something failed is not told of beside what says what; the same fault by two speakers
            // is one.
            let words = ["| Plugin", "| NotFound", "| Sso", "| Profile", "| unreachable", "By::Other"];
            let vague = |it: &str| words.iter().any(|word| it.contains(word));
            let fault = |it: &str| it.split_once(' ').map(|it| it.1.to_owned());
            if !vague(&first) && !vague(&second) && fault(&first) != fault(&second) {
                prop_assert!(!reading.others.is_empty(), "{}", text);
                prop_assert_eq!(kind(&both), kind(&first), "the first is meant: {}", text);
                let notes = explain_on(&ACME, "prod-eu1", &text).explained.explanation.notes;
                prop_assert!(notes[0].contains("the text holds"), "{:?}", notes);
            }
        }
    }
}

#[test]
fn a_text_of_a_megabyte_is_answered_in_time() {
    // Without optimization a sixteenth of it, on a machine that may be busy.
    let (size, most) = match cfg!(debug_assertions) {
        true => (64 * 1024, Duration::from_secs(5)),
        false => (1024 * 1024, Duration::from_millis(500)),
    };
    let fill = |unit: &str| unit.repeat(size / unit.len());
    let message = rows()[0].text;
    let texts = [
        fill("x"),
        fill("User \""),
        fill("User \"a\" cannot "),
        fill("\n"),
        fill("\\\""),
        fill("is not authorized to perform: "),
        fill("Unauthorized "),
        fill("kubelet[1]: Unauthorized\n"),
        fill("arn:aws:iam::111122223333:role/"),
        fill("auth can-i\n"),
        fill("x509: https://a.eks.amazonaws.com "),
        format!("{}\n{message}", &fill("an ordinary line of a log, of which there are many\n")[..size - 1024]),
        rows().iter().map(|it| it.text).collect::<Vec<_>>().join("\n\n").repeat(size / (48 * 1024)),
    ];
    for text in &texts {
        let begun = Instant::now();
        let _ = read_message(text);
        let took = begun.elapsed();
        assert!(took < most, "{took:?} for {}", &text.chars().take(40).collect::<String>());
    }
    assert_eq!(brief(&texts[11]), brief(message), "a message at the end of a long log is found");
}

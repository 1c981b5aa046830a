//! Journals that were cut, glued, reversed, doubled, shuffled and filled with NULs: reading one never panics, and no batch is
//! told to have gone further than its whole journal says.

use std::collections::BTreeMap;

use eksplorer::edit::record::Book;

const JOURNAL: &str = include_str!("../journals/in_doubt.jsonl");

/// How many steps of each batch are done.
fn done(text: &str) -> BTreeMap<String, usize> {
    let book = Book::read(text);
    let mut out = BTreeMap::new();
    for history in book.histories() {
        // Whatever is asked of it has an answer.
        let _ = (book.standing(history).word(), history.undo(), history.irrecoverable(), history.doubt());
        out.insert(history.batch.id.clone(), history.done());
    }
    out
}

#[test]
fn no_mangled_journal_tells_of_more_than_was_done() {
    let whole = done(JOURNAL);
    assert!(!whole.is_empty());
    let lines: Vec<&str> = JOURNAL.lines().collect();
    let mut mangled: Vec<String> = vec![
        lines.iter().rev().copied().collect::<Vec<_>>().join("\n"),
        JOURNAL.repeat(2),
        lines.concat(),
        JOURNAL.replace('\n', "\r\n"),
        JOURNAL.replace('\n', "\n\n\0\n"),
        format!("{}{JOURNAL}", "\0".repeat(4096)),
        format!("{JOURNAL}{}", "\0".repeat(4096)),
        JOURNAL.replace(':', "\0"),
        "{".repeat(100_000),
        "[".repeat(100_000),
        "x".repeat(1 << 20),
    ];
    for at in 0..lines.len() {
        let mut some = lines.clone();
        some.remove(at);
        mangled.push(some.join("\n"));
        some.insert(0, lines[at]);
        mangled.push(some.join("\n"));
        let mut some = lines.clone();
        some.insert(at, lines[at]);
        mangled.push(some.join("\n"));
        for end in (0..lines[at].len()).step_by(37).filter(|end| lines[at].is_char_boundary(*end)) {
            let torn = [&lines[..at], &[&lines[at][..end]], &lines[at + 1..]].concat();
            mangled.push(torn.join("\n"));
            mangled.push(torn.concat());
            let nulls = "\0".repeat(lines[at].len() - end);
            let filled = format!("{}{nulls}", &lines[at][..end]);
            mangled.push([&lines[..at], &[&filled], &lines[at + 1..]].concat().join("\n"));
        }
    }
    for text in &mangled {
        for (batch, steps) in done(text) {
            let most = whole.get(&batch).copied().unwrap_or_default();
            assert!(steps <= most, "{batch}: {steps} steps done, {most} in the whole journal:\n{text}");
        }
    }
    assert!(mangled.len() > 100, "{}", mangled.len());
}

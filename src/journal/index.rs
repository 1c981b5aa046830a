//! The index of a long journal: `journal.index`, what was read of its lines the last time.
//!
//! Decides when it is believed: where the journal still begins with the very bytes that it was made of (their SHA-256), and
//! the same program made it. All other bytes are read as ever, so that the index saves time and never says anything. It can
//! be deleted at any time; one that cannot be written is done without.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::edit::record::{Book, BookIndex};

/// The file's name in the journal's folder.
const FILE: &str = "journal.index";

/// Raised whenever the same lines are read otherwise, or an index has other members.
const FORMAT: u32 = 1;

/// A shorter journal is read as fast.
const LEAST_BYTES: usize = 1_000_000;

/// So much may stand behind what the index knows before it is made again.
const MOST_BEHIND: usize = 250_000;

/// An index as it stands in its file.
#[derive(Serialize, Deserialize)]
struct IndexFile {
    format: u32,
    /// The version of the program.
    program: String,
    /// Of the journal's first bytes, as text.
    sha256: String,
    index: BookIndex,
}

/// Reads a journal's bytes, as far as the index knows them not.
pub(super) fn read_book(folder: &Path, bytes: Vec<u8>) -> Book {
    let text =
        String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(&error.into_bytes()).into_owned());
    if text.len() < LEAST_BYTES {
        return Book::read(text);
    }
    let path = folder.join(FILE);
    let known = fs::read(&path).ok().and_then(|file| fitting(&file, &text)).unwrap_or_default();
    let (from, all) = (known.bytes, text.len());
    let book = Book::read_on(known, text);
    if all - from > MOST_BEHIND
        && let Some(index) = book.index()
    {
        let (program, sha256) = (env!("CARGO_PKG_VERSION").to_owned(), hash(book.text()));
        let file = IndexFile { format: FORMAT, program, sha256, index };
        let written = serde_json::to_vec(&file).map_err(io::Error::from).and_then(|it| replace(&path, &it));
        if let Err(error) = written {
            tracing::debug!(%error, "the journal's index could not be written");
        }
    }
    book
}

/// What an index file holds, if it is of this text.
fn fitting(file: &[u8], text: &str) -> Option<BookIndex> {
    let IndexFile { format, program, sha256, index } = serde_json::from_slice(file).ok()?;
    let known = text.get(..index.bytes)?;
    let fits = format == FORMAT && program == env!("CARGO_PKG_VERSION") && sha256 == hash(known);
    fits.then_some(index)
}

fn hash(text: &str) -> String {
    STANDARD.encode(digest(&SHA256, text.as_bytes()))
}

/// Writes a file beside its place and moves it there, for its owner alone.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension(format!("index.{}.new", std::process::id()));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written =
        options.open(&beside).and_then(|mut file| file.write_all(bytes)).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::edit::draft::Draft;
    use crate::edit::record::{Batch, Event, Line, Pin, VERSION};
    use crate::model::time::Time;

    struct Folder(PathBuf);

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn planned(id: &str) -> String {
        let word = || "w".to_owned();
        let pin = Pin { cluster_arn: word(), cluster: word(), account: word(), region: word(), endpoint: None };
        let plan = Batch {
            id: id.to_owned(),
            made_at: Time::default(),
            caller: "x".repeat(1_000),
            pin,
            draft: Draft::default(),
            steps: Vec::new(),
            tokens: Vec::new(),
            note: None,
            undoes: None,
        };
        let event = Event::Planned { plan: Box::new(plan) };
        Line { v: VERSION, at: Time::default(), batch: id.to_owned(), event }.text().unwrap() + "\n"
    }

    fn journal(batches: usize) -> String {
        (0..batches).map(|number| planned(&format!("batch-{number}"))).collect()
    }

    #[test]
    fn an_index_is_believed_of_the_bytes_that_it_was_made_of_and_of_no_others() {
        let folder = Folder(std::env::temp_dir().join(format!("eksplorer-index-{}", std::process::id())));
        fs::create_dir_all(&folder.0).unwrap();
        let file = || fs::read(folder.0.join(FILE)).unwrap();
        let read = |text: &str| read_book(&folder.0, text.as_bytes().to_vec());
        let short = journal(10);
        assert_eq!(read(&short), Book::read(short.as_str()));
        assert!(!folder.0.join(FILE).exists(), "a short journal has none");

        let text = journal(1_000);
        let whole = Book::read(text.as_str());
        assert_eq!(read(&text), whole);
        assert_eq!(fitting(&file(), &text).map(|it| it.bytes), Some(text.len()), "nothing is left to be read");
        assert_eq!(read(&text), whole, "by its index");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(folder.0.join(FILE)).unwrap().permissions().mode() & 0o777, 0o600);
        }

        let longer = text.clone() + &planned("one-more");
        assert_eq!(fitting(&file(), &longer).map(|it| it.bytes), Some(text.len()), "only what is new is left");
        assert_eq!(read(&longer), Book::read(longer.as_str()));
        let much_longer = text.clone() + &journal(1_300)[text.len()..];
        assert_eq!(read(&much_longer), Book::read(much_longer.as_str()));
        assert_eq!(fitting(&file(), &much_longer).map(|it| it.bytes), Some(much_longer.len()), "it was made again");

        read(&text);
        fs::remove_file(folder.0.join(FILE)).unwrap();
        read(&text);
        let kept = file();
        let half = &text[..text.len() / 2];
        let doubled = text.repeat(2);
        let reversed = text.lines().rev().map(|it| it.to_owned() + "\n").collect::<String>();
        let nuls = format!("{half}{}", "\0".repeat(text.len() - half.len()));
        let one_letter = text.replacen("batch-7\"", "batch-x\"", 1);
        for (name, other) in [("cut", half), ("reversed", &reversed), ("NULs", &nuls), ("one letter", &one_letter)] {
            assert!(fitting(&kept, other).is_none(), "{name}");
            fs::write(folder.0.join(FILE), &kept).unwrap();
            assert_eq!(read(other), Book::read(other), "{name}");
        }
        fs::write(folder.0.join(FILE), &kept).unwrap();
        assert_eq!(read(&doubled), Book::read(doubled.as_str()), "the index is of its first half");
        for (name, broken) in [
            ("cut", kept[..kept.len() / 2].to_vec()),
            ("empty", Vec::new()),
            ("NULs", vec![0; kept.len()]),
            (
                "another program's",
                String::from_utf8_lossy(&kept).replacen(env!("CARGO_PKG_VERSION"), "0.0.0", 1).into(),
            ),
        ] {
            assert!(fitting(&broken, &text).is_none(), "{name}");
            fs::write(folder.0.join(FILE), &broken).unwrap();
            assert_eq!(read(&text), whole, "{name}");
        }
    }
}

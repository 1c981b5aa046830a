//! What was intended and what became of it, on disk: `journal.jsonl`, one JSON object a line.
//!
//! Decides that a line is only ever added, and is on the disk before its writing has ended; that the file is its owner's
//! alone; and that one process writes at a time. What the lines say is `edit::record`'s. No line holds credentials. Beside a
//! long journal stands an [`index`] of what was read of it.

mod index;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::edit::record::{Book, Line, VERSION};

/// The file's name in its folder.
pub const FILE: &str = "journal.jsonl";

/// How often the lock is tried for.
const LOCK_TRIES: u32 = 4;

/// And how long is waited in between.
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// Why the journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The disk said no.
    #[error("could not {doing} the journal {path}: {error}. Check the folder, or choose another (--state-dir).", path = path.display())]
    Disk {
        /// `read`, `open`, `write`
        doing: &'static str,
        /// Which.
        path: PathBuf,
        /// What was said.
        error: io::Error,
    },
    /// Another process writes.
    #[error("another eksplorer is writing to the journal {path}: wait until it has ended.", path = .0.display())]
    Locked(PathBuf),
    /// A newer program wrote it.
    #[error(
        "the journal {path} was written by a newer eksplorer (version {version} of its lines, this one knows {VERSION}): \
         use that one.", path = path.display()
    )]
    Newer {
        /// Which.
        path: PathBuf,
        /// Its version.
        version: u32,
    },
    /// A line could not be put into words.
    #[error("could not write to the journal: {0}")]
    Line(String),
    /// Its hook broke it.
    #[error("the writing of the journal was broken off")]
    Broken,
}

/// When a journal's hook is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Before the line is written.
    Before,
    /// When it is on the disk.
    After,
}

/// Looks on as lines are written. `false` breaks the writing there, as a crash would: so what comes after one can be tried
/// at every point.
pub type Hook = Box<dyn FnMut(Moment, &Line) -> bool + Send + Sync>;

/// The journal, open for writing. Nobody else writes until it is dropped.
pub struct Journal {
    path: PathBuf,
    file: File,
    book: Book,
    hook: Option<Hook>,
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Reads the journal in a folder; there need not be one.
pub fn read(folder: &Path) -> Result<Book, JournalError> {
    let path = folder.join(FILE);
    // Asked first: whoever ended in between has written its last line by the time that it is read.
    let held = is_held(&path);
    match fs::read(&path) {
        Ok(bytes) => {
            let mut book = index::read_book(folder, bytes);
            book.held = held;
            Ok(book)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Book::default()),
        Err(error) => Err(JournalError::Disk { doing: "read", path, error }),
    }
}

/// Has another process the journal open for writing? Where locks are not known, nobody is said to have.
fn is_held(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// Takes the lock. A reader that asks whether it is held has it for a moment, and is waited for.
fn lock(file: &File) -> Result<(), TryLockError> {
    for _ in 0..LOCK_TRIES {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
            other => return other,
        }
    }
    file.try_lock()
}

impl Journal {
    /// Opens the journal in a folder, and makes both if they are not there.
    pub fn open(folder: &Path) -> Result<Journal, JournalError> {
        let path = folder.join(FILE);
        let disk = |doing: &'static str| {
            let path = path.clone();
            move |error| JournalError::Disk { doing, path, error }
        };
        make_folder(folder).map_err(disk("open"))?;
        let is_new = !path.exists();
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path).map_err(disk("open"))?;
        match lock(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(JournalError::Locked(path)),
            Err(TryLockError::Error(error)) => return Err(disk("lock")(error)),
        }
        make_private(&file).map_err(disk("open"))?;
        if is_new {
            file.sync_all().and_then(|()| File::open(folder)?.sync_all()).map_err(disk("open"))?;
        }
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(0)).and_then(|_| file.read_to_end(&mut bytes)).map_err(disk("read"))?;
        let is_cut = bytes.last().is_some_and(|last| *last != b'\n');
        let book = index::read_book(folder, bytes);
        if book.version > VERSION {
            return Err(JournalError::Newer { path, version: book.version });
        }
        // A line that a crash cut short stays by itself.
        if is_cut {
            file.write_all(b"\n").map_err(disk("write"))?;
        }
        Ok(Journal { path, file, book, hook: None })
    }

    /// What it holds.
    pub fn book(&self) -> &Book {
        &self.book
    }

    /// Adds a line. When this has ended well, it is on the disk.
    pub fn write(&mut self, line: &Line) -> Result<(), JournalError> {
        let mut text = line.text().map_err(JournalError::Line)?;
        text.push('\n');
        self.pass(Moment::Before, line)?;
        // All of it at once: what a crash cuts short has no end of a line.
        self.file
            .write_all(text.as_bytes())
            .and_then(|()| self.file.sync_data())
            .map_err(|error| JournalError::Disk { doing: "write", path: self.path.clone(), error })?;
        self.pass(Moment::After, line)?;
        self.book.take(line.clone());
        Ok(())
    }

    /// Lets somebody look on from now on.
    pub fn hook(&mut self, hook: Hook) {
        self.hook = Some(hook);
    }

    fn pass(&mut self, moment: Moment, line: &Line) -> Result<(), JournalError> {
        let goes_on = self.hook.as_mut().is_none_or(|hook| hook(moment, line));
        if goes_on { Ok(()) } else { Err(JournalError::Broken) }
    }
}

fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// An older file, or one that was copied here, may be open to others.
fn make_private(file: &File) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if file.metadata()?.permissions().mode() & 0o077 != 0 {
            file.set_permissions(fs::Permissions::from_mode(0o600))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::draft::Draft;
    use crate::edit::record::{Batch, Event, Outcome, Pin, Standing};
    use crate::model::time::Time;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Folder {
            let path = std::env::temp_dir().join(format!("eksplorer-journal-{}-{name}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            Folder(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn line(id: &str, event: Event) -> Line {
        Line { v: VERSION, at: Time::default(), batch: id.into(), event }
    }

    fn planned(id: &str) -> Line {
        let pin = Pin {
            cluster_arn: "a".into(),
            cluster: "c".into(),
            account: "1".into(),
            region: "r".into(),
            endpoint: None,
        };
        let plan = Batch {
            id: id.into(),
            made_at: Time::default(),
            caller: "me".into(),
            pin,
            draft: Draft::default(),
            steps: Vec::new(),
            tokens: Vec::new(),
            note: None,
            undoes: None,
        };
        line(id, Event::Planned { plan: Box::new(plan) })
    }

    #[test]
    fn what_was_written_is_read_and_is_its_owners_alone() {
        let folder = Folder::new("private");
        let deep = folder.0.join("a/b");
        assert_eq!(read(&deep).unwrap(), Book::default(), "there need not be one");
        let mut journal = Journal::open(&deep).unwrap();
        journal.write(&planned("one")).unwrap();
        journal.write(&line("one", Event::Ended { as_planned: true, differences: Vec::new() })).unwrap();
        assert_eq!(read(&deep).unwrap().histories(), journal.book().histories());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(&deep), mode(&deep.join(FILE))), (0o700, 0o600));
            drop(journal);
            fs::set_permissions(deep.join(FILE), fs::Permissions::from_mode(0o644)).unwrap();
            let _journal = Journal::open(&deep).unwrap();
            assert_eq!(mode(&deep.join(FILE)), 0o600, "what is too open is closed");
        }
    }

    #[test]
    fn one_process_writes_at_a_time_and_everybody_reads() {
        let folder = Folder::new("locked");
        let mut first = Journal::open(&folder.0).unwrap();
        assert!(matches!(Journal::open(&folder.0), Err(JournalError::Locked(_))));
        let mut plan = planned("one");
        if let Event::Planned { plan } = &mut plan.event {
            plan.draft = Draft::default();
            plan.steps = vec![crate::edit::plan::Step {
                n: 1,
                subject: crate::edit::state::Subject::Entry("a".into()),
                call: crate::edit::plan::Call::DeleteAccessEntry { principal_arn: "a".into() },
                before: None,
                after: None,
                note: None,
            }];
            plan.tokens = vec!["t".into()];
        }
        first.write(&plan).unwrap();
        let standing = || {
            let book = read(&folder.0).unwrap();
            (book.standing(book.history("one").unwrap()), book.open().count())
        };
        assert_eq!(standing(), (Standing::BeingApplied, 0), "its writer lives");
        drop(first);
        assert_eq!(standing(), (Standing::NotBegun, 1), "its writer is gone");
        assert!(Journal::open(&folder.0).is_ok());
    }

    #[test]
    fn a_line_that_was_cut_stays_by_itself() {
        let folder = Folder::new("torn");
        drop(Journal::open(&folder.0).unwrap());
        let text = planned("cut").text().unwrap();
        fs::write(folder.0.join(FILE), &text[..text.len() / 2]).unwrap();
        assert_eq!(read(&folder.0).unwrap().histories().len(), 0);
        let mut journal = Journal::open(&folder.0).unwrap();
        journal.write(&planned("next")).unwrap();
        let book = read(&folder.0).unwrap();
        assert_eq!((book.histories().len(), book.unreadable.as_slice()), (1, &[1][..]));
        assert_eq!(book.standing(book.history("next").unwrap()), Standing::Done { as_planned: None });
    }

    #[test]
    fn a_hook_breaks_the_writing_before_or_after_a_line() {
        let folder = Folder::new("hook");
        for (at, known) in [(Moment::Before, 0), (Moment::After, 1)] {
            let _ = fs::remove_dir_all(&folder.0);
            let mut journal = Journal::open(&folder.0).unwrap();
            journal.hook(Box::new(move |moment, _| moment != at));
            assert!(matches!(journal.write(&planned("cut")), Err(JournalError::Broken)));
            assert_eq!(read(&folder.0).unwrap().histories().len(), known, "{at:?}");
        }
    }

    #[test]
    fn the_journal_of_a_newer_program_is_left_alone() {
        let folder = Folder::new("newer");
        drop(Journal::open(&folder.0).unwrap());
        fs::write(folder.0.join(FILE), "{\"v\":2,\"batch\":\"x\",\"event\":\"dreamt\"}\n").unwrap();
        assert!(matches!(Journal::open(&folder.0), Err(JournalError::Newer { version: 2, .. })));
        assert!(read(&folder.0).unwrap().unreadable.is_empty());
    }

    #[test]
    fn outcomes_read_back_as_they_are_written() {
        let because = || "said".to_owned();
        for outcome in [
            Outcome::Done,
            Outcome::FoundDone,
            Outcome::FoundNotDone,
            Outcome::Failed { code: Some("X".into()), because: because() },
            Outcome::InDoubt { code: None, because: because() },
        ] {
            let line = line("b", Event::Outcome { step: 3, outcome });
            let text = line.text().unwrap();
            assert!(!text.contains('\n'));
            assert_eq!(Line::parse(&text).unwrap(), line, "{text}");
        }
    }
}

//! The log's file: its owner's alone, and of limited size. Full, it becomes `eksplorer.log.1`, the former one of that name
//! `eksplorer.log.2`, and so on; the oldest goes.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::redact;

const NAME: &str = "eksplorer.log";
/// How large a file may be.
const MOST_BYTES: u64 = 8 << 20;
/// How many full ones are kept.
const KEPT: usize = 3;

/// The log's file, to which one record is written at a time.
pub(super) struct LogFile {
    path: PathBuf,
    file: File,
    written: u64,
    most: u64,
}

impl LogFile {
    pub(super) fn open(folder: &Path) -> io::Result<LogFile> {
        LogFile::open_with(folder, MOST_BYTES)
    }

    fn open_with(folder: &Path, most: u64) -> io::Result<LogFile> {
        std::fs::create_dir_all(folder)?;
        close_earlier(folder);
        let path = folder.join(NAME);
        let file = append_private(&path)?;
        let written = file.metadata()?.len();
        Ok(LogFile { path, file, written, most })
    }

    fn numbered(&self, n: usize) -> PathBuf {
        self.path.with_file_name(format!("{NAME}.{n}"))
    }

    fn rotate(&mut self) -> io::Result<()> {
        // Another process with the same log may have done so a moment ago.
        if std::fs::metadata(&self.path).is_ok_and(|it| it.len() >= self.most.min(self.written)) {
            for n in (1..KEPT).rev() {
                let _ = std::fs::rename(self.numbered(n), self.numbered(n + 1));
            }
            std::fs::rename(&self.path, self.numbered(1))?;
        }
        self.file = append_private(&self.path)?;
        self.written = self.file.metadata()?.len();
        Ok(())
    }
}

impl Write for LogFile {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        let text = redact(&String::from_utf8_lossy(record));
        let length = u64::try_from(text.len()).unwrap_or(u64::MAX);
        if self.written > 0 && self.written.saturating_add(length) > self.most {
            self.rotate()?;
        }
        self.file.write_all(text.as_bytes())?;
        self.written = self.written.saturating_add(length);
        Ok(record.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Opens a file to append to, which its owner alone can read; one that is too open is closed.
pub(super) fn append_private(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

/// Logs of earlier versions, a file for each day, were readable by all and held what was sent.
fn close_earlier(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_log = name.starts_with("eksplorer.") && name.ends_with(".log") && name.len() > NAME.len();
        if is_log && entry.metadata().is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o077 != 0) {
            let _ = std::fs::set_permissions(entry.path(), std::fs::Permissions::from_mode(0o600));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_private_limited_and_without_secrets() {
        let folder = std::env::temp_dir().join(format!("eksplorer-log-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let earlier = folder.join("eksplorer.2026-11-01.log");
        std::fs::write(&earlier, "old").unwrap();
        std::fs::set_permissions(&earlier, std::fs::Permissions::from_mode(0o644)).unwrap();
        let mut log = LogFile::open_with(&folder, 100).unwrap();
        for n in 0..40 {
            log.write_all(format!("record {n}: X-Amz-Security-Token=hunter2hunter2\n").as_bytes()).unwrap();
        }
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&folder).unwrap().flatten() {
            let (name, data) = (entry.file_name().into_string().unwrap(), entry.metadata().unwrap());
            assert_eq!(data.permissions().mode() & 0o777, 0o600, "{name}");
            assert!(data.len() <= 100, "{name}: {}", data.len());
            assert!(!std::fs::read_to_string(entry.path()).unwrap().contains("hunter2"));
            names.push(name);
        }
        names.sort();
        let wanted =
            ["eksplorer.2026-11-01.log", "eksplorer.log", "eksplorer.log.1", "eksplorer.log.2", "eksplorer.log.3"];
        assert_eq!(names, wanted);
        assert!(std::fs::read_to_string(folder.join(NAME)).unwrap().contains("record 39"));
        std::fs::remove_dir_all(folder).unwrap();
    }
}

//! Files that are read, with errors that name them; files that are written: whole or not at all, and for their owner
//! alone.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use super::Trouble;

/// Reads what a command line names: a file, or with `-` the whole standard input. `what` as of [`read_text`].
pub fn read_named(path: &Path, what: &str) -> Result<String, Trouble> {
    if path.as_os_str() != "-" {
        return read_text(path, what);
    }
    io::read_to_string(io::stdin())
        .map_err(|error| Trouble::bad_input(format!("could not read the standard input: {error}. Is it {what}?")))
}

/// Where the journal and the log are kept, unless told otherwise.
pub fn state_folder(given: Option<&Path>) -> PathBuf {
    if let Some(given) = given {
        return given.to_owned();
    }
    let folders = etcetera::choose_base_strategy().ok();
    let state = folders.map_or_else(std::env::temp_dir, |it| it.state_dir().unwrap_or_else(|| it.cache_dir()));
    state.join("eksplorer")
}

/// Reads a file as text. `what` ends the sentence that asks whether it is the right file: "a snapshot, in YAML or JSON".
pub fn read_text(path: &Path, what: &str) -> Result<String, Trouble> {
    let name = path.display();
    let bytes = fs::read(path)
        .map_err(|error| Trouble::bad_input(format!("could not read {name}: {error}. Check the path.")))?;
    String::from_utf8(bytes).map_err(|error| {
        let line = error.as_bytes().iter().take(error.utf8_error().valid_up_to()).filter(|b| **b == b'\n').count() + 1;
        Trouble::bad_input(format!("{name}: line {line}: it is not UTF-8 text. Is it {what}?"))
    })
}

/// Writes a file beside its place and then moves it there, so that a crash leaves the old one or the new one. It is
/// readable by its owner alone: a snapshot tells who may do what.
pub fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "it names no file"))?;
    let mut beside = std::ffi::OsString::from(".");
    beside.push(name);
    beside.push(format!(".{}.new", std::process::id()));
    let beside = folder.join(beside);
    let written = write_new(&beside, text).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_is_private() {
        let folder = std::env::temp_dir().join(format!("eksplorer-files-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("temp folder");
        let path = folder.join("a.yaml");
        write_private(&path, "one").expect("writes");
        write_private(&path, "two").expect("writes again");
        assert_eq!(fs::read_to_string(&path).expect("reads"), "two");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).expect("is there").permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(fs::read_dir(&folder).expect("lists").count(), 1, "nothing is left beside it");
        assert!(write_private(Path::new("/"), "x").is_err());
        fs::remove_dir_all(&folder).expect("cleans up");
    }
}

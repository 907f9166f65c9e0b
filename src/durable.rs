//! Files that are there whole or not at all. What a newcomer would get wrong: a file written in place is read half by
//! whoever comes meanwhile, and is half for ever after a crash. Here it is written under another name, made durable,
//! renamed, and the folder's entry made durable as well.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::NamedTempFile;

use crate::error::{Error, Result};

/// What the unfinished files begin with; no finished file's name does.
const UNFINISHED: &str = ".unfinished-";

/// The names in a folder that are text and finished, in no order; none where there is no folder.
pub fn names(folder: &Path) -> Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(Vec::new()),
        Err(error) => return Err(Error::internal(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(Error::internal)?.file_name();
        names.extend(name.into_string().into_iter().filter(|name| !name.starts_with(UNFINISHED)));
    }
    Ok(names)
}

/// The bytes of a file; `None` where there is none.
pub fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(Error::internal(error)),
    }
}

/// Puts a file of this name and mode into the folder, in place of an earlier one; the folder is made where it is not.
pub fn write(folder: &Path, name: &str, bytes: &[u8], mode: u32) -> Result<()> {
    let file = unfinished(folder, bytes, mode)?;
    file.persist(folder.join(name)).map_err(|failed| Error::internal(failed.error))?;
    sync_with_parents(folder)
}

/// The same where there is none of this name yet; one that is there stays as it is.
pub fn create(folder: &Path, name: &str, bytes: &[u8], mode: u32) -> Result<()> {
    match unfinished(folder, bytes, mode)?.persist_noclobber(folder.join(name)) {
        Err(failed) if failed.error.kind() != ErrorKind::AlreadyExists => Err(Error::internal(failed.error)),
        Ok(_) | Err(_) => sync_with_parents(folder),
    }
}

/// Overwrites and removes a file, so that what it held is neither under its name nor, on a disk that writes in place, in
/// its blocks; whether there was one. Where another user of the group made it, it is removed alone.
pub fn erase(path: &Path) -> Result<bool> {
    match OpenOptions::new().write(true).open(path) {
        Ok(mut opened) => {
            let size = opened.metadata().map_err(Error::internal)?.len();
            io::copy(&mut io::repeat(0).take(size), &mut opened).map_err(Error::internal)?;
            opened.sync_all().map_err(Error::internal)?;
        }
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(false),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {}
        Err(error) => return Err(Error::internal(error)),
    }
    match fs::remove_file(path) {
        // Somebody else was quicker.
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        removed => removed.map_err(Error::internal)?,
    }
    path.parent().map_or(Ok(()), sync_folder)?;
    Ok(true)
}

/// Erases what crashes left unfinished in a folder into which nobody writes any more.
pub fn erase_unfinished(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder).map_err(Error::internal)? {
        let path = entry.map_err(Error::internal)?.path();
        let name = path.file_name().and_then(std::ffi::OsStr::to_str);
        if name.is_some_and(|name| name.starts_with(UNFINISHED)) {
            erase(&path)?;
        }
    }
    Ok(())
}

/// A file on the disk that has no name of its own yet.
fn unfinished(folder: &Path, bytes: &[u8], mode: u32) -> Result<NamedTempFile> {
    fs::create_dir_all(folder).map_err(Error::internal)?;
    let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder).map_err(Error::internal)?;
    file.write_all(bytes).map_err(Error::internal)?;
    file.as_file().set_permissions(fs::Permissions::from_mode(mode)).map_err(Error::internal)?;
    file.as_file().sync_all().map_err(Error::internal)?;
    Ok(file)
}

/// Makes a folder where there is none, with this mode whatever the process's umask is. One that is there stays as its
/// owner made it.
pub fn make_folder(folder: &Path, mode: u32) -> Result<()> {
    match fs::create_dir(folder) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        made => {
            made.and_then(|()| fs::set_permissions(folder, fs::Permissions::from_mode(mode))).map_err(Error::internal)
        }
    }
}

/// The folder's own entry may be new as well, and so may its parent's.
fn sync_with_parents(folder: &Path) -> Result<()> {
    folder.ancestors().take(3).filter(|ancestor| ancestor.is_dir()).try_for_each(sync_folder)
}

/// Makes the entries of a folder durable; an empty path is the folder that the process stands in.
pub fn sync_folder(folder: &Path) -> Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    File::open(folder).and_then(|opened| opened.sync_all()).map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_a_crash_left_unfinished_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "whole", b"whole", 0o600).unwrap();
        fs::write(folder.path().join(format!("{UNFINISHED}x7Kq")), b"ha").unwrap();

        assert_eq!(names(folder.path()).unwrap(), ["whole"]);
        assert_eq!(read(&folder.path().join("whole")).unwrap().as_deref(), Some(b"whole".as_slice()));
        assert!(read(&folder.path().join("absent")).unwrap().is_none());
    }

    #[test]
    fn what_is_erased_is_gone_from_its_name_and_from_whoever_holds_it_open() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "kept", b"kept", 0o600).unwrap();
        write(folder.path(), "reviews", b"marks", 0o600).unwrap();
        fs::write(folder.path().join(format!("{UNFINISHED}x7Kq")), b"marks").unwrap();
        let mut held = File::open(folder.path().join("reviews")).unwrap();

        assert!(erase(&folder.path().join("reviews")).unwrap());
        erase_unfinished(folder.path()).unwrap();

        assert!(!erase(&folder.path().join("reviews")).unwrap(), "done already is done");
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["kept"]);
        let mut bytes = Vec::new();
        held.read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes, [0; 5]);
    }
}

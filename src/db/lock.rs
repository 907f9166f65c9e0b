//! The lock that keeps an SQLite database to one process.
//!
//! What a newcomer would get wrong: SQLite's own locks do not do. They belong to the file, and a compaction puts another
//! file in its place; two processes would then write into two files of one name, and one of them would be lost.

use std::fs::{File, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Takes the lock beside the database; it is held until the file is closed, by a crash as well.
///
/// The file stays when the lock is gone: whoever removed it could remove one that another process has just locked.
pub(super) fn take(database: &Path) -> Result<File> {
    super::make_folder(database)?;
    let path = beside(database);
    let refused = |cause: &dyn std::fmt::Display| Error::internal(format!("{}: {cause}", path.display()));
    let file = File::options().create(true).truncate(false).write(true).mode(0o600).open(&path);
    let file = file.map_err(|error| refused(&error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(refused(&"locked; another process has the ballot box open")),
        Err(TryLockError::Error(error)) => Err(refused(&error)),
    }
}

/// Whether a process has the database open; nothing is made where there is no lock file.
///
/// Asking takes the lock for an instant, in which a start would be refused: ask only where the answer matters.
pub fn is_held(database: &Path) -> bool {
    // A lock file that cannot be opened was made by somebody else; the caller then sees the database as unused.
    File::open(beside(database)).is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

fn beside(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

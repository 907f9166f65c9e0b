//! The files of an SQLite box: who may read them, and what lies beside them.
//!
//! What a newcomer would get wrong: a copy of the file is as bad as the order in it. One made during the window, next to one
//! made a day later, tells who submitted in between.

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::{Check, Fault};
use crate::db::{is_held, wants_write_ahead_log};
use crate::error::{Error, Result};

const SQLITE_MAGIC: &[u8] = b"SQLite format 3\0";

/// Endings of files that a running box makes for an instant.
const PASSING: &[&str] = &["-journal", ".compact", ".compact-journal"];

/// Examines the box's file and its folder; a file of the registry in the same folder is no copy of the box.
pub fn examine(path: &Path, registry: Option<&Path>) -> Result<Vec<Fault>> {
    let mut faults = Vec::new();
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut lock = path.as_os_str().to_owned();
    lock.push(".lock");
    for (place, wanted) in [(folder, 0o700), (path, 0o600), (Path::new(&lock), 0o600)] {
        faults.extend(examine_mode(place, wanted));
    }
    if path.is_file() && wants_write_ahead_log(path)? {
        faults.push(Fault::new(Check::EngineSetting, "journal_mode", "wal", "delete"));
    }
    if !folder.is_dir() {
        return Ok(faults);
    }
    let own = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let registry = registry.filter(|registry| registry.parent() == path.parent());
    let registry = registry.and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(Error::internal)? {
        names.push(entry.map_err(Error::internal)?.file_name().to_string_lossy().into_owned());
    }
    names.sort_unstable();
    let is_running = names.iter().any(|name| is_passing(name, &own)) && is_held(path);
    for name in names {
        let is_registrys = registry.as_ref().is_some_and(|registry| name.starts_with(registry.as_str()));
        if name == own || name == format!("{own}.lock") || is_registrys || (is_running && is_passing(&name, &own)) {
            continue;
        }
        let place = folder.join(&name);
        if name.starts_with(&own) || is_sqlite(&place) {
            faults.push(Fault::new(Check::Leftover, place.display().to_string(), "-", "-"));
        }
    }
    Ok(faults)
}

fn is_passing(name: &str, own: &str) -> bool {
    name.strip_prefix(own).is_some_and(|ending| PASSING.contains(&ending))
}

/// A file or folder that others than its owner may read, or its owner's group; nothing where it is not there.
fn examine_mode(place: &Path, wanted: u32) -> Option<Fault> {
    // What cannot be asked for its mode is hidden from others as well.
    let mode = fs::metadata(place).ok()?.permissions().mode() & 0o777;
    let fault =
        || Fault::new(Check::FileMode, place.display().to_string(), format!("{mode:03o}"), format!("{wanted:03o}"));
    (mode & 0o077 != 0).then(fault)
}

fn is_sqlite(path: &Path) -> bool {
    let mut head = Vec::new();
    // What cannot be read is no copy that anybody here could read.
    let read = fs::File::open(path).and_then(|file| file.take(16).read_to_end(&mut head));
    read.is_ok() && head == SQLITE_MAGIC
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{Db, Location};

    fn found(folder: &Path) -> Vec<(Check, String)> {
        let (path, registry) = (folder.join("ballot.db"), folder.join("registry.db"));
        let name = |place: String| place.rsplit('/').next().unwrap_or_default().to_owned();
        let faults = examine(&path, Some(&registry)).unwrap();
        faults.into_iter().map(|fault| (fault.check, name(fault.name))).collect()
    }

    fn mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_box_by_itself_has_files_that_its_owner_alone_can_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("made/ballot.db");
        let ballot_box = Db::open_ballot_box(&Location::Sqlite(path.clone())).unwrap();
        assert_eq!(examine(&path, None).unwrap(), []);
        ballot_box.0.close();
        for place in ["made", "made/ballot.db", "made/ballot.db.lock"] {
            let place = folder.path().join(place);
            mode(&place, 0o755);
            let faults = examine(&path, None).unwrap();
            assert_eq!(faults.len(), 1, "{faults:?}");
            assert_eq!((faults[0].check, faults[0].name.as_str()), (Check::FileMode, place.to_str().unwrap()));
            mode(&place, 0o700);
        }
    }

    #[test]
    fn a_file_that_holds_what_the_box_held_is_found_whatever_its_name() {
        let folder = tempfile::tempdir().unwrap();
        mode(folder.path(), 0o700);
        let path = folder.path().join("ballot.db");
        let ballot_box = Db::open_ballot_box(&Location::Sqlite(path.clone())).unwrap();
        for name in ["registry.db", "registry.db-wal", "night.db"] {
            fs::write(folder.path().join(name), b"SQLite format 3\0 and so on").unwrap();
        }
        for name in ["ballot.db-wal", "ballot.db.bak", "ballot.db-journal", "notes.txt"] {
            fs::write(folder.path().join(name), b"something").unwrap();
        }
        let leftover = |name: &str| (Check::Leftover, name.to_owned());
        let always = [leftover("ballot.db-wal"), leftover("ballot.db.bak"), leftover("night.db")];
        // A running box makes its journal for an instant; one that stopped has left it.
        assert_eq!(found(folder.path()), always);
        ballot_box.0.close();
        let [wal, copy, night] = always;
        assert_eq!(found(folder.path()), [leftover("ballot.db-journal"), wal, copy, night]);
    }

    #[test]
    fn a_file_that_asks_for_a_write_ahead_log_is_a_fault() {
        let folder = tempfile::tempdir().unwrap();
        mode(folder.path(), 0o700);
        let path = folder.path().join("ballot.db");
        let mut head = SQLITE_MAGIC.to_vec();
        head.extend([16, 0, 2, 2]);
        fs::write(&path, head).unwrap();
        mode(&path, 0o600);
        assert_eq!(found(folder.path()), [(Check::EngineSetting, "journal_mode".to_owned())]);
    }
}

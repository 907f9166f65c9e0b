//! The sealed bundle as one file: an uncompressed tar of the oldest common form (ustar), the same bytes on every run.
//!
//! What a newcomer would get wrong: a tar header has a time, an owner and a mode, and each would differ from copy to copy.
//! Here they are constants, and the files stand in the order of their names.

use std::fs::File;
use std::io::{self, Read, Write};

use super::{BUNDLE, RoundFolder, names};
use crate::error::{Error, Result};

/// Headers and contents come in blocks of this size.
const BLOCK: usize = 512;
/// Two empty blocks end an archive.
const END: usize = 2 * BLOCK;
/// How much of a file is in memory at a time.
const CHUNK: usize = 64 * 1024;

/// A bundle that is to be written out.
#[derive(Debug)]
pub struct Archive {
    files: Vec<(String, u64, File)>,
}

impl RoundFolder {
    /// The sealed bundle, opened, so that a bundle written anew meanwhile changes nothing; `None` until it is whole.
    pub fn archive(&self) -> Result<Option<Archive>> {
        if !self.has_bundle() {
            return Ok(None);
        }
        let folder = self.path.join(BUNDLE);
        let mut names = names(&folder)?;
        names.sort_unstable();
        let mut files = Vec::new();
        for name in names {
            let file = File::open(folder.join(&name)).map_err(Error::internal)?;
            let size = file.metadata().map_err(Error::internal)?.len();
            files.push((name, size, file));
        }
        Ok(Some(Archive { files }))
    }
}

impl Archive {
    /// The size of the whole, in bytes.
    pub fn size(&self) -> u64 {
        let blocks = |size: u64| BLOCK as u64 + size.next_multiple_of(BLOCK as u64);
        self.files.iter().map(|(_, size, _)| blocks(*size)).sum::<u64>() + END as u64
    }

    /// Writes the whole, a piece at a time.
    ///
    /// # Errors
    /// Where a file is not what it was when it was opened, or nobody reads any more.
    pub fn write_to(self, out: &mut impl Write) -> io::Result<()> {
        let mut chunk = vec![0; CHUNK];
        for (name, size, mut file) in self.files {
            out.write_all(&header(&name, size)?)?;
            let mut left = size;
            while left > 0 {
                let want = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
                let piece = chunk.get_mut(..want).unwrap_or_default();
                file.read_exact(piece)?;
                out.write_all(piece)?;
                left -= piece.len() as u64;
            }
            let padding = size.next_multiple_of(BLOCK as u64) - size;
            out.write_all(&vec![0; usize::try_from(padding).unwrap_or_default()])?;
        }
        out.write_all(&[0; END])
    }
}

/// The ustar header of a plain file for its owner alone, of nobody and of no time: what is unpacked holds reviews.
fn header(name: &str, size: u64) -> io::Result<[u8; BLOCK]> {
    let mut header = Vec::with_capacity(BLOCK);
    let mut put = |text: &str, width: usize| {
        header.extend_from_slice(text.as_bytes());
        header.resize(header.len() + width.saturating_sub(text.len()), 0);
    };
    put(name, 100);
    put("0000600", 8);
    put("0000000", 8);
    put("0000000", 8);
    put(&format!("{size:011o}"), 12);
    put("00000000000", 12);
    // The sum is made over the header with blanks in its place.
    put("        ", 8);
    put("0", 1);
    put("", 100);
    put("ustar", 6);
    put("00", 2);
    put("", 247);
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header.splice(148..156, format!("{sum:06o}\0 ").into_bytes());
    // A name or size that does not fit makes another length.
    header.try_into().map_err(|_| io::Error::other("a file that no ustar header can hold"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::credential::bundle::{Files, INDEX};
    use crate::credential::encoding::Bytes;
    use crate::publication::Folder;

    #[test]
    fn an_archive_has_the_size_it_says_and_every_byte_of_the_files() {
        let root = tempfile::tempdir().unwrap();
        let round = Folder::new(root.path()).round(&Bytes([7; 16]), 1);
        assert!(round.archive().unwrap().is_none());
        let files = Files::from([
            (INDEX.to_owned(), b"{}".to_vec()),
            ("empty".to_owned(), Vec::new()),
            ("exact".to_owned(), vec![b'x'; BLOCK]),
            ("long".to_owned(), vec![b'y'; CHUNK + 1]),
        ]);
        round.write_bundle(&files).unwrap();
        let (mut first, mut second) = (Vec::new(), Vec::new());
        let archive = round.archive().unwrap().unwrap();
        let size = archive.size();
        archive.write_to(&mut first).unwrap();
        round.archive().unwrap().unwrap().write_to(&mut second).unwrap();

        assert_eq!(first.len() as u64, size);
        assert_eq!(first, second, "the same bytes on every run");
        let folder = root.path().join("out");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(root.path().join("bundle.tar"), &first).unwrap();
        let mut tar = std::process::Command::new("tar");
        tar.arg("-xf").arg(root.path().join("bundle.tar")).arg("-C").arg(&folder);
        assert!(tar.status().unwrap().success(), "another program reads it");
        for (name, bytes) in &files {
            assert_eq!(&std::fs::read(folder.join(name)).unwrap(), bytes, "{name}");
            let mode = std::fs::metadata(folder.join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }
}

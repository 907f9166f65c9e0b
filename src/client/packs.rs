//! The acts that a reviewer is given to read: fetched with the credentials, checked against the list that everybody is shown,
//! and kept beside the card.
//!
//! What a newcomer would get wrong: fetching an act when it is read. A request for one subject on the day before a review
//! tells whose review it is; so all packs come at once, while the reviewer is logged in anyway, and are read from the
//! reviewer's own disk. They are plain files: they name subjects, as the registry knows them to be the reviewer's, and
//! nothing of a review.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::card::Card;
use super::failure::{Alarm, CardFailure, Result};
use super::line::Line;
use super::pinned::{Places, fetch_both};
use crate::credential::encoding::Ref;
use crate::credential::frozen::Frozen;
use crate::credential::packs::{PackList, ReadingPack};
use crate::domain::judge_file::is_code;
use crate::domain::reading::ReadingType;

const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
/// The signed list, kept as what proves that another one is shown later.
const LIST: &str = "packs.json";

/// What a reviewer is given to read in a round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packs {
    /// The signed list as both listeners show it.
    pub list: Vec<u8>,
    /// One pack for each subject for whom the card can sign.
    pub packs: Vec<(Ref, ReadingPack)>,
}

/// Fetches the packs of all subjects for whom the card can sign a review, and the list of their digests.
///
/// `pack_differs` where the list is not the same at both listeners and signed by the manifest's issuer, a pack is not the
/// listed one, or a subject has none: the acts may have been chosen for this reviewer alone.
pub(super) async fn fetch(
    places: &Places,
    registry: &Line,
    token: &str,
    manifest: &Frozen,
    cycle_id: Uuid,
    card: &Card,
) -> Result<Packs> {
    let text = manifest.manifest();
    let bytes = fetch_both(places, &text.cycle_ref, text.round, "packs").await?.ok_or(Alarm::PackDiffers)?;
    let list = PackList::parse(&bytes).map_err(|_| Alarm::PackDiffers)?;
    list.verify(manifest).map_err(|_| Alarm::PackDiffers)?;
    let answer = registry.get_bytes_as(&format!("/v1/me/reading-packs/{cycle_id}"), token).await?;
    let mut packs = list.open(&answer).map_err(|_| Alarm::PackDiffers)?;
    let is_named = |pack: &ReadingPack| pack.acts.iter().all(|act| is_code(&act.category, 40));
    if !packs.iter().all(|(_, pack)| is_named(pack)) {
        return Err(Alarm::PackDiffers.into());
    }
    let ready = || card.credentials.iter().filter(|held| held.is_ready()).map(|held| held.subject_ref);
    if !ready().all(|subject| packs.iter().any(|(of, _)| *of == subject)) {
        return Err(Alarm::PackDiffers.into());
    }
    // What was issued to another card of the reviewer is not of this one.
    packs.retain(|(of, _)| ready().any(|subject| subject == *of));
    Ok(Packs { list: bytes, packs })
}

/// Where the packs of a card are kept: a folder of its owner's alone.
pub fn folder_of(card: &Path) -> PathBuf {
    let mut name = card.file_name().unwrap_or_default().to_owned();
    name.push(".packs");
    card.with_file_name(name)
}

/// Writes packs beside the card, a file for each act.
///
/// `pack_differs` where another list was kept before; `inaccessible` where a file cannot be written.
pub fn keep(card: &Path, packs: &Packs) -> Result<PathBuf> {
    let folder = folder_of(card);
    let inaccessible = |_| CardFailure::Inaccessible;
    DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(&folder).map_err(inaccessible)?;
    match std::fs::read(folder.join(LIST)) {
        Ok(known) if known != packs.list => return Err(Alarm::PackDiffers.into()),
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => write(&folder.join(LIST), &packs.list)?,
        Err(error) => return Err(inaccessible(error).into()),
    }
    for (subject, pack) in &packs.packs {
        for (number, act) in (1..).zip(&pack.acts) {
            let ending = match act.media_type {
                ReadingType::Text => "txt",
                ReadingType::Pdf => "pdf",
            };
            let name = format!("{subject}-{number}-{}.{}.{ending}", act.category, act.language);
            write(&folder.join(name), &act.content.0)?;
        }
    }
    Ok(folder)
}

/// Removes what was kept beside a card; nothing where there is nothing.
pub fn destroy(card: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder_of(card)) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(CardFailure::Inaccessible.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let open = OpenOptions::new().write(true).create(true).truncate(true).mode(FILE_MODE).open(path);
    let written = open.and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
    written.map_err(|_| CardFailure::Inaccessible.into())
}

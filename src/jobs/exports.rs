//! Makes the files of lists that were ordered, and deletes them when their time is over. A newcomer's usual mistake is to
//! trust the order: what its caller may see is found anew when the file is made, as the account is by then.

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::{Workshop, aside, reason};
use crate::domain::exports::{ExportState, ROWS_MAX};
use crate::domain::hex::hex;
use crate::domain::ids::SessionId;
use crate::domain::policy::Actor;
use crate::durable;
use crate::error::{Code, Error, Result};
use crate::exports::{self, Order, Whole};
use crate::store;
use crate::store::exports::Export;
use crate::texts::Language;

/// Bytes of a file that are held in memory at once.
const PIECE_BYTES: usize = 64 * 1024;

/// Makes the file that was ordered first; `false` where none is waited for.
pub async fn make_next(shop: &Workshop) -> Result<bool> {
    expire(shop).await?;
    let Some(export) = shop.registry.0.read(store::exports::find_next).await? else { return Ok(false) };
    let made = make(shop, &export).await;
    let finished_at = Some(shop.clock.now().naive_utc());
    let ended = match made {
        Ok(made) => Export { state: ExportState::Done, finished_at, ..made },
        Err(error) => {
            tracing::warn!(export_id = %export.id, %error, "an export failed");
            Export { state: ExportState::Failed, error: Some(reason(&error)), finished_at, ..export }
        }
    };
    shop.registry.0.write(move |conn| store::exports::update(conn, &ended)).await?;
    Ok(true)
}

async fn make(shop: &Workshop, export: &Export) -> Result<Export> {
    let now = shop.clock.now();
    let account_id = export.requested_by;
    let account = shop.registry.0.read(move |conn| store::accounts::find(conn, account_id)).await?;
    let account = account.filter(|account| !account.is_closed).ok_or(Code::Forbidden)?;
    let session_id = SessionId(uuid::Uuid::nil());
    let actor = Actor { account_id, session_id, staff_role: account.staff_role, judge_id: account.judge_id };
    let language = Language::from_tag(&export.language).ok_or_else(|| Error::internal("an export has no language"))?;
    let list = (shop.lister)(&actor, &export.list, export.purpose, language, now)?;
    let (format, folder) = (export.format, shop.export_dir.as_path());
    let order = Order { actor: &actor, format, language, rows_max: ROWS_MAX, folder };
    let Whole { file, row_count } = exports::write(&shop.registry, list, &order, now).await?;
    let path = exports::path_of(folder, export.id);
    let (byte_count, sha256) = aside(move || keep(file, &path)).await?;
    Ok(Export {
        row_count: Some(i64::try_from(row_count).map_err(Error::internal)?),
        byte_count: Some(i64::try_from(byte_count).map_err(Error::internal)?),
        sha256: Some(sha256),
        ..export.clone()
    })
}

/// Puts the bytes of a file under a name, for the owner of the process alone.
fn keep(mut file: File, path: &Path) -> Result<(usize, String)> {
    let mut kept =
        File::options().write(true).create(true).truncate(true).mode(0o600).open(path).map_err(Error::internal)?;
    let mut digest = Sha256::new();
    let mut byte_count = 0;
    let mut piece = Vec::with_capacity(PIECE_BYTES);
    while Read::by_ref(&mut file).take(PIECE_BYTES as u64).read_to_end(&mut piece).map_err(Error::internal)? > 0 {
        kept.write_all(&piece).map_err(Error::internal)?;
        digest.update(&piece);
        byte_count += piece.len();
        piece.clear();
    }
    kept.sync_all().map_err(Error::internal)?;
    Ok((byte_count, hex(&digest.finalize())))
}

/// Deletes the files whose time is over.
pub async fn expire(shop: &Workshop) -> Result<()> {
    let now = shop.clock.now().naive_utc();
    for id in shop.registry.0.read(move |conn| store::exports::find_due(conn, now)).await? {
        let path = exports::path_of(&shop.export_dir, id);
        aside(move || durable::erase(&path)).await?;
        shop.registry.0.write(move |conn| store::exports::expire(conn, id)).await?;
    }
    Ok(())
}

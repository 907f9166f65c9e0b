//! Lists as files: the same rows in CSV, NDJSON or a spreadsheet, of any length in little memory. What a newcomer would get
//! wrong: to send rows as they are found. A file is made whole first, so that a failure is an answer and not a torn file.

mod cells;
mod sheet;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::db::{Conn, Registry};
use crate::domain::exports::Format;
use crate::domain::ids::ExportId;
use crate::domain::judge_file::FilePurpose;
use crate::domain::policy::Actor;
use crate::error::{Code, Error, Result};
use crate::texts::Language;
use crate::workflow::lists::{List, Row};

use sheet::Sheet;

/// How many rows are held in memory at once.
const PART: i64 = 500;

/// How a list is found by its path and query, for a caller and a purpose.
pub type Lister = fn(&Actor, &str, FilePurpose, Language, DateTime<Utc>) -> Result<List>;

/// Where the file of an order lies.
pub fn path_of(folder: &Path, id: ExportId) -> PathBuf {
    folder.join(id.to_string())
}

/// A list as a file, which has no name and is gone with this value.
pub struct Whole {
    /// Its bytes, to be read from the beginning.
    pub file: File,
    /// How many rows it has.
    pub row_count: usize,
}

/// Who asks for a file, and how it is to be.
pub struct Order<'a> {
    /// Who asks.
    pub actor: &'a Actor,
    /// The form.
    pub format: Format,
    /// The language, which chooses the separator.
    pub language: Language,
    /// The most rows that are taken.
    pub rows_max: usize,
    /// Where the file lies while it is made.
    pub folder: &'a Path,
}

/// Makes a file of a whole list.
///
/// # Errors
/// 422 `export_too_large` beyond the order's number of rows; whatever the list refuses the caller.
pub async fn write(registry: &Registry, list: List, order: &Order<'_>, now: DateTime<Utc>) -> Result<Whole> {
    let list = Arc::new(list);
    let (format, language, folder) = (order.format, order.language, order.folder.to_owned());
    let columns = list.columns().to_vec();
    let mut sheet = aside(move || Sheet::begin(format, language, columns, &folder, now)).await?;
    let (mut after, mut row_count) = (None, 0);
    loop {
        let rows = part(registry, &list, order.actor, after.take(), now).await?;
        row_count += rows.len();
        if row_count > order.rows_max {
            return Err(Code::ExportTooLarge.into());
        }
        let is_last = i64::try_from(rows.len()).map_err(Error::internal)? < PART;
        after = rows.last().map(|row| row.key.clone());
        sheet = aside(move || {
            for row in &rows {
                sheet.add(&row.json)?;
            }
            Ok(sheet)
        })
        .await?;
        if is_last {
            let file = aside(move || sheet.end()).await?;
            return Ok(Whole { file, row_count });
        }
    }
}

async fn part(
    registry: &Registry,
    list: &Arc<List>,
    actor: &Actor,
    after: Option<String>,
    now: DateTime<Utc>,
) -> Result<Vec<Row>> {
    let (list, actor) = (list.clone(), actor.clone());
    let is_recorded = list.records_part(after.as_deref());
    let work = move |conn: &mut Conn| list.part(conn, &actor, after.as_deref(), PART, now);
    if is_recorded { registry.0.write(work).await } else { registry.0.read(work).await }
}

/// Runs file work where it does not hold up requests.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)?
}

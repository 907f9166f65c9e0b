//! The judge's file as a printed document: the whole of it, for a person to read. What a newcomer would get wrong: this is no
//! second file. It is loaded like the full view, under the same law and on the same record, and shows what that shows but
//! declared conflicts; what stands under dispute is marked wherever it stands.

mod career;
mod counts;
mod trail;
mod work;

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, get, web};
use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use serde::Deserialize;
use utoipa::IntoParams;

use super::known_file::{Rows, end_of_day};
use super::printed::{LanguageHeader, paper};
use crate::clock::Clock;
use crate::db::{Conn, Registry};
use crate::domain::calendar::{KAZAKHSTAN_UTC_OFFSET_MINUTES, date_at};
use crate::domain::derived::span::Span;
use crate::domain::ids::{CourtId, JudgeId};
use crate::domain::indicators::Indicator;
use crate::domain::judge_file::{FilePurpose, RecordStatus};
use crate::domain::policy::Actor;
use crate::error::Result;
use crate::figures::words::Voice;
use crate::paper::{Block, Column, Depth, Paper, Row, Table};
use crate::problem::middleware::Caller;
use crate::problem::responses::ReadProblems;
use crate::store;
use crate::store::courts::Court;
use crate::workflow;
use crate::workflow::indicators::Found;

/// How many definitions of indicators there may be.
const INDICATORS_MAX: i64 = 1_000;

/// Why, and as of when.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PaperQuery {
    /// Why the file is read: staff must say; a judge's own file is `own_file`. The judge sees it.
    #[param(inline)]
    purpose: Option<FilePurpose>,
    /// The file as it stood at the end of this day, which is not in the future; then without derived indicators and
    /// results.
    known_on: Option<NaiveDate>,
}

/// All that the document says.
struct File {
    judge_id: JudgeId,
    rows: Rows,
    courts: BTreeMap<CourtId, Court>,
    indicators: BTreeMap<String, Indicator>,
    /// None for an earlier day: they are worked out of what is known today.
    present: Option<Present>,
}

/// What is known of today alone.
struct Present {
    derived: Found,
    span: Span,
    results: Vec<trail::ReadResult>,
}

/// Get a judge's file as a printed document.
///
/// For those who get the full view of the file, and recorded like that. A PDF in the caller's language, tagged, searchable and
/// archival (PDF/A-2a, PDF/UA-1): career, derived indicators beside comparable judges with their figures, values by quarter,
/// reviews of acts, the other sections with their sources, requests for correction, published results as far as the caller
/// may see them, and who read the file. What is disputed is marked.
#[utoipa::path(tag = "judges", params(PaperQuery, LanguageHeader),
    responses((status = 200, body = Vec<u8>, content_type = "application/pdf", headers(("Content-Language" = String, description = "The language of the document: kk, ru or en."))), ReadProblems))]
#[get("/judges/{judge_id}/file/pdf")]
pub async fn get_judge_file_pdf(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    judge_id: web::Path<JudgeId>,
    query: web::Query<PaperQuery>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let now = clock.now();
    let judge_id = judge_id.into_inner();
    let PaperQuery { purpose: asked, known_on } = query.into_inner();
    let voice = Voice(Caller::of(&request).language());
    let today = date_at(now, KAZAKHSTAN_UTC_OFFSET_MINUTES);
    let instant = end_of_day(known_on, today)?;
    let account_id = actor.account_id;
    // Many rows, which would hold up all writes: read beside them, and answered once the record is committed.
    let reading = registry.0.read(move |conn| {
        let purpose = workflow::members::file_purpose(conn, &actor, judge_id, asked)?;
        Ok((load(conn, &actor, judge_id, instant, today)?, purpose))
    });
    let (file, purpose) = reading.await?;
    registry
        .0
        .write(move |conn| store::audit::record_reading(conn, account_id, "get_judge_file_pdf", judge_id, purpose, now))
        .await?;
    let document = compose(&file, purpose, known_on, now, voice)?;
    paper(document, "judge-file").await
}

fn load(
    conn: &mut Conn,
    actor: &Actor,
    judge_id: JudgeId,
    instant: Option<NaiveDateTime>,
    today: NaiveDate,
) -> Result<File> {
    // Declared conflicts are confidential and feed the draw alone: they are not for paper.
    let sight = workflow::corrections::sight(actor, judge_id, today);
    let rows = Rows::load(conn, judge_id, instant, sight, today, false)?;
    let mut courts = BTreeMap::new();
    for position in &rows.positions {
        if !courts.contains_key(&position.court_id)
            && let Some(court) = store::courts::find(conn, position.court_id)?
        {
            courts.insert(court.id, court);
        }
    }
    let indicators = store::indicators::list(conn, None, INDICATORS_MAX)?;
    let indicators = indicators.into_iter().map(|indicator| (indicator.code.clone(), indicator)).collect();
    let present = match instant {
        Some(_) => None,
        None => {
            let span = Span::last_four(today)?;
            Some(Present {
                derived: workflow::indicators::find(conn, judge_id, &span, today)?,
                span,
                results: trail::results(conn, actor, judge_id)?,
            })
        }
    };
    Ok(File { judge_id, rows, courts, indicators, present })
}

fn compose(
    file: &File,
    purpose: FilePurpose,
    known_on: Option<NaiveDate>,
    now: DateTime<Utc>,
    voice: Voice,
) -> Result<Paper> {
    let judge = &file.rows.judge;
    let name = voice.name(&judge.full_name_kk, &judge.full_name_ru, judge.full_name_en.as_deref());
    let today = date_at(now, KAZAKHSTAN_UTC_OFFSET_MINUTES);
    let (made_on, service) = (voice.date(today), file.rows.service_years_hundredths(known_on.unwrap_or(today)));
    let title = voice.say("file-title");
    let mut blocks = career::head(file, service, purpose, known_on, &made_on, voice);
    blocks.extend(career::positions(file, voice));
    if let Some(present) = &file.present {
        blocks.extend(work::derived(present, voice)?);
    }
    blocks.extend(counts::statistics(file, voice)?);
    blocks.extend(work::acts(&file.rows.acts, voice));
    blocks.extend(career::sections(file, voice)?);
    blocks.extend(trail::corrections(file, voice));
    if let Some(present) = &file.present {
        blocks.extend(trail::results_of(&present.results, voice)?);
    }
    blocks.extend(trail::readings(file, purpose, voice));
    let foot = voice.tell("file-foot", &[("title", &title), ("name", &name), ("date", &made_on)]);
    Ok(Paper { language: voice.0, title, subject: name, foot, made_at: now, blocks })
}

/// A section with its table, or with the sentence that there is nothing in it.
fn section(title: String, note: Option<String>, columns: Vec<Column>, rows: Vec<Row>, voice: Voice) -> Vec<Block> {
    let mut blocks = vec![Block::Heading(Depth::Section, title)];
    if rows.is_empty() {
        blocks.push(Block::Paragraph(voice.say("file-nothing")));
        return blocks;
    }
    blocks.extend(note.map(Block::Note));
    blocks.push(Block::Table(Table { columns, rows }));
    blocks
}

/// A column of texts, by the key of its title and its share of the width.
fn column(voice: Voice, key: &str, share: u32) -> Column {
    Column::text(voice.say(key), share)
}

/// Where a record comes from: the system, and the day whose state it told.
fn source(voice: Voice, system: &str, as_of: NaiveDate) -> String {
    format!("{system}, {}", voice.date(as_of))
}

/// How a record stands; what is disputed is set apart.
fn status(voice: Voice, status: RecordStatus) -> (String, bool) {
    (voice.word("status", status.as_str()), status == RecordStatus::Disputed)
}

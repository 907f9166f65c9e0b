//! Requests for correction, published results, and who read the file. What a newcomer would get wrong: a result is shown here as
//! far as its reader may see it by its own law, which is not that of the file.

use super::{File, column, section};
use crate::db::Conn;
use crate::domain::ids::JudgeId;
use crate::domain::judge_file::{CorrectionStatus, FilePurpose};
use crate::domain::methodology::Methodology;
use crate::domain::policy::{self, Actor, ResultSight};
use crate::domain::scoring::gate::Release;
use crate::error::Result;
use crate::figures::result_figure::{self, Shown};
use crate::figures::words::{NOTHING, Voice};
use crate::paper::{Block, Depth, Row};
use crate::store;
use crate::store::audit::{AuditEntry, Reading};
use crate::store::cycles::Cycle;
use crate::workflow::issuance::methodology_of;

/// A published result in the hands of somebody who may see so much of it.
pub struct ReadResult {
    cycle: Cycle,
    methodology: Methodology,
    release: Release,
    sight: ResultSight,
}

/// The results of a judge that the caller may see, by evaluation.
pub fn results(conn: &mut Conn, actor: &Actor, judge: JudgeId) -> Result<Vec<ReadResult>> {
    let mut shown = Vec::new();
    for (row, cycle_id) in store::results::of_judge(conn, judge)? {
        let Some(cycle) = store::cycles::find(conn, cycle_id)? else { continue };
        let is_assigned = store::members::is_assigned(conn, row.evaluation_id, actor.account_id)?;
        // Whoever may not see it has no result in the document, as the operation of the result has none for them.
        let Ok(sight) = policy::may_read_result(actor, judge, cycle.phase, is_assigned) else { continue };
        let (methodology, _) = methodology_of(conn, &cycle)?;
        shown.push(ReadResult { release: row.release()?, cycle, methodology, sight });
    }
    Ok(shown)
}

/// The results with their figures.
pub fn results_of(results: &[ReadResult], voice: Voice) -> Result<Vec<Block>> {
    let mut blocks = Vec::new();
    if !results.is_empty() {
        blocks.push(Block::Heading(Depth::Section, voice.say("file-section-results")));
        blocks.push(Block::Note(voice.say("file-note-results")));
    }
    for result in results {
        let cycle = &result.cycle;
        let title = voice.name(&cycle.title_kk, &cycle.title_ru, cycle.title_en.as_deref());
        blocks.push(Block::Heading(Depth::Part, title));
        let shown = match result.sight {
            ResultSight::Full => Shown::Release(&result.release),
            ResultSight::Status => Shown::Status(result.release.status()),
        };
        blocks.push(Block::Picture(result_figure::draw(&result.methodology, shown, voice.0)?));
    }
    Ok(blocks)
}

/// What the judge asked to be corrected, and what became of it.
pub fn corrections(file: &File, voice: Voice) -> Vec<Block> {
    let rows = file.rows.corrections.iter().map(|request| {
        let said = match &request.evidence {
            Some(evidence) => format!("{}\n{evidence}", request.claim),
            None => request.claim.clone(),
        };
        let cells = vec![
            voice.date(request.filed_at.date()),
            format!("{} {}", voice.word("record_type", request.record_type.as_str()), request.record_id),
            said,
            voice.word("correction_status", request.status.as_str()),
            voice.date(request.due_on),
            voice.or_nothing(request.reason.as_deref()),
        ];
        Row { cells, is_marked: request.status == CorrectionStatus::Open }
    });
    let columns = vec![
        column(voice, "file-column-filed_on", 13),
        column(voice, "file-column-record", 22),
        column(voice, "file-column-claim", 34),
        column(voice, "file-column-status", 14),
        column(voice, "file-column-due_on", 13),
        column(voice, "file-column-decision", 24),
    ];
    section(voice.say("file-section-corrections"), None, columns, rows.collect(), voice)
}

/// Who read the file: the latest readings, newest first. The judge is told the names; to others an account is its id, as it is
/// in the full view.
pub fn readings(file: &File, purpose: FilePurpose, voice: Voice) -> Vec<Block> {
    let rows = file.rows.readings.iter().map(|reading| {
        let entry = &reading.entry;
        let cells = vec![
            entry.occurred_at.format("%Y-%m-%d %H:%M UTC").to_string(),
            if purpose == FilePurpose::OwnFile { name_of(reading, voice) } else { id_of(&reading.entry) },
            voice.word("act", &entry.act),
            entry.purpose.as_ref().map_or_else(|| NOTHING.to_owned(), |purpose| voice.word("purpose", purpose)),
        ];
        Row { cells, is_marked: false }
    });
    let columns = vec![
        column(voice, "file-column-when", 22),
        column(voice, "file-column-reader", 42),
        column(voice, "file-column-read", 28),
        column(voice, "file-column-purpose", 20),
    ];
    let all = file.rows.reading_count().to_string();
    let note = Some(voice.tell("file-note-readings", &[("count", &all)]));
    section(voice.say("file-section-readings"), note, columns, rows.collect(), voice)
}

fn name_of(reading: &Reading, voice: Voice) -> String {
    let role = reading.staff_role.map(|role| voice.word("role", role.as_str()));
    let named = [reading.full_name.clone(), role, reading.client_name.clone()];
    let named: Vec<String> = named.into_iter().flatten().collect();
    if named.is_empty() { NOTHING.to_owned() } else { named.join(", ") }
}

fn id_of(entry: &AuditEntry) -> String {
    let account = entry.account_id.map(|id| id.to_string());
    account.or_else(|| entry.client_id.map(|id| id.to_string())).unwrap_or_else(|| NOTHING.to_owned())
}

//! What goes with a record that was kept for its time, and its end. What a newcomer would get wrong: records that replaced one
//! another go together; else the first would refer to what is no more.

use diesel::dsl::exists;
use diesel::prelude::*;

use super::acts::{Act, Attribution};
use super::corrections::CorrectionRequest;
use super::extracts::Extract;
use super::file_records::FileRecord;
use super::observations::Observation;
use super::schema::{
    act_attributions, acts, correction_requests, document_contents, extracts, file_records, observations,
};
use crate::db::Conn;
use crate::domain::ids::{ActId, CorrectionRequestId, ExtractId, JudgeId, ObservationId, RecordId};
use crate::domain::judge_file::CorrectionStatus;
use crate::domain::retention::{KeptAs, RetentionCategory};
use crate::error::Result;
use crate::on;

/// A record that is to go.
#[derive(Debug, Clone)]
pub struct Doomed {
    /// Its id.
    pub id: RecordId,
    /// What kind of record it is.
    pub category: RetentionCategory,
    /// What it says, for the digest that is left of it.
    pub imprint: Vec<u8>,
    /// The digest of its bytes, where it is a document.
    pub sha256: Option<String>,
}

/// A record with those that it replaced, the last one first; nothing where it is no more.
pub fn chain(conn: &mut Conn, category: RetentionCategory, head: RecordId) -> Result<Vec<Doomed>> {
    match category.kept_as() {
        KeptAs::Record(_) => {
            let first: Option<RecordId> =
                on!(conn, |c| { file_records::table.find(head).select(file_records::first_id).first(c).optional() })?;
            first.map_or_else(|| Ok(Vec::new()), |first| versions(conn, category, &[first]))
        }
        KeptAs::Observation => {
            let mut doomed = Vec::new();
            let mut next = Some(ObservationId(head.0));
            while let Some(id) = next.take() {
                let Some(row) = super::observations::find(conn, id)? else { break };
                next = row.supersedes_id;
                doomed.push(of_value(&row));
            }
            Ok(doomed)
        }
        KeptAs::Act => {
            let mut doomed = Vec::new();
            let mut next = Some(ActId(head.0));
            while let Some(id) = next.take() {
                let row: Option<Act> =
                    on!(conn, |c| { acts::table.find(id).select(Act::as_select()).first(c).optional() })?;
                let Some(row) = row else { break };
                let found: Vec<Attribution> = on!(conn, |c| {
                    act_attributions::table
                        .filter(act_attributions::act_id.eq(id))
                        .select(Attribution::as_select())
                        .order(act_attributions::number)
                        .load(c)
                })?;
                next = row.supersedes_id;
                doomed.push(of_review(&row, &found));
            }
            Ok(doomed)
        }
        KeptAs::CorrectionRequest => {
            let found = super::corrections::find(conn, CorrectionRequestId(head.0))?;
            Ok(found.iter().map(of_request).collect())
        }
        KeptAs::Extract => {
            let found = super::extracts::find(conn, ExtractId(head.0))?;
            let of_extract =
                |row: Extract| doomed(row.id.0, RetentionCategory::Extract, [row.facts, row.recipient].join("\u{1f}"));
            Ok(found.into_iter().map(of_extract).collect())
        }
    }
}

/// What was said about records and goes with them: the requests to correct them and the judge's statements beside them.
pub fn about(conn: &mut Conn, judge: JudgeId, ids: &[RecordId]) -> Result<Vec<Doomed>> {
    let requests: Vec<CorrectionRequest> = on!(conn, |c| {
        correction_requests::table
            .filter(correction_requests::record_id.eq_any(ids).and(correction_requests::judge_id.eq(judge)))
            .select(CorrectionRequest::as_select())
            .order(correction_requests::id)
            .load(c)
    })?;
    let firsts: Vec<RecordId> = on!(conn, |c| {
        file_records::table
            .filter(file_records::about_id.eq_any(ids).and(file_records::judge_id.eq(judge)))
            .select(file_records::first_id)
            .distinct()
            .load(c)
    })?;
    let mut doomed: Vec<Doomed> = requests.iter().map(of_request).collect();
    doomed.extend(versions(conn, RetentionCategory::JudgeStatement, &firsts)?);
    Ok(doomed)
}

fn versions(conn: &mut Conn, category: RetentionCategory, firsts: &[RecordId]) -> Result<Vec<Doomed>> {
    let rows: Vec<FileRecord> = on!(conn, |c| {
        file_records::table
            .filter(file_records::first_id.eq_any(firsts))
            .select(FileRecord::as_select())
            .order(file_records::id.desc())
            .load(c)
    })?;
    let doomed = |row: FileRecord| {
        let said =
            [row.source_system.as_str(), &row.content, row.end_reason.as_deref().unwrap_or_default()].join("\u{1f}");
        Doomed { id: row.id, category, imprint: said.into_bytes(), sha256: row.sha256 }
    };
    Ok(rows.into_iter().map(doomed).collect())
}

fn of_value(row: &Observation) -> Doomed {
    let said = format!(
        "{}\u{1f}{}\u{1f}{}\u{1f}{}\u{1f}{}\u{1f}{:?}",
        row.source_system, row.indicator_code, row.category, row.period_start, row.numerator, row.denominator
    );
    doomed(row.id.0, RetentionCategory::Observation, said)
}

fn of_review(row: &Act, found: &[Attribution]) -> Doomed {
    let reasons: Vec<&str> = found.iter().map(|found| found.reason.as_str()).collect();
    let said = format!(
        "{}\u{1f}{}\u{1f}{}\u{1f}{}\u{1f}{}\u{1f}{}",
        row.source_system,
        row.case_no,
        row.act_date,
        row.instance,
        row.outcome,
        reasons.join("\u{1f}")
    );
    doomed(row.id.0, RetentionCategory::Act, said)
}

fn of_request(row: &CorrectionRequest) -> Doomed {
    let said =
        [row.claim.as_str(), row.evidence.as_deref().unwrap_or_default(), row.reason.as_deref().unwrap_or_default()];
    doomed(row.id.0, RetentionCategory::CorrectionRequest, said.join("\u{1f}"))
}

fn doomed(id: uuid::Uuid, category: RetentionCategory, said: String) -> Doomed {
    Doomed { id: RecordId(id), category, imprint: said.into_bytes(), sha256: None }
}

/// Deletes records with all that belongs to them alone.
pub fn delete(conn: &mut Conn, judge: JudgeId, doomed: &[Doomed]) -> Result<()> {
    let (mut records, mut values, mut reviews) = (Vec::new(), Vec::new(), Vec::new());
    let (mut requests, mut handed_out) = (Vec::new(), Vec::new());
    for one in doomed {
        match one.category.kept_as() {
            KeptAs::Record(_) => records.push(one.id),
            KeptAs::Observation => values.push(one.id),
            KeptAs::Act => reviews.push(one.id),
            KeptAs::CorrectionRequest => requests.push(one.id),
            KeptAs::Extract => handed_out.push(one.id),
        }
    }
    on!(conn, |c| {
        diesel::delete(correction_requests::table.filter(correction_requests::id.eq_any(&requests))).execute(c)?;
        diesel::delete(extracts::table.filter(extracts::id.eq_any(&handed_out))).execute(c)?;
        diesel::delete(act_attributions::table.filter(act_attributions::act_id.eq_any(&reviews))).execute(c)?;
        diesel::delete(acts::table.filter(acts::id.eq_any(&reviews))).execute(c)?;
        diesel::delete(observations::table.filter(observations::id.eq_any(&values))).execute(c)?;
        // Records that replaced one another go in one statement: each refers to the one before it.
        diesel::delete(file_records::table.filter(file_records::id.eq_any(&records))).execute(c)?;
        for sha256 in doomed.iter().filter_map(|one| one.sha256.as_ref()) {
            let of_bytes = file_records::judge_id.eq(judge).and(file_records::sha256.eq(sha256));
            let others = file_records::table.filter(of_bytes).select(file_records::id);
            let is_used: bool = diesel::select(exists(others)).get_result(c)?;
            if !is_used {
                diesel::delete(document_contents::table.find((judge, sha256))).execute(c)?;
            }
        }
        Ok(())
    })
}

/// Whether a judge's file has a record of this id, of a kind that has a period.
pub fn is_of(conn: &mut Conn, judge: JudgeId, id: RecordId) -> Result<bool> {
    Ok(on!(conn, |c| {
        let in_records = file_records::table.find(id).filter(file_records::judge_id.eq(judge)).select(file_records::id);
        let in_values = observations::table.find(id).filter(observations::judge_id.eq(judge)).select(observations::id);
        let in_reviews = acts::table.find(id).filter(acts::judge_id.eq(judge)).select(acts::id);
        let of_judge = correction_requests::judge_id.eq(judge);
        let in_requests = correction_requests::table.find(id).filter(of_judge).select(correction_requests::id);
        let in_extracts = extracts::table.find(id).filter(extracts::judge_id.eq(judge)).select(extracts::id);
        let found = exists(in_records).or(exists(in_values)).or(exists(in_reviews)).or(exists(in_requests));
        diesel::select(found.or(exists(in_extracts))).get_result(c)
    })?)
}

/// Whether any of these records, or a request among them, waits for a decision on its correction.
pub fn is_disputed(conn: &mut Conn, ids: &[RecordId]) -> Result<bool> {
    Ok(on!(conn, |c| {
        let of_them = correction_requests::record_id.eq_any(ids).or(correction_requests::id.eq_any(ids));
        let open = correction_requests::table
            .filter(of_them.and(correction_requests::status.eq(CorrectionStatus::Open)))
            .select(correction_requests::id);
        diesel::select(exists(open)).get_result(c)
    })?)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::fs;
    use std::path::Path;

    use crate::domain::retention::{Permanent, RetentionCategory};

    /// What becomes of what a table holds of a judge.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
    enum Fate {
        Ends(&'static str),
        Stays(&'static str),
    }

    fn fates() -> BTreeMap<&'static str, Fate> {
        let ends = |category: RetentionCategory| Fate::Ends(category.as_str());
        let stays = |kind: Permanent| Fate::Stays(kind.as_str());
        BTreeMap::from([
            ("accounts", stays(Permanent::Account)),
            ("acts", ends(RetentionCategory::Act)),
            ("assignments", stays(Permanent::Evaluation)),
            ("audit_entries", stays(Permanent::AccessEntry)),
            ("conflicts", stays(Permanent::Conflict)),
            ("correction_requests", ends(RetentionCategory::CorrectionRequest)),
            ("document_contents", ends(RetentionCategory::Document)),
            ("evaluation_plan_entries", stays(Permanent::Evaluation)),
            ("evaluation_requests", stays(Permanent::Evaluation)),
            ("evaluations", stays(Permanent::Evaluation)),
            ("events", stays(Permanent::Event)),
            ("extracts", ends(RetentionCategory::Extract)),
            ("file_records", ends(RetentionCategory::Training)),
            ("judge_particulars", stays(Permanent::Identity)),
            ("judges", stays(Permanent::Identity)),
            ("leaves", stays(Permanent::Leave)),
            ("observations", ends(RetentionCategory::Observation)),
            ("pool_entries", stays(Permanent::Evaluation)),
            ("positions", stays(Permanent::Position)),
            ("retention_holds", stays(Permanent::RetentionTrail)),
            ("tombstones", stays(Permanent::RetentionTrail)),
            ("webhook_deliveries", stays(Permanent::Event)),
        ])
    }

    #[test]
    fn of_every_table_that_names_a_judge_it_is_said_what_becomes_of_it() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store");
        let mut text = fs::read_to_string(folder.join("schema.rs")).unwrap();
        for file in fs::read_dir(folder.join("schema")).unwrap() {
            text += &fs::read_to_string(file.unwrap().path()).unwrap();
        }
        let mut found = BTreeSet::from(["judges"]);
        for table in text.split("diesel::table! {").skip(1) {
            let table = table.split_once("\n}").unwrap().0;
            if table.lines().any(|line| line.trim_start().starts_with("judge_id ->")) {
                found.insert(table.trim_start().split_once(' ').unwrap().0);
            }
        }
        let known: BTreeSet<&str> = fates().keys().copied().collect();
        assert_eq!(
            found, known,
            "a table of judges' records needs a kind in domain::retention, with a period or permanent"
        );
        let stays: BTreeSet<Fate> = fates().into_values().filter(|fate| matches!(fate, Fate::Stays(_))).collect();
        let permanent = Permanent::ALL.iter().map(|kind| Fate::Stays(kind.as_str()));
        assert_eq!(stays, permanent.collect(), "what the preview calls permanent lies somewhere");
    }
}

//! How a reading pack is answered, with its acts and their texts. What a newcomer would get wrong: the order of what was not
//! drawn is no part of it. Who replaces an act must not know which one follows.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::ids::{AccountId, EvaluationId, JudgeId, ReadingActId, ReadingTextId};
use crate::domain::reading::{ReadingActState, ReadingLanguage, ReadingType, ReplacementGround, TextVerdict};
use crate::store::reading_packs::ReadingAct;
use crate::store::reading_texts::ReadingText;
use crate::workflow::reading::Opened;

/// The acts of a subject that all reviewers of the panel are given to read.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"evaluation_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "judge_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b12", "seed_commitment": "9f3c0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7", "window_from": "2026-02-01", "window_to": "2027-01-31", "candidate_count": 214, "record_digest": null, "acts": [], "digest": null, "size": null, "short_reason": null, "frozen_at": null}))]
pub struct ReadingPackView {
    /// The evaluation.
    evaluation_id: EvaluationId,
    /// The subject.
    judge_id: JudgeId,
    /// SHA-256 of the tagged seed, in hex: made when the cycle was opened, before the first act was on the list.
    #[schema(min_length = 64, max_length = 64)]
    seed_commitment: String,
    /// The first day of whose acts is drawn.
    window_from: NaiveDate,
    /// The last such day.
    window_to: NaiveDate,
    /// How many acts there are to draw from: those on the list, and those of these days that the file has.
    #[schema(minimum = 0)]
    candidate_count: usize,
    /// SHA-256 of the record of the draw, in hex; null before.
    #[schema(min_length = 64, max_length = 64)]
    record_digest: Option<String>,
    /// The acts, by category and drawn order; replaced ones too.
    #[schema(max_items = 1000)]
    acts: Vec<ReadingActView>,
    /// SHA-256 of the frozen pack, base64url, as the published list has it; null before.
    #[schema(min_length = 43, max_length = 43)]
    digest: Option<String>,
    /// How many bytes the frozen pack has, or null.
    #[schema(minimum = 0)]
    size: Option<i64>,
    /// Why it has fewer acts than the methodology asks for, or null.
    #[schema(max_length = 2000)]
    short_reason: Option<String>,
    /// When it was frozen, or null.
    frozen_at: Option<DateTime<Utc>>,
}

impl ReadingPackView {
    /// A pack with its acts and their texts.
    pub fn new(opened: Opened, candidate_count: usize, acts: Vec<ReadingAct>, texts: Vec<ReadingText>) -> Self {
        let Opened { evaluation, pack, window, .. } = opened;
        let view = |act: ReadingAct| {
            let own = texts.iter().filter(|text| text.reading_act_id == act.id).cloned().collect();
            ReadingActView::new(act, own)
        };
        ReadingPackView {
            evaluation_id: evaluation.id,
            judge_id: evaluation.judge_id,
            seed_commitment: pack.seed_commitment,
            window_from: window.from,
            window_to: window.to,
            candidate_count,
            record_digest: pack.record_digest,
            acts: acts.into_iter().map(view).collect(),
            digest: pack.digest,
            size: pack.size,
            short_reason: pack.short_reason,
            frozen_at: pack.frozen_at.map(|at| at.and_utc()),
        }
    }
}

/// An act that was drawn. What a higher court made of it stands in the file and nowhere here.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "evaluation_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b12", "category": "civil", "place": 0, "case_no": "7517-26-00-2/1042", "act_date": "2026-05-04", "state": "drawn", "replacement_ground": null, "decision_reason": null, "decided_by": null, "decided_at": null, "objection": null, "objected_at": null, "objection_decided_at": null, "texts": []}))]
pub struct ReadingActView {
    /// Its id.
    pub id: ReadingActId,
    /// Whose pack it is of.
    evaluation_id: EvaluationId,
    /// The kind of case.
    #[schema(max_length = 40)]
    category: String,
    /// Its place in the drawn order of the category, from 0.
    #[schema(minimum = 0)]
    place: i32,
    /// The number of the case.
    #[schema(max_length = 64)]
    case_no: String,
    /// The day of the act.
    act_date: NaiveDate,
    /// Where it stands.
    state: ReadingActState,
    /// Why the next one of the category took its place, or null.
    replacement_ground: Option<ReplacementGround>,
    /// Why staff decided as they did, or null.
    #[schema(max_length = 2000)]
    decision_reason: Option<String>,
    /// Who of the staff decided, or null.
    decided_by: Option<AccountId>,
    /// When, or null.
    decided_at: Option<DateTime<Utc>>,
    /// What the judge objects, or null.
    #[schema(max_length = 2000)]
    objection: Option<String>,
    /// When the judge objected, or null.
    objected_at: Option<DateTime<Utc>>,
    /// When staff decided on the objection, or null.
    objection_decided_at: Option<DateTime<Utc>>,
    /// Its texts, in the order of their ids.
    #[schema(max_items = 100)]
    texts: Vec<ReadingTextView>,
}

impl ReadingActView {
    /// An act with its texts.
    pub fn new(act: ReadingAct, texts: Vec<ReadingText>) -> Self {
        ReadingActView {
            id: act.id,
            evaluation_id: act.evaluation_id,
            category: act.category,
            place: act.place,
            case_no: act.case_no,
            act_date: act.act_date,
            state: act.state,
            replacement_ground: act.replacement_ground,
            decision_reason: act.decision_reason,
            decided_by: act.decided_by,
            decided_at: act.decided_at.map(|at| at.and_utc()),
            objection: act.objection,
            objected_at: act.objected_at.map(|at| at.and_utc()),
            objection_decided_at: act.objection_decided_at.map(|at| at.and_utc()),
            texts: texts.into_iter().map(ReadingTextView::from).collect(),
        }
    }
}

/// A depersonalised text; its bytes are asked for by its id.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "reading_act_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b12", "language": "kk", "media_type": "text/plain", "size": 18231, "sha256": "9f3c0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7", "uploaded_by": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b13", "uploaded_at": "2027-02-20T04:30:00Z", "verdict": null, "reason": null, "checked_by": null, "checked_at": null}))]
pub struct ReadingTextView {
    /// Its id.
    pub id: ReadingTextId,
    /// The act that it is of.
    reading_act_id: ReadingActId,
    /// Its language.
    language: ReadingLanguage,
    /// Its type.
    media_type: ReadingType,
    /// How many bytes it has.
    #[schema(minimum = 1, maximum = 262_144)]
    size: i32,
    /// SHA-256 of its bytes, in hex.
    #[schema(min_length = 64, max_length = 64)]
    sha256: String,
    /// Who put it in.
    uploaded_by: AccountId,
    /// When.
    uploaded_at: DateTime<Utc>,
    /// What the second person found, or null.
    verdict: Option<TextVerdict>,
    /// Why, or null.
    #[schema(max_length = 2000)]
    reason: Option<String>,
    /// Who the second person is, or null.
    checked_by: Option<AccountId>,
    /// When, or null.
    checked_at: Option<DateTime<Utc>>,
}

impl From<ReadingText> for ReadingTextView {
    fn from(row: ReadingText) -> Self {
        ReadingTextView {
            id: row.id,
            reading_act_id: row.reading_act_id,
            language: row.language,
            media_type: row.media_type,
            size: row.size,
            sha256: row.sha256,
            uploaded_by: row.uploaded_by,
            uploaded_at: row.uploaded_at.and_utc(),
            verdict: row.verdict,
            reason: row.reason,
            checked_by: row.checked_by,
            checked_at: row.checked_at.map(|at| at.and_utc()),
        }
    }
}

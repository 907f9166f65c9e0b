//! What other systems are told: which events there are, and what each says. What a newcomer would get wrong: to add what would
//! be handy. An event goes to systems that we do not run and stays there, so it says that something final came about, by ids
//! and codes; what it is, the receiver asks for, where it may. No mark, count, figure or word of a person is ever in one.

use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;

use crate::coded;
use crate::domain::ids::{EvaluationId, EventId, ExtractId, JudgeId};

coded! {
    /// What came about. The list grows: who reads events passes over the kinds that it does not know.
    EventKind {
        /// An evaluation is final: the time for an appeal is over, or the appeal is decided.
        EvaluationFinalised = "evaluation.finalised",
        /// What was final no longer holds; nothing may rest on it.
        EvaluationRevoked = "evaluation.revoked",
        /// A final decision recommends training or mentoring.
        TrainingRecommended = "training.recommended",
        /// An extract was issued to the system that is told, which may fetch it.
        ExtractIssued = "extract.issued",
        /// An extract that was issued to the system that is told no longer holds.
        ExtractRevoked = "extract.revoked",
    }
}

/// The members of an event that some kinds have and others have not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Member {
    /// Which evaluation.
    EvaluationId,
    /// Which extract.
    ExtractId,
    /// How the evaluation ended.
    OutcomeCode,
    /// Until when it serves.
    ValidUntil,
    /// Which document says so.
    DocumentDigest,
}

/// Whether a kind of event has a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Has {
    /// Always.
    Always,
    /// Where there is one.
    Sometimes,
    /// Never: it is null.
    Never,
}

impl Member {
    /// All of them, in the order in which an event has them.
    pub const ALL: [Member; 5] =
        [Member::EvaluationId, Member::ExtractId, Member::OutcomeCode, Member::ValidUntil, Member::DocumentDigest];

    /// Its name in an event.
    pub fn name(self) -> &'static str {
        match self {
            Member::EvaluationId => "evaluation_id",
            Member::ExtractId => "extract_id",
            Member::OutcomeCode => "outcome_code",
            Member::ValidUntil => "valid_until",
            Member::DocumentDigest => "document_digest",
        }
    }
}

impl EventKind {
    /// The version of the form in which events of this kind are written from now on; within one, members are only added.
    pub fn version(self) -> i32 {
        1
    }

    /// Whether an event of this kind has a member.
    pub fn has(self, member: Member) -> Has {
        match (self, member) {
            (EventKind::EvaluationFinalised, Member::EvaluationId | Member::OutcomeCode | Member::DocumentDigest) => {
                Has::Always
            }
            (EventKind::EvaluationFinalised, Member::ValidUntil) => Has::Sometimes,
            (EventKind::EvaluationRevoked | EventKind::TrainingRecommended, Member::EvaluationId) => Has::Always,
            (EventKind::EvaluationRevoked | EventKind::TrainingRecommended, Member::DocumentDigest) => Has::Sometimes,
            (EventKind::ExtractIssued | EventKind::ExtractRevoked, Member::ExtractId) => Has::Always,
            (
                EventKind::EvaluationFinalised
                | EventKind::EvaluationRevoked
                | EventKind::TrainingRecommended
                | EventKind::ExtractIssued
                | EventKind::ExtractRevoked,
                Member::EvaluationId
                | Member::ExtractId
                | Member::OutcomeCode
                | Member::ValidUntil
                | Member::DocumentDigest,
            ) => Has::Never,
        }
    }

    /// Whether each system that could have read what is withdrawn has to say that it knows.
    pub fn is_acknowledged(self) -> bool {
        match self {
            EventKind::EvaluationRevoked | EventKind::ExtractRevoked => true,
            EventKind::EvaluationFinalised | EventKind::TrainingRecommended | EventKind::ExtractIssued => false,
        }
    }
}

/// An event, as the feed shows it and as it is sent; every member is there, null where the kind has none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(example = json!({"type": "evaluation.finalised", "version": 1, "id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "occurred_on": "2027-06-30", "judge_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b12", "evaluation_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b13", "extract_id": null, "outcome_code": "fit", "valid_until": "2029-06-30", "document_digest": "UNhY4JhezH9gQYqvDMWrWH9CwlcKiECVqejMrND2VFw"}))]
pub struct Event {
    /// What came about.
    #[serde(rename = "type")]
    pub kind: EventKind,
    /// The version of the form of this kind of event.
    #[schema(minimum = 1)]
    pub version: i32,
    /// Its id: the same event again has the same.
    pub id: EventId,
    /// The day in Kazakhstan on which it came about.
    pub occurred_on: NaiveDate,
    /// Whom it concerns.
    pub judge_id: JudgeId,
    /// Which evaluation, or null.
    pub evaluation_id: Option<EvaluationId>,
    /// Which extract, or null.
    pub extract_id: Option<ExtractId>,
    /// How the evaluation ended, by a code of its methodology, or null.
    #[schema(min_length = 1, max_length = 40, pattern = "^[a-z][a-z0-9_]{0,39}$")]
    pub outcome_code: Option<String>,
    /// The last day on which the outcome serves, or null.
    pub valid_until: Option<NaiveDate>,
    /// The digest of the document that says so, or null.
    #[schema(min_length = 43, max_length = 64, pattern = "^[A-Za-z0-9_-]{43,64}$")]
    pub document_digest: Option<String>,
}

impl Event {
    /// What is wrong with it: a member that its kind has not or must have, or a text where a code stands.
    pub fn fault(&self) -> Option<&'static str> {
        for member in Member::ALL {
            let is_there = match member {
                Member::EvaluationId => self.evaluation_id.is_some(),
                Member::ExtractId => self.extract_id.is_some(),
                Member::OutcomeCode => self.outcome_code.is_some(),
                Member::ValidUntil => self.valid_until.is_some(),
                Member::DocumentDigest => self.document_digest.is_some(),
            };
            match self.kind.has(member) {
                Has::Always if !is_there => return Some(member.name()),
                Has::Never if is_there => return Some(member.name()),
                Has::Always | Has::Sometimes | Has::Never => {}
            }
        }
        let is_code = |text: &String| {
            text.len() <= 40
                && text.starts_with(|c: char| c.is_ascii_lowercase())
                && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        };
        let is_digest = |text: &String| {
            (43..=64).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        };
        if !self.outcome_code.as_ref().is_none_or(is_code) {
            return Some(Member::OutcomeCode.name());
        }
        (!self.document_digest.as_ref().is_none_or(is_digest)).then(|| Member::DocumentDigest.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn finalised() -> Event {
        Event {
            kind: EventKind::EvaluationFinalised,
            version: 1,
            id: EventId(Uuid::nil()),
            occurred_on: NaiveDate::MIN,
            judge_id: JudgeId(Uuid::nil()),
            evaluation_id: Some(EvaluationId(Uuid::nil())),
            extract_id: None,
            outcome_code: Some("fit_with_training".to_owned()),
            valid_until: None,
            document_digest: Some("UNhY4JhezH9gQYqvDMWrWH9CwlcKiECVqejMrND2VFw".to_owned()),
        }
    }

    #[test]
    fn an_event_says_by_codes_what_its_kind_says_and_nothing_else() {
        assert_eq!(finalised().fault(), None);
        let said = |change: fn(&mut Event)| {
            let mut event = finalised();
            change(&mut event);
            event.fault()
        };
        assert_eq!(said(|event| event.evaluation_id = None), Some("evaluation_id"));
        assert_eq!(said(|event| event.extract_id = Some(ExtractId(Uuid::nil()))), Some("extract_id"));
        assert_eq!(said(|event| event.kind = EventKind::EvaluationRevoked), Some("outcome_code"));
        for text in ["", "Fit", "fit, with a mark of 4.25", "соответствует", "4"] {
            let event = Event { outcome_code: Some(text.to_owned()), ..finalised() };
            assert_eq!(event.fault(), Some("outcome_code"), "{text}");
        }
        for text in ["", "UNhY", "The reasons of the decision are as follows: the judge did"] {
            let event = Event { document_digest: Some(text.to_owned()), ..finalised() };
            assert_eq!(event.fault(), Some("document_digest"), "{text}");
        }
    }

    #[test]
    fn of_an_extract_an_event_says_which_one_and_no_more() {
        for kind in [EventKind::ExtractIssued, EventKind::ExtractRevoked] {
            let said: Vec<Member> = Member::ALL.into_iter().filter(|member| kind.has(*member) != Has::Never).collect();
            assert_eq!(said, [Member::ExtractId], "{kind}");
        }
    }
}

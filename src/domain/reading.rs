//! The reading pack: acts of a subject drawn at random, depersonalised, checked by a second person and frozen, so that every
//! reviewer of that subject reads the same bytes. What a newcomer would get wrong: what a higher court made of an act is no
//! part of it. An act is drawn by its category alone, else reversals would choose what reviewers read.

pub mod draw;
pub mod scan;

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::coded;
use crate::domain::acts::CASE_NO_LENGTH_MAX;
use crate::domain::cycle::Phase;
use crate::domain::ids::JudgeId;
use crate::domain::iin::Iin;
use crate::domain::indicators::Catalogue;
use crate::domain::judge_file::{CODE_40, Check, is_code};
use crate::error::hint::Hint;
use crate::error::{Code, Error, Result, Rule};

/// Bytes of a depersonalised text at most. Eight of them, in base64, for nine subjects stay below what a client reads in one
/// answer.
pub const TEXT_BYTES_MAX: usize = 256 * 1024;

/// Acts of one request at most, as a body of JSON holds.
pub const CANDIDATES_MAX: usize = 300;

coded! {
    /// Where a drawn act stands.
    ReadingActState {
        /// Its depersonalised text is awaited.
        Drawn = "drawn",
        /// A text waits for a second person.
        Uploaded = "uploaded",
        /// The second person sent the text back; another is awaited.
        SentBack = "sent_back",
        /// The second person passed the text.
        Passed = "passed",
        /// The next of its category was taken in its place.
        Replaced = "replaced",
    }
}

impl ReadingActState {
    /// Whether a text may be put in: never a second one beside one that waits for a second person.
    pub fn awaits_text(self) -> bool {
        match self {
            ReadingActState::Drawn | ReadingActState::SentBack => true,
            ReadingActState::Uploaded | ReadingActState::Passed | ReadingActState::Replaced => false,
        }
    }

    /// Whether the act is one of the pack.
    pub fn is_in_use(self) -> bool {
        self != ReadingActState::Replaced
    }
}

coded! {
    /// Why the next act of a category was taken in the place of another.
    ReplacementGround {
        /// The case, the author or a party can be recognised, whatever is left out.
        Recognisable = "recognisable",
        /// There is no text that could be given, such as of a closed hearing.
        Unavailable = "unavailable",
        /// The judge objected with reasons.
        Objection = "objection",
    }
}

coded! {
    /// What a second person found of a text.
    TextVerdict {
        /// It may be read by reviewers.
        Passed = "passed",
        /// It has to be depersonalised better, as the reasons say.
        SentBack = "sent_back",
        /// It can be recognised whatever is left out: the next act of the category takes its place.
        Recognisable = "recognisable",
    }
}

coded! {
    /// What staff decide of an act as it was drawn.
    ActDecision {
        /// It stays, against the judge's objection.
        Keep = "keep",
        /// The next of its category takes its place.
        Replace = "replace",
    }
}

coded! {
    /// The language of a text; those of equal standing.
    ReadingLanguage {
        /// Kazakh.
        Kk = "kk",
        /// Russian.
        Ru = "ru",
    }
}

coded! {
    /// The type of a text.
    ReadingType {
        /// Text in UTF-8.
        Text = "text/plain",
        /// PDF.
        Pdf = "application/pdf",
    }
}

/// What a second person looked for in a text. All of it, or it does not pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Checklist {
    /// No party, representative or witness can be told by name, address, number or office.
    pub parties_removed: bool,
    /// Neither the judge nor the court is named or described.
    pub author_removed: bool,
    /// No number, date or place of the case is left by which it could be looked up.
    pub case_removed: bool,
    /// No person could be found by an unusual fact of the case.
    pub facts_generalised: bool,
    /// The reasoning can still be followed.
    pub is_readable: bool,
}

impl Checklist {
    /// Notes what was not found in order.
    pub fn check(self, check: &mut Check) {
        let points = [
            ("parties_removed", self.parties_removed),
            ("author_removed", self.author_removed),
            ("case_removed", self.case_removed),
            ("facts_generalised", self.facts_generalised),
            ("is_readable", self.is_readable),
        ];
        for (name, is_found) in points {
            check.rule(is_found, &format!("/checklist/{name}"), Rule::OneOf { allowed: "true".into() });
        }
    }
}

/// An act that may be drawn: no more is known of it here, above all no outcome. Ordered as the draw wants it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Candidate {
    /// The kind of case.
    #[schema(max_length = 40, example = "civil")]
    pub category: String,
    /// The day of the act.
    pub act_date: NaiveDate,
    /// The number of the case.
    #[schema(min_length = 1, max_length = 64, example = "7517-26-00-2/17")]
    pub case_no: String,
}

/// The days of which a pack has acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The first day.
    pub from: NaiveDate,
    /// The last day.
    pub to: NaiveDate,
}

/// Notes every fault of a list of acts.
pub fn check_candidates(check: &mut Check, acts: &[Candidate], window: Window, catalogue: &Catalogue) {
    let is_some = (1..=CANDIDATES_MAX).contains(&acts.len());
    check.rule(is_some, "/acts", Rule::Length { min: 1, max: CANDIDATES_MAX as u64 });
    let mut seen = BTreeSet::new();
    for (index, act) in acts.iter().enumerate() {
        let at = |member: &str| format!("/acts/{index}/{member}");
        check.text(&at("case_no"), &act.case_no, CASE_NO_LENGTH_MAX);
        // This column is not encrypted, and some systems name cases by a party.
        let is_iin = Iin::parse(act.case_no.trim()).is_ok();
        check.rule(!is_iin, &at("case_no"), Rule::Format { expected: "an identifier other than an IIN" });
        if is_code(&act.category, 40) {
            check.rule(catalogue.has_category(&act.category), &at("category"), Rule::Missing);
        } else {
            check.rule(false, &at("category"), CODE_40);
        }
        let is_within = (window.from..=window.to).contains(&act.act_date);
        check.rule(is_within, &at("act_date"), Rule::Format { expected: "a day of the pack's window" });
        check.rule(seen.insert((&act.case_no, act.act_date)), &at("case_no"), Rule::Duplicate);
    }
}

/// What a pack lacks before it can be frozen. Counts, so that 0 is good.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Gaps {
    /// Acts whose text is awaited.
    pub texts_missing: u32,
    /// Acts whose text waits for a second person.
    pub texts_unchecked: u32,
    /// Objections of the judge on which nobody has decided.
    pub objections_open: u32,
}

impl Gaps {
    /// Whether nothing is missing.
    pub fn is_closed(self) -> bool {
        self == Gaps::default()
    }
}

/// A pack that is not frozen, with what it lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PackGap {
    /// Whose it is.
    pub judge: JudgeId,
    /// What it lacks; nothing where it has only to be frozen.
    pub gaps: Gaps,
}

impl PackGap {
    /// What is to be done about it.
    pub fn hint(&self) -> Hint {
        let Gaps { texts_missing, texts_unchecked, objections_open } = self.gaps;
        Hint::new("reading_pack_unfrozen")
            .text("judge", self.judge)
            .text("texts", texts_missing)
            .text("checks", texts_unchecked)
            .text("objections", objections_open)
    }
}

/// The phases in which the list of acts is filled and acts are drawn: before the pool is shown, so that the judge has all of
/// the pool's review to object in.
pub const DRAWING: [Phase; 2] = [Phase::Announced, Phase::FileReview];

/// The phases in which texts are put in and checked, and acts replaced.
pub const PREPARING: [Phase; 4] = [Phase::Announced, Phase::FileReview, Phase::PoolReview, Phase::Drawn];

/// The phases in which the judge may object to an act.
pub const OBJECTING: [Phase; 3] = [Phase::Announced, Phase::FileReview, Phase::PoolReview];

/// Refuses a text put in by the very person who is to check it.
///
/// # Errors
/// 409 `second_person_required`.
pub fn may_check<Id: PartialEq>(uploaded_by: Id, checked_by: Id) -> Result<()> {
    if uploaded_by == checked_by { Err(Error::from(Code::SecondPersonRequired)) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Fault;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn act(category: &str, act_date: &str, case_no: &str) -> Candidate {
        Candidate { category: category.into(), act_date: day(act_date), case_no: case_no.into() }
    }

    fn faults(acts: &[Candidate]) -> Vec<Fault> {
        let window = Window { from: day("2026-02-01"), to: day("2027-01-31") };
        let mut check = Check::default();
        check_candidates(&mut check, acts, window, Catalogue::standard().unwrap());
        match check.done() {
            Ok(()) => Vec::new(),
            Err(Error::Refused(refusal)) => refusal.faults,
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn an_act_has_a_number_a_known_category_and_a_day_of_the_window_and_stands_once() {
        assert_eq!(faults(&[act("civil", "2026-02-01", "2-1/2026"), act("civil", "2027-01-31", "2-1/2026")]), []);
        let window = Rule::Format { expected: "a day of the pack's window" };
        let iin = Rule::Format { expected: "an identifier other than an IIN" };
        let cases = [
            (act("civil", "2026-01-31", "2-1/2026"), Fault::at("/acts/0/act_date", window.clone())),
            (act("civil", "2027-02-01", "2-1/2026"), Fault::at("/acts/0/act_date", window)),
            (act("charm", "2026-02-01", "2-1/2026"), Fault::at("/acts/0/category", Rule::Missing)),
            (act("Civil", "2026-02-01", "2-1/2026"), Fault::at("/acts/0/category", CODE_40)),
            (act("civil", "2026-02-01", "850101424712"), Fault::at("/acts/0/case_no", iin)),
        ];
        for (act, fault) in cases {
            assert_eq!(faults(&[act]), [fault]);
        }
        let twice = [act("civil", "2026-02-01", "2-1/2026"), act("criminal", "2026-02-01", "2-1/2026")];
        assert_eq!(faults(&twice), [Fault::at("/acts/1/case_no", Rule::Duplicate)]);
        assert_eq!(faults(&[]).len(), 1);
    }

    #[test]
    fn a_text_passes_only_with_every_point_of_the_list_and_under_another_persons_eyes() {
        let all = Checklist {
            parties_removed: true,
            author_removed: true,
            case_removed: true,
            facts_generalised: true,
            is_readable: true,
        };
        let passes = |list: Checklist| {
            let mut check = Check::default();
            list.check(&mut check);
            check.done().is_ok()
        };
        assert!(passes(all));
        assert!(!passes(Checklist { author_removed: false, ..all }));
        assert!(!passes(Checklist { is_readable: false, ..all }));
        assert_eq!(may_check(1, 1).unwrap_err().code(), Code::SecondPersonRequired);
        assert!(may_check(1, 2).is_ok());
    }
}

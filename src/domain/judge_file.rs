//! The words of a judge's file, and the checks of form that its records share. What a newcomer would get wrong: nothing in
//! a file is overwritten. A correction is a new record that names the one it replaces, and the old one stays readable.

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::coded;
use crate::domain::calendar::WorkCalendar;
use crate::error::{Code, Error, Fault, Place, Result, Rule};

/// Working days in which a request for correction is to be decided where no cycle of the judge is under way, whose
/// methodology would say; our own default (`domain.md` 7.1), as no statutory time is known.
pub const CORRECTION_WORKING_DAYS: u32 = 10;

/// The longest name of a person, a court or another system, in characters.
pub const NAME_LENGTH_MAX: usize = 200;

coded! {
    /// The level of a court.
    CourtLevel {
        /// District court, and those equal to it.
        District = "district",
        /// Regional court, and those equal to it.
        Regional = "regional",
        /// Cassation court.
        Cassation = "cassation",
        /// The Supreme Court.
        Supreme = "supreme",
    }
}

coded! {
    /// The kind of post that a judge holds; a judge may hold one of each kind at a time.
    PositionKind {
        /// Judge of the court.
        Judge = "judge",
        /// Chair of a judicial panel.
        PanelChair = "panel_chair",
        /// Chair of the court.
        CourtChair = "court_chair",
    }
}

coded! {
    /// Why a post ended.
    EndedReason {
        /// Transfer to another court or specialisation.
        Transfer = "transfer",
        /// Promotion to a higher court.
        Promotion = "promotion",
        /// At the judge's own wish.
        Resignation = "resignation",
        /// Honourable retirement.
        Retirement = "retirement",
        /// The age limit.
        Age = "age",
        /// Health.
        Health = "health",
        /// Professional unfitness, by a procedure of its own.
        ProfessionalUnfitness = "professional_unfitness",
        /// A disciplinary decision.
        Disciplinary = "disciplinary",
        /// A conviction.
        Criminal = "criminal",
        /// Death.
        Death = "death",
        /// Anything else.
        Other = "other",
    }
}

coded! {
    /// How a record of the file stands.
    RecordStatus {
        /// In force.
        Active = "active",
        /// In force, but the judge asked for its correction: it stays out of reports until that is decided.
        Disputed = "disputed",
        /// Replaced by a newer record.
        Corrected = "corrected",
        /// Taken back without a replacement.
        Withdrawn = "withdrawn",
    }
}

impl RecordStatus {
    /// Whether the record is the one that counts for its key, disputed or not.
    pub fn is_in_force(self) -> bool {
        match self {
            RecordStatus::Active | RecordStatus::Disputed => true,
            RecordStatus::Corrected | RecordStatus::Withdrawn => false,
        }
    }

    /// How a record begins that takes the place of this one. A dispute ends by its decision and not by a restatement,
    /// which could say the same again and be in every report before anybody has decided.
    pub fn of_successor(self) -> RecordStatus {
        match self {
            RecordStatus::Disputed => RecordStatus::Disputed,
            RecordStatus::Active | RecordStatus::Corrected | RecordStatus::Withdrawn => RecordStatus::Active,
        }
    }
}

coded! {
    /// How a request for correction stands.
    CorrectionStatus {
        /// Waiting for a decision.
        Open = "open",
        /// The judge was right: a newer record has taken the place of the disputed one.
        Accepted = "accepted",
        /// The judge was right in part; a newer record, too.
        Partly = "partly",
        /// The record stands as it was.
        Rejected = "rejected",
    }
}

coded! {
    /// The decision on a request for correction.
    CorrectionOutcome {
        /// The judge was right; needs that the newer value is recorded already.
        Accepted = "accepted",
        /// The judge was right in part; needs the newer value, too.
        Partly = "partly",
        /// The record stands as it was.
        Rejected = "rejected",
    }
}

impl CorrectionOutcome {
    /// The status that the request has from then on.
    pub fn status(self) -> CorrectionStatus {
        match self {
            CorrectionOutcome::Accepted => CorrectionStatus::Accepted,
            CorrectionOutcome::Partly => CorrectionStatus::Partly,
            CorrectionOutcome::Rejected => CorrectionStatus::Rejected,
        }
    }
}

coded! {
    /// Why two judges may not evaluate one another.
    ConflictKind {
        /// Relatives.
        Relative = "relative",
        /// One is, or was within three years, the other's superior.
        SuperiorSubordinate = "superior_subordinate",
        /// A lawsuit between them.
        Litigation = "litigation",
        /// One complained of the other.
        ComplaintAuthor = "complaint_author",
        /// One referred the other to discipline.
        ReferralToDiscipline = "referral_to_discipline",
        /// Close friendship or open hostility.
        CloseFriendshipOrHostility = "close_friendship_or_hostility",
        /// Shared business.
        Business = "business",
        /// Both apply for one post.
        RivalApplication = "rival_application",
    }
}

coded! {
    /// Why a person's file is read; kept with the reading, and shown to the judge.
    FilePurpose {
        /// The judge reads the own file.
        OwnFile = "own_file",
        /// For an evaluation.
        Evaluation = "evaluation",
        /// For a personnel matter, or to keep the file.
        Personnel = "personnel",
        /// To decide a request for correction.
        Correction = "correction",
    }
}

/// The name that another system has for a court or a judge; unique among the courts, or the judges.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"source_system": "toerelik", "value": "7101"}))]
pub struct ExternalId {
    /// The other system.
    #[schema(min_length = 1, max_length = 40, pattern = "^[a-z][a-z0-9_]{0,39}$")]
    pub source_system: String,
    /// Its name for the thing; never an IIN.
    #[schema(min_length = 1, max_length = 100)]
    pub value: String,
}

/// The day on which a request filed on `filed_on` is due. The source answers, so no absence of the judge stops this clock.
///
/// Through a year whose calendar is not on record weekends alone are left out: a day too early is the lesser harm to the
/// judge.
pub fn correction_due_on(filed_on: NaiveDate, working_days: u32, calendar: &WorkCalendar) -> NaiveDate {
    calendar.working_days_after(filed_on, working_days)
}

/// The form of a code of the field.
pub const CODE_40: Rule = Rule::Format { expected: "1 to 40 of a-z, 0-9 and _, a letter first" };

/// Collects the faults of a body, so that all are told at once.
#[derive(Debug, Default)]
pub struct Check(Vec<Fault>);

impl Check {
    /// Notes a fault where `is_kept` is false.
    pub fn rule(&mut self, is_kept: bool, pointer: &str, rule: Rule) {
        if !is_kept {
            self.0.push(Fault::at(pointer, rule));
        }
    }

    /// A text for people: 1 to `max` characters, not blank, without control characters but line breaks and tabs.
    pub fn text(&mut self, pointer: &str, text: &str, max: usize) {
        let is_filled = !text.trim().is_empty() && text.chars().count() <= max;
        self.rule(is_filled, pointer, Rule::Length { min: 1, max: max as u64 });
        self.rule(is_printable(text), pointer, Rule::Format { expected: "text without control characters" });
    }

    /// The same, where there is one.
    pub fn optional_text(&mut self, pointer: &str, text: Option<&str>, max: usize) {
        if let Some(text) = text {
            self.text(pointer, text, max);
        }
    }

    /// The name of a system of record: a code.
    pub fn system(&mut self, pointer: &str, code: &str) {
        self.rule(is_code(code, 40), pointer, CODE_40);
    }

    /// The name of a body of the judiciary: a code.
    pub fn body(&mut self, pointer: &str, code: &str) {
        let form = Rule::Format { expected: "1 to 64 of a-z, 0-9 and _, a letter first" };
        self.rule(is_code(code, 64), pointer, form);
    }

    /// An external id, where there is one; `pointer` is that of the object.
    ///
    /// A value that is a valid IIN is refused: this column is not encrypted.
    pub fn external_id(&mut self, pointer: &str, id: Option<&ExternalId>) {
        let Some(id) = id else { return };
        self.system(&format!("{pointer}/source_system"), &id.source_system);
        self.text(&format!("{pointer}/value"), &id.value, 100);
        let is_iin = crate::domain::iin::Iin::parse(id.value.trim()).is_ok();
        self.rule(!is_iin, &format!("{pointer}/value"), Rule::Format { expected: "an identifier other than an IIN" });
    }

    /// A date of the field: from 1900 to 2999, which both engines keep and every client can read.
    pub fn date(&mut self, pointer: &str, date: NaiveDate) {
        let is_known = (1900..=2999).contains(&date.year());
        self.rule(is_known, pointer, Rule::Format { expected: "a date from 1900 to 2999, such as 2026-09-30" });
    }

    /// A date of the field that has come.
    pub fn past_date(&mut self, pointer: &str, date: NaiveDate, today: NaiveDate) {
        self.date(pointer, date);
        self.rule(date <= today, pointer, Rule::Format { expected: "a date that is not in the future" });
    }

    /// An end that, where there is one, is not before its start.
    pub fn span(&mut self, starts_on: NaiveDate, ends_on: Option<NaiveDate>) {
        self.date("/starts_on", starts_on);
        if let Some(ends_on) = ends_on {
            self.date("/ends_on", ends_on);
            self.rule(ends_on >= starts_on, "/ends_on", Rule::Order { other: "starts_on" });
        }
    }

    /// More faults, found elsewhere.
    pub fn faults(&mut self, faults: Vec<Fault>) {
        self.0.extend(faults);
    }

    /// 400 with all that was found, where parameters of the query were checked under their names.
    pub fn parameters(self) -> Result<()> {
        let named = |fault: Fault| match fault.place {
            Place::Pointer(name) => Fault::parameter(name, fault.rule),
            Place::Parameter(_) => fault,
        };
        if self.0.is_empty() {
            return Ok(());
        }
        Err(Error::faults(Code::Malformed, self.0.into_iter().map(named).collect()))
    }

    /// 422 with all that was found.
    pub fn done(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::faults(Code::Invalid, self.0)) }
    }
}

/// Whether a text is a code of at most `max` characters: a-z, 0-9 and _, a letter first.
pub fn is_code(text: &str, max: usize) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    text.len() <= max && text.starts_with(|c: char| c.is_ascii_lowercase()) && text.bytes().all(is_plain)
}

/// Whether a text holds no control character but line breaks and tabs; PostgreSQL keeps no NUL.
pub fn is_printable(text: &str) -> bool {
    text.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::iin::Iin;

    fn faults(work: impl Fn(&mut Check)) -> Vec<&'static str> {
        let mut check = Check::default();
        work(&mut check);
        check.0.iter().map(|fault| fault.rule.code()).collect()
    }

    #[test]
    fn a_text_is_neither_blank_nor_too_long_nor_holds_control_characters() {
        assert!(faults(|check| check.text("/claim", "Екі жол\nбар", 12)).is_empty());
        assert_eq!(faults(|check| check.text("/claim", " \n", 12)), ["length"]);
        assert_eq!(faults(|check| check.text("/claim", "ұзын мәтін екен", 12)), ["length"]);
        assert_eq!(faults(|check| check.text("/claim", "a\0b", 12)), ["format"]);
    }

    #[test]
    fn an_iin_is_no_external_id() {
        let iin = Iin::with_check_digit("85010142471").unwrap();
        let id = |value: &str| ExternalId { source_system: "hr".into(), value: value.into() };
        assert_eq!(faults(|check| check.external_id("/external_id", Some(&id(iin.as_str())))), ["format"]);
        assert!(faults(|check| check.external_id("/external_id", Some(&id("850101424713")))).is_empty());
    }

    #[test]
    fn dates_that_an_engine_or_a_reader_may_not_know_are_refused() {
        for (text, found) in [("1899-12-31", 1), ("1900-01-01", 0), ("2999-12-31", 0), ("+12000-01-01", 1)] {
            assert_eq!(faults(|check| check.date("/as_of", text.parse().unwrap())).len(), found, "{text}");
        }
    }

    #[test]
    fn a_request_of_a_monday_is_due_on_the_second_monday_after() {
        assert_eq!(
            correction_due_on("2027-01-11".parse().unwrap(), CORRECTION_WORKING_DAYS, &WorkCalendar::default()),
            "2027-01-25".parse().unwrap()
        );
    }

    #[test]
    fn what_is_disputed_still_counts_and_what_is_corrected_does_not() {
        let in_force: Vec<_> = RecordStatus::ALL.iter().filter(|status| status.is_in_force()).collect();
        assert_eq!(in_force, [&RecordStatus::Active, &RecordStatus::Disputed]);
    }

    #[test]
    fn what_takes_the_place_of_a_disputed_record_is_disputed() {
        let disputed = RecordStatus::ALL.iter().filter(|status| status.of_successor() == RecordStatus::Disputed);
        assert_eq!(disputed.collect::<Vec<_>>(), [&RecordStatus::Disputed]);
    }
}

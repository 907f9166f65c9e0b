//! The one check of what is written into files and lists, for a record that is added alone and for a row of a file alike. A
//! newcomer's usual mistake is to check a row elsewhere: two checks drift apart, and what one operation refuses comes in by
//! the other.

use chrono::NaiveDate;

use super::particulars;
use super::records::NewFileRecord;
use super::restatements::{status_after, take_out_of_force};
use crate::db::Conn;
use crate::domain::acts::{ReportedReview, check_review};
use crate::domain::calendar::Period;
use crate::domain::caller::Caller;
use crate::domain::iin::Iin;
use crate::domain::indicators::{Catalogue, Indicator, NewObservation as Reported, check_observation as check_value};
use crate::domain::judge_file::{Check, ExternalId, NAME_LENGTH_MAX, RecordStatus};
use crate::domain::sections::{OWN_SOURCE, STAFF_SOURCE};
use crate::error::{Code, Error, Result, Rule};
use crate::store;
use crate::store::acts::Act;
use crate::store::courts::Court;
use crate::store::judges::Judge;
use crate::store::observations::Observation;
use crate::store::particulars::Particulars;
use crate::store::positions::Position;

/// Most characters of a region.
pub const REGION_LENGTH_MAX: usize = 100;

/// Most posts of a court.
const POSTS_MAX: i32 = 400;

/// All faults of a court.
pub fn check_court(caller: &Caller, court: &Court, external_id: Option<&ExternalId>) -> Result<()> {
    let mut check = Check::default();
    check.text("/name_kk", &court.name_kk, NAME_LENGTH_MAX);
    check.text("/name_ru", &court.name_ru, NAME_LENGTH_MAX);
    check.optional_text("/name_en", court.name_en.as_deref(), NAME_LENGTH_MAX);
    check.text("/region", &court.region, REGION_LENGTH_MAX);
    let is_known = (0..=POSTS_MAX).contains(&court.posts);
    check.rule(is_known, "/posts", Rule::Range { min: 0, max: i64::from(POSTS_MAX) });
    court.specialisations.check(&mut check, "/specialisations", Catalogue::standard()?);
    check.external_id("/external_id", external_id);
    caller.check_external_id(&mut check, "/external_id", external_id);
    check.done()
}

/// All faults of a judge and of what is told of the person, whose source the external id names; the IIN as it is read.
pub fn check_judge(
    caller: &Caller,
    judge: &Judge,
    iin: &str,
    external_id: Option<&ExternalId>,
    told: Option<&Particulars>,
    today: NaiveDate,
) -> Result<Iin> {
    let mut check = Check::default();
    let iin = Iin::parse(iin);
    if let Err(rule) = &iin {
        check.rule(false, "/iin", rule.clone());
    }
    check.text("/full_name_kk", &judge.full_name_kk, NAME_LENGTH_MAX);
    check.text("/full_name_ru", &judge.full_name_ru, NAME_LENGTH_MAX);
    check.optional_text("/full_name_en", judge.full_name_en.as_deref(), NAME_LENGTH_MAX);
    check.past_date("/first_appointed_on", judge.first_appointed_on, today);
    check.external_id("/external_id", external_id);
    caller.check_external_id(&mut check, "/external_id", external_id);
    if let Some(told) = told.filter(|told| particulars::is_told(told)) {
        check.rule(external_id.is_some(), "/external_id", Rule::Required);
        particulars::check(&mut check, told, judge, None, today);
    }
    check.done()?;
    iin.map_err(|rule| Error::invalid("/iin", rule))
}

/// All faults of a post by itself.
pub fn check_position(caller: &Caller, position: &Position, today: NaiveDate) -> Result<()> {
    let mut check = Check::default();
    check.span(position.starts_on, position.ends_on);
    let is_reason_alone = position.ended_reason.is_some() && position.ends_on.is_none();
    check.rule(!is_reason_alone, "/ended_reason", Rule::Mismatch { other: "ends_on" });
    check.optional_text("/act_ref", position.act_ref.as_deref(), NAME_LENGTH_MAX);
    position.specialisations.check(&mut check, "/specialisations", Catalogue::standard()?);
    check.system("/source_system", &position.source_system);
    caller.check_source(&mut check, "/source_system", &position.source_system);
    check.optional_text("/source_record_id", position.source_record_id.as_deref(), 100);
    check.past_date("/as_of", position.as_of, today);
    check.optional_text("/legal_basis", position.legal_basis.as_deref(), NAME_LENGTH_MAX);
    check.done()
}

/// Records a post in place of the one that it names, if any; the post as it stands then. A refusal has changed nothing.
pub fn insert_position(conn: &mut Conn, caller: &Caller, mut position: Position) -> Result<Position> {
    store::judges::find(conn, position.judge_id)?.ok_or(Code::NotFound)?;
    if store::courts::find(conn, position.court_id)?.is_none() {
        return Err(Error::invalid("/court_id", Rule::Missing));
    }
    position.status = status_after(conn, caller, &position)?;
    if store::positions::is_held(conn, &position)? {
        return Err(Code::AlreadyExists.into());
    }
    if let Some(old_id) = position.supersedes_id {
        store::positions::set_status(conn, old_id, RecordStatus::Corrected)?;
    }
    store::positions::insert(conn, &position)?;
    Ok(position)
}

/// All faults of a value, against its indicator as it stands in the registry.
pub fn check_observation(
    caller: &Caller,
    catalogue: &Catalogue,
    indicator: Option<&Indicator>,
    observation: &Observation,
    period: Period,
    today: NaiveDate,
) -> Result<()> {
    let mut check = Check::default();
    let reported = Reported {
        indicator_code: observation.indicator_code.clone(),
        category: observation.category.clone(),
        period,
        numerator: observation.numerator,
        denominator: observation.denominator,
    };
    match indicator {
        None => check.rule(false, "/indicator_code", Rule::Missing),
        Some(indicator) => match check_value(indicator, &reported) {
            Err(faults) => check.faults(faults),
            // Only a category of the right form is looked for, so that one fault is told once.
            Ok(()) => check.rule(catalogue.has_category(&observation.category), "/category", Rule::Missing),
        },
    }
    check.rule(period.has_begun_on(today), "/period", Rule::Format { expected: "a quarter that has begun" });
    check.system("/source_system", &observation.source_system);
    caller.check_source(&mut check, "/source_system", &observation.source_system);
    check.optional_text("/source_record_id", observation.source_record_id.as_deref(), 100);
    check.optional_text("/legal_basis", observation.legal_basis.as_deref(), NAME_LENGTH_MAX);
    check.past_date("/as_of", observation.as_of, today);
    check.rule(observation.as_of >= period.starts_on(), "/as_of", Rule::Order { other: "period" });
    check.done()
}

/// All faults of a record of another section, at `/content/<section>/…` and the members beside it.
pub fn check_record(caller: &Caller, new: &NewFileRecord, today: NaiveDate) -> Result<()> {
    let mut check = Check::default();
    new.content.check(&mut check, today);
    check.system("/source_system", &new.source_system);
    caller.check_source(&mut check, "/source_system", &new.source_system);
    let is_own_word = [OWN_SOURCE, STAFF_SOURCE].contains(&new.source_system.as_str());
    check.rule(!is_own_word, "/source_system", Rule::Fixed);
    check.optional_text("/source_record_id", new.source_record_id.as_deref(), 100);
    check.past_date("/as_of", new.as_of, today);
    check.optional_text("/legal_basis", new.legal_basis.as_deref(), NAME_LENGTH_MAX);
    check.done()
}

/// All faults of a review of an act.
pub fn check_act(caller: &Caller, act: &Act, today: NaiveDate) -> Result<()> {
    let mut check = Check::default();
    let reported = ReportedReview {
        case_no: &act.case_no,
        category: &act.category,
        act_date: act.act_date,
        appealed_on: act.appealed_on,
        outcome: act.outcome,
        reason_code: act.reason_code,
        jury_decision_ref: act.jury_decision_ref.as_deref(),
        as_of: act.as_of,
    };
    check_review(&mut check, &reported, Catalogue::standard()?, today);
    check.system("/source_system", &act.source_system);
    caller.check_source(&mut check, "/source_system", &act.source_system);
    check.optional_text("/source_record_id", act.source_record_id.as_deref(), 100);
    check.optional_text("/legal_basis", act.legal_basis.as_deref(), NAME_LENGTH_MAX);
    check.done()
}

/// Records a review of an act in place of the one that it names, if any; the review as it stands then.
pub fn insert_act(conn: &mut Conn, caller: &Caller, mut act: Act) -> Result<Act> {
    store::judges::find(conn, act.judge_id)?.ok_or(Code::NotFound)?;
    act.status = take_out_of_force(conn, caller, &act)?;
    store::acts::insert(conn, &act)?;
    Ok(act)
}

//! What a source tells of a judge's person, told anew or for the first time. What a newcomer would get wrong: what a source
//! is silent about has not ceased to be so. What it does not tell stays as it was told before.

use chrono::NaiveDate;

use crate::db::Conn;
use crate::domain::caller::Caller;
use crate::domain::judge_file::{Check, RecordStatus};
use crate::domain::particulars::{LEGAL_SERVICE_MAX, check_birth_date};
use crate::error::{Code, Result, Rule};
use crate::store;
use crate::store::judges::Judge;
use crate::store::particulars::Particulars;

/// What became of what was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// Nothing was known before.
    New,
    /// It takes the place of what was known.
    Restated,
    /// It was known already.
    Unchanged,
}

/// The faults of what is told, by itself and of the judge as on record; `in_office_on` is today where the judge holds a post.
pub fn check(check: &mut Check, told: &Particulars, judge: &Judge, in_office_on: Option<NaiveDate>, today: NaiveDate) {
    if let Some(birth_date) = told.birth_date {
        check_birth_date(check, "/birth_date", birth_date, judge.first_appointed_on, in_office_on);
    }
    let is_likely = told.legal_service_hundredths.is_none_or(|years| (0..=LEGAL_SERVICE_MAX).contains(&years));
    check.rule(is_likely, "/legal_service_hundredths", Rule::Range { min: 0, max: LEGAL_SERVICE_MAX });
    check.past_date("/as_of", told.as_of, today);
}

/// Whether anything is told at all.
pub fn is_told(told: &Particulars) -> bool {
    told.birth_date.is_some() || told.sex.is_some() || told.legal_service_hundredths.is_some()
}

/// Records what is told in place of what is known, if that is something else; what is on record then.
///
/// # Errors
/// 409 `already_superseded` where something newer is known; 409 `already_exists` where a machine would replace what another
/// system told.
pub fn tell(conn: &mut Conn, caller: &Caller, told: &Particulars) -> Result<(Told, Particulars)> {
    let Some(old) = store::particulars::in_force(conn, told.judge_id)? else {
        store::particulars::insert(conn, told)?;
        return Ok((Told::New, told.clone()));
    };
    let new = Particulars {
        birth_date: told.birth_date.or(old.birth_date),
        sex: told.sex.or(old.sex),
        legal_service_hundredths: told.legal_service_hundredths.or(old.legal_service_hundredths),
        status: old.status.of_successor(),
        supersedes_id: Some(old.id),
        ..told.clone()
    };
    let says = |row: &Particulars| (row.birth_date, row.sex, row.legal_service_hundredths);
    if says(&new) == says(&old) {
        return Ok((Told::Unchanged, old));
    }
    if new.as_of < old.as_of {
        return Err(Code::AlreadySuperseded.into());
    }
    if !caller.speaks_for(&old.source_system) {
        return Err(Code::AlreadyExists.into());
    }
    store::particulars::set_status(conn, old.id, RecordStatus::Corrected)?;
    store::particulars::insert(conn, &new)?;
    Ok((Told::Restated, new))
}

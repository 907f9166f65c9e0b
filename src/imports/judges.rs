//! Files of judges. A newcomer's usual mistake is to repeat an IIN in a finding: it comes in by the file alone, is sealed
//! before it is stored, and goes out nowhere.

use chrono::{DateTime, NaiveDate, Utc};
use zeroize::Zeroizing;

use super::cells::{Column, Fields, SourceRow};
use super::{Kind, Run, one_of};
use crate::cipher::Use;
use crate::db::Conn;
use crate::domain::caller::Caller;
use crate::domain::ids::{self, ImportId, JudgeId, ParticularsId};
use crate::domain::imports::Warning;
use crate::domain::judge_file::{Check, ExternalId, RecordStatus};
use crate::domain::particulars::Sex;
use crate::error::{Code, Error, Result, Rule};
use crate::store;
use crate::store::batches::{Dependants, Extent, Undone};
use crate::store::external_ids::Named;
use crate::store::judges::{Judge, KeptIin};
use crate::store::particulars::Particulars;
use crate::store::reconciliation::Recorded;
use crate::workflow;
use crate::workflow::checks::check_judge;
use crate::workflow::particulars::{Told, is_told, tell};

/// Judges.
pub(super) struct Judges;

const COLUMNS: &[Column] = &[
    Column::text("iin", "850101424712"),
    Column::text("full_name_kk", "Нұрлан Серікұлы Әбдіров"),
    Column::text("full_name_ru", "Абдиров Нурлан Серикович"),
    Column::text("full_name_en", ""),
    Column::value("first_appointed_on", "2015-03-02"),
    Column::text("source_system", "toerelik"),
    Column::text("source_record_id", "J-20417"),
    Column::value("birth_date", "1985-06-15"),
    Column::text("sex", "m"),
    Column::value("legal_service_hundredths", ""),
    Column::value("as_of", "2027-01-10"),
];

/// A judge as a row tells of one.
struct ToldJudge {
    judge: Judge,
    iin: Zeroizing<String>,
    external_id: ExternalId,
    particulars: Particulars,
}

impl Kind for Judges {
    fn columns(&'static self) -> &'static [Column] {
        COLUMNS
    }

    fn take(&'static self, conn: &mut Conn, run: &mut Run<'_>, rows: &[SourceRow]) -> Result<()> {
        for row in rows {
            let mut fields = run.fields(COLUMNS, row);
            let Some(told) = read(run, &mut fields)? else {
                run.refuse_for(row.number, fields.into_faults());
                continue;
            };
            if let Err(error) = settle(conn, run, row.number, &told) {
                run.refuse(row.number, error)?;
            }
        }
        Ok(())
    }

    fn recorded(&self, conn: &mut Conn, source_system: &str, _period: Option<NaiveDate>) -> Result<Vec<Recorded>> {
        store::reconciliation::named(conn, Named::Judge, source_system)
    }

    fn dependants(&self, conn: &mut Conn, batch: ImportId, _since: NaiveDate) -> Result<Vec<Dependants>> {
        store::batches::persons::dependants(conn, batch)
    }

    fn extent(&self, conn: &mut Conn, batch: ImportId) -> Result<Extent> {
        store::batches::persons::extent(conn, batch)
    }

    fn undo(&self, conn: &mut Conn, batch: ImportId, by: &Caller, now: DateTime<Utc>) -> Result<Undone> {
        store::batches::persons::undo(conn, batch, by.id(), now)
    }
}

/// The judge of a row, or `None` with faults noted.
fn read(run: &Run<'_>, fields: &mut Fields<'_>) -> Result<Option<ToldJudge>> {
    let iin = fields.needed("iin", |fields, name| fields.iin(name)).map(Zeroizing::new);
    let full_name_kk = fields.needed("full_name_kk", |fields, name| fields.text(name));
    let full_name_ru = fields.needed("full_name_ru", |fields, name| fields.text(name));
    let full_name_en = fields.text("full_name_en");
    let first_appointed_on = fields.needed("first_appointed_on", |fields, name| fields.day(name));
    let source_system = fields.needed("source_system", |fields, name| fields.text(name));
    let value = fields.needed("source_record_id", |fields, name| fields.text(name));
    let birth_date = fields.day("birth_date");
    let sex = fields.word::<Sex>("sex", one_of(Sex::ALL.iter().map(|sex| sex.as_str())));
    let legal_service_hundredths = fields.whole("legal_service_hundredths");
    let as_of = fields.day("as_of").unwrap_or_else(|| run.terms.today());
    if !fields.is_sound() {
        return Ok(None);
    }
    let (Some(iin), Some(full_name_kk), Some(full_name_ru), Some(first_appointed_on), Some(source_system), Some(value)) =
        (iin, full_name_kk, full_name_ru, first_appointed_on, source_system, value)
    else {
        return Err(Error::internal("a field that is not there has no fault"));
    };
    let judge = Judge {
        id: JudgeId(ids::new_at(run.terms.now)),
        full_name_kk,
        full_name_ru,
        full_name_en,
        first_appointed_on,
        version: 1,
        batch_id: Some(run.terms.import_id),
    };
    let particulars = Particulars {
        id: ParticularsId(ids::new_at(run.terms.now)),
        judge_id: judge.id,
        birth_date,
        sex,
        legal_service_hundredths,
        source_system: source_system.clone(),
        as_of,
        received_at: run.terms.now.naive_utc(),
        recorded_by: run.terms.caller.id().account(),
        recorded_by_client: run.terms.caller.id().client(),
        status: RecordStatus::Active,
        supersedes_id: None,
        batch_id: Some(run.terms.import_id),
    };
    Ok(Some(ToldJudge { judge, iin, external_id: ExternalId { source_system, value }, particulars }))
}

/// Adds a judge, unless on record as the row says; what it says of the person takes the place of what is known.
fn settle(conn: &mut Conn, run: &mut Run<'_>, row: i64, told: &ToldJudge) -> Result<()> {
    let ToldJudge { judge, iin, external_id, particulars } = told;
    let (cipher, today) = (&run.terms.cipher, run.terms.today());
    let iin = check_judge(&run.terms.caller, judge, iin, Some(external_id), Some(particulars), today)?;
    let hash = cipher.keyed_hash(Use::IinLookup, iin.as_str().as_bytes())?;
    let known = store::external_ids::find_object(conn, Named::Judge, external_id)?;
    let by_iin = store::judges::find_by_iin_hash(conn, &hash)?;
    match (known, by_iin) {
        (Some(id), Some(old)) if old.id.to_string() == id && is_same(&old, judge) => {
            let told = Particulars { judge_id: old.id, ..particulars.clone() };
            let (what, status) = tell_known(conn, run, &old, &told)?;
            match what {
                Told::New | Told::Restated => {
                    run.touched.insert(old.id);
                    run.tally.restated += 1;
                    if status == RecordStatus::Disputed {
                        run.warn(
                            row,
                            "",
                            Warning::RestatesDisputed,
                            "birth_date, sex, legal_service_hundredths".to_owned(),
                        );
                    }
                }
                Told::Unchanged => run.tally.unchanged += 1,
            }
            run.count(&external_id.source_system);
            return Ok(());
        }
        (Some(_), _) => return Err(Code::AlreadyExists.into()),
        (None, Some(_)) => return Err(Error::invalid("/iin", Rule::Duplicate)),
        (None, None) => {}
    }
    let sealed = cipher.seal(Use::Iin, judge.id.0.as_bytes(), iin.as_str().as_bytes())?;
    store::judges::insert(conn, judge, &KeptIin { sealed, hash })?;
    store::external_ids::insert(conn, Named::Judge, &judge.id.to_string(), external_id)?;
    if is_told(particulars) {
        store::particulars::insert(conn, particulars)?;
    }
    run.touched.insert(judge.id);
    run.tally.new += 1;
    run.count(&external_id.source_system);
    Ok(())
}

/// Records what a row tells of the person of a judge on record; a row that tells nothing changes nothing.
fn tell_known(
    conn: &mut Conn,
    run: &Run<'_>,
    judge: &Judge,
    particulars: &Particulars,
) -> Result<(Told, RecordStatus)> {
    if !is_told(particulars) {
        return Ok((Told::Unchanged, particulars.status));
    }
    let today = run.terms.today();
    let in_office_on = store::particulars::is_in_office(conn, judge.id, today)?.then_some(today);
    let mut check = Check::default();
    workflow::particulars::check(&mut check, particulars, judge, in_office_on, today);
    check.done()?;
    let (what, on_record) = tell(conn, &run.terms.caller, particulars)?;
    Ok((what, on_record.status))
}

fn is_same(old: &Judge, new: &Judge) -> bool {
    let told = |judge: &Judge| {
        let Judge { full_name_kk, full_name_ru, full_name_en, first_appointed_on, .. } = judge.clone();
        (full_name_kk, full_name_ru, full_name_en, first_appointed_on)
    };
    told(old) == told(new)
}

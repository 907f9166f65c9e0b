//! The catalogue of indicators as the registry keeps it. The standard catalogue is put in when the registry opens; a
//! definition that is there already stays as it is, since observations refer to it.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;

use super::audit;
use super::schema::indicators;
use crate::db::Conn;
use crate::domain::indicators::{Catalogue, Direction, Indicator, IndicatorKind};
use crate::domain::methodology::Text;
use crate::error::{Error, Result};
use crate::on;

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = indicators, treat_none_as_default_value = false)]
struct Row {
    code: String,
    name_kk: String,
    name_ru: String,
    name_en: Option<String>,
    unit: String,
    scale: i32,
    min_value: i64,
    max_value: i64,
    direction: Direction,
    is_scorable: bool,
    source: String,
    kind: IndicatorKind,
    in_force_from: NaiveDate,
    in_force_to: Option<NaiveDate>,
}

impl From<&Indicator> for Row {
    fn from(indicator: &Indicator) -> Row {
        Row {
            code: indicator.code.clone(),
            name_kk: indicator.name.kk.clone(),
            name_ru: indicator.name.ru.clone(),
            name_en: indicator.name.en.clone(),
            unit: indicator.unit.clone(),
            scale: i32::from(indicator.scale),
            min_value: indicator.min,
            max_value: indicator.max,
            direction: indicator.direction,
            is_scorable: indicator.is_scorable,
            source: indicator.source.clone(),
            kind: indicator.kind,
            in_force_from: indicator.in_force_from,
            in_force_to: indicator.in_force_to,
        }
    }
}

impl TryFrom<Row> for Indicator {
    type Error = Error;

    fn try_from(row: Row) -> Result<Indicator> {
        Ok(Indicator {
            code: row.code,
            name: Text { kk: row.name_kk, ru: row.name_ru, en: row.name_en },
            unit: row.unit,
            scale: u8::try_from(row.scale).map_err(Error::internal)?,
            min: row.min_value,
            max: row.max_value,
            direction: row.direction,
            is_scorable: row.is_scorable,
            source: row.source,
            kind: row.kind,
            in_force_from: row.in_force_from,
            in_force_to: row.in_force_to,
        })
    }
}

/// Puts in the definitions that are missing, with one audit entry where there are any.
pub fn seed(conn: &mut Conn, catalogue: &Catalogue, now: DateTime<Utc>) -> Result<()> {
    let known: Vec<String> = on!(conn, |c| { indicators::table.select(indicators::code).load(c) })?;
    let missing: Vec<Row> =
        (catalogue.indicators.iter()).filter(|indicator| !known.contains(&indicator.code)).map(Row::from).collect();
    if missing.is_empty() {
        return Ok(());
    }
    for row in &missing {
        on!(conn, |c| { diesel::insert_into(indicators::table).values(row).execute(c) })?;
    }
    audit::record(conn, audit::NewEntry::new(None, "seed_indicators", "indicator", "standard"), now)?;
    Ok(())
}

/// The definition of this code.
pub fn find(conn: &mut Conn, code: &str) -> Result<Option<Indicator>> {
    let row: Option<Row> =
        on!(conn, |c| { indicators::table.find(code).select(Row::as_select()).first(c).optional() })?;
    row.map(Indicator::try_from).transpose()
}

/// Definitions by code, after `after`, at most `limit`.
pub fn list(conn: &mut Conn, after: Option<&str>, limit: i64) -> Result<Vec<Indicator>> {
    let rows: Vec<Row> = on!(conn, |c| {
        let mut query = indicators::table.select(Row::as_select()).order(indicators::code).limit(limit).into_boxed();
        if let Some(after) = after {
            query = query.filter(indicators::code.gt(after.to_owned()));
        }
        query.load(c)
    })?;
    rows.into_iter().map(Indicator::try_from).collect()
}

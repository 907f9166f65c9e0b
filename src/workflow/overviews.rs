//! The flow of cases through the courts of a region: which judge was at which court, and what each adds. What a newcomer
//! would get wrong: a judge counts at one court, the one of the earliest post held at the end of the quarter, so that no
//! sum has anybody twice.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::indicators::load;
use crate::db::Conn;
use crate::domain::calendar::Period;
use crate::domain::derived::Work;
use crate::domain::derived::counts::Input;
use crate::domain::derived::overview::{Cell, OverviewFigures, flow, overview};
use crate::domain::ids::{CourtId, JudgeId};
use crate::error::Result;
use crate::store;
use crate::store::comparisons::Standing;
use crate::store::courts::Court;

/// The most courts of one level in a region.
const COURTS_MAX: i64 = 1_000;

/// One kind of case.
pub struct CategoryOverview {
    /// The kind of case.
    pub category: String,
    /// All courts together.
    pub whole: OverviewFigures,
    /// Each court that has judges with such cases, by id.
    pub courts: Vec<(Court, OverviewFigures)>,
}

/// The overview of a quarter: four queries, by the ids of the courts' judges.
pub fn find(conn: &mut Conn, standing: &Standing, quarter: Period, today: NaiveDate) -> Result<Vec<CategoryOverview>> {
    let on = quarter.ends_on().min(today);
    let courts = store::courts::list(conn, Some(&standing.region), Some(standing.level), None, COURTS_MAX)?;
    let court_of: BTreeMap<JudgeId, CourtId> =
        store::comparisons::posts_of(conn, standing, on)?.into_iter().rev().collect();
    let judges: Vec<JudgeId> = court_of.keys().copied().collect();
    let works = load(conn, &judges, quarter.starts_on(), quarter.ends_on())?;
    let mut flows: BTreeMap<&str, BTreeMap<CourtId, Cell>> = BTreeMap::new();
    for (judge, work) in &works {
        let Some(court) = court_of.get(judge) else { continue };
        for category in categories(work) {
            if let Some(flow) = flow(work, category, quarter) {
                flows.entry(category).or_default().entry(*court).or_default().push(flow);
            }
        }
    }
    Ok(flows.into_iter().map(|(category, cells)| of_category(category, cells, &courts, quarter)).collect())
}

fn categories(work: &Work) -> impl Iterator<Item = &str> {
    work.counts.categories_with(|input| input == Input::Resolved)
}

fn of_category(category: &str, cells: BTreeMap<CourtId, Cell>, courts: &[Court], quarter: Period) -> CategoryOverview {
    let shown: Vec<&Court> = courts.iter().filter(|court| cells.contains_key(&court.id)).collect();
    let cells: Vec<Cell> = shown.iter().filter_map(|court| cells.get(&court.id).cloned()).collect();
    let (whole, of_courts) = overview(&cells, quarter);
    let courts = shown.into_iter().cloned().zip(of_courts).collect();
    CategoryOverview { category: category.to_owned(), whole, courts }
}

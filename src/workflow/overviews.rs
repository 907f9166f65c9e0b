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
    let court_of = judges_of(conn, standing, on)?;
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

/// What is counted of a court, or of courts together.
#[derive(Debug, Clone, Copy, Default)]
pub struct Staffing {
    /// The posts of the establishment.
    pub posts: i64,
    /// The judges who hold a post.
    pub judge_count: usize,
    /// Their evaluations that are neither counted nor cancelled.
    pub evaluations_under_way: usize,
    /// Their requests for correction that are open.
    pub open_correction_requests: usize,
}

/// How the courts of a region and level are staffed on a day, together and by id: four queries.
pub fn staffing(conn: &mut Conn, standing: &Standing, on: NaiveDate) -> Result<(Staffing, Vec<(Court, Staffing)>)> {
    let courts = store::courts::list(conn, Some(&standing.region), Some(standing.level), None, COURTS_MAX)?;
    let court_of = judges_of(conn, standing, on)?;
    let judges: Vec<JudgeId> = court_of.keys().copied().collect();
    let mut counted: BTreeMap<CourtId, Staffing> = BTreeMap::new();
    for court in &courts {
        counted.entry(court.id).or_default().posts = i64::from(court.posts);
    }
    for court in court_of.values() {
        counted.entry(*court).or_default().judge_count += 1;
    }
    for court in store::evaluations::under_way_of(conn, &judges)?.iter().filter_map(|judge| court_of.get(judge)) {
        counted.entry(*court).or_default().evaluations_under_way += 1;
    }
    for court in store::corrections::open_of(conn, &judges)?.iter().filter_map(|judge| court_of.get(judge)) {
        counted.entry(*court).or_default().open_correction_requests += 1;
    }
    let whole = counted.values().fold(Staffing::default(), |sum, one| Staffing {
        posts: sum.posts + one.posts,
        judge_count: sum.judge_count + one.judge_count,
        evaluations_under_way: sum.evaluations_under_way + one.evaluations_under_way,
        open_correction_requests: sum.open_correction_requests + one.open_correction_requests,
    });
    let of = |court: Court| (counted.get(&court.id).copied().unwrap_or_default(), court);
    Ok((whole, courts.into_iter().map(of).map(|(figures, court)| (court, figures)).collect()))
}

/// Each judge of a region and level with the court of the earliest post that the judge holds on a day.
fn judges_of(conn: &mut Conn, standing: &Standing, on: NaiveDate) -> Result<BTreeMap<JudgeId, CourtId>> {
    Ok(store::comparisons::posts_of(conn, standing, on)?.into_iter().rev().collect())
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

//! From nothing to drawn panels: accounts, courts, judges and their files, the methodology, conflicts, the cycle. A
//! newcomer would write rows into the database; staff have the API, and so has the demonstration.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;
use futures_util::stream::{self, TryStreamExt};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::people::{Judge, People};
use super::progress::Steps;
use super::ratings::Rated;
use super::staff::{Caller, Wire, text};
use super::stage::Stage;
use crate::app;
use crate::domain::methodology::Methodology;
use crate::domain::policy::StaffRole;
use crate::error::{Error, Result};

/// How many calls are under way at once.
pub(super) const AT_ONCE: usize = 8;

/// The system of record that everything comes from, as the registry names it.
const SOURCE: &str = "ejf_demo";
/// The quarter that the ratings are put into; they know none.
const QUARTER: &str = "2026-Q4";
/// The day on which the source told, after the quarter.
const AS_OF: &str = "2027-01-08";
/// The first day of everybody's post.
pub(super) const APPOINTED_ON: &str = "2015-09-01";
/// How many pairs of judges declare a conflict.
const CONFLICTS: usize = 6;

/// The people who run the evaluation.
pub(super) struct Staff {
    /// Makes accounts, and nothing else.
    pub administrator: Caller,
    /// Runs the cycle.
    pub secretary: Caller,
    /// Confirms what two persons must do.
    pub second_secretary: Caller,
    /// Has all evaluations, reads their results, and drafts and proposes.
    pub member: Caller,
    /// Replays the draw, and recounts.
    pub auditor: Caller,
    /// Recounts.
    pub second_auditor: Caller,
}

/// The judges as the registry knows them, with their log-ins.
pub(super) struct Registered {
    /// By external id.
    pub judge_ids: BTreeMap<String, String>,
    /// By external id.
    pub callers: BTreeMap<String, Caller>,
}

/// Makes the staff's accounts: the first on the server itself, as `ejf account add` does, the others through the API.
pub(super) async fn engage_staff(stage: &Stage, wire: &Wire, password: &Arc<str>) -> Result<Staff> {
    let first = app::NewStaff::administrator(password);
    app::add_account(&stage.registry.registry, &stage.config, first, stage.clock.now()).await?;
    let administrator = Caller::new(wire, "administrator", password);
    wire.trace.open(&wire.base, password);
    for (login, role) in [
        ("secretary", StaffRole::Secretary),
        ("second-secretary", StaffRole::Secretary),
        ("member", StaffRole::Member),
        ("auditor", StaffRole::Auditor),
        ("second-auditor", StaffRole::Auditor),
    ] {
        let account = json!({"login": login, "password": &**password, "staff_role": role});
        administrator.post("/v1/accounts", account).await?;
    }
    Ok(Staff {
        administrator,
        secretary: Caller::new(wire, "secretary", password),
        second_secretary: Caller::new(wire, "second-secretary", password),
        member: Caller::new(wire, "member", password),
        auditor: Caller::new(wire, "auditor", password),
        second_auditor: Caller::new(wire, "second-auditor", password),
    })
}

/// Imports courts, judges with their posts, and the files of those who are evaluated.
pub(super) async fn import(
    staff: &Staff,
    wire: &Wire,
    people: &People,
    rated: &[Rated],
    password: &Arc<str>,
    steps: &mut Steps,
) -> Result<Registered> {
    let step = steps.begin("importing courts and files", people.courts.len() + people.judges().count());
    let mut court_ids = Vec::with_capacity(people.courts.len());
    for (place, court) in people.courts.iter().enumerate() {
        let posts = people.judges().filter(|judge| judge.court == place).count();
        let new = json!({
            "name_kk": court.name_kk, "name_ru": court.name_ru, "level": court.level, "region": court.region,
            "posts": posts, "external_id": {"source_system": SOURCE, "value": court.external_id},
        });
        court_ids.push(text(&staff.secretary.post("/v1/courts", new).await?, "id")?.to_owned());
        step.advance();
    }
    let registered = Mutex::new(Registered { judge_ids: BTreeMap::new(), callers: BTreeMap::new() });
    let ratings = rated.iter().cycle().map(Some).take(people.subjects.len()).chain(std::iter::repeat(None));
    stream::iter(people.judges().zip(ratings).map(Ok))
        .try_for_each_concurrent(AT_ONCE, |(judge, rated)| {
            let (court_ids, registered, step) = (&court_ids, &registered, &step);
            async move {
                let judge_id = register(staff, judge, court_ids, rated).await?;
                let login = judge.external_id.to_lowercase();
                let account = json!({"login": login, "password": &**password, "judge_id": judge_id});
                staff.administrator.post("/v1/accounts", account).await?;
                let mut registered = registered.lock().await;
                registered.judge_ids.insert(judge.external_id.clone(), judge_id);
                registered.callers.insert(judge.external_id.clone(), Caller::new(wire, login, password));
                step.advance();
                Ok::<(), Error>(())
            }
        })
        .await?;
    steps.end(step);
    Ok(registered.into_inner())
}

/// Registers one judge with the post, and with the observations where there are ratings.
async fn register(staff: &Staff, judge: &Judge, court_ids: &[String], rated: Option<&Rated>) -> Result<String> {
    let court_id = court_ids.get(judge.court).ok_or_else(|| Error::internal("a judge of the demo has no court"))?;
    let new = json!({
        "iin": judge.iin.as_str(), "full_name_kk": judge.full_name_kk, "full_name_ru": judge.full_name_ru,
        "first_appointed_on": APPOINTED_ON, "external_id": {"source_system": SOURCE, "value": judge.external_id},
    });
    let judge_id = text(&staff.secretary.post("/v1/judges", new).await?, "id")?.to_owned();
    let post = json!({
        "court_id": court_id, "kind": "judge", "starts_on": APPOINTED_ON, "source_system": SOURCE, "as_of": AS_OF,
    });
    staff.secretary.post(&format!("/v1/judges/{judge_id}/positions"), post).await?;
    for (indicator_code, numerator) in rated.into_iter().flat_map(Rated::observations) {
        let observation = json!({
            "indicator_code": indicator_code, "category": "all", "period": QUARTER, "numerator": numerator,
            "source_system": SOURCE, "source_record_id": format!("{}/{indicator_code}", judge.external_id),
            "as_of": AS_OF,
        });
        staff.secretary.post(&format!("/v1/judges/{judge_id}/observations"), observation).await?;
    }
    Ok(judge_id)
}

/// Publishes the default methodology by two persons; its Kazakh and Russian texts are drafts, which they accept.
pub(super) async fn publish_methodology(staff: &Staff) -> Result<String> {
    let methodology = serde_json::to_value(Methodology::standard()?).map_err(Error::internal)?;
    let created = staff.secretary.post("/v1/methodologies", methodology).await?;
    let id = text(&created, "id")?.to_owned();
    let path = format!("/v1/methodologies/{id}/publish");
    staff.secretary.act_with(&staff.second_secretary, &path, json!({"accepts_draft_texts": true})).await?;
    Ok(id)
}

/// Declares a few conflicts, half of them by the judges themselves.
pub(super) async fn declare_conflicts(staff: &Staff, people: &People, registered: &Registered) -> Result<()> {
    for (number, (subject, peer)) in people.subjects.iter().zip(&people.peers).take(CONFLICTS).enumerate() {
        let (own, other) = (registered.judge_id(subject)?, registered.judge_id(peer)?);
        let conflict = json!({"judge_id": own, "other_judge_id": other, "kind": "relative", "starts_on": APPOINTED_ON});
        let who = if number % 2 == 0 { &staff.secretary } else { registered.caller(subject)? };
        who.post("/v1/conflicts", conflict).await?;
    }
    Ok(())
}

impl Registered {
    /// The registry's id of a judge.
    pub fn judge_id(&self, judge: &Judge) -> Result<&str> {
        let id = self.judge_ids.get(&judge.external_id);
        id.map(String::as_str).ok_or_else(|| Error::internal("a judge of the demo is not registered"))
    }

    /// The log-in of a judge.
    pub fn caller(&self, judge: &Judge) -> Result<&Caller> {
        self.callers.get(&judge.external_id).ok_or_else(|| Error::internal("a judge of the demo has no account"))
    }
}

/// The cycle as the registry shows it.
pub(super) struct Cycle {
    /// Its id.
    pub id: String,
    view: Value,
}

impl Cycle {
    /// Plans the cycle and opens it by two persons, on the clock's present day.
    pub async fn open(
        staff: &Staff,
        people: &People,
        registered: &Registered,
        methodology_id: &str,
        starts_on: NaiveDate,
    ) -> Result<Cycle> {
        let subjects: Vec<Value> = people
            .subjects
            .iter()
            .map(|judge| Ok(json!({"judge_id": registered.judge_id(judge)?, "kind": "periodic"})))
            .collect::<Result<_>>()?;
        let new = json!({
            "methodology_id": methodology_id, "evaluating_body": "quality_commission", "starts_on": starts_on,
            "title_kk": "Көрсетілім: 2027 жылғы бағалау", "title_ru": "Демонстрация: оценка 2027 года",
            "title_en": "Demonstration: evaluation of 2027", "subjects": subjects,
        });
        let view = staff.secretary.post("/v1/cycles", new).await?;
        let cycle = Cycle { id: text(&view, "id")?.to_owned(), view };
        cycle.act(staff, "open").await?;
        Ok(cycle)
    }

    /// A day of the cycle by its name.
    pub fn day(&self, name: &str) -> Result<NaiveDate> {
        text(self.view.get("dates").unwrap_or(&Value::Null), name)?.parse().map_err(Error::internal)
    }

    /// A text of the cycle as last read.
    pub fn text(&self, name: &str) -> Result<&str> {
        text(&self.view, name)
    }

    /// Reads the cycle again.
    pub async fn refresh(&mut self, staff: &Staff) -> Result<()> {
        self.view = staff.secretary.get(&format!("/v1/cycles/{}", self.id)).await?;
        Ok(())
    }

    /// Moves the cycle where one person suffices.
    pub async fn advance(&self, staff: &Staff, to: &str) -> Result<()> {
        staff.secretary.post(&format!("/v1/cycles/{}/advance", self.id), json!({"to": to})).await?;
        Ok(())
    }

    /// Does an act of two persons.
    pub async fn act(&self, staff: &Staff, act: &str) -> Result<()> {
        let path = format!("/v1/cycles/{}/{act}", self.id);
        staff.secretary.act_with(&staff.second_secretary, &path, json!({})).await?;
        Ok(())
    }

    /// The evaluations, by the id of the judge.
    pub async fn evaluations(&self, staff: &Staff) -> Result<BTreeMap<String, String>> {
        let items = staff.secretary.list(&format!("/v1/cycles/{}/evaluations", self.id)).await?;
        items.iter().map(|item| Ok((text(item, "judge_id")?.to_owned(), text(item, "id")?.to_owned()))).collect()
    }
}

/// Takes the cycle from its opening to drawn panels, and has the auditor look at the draw.
pub(super) async fn draw_panels(stage: &Stage, staff: &Staff, cycle: &Cycle) -> Result<()> {
    stage.move_to(cycle.day("file_review_open")?);
    cycle.advance(staff, "file_review").await?;
    stage.move_to(cycle.day("pool_review_open")?);
    cycle.advance(staff, "pool_review").await?;
    stage.move_to(cycle.day("draw_by")?);
    cycle.act(staff, "draw").await?;
    staff.auditor.get(&format!("/v1/cycles/{}/draw-record", cycle.id)).await?;
    Ok(())
}
